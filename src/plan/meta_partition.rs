//! What a meta partition can do, and when the last one of a volume is split (v3.5.3 background-tasks.md §7).

use super::life::Life;
use super::read_only::meta_reason;
use super::reports::{MetaPartitionReports, MetaReplica, Reports};
use super::scene::Scene;
use super::usable::{meta_node_over_threshold, meta_node_writable};
use crate::ids::{PartitionId, VolumeId};
use crate::limits::INODE_MAX;
use crate::model::{Freeze, MetaPartition, PartitionStatus, Volume};
use crate::mutants::mutant;
use crate::state::State;
use crate::wire::reply::{fault, Fault};
use std::sync::Arc;

/// A volume must be older than this to be split by its counts, seconds.
const SPLIT_VOLUME_AGE_SECS_MIN: i64 = 60;
/// A volume with fewer read-write meta partitions is split.
const WRITABLE_MIN: usize = 3;
/// Share of its inodes above which the last partition is split.
const FULL_RATIO: f64 = 0.75;
/// Meta partitions that a volume may start with.
const INITIAL: std::ops::RangeInclusive<u64> = 3..=100;

/// A meta partition as clients and checks see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    pub status: PartitionStatus,
    /// One per reported replica, in that order.
    pub replicas: Vec<ReplicaState>,
    /// Replicas on hosts that are known to be active.
    pub active: usize,
    /// Replicas on hosts that a new leader has not heard of yet.
    pub unknown: usize,
    /// Address of the leader's node, when it is known and active.
    pub leader: Option<Arc<str>>,
    /// The last partition of its volume lies on a full node, or holds more inodes than one partition should.
    pub wants_split: bool,
}

/// A replica as clients and checks see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaState {
    pub addr: Arc<str>,
    pub life: Life,
    pub status: PartitionStatus,
    pub is_leader: bool,
    /// Those reported and those that the master adds.
    pub read_only_reasons: u32,
}

/// The last meta partition of a volume: the newest one, which has the range that is open to above.
pub fn last_of_volume(state: &State, volume: VolumeId) -> Option<&Arc<MetaPartition>> {
    state.meta_partitions_of_volume(volume).max_by_key(|partition| partition.partition_id)
}

/// Whether the replica on `addr` is active.
pub fn life(scene: &Scene<'_>, reports: &Reports, partition: &MetaPartition, addr: &str) -> Life {
    life_of(scene, reports, reports.meta_partition(partition.partition_id).and_then(|p| p.replica(addr)), addr)
}

fn life_of(scene: &Scene<'_>, reports: &Reports, replica: Option<&MetaReplica>, addr: &str) -> Life {
    let report = replica.map(|r| (scene.now.saturating_sub(r.heard_at), r.status != PartitionStatus::UNAVAILABLE));
    Life::of(report, reports.meta_liveness(addr, scene.now), scene.rules.meta_replica_timeout)
}

/// Hosts whose replicas are known to be active, in the order of the record.
pub fn live_hosts<'a>(scene: &Scene<'_>, reports: &Reports, partition: &'a MetaPartition) -> Vec<&'a str> {
    let lives = |host: &&str| life(scene, reports, partition, host) == Life::Live;
    partition.hosts.iter().map(String::as_str).filter(lives).collect()
}

/// The node of the leader, when it is known and active.
pub fn leader(scene: &Scene<'_>, reports: &Reports, partition: &MetaPartition) -> Option<Arc<str>> {
    let replicas = &reports.meta_partition(partition.partition_id)?.replicas;
    let leads = |r: &&MetaReplica| r.is_leader && life_of(scene, reports, Some(r), &r.addr) == Life::Live;
    replicas.iter().find(leads).map(|r| r.addr.clone())
}

/// No replica leads, and none has for `mpNoLeaderReportIntervalSec` (v3.5.3 http-partitions-nodes.md §7.7).
pub fn lost_its_leader(scene: &Scene<'_>, reports: &Reports, partition: &MetaPartition) -> bool {
    let reported = reports.meta_partition(partition.partition_id);
    let last = reported.and_then(|p| p.leader_at.or(p.created_at)).unwrap_or(reports.since());
    leader(scene, reports, partition).is_none() && scene.now.saturating_sub(last) > scene.rules.meta_leader_lost_after
}

