//! One line about the moves of a data partition's replicas, as v3.5.3 puts it into replies (http-partitions-nodes.md §5.12).

use super::data_partition::{decommission_type_text, restore_text, special_step_text};
use super::gotext;
use super::sight::Sight;
use crate::model::{DataPartition, PartitionKind};

/// The line. In v3.5.3 it ends in a memory address; here that is made of the id.
pub fn decommission_text(sight: &Sight<'_>, dp: &DataPartition) -> String {
    let mv = sight.state.moves.get(&(PartitionKind::Data, dp.partition_id)).filter(|mv| !mv.repaired_from.is_empty());
    let token = mv.map_or_else(String::new, |mv| format!("{}_{}", mv.repaired_from, mv.repaired_from_disk));
    let fields = [
        ("vol", dp.vol_name.clone()),
        ("dp", dp.partition_id.to_string()),
        ("replicaNum", dp.replica_num.to_string()),
        ("srcAddr", dp.decommission_src_addr.clone()),
        ("dstAddr", dp.decommission_dst_addr.clone()),
        ("dstNodeSet", dp.decommission_dst_node_set.to_string()),
        ("hosts", gotext::list(&dp.hosts)),
        ("retry", dp.decommission_retry.to_string()),
        ("isRecover", dp.is_recover.to_string()),
        ("status", dp.decommission_status.text()),
        ("specialStatus", special_step_text(dp.special_replica_decommission_step)),
        ("needRollback", dp.decommission_need_rollback.to_string()),
        ("rollbackTimes", dp.decommission_need_rollback_times.to_string()),
        ("force", dp.decommission_raft_force.to_string()),
        ("type", decommission_type_text(dp.decommission_type)),
        ("RestoreReplica", restore_text(dp.restore_replica)),
        ("errMsg", dp.decommission_error_message.clone()),
        ("discard", dp.is_discard.to_string()),
        ("term", dp.decommission_term.to_string()),
        ("weight", dp.decommission_weight.to_string()),
        ("firstHostDiskTokenKey", token),
        ("replica", gotext::list(dp.replicas.iter().map(|replica| &replica.addr))),
        ("recoverStartTime", gotext::date_time(dp.recover_start_time, sight.zone)),
        ("addr", format!("0xc{:09x}", dp.partition_id.0)),
    ];
    fields.map(|(name, value)| format!("{name}({value})")).join("_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::world::World;

    #[test]
    fn a_partition_at_rest() {
        let mut world = World::one_zone(3);
        let volume = world.volume(8);
        let dp = world.data_partition(&volume, 7);
        let text = decommission_text(&Sight::new(world.scene(), &world.reports, gotext::ZONE), &dp);
        let hosts = "10.1.1.1:17310 10.1.1.2:17310 10.1.1.3:17310";
        let wanted = format!(
            "vol(vol8)_dp(7)_replicaNum(3)_srcAddr()_dstAddr()_dstNodeSet(0)_hosts([{hosts}])_retry(0)_isRecover(false)_status(Initial)\
             _specialStatus(SpecialDecommissionInitial)_needRollback(false)_rollbackTimes(0)_force(false)_type(InitialDecommission)\
             _RestoreReplica(RestoreReplicaMetaStop)_errMsg()_discard(false)_term(0)_weight(0)_firstHostDiskTokenKey()_replica([])\
             _recoverStartTime(0001-01-01 00:00:00)_addr(0xc000000007)"
        );
        assert_eq!(text, wanted);
    }
}
