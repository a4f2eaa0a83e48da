//! Data partitions as replies show them (v3.5.3 http-types.md: DataPartitionInfo … DataPartitionsView).

use super::gotext;
use super::sight::Sight;
use crate::ids::PartitionId;
use crate::model::{DataNode, DataPartition, DecommissionStatus, DecommissionType, PartitionStatus, RestoreReplica, Volume, VolumeType};
use crate::plan::data_partition::{assess, forbids_proto_0, lost_its_leader, Assessment};
use crate::plan::life::Life;
use crate::plan::reports::{DataPartitionReports, DataReplica as Reported};
use crate::plan::volume::Facts;
use crate::wire::gojson::{uint_keys, GoTime, List};
use crate::wire::peer::Peer;
use crate::wire::report::{DataPartitionReport, StatOfStorageClass};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// Reply of `/dataPartition/get`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DataPartitionInfo {
    #[serde(rename = "PartitionID")]
    pub partition_id: u64,
    pub partition_type: i64,
    pub last_loaded_time: i64,
    pub replica_num: u8,
    pub status: i8,
    pub recover: bool,
    pub replicas: Vec<DataReplica>,
    pub hosts: Vec<String>,
    pub peers: Vec<Peer>,
    pub zones: Vec<String>,
    pub node_sets: Vec<u64>,
    pub missing_nodes: BTreeMap<String, i64>,
    pub vol_name: String,
    #[serde(rename = "VolID")]
    pub vol_id: u64,
    #[serde(rename = "OfflinePeerID")]
    pub offline_peer_id: u64,
    pub file_in_core_map: BTreeMap<String, FileInCore>,
    pub is_recover: bool,
    pub files_with_missing_replica: BTreeMap<String, i64>,
    pub single_decommission_status: u32,
    pub single_decommission_addr: String,
    pub rd_only: bool,
    pub is_discard: bool,
    pub forbidden: bool,
    pub media_type: u32,
    pub forbid_write_op_of_proto_ver0: bool,
}

/// One replica of a data partition.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DataReplica {
    pub addr: String,
    pub domain_addr: String,
    pub report_time: i64,
    pub file_count: u32,
    pub status: i8,
    pub has_load_response: bool,
    pub total_size: u64,
    pub used_size: u64,
    pub is_leader: bool,
    pub needs_to_compare: bool,
    pub disk_path: String,
    pub decommission_repair_progress: f64,
    pub local_peers: List<Peer>,
    pub trigger_disk_error: bool,
    pub forbid_write_op_of_proto_ver0: bool,
    pub read_only_reasons: u32,
    pub is_missing_tiny_extent: bool,
    pub is_repairing: bool,
}

/// An extent as the replicas reported it at the last load.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FileInCore {
    pub name: String,
    pub last_modify: i64,
    pub metadata_array: Vec<FileMetadata>,
}

/// One replica's view of an extent. `ApplyID` is 0 in replies.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FileMetadata {
    pub crc: u32,
    pub loc_addr: String,
    pub size: u32,
    #[serde(rename = "ApplyID")]
    pub apply_id: u64,
}

/// Reply of `/client/partitions`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DataPartitionsView {
    pub data_partitions: Vec<DataPartitionResponse>,
    pub vol_read_only: bool,
    pub stat_by_class: List<StatOfStorageClass>,
}

/// A data partition as clients see it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DataPartitionResponse {
    pub partition_type: i64,
    #[serde(rename = "PartitionID")]
    pub partition_id: u64,
    pub status: i8,
    pub replica_num: u8,
    pub hosts: Vec<String>,
    pub leader_addr: String,
    pub epoch: u64,
    pub is_recover: bool,
    pub is_discard: bool,
    pub media_type: u32,
}

