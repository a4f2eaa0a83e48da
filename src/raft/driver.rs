//! The task that owns the library's node. It takes in what has come (requests, messages, ticks, what the state machine has done),
//! as much as is there, and then handles what follows from it in one go (`ready.rs`): however many proposals came, the log is
//! synced once.

use super::applier::{Done, Work};
use super::election::ElectionTimeout;
use super::handle::{Request, Shared};
use super::hello::{Identity, Own};
use super::listener::Incoming;
use super::log::Log;
use super::message::{is_request, Envelope, Hello};
use super::outgoing::Outgoing;
use super::propose::{PendingChange, Proposal, Waiter};
use super::reads::Reads;
use super::transport::Transport;
use super::{Change, Membership, Options, ProposeError, Refusal, Stopped};
use crate::env::storage::Pair;
use crate::env::{Batch, Env, Mono, Store};
use crate::ids::MasterId;
use crate::limits;
use raft::eraftpb::{HardState, MessageType};
use raft::{Config, RawNode, ReadOnlyOption, StateRole};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// What the driver's own background tasks tell it.
pub enum Event {
    /// A peer could not be reached.
    Unreachable(MasterId),
    /// A snapshot arrived at a peer, or did not.
    SnapshotSent { to: MasterId, arrived: bool },
    /// A member whose disk was not known has told it.
    Met { id: MasterId, incarnation: u64 },
}

/// Where the driver's input comes from.
pub struct Inputs<O> {
    pub requests: mpsc::UnboundedReceiver<Request<O>>,
    pub inbox: mpsc::Receiver<Incoming>,
    pub done: mpsc::UnboundedReceiver<Done>,
    pub events: mpsc::UnboundedReceiver<Event>,
    pub stop: watch::Receiver<bool>,
}

/// Where a driver begins.
pub struct Beginning {
    pub log: Log,
    pub store: Arc<dyn Store>,
    /// As of the applied index; empty when a snapshot is waited for.
    pub membership: Membership,
    pub applied: u64,
    /// It has founded the group just now: nobody else can lead yet.
    pub campaign: bool,
}

/// How a peer was last heard.
pub(super) struct Contact {
    pub addr: String,
    pub incarnation: u64,
}

pub struct Driver<O> {
    pub(super) env: Env,
    pub(super) options: Options,
    pub(super) identity: Arc<Identity>,
    pub(super) shared: Arc<Shared<O>>,
    inputs: Inputs<O>,
    pub(super) node: RawNode<Log>,
    pub(super) store: Arc<dyn Store>,
    election: ElectionTimeout,
    pub(super) transport: Transport,
    pub(super) work: mpsc::UnboundedSender<Work<O>>,
    pub(super) events: mpsc::UnboundedSender<Event>,
    pub(super) membership: Arc<Membership>,
    pub(super) contacts: BTreeMap<MasterId, Contact>,
    /// Term, vote and commit as they must be on disk with the next write.
    pub(super) hard: HardState,
    /// Last entry that the state machine has applied, and last one that it was handed.
    pub(super) applied: u64,
    pub(super) dispatched: u64,
    pub(super) backlog_bytes: usize,
    /// Taken in and not yet in the log.
    pub(super) proposals: Vec<Proposal<O>>,
    pub(super) waiters: VecDeque<Waiter<O>>,
    pub(super) reads: Reads,
    pub(super) changes: VecDeque<PendingChange<O>>,
    /// A received snapshot that the library has not looked at yet.
    pub(super) received: Option<(u64, Vec<Pair>)>,
    pub(super) outgoing: Outgoing,
    /// What is written to the log's store with the next batch.
    pub(super) deferred: Batch,
    pub(super) compacting: bool,
    pub(super) next_tick: Mono,
    pub(super) next_look: Mono,
    pub(super) campaign_soon: bool,
    /// The term this master leads in, as far as those who wait know.
    leading: Option<u64>,
    /// Set when raft was asked to stop: it goes on until leadership is handed over, at most until then.
    pub(super) leaving: Option<Mono>,
    complained_at: Option<Mono>,
}

enum Input<O> {
    Stop,
    Tick,
    Done(Option<Done>),
    Event(Event),
    Incoming(Incoming),
    Request(Request<O>),
}

