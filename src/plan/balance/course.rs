//! Carrying out a plan: what is done next, as far as records, reports and time tell (v3.5.3 http-partitions-nodes.md §9.2).
//!
//! The plan's record says which replica is on its way, and the move's own record how far that is: whoever leads next goes on from there
//! (v3.5.3 passes by every partition that was begun). Partitions move one after the other, and so do the replicas of one.

use super::{emptied, kind, not_enough, other_destinations, status, takes_replicas};
use crate::ids::{PartitionId, Term};
use crate::model::{BalancePlan, EmptyNode, MetaPartition, PartitionBalance, PartitionKind, ReplicaBalance};
use crate::plan::life::Life;
use crate::plan::liveness::Liveness;
use crate::plan::meta_partition::{leader, life};
use crate::plan::moves::meta::allowed;
use crate::plan::reports::Reports;
use crate::plan::scene::Scene;
use crate::wire::gojson::Time;
use crate::wire::reply::{fault, Fault};
use std::time::Duration;

/// A partition that recovers or has no leader is waited for so long; so is another leader, before the old one's node loses its replica.
pub const READY_TIMEOUT: Duration = Duration::from_secs(300);
/// Between two requests to lead.
const LEAD_AGAIN_AFTER: Duration = Duration::from_secs(30);
/// A moved replica has to be in order after this.
const MOVED_TIMEOUT: Duration = Duration::from_secs(600);
/// Done plans are kept so long.
pub const DONE_KEPT_SECS: i64 = 72 * 3600;

/// Where a plan stands: a partition of it, one of its moves, and how far that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    partition: PartitionId,
    at: usize,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Leaving,
    Moved,
}

/// What this leader remembers besides the records.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    place: Option<Place>,
    /// When this leader first saw the plan there.
    since: Duration,
    /// Who was last asked to lead, and when.
    lead: Option<(String, Duration)>,
    /// The destination answered that its raft group is in order.
    in_order: bool,
}

impl Memory {
    fn come_to(&mut self, place: Place, now: Duration) {
        if self.place != Some(place) {
            *self = Self { place: Some(place), since: now, ..Self::default() };
        }
    }

    /// A request to lead was sent.
    pub fn asked_to_lead(&mut self, on: String, now: Duration) {
        self.lead = Some((on, now));
    }

    /// The destination's answer.
    pub fn answered_in_order(&mut self, in_order: bool) {
        self.in_order = in_order;
    }
}

/// What is done next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Nothing now.
    Wait,
    /// The plan's record becomes this.
    Record(Box<BalancePlan>),
    /// A replica is asked to lead its raft group.
    Lead { partition: PartitionId, on: String },
    /// A replica moves. What comes of it is to be seen in the records, unless it cannot begin.
    Migrate { partition: PartitionId, from: String, to: String },
    /// A replica that has moved is asked whether its raft group is in order.
    IsInOrder { partition: PartitionId, on: String, replicas: usize },
}

/// A plan at one moment.
pub struct View<'a> {
    pub scene: Scene<'a>,
    pub reports: &'a Reports,
    pub plan: &'a BalancePlan,
    pub memory: &'a mut Memory,
}

