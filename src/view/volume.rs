//! Volumes as replies show them (v3.5.3 http-types.md: SimpleVolView, VolView, VolInfo, VolStatInfo).

use super::meta_partition::MetaPartitionView;
use crate::wire::gojson::GoTime;
use crate::wire::gojson::List;
use crate::wire::report::StatOfStorageClass;
use serde::Serialize;

/// Reply of `/admin/getVol`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SimpleVolView {
    #[serde(rename = "ID")]
    pub id: u64,
    pub name: String,
    pub owner: String,
    pub zone_name: String,
    pub dp_replica_num: u8,
    pub mp_replica_num: u8,
    pub inode_count: u64,
    pub dentry_count: u64,
    #[serde(rename = "MaxMetaPartitionID")]
    pub max_meta_partition_id: u64,
    #[serde(rename = "MaxDataPartitionID")]
    pub max_data_partition_id: u64,
    pub status: u8,
    pub capacity: u64,
    pub rw_dp_cnt: usize,
    #[serde(rename = "RwDpOfSSDCnt")]
    pub rw_dp_of_ssd_cnt: usize,
    #[serde(rename = "RwDpOfHDDCnt")]
    pub rw_dp_of_hdd_cnt: usize,
    pub mp_cnt: usize,
    pub dp_cnt: usize,
    #[serde(rename = "DpOfSSDCnt")]
    pub dp_of_ssd_cnt: usize,
    #[serde(rename = "DpOfHDDCnt")]
    pub dp_of_hdd_cnt: usize,
    pub follower_read: bool,
    pub meta_follower_read: bool,
    pub direct_read: bool,
    pub ignore_tiny_recover: bool,
    pub maximally_read: bool,
    pub need_to_lower_replica: bool,
    pub authenticate: bool,
    pub cross_zone: bool,
    pub default_priority: bool,
    pub domain_on: bool,
    pub create_time: String,
    pub delete_lock_time: i64,
    pub leader_retry_time_out: i64,
    pub enable_token: bool,
    pub enable_posix_acl: bool,
    pub enable_quota: bool,
    pub enable_transaction_v1: String,
    pub enable_transaction: &'static str,
    pub tx_timeout: i64,
    pub tx_conflict_retry_num: i64,
    pub tx_conflict_retry_interval: i64,
    pub tx_op_limit: i64,
    pub description: String,
    pub dp_selector_name: String,
    pub dp_selector_parm: String,
    pub default_zone_prior: bool,
    pub dp_read_only_when_vol_full: bool,
    /// Always 0; decoders that ignore case may mix it up with `LeaderRetryTimeOut`, so both stay, in this order.
    #[serde(rename = "LeaderRetryTimeout")]
    pub leader_retry_timeout_unused: i64,
    pub vol_type: i64,
    pub obj_block_size: i64,
    pub uids: List<UidSimple>,
    pub trash_interval: i64,
    pub latest_ver: u64,
    pub forbidden: bool,
    pub disable_audit_log: bool,
    pub delete_exec_time: GoTime,
    pub dp_repair_block_size: u64,
    pub enable_auto_dp_meta_repair: bool,
    pub access_time_interval: i64,
    pub enable_persist_access_time: bool,
    pub vol_storage_class: u32,
    pub allowed_storage_class: Vec<u32>,
    pub forbid_write_op_of_proto_ver0: bool,
    pub quota_of_storage_class: Vec<StatOfStorageClass>,
    pub remote_cache_enable: bool,
    pub remote_cache_path: String,
    pub remote_cache_auto_prepare: bool,
    #[serde(rename = "RemoteCacheTTL")]
    pub remote_cache_ttl: i64,
    pub remote_cache_read_timeout: i64,
    #[serde(rename = "RemoteCacheMaxFileSizeGB")]
    pub remote_cache_max_file_size_gb: i64,
    #[serde(rename = "RemoteCacheOnlyForNotSSD")]
    pub remote_cache_only_for_not_ssd: bool,
    pub remote_cache_multi_read: bool,
    pub flash_node_timeout_count: i64,
    pub remote_cache_same_zone_timeout: i64,
    pub remote_cache_same_region_timeout: i64,
    pub qos_info: QosSimpleInfo,
    pub remote_cache_remove_dup_req: bool,
}

/// A uid whose space is limited.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct UidSimple {
    #[serde(rename = "UID")]
    pub uid: u32,
    #[serde(rename = "Limited")]
    pub limited: bool,
}

/// Flow limits in [`SimpleVolView`].
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct QosSimpleInfo {
    pub qos_items: Vec<QosItem>,
    pub qos_enable: bool,
}

/// One flow limit, bytes per second.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct QosItem {
    pub name: &'static str,
    #[serde(rename = "Type")]
    pub factor: u32,
    pub total: u64,
    pub cli_used: u64,
}

/// Reply of `/client/vol`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VolView {
    pub name: String,
    pub owner: String,
    pub status: u8,
    pub follower_read: bool,
    pub meta_partitions: Vec<MetaPartitionView>,
    /// Always empty.
    pub data_partitions: Vec<()>,
    pub domain_on: bool,
    #[serde(rename = "OSSSecure")]
    pub oss_secure: OssSecure,
    pub create_time: i64,
    pub delete_lock_time: i64,
    pub vol_type: i64,
}

/// Keys of the object gateway.
#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct OssSecure {
    pub access_key: String,
    pub secret_key: String,
}

/// Keys stay out of logs.
impl std::fmt::Debug for OssSecure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OssSecure")
    }
}

/// Element of `/vol/list`; sizes in bytes.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VolInfo {
    pub name: String,
    pub owner: String,
    pub create_time: i64,
    pub status: u8,
    pub total_size: u64,
    pub used_size: u64,
    pub dp_read_only_when_vol_full: bool,
}

/// Reply of `/client/volStat`, element of the cluster view.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VolStatInfo {
    pub name: String,
    pub total_size: u64,
    pub used_size: u64,
    pub used_ratio: String,
    pub cache_total_size: u64,
    pub cache_used_size: u64,
    pub cache_used_ratio: String,
    pub enable_token: bool,
    pub inode_count: u64,
    pub tx_cnt: u64,
    pub tx_rb_ino_cnt: u64,
    pub tx_rb_den_cnt: u64,
    pub dp_read_only_when_vol_full: bool,
    pub trash_interval_v2: i64,
    pub default_storage_class: u32,
    pub meta_follower_read: bool,
    pub maximally_read: bool,
    pub leader_retry_time_out: i64,
    pub stat_by_storage_class: List<StatOfStorageClass>,
    pub stat_migrate_storage_class: List<StatOfStorageClass>,
    pub stat_by_dp_media_type: List<StatOfStorageClass>,
}
