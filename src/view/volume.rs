//! Volumes as replies show them (v3.5.3 http-types.md: SimpleVolView, VolView, VolInfo, VolStatInfo).

use super::gotext;
use super::meta_partition::MetaPartitionView;
use super::sight::Sight;
use super::tx_mask;
use crate::limits::GIB;
use crate::model::{MediaType, StorageClass, Volume, VolumeType};
use crate::plan::reports::MetaPartitionReports;
use crate::plan::volume;
use crate::wire::gojson::{GoTime, List};
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

/// What clients use of a volume's flow limits, bytes per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowUse {
    pub read: u64,
    pub write: u64,
}

impl SimpleVolView {
    /// All attributes of a volume.
    pub fn of(sight: &Sight<'_>, record: &Volume, flow: FlowUse) -> Self {
        let (state, scene) = (sight.state, sight.scene());
        let v = record.effective(sight.rules.legacy_media_type);
        let partitions = || state.data_partitions_of_volume(v.id);
        let on = |media: MediaType| partitions().filter(|dp| dp.effective_media_type(sight.rules.legacy_media_type) == media).count();
        let writable = volume::writable_by_media(&scene, sight.reports, record);
        let writable_on = |media: MediaType| writable.get(&media).copied().unwrap_or(0);
        let quotas = v.quota_of_class.iter().map(|quota| StatOfStorageClass {
            storage_class: quota.storage_class.0,
            quota_gb: quota.quota_gb,
            ..Default::default()
        });
        Self {
            id: v.id.0,
            name: v.name.clone(),
            owner: v.owner.clone(),
            zone_name: v.zone_name.clone(),
            dp_replica_num: v.dp_replica_num,
            mp_replica_num: v.replica_num,
            inode_count: volume::inode_count(&scene, sight.reports, record),
            dentry_count: volume::dentry_count(&scene, sight.reports, record),
            max_meta_partition_id: state.meta_partitions_of_volume(v.id).map(|mp| mp.partition_id.0).max().unwrap_or(0),
            max_data_partition_id: partitions().map(|dp| dp.partition_id.0).max().unwrap_or(0),
            status: v.status.0,
            capacity: v.capacity,
            rw_dp_cnt: writable.values().sum(),
            rw_dp_of_ssd_cnt: writable_on(MediaType::SSD),
            rw_dp_of_hdd_cnt: writable_on(MediaType::HDD),
            mp_cnt: state.meta_partitions_of_volume(v.id).count(),
            dp_cnt: partitions().count(),
            dp_of_ssd_cnt: on(MediaType::SSD),
            dp_of_hdd_cnt: on(MediaType::HDD),
            follower_read: v.follower_read,
            meta_follower_read: v.meta_follower_read,
            direct_read: v.direct_read,
            ignore_tiny_recover: v.ignore_tiny_recover,
            maximally_read: v.maximally_read,
            need_to_lower_replica: partitions().any(|dp| usize::from(dp.replica_num) != dp.hosts.len()),
            authenticate: v.authenticate,
            cross_zone: v.cross_zone,
            default_priority: v.default_priority,
            domain_on: v.domain_on,
            create_time: gotext::date_time(v.create_time, sight.zone),
            delete_lock_time: v.delete_lock_time,
            leader_retry_time_out: v.leader_retry_time_out,
            enable_posix_acl: v.enable_posix_acl,
            enable_quota: v.enable_quota,
            enable_transaction_v1: tx_mask::text(v.enable_transaction),
            enable_transaction: "off",
            tx_timeout: v.tx_timeout,
            tx_conflict_retry_num: v.tx_conflict_retry_num,
            tx_conflict_retry_interval: v.tx_conflict_retry_interval,
            tx_op_limit: v.tx_op_limit,
            description: v.description.clone(),
            dp_selector_name: v.dp_selector_name.clone(),
            dp_selector_parm: v.dp_selector_parm.clone(),
            dp_read_only_when_vol_full: v.dp_read_only_when_vol_full,
            vol_type: v.vol_type.0,
            obj_block_size: v.ebs_blk_size,
            uids: uids(sight, record),
            trash_interval: v.trash_interval,
            latest_ver: state.version_lists.get(&v.id).map_or(0, |list| list.ver_seq),
            forbidden: v.forbidden,
            disable_audit_log: v.disable_audit_log,
            delete_exec_time: v.delete_exec_time,
            dp_repair_block_size: v.dp_repair_block_size,
            enable_auto_dp_meta_repair: v.enable_auto_meta_repair,
            access_time_interval: record.access_time_interval,
            enable_persist_access_time: v.enable_persist_access_time,
            vol_storage_class: v.vol_storage_class.0,
            allowed_storage_class: v.allowed_storage_class.iter().map(|class| class.0).collect(),
            forbid_write_op_of_proto_ver0: v.forbid_write_op_of_proto_ver0,
            quota_of_storage_class: quotas.collect(),
            remote_cache_enable: v.remote_cache_enable,
            remote_cache_path: v.remote_cache_path.clone(),
            remote_cache_auto_prepare: v.remote_cache_auto_prepare,
            remote_cache_ttl: v.remote_cache_ttl,
            remote_cache_read_timeout: v.remote_cache_read_timeout,
            remote_cache_max_file_size_gb: v.remote_cache_max_file_size_gb,
            remote_cache_only_for_not_ssd: v.remote_cache_only_for_not_ssd,
            remote_cache_multi_read: v.remote_cache_multi_read,
            flash_node_timeout_count: v.flash_node_timeout_count,
            remote_cache_same_zone_timeout: v.remote_cache_same_zone_timeout,
            remote_cache_same_region_timeout: v.remote_cache_same_region_timeout,
            qos_info: QosSimpleInfo {
                qos_items: vec![
                    QosItem { name: "FlowRead", factor: 3, total: v.flow_r_limit, cli_used: flow.read },
                    QosItem { name: "FlowWrite", factor: 4, total: v.flow_w_limit, cli_used: flow.write },
                ],
                qos_enable: v.vol_qos_enable,
            },
            ..Self::default()
        }
    }
}

