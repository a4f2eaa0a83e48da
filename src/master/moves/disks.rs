//! Taking disks of data nodes out of service (v3.5.3 http-partitions-nodes.md §12, background-tasks.md §10.3).
//!
//! A disk's record says that it is wanted empty; its partitions are marked one by one, and how far it is follows from their records.

use super::decommission::Marked;
use crate::ids::{PartitionId, Term};
use crate::limits;
use crate::master::Master;
use crate::model::{
    DataNode, DataPartition, DecommissionDisk, DecommissionStatus, DecommissionType, IgnoredPartition, Key, MediaType, NEVER,
};
use crate::plan::moves::disks::{self, DiskKey, Tally};
use crate::plan::moves::mark::Wish;
use crate::state::{State, Txn};
use crate::wire::gojson::List;
use crate::wire::reply::{fault, Fault};

/// A disk that is wanted empty.
#[derive(Clone, Debug, Default)]
pub struct DiskWish {
    pub addr: String,
    pub disk: String,
    /// The node that takes the replicas; empty: any.
    pub to: String,
    pub raft_force: bool,
    /// Partitions to move; 0 or less is all.
    pub count: i64,
    /// Nothing is created on it any more.
    pub disable: bool,
    pub kind: DecommissionType,
    pub weight: i64,
}

fn key_of(addr: &str, disk: &str) -> String {
    Key::DecommissionDisk(addr.to_owned(), disk.to_owned()).to_string()
}

/// A list with a disk more, in order.
fn with(list: &List<String>, disk: &str) -> List<String> {
    let mut disks: Vec<String> = list.iter().cloned().collect();
    if !disks.iter().any(|known| known == disk) {
        disks.push(disk.to_owned());
    }
    disks.into()
}

/// A list without a disk.
fn without(list: &List<String>, disk: &str) -> List<String> {
    list.iter().filter(|known| *known != disk).cloned().collect()
}

impl Master {
    /// Starts to take a disk out of service (§12.1).
    ///
    /// # Errors
    /// It is under way already, the target has other disks, nothing could be committed.
    pub async fn decommission_disk(&self, actor: &str, wish: &DiskWish) -> Result<(), Fault> {
        let term = self.env.wall().secs().max(0).unsigned_abs();
        self.commit(actor, |state, txn| self.mark_disk(state, txn, wish, term)).await?;
        self.moves.tell();
        Ok(())
    }

    /// Marks a disk within a transaction.
    pub(super) fn mark_disk(&self, state: &State, txn: &mut Txn, wish: &DiskWish, term: u64) -> Result<(), Fault> {
        let DiskWish { addr, disk, .. } = wish;
        let node = txn.data_node_by_addr(addr).ok_or(fault::DATA_NODE_NOT_EXISTS)?;
        if !wish.to.is_empty() {
            let unknown = || Fault::internal(format!("{to} not found :: data node[{to}] not found", to = wish.to));
            let to = state.data_node_by_addr(&wish.to).ok_or_else(unknown)?;
            let media = |node: &DataNode| -> MediaType { node.effective_media_type(state.settings.legacy_data_media_type) };
            if media(to) != media(&node) {
                let (to, from) = (media(to).text(), media(&node).text());
                return Err(Fault::internal(format!("dstNode mediaType({to}) not match srcNode mediaType({from})")));
            }
        }
        let old = txn.read::<DecommissionDisk>(&key_of(addr, disk));
        let status = old.as_ref().map(|old| old.decommission_status);
        if matches!(status, Some(DecommissionStatus::MARKED | DecommissionStatus::RUNNING)) {
            return Err(Fault::internal(format!(
                "migrate src({addr}) diskPath({disk})s still on working, please wait,check or cancel if abnormal"
            )));
        }
        let mut record = old.map_or_else(|| DecommissionDisk::new(addr, disk), |old| DecommissionDisk::clone(&old));
        record.decommission_type = wish.kind;
        record.disk_disable = wish.disable;
        record.decommission_weight = wish.weight;
        record.ignore_decommission_dps = Vec::new().into();
        record.residual_decommission_dps = Vec::new().into();
        if status != Some(DecommissionStatus::PAUSE) {
            record.decommission_dp_total = -1;
            record.decommission_limit = wish.count.max(0);
            record.decommission_raft_force = wish.raft_force;
            record.dst_addr.clone_from(&wish.to);
            record.decommission_times = 0;
        }
        record.decommission_term = term;
        record.decommission_complete_time = 0;
        record.decommission_status = DecommissionStatus::MARKED;
        txn.put(record);
        if wish.disable {
            txn.put(DataNode { decommissioned_disks: with(&node.decommissioned_disks, disk), ..DataNode::clone(&node) });
        }
        Ok(())
    }

