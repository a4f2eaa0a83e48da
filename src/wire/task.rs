//! The envelope of everything a master tells a node, and of what a node posts back: AdminTask (v3.5.3 admin-tasks.md §2, §3).
//!
//! Must not know: when a task is sent, how often, or what comes of it.

use crate::ids::PartitionId;
use crate::wire::gojson;
use crate::wire::opcode::Opcode;
use crate::wire::packet::Packet;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;

/// An admin task. The keys stand in this order and are always there. A task without a request has `Q = ()`, which is null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[serde(bound(deserialize = "Q: Deserialize<'de> + Default, P: Deserialize<'de> + Default"))]
pub struct AdminTask<Q, P = ()> {
    /// Key of a node's task table; see [`task_id`].
    #[serde(rename = "ID")]
    pub id: String,
    /// 0 unless the task is about a partition; copied into the packet's header.
    #[serde(rename = "PartitionID")]
    pub partition_id: PartitionId,
    /// Always "".
    pub disk: String,
    #[serde(rename = "OpCode")]
    pub opcode: Opcode,
    /// `ip:port` of the node.
    pub operator_addr: String,
    /// See [`status`]; int8 in v3.5.3, but never below 0.
    pub status: u8,
    /// Unix seconds of the last sending; 0 in synchronous tasks.
    pub send_time: i64,
    /// Unix seconds.
    pub create_time: i64,
    /// How often it was sent before this sending.
    pub send_count: u8,
    pub request: Q,
    /// Null from the master; filled by nodes when they post.
    pub response: P,
    /// UUID of version 4; "" for jobs.
    #[serde(rename = "RequestID")]
    pub request_id: String,
}

/// A task of any kind, its request encoded. Tasks with equal requests can share the bytes.
pub type EncodedTask = AdminTask<Arc<RawValue>>;

/// Values of an admin task's status; nodes answer with the first three.
pub mod status {
    pub const START: u8 = 0;
    pub const SUCCEEDED: u8 = 1;
    pub const FAILED: u8 = 2;
    pub const RUNNING: u8 = 3;
    pub const STOPPED: u8 = 4;
}

/// What a task is about. The opcode decides which one is right (v3.5.3 admin-tasks.md §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The node as a whole.
    Node,
    DataPartition(PartitionId),
    MetaPartition(PartitionId),
    /// A lifecycle scan, a snapshot deletion or a manual flash task, by the job's id.
    Job(&'a str),
}

/// The id of a task. Two tasks with one id cannot be under way on one node.
pub fn task_id(opcode: Opcode, addr: &str, subject: Subject<'_>) -> String {
    let base = format!("addr[{addr}]_op[{}]", opcode.0);
    match subject {
        Subject::Node => base,
        Subject::DataPartition(id) => format!("{base}_DataPartitionID[{id}]"),
        Subject::MetaPartition(id) => format!("{base}_pid[{id}]"),
        Subject::Job(id) => format!("{base}_reqID[{id}]"),
    }
}

/// Text of a UUID of version 4, made of 128 random bits.
pub fn uuid_text(random: [u64; 2]) -> String {
    let high = random[0] & !0xF000 | 0x4000;
    let low = random[1] & !(0b11 << 62) | 0b10 << 62;
    format!("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xFFFF, high & 0xFFFF, low >> 48, low & 0xFFFF_FFFF_FFFF)
}

impl<Q: Serialize> AdminTask<Q> {
    /// A task that was not sent yet. `request_id` is dropped for a job, as v3.5.3 leaves it empty there.
    pub fn new(opcode: Opcode, addr: &str, subject: Subject<'_>, request: Q, create_time: i64, request_id: String) -> Self {
        let (partition_id, request_id) = match subject {
            Subject::Node => (PartitionId(0), request_id),
            Subject::DataPartition(id) | Subject::MetaPartition(id) => (id, request_id),
            Subject::Job(_) => (PartitionId(0), String::new()),
        };
        Self {
            id: task_id(opcode, addr, subject),
            partition_id,
            disk: String::new(),
            opcode,
            operator_addr: addr.to_owned(),
            status: status::START,
            send_time: 0,
            create_time,
            send_count: 0,
            request,
            response: (),
            request_id,
        }
    }

    /// The same task with its request encoded.
    pub fn into_encoded(self) -> Result<EncodedTask, gojson::Error> {
        let request = RawValue::from_string(gojson::to_string(&self.request)?)?;
        Ok(AdminTask {
            id: self.id,
            partition_id: self.partition_id,
            disk: self.disk,
            opcode: self.opcode,
            operator_addr: self.operator_addr,
            status: self.status,
            send_time: self.send_time,
            create_time: self.create_time,
            send_count: self.send_count,
            request: request.into(),
            response: (),
            request_id: self.request_id,
        })
    }

    /// The packet that carries the task as it is now.
    pub fn to_packet(&self, req_id: i64) -> Result<Packet, gojson::Error> {
        Ok(Packet::request(self.opcode, req_id, self.partition_id, gojson::to_vec(self)?.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_name_the_node_the_operation_and_the_subject() {
        let id = |subject| task_id(Opcode::CREATE_DATA_PARTITION, "10.0.0.1:17310", subject);
        assert_eq!(id(Subject::Node), "addr[10.0.0.1:17310]_op[96]");
        assert_eq!(id(Subject::DataPartition(PartitionId(12))), "addr[10.0.0.1:17310]_op[96]_DataPartitionID[12]");
        assert_eq!(id(Subject::MetaPartition(PartitionId(3))), "addr[10.0.0.1:17310]_op[96]_pid[3]");
        assert_eq!(id(Subject::Job("vola:r1")), "addr[10.0.0.1:17310]_op[96]_reqID[vola:r1]");
    }

    #[test]
    fn request_ids_are_uuids_of_version_4() {
        assert_eq!(uuid_text([0, 0]), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid_text([u64::MAX, u64::MAX]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid_text([0x0123_4567_89ab_cdef, 0x0123_4567_89ab_cdef]), "01234567-89ab-4def-8123-456789abcdef");
    }

    #[test]
    fn an_encoded_task_has_the_bytes_of_the_typed_one() {
        let task =
            AdminTask::new(Opcode::DATA_PARTITION_TRY_TO_LEADER, "a:1", Subject::DataPartition(PartitionId(7)), (), 5, "u".to_owned());
        let bytes = gojson::to_vec(&task).unwrap();
        assert_eq!(gojson::to_vec(&task.into_encoded().unwrap()).unwrap(), bytes);
    }
}
