//! `ci/sim`: replays one seed, sweeps many over all cores, or measures how soon planted bugs are found.

#[cfg(not(madsim))]
fn main() {
    eprintln!("built without --cfg madsim: use ci/sim");
    std::process::exit(2);
}

#[cfg(madsim)]
fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(command::run(&std::env::args().skip(1).collect::<Vec<_>>()))
}

#[cfg(madsim)]
mod command {
    use cfs_sim::run::options::{Options, Profile};
    use cfs_sim::run::report::NOT_DETERMINISTIC;
    use cfs_sim::run::{execute, seed, Finished};
    use cfs_sim::world::entropy::Stream;
    use std::fmt::Write as _;
    use std::io::{BufRead, BufReader};
    use std::path::PathBuf;
    use std::process::{Command, Stdio};
    use std::sync::mpsc;
    use std::time::{Instant, SystemTime, UNIX_EPOCH};

    const USAGE: &str = "\
ci/sim SEED [storm]       replays one seed: options, story, verdict; exit code 101 panic, 110 safety, 111 progress, 113 too quiet
ci/sim sweep N [FROM]     N seeds on all cores, fresh ones without FROM; one in 20 replayed in a fresh process (112: another trace)
ci/sim check N            seeds 1 to N and that of the commit, as CI runs them
ci/sim mutants [N]        planted bugs: how soon each is found, of N seeds at most (2,000)
With RUST_LOG=cfs_master=info a replay shows the program's log lines too; SIM_TRACE=FILE writes every event to FILE.
A seed is a number or any word, as a commit hash; without `storm` every fourth seed of a sweep is one.";

    /// One passing seed in so many is replayed in a fresh process.
    const REPLAY_ONE_IN: u64 = 20;

