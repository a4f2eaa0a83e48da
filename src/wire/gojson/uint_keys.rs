//! `#[serde(with = "uint_keys")]` for a map with number keys: decimal text, sorted as text ("10" before "9"), nil is `null`.
//!
//! Must not know: what the values are.

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// Writes the entries in the order of their key texts.
pub fn serialize<V: Serialize, S: Serializer>(map: &Option<BTreeMap<u64, V>>, serializer: S) -> Result<S::Ok, S::Error> {
    let Some(map) = map else { return serializer.serialize_unit() };
    let sorted: BTreeMap<String, &V> = map.iter().map(|(key, value)| (key.to_string(), value)).collect();
    let mut out = serializer.serialize_map(Some(sorted.len()))?;
    for (key, value) in &sorted {
        out.serialize_entry(key, value)?;
    }
    out.end()
}

/// Reads keys that are decimal text.
pub fn deserialize<'de, V: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<BTreeMap<u64, V>>, D::Error> {
    Option::deserialize(deserializer)
}
