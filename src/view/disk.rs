//! Disks and their decommission as replies show them (v3.5.3 http-types.md: DiskInfo, DecommissionProgress … DecommissionTokenStatus).

use crate::wire::gojson::List;
use serde::Serialize;
use std::collections::BTreeMap;

/// Reply of `/disk/queryDisks` and `/disk/queryBadDisks`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DiskInfos {
    pub disks: List<DiskInfo>,
}

/// A disk of a data node. Space is filled by `/disk/detail` only.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DiskInfo {
    pub node_id: u64,
    pub address: String,
    pub path: String,
    pub status: String,
    pub total: u64,
    pub used: u64,
    pub available: u64,
    #[serde(rename = "IOUtil")]
    pub io_util: f64,
    pub total_partition_cnt: i64,
    pub disk_err_partition_list: List<u64>,
}

/// Reply of `/dataNode/queryDisableDisk` and `/dataNode/queryDecommissionSuccessDisk`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecommissionedDisks {
    pub node: String,
    pub disks: List<String>,
}

/// Element of `/admin/queryDecommissionFailedDisk`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecommissionFailedDiskInfo {
    pub src_addr: String,
    pub disk_path: String,
    pub decommission_raft_force: bool,
    pub decommission_times: u8,
    pub decommission_dp_total: i64,
    pub decommission_weight: i64,
    pub is_auto_decommission: bool,
}

/// Element of `/admin/queryDecommissionToken`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecommissionTokenStatus {
    #[serde(rename = "NodesetID")]
    pub nodeset_id: u64,
    pub cur_token_num: i32,
    pub max_token_num: i32,
    pub running_dp: Vec<u64>,
    #[serde(rename = "TotalDP")]
    pub total_dp: usize,
    pub manual_decommission_disk: Vec<String>,
    pub manual_decommission_disk_total: usize,
    pub auto_decommission_disk: Vec<String>,
    pub auto_decommission_disk_total: usize,
    pub max_disk_token_num: u32,
    pub running_disk: Vec<String>,
}

/// Element of `/admin/queryDecommissionFirstHostParallelInfo`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FirstHostRepairInfo {
    pub cur_parallel: u64,
    pub addr: String,
    pub disk_to_decommission_repair_dp_map: BTreeMap<String, FirstHostDiskRepairInfo>,
}

/// Repairs whose first host is on one disk.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FirstHostDiskRepairInfo {
    pub cur_parallel: u64,
    pub disk_path: String,
    pub repairing_dps: BTreeMap<String, BTreeMap<String, ()>>,
}

/// Element of `/admin/queryDiskDecommissionInfoStat` and of its twin for nodes.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecommissionInfoStat {
    pub key: String,
    pub repair_source_dp: Vec<u64>,
    pub repair_target_dp: Vec<u64>,
    pub running_dp_num: usize,
}

/// A partition with a reason: failed, ignored or left over.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PartitionError {
    #[serde(rename = "PartitionID")]
    pub partition_id: u64,
    #[serde(rename = "ErrMsg")]
    pub err_msg: String,
}

/// Reply of `/disk/queryDecommissionProgress`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecommissionProgress {
    pub status_message: String,
    pub decommission_type: String,
    pub weight: i64,
    pub progress: String,
    pub total_dp_cnt: i64,
    pub remaining_dp_cnt: i64,
    pub running_dps: List<u64>,
    pub failed_dps: List<PartitionError>,
    pub ignore_dps: List<PartitionError>,
    pub residual_dps: List<PartitionError>,
    pub retry_over_limit_dps: List<u64>,
    pub start_time: String,
    pub is_manual_decommission_disk: bool,
}

/// Reply of `/dataNode/queryDecommissionProgress`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DataDecommissionProgress {
    pub status: u32,
    pub status_message: String,
    pub weight: i64,
    pub progress: String,
    pub total_dp_cnt: i64,
    pub remaining_dp_cnt: i64,
    pub running_dps: List<u64>,
    pub failed_dps: List<PartitionError>,
    pub ignore_dps: Vec<PartitionError>,
    pub residual_dps: Vec<PartitionError>,
    pub start_time: String,
}

/// Reply of `/disk/queryAllDecommissionDisk`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecommissionDisksResponse {
    pub infos: List<DecommissionDiskInfo>,
}

/// One decommission record with its progress.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecommissionDiskInfo {
    pub src_addr: String,
    pub disk_path: String,
    pub progress_info: DecommissionProgress,
}
