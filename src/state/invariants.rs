//! What holds of every state, as predicates (simulation.md, G1 to G6). The simulation checks them after each command; each
//! has a synthetic case here that it must fail.
//!
//! Invariant: they read a state and nothing else. What only a change can break is for those who see both sides of it.

use super::State;
use crate::ids::NodeSetId;
use crate::limits::INODE_MAX;
use crate::model::Counter;
use crate::wire::peer::Peer;
use std::collections::BTreeSet;

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{invariant}: {what}")]
pub struct Violation {
    /// Its number in simulation.md.
    pub invariant: &'static str,
    /// Where and how.
    pub what: String,
}

/// A predicate.
pub type Invariant = fn(&State) -> Result<(), Violation>;

/// Those that hold after every command, whatever the commands were. [`meta_ranges_leave_no_gap`] is not among them.
pub const ALWAYS: &[Invariant] = &[counters_cover_ids, references_hold, hosts_are_distinct, meta_ranges_tile, indexes_equal_recount];

fn check(invariant: &'static str, holds: bool, what: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds {
        Ok(())
    } else {
        Err(Violation { invariant, what: what() })
    }
}

/// G1: no counter is behind an id that is in use, so that none is given twice.
pub fn counters_cover_ids(state: &State) -> Result<(), Violation> {
    let largest = |ids: &mut dyn Iterator<Item = u64>| ids.max().unwrap_or(0);
    let common = [
        largest(&mut state.volumes.keys().map(|id| id.0)),
        largest(&mut state.data_nodes.keys().map(|id| id.0)),
        largest(&mut state.meta_nodes.keys().map(|id| id.0)),
        largest(&mut state.node_sets.keys().map(|id| id.0)),
        largest(&mut state.node_set_groups.keys().copied()),
        largest(&mut state.lc_nodes.values().map(|node| node.id.0)),
        largest(&mut state.flash_nodes.keys().map(|id| id.0)),
        largest(&mut state.flash_groups.keys().copied()),
    ];
    let used = [
        (Counter::DataPartition, largest(&mut state.data_partitions.keys().map(|id| id.0))),
        (Counter::MetaPartition, largest(&mut state.meta_partitions.keys().map(|id| id.0))),
        (Counter::Common, largest(&mut common.into_iter())),
        (Counter::Quota, largest(&mut state.quotas.keys().map(|(_, id)| u64::from(*id)))),
    ];
    used.into_iter().try_for_each(|(counter, id)| {
        let last = state.counter(counter);
        check("G1", last >= id, || format!("{} is {last}, but id {id} is in use", counter.key()))
    })
}

/// G2: a partition's volume exists and has its name, its hosts are registered; a node's set exists and is in its zone.
pub fn references_hold(state: &State) -> Result<(), Violation> {
    let set_in_zone = |set: NodeSetId, zone: &str| state.node_sets.get(&set).is_some_and(|set| set.effective_zone_name() == zone);
    for node in state.data_nodes.values() {
        check("G2", set_in_zone(node.node_set_id, node.effective_zone_name()), || {
            format!("data node {} is in node set {}, which is not in zone {}", node.addr, node.node_set_id, node.effective_zone_name())
        })?;
    }
    for node in state.meta_nodes.values() {
        check("G2", set_in_zone(node.node_set_id, node.effective_zone_name()), || {
            format!("meta node {} is in node set {}, which is not in zone {}", node.addr, node.node_set_id, node.effective_zone_name())
        })?;
    }
    for partition in state.data_partitions.values() {
        let id = partition.partition_id;
        let named = state.volumes.get(&partition.vol_id).is_some_and(|volume| volume.name == partition.vol_name);
        check("G2", named, || {
            format!("data partition {id} is of volume {} {:?}, which is not there", partition.vol_id, partition.vol_name)
        })?;
        let stray = partition.hosts.iter().find(|host| state.data_node_by_addr(host).is_none());
        check("G2", stray.is_none(), || format!("data partition {id} is on {stray:?}, which is no data node"))?;
    }
    for partition in state.meta_partitions.values() {
        let id = partition.partition_id;
        let named = state.volumes.get(&partition.vol_id).is_some_and(|volume| volume.name == partition.vol_name);
        check("G2", named, || {
            format!("meta partition {id} is of volume {} {:?}, which is not there", partition.vol_id, partition.vol_name)
        })?;
        let stray = partition.hosts.iter().find(|host| state.meta_node_by_addr(host).is_none());
        check("G2", stray.is_none(), || format!("meta partition {id} is on {stray:?}, which is no meta node"))?;
    }
    Ok(())
}

