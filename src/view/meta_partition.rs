//! Meta partitions as replies show them (v3.5.3 http-types.md: MetaPartitionView … CleanTask).

use super::sight::Sight;
use crate::ids::PartitionId;
use crate::model::{DataPartition, Freeze, MetaNode, MetaPartition, PartitionKind, PartitionStatus, Volume};
use crate::plan::empty_partitions::is_empty;
use crate::plan::life::Life;
use crate::plan::meta_partition::{assess, forbids_proto_0, last_of_volume, lost_its_leader, Assessment};
use crate::plan::reports::MetaPartitionReports;
use crate::state::State;
use crate::wire::gojson::List;
use crate::wire::peer::Peer;
use crate::wire::report::{MetaPartitionLoadResponse, StatOfStorageClass};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// A meta partition as clients see it. Without a leader only id, range, status and members are filled.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetaPartitionView {
    #[serde(rename = "PartitionID")]
    pub partition_id: u64,
    pub start: u64,
    pub end: u64,
    #[serde(rename = "MaxInodeID")]
    pub max_inode_id: u64,
    pub inode_count: u64,
    pub dentry_count: u64,
    pub free_list_len: u64,
    pub tx_cnt: u64,
    pub tx_rb_ino_cnt: u64,
    pub tx_rb_den_cnt: u64,
    pub is_recover: bool,
    pub members: Vec<String>,
    pub leader_addr: String,
    pub status: i8,
    pub freeze: i8,
    pub last_del_replica_time: i64,
}

/// Reply of `/metaPartition/get`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetaPartitionInfo {
    #[serde(rename = "PartitionID")]
    pub partition_id: u64,
    pub start: u64,
    pub end: u64,
    #[serde(rename = "MaxInodeID")]
    pub max_inode_id: u64,
    pub inode_count: u64,
    pub dentry_count: u64,
    pub vol_name: String,
    pub replicas: Vec<MetaReplicaInfo>,
    pub replica_num: u8,
    pub status: i8,
    pub is_recover: bool,
    pub hosts: Vec<String>,
    pub peers: Vec<Peer>,
    pub zones: Vec<String>,
    pub node_sets: Vec<u64>,
    #[serde(rename = "OfflinePeerID")]
    pub offline_peer_id: u64,
    pub miss_nodes: BTreeMap<String, i64>,
    pub load_response: List<MetaPartitionLoadResponse>,
    pub forbidden: bool,
    pub freeze: i8,
    pub stat_by_storage_class: Vec<StatOfStorageClass>,
    /// Null before the first check.
    pub stat_by_migrate_storage_class: List<StatOfStorageClass>,
    pub forbid_write_op_of_proto_ver0: bool,
}

/// One replica of a meta partition.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetaReplicaInfo {
    pub addr: String,
    #[serde(rename = "NodeID")]
    pub node_id: u64,
    pub domain_addr: String,
    #[serde(rename = "MaxInodeID")]
    pub max_inode_id: u64,
    pub report_time: i64,
    pub status: i8,
    pub is_leader: bool,
    pub inode_count: u64,
    pub max_inode: u64,
    pub dentry_count: u64,
    pub read_only_reasons: u32,
}

/// Partitions by path: a meta node address, or `addr:disk` of a data node.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BadPartitionView {
    #[serde(rename = "Path")]
    pub path: String,
    #[serde(rename = "PartitionIDs")]
    pub partition_ids: Vec<u64>,
}

/// Reply of `/metaPartition/diagnose` (v3.5.3 http-partitions-nodes.md §7.7).
#[derive(Clone, Debug, Default, Serialize)]
pub struct MetaPartitionDiagnosis {
    #[serde(rename = "InactiveMetaNodes")]
    pub inactive_meta_nodes: Vec<String>,
    #[serde(rename = "CorruptMetaPartitionIDs")]
    pub corrupt: Vec<u64>,
    #[serde(rename = "LackReplicaMetaPartitionIDs")]
    pub lack_replica: Vec<u64>,
    #[serde(rename = "BadMetaPartitionIDs")]
    pub bad: Vec<BadPartitionView>,
    #[serde(rename = "BadReplicaMetaPartitionIDs")]
    pub bad_replica: Vec<u64>,
    #[serde(rename = "ExcessReplicaMetaPartitionIDs")]
    pub excess_replica: Vec<u64>,
    #[serde(rename = "InodeCountNotEqualReplicaMetaPartitionIDs")]
    pub inode_count_differs: List<u64>,
    #[serde(rename = "MaxInodeNotEqualReplicaMetaPartitionIDs")]
    pub max_inode_differs: List<u64>,
    #[serde(rename = "DentryCountNotEqualReplicaMetaPartitionIDs")]
    pub dentry_count_differs: List<u64>,
}

