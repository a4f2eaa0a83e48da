//! The nodes' shared state and the control over them.

use super::serve::Server;
use bytes::Bytes;
use cfs_master::env::Env;
use cfs_master::wire::peer::Peer;
use serde::{Deserialize, Serialize};
use serde_json::{json, Map, Value};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// What a node stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Data,
    Meta,
}

/// A replica on a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Part {
    /// The volume's name.
    pub vol: String,
    pub peers: Vec<Peer>,
    /// Data partitions: size in bytes, disk and number of replicas.
    #[serde(skip_serializing_if = "is_default")]
    pub total: u64,
    #[serde(skip_serializing_if = "is_default")]
    pub disk: String,
    #[serde(skip_serializing_if = "is_default")]
    pub repl: i64,
    /// Meta partitions: range of inodes.
    #[serde(skip_serializing_if = "is_default")]
    pub start: u64,
    #[serde(skip_serializing_if = "is_default")]
    pub end: u64,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How many nodes of which kind, and where.
#[derive(Clone, Debug)]
pub struct Shape {
    pub data: usize,
    pub meta: usize,
    /// Data and meta nodes take turns over `z1` … `zN`; with one zone its name is `default`.
    pub zones: usize,
    /// The last so many data nodes have hard disks and lie in the zone `hdd`.
    pub hdd: usize,
    /// Addresses are `127.0.NET.101` and up for data nodes, `127.0.NET.201` and up for meta nodes.
    pub net: u8,
}

/// How nodes behave beyond what they are told.
#[derive(Clone, Debug, Default)]
pub struct FleetOptions {
    /// A meta node asks the master for the volume while it creates a partition, as v3.5.3 does (admin-tasks.md §8.1).
    pub meta_calls_back: bool,
    /// Where nodes keep their partitions over restarts of the process; without it they live as long as the fleet.
    pub dir: Option<PathBuf>,
}

/// Something that goes wrong with an operation on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mishap {
    /// Answered with an error, not done.
    Refuse,
    /// Done; the answer comes late.
    AnswerLate(Duration),
    /// Done late, and answered then if anybody still listens.
    DoLate(Duration),
    /// Done; the connection ends instead of an answer.
    LoseReply,
    /// Not done; the connection ends instead of an answer.
    LoseRequest,
    /// Done twice, answered once.
    Twice,
}

/// Log entries kept; older ones are forgotten.
const LOG_MAX: usize = 100_000;

/// An admin packet that a node received.
#[derive(Clone, Debug, Serialize)]
pub struct LogEntry {
    /// Unix seconds.
    pub t: f64,
    pub node: String,
    pub op: u8,
    pub pid: u64,
    pub req: i64,
    /// The task's id.
    pub id: Value,
    /// The task's request id.
    #[serde(skip)]
    pub uuid: String,
    pub request: Value,
}

/// Something that no master may do to a node of v3.5.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    pub node: String,
    pub what: String,
}

/// A node as an onlooker sees it.
#[derive(Clone, Debug, Serialize)]
pub struct NodeView {
    pub addr: String,
    pub kind: Kind,
    pub id: u64,
    pub up: bool,
    pub zone: String,
    pub parts: BTreeMap<u64, Part>,
}

pub(super) struct Node {
    pub view: NodeView,
    /// 1 SSD, 2 HDD.
    pub media: &'static str,
    pub started: i64,
    pub bad_disks: Vec<Value>,
    pub over: Map<String, Value>,
    pub over_part: BTreeMap<u64, Map<String, Value>>,
    pub answers: BTreeMap<u8, Bytes>,
    pub mishaps: BTreeMap<u8, Vec<(Mishap, u32)>>,
    /// Meta partitions of which a backup is kept.
    pub backups: BTreeSet<u64>,
    pub server: Option<Server>,
    /// Wakes who writes the partitions to disk.
    pub changed: Arc<tokio::sync::Notify>,
}

#[derive(Default)]
pub(super) struct State {
    pub nodes: Vec<Node>,
    /// Partitions that were told who leads.
    pub leaders: BTreeMap<(Kind, u64), u64>,
    log: VecDeque<LogEntry>,
    pub breaches: Vec<Breach>,
    /// Nodes that said that they created a partition.
    pub answered: BTreeMap<(Kind, u64), BTreeSet<String>>,
}

