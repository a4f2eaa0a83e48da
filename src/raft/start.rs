//! How raft starts and ends: what the two disks hold decides where it goes on.

use super::applier;
use super::bootstrap::wait_for_group;
use super::driver::{Beginning, Driver, Event, Inputs};
use super::handle::{Permits, Raft, Request, Shared};
use super::hello::{Identity, Own};
use super::listener::{Incoming, Server};
use super::log::{Log, Point};
use super::{Entry, Member, Membership, Options, Payload, Role, StateMachine, Status, Stopped};
use crate::env::{Batch, Durability, Env, Store, StoreError};
use crate::ids::{Index, Term};
use crate::limits;
use crate::mutants::mutant;
use raft::eraftpb::HardState;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, watch};

/// The term of a founding: below any that is voted on.
const FOUNDING_TERM: u64 = 1;

/// Why raft cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("listening for other masters on {addr}: {error}")]
    Listen { addr: SocketAddr, error: io::Error },
    #[error("raft options: {0}")]
    Options(&'static str),
    /// The two directories do not fit each other.
    #[error("{0}")]
    Disks(String),
}

/// Where this disk begins.
enum Begin {
    /// It is in a group.
    Resume,
    /// It holds nothing of a group. `applied` is `None` when it was in one once, or its state was.
    Ask { applied: Option<u64> },
}

/// Starts raft over a log store of its own and a state machine. Returns when it listens; whether this master is in a group yet, and
/// who leads it, is told by [`Raft::watch`].
pub async fn start<M: StateMachine>(
    env: Env,
    options: Options,
    store: Arc<dyn Store>,
    mut machine: M,
) -> Result<Raft<M::Outcome>, StartError> {
    check(&options)?;
    let mut log = Log::open(&env, store.clone()).await?;
    let begin = examine(&mut log, &store, &mut machine, &options).await?;
    let own = match &begin {
        Begin::Resume => Own::Member(machine.membership().unwrap_or_default()),
        Begin::Ask { applied: Some(applied) } => Own::Fresh { applied: *applied },
        Begin::Ask { applied: None } => Own::Waiting,
    };
    let identity = Arc::new(Identity::new(&options, log.incarnation(), own));
    let addr = SocketAddr::new(options.bind.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), options.replica_port);
    let listener = env.network.listen(addr).await.map_err(|error| StartError::Listen { addr, error })?;

    let (inbox_in, inbox) = mpsc::channel(limits::RAFT_INBOX_MAX);
    let closing = watch::Sender::new(false);
    let server = Server { env: env.clone(), identity: identity.clone(), inbox: inbox_in, closing: closing.subscribe() };
    let server = env.spawn("raft listener", server.run(listener));

    let (requests_in, requests) = mpsc::unbounded_channel();
    let status = Status { id: options.id, incarnation: log.incarnation(), ..Status::default() };
    let shared = Arc::new(Shared {
        env: env.clone(),
        identity,
        replica_port: options.replica_port,
        requests: requests_in,
        permits: Permits::default(),
        role: watch::Sender::new(Role::default()),
        status: Mutex::new(Arc::new(status)),
        membership: Mutex::default(),
        stop: watch::Sender::new(false),
        ended: watch::Sender::new(None),
    });
    let life = Life { env: env.clone(), options, shared: shared.clone(), log, store, machine, begin, inbox, requests };
    let ending = Ending { shared: shared.clone(), reason: Stopped::Failed("raft's task has panicked".into()) };
    env.spawn("raft", async move {
        let mut ending = ending;
        let reason = life.run().await;
        closing.send_replace(true);
        server.join().await;
        ending.reason = reason;
    });
    Ok(Raft { shared })
}

fn check(options: &Options) -> Result<(), StartError> {
    if options.id.0 == 0 || options.peers.keys().any(|id| id.0 == 0) {
        return Err(StartError::Options("0 is no id of a master"));
    }
    if !options.peers.contains_key(&options.id) {
        return Err(StartError::Options("this master is not among the peers"));
    }
    if options.tick.is_zero() || options.election_ticks < 2 {
        return Err(StartError::Options("an election takes at least two ticks, and a tick some time"));
    }
    Ok(())
}

/// Finishes what a crash interrupted and finds out where to begin.
async fn examine<M: StateMachine>(log: &mut Log, store: &Arc<dyn Store>, machine: &mut M, options: &Options) -> Result<Begin, StartError> {
    let applied = machine.applied().0;
    let membership = machine.membership();
    let mut batch = Batch::default();
    if let Some(point) = log.installing() {
        match membership {
            Some(_) if point.index == applied => log.stage_base(&mut batch, point),
            _ => log.stage_not_installed(&mut batch),
        }
    }
    let founded_here = membership.as_ref().is_some_and(|membership| membership.group == log.incarnation());
    if log.base().is_none() && founded_here && !log.joined() {
        stage_founding(log, &mut batch, applied);
    }
    if !batch.is_empty() {
        store.write(batch, Durability::Synced).await?;
    }
    if let Some(base) = log.base() {
        let last = log.last();
        let Some(membership) = &membership else {
            return Err(StartError::Disks(format!("walDir holds a log from index {} and storeDir holds no group", base.index + 1)));
        };
        let owner = membership.members.iter().find(|(id, member)| **id != options.id && member.incarnation == Some(log.incarnation()));
        if let Some((id, _)) = owner.filter(|_| !mutant!("disk of another master")) {
            return Err(StartError::Disks(format!(
                "walDir is that of master {id}: empty walDir and storeDir, then remove and add this master"
            )));
        }
        if applied < base.index || applied > last {
            return Err(StartError::Disks(format!(
                "storeDir is at index {applied} and the log in walDir holds {} to {last}: they are not of the same master or time",
                base.index + 1
            )));
        }
        return Ok(Begin::Resume);
    }
    // A store that was in a group whose log is gone may have forgotten promises; a single master has promised nobody else anything.
    let alone = options.peers.len() == 1;
    let only_us = |membership: &Membership| membership.members.keys().eq([&options.id]);
    let fresh = !log.joined() && membership.as_ref().is_none_or(|membership| alone && only_us(membership));
    Ok(Begin::Ask { applied: fresh.then_some(applied) })
}

