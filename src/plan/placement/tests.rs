//! Goal: hosts are distinct, fit, and spread as v3.5.3 topology-selection.md §7 to §10 and §15 say. Method: tables for the selectors,
//! small worlds for zones and domains, random clusters for what must always hold.

use super::node_selector::{self, Node, NodeMemory};
use super::node_set_selector::{self, Set, SetMemory};
use super::*;
use crate::ids::{NodeId, NodeSetId};
use crate::limits::GIB;
use crate::model::{DataNode, GroupStatus, NodeSet, NodeSetGroup, StorageClass, Zone, ZoneDomain};
use crate::plan::world::*;
use crate::wire::reply::{code, fault};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

// ---- selectors of nodes -----------------------------------------------------------------------------------------

const ALL: [NodeSelector; 4] =
    [NodeSelector::CarryWeight, NodeSelector::AvailableSpaceFirst, NodeSelector::RoundRobin, NodeSelector::Straw];

fn node(id: u64, addr: &str, total: u64, used: u64) -> Node<'_> {
    Node {
        id: NodeId(id),
        addr,
        total: total * GIB,
        used: used * GIB,
        available: (total - used) * GIB,
        fit: Fit::Yes,
        offline: false,
        excluded: false,
    }
}

fn picked(selector: NodeSelector, nodes: &[Node<'_>], n: usize, memory: &mut NodeMemory) -> Result<Vec<u64>, String> {
    let chosen = node_selector::select(selector, nodes, n, memory, &mut random(1));
    chosen.map(|ids| ids.into_iter().map(|id| id.0).collect()).map_err(|fault| fault.to_string())
}

#[test]
fn an_unknown_selector_name_is_the_default() {
    for selector in ALL {
        assert_eq!(NodeSelector::named(selector.name()), selector);
    }
    assert_eq!(NodeSelector::named("Nonsense"), NodeSelector::CarryWeight);
    assert_eq!(NodeSetSelector::named("Nonsense"), NodeSetSelector::RoundRobin);
    assert_eq!(NodeSetSelector::named("Straw").name(), "Straw");
}

#[test]
fn no_hosts_are_found_for_nobody() {
    for selector in ALL {
        assert_eq!(picked(selector, &[], 0, &mut NodeMemory::default()), Ok(vec![]));
    }
}

#[test]
fn too_few_nodes_are_refused_with_the_text_of_the_selector() {
    let nodes = [node(1, "10.0.0.1:1", 100, 0)];
    let refused = |selector| picked(selector, &nodes, 2, &mut NodeMemory::default()).unwrap_err();
    assert_eq!(
        refused(NodeSelector::CarryWeight),
        "action[CarryWeight NodeSelector-Select] no enough writable hosts,replicaNum: 2 MatchNodeCount:1"
    );
    assert_eq!(
        refused(NodeSelector::AvailableSpaceFirst),
        "action[AvailableSpaceFirstNodeSelector-Select] no enough hosts,replicaNum:2  MatchNodeCount:1  "
    );
    assert_eq!(
        refused(NodeSelector::RoundRobin),
        "action[RoundRobinNodeSelector-Select] no enough writable hosts,replicaNum:2  MatchNodeCount:1  "
    );
    assert_eq!(refused(NodeSelector::Straw), "action[StrawNodeSelector-Select] no enough writable hosts,replicaNum:2  MatchNodeCount:1  ");
}

#[test]
fn only_carry_weight_spares_nodes_that_leave() {
    let mut leaving = node(1, "10.0.0.1:1", 100, 0);
    leaving.offline = true;
    for selector in ALL {
        let chosen = picked(selector, &[leaving], 1, &mut NodeMemory::default());
        assert_eq!(chosen.is_ok(), selector != NodeSelector::CarryWeight, "{selector:?}");
    }
}

#[test]
fn round_robin_goes_round_by_id_from_where_it_stopped() {
    let nodes: Vec<Node<'_>> = [3, 1, 4, 2].map(|id| node(id, "10.0.0.1:1", 100, 0)).to_vec();
    let mut memory = NodeMemory::default();
    let mut next = |n| picked(NodeSelector::RoundRobin, &nodes, n, &mut memory).unwrap();
    assert_eq!(next(3), [1, 2, 3]);
    assert_eq!(next(3), [4, 1, 2]);
    assert_eq!(next(1), [3]);
}

#[test]
fn round_robin_skips_what_is_unfit_or_excluded_within_one_cycle() {
    let mut nodes = [1, 2, 3, 4].map(|id| node(id, "10.0.0.1:1", 100, 0));
    nodes[0].fit = Fit::No;
    nodes[2].excluded = true;
    let mut memory = NodeMemory::default();
    assert_eq!(picked(NodeSelector::RoundRobin, &nodes, 2, &mut memory), Ok(vec![2, 4]));
    assert!(picked(NodeSelector::RoundRobin, &nodes, 3, &mut memory).is_err());
}

#[test]
fn available_space_first_takes_one_node_of_a_machine_before_the_second() {
    let nodes =
        [node(1, "10.0.0.1:1", 900, 0), node(2, "10.0.0.1:2", 800, 0), node(3, "10.0.0.2:1", 100, 0), node(4, "10.0.0.1:3", 700, 0)];
    let pick = |n| picked(NodeSelector::AvailableSpaceFirst, &nodes, n, &mut NodeMemory::default()).unwrap();
    assert_eq!(pick(2), [1, 3]);
    assert_eq!(pick(3), [1, 3, 2]);
    assert_eq!(pick(4), [1, 3, 2, 4], "v3.5.3 can loop forever in the third round");
}

#[test]
fn straw_takes_distinct_machines_first() {
    let nodes = [node(1, "10.0.0.1:1", 900, 0), node(2, "10.0.0.1:2", 900, 0), node(3, "10.0.0.2:1", 1, 0)];
    for seed in 0..50 {
        let chosen = node_selector::select(NodeSelector::Straw, &nodes, 2, &mut NodeMemory::default(), &mut random(seed)).unwrap();
        assert!(chosen.contains(&NodeId(3)));
    }
}

#[test]
fn carry_weight_chooses_in_proportion_to_free_space() {
    let nodes = [node(1, "10.0.0.1:1", 1000, 0), node(2, "10.0.0.2:1", 1000, 500), node(3, "10.0.0.3:1", 1000, 750)];
    let mut memory = NodeMemory::default();
    let mut times: BTreeMap<u64, usize> = BTreeMap::new();
    for _ in 0..700 {
        *times.entry(picked(NodeSelector::CarryWeight, &nodes, 1, &mut memory).unwrap()[0]).or_default() += 1;
    }
    assert!(times[&1].abs_diff(400) < 20 && times[&2].abs_diff(200) < 20 && times[&3].abs_diff(100) < 20, "{times:?}");
}

#[test]
fn carry_weight_needs_no_loop_for_a_nearly_full_giant() {
    let nodes = [node(1, "10.0.0.1:1", 1 << 24, (1 << 24) - 11), node(2, "10.0.0.2:1", 12, 0)];
    let mut memory = NodeMemory::default();
    for _ in 0..1000 {
        assert_eq!(picked(NodeSelector::CarryWeight, &nodes, 2, &mut memory).unwrap().len(), 2);
    }
}

#[test]
fn another_selector_begins_with_nothing_remembered() {
    let nodes = [1, 2, 3].map(|id| node(id, "10.0.0.1:1", 100, 0));
    let mut memory = NodeMemory::default();
    picked(NodeSelector::RoundRobin, &nodes, 2, &mut memory).unwrap();
    picked(NodeSelector::CarryWeight, &nodes, 1, &mut memory).unwrap();
    assert_eq!(picked(NodeSelector::RoundRobin, &nodes, 1, &mut memory), Ok(vec![1]));
}

#[test]
fn nodes_known_to_be_good_go_before_presumed_ones() {
    for selector in ALL {
        let addrs: Vec<String> = (0..6).map(|i| format!("10.0.0.{i}:1")).collect();
        let mut nodes: Vec<Node<'_>> = addrs.iter().enumerate().map(|(i, a)| node(i as u64, a, 100, 0)).collect();
        for node in &mut nodes[..4] {
            (node.fit, node.total, node.used, node.available) = (Fit::Presumed, 0, 0, 0);
        }
        let chosen = picked(selector, &nodes, 3, &mut NodeMemory::default()).unwrap();
        assert_eq!(chosen[..2].iter().collect::<BTreeSet<_>>(), BTreeSet::from([&4, &5]), "{selector:?}");
        assert!(chosen[2] < 4);
    }
}

fn arbitrary_nodes() -> impl Strategy<Value = Vec<(u64, u64, u64, u8, bool, bool, u8)>> {
    let size = prop_oneof![Just(0), 1..100u64, Just(u64::MAX / 64)];
    proptest::collection::vec((size.clone(), size.clone(), size, 0..3u8, any::<bool>(), any::<bool>(), 0..4u8), 0..12)
}

proptest! {
    #[test]
    fn every_selector_takes_exactly_n_distinct_fit_nodes_or_refuses(specs in arbitrary_nodes(), n in 0..5usize, seed: u64, rounds in 1..6) {
        let addrs: Vec<String> = specs.iter().map(|spec| format!("10.0.0.{}:1", spec.6)).collect();
        let nodes: Vec<Node<'_>> = specs.iter().zip(&addrs).enumerate().map(|(i, ((total, used, available, fit, offline, excluded, _), addr))| Node {
            id: NodeId(i as u64), addr, total: *total, used: *used, available: *available,
            fit: [Fit::No, Fit::Presumed, Fit::Yes][usize::from(*fit)], offline: *offline, excluded: *excluded,
        }).collect();
        for selector in ALL {
            let mut memory = NodeMemory::default();
            let mut random = random(seed);
            for _ in 0..rounds {
                let fits = |n: &&Node<'_>| n.fit > Fit::No && !n.excluded && !(n.offline && selector == NodeSelector::CarryWeight);
                let fit: BTreeSet<NodeId> = nodes.iter().filter(fits).map(|n| n.id).collect();
                match node_selector::select(selector, &nodes, n, &mut memory, &mut random) {
                    Ok(chosen) => {
                        prop_assert_eq!(chosen.iter().collect::<BTreeSet<_>>().len(), n);
                        prop_assert!(chosen.iter().all(|id| fit.contains(id)));
                    }
                    Err(_) => prop_assert!(fit.len() < n),
                }
            }
        }
    }

    #[test]
    fn equal_nodes_are_chosen_equally_often(count in 3..9u64, n in 1..4usize) {
        let addrs: Vec<String> = (0..count).map(|i| format!("10.0.0.{i}:1")).collect();
        let nodes: Vec<Node<'_>> = addrs.iter().enumerate().map(|(i, a)| node(i as u64, a, 100, 30)).collect();
        for selector in [NodeSelector::CarryWeight, NodeSelector::RoundRobin] {
            let mut memory = NodeMemory::default();
            let mut times: BTreeMap<u64, usize> = BTreeMap::new();
            for _ in 0..40 * count {
                for id in picked(selector, &nodes, n, &mut memory).unwrap() {
                    *times.entry(id).or_default() += 1;
                }
            }
            let (least, most) = (times.values().min().unwrap(), times.values().max().unwrap());
            prop_assert!(most - least <= 10, "{:?} {:?}", selector, times);
        }
    }
}

