//! Data nodes and meta nodes as replies show them (v3.5.3 http-types.md: NodeView, DataNodeInfo, MetaNodeInfo, InvalidNodeView).

use super::sight::Sight;
use crate::ids::PartitionId;
use crate::model::{DataNode, MetaNode};
use crate::plan::reports::DataNodeReport;
use crate::plan::usable;
use crate::wire::gojson::{GoTime, List};
use crate::wire::report::{DataPartitionReport, OpLog};
use serde::Serialize;
use std::collections::BTreeMap;

/// A node in lists. `MediaType` is 0 for meta and flash nodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NodeView {
    pub addr: String,
    pub status: bool,
    pub domain_addr: String,
    #[serde(rename = "ID")]
    pub id: u64,
    pub is_writable: bool,
    pub media_type: u32,
    pub forbid_write_op_of_proto_ver0: bool,
}

/// A meta node in the topology: [`NodeView`] and how full its memory is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetaNodeView {
    #[serde(flatten)]
    pub node: NodeView,
    pub ratio: f64,
    pub system_ratio: f64,
}

/// A node of a node set with its space, bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NodeStatView {
    pub addr: String,
    pub status: bool,
    pub domain_addr: String,
    #[serde(rename = "ID")]
    pub id: u64,
    pub is_writable: bool,
    pub total: u64,
    pub used: u64,
    pub avail: u64,
}

/// A node whose id differs from the one in the peers of some partition.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct InvalidNodeView {
    #[serde(rename = "Addr")]
    pub addr: String,
    #[serde(rename = "ID")]
    pub id: u64,
    #[serde(rename = "OldID")]
    pub old_id: u64,
    #[serde(rename = "NodeType")]
    pub node_type: &'static str,
}

/// Where a persisted data partition of a node lies.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PartitionOnDisk {
    pub partition_id: u64,
    pub disk: String,
}

/// Reply of `/dataNode/get`. Absent lists are null as long as the node has not reported (v3.5.3 http-partitions-nodes.md §10.1).
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DataNodeInfo {
    pub total_weight: u64,
    pub used_weight: u64,
    pub available_space: u64,
    #[serde(rename = "ID")]
    pub id: u64,
    pub zone: String,
    pub addr: String,
    pub raft_heartbeat_port: String,
    pub raft_replica_port: String,
    pub domain_addr: String,
    pub report_time: GoTime,
    pub is_active: bool,
    pub to_be_offline: bool,
    pub is_write_able: bool,
    pub usage_ratio: f64,
    pub selected_times: u64,
    pub data_partition_reports: List<DataPartitionReport>,
    pub data_partition_count: u32,
    #[serde(rename = "NodeSetID")]
    pub node_set_id: u64,
    pub persistence_data_partitions: List<u64>,
    pub persistence_data_partitions_with_disk_path: List<PartitionOnDisk>,
    pub all_disks: List<String>,
    pub bad_disks: List<String>,
    pub lost_disks: List<String>,
    pub rd_only: bool,
    pub can_alloc_partition: bool,
    #[serde(rename = "maxDpCntLimit")]
    pub max_dp_cnt_limit: u64,
    #[serde(rename = "cpuUtil")]
    pub cpu_util: f64,
    #[serde(rename = "ioUtil")]
    pub io_util: Option<BTreeMap<String, f64>>,
    pub decommissioned_disk: List<String>,
    pub decommission_success_disk: List<String>,
    pub backup_data_partitions: List<u64>,
    pub media_type: u32,
    pub disk_op_logs: List<OpLog>,
    pub dp_op_logs: List<OpLog>,
}

/// Reply of `/metaNode/get`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetaNodeInfo {
    #[serde(rename = "ID")]
    pub id: u64,
    pub addr: String,
    pub raft_heartbeat_port: String,
    pub raft_replica_port: String,
    pub domain_addr: String,
    pub is_active: bool,
    pub is_write_able: bool,
    pub zone: String,
    pub max_mem_avail_weight: u64,
    pub total_weight: u64,
    pub used_weight: u64,
    pub ratio: f64,
    pub select_count: u64,
    pub threshold: f32,
    pub report_time: GoTime,
    pub meta_partition_count: i64,
    #[serde(rename = "NodeSetID")]
    pub node_set_id: u64,
    pub persistence_meta_partitions: List<u64>,
    pub rd_only: bool,
    pub can_allow_partition: bool,
    #[serde(rename = "maxMpCntLimit")]
    pub max_mp_cnt_limit: u64,
    #[serde(rename = "cpuUtil")]
    pub cpu_util: f64,
}

