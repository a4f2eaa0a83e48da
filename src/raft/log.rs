//! The raft log on its store: entries, vote, compaction point, and the identity of the disk. Gives the library its `Storage`.
//!
//! Changes are staged into a batch that the driver writes as one; what is read here is as of the last staging, and the driver sends
//! nothing that depends on it before the batch is on stable storage. Terms are kept in memory for the whole log, entries up to
//! [`limits::LOG_CACHE_BYTES_MAX`] from the end; older ones are read from the store.
//!
//! Keys: `incarnation`, `hard_state`, `base`, `joined`, `installing`, and `entry/` + index (8 bytes, big-endian).

use crate::env::{Batch, Durability, Env, Purpose, Store, StoreError};
use crate::limits;
use crate::mutants::mutant;
use prost::Message as _;
use raft::eraftpb::{ConfState, Entry, HardState, Snapshot, SnapshotMetadata};
use raft::{GetEntriesContext, RaftState, Storage, StorageError};
use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::{Arc, Mutex};

const INCARNATION: &[u8] = b"incarnation";
const HARD_STATE: &[u8] = b"hard_state";
const BASE: &[u8] = b"base";
const JOINED: &[u8] = b"joined";
const INSTALLING: &[u8] = b"installing";
const ENTRY: &[u8] = b"entry/";
/// The key after all entries.
const ENTRY_END: &[u8] = b"entry0";
/// Entries read from the store at a time.
const SCAN_ENTRIES: usize = 256;
/// Memory of an entry beside its data, bytes.
const ENTRY_OVERHEAD: usize = 96;

/// An index and the term of the entry there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    pub index: u64,
    pub term: u64,
}

/// The log of one master.
pub struct Log {
    store: Arc<dyn Store>,
    incarnation: u64,
    /// This disk has taken part in a group, or was about to: it never founds one.
    joined: bool,
    /// A snapshot that was being installed when the process ended.
    installing: Option<Point>,
    /// The last entry before the log; `None` as long as this disk holds nothing of a group.
    base: Option<Point>,
    hard: HardState,
    /// Voters and learners at the applied index, for the library's start.
    conf: ConfState,
    /// First index of each run of entries with one term, ascending.
    runs: Vec<Point>,
    last: u64,
    cache: VecDeque<Entry>,
    cache_bytes: usize,
    snapshots: Mutex<Snapshots>,
}

/// The library asks for a snapshot, does without, and asks again.
#[derive(Default)]
struct Snapshots {
    prepared: Option<SnapshotMetadata>,
    wanted: bool,
}

fn entry_key(index: u64) -> Vec<u8> {
    [ENTRY, &index.to_be_bytes()].concat()
}

fn encode_point(point: Point) -> Vec<u8> {
    [point.index.to_be_bytes(), point.term.to_be_bytes()].concat()
}

fn decode_point(bytes: &[u8]) -> Option<Point> {
    let (index, term) = bytes.split_first_chunk::<8>()?;
    Some(Point { index: u64::from_be_bytes(*index), term: u64::from_be_bytes(term.try_into().ok()?) })
}

fn entry_bytes(entry: &Entry) -> usize {
    entry.data.len() + entry.context.len() + ENTRY_OVERHEAD
}

impl Log {
    /// Reads the log. A store that was never used gets an incarnation first.
    ///
    /// # Errors
    /// The disk failed, or what it holds has gaps or cannot be read.
    pub async fn open(env: &Env, store: Arc<dyn Store>) -> Result<Log, StoreError> {
        let bad = |key: &[u8]| damaged(format!("{} cannot be read", String::from_utf8_lossy(key)));
        let point = |key: &[u8]| store.get(key)?.map(|bytes| decode_point(&bytes).ok_or_else(|| bad(key))).transpose();
        let (base, installing) = (point(BASE)?, point(INSTALLING)?);
        let joined = store.get(JOINED)?.is_some();
        let hard = match store.get(HARD_STATE)? {
            Some(bytes) => HardState::decode(&bytes[..]).map_err(|_| bad(HARD_STATE))?,
            None => HardState::default(),
        };
        let incarnation = match store.get(INCARNATION)? {
            Some(bytes) => u64::from_be_bytes(bytes.try_into().map_err(|_| bad(INCARNATION))?),
            None => env.entropy.next_u64(Purpose::Incarnation),
        };
        // An earlier process may have ended because it could not sync: what it wrote is read here like everything else, and counts
        // only once it is on disk.
        let mut batch = Batch::default();
        batch.put(INCARNATION, incarnation.to_be_bytes());
        let durability =
            if mutant!("what an earlier process wrote is taken for synced") { Durability::Buffered } else { Durability::Synced };
        store.write(batch, durability).await?;
        let mut log = Log {
            store,
            incarnation,
            joined,
            installing,
            base,
            hard,
            conf: ConfState::default(),
            runs: Vec::new(),
            last: base.unwrap_or_default().index,
            cache: VecDeque::new(),
            cache_bytes: 0,
            snapshots: Mutex::default(),
        };
        log.load_entries()?;
        Ok(log)
    }

