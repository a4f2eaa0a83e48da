//! Moves of replicas of data partitions (v3.5.3 http-partitions-nodes.md §4, §5.5 to §5.9).

use super::{advance, allowed, finish, source, wait, wait_until, Answer, Ask, Memory, Next, Settled, Turn, Wait};
use super::{
    BEGIN_AFTER_SECS, ELECTIONS_MAX, ELECTION_INTERVAL, FAILURES_MAX, IN_DOUBT_FOR, RETRY_AFTER_SECS, ROLLBACKS_MAX, SOURCE_SILENT_MAX,
};
use crate::ids::Term;
use crate::model::{
    DataPartition, DecommissionStatus, DecommissionStatusRecord, DecommissionType, Ending, Leftover, Move, PartitionStatus, Phase,
    ReplicaDisk, RestoreReplica, StepTaken, Task, NEVER,
};
use crate::plan::data_partition::{leader, life};
use crate::plan::life::Life;
use crate::plan::reports::{DataReplica, Reports};
use crate::plan::scene::Scene;
use crate::wire::peer::Peer;
use crate::wire::reply::{fault, Fault};
use std::time::Duration;

/// Steps kept in the record of a move.
const STEPS_MAX: usize = 64;

/// What a step is decided on.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub scene: Scene<'a>,
    pub reports: &'a Reports,
    pub mv: &'a Move,
    /// The partition's record; `None`: it was deleted.
    pub dp: Option<&'a DataPartition>,
    pub memory: &'a Memory,
    /// The term in which this master leads.
    pub term: Term,
}

impl<'a> View<'a> {
    /// A request of this phase may have been executed, or may still be.
    pub fn in_doubt(&self) -> bool {
        (self.memory.in_doubt || self.mv.term != self.term) && !self.disproved()
    }

    /// Long after the last request the raft group's leader still reports the members of the record: it was not executed.
    fn disproved(&self) -> bool {
        let Some((dp, asked)) = self.dp.zip(self.memory.asked_at) else { return false };
        let replica = self.leader().and_then(|addr| self.replica(&addr));
        self.mv.term == self.term && replica.is_some_and(|r| r.heard_at >= asked + IN_DOUBT_FOR && !r.local_peers.differ_from(&dp.peers))
    }

    fn replica(&self, addr: &str) -> Option<&'a DataReplica> {
        self.reports.data_partition(self.mv.partition)?.replica(addr)
    }

    fn leader(&self) -> Option<String> {
        leader(&self.scene, self.reports, self.dp?).map(|addr| addr.to_string())
    }

    fn is_young(&self) -> bool {
        self.reports.age(self.scene.now) < self.scene.rules.presumption()
    }

    /// The last request failed a moment ago.
    fn resting(&self) -> Option<Wait> {
        self.memory.resting(self.scene.now, self.mv)
    }
}

/// The next step.
pub fn next(view: &View<'_>) -> Next {
    let Some(dp) = view.dp else {
        return finish(Ending::PartitionGone, None);
    };
    let mv = view.mv;
    if let Some(turn) = mv.cancelled.then(|| stop(view, dp)).flatten() {
        return Next::Turn(turn);
    }
    match mv.phase {
        Phase::Waiting => waiting(view, dp),
        Phase::Leaving => leaving(view, dp),
        Phase::Joining => joining(view, dp),
        Phase::Creating => match view.resting() {
            Some(wait) => Next::Wait(wait),
            None if mv.restores() => Next::Ask(Ask::Restore { on: mv.to.addr.clone(), disk: mv.backup_disk.clone() }),
            None => Next::Ask(Ask::Create { on: mv.to.addr.clone() }),
        },
        Phase::Repairing => repairing(view, dp),
        Phase::Electing => electing(view, dp),
        Phase::Retracting => retracting(view, dp),
        Phase::Deleting => deleting(view, dp),
    }
}

