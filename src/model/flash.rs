//! The flash cache: nodes, the groups they serve in, and tasks started by hand (v3.5.3 state-machine.md §6.15).

use super::codes::{FlashGroupStatus, FlashTaskStatus, SlotStatus};
use super::key::Key;
use super::record::{record, JsonRecord};
use crate::ids::NodeId;
use crate::wire::gojson::{List, Time};

record! {
    /// `#fn#<id>#<addr>`.
    pub struct FlashNode {
        id: NodeId = "ID";
        addr: String = "Addr";
        zone_name: String = "ZoneName";
        version: String = "Version";
        /// 0 is none.
        flash_group_id: u64 = "FlashGroupID";
        is_enable: bool = "IsEnable";
        task_count_limit: i64 = "TaskCountLimit";
        /// `task` for a node that manual tasks prefer. Not in v3.5.3, which forgets it at a change of leader.
        work_role: String = "WorkRole", unless String::is_empty;
    }
}

impl FlashNode {
    /// `WorkRole` of a node that manual tasks prefer.
    pub const TASK_WORKER: &'static str = "task";
}

impl JsonRecord for FlashNode {
    fn place(&self) -> Key {
        Key::FlashNode(self.id, self.addr.clone())
    }
}

record! {
    /// `#fg#<id>`: flash nodes that serve the same slots.
    pub struct FlashGroup {
        id: u64 = "ID";
        /// Ascending.
        slots: List<u32> = "Slots";
        reserved_slots: List<u32> = "ReservedSlots";
        slot_status: SlotStatus = "SlotStatus";
        pending_slots: List<u32> = "PendingSlots";
        step: u32 = "Step";
        weight: u32 = "Weight";
        status: FlashGroupStatus = "Status";
        lost_all_flash_node: i32 = "LostAllFlashNode";
        reducing_slots: i32 = "ReducingSlots";
        increasing_slots: i32 = "IncreasingSlots";
        reduce_all_time: i64 = "ReduceAllTime";
    }
}

impl JsonRecord for FlashGroup {
    fn place(&self) -> Key {
        Key::FlashGroup(self.id)
    }
}

record! {
    /// `#flt#<id>`: warming up or clearing the cache.
    pub struct FlashTask {
        id: String = "Id";
        /// `warmup`, `check` or `clear`.
        action: String = "Action";
        vol_name: String = "VolName";
        status: FlashTaskStatus = "Status";
        config: FlashTaskConfig = "ManualTaskConfig";
        statistics: Option<Box<FlashTaskStatistics>> = "ManualTaskStatistics";
        start_time: Option<Time> = "StartTime";
        update_time: Option<Time> = "UpdateTime";
        end_time: Option<Time> = "EndTime";
        done: bool = "Done";
    }
}

record! {
    /// What a flash task is to do.
    pub struct FlashTaskConfig {
        prefix: String = "Prefix";
        traverse_file_concurrency: i64 = "TraverseFileConcurrency";
        handler_file_concurrency: i64 = "HandlerFileConcurrency";
        total_file_size_limit: i64 = "TotalFileSizeLimit";
        min_file_size_limit: i64 = "MinFileSizeLimit";
        max_file_size_limit: i64 = "MaxFileSizeLimit";
        warm_up_path_expire: i64 = "WarmUpPathExpire";
    }
}

record! {
    /// What a flash task has done.
    pub struct FlashTaskStatistics {
        total_file_scanned_num: i64 = "TotalFileScannedNum";
        total_file_cached_num: i64 = "TotalFileCachedNum";
        total_dir_scanned_num: i64 = "TotalDirScannedNum";
        total_extent_key_num: i64 = "TotalExtentKeyNum";
        error_cache_num: i64 = "ErrorCacheNum";
        error_read_dir_num: i64 = "ErrorReadDirNum";
        total_cache_size: i64 = "TotalCacheSize";
        last_cache_size: i64 = "LastCacheSize";
        flash_node: String = "FlashNode";
    }
}

impl JsonRecord for FlashTask {
    fn place(&self) -> Key {
        Key::FlashTask(self.id.clone())
    }
}