// ---- selectors of node sets -------------------------------------------------------------------------------------

fn set(id: u64, available: u64, usable: bool) -> Set {
    Set { id: NodeSetId(id), total: 1000 * GIB, available: available * GIB, usable }
}

fn picked_set(selector: NodeSetSelector, sets: &[Set], memory: &mut SetMemory) -> Option<u64> {
    node_set_selector::select(selector, sets, memory, &mut random(3)).map(|id| id.0)
}

#[test]
fn no_usable_set_is_none() {
    for name in ["RoundRobin", "CarryWeight", "AvailableSpaceFirst", "Straw"] {
        let selector = NodeSetSelector::named(name);
        assert_eq!(picked_set(selector, &[], &mut SetMemory::default()), None);
        assert_eq!(picked_set(selector, &[set(1, 5, false)], &mut SetMemory::default()), None);
        assert_eq!(picked_set(selector, &[set(1, 0, false), set(2, 0, true)], &mut SetMemory::default()), Some(2));
    }
}

#[test]
fn sets_take_turns() {
    let sets = [set(5, 1, true), set(3, 1, false), set(1, 1, true)];
    let mut memory = SetMemory::default();
    let turns: Vec<_> = (0..4).map(|_| picked_set(NodeSetSelector::RoundRobin, &sets, &mut memory).unwrap()).collect();
    assert_eq!(turns, [1, 5, 1, 5]);
}

