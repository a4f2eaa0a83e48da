//! Results of asynchronous tasks other than heartbeats and jobs (v3.5.3 admin-tasks.md §7.2, §7.3, §7.7, §8.2, §8.3).

use crate::ids::PartitionId;
use crate::wire::gojson::List;
use serde::{Deserialize, Serialize};

/// 0x61; nodes of v3.5.3 never send it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DeleteDataPartitionResponse {
    pub status: u8,
    pub result: String,
    pub partition_id: PartitionId,
}

/// 0x62.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct LoadDataPartitionResponse {
    pub partition_id: PartitionId,
    /// Bytes.
    pub used: u64,
    /// Nil: no answer; empty: loaded, nothing to compare.
    pub partition_snapshot: List<File>,
    /// 1 or 2.
    pub status: u8,
    /// 0 recovering, 1 read only, 2 read and write, −1 unavailable.
    pub partition_status: i64,
    pub result: String,
    /// "" from v3.5.3.
    pub vol_name: String,
}

/// An extent file of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct File {
    pub name: String,
    pub crc: u32,
    /// Bytes.
    pub size: u32,
    pub modified: i64,
    #[serde(rename = "ApplyID")]
    pub apply_id: u64,
}

/// 0xD5. A data node that fails leaves the volume out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct MultiVersionOpResponse {
    /// The volume's name.
    #[serde(rename = "VolumeID")]
    pub volume_id: String,
    pub addr: String,
    pub op: u8,
    pub ver_seq: u64,
    pub status: u8,
    /// Not "" is a failure, whatever the status.
    pub result: String,
}

/// 0x42; nodes of v3.5.3 never send it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DeleteMetaPartitionResponse {
    #[serde(rename = "PartitionID")]
    pub partition_id: PartitionId,
    pub status: u8,
    pub result: String,
}

/// 0x43.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct UpdateMetaPartitionResponse {
    #[serde(rename = "PartitionID")]
    pub partition_id: PartitionId,
    pub vol_name: String,
    pub end: u64,
    pub status: u8,
    pub result: String,
}
