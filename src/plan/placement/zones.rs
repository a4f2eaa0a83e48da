//! Choosing zones and the hosts in them, without fault domains (v3.5.3 topology-selection.md §9, http-partitions-nodes.md §1.4).

use super::census::Census;
use super::node_selector::{self, NodeSelector, Random};
use super::node_set_selector::{self, NodeSetSelector};
use super::selectors::Selectors;
use crate::ids::NodeSetId;
use crate::model::topology::{DEFAULT_NODE_SELECTOR, DEFAULT_NODE_SET_SELECTOR};
use crate::model::{MediaType, NodeSet, PartitionKind};
use crate::plan::scene::Scene;
use crate::plan::zone_check;
use crate::wire::peer::Peer;
use crate::wire::reply::{fault, Fault};

/// What a choice must avoid.
#[derive(Clone, Debug, Default)]
pub struct Avoid {
    /// Node addresses.
    pub hosts: Vec<String>,
    pub sets: Vec<NodeSetId>,
    pub zones: Vec<String>,
}

/// What a choice among zones is for.
pub(super) struct Wanted<'a> {
    pub replicas: usize,
    /// `decideZoneNum`, before it is limited to the number of replicas.
    pub zones: usize,
    /// Zones to use, separated by commas; empty: any.
    pub zone_name: &'a str,
    pub media: MediaType,
    pub avoid: Avoid,
}

/// In how many zones the replicas of a volume shall lie. Three zones give 0, as in v3.5.3: that only makes each of them provide two
/// usable nodes, as for two zones (topology-selection.md §18 no. 12).
pub(super) fn zone_number(scene: &Scene<'_>, cross_zone: bool, zone_name: &str, media: MediaType) -> usize {
    if !cross_zone {
        return 1;
    }
    let zones = if scene.rules.fault_domain {
        excluded_zones(scene).len()
    } else {
        let named = names(zone_name).filter(|zone| zone_exists(scene, zone));
        let fitting = named.filter(|zone| media == MediaType::UNSPECIFIED || super::zone_media(scene, zone) == media).count();
        if fitting == 0 {
            2
        } else {
            fitting
        }
    };
    match zones {
        0..=2 => zones,
        3 => 0,
        _ => 3,
    }
}

