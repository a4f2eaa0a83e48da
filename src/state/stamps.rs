//! What the state remembers of every key beside its record: at which index it was written and its fingerprint.

use super::digest;
use crate::ids::{PartitionId, VolumeId};
use crate::model::Key;
use imbl::OrdMap;

/// Beside a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub revision: u64,
    /// Of the key with the stored bytes.
    pub pair: u64,
}

impl Stamp {
    fn share(self) -> u64 {
        digest::share(self.pair, self.revision)
    }
}

/// The stamps of all keys. Partitions, of which there are many, are kept by number, the others by their key's text.
#[derive(Clone, Debug, Default)]
pub(super) struct Stamps {
    data_partitions: OrdMap<(VolumeId, PartitionId), Stamp>,
    meta_partitions: OrdMap<(VolumeId, PartitionId), Stamp>,
    others: OrdMap<Vec<u8>, Stamp>,
}

fn place(key: &[u8]) -> Option<Key> {
    let partition = key.starts_with(b"#dp#") || key.starts_with(b"#mp#");
    std::str::from_utf8(key).ok().filter(|_| partition).and_then(Key::parse)
}

impl Stamps {
    pub(super) fn get(&self, key: &[u8]) -> Option<Stamp> {
        match place(key) {
            Some(Key::DataPartition(volume, id)) => self.data_partitions.get(&(volume, id)),
            Some(Key::MetaPartition(volume, id)) => self.meta_partitions.get(&(volume, id)),
            _ => self.others.get(key),
        }
        .copied()
    }

    /// Sets (`Some`) or forgets (`None`) the stamp of a key. Answers by how much the digest changes.
    pub(super) fn set(&mut self, key: &[u8], stamp: Option<Stamp>) -> u64 {
        let was = match (place(key), stamp) {
            (Some(Key::DataPartition(volume, id)), Some(stamp)) => self.data_partitions.insert((volume, id), stamp),
            (Some(Key::DataPartition(volume, id)), None) => self.data_partitions.remove(&(volume, id)),
            (Some(Key::MetaPartition(volume, id)), Some(stamp)) => self.meta_partitions.insert((volume, id), stamp),
            (Some(Key::MetaPartition(volume, id)), None) => self.meta_partitions.remove(&(volume, id)),
            (_, Some(stamp)) => self.others.insert(key.to_vec(), stamp),
            (_, None) => self.others.remove(key),
        };
        let share = |stamp: Option<Stamp>| stamp.map_or(0, Stamp::share);
        share(stamp).wrapping_sub(share(was))
    }

    /// The digest, from scratch.
    pub(super) fn digest(&self) -> u64 {
        let partitions = self.data_partitions.values().chain(self.meta_partitions.values());
        partitions.chain(self.others.values()).fold(0, |sum, stamp| sum.wrapping_add(stamp.share()))
    }
}
