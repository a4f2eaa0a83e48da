//! Moves of replicas of meta partitions (v3.5.3 http-partitions-nodes.md §7.4 to §7.6).
//!
//! The old replica leaves first, as v3.5.3 does it and as data partitions of three replicas do. Other than with those
//! * a node is asked to create its replica once and never again, unless that was surely not done: a v3.5.3 meta node that has the partition
//!   already would move its directory away (admin-tasks.md §8.1). Where the answer is lost, either its heartbeat shows the replica, or
//!   another node takes it;
//! * whoever asks waits for the reply, so what fails before anything was taken off is over; after that it is tried until it is done;
//! * v3.5.3's records say nothing of a move but that the partition recovers.

pub mod allowed;
pub mod target;
#[cfg(test)]
mod tests;

use super::data::{leftover, note, Effect, Stamp};
use super::IN_DOUBT_FOR;
use super::{advance, finish, source, wait, wait_until, Answer, Ask, Memory, Next, Settled, Turn, Wait};
use crate::ids::Term;
use crate::model::{Ending, MetaPartition, Move, Phase, Task};
use crate::plan::life::Life;
use crate::plan::meta_partition::{leader, life};
use crate::plan::reports::{MetaReplica, Reports};
use crate::plan::scene::Scene;
use crate::wire::peer::Peer;
use crate::wire::reply::{fault, Fault};
use std::time::Duration;

/// Between two attempts to find another node for a replica that has left.
const RETRY_AFTER: Duration = Duration::from_secs(60);
/// Requests to take a member that may be refused before another node is tried: a group that has just lost its leader refuses some.
const JOIN_TRIES: u32 = 5;
/// Attempts towards the node that was asked for; after that any will do, for the partition lacks a replica.
pub const GIVEN_TRIES: u32 = 3;

/// What a step is decided on.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub scene: Scene<'a>,
    pub reports: &'a Reports,
    pub mv: &'a Move,
    /// The partition's record; `None`: it was deleted.
    pub mp: Option<&'a MetaPartition>,
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
        let Some((mp, asked)) = self.mp.zip(self.memory.asked_at) else { return false };
        let replica = self.leader().and_then(|addr| self.replica(&addr));
        self.mv.term == self.term && replica.is_some_and(|r| r.heard_at >= asked + IN_DOUBT_FOR && !r.local_peers.differ_from(&mp.peers))
    }

    fn replica(&self, addr: &str) -> Option<&'a MetaReplica> {
        self.reports.meta_partition(self.mv.partition)?.replica(addr)
    }

    fn leader(&self) -> Option<String> {
        leader(&self.scene, self.reports, self.mp?).map(|addr| addr.to_string())
    }

    fn is_young(&self) -> bool {
        self.reports.age(self.scene.now) < self.scene.rules.presumption()
    }

    /// How long this leader has seen the move in its phase.
    fn lasted(&self) -> Duration {
        self.scene.now.saturating_sub(self.memory.since.unwrap_or(self.scene.now))
    }

    /// The last request failed a moment ago.
    fn resting(&self) -> Option<Wait> {
        self.memory.resting(self.scene.now, self.mv)
    }

    /// Nothing was taken off yet, or nothing is to be.
    fn has_source(&self) -> bool {
        self.mv.task == Task::Add || self.mp.is_some_and(|mp| mp.has_host(&self.mv.from))
    }
}

/// The next step.
pub fn next(view: &View<'_>) -> Next {
    let Some(mp) = view.mp else {
        return finish(Ending::PartitionGone, None);
    };
    if let Some(turn) = view.mv.cancelled.then(|| stop(view)).flatten() {
        return Next::Turn(turn);
    }
    match view.mv.phase {
        Phase::Waiting => waiting(view, mp),
        Phase::Leaving => leaving(view, mp),
        Phase::Joining => joining(view, mp),
        Phase::Creating => creating(view),
        Phase::Repairing | Phase::Electing => repairing(view, mp),
        Phase::Retracting => retracting(view, mp),
        Phase::Deleting => deleting(view, mp),
    }
}

/// How a move that was cancelled ends, if it can now: while its source is a replica still, what was begun is taken back; after that it goes
/// on, for the partition lacks a replica, unless it only waits for another attempt.
fn stop(view: &View<'_>) -> Option<Turn> {
    let cancelled = Turn::Finish { ending: Ending::Cancelled, why: None, settled: false };
    match view.mv.phase {
        Phase::Waiting => Some(cancelled),
        Phase::Leaving if !view.in_doubt() => Some(cancelled),
        Phase::Joining | Phase::Creating | Phase::Repairing if view.has_source() => {
            // A request to create may be under way once it was sent; one to join, once it was lost.
            let doubtful = view.in_doubt() || (view.mv.phase == Phase::Creating && view.memory.asked > 0);
            Some(Turn::Retract { why: Fault::internal("cancelled"), doubtful })
        }
        _ => None,
    }
}