/// The zones outside fault domains, by name; none in a cluster without fault domains.
pub(crate) fn excluded_zones<'a>(scene: &Scene<'a>) -> Vec<&'a str> {
    match &scene.state.zone_domain {
        Some(domain) if scene.rules.fault_domain => domain.exclude_zone_map.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The parts of a list of zones.
pub(crate) fn names(zone_name: &str) -> impl Iterator<Item = &str> {
    zone_name.split(',').filter(|name| !name.is_empty())
}

pub(crate) fn zone_exists(scene: &Scene<'_>, zone: &str) -> bool {
    scene.state.node_sets_of_zone(zone).next().is_some() || scene.state.zones.contains_key(zone)
}

/// Hosts for `wanted`, in order of choice.
pub(super) fn choose(
    census: &Census<'_>,
    selectors: &mut Selectors,
    wanted: &Wanted<'_>,
    random: &mut Random<'_>,
) -> Result<Vec<Peer>, Fault> {
    let mut zone_number = wanted.zones.min(wanted.replicas);
    for name in names(wanted.zone_name) {
        zone_check::known(census.scene, name)?;
    }
    let excluded = excluded_zones(census.scene);
    let named: Vec<&str> = if excluded.is_empty() { names(wanted.zone_name).collect() } else { Vec::new() };
    let fits = |zone: &&str| census.has_nodes(zone) && census.zone_has_media(zone, wanted.media);
    let candidates: Vec<&str> = if !excluded.is_empty() {
        excluded
    } else if !named.is_empty() {
        let fitting: Vec<&str> = named.iter().copied().filter(fits).collect();
        zone_number = fitting.len();
        fitting
    } else {
        census.scene.state.zone_names().filter(fits).filter(|zone| census.zone_can_write(zone, 1)).collect()
    };
    // A single zone is used whatever its state (topology-selection.md §18 no. 5).
    let zones: Vec<&str> = if candidates.len() == 1 {
        candidates
    } else {
        let demand = match (named.len(), zone_number, wanted.replicas) {
            (2.., _, _) => 1,
            (_, 1, replicas) => replicas,
            (_, _, 1) => 1,
            _ => 2,
        };
        let usable = |zone: &&str| {
            !census.reports.zone_unavailable(zone)
                && !wanted.avoid.zones.iter().any(|avoided| avoided == zone)
                && census.zone_can_write(zone, demand)
        };
        candidates.into_iter().filter(usable).collect()
    };
    let peers = match zones[..] {
        [] => {
            return Err(match census.kind {
                PartitionKind::Data => fault::NO_ZONE_TO_CREATE_DATA_PARTITION,
                PartitionKind::Meta => fault::NO_ZONE_TO_CREATE_META_PARTITION,
            })
        }
        [zone] => in_zone(census, selectors, zone, wanted.replicas, &wanted.avoid, random)?,
        _ if wanted.replicas == 1 || (census.scene.rules.fault_domain_zones == 3 && zones.len() >= 3) => {
            one_per_zone(census, selectors, &zones, wanted, random)?
        }
        _ => two_zones(census, selectors, &zones, wanted, random)?,
    };
    if peers.len() != wanted.replicas {
        return Err(Fault::internal(format!(
            "hosts len[{}],replicaNum[{}],zoneNum[{zone_number}],selectedZones[{}] :: {}",
            peers.len(),
            wanted.replicas,
            zones.len(),
            fault::NO_DATA_NODE_TO_CREATE_DATA_PARTITION
        )));
    }
    Ok(peers)
}

/// One host from each of the next zones.
fn one_per_zone(
    census: &Census<'_>,
    selectors: &mut Selectors,
    zones: &[&str],
    wanted: &Wanted<'_>,
    random: &mut Random<'_>,
) -> Result<Vec<Peer>, Fault> {
    let mut avoid = wanted.avoid.clone();
    let mut peers: Vec<Peer> = Vec::new();
    for _ in 0..wanted.replicas {
        let mut found = Err(fault::NO_DATA_NODE_TO_CREATE_DATA_PARTITION);
        for _ in 0..zones.len() {
            let zone = zones[selectors.zone % zones.len()];
            selectors.zone = (selectors.zone + 1) % zones.len();
            found = in_zone(census, selectors, zone, 1, &avoid, random);
            if found.is_ok() {
                break;
            }
        }
        // v3.5.3 does not avoid what it has just chosen and relies on the turn of zones; a host must not be taken twice.
        let found = found?;
        avoid.hosts.extend(found.iter().map(|peer| peer.addr.clone()));
        peers.extend(found);
    }
    Ok(peers)
}

/// One host from the fuller of the next two zones, the others from the emptier.
fn two_zones(
    census: &Census<'_>,
    selectors: &mut Selectors,
    zones: &[&str],
    wanted: &Wanted<'_>,
    random: &mut Random<'_>,
) -> Result<Vec<Peer>, Fault> {
    if !(2..=3).contains(&wanted.replicas) {
        return Err(Fault::internal(format!("action[chooseZone2Plus1] replicaNum [{}]", wanted.replicas)));
    }
    let index = selectors.pair.entry(census.kind).or_default();
    let mut next = || {
        if *index >= zones.len() {
            *index = 0;
        }
        *index += 1;
        zones[*index - 1]
    };
    let mut pair = [next(), next()];
    pair.sort_by_key(|zone| census.space_left(zone));
    let mut peers = in_zone(census, selectors, pair[0], 1, &wanted.avoid, random)?;
    peers.extend(in_zone(census, selectors, pair[1], wanted.replicas - 1, &wanted.avoid, random)?);
    Ok(peers)
}

/// Hosts from one node set of the zone.
pub(super) fn in_zone(
    census: &Census<'_>,
    selectors: &mut Selectors,
    zone: &str,
    n: usize,
    avoid: &Avoid,
    random: &mut Random<'_>,
) -> Result<Vec<Peer>, Fault> {
    let record = census.scene.state.zones.get(zone);
    let name = match (census.kind, record) {
        (_, None) => DEFAULT_NODE_SET_SELECTOR,
        (PartitionKind::Data, Some(zone)) => zone.effective_data_nodeset_selector(),
        (PartitionKind::Meta, Some(zone)) => zone.effective_meta_nodeset_selector(),
    };
    let sets: Vec<_> = census.scene.state.node_sets_of_zone(zone).map(|set| census.set(set, n, avoid.sets.contains(&set.id))).collect();
    let memory = selectors.sets.entry((census.kind, zone.to_owned())).or_default();
    match node_set_selector::select(NodeSetSelector::named(name), &sets, memory, random) {
        Some(set) => in_set(census, selectors, set, n, &avoid.hosts, random),
        None => Err(Fault::internal(match census.kind {
            PartitionKind::Data => {
                format!("zone[{zone}] alloc node set,replicaNum[{n}] :: {}", fault::NO_NODE_SET_TO_CREATE_DATA_PARTITION)
            }
            PartitionKind::Meta => format!("zone[{zone}],err[{}]", fault::NO_NODE_SET_TO_CREATE_META_PARTITION),
        })),
    }
}

/// Hosts from one node set.
pub(super) fn in_set(
    census: &Census<'_>,
    selectors: &mut Selectors,
    set: NodeSetId,
    n: usize,
    avoid: &[String],
    random: &mut Random<'_>,
) -> Result<Vec<Peer>, Fault> {
    let selector = |set: &NodeSet| match census.kind {
        PartitionKind::Data => NodeSelector::named(set.effective_data_node_selector()),
        PartitionKind::Meta => NodeSelector::named(set.effective_meta_node_selector()),
    };
    let selector = census.scene.state.node_sets.get(&set).map_or(NodeSelector::named(DEFAULT_NODE_SELECTOR), |set| selector(set));
    let mut nodes: Vec<_> = census.set_nodes(set).into_iter().map(|counted| counted.node).collect();
    for node in &mut nodes {
        node.excluded = avoid.iter().any(|host| host == node.addr);
    }
    let memory = selectors.nodes.entry((census.kind, set)).or_default();
    let chosen = node_selector::select(selector, &nodes, n, memory, random)?;
    let peers: Vec<Peer> = chosen.into_iter().filter_map(|id| census.peer(id)).collect();
    for peer in &peers {
        selectors.count(census.kind, &peer.addr);
    }
    Ok(peers)
}