/// Reply of `/metaPartition/diagnose` with `v1`: all lists but the first are null when empty.
#[derive(Clone, Debug, Default, Serialize)]
pub struct MetaPartitionDiagnosisV1 {
    #[serde(rename = "InactiveMetaNodes")]
    pub inactive_meta_nodes: Vec<String>,
    #[serde(rename = "NoLeaderMetaPartitionIDs")]
    pub no_leader: List<u64>,
    #[serde(rename = "LackReplicaMetaPartitionIDs")]
    pub lack_replica: List<u64>,
    #[serde(rename = "BadMetaPartitionIDs")]
    pub bad: List<BadPartitionView>,
    #[serde(rename = "UnavailableMetaPartitionIDs")]
    pub unavailable: List<u64>,
    #[serde(rename = "InConsistRreplicaCntMetaPartitionIDs")]
    pub excess_replica: List<u64>,
    #[serde(rename = "InodeCountNotEqualIDs")]
    pub inode_count_differs: List<u64>,
    #[serde(rename = "MaxInodeNotEqualIDs")]
    pub max_inode_differs: List<u64>,
    #[serde(rename = "DentryCountNotEqualIDs")]
    pub dentry_count_differs: List<u64>,
    #[serde(rename = "AbnormalRaftIDs")]
    pub abnormal_raft: List<u64>,
}

/// Element of `/metaPartition/emptyStatus`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct VolEmptyMpStats {
    pub name: String,
    pub total: usize,
    #[serde(rename = "emptyCount")]
    pub empty_count: usize,
    #[serde(rename = "metaPartitions")]
    pub meta_partitions: Vec<MetaPartitionView>,
}

/// Element of `/metaPartition/getCleanTask`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CleanTask {
    pub name: String,
    pub status: String,
    pub unfreeze: usize,
    pub freezing: usize,
    pub freezed: usize,
}

impl CleanTask {
    /// Of a volume; the numbers are those of its partitions.
    pub fn of(state: &State, volume: &Volume, status: &str) -> Self {
        let count = |freeze| state.meta_partitions_of_volume(volume.id).filter(|mp| mp.freeze == freeze).count();
        Self {
            name: volume.name.clone(),
            status: status.to_owned(),
            unfreeze: count(Freeze::NONE),
            freezing: count(Freeze::FREEZING),
            freezed: count(Freeze::FROZEN),
        }
    }
}

static UNREPORTED: LazyLock<MetaPartitionReports> = LazyLock::new(MetaPartitionReports::default);

fn reported<'a>(sight: &Sight<'a>, id: PartitionId) -> &'a MetaPartitionReports {
    sight.reports.meta_partition(id).unwrap_or(&UNREPORTED)
}

/// A partition as clients and checks see it.
pub fn assessment(sight: &Sight<'_>, partition: &MetaPartition) -> Assessment {
    let forbidden = sight.state.volumes.get(&partition.vol_id).is_some_and(|volume| volume.forbidden);
    let last = last_of_volume(sight.state, partition.vol_id).is_some_and(|last| last.partition_id == partition.partition_id);
    assess(&sight.scene(), sight.reports, partition, forbidden, last)
}

