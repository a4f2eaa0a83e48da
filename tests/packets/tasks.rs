//! Every admin task among the vectors, every posted response, and every JSON reply keeps its bytes through our types.

use crate::vectors::{load, member};
use cfs_master::wire::gojson;
use cfs_master::wire::opcode::Opcode;
use cfs_master::wire::report::*;
use cfs_master::wire::request::*;
use cfs_master::wire::task::{status, task_id, AdminTask, Subject};
use serde::de::DeserializeOwned;
use serde::Serialize;

fn rewritten<Q>(task: &str) -> String
where
    Q: Serialize + DeserializeOwned + Default,
{
    gojson::to_string(&gojson::from_str::<AdminTask<Q>>(task).unwrap()).unwrap()
}

/// The task read into the request type of its operation and written again.
fn rewritten_by_opcode(opcode: Opcode, task: &str) -> String {
    match opcode {
        Opcode::DATA_NODE_HEARTBEAT | Opcode::META_NODE_HEARTBEAT | Opcode::LC_NODE_HEARTBEAT | Opcode::FLASH_NODE_HEARTBEAT => {
            rewritten::<HeartBeatRequest>(task)
        }
        Opcode::CREATE_DATA_PARTITION => rewritten::<CreateDataPartitionRequest>(task),
        Opcode::DELETE_DATA_PARTITION => rewritten::<DeleteDataPartitionRequest>(task),
        Opcode::LOAD_DATA_PARTITION => rewritten::<LoadDataPartitionRequest>(task),
        Opcode::ADD_DATA_PARTITION_RAFT_MEMBER => rewritten::<AddDataPartitionRaftMemberRequest>(task),
        Opcode::REMOVE_DATA_PARTITION_RAFT_MEMBER => rewritten::<RemoveDataPartitionRaftMemberRequest>(task),
        Opcode::STOP_DATA_PARTITION_REPAIR => rewritten::<StopDataPartitionRepairRequest>(task),
        Opcode::RECOVER_DATA_REPLICA_META => rewritten::<RecoverDataReplicaMetaRequest>(task),
        Opcode::RECOVER_BACKUP_DATA_REPLICA => rewritten::<RecoverBackupDataReplicaRequest>(task),
        Opcode::SET_REPAIRING_STATUS => rewritten::<SetDataPartitionRepairingStatusRequest>(task),
        Opcode::RECOVER_BAD_DISK
        | Opcode::QUERY_BAD_DISK_RECOVER_PROGRESS
        | Opcode::DELETE_BACKUP_DIRECTORIES
        | Opcode::DELETE_LOST_DISK
        | Opcode::RELOAD_DISK => rewritten::<DiskRequest>(task),
        Opcode::CREATE_META_PARTITION => rewritten::<CreateMetaPartitionRequest>(task),
        Opcode::DELETE_META_PARTITION | Opcode::LOAD_META_PARTITION | Opcode::BACKUP_EMPTY_META_PARTITION => {
            rewritten::<MetaPartitionRequest>(task)
        }
        Opcode::UPDATE_META_PARTITION => rewritten::<UpdateMetaPartitionRequest>(task),
        Opcode::ADD_META_PARTITION_RAFT_MEMBER => rewritten::<AddMetaPartitionRaftMemberRequest>(task),
        Opcode::REMOVE_META_PARTITION_RAFT_MEMBER => rewritten::<RemoveMetaPartitionRaftMemberRequest>(task),
        Opcode::FREEZE_EMPTY_META_PARTITION => rewritten::<FreezeMetaPartitionRequest>(task),
        Opcode::IS_RAFT_STATUS_OK => rewritten::<IsRaftStatusOkRequest>(task),
        Opcode::VERSION_OPERATION => rewritten::<MultiVersionOpRequest>(task),
        Opcode::LC_NODE_SCAN => rewritten::<LcNodeRuleTaskRequest>(task),
        Opcode::LC_NODE_SNAPSHOT_VER_DEL => rewritten::<SnapshotVerDelTaskRequest>(task),
        Opcode::FLASH_NODE_SCAN => rewritten::<FlashNodeManualTaskRequest>(task),
        Opcode::FLASH_NODE_TASK_COMMAND => rewritten::<FlashNodeManualTaskCommand>(task),
        Opcode::FLASH_NODE_SET_READ_IO_LIMITS | Opcode::FLASH_NODE_SET_WRITE_IO_LIMITS => rewritten::<FlashNodeSetIoLimitsRequest>(task),
        Opcode::META_PARTITION_TRY_TO_LEADER | Opcode::REMOVE_BACKUP_META_PARTITION | Opcode::DATA_PARTITION_TRY_TO_LEADER => {
            rewritten::<()>(task)
        }
        other => panic!("a master does not send {other}"),
    }
}

/// Requests that only a test script made, to see what a node does with them.
const NOT_OF_A_MASTER: &[&str] =
    &["cap_b9_unknown_fc_req", "cap_60_OpCreateDataPartition_f3_req", "cap_44_OpLoadMetaPartition_noreply_req"];

