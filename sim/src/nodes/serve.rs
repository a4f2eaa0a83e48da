//! A node's process: it listens, registers, serves admin packets and posts what it has to report.

use super::fleet::{Breach, Fleet, Kind, Mishap, Part};
use super::handle::{handle, response_path, Delivery, Outcome, Post};
use super::{packets, report, LogEntry};
use crate::http;
use ::http::{Method, StatusCode};
use bytes::Bytes;
use cfs_master::env::{Batch, Durability, Env, Listener, Store, Stream, TaskHandle};
use cfs_master::wire::opcode::Opcode;
use cfs_master::wire::packet::Packet;
use cfs_master::wire::result_code::ResultCode;
use serde_json::{json, Value};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Connecting to a master, and waiting for its answer.
const CONNECT: Duration = Duration::from_secs(3);
const ANSWER: Duration = Duration::from_secs(30);
/// Between two tries to register.
const REGISTER_AGAIN: Duration = Duration::from_millis(300);
/// A meta node asks for a new partition's volume so often, so far apart (v3.5.3 admin-tasks.md §8.1).
const CALL_BACKS_MAX: u32 = 200;
const CALL_BACK_AGAIN: Duration = Duration::from_secs(3);
/// The code of "volume not exists", which ends a partition's creation.
const VOL_NOT_EXISTS: i64 = 7;
/// The only key of a node's store.
const STORE_KEY: &[u8] = b"node";

/// The running part of a node.
pub(super) struct Server {
    acceptor: TaskHandle,
    keeper: Option<TaskHandle>,
    connections: Connections,
}

/// Open connections by number.
type Connections = Arc<Mutex<BTreeMap<u64, TaskHandle>>>;

impl Server {
    pub fn stop(self) {
        self.acceptor.abort();
        self.keeper.into_iter().for_each(|keeper| keeper.abort());
        self.connections.lock().expect("lock").values().for_each(TaskHandle::abort);
    }
}

impl Fleet {
    /// The process of one node on a host of its own: listens, registers, and serves until it is killed.
    pub async fn run(self: Arc<Self>, env: Env, addr: String) {
        self.up(&env, &addr).await.expect("a fresh host's address is free");
        self.register(&env, &addr).await;
        std::future::pending::<()>().await;
    }

