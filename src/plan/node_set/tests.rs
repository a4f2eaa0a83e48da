//! Goal: nodes go where most room is (v3.5.3 topology-selection.md §3). Method: zones with sets of known sizes.

use super::*;
use crate::model::{MediaType, ZoneDomain};
use crate::plan::world::*;

#[test]
fn a_node_goes_into_the_set_with_most_room() {
    let mut world = World::new();
    assert_eq!(choose_for_data_node(&world.scene(), "default"), None);
    world.zone("default", MediaType::SSD, 1, 3, 1);
    world.set("default", MediaType::SSD, 2, 2, 2);
    world.set("other", MediaType::SSD, 3, 0, 0);
    assert_eq!(choose_for_data_node(&world.scene(), "default"), Some(NodeSetId(2)));
    assert_eq!(choose_for_meta_node(&world.scene(), "default"), Some(NodeSetId(1)));
    assert_eq!(choose_for_data_node(&world.scene(), "other"), Some(NodeSetId(3)));
    assert_eq!(choose_for_data_node(&world.scene(), "nowhere"), None);
}

#[test]
fn a_full_set_takes_nobody_and_kinds_are_counted_apart() {
    let mut world = World::new();
    world.zone("default", MediaType::SSD, 1, 3, 0);
    world.put(NodeSet { capacity: 3, ..NodeSet::new(NodeSetId(1), 3, "default") });
    assert_eq!(choose_for_data_node(&world.scene(), "default"), None);
    assert_eq!(choose_for_meta_node(&world.scene(), "default"), Some(NodeSetId(1)));
    world.put(NodeSet::new(NodeSetId(1), 2, "default"));
    assert_eq!(choose_for_data_node(&world.scene(), "default"), Some(NodeSetId(1)), "a stored capacity below 3 means that of the file");
}

#[test]
fn among_equals_the_oldest_set_is_taken() {
    let mut world = World::new();
    world.zone("default", MediaType::SSD, 5, 1, 1);
    world.set("default", MediaType::SSD, 2, 1, 1);
    assert_eq!(choose_for_data_node(&world.scene(), "default"), Some(NodeSetId(2)));
    assert_eq!(choose_for_meta_node(&world.scene(), "default"), Some(NodeSetId(2)));
}

#[test]
fn a_fault_domain_of_few_zones_gets_all_its_sets_at_once() {
    let mut world = World::new();
    let make = |world: &World, zone: &str| sets_to_make(&world.scene(), zone);
    assert_eq!(make(&world, "z1"), 1);
    world.rules.fault_domain = true;
    world.rules.fault_domain_zones = 1;
    assert_eq!(make(&world, "z1"), 1, "no zone domain record yet");
    let mut record = ZoneDomain::new();
    record.exclude_zone_map.insert("old".into(), 0);
    world.put(record);
    assert_eq!(make(&world, "z1"), 3);
    assert_eq!(make(&world, "old"), 1);
    world.set("z1", MediaType::SSD, 1, 0, 0);
    assert_eq!(make(&world, "z1"), 2);
    for set in 2..=4 {
        world.set("z1", MediaType::SSD, set, 0, 0);
    }
    assert_eq!(make(&world, "z1"), 1);
    world.rules.fault_domain_zones = 2;
    assert_eq!(make(&world, "z2"), 2);
    world.rules.fault_domain_zones = 3;
    assert_eq!(make(&world, "z2"), 1);
}
