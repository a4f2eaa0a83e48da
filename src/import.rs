//! From the store of a stopped master to the first snapshot of a new cluster (v3.5.3 state-machine.md §13).
//!
//! [`examine`] reads the source record by record and says what it holds; [`copy`] writes it into an empty store. From the first write to
//! the last the target says that it is not whole, and no master starts on it.
//!
//! Pairs are kept byte by byte, those of unknown kinds and those that cannot be read too. Left out is only what a group of cfs-masters
//! noted about itself: its members and the revisions of its records. The applied index is kept: the new group's log begins behind it.

use crate::env::storage::{each_piece, piece_after, Pair};
use crate::env::{Batch, Durability, Store, StoreError, View};
use crate::ids::Index;
use crate::model::{key, Key};
use crate::state::{invariants, LoadError, State};
use std::collections::BTreeMap;
use std::fmt;

/// Why a store is not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the source cannot be carried on: {0}")]
    State(#[from] LoadError),
    #[error("the source has no applied index: it is no master's store, or its master stopped while it took a snapshot")]
    NoIndex,
    #[error("the source is the target of an import from {0} that has not finished")]
    HalfImported(String),
    #[error("the source is of the cluster {found:?}, and clusterName is {wanted:?}")]
    OtherCluster { found: String, wanted: String },
    #[error("the target holds something already")]
    TargetInUse,
    #[error("the target differs from the source at {0}")]
    Differs(String),
}

/// What a store holds. Keys are shown as text, other bytes escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub applied: Index,
    /// Number of records by the beginning of their keys.
    pub kinds: BTreeMap<String, usize>,
    /// Keys of no kind that we know, with the bytes of their values: kept as they are.
    pub unknown: Vec<(String, usize)>,
    /// Keys whose value is not the record that they promise, and why.
    pub unreadable: Vec<(String, String)>,
    /// Pairs about a group of cfs-masters.
    pub left_out: usize,
    /// What every state of a cluster satisfies and this one does not; the new masters work with it all the same.
    pub odd: Vec<String>,
}

impl Findings {
    /// Number of pairs that [`copy`] writes, the applied index among them.
    pub fn kept(&self) -> usize {
        self.kinds.values().sum::<usize>() + self.unknown.len() + self.unreadable.len() + 1
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "applied index {}", self.applied)?;
        for (kind, count) in &self.kinds {
            writeln!(f, "{count:9} {kind}")?;
        }
        for (key, bytes) in &self.unknown {
            writeln!(f, "unknown:    {key}: {bytes} bytes under a key of no known kind, kept as they are")?;
        }
        for (key, why) in &self.unreadable {
            writeln!(f, "unreadable: {key}: {why}")?;
        }
        for what in &self.odd {
            writeln!(f, "odd:        {what}")?;
        }
        if self.left_out > 0 {
            writeln!(f, "left out:   {} notes of a group of cfs-masters about itself", self.left_out)?;
        }
        writeln!(f, "{} records, {} of unknown kinds, {} unreadable", self.kept() - 1, self.unknown.len(), self.unreadable.len())
    }
}

/// Reads every record. `cluster` is the name that the new masters have.
///
/// # Errors
/// The store cannot be read or carried on, or it is of another cluster.
pub fn examine(source: &dyn View, cluster: &str) -> Result<Findings, ImportError> {
    if let Some(from) = source.get(key::IMPORTING.as_bytes())? {
        return Err(ImportError::HalfImported(shown(&from)));
    }
    if source.get(key::APPLIED.as_bytes())?.is_none() {
        return Err(ImportError::NoIndex);
    }
    let (mut state, mut kinds, mut left_out) = (State::new(), BTreeMap::<String, usize>::new(), 0);
    each_piece(source, |mut pairs| {
        let all = pairs.len();
        pairs.retain(|(key, _)| is_kept(key));
        left_out += all - pairs.len();
        for key in pairs.iter().filter_map(|(key, _)| std::str::from_utf8(key).ok()).filter_map(Key::parse) {
            *kinds.entry(kind(&key)).or_default() += 1;
        }
        state.load_more(pairs).map_err(ImportError::from)
    })?;
    if let Some((found, _)) = state.clusters.get_min().filter(|_| !state.clusters.contains_key(cluster)) {
        return Err(ImportError::OtherCluster { found: found.clone(), wanted: cluster.to_owned() });
    }
    for key in state.unreadable.keys().filter_map(|key| std::str::from_utf8(key).ok()).filter_map(Key::parse) {
        let kind = kind(&key);
        if let Some(count) = kinds.get_mut(&kind) {
            *count -= 1;
        }
    }
    kinds.retain(|_, count| *count > 0);
    let odd = invariants::ALWAYS.iter().filter_map(|holds| holds(&state).err()).map(|violation| violation.what);
    Ok(Findings {
        applied: state.applied,
        unknown: state.raw.iter().map(|(key, value)| (shown(key), value.len())).collect(),
        unreadable: state.unreadable.iter().map(|(key, bad)| (shown(key), bad.reason.clone())).collect(),
        odd: odd.collect(),
        kinds,
        left_out,
    })
}

