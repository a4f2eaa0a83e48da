//! The cluster: master processes of this build and stand-in nodes in this process, all on 127.0.NET.x.

use crate::fault::{Fault, Round, Victim, MASTERS};
use crate::masters::Masters;
use crate::signal::signal;
use ::http::Method;
use bytes::Bytes;
use cfs_master::env::tokio::production;
use cfs_master::env::Env;
use cfs_sim::http;
use cfs_sim::nodes::{Fleet, FleetOptions, Shape};
use cfs_sim::run::active;
use serde_json::{json, Map, Value};
use std::future::Future;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

const DATA_NODES: usize = 4;
const META_NODES: usize = 3;
/// Of one request that looks at the cluster.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Of one request that looks for the leader: a stopped master does not answer.
const LEADER_ANSWERS_WITHIN: Duration = Duration::from_secs(1);
/// Until something that must come is there: generous, the machine may be busy.
const READY_WITHIN: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);
const SIGTERM: i32 = 15;

/// Dropping it kills the masters; the nodes end with this process.
pub struct Cluster {
    pub masters: Masters,
    pub env: Env,
    pub fleet: Arc<Fleet>,
}

impl Cluster {
    /// Starts masters and nodes and waits until all nodes are active.
    pub async fn start(net: u8) -> Result<Self, String> {
        let keys = [("logLevel".to_owned(), json!("info")), ("retainLogs".to_owned(), json!("5"))];
        let mut masters = Masters::new(net, MASTERS, Map::from_iter(keys)).map_err(|e| e.to_string())?;
        // Whoever looks into a failure needs it.
        masters.dir.disable_cleanup(true);
        let addrs = masters.ids().map(|i| masters.addr(i)).collect();
        let shape = Shape { data: DATA_NODES, meta: META_NODES, zones: 1, hdd: 0, net };
        let fleet = Fleet::new(addrs, &shape, FleetOptions { meta_calls_back: true, dir: None });
        let mut cluster = Self { masters, env: production(), fleet };
        let begun = cluster.begin().await;
        begun.map_err(|why| format!("{why}\nstores and logs are in {}", cluster.masters.dir.path().display()))?;
        Ok(cluster)
    }

    async fn begin(&mut self) -> Result<(), String> {
        self.start_all().await?;
        self.fleet.start_all(&self.env).await.map_err(|e| e.to_string())?;
        self.wait_for_nodes().await
    }

    /// Addresses of the masters, by position.
    pub fn addrs(&self) -> Vec<String> {
        self.masters.ids().map(|i| self.masters.addr(i)).collect()
    }

    fn start_master(&mut self, n: usize) -> Result<(), String> {
        self.masters.start(n + 1).map_err(|e| format!("master {} cannot be started: {e}", n + 1))
    }

    /// Does what the round says, and undoes it: in the end all masters run.
    pub async fn carry_out(&mut self, round: &Round) -> Result<(), String> {
        self.masters.extra.insert("retainLogs".into(), json!(round.retain_logs.to_string()));
        match &round.fault {
            Fault::Kill { victim, down } => {
                let n = self.find(*victim).await;
                self.kill(&[n], *down).await
            }
            Fault::KillTwo { spared, down } => self.kill(&others(*spared), *down).await,
            Fault::KillAll { down } => self.kill(&(0..MASTERS).collect::<Vec<_>>(), *down).await,
            Fault::KillStarting { victim, down, ups } => {
                let n = self.find(*victim).await;
                self.kill(&[n], *down).await?;
                for up in ups {
                    self.env.sleep(*up).await;
                    self.kill(&[n], Duration::ZERO).await?;
                }
                Ok(())
            }
            Fault::Pause { victim, stopped } => {
                let n = self.find(*victim).await;
                self.pause(&[n], *stopped).await;
                Ok(())
            }
            Fault::PauseTwo { spared, stopped } => {
                self.pause(&others(*spared), *stopped).await;
                Ok(())
            }
            Fault::PauseAndKill { victim, stopped, down } => {
                let n = self.find(*victim).await;
                self.signal(n, "STOP");
                self.env.sleep(*stopped).await;
                self.kill(&[n], *down).await
            }
            Fault::Terminate { victim, down } => {
                let n = self.find(*victim).await;
                self.terminate(n, *down).await
            }
            Fault::Rolling { down } => {
                for n in 0..MASTERS {
                    self.terminate(n, *down).await?;
                }
                Ok(())
            }
        }
    }

    /// The position of who is meant.
    async fn find(&self, victim: Victim) -> usize {
        match victim {
            Victim::Master(n) => n,
            Victim::Leader(otherwise) => self.leader().await.unwrap_or(otherwise),
        }
    }

    /// The leader that a running master names.
    async fn leader(&self) -> Option<usize> {
        for addr in self.addrs() {
            let cluster = self.get(&addr, "/admin/getCluster", LEADER_ANSWERS_WITHIN).await;
            let leader = cluster["data"]["LeaderAddr"].as_str().unwrap_or_default();
            if let Some(n) = self.addrs().iter().position(|addr| addr == leader) {
                return Some(n);
            }
        }
        None
    }

    async fn kill(&mut self, positions: &[usize], down: Duration) -> Result<(), String> {
        for n in positions {
            // All of them at one time, then one wait after the other.
            let child = self.masters.running.get_mut(&(n + 1)).expect("it runs between two faults");
            child.start_kill().map_err(|e| e.to_string())?;
        }
        for n in positions {
            self.masters.kill(n + 1).await;
        }
        self.env.sleep(down).await;
        positions.iter().try_for_each(|n| self.start_master(*n))
    }

