//! The disk of a host: ordered maps with the crash semantics that the Storage seam promises. What was synced stays; of
//! the batches after that a crash keeps a random number of the first ones, whole and in order. Nothing is kinder than a
//! real disk: a buffered batch is never durable before someone synced.

use super::probe::{Place, Point, Seen, Verdict};
use super::trace::{hash_bytes, hash_word, What};
use super::{HostId, Shared};
use cfs_master::env::storage::Pair;
use cfs_master::env::{Batch, BoxFuture, Durability, Op, Storage, Store, StoreError, View};
use imbl::OrdMap;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Map = OrdMap<Vec<u8>, Arc<[u8]>>;

/// What the program of a host is told to do when it is dead: nothing, for ever.
async fn dead<T>() -> T {
    std::future::pending().await
}

/// One store's files.
#[derive(Clone, Default)]
struct Files {
    /// What a crash cannot take away.
    durable: Map,
    /// Batches written after that, oldest first, with their numbers.
    buffered: VecDeque<(u64, Batch)>,
    /// What reads see.
    current: Map,
    last: u64,
    /// The opening that holds the directory's lock.
    opened: Option<u64>,
    /// A disk error was reported: nothing more may be written in this opening.
    failed: bool,
    /// Grows whenever anything here changes.
    changes: u64,
    /// When the last sync ends; syncs of one store end in order.
    sync_ends: Duration,
}

/// Which contents of a store an onlooker means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// What the program reads.
    Current,
    /// What no crash can take away.
    Durable,
}

impl Files {
    fn of(&self, contents: Contents) -> &Map {
        match contents {
            Contents::Current => &self.current,
            Contents::Durable => &self.durable,
        }
    }

    fn apply(map: &mut Map, batch: &Batch) {
        for op in &batch.ops {
            match op {
                Op::Put { key, value } => {
                    map.insert(key.clone(), value.as_slice().into());
                }
                Op::Delete { key } => {
                    map.remove(key);
                }
                Op::DeleteRange { from, to } => {
                    let range = (Bound::Included(from.as_slice()), Bound::Excluded(to.as_slice()));
                    if from < to {
                        let keys: Vec<Vec<u8>> = map.range::<_, [u8]>(range).map(|(k, _)| k.clone()).collect();
                        for key in keys {
                            map.remove(&key);
                        }
                    }
                }
            }
        }
    }

    /// Everything up to batch `last` becomes durable. Returns how many batches did.
    fn sync(&mut self, last: u64) -> usize {
        let before = self.buffered.len();
        self.changes += 1;
        if self.last <= last {
            self.durable = self.current.clone();
            self.buffered.clear();
        } else {
            while self.buffered.front().is_some_and(|(number, _)| *number <= last) {
                let (_, batch) = self.buffered.pop_front().expect("just seen");
                Self::apply(&mut self.durable, &batch);
            }
        }
        before - self.buffered.len()
    }
}

/// The contents of a whole disk, to be put back later or elsewhere.
#[derive(Clone, Default)]
pub struct Image {
    stores: BTreeMap<PathBuf, Map>,
}

#[derive(Default)]
struct State {
    stores: BTreeMap<PathBuf, Files>,
    openings: u64,
    /// How often another disk was put in.
    replaced: u64,
    full: bool,
}

/// A host's disk. It outlives the host's programs.
pub struct Disk {
    host: HostId,
    shared: Arc<Shared>,
    state: Mutex<State>,
}

impl Disk {
    pub fn new(host: HostId, shared: Arc<Shared>) -> Self {
        Self { host, shared, state: Mutex::default() }
    }

    /// The power goes (or the program is killed, and the page cache with it): unsynced batches are lost, all but a random
    /// number of the first ones of each store.
    pub fn crash(&self) {
        let mut state = self.state.lock().expect("lock");
        for (dir, files) in &mut state.stores {
            let kept = self.shared.draw("disk crash", self.host, |stream| match stream.below(4) {
                0 => 0,
                1 => files.buffered.len(),
                _ => stream.below(files.buffered.len() as u64 + 1) as usize,
            });
            let last = if kept == 0 { None } else { files.buffered.get(kept - 1).map(|(number, _)| *number) };
            let lost = files.buffered.len() - kept;
            if let Some(last) = last {
                files.sync(last);
            }
            files.buffered.clear();
            files.current = files.durable.clone();
            files.changes += 1;
            files.opened = None;
            files.failed = false;
            files.sync_ends = Duration::ZERO;
            self.shared.event(Some(self.host), What::Lost { store: name(dir), batches: lost });
        }
    }

