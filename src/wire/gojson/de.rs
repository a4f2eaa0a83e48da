//! The decoder: reads into any serde type as Go would. Keys match without regard to case, null leaves a zero, unknown keys are
//! skipped; with `#[serde(default)]` on the type missing keys are zero too. Numbers are exact.
//!
//! Differs from Go where no node or client can tell: a key that comes twice and half a surrogate pair are errors.
//!
//! Must not know: which structures there are.

use super::Error;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::iter;

/// Reads one document. Bytes that are no UTF-8 become U+FFFD, as in Go.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) => from_str(text),
        Err(_) => from_str(&String::from_utf8_lossy(bytes)),
    }
}

/// Reads one document, from which `T` may borrow.
pub fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = T::deserialize(Lenient(&mut json))?;
    json.end()?;
    Ok(value)
}

/// Makes another deserializer as lenient as Go's.
pub struct Lenient<D>(pub D);

/// Null for a scalar is its zero value.
struct Scalar<V> {
    visitor: V,
    zero: Zero,
}

#[derive(Clone, Copy)]
enum Zero {
    Bool,
    Number,
    Text,
}

macro_rules! forward_visits {
    ($($method:ident $kind:ty;)*) => {$(
        fn $method<E: de::Error>(self, value: $kind) -> Result<Self::Value, E> {
            self.visitor.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Scalar<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    forward_visits! {
        visit_bool bool;
        visit_i64 i64;
        visit_u64 u64;
        visit_f64 f64;
        visit_str &str;
        visit_borrowed_str &'de str;
        visit_string String;
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        match self.zero {
            Zero::Bool => self.visitor.visit_bool(false),
            Zero::Number => self.visitor.visit_u64(0),
            Zero::Text => self.visitor.visit_borrowed_str(""),
        }
    }
}

/// What lies inside a list, an object, an option or a newtype is read leniently too. Null for a list or an object is an empty one.
struct Compound<V> {
    visitor: V,
    shape: Shape,
}

#[derive(Clone, Copy)]
enum Shape {
    List,
    Map,
    Struct(&'static [&'static str]),
    Inside,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Compound<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        match self.shape {
            Shape::List => self.visitor.visit_seq(SeqDeserializer::new(iter::empty::<()>())),
            Shape::Map | Shape::Struct(_) => self.visitor.visit_map(MapDeserializer::new(iter::empty::<((), ())>())),
            Shape::Inside => self.visitor.visit_unit(),
        }
    }

    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Self::Value, D::Error> {
        self.visitor.visit_some(Lenient(inner))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Self::Value, D::Error> {
        self.visitor.visit_newtype_struct(Lenient(inner))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        match self.shape {
            // serde's derive would take a list for a struct; Go does not.
            Shape::Struct(_) | Shape::Map => Err(de::Error::invalid_type(de::Unexpected::Seq, &self)),
            Shape::List | Shape::Inside => self.visitor.visit_seq(Items(items)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        let keys = if let Shape::Struct(keys) = self.shape { keys } else { &[] };
        self.visitor.visit_map(Entries { entries, keys: Keys { known: keys, next: 0 } })
    }
}

struct Items<A>(A);

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Items<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Inside(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

struct Entries<A> {
    entries: A,
    keys: Keys,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Entries<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        if self.keys.known.is_empty() {
            return self.entries.next_key_seed(seed);
        }
        self.entries.next_key_seed(Key { inner: seed, keys: &mut self.keys })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.entries.next_value_seed(Inside(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.entries.size_hint()
    }
}

/// A value inside a compound.
struct Inside<S>(S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Inside<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Lenient(inner))
    }
}

/// The keys of a struct, and which of them comes next when they come in order.
struct Keys {
    known: &'static [&'static str],
    next: usize,
}

impl Keys {
    /// The struct's own spelling of a key.
    fn spelled(&mut self, key: &str) -> Option<&'static str> {
        if self.known.get(self.next) != Some(&key) {
            let exact = self.known.iter().position(|known| *known == key);
            self.next = exact.or_else(|| self.known.iter().position(|known| known.eq_ignore_ascii_case(key)))?;
        }
        self.next += 1;
        self.known.get(self.next - 1).copied()
    }
}

/// A key on its way to the struct: as a seed, as a deserializer and as a visitor.
struct Key<'k, T> {
    inner: T,
    keys: &'k mut Keys,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Key<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Key { inner, keys: self.keys })
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Key<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_str(Key { inner: visitor, keys: self.keys })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Key<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<V::Value, E> {
        match self.keys.spelled(key) {
            Some(known) => self.inner.visit_borrowed_str(known),
            None => self.inner.visit_str(key),
        }
    }
}

macro_rules! scalars {
    ($zero:ident: $($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.deserialize_any(Scalar { visitor, zero: Zero::$zero })
        }
    )*};
}

