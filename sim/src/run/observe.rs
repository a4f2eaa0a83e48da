//! Looks at the masters while they run and hands what it sees to the checks.

use super::cluster::Cluster;
use crate::checks::digests::Digests;
use crate::checks::ids::{Ids, Space};
use crate::checks::leaders::Leaders;
use crate::checks::Violation;
use cfs_master::state::State;
use std::collections::BTreeMap;

/// The checks of what masters show, over the whole run.
#[derive(Default)]
pub struct Observer {
    pub leaders: Leaders,
    pub digests: Digests,
    pub ids: Ids,
    /// Applied index up to which each master's ids were looked at.
    looked: BTreeMap<usize, u64>,
}

impl Observer {
    /// Looks at every running master once.
    pub fn look(&mut self, cluster: &Cluster) -> Result<(), Violation> {
        for n in 0..cluster.masters().len() {
            let Some((sample, state)) = cluster.sample(n) else { continue };
            self.leaders.observe(&sample)?;
            self.digests.observe(&sample)?;
            if self.looked.insert(n, sample.applied) != Some(sample.applied) {
                self.look_at_ids(&state)?;
                state.recount().map_err(|text| Violation::new("G6", format!("master {}: {text}", n + 1)))?;
            }
        }
        Ok(())
    }

    fn look_at_ids(&mut self, state: &State) -> Result<(), Violation> {
        for (id, volume) in &state.volumes {
            self.ids.observe(Space::Common, id.0, &format!("volume {}", volume.name))?;
        }
        for (id, node) in &state.data_nodes {
            self.ids.observe(Space::Common, id.0, &format!("data node {}", node.addr))?;
        }
        for (id, node) in &state.meta_nodes {
            self.ids.observe(Space::Common, id.0, &format!("meta node {}", node.addr))?;
        }
        for (id, set) in &state.node_sets {
            self.ids.observe(Space::Common, id.0, &format!("node set of {}", set.zone_name))?;
        }
        for (id, partition) in &state.data_partitions {
            self.ids.observe(Space::DataPartition, id.0, &format!("data partition of {}", partition.vol_name))?;
        }
        for (id, partition) in &state.meta_partitions {
            self.ids.observe(Space::MetaPartition, id.0, &format!("meta partition of {} from {}", partition.vol_name, partition.start))?;
        }
        Ok(())
    }
}