/// Copies what is kept into an empty store and compares the two, pair by pair. `from` names the source, for whoever finds the target half
/// filled. Returns the number of pairs.
///
/// # Errors
/// A store failed, or the target was not empty. What was written stays, and no master starts on it.
pub async fn copy(source: &dyn View, target: &dyn Store, from: &str) -> Result<usize, ImportError> {
    if !piece_after(target, None)?.is_empty() {
        return Err(ImportError::TargetInUse);
    }
    let mut begun = Batch::default();
    begun.put(key::IMPORTING, from);
    target.write(begun, Durability::Synced).await?;
    let mut last = None;
    loop {
        let pairs = piece_after(source, last.as_deref())?;
        let Some((key, _)) = pairs.last() else { break };
        last = Some(key.clone());
        let mut batch = Batch::default();
        for (key, value) in pairs.into_iter().filter(|(key, _)| is_kept(key)) {
            batch.put(key, value);
        }
        target.write(batch, Durability::Buffered).await?;
    }
    let copied = compare(source, target)?;
    let mut done = Batch::default();
    done.delete(key::IMPORTING);
    target.write(done, Durability::Synced).await?;
    Ok(copied)
}

/// The number of pairs that both hold.
fn compare(source: &dyn View, target: &(impl View + ?Sized)) -> Result<usize, ImportError> {
    let mut same = 0;
    each_piece(source, |pairs| {
        for (key, value) in pairs.into_iter().filter(|(key, _)| is_kept(key)) {
            if target.get(&key)? != Some(value) {
                return Err(ImportError::Differs(shown(&key)));
            }
            same += 1;
        }
        Ok(())
    })?;
    let mut there = 0;
    each_piece(target, |pairs: Vec<Pair>| {
        there += pairs.len();
        Ok::<(), ImportError>(())
    })?;
    // The note that it is not whole is the one pair more.
    if there == same + 1 {
        Ok(same)
    } else {
        Err(ImportError::Differs("keys that the source does not have".into()))
    }
}

fn is_kept(key: &[u8]) -> bool {
    key != key::MEMBERSHIP.as_bytes() && !key.starts_with(key::REVISION_PREFIX.as_bytes())
}

/// The beginning of a key that tells its kind: `#dp#`.
fn kind(key: &Key) -> String {
    if matches!(key, Key::Counter(_)) {
        return "last ids".into();
    }
    let text = key.to_string();
    let end = text.match_indices('#').map(|(at, _)| at + 1).find(|end| *end > 1).unwrap_or(text.len());
    text[..end].to_owned()
}

fn shown(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.escape_ascii().to_string(), str::to_owned)
}

#[cfg(all(test, feature = "production"))]
mod tests {
    use super::*;
    use crate::env::tokio::production;
    use crate::env::BoxFuture;
    use std::ops::Bound;
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::Arc;

    async fn store(dir: &Path, pairs: &[(&str, &str)]) -> Arc<dyn Store> {
        let store = production().storage.open(dir).await.unwrap();
        let mut batch = Batch::default();
        for (key, value) in pairs {
            batch.put(*key, *value);
        }
        store.write(batch, Durability::Synced).await.unwrap();
        store
    }

    fn pairs(view: &dyn View) -> Vec<Pair> {
        view.scan(Bound::Unbounded, &[], usize::MAX).unwrap()
    }

    const GO: &[(&str, &str)] =
        &[("applied", "7"), ("#c#old", "{\"Name\":\"old\"}"), ("#max_common_id", "3"), ("#new#1", "?"), ("#vol#3", "{\"Id\":3,\"Na")];

