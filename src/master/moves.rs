//! Carrying out moves of replicas: the executor of `plan::moves`.
//!
//! While this master leads, one loop looks at every move and every leftover whenever something happened (a commit, a heartbeat, an answer)
//! and does the step that the plan says. The records say where each stands, so a reign begins by looking, and loses nothing when it ends:
//! what it had asked of nodes may be asked again.
//!
//! * `ask.rs`: requests to nodes.
//! * `turn.rs`: changes of the records.
//! * `adopt.rs`: decommissions that a v3.5.3 master began.
//! * `begin.rs`: decommissions whose turn it is. `preview.rs`: what they would do.
//! * `decommission.rs`, `disks.rs`, `nodes.rs`: taking replicas, disks and nodes out of service.
//! * `replicas.rs`: adding, restoring and deleting a replica on request. `repairing.rs`: flags that outlived their repair.
//!   `replica_meta.rs`: hosts and raft groups that do not agree.
//! * `meta.rs`, `ask_meta.rs`, `meta_nodes.rs`: the same for meta partitions, their nodes, and what these are asked.

mod adopt;
mod ask;
mod ask_meta;
mod begin;
mod decommission;
mod disks;
mod meta;
mod meta_nodes;
mod nodes;
mod preview;
mod repairing;
mod replica_meta;
mod replicas;
mod turn;

pub use disks::DiskWish;
pub use meta::MetaMove;
pub use meta_nodes::MetaNodeWish;
pub use nodes::NodeWish;
pub use replicas::Deletion;

use super::live::Live;
use super::moment::Moment;
use super::Master;
use crate::ids::{PartitionId, Term};
use crate::limits;
use crate::model::{Leftover, Move, PartitionKind, Phase};
use crate::plan::moves::leftover::{self, Known};
use crate::plan::moves::{allowed, meta as meta_moves, Ask, Look, Memory, Next, Settled, Wait};
use crate::wire::reply::Fault;
use futures::stream::{FuturesUnordered, StreamExt};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{watch, Notify};

/// A partition of either kind.
pub type PartitionKey = (PartitionKind, PartitionId);
type LeftoverKey = (PartitionKind, PartitionId, String);

/// How the executor hears that something happened, and tells it.
pub struct Moves {
    wake: Notify,
    /// Counts the changes of moves.
    changed: watch::Sender<u64>,
}

impl Default for Moves {
    fn default() -> Self {
        Self { wake: Notify::new(), changed: watch::Sender::new(0) }
    }
}

impl Moves {
    /// Something happened that a move may wait for.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    fn tell(&self) {
        self.changed.send_modify(|count| *count += 1);
        self.wake();
    }
}

/// What a leader knows of moves besides their records.
#[derive(Default)]
pub struct InHand {
    moves: BTreeMap<PartitionKey, Course>,
    leftovers: BTreeMap<LeftoverKey, Known>,
    /// Decommissions that could begin found no room; looked at again then, or when another one ends.
    full_until: Option<Duration>,
    /// Meta nodes that a request under way empties.
    emptied_by_request: BTreeSet<String>,
}

/// A move as this leader carries it out.
#[derive(Default)]
struct Course {
    /// Of the move; another one's course is worth nothing.
    number: u64,
    /// In which `memory` was gathered.
    phase: Phase,
    memory: Memory,
    wait: Option<Wait>,
    /// Why the last request failed.
    fault: Option<Fault>,
}

impl InHand {
    fn course(&mut self, mv: &Move) -> &mut Course {
        let course = self.moves.entry((mv.kind, mv.partition)).or_default();
        if course.number != mv.number {
            *course = Course { number: mv.number, ..Course::default() };
        }
        if course.phase != mv.phase {
            (course.phase, course.memory) = (mv.phase, Memory::default());
        }
        course
    }

    /// What this leader knows of a leftover, from now on if it did not know of it.
    fn known(&mut self, key: &LeftoverKey, now: Duration) -> &mut Known {
        self.leftovers.entry(key.clone()).or_insert(Known::new(now))
    }

    /// What the move waits for, as far as this leader has looked.
    pub fn waits_for(&self, mv: &Move) -> Option<&Wait> {
        self.moves.get(&(mv.kind, mv.partition)).filter(|course| course.number == mv.number)?.wait.as_ref()
    }