    /// The program was killed but the machine runs on: nothing is lost, the locks are free.
    pub fn release(&self) {
        for files in self.state.lock().expect("lock").stores.values_mut() {
            files.opened = None;
            files.failed = false;
        }
    }

    /// No room for another batch from now on, or room again.
    pub fn set_full(&self, full: bool) {
        self.state.lock().expect("lock").full = full;
    }

    /// What a crash would leave for sure.
    pub fn image(&self) -> Image {
        let state = self.state.lock().expect("lock");
        Image { stores: state.stores.iter().map(|(dir, files)| (dir.clone(), files.durable.clone())).collect() }
    }

    /// Puts another disk in (an empty one, an old one, another host's). Only while no program runs.
    pub fn replace(&self, image: Image) {
        let mut state = self.state.lock().expect("lock");
        assert!(state.stores.values().all(|files| files.opened.is_none()), "the disk is in use");
        state.replaced += 1;
        state.stores =
            image.stores.into_iter().map(|(dir, map)| (dir, Files { durable: map.clone(), current: map, ..Files::default() })).collect();
    }

    /// Reads a store from outside, as the checks do: what the program would see.
    pub fn read(&self, dir: &Path) -> Option<Vec<Pair>> {
        let state = self.state.lock().expect("lock");
        state.stores.get(dir).map(|files| files.current.iter().map(|(k, v)| (k.clone(), v.to_vec())).collect())
    }

    /// Part of a store from outside: the pairs of keys in `from..to`.
    pub fn range(&self, dir: &Path, contents: Contents, from: &[u8], to: &[u8]) -> Vec<(Vec<u8>, Arc<[u8]>)> {
        let state = self.state.lock().expect("lock");
        let Some(files) = state.stores.get(dir) else { return Vec::new() };
        let bounds = (Bound::Included(from), Bound::Excluded(to));
        files.of(contents).range::<_, [u8]>(bounds).map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// One value of a store from outside.
    pub fn value(&self, dir: &Path, contents: Contents, key: &[u8]) -> Option<Arc<[u8]>> {
        self.state.lock().expect("lock").stores.get(dir)?.of(contents).get(key).cloned()
    }

    /// Another number whenever anything in a store has changed.
    pub fn version(&self, dir: &Path) -> (u64, u64) {
        let state = self.state.lock().expect("lock");
        let changes = state.stores.get(dir).map_or(0, |files| files.changes);
        (state.replaced, changes)
    }

    /// Overwrites a stored value behind the program's back; false when the key is not there. Only while no program runs.
    pub fn corrupt(&self, dir: &Path, key: &[u8], value: &[u8]) -> bool {
        let mut state = self.state.lock().expect("lock");
        let Some(files) = state.stores.get_mut(dir) else { return false };
        assert!(files.opened.is_none(), "the disk is in use");
        let found = files.durable.contains_key(key);
        if found {
            files.changes += 1;
            files.durable.insert(key.to_vec(), value.into());
            files.current = files.durable.clone();
        }
        found
    }
}

/// A store's name in the trace.
fn name(dir: &Path) -> u64 {
    hash_bytes(0, dir.as_os_str().as_encoded_bytes()) >> 48
}

fn hash_batch(batch: &Batch) -> u64 {
    batch.ops.iter().fold(0, |h, op| match op {
        Op::Put { key, value } => hash_bytes(hash_bytes(hash_word(h, 1), key), value),
        Op::Delete { key } => hash_bytes(hash_word(h, 2), key),
        Op::DeleteRange { from, to } => hash_bytes(hash_bytes(hash_word(h, 3), from), to),
    })
}

/// The Storage seam of one incarnation of one host.
pub struct DiskOf {
    pub disk: Arc<Disk>,
    /// False once the incarnation was killed.
    pub alive: Arc<AtomicBool>,
}

impl DiskOf {
    /// Takes the directory's lock.
    fn lock_dir(&self, dir: &Path) -> Result<OpenStore, StoreError> {
        let mut state = self.disk.state.lock().expect("lock");
        state.openings += 1;
        let opening = state.openings;
        let files = state.stores.entry(dir.to_path_buf()).or_default();
        if files.opened.is_some() {
            return Err(StoreError { path: dir.display().to_string(), reason: "locked by another opening".into() });
        }
        files.opened = Some(opening);
        Ok(OpenStore { disk: self.disk.clone(), alive: self.alive.clone(), dir: dir.to_path_buf(), opening })
    }
}

impl Storage for DiskOf {
    fn open<'a>(&'a self, dir: &'a Path) -> BoxFuture<'a, Result<Arc<dyn Store>, StoreError>> {
        Box::pin(async move {
            if !self.alive.load(Ordering::Relaxed) {
                return dead().await;
            }
            let shared = &self.disk.shared;
            if shared.probe.ask(self.disk.host, Point::OpenBegin, Place::Store(dir)) == Verdict::Crash {
                shared.crash(self.disk.host);
                return dead().await;
            }
            let takes = shared.draw("disk open", self.disk.host, |stream| stream.time(millis(1), millis(20)));
            shared.timers.sleep(takes).await;
            let store = self.lock_dir(dir)?;
            shared.probe.see(self.disk.host, dir, Seen::Opened);
            store.pass(Point::OpenEnd).await?;
            Ok(Arc::new(store) as Arc<dyn Store>)
        })
    }
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

struct OpenStore {
    disk: Arc<Disk>,
    alive: Arc<AtomicBool>,
    dir: PathBuf,
    opening: u64,
}

impl OpenStore {
    fn error(&self, reason: &str) -> StoreError {
        StoreError { path: self.dir.display().to_string(), reason: reason.into() }
    }

