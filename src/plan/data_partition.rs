//! What a data partition can do, from what its replicas reported (v3.5.3 background-tasks.md §4).
//!
//! v3.5.3 stores the outcome of a check every five seconds; here it is a function of records, reports and time, asked for where it is
//! needed. A leader that has not heard a replica yet takes it to be as the record says.

use super::life::Life;
use super::read_only::data_reason;
use super::reports::{DataPartitionReports, DataReplica, Reports};
use super::scene::Scene;
use super::volume::Facts;
use crate::ids::PartitionId;
use crate::limits::DATA_NODE_RESERVED;
use crate::model::{DataPartition, PartitionStatus, Volume};
use std::sync::Arc;

/// A data partition as clients and checks see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    pub status: PartitionStatus,
    /// One per reported replica, in that order.
    pub replicas: Vec<ReplicaState>,
    /// Replicas on hosts that are known to live.
    pub live: usize,
    /// Replicas on hosts that a new leader has not heard of yet.
    pub unknown: usize,
    /// Address of the leader's node, when it is known and lives.
    pub leader: Option<Arc<str>>,
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

/// Whether the replica on `addr` lives.
pub fn life(scene: &Scene<'_>, reports: &Reports, partition: &DataPartition, addr: &str) -> Life {
    life_of(scene, reports, reports.data_partition(partition.partition_id).and_then(|p| p.replica(addr)), addr)
}

fn life_of(scene: &Scene<'_>, reports: &Reports, replica: Option<&DataReplica>, addr: &str) -> Life {
    let report = replica.map(|r| (scene.now.saturating_sub(r.heard_at), r.status != PartitionStatus::UNAVAILABLE));
    Life::of(report, reports.data_liveness(addr, scene.now), scene.rules.data_replica_timeout)
}

/// Hosts whose replicas are known to live, in the order of the record.
pub fn live_hosts<'a>(scene: &Scene<'_>, reports: &Reports, partition: &'a DataPartition) -> Vec<&'a str> {
    let lives = |host: &&str| life(scene, reports, partition, host) == Life::Live;
    partition.hosts.iter().map(String::as_str).filter(lives).collect()
}

/// The node of the leader, when it is known and lives.
pub fn leader(scene: &Scene<'_>, reports: &Reports, partition: &DataPartition) -> Option<Arc<str>> {
    let replicas = &reports.data_partition(partition.partition_id)?.replicas;
    let leads = |r: &&DataReplica| r.is_leader && life_of(scene, reports, Some(r), &r.addr) == Life::Live;
    replicas.iter().find(leads).map(|r| r.addr.clone())
}

/// No replica leads, and none has for `dpNoLeaderReportIntervalSec` (v3.5.3 http-partitions-nodes.md §2.4).
pub fn lost_its_leader(scene: &Scene<'_>, reports: &Reports, partition: &DataPartition) -> bool {
    let reported = reports.data_partition(partition.partition_id);
    let last = reported.and_then(|p| p.leader_at.or(p.created_at)).unwrap_or(reports.since());
    leader(scene, reports, partition).is_none() && scene.now.saturating_sub(last) > scene.rules.data_leader_lost_after
}

/// The state of a partition of a volume with these facts (§4.1).
pub fn assess(scene: &Scene<'_>, reports: &Reports, partition: &DataPartition, volume: &Facts) -> Assessment {
    let nothing = DataPartitionReports::default();
    let reported = reports.data_partition(partition.partition_id).unwrap_or(&nothing);
    let mut replicas: Vec<ReplicaState> = reported.replicas.iter().map(|r| replica_state(scene, reports, partition, r)).collect();

    let lives = |host: &String| match replicas.iter().find(|r| *r.addr == **host) {
        Some(replica) => replica.life,
        None => life_of(scene, reports, None, host),
    };
    let lives: Vec<Life> = partition.hosts.iter().map(lives).collect();
    let live = lives.iter().filter(|life| **life == Life::Live).count();
    let unknown = lives.iter().filter(|life| **life == Life::Unknown).count();
    let leader = replicas.iter().find(|r| r.is_leader && partition.has_host(&r.addr)).map(|r| r.addr.clone());

    // Where a young leader does not know, the record speaks for the replica.
    let presumed = unknown > 0 && partition.status == PartitionStatus::READ_WRITE;
    let fresh = reported.just_created(scene.now);
    let on_hosts = |r: &&ReplicaState| r.life == Life::Live && partition.has_host(&r.addr);
    let writable = live + unknown == usize::from(partition.replica_num)
        && replicas.iter().filter(on_hosts).all(|r| r.status == PartitionStatus::READ_WRITE)
        && (unknown == 0 || presumed)
        && reported.total().is_none_or(|total| total.saturating_sub(reported.used()) > DATA_NODE_RESERVED)
        && (leader.is_some() || presumed || fresh)
        && !volume.is_full(partition.effective_media_type(scene.rules.legacy_media_type))
        && !volume.forbidden;
    let moving = partition.has_special_replica_num() && partition.special_replica_decommission_step > 0;
    let status = if moving || replicas.len() > partition.hosts.len() {
        PartitionStatus::READ_ONLY
    } else if volume.is_new(scene) && replicas.iter().any(|r| r.life == Life::Live) {
        for replica in replicas.iter_mut().filter(|r| r.life == Life::Live) {
            replica.status = PartitionStatus::READ_WRITE;
            replica.read_only_reasons = 0;
        }
        PartitionStatus::READ_WRITE
    } else if live == 0 && unknown == 0 {
        PartitionStatus::UNAVAILABLE
    } else if writable {
        PartitionStatus::READ_WRITE
    } else {
        PartitionStatus::READ_ONLY
    };
    Assessment { status, replicas, live, unknown, leader }
}

