//! What a meta node answers to a load: the state of a replica and of its raft group (v3.5.3 admin-tasks.md §8.4).

use crate::ids::{NodeId, PartitionId};
use crate::wire::gojson::{uint_keys, GoTime, List};
use crate::wire::peer::Peer;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The reply's data of 0x44.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct MetaPartitionLoadResponse {
    #[serde(rename = "PartitionID")]
    pub partition_id: PartitionId,
    /// False: nothing to compare.
    pub do_compare: bool,
    #[serde(rename = "ApplyID")]
    pub apply_id: u64,
    #[serde(rename = "CommittedID")]
    pub committed_id: u64,
    pub max_inode: u64,
    pub dentry_count: u64,
    pub inode_count: u64,
    /// "" on the wire; the master puts the asked host here.
    pub addr: String,
    pub raft_info: RaftInfo,
}

/// A raft group as a member sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RaftInfo {
    pub raft_status: RaftStatus,
    pub pending_peers: List<u64>,
    pub down_replicas: List<DownReplica>,
    pub hosts: List<Peer>,
}

/// State of a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RaftStatus {
    #[serde(rename = "ID")]
    pub id: u64,
    #[serde(rename = "NodeID")]
    pub node_id: NodeId,
    pub leader: u64,
    pub term: u64,
    pub index: u64,
    pub commit: u64,
    pub applied: u64,
    pub vote: u64,
    pub pend_queue: i64,
    pub recv_queue: i64,
    pub app_queue: i64,
    pub ticket_queue: i64,
    pub stopped: bool,
    pub restoring_snapshot: bool,
    /// `StateLeader`, `StateFollower`, `StateCandidate` or `statePreCandidate`.
    pub state: String,
    /// By node id; only the leader has it.
    #[serde(with = "uint_keys")]
    pub replicas: Option<BTreeMap<u64, ReplicaStatus>>,
}

/// What the leader knows of a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ReplicaStatus {
    pub r#match: u64,
    pub commit: u64,
    pub next: u64,
    /// `ReplicaStateProbe`, `ReplicaStateReplicate` or `ReplicaStateSnapshot`.
    pub state: String,
    pub snapshoting: bool,
    pub paused: bool,
    pub active: bool,
    pub last_active: GoTime,
    pub inflight: i64,
}

/// A member that the leader does not hear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DownReplica {
    #[serde(rename = "NodeID")]
    pub node_id: NodeId,
    pub down_seconds: i64,
}
