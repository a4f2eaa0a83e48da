//! Taking data nodes out of service, and moving their partitions to another one (v3.5.3 http-partitions-nodes.md §10.2).
//!
//! A node's record says that it is wanted empty; that becomes one wish per disk, and how far it is follows from its disks.

use super::disks::DiskWish;
use crate::ids::{PartitionId, Term};
use crate::master::Master;
use crate::model::{DataNode, DecommissionDisk, DecommissionStatus, DecommissionType, Key, PartitionKind};
use crate::plan::moves::disks::{is_empty, standing, Tally};
use crate::state::{State, Txn};
use crate::wire::gojson::List;
use crate::wire::reply::{fault, Fault};
use std::collections::BTreeMap;

/// A node that is wanted empty.
#[derive(Clone, Debug, Default)]
pub struct NodeWish {
    pub addr: String,
    /// The node that takes the replicas; empty: any.
    pub to: String,
    pub raft_force: bool,
    /// Partitions to move; 0 or less is all.
    pub count: i64,
    pub weight: i64,
}

impl Master {
    /// Marks a node to be emptied.
    ///
    /// # Errors
    /// It or its target is unknown, they have other disks, it is under way already, nothing could be committed.
    pub async fn decommission_data_node(&self, actor: &str, wish: &NodeWish) -> Result<(), Fault> {
        let wall = self.env.wall().secs().max(0).unsigned_abs();
        let NodeWish { addr, to, .. } = wish;
        let unknown = |addr: &str| Fault::internal(format!("{addr} not found :: data node[{addr}] not found"));
        self.commit(actor, |state, txn| {
            let node = txn.data_node_by_addr(addr).ok_or_else(|| unknown(addr))?;
            if !to.is_empty() {
                let legacy = state.settings.legacy_data_media_type;
                let target = state.data_node_by_addr(to).ok_or_else(|| unknown(to))?;
                let (theirs, ours) = (target.effective_media_type(legacy), node.effective_media_type(legacy));
                if theirs != ours {
                    let (theirs, ours) = (theirs.text(), ours.text());
                    return Err(Fault::internal(format!("targetNode mediaType({theirs}) not match srcNode mediaType({ours})")));
                }
            }
            let status = node.decommission_status;
            if matches!(status, DecommissionStatus::MARKED | DecommissionStatus::RUNNING) {
                return Err(Fault::internal(format!(
                    "migrate src({addr}) is still on working, please wait,check or cancel if abnormal:{}",
                    status.0
                )));
            }
            let paused = status == DecommissionStatus::PAUSE && !node.decommission_disk_list.is_empty();
            txn.put(DataNode {
                decommission_status: DecommissionStatus::MARKED,
                decommission_raft_force: wish.raft_force,
                decommission_dst_addr: to.clone(),
                // v3.5.3 takes a negative one and dies of it.
                decommission_limit: wish.count.max(0),
                decommission_weight: wish.weight,
                decommission_disk_list: if paused { node.decommission_disk_list.clone() } else { Vec::new().into() },
                decommission_time: wall,
                decommission_complete_time: 0,
                ..DataNode::clone(&node)
            });
            Ok(())
        })
        .await?;
        self.moves.tell();
        Ok(())
    }

    /// One round over the nodes that are being emptied.
    pub(super) async fn look_at_nodes(&self, term: Term) {
        let state = self.state();
        let wanted = |node: &&std::sync::Arc<DataNode>| node.decommission_status != DecommissionStatus::INITIAL;
        let nodes: Vec<_> = state.data_nodes.values().filter(wanted).cloned().collect();
        if nodes.is_empty() {
            return;
        }
        let tally = Tally::of(&state);
        for node in nodes {
            if self.ready_term() != Some(term) {
                return;
            }
            let done = match node.decommission_status {
                DecommissionStatus::MARKED => self.start_node(&node).await,
                DecommissionStatus::RUNNING => self.node_stands(&node, node_standing(&state, &tally, &node)).await,
                DecommissionStatus::SUCCESS if is_empty(&state, &node) => self.remove_node(&node).await,
                _ => Ok(()),
            };
            if let Err(why) = done {
                tracing::info!(node = node.addr.as_str(), %why, "the decommission of a node waits");
            }
        }
    }