    fn load_entries(&mut self) -> Result<(), StoreError> {
        let mut from = Bound::Included(ENTRY.to_vec());
        loop {
            let pairs = self.store.scan(from.as_ref().map(Vec::as_slice), ENTRY_END, SCAN_ENTRIES)?;
            let Some((last_key, _)) = pairs.last() else { return Ok(()) };
            from = Bound::Excluded(last_key.clone());
            for (key, value) in pairs {
                let entry = Entry::decode(&value[..]).map_err(|_| damaged(format!("log entry {} cannot be read", self.last + 1)))?;
                if key != entry_key(self.last + 1) || entry.index != self.last + 1 {
                    return Err(damaged(format!("log entry {} is missing", self.last + 1)));
                }
                self.push(entry);
            }
        }
    }

    fn push(&mut self, entry: Entry) {
        assert_eq!(entry.index, self.last + 1, "the log has no gaps");
        self.last = entry.index;
        if self.runs.last().is_none_or(|run| run.term != entry.term) {
            self.runs.push(Point { index: entry.index, term: entry.term });
        }
        self.cache_bytes += entry_bytes(&entry);
        self.cache.push_back(entry);
        while self.cache_bytes > limits::LOG_CACHE_BYTES_MAX && self.cache.len() > 1 {
            let oldest = self.cache.pop_front().expect("it has more than one");
            self.cache_bytes -= entry_bytes(&oldest);
        }
    }

    /// Identity of this disk.
    pub fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// This disk has taken part in a group, or was about to.
    pub fn joined(&self) -> bool {
        self.joined
    }

    /// The last entry before the log; `None` as long as this disk holds nothing of a group.
    pub fn base(&self) -> Option<Point> {
        self.base
    }

    /// A snapshot that was being installed when the process ended.
    pub fn installing(&self) -> Option<Point> {
        self.installing
    }

    /// Index of the last entry.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The vote as last staged.
    pub fn hard_state(&self) -> &HardState {
        &self.hard
    }

    /// Sets where the state machine stands, before the library starts: what is applied is committed.
    pub fn start_at(&mut self, applied: u64, conf: ConfState) {
        assert!(applied <= self.last, "nothing is applied that the log does not hold");
        self.hard.commit = self.hard.commit.max(applied);
        self.conf = conf;
    }

    /// Entries replace what the log holds from their first index on.
    pub fn stage_entries(&mut self, batch: &mut Batch, entries: Vec<Entry>) {
        let Some(first) = entries.first().map(|entry| entry.index) else { return };
        assert!(first > self.base.unwrap_or_default().index, "entry {first} was compacted");
        if first <= self.last {
            batch.delete_range(entry_key(first), entry_key(self.last + 1));
            self.truncate(first);
        }
        for entry in entries {
            batch.put(entry_key(entry.index), entry.encode_to_vec());
            self.push(entry);
        }
    }

    /// Forgets entries from `first` on.
    fn truncate(&mut self, first: u64) {
        while self.cache.back().is_some_and(|entry| entry.index >= first) {
            let gone = self.cache.pop_back().expect("it has a last entry");
            self.cache_bytes -= entry_bytes(&gone);
        }
        while self.runs.last().is_some_and(|run| run.index >= first) {
            self.runs.pop();
        }
        self.last = first - 1;
    }

    /// Term, vote and commit index.
    pub fn stage_hard_state(&mut self, batch: &mut Batch, hard: HardState) {
        if hard != self.hard {
            batch.put(HARD_STATE, hard.encode_to_vec());
            self.hard = hard;
        }
    }

