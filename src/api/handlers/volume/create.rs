//! `/admin/createVol`: reading the parameters, and the rules that do not need the nodes (v3.5.3 http-cluster-volume.md §2.1.1, §2.1.3).
//!
//! The order of parsing and of checks is that of v3.5.3: the first that fails gives the reply.

use super::flow;
use crate::api::go_parse::parse_bool;
use crate::api::params::Params;
use crate::config::Config;
use crate::ids::VolumeId;
use crate::limits::{DATA_PARTITIONS_INITIAL_MIN, DATA_PARTITIONS_PER_REQUEST_MAX, GIB};
use crate::master::users::is_user_id;
use crate::master::volume::NewVolume;
use crate::model::{ClassQuota, StorageClass, Volume, VolumeType};
use crate::plan::scene::Scene;
use crate::plan::storage_class;
use crate::view::tx_mask;
use crate::wire::reply::Fault;

/// Longest time that deleted files are kept, minutes.
const TRASH_INTERVAL_MAX: i64 = 525_600;
/// Smallest data partition, GB; the size must be larger.
const PARTITION_GB_MIN: i64 = 10;
const HOT_REPLICAS_MAX: u32 = 3;
const COLD_REPLICAS_MAX: u32 = 16;
/// Shortest interval of access time updates of a cold volume, seconds. The text of the refusal names another number.
const ACCESS_TIME_INTERVAL_MIN: i64 = 43_200;
/// Shortest read time-out of the remote cache of a cold volume.
const REMOTE_CACHE_READ_TIMEOUT_MIN: i64 = 5;

/// A request as read: the record filled in, and what is not part of it.
struct Wanted {
    record: Volume,
    meta_partitions: i64,
    data_partitions: i64,
    /// GB, 0 for the default.
    partition_gb: i64,
    replicas: u32,
}

/// Reads and checks a request to create a volume.
///
/// # Errors
/// The text of the first parameter or rule that fails, code 2.
pub fn new_volume(p: &Params, scene: &Scene<'_>, config: &Config) -> Result<NewVolume, Fault> {
    let mut wanted = read(p, config)?;
    check(&mut wanted, scene)?;
    let Wanted { record, meta_partitions, data_partitions, .. } = wanted;
    // Both are checked to be 0 or more when they are read.
    Ok(NewVolume { record, meta_partitions: meta_partitions.unsigned_abs(), data_partitions: data_partitions.unsigned_abs() })
}

