//! The volume record `#vol#<id>` (v3.5.3 state-machine.md §6.8).

use super::codes::{MediaType, StorageClass, VolumeStatus, VolumeType};
use super::key::Key;
use super::record::{record, JsonRecord};
use crate::ids::VolumeId;
use crate::limits::DATA_PARTITION_SIZE_DEFAULT;
use crate::wire::gojson::Time;
use serde_json::Value;

record! {
    /// A volume as stored. [`Volume::effective`] is what it means.
    pub struct Volume {
        id: VolumeId = "ID";
        name: String = "Name";
        /// Replicas of a meta partition.
        replica_num: u8 = "ReplicaNum";
        /// Replicas of a data partition.
        dp_replica_num: u8 = "DpReplicaNum";
        status: VolumeStatus = "Status";
        /// Bytes.
        data_partition_size: u64 = "DataPartitionSize";
        /// GB.
        capacity: u64 = "Capacity";
        owner: String = "Owner";
        follower_read: bool = "FollowerRead";
        meta_follower_read: bool = "MetaFollowerRead";
        direct_read: bool = "DirectRead";
        ignore_tiny_recover: bool = "IgnoreTinyRecover";
        maximally_read: bool = "MaximallyRead";
        authenticate: bool = "Authenticate";
        dp_read_only_when_vol_full: bool = "DpReadOnlyWhenVolFull";
        /// md5 key remembered for the delayed deletion.
        auth_key: String = "AuthKey";
        /// When the delayed deletion happens.
        delete_exec_time: Time = "DeleteExecTime";
        /// Set by v3.5.3 while a delayed deletion waits; without useful contents.
        user: Option<Box<Value>> = "User";
        cross_zone: bool = "CrossZone";
        domain_on: bool = "DomainOn";
        /// Zones, separated by commas.
        zone_name: String = "ZoneName";
        oss_access_key: String = "OSSAccessKey";
        oss_secret_key: String = "OSSSecretKey";
        /// Unix seconds.
        create_time: i64 = "CreateTime";
        /// Hours.
        delete_lock_time: i64 = "DeleteLockTime";
        /// Seconds.
        leader_retry_time_out: i64 = "LeaderRetryTimeOut";
        description: String = "Description";
        dp_selector_name: String = "DpSelectorName";
        dp_selector_parm: String = "DpSelectorParm";
        default_priority: bool = "DefaultPriority";
        domain_id: u64 = "DomainId";
        vol_type: VolumeType = "VolType";
        /// Bytes.
        ebs_blk_size: i64 = "EbsBlkSize";
        enable_posix_acl: bool = "EnablePosixAcl";
        enable_quota: bool = "EnableQuota";
        /// Mask: 1 create, 2 mkdir, 4 remove, 8 rename, 16 mknod, 32 symlink, 64 link.
        enable_transaction: u8 = "EnableTransaction";
        /// Minutes.
        tx_timeout: i64 = "TxTimeout";
        tx_conflict_retry_num: i64 = "TxConflictRetryNum";
        /// Milliseconds.
        tx_conflict_retry_interval: i64 = "TxConflictRetryInterval";
        tx_op_limit: i64 = "TxOpLimit";
        vol_qos_enable: bool = "VolQosEnable";
        disk_qos_enable: bool = "DiskQosEnable";
        iops_r_limit: u64 = "IopsRLimit";
        iops_w_limit: u64 = "IopsWLimit";
        /// Bytes per second.
        flow_r_limit: u64 = "FlowRlimit";
        /// Bytes per second.
        flow_w_limit: u64 = "FlowWlimit";
        iops_r_magnify: u32 = "IopsRMagnify";
        iops_w_magnify: u32 = "IopsWMagnify";
        flow_r_magnify: u32 = "FlowRMagnify";
        flow_w_magnify: u32 = "FlowWMagnify";
        client_req_period: u32 = "ClientReqPeriod";
        client_hit_trigger_cnt: u32 = "ClientHitTriggerCnt";
        /// Minutes.
        trash_interval: i64 = "TrashInterval";
        disable_audit_log: bool = "DisableAuditLog";
        /// Seconds.
        access_time_interval: i64 = "AccessTimeInterval";
        enable_persist_access_time: bool = "EnablePersistAccessTime";
        forbidden: bool = "Forbidden";
        /// Bytes.
        dp_repair_block_size: u64 = "DpRepairBlockSize";
        enable_auto_meta_repair: bool = "EnableAutoMetaRepair";
        vol_storage_class: StorageClass = "VolStorageClass";
        allowed_storage_class: Vec<StorageClass> = "AllowedStorageClass";
        forbid_write_op_of_proto_ver0: bool = "ForbidWriteOpOfProtoVer0";
        quota_of_class: Vec<ClassQuota> = "QuotaOfClass";
        remote_cache_enable: bool = "RemoteCacheEnable";
        remote_cache_path: String = "RemoteCachePath";
        remote_cache_auto_prepare: bool = "RemoteCacheAutoPrepare";
        /// Seconds.
        remote_cache_ttl: i64 = "RemoteCacheTTL";
        /// Milliseconds.
        remote_cache_read_timeout: i64 = "RemoteCacheReadTimeout";
        remote_cache_max_file_size_gb: i64 = "RemoteCacheMaxFileSizeGB";
        remote_cache_only_for_not_ssd: bool = "RemoteCacheOnlyForNotSSD";
        remote_cache_multi_read: bool = "RemoteCacheMultiRead";
        flash_node_timeout_count: i64 = "FlashNodeTimeoutCount";
        /// Microseconds.
        remote_cache_same_zone_timeout: i64 = "RemoteCacheSameZoneTimeout";
        /// Milliseconds.
        remote_cache_same_region_timeout: i64 = "RemoteCacheSameRegionTimeout";
    }
}