/// The source is gone and the next target is to be chosen.
fn waiting(view: &View<'_>, mp: &MetaPartition) -> Next {
    let scene = &view.scene;
    let unwanted = scene.state.volumes.get(&mp.vol_id).is_none_or(|volume| volume.is_deleted());
    if unwanted || (!mp.has_host(&view.mv.from) && mp.hosts.len() >= usize::from(mp.replica_num)) {
        return finish(Ending::Done, None);
    }
    if view.lasted() < RETRY_AFTER {
        let left = RETRY_AFTER - view.lasted();
        return wait_until(format!("tries another node {} s later: {}", left.as_secs(), view.mv.error), scene.now + left);
    }
    if allowed::has_unheard_hosts(scene, view.reports, mp) {
        return wait("this leader has not heard all hosts yet");
    }
    // By then the last request of the attempt before is over, and a member that it brought into the raft group is seen.
    let heard = view.leader().and_then(|addr| view.replica(&addr)).map(|replica| replica.heard_at);
    match heard {
        None => wait("the raft group has no leader"),
        Some(at) if at + RETRY_AFTER / 2 < scene.now => wait("the raft group's leader was not heard lately"),
        Some(_) => Next::Begin,
    }
}

fn leaving(view: &View<'_>, mp: &MetaPartition) -> Next {
    let (mv, scene) = (view.mv, &view.scene);
    if let Some(wait) = view.resting() {
        return Next::Wait(wait);
    }
    if allowed::has_unheard_hosts(scene, view.reports, mp) {
        return wait("this leader has not heard all hosts yet");
    }
    let give_up = |why: Fault| match view.in_doubt() {
        // It may have left already.
        true => wait(format!("{} cannot leave now: {why}", mv.from)),
        false => Next::Turn(failed(view, why)),
    };
    if let Err(why) = allowed::somebody_is_left(scene, view.reports, mp, &mv.from) {
        return give_up(why);
    }
    let Some(leader) = view.leader() else { return give_up(fault::NO_LEADER) };
    Next::Ask(Ask::RemoveMember { via: vec![leader], peer: source(&mp.peers, mv), force: false })
}

fn joining(view: &View<'_>, mp: &MetaPartition) -> Next {
    let mv = view.mv;
    if mp.has_host(&mv.to.addr) {
        return Next::Turn(Turn::Joined);
    }
    if let Some(wait) = view.resting() {
        return Next::Wait(wait);
    }
    if let Err(why) = allowed::may_gain(&view.scene, mp, &mv.to.addr) {
        return Next::Turn(not_joined(view, why));
    }
    if allowed::has_unheard_hosts(&view.scene, view.reports, mp) {
        return wait("this leader has not heard all hosts yet");
    }
    if let Err(why) = allowed::may_join(&view.scene, view.reports, mp, &mv.from, &mv.to.addr) {
        return match view.has_source() {
            true => Next::Turn(not_joined(view, why)),
            false => wait(why.to_string()),
        };
    }
    // The leader first; its refusal does not stop the others from being asked (§7.4).
    let via = match view.leader() {
        Some(leader) => {
            let others = mp.hosts.iter().filter(|host| **host != leader).cloned();
            [leader.clone()].into_iter().chain(others).collect()
        }
        None if view.is_young() => return wait("this leader has not heard who leads the raft group"),
        // The one that left may have led (§7.5 no. 5).
        None if view.memory.asked == 0 && !view.has_source() => return lead(mp),
        None => mp.hosts.clone(),
    };
    Next::Ask(Ask::AddMember { via, peer: mv.to.clone() })
}

fn lead(mp: &MetaPartition) -> Next {
    match mp.hosts.first() {
        Some(first) => Next::Ask(Ask::Lead { on: first.clone() }),
        None => wait("the partition has no host"),
    }
}

fn not_joined(view: &View<'_>, why: Fault) -> Turn {
    match view.in_doubt() {
        true => Turn::Retract { why, doubtful: true },
        false => failed(view, why),
    }
}

fn creating(view: &View<'_>) -> Next {
    let mv = view.mv;
    if !view.in_doubt() && view.memory.asked == 0 {
        return Next::Ask(Ask::Create { on: mv.to.addr.clone() });
    }
    if view.replica(&mv.to.addr).is_some_and(|replica| !replica.assumed) {
        return Next::Turn(Turn::Created { disk: String::new() });
    }
    if view.lasted() < IN_DOUBT_FOR {
        let until = view.scene.now + (IN_DOUBT_FOR - view.lasted());
        return wait_until(format!("whether {} has created its replica is not known", mv.to.addr), until);
    }
    let why = Fault::internal(format!("whether {} has created its replica is not known", mv.to.addr));
    Next::Turn(Turn::Retract { why, doubtful: true })
}

