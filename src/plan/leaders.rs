//! Spreading the leaders of meta partitions over nodes (v3.5.3 http-partitions-nodes.md §7.3, balanceLeader).

use super::meta_partition::leader;
use super::reports::Reports;
use super::scene::Scene;
use crate::ids::PartitionId;
use std::collections::{BTreeMap, BTreeSet};

/// The replica on `to` shall lead the partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub partition: PartitionId,
    pub to: String,
}

/// Transfers that bring `nodes` with more leaders than the average closer to it. A node that is not among `nodes` counts as one without
/// leaders, and may be given some.
pub fn spread(scene: &Scene<'_>, reports: &Reports, nodes: &BTreeSet<String>) -> Vec<Transfer> {
    let mut led: BTreeMap<&str, Vec<PartitionId>> = nodes.iter().map(|addr| (addr.as_str(), Vec::new())).collect();
    for partition in scene.state.meta_partitions.values() {
        if let Some(addr) = leader(scene, reports, partition) {
            if let Some(list) = led.get_mut(&*addr) {
                list.push(partition.partition_id);
            }
        }
    }
    let total: usize = led.values().map(Vec::len).sum();
    let average = total / nodes.len().max(1);
    let mut counts: BTreeMap<&str, usize> = led.iter().map(|(addr, list)| (*addr, list.len())).collect();
    let mut busiest: Vec<&str> = led.keys().copied().collect();
    busiest.sort_by_key(|addr| std::cmp::Reverse(counts[addr]));

    let mut transfers = Vec::new();
    for addr in busiest {
        for id in &led[addr] {
            let own = counts[addr];
            if own <= average {
                break;
            }
            let Some(partition) = scene.state.meta_partitions.get(id) else { continue };
            let has_room = |host: &&String| counts.get(host.as_str()).copied().unwrap_or(0) + 1 < own;
            if let Some(to) = partition.hosts.iter().rev().filter(|host| *host != addr).find(has_room) {
                transfers.push(Transfer { partition: *id, to: to.clone() });
                counts.insert(addr, own - 1);
                if let Some(count) = counts.get_mut(to.as_str()) {
                    *count += 1;
                }
            }
        }
    }
    transfers
}
