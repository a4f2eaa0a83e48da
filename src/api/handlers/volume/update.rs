//! `/vol/update` and the smaller changes of a volume: reading the parameters over the present record, and the rules
//! (v3.5.3 http-cluster-volume.md §2.3).
//!
//! Invariant: pure; the caller puts the record it gets back into the transaction in which it read the present one.

use super::create::{transaction_mask, trash_interval, Transactions};
use crate::api::go_parse::parse_int;
use crate::api::params::Params;
use crate::limits::GIB;
use crate::model::{ClassQuota, StorageClass, Volume, VolumeType};
use crate::plan::storage_class::class_name;
use crate::state::State;
use crate::wire::reply::{fault, Fault};
use md5::{Digest, Md5};

/// Data partitions named in a refusal at most.
const NAMED_PARTITIONS_MAX: usize = 21;

/// The record that a request to update a volume asks for.
///
/// # Errors
/// The text of the first parameter or rule that fails, code 2.
pub fn wanted(p: &Params, state: &State, present: &Volume) -> Result<Volume, Fault> {
    let mut v = present.clone();
    if let Some(text) = p.optional("description") {
        v.description = text.to_owned();
    }
    if let Some(text) = p.optional("zoneName") {
        v.zone_name = text.to_owned();
    }
    v.cross_zone = p.bool_or("crossZone", v.cross_zone)?;
    v.capacity = p.u64_or("capacity", v.capacity)?;
    v.delete_lock_time = p.i64_or("deleteLockTime", v.delete_lock_time)?;
    v.leader_retry_time_out = p.i64_or("leaderRetryTimeout", v.leader_retry_time_out)?;
    v.enable_posix_acl = p.bool_or("enablePosixAcl", v.enable_posix_acl)?;
    v.enable_transaction = transaction_mask(p, v.enable_transaction)?.unwrap_or(v.enable_transaction);
    v.enable_quota = p.bool_or("enableQuota", v.enable_quota)?;
    let tx = Transactions::read(p, present)?;
    (v.tx_timeout, v.tx_conflict_retry_num, v.tx_conflict_retry_interval) = (tx.timeout, tx.retries, tx.interval);
    v.tx_op_limit = p.int_or("txOpLimit", v.tx_op_limit)?;
    v.authenticate = p.bool_or("authenticate", v.authenticate)?;
    v.follower_read = p.bool_or("followerRead", v.follower_read)?;
    v.meta_follower_read = p.bool_or("metaFollowerRead", v.meta_follower_read)?;
    v.maximally_read = p.bool_or("maximallyRead", v.maximally_read)?;
    v.direct_read = p.bool_or("directRead", v.direct_read)?;
    v.ignore_tiny_recover = p.bool_or("ignoreTinyRecover", v.ignore_tiny_recover)?;
    v.dp_read_only_when_vol_full = p.bool_or("dpReadOnlyWhenVolFull", v.dp_read_only_when_vol_full)?;
    v.trash_interval = trash_interval(p, v.trash_interval)?;
    v.access_time_interval = p.i64_or("accessTimeValidInterval", v.access_time_interval)?;
    v.enable_persist_access_time = p.bool_or("enablePersistAccessTime", v.enable_persist_access_time)?;
    v.enable_auto_meta_repair = p.bool_or("autoDpMetaRepair", v.enable_auto_meta_repair)?;
    v.forbid_write_op_of_proto_ver0 = p.bool_or("forbidWriteOpOfProtoVersion0", v.forbid_write_op_of_proto_ver0)?;
    match (p.optional("dpSelectorName"), p.optional("dpSelectorParm")) {
        (Some(name), Some(parm)) => (v.dp_selector_name, v.dp_selector_parm) = (name.to_owned(), parm.to_owned()),
        (None, None) => {}
        _ => return Err(Fault::no_key("dpSelectorName or dpSelectorParm")),
    }
    let class = p.u32_or("volStorageClass", v.vol_storage_class.0).map(StorageClass);
    let class = class.map_err(|_| Fault::param("failed to extract key: volStorageClass"))?;
    quota_of_class(p, &mut v)?;
    v.vol_storage_class = changed_class(present, class)?;
    if v.vol_storage_class == StorageClass::BLOBSTORE {
        v.follower_read = true;
    }
    if v.allowed_storage_class.contains(&StorageClass::BLOBSTORE) {
        v.ebs_blk_size = p.int_or("ebsBlkSize", v.ebs_blk_size)?;
    }
    replicas(p, state, present, &mut v)?;
    remote_cache(p, &mut v)?;
    if present.forbid_write_op_of_proto_ver0 && !v.forbid_write_op_of_proto_ver0 && v.allowed_storage_class.len() > 1 {
        return Err(Fault::param("can't update forbidWriteOpOfProtoVer0 to false"));
    }
    Ok(v)
}

