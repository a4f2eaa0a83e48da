//! The stand-in nodes do what v3.5.3 nodes do as a master sees them, and go wrong as ordered.
#![cfg(madsim)]

use cfs_master::env::{Env, Stream};
use cfs_master::ids::PartitionId;
use cfs_master::nodes::{CallError, NodeClient, RequestIds};
use cfs_master::wire::opcode::Opcode;
use cfs_master::wire::task::{AdminTask, EncodedTask, Subject};
use cfs_sim::nodes::{Fleet, FleetOptions, Mishap, Shape};
use cfs_sim::world::{self, Crash, HostId, World};
use serde_json::{json, Value};
use std::future::Future;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const MASTER: &str = "10.0.0.1:17010";
const DATA: &str = "127.0.7.101:17310";

struct Lab {
    world: World,
    env: Env,
    fleet: Arc<Fleet>,
    /// What the fake master was asked: request line and body.
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

/// Runs `f` beside a fake master that accepts everything and two data nodes.
fn lab<F: Future<Output = ()>>(seed: u64, f: impl FnOnce(Lab) -> F + Send + 'static) {
    world::run(seed, |world| async move {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let master = world.add_host("m1", IpAddr::from([10, 0, 0, 1]));
        let (send, receive) = tokio::sync::oneshot::channel();
        let heard = asked.clone();
        world.boot(master, |env| async move {
            let mut listener = env.network.listen(MASTER.parse().expect("an address")).await.expect("listens");
            let _ = send.send(env.clone());
            while let Ok((stream, _)) = listener.accept().await {
                drop(env.spawn("fake master", answer(stream, heard.clone())));
            }
        });
        let env = receive.await.expect("boots");
        let shape = Shape { data: 2, meta: 1, zones: 1, hdd: 0, net: 7 };
        let fleet = Fleet::new(vec![MASTER.into()], &shape, FleetOptions::default());
        for addr in fleet.addrs() {
            let host = world.add_host(&addr, addr.split(':').next().expect("a host").parse().expect("an address"));
            let fleet = fleet.clone();
            world.boot(host, |env| fleet.run(env, addr));
        }
        world.sleep(Duration::from_secs(1)).await;
        f(Lab { world, env, fleet, asked }).await;
    });
}

async fn answer(mut stream: Stream, asked: Arc<Mutex<Vec<(String, Value)>>>) {
    let (mut bytes, mut buf) = (Vec::new(), [0; 4_096]);
    let (line, body) = loop {
        let n = stream.read(&mut buf).await.expect("reads");
        bytes.extend_from_slice(&buf[..n]);
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().expect("a length"));
        if body.len() >= length {
            let body = &bytes[bytes.len() - length..];
            let line = String::from_utf8_lossy(&bytes).lines().next().expect("a line").to_owned();
            break (line, serde_json::from_slice(body).unwrap_or(Value::Null));
        }
    };
    let answer = if line.contains(".102") { r#"{"code":0,"data":12}"# } else { r#"{"code":0,"data":11}"# };
    asked.lock().expect("lock").push((line, body));
    let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}", answer.len());
    stream.write_all(reply.as_bytes()).await.expect("writes");
    let _ = stream.shutdown().await;
}

fn task(opcode: Opcode, pid: u64, request: Value) -> EncodedTask {
    let task = AdminTask::new(opcode, DATA, Subject::DataPartition(PartitionId(pid)), request, 1, "r".into());
    task.into_encoded().expect("JSON")
}

fn create(pid: u64) -> EncodedTask {
    let members =
        json!([{"id": 11, "addr": DATA, "raftHeartbeat": "17330", "raftReplica": "17340"}, {"id": 12, "addr": "127.0.7.102:17310"}]);
    let request = json!({"PartitionId": pid, "PartitionSize": 9, "ReplicaNum": 2, "VolumeId": "v", "Members": members});
    task(Opcode::CREATE_DATA_PARTITION, pid, request)
}

fn client(lab: &Lab) -> Arc<NodeClient> {
    NodeClient::start(lab.env.clone(), DATA.into(), Arc::new(RequestIds::new(1)))
}