#[test]
fn sets_carry_weight() {
    let sets = [set(1, 750, true), set(2, 250, true)];
    let mut memory = SetMemory::default();
    let first = (0..400).filter(|_| picked_set(NodeSetSelector::CarryWeight, &sets, &mut memory) == Some(1)).count();
    assert!(first.abs_diff(300) < 10, "{first}");
    assert_eq!(picked_set(NodeSetSelector::AvailableSpaceFirst, &sets, &mut SetMemory::default()), Some(1));
}

// ---- zones ------------------------------------------------------------------------------------------------------

fn demand(cross_zone: bool, zone_name: &str, replicas: usize) -> Demand {
    Demand { kind: PartitionKind::Data, replicas, media: MediaType::SSD, cross_zone, zone_name: zone_name.into(), domain: None }
}

fn chosen(world: &World, selectors: &mut Selectors, demand: &Demand) -> Result<Chosen, Fault> {
    choose(&world.scene(), &world.reports, selectors, demand, &mut random(5))
}

fn zones_of(chosen: &Chosen) -> Vec<String> {
    let mut zones: Vec<String> = chosen.hosts.iter().map(|h| h.split('.').nth(1).unwrap().to_owned()).collect();
    zones.sort();
    zones
}

#[test]
fn hosts_are_the_peers_in_another_order_and_choices_are_counted() {
    let world = World::one_zone(3);
    let mut selectors = Selectors::default();
    let found = chosen(&world, &mut selectors, &demand(false, "default", 3)).unwrap();
    let hosts: BTreeSet<&String> = found.hosts.iter().collect();
    assert_eq!(hosts, found.peers.iter().map(|p| &p.addr).collect());
    assert_eq!(hosts.len(), 3);
    assert_eq!(selectors.times_chosen(PartitionKind::Data, &data_addr(1, 1)), 1);
    assert_eq!(selectors.times_chosen(PartitionKind::Meta, &data_addr(1, 1)), 0);
}

