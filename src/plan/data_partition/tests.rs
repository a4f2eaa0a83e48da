//! Goal: the status rules of v3.5.3 background-tasks.md §4, and what a new leader may presume. Method: one partition, heartbeats, time.

use super::*;
use crate::limits::GIB;
use crate::model::DataNode;
use crate::plan::world::*;
use proptest::prelude::*;

fn one_partition() -> (World, Volume, DataPartition) {
    let mut world = World::one_zone(4);
    let volume = world.volume(1);
    let partition = world.data_partition(&volume, 7);
    world.hear_data_partitions(&[&partition]);
    (world, volume, partition)
}

fn assessed(world: &World, volume: &Volume, partition: &DataPartition) -> Assessment {
    let facts = Facts::of(&world.scene(), &world.reports, volume);
    assess(&world.scene(), &world.reports, partition, &facts)
}

fn status(world: &World, volume: &Volume, partition: &DataPartition) -> PartitionStatus {
    assessed(world, volume, partition).status
}

/// One host reports its replica with `change`.
fn hear(world: &mut World, partition: &DataPartition, host: usize, change: impl Fn(&mut crate::wire::report::DataPartitionReport)) {
    let mut report = data_report(partition, host == 0);
    change(&mut report);
    world.hear_data(&partition.hosts[host], data_heartbeat(1000, 0, &[report]));
}

#[test]
fn all_live_read_write_replicas_with_room_and_a_leader_make_read_write() {
    let (world, volume, partition) = one_partition();
    let seen = assessed(&world, &volume, &partition);
    assert_eq!((seen.status, seen.live, seen.unknown), (PartitionStatus::READ_WRITE, 3, 0));
    assert_eq!(seen.leader.as_deref(), Some(partition.hosts[0].as_str()));
}

#[test]
fn one_read_only_replica_makes_read_only() {
    let (mut world, volume, partition) = one_partition();
    hear(&mut world, &partition, 1, |r| r.partition_status = 1);
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_ONLY);
}

#[test]
fn without_a_leader_it_is_read_only() {
    let (mut world, volume, partition) = one_partition();
    hear(&mut world, &partition, 0, |r| r.is_leader = false);
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_ONLY);
    assert!(!lost_its_leader(&world.scene(), &world.reports, &partition));
    world.pass(11);
    assert!(lost_its_leader(&world.scene(), &world.reports, &partition));
}

#[test]
fn ten_gib_left_are_not_enough() {
    let (mut world, volume, partition) = one_partition();
    hear(&mut world, &partition, 2, |r| r.used = r.total - 10 * GIB);
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_ONLY);
    hear(&mut world, &partition, 2, |r| r.used = r.total - 10 * GIB - 1);
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_WRITE);
}

#[test]
fn a_dead_node_makes_read_only_and_its_replica_unavailable() {
    let (mut world, volume, partition) = one_partition();
    world.pass(17);
    hear(&mut world, &partition, 0, |_| ());
    hear(&mut world, &partition, 1, |_| ());
    world.pass(2);
    let seen = assessed(&world, &volume, &partition);
    assert_eq!((seen.status, seen.live), (PartitionStatus::READ_ONLY, 2));
    assert_eq!(seen.replicas[2].status, PartitionStatus::UNAVAILABLE);
    assert_eq!(seen.replicas[2].read_only_reasons, data_reason::REPLICA_MISSING);
    assert_eq!(live_hosts(&world.scene(), &world.reports, &partition), [&partition.hosts[0], &partition.hosts[1]]);
}

#[test]
fn no_live_replica_is_unavailable() {
    let (mut world, volume, partition) = one_partition();
    world.pass(19);
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::UNAVAILABLE);
}

#[test]
fn a_replica_that_its_living_node_stops_to_report_dies_after_the_time_out() {
    let (mut world, volume, partition) = one_partition();
    for _ in 0..50 {
        world.pass(6);
        hear(&mut world, &partition, 0, |_| ());
        hear(&mut world, &partition, 1, |_| ());
        world.hear_data(&partition.hosts[2], data_heartbeat(1000, 0, &[]));
    }
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_WRITE, "300 s are not more than 300 s");
    world.pass(1);
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_ONLY);
}