/// The new replica catches up (v3.5.3 background-tasks.md §9.2).
fn repairing(view: &View<'_>, mp: &MetaPartition) -> Next {
    let (mv, scene) = (view.mv, &view.scene);
    let to = mv.to.addr.as_str();
    let retract = || Next::Turn(Turn::Retract { why: Fault::internal(format!("New replica {to} is unavailable")), doubtful: false });
    let timeout = scene.rules.meta_replica_timeout;
    let Some(replica) = view.replica(to).filter(|replica| !replica.assumed) else {
        return match view.lasted() > timeout {
            true => retract(),
            false => wait_until(format!("{to} has not reported its replica yet"), scene.now + Duration::from_secs(10)),
        };
    };
    if scene.now.saturating_sub(replica.heard_at) > timeout {
        return retract();
    }
    if life(scene, view.reports, mp, to) != Life::Live {
        return wait_until(format!("{to} is down"), replica.heard_at + timeout + Duration::from_secs(1));
    }
    let Some(leader) = view.leader().and_then(|addr| view.replica(&addr)) else {
        return wait("the raft group has no leader");
    };
    let (here, there) = (replica.max_inode_id, leader.max_inode_id);
    match here.abs_diff(there) < allowed::INODE_DIFFERENCE_MAX {
        true => Next::Turn(Turn::CaughtUp),
        false => wait(format!("{to} is at inode {here}, the leader at {there}")),
    }
}

fn retracting(view: &View<'_>, mp: &MetaPartition) -> Next {
    let (mv, scene) = (view.mv, &view.scene);
    if let Some(wait) = view.resting() {
        return Next::Wait(wait);
    }
    if allowed::has_unheard_hosts(scene, view.reports, mp) {
        return wait("this leader has not heard all hosts yet");
    }
    if mp.has_host(&mv.to.addr) {
        if let Err(why) = allowed::somebody_is_left(scene, view.reports, mp, &mv.to.addr) {
            return wait(format!("{} cannot be taken off again: {why}", mv.to.addr));
        }
    }
    let Some(leader) = view.leader() else {
        return wait(format!("the raft group has no leader that could give up {}", mv.to.addr));
    };
    Next::Ask(Ask::RemoveMember { via: vec![leader], peer: mv.to.clone(), force: false })
}

fn deleting(view: &View<'_>, mp: &MetaPartition) -> Next {
    let mv = view.mv;
    let leads = view.leader().is_some_and(|leader| leader != mv.from);
    let lead = if leads { None } else { mp.hosts.first().cloned() };
    // A node that is down is told when it is back.
    let known = view.scene.state.meta_node_by_addr(&mv.from).is_some();
    if !known || !view.reports.meta_liveness(&mv.from, view.scene.now).is_active() {
        return finish(Ending::Done, None);
    }
    Next::Ask(Ask::Delete { on: mv.from.clone(), force: false, lead })
}

/// An attempt failed and left nothing behind.
fn failed(view: &View<'_>, why: Fault) -> Turn {
    match view.mv.task == Task::Replace && !view.has_source() && !view.mv.cancelled {
        true => Turn::Later { why },
        false => Turn::Finish { ending: Ending::Failed, why: Some(why), settled: false },
    }
}

/// What follows from the answer to a request.
pub fn settle(view: &View<'_>, ask: &Ask, answer: Answer) -> Settled {
    use Settled::{Again, InDoubt};
    let retracts = view.mv.phase == Phase::Retracting;
    match (ask, answer) {
        (Ask::RemoveMember { .. }, Answer::Done(_)) => Settled::Turn(if retracts { Turn::Retracted } else { Turn::Left }),
        (Ask::RemoveMember { .. }, Answer::Unknown(why)) => InDoubt(why),
        (Ask::RemoveMember { .. }, Answer::No(why)) if view.in_doubt() || retracts => Again(why),
        (Ask::RemoveMember { .. }, Answer::No(why)) => Settled::Turn(failed(view, why)),
        (Ask::AddMember { .. }, Answer::Done(_)) => Settled::Turn(Turn::Joined),
        (Ask::AddMember { .. } | Ask::Create { .. } | Ask::Restore { .. }, Answer::Unknown(why)) => {
            Settled::Turn(Turn::Retract { why, doubtful: true })
        }
        (Ask::AddMember { .. }, Answer::No(why)) if !view.in_doubt() && !view.has_source() && view.memory.asked < JOIN_TRIES => Again(why),
        (Ask::AddMember { .. }, Answer::No(why)) => Settled::Turn(not_joined(view, why)),
        (Ask::Create { .. } | Ask::Restore { .. }, Answer::Done(_)) => Settled::Turn(Turn::Created { disk: String::new() }),
        (Ask::Create { .. } | Ask::Restore { .. }, Answer::No(why)) => Settled::Turn(Turn::Retract { why, doubtful: false }),
        (Ask::Lead { .. }, Answer::Done(_)) => Again(Fault::internal("asked to lead")),
        (Ask::Lead { .. }, Answer::No(why) | Answer::Unknown(why)) => Again(why),
        (Ask::Delete { .. }, Answer::Done(_)) => {
            Settled::Turn(Turn::Finish { ending: Ending::Done, why: None, settled: !view.in_doubt() && !view.mv.doubtful })
        }
        (Ask::Delete { .. }, Answer::No(_)) => Settled::Turn(Turn::Finish { ending: Ending::Done, why: None, settled: false }),
        // It may yet be executed: the fault tells that to `take`.
        (Ask::Delete { .. }, Answer::Unknown(why)) => Settled::Turn(Turn::Finish { ending: Ending::Done, why: Some(why), settled: false }),
    }
}

