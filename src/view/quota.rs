//! Directory quotas as replies show them (v3.5.3 http-types.md: QuotaInfo, ListMasterQuotaResponse).

use crate::model::{Quota, QuotaPath};
use serde::Serialize;

/// Reply of `/quota/list`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListMasterQuotaResponse {
    pub quotas: Vec<QuotaInfo>,
}

/// Reply of `/quota/get`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct QuotaInfo {
    pub vol_name: String,
    pub quota_id: u32,
    #[serde(rename = "CTime")]
    pub c_time: i64,
    pub path_infos: Vec<QuotaPathInfo>,
    pub limited_info: QuotaLimitedInfo,
    pub used_info: QuotaUsedInfo,
    pub max_files: u64,
    pub max_bytes: u64,
    pub rsv: String,
}

/// A directory under a quota.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct QuotaPathInfo {
    pub full_path: String,
    pub root_inode: u64,
    pub partition_id: u64,
}

/// Which limits are reached.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct QuotaLimitedInfo {
    pub limited_files: bool,
    pub limited_bytes: bool,
}

/// What the directories hold.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct QuotaUsedInfo {
    pub used_files: i64,
    pub used_bytes: i64,
}

impl QuotaInfo {
    /// A quota as it is now.
    pub fn of(quota: &Quota) -> Self {
        let path = |p: &QuotaPath| QuotaPathInfo { full_path: p.full_path.clone(), root_inode: p.root_inode, partition_id: p.partition_id };
        Self {
            vol_name: quota.vol_name.clone(),
            quota_id: quota.quota_id,
            c_time: quota.create_time,
            path_infos: quota.paths.iter().map(path).collect(),
            limited_info: QuotaLimitedInfo { limited_files: quota.limited.files, limited_bytes: quota.limited.bytes },
            used_info: QuotaUsedInfo { used_files: quota.used.files, used_bytes: quota.used.bytes },
            max_files: quota.max_files,
            max_bytes: quota.max_bytes,
            rsv: quota.reserved.clone(),
        }
    }
}
