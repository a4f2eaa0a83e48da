//! The meta node that takes a replica (v3.5.3 http-partitions-nodes.md §7.6 no. 3 and 4).

use super::allowed;
use crate::model::{MetaPartition, PartitionKind};
use crate::plan::placement::{self, meta_target, refuse_same_machine, Random, Selectors};
use crate::plan::reports::Reports;
use crate::plan::scene::Scene;
use crate::wire::peer::Peer;
use crate::wire::reply::Fault;

/// Chooses who takes the replica that leaves `from`: the node `given`, or the best one. Never one that may still hold an earlier replica, or
/// that is being emptied.
///
/// # Errors
/// No node can take it.
pub fn choose(
    scene: &Scene<'_>,
    reports: &Reports,
    selectors: &mut Selectors,
    mp: &MetaPartition,
    (from, given): (&str, Option<&str>),
    random: &mut Random<'_>,
) -> Result<Peer, Fault> {
    let state = scene.state;
    let to = match given {
        Some(to) => {
            allowed::may_gain(scene, mp, to)?;
            to.to_owned()
        }
        None => {
            let id = mp.partition_id;
            let left = state.leftovers.range((PartitionKind::Meta, id, String::new())..);
            let left = left.take_while(|((kind, of, _), _)| *kind == PartitionKind::Meta && *of == id);
            let left = left.map(|((_, _, addr), _)| addr.clone());
            // Not back to where it came from either, once it has left there.
            let avoid: Vec<String> = left.chain(state.empty_nodes.keys().cloned()).chain([from.to_owned()]).collect();
            let step = placement::Move { from, to_set: None, avoid: &avoid };
            let volume = state.volumes.get(&mp.vol_id).map(|volume| &**volume);
            meta_target(scene, reports, selectors, mp, volume, step, random)?
        }
    };
    state.meta_node_by_addr(&to).map(|node| node.peer()).ok_or_else(|| allowed::unknown(&to))
}

/// May `to` take the replica that leaves `from` beside the others? Not where one of them is on the same machine, unless that is allowed.
///
/// # Errors
/// It may not.
pub fn fits(scene: &Scene<'_>, mp: &MetaPartition, from: &str, to: &str) -> Result<(), Fault> {
    if scene.rules.several_replicas_per_machine {
        return Ok(());
    }
    let stay = mp.hosts.iter().filter(|host| *host != from).cloned();
    refuse_same_machine(&stay.chain([to.to_owned()]).collect::<Vec<_>>())
}