fn parts(lab: &Lab) -> Vec<u64> {
    lab.fleet.dump()[0].parts.keys().copied().collect()
}

#[test]
fn a_node_registers_creates_a_partition_and_reports_it() {
    lab(1, |lab| async move {
        let lines: Vec<String> = lab.asked.lock().expect("lock").drain(..).map(|(line, _)| line).collect();
        assert!(
            lines.iter().any(|line| line.starts_with(
                "GET /dataNode/add?addr=127.0.7.101%3A17310&zoneName=default&heartbeatPort=17330&replicaPort=17340&mediaType=1 "
            )),
            "{lines:?}"
        );
        assert!(
            lines.iter().any(|line| line
                .starts_with("GET /metaNode/add?addr=127.0.7.201%3A17210&zoneName=default&heartbeatPort=17230&replicaPort=17240 ")),
            "{lines:?}"
        );
        let client = client(&lab);
        assert_eq!(client.call(&create(5)).await.expect("created"), "/disk1");
        client.call(&task(Opcode::DATA_NODE_HEARTBEAT, 0, json!({}))).await.expect("acknowledged");
        lab.world.sleep(Duration::from_secs(1)).await;
        let (line, body) = lab.asked.lock().expect("lock").pop().expect("a report");
        assert!(line.starts_with("POST /dataNode/response "), "{line}");
        let report = &body["Response"]["PartitionReports"][0];
        assert_eq!(
            (&report["PartitionID"], &report["VolName"], &report["IsLeader"]),
            (&json!(5), &json!("v"), &json!(false)),
            "one of two peers"
        );
        assert_eq!(body["Response"]["Used"], json!(1u64 << 30));
    });
}

#[test]
fn a_node_goes_wrong_as_ordered() {
    lab(2, |lab| async move {
        let client = client(&lab);
        let op = Opcode::CREATE_DATA_PARTITION.0;
        lab.fleet.fail(DATA, op, 1);
        assert!(matches!(client.call(&create(1)).await, Err(CallError::Refused { .. })));
        lab.fleet.mishap(DATA, op, Mishap::LoseReply, 1);
        lab.fleet.mishap(DATA, op, Mishap::LoseRequest, 1);
        lab.fleet.mishap(DATA, op, Mishap::DoLate(Duration::from_secs(40)), 1);
        for pid in [2, 3, 4] {
            assert!(matches!(client.call(&create(pid)).await, Err(CallError::Unknown { .. })));
        }
        assert_eq!(parts(&lab), [2]);
        lab.world.sleep(Duration::from_secs(20)).await;
        assert_eq!(parts(&lab), [2, 4], "done after the master gave up");
        lab.fleet.down(DATA);
        assert!(matches!(client.call(&create(5)).await, Err(CallError::NotSent { .. })));
    });
}

/// The node is started anew behind a cut: the master's idle connection has ended, and it cannot know yet.
async fn restart_unnoticed(lab: &Lab) {
    let (master, node) = (HostId(0), HostId(1));
    lab.world.cut_one_way(node, master);
    lab.fleet.down(DATA);
    lab.world.kill(node, Crash::Process);
    lab.world.sleep(Duration::from_secs(1)).await;
    let fleet = lab.fleet.clone();
    lab.world.boot(node, |env| fleet.run(env, DATA.into()));
    let world = lab.world.clone();
    lab.world.call(lab.world.now() + Duration::from_secs(2), move || world.join(node, master));
}

#[test]
fn a_command_on_a_dead_idle_connection_is_sent_again_only_when_that_does_no_harm() {
    lab(3, |lab| async move {
        let client = client(&lab);
        client.call(&create(1)).await.expect("created");
        restart_unnoticed(&lab).await;
        client.call(&task(Opcode::DATA_PARTITION_TRY_TO_LEADER, 1, json!(null))).await.expect("asked again over a new connection");
        restart_unnoticed(&lab).await;
        assert!(matches!(client.call(&create(2)).await, Err(CallError::Unknown { .. })), "the node may have created it");
        assert_eq!(parts(&lab), [1], "and was not asked twice");
    });
}