/// A replica with what the master knows beyond its report: a dead one is unavailable, a read-only node or partition makes it read-only.
fn replica_state(scene: &Scene<'_>, reports: &Reports, partition: &DataPartition, replica: &DataReplica) -> ReplicaState {
    let life = life_of(scene, reports, Some(replica), &replica.addr);
    let node_read_only = scene.state.data_node_by_addr(&replica.addr).is_some_and(|node| node.rd_only);
    let reasons = [
        (life == Life::Dead, data_reason::REPLICA_MISSING),
        (life != Life::Dead && node_read_only, data_reason::NODE_READ_ONLY),
        (life != Life::Dead && partition.rd_only, data_reason::PARTITION_READ_ONLY),
    ];
    let added = reasons.iter().filter(|(holds, _)| *holds).fold(0, |bits, (_, bit)| bits | bit);
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

/// Clients of protocol version 0 must not write: every replica that is heard says so (§3.2).
pub fn forbids_proto_0(scene: &Scene<'_>, reports: &Reports, partition: &DataPartition) -> bool {
    let Some(reported) = reports.data_partition(partition.partition_id) else { return false };
    let mut live = reported.replicas.iter().filter(|r| life_of(scene, reports, Some(r), &r.addr) == Life::Live).peekable();
    live.peek().is_some() && live.all(|r| r.forbids_proto_0)
}

/// Hosts whose replica has been silent for `missingDataPartitionInterval`, or was never heard of by a leader that had time to hear it (§4.2).
pub fn missing_hosts<'a>(scene: &Scene<'_>, reports: &Reports, partition: &'a DataPartition) -> Vec<&'a str> {
    let reported = reports.data_partition(partition.partition_id);
    let silent = |host: &&str| match reported.and_then(|p| p.replica(host)) {
        Some(replica) => scene.now.saturating_sub(replica.heard_at) > scene.rules.missing_data_replica_after,
        None => reports.age(scene.now) >= scene.rules.presumption(),
    };
    partition.hosts.iter().map(String::as_str).filter(silent).collect()
}

/// What the five-second check of a volume's data partitions finds. Alarms are lists, one per kind, instead of a line per replica.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Another status or leader than at the last check.
    pub changed: Vec<PartitionId>,
    pub without_leader: Vec<PartitionId>,
    /// Live replicas are fewer, or more, than the record wants.
    pub wrong_live_number: Vec<PartitionId>,
    /// The record has another number of hosts than of replicas.
    pub wrong_host_number: Vec<PartitionId>,
    /// Hosts that the partition misses a replica on.
    pub missing: Vec<(PartitionId, String)>,
    /// Replicas reported by nodes that are no hosts; forgotten.
    pub strays: Vec<(PartitionId, String)>,
}

/// Checks the data partitions of a volume (§4): notes what changed since the last check and forgets replicas that are on no host.
pub fn check_volume(scene: &Scene<'_>, reports: &mut Reports, volume: &Volume) -> Findings {
    let facts = Facts::of(scene, reports, volume);
    let mut found = Findings::default();
    for partition in scene.state.data_partitions_of_volume(volume.id).filter(|p| !p.is_discard) {
        let id = partition.partition_id;
        let seen = assess(scene, reports, partition, &facts);
        if seen.leader.is_none() && lost_its_leader(scene, reports, partition) {
            found.without_leader.push(id);
        }
        if seen.live + seen.unknown != usize::from(partition.replica_num) {
            found.wrong_live_number.push(id);
        }
        if partition.hosts.len() != usize::from(partition.replica_num) {
            found.wrong_host_number.push(id);
        }
        let missing = missing_hosts(scene, reports, partition);
        found.missing.extend(missing.iter().map(|host| (id, (*host).to_owned())));
        let strays = seen.replicas.iter().filter(|r| !partition.has_host(&r.addr)).map(|r| r.addr.clone());
        note(scene, reports, id, &seen, &missing, strays.collect(), &mut found);
    }
    found
}

fn note(
    scene: &Scene<'_>,
    reports: &mut Reports,
    id: PartitionId,
    seen: &Assessment,
    missing: &[&str],
    strays: Vec<Arc<str>>,
    found: &mut Findings,
) {
    let now = (seen.status, seen.leader.clone());
    let unchanged = reports.data_partition(id).is_some_and(|p| p.checked.as_ref() == Some(&now));
    if unchanged && missing.is_empty() && strays.is_empty() && reports.data_partition(id).is_some_and(|p| p.missing.is_empty()) {
        return;
    }
    let partition = reports.data_partition_mut(id);
    if !unchanged {
        partition.checked = Some(now);
        found.changed.push(id);
    }
    partition.missing.retain(|(host, _)| missing.contains(&&**host));
    for host in missing {
        if !partition.missing.iter().any(|(known, _)| **known == **host) {
            partition.missing.push(((*host).into(), scene.wall_secs));
        }
    }
    for stray in strays {
        partition.remove_replica(&stray);
        found.strays.push((id, stray.to_string()));
    }
}

#[cfg(test)]
mod tests;
