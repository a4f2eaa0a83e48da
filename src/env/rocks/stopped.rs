//! The RocksDB directory of a stopped master, to be read and never written: no file in it is created, changed or removed, and no
//! master can open it meanwhile.

use super::super::storage::Pair;
use super::super::{StoreError, View};
use super::Reads;
use rocksdb::{DBRecoveryMode, Options, DB};
use rustix::fs::{fcntl_lock, FlockOperation};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

/// What RocksDB locks while a process has the directory open for writing.
const LOCK: &str = "LOCK";
/// Every RocksDB directory has it.
const CURRENT: &str = "CURRENT";

/// The store of a stopped master.
pub struct StoppedStore {
    reads: Reads<Arc<DB>>,
    /// Held as long as the store is read; a copied directory may have none.
    _lock: Option<File>,
}

impl StoppedStore {
    /// Opens the directory for reading.
    ///
    /// # Errors
    /// A running process has it open, it is no RocksDB directory, or RocksDB finds it damaged. The last record of its log may be cut
    /// short, as a killed process leaves it; any other damage to the log is an error, not an older state.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let path: Arc<str> = dir.display().to_string().into();
        let failed = |reason: String| StoreError { path: path.to_string(), reason };
        if let Err(why) = std::fs::metadata(dir.join(CURRENT)) {
            return Err(failed(format!("is no store of a master: {CURRENT}: {why}")));
        }
        let lock = lock(&dir.join(LOCK)).map_err(failed)?;
        let mut options = Options::default();
        options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
        let db = DB::open_for_read_only(&options, dir, false).map_err(|why| failed(why.to_string()))?;
        Ok(Self { reads: Reads { db: Arc::new(db), path: path.clone() }, _lock: lock })
    }
}

/// A shared lock where RocksDB takes an exclusive one. It belongs to the process: a store that this process itself has open is not noticed.
fn lock(file: &Path) -> Result<Option<File>, String> {
    let open = match File::open(file) {
        Ok(open) => open,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(format!("{LOCK}: {why}")),
    };
    match fcntl_lock(&open, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(Some(open)),
        Err(Errno::AGAIN | Errno::ACCESS) => Err("is in use: a running process holds its lock. Stop that master first".into()),
        Err(why) => Err(format!("{LOCK}: {why}")),
    }
}

impl View for StoppedStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.reads.get(key)
    }

    fn scan(&self, from: Bound<&[u8]>, to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError> {
        self.reads.scan(from, to, limit)
    }
}