#[test]
fn every_order_of_hosts_comes_up() {
    let world = World::one_zone(3);
    let mut draw = random(9);
    let mut seen = BTreeSet::new();
    for _ in 0..100 {
        let selectors = &mut Selectors::default();
        seen.insert(choose(&world.scene(), &world.reports, selectors, &demand(false, "default", 3), &mut draw).unwrap().hosts);
    }
    assert_eq!(seen.len(), 6);
}

#[test]
fn a_zone_whose_sets_are_too_small_refuses_with_the_text_of_its_kind() {
    let world = World::one_zone(2);
    let selectors = &mut Selectors::default();
    let refused = chosen(&world, selectors, &demand(false, "default", 3)).unwrap_err();
    assert_eq!(
        (refused.code, &*refused.msg),
        (
            code::INTERNAL_ERROR,
            "zone[default] alloc node set,replicaNum[3] :: no node set available for creating a data partition, no node set has enough data node to allocate partitions"
        )
    );
    let refused = chosen(&world, selectors, &Demand { kind: PartitionKind::Meta, ..demand(false, "default", 3) }).unwrap_err();
    assert_eq!(
        (refused.code, &*refused.msg),
        (
            code::INTERNAL_ERROR,
            "zone[default],err[no node set available for creating a meta partition, no node set has enough meta node to allocate partitions]"
        )
    );
}

#[test]
fn a_zone_with_other_disks_or_an_unknown_zone_is_refused() {
    let mut world = World::one_zone(3);
    world.zone("empty", MediaType::SSD, 2, 0, 0);
    let selectors = &mut Selectors::default();
    let hdd = Demand { media: MediaType::HDD, ..demand(false, "default", 3) };
    assert_eq!(chosen(&world, selectors, &hdd), Err(fault::NO_ZONE_TO_CREATE_DATA_PARTITION));
    assert_eq!(chosen(&world, selectors, &demand(false, "empty", 3)), Err(fault::NO_ZONE_TO_CREATE_DATA_PARTITION));
    let meta = Demand { kind: PartitionKind::Meta, ..demand(false, "empty", 3) };
    assert_eq!(chosen(&world, selectors, &meta), Err(fault::NO_ZONE_TO_CREATE_META_PARTITION));
    let refused = chosen(&world, selectors, &demand(false, "zx", 3)).unwrap_err();
    assert_eq!(&*refused.msg, "action[checkZoneName] the zonename[zx] not found");
}

fn three_zones() -> World {
    let mut world = World::new();
    for (i, zone) in ["z1", "z2", "z3"].iter().enumerate() {
        world.zone(zone, MediaType::SSD, i as u64 + 1, 2, 2);
    }
    world.hear_all();
    world
}

#[test]
fn three_zones_get_one_replica_each() {
    let world = three_zones();
    let mut selectors = Selectors::default();
    for _ in 0..4 {
        assert_eq!(zones_of(&chosen(&world, &mut selectors, &demand(true, "", 3)).unwrap()), ["1", "2", "3"]);
    }
    assert_eq!(zones_of(&chosen(&world, &mut selectors, &demand(true, "z1,z2,z3", 3)).unwrap()), ["1", "2", "3"]);
}

#[test]
fn two_zones_get_one_and_two() {
    let world = three_zones();
    let mut selectors = Selectors::default();
    for _ in 0..3 {
        let zones = zones_of(&chosen(&world, &mut selectors, &demand(true, "z1,z2", 3)).unwrap());
        assert!(zones == ["1", "1", "2"] || zones == ["1", "2", "2"]);
    }
    let refused = chosen(&world, &mut selectors, &demand(true, "z1,z2", 4)).unwrap_err();
    assert_eq!(&*refused.msg, "action[chooseZone2Plus1] replicaNum [4]");
}

