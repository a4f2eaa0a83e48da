//! The smallest schedule of a failing seed that still fails in the same way: what comes late is cut, what comes early is taken away, then
//! single faults and operations, and the time that is left over.

use crate::worker::{apart, Line};
use cfs_sim::run::fault::Planned;
use cfs_sim::run::options::{Options, Profile};
use cfs_sim::run::scenario;
use cfs_sim::run::shrink::minimize;
use cfs_sim::run::workload::Step;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Time for shrinking, seconds, unless SIM_SHRINK_SECS says otherwise.
const SECS: u64 = 60;
/// Steps of a search for how much can be cut.
const CUTS: usize = 4;
/// After the last fault and operation, before healing.
const TAIL: Duration = Duration::from_secs(2);

/// Runs candidates, each in a process of its own, until the time is up.
struct Trials {
    dir: PathBuf,
    /// The verdict to be kept.
    word: String,
    until: Instant,
    runs: usize,
}

impl Trials {
    fn run(dir: &Path, n: usize, options: &Options) -> Option<Line> {
        let path = dir.join(format!("{}-{n}.txt", std::process::id()));
        std::fs::write(&path, scenario::write(options)).ok()?;
        let line = apart(&["one-scenario", path.to_str()?], options.seed, options.profile);
        let _ = std::fs::remove_file(&path);
        Line::parse(&line)
    }

    /// The first candidate that fails in the same way, or `None`, also when the time is up.
    fn first(&mut self, candidates: &[Options]) -> Option<usize> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        for (n, some) in candidates.chunks(cores).enumerate() {
            if Instant::now() >= self.until {
                return None;
            }
            self.runs += some.len();
            let (dir, word) = (&self.dir, &self.word);
            let fails: Vec<bool> = std::thread::scope(|scope| {
                let runs: Vec<_> = some
                    .iter()
                    .enumerate()
                    .map(|(k, options)| scope.spawn(move || Self::run(dir, k, options).is_some_and(|line| line.word == *word)))
                    .collect();
                runs.into_iter().map(|run| run.join().unwrap_or(false)).collect()
            });
            if let Some(place) = fails.iter().position(|fails| *fails) {
                return Some(n * cores + place);
            }
        }
        None
    }

    fn still_fails(&mut self, options: &Options) -> bool {
        self.first(std::slice::from_ref(options)).is_some()
    }
}

pub fn run(seed: u64, profile: Profile) -> u8 {
    let start = Instant::now();
    let secs = std::env::var("SIM_SHRINK_SECS").ok().and_then(|text| text.parse().ok()).unwrap_or(SECS);
    let dir = PathBuf::from("target/shrunk");
    std::fs::create_dir_all(&dir).expect("target/shrunk can be made");
    let mut options = Options::draw(seed, profile);
    let Some(line) = Trials::run(&dir, 0, &options).filter(|line| line.code != 0) else {
        println!("seed {seed} {} passes: nothing to shrink", profile.word());
        return 0;
    };
    println!("{}", line.text);
    let mut trials = Trials { dir: dir.clone(), word: line.word.clone(), until: start + Duration::from_secs(secs), runs: 0 };
    if line.word != "quiet" {
        options.writes_min = 0;
    }
    let before = (options.faults.len(), options.steps.len());
    cut_what_came_later(&mut trials, &mut options, Duration::from_secs(line.secs + 1));
    cut_most(&mut trials, &mut options, without_the_end);
    cut_most(&mut trials, &mut options, without_the_beginning);
    options.faults = of_faults(&mut trials, &options);
    options.steps = of_steps(&mut trials, &options);
    if options.faults.len() > 1 {
        options.faults = of_faults(&mut trials, &options);
    }
    shorten(&mut trials, &mut options);
    let path = dir.join(format!("{seed}-{}.txt", profile.word()));
    std::fs::write(&path, scenario::write(&options)).expect("target/shrunk can be written");
    print!("\n{}", scenario::write(&options));
    println!(
        "\n{} of {} faults and {} of {} operations are left after {} runs in {:.0} s: {}",
        options.faults.len(),
        before.0,
        options.steps.len(),
        before.1,
        trials.runs,
        start.elapsed().as_secs_f64(),
        line.word,
    );
    println!("again: ci/sim scenario {}", path.display());
    line.code
}

/// What was planned for a time after the failure cannot have caused it.
fn cut_what_came_later(trials: &mut Trials, options: &mut Options, failed: Duration) {
    let mut shorter = options.clone();
    shorter.faults.retain(|planned| planned.at <= failed);
    shorter.steps.retain(|step| step.at <= failed);
    if shorter != *options && trials.still_fails(&shorter) {
        *options = shorter;
    }
}

/// Cuts as much as a search finds that can be cut. `cut` takes a share of all time away.
fn cut_most(trials: &mut Trials, options: &mut Options, cut: fn(&Options, f64) -> Options) {
    let whole = options.clone();
    let (mut can, mut cannot) = (0.0, 1.0);
    for _ in 0..CUTS {
        let third = (cannot - can) / 3.0;
        let shares = [can + 2.0 * third, can + third];
        let candidates = shares.map(|share| cut(&whole, share));
        match trials.first(&candidates) {
            Some(place) => {
                (can, cannot) = (shares[place], if place == 0 { cannot } else { shares[0] });
                *options = candidates[place].clone();
            }
            None => cannot = shares[1],
        }
    }
}

fn without_the_end(options: &Options, share: f64) -> Options {
    let until = options.length.mul_f64(1.0 - share);
    let mut shorter = Options { length: until, ..options.clone() };
    shorter.faults.retain(|planned| planned.at <= until);
    shorter.steps.retain(|step| step.at <= until);
    shorter
}

fn without_the_beginning(options: &Options, share: f64) -> Options {
    let from = options.length.mul_f64(share);
    let mut shorter = options.clone();
    shorter.faults.retain(|planned| planned.at + planned.lasts >= from);
    shorter.steps.retain(|step| step.at >= from);
    shorter
}

fn of_faults(trials: &mut Trials, options: &Options) -> Vec<Planned> {
    minimize(options.faults.clone(), |candidates| {
        let with = |faults: &Vec<Planned>| Options { faults: faults.clone(), ..options.clone() };
        trials.first(&candidates.iter().map(with).collect::<Vec<_>>())
    })
}

fn of_steps(trials: &mut Trials, options: &Options) -> Vec<Step> {
    minimize(options.steps.clone(), |candidates| {
        let with = |steps: &Vec<Step>| Options { steps: steps.clone(), ..options.clone() };
        trials.first(&candidates.iter().map(with).collect::<Vec<_>>())
    })
}

/// Healing right after the last thing that happens.
fn shorten(trials: &mut Trials, options: &mut Options) {
    let faults = options.faults.iter().map(|planned| planned.at + planned.lasts);
    let last = faults.chain(options.steps.iter().map(|step| step.at)).max().unwrap_or_default();
    let shorter = Options { length: options.length.min(last + TAIL), ..options.clone() };
    if shorter != *options && trials.still_fails(&shorter) {
        *options = shorter;
    }
}
