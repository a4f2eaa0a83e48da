//! Disks that are taken out of service: which partitions have to leave, and how far that is (v3.5.3 background-tasks.md §10.3, §11).
//!
//! Invariant: progress is counted from the partitions' records, never kept.

use crate::ids::PartitionId;
use crate::model::{DataNode, DataPartition, DecommissionDisk, DecommissionStatus, DecommissionType, PartitionKind};
use crate::state::State;
use std::collections::BTreeMap;

/// A disk.
pub type DiskKey = (String, String);

/// Partitions that are leaving disks, by disk and term.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<(String, String, u64), Count>);

/// Partitions that have not left yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub left: usize,
    /// Of these: given up.
    pub failed: usize,
    pub paused: usize,
}

impl Tally {
    /// Counts all that are marked once.
    pub fn of(state: &State) -> Self {
        let mut tally = Self::default();
        for dp in state.data_partitions_marked().filter(|dp| !dp.decommission_src_addr.is_empty()) {
            let key = (dp.decommission_src_addr.clone(), dp.decommission_src_disk_path.clone(), dp.decommission_term);
            let count = tally.0.entry(key).or_default();
            count.left += 1;
            count.paused += usize::from(dp.decommission_status == DecommissionStatus::PAUSE);
            count.failed += usize::from(has_failed(state, dp));
        }
        tally
    }

    /// Of one disk.
    pub fn count(&self, disk: &DecommissionDisk) -> Count {
        let key = (disk.src_addr.clone(), disk.disk_path.clone(), disk.decommission_term);
        self.0.get(&key).copied().unwrap_or_default()
    }
}

/// The decommission of the partition was given up.
pub fn has_failed(state: &State, dp: &DataPartition) -> bool {
    dp.decommission_status == DecommissionStatus::FAIL && !state.moves.contains_key(&(PartitionKind::Data, dp.partition_id))
}

/// Where the decommission of a disk stands.
pub fn standing(tally: &Tally, disk: &DecommissionDisk) -> DecommissionStatus {
    let status = disk.decommission_status;
    let counted = status == DecommissionStatus::RUNNING || (status == DecommissionStatus::FAIL && disk.decommission_dp_total >= 0);
    if !counted {
        return status;
    }
    let count = tally.count(disk);
    let aside = disk.ignore_decommission_dps.len() + disk.residual_decommission_dps.len();
    let (left, failed) = (count.left + aside, count.failed + aside);
    match left {
        0 => DecommissionStatus::SUCCESS,
        _ if failed > 0 && failed >= left - count.paused => DecommissionStatus::FAIL,
        _ => DecommissionStatus::RUNNING,
    }
}

/// Partitions with a replica on a disk.
pub fn on_disk<'a>(state: &'a State, addr: &'a str, disk: &'a str) -> impl Iterator<Item = &'a std::sync::Arc<DataPartition>> {
    state.data_partitions_on(addr).filter(move |dp| dp.disk_on(addr) == Some(disk))
}

/// Partitions that have to leave a disk: those with a replica there, and those that are on their way already. A disk that was paused moves
/// those only. The first `limit`, unless that is 0.
pub fn leavers(state: &State, disk: &DecommissionDisk) -> Vec<PartitionId> {
    let (addr, path) = (&disk.src_addr, &disk.disk_path);
    let of_disk = |dp: &&std::sync::Arc<DataPartition>| dp.decommission_src_disk_path == *path;
    let mut ids: Vec<PartitionId> = state.data_partitions_leaving(addr).filter(of_disk).map(|dp| dp.partition_id).collect();
    if disk.decommission_dp_total >= 0 {
        return ids;
    }
    ids.extend(on_disk(state, addr, path).map(|dp| dp.partition_id));
    ids.sort_unstable();
    ids.dedup();
    if let Some(limit) = usize::try_from(disk.decommission_limit).ok().filter(|limit| *limit > 0) {
        ids.truncate(limit);
    }
    ids
}

/// Disks of a node set that may start now, the heaviest first.
pub fn to_start(state: &State, limit: u32) -> Vec<DiskKey> {
    let set_of = |disk: &DecommissionDisk| state.data_node_by_addr(&disk.src_addr).map(|node| node.node_set_id);
    let mut running = BTreeMap::new();
    for disk in state.decommission_disks.values().filter(|disk| disk.decommission_status == DecommissionStatus::RUNNING) {
        *running.entry(set_of(disk)).or_insert(0u32) += 1;
    }
    let automatic = state.settings.enable_auto_decommission_disk;
    let may = |disk: &&std::sync::Arc<DecommissionDisk>| {
        disk.decommission_status == DecommissionStatus::MARKED && (automatic || disk.decommission_type != DecommissionType::AUTO)
    };
    let mut marked: Vec<_> = state.decommission_disks.values().filter(may).collect();
    marked.sort_by_key(|disk| std::cmp::Reverse(disk.decommission_weight));
    let mut starting = Vec::new();
    for disk in marked {
        let running = running.entry(set_of(disk)).or_insert(0);
        if limit == 0 || *running < limit {
            *running += 1;
            starting.push((disk.src_addr.clone(), disk.disk_path.clone()));
        }
    }
    starting
}

/// Is the node empty, with nothing on its way from it, so that its record may go?
pub fn is_empty(state: &State, node: &DataNode) -> bool {
    let addr = &node.addr;
    state.data_partition_count_on(addr) == 0
        && state.data_partitions_leaving(addr).next().is_none()
        && !state.moves.values().any(|mv| mv.from == *addr || mv.to.addr == *addr)
        && !state.leftovers.values().any(|left| left.addr == *addr)
}