    fn alive(&self) -> bool {
        self.alive.load(Ordering::Relaxed)
    }

    /// The files, or an error when a disk error was reported before.
    fn with<T>(&self, f: impl FnOnce(&mut Files) -> T) -> Result<T, StoreError> {
        let mut state = self.disk.state.lock().expect("lock");
        match state.stores.get_mut(&self.dir) {
            Some(files) if files.opened == Some(self.opening) => match files.failed {
                true => Err(self.error("an earlier disk error")),
                false => Ok(f(files)),
            },
            _ => Err(self.error("no longer open")),
        }
    }

    fn fail(&self, reason: &str) -> StoreError {
        let _ = self.with(|files| files.failed = true);
        self.error(reason)
    }

    /// Asks the probe. `Ok(Some(stall))`: go on after so long; `Ok(None)`: the program is dead and never hears again.
    fn ask(&self, point: Point) -> Result<Option<Duration>, StoreError> {
        if !self.alive() {
            return Ok(None);
        }
        match self.disk.shared.probe.ask(self.disk.host, point, Place::Store(&self.dir)) {
            Verdict::Go => Ok(Some(Duration::ZERO)),
            Verdict::Stall(time) => Ok(Some(time)),
            Verdict::Fail => Err(self.fail("input/output error")),
            Verdict::Crash => {
                self.disk.shared.crash(self.disk.host);
                Ok(None)
            }
        }
    }

    async fn pass(&self, point: Point) -> Result<Duration, StoreError> {
        match self.ask(point)? {
            Some(stall) => Ok(stall),
            None => dead().await,
        }
    }

    /// Adds a batch behind all earlier ones; its number.
    fn append(&self, batch: Batch, synced: bool) -> Result<u64, StoreError> {
        if self.disk.state.lock().expect("lock").full {
            return Err(self.fail("no space left on device"));
        }
        let shared = &self.disk.shared;
        shared.event(Some(self.disk.host), What::Write { store: name(&self.dir), ops: batch.ops.len(), hash: hash_batch(&batch), synced });
        shared.probe.see(self.disk.host, &self.dir, Seen::Wrote(&batch));
        self.with(|files| {
            files.changes += 1;
            files.last += 1;
            Files::apply(&mut files.current, &batch);
            files.buffered.push_back((files.last, batch));
            files.last
        })
    }

