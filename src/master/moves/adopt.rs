//! Decommissions in records that a v3.5.3 master wrote: they have no move yet, and get one when a reign begins.

use super::replicas::{asked, start};
use crate::ids::Term;
use crate::limits;
use crate::master::Master;
use crate::model::{DataPartition, DecommissionStatus, DecommissionType, Move, PartitionKind, Phase, RestoreReplica, Task};
use crate::state::State;
use crate::wire::peer::Peer;

/// What a record without a move is owed.
enum Adopted {
    /// It goes on as this move.
    Move(Box<Move>),
    /// It is over, and only the fields are left.
    Over,
}

impl Master {
    /// Gives every decommission under way a move.
    pub(super) async fn adopt_decommissions(&self, term: Term) {
        let state = self.state();
        let wall = self.env.wall().secs();
        let orphans: Vec<_> = state.data_partitions_marked().filter(|dp| adopt(&state, dp, wall, term).is_some()).cloned().collect();
        for batch in orphans.chunks(limits::RECORDS_PER_COMMIT_MAX / 2) {
            let done = self
                .commit("adopt decommissions", |state, txn| {
                    for dp in batch {
                        let Some(dp) = txn.data_partition(dp.partition_id) else { continue };
                        let mut changed = DataPartition::clone(&dp);
                        match adopt(state, &dp, wall, term) {
                            Some(Adopted::Move(mv)) => {
                                if mv.phase == Phase::Waiting && changed.decommission_status != DecommissionStatus::PAUSE {
                                    changed.decommission_status = DecommissionStatus::MARKED;
                                }
                                changed.restore_replica = RestoreReplica::FORBIDDEN;
                                if start(txn, *mv).is_ok() {
                                    txn.put(changed);
                                }
                            }
                            Some(Adopted::Over) => {
                                changed.reset_decommission();
                                changed.restore_replica = RestoreReplica::STOP;
                                txn.put(changed);
                            }
                            None => {}
                        }
                    }
                    Ok(())
                })
                .await;
            if let Err(why) = done {
                return tracing::warn!(%why, "decommissions of an earlier master wait for the next reign");
            }
        }
    }
}

fn adopt(state: &State, dp: &DataPartition, wall: i64, term: Term) -> Option<Adopted> {
    if state.moves.contains_key(&(PartitionKind::Data, dp.partition_id)) {
        return None;
    }
    let status = dp.decommission_status;
    let under_way = [DecommissionStatus::MARKED, DecommissionStatus::PREPARE, DecommissionStatus::RUNNING, DecommissionStatus::PAUSE];
    let rolls_back = status == DecommissionStatus::FAIL && dp.decommission_need_rollback;
    if status == DecommissionStatus::SUCCESS {
        return Some(Adopted::Over);
    }
    if !under_way.contains(&status) && !rolls_back {
        return None;
    }
    let node = |addr: &str| state.data_node_by_addr(addr);
    let to = node(&dp.decommission_dst_addr).map_or_else(Peer::default, |node| node.peer());
    let has_target = !to.addr.is_empty() && dp.has_host(&to.addr);
    // Nothing leaves the node that v3.5.3 names as the source of a replica that it adds by itself.
    let adds = [DecommissionType::MANUAL_ADD_REPLICA, DecommissionType::AUTO_ADD_REPLICA].contains(&dp.decommission_type);
    if adds && !has_target {
        return Some(Adopted::Over);
    }
    let task = match dp.has_special_replica_num() && !dp.decommission_raft_force {
        _ if adds => Task::Add,
        true => Task::Relay,
        false => Task::Replace,
    };
    let phase = match has_target {
        true if rolls_back => Phase::Retracting,
        true => Phase::Repairing,
        false => Phase::Waiting,
    };
    let from = if adds { String::new() } else { dp.decommission_src_addr.clone() };
    Some(Adopted::Move(Box::new(Move {
        task,
        phase,
        from_id: node(&from).map(|node| node.id).unwrap_or_default(),
        from,
        to_given: dp.decommission_dst_addr_specify,
        to,
        to_set: dp.decommission_dst_node_set,
        raft_force: dp.decommission_raft_force,
        weight: dp.decommission_weight,
        why: "found in the record of another master".into(),
        doubtful: true,
        ..asked(dp, "adopted", wall, term)
    })))
}