    /// Turns the wish for a node into wishes for its disks, in one transaction.
    async fn start_node(&self, node: &DataNode) -> Result<(), Fault> {
        let wall = self.env.wall().secs();
        self.commit("node decommission", |state, txn| {
            let now = txn.data_node_by_addr(&node.addr).filter(|now| now.decommission_status == DecommissionStatus::MARKED);
            let Some(now) = now else { return Ok(()) };
            if !now.decommission_disk_list.is_empty() {
                return self.resume_node(txn, &now);
            }
            let (by_disk, conflict) = leavers(state, &now);
            if by_disk.is_empty() {
                let status = if conflict { DecommissionStatus::FAIL } else { DecommissionStatus::SUCCESS };
                txn.put(DataNode {
                    decommission_status: status,
                    decommission_complete_time: wall,
                    to_be_offline: status == DecommissionStatus::SUCCESS,
                    decommission_dp_total: 0,
                    ..DataNode::clone(&now)
                });
                return Ok(());
            }
            let mut room = usize::try_from(now.decommission_limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
            let (mut disks, mut total) = (Vec::new(), 0);
            for (disk, ids) in &by_disk {
                let count = ids.len().min(room);
                if count == 0 {
                    break;
                }
                let wish = DiskWish {
                    addr: now.addr.clone(),
                    disk: disk.clone(),
                    to: now.decommission_dst_addr.clone(),
                    raft_force: now.decommission_raft_force,
                    count: count as i64,
                    disable: true,
                    kind: DecommissionType::MANUAL,
                    weight: now.decommission_weight,
                };
                if let Err(why) = self.mark_disk(state, txn, &wish, wall.max(0).unsigned_abs()) {
                    if !why.msg.contains("still on working") {
                        tracing::warn!(node = now.addr.as_str(), disk = disk.as_str(), %why, "a disk is left out");
                        continue;
                    }
                }
                room -= count;
                total += count;
                disks.push(disk.clone());
            }
            let Some(marked) = txn.data_node_by_addr(&now.addr) else { return Ok(()) };
            let mut disabled: Vec<String> = marked.decommissioned_disks.iter().cloned().collect();
            let free = now.all_disks.iter().filter(|disk| !by_disk.contains_key(*disk));
            let free: Vec<String> = free.filter(|disk| !disabled.contains(disk)).cloned().collect();
            disabled.extend(free);
            txn.put(DataNode {
                decommission_status: DecommissionStatus::RUNNING,
                to_be_offline: true,
                decommission_disk_list: disks.into(),
                decommission_dp_total: total as i64,
                decommissioned_disks: disabled.into(),
                ..DataNode::clone(&marked)
            });
            Ok(())
        })
        .await
    }

    fn resume_node(&self, txn: &mut Txn, node: &DataNode) -> Result<(), Fault> {
        let term = self.env.wall().secs().max(0).unsigned_abs();
        for disk in node.decommission_disk_list.iter() {
            let key = Key::DecommissionDisk(node.addr.clone(), disk.clone()).to_string();
            if let Some(record) = txn.read::<DecommissionDisk>(&key).filter(|d| d.decommission_status == DecommissionStatus::PAUSE) {
                let marked = DecommissionStatus::MARKED;
                txn.put(DecommissionDisk { decommission_status: marked, decommission_term: term, ..DecommissionDisk::clone(&record) });
            }
        }
        txn.put(DataNode { decommission_status: DecommissionStatus::RUNNING, to_be_offline: true, ..DataNode::clone(node) });
        Ok(())
    }

    /// Records how the decommission of a node ended.
    async fn node_stands(&self, node: &DataNode, status: DecommissionStatus) -> Result<(), Fault> {
        if status == DecommissionStatus::RUNNING {
            return Ok(());
        }
        let wall = self.env.wall().secs();
        self.commit("node stands", |state, txn| {
            let Some(now) = txn.data_node(node.id).filter(|now| **now == *node) else { return Ok(()) };
            let left = state.data_partition_count_on(&now.addr) > 0;
            let stays = match status {
                DecommissionStatus::SUCCESS => left,
                _ => now.decommission_limit != 0,
            };
            txn.put(DataNode {
                decommission_status: status,
                decommission_complete_time: wall,
                to_be_offline: now.to_be_offline && !stays,
                ..DataNode::clone(&now)
            });
            Ok(())
        })
        .await
    }

    /// Removes a node that was emptied, with the records of its disks.
    async fn remove_node(&self, node: &DataNode) -> Result<(), Fault> {
        let removed = self
            .commit("remove data node", |state, txn| {
                let Some(now) = txn.data_node(node.id).filter(|now| **now == *node && is_empty(state, now)) else { return Ok(false) };
                for disk in state.decommission_disks_of(&now.addr) {
                    txn.remove::<DecommissionDisk>(disk);
                }
                txn.remove(&*now);
                Ok(true)
            })
            .await?;
        if removed {
            tracing::info!(node = node.addr.as_str(), "empty, and removed");
            let mut live = self.live();
            live.reports.forget_data_node(&node.addr);
            live.selectors.forget(PartitionKind::Data, &node.addr);
        }
        Ok(())
    }

    /// Pauses the decommission of a node and of its disks. Returns the partitions that could not be paused.
    ///
    /// # Errors
    /// Nothing could be committed.
    pub async fn pause_data_node(&self, actor: &str, addr: &str) -> Result<Vec<PartitionId>, Fault> {
        let wall = self.env.wall().secs();
        let disks = self
            .commit(actor, |_, txn| {
                let node = txn.data_node_by_addr(addr).ok_or(fault::DATA_NODE_NOT_EXISTS)?;
                txn.put(DataNode {
                    decommission_status: DecommissionStatus::PAUSE,
                    to_be_offline: false,
                    decommission_complete_time: wall,
                    ..DataNode::clone(&node)
                });
                Ok(node.decommission_disk_list.clone())
            })
            .await?;
        let mut failed = Vec::new();
        for disk in disks.iter() {
            match self.pause_disk(actor, addr, disk).await {
                Ok(mut ids) => failed.append(&mut ids),
                Err(why) => tracing::info!(addr, disk, %why, "not paused"),
            }
        }
        Ok(failed)
    }

    /// Cancels the decommission of a node's disks. The node's own status stays, as in v3.5.3.
    ///
    /// # Errors
    /// Nothing could be committed.
    pub async fn cancel_data_node(&self, actor: &str, addr: &str) -> Result<(), Fault> {
        let disks = self
            .commit(actor, |_, txn| {
                let node = txn.data_node_by_addr(addr).ok_or(fault::DATA_NODE_NOT_EXISTS)?;
                txn.put(DataNode { to_be_offline: false, ..DataNode::clone(&node) });
                Ok(node.decommission_disk_list.clone())
            })
            .await?;
        let state = self.state();
        let ended = [DecommissionStatus::SUCCESS, DecommissionStatus::FAIL];
        for disk in state.decommission_disks_of(addr).filter(|d| disks.contains(&d.disk_path)) {
            if !ended.contains(&disk.decommission_status) {
                self.cancel_disk(actor, addr, &disk.disk_path).await?;
            }
        }
        self.commit(actor, |_, txn| {
            let Some(node) = txn.data_node_by_addr(addr) else { return Ok(()) };
            let keep = |disk: &&String| node.bad_disks.contains(disk) || node.decommission_success_disks.contains(disk);
            let kept: List<String> = node.decommissioned_disks.iter().filter(keep).cloned().collect();
            txn.put(DataNode { decommissioned_disks: kept, ..DataNode::clone(&node) });
            Ok(())
        })
        .await
    }
}

/// Partitions that have to leave a node, by disk; and whether there are some that all are on the target already.
fn leavers(state: &State, node: &DataNode) -> (BTreeMap<String, Vec<PartitionId>>, bool) {
    let (addr, to) = (&node.addr, &node.decommission_dst_addr);
    let mut by_disk: BTreeMap<String, Vec<PartitionId>> = BTreeMap::new();
    let mut there = false;
    for dp in state.data_partitions_on(addr) {
        there = true;
        if to.is_empty() || !dp.has_host(to) {
            by_disk.entry(dp.disk_on(addr).unwrap_or_default().to_owned()).or_default().push(dp.partition_id);
        }
    }
    for dp in state.data_partitions_leaving(addr).filter(|dp| !dp.has_host(addr)) {
        by_disk.entry(dp.decommission_src_disk_path.clone()).or_default().push(dp.partition_id);
    }
    let conflict = there && by_disk.is_empty();
    (by_disk, conflict)
}

/// Where the decommission of a node stands: from its disks (background-tasks.md §10.2.1).
fn node_standing(state: &State, tally: &Tally, node: &DataNode) -> DecommissionStatus {
    let record = |disk: &String| state.decommission_disks.get(&(node.addr.clone(), disk.clone()));
    let statuses: Vec<DecommissionStatus> = node
        .decommission_disk_list
        .iter()
        .map(|disk| record(disk).map_or(DecommissionStatus::SUCCESS, |record| standing(tally, record)))
        .collect();
    let ended = [DecommissionStatus::SUCCESS, DecommissionStatus::FAIL, DecommissionStatus::CANCEL];
    match statuses {
        statuses if statuses.iter().any(|status| !ended.contains(status)) => DecommissionStatus::RUNNING,
        statuses if statuses.iter().all(|status| *status == DecommissionStatus::SUCCESS) => DecommissionStatus::SUCCESS,
        statuses if statuses.contains(&DecommissionStatus::CANCEL) => DecommissionStatus::CANCEL,
        _ => DecommissionStatus::FAIL,
    }
}