#[test]
fn the_emptier_of_two_zones_gets_two() {
    let mut world = three_zones();
    for i in 1..=2 {
        world.hear_data(&data_addr(1, i), data_heartbeat(1000, 900, &[]));
    }
    assert_eq!(zones_of(&chosen(&world, &mut Selectors::default(), &demand(true, "z1,z2", 3)).unwrap()), ["1", "2", "2"]);
}

#[test]
fn an_unavailable_zone_is_left_out_unless_it_is_the_only_one() {
    let mut world = three_zones();
    world.reports.set_zone_unavailable("z1", true);
    assert_eq!(zones_of(&chosen(&world, &mut Selectors::default(), &demand(true, "z1,z2,z3", 2)).unwrap()), ["2", "3"]);
    assert_eq!(zones_of(&chosen(&world, &mut Selectors::default(), &demand(false, "z1", 2)).unwrap()), ["1", "1"]);
    for zone in ["z2", "z3"] {
        world.reports.set_zone_unavailable(zone, true);
    }
    let refused = chosen(&world, &mut Selectors::default(), &demand(true, "z1,z2,z3", 3));
    assert_eq!(refused, Err(fault::NO_ZONE_TO_CREATE_DATA_PARTITION));
}

#[test]
fn a_dead_zone_is_replaced_without_taking_a_host_twice() {
    let mut world = three_zones();
    world.pass(19);
    for zone in 2..=3 {
        for i in 1..=2 {
            world.hear_data(&data_addr(zone, i), data_heartbeat(1000, 0, &[]));
        }
    }
    let found = chosen(&world, &mut Selectors::default(), &demand(true, "", 3)).unwrap();
    assert_eq!(found.hosts.iter().collect::<BTreeSet<_>>().len(), 3);
    assert!(!zones_of(&found).contains(&"1".to_owned()));
}

#[test]
fn more_replicas_than_zones_lie_on_different_hosts() {
    let mut world = three_zones();
    for id in 1..=3 {
        let set = NodeSet::new(NodeSetId(id), 18, format!("z{id}"));
        world.put(NodeSet { data_node_selector: "AvailableSpaceFirst".into(), ..set });
    }
    let found = chosen(&world, &mut Selectors::default(), &demand(true, "", 5)).unwrap();
    assert_eq!(found.hosts.iter().collect::<BTreeSet<_>>().len(), 5);
}

#[test]
fn two_replicas_on_one_machine_are_refused_where_that_is_not_allowed() {
    let hosts = ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.1:2"].map(String::from);
    assert_eq!(
        &*refuse_same_machine(&hosts).unwrap_err().msg,
        "Don't allow multiple replicas on same machine while create dp/mp. Multiple replicas locate on [10.0.0.1] "
    );
    assert_eq!(refuse_same_machine(&hosts[..2]), Ok(()));
}

// ---- a new leader -----------------------------------------------------------------------------------------------

#[test]
fn a_new_leader_places_on_nodes_that_it_has_not_heard() {
    let mut world = World::one_zone(4);
    world.new_leader();
    let mut selectors = Selectors::default();
    for kind in [PartitionKind::Data, PartitionKind::Meta] {
        assert!(chosen(&world, &mut selectors, &Demand { kind, ..demand(false, "default", 3) }).is_ok());
    }
    world.hear_data(&data_addr(1, 4), data_heartbeat(1000, 0, &[]));
    for _ in 0..5 {
        let found = chosen(&world, &mut selectors, &demand(false, "default", 3)).unwrap();
        assert!(found.hosts.contains(&data_addr(1, 4)), "the one that is known goes first");
    }
    world.pass(18);
    assert!(chosen(&world, &mut selectors, &demand(false, "default", 3)).is_err());
}

#[test]
fn a_node_that_registers_under_a_new_leader_waits_for_its_heartbeat() {
    let mut world = World::one_zone(3);
    world.new_leader();
    for i in 1..=3 {
        world.reports.data_node_registered(&data_addr(1, i), WALL);
    }
    assert!(chosen(&world, &mut Selectors::default(), &demand(false, "default", 3)).is_err());
    world.hear_all();
    assert!(chosen(&world, &mut Selectors::default(), &demand(false, "default", 3)).is_ok());
}

// ---- moves ------------------------------------------------------------------------------------------------------