impl View<'_> {
    /// The next step of a plan that runs.
    pub fn next_step(&mut self) -> Step {
        for (i, entry) in self.plan.plan.iter().enumerate() {
            // Passed by, or given up in an earlier run.
            if !entry.msg.is_empty() || entry.moves.iter().any(|mv| mv.status == status::ERROR) {
                continue;
            }
            if let Some(j) = entry.moves.iter().position(|mv| mv.status != status::DONE) {
                return self.step(i, j);
            }
        }
        record(finished(self.plan, self.scene.wall_secs))
    }

    fn step(&mut self, i: usize, j: usize) -> Step {
        let (plan, scene) = (self.plan, self.scene);
        let (entry, mv) = (&plan.plan[i], &plan.plan[i].moves[j]);
        let Some(mp) = scene.state.meta_partitions.get(&entry.id) else {
            return record(passed_by(plan, i, fault::META_PARTITION_NOT_EXISTS.to_string(), true));
        };
        let moving = scene.state.moves.contains_key(&(PartitionKind::Meta, entry.id));
        let begun = mv.status == status::RUNNING;
        let stage = match begun {
            false => Stage::Waiting,
            true if moving || mp.has_host(&mv.source) => Stage::Leaving,
            true => Stage::Moved,
        };
        self.memory.come_to(Place { partition: entry.id, at: j, stage }, scene.now);
        match stage {
            Stage::Waiting => self.begin(i, j, mp, moving),
            Stage::Leaving if moving => match self.lasted() > MOVED_TIMEOUT {
                true => record(failed(plan, i, j, timed_out(entry, mv))),
                false => Step::Wait,
            },
            Stage::Leaving => self.leave(i, j, mp),
            Stage::Moved => self.moved(i, j, mp),
        }
    }

    fn lasted(&self) -> Duration {
        self.scene.now.saturating_sub(self.memory.since)
    }

    fn leader(&self, mp: &MetaPartition) -> Option<String> {
        leader(&self.scene, self.reports, mp).map(|addr| addr.to_string())
    }

    fn begin(&mut self, i: usize, j: usize, mp: &MetaPartition, moving: bool) -> Step {
        let (plan, id) = (self.plan, mp.partition_id);
        let entry = &plan.plan[i];
        // Only the first of a partition's moves: those after it follow from it.
        if entry.moves.iter().all(|mv| mv.status == status::INIT) {
            if !entry.original.iter().all(|replica| mp.has_host(&replica.source)) {
                let why = format!("skip rebalance meta partition({id}) because source changed");
                return record(passed_by(plan, i, why, false));
            }
            if entry.moves.iter().any(|mv| self.reports.meta_liveness(&mv.destination, self.scene.now) == Liveness::Unknown) {
                return Step::Wait;
            }
            if entry.moves.iter().any(|mv| !self.takes_more(entry, mv)) {
                return record(match other_destinations(&self.scene, self.reports, entry) {
                    Ok(moves) if moves != *entry.moves => replanned(plan, i, moves),
                    Ok(_) => failed_entry(plan, i, &not_enough()),
                    Err(why) => failed_entry(plan, i, &why),
                });
            }
            let recovers = mp.is_recover || moving;
            if recovers || self.leader(mp).is_none() {
                if self.lasted() < READY_TIMEOUT {
                    return Step::Wait;
                }
                let why = if recovers { "it is recovering" } else { "no leader exist" };
                return record(passed_by(plan, i, format!("skip rebalance meta partition({id}), because {why}."), true));
            }
        }
        record(with_move(plan, i, j, |mv| mv.status = status::RUNNING.into()))
    }

    /// Is the destination still one for which the plan was made?
    fn takes_more(&self, entry: &PartitionBalance, mv: &ReplicaBalance) -> bool {
        let (scene, addr) = (&self.scene, mv.destination.as_str());
        let Some((node, report)) = scene.state.meta_node_by_addr(addr).zip(self.reports.meta_node(addr)) else { return false };
        let mid = scene.state.settings.effective_meta_node_memory_mid_per();
        let left = scene.state.leftovers.contains_key(&(PartitionKind::Meta, entry.id, addr.to_owned()));
        let has_room = report.ratio().max(report.system_ratio()) < mid;
        has_room && !left && takes_replicas(scene, self.reports, node, report)
    }

    /// The source still has its replica, and nothing of the partition moves.
    fn leave(&mut self, i: usize, j: usize, mp: &MetaPartition) -> Step {
        let (plan, id) = (self.plan, mp.partition_id);
        let (entry, mv) = (&plan.plan[i], &plan.plan[i].moves[j]);
        let fail = |why: String| record(failed(plan, i, j, why));
        if mp.has_host(&mv.destination) {
            return fail(format!("destination {} is in mpid({id}) meta replicas[[{}]]", mv.destination, mp.hosts.join(" ")));
        }
        if allowed::has_unheard_hosts(&self.scene, self.reports, mp) {
            return Step::Wait;
        }
        let late = self.lasted() >= READY_TIMEOUT;
        let Some(leader) = self.leader(mp) else {
            return if late { fail(fault::NO_LEADER.to_string()) } else { Step::Wait };
        };
        if leader == mv.source {
            let asked = self.memory.lead.clone();
            if late {
                let on = asked.map_or_else(String::new, |(on, _)| on);
                return fail(format!("Try to change leader to {on} failed. leader: {leader}, migrate source: {}", mv.source));
            }
            if asked.as_ref().is_some_and(|(_, at)| *at + LEAD_AGAIN_AFTER > self.scene.now) {
                return Step::Wait;
            }
            let last = asked.map(|(on, _)| on);
            return match self.next_leader(entry, mv, mp, last.as_deref()) {
                Some(on) => Step::Lead { partition: id, on },
                None => fail(format!("selectOneLeaderAddr mp[{id}] source: {} failed", mv.source)),
            };
        }
        // A partition that has just lost a replica has to wait.
        match allowed::is_time(mp, self.scene.wall_secs) {
            Ok(()) => Step::Migrate { partition: id, from: mv.source.clone(), to: mv.destination.clone() },
            Err(_) => Step::Wait,
        }
    }

    /// One that stays rather than one that is to leave, and not the one that was asked in vain.
    fn next_leader(&self, entry: &PartitionBalance, mv: &ReplicaBalance, mp: &MetaPartition, last: Option<&str>) -> Option<String> {
        let fit = |host: &&String| **host != mv.source && life(&self.scene, self.reports, mp, host) == Life::Live;
        let mut hosts: Vec<&String> = mp.hosts.iter().filter(fit).collect();
        hosts.sort_by_key(|host| (last == Some(host.as_str()), entry.moves.iter().any(|other| other.source == **host)));
        hosts.first().map(|host| (*host).clone())
    }

    /// The source is rid of its replica, and the move is over.
    fn moved(&mut self, i: usize, j: usize, mp: &MetaPartition) -> Step {
        let plan = self.plan;
        let (entry, mv) = (&plan.plan[i], &plan.plan[i].moves[j]);
        if !mp.has_host(&mv.destination) {
            let why = format!("another node than {} took the replica", mv.destination);
            return record(arrived(plan, i, j, &why));
        }
        if self.memory.in_order {
            return record(arrived(plan, i, j, ""));
        }
        if self.lasted() > MOVED_TIMEOUT {
            return record(failed(plan, i, j, timed_out(entry, mv)));
        }
        match mp.is_recover || self.leader(mp).is_none() {
            true => Step::Wait,
            false => Step::IsInOrder { partition: entry.id, on: mv.destination.clone(), replicas: mp.hosts.len() },
        }
    }
}

