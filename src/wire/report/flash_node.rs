//! What flash nodes report; each response comes three times (v3.5.3 admin-tasks.md §6.8, §10.1).

use crate::wire::gojson::{GoTime, List};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// 0xC1 on `/flashNode/response`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct FlashNodeHeartbeatResponse {
    /// Good only when 1.
    pub status: u8,
    pub result: String,
    /// "" from v3.5.3, as the next one.
    pub version: String,
    pub zone_name: String,
    pub stat: List<FlashNodeDiskCacheStat>,
    pub limiter_status: Option<FlashNodeLimiterStatusInfo>,
    /// Manual tasks at a time.
    pub flash_node_task_count_limit: i64,
    /// Running manual tasks by id.
    pub manual_scanning_tasks: BTreeMap<String, FlashNodeManualTaskResponse>,
}

/// The cache on one disk. Sizes are bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct FlashNodeDiskCacheStat {
    pub data_path: String,
    pub medium: String,
    pub total: i64,
    pub max_alloc: i64,
    pub has_alloc: i64,
    pub free_space: i64,
    pub hit_rate: f64,
    pub evicts: i64,
    pub read_rps: i64,
    pub key_num: i64,
    pub status: i64,
}

/// Limiters of both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct FlashNodeLimiterStatusInfo {
    pub write_status: FlashNodeLimiterStatus,
    pub read_status: FlashNodeLimiterStatus,
}

/// Limiters of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct FlashNodeLimiterStatus {
    pub status: LimiterStatus,
    pub disk_num: i64,
    /// Milliseconds.
    pub read_timeout: i64,
}

/// One limiter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct LimiterStatus {
    /// Bytes per second.
    pub flow_limit: i64,
    pub flow_used: i64,
    #[serde(rename = "IOConcurrency")]
    pub io_concurrency: i64,
    #[serde(rename = "IOQueue")]
    pub io_queue: i64,
    #[serde(rename = "IORunning")]
    pub io_running: i64,
    #[serde(rename = "IOWaiting")]
    pub io_waiting: i64,
    #[serde(rename = "IOHanging")]
    pub io_hanging: i64,
    pub factor: i64,
}

/// 0xC9: a manual task's progress or result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct FlashNodeManualTaskResponse {
    #[serde(rename = "ID")]
    pub id: String,
    pub flash_node: String,
    pub start_time: Option<GoTime>,
    pub end_time: Option<GoTime>,
    pub update_time: Option<GoTime>,
    pub done: bool,
    /// 0 running, 1 success, 2 failed, 4 stopped.
    pub status: u8,
    pub start_err: String,
    pub volume: String,
    pub rcv_stop: bool,
    pub total_file_scanned_num: i64,
    pub total_file_cached_num: i64,
    pub total_dir_scanned_num: i64,
    pub total_extent_key_num: i64,
    pub error_cache_num: i64,
    pub error_read_dir_num: i64,
    /// Bytes, as the next one.
    pub total_cache_size: i64,
    pub last_cache_size: i64,
}
