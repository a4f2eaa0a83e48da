//! Disks and their decommission as replies show them (v3.5.3 http-types.md: DiskInfo, DecommissionProgress … DecommissionTokenStatus).

use super::data_partition::decommission_type_text;
use super::gotext;
use super::sight::Sight;
use crate::model::{
    DataNode, DataPartition, DecommissionDisk, DecommissionStatus, DecommissionType, IgnoredPartition, NodeSet, PartitionKind, Phase,
};
use crate::wire::gojson::List;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Reply of `/disk/queryDisks` and `/disk/queryBadDisks`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DiskInfos {
    pub disks: List<DiskInfo>,
}

/// A disk of a data node. Space is filled by `/disk/detail` only.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DiskInfo {
    pub node_id: u64,
    pub address: String,
    pub path: String,
    pub status: String,
    pub total: u64,
    pub used: u64,
    pub available: u64,
    #[serde(rename = "IOUtil")]
    pub io_util: f64,
    pub total_partition_cnt: i64,
    pub disk_err_partition_list: List<u64>,
}

/// Reply of `/dataNode/queryDisableDisk` and `/dataNode/queryDecommissionSuccessDisk`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecommissionedDisks {
    pub node: String,
    pub disks: List<String>,
}

/// Element of `/admin/queryDecommissionFailedDisk`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecommissionFailedDiskInfo {
    pub src_addr: String,
    pub disk_path: String,
    pub decommission_raft_force: bool,
    pub decommission_times: u8,
    pub decommission_dp_total: i64,
    pub decommission_weight: i64,
    pub is_auto_decommission: bool,
}

/// Element of `/admin/queryDecommissionToken`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecommissionTokenStatus {
    #[serde(rename = "NodesetID")]
    pub nodeset_id: u64,
    pub cur_token_num: i32,
    pub max_token_num: i32,
    pub running_dp: Vec<u64>,
    #[serde(rename = "TotalDP")]
    pub total_dp: usize,
    pub manual_decommission_disk: Vec<String>,
    pub manual_decommission_disk_total: usize,
    pub auto_decommission_disk: Vec<String>,
    pub auto_decommission_disk_total: usize,
    pub max_disk_token_num: u32,
    pub running_disk: Vec<String>,
}

/// Element of `/admin/queryDecommissionFirstHostParallelInfo`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FirstHostRepairInfo {
    pub cur_parallel: u64,
    pub addr: String,
    pub disk_to_decommission_repair_dp_map: BTreeMap<String, FirstHostDiskRepairInfo>,
}

/// Repairs whose first host is on one disk.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FirstHostDiskRepairInfo {
    pub cur_parallel: u64,
    pub disk_path: String,
    pub repairing_dps: BTreeMap<String, BTreeMap<String, ()>>,
}

/// Element of `/admin/queryDiskDecommissionInfoStat` and of its twin for nodes.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecommissionInfoStat {
    pub key: String,
    pub repair_source_dp: Vec<u64>,
    pub repair_target_dp: Vec<u64>,
    pub running_dp_num: usize,
}

/// A partition with a reason: failed, ignored or left over.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PartitionError {
    #[serde(rename = "PartitionID")]
    pub partition_id: u64,
    #[serde(rename = "ErrMsg")]
    pub err_msg: String,
}

/// Reply of `/disk/queryDecommissionProgress`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecommissionProgress {
    pub status_message: String,
    pub decommission_type: String,
    pub weight: i64,
    pub progress: String,
    pub total_dp_cnt: i64,
    pub remaining_dp_cnt: i64,
    pub running_dps: List<u64>,
    pub failed_dps: List<PartitionError>,
    pub ignore_dps: List<PartitionError>,
    pub residual_dps: List<PartitionError>,
    pub retry_over_limit_dps: List<u64>,
    pub start_time: String,
    pub is_manual_decommission_disk: bool,
    /// 0 to 1.
    #[serde(skip)]
    pub done: f64,
}

/// Reply of `/dataNode/queryDecommissionProgress`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DataDecommissionProgress {
    pub status: u32,
    pub status_message: String,
    pub weight: i64,
    pub progress: String,
    pub total_dp_cnt: i64,
    pub remaining_dp_cnt: i64,
    pub running_dps: List<u64>,
    pub failed_dps: List<PartitionError>,
    pub ignore_dps: Vec<PartitionError>,
    pub residual_dps: Vec<PartitionError>,
    pub start_time: String,
}

