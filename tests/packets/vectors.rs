//! The vector file, and building packets out of it.

use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
pub struct File {
    pub vectors: Vec<Vector>,
    pub codes: Vec<Code>,
    pub task_responses: Vec<Posted>,
}

#[derive(Deserialize)]
pub struct Vector {
    pub name: String,
    #[serde(default)]
    pub note: String,
    #[serde(default)]
    pub hex: String,
    pub header_hex: Option<String>,
    pub data_rule: Option<String>,
    pub sha256: Option<String>,
    pub len: usize,
    pub header_len: usize,
    pub fields: Option<Fields>,
    pub arg_utf8: Option<String>,
    pub data_utf8: Option<String>,
    pub data_hex: Option<String>,
    pub data_on_wire: bool,
    pub opcode_name: Option<String>,
    pub opcode_text: Option<String>,
    pub result_name: Option<String>,
    pub result_text: Option<String>,
    pub reader: String,
}

#[derive(Deserialize)]
pub struct Fields {
    pub extent_type: u8,
    pub opcode: u8,
    pub result_code: u8,
    pub remaining_followers: u8,
    pub crc: u32,
    pub size: u32,
    pub arg_len: u32,
    pub partition_id: u64,
    pub extent_id: u64,
    pub extent_offset: i64,
    pub req_id: i64,
    pub kernel_offset: u64,
    #[serde(default)]
    pub ver_seq: u64,
    #[serde(default)]
    pub proto_version: u32,
    #[serde(default)]
    pub ver_list: Vec<Item>,
}

#[derive(Deserialize)]
pub struct Item {
    pub ver: u64,
    pub del_time: i64,
    pub status: u8,
}

#[derive(Deserialize)]
pub struct Code {
    pub value: u8,
    #[serde(default)]
    pub op_names: Vec<String>,
    #[serde(default)]
    pub result_names: Vec<String>,
    pub op_text: String,
    pub result_text: String,
}

#[derive(Deserialize)]
pub struct Posted {
    pub opcode: u8,
    pub body_utf8: String,
}

pub fn load() -> File {
    serde_json::from_str(include_str!("../vectors/packets.json")).unwrap()
}

impl Vector {
    /// Bytes of the whole packet, the data of large ones built by its rule.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = unhex(self.header_hex.as_ref().unwrap_or(&self.hex));
        if let Some(rule) = &self.data_rule {
            let len: usize = rule.split(' ').next().unwrap().parse().unwrap();
            assert_eq!(rule, &format!("{len} bytes, byte i = (i*7+3) mod 256"));
            bytes.extend((0..len).map(|i| (i * 7 + 3) as u8));
        }
        assert_eq!(bytes.len(), self.len, "{}", self.name);
        bytes
    }

    pub fn data(&self) -> Option<Vec<u8>> {
        self.data_utf8.as_ref().map(|text| text.clone().into_bytes()).or_else(|| self.data_hex.as_deref().map(unhex))
    }
}

/// The text of one key of a JSON object, as it stands there.
pub fn member<'a>(json: &'a str, key: &str) -> &'a str {
    let object: std::collections::BTreeMap<&str, &RawValue> = serde_json::from_str(json).unwrap();
    object[key].get()
}

pub fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
