//! One run from start to verdict.

use super::client::{Client, History};
use super::cluster::Cluster;
use super::history::{Event, Op};
use super::inject::Injector;
use super::observe::Observer;
use super::options::{Options, Profile};
use super::report::{Report, Verdict};
use crate::checks::agreement::{self, Replica, Replicas};
use crate::checks::{acknowledged, progress, reads, Violation};
use crate::http;
use crate::nodes::Kind;
use crate::world::trace::{self, What};
use crate::world::{self, HostId, World};
use ::http::Method;
use bytes::Bytes;
use cfs_master::env::Env;
use cfs_master::state::State;
use serde_json::Value;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How often masters are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often progress is asked for after healing.
const ASK_EVERY: Duration = Duration::from_millis(250);
/// Acknowledged writes below which a survivable run proves nothing.
const WRITES_MIN: usize = 50;

/// A finished run: the report, and for people who look into it the last events and the whole history.
pub struct Finished {
    pub report: Report,
    pub last_events: Vec<trace::Event>,
    /// Starts, ends, faults, clients and marks, from the beginning.
    pub story: Vec<trace::Event>,
    /// The hosts' names by number.
    pub hosts: Vec<String>,
    pub history: Vec<Event>,
}

/// Runs a seed to its verdict. A panic of the program is a verdict too.
pub fn execute(options: &Options) -> Finished {
    let window: Arc<Mutex<Option<(World, History)>>> = Arc::default();
    let (inside, drawn) = (window.clone(), options.clone());
    let run = AssertUnwindSafe(move || {
        world::run(drawn.seed, move |world| async move {
            let history = History::default();
            *inside.lock().expect("lock") = Some((world.clone(), history.clone()));
            let run = Run::new(world, history, drawn);
            run.to_the_end().await
        })
    });
    let ended = std::panic::catch_unwind(run);
    let (world, history) = window.lock().expect("lock").take().expect("a world was made");
    let (trace_hash, events) = world.trace_hash();
    let history = history.all();
    let (verdict, faults, marks) = match ended {
        Ok(ended) => ended,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            (Verdict::Panic(text.unwrap_or_default()), Default::default(), Default::default())
        }
    };
    let report = Report {
        options: options.clone(),
        verdict,
        begun: history.len(),
        done: history.iter().filter(|event| event.is_done()).count(),
        writes: history.iter().filter(|event| event.is_done() && is_write(&event.op)).count(),
        unknown: history.iter().filter(|event| matches!(event.outcome, super::history::Outcome::Unknown(_))).count(),
        faults,
        marks,
        virtual_time: world.now(),
        trace_hash,
        events,
    };
    Finished { report, last_events: world.last_events(), story: world.story(), hosts: world.names(), history }
}

fn is_write(op: &Op) -> bool {
    matches!(op, Op::Create { .. } | Op::Delete { .. } | Op::Grow { .. })
}

/// Verdict, faults begun and marks reached.
type Ended = (Verdict, std::collections::BTreeMap<&'static str, u32>, std::collections::BTreeMap<&'static str, u64>);

struct Run {
    options: Options,
    cluster: Cluster,
    history: History,
    injector: Arc<Injector>,
    observer: Observer,
    /// A host that looks at the cluster after healing as a client does.
    visitor: HostId,
}

impl Run {
    fn new(world: World, history: History, options: Options) -> Self {
        let cluster = Cluster::new(world.clone(), &options);
        let visitor = world.add_host("visitor", IpAddr::from([10, 0, 9, 200]));
        let injector = Injector::new(cluster.clone());
        Self { options, cluster, history, injector, observer: Observer::default(), visitor }
    }

    async fn to_the_end(mut self) -> Ended {
        let verdict = match self.judge().await {
            Err(verdict) => verdict,
            Ok(()) => {
                let writes = self.history.all().iter().filter(|event| event.is_done() && is_write(&event.op)).count();
                let quiet = self.options.profile == Profile::Survivable && writes < WRITES_MIN;
                if quiet {
                    Verdict::Quiet
                } else {
                    Verdict::Passed
                }
            }
        };
        self.world().note(None, What::Mark(verdict.to_string()));
        let marks = [
            ("leaders", self.observer.leaders.terms() as u64),
            ("states compared", self.observer.digests.compared()),
            ("ids", self.observer.ids.count() as u64),
        ];
        (verdict, self.injector.begun(), marks.into_iter().collect())
    }