    #[tokio::test]
    async fn what_cannot_be_read_and_what_is_not_known_is_named_by_key() {
        let dir = tempfile::tempdir().unwrap();
        let source = store(dir.path(), GO).await;
        let findings = examine(&*source, "old").unwrap();
        assert_eq!(findings.applied, Index(7));
        assert_eq!(findings.unknown, [("#new#1".to_owned(), 1)]);
        assert_eq!(findings.unreadable.len(), 1);
        assert_eq!(findings.unreadable[0].0, "#vol#3");
        assert_eq!(findings.kinds, BTreeMap::from([("#c#".to_owned(), 1), ("last ids".to_owned(), 1)]));
        assert_eq!(findings.kept(), 5);
        assert!(findings.to_string().ends_with("4 records, 1 of unknown kinds, 1 unreadable\n"), "{findings}");
    }

    #[tokio::test]
    async fn a_store_that_cannot_be_carried_on_is_refused() {
        for (pairs, why) in [
            (&[("#c#old", "{\"Name\":\"old\"}")][..], "no applied index"),
            (&[("applied", "x")][..], "applied is damaged"),
            (&[("applied", "7"), ("#max_dp_id", "")][..], "#max_dp_id is damaged"),
            (&[("applied", "7"), ("#c#other", "{\"Name\":\"other\"}")][..], "cluster \"other\", and clusterName is \"old\""),
            (&[("applied", "7"), (key::IMPORTING, "/go/store")][..], "an import from /go/store that has not finished"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let refused = examine(&*store(dir.path(), pairs).await, "old").unwrap_err().to_string();
            assert!(refused.contains(why), "{refused:?} does not say {why:?}");
        }
    }

    #[tokio::test]
    async fn a_copy_holds_every_pair_but_the_notes_of_a_group_about_itself() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let own = [(key::MEMBERSHIP, "m"), ("~rev##vol#3", "5"), ("~gone#dp#9", "{}")];
        let source = store(from.path(), &[GO, &own].concat()).await;
        let target = store(to.path(), &[]).await;
        assert_eq!(examine(&*source, "old").unwrap().left_out, 2);
        assert_eq!(copy(&*source, &*target, "from").await.unwrap(), 6);
        let kept: Vec<Pair> = pairs(&*source).into_iter().filter(|(key, _)| is_kept(key)).collect();
        assert_eq!(pairs(&*target), kept);
        assert!(matches!(copy(&*source, &*target, "from").await, Err(ImportError::TargetInUse)));
    }

    /// A disk that fails after some writes.
    struct Failing {
        disk: Arc<dyn Store>,
        writes_left: AtomicUsize,
    }

    impl View for Failing {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            self.disk.get(key)
        }

        fn scan(&self, from: Bound<&[u8]>, to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError> {
            self.disk.scan(from, to, limit)
        }
    }

    impl Store for Failing {
        fn write(&self, batch: Batch, durability: Durability) -> BoxFuture<'_, Result<(), StoreError>> {
            let left = self.writes_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            match left {
                Ok(_) => self.disk.write(batch, durability),
                Err(_) => Box::pin(async { Err(StoreError { path: "target".into(), reason: "full".into() }) }),
            }
        }

        fn view(&self) -> Arc<dyn View> {
            self.disk.view()
        }

        fn install(&self, _: Vec<Pair>) -> BoxFuture<'_, Result<(), StoreError>> {
            unreachable!("an import writes batches")
        }
    }

    #[tokio::test]
    async fn a_copy_that_broke_off_says_so_in_the_target_however_far_it_got() {
        let from = tempfile::tempdir().unwrap();
        let source = store(from.path(), GO).await;
        for writes in 1..3 {
            let to = tempfile::tempdir().unwrap();
            let target = Failing { disk: store(to.path(), &[]).await, writes_left: AtomicUsize::new(writes) };
            assert!(copy(&*source, &target, "/go/store").await.is_err());
            assert_eq!(target.get(key::IMPORTING.as_bytes()).unwrap().unwrap(), b"/go/store", "after {writes} writes");
            let refused = crate::master::machine::Machine::load(target.disk).err().expect("no master starts on it").to_string();
            assert!(refused.contains("part of /go/store") && refused.contains("run the import again"), "{refused}");
        }
    }
}
