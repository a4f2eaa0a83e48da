//! Production: RocksDB behind the Storage seam.
//!
//! One thread per store does the writing: calls take effect in the order in which they were made, no reactor thread waits for
//! the disk, and what has queued up behind a sync shares the next one. Reads go straight to RocksDB.
//!
//! Only the default column family and plain byte order are used, so that a directory left by a v3.5.3 master opens as it is
//! (v3.5.3 state-machine.md §5, §13). Knows nothing of what the keys mean.
#![allow(clippy::disallowed_methods, reason = "the seams' real side")]

mod stopped;

pub use stopped::StoppedStore;

use super::storage::Pair;
use super::{Batch, BoxFuture, Durability, Op, Storage, Store, StoreError, View};
use rocksdb::{DBCompressionType, Direction, IteratorMode, LogLevel, Options, ReadOptions, WriteBatch, WriteOptions, DB};
use std::fs;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{mpsc, Arc};
use std::thread;
use tokio::sync::oneshot;

/// In-memory table of a store before it becomes a file, bytes.
const WRITE_BUFFER_BYTES: usize = 32 << 20;
/// RocksDB's own text logs kept in the directory.
const TEXT_LOGS_KEPT: usize = 4;
/// Writes that one sync covers.
const WRITES_PER_SYNC_MAX: usize = 256;

/// Directories of RocksDB.
pub struct RocksStorage;

impl Storage for RocksStorage {
    fn open<'a>(&'a self, dir: &'a Path) -> BoxFuture<'a, Result<Arc<dyn Store>, StoreError>> {
        let dir = dir.to_path_buf();
        Box::pin(async move {
            let name = dir.display().to_string();
            match tokio::task::spawn_blocking(move || RocksStore::open(dir)).await {
                Ok(opened) => Ok(Arc::new(opened?) as Arc<dyn Store>),
                Err(ended) => Err(StoreError { path: name, reason: ended.to_string() }),
            }
        })
    }
}

struct RocksStore {
    reads: Reads<Arc<DB>>,
    writes: Option<mpsc::Sender<Write>>,
    writer: Option<thread::JoinHandle<()>>,
}

/// A write on its way to the writer thread.
struct Write {
    work: Work,
    done: oneshot::Sender<Result<(), StoreError>>,
}

enum Work {
    Batch(Batch, Durability),
    Install(Vec<Pair>),
}

impl RocksStore {
    fn open(dir: PathBuf) -> Result<Self, StoreError> {
        let path: Arc<str> = dir.display().to_string().into();
        let failed = |reason: String| StoreError { path: path.to_string(), reason };
        fs::create_dir_all(&dir).map_err(|e| failed(e.to_string()))?;
        let mut options = Options::default();
        options.create_if_missing(true);
        options.set_compression_type(DBCompressionType::None);
        options.set_write_buffer_size(WRITE_BUFFER_BYTES);
        options.set_keep_log_file_num(TEXT_LOGS_KEPT);
        options.set_log_level(LogLevel::Warn);
        // Default recovery keeps a prefix of the log up to the first damage: what Buffered promises.
        let db = Arc::new(DB::open(&options, &dir).map_err(|e| failed(e.to_string()))?);
        // The directory's own entry must outlive a power failure too: without it a master would look emptied.
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::File::open(parent).and_then(|parent| parent.sync_all()).map_err(|e| failed(e.to_string()))?;
        }
        let (writes, inbox) = mpsc::channel();
        let writer = Writer { db: db.clone(), path: path.clone(), broken: None };
        let writer =
            thread::Builder::new().name("rocksdb-writer".into()).spawn(move || writer.run(inbox)).map_err(|e| failed(e.to_string()))?;
        Ok(Self { reads: Reads { db, path }, writes: Some(writes), writer: Some(writer) })
    }

    /// Hands the work over at the time of the call, not when the future is first polled: order is the order of calls.
    fn submit(&self, work: Work) -> BoxFuture<'_, Result<(), StoreError>> {
        let (done, outcome) = oneshot::channel();
        let writes = self.writes.as_ref().expect("the writer lives as long as the store");
        let sent = writes.send(Write { work, done });
        Box::pin(async move {
            let gone = || StoreError { path: self.reads.path.to_string(), reason: "the writer thread is gone".into() };
            sent.map_err(|_| gone())?;
            outcome.await.map_err(|_| gone())?
        })
    }
}

impl Drop for RocksStore {
    /// Waits for the writer, so that the directory can be opened again as soon as the last reader is gone.
    fn drop(&mut self) {
        self.writes = None;
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has already failed every write that waited for it.
            let _ = writer.join();
        }
    }
}

impl View for RocksStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.reads.get(key)
    }

    fn scan(&self, from: Bound<&[u8]>, to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError> {
        self.reads.scan(from, to, limit)
    }
}

