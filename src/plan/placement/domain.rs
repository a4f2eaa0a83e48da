//! Fault domains: groups of three node sets, in different zones where possible, that hold all replicas of a partition (v3.5.3
//! topology-selection.md §10).
//!
//! A group is built when hosts are about to be chosen: the master asks [`group_to_build`] first, commits what it names, and chooses then.

use super::census::Census;
use super::node_selector::{Fit, Random};
use super::selectors::Selectors;
use super::zones::{self, excluded_zones};
use crate::ids::NodeSetId;
use crate::model::{GroupStatus, NodeSetGroup, PartitionKind, Volume, ZoneDomain};
use crate::plan::reports::Reports;
use crate::plan::scene::Scene;
use crate::wire::peer::Peer;
use crate::wire::reply::Fault;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Node sets of a group, and zones that it is built from at best.
const GROUP_SIZE: usize = 3;

/// Whether the partitions of a volume are placed in groups. Once on, it stays on: the caller commits `domain_on` (§10.1).
pub fn is_used_by(scene: &Scene<'_>, reports: &Reports, volume: &Volume) -> bool {
    if !scene.rules.fault_domain {
        return false;
    }
    let needed = scene.state.zone_domain.as_ref().is_some_and(|d| d.need_fault_domain);
    let zone_is_full = || !needed && reports.zone_unavailable(&volume.zone_name);
    volume.domain_on
        || if volume.cross_zone { !volume.default_priority || needed || excluded_zones(scene).len() <= 1 } else { needed || zone_is_full() }
}

/// The zone domain record of a cluster that starts with fault domains: the zones there are stay outside them (§10.2).
pub fn initial(scene: &Scene<'_>) -> ZoneDomain {
    let zones: BTreeMap<String, i64> = scene.state.zone_names().map(|zone| (zone.to_owned(), 0)).collect();
    ZoneDomain { need_fault_domain: zones.is_empty(), exclude_zone_map: zones, ..ZoneDomain::new() }
}

/// The fault domain of a zone.
fn domain_of_zone(scene: &Scene<'_>, zone: &str) -> u64 {
    scene.state.zone_domain.as_ref().and_then(|d| d.domain_zone_name_2_id_map.get(zone)).copied().unwrap_or(0)
}

/// The domain exists: the default one does, and those that zones or groups belong to.
pub fn exists(scene: &Scene<'_>, domain: u64) -> bool {
    let zones = scene.state.zone_domain.as_ref().is_some_and(|d| d.domain_zone_name_2_id_map.values().any(|id| *id == domain));
    domain == 0 || zones || groups(scene, domain).next().is_some()
}

/// The groups of a domain, by id.
pub fn groups<'a>(scene: &Scene<'a>, domain: u64) -> impl Iterator<Item = &'a Arc<NodeSetGroup>> {
    scene.state.node_set_groups.values().filter(move |group| group.domain_id == domain)
}

/// Node sets of a domain that belong to no group and have nodes of both kinds, by zone.
fn free_sets<'a>(scene: &Scene<'a>, domain: u64) -> BTreeMap<&'a str, Vec<NodeSetId>> {
    let state = scene.state;
    let grouped: BTreeSet<NodeSetId> = state.node_set_groups.values().flat_map(|group| group.node_sets_ids.iter().copied()).collect();
    let excluded = excluded_zones(scene);
    let mut free: BTreeMap<&str, Vec<NodeSetId>> = BTreeMap::new();
    for set in state.node_sets.values().filter(|set| !grouped.contains(&set.id)) {
        let zone = set.effective_zone_name();
        let qualified = state.data_nodes_of_set(set.id).next().is_some() && state.meta_nodes_of_set(set.id).next().is_some();
        if qualified && !excluded.contains(&zone) && domain_of_zone(scene, zone) == domain {
            free.entry(zone).or_default().push(set.id);
        }
    }
    free
}