    /// Why the last request of the move failed.
    fn fault(&self, mv: &Move) -> Option<Fault> {
        self.moves.get(&(mv.kind, mv.partition)).filter(|course| course.number == mv.number)?.fault.clone()
    }
}

/// Something that one task of the executor does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Job {
    /// Decommissions that may begin, all together: they share limits.
    Begin,
    Move(PartitionKey),
    Leftover(LeftoverKey),
}

impl Master {
    /// The executor: runs as long as this master leads in `term`.
    pub(super) async fn carry_out_moves(self: Arc<Self>, term: Term) {
        self.adopt_decommissions(term).await;
        let mut busy: BTreeSet<Job> = BTreeSet::new();
        let mut running = FuturesUnordered::new();
        loop {
            let (due, look_at) = self.due_jobs(term, &busy);
            for job in due {
                if running.len() >= limits::MOVES_AT_A_TIME {
                    break;
                }
                busy.insert(job.clone());
                running.push(self.work(job, term));
            }
            let sleep = self.env.clock.sleep_until(look_at);
            tokio::select! {
                biased;
                Some(job) = running.next(), if !running.is_empty() => {
                    busy.remove(&job);
                }
                () = self.moves.wake.notified() => {}
                () = sleep => {}
            }
        }
    }

    /// What can be done now, and when to look again if nothing happens.
    fn due_jobs(&self, term: Term, busy: &BTreeSet<Job>) -> (Vec<Job>, crate::env::Mono) {
        let moment = self.moment();
        let state = &moment.state;
        let mut live = self.live();
        let live = &mut *live;
        let mut look_at = moment.now + limits::MOVES_LOOK_INTERVAL;
        let mut due = Vec::new();
        let mut may_begin = false;
        live.moves.moves.retain(|key, _| state.moves.contains_key(key));
        live.moves.leftovers.retain(|key, _| state.leftovers.contains_key(key));
        for (key, mv) in &state.moves {
            let job = Job::Move(*key);
            if busy.contains(&job) {
                continue;
            }
            let course = live.moves.course(mv);
            course.memory.since.get_or_insert(moment.now);
            let look = Look { scene: moment.scene(), reports: &live.reports, mv, memory: &course.memory, term };
            match look.next() {
                Next::Begin => may_begin = true,
                Next::Wait(wait) => {
                    look_at = wait.until.map_or(look_at, |until| until.min(look_at));
                    course.wait = Some(wait);
                }
                _ => due.push(job),
            }
        }
        if may_begin && !busy.contains(&Job::Begin) {
            match live.moves.full_until.filter(|until| *until > moment.now) {
                Some(until) => look_at = until.min(look_at),
                None => due.push(Job::Begin),
            }
        }
        for (key, left) in &state.leftovers {
            let job = Job::Leftover(key.clone());
            if busy.contains(&job) {
                continue;
            }
            let known = *live.moves.known(key, moment.now);
            match leftover::next(left, &known, &self.leftover_now(&moment, live, left, term)) {
                leftover::Step::Wait(wait) => look_at = wait.until.map_or(look_at, |until| until.min(look_at)),
                _ => due.push(job),
            }
        }
        (due, crate::env::Mono(look_at))
    }

    async fn work(&self, job: Job, term: Term) -> Job {
        match &job {
            Job::Begin => self.begin_moves(term).await,
            Job::Move(key) => self.work_on_move(*key, term).await,
            Job::Leftover(key) => self.work_on_leftover(key, term).await,
        }
        job
    }

    /// Takes steps of a move until it has to wait.
    async fn work_on_move(&self, key: PartitionKey, term: Term) {
        while self.ready_term() == Some(term) {
            let (mv, next) = {
                let moment = self.moment();
                let Some(mv) = moment.state.moves.get(&key).cloned() else { return };
                let mut live = self.live();
                let live = &mut *live;
                let course = live.moves.course(&mv);
                course.memory.since.get_or_insert(moment.now);
                let next = Look { scene: moment.scene(), reports: &live.reports, mv: &mv, memory: &course.memory, term }.next();
                course.wait = match &next {
                    Next::Wait(wait) => Some(wait.clone()),
                    _ => None,
                };
                (mv, next)
            };
            let went_on = match next {
                Next::Wait(_) | Next::Begin => return,
                Next::Turn(turn) => self.turn(&mv, turn, term).await,
                Next::Ask(ask) => self.ask_and_settle(&mv, ask, term).await,
            };
            self.moves.tell();
            if !went_on {
                return self.env.sleep(limits::MOVES_REST).await;
            }
        }
    }

