//! The cluster as replies show it (v3.5.3 http-types.md: ClusterInfo, ClusterView, ClusterStatInfo …).

use super::gotext;
use super::meta_partition::BadPartitionView;
use super::node::NodeView;
use super::sight::Sight;
use super::volume::VolStatInfo;
use crate::config::Config;
use crate::ids::MasterId;
use crate::model::{Counter, MediaType, StorageClass, Volume};
use crate::plan::flash::Fleet;
use crate::plan::reports::Reports;
use crate::plan::scene::Scene;
use crate::plan::statistics::{NodesTotal, Statistics, ZoneNodes};
use crate::plan::volume;
use crate::state::State;
use crate::wire::gojson::duration;
use crate::wire::report::StatOfStorageClass;
use serde::Serialize;
use std::collections::BTreeMap;

/// Reply of `/admin/getIp`, the first call of every node and client.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ClusterInfo {
    pub cluster: String,
    pub ip: String,
    pub meta_node_delete_batch_count: u64,
    pub meta_node_delete_worker_sleep_ms: u64,
    pub data_node_delete_limit_rate: u64,
    pub data_node_auto_repair_limit_rate: u64,
    pub dp_max_repair_err_cnt: u64,
    pub dir_children_num_limit: u32,
    pub flash_read_timeout: i64,
    pub flash_key_flow_limit: i64,
    pub ebs_addr: String,
    pub service_path: String,
    pub cluster_uuid: String,
    pub cluster_uuid_enable: bool,
    pub cluster_enable_snapshot: bool,
    pub raft_partition_can_using_different_port: bool,
}

/// Reply of `/admin/getCluster`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ClusterView {
    pub name: String,
    pub create_time: String,
    pub leader_addr: String,
    pub disable_auto_alloc: bool,
    pub forbid_mp_decommission: bool,
    pub meta_node_threshold: f32,
    pub applied: u64,
    #[serde(rename = "MaxDataPartitionID")]
    pub max_data_partition_id: u64,
    #[serde(rename = "MaxMetaNodeID")]
    pub max_meta_node_id: u64,
    #[serde(rename = "MaxMetaPartitionID")]
    pub max_meta_partition_id: u64,
    pub vol_deletion_delay_time_hour: i64,
    #[serde(rename = "MetaNodeGOGC")]
    pub meta_node_gogc: i64,
    #[serde(rename = "DataNodeGOGC")]
    pub data_node_gogc: i64,
    pub mark_disk_broken_threshold: f64,
    pub enable_auto_dp_meta_repair: bool,
    pub auto_dp_meta_repair_parallel_cnt: u32,
    pub enable_auto_decommission: bool,
    pub auto_decommission_disk_interval: String,
    pub decommission_first_host_disk_parallel_limit: u64,
    pub decommission_limit: u64,
    pub decommission_disk_limit: u32,
    pub dp_repair_timeout: String,
    pub dp_backup_timeout: String,
    pub dp_timeout: String,
    pub mp_timeout: String,
    pub data_node_stat_info: NodeStatInfo,
    pub meta_node_stat_info: NodeStatInfo,
    pub vol_stat_info: Vec<VolStatInfo>,
    #[serde(rename = "BadPartitionIDs")]
    pub bad_partition_ids: Vec<BadPartitionView>,
    #[serde(rename = "BadMetaPartitionIDs")]
    pub bad_meta_partition_ids: Vec<BadPartitionView>,
    pub master_nodes: Vec<NodeView>,
    pub meta_nodes: Vec<NodeView>,
    pub data_nodes: Vec<NodeView>,
    pub stat_of_storage_class: Vec<StatOfStorageClass>,
    pub stat_migrate_storage_class: Vec<StatOfStorageClass>,
    pub forbid_write_op_of_proto_ver0: bool,
    pub legacy_data_media_type: u32,
    pub raft_partition_can_using_different_port_enabled: bool,
    pub flash_nodes: Vec<NodeView>,
    pub flash_node_handle_read_timeout: i64,
    pub flash_node_read_data_node_timeout: i64,
    #[serde(rename = "RemoteCacheTTL")]
    pub remote_cache_ttl: i64,
    pub remote_cache_read_timeout: i64,
    pub remote_cache_multi_read: bool,
    pub flash_node_timeout_count: i64,
    pub remote_cache_same_zone_timeout: i64,
    pub remote_cache_same_region_timeout: i64,
    pub flash_hot_key_miss_count: i64,
    pub flash_read_flow_limit: i64,
    pub flash_write_flow_limit: i64,
    pub flash_key_flow_limit: i64,
    pub remote_client_flow_limit: i64,
}

