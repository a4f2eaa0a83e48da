//! The settings that decisions depend on: those of the configuration file and those of the cluster record, in one value.

use crate::limits::NODE_TIMEOUT;
use crate::model::{ClusterValue, MediaType};
use std::time::Duration;

/// Settings in force. [`Rules::default`] has the defaults of v3.5.3; the master fills in its configuration once and takes
/// [`Rules::with_cluster`] for each decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    // Of the configuration file.
    /// `nodeSetCap`.
    pub node_set_capacity: u64,
    /// `metaNodeReservedMem`, bytes.
    pub meta_node_reserved: u64,
    /// `faultDomain`.
    pub fault_domain: bool,
    /// `faultDomainGrpBatchCnt`: zones that a node set group is built from, 1 to 3.
    pub fault_domain_zones: usize,
    /// `faultDomainBuildAsPossible`.
    pub build_groups_as_possible: bool,
    /// `disableAutoCreate` is off.
    pub auto_create: bool,
    /// `allowMultipleReplicasOnSameMachine`.
    pub several_replicas_per_machine: bool,
    /// `missingDataPartitionInterval`.
    pub missing_data_replica_after: Duration,
    /// `dpNoLeaderReportIntervalSec`.
    pub data_leader_lost_after: Duration,
    /// `mpNoLeaderReportIntervalSec`.
    pub meta_leader_lost_after: Duration,
    /// `bStoreAddr` and `bStoreServicePath` are both set.
    pub has_blobstore: bool,
    /// The nodes are told to use ports of their own for raft, so peers without ports get them from reports (v3.5.3
    /// topology-selection.md §3.3).
    pub different_ports: bool,

    // Of the cluster record.
    /// Nothing is created by itself, and no volume at all.
    pub frozen: bool,
    pub legacy_media_type: MediaType,
    /// Share of its memory that a meta node may use.
    pub meta_threshold: f32,
    /// Data partitions on a node that has no limit of its own.
    pub data_partitions_per_node: u64,
    /// Meta partitions on a node that has no limit of its own.
    pub meta_partitions_per_node: u64,
    /// Inodes of one meta partition.
    pub inode_step: u64,
    /// A silent data replica is dead after this.
    pub data_replica_timeout: Duration,
    /// A silent meta replica is dead after this.
    pub meta_replica_timeout: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            node_set_capacity: 18,
            meta_node_reserved: crate::limits::GIB,
            fault_domain: false,
            fault_domain_zones: 3,
            build_groups_as_possible: false,
            auto_create: true,
            several_replicas_per_machine: true,
            missing_data_replica_after: Duration::from_secs(86_400),
            data_leader_lost_after: Duration::from_secs(10),
            meta_leader_lost_after: Duration::from_secs(5),
            has_blobstore: false,
            different_ports: false,
            frozen: false,
            legacy_media_type: MediaType::UNSPECIFIED,
            meta_threshold: META_THRESHOLD,
            data_partitions_per_node: 3000,
            meta_partitions_per_node: 300,
            inode_step: 1 << 22,
            data_replica_timeout: Duration::from_secs(300),
            meta_replica_timeout: Duration::from_secs(60),
        }
    }
}

/// Threshold of a cluster record without one.
const META_THRESHOLD: f32 = 0.75;

impl Rules {
    /// These settings with what the cluster record says; it wins over the configuration file.
    pub fn with_cluster(self, cluster: &ClusterValue) -> Self {
        let cluster = cluster.effective();
        let secs = |secs: i64| Duration::from_secs(u64::try_from(secs).unwrap_or(0));
        Self {
            frozen: cluster.disable_auto_allocate,
            legacy_media_type: cluster.legacy_data_media_type,
            meta_threshold: if cluster.threshold > 0.0 { cluster.threshold } else { META_THRESHOLD },
            data_partitions_per_node: cluster.max_dp_cnt_limit,
            meta_partitions_per_node: cluster.max_mp_cnt_limit,
            inode_step: cluster.meta_partition_inode_id_step,
            data_replica_timeout: secs(cluster.effective_data_partition_timeout_sec()),
            meta_replica_timeout: secs(cluster.effective_meta_partition_timeout_sec()),
            ..self
        }
    }

    /// How long a new leader presumes that what it has not heard of is as the records say.
    pub const fn presumption(&self) -> Duration {
        NODE_TIMEOUT
    }
}
