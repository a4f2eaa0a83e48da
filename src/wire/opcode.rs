//! Operation codes of the packet protocol: every number of v3.5.3 with its name and the text it has in logs (v3.5.3 packet.md §9).
//!
//! Must not know: what an operation does, or which body belongs to it.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// What a packet asks for. Any number is allowed: a number without a name is a value, not an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Opcode(pub u8);

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// Each line: constant = number, v3.5.3 name, log text (`name`: the same; `none`: v3.5.3 prints `op:N not found`).
macro_rules! opcodes {
    ($($konst:ident = $value:literal, $name:literal, $text:tt;)*) => {
        impl Opcode {
            $(#[doc = $name] pub const $konst: Opcode = Opcode($value);)*

            /// The name of v3.5.3; the first one where a number has two.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($name),)*
                    _ => None,
                }
            }

            fn listed_text(self) -> Option<&'static str> {
                match self.0 {
                    $($value => opcodes!(@text $name, $text),)*
                    // v3.5.3 has texts for two result codes in its table of operations.
                    0xF2 => Some("ConflictExtentsErr"),
                    0xF3 => Some("IntraGroupNetErr"),
                    _ => None,
                }
            }

            /// Every named number in order.
            pub const ALL: &'static [Opcode] = &[$(Opcode($value)),*];
        }
    };
    (@text $name:literal, name) => { Some($name) };
    (@text $name:literal, none) => { None };
    (@text $name:literal, $text:literal) => { Some($text) };
}