    /// One round over the disks that are being taken out of service.
    pub(in crate::master) async fn look_at_disks(&self, term: Term) {
        self.look_at_nodes(term).await;
        self.look_at_meta_nodes(term).await;
        self.mark_bad_disks(term).await;
        let state = self.state();
        if state.decommission_disks.is_empty() {
            return;
        }
        let tally = Tally::of(&state);
        for disk in state.decommission_disks.values() {
            if self.ready_term() != Some(term) {
                return;
            }
            if state.data_node_by_addr(&disk.src_addr).is_none() {
                self.forget_disk(disk).await;
                continue;
            }
            let standing = disks::standing(&tally, disk);
            if standing != disk.decommission_status {
                self.disk_stands(disk, standing).await;
            } else if disk.decommission_status == DecommissionStatus::RUNNING && !disk.ignore_decommission_dps.is_empty() {
                self.mark_ignored(disk, term).await;
            } else if disk.decommission_status == DecommissionStatus::SUCCESS
                && self.env.wall().secs() - disk.decommission_complete_time > limits::EMPTIED_DISK_KEPT_SECS
            {
                self.forget_disk(disk).await;
            }
        }
        let state = self.state();
        for (addr, disk) in disks::to_start(&state, state.settings.disk_limit()) {
            self.start_disk(&(addr, disk), term).await;
        }
    }

    async fn forget_disk(&self, disk: &DecommissionDisk) {
        let key = crate::model::Record::key(disk);
        let done = self
            .commit("forget disk", |_, txn| {
                if txn.read::<DecommissionDisk>(&key).is_some_and(|now| *now == *disk) {
                    txn.delete::<DecommissionDisk>(&key);
                }
                Ok(())
            })
            .await;
        done.unwrap_or_else(|why| tracing::info!(disk = disk.name(), %why, "the record stays"));
    }

    /// Records how the decommission of a disk ended, or that it goes on.
    async fn disk_stands(&self, disk: &DecommissionDisk, standing: DecommissionStatus) {
        let key = crate::model::Record::key(disk);
        let wall = self.env.wall().secs();
        let done = self
            .commit("disk stands", |state, txn| {
                let Some(now) = txn.read::<DecommissionDisk>(&key).filter(|now| **now == *disk) else { return Ok(()) };
                let complete = if standing == DecommissionStatus::RUNNING { 0 } else { wall };
                txn.put(DecommissionDisk {
                    decommission_status: standing,
                    decommission_complete_time: complete,
                    ..DecommissionDisk::clone(&now)
                });
                self.note_emptied(state, txn, disk, standing);
                Ok(())
            })
            .await;
        match done {
            Ok(()) => tracing::info!(disk = disk.name(), status = standing.text(), "decommission of a disk"),
            Err(why) => tracing::info!(disk = disk.name(), %why, "the status of a disk is not recorded"),
        }
    }

    /// An emptied disk is noted at its node; one that was to be emptied in part may be used again.
    fn note_emptied(&self, state: &State, txn: &mut Txn, disk: &DecommissionDisk, standing: DecommissionStatus) {
        let (addr, path) = (&disk.src_addr, &disk.disk_path);
        let Some(node) = txn.data_node_by_addr(addr) else { return };
        let mut changed = DataNode::clone(&node);
        if disks::on_disk(state, addr, path).next().is_some() {
            let partly = node.decommission_limit != 0 && !node.bad_disks.contains(path) && !node.decommission_success_disks.contains(path);
            if partly && standing != DecommissionStatus::RUNNING {
                changed.decommissioned_disks = without(&node.decommissioned_disks, path);
            }
        } else if standing == DecommissionStatus::SUCCESS {
            changed.decommission_success_disks = with(&node.decommission_success_disks, path);
        }
        if changed != *node {
            txn.put(changed);
        }
    }