/// Reply of `/disk/queryAllDecommissionDisk`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecommissionDisksResponse {
    pub infos: List<DecommissionDiskInfo>,
}

/// One decommission record with its progress.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecommissionDiskInfo {
    pub src_addr: String,
    pub disk_path: String,
    pub progress_info: DecommissionProgress,
}

/// Name of a disk's status.
fn status_text(status: i64) -> &'static str {
    match status {
        0 => "Recovering",
        1 => "ReadOnly",
        2 => "ReadWrite",
        _ => "Unavailable",
    }
}

/// Status of a disk that cannot be used.
const UNAVAILABLE: i64 = -1;
/// Status of a disk of which nothing is reported.
const READ_WRITE: i64 = 2;

impl DiskInfos {
    /// Disks of the node at `addr`, or of all nodes.
    pub fn of(sight: &Sight<'_>, addr: Option<&str>) -> Self {
        let nodes = sight.state.data_nodes.values().filter(|node| addr.is_none_or(|addr| node.addr == addr));
        let disks = nodes.flat_map(|node| node.all_disks.iter().map(|path| DiskInfo::brief(sight, node, path)));
        Self { disks: disks.collect() }
    }

    /// Disks that nodes report as broken.
    pub fn bad(sight: &Sight<'_>) -> Self {
        let of_node = |node: &Arc<DataNode>| {
            let stats = sight.data_node(&node.addr).disk_stats.iter().filter(|disk| disk.status == UNAVAILABLE);
            let addr = node.addr.clone();
            stats
                .map(|disk| DiskInfo {
                    address: addr.clone(),
                    path: disk.disk_path.clone(),
                    total_partition_cnt: disk.total_partition_cnt,
                    disk_err_partition_list: disk.disk_err_partition_list.clone(),
                    ..DiskInfo::default()
                })
                .collect::<Vec<_>>()
        };
        Self { disks: sight.state.data_nodes.values().flat_map(of_node).collect() }
    }
}

impl DiskInfo {
    fn brief(sight: &Sight<'_>, node: &DataNode, path: &str) -> Self {
        let report = sight.data_node(&node.addr);
        let reported = report.disk_stats.iter().find(|disk| disk.disk_path == path);
        let lost = report.lost_disks.iter().any(|lost| lost == path);
        let status = if lost { UNAVAILABLE } else { reported.map_or(READ_WRITE, |disk| disk.status) };
        Self {
            node_id: node.id.0,
            address: node.addr.clone(),
            path: path.to_owned(),
            status: status_text(status).to_owned(),
            total_partition_cnt: reported.map_or(0, |disk| disk.total_partition_cnt),
            disk_err_partition_list: reported.map_or(List::NIL, |disk| disk.disk_err_partition_list.clone()),
            ..Self::default()
        }
    }

    /// A disk of a node with its space; `None` when the node has none of that path.
    pub fn of(sight: &Sight<'_>, node: &DataNode, path: &str) -> Option<Self> {
        node.all_disks.iter().find(|disk| *disk == path)?;
        let brief = Self::brief(sight, node, path);
        let stats = &sight.data_node(&node.addr).disk_stats;
        let Some(disk) = stats.iter().find(|disk| disk.disk_path == path) else { return Some(brief) };
        Some(Self { total: disk.total, used: disk.used, available: disk.available, io_util: disk.io_util, ..brief })
    }
}

impl DecommissionTokenStatus {
    /// What decommissions in each node set, and how much may at a time.
    pub fn all(sight: &Sight<'_>) -> List<Self> {
        sight.state.node_sets.values().map(|set| Self::of(sight, set)).collect()
    }

