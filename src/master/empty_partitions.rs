//! Freezing empty meta partitions and cleaning frozen ones (v3.5.3 http-partitions-nodes.md §8).
//!
//! What is frozen stands in the partitions' records; tasks are memory. A reign that finds partitions that are to be frozen goes on with
//! them. Other than in v3.5.3 a partition goes only when each replica has confirmed that it is backed up, and a node that is down deletes its
//! replica when it is back.

use super::Master;
use crate::env::Mono;
use crate::ids::{PartitionId, Term, VolumeId};
use crate::limits;
use crate::model::{Freeze, Leftover, MetaPartition, PartitionKind, PartitionStatus};
use crate::nodes::CallError;
use crate::plan::empty_partitions::{judge, to_freeze, Frozen};
use crate::plan::meta_partition::leader;
use crate::view::meta_partition::CleanTask;
use crate::wire::opcode::Opcode;
use crate::wire::reply::Fault;
use crate::wire::request::{FreezeMetaPartitionRequest, MetaPartitionRequest};
use crate::wire::task::Subject;
use futures::future::join_all;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Tasks by the name of their volume.
pub type Cleanings = BTreeMap<String, Cleaning>;

/// What is being done with the empty partitions of a volume.
#[derive(Clone, Debug)]
pub struct Cleaning {
    volume: VolumeId,
    stage: Stage,
    /// Somebody works on it.
    busy: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Clients have time to notice that the partitions are read-only.
    Freezing {
        due: Mono,
    },
    FreezeDone {
        at: Mono,
    },
    BackingUp,
    BackupDone {
        at: Mono,
    },
}

impl Stage {
    fn text(self) -> &'static str {
        match self {
            Stage::Freezing { .. } => "freezing",
            Stage::FreezeDone { .. } => "freezeDone",
            Stage::BackingUp => "backuping",
            Stage::BackupDone { .. } => "backupDone",
        }
    }

    fn ended(self) -> Option<Mono> {
        match self {
            Stage::FreezeDone { at } | Stage::BackupDone { at } => Some(at),
            Stage::Freezing { .. } | Stage::BackingUp => None,
        }
    }
}

/// What came of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Settled,
    Again,
}

impl Master {
    /// Marks empty meta partitions of a volume to be frozen ten minutes later; `keep` stay as they are.
    ///
    /// # Errors
    /// There are too few, a task of the volume is under way, or nothing could be committed.
    pub async fn freeze_empty(&self, actor: &str, (volume, name): (VolumeId, &str), keep: usize) -> Result<(), Fault> {
        let moment = self.moment();
        let ids = to_freeze(&moment.scene(), &self.live().reports, volume, keep)?;
        self.no_task_runs(name)?;
        self.commit(actor, |_, txn| {
            for id in &ids {
                if let Some(mp) = txn.meta_partition(*id).filter(|mp| mp.freeze == Freeze::NONE) {
                    let status = if mp.status == PartitionStatus::READ_WRITE { PartitionStatus::READ_ONLY } else { mp.status };
                    txn.put(MetaPartition { freeze: Freeze::FREEZING, status, ..MetaPartition::clone(&mp) });
                }
            }
            Ok(())
        })
        .await?;
        let due = self.env.now() + limits::FREEZE_AFTER;
        self.live().cleanings.insert(name.to_owned(), Cleaning { volume, stage: Stage::Freezing { due }, busy: false });
        Ok(())
    }

    /// Begins to clean the frozen meta partitions of a volume.
    ///
    /// # Errors
    /// A task of the volume is under way.
    pub fn clean_empty(self: &Arc<Self>, (volume, name): (VolumeId, &str)) -> Result<(), Fault> {
        self.no_task_runs(name)?;
        self.live().cleanings.insert(name.to_owned(), Cleaning { volume, stage: Stage::BackingUp, busy: false });
        if let Some(term) = self.ready_term() {
            let (master, name) = (self.clone(), name.to_owned());
            drop(self.env.spawn("clean meta partitions", async move { master.work_on_cleaning(&name, term).await }));
        }
        Ok(())
    }

    fn no_task_runs(&self, name: &str) -> Result<(), Fault> {
        match self.live().cleanings.get(name).filter(|task| task.stage.ended().is_none()) {
            Some(task) => Err(Fault::internal(format!("The clean task for volume({name}) is {}", task.stage.text()))),
            None => Ok(()),
        }
    }