    /// From now on this disk never founds a group.
    pub fn stage_joined(&mut self, batch: &mut Batch) {
        batch.put(JOINED, []);
        self.joined = true;
    }

    /// A snapshot of `point` is about to be installed.
    pub fn stage_installing(&mut self, batch: &mut Batch, point: Point) {
        batch.put(INSTALLING, encode_point(point));
        self.installing = Some(point);
    }

    /// The snapshot that was being installed never was.
    pub fn stage_not_installed(&mut self, batch: &mut Batch) {
        batch.delete(INSTALLING);
        self.installing = None;
    }

    /// The log begins anew behind `point`: the state machine holds everything up to there.
    pub fn stage_base(&mut self, batch: &mut Batch, point: Point) {
        batch.delete_range(ENTRY, ENTRY_END);
        batch.put(BASE, encode_point(point));
        self.stage_not_installed(batch);
        self.base = Some(point);
        self.last = point.index;
        self.runs.clear();
        self.cache.clear();
        self.cache_bytes = 0;
        let commit = self.hard.commit.max(point.index);
        self.stage_hard_state(batch, HardState { commit, ..self.hard.clone() });
    }

    /// Drops entries up to and including `index`.
    pub fn stage_compaction(&mut self, batch: &mut Batch, index: u64) {
        let base = self.base.unwrap_or_default();
        if index <= base.index {
            return;
        }
        let term = self.term(index).expect("only what the log holds is compacted");
        batch.delete_range(entry_key(base.index), entry_key(index + 1));
        batch.put(BASE, encode_point(Point { index, term }));
        self.base = Some(Point { index, term });
        while self.cache.front().is_some_and(|entry| entry.index <= index) {
            let gone = self.cache.pop_front().expect("it has a first entry");
            self.cache_bytes -= entry_bytes(&gone);
        }
        let kept = self.runs.partition_point(|run| run.index <= index + 1).saturating_sub(1);
        self.runs.drain(..kept);
        if self.last == index {
            self.runs.clear();
        }
    }

    /// The library asked for a snapshot that was not there.
    pub fn take_snapshot_wish(&mut self) -> bool {
        let snapshots = self.snapshots.get_mut().expect("no holder panics");
        std::mem::take(&mut snapshots.wanted)
    }

    /// The snapshot that the library is given from now on.
    pub fn set_snapshot(&mut self, meta: Option<SnapshotMetadata>) {
        self.snapshots.get_mut().expect("no holder panics").prepared = meta;
    }

    fn read_entries(&self, low: u64, high: u64, bytes_max: u64) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::new();
        let mut bytes = 0;
        let mut from = Bound::Included(entry_key(low));
        while bytes <= bytes_max {
            let pairs = self.store.scan(from.as_ref().map(Vec::as_slice), &entry_key(high), SCAN_ENTRIES)?;
            let Some((last_key, _)) = pairs.last() else { break };
            from = Bound::Excluded(last_key.clone());
            for (_, value) in pairs {
                let entry = Entry::decode(&value[..]).map_err(|_| damaged(format!("a log entry in {low}..{high} cannot be read")))?;
                bytes += entry_bytes(&entry) as u64;
                entries.push(entry);
            }
        }
        match entries.first() {
            Some(first) if first.index == low => Ok(entries),
            _ => Err(damaged(format!("log entry {low} is missing"))),
        }
    }
}

fn damaged(reason: String) -> StoreError {
    StoreError { path: "raft log".into(), reason }
}

fn failed(error: StoreError) -> raft::Error {
    raft::Error::Store(StorageError::Other(Box::new(error)))
}

impl Storage for Log {
    fn initial_state(&self) -> raft::Result<RaftState> {
        Ok(RaftState::new(self.hard.clone(), self.conf.clone()))
    }