    fn of(sight: &Sight<'_>, set: &NodeSet) -> Self {
        let settings = &sight.state.settings;
        let in_set = |addr: &str| sight.state.data_node_by_addr(addr).is_some_and(|node| node.node_set_id == set.id);
        let open = [DecommissionStatus::MARKED, DecommissionStatus::RUNNING];
        let disks = sight.state.decommission_disks.values();
        let disks: Vec<_> = disks.filter(|disk| in_set(&disk.src_addr) && open.contains(&disk.decommission_status)).collect();
        let of_type = |auto: bool| -> Vec<String> {
            disks.iter().filter(|disk| (disk.decommission_type == DecommissionType::AUTO) == auto).map(|disk| disk.name()).collect()
        };
        let moves = || sight.state.moves.values().filter(|mv| mv.kind == PartitionKind::Data && mv.task.is_decommission());
        let total = moves().filter(|mv| in_set(&mv.from)).count();
        let begun = moves().filter(|mv| mv.phase != Phase::Waiting && in_set(&mv.to.addr));
        let running: Vec<u64> = begun.map(|mv| mv.partition.0).collect();
        let (manual, auto) = (of_type(false), of_type(true));
        let working = disks.iter().filter(|disk| disk.decommission_status == DecommissionStatus::RUNNING);
        Self {
            nodeset_id: set.id.0,
            cur_token_num: i32::try_from(running.len()).unwrap_or(i32::MAX),
            max_token_num: i32::try_from(settings.decommission_limit).unwrap_or(i32::MAX),
            running_dp: running,
            total_dp: total,
            manual_decommission_disk_total: manual.len(),
            manual_decommission_disk: manual,
            auto_decommission_disk_total: auto.len(),
            auto_decommission_disk: auto,
            max_disk_token_num: settings.disk_limit(),
            running_disk: working.map(|disk| disk.name()).collect(),
        }
    }
}

impl DecommissionInfoStat {
    /// Repairs that run, by the disk or by the node that they read from or write to; the busiest first.
    pub fn all(sight: &Sight<'_>, by_disk: bool) -> Vec<Self> {
        let mut stats: BTreeMap<String, Self> = BTreeMap::new();
        let running = sight.state.data_partitions.values().filter(|dp| dp.decommission_status == DecommissionStatus::RUNNING);
        for dp in running.filter(|dp| !dp.has_special_replica_num() || dp.special_replica_decommission_step == 2) {
            let key = |addr: &str| if by_disk { format!("{addr}_{}", dp.disk_on(addr).unwrap_or_default()) } else { addr.to_owned() };
            let source = dp.hosts.first().map(|addr| key(addr)).unwrap_or_default();
            stats.entry(source).or_default().repair_source_dp.push(dp.partition_id.0);
            stats.entry(key(&dp.decommission_dst_addr)).or_default().repair_target_dp.push(dp.partition_id.0);
        }
        let mut all: Vec<Self> = stats.into_iter().map(|(key, stat)| Self { key, ..stat }).collect();
        for stat in &mut all {
            stat.running_dp_num = stat.repair_source_dp.len() + stat.repair_target_dp.len();
        }
        all.sort_by_key(|stat| std::cmp::Reverse(stat.running_dp_num));
        all
    }
}

impl DecommissionFailedDiskInfo {
    /// The record of a disk that could not be emptied.
    pub fn of(disk: &DecommissionDisk) -> Self {
        Self {
            src_addr: disk.src_addr.clone(),
            disk_path: disk.disk_path.clone(),
            decommission_raft_force: disk.decommission_raft_force,
            decommission_times: disk.decommission_times,
            decommission_dp_total: disk.decommission_dp_total,
            decommission_weight: disk.decommission_weight,
            is_auto_decommission: disk.decommission_type == DecommissionType::AUTO,
        }
    }
}

