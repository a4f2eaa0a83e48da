//! `ci/dev`: a whole cluster in one process on loopback, to try the master with. Three masters with RocksDB, stand-in data and
//! meta nodes, one volume; prints where everything is and what can be asked, and says when nodes come and go.

mod masters;

use ::http::Method;
use bytes::Bytes;
use cfs_master::config::LogLevel;
use cfs_master::env::{tokio::production, Env};
use cfs_master::observe::log;
use cfs_sim::http;
use cfs_sim::nodes::{Fleet, FleetOptions, Shape};
use masters::Masters;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use time::UtcOffset;
use tokio::signal::unix::{signal, SignalKind};
use tokio::sync::mpsc;

const USAGE: &str = "\
cfs-dev [--dir DIR] [--net N]
  --dir DIR   keeps the data in DIR; without it everything lies in a temporary directory that is removed at the end
  --net N     addresses are 127.0.N.x (default 7)
While it runs, lines on standard input are taken: `down ADDRESS`, `up ADDRESS` for storage nodes, `stop N`, `start N` for masters, `quit`.";

const DATA_NODES: usize = 4;
const META_NODES: usize = 3;
/// The volume made at the start, its owner, and the MD5 of the owner that deleting one of its volumes takes.
const VOLUME: &str = "demo";
const OWNER: &str = "demo";
const AUTH_KEY: &str = "fe01ce2a7fbac8fafaed7c982a04e229";
/// How long the cluster may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(60);
const WATCH_EVERY: Duration = Duration::from_secs(1);

struct Arguments {
    dir: Option<PathBuf>,
    net: u8,
}

fn arguments() -> Result<Arguments, String> {
    let mut arguments = Arguments { dir: None, net: 7 };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--dir" => arguments.dir = Some(value()?.into()),
            "--net" => arguments.net = value()?.parse().map_err(|_| "--net takes a number up to 255")?,
            _ => return Err(USAGE.into()),
        }
    }
    Ok(arguments)
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    let temporary = arguments.dir.is_none();
    let dir = arguments.dir.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("cfs-dev-{}", std::process::id())));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads can be started");
    let outcome = runtime.block_on(run(&arguments, &dir));
    // Whoever still holds a store lets go of it here.
    runtime.shutdown_timeout(Duration::from_secs(2));
    if temporary {
        if let Err(error) = std::fs::remove_dir_all(&dir) {
            eprintln!("{}: {error}", dir.display());
        }
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("cfs-dev: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments, dir: &Path) -> Result<(), String> {
    std::fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    log::init(log::Options { dir: Some(dir.join("log")), level: LogLevel::Info, rotate_size_mib: 64, offset: UtcOffset::UTC })
        .map_err(|e| e.to_string())?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| e.to_string())?;
    let mut cluster = Cluster::new(arguments, dir);
    let outcome = tokio::select! {
        biased;
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        outcome = cluster.live() => outcome,
    };
    println!("stopping");
    cluster.stop().await;
    outcome
}