/// Space of all nodes of a kind, GiB cut. `UsedRatio` is "" before the first statistics.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct NodeStatInfo {
    #[serde(rename = "TotalGB")]
    pub total_gb: u64,
    #[serde(rename = "UsedGB")]
    pub used_gb: u64,
    #[serde(rename = "IncreasedGB")]
    pub increased_gb: i64,
    #[serde(rename = "UsedRatio")]
    pub used_ratio: String,
    #[serde(rename = "AvailGB")]
    pub avail_gb: u64,
}

/// Reply of `/cluster/stat`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ClusterStatInfo {
    pub data_node_stat_info: NodeStatInfo,
    pub meta_node_stat_info: NodeStatInfo,
    pub zone_stat_info: BTreeMap<String, ZoneStat>,
}

/// Space of a zone.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ZoneStat {
    pub data_node_stat: ZoneNodesStat,
    pub meta_node_stat: ZoneNodesStat,
}

/// Space of the nodes of one kind in a zone, GiB rounded to two decimals; a total of 0 is shown as 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ZoneNodesStat {
    #[serde(rename = "TotalGB")]
    pub total_gb: f64,
    #[serde(rename = "UsedGB")]
    pub used_gb: f64,
    #[serde(rename = "AvailGB")]
    pub avail_gb: f64,
    #[serde(rename = "UsedRatio")]
    pub used_ratio: f64,
    #[serde(rename = "TotalNodes")]
    pub total_nodes: usize,
    #[serde(rename = "WritableNodes")]
    pub writable_nodes: usize,
}

/// Reply of `/admin/getUpgradeCompatibleSettings`, read by nodes at their start.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpgradeCompatibleSettings {
    pub vols_forbid_write_op_of_proto_ver0: Vec<String>,
    pub cluster_forbid_write_op_of_proto_ver0: bool,
    pub legacy_data_media_type: u32,
    pub data_media_type_vaild: bool,
}

/// What a view of the cluster shows besides state and reports.
pub struct About<'a> {
    pub leader_addr: String,
    /// Id and HTTP address of every master.
    pub masters: Vec<(MasterId, String)>,
    /// Those of the last round.
    pub statistics: &'a Statistics,
}

impl From<&NodesTotal> for NodeStatInfo {
    fn from(total: &NodesTotal) -> Self {
        Self {
            total_gb: total.total_gb,
            used_gb: total.used_gb,
            increased_gb: total.increased_gb,
            used_ratio: total.used_ratio.clone(),
            avail_gb: total.avail_gb,
        }
    }
}

impl From<&ZoneNodes> for ZoneNodesStat {
    fn from(nodes: &ZoneNodes) -> Self {
        Self {
            total_gb: nodes.total_gb,
            used_gb: nodes.used_gb,
            avail_gb: nodes.avail_gb,
            used_ratio: nodes.used_ratio,
            total_nodes: nodes.total_nodes,
            writable_nodes: nodes.writable_nodes,
        }
    }
}

impl ClusterStatInfo {
    /// The numbers of the last round of statistics.
    pub fn of(statistics: &Statistics) -> Self {
        let zones = statistics
            .zones
            .iter()
            .map(|(name, zone)| (name.clone(), ZoneStat { data_node_stat: (&zone.data).into(), meta_node_stat: (&zone.meta).into() }));
        Self {
            data_node_stat_info: (&statistics.data).into(),
            meta_node_stat_info: (&statistics.meta).into(),
            zone_stat_info: zones.collect(),
        }
    }
}