    /// The node's process listens (again). Errors: the address cannot be bound, the store cannot be read.
    pub async fn up(self: &Arc<Self>, env: &Env, addr: &str) -> io::Result<()> {
        let at = addr.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, format!("no address: {addr}")))?;
        let store = match &self.options.dir {
            Some(dir) => Some(self.open(env, dir, addr).await?),
            None => None,
        };
        let listener = env.network.listen(at).await?;
        let connections = Connections::default();
        let acceptor = env.spawn("stand-in acceptor", accept(self.clone(), env.clone(), addr.to_owned(), listener, connections.clone()));
        let keeper = store.map(|store| env.spawn("stand-in keeper", keep(self.clone(), addr.to_owned(), store)));
        let mut state = self.lock();
        if let Some(node) = state.node(addr) {
            node.view.up = true;
            node.started = env.wall().secs();
            node.server = Some(Server { acceptor, keeper, connections });
        }
        Ok(())
    }

    /// Opens the node's store; a node that knows of nothing yet takes its partitions from there.
    async fn open(&self, env: &Env, dir: &Path, addr: &str) -> io::Result<Arc<dyn Store>> {
        let failed = |error: cfs_master::env::StoreError| io::Error::other(error.to_string());
        let store = env.storage.open(&dir.join(addr.replace(':', "_"))).await.map_err(failed)?;
        if let Some(kept) = store.get(STORE_KEY).map_err(failed)? {
            let parts: BTreeMap<u64, Part> = serde_json::from_slice(&kept).map_err(io::Error::other)?;
            if let Some(node) = self.lock().node(addr).filter(|node| node.view.parts.is_empty()) {
                node.view.parts = parts;
            }
        }
        Ok(store)
    }

    /// Registers the node with the masters until one accepts it.
    pub async fn register(&self, env: &Env, addr: &str) {
        let Some((kind, zone, media)) = self.lock().node(addr).map(|node| (node.view.kind, node.view.zone.clone(), node.media)) else {
            return;
        };
        let (path, heartbeat, replica) = match kind {
            Kind::Data => ("/dataNode/add", "17330", "17340"),
            Kind::Meta => ("/metaNode/add", "17230", "17240"),
        };
        let mut pairs = vec![("addr", addr), ("zoneName", &*zone), ("heartbeatPort", heartbeat), ("replicaPort", replica)];
        if kind == Kind::Data {
            pairs.push(("mediaType", media));
        }
        let target = format!("{path}?{}", http::query(&pairs));
        loop {
            let reply = self.ask(env, Method::GET, &target, Bytes::new()).await;
            if let Some(id) = reply.filter(|reply| reply["code"] == 0).and_then(|reply| reply["data"].as_u64()) {
                let mut state = self.lock();
                let Some(node) = state.node(addr) else { return };
                let before = std::mem::replace(&mut node.view.id, id);
                if before != 0 && before != id {
                    let what = format!("registered as {before} and later as {id}");
                    state.breaches.push(Breach { node: addr.to_owned(), what });
                }
                return;
            }
            env.sleep(REGISTER_AGAIN).await;
        }
    }

    /// Asks the masters in turn; the first answer with status 200 that is JSON counts.
    async fn ask(&self, env: &Env, method: Method, target: &str, body: Bytes) -> Option<Value> {
        for master in &self.masters {
            let (connect_by, answer_by) = (env.now() + CONNECT, env.now() + CONNECT + ANSWER);
            match http::call(env, master, method.clone(), target, body.clone(), connect_by, answer_by).await {
                Ok(answer) if answer.status == StatusCode::OK => match serde_json::from_slice(&answer.body) {
                    Ok(value) => return Some(value),
                    Err(_) => continue,
                },
                Ok(_) | Err(_) => continue,
            }
        }
        None
    }

    /// Posts the task back with its response.
    async fn respond(&self, env: &Env, addr: &str, mut task: Value, post: Post) {
        let (kind, response) = {
            let mut state = self.lock();
            let Some(kind) = state.node(addr).map(|node| node.view.kind) else { return };
            let response = match post {
                Post::Heartbeat => report::heartbeat(&state, addr),
                Post::Response(response) => Some(response),
            };
            (kind, response)
        };
        let (Some(response), true) = (response, task.is_object()) else { return };
        task["Response"] = response;
        self.ask(env, Method::POST, response_path(kind), task.to_string().into()).await;
    }

    /// What a v3.5.3 meta node asks its master while it creates a partition. False: the volume does not exist.
    async fn call_back(&self, env: &Env, volume: &str) -> bool {
        let target = format!("/admin/getVol?{}", http::query(&[("name", volume)]));
        for _ in 0..CALL_BACKS_MAX {
            match self.ask(env, Method::GET, &target, Bytes::new()).await.and_then(|reply| reply["code"].as_i64()) {
                Some(0) => return true,
                Some(VOL_NOT_EXISTS) => return false,
                _ => env.sleep(CALL_BACK_AGAIN).await,
            }
        }
        false
    }
}

async fn accept(fleet: Arc<Fleet>, env: Env, addr: String, mut listener: Box<dyn Listener>, connections: Connections) {
    let mut number = 0;
    while let Ok((stream, _)) = listener.accept().await {
        number += 1;
        let (fleet, serving, addr, open) = (fleet.clone(), env.clone(), addr.clone(), connections.clone());
        // Held until the task is in the map: it takes itself out when it ends.
        let mut list = connections.lock().expect("lock");
        let task = env.spawn("stand-in connection", async move {
            // However a connection ends, the master opens another.
            let _ = serve(&fleet, &serving, &addr, stream).await;
            open.lock().expect("lock").remove(&number);
        });
        list.insert(number, task);
    }
}

