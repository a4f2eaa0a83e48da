//! The simulated side of the seams keeps the contract (`cargo sim`); `tests/seams.rs` runs the same cases on tokio and RocksDB.
#![cfg(madsim)]

use cfs_master::env::BoxFuture;
use cfs_sim::contract::Bench;
use cfs_sim::world::{self, World};
use std::net::IpAddr;
use tokio::sync::oneshot;

/// Runs a case as the program of the only host, with a few seeds.
fn run(name: &str, case: fn(Bench) -> BoxFuture<'static, ()>) {
    for seed in 0..5 {
        let program = move |world: World| async move {
            let ip = IpAddr::from([10, 0, 0, 1]);
            let host = world.add_host("bench", ip);
            let (done, wait) = oneshot::channel();
            world.boot(host, |env| async move {
                case(Bench { env, dir: "/var/cfs".into(), ip }).await;
                let _ = done.send(());
            });
            wait.await
        };
        assert!(world::run(seed, program).is_ok(), "{name} did not end with seed {seed}");
    }
}

cfs_sim::contract_tests!(crate::run);