impl Store for RocksStore {
    fn write(&self, batch: Batch, durability: Durability) -> BoxFuture<'_, Result<(), StoreError>> {
        self.submit(Work::Batch(batch, durability))
    }

    fn view(&self) -> Arc<dyn View> {
        let snapshot = OwnedSnapshot::new(self.reads.db.clone(), |db| db.snapshot());
        Arc::new(Reads { db: snapshot, path: self.reads.path.clone() })
    }

    fn install(&self, pairs: Vec<Pair>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.submit(Work::Install(pairs))
    }
}

/// The writing side: the only place that writes to the database.
struct Writer {
    db: Arc<DB>,
    path: Arc<str>,
    /// The first failure: what it left on disk is not known, so nothing may be written after it.
    broken: Option<String>,
}

impl Writer {
    fn run(mut self, inbox: mpsc::Receiver<Write>) {
        while let Ok(first) = inbox.recv() {
            let mut writes = vec![first];
            writes.extend(inbox.try_iter().take(WRITES_PER_SYNC_MAX - 1));
            self.write_all(writes);
        }
    }

    /// Writes in order. A synced write covers those before it, so only the last one that wants a sync pays for it.
    fn write_all(&mut self, writes: Vec<Write>) {
        let synced = |write: &Write| matches!(write.work, Work::Batch(_, Durability::Synced) | Work::Install(_));
        let syncs_at = writes.iter().rposition(synced);
        let mut finished = Vec::with_capacity(writes.len());
        for (at, Write { work, done }) in writes.into_iter().enumerate() {
            let batch = match work {
                Work::Batch(batch, _) => Ok(plain_batch(batch)),
                Work::Install(pairs) => self.install_batch(pairs),
            };
            if self.broken.is_none() {
                self.broken = batch.and_then(|batch| self.write_one(batch, syncs_at == Some(at))).err().map(|e| e.to_string());
            }
            finished.push(done);
        }
        for done in finished {
            let outcome = match &self.broken {
                Some(reason) => Err(StoreError { path: self.path.to_string(), reason: reason.clone() }),
                None => Ok(()),
            };
            // Who asked may have gone away; the write stands all the same.
            let _ = done.send(outcome);
        }
    }

    fn write_one(&self, batch: WriteBatch, sync: bool) -> Result<(), rocksdb::Error> {
        if batch.is_empty() {
            // An empty batch leaves no mark in the log that a sync would have to wait for.
            return if sync { self.db.flush_wal(true) } else { Ok(()) };
        }
        let mut options = WriteOptions::default();
        options.set_sync(sync);
        self.db.write_opt(batch, &options)
    }

    /// One batch that empties the store and fills it again.
    fn install_batch(&self, pairs: Vec<Pair>) -> Result<WriteBatch, rocksdb::Error> {
        let mut batch = WriteBatch::default();
        if let Some(last) = self.db.iterator(IteratorMode::End).next().transpose()? {
            batch.delete_range(&b""[..], &last.0);
            batch.delete(&last.0);
        }
        for (key, value) in pairs {
            batch.put(key, value);
        }
        Ok(batch)
    }
}

fn plain_batch(batch: Batch) -> WriteBatch {
    let mut out = WriteBatch::default();
    for op in batch.ops {
        match op {
            Op::Put { key, value } => out.put(key, value),
            Op::Delete { key } => out.delete(key),
            // RocksDB refuses a range that ends before it begins; here it is empty.
            Op::DeleteRange { from, to } if from < to => out.delete_range(from, to),
            Op::DeleteRange { .. } => {}
        }
    }
    out
}

type Snapshot<'a> = rocksdb::SnapshotWithThreadMode<'a, DB>;

self_cell::self_cell!(
    /// A snapshot together with the database that it reads.
    struct OwnedSnapshot {
        owner: Arc<DB>,
        #[covariant]
        dependent: Snapshot,
    }
);

/// What can be read: the database as it is now, or a snapshot of it.
struct Reads<T> {
    db: T,
    path: Arc<str>,
}

trait Readable: Send + Sync {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, rocksdb::Error>;
    fn walk(&self, options: ReadOptions, mode: IteratorMode<'_>, limit: usize) -> Result<Vec<Pair>, rocksdb::Error>;
}

impl Readable for Arc<DB> {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, rocksdb::Error> {
        self.get(key)
    }

    fn walk(&self, options: ReadOptions, mode: IteratorMode<'_>, limit: usize) -> Result<Vec<Pair>, rocksdb::Error> {
        self.iterator_opt(mode, options).take(limit).map(owned).collect()
    }
}

impl Readable for OwnedSnapshot {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, rocksdb::Error> {
        self.borrow_dependent().get(key)
    }

