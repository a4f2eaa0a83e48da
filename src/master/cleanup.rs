//! Removing what unfinished work left on storage nodes.
//!
//! A partition that was to be created and never came to be turns into a tombstone: it names the hosts that may hold a replica, and stays
//! until each has confirmed that it holds none and no delayed packet can bring one back. Ids are never reused, so a tombstone can never
//! name a live partition; a host that reports a partition with a tombstone is told again.

use super::live::Live;
use super::Master;
use crate::ids::{PartitionId, Term, VolumeId};
use crate::limits;
use crate::model::{CreateIntent, Key, PartitionKind, Tombstone};
use crate::mutants::mutant;
use crate::nodes::CallError;
use crate::state::{State, Txn};
use crate::wire::opcode::Opcode;
use crate::wire::request::{DeleteDataPartitionRequest, MetaPartitionRequest};
use crate::wire::task::Subject;
use futures::stream::{self, StreamExt};

/// A partition of either kind.
pub type PartitionKey = (PartitionKind, PartitionId);

impl Master {
    /// One round: creations that nobody sees to any more are given up, then hosts of tombstones are asked to delete.
    pub(super) async fn cleanup_round(&self, term: Term) {
        let state = self.state();
        for intent in state.create_intents.values() {
            if intent.term != term || !self.live().creating.contains((intent.kind, intent.id)) {
                tracing::info!(partition = intent.id.0, kind = ?intent.kind, "gives up an unfinished creation");
                self.abandon(intent.kind, intent.id).await;
            }
        }
        for intent in state.volume_intents.values() {
            let unseen = intent.term != term || !self.live().creating_volumes.contains(intent.volume);
            if unseen && !mutant!("unfinished volume stays") {
                tracing::info!(volume = intent.name.as_str(), "gives up an unfinished volume");
                self.remove_unborn_volume(intent.volume).await;
            }
        }
        self.bury(term).await;
    }

    /// Turns the intent of a creation that failed into a tombstone.
    pub(super) async fn abandon(&self, kind: PartitionKind, id: PartitionId) {
        let done = self
            .commit("give up creation", |_, txn| {
                let key = Key::CreateIntent(kind, id).to_string();
                if let Some(intent) = txn.read::<CreateIntent>(&key) {
                    txn.delete::<CreateIntent>(&key);
                    if !mutant!("creation given up without a tombstone") {
                        txn.put(Tombstone {
                            kind,
                            id,
                            volume: intent.volume,
                            hosts: intent.hosts.clone(),
                            force: true,
                            ..Default::default()
                        });
                    }
                }
                Ok(())
            })
            .await;
        if let Err(why) = done {
            tracing::warn!(partition = id.0, ?kind, %why, "the clean-up of a creation waits for the next round or leader");
        }
    }

    /// Puts a tombstone for the hosts that did not confirm the deletion of a partition. Nothing when all did.
    pub(super) fn put_tombstone(&self, txn: &mut Txn, volume: VolumeId, (kind, id): PartitionKey, hosts: Vec<String>) {
        if !hosts.is_empty() {
            txn.put(Tombstone { kind, id, volume, hosts, ..Default::default() });
        }
    }

    /// A node reported a partition that the state does not know: when there is a tombstone, the node is told again.
    pub(super) fn reported_unknown(&self, live: &mut Live, state: &State, kind: PartitionKind, id: PartitionId, addr: &str) {
        if state.tombstones.get(&(kind, id)).is_some_and(|t| t.hosts.iter().any(|h| h == addr)) {
            live.buried.remove(&(kind, id, addr.to_owned()));
        }
    }

