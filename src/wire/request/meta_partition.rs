//! Commands to meta nodes about partitions (v3.5.3 admin-tasks.md §8). Some say `PartitionID`, the membership changes `PartitionId`.

use crate::ids::PartitionId;
use crate::wire::gojson::List;
use crate::wire::peer::Peer;
use serde::{Deserialize, Serialize};

/// 0x40. Never sent to a node that has the partition: it would move the running partition's directory away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct CreateMetaPartitionRequest {
    /// "".
    pub meta_id: String,
    pub vol_name: String,
    pub start: u64,
    pub end: u64,
    #[serde(rename = "PartitionID")]
    pub partition_id: PartitionId,
    pub members: List<Peer>,
    pub ver_seq: u64,
}

/// 0x42 delete, 0x44 load, 0x4A back up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct MetaPartitionRequest {
    #[serde(rename = "PartitionID")]
    pub partition_id: PartitionId,
}

/// 0x43.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct UpdateMetaPartitionRequest {
    #[serde(rename = "PartitionID")]
    pub partition_id: PartitionId,
    pub vol_name: String,
    /// 0.
    pub start: u64,
    pub end: u64,
}

/// 0x46.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct AddMetaPartitionRaftMemberRequest {
    pub partition_id: PartitionId,
    pub add_peer: Peer,
}

/// 0x47.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RemoveMetaPartitionRaftMemberRequest {
    pub partition_id: PartitionId,
    pub remove_peer: Peer,
}

/// 0x49.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct FreezeMetaPartitionRequest {
    #[serde(rename = "PartitionID")]
    pub partition_id: PartitionId,
    pub freeze: bool,
}

/// 0x4C. The reply's data is the same structure with `ready` filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct IsRaftStatusOkRequest {
    #[serde(rename = "PartitionID")]
    pub partition_id: PartitionId,
    pub ready: bool,
    pub replica_num: i64,
}