impl State {
    pub fn node(&mut self, addr: &str) -> Option<&mut Node> {
        self.nodes.iter_mut().find(|node| node.view.addr == addr)
    }

    /// Remembers a packet.
    pub fn note(&mut self, entry: LogEntry) {
        if self.log.len() == LOG_MAX {
            self.log.pop_front();
        }
        self.log.push_back(entry);
    }

    /// Calls `f` for the replica of every node of that kind that has one.
    pub fn each(&mut self, kind: Kind, pid: u64, mut f: impl FnMut(&mut Part)) {
        for node in self.nodes.iter_mut().filter(|node| node.view.kind == kind) {
            if let Some(part) = node.view.parts.get_mut(&pid) {
                f(part);
                node.changed.notify_one();
            }
        }
    }

    /// A partition's leader is its live peer with the lowest id unless told otherwise; none without a majority.
    pub fn leader(&self, kind: Kind, pid: u64, peers: &[Peer]) -> Option<u64> {
        let up: BTreeSet<u64> = self
            .nodes
            .iter()
            .filter(|node| node.view.up && node.view.kind == kind && node.view.parts.contains_key(&pid))
            .map(|node| node.view.id)
            .collect();
        let live: BTreeSet<u64> = peers.iter().map(|peer| peer.id.0).filter(|id| up.contains(id)).collect();
        if live.len() * 2 <= peers.len() {
            return None;
        }
        let told = self.leaders.get(&(kind, pid)).copied().filter(|id| live.contains(id));
        told.or_else(|| live.first().copied())
    }
}

/// All stand-in nodes of one cluster.
pub struct Fleet {
    pub(super) masters: Vec<String>,
    pub(super) options: FleetOptions,
    state: Mutex<State>,
}

impl Fleet {
    /// Nodes that are down. `masters` are the addresses of their HTTP services.
    pub fn new(masters: Vec<String>, shape: &Shape, options: FleetOptions) -> Arc<Self> {
        let zone = |n: usize| if shape.zones > 1 { format!("z{}", n % shape.zones + 1) } else { "default".to_owned() };
        let net = shape.net;
        let data = (0..shape.data).map(|n| {
            let hdd = n >= shape.data.saturating_sub(shape.hdd);
            let (zone, media) = if hdd { ("hdd".to_owned(), "2") } else { (zone(n), "1") };
            Node::new(Kind::Data, format!("127.0.{net}.{}:17310", 101 + n), zone, media)
        });
        let meta = (0..shape.meta).map(|n| Node::new(Kind::Meta, format!("127.0.{net}.{}:17210", 201 + n), zone(n), "1"));
        let state = State { nodes: data.chain(meta).collect(), ..State::default() };
        Arc::new(Self { masters, options, state: Mutex::new(state) })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("lock")
    }

    /// The nodes' addresses, data nodes first.
    pub fn addrs(&self) -> Vec<String> {
        self.lock().nodes.iter().map(|node| node.view.addr.clone()).collect()
    }

    /// Starts every node and waits until each is registered, one after the other.
    pub async fn start_all(self: &Arc<Self>, env: &Env) -> std::io::Result<()> {
        for addr in self.addrs() {
            self.up(env, &addr).await?;
            self.register(env, &addr).await;
        }
        Ok(())
    }

    /// Every node as it is now: the truth that the metadata must agree with in the end.
    pub fn dump(&self) -> Vec<NodeView> {
        self.lock().nodes.iter().map(|node| node.view.clone()).collect()
    }

    /// Every admin packet received since the last call, oldest first.
    pub fn take_log(&self) -> Vec<LogEntry> {
        self.lock().log.drain(..).collect()
    }

    /// Nodes that said that they created this partition.
    pub fn answered(&self, kind: Kind, pid: u64) -> BTreeSet<String> {
        self.lock().answered.get(&(kind, pid)).cloned().unwrap_or_default()
    }

    /// What masters did that they must not do, oldest first.
    pub fn breaches(&self) -> Vec<Breach> {
        self.lock().breaches.clone()
    }

    /// Something goes wrong with the next `times` operations of this kind on a node, after what was ordered before.
    pub fn mishap(&self, addr: &str, opcode: u8, mishap: Mishap, times: u32) {
        if let Some(node) = self.lock().node(addr) {
            node.mishaps.entry(opcode).or_default().push((mishap, times));
        }
    }

