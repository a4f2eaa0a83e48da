//! Goal: a heartbeat changes exactly what it says, and names what is to be committed or sent. Method: heartbeats into a small world.

use super::*;
use crate::ids::{NodeId, PartitionId};
use crate::limits::GIB;
use crate::model::{DataNode, DecommissionDisk, DecommissionStatus, MediaType, PartitionStatus, ReplicaDisk, Zone};
use crate::plan::world::*;
use crate::wire::gojson::List;
use crate::wire::report::{QuotaReportInfo, StatOfStorageClass, UidReportSpaceInfo};

fn list(items: &[&str]) -> List<String> {
    items.iter().map(|i| (*i).to_owned()).collect::<Vec<_>>().into()
}

/// A partition whose record already knows the disks that its hosts report.
fn settled(world: &mut World) -> crate::model::DataPartition {
    let volume = world.volume(1);
    let mut partition = world.data_partition(&volume, 7);
    partition.replicas = partition.hosts.iter().map(|h| ReplicaDisk::new(h.as_str(), "/disk1")).collect();
    world.put(partition.clone());
    partition
}

#[test]
fn a_failed_heartbeat_and_an_unknown_node_change_nothing() {
    let mut world = World::new();
    world.zone("default", MediaType::SSD, 1, 1, 1);
    let mut failed = data_heartbeat(1000, 0, &[]);
    failed.status = 2;
    assert_eq!(world.hear_data(&data_addr(1, 1), failed), []);
    assert!(world.reports.data_node(&data_addr(1, 1)).is_none());
    assert_eq!(world.hear_data("1.2.3.4:5", data_heartbeat(1000, 0, &[])), []);
    assert!(world.reports.data_node("1.2.3.4:5").is_none());
    let mut failed = meta_heartbeat(64, 1, &[]);
    failed.status = 2;
    world.hear_meta(&meta_addr(1, 1), failed);
    assert!(world.reports.meta_node(&meta_addr(1, 1)).is_none());
}

#[test]
fn a_meta_node_that_could_not_read_its_memory_is_alive() {
    let mut world = World::new();
    world.zone("default", MediaType::SSD, 1, 1, 1);
    let mut odd = meta_heartbeat(64, 1, &[]);
    odd.status = 0;
    world.hear_meta(&meta_addr(1, 1), odd);
    assert!(world.reports.meta_liveness(&meta_addr(1, 1), world.now).is_active());
}

#[test]
fn a_reservation_outlives_heartbeats_for_eighteen_seconds() {
    let mut world = World::one_zone(1);
    let addr = data_addr(1, 1);
    let available = |world: &World| world.reports.data_node(&addr).unwrap().available / GIB;
    assert_eq!(available(&world), 1000);
    world.reports.reserve(&addr, 400 * GIB, world.now);
    world.pass(6);
    world.hear_data(&addr, data_heartbeat(1000, 0, &[]));
    assert_eq!(available(&world), 600);
    world.hear_data(&addr, data_heartbeat(1000, 500, &[]));
    assert_eq!(available(&world), 500, "a smaller value is believed at once");
    world.pass(19);
    world.hear_data(&addr, data_heartbeat(1000, 0, &[]));
    assert_eq!(available(&world), 1000);
    world.reports.reserve(&addr, 2000 * GIB, world.now);
    assert_eq!(available(&world), 0);
    world.reports.release(&addr, 5 * GIB);
    assert_eq!(available(&world), 5);
}

#[test]
fn an_equal_report_causes_nothing() {
    let mut world = World::one_zone(3);
    let partition = settled(&mut world);
    let addr = partition.hosts[0].clone();
    let first = world.hear_data(&addr, data_heartbeat(1000, 0, &[data_report(&partition, true)]));
    assert_eq!(first, [Change::DataPartition(PartitionId(7))]);
    world.pass(6);
    assert_eq!(world.hear_data(&addr, data_heartbeat(1000, 0, &[data_report(&partition, true)])), []);
    let reported = world.reports.data_partition(PartitionId(7)).unwrap();
    assert_eq!(reported.leader_at, Some(world.now));
    assert_eq!(reported.replicas[0].heard_at, world.now);
}

