//! The gauges of a leader (v3.5.3 background-tasks.md §21), under the names of v3.5.3. Two of them, `vol_total_GB` and
//! `vol_used_GB`, are in bytes despite their names.

mod lifecycle;

use super::sight::Sight;
use super::topology::media_text;
use crate::limits::GIB;
use crate::model::{DataPartition, DecommissionStatus, StorageClass, Volume, VolumeType};
use crate::plan::moves::mark::ALL_UNAVAILABLE;
use crate::plan::moves::replica_meta::has_no_same_peer;
use crate::plan::reports::MetaPartitionReports;
use crate::plan::statistics::{NodesTotal, Statistics};
use crate::plan::storage_class::class_name;
use crate::plan::{data_partition, meta_partition, usable, volume};
use crate::wire::prometheus::Page;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Puts everything that a leader exposes onto the page.
pub fn leader(page: &mut Page, sight: &Sight<'_>, statistics: &Statistics) {
    counts(page, sight);
    space(page, statistics);
    let mut sets: BTreeMap<u64, SetSums> = BTreeMap::new();
    data_nodes(page, sight, &mut sets);
    meta_nodes(page, sight, &mut sets);
    for (id, sums) in &sets {
        sums.show(page, &id.to_string());
    }
    volumes(page, sight);
    partitions(page, sight);
    lifecycle::scans(page, sight);
}

/// Masters that the leader does not hear.
pub fn masters(page: &mut Page, cluster: &str, silent: &[String]) {
    page.gauge("masters_inactive", &[], silent.len() as f64);
    for addr in silent {
        page.gauge("inactive_masters_info", &[("clusterName", cluster), ("addr", addr)], 1.0);
    }
}

fn counts(page: &mut Page, sight: &Sight<'_>) {
    let state = sight.state;
    for (name, count) in [
        ("dataNodes_count", state.data_nodes.len()),
        ("metaNodes_count", state.meta_nodes.len()),
        ("lc_nodes_count", state.lc_nodes.len()),
        ("vol_count", state.volumes.len()),
    ] {
        page.gauge(name, &[], count as f64);
    }
}

fn space(page: &mut Page, statistics: &Statistics) {
    let mut total = |kind: &str, sums: &NodesTotal| {
        page.gauge(&format!("{kind}_total_GB"), &[], sums.total_gb as f64);
        page.gauge(&format!("{kind}_used_GB"), &[], sums.used_gb as f64);
        page.gauge(&format!("{kind}_increased_GB"), &[], sums.increased_gb as f64);
    };
    total("dataNodes", &statistics.data);
    total("metaNodes", &statistics.meta);
}

/// Sums over the nodes of a node set.
#[derive(Default)]
struct SetSums {
    data: (u64, u64, usize),
    meta: (u64, u64, usize),
}

impl SetSums {
    fn show(&self, page: &mut Page, set: &str) {
        for (kind, replicas, (total, used, count)) in [("data", "dp", self.data), ("meta", "mp", self.meta)] {
            let labels = [("nodeset", set)];
            page.gauge(&format!("nodeset_{kind}_total_GB"), &labels, gib(total));
            page.gauge(&format!("nodeset_{kind}_used_GB"), &labels, gib(used));
            page.gauge(&format!("nodeset_{kind}_usage_ratio"), &labels, ratio(used, total));
            page.gauge(&format!("nodeset_{replicas}_replica_count"), &labels, count as f64);
        }
    }
}

/// Counters of data nodes of one medium.
#[derive(Default)]
struct MediaSums {
    used: u64,
    total: u64,
    nodes: u64,
    allocable: u64,
    not_writable: u64,
}

