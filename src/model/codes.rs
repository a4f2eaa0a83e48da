//! The numbers with a meaning that records hold (v3.5.3 state-machine.md §6). Each keeps a number it does not know.

use super::record::codes;

codes! {
    /// Status of a data or meta partition, or of one of its replicas (§6.9, §6.10).
    PartitionStatus(i8) {
        UNAVAILABLE = -1,
        RECOVERING = 0,
        READ_ONLY = 1,
        READ_WRITE = 2,
    }
    /// Progress of taking something out of service: a data node, a disk, a replica (§6.9).
    DecommissionStatus(u32) {
        INITIAL = 0,
        MARKED = 1,
        PAUSE = 2,
        PREPARE = 3,
        RUNNING = 4,
        SUCCESS = 5,
        FAIL = 6,
        CANCEL = 7,
    }
    /// Why a partition or disk is taken out of service (§6.9).
    DecommissionType(u32) {
        INITIAL = 0,
        MANUAL = 1,
        AUTO = 2,
        QUERY = 3,
        AUTO_ADD_REPLICA = 4,
        MANUAL_ADD_REPLICA = 5,
        BALANCE_BY_DISK_USAGE = 6,
        BALANCE_BY_DP_COUNT = 7,
    }
    /// Whether the replicas of a data partition are being restored from its metadata (§6.9).
    RestoreReplica(u32) {
        STOP = 0,
        RUNNING = 1,
        FORBIDDEN = 2,
    }
    /// The disks of a data node, a zone or a data partition (§11 of topology-selection.md).
    MediaType(u32) {
        UNSPECIFIED = 0,
        SSD = 1,
        HDD = 2,
    }
    /// Where the data of a file lives (§6.8).
    StorageClass(u32) {
        UNSPECIFIED = 0,
        REPLICA_SSD = 1,
        REPLICA_HDD = 2,
        BLOBSTORE = 3,
    }
    /// Whether a volume is marked for deletion (§6.8).
    VolumeStatus(u8) {
        NORMAL = 0,
        MARK_DELETE = 1,
    }
    /// Whether a volume keeps its data in data partitions or in the blobstore (§6.8).
    VolumeType(i64) {
        HOT = 0,
        COLD = 1,
    }
    /// Freezing of an empty meta partition (§6.10).
    Freeze(i8) {
        NONE = 0,
        FREEZING = 1,
        FROZEN = 2,
    }
    /// What a node-set group can take (§6.3).
    GroupStatus(u8) {
        NORMAL = 0,
        UNAVAILABLE = 1,
        META_UNAVAILABLE = 2,
        DATA_UNAVAILABLE = 3,
    }
    /// Rights of a user (§6.12).
    UserType(u8) {
        ROOT = 1,
        ADMIN = 2,
        NORMAL = 3,
    }
    /// State of a volume version (background-tasks.md §16).
    VersionStatus(u8) {
        NORMAL = 1,
        DELETED = 2,
        DELETING = 3,
        ABNORMAL = 4,
    }
    /// Whether a flash group is gaining or losing slots (§6.15).
    SlotStatus(u8) {
        COMPLETED = 0,
        CREATING = 1,
        DELETING = 2,
    }
    /// Whether clients use a flash group (§6.15).
    FlashGroupStatus(u8) {
        INACTIVE = 0,
        ACTIVE = 1,
    }
    /// Progress of a flash task started by hand (§6.15).
    FlashTaskStatus(i64) {
        INIT = 0,
        RUNNING = 1,
        PAUSE = 2,
        SUCCESS = 3,
        FAILED = 4,
        STOP = 5,
    }
}

impl DecommissionStatus {
    /// As v3.5.3 prints it (http-partitions-nodes.md §0.4).
    pub fn text(self) -> String {
        let names = ["Initial", "Marked", "Paused", "DecommissionPrepare", "Running", "Success", "Failed", "DecommissionCancel"];
        names.get(self.0 as usize).map_or_else(|| format!("Unkown:{}", self.0), |name| (*name).to_owned())
    }

    /// Prepared or running: replicas may be under way.
    pub fn is_moving(self) -> bool {
        self == Self::PREPARE || self == Self::RUNNING
    }
}

impl MediaType {
    /// As v3.5.3 prints it.
    pub fn text(self) -> &'static str {
        match self {
            MediaType::SSD => "SSD",
            MediaType::HDD => "HDD",
            _ => "Unspecified",
        }
    }

    /// SSD or HDD.
    pub fn is_valid(self) -> bool {
        self == Self::SSD || self == Self::HDD
    }

    /// `self`, or what older records mean by leaving it out: the cluster's legacy media type.
    pub fn or_legacy(self, legacy: MediaType) -> MediaType {
        if self == Self::UNSPECIFIED {
            legacy
        } else {
            self
        }
    }

    /// The class of replicas on these disks.
    pub fn storage_class(self) -> StorageClass {
        match self {
            Self::SSD => StorageClass::REPLICA_SSD,
            Self::HDD => StorageClass::REPLICA_HDD,
            _ => StorageClass::UNSPECIFIED,
        }
    }
}

impl StorageClass {
    /// Kept in data partitions.
    pub fn is_replica(self) -> bool {
        self == Self::REPLICA_SSD || self == Self::REPLICA_HDD
    }

    /// The disks that replicas of this class need.
    pub fn media_type(self) -> MediaType {
        match self {
            Self::REPLICA_SSD => MediaType::SSD,
            Self::REPLICA_HDD => MediaType::HDD,
            _ => MediaType::UNSPECIFIED,
        }
    }
}
