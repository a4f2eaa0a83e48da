//! Runs of which a parent reads one line each.

use crate::replay::{capsule, read};
use cfs_sim::run::options::{Options, Profile};
use cfs_sim::run::{execute, seed};
use std::io::Write as _;
use std::process::{Command, Stdio};

/// What a worker said of a run.
#[derive(Clone, Debug)]
pub struct Line {
    pub seed: u64,
    pub profile: Profile,
    pub hash: String,
    pub code: u8,
    /// The kind of verdict in one word.
    pub word: String,
    pub secs: u64,
    /// Faults by class, crash points hit and the like: `name=count`.
    pub counts: Vec<(String, u64)>,
    pub text: String,
}

impl Line {
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.splitn(8, ' ');
        let (seed, profile, hash) = (words.next()?.parse().ok()?, Profile::of_word(words.next()?)?, words.next()?.to_owned());
        let (code, word, secs) = (words.next()?.parse().ok()?, words.next()?.to_owned(), words.next()?.parse().ok()?);
        let counts = words.next()?.split(',').filter_map(|pair| {
            let (name, count) = pair.split_once('=')?;
            Some((name.to_owned(), count.parse().ok()?))
        });
        let counts = counts.collect();
        Some(Self { seed, profile, hash, code, word, secs, counts, text: words.next()?.to_owned() })
    }
}

/// Every fourth seed of a sweep is a storm.
fn profile_of(seed: u64) -> Profile {
    if seed % 4 == 3 {
        Profile::Storm
    } else {
        Profile::Survivable
    }
}

/// Runs seeds one after the other, each in a process of its own: what a library draws from a counter of its process (tokio's watch
/// does) must not depend on the seeds before.
pub fn many(profile: &str, seeds: &[&str]) -> u8 {
    for text in seeds {
        let seed = seed::parse(text);
        let profile = Profile::of_word(profile).unwrap_or_else(|| profile_of(seed));
        println!("{}", apart(&["one", profile.word(), text], seed, profile));
    }
    0
}

/// The line of a run in a process of its own.
pub fn apart(args: &[&str], seed: u64, profile: Profile) -> String {
    let program = std::env::current_exe().expect("a program has a path");
    let ran = Command::new(program).args(args).stderr(Stdio::inherit()).output().expect("a run's process starts");
    match String::from_utf8_lossy(&ran.stdout).lines().last() {
        Some(line) if Line::parse(line).is_some() => line.to_owned(),
        _ => format!("{seed} {} 0 101 crash 0 - seed {seed}: its process ended with {}", profile.word(), ran.status),
    }
}

/// Runs one seed and prints its line.
pub fn one(profile: &str, text: &str) -> u8 {
    let profile = Profile::of_word(profile).unwrap_or(Profile::Survivable);
    print_line(&Options::draw(seed::parse(text), profile), true)
}

/// Runs a scenario and prints its line.
pub fn scenario(file: &str) -> u8 {
    match read(file) {
        Ok(options) => print_line(&options, false),
        Err(error) => {
            eprintln!("{file}: {error}");
            2
        }
    }
}

fn print_line(options: &Options, keep: bool) -> u8 {
    let finished = execute(options);
    let report = &finished.report;
    let code = report.verdict.exit_code();
    if code != 0 && keep {
        capsule(&finished);
    }
    let counts: Vec<String> = report.counts().into_iter().map(|(name, count)| format!("{}={count}", name.replace(' ', "-"))).collect();
    let counts = if counts.is_empty() { "-".to_owned() } else { counts.join(",") };
    let (hash, word, secs) = (report.trace_hash, report.verdict.word(), report.virtual_time.as_secs());
    // Who wanted it may have enough by now.
    let _ = writeln!(std::io::stdout(), "{} {} {hash:016x} {code} {word} {secs} {counts} {report}", options.seed, options.profile.word());
    0
}
