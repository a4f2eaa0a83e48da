//! What an admin operation does to a node's partitions, by opcode (v3.5.3 admin-tasks.md §7, §8).

use super::fleet::{Breach, Kind, Part, State};
use bytes::Bytes;
use cfs_master::wire::opcode::Opcode;
use cfs_master::wire::peer::Peer;
use cfs_master::wire::result_code::ResultCode;
use serde::Deserialize;
use serde_json::{json, Value};

const GIB: u64 = 1 << 30;
/// Where every data partition lies.
const DISK: &str = "/disk1";

/// What a node makes of a request.
pub(super) struct Outcome {
    pub code: ResultCode,
    pub data: Bytes,
    /// The task is answered by HTTP with this response too.
    pub post: Option<Post>,
}

/// Whether a master sent a packet or the world repeats it (`Mishap::Twice`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    First,
    Again,
}

/// What is posted.
pub(super) enum Post {
    /// The state at the time of posting.
    Heartbeat,
    Response(Value),
}

fn ok(data: impl Into<Bytes>) -> Outcome {
    Outcome { code: ResultCode::OK, data: data.into(), post: None }
}

fn refuse(text: String) -> Outcome {
    Outcome { code: ResultCode::ERR, data: text.into(), post: None }
}

fn post(post: Post) -> Outcome {
    Outcome { post: Some(post), ..ok("") }
}

fn peer(value: &Value) -> Option<Peer> {
    Peer::deserialize(value).ok()
}

fn peers(value: &Value) -> Vec<Peer> {
    value.as_array().into_iter().flatten().filter_map(peer).collect()
}