impl ClusterInfo {
    /// What nodes and clients ask first. `ip` is the caller's.
    pub fn of(sight: &Sight<'_>, config: &Config, ip: String) -> Self {
        let s = &sight.state.settings;
        Self {
            cluster: config.cluster_name.clone(),
            ip,
            meta_node_delete_batch_count: s.meta_node_delete_batch_count,
            meta_node_delete_worker_sleep_ms: s.meta_node_delete_worker_sleep_ms,
            data_node_delete_limit_rate: s.data_node_delete_limit_rate,
            data_node_auto_repair_limit_rate: s.data_node_auto_repair_limit_rate,
            dp_max_repair_err_cnt: s.dp_max_repair_err_cnt,
            dir_children_num_limit: s.dir_children_num_limit,
            flash_read_timeout: s.flash_node_handle_read_timeout,
            flash_key_flow_limit: s.flash_key_flow_limit,
            ebs_addr: config.blobstore_addr.clone(),
            service_path: config.blobstore_service_path.clone(),
            cluster_uuid: s.cluster_uuid.clone(),
            cluster_uuid_enable: s.cluster_uuid_enable,
            cluster_enable_snapshot: config.enable_snapshot,
            raft_partition_can_using_different_port: sight.rules.different_ports,
        }
    }
}

impl ClusterView {
    /// The whole cluster. Use by storage class is summed over all volumes only when `classes` asks for it.
    pub fn of(sight: &Sight<'_>, fleet: &Fleet, about: &About<'_>, classes: bool) -> Self {
        let (state, s) = (sight.state, &sight.state.settings);
        let (stat_of_storage_class, stat_migrate_storage_class) = if classes { class_sums(sight) } else { Default::default() };
        let masters = about.masters.iter().map(|(id, addr)| NodeView { id: id.0, addr: addr.clone(), status: true, ..Default::default() });
        let flash = state.flash_nodes.values().map(|n| NodeView {
            id: n.id.0,
            addr: n.addr.clone(),
            status: fleet.is_active(&n.addr, sight.now),
            is_writable: fleet.serves(n, sight.now),
            ..Default::default()
        });
        Self {
            name: s.name.clone(),
            create_time: gotext::date_time(s.create_time, sight.zone),
            leader_addr: about.leader_addr.clone(),
            disable_auto_alloc: s.disable_auto_allocate,
            forbid_mp_decommission: s.forbid_mp_decommission,
            meta_node_threshold: s.threshold,
            applied: state.applied.0,
            max_data_partition_id: state.counter(Counter::DataPartition),
            max_meta_node_id: state.counter(Counter::Common),
            max_meta_partition_id: state.counter(Counter::MetaPartition),
            vol_deletion_delay_time_hour: s.deletion_delay_hours(),
            meta_node_gogc: s.meta_node_gogc,
            data_node_gogc: s.data_node_gogc,
            mark_disk_broken_threshold: s.mark_disk_broken_threshold,
            enable_auto_dp_meta_repair: s.enable_auto_dp_meta_repair,
            auto_dp_meta_repair_parallel_cnt: s.effective_auto_dp_meta_repair_parallel_cnt(),
            enable_auto_decommission: s.enable_auto_decommission_disk,
            auto_decommission_disk_interval: duration_text(s.effective_auto_decommission_disk_interval()),
            decommission_first_host_disk_parallel_limit: s.decommission_first_host_disk_parallel_limit,
            decommission_limit: s.decommission_limit,
            decommission_disk_limit: s.disk_limit(),
            dp_repair_timeout: duration_text(s.effective_dp_repair_time_out()),
            dp_backup_timeout: duration_text(s.effective_dp_backup_time_out()),
            dp_timeout: duration::to_text(s.effective_data_partition_timeout_sec().saturating_mul(NANOS_PER_SEC)),
            mp_timeout: duration::to_text(s.effective_meta_partition_timeout_sec().saturating_mul(NANOS_PER_SEC)),
            data_node_stat_info: (&about.statistics.data).into(),
            meta_node_stat_info: (&about.statistics.meta).into(),
            vol_stat_info: volume_stats(sight, about.statistics),
            bad_partition_ids: BadPartitionView::recovering_data_partitions(sight),
            bad_meta_partition_ids: BadPartitionView::recovering_meta_partitions(sight),
            master_nodes: masters.collect(),
            meta_nodes: NodeView::meta_nodes(sight),
            data_nodes: NodeView::data_nodes(sight),
            stat_of_storage_class,
            stat_migrate_storage_class,
            forbid_write_op_of_proto_ver0: s.forbid_write_op_of_proto_ver0,
            legacy_data_media_type: s.legacy_data_media_type.0,
            raft_partition_can_using_different_port_enabled: sight.rules.different_ports,
            flash_nodes: flash.collect(),
            flash_node_handle_read_timeout: s.flash_node_handle_read_timeout,
            flash_node_read_data_node_timeout: s.flash_node_read_data_node_timeout,
            flash_hot_key_miss_count: s.flash_hot_key_miss_count,
            flash_read_flow_limit: s.flash_read_flow_limit,
            flash_write_flow_limit: s.flash_write_flow_limit,
            flash_key_flow_limit: s.flash_key_flow_limit,
            remote_client_flow_limit: s.remote_client_flow_limit,
            ..Self::default()
        }
    }
}