record! {
    /// What a volume may keep, and keeps, in one storage class.
    pub struct ClassQuota {
        storage_class: StorageClass = "StorageClass";
        inode_count: u64 = "InodeCount";
        used_size_bytes: u64 = "UsedSizeBytes";
        /// GB; 0 is no limit.
        quota_gb: u64 = "QuotaGB";
    }
}

impl JsonRecord for Volume {
    fn place(&self) -> Key {
        Key::Volume(self.id)
    }
}

const TX_TIMEOUT_MINUTES: i64 = 1;
const TX_CONFLICT_RETRIES: i64 = 121;
const TX_CONFLICT_RETRY_INTERVAL_MS: i64 = 500;
/// No limit, as v3.5.3 writes it.
const QOS_LIMIT: u64 = 1 << 35;
const ACCESS_TIME_INTERVAL_SECS: i64 = 86_400;
const REMOTE_CACHE_TTL_SECS: i64 = 432_000;
const REMOTE_CACHE_READ_TIMEOUT_MS: i64 = 2000;
const REMOTE_CACHE_MAX_FILE_SIZE_GB: i64 = 128;
const FLASH_NODE_TIMEOUTS: i64 = 5;
const SAME_ZONE_TIMEOUT_US: i64 = 400;
const SAME_REGION_TIMEOUT_MS: i64 = 100;

impl Volume {
    /// The transaction mask of a new volume: rename.
    pub const TRANSACTION_MASK_DEFAULT: u8 = 8;
    /// `RemoteCacheReadTimeout` of a volume created without one, milliseconds; an old record without one means 2000.
    pub const REMOTE_CACHE_READ_TIMEOUT_NEW: i64 = 5;
    /// `DpRepairBlockSize` of a volume that says nothing, bytes.
    pub const REPAIR_BLOCK_SIZE: u64 = 131_072;
    /// `EbsBlkSize` of a volume in the blobstore.
    pub const EBS_BLOCK_SIZE_DEFAULT: i64 = 8 << 20;

    /// A volume for which the request said nothing more: three replicas, hot, in the class given.
    pub fn new(id: VolumeId, name: impl Into<String>, owner: impl Into<String>, create_time: i64, class: StorageClass) -> Self {
        Self {
            id,
            name: name.into(),
            owner: owner.into(),
            create_time,
            replica_num: 3,
            dp_replica_num: 3,
            data_partition_size: DATA_PARTITION_SIZE_DEFAULT,
            enable_transaction: Self::TRANSACTION_MASK_DEFAULT,
            tx_timeout: TX_TIMEOUT_MINUTES,
            tx_conflict_retry_num: TX_CONFLICT_RETRIES,
            tx_conflict_retry_interval: TX_CONFLICT_RETRY_INTERVAL_MS,
            iops_r_limit: QOS_LIMIT,
            iops_w_limit: QOS_LIMIT,
            flow_r_limit: QOS_LIMIT,
            flow_w_limit: QOS_LIMIT,
            client_req_period: 1,
            client_hit_trigger_cnt: 1,
            access_time_interval: ACCESS_TIME_INTERVAL_SECS,
            dp_repair_block_size: Self::REPAIR_BLOCK_SIZE,
            vol_storage_class: class,
            allowed_storage_class: vec![class],
            forbid_write_op_of_proto_ver0: true,
            quota_of_class: vec![ClassQuota::of(class)],
            remote_cache_ttl: REMOTE_CACHE_TTL_SECS,
            remote_cache_read_timeout: Self::REMOTE_CACHE_READ_TIMEOUT_NEW,
            remote_cache_max_file_size_gb: REMOTE_CACHE_MAX_FILE_SIZE_GB,
            flash_node_timeout_count: FLASH_NODE_TIMEOUTS,
            remote_cache_same_zone_timeout: SAME_ZONE_TIMEOUT_US,
            remote_cache_same_region_timeout: SAME_REGION_TIMEOUT_MS,
            ..Self::default()
        }
    }

