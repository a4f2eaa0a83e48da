//! A cluster for one chapter: master processes of this build, stand-in nodes in this process, all on 127.0.NET.x.

use crate::compare::NodeIds;
use crate::http::{call, form, Request};
use cfs_master::env::Env;
use cfs_sim::nodes::{Fleet, FleetOptions, Shape};
use serde_json::{json, Map, Value};
use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// The running cluster of a chapter. Dropping it kills what it started; its directory goes with it.
pub struct Lab {
    net: u8,
    config: Map<String, Value>,
    masters: usize,
    dir: tempfile::TempDir,
    running: BTreeMap<usize, Child>,
    env: Env,
    fleet: Option<Arc<Fleet>>,
}

impl Lab {
    /// Starts the masters, then the nodes, and waits until all nodes are writable.
    pub async fn start(chapter: &Value, net: u8) -> Result<Self, String> {
        let count = |key: &str, default: u64| chapter.get(key).and_then(Value::as_u64).unwrap_or(default) as usize;
        let config = chapter.get("config").and_then(Value::as_object).cloned().unwrap_or_default();
        let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
        let mut lab = Self {
            net,
            config,
            masters: count("masters", 1),
            dir,
            running: BTreeMap::new(),
            env: cfs_master::env::tokio::production(),
            fleet: None,
        };
        for i in 1..=lab.masters {
            lab.start_master(i)?;
        }
        lab.wait(60, "a leader", |cluster| cluster["code"] == 0).await?;
        let (data, meta) = (count("data", 6), count("meta", 4));
        if data + meta > 0 {
            let masters = (1..=lab.masters).map(|i| lab.addr(i)).collect();
            let shape = Shape { data, meta, zones: count("zones", 1), hdd: count("hdd", 0), net };
            let fleet = Fleet::new(masters, &shape, FleetOptions::default());
            lab.fleet = Some(fleet.clone());
            fleet.start_all(&lab.env).await.map_err(|e| e.to_string())?;
            let writable = |list: &Value| list.as_array().map_or(0, |l| l.iter().filter(|n| n["IsWritable"] == true).count());
            lab.wait(120, "all nodes writable", |cluster| {
                writable(&cluster["data"]["DataNodes"]) >= data && writable(&cluster["data"]["MetaNodes"]) >= meta
            })
            .await?;
        }
        Ok(lab)
    }

    /// `ip:port` of a master.
    fn addr(&self, i: usize) -> String {
        format!("127.0.{}.{i}:17010", self.net)
    }

    /// Starts, or starts again, one master process.
    pub fn start_master(&mut self, i: usize) -> Result<(), String> {
        let at = |name: &str| self.dir.path().join(format!("m{i}")).join(name).display().to_string();
        let ip = |k: usize| format!("127.0.{}.{k}", self.net);
        let peers: Vec<String> = (1..=self.masters).map(|k| format!("{k}:{}:17010", ip(k))).collect();
        let mut config = json!({
            "role": "master", "ip": ip(i), "bindIp": true, "listen": "17010", "id": i.to_string(), "peers": peers.join(","),
            "retainLogs": "20000", "logDir": at("log"), "logLevel": "error", "walDir": at("wal"), "storeDir": at("store"),
            "clusterName": "conform", "metaNodeReservedMem": "67108864", "enableFollowerCache": true,
        });
        config.as_object_mut().expect("an object").extend(self.config.clone());
        let file = self.dir.path().join(format!("m{i}.json"));
        std::fs::write(&file, config.to_string()).map_err(|e| e.to_string())?;
        let out = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join(format!("m{i}.out")))
            .map_err(|e| e.to_string())?;
        let child = Command::new(env!("CARGO_BIN_EXE_cfs-master"))
            .args(["-f", "-c"])
            .arg(&file)
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(out.try_clone().map_err(|e| e.to_string())?)
            .stderr(out)
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| e.to_string())?;
        self.running.insert(i, child);
        Ok(())
    }

    /// kill -9.
    pub async fn kill_master(&mut self, i: usize) {
        if let Some(mut child) = self.running.remove(&i) {
            let _ = child.kill().await;
        }
    }

    /// Ids of the stand-in nodes by address.
    pub fn node_ids(&self) -> NodeIds {
        self.fleet.iter().flat_map(|f| f.dump()).map(|n| (n.addr, n.id)).collect()
    }

    /// One control line of a chapter (`{"op": "down", "addr": …}`) for the stand-in nodes.
    pub async fn tell(&self, line: &Value) -> Value {
        match &self.fleet {
            Some(fleet) => fleet.control(&self.env, line).await,
            None => json!({"ok": false}),
        }
    }

    /// Sends the request of a step.
    pub async fn request(&self, step: &Value) -> Value {
        let mut target = step["p"].as_str().unwrap_or("/").to_owned();
        match &step["q"] {
            Value::Object(q) => target.push_str(&format!("?{}", form(q))),
            Value::String(q) if !q.is_empty() => target.push_str(&format!("?{q}")),
            _ => {}
        }
        let body = match &step["b"] {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        let mut headers: Vec<(String, String)> = match step["h"].as_object() {
            Some(h) => h.iter().map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_owned())).collect(),
            None => Vec::new(),
        };
        if body.is_some() && !headers.iter().any(|(k, _)| k.eq_ignore_ascii_case("content-type")) {
            headers.push(("Content-Type".into(), "application/json".into()));
        }
        let to = step["to"].as_u64().unwrap_or(1) as usize;
        let timeout = Duration::from_secs(step["timeout"].as_u64().unwrap_or(90));
        let request = Request { method: step["m"].as_str().unwrap_or("GET"), target: &target, headers, body };
        call(&self.addr(to), &request, timeout).await
    }

    async fn wait(&self, secs: u64, what: &str, ready: impl Fn(&Value) -> bool) -> Result<(), String> {
        let end = Instant::now() + Duration::from_secs(secs);
        while Instant::now() < end {
            let reply = self.request(&json!({"p": "/admin/getCluster"})).await;
            if ready(&reply["body"]) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        let out = std::fs::read_to_string(self.dir.path().join("m1.out")).unwrap_or_default();
        Err(format!("{what} not reached in {secs} s; master 1 printed:\n{out}"))
    }
}
