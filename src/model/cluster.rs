//! The cluster record `#c#<name>`: the settings of the whole cluster (v3.5.3 state-machine.md §6.1).

use super::codes::MediaType;
use super::key::Key;
use super::record::{record, JsonRecord};
use crate::wire::gojson::List;
use std::time::Duration;

record! {
    /// The settings of the cluster as stored. [`ClusterValue::effective`] is what they mean.
    pub struct ClusterValue {
        name: String = "Name";
        /// Unix seconds.
        create_time: i64 = "CreateTime";
        /// Share of a meta node's memory above which it takes no more partitions.
        threshold: f32 = "Threshold";
        /// Over-sold factor of data nodes; 0 is no limit.
        load_factor: f32 = "LoadFactor";
        /// The cluster is frozen.
        disable_auto_allocate: bool = "DisableAutoAllocate";
        forbid_mp_decommission: bool = "ForbidMpDecommission";
        data_node_delete_limit_rate: u64 = "DataNodeDeleteLimitRate";
        meta_node_delete_batch_count: u64 = "MetaNodeDeleteBatchCount";
        meta_node_delete_worker_sleep_ms: u64 = "MetaNodeDeleteWorkerSleepMs";
        data_node_auto_repair_limit_rate: u64 = "DataNodeAutoRepairLimitRate";
        max_dp_cnt_limit: u64 = "MaxDpCntLimit";
        max_mp_cnt_limit: u64 = "MaxMpCntLimit";
        /// Written, but the configuration file decides.
        fault_domain: bool = "FaultDomain";
        disk_qos_enable: bool = "DiskQosEnable";
        /// Accepted requests per second.
        qos_limit_upload: u64 = "QosLimitUpload";
        dir_children_num_limit: u32 = "DirChildrenNumLimit";
        /// Tokens of each node set; 0 is no limit.
        decommission_limit: u64 = "DecommissionLimit";
        decommission_first_host_disk_parallel_limit: u64 = "DecommissionFirstHostDiskParallelLimit";
        check_data_replicas_enable: bool = "CheckDataReplicasEnable";
        file_stats_enable: bool = "FileStatsEnable";
        file_stats_thresholds: List<u64> = "FileStatsThresholds";
        cluster_uuid: String = "ClusterUuid";
        cluster_uuid_enable: bool = "ClusterUuidEnable";
        meta_partition_inode_id_step: u64 = "MetaPartitionInodeIdStep";
        max_concurrent_lc_nodes: u64 = "MaxConcurrentLcNodes";
        dp_max_repair_err_cnt: u64 = "DpMaxRepairErrCnt";
        /// Nanoseconds.
        dp_repair_time_out: u64 = "DpRepairTimeOut";
        /// Nanoseconds.
        dp_backup_time_out: u64 = "DpBackupTimeOut";
        enable_auto_decommission_disk: bool = "EnableAutoDecommissionDisk";
        /// Nanoseconds.
        auto_decommission_disk_interval: i64 = "AutoDecommissionDiskInterval";
        /// Through [`ClusterValue::disk_limit`].
        decommission_disk_limit: u32 = "DecommissionDiskLimit";
        vol_deletion_delay_time_hour: i64 = "VolDeletionDelayTimeHour";
        meta_node_gogc: i64 = "MetaNodeGOGC";
        data_node_gogc: i64 = "DataNodeGOGC";
        mark_disk_broken_threshold: f64 = "MarkDiskBrokenThreshold";
        enable_auto_dp_meta_repair: bool = "EnableAutoDpMetaRepair";
        auto_dp_meta_repair_parallel_cnt: u32 = "AutoDpMetaRepairParallelCnt";
        data_partition_timeout_sec: i64 = "DataPartitionTimeoutSec";
        meta_partition_timeout_sec: i64 = "MetaPartitionTimeoutSec";
        forbid_write_op_of_proto_ver0: bool = "ForbidWriteOpOfProtoVer0";
        legacy_data_media_type: MediaType = "LegacyDataMediaType";
        raft_partition_already_use_different_port: bool = "RaftPartitionAlreadyUseDifferentPort";
        meta_node_memory_high_per: f64 = "MetaNodeMemoryHighPer";
        meta_node_memory_low_per: f64 = "MetaNodeMemoryLowPer";
        auto_mp_migrate: bool = "AutoMpMigrate";
        /// Milliseconds.
        flash_node_handle_read_timeout: i64 = "FlashNodeHandleReadTimeout";
        /// Milliseconds.
        flash_node_read_data_node_timeout: i64 = "FlashNodeReadDataNodeTimeout";
        flash_hot_key_miss_count: i64 = "FlashHotKeyMissCount";
        /// Bytes per second.
        flash_read_flow_limit: i64 = "FlashReadFlowLimit";
        /// Bytes per second.
        flash_write_flow_limit: i64 = "FlashWriteFlowLimit";
        flash_key_flow_limit: i64 = "FlashKeyFlowLimit";
        remote_client_flow_limit: i64 = "RemoteClientFlowLimit";
        /// Clients are shown no flash groups. Not in v3.5.3, which forgets it at a change of leader.
        flash_groups_off: bool = "FlashGroupsOff", unless is_false;
        /// Manual flash tasks at a time, where somebody said so. Not in v3.5.3 either.
        flash_task_limit: Option<i32> = "FlashTaskLimit", unless Option::is_none;
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl JsonRecord for ClusterValue {
    fn place(&self) -> Key {
        Key::Cluster(self.name.clone())
    }
}

const DP_COUNT_LIMIT: u64 = 3000;
const MP_COUNT_LIMIT: u64 = 300;
const QOS_LIMIT: u64 = 20_000;
const QOS_LIMIT_MIN: u64 = 3000;
const DIR_CHILDREN_LIMIT: u32 = 20_000_000;
const DIR_CHILDREN_LIMIT_MIN: u32 = 1_000_000;
const FIRST_HOST_PARALLEL_LIMIT: u64 = 10;
const INODE_ID_STEP: u64 = 1 << 22;
const LC_NODES_MAX: u64 = 3;
const AUTO_DECOMMISSION_INTERVAL: Duration = Duration::from_secs(10);
const DISKS_IN_DECOMMISSION: u32 = 1;
/// Stored for no limit: v3.5.3, too, takes it for one that nothing reaches.
const DISKS_UNLIMITED: u32 = u32::MAX;
const VOLUME_DELETION_DELAY_HOURS: i64 = 48;
const GOGC: i64 = 100;
const MEMORY_HIGH: f64 = 0.75;
const MEMORY_LOW: f64 = 0.3;
const FLASH_HANDLE_READ_TIMEOUT_MS: i64 = 1000;
const FLASH_READ_DATA_NODE_TIMEOUT_MS: i64 = 3000;
const FLASH_HOT_KEY_MISSES: i64 = 5;

impl ClusterValue {
    /// The record of a new cluster. What the configuration file seeds (fault domain, memory bounds, automatic meta
    /// partition moves, partition time-outs, different ports) has the file's defaults here.
    pub fn new(name: impl Into<String>, create_time: i64) -> Self {
        Self {
            name: name.into(),
            create_time,
            threshold: 0.75,
            max_dp_cnt_limit: DP_COUNT_LIMIT,
            max_mp_cnt_limit: MP_COUNT_LIMIT,
            qos_limit_upload: QOS_LIMIT,
            dir_children_num_limit: DIR_CHILDREN_LIMIT,
            decommission_limit: 10,
            decommission_first_host_disk_parallel_limit: FIRST_HOST_PARALLEL_LIMIT,
            meta_partition_inode_id_step: INODE_ID_STEP,
            max_concurrent_lc_nodes: LC_NODES_MAX,
            auto_decommission_disk_interval: AUTO_DECOMMISSION_INTERVAL.as_nanos() as i64,
            decommission_disk_limit: DISKS_IN_DECOMMISSION,
            vol_deletion_delay_time_hour: VOLUME_DELETION_DELAY_HOURS,
            meta_node_gogc: GOGC,
            data_node_gogc: GOGC,
            data_partition_timeout_sec: 300,
            meta_partition_timeout_sec: 60,
            meta_node_memory_high_per: MEMORY_HIGH,
            meta_node_memory_low_per: MEMORY_LOW,
            flash_node_handle_read_timeout: FLASH_HANDLE_READ_TIMEOUT_MS,
            flash_node_read_data_node_timeout: FLASH_READ_DATA_NODE_TIMEOUT_MS,
            flash_hot_key_miss_count: FLASH_HOT_KEY_MISSES,
            flash_read_flow_limit: 1 << 31,
            flash_write_flow_limit: 1 << 31,
            ..Self::default()
        }
    }

