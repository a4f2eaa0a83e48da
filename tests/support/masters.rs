//! Master processes of this build, on 127.0.NET.1 and up, with a directory of their own.

use serde_json::{json, Map, Value};
use std::collections::BTreeMap;
use std::io;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// The masters of one cluster. Dropping it kills what runs; the directory goes with it.
pub struct Masters {
    net: u8,
    count: usize,
    /// Keys that masters have beside, or instead of, the usual ones from their next start on.
    pub extra: Map<String, Value>,
    pub dir: tempfile::TempDir,
    pub running: BTreeMap<usize, Child>,
}

impl Masters {
    /// Starts none yet.
    pub fn new(net: u8, count: usize, extra: Map<String, Value>) -> io::Result<Self> {
        Ok(Self { net, count, extra, dir: tempfile::tempdir()?, running: BTreeMap::new() })
    }

    pub fn ids(&self) -> RangeInclusive<usize> {
        1..=self.count
    }

    /// `ip:port` of a master.
    pub fn addr(&self, i: usize) -> String {
        format!("127.0.{}.{i}:17010", self.net)
    }

    /// What its configuration file says.
    pub fn config(&self, i: usize) -> Value {
        let at = |name: &str| self.dir.path().join(format!("m{i}")).join(name).display().to_string();
        let peers: Vec<String> = self.ids().map(|k| format!("{k}:{}", self.addr(k))).collect();
        let mut config = json!({
            "role": "master", "ip": format!("127.0.{}.{i}", self.net), "bindIp": true, "listen": "17010", "id": i.to_string(),
            "peers": peers.join(","), "retainLogs": "20000", "logDir": at("log"), "logLevel": "error", "walDir": at("wal"),
            "storeDir": at("store"), "clusterName": "conform", "metaNodeReservedMem": "67108864", "enableFollowerCache": true,
        });
        config.as_object_mut().expect("an object").extend(self.extra.clone());
        config
    }

    /// Writes a master's configuration file.
    pub fn configure(&self, i: usize) -> io::Result<PathBuf> {
        let file = self.dir.path().join(format!("m{i}.json"));
        std::fs::write(&file, self.config(i).to_string())?;
        Ok(file)
    }

    /// Starts, or starts again, one master process.
    pub fn start(&mut self, i: usize) -> io::Result<()> {
        let file = self.configure(i)?;
        let out = std::fs::File::options().create(true).append(true).open(self.dir.path().join(format!("m{i}.out")))?;
        let child = Command::new(env!("CARGO_BIN_EXE_cfs-master"))
            .args(["-f", "-c"])
            .arg(&file)
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .kill_on_drop(true)
            .spawn()?;
        self.running.insert(i, child);
        Ok(())
    }

    /// kill -9.
    pub async fn kill(&mut self, i: usize) {
        if let Some(mut child) = self.running.remove(&i) {
            let _ = child.kill().await;
        }
    }

    /// Standard output and standard error of all its starts.
    pub fn printed(&self, i: usize) -> String {
        std::fs::read_to_string(self.dir.path().join(format!("m{i}.out"))).unwrap_or_default()
    }
}