    /// Marks the partitions of a disk, and then the disk running (§12.2).
    async fn start_disk(&self, key: &DiskKey, term: Term) {
        let state = self.state();
        let Some(disk) = state.decommission_disks.get(key).cloned() else { return };
        let ids = disks::leavers(&state, &disk);
        let mut ignored = Vec::new();
        for batch in ids.chunks(limits::RECORDS_PER_COMMIT_MAX / 2) {
            match self.mark_of_disk(&disk, batch, term).await {
                Ok(mut left) => ignored.append(&mut left),
                Err(why) => return tracing::info!(disk = disk.name(), %why, "the partitions of a disk are not marked yet"),
            }
        }
        let record = crate::model::Record::key(&*disk);
        let total = if disk.decommission_dp_total >= 0 { disk.decommission_dp_total } else { ids.len() as i64 };
        let wall = self.env.wall().secs();
        let done = self
            .commit("disk runs", |state, txn| {
                let Some(now) = txn.read::<DecommissionDisk>(&record).filter(|now| **now == *disk) else { return Ok(()) };
                let standing = if ids.is_empty() { DecommissionStatus::SUCCESS } else { DecommissionStatus::RUNNING };
                txn.put(DecommissionDisk {
                    decommission_status: standing,
                    decommission_dp_total: total,
                    decommission_complete_time: if ids.is_empty() { wall } else { 0 },
                    ignore_decommission_dps: ignored.clone().into(),
                    ..DecommissionDisk::clone(&now)
                });
                if ids.is_empty() {
                    self.note_emptied(state, txn, &disk, standing);
                }
                Ok(())
            })
            .await;
        done.unwrap_or_else(|why| tracing::info!(disk = disk.name(), %why, "a disk is not recorded as running yet"));
        self.moves.tell();
    }

    fn wish_of(disk: &DecommissionDisk, id: PartitionId) -> Wish {
        let (name, kind) = (disk.name(), disk.decommission_type.0);
        Wish {
            from: disk.src_addr.clone(),
            to: disk.dst_addr.clone(),
            raft_force: disk.decommission_raft_force,
            weight: disk.decommission_weight,
            kind: disk.decommission_type,
            term: disk.decommission_term,
            condition: format!("disk({name})_{kind}_dp({id})"),
            actor: "disk decommission".into(),
            ..Wish::default()
        }
    }

    /// Marks some partitions of a disk in one transaction. Returns those that leave for another reason or cannot be marked now.
    async fn mark_of_disk(&self, disk: &DecommissionDisk, ids: &[PartitionId], term: Term) -> Result<Vec<IgnoredPartition>, Fault> {
        let (marked, repairs) = self
            .commit("disk decommission", |state, txn| {
                let (mut ignored, mut repairs) = (Vec::new(), Vec::new());
                for id in ids {
                    let ignore = |why: &Fault| IgnoredPartition { partition_id: *id, err_msg: why.to_string(), ..Default::default() };
                    match self.mark_in(state, txn, *id, &Self::wish_of(disk, *id), term) {
                        Marked::Queued(None) | Marked::Performing { same_source: true, .. } => {}
                        Marked::Resumed { repairs_on } => repairs.extend(repairs_on.map(|on| (*id, on))),
                        Marked::Queued(Some(why)) | Marked::Performing { why, .. } => ignored.push(ignore(&why)),
                        Marked::Refused(why) => self.fail_of_disk(txn, disk, *id, &why),
                    }
                }
                Ok((ignored, repairs))
            })
            .await?;
        for (id, on) in repairs {
            if let Err(why) = self.resume_repair(id, Some(on)).await {
                tracing::warn!(partition = id.0, %why, "a repair does not go on");
            }
        }
        Ok(marked)
    }

    /// A partition of the disk cannot be marked: it counts as failed.
    fn fail_of_disk(&self, txn: &mut Txn, disk: &DecommissionDisk, id: PartitionId, why: &Fault) {
        let Some(dp) = txn.data_partition(id) else { return };
        let mut dp = DataPartition::clone(&dp);
        dp.reset_decommission();
        dp.decommission_src_addr.clone_from(&disk.src_addr);
        dp.decommission_src_disk_path.clone_from(&disk.disk_path);
        dp.decommission_term = disk.decommission_term;
        dp.decommission_type = disk.decommission_type;
        dp.decommission_weight = disk.decommission_weight;
        dp.decommission_status = DecommissionStatus::FAIL;
        dp.decommission_need_rollback_times = crate::plan::moves::ROLLBACKS_MAX;
        dp.decommission_error_message = why.to_string();
        dp.recover_update_time = NEVER;
        *dp.decommission_disk_retry_map.entry(disk.name()).or_default() += 1;
        txn.put(dp);
    }