    fn entries(&self, low: u64, high: u64, max_size: impl Into<Option<u64>>, _: GetEntriesContext) -> raft::Result<Vec<Entry>> {
        if low <= self.base.unwrap_or_default().index {
            return Err(StorageError::Compacted.into());
        }
        assert!(high <= self.last + 1, "entries up to {high} of a log that ends at {}", self.last);
        let max_size = max_size.into();
        let mut entries = match self.cache.front().map(|entry| entry.index) {
            Some(first) if first <= low => {
                let mut bytes = 0;
                let within = |entry: &&Entry| {
                    bytes += entry_bytes(entry) as u64;
                    entry.index == low || max_size.is_none_or(|max| bytes <= max)
                };
                self.cache.range((low - first) as usize..(high - first) as usize).take_while(within).cloned().collect()
            }
            _ => self.read_entries(low, high, max_size.unwrap_or(u64::MAX)).map_err(failed)?,
        };
        raft::util::limit_size(&mut entries, max_size);
        Ok(entries)
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        let base = self.base.unwrap_or_default();
        if index == base.index {
            return Ok(base.term);
        }
        if index < base.index {
            return Err(StorageError::Compacted.into());
        }
        if index > self.last {
            return Err(StorageError::Unavailable.into());
        }
        let run = self.runs.partition_point(|run| run.index <= index);
        Ok(self.runs[run - 1].term)
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.base.unwrap_or_default().index + 1)
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.last)
    }

    /// The metadata only: the contents travel beside the library. A snapshot from before a master was added is of no use to it.
    fn snapshot(&self, request_index: u64, to: u64) -> raft::Result<Snapshot> {
        let oldest = request_index.max(self.base.unwrap_or_default().index);
        let names = |conf: &ConfState| conf.voters.contains(&to) || conf.learners.contains(&to);
        let mut snapshots = self.snapshots.lock().expect("no holder panics");
        match &snapshots.prepared {
            Some(meta) if meta.index >= oldest && meta.conf_state.as_ref().is_some_and(names) => {
                Ok(Snapshot { metadata: Some(meta.clone()), data: Vec::new() })
            }
            _ => {
                snapshots.wanted = true;
                Err(StorageError::SnapshotTemporarilyUnavailable.into())
            }
        }
    }
}

#[cfg(all(test, feature = "production"))]
mod tests {
    use super::*;
    use crate::env::tokio::production;
    use std::path::Path;

    async fn open(dir: &Path) -> Log {
        let env = production();
        let store = env.storage.open(dir).await.unwrap();
        Log::open(&env, store).await.unwrap()
    }

    fn entry(index: u64, term: u64) -> Entry {
        Entry { index, term, data: vec![7; 10], ..Default::default() }
    }

    async fn change(log: &mut Log, stage: impl FnOnce(&mut Log, &mut Batch)) {
        let mut batch = Batch::default();
        stage(log, &mut batch);
        log.store.write(batch, Durability::Synced).await.unwrap();
    }

    /// (index, term) of all entries, as the library reads them.
    fn contents(log: &Log) -> Vec<(u64, u64)> {
        let (first, last) = (log.first_index().unwrap(), log.last_index().unwrap());
        let entries = log.entries(first, last + 1, None, GetEntriesContext::empty(false)).unwrap();
        for entry in &entries {
            assert_eq!(log.term(entry.index), Ok(entry.term));
        }
        entries.iter().map(|entry| (entry.index, entry.term)).collect()
    }

