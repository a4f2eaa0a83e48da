//! Plans that relieve meta nodes of memory, or empty one (v3.5.3 http-partitions-nodes.md §9.1).
//!
//! A plan names replicas and where each goes. The replicas of a partition end on hosts that differ from each other. Those of a volume within
//! one zone leave their node set together or not at all, and those of a volume across zones stay in their zones. A node that takes
//! replicas stays below what makes a node too full. What cannot be done is said in the plan, or refuses it.
//!
//! * `room.rs`: the nodes with memory to give. `course.rs`: carrying a plan out, one step at a time.
//!
//! Other than in v3.5.3 the nodes that take replicas are not chosen by chance but by how little they use.

pub mod course;
mod room;
#[cfg(test)]
mod tests;

use super::reports::{MetaNodeReport, Reports};
use super::scene::Scene;
use super::usable::meta_node_can_allocate;
use crate::ids::{NodeSetId, PartitionId};
use crate::model::{BalancePlan, MetaNode, MetaPartition, PartitionBalance, ReplicaBalance};
use crate::state::State;
use crate::wire::gojson::List;
use crate::wire::reply::Fault;
use room::{Need, Room};
use std::cmp::Reverse;

/// What has become of a plan, or of one of its moves, as the records have it.
pub mod status {
    pub const INIT: &str = "init";
    pub const RUNNING: &str = "running";
    pub const ERROR: &str = "error";
    pub const STOP: &str = "stop";
    pub const DONE: &str = "done";
}

/// Why there is a plan, as the records have it.
pub mod kind {
    pub const MANUAL: &str = "manual";
    pub const AUTO: &str = "auto";
    pub const OFFLINE: &str = "offline";
}

/// A plan that was drawn up, or how far that came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    pub plan: BalancePlan,
    /// Why it is none.
    pub refused: Option<Fault>,
}

/// A node that is to lose replicas.
struct Loaded<'a> {
    node: &'a MetaNode,
    used: u64,
    inodes: u64,
    /// Replicas that it should lose.
    estimate: usize,
    planned: usize,
}

/// No node has room.
fn not_enough() -> Fault {
    Fault::internal("not enough resource")
}

