//! A data node's heartbeat response (v3.5.3 admin-tasks.md §6.4).

use crate::ids::PartitionId;
use crate::wire::gojson::{GoTime, List};
use crate::wire::peer::Peer;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// 0x63 on `/dataNode/response`. Sizes are bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DataNodeHeartbeatResponse {
    pub total: u64,
    pub used: u64,
    pub available: u64,
    pub total_partition_size: u64,
    pub remaining_capacity: u64,
    pub created_partition_cnt: u32,
    pub max_capacity: u64,
    /// Unix seconds of the start of the process.
    pub start_time: i64,
    /// "" is `default`.
    pub zone_name: String,
    pub partition_reports: List<DataPartitionReport>,
    /// Good only when 1.
    pub status: u8,
    pub result: String,
    /// Paths.
    pub all_disks: List<String>,
    pub disk_stats: List<DiskStat>,
    /// Paths.
    pub bad_disks: List<String>,
    pub bad_disk_stats: List<BadDiskStat>,
    /// Paths.
    pub lost_disks: List<String>,
    /// Percent.
    #[serde(rename = "cpuUtil")]
    pub cpu_util: f64,
    /// Percent by device.
    #[serde(rename = "ioUtil")]
    pub io_util: BTreeMap<String, f64>,
    pub backup_data_partitions: List<BackupDataPartitionInfo>,
    #[serde(rename = "DiskOpLog")]
    pub disk_op_logs: List<OpLog>,
    #[serde(rename = "DpOpLog")]
    pub dp_op_logs: List<OpLog>,
    /// Echo of the cluster's switch.
    pub received_forbid_write_op_of_proto_ver0: bool,
}

/// One replica of a data partition, as its node sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DataPartitionReport {
    /// "": look up by id alone.
    pub vol_name: String,
    #[serde(rename = "PartitionID")]
    pub partition_id: PartitionId,
    /// 0 recovering, 1 read only, 2 read and write, −1 unavailable.
    pub partition_status: i64,
    /// Bytes, as the next one.
    pub total: u64,
    pub used: u64,
    pub disk_path: String,
    pub is_leader: bool,
    pub extent_count: i64,
    pub need_compare: bool,
    /// 0 to 1.
    pub decommission_repair_progress: f64,
    pub local_peers: List<Peer>,
    pub trigger_disk_error: bool,
    pub forbid_write_op_of_proto_ver0: bool,
    /// Bit set: 1 full, 2 extent limit, 4 base file id, 8 disk read only, 0x10 replica missing.
    pub read_only_reasons: u32,
    pub is_missing_tiny_extent: bool,
    pub is_repairing: bool,
}

/// A disk. Sizes are bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DiskStat {
    /// As of partitions.
    pub status: i64,
    pub disk_path: String,
    pub total: u64,
    pub used: u64,
    pub available: u64,
    /// Percent.
    #[serde(rename = "IOUtil")]
    pub io_util: f64,
    pub total_partition_cnt: i64,
    pub disk_err_partition_list: List<u64>,
}

/// A broken disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct BadDiskStat {
    pub disk_path: String,
    pub total_partition_cnt: i64,
    pub disk_err_partition_list: List<u64>,
    pub first_report_time: GoTime,
}

/// A copy of a partition that was set aside on a disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct BackupDataPartitionInfo {
    pub addr: String,
    pub disk: String,
    #[serde(rename = "PartitionID")]
    pub partition_id: PartitionId,
}

/// How often an operation ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct OpLog {
    pub name: String,
    pub op: String,
    pub count: i32,
}

/// The reply to 0x6F.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct BadDiskRecoverProgress {
    pub total_partitions_num: i64,
    pub bad_data_partitions: List<u64>,
    pub bad_data_partitions_num: i64,
    pub status: String,
}