macro_rules! as_they_are {
    ($($method:ident($($arg:ident: $kind:ty),*);)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($arg: $kind,)* visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method($($arg,)* visitor)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Lenient<D> {
    type Error = D::Error;

    scalars! { Bool: deserialize_bool }
    scalars! { Number:
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64
    }
    scalars! { Text: deserialize_char deserialize_str deserialize_string }

    as_they_are! {
        deserialize_any();
        deserialize_i128();
        deserialize_u128();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
        deserialize_ignored_any();
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_option(Compound { visitor, shape: Shape::Inside })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_newtype_struct(name, Compound { visitor, shape: Shape::Inside })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(Compound { visitor, shape: Shape::List })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple(len, Compound { visitor, shape: Shape::Inside })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, name: &'static str, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple_struct(name, len, Compound { visitor, shape: Shape::Inside })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(Compound { visitor, shape: Shape::Map })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        keys: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(Compound { visitor, shape: Shape::Struct(keys) })
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{GoTime, List};
    use super::*;
    use serde_json::value::RawValue;
    use std::collections::BTreeMap;

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct Disk {
        path: String,
        total: u64,
        status: i32,
        ratio: f64,
        bad: bool,
        peers: List<Disk>,
        counts: BTreeMap<String, u64>,
        since: GoTime,
    }

    #[test]
    fn keys_match_without_regard_to_case_and_order() {
        let disk: Disk = from_str(r#"{"STATUS":-1,"unknown":{"a":[1]},"path":"/d","Total":18446744073709551615}"#).unwrap();
        assert_eq!(disk, Disk { path: "/d".to_owned(), total: u64::MAX, status: -1, ..Disk::default() });
    }

    #[test]
    fn null_leaves_the_zero_value() {
        let text = r#"{"Path":null,"Total":null,"Status":null,"Ratio":null,"Bad":null,"Peers":null,"Counts":null,"Since":null}"#;
        assert_eq!(from_str::<Disk>(text).unwrap(), Disk::default());
        assert_eq!(from_str::<Disk>("null").unwrap(), Disk::default());
        assert_eq!(from_str::<Vec<Disk>>("[null]").unwrap(), [Disk::default()]);
    }

    #[test]
    fn null_and_empty_lists_stay_apart() {
        assert!(from_str::<Disk>(r#"{"Peers":null}"#).unwrap().peers.is_nil());
        assert_eq!(from_str::<Disk>(r#"{"Peers":[]}"#).unwrap().peers, List::EMPTY);
        let nested: Disk = from_str(r#"{"Peers":[{"path":"x"},{"PEERS":[{}]}]}"#).unwrap();
        assert_eq!(nested.peers[0].path, "x");
        assert_eq!(nested.peers[1].peers.len(), 1);
    }

    #[test]
    fn wrong_types_are_errors() {
        for text in [
            r#"{"Total":1.0}"#,
            r#"{"Total":-1}"#,
            r#"{"Total":"1"}"#,
            r#"{"Path":1}"#,
            r#"{"Peers":{}}"#,
            r#"{"Counts":[]}"#,
            r#"[]"#,
            r#"{} {}"#,
            r#"{"Bad":0}"#,
            "",
        ] {
            assert!(from_str::<Disk>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn raw_json_and_number_keys_are_read() {
        let raw: BTreeMap<u64, Box<RawValue>> = from_str(r#"{"10":{ "x" : 1},"9":null}"#).unwrap();
        assert_eq!(raw[&10].get(), r#"{ "x" : 1}"#);
        assert_eq!(raw[&9].get(), "null");
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        assert_eq!(from_slice::<Disk>(b"{\"Path\":\"/d\xff\"}").unwrap().path, "/d\u{fffd}");
    }

    #[test]
    fn floats_read_back_exactly() {
        for value in [99.99999999998869, 0.39948793197442795, f64::MAX, 5e-324] {
            let text = super::super::to_string(&value).unwrap();
            assert_eq!(from_str::<f64>(&text).unwrap(), value);
        }
        assert_eq!(from_str::<f64>("1").unwrap(), 1.0);
    }
}