    /// Tries again with partitions that were leaving for another reason.
    async fn mark_ignored(&self, disk: &DecommissionDisk, term: Term) {
        let state = self.state();
        let there = |id: &PartitionId| state.data_partitions.get(id).is_some_and(|dp| dp.disk_on(&disk.src_addr) == Some(&disk.disk_path));
        let ids: Vec<PartitionId> = disk.ignore_decommission_dps.iter().map(|ignored| ignored.partition_id).collect();
        let left: Vec<PartitionId> = ids.iter().copied().filter(there).collect();
        let Ok(ignored) = self.mark_of_disk(disk, &left[..left.len().min(limits::RECORDS_PER_COMMIT_MAX / 2)], term).await else { return };
        if ignored.len() == ids.len() {
            return;
        }
        let key = crate::model::Record::key(disk);
        let done = self
            .commit("disk decommission", |_, txn| {
                if let Some(now) = txn.read::<DecommissionDisk>(&key).filter(|now| **now == *disk) {
                    txn.put(DecommissionDisk { ignore_decommission_dps: ignored.clone().into(), ..DecommissionDisk::clone(&now) });
                }
                Ok(())
            })
            .await;
        done.unwrap_or_else(|why| tracing::info!(disk = disk.name(), %why, "tries again"));
    }

    /// The partitions on their way from a disk.
    fn leaving(&self, disk: &DecommissionDisk) -> Vec<PartitionId> {
        let state = self.state();
        let of_disk = |dp: &&std::sync::Arc<DataPartition>| {
            dp.decommission_src_disk_path == disk.disk_path && dp.decommission_term == disk.decommission_term
        };
        state.data_partitions_leaving(&disk.src_addr).filter(of_disk).map(|dp| dp.partition_id).collect()
    }

    async fn set_disk_status(&self, actor: &str, addr: &str, disk: &str, status: DecommissionStatus) -> Result<(), Fault> {
        let wall = self.env.wall().secs();
        self.commit(actor, |_, txn| {
            let Some(now) = txn.read::<DecommissionDisk>(&key_of(addr, disk)) else { return Ok(()) };
            txn.put(DecommissionDisk { decommission_status: status, decommission_complete_time: wall, ..DecommissionDisk::clone(&now) });
            if status == DecommissionStatus::CANCEL {
                if let Some(node) = txn.data_node_by_addr(addr).filter(|node| !node.bad_disks.iter().any(|bad| bad == disk)) {
                    txn.put(DataNode { decommissioned_disks: without(&node.decommissioned_disks, disk), ..DataNode::clone(&node) });
                }
            }
            Ok(())
        })
        .await
    }

    /// Pauses the decommission of a disk (§12.3). Returns the partitions that could not be paused.
    ///
    /// # Errors
    /// It is not under way, or nothing could be committed.
    pub async fn pause_disk(&self, actor: &str, addr: &str, disk: &str) -> Result<Vec<PartitionId>, Fault> {
        let state = self.state();
        let Some(record) = state.decommission_disks.get(&(addr.to_owned(), disk.to_owned())) else { return Ok(Vec::new()) };
        let status = record.decommission_status;
        if ![DecommissionStatus::RUNNING, DecommissionStatus::MARKED, DecommissionStatus::PAUSE].contains(&status) {
            let status = status.0;
            return Err(Fault::internal(format!(
                "action[decommissionDiskPause] dataNode[{addr}] disk[{addr}] status[{status}] donot support cancel"
            )));
        }
        self.set_disk_status(actor, addr, disk, DecommissionStatus::PAUSE).await?;
        let mut failed = Vec::new();
        for id in self.leaving(record) {
            if let Err(why) = self.pause_move(actor, id).await {
                tracing::info!(partition = id.0, %why, "not paused");
                failed.push(id);
            }
        }
        Ok(failed)
    }