const NANOS_PER_SEC: i64 = 1_000_000_000;

fn duration_text(time: std::time::Duration) -> String {
    duration::to_text(i64::try_from(time.as_nanos()).unwrap_or(i64::MAX))
}

/// Every volume with the numbers of the last statistics round; those of a younger volume are not computed yet.
fn volume_stats(sight: &Sight<'_>, statistics: &Statistics) -> Vec<VolStatInfo> {
    let stats = sight.state.volumes.values().map(|volume| {
        let name = volume.name.clone();
        match statistics.volumes.get(&name) {
            None => VolStatInfo { name, used_ratio: "NaN".to_owned(), ..Default::default() },
            Some(seen) => VolStatInfo {
                name,
                total_size: seen.total,
                used_size: seen.used,
                used_ratio: seen.used_ratio.clone(),
                inode_count: seen.inode_count,
                ..Default::default()
            },
        }
    });
    stats.collect()
}

/// Use by storage class over all volumes, and what is being migrated; quotas are left out.
fn class_sums(sight: &Sight<'_>) -> (Vec<StatOfStorageClass>, Vec<StatOfStorageClass>) {
    let scene = sight.scene();
    let sum = |of: fn(&Scene<'_>, &Reports, &Volume) -> Vec<StatOfStorageClass>| {
        let mut sums: BTreeMap<u32, StatOfStorageClass> = BTreeMap::new();
        for stat in sight.state.volumes.values().flat_map(|volume| of(&scene, sight.reports, volume)) {
            let sum = sums.entry(stat.storage_class).or_default();
            sum.storage_class = stat.storage_class;
            sum.inode_count = sum.inode_count.saturating_add(stat.inode_count);
            sum.used_size_bytes = sum.used_size_bytes.saturating_add(stat.used_size_bytes);
        }
        sums.into_values().collect()
    };
    (sum(volume::class_stats), sum(volume::migrate_stats))
}

impl UpgradeCompatibleSettings {
    /// What data and meta nodes ask at their start.
    pub fn of(sight: &Sight<'_>) -> Self {
        let (state, s) = (sight.state, &sight.state.settings);
        let forbidding = state.volumes.values().filter(|volume| volume.forbid_write_op_of_proto_ver0);
        Self {
            vols_forbid_write_op_of_proto_ver0: forbidding.map(|volume| volume.name.clone()).collect(),
            cluster_forbid_write_op_of_proto_ver0: s.forbid_write_op_of_proto_ver0,
            legacy_data_media_type: s.legacy_data_media_type.0,
            data_media_type_vaild: media_types_known(state),
        }
    }
}

/// Every volume has a class and every data node a media type, or the cluster says what a missing one means
/// (v3.5.3 state-machine.md §8 no. 14).
pub fn media_types_known(state: &State) -> bool {
    state.settings.legacy_data_media_type.is_valid()
        || (state.volumes.values().all(|volume| volume.vol_storage_class != StorageClass::UNSPECIFIED)
            && state.data_nodes.values().all(|node| node.media_type != MediaType::UNSPECIFIED))
}
