//! The Storage seam: an ordered key-value store with atomic batches and an explicit choice of durability.

use super::BoxFuture;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

/// A disk operation failed. The store must not be used further: what a failed sync left on disk is not known.
#[derive(Debug, thiserror::Error)]
#[error("store {path}: {reason}")]
pub struct StoreError {
    /// The store's directory.
    pub path: String,
    /// What the disk said.
    pub reason: String,
}

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    Put {
        key: Vec<u8>,
        value: Vec<u8>,
    },
    Delete {
        key: Vec<u8>,
    },
    /// Deletes all keys in `from..to`.
    DeleteRange {
        from: Vec<u8>,
        to: Vec<u8>,
    },
}

/// Changes that happen together or not at all, in order: a later one wins over an earlier one on the same key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    pub ops: Vec<Op>,
}

impl Batch {
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.ops.push(Op::Put { key: key.into(), value: value.into() })
    }

    pub fn delete(&mut self, key: impl Into<Vec<u8>>) {
        self.ops.push(Op::Delete { key: key.into() })
    }

    pub fn delete_range(&mut self, from: impl Into<Vec<u8>>, to: impl Into<Vec<u8>>) {
        self.ops.push(Op::DeleteRange { from: from.into(), to: to.into() })
    }

    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }
}

/// When a write returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// As soon as reads see it. A crash may lose it together with all later batches, but never reorders or splits.
    Buffered,
    /// When it and every earlier batch are on stable storage.
    Synced,
}

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Reads of one moment.
pub trait View: Send + Sync {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
    /// At most `limit` pairs in key order from `from` on, below `to` (empty: no upper bound).
    fn scan(&self, from: Bound<&[u8]>, to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError>;
}

/// Pairs read from a store at a time.
const SCAN_PAIRS: usize = 4096;

/// The next pairs after the key `last`, in the order of their keys; none at the end.
pub fn piece_after(view: &(impl View + ?Sized), last: Option<&[u8]>) -> Result<Vec<Pair>, StoreError> {
    view.scan(last.map_or(Bound::Unbounded, Bound::Excluded), &[], SCAN_PAIRS)
}

/// Visits all pairs in the order of their keys, a piece at a time.
pub fn each_piece<V: View + ?Sized, E: From<StoreError>>(view: &V, mut visit: impl FnMut(Vec<Pair>) -> Result<(), E>) -> Result<(), E> {
    let mut last: Option<Vec<u8>> = None;
    loop {
        let pairs = piece_after(view, last.as_deref())?;
        let Some((key, _)) = pairs.last() else { return Ok(()) };
        last = Some(key.clone());
        visit(pairs)?;
    }
}

/// An open store. Its directory is locked as long as it lives.
pub trait Store: View {
    /// Applies a batch atomically. Batches of one store take effect in the order of the calls.
    fn write(&self, batch: Batch, durability: Durability) -> BoxFuture<'_, Result<(), StoreError>>;
    /// A consistent view that later writes do not change.
    fn view(&self) -> Arc<dyn View>;
    /// Replaces the whole contents by `pairs` and syncs. After a crash the store holds all of the old or all of the new.
    fn install(&self, pairs: Vec<Pair>) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// Disks.
pub trait Storage: Send + Sync {
    /// Opens or creates the store in `dir`. Errors: locked, unreadable, damaged.
    fn open<'a>(&'a self, dir: &'a Path) -> BoxFuture<'a, Result<Arc<dyn Store>, StoreError>>;
}
