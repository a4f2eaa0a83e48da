//! What the storage nodes reported to this leader. Not state: kept beside it on the leader only, rebuilt from heartbeats, and
//! each thing is tagged with when it was heard.
//!
//! [`Reports`] is plain data; the pure functions [`apply_data_heartbeat`] and [`apply_meta_heartbeat`] bring a heartbeat in and say
//! what follows from it as [`Change`]s. What a replica reported is kept as reported: what it counts for (a silent replica is
//! unavailable, a read-only node makes its replicas read-only) is worked out where it is asked for, in `plan::data_partition` and
//! `plan::meta_partition`.
//!
//! Invariant: no clock. `now` is monotonic time since an origin of this process.

mod change;
mod data;
mod data_partition;
mod meta;
mod meta_partition;
mod node;
mod peers;
#[cfg(test)]
mod tests;

pub use change::Change;
pub use data::apply_data_heartbeat;
pub use data_partition::{DataPartitionReports, DataReplica};
pub use meta::apply_meta_heartbeat;
pub use meta_partition::{MetaPartitionReports, MetaReplica};
pub use node::{DataNodeReport, MetaNodeReport};
pub use peers::LocalPeers;

use super::liveness::Liveness;
use crate::ids::PartitionId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Everything heard under one leadership, and what the master keeps in memory only about nodes and zones.
#[derive(Clone, Debug, Default)]
pub struct Reports {
    /// When this leadership began.
    since: Duration,
    data_nodes: BTreeMap<Arc<str>, DataNodeReport>,
    meta_nodes: BTreeMap<Arc<str>, MetaNodeReport>,
    data_partitions: BTreeMap<PartitionId, DataPartitionReports>,
    meta_partitions: BTreeMap<PartitionId, MetaPartitionReports>,
    /// Zones set unavailable; v3.5.3 forgets this at a change of leader too (topology-selection.md §18 no. 7).
    zones_unavailable: BTreeSet<String>,
    /// Disk paths, each kept once.
    texts: BTreeSet<Arc<str>>,
}

impl Reports {
    /// Nothing heard yet, by a leadership that began at `since`.
    pub fn new(since: Duration) -> Self {
        Self { since, ..Self::default() }
    }

    /// When this leadership began.
    pub fn since(&self) -> Duration {
        self.since
    }

