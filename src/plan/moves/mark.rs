//! Marking a replica to be taken out of service (v3.5.3 http-partitions-nodes.md §5.2, §5.3).

use super::data::Stamp;
use crate::ids::NodeSetId;
use crate::model::{
    DataPartition, DecommissionStatus, DecommissionStatusRecord, DecommissionType, MediaType, Move, PartitionKind, Phase, RestoreReplica,
    StepTaken, Task,
};
use crate::plan::data_partition::lost_its_leader;
use crate::plan::reports::Reports;
use crate::plan::scene::Scene;
use crate::wire::peer::Peer;
use crate::wire::reply::Fault;

/// Texts by which v3.5.3 tells these refusals apart (background-tasks.md §10.1).
pub const PERFORMING: &str = "one replica is performing decommission";
pub const DISK_ERROR_FIRST: &str = "decommission disk error data partition first";
pub const ALL_UNAVAILABLE: &str = "all replica unavailable";
const FIRST_HOST_UNAVAILABLE: &str = "first host unavailable";

/// Weights (§0.4).
const HIGH: i64 = 6;
const HIGHEST: i64 = 8;

/// What is wanted.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The node that loses its replica.
    pub from: String,
    /// The node that is to take it; empty: any.
    pub to: String,
    /// The node set that is to take it; 0: any.
    pub to_set: NodeSetId,
    pub raft_force: bool,
    pub weight: i64,
    pub kind: DecommissionType,
    /// Unix seconds at which the whole, of which this is a part, was asked for.
    pub term: u64,
    /// v3.5.3's text of what led to it.
    pub condition: String,
    /// Who asked.
    pub actor: String,
}

/// What becomes of a wish.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The replica on `from`, which may be another one than wished for; then `carried` says so.
    Mark {
        from: String,
        raft_force: bool,
        weight: i64,
        carried: Option<Fault>,
    },
    /// It was paused and goes on.
    Resume,
    /// A move is under way. `heavier`: it gets this weight.
    Performing {
        heavier: Option<i64>,
        same_source: bool,
        why: Fault,
    },
    Refuse(Fault),
}

fn text(text: impl Into<String>) -> Fault {
    Fault::internal(text.into())
}

/// The disk under a replica is broken.
fn is_bad(reports: &Reports, dp: &DataPartition, addr: &str) -> bool {
    reports.data_partition(dp.partition_id).and_then(|p| p.replica(addr)).is_some_and(|r| r.trigger_disk_error)
}

/// Hosts with a broken disk.
pub fn bad_hosts<'a>(reports: &Reports, dp: &'a DataPartition) -> Vec<&'a str> {
    dp.hosts.iter().map(String::as_str).filter(|host| is_bad(reports, dp, host)).collect()
}

/// Every replica that is left has a broken disk.
pub fn all_bad(reports: &Reports, dp: &DataPartition) -> bool {
    !dp.hosts.is_empty() && bad_hosts(reports, dp).len() == dp.hosts.len()
}

/// Judges a wish. `under_way`: the partition's move.
pub fn judge(scene: &Scene<'_>, reports: &Reports, dp: &DataPartition, under_way: Option<&Move>, wish: &Wish) -> Verdict {
    let id = dp.partition_id;
    if !dp.has_host(&wish.from) && dp.disk_on(&wish.from).is_none() {
        return Verdict::Refuse(text(format!("dataPartitionID :{id} not find replica for addr {}", wish.from)));
    }
    if let Err(why) = media_fit(scene, wish) {
        return Verdict::Refuse(why);
    }
    if let Some(mv) = under_way {
        if dp.decommission_status == DecommissionStatus::PAUSE && mv.from == wish.from {
            return Verdict::Resume;
        }
        let heavier = mv.task.is_decommission() && dp.decommission_type == DecommissionType::MANUAL && wish.weight > mv.weight;
        return Verdict::Performing {
            heavier: heavier.then_some(wish.weight),
            same_source: mv.from == wish.from && mv.task.is_decommission(),
            why: text(PERFORMING),
        };
    }
    if dp.is_discard {
        return Verdict::Mark { from: wish.from.clone(), raft_force: wish.raft_force, weight: wish.weight, carried: None };
    }
    if !dp.hosts.is_empty() && scene.state.data_node_by_addr(&wish.from).is_none() {
        return Verdict::Refuse(text(format!("dataPartitionID :{id} not find zone for addr {}", wish.from)));
    }
    match wish.kind {
        DecommissionType::AUTO => automatic(scene, reports, dp, wish),
        _ => by_hand(scene, reports, dp, wish),
    }
}

/// The target has the same disks as the source.
fn media_fit(scene: &Scene<'_>, wish: &Wish) -> Result<(), Fault> {
    let (state, legacy) = (scene.state, scene.rules.legacy_media_type);
    let unknown = |addr: &str| text(format!("{addr} not found :: data node[{addr}] not found"));
    let node = |addr: &str| state.data_node_by_addr(addr).ok_or_else(|| unknown(addr));
    if !wish.to.is_empty() {
        let (from, to) = (node(&wish.from)?.effective_media_type(legacy), node(&wish.to)?.effective_media_type(legacy));
        if from != to {
            return Err(text(format!("dstNode mediaType({}) not match srcNode mediaType({})", to.text(), from.text())));
        }
    }
    if wish.to_set != NodeSetId(0) {
        let set = state.node_sets.get(&wish.to_set).ok_or_else(|| text(format!("set {} not found", wish.to_set)))?;
        let media = |zone: &str| state.zones.get(zone).map_or(MediaType::UNSPECIFIED, |zone| zone.effective_media_type(legacy));
        let (from, to) = (media(node(&wish.from)?.effective_zone_name()), media(set.effective_zone_name()));
        if from != to {
            return Err(text(format!("dstZone dataMediaType({}) not match srcZone dataMediaType({})", to.text(), from.text())));
        }
    }
    Ok(())
}