/// Reply of `/dataPartition/diagnose` (v3.5.3 http-partitions-nodes.md §2.4).
#[derive(Clone, Debug, Default, Serialize)]
pub struct DataPartitionDiagnosis {
    #[serde(rename = "InactiveDataNodes")]
    pub inactive_data_nodes: Vec<String>,
    #[serde(rename = "CorruptDataPartitionIDs")]
    pub corrupt: Vec<u64>,
    #[serde(rename = "LackReplicaDataPartitionIDs")]
    pub lack_replica: Vec<u64>,
    #[serde(rename = "RepFileCountDifferDpIDs")]
    pub file_count_differs: Vec<u64>,
    #[serde(rename = "RepUsedSizeDifferDpIDs")]
    pub used_size_differs: Vec<u64>,
    #[serde(rename = "ExcessReplicaDpIDs")]
    pub excess_replica: Vec<u64>,
    #[serde(rename = "MissingTinyExtentDpIDs")]
    pub missing_tiny_extent: Vec<u64>,
    #[serde(rename = "BadDataPartitionInfos")]
    pub bad: Vec<BadPartitionRepairView>,
    #[serde(rename = "BadReplicaDataPartitionIDs")]
    pub bad_replica: Vec<u64>,
    #[serde(rename = "DiskErrorDataPartitionInfos")]
    pub disk_error: DiskErrPartitionView,
}

/// Partitions being recovered from one disk; the path is `addr:disk`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BadPartitionRepairView {
    pub path: String,
    pub partition_infos: Vec<DpRepairInfo>,
}

/// How far the recovery of one partition is.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DpRepairInfo {
    #[serde(rename = "PartitionID")]
    pub partition_id: u64,
    pub decommission_repair_progress: f64,
    pub recover_start_time: GoTime,
    pub recover_update_time: GoTime,
    pub decommission_type: u32,
}

/// Replicas on broken disks by partition id.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DiskErrPartitionView {
    #[serde(with = "uint_keys")]
    pub disk_err_replicas: Option<BTreeMap<u64, Vec<DiskErrReplicaInfo>>>,
}

/// A replica on a broken disk.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DiskErrReplicaInfo {
    pub addr: String,
    pub disk: String,
}

/// Reply of `/dataPartition/queryDecommissionStatus`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecommissionDataPartitionInfo {
    pub partition_id: u64,
    pub replica_num: u8,
    pub status: String,
    pub special_step: String,
    pub progress: String,
    pub disk_retry_map: BTreeMap<String, i64>,
    pub retry: i64,
    pub raft_force: bool,
    pub recover: bool,
    pub src_address: String,
    pub src_disk_path: String,
    pub dst_address: String,
    pub dst_node_set: u64,
    pub term: u64,
    pub weight: i64,
    pub replicas: List<String>,
    pub error_message: String,
    pub need_rollback_times: u32,
    pub decommission_type: String,
    pub restore_replica_type: String,
    pub is_discard: bool,
    pub recover_start_time: String,
    pub recover_update_time: String,
    pub decommission_retry_time: String,
}

/// Reply of `/dataPartition/checkReplicaMeta`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BadReplicaMetaResponse {
    pub infos: List<BadReplicaMetaInfo>,
}

/// A replica whose members differ from the master's.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BadReplicaMetaInfo {
    pub partition_id: u64,
    /// `addr_disk`.
    pub replica: String,
    pub bad_peer: List<Peer>,
    pub expect_peer: Vec<Peer>,
}

/// Reply of `/admin/getDiscardDp`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DiscardDataPartitionInfos {
    pub discard_dps: List<DataPartitionInfo>,
}

/// Reply of `/client/disk/partitions`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DiskDataPartitionsView {
    pub data_partitions: List<DataPartitionReport>,
}

/// Used sizes of replicas may differ by this much, bytes.
const USED_SIZE_DIFFERENCE_MAX: u64 = 1 << 30;
/// Files of replicas may differ by this many.
const FILE_COUNT_DIFFERENCE_MAX: u32 = 20;

static UNREPORTED: LazyLock<DataPartitionReports> = LazyLock::new(DataPartitionReports::default);

fn reported<'a>(sight: &Sight<'a>, id: PartitionId) -> &'a DataPartitionReports {
    sight.reports.data_partition(id).unwrap_or(&UNREPORTED)
}