    /// The task of a volume.
    ///
    /// # Errors
    /// There is none, or the volume is gone.
    pub fn clean_task(&self, name: &str) -> Result<CleanTask, Fault> {
        let state = self.state();
        let live = self.live();
        let task = live.cleanings.get(name).ok_or_else(|| Fault::param(format!("Can't find task for volume({name})")))?;
        let volume = state.volume_by_name(name).ok_or_else(|| Fault::internal("vol not exists"))?;
        if volume.is_deleted() {
            return Err(Fault::internal(format!("volume({name}) is deleted before cleaned empty meta partitions.")));
        }
        Ok(CleanTask::of(&state, volume, task.stage.text()))
    }

    /// The tasks of all volumes that are there.
    pub fn clean_tasks(&self) -> Vec<CleanTask> {
        let names: Vec<String> = self.live().cleanings.keys().cloned().collect();
        names.iter().filter_map(|name| self.clean_task(name).ok()).collect()
    }

    /// Has every meta node drop its backups of cleaned partitions. Failures are ignored.
    pub async fn remove_backups(&self) {
        let state = self.state();
        let asks = state.meta_nodes.values().map(|node| async move {
            if let Err(why) = self.call(&node.addr, Opcode::REMOVE_BACKUP_META_PARTITION, Subject::Node, ()).await {
                tracing::info!(node = node.addr.as_str(), %why, "keeps its backups");
            }
        });
        join_all(asks).await;
    }

    /// One round over the tasks. Partitions that an earlier leader was about to freeze get one.
    pub(super) async fn clean_round(&self, term: Term) {
        let state = self.state();
        let due = self.env.now() + limits::FREEZE_AFTER;
        let names: Vec<String> = {
            let mut live = self.live();
            let now = self.env.now();
            live.cleanings.retain(|_, task| task.stage.ended().is_none_or(|at| now < at + limits::CLEAN_TASK_KEPT));
            let freezing = state.meta_partitions.values().filter(|mp| mp.freeze == Freeze::FREEZING);
            for mp in freezing {
                let Some(volume) = state.volumes.get(&mp.vol_id).filter(|volume| !volume.is_deleted()) else { continue };
                let task = live.cleanings.get(&volume.name).filter(|task| task.volume == volume.id && task.stage.ended().is_none());
                if task.is_none() {
                    live.cleanings.insert(volume.name.clone(), Cleaning { volume: volume.id, stage: Stage::Freezing { due }, busy: false });
                }
            }
            live.cleanings.keys().cloned().collect()
        };
        for name in names {
            self.work_on_cleaning(&name, term).await;
        }
    }

    /// Does what is due of a task, unless somebody does.
    async fn work_on_cleaning(&self, name: &str, term: Term) {
        let task = {
            let mut live = self.live();
            let now = self.env.now();
            let is_due = |stage: Stage| match stage {
                Stage::Freezing { due } => now >= due,
                stage => stage == Stage::BackingUp,
            };
            let Some(task) = live.cleanings.get_mut(name).filter(|task| is_due(task.stage) && !task.busy) else { return };
            task.busy = true;
            task.clone()
        };
        let wanted = if task.stage == Stage::BackingUp { Freeze::FROZEN } else { Freeze::FREEZING };
        let ids: Vec<PartitionId> =
            self.state().meta_partitions_of_volume(task.volume).filter(|mp| mp.freeze == wanted).map(|mp| mp.partition_id).collect();
        let mut open = false;
        for id in ids {
            let outcome = match self.still_leads(term).await {
                false => Outcome::Again,
                true if wanted == Freeze::FREEZING => self.freeze_one(id).await,
                true => self.clean_one(id).await,
            };
            open |= outcome == Outcome::Again;
        }
        if self.ready_term() != Some(term) {
            return;
        }
        let at = self.env.now();
        if let Some(task) = self.live().cleanings.get_mut(name) {
            task.busy = false;
            task.stage = match task.stage {
                Stage::Freezing { .. } if !open => Stage::FreezeDone { at },
                Stage::BackingUp if !open => Stage::BackupDone { at },
                stage => stage,
            };
        }
        self.cached.refresh_volume(self, task.volume);
    }