opcodes! {
    CREATE_EXTENT = 0x01, "OpCreateExtent", name;
    MARK_DELETE = 0x02, "OpMarkDelete", name;
    WRITE = 0x03, "OpWrite", name;
    READ = 0x04, "OpRead", "Read";
    STREAM_READ = 0x05, "OpStreamRead", name;
    STREAM_FOLLOWER_READ = 0x06, "OpStreamFollowerRead", name;
    GET_ALL_WATERMARKS = 0x07, "OpGetAllWatermarks", name;
    NOTIFY_REPLICAS_TO_REPAIR = 0x08, "OpNotifyReplicasToRepair", name;
    EXTENT_REPAIR_READ = 0x09, "OpExtentRepairRead", name;
    BROADCAST_MIN_APPLIED_ID = 0x0A, "OpBroadcastMinAppliedID", name;
    RANDOM_WRITE = 0x0F, "OpRandomWrite", name;
    GET_APPLIED_ID = 0x10, "OpGetAppliedId", name;
    GET_PARTITION_SIZE = 0x11, "OpGetPartitionSize", name;
    SYNC_RANDOM_WRITE = 0x12, "OpSyncRandomWrite", name;
    SYNC_WRITE = 0x13, "OpSyncWrite", name;
    READ_TINY_DELETE_RECORD = 0x14, "OpReadTinyDeleteRecord", name;
    TINY_EXTENT_REPAIR_READ = 0x15, "OpTinyExtentRepairRead", name;
    GET_MAX_EXTENT_ID_AND_PARTITION_SIZE = 0x16, "OpGetMaxExtentIDAndPartitionSize", name;
    SNAPSHOT_EXTENT_REPAIR_READ = 0x17, "OpSnapshotExtentRepairRead", name;
    SNAPSHOT_EXTENT_REPAIR_RSP = 0x18, "OpSnapshotExtentRepairRsp", none;
    META_CREATE_INODE = 0x20, "OpMetaCreateInode", name;
    META_UNLINK_INODE = 0x21, "OpMetaUnlinkInode", name;
    META_CREATE_DENTRY = 0x22, "OpMetaCreateDentry", name;
    META_DELETE_DENTRY = 0x23, "OpMetaDeleteDentry", name;
    META_OPEN = 0x24, "OpMetaOpen", name;
    META_LOOKUP = 0x25, "OpMetaLookup", name;
    META_READ_DIR = 0x26, "OpMetaReadDir", name;
    META_INODE_GET = 0x27, "OpMetaInodeGet", name;
    META_BATCH_INODE_GET = 0x28, "OpMetaBatchInodeGet", name;
    META_EXTENTS_ADD = 0x29, "OpMetaExtentsAdd", name;
    META_EXTENTS_DEL = 0x2A, "OpMetaExtentsDel", name;
    META_EXTENTS_LIST = 0x2B, "OpMetaExtentsList", name;
    META_UPDATE_DENTRY = 0x2C, "OpMetaUpdateDentry", name;
    META_TRUNCATE = 0x2D, "OpMetaTruncate", name;
    META_LINK_INODE = 0x2E, "OpMetaLinkInode", name;
    META_EVICT_INODE = 0x2F, "OpMetaEvictInode", name;
    META_SETATTR = 0x30, "OpMetaSetattr", name;
    META_RELEASE_OPEN = 0x31, "OpMetaReleaseOpen", name;
    META_FREE_INODES_ON_RAFT_FOLLOWER = 0x32, "OpMetaFreeInodesOnRaftFollower", none;
    META_DELETE_INODE = 0x33, "OpMetaDeleteInode", name;
    META_BATCH_EXTENTS_ADD = 0x34, "OpMetaBatchExtentsAdd", name;
    META_SET_XATTR = 0x35, "OpMetaSetXAttr", name;
    META_GET_XATTR = 0x36, "OpMetaGetXAttr", name;
    META_REMOVE_XATTR = 0x37, "OpMetaRemoveXAttr", name;
    META_LIST_XATTR = 0x38, "OpMetaListXAttr", name;
    META_BATCH_GET_XATTR = 0x39, "OpMetaBatchGetXAttr", name;
    META_EXTENT_ADD_WITH_CHECK = 0x3A, "OpMetaExtentAddWithCheck", name;
    META_UPDATE_XATTR = 0x3B, "OpMetaUpdateXAttr", name;
    META_READ_DIR_ONLY = 0x3C, "OpMetaReadDirOnly", name;
    META_READ_DIR_LIMIT = 0x3D, "OpMetaReadDirLimit", name;
    META_LOCK_DIR = 0x3E, "OpMetaLockDir", name;
    CREATE_META_PARTITION = 0x40, "OpCreateMetaPartition", name;
    META_NODE_HEARTBEAT = 0x41, "OpMetaNodeHeartbeat", name;
    DELETE_META_PARTITION = 0x42, "OpDeleteMetaPartition", name;
    UPDATE_META_PARTITION = 0x43, "OpUpdateMetaPartition", name;
    LOAD_META_PARTITION = 0x44, "OpLoadMetaPartition", name;
    DECOMMISSION_META_PARTITION = 0x45, "OpDecommissionMetaPartition", name;
    ADD_META_PARTITION_RAFT_MEMBER = 0x46, "OpAddMetaPartitionRaftMember", name;
    REMOVE_META_PARTITION_RAFT_MEMBER = 0x47, "OpRemoveMetaPartitionRaftMember", name;
    META_PARTITION_TRY_TO_LEADER = 0x48, "OpMetaPartitionTryToLeader", name;
    FREEZE_EMPTY_META_PARTITION = 0x49, "OpFreezeEmptyMetaPartition", name;
    BACKUP_EMPTY_META_PARTITION = 0x4A, "OpBackupEmptyMetaPartition", name;
    REMOVE_BACKUP_META_PARTITION = 0x4B, "OpRemoveBackupMetaPartition", name;
    IS_RAFT_STATUS_OK = 0x4C, "OpIsRaftStatusOk", name;
    META_BATCH_SET_INODE_QUOTA = 0x50, "OpMetaBatchSetInodeQuota", name;
    META_BATCH_DELETE_INODE_QUOTA = 0x51, "OpMetaBatchDeleteInodeQuota", name;
    META_GET_INODE_QUOTA = 0x52, "OpMetaGetInodeQuota", name;
    QUOTA_CREATE_INODE = 0x53, "OpQuotaCreateInode", name;
    QUOTA_CREATE_DENTRY = 0x54, "OpQuotaCreateDentry", name;
    LC_NODE_HEARTBEAT = 0x55, "OpLcNodeHeartbeat", name;
    LC_NODE_SCAN = 0x56, "OpLcNodeScan", name;
    BATCH_LOCK_NORMAL_EXTENT = 0x57, "OpBatchLockNormalExtent", name;
    BATCH_UNLOCK_NORMAL_EXTENT = 0x58, "OpBatchUnlockNormalExtent", name;
    BACKUP_READ = 0x59, "OpBackupRead", name;
    BACKUP_WRITE = 0x5A, "OpBackupWrite", none;
    LC_NODE_SNAPSHOT_VER_DEL = 0x5B, "OpLcNodeSnapshotVerDel", name;
    CREATE_DATA_PARTITION = 0x60, "OpCreateDataPartition", name;
    DELETE_DATA_PARTITION = 0x61, "OpDeleteDataPartition", name;
    LOAD_DATA_PARTITION = 0x62, "OpLoadDataPartition", name;
    DATA_NODE_HEARTBEAT = 0x63, "OpDataNodeHeartbeat", name;
    REPLICATE_FILE = 0x64, "OpReplicateFile", name;
    DELETE_FILE = 0x65, "OpDeleteFile", name;
    DECOMMISSION_DATA_PARTITION = 0x66, "OpDecommissionDataPartition", name;
    ADD_DATA_PARTITION_RAFT_MEMBER = 0x67, "OpAddDataPartitionRaftMember", name;
    REMOVE_DATA_PARTITION_RAFT_MEMBER = 0x68, "OpRemoveDataPartitionRaftMember", name;
    DATA_PARTITION_TRY_TO_LEADER = 0x69, "OpDataPartitionTryToLeader", name;
    QOS = 0x6A, "OpQos", none;
    STOP_DATA_PARTITION_REPAIR = 0x6B, "OpStopDataPartitionRepair", name;
    RECOVER_DATA_REPLICA_META = 0x6C, "OpRecoverDataReplicaMeta", none;
    RECOVER_BACKUP_DATA_REPLICA = 0x6D, "OpRecoverBackupDataReplica", none;
    RECOVER_BAD_DISK = 0x6E, "OpRecoverBadDisk", none;
    QUERY_BAD_DISK_RECOVER_PROGRESS = 0x6F, "OpQueryBadDiskRecoverProgress", none;
    CREATE_MULTIPART = 0x70, "OpCreateMultipart", name;
    GET_MULTIPART = 0x71, "OpGetMultipart", name;
    ADD_MULTIPART_PART = 0x72, "OpAddMultipartPart", name;
    REMOVE_MULTIPART = 0x73, "OpRemoveMultipart", name;
    LIST_MULTIPARTS = 0x74, "OpListMultiparts", name;
    BATCH_DELETE_EXTENT = 0x75, "OpBatchDeleteExtent", name;
    GC_BATCH_DELETE_EXTENT = 0x76, "OpGcBatchDeleteExtent", name;
    GET_EXPIRED_MULTIPART = 0x77, "OpGetExpiredMultipart", none;
    DELETE_BACKUP_DIRECTORIES = 0x80, "OpDeleteBackupDirectories", none;
    META_RENEWAL_FORBIDDEN_MIGRATION = 0x83, "OpMetaRenewalForbiddenMigration", name;
    META_UPDATE_EXTENT_KEY_AFTER_MIGRATION = 0x84, "OpMetaUpdateExtentKeyAfterMigration", name;
    DELETE_MIGRATION_EXTENT_KEY = 0x85, "OpDeleteMigrationExtentKey", name;
    META_FORBIDDEN_MIGRATION = 0x89, "OpMetaForbiddenMigration", none;
    DELETE_LOST_DISK = 0x8A, "OpDeleteLostDisk", none;
    RELOAD_DISK = 0x8B, "OpReloadDisk", none;
    SET_REPAIRING_STATUS = 0x8C, "OpSetRepairingStatus", name;
    META_BATCH_DELETE_INODE = 0x90, "OpMetaBatchDeleteInode", name;
    META_BATCH_DELETE_DENTRY = 0x91, "OpMetaBatchDeleteDentry", name;
    META_BATCH_UNLINK_INODE = 0x92, "OpMetaBatchUnlinkInode", name;
    META_BATCH_EVICT_INODE = 0x93, "OpMetaBatchEvictInode", name;
    META_TX_CREATE = 0xA0, "OpMetaTxCreate", name;
    META_TX_CREATE_INODE = 0xA1, "OpMetaTxCreateInode", name;
    META_TX_UNLINK_INODE = 0xA2, "OpMetaTxUnlinkInode", name;
    META_TX_CREATE_DENTRY = 0xA3, "OpMetaTxCreateDentry", name;
    TX_COMMIT = 0xA4, "OpTxCommit", name;
    TX_ROLLBACK = 0xA5, "OpTxRollback", name;
    TX_COMMIT_RM = 0xA6, "OpTxCommitRM", name;
    TX_ROLLBACK_RM = 0xA7, "OpTxRollbackRM", name;
    META_TX_DELETE_DENTRY = 0xA8, "OpMetaTxDeleteDentry", name;
    META_TX_UPDATE_DENTRY = 0xA9, "OpMetaTxUpdateDentry", name;
    META_TX_LINK_INODE = 0xAA, "OpMetaTxLinkInode", name;
    META_TX_GET = 0xAB, "OpMetaTxGet", name;
    META_GET_UNIQ_ID = 0xAC, "OpMetaGetUniqID", none;
    META_GET_APPLIED_ID = 0xAD, "OpMetaGetAppliedID", "OpMetaGetAppliedId";
    META_UPDATE_INODE_META = 0xAE, "OpMetaUpdateInodeMeta", none;
    RANDOM_WRITE_APPEND = 0xB1, "OpRandomWriteAppend", name;
    SYNC_RANDOM_WRITE_APPEND = 0xB2, "OpSyncRandomWriteAppend", name;
    RANDOM_WRITE_VER = 0xB3, "OpRandomWriteVer", name;
    SYNC_RANDOM_WRITE_VER = 0xB4, "OpSyncRandomWriteVer", name;
    SYNC_RANDOM_WRITE_VER_RSP = 0xB5, "OpSyncRandomWriteVerRsp", none;
    TRY_WRITE_APPEND = 0xB6, "OpTryWriteAppend", name;
    SYNC_TRY_WRITE_APPEND = 0xB7, "OpSyncTryWriteAppend", name;
    VERSION_OP = 0xB8, "OpVersionOp", none;
    FLASH_NODE_HEARTBEAT = 0xC1, "OpFlashNodeHeartbeat", name;
    FLASH_NODE_CACHE_PREPARE = 0xC2, "OpFlashNodeCachePrepare", name;
    FLASH_NODE_CACHE_READ = 0xC3, "OpFlashNodeCacheRead", name;
    FLASH_NODE_CACHE_PUT_BLOCK = 0xC4, "OpFlashNodeCachePutBlock", name;
    FLASH_NODE_CACHE_DELETE = 0xC5, "OpFlashNodeCacheDelete", name;
    FLASH_NODE_CACHE_READ_OBJECT = 0xC6, "OpFlashNodeCacheReadObject", name;
    FLASH_NODE_SET_READ_IO_LIMITS = 0xC7, "OpFlashNodeSetReadIOLimits", name;
    FLASH_NODE_SET_WRITE_IO_LIMITS = 0xC8, "OpFlashNodeSetWriteIOLimits", name;
    FLASH_NODE_SCAN = 0xC9, "OpFlashNodeScan", name;
    FLASH_NODE_TASK_COMMAND = 0xCA, "OpFlashNodeTaskCommand", name;
    FLASH_SDK_HEARTBEAT = 0xCB, "OpFlashSDKHeartbeat", name;
    FLASH_NODE_BATCH_READ_OBJECT = 0xCC, "OpFlashNodeBatchReadObject", name;
    APPLY_WARMUP_META_TOKEN = 0xCD, "OpApplyWarmupMetaToken", name;
    META_BATCH_OBJ_EXTENTS_ADD = 0xD0, "OpMetaBatchObjExtentsAdd", name;
    META_CLEAR_INODE_CACHE = 0xD1, "OpMetaClearInodeCache", name;
    META_BATCH_SET_XATTR = 0xD2, "OpMetaBatchSetXAttr", none;
    META_GET_ALL_XATTR = 0xD3, "OpMetaGetAllXAttr", none;
    VERSION_OPERATION = 0xD5, "OpVersionOperation", none;
    SPLIT_MARK_DELETE = 0xD6, "OpSplitMarkDelete", "OpMarkDelete";
    META_OBJ_EXTENT_ADD = 0xDD, "OpMetaObjExtentAdd", name;
    META_OBJ_EXTENTS_LIST = 0xDE, "OpMetaObjExtentsList", name;
    META_EXTENTS_EMPTY = 0xDF, "OpMetaExtentsEmpty", none;
    PING = 0xFF, "OpPing", name;
}

