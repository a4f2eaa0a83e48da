//! The numbers that the leader renews every two minutes (v3.5.3 background-tasks.md §20).

use super::liveness::Liveness;
use super::reports::Reports;
use super::scene::Scene;
use super::usable::{data_node_writable, meta_node_writable};
use super::volume;
use crate::limits::GIB;
use crate::model::{DataNode, MediaType, MetaNode};
use std::collections::BTreeMap;

/// The numbers of one round.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    pub data: NodesTotal,
    pub meta: NodesTotal,
    /// Space of data nodes by their disks.
    pub media: BTreeMap<MediaType, Space>,
    /// By volume name; volumes without capacity have none.
    pub volumes: BTreeMap<String, VolumeUse>,
    /// By zone name.
    pub zones: BTreeMap<String, ZoneUse>,
}

/// Bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    pub total: u64,
    pub used: u64,
}

/// Space of all nodes of a kind, GiB, cut.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodesTotal {
    pub total_gb: u64,
    pub used_gb: u64,
    /// Against the round before.
    pub increased_gb: i64,
    /// Three decimals; empty before the first round with nodes.
    pub used_ratio: String,
    /// Of active nodes.
    pub avail_gb: u64,
}

/// What a volume holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VolumeUse {
    /// Its capacity, bytes.
    pub total: u64,
    /// Bytes.
    pub used: u64,
    /// Three decimals.
    pub used_ratio: String,
    pub inode_count: u64,
}

/// Both kinds of node of a zone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ZoneUse {
    pub data: ZoneNodes,
    pub meta: ZoneNodes,
}

/// Space of the nodes of one kind in a zone, GiB rounded to two decimals; a total of 0 is shown as 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ZoneNodes {
    pub total_gb: f64,
    pub used_gb: f64,
    pub avail_gb: f64,
    pub used_ratio: f64,
    pub total_nodes: usize,
    pub writable_nodes: usize,
}

/// A node as sums see it.
#[derive(Clone, Copy)]
struct Counted {
    space: Space,
    /// 0 where the node is not active.
    available: u64,
    writable: bool,
}

/// The numbers now, after those of the `previous` round.
pub fn refresh(scene: &Scene<'_>, reports: &Reports, previous: &Statistics) -> Statistics {
    let state = scene.state;
    let data: Vec<Counted> = state.data_nodes.values().map(|node| data_node(scene, reports, node)).collect();
    let meta: Vec<Counted> = state.meta_nodes.values().map(|node| meta_node(scene, reports, node)).collect();
    let mut media: BTreeMap<MediaType, Space> = BTreeMap::new();
    for node in state.data_nodes.values() {
        let sum = media.entry(node.effective_media_type(scene.rules.legacy_media_type)).or_default();
        let space = data_node(scene, reports, node).space;
        *sum = Space { total: sum.total.saturating_add(space.total), used: sum.used.saturating_add(space.used) };
    }
    let volumes = state.volumes.values().filter(|v| v.capacity > 0).map(|v| {
        let (total, used) = (v.capacity.saturating_mul(GIB), volume::used_bytes(scene, reports, v));
        let used_ratio = format!("{:.3}", used as f64 / total as f64);
        (v.name.clone(), VolumeUse { total, used, used_ratio, inode_count: volume::inode_count(scene, reports, v) })
    });
    let zones = state.zone_names().map(|zone| {
        let sets = || state.node_sets_of_zone(zone);
        let data: Vec<Counted> =
            sets().flat_map(|set| state.data_nodes_of_set(set.id)).map(|node| data_node(scene, reports, node)).collect();
        let meta: Vec<Counted> =
            sets().flat_map(|set| state.meta_nodes_of_set(set.id)).map(|node| meta_node(scene, reports, node)).collect();
        (zone.to_owned(), ZoneUse { data: zone_nodes(&data), meta: zone_nodes(&meta) })
    });
    Statistics {
        data: total(&data, &previous.data),
        meta: total(&meta, &previous.meta),
        media,
        volumes: volumes.collect(),
        zones: zones.collect(),
    }
}

fn data_node(scene: &Scene<'_>, reports: &Reports, node: &DataNode) -> Counted {
    let liveness = reports.data_liveness(&node.addr, scene.now);
    let Some(report) = reports.data_node(&node.addr).filter(|r| r.heard_at.is_some()) else { return Counted::NOTHING };
    let space = Space { total: report.total, used: report.used };
    Counted::of(space, report.available, liveness, data_node_writable(node, report, liveness))
}

fn meta_node(scene: &Scene<'_>, reports: &Reports, node: &MetaNode) -> Counted {
    let liveness = reports.meta_liveness(&node.addr, scene.now);
    let Some(report) = reports.meta_node(&node.addr).filter(|r| r.heard_at.is_some()) else { return Counted::NOTHING };
    let space = Space { total: report.total, used: report.used };
    Counted::of(space, report.available(), liveness, meta_node_writable(node, report, liveness, scene.rules))
}

impl Counted {
    const NOTHING: Self = Self { space: Space { total: 0, used: 0 }, available: 0, writable: false };

    fn of(space: Space, available: u64, liveness: Liveness, writable: bool) -> Self {
        Self { space, available: if liveness.is_active() { available } else { 0 }, writable }
    }
}

fn sum(nodes: impl Iterator<Item = u64>) -> u64 {
    nodes.fold(0, u64::saturating_add)
}

fn total(nodes: &[Counted], previous: &NodesTotal) -> NodesTotal {
    let total = sum(nodes.iter().map(|n| n.space.total));
    let used = sum(nodes.iter().map(|n| n.space.used));
    let used_gb = used / GIB;
    NodesTotal {
        total_gb: total / GIB,
        used_gb,
        increased_gb: used_gb as i64 - previous.used_gb as i64,
        used_ratio: if total == 0 { previous.used_ratio.clone() } else { format!("{:.3}", used as f64 / total as f64) },
        avail_gb: sum(nodes.iter().map(|n| n.available)) / GIB,
    }
}

fn zone_nodes(nodes: &[Counted]) -> ZoneNodes {
    let gib = |bytes: u64| bytes as f64 / GIB as f64;
    let total = round(gib(sum(nodes.iter().map(|n| n.space.total))));
    let used_gb = round(gib(sum(nodes.iter().map(|n| n.space.used))));
    let total_gb = if total == 0.0 { 1.0 } else { total };
    ZoneNodes {
        total_gb,
        used_gb,
        avail_gb: round((total - used_gb).max(0.0)),
        used_ratio: round(used_gb / total_gb),
        total_nodes: nodes.len(),
        writable_nodes: nodes.iter().filter(|n| n.writable).count(),
    }
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests;