    fn walk(&self, options: ReadOptions, mode: IteratorMode<'_>, limit: usize) -> Result<Vec<Pair>, rocksdb::Error> {
        self.borrow_dependent().iterator_opt(mode, options).take(limit).map(owned).collect()
    }
}

type BorrowedPair = (Box<[u8]>, Box<[u8]>);

fn owned(item: Result<BorrowedPair, rocksdb::Error>) -> Result<Pair, rocksdb::Error> {
    item.map(|(key, value)| (key.into_vec(), value.into_vec()))
}

impl<T: Readable> View for Reads<T> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.read(key).map_err(|e| StoreError { path: self.path.to_string(), reason: e.to_string() })
    }

    fn scan(&self, from: Bound<&[u8]>, to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError> {
        let mut options = ReadOptions::default();
        if !to.is_empty() {
            options.set_iterate_upper_bound(to);
        }
        // The key after `from` in byte order is `from` with a zero byte.
        let start = match from {
            Bound::Included(key) => key.to_vec(),
            Bound::Excluded(key) => [key, &[0]].concat(),
            Bound::Unbounded => Vec::new(),
        };
        let mode = IteratorMode::From(&start, Direction::Forward);
        self.db.walk(options, mode, limit).map_err(|e| StoreError { path: self.path.to_string(), reason: e.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn open(dir: &Path) -> Arc<dyn Store> {
        RocksStorage.open(dir).await.unwrap()
    }

    fn put(key: &str, value: &str) -> Batch {
        let mut batch = Batch::default();
        batch.put(key, value);
        batch
    }

    fn keys(view: &dyn View) -> Vec<String> {
        view.scan(Bound::Unbounded, b"", usize::MAX).unwrap().into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect()
    }

    #[tokio::test]
    async fn writes_take_effect_in_the_order_of_the_calls_even_when_polled_backwards() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).await;
        let first = store.write(put("k", "first"), Durability::Synced);
        let second = store.write(put("k", "second"), Durability::Buffered);
        second.await.unwrap();
        first.await.unwrap();
        assert_eq!(store.get(b"k").unwrap().unwrap(), b"second");
    }

    #[tokio::test]
    async fn a_view_does_not_see_later_writes() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).await;
        store.write(put("a", "1"), Durability::Buffered).await.unwrap();
        let view = store.view();
        store.write(put("b", "2"), Durability::Buffered).await.unwrap();
        assert_eq!(keys(view.as_ref()), ["a"]);
        assert_eq!(keys(store.as_ref()), ["a", "b"]);
    }

    #[tokio::test]
    async fn installing_replaces_everything_and_the_directory_opens_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).await;
        for key in ["", "a", "b", "\u{7f}"] {
            store.write(put(key, "old"), Durability::Buffered).await.unwrap();
        }
        store.install(vec![(b"b".to_vec(), b"new".to_vec()), (b"c".to_vec(), b"new".to_vec())]).await.unwrap();
        assert_eq!(keys(store.as_ref()), ["b", "c"]);
        drop(store);
        let store = open(dir.path()).await;
        assert_eq!(keys(store.as_ref()), ["b", "c"]);
        assert_eq!(store.get(b"b").unwrap().unwrap(), b"new");
    }

    #[tokio::test]
    async fn a_scan_keeps_its_bounds_and_its_limit() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).await;
        for key in ["a", "b", "b\0", "c", "d"] {
            store.write(put(key, ""), Durability::Buffered).await.unwrap();
        }
        let scan = |from: Bound<&[u8]>, to: &[u8], limit| store.scan(from, to, limit).unwrap().into_iter().map(|p| p.0).collect::<Vec<_>>();
        assert_eq!(scan(Bound::Included(b"b"), b"d", 9), [&b"b"[..], b"b\0", b"c"]);
        assert_eq!(scan(Bound::Excluded(b"b"), b"", 2), [&b"b\0"[..], b"c"]);
        assert_eq!(scan(Bound::Included(b"x"), b"", 2), Vec::<Vec<u8>>::new());
    }

    #[tokio::test]
    async fn deleting_a_range_spares_its_end_and_an_empty_range_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).await;
        let mut batch = Batch::default();
        for key in ["a", "b", "c"] {
            batch.put(key, "");
        }
        batch.delete_range("a", "c");
        batch.delete_range("z", "a");
        batch.put("a", "again");
        store.write(batch, Durability::Synced).await.unwrap();
        assert_eq!(keys(store.as_ref()), ["a", "c"]);
    }

    #[tokio::test]
    async fn a_directory_in_use_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let _store = open(dir.path()).await;
        assert!(RocksStorage.open(dir.path()).await.is_err());
    }
}
