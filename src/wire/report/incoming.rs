//! What a node posts: the envelope and, in the same pass over the bytes, the typed response (v3.5.3 admin-tasks.md §5).
//!
//! Must not know: from which node it came, or whether anyone asked.

use super::*;
use crate::ids::PartitionId;
use crate::wire::gojson::{self, Lenient};
use crate::wire::opcode::Opcode;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// A posted task. The request that nodes echo is not looked at.
#[derive(Debug)]
pub struct Incoming {
    pub id: String,
    pub partition_id: PartitionId,
    pub opcode: Opcode,
    /// Who answers.
    pub operator_addr: String,
    pub request_id: String,
    /// An error here does not make the envelope wrong: the task is answered, only without a result.
    pub response: Result<Response, gojson::Error>,
}

/// A response by the operation it belongs to. Null is the operation's zero value.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    DataNodeHeartbeat(Box<DataNodeHeartbeatResponse>),
    LoadDataPartition(LoadDataPartitionResponse),
    DeleteDataPartition(DeleteDataPartitionResponse),
    MetaNodeHeartbeat(Box<MetaNodeHeartbeatResponse>),
    DeleteMetaPartition(DeleteMetaPartitionResponse),
    UpdateMetaPartition(UpdateMetaPartitionResponse),
    VersionOperation(MultiVersionOpResponse),
    LcNodeHeartbeat(LcNodeHeartbeatResponse),
    LcNodeScan(Box<LcNodeRuleTaskResponse>),
    SnapshotVerDel(Box<SnapshotVerDelTaskResponse>),
    FlashNodeHeartbeat(Box<FlashNodeHeartbeatResponse>),
    FlashNodeScan(Box<FlashNodeManualTaskResponse>),
    /// An operation that no node answers in this way.
    Other,
}

impl Incoming {
    /// Reads a posted body. An error only when it is no envelope.
    pub fn decode(body: &[u8]) -> Result<Self, gojson::Error> {
        let text = String::from_utf8_lossy(body);
        match gojson::from_str::<InOrder>(&text) {
            Ok(InOrder(task)) => Ok(task),
            // Keys in another order, or a response of a wrong type: the long way.
            Err(_) => Self::decode_in_steps(&text),
        }
    }

    fn decode_in_steps(text: &str) -> Result<Self, gojson::Error> {
        let task: Envelope = gojson::from_str(text)?;
        let response = Response::decode(task.opcode, task.response.map_or("null", RawValue::get));
        Ok(Self {
            id: task.id,
            partition_id: task.partition_id,
            opcode: task.opcode,
            operator_addr: task.operator_addr,
            request_id: task.request_id,
            response,
        })
    }
}

impl Response {
    /// Reads the response of an operation.
    pub fn decode(opcode: Opcode, json: &str) -> Result<Self, gojson::Error> {
        let mut json = serde_json::Deserializer::from_str(json);
        let response = Self::read(opcode, Lenient(&mut json))?;
        json.end()?;
        Ok(response)
    }

    fn read<'de, D: Deserializer<'de>>(opcode: Opcode, json: D) -> Result<Self, D::Error> {
        match opcode {
            Opcode::DATA_NODE_HEARTBEAT => Deserialize::deserialize(json).map(Self::DataNodeHeartbeat),
            Opcode::LOAD_DATA_PARTITION => Deserialize::deserialize(json).map(Self::LoadDataPartition),
            Opcode::DELETE_DATA_PARTITION => Deserialize::deserialize(json).map(Self::DeleteDataPartition),
            Opcode::META_NODE_HEARTBEAT => Deserialize::deserialize(json).map(Self::MetaNodeHeartbeat),
            Opcode::DELETE_META_PARTITION => Deserialize::deserialize(json).map(Self::DeleteMetaPartition),
            Opcode::UPDATE_META_PARTITION => Deserialize::deserialize(json).map(Self::UpdateMetaPartition),
            Opcode::VERSION_OPERATION => Deserialize::deserialize(json).map(Self::VersionOperation),
            Opcode::LC_NODE_HEARTBEAT => Deserialize::deserialize(json).map(Self::LcNodeHeartbeat),
            Opcode::LC_NODE_SCAN => Deserialize::deserialize(json).map(Self::LcNodeScan),
            Opcode::LC_NODE_SNAPSHOT_VER_DEL => Deserialize::deserialize(json).map(Self::SnapshotVerDel),
            Opcode::FLASH_NODE_HEARTBEAT => Deserialize::deserialize(json).map(Self::FlashNodeHeartbeat),
            Opcode::FLASH_NODE_SCAN => Deserialize::deserialize(json).map(Self::FlashNodeScan),
            _ => IgnoredAny::deserialize(json).map(|_| Self::Other),
        }
    }
}