/// A partition as clients and checks see it; a partition of an unknown volume as that of an empty one.
pub fn assessment(sight: &Sight<'_>, partition: &DataPartition) -> Assessment {
    let scene = sight.scene();
    let nothing = Volume::default();
    let volume = sight.state.volumes.get(&partition.vol_id).map_or(&nothing, |volume| volume);
    assess(&scene, sight.reports, partition, &Facts::of(&scene, sight.reports, volume))
}

impl DataPartitionInfo {
    /// Everything about a data partition.
    pub fn of(sight: &Sight<'_>, partition: &DataPartition) -> Self {
        let seen = assessment(sight, partition);
        let reported = reported(sight, partition.partition_id);
        let (zones, node_sets) = sight.data_places(&partition.hosts);
        let replicas = reported.replicas.iter().zip(&seen.replicas).map(|(replica, state)| {
            let shown = DataReplica::of(sight, partition, replica);
            DataReplica { status: state.status.0, is_leader: state.is_leader, read_only_reasons: state.read_only_reasons, ..shown }
        });
        Self {
            partition_id: partition.partition_id.0,
            partition_type: partition.partition_type,
            last_loaded_time: reported.last_loaded_wall_secs,
            replica_num: partition.replica_num,
            status: seen.status.0,
            replicas: replicas.collect(),
            hosts: partition.hosts.clone(),
            peers: partition.peers.clone(),
            zones,
            node_sets,
            missing_nodes: reported.missing.iter().map(|(addr, at)| (addr.to_string(), *at)).collect(),
            vol_name: partition.vol_name.clone(),
            vol_id: partition.vol_id.0,
            offline_peer_id: partition.offline_peer_id,
            is_recover: partition.is_recover,
            single_decommission_status: partition.special_replica_decommission_step,
            is_discard: partition.is_discard,
            forbidden: sight.state.volumes.get(&partition.vol_id).is_none_or(|volume| volume.forbidden),
            media_type: partition.effective_media_type(sight.rules.legacy_media_type).0,
            forbid_write_op_of_proto_ver0: forbids_proto_0(&sight.scene(), sight.reports, partition),
            ..Self::default()
        }
    }
}

impl DataReplica {
    fn of(sight: &Sight<'_>, partition: &DataPartition, replica: &Reported) -> Self {
        Self {
            addr: replica.addr.to_string(),
            report_time: sight.wall_of(replica.heard_at),
            file_count: replica.file_count,
            has_load_response: replica.has_load_response,
            total_size: replica.total,
            used_size: replica.used,
            needs_to_compare: replica.needs_compare && !replica.assumed,
            disk_path: replica.disk.to_string(),
            decommission_repair_progress: replica.repair_progress,
            local_peers: replica.local_peers.list(&partition.peers).map_or(List::NIL, |peers| peers.to_vec().into()),
            trigger_disk_error: replica.trigger_disk_error,
            forbid_write_op_of_proto_ver0: replica.forbids_proto_0,
            is_missing_tiny_extent: replica.is_missing_tiny_extent,
            is_repairing: replica.is_repairing,
            ..Self::default()
        }
    }
}

impl DiscardDataPartitionInfos {
    /// All discarded data partitions.
    pub fn of(sight: &Sight<'_>) -> Self {
        let discarded = sight.state.data_partitions.values().filter(|dp| dp.is_discard);
        Self { discard_dps: discarded.map(|dp| DataPartitionInfo::of(sight, dp)).collect() }
    }
}

impl DataPartitionResponse {
    /// A data partition as clients see it.
    pub fn of(sight: &Sight<'_>, partition: &DataPartition, facts: &Facts) -> Self {
        let seen = assess(&sight.scene(), sight.reports, partition, facts);
        Self {
            partition_type: partition.partition_type,
            partition_id: partition.partition_id.0,
            status: seen.status.0,
            replica_num: partition.replica_num,
            hosts: partition.hosts.clone(),
            leader_addr: seen.leader.map_or_else(String::new, |addr| addr.to_string()),
            epoch: 0,
            is_recover: partition.is_recover,
            is_discard: partition.is_discard,
            media_type: partition.effective_media_type(sight.rules.legacy_media_type).0,
        }
    }
}