    /// How old this leadership is.
    pub fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.since)
    }

    // ---- nodes --------------------------------------------------------------------------------------------------

    /// What is known of a data node besides its record.
    pub fn data_node(&self, addr: &str) -> Option<&DataNodeReport> {
        self.data_nodes.get(addr)
    }

    /// The same for changing it; made when missing.
    pub fn data_node_mut(&mut self, addr: &str) -> &mut DataNodeReport {
        node_mut(&mut self.data_nodes, addr)
    }

    /// What is known of a meta node besides its record.
    pub fn meta_node(&self, addr: &str) -> Option<&MetaNodeReport> {
        self.meta_nodes.get(addr)
    }

    /// The same for changing it; made when missing.
    pub fn meta_node_mut(&mut self, addr: &str) -> &mut MetaNodeReport {
        node_mut(&mut self.meta_nodes, addr)
    }

    /// A data node registered under this leader: it counts as inactive until its first heartbeat (v3.5.3 topology-selection.md §4).
    pub fn data_node_registered(&mut self, addr: &str, wall_secs: i64) {
        let node = self.data_node_mut(addr);
        node.fresh = true;
        node.heard_wall_secs = wall_secs;
    }

    /// A meta node registered under this leader.
    pub fn meta_node_registered(&mut self, addr: &str) {
        self.meta_node_mut(addr).fresh = true;
    }

    /// The record of a data node is gone.
    pub fn forget_data_node(&mut self, addr: &str) {
        self.data_nodes.remove(addr);
    }

    /// The record of a meta node is gone.
    pub fn forget_meta_node(&mut self, addr: &str) {
        self.meta_nodes.remove(addr);
    }

    /// Liveness of a data node.
    pub fn data_liveness(&self, addr: &str, now: Duration) -> Liveness {
        let node = self.data_nodes.get(addr);
        Liveness::of(node.and_then(|n| n.heard_at), node.is_some_and(|n| n.fresh), self.since, now)
    }

    /// Liveness of a meta node.
    pub fn meta_liveness(&self, addr: &str, now: Duration) -> Liveness {
        let node = self.meta_nodes.get(addr);
        Liveness::of(node.and_then(|n| n.heard_at), node.is_some_and(|n| n.fresh), self.since, now)
    }

    /// Takes `bytes` off what a data node has available until its heartbeats say otherwise (v3.5.3 topology-selection.md §16).
    pub fn reserve(&mut self, addr: &str, bytes: u64, now: Duration) {
        let node = self.data_node_mut(addr);
        node.available = node.available.saturating_sub(bytes);
        node.available_at = Some(now);
    }

    /// Gives a reservation back.
    pub fn release(&mut self, addr: &str, bytes: u64) {
        let node = self.data_node_mut(addr);
        node.available = node.available.saturating_add(bytes);
    }

    // ---- zones --------------------------------------------------------------------------------------------------

    /// Whether a zone is set unavailable.
    pub fn zone_unavailable(&self, zone: &str) -> bool {
        self.zones_unavailable.contains(zone)
    }

    /// Sets the status of a zone.
    pub fn set_zone_unavailable(&mut self, zone: &str, unavailable: bool) {
        if unavailable {
            self.zones_unavailable.insert(zone.to_owned());
        } else {
            self.zones_unavailable.remove(zone);
        }
    }

    // ---- partitions ---------------------------------------------------------------------------------------------

    /// What is known of the replicas of a data partition.
    pub fn data_partition(&self, id: PartitionId) -> Option<&DataPartitionReports> {
        self.data_partitions.get(&id)
    }

    /// The same for changing it; made when missing.
    pub fn data_partition_mut(&mut self, id: PartitionId) -> &mut DataPartitionReports {
        self.data_partitions.entry(id).or_default()
    }

    /// The record of a data partition is gone.
    pub fn forget_data_partition(&mut self, id: PartitionId) {
        self.data_partitions.remove(&id);
    }

    /// What is known of the replicas of a meta partition.
    pub fn meta_partition(&self, id: PartitionId) -> Option<&MetaPartitionReports> {
        self.meta_partitions.get(&id)
    }

    /// The same for changing it; made when missing.
    pub fn meta_partition_mut(&mut self, id: PartitionId) -> &mut MetaPartitionReports {
        self.meta_partitions.entry(id).or_default()
    }

    /// The record of a meta partition is gone.
    pub fn forget_meta_partition(&mut self, id: PartitionId) {
        self.meta_partitions.remove(&id);
    }

    /// A data partition was just created on `replicas`, pairs of host and disk path: it counts as read-write until heartbeats
    /// speak of it (v3.5.3 topology-selection.md §13).
    pub fn assume_data_partition_created(&mut self, id: PartitionId, replicas: &[(&str, &str)], now: Duration) {
        for (host, disk) in replicas {
            self.assume_data_replica_created(id, host, disk, now);
        }
        self.data_partition_mut(id).created_at = Some(now);
    }

    /// A replica was just added on `host`.
    pub fn assume_data_replica_created(&mut self, id: PartitionId, host: &str, disk: &str, now: Duration) {
        let addr = self.data_node_addr(host);
        let disk = self.text(disk);
        let partition = self.data_partition_mut(id);
        partition.remove_replica(host);
        partition.replicas.push(DataReplica::created(addr, disk, now));
    }

    /// A meta partition was just created on `hosts`.
    pub fn assume_meta_partition_created(&mut self, id: PartitionId, hosts: &[&str], start: u64, end: u64, now: Duration) {
        for host in hosts {
            self.assume_meta_replica_created(id, host, start, end, now);
        }
        self.meta_partition_mut(id).created_at = Some(now);
    }

    /// A replica was just added on `host`.
    pub fn assume_meta_replica_created(&mut self, id: PartitionId, host: &str, start: u64, end: u64, now: Duration) {
        let addr = self.meta_node_addr(host);
        let partition = self.meta_partition_mut(id);
        partition.remove_replica(host);
        partition.replicas.push(MetaReplica::created(addr, start, end, now));
    }

    // ---- interning ----------------------------------------------------------------------------------------------

    /// The one copy of a data node's address.
    fn data_node_addr(&mut self, addr: &str) -> Arc<str> {
        node_key(&mut self.data_nodes, addr)
    }

    /// The one copy of a meta node's address.
    fn meta_node_addr(&mut self, addr: &str) -> Arc<str> {
        node_key(&mut self.meta_nodes, addr)
    }

    /// The one copy of a disk path.
    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.texts.insert(new.clone());
        new
    }
}

fn node_mut<'a, T: Default>(nodes: &'a mut BTreeMap<Arc<str>, T>, addr: &str) -> &'a mut T {
    let key = node_key(nodes, addr);
    nodes.entry(key).or_default()
}

fn node_key<T: Default>(nodes: &mut BTreeMap<Arc<str>, T>, addr: &str) -> Arc<str> {
    if let Some((key, _)) = nodes.get_key_value(addr) {
        return key.clone();
    }
    let key: Arc<str> = addr.into();
    nodes.insert(key.clone(), T::default());
    key
}
