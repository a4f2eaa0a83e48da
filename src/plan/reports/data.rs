//! Taking in the heartbeat of a data node (v3.5.3 admin-tasks.md §6.5).

use super::change::Change;
use super::data_partition::DataReplica;
use super::node::DataNodeReport;
use super::peers::LocalPeers;
use super::Reports;
use crate::limits::{DATA_NODE_RESERVED, NODE_TIMEOUT};
use crate::model::topology::zone_or_default;
use crate::model::{DataNode, DataPartition, DecommissionStatus, PartitionStatus};
use crate::plan::rules::Rules;
use crate::plan::scene::Scene;
use crate::state::State;
use crate::wire::peer::Peer;
use crate::wire::report::{DataNodeHeartbeatResponse, DataPartitionReport};
use std::sync::Arc;
use std::time::Duration;

/// Brings in what a data node reported and says what follows from it. A failed heartbeat and one of an unknown node change nothing.
pub fn apply_data_heartbeat(scene: &Scene<'_>, reports: &mut Reports, addr: &str, mut response: DataNodeHeartbeatResponse) -> Vec<Change> {
    let Scene { state, rules, .. } = *scene;
    let Some(node) = state.data_node_by_addr(addr) else { return Vec::new() };
    if response.status != 1 {
        return Vec::new();
    }
    let mut changes = Vec::new();
    let zone = zone_or_default(&response.zone_name);
    if zone != node.effective_zone_name() {
        if !media_fits(state, rules, node, zone) {
            return vec![Change::ZoneRefused { addr: addr.to_owned(), zone: zone.to_owned() }];
        }
        changes.push(Change::DataNodeZone { addr: addr.to_owned(), zone: zone.to_owned() });
    }
    disks(state, node, &mut response, &mut changes);
    let partition_reports = std::mem::take(&mut response.partition_reports);
    take_node(scene, reports.data_node_mut(addr), response);

    let key = reports.data_node_addr(addr);
    let mut known = Vec::with_capacity(partition_reports.len());
    let mut strays = Vec::new();
    for report in partition_reports {
        match record_of(state, &report).filter(|partition| partition.has_host(addr)) {
            Some(partition) => {
                known.push(partition.partition_id);
                take_replica(scene, reports, partition, &key, report, &mut changes);
            }
            None => strays.push(report),
        }
    }
    let node = reports.data_node_mut(addr);
    node.partitions = known;
    node.strays = strays;
    changes
}

/// The zone takes nodes with these disks, or does not say.
fn media_fits(state: &State, rules: &Rules, node: &DataNode, zone: &str) -> bool {
    let Some(zone) = state.zones.get(zone) else { return true };
    let (theirs, ours) = (zone.effective_media_type(rules.legacy_media_type), node.effective_media_type(rules.legacy_media_type));
    !theirs.is_valid() || theirs == ours
}

fn record_of<'a>(state: &'a State, report: &DataPartitionReport) -> Option<&'a Arc<DataPartition>> {
    let partition = state.data_partitions.get(&report.partition_id)?;
    (report.vol_name.is_empty() || report.vol_name == partition.vol_name).then_some(partition)
}

/// Disk lists that differ from the record, and cancelled decommissions of disks that recovered.
fn disks(state: &State, node: &DataNode, response: &mut DataNodeHeartbeatResponse, changes: &mut Vec<Change>) {
    let sorted = |list: &mut crate::wire::gojson::List<String>| {
        let mut list = std::mem::take(list).into_vec();
        list.sort();
        list
    };
    let (all, bad) = (sorted(&mut response.all_disks), sorted(&mut response.bad_disks));
    if *node.all_disks == all[..] && *node.bad_disks == bad[..] {
        return;
    }
    for disk in node.bad_disks.iter().filter(|disk| !bad.contains(disk)) {
        let cancelled = state
            .decommission_disks
            .get(&(node.addr.clone(), disk.clone()))
            .is_some_and(|d| d.decommission_status == DecommissionStatus::CANCEL);
        if cancelled {
            changes.push(Change::DiskRecovered { addr: node.addr.clone(), disk: disk.clone() });
        }
    }
    changes.push(Change::Disks { addr: node.addr.clone(), all, bad });
}

fn take_node(scene: &Scene<'_>, node: &mut DataNodeReport, response: DataNodeHeartbeatResponse) {
    let now = scene.now;
    node.heard_at = Some(now);
    node.heard_wall_secs = scene.wall_secs;
    node.total = response.total;
    node.used = response.used;
    // A reservation of ours stands until it is old: only a smaller value is believed at once.
    let settled = node.available_at.is_none_or(|at| now.saturating_sub(at) > NODE_TIMEOUT);
    if settled || response.available < node.available {
        node.available = response.available;
        node.available_at = Some(now);
    }
    node.partition_count = response.created_partition_cnt;
    node.total_partition_size = response.total_partition_size;
    node.lost_disks = response.lost_disks;
    node.disk_stats = response.disk_stats;
    node.bad_disk_stats = response.bad_disk_stats;
    node.cpu_util = response.cpu_util;
    node.io_utils = response.io_util;
    node.backup_partitions = response.backup_data_partitions;
    node.disk_op_logs = response.disk_op_logs;
    node.partition_op_logs = response.dp_op_logs;
    node.start_time = response.start_time;
    node.forbids_proto_0 = response.received_forbid_write_op_of_proto_ver0;
}

