//! What a run says in the end.

use super::crash_point::{self, CrashPoint};
use super::options::Options;
use crate::checks::Violation;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    #[default]
    Passed,
    /// A safety invariant is broken.
    Safety(Violation),
    /// Progress was not made in time.
    Progress(Violation),
    /// Too few writes were acknowledged to prove anything.
    Quiet,
    /// The program panicked.
    Panic(String),
}

impl Verdict {
    /// The exit code of `ci/sim`.
    pub fn exit_code(&self) -> u8 {
        match self {
            Verdict::Passed => 0,
            Verdict::Panic(_) => 101,
            Verdict::Safety(_) => 110,
            Verdict::Progress(_) => 111,
            Verdict::Quiet => 113,
        }
    }
}

impl Verdict {
    /// The kind of verdict in one word: two runs that fail with the same word fail alike.
    pub fn word(&self) -> String {
        match self {
            Verdict::Passed => "passed".into(),
            Verdict::Safety(violation) => format!("safety/{}", violation.invariant),
            Verdict::Progress(violation) => format!("progress/{}", violation.invariant),
            Verdict::Quiet => "quiet".into(),
            Verdict::Panic(_) => "panic".into(),
        }
    }
}

/// Exit code when two runs of a seed differ.
pub const NOT_DETERMINISTIC: u8 = 112;

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Passed => write!(f, "passed"),
            Verdict::Safety(violation) => write!(f, "SAFETY {violation}"),
            Verdict::Progress(violation) => write!(f, "PROGRESS {violation}"),
            Verdict::Quiet => write!(f, "TOO QUIET"),
            Verdict::Panic(text) => write!(f, "PANIC {text}"),
        }
    }
}

/// A run in numbers.
#[derive(Clone, Debug)]
pub struct Report {
    pub options: Options,
    pub verdict: Verdict,
    /// Operations begun and acknowledged, and acknowledged writes.
    pub begun: usize,
    pub done: usize,
    pub writes: usize,
    pub unknown: usize,
    /// Faults begun, by class and name.
    pub faults: BTreeMap<(&'static str, &'static str), u32>,
    /// Things that happened and show that the run was worth it.
    pub marks: BTreeMap<&'static str, u64>,
    /// How often masters passed each step, and how often one lost power there.
    pub steps: BTreeMap<CrashPoint, u64>,
    pub crashes: BTreeMap<CrashPoint, u64>,
    pub virtual_time: Duration,
    pub trace_hash: u64,
    pub events: u64,
}

impl Report {
    /// Every count by its name: `fault/CLASS/NAME`, `pass/STEP`, `crash/STEP`, `mark/NAME`.
    pub fn counts(&self) -> Vec<(String, u64)> {
        let faults = self.faults.iter().map(|((class, name), count)| (format!("fault/{class}/{name}"), u64::from(*count)));
        let step = |kind: &str, counts: &BTreeMap<CrashPoint, u64>| {
            let count = |point: &CrashPoint| (format!("{kind}/{}", point.name()), counts.get(point).copied().unwrap_or_default());
            crash_point::ALL.iter().map(count).collect::<Vec<_>>()
        };
        let marks = self.marks.iter().map(|(mark, count)| (format!("mark/{mark}"), *count));
        let writes = [("writes".to_owned(), self.writes as u64), ("unknown".to_owned(), self.unknown as u64)];
        faults.chain(step("pass", &self.steps)).chain(step("crash", &self.crashes)).chain(marks).chain(writes).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<String> = self.faults.iter().map(|((_, name), count)| format!("{name} {count}")).collect();
        let marks: Vec<String> = self.marks.iter().map(|(mark, count)| format!("{mark} {count}")).collect();
        write!(
            f,
            "seed {} {:?}: {} of {} operations done ({} writes, {} unknown) in {:.0} s; faults: {}; {}; {} events, trace {:016x}: {}",
            self.options.seed,
            self.options.profile,
            self.done,
            self.begun,
            self.writes,
            self.unknown,
            self.virtual_time.as_secs_f64(),
            if faults.is_empty() { "none".into() } else { faults.join(", ") },
            marks.join(", "),
            self.events,
            self.trace_hash,
            self.verdict,
        )
    }
}