    fn world(&self) -> &World {
        self.cluster.world()
    }

    async fn judge(&mut self) -> Result<(), Verdict> {
        self.cluster.start_all();
        self.start_clients();
        let (injector, schedule) = (self.injector.clone(), self.options.faults.clone());
        drop(madsim::task::spawn(async move { injector.carry_out(&schedule).await }));
        self.look_until(self.options.length).await?;
        self.injector.heal();
        self.after_healing().await
    }

    /// Lets time pass and looks at the masters all the while.
    async fn look_until(&mut self, until: Duration) -> Result<(), Verdict> {
        while self.world().now() < until {
            self.world().sleep(LOOK_EVERY).await;
            self.observer.look(&self.cluster).map_err(Verdict::Safety)?;
            if self.world().now().as_millis() % 1_000 < LOOK_EVERY.as_millis() {
                self.world().tidy();
            }
        }
        Ok(())
    }

    fn start_clients(&self) {
        for (number, host) in self.cluster.clients().iter().enumerate() {
            let (world, history, masters) = (self.world().clone(), self.history.clone(), self.options.masters);
            let (until, think_max, host) = (self.options.length, self.options.think_max, *host);
            self.world().boot(host, move |env| {
                let client = Client { world, host, env, number, masters, history };
                client.work(until, think_max)
            });
        }
    }

    async fn visit(&self) -> Env {
        let (send, receive) = tokio::sync::oneshot::channel();
        self.world().boot(self.visitor, |env| async move {
            let _ = send.send(env);
            std::future::pending::<()>().await;
        });
        receive.await.expect("the visitor boots")
    }

    async fn after_healing(&mut self) -> Result<(), Verdict> {
        let healed = self.world().now();
        let env = self.visit().await;
        let leader = self.wait(healed, progress::LEADER_WITHIN, |run| run.cluster.ready_leader().is_some()).await?;
        progress::check("ready leader", progress::LEADER_WITHIN, leader, || self.roles()).map_err(Verdict::Progress)?;

        let written = self.first_write(healed, &env).await?;
        progress::check("acknowledged write", progress::WRITE_WITHIN, written, || self.last_answer()).map_err(Verdict::Progress)?;

        let (active, view) = self.nodes_active(healed, &env).await?;
        progress::check("heartbeat of every node", progress::NODES_WITHIN, active, || view).map_err(Verdict::Progress)?;

        // What was delayed before healing may still come.
        self.look_until(healed + progress::STRAGGLERS_WITHIN).await?;
        let agreed = self.wait(healed, progress::AGREEMENT_WITHIN, |run| run.differences().is_some_and(|found| found.is_empty())).await?;
        progress::check("agreement of nodes and metadata", progress::AGREEMENT_WITHIN, agreed, || {
            self.differences().unwrap_or_default().join("; ")
        })
        .map_err(Verdict::Safety)?;

        let (_, state) = self.cluster.ready_leader().ok_or_else(|| Verdict::Progress(Violation::new("L1", "the leader is gone again")))?;
        let present = state.volumes.values().map(|volume| (volume.name.clone(), u64::from(volume.status.0))).collect();
        let history = self.history.all();
        acknowledged::check(&history, &present).map_err(Verdict::Safety)?;
        reads::check(&history).map_err(Verdict::Safety)?;
        match self.cluster.fleet().breaches().first() {
            Some(breach) => Err(Verdict::Safety(Violation::new("T3", format!("{}: {}", breach.node, breach.what)))),
            None => Ok(()),
        }
    }

    /// Waits for a condition; how long after healing it held, if it did in time.
    async fn wait(&mut self, healed: Duration, within: Duration, holds: impl Fn(&Run) -> bool) -> Result<Option<Duration>, Verdict> {
        while self.world().now() <= healed + within {
            if holds(self) {
                return Ok(Some(self.world().now() - healed));
            }
            self.look_until(self.world().now() + ASK_EVERY).await?;
        }
        Ok(None)
    }

    async fn first_write(&mut self, healed: Duration, env: &Env) -> Result<Option<Duration>, Verdict> {
        let (world, history, masters) = (self.world().clone(), self.history.clone(), self.options.masters);
        let visitor = Client { world, host: self.visitor, env: env.clone(), number: self.options.clients, masters, history };
        let mut tries = 0;
        while self.world().now() <= healed + progress::WRITE_WITHIN {
            tries += 1;
            let event = visitor.perform(tries % masters, Op::Create { volume: format!("after-{tries}") }).await;
            if event.is_done() {
                return Ok(event.ended.map(|at| at - healed));
            }
            self.look_until(self.world().now() + ASK_EVERY).await?;
        }
        Ok(None)
    }