#[test]
fn a_replica_on_another_disk_is_to_be_committed_until_the_record_says_so() {
    let mut world = World::one_zone(3);
    let partition = settled(&mut world);
    let addr = partition.hosts[0].clone();
    let mut report = data_report(&partition, false);
    report.disk_path = "/disk2".into();
    let moved = Change::ReplicaDisk { partition: PartitionId(7), addr: addr.clone(), disk: "/disk2".into() };
    for _ in 0..2 {
        assert!(world.hear_data(&addr, data_heartbeat(1000, 0, &[report.clone()])).contains(&moved));
    }
    report.disk_path.clear();
    assert_eq!(world.hear_data(&addr, data_heartbeat(1000, 0, &[report])), []);
    assert_eq!(&*world.reports.data_partition(PartitionId(7)).unwrap().replicas[0].disk, "/disk2");
}

#[test]
fn a_report_of_a_node_that_is_no_host_is_kept_for_display_only() {
    let mut world = World::one_zone(4);
    let partition = settled(&mut world);
    let stranger = data_addr(1, 4);
    let mut foreign = data_report(&partition, true);
    foreign.vol_name = "other".into();
    foreign.partition_id = PartitionId(8);
    world.hear_data(&stranger, data_heartbeat(1000, 0, &[data_report(&partition, true), foreign]));
    assert!(world.reports.data_partition(PartitionId(7)).is_none());
    let node = world.reports.data_node(&stranger).unwrap();
    assert_eq!((node.partitions.len(), node.strays.len(), node.partition_count), (0, 2, 2));
}

#[test]
fn disks_are_committed_sorted_and_only_when_they_differ() {
    let mut world = World::one_zone(1);
    let addr = data_addr(1, 1);
    let with = |all: &[&str], bad: &[&str]| {
        let mut heartbeat = data_heartbeat(1000, 0, &[]);
        heartbeat.all_disks = list(all);
        heartbeat.bad_disks = list(bad);
        heartbeat
    };
    let changes = world.hear_data(&addr, with(&["/b", "/a"], &["/b"]));
    assert_eq!(changes, [Change::Disks { addr: addr.clone(), all: vec!["/a".into(), "/b".into()], bad: vec!["/b".into()] }]);
    let mut node: DataNode = (**world.state.data_node_by_addr(&addr).unwrap()).clone();
    node.all_disks = list(&["/a", "/b"]);
    node.bad_disks = list(&["/b"]);
    world.put(node);
    assert_eq!(world.hear_data(&addr, with(&["/b", "/a"], &["/b"])), []);
}

#[test]
fn a_disk_that_recovers_ends_its_cancelled_decommission() {
    let mut world = World::one_zone(1);
    let addr = data_addr(1, 1);
    let mut node: DataNode = (**world.state.data_node_by_addr(&addr).unwrap()).clone();
    node.all_disks = list(&["/a", "/b", "/c"]);
    node.bad_disks = list(&["/b", "/c"]);
    world.put(node);
    world.put(DecommissionDisk { decommission_status: DecommissionStatus::CANCEL, ..DecommissionDisk::new(addr.as_str(), "/b") });
    world.put(DecommissionDisk { decommission_status: DecommissionStatus::RUNNING, ..DecommissionDisk::new(addr.as_str(), "/c") });
    let mut heartbeat = data_heartbeat(1000, 0, &[]);
    heartbeat.all_disks = list(&["/a", "/b", "/c"]);
    let changes = world.hear_data(&addr, heartbeat);
    let recovered: Vec<_> = changes.iter().filter(|c| matches!(c, Change::DiskRecovered { .. })).collect();
    assert_eq!(recovered, [&Change::DiskRecovered { addr, disk: "/b".into() }]);
}

