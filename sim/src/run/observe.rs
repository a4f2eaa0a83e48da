//! Looks at the masters while they run and hands what it sees to the checks.

use super::cluster::Cluster;
use super::glimpse::{Glimpse, Glimpses, Row};
use super::log_view;
use super::operator::Distrusted;
use super::watch::Watch;
use crate::checks::digests::Digests;
use crate::checks::ids::{Ids, Space};
use crate::checks::leaders::Leaders;
use crate::checks::log::Logs;
use crate::checks::promises::Promises;
use crate::checks::transitions::{self, Shape};
use crate::checks::{bounds, cluster_state, replies, Violation};
use crate::nodes::Kind;
use cfs_master::ids::MasterId;
use cfs_master::limits;
use cfs_master::model::{DataPartition, MetaPartition, Volume};
use cfs_master::raft::Membership;
use cfs_master::state::State;
use imbl::ordmap::DiffItem;
use imbl::OrdMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Looks between two recounts of a master's indexes: a wrong index stays wrong, and a recount walks through the whole state.
const RECOUNT_EVERY: u32 = 50;
/// Between two walks through a whole state.
const WALK_EVERY: Duration = Duration::from_secs(3);
/// Connections of one master: its nodes, clients and peers have a few each, a crowd of hostile ones some more.
const CONNECTIONS_MAX: u64 = 2_000;

/// The checks of what masters show, over the whole run.
pub struct Observer {
    pub leaders: Leaders,
    pub digests: Digests,
    pub ids: Ids,
    pub logs: Logs,
    promises: Promises,
    watch: Watch,
    /// The state in which each master's ids were looked at last, and the changed states since its indexes were recounted.
    looked: BTreeMap<usize, (Arc<State>, u32)>,
    glimpses: Glimpses,
    /// When a whole state was last walked through, and its digest.
    walked: (Duration, u64),
    /// What the masters' disks and words were when the logs were last judged.
    logs_seen: BTreeMap<usize, [u64; 5]>,
    /// A disk was exchanged: what it had promised is not there any more.
    distrusted: Option<Distrusted>,
}

impl Observer {
    pub fn new(glimpses: Glimpses, watch: Watch) -> Self {
        Self {
            leaders: Leaders::default(),
            digests: Digests::default(),
            ids: Ids::default(),
            logs: Logs::default(),
            promises: Promises::default(),
            watch,
            looked: BTreeMap::new(),
            glimpses,
            walked: (Duration::ZERO, 0),
            logs_seen: BTreeMap::new(),
            distrusted: None,
        }
    }

    /// Looks at every running master once. `distrusted` has forgotten what it promised.
    pub fn look(&mut self, cluster: &Cluster, distrusted: Option<Distrusted>) -> Result<(), Violation> {
        self.watch.verdict()?;
        let mut row = Row::new();
        for n in 0..cluster.masters().len() {
            let sample = cluster.sample(n);
            row.push(sample.as_ref().map(|(sample, _)| Glimpse { role: sample.role, term: sample.term, applied: sample.applied }));
            let Some((sample, state)) = sample else { continue };
            if sample.leads {
                self.watch.leads(cluster, n);
            }
            let of_this = distrusted.filter(|distrusted| sample.leads && distrusted.master == n);
            if of_this.is_some_and(|it| it.incarnation == Some(sample.disk) || !is_known(cluster, n, sample.disk)) {
                let text = format!("master {} leads in term {} with a disk that forgot its promises", n + 1, sample.term);
                return Err(Violation::new("R8", text));
            }
            self.leaders.observe(&sample)?;
            self.digests.observe(&sample)?;
            self.look_at_state(cluster, n, state)?;
        }
        self.glimpses.see(cluster.world().now(), row);
        self.look_at_logs(cluster, distrusted)
    }

    fn look_at_state(&mut self, cluster: &Cluster, n: usize, state: Arc<State>) -> Result<(), Violation> {
        let (last, changes) = self.looked.remove(&n).unwrap_or_default();
        let changed = state.applied != last.applied;
        if changed {
            look_at_ids(&mut self.ids, &last, &state)?;
            // A master that was restarted goes back and comes again.
            if last.applied.0 > 0 && state.applied > last.applied {
                look_at_changes(&last, &state)?;
                look_at_replies(cluster, &last, &state)?;
            }
            let now = cluster.world().now();
            if now >= self.walked.0 + WALK_EVERY && self.walked.1 != state.digest {
                self.walked = (now, state.digest);
                cluster_state::check(&state)?;
            }
        }
        let recount = changes >= RECOUNT_EVERY;
        if recount {
            state.recount().map_err(|text| Violation::new("G6", format!("master {}: {text}", n + 1)))?;
        }
        self.looked.insert(n, (state, if recount { 0 } else { changes + u32::from(changed) }));
        Ok(())
    }