#[test]
fn every_admin_task_keeps_its_bytes() {
    let mut opcodes = std::collections::BTreeSet::new();
    for vector in load().vectors {
        let (Some(fields), Some(data)) = (&vector.fields, &vector.data_utf8) else { continue };
        if !data.starts_with("{\"ID\":") || NOT_OF_A_MASTER.contains(&vector.name.as_str()) {
            continue;
        }
        assert_eq!(&rewritten_by_opcode(Opcode(fields.opcode), data), data, "{}", vector.name);
        opcodes.insert(fields.opcode);
    }
    assert_eq!(opcodes.len(), 37, "each operation that a master sends: {opcodes:x?}");
}

#[test]
fn task_ids_are_those_of_v3_5_3() {
    for vector in load().vectors.iter().filter(|vector| !vector.note.contains("test script")) {
        let Some(data) = vector.data_utf8.as_ref().filter(|data| data.starts_with("{\"ID\":")) else { continue };
        let task: AdminTask<serde_json::Value> = gojson::from_str(data).unwrap();
        let job = task.id.split_once("_reqID[").map(|(_, job)| job.trim_end_matches(']'));
        let subject = match (job, task.opcode.0) {
            (Some(job), _) => Subject::Job(job),
            (None, 0x60 | 0x61 | 0x62 | 0x67 | 0x68 | 0x69 | 0x6B | 0x6C | 0x6D | 0x8C) => Subject::DataPartition(task.partition_id),
            (None, 0x40 | 0x42 | 0x43 | 0x44 | 0x46..=0x4A | 0x4C) => Subject::MetaPartition(task.partition_id),
            _ => Subject::Node,
        };
        assert_eq!(task_id(task.opcode, &task.operator_addr, subject), task.id, "{}", vector.name);
        let made =
            AdminTask::new(task.opcode, &task.operator_addr, subject, task.request.clone(), task.create_time, task.request_id.clone());
        let sent_as = AdminTask { status: task.status, send_time: task.send_time, send_count: task.send_count, ..made };
        assert_eq!(sent_as, task, "{}", vector.name);
    }
}

fn kept<T: Serialize + DeserializeOwned>(json: &str) {
    assert_eq!(gojson::to_string(&gojson::from_str::<T>(json).unwrap()).unwrap(), json);
}

#[test]
fn every_posted_response_keeps_its_bytes() {
    let posted = load().task_responses;
    assert_eq!(posted.len(), 13);
    for post in posted {
        let task = Incoming::decode(post.body_utf8.as_bytes()).unwrap();
        assert_eq!(task.opcode, Opcode(post.opcode));
        assert_eq!(format!("\"{}\"", task.id), member(&post.body_utf8, "ID"));
        let response = task.response.unwrap();
        let json = match &response {
            Response::DataNodeHeartbeat(response) => gojson::to_string(response),
            Response::LoadDataPartition(response) => gojson::to_string(response),
            Response::MetaNodeHeartbeat(response) => gojson::to_string(response),
            Response::UpdateMetaPartition(response) => gojson::to_string(response),
            Response::VersionOperation(response) => gojson::to_string(response),
            Response::LcNodeHeartbeat(response) => gojson::to_string(response),
            Response::LcNodeScan(response) => gojson::to_string(response),
            Response::SnapshotVerDel(response) => gojson::to_string(response),
            Response::FlashNodeHeartbeat(response) => gojson::to_string(response),
            Response::FlashNodeScan(response) => gojson::to_string(response),
            other => panic!("{other:?}"),
        };
        assert_eq!(json.unwrap(), member(&post.body_utf8, "Response"));
    }
}

#[test]
fn a_reported_partition_has_its_values() {
    let posted = load().task_responses;
    let heartbeats = posted.iter().filter_map(|post| match Incoming::decode(post.body_utf8.as_bytes()).unwrap().response.unwrap() {
        Response::DataNodeHeartbeat(response) => Some(response),
        _ => None,
    });
    let full = heartbeats.max_by_key(|response| response.partition_reports.len()).unwrap();
    assert_eq!((full.status, full.zone_name.as_str()), (status::SUCCEEDED, "default"));
    let report = &full.partition_reports[0];
    assert_eq!((report.partition_id.0, report.partition_status, report.total), (1, 2, 128_849_018_880));
    assert_eq!(report.local_peers[0].raft_replica, "28340");
}

#[test]
fn json_replies_keep_their_bytes() {
    let mut seen = 0;
    for vector in load().vectors {
        let (Some(fields), Some(data)) = (&vector.fields, &vector.data_utf8) else { continue };
        if fields.result_code != 0xF0 || !data.starts_with('{') {
            continue;
        }
        match Opcode(fields.opcode) {
            Opcode::LOAD_META_PARTITION => kept::<MetaPartitionLoadResponse>(data),
            Opcode::IS_RAFT_STATUS_OK => kept::<IsRaftStatusOkRequest>(data),
            Opcode::QUERY_BAD_DISK_RECOVER_PROGRESS => kept::<BadDiskRecoverProgress>(data),
            other => panic!("{}: {other}", vector.name),
        }
        seen += 1;
    }
    assert!(seen >= 5, "{seen}");
}