/// `quotaClass` with `quotaOfStorageClass`, GB.
fn quota_of_class(p: &Params, v: &mut Volume) -> Result<(), Fault> {
    let class = StorageClass(p.u32_or("quotaClass", 0)?);
    let named = class != StorageClass::UNSPECIFIED;
    if named && !(class.is_replica() && v.allowed_storage_class.contains(&class)) {
        return Err(Fault::param(format!(
            "quotaClass is not vaild, only support update replica mode, and need in allowd class, now {}",
            class.0
        )));
    }
    if named && !p.has("quotaOfStorageClass") {
        return Err(Fault::param("quotaOfStorageClass can't be emtpy when set capacityClass info. "));
    }
    let quota = p.u64_0("quotaOfStorageClass")?;
    if quota > v.capacity {
        return Err(Fault::param(format!("parseVolUpdateReq: quotaOfClass {quota} can't bigger than capacity {}", v.capacity)));
    }
    if named {
        // A class that was added later has no quota before somebody sets one.
        match v.quota_of_class.iter_mut().find(|limit| limit.storage_class == class) {
            Some(limit) => limit.quota_gb = quota,
            None => v.quota_of_class.push(ClassQuota { quota_gb: quota, ..ClassQuota::of(class) }),
        }
    }
    Ok(())
}

fn changed_class(present: &Volume, class: StorageClass) -> Result<StorageClass, Fault> {
    let now = present.vol_storage_class;
    if class == now {
        return Ok(class);
    }
    if now == StorageClass::BLOBSTORE {
        return Err(Fault::param("volume volStorageClass is StorageClass_BlobStore, not allow to change it"));
    }
    let name = class_name(class);
    if now.is_replica() && !class.is_replica() {
        return Err(Fault::param(format!("volume volStorageClass is replica, not allow to change to: {name}")));
    }
    if !present.allowed_storage_class.contains(&class) {
        return Err(Fault::param(format!("requeset volStorageClass({name}) not in volume's allowedStorageClass")));
    }
    Ok(class)
}

/// `replicaNum`: lowered by one at a time, and only after every data partition has the present number.
fn replicas(p: &Params, state: &State, present: &Volume, v: &mut Volume) -> Result<(), Fault> {
    let now = i64::from(present.dp_replica_num);
    let count = match p.optional("replicaNum") {
        None => now,
        Some(text) => parse_int(text, 8).map_err(|_| Fault::bad_key("replicaNum"))?,
    };
    if count != 0 && count != now {
        if count + 1 != now {
            return Err(Fault::param("replicaNum only need be reduced one replica one time"));
        }
        if v.vol_type != VolumeType::HOT {
            return Err(Fault::param(format!("vol type({}) replicaNum cann't be changed", v.vol_type.0)));
        }
        let others: Vec<String> = state
            .data_partitions_of_volume(v.id)
            .filter(|dp| dp.replica_num != present.dp_replica_num)
            .map(|dp| dp.partition_id.to_string())
            .take(NAMED_PARTITIONS_MAX)
            .collect();
        if !others.is_empty() {
            return Err(Fault::param(format!(
                "vol have dataPartitions[[{}]] with inconsistent dataPartitions cnt to volume's ",
                others.join(" ")
            )));
        }
    }
    let wrong = if v.vol_type == VolumeType::HOT {
        count == 0 || (count < 3 && !v.follower_read)
    } else {
        (count == 0 && now != 0) || !v.follower_read
    };
    if wrong {
        return Err(Fault::param("replica or follower read status error"));
    }
    v.dp_replica_num = u8::try_from(count).map_err(|_| Fault::bad_key("replicaNum"))?;
    Ok(())
}

fn remote_cache(p: &Params, v: &mut Volume) -> Result<(), Fault> {
    v.remote_cache_enable = p.arg_or("remoteCacheEnable", v.remote_cache_enable)?;
    let path = p.arg_or("remoteCachePath", v.remote_cache_path.clone())?;
    v.remote_cache_auto_prepare = p.arg_or("remoteCacheAutoPrepare", v.remote_cache_auto_prepare)?;
    v.remote_cache_ttl = p.arg_or("remoteCacheTTL", v.remote_cache_ttl)?;
    v.remote_cache_read_timeout = p.arg_or("remoteCacheReadTimeout", v.remote_cache_read_timeout)?;
    v.remote_cache_max_file_size_gb = p.arg_or("remoteCacheMaxFileSizeGB", v.remote_cache_max_file_size_gb)?;
    v.remote_cache_only_for_not_ssd = p.arg_or("remoteCacheOnlyForNotSSD", v.remote_cache_only_for_not_ssd)?;
    v.remote_cache_multi_read = p.arg_or("remoteCacheMultiRead", v.remote_cache_multi_read)?;
    v.flash_node_timeout_count = p.arg_or("flashNodeTimeoutCount", v.flash_node_timeout_count)?;
    v.remote_cache_same_zone_timeout = p.arg_or("remoteCacheSameZoneTimeout", v.remote_cache_same_zone_timeout)?;
    v.remote_cache_same_region_timeout = p.arg_or("remoteCacheSameRegionTimeout", v.remote_cache_same_region_timeout)?;
    if !path.is_empty() {
        v.remote_cache_path = outermost(&path);
    }
    Ok(())
}