/// G3: a partition's hosts are distinct, at least one, at most one more than its replicas (a move adds before it takes
/// away), and its peers are the same nodes. That a move never leaves fewer than before is for those who see it happen.
pub fn hosts_are_distinct(state: &State) -> Result<(), Violation> {
    let data = state.data_partitions.values().map(|dp| ("data", dp.partition_id, dp.replica_num, &dp.hosts, &dp.peers));
    let meta = state.meta_partitions.values().map(|mp| ("meta", mp.partition_id, mp.replica_num, &mp.hosts, &mp.peers));
    for (kind, id, replicas, hosts, peers) in data.chain(meta) {
        let distinct: BTreeSet<&str> = hosts.iter().map(String::as_str).collect();
        let of_peers: BTreeSet<&str> = peers.iter().map(|peer: &Peer| peer.addr.as_str()).collect();
        check("G3", distinct.len() == hosts.len(), || format!("{kind} partition {id} has a host twice: {hosts:?}"))?;
        let count = (1..=usize::from(replicas) + 1).contains(&hosts.len());
        check("G3", count, || format!("{kind} partition {id} of {replicas} replicas has {} hosts", hosts.len()))?;
        check("G3", distinct == of_peers && peers.len() == hosts.len(), || {
            format!("{kind} partition {id} is on {hosts:?}, its peers are {of_peers:?}")
        })?;
    }
    Ok(())
}

/// G4: the meta partitions of a volume begin at inode 0, do not overlap, and just the last is open. v3.5.3's cleaning of
/// empty meta partitions takes some away, so that there may be gaps.
pub fn meta_ranges_tile(state: &State) -> Result<(), Violation> {
    each_meta_range(state, |at, end, start| check("G4", start > end, || format!("{at} starts at {start}, the one before ends at {end}")))
}

/// G4 of a cluster in which no empty meta partition was ever cleaned: each begins right after the one before.
pub fn meta_ranges_leave_no_gap(state: &State) -> Result<(), Violation> {
    each_meta_range(state, |at, end, start| {
        check("G4", Some(start) == end.checked_add(1), || format!("{at} starts at {start}, the one before ends at {end}"))
    })
}

/// Checks each volume's ranges; `follows` judges where one ends and the next starts.
fn each_meta_range(state: &State, follows: impl Fn(&str, u64, u64) -> Result<(), Violation>) -> Result<(), Violation> {
    for volume in state.volumes.values() {
        let mut before: Option<u64> = None;
        for partition in state.meta_partitions_of_volume(volume.id) {
            let at = format!("meta partition {} of volume {}", partition.partition_id, volume.name);
            check("G4", partition.start <= partition.end, || {
                format!("{at} ends at {} before it starts at {}", partition.end, partition.start)
            })?;
            match before {
                None => check("G4", partition.start == 0, || format!("{at} is the first and starts at {}", partition.start))?,
                Some(end) => follows(&at, end, partition.start)?,
            }
            before = Some(partition.end);
        }
        // A volume that is being created or deleted may have none.
        check("G4", before.unwrap_or(INODE_MAX) == INODE_MAX, || {
            format!("the last meta partition of volume {} ends at {before:?}", volume.name)
        })?;
    }
    Ok(())
}