impl NodeView {
    /// A data node in a list. The topology leaves the switch against old clients out.
    pub fn of_data_node(sight: &Sight<'_>, node: &DataNode) -> Self {
        let (report, liveness) = (sight.data_node(&node.addr), sight.reports.data_liveness(&node.addr, sight.now));
        Self {
            addr: node.addr.clone(),
            status: liveness.is_active(),
            id: node.id.0,
            is_writable: usable::data_node_writable(node, report, liveness),
            media_type: node.effective_media_type(sight.rules.legacy_media_type).0,
            forbid_write_op_of_proto_ver0: report.forbids_proto_0,
            ..Self::default()
        }
    }

    /// A meta node in a list.
    pub fn of_meta_node(sight: &Sight<'_>, node: &MetaNode) -> Self {
        let (report, liveness) = (sight.meta_node(&node.addr), sight.reports.meta_liveness(&node.addr, sight.now));
        Self {
            addr: node.addr.clone(),
            status: liveness.is_active(),
            id: node.id.0,
            is_writable: usable::meta_node_writable(node, report, liveness, sight.rules),
            forbid_write_op_of_proto_ver0: report.forbids_proto_0,
            ..Self::default()
        }
    }

    /// All data nodes, by id.
    pub fn data_nodes(sight: &Sight<'_>) -> Vec<Self> {
        sight.state.data_nodes.values().map(|node| Self::of_data_node(sight, node)).collect()
    }

    /// All meta nodes, by id.
    pub fn meta_nodes(sight: &Sight<'_>) -> Vec<Self> {
        sight.state.meta_nodes.values().map(|node| Self::of_meta_node(sight, node)).collect()
    }
}

impl NodeStatView {
    /// A data node with its space.
    pub fn of_data_node(sight: &Sight<'_>, node: &DataNode) -> Self {
        let report = sight.data_node(&node.addr);
        Self::new(NodeView::of_data_node(sight, node), report.total, report.used)
    }

    /// A meta node with its memory.
    pub fn of_meta_node(sight: &Sight<'_>, node: &MetaNode) -> Self {
        let report = sight.meta_node(&node.addr);
        Self::new(NodeView::of_meta_node(sight, node), report.total, report.used)
    }

    fn new(view: NodeView, total: u64, used: u64) -> Self {
        let NodeView { addr, status, domain_addr, id, is_writable, .. } = view;
        // v3.5.3 lets the difference wrap.
        Self { addr, status, domain_addr, id, is_writable, total, used, avail: total.wrapping_sub(used) }
    }
}

impl InvalidNodeView {
    /// Nodes whose id differs from the one in some partition's peers, meta nodes first.
    pub fn all(sight: &Sight<'_>) -> List<Self> {
        let state = sight.state;
        let meta = state.meta_nodes.values().filter_map(|node| {
            let peers = state.meta_partitions_on(&node.addr).flat_map(|mp| &mp.peers);
            let old = peers.filter(|peer| peer.addr == node.addr).find(|peer| peer.id != node.id)?;
            Some(Self { addr: node.addr.clone(), id: node.id.0, old_id: old.id.0, node_type: "meta" })
        });
        let data = state.data_nodes.values().filter_map(|node| {
            let peers = state.data_partitions_on(&node.addr).flat_map(|dp| &dp.peers);
            let old = peers.filter(|peer| peer.addr == node.addr).find(|peer| peer.id != node.id)?;
            Some(Self { addr: node.addr.clone(), id: node.id.0, old_id: old.id.0, node_type: "data" })
        });
        meta.chain(data).collect()
    }
}