/// How a move that was cancelled ends, if it can now: while its source is a replica still, what was begun is taken back; after that it goes on,
/// for the partition lacks a replica.
fn stop(view: &View<'_>, dp: &DataPartition) -> Option<Turn> {
    let mv = view.mv;
    let why = || Fault::internal("cancelled");
    let retract = |doubtful| Turn::Retract { why: why(), doubtful };
    let has_source = mv.task == Task::Add || dp.has_host(&mv.from);
    match mv.phase {
        Phase::Waiting => Some(Turn::Finish { ending: Ending::Cancelled, why: None, settled: false }),
        Phase::Leaving if view.in_doubt() => None,
        Phase::Leaving if mv.task == Task::Relay => Some(retract(false)),
        Phase::Leaving => Some(Turn::Finish { ending: Ending::Cancelled, why: None, settled: false }),
        Phase::Joining | Phase::Creating | Phase::Repairing | Phase::Electing if has_source => Some(retract(view.in_doubt())),
        _ => None,
    }
}

fn waiting(view: &View<'_>, dp: &DataPartition) -> Next {
    let (mv, scene) = (view.mv, &view.scene);
    let from_is_gone = !dp.has_host(&mv.from);
    let in_secs = |secs: i64| scene.now + Duration::from_secs(secs.max(0).unsigned_abs());
    if dp.is_discard || scene.state.volumes.get(&dp.vol_id).is_none_or(|v| v.is_deleted()) {
        return finish(Ending::Done, None);
    }
    if from_is_gone && dp.hosts.len() >= usize::from(dp.replica_num) {
        return finish(Ending::Done, None);
    }
    if dp.decommission_status == DecommissionStatus::PAUSE {
        return wait("paused");
    }
    let begin = mv.asked + BEGIN_AFTER_SECS - scene.wall_secs;
    if begin > 0 {
        return wait_until("its turn comes when requests of the same moment are known", in_secs(begin));
    }
    let again = dp.decommission_retry_time.saturating_add(RETRY_AFTER_SECS) - scene.wall_secs;
    if again > 0 {
        return wait_until(format!("tries again {again} s later: {}", mv.error), in_secs(again));
    }
    if allowed::has_unheard_hosts(scene, view.reports, dp) {
        return wait("this leader has not heard all hosts yet");
    }
    if !mv.raft_force && !from_is_gone {
        if let Err(why) = allowed::may_lose(scene, view.reports, dp, &mv.from, dp.decommission_retry >= 1) {
            return Next::Turn(failed(view, why));
        }
    }
    Next::Begin
}

fn leaving(view: &View<'_>, dp: &DataPartition) -> Next {
    let (mv, scene) = (view.mv, &view.scene);
    if let Some(wait) = view.resting() {
        return Next::Wait(wait);
    }
    if allowed::has_unheard_hosts(scene, view.reports, dp) {
        return wait("this leader has not heard all hosts yet");
    }
    let doubt = view.in_doubt();
    let give_up = |why: Fault| match doubt || mv.task == Task::Relay {
        // It may have left already, or its successor is there: there is no way back.
        true => wait(format!("{} cannot leave now: {why}", mv.from)),
        false => Next::Turn(failed(view, why)),
    };
    if let Err(why) = allowed::somebody_is_left(scene, view.reports, dp, &mv.from) {
        return give_up(why);
    }
    let via = match view.leader() {
        Some(leader) => vec![leader],
        None if mv.raft_force => dp.hosts.iter().filter(|host| **host != mv.from).cloned().collect(),
        None => return give_up(fault::NO_LEADER),
    };
    Next::Ask(Ask::RemoveMember { via, peer: source(&dp.peers, mv), force: mv.raft_force })
}

fn joining(view: &View<'_>, dp: &DataPartition) -> Next {
    let mv = view.mv;
    if dp.has_host(&mv.to.addr) {
        return Next::Turn(Turn::Joined);
    }
    if let Err(why) = allowed::may_gain(&view.scene, dp, &mv.to.addr) {
        return Next::Turn(not_joined(view, why, view.in_doubt()));
    }
    let via = match view.leader() {
        Some(leader) => vec![leader],
        None if view.is_young() => return wait("this leader has not heard who leads the raft group"),
        None => dp.hosts.clone(),
    };
    Next::Ask(Ask::AddMember { via, peer: mv.to.clone() })
}

fn not_joined(view: &View<'_>, why: Fault, doubt: bool) -> Turn {
    match doubt {
        true => Turn::Retract { why, doubtful: true },
        false => failed(view, why),
    }
}

