//! Choosing one node set of a zone (v3.5.3 topology-selection.md §8).

use super::node_selector::{nth_least, straw, Random};
use crate::ids::NodeSetId;
use std::collections::BTreeMap;

const CARRY_MAX: f64 = 10.0;

/// How the node sets of a zone are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NodeSetSelector {
    #[default]
    RoundRobin,
    CarryWeight,
    AvailableSpaceFirst,
    Straw,
}

impl NodeSetSelector {
    /// The selector of that name; an unknown name is the default.
    pub fn named(name: &str) -> Self {
        match name {
            "CarryWeight" => Self::CarryWeight,
            "AvailableSpaceFirst" => Self::AvailableSpaceFirst,
            "Straw" => Self::Straw,
            _ => Self::RoundRobin,
        }
    }

    /// Its name in records and views.
    pub fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "RoundRobin",
            Self::CarryWeight => "CarryWeight",
            Self::AvailableSpaceFirst => "AvailableSpaceFirst",
            Self::Straw => "Straw",
        }
    }
}

/// A node set as its selector sees it.
#[derive(Clone, Copy, Debug)]
pub struct Set {
    pub id: NodeSetId,
    /// Bytes of all nodes.
    pub total: u64,
    /// Bytes available on the nodes that stay in service, dead ones included.
    pub available: u64,
    /// It can take the partition and is not to be avoided.
    pub usable: bool,
}

/// What the selector of one zone remembers. Lost at a change of leader and when the zone gets another selector.
#[derive(Clone, Debug, Default)]
pub struct SetMemory {
    selector: NodeSetSelector,
    carry: BTreeMap<NodeSetId, f64>,
    index: usize,
}

/// The set to use, if any is usable.
pub fn select(selector: NodeSetSelector, sets: &[Set], memory: &mut SetMemory, random: &mut Random<'_>) -> Option<NodeSetId> {
    if memory.selector != selector {
        *memory = SetMemory { selector, ..SetMemory::default() };
    }
    let mut sets = sets.to_vec();
    sets.sort_by_key(|set| set.id);
    match selector {
        NodeSetSelector::RoundRobin => in_turn(&sets, &mut memory.index),
        NodeSetSelector::CarryWeight => by_carry(&sets, &mut memory.carry),
        NodeSetSelector::AvailableSpaceFirst => {
            sets.sort_by_key(|set| std::cmp::Reverse(set.available));
            sets.iter().find(|set| set.usable).map(|set| set.id)
        }
        NodeSetSelector::Straw => by_straw(&sets, random),
    }
}

fn in_turn(sets: &[Set], index: &mut usize) -> Option<NodeSetId> {
    for _ in 0..sets.len() {
        if *index >= sets.len() {
            *index = 0;
        }
        let set = &sets[*index];
        *index += 1;
        if set.usable {
            return Some(set.id);
        }
    }
    None
}

fn by_carry(sets: &[Set], carry: &mut BTreeMap<NodeSetId, f64>) -> Option<NodeSetId> {
    let largest = sets.iter().map(|set| set.total).max().unwrap_or(0);
    let weight = |set: &Set| if largest == 0 { 1.0 } else { set.available as f64 / largest as f64 };
    carry.retain(|id, _| sets.iter().any(|set| set.id == *id));
    for set in sets {
        carry.entry(set.id).or_insert_with(|| weight(set));
    }
    let usable: Vec<&Set> = sets.iter().filter(|set| set.usable).collect();
    if !usable.iter().any(|set| carry[&set.id] >= 1.0) {
        let rounds = |carry: f64, growth: f64| ((1.0 - carry) / growth).ceil();
        let rounds = nth_least(usable.iter().map(|set| (carry[&set.id], weight(set))), rounds, 1);
        for set in &usable {
            let grown = carry[&set.id] + rounds * weight(set);
            carry.insert(set.id, grown.min(CARRY_MAX));
        }
    }
    let best = usable.into_iter().reduce(|best, set| if carry[&set.id] > carry[&best.id] { set } else { best })?;
    carry.entry(best.id).and_modify(|c| *c -= 1.0);
    Some(best.id)
}

fn by_straw(sets: &[Set], random: &mut Random<'_>) -> Option<NodeSetId> {
    let mut best: Option<(f64, NodeSetId)> = None;
    for set in sets.iter().filter(|set| set.usable) {
        let length = straw((set.available >> 30) as f64, random);
        if best.is_none_or(|(longest, _)| length > longest) {
            best = Some((length, set.id));
        }
    }
    best.map(|(_, id)| id)
}