    pub fn run(args: &[String]) -> u8 {
        let words: Vec<&str> = args.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["worker", profile, seeds @ ..] => worker(profile, seeds),
            ["one", profile, seed] => one(profile, seed),
            ["sweep", count] => sweep(&fresh_seeds(number(count)), true),
            ["sweep", count, from] => sweep(&(0..number(count)).map(|n| seed::parse(from).wrapping_add(n)).collect::<Vec<_>>(), true),
            ["check", count, rest @ ..] => {
                let commit = rest.first().map(|text| seed::parse(text));
                sweep(&(1..=number(count)).chain(commit).collect::<Vec<_>>(), true)
            }
            ["mutants"] => mutants::run(None),
            ["mutants", limit] => mutants::run(Some(limit)),
            [text] if !text.starts_with('-') && *text != "help" => replay(seed::parse(text), Profile::Survivable),
            [text, "storm"] => replay(seed::parse(text), Profile::Storm),
            _ => {
                eprintln!("{USAGE}");
                2
            }
        }
    }

    fn number(text: &str) -> u64 {
        text.parse().unwrap_or_else(|_| panic!("{text} is no number"))
    }

    fn fresh_seeds(count: u64) -> Vec<u64> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
        let mut stream = Stream::new(now, &["fresh seeds"]);
        // Short enough to be read out.
        (0..count).map(|_| stream.below(1_000_000_000)).collect()
    }

    /// Every fourth seed of a sweep is a storm.
    fn profile_of(seed: u64) -> Profile {
        if seed % 4 == 3 {
            Profile::Storm
        } else {
            Profile::Survivable
        }
    }

    fn word(profile: Profile) -> &'static str {
        match profile {
            Profile::Survivable => "survivable",
            Profile::Storm => "storm",
        }
    }

    pub fn again(seed: u64, profile: Profile) -> String {
        match profile {
            Profile::Survivable => format!("ci/sim {seed}"),
            Profile::Storm => format!("ci/sim {seed} storm"),
        }
    }

    fn replay(seed: u64, profile: Profile) -> u8 {
        let options = Options::draw(seed, profile);
        print!("{options}");
        if std::env::var_os("RUST_LOG").is_some() {
            // The program's own log lines, at virtual time.
            madsim::runtime::init_logger();
        }
        let start = Instant::now();
        let finished = execute(&options);
        print!("{}", story(&finished));
        println!("{}", finished.report);
        println!("{:.0} virtual seconds per second", finished.report.virtual_time.as_secs_f64() / start.elapsed().as_secs_f64());
        if finished.report.verdict.exit_code() != 0 {
            println!("the whole of it: {}", capsule(&finished).display());
            println!("again: {}", again(seed, profile));
        }
        finished.report.verdict.exit_code()
    }

    fn story(finished: &Finished) -> String {
        let mut out = String::new();
        for event in &finished.story {
            let host = event.host.and_then(|host| finished.hosts.get(usize::from(host.0))).map_or("", String::as_str);
            let _ = writeln!(out, "{:>11.4} {host:<18} {:?}", event.at.as_secs_f64(), event.what);
        }
        out
    }

    /// Everything about a failed run in one file.
    fn capsule(finished: &Finished) -> PathBuf {
        let report = &finished.report;
        let dir = PathBuf::from("target/capsules");
        let path = dir.join(format!("{}-{}.capsule", report.options.seed, word(report.options.profile)));
        let mut text = format!("{report}\n\n{}\nthe story\n{}\nwhat clients did\n", report.options, story(finished));
        finished.history.iter().for_each(|event| {
            let _ = writeln!(text, "{event}");
        });
        text.push_str("\nthe last events\n");
        finished.last_events.iter().for_each(|event| {
            let _ = writeln!(text, "{event}");
        });
        let written = std::fs::create_dir_all(&dir).and_then(|()| std::fs::write(&path, text));
        if let Err(error) = written {
            eprintln!("{}: {error}", path.display());
        }
        path
    }

    /// Runs seeds one after the other, each in a process of its own: what a library draws from a counter of its process (tokio's watch
    /// does) must not depend on the seeds before.
    fn worker(profile: &str, seeds: &[&str]) -> u8 {
        let program = std::env::current_exe().expect("a program has a path");
        for text in seeds {
            let seed = seed::parse(text);
            let profile = match profile {
                "storm" => Profile::Storm,
                "survivable" => Profile::Survivable,
                _ => profile_of(seed),
            };
            let ran = Command::new(&program)
                .args(["one", word(profile), text])
                .stderr(Stdio::inherit())
                .output()
                .expect("a seed's process starts");
            match String::from_utf8_lossy(&ran.stdout).lines().last() {
                Some(line) if parse(line).is_some() => println!("{line}"),
                _ => println!("{seed} {} 0 101 0 seed {seed}: its process ended with {}", word(profile), ran.status),
            }
        }
        0
    }

    /// Runs one seed and prints its line.
    fn one(profile: &str, text: &str) -> u8 {
        let (seed, profile) = (seed::parse(text), if profile == "storm" { Profile::Storm } else { Profile::Survivable });
        let finished = execute(&Options::draw(seed, profile));
        let report = &finished.report;
        if report.verdict.exit_code() != 0 {
            capsule(&finished);
        }
        let (hash, code, secs) = (report.trace_hash, report.verdict.exit_code(), report.virtual_time.as_secs());
        println!("{seed} {} {hash:016x} {code} {secs} {report}", word(profile));
        0
    }

    /// What a worker said of a seed.
    #[derive(Clone, Debug)]
    pub struct Line {
        pub seed: u64,
        pub profile: Profile,
        pub hash: String,
        pub code: u8,
        pub secs: u64,
        pub text: String,
    }

    fn parse(line: &str) -> Option<Line> {
        let mut words = line.splitn(6, ' ');
        let (seed, profile, hash) = (words.next()?.parse().ok()?, words.next()?, words.next()?.to_owned());
        let profile = if profile == "storm" { Profile::Storm } else { Profile::Survivable };
        let (code, secs) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Line { seed, profile, hash, code, secs, text: words.next()?.to_owned() })
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
            if let Some(line) = parse(&line) {
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

    fn sweep(seeds: &[u64], replays: bool) -> u8 {
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
        let again: Vec<Line> = lines
            .iter()
            .enumerate()
            .filter(|(n, line)| line.code != 0 || *n as u64 % REPLAY_ONE_IN == 0)
            .map(|(_, line)| line.clone())
            .collect();
        let mut different = 0;
        for profile in [Profile::Survivable, Profile::Storm] {
            let seeds: Vec<u64> = again.iter().filter(|line| line.profile == profile).map(|line| line.seed).collect();
            if !replays || seeds.is_empty() {
                continue;
            }
            spread(&seeds, word(profile), &[], |line| {
                if again.iter().any(|first| (first.seed, first.profile) == (line.seed, line.profile) && first.hash != line.hash) {
                    println!("seed {} has another trace in a fresh process: {}", line.seed, line.hash);
                    different += 1;
                }
                true
            });
        }
        let missing = seeds.len() - lines.len();
        let failed = lines.iter().filter(|line| line.code != 0).count();
        let secs: u64 = lines.iter().map(|line| line.secs).sum();
        println!(
            "{} seeds, {} virtual seconds in {:.0} s: {} passed, {failed} failed, {missing} without an answer; {} replayed, {different} differ",
            seeds.len(),
            secs,
            start.elapsed().as_secs_f64(),
            lines.len() - failed,
            again.len(),
        );
        match (worst, different, missing) {
            (0, 0, 0) => 0,
            (0, 0, _) => 101,
            (0, _, _) => NOT_DETERMINISTIC,
            (worst, _, _) => worst,
        }
    }

    mod mutants {
        //! Planted bugs: how many seeds it takes to find each.

        use super::{again, spread};
        use cfs_master::mutants::{Mutant, ALL};

        /// Seeds that a planted bug may survive.
        const SEEDS_MAX: u64 = 2_000;

        /// The place of the first seed that finds the bug, and what it says.
        fn hunt(mutant: &Mutant, seeds_max: u64) -> Option<(u64, String)> {
            let seeds: Vec<u64> = (1..=seeds_max).collect();
            let (mut tried, mut found) = (0, None);
            spread(&seeds, "mixed", &[("MUTANT", mutant.name)], |line| {
                tried += 1;
                if line.code == 0 {
                    return true;
                }
                let verdict = line.text.rsplit(": ").take(2).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join(": ");
                found = Some((tried, format!("{verdict} (MUTANT={:?} {})", mutant.name, again(line.seed, line.profile))));
                false
            });
            found
        }

        pub fn run(limit: Option<&str>) -> u8 {
            if !cfg!(feature = "mutants") {
                eprintln!("built without the feature `mutants`: use ci/sim mutants");
                return 2;
            }
            let seeds_max = limit.map_or(SEEDS_MAX, super::number);
            let mut places = Vec::new();
            for mutant in ALL {
                match hunt(mutant, seeds_max) {
                    Some((place, how)) => {
                        println!("{:<40} seed {place:>4}: {how}; expected {}", mutant.name, mutant.caught_by);
                        places.push(place);
                    }
                    None => println!("{:<40} NOT FOUND in {seeds_max} seeds; expected {}", mutant.name, mutant.caught_by),
                }
            }
            places.sort_unstable();
            let median = places.get(places.len() / 2).copied().unwrap_or_default();
            println!("{} of {} planted bugs found, median {median} seeds", places.len(), ALL.len());
            u8::from(places.len() < ALL.len())
        }
    }
}