/// The repair of the new replica (§5.9).
fn repairing(view: &View<'_>, dp: &DataPartition) -> Next {
    let (mv, scene) = (view.mv, &view.scene);
    let to = mv.to.addr.as_str();
    let retract = |why: String| Next::Turn(Turn::Retract { why: Fault::internal(why), doubtful: false });
    if dp.decommission_status == DecommissionStatus::PAUSE {
        return wait("paused");
    }
    let Some(replica) = view.replica(to).filter(|r| !r.assumed) else {
        let silent = scene.wall_secs - mv.since > scene.rules.data_replica_timeout.as_secs() as i64;
        return match silent {
            true => retract(format!("New replica {to} is unavailable")),
            false => wait_until(format!("{to} has not reported its replica yet"), scene.now + Duration::from_secs(60)),
        };
    };
    if replica.status == PartitionStatus::UNAVAILABLE || scene.now.saturating_sub(replica.heard_at) > scene.rules.data_replica_timeout {
        return retract(format!("New replica {to} is unavailable"));
    }
    let relay = mv.task == Task::Relay;
    if replica.status != PartitionStatus::RECOVERING && !(relay && replica.is_repairing) {
        return match life(scene, view.reports, dp, to) {
            Life::Live => Next::Turn(Turn::CaughtUp),
            _ => wait(format!("{to} is down")),
        };
    }
    let first = dp.hosts.iter().find(|host| host.as_str() != to).and_then(|host| view.replica(host));
    if let Some(first) = first {
        let addr = &first.addr;
        if first.trigger_disk_error {
            return retract(format!("Decommission target node {to} cannot finish recover for host[0] {addr} is unavailable"));
        }
        if replica.heard_at.saturating_sub(first.heard_at) > SOURCE_SILENT_MAX {
            return retract(format!("Decommission target node {to} cannot finish recover for host[0] {addr} is down "));
        }
    }
    let reported = view.reports.data_partition(mv.partition).and_then(|p| p.recover_updated_wall_secs);
    let progressed = reported.unwrap_or(mv.since).max(mv.since);
    let timeout = scene.state.settings.effective_dp_repair_time_out().as_secs() as i64;
    if scene.wall_secs - progressed > timeout {
        return retract(format!("Decommission target node {to} repair timeout"));
    }
    let left = Duration::from_secs((progressed + timeout - scene.wall_secs).unsigned_abs() + 1);
    wait_until(format!("{to} is at {:.0} % of its repair", replica.repair_progress * 100.0), scene.now + left)
}

fn electing(view: &View<'_>, _dp: &DataPartition) -> Next {
    if view.leader().is_some() {
        return Next::Turn(Turn::Elected);
    }
    if view.memory.asked >= ELECTIONS_MAX {
        let to = &view.mv.to.addr;
        return Next::Turn(Turn::Retract {
            why: Fault::internal(format!("wait leader selection  new addr {to}  timeout")),
            doubtful: false,
        });
    }
    match view.memory.asked_at.map(|at| at + ELECTION_INTERVAL).filter(|at| *at > view.scene.now) {
        Some(at) => wait_until("the raft group has no leader", at),
        None => Next::Ask(Ask::Lead { on: view.mv.to.addr.clone() }),
    }
}

fn retracting(view: &View<'_>, dp: &DataPartition) -> Next {
    let (mv, scene) = (view.mv, &view.scene);
    if let Some(wait) = view.resting() {
        return Next::Wait(wait);
    }
    if allowed::has_unheard_hosts(scene, view.reports, dp) {
        return wait("this leader has not heard all hosts yet");
    }
    if dp.has_host(&mv.to.addr) {
        if let Err(why) = allowed::somebody_is_left(scene, view.reports, dp, &mv.to.addr) {
            return wait(format!("{} cannot be taken off again: {why}", mv.to.addr));
        }
    }
    // With one replica the new member, as long as it has none, leaves the raft group without a majority: there is nobody else to ask, and
    // nothing is committed that the one replica does not have (v3.5.3 background-tasks.md §10.7).
    let leader = view.leader();
    let force = mv.raft_force || (leader.is_none() && dp.replica_num == 1);
    let via = match leader {
        Some(leader) => vec![leader],
        None if force => dp.hosts.iter().filter(|host| **host != mv.to.addr).cloned().collect(),
        None => return wait(format!("the raft group has no leader that could give up {}", mv.to.addr)),
    };
    Next::Ask(Ask::RemoveMember { via, peer: mv.to.clone(), force })
}