#[test]
fn a_read_only_node_or_partition_makes_its_replicas_read_only_with_a_reason() {
    let (mut world, volume, mut partition) = one_partition();
    let mut node: DataNode = (**world.state.data_node_by_addr(&partition.hosts[0]).unwrap()).clone();
    node.rd_only = true;
    world.put(node);
    let seen = assessed(&world, &volume, &partition);
    assert_eq!(seen.status, PartitionStatus::READ_ONLY);
    assert_eq!(seen.replicas[0].read_only_reasons, data_reason::NODE_READ_ONLY);
    partition.rd_only = true;
    let seen = assessed(&world, &volume, &partition);
    assert_eq!(seen.replicas[1].read_only_reasons, data_reason::PARTITION_READ_ONLY);
    assert_eq!(seen.replicas[0].read_only_reasons, data_reason::NODE_READ_ONLY | data_reason::PARTITION_READ_ONLY);
}

#[test]
fn a_forbidden_or_full_volume_is_read_only() {
    let (world, mut volume, partition) = one_partition();
    volume.forbidden = true;
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_ONLY);
    volume.forbidden = false;
    volume.dp_read_only_when_vol_full = true;
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_WRITE);
    volume.capacity = 1;
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_ONLY);
    volume.capacity = 100;
    volume.quota_of_class[0].quota_gb = 1;
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_ONLY);
}

#[test]
fn a_partition_of_two_replicas_under_way_is_read_only() {
    let mut world = World::one_zone(4);
    let mut volume = world.volume(1);
    volume.dp_replica_num = 2;
    let mut partition = world.data_partition(&volume, 7);
    world.hear_data_partitions(&[&partition]);
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_WRITE);
    partition.special_replica_decommission_step = 2;
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_ONLY);
}

#[test]
fn more_replicas_than_hosts_is_read_only_until_the_check_forgets_them() {
    let (mut world, volume, mut partition) = one_partition();
    let gone = partition.hosts.pop().unwrap();
    partition.replica_num = 2;
    world.put(partition.clone());
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_ONLY);
    let state = world.state.clone();
    let scene = Scene { state: &state, rules: &world.rules, now: world.now, wall_secs: WALL };
    let found = check_volume(&scene, &mut world.reports, &volume);
    assert_eq!(found.strays, [(partition.partition_id, gone)]);
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_WRITE);
}

#[test]
fn a_created_partition_is_read_write_before_anyone_reports_it() {
    let mut world = World::one_zone(3);
    let volume = world.volume(1);
    let partition = world.data_partition(&volume, 7);
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::UNAVAILABLE);
    let replicas: Vec<(&str, &str)> = partition.hosts.iter().map(|h| (h.as_str(), "/disk1")).collect();
    world.reports.assume_data_partition_created(partition.partition_id, &replicas, world.now);
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_WRITE);
    for _ in 0..3 {
        world.pass(6);
        world.hear_all();
    }
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_ONLY, "nobody leads it by now");
}

#[test]
fn a_new_leader_takes_the_record_at_its_word_for_what_it_has_not_heard() {
    let (mut world, volume, mut partition) = one_partition();
    world.new_leader();
    let seen = assessed(&world, &volume, &partition);
    assert_eq!((seen.status, seen.live, seen.unknown), (PartitionStatus::READ_WRITE, 0, 3));
    hear(&mut world, &partition, 1, |_| ());
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_WRITE);
    hear(&mut world, &partition, 1, |r| r.partition_status = 1);
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_ONLY);
    hear(&mut world, &partition, 1, |_| ());
    partition.status = PartitionStatus::READ_ONLY;
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_ONLY);
    hear(&mut world, &partition, 0, |_| ());
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_ONLY, "a leader alone is not all replicas");
    world.pass(18);
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_ONLY);
    world.pass(1);
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::UNAVAILABLE);
}

