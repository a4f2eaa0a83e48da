//! The master as the simulation starts it: the daemon's own start-up, on the world's Env.

use cfs_master::config::Config;
use cfs_master::env::Env;
use cfs_master::master::Master;
use cfs_master::start;
use std::sync::Arc;

/// Runs a master until it ends; says why it did. `ready` gets it as soon as it serves.
pub async fn master(env: Env, config: &str, ready: impl FnOnce(Arc<Master>)) -> String {
    let config = match Config::parse("sim.json", config) {
        Ok((config, _)) => config,
        Err(error) => return error.to_string(),
    };
    match start::start(env, config).await {
        Ok(running) => {
            let raft = running.master.raft().clone();
            ready(running.master.clone());
            raft.stopped().await.to_string()
        }
        Err(error) => error.to_string(),
    }
}
