//! What belongs to a volume but has a record of its own: denied addresses, limits per user, versions, directory quotas
//! (v3.5.3 state-machine.md §6.13). They stay when the volume is deleted; volume ids are never reused.

use super::codes::VersionStatus;
use super::key::Key;
use super::record::{record, JsonRecord};
use crate::ids::VolumeId;
use crate::wire::gojson::{List, Time};

record! {
    /// `#acl#<volume>`: addresses that may not mount the volume.
    pub struct Acl keyed(volume: VolumeId) {
        addresses: List<AclAddress> = "AclIpArr";
    }
}

record! {
    /// An address that may not mount the volume.
    pub struct AclAddress {
        ip: String = "Ip";
        /// Unix seconds.
        create_time: i64 = "CTime";
    }
}

impl JsonRecord for Acl {
    fn place(&self) -> Key {
        Key::Acl(self.volume)
    }

    fn adopt(&mut self, key: &Key) {
        if let Key::Acl(volume) = key {
            self.volume = *volume;
        }
    }
}

record! {
    /// `#uid#<volume>`: space limits per user id.
    pub struct UidSpace keyed(volume: VolumeId) {
        limits: List<UidLimit> = "UidSpaceArr";
    }
}

record! {
    /// The space limit of a user id.
    pub struct UidLimit {
        vol_name: String = "VolName";
        uid: u32 = "Uid";
        /// Unix seconds; 0 for limits added by hand.
        create_time: i64 = "CTime";
        enabled: bool = "Enabled";
        limited: bool = "Limited";
        /// Bytes.
        used_size: u64 = "UsedSize";
        /// Bytes.
        limit_size: u64 = "LimitSize";
        reserved: String = "Rsv";
    }
}

impl JsonRecord for UidSpace {
    fn place(&self) -> Key {
        Key::UidSpace(self.volume)
    }

    fn adopt(&mut self, key: &Key) {
        if let Key::UidSpace(volume) = key {
            self.volume = *volume;
        }
    }
}

record! {
    /// `#multiVer#<volume>`: the snapshot versions of a volume.
    pub struct VersionList keyed(volume: VolumeId) {
        versions: List<VolumeVersion> = "MultiVersionList";
        strategy: VersionStrategy = "Strategy";
        /// The newest version.
        ver_seq: u64 = "VerSeq";
    }
}

record! {
    /// A snapshot version.
    pub struct VolumeVersion {
        /// Unix microseconds; 0 is the volume as it began.
        ver: u64 = "Ver";
        /// Unix seconds.
        delete_time: i64 = "DelTime";
        status: VersionStatus = "Status";
    }
}

record! {
    /// When versions are made and deleted by themselves.
    pub struct VersionStrategy {
        keep_ver_cnt: i64 = "KeepVerCnt";
        /// Hours.
        periodic: i64 = "Periodic";
        enable: bool = "Enable";
        force_update: bool = "ForceUpdate";
        update_time: Time = "UTime";
    }
}

impl JsonRecord for VersionList {
    fn place(&self) -> Key {
        Key::VersionList(self.volume)
    }

    fn adopt(&mut self, key: &Key) {
        if let Key::VersionList(volume) = key {
            self.volume = *volume;
        }
    }
}

impl VersionList {
    /// A volume's list before its first snapshot: the one version 0.
    pub fn new(volume: VolumeId) -> Self {
        let first = VolumeVersion { status: VersionStatus::NORMAL, ..VolumeVersion::default() };
        Self { volume, versions: vec![first].into(), ..Self::default() }
    }
}

record! {
    /// `#quota#<volume>#<quota>`: limits of directories.
    pub struct Quota keyed(volume: VolumeId) {
        vol_name: String = "VolName";
        quota_id: u32 = "QuotaId";
        /// Unix seconds.
        create_time: i64 = "CTime";
        paths: List<QuotaPath> = "PathInfos";
        limited: QuotaLimited = "LimitedInfo";
        used: QuotaUsed = "UsedInfo";
        max_files: u64 = "MaxFiles";
        max_bytes: u64 = "MaxBytes";
        reserved: String = "Rsv";
    }
}

record! {
    /// A directory under a quota.
    pub struct QuotaPath {
        full_path: String = "FullPath";
        root_inode: u64 = "RootInode";
        partition_id: u64 = "PartitionId";
    }
}

record! {
    /// Which limits of a quota are reached.
    pub struct QuotaLimited {
        files: bool = "LimitedFiles";
        bytes: bool = "LimitedBytes";
    }
}

record! {
    /// What a quota's directories hold.
    pub struct QuotaUsed {
        files: i64 = "UsedFiles";
        bytes: i64 = "UsedBytes";
    }
}

impl JsonRecord for Quota {
    fn place(&self) -> Key {
        Key::Quota(self.volume, self.quota_id)
    }

    fn adopt(&mut self, key: &Key) {
        if let Key::Quota(volume, _) = key {
            self.volume = *volume;
        }
    }
}