#[test]
fn a_replica_that_a_heard_node_does_not_report_is_dead_even_for_a_new_leader() {
    let (mut world, volume, partition) = one_partition();
    world.new_leader();
    world.hear_data(&partition.hosts[0], data_heartbeat(1000, 0, &[]));
    assert_eq!(life(&world.scene(), &world.reports, &partition, &partition.hosts[0]), Life::Dead);
    assert_eq!(life(&world.scene(), &world.reports, &partition, &partition.hosts[1]), Life::Unknown);
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_ONLY);
}

#[test]
fn in_a_volume_of_a_few_seconds_every_heard_partition_is_read_write() {
    let (mut world, mut volume, partition) = one_partition();
    hear(&mut world, &partition, 0, |r| r.partition_status = 0);
    volume.create_time = world.wall() - 17;
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_WRITE);
    volume.create_time = world.wall() - 18;
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_ONLY);
}

#[test]
fn the_check_reports_a_change_once_and_missing_replicas_as_long_as_they_are() {
    let (mut world, volume, partition) = one_partition();
    let check = |world: &mut World| {
        let state = world.state.clone();
        let rules = world.rules.clone();
        let scene = Scene { state: &state, rules: &rules, now: world.now, wall_secs: world.wall() };
        check_volume(&scene, &mut world.reports, &volume)
    };
    assert_eq!(check(&mut world).changed, [partition.partition_id]);
    assert_eq!(check(&mut world), Findings::default());
    world.rules.missing_data_replica_after = std::time::Duration::from_secs(100);
    world.pass(101);
    hear(&mut world, &partition, 0, |_| ());
    hear(&mut world, &partition, 1, |_| ());
    for _ in 0..2 {
        let found = check(&mut world);
        assert_eq!(found.missing, [(partition.partition_id, partition.hosts[2].clone())]);
        assert_eq!(found.wrong_live_number, [partition.partition_id]);
        assert_eq!(world.reports.data_partition(partition.partition_id).unwrap().missing.len(), 1);
    }
    hear(&mut world, &partition, 2, |_| ());
    assert!(world.reports.data_partition(partition.partition_id).unwrap().missing.is_empty());
    assert!(check(&mut world).missing.is_empty());
}

/// What happens to the one partition: (node, status, leader, used in sixteenths of 2^64, seconds that pass first). Node 4 is no host.
fn happenings() -> impl Strategy<Value = Vec<(u64, i64, bool, u64, u64)>> {
    proptest::collection::vec((1..5u64, -3..4i64, any::<bool>(), 0..17u64, 0..30u64), 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_nodes_report_the_status_follows_the_rules(happenings in happenings(), young: bool) {
        let (mut world, volume, partition) = one_partition();
        if young {
            world.new_leader();
        }
        for (node, status, is_leader, used, secs) in happenings {
            world.pass(secs);
            let mut report = data_report(&partition, is_leader);
            (report.partition_status, report.used) = (status, used.saturating_mul(1 << 60));
            world.hear_data(&data_addr(1, node), data_heartbeat(1000, 0, &[report]));
            let seen = assessed(&world, &volume, &partition);
            let reported = world.reports.data_partition(partition.partition_id);
            let replicas = reported.map_or(&[][..], |p| &p.replicas);
            prop_assert!(replicas.iter().all(|r| partition.has_host(&r.addr) && r.heard_at <= world.now));
            let hosts: std::collections::BTreeSet<&str> = replicas.iter().map(|r| &*r.addr).collect();
            prop_assert_eq!(hosts.len(), replicas.len());
            prop_assert!(seen.live + seen.unknown <= 3);
            match seen.status {
                PartitionStatus::READ_WRITE => prop_assert!(seen.live + seen.unknown == 3 && (seen.leader.is_some() || seen.unknown > 0)),
                PartitionStatus::UNAVAILABLE => prop_assert_eq!(seen.live + seen.unknown, 0),
                status => prop_assert_eq!(status, PartitionStatus::READ_ONLY),
            }
            if let Some(leader) = &seen.leader {
                prop_assert_eq!(life(&world.scene(), &world.reports, &partition, leader), Life::Live);
            }
        }
    }
}
