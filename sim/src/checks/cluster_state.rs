//! G1 to G4 of every state that is looked at: the predicates of `src/state/invariants.rs`, and what is stricter here because the
//! workload cleans no empty partitions and asks for no replica less: ranges leave no gap, and a partition that is not being moved has all
//! its replicas.

use super::Violation;
use cfs_master::model::PartitionKind;
use cfs_master::state::invariants::{self, Invariant};
use cfs_master::state::State;

/// What holds of a simulated cluster. G6 has a recount of its own, less often.
const HERE: [Invariant; 4] =
    [invariants::counters_cover_ids, invariants::references_hold, invariants::hosts_are_distinct, invariants::meta_ranges_leave_no_gap];

pub fn check(state: &State) -> Result<(), Violation> {
    for invariant in HERE {
        invariant(state).map_err(|violation| Violation::new(violation.invariant, violation.what))?;
    }
    let (data, meta) = (state.data_partitions.values(), state.meta_partitions.values());
    let data = data.map(|dp| (PartitionKind::Data, dp.partition_id, dp.hosts.len(), usize::from(dp.replica_num)));
    let meta = meta.map(|mp| (PartitionKind::Meta, mp.partition_id, mp.hosts.len(), usize::from(mp.replica_num)));
    // With three replicas a move takes one off before it adds another, as v3.5.3 does.
    let lacks = |(kind, id, hosts, replicas): &(_, _, usize, usize)| hosts < replicas && !state.moves.contains_key(&(*kind, *id));
    match data.chain(meta).find(lacks) {
        Some((kind, id, hosts, replicas)) => {
            Err(Violation::new("G3", format!("{kind:?} partition {id} of {replicas} replicas has {hosts} and is not being moved")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cfs_master::ids::{Index, NodeId, NodeSetId, PartitionId, VolumeId};
    use cfs_master::model::{Counter, MetaNode, MetaPartition, Move, NodeSet, StorageClass, Volume};
    use cfs_master::state::Txn;
    use cfs_master::wire::peer::Peer;

    fn change(state: &mut State, build: impl FnOnce(&mut Txn)) {
        let base = state.clone();
        let mut txn = Txn::new(&base);
        build(&mut txn);
        state.apply(Index(base.applied.0 + 1), &txn.finish("test", 0));
    }

    fn broken(state: &State) -> Option<&'static str> {
        check(state).err().map(|violation| violation.invariant)
    }

    #[test]
    fn a_state_that_breaks_a_predicate_is_seen() {
        let with_counter = |counter| {
            let mut state = State::new();
            change(&mut state, |txn| {
                txn.put(NodeSet::new(NodeSetId(3), 18, "z"));
                txn.raise(Counter::Common, counter);
            });
            state
        };
        assert_eq!(broken(&with_counter(3)), None);
        assert_eq!(broken(&with_counter(2)), Some("G1"));
    }

    #[test]
    fn only_a_partition_that_is_being_moved_may_lack_a_replica() {
        let mut state = State::new();
        change(&mut state, |txn| {
            let volume = Volume::new(VolumeId(8), "v", "o", 1, StorageClass::REPLICA_SSD);
            txn.put(NodeSet::new(NodeSetId(1), 18, "z"));
            for id in [2, 3] {
                txn.put(MetaNode::new(NodeId(id), format!("n{id}"), "z", NodeSetId(1)));
            }
            let (hosts, peers) =
                [2, 3].map(|id| (format!("n{id}"), Peer { id: NodeId(id), addr: format!("n{id}"), ..Peer::default() })).into_iter().unzip();
            txn.put(MetaPartition::new(PartitionId(1), 0, cfs_master::limits::INODE_MAX, &volume, hosts, peers));
            txn.put(volume);
            txn.raise(Counter::Common, 8);
            txn.raise(Counter::MetaPartition, 1);
        });
        assert_eq!(broken(&state), Some("G3"));
        change(&mut state, |txn| txn.put(Move { kind: PartitionKind::Meta, partition: PartitionId(1), ..Move::default() }));
        assert_eq!(broken(&state), None);
    }
}
