//! The cluster of a run: masters, storage nodes and clients, each on a host of its own.

use super::crash_point::{LOG_DIR, STATE_DIR};
use super::options::Options;
use super::start;
use crate::checks::Sample;
use crate::nodes::{Fleet, FleetOptions, Shape};
use crate::world::trace::What;
use crate::world::{Crash, HostId, World};
use cfs_master::master::Master;
use cfs_master::raft;
use cfs_master::state::State;
use serde_json::json;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A master that ended by itself (its disk failed) is started again after this time, as a supervisor does.
const SUPERVISOR_WAITS: Duration = Duration::from_secs(2);

/// A program of a master that runs.
#[derive(Clone)]
struct Running {
    incarnation: u64,
    master: Arc<Master>,
}

struct Inner {
    world: World,
    masters: Vec<HostId>,
    nodes: Vec<(HostId, String)>,
    clients: Vec<HostId>,
    fleet: Arc<Fleet>,
    running: Mutex<Vec<Option<Running>>>,
    starts: Mutex<Vec<u64>>,
    retain_logs: u64,
}

/// The cluster of a run. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

fn master_ip(n: usize) -> IpAddr {
    IpAddr::from([10, 0, 0, n as u8 + 1])
}

/// The address of a master's HTTP service.
pub fn master_addr(n: usize) -> String {
    format!("{}:17010", master_ip(n))
}

fn letter(state: raft::State) -> char {
    match state {
        raft::State::Out => 'o',
        raft::State::Learner => 'l',
        raft::State::Follower => 'F',
        raft::State::Candidate => 'C',
        raft::State::Leader => 'L',
    }
}

impl Cluster {
    /// All hosts, none of them running.
    pub fn new(world: World, options: &Options) -> Self {
        let masters = (0..options.masters).map(|n| world.add_host(&format!("master {}", n + 1), master_ip(n))).collect();
        let shape = Shape { data: options.data_nodes, meta: options.meta_nodes, zones: options.zones, hdd: 0, net: 7 };
        let addrs = (0..options.masters).map(master_addr).collect();
        let fleet = Fleet::new(addrs, &shape, FleetOptions { meta_calls_back: true, dir: None });
        let node = |addr: String| {
            let ip = addr.split(':').next().and_then(|ip| ip.parse().ok()).expect("the fleet's addresses have one");
            (world.add_host(&addr, ip), addr)
        };
        let nodes = fleet.addrs().into_iter().map(node).collect();
        let client = |n: usize| world.add_host(&format!("client {n}"), IpAddr::from([10, 0, 9, n as u8 + 1]));
        let clients = (0..options.clients).map(client).collect();
        let running = Mutex::new(vec![None; options.masters]);
        let starts = Mutex::new(vec![0; options.masters]);
        let inner = Inner { world, masters, nodes, clients, fleet, running, starts, retain_logs: options.retain_logs };
        Self { inner: Arc::new(inner) }
    }

    pub fn world(&self) -> &World {
        &self.inner.world
    }

    pub fn fleet(&self) -> &Arc<Fleet> {
        &self.inner.fleet
    }

    pub fn masters(&self) -> &[HostId] {
        &self.inner.masters
    }

    /// Hosts and addresses of the storage nodes.
    pub fn nodes(&self) -> &[(HostId, String)] {
        &self.inner.nodes
    }

    pub fn clients(&self) -> &[HostId] {
        &self.inner.clients
    }

    /// Starts every host's program that does not run, but for the clients'.
    pub fn start_all(&self) {
        (0..self.masters().len()).for_each(|n| self.start_master(n));
        (0..self.nodes().len()).for_each(|n| self.start_node(n));
    }

    fn config(&self, n: usize) -> String {
        let peers: Vec<String> = (0..self.masters().len()).map(|k| format!("{}:{}", k + 1, master_addr(k))).collect();
        json!({
            "role": "master", "ip": master_ip(n), "bindIp": true, "listen": "17010", "id": (n + 1).to_string(), "peers": peers.join(","),
            "retainLogs": self.inner.retain_logs.to_string(), "walDir": LOG_DIR, "storeDir": STATE_DIR, "clusterName": "sim",
            "metaNodeReservedMem": "67108864",
        })
        .to_string()
    }

