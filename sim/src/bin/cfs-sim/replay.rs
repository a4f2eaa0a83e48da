//! One run for a person: options, story, verdict; and the capsule of a failed one.

use crate::again;
use cfs_sim::run::glimpse::{self, Column};
use cfs_sim::run::options::{Options, Profile};
use cfs_sim::run::{execute, scenario as text, Finished};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

pub fn seed(seed: u64, profile: Profile) -> u8 {
    replay(&Options::draw(seed, profile), &again(seed, profile))
}

pub fn show(seed: u64, profile: Profile) -> u8 {
    print!("{}", text::write(&Options::draw(seed, profile)));
    0
}

pub fn scenario(file: &str) -> u8 {
    match read(file) {
        Ok(options) => replay(&options, &format!("ci/sim scenario {file}")),
        Err(error) => {
            eprintln!("{file}: {error}");
            2
        }
    }
}

/// Reads a scenario's file.
pub fn read(file: &str) -> Result<Options, String> {
    std::fs::read_to_string(file).map_err(|error| error.to_string()).and_then(|lines| text::parse(&lines))
}

fn replay(options: &Options, again: &str) -> u8 {
    print!("{options}");
    if std::env::var_os("RUST_LOG").is_some() {
        // The program's own log lines, at virtual time.
        madsim::runtime::init_logger();
    }
    let start = Instant::now();
    let finished = execute(options);
    let took = start.elapsed().as_secs_f64();
    print!("{}", story(&finished));
    println!("{}", finished.report);
    println!("{:.0} virtual seconds per second", finished.report.virtual_time.as_secs_f64() / took);
    let code = finished.report.verdict.exit_code();
    if code != 0 {
        println!("the whole of it: {}", capsule(&finished).display());
        println!("smaller: {}", again.replacen("ci/sim ", "ci/sim shrink ", 1));
        println!("again: {again}");
    }
    code
}

/// A row for each event that people follow a run by, with what each master was then: role, term, applied index.
pub fn story(finished: &Finished) -> String {
    let masters = finished.report.options.masters;
    let names: Vec<String> = (1..=masters).map(|n| format!("{:<11}", format!("master {n}"))).collect();
    let mut out = format!("{:>11} {} {:<18} event\n", "time", names.join(" "), "where");
    for event in &finished.story {
        let host = event.host.and_then(|host| finished.hosts.get(usize::from(host.0))).map_or("", String::as_str);
        let row = glimpse::at(&finished.rows, masters, event.at);
        let columns: Vec<String> = row.into_iter().map(|glimpse| Column(glimpse).to_string()).collect();
        let _ = writeln!(out, "{:>11.4} {} {host:<18} {}", event.at.as_secs_f64(), columns.join(" "), event.what);
    }
    out
}

/// Everything about a failed run in one file.
pub fn capsule(finished: &Finished) -> PathBuf {
    let report = &finished.report;
    let dir = PathBuf::from("target/capsules");
    let path = dir.join(format!("{}-{}.capsule", report.options.seed, report.options.profile.word()));
    let commit = std::process::Command::new("git").args(["rev-parse", "HEAD"]).output();
    let commit = commit.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned()).unwrap_or_default();
    let mut out = format!(
        "{report}\ncommit {commit}\n\nthe scenario\n{}\nthe story\n{}\nwhat clients did\n",
        text::write(&report.options),
        story(finished)
    );
    finished.history.iter().for_each(|event| {
        let _ = writeln!(out, "{event}");
    });
    out.push_str("\nthe last events\n");
    finished.last_events.iter().for_each(|event| {
        let _ = writeln!(out, "{event}");
    });
    let written = std::fs::create_dir_all(&dir).and_then(|()| std::fs::write(&path, out));
    if let Err(error) = written {
        eprintln!("{}: {error}", path.display());
    }
    path
}
