//! What follows from a heartbeat and is not a report: things to commit or to send. The master does them; plan only says so.

use crate::ids::{PartitionId, VolumeId};
use crate::wire::peer::Peer;
use std::sync::Arc;

/// One consequence of a heartbeat.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The data node reports another zone than its record: move it (a node set with room, or a new one), commit node and set.
    DataNodeZone { addr: String, zone: String },
    /// The same for a meta node.
    MetaNodeZone { addr: String, zone: String },
    /// A data node reports a zone whose media type is not its own: nothing of the heartbeat was taken. For the log.
    ZoneRefused { addr: String, zone: String },
    /// The disk lists differ from the record: commit the node with these, both sorted.
    Disks { addr: String, all: Vec<String>, bad: Vec<String> },
    /// A disk is no longer bad and its decommission was cancelled: delete that record, take it off the decommissioned disks.
    DiskRecovered { addr: String, disk: String },
    /// A replica lies on another disk than the record of its data partition says: commit the partition.
    ReplicaDisk { partition: PartitionId, addr: String, disk: String },
    /// Raft ports of peers became known: commit the data partition with these peers.
    DataPeers { partition: PartitionId, peers: Vec<Peer> },
    /// The same for a meta partition.
    MetaPeers { partition: PartitionId, peers: Vec<Peer> },
    /// A replica of a meta partition has another end than the record: queue an update task (0x43) to the leader's node.
    MetaEnd { volume: VolumeId, partition: PartitionId, end: u64, leader: Option<Arc<str>> },
    /// The node of the volume's last meta partition is over its memory threshold: split with this end (v3.5.3 background-tasks.md §3.3).
    Split { volume: VolumeId, partition: PartitionId, end: u64 },
    /// The leader of a meta partition reported other uid usage than before.
    Uids { volume: VolumeId, partition: PartitionId },
    /// The leader of a meta partition reported other directory quota usage than before.
    Quotas { volume: VolumeId, partition: PartitionId },
    /// Something changed that client views show of a data partition.
    DataPartition(PartitionId),
    /// Something changed that client views show of a meta partition.
    MetaPartition(PartitionId),
}
