//! What the replicas of one meta partition reported.

use super::peers::LocalPeers;
use crate::limits::NODE_TIMEOUT;
use crate::model::PartitionStatus;
use crate::wire::report::{QuotaReportInfo, StatOfStorageClass, UidReportSpaceInfo};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Reports about one meta partition.
#[derive(Clone, Debug, Default)]
pub struct MetaPartitionReports {
    /// One per host that reported it or was told to create it, in order of appearance.
    pub replicas: Vec<MetaReplica>,
    /// When a replica last reported itself as leader.
    pub leader_at: Option<Duration>,
    /// When it was created, if under this leader and if no leader has reported since.
    pub created_at: Option<Duration>,
    /// All replicas have been heard once (`heartBeatDone`): the counts can be trusted to split.
    pub complete: bool,
    /// Status and leader at the last check.
    pub checked: Option<(PartitionStatus, Option<Arc<str>>)>,
    /// Hosts whose silence was noticed, with when, unix seconds.
    pub missing: Vec<(Arc<str>, i64)>,
    /// Uid usage as the leader last reported.
    pub uids: Vec<UidReportSpaceInfo>,
    /// Directory quota usage as the leader last reported.
    pub quotas: Vec<QuotaReportInfo>,
}

/// Reports about one replica, as reported.
#[derive(Clone, Debug, PartialEq)]
pub struct MetaReplica {
    /// The node.
    pub addr: Arc<str>,
    /// When it was last reported, or created.
    pub heard_at: Duration,
    /// Created under this leader and not reported since.
    pub assumed: bool,
    pub status: PartitionStatus,
    pub is_leader: bool,
    pub forbids_proto_0: bool,
    /// Bit set as reported.
    pub read_only_reasons: u32,
    pub start: u64,
    pub end: u64,
    pub max_inode_id: u64,
    pub inode_count: u64,
    pub dentry_count: u64,
    pub tx_count: u64,
    pub tx_rollback_inode_count: u64,
    pub tx_rollback_dentry_count: u64,
    pub free_list_len: u64,
    /// Bytes of its files.
    pub size: u64,
    pub stats: Vec<StatOfStorageClass>,
    pub migrate_stats: Vec<StatOfStorageClass>,
    pub local_peers: LocalPeers,
}

impl MetaReplica {
    /// A replica that was just made on `addr`.
    pub(super) fn created(addr: Arc<str>, start: u64, end: u64, now: Duration) -> Self {
        Self {
            addr,
            heard_at: now,
            assumed: true,
            status: PartitionStatus::READ_WRITE,
            is_leader: false,
            forbids_proto_0: false,
            read_only_reasons: 0,
            start,
            end,
            max_inode_id: 0,
            inode_count: 0,
            dentry_count: 0,
            tx_count: 0,
            tx_rollback_inode_count: 0,
            tx_rollback_dentry_count: 0,
            free_list_len: 0,
            size: 0,
            stats: Vec::new(),
            migrate_stats: Vec::new(),
            local_peers: LocalPeers::default(),
        }
    }
}

impl MetaPartitionReports {
    /// The replica on `addr`.
    pub fn replica(&self, addr: &str) -> Option<&MetaReplica> {
        self.replicas.iter().find(|r| *r.addr == *addr)
    }

    /// The same for changing it.
    pub fn replica_mut(&mut self, addr: &str) -> Option<&mut MetaReplica> {
        self.replicas.iter_mut().find(|r| *r.addr == *addr)
    }

    /// The replica on `addr` was deleted.
    pub fn remove_replica(&mut self, addr: &str) {
        self.replicas.retain(|r| *r.addr != *addr);
        self.missing.retain(|(host, _)| **host != *addr);
    }

    /// Largest inode id in use: the most that a replica reports; 0 before a report.
    pub fn max_inode_id(&self) -> u64 {
        self.most(|r| r.max_inode_id)
    }

    pub fn inode_count(&self) -> u64 {
        self.most(|r| r.inode_count)
    }

    pub fn dentry_count(&self) -> u64 {
        self.most(|r| r.dentry_count)
    }

    pub fn tx_count(&self) -> u64 {
        self.most(|r| r.tx_count)
    }

    pub fn tx_rollback_inode_count(&self) -> u64 {
        self.most(|r| r.tx_rollback_inode_count)
    }

    pub fn tx_rollback_dentry_count(&self) -> u64 {
        self.most(|r| r.tx_rollback_dentry_count)
    }

    pub fn free_list_len(&self) -> u64 {
        self.most(|r| r.free_list_len)
    }

    /// Bytes of its files.
    pub fn size(&self) -> u64 {
        self.most(|r| r.size)
    }

    /// Per storage class the most that a replica reports, by class.
    pub fn stats(&self) -> Vec<StatOfStorageClass> {
        most_per_class(self.replicas.iter().flat_map(|r| &r.stats))
    }

    /// The same for what is being migrated.
    pub fn migrate_stats(&self) -> Vec<StatOfStorageClass> {
        most_per_class(self.replicas.iter().flat_map(|r| &r.migrate_stats))
    }

    /// It was created a moment ago and its replicas had no time to report a leader.
    pub fn just_created(&self, now: Duration) -> bool {
        self.created_at.is_some_and(|at| now.saturating_sub(at) < NODE_TIMEOUT)
    }

    fn most(&self, of: impl Fn(&MetaReplica) -> u64) -> u64 {
        self.replicas.iter().map(of).max().unwrap_or(0)
    }
}

fn most_per_class<'a>(stats: impl Iterator<Item = &'a StatOfStorageClass>) -> Vec<StatOfStorageClass> {
    let mut classes: BTreeMap<u32, StatOfStorageClass> = BTreeMap::new();
    for stat in stats {
        let most = classes.entry(stat.storage_class).or_insert(*stat);
        most.inode_count = most.inode_count.max(stat.inode_count);
        most.used_size_bytes = most.used_size_bytes.max(stat.used_size_bytes);
        most.quota_gb = most.quota_gb.max(stat.quota_gb);
    }
    classes.into_values().collect()
}