fn data_nodes(page: &mut Page, sight: &Sight<'_>, sets: &mut BTreeMap<u64, SetSums>) {
    let mut media: BTreeMap<&str, MediaSums> = BTreeMap::new();
    let mut inactive = 0;
    for node in sight.state.data_nodes.values() {
        let (report, liveness) = (sight.data_node(&node.addr), sight.reports.data_liveness(&node.addr, sight.now));
        let writable = usable::data_node_writable(node, report, liveness);
        let allocable = usable::data_node_can_allocate(node, report, liveness, sight.rules);
        let medium = media_text(node.effective_media_type(sight.rules.legacy_media_type));
        let sums = media.entry(medium).or_default();
        sums.used = sums.used.saturating_add(report.used);
        sums.total = sums.total.saturating_add(report.total);
        sums.nodes += 1;
        sums.allocable += u64::from(allocable);
        sums.not_writable += u64::from(!writable);
        let set = &mut sets.entry(node.node_set_id.0).or_default().data;
        *set = (set.0.saturating_add(report.total), set.1.saturating_add(report.used), set.2 + report.partition_count as usize);
        if !liveness.is_active() {
            inactive += 1;
            page.gauge("inactive_dataNodes_info", &[("clusterName", &sight.state.settings.name), ("addr", &node.addr)], 1.0);
        }
        let (zone, set) = (node.effective_zone_name(), node.node_set_id.to_string());
        let labels = NodeLabels { kind: "dataNode", addr: &node.addr, zone, set, media: medium, writable, allocable };
        for (stat, value) in [
            ("dpCount", f64::from(report.partition_count)),
            ("diskTotal", gib(report.total)),
            ("diskUsed", gib(report.used)),
            ("diskAvail", gib(report.available)),
            ("usageRatio", report.usage_ratio()),
            ("badDiskCount", report.bad_disk_stats.len() as f64),
            ("lostDiskCount", report.lost_disks.len() as f64),
            ("active", flag(liveness.is_active())),
            ("writable", flag(writable)),
            ("canAlloc", flag(allocable)),
        ] {
            labels.show(page, stat, value);
        }
        let mut disk_is = |name: &str, disk: &str| {
            page.gauge(name, &[("addr", &node.addr), ("path", &format!("{}_{disk}", node.addr))], 1.0);
        };
        report.bad_disk_stats.iter().for_each(|disk| disk_is("disk_error", &disk.disk_path));
        report.lost_disks.iter().for_each(|disk| disk_is("disk_lost", disk));
        node.decommission_success_disks.iter().for_each(|disk| disk_is("disk_decommission_success", disk));
    }
    page.gauge("dataNodes_inactive", &[], f64::from(inactive));
    page.gauge("dataNodes_not_writable", &[], media.values().map(|sums| sums.not_writable).sum::<u64>() as f64);
    page.gauge("dataNodes_allocable", &[], media.values().map(|sums| sums.allocable).sum::<u64>() as f64);
    for (medium, sums) in media {
        for (kind, value) in [
            ("used", gib(sums.used)),
            ("total", gib(sums.total)),
            ("totalCnt", sums.nodes as f64),
            ("allocCnt", sums.allocable as f64),
            ("notWritable", sums.not_writable as f64),
        ] {
            page.gauge("dataNodes_stats", &[("media", medium), ("type", kind)], value);
        }
    }
}

fn meta_nodes(page: &mut Page, sight: &Sight<'_>, sets: &mut BTreeMap<u64, SetSums>) {
    let (mut inactive, mut not_writable) = (0, 0);
    for node in sight.state.meta_nodes.values() {
        let (report, liveness) = (sight.meta_node(&node.addr), sight.reports.meta_liveness(&node.addr, sight.now));
        let writable = usable::meta_node_writable(node, report, liveness, sight.rules);
        let allocable = usable::meta_node_can_allocate(node, report, liveness, sight.rules);
        not_writable += u64::from(!writable);
        let set = &mut sets.entry(node.node_set_id.0).or_default().meta;
        *set = (set.0.saturating_add(report.total), set.1.saturating_add(report.used), set.2 + report.partition_count as usize);
        if !liveness.is_active() {
            inactive += 1;
            page.gauge("inactive_metaNodes_info", &[("clusterName", &sight.state.settings.name), ("addr", &node.addr)], 1.0);
        }
        let (zone, set) = (node.effective_zone_name(), node.node_set_id.to_string());
        let labels = NodeLabels { kind: "metaNode", addr: &node.addr, zone, set, media: "default", writable, allocable };
        for (stat, value) in [
            ("usageRatio", report.ratio()),
            ("memTotal", gib(report.total)),
            ("memUsed", gib(report.used)),
            ("mpCount", f64::from(report.partition_count)),
            ("threshold", f64::from(sight.rules.meta_threshold)),
            ("writable", flag(writable)),
            ("active", flag(liveness.is_active())),
            ("alloc", flag(allocable)),
        ] {
            labels.show(page, stat, value);
        }
    }
    page.gauge("metaNodes_inactive", &[], f64::from(inactive));
    page.gauge("metaNodes_not_writable", &[], not_writable as f64);
}

/// The labels of a node's `node_stat` gauges.
struct NodeLabels<'a> {
    kind: &'static str,
    addr: &'a str,
    zone: &'a str,
    set: String,
    media: &'a str,
    writable: bool,
    allocable: bool,
}

impl NodeLabels<'_> {
    fn show(&self, page: &mut Page, stat: &str, value: f64) {
        let labels = [
            ("type", self.kind),
            ("addr", self.addr),
            ("stat", stat),
            ("zone", self.zone),
            ("set", &self.set),
            ("media", self.media),
            ("writable", truth(self.writable)),
            ("alloc", truth(self.allocable)),
        ];
        page.gauge("node_stat", &labels, value);
    }
}

