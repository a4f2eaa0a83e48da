//! Goal: status, ranges and splits of v3.5.3 background-tasks.md §7. Method: one volume, heartbeats, time; random numbers for ranges.

use super::*;
use crate::limits::GIB;
use crate::model::MetaNode;
use crate::plan::world::*;
use crate::wire::report::MetaPartitionReport;
use proptest::prelude::*;

const STEP: u64 = 1 << 22;

/// A volume of three meta partitions, all reported by all hosts.
fn volume_of_three() -> (World, Volume, Vec<MetaPartition>) {
    let mut world = World::one_zone(4);
    let volume = world.volume(1);
    let ranges = initial_ranges(3, STEP);
    let partitions: Vec<MetaPartition> =
        ranges.iter().enumerate().map(|(i, range)| world.meta_partition(&volume, i as u64 + 1, range.start, range.end)).collect();
    hear_each(&mut world, &partitions, |_, _| ());
    (world, volume, partitions)
}

/// Every host reports every partition, with the cursor at its start and `change`.
fn hear_each(world: &mut World, partitions: &[MetaPartition], change: impl Fn(&mut MetaPartitionReport, u64)) {
    for i in 1..=3 {
        let addr = meta_addr(1, i);
        let report = |p: &MetaPartition| {
            let mut report = meta_report(p, i == 1, p.start.max(1));
            change(&mut report, i);
            report
        };
        let reports: Vec<_> = partitions.iter().filter(|p| p.has_host(&addr)).map(report).collect();
        world.hear_meta(&addr, meta_heartbeat(64, 1, &reports));
    }
}

fn status(world: &World, volume: &Volume, partition: &MetaPartition) -> PartitionStatus {
    let last = last_of_volume(&world.state, volume.id).unwrap().partition_id;
    assess(&world.scene(), &world.reports, partition, volume.forbidden, partition.partition_id == last).status
}

#[test]
fn healthy_partitions_are_read_write() {
    let (world, volume, partitions) = volume_of_three();
    for partition in &partitions {
        assert_eq!(status(&world, &volume, partition), PartitionStatus::READ_WRITE);
    }
    assert_eq!(last_of_volume(&world.state, volume.id).unwrap().partition_id, PartitionId(3));
    assert_eq!(leader(&world.scene(), &world.reports, &partitions[0]).as_deref(), Some(meta_addr(1, 1).as_str()));
}

#[test]
fn a_read_only_replica_makes_a_partition_read_only_but_not_the_last() {
    let (mut world, mut volume, partitions) = volume_of_three();
    hear_each(&mut world, &partitions, |report, host| report.status = if host == 2 { 1 } else { 2 });
    assert_eq!(status(&world, &volume, &partitions[0]), PartitionStatus::READ_ONLY);
    assert_eq!(status(&world, &volume, &partitions[2]), PartitionStatus::READ_WRITE);
    volume.forbidden = true;
    assert_eq!(status(&world, &volume, &partitions[2]), PartitionStatus::READ_ONLY);
}

#[test]
fn half_of_the_replicas_are_not_enough() {
    let (mut world, volume, partitions) = volume_of_three();
    hear_each(&mut world, &partitions, |report, host| report.status = if host == 2 { -1 } else { 2 });
    assert_eq!(status(&world, &volume, &partitions[0]), PartitionStatus::READ_WRITE);
    hear_each(&mut world, &partitions, |report, host| report.status = if host >= 2 { -1 } else { 2 });
    assert_eq!(status(&world, &volume, &partitions[0]), PartitionStatus::UNAVAILABLE);
}

#[test]
fn a_silent_replica_is_not_active_after_its_node_or_itself_timed_out() {
    let (mut world, _, partitions) = volume_of_three();
    world.pass(19);
    assert_eq!(life(&world.scene(), &world.reports, &partitions[0], &meta_addr(1, 1)), Life::Dead);
    let (mut world, volume, partitions) = volume_of_three();
    for _ in 0..11 {
        world.pass(6);
        world.hear_all();
    }
    assert_eq!(status(&world, &volume, &partitions[0]), PartitionStatus::UNAVAILABLE);
    assert_eq!(missing_hosts(&world.scene(), &world.reports, &partitions[0]).len(), 3);
}

