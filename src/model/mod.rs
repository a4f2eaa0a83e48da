//! The records of the cluster, data only, with the keys and the JSON of v3.5.3 (state-machine.md §5, §6): a store of a
//! stopped v3.5.3 master opens as it is, and v3.5.3 can open what we wrote.
//!
//! A record in memory is the record as stored. Where a stored value means another one (a field that an older release left
//! out), a method `effective…` says which.
//!
//! Invariant: no I/O, no clock, no rules beyond a record's own defaults.

pub mod balance;
pub mod cluster;
pub mod codes;
pub mod counter;
pub mod data_partition;
pub mod flash;
mod hosts;
pub mod key;
pub mod lifecycle;
pub mod limiters;
pub mod meta_partition;
pub mod moves;
pub mod nodes;
pub mod own;
pub mod record;
pub mod topology;
pub mod users;
pub mod volume;
pub mod volume_parts;

pub use balance::{BalancePlan, PartitionBalance, ReplicaBalance};
pub use cluster::ClusterValue;
pub use codes::{
    DecommissionStatus, DecommissionType, FlashGroupStatus, FlashTaskStatus, Freeze, GroupStatus, MediaType, PartitionStatus,
    RestoreReplica, SlotStatus, StorageClass, UserType, VersionStatus, VolumeStatus, VolumeType,
};
pub use counter::{Counter, CounterValue};
pub use data_partition::{DataPartition, DecommissionStatusRecord, ReplicaDisk, NEVER};
pub use flash::{FlashGroup, FlashNode, FlashTask, FlashTaskConfig, FlashTaskStatistics};
pub use key::{Key, PartitionKind};
pub use lifecycle::{LcConfiguration, LcExpiration, LcFilter, LcNode, LcResult, LcRule, LcTask, LcTransition};
pub use limiters::{ApiLimit, ApiLimits, S3Limit, S3Nodes};
pub use meta_partition::MetaPartition;
pub use moves::{EmptyNode, Ending, Leftover, Move, PastMove, Phase, StepTaken, Task};
pub use nodes::{DataNode, DecommissionDisk, IgnoredPartition, MetaNode};
pub use own::{CreateIntent, FlashEviction, Tombstone, VolumeIntent};
pub use record::{Extra, Record, Unreadable};
pub use topology::{NodeSet, NodeSetGroup, Zone, ZoneDomain};
pub use users::{AccessKey, User, UserPolicy, VolumeUsers};
pub use volume::{ClassQuota, Volume};
pub use volume_parts::{
    Acl, AclAddress, Quota, QuotaLimited, QuotaPath, QuotaUsed, UidLimit, UidSpace, VersionList, VersionStrategy, VolumeVersion,
};

#[cfg(test)]
mod tests;
