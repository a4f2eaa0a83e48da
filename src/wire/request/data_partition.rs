//! Commands to data nodes about partitions and disks (v3.5.3 admin-tasks.md §7).

use crate::ids::PartitionId;
use crate::wire::gojson::List;
use crate::wire::peer::Peer;
use serde::{Deserialize, Serialize};

/// 0x60. The reply's data is the path of the disk, plain text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct CreateDataPartitionRequest {
    /// 0, normal.
    pub partition_typ: i64,
    pub partition_id: PartitionId,
    /// Bytes.
    pub partition_size: i64,
    pub replica_num: i64,
    /// The volume's name.
    pub volume_id: String,
    pub is_random_write: bool,
    /// All raft members, in an order of their own.
    pub members: List<Peer>,
    pub hosts: List<String>,
    /// 0 new partition, 1 replica added to an existing one.
    pub create_type: i64,
    /// Bytes used on the first replica when one is added, else 0.
    pub leader_size: i64,
    /// Disks the node must avoid. Nil: none; empty: ignore decommission marks.
    pub decommissioned_disks: List<String>,
    pub is_multi_ver: bool,
    pub ver_seq: u64,
}

/// 0x61.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DeleteDataPartitionRequest {
    /// "".
    pub data_partition_type: String,
    pub partition_id: PartitionId,
    /// 0.
    pub partition_size: i64,
    /// The partition's raft-force.
    pub force: bool,
    pub decommission_type: u32,
}

/// 0x62.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct LoadDataPartitionRequest {
    pub partition_id: PartitionId,
}

/// 0x67.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct AddDataPartitionRaftMemberRequest {
    pub partition_id: PartitionId,
    pub add_peer: Peer,
    pub repairing_status: bool,
}

/// 0x68.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RemoveDataPartitionRaftMemberRequest {
    pub partition_id: PartitionId,
    pub remove_peer: Peer,
    pub repairing_status: bool,
    pub force: bool,
    pub auto_remove: bool,
}

/// 0x6B. The packet's header needs the partition too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct StopDataPartitionRepairRequest {
    pub partition_id: PartitionId,
    pub stop: bool,
}

/// 0x6C. The packet's header needs the partition too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RecoverDataReplicaMetaRequest {
    pub partition_id: PartitionId,
    pub peers: List<Peer>,
    pub hosts: List<String>,
}

/// 0x6D.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RecoverBackupDataReplicaRequest {
    pub partition_id: PartitionId,
    pub disk: String,
}

/// 0x8C. The packet's header needs the partition too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SetDataPartitionRepairingStatusRequest {
    pub partition_id: PartitionId,
    pub repairing_status: bool,
}

/// 0x6E recover a bad disk, 0x6F ask how that goes, 0x80 delete backups, 0x8A forget a lost disk, 0x8B load it again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DiskRequest {
    pub disk_path: String,
}