#[test]
fn a_replica_moves_within_its_set_then_its_zone_then_to_a_zone_without_replicas() {
    let mut world = World::one_zone(4);
    world.set("default", MediaType::SSD, 2, 1, 1);
    world.zone("far", MediaType::SSD, 3, 1, 1);
    world.zone("hdd", MediaType::HDD, 4, 1, 1);
    world.hear_all();
    let volume = world.volume(1);
    let partition = world.data_partition(&volume, 7);
    world.hear_data_partitions(&[&partition]);
    let from = partition.hosts[0].clone();
    let target = |world: &World, to_set: Option<u64>| {
        let step = Move { from: &from, to_set: to_set.map(NodeSetId), avoid: &[] };
        let selectors = &mut Selectors::default();
        data_target(&world.scene(), &world.reports, selectors, &partition, Some(&volume), step, &mut random(1))
    };
    assert_eq!(target(&world, None), Ok(data_addr(1, 4)));
    assert_eq!(target(&world, Some(2)), Ok(data_addr(2, 1)));
    world.hear_data(&data_addr(1, 4), data_heartbeat(1000, 995, &[]));
    assert_eq!(target(&world, None), Ok(data_addr(2, 1)));
    world.hear_data(&data_addr(2, 1), data_heartbeat(1000, 995, &[]));
    assert_eq!(target(&world, None), Ok(data_addr(3, 1)));
    assert!(target(&world, Some(2)).is_err(), "another set was asked for");
    world.hear_data(&data_addr(3, 1), data_heartbeat(1000, 995, &[]));
    assert!(target(&world, None).is_err(), "not onto other disks");
}

#[test]
fn the_source_is_no_target_after_it_left_the_hosts() {
    let mut world = World::one_zone(4);
    let volume = world.volume(1);
    let mut partition = world.data_partition(&volume, 7);
    let from = partition.hosts.remove(0);
    for _ in 0..4 {
        let step = Move { from: &from, to_set: None, avoid: &[] };
        let found = data_target(&world.scene(), &world.reports, &mut Selectors::default(), &partition, None, step, &mut random(1));
        assert_eq!(found, Ok(data_addr(1, 4)));
    }
}

#[test]
fn a_meta_replica_moves_too() {
    let mut world = World::one_zone(4);
    let volume = world.volume(1);
    let partition = world.meta_partition(&volume, 3, 0, 100);
    let step = Move { from: &partition.hosts[1], to_set: None, avoid: &[] };
    let target = |world: &World| {
        meta_target(&world.scene(), &world.reports, &mut Selectors::default(), &partition, Some(&volume), step, &mut random(1))
    };
    assert_eq!(target(&world), Ok(meta_addr(1, 4)));
    world.hear_meta(&meta_addr(1, 4), meta_heartbeat(64, 64, &[]));
    assert!(target(&world).is_err());
}

// ---- fault domains ----------------------------------------------------------------------------------------------

/// Zones outside fault domains: `old`. Zones inside: z1, z2, z3.
fn domains(zones: usize) -> World {
    let mut world = three_zones();
    world.rules.fault_domain = true;
    world.rules.fault_domain_zones = zones;
    world.put(ZoneDomain { need_fault_domain: true, ..ZoneDomain::new() });
    world
}

fn group(world: &mut World, id: u64, sets: &[u64]) {
    let sets: Vec<NodeSetId> = sets.iter().map(|id| NodeSetId(*id)).collect();
    world.put(NodeSetGroup { id, node_sets_ids: sets.into(), status: GroupStatus::NORMAL, ..Default::default() });
}

#[test]
fn a_group_is_built_of_one_set_from_each_of_three_zones() {
    let mut world = domains(3);
    let mut selectors = Selectors::default();
    let sets = domain::group_to_build(&world.scene(), &mut selectors, 0).unwrap();
    assert_eq!(sets.iter().map(|id| id.0).collect::<BTreeSet<_>>(), BTreeSet::from([1, 2, 3]));
    group(&mut world, 11, &[1, 2, 3]);
    assert_eq!(domain::group_to_build(&world.scene(), &mut selectors, 0), None);
}

#[test]
fn with_few_zones_a_group_is_built_only_where_that_is_allowed() {
    let mut world = World::new();
    world.rules.fault_domain = true;
    world.put(ZoneDomain::new());
    for set in 1..=2 {
        world.set("z1", MediaType::SSD, set, 1, 1);
    }
    world.set("z2", MediaType::SSD, 3, 1, 1);
    let built = |world: &World| domain::group_to_build(&world.scene(), &mut Selectors::default(), 0);
    assert_eq!(built(&world), None);
    world.rules.build_groups_as_possible = true;
    assert_eq!(built(&world), Some(vec![NodeSetId(3), NodeSetId(1), NodeSetId(2)]));
    world.put(NodeSet::new(NodeSetId(9), 18, "z1"));
    assert_eq!(built(&world).unwrap().len(), 3, "a set without nodes does not qualify");
}

#[test]
fn one_zone_needs_three_free_sets() {
    let mut world = World::new();
    world.rules.fault_domain = true;
    world.rules.fault_domain_zones = 1;
    world.put(ZoneDomain::new());
    for set in 1..=3 {
        assert_eq!(domain::group_to_build(&world.scene(), &mut Selectors::default(), 0), None);
        world.set("z1", MediaType::SSD, set, 1, 1);
    }
    assert!(domain::group_to_build(&world.scene(), &mut Selectors::default(), 0).is_some());
}