impl DiskDataPartitionsView {
    /// What a node last reported of the partitions on one of its disks.
    pub fn of(sight: &Sight<'_>, node: &DataNode, disk: &str) -> Self {
        let reports = super::node::DataNodeInfo::partition_reports(sight, &node.addr, sight.data_node(&node.addr));
        Self { data_partitions: reports.into_iter().filter(|report| report.disk_path == disk).collect() }
    }
}

impl BadReplicaMetaResponse {
    /// Replicas that reported other members than the master has; one that has not reported differs too.
    pub fn of(sight: &Sight<'_>) -> Self {
        let mut infos = Vec::new();
        for partition in sight.state.data_partitions.values() {
            let replicas = &reported(sight, partition.partition_id).replicas;
            for replica in replicas.iter().filter(|r| r.local_peers.differ_from(&partition.peers)) {
                infos.push(BadReplicaMetaInfo {
                    partition_id: partition.partition_id.0,
                    replica: format!("{}_{}", replica.addr, replica.disk),
                    bad_peer: replica.local_peers.list(&partition.peers).map_or(List::NIL, |peers| peers.to_vec().into()),
                    expect_peer: partition.peers.clone(),
                });
            }
        }
        Self { infos: infos.into_iter().collect() }
    }
}

impl DecommissionDataPartitionInfo {
    /// Where the decommission of a partition stands (v3.5.3 http-partitions-nodes.md §2.2).
    pub fn of(sight: &Sight<'_>, partition: &DataPartition) -> Self {
        let reported = reported(sight, partition.partition_id);
        let progress = reported.replica(&partition.decommission_dst_addr).map(|r| r.repair_progress);
        let date = |at: i64| gotext::date_time(at, sight.zone);
        Self {
            partition_id: partition.partition_id.0,
            replica_num: partition.replica_num,
            status: partition.decommission_status.text(),
            special_step: special_step_text(partition.special_replica_decommission_step),
            progress: progress.map_or_else(String::new, |p| format!("{:.2}%", p * 100.0)),
            disk_retry_map: partition.decommission_disk_retry_map.clone(),
            retry: partition.decommission_retry,
            raft_force: partition.decommission_raft_force,
            recover: partition.is_recover,
            src_address: partition.decommission_src_addr.clone(),
            src_disk_path: partition.decommission_src_disk_path.clone(),
            dst_address: partition.decommission_dst_addr.clone(),
            dst_node_set: partition.decommission_dst_node_set.0,
            term: partition.decommission_term,
            weight: partition.decommission_weight,
            replicas: reported.replicas.iter().map(|r| r.addr.to_string()).collect(),
            error_message: partition.decommission_error_message.clone(),
            need_rollback_times: partition.decommission_need_rollback_times,
            decommission_type: decommission_type_text(partition.decommission_type),
            restore_replica_type: restore_text(partition.restore_replica),
            is_discard: partition.is_discard,
            recover_start_time: date(partition.recover_start_time),
            recover_update_time: date(partition.recover_update_time),
            decommission_retry_time: date(partition.decommission_retry_time),
        }
    }
}

/// Name of a decommission type; the balancing ones have none in v3.5.3.
pub fn decommission_type_text(kind: DecommissionType) -> String {
    let names =
        ["InitialDecommission", "ManualDecommission", "AutoDecommission", "QueryDecommission", "AutoAddReplica", "ManualAddReplica"];
    named(&names, kind.0)
}

pub(super) fn special_step_text(step: u32) -> String {
    let names = [
        "SpecialDecommissionInitial",
        "SpecialDecommissionEnter",
        "SpecialDecommissionWaitAddRes",
        "SpecialDecommissionWaitAddResFin",
        "SpecialDecommissionRemoveOld",
    ];
    named(&names, step)
}

pub(super) fn restore_text(restore: RestoreReplica) -> String {
    named(&["RestoreReplicaMetaStop", "RestoreReplicaMetaRunning", "RestoreReplicaMetaForbidden"], restore.0)
}