/// The node sets that the next group of a domain is made of, if one can be built (§10.3). The master commits a group with them and the
/// status normal, under a new common id.
pub fn group_to_build(scene: &Scene<'_>, selectors: &mut Selectors, domain: u64) -> Option<Vec<NodeSetId>> {
    let free = free_sets(scene, domain);
    let mut zones = scene.rules.fault_domain_zones.clamp(1, GROUP_SIZE);
    if zones > free.len() {
        if !scene.rules.build_groups_as_possible && domain == 0 {
            return None;
        }
        zones = free.len();
    }
    let sets = match zones {
        0 => return None,
        1 => {
            let only = free.values().find(|sets| sets.len() >= GROUP_SIZE).filter(|_| free.len() == 1)?;
            only[..GROUP_SIZE].to_vec()
        }
        2 => {
            let mut by_count: Vec<&Vec<NodeSetId>> = free.values().collect();
            by_count.sort_by_key(|sets| std::cmp::Reverse(sets.len()));
            let (larger, smaller) = (by_count[0], by_count[1]);
            if larger.len() < 2 {
                return None;
            }
            vec![smaller[0], larger[0], larger[1]]
        }
        _ => {
            let start = selectors.build.entry(domain).or_default();
            let from = *start % free.len();
            *start = from + 1;
            free.values().cycle().skip(from).take(GROUP_SIZE).map(|sets| sets[0]).collect()
        }
    };
    assert_eq!(sets.iter().collect::<BTreeSet<_>>().len(), GROUP_SIZE, "a group has three different node sets");
    Some(sets)
}

/// What a group can take (§10.4).
pub fn group_status(scene: &Scene<'_>, reports: &Reports, group: &NodeSetGroup) -> GroupStatus {
    status_of(&Census { scene, reports, kind: PartitionKind::Data, presume: true }, group)
}

/// What a domain can take: only what all its groups lack is lacking.
pub fn domain_status(scene: &Scene<'_>, reports: &Reports, domain: u64) -> GroupStatus {
    let census = Census { scene, reports, kind: PartitionKind::Data, presume: true };
    combined(groups(scene, domain).map(|group| status_of(&census, group)))
}

fn combined(statuses: impl Iterator<Item = GroupStatus>) -> GroupStatus {
    let (mut any, mut no_data, mut no_meta) = (false, true, true);
    for status in statuses {
        any = true;
        no_data &= status == GroupStatus::DATA_UNAVAILABLE || status == GroupStatus::UNAVAILABLE;
        no_meta &= status == GroupStatus::META_UNAVAILABLE || status == GroupStatus::UNAVAILABLE;
    }
    status_from(any && no_data, any && no_meta)
}

fn status_from(no_data: bool, no_meta: bool) -> GroupStatus {
    match (no_data, no_meta) {
        (false, false) => GroupStatus::NORMAL,
        (true, false) => GroupStatus::DATA_UNAVAILABLE,
        (false, true) => GroupStatus::META_UNAVAILABLE,
        (true, true) => GroupStatus::UNAVAILABLE,
    }
}

fn status_of(census: &Census<'_>, group: &NodeSetGroup) -> GroupStatus {
    let ratio = census.scene.state.zone_domain.as_ref().map_or(ZoneDomain::RATIO_DEFAULT, |d| d.effective_data_ratio());
    let of = |kind| Census { kind, ..*census };
    let data_works = |set: &NodeSetId| {
        let nodes = of(PartitionKind::Data).set_nodes(*set);
        let total: u64 = nodes.iter().map(|n| n.node.total).fold(0, u64::saturating_add);
        let used = nodes.iter().map(|n| if n.node.fit == Fit::No { n.node.total } else { n.node.used }).fold(0, u64::saturating_add);
        nodes.iter().any(|n| n.node.fit == Fit::Presumed) || (total > 0 && (used as f64 / total as f64) < ratio)
    };
    let meta_works = |set: &NodeSetId| of(PartitionKind::Meta).set_nodes(*set).iter().any(|n| n.node.fit > Fit::No);
    let no_data = group.node_sets_ids.iter().any(|set| !data_works(set));
    let no_meta = group.node_sets_ids.iter().filter(|set| !meta_works(set)).count() >= 2;
    status_from(no_data, no_meta)
}

/// Hosts from the groups of a domain (§10.5).
pub(super) fn choose(
    census: &Census<'_>,
    selectors: &mut Selectors,
    domain: u64,
    replicas: usize,
    random: &mut Random<'_>,
) -> Result<Vec<Peer>, Fault> {
    if !exists(census.scene, domain) {
        return Err(Fault::internal(format!("domain [{domain}] not found")));
    }
    let groups: Vec<&Arc<NodeSetGroup>> = groups(census.scene, domain).collect();
    if groups.is_empty() {
        return Err(Fault::internal("no usable group"));
    }
    let statuses: Vec<GroupStatus> = groups.iter().map(|group| status_of(census, group)).collect();
    let found = if combined(statuses.iter().copied()) == GroupStatus::NORMAL {
        in_groups(census, selectors, domain, &groups, &statuses, replicas, random)
    } else {
        anywhere(census, selectors, &groups, replicas, random)
    };
    found.ok_or_else(|| Fault::internal(format!("domain [{domain}] has no group with {replicas} usable {} nodes", kind_text(census.kind))))
}

