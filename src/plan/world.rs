//! A small cluster for the tests of plans: records, reports and a clock that tests set.

use super::reports::{apply_data_heartbeat, apply_meta_heartbeat, Change, Reports};
use super::rules::Rules;
use super::scene::Scene;
use crate::ids::{NodeId, NodeSetId, PartitionId, VolumeId};
use crate::limits::{DATA_PARTITION_SIZE_DEFAULT, GIB};
use crate::model::{DataNode, DataPartition, MediaType, MetaNode, MetaPartition, NodeSet, Record, StorageClass, Volume, Zone};
use crate::state::State;
use crate::wire::report::{DataNodeHeartbeatResponse, DataPartitionReport, MetaNodeHeartbeatResponse, MetaPartitionReport};
use std::collections::BTreeMap;
use std::time::Duration;

/// Wall-clock time at the start, unix seconds.
pub const WALL: i64 = 1_800_000_000;

pub struct World {
    pairs: BTreeMap<Vec<u8>, Vec<u8>>,
    pub state: State,
    pub reports: Reports,
    pub rules: Rules,
    pub now: Duration,
    /// Seconds that the wall clock has jumped ahead.
    pub wall_ahead: i64,
}

impl World {
    /// No records; a leadership that began an hour ago.
    pub fn new() -> Self {
        let now = Duration::from_secs(3600);
        Self {
            pairs: BTreeMap::new(),
            state: State::new(),
            reports: Reports::new(Duration::ZERO),
            rules: Rules::default(),
            now,
            wall_ahead: 0,
        }
    }

    /// One zone with one node set of `n` data nodes and `n` meta nodes, all heard.
    pub fn one_zone(n: u64) -> Self {
        let mut world = Self::new();
        world.zone("default", MediaType::SSD, 1, n, n);
        world.hear_all();
        world
    }

    /// A zone with one node set.
    pub fn zone(&mut self, name: &str, media: MediaType, set: u64, data: u64, meta: u64) {
        self.put(Zone::new(name, media));
        self.set(name, media, set, data, meta);
    }

    /// A node set with nodes: data nodes `10.S.1.I:17310`, meta nodes `10.S.2.I:17210`.
    pub fn set(&mut self, zone: &str, media: MediaType, set: u64, data: u64, meta: u64) {
        self.put(NodeSet::new(NodeSetId(set), 18, zone));
        for i in 1..=data {
            self.put(DataNode::new(NodeId(set * 1000 + i), data_addr(set, i), zone, NodeSetId(set), media));
        }
        for i in 1..=meta {
            self.put(MetaNode::new(NodeId(set * 1000 + 500 + i), meta_addr(set, i), zone, NodeSetId(set)));
        }
    }

    /// Adds or replaces a record.
    pub fn put<R: Record>(&mut self, record: R) {
        self.pairs.insert(record.key().into_bytes(), record.encode());
        self.state = State::from_pairs(self.pairs.clone()).expect("records of tests are readable");
    }

    /// Takes a record away.
    pub fn delete<R: Record>(&mut self, record: &R) {
        self.pairs.remove(record.key().as_bytes());
        self.state = State::from_pairs(self.pairs.clone()).expect("records of tests are readable");
    }

