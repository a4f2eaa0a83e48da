//! A meta node's heartbeat response (v3.5.3 admin-tasks.md §6.6).

use crate::ids::PartitionId;
use crate::wire::gojson::List;
use crate::wire::peer::Peer;
use serde::{Deserialize, Serialize};

/// 0x41 on `/metaNode/response`. Sizes are bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct MetaNodeHeartbeatResponse {
    /// "" is `default`.
    pub zone_name: String,
    /// Configured memory.
    pub total: u64,
    /// Memory of the process.
    pub used: u64,
    /// Memory of the machine, as the next one.
    pub node_mem_total: u64,
    pub node_mem_used: u64,
    pub meta_partition_reports: List<MetaPartitionReport>,
    /// Bad only when 2.
    pub status: u8,
    pub result: String,
    /// Percent.
    #[serde(rename = "cpuUtil")]
    pub cpu_util: f64,
    /// Echo of the cluster's switch.
    pub received_forbid_write_op_of_proto_ver0: bool,
}

/// One replica of a meta partition, as its node sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct MetaPartitionReport {
    #[serde(rename = "PartitionID")]
    pub partition_id: PartitionId,
    pub start: u64,
    pub end: u64,
    /// 2 read and write, 1 read only, −1 no leader known.
    pub status: i64,
    /// Bytes of the files' data.
    pub size: u64,
    #[serde(rename = "MaxInodeID")]
    pub max_inode_id: u64,
    pub is_leader: bool,
    /// Never "".
    pub vol_name: String,
    pub inode_cnt: u64,
    pub dentry_cnt: u64,
    pub tx_cnt: u64,
    pub tx_rb_ino_cnt: u64,
    pub tx_rb_den_cnt: u64,
    pub free_list_len: u64,
    pub forbid_write_op_of_proto_ver0: bool,
    /// Counts only from the leader, as the next one.
    pub uid_info: List<UidReportSpaceInfo>,
    pub quota_report_infos: List<QuotaReportInfo>,
    pub stat_by_storage_class: List<StatOfStorageClass>,
    pub stat_by_migrate_storage_class: List<StatOfStorageClass>,
    pub local_peers: List<Peer>,
    /// Bit set: 1 cursor at the end, 2 memory full.
    pub read_only_reasons: u32,
}

/// Space used by one uid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct UidReportSpaceInfo {
    pub uid: u32,
    /// Bytes.
    pub size: u64,
    pub rsv: String,
    pub m_time: i64,
}

/// Use of one quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct QuotaReportInfo {
    pub quota_id: u32,
    pub used_info: QuotaUsedInfo,
}

/// Files and bytes under a quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct QuotaUsedInfo {
    pub used_files: i64,
    pub used_bytes: i64,
}

/// Use by storage class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct StatOfStorageClass {
    /// 1 replicas on SSD, 2 replicas on HDD, 3 blob store.
    pub storage_class: u32,
    pub inode_count: u64,
    /// Bytes.
    pub used_size_bytes: u64,
    #[serde(rename = "QuotaGB")]
    pub quota_gb: u64,
}
