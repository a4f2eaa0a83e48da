//! Snapshot versions of a volume: the operation sent to data and meta nodes (v3.5.3 admin-tasks.md §7.7).

use crate::wire::gojson::List;
use serde::{Deserialize, Serialize};

/// One version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VolVersionInfo {
    /// Microseconds.
    pub ver: u64,
    pub del_time: i64,
    /// 1 normal, 2 deleted, 3 deleting, 4 delete abnormal, 5 prepare.
    pub status: u8,
}

/// 0xD5.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct MultiVersionOpRequest {
    /// The volume's name.
    #[serde(rename = "VolumeID")]
    pub volume_id: String,
    /// Microseconds.
    pub ver_seq: u64,
    /// See [`version_op`].
    pub op: u8,
    /// The node that is asked.
    pub addr: String,
    pub vol_ver_list: List<VolVersionInfo>,
}

/// Values of [`MultiVersionOpRequest::op`].
pub mod version_op {
    pub const CREATE: u8 = 1;
    pub const DELETE: u8 = 2;
    pub const CREATE_PREPARE: u8 = 3;
    pub const CREATE_COMMIT: u8 = 4;
}