impl Opcode {
    /// Second name of 0xB2, `OpMetaInodeAccessTimeGet`.
    pub const META_INODE_ACCESS_TIME_GET: Opcode = Opcode::SYNC_RANDOM_WRITE_APPEND;
    /// Names that share a number with another.
    pub const ALIASES: &'static [(Opcode, &'static str)] = &[(Opcode::META_INODE_ACCESS_TIME_GET, "OpMetaInodeAccessTimeGet")];

    /// What v3.5.3 writes into its logs.
    pub fn text(self) -> Cow<'static, str> {
        match self.listed_text() {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(format!("op:{} not found", self.0)),
        }
    }

    /// A heartbeat to any kind of node: first in a round of tasks (v3.5.3 admin-tasks.md §4.3).
    pub const fn is_heartbeat(self) -> bool {
        matches!(self, Opcode::DATA_NODE_HEARTBEAT | Opcode::META_NODE_HEARTBEAT | Opcode::LC_NODE_HEARTBEAT | Opcode::FLASH_NODE_HEARTBEAT)
    }

    /// Sent before the others in a round of tasks (v3.5.3 admin-tasks.md §4.3).
    pub const fn is_urgent(self) -> bool {
        matches!(
            self,
            Opcode::CREATE_DATA_PARTITION | Opcode::CREATE_META_PARTITION | Opcode::LOAD_DATA_PARTITION | Opcode::UPDATE_META_PARTITION
        )
    }

    /// A command to a node that does no harm when it is executed twice, at whatever time: it only asks, or asks for the lead of a group.
    pub const fn may_be_repeated(self) -> bool {
        matches!(
            self,
            Opcode::LOAD_META_PARTITION
                | Opcode::IS_RAFT_STATUS_OK
                | Opcode::QUERY_BAD_DISK_RECOVER_PROGRESS
                | Opcode::META_PARTITION_TRY_TO_LEADER
                | Opcode::DATA_PARTITION_TRY_TO_LEADER
        )
    }

    /// A read whose request carries no data: its Size is the wanted length (v3.5.3 packet.md §4).
    pub const fn is_read(self) -> bool {
        matches!(
            self,
            Opcode::READ
                | Opcode::STREAM_READ
                | Opcode::STREAM_FOLLOWER_READ
                | Opcode::EXTENT_REPAIR_READ
                | Opcode::READ_TINY_DELETE_RECORD
                | Opcode::TINY_EXTENT_REPAIR_READ
                | Opcode::SNAPSHOT_EXTENT_REPAIR_READ
                | Opcode::BACKUP_READ
        )
    }
}