impl<O: Clone + Send + Sync + 'static> Driver<O> {
    /// Errors: the library refuses what the disk holds.
    pub fn new(
        options: Options,
        shared: Arc<Shared<O>>,
        beginning: Beginning,
        inputs: Inputs<O>,
        work: mpsc::UnboundedSender<Work<O>>,
        events: mpsc::UnboundedSender<Event>,
    ) -> Result<Self, Stopped> {
        let Beginning { mut log, store, membership, applied, campaign } = beginning;
        let env = shared.env.clone();
        log.start_at(applied, membership.conf_state());
        let hard = log.hard_state().clone();
        let config = Config {
            id: options.id.0,
            election_tick: options.election_ticks,
            heartbeat_tick: 1,
            applied,
            max_size_per_msg: limits::RAFT_MESSAGE_ENTRIES_BYTES_MAX,
            max_inflight_msgs: limits::RAFT_INFLIGHT_MAX,
            check_quorum: true,
            pre_vote: true,
            read_only_option: ReadOnlyOption::Safe,
            max_uncommitted_size: limits::PROPOSAL_BYTES_PENDING_MAX as u64,
            max_committed_size_per_ready: limits::APPLY_BYTES_PER_BATCH_MAX,
            ..Config::default()
        };
        let node = RawNode::new(&config, log, &super::logger::logger()).map_err(|e| Stopped::Failed(e.to_string()))?;
        let mut driver = Self {
            election: ElectionTimeout::new(env.clone(), options.election_ticks),
            transport: Transport::new(env.clone(), options.replica_port, events.clone()),
            identity: shared.identity.clone(),
            next_tick: env.now() + options.tick,
            membership: Arc::default(),
            contacts: BTreeMap::new(),
            dispatched: applied,
            backlog_bytes: 0,
            proposals: Vec::new(),
            waiters: VecDeque::new(),
            reads: Reads::default(),
            changes: VecDeque::new(),
            received: None,
            outgoing: Outgoing::default(),
            deferred: Batch::default(),
            compacting: false,
            next_look: Mono::default(),
            campaign_soon: campaign,
            leading: None,
            leaving: None,
            complained_at: None,
            env,
            options,
            shared,
            inputs,
            node,
            store,
            work,
            events,
            hard,
            applied,
        };
        driver.election.settle(&mut driver.node);
        if !membership.members.is_empty() {
            driver.set_membership(membership);
        }
        Ok(driver)
    }

    /// Runs until it is asked to stop or cannot go on.
    pub async fn run(mut self) -> Stopped {
        if self.campaign_soon || self.membership.voters().eq([self.options.id]) {
            self.campaign();
        }
        loop {
            match self.round().await {
                Ok(()) => {}
                Err(reason) => return reason,
            }
        }
    }

    async fn round(&mut self) -> Result<(), Stopped> {
        self.handle_ready().await?;
        self.publish();
        let first = self.next_input().await;
        self.take(first)?;
        self.take_what_is_there()?;
        self.append_proposals();
        self.begin_change();
        if let Some(round) = self.leads_ready().then(|| self.reads.begin_round()).flatten() {
            self.node.read_index(round.to_be_bytes().to_vec());
        }
        self.settle();
        Ok(())
    }

    async fn next_input(&mut self) -> Input<O> {
        let inputs = &mut self.inputs;
        let leaving = self.leaving.is_some();
        tokio::select! {
            biased;
            () = async { drop(inputs.stop.wait_for(|stop| *stop).await) }, if !leaving => Input::Stop,
            () = self.env.clock.sleep_until(self.next_tick) => Input::Tick,
            done = inputs.done.recv() => Input::Done(done),
            Some(event) = inputs.events.recv() => Input::Event(event),
            Some(incoming) = inputs.inbox.recv() => Input::Incoming(incoming),
            Some(request) = inputs.requests.recv() => Input::Request(request),
        }
    }

    fn take_what_is_there(&mut self) -> Result<(), Stopped> {
        for _ in 0..limits::RAFT_INPUTS_PER_ROUND_MAX {
            let inputs = &mut self.inputs;
            let input = if let Ok(done) = inputs.done.try_recv() {
                Input::Done(Some(done))
            } else if let Ok(event) = inputs.events.try_recv() {
                Input::Event(event)
            } else if let Some(incoming) = self.received.is_none().then(|| inputs.inbox.try_recv().ok()).flatten() {
                Input::Incoming(incoming)
            } else if let Ok(request) = inputs.requests.try_recv() {
                Input::Request(request)
            } else {
                break;
            };
            self.take(input)?;
        }
        Ok(())
    }

    fn take(&mut self, input: Input<O>) -> Result<(), Stopped> {
        match input {
            Input::Stop => self.begin_to_leave()?,
            Input::Tick => self.tick()?,
            Input::Done(Some(done)) => self.take_done(done)?,
            Input::Done(None) => return Err(Stopped::Failed("the state machine's task has ended".into())),
            Input::Event(event) => self.take_event(event),
            Input::Incoming(Incoming::Message(envelope)) => self.take_message(*envelope),
            Input::Incoming(Incoming::Snapshot(received)) => {
                let index = received.envelope.message.as_ref().map_or(0, |message| message.get_snapshot().get_metadata().index);
                self.received = Some((index, received.pairs));
                self.step(*received.envelope);
            }
            Input::Incoming(Incoming::Hello(hello)) => self.take_hello(&hello),
            Input::Request(request) => self.take_request(request),
        }
        self.settle();
        Ok(())
    }

    /// After everything that was done with the node: time-outs, and those who wait on a leadership that is over.
    pub(super) fn settle(&mut self) {
        self.election.settle(&mut self.node);
        let leading = (self.node.raft.state == StateRole::Leader).then_some(self.node.raft.term);
        if leading == self.leading {
            return;
        }
        if self.leading.is_some() {
            let refusal = self.not_leader();
            self.reads.fail(&refusal);
            for proposal in self.proposals.drain(..) {
                proposal.reply.fail(refusal.clone().into());
            }
            for waiter in self.waiters.drain(..) {
                waiter.reply.fail(ProposeError::Unknown);
            }
            for (reply, _) in self.changes.drain(..).filter_map(|pending| pending.reply) {
                reply.fail(refusal.clone().into());
            }
        }
        self.leading = leading;
    }

    pub(super) fn not_leader(&self) -> Refusal {
        Refusal::NotLeader { leader: self.leader() }
    }

    pub(super) fn leader(&self) -> Option<MasterId> {
        Some(MasterId(self.node.raft.leader_id)).filter(|id| id.0 != 0)
    }

    pub(super) fn leads(&self) -> bool {
        self.node.raft.state == StateRole::Leader
    }

    /// It leads, and has applied an entry of its own term.
    pub(super) fn leads_ready(&self) -> bool {
        self.leads() && self.node.raft.apply_to_current_term()
    }

    /// The state machine's task ends only with an error, which it tells.
    pub(super) fn give(&self, work: Work<O>) {
        let _ = self.work.send(work);
    }

    fn take_hello(&mut self, hello: &Hello) {
        let id = MasterId(hello.from);
        if hello.group.is_none_or(|theirs| theirs == self.membership.group) {
            self.take_event(Event::Met { id, incarnation: hello.incarnation });
        }
        // A founder's first votes come from those who have just learnt that they are members.
        if self.leader().is_none() && self.membership.knows(id, hello.incarnation) {
            self.campaign_soon = true;
        }
    }

    fn take_event(&mut self, event: Event) {
        match event {
            Event::Unreachable(id) => self.node.report_unreachable(id.0),
            Event::SnapshotSent { to, arrived } => self.snapshot_sent(to, arrived),
            Event::Met { id, incarnation } => {
                let unbound = self.membership.members.get(&id).is_some_and(|member| member.incarnation.is_none());
                if unbound && self.leads_ready() {
                    self.propose_own(Change::Bind { id, incarnation });
                }
            }
        }
    }

    fn take_done(&mut self, done: Done) -> Result<(), Stopped> {
        match done {
            Done::Applied { index, bytes } => {
                self.backlog_bytes -= bytes;
                // A snapshot that was installed since then holds it too.
                if index.0 > self.applied {
                    self.applied = index.0;
                    self.node.advance_apply_to(index.0);
                    self.reads.applied(self.applied);
                }
            }
            Done::Snapshot { index, membership, pairs } => self.snapshot_made(index.0, &membership, pairs),
            Done::Synced { index } => self.compact(index.0),
            Done::Failed(reason) => return Err(reason),
        }
        Ok(())
    }

    pub(super) async fn wait_for_state_machine(&mut self) -> Result<(), Stopped> {
        let done = self.inputs.done.recv().await;
        self.take(Input::Done(done))
    }

    fn take_message(&mut self, envelope: Envelope) {
        // Snapshots come with their contents, another way.
        if envelope.message.as_ref().is_some_and(|message| message.msg_type() != MessageType::MsgSnapshot) {
            self.step(envelope);
        }
    }

    /// Hands a message to the library if it is from and to the right disks.
    fn step(&mut self, envelope: Envelope) {
        let from = MasterId(envelope.from);
        let Some(mut message) = envelope.message else { return };
        if (envelope.to, envelope.to_incarnation) != (self.options.id.0, self.identity.incarnation) {
            return;
        }
        if is_request(&message) {
            // Whoever asks: terms and logs decide. The answer goes to the disk that asked.
            self.contacts.insert(from, Contact { addr: envelope.from_addr, incarnation: envelope.from_incarnation });
        } else if !self.membership.knows(from, envelope.from_incarnation) {
            // Answers are counted, so they must come from the disk that the membership means.
            return;
        }
        if message.msg_type() == MessageType::MsgHeartbeat && message.commit > self.node.raft.raft_log.last_index() {
            self.complain("the leader says that this log was longer: an old copy of walDir? What is missing is fetched again");
            message.commit = 0;
        }
        if let Err(e) = self.node.step(message) {
            tracing::debug!(from = from.0, "a message was not taken: {e}");
        }
    }

    fn complain(&mut self, complaint: &str) {
        let now = self.env.now();
        if self.complained_at.is_none_or(|at| now.since(at) >= limits::COMPLAINT_INTERVAL) {
            self.complained_at = Some(now);
            tracing::error!("{complaint}");
        }
    }

    pub(super) fn set_membership(&mut self, membership: Membership) {
        self.contacts.retain(|id, _| membership.members.contains_key(id));
        self.transport.retain(|id| membership.members.contains_key(&id));
        for id in self.options.peers.keys().filter(|id| !membership.members.contains_key(id)) {
            tracing::warn!(master = id.0, "is in the configuration's peers and not in the group");
        }
        self.identity.set(Own::Member(membership.clone()));
        self.membership = Arc::new(membership);
        *self.shared.membership.lock().expect("no holder panics") = self.membership.clone();
    }
}