    async fn pause(&self, positions: &[usize], stopped: Duration) {
        positions.iter().for_each(|n| self.signal(*n, "STOP"));
        self.env.sleep(stopped).await;
        positions.iter().for_each(|n| self.signal(*n, "CONT"));
    }

    fn signal(&self, n: usize, name: &str) {
        signal(&self.masters.running[&(n + 1)], name);
    }

    async fn terminate(&mut self, n: usize, down: Duration) -> Result<(), String> {
        self.signal(n, "TERM");
        let ended = self.ended(n).await?;
        // One that has just been started does not handle the signal yet.
        if !ended.success() && ended.signal() != Some(SIGTERM) {
            return Err(self.complaint(n, &format!("ended with {ended} after SIGTERM")));
        }
        self.env.sleep(down).await;
        self.start_master(n)
    }

    async fn ended(&mut self, n: usize) -> Result<ExitStatus, String> {
        let mut child = self.masters.running.remove(&(n + 1)).expect("it runs between two faults");
        match tokio::time::timeout(READY_WITHIN, child.wait()).await {
            Ok(ended) => ended.map_err(|e| e.to_string()),
            Err(_) => Err(self.complaint(n, "goes on after SIGTERM")),
        }
    }

    /// SIGTERM to the followers, then to the leader, which changes nothing without them; each ends with exit code 0.
    pub async fn stop(&mut self) -> Result<(), String> {
        let leader = self.leader().await.ok_or("nobody leads before the end")?;
        for some in [others(leader), vec![leader]] {
            some.iter().for_each(|n| self.signal(*n, "TERM"));
            for n in some {
                let ended = self.ended(n).await?;
                if !ended.success() {
                    return Err(self.complaint(n, &format!("ended with {ended} after SIGTERM")));
                }
            }
        }
        self.none_panicked()
    }

    /// Starts all masters, of which none runs, and waits until one leads.
    pub async fn start_all(&mut self) -> Result<(), String> {
        for n in 0..MASTERS {
            self.start_master(n)?;
        }
        self.wait_for_leader().await
    }

    /// No master has ended by itself, and none has panicked.
    pub fn all_run(&mut self) -> Result<(), String> {
        for n in 0..MASTERS {
            let child = self.masters.running.get_mut(&(n + 1)).expect("it runs between two faults");
            if let Some(ended) = child.try_wait().map_err(|e| e.to_string())? {
                return Err(self.complaint(n, &format!("ended by itself with {ended}")));
            }
        }
        self.none_panicked()
    }

    fn none_panicked(&self) -> Result<(), String> {
        match (0..MASTERS).find(|n| self.masters.printed(n + 1).contains("panicked at")) {
            Some(n) => Err(self.complaint(n, "panicked")),
            None => Ok(()),
        }
    }

    /// How often the masters' logs have this text.
    pub fn logged(&self, text: &str) -> usize {
        let log = |i: usize| std::fs::read_to_string(self.masters.dir.path().join(format!("m{i}/log/master/master_info.log")));
        self.masters.ids().map(|i| log(i).unwrap_or_default().matches(text).count()).sum()
    }

    fn complaint(&self, n: usize, what: &str) -> String {
        format!("master {} {what}; it printed:\n{}", n + 1, self.masters.printed(n + 1))
    }

    pub async fn wait_for_leader(&self) -> Result<(), String> {
        self.wait("a leader that serves", || async { self.leader().await.map(|_| ()).ok_or_else(String::new) }).await
    }

    pub async fn wait_for_nodes(&self) -> Result<(), String> {
        self.wait("heartbeat of every node", || async {
            let view = self.ask("/admin/getCluster").await.to_string();
            match active::missing(view.as_bytes(), DATA_NODES + META_NODES) {
                missing if missing.is_empty() => Ok(()),
                missing => Err(missing),
            }
        })
        .await
    }

    /// Every master is in the group and has what the leader has.
    pub async fn wait_for_group(&self) -> Result<(), String> {
        self.wait("group of all masters", || async {
            let status = &self.ask("/get/raftStatus").await["data"];
            let replicas = status["Replicas"].as_object().cloned().unwrap_or_default();
            let whole = replicas.values().all(|replica| replica["Match"] == status["Index"] && replica["Active"] == true);
            match whole && replicas.len() == MASTERS && status["Commit"] == status["Index"] {
                true => Ok(()),
                false => Err(status.to_string()),
            }
        })
        .await
    }

    /// Asks until it holds; the last answer says why it does not.
    async fn wait<F: Future<Output = Result<(), String>>>(&self, what: &str, ask: impl Fn() -> F) -> Result<(), String> {
        let end = Instant::now() + READY_WITHIN;
        loop {
            match ask().await {
                Ok(()) => return Ok(()),
                Err(why) if Instant::now() > end => return Err(format!("no {what} within {} s: {why}", READY_WITHIN.as_secs())),
                Err(_) => self.env.sleep(PAUSE).await,
            }
        }
    }

    /// The first good reply of a master; null when there is none.
    pub async fn ask(&self, target: &str) -> Value {
        for addr in self.addrs() {
            let reply = self.get(&addr, target, ANSWER_WITHIN).await;
            if reply["code"] == 0 {
                return reply;
            }
        }
        Value::Null
    }

    async fn get(&self, addr: &str, target: &str, within: Duration) -> Value {
        let by = self.env.now() + within;
        let answer = http::call(&self.env, addr, Method::GET, target, Bytes::new(), by, by).await;
        answer.ok().and_then(|answer| serde_json::from_slice(&answer.body).ok()).unwrap_or_default()
    }
}

/// All positions but this one.
fn others(spared: usize) -> Vec<usize> {
    (0..MASTERS).filter(|n| *n != spared).collect()
}
