//! From stored pairs to a state: at start, and when a snapshot is installed.

use super::stamps::Stamp;
use super::{digest, State, UnreadableValue};
use crate::env::storage::{Pair, StoreError, View};
use crate::ids::Index;
use crate::model::{key, Counter};
use std::ops::Bound;

/// Pairs read from a store at a time.
const SCAN_PAIRS: usize = 4096;

/// A state that cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Without this value what is there cannot be carried on safely.
    #[error("the value of {key} is damaged: {value:?}")]
    Damaged { key: String, value: String },
}

impl State {
    /// The state that these pairs, in the order of their keys, are. A record that does not parse is kept and listed
    /// (`unreadable`). Errors: the applied index, a counter or a revision does not parse.
    pub fn from_pairs(pairs: impl IntoIterator<Item = Pair>) -> Result<Self, LoadError> {
        let mut state = Self::new();
        for (key, value) in pairs {
            state.load(key, value)?;
        }
        Ok(state)
    }

    /// The state that a store holds. Errors: those of the store, and those of [`State::from_pairs`].
    pub fn from_store(store: &dyn View) -> Result<Self, LoadError> {
        let mut state = Self::new();
        each_chunk(store, |pairs| pairs.into_iter().try_for_each(|(key, value)| state.load(key, value)))?;
        Ok(state)
    }

    fn load(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<(), LoadError> {
        let text = std::str::from_utf8(&key).unwrap_or_default();
        if text == key::APPLIED {
            self.contents.applied = Index(number(text, &value)?);
            return Ok(());
        }
        if text == key::MEMBERSHIP {
            self.contents.membership = Some(value.into());
            return Ok(());
        }
        if let Some(of) = text.strip_prefix(key::REVISION_PREFIX) {
            let revision = number(text, &value)?;
            // Revisions sort after the keys they are of. One without a key is left by a v3.5.3 that deleted the record.
            if let Some(stamp) = self.stamps.get(of.as_bytes()) {
                self.stamp(of.as_bytes(), Some(Stamp { revision, ..stamp }));
            }
            return Ok(());
        }
        if Counter::with_key(text).is_some() {
            number(text, &value)?;
        }
        let stamp = Stamp { revision: 0, pair: digest::of_pair(&key, &value) };
        let value = value.into();
        if let Err(reason) = self.put_record(&key, &value) {
            self.contents.unreadable.insert(key.clone(), UnreadableValue { value, reason });
        }
        self.stamp(&key, Some(stamp));
        Ok(())
    }
}

/// All pairs of a store in the order of their keys: a snapshot for another master.
pub fn all_pairs(store: &dyn View) -> Result<Vec<Pair>, StoreError> {
    let mut all = Vec::new();
    each_chunk(store, |mut pairs| {
        all.append(&mut pairs);
        Ok::<(), StoreError>(())
    })?;
    Ok(all)
}

fn each_chunk<E: From<StoreError>>(store: &dyn View, mut visit: impl FnMut(Vec<Pair>) -> Result<(), E>) -> Result<(), E> {
    let mut last: Option<Vec<u8>> = None;
    loop {
        let from = last.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let pairs = store.scan(from, &[], SCAN_PAIRS)?;
        let Some((key, _)) = pairs.last() else { return Ok(()) };
        last = Some(key.clone());
        visit(pairs)?;
    }
}

fn number(key: &str, value: &[u8]) -> Result<u64, LoadError> {
    let text = String::from_utf8_lossy(value);
    text.parse().map_err(|_| LoadError::Damaged { key: key.to_owned(), value: text.into_owned() })
}
