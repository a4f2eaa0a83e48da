//! `ci/sim`: replays one seed, sweeps many over all cores, shrinks a failing one, or measures how soon planted bugs are found.

#[cfg(madsim)]
mod coverage;
#[cfg(madsim)]
mod mutants;
#[cfg(madsim)]
mod replay;
#[cfg(madsim)]
mod shrink;
#[cfg(madsim)]
mod sweep;
#[cfg(madsim)]
mod worker;

/// A run allocates all the time, on one thread.
#[cfg(madsim)]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(not(madsim))]
fn main() {
    eprintln!("built without --cfg madsim: use ci/sim");
    std::process::exit(2);
}

#[cfg(madsim)]
fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(run(&std::env::args().skip(1).collect::<Vec<_>>()))
}

#[cfg(madsim)]
use cfs_sim::run::{options::Profile, seed};

#[cfg(madsim)]
const USAGE: &str = "\
ci/sim SEED [storm]        replays one seed: options, story, verdict; exit code 101 panic, 110 safety, 111 progress, 113 too quiet
ci/sim shrink SEED [storm] takes away what a failing seed does not need, and writes what is left as a scenario
ci/sim scenario FILE       replays a scenario
ci/sim show SEED [storm]   prints a seed as a scenario
ci/sim sweep N [FROM]      N seeds on all cores, fresh ones without FROM; one in 20 replayed in a fresh process (112: another trace)
ci/sim check N             seeds 1 to N and that of the commit, as CI runs them
ci/sim mutants [N]         planted bugs: how soon each is found, of N seeds at most (2,000)
With RUST_LOG=cfs_master=info a replay shows the program's log lines too; SIM_TRACE=FILE writes every event to FILE.
A seed is a number or any word, as a commit hash; without `storm` every fourth seed of a sweep is one.";

#[cfg(madsim)]
fn run(args: &[String]) -> u8 {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["worker", profile, seeds @ ..] => worker::many(profile, seeds),
        ["one", profile, seed] => worker::one(profile, seed),
        ["one-scenario", file] => worker::scenario(file),
        ["shrink", text] => shrink::run(seed::parse(text), Profile::Survivable),
        ["shrink", text, "storm"] => shrink::run(seed::parse(text), Profile::Storm),
        ["scenario", file] => replay::scenario(file),
        ["show", text] => replay::show(seed::parse(text), Profile::Survivable),
        ["show", text, "storm"] => replay::show(seed::parse(text), Profile::Storm),
        ["sweep", count] => sweep::run(&sweep::fresh_seeds(number(count))),
        ["sweep", count, from] => sweep::run(&(0..number(count)).map(|n| seed::parse(from).wrapping_add(n)).collect::<Vec<_>>()),
        ["check", count, rest @ ..] => {
            let commit = rest.first().map(|text| seed::parse(text));
            let seeds: Vec<u64> = (1..=number(count)).chain(commit).collect();
            sweep::run(&seeds)
        }
        ["mutants"] => mutants::run(None),
        ["mutants", limit] => mutants::run(Some(limit)),
        [text] if !text.starts_with('-') && *text != "help" => replay::seed(seed::parse(text), Profile::Survivable),
        [text, "storm"] => replay::seed(seed::parse(text), Profile::Storm),
        _ => {
            eprintln!("{USAGE}");
            2
        }
    }
}

#[cfg(madsim)]
fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("{text} is no number"))
}

/// The command that runs a seed again.
#[cfg(madsim)]
fn again(seed: u64, profile: Profile) -> String {
    match profile {
        Profile::Survivable => format!("ci/sim {seed}"),
        Profile::Storm => format!("ci/sim {seed} storm"),
    }
}
