//! Both sides of every seam keep one contract: here tokio, its sockets and RocksDB run the cases that
//! `sim/tests/contract.rs` runs in the simulated world.

use cfs_master::env::{tokio::production, BoxFuture};
use cfs_sim::contract::Bench;
use std::net::IpAddr;

/// Runs a case on a runtime of its own, with an empty directory.
fn run(name: &str, case: fn(Bench) -> BoxFuture<'static, ()>) {
    let dir = tempfile::tempdir().expect("a directory");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name(name).enable_all().build().expect("a runtime");
    let path = dir.path().to_path_buf();
    runtime.block_on(async move { case(Bench { env: production(), dir: path, ip: IpAddr::from([127, 0, 0, 1]) }).await });
}

cfs_sim::contract_tests!(crate::run);
