//! The meta partition record `#mp#<volume>#<id>` (v3.5.3 state-machine.md §6.10).

use super::codes::{Freeze, PartitionStatus};
use super::hosts::Joined;
use super::key::Key;
use super::record::{record, JsonRecord};
use super::volume::Volume;
use crate::ids::{PartitionId, VolumeId};
use crate::limits::INODE_MAX;
use crate::wire::peer::Peer;

record! {
    /// A meta partition: a range of a volume's inodes on a few meta nodes.
    pub struct MetaPartition {
        partition_id: PartitionId = "PartitionID";
        /// First inode of the range.
        start: u64 = "Start";
        /// Last inode of the range; [`INODE_MAX`] in the volume's last partition.
        end: u64 = "End";
        vol_id: VolumeId = "VolID";
        replica_num: u8 = "ReplicaNum";
        /// As it was when the record was written; what nodes report decides.
        status: PartitionStatus = "Status";
        vol_name: String = "VolName";
        /// Addresses.
        hosts: Vec<String> = "Hosts" as Joined;
        offline_peer_id: u64 = "OfflinePeerID";
        /// In order of selection, not that of `hosts`.
        peers: Vec<Peer> = "Peers";
        is_recover: bool = "IsRecover";
        freeze: Freeze = "Freeze";
        /// Unix seconds.
        last_del_replica_time: i64 = "LastDelReplicaTime";
    }
}

impl JsonRecord for MetaPartition {
    fn place(&self) -> Key {
        Key::MetaPartition(self.vol_id, self.partition_id)
    }
}

impl MetaPartition {
    /// A partition that its nodes have just created.
    pub fn new(partition_id: PartitionId, start: u64, end: u64, volume: &Volume, hosts: Vec<String>, peers: Vec<Peer>) -> Self {
        Self {
            partition_id,
            start,
            end,
            vol_id: volume.id,
            replica_num: volume.replica_num,
            status: PartitionStatus::READ_WRITE,
            vol_name: volume.name.clone(),
            hosts,
            peers,
            ..Self::default()
        }
    }

    /// The volume's last partition, which takes all further inodes.
    pub fn is_open(&self) -> bool {
        self.end == INODE_MAX
    }

    /// A replica lies on this node.
    pub fn has_host(&self, addr: &str) -> bool {
        self.hosts.iter().any(|host| host == addr)
    }
}