    /// The settings with the defaults in place of what older releases left out, as v3.5.3 has them after loading.
    pub fn effective(&self) -> Self {
        let or = |value: u64, default: u64| if value == 0 { default } else { value };
        let positive = |value: i64, default: i64| if value <= 0 { default } else { value };
        let set = |value: i64, default: i64| if value == 0 { default } else { value };
        let share = |value: f64, default: f64| if value <= 0.001 { default } else { value };
        let broken = self.mark_disk_broken_threshold;
        Self {
            max_dp_cnt_limit: or(self.max_dp_cnt_limit, DP_COUNT_LIMIT),
            max_mp_cnt_limit: or(self.max_mp_cnt_limit, MP_COUNT_LIMIT),
            qos_limit_upload: self.qos_limit_upload.max(QOS_LIMIT_MIN),
            dir_children_num_limit: if self.dir_children_num_limit < DIR_CHILDREN_LIMIT_MIN {
                DIR_CHILDREN_LIMIT
            } else {
                self.dir_children_num_limit
            },
            decommission_first_host_disk_parallel_limit: or(self.decommission_first_host_disk_parallel_limit, FIRST_HOST_PARALLEL_LIMIT),
            meta_partition_inode_id_step: or(self.meta_partition_inode_id_step, INODE_ID_STEP),
            max_concurrent_lc_nodes: or(self.max_concurrent_lc_nodes, LC_NODES_MAX),
            decommission_disk_limit: self.decommission_disk_limit.max(DISKS_IN_DECOMMISSION),
            vol_deletion_delay_time_hour: set(self.vol_deletion_delay_time_hour, VOLUME_DELETION_DELAY_HOURS),
            meta_node_gogc: positive(self.meta_node_gogc, GOGC),
            data_node_gogc: positive(self.data_node_gogc, GOGC),
            mark_disk_broken_threshold: if broken > 0.0 && broken <= 1.0 { broken } else { 0.0 },
            meta_node_memory_high_per: share(self.meta_node_memory_high_per, MEMORY_HIGH),
            meta_node_memory_low_per: share(self.meta_node_memory_low_per, MEMORY_LOW),
            flash_node_handle_read_timeout: set(self.flash_node_handle_read_timeout, FLASH_HANDLE_READ_TIMEOUT_MS),
            flash_node_read_data_node_timeout: set(self.flash_node_read_data_node_timeout, FLASH_READ_DATA_NODE_TIMEOUT_MS),
            flash_hot_key_miss_count: set(self.flash_hot_key_miss_count, FLASH_HOT_KEY_MISSES),
            ..self.clone()
        }
    }