fn volumes(page: &mut Page, sight: &Sight<'_>) {
    let scene = sight.scene();
    for record in sight.state.volumes.values() {
        let total = record.capacity.saturating_mul(GIB);
        let used = volume::used_bytes(&scene, sight.reports, record);
        let labels = [("volName", record.name.as_str())];
        page.gauge("vol_total_GB", &labels, total as f64);
        page.gauge("vol_used_GB", &labels, used as f64);
        page.gauge("vol_usage_ratio", &labels, ratio(used, total));
        for stat in volume::class_stats(&scene, sight.reports, record) {
            let (class, used) = (class_name(StorageClass(stat.storage_class)), gib(stat.used_size_bytes));
            let ratio = if stat.quota_gb == 0 { 0.0 } else { used / stat.quota_gb as f64 };
            for (kind, value) in [("used", used), ("total", stat.quota_gb as f64), ("ratio", ratio)] {
                page.gauge("vol_stats", &[("volName", &record.name), ("type", kind), ("media", &class)], value);
            }
        }
        volume_meta(page, sight, record);
    }
}

fn volume_meta(page: &mut Page, sight: &Sight<'_>, record: &Volume) {
    let sum = |of: fn(&MetaPartitionReports) -> u64| volume::sum_meta(&sight.scene(), sight.reports, record, of) as f64;
    for (kind, value) in [
        ("inode", sum(MetaPartitionReports::inode_count)),
        ("dentry", sum(MetaPartitionReports::dentry_count)),
        ("mp", sight.state.meta_partitions_of_volume(record.id).count() as f64),
        ("dp", sight.state.data_partitions_of_volume(record.id).count() as f64),
        ("freeList", sum(MetaPartitionReports::free_list_len)),
        ("tx", sum(MetaPartitionReports::tx_count)),
    ] {
        page.gauge("vol_meta_count", &[("volName", &record.name), ("type", kind)], value);
    }
}

fn partitions(page: &mut Page, sight: &Sight<'_>) {
    let (state, reports, scene) = (sight.state, sight.reports, sight.scene());
    let recovering_data = state.data_partitions.values().filter(|partition| partition.is_recover).count();
    let recovering_meta = state.meta_partitions.values().filter(|partition| partition.is_recover).count();
    page.gauge("bad_dp_count", &[("type", "bad_dp")], recovering_data as f64);
    page.gauge("bad_mp_count", &[("type", "bad_mp")], recovering_meta as f64);

    let stuck = |dp: &&Arc<DataPartition>| {
        dp.decommission_status == DecommissionStatus::FAIL && dp.decommission_error_message.contains(ALL_UNAVAILABLE)
    };
    page.gauge("dp_unable_decommission_count", &[], state.data_partitions_marked().filter(stuck).count() as f64);

    let repaired = |record: &&Arc<Volume>| state.settings.enable_auto_dp_meta_repair || record.enable_auto_meta_repair;
    let looked_after = state.volumes.values().filter(repaired).flat_map(|record| state.data_partitions_of_volume(record.id));
    for dp in looked_after.filter(|dp| has_no_same_peer(reports, dp)) {
        page.gauge("dp_no_same_peer", &[("dpId", &dp.partition_id.to_string())], 1.0);
    }

    let mut troubled: BTreeMap<(u8, &str), [usize; 2]> = BTreeMap::new();
    let is_hot = |record: &&Arc<Volume>| record.vol_type == VolumeType::HOT && !record.is_deleted();
    for partition in state.volumes.values().filter(is_hot).flat_map(|record| state.data_partitions_of_volume(record.id)) {
        let medium = media_text(partition.effective_media_type(sight.rules.legacy_media_type));
        let [missing, leaderless] = troubled.entry((partition.replica_num, medium)).or_default();
        *missing += usize::from(!data_partition::missing_hosts(&scene, reports, partition).is_empty());
        *leaderless += usize::from(data_partition::lost_its_leader(&scene, reports, partition));
    }
    for ((replicas, medium), [missing, leaderless]) in troubled {
        let replicas = replicas.to_string();
        let labels = [("replicaNum", replicas.as_str()), ("media", medium)];
        page.gauge("replica_missing_dp_count", &labels, missing as f64);
        page.gauge("dp_missing_Leader_count", &labels, leaderless as f64);
    }
    let metas = || state.meta_partitions.values();
    let missing = metas().filter(|partition| !meta_partition::missing_hosts(&scene, reports, partition).is_empty()).count();
    let leaderless = metas().filter(|partition| meta_partition::lost_its_leader(&scene, reports, partition)).count();
    page.gauge("mp_missing_Replica_count", &[], missing as f64);
    page.gauge("mp_missing_Leader_count", &[], leaderless as f64);
}

fn gib(bytes: u64) -> f64 {
    bytes as f64 / GIB as f64
}

fn ratio(used: u64, total: u64) -> f64 {
    if total == 0 {
        0.0
    } else {
        used as f64 / total as f64
    }
}

fn flag(value: bool) -> f64 {
    f64::from(u8::from(value))
}

fn truth(value: bool) -> &'static str {
    if value {
        "true"
    } else {
        "false"
    }
}