    /// How long after healing every node was active; who was not, when last asked.
    async fn nodes_active(&mut self, healed: Duration, env: &Env) -> Result<(Option<Duration>, String), Verdict> {
        let mut pending = String::new();
        let mut master = 0;
        while self.world().now() <= healed + progress::NODES_WITHIN {
            let (by, server) = (env.now() + Duration::from_secs(10), super::cluster::master_addr(master));
            master = (master + 1) % self.options.masters;
            match http::call(env, &server, Method::GET, "/admin/getCluster", Bytes::new(), by, by).await {
                Ok(answer) => pending = inactive(&answer.body, self.cluster.nodes().len()),
                Err(error) => pending = format!("{server}: {error}"),
            }
            if pending.is_empty() {
                return Ok((Some(self.world().now() - healed), pending));
            }
            self.look_until(self.world().now() + ASK_EVERY).await?;
        }
        Ok((None, pending))
    }

    /// What each master is, for the report of a run without a leader.
    fn roles(&self) -> String {
        let role = |n: usize| match self.cluster.master(n) {
            Some(master) => format!("master {}: {:?}", n + 1, master.raft().role()),
            None => format!("master {} does not run", n + 1),
        };
        (0..self.options.masters).map(role).collect::<Vec<_>>().join(", ")
    }

    fn last_answer(&self) -> String {
        self.history.all().last().map(Event::to_string).unwrap_or_default()
    }

    /// Where metadata and nodes disagree, and what is still to be done; `None` without a leader.
    fn differences(&self) -> Option<Vec<String>> {
        let (_, state) = self.cluster.ready_leader()?;
        let mut found = pending(&state);
        found.extend(agreement::differences(&metadata(&state), &self.held()));
        Some(found)
    }

    fn held(&self) -> Replicas {
        let mut held = Replicas::new();
        for node in self.cluster.fleet().dump() {
            let kind = if node.kind == Kind::Data { "data" } else { "meta" };
            for (pid, part) in node.parts {
                let range = (node.kind == Kind::Meta).then_some((part.start, part.end));
                let replica = Replica { volume: part.vol, peers: part.peers.iter().map(|peer| peer.id.0).collect(), range };
                held.insert((kind, node.addr.clone(), pid), replica);
            }
        }
        held
    }
}

/// Who is not active in a cluster view that should show so many nodes.
fn inactive(body: &[u8], nodes: usize) -> String {
    let view: Value = serde_json::from_slice(body).unwrap_or_default();
    let shown = ["DataNodes", "MetaNodes"].map(|kind| view["data"][kind].as_array().cloned().unwrap_or_default()).concat();
    if shown.len() != nodes {
        return format!("{} of {nodes} nodes are shown: {}", shown.len(), String::from_utf8_lossy(&body[..body.len().min(200)]));
    }
    let inactive = shown.iter().filter(|node| node["Status"] != true).filter_map(|node| node["Addr"].as_str());
    inactive.collect::<Vec<_>>().join(" ")
}

/// What the masters have begun and not ended.
fn pending(state: &State) -> Vec<String> {
    let mut found = Vec::new();
    for volume in state.volumes.values().filter(|volume| volume.status.0 != 0) {
        found.push(format!("volume {} is still being deleted", volume.name));
    }
    found.extend(state.volume_intents.keys().map(|id| format!("volume {id} is still being created")));
    found.extend(state.create_intents.keys().map(|(kind, id)| format!("{kind:?} partition {id} is still being created")));
    found
}

fn metadata(state: &State) -> Replicas {
    let mut wanted = Replicas::new();
    for (id, partition) in &state.data_partitions {
        for host in &partition.hosts {
            let peers = partition.peers.iter().map(|peer| peer.id.0).collect();
            wanted.insert(("data", host.clone(), id.0), Replica { volume: partition.vol_name.clone(), peers, range: None });
        }
    }
    for (id, partition) in &state.meta_partitions {
        for host in &partition.hosts {
            let peers = partition.peers.iter().map(|peer| peer.id.0).collect();
            let range = Some((partition.start, partition.end));
            wanted.insert(("meta", host.clone(), id.0), Replica { volume: partition.vol_name.clone(), peers, range });
        }
    }
    wanted
}