impl DecommissionProgress {
    /// How far the decommission of a disk is (v3.5.3 http-partitions-nodes.md §12.2, §12.5).
    pub fn of(sight: &Sight<'_>, disk: &DecommissionDisk) -> Self {
        let of_disk =
            |dp: &&Arc<DataPartition>| dp.decommission_src_disk_path == disk.disk_path && dp.decommission_term == disk.decommission_term;
        let mine: Vec<_> = sight.state.data_partitions_leaving(&disk.src_addr).filter(of_disk).collect();
        let marked = disk.decommission_status == DecommissionStatus::MARKED;
        let with = |status| mine.iter().filter(move |dp| !marked && dp.decommission_status == status);
        let total = match disk.decommission_status {
            DecommissionStatus::MARKED => {
                sight.state.data_partitions_on(&disk.src_addr).filter(|dp| dp.disk_on(&disk.src_addr) == Some(&disk.disk_path)).count()
                    as i64
            }
            _ => disk.decommission_dp_total.max(0),
        };
        let errors = |list: &List<IgnoredPartition>| list.iter().map(PartitionError::of).collect::<Vec<_>>();
        let (ignored, residual) = (errors(&disk.ignore_decommission_dps), errors(&disk.residual_decommission_dps));
        let left = mine.iter().filter(|dp| dp.decommission_status != DecommissionStatus::SUCCESS).count() + ignored.len() + residual.len();
        let left = if marked { total } else { left as i64 };
        let started =
            matches!(disk.decommission_status, DecommissionStatus::RUNNING | DecommissionStatus::SUCCESS | DecommissionStatus::FAIL);
        let done = match total {
            _ if disk.decommission_status == DecommissionStatus::SUCCESS => 1.0,
            total if started && total > 0 => ((total - left).max(0) as f64 / total as f64 * 1e4).floor() / 1e4,
            _ => 0.0,
        };
        let failed = with(DecommissionStatus::FAIL)
            .map(|dp| PartitionError { partition_id: dp.partition_id.0, err_msg: dp.decommission_error_message.clone() });
        Self {
            status_message: disk.decommission_status.text(),
            decommission_type: decommission_type_text(disk.decommission_type),
            weight: disk.decommission_weight,
            progress: format!("{:.2}%", done * 100.0),
            total_dp_cnt: total,
            remaining_dp_cnt: left,
            running_dps: with(DecommissionStatus::RUNNING).map(|dp| dp.partition_id.0).collect(),
            failed_dps: failed.collect(),
            ignore_dps: ignored.into(),
            residual_dps: residual.into(),
            retry_over_limit_dps: Vec::new().into(),
            start_time: gotext::time_text(i64::try_from(disk.decommission_term).unwrap_or(0), gotext::ZONE),
            is_manual_decommission_disk: disk.decommission_type == DecommissionType::MANUAL,
            done,
        }
    }

    /// Of a disk that nobody takes out of service.
    pub fn initial() -> Self {
        Self { status_message: DecommissionStatus::INITIAL.text(), ..Self::default() }
    }
}

impl DataDecommissionProgress {
    /// How far the decommission of a node is: from that of its disks (v3.5.3 http-partitions-nodes.md §10.4).
    pub fn of(sight: &Sight<'_>, node: &DataNode) -> Self {
        let record = |disk: &String| sight.state.decommission_disks.get(&(node.addr.clone(), disk.clone()));
        let disks: Vec<Option<&Arc<DecommissionDisk>>> = node.decommission_disk_list.iter().map(record).collect();
        let shown: Vec<DecommissionProgress> = disks.iter().flatten().map(|disk| DecommissionProgress::of(sight, disk)).collect();
        let status_of = |disk: &Option<&Arc<DecommissionDisk>>| disk.map_or(DecommissionStatus::SUCCESS, |disk| disk.decommission_status);
        let statuses: Vec<DecommissionStatus> = disks.iter().map(status_of).collect();
        let ended = [DecommissionStatus::SUCCESS, DecommissionStatus::FAIL, DecommissionStatus::CANCEL];
        let stored = node.decommission_status;
        let untouched = matches!(stored, DecommissionStatus::INITIAL | DecommissionStatus::MARKED);
        let status = match stored {
            _ if untouched => stored,
            DecommissionStatus::FAIL if disks.is_empty() => stored,
            _ if disks.is_empty() => DecommissionStatus::SUCCESS,
            _ if statuses.iter().all(|status| *status == DecommissionStatus::MARKED) => DecommissionStatus::RUNNING,
            _ if !statuses.iter().all(|status| ended.contains(status)) => stored,
            _ if statuses.iter().all(|status| *status == DecommissionStatus::SUCCESS) => DecommissionStatus::SUCCESS,
            _ if statuses.contains(&DecommissionStatus::CANCEL) => DecommissionStatus::CANCEL,
            _ => DecommissionStatus::FAIL,
        };
        let sum: f64 = shown.iter().map(|disk| disk.done).sum::<f64>() + (disks.len() - shown.len()) as f64;
        let done = match status {
            _ if untouched => 0.0,
            DecommissionStatus::SUCCESS => 1.0,
            _ if disks.is_empty() => 0.0,
            _ => (sum / disks.len() as f64 * 1e4).floor() / 1e4,
        };
        Self {
            status: status.0,
            status_message: status.text(),
            weight: node.decommission_weight,
            progress: format!("{:.2}%", done * 100.0),
            total_dp_cnt: node.decommission_dp_total.max(0),
            remaining_dp_cnt: shown.iter().map(|disk| disk.remaining_dp_cnt).sum(),
            running_dps: shown.iter().flat_map(|disk| disk.running_dps.iter().copied()).collect(),
            failed_dps: shown.iter().flat_map(|disk| disk.failed_dps.iter().cloned()).collect(),
            ignore_dps: shown.iter().flat_map(|disk| disk.ignore_dps.iter().cloned()).collect(),
            residual_dps: shown.iter().flat_map(|disk| disk.residual_dps.iter().cloned()).collect(),
            start_time: gotext::time_text(i64::try_from(node.decommission_time).unwrap_or(0), gotext::ZONE),
        }
    }
}

