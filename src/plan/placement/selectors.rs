//! What host selection remembers from one choice to the next. In memory of the leader only; a new leader starts afresh.

use super::node_selector::NodeMemory;
use super::node_set_selector::SetMemory;
use crate::ids::NodeSetId;
use crate::model::PartitionKind;
use std::collections::BTreeMap;

/// Carry weights, rotating indexes, and how often a node was chosen.
#[derive(Clone, Debug, Default)]
pub struct Selectors {
    pub(super) nodes: BTreeMap<(PartitionKind, NodeSetId), NodeMemory>,
    pub(super) sets: BTreeMap<(PartitionKind, String), SetMemory>,
    /// The next zone where one host per zone is taken; one index for both kinds as in v3.5.3.
    pub(super) zone: usize,
    /// The next zone where the hosts are split over two zones, by kind.
    pub(super) pair: BTreeMap<PartitionKind, usize>,
    /// The next group of a domain.
    pub(super) group: BTreeMap<u64, usize>,
    /// The next node set inside a group.
    pub(super) in_group: BTreeMap<u64, usize>,
    /// The zone that building a group starts from, by domain.
    pub(super) build: BTreeMap<u64, usize>,
    chosen: BTreeMap<(PartitionKind, String), u64>,
}

impl Selectors {
    /// How often this leader chose a node (`SelectedTimes`, `SelectCount` of the views).
    pub fn times_chosen(&self, kind: PartitionKind, addr: &str) -> u64 {
        self.chosen.get(&(kind, addr.to_owned())).copied().unwrap_or(0)
    }

    /// The node is gone: another one at its address begins anew.
    pub fn forget(&mut self, kind: PartitionKind, addr: &str) {
        self.chosen.remove(&(kind, addr.to_owned()));
    }

    pub(super) fn count(&mut self, kind: PartitionKind, addr: &str) {
        *self.chosen.entry((kind, addr.to_owned())).or_default() += 1;
    }
}