/// The state of a partition (§7.1). `forbidden`: its volume is; `is_last`: it is [`last_of_volume`].
pub fn assess(scene: &Scene<'_>, reports: &Reports, partition: &MetaPartition, forbidden: bool, is_last: bool) -> Assessment {
    let nothing = MetaPartitionReports::default();
    let reported = reports.meta_partition(partition.partition_id).unwrap_or(&nothing);
    let replicas: Vec<ReplicaState> = reported.replicas.iter().map(|r| replica_state(scene, reports, r)).collect();
    let lives = |host: &String| match replicas.iter().find(|r| *r.addr == **host) {
        Some(replica) => replica.life,
        None => life_of(scene, reports, None, host),
    };
    let lives: Vec<Life> = partition.hosts.iter().map(lives).collect();
    let active = lives.iter().filter(|life| **life == Life::Live).count();
    let unknown = lives.iter().filter(|life| **life == Life::Unknown).count();
    let on_hosts = || replicas.iter().filter(|r| r.life == Life::Live && partition.has_host(&r.addr));
    let leading = on_hosts().find(|r| r.is_leader);
    let leader = leading.map(|r| r.addr.clone());

    let mut wants_split = false;
    let status = if partition.freeze != Freeze::NONE {
        partition.status
    } else if active + unknown <= usize::from(partition.replica_num / 2) {
        PartitionStatus::UNAVAILABLE
    } else {
        // The leader's word counts. Without one v3.5.3 takes that of the last replica; a young leader's record knows better.
        let speaker = match leading {
            None if unknown > 0 => partition.status,
            None => on_hosts().next_back().map_or(PartitionStatus::UNAVAILABLE, |r| r.status),
            Some(replica) => replica.status,
        };
        let mut status = if forbidden && speaker != PartitionStatus::UNAVAILABLE { PartitionStatus::READ_ONLY } else { speaker };
        for replica in on_hosts() {
            if replica.status == PartitionStatus::READ_ONLY {
                status = PartitionStatus::READ_ONLY;
            }
            let full_node = reports.meta_node(&replica.addr).is_some_and(|node| meta_node_over_threshold(node, scene.rules));
            let few_inodes = reported.inode_count() < scene.rules.inode_step;
            if !full_node && few_inodes {
                continue;
            }
            let room = partition.end.saturating_sub(reported.max_inode_id());
            if is_last {
                wants_split = true;
            } else if full_node || room > scene.rules.inode_step.saturating_mul(2) {
                status = PartitionStatus::READ_ONLY;
            }
        }
        if is_last && status == PartitionStatus::READ_ONLY && !forbidden {
            PartitionStatus::READ_WRITE
        } else {
            status
        }
    };
    Assessment { status, replicas, active, unknown, leader, wants_split }
}

fn replica_state(scene: &Scene<'_>, reports: &Reports, replica: &MetaReplica) -> ReplicaState {
    let life = life_of(scene, reports, Some(replica), &replica.addr);
    let node_read_only = scene.state.meta_node_by_addr(&replica.addr).is_some_and(|node| node.rd_only);
    let added = if node_read_only { meta_reason::NODE_READ_ONLY } else { 0 };
    let status = match replica.status {
        _ if life == Life::Dead => PartitionStatus::UNAVAILABLE,
        PartitionStatus::READ_WRITE if added != 0 => PartitionStatus::READ_ONLY,
        status => status,
    };
    ReplicaState {
        addr: replica.addr.clone(),
        life,
        status,
        is_leader: replica.is_leader && life == Life::Live,
        read_only_reasons: replica.read_only_reasons | added,
    }
}

/// Clients of protocol version 0 must not write: every replica that is heard says so.
pub fn forbids_proto_0(scene: &Scene<'_>, reports: &Reports, partition: &MetaPartition) -> bool {
    let Some(reported) = reports.meta_partition(partition.partition_id) else { return false };
    let mut live = reported.replicas.iter().filter(|r| life_of(scene, reports, Some(r), &r.addr) == Life::Live).peekable();
    live.peek().is_some() && live.all(|r| r.forbids_proto_0)
}

// ---- ranges -----------------------------------------------------------------------------------------------------

/// An inode range, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub start: u64,
    pub end: u64,
}

/// Ranges of the meta partitions of a new volume: `count` of them, at least 3 and at most 100 (v3.5.3 topology-selection.md §12.3).
/// They cover 0 to [`INODE_MAX`] without gap.
pub fn initial_ranges(count: u64, step: u64) -> Vec<Range> {
    let count = count.clamp(*INITIAL.start(), *INITIAL.end());
    let mut ranges = Vec::new();
    let mut start = 0;
    for at in 1..=count {
        let end = if at == count { INODE_MAX } else { step.max(1).saturating_mul(at).min(INODE_MAX) };
        ranges.push(Range { start, end });
        if end == INODE_MAX {
            break;
        }
        start = end + u64::from(!mutant!("ranges overlap"));
    }
    ranges
}

