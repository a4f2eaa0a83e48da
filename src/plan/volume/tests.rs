//! Goal: fullness, automatic creation and deletion of v3.5.3 background-tasks.md §5 and §8. Method: tables over one volume.

use super::*;
use crate::model::{DataPartition, VolumeStatus};
use crate::plan::world::*;
use crate::wire::gojson::Time;

const SSD: MediaType = MediaType::SSD;
const HDD: MediaType = MediaType::HDD;

/// A volume with `count` reported data partitions of one GiB each.
fn with_partitions(count: u64) -> (World, Volume, Vec<DataPartition>) {
    let mut world = World::one_zone(3);
    let volume = world.volume(1);
    let partitions: Vec<DataPartition> = (1..=count).map(|id| world.data_partition(&volume, id)).collect();
    world.hear_data_partitions(&partitions.iter().collect::<Vec<_>>());
    (world, volume, partitions)
}

fn wanted(world: &World, volume: &Volume) -> Vec<(MediaType, usize)> {
    wanted_data_partitions(&world.scene(), &world.reports, volume, None)
}

#[test]
fn used_space_counts_the_fullest_replica_of_each_partition() {
    let (world, volume, _) = with_partitions(4);
    assert_eq!(used_bytes(&world.scene(), &world.reports, &volume), 4 * GIB);
    assert_eq!(writable_by_media(&world.scene(), &world.reports, &volume).get(&SSD), Some(&4));
    assert_eq!(used_by_media(&world.scene(), &world.reports, &volume).get(&HDD), None);
}

#[test]
fn a_volume_is_full_only_where_full_means_read_only() {
    let (world, mut volume, _) = with_partitions(4);
    let full = |volume: &Volume| Facts::of(&world.scene(), &world.reports, volume).full;
    volume.capacity = 4;
    assert!(!full(&volume));
    volume.dp_read_only_when_vol_full = true;
    assert!(full(&volume));
    volume.capacity = 5;
    assert!(!full(&volume));
    volume.capacity = 0;
    assert!(!full(&volume));
}

#[test]
fn a_volume_is_kept_at_ten_read_write_partitions() {
    for (there, more) in [(1, 9), (9, 1)] {
        let (world, volume, _) = with_partitions(there);
        assert_eq!(wanted(&world, &volume), [(SSD, more)]);
    }
    let (world, volume, _) = with_partitions(10);
    assert_eq!(wanted(&world, &volume), []);
}

#[test]
fn nothing_is_created_in_a_frozen_cluster_or_for_a_forbidden_full_deleted_or_cold_volume() {
    let (mut world, volume, _) = with_partitions(4);
    let no = |world: &World, change: &dyn Fn(&mut Volume)| {
        let mut volume = volume.clone();
        change(&mut volume);
        wanted(world, &volume).is_empty()
    };
    assert!(!no(&world, &|_| ()));
    assert!(no(&world, &|v| v.forbidden = true));
    assert!(no(&world, &|v| v.status = VolumeStatus::MARK_DELETE));
    assert!(no(&world, &|v| v.vol_type = VolumeType::COLD));
    assert!(no(&world, &|v| v.capacity = 0));
    assert!(no(&world, &|v| (v.dp_read_only_when_vol_full, v.capacity) = (true, 4)));
    let quota_used_up = |v: &mut Volume| {
        v.dp_read_only_when_vol_full = true;
        v.quota_of_class[0].quota_gb = 4;
    };
    assert!(no(&world, &quota_used_up));
    world.rules.frozen = true;
    assert!(no(&world, &|_| ()));
}

#[test]
fn a_minute_lies_between_two_automatic_creations_and_two_before_the_first_of_a_leadership() {
    let (mut world, volume, partitions) = with_partitions(4);
    let since = |world: &World, secs: u64| {
        let last = world.now - Duration::from_secs(secs);
        wanted_data_partitions(&world.scene(), &world.reports, &volume, Some(last)).is_empty()
    };
    assert!(since(&world, 59));
    assert!(!since(&world, 60));
    world.new_leader();
    world.pass(119);
    world.hear_data_partitions(&partitions.iter().collect::<Vec<_>>());
    assert_eq!(wanted(&world, &volume), []);
    world.pass(1);
    assert_eq!(wanted(&world, &volume), [(SSD, 6)]);
}