    #[tokio::test]
    async fn a_restart_finds_entries_vote_and_identity_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = open(dir.path()).await;
        let incarnation = log.incarnation();
        let hard = HardState { term: 3, vote: 2, commit: 6 };
        change(&mut log, |log, batch| {
            log.stage_base(batch, Point { index: 4, term: 1 });
            log.stage_entries(batch, vec![entry(5, 1), entry(6, 3), entry(7, 3)]);
            log.stage_hard_state(batch, hard.clone());
            log.stage_joined(batch);
        })
        .await;
        drop(log);
        let log = open(dir.path()).await;
        assert_eq!((log.incarnation(), log.joined(), log.hard_state()), (incarnation, true, &hard));
        assert_eq!(contents(&log), [(5, 1), (6, 3), (7, 3)]);
        assert_eq!((log.term(4), log.term(8)), (Ok(1), Err(StorageError::Unavailable.into())));
    }

    #[tokio::test]
    async fn entries_of_a_new_leader_replace_the_tail() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = open(dir.path()).await;
        change(&mut log, |log, batch| log.stage_entries(batch, (1..=9).map(|index| entry(index, 1 + index / 4)).collect())).await;
        change(&mut log, |log, batch| log.stage_entries(batch, vec![entry(4, 5), entry(5, 5)])).await;
        let expected = [(1, 1), (2, 1), (3, 1), (4, 5), (5, 5)];
        assert_eq!(contents(&log), expected);
        drop(log);
        assert_eq!(contents(&open(dir.path()).await), expected);
    }

    #[tokio::test]
    async fn compaction_keeps_the_term_of_the_last_entry_it_drops() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = open(dir.path()).await;
        change(&mut log, |log, batch| log.stage_entries(batch, vec![entry(1, 1), entry(2, 2), entry(3, 2), entry(4, 3)])).await;
        change(&mut log, |log, batch| log.stage_compaction(batch, 2)).await;
        assert_eq!((log.term(1), log.term(2)), (Err(StorageError::Compacted.into()), Ok(2)));
        assert_eq!(contents(&log), [(3, 2), (4, 3)]);
        change(&mut log, |log, batch| log.stage_compaction(batch, 4)).await;
        assert_eq!((log.first_index(), log.last_index(), log.term(4)), (Ok(5), Ok(4), Ok(3)));
        change(&mut log, |log, batch| log.stage_entries(batch, vec![entry(5, 3)])).await;
        drop(log);
        let log = open(dir.path()).await;
        assert_eq!((contents(&log), log.term(4)), (vec![(5, 3)], Ok(3)));
    }

    #[tokio::test]
    async fn a_snapshot_empties_the_log_and_never_lowers_the_commit_index() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = open(dir.path()).await;
        change(&mut log, |log, batch| {
            log.stage_entries(batch, vec![entry(1, 1), entry(2, 1)]);
            log.stage_installing(batch, Point { index: 9, term: 4 });
        })
        .await;
        drop(log);
        let mut log = open(dir.path()).await;
        assert_eq!(log.installing(), Some(Point { index: 9, term: 4 }));
        change(&mut log, |log, batch| log.stage_base(batch, Point { index: 9, term: 4 })).await;
        drop(log);
        let log = open(dir.path()).await;
        assert_eq!((log.installing(), log.hard_state().commit), (None, 9));
        assert_eq!((log.first_index(), log.last_index(), log.term(9)), (Ok(10), Ok(9), Ok(4)));
    }

    #[tokio::test]
    async fn entries_that_left_the_cache_are_read_from_the_store() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = open(dir.path()).await;
        let big = |index| Entry { data: vec![0; limits::LOG_CACHE_BYTES_MAX / 4], ..entry(index, 1) };
        change(&mut log, |log, batch| log.stage_entries(batch, (1..=8).map(big).collect())).await;
        assert!(log.cache.len() < 5, "the cache is bounded");
        let read = |low, max: Option<u64>| log.entries(low, 9, max, GetEntriesContext::empty(false)).unwrap().len();
        assert_eq!((read(1, None), read(1, Some(0)), read(8, Some(0))), (8, 1, 1));
    }

    #[tokio::test]
    async fn a_gap_is_damage() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = open(dir.path()).await;
        change(&mut log, |log, batch| log.stage_entries(batch, vec![entry(1, 1), entry(2, 1), entry(3, 1)])).await;
        change(&mut log, |_, batch| batch.delete(entry_key(2))).await;
        drop(log);
        let env = production();
        let store = env.storage.open(dir.path()).await.unwrap();
        let error = Log::open(&env, store).await.err().expect("it has a gap");
        assert!(error.reason.contains("log entry 2 is missing"), "{error}");
    }

    #[tokio::test]
    async fn a_wanted_snapshot_is_told_once_and_given_when_it_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = open(dir.path()).await;
        assert!(!log.take_snapshot_wish());
        assert!(log.snapshot(0, 2).is_err());
        assert!(log.take_snapshot_wish() && !log.take_snapshot_wish());
        let conf_state = Some(ConfState { voters: vec![1, 2], ..Default::default() });
        log.set_snapshot(Some(SnapshotMetadata { index: 5, conf_state, ..Default::default() }));
        assert_eq!(log.snapshot(0, 2).unwrap().get_metadata().index, 5);
        assert!(log.snapshot(6, 2).is_err(), "it is too old");
        assert!(log.snapshot(0, 3).is_err(), "it is from before master 3 was added");
    }
}
