//! What the state holds: a table per kind of record, and the look-ups that need no index. Those by index are in `index.rs`.

use crate::ids::{Index, NodeId, NodeSetId, PartitionId, VolumeId};
use crate::model::{
    AccessKey, Acl, ApiLimits, BalancePlan, ClusterValue, Counter, CounterValue, CreateIntent, DataNode, DataPartition, DecommissionDisk,
    EmptyNode, FlashEviction, FlashGroup, FlashNode, FlashTask, LcConfiguration, LcNode, LcResult, LcTask, Leftover, MetaNode,
    MetaPartition, Move, NodeSet, NodeSetGroup, PartitionKind, PastMove, Quota, S3Limit, S3Nodes, Tombstone, UidSpace, User, VersionList,
    Volume, VolumeIntent, VolumeUsers, Zone, ZoneDomain,
};
use bytes::Bytes;
use imbl::OrdMap;
use std::sync::Arc;

/// The records of the cluster by kind and id.
#[derive(Clone, Default, PartialEq)]
pub struct Contents {
    /// Index of the last command that was applied.
    pub applied: Index,
    /// Fingerprint of all records and their revisions; equal on two masters with the same contents.
    pub digest: u64,
    /// Raft's members after `applied`, in raft's own form.
    pub membership: Option<Bytes>,

    /// The cluster record as stored; where a store holds several, the first by name.
    pub cluster: Option<Arc<ClusterValue>>,
    /// What the cluster record means (defaults where there is none): [`ClusterValue::effective`].
    pub settings: Arc<ClusterValue>,
    /// Cluster records by name.
    pub clusters: OrdMap<String, Arc<ClusterValue>>,
    pub counters: OrdMap<Counter, Arc<CounterValue>>,
    pub node_sets: OrdMap<NodeSetId, Arc<NodeSet>>,
    pub node_set_groups: OrdMap<u64, Arc<NodeSetGroup>>,
    pub zone_domain: Option<Arc<ZoneDomain>>,
    /// Zone records by name. A zone may exist without one: see [`State::zone_names`](super::State::zone_names).
    pub zones: OrdMap<String, Arc<Zone>>,
    pub data_nodes: OrdMap<NodeId, Arc<DataNode>>,
    pub meta_nodes: OrdMap<NodeId, Arc<MetaNode>>,
    pub volumes: OrdMap<VolumeId, Arc<Volume>>,
    pub data_partitions: OrdMap<PartitionId, Arc<DataPartition>>,
    pub meta_partitions: OrdMap<PartitionId, Arc<MetaPartition>>,
    /// By node address and disk path.
    pub decommission_disks: OrdMap<(String, String), Arc<DecommissionDisk>>,
    pub users: OrdMap<String, Arc<User>>,
    pub access_keys: OrdMap<String, Arc<AccessKey>>,
    /// By volume name.
    pub volume_users: OrdMap<String, Arc<VolumeUsers>>,
    /// By cluster name; a store has one at most.
    pub api_limits: OrdMap<String, Arc<ApiLimits>>,
    pub acls: OrdMap<VolumeId, Arc<Acl>>,
    pub uid_spaces: OrdMap<VolumeId, Arc<UidSpace>>,
    pub version_lists: OrdMap<VolumeId, Arc<VersionList>>,
    pub quotas: OrdMap<(VolumeId, u32), Arc<Quota>>,
    /// By address.
    pub lc_nodes: OrdMap<String, Arc<LcNode>>,
    /// By volume name.
    pub lc_configurations: OrdMap<String, Arc<LcConfiguration>>,
    /// By `volume:rule`.
    pub lc_tasks: OrdMap<String, Arc<LcTask>>,
    /// By `volume:rule`.
    pub lc_results: OrdMap<String, Arc<LcResult>>,
    /// By API, user and kind.
    pub s3_limits: OrdMap<(String, String, char), Arc<S3Limit>>,
    pub s3_nodes: Option<Arc<S3Nodes>>,
    pub flash_nodes: OrdMap<NodeId, Arc<FlashNode>>,
    pub flash_groups: OrdMap<u64, Arc<FlashGroup>>,
    pub flash_tasks: OrdMap<String, Arc<FlashTask>>,
    pub balance_plan: Option<Arc<BalancePlan>>,
    pub create_intents: OrdMap<(PartitionKind, PartitionId), Arc<CreateIntent>>,
    pub volume_intents: OrdMap<VolumeId, Arc<VolumeIntent>>,
    pub tombstones: OrdMap<(PartitionKind, PartitionId), Arc<Tombstone>>,
    /// One per partition at most.
    pub moves: OrdMap<(PartitionKind, PartitionId), Arc<Move>>,
    /// By number.
    pub past_moves: OrdMap<u64, Arc<PastMove>>,
    /// By partition and address.
    pub leftovers: OrdMap<(PartitionKind, PartitionId, String), Arc<Leftover>>,
    /// By address.
    pub empty_nodes: OrdMap<String, Arc<EmptyNode>>,
    /// By address.
    pub flash_evictions: OrdMap<String, Arc<FlashEviction>>,
    /// Pairs whose key is of no kind that we know, kept as they are.
    pub raw: OrdMap<Vec<u8>, Bytes>,
    /// Pairs whose value is not the record that its key promises, kept as they are.
    pub unreadable: OrdMap<Vec<u8>, UnreadableValue>,
}

/// A value that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableValue {
    pub value: Bytes,
    /// Why.
    pub reason: String,
}

impl Contents {
    /// The last id that a counter handed out.
    pub fn counter(&self, counter: Counter) -> u64 {
        self.counters.get(&counter).map_or(0, |value| value.last)
    }

    /// Directory quotas of a volume, by id.
    pub fn quotas_of_volume(&self, volume: VolumeId) -> impl DoubleEndedIterator<Item = &Arc<Quota>> {
        self.quotas.range((volume, 0)..=(volume, u32::MAX)).map(|(_, quota)| quota)
    }

    /// Disks of a node that are being taken out of service, by path.
    pub fn decommission_disks_of<'a>(&'a self, addr: &str) -> impl Iterator<Item = &'a Arc<DecommissionDisk>> + 'a {
        let addr = addr.to_owned();
        self.decommission_disks.range((addr.clone(), String::new())..).take_while(move |((of, _), _)| *of == addr).map(|(_, disk)| disk)
    }
}