impl DataNodeInfo {
    /// Everything about a data node. `selected` is how often placement chose it.
    pub fn of(sight: &Sight<'_>, node: &DataNode, ignore_discarded: bool, selected: u64) -> Self {
        let (report, liveness) = (sight.data_node(&node.addr), sight.reports.data_liveness(&node.addr, sight.now));
        let persisted: Vec<_> = sight.state.data_partitions_on(&node.addr).filter(|dp| !(ignore_discarded && dp.is_discard)).collect();
        Self {
            total_weight: report.total,
            used_weight: report.used,
            available_space: report.available,
            id: node.id.0,
            zone: node.effective_zone_name().to_owned(),
            addr: node.addr.clone(),
            raft_heartbeat_port: node.heartbeat_port.clone(),
            raft_replica_port: node.replica_port.clone(),
            report_time: sight.time(if report.heard_wall_secs == 0 {
                sight.wall_of(sight.reports.since())
            } else {
                report.heard_wall_secs
            }),
            is_active: liveness.is_active(),
            to_be_offline: node.to_be_offline,
            is_write_able: usable::data_node_writable(node, report, liveness),
            usage_ratio: report.usage_ratio(),
            selected_times: selected,
            data_partition_reports: Self::partition_reports(sight, &node.addr, report),
            data_partition_count: report.partition_count,
            node_set_id: node.node_set_id.0,
            persistence_data_partitions: persisted.iter().map(|dp| dp.partition_id.0).collect::<Vec<_>>().into(),
            persistence_data_partitions_with_disk_path: persisted
                .iter()
                .map(|dp| PartitionOnDisk { partition_id: dp.partition_id.0, disk: dp.disk_on(&node.addr).unwrap_or_default().to_owned() })
                .collect::<Vec<_>>()
                .into(),
            all_disks: node.all_disks.to_vec().into(),
            bad_disks: node.bad_disks.clone(),
            lost_disks: report.lost_disks.clone(),
            rd_only: node.rd_only,
            can_alloc_partition: usable::data_node_can_allocate(node, report, liveness, sight.rules),
            max_dp_cnt_limit: usable::data_partition_limit(node, sight.rules),
            cpu_util: report.cpu_util,
            io_util: Some(report.io_utils.clone()),
            decommissioned_disk: node.decommissioned_disks.iter().cloned().collect(),
            decommission_success_disk: node.decommission_success_disks.iter().cloned().collect(),
            backup_data_partitions: report.backup_partitions.iter().map(|backup| backup.partition_id.0).collect::<Vec<_>>().into(),
            media_type: node.effective_media_type(sight.rules.legacy_media_type).0,
            disk_op_logs: report.disk_op_logs.clone(),
            dp_op_logs: report.partition_op_logs.clone(),
            ..Self::default()
        }
    }

    /// The partition reports of the last heartbeat, put together again from what is kept of them; nil before the first.
    pub fn partition_reports(sight: &Sight<'_>, addr: &str, report: &DataNodeReport) -> List<DataPartitionReport> {
        if report.heard_at.is_none() {
            return List::NIL;
        }
        let known = report.partitions.iter().filter_map(|id| partition_report(sight, addr, *id));
        known.chain(report.strays.iter().cloned()).collect::<Vec<_>>().into()
    }
}

fn partition_report(sight: &Sight<'_>, addr: &str, id: PartitionId) -> Option<DataPartitionReport> {
    let record = sight.state.data_partitions.get(&id)?;
    let replica = sight.reports.data_partition(id)?.replica(addr)?;
    Some(DataPartitionReport {
        vol_name: record.vol_name.clone(),
        partition_id: id,
        partition_status: i64::from(replica.status.0),
        total: replica.total,
        used: replica.used,
        disk_path: replica.disk.to_string(),
        is_leader: replica.is_leader,
        extent_count: i64::from(replica.file_count),
        need_compare: replica.needs_compare,
        decommission_repair_progress: replica.repair_progress,
        local_peers: replica.local_peers.list(&record.peers).map_or(List::NIL, |peers| peers.to_vec().into()),
        trigger_disk_error: replica.trigger_disk_error,
        forbid_write_op_of_proto_ver0: replica.forbids_proto_0,
        read_only_reasons: replica.read_only_reasons,
        is_missing_tiny_extent: replica.is_missing_tiny_extent,
        is_repairing: replica.is_repairing,
    })
}

impl MetaNodeInfo {
    /// Everything about a meta node. `selected` is how often placement chose it.
    pub fn of(sight: &Sight<'_>, node: &MetaNode, selected: u64) -> Self {
        let (report, liveness) = (sight.meta_node(&node.addr), sight.reports.meta_liveness(&node.addr, sight.now));
        Self {
            id: node.id.0,
            addr: node.addr.clone(),
            raft_heartbeat_port: node.heartbeat_port.clone(),
            raft_replica_port: node.replica_port.clone(),
            is_active: liveness.is_active(),
            is_write_able: usable::meta_node_writable(node, report, liveness, sight.rules),
            zone: node.effective_zone_name().to_owned(),
            max_mem_avail_weight: report.available(),
            total_weight: report.total,
            used_weight: report.used,
            ratio: report.ratio(),
            select_count: selected,
            // A heartbeat brings the cluster's threshold to the node; before the first there is none.
            threshold: if report.heard_at.is_some() { sight.rules.meta_threshold } else { 0.0 },
            report_time: sight.time(report.heard_wall_secs),
            meta_partition_count: i64::from(report.partition_count),
            node_set_id: node.node_set_id.0,
            persistence_meta_partitions: sight.state.meta_partitions_on(&node.addr).map(|mp| mp.partition_id.0).collect::<Vec<_>>().into(),
            rd_only: node.rd_only,
            can_allow_partition: usable::meta_node_can_allocate(node, report, liveness, sight.rules),
            max_mp_cnt_limit: usable::meta_partition_limit(Some(report), sight.rules),
            cpu_util: report.cpu_util,
            ..Self::default()
        }
    }
}