    /// Judges the logs on disk, when anything about them changed.
    fn look_at_logs(&mut self, cluster: &Cluster, distrusted: Option<Distrusted>) -> Result<(), Violation> {
        let seen: BTreeMap<usize, [u64; 5]> = (0..cluster.masters().len()).map(|n| (n, cluster.log_version(n))).collect();
        if seen == self.logs_seen {
            return Ok(());
        }
        self.logs_seen = seen;
        let readings: Vec<_> = (0..cluster.masters().len()).map(|n| log_view::read(cluster, n, &self.logs)).collect();
        for reading in readings.iter().filter(|reading| reading.view.running) {
            self.promises.observe(reading.promise)?;
        }
        let views: Vec<_> = readings.into_iter().map(|reading| reading.view).collect();
        let voters =
            (0..cluster.masters().len()).filter_map(|n| cluster.master(n)).map(|master| master.raft().membership().voters().count());
        let quorum = voters.filter(|voters| *voters > 0).min().unwrap_or_default() / 2 + 1;
        // A disk that was just exchanged held its part until then.
        let lost = usize::from(distrusted.is_some() || self.distrusted.is_some());
        self.distrusted = distrusted;
        self.logs.observe(&views, quorum.saturating_sub(lost))
    }

    /// Looks at what fills and empties, now and then.
    pub fn look_at_bounds(&mut self, cluster: &Cluster) -> Result<(), Violation> {
        self.watch.tasks_arrived(cluster);
        for n in 0..cluster.masters().len() {
            let Some(master) = cluster.master(n) else { continue };
            let status = master.raft().status();
            let named = |what: &str| format!("master {}'s {what}", n + 1);
            bounds::check(&named("waiting proposals"), status.proposals_waiting as u64, limits::PROPOSALS_PENDING_MAX as u64)?;
            bounds::check(&named("waiting reads"), status.reads_waiting as u64, limits::READS_PENDING_MAX as u64)?;
            bounds::check(&named("connections"), cluster.world().connections(cluster.masters()[n]) as u64, CONNECTIONS_MAX)?;
        }
        Ok(())
    }
}

/// Another master's membership names this disk: it was added again, though the operator may not know yet.
fn is_known(cluster: &Cluster, n: usize, disk: u64) -> bool {
    let others = (0..cluster.masters().len()).filter(|other| *other != n).filter_map(|other| cluster.master(other));
    let member = |membership: &Membership| membership.members.get(&MasterId(n as u64 + 1)).and_then(|member| member.incarnation);
    others.map(|other| other.raft().membership()).any(|membership| member(&membership) == Some(disk))
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

/// G5: each change of a record since the last look.
fn look_at_changes(last: &State, state: &State) -> Result<(), Violation> {
    changes(&last.volumes, &state.volumes, |id| id.0, volume_shape)?;
    changes(&last.meta_partitions, &state.meta_partitions, |id| id.0, meta_shape)?;
    changes(&last.data_partitions, &state.data_partitions, |id| id.0, data_shape)
}

fn volume_shape(volume: &Volume) -> Shape {
    Shape::Volume { name: volume.name.clone(), status: u64::from(volume.status.0) }
}

fn meta_shape(partition: &MetaPartition) -> Shape {
    Shape::MetaPartition { volume: partition.vol_id.0, start: partition.start, end: partition.end }
}

fn data_shape(partition: &DataPartition) -> Shape {
    Shape::DataPartition { volume: partition.vol_id.0, replicas: u64::from(partition.replica_num) }
}

fn changes<K: Ord, V: PartialEq>(
    from: &OrdMap<K, Arc<V>>,
    to: &OrdMap<K, Arc<V>>,
    number: impl Fn(&K) -> u64,
    shape: impl Fn(&V) -> Shape,
) -> Result<(), Violation> {
    from.diff(to).try_for_each(|item| match item {
        DiffItem::Add(key, value) => transitions::check(number(key), None, Some(&shape(value))),
        DiffItem::Remove(key, value) => transitions::check(number(key), Some(&shape(value)), None),
        DiffItem::Update { old: (key, old), new: (_, new) } => transitions::check(number(key), Some(&shape(old)), Some(&shape(new))),
    })
}

/// T2: each partition that came since the last look.
fn look_at_replies(cluster: &Cluster, last: &State, state: &State) -> Result<(), Violation> {
    let fleet = cluster.fleet();
    for (id, partition) in added(&last.data_partitions, &state.data_partitions) {
        let answered: BTreeSet<String> = fleet.answered(Kind::Data, id.0);
        replies::check("data", id.0, &partition.hosts, &answered)?;
    }
    for (id, partition) in added(&last.meta_partitions, &state.meta_partitions) {
        let answered: BTreeSet<String> = fleet.answered(Kind::Meta, id.0);
        replies::check("meta", id.0, &partition.hosts, &answered)?;
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

/// Records that are in `to` and not in `from`.
fn added<'a, K: Ord, V: PartialEq>(from: &'a OrdMap<K, V>, to: &'a OrdMap<K, V>) -> impl Iterator<Item = (&'a K, &'a V)> {
    from.diff(to).filter_map(|item| match item {
        DiffItem::Add(key, value) => Some((key, value)),
        DiffItem::Remove(..) | DiffItem::Update { .. } => None,
    })
}
