//! What is left in the end, on the disks of the stopped masters and on the nodes, and what is wrong with it.

use crate::cluster::Cluster;
use crate::fault::MASTERS;
use cfs_master::env::rocks::StoppedStore;
use cfs_master::env::storage::{each_piece, Pair};
use cfs_master::env::StoreError;
use cfs_master::state::State;
use cfs_sim::checks::{acknowledged, agreement, cluster_state, contents, replies, Violation};
use cfs_sim::nodes::{Fleet, Kind};
use cfs_sim::run::history::Event;
use cfs_sim::run::holdings;
use std::path::Path;

/// The state stores of all masters.
pub struct End {
    stores: Vec<Vec<Pair>>,
    pub state: State,
}

impl End {
    /// Reads the stores of the stopped masters.
    pub fn read(cluster: &Cluster) -> Result<Self, String> {
        let dir = |n: usize| cluster.masters.dir.path().join(format!("m{}/store", n + 1));
        let stores = (0..MASTERS).map(|n| read(&dir(n)).map_err(|e| e.to_string())).collect::<Result<Vec<_>, _>>()?;
        let state = State::from_pairs(stores[0].iter().cloned()).map_err(|e| e.to_string())?;
        Ok(Self { stores, state })
    }

    /// Why it is too early for a verdict; empty when it is not.
    pub fn pending(&self, fleet: &Fleet) -> Vec<String> {
        let applied: Vec<_> =
            self.stores.iter().filter_map(|store| State::from_pairs(store.iter().cloned()).ok()).map(|s| s.applied).collect();
        let mut found = Vec::new();
        if applied.len() < MASTERS || applied.iter().any(|index| *index != applied[0]) {
            found.push(format!("the masters have applied {applied:?}"));
        }
        found.extend(holdings::pending(&self.state));
        found.extend(agreement::differences(&holdings::of_metadata(&self.state), &holdings::of_nodes(fleet)));
        found
    }

    /// What the stores, the nodes and the clients know of the end.
    pub fn judge(&self, fleet: &Fleet, history: &[Event]) -> Result<(), Violation> {
        for n in 1..MASTERS {
            contents::check(("master 1", &format!("master {}", n + 1)), &self.stores[0], &self.stores[n])?;
        }
        agreement::check(&holdings::of_metadata(&self.state), &holdings::of_nodes(fleet))?;
        cluster_state::check(&self.state)?;
        self.state.recount().map_err(|text| Violation::new("G6", text))?;
        for (id, partition) in &self.state.data_partitions {
            replies::check("data", id.0, &partition.hosts, &fleet.answered(Kind::Data, id.0))?;
        }
        for (id, partition) in &self.state.meta_partitions {
            replies::check("meta", id.0, &partition.hosts, &fleet.answered(Kind::Meta, id.0))?;
        }
        let present = self.state.volumes.values().map(|volume| (volume.name.clone(), u64::from(volume.status.0))).collect();
        acknowledged::check(history, &present)
    }
}

fn read(dir: &Path) -> Result<Vec<Pair>, StoreError> {
    let store = StoppedStore::open(dir)?;
    let mut pairs = Vec::new();
    each_piece(&store, |piece| {
        pairs.extend(piece);
        Ok::<(), StoreError>(())
    })?;
    Ok(pairs)
}
