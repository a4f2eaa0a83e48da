//! The data partition record `#dp#<volume>#<id>` (v3.5.3 state-machine.md §6.9).

use super::codes::{DecommissionStatus, DecommissionType, MediaType, PartitionStatus, RestoreReplica};
use super::hosts::Joined;
use super::key::Key;
use super::record::{record, JsonRecord};
use super::volume::Volume;
use crate::ids::{NodeSetId, PartitionId, VolumeId};
use crate::wire::peer::Peer;
use std::collections::BTreeMap;

record! {
    /// A data partition: extents of a volume on a few data nodes.
    pub struct DataPartition {
        partition_id: PartitionId = "PartitionID";
        replica_num: u8 = "ReplicaNum";
        /// Addresses; the first is the preferred leader.
        hosts: Vec<String> = "Hosts" as Joined;
        /// In order of selection, not that of `hosts`.
        peers: Vec<Peer> = "Peers";
        /// As it was when the record was written; what nodes report decides.
        status: PartitionStatus = "Status";
        vol_id: VolumeId = "VolID";
        vol_name: String = "VolName";
        offline_peer_id: u64 = "OfflinePeerID";
        replicas: Vec<ReplicaDisk> = "Replicas";
        is_recover: bool = "IsRecover";
        partition_type: i64 = "PartitionType";
        rd_only: bool = "RdOnly";
        is_discard: bool = "IsDiscard";
        /// Tries by `<addr>_<disk>`.
        decommission_disk_retry_map: BTreeMap<String, i64> = "DecommissionDiskRetryMap";
        decommission_status_update_records: Vec<DecommissionStatusRecord> = "DecommissionStatusUpdateRecords";
        decommission_retry: i64 = "DecommissionRetry";
        decommission_status: DecommissionStatus = "DecommissionStatus";
        decommission_src_addr: String = "DecommissionSrcAddr";
        decommission_dst_addr: String = "DecommissionDstAddr";
        decommission_raft_force: bool = "DecommissionRaftForce";
        decommission_src_disk_path: String = "DecommissionSrcDiskPath";
        decommission_term: u64 = "DecommissionTerm";
        /// 2, 4, 6 or 8.
        decommission_weight: i64 = "DecommissionWeight";
        /// 0 to 4.
        special_replica_decommission_step: u32 = "SpecialReplicaDecommissionStep";
        decommission_dst_addr_specify: bool = "DecommissionDstAddrSpecify";
        decommission_dst_node_set: NodeSetId = "DecommissionDstNodeSet";
        decommission_need_rollback: bool = "DecommissionNeedRollback";
        /// Unix seconds; [`NEVER`] when not set.
        recover_start_time: i64 = "RecoverStartTime";
        /// Unix seconds; [`NEVER`] when not set.
        recover_update_time: i64 = "RecoverUpdateTime";
        /// Seconds.
        recover_last_consume_time: f64 = "RecoverLastConsumeTime";
        /// Unix seconds; [`NEVER`] when not set.
        decommission_retry_time: i64 = "DecommissionRetryTime";
        forbidden: bool = "Forbidden";
        decommission_error_message: String = "DecommissionErrorMessage";
        decommission_need_rollback_times: u32 = "DecommissionNeedRollbackTimes";
        decommission_type: DecommissionType = "DecommissionType";
        restore_replica: RestoreReplica = "RestoreReplica";
        media_type: MediaType = "MediaType";
    }
}

record! {
    /// Where a replica lies on its node.
    pub struct ReplicaDisk {
        addr: String = "Addr";
        disk_path: String = "DiskPath";
    }
}

record! {
    /// A step of a decommission that was recorded.
    pub struct DecommissionStatusRecord {
        condition: String = "Condition";
        status: String = "Status";
        /// Local time, `2006-01-02 15:04:05`.
        time: String = "Time";
        err_message: String = "ErrMessage";
    }
}

/// Unix seconds of Go's zero time.
pub const NEVER: i64 = -62_135_596_800;

impl JsonRecord for DataPartition {
    fn place(&self) -> Key {
        Key::DataPartition(self.vol_id, self.partition_id)
    }
}

impl DataPartition {
    /// A partition that its nodes have just created, without replicas yet.
    pub fn new(partition_id: PartitionId, volume: &Volume, hosts: Vec<String>, peers: Vec<Peer>, media_type: MediaType) -> Self {
        Self {
            partition_id,
            replica_num: volume.dp_replica_num,
            hosts,
            peers,
            status: PartitionStatus::READ_WRITE,
            vol_id: volume.id,
            vol_name: volume.name.clone(),
            recover_start_time: NEVER,
            recover_update_time: NEVER,
            decommission_retry_time: NEVER,
            media_type,
            ..Self::default()
        }
    }

    /// The disks; not said means the cluster's legacy media type.
    pub fn effective_media_type(&self, legacy: MediaType) -> MediaType {
        self.media_type.or_legacy(legacy)
    }

    /// A replica lies on this node.
    pub fn has_host(&self, addr: &str) -> bool {
        self.hosts.iter().any(|host| host == addr)
    }

    /// The disk of the replica on this node, where it is known.
    pub fn disk_on(&self, addr: &str) -> Option<&str> {
        self.replicas.iter().find(|replica| replica.addr == addr).map(|replica| replica.disk_path.as_str())
    }

    /// Forgets where a decommission of a replica stands (v3.5.3 http-partitions-nodes.md §5.11).
    pub fn reset_decommission(&mut self) {
        *self = Self {
            decommission_status_update_records: Vec::new(),
            decommission_retry: 0,
            decommission_status: DecommissionStatus::INITIAL,
            decommission_src_addr: String::new(),
            decommission_dst_addr: String::new(),
            decommission_raft_force: false,
            decommission_src_disk_path: String::new(),
            decommission_term: 0,
            decommission_weight: 0,
            special_replica_decommission_step: 0,
            decommission_dst_addr_specify: false,
            decommission_dst_node_set: NodeSetId(0),
            decommission_need_rollback: false,
            is_recover: false,
            recover_start_time: NEVER,
            recover_update_time: NEVER,
            decommission_retry_time: NEVER,
            decommission_error_message: String::new(),
            decommission_need_rollback_times: 0,
            decommission_type: DecommissionType::INITIAL,
            ..std::mem::take(self)
        };
    }

    /// So few replicas that a move passes through another number of them.
    pub fn has_special_replica_num(&self) -> bool {
        self.replica_num == 1 || self.replica_num == 2
    }
}

impl ReplicaDisk {
    /// A replica on a disk.
    pub fn new(addr: impl Into<String>, disk_path: impl Into<String>) -> Self {
        Self { addr: addr.into(), disk_path: disk_path.into(), ..Self::default() }
    }
}