fn deleting(view: &View<'_>, dp: &DataPartition) -> Next {
    let mv = view.mv;
    let leader = view.leader().filter(|leader| *leader != mv.from);
    let lead = if leader.is_some() { None } else { dp.hosts.first().cloned() };
    // A node that is down is told when it is back.
    let known = view.scene.state.data_node_by_addr(&mv.from).is_some();
    if !known || !view.reports.data_liveness(&mv.from, view.scene.now).is_active() {
        return finish(Ending::Done, None);
    }
    Next::Ask(Ask::Delete { on: mv.from.clone(), force: mv.raft_force, lead })
}

/// An attempt failed and left nothing behind.
fn failed(view: &View<'_>, why: Fault) -> Turn {
    let mv = view.mv;
    let finally = view.dp.is_none_or(|dp| dp.decommission_retry + 1 >= FAILURES_MAX && dp.has_host(&mv.from));
    match mv.task {
        Task::Add | Task::Remove => Turn::Finish { ending: Ending::Failed, why: Some(why), settled: false },
        _ if finally || mv.cancelled => Turn::Finish { ending: Ending::Failed, why: Some(why), settled: false },
        _ => Turn::Later { why },
    }
}

/// What follows from the answer to a request.
pub fn settle(view: &View<'_>, ask: &Ask, answer: Answer) -> Settled {
    use Settled::{Again, InDoubt};
    let doubt = view.in_doubt();
    match (ask, answer) {
        (Ask::RemoveMember { .. }, Answer::Done(_)) if view.mv.phase == Phase::Retracting => Settled::Turn(Turn::Retracted),
        (Ask::RemoveMember { .. }, Answer::Done(_)) => Settled::Turn(Turn::Left),
        (Ask::RemoveMember { .. }, Answer::Unknown(why)) => InDoubt(why),
        (Ask::RemoveMember { .. }, Answer::No(why)) if doubt || view.mv.phase == Phase::Retracting || view.mv.task == Task::Relay => {
            Again(why)
        }
        (Ask::RemoveMember { .. }, Answer::No(why)) => Settled::Turn(failed(view, why)),
        (Ask::AddMember { .. }, Answer::Done(_)) => Settled::Turn(Turn::Joined),
        (Ask::AddMember { .. }, Answer::Unknown(why)) => Settled::Turn(Turn::Retract { why, doubtful: true }),
        (Ask::AddMember { .. }, Answer::No(why)) => Settled::Turn(not_joined(view, why, doubt)),
        (Ask::Create { .. }, Answer::Done(disk)) => Settled::Turn(Turn::Created { disk }),
        (Ask::Restore { disk, .. }, Answer::Done(_)) => Settled::Turn(Turn::Created { disk: disk.clone() }),
        (Ask::Create { .. } | Ask::Restore { .. }, Answer::Unknown(why)) => Settled::Turn(Turn::Retract { why, doubtful: true }),
        (Ask::Create { .. } | Ask::Restore { .. }, Answer::No(why)) => Settled::Turn(Turn::Retract { why, doubtful: doubt }),
        (Ask::Lead { .. }, Answer::Done(_)) => Again(Fault::internal("asked to lead")),
        (Ask::Lead { .. }, Answer::No(why) | Answer::Unknown(why)) => Again(why),
        (Ask::Delete { .. }, Answer::Done(_)) => {
            Settled::Turn(Turn::Finish { ending: Ending::Done, why: None, settled: !doubt && !view.mv.doubtful })
        }
        (Ask::Delete { .. }, Answer::No(_)) => Settled::Turn(Turn::Finish { ending: Ending::Done, why: None, settled: false }),
        // It may yet be executed: the fault tells that to `take`.
        (Ask::Delete { .. }, Answer::Unknown(why)) => Settled::Turn(Turn::Finish { ending: Ending::Done, why: Some(why), settled: false }),
    }
}

/// When and by whom a change is made.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// Unix seconds.
    pub secs: i64,
    /// The same as v3.5.3 writes it into its records.
    pub text: String,
    pub term: Term,
    /// The change was decided in doubt about an earlier request.
    pub in_doubt: bool,
    /// Replicas that the partition's volume wants.
    pub wanted: u8,
}

/// What a change means for leftovers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effect {
    /// A node that may hold a replica which is none any more.
    pub left: Option<Leftover>,
    /// A node that holds none for certain.
    pub settled: Option<String>,
    /// The move ended so.
    pub ending: Option<Ending>,
}