/// Executes an operation on the node `addr`. `header_pid` is the packet header's partition.
pub(super) fn handle(state: &mut State, addr: &str, opcode: Opcode, header_pid: u64, delivery: Delivery, request: &Value) -> Outcome {
    let Some(node) = state.node(addr) else { return refuse(format!("no node {addr}")) };
    let (kind, own_id) = (node.view.kind, node.view.id);
    let number = |key: &str| request[key].as_u64();
    let text = |key: &str| request[key].as_str().unwrap_or_default().to_owned();
    // Requests write the key either way; Go does not mind.
    let Some(pid) = number("PartitionId").or(number("PartitionID")).or(Some(header_pid)).filter(|pid| *pid > 0 || !needs_pid(opcode))
    else {
        return refuse("the request names no partition".into());
    };
    let holds = |state: &mut State| state.node(addr).is_some_and(|node| node.view.parts.contains_key(&pid));
    match opcode {
        Opcode::DATA_NODE_HEARTBEAT | Opcode::META_NODE_HEARTBEAT => post(Post::Heartbeat),
        Opcode::CREATE_DATA_PARTITION => {
            let part = Part {
                vol: text("VolumeId"),
                peers: peers(&request["Members"]),
                total: number("PartitionSize").unwrap_or_default(),
                disk: DISK.into(),
                repl: request["ReplicaNum"].as_i64().unwrap_or_default(),
                ..Part::default()
            };
            keep(state, addr, pid, part);
            ok(DISK)
        }
        Opcode::CREATE_META_PARTITION => {
            let part = Part {
                vol: text("VolName"),
                peers: peers(&request["Members"]),
                start: number("Start").unwrap_or_default(),
                end: number("End").unwrap_or_default(),
                ..Part::default()
            };
            if delivery == Delivery::First && holds(state) {
                // A v3.5.3 meta node loses the running partition's directory then (admin-tasks.md §8.1).
                let what = format!("meta partition {pid} created where it is already");
                state.breaches.push(Breach { node: addr.to_owned(), what });
            }
            keep(state, addr, pid, part);
            ok("")
        }
        Opcode::DELETE_DATA_PARTITION | Opcode::DELETE_META_PARTITION => {
            if let Some(node) = state.node(addr) {
                node.view.parts.remove(&pid);
                node.changed.notify_one();
            }
            ok("")
        }
        Opcode::UPDATE_META_PARTITION => {
            let end = number("End").unwrap_or_default();
            if state.node(addr).is_some_and(|node| node.view.parts.contains_key(&pid)) {
                state.each(kind, pid, |part| part.end = end);
            }
            let response = json!({"PartitionID": pid, "VolName": text("VolName"), "End": end, "Status": 1, "Result": ""});
            post(Post::Response(response))
        }
        Opcode::ADD_META_PARTITION_RAFT_MEMBER | Opcode::REMOVE_META_PARTITION_RAFT_MEMBER if !holds(state) => {
            refuse(format!("unknown meta partition: {pid}"))
        }
        Opcode::FREEZE_EMPTY_META_PARTITION | Opcode::BACKUP_EMPTY_META_PARTITION => {
            let backs_up = opcode == Opcode::BACKUP_EMPTY_META_PARTITION;
            if !holds(state) {
                return if backs_up { ok("") } else { refuse(format!("unknown meta partition: {pid}")) };
            }
            let wanted = backs_up || request["Freeze"].as_bool().unwrap_or_default();
            let inodes = super::report::inode_count(state, addr, pid);
            if wanted && inodes > 0 {
                return refuse(format!("inodeCount({inodes}) or dentryCount(0) is not zero"));
            }
            if let Some(node) = state.node(addr).filter(|_| backs_up) {
                node.view.parts.remove(&pid);
                node.backups.insert(pid);
                node.changed.notify_one();
            }
            ok("")
        }
        Opcode::REMOVE_BACKUP_META_PARTITION => {
            if let Some(node) = state.node(addr) {
                node.backups.clear();
            }
            ok("")
        }
        Opcode::ADD_DATA_PARTITION_RAFT_MEMBER | Opcode::ADD_META_PARTITION_RAFT_MEMBER => {
            let Some(add) = peer(&request["AddPeer"]) else { return refuse("no peer to add".into()) };
            state.each(kind, pid, |part| {
                part.peers.retain(|peer| peer.id != add.id);
                part.peers.push(add.clone());
            });
            ok("")
        }
        Opcode::REMOVE_DATA_PARTITION_RAFT_MEMBER | Opcode::REMOVE_META_PARTITION_RAFT_MEMBER => {
            let Some(remove) = peer(&request["RemovePeer"]) else { return refuse("no peer to remove".into()) };
            state.each(kind, pid, |part| part.peers.retain(|peer| peer.id != remove.id));
            ok("")
        }
        Opcode::DATA_PARTITION_TRY_TO_LEADER | Opcode::META_PARTITION_TRY_TO_LEADER => {
            state.leaders.insert((kind, header_pid), own_id);
            ok("")
        }
        Opcode::LOAD_DATA_PARTITION => {
            let vol = state.node(addr).and_then(|node| node.view.parts.get(&pid)).map(|part| part.vol.clone()).unwrap_or_default();
            let response = json!({
                "PartitionId": pid, "Used": GIB, "PartitionSnapshot": [], "Status": 1, "PartitionStatus": 2, "Result": "", "VolName": vol,
            });
            post(Post::Response(response))
        }
        Opcode::LOAD_META_PARTITION => {
            let loaded = json!({
                "PartitionID": pid, "DoCompare": true, "ApplyID": 1, "CommittedID": 1, "MaxInode": 1, "DentryCount": 0, "InodeCount": 1,
                "Addr": addr,
            });
            ok(loaded.to_string())
        }
        Opcode::IS_RAFT_STATUS_OK => ok(json!({"PartitionID": pid, "Ready": true}).to_string()),
        _ => ok(""),
    }
}

/// Operations that make no sense without a partition.
fn needs_pid(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::CREATE_DATA_PARTITION
            | Opcode::DELETE_DATA_PARTITION
            | Opcode::CREATE_META_PARTITION
            | Opcode::DELETE_META_PARTITION
            | Opcode::UPDATE_META_PARTITION
            | Opcode::ADD_DATA_PARTITION_RAFT_MEMBER
            | Opcode::REMOVE_DATA_PARTITION_RAFT_MEMBER
            | Opcode::ADD_META_PARTITION_RAFT_MEMBER
            | Opcode::REMOVE_META_PARTITION_RAFT_MEMBER
            | Opcode::FREEZE_EMPTY_META_PARTITION
            | Opcode::BACKUP_EMPTY_META_PARTITION
    )
}

fn keep(state: &mut State, addr: &str, pid: u64, part: Part) {
    if let Some(node) = state.node(addr) {
        node.view.parts.insert(pid, part);
        node.changed.notify_one();
    }
}

/// The HTTP path on which a kind of node answers.
pub(super) fn response_path(kind: Kind) -> &'static str {
    match kind {
        Kind::Data => "/dataNode/response",
        Kind::Meta => "/metaNode/response",
    }
}
