//! Data nodes and meta nodes (v3.5.3 state-machine.md §6.6, §6.7), and disks being taken out of service (§6.11).

use super::codes::{DecommissionStatus, DecommissionType, MediaType};
use super::key::Key;
use super::record::{record, JsonRecord};
use super::topology::zone_or_default;
use crate::ids::{NodeId, NodeSetId, PartitionId};
use crate::wire::gojson::List;
use crate::wire::peer::Peer;

record! {
    /// `#dn#<id>#<addr>`.
    pub struct DataNode {
        id: NodeId = "ID";
        node_set_id: NodeSetId = "NodeSetID";
        /// `ip:port`.
        addr: String = "Addr";
        /// Raft heartbeat port, decimal; empty on old nodes.
        heartbeat_port: String = "HeartbeatPort";
        /// Raft replica port, decimal; empty on old nodes.
        replica_port: String = "ReplicaPort";
        zone_name: String = "ZoneName";
        rd_only: bool = "RdOnly";
        /// Disks taken out of service and disabled, or on the way there.
        decommissioned_disks: List<String> = "DecommissionedDisks";
        decommission_success_disks: List<String> = "DecommissionSuccessDisks";
        balanced_disk_usage: u64 = "BalancedDiskUsage";
        balanced_dp_count: u64 = "BalancedDPCount";
        decommission_status: DecommissionStatus = "DecommissionStatus";
        decommission_dst_addr: String = "DecommissionDstAddr";
        decommission_raft_force: bool = "DecommissionRaftForce";
        /// Data partitions to move; 0 is all.
        decommission_limit: i64 = "DecommissionLimit";
        decommission_weight: i64 = "DecommissionWeight";
        decommission_first_host_parallel_limit: u64 = "DecommissionFirstHostParallelLimit";
        /// The term of the decommission: unix seconds of the mark.
        decommission_time: u64 = "DecommissionTime";
        /// Unix seconds.
        decommission_complete_time: i64 = "DecommissionCompleteTime";
        to_be_offline: bool = "ToBeOffline";
        /// Disks of the decommission under way.
        decommission_disk_list: List<String> = "DecommissionDiskList";
        decommission_dp_total: i64 = "DecommissionDpTotal";
        bad_disks: List<String> = "BadDisks";
        all_disks: List<String> = "AllDisks";
        media_type: MediaType = "MediaType";
        /// Data partitions on this node; 0 means the cluster's limit.
        max_dp_cnt_limit: u64 = "MaxDpCntLimit";
    }
}

impl JsonRecord for DataNode {
    fn place(&self) -> Key {
        Key::DataNode(self.id, self.addr.clone())
    }
}

impl DataNode {
    /// A node that has just registered.
    pub fn new(id: NodeId, addr: impl Into<String>, zone_name: impl Into<String>, node_set_id: NodeSetId, media_type: MediaType) -> Self {
        Self { id, node_set_id, addr: addr.into(), zone_name: zone_name.into(), media_type, ..Self::default() }
    }

    /// The zone; empty means `default`.
    pub fn effective_zone_name(&self) -> &str {
        zone_or_default(&self.zone_name)
    }

    /// The disks; not said means the cluster's legacy media type.
    pub fn effective_media_type(&self, legacy: MediaType) -> MediaType {
        self.media_type.or_legacy(legacy)
    }

    /// The node as a member of a partition's raft group.
    pub fn peer(&self) -> Peer {
        Peer { id: self.id, addr: self.addr.clone(), raft_heartbeat: self.heartbeat_port.clone(), raft_replica: self.replica_port.clone() }
    }
}

record! {
    /// `#mn#<id>#<addr>`.
    pub struct MetaNode {
        id: NodeId = "ID";
        node_set_id: NodeSetId = "NodeSetID";
        /// `ip:port`.
        addr: String = "Addr";
        /// Raft heartbeat port, decimal; empty on old nodes.
        heartbeat_port: String = "HeartbeatPort";
        /// Raft replica port, decimal; empty on old nodes.
        replica_port: String = "ReplicaPort";
        zone_name: String = "ZoneName";
        rd_only: bool = "RdOnly";
    }
}

impl JsonRecord for MetaNode {
    fn place(&self) -> Key {
        Key::MetaNode(self.id, self.addr.clone())
    }
}

impl MetaNode {
    /// A node that has just registered.
    pub fn new(id: NodeId, addr: impl Into<String>, zone_name: impl Into<String>, node_set_id: NodeSetId) -> Self {
        Self { id, node_set_id, addr: addr.into(), zone_name: zone_name.into(), ..Self::default() }
    }

    /// The zone; empty means `default`.
    pub fn effective_zone_name(&self) -> &str {
        zone_or_default(&self.zone_name)
    }

    /// The node as a member of a partition's raft group.
    pub fn peer(&self) -> Peer {
        Peer { id: self.id, addr: self.addr.clone(), raft_heartbeat: self.heartbeat_port.clone(), raft_replica: self.replica_port.clone() }
    }
}

record! {
    /// A data partition that a decommission leaves where it is, and why.
    pub struct IgnoredPartition {
        partition_id: PartitionId = "PartitionID";
        err_msg: String = "ErrMsg";
    }
}

record! {
    /// `#dd#<addr>#<disk>`: a disk being taken out of service.
    pub struct DecommissionDisk {
        src_addr: String = "SrcAddr";
        dst_addr: String = "DstAddr";
        disk_path: String = "DiskPath";
        decommission_status: DecommissionStatus = "DecommissionStatus";
        decommission_raft_force: bool = "DecommissionRaftForce";
        decommission_times: u8 = "DecommissionTimes";
        /// -1: not started.
        decommission_dp_total: i64 = "DecommissionDpTotal";
        decommission_term: u64 = "DecommissionTerm";
        decommission_weight: i64 = "DecommissionWeight";
        decommission_type: DecommissionType = "Type";
        /// Unix seconds.
        decommission_complete_time: i64 = "DecommissionCompleteTime";
        /// Data partitions to move; 0 is all.
        decommission_limit: i64 = "DecommissionLimit";
        ignore_decommission_dps: List<IgnoredPartition> = "IgnoreDecommissionDps";
        residual_decommission_dps: List<IgnoredPartition> = "ResidualDecommissionDps";
        disk_disable: bool = "DiskDisable";
    }
}

impl JsonRecord for DecommissionDisk {
    fn place(&self) -> Key {
        Key::DecommissionDisk(self.src_addr.clone(), self.disk_path.clone())
    }
}

impl DecommissionDisk {
    /// A disk that nothing has been moved from yet.
    pub fn new(src_addr: impl Into<String>, disk_path: impl Into<String>) -> Self {
        Self {
            src_addr: src_addr.into(),
            disk_path: disk_path.into(),
            decommission_dp_total: -1,
            ignore_decommission_dps: Vec::new().into(),
            residual_decommission_dps: Vec::new().into(),
            ..Self::default()
        }
    }

    /// v3.5.3's name of the disk in its lists, `<addr>_<disk>`.
    pub fn name(&self) -> String {
        format!("{}_{}", self.src_addr, self.disk_path)
    }
}
