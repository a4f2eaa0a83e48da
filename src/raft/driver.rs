//! The task that owns the library's node. It takes in what has come (requests, messages, ticks, what the state machine has done),
//! as much as is there, and then handles what follows from it in one go (`ready.rs`): however many proposals came, the log is
//! synced once.

use super::applier::{Done, Reply, Work};
use super::election::ElectionTimeout;
use super::handle::{Request, Shared};
use super::hello::{ask, Identity};
use super::listener::Incoming;
use super::log::Log;
use super::message::{is_request, Envelope, Hello};
use super::outgoing::Outgoing;
use super::reads::{Read, Reads};
use super::transport::Transport;
use super::{Change, MemberStatus, Membership, Options, Progress, ProposeError, Refusal, Role, State, Status, Stopped};
use crate::env::storage::Pair;
use crate::env::{Batch, Env, Mono, Store};
use crate::ids::{Index, MasterId, Term};
use crate::limits;
use prost::Message as _;
use raft::eraftpb::{self, EntryType, HardState, MessageType};
use raft::{Config, ProgressState, RawNode, ReadOnlyOption, StateRole, Storage};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::sync::{mpsc, watch, OwnedSemaphorePermit};

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

/// Who waits for an entry.
pub(super) struct Waiter<O> {
    pub index: u64,
    pub term: u64,
    pub reply: Reply<O>,
    _room: Room,
}

/// Kept until the request is answered.
enum Room {
    Proposal { _slot: OwnedSemaphorePermit, _kib: OwnedSemaphorePermit },
    Change { _slot: OwnedSemaphorePermit },
}

struct Proposal<O> {
    entry: eraftpb::Entry,
    reply: Reply<O>,
    room: Room,
}