/// Makes a change. `dp` is the partition's record, unless it was deleted.
pub fn take(turn: &Turn, mv: &mut Move, dp: Option<&mut DataPartition>, stamp: &Stamp) -> Effect {
    let mut effect = Effect::default();
    note(turn, mv, stamp);
    let Some(dp) = dp else {
        // Its hosts were told to delete their replicas; one that was just being created may come after that.
        if matches!(mv.phase, Phase::Creating | Phase::Repairing | Phase::Electing | Phase::Retracting) {
            effect.left = Some(leftover(mv, &mv.to.addr, true, stamp));
        }
        effect.ending = Some(Ending::PartitionGone);
        return effect;
    };
    match turn {
        Turn::Begin { to, repaired_from } => begin(mv, dp, to, repaired_from, stamp),
        Turn::Left => {
            take_off(dp, &mv.from);
            dp.offline_peer_id = 0;
            effect.left = Some(leftover(mv, &mv.from, stamp.in_doubt, stamp));
            match mv.task {
                Task::Replace => {
                    advance(mv, Phase::Joining);
                }
                Task::Relay => {
                    effect.ending = Some(Ending::Done);
                    end(mv, dp, Ending::Done, None, stamp);
                }
                _ => {
                    if !dp.is_recover && stamp.wanted == 2 && dp.replica_num == 3 && dp.hosts.len() == 2 {
                        dp.replica_num = 2;
                    }
                    advance(mv, Phase::Deleting);
                }
            }
        }
        Turn::Joined => {
            if !dp.has_host(&mv.to.addr) {
                dp.hosts.push(mv.to.addr.clone());
                dp.peers.retain(|peer| peer.addr != mv.to.addr);
                dp.peers.push(mv.to.clone());
            }
            advance(mv, Phase::Creating);
        }
        Turn::Created { disk } if mv.restores() => {
            // v3.5.3 leaves the rest to the nodes (http-partitions-nodes.md §4.4).
            dp.replicas.retain(|replica| replica.addr != mv.to.addr);
            dp.replicas.push(ReplicaDisk::new(&mv.to.addr, disk));
            effect.ending = Some(Ending::Done);
            end(mv, dp, Ending::Done, None, stamp);
        }
        Turn::Created { disk } => created(mv, dp, disk, stamp),
        Turn::CaughtUp if mv.task == Task::Relay => {
            dp.special_replica_decommission_step = 3;
            advance(mv, Phase::Electing);
        }
        Turn::CaughtUp => {
            effect.ending = Some(Ending::Done);
            end(mv, dp, Ending::Done, None, stamp);
        }
        Turn::Elected => {
            dp.special_replica_decommission_step = 4;
            dp.offline_peer_id = mv.from_id.0;
            advance(mv, Phase::Leaving);
        }
        Turn::Retract { why, doubtful } => {
            mv.error = why.to_string();
            mv.doubtful |= *doubtful;
            dp.offline_peer_id = 0;
            if mv.task.is_decommission() {
                dp.decommission_need_rollback = true;
                dp.decommission_error_message = why.to_string();
                status(dp, DecommissionStatus::FAIL, "rollback", &why.msg, stamp);
            }
            advance(mv, Phase::Retracting);
        }
        Turn::Retracted => retracted(mv, dp, &mut effect, stamp),
        Turn::Later { why } => {
            later(mv, dp, why, stamp);
        }
        Turn::Fail { condition, why } => {
            effect.ending = Some(Ending::Failed);
            fail(mv, dp, why, condition, stamp);
        }
        Turn::Finish { ending, why, settled } => {
            if *settled {
                effect.settled = Some(mv.from.clone());
            } else if mv.phase == Phase::Deleting && why.is_some() {
                effect.left = Some(leftover(mv, &mv.from, true, stamp));
            }
            effect.ending = Some(*ending);
            end(mv, dp, *ending, why.as_ref(), stamp);
        }
    }
    mv.since = stamp.secs;
    mv.term = stamp.term;
    effect
}