/// Makes a change. `mp` is the partition's record, unless it was deleted.
pub fn take(turn: &Turn, mv: &mut Move, mp: Option<&mut MetaPartition>, stamp: &Stamp) -> Effect {
    let mut effect = Effect::default();
    note(turn, mv, stamp);
    let Some(mp) = mp else {
        // Its hosts were told to delete their replicas; one that was just being created may come after that.
        if matches!(mv.phase, Phase::Creating | Phase::Repairing | Phase::Retracting) {
            effect.left = Some(leftover(mv, &mv.to.addr, true, stamp));
        }
        effect.ending = Some(Ending::PartitionGone);
        return effect;
    };
    match turn {
        Turn::Begin { to, .. } => {
            mv.to = to.clone();
            let leaves = mv.task.takes_away() && mp.has_host(&mv.from);
            if leaves {
                mp.offline_peer_id = mv.from_id.0;
            }
            advance(mv, if leaves { Phase::Leaving } else { Phase::Joining });
        }
        Turn::Left => {
            take_off(mp, &mv.from);
            mp.offline_peer_id = 0;
            mp.last_del_replica_time = stamp.secs;
            effect.left = Some(leftover(mv, &mv.from, stamp.in_doubt, stamp));
            advance(mv, if mv.task.adds() { Phase::Joining } else { Phase::Deleting });
        }
        Turn::Joined => {
            if !mp.has_host(&mv.to.addr) {
                mp.hosts.push(mv.to.addr.clone());
                mp.peers.retain(|peer| peer.addr != mv.to.addr);
                mp.peers.push(mv.to.clone());
            }
            advance(mv, Phase::Creating);
        }
        Turn::Created { .. } => {
            mp.is_recover = true;
            advance(mv, Phase::Repairing);
        }
        Turn::CaughtUp | Turn::Elected => {
            mp.is_recover = false;
            effect.ending = Some(Ending::Done);
        }
        Turn::Retract { why, doubtful } => {
            mv.error = why.to_string();
            mv.doubtful |= *doubtful;
            advance(mv, Phase::Retracting);
        }
        Turn::Retracted => {
            take_off(mp, &mv.to.addr);
            mp.is_recover = false;
            effect.left = Some(leftover(mv, &mv.to.addr, mv.doubtful || stamp.in_doubt, stamp));
            if mv.task == Task::Add || mp.has_host(&mv.from) {
                effect.ending = Some(if mv.cancelled { Ending::Cancelled } else { Ending::Failed });
            } else {
                later(mv, None);
            }
        }
        Turn::Later { why } => later(mv, Some(why)),
        Turn::Fail { why, .. } => {
            mv.error = why.to_string();
            mp.offline_peer_id = 0;
            effect.ending = Some(Ending::Failed);
        }
        Turn::Finish { ending, why, settled } => {
            if let Some(why) = why {
                mv.error = why.to_string();
            }
            if *settled {
                effect.settled = Some(mv.from.clone());
            } else if mv.phase == Phase::Deleting && why.is_some() {
                effect.left = Some(leftover(mv, &mv.from, true, stamp));
            }
            mp.offline_peer_id = 0;
            effect.ending = Some(*ending);
        }
    }
    mv.since = stamp.secs;
    mv.term = stamp.term;
    effect
}

/// Another target, some time later.
fn later(mv: &mut Move, why: Option<&Fault>) {
    mv.failures += 1;
    if let Some(why) = why {
        mv.error = why.to_string();
    }
    mv.doubtful = false;
    if !mv.to_given || mv.failures >= GIVEN_TRIES {
        mv.to_given = false;
        mv.to = Peer::default();
    }
    advance(mv, Phase::Waiting);
}

fn take_off(mp: &mut MetaPartition, addr: &str) {
    mp.hosts.retain(|host| host != addr);
    mp.peers.retain(|peer| peer.addr != addr);
}