#[test]
fn a_new_leader_does_not_create_what_it_has_only_not_heard_of() {
    let (mut world, volume, _) = with_partitions(10);
    world.new_leader();
    assert_eq!(writable_by_media(&world.scene(), &world.reports, &volume).get(&SSD), Some(&10));
}

#[test]
fn a_class_without_any_partition_gets_one_at_once() {
    let (mut world, mut volume, _) = with_partitions(10);
    volume.allowed_storage_class = vec![StorageClass::REPLICA_SSD, StorageClass::REPLICA_HDD];
    world.rules.frozen = true;
    assert_eq!(wanted(&world, &volume), [(HDD, 1)]);
    volume.create_time = world.wall() - 4;
    assert_eq!(wanted(&world, &volume), []);
    volume.create_time = world.wall() - 5;
    world.rules.frozen = false;
    assert_eq!(wanted(&world, &volume), [(HDD, 10)]);
}

#[test]
fn a_large_volume_grows_by_a_tenth_of_its_capacity() {
    let (world, mut volume, _) = with_partitions(10);
    for (capacity, more) in [(200_000, 0), (200_001, 100), (1_000_000, 100)] {
        volume.capacity = capacity;
        let found = wanted(&world, &volume);
        assert_eq!(found.first().map_or(0, |(_, n)| *n), more, "{capacity}");
    }
}

#[test]
fn without_automatic_creation_a_volume_gets_ten_partitions_until_they_exceed_its_capacity() {
    let (mut world, mut volume, _) = with_partitions(4);
    world.rules.auto_create = false;
    volume.capacity = 480;
    assert_eq!(wanted(&world, &volume), [(SSD, 6)]);
    volume.capacity = 479;
    assert_eq!(wanted(&world, &volume), []);
}

#[test]
fn a_delayed_deletion_comes_due_at_its_time() {
    let (mut world, mut volume, _) = with_partitions(0);
    assert!(!counts_as_deleted(&volume, world.wall()));
    volume.status = VolumeStatus::MARK_DELETE;
    assert!(counts_as_deleted(&volume, world.wall()));
    volume.forbidden = true;
    volume.delete_exec_time = Time::from_unix_nanos((world.wall() + 1) * 1_000_000_000);
    world.put(volume.clone());
    assert!(!counts_as_deleted(&volume, world.wall()));
    assert_eq!(deletions_due(&world.scene()), []);
    world.pass(1);
    assert!(counts_as_deleted(&volume, world.wall()));
    assert_eq!(deletions_due(&world.scene()), [volume.id]);
    assert!(!may_be_removed(&volume), "due, but its users have it and another clock may think otherwise");
    volume.forbidden = false;
    assert!(may_be_removed(&volume));
}

#[test]
fn sums_over_meta_partitions_add_classes_up() {
    let mut world = World::one_zone(3);
    let volume = world.volume(1);
    let partitions = [world.meta_partition(&volume, 1, 0, 9), world.meta_partition(&volume, 2, 10, 99)];
    let stat = |bytes| vec![StatOfStorageClass { storage_class: 1, inode_count: 2, used_size_bytes: bytes, quota_gb: 0 }];
    let reports: Vec<_> = partitions
        .iter()
        .map(|p| {
            let mut report = meta_report(p, true, 5);
            (report.inode_cnt, report.dentry_cnt, report.size) = (7, 3, 50);
            report.stat_by_storage_class = stat(100).into();
            report
        })
        .collect();
    world.hear_meta(&meta_addr(1, 1), meta_heartbeat(64, 1, &reports));
    let scene = world.scene();
    assert_eq!(inode_count(&scene, &world.reports, &volume), 14);
    assert_eq!(dentry_count(&scene, &world.reports, &volume), 6);
    let sums = class_stats(&scene, &world.reports, &volume);
    assert_eq!((sums.len(), sums[0].inode_count, sums[0].used_size_bytes), (1, 4, 200));
    assert_eq!(migrate_stats(&scene, &world.reports, &volume), []);
    let cold = Volume { vol_type: VolumeType::COLD, ..volume.clone() };
    assert_eq!(used_bytes(&scene, &world.reports, &cold), 100);
}