struct Cluster {
    env: Env,
    dir: PathBuf,
    masters: Masters,
    fleet: Arc<Fleet>,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Cluster {
    fn new(arguments: &Arguments, dir: &Path) -> Self {
        let env = production();
        let masters = Masters::new(env.clone(), arguments.net, dir);
        let shape = Shape { data: DATA_NODES, meta: META_NODES, zones: 1, hdd: 0, net: arguments.net };
        let options = FleetOptions { meta_calls_back: true, dir: Some(dir.join("nodes")) };
        let fleet = Fleet::new(masters.addrs(), &shape, options);
        Self { env, dir: dir.to_owned(), masters, fleet, lines: read_lines() }
    }

    async fn live(&mut self) -> Result<(), String> {
        println!("data is in {}, the log in {}", self.dir.display(), self.dir.join("log/master").display());
        self.masters.start_all().await?;
        println!("masters  {}", self.masters.addrs().join(" "));
        self.wait("a leader", |view| view["code"] == 0).await?;
        self.fleet.start_all(&self.env).await.map_err(|e| format!("storage nodes: {e}"))?;
        self.wait("all storage nodes", |view| {
            let ready = states(view).values().filter(|active| **active).count();
            ready == DATA_NODES + META_NODES
        })
        .await?;
        for node in self.fleet.dump() {
            println!("{:<8} {} id {}", format!("{:?}", node.kind).to_lowercase(), node.addr, node.id);
        }
        self.make_volume().await?;
        self.say_what_to_try();
        self.watch().await
    }

    async fn get(&self, path: &str, pairs: &[(&str, &str)]) -> Option<Value> {
        let target = format!("{path}?{}", http::query(pairs));
        for master in self.masters.addrs() {
            let by = self.env.now() + Duration::from_secs(30);
            if let Ok(answer) = http::call(&self.env, &master, Method::GET, &target, Bytes::new(), by, by).await {
                if let Ok(reply) = serde_json::from_slice(&answer.body) {
                    return Some(reply);
                }
            }
        }
        None
    }

    async fn wait(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Result<(), String> {
        let until = self.env.now() + READY_WITHIN;
        while self.env.now() < until {
            if self.get("/admin/getCluster", &[]).await.is_some_and(|view| holds(&view)) {
                return Ok(());
            }
            self.env.sleep(Duration::from_millis(200)).await;
        }
        Err(format!("{what} was not there after {} s; see the log", READY_WITHIN.as_secs()))
    }

    async fn make_volume(&self) -> Result<(), String> {
        if self.get("/admin/getVol", &[("name", VOLUME)]).await.is_some_and(|reply| reply["code"] == 0) {
            println!("volume   {VOLUME} is there already");
            return Ok(());
        }
        match self.get("/admin/createVol", &[("name", VOLUME), ("owner", OWNER), ("capacity", "10")]).await {
            Some(reply) if reply["code"] == 0 => {
                println!("volume   {}", reply["data"].as_str().unwrap_or_default());
                Ok(())
            }
            reply => Err(format!("creating volume {VOLUME}: {}", reply.unwrap_or_default())),
        }
    }

    fn say_what_to_try(&self) {
        let master = &self.masters.addrs()[0];
        let data_node = self.fleet.addrs().into_iter().next().unwrap_or_default();
        println!("\ntry, in another terminal:");
        for path in [
            "/admin/getCluster".to_owned(),
            format!("/admin/getVol?name={VOLUME}"),
            format!("/client/partitions?name={VOLUME}"),
            format!("/admin/createVol?name=second&owner={OWNER}&capacity=10"),
            format!("/dataPartition/create?name={VOLUME}&count=2"),
            format!("/dataNode/get?addr={data_node}"),
            format!("/vol/delete?name=second&authKey={AUTH_KEY}"),
        ] {
            println!("  curl -s 'http://{master}{path}'");
        }
        println!("here: down {data_node} | up {data_node} | stop 1 | start 1 | quit\n");
    }

    /// Says what changes, and does what the lines ask for, until `quit`.
    async fn watch(&mut self) -> Result<(), String> {
        let mut known: BTreeMap<String, bool> = BTreeMap::new();
        let mut leader = String::new();
        loop {
            if let Some(view) = self.get("/admin/getCluster", &[]).await.filter(|view| view["code"] == 0) {
                let leads = view["data"]["LeaderAddr"].as_str().unwrap_or_default().to_owned();
                if leads != leader {
                    println!("{leads} leads");
                    leader = leads;
                }
                for (addr, active) in states(&view) {
                    if known.insert(addr.clone(), active).unwrap_or(true) != active {
                        println!("{addr} {}", if active { "is active" } else { "is gone" });
                    }
                }
            }
            let pause = self.env.clock.sleep_until(self.env.now() + WATCH_EVERY);
            let line = tokio::select! {
                biased;
                line = self.lines.recv() => line,
                () = pause => None,
            };
            if let Some(line) = line {
                if line.trim() == "quit" {
                    return Ok(());
                }
                self.obey(&line).await;
            }
        }
    }

    async fn obey(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let id = words.get(1).and_then(|id| id.parse().ok()).filter(|id| Masters::ids().contains(id));
        let outcome = match (words.as_slice(), id) {
            (["down", addr], _) => {
                self.fleet.down(addr);
                Ok(())
            }
            (["up", addr], _) => self.fleet.up(&self.env, addr).await.map_err(|e| e.to_string()),
            (["stop", _], Some(id)) => {
                self.masters.stop(id).await;
                Ok(())
            }
            (["start", _], Some(id)) => self.masters.start(id).await,
            ([], _) => Ok(()),
            _ => Err(USAGE.into()),
        };
        if let Err(why) = outcome {
            println!("{why}");
        }
    }

    async fn stop(self) {
        self.masters.stop_all().await;
        self.fleet.addrs().iter().for_each(|addr| self.fleet.down(addr));
    }
}

/// Addresses of the storage nodes in a cluster view, and whether each is active.
fn states(view: &Value) -> BTreeMap<String, bool> {
    let nodes = ["DataNodes", "MetaNodes"].into_iter().flat_map(|kind| view["data"][kind].as_array().into_iter().flatten());
    nodes.map(|node| (node["Addr"].as_str().unwrap_or_default().to_owned(), node["Status"] == true)).collect()
}

/// Lines of standard input, from a thread of their own: reading one cannot be given up.
fn read_lines() -> mpsc::UnboundedReceiver<String> {
    let (send, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    lines
}
