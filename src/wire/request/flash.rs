//! Commands to flash nodes (v3.5.3 admin-tasks.md §10).

use crate::wire::gojson::GoTime;
use serde::{Deserialize, Serialize};

/// 0xC9.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct FlashNodeManualTaskRequest {
    pub master_addr: String,
    pub fn_node_addr: String,
    pub task: Option<FlashManualTask>,
}

/// A cache job of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct FlashManualTask {
    pub id: String,
    /// `warmup`, `clear` or `check`.
    pub action: String,
    pub vol_name: String,
    /// 0 init, 1 running, 2 pause, 3 success, 4 failed, 5 stopped.
    pub status: i64,
    pub manual_task_config: ManualTaskConfig,
    pub manual_task_statistics: Option<ManualTaskStatistics>,
    pub start_time: Option<GoTime>,
    pub update_time: Option<GoTime>,
    pub end_time: Option<GoTime>,
    pub done: bool,
}

/// What the user asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ManualTaskConfig {
    pub prefix: String,
    pub traverse_file_concurrency: i64,
    pub handler_file_concurrency: i64,
    /// Bytes, as the next two.
    pub total_file_size_limit: i64,
    pub min_file_size_limit: i64,
    pub max_file_size_limit: i64,
    pub warm_up_path_expire: i64,
}

/// How far the job came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ManualTaskStatistics {
    pub total_file_scanned_num: i64,
    pub total_file_cached_num: i64,
    pub total_dir_scanned_num: i64,
    pub total_extent_key_num: i64,
    pub error_cache_num: i64,
    pub error_read_dir_num: i64,
    /// Bytes, as the next one.
    pub total_cache_size: i64,
    pub last_cache_size: i64,
    pub flash_node: String,
}

/// 0xCA.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct FlashNodeManualTaskCommand {
    #[serde(rename = "ID")]
    pub id: String,
    /// `stop`, `pause` or `resume`.
    pub command: String,
}

/// 0xC7 reads, 0xC8 writes; −1 leaves a value as it is. Nodes of v3.5.3 never answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct FlashNodeSetIoLimitsRequest {
    pub iocc: i64,
    pub flow: i64,
    pub factor: i64,
}
