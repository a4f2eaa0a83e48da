//! What a node's heartbeat response says.

use super::fleet::{Kind, Node, State};
use serde_json::{json, Value};

const GIB: u64 = 1 << 30;
/// Capacity of a data node, and of each of its two disks together.
const DATA_NODE_BYTES: u64 = 4_096 * GIB;
const DISKS: [&str; 2] = ["/disk1", "/disk2"];

/// The response of the node `addr` to a heartbeat, with what was ordered by [`super::Fleet::report`].
pub(super) fn heartbeat(state: &State, addr: &str) -> Option<Value> {
    let node = state.nodes.iter().find(|node| node.view.addr == addr)?;
    let parts = || node.view.parts.iter();
    let (mut response, list, mut reports): (Value, _, Vec<Value>) = match node.view.kind {
        Kind::Data => (data(node), "PartitionReports", parts().map(|part| data_partition(state, node, part)).collect()),
        Kind::Meta => (meta(node), "MetaPartitionReports", parts().map(|part| meta_partition(state, node, part)).collect()),
    };
    for (pid, report) in node.view.parts.keys().zip(&mut reports) {
        for over in [&0, pid].iter().filter_map(|pid| node.over_part.get(pid)) {
            report.as_object_mut()?.extend(over.clone());
        }
    }
    // Moved: `json!` would copy them.
    response[list] = Value::Array(reports);
    response.as_object_mut()?.extend(node.over.clone());
    Some(response)
}

/// Inodes that a node reports of a meta partition.
pub(super) fn inode_count(state: &State, addr: &str, pid: u64) -> u64 {
    let response = heartbeat(state, addr).unwrap_or_default();
    let reports = response["MetaPartitionReports"].as_array().cloned().unwrap_or_default();
    let report = reports.iter().find(|report| report["PartitionID"] == pid);
    report.and_then(|report| report["InodeCnt"].as_u64()).unwrap_or_default()
}

fn leads(state: &State, node: &Node, pid: u64) -> bool {
    let peers = node.view.parts.get(&pid).map(|part| part.peers.as_slice()).unwrap_or_default();
    state.leader(node.view.kind, pid, peers) == Some(node.view.id)
}

fn data(node: &Node) -> Value {
    let count = node.view.parts.len() as u64;
    let (total, used) = (DATA_NODE_BYTES, count * GIB);
    let disk = |path: &str| {
        json!({
            "Status": 2, "DiskPath": path, "Total": total / 2, "Used": 0, "Available": total / 2, "IOUtil": 0.0,
            "TotalPartitionCnt": 0, "DiskErrPartitionList": null,
        })
    };
    json!({
        "Total": total, "Used": used, "Available": total - used, "TotalPartitionSize": count * 120 * GIB,
        "RemainingCapacity": total - used, "CreatedPartitionCnt": count, "MaxCapacity": total, "StartTime": node.started,
        "ZoneName": node.view.zone, "Status": 1, "Result": "",
        "AllDisks": DISKS, "DiskStats": DISKS.map(disk), "BadDisks": node.bad_disks.iter().map(|bad| &bad["DiskPath"]).collect::<Vec<_>>(),
        "BadDiskStats": node.bad_disks, "LostDisks": null, "cpuUtil": 1.0, "ioUtil": {"/disk1": 0.0, "/disk2": 0.0},
        "BackupDataPartitions": [], "DiskOpLog": null, "DpOpLog": null, "ReceivedForbidWriteOpOfProtoVer0": false,
    })
}

fn data_partition(state: &State, node: &Node, (pid, part): (&u64, &super::Part)) -> Value {
    json!({
        "VolName": part.vol, "PartitionID": pid, "PartitionStatus": 2, "Total": part.total, "Used": GIB, "DiskPath": part.disk,
        "IsLeader": leads(state, node, *pid), "ExtentCount": 64, "NeedCompare": true, "DecommissionRepairProgress": 1.0,
        "LocalPeers": part.peers, "TriggerDiskError": false, "ForbidWriteOpOfProtoVer0": false, "ReadOnlyReasons": 0,
        "IsMissingTinyExtent": false, "IsRepairing": false,
    })
}

fn meta(node: &Node) -> Value {
    json!({
        "ZoneName": node.view.zone, "Total": 64 * GIB, "Used": GIB, "NodeMemTotal": 64 * GIB, "NodeMemUsed": 2 * GIB, "Status": 1,
        "Result": "", "cpuUtil": 1.5, "ReceivedForbidWriteOpOfProtoVer0": false,
    })
}

fn meta_partition(state: &State, node: &Node, (pid, part): (&u64, &super::Part)) -> Value {
    json!({
        "PartitionID": pid, "Start": part.start, "End": part.end, "Status": 2, "Size": 100, "MaxInodeID": part.start.max(1),
        "IsLeader": leads(state, node, *pid), "VolName": part.vol, "InodeCnt": 1, "DentryCnt": 0, "TxCnt": 0, "TxRbInoCnt": 0,
        "TxRbDenCnt": 0, "FreeListLen": 0, "ForbidWriteOpOfProtoVer0": false, "UidInfo": null, "QuotaReportInfos": null,
        "StatByStorageClass": null, "StatByMigrateStorageClass": null, "LocalPeers": part.peers, "ReadOnlyReasons": 0,
    })
}
