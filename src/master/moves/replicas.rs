//! Adding a replica and deleting one on request (v3.5.3 http-partitions-nodes.md §4).
//!
//! The request starts a move and waits for it. Where it cannot wait any longer, or where this master stops leading, the move is finished or
//! undone all the same: the records say how far it is.

use super::PartitionKey;
use crate::ids::{PartitionId, Term};
use crate::limits;
use crate::master::Master;
use crate::model::{Counter, DataPartition, Ending, Key, Move, PartitionKind, Phase, RestoreReplica, StepTaken, Task};
use crate::plan::moves::{allowed, Answer, ASK_AGAIN_AFTER};
use crate::plan::scene::Scene;
use crate::state::{State, Txn};
use crate::wire::reply::{fault, Fault};
use std::time::Duration;

/// How a replica is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deletion {
    /// The raft group may be changed without its leader.
    pub raft_force: bool,
    /// Even where too few replicas are left, but never the last healthy one.
    pub force: bool,
}

impl Master {
    /// Adds a replica of a data partition on a node. Returns when the replica is created; it catches up after that (§4.1).
    ///
    /// # Errors
    /// The node cannot take it; another move of the partition is under way; the raft group or the node refused, and nothing is left of it;
    /// or the outcome is not known, and it is undone or finished later.
    pub async fn add_data_replica(&self, actor: &str, id: PartitionId, addr: &str) -> Result<(), Fault> {
        self.join(actor, id, addr, "").await
    }

    /// Brings a replica back from what its node kept of it (§4.4). Returns the disk.
    ///
    /// # Errors
    /// The node reports no backup; otherwise as [`Master::add_data_replica`].
    pub async fn restore_data_replica(&self, actor: &str, id: PartitionId, addr: &str) -> Result<String, Fault> {
        let disk = {
            let live = self.live();
            let backups = live.reports.data_node(addr).map(|node| &node.backup_partitions);
            let backup = backups.and_then(|list| list.iter().find(|backup| backup.partition_id == id));
            backup.map(|backup| backup.disk.clone())
        };
        let disk = disk.ok_or_else(|| Fault::internal(format!("cannot find backup info for dp ({id}) on datanode ({addr})")))?;
        if !self.state().data_partitions.get(&id).is_some_and(|dp| dp.has_host(addr)) {
            self.join(actor, id, addr, &disk).await?;
            return Ok(disk);
        }
        // A host that lost its replica is a member of the raft group already.
        let term = self.ready_term().ok_or(fault::NO_LEADER)?;
        if is_moving(&self.state(), id) || !self.still_leads(term).await {
            return Err(Fault::internal("set RestoreReplicaMetaForbidden failed"));
        }
        match self.restore_replica(addr, id, &disk).await {
            Answer::Done(_) => Ok(disk),
            Answer::No(why) | Answer::Unknown(why) => Err(why),
        }
    }

    /// Adds a replica that is created, or restored from a backup on a disk.
    async fn join(&self, actor: &str, id: PartitionId, addr: &str, backup_disk: &str) -> Result<(), Fault> {
        let term = self.ready_term().ok_or(fault::NO_LEADER)?;
        let taken = || Fault::internal("set RestoreReplicaMetaForbidden failed");
        let free = |state: &State| {
            let unmarked = state.data_partitions.get(&id).is_none_or(|dp| dp.restore_replica == RestoreReplica::STOP);
            unmarked && !is_moving(state, id)
        };
        self.wait_for_turn(limits::MOVE_TURN_TIMEOUT, free).await.map_err(|_| taken())?;
        let key = Key::Leftover(PartitionKind::Data, id, addr.to_owned()).to_string();
        let wall = self.env.wall().secs();
        let number = self
            .commit(actor, |state, txn| {
                let dp = txn.data_partition(id).ok_or(fault::DATA_PARTITION_NOT_EXISTS)?;
                let rules = self.rules_of(state);
                allowed::may_gain(&self.scene(state, &rules), &dp, addr)?;
                if dp.has_host(addr) {
                    return Ok(None);
                }
                if dp.restore_replica != RestoreReplica::STOP {
                    return Err(taken());
                }
                txn.expect_absent(&key);
                let node = txn.data_node_by_addr(addr).ok_or(fault::DATA_NODE_NOT_EXISTS)?;
                let mv = Move {
                    task: Task::Add,
                    phase: Phase::Joining,
                    to: node.peer(),
                    to_given: true,
                    backup_disk: backup_disk.to_owned(),
                    ..asked(&dp, actor, wall, term)
                };
                txn.put(DataPartition { restore_replica: RestoreReplica::FORBIDDEN, ..(*dp).clone() });
                start(txn, mv).map(Some).map_err(|_| taken())
            })
            .await?;
        match number {
            Some(number) => self.wait_for_move((PartitionKind::Data, id), number, term).await,
            None => Ok(()),
        }
    }