fn read(p: &Params, config: &Config) -> Result<Wanted, Fault> {
    let name = p.name()?;
    let owner = p.required("owner")?;
    if !is_user_id(owner) {
        return Err(Fault::param("owner can only be number and letters"));
    }
    let block_size = p.uint0("ebsBlkSize")?;
    let meta_partitions = p.int_or("mpCount", 3)?;
    let data_partitions = p.int_or("dpCount", 3)?;
    let replicas = p.uint0("replicaNum")?;
    if replicas > u32::from(u8::MAX) {
        return Err(Fault::param(format!("invalid arg dpReplicaNum: {replicas}")));
    }
    let partition_gb = p.int_or("dpSize", 120)?;
    let capacity = p.uint0("capacity")?;
    let delete_lock_time = p.i64_or("deleteLockTime", 0)?;
    let class = class(p)?;
    let follower_read = follower_read(p, class, replicas)?;
    let meta_follower_read = p.bool_or("metaFollowerRead", false)?;
    let maximally_read = p.bool_or("maximallyRead", false)?;
    let authenticate = p.bool_or("authenticate", false)?;
    let cross_zone = p.bool_or("crossZone", false)?;
    let default_priority = p.bool_or("normalZonesFirst", false)?;
    let vol_qos_enable = parse_bool(p.get("qosEnable")).unwrap_or(false);
    let flow = flow::read(p)?;
    let domain_id = p.u64_or("domainId", 0)?;
    let enable_posix_acl = parse_bool(p.get("enablePosixAcl")).unwrap_or(false);
    let dp_read_only_when_vol_full = p.bool_or("dpReadOnlyWhenVolFull", false)?;
    let mask = match transaction_mask(p, 0)? {
        Some(0) | None => Volume::TRANSACTION_MASK_DEFAULT,
        Some(mask) => mask,
    };
    let fresh = Volume::new(VolumeId(0), name, owner, 0, class);
    let tx = Transactions::read(p, &fresh)?;
    let enable_quota = p.bool_or("enableQuota", false)?;
    let trash_interval = trash_interval(p, 0)?;
    let access_time_interval = p.i64_or("accessTimeValidInterval", fresh.access_time_interval)?;
    let enable_persist_access_time = p.bool_or("enablePersistAccessTime", false)?;
    let allowed_storage_class = allowed_classes(p)?;
    let record = Volume {
        replica_num: if config.single_node_mode { 1 } else { fresh.replica_num },
        capacity: u64::from(capacity),
        delete_lock_time,
        follower_read,
        meta_follower_read,
        maximally_read,
        authenticate,
        cross_zone,
        default_priority,
        vol_qos_enable,
        flow_r_limit: flow.read.unwrap_or(fresh.flow_r_limit),
        flow_w_limit: flow.write.unwrap_or(fresh.flow_w_limit),
        zone_name: p.get("zoneName").to_owned(),
        description: p.get("description").to_owned(),
        domain_id,
        enable_posix_acl,
        dp_read_only_when_vol_full,
        enable_transaction: mask,
        tx_timeout: tx.timeout,
        tx_conflict_retry_num: tx.retries,
        tx_conflict_retry_interval: tx.interval,
        enable_quota,
        trash_interval,
        access_time_interval,
        enable_persist_access_time,
        allowed_storage_class,
        ebs_blk_size: i64::from(block_size),
        remote_cache_enable: p.bool_or("remoteCacheEnable", false)?,
        remote_cache_auto_prepare: p.bool_or("remoteCacheAutoPrepare", false)?,
        remote_cache_path: p.get("remoteCachePath").to_owned(),
        remote_cache_ttl: p.i64_or("remoteCacheTTL", fresh.remote_cache_ttl)?,
        remote_cache_read_timeout: p.i64_or("remoteCacheReadTimeout", fresh.remote_cache_read_timeout)?,
        remote_cache_max_file_size_gb: p.i64_or("remoteCacheMaxFileSizeGB", fresh.remote_cache_max_file_size_gb)?,
        remote_cache_only_for_not_ssd: p.bool_or("remoteCacheOnlyForNotSSD", false)?,
        remote_cache_multi_read: p.bool_or("remoteCacheMultiRead", false)?,
        flash_node_timeout_count: p.i64_or("flashNodeTimeoutCount", fresh.flash_node_timeout_count)?,
        remote_cache_same_zone_timeout: p.i64_or("remoteCacheSameZoneTimeout", fresh.remote_cache_same_zone_timeout)?,
        remote_cache_same_region_timeout: p.i64_or("remoteCacheSameRegionTimeout", fresh.remote_cache_same_region_timeout)?,
        ..fresh
    };
    Ok(Wanted { record, meta_partitions, data_partitions, partition_gb, replicas })
}

/// The class asked for by `volStorageClass`, or by the older `volType`.
fn class(p: &Params) -> Result<StorageClass, Fault> {
    if p.has("volStorageClass") {
        return p.u32_or("volStorageClass", 0).map(StorageClass);
    }
    match p.uint0("volType")? {
        0 => Ok(StorageClass::UNSPECIFIED),
        1 => Ok(StorageClass::BLOBSTORE),
        other => Err(Fault::param(format!("invalid volType: {other}"))),
    }
}

/// Volumes with one or two replicas are read from followers.
fn follower_read(p: &Params, class: StorageClass, replicas: u32) -> Result<bool, Fault> {
    let needed = class != StorageClass::BLOBSTORE && (replicas == 1 || replicas == 2);
    if needed && p.has("followerRead") && !p.bool_raw("followerRead")? {
        return Err(Fault::param("vol with 1 ro 2 replia should enable followerRead"));
    }
    Ok(p.bool_raw_or("followerRead", false)? || needed)
}

/// `enableTxMask` with `txForceReset`, given the present mask; `None` when it is missing.
pub(super) fn transaction_mask(p: &Params, present: u8) -> Result<Option<u8>, Fault> {
    let Some(text) = p.optional("enableTxMask") else { return Ok(None) };
    let wanted = tx_mask::parse(text)?;
    let reset = p.bool_or("txForceReset", false)?;
    Ok(Some(tx_mask::changed(present, wanted, reset)))
}

/// Time-out (minutes), conflict retries and their interval (ms) of transactions.
pub(super) struct Transactions {
    pub timeout: i64,
    pub retries: i64,
    pub interval: i64,
}

