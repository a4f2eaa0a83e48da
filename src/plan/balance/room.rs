//! Meta nodes with memory to give, and what a plan has promised of it (v3.5.3 http-partitions-nodes.md §9.1).

use super::takes_replicas;
use crate::ids::{NodeId, NodeSetId};
use crate::limits::GIB;
use crate::model::{MetaNode, PartitionBalance, PartitionKind, ReplicaBalance};
use crate::plan::placement::machine;
use crate::plan::reports::{MetaNodeReport, Reports};
use crate::plan::scene::Scene;
use std::collections::BTreeMap;

/// Memory that stays free on a node that takes replicas.
const RESERVED: u64 = 3 * GIB;
/// A replica must find so many times its size free, and counts as much for those after it.
const SIZE_FACTOR: u64 = 2;

/// Memory of a node's process, or of its machine.
#[derive(Clone, Copy)]
struct Memory {
    total: u64,
    used: u64,
}

impl Memory {
    fn ratio(&self, more: u64) -> f64 {
        match self.total {
            0 => 0.0,
            total => self.used.saturating_add(more) as f64 / total as f64,
        }
    }

    fn free(&self, promised: u64) -> u64 {
        self.total.saturating_sub(self.used).saturating_sub(promised)
    }
}

struct Spare<'a> {
    node: &'a MetaNode,
    own: Memory,
    system: Memory,
    /// Sizes of the replicas that it is to take.
    promised: u64,
}

impl<'a> Spare<'a> {
    fn of(node: &'a MetaNode, report: &MetaNodeReport) -> Self {
        let own = Memory { total: report.total, used: report.used };
        let system = Memory { total: report.node_memory_total, used: report.node_memory_used };
        Self { node, own, system, promised: 0 }
    }

    /// The larger share of memory in use with `more` bytes.
    fn ratio(&self, more: u64) -> f64 {
        self.own.ratio(more).max(self.system.ratio(more))
    }

    fn counted(&self) -> u64 {
        self.promised.saturating_mul(SIZE_FACTOR)
    }

    /// It has room for one more replica, and does not become too full by it.
    fn has_room(&self, size: u64, high: f64) -> bool {
        let least = self.own.free(self.counted()).min(self.system.free(self.counted()));
        least > RESERVED && least > size.saturating_mul(SIZE_FACTOR) && self.ratio(self.promised.saturating_add(size)) < high
    }
}

/// What is to be placed: replicas that leave, next to those that stay and those that are placed already.
pub(super) struct Need<'a> {
    pub scene: &'a Scene<'a>,
    pub entry: &'a PartitionBalance,
    /// Found for this partition before.
    pub moves: &'a [ReplicaBalance],
    pub leaving: &'a [&'a ReplicaBalance],
    /// Of one replica, bytes.
    pub size: u64,
}

impl Need<'_> {
    /// May the node take one of them? `chosen` take others.
    fn takes(&self, spare: &Spare<'_>, chosen: &[&Spare<'_>]) -> bool {
        let addr = &spare.node.addr;
        let known = self.entry.original.iter().any(|replica| replica.source == *addr);
        let planned = self.moves.iter().any(|mv| mv.destination == *addr);
        let left = self.scene.state.leftovers.contains_key(&(PartitionKind::Meta, self.entry.id, addr.clone()));
        !known && !planned && !left && self.has_a_machine_of_its_own(addr, chosen)
    }

    fn has_a_machine_of_its_own(&self, addr: &str, chosen: &[&Spare<'_>]) -> bool {
        let old = self.entry.original.iter().map(|replica| replica.source.as_str());
        let planned = self.moves.iter().map(|mv| mv.destination.as_str());
        let mut others = old.chain(planned).chain(chosen.iter().map(|spare| spare.node.addr.as_str()));
        self.scene.rules.several_replicas_per_machine || others.all(|other| machine(other) != machine(addr))
    }
}

/// The nodes that use little of their memory.
pub(super) struct Room<'a> {
    /// By zone and node set.
    sets: BTreeMap<(String, NodeSetId), BTreeMap<NodeId, Spare<'a>>>,
    mid: f64,
    high: f64,
}

impl<'a> Room<'a> {
    pub(super) fn of(scene: &Scene<'a>, reports: &Reports) -> Self {
        let state = scene.state;
        let low = state.settings.meta_node_memory_low_per;
        let mut sets: BTreeMap<_, BTreeMap<NodeId, Spare<'a>>> = BTreeMap::new();
        for node in state.meta_nodes.values() {
            let Some(report) = reports.meta_node(&node.addr) else { continue };
            let spare = Spare::of(node, report);
            if takes_replicas(scene, reports, node, report) && spare.ratio(0) <= low {
                sets.entry((node.zone_name.clone(), node.node_set_id)).or_default().insert(node.id, spare);
            }
        }
        let (mid, high) = (state.settings.effective_meta_node_memory_mid_per(), state.settings.meta_node_memory_high_per);
        Self { sets, mid, high }
    }

    /// A node of the set for each replica that leaves.
    pub(super) fn in_set(&self, set: NodeSetId, need: &Need<'_>) -> Option<Vec<NodeId>> {
        self.sets.iter().filter(|((_, id), _)| *id == set).find_map(|(_, nodes)| self.of_nodes(nodes, need))
    }

    /// The same in another set of the zone.
    pub(super) fn elsewhere(&self, set: NodeSetId, zone: &str, need: &Need<'_>) -> Option<Vec<NodeId>> {
        let mut others = self.sets.iter().filter(|((name, id), _)| name == zone && *id != set);
        others.find_map(|(_, nodes)| self.of_nodes(nodes, need))
    }

    /// The same in a set of another zone.
    pub(super) fn in_another_zone(&self, zone: &str, need: &Need<'_>) -> Option<Vec<NodeId>> {
        self.sets.iter().filter(|((name, _), _)| name != zone).find_map(|(_, nodes)| self.of_nodes(nodes, need))
    }

    fn of_nodes(&self, nodes: &BTreeMap<NodeId, Spare<'a>>, need: &Need<'_>) -> Option<Vec<NodeId>> {
        let mut spares: Vec<&Spare<'a>> = nodes.values().filter(|spare| spare.has_room(need.size, self.high)).collect();
        spares.sort_by(|a, b| a.ratio(a.counted()).total_cmp(&b.ratio(b.counted())));
        let mut chosen: Vec<&Spare<'a>> = Vec::new();
        for spare in spares {
            if chosen.len() < need.leaving.len() && need.takes(spare, &chosen) {
                chosen.push(spare);
            }
        }
        (chosen.len() == need.leaving.len()).then(|| chosen.iter().map(|spare| spare.node.id).collect())
    }

    /// Moves of the replicas to these nodes, which have less room after that.
    pub(super) fn take(&mut self, leaving: &[&ReplicaBalance], nodes: &[NodeId], size: u64) -> Vec<ReplicaBalance> {
        let mid = self.mid;
        let mut moves = Vec::new();
        for (replica, id) in leaving.iter().zip(nodes) {
            for set in self.sets.values_mut() {
                let Some(spare) = set.get_mut(id) else { continue };
                moves.push(ReplicaBalance {
                    destination: spare.node.addr.clone(),
                    dst_id: *id,
                    dst_node_set_id: spare.node.node_set_id,
                    dst_zone_name: spare.node.zone_name.clone(),
                    ..ReplicaBalance::clone(replica)
                });
                spare.promised = spare.promised.saturating_add(size);
                if spare.ratio(spare.counted()) >= mid {
                    set.remove(id);
                }
            }
        }
        moves
    }
}
