//! Where a replica moves to (v3.5.3 topology-selection.md §15).

use super::census::Census;
use super::node_selector::Random;
use super::selectors::Selectors;
use super::zones::{self, Avoid, Wanted};
use super::{domain, presuming_if_needed};
use crate::ids::NodeSetId;
use crate::model::{DataPartition, MediaType, MetaPartition, PartitionKind, Volume};
use crate::plan::reports::Reports;
use crate::plan::scene::Scene;
use crate::plan::{data_partition, meta_partition};
use crate::wire::reply::{fault, Fault};

/// A replica that moves.
#[derive(Clone, Copy, Debug)]
pub struct Move<'a> {
    /// The host that it leaves.
    pub from: &'a str,
    /// Only this node set may take it.
    pub to_set: Option<NodeSetId>,
    /// Nodes that cannot take it, besides the hosts.
    pub avoid: &'a [String],
}

/// The data node that takes a replica of `partition`: in the node set asked for, else in that of the host it leaves, else in another set
/// of that zone, else in another zone that has no live replica.
///
/// # Errors
/// The host it leaves is unknown, or no node can take it.
pub fn data_target(
    scene: &Scene<'_>,
    reports: &Reports,
    selectors: &mut Selectors,
    partition: &DataPartition,
    volume: Option<&Volume>,
    step: Move<'_>,
    random: &mut Random<'_>,
) -> Result<String, Fault> {
    let source = scene.state.data_node_by_addr(step.from).ok_or(fault::DATA_NODE_NOT_EXISTS)?;
    let mut hosts = partition.hosts.clone();
    if !partition.has_host(step.from) {
        hosts.push(step.from.to_owned());
    }
    hosts.extend_from_slice(step.avoid);
    let live = data_partition::live_hosts(scene, reports, partition);
    let zones = live.iter().filter(|host| **host != step.from).filter_map(|host| scene.state.data_node_by_addr(host));
    let search = Search {
        set: source.node_set_id,
        zone: source.effective_zone_name(),
        hosts,
        zones: zones.map(|node| node.effective_zone_name().to_owned()).collect(),
        media: partition.effective_media_type(scene.rules.legacy_media_type),
        in_domain: volume.is_some_and(|v| domain::is_used_by(scene, reports, v)),
        to_set: step.to_set,
    };
    presuming_if_needed(scene, reports, selectors, PartitionKind::Data, |census, selectors| search.run(census, selectors, random))
}

/// The meta node that takes a replica of `partition`, searched in the same order; the zone of the first other live replica is avoided, or
/// that of the host it leaves where there is none.
///
/// # Errors
/// As [`data_target`].
pub fn meta_target(
    scene: &Scene<'_>,
    reports: &Reports,
    selectors: &mut Selectors,
    partition: &MetaPartition,
    volume: Option<&Volume>,
    step: Move<'_>,
    random: &mut Random<'_>,
) -> Result<String, Fault> {
    let source = scene.state.meta_node_by_addr(step.from).ok_or(fault::META_NODE_NOT_EXISTS)?;
    let live = meta_partition::live_hosts(scene, reports, partition);
    let first = live.iter().filter(|host| **host != step.from).find_map(|host| scene.state.meta_node_by_addr(host));
    let search = Search {
        set: source.node_set_id,
        zone: source.effective_zone_name(),
        hosts: [&partition.hosts[..], step.avoid].concat(),
        zones: vec![first.unwrap_or(source).effective_zone_name().to_owned()],
        media: MediaType::UNSPECIFIED,
        in_domain: volume.is_none_or(|v| domain::is_used_by(scene, reports, v)),
        to_set: step.to_set,
    };
    presuming_if_needed(scene, reports, selectors, PartitionKind::Meta, |census, selectors| search.run(census, selectors, random))
}

struct Search<'a> {
    set: NodeSetId,
    zone: &'a str,
    hosts: Vec<String>,
    zones: Vec<String>,
    media: MediaType,
    in_domain: bool,
    to_set: Option<NodeSetId>,
}

impl Search<'_> {
    fn run(&self, census: &Census<'_>, selectors: &mut Selectors, random: &mut Random<'_>) -> Result<String, Fault> {
        let avoid = Avoid { hosts: self.hosts.clone(), sets: vec![self.set], zones: self.zones.clone() };
        let set = self.to_set.unwrap_or(self.set);
        let mut found = zones::in_set(census, selectors, set, 1, &avoid.hosts, random);
        if found.is_err() && self.to_set.is_none() && !self.in_domain {
            found = zones::in_zone(census, selectors, self.zone, 1, &avoid, random);
            if found.is_err() {
                let wanted = Wanted { replicas: 1, zones: 1, zone_name: "", media: self.media, avoid };
                found = zones::choose(census, selectors, &wanted, random);
            }
        }
        let peer = found?.pop().ok_or(fault::NO_DATA_NODE_TO_CREATE_DATA_PARTITION)?;
        Ok(peer.addr)
    }
}
