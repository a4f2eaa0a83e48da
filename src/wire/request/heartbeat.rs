//! The heartbeat: one flat object for all kinds of nodes (v3.5.3 admin-tasks.md §6.2).

use crate::wire::gojson::List;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// 0x63, 0x41, 0x55, 0xC1. What does not concern a kind of node stays zero; which fields do is said at each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct HeartBeatRequest {
    /// Unix seconds.
    pub curr_time: i64,
    /// `ip:port` of the leader's HTTP service.
    pub master_addr: String,
    /// Meta: volumes with follower read.
    #[serde(rename = "FLReadVols")]
    pub follower_read_vols: List<String>,
    /// Data, with the four limits of that node; a limit counts only when above 0.
    pub enable_disk_qos: bool,
    pub qos_iops_read_limit: u64,
    pub qos_iops_write_limit: u64,
    /// Bytes per second, as the next one.
    pub qos_flow_read_limit: u64,
    pub qos_flow_write_limit: u64,
    /// Meta.
    pub file_stats_enable: bool,
    /// Meta, bytes; without entries the node keeps what it has.
    pub file_stats_thresholds: List<u64>,
    /// Data and meta.
    pub raft_partition_can_using_different_port_enabled: bool,
    /// Meta: all limits of all volumes.
    pub uid_limit_info: List<UidSpaceInfo>,
    /// Meta: all quotas of all volumes.
    pub quota_hb_infos: List<QuotaHeartBeatInfo>,
    /// Meta: one per volume.
    pub tx_info: List<TxInfo>,
    /// Data and meta.
    pub forbidden_vols: List<String>,
    /// Meta: volumes without audit log.
    pub disable_audit_vols: List<String>,
    /// Data: disks of this node that are, or are being, decommissioned.
    pub decommission_disks: List<String>,
    /// Data, where it is `Some` even without entries: only sizes that differ from the default, bytes.
    pub vol_dp_repair_block_size: Option<BTreeMap<String, u64>>,
    /// Data: a Go duration text.
    pub dp_backup_timeout: String,
    /// Data and meta.
    pub notify_forbid_write_op_of_proto_ver0: bool,
    /// Data and meta.
    pub vols_forbid_write_op_of_proto_ver0: List<String>,
    /// Data.
    pub direct_read_vols: List<String>,
    /// Data.
    pub ignore_tiny_recover_vols: List<String>,
    /// Meta, percent.
    #[serde(rename = "MetaNodeGOGC")]
    pub meta_node_gogc: i64,
    /// Data, percent.
    #[serde(rename = "DataNodeGOGC")]
    pub data_node_gogc: i64,
    /// Flash, as all that follow. Milliseconds, as the next one.
    pub flash_node_handle_read_timeout: i64,
    pub flash_node_read_data_node_timeout: i64,
    pub flash_hot_key_miss_count: i64,
    /// Bytes per second, as the next two.
    pub flash_read_flow_limit: i64,
    pub flash_write_flow_limit: i64,
    pub flash_key_flow_limit: i64,
}

/// Space of one uid in a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct UidSpaceInfo {
    pub vol_name: String,
    pub uid: u32,
    /// Unix seconds.
    pub c_time: i64,
    pub enabled: bool,
    pub limited: bool,
    /// Bytes, as the next one.
    pub used_size: u64,
    pub limit_size: u64,
    pub rsv: String,
}

/// Whether a quota is used up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct QuotaHeartBeatInfo {
    pub vol_name: String,
    pub quota_id: u32,
    pub limited_info: QuotaLimitedInfo,
    pub enable: bool,
}

/// Which of a quota's limits are reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct QuotaLimitedInfo {
    pub limited_files: bool,
    pub limited_bytes: bool,
}

/// Transactions of a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct TxInfo {
    pub volume: String,
    /// Bit set of the kinds of transaction.
    pub mask: u8,
    pub op_limit_val: i64,
}