#[test]
fn a_node_in_another_zone_moves_unless_its_disks_do_not_fit() {
    let mut world = World::one_zone(1);
    world.put(Zone::new("hdd", MediaType::HDD));
    let addr = data_addr(1, 1);
    let from = |zone: &str| {
        let mut heartbeat = data_heartbeat(500, 0, &[]);
        heartbeat.zone_name = zone.into();
        heartbeat
    };
    let changes = world.hear_data(&addr, from("other"));
    assert_eq!(changes, [Change::DataNodeZone { addr: addr.clone(), zone: "other".into() }]);
    let before = world.reports.data_node(&addr).unwrap().heard_at;
    world.pass(1);
    assert_eq!(world.hear_data(&addr, from("hdd")), [Change::ZoneRefused { addr: addr.clone(), zone: "hdd".into() }]);
    assert_eq!(world.reports.data_node(&addr).unwrap().heard_at, before);
    let mut moved = meta_heartbeat(64, 1, &[]);
    moved.zone_name = "other".into();
    let changes = world.hear_meta(&meta_addr(1, 1), moved);
    assert_eq!(changes, [Change::MetaNodeZone { addr: meta_addr(1, 1), zone: "other".into() }]);
}

#[test]
fn missing_raft_ports_are_filled_from_the_report_or_from_the_node() {
    let mut world = World::one_zone(3);
    world.rules.different_ports = true;
    let mut node: DataNode = (**world.state.data_node_by_addr(&data_addr(1, 2)).unwrap()).clone();
    (node.heartbeat_port, node.replica_port) = ("1".into(), "2".into());
    world.put(node);
    let partition = settled(&mut world);
    let mut partition = partition;
    for peer in &mut partition.peers {
        (peer.raft_heartbeat, peer.raft_replica) = Default::default();
    }
    world.put(partition.clone());
    let mut report = data_report(&partition, false);
    let mut local = partition.peers.clone();
    (local[0].raft_heartbeat, local[0].raft_replica) = ("17330".into(), "17340".into());
    report.local_peers = local.into();
    let changes = world.hear_data(&partition.hosts[0], data_heartbeat(1000, 0, &[report]));
    let Some(Change::DataPeers { peers, .. }) = changes.iter().find(|c| matches!(c, Change::DataPeers { .. })) else {
        panic!("{changes:?}")
    };
    assert_eq!((peers[0].raft_heartbeat.as_str(), peers[0].raft_replica.as_str()), ("17330", "17340"));
    assert_eq!((peers[1].raft_heartbeat.as_str(), peers[1].raft_replica.as_str()), ("1", "2"));
    assert_eq!(peers[2].raft_heartbeat, "");
    assert_eq!(peers[1].id, NodeId(1002));
}

#[test]
fn a_wrong_end_is_told_to_the_leader() {
    let mut world = World::one_zone(3);
    let volume = world.volume(1);
    let partition = world.meta_partition(&volume, 3, 0, 100);
    world.hear_meta_partitions(&[&partition], 5);
    let mut report = meta_report(&partition, false, 5);
    report.end = u64::MAX;
    let changes = world.hear_meta(&meta_addr(1, 2), meta_heartbeat(64, 1, &[report]));
    let leader = Some(meta_addr(1, 1).as_str().into());
    assert_eq!(changes, [Change::MetaEnd { volume: volume.id, partition: PartitionId(3), end: 100, leader }]);
}

#[test]
fn a_full_node_splits_the_last_partitions_that_lie_on_it() {
    let mut world = World::one_zone(3);
    let volume = world.volume(1);
    let first = world.meta_partition(&volume, 3, 0, 100);
    let last = world.meta_partition(&volume, 4, 101, crate::limits::INODE_MAX);
    let full = |reports: &[_]| meta_heartbeat(64, 60, reports);
    let both = [meta_report(&first, true, 50), meta_report(&last, true, 7000)];
    let step = world.rules.inode_step;
    let changes = world.hear_meta(&meta_addr(1, 1), full(&both));
    assert!(changes.contains(&Change::Split { volume: volume.id, partition: PartitionId(4), end: 7000 + step }));
    let changes = world.hear_meta(&meta_addr(1, 1), full(&both[..1]));
    assert!(!changes.iter().any(|c| matches!(c, Change::Split { partition: PartitionId(3), .. })));
    world.rules.auto_create = false;
    let changes = world.hear_meta(&meta_addr(1, 1), full(&both));
    assert!(!changes.iter().any(|c| matches!(c, Change::Split { .. })));
}