#[test]
fn excluded_zones_build_no_groups_and_hold_normal_volumes() {
    let mut world = domains(3);
    world.zone("old", MediaType::SSD, 4, 3, 3);
    world.hear_all();
    let mut record = ZoneDomain::new();
    record.exclude_zone_map.insert("old".into(), 0);
    world.put(record);
    let sets = domain::group_to_build(&world.scene(), &mut Selectors::default(), 0).unwrap();
    assert!(!sets.contains(&NodeSetId(4)));
    let mut volume = world.volume(1);
    volume.zone_name = "old".into();
    let wanted = Demand::data(&world.scene(), &world.reports, &volume, MediaType::SSD);
    assert_eq!(wanted.domain, None);
    assert_eq!(zones_of(&chosen(&world, &mut Selectors::default(), &wanted).unwrap()), ["4", "4", "4"]);
}

#[test]
fn hosts_of_a_domain_come_from_the_three_sets_of_a_group() {
    let mut world = domains(3);
    let wanted = Demand { domain: Some(0), ..demand(false, "default", 3) };
    assert_eq!(&*chosen(&world, &mut Selectors::default(), &wanted).unwrap_err().msg, "no usable group");
    group(&mut world, 11, &[1, 2, 3]);
    let mut selectors = Selectors::default();
    for _ in 0..4 {
        assert_eq!(zones_of(&chosen(&world, &mut selectors, &wanted).unwrap()), ["1", "2", "3"]);
    }
    assert!(chosen(&world, &mut selectors, &Demand { domain: Some(5), ..wanted.clone() }).is_err());
}

#[test]
fn a_domain_that_lacks_a_set_still_gives_what_it_can() {
    let mut world = domains(3);
    group(&mut world, 11, &[1, 2, 3]);
    world.pass(19);
    for set in 1..=2 {
        for i in 1..=2 {
            world.hear_data(&data_addr(set, i), data_heartbeat(1000, 0, &[]));
        }
    }
    assert_eq!(domain::domain_status(&world.scene(), &world.reports, 0), GroupStatus::UNAVAILABLE);
    let found = chosen(&world, &mut Selectors::default(), &Demand { domain: Some(0), ..demand(false, "default", 3) }).unwrap();
    assert_eq!(found.hosts.iter().collect::<BTreeSet<_>>().len(), 3);
}

#[test]
fn the_state_of_a_group_says_what_it_lacks() {
    let mut world = domains(3);
    group(&mut world, 11, &[1, 2, 3]);
    let record = world.state.node_set_groups.get(&11).unwrap().clone();
    let status = |world: &World| domain::group_status(&world.scene(), &world.reports, &record);
    assert_eq!(status(&world), GroupStatus::NORMAL);
    for i in 1..=2 {
        world.hear_data(&data_addr(1, i), data_heartbeat(1000, 950, &[]));
    }
    assert_eq!(status(&world), GroupStatus::DATA_UNAVAILABLE);
    for set in 2..=3 {
        for i in 1..=2 {
            world.hear_meta(&meta_addr(set, i), meta_heartbeat(64, 63, &[]));
        }
    }
    assert_eq!(status(&world), GroupStatus::UNAVAILABLE);
    world.hear_all();
    world.hear_meta(&meta_addr(1, 1), meta_heartbeat(64, 63, &[]));
    assert_eq!(status(&world), GroupStatus::NORMAL);
    world.new_leader();
    assert_eq!(status(&world), GroupStatus::NORMAL, "unheard is not full");
}

#[test]
fn which_volumes_use_fault_domains() {
    let mut world = domains(3);
    let mut volume = world.volume(1);
    let used = |world: &World, volume: &Volume| domain::is_used_by(&world.scene(), &world.reports, volume);
    assert!(used(&world, &volume), "needed");
    let mut record = ZoneDomain::new();
    record.exclude_zone_map = BTreeMap::from([("a".to_owned(), 0), ("b".to_owned(), 0)]);
    world.put(record);
    assert!(!used(&world, &volume));
    world.reports.set_zone_unavailable("default", true);
    assert!(used(&world, &volume), "its zone is full");
    world.reports.set_zone_unavailable("default", false);
    volume.domain_on = true;
    assert!(used(&world, &volume), "once on, always on");
    volume.domain_on = false;
    volume.cross_zone = true;
    assert!(used(&world, &volume));
    volume.default_priority = true;
    assert!(!used(&world, &volume));
    world.rules.fault_domain = false;
    volume.domain_on = true;
    assert!(!used(&world, &volume));
}