    pub fn scene(&self) -> Scene<'_> {
        Scene { state: &self.state, rules: &self.rules, now: self.now, wall_secs: self.wall() }
    }

    pub fn wall(&self) -> i64 {
        WALL + self.now.as_secs() as i64 + self.wall_ahead
    }

    pub fn pass(&mut self, secs: u64) {
        self.now += Duration::from_secs(secs);
    }

    /// This master begins to lead now: nothing heard.
    pub fn new_leader(&mut self) {
        self.reports = Reports::new(self.now);
    }

    /// Every node sends a good heartbeat without partitions.
    pub fn hear_all(&mut self) {
        let data: Vec<String> = self.state.data_nodes.values().map(|n| n.addr.clone()).collect();
        let meta: Vec<String> = self.state.meta_nodes.values().map(|n| n.addr.clone()).collect();
        for addr in data {
            self.hear_data(&addr, data_heartbeat(1000, 0, &[]));
        }
        for addr in meta {
            self.hear_meta(&addr, meta_heartbeat(64, 1, &[]));
        }
    }

    pub fn hear_data(&mut self, addr: &str, mut heartbeat: DataNodeHeartbeatResponse) -> Vec<Change> {
        if let (true, Some(node)) = (heartbeat.zone_name.is_empty(), self.state.data_node_by_addr(addr)) {
            heartbeat.zone_name = node.zone_name.clone();
        }
        let scene = Scene { state: &self.state, rules: &self.rules, now: self.now, wall_secs: self.wall() };
        apply_data_heartbeat(&scene, &mut self.reports, addr, heartbeat)
    }

    pub fn hear_meta(&mut self, addr: &str, mut heartbeat: MetaNodeHeartbeatResponse) -> Vec<Change> {
        if let (true, Some(node)) = (heartbeat.zone_name.is_empty(), self.state.meta_node_by_addr(addr)) {
            heartbeat.zone_name = node.zone_name.clone();
        }
        let scene = Scene { state: &self.state, rules: &self.rules, now: self.now, wall_secs: self.wall() };
        apply_meta_heartbeat(&scene, &mut self.reports, addr, heartbeat)
    }

    /// A volume of three replicas that is an hour older than the world.
    pub fn volume(&mut self, id: u64) -> Volume {
        let mut volume = Volume::new(VolumeId(id), format!("vol{id}"), "owner", WALL - 3600, StorageClass::REPLICA_SSD);
        volume.zone_name = "default".into();
        volume.capacity = 100;
        self.put(volume.clone());
        volume
    }

    /// A data partition on the first nodes of node set 1.
    pub fn data_partition(&mut self, volume: &Volume, id: u64) -> DataPartition {
        let hosts: Vec<String> = (1..=u64::from(volume.dp_replica_num)).map(|i| data_addr(1, i)).collect();
        let peers = hosts.iter().filter_map(|h| self.state.data_node_by_addr(h)).map(|n| n.peer()).collect();
        let partition = DataPartition::new(PartitionId(id), volume, hosts, peers, MediaType::SSD);
        self.put(partition.clone());
        partition
    }

    /// A meta partition on the first nodes of node set 1.
    pub fn meta_partition(&mut self, volume: &Volume, id: u64, start: u64, end: u64) -> MetaPartition {
        let hosts: Vec<String> = (1..=3).map(|i| meta_addr(1, i)).collect();
        let peers = hosts.iter().filter_map(|h| self.state.meta_node_by_addr(h)).map(|n| n.peer()).collect();
        let partition = MetaPartition::new(PartitionId(id), start, end, volume, hosts, peers);
        self.put(partition.clone());
        partition
    }

    /// All hosts of the data partitions report them, the first host of each as leader.
    pub fn hear_data_partitions(&mut self, partitions: &[&DataPartition]) {
        for i in 1..=3 {
            let addr = data_addr(1, i);
            let here = partitions.iter().filter(|p| p.has_host(&addr));
            let reports: Vec<DataPartitionReport> = here.map(|p| data_report(p, p.hosts[0] == addr)).collect();
            self.hear_data(&addr, data_heartbeat(1000, 0, &reports));
        }
    }

    /// All hosts of the meta partitions report them, the first host of each as leader.
    pub fn hear_meta_partitions(&mut self, partitions: &[&MetaPartition], max_inode: u64) {
        for i in 1..=3 {
            let addr = meta_addr(1, i);
            let here = partitions.iter().filter(|p| p.has_host(&addr));
            let reports: Vec<MetaPartitionReport> = here.map(|p| meta_report(p, p.hosts[0] == addr, max_inode)).collect();
            self.hear_meta(&addr, meta_heartbeat(64, 1, &reports));
        }
    }
}

pub fn data_addr(set: u64, i: u64) -> String {
    format!("10.{set}.1.{i}:17310")
}

pub fn meta_addr(set: u64, i: u64) -> String {
    format!("10.{set}.2.{i}:17210")
}

/// A good heartbeat; sizes in GiB.
pub fn data_heartbeat(total: u64, used: u64, partitions: &[DataPartitionReport]) -> DataNodeHeartbeatResponse {
    DataNodeHeartbeatResponse {
        total: total * GIB,
        used: used * GIB,
        available: total.saturating_sub(used) * GIB,
        created_partition_cnt: partitions.len() as u32,
        partition_reports: partitions.to_vec().into(),
        status: 1,
        ..Default::default()
    }
}

/// A good heartbeat; sizes in GiB.
pub fn meta_heartbeat(total: u64, used: u64, partitions: &[MetaPartitionReport]) -> MetaNodeHeartbeatResponse {
    MetaNodeHeartbeatResponse {
        total: total * GIB,
        used: used * GIB,
        meta_partition_reports: partitions.to_vec().into(),
        status: 1,
        ..Default::default()
    }
}

/// A read-write replica.
pub fn data_report(partition: &DataPartition, is_leader: bool) -> DataPartitionReport {
    DataPartitionReport {
        vol_name: partition.vol_name.clone(),
        partition_id: partition.partition_id,
        partition_status: 2,
        total: DATA_PARTITION_SIZE_DEFAULT,
        used: GIB,
        disk_path: "/disk1".into(),
        is_leader,
        extent_count: 64,
        need_compare: true,
        local_peers: partition.peers.clone().into(),
        ..Default::default()
    }
}

/// A read-write replica.
pub fn meta_report(partition: &MetaPartition, is_leader: bool, max_inode_id: u64) -> MetaPartitionReport {
    MetaPartitionReport {
        partition_id: partition.partition_id,
        vol_name: partition.vol_name.clone(),
        start: partition.start,
        end: partition.end,
        status: 2,
        max_inode_id,
        is_leader,
        local_peers: partition.peers.clone().into(),
        ..Default::default()
    }
}

/// Numbers that look random and are the same in every run.
pub fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
