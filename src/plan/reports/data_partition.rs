//! What the replicas of one data partition reported.

use super::peers::LocalPeers;
use crate::limits::{DATA_PARTITION_SIZE_DEFAULT, NODE_TIMEOUT};
use crate::model::PartitionStatus;
use std::sync::Arc;
use std::time::Duration;

/// Reports about one data partition.
#[derive(Clone, Debug, Default)]
pub struct DataPartitionReports {
    /// One per host that reported it or was told to create it, in order of appearance.
    pub replicas: Vec<DataReplica>,
    /// When a replica last reported itself as leader.
    pub leader_at: Option<Duration>,
    /// When it was created, if under this leader and if no leader has reported since.
    pub created_at: Option<Duration>,
    /// When the repair progress of a replica last grew.
    pub recover_updated_at: Option<Duration>,
    /// The same, unix seconds.
    pub recover_updated_wall_secs: Option<i64>,
    /// Status and leader at the last check.
    pub checked: Option<(PartitionStatus, Option<Arc<str>>)>,
    /// Hosts whose silence was noticed, with when, unix seconds.
    pub missing: Vec<(Arc<str>, i64)>,
    /// When its replicas were last asked to load, unix seconds; 0 for never.
    pub last_loaded_wall_secs: i64,
}

/// Reports about one replica, as reported.
#[derive(Clone, Debug, PartialEq)]
pub struct DataReplica {
    /// The node.
    pub addr: Arc<str>,
    /// When it was last reported, or created.
    pub heard_at: Duration,
    /// Created under this leader and not reported since.
    pub assumed: bool,
    pub status: PartitionStatus,
    pub is_leader: bool,
    pub needs_compare: bool,
    pub trigger_disk_error: bool,
    pub forbids_proto_0: bool,
    pub is_missing_tiny_extent: bool,
    pub is_repairing: bool,
    /// It answered the last load task.
    pub has_load_response: bool,
    /// Bit set as reported.
    pub read_only_reasons: u32,
    pub file_count: u32,
    /// Bytes.
    pub total: u64,
    pub used: u64,
    pub disk: Arc<str>,
    /// 0 to 1.
    pub repair_progress: f64,
    pub local_peers: LocalPeers,
}

impl DataReplica {
    /// A replica that was just made on `addr`.
    pub(super) fn created(addr: Arc<str>, disk: Arc<str>, now: Duration) -> Self {
        Self {
            addr,
            heard_at: now,
            assumed: true,
            status: PartitionStatus::READ_WRITE,
            is_leader: false,
            needs_compare: false,
            trigger_disk_error: false,
            forbids_proto_0: false,
            is_missing_tiny_extent: false,
            is_repairing: false,
            has_load_response: false,
            read_only_reasons: 0,
            file_count: 0,
            total: DATA_PARTITION_SIZE_DEFAULT,
            used: 0,
            disk,
            repair_progress: 0.0,
            local_peers: LocalPeers::default(),
        }
    }
}

impl DataPartitionReports {
    /// The replica on `addr`.
    pub fn replica(&self, addr: &str) -> Option<&DataReplica> {
        self.replicas.iter().find(|r| *r.addr == *addr)
    }

    /// The same for changing it.
    pub fn replica_mut(&mut self, addr: &str) -> Option<&mut DataReplica> {
        self.replicas.iter_mut().find(|r| *r.addr == *addr)
    }

    /// The replica on `addr` was deleted.
    pub fn remove_replica(&mut self, addr: &str) {
        self.replicas.retain(|r| *r.addr != *addr);
        self.missing.retain(|(host, _)| **host != *addr);
    }

    /// Bytes used: the most that a replica reports.
    pub fn used(&self) -> u64 {
        self.replicas.iter().map(|r| r.used).max().unwrap_or(0)
    }

    /// Bytes of the partition as last reported; `None` before a report.
    pub fn total(&self) -> Option<u64> {
        self.replicas.iter().filter(|r| !r.assumed).max_by_key(|r| r.heard_at).map(|r| r.total)
    }

    /// It was created a moment ago and its replicas had no time to report a leader.
    pub fn just_created(&self, now: Duration) -> bool {
        self.created_at.is_some_and(|at| now.saturating_sub(at) < NODE_TIMEOUT)
    }
}
