//! What applying changes in the store.
//!
//! Must not know: how and when it is written.

/// Changes of the store that happen together, in order. `None` deletes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writes(pub Vec<(Vec<u8>, Option<Vec<u8>>)>);

impl Writes {
    pub(super) fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.0.push((key.into(), Some(value.into())));
    }

    pub(super) fn delete(&mut self, key: impl Into<Vec<u8>>) {
        self.0.push((key.into(), None));
    }
}
