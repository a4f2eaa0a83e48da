//! What a round over disks and nodes that are taken out of service costs a leader of 100,000 data partitions.
//!
//! Goal: nothing that grows with the partitions which are not concerned.

use cfs_master::ids::{NodeId, NodeSetId, PartitionId, VolumeId};
use cfs_master::model::{
    DataNode, DataPartition, DecommissionDisk, DecommissionStatus, MediaType, Record, ReplicaDisk, StorageClass, Volume,
};
use cfs_master::plan::moves::disks::{is_empty, leavers, Tally};
use cfs_master::state::State;
use criterion::{criterion_group, criterion_main, Criterion};
use std::collections::BTreeMap;
use std::hint::black_box;

const PARTITIONS: u64 = 100_000;
const NODES: u64 = 100;
/// Partitions that leave the first disk.
const LEAVING: u64 = 10;

fn addr(node: u64) -> String {
    format!("10.0.{}.{}:17310", node / 256, node % 256)
}

fn state() -> State {
    let mut pairs: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let mut put = |key: String, value: Vec<u8>| pairs.insert(key.into_bytes(), value);
    let volume = Volume::new(VolumeId(1), "volume", "owner", 1_700_000_000, StorageClass::REPLICA_SSD);
    put(volume.key(), volume.encode());
    for node in 1..=NODES {
        let node = DataNode::new(NodeId(node), addr(node), "default", NodeSetId(1), MediaType::SSD);
        put(node.key(), node.encode());
    }
    for id in 1..=PARTITIONS {
        let hosts: Vec<String> = (0..3).map(|i| addr((id + i) % NODES + 1)).collect();
        let mut dp = DataPartition::new(PartitionId(NODES + id), &volume, hosts.clone(), Vec::new(), MediaType::SSD);
        dp.replicas = hosts.iter().map(|host| ReplicaDisk::new(host, "/disk1")).collect();
        if id <= LEAVING {
            dp.decommission_src_addr = addr(1);
            dp.decommission_src_disk_path = "/disk1".into();
            dp.decommission_status = DecommissionStatus::RUNNING;
        }
        put(dp.key(), dp.encode());
    }
    State::from_pairs(pairs).expect("records of our own are readable")
}

fn upkeep(c: &mut Criterion) {
    let state = state();
    let running = DecommissionDisk { decommission_dp_total: LEAVING as i64, ..DecommissionDisk::new(addr(1), "/disk1") };
    let node = state.data_node_by_addr(&addr(2)).expect("a node of the bench").clone();
    let mut group = c.benchmark_group("100,000 data partitions, 10 of them leaving");
    group.sample_size(20);
    group.bench_function("tally", |b| b.iter(|| Tally::of(black_box(&state))));
    group.bench_function("leavers of a disk", |b| b.iter(|| leavers(black_box(&state), black_box(&running))));
    group.bench_function("is a node empty", |b| b.iter(|| is_empty(black_box(&state), black_box(&node))));
    group.finish();
}

criterion_group!(benches, upkeep);
criterion_main!(benches);
