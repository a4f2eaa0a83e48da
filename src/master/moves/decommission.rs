//! Taking replicas of data partitions out of service on request (v3.5.3 http-partitions-nodes.md §5).

use super::replicas::start;
use super::turn::make;
use super::PartitionKey;
use crate::ids::{PartitionId, Term};
use crate::limits;
use crate::master::Master;
use crate::model::{DataPartition, DecommissionStatus, Ending, Key, Move, PartitionKind, Phase, RestoreReplica};
use crate::plan::moves::mark::{self, Verdict, Wish};
use crate::plan::moves::Turn;
use crate::state::{State, Txn};
use crate::wire::opcode::Opcode;
use crate::wire::reply::{fault, Fault};
use crate::wire::request::StopDataPartitionRepairRequest;
use crate::wire::task::Subject;

/// What came of a mark.
#[derive(Clone, Debug, PartialEq)]
pub enum Marked {
    /// It is queued; the text is v3.5.3's answer where that is an error all the same.
    Queued(Option<Fault>),
    /// It goes on after a pause: this node has to repair again.
    Resumed {
        repairs_on: Option<String>,
    },
    /// Another move is under way.
    Performing {
        same_source: bool,
        why: Fault,
    },
    Refused(Fault),
}

impl Master {
    /// Marks one replica to be moved.
    ///
    /// # Errors
    /// It is none, it is being moved, nothing could be committed. One error comes although it is queued: another replica goes first.
    pub async fn decommission_data_replica(&self, id: PartitionId, wish: &Wish) -> Result<(), Fault> {
        let term = self.ready_term().ok_or(fault::NO_LEADER)?;
        let marked = self
            .commit(&wish.actor, |state, txn| {
                txn.data_partition(id).ok_or(fault::DATA_PARTITION_NOT_EXISTS)?;
                Ok(self.mark_in(state, txn, id, wish, term))
            })
            .await?;
        self.moves.tell();
        match marked {
            Marked::Queued(None) => Ok(()),
            Marked::Queued(Some(why)) | Marked::Performing { why, .. } | Marked::Refused(why) => Err(why),
            Marked::Resumed { repairs_on } => self.resume_repair(id, repairs_on).await,
        }
    }

    /// Marks a replica within a transaction.
    pub(super) fn mark_in(&self, state: &State, txn: &mut Txn, id: PartitionId, wish: &Wish, term: Term) -> Marked {
        let Some(dp) = txn.data_partition(id) else { return Marked::Refused(fault::DATA_PARTITION_NOT_EXISTS) };
        let under_way = txn.read::<Move>(&Key::Move(PartitionKind::Data, id).to_string());
        let rules = self.rules_of(state);
        let scene = self.scene(state, &rules);
        let verdict = mark::judge(&scene, &self.live().reports, &dp, under_way.as_deref(), wish);
        match verdict {
            Verdict::Refuse(why) => Marked::Refused(why),
            Verdict::Performing { heavier, same_source, why } => {
                if let Some((weight, mv)) = heavier.zip(under_way) {
                    txn.put(Move { weight, ..Move::clone(&mv) });
                    txn.put(DataPartition { decommission_weight: weight, ..DataPartition::clone(&dp) });
                }
                Marked::Performing { same_source, why }
            }
            Verdict::Resume => {
                let mut repairs_on = None;
                if let Some(mv) = under_way {
                    let repairing = mv.phase == Phase::Repairing;
                    repairs_on = repairing.then(|| mv.to.addr.clone());
                    let status = if repairing { DecommissionStatus::RUNNING } else { DecommissionStatus::MARKED };
                    let changed = DataPartition {
                        decommission_status: status,
                        decommission_retry: 0,
                        decommission_term: wish.term,
                        decommission_weight: wish.weight,
                        decommission_type: wish.kind,
                        restore_replica: RestoreReplica::FORBIDDEN,
                        ..DataPartition::clone(&dp)
                    };
                    txn.put(changed);
                    txn.put(Move { weight: wish.weight, ..Move::clone(&mv) });
                }
                Marked::Resumed { repairs_on }
            }
            Verdict::Mark { from, raft_force, weight, carried } => {
                let mut dp = DataPartition::clone(&dp);
                let stamp = self.stamp(term, false, 0);
                let mv = mark::mark(&scene, &mut dp, wish, &from, raft_force, weight, &stamp);
                match start(txn, mv) {
                    Ok(_) => txn.put(dp),
                    Err(()) => return Marked::Performing { same_source: false, why: Fault::internal(mark::PERFORMING) },
                }
                Marked::Queued(carried)
            }
        }
    }

    pub(super) async fn resume_repair(&self, id: PartitionId, on: Option<String>) -> Result<(), Fault> {
        match on {
            Some(on) => self
                .stop_repair(id, &on, false)
                .await
                .map_err(|_| Fault::internal(format!("action[MarkDecommissionStatus] dp [{id}] recover from stop failed"))),
            None => Ok(()),
        }
    }

