//! Changes of the records on behalf of moves: each is one transaction that holds only while the move is where it was.

use super::{Master, PartitionKey};
use crate::ids::Term;
use crate::limits;
use crate::model::{DataPartition, Ending, Key, Leftover, Move, PartitionStatus, PastMove, Phase, Task};
use crate::plan::moves::data::{self, Effect, Stamp, View};
use crate::plan::moves::Turn;
use crate::state::{State, Txn};
use crate::view::gotext;
use crate::wire::peer::Peer;
use crate::wire::reply::Fault;
use std::sync::Arc;

/// The move is not where it was when the change was decided.
const OVERTAKEN: &str = "the move has gone on meanwhile";

impl Master {
    /// The time and term of a change.
    pub(super) fn stamp(&self, term: Term, in_doubt: bool, wanted: u8) -> Stamp {
        let secs = self.env.wall().secs();
        Stamp { secs, text: gotext::date_time(secs, gotext::ZONE), term, in_doubt, wanted }
    }

    /// Makes a change of a move and its partition. False: it could not be committed.
    pub(super) async fn turn(&self, mv: &Move, turn: Turn, term: Term) -> bool {
        let stamp = self.stamp(term, self.is_in_doubt(mv, term), 0);
        let peers_before = self.state().data_partitions.get(&mv.partition).map(|dp| dp.peers.clone()).unwrap_or_default();
        let made = self
            .commit(&mv.actor, |state, txn| {
                let now = txn.read::<Move>(&crate::model::Record::key(mv)).filter(|now| **now == *mv);
                let mut now = Move::clone(&*now.ok_or_else(|| Fault::internal(OVERTAKEN))?);
                let mut dp = txn.data_partition(mv.partition).map(|dp| DataPartition::clone(&dp));
                let wanted = state.volumes.get(&mv.volume).map_or(0, |volume| volume.dp_replica_num);
                let stamp = Stamp { wanted, ..stamp.clone() };
                let effect = data::take(&turn, &mut now, dp.as_mut(), &stamp);
                write(state, txn, now, dp, &effect, stamp.secs);
                Ok(effect)
            })
            .await;
        match made {
            Ok(effect) => {
                self.turned(mv, &turn, &effect, &peers_before);
                if effect.ending.is_some() && mv.task.adds() && mv.phase != Phase::Waiting {
                    self.end_repairing(mv.partition).await;
                }
                true
            }
            Err(why) => {
                tracing::info!(partition = mv.partition.0, phase = ?mv.phase, %why, "a step of a move is not recorded");
                false
            }
        }
    }

    /// Makes changes of several moves that have not begun, in one transaction. Those that have gone on meanwhile are left out.
    pub(super) async fn turn_together(&self, turns: &[(Arc<Move>, Turn)], term: Term) -> Result<(), Fault> {
        let stamp = self.stamp(term, false, 0);
        self.commit("begin moves", |state, txn| {
            for (mv, turn) in turns {
                let Some(now) = txn.read::<Move>(&crate::model::Record::key(&**mv)).filter(|now| *now == *mv) else { continue };
                let mut now = Move::clone(&now);
                let mut dp = txn.data_partition(mv.partition).map(|dp| DataPartition::clone(&dp));
                let effect = data::take(turn, &mut now, dp.as_mut(), &stamp);
                write(state, txn, now, dp, &effect, stamp.secs);
            }
            Ok(())
        })
        .await
    }

    fn is_in_doubt(&self, mv: &Move, term: Term) -> bool {
        let moment = self.moment();
        let mut live = self.live();
        let live = &mut *live;
        let memory = &live.moves.course(mv).memory;
        let dp = moment.state.data_partitions.get(&mv.partition).map(|dp| &**dp);
        View { scene: moment.scene(), reports: &live.reports, mv, dp, memory, term }.in_doubt()
    }

    /// What a change means for what this leader knows.
    fn turned(&self, mv: &Move, turn: &Turn, effect: &Effect, peers_before: &[Peer]) {
        tracing::info!(partition = mv.partition.0, number = mv.number, phase = ?mv.phase, ?turn, "a move went on");
        let now = self.env.now().0;
        let mut live = self.live();
        live.moves.full_until = None;
        if let Some(course) = live.moves.moves.get_mut(&(mv.kind, mv.partition)) {
            course.memory = Default::default();
        }
        let reported = live.reports.data_partition_mut(mv.partition);
        reported.replicas.iter_mut().for_each(|replica| replica.local_peers.pin(peers_before));
        if let Some(left) = &effect.left {
            live.reports.data_partition_mut(mv.partition).remove_replica(&left.addr);
        }
        if let Turn::Created { disk } = turn {
            live.reports.assume_data_replica_created(mv.partition, &mv.to.addr, disk, now);
            if let Some(replica) = live.reports.data_partition_mut(mv.partition).replica_mut(&mv.to.addr) {
                replica.status = PartitionStatus::RECOVERING;
            }
        }
    }

    /// A leftover is none any more. False: that could not be committed.
    pub(super) async fn settle_leftover(&self, left: &Leftover) -> bool {
        let key = crate::model::Record::key(left);
        let settled = self
            .commit("settle leftover", |_, txn| {
                if txn.read::<Leftover>(&key).is_some_and(|now| *now == *left) {
                    txn.delete::<Leftover>(&key);
                }
                Ok(())
            })
            .await;
        settled.is_ok()
    }
}

/// Writes a move and its partition after a change.
pub(super) fn write(state: &State, txn: &mut Txn, mv: Move, dp: Option<DataPartition>, effect: &Effect, wall_secs: i64) {
    let key: PartitionKey = (mv.kind, mv.partition);
    if let Some(dp) = dp {
        txn.put(dp);
    }
    if let Some(left) = &effect.left {
        txn.put(left.clone());
    }
    if let Some(addr) = &effect.settled {
        txn.delete::<Leftover>(&Key::Leftover(key.0, key.1, addr.clone()).to_string());
    }
    match effect.ending {
        None => txn.put(mv),
        Some(ending) => {
            txn.delete::<Move>(&Key::Move(key.0, key.1).to_string());
            remember(state, txn, mv, ending, wall_secs);
        }
    }
}

/// Keeps a move that has ended, and forgets the oldest.
fn remember(state: &State, txn: &mut Txn, last: Move, ending: Ending, wall_secs: i64) {
    if state.past_moves.len() >= limits::MOVES_REMEMBERED {
        if let Some((oldest, _)) = state.past_moves.get_min() {
            txn.delete::<PastMove>(&Key::PastMove(*oldest).to_string());
        }
    }
    let (number, kind, partition) = (last.number, last.kind.text().to_owned(), last.partition);
    txn.put(PastMove { number, kind, partition, ending, ended: wall_secs, last, ..PastMove::default() });
}

impl Move {
    /// The replica that a request for it is answered for is there, or gone.
    pub(super) fn has_answered(&self) -> bool {
        match self.task {
            Task::Add => self.phase == Phase::Repairing,
            _ => false,
        }
    }
}
