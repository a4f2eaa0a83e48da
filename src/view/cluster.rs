//! The cluster as replies show it (v3.5.3 http-types.md: ClusterInfo, ClusterView, ClusterStatInfo, OpLogView …).

use super::meta_partition::BadPartitionView;
use super::node::NodeView;
use super::volume::VolStatInfo;
use crate::wire::gojson::List;
use crate::wire::report::{OpLog, StatOfStorageClass};
use serde::Serialize;
use std::collections::BTreeMap;

/// Reply of `/admin/getIp`, the first call of every node and client.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ClusterInfo {
    pub cluster: String,
    pub ip: String,
    pub meta_node_delete_batch_count: u64,
    pub meta_node_delete_worker_sleep_ms: u64,
    pub data_node_delete_limit_rate: u64,
    pub data_node_auto_repair_limit_rate: u64,
    pub dp_max_repair_err_cnt: u64,
    pub dir_children_num_limit: u32,
    pub flash_read_timeout: i64,
    pub flash_key_flow_limit: i64,
    pub ebs_addr: String,
    pub service_path: String,
    pub cluster_uuid: String,
    pub cluster_uuid_enable: bool,
    pub cluster_enable_snapshot: bool,
    pub raft_partition_can_using_different_port: bool,
}

/// Reply of `/admin/getCluster`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ClusterView {
    pub name: String,
    pub create_time: String,
    pub leader_addr: String,
    pub disable_auto_alloc: bool,
    pub forbid_mp_decommission: bool,
    pub meta_node_threshold: f32,
    pub applied: u64,
    #[serde(rename = "MaxDataPartitionID")]
    pub max_data_partition_id: u64,
    #[serde(rename = "MaxMetaNodeID")]
    pub max_meta_node_id: u64,
    #[serde(rename = "MaxMetaPartitionID")]
    pub max_meta_partition_id: u64,
    pub vol_deletion_delay_time_hour: i64,
    #[serde(rename = "MetaNodeGOGC")]
    pub meta_node_gogc: i64,
    #[serde(rename = "DataNodeGOGC")]
    pub data_node_gogc: i64,
    pub mark_disk_broken_threshold: f64,
    pub enable_auto_dp_meta_repair: bool,
    pub auto_dp_meta_repair_parallel_cnt: u32,
    pub enable_auto_decommission: bool,
    pub auto_decommission_disk_interval: String,
    pub decommission_first_host_disk_parallel_limit: u64,
    pub decommission_limit: u64,
    pub decommission_disk_limit: u32,
    pub dp_repair_timeout: String,
    pub dp_backup_timeout: String,
    pub dp_timeout: String,
    pub mp_timeout: String,
    pub data_node_stat_info: NodeStatInfo,
    pub meta_node_stat_info: NodeStatInfo,
    pub vol_stat_info: Vec<VolStatInfo>,
    #[serde(rename = "BadPartitionIDs")]
    pub bad_partition_ids: Vec<BadPartitionView>,
    #[serde(rename = "BadMetaPartitionIDs")]
    pub bad_meta_partition_ids: Vec<BadPartitionView>,
    pub master_nodes: Vec<NodeView>,
    pub meta_nodes: Vec<NodeView>,
    pub data_nodes: Vec<NodeView>,
    pub stat_of_storage_class: Vec<StatOfStorageClass>,
    pub stat_migrate_storage_class: Vec<StatOfStorageClass>,
    pub forbid_write_op_of_proto_ver0: bool,
    pub legacy_data_media_type: u32,
    pub raft_partition_can_using_different_port_enabled: bool,
    pub flash_nodes: Vec<NodeView>,
    pub flash_node_handle_read_timeout: i64,
    pub flash_node_read_data_node_timeout: i64,
    #[serde(rename = "RemoteCacheTTL")]
    pub remote_cache_ttl: i64,
    pub remote_cache_read_timeout: i64,
    pub remote_cache_multi_read: bool,
    pub flash_node_timeout_count: i64,
    pub remote_cache_same_zone_timeout: i64,
    pub remote_cache_same_region_timeout: i64,
    pub flash_hot_key_miss_count: i64,
    pub flash_read_flow_limit: i64,
    pub flash_write_flow_limit: i64,
    pub flash_key_flow_limit: i64,
    pub remote_client_flow_limit: i64,
}

/// Space of all nodes of a kind, GiB cut. `UsedRatio` is "" before the first statistics.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct NodeStatInfo {
    #[serde(rename = "TotalGB")]
    pub total_gb: u64,
    #[serde(rename = "UsedGB")]
    pub used_gb: u64,
    #[serde(rename = "IncreasedGB")]
    pub increased_gb: i64,
    #[serde(rename = "UsedRatio")]
    pub used_ratio: String,
    #[serde(rename = "AvailGB")]
    pub avail_gb: u64,
}

/// Reply of `/cluster/stat`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ClusterStatInfo {
    pub data_node_stat_info: NodeStatInfo,
    pub meta_node_stat_info: NodeStatInfo,
    pub zone_stat_info: BTreeMap<String, ZoneStat>,
}

/// Space of a zone.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ZoneStat {
    pub data_node_stat: ZoneNodesStat,
    pub meta_node_stat: ZoneNodesStat,
}

/// Space of the nodes of one kind in a zone, GiB rounded to two decimals; a total of 0 is shown as 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ZoneNodesStat {
    #[serde(rename = "TotalGB")]
    pub total_gb: f64,
    #[serde(rename = "UsedGB")]
    pub used_gb: f64,
    #[serde(rename = "AvailGB")]
    pub avail_gb: f64,
    #[serde(rename = "UsedRatio")]
    pub used_ratio: f64,
    #[serde(rename = "TotalNodes")]
    pub total_nodes: usize,
    #[serde(rename = "WritableNodes")]
    pub writable_nodes: usize,
}

/// Reply of `/admin/getUpgradeCompatibleSettings`, read by nodes at their start.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpgradeCompatibleSettings {
    pub vols_forbid_write_op_of_proto_ver0: Vec<String>,
    pub cluster_forbid_write_op_of_proto_ver0: bool,
    pub legacy_data_media_type: u32,
    pub data_media_type_vaild: bool,
}

/// Reply of `/admin/getOpLog`: only the member of the asked dimension is filled.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct OpLogView {
    pub dp_op_logs: List<OpLog>,
    pub disk_op_logs: List<OpLog>,
    pub cluster_op_logs: List<OpLog>,
    pub vol_op_logs: List<OpLog>,
}
