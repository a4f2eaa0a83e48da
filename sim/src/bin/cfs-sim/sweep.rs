//! Many seeds over all cores.

use crate::again;
use crate::coverage;
use crate::worker::Line;
use cfs_sim::run::options::Profile;
use cfs_sim::run::report::NOT_DETERMINISTIC;
use cfs_sim::world::entropy::Stream;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// One passing seed in so many is replayed in a fresh process.
const REPLAY_ONE_IN: usize = 20;

pub fn fresh_seeds(count: u64) -> Vec<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    let mut stream = Stream::new(now, &["fresh seeds"]);
    // Short enough to be read out.
    (0..count).map(|_| stream.below(1_000_000_000)).collect()
}

/// Runs seeds in processes of their own, one per core, and hands over each line as it comes. `false` from `each` ends it.
pub fn spread(seeds: &[u64], profile: &str, environment: &[(&str, &str)], mut each: impl FnMut(Line) -> bool) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(seeds.len().max(1));
    let program = std::env::current_exe().expect("a program has a path");
    let (send, lines) = mpsc::channel();
    let mut children = Vec::new();
    for n in 0..cores {
        let share: Vec<String> = seeds.iter().skip(n).step_by(cores).map(u64::to_string).collect();
        let mut child = Command::new(&program)
            .arg("worker")
            .arg(profile)
            .args(share)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a worker starts");
        let (send, out) = (send.clone(), child.stdout.take().expect("it was asked for"));
        children.push(child);
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
    }
    drop(send);
    for line in lines {
        if let Some(line) = Line::parse(&line) {
            if !each(line) {
                break;
            }
        }
    }
    for mut child in children {
        let _ = child.kill();
        let _ = child.wait();
    }
}

pub fn run(seeds: &[u64]) -> u8 {
    let start = Instant::now();
    let (mut lines, mut worst) = (Vec::new(), 0);
    spread(seeds, "mixed", &[], |line| {
        if line.code != 0 {
            println!("{}\n  again: {}", line.text, again(line.seed, line.profile));
            worst = worst.max(line.code);
        }
        lines.push(line);
        true
    });
    let (replayed, different) = replay_some(&lines);
    coverage::print(&lines);
    let missing = seeds.len() - lines.len();
    let failed = lines.iter().filter(|line| line.code != 0).count();
    let secs: u64 = lines.iter().map(|line| line.secs).sum();
    println!(
        "{} seeds, {secs} virtual seconds in {:.0} s: {} passed, {failed} failed, {missing} without an answer; {replayed} replayed, {different} differ",
        seeds.len(),
        start.elapsed().as_secs_f64(),
        lines.len() - failed,
    );
    match (worst, different, missing) {
        (0, 0, 0) => 0,
        (0, 0, _) => 101,
        (0, _, _) => NOT_DETERMINISTIC,
        (worst, _, _) => worst,
    }
}

/// Runs every failed seed and some of the others again; how many, and how many had another trace.
fn replay_some(lines: &[Line]) -> (usize, usize) {
    let again: Vec<&Line> =
        lines.iter().enumerate().filter(|(n, line)| line.code != 0 || n % REPLAY_ONE_IN == 0).map(|(_, line)| line).collect();
    let mut different = 0;
    for profile in [Profile::Survivable, Profile::Storm] {
        let seeds: Vec<u64> = again.iter().filter(|line| line.profile == profile).map(|line| line.seed).collect();
        if seeds.is_empty() {
            continue;
        }
        spread(&seeds, profile.word(), &[], |line| {
            if again.iter().any(|first| (first.seed, first.profile) == (line.seed, line.profile) && first.hash != line.hash) {
                println!("seed {} has another trace in a fresh process: {}", line.seed, line.hash);
                different += 1;
            }
            true
        });
    }
    (again.len(), different)
}