    /// Has the node of a new replica stop its repair, or go on with it (v3.5.3: six tries, a second apart).
    async fn stop_repair(&self, id: PartitionId, on: &str, stop: bool) -> Result<(), Fault> {
        let mut last = fault::NO_LEADER;
        for _ in 0..limits::STOP_REPAIR_TRIES {
            let request = StopDataPartitionRepairRequest { partition_id: id, stop };
            match self.call(on, Opcode::STOP_DATA_PARTITION_REPAIR, Subject::DataPartition(id), request).await {
                Ok(_) => return Ok(()),
                Err(why) => last = why.into(),
            }
            self.env.sleep(limits::MOVES_REST).await;
        }
        Err(last)
    }

    /// Pauses the move of a partition. What has not begun waits; a repair stops.
    ///
    /// # Errors
    /// It is in a step that has to end first, or the node does not stop.
    pub(super) async fn pause_move(&self, actor: &str, id: PartitionId) -> Result<(), Fault> {
        let state = self.state();
        let Some(mv) = state.moves.get(&(PartitionKind::Data, id)).filter(|mv| mv.task.is_decommission()) else { return Ok(()) };
        match mv.phase {
            Phase::Waiting => {}
            Phase::Repairing => self.stop_repair(id, &mv.to.addr, true).await?,
            _ => return Err(Fault::internal("a step of the move is under way")),
        }
        self.commit(actor, |_, txn| {
            let now = txn.read::<Move>(&Key::Move(PartitionKind::Data, id).to_string());
            if let (Some(now), Some(dp)) = (now, txn.data_partition(id)) {
                if now.phase == mv.phase {
                    let restore_replica = RestoreReplica::STOP;
                    let status = DecommissionStatus::PAUSE;
                    txn.put(DataPartition { decommission_status: status, restore_replica, is_recover: false, ..DataPartition::clone(&dp) });
                }
            }
            Ok(())
        })
        .await
    }

    /// Ends moves of data partitions: at once what has not begun; the rest is taken back, or finished where the source is gone already.
    ///
    /// # Errors
    /// Nothing could be committed.
    pub async fn cancel_moves(&self, actor: &str, ids: &[PartitionId]) -> Result<(), Fault> {
        let keys: Vec<PartitionKey> = ids.iter().map(|id| (PartitionKind::Data, *id)).collect();
        self.cancel_moves_of(actor, &keys).await
    }

    /// As [`Master::cancel_moves`], of either kind.
    ///
    /// # Errors
    /// Nothing could be committed.
    pub async fn cancel_moves_of(&self, actor: &str, keys: &[PartitionKey]) -> Result<(), Fault> {
        let term = self.ready_term().ok_or(fault::NO_LEADER)?;
        for keys in keys.chunks(limits::RECORDS_PER_COMMIT_MAX) {
            self.commit(actor, |state, txn| {
                for key in keys {
                    self.cancel_in(state, txn, *key, term);
                }
                Ok(())
            })
            .await?;
        }
        self.moves.tell();
        Ok(())
    }

    /// Ends a move within a transaction.
    pub(super) fn cancel_in(&self, state: &State, txn: &mut Txn, (kind, id): PartitionKey, term: Term) {
        let Some(mv) = txn.read::<Move>(&Key::Move(kind, id).to_string()) else { return };
        let exists = match kind {
            PartitionKind::Data => txn.data_partition(id).is_some(),
            PartitionKind::Meta => txn.meta_partition(id).is_some(),
        };
        if mv.phase == Phase::Waiting && exists {
            let turn = Turn::Finish { ending: Ending::Cancelled, why: None, settled: false };
            make(state, txn, &turn, &mv, &self.stamp(term, false, 0));
        } else if !mv.cancelled {
            txn.put(Move { cancelled: true, ..Move::clone(&mv) });
        }
    }

    /// Forgets where the decommission of a partition stands, and ends its move (§5.11).
    ///
    /// # Errors
    /// The partition is unknown, or nothing could be committed.
    pub async fn reset_decommission(&self, actor: &str, id: PartitionId) -> Result<(), Fault> {
        let term = self.ready_term().ok_or(fault::NO_LEADER)?;
        self.commit(actor, |state, txn| {
            txn.data_partition(id).ok_or(fault::DATA_PARTITION_NOT_EXISTS)?;
            self.cancel_in(state, txn, (PartitionKind::Data, id), term);
            let key = Key::Move(PartitionKind::Data, id).to_string();
            if txn.read::<Move>(&key).is_none() {
                if let Some(dp) = txn.data_partition(id) {
                    let mut dp = DataPartition::clone(&dp);
                    dp.reset_decommission();
                    dp.restore_replica = RestoreReplica::STOP;
                    txn.put(dp);
                }
            }
            Ok(())
        })
        .await?;
        self.moves.tell();
        Ok(())
    }
}