fn record(plan: BalancePlan) -> Step {
    Step::Record(Box::new(plan))
}

fn timed_out(entry: &PartitionBalance, mv: &ReplicaBalance) -> String {
    format!("Waiting for meta partition({}) destination({}) timeout", entry.id, mv.destination)
}

fn with_move(plan: &BalancePlan, i: usize, j: usize, change: impl FnOnce(&mut ReplicaBalance)) -> BalancePlan {
    let mut plan = plan.clone();
    change(&mut plan.plan[i].moves[j]);
    plan
}

fn arrived(plan: &BalancePlan, i: usize, j: usize, msg: &str) -> BalancePlan {
    let mut plan = with_move(plan, i, j, |mv| (mv.status, mv.msg) = (status::DONE.into(), msg.into()));
    plan.done_count = count_done(&plan);
    plan
}

fn count_done(plan: &BalancePlan) -> i64 {
    plan.plan.iter().filter(|entry| entry.moves.iter().all(|mv| mv.status == status::DONE)).count() as i64
}

fn passed_by(plan: &BalancePlan, i: usize, why: String, tell: bool) -> BalancePlan {
    let mut plan = plan.clone();
    if tell {
        plan.msg.clone_from(&why);
    }
    plan.plan[i].msg = why;
    plan
}

fn replanned(plan: &BalancePlan, i: usize, moves: Vec<ReplicaBalance>) -> BalancePlan {
    let mut plan = plan.clone();
    plan.plan[i].moves = moves.into();
    plan
}

fn failed_entry(plan: &BalancePlan, i: usize, why: &Fault) -> BalancePlan {
    let mut plan = passed_by(plan, i, why.to_string(), true);
    plan.status = status::ERROR.into();
    plan
}

/// The plan with a move that failed. It runs no more.
pub fn failed(plan: &BalancePlan, i: usize, j: usize, why: String) -> BalancePlan {
    let mut plan = with_move(plan, i, j, |mv| (mv.status, mv.msg) = (status::ERROR.into(), why.clone()));
    (plan.status, plan.msg) = (status::ERROR.into(), why);
    plan
}

/// The plan with the move of a partition's replica off `from` that could not begin.
pub fn could_not_begin(plan: &BalancePlan, partition: PartitionId, from: &str, why: &Fault) -> Option<BalancePlan> {
    let i = plan.plan.iter().position(|entry| entry.id == partition)?;
    let begun = |mv: &ReplicaBalance| mv.source == from && mv.status == status::RUNNING;
    let j = plan.plan[i].moves.iter().position(begun)?;
    Some(failed(plan, i, j, why.to_string()))
}

fn finished(plan: &BalancePlan, wall_secs: i64) -> BalancePlan {
    let mut plan = plan.clone();
    plan.done_count = count_done(&plan);
    plan.status = status::DONE.into();
    plan.expire = Time::from_unix_nanos(wall_secs.saturating_add(DONE_KEPT_SECS).saturating_mul(1_000_000_000));
    let (wanted, done) = (plan.plan.len() as i64, plan.done_count);
    if plan.kind == kind::OFFLINE && wanted != done {
        plan.msg = format!("plan count({wanted}) not equal to done num({done})");
    }
    plan
}

/// The node that is to go now that its plan is done.
pub fn leaver(plan: &BalancePlan, actor: &str, asked: i64, term: Term) -> Option<EmptyNode> {
    let all = plan.status == status::DONE && plan.kind == kind::OFFLINE && plan.done_count == plan.plan.len() as i64;
    let addr = emptied(plan).filter(|_| all)?.to_owned();
    Some(EmptyNode { addr, actor: actor.to_owned(), asked, term, ..EmptyNode::default() })
}

/// The plan as it runs, from the beginning or again: what was passed by is looked at once more.
pub fn run(plan: &BalancePlan) -> BalancePlan {
    let mut plan = BalancePlan { status: status::RUNNING.into(), ..plan.clone() };
    for entry in plan.plan.iter_mut().filter(|entry| entry.moves.iter().all(|mv| mv.status == status::INIT)) {
        entry.msg = String::new();
    }
    plan
}

/// The plan as it stops. A replica that is on its way still arrives; running again goes on after it.
pub fn stop(plan: &BalancePlan) -> BalancePlan {
    BalancePlan { status: status::STOP.into(), msg: "migrate plan is stopped".into(), ..plan.clone() }
}