/// Relieves the nodes that use too much of their memory, or whose machines do. Without such nodes the plan is empty.
pub fn relieve(scene: &Scene<'_>, reports: &Reports) -> Draft {
    if let Some(why) = unheard(scene, reports) {
        return refused(why);
    }
    let high = scene.state.settings.meta_node_memory_high_per;
    let mut loaded: Vec<(f64, Loaded<'_>)> = Vec::new();
    for node in scene.state.meta_nodes.values() {
        let Some(report) = reports.meta_node(&node.addr) else { continue };
        let (own, system) = (report.ratio(), report.system_ratio());
        if own < high && system < high {
            continue;
        }
        if own <= 0.0 || system <= 0.0 {
            return refused(Fault::internal(format!("The meta node ratio ({own:.6}) is <= 0")));
        }
        let ratio = own.max(system);
        let count = scene.state.meta_partition_count_on(&node.addr);
        let estimate = ((ratio - high) / ratio * count as f64) as usize + 1;
        loaded.push((ratio, Loaded { estimate, ..load(scene, reports, node, report) }));
    }
    // The fullest first; v3.5.3 goes by chance.
    loaded.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    draw_up(scene, reports, loaded.into_iter().map(|(_, loaded)| loaded).collect())
}

/// Empties a node.
pub fn empty(scene: &Scene<'_>, reports: &Reports, addr: &str) -> Draft {
    if let Some(why) = unheard(scene, reports) {
        return refused(why);
    }
    let nothing = MetaNodeReport::default();
    let Some(node) = scene.state.meta_node_by_addr(addr) else {
        return refused(Fault::internal(format!("Failed to load {addr} from c.metaNodes")));
    };
    let report = reports.meta_node(addr).unwrap_or(&nothing);
    let estimate = scene.state.meta_partition_count_on(addr);
    draw_up(scene, reports, vec![Loaded { estimate, ..load(scene, reports, node, report) }])
}

/// The node that an `offline` plan empties.
pub fn emptied(plan: &BalancePlan) -> Option<&str> {
    plan.plan.first()?.over_load.first().map(|replica| replica.source.as_str())
}

fn refused(why: Fault) -> Draft {
    Draft { plan: blank(), refused: Some(why) }
}

fn blank() -> BalancePlan {
    BalancePlan { plan: List::EMPTY, status: status::INIT.into(), ..BalancePlan::default() }
}

/// A leader that has not heard every node knows too little of who has room.
fn unheard(scene: &Scene<'_>, reports: &Reports) -> Option<Fault> {
    let mut nodes = scene.state.meta_nodes.values();
    let unknown = nodes.find(|node| reports.meta_liveness(&node.addr, scene.now) == super::liveness::Liveness::Unknown)?;
    Some(Fault::internal(format!("this leader has not heard meta node {} yet", unknown.addr)))
}

/// Is the node fit for more replicas, and not to be emptied itself?
fn takes_replicas(scene: &Scene<'_>, reports: &Reports, node: &MetaNode, report: &MetaNodeReport) -> bool {
    let leaves = report.to_be_offline || scene.state.empty_nodes.contains_key(&node.addr);
    !leaves && meta_node_can_allocate(node, report, reports.meta_liveness(&node.addr, scene.now), scene.rules)
}

fn load<'a>(scene: &Scene<'_>, reports: &Reports, node: &'a MetaNode, report: &MetaNodeReport) -> Loaded<'a> {
    let inodes = scene.state.meta_partitions_on(&node.addr).map(|mp| inodes_of(reports, mp.partition_id)).sum();
    Loaded { node, used: report.used, inodes, estimate: 0, planned: 0 }
}

fn inodes_of(reports: &Reports, id: PartitionId) -> u64 {
    reports.meta_partition(id).map_or(0, |reported| reported.inode_count())
}

fn draw_up(scene: &Scene<'_>, reports: &Reports, mut loaded: Vec<Loaded<'_>>) -> Draft {
    let mut entries: Vec<PartitionBalance> = Vec::new();
    for at in 0..loaded.len() {
        let mut here: Vec<_> = scene.state.meta_partitions_on(&loaded[at].node.addr).collect();
        here.sort_by_key(|mp| (Reverse(inodes_of(reports, mp.partition_id)), mp.partition_id));
        for mp in here {
            if loaded[at].planned >= loaded[at].estimate {
                break;
            }
            if entries.iter().any(|entry| entry.id == mp.partition_id) {
                continue;
            }
            // A host that is no node any more has nothing to move.
            let Some(original) = original(scene.state, mp) else { continue };
            entries.push(entry(scene, reports, mp, original, &mut loaded));
        }
    }
    find_destinations(scene, reports, entries)
}

fn original(state: &State, mp: &MetaPartition) -> Option<Vec<ReplicaBalance>> {
    let replica = |host: &String| {
        let node = state.meta_node_by_addr(host)?;
        Some(ReplicaBalance {
            source: host.clone(),
            src_node_set_id: node.node_set_id,
            src_zone_name: node.zone_name.clone(),
            status: status::INIT.into(),
            ..ReplicaBalance::default()
        })
    };
    mp.hosts.iter().map(replica).collect()
}

/// The partition with its replicas on nodes that are to lose some, counted there.
fn entry(
    scene: &Scene<'_>,
    reports: &Reports,
    mp: &MetaPartition,
    mut original: Vec<ReplicaBalance>,
    loaded: &mut [Loaded<'_>],
) -> PartitionBalance {
    let inodes = inodes_of(reports, mp.partition_id);
    let mut over_load = List::EMPTY;
    for replica in &mut original {
        let Some(node) = loaded.iter_mut().find(|loaded| loaded.node.addr == replica.source) else { continue };
        node.planned += 1;
        if node.inodes > 0 {
            replica.src_mem_size = (inodes as f64 / node.inodes as f64 * node.used as f64) as u64;
        }
        over_load.push(replica.clone());
    }
    PartitionBalance {
        id: mp.partition_id,
        cross_zone: scene.state.volumes.get(&mp.vol_id).is_some_and(|volume| volume.cross_zone),
        plan_num: over_load.len() as i64,
        original: original.into(),
        over_load,
        moves: List::EMPTY,
        inode_count: inodes,
        ..PartitionBalance::default()
    }
}

/// Gives the partitions destinations until there is no more room; those left are cut off.
fn find_destinations(scene: &Scene<'_>, reports: &Reports, mut entries: Vec<PartitionBalance>) -> Draft {
    let mut room = Room::of(scene, reports);
    let wanted = entries.len();
    let mut msg = String::new();
    for at in 0..wanted {
        match destinations(scene, &mut room, &entries[at]) {
            Some(moves) => entries[at].moves = moves.into(),
            None if at == 0 => {
                msg = format!("require to migrate ({wanted}) mp, but not create plan");
                return Draft { plan: BalancePlan { plan: entries.into(), msg, ..blank() }, refused: Some(not_enough()) };
            }
            None => {
                msg = format!("require to migrate ({wanted}) mp, only create ({at}) plan");
                entries.truncate(at);
                break;
            }
        }
    }
    Draft { plan: BalancePlan { total: entries.len() as i64, plan: entries.into(), msg, ..blank() }, refused: None }
}

/// Where the replicas of one partition go, with the room that they take. `None`: there is not enough; what was taken of the room stays taken.
fn destinations(scene: &Scene<'_>, room: &mut Room<'_>, entry: &PartitionBalance) -> Option<Vec<ReplicaBalance>> {
    let mut moves: Vec<ReplicaBalance> = Vec::new();
    let first = entry.over_load.first()?;
    let size = entry.over_load.iter().map(|replica| replica.src_mem_size).max().unwrap_or(0);
    if !entry.cross_zone {
        let some: Vec<&ReplicaBalance> = entry.over_load.iter().collect();
        let all: Vec<&ReplicaBalance> = entry.original.iter().collect();
        let need = |leaving| Need { scene, entry, moves: &[], leaving, size };
        let found = room.in_set(first.src_node_set_id, &need(&some)).map(|nodes| (&some, nodes));
        let found = found.or_else(|| room.elsewhere(first.src_node_set_id, &first.src_zone_name, &need(&all)).map(|nodes| (&all, nodes)));
        let found = found.or_else(|| room.in_another_zone(&first.src_zone_name, &need(&all)).map(|nodes| (&all, nodes)));
        let (leaving, nodes) = found?;
        moves.extend(room.take(leaving, &nodes, size));
        return Some(moves);
    }
    for replica in entry.over_load.iter() {
        if moves.iter().any(|mv| mv.source == replica.source) {
            continue;
        }
        let set = replica.src_node_set_id;
        let (some, all) = (of_set(&entry.over_load, set), of_set(&entry.original, set));
        let found = {
            let need = |leaving| Need { scene, entry, moves: &moves, leaving, size };
            let found = room.in_set(set, &need(&some)).map(|nodes| (&some, nodes));
            found.or_else(|| room.elsewhere(set, &replica.src_zone_name, &need(&all)).map(|nodes| (&all, nodes)))
        };
        let (leaving, nodes) = found?;
        let taken = room.take(leaving, &nodes, size);
        moves.extend(taken);
    }
    Some(moves)
}

fn of_set(replicas: &[ReplicaBalance], set: NodeSetId) -> Vec<&ReplicaBalance> {
    replicas.iter().filter(|replica| replica.src_node_set_id == set).collect()
}

/// Other destinations for a partition of a plan, with the room that there is now.
///
/// # Errors
/// There is not enough.
fn other_destinations(scene: &Scene<'_>, reports: &Reports, entry: &PartitionBalance) -> Result<Vec<ReplicaBalance>, Fault> {
    destinations(scene, &mut Room::of(scene, reports), entry).ok_or_else(not_enough)
}
