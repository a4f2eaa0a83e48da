//! An encoder that takes one text: the key of a map (quoted) or JSON that is ready (as it is).
//!
//! Must not know: what surrounds the text.

use super::ser::write_str;
use super::Error;
use serde::ser::{self, Impossible, Serialize};

pub(super) struct TextEncoder<'a> {
    pub out: &'a mut Vec<u8>,
    /// False for ready JSON.
    pub quoted: bool,
}

fn refuse<T>() -> Result<T, Error> {
    Err(ser::Error::custom("a map key must be text, a number or a bool"))
}

macro_rules! numbers {
    ($($method:ident $kind:ty;)*) => {$(
        fn $method(self, value: $kind) -> Result<(), Error> {
            self.serialize_str(&value.to_string())
        }
    )*};
}

macro_rules! refused {
    ($($method:ident($($kind:ty),*) $ok:ty;)*) => {$(
        fn $method(self, $(_: $kind),*) -> Result<$ok, Error> {
            refuse()
        }
    )*};
}

impl ser::Serializer for TextEncoder<'_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Impossible<(), Error>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Impossible<(), Error>;
    type SerializeStructVariant = Impossible<(), Error>;

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        if self.quoted {
            write_str(self.out, value);
        } else {
            self.out.extend_from_slice(value.as_bytes());
        }
        Ok(())
    }

    numbers! {
        serialize_bool bool;
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_u8 u8;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
        serialize_char char;
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), Error> {
        refuse()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(self, _: &'static str, _: u32, _: &'static str, _: &T) -> Result<(), Error> {
        refuse()
    }

    refused! {
        serialize_f32(f32) ();
        serialize_f64(f64) ();
        serialize_bytes(&[u8]) ();
        serialize_none() ();
        serialize_unit() ();
        serialize_unit_struct(&'static str) ();
        serialize_seq(Option<usize>) Self::SerializeSeq;
        serialize_tuple(usize) Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) Self::SerializeTupleVariant;
        serialize_map(Option<usize>) Self::SerializeMap;
        serialize_struct(&'static str, usize) Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) Self::SerializeStructVariant;
    }
}