impl Transactions {
    /// What is missing stays as in `present`.
    pub fn read(p: &Params, present: &Volume) -> Result<Self, Fault> {
        let within = |key: &str, present: i64, least: u64, most: u64, text: &dyn Fn(u64) -> String| {
            let value = p.u64_or(key, present.unsigned_abs())?;
            if p.has(key) && !(least..=most).contains(&value) {
                return Err(Fault::param(text(value)));
            }
            Ok(i64::try_from(value).unwrap_or(i64::MAX))
        };
        Ok(Self {
            timeout: within("txTimeout", present.tx_timeout, 1, 60, &|n| format!("txTimeout({n}) value range [1-60] minutes"))?,
            retries: within("txConflictRetryNum", present.tx_conflict_retry_num, 1, 1000, &|n| {
                format!("txRetryNum({n}) value range [1-1000]")
            })?,
            interval: within("txConflictRetryInterval", present.tx_conflict_retry_interval, 10, 1000, &|n| {
                format!("txInterval({n}) value range [10-1000] ms")
            })?,
        })
    }
}

/// `trashInterval`, minutes.
pub(super) fn trash_interval(p: &Params, present: i64) -> Result<i64, Fault> {
    let minutes = p.i64_or("trashInterval", present)?;
    if minutes > TRASH_INTERVAL_MAX {
        return Err(Fault::param(format!("trash interval can't great than {TRASH_INTERVAL_MAX}, now {minutes}")));
    }
    Ok(minutes)
}

/// `allowedStorageClass`: a comma list without repetitions, in the order given.
fn allowed_classes(p: &Params) -> Result<Vec<StorageClass>, Fault> {
    let mut classes = Vec::new();
    let Some(text) = p.optional("allowedStorageClass") else { return Ok(classes) };
    for part in text.split(',') {
        let class = crate::api::go_parse::parse_uint(part, 32)
            .map_err(|e| Fault::param(format!("parse (allowedStorageClass) failed, content({text}) is not valid uint32, err({e})")))?;
        let class = StorageClass(class as u32);
        if !classes.contains(&class) {
            classes.push(class);
        }
    }
    Ok(classes)
}

fn check(wanted: &mut Wanted, scene: &Scene<'_>) -> Result<(), Fault> {
    let record = &mut wanted.record;
    let classes = storage_class::of_new_volume(
        scene,
        &storage_class::Request {
            zone_name: record.zone_name.clone(),
            class: record.vol_storage_class,
            allowed: record.allowed_storage_class.clone(),
            cross_zone: record.cross_zone,
            blob_block_size: record.ebs_blk_size,
        },
    )?;
    record.vol_storage_class = classes.class;
    record.allowed_storage_class = classes.allowed;
    record.vol_type = classes.volume_type;
    record.ebs_blk_size = classes.blob_block_size;
    record.quota_of_class = record.allowed_storage_class.iter().map(|class| ClassQuota::of(*class)).collect();
    if record.capacity == 0 {
        return Err(Fault::param("vol capacity can't be zero, 0"));
    }
    if wanted.partition_gb > 0 {
        if wanted.partition_gb <= PARTITION_GB_MIN {
            return Err(Fault::param("datapartition size must be bigger than 10 G"));
        }
        record.data_partition_size = wanted.partition_gb.unsigned_abs().saturating_mul(GIB);
    }
    if wanted.data_partitions > DATA_PARTITIONS_PER_REQUEST_MAX as i64 {
        let (count, most) = (wanted.data_partitions, DATA_PARTITIONS_PER_REQUEST_MAX);
        return Err(Fault::param(format!("dpCount[{count}] exceeds maximum limit[{most}]")));
    }
    wanted.data_partitions = wanted.data_partitions.max(DATA_PARTITIONS_INITIAL_MIN as i64);
    let replicas = wanted.replicas;
    if record.vol_type == VolumeType::HOT {
        if replicas > HOT_REPLICAS_MAX {
            return Err(Fault::param(format!("hot vol's replicaNum should be 1 to 3, received replicaNum is[{replicas}]")));
        }
        record.dp_replica_num = if replicas == 0 { 3 } else { replicas as u8 };
        return Ok(());
    }
    if replicas > COLD_REPLICAS_MAX {
        return Err(Fault::param(format!("cold vol's replicaNum should less then 17, received replicaNum is[{replicas}]")));
    }
    record.dp_replica_num = replicas as u8;
    record.follower_read = true;
    let nodes = scene.state.data_nodes.len();
    if replicas as usize > nodes {
        return Err(Fault::param(format!("dp replicaNum {replicas} can't be large than dataNodeCnt {nodes}")));
    }
    if record.access_time_interval < ACCESS_TIME_INTERVAL_MIN {
        return Err(Fault::param("accessTimeValidInterval must greater than or equal to 1800"));
    }
    if record.remote_cache_read_timeout < REMOTE_CACHE_READ_TIMEOUT_MIN {
        return Err(Fault::param(format!("remoteCacheReadTimeout({}) less than 5", record.remote_cache_read_timeout)));
    }
    Ok(())
}