    /// Waits as long as a sync takes, in the order of the syncs of this store.
    async fn spin(&self, stall: Duration) -> Result<(), StoreError> {
        let shared = &self.disk.shared;
        let takes = shared.draw("disk sync", self.disk.host, |stream| match stream.chance(20) {
            true => stream.time(millis(5), millis(80)),
            false => stream.time(Duration::from_micros(100), millis(3)),
        });
        let now = shared.timers.now();
        let ends = self.with(|files| {
            files.sync_ends = files.sync_ends.max(now + takes + stall);
            files.sync_ends
        })?;
        shared.timers.sleep_until(ends).await;
        match self.alive() {
            true => Ok(()),
            false => dead().await,
        }
    }
}

impl View for OpenStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|files| files.current.get(key).map(|value| value.to_vec()))
    }

    fn scan(&self, from: Bound<&[u8]>, to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError> {
        self.with(|files| scan(&files.current, from, to, limit))
    }
}

impl Store for OpenStore {
    /// Takes effect at the call, not at the first poll: the order is the order of the calls.
    fn write(&self, batch: Batch, durability: Durability) -> BoxFuture<'_, Result<(), StoreError>> {
        let begun = self.ask(Point::WriteBegin).and_then(|stall| match stall {
            Some(stall) => self.append(batch, durability == Durability::Synced).map(|number| Some((stall, number))),
            None => Ok(None),
        });
        let begun = begun.and_then(|begun| match (begun, durability) {
            (Some((stall, number)), Durability::Buffered) => Ok(self.ask(Point::WriteEnd)?.map(|more| (stall + more, number))),
            (begun, _) => Ok(begun),
        });
        Box::pin(async move {
            let Some((stall, number)) = begun? else { return dead().await };
            if durability == Durability::Buffered {
                if stall > Duration::ZERO {
                    self.disk.shared.timers.sleep(stall).await;
                }
                return Ok(());
            }
            let stall = stall + self.pass(Point::SyncBegin).await?;
            self.spin(stall).await?;
            let batches = self.with(|files| files.sync(number))?;
            self.disk.shared.event(Some(self.disk.host), What::Synced { store: name(&self.dir), batches });
            self.pass(Point::SyncEnd).await?;
            Ok(())
        })
    }

    fn view(&self) -> Arc<dyn View> {
        // A dead program's view is of no use to anybody, and a failed disk shows at the next write.
        let _ = self.ask(Point::View);
        Arc::new(Frozen(self.with(|files| files.current.clone()).unwrap_or_default()))
    }

    fn install(&self, pairs: Vec<Pair>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let stall = self.pass(Point::InstallBegin).await?;
            self.spin(stall).await?;
            let map: Map = pairs.into_iter().map(|(k, v)| (k, Arc::<[u8]>::from(v))).collect();
            self.with(|files| {
                files.changes += 1;
                files.buffered.clear();
                files.durable = map.clone();
                files.current = map;
            })?;
            self.disk.shared.event(Some(self.disk.host), What::Synced { store: name(&self.dir), batches: 0 });
            self.disk.shared.probe.see(self.disk.host, &self.dir, Seen::Installed);
            self.pass(Point::InstallEnd).await?;
            Ok(())
        })
    }
}

impl Drop for OpenStore {
    fn drop(&mut self) {
        let mut state = self.disk.state.lock().expect("lock");
        if let Some(files) = state.stores.get_mut(&self.dir) {
            if files.opened == Some(self.opening) {
                files.opened = None;
                files.failed = false;
            }
        }
    }
}

struct Frozen(Map);

impl View for Frozen {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.get(key).map(|value| value.to_vec()))
    }

    fn scan(&self, from: Bound<&[u8]>, to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError> {
        Ok(scan(&self.0, from, to, limit))
    }
}

fn scan(map: &Map, from: Bound<&[u8]>, to: &[u8], limit: usize) -> Vec<Pair> {
    let until = if to.is_empty() { Bound::Unbounded } else { Bound::Excluded(to) };
    let empty = match (from, until) {
        (Bound::Included(a) | Bound::Excluded(a), Bound::Excluded(b)) => a >= b,
        _ => false,
    };
    if empty {
        return Vec::new();
    }
    map.range::<_, [u8]>((from, until)).take(limit).map(|(k, v)| (k.clone(), v.to_vec())).collect()
}
