//! The plan for balancing meta partitions, `#balanceTask` (v3.5.3 state-machine.md §6.15). v3.5.3 deletes it on the leader
//! alone (§14 trap 6), so that imported stores of one cluster may differ in it.

use super::key::Key;
use super::record::{record, JsonRecord};
use crate::ids::{NodeId, NodeSetId, PartitionId};
use crate::wire::gojson::{List, Time};

record! {
    /// The moves of a whole cluster. At most one at a time.
    pub struct BalancePlan {
        plan: List<PartitionBalance> = "plan";
        done_count: i64 = "doneCount";
        total: i64 = "total";
        /// `init`, `running`, `error`, `stop` or `done`.
        status: String = "status";
        /// Set when done.
        expire: Time = "expire";
        /// `manual`, `auto` or `offline`.
        kind: String = "type";
        msg: String = "msg";
    }
}

record! {
    /// The moves of one meta partition.
    pub struct PartitionBalance {
        id: PartitionId = "id";
        cross_zone: bool = "crossZone";
        /// All replicas.
        original: List<ReplicaBalance> = "original";
        /// Replicas on nodes with too little memory.
        over_load: List<ReplicaBalance> = "overLoad";
        moves: List<ReplicaBalance> = "plan";
        plan_num: i64 = "planNum";
        inode_count: u64 = "inodeCount";
        msg: String = "msg";
    }
}

record! {
    /// A replica, and where it moves.
    pub struct ReplicaBalance {
        source: String = "source";
        /// Estimated bytes.
        src_mem_size: u64 = "srcMemSize";
        src_node_set_id: NodeSetId = "srcNodeSetId";
        src_zone_name: String = "srcZoneName";
        destination: String = "destination";
        dst_id: NodeId = "dstID";
        dst_node_set_id: NodeSetId = "dstNodeSetId";
        dst_zone_name: String = "dstZoneName";
        /// As that of the plan.
        status: String = "status";
        msg: String = "msg";
    }
}

impl JsonRecord for BalancePlan {
    fn place(&self) -> Key {
        Key::BalancePlan
    }
}
