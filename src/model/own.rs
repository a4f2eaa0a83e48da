//! Records that v3.5.3 has no form for, under keys that it does not read (prefix `~`).

use super::key::{Key, PartitionKind};
use super::record::{record, JsonRecord};
use crate::ids::{PartitionId, Term, VolumeId};

record! {
    /// `~create#<kind>#<id>`: nodes are being asked to create a partition that has no record yet. Whoever leads next either
    /// completes it or takes away what the nodes may hold.
    pub struct CreateIntent keyed(kind: PartitionKind, id: PartitionId) {
        volume: VolumeId = "volume";
        hosts: Vec<String> = "hosts";
        /// The leader's term in which it was decided.
        term: Term = "term";
        /// Unix seconds.
        created: i64 = "created";
    }
}

impl JsonRecord for CreateIntent {
    fn place(&self) -> Key {
        Key::CreateIntent(self.kind, self.id)
    }

    fn adopt(&mut self, key: &Key) {
        if let Key::CreateIntent(kind, id) = key {
            (self.kind, self.id) = (*kind, *id);
        }
    }
}

record! {
    /// `~create#vol#<id>`: a volume that has its record and not yet all its partitions and its user. Whoever leads next marks
    /// it deleted, unless it is the leader that is creating it.
    pub struct VolumeIntent keyed(volume: VolumeId) {
        name: String = "name";
        /// The leader's term in which it was decided.
        term: Term = "term";
        /// Unix seconds.
        created: i64 = "created";
    }
}

impl JsonRecord for VolumeIntent {
    fn place(&self) -> Key {
        Key::VolumeIntent(self.volume)
    }

    fn adopt(&mut self, key: &Key) {
        if let Key::VolumeIntent(volume) = key {
            self.volume = *volume;
        }
    }
}

record! {
    /// `~evict#<addr>`: a flash node has left its group, and its cache is to be emptied.
    pub struct FlashEviction keyed(addr: String) {
        /// Unix seconds.
        asked: i64 = "asked";
    }
}

impl JsonRecord for FlashEviction {
    fn place(&self) -> Key {
        Key::FlashEviction(self.addr.clone())
    }

    fn adopt(&mut self, key: &Key) {
        if let Key::FlashEviction(addr) = key {
            self.addr.clone_from(addr);
        }
    }
}

record! {
    /// `~gone#<kind>#<id>`: a partition, or replicas of one, that nodes may still hold and have to delete.
    pub struct Tombstone keyed(kind: PartitionKind, id: PartitionId) {
        volume: VolumeId = "volume";
        /// Nodes that have not confirmed yet.
        hosts: Vec<String> = "hosts";
        /// Delete even what a node thinks is in use.
        force: bool = "force";
    }
}

impl JsonRecord for Tombstone {
    fn place(&self) -> Key {
        Key::Tombstone(self.kind, self.id)
    }

    fn adopt(&mut self, key: &Key) {
        if let Key::Tombstone(kind, id) = key {
            (self.kind, self.id) = (*kind, *id);
        }
    }
}