    /// Hours between the order to delete a volume and its deletion, where deletions are delayed. A stored 0 comes from a release without
    /// the setting; that nothing is to be waited for is stored as a negative number, which v3.5.3 takes for its default.
    pub fn deletion_delay_hours(&self) -> i64 {
        self.effective().vol_deletion_delay_time_hour.max(0)
    }

    /// Disks of a node set that are decommissioned at a time; 0 is no limit. A stored 0 comes from a release without the setting, and
    /// v3.5.3 takes it for 1 whenever it reads the record, so that no limit is stored as the largest number.
    pub fn disk_limit(&self) -> u32 {
        match self.decommission_disk_limit {
            DISKS_UNLIMITED => 0,
            limit => limit.max(DISKS_IN_DECOMMISSION),
        }
    }

    /// Sets what [`ClusterValue::disk_limit`] says.
    pub fn set_disk_limit(&mut self, limit: u32) {
        self.decommission_disk_limit = if limit == 0 { DISKS_UNLIMITED } else { limit };
    }

    /// How long the repair of a data partition may take; 0 means 2 hours.
    pub fn effective_dp_repair_time_out(&self) -> Duration {
        or_default(self.dp_repair_time_out, Duration::from_secs(2 * 3600))
    }

    /// How long nodes keep the backup of a deleted data partition; 0 means 168 hours.
    pub fn effective_dp_backup_time_out(&self) -> Duration {
        or_default(self.dp_backup_time_out, Duration::from_secs(168 * 3600))
    }

    /// Period of taking bad disks out of service; 0 means 10 s.
    pub fn effective_auto_decommission_disk_interval(&self) -> Duration {
        or_default(self.auto_decommission_disk_interval.max(0) as u64, AUTO_DECOMMISSION_INTERVAL)
    }

    /// Data partitions whose metadata is repaired at a time; 0 means 100.
    pub fn effective_auto_dp_meta_repair_parallel_cnt(&self) -> u32 {
        match self.auto_dp_meta_repair_parallel_cnt {
            0 => 100,
            count => count,
        }
    }

    /// A data replica that is silent for longer is unavailable, seconds; 0 means 300.
    pub fn effective_data_partition_timeout_sec(&self) -> i64 {
        match self.data_partition_timeout_sec {
            0 => 300,
            secs => secs,
        }
    }

    /// A meta replica that is silent for longer is unavailable, seconds; 0 means 60.
    pub fn effective_meta_partition_timeout_sec(&self) -> i64 {
        match self.meta_partition_timeout_sec {
            0 => 60,
            secs => secs,
        }
    }

    /// Between the two memory bounds: where balancing moves a meta node to.
    pub fn effective_meta_node_memory_mid_per(&self) -> f64 {
        let effective = self.effective();
        (effective.meta_node_memory_high_per + effective.meta_node_memory_low_per) / 2.0
    }
}

fn or_default(nanos: u64, default: Duration) -> Duration {
    if nanos == 0 {
        default
    } else {
        Duration::from_nanos(nanos)
    }
}
