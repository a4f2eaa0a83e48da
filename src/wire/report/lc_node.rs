//! What lc nodes report: heartbeats and the progress of their jobs (v3.5.3 admin-tasks.md §6.7, §9).

use crate::wire::gojson::GoTime;
use crate::wire::request::{Rule, SnapshotVerDelTask};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// 0x55 on `/lcNode/response`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct LcNodeHeartbeatResponse {
    /// Good only when 1.
    pub status: u8,
    pub result: String,
    /// Jobs at a time.
    pub lc_task_count_limit: i64,
    /// Running scans by id.
    pub lc_scanning_tasks: BTreeMap<String, LcNodeRuleTaskResponse>,
    /// Running deletions by id.
    pub snapshot_scanning_tasks: BTreeMap<String, SnapshotVerDelTaskResponse>,
}

/// 0x56: a scan's progress or result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct LcNodeRuleTaskResponse {
    #[serde(rename = "ID")]
    pub id: String,
    pub lc_node: String,
    pub start_time: Option<GoTime>,
    pub end_time: Option<GoTime>,
    pub update_time: Option<GoTime>,
    pub done: bool,
    /// 0 started, 1 ended, 2 could not start.
    pub status: u8,
    pub start_err: String,
    pub volume: String,
    pub rcv_stop: bool,
    pub rule: Option<Rule>,
    pub total_file_scanned_num: i64,
    pub total_file_expired_num: i64,
    pub total_dir_scanned_num: i64,
    pub expired_delete_num: i64,
    pub expired_m_to_hdd_num: i64,
    pub expired_m_to_hdd_bytes: i64,
    pub expired_m_to_blobstore_num: i64,
    pub expired_m_to_blobstore_bytes: i64,
    pub expired_skip_num: i64,
    pub error_delete_num: i64,
    pub error_m_to_hdd_num: i64,
    pub error_m_to_blobstore_num: i64,
    pub error_read_dir_num: i64,
}

/// 0x5B: a deletion's progress or result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SnapshotVerDelTaskResponse {
    #[serde(rename = "ID")]
    pub id: String,
    pub lc_node: String,
    pub start_time: Option<GoTime>,
    pub end_time: Option<GoTime>,
    pub update_time: Option<GoTime>,
    pub done: bool,
    /// 0 started, 1 ended, 2 failed.
    pub status: u8,
    pub result: String,
    pub snapshot_ver_del_task: Option<SnapshotVerDelTask>,
    pub vol_name: String,
    pub ver_seq: u64,
    pub total_inode_num: i64,
    pub file_num: i64,
    pub dir_num: i64,
    pub error_skipped_num: i64,
}
