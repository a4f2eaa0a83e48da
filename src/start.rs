//! Puts a master together from an environment and a configuration: stores, raft with the state machine, the master, HTTP. The daemon
//! and the simulation start it in the same way.

use crate::api::{self, Ports, Server};
use crate::config::Config;
use crate::env::{Env, StoreError, TaskHandle};
use crate::master::machine::{Machine, MachineError};
use crate::master::Master;
use crate::raft::{self, Raft};
use crate::state::Outcome;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// Raft ticks in one `tickInterval`: with finer ticks the election time-out needs less slack, so that the next leader is there within the
/// configured time and not within twice that.
const TICKS_PER_INTERVAL: u32 = 10;

/// Why a master did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the state store: {0}")]
    State(#[from] MachineError),
    #[error(transparent)]
    Raft(#[from] raft::StartError),
    #[error("HTTP on {addr}: {reason}")]
    Http { addr: String, reason: io::Error },
}

/// A running master.
pub struct Running {
    pub master: Arc<Master>,
    raft: Raft<Outcome>,
    server: Server,
    reigns: TaskHandle,
}

/// Starts a master. It serves HTTP when this returns, and leads or follows as soon as raft knows.
///
/// # Errors
/// A store cannot be opened or read, or an address cannot be bound.
pub async fn start(env: Env, config: Config) -> Result<Running, StartError> {
    let config = Arc::new(config);
    let (machine, published) = Machine::load(env.storage.open(&config.store_dir).await?)?;
    let log_store = env.storage.open(&config.wal_dir).await?;
    let options = raft::Options {
        id: config.id,
        peers: config.peers.clone(),
        bind: config.bind_addr(),
        replica_port: config.replica_port,
        tick: config.tick_interval / TICKS_PER_INTERVAL,
        // The configured time is the longest that an election waits: the shortest is four fifths of it (see raft::election).
        election_ticks: config.election_tick * TICKS_PER_INTERVAL as usize * 4 / 5,
        retain_logs: config.retain_logs,
    };
    let raft = raft::start(env.clone(), options, log_store, machine).await?;
    let master = Master::new(env.clone(), config.clone(), raft.clone(), published);
    let reigns = env.spawn("leadership", master.clone().run());
    let at = |port| SocketAddr::new(config.bind_addr().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), port);
    let addr = at(config.listen);
    let ports = Ports { api: addr, prof: config.prof.map(at), exporter: config.exporter_port.map(at) };
    let server = api::serve(&env, master.clone(), ports).await.map_err(|reason| StartError::Http { addr: addr.to_string(), reason })?;
    tracing::info!(id = config.id.0, cluster = config.cluster_name, %addr, "serves");
    Ok(Running { master, raft, server, reigns })
}

impl Running {
    /// Waits until raft has ended by itself: a disk failed, and this process must not go on.
    pub async fn failed(&self) -> String {
        self.raft.stopped().await.to_string()
    }

    /// Hands leadership over, stops serving, then raft, then the rest; what was acknowledged is on disk.
    pub async fn stop(self) {
        // First: while requests are answered that were begun before, no more are taken, and nobody else would serve.
        self.raft.hand_over().await;
        self.server.stop().await;
        self.raft.stop().await;
        self.reigns.join().await;
    }
}