impl MetaPartitionView {
    /// A meta partition as clients see it.
    pub fn of(sight: &Sight<'_>, partition: &MetaPartition) -> Self {
        let seen = assessment(sight, partition);
        let known = Self {
            partition_id: partition.partition_id.0,
            start: partition.start,
            end: partition.end,
            members: partition.hosts.clone(),
            status: seen.status.0,
            ..Self::default()
        };
        let Some(leader) = seen.leader else { return known };
        let reported = reported(sight, partition.partition_id);
        Self {
            max_inode_id: reported.max_inode_id(),
            inode_count: reported.inode_count(),
            dentry_count: reported.dentry_count(),
            free_list_len: reported.free_list_len(),
            tx_cnt: reported.tx_count(),
            tx_rb_ino_cnt: reported.tx_rollback_inode_count(),
            tx_rb_den_cnt: reported.tx_rollback_dentry_count(),
            is_recover: partition.is_recover,
            leader_addr: leader.to_string(),
            freeze: partition.freeze.0,
            last_del_replica_time: partition.last_del_replica_time,
            ..known
        }
    }

    /// Those of a volume, by first inode.
    pub fn of_volume(sight: &Sight<'_>, volume: &Volume) -> Vec<Self> {
        sight.state.meta_partitions_of_volume(volume.id).map(|mp| Self::of(sight, mp)).collect()
    }
}

impl MetaPartitionInfo {
    /// Everything about a meta partition. `loaded` is what its replicas answered when they were last loaded.
    pub fn of(sight: &Sight<'_>, partition: &MetaPartition, loaded: List<MetaPartitionLoadResponse>) -> Self {
        let seen = assessment(sight, partition);
        let reported = reported(sight, partition.partition_id);
        let (zones, node_sets) = sight.meta_places(&partition.hosts);
        let replicas = reported.replicas.iter().zip(&seen.replicas).map(|(replica, state)| MetaReplicaInfo {
            addr: replica.addr.to_string(),
            node_id: sight.state.meta_node_by_addr(&replica.addr).map_or(0, |node| node.id.0),
            domain_addr: String::new(),
            max_inode_id: replica.max_inode_id,
            report_time: sight.wall_of(replica.heard_at),
            status: state.status.0,
            is_leader: state.is_leader,
            inode_count: replica.inode_count,
            max_inode: replica.max_inode_id,
            dentry_count: replica.dentry_count,
            read_only_reasons: state.read_only_reasons,
        });
        Self {
            partition_id: partition.partition_id.0,
            start: partition.start,
            end: partition.end,
            max_inode_id: reported.max_inode_id(),
            inode_count: reported.inode_count(),
            dentry_count: reported.dentry_count(),
            vol_name: partition.vol_name.clone(),
            replicas: replicas.collect(),
            replica_num: partition.replica_num,
            status: seen.status.0,
            is_recover: partition.is_recover,
            hosts: partition.hosts.clone(),
            peers: partition.peers.clone(),
            zones,
            node_sets,
            offline_peer_id: partition.offline_peer_id,
            miss_nodes: reported.missing.iter().map(|(addr, at)| (addr.to_string(), *at)).collect(),
            load_response: loaded,
            forbidden: sight.state.volumes.get(&partition.vol_id).is_none_or(|volume| volume.forbidden),
            freeze: partition.freeze.0,
            stat_by_storage_class: reported.stats(),
            stat_by_migrate_storage_class: match reported.checked.is_some() {
                true => reported.migrate_stats().into(),
                false => List::default(),
            },
            forbid_write_op_of_proto_ver0: forbids_proto_0(&sight.scene(), sight.reports, partition),
        }
    }
}

/// Meta partitions in trouble, by kind of trouble (v3.5.3 http-partitions-nodes.md §7.7).
#[derive(Default)]
struct Troubles {
    no_leader: Vec<u64>,
    lack_replica: Vec<u64>,
    bad_replica: Vec<u64>,
    excess_replica: Vec<u64>,
}

impl Troubles {
    fn of(sight: &Sight<'_>) -> Self {
        let mut found = Self::default();
        let volumes = sight.state.volumes.values().filter(|volume| !volume.is_deleted());
        for partition in volumes.flat_map(|volume| sight.state.meta_partitions_of_volume(volume.id)) {
            let id = partition.partition_id.0;
            let seen = assessment(sight, partition);
            let wanted = usize::from(partition.replica_num);
            let live = seen.replicas.iter().filter(|r| r.life == Life::Live && partition.has_host(&r.addr)).count();
            if lost_its_leader(&sight.scene(), sight.reports, partition) {
                found.no_leader.push(id);
            }
            if partition.hosts.len() < wanted || live < wanted {
                found.lack_replica.push(id);
            }
            if seen.replicas.iter().any(|r| r.status == PartitionStatus::UNAVAILABLE) {
                found.bad_replica.push(id);
            }
            if partition.hosts.len().max(seen.replicas.len()) > wanted {
                found.excess_replica.push(id);
            }
        }
        found
    }
}

