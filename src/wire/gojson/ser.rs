//! The encoder. Differs from serde_json's in its escapes (`<`, `>`, `&`, U+2028, U+2029, no `\b` and `\f`), in its floats, in
//! base64 for bytes, and in that it refuses NaN and the infinities instead of writing null.
//!
//! Must not know: which structures there are.

use super::float::{text_of_f32, text_of_f64};
use super::text_only::TextEncoder;
use super::Error;
use base64::Engine;
use serde::ser::{self, Serialize};
use serde_json::ser::{CompactFormatter, Formatter};

/// The token under which serde_json hands a RawValue to a serializer.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Bytes of `value`. An error only for NaN, an infinity, or a map key that is no text, number or bool.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(128);
    value.serialize(Encoder { out: &mut out })?;
    Ok(out)
}

/// Text of `value`; see [`to_vec`].
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, Error> {
    String::from_utf8(to_vec(value)?).map_err(ser::Error::custom)
}

struct Encoder<'a> {
    out: &'a mut Vec<u8>,
}

/// A list or an object that has been opened. `close` ends it; a tuple or struct variant needs two brackets.
struct Open<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
    close: &'static [u8],
}

impl<'a> Encoder<'a> {
    fn open(self, open: u8, close: &'static [u8]) -> Open<'a> {
        self.out.push(open);
        Open { out: self.out, first: true, close }
    }

    fn open_variant(self, variant: &str, open: u8, close: &'static [u8]) -> Open<'a> {
        self.out.push(b'{');
        write_str(self.out, variant);
        self.out.push(b':');
        self.open(open, close)
    }
}

impl Open<'_> {
    fn comma(&mut self) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.comma();
        value.serialize(Encoder { out: self.out })
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Error> {
        self.comma();
        write_str(self.out, key);
        self.out.push(b':');
        value.serialize(Encoder { out: self.out })
    }

    fn close(self) {
        self.out.extend_from_slice(self.close);
    }
}

/// Appends `text` in quotes.
pub(super) fn write_str(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if is_plain(byte) {
            continue;
        }
        let (taken, escape): (usize, &[u8]) = match byte {
            b'"' => (1, b"\\\""),
            b'\\' => (1, b"\\\\"),
            b'\n' => (1, b"\\n"),
            b'\r' => (1, b"\\r"),
            b'\t' => (1, b"\\t"),
            0xE2 => match bytes.get(at + 1..at + 3) {
                Some([0x80, 0xA8]) => (3, b"\\u2028"),
                Some([0x80, 0xA9]) => (3, b"\\u2029"),
                _ => continue,
            },
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(&bytes[copied..at]);
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
                copied = at + 1;
                continue;
            }
        };
        out.extend_from_slice(&bytes[copied..at]);
        out.extend_from_slice(escape);
        copied = at + taken;
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

/// A byte that stands for itself; 0xE2 may begin U+2028 and is looked at.
const fn is_plain(byte: u8) -> bool {
    !matches!(byte, 0..=0x1F | b'"' | b'\\' | b'<' | b'>' | b'&' | 0xE2)
}

macro_rules! numbers {
    ($($method:ident $write:ident $kind:ty;)*) => {$(
        fn $method(self, value: $kind) -> Result<(), Error> {
            CompactFormatter.$write(self.out, value).map_err(Error::io)
        }
    )*};
}

impl<'a> ser::Serializer for Encoder<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Open<'a>;
    type SerializeTuple = Open<'a>;
    type SerializeTupleStruct = Open<'a>;
    type SerializeTupleVariant = Open<'a>;
    type SerializeMap = Open<'a>;
    type SerializeStruct = StructEncoder<'a>;
    type SerializeStructVariant = Open<'a>;