/// G6: every index and the digest are what a recount from scratch gives.
pub fn indexes_equal_recount(state: &State) -> Result<(), Violation> {
    state.recount().map_err(|what| Violation { invariant: "G6", what })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Index, NodeId, PartitionId, VolumeId};
    use crate::model::{DataNode, DataPartition, MediaType, MetaNode, MetaPartition, NodeSet, Quota, StorageClass, Volume};
    use crate::state::{Outcome, Txn};

    fn change(state: &mut State, build: impl FnOnce(&mut Txn)) {
        let base = state.clone();
        let mut txn = Txn::new(&base);
        build(&mut txn);
        let (outcome, _) = state.apply(Index(base.applied.0 + 1), &txn.finish("test", 0));
        assert_eq!(outcome, Outcome::Done);
    }

    fn hosts(from: u64) -> (Vec<String>, Vec<Peer>) {
        (from..from + 3).map(|id| (format!("n{id}"), Peer { id: NodeId(id), addr: format!("n{id}"), ..Peer::default() })).unzip()
    }

    /// One volume, a data partition, two meta partitions, three nodes of each kind.
    fn healthy() -> State {
        let mut state = State::new();
        let volume = Volume::new(VolumeId(8), "v", "o", 1, StorageClass::REPLICA_SSD);
        change(&mut state, |txn| {
            txn.put(NodeSet::new(NodeSetId(1), 18, "z"));
            for id in 2..5 {
                txn.put(DataNode::new(NodeId(id), format!("n{id}"), "z", NodeSetId(1), MediaType::SSD));
            }
            for id in 5..8 {
                txn.put(MetaNode::new(NodeId(id), format!("n{id}"), "z", NodeSetId(1)));
            }
            let ((data, data_peers), (meta, meta_peers)) = (hosts(2), hosts(5));
            txn.put(DataPartition::new(PartitionId(1), &volume, data, data_peers, MediaType::SSD));
            txn.put(MetaPartition::new(PartitionId(1), 0, 99, &volume, meta.clone(), meta_peers.clone()));
            txn.put(MetaPartition::new(PartitionId(2), 100, INODE_MAX, &volume, meta, meta_peers));
            txn.put(volume);
            txn.raise(Counter::Common, 8);
            txn.raise(Counter::DataPartition, 1);
            txn.raise(Counter::MetaPartition, 2);
        });
        state
    }

    fn assert_holds(state: &State) {
        for invariant in ALWAYS {
            assert_eq!(invariant(state), Ok(()));
        }
    }

    /// After the change just this invariant fails, and says so.
    fn assert_breaks(invariant: Invariant, number: &str, what: &str, build: impl FnOnce(&mut Txn)) {
        let mut state = healthy();
        assert_holds(&state);
        change(&mut state, build);
        let violation = invariant(&state).expect_err(what);
        assert_eq!(violation.invariant, number);
        assert!(violation.what.contains(what), "{violation}");
    }

    fn edit_data(txn: &mut Txn, edit: impl FnOnce(&mut DataPartition)) {
        let mut partition = DataPartition::clone(&txn.data_partition(PartitionId(1)).unwrap());
        edit(&mut partition);
        txn.put(partition);
    }

    fn edit_meta(txn: &mut Txn, id: u64, edit: impl FnOnce(&mut MetaPartition)) {
        let mut partition = MetaPartition::clone(&txn.meta_partition(PartitionId(id)).unwrap());
        edit(&mut partition);
        txn.put(partition);
    }

    #[test]
    fn they_hold_of_nothing_and_of_a_store_of_v3_5_3() {
        assert_holds(&State::new());
        let lines = include_str!("../../tests/vectors/records.jsonl").lines();
        let pairs = lines.map(|line| {
            let pair: serde_json::Value = serde_json::from_str(line).unwrap();
            (pair["key"].as_str().unwrap().into(), pair["value"].as_str().unwrap().into())
        });
        let state = State::from_pairs(pairs).unwrap();
        assert_holds(&state);
    }

    #[test]
    fn a_counter_behind_an_id_is_found() {
        assert_breaks(counters_cover_ids, "G1", "#max_common_id is 8, but id 9", |txn| txn.put(NodeSet::new(NodeSetId(9), 18, "z")));
        assert_breaks(counters_cover_ids, "G1", "#quota_id is 0, but id 1", |txn| {
            txn.put(Quota { quota_id: 1, volume: VolumeId(8), ..Quota::default() })
        });
    }

    #[test]
    fn a_reference_to_nothing_is_found() {
        assert_breaks(references_hold, "G2", "data partition 1 is of volume 8", |txn| txn.delete::<Volume>("#vol#8"));
        assert_breaks(references_hold, "G2", "\"n3\"), which is no data node", |txn| txn.delete::<DataNode>("#dn#3#n3"));
        assert_breaks(references_hold, "G2", "\"n6\"), which is no meta node", |txn| txn.delete::<MetaNode>("#mn#6#n6"));
        assert_breaks(references_hold, "G2", "not in zone z", |txn| txn.put(NodeSet::new(NodeSetId(1), 18, "y")));
        assert_breaks(references_hold, "G2", "\"other\"", |txn| edit_meta(txn, 2, |partition| partition.vol_name = "other".into()));
    }

    #[test]
    fn hosts_that_are_not_its_replicas_are_found() {
        assert_breaks(hosts_are_distinct, "G3", "has a host twice", |txn| edit_data(txn, |partition| partition.hosts[2] = "n2".into()));
        assert_breaks(hosts_are_distinct, "G3", "has 0 hosts", |txn| edit_data(txn, |partition| partition.hosts.clear()));
        assert_breaks(hosts_are_distinct, "G3", "has 3 hosts", |txn| edit_data(txn, |partition| partition.replica_num = 1));
        assert_breaks(hosts_are_distinct, "G3", "its peers are", |txn| edit_meta(txn, 1, |partition| drop(partition.peers.pop())));
    }

    #[test]
    fn ranges_that_do_not_tile_are_found() {
        assert_breaks(meta_ranges_tile, "G4", "starts at 99, the one before ends at 99", |txn| {
            edit_meta(txn, 2, |partition| partition.start = 99)
        });
        assert_breaks(meta_ranges_tile, "G4", "is the first and starts at 1", |txn| edit_meta(txn, 1, |partition| partition.start = 1));
        assert_breaks(meta_ranges_tile, "G4", "ends at Some(200)", |txn| edit_meta(txn, 2, |partition| partition.end = 200));
        assert_breaks(meta_ranges_tile, "G4", "starts at 100, the one before ends at 9223372036854775807", |txn| {
            edit_meta(txn, 1, |partition| partition.end = INODE_MAX)
        });
        assert_breaks(meta_ranges_leave_no_gap, "G4", "starts at 101, the one before ends at 99", |txn| {
            edit_meta(txn, 2, |partition| partition.start = 101)
        });
    }

    #[test]
    fn an_index_that_was_not_kept_is_found() {
        let mut state = healthy();
        state.contents.volumes.remove(&VolumeId(8));
        assert_eq!(indexes_equal_recount(&state).unwrap_err().invariant, "G6");
        let mut state = healthy();
        state.contents.digest ^= 1;
        assert_eq!(indexes_equal_recount(&state).unwrap_err().invariant, "G6");
    }
}
