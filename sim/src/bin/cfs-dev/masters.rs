//! The masters of the cluster, each on an address of its own.

use cfs_master::config::Config;
use cfs_master::env::Env;
use cfs_master::start::{self, Running};
use serde_json::json;
use std::path::{Path, PathBuf};

const MASTERS: usize = 3;

pub struct Masters {
    env: Env,
    net: u8,
    dir: PathBuf,
    running: [Option<Running>; MASTERS],
}

impl Masters {
    pub fn new(env: Env, net: u8, dir: &Path) -> Self {
        Self { env, net, dir: dir.to_owned(), running: Default::default() }
    }

    /// Addresses of the HTTP services.
    pub fn addrs(&self) -> Vec<String> {
        (1..=MASTERS).map(|id| format!("127.0.{}.{id}:17010", self.net)).collect()
    }

    fn config(&self, id: usize) -> Result<Config, String> {
        let peers: Vec<String> = self.addrs().iter().enumerate().map(|(n, addr)| format!("{}:{addr}", n + 1)).collect();
        let at = |what: &str| self.dir.join(format!("master{id}/{what}"));
        let text = json!({
            "role": "master", "ip": format!("127.0.{}.{id}", self.net), "bindIp": true, "listen": "17010", "id": id.to_string(),
            "peers": peers.join(","), "walDir": at("wal"), "storeDir": at("store"), "clusterName": "dev",
            "metaNodeReservedMem": "67108864",
        });
        Config::parse("cfs-dev", &text.to_string()).map(|(config, _)| config).map_err(|e| e.to_string())
    }

    pub async fn start_all(&mut self) -> Result<(), String> {
        for id in 1..=MASTERS {
            self.start(id).await?;
        }
        Ok(())
    }

    /// Starts the master with this id; nothing happens when it runs.
    pub async fn start(&mut self, id: usize) -> Result<(), String> {
        let config = self.config(id)?;
        if self.running[id - 1].is_none() {
            let started = start::start(self.env.clone(), config).await.map_err(|e| format!("master {id}: {e}"))?;
            self.running[id - 1] = Some(started);
        }
        Ok(())
    }

    /// Stops the master with this id.
    pub async fn stop(&mut self, id: usize) {
        if let Some(running) = self.running[id - 1].take() {
            running.stop().await;
        }
    }

    pub async fn stop_all(mut self) {
        for id in 1..=MASTERS {
            self.stop(id).await;
        }
    }

    /// Ids of masters.
    pub fn ids() -> std::ops::RangeInclusive<usize> {
        1..=MASTERS
    }
}