fn kind_text(kind: PartitionKind) -> &'static str {
    match kind {
        PartitionKind::Data => "data",
        PartitionKind::Meta => "meta",
    }
}

/// One host after the other from the sets of the next group in turn; what a group cannot give comes from the group after it.
fn in_groups(
    census: &Census<'_>,
    selectors: &mut Selectors,
    domain: u64,
    groups: &[&Arc<NodeSetGroup>],
    statuses: &[GroupStatus],
    replicas: usize,
    random: &mut Random<'_>,
) -> Option<Vec<Peer>> {
    let lacking = match census.kind {
        PartitionKind::Data => GroupStatus::DATA_UNAVAILABLE,
        PartitionKind::Meta => GroupStatus::META_UNAVAILABLE,
    };
    let index = selectors.group.entry(domain).or_default();
    let start = *index % groups.len();
    *index = start + 1;
    let mut peers: Vec<Peer> = Vec::new();
    for at in (0..groups.len()).map(|i| (start + i) % groups.len()) {
        if statuses[at] == GroupStatus::UNAVAILABLE || statuses[at] == lacking {
            continue;
        }
        let sets = &groups[at].node_sets_ids;
        let mut failed = 0;
        while peers.len() < replicas && failed < sets.len() {
            let inner = selectors.in_group.entry(groups[at].id).or_default();
            let set = sets[*inner % sets.len()];
            *inner = (*inner + 1) % sets.len();
            match zones::in_set(census, selectors, set, 1, &addresses(&peers), random) {
                Ok(found) => {
                    peers.extend(found);
                    failed = 0;
                }
                Err(_) => failed += 1,
            }
        }
        if peers.len() == replicas {
            return Some(peers);
        }
    }
    None
}

/// Hosts of one group, as many from one set as it takes: the way out when the whole domain lacks something.
fn anywhere(
    census: &Census<'_>,
    selectors: &mut Selectors,
    groups: &[&Arc<NodeSetGroup>],
    replicas: usize,
    random: &mut Random<'_>,
) -> Option<Vec<Peer>> {
    for group in groups {
        for at_a_time in 1..=GROUP_SIZE {
            let mut peers: Vec<Peer> = Vec::new();
            for set in group.node_sets_ids.iter() {
                let n = at_a_time.min(replicas - peers.len());
                if let Ok(found) = zones::in_set(census, selectors, *set, n, &addresses(&peers), random) {
                    peers.extend(found);
                }
                if peers.len() == replicas {
                    return Some(peers);
                }
            }
        }
    }
    None
}

fn addresses(peers: &[Peer]) -> Vec<String> {
    peers.iter().map(|peer| peer.addr.clone()).collect()
}

/// What the five-second check of fault domains finds (§10.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// Excluded zones and whether each is too full to be used.
    pub zones: Vec<(String, bool)>,
    /// The zone domain record is to say this of `NeedFaultDomain`; `None`: it does.
    pub need_fault_domain: Option<bool>,
}

/// Which of the excluded zones are too full, and whether groups are needed because all are.
pub fn upkeep(scene: &Scene<'_>, reports: &Reports) -> Upkeep {
    let Some(record) = scene.state.zone_domain.as_ref().filter(|_| scene.rules.fault_domain) else { return Upkeep::default() };
    let limit = record.effective_exclude_zone_use_ratio();
    let full = |zone: &str| {
        [PartitionKind::Data, PartitionKind::Meta].into_iter().any(|kind| {
            let census = Census { scene, reports, kind, presume: true };
            let nodes = census.zone_nodes(zone);
            let total: u64 = nodes.iter().map(|n| n.node.total).fold(0, u64::saturating_add);
            let counts = |n: &super::census::Counted<'_>| match kind {
                PartitionKind::Data => n.liveness != crate::plan::liveness::Liveness::Inactive,
                PartitionKind::Meta => n.node.fit > Fit::No,
            };
            let used = nodes.iter().map(|n| if counts(n) { n.node.used } else { n.node.total }).fold(0, u64::saturating_add);
            total > 0 && used as f64 / total as f64 > limit
        })
    };
    let zones: Vec<(String, bool)> = record.exclude_zone_map.keys().map(|zone| (zone.clone(), full(zone))).collect();
    let needed = !zones.is_empty() && zones.iter().all(|(_, full)| *full);
    let need_fault_domain = (!zones.is_empty() && needed != record.need_fault_domain).then_some(needed);
    Upkeep { zones, need_fault_domain }
}
