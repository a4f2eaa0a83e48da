//! Taking in the heartbeat of a meta node (v3.5.3 admin-tasks.md §6.6).

use super::change::Change;
use super::data::with_ports;
use super::meta_partition::MetaReplica;
use super::peers::LocalPeers;
use super::Reports;
use crate::ids::VolumeId;
use crate::model::topology::zone_or_default;
use crate::model::{MetaPartition, PartitionStatus};
use crate::plan::meta_partition::last_of_volume;
use crate::plan::scene::Scene;
use crate::plan::usable::meta_node_over_threshold;
use crate::wire::peer::Peer;
use crate::wire::report::{MetaNodeHeartbeatResponse, MetaPartitionReport, StatOfStorageClass};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Brings in what a meta node reported and says what follows from it. A failed heartbeat, one of an unknown node and one of a node
/// that is being taken off change nothing.
pub fn apply_meta_heartbeat(scene: &Scene<'_>, reports: &mut Reports, addr: &str, response: MetaNodeHeartbeatResponse) -> Vec<Change> {
    let Scene { state, rules, now, wall_secs } = *scene;
    let Some(node) = state.meta_node_by_addr(addr) else { return Vec::new() };
    // 2 is failed; 0 comes from a node that could not read its memory and is taken, as v3.5.3 does.
    if response.status == 2 || reports.meta_node(addr).is_some_and(|n| n.to_be_offline) {
        return Vec::new();
    }
    let mut changes = Vec::new();
    let zone = zone_or_default(&response.zone_name);
    if zone != node.effective_zone_name() {
        changes.push(Change::MetaNodeZone { addr: addr.to_owned(), zone: zone.to_owned() });
    }
    let report = reports.meta_node_mut(addr);
    report.heard_at = Some(now);
    report.heard_wall_secs = wall_secs;
    report.total = response.total;
    report.used = response.used;
    report.node_memory_total = response.node_mem_total;
    report.node_memory_used = response.node_mem_used;
    report.partition_count = u32::try_from(response.meta_partition_reports.len()).unwrap_or(u32::MAX);
    report.cpu_util = response.cpu_util;
    report.forbids_proto_0 = response.received_forbid_write_op_of_proto_ver0;
    let full = meta_node_over_threshold(report, rules) && rules.auto_create;

    let key = reports.meta_node_addr(addr);
    let mut volumes = BTreeSet::new();
    for report in response.meta_partition_reports {
        let Some(partition) = state.meta_partitions.get(&report.partition_id).filter(|p| p.vol_name == report.vol_name) else { continue };
        volumes.insert(partition.vol_id);
        take_replica(scene, reports, partition, &key, report, &mut changes);
    }
    if full {
        changes.extend(volumes.into_iter().filter_map(|volume| split_of_full_node(scene, reports, volume, addr)));
    }
    changes
}

/// The volume's last partition, where it lies on the full node.
fn split_of_full_node(scene: &Scene<'_>, reports: &Reports, volume: VolumeId, addr: &str) -> Option<Change> {
    let last = last_of_volume(scene.state, volume)?;
    let reported = reports.meta_partition(last.partition_id)?;
    let here = reported.replica(addr).filter(|r| !r.assumed)?;
    let largest = reported.max_inode_id().max(here.max_inode_id);
    let from = if largest == 0 { last.start } else { largest };
    Some(Change::Split { volume, partition: last.partition_id, end: from.saturating_add(scene.rules.inode_step) })
}

fn take_replica(
    scene: &Scene<'_>,
    reports: &mut Reports,
    record: &MetaPartition,
    addr: &Arc<str>,
    report: MetaPartitionReport,
    changes: &mut Vec<Change>,
) {
    let Scene { state, rules, now, .. } = *scene;
    let (id, volume) = (record.partition_id, record.vol_id);
    let wrong_end = report.end != record.end;
    if record.has_host(addr) {
        if rules.different_ports {
            let ports = |addr: &str| state.meta_node_by_addr(addr).map(|n| (n.heartbeat_port.clone(), n.replica_port.clone()));
            if let Some(peers) = with_ports(&record.peers, &report.local_peers, ports) {
                changes.push(Change::MetaPeers { partition: id, peers });
            }
        }
        let partition = reports.meta_partition_mut(id);
        partition.missing.retain(|(host, _)| host != addr);
        if report.is_leader {
            partition.leader_at = Some(now);
            partition.created_at = None;
            if *partition.uids != *report.uid_info {
                partition.uids = report.uid_info.to_vec();
                changes.push(Change::Uids { volume, partition: id });
            }
            if *partition.quotas != *report.quota_report_infos {
                partition.quotas = report.quota_report_infos.to_vec();
                changes.push(Change::Quotas { volume, partition: id });
            }
        }
        let at = match partition.replicas.iter().position(|r| r.addr == *addr) {
            Some(at) => at,
            None => {
                partition.replicas.push(MetaReplica::created(addr.clone(), report.start, report.end, now));
                partition.replicas.len() - 1
            }
        };
        if update(&mut partition.replicas[at], report, &record.peers, now) {
            changes.push(Change::MetaPartition(id));
        }
        partition.complete |= partition.replicas.len() == usize::from(record.replica_num);
    }
    if wrong_end {
        let leader = reports.meta_partition(id).and_then(|p| p.replicas.iter().find(|r| r.is_leader)).map(|r| r.addr.clone());
        let change = Change::MetaEnd { volume, partition: id, end: record.end, leader };
        if !changes.contains(&change) {
            changes.push(change);
        }
    }
}

/// Takes the report over. True when something changed that client views show.
fn update(replica: &mut MetaReplica, report: MetaPartitionReport, recorded: &[Peer], now: Duration) -> bool {
    let before = (replica.status, replica.is_leader, replica.assumed, counts(replica));
    if !replica.local_peers.is(&report.local_peers, recorded) {
        replica.local_peers = LocalPeers::new(report.local_peers.into_vec(), recorded);
    }
    replica.heard_at = now;
    replica.assumed = false;
    replica.status = PartitionStatus(i8::try_from(report.status).unwrap_or(PartitionStatus::UNAVAILABLE.0));
    replica.is_leader = report.is_leader;
    replica.forbids_proto_0 = report.forbid_write_op_of_proto_ver0;
    replica.read_only_reasons = report.read_only_reasons;
    replica.start = report.start;
    replica.end = report.end;
    replica.max_inode_id = report.max_inode_id;
    replica.inode_count = report.inode_cnt;
    replica.dentry_count = report.dentry_cnt;
    replica.tx_count = report.tx_cnt;
    replica.tx_rollback_inode_count = report.tx_rb_ino_cnt;
    replica.tx_rollback_dentry_count = report.tx_rb_den_cnt;
    replica.free_list_len = report.free_list_len;
    replica.size = report.size;
    keep(&mut replica.stats, &report.stat_by_storage_class);
    keep(&mut replica.migrate_stats, &report.stat_by_migrate_storage_class);
    before != (replica.status, replica.is_leader, replica.assumed, counts(replica))
}

fn counts(r: &MetaReplica) -> [u64; 7] {
    [r.max_inode_id, r.inode_count, r.dentry_count, r.tx_count, r.tx_rollback_inode_count, r.tx_rollback_dentry_count, r.free_list_len]
}

fn keep(kept: &mut Vec<StatOfStorageClass>, reported: &[StatOfStorageClass]) {
    if **kept != *reported {
        *kept = reported.to_vec();
    }
}