    async fn bury(&self, term: Term) {
        let state = self.state();
        let mut due = Vec::new();
        {
            let live = self.live();
            for tomb in state.tombstones.values() {
                for host in &tomb.hosts {
                    let asleep = live.is_inactive(tomb.kind, host, self.env.now());
                    if !live.buried.contains(&(tomb.kind, tomb.id, host.clone())) && !asleep {
                        due.push((tomb.kind, tomb.id, host.clone()));
                    }
                }
            }
        }
        due.truncate(limits::DELETIONS_PER_ROUND_MAX);
        if !due.is_empty() && self.still_leads(term).await {
            let mut sends = stream::iter(due)
                .map(|(kind, id, host)| async move {
                    self.delete_replica(&self.state(), kind, id, &host, true).await.then_some((kind, id, host))
                })
                .buffer_unordered(limits::DELETIONS_AT_A_TIME);
            while let Some(buried) = sends.next().await {
                if let Some(buried) = buried {
                    self.live().buried.insert(buried);
                }
            }
        }
        self.remove_tombstones(&state).await;
    }

    /// Tombstones whose hosts have all confirmed, long enough after the last packet that could bring a replica back. How long is
    /// counted by the clock of this reign: a wall clock that jumps would let one go while such a packet is still on its way.
    async fn remove_tombstones(&self, state: &State) {
        let now = self.env.now();
        let done: Vec<PartitionKey> = {
            let mut live = self.live();
            for key in state.tombstones.keys() {
                live.tombstones_since.entry(*key).or_insert(now);
            }
            let confirmed = |t: &Tombstone, h: &String| live.buried.contains(&(t.kind, t.id, h.clone())) || !knows(state, t.kind, h);
            let old =
                |t: &Tombstone| live.tombstones_since.get(&(t.kind, t.id)).is_some_and(|since| now >= *since + limits::TOMBSTONE_KEPT);
            let goes = |t: &Tombstone| old(t) || mutant!("tombstone goes at once");
            let over = state.tombstones.values().filter(|t| goes(t) && t.hosts.iter().all(|h| confirmed(t, h)));
            over.map(|t| (t.kind, t.id)).take(limits::RECORDS_PER_COMMIT_MAX).collect()
        };
        if done.is_empty() {
            return;
        }
        let removed = self
            .commit("remove tombstones", |_, txn| {
                for (kind, id) in &done {
                    txn.delete::<Tombstone>(&Key::Tombstone(*kind, *id).to_string());
                }
                Ok(())
            })
            .await;
        if removed.is_ok() {
            let mut live = self.live();
            live.buried.retain(|(kind, id, _)| !done.contains(&(*kind, *id)));
            live.tombstones_since.retain(|key, _| !done.contains(key));
        }
    }

    /// Asks a host to delete its replica of a partition. True when it confirmed; a missing replica counts (admin-tasks.md §7.2, §8.2).
    pub(super) async fn delete_replica(&self, state: &State, kind: PartitionKind, id: PartitionId, host: &str, force: bool) -> bool {
        if !knows(state, kind, host) {
            return true;
        }
        let id = PartitionId(id.0 - u64::from(mutant!("the neighbour is deleted")));
        let answer = match kind {
            PartitionKind::Data => {
                let request = DeleteDataPartitionRequest { partition_id: id, force, ..Default::default() };
                self.call(host, Opcode::DELETE_DATA_PARTITION, Subject::DataPartition(id), request).await
            }
            PartitionKind::Meta => {
                let request = MetaPartitionRequest { partition_id: id };
                self.call(host, Opcode::DELETE_META_PARTITION, Subject::MetaPartition(id), request).await
            }
        };
        match answer {
            Ok(_) => true,
            Err(CallError::Unknown { .. }) if mutant!("time-out read as deleted") => true,
            Err(why) => {
                tracing::debug!(partition = id.0, ?kind, host, %why, "a replica may still be there");
                false
            }
        }
    }

    /// Confirms with a quorum that this master still leads in `term`: asked before nodes are told to change something.
    pub(super) async fn still_leads(&self, term: Term) -> bool {
        let deadline = self.env.now() + limits::CONFIRM_LEADERSHIP_TIMEOUT;
        self.confirm_leadership(deadline).await.is_ok() && self.ready_term() == Some(term)
    }
}

/// Is the host a node of the cluster? One that is not will never answer.
fn knows(state: &State, kind: PartitionKind, host: &str) -> bool {
    match kind {
        PartitionKind::Data => state.data_node_by_addr(host).is_some(),
        PartitionKind::Meta => state.meta_node_by_addr(host).is_some(),
    }
}
