//! Meta partitions as replies show them (v3.5.3 http-types.md: MetaPartitionView … CleanTask).

use crate::wire::gojson::List;
use crate::wire::peer::Peer;
use crate::wire::report::{MetaPartitionLoadResponse, StatOfStorageClass};
use serde::Serialize;
use std::collections::BTreeMap;

/// A meta partition as clients see it. Without a leader only id, range, status and members are filled.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetaPartitionView {
    #[serde(rename = "PartitionID")]
    pub partition_id: u64,
    pub start: u64,
    pub end: u64,
    #[serde(rename = "MaxInodeID")]
    pub max_inode_id: u64,
    pub inode_count: u64,
    pub dentry_count: u64,
    pub free_list_len: u64,
    pub tx_cnt: u64,
    pub tx_rb_ino_cnt: u64,
    pub tx_rb_den_cnt: u64,
    pub is_recover: bool,
    pub members: Vec<String>,
    pub leader_addr: String,
    pub status: i8,
    pub freeze: i8,
    pub last_del_replica_time: i64,
}

/// Reply of `/metaPartition/get`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetaPartitionInfo {
    #[serde(rename = "PartitionID")]
    pub partition_id: u64,
    pub start: u64,
    pub end: u64,
    #[serde(rename = "MaxInodeID")]
    pub max_inode_id: u64,
    pub inode_count: u64,
    pub dentry_count: u64,
    pub vol_name: String,
    pub replicas: Vec<MetaReplicaInfo>,
    pub replica_num: u8,
    pub status: i8,
    pub is_recover: bool,
    pub hosts: Vec<String>,
    pub peers: Vec<Peer>,
    pub zones: Vec<String>,
    pub node_sets: Vec<u64>,
    #[serde(rename = "OfflinePeerID")]
    pub offline_peer_id: u64,
    pub miss_nodes: BTreeMap<String, i64>,
    pub load_response: List<MetaPartitionLoadResponse>,
    pub forbidden: bool,
    pub freeze: i8,
    pub stat_by_storage_class: List<StatOfStorageClass>,
    pub stat_by_migrate_storage_class: List<StatOfStorageClass>,
    pub forbid_write_op_of_proto_ver0: bool,
}

/// One replica of a meta partition.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetaReplicaInfo {
    pub addr: String,
    #[serde(rename = "NodeID")]
    pub node_id: u64,
    pub domain_addr: String,
    #[serde(rename = "MaxInodeID")]
    pub max_inode_id: u64,
    pub report_time: i64,
    pub status: i8,
    pub is_leader: bool,
    pub inode_count: u64,
    pub max_inode: u64,
    pub dentry_count: u64,
    pub read_only_reasons: u32,
}

/// Partitions by path: a meta node address, or `addr:disk` of a data node.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BadPartitionView {
    #[serde(rename = "Path")]
    pub path: String,
    #[serde(rename = "PartitionIDs")]
    pub partition_ids: Vec<u64>,
}

/// Reply of `/metaPartition/diagnose` (v3.5.3 http-partitions-nodes.md §7.7).
#[derive(Clone, Debug, Default, Serialize)]
pub struct MetaPartitionDiagnosis {
    #[serde(rename = "InactiveMetaNodes")]
    pub inactive_meta_nodes: Vec<String>,
    #[serde(rename = "CorruptMetaPartitionIDs")]
    pub corrupt: Vec<u64>,
    #[serde(rename = "LackReplicaMetaPartitionIDs")]
    pub lack_replica: Vec<u64>,
    #[serde(rename = "BadMetaPartitionIDs")]
    pub bad: Vec<BadPartitionView>,
    #[serde(rename = "BadReplicaMetaPartitionIDs")]
    pub bad_replica: Vec<u64>,
    #[serde(rename = "ExcessReplicaMetaPartitionIDs")]
    pub excess_replica: Vec<u64>,
    #[serde(rename = "InodeCountNotEqualReplicaMetaPartitionIDs")]
    pub inode_count_differs: List<u64>,
    #[serde(rename = "MaxInodeNotEqualReplicaMetaPartitionIDs")]
    pub max_inode_differs: List<u64>,
    #[serde(rename = "DentryCountNotEqualReplicaMetaPartitionIDs")]
    pub dentry_count_differs: List<u64>,
}

/// Reply of `/metaPartition/diagnose` with `v1`: all lists but the first are null when empty.
#[derive(Clone, Debug, Default, Serialize)]
pub struct MetaPartitionDiagnosisV1 {
    #[serde(rename = "InactiveMetaNodes")]
    pub inactive_meta_nodes: Vec<String>,
    #[serde(rename = "NoLeaderMetaPartitionIDs")]
    pub no_leader: List<u64>,
    #[serde(rename = "LackReplicaMetaPartitionIDs")]
    pub lack_replica: List<u64>,
    #[serde(rename = "BadMetaPartitionIDs")]
    pub bad: List<BadPartitionView>,
    #[serde(rename = "UnavailableMetaPartitionIDs")]
    pub unavailable: List<u64>,
    #[serde(rename = "InConsistRreplicaCntMetaPartitionIDs")]
    pub excess_replica: List<u64>,
    #[serde(rename = "InodeCountNotEqualIDs")]
    pub inode_count_differs: List<u64>,
    #[serde(rename = "MaxInodeNotEqualIDs")]
    pub max_inode_differs: List<u64>,
    #[serde(rename = "DentryCountNotEqualIDs")]
    pub dentry_count_differs: List<u64>,
    #[serde(rename = "AbnormalRaftIDs")]
    pub abnormal_raft: List<u64>,
}

/// Element of `/metaPartition/emptyStatus`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct VolEmptyMpStats {
    pub name: String,
    pub total: usize,
    #[serde(rename = "emptyCount")]
    pub empty_count: usize,
    #[serde(rename = "metaPartitions")]
    pub meta_partitions: Vec<MetaPartitionView>,
}
