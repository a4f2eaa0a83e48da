//! The node set that a node gets when it registers or changes its zone (v3.5.3 topology-selection.md §3, §5).

use super::placement::excluded_zones;
use super::scene::Scene;
use crate::ids::NodeSetId;
use crate::model::{NodeSet, PartitionKind};
use std::sync::Arc;

/// The set of the zone with most room for a data node; `None`: make one.
pub fn choose_for_data_node(scene: &Scene<'_>, zone: &str) -> Option<NodeSetId> {
    most_room(scene, zone, PartitionKind::Data)
}

/// The set of the zone with most room for a meta node; among equals the one with most nodes. `None`: make one.
pub fn choose_for_meta_node(scene: &Scene<'_>, zone: &str) -> Option<NodeSetId> {
    most_room(scene, zone, PartitionKind::Meta)
}

fn most_room(scene: &Scene<'_>, zone: &str, kind: PartitionKind) -> Option<NodeSetId> {
    let count = |set: &NodeSet| match kind {
        PartitionKind::Data => scene.state.data_nodes_of_set(set.id).count(),
        PartitionKind::Meta => scene.state.meta_nodes_of_set(set.id).count(),
    };
    let capacity = |set: &Arc<NodeSet>| set.effective_capacity(scene.rules.node_set_capacity);
    let sets = scene.state.node_sets_of_zone(zone).map(|set| (set.id, capacity(set), count(set)));
    let roomy = sets.filter_map(|(id, capacity, count)| {
        let room = capacity.checked_sub(count as u64).filter(|room| *room > 0)?;
        Some((id, room, if kind == PartitionKind::Meta { count } else { 0 }))
    });
    // Among equals v3.5.3 takes any; the oldest keeps the choice the same on every master.
    roomy.min_by_key(|(id, room, count)| (std::cmp::Reverse(*room), std::cmp::Reverse(*count), *id)).map(|(id, _, _)| id)
}

/// How many node sets to make when the zone has none with room: one, or what a group of a fault domain needs from few zones (v3.5.3
/// http-partitions-nodes.md §1.3). The node goes into the last one made.
pub fn sets_to_make(scene: &Scene<'_>, zone: &str) -> usize {
    let outside = !scene.rules.fault_domain || scene.state.zone_domain.is_none() || excluded_zones(scene).contains(&zone);
    let wanted: usize = match scene.rules.fault_domain_zones {
        _ if outside => return 1,
        1 => 3,
        2 => 2,
        _ => return 1,
    };
    let there = scene.state.node_sets_of_zone(zone).count();
    wanted.saturating_sub(there).max(1)
}

#[cfg(test)]
mod tests;