    /// The volume with the defaults in place of what older releases left out, as v3.5.3 has it after loading. `legacy`
    /// is the cluster's legacy media type, the class of hot volumes that name none.
    pub fn effective(&self, legacy: MediaType) -> Self {
        let or = |value: i64, default: i64| if value == 0 { default } else { value };
        let limit = |value: u64| if value == 0 { QOS_LIMIT } else { value };
        let classes = self.effective_allowed_storage_class(legacy);
        let quota_of_class = if self.quota_of_class.is_empty() {
            classes.iter().map(|class| ClassQuota::of(*class)).collect()
        } else {
            self.quota_of_class.clone()
        };
        Self {
            tx_timeout: or(self.tx_timeout, TX_TIMEOUT_MINUTES),
            tx_conflict_retry_num: or(self.tx_conflict_retry_num, TX_CONFLICT_RETRIES),
            tx_conflict_retry_interval: or(self.tx_conflict_retry_interval, TX_CONFLICT_RETRY_INTERVAL_MS),
            iops_r_limit: limit(self.iops_r_limit),
            iops_w_limit: limit(self.iops_w_limit),
            flow_r_limit: limit(self.flow_r_limit),
            flow_w_limit: limit(self.flow_w_limit),
            access_time_interval: or(self.access_time_interval, ACCESS_TIME_INTERVAL_SECS),
            dp_repair_block_size: self.effective_dp_repair_block_size(),
            vol_storage_class: self.effective_storage_class(legacy),
            allowed_storage_class: classes,
            quota_of_class,
            remote_cache_ttl: or(self.remote_cache_ttl, REMOTE_CACHE_TTL_SECS),
            remote_cache_read_timeout: or(self.remote_cache_read_timeout, REMOTE_CACHE_READ_TIMEOUT_MS),
            remote_cache_max_file_size_gb: or(self.remote_cache_max_file_size_gb, REMOTE_CACHE_MAX_FILE_SIZE_GB),
            flash_node_timeout_count: or(self.flash_node_timeout_count, FLASH_NODE_TIMEOUTS),
            remote_cache_same_zone_timeout: or(self.remote_cache_same_zone_timeout, SAME_ZONE_TIMEOUT_US),
            remote_cache_same_region_timeout: or(self.remote_cache_same_region_timeout, SAME_REGION_TIMEOUT_MS),
            ..self.clone()
        }
    }

    /// The class of new files: where none is stored, the blobstore for cold volumes, else that of the legacy media type.
    pub fn effective_storage_class(&self, legacy: MediaType) -> StorageClass {
        match (self.vol_storage_class, self.vol_type) {
            (StorageClass::UNSPECIFIED, VolumeType::COLD) => StorageClass::BLOBSTORE,
            (StorageClass::UNSPECIFIED, _) => legacy.storage_class(),
            (class, _) => class,
        }
    }

    /// The classes that files may move to: where no class is stored, just that of new files.
    pub fn effective_allowed_storage_class(&self, legacy: MediaType) -> Vec<StorageClass> {
        if self.vol_storage_class == StorageClass::UNSPECIFIED {
            vec![self.effective_storage_class(legacy)]
        } else {
            self.allowed_storage_class.clone()
        }
    }

    /// Bytes that data nodes repair at a time.
    pub fn effective_dp_repair_block_size(&self) -> u64 {
        if self.dp_repair_block_size == 0 {
            Self::REPAIR_BLOCK_SIZE
        } else {
            self.dp_repair_block_size
        }
    }

    /// Marked for deletion.
    pub fn is_deleted(&self) -> bool {
        self.status == VolumeStatus::MARK_DELETE
    }

    /// Marked for a deletion that is still to come (§6.8: `Forbidden` and status 1).
    pub fn waits_for_deletion(&self) -> bool {
        self.forbidden && self.is_deleted()
    }

    /// The data partitions of the volume have so few replicas that a move passes through another number of them.
    pub fn has_special_replica_num(&self) -> bool {
        self.dp_replica_num == 1 || self.dp_replica_num == 2
    }
}

impl ClassQuota {
    /// No limit, nothing used.
    pub fn of(storage_class: StorageClass) -> Self {
        Self { storage_class, ..Self::default() }
    }
}
