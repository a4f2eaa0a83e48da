//! Jobs for lc nodes: lifecycle scans and deletion of snapshot versions (v3.5.3 admin-tasks.md §9).

use super::version::VolVersionInfo;
use crate::wire::gojson::GoTime;
use serde::{Deserialize, Serialize};

/// 0x56.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct LcNodeRuleTaskRequest {
    pub master_addr: String,
    pub lc_node_addr: String,
    pub task: Option<RuleTask>,
}

/// A rule of a volume as a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RuleTask {
    /// `<volume>:<rule id>`.
    pub id: String,
    pub vol_name: String,
    pub rule: Option<Rule>,
}

/// A lifecycle rule. Parts that are empty are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Rule {
    #[serde(rename = "ID")]
    pub id: String,
    /// `Enabled` or `Disabled`.
    pub status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration: Option<Expiration>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transition: Vec<Transition>,
}

/// Which files a rule is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Filter {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// Bytes.
    pub min_size: u64,
}

/// When files are deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Expiration {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<GoTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<i64>,
}

/// When files move to another storage class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Transition {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<GoTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<i64>,
    /// `HDD` or `BLOBSTORE`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub storage_class: String,
}

/// 0x5B.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SnapshotVerDelTaskRequest {
    pub master_addr: String,
    pub lc_node_addr: String,
    pub task: Option<SnapshotVerDelTask>,
}

/// A version of a volume that is to be deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SnapshotVerDelTask {
    /// `<volume>:<version>`.
    pub id: String,
    pub vol_name: String,
    pub vol_version_info: Option<VolVersionInfo>,
}
