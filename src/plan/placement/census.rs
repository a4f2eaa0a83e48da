//! Nodes, node sets and zones as selection sees them: records, reports and liveness put together.

use super::node_selector::{Fit, Node};
use super::node_set_selector::Set;
use crate::ids::{NodeId, NodeSetId};
use crate::model::{MediaType, NodeSet, PartitionKind, Zone};
use crate::plan::liveness::Liveness;
use crate::plan::reports::Reports;
use crate::plan::scene::Scene;
use crate::plan::usable::{data_node_fit, data_node_offline, meta_node_fit};
use crate::wire::peer::Peer;

/// The nodes of one kind at one moment.
#[derive(Clone, Copy)]
pub(super) struct Census<'a> {
    pub scene: &'a Scene<'a>,
    pub reports: &'a Reports,
    pub kind: PartitionKind,
    /// Nodes that a new leader has not heard yet count as usable.
    pub presume: bool,
}

/// A node with what only sums over nodes ask for.
#[derive(Clone, Copy)]
pub(super) struct Counted<'a> {
    pub node: Node<'a>,
    pub to_be_offline: bool,
    pub liveness: Liveness,
}

impl<'a> Census<'a> {
    /// The nodes of a set, by id.
    pub fn set_nodes(&self, set: NodeSetId) -> Vec<Counted<'a>> {
        let (state, reports) = (self.scene.state, self.reports);
        let mut nodes: Vec<Counted<'a>> = match self.kind {
            PartitionKind::Data => state
                .data_nodes_of_set(set)
                .map(|record| {
                    let liveness = reports.data_liveness(&record.addr, self.scene.now);
                    let report = reports.data_node(&record.addr);
                    let fit = data_node_fit(record, report, liveness, self.scene.rules);
                    let sizes = report.map_or((0, 0, 0), |r| (r.total, r.used, r.available));
                    let node = self.node(record.id, &record.addr, sizes, fit, data_node_offline(record));
                    Counted { node, to_be_offline: record.to_be_offline, liveness }
                })
                .collect(),
            PartitionKind::Meta => state
                .meta_nodes_of_set(set)
                .map(|record| {
                    let liveness = reports.meta_liveness(&record.addr, self.scene.now);
                    let report = reports.meta_node(&record.addr);
                    let leaving = state.empty_nodes.contains_key(&record.addr) || report.is_some_and(|r| r.to_be_offline);
                    let fit = match state.empty_nodes.contains_key(&record.addr) {
                        true => Fit::No,
                        false => meta_node_fit(record, report, liveness, self.scene.rules),
                    };
                    let sizes = report.map_or((0, 0, 0), |r| (r.total, r.used, r.available()));
                    Counted { node: self.node(record.id, &record.addr, sizes, fit, leaving), to_be_offline: leaving, liveness }
                })
                .collect(),
        };
        nodes.sort_by_key(|n| n.node.id);
        nodes
    }

    fn node(&self, id: NodeId, addr: &'a str, (total, used, available): (u64, u64, u64), fit: Fit, offline: bool) -> Node<'a> {
        let fit = if fit == Fit::Presumed && !self.presume { Fit::No } else { fit };
        Node { id, addr, total, used, available, fit, offline, excluded: false }
    }

    /// The nodes of a zone.
    pub fn zone_nodes(&self, zone: &str) -> Vec<Counted<'a>> {
        self.scene.state.node_sets_of_zone(zone).flat_map(|set| self.set_nodes(set.id)).collect()
    }

    /// The zone has nodes of this kind.
    pub fn has_nodes(&self, zone: &str) -> bool {
        let state = self.scene.state;
        state.node_sets_of_zone(zone).any(|set| match self.kind {
            PartitionKind::Data => state.data_nodes_of_set(set.id).next().is_some(),
            PartitionKind::Meta => state.meta_nodes_of_set(set.id).next().is_some(),
        })
    }

    /// At least `n` nodes of the zone can take a partition.
    pub fn zone_can_write(&self, zone: &str, n: usize) -> bool {
        self.zone_nodes(zone).iter().filter(|n| n.node.fit > Fit::No).take(n).count() == n
    }

    /// Bytes left in the zone; a node that is not alive counts as full.
    pub fn space_left(&self, zone: &str) -> u64 {
        let left = |n: &Counted<'_>| if n.liveness.is_active() { n.node.total.saturating_sub(n.node.used) } else { 0 };
        self.zone_nodes(zone).iter().map(left).fold(0, u64::saturating_add)
    }

    /// The node set as its zone's selector sees it, for `n` hosts.
    pub fn set(&self, record: &NodeSet, n: usize, excluded: bool) -> Set {
        let nodes = self.set_nodes(record.id);
        let usable = !excluded && nodes.iter().filter(|c| c.node.fit > Fit::No).count() >= n;
        let total = nodes.iter().map(|c| c.node.total).fold(0, u64::saturating_add);
        let available = nodes.iter().filter(|c| !c.to_be_offline).map(|c| c.node.available).fold(0, u64::saturating_add);
        Set { id: record.id, total, available, usable }
    }

    /// The node as a member of a partition's raft group.
    pub fn peer(&self, id: NodeId) -> Option<Peer> {
        match self.kind {
            PartitionKind::Data => self.scene.state.data_nodes.get(&id).map(|node| node.peer()),
            PartitionKind::Meta => self.scene.state.meta_nodes.get(&id).map(|node| node.peer()),
        }
    }

    /// The zone has disks of this type; any zone where the type does not matter.
    pub fn zone_has_media(&self, zone: &str, media: MediaType) -> bool {
        media == MediaType::UNSPECIFIED || zone_media(self.scene, zone) == media
    }
}

/// The disks of a zone; a zone without a record of its own has the cluster's legacy type.
pub fn zone_media(scene: &Scene<'_>, zone: &str) -> MediaType {
    let legacy = scene.rules.legacy_media_type;
    scene.state.zones.get(zone).map_or(legacy, |record: &std::sync::Arc<Zone>| record.effective_media_type(legacy))
}
