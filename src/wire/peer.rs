//! A member of a partition's raft group as packets, reports, records and views carry it (v3.5.3 http-types.md T:Peer).
//!
//! Must not know: which partition it belongs to.

use crate::ids::NodeId;
use serde::{Deserialize, Serialize};

/// One replica's raft identity. The ports are decimal text, "" where unknown; they are used only with the different-port feature.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Peer {
    /// Node id, which is also the raft id.
    pub id: NodeId,
    /// `ip:port` of the node.
    pub addr: String,
    #[serde(rename = "raftHeartbeat")]
    pub raft_heartbeat: String,
    #[serde(rename = "raftReplica")]
    pub raft_replica: String,
}