    /// Cancels the decommission of a disk (§12.4).
    ///
    /// # Errors
    /// Nothing could be committed.
    pub async fn cancel_disk(&self, actor: &str, addr: &str, disk: &str) -> Result<(), Fault> {
        let state = self.state();
        let Some(record) = state.decommission_disks.get(&(addr.to_owned(), disk.to_owned())) else { return Ok(()) };
        self.set_disk_status(actor, addr, disk, DecommissionStatus::CANCEL).await?;
        self.cancel_moves(actor, &self.leaving(record)).await?;
        // What was given up before is forgotten with the rest.
        for id in self.leaving(record).into_iter().filter(|id| !super::replicas::is_moving(&self.state(), *id)) {
            self.reset_decommission(actor, id).await?;
        }
        Ok(())
    }

    /// Disks that nodes report as broken are taken out of service by themselves, where that is switched on (background-tasks.md §11).
    async fn mark_bad_disks(&self, term: Term) {
        let state = self.state();
        if !state.settings.enable_auto_decommission_disk {
            return;
        }
        let threshold = state.settings.mark_disk_broken_threshold;
        for node in state.data_nodes.values() {
            let bad = self.live().reports.data_node(&node.addr).map(|report| report.bad_disk_stats.clone()).unwrap_or_default();
            for stat in bad.iter().filter(|stat| !node.decommission_success_disks.contains(&stat.disk_path)) {
                let record = state.decommission_disks.get(&(node.addr.clone(), stat.disk_path.clone()));
                let status = record.map(|record| record.decommission_status);
                if status == Some(DecommissionStatus::SUCCESS) {
                    continue;
                }
                let there = disks::on_disk(&state, &node.addr, &stat.disk_path).count();
                let ratio = if there == 0 { 1.0 } else { stat.disk_err_partition_list.len() as f64 / there as f64 };
                if threshold == 0.0 || ratio >= threshold || status == Some(DecommissionStatus::FAIL) {
                    self.mark_whole_disk(&node.addr, &stat.disk_path, status).await;
                } else {
                    let ids: Vec<PartitionId> = stat.disk_err_partition_list.iter().map(|id| PartitionId(*id)).collect();
                    self.mark_bad_replicas(&state, &node.addr, &stat.disk_path, &ids, term).await;
                }
            }
        }
    }

    async fn mark_whole_disk(&self, addr: &str, disk: &str, status: Option<DecommissionStatus>) {
        if matches!(
            status,
            Some(DecommissionStatus::MARKED | DecommissionStatus::RUNNING | DecommissionStatus::PAUSE | DecommissionStatus::CANCEL)
        ) {
            return;
        }
        let wish = DiskWish {
            addr: addr.to_owned(),
            disk: disk.to_owned(),
            disable: true,
            kind: DecommissionType::AUTO,
            weight: AUTO_DISK_WEIGHT,
            ..DiskWish::default()
        };
        if let Err(why) = self.decommission_disk("bad disk", &wish).await {
            tracing::info!(addr, disk, %why, "a bad disk stays in service");
        }
    }

    async fn mark_bad_replicas(&self, state: &State, addr: &str, disk: &str, ids: &[PartitionId], term: Term) {
        let there = |id: &&PartitionId| {
            let dp = state.data_partitions.get(id);
            dp.is_some_and(|dp| dp.disk_on(addr) == Some(disk) && dp.decommission_status == DecommissionStatus::INITIAL)
        };
        for id in ids.iter().filter(there) {
            let wish = Wish {
                from: addr.to_owned(),
                weight: BAD_REPLICA_WEIGHT,
                kind: DecommissionType::AUTO,
                term: self.env.wall().secs().max(0).unsigned_abs(),
                condition: format!("autoDecommission_dp({id})"),
                actor: "bad disk".into(),
                ..Wish::default()
            };
            if self.ready_term() == Some(term) {
                if let Err(why) = self.decommission_data_replica(*id, &wish).await {
                    tracing::info!(partition = id.0, %why, "a replica on a bad disk stays");
                }
            }
        }
    }
}

/// Weights of what the master does by itself (background-tasks.md §11).
const AUTO_DISK_WEIGHT: i64 = 4;
const BAD_REPLICA_WEIGHT: i64 = 6;