    /// Nothing more goes wrong and reports are true again.
    pub fn heal(&self) {
        for node in &mut self.lock().nodes {
            node.mishaps.clear();
            node.over.clear();
            node.over_part.clear();
            node.answers.clear();
        }
    }

    /// The next `times` operations of this kind are answered with an error.
    pub fn fail(&self, addr: &str, opcode: u8, times: u32) {
        if let Some(node) = self.lock().node(addr) {
            node.mishaps.insert(opcode, vec![(Mishap::Refuse, times)]);
        }
    }

    /// The node reports a broken disk, with all its partitions on it.
    pub fn bad_disk(&self, addr: &str, disk: &str) {
        if let Some(node) = self.lock().node(addr) {
            let parts: Vec<u64> = node.view.parts.keys().copied().collect();
            node.bad_disks.push(json!({"DiskPath": disk, "TotalPartitionCnt": parts.len(), "DiskErrPartitionList": parts}));
        }
    }

    /// Members that the node's heartbeat responses have from now on, and those of its reports of partition `pid` (0: of all).
    pub fn report(&self, addr: &str, set: Map<String, Value>, part: Map<String, Value>, pid: u64) {
        if let Some(node) = self.lock().node(addr) {
            node.over.extend(set);
            node.over_part.entry(pid).or_default().extend(part);
        }
    }

    /// The node's heartbeat responses are true again.
    pub fn truth(&self, addr: &str) {
        if let Some(node) = self.lock().node(addr) {
            node.over.clear();
            node.over_part.clear();
        }
    }

    /// The body of every later good reply to that operation.
    pub fn answer(&self, addr: &str, opcode: u8, data: Bytes) {
        if let Some(node) = self.lock().node(addr) {
            node.answers.insert(opcode, data);
        }
    }

    /// The node's process is gone: its connections end and nobody listens.
    pub fn down(&self, addr: &str) {
        let server = self.lock().node(addr).and_then(|node| {
            node.view.up = false;
            node.server.take()
        });
        if let Some(server) = server {
            server.stop();
        }
    }

    /// One control line, as the chapters have them: `{"op":"dump"}` and so on. Answers `{"ok":true,…}`.
    pub async fn control(self: &Arc<Self>, env: &Env, line: &Value) -> Value {
        let text = |key: &str| line[key].as_str().unwrap_or_default();
        let (addr, opcode) = (text("addr"), line["opcode"].as_u64().and_then(|op| u8::try_from(op).ok()).unwrap_or_default());
        let object = |key: &str| line[key].as_object().cloned().unwrap_or_default();
        let mut answer = json!({"ok": true});
        match text("op") {
            "dump" => answer["nodes"] = json!(self.dump()),
            "log" => answer["log"] = json!(self.take_log()),
            "down" => self.down(addr),
            "up" => match self.up(env, addr).await {
                Ok(()) => {}
                Err(error) => answer = json!({"ok": false, "error": error.to_string()}),
            },
            "fail" => self.fail(addr, opcode, line["times"].as_u64().map_or(1, |times| times.min(u64::from(u32::MAX)) as u32)),
            "baddisk" => self.bad_disk(addr, text("disk")),
            "report" => self.report(addr, object("set"), object("part"), line["pid"].as_u64().unwrap_or_default()),
            "answer" => self.answer(addr, opcode, Bytes::copy_from_slice(text("data").as_bytes())),
            other => answer = json!({"ok": false, "error": format!("no operation {other:?}")}),
        }
        answer
    }
}

impl Node {
    fn new(kind: Kind, addr: String, zone: String, media: &'static str) -> Self {
        Self {
            view: NodeView { addr, kind, id: 0, up: false, zone, parts: BTreeMap::new() },
            media,
            started: 0,
            bad_disks: Vec::new(),
            over: Map::new(),
            over_part: BTreeMap::new(),
            answers: BTreeMap::new(),
            mishaps: BTreeMap::new(),
            backups: BTreeSet::new(),
            server: None,
            changed: Arc::default(),
        }
    }

    /// What goes wrong with the operation at hand, if anything.
    pub fn next_mishap(&mut self, opcode: u8) -> Option<Mishap> {
        let queue = self.mishaps.get_mut(&opcode)?;
        queue.retain(|(_, times)| *times > 0);
        let (mishap, times) = queue.first_mut()?;
        *times -= 1;
        Some(*mishap)
    }
}
