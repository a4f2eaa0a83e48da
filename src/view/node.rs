//! Data nodes and meta nodes as replies show them (v3.5.3 http-types.md: NodeView, DataNodeInfo, MetaNodeInfo, InvalidNodeView).

use crate::wire::gojson::GoTime;
use crate::wire::gojson::List;
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