/// An envelope with its keys in any order, the response not read yet.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Envelope<'a> {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "PartitionID")]
    partition_id: PartitionId,
    #[serde(rename = "OpCode")]
    opcode: Opcode,
    operator_addr: String,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    #[serde(rename = "RequestID")]
    request_id: String,
}

/// An envelope whose OpCode comes before its Response, as every Go program writes it.
struct InOrder(Incoming);

const KEYS: &[&str] = &["ID", "PartitionID", "OpCode", "OperatorAddr", "Response", "RequestID"];

#[derive(serde::Deserialize)]
#[serde(field_identifier)]
enum Key {
    #[serde(rename = "ID")]
    Id,
    #[serde(rename = "PartitionID")]
    PartitionId,
    OpCode,
    OperatorAddr,
    Response,
    #[serde(rename = "RequestID")]
    RequestId,
    #[serde(other)]
    Other,
}

impl<'de> Deserialize<'de> for InOrder {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_struct("AdminTask", KEYS, InOrderVisitor)
    }
}

struct InOrderVisitor;

impl<'de> Visitor<'de> for InOrderVisitor {
    type Value = InOrder;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an admin task")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<InOrder, A::Error> {
        let mut task = Incoming {
            id: String::new(),
            partition_id: PartitionId(0),
            opcode: Opcode::default(),
            operator_addr: String::new(),
            request_id: String::new(),
            response: Ok(Response::Other),
        };
        let (mut opcode, mut response) = (None, None);
        while let Some(key) = entries.next_key()? {
            match key {
                Key::Id => task.id = entries.next_value()?,
                Key::PartitionId => task.partition_id = entries.next_value()?,
                Key::OpCode if opcode.is_some() => return Err(de::Error::duplicate_field("OpCode")),
                Key::OpCode => opcode = Some(entries.next_value()?),
                Key::OperatorAddr => task.operator_addr = entries.next_value()?,
                Key::Response => {
                    let opcode = opcode.ok_or_else(|| de::Error::custom("Response before OpCode"))?;
                    response = Some(entries.next_value_seed(ResponseOf(opcode))?);
                }
                Key::RequestId => task.request_id = entries.next_value()?,
                Key::Other => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        task.opcode = opcode.unwrap_or_default();
        task.response = Ok(response.ok_or_else(|| de::Error::missing_field("Response"))?);
        Ok(InOrder(task))
    }
}

struct ResponseOf(Opcode);

impl<'de> DeserializeSeed<'de> for ResponseOf {
    type Value = Response;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Response, D::Error> {
        Response::read(self.0, json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOAD: &str = r#"{"ID":"t","OpCode":98,"OperatorAddr":"a:1","Request":{"PartitionId":1},"Response":{"Used":7},"RequestID":"r"}"#;

    #[test]
    fn order_and_case_of_keys_do_not_matter() {
        let want = Response::LoadDataPartition(LoadDataPartitionResponse { used: 7, ..Default::default() });
        for text in [LOAD, r#"{"response":{"USED":7},"opcode":98,"operatoraddr":"a:1","id":"t","requestid":"r","x":[]}"#] {
            let task = Incoming::decode(text.as_bytes()).unwrap();
            assert_eq!((task.id.as_str(), task.operator_addr.as_str(), task.request_id.as_str()), ("t", "a:1", "r"));
            assert_eq!(task.response.unwrap(), want);
        }
    }

    #[test]
    fn a_missing_or_null_response_is_the_zero_value() {
        for text in [r#"{"OpCode":98}"#, r#"{"OpCode":98,"Response":null}"#, r#"{"Response":null,"OpCode":98}"#] {
            let task = Incoming::decode(text.as_bytes()).unwrap();
            assert_eq!(task.response.unwrap(), Response::LoadDataPartition(LoadDataPartitionResponse::default()));
        }
        assert_eq!(Incoming::decode(b"null").unwrap().response.unwrap(), Response::Other);
    }

    #[test]
    fn a_wrong_response_leaves_the_envelope_readable() {
        let task = Incoming::decode(br#"{"ID":"t","OpCode":99,"OperatorAddr":"a:1","Response":{"Total":-1}}"#).unwrap();
        assert_eq!((task.id.as_str(), task.operator_addr.as_str()), ("t", "a:1"));
        assert!(task.response.is_err());
    }

    #[test]
    fn what_is_no_envelope_is_an_error() {
        for text in ["", "x", "[]", "{", r#"{"OpCode":256}"#, r#"{"ID":1}"#, &LOAD[..LOAD.len() - 1]] {
            assert!(Incoming::decode(text.as_bytes()).is_err(), "{text}");
        }
    }
}
