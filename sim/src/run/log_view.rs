//! Reads the raft logs on the masters' disks, from outside: keys and messages as `src/raft/log.rs` writes them.

use super::cluster::Cluster;
use super::crash_point::LOG_DIR;
use crate::checks::log::{Entry, LogView, Logs};
use crate::checks::promises::Promise;
use crate::world::disk::{Contents, Disk};
use crate::world::trace::hash_bytes;
use std::collections::BTreeMap;
use std::path::Path;

const ENTRY: &[u8] = b"entry/";
/// The key after all entries.
const ENTRY_END: &[u8] = b"entry0";

/// One master's log and promises.
pub struct Reading {
    pub view: LogView,
    pub promise: Promise,
}

/// Reads what may be new since the last time. A master that does not run says nothing, its disk counts all the same.
pub fn read(cluster: &Cluster, n: usize, logs: &Logs) -> Reading {
    let disk = cluster.world().disk(cluster.masters()[n]);
    let mut view = LogView { master: n, ..LogView::default() };
    let mut promise = Promise { master: n, ..Promise::default() };
    if let Some((start, master)) = cluster.started(n) {
        let (role, status) = (master.raft().role(), master.raft().status());
        (view.running, view.start, view.term, view.leads, view.commit) = (true, start, role.term.0, role.leads(), status.commit.0);
        promise = Promise { start, applied: status.applied.0, commit: status.commit.0, last: status.last.0, ..promise };
    }
    let from = if view.running { logs.wanted(n, view.start) } else { logs.commit() };
    view.entries = entries(&disk, Contents::Current, from);
    view.synced = entries(&disk, Contents::Durable, from);
    let value = |key: &[u8]| disk.value(Path::new(LOG_DIR), Contents::Durable, key).unwrap_or_default();
    view.base = value(b"base").first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let hard_state = value(b"hard_state");
    promise.disk = hash_bytes(0, &value(b"incarnation"));
    (promise.term, promise.vote) = (field(&hard_state, 1), field(&hard_state, 2));
    Reading { view, promise }
}

fn entries(disk: &Disk, contents: Contents, from: u64) -> BTreeMap<u64, Entry> {
    let first = [ENTRY, &from.to_be_bytes()].concat();
    let pairs = disk.range(Path::new(LOG_DIR), contents, &first, ENTRY_END);
    let entry = |(key, value): (Vec<u8>, std::sync::Arc<[u8]>)| {
        let index = u64::from_be_bytes(*key.last_chunk::<8>()?);
        Some((index, Entry { term: field(&value, 2), hash: hash_bytes(0, &value) }))
    };
    pairs.into_iter().filter_map(entry).collect()
}

/// A number of a protobuf message; 0 when it is not there or the bytes are none.
fn field(bytes: &[u8], number: u64) -> u64 {
    let mut rest = bytes;
    loop {
        let Some(tag) = varint(&mut rest) else { return 0 };
        let value = match tag & 7 {
            0 => varint(&mut rest),
            2 => varint(&mut rest).and_then(|len| {
                rest = rest.get(usize::try_from(len).ok()?..)?;
                Some(0)
            }),
            _ => None,
        };
        match value {
            None => return 0,
            Some(value) if tag >> 3 == number => return value,
            Some(_) => {}
        }
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_message_are_found() {
        // 1: 0, 2: 300, 3: 7, 4: three bytes, 6: nothing.
        let bytes = [0x10, 0xac, 0x02, 0x18, 7, 0x22, 3, 0x18, 9, 9, 0x32, 0];
        assert_eq!((field(&bytes, 1), field(&bytes, 2), field(&bytes, 3)), (0, 300, 7));
        assert_eq!(field(&[0xff, 0xff], 1), 0);
    }
}