fn inactive_nodes(sight: &Sight<'_>) -> Vec<String> {
    let inactive = |node: &&Arc<MetaNode>| !sight.reports.meta_liveness(&node.addr, sight.now).is_active();
    sight.state.meta_nodes.values().filter(inactive).map(|node| node.addr.clone()).collect()
}

impl MetaPartitionDiagnosis {
    /// Meta partitions in trouble.
    pub fn of(sight: &Sight<'_>) -> Self {
        let found = Troubles::of(sight);
        Self {
            inactive_meta_nodes: inactive_nodes(sight),
            corrupt: found.no_leader,
            lack_replica: found.lack_replica,
            bad: BadPartitionView::recovering_meta_partitions(sight),
            bad_replica: found.bad_replica,
            excess_replica: found.excess_replica,
            ..Self::default()
        }
    }
}

impl MetaPartitionDiagnosisV1 {
    /// The same in the newer form.
    pub fn of(sight: &Sight<'_>) -> Self {
        let found = Troubles::of(sight);
        Self {
            inactive_meta_nodes: inactive_nodes(sight),
            no_leader: found.no_leader.into_iter().collect(),
            lack_replica: found.lack_replica.into_iter().collect(),
            unavailable: found.bad_replica.into_iter().collect(),
            excess_replica: found.excess_replica.into_iter().collect(),
            ..Self::default()
        }
    }
}

impl BadPartitionView {
    /// Meta partitions that are recovering, by the node that they left, or that they came to where they left none.
    pub fn recovering_meta_partitions(sight: &Sight<'_>) -> Vec<Self> {
        let recovering = sight.state.meta_partitions.values().filter(|mp| mp.is_recover);
        let path = |mp: &MetaPartition| match sight.state.moves.get(&(PartitionKind::Meta, mp.partition_id)) {
            Some(mv) if mv.from.is_empty() => mv.to.addr.clone(),
            Some(mv) => mv.from.clone(),
            None => mp.hosts.first().cloned().unwrap_or_default(),
        };
        Self::grouped(recovering.map(|mp| (path(mp), mp.partition_id)))
    }

    /// Data partitions that are recovering, by `addr:disk` of what they leave.
    pub fn recovering_data_partitions(sight: &Sight<'_>) -> Vec<Self> {
        let recovering = sight.state.data_partitions_marked().filter(|dp| dp.decommission_status.is_moving());
        let path = |dp: &DataPartition| format!("{}:{}", dp.decommission_src_addr, dp.decommission_src_disk_path);
        Self::grouped(recovering.map(|dp| (path(dp), dp.partition_id)))
    }

    fn grouped(partitions: impl Iterator<Item = (String, PartitionId)>) -> Vec<Self> {
        let mut by_path: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for (path, id) in partitions {
            by_path.entry(path).or_default().push(id.0);
        }
        by_path.into_iter().map(|(path, partition_ids)| Self { path, partition_ids }).collect()
    }
}

impl VolEmptyMpStats {
    /// Volumes with more than two meta partitions that are empty or frozen (v3.5.3 http-partitions-nodes.md §8).
    pub fn all(sight: &Sight<'_>) -> Vec<Self> {
        let volumes = sight.state.volumes.values().filter(|volume| !volume.is_deleted());
        volumes.filter_map(|volume| Self::of(sight, volume)).filter(|stats| stats.empty_count > 2).collect()
    }

    fn of(sight: &Sight<'_>, volume: &Volume) -> Option<Self> {
        let all: Vec<_> = sight.state.meta_partitions_of_volume(volume.id).collect();
        let empty: Vec<_> = all.iter().filter(|mp| mp.freeze != Freeze::NONE || is_empty(sight.reports, mp)).collect();
        Some(Self {
            name: volume.name.clone(),
            total: all.len(),
            empty_count: empty.len(),
            meta_partitions: empty.into_iter().map(|mp| MetaPartitionView::of(sight, mp)).collect(),
        })
    }
}
