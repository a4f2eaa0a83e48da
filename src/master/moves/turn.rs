//! Changes of the records on behalf of moves: each is one transaction that holds only while the move is where it was.

use super::{Master, PartitionKey};
use crate::ids::Term;
use crate::limits;
use crate::model::{DataPartition, Ending, Key, Leftover, MetaPartition, Move, PartitionKind, PartitionStatus, PastMove, Phase, Task};
use crate::plan::moves::data::{self, Effect, Stamp};
use crate::plan::moves::{meta, Look, Turn};
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
        let peers_before = peers(&self.state(), mv);
        let made = self
            .commit(&mv.actor, |state, txn| {
                let now = txn.read::<Move>(&crate::model::Record::key(mv)).filter(|now| **now == *mv);
                let now = now.ok_or_else(|| Fault::internal(OVERTAKEN))?;
                Ok(make(state, txn, &turn, &now, &stamp))
            })
            .await;
        match made {
            Ok(effect) => {
                self.turned(mv, &turn, &effect, &peers_before);
                let is_data = mv.kind == PartitionKind::Data;
                if is_data && effect.ending.is_some() && mv.task.adds() && mv.phase != Phase::Waiting {
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
                if txn.read::<Move>(&crate::model::Record::key(&**mv)).is_some_and(|now| now == *mv) {
                    make(state, txn, turn, mv, &stamp);
                }
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
        Look { scene: moment.scene(), reports: &live.reports, mv, memory, term }.in_doubt()
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
        if mv.kind == PartitionKind::Meta {
            let reported = live.reports.meta_partition_mut(mv.partition);
            reported.replicas.iter_mut().for_each(|replica| replica.local_peers.pin(peers_before));
            if let Some(left) = &effect.left {
                reported.remove_replica(&left.addr);
            }
            let unheard = reported.replica(&mv.to.addr).is_none();
            if let (Turn::Created { .. }, Some(mp)) = (turn, self.state().meta_partitions.get(&mv.partition).filter(|_| unheard)) {
                live.reports.assume_meta_replica_created(mv.partition, &mv.to.addr, mp.start, mp.end, now);
            }
            return;
        }
        let reported = live.reports.data_partition_mut(mv.partition);
        reported.replicas.iter_mut().for_each(|replica| replica.local_peers.pin(peers_before));
        if let Some(left) = &effect.left {
            // A later one of the same node begins to count anew.
            live.moves.leftovers.remove(&(left.kind, left.partition, left.addr.clone()));
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

fn peers(state: &State, mv: &Move) -> Vec<Peer> {
    let peers = match mv.kind {
        PartitionKind::Data => state.data_partitions.get(&mv.partition).map(|dp| &dp.peers),
        PartitionKind::Meta => state.meta_partitions.get(&mv.partition).map(|mp| &mp.peers),
    };
    peers.cloned().unwrap_or_default()
}

/// Makes a change of a move within a transaction, with what it means for the partition and for leftovers.
pub(super) fn make(state: &State, txn: &mut Txn, turn: &Turn, mv: &Move, stamp: &Stamp) -> Effect {
    let mut now = mv.clone();
    let effect = match mv.kind {
        PartitionKind::Data => {
            let mut dp = txn.data_partition(mv.partition).map(|dp| DataPartition::clone(&dp));
            let wanted = state.volumes.get(&mv.volume).map_or(0, |volume| volume.dp_replica_num);
            let effect = data::take(turn, &mut now, dp.as_mut(), &Stamp { wanted, ..stamp.clone() });
            dp.into_iter().for_each(|dp| txn.put(dp));
            effect
        }
        PartitionKind::Meta => {
            let mut mp = txn.meta_partition(mv.partition).map(|mp| MetaPartition::clone(&mp));
            let effect = meta::take(turn, &mut now, mp.as_mut(), stamp);
            mp.into_iter().for_each(|mp| txn.put(mp));
            effect
        }
    };
    let key: PartitionKey = (mv.kind, mv.partition);
    if let Some(left) = &effect.left {
        txn.put(left.clone());
    }
    if let Some(addr) = &effect.settled {
        txn.delete::<Leftover>(&Key::Leftover(key.0, key.1, addr.clone()).to_string());
    }
    match effect.ending {
        None => txn.put(now),
        Some(ending) => {
            txn.delete::<Move>(&Key::Move(key.0, key.1).to_string());
            remember(state, txn, now, ending, stamp.secs);
        }
    }
    effect
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
        match (self.kind, self.task) {
            (_, Task::Add) | (PartitionKind::Meta, Task::Replace) => self.phase == Phase::Repairing,
            _ => false,
        }
    }
}