/// Adds a change to the steps of its move.
pub(super) fn note(turn: &Turn, mv: &mut Move, stamp: &Stamp) {
    let (step, error) = match turn {
        Turn::Begin { to, .. } if to.addr.is_empty() => ("begin".to_owned(), String::new()),
        Turn::Begin { to, .. } => (format!("begin towards {}", to.addr), String::new()),
        Turn::Left => (format!("{} has left", mv.from), String::new()),
        Turn::Joined => (format!("{} has joined", mv.to.addr), String::new()),
        Turn::Created { disk } => (format!("{} has created its replica {disk}", mv.to.addr).trim_end().to_owned(), String::new()),
        Turn::CaughtUp => (format!("{} has caught up", mv.to.addr), String::new()),
        Turn::Elected => ("the raft group has a leader".to_owned(), String::new()),
        Turn::Retract { why, .. } => (format!("gives up {}", mv.to.addr), why.to_string()),
        Turn::Retracted => (format!("{} has left again", mv.to.addr), String::new()),
        Turn::Later { why } => ("later".to_owned(), why.to_string()),
        Turn::Fail { condition, why } => (format!("cannot be done: {condition}"), why.to_string()),
        Turn::Finish { ending, why, .. } => {
            (format!("end: {ending:?}").to_lowercase(), why.as_ref().map(Fault::to_string).unwrap_or_default())
        }
    };
    if mv.steps.len() == STEPS_MAX {
        // The first step says how it began.
        mv.steps.remove(1);
    }
    mv.steps.push(StepTaken { step, at: stamp.secs, error });
}

pub(super) fn leftover(mv: &Move, addr: &str, doubtful: bool, stamp: &Stamp) -> Leftover {
    Leftover {
        kind: mv.kind,
        partition: mv.partition,
        addr: addr.to_owned(),
        volume: mv.volume,
        force: mv.raft_force,
        term: stamp.term,
        doubtful,
        since: stamp.secs,
        ..Leftover::default()
    }
}

fn take_off(dp: &mut DataPartition, addr: &str) {
    dp.hosts.retain(|host| host != addr);
    dp.peers.retain(|peer| peer.addr != addr);
    dp.replicas.retain(|replica| replica.addr != addr);
}

/// Records a status as v3.5.3 does, with what led to it.
fn status(dp: &mut DataPartition, status: DecommissionStatus, condition: &str, error: &str, stamp: &Stamp) {
    dp.decommission_status = status;
    dp.decommission_status_update_records.push(DecommissionStatusRecord {
        condition: condition.to_owned(),
        status: status.text(),
        time: stamp.text.clone(),
        err_message: error.to_owned(),
        ..DecommissionStatusRecord::default()
    });
}

fn begin(mv: &mut Move, dp: &mut DataPartition, to: &Peer, repaired_from: &(String, String), stamp: &Stamp) {
    mv.to = to.clone();
    (mv.repaired_from, mv.repaired_from_disk) = repaired_from.clone();
    if mv.task.is_decommission() {
        dp.decommission_dst_addr = to.addr.clone();
        status(dp, DecommissionStatus::PREPARE, "begin", "", stamp);
    }
    if mv.task == Task::Relay {
        dp.special_replica_decommission_step = 1;
    }
    let leaves = mv.task.takes_away() && mv.task != Task::Relay && (mv.task == Task::Remove || dp.has_host(&mv.from));
    if leaves {
        dp.offline_peer_id = mv.from_id.0;
    }
    advance(mv, if leaves { Phase::Leaving } else { Phase::Joining });
}

fn created(mv: &mut Move, dp: &mut DataPartition, disk: &str, stamp: &Stamp) {
    let to = mv.to.addr.clone();
    dp.replicas.retain(|replica| replica.addr != to);
    dp.replicas.push(ReplicaDisk::new(&to, disk));
    dp.status = PartitionStatus::READ_ONLY;
    dp.is_recover = true;
    dp.recover_start_time = stamp.secs;
    dp.recover_update_time = stamp.secs;
    dp.decommission_dst_addr = to;
    let condition = match mv.task {
        Task::Add if mv.to_given => {
            dp.decommission_type = DecommissionType::MANUAL_ADD_REPLICA;
            "manualAddReplica"
        }
        Task::Add => {
            dp.decommission_type = DecommissionType::AUTO_ADD_REPLICA;
            "autoAddReplica"
        }
        Task::Relay => {
            dp.special_replica_decommission_step = 2;
            "addDataReplica"
        }
        _ => "addDataReplica",
    };
    status(dp, DecommissionStatus::RUNNING, condition, "", stamp);
    advance(mv, Phase::Repairing);
}