/// The paths of a comma list without those inside another one, shortest first; `/` swallows all.
fn outermost(list: &str) -> String {
    let mut paths: Vec<&str> = Vec::new();
    for path in list.split(',') {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths.sort_by_key(|path| path.len());
    if paths.contains(&"/") {
        return "/".into();
    }
    let mut kept: Vec<&str> = Vec::new();
    for path in paths {
        let inside =
            |outer: &&str| path.strip_prefix(*outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || outer.ends_with('/'));
        if !kept.iter().any(inside) {
            kept.push(path);
        }
    }
    kept.join(",")
}

/// Whether `key` proves ownership: the MD5 of the owner, in either case.
pub fn is_auth_key(key: &str, owner: &str) -> bool {
    let digest: String = Md5::digest(owner.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    key == digest || key == digest.to_ascii_uppercase()
}

/// The rules of every change of a volume that names its key (v3.5.3 http-cluster-volume.md §2.3.3), in order: the volume stands, the key,
/// the capacity against the `used` bytes, the zones. Returns the record with the zone it is kept under.
///
/// # Errors
/// Code 34 for the key; otherwise code 1 with the text of v3.5.3.
pub fn check(
    cluster: &str,
    present: &Volume,
    mut wanted: Volume,
    auth_key: &str,
    used: u64,
    zone: impl FnOnce(&Volume) -> Result<String, Fault>,
) -> Result<Volume, Fault> {
    let refused = |e: &str| refused(cluster, &present.name, e);
    if present.is_deleted() {
        return Err(refused(&fault::VOL_NOT_EXISTS.msg));
    }
    if !is_auth_key(auth_key, &present.owner) {
        return Err(fault::VOL_AUTH_KEY_NOT_MATCH);
    }
    if wanted.capacity != present.capacity && (wanted.capacity as f64 * GIB as f64) < used as f64 * 1.01 {
        return Err(refused(&format!("capacity[{}] has to be 1 percent larger than the used space[{}]", wanted.capacity, used / GIB)));
    }
    wanted.zone_name = zone(&wanted).map_err(|e| refused(&e.msg))?;
    Ok(wanted)
}

/// A refusal of the operation in the words of v3.5.3.
pub fn refused(cluster: &str, name: &str, why: &str) -> Fault {
    Fault::internal(format!("action[updateVol], clusterID[{cluster}] name:{name}, err:{why} "))
}

/// The record with one more allowed class (v3.5.3 http-cluster-volume.md §2.5 rows 4, 7 to 9).
///
/// # Errors
/// Code 2 with the text of the rule that fails.
pub fn with_class(present: &Volume, class: StorageClass, block_size: u32) -> Result<Volume, Fault> {
    let numbers: Vec<String> = present.allowed_storage_class.iter().map(|c| c.0.to_string()).collect();
    if present.allowed_storage_class.contains(&class) {
        return Err(Fault::param(format!("storageClass({}) already in vol allowedStorageClass([{}])", class.0, numbers.join(" "))));
    }
    let mut all = present.allowed_storage_class.clone();
    all.push(class);
    if all.contains(&StorageClass::BLOBSTORE) && all.iter().any(|c| c.is_replica()) {
        return Err(Fault::param("vol not support both replica and blobstore"));
    }
    if present.vol_storage_class == StorageClass::BLOBSTORE {
        return Err(Fault::param("volStorageClass is BlobStore, can not add allowedStorageClass"));
    }
    all.sort();
    let mut v = Volume { allowed_storage_class: all, ..present.clone() };
    if class == StorageClass::BLOBSTORE && block_size > 0 {
        v.ebs_blk_size = i64::from(block_size);
    }
    Ok(v)
}

/// Whether a number names a class that can be added.
///
/// # Errors
/// Code 2.
pub fn addable(class: u32) -> Result<StorageClass, Fault> {
    let class = StorageClass(class);
    if class.is_replica() || class == StorageClass::BLOBSTORE {
        Ok(class)
    } else {
        Err(Fault::param(format!("invalid storageClass({})", class.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_volume_is_the_md5_of_its_owner() {
        assert!(is_auth_key("4ef5ba0c918c537fadba2ada54e3dd68", "owner1"));
        assert!(is_auth_key("4EF5BA0C918C537FADBA2ADA54E3DD68", "owner1"));
        assert!(!is_auth_key("4EF5ba0c918c537fadba2ada54e3dd68", "owner1"));
        assert!(!is_auth_key("", "owner1"));
    }

    #[test]
    fn cached_paths_inside_others_are_dropped() {
        assert_eq!(outermost("/x/y,/x,/z,/x"), "/x,/z");
        assert_eq!(outermost("/a,/,/b"), "/");
        assert_eq!(outermost("/ab,/a"), "/a,/ab");
    }
}