#[test]
fn the_leader_speaks_for_the_partition() {
    let (mut world, volume, partitions) = volume_of_three();
    hear_each(&mut world, &partitions, |report, host| {
        report.is_leader = host == 2;
        report.status = if host == 2 { 0 } else { 2 };
    });
    assert_eq!(status(&world, &volume, &partitions[0]), PartitionStatus::RECOVERING);
    hear_each(&mut world, &partitions, |report, _| report.is_leader = false);
    assert_eq!(status(&world, &volume, &partitions[0]), PartitionStatus::READ_WRITE, "without a leader the last replica speaks");
    world.pass(6);
    assert!(lost_its_leader(&world.scene(), &world.reports, &partitions[0]));
}

#[test]
fn a_frozen_partition_is_what_its_record_says() {
    let (world, volume, mut partitions) = volume_of_three();
    partitions[0].freeze = Freeze::FROZEN;
    partitions[0].status = PartitionStatus::READ_ONLY;
    assert_eq!(status(&world, &volume, &partitions[0]), PartitionStatus::READ_ONLY);
}

#[test]
fn a_read_only_node_makes_its_replicas_read_only_with_a_reason() {
    let (mut world, volume, partitions) = volume_of_three();
    let mut node: MetaNode = (**world.state.meta_node_by_addr(&meta_addr(1, 2)).unwrap()).clone();
    node.rd_only = true;
    world.put(node);
    assert_eq!(status(&world, &volume, &partitions[0]), PartitionStatus::READ_ONLY);
    let seen = assess(&world.scene(), &world.reports, &partitions[0], false, false);
    assert_eq!(seen.replicas[1].read_only_reasons, meta_reason::NODE_READ_ONLY);
    assert_eq!(seen.replicas[1].status, PartitionStatus::READ_ONLY);
}

#[test]
fn a_full_node_closes_all_partitions_but_the_last_which_wants_a_split() {
    let (mut world, volume, partitions) = volume_of_three();
    let reports: Vec<_> = partitions.iter().map(|p| meta_report(p, true, p.start.max(1))).collect();
    world.hear_meta(&meta_addr(1, 1), meta_heartbeat(64, 60, &reports));
    assert_eq!(status(&world, &volume, &partitions[0]), PartitionStatus::READ_ONLY);
    assert_eq!(status(&world, &volume, &partitions[2]), PartitionStatus::READ_WRITE);
    assert!(assess(&world.scene(), &world.reports, &partitions[2], false, true).wants_split);
    let split = split_due(&world.scene(), &world.reports, &volume).unwrap();
    assert_eq!(split, Split { partition: PartitionId(3), end: partitions[2].start + STEP, needs_leader: true });
    assert_eq!(split_allowed(&world.scene(), &world.reports, &volume, split), Ok(()));
}

#[test]
fn a_healthy_volume_is_not_split() {
    let (world, volume, _) = volume_of_three();
    assert_eq!(split_due(&world.scene(), &world.reports, &volume), None);
}

#[test]
fn three_quarters_of_the_inodes_split_the_last_partition() {
    let (mut world, volume, partitions) = volume_of_three();
    let start = partitions[2].start;
    let at = |world: &mut World, cursor: u64| {
        hear_each(world, &partitions, |report, _| {
            if report.partition_id == PartitionId(3) {
                report.max_inode_id = cursor;
            }
        });
        split_due(&world.scene(), &world.reports, &volume)
    };
    assert_eq!(at(&mut world, start + STEP / 4 * 3), None);
    let cursor = start + STEP / 4 * 3 + 1;
    assert_eq!(at(&mut world, cursor), Some(Split { partition: PartitionId(3), end: cursor + STEP / 4, needs_leader: false }));
}

