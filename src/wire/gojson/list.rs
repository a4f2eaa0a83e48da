//! A Go slice: nil and empty are different on the wire (`null`, `[]`) and the same to readers.
//!
//! Must not know: what the items are.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::{Deref, DerefMut};

/// A list that keeps whether it was nil. Collecting nothing gives nil, as appending nothing to a nil slice does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct List<T>(Option<Vec<T>>);

impl<T> List<T> {
    /// `null`.
    pub const NIL: Self = Self(None);
    /// `[]`.
    pub const EMPTY: Self = Self(Some(Vec::new()));

    pub const fn is_nil(&self) -> bool {
        self.0.is_none()
    }

    pub fn into_vec(self) -> Vec<T> {
        self.0.unwrap_or_default()
    }

    pub fn push(&mut self, item: T) {
        self.0.get_or_insert_with(Vec::new).push(item);
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self::NIL
    }
}

impl<T> Deref for List<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl<T> DerefMut for List<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.0.as_deref_mut().unwrap_or_default()
    }
}

/// Keeps an empty vector as `[]`.
impl<T> From<Vec<T>> for List<T> {
    fn from(items: Vec<T>) -> Self {
        Self(Some(items))
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let items: Vec<T> = items.into_iter().collect();
        Self(if items.is_empty() { None } else { Some(items) })
    }
}

impl<T> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;
    fn into_iter(self) -> Self::IntoIter {
        self.into_vec().into_iter()
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Serialize> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(items) => items.serialize(serializer),
            None => serializer.serialize_unit(),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self)
    }
}
