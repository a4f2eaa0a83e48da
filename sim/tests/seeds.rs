//! `cargo sim`: seeds 1 to SIM_SEEDS (20) keep every invariant, and a seed does the same in every process.
//!
//! Each seed runs in a process of its own (see `sim/src/bin/cfs-sim/worker.rs`).
#![cfg(madsim)]

use std::process::Command;

/// The lines of a worker: seed, profile, trace hash, exit code, virtual seconds, report.
fn worker(seeds: &[u64]) -> Vec<String> {
    let run = Command::new(env!("CARGO_BIN_EXE_cfs-sim"))
        .args(["worker", "mixed"])
        .args(seeds.iter().map(u64::to_string))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("the simulation starts");
    let lines: Vec<String> = String::from_utf8_lossy(&run.stdout).lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), seeds.len(), "{}", String::from_utf8_lossy(&run.stderr));
    lines
}

#[test]
fn seeds_keep_every_invariant() {
    let count: u64 = std::env::var("SIM_SEEDS").ok().map_or(20, |text| text.parse().expect("SIM_SEEDS is a number"));
    let lines = worker(&(1..=count).collect::<Vec<_>>());
    lines.iter().for_each(|line| println!("{line}"));
    let failed: Vec<&String> = lines.iter().filter(|line| line.split(' ').nth(3) != Some("0")).collect();
    assert!(failed.is_empty(), "{} of {count} seeds failed; again with ci/sim SEED [storm]:\n{failed:#?}", failed.len());
}

#[test]
fn a_seed_has_the_same_trace_in_every_process() {
    let hashes = |seeds: &[u64]| worker(seeds).iter().map(|line| line.split(' ').nth(2).map(str::to_owned)).collect::<Vec<_>>();
    assert_eq!(hashes(&[1, 2, 3]), hashes(&[1, 2, 3]));
}
