//! What a node said of itself, and what the master keeps in memory only about it.

use crate::ids::PartitionId;
use crate::wire::gojson::List;
use crate::wire::report::{BackupDataPartitionInfo, BadDiskStat, DataPartitionReport, DiskStat, OpLog};
use std::collections::BTreeMap;
use std::time::Duration;

/// A data node's last heartbeat (v3.5.3 admin-tasks.md §6.4).
#[derive(Clone, Debug)]
pub struct DataNodeReport {
    /// When its last good heartbeat came.
    pub heard_at: Option<Duration>,
    /// The same on the wall clock, unix seconds; when it registered before the first one.
    pub heard_wall_secs: i64,
    /// It registered under this leader.
    pub fresh: bool,
    /// Bytes of all disks; 1 before the first heartbeat as in v3.5.3.
    pub total: u64,
    pub used: u64,
    /// Bytes, less what the master reserved lately.
    pub available: u64,
    /// When `available` was last set; a larger value is believed only [`crate::limits::NODE_TIMEOUT`] later.
    pub available_at: Option<Duration>,
    pub partition_count: u32,
    /// Sum of the sizes of its partitions, bytes.
    pub total_partition_size: u64,
    /// Partitions of its last heartbeat that are known to have a replica here, in the order reported.
    pub partitions: Vec<PartitionId>,
    /// Reports of its last heartbeat that belong to no known replica; kept for display.
    pub strays: Vec<DataPartitionReport>,
    pub lost_disks: List<String>,
    pub disk_stats: List<DiskStat>,
    pub bad_disk_stats: List<BadDiskStat>,
    /// Percent.
    pub cpu_util: f64,
    /// Disk path to percent.
    pub io_utils: BTreeMap<String, f64>,
    pub backup_partitions: List<BackupDataPartitionInfo>,
    pub disk_op_logs: List<OpLog>,
    pub partition_op_logs: List<OpLog>,
    /// Start of its process, unix seconds.
    pub start_time: i64,
    /// Echo of the switch against clients of protocol version 0.
    pub forbids_proto_0: bool,
}

impl Default for DataNodeReport {
    fn default() -> Self {
        Self {
            heard_at: None,
            heard_wall_secs: 0,
            fresh: false,
            total: 1,
            used: 0,
            available: 0,
            available_at: None,
            partition_count: 0,
            total_partition_size: 0,
            partitions: Vec::new(),
            strays: Vec::new(),
            lost_disks: List::NIL,
            disk_stats: List::NIL,
            bad_disk_stats: List::NIL,
            cpu_util: 0.0,
            io_utils: BTreeMap::new(),
            backup_partitions: List::NIL,
            disk_op_logs: List::NIL,
            partition_op_logs: List::NIL,
            start_time: 0,
            forbids_proto_0: false,
        }
    }
}

impl DataNodeReport {
    /// Used / Total; 0 for an empty total.
    pub fn usage_ratio(&self) -> f64 {
        ratio(self.used, self.total)
    }
}

/// A meta node's last heartbeat (v3.5.3 admin-tasks.md §6.6).
#[derive(Clone, Debug, Default)]
pub struct MetaNodeReport {
    /// When its last good heartbeat came.
    pub heard_at: Option<Duration>,
    /// The same on the wall clock, unix seconds; 0 before.
    pub heard_wall_secs: i64,
    /// It registered under this leader.
    pub fresh: bool,
    /// Memory it may use, bytes.
    pub total: u64,
    /// Memory of its process, bytes.
    pub used: u64,
    /// Memory of the machine, bytes.
    pub node_memory_total: u64,
    pub node_memory_used: u64,
    pub partition_count: u32,
    /// Percent.
    pub cpu_util: f64,
    pub forbids_proto_0: bool,
    /// Its own limit of meta partitions, 0 for the cluster's. v3.5.3 keeps it in memory only (state-machine.md §6.7).
    pub partition_limit: u64,
    /// It is being taken off: its heartbeats are ignored. In memory only in v3.5.3.
    pub to_be_offline: bool,
}

impl MetaNodeReport {
    /// Used / Total; 0 for an empty total.
    pub fn ratio(&self) -> f64 {
        ratio(self.used, self.total)
    }

    /// `MaxMemAvailWeight`: what is left of Total, bytes.
    pub fn available(&self) -> u64 {
        self.total.saturating_sub(self.used)
    }

    /// Used / Total memory of the machine; 0 when unknown.
    pub fn system_ratio(&self) -> f64 {
        ratio(self.node_memory_used, self.node_memory_total)
    }
}

fn ratio(used: u64, total: u64) -> f64 {
    if total == 0 {
        0.0
    } else {
        used as f64 / total as f64
    }
}
