//! What clients and the leader say to each other about a volume's flow limits (v3.5.3 http-types.md: ClientReportLimitInfo,
//! LimitRsp2Client).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Body of `/admin/qosUpload`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ClientReportLimitInfo {
    /// 0: a client that has no id yet.
    #[serde(rename = "ID")]
    pub id: u64,
    /// By number of the factor.
    pub factor_map: Option<BTreeMap<u32, ClientLimitInfo>>,
    pub host: String,
    pub status: u8,
    pub version: Option<VersionInfo>,
}

/// One factor: what a client was given, used and needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ClientLimitInfo {
    pub used_limit: u64,
    pub used_buffer: u64,
    pub used: u64,
    pub need: u64,
}

/// The program of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VersionInfo {
    pub role: String,
    pub version: String,
    pub branch: String,
    pub commit: String,
    pub build: String,
}

/// Reply of `/admin/qosUpload`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LimitRsp2Client {
    #[serde(rename = "ID")]
    pub id: u64,
    pub enable: bool,
    pub req_period: u32,
    pub hit_trigger_cnt: u8,
    pub factor_map: BTreeMap<u32, ClientLimitInfo>,
    pub magnify: BTreeMap<u32, u32>,
    pub version: Option<VersionInfo>,
}