/// The master itself wants it, because of a broken disk (§5.3 no. 9 and 10).
fn automatic(scene: &Scene<'_>, reports: &Reports, dp: &DataPartition, wish: &Wish) -> Verdict {
    let bad = bad_hosts(reports, dp);
    let other =
        |bad: &[&str]| bad.iter().find(|addr| **addr != wish.from).filter(|_| !bad.contains(&wish.from.as_str())).map(|a| (*a).to_owned());
    let lost = lost_its_leader(scene, reports, dp);
    if lost && all_bad(reports, dp) {
        return Verdict::Refuse(text(ALL_UNAVAILABLE));
    }
    if lost && dp.replica_num == 3 && dp.hosts.len() == 3 && bad.len() >= 2 {
        // The one that is left could only be trusted by force: that is for people to decide.
        return Verdict::Refuse(text(ALL_UNAVAILABLE));
    }
    let one_of_three = dp.replica_num == 3 && bad.len() == 1;
    let urgent = match (dp.replica_num, bad.len(), dp.hosts.len()) {
        _ if !(lost || one_of_three) => wish.weight,
        (3, 2, 3) | (3, 1, 2) if lost => HIGHEST,
        _ if !bad.is_empty() => HIGH,
        _ => wish.weight,
    };
    let first = if lost || one_of_three { other(&bad) } else { None };
    let carried = first.is_some().then(|| text(DISK_ERROR_FIRST));
    let from = first.unwrap_or_else(|| wish.from.clone());
    Verdict::Mark { from, raft_force: wish.raft_force || lost, weight: urgent.max(wish.weight), carried }
}

/// Somebody asked for it (§5.3 no. 11).
fn by_hand(scene: &Scene<'_>, reports: &Reports, dp: &DataPartition, wish: &Wish) -> Verdict {
    if lost_its_leader(scene, reports, dp) && all_bad(reports, dp) {
        return Verdict::Refuse(text(ALL_UNAVAILABLE));
    }
    let bad = |i: usize| dp.hosts.get(i).is_some_and(|host| is_bad(reports, dp, host));
    let is = |i: usize| dp.hosts.get(i) == Some(&wish.from);
    let manual = wish.kind == DecommissionType::MANUAL;
    let three = dp.replica_num == 3 && dp.hosts.len() >= 2 && wish.raft_force;
    let three = three && ((bad(0) && bad(1)) || (bad(0) && !is(0)) || (bad(1) && is(0)));
    let two = dp.replica_num == 2 && dp.hosts.len() == 2;
    let two = two && if wish.raft_force { (bad(0) && is(1)) || (bad(1) && is(0)) } else { bad(0) };
    if manual && (three || two) {
        return Verdict::Refuse(text(FIRST_HOST_UNAVAILABLE));
    }
    Verdict::Mark { from: wish.from.clone(), raft_force: wish.raft_force, weight: wish.weight, carried: None }
}

/// Marks the partition's record and makes the move (§5.3 no. 14). The move has no number yet.
pub fn mark(scene: &Scene<'_>, dp: &mut DataPartition, wish: &Wish, from: &str, raft_force: bool, weight: i64, stamp: &Stamp) -> Move {
    let node = scene.state.data_node_by_addr(from);
    let disk = dp.disk_on(from).unwrap_or_default().to_owned();
    dp.reset_decommission();
    dp.restore_replica = RestoreReplica::FORBIDDEN;
    dp.decommission_type = wish.kind;
    dp.decommission_status = DecommissionStatus::MARKED;
    dp.decommission_status_update_records.push(DecommissionStatusRecord {
        condition: wish.condition.clone(),
        status: DecommissionStatus::MARKED.text(),
        time: stamp.text.clone(),
        ..DecommissionStatusRecord::default()
    });
    dp.decommission_src_addr = from.to_owned();
    dp.decommission_src_disk_path = disk;
    dp.decommission_dst_addr.clone_from(&wish.to);
    dp.decommission_dst_addr_specify = !wish.to.is_empty();
    dp.decommission_dst_node_set = wish.to_set;
    dp.decommission_raft_force = raft_force;
    dp.decommission_term = wish.term;
    dp.decommission_weight = weight;
    let peer = dp.peers.iter().find(|peer| peer.addr == from);
    let relay = dp.has_special_replica_num() && !raft_force;
    Move {
        kind: PartitionKind::Data,
        partition: dp.partition_id,
        volume: dp.vol_id,
        task: if relay { Task::Relay } else { Task::Replace },
        phase: Phase::Waiting,
        from: from.to_owned(),
        from_id: peer.map(|peer| peer.id).or(node.map(|node| node.id)).unwrap_or_default(),
        to: scene.state.data_node_by_addr(&wish.to).map_or_else(Peer::default, |node| node.peer()),
        to_given: !wish.to.is_empty(),
        to_set: wish.to_set,
        raft_force,
        weight,
        actor: wish.actor.clone(),
        why: wish.condition.clone(),
        asked: stamp.secs,
        since: stamp.secs,
        term: stamp.term,
        steps: vec![StepTaken { step: "asked for".into(), at: stamp.secs, error: String::new() }],
        ..Move::default()
    }
}