fn take_replica(
    scene: &Scene<'_>,
    reports: &mut Reports,
    record: &DataPartition,
    addr: &Arc<str>,
    report: DataPartitionReport,
    changes: &mut Vec<Change>,
) {
    let Scene { state, rules, now, wall_secs } = *scene;
    let id = record.partition_id;
    let disk_known = reports.data_partition(id).and_then(|p| p.replica(addr)).map(|r| r.disk.clone());
    let disk = match disk_known {
        Some(disk) if *disk == *report.disk_path || report.disk_path.is_empty() => disk,
        _ => reports.text(&report.disk_path),
    };
    if !report.disk_path.is_empty() && record.disk_on(addr) != Some(&*report.disk_path) {
        changes.push(Change::ReplicaDisk { partition: id, addr: addr.to_string(), disk: report.disk_path.clone() });
    }
    if rules.different_ports {
        let ports = |addr: &str| state.data_node_by_addr(addr).map(|n| (n.heartbeat_port.clone(), n.replica_port.clone()));
        if let Some(peers) = with_ports(&record.peers, &report.local_peers, ports) {
            changes.push(Change::DataPeers { partition: id, peers });
        }
    }

    let partition = reports.data_partition_mut(id);
    partition.missing.retain(|(host, _)| host != addr);
    if report.is_leader {
        partition.leader_at = Some(now);
        partition.created_at = None;
    }
    let at = match partition.replicas.iter().position(|r| r.addr == *addr) {
        Some(at) => at,
        None => {
            partition.replicas.push(DataReplica::created(addr.clone(), disk.clone(), now));
            partition.replicas.len() - 1
        }
    };
    let replica = &mut partition.replicas[at];
    if report.decommission_repair_progress > replica.repair_progress {
        partition.recover_updated_at = Some(now);
        partition.recover_updated_wall_secs = Some(wall_secs);
    }
    if update(replica, report, disk, &record.peers, now) {
        changes.push(Change::DataPartition(id));
    }
}

/// Takes the report over. True when something changed that decides the status of the partition or who leads it.
fn update(replica: &mut DataReplica, report: DataPartitionReport, disk: Arc<str>, recorded: &[Peer], now: Duration) -> bool {
    let room = |total: u64, used: u64| total.saturating_sub(used) > DATA_NODE_RESERVED;
    let status = PartitionStatus(i8::try_from(report.partition_status).unwrap_or(PartitionStatus::UNAVAILABLE.0));
    let shown = replica.assumed
        || replica.status != status
        || replica.is_leader != report.is_leader
        || room(replica.total, replica.used) != room(report.total, report.used);
    if !replica.local_peers.is(&report.local_peers, recorded) {
        replica.local_peers = LocalPeers::new(report.local_peers.into_vec(), recorded);
    }
    replica.heard_at = now;
    replica.assumed = false;
    replica.status = status;
    replica.is_leader = report.is_leader;
    replica.needs_compare = report.need_compare;
    replica.trigger_disk_error = report.trigger_disk_error;
    replica.forbids_proto_0 = report.forbid_write_op_of_proto_ver0;
    replica.is_missing_tiny_extent = report.is_missing_tiny_extent;
    replica.is_repairing = report.is_repairing;
    replica.read_only_reasons = report.read_only_reasons;
    replica.file_count = report.extent_count as u32;
    replica.total = report.total;
    replica.used = report.used;
    replica.disk = disk;
    replica.repair_progress = report.decommission_repair_progress;
    shown
}

/// The recorded peers with their missing raft ports filled in, if any could be: from what the replica reports, else from the node.
pub(super) fn with_ports(recorded: &[Peer], local: &[Peer], node: impl Fn(&str) -> Option<(String, String)>) -> Option<Vec<Peer>> {
    let lacks = |peer: &Peer| peer.raft_heartbeat.is_empty() || peer.raft_replica.is_empty();
    if !recorded.iter().any(lacks) {
        return None;
    }
    let mut peers = recorded.to_vec();
    for peer in peers.iter_mut().filter(|peer| lacks(peer)) {
        let reported = local.iter().find(|l| l.addr == peer.addr && !lacks(l)).map(|l| (l.raft_heartbeat.clone(), l.raft_replica.clone()));
        if let Some((heartbeat, replica)) = reported.or_else(|| node(&peer.addr)) {
            peer.raft_heartbeat = heartbeat;
            peer.raft_replica = replica;
        }
    }
    (peers != recorded).then_some(peers)
}