#[test]
fn only_the_leader_speaks_of_uids_and_quotas_and_only_news_is_passed_on() {
    let mut world = World::one_zone(3);
    let volume = world.volume(1);
    let partition = world.meta_partition(&volume, 3, 0, 100);
    let mut report = meta_report(&partition, false, 5);
    report.uid_info = vec![UidReportSpaceInfo { uid: 7, size: 70, ..Default::default() }].into();
    report.quota_report_infos = vec![QuotaReportInfo::default()].into();
    let speaks = |changes: &[Change]| changes.iter().filter(|c| matches!(c, Change::Uids { .. } | Change::Quotas { .. })).count();
    assert_eq!(speaks(&world.hear_meta(&meta_addr(1, 1), meta_heartbeat(64, 1, &[report.clone()]))), 0);
    report.is_leader = true;
    assert_eq!(speaks(&world.hear_meta(&meta_addr(1, 1), meta_heartbeat(64, 1, &[report.clone()]))), 2);
    assert_eq!(speaks(&world.hear_meta(&meta_addr(1, 1), meta_heartbeat(64, 1, &[report]))), 0);
    assert_eq!(world.reports.meta_partition(PartitionId(3)).unwrap().uids[0].size, 70);
}

#[test]
fn counts_of_a_meta_partition_are_the_most_that_a_replica_reports() {
    let mut world = World::one_zone(3);
    let volume = world.volume(1);
    let partition = world.meta_partition(&volume, 3, 0, 100);
    for (i, inodes) in [(1, 5), (2, 9), (3, 7)] {
        let mut report = meta_report(&partition, i == 1, inodes);
        report.inode_cnt = inodes;
        report.stat_by_storage_class = vec![StatOfStorageClass { storage_class: 1, inode_count: inodes, ..Default::default() }].into();
        world.hear_meta(&meta_addr(1, i), meta_heartbeat(64, 1, &[report]));
    }
    let reported = world.reports.meta_partition(PartitionId(3)).unwrap();
    assert_eq!((reported.max_inode_id(), reported.inode_count(), reported.stats()[0].inode_count), (9, 9, 9));
    assert!(reported.complete);
}

#[test]
fn a_node_that_is_taken_off_is_not_heard() {
    let mut world = World::one_zone(1);
    let addr = meta_addr(1, 1);
    world.reports.meta_node_mut(&addr).to_be_offline = true;
    world.pass(19);
    world.hear_meta(&addr, meta_heartbeat(64, 1, &[]));
    assert!(!world.reports.meta_liveness(&addr, world.now).is_active());
}

#[test]
fn growing_repair_progress_is_remembered() {
    let mut world = World::one_zone(3);
    let partition = settled(&mut world);
    let mut report = data_report(&partition, false);
    report.decommission_repair_progress = 0.5;
    world.hear_data(&partition.hosts[0], data_heartbeat(1000, 0, &[report.clone()]));
    let at = |world: &World| world.reports.data_partition(PartitionId(7)).unwrap().recover_updated_at;
    assert_eq!(at(&world), Some(world.now));
    let before = world.now;
    world.pass(6);
    world.hear_data(&partition.hosts[0], data_heartbeat(1000, 0, &[report]));
    assert_eq!(at(&world), Some(before));
}

#[test]
fn a_created_replica_is_assumed_read_write_until_it_is_reported() {
    let mut world = World::one_zone(3);
    let partition = settled(&mut world);
    let id = partition.partition_id;
    let replicas: Vec<(&str, &str)> = partition.hosts.iter().map(|h| (h.as_str(), "/disk1")).collect();
    world.reports.assume_data_partition_created(id, &replicas, world.now);
    let replica = |world: &World| world.reports.data_partition(id).unwrap().replica(&partition.hosts[1]).unwrap().clone();
    assert_eq!((replica(&world).status, replica(&world).assumed), (PartitionStatus::READ_WRITE, true));
    let mut report = data_report(&partition, false);
    report.partition_status = 0;
    world.hear_data(&partition.hosts[1], data_heartbeat(1000, 0, &[report]));
    assert_eq!((replica(&world).status, replica(&world).assumed), (PartitionStatus::RECOVERING, false));
}