#[test]
fn fault_domains_are_needed_when_every_excluded_zone_is_full() {
    let mut world = three_zones();
    world.rules.fault_domain = true;
    assert_eq!(domain::upkeep(&world.scene(), &world.reports), domain::Upkeep::default());
    let record = domain::initial(&world.scene());
    assert_eq!((record.exclude_zone_map.len(), record.need_fault_domain), (3, false));
    world.put(record);
    assert_eq!(domain::upkeep(&world.scene(), &world.reports).need_fault_domain, None);
    for set in 1..=3 {
        for i in 1..=2 {
            world.hear_data(&data_addr(set, i), data_heartbeat(1000, 910, &[]));
        }
    }
    let found = domain::upkeep(&world.scene(), &world.reports);
    assert_eq!(found.need_fault_domain, Some(true));
    assert!(found.zones.iter().all(|(_, full)| *full));
    world.new_leader();
    assert_eq!(domain::upkeep(&world.scene(), &world.reports).need_fault_domain, None, "nothing heard is nothing known");
    assert!(domain::initial(&World::new().scene()).need_fault_domain);
}

// ---- what must always hold --------------------------------------------------------------------------------------

#[derive(Clone, Debug)]
struct Plot {
    /// Data nodes of each zone: used of 1000 GiB, or dead.
    zones: Vec<Vec<Option<u64>>>,
    cross: bool,
    replicas: usize,
    fault_domain_zones: usize,
    selector: usize,
    set_selector: usize,
}

fn plots() -> impl Strategy<Value = Plot> {
    let nodes = proptest::collection::vec(proptest::option::weighted(0.8, 0..1000u64), 0..5);
    (proptest::collection::vec(nodes, 1..5), any::<bool>(), 1..4usize, 1..4usize, 0..4usize, 0..4usize).prop_map(
        |(zones, cross, replicas, fault_domain_zones, selector, set_selector)| Plot {
            zones,
            cross,
            replicas,
            fault_domain_zones,
            selector,
            set_selector,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hosts_are_always_distinct_fit_and_as_many_as_asked(plot in plots(), seed: u64) {
        let mut world = World::new();
        world.rules.fault_domain_zones = plot.fault_domain_zones;
        for (i, nodes) in plot.zones.iter().enumerate() {
            let (name, id) = (format!("z{i}"), i as u64 + 1);
            let mut zone = Zone::new(name.as_str(), MediaType::SSD);
            zone.data_nodeset_selector = ["RoundRobin", "CarryWeight", "AvailableSpaceFirst", "Straw"][plot.set_selector].into();
            world.put(zone);
            let mut set = NodeSet::new(NodeSetId(id), 18, name.as_str());
            set.data_node_selector = ALL[plot.selector].name().into();
            world.put(set);
            for (n, used) in nodes.iter().enumerate() {
                let addr = data_addr(id, n as u64 + 1);
                world.put(DataNode::new(NodeId(id * 100 + n as u64), addr.as_str(), name.as_str(), NodeSetId(id), MediaType::SSD));
                if let Some(used) = used {
                    world.hear_data(&addr, data_heartbeat(1000, *used, &[]));
                }
            }
        }
        let fit: BTreeSet<String> = plot.zones.iter().enumerate().flat_map(|(zone, nodes)| {
            nodes.iter().enumerate().filter(|(_, used)| used.is_some_and(|used| used < 990)).map(move |(n, _)| data_addr(zone as u64 + 1, n as u64 + 1))
        }).collect();
        let mut selectors = Selectors::default();
        let mut draw = random(seed);
        for _ in 0..4 {
            if let Ok(found) = choose(&world.scene(), &world.reports, &mut selectors, &demand(plot.cross, "", plot.replicas), &mut draw) {
                prop_assert_eq!(found.hosts.len(), plot.replicas);
                prop_assert_eq!(found.peers.len(), plot.replicas);
                prop_assert_eq!(found.hosts.iter().collect::<BTreeSet<_>>().len(), plot.replicas);
                prop_assert!(found.hosts.iter().all(|host| fit.contains(host)));
            }
        }
    }
}

#[test]
fn a_class_names_the_disks_that_a_demand_asks_for() {
    let mut world = World::one_zone(3);
    let volume = world.volume(1);
    let wanted = Demand::data(&world.scene(), &world.reports, &volume, StorageClass::REPLICA_HDD.media_type());
    assert_eq!((wanted.replicas, wanted.media, wanted.domain), (3, MediaType::HDD, None));
    let wanted = Demand::meta(&world.scene(), &world.reports, &volume);
    assert_eq!((wanted.kind, wanted.media), (PartitionKind::Meta, MediaType::UNSPECIFIED));
}
