//! What nodes hold, what they should hold, and what is still to be done about it.

use crate::checks::agreement::{Replica, Replicas};
use crate::nodes::{Fleet, Kind};
use cfs_master::state::State;

/// What the nodes hold.
pub fn of_nodes(fleet: &Fleet) -> Replicas {
    let mut held = Replicas::new();
    for node in fleet.dump() {
        let kind = if node.kind == Kind::Data { "data" } else { "meta" };
        for (pid, part) in node.parts {
            let range = (node.kind == Kind::Meta).then_some((part.start, part.end));
            let replica = Replica { volume: part.vol, peers: part.peers.iter().map(|peer| peer.id.0).collect(), range };
            held.insert((kind, node.addr.clone(), pid), replica);
        }
    }
    held
}

/// What the masters have begun and not ended.
pub fn pending(state: &State) -> Vec<String> {
    let mut found = Vec::new();
    for volume in state.volumes.values().filter(|volume| volume.status.0 != 0) {
        found.push(format!("volume {} is still being deleted", volume.name));
    }
    found.extend(state.volume_intents.keys().map(|id| format!("volume {id} is still being created")));
    found.extend(state.create_intents.keys().map(|(kind, id)| format!("{kind:?} partition {id} is still being created")));
    found.extend(state.moves.keys().map(|(kind, id)| format!("a replica of {kind:?} partition {id} is still being moved")));
    found.extend(state.leftovers.keys().map(|left| format!("a replica that was moved may still be there: {left:?}")));
    found
}

/// What the nodes should hold.
pub fn of_metadata(state: &State) -> Replicas {
    let mut wanted = Replicas::new();
    for (id, partition) in &state.data_partitions {
        for host in &partition.hosts {
            let peers = partition.peers.iter().map(|peer| peer.id.0).collect();
            wanted.insert(("data", host.clone(), id.0), Replica { volume: partition.vol_name.clone(), peers, range: None });
        }
    }
    for (id, partition) in &state.meta_partitions {
        for host in &partition.hosts {
            let peers = partition.peers.iter().map(|peer| peer.id.0).collect();
            let range = Some((partition.start, partition.end));
            wanted.insert(("meta", host.clone(), id.0), Replica { volume: partition.vol_name.clone(), peers, range });
        }
    }
    wanted
}