    /// Deletes the replica of a data partition on a node (§4.2). A node that is down is told when it is back.
    ///
    /// # Errors
    /// It is the last healthy replica, or too few would be left; another move of the partition is under way; the raft group refused, and
    /// nothing was changed; or the outcome is not known, and the replica goes later.
    pub async fn delete_data_replica(&self, actor: &str, id: PartitionId, addr: &str, how: Deletion) -> Result<(), Fault> {
        let term = self.ready_term().ok_or(fault::NO_LEADER)?;
        let performing = || Fault::internal("one replica is performing decommission");
        self.wait_for_turn(limits::MOVE_TURN_TIMEOUT, |state| !is_moving(state, id)).await.map_err(|_| performing())?;
        let wall = self.env.wall().secs();
        let number = self
            .commit(actor, |state, txn| {
                let dp = txn.data_partition(id).ok_or(fault::DATA_PARTITION_NOT_EXISTS)?;
                let rules = self.rules_of(state);
                self.check_deletion(&self.scene(state, &rules), &dp, addr, how)?;
                let node = txn.data_node_by_addr(addr);
                let node = node.ok_or_else(|| Fault::internal(format!("{addr} not found :: data node[{addr}] not found")))?;
                if dp.partition_type != 0 {
                    return Err(Fault::internal(format!("[{id}] is not normal dp, not support add or delete replica")));
                }
                let peer = dp.peers.iter().find(|peer| peer.addr == addr);
                let from_id = peer.map_or(node.id, |peer| peer.id);
                let mv = Move {
                    task: Task::Remove,
                    phase: Phase::Leaving,
                    from: addr.to_owned(),
                    from_id,
                    raft_force: how.raft_force,
                    ..asked(&dp, actor, wall, term)
                };
                txn.put(DataPartition { offline_peer_id: from_id.0, ..(*dp).clone() });
                start(txn, mv).map_err(|_| performing())
            })
            .await?;
        self.wait_for_move((PartitionKind::Data, id), number, term).await
    }

    fn check_deletion(&self, scene: &Scene<'_>, dp: &DataPartition, addr: &str, how: Deletion) -> Result<(), Fault> {
        let live = self.live();
        if !how.force && !how.raft_force {
            allowed::may_lose(scene, &live.reports, dp, addr, false)?;
        }
        allowed::somebody_is_left(scene, &live.reports, dp, addr)
    }

    /// Waits until the partition is free for a move.
    pub(super) async fn wait_for_turn(&self, timeout: Duration, free: impl Fn(&State) -> bool) -> Result<(), ()> {
        let deadline = self.env.now() + timeout;
        let mut changed = self.moves.changed.subscribe();
        loop {
            if free(&self.state()) {
                return Ok(());
            }
            if self.env.now() >= deadline {
                return Err(());
            }
            // A reset frees it too, and is no change of a move.
            let _ = self.env.until((self.env.now() + limits::MOVES_LOOK_INTERVAL).min(deadline), changed.changed()).await;
        }
    }

    /// Waits until a move has brought about what was asked for.
    pub(super) async fn wait_for_move(&self, key: PartitionKey, number: u64, term: Term) -> Result<(), Fault> {
        let deadline = self.env.now() + limits::MOVE_REPLY_TIMEOUT;
        let mut changed = self.moves.changed.subscribe();
        self.moves.wake();
        let mut last = Fault::internal("the move of the replica is still under way");
        loop {
            let state = self.state();
            match state.moves.get(&key).filter(|mv| mv.number == number) {
                Some(mv) if mv.has_answered() => return Ok(()),
                // It goes on without this request, towards another node.
                Some(mv) if mv.kind == PartitionKind::Meta && mv.phase == Phase::Waiting => return Err(Fault::internal(mv.error.clone())),
                Some(mv) => {
                    let known = self.live().moves.fault(mv);
                    last = known.clone().unwrap_or(last);
                    // In doubt: it goes on without this request.
                    if mv.phase == Phase::Leaving && known.is_some() {
                        return Err(last);
                    }
                }
                None => return ended(&state, number).unwrap_or(Err(last)),
            }
            if self.ready_term() != Some(term) {
                return Err(Fault::internal(format!("the leader has changed: {last}")));
            }
            // Leadership may end without a change of any move.
            let look = (self.env.now() + ASK_AGAIN_AFTER).min(deadline);
            let _ = self.env.until(look, changed.changed()).await;
            if self.env.now() >= deadline {
                return Err(last);
            }
        }
    }
}

/// How a move ended, as far as it is remembered.
fn ended(state: &State, number: u64) -> Option<Result<(), Fault>> {
    let past = state.past_moves.get(&number)?;
    Some(match past.ending {
        Ending::Done => Ok(()),
        Ending::PartitionGone if past.last.kind == PartitionKind::Meta => Err(fault::META_PARTITION_NOT_EXISTS),
        Ending::PartitionGone => Err(fault::DATA_PARTITION_NOT_EXISTS),
        Ending::Failed | Ending::Cancelled if past.last.error == fault::NO_LEADER.msg => Err(fault::NO_LEADER),
        Ending::Cancelled if past.last.error.is_empty() => Err(Fault::internal("the move was cancelled")),
        Ending::Failed | Ending::Cancelled => Err(Fault::internal(past.last.error.clone())),
    })
}

/// Is a replica of the data partition being moved?
pub(super) fn is_moving(state: &State, id: PartitionId) -> bool {
    state.moves.contains_key(&(PartitionKind::Data, id))
}

/// A move of a replica of a data partition that was asked for now.
pub(super) fn asked(dp: &DataPartition, actor: &str, wall: i64, term: Term) -> Move {
    Move { kind: PartitionKind::Data, partition: dp.partition_id, volume: dp.vol_id, ..asked_now(actor, wall, term) }
}

/// What every move has that was asked for now, whatever it is to move.
pub(super) fn asked_now(actor: &str, wall: i64, term: Term) -> Move {
    Move {
        actor: actor.to_owned(),
        asked: wall,
        since: wall,
        term,
        steps: vec![StepTaken { step: "asked for".into(), at: wall, error: String::new() }],
        ..Move::default()
    }
}

/// Puts a move under way, with the next number.
///
/// # Errors
/// The partition has one.
pub(super) fn start(txn: &mut Txn, mv: Move) -> Result<u64, ()> {
    let key = crate::model::Record::key(&mv);
    if txn.read::<Move>(&key).is_some() {
        return Err(());
    }
    let number = txn.alloc(Counter::Move);
    txn.put(Move { number, ..mv });
    Ok(number)
}
