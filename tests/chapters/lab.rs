//! A cluster for one chapter: master processes of this build, stand-in nodes in this process, all on 127.0.NET.x.

use crate::compare::NodeIds;
use crate::http::{call, Request};
use crate::masters::Masters;
use cfs_master::env::Env;
use cfs_sim::nodes::{Fleet, FleetOptions, Shape};
use serde_json::{json, Value};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The running cluster of a chapter. Dropping it kills what it started; its directory goes with it.
pub struct Lab {
    pub masters: Masters,
    env: Env,
    fleet: Option<Arc<Fleet>>,
}

impl Lab {
    /// Starts the masters, then the nodes, and waits until all nodes are writable.
    pub async fn start(chapter: &Value, net: u8) -> Result<Self, String> {
        let count = |key: &str, default: u64| chapter.get(key).and_then(Value::as_u64).unwrap_or(default) as usize;
        let config = chapter.get("config").and_then(Value::as_object).cloned().unwrap_or_default();
        let masters = Masters::new(net, count("masters", 1), config).map_err(|e| e.to_string())?;
        let mut lab = Self { masters, env: cfs_master::env::tokio::production(), fleet: None };
        for i in lab.masters.ids() {
            lab.masters.start(i).map_err(|e| e.to_string())?;
        }
        lab.wait(60, "a leader", |cluster| cluster["code"] == 0).await?;
        let (data, meta) = (count("data", 6), count("meta", 4));
        if data + meta > 0 {
            let masters = lab.masters.ids().map(|i| lab.masters.addr(i)).collect();
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
        call(&self.masters.addr(to), &request, timeout).await
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
        Err(format!("{what} not reached in {secs} s; master 1 printed:\n{}", self.masters.printed(1)))
    }
}

/// `application/x-www-form-urlencoded` text of a chapter's query object.
pub fn form(query: &serde_json::Map<String, Value>) -> String {
    const KEPT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~');
    let quoted = |s: &str| percent_encoding::utf8_percent_encode(s, KEPT).to_string().replace("%20", "+");
    let shown = |v: &Value| match v {
        Value::String(s) => s.clone(),
        Value::Bool(b) => if *b { "True" } else { "False" }.to_owned(),
        other => other.to_string(),
    };
    query.iter().map(|(k, v)| format!("{}={}", quoted(k), quoted(&shown(v)))).collect::<Vec<_>>().join("&")
}