/// Writes the node's partitions to its store whenever they changed.
async fn keep(fleet: Arc<Fleet>, addr: String, store: Arc<dyn Store>) {
    loop {
        let Some((changed, parts)) = fleet.lock().node(&addr).map(|node| (node.changed.clone(), node.view.parts.clone())) else { return };
        let mut batch = Batch::default();
        batch.put(STORE_KEY, json!(parts).to_string());
        if store.write(batch, Durability::Synced).await.is_err() {
            return;
        }
        changed.notified().await;
    }
}

async fn serve(fleet: &Arc<Fleet>, env: &Env, addr: &str, mut stream: Stream) -> io::Result<()> {
    loop {
        let packet = packets::read(&mut stream).await?;
        let task: Value = serde_json::from_slice(&packet.data).unwrap_or_else(|_| json!({}));
        let (opcode, pid) = (packet.header.opcode, packet.header.partition_id);
        let mishap = {
            let mut state = fleet.lock();
            state.note(LogEntry {
                t: env.wall().0 as f64 / 1e9,
                node: addr.to_owned(),
                op: opcode.0,
                pid: pid.0,
                req: packet.header.req_id,
                id: task["ID"].clone(),
                uuid: task["RequestID"].as_str().unwrap_or_default().to_owned(),
                request: task["Request"].clone(),
            });
            state.node(addr).and_then(|node| node.next_mishap(opcode.0))
        };
        match mishap {
            Some(Mishap::Refuse) => {
                let refused = packet.reply(ResultCode::ERR, Bytes::from_static(b"injected failure"));
                packets::write(&mut stream, &refused).await?;
                continue;
            }
            Some(Mishap::LoseRequest) => {
                stream.abort();
                return Ok(());
            }
            Some(Mishap::DoLate(time)) => env.sleep(time).await,
            _ => {}
        }
        let reply = execute(fleet, env, addr, &packet, Delivery::First, &task).await;
        match mishap {
            Some(Mishap::Twice) => {
                execute(fleet, env, addr, &packet, Delivery::Again, &task).await;
            }
            Some(Mishap::AnswerLate(time)) => env.sleep(time).await,
            Some(Mishap::LoseReply) => {
                stream.abort();
                return Ok(());
            }
            _ => {}
        }
        let created = [Opcode::CREATE_DATA_PARTITION, Opcode::CREATE_META_PARTITION].contains(&opcode);
        if created && reply.header.result_code == ResultCode::OK {
            let mut state = fleet.lock();
            if let Some(kind) = state.node(addr).map(|node| node.view.kind) {
                state.answered.entry((kind, created_pid(&packet, &task))).or_default().insert(addr.to_owned());
            }
        }
        packets::write(&mut stream, &reply).await?;
    }
}

/// The partition that a packet has created.
fn created_pid(packet: &Packet, task: &Value) -> u64 {
    let of = |key: &str| task["Request"][key].as_u64();
    of("PartitionId").or(of("PartitionID")).unwrap_or(packet.header.partition_id.0)
}

async fn execute(fleet: &Arc<Fleet>, env: &Env, addr: &str, packet: &Packet, delivery: Delivery, task: &Value) -> Packet {
    let (opcode, pid) = (packet.header.opcode, packet.header.partition_id);
    if opcode == Opcode::CREATE_META_PARTITION && fleet.options.meta_calls_back {
        let volume = task["Request"]["VolName"].as_str().unwrap_or_default();
        if !fleet.call_back(env, volume).await {
            return packet.reply(ResultCode::ERR, Bytes::from_static(b"vol not exists"));
        }
    }
    let (outcome, answer) = {
        let mut state = fleet.lock();
        let outcome: Outcome = handle(&mut state, addr, opcode, pid.0, delivery, &task["Request"]);
        let answer = state.node(addr).and_then(|node| node.answers.get(&opcode.0).cloned());
        (outcome, answer)
    };
    if let Some(post) = outcome.post {
        let (fleet, posting, addr, task) = (fleet.clone(), env.clone(), addr.to_owned(), task.clone());
        drop(env.spawn("stand-in report", async move { fleet.respond(&posting, &addr, task, post).await }));
    }
    let data = answer.filter(|_| outcome.code == ResultCode::OK).unwrap_or(outcome.data);
    packet.reply(outcome.code, data)
}
