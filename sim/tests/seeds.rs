//! `cargo sim`: seeds 1 to SIM_SEEDS (20) keep every invariant, and a seed does the same in every process.
#![cfg(madsim)]

use cfs_sim::run::execute;
use cfs_sim::run::options::{Options, Profile};
use std::process::Command;

/// Set in a process that this test starts: the seed whose trace hash it is to print.
const PRINT_TRACE_OF: &str = "SIM_PRINT_TRACE_OF";

#[test]
fn seeds_keep_every_invariant() {
    let count: u64 = std::env::var("SIM_SEEDS").ok().map_or(20, |text| text.parse().expect("SIM_SEEDS is a number"));
    let mut failed = Vec::new();
    for seed in 1..=count {
        let (profile, storm) = if seed % 4 == 3 { (Profile::Storm, " storm") } else { (Profile::Survivable, "") };
        let report = execute(&Options::draw(seed, profile)).report;
        println!("{report}");
        if report.verdict.exit_code() != 0 {
            failed.push(format!("ci/sim {seed}{storm}    # {}", report.verdict));
        }
    }
    assert!(failed.is_empty(), "{} of {count} seeds failed; again:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn a_seed_has_the_same_trace_in_every_process() {
    if let Ok(seed) = std::env::var(PRINT_TRACE_OF) {
        println!("trace {:016x}", trace(seed.parse().expect("a seed")));
        return;
    }
    for seed in [1, 2] {
        let this = format!("trace {:016x}", trace(seed));
        let other = Command::new(std::env::current_exe().expect("a program has a path"))
            .args(["a_seed_has_the_same_trace_in_every_process", "--exact", "--nocapture"])
            .env(PRINT_TRACE_OF, seed.to_string())
            .output()
            .expect("the test runs again");
        let text = String::from_utf8_lossy(&other.stdout).into_owned();
        assert!(text.contains(&this), "seed {seed}: {this} here, in a fresh process {text}");
    }
}

fn trace(seed: u64) -> u64 {
    execute(&Options::draw(seed, Profile::Survivable)).report.trace_hash
}