    async fn freeze_one(&self, id: PartitionId) -> Outcome {
        match self.ask_to_freeze(id, true).await {
            Some(Ok(())) => self.set_freeze(id, Freeze::FREEZING, Freeze::FROZEN).await,
            Some(Err(why @ CallError::Refused { .. })) => {
                tracing::info!(partition = id.0, %why, "is not frozen");
                self.set_freeze(id, Freeze::FREEZING, Freeze::NONE).await
            }
            _ => Outcome::Again,
        }
    }

    async fn clean_one(&self, id: PartitionId) -> Outcome {
        let moment = self.moment();
        let Some(mp) = moment.state.meta_partitions.get(&id) else { return Outcome::Settled };
        if moment.state.moves.contains_key(&(PartitionKind::Meta, id)) {
            return Outcome::Again;
        }
        let judged = judge(&moment.scene(), &self.live().reports, mp);
        match judged {
            Frozen::Wait => Outcome::Again,
            Frozen::Thaw => match self.ask_to_freeze(id, false).await {
                Some(Ok(())) => self.set_freeze(id, Freeze::FROZEN, Freeze::NONE).await,
                _ => Outcome::Again,
            },
            Frozen::Clean => match self.back_up(mp).await {
                Some(down) => self.remove_cleaned(mp, &down).await,
                None => Outcome::Again,
            },
        }
    }

    /// Has every replica backed up. Returns the hosts that are down, unless another one did not do it or too few are up.
    async fn back_up(&self, mp: &MetaPartition) -> Option<Vec<String>> {
        let (down, up): (Vec<String>, Vec<String>) = {
            let (live, now) = (self.live(), self.env.now());
            mp.hosts.iter().cloned().partition(|host| live.is_inactive(PartitionKind::Meta, host, now))
        };
        let id = mp.partition_id;
        let asks = up.iter().map(|host| async move {
            let request = MetaPartitionRequest { partition_id: id };
            let done = self.call(host, Opcode::BACKUP_EMPTY_META_PARTITION, Subject::MetaPartition(id), request).await;
            done.map_err(|why| tracing::info!(partition = id.0, host = host.as_str(), %why, "is not backed up")).is_ok()
        });
        let done = join_all(asks).await;
        (done.iter().all(|done| *done) && up.len() > down.len()).then_some(down)
    }

    async fn remove_cleaned(&self, mp: &MetaPartition, down: &[String]) -> Outcome {
        let (id, since, term) = (mp.partition_id, self.env.wall().secs(), self.ready_term().unwrap_or_default());
        let removed = self
            .commit("clean meta partition", |state, txn| {
                let moves = state.moves.contains_key(&(PartitionKind::Meta, id));
                if let Some(now) = txn.meta_partition(id).filter(|now| **now == *mp && !moves) {
                    txn.remove(&*now);
                    for addr in down.iter().cloned() {
                        let kind = PartitionKind::Meta;
                        txn.put(Leftover { kind, partition: id, addr, volume: mp.vol_id, term, since, ..Leftover::default() });
                    }
                    return Ok(true);
                }
                Ok(false)
            })
            .await;
        match removed {
            Ok(true) => {
                tracing::info!(partition = id.0, "empty, and cleaned");
                self.live().reports.forget_meta_partition(id);
                Outcome::Settled
            }
            Ok(false) | Err(_) => Outcome::Again,
        }
    }

    /// `None`: nobody leads the partition.
    async fn ask_to_freeze(&self, id: PartitionId, freeze: bool) -> Option<Result<(), CallError>> {
        let leader = {
            let moment = self.moment();
            let mp = moment.state.meta_partitions.get(&id)?;
            let live = self.live();
            leader(&moment.scene(), &live.reports, mp)?
        };
        let request = FreezeMetaPartitionRequest { partition_id: id, freeze };
        Some(self.call(&leader, Opcode::FREEZE_EMPTY_META_PARTITION, Subject::MetaPartition(id), request).await.map(drop))
    }

    async fn set_freeze(&self, id: PartitionId, from: Freeze, to: Freeze) -> Outcome {
        let done = self
            .commit("freeze meta partition", |_, txn| {
                if let Some(mp) = txn.meta_partition(id).filter(|mp| mp.freeze == from) {
                    let status = if to == Freeze::NONE { PartitionStatus::READ_WRITE } else { mp.status };
                    txn.put(MetaPartition { freeze: to, status, ..MetaPartition::clone(&mp) });
                }
                Ok(())
            })
            .await;
        match done {
            Ok(()) => Outcome::Settled,
            Err(_) => Outcome::Again,
        }
    }
}