fn uids(sight: &Sight<'_>, record: &Volume) -> List<UidSimple> {
    let space = sight.state.uid_spaces.get(&record.id);
    let limits = space.iter().flat_map(|space| space.limits.iter());
    limits.map(|limit| UidSimple { uid: limit.uid, limited: limit.limited }).collect()
}

impl VolInfo {
    /// A volume in a list.
    pub fn of(sight: &Sight<'_>, volume: &Volume) -> Self {
        Self {
            name: volume.name.clone(),
            owner: volume.owner.clone(),
            create_time: volume.create_time,
            status: volume.status.0,
            total_size: volume.capacity.saturating_mul(GIB),
            used_size: shown_use(sight, volume, false),
            dp_read_only_when_vol_full: volume.dp_read_only_when_vol_full,
        }
    }
}

/// Bytes used as clients are told: by meta partitions where the data lie in the blobstore or the request wants so.
fn shown_use(sight: &Sight<'_>, record: &Volume, by_meta: bool) -> u64 {
    let scene = sight.scene();
    let cold = record.vol_type == VolumeType::COLD || record.allowed_storage_class.contains(&StorageClass::BLOBSTORE);
    if by_meta || cold {
        volume::sum_meta(&scene, sight.reports, record, MetaPartitionReports::size)
    } else {
        volume::used_by_media(&scene, sight.reports, record).values().sum()
    }
}

impl VolStatInfo {
    /// Capacity and use of a volume as a mounted client asks for it (v3.5.3 http-cluster-volume.md §2.9).
    pub fn of(sight: &Sight<'_>, record: &Volume, by_meta: bool) -> Self {
        let scene = sight.scene();
        let sum = |of: fn(&MetaPartitionReports) -> u64| volume::sum_meta(&scene, sight.reports, record, of);
        let total = record.capacity.saturating_mul(GIB);
        let used = shown_use(sight, record, by_meta);
        let by_media = volume::used_by_media(&scene, sight.reports, record);
        let cold = record.vol_type == VolumeType::COLD;
        let cache_used: u64 = if cold { by_media.values().sum() } else { 0 };
        Self {
            name: record.name.clone(),
            total_size: total,
            used_size: used,
            used_ratio: ratio_text(used, total),
            cache_used_size: cache_used,
            cache_used_ratio: if cold { ratio_text(cache_used, 0) } else { String::new() },
            inode_count: sum(MetaPartitionReports::inode_count),
            tx_cnt: sum(MetaPartitionReports::tx_count),
            tx_rb_ino_cnt: sum(MetaPartitionReports::tx_rollback_inode_count),
            tx_rb_den_cnt: sum(MetaPartitionReports::tx_rollback_dentry_count),
            dp_read_only_when_vol_full: record.dp_read_only_when_vol_full,
            trash_interval_v2: record.trash_interval,
            default_storage_class: record.effective_storage_class(sight.rules.legacy_media_type).0,
            meta_follower_read: record.meta_follower_read,
            maximally_read: record.maximally_read,
            leader_retry_time_out: record.leader_retry_time_out,
            stat_by_storage_class: volume::class_stats(&scene, sight.reports, record).into(),
            stat_migrate_storage_class: volume::migrate_stats(&scene, sight.reports, record).into(),
            stat_by_dp_media_type: if unreported(sight, record) {
                List::NIL
            } else {
                let stat = |(media, used): (MediaType, u64)| StatOfStorageClass {
                    storage_class: media.storage_class().0,
                    used_size_bytes: used,
                    ..Default::default()
                };
                by_media.into_iter().map(stat).collect::<Vec<_>>().into()
            },
            ..Self::default()
        }
    }
}

/// It has data partitions, and no node has spoken of any yet.
fn unreported(sight: &Sight<'_>, record: &Volume) -> bool {
    let mut partitions = sight.state.data_partitions_of_volume(record.id).peekable();
    let heard = |id| sight.reports.data_partition(id).is_some_and(|dp| dp.total().is_some());
    partitions.peek().is_some() && !partitions.any(|dp| heard(dp.partition_id))
}

/// Used by total with two decimals, computed with 32 bits; `NaN` and `+Inf` for a total of 0.
fn ratio_text(used: u64, total: u64) -> String {
    let ratio = used as f32 / total as f32;
    if ratio.is_nan() {
        "NaN".into()
    } else if ratio.is_infinite() {
        "+Inf".into()
    } else {
        format!("{ratio:.2}")
    }
}