#[test]
fn fewer_than_three_read_write_partitions_split_the_last_one() {
    let (mut world, mut volume, partitions) = volume_of_three();
    hear_each(&mut world, &partitions, |report, _| {
        if report.partition_id == PartitionId(1) {
            report.status = 1;
        }
    });
    let due = split_due(&world.scene(), &world.reports, &volume);
    assert_eq!(due, Some(Split { partition: PartitionId(3), end: partitions[2].start + STEP, needs_leader: false }));
    volume.create_time = world.wall() - 60;
    assert_eq!(split_due(&world.scene(), &world.reports, &volume), None, "too young");
}

#[test]
fn a_volume_is_not_split_by_counts_before_every_replica_was_heard() {
    let (mut world, volume, partitions) = volume_of_three();
    world.new_leader();
    world.pass(30);
    world.hear_all();
    assert_eq!(split_due(&world.scene(), &world.reports, &volume), None);
    let one: Vec<_> = partitions.iter().map(|p| meta_report(p, true, 5)).collect();
    world.hear_meta(&meta_addr(1, 1), meta_heartbeat(64, 1, &one));
    assert_eq!(split_due(&world.scene(), &world.reports, &volume), None);
}

#[test]
fn splits_are_refused_where_v3_5_3_refuses_them() {
    let (mut world, mut volume, partitions) = volume_of_three();
    let start = partitions[2].start;
    let refused = |world: &World, volume: &Volume, partition: u64, end: u64| {
        let split = Split { partition: PartitionId(partition), end, needs_leader: true };
        split_allowed(&world.scene(), &world.reports, volume, split).unwrap_err()
    };
    assert_eq!(&*refused(&world, &volume, 3, start - 1).msg, format!("end[{}] less than mp.start[{start}]", start - 1));
    assert_eq!(&*refused(&world, &volume, 3, start).msg, format!("next meta partition start must be larger than {start}"));
    let far = INODE_MAX - STEP + 1;
    assert_eq!(
        &*refused(&world, &volume, 3, far).msg,
        format!("action[updateInodeIDRange] vol[vol1] partitionID[3] nextStart[{far}] to prevent overflow ,not update end")
    );
    assert!(refused(&world, &volume, 1, 100).msg.contains("not the last"));
    world.rules.frozen = true;
    assert!(refused(&world, &volume, 3, start + 1).msg.contains("frozen"));
    world.rules.frozen = false;
    volume.forbidden = true;
    assert_eq!(&*refused(&world, &volume, 3, start + 1).msg, "volume is forbidden");
    volume.forbidden = false;
    hear_each(&mut world, &partitions, |report, _| report.is_leader = false);
    assert_eq!(refused(&world, &volume, 3, start + 1), fault::NO_LEADER);
    let tolerant = Split { partition: PartitionId(3), end: start + 1, needs_leader: false };
    assert_eq!(split_allowed(&world.scene(), &world.reports, &volume, tolerant), Ok(()));
}

#[test]
fn a_last_partition_that_is_closed_is_opened() {
    let (mut world, volume, mut partitions) = volume_of_three();
    assert_eq!(last_to_open(&world.scene(), &world.reports, volume.id), None);
    partitions[2].end = 100 * STEP;
    world.put(partitions[2].clone());
    assert_eq!(last_to_open(&world.scene(), &world.reports, volume.id), Some(PartitionId(3)));
}

#[test]
fn a_created_partition_is_read_write_before_anyone_reports_it() {
    let mut world = World::one_zone(3);
    let volume = world.volume(1);
    let partition = world.meta_partition(&volume, 1, 0, INODE_MAX);
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::UNAVAILABLE);
    let hosts: Vec<&str> = partition.hosts.iter().map(String::as_str).collect();
    world.reports.assume_meta_partition_created(partition.partition_id, &hosts, 0, INODE_MAX, world.now);
    assert_eq!(status(&world, &volume, &partition), PartitionStatus::READ_WRITE);
}

