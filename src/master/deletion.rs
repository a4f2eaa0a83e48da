//! Removing volumes that are marked deleted: replicas first, then the partitions' records, the volume's record last.
//!
//! v3.5.3 removes the volume's record first and leaves orphans behind a crash (background-tasks.md §22.8); here whoever leads next goes on
//! where the last one stopped, because what is left is still in the state.

use super::Master;
use crate::ids::{Term, VolumeId};
use crate::limits;
use crate::model::{DataPartition, Key, LcConfiguration, MetaPartition, PartitionKind, Volume};
use crate::mutants::mutant;
use crate::plan::volume;
use crate::state::State;
use futures::future::join_all;

impl Master {
    /// One round over all volumes marked deleted (v3.5.3 background-tasks.md §8.1).
    pub(super) async fn delete_volumes(&self, term: Term) {
        self.release_due_deletions().await;
        let state = self.state();
        for id in state.volumes.values().filter(|v| volume::may_be_removed(v)).map(|v| v.id) {
            if self.still_leads(term).await {
                self.delete_partitions_of(id, term).await;
            }
        }
    }

    async fn delete_partitions_of(&self, id: VolumeId, term: Term) {
        if mutant!("volume's record removed first") {
            return self.delete_volume_record(id).await;
        }
        loop {
            let state = self.state();
            let meta: Vec<_> = state.meta_partitions_of_volume(id).take(limits::DELETIONS_AT_A_TIME).cloned().collect();
            let room = limits::DELETIONS_AT_A_TIME - meta.len();
            let data: Vec<_> = state.data_partitions_of_volume(id).take(room).cloned().collect();
            if meta.is_empty() && data.is_empty() {
                return self.delete_volume_record(id).await;
            }
            let mut batch = Vec::new();
            batch.extend(meta.iter().map(|p| (PartitionKind::Meta, p.partition_id, p.hosts.clone())));
            batch.extend(data.iter().map(|p| (PartitionKind::Data, p.partition_id, p.hosts.clone())));
            let left = join_all(batch.iter().map(|(kind, pid, hosts)| self.delete_replicas(&state, *kind, *pid, hosts))).await;
            if !self.still_leads(term).await {
                return;
            }
            let removed = self
                .commit("delete partitions", |_, txn| {
                    for ((kind, pid, _), hosts) in batch.iter().zip(&left) {
                        match kind {
                            PartitionKind::Meta => txn.delete::<MetaPartition>(&Key::MetaPartition(id, *pid).to_string()),
                            PartitionKind::Data => txn.delete::<DataPartition>(&Key::DataPartition(id, *pid).to_string()),
                        }
                        self.put_tombstone(txn, id, (*kind, *pid), hosts.clone());
                    }
                    Ok(())
                })
                .await;
            if let Err(why) = removed {
                tracing::warn!(volume = id.0, %why, "the deletion goes on in the next round");
                return;
            }
            let mut live = self.live();
            for (kind, pid, _) in &batch {
                match kind {
                    PartitionKind::Meta => live.reports.forget_meta_partition(*pid),
                    PartitionKind::Data => live.reports.forget_data_partition(*pid),
                }
            }
        }
    }

    /// Asks every host; returns those that did not confirm. A host that is known to be down is not waited for.
    async fn delete_replicas(&self, state: &State, kind: PartitionKind, id: crate::ids::PartitionId, hosts: &[String]) -> Vec<String> {
        let asks = hosts.iter().map(|host| async move {
            let down = self.live().is_inactive(kind, host, self.env.now());
            let confirmed = !down && self.delete_replica(state, kind, id, host, false).await;
            (!confirmed).then(|| host.clone())
        });
        join_all(asks).await.into_iter().flatten().collect()
    }

    async fn delete_volume_record(&self, id: VolumeId) {
        let name = self.volume_name(id);
        let removed = self
            .commit("delete volume", |state, txn| {
                if txn.volume(id).is_some_and(|v| volume::may_be_removed(&v)) {
                    txn.delete::<Volume>(&Key::Volume(id).to_string());
                    if state.lc_configurations.contains_key(&name) {
                        txn.delete::<LcConfiguration>(&Key::LcConfiguration(name.clone()).to_string());
                    }
                }
                Ok(())
            })
            .await;
        match removed {
            Ok(()) => {
                tracing::info!(volume = name.as_str(), "deleted");
                self.cached.forget_volume(id);
            }
            Err(why) => tracing::warn!(volume = name.as_str(), %why, "the record stays until the next round"),
        }
    }
}