impl FirstHostRepairInfo {
    /// Nodes that others are repaired from, with their disks.
    pub fn all(sight: &Sight<'_>) -> Vec<Self> {
        let mut nodes: BTreeMap<&str, Self> = BTreeMap::new();
        let begun = sight.state.moves.values().filter(|mv| mv.phase != Phase::Waiting && !mv.repaired_from.is_empty());
        for mv in begun {
            let node = nodes.entry(&mv.repaired_from).or_insert_with(|| Self { addr: mv.repaired_from.clone(), ..Self::default() });
            node.cur_parallel += 1;
            let disk = node.disk_to_decommission_repair_dp_map.entry(mv.repaired_from_disk.clone()).or_default();
            disk.disk_path.clone_from(&mv.repaired_from_disk);
            disk.cur_parallel += 1;
            disk.repairing_dps.insert(mv.partition.to_string(), BTreeMap::new());
        }
        nodes.into_values().collect()
    }
}

impl PartitionError {
    fn of(ignored: &IgnoredPartition) -> Self {
        Self { partition_id: ignored.partition_id.0, err_msg: ignored.err_msg.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MediaType;
    use crate::plan::world::{data_addr, data_heartbeat, World};
    use crate::wire::report::DiskStat;
    use time::UtcOffset;

    #[test]
    fn every_list_of_disks_says_which_partitions_are_broken_on_them() {
        let mut world = World::new();
        world.zone("default", MediaType::SSD, 1, 1, 0);
        let addr = data_addr(1, 1);
        let disks = vec!["/disk1".to_owned(), "/disk2".to_owned()];
        let node = (**world.state.data_node_by_addr(&addr).unwrap()).clone();
        world.put(DataNode { all_disks: disks.into(), ..node });
        let mut heartbeat = data_heartbeat(1000, 0, &[]);
        heartbeat.disk_stats = vec![DiskStat {
            status: UNAVAILABLE,
            disk_path: "/disk1".into(),
            total: 9,
            total_partition_cnt: 3,
            disk_err_partition_list: vec![1, 2].into(),
            ..Default::default()
        }]
        .into();
        world.hear_data(&addr, heartbeat);
        let sight = Sight::new(world.scene(), &world.reports, UtcOffset::UTC);
        for disks in [DiskInfos::of(&sight, None), DiskInfos::bad(&sight)] {
            let broken = &disks.disks[0];
            assert_eq!((broken.total, broken.total_partition_cnt, &broken.disk_err_partition_list[..]), (0, 3, &[1, 2][..]));
        }
        let node = world.state.data_node_by_addr(&addr).unwrap();
        let broken = DiskInfo::of(&sight, node, "/disk1").unwrap();
        assert_eq!((broken.total, broken.total_partition_cnt, &broken.disk_err_partition_list[..]), (9, 3, &[1, 2][..]));
        assert_eq!(DiskInfos::of(&sight, None).disks[1].total_partition_cnt, 0);
    }
}
