//! Choosing the hosts of a partition (v3.5.3 topology-selection.md §6 to §10, §15).
//!
//! [`choose`] finds the hosts of a new partition, [`target`] those of one replica that moves. Both are pure: what selection remembers from
//! one choice to the next is an argument ([`Selectors`]), and so are random numbers. Hosts are distinct, always.
//!
//! A leader that has just begun and has not heard all nodes tries the nodes it knows first; where they do not suffice it presumes that
//! the silent ones are as their records say. Creating a volume thus works at once after a change of leader.

mod census;
pub mod domain;
mod migration;
mod node_selector;
mod node_set_selector;
mod selectors;
mod zones;

#[cfg(test)]
mod tests;

pub use census::zone_media;
pub use migration::{data_target, meta_target, Move};
pub use node_selector::{Fit, NodeSelector, Random};
pub use node_set_selector::NodeSetSelector;
pub use selectors::Selectors;
pub use zones::Avoid;
pub(crate) use zones::{excluded_zones, names, zone_exists};

use super::reports::Reports;
use super::scene::Scene;
use crate::model::{MediaType, PartitionKind, Volume};
use crate::wire::peer::Peer;
use crate::wire::reply::Fault;
use census::Census;
use std::collections::BTreeMap;
use zones::Wanted;

/// What hosts are wanted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    pub kind: PartitionKind,
    pub replicas: usize,
    /// Disks of the hosts' zones; unspecified: any.
    pub media: MediaType,
    pub cross_zone: bool,
    /// Zones to use, separated by commas; empty: any.
    pub zone_name: String,
    /// The fault domain whose node set groups are used; `None`: zones.
    pub domain: Option<u64>,
}

impl Demand {
    /// For a data partition of a volume. Where it says `domain` and the record does not yet, the caller commits `domain_on`.
    pub fn data(scene: &Scene<'_>, reports: &Reports, volume: &Volume, media: MediaType) -> Self {
        let replicas = usize::from(volume.dp_replica_num);
        Self { kind: PartitionKind::Data, replicas, media, ..Self::of(scene, reports, volume) }
    }

    /// For a meta partition of a volume: media types do not matter.
    pub fn meta(scene: &Scene<'_>, reports: &Reports, volume: &Volume) -> Self {
        Self::of(scene, reports, volume)
    }

    fn of(scene: &Scene<'_>, reports: &Reports, volume: &Volume) -> Self {
        Self {
            kind: PartitionKind::Meta,
            replicas: usize::from(volume.replica_num),
            media: MediaType::UNSPECIFIED,
            cross_zone: volume.cross_zone,
            zone_name: volume.zone_name.clone(),
            domain: domain::is_used_by(scene, reports, volume).then_some(volume.domain_id),
        }
    }
}

/// The hosts of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Addresses, shuffled: the first is the preferred leader.
    pub hosts: Vec<String>,
    /// In order of choice.
    pub peers: Vec<Peer>,
}

impl Chosen {
    fn new(peers: Vec<Peer>, random: &mut Random<'_>) -> Self {
        let mut hosts: Vec<String> = peers.iter().map(|peer| peer.addr.clone()).collect();
        for last in (1..hosts.len()).rev() {
            hosts.swap(last, (random() % (last as u64 + 1)) as usize);
        }
        Self { hosts, peers }
    }
}

/// Hosts of a new partition.
///
/// # Errors
/// The texts of v3.5.3: no zone (code 27, 51), no node set, not enough hosts, an unknown zone.
pub fn choose(
    scene: &Scene<'_>,
    reports: &Reports,
    selectors: &mut Selectors,
    demand: &Demand,
    random: &mut Random<'_>,
) -> Result<Chosen, Fault> {
    let peers = presuming_if_needed(scene, reports, selectors, demand.kind, |census, selectors| match demand.domain {
        Some(id) => domain::choose(census, selectors, id, demand.replicas, random),
        None => {
            let wanted = Wanted {
                replicas: demand.replicas,
                zones: zones::zone_number(scene, demand.cross_zone, &demand.zone_name, demand.media),
                zone_name: &demand.zone_name,
                media: demand.media,
                avoid: Avoid::default(),
            };
            zones::choose(census, selectors, &wanted, random)
        }
    })?;
    let chosen = Chosen::new(peers, random);
    if !scene.rules.several_replicas_per_machine {
        refuse_same_machine(&chosen.hosts)?;
    }
    Ok(chosen)
}

/// Chooses among the nodes known to be good; a leader still so young that it has not heard all nodes tries again with those it presumes to be.
fn presuming_if_needed<T>(
    scene: &Scene<'_>,
    reports: &Reports,
    selectors: &mut Selectors,
    kind: PartitionKind,
    mut choice: impl FnMut(&Census<'_>, &mut Selectors) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let census = Census { scene, reports, kind, presume: false };
    if reports.age(scene.now) >= scene.rules.presumption() {
        return choice(&census, selectors);
    }
    // What a failed choice remembers is forgotten with it.
    let mut tried = selectors.clone();
    if let Ok(chosen) = choice(&census, &mut tried) {
        *selectors = tried;
        return Ok(chosen);
    }
    choice(&Census { presume: true, ..census }, selectors)
}

/// The machine of a node's address: its ip.
pub fn machine(addr: &str) -> &str {
    addr.split_once(':').map_or(addr, |(ip, _)| ip)
}

/// Refuses two hosts with one address (`allowMultipleReplicasOnSameMachine` is off).
///
/// # Errors
/// Two hosts have the same ip.
pub fn refuse_same_machine(hosts: &[String]) -> Result<(), Fault> {
    let mut machines = BTreeMap::new();
    for host in hosts {
        let ip = machine(host);
        if machines.insert(ip, ()).is_some() {
            return Err(Fault::internal(format!(
                "Don't allow multiple replicas on same machine while create dp/mp. Multiple replicas locate on [{ip}] "
            )));
        }
    }
    Ok(())
}