    numbers! {
        serialize_bool write_bool bool;
        serialize_i8 write_i8 i8;
        serialize_i16 write_i16 i16;
        serialize_i32 write_i32 i32;
        serialize_i64 write_i64 i64;
        serialize_u8 write_u8 u8;
        serialize_u16 write_u16 u16;
        serialize_u32 write_u32 u32;
        serialize_u64 write_u64 u64;
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        finite(value.is_finite(), value)?;
        self.out.extend_from_slice(text_of_f32(value).as_bytes());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        finite(value.is_finite(), value)?;
        self.out.extend_from_slice(text_of_f64(value).as_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        write_str(self.out, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.serialize_str(&base64::engine::general_purpose::STANDARD.encode(value))
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Error> {
        self.out.extend_from_slice(b"{}");
        Ok(())
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut open = self.open(b'{', b"}");
        open.field(variant, value)?;
        open.close();
        Ok(())
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Open<'a>, Error> {
        Ok(self.open(b'[', b"]"))
    }

    fn serialize_tuple(self, _len: usize) -> Result<Open<'a>, Error> {
        Ok(self.open(b'[', b"]"))
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Open<'a>, Error> {
        Ok(self.open(b'[', b"]"))
    }

    fn serialize_tuple_variant(self, _name: &'static str, _index: u32, variant: &'static str, _len: usize) -> Result<Open<'a>, Error> {
        Ok(self.open_variant(variant, b'[', b"]}"))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Open<'a>, Error> {
        Ok(self.open(b'{', b"}"))
    }

    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<StructEncoder<'a>, Error> {
        Ok(if name == RAW_VALUE { StructEncoder::Raw(self.out) } else { StructEncoder::Fields(self.open(b'{', b"}")) })
    }

    fn serialize_struct_variant(self, _name: &'static str, _index: u32, variant: &'static str, _len: usize) -> Result<Open<'a>, Error> {
        Ok(self.open_variant(variant, b'{', b"}}"))
    }
}

fn finite(is_finite: bool, value: impl std::fmt::Display) -> Result<(), Error> {
    if is_finite {
        return Ok(());
    }
    Err(ser::Error::custom(format!("unsupported value: {value}")))
}

macro_rules! items {
    ($($of:ident $method:ident;)*) => {$(
        impl ser::$of for Open<'_> {
            type Ok = ();
            type Error = Error;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.item(value)
            }
            fn end(self) -> Result<(), Error> {
                self.close();
                Ok(())
            }
        }
    )*};
}

items! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

impl ser::SerializeMap for Open<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.comma();
        key.serialize(TextEncoder { out: self.out, quoted: true })
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.out.push(b':');
        value.serialize(Encoder { out: self.out })
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeStructVariant for Open<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        self.field(key, value)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

/// The fields of a struct, or the one field of a RawValue, which is JSON already.
enum StructEncoder<'a> {
    Fields(Open<'a>),
    Raw(&'a mut Vec<u8>),
}

impl ser::SerializeStruct for StructEncoder<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        match self {
            Self::Fields(open) => open.field(key, value),
            Self::Raw(out) => value.serialize(TextEncoder { out, quoted: false }),
        }
    }

    fn end(self) -> Result<(), Error> {
        if let Self::Fields(open) = self {
            open.close();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;
    use std::collections::BTreeMap;

    #[test]
    fn text_has_the_escapes_of_go() {
        let text = "a\"\\/<b>&\u{2028}\u{2029}\u{20ac}\n\r\t\u{8}\u{c}\u{1f}\u{7f}é";
        let want = "\"a\\\"\\\\/\\u003cb\\u003e\\u0026\\u2028\\u2029\u{20ac}\\n\\r\\t\\u0008\\u000c\\u001f\u{7f}é\"";
        assert_eq!(to_string(text).unwrap(), want);
        assert_eq!(serde_json::from_str::<String>(want).unwrap(), text);
    }

    #[test]
    fn floats_that_have_no_text_are_refused() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(to_vec(&[value]).is_err());
            assert!(to_vec(&Some(value as f32)).is_err());
        }
        assert_eq!(to_string(&(1.0, 0.5f32)).unwrap(), "[1,0.5]");
    }

    #[test]
    fn raw_json_is_copied_and_keys_are_quoted() {
        let raw: &RawValue = serde_json::from_str("{ \"x\" : 1.0 }").unwrap();
        let map = BTreeMap::from([(7u64, raw)]);
        assert_eq!(to_string(&map).unwrap(), "{\"7\":{ \"x\" : 1.0 }}");
    }

    #[test]
    fn values_of_serde_json_are_written_too() {
        let value = serde_json::json!({"a": [1, null, true, "x"], "b": {}});
        assert_eq!(to_string(&value).unwrap(), r#"{"a":[1,null,true,"x"],"b":{}}"#);
    }
}