/// The target is gone again: another one later, unless that was enough (§5.5, roll-back).
fn retracted(mv: &mut Move, dp: &mut DataPartition, effect: &mut Effect, stamp: &Stamp) {
    take_off(dp, &mv.to.addr);
    effect.left = Some(leftover(mv, &mv.to.addr, mv.doubtful || stamp.in_doubt, stamp));
    dp.is_recover = false;
    let why = Fault::internal(mv.error.clone());
    if !mv.task.is_decommission() {
        effect.ending = Some(if mv.cancelled { Ending::Cancelled } else { Ending::Failed });
        return end(mv, dp, Ending::Failed, Some(&why), stamp);
    }
    dp.decommission_need_rollback = false;
    dp.decommission_need_rollback_times += 1;
    dp.special_replica_decommission_step = 0;
    let has_source = dp.has_host(&mv.from);
    if mv.cancelled && has_source {
        effect.ending = Some(Ending::Cancelled);
        return end(mv, dp, Ending::Cancelled, None, stamp);
    }
    if dp.decommission_need_rollback_times >= ROLLBACKS_MAX && has_source {
        effect.ending = Some(Ending::Failed);
        return end(mv, dp, Ending::Failed, Some(&why), stamp);
    }
    dp.decommission_need_rollback_times = dp.decommission_need_rollback_times.min(ROLLBACKS_MAX);
    later(mv, dp, &why, stamp);
}

/// Back to the start of a decommission.
fn later(mv: &mut Move, dp: &mut DataPartition, why: &Fault, stamp: &Stamp) {
    mv.failures += 1;
    mv.error = why.to_string();
    mv.doubtful = false;
    (mv.repaired_from, mv.repaired_from_disk) = Default::default();
    if !mv.to_given {
        mv.to = Peer::default();
        dp.decommission_dst_addr = String::new();
    }
    dp.offline_peer_id = 0;
    dp.decommission_retry += 1;
    dp.decommission_retry_time = stamp.secs;
    dp.decommission_error_message = why.to_string();
    status(dp, DecommissionStatus::MARKED, "retry", &why.msg, stamp);
    advance(mv, Phase::Waiting);
}

/// The end of a decommission that could not be done: the fields stay, so that whoever asked sees which ones failed.
fn fail(mv: &mut Move, dp: &mut DataPartition, why: &Fault, condition: &str, stamp: &Stamp) {
    mv.error = why.to_string();
    dp.offline_peer_id = 0;
    dp.decommission_error_message = why.to_string();
    dp.decommission_need_rollback = false;
    dp.decommission_need_rollback_times = ROLLBACKS_MAX;
    dp.restore_replica = RestoreReplica::STOP;
    let disk = format!("{}_{}", dp.decommission_src_addr, dp.decommission_src_disk_path);
    *dp.decommission_disk_retry_map.entry(disk).or_default() += 1;
    status(dp, DecommissionStatus::FAIL, condition, &why.msg, stamp);
}

/// The end of a move in the partition's record.
fn end(mv: &mut Move, dp: &mut DataPartition, ending: Ending, why: Option<&Fault>, stamp: &Stamp) {
    if let Some(why) = why {
        mv.error = why.to_string();
    }
    dp.offline_peer_id = 0;
    let disk = format!("{}_{}", dp.decommission_src_addr, dp.decommission_src_disk_path);
    match (mv.task, ending) {
        (Task::Remove, _) => {}
        // As v3.5.3: a failed request leaves the flag behind, and a reset takes it away. It keeps nothing but the next such request.
        (Task::Add, Ending::Failed) if mv.phase <= Phase::Joining && mv.leaves_flag() => {}
        (Task::Add, _) => {
            dp.decommission_dst_addr = String::new();
            dp.decommission_type = DecommissionType::INITIAL;
            dp.decommission_status = DecommissionStatus::INITIAL;
            dp.decommission_status_update_records.clear();
            dp.is_recover = false;
            if ending != Ending::Failed || !mv.leaves_flag() {
                dp.restore_replica = RestoreReplica::STOP;
            }
        }
        (_, Ending::Failed) => {
            let why = why.cloned().unwrap_or_else(|| Fault::internal("failed"));
            fail(mv, dp, &why, "failed", stamp);
        }
        _ => {
            dp.reset_decommission();
            dp.restore_replica = RestoreReplica::STOP;
            dp.recover_update_time = NEVER;
            if ending == Ending::Done {
                dp.decommission_disk_retry_map.remove(&disk);
            }
        }
    }
}
