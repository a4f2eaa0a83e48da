//! What a record is, and the one place that says how its JSON is read and written.
//!
//! The rules are those of Go's encoding/json as v3.5.3 uses it (state-machine.md §6): every field is written, a missing
//! or `null` field keeps its zero value, names match exactly or else without regard to case. Beyond that a field of an
//! unknown name is kept and written again, so that a newer release's records survive us.
//!
//! Invariant: no I/O and no rules of the cluster; bytes that do not parse are values.

use super::key::Key;
use crate::wire::gojson;
use serde::de::{DeserializeOwned, DeserializeSeed, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// A persisted record: one key, one value.
pub trait Record: Clone + fmt::Debug + PartialEq + Send + Sync + 'static {
    /// Where the record lives.
    fn place(&self) -> Key;

    /// The text of the key.
    fn key(&self) -> String {
        self.place().to_string()
    }

    /// Reads the value found under `key`. Errors: not this kind's form, or it belongs to another key.
    fn decode(key: &Key, value: &[u8]) -> Result<Self, Unreadable>;

    /// The bytes to store.
    fn encode(&self) -> Vec<u8>;
}

/// A stored value that is not what its key promises.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// A record whose value is a JSON text.
pub trait JsonRecord: Serialize + DeserializeOwned + Clone + fmt::Debug + PartialEq + Send + Sync + 'static {
    /// Where the record lives.
    fn place(&self) -> Key;

    /// Takes from the key what the value does not repeat.
    fn adopt(&mut self, _key: &Key) {}
}

impl<T: JsonRecord> Record for T {
    fn place(&self) -> Key {
        JsonRecord::place(self)
    }

    fn decode(key: &Key, value: &[u8]) -> Result<Self, Unreadable> {
        let mut record: T = serde_json::from_slice(value).map_err(|error| Unreadable(error.to_string()))?;
        record.adopt(key);
        belongs(record, key)
    }

    fn encode(&self) -> Vec<u8> {
        gojson::to_vec(self).expect("records have string keys and finite numbers")
    }
}

/// `record`, if it lives at `key`.
pub(super) fn belongs<T: Record>(record: T, key: &Key) -> Result<T, Unreadable> {
    let place = record.place();
    if place == *key {
        Ok(record)
    } else {
        Err(Unreadable(format!("the record says its key is {place}")))
    }
}

/// A decimal number, the form of counters and S3 limits.
pub(super) fn decimal(value: &[u8]) -> Result<u64, Unreadable> {
    let text = std::str::from_utf8(value).map_err(|error| Unreadable(error.to_string()))?;
    text.parse().map_err(|_| Unreadable(format!("not a decimal number: {text:?}")))
}

/// Fields of a record that this release does not know, by name.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(clippy::box_collection)] // 8 bytes instead of 24 in each of millions of objects
pub struct Extra(Option<Box<BTreeMap<String, Value>>>);

impl Extra {
    /// Keeps a field.
    pub fn keep(&mut self, name: String, value: Value) {
        self.0.get_or_insert_with(Box::default).insert(name, value);
    }

    /// The fields, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter().flat_map(|fields| fields.iter())
    }

    pub(super) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))
    }
}

/// The name of a JSON field: its position in the record's list, or the name itself when it is not there.
pub(super) enum Field {
    Known(usize),
    Unknown(String),
}

/// Reads a field's name. Records list their fields in the order in which they are written, so the search starts after the last hit.
pub(super) struct FieldName {
    pub names: &'static [&'static str],
    pub expected: usize,
}

impl<'de> DeserializeSeed<'de> for FieldName {
    type Value = Field;
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Field, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for FieldName {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Field, E> {
        if self.names.get(self.expected) == Some(&name) {
            return Ok(Field::Known(self.expected));
        }
        let exact = self.names.iter().position(|known| *known == name);
        let found = exact.or_else(|| self.names.iter().position(|known| known.eq_ignore_ascii_case(name)));
        Ok(found.map_or_else(|| Field::Unknown(name.to_owned()), Field::Known))
    }
}

/// The value of a known field: `None` for `null`, which leaves the field as it is.
pub(super) fn field_value<'de, A: MapAccess<'de>, T: serde::Deserialize<'de>>(map: &mut A) -> Result<Option<T>, A::Error> {
    map.next_value::<Option<T>>()
}

/// Declares a JSON object: `field: Type = "Name";`. `as Form` stores a field in another form (`From<&Type>`, `Into<Type>`),
/// `unless test` leaves it out when `test` holds (Go's omitempty), and fields `keyed(…)` come from the key.
macro_rules! record {
    (
        $(#[$meta:meta])*
        pub struct $Name:ident $(keyed( $($kfield:ident : $KType:ty),* ))? {
            $( $(#[$fmeta:meta])* $field:ident : $Type:ty = $name:literal $(as $Form:ty)? $(, unless $empty:expr)? ; )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $Name {
            $( $(#[$fmeta])* pub $field: $Type, )*
            $( $( #[doc = "From the key."] pub $kfield: $KType, )* )?
            /// Fields of a newer release.
            pub extra: $crate::model::record::Extra,
        }

        impl serde::Serialize for $Name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                let mut map = serializer.serialize_map(None)?;
                $(
                    let written = true $( && !($empty)(&self.$field) )?;
                    if written {
                        map.serialize_entry($name, $crate::model::record::record!(@form self.$field $(, $Form)?))?;
                    }
                )*
                self.extra.write(&mut map)?;
                map.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $Name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use $crate::model::record::{field_value, Field, FieldName};
                struct Fields;
                impl<'de> serde::de::Visitor<'de> for Fields {
                    type Value = $Name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("the fields of a ", stringify!($Name)))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$Name, A::Error> {
                        const NAMES: &[&str] = &[$($name),*];
                        let mut record = $Name::default();
                        let mut expected = 0;
                        while let Some(field) = map.next_key_seed(FieldName { names: NAMES, expected })? {
                            let known = match field {
                                Field::Known(known) => known,
                                Field::Unknown(name) => {
                                    record.extra.keep(name, map.next_value()?);
                                    continue;
                                }
                            };
                            expected = known + 1;
                            $(
                                if NAMES[known] == $name {
                                    let value: Option<$crate::model::record::record!(@read $Type $(, $Form)?)> = field_value(&mut map)?;
                                    if let Some(value) = value {
                                        record.$field = value.into();
                                    }
                                    continue;
                                }
                            )*
                        }
                        Ok(record)
                    }
                }
                deserializer.deserialize_map(Fields)
            }
        }
    };
    (@form $self:ident . $field:ident) => { &$self.$field };
    (@form $self:ident . $field:ident, $Form:ty) => { &<$Form>::from(&$self.$field) };
    (@read $Type:ty) => { $Type };
    (@read $Type:ty, $Form:ty) => { $Form };
}
pub(super) use record;

/// Declares a code: a number with named values, written as the number. Unknown numbers are kept.
macro_rules! codes {
    ($( $(#[$meta:meta])* $Name:ident($Int:ty) { $( $(#[$cmeta:meta])* $CODE:ident = $value:literal, )* } )*) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $Name(pub $Int);

        impl $Name {
            $( $(#[$cmeta])* pub const $CODE: Self = Self($value); )*
        }
    )* };
}
pub(super) use codes;