/// Ranges of `count` meta partitions after one that ends at `end`; the last is open to above (v3.5.3 http-partitions-nodes.md §7.1).
pub fn ranges_after(end: u64, count: u64, step: u64) -> Vec<Range> {
    let mut ranges = Vec::new();
    let mut start = end.saturating_add(1);
    for at in 1..=count {
        let end = start.saturating_add(step);
        let end = if at == count || end > INODE_MAX.saturating_sub(step) { INODE_MAX } else { end };
        ranges.push(Range { start, end });
        if end == INODE_MAX {
            break;
        }
        start = end + 1;
    }
    ranges
}

// ---- splitting --------------------------------------------------------------------------------------------------

/// A split of the last meta partition of a volume: it is to end at `end`, and a new one takes what is above (§7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    pub partition: PartitionId,
    pub end: u64,
    /// Not without a leader.
    pub needs_leader: bool,
}

/// Whether the volume's last meta partition is to be split now (§7.1, §7.2).
pub fn split_due(scene: &Scene<'_>, reports: &Reports, volume: &Volume) -> Option<Split> {
    let last = last_of_volume(scene.state, volume.id)?;
    let reported = reports.meta_partition(last.partition_id)?;
    let largest = reported.max_inode_id();
    let split = |step: u64, needs_leader| Split { partition: last.partition_id, end: largest.saturating_add(step), needs_leader };
    let seen = assess(scene, reports, last, volume.forbidden, true);
    let step = scene.rules.inode_step;
    if seen.wants_split && scene.rules.auto_create {
        return Some(split(step, true));
    }
    let old = scene.wall_secs.saturating_sub(volume.create_time) > SPLIT_VOLUME_AGE_SECS_MIN;
    let complete = |p: &Arc<MetaPartition>| reports.meta_partition(p.partition_id).is_some_and(|r| r.complete);
    if !old || !scene.state.meta_partitions_of_volume(volume.id).all(complete) {
        return None;
    }
    let is_writable = |p: &&Arc<MetaPartition>| {
        let is_last = p.partition_id == last.partition_id;
        assess(scene, reports, p, volume.forbidden, is_last).status == PartitionStatus::READ_WRITE
    };
    let writable = scene.state.meta_partitions_of_volume(volume.id).filter(is_writable).count();
    if writable < WRITABLE_MIN {
        return Some(split(step, false));
    }
    let on_full_node = |replica: &ReplicaState| {
        let node = scene.state.meta_node_by_addr(&replica.addr).zip(reports.meta_node(&replica.addr));
        replica.life == Life::Live
            && replica.status == PartitionStatus::READ_ONLY
            && node.is_some_and(|(node, report)| {
                !meta_node_writable(node, report, reports.meta_liveness(&replica.addr, scene.now), scene.rules)
            })
    };
    let ratio = largest.saturating_sub(last.start) as f64 / step.max(1) as f64;
    (seen.replicas.iter().any(on_full_node) || ratio > FULL_RATIO).then(|| split(step / 4, false))
}

/// Whether the split may be done (§7.4).
///
/// # Errors
/// The cluster is frozen, the volume forbidden, the partition not the last, or [`new_end_allowed`] says no.
pub fn split_allowed(scene: &Scene<'_>, reports: &Reports, volume: &Volume, split: Split) -> Result<(), Fault> {
    let last = last_of_volume(scene.state, volume.id).filter(|last| last.partition_id == split.partition);
    let last =
        last.ok_or_else(|| Fault::internal(format!("meta partition {} is not the last of vol[{}]", split.partition, volume.name)))?;
    if scene.rules.frozen {
        return Err(Fault::internal(format!("cluster is frozen, vol[{}] meta partition {} is not split", volume.name, split.partition)));
    }
    if volume.forbidden {
        return Err(Fault::internal("volume is forbidden"));
    }
    new_end_allowed(scene, reports, last, split.end, split.needs_leader)
}