/// A change of the membership that waits until the one before it was applied.
struct PendingChange<O> {
    change: Change,
    deadline: Mono,
    /// `None` for the leader's own.
    reply: Option<(Reply<O>, Room)>,
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
    shared: Arc<Shared<O>>,
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
    proposals: Vec<Proposal<O>>,
    pub(super) waiters: VecDeque<Waiter<O>>,
    pub(super) reads: Reads,
    changes: VecDeque<PendingChange<O>>,
    /// A received snapshot that the library has not looked at yet.
    pub(super) received: Option<(u64, Vec<Pair>)>,
    pub(super) outgoing: Outgoing,
    /// What is written to the log's store with the next batch.
    pub(super) deferred: Batch,
    compacting: bool,
    next_tick: Mono,
    ticks: u64,
    campaign_soon: bool,
    /// The term this master leads in, as far as those who wait know.
    leading: Option<u64>,
    /// Set when raft was asked to stop: it goes on until leadership is handed over, at most until then.
    leaving: Option<Mono>,
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
            ticks: 0,
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
            Input::Incoming(Incoming::Message(envelope)) => self.take_message(envelope),
            Input::Incoming(Incoming::Snapshot(received)) => {
                let index = received.envelope.message.as_ref().map_or(0, |message| message.get_snapshot().get_metadata().index);
                self.received = Some((index, received.pairs));
                self.step(received.envelope);
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

    fn not_leader(&self) -> Refusal {
        Refusal::NotLeader { leader: self.leader() }
    }

    fn leader(&self) -> Option<MasterId> {
        Some(MasterId(self.node.raft.leader_id)).filter(|id| id.0 != 0)
    }

    fn leads(&self) -> bool {
        self.node.raft.state == StateRole::Leader
    }

    /// It leads, and has applied an entry of its own term.
    fn leads_ready(&self) -> bool {
        self.leads() && self.node.raft.apply_to_current_term()
    }

    fn begin_to_leave(&mut self) -> Result<(), Stopped> {
        let progress = self.node.raft.prs();
        let heir = self
            .membership
            .voters()
            .filter(|id| *id != self.options.id)
            .max_by_key(|id| progress.get(id.0).filter(|progress| progress.recent_active).map_or(0, |progress| progress.matched));
        match heir {
            Some(heir) if self.leads_ready() => {
                self.node.transfer_leader(heir.0);
                self.leaving = Some(self.env.now() + 2 * self.options.tick);
                Ok(())
            }
            _ => Err(Stopped::Requested),
        }
    }

    fn tick(&mut self) -> Result<(), Stopped> {
        let now = self.env.now();
        if self.leaving.is_some_and(|until| now >= until || !self.leads()) {
            return Err(Stopped::Requested);
        }
        // After a pause there is one tick, not as many as were missed: peers deserve the time to be heard.
        self.next_tick = now + self.options.tick;
        self.ticks += 1;
        self.node.tick();
        if std::mem::take(&mut self.campaign_soon) && self.leader().is_none() {
            self.campaign();
        }
        if self.leads_ready() {
            self.promote_learners();
            self.look_for_unbound();
        }
        let base = self.node.store().base().unwrap_or_default().index;
        if !self.compacting && self.applied.saturating_sub(base) > self.options.retain_logs.saturating_mul(2) {
            self.compacting = true;
            self.give(Work::Sync);
        }
        if self.outgoing.expire(now) {
            self.node.mut_store().set_snapshot(None);
        }
        Ok(())
    }

    fn campaign(&mut self) {
        if self.node.raft.promotable() {
            // It fails only while a change of the membership waits to be applied; the next time-out tries again.
            let _ = self.node.campaign();
        }
    }

    /// The state machine's task ends only with an error, which it tells.
    pub(super) fn give(&self, work: Work<O>) {
        let _ = self.work.send(work);
    }

    fn promote_learners(&mut self) {
        let last = self.node.raft.raft_log.last_index();
        let progress = self.node.raft.prs();
        let caught_up = |id: &MasterId| {
            let progress = progress.get(id.0).filter(|progress| progress.recent_active && progress.matched > 0);
            progress.is_some_and(|progress| progress.matched + limits::PROMOTION_LAG_MAX >= last)
        };
        let learners = self.membership.members.iter().filter(|(_, member)| member.learner && member.incarnation.is_some());
        let next = learners.map(|(id, _)| *id).find(caught_up);
        if let Some(id) = next {
            self.propose_own(Change::Promote { id });
        }
    }

    /// The leader's own change, unless others wait.
    fn propose_own(&mut self, change: Change) {
        if self.changes.is_empty() {
            self.changes.push_back(PendingChange { change, deadline: self.env.now() + limits::PROPOSAL_DEADLINE, reply: None });
        }
    }

    /// Asks members whose disk is not known who they are.
    fn look_for_unbound(&self) {
        if self.ticks % 4 != 0 {
            return;
        }
        for (id, member) in self.membership.members.iter().filter(|(_, member)| member.incarnation.is_none()) {
            let (env, identity, events) = (self.env.clone(), self.identity.clone(), self.events.clone());
            let (id, addr, port, group) = (*id, member.addr.clone(), self.options.replica_port, self.membership.group);
            self.env.spawn("raft hello", async move {
                if let Ok(reply) = ask(&env, &identity, &addr, port).await {
                    if reply.id == id.0 && reply.group.is_none_or(|theirs| theirs == group) {
                        // Raft may have ended meanwhile.
                        let _ = events.send(Event::Met { id, incarnation: reply.incarnation });
                    }
                }
            });
        }
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

    fn compact(&mut self, synced: u64) {
        self.compacting = false;
        let keep_from = synced.saturating_sub(self.options.retain_logs);
        let to = self.outgoing.in_use().map_or(keep_from, |index| index.min(keep_from));
        self.node.mut_store().stage_compaction(&mut self.deferred, to);
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

    fn take_request(&mut self, request: Request<O>) {
        let now = self.env.now();
        match request {
            Request::Propose { reply, .. } if !self.leads() || self.leaving.is_some() => reply.fail(self.not_leader().into()),
            Request::Change { reply, .. } if !self.leads() || self.leaving.is_some() => reply.fail(self.not_leader().into()),
            Request::Read { reply, .. } if !self.leads() => drop(reply.send(Err(self.not_leader()))),
            Request::Propose { deadline, reply, .. } | Request::Change { deadline, reply, .. } if deadline <= now => {
                reply.fail(Refusal::Deadline.into())
            }
            Request::Read { deadline, reply, .. } if deadline <= now => drop(reply.send(Err(Refusal::Deadline))),
            Request::Propose { command, reply, room: (_slot, _kib), .. } => {
                let entry = eraftpb::Entry { data: command.to_vec(), ..Default::default() };
                self.proposals.push(Proposal { entry, reply, room: Room::Proposal { _slot, _kib } });
            }
            Request::Read { reply, room, .. } => self.reads.add(Read { reply, _room: Some(room) }),
            Request::Change { change, deadline, reply, room } => {
                self.changes.push_back(PendingChange { change, deadline, reply: Some((reply, Room::Change { _slot: room })) });
            }
            Request::Campaign if self.leads() => {}
            Request::Campaign if self.leader().is_some() => self.node.transfer_leader(self.options.id.0),
            Request::Campaign => self.campaign(),
        }
    }

    /// Appends everything that was proposed in this round as one message: one broadcast, one sync.
    fn append_proposals(&mut self) {
        if self.proposals.is_empty() {
            return;
        }
        let proposals = std::mem::take(&mut self.proposals);
        let (entries, waiting): (Vec<_>, Vec<_>) = proposals.into_iter().map(|p| (p.entry, (p.reply, p.room))).unzip();
        match self.append(entries) {
            Ok((first, term)) => {
                for (at, (reply, room)) in waiting.into_iter().enumerate() {
                    self.waiters.push_back(Waiter { index: first + at as u64, term, reply, _room: room });
                }
            }
            Err(e) => {
                tracing::debug!("proposals were dropped: {e}");
                for (reply, _) in waiting {
                    reply.fail(Refusal::Busy.into());
                }
            }
        }
    }

    /// Index of the first entry and the term they got.
    fn append(&mut self, entries: Vec<eraftpb::Entry>) -> raft::Result<(u64, u64)> {
        let first = self.node.raft.raft_log.last_index() + 1;
        let count = entries.len() as u64;
        let message = eraftpb::Message { msg_type: MessageType::MsgPropose as i32, from: self.options.id.0, entries, ..Default::default() };
        self.node.step(message)?;
        assert_eq!(self.node.raft.raft_log.last_index() + 1, first + count, "the leader appends what it takes");
        Ok((first, self.node.raft.term))
    }

    /// Proposes the next change of the membership once the one before it is applied.
    fn begin_change(&mut self) {
        if !self.leads_ready() || self.node.raft.has_pending_conf() {
            return;
        }
        while let Some(PendingChange { change, deadline, reply }) = self.changes.pop_front() {
            let refusal = match self.membership.after(&change) {
                _ if deadline <= self.env.now() => Refusal::Deadline,
                Err(e) => e.into(),
                Ok(_) => match self.append(vec![change_entry(&change)]) {
                    Ok((index, term)) => {
                        if let Some((reply, room)) = reply {
                            self.waiters.push_back(Waiter { index, term, reply, _room: room });
                        }
                        return;
                    }
                    Err(_) => Refusal::Busy,
                },
            };
            if let Some((reply, _)) = reply {
                reply.fail(refusal.into());
            }
        }
    }

    pub(super) fn set_membership(&mut self, membership: Membership) {
        self.contacts.retain(|id, _| membership.members.contains_key(id));
        self.transport.retain(|id| membership.members.contains_key(&id));
        for id in self.options.peers.keys().filter(|id| !membership.members.contains_key(id)) {
            tracing::warn!(master = id.0, "is in the configuration's peers and not in the group");
        }
        self.identity.set(super::hello::Own::Member(membership.clone()));
        self.membership = Arc::new(membership);
        *self.shared.membership.lock().expect("no holder panics") = self.membership.clone();
    }

    fn state(&self) -> State {
        match self.membership.members.get(&self.options.id) {
            None => State::Out,
            Some(member) if member.learner => State::Learner,
            Some(_) => match self.node.raft.state {
                StateRole::Follower => State::Follower,
                StateRole::PreCandidate | StateRole::Candidate => State::Candidate,
                StateRole::Leader => State::Leader,
            },
        }
    }

    /// Shows role and status. A leader that is handing over no longer calls itself ready.
    fn publish(&mut self) {
        let ready = self.leads_ready() && self.leaving.is_none();
        let role = Role { term: Term(self.node.raft.term), leader: self.leader(), state: self.state(), ready };
        self.shared.role.send_if_modified(|shown| std::mem::replace(shown, role) != role);
        let log = &self.node.raft.raft_log;
        let progress = |id: &MasterId| {
            let progress = self.node.raft.prs().get(id.0).filter(|_| role.leads())?;
            Some(Progress {
                matched: Index(progress.matched),
                next: Index(progress.next_idx),
                commit: Index(progress.committed_index),
                active: progress.recent_active || *id == self.options.id,
                snapshot: progress.state == ProgressState::Snapshot,
            })
        };
        let member = |(id, member): (&MasterId, &super::Member)| (*id, MemberStatus { member: member.clone(), progress: progress(id) });
        let status = Status {
            id: self.options.id,
            incarnation: self.identity.incarnation,
            role,
            commit: Index(log.committed),
            applied: Index(self.applied),
            first: Index(self.node.store().first_index().expect("the log knows its first index")),
            last: Index(log.last_index()),
            proposals_waiting: self.waiters.len(),
            reads_waiting: self.reads.len(),
            members: self.membership.members.iter().map(member).collect(),
        };
        *self.shared.status.lock().expect("no holder panics") = Arc::new(status);
    }
}

/// The entry that carries a change. One that leaves voters and learners as they are is an ordinary entry to the library.
fn change_entry(change: &Change) -> eraftpb::Entry {
    let mut entry = eraftpb::Entry { context: change.encode(), ..Default::default() };
    if let Some(conf_change) = change.conf_change() {
        entry.entry_type = EntryType::EntryConfChangeV2 as i32;
        entry.data = conf_change.encode_to_vec();
    }
    entry
}
