//! From stored pairs to a state: at start, and when a snapshot is installed.

use super::stamps::Stamp;
use super::{digest, State, UnreadableValue};
use crate::ids::Index;
use crate::model::{key, Counter};

/// A state that cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Without this value what is there cannot be carried on safely.
    #[error("the value of {key} is damaged: {value:?}")]
    Damaged { key: String, value: String },
}

impl State {
    /// The state that these pairs, in the order of their keys, are. A record that does not parse is kept and listed
    /// (`unreadable`). Errors: the applied index, a counter or a revision does not parse.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<Self, LoadError> {
        let mut state = Self::new();
        state.load_more(pairs)?;
        Ok(state)
    }

    /// Adds pairs whose keys come after those loaded so far: a store is read piece by piece. Errors: those of [`State::from_pairs`].
    pub fn load_more(&mut self, pairs: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<(), LoadError> {
        pairs.into_iter().try_for_each(|(key, value)| self.load(key, value))
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

fn number(key: &str, value: &[u8]) -> Result<u64, LoadError> {
    let text = String::from_utf8_lossy(value);
    text.parse().map_err(|_| LoadError::Damaged { key: key.to_owned(), value: text.into_owned() })
}