/// Whether the open range of `partition` may end at `end`, so that another partition follows (v3.5.3 http-partitions-nodes.md §7.1).
///
/// # Errors
/// The end lies below the start or the inodes in use, too near the end of all inodes, or there is no leader.
pub fn new_end_allowed(scene: &Scene<'_>, reports: &Reports, partition: &MetaPartition, end: u64, needs_leader: bool) -> Result<(), Fault> {
    let largest = reports.meta_partition(partition.partition_id).map_or(0, MetaPartitionReports::max_inode_id);
    if end < partition.start {
        return Err(Fault::internal(format!("end[{end}] less than mp.start[{}]", partition.start)));
    }
    if end > INODE_MAX.saturating_sub(scene.rules.inode_step) {
        return Err(Fault::internal(format!(
            "action[updateInodeIDRange] vol[{}] partitionID[{}] nextStart[{end}] to prevent overflow ,not update end",
            partition.vol_name, partition.partition_id
        )));
    }
    if end <= largest {
        return Err(Fault::internal(format!("next meta partition start must be larger than {largest}")));
    }
    if needs_leader && leader(scene, reports, partition).is_none() {
        return Err(fault::NO_LEADER);
    }
    Ok(())
}

/// The last meta partition where its range is not open to above, and it has a leader to be told so (§7.3).
pub fn last_to_open(scene: &Scene<'_>, reports: &Reports, volume: VolumeId) -> Option<PartitionId> {
    let last = last_of_volume(scene.state, volume)?;
    (!last.is_open() && leader(scene, reports, last).is_some()).then_some(last.partition_id)
}

// ---- the check --------------------------------------------------------------------------------------------------

/// What the five-second check of a volume's meta partitions finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Another status or leader than at the last check.
    pub changed: Vec<PartitionId>,
    /// To be split, subject to [`split_allowed`].
    pub split: Option<Split>,
    /// To be opened to above: commit `End`, tell its leader.
    pub open: Option<PartitionId>,
    pub without_leader: Vec<PartitionId>,
    /// Active replicas are fewer, or more, than the record wants.
    pub wrong_active_number: Vec<PartitionId>,
    /// The record has another number of hosts than of replicas.
    pub wrong_host_number: Vec<PartitionId>,
    /// Hosts whose replica is not active.
    pub missing: Vec<(PartitionId, String)>,
    /// Replicas reported by nodes that are no hosts; forgotten.
    pub strays: Vec<(PartitionId, String)>,
}

/// Checks the meta partitions of a volume (§7).
pub fn check_volume(scene: &Scene<'_>, reports: &mut Reports, volume: &Volume) -> Findings {
    let mut found =
        Findings { split: split_due(scene, reports, volume), open: last_to_open(scene, reports, volume.id), ..Findings::default() };
    let last = last_of_volume(scene.state, volume.id).map(|p| p.partition_id);
    for partition in scene.state.meta_partitions_of_volume(volume.id) {
        let id = partition.partition_id;
        let seen = assess(scene, reports, partition, volume.forbidden, Some(id) == last);
        if lost_its_leader(scene, reports, partition) {
            found.without_leader.push(id);
        }
        if seen.active + seen.unknown != usize::from(partition.replica_num) {
            found.wrong_active_number.push(id);
        }
        if partition.hosts.len() != usize::from(partition.replica_num) {
            found.wrong_host_number.push(id);
        }
        let missing = missing_hosts(scene, reports, partition);
        found.missing.extend(missing.iter().map(|host| (id, (*host).to_owned())));
        let strays: Vec<Arc<str>> = seen.replicas.iter().filter(|r| !partition.has_host(&r.addr)).map(|r| r.addr.clone()).collect();
        let now = (seen.status, seen.leader.clone());
        let unchanged = reports.meta_partition(id).is_some_and(|p| p.checked.as_ref() == Some(&now));
        if unchanged && missing.is_empty() && strays.is_empty() && reports.meta_partition(id).is_some_and(|p| p.missing.is_empty()) {
            continue;
        }
        let kept = reports.meta_partition_mut(id);
        if !unchanged {
            kept.checked = Some(now);
            found.changed.push(id);
        }
        kept.missing.retain(|(host, _)| missing.contains(&&**host));
        for host in missing {
            if !kept.missing.iter().any(|(known, _)| **known == *host) {
                kept.missing.push((host.into(), scene.wall_secs));
            }
        }
        for stray in strays {
            kept.remove_replica(&stray);
            found.strays.push((id, stray.to_string()));
        }
    }
    found
}

/// Hosts whose replica is not active. v3.5.3 lists them as soon as their node is inactive, not only after the replica time-out.
pub fn missing_hosts<'a>(scene: &Scene<'_>, reports: &Reports, partition: &'a MetaPartition) -> Vec<&'a str> {
    let dead = |host: &&str| life(scene, reports, partition, host) == Life::Dead;
    partition.hosts.iter().map(String::as_str).filter(dead).collect()
}

#[cfg(test)]
mod tests;
