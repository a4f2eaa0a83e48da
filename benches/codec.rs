//! What the wire costs: a heartbeat's packet both ways beyond the copy of its body, its JSON, and a full node's posted response.
//!
//! Goal: header work of a heartbeat packet below 1 µs.

use bytes::Bytes;
use cfs_master::ids::{NodeId, PartitionId};
use cfs_master::wire::gojson;
use cfs_master::wire::opcode::Opcode;
use cfs_master::wire::packet::Packet;
use cfs_master::wire::peer::Peer;
use cfs_master::wire::report::{DataNodeHeartbeatResponse, DataPartitionReport, Incoming};
use cfs_master::wire::request::HeartBeatRequest;
use cfs_master::wire::task::{AdminTask, Subject};
use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use std::hint::black_box;

const REPORTS: usize = 1_000;

fn heartbeat() -> AdminTask<HeartBeatRequest> {
    let request = HeartBeatRequest {
        curr_time: 1_700_000_000,
        master_addr: "192.168.0.1:17010".to_owned(),
        vol_dp_repair_block_size: Some([("vola".to_owned(), 1 << 20)].into()),
        dp_backup_timeout: "168h0m0s".to_owned(),
        data_node_gogc: 100,
        ..HeartBeatRequest::default()
    };
    let request_id = "00000000-0000-4000-8000-000000000001".to_owned();
    AdminTask::new(Opcode::DATA_NODE_HEARTBEAT, "192.168.0.21:17310", Subject::Node, request, 1_700_000_000, request_id)
}

fn posted() -> Vec<u8> {
    let peer = |id| Peer {
        id: NodeId(id),
        addr: format!("192.168.0.{id}:17310"),
        raft_heartbeat: "17330".to_owned(),
        raft_replica: "17340".to_owned(),
    };
    let report = |id| DataPartitionReport {
        vol_name: format!("volume-{}", id % 7),
        partition_id: PartitionId(id),
        partition_status: 2,
        total: 128_849_018_880,
        used: id * 4096,
        disk_path: format!("/data{}/disk", id % 12),
        is_leader: id % 3 == 0,
        extent_count: 64,
        need_compare: true,
        local_peers: (21..24).map(peer).collect(),
        ..DataPartitionReport::default()
    };
    let response =
        DataNodeHeartbeatResponse { status: 1, partition_reports: (1..=REPORTS as u64).map(report).collect(), ..Default::default() };
    let task = AdminTask::<(), _> { id: "t".to_owned(), opcode: Opcode::DATA_NODE_HEARTBEAT, response, ..AdminTask::default() };
    gojson::to_vec(&task).expect("a report of our own has a form")
}

fn packets(c: &mut Criterion) {
    let packet = heartbeat().to_packet(7).expect("a request of our own has a form");
    let bytes = Bytes::from(packet.encode());
    let body = packet.data.clone();
    let mut group = c.benchmark_group("heartbeat packet");
    // The body is shared, not copied, so these two are the header's work and nothing else.
    group.bench_function("write, body not copied", |b| b.iter(|| black_box(&packet).encode_before_data()));
    group.bench_function("read, body not copied", |b| b.iter(|| Packet::decode(black_box(&bytes))));
    group.bench_function("write", |b| b.iter(|| black_box(&packet).encode()));
    group.bench_function("copy of the body alone", |b| b.iter(|| black_box(&body).to_vec()));
    group.finish();
}

fn json(c: &mut Criterion) {
    let task = heartbeat();
    let encoded = task.clone().into_encoded().expect("a request of our own has a form");
    let text = gojson::to_vec(&task).expect("a request of our own has a form");
    let mut group = c.benchmark_group("heartbeat task");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("write", |b| b.iter(|| gojson::to_vec(black_box(&task))));
    group.bench_function("write, request shared", |b| b.iter(|| gojson::to_vec(black_box(&encoded))));
    group.bench_function("read", |b| b.iter(|| gojson::from_slice::<AdminTask<HeartBeatRequest>>(black_box(&text))));
    group.finish();
}

fn reports(c: &mut Criterion) {
    let body = posted();
    let mut group = c.benchmark_group("posted heartbeat of 1,000 partitions");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("read", |b| b.iter(|| Incoming::decode(black_box(&body))));
    group.finish();
}

criterion_group!(benches, packets, json, reports);
criterion_main!(benches);