    /// Asks a node for a step and does what follows. False: nothing came of it for now.
    async fn ask_and_settle(&self, mv: &Move, ask: Ask, term: Term) -> bool {
        if !self.still_leads(term).await {
            return false;
        }
        let answer = self.ask(mv, &ask).await;
        let settled = {
            let moment = self.moment();
            let mut live = self.live();
            let live = &mut *live;
            let course = live.moves.course(mv);
            course.memory.asked_at = Some(moment.now);
            course.memory.asked += 1;
            let look = Look { scene: moment.scene(), reports: &live.reports, mv, memory: &course.memory, term };
            let settled = look.settle(&ask, answer);
            match &settled {
                Settled::Again(why) => {
                    course.memory.failed_at = Some(moment.now);
                    course.fault = Some(why.clone());
                }
                Settled::InDoubt(why) => {
                    course.memory.failed_at = Some(moment.now);
                    course.memory.in_doubt = true;
                    course.fault = Some(why.clone());
                }
                Settled::Turn(_) => {}
            }
            settled
        };
        match settled {
            Settled::Turn(turn) => {
                let recorded = self.turn(mv, turn, term).await;
                if !recorded {
                    // What the node did is not known to the records: whoever goes on must not take it for undone.
                    self.live().moves.course(mv).memory.in_doubt = true;
                }
                recorded
            }
            // The plan says when it is asked again.
            Settled::Again(why) | Settled::InDoubt(why) => {
                tracing::info!(partition = mv.partition.0, phase = ?mv.phase, %why, "a step of a move waits");
                true
            }
        }
    }

    fn leftover_now(&self, moment: &Moment, live: &Live, left: &Leftover, term: Term) -> leftover::Now {
        let (state, scene, reports) = (&moment.state, moment.scene(), &live.reports);
        let down = live.is_inactive(left.kind, &left.addr, self.env.now());
        let at = leftover::Now {
            term,
            now: moment.now,
            registered: true,
            down,
            is_host: false,
            // A partition that is gone, or given up by people, has no raft group to be a member of.
            is_member: Some(false),
            can_expel: false,
        };
        match left.kind {
            PartitionKind::Data => {
                let registered = state.data_node_by_addr(&left.addr).is_some();
                let Some(dp) = state.data_partitions.get(&left.partition) else { return leftover::Now { registered, ..at } };
                let is_host = dp.has_host(&left.addr);
                let is_member = if dp.is_discard { Some(false) } else { allowed::is_member(&scene, reports, dp, &left.addr) };
                let can_expel = allowed::who_expels(&scene, reports, dp).is_some();
                leftover::Now { registered, is_host, is_member, can_expel, ..at }
            }
            PartitionKind::Meta => {
                let registered = state.meta_node_by_addr(&left.addr).is_some();
                let Some(mp) = state.meta_partitions.get(&left.partition) else { return leftover::Now { registered, ..at } };
                let is_host = mp.has_host(&left.addr);
                // Only the leader's report says so, and only the leader is asked.
                let is_member = meta_moves::allowed::is_member(&scene, reports, mp, &left.addr);
                leftover::Now { registered, is_host, is_member: Some(is_member), can_expel: is_member, ..at }
            }
        }
    }

    async fn work_on_leftover(&self, key: &LeftoverKey, term: Term) {
        while self.ready_term() == Some(term) {
            let moment = self.moment();
            let Some(left) = moment.state.leftovers.get(key) else { return };
            let step = {
                let mut live = self.live();
                let known = *live.moves.known(key, moment.now);
                leftover::next(left, &known, &self.leftover_now(&moment, &live, left, term))
            };
            let went_on = match step {
                leftover::Step::Wait(_) => return,
                leftover::Step::Settle => self.settle_leftover(left).await,
                leftover::Step::Ask => self.still_leads(term).await && self.ask_leftover(key, left).await,
                leftover::Step::Expel => self.still_leads(term).await && self.expel_leftover(key, left).await,
            };
            self.moves.tell();
            if !went_on {
                return self.env.sleep(limits::MOVES_REST).await;
            }
        }
    }

    /// What a move waits for, for people.
    pub fn move_waits_for(&self, mv: &Move) -> Option<Wait> {
        self.live().moves.waits_for(mv).cloned()
    }
}
