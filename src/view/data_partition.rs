//! Data partitions as replies show them (v3.5.3 http-types.md: DataPartitionInfo … DataPartitionsView).

use crate::wire::gojson::GoTime;
use crate::wire::gojson::List;
use crate::wire::peer::Peer;
use crate::wire::report::{DataPartitionReport, StatOfStorageClass};
use serde::Serialize;
use std::collections::BTreeMap;

/// Reply of `/dataPartition/get`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DataPartitionInfo {
    #[serde(rename = "PartitionID")]
    pub partition_id: u64,
    pub partition_type: i64,
    pub last_loaded_time: i64,
    pub replica_num: u8,
    pub status: i8,
    pub recover: bool,
    pub replicas: Vec<DataReplica>,
    pub hosts: Vec<String>,
    pub peers: Vec<Peer>,
    pub zones: Vec<String>,
    pub node_sets: Vec<u64>,
    pub missing_nodes: BTreeMap<String, i64>,
    pub vol_name: String,
    #[serde(rename = "VolID")]
    pub vol_id: u64,
    #[serde(rename = "OfflinePeerID")]
    pub offline_peer_id: u64,
    pub file_in_core_map: BTreeMap<String, FileInCore>,
    pub is_recover: bool,
    pub files_with_missing_replica: BTreeMap<String, i64>,
    pub single_decommission_status: u32,
    pub single_decommission_addr: String,
    pub rd_only: bool,
    pub is_discard: bool,
    pub forbidden: bool,
    pub media_type: u32,
    pub forbid_write_op_of_proto_ver0: bool,
}

/// One replica of a data partition.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DataReplica {
    pub addr: String,
    pub domain_addr: String,
    pub report_time: i64,
    pub file_count: u32,
    pub status: i8,
    pub has_load_response: bool,
    pub total_size: u64,
    pub used_size: u64,
    pub is_leader: bool,
    pub needs_to_compare: bool,
    pub disk_path: String,
    pub decommission_repair_progress: f64,
    pub local_peers: List<Peer>,
    pub trigger_disk_error: bool,
    pub forbid_write_op_of_proto_ver0: bool,
    pub read_only_reasons: u32,
    pub is_missing_tiny_extent: bool,
    pub is_repairing: bool,
}

/// An extent as the replicas reported it at the last load.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FileInCore {
    pub name: String,
    pub last_modify: i64,
    pub metadata_array: Vec<FileMetadata>,
}

/// One replica's view of an extent. `ApplyID` is 0 in replies.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FileMetadata {
    pub crc: u32,
    pub loc_addr: String,
    pub size: u32,
    #[serde(rename = "ApplyID")]
    pub apply_id: u64,
}

/// Reply of `/client/partitions`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DataPartitionsView {
    pub data_partitions: Vec<DataPartitionResponse>,
    pub vol_read_only: bool,
    pub stat_by_class: List<StatOfStorageClass>,
}

/// A data partition as clients see it.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DataPartitionResponse {
    pub partition_type: i64,
    #[serde(rename = "PartitionID")]
    pub partition_id: u64,
    pub status: i8,
    pub replica_num: u8,
    pub hosts: Vec<String>,
    pub leader_addr: String,
    pub epoch: u64,
    pub is_recover: bool,
    pub is_discard: bool,
    pub media_type: u32,
}

/// Reply of `/dataPartition/diagnose` (v3.5.3 http-partitions-nodes.md §2.4).
#[derive(Clone, Debug, Default, Serialize)]
pub struct DataPartitionDiagnosis {
    #[serde(rename = "InactiveDataNodes")]
    pub inactive_data_nodes: Vec<String>,
    #[serde(rename = "CorruptDataPartitionIDs")]
    pub corrupt: Vec<u64>,
    #[serde(rename = "LackReplicaDataPartitionIDs")]
    pub lack_replica: Vec<u64>,
    #[serde(rename = "RepFileCountDifferDpIDs")]
    pub file_count_differs: Vec<u64>,
    #[serde(rename = "RepUsedSizeDifferDpIDs")]
    pub used_size_differs: Vec<u64>,
    #[serde(rename = "ExcessReplicaDpIDs")]
    pub excess_replica: Vec<u64>,
    #[serde(rename = "MissingTinyExtentDpIDs")]
    pub missing_tiny_extent: Vec<u64>,
    #[serde(rename = "BadDataPartitionInfos")]
    pub bad: Vec<BadPartitionRepairView>,
    #[serde(rename = "BadReplicaDataPartitionIDs")]
    pub bad_replica: Vec<u64>,
    #[serde(rename = "DiskErrorDataPartitionInfos")]
    pub disk_error: DiskErrPartitionView,
}

/// Partitions being recovered from one disk; the path is `addr:disk`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BadPartitionRepairView {
    pub path: String,
    pub partition_infos: Vec<DpRepairInfo>,
}

/// How far the recovery of one partition is.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DpRepairInfo {
    #[serde(rename = "PartitionID")]
    pub partition_id: u64,
    pub decommission_repair_progress: f64,
    pub recover_start_time: GoTime,
    pub recover_update_time: GoTime,
    pub decommission_type: u32,
}

/// Replicas on broken disks by partition id.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DiskErrPartitionView {
    pub disk_err_replicas: BTreeMap<String, Vec<DiskErrReplicaInfo>>,
}

/// A replica on a broken disk.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DiskErrReplicaInfo {
    pub addr: String,
    pub disk: String,
}

/// Reply of `/dataPartition/queryDecommissionStatus`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecommissionDataPartitionInfo {
    pub partition_id: u64,
    pub replica_num: u8,
    pub status: String,
    pub special_step: String,
    pub progress: String,
    pub disk_retry_map: BTreeMap<String, i64>,
    pub retry: i64,
    pub raft_force: bool,
    pub recover: bool,
    pub src_address: String,
    pub src_disk_path: String,
    pub dst_address: String,
    pub dst_node_set: u64,
    pub term: u64,
    pub weight: i64,
    pub replicas: List<String>,
    pub error_message: String,
    pub need_rollback_times: u32,
    pub decommission_type: String,
    pub restore_replica_type: String,
    pub is_discard: bool,
    pub recover_start_time: String,
    pub recover_update_time: String,
    pub decommission_retry_time: String,
}

/// Reply of `/dataPartition/checkReplicaMeta`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BadReplicaMetaResponse {
    pub infos: List<BadReplicaMetaInfo>,
}

/// A replica whose members differ from the master's.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BadReplicaMetaInfo {
    pub partition_id: u64,
    /// `addr_disk`.
    pub replica: String,
    pub bad_peer: List<Peer>,
    pub expect_peer: Vec<Peer>,
}

/// Reply of `/admin/getDiscardDp`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DiscardDataPartitionInfos {
    pub discard_dps: List<DataPartitionInfo>,
}

/// Reply of `/client/disk/partitions`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DiskDataPartitionsView {
    pub data_partitions: List<DataPartitionReport>,
}
