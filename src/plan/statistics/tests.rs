//! Goal: the sums of v3.5.3 background-tasks.md §20, with its roundings. Method: nodes of known sizes.

use super::*;
use crate::plan::world::*;

#[test]
fn sums_are_cut_to_gib_and_compared_with_the_round_before() {
    let mut world = World::new();
    world.zone("default", MediaType::SSD, 1, 3, 3);
    let volume = world.volume(1);
    let partition = world.data_partition(&volume, 7);
    for i in 1..=3 {
        world.hear_meta(&meta_addr(1, i), meta_heartbeat(64, 1, &[]));
        world.hear_data(&data_addr(1, i), data_heartbeat(4096, 6, &[data_report(&partition, i == 1)]));
    }
    let first = refresh(&world.scene(), &world.reports, &Statistics::default());
    assert_eq!(first.data, NodesTotal { total_gb: 12_288, used_gb: 18, increased_gb: 18, used_ratio: "0.001".into(), avail_gb: 12_270 });
    assert_eq!(first.meta, NodesTotal { total_gb: 192, used_gb: 3, increased_gb: 3, used_ratio: "0.016".into(), avail_gb: 189 });
    assert_eq!(first.volumes["vol1"], VolumeUse { total: 100 * GIB, used: GIB, used_ratio: "0.010".into(), inode_count: 0 });
    assert_eq!(first.media[&MediaType::SSD], Space { total: 12_288 * GIB, used: 18 * GIB });
    let zone = &first.zones["default"];
    assert_eq!((zone.data.total_gb, zone.data.used_gb, zone.data.avail_gb, zone.data.used_ratio), (12_288.0, 18.0, 12_270.0, 0.0));
    assert_eq!((zone.meta.used_ratio, zone.meta.total_nodes, zone.meta.writable_nodes), (0.02, 3, 3));
    world.hear_data(&data_addr(1, 1), data_heartbeat(4096, 2, &[]));
    assert_eq!(refresh(&world.scene(), &world.reports, &first).data.increased_gb, -4);
}

#[test]
fn a_dead_node_keeps_its_size_but_has_nothing_available() {
    let mut world = World::one_zone(2);
    world.pass(19);
    world.hear_data(&data_addr(1, 1), data_heartbeat(1000, 0, &[]));
    let data = refresh(&world.scene(), &world.reports, &Statistics::default()).data;
    assert_eq!((data.total_gb, data.avail_gb), (2000, 1000));
}

#[test]
fn without_nodes_there_is_no_ratio_and_an_empty_zone_has_a_total_of_one() {
    let mut world = World::new();
    let none = refresh(&world.scene(), &world.reports, &Statistics::default());
    assert_eq!(none, Statistics::default());
    world.zone("default", MediaType::SSD, 1, 1, 0);
    let zone = refresh(&world.scene(), &world.reports, &none).zones["default"].clone();
    assert_eq!((zone.data.total_gb, zone.data.avail_gb, zone.data.used_ratio, zone.data.total_nodes), (1.0, 0.0, 0.0, 1));
}
