//! What is run on each input: reading must not panic, and what was read must be written and read back the same.
//!
//! Must not know: libFuzzer. The replay of the corpora in `tests/packets/corpora.rs` runs the same functions.

use bytes::Bytes;
use cfs_master::wire::gojson;
use cfs_master::wire::opcode::Opcode;
use cfs_master::wire::packet::{Packet, PROTO_VERSION};
use cfs_master::wire::report::{Incoming, MetaPartitionLoadResponse, Response};
use cfs_master::wire::request::{CreateDataPartitionRequest, HeartBeatRequest, LcNodeRuleTaskRequest};
use cfs_master::wire::task::AdminTask;
use serde_json::value::RawValue;

/// Bytes as a packet.
pub fn packet(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    let Ok((mut packet, taken)) = Packet::decode(&bytes) else { return };
    let encoded = packet.encode();
    // The two places where a v3.5.3 writer does not repeat what it read.
    let extra_of_b3 = packet.header.opcode == Opcode::RANDOM_WRITE_VER && packet.header.extra_len() == 0;
    let other_version = packet.header.extra_len() == 12 && packet.header.proto_version != PROTO_VERSION;
    if extra_of_b3 {
        return;
    }
    if other_version {
        packet.header.proto_version = PROTO_VERSION;
    } else {
        assert_eq!(encoded, bytes[..taken]);
    }
    assert_eq!(Packet::decode(&encoded.into()), Ok((packet, taken)));
}

/// Bytes as what a node posts, as a task, and as a reply's JSON.
pub fn admin_task(bytes: &[u8]) {
    if let Ok(task) = Incoming::decode(bytes) {
        if let Ok(response) = task.response {
            reads_back(task.opcode, response);
        }
    }
    if let Ok(task) = gojson::from_slice::<AdminTask<Box<RawValue>>>(bytes) {
        let again: AdminTask<Box<RawValue>> = gojson::from_slice(&gojson::to_vec(&task).expect("raw JSON is written")).expect("and read");
        assert_eq!((again.id, again.request.get()), (task.id, task.request.get()));
    }
    task_reads_back::<HeartBeatRequest>(bytes);
    task_reads_back::<CreateDataPartitionRequest>(bytes);
    task_reads_back::<LcNodeRuleTaskRequest>(bytes);
    if let Ok(reply) = gojson::from_slice::<MetaPartitionLoadResponse>(bytes) {
        let json = gojson::to_vec(&reply).expect("what JSON holds has a form");
        assert_eq!(gojson::from_slice::<MetaPartitionLoadResponse>(&json).expect("our own form"), reply);
    }
}

fn reads_back(opcode: Opcode, response: Response) {
    let json = match &response {
        Response::DataNodeHeartbeat(response) => gojson::to_string(response),
        Response::LoadDataPartition(response) => gojson::to_string(response),
        Response::DeleteDataPartition(response) => gojson::to_string(response),
        Response::MetaNodeHeartbeat(response) => gojson::to_string(response),
        Response::DeleteMetaPartition(response) => gojson::to_string(response),
        Response::UpdateMetaPartition(response) => gojson::to_string(response),
        Response::VersionOperation(response) => gojson::to_string(response),
        Response::LcNodeHeartbeat(response) => gojson::to_string(response),
        Response::LcNodeScan(response) => gojson::to_string(response),
        Response::SnapshotVerDel(response) => gojson::to_string(response),
        Response::FlashNodeHeartbeat(response) => gojson::to_string(response),
        Response::FlashNodeScan(response) => gojson::to_string(response),
        Response::Other => return,
    };
    let json = json.expect("what JSON holds has a form");
    assert_eq!(Response::decode(opcode, &json).expect("our own form"), response);
}

fn task_reads_back<Q>(bytes: &[u8])
where
    Q: serde::Serialize + serde::de::DeserializeOwned + Default + PartialEq + std::fmt::Debug,
{
    if let Ok(task) = gojson::from_slice::<AdminTask<Q>>(bytes) {
        let json = gojson::to_vec(&task).expect("what JSON holds has a form");
        assert_eq!(gojson::from_slice::<AdminTask<Q>>(&json).expect("our own form"), task);
    }
}