    /// Starts a master's program; nothing happens when it runs.
    pub fn start_master(&self, n: usize) {
        let host = self.masters()[n];
        if self.world().is_up(host) {
            return;
        }
        let incarnation = {
            let mut starts = self.inner.starts.lock().expect("lock");
            starts[n] += 1;
            starts[n]
        };
        let (cluster, config) = (self.clone(), self.config(n));
        self.world().boot(host, move |env| async move {
            let started = cluster.clone();
            let ready = move |master: Arc<Master>| {
                started.inner.running.lock().expect("lock")[n] = Some(Running { incarnation, master });
            };
            let ended = start::master(env, &config, ready).await;
            cluster.ended(n, incarnation, &ended);
        });
    }

    /// A master's program ended by itself.
    fn ended(&self, n: usize, incarnation: u64, why: &str) {
        self.world().note(Some(self.masters()[n]), What::Node(format!("the program ended: {why}")));
        let cluster = self.clone();
        self.world().call(self.world().now() + SUPERVISOR_WAITS, move || {
            if cluster.inner.starts.lock().expect("lock")[n] == incarnation {
                cluster.kill_master(n, Crash::Process);
                cluster.start_master(n);
            }
        });
    }

    /// Ends a master's program.
    pub fn kill_master(&self, n: usize, crash: Crash) {
        self.inner.running.lock().expect("lock")[n] = None;
        self.world().kill(self.masters()[n], crash);
    }

    /// Starts a storage node; nothing happens when it runs.
    pub fn start_node(&self, n: usize) {
        let (host, addr) = &self.nodes()[n];
        if self.world().is_up(*host) {
            return;
        }
        let (fleet, addr) = (self.fleet().clone(), addr.clone());
        self.world().boot(*host, move |env| fleet.run(env, addr));
    }

    /// Ends a storage node; what it keeps, it keeps.
    pub fn kill_node(&self, n: usize, crash: Crash) {
        let (host, addr) = &self.nodes()[n];
        self.fleet().down(addr);
        self.world().kill(*host, crash);
    }

    fn running(&self, n: usize) -> Option<Running> {
        // A probe may have ended the program without a call here.
        let up = self.world().is_up(self.masters()[n]);
        self.inner.running.lock().expect("lock")[n].clone().filter(|_| up)
    }

    /// The running master with this position.
    pub fn master(&self, n: usize) -> Option<Arc<Master>> {
        self.running(n).map(|running| running.master)
    }

    /// The running master with this position, and how often its program was started.
    pub fn started(&self, n: usize) -> Option<(u64, Arc<Master>)> {
        self.running(n).map(|running| (running.incarnation, running.master))
    }

    /// Other numbers whenever anything about a master's log may have changed.
    pub fn log_version(&self, n: usize) -> [u64; 5] {
        let (replaced, changes) = self.world().disk(self.masters()[n]).version(Path::new(LOG_DIR));
        match self.started(n) {
            None => [replaced, changes, 0, 0, 0],
            Some((start, master)) => {
                let (role, status) = (master.raft().role(), master.raft().status());
                [replaced, changes, start, role.term.0 << 1 | u64::from(role.leads()), status.commit.0]
            }
        }
    }

    /// Who leads: of several that think so, the one with the highest term.
    pub fn leader(&self) -> Option<usize> {
        let leads = |n: &usize| self.master(*n).map(|master| master.raft().role()).filter(|role| role.leads()).map(|role| role.term);
        (0..self.masters().len()).filter_map(|n| leads(&n).map(|term| (term, n))).max().map(|(_, n)| n)
    }

    /// The leader, when it is ready to serve.
    pub fn ready_leader(&self) -> Option<(usize, Arc<State>)> {
        let n = self.leader()?;
        let master = self.master(n)?;
        master.raft().role().ready.then(|| (n, master.state()))
    }

    /// What a running master shows.
    pub fn sample(&self, n: usize) -> Option<(Sample, Arc<State>)> {
        let running = self.running(n)?;
        let (role, state) = (running.master.raft().role(), running.master.state());
        let sample = Sample {
            at: self.world().now(),
            master: n,
            incarnation: running.incarnation,
            disk: running.master.raft().status().incarnation,
            term: role.term.0,
            leads: role.leads(),
            role: letter(role.state),
            applied: state.applied.0,
            digest: state.digest,
        };
        Some((sample, state))
    }
}
