//! Looks at the masters while they run and hands what it sees to the checks.

use super::cluster::Cluster;
use crate::checks::digests::Digests;
use crate::checks::ids::{Ids, Space};
use crate::checks::leaders::Leaders;
use crate::checks::Violation;
use cfs_master::state::State;
use imbl::ordmap::DiffItem;
use imbl::OrdMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Looks between two recounts of a master's indexes: a wrong index stays wrong, and a recount walks through the whole state.
const RECOUNT_EVERY: u32 = 50;

/// The checks of what masters show, over the whole run.
#[derive(Default)]
pub struct Observer {
    pub leaders: Leaders,
    pub digests: Digests,
    pub ids: Ids,
    /// The state in which each master's ids were looked at last, and the changed states since its indexes were recounted.
    looked: BTreeMap<usize, (Arc<State>, u32)>,
}

impl Observer {
    /// Looks at every running master once.
    pub fn look(&mut self, cluster: &Cluster) -> Result<(), Violation> {
        for n in 0..cluster.masters().len() {
            let Some((sample, state)) = cluster.sample(n) else { continue };
            self.leaders.observe(&sample)?;
            self.digests.observe(&sample)?;
            let (last, changes) = self.looked.remove(&n).unwrap_or_default();
            let changed = state.applied != last.applied;
            if changed {
                look_at_ids(&mut self.ids, &last, &state)?;
            }
            let recount = changes >= RECOUNT_EVERY;
            if recount {
                state.recount().map_err(|text| Violation::new("G6", format!("master {}: {text}", n + 1)))?;
            }
            self.looked.insert(n, (state, if recount { 0 } else { changes + u32::from(changed) }));
        }
        Ok(())
    }
}

/// What came since the last look; the tables share what did not change, so that this costs what has changed.
fn look_at_ids(ids: &mut Ids, last: &State, state: &State) -> Result<(), Violation> {
    let common = Space::Common;
    for (id, volume) in new(&last.volumes, &state.volumes) {
        ids.observe(common, id.0, &format!("volume {}", volume.name))?;
    }
    for (id, node) in new(&last.data_nodes, &state.data_nodes) {
        ids.observe(common, id.0, &format!("data node {}", node.addr))?;
    }
    for (id, node) in new(&last.meta_nodes, &state.meta_nodes) {
        ids.observe(common, id.0, &format!("meta node {}", node.addr))?;
    }
    for (id, set) in new(&last.node_sets, &state.node_sets) {
        ids.observe(common, id.0, &format!("node set of {}", set.zone_name))?;
    }
    for (id, partition) in new(&last.data_partitions, &state.data_partitions) {
        ids.observe(Space::DataPartition, id.0, &format!("data partition of {}", partition.vol_name))?;
    }
    for (id, partition) in new(&last.meta_partitions, &state.meta_partitions) {
        ids.observe(Space::MetaPartition, id.0, &format!("meta partition of {} from {}", partition.vol_name, partition.start))?;
    }
    Ok(())
}

/// Records that are in `to` and not, or not so, in `from`.
fn new<'a, K: Ord, V: PartialEq>(from: &'a OrdMap<K, V>, to: &'a OrdMap<K, V>) -> impl Iterator<Item = (&'a K, &'a V)> {
    from.diff(to).filter_map(|item| match item {
        DiffItem::Add(key, value) | DiffItem::Update { new: (key, value), .. } => Some((key, value)),
        DiffItem::Remove(..) => None,
    })
}