#[test]
fn a_new_leader_takes_the_record_at_its_word_for_what_it_has_not_heard() {
    let (mut world, volume, mut partitions) = volume_of_three();
    world.new_leader();
    assert_eq!(status(&world, &volume, &partitions[0]), PartitionStatus::READ_WRITE);
    partitions[0].status = PartitionStatus::READ_ONLY;
    assert_eq!(status(&world, &volume, &partitions[0]), PartitionStatus::READ_ONLY);
    world.pass(18);
    assert_eq!(status(&world, &volume, &partitions[0]), PartitionStatus::UNAVAILABLE);
}

#[test]
fn the_check_names_a_change_once() {
    let (mut world, volume, partitions) = volume_of_three();
    let check = |world: &mut World| {
        let (state, rules) = (world.state.clone(), world.rules.clone());
        let scene = Scene { state: &state, rules: &rules, now: world.now, wall_secs: world.wall() };
        check_volume(&scene, &mut world.reports, &volume)
    };
    assert_eq!(check(&mut world).changed.len(), 3);
    assert_eq!(check(&mut world), Findings::default());
    hear_each(&mut world, &partitions[..1], |report, host| report.status = if host == 3 { -1 } else { 2 });
    let found = check(&mut world);
    assert_eq!(found.wrong_active_number, [PartitionId(1)]);
    assert_eq!(found.missing, [(PartitionId(1), meta_addr(1, 3))]);
    assert_eq!(found.changed, []);
}

#[test]
fn a_node_over_its_memory_but_above_the_reserve_counts_by_its_share() {
    let (mut world, _, _) = volume_of_three();
    world.rules.meta_threshold = 0.5;
    let report = super::super::reports::MetaNodeReport { total: 64 * GIB, used: 33 * GIB, ..Default::default() };
    assert!(meta_node_over_threshold(&report, &world.rules));
}

#[test]
fn initial_ranges_are_those_of_v3_5_3() {
    let ranges: Vec<(u64, u64)> = initial_ranges(3, STEP).iter().map(|r| (r.start, r.end)).collect();
    assert_eq!(ranges, [(0, 4_194_304), (4_194_305, 8_388_608), (8_388_609, INODE_MAX)]);
    assert_eq!(initial_ranges(0, STEP).len(), 3);
    assert_eq!(initial_ranges(1000, STEP).len(), 100);
}

#[test]
fn further_ranges_follow_the_given_end() {
    let ranges: Vec<(u64, u64)> = ranges_after(100, 3, 10).iter().map(|r| (r.start, r.end)).collect();
    assert_eq!(ranges, [(101, 111), (112, 122), (123, INODE_MAX)]);
    assert_eq!(ranges_after(100, 0, 10), []);
}

proptest! {
    #[test]
    fn initial_ranges_tile_all_inodes(count in 0..200u64, step in prop_oneof![0..10u64, Just(STEP), Just(u64::MAX), any::<u64>()]) {
        let ranges = initial_ranges(count, step);
        prop_assert_eq!(ranges[0].start, 0);
        prop_assert_eq!(ranges.last().unwrap().end, INODE_MAX);
        for pair in ranges.windows(2) {
            prop_assert!(pair[0].start <= pair[0].end);
            prop_assert_eq!(pair[0].end + 1, pair[1].start);
        }
    }

    #[test]
    fn further_ranges_tile_what_is_above(end in 0..INODE_MAX, count in 1..11u64, step in prop_oneof![Just(STEP), any::<u64>()]) {
        let ranges = ranges_after(end, count, step);
        prop_assert_eq!(ranges[0].start, end + 1);
        prop_assert_eq!(ranges.last().unwrap().end, INODE_MAX);
        for pair in ranges.windows(2) {
            prop_assert_eq!(pair[0].end + 1, pair[1].start);
        }
    }
}