/// The log begins behind the founding, which counts as the entry after what was applied.
fn stage_founding(log: &mut Log, batch: &mut Batch, applied: u64) {
    log.stage_base(batch, Point { index: applied, term: FOUNDING_TERM });
    log.stage_hard_state(batch, HardState { term: FOUNDING_TERM, vote: 0, commit: applied });
}

/// Everything that lives as long as raft does.
struct Life<M: StateMachine> {
    env: Env,
    options: Options,
    shared: Arc<Shared<M::Outcome>>,
    log: Log,
    store: Arc<dyn Store>,
    machine: M,
    begin: Begin,
    inbox: mpsc::Receiver<Incoming>,
    requests: mpsc::UnboundedReceiver<Request<M::Outcome>>,
}

impl<M: StateMachine> Life<M> {
    async fn run(mut self) -> Stopped {
        let campaign = match self.find_group().await {
            Ok(founded) => founded,
            Err(reason) => return reason,
        };
        let in_group = self.log.base().is_some();
        let membership = if in_group { self.machine.membership().unwrap_or_default() } else { Membership::default() };
        let applied = if in_group { self.machine.applied().0 } else { 0 };
        let beginning = Beginning { log: self.log, store: self.store, membership, applied, campaign };
        let (work_in, work) = mpsc::unbounded_channel();
        let (done_in, done) = mpsc::unbounded_channel();
        let (events_in, events) = mpsc::unbounded_channel::<Event>();
        let inputs = Inputs { requests: self.requests, inbox: self.inbox, done, events, stop: self.shared.stop.subscribe() };
        let applier = self.env.spawn("raft state machine", applier::run(self.machine, work, done_in));
        let reason = match Driver::new(self.options, self.shared, beginning, inputs, work_in, events_in) {
            Ok(driver) => driver.run().await,
            Err(reason) => reason,
        };
        // The driver is gone, and with it who hands out work.
        applier.join().await;
        reason
    }

    /// Waits until this disk is in a group, founding one if it falls to it; true when it did.
    async fn find_group(&mut self) -> Result<bool, Stopped> {
        let Begin::Ask { applied } = self.begin else { return Ok(false) };
        let mut stop = self.shared.stop.subscribe();
        let found = tokio::select! {
            biased;
            () = async { drop(stop.wait_for(|stop| *stop).await) } => return Err(Stopped::Requested),
            () = discard(&mut self.inbox, &mut self.requests) => return Err(Stopped::Failed("raft's listener has ended".into())),
            found = wait_for_group(&self.env, &self.shared.identity, applied, &self.options) => found,
        };
        let failed = |error: StoreError| Stopped::Failed(error.to_string());
        match found {
            Some(membership) => self.found(membership).await.map_err(failed)?,
            None if self.log.joined() => {}
            None => {
                let mut batch = Batch::default();
                self.log.stage_joined(&mut batch);
                self.store.write(batch, Durability::Synced).await.map_err(failed)?;
            }
        }
        let founded = self.log.base().is_some();
        if !founded {
            tracing::info!("this master is a member of the group and waits for a snapshot");
            self.shared.identity.set(Own::Waiting);
        }
        Ok(founded)
    }

    /// The state first: until the log begins, nobody is told of the group.
    async fn found(&mut self, membership: Membership) -> Result<(), StoreError> {
        let members: BTreeMap<_, &Member> = membership.members.iter().collect();
        tracing::info!("founding a group of {members:?}");
        let index = self.machine.applied().0 + 1;
        let entry = Entry { index: Index(index), term: Term(FOUNDING_TERM), payload: Payload::Membership };
        self.machine.apply(vec![entry], &membership).await?;
        self.machine.sync().await?;
        let mut batch = Batch::default();
        stage_founding(&mut self.log, &mut batch, index);
        self.store.write(batch, Durability::Synced).await
    }
}

/// Drops what comes for a driver that is not there yet.
async fn discard<O>(inbox: &mut mpsc::Receiver<Incoming>, requests: &mut mpsc::UnboundedReceiver<Request<O>>) {
    loop {
        let more = tokio::select! {
            biased;
            incoming = inbox.recv() => incoming.is_some(),
            request = requests.recv() => request.is_some(),
        };
        if !more {
            return;
        }
    }
}

/// Tells everybody that raft has ended, however it did.
struct Ending<O> {
    shared: Arc<Shared<O>>,
    reason: Stopped,
}

impl<O> Drop for Ending<O> {
    fn drop(&mut self) {
        if let Stopped::Failed(reason) = &self.reason {
            tracing::error!("raft has ended: {reason}");
        }
        let term = self.shared.role.borrow().term;
        self.shared.role.send_replace(Role { term, ..Role::default() });
        self.shared.ended.send_replace(Some(self.reason.clone()));
    }
}