fn named(names: &[&str], number: u32) -> String {
    names.get(number as usize).map_or_else(|| format!("Unkown:{number}"), |name| (*name).to_owned())
}

impl DataPartitionDiagnosis {
    /// Data partitions in trouble, of volumes that are not marked deleted (v3.5.3 http-partitions-nodes.md §2.4).
    pub fn of(sight: &Sight<'_>, ignore_discarded: bool) -> Self {
        let scene = sight.scene();
        let inactive = |node: &&Arc<DataNode>| !sight.reports.data_liveness(&node.addr, sight.now).is_active();
        let mut found = Self {
            inactive_data_nodes: sight.state.data_nodes.values().filter(inactive).map(|node| node.addr.clone()).collect(),
            disk_error: DiskErrPartitionView::of(sight),
            ..Self::default()
        };
        for volume in sight.state.volumes.values().filter(|volume| !volume.is_deleted()) {
            let facts = Facts::of(&scene, sight.reports, volume);
            let partitions = sight.state.data_partitions_of_volume(volume.id);
            for partition in partitions.filter(|dp| !(ignore_discarded && dp.is_discard)) {
                found.diagnose(sight, volume, partition, &facts);
            }
        }
        found
    }

    fn diagnose(&mut self, sight: &Sight<'_>, volume: &Volume, partition: &DataPartition, facts: &Facts) {
        let id = partition.partition_id.0;
        let reported = reported(sight, partition.partition_id);
        let seen = assess(&sight.scene(), sight.reports, partition, facts);
        let wanted = usize::from(volume.dp_replica_num);
        let hosts = partition.hosts.len();
        let status = partition.decommission_status;
        if volume.vol_type == VolumeType::HOT && lost_its_leader(&sight.scene(), sight.reports, partition) {
            self.corrupt.push(id);
        }
        let live = seen.replicas.iter().filter(|r| r.life == Life::Live && partition.has_host(&r.addr)).count();
        if wanted > hosts || wanted > live {
            self.lack_replica.push(id);
        }
        let settled = status == DecommissionStatus::INITIAL || status == DecommissionStatus::FAIL;
        if settled && hosts.max(reported.replicas.len()) > usize::from(partition.replica_num) {
            self.excess_replica.push(id);
        }
        if status == DecommissionStatus::RUNNING && reported.replicas.iter().any(|r| r.is_missing_tiny_extent) {
            self.missing_tiny_extent.push(id);
        }
        if seen.replicas.iter().any(|r| r.status == PartitionStatus::UNAVAILABLE) {
            self.bad_replica.push(id);
        }
        let moving = (DecommissionStatus::MARKED.0..=DecommissionStatus::RUNNING.0).contains(&status.0);
        let Some(first) = reported.replicas.first().filter(|_| !moving) else { return };
        if reported.replicas.iter().any(|r| r.used.abs_diff(first.used) > USED_SIZE_DIFFERENCE_MAX) {
            self.used_size_differs.push(id);
        }
        // v3.5.3 subtracts without a sign: a smaller count is a huge difference.
        if reported.replicas.iter().any(|r| r.file_count.wrapping_sub(first.file_count) > FILE_COUNT_DIFFERENCE_MAX) {
            self.file_count_differs.push(id);
        }
    }
}

impl DiskErrPartitionView {
    /// Replicas on broken disks, as their nodes reported; unknown and discarded partitions are left out.
    pub fn of(sight: &Sight<'_>) -> Self {
        let mut replicas: BTreeMap<u64, Vec<DiskErrReplicaInfo>> = BTreeMap::new();
        for node in sight.state.data_nodes.values() {
            for stat in sight.data_node(&node.addr).bad_disk_stats.iter() {
                for id in stat.disk_err_partition_list.iter() {
                    if sight.state.data_partitions.get(&PartitionId(*id)).is_some_and(|dp| !dp.is_discard) {
                        let replica = DiskErrReplicaInfo { addr: node.addr.clone(), disk: stat.disk_path.clone() };
                        replicas.entry(*id).or_default().push(replica);
                    }
                }
            }
        }
        Self { disk_err_replicas: Some(replicas) }
    }
}
