//! Everything that a seed decides, drawn before the first event. Each part has a stream of its own: taking one fault out of the
//! schedule leaves cluster and workload as they were.

use super::draw;
use super::fault::{Fault, Planned};
use super::workload::{self, Step};
use crate::world::entropy::Stream;
use std::fmt;
use std::time::Duration;

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// One fault of the masters at a time and one of the nodes: safety and progress.
    Survivable,
    /// Faults without limit: safety only, and progress after healing.
    Storm,
}

impl Profile {
    pub fn word(self) -> &'static str {
        match self {
            Profile::Survivable => "survivable",
            Profile::Storm => "storm",
        }
    }

    pub fn of_word(word: &str) -> Option<Self> {
        [Profile::Survivable, Profile::Storm].into_iter().find(|profile| profile.word() == word)
    }
}

/// Acknowledged writes below which a survivable run proves nothing.
const WRITES_MIN: usize = 50;

/// The options of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub seed: u64,
    pub profile: Profile,
    pub masters: usize,
    pub data_nodes: usize,
    pub meta_nodes: usize,
    pub clients: usize,
    /// Data and meta nodes take turns over so many zones.
    pub zones: usize,
    /// Size of send buffers and windows of the network, bytes.
    pub buffer: usize,
    /// Raft log entries kept: small, so that who was away needs a snapshot.
    pub retain_logs: u64,
    /// How long faults and clients go on, virtual time.
    pub length: Duration,
    /// Acknowledged writes below which the run is too quiet.
    pub writes_min: usize,
    pub faults: Vec<Planned>,
    /// What the clients do.
    pub steps: Vec<Step>,
}

/// Size of send buffers and windows of a healthy network, bytes.
pub const BUFFER_BYTES: usize = 64 << 10;

/// Before the first fault: the cluster is founded and its nodes register.
pub const QUIET_START: Duration = Duration::from_secs(12);

/// A run is short below this.
const SHORT_RUN: Duration = Duration::from_secs(90);

impl Options {
    /// What the seed says.
    pub fn draw(seed: u64, profile: Profile) -> Self {
        let mut shape = Stream::new(seed, &["options", "shape"]);
        let mut work = Stream::new(seed, &["options", "work"]);
        let length = QUIET_START + shape.millis(Duration::from_secs(60), Duration::from_secs(150));
        let (between_masters, between_nodes, between_clients) = match profile {
            Profile::Survivable => ((1, 12), (1, 14), (10, 50)),
            Profile::Storm => ((0, 4), (0, 5), (5, 30)),
        };
        let overlap = profile == Profile::Storm;
        let mut faults = schedule(seed, "masters", length, between_masters, overlap, draw::of_masters);
        faults.extend(schedule(seed, "nodes", length, between_nodes, overlap, draw::of_nodes));
        faults.extend(schedule(seed, "clients", length, between_clients, true, draw::of_clients));
        faults.sort_by_key(|planned| planned.at);
        let (masters, clients) = (3, clients(work.range(3, 6), length));
        let think_max = work.millis(Duration::from_millis(300), Duration::from_millis(3_500));
        let (data_nodes, meta_nodes) = (shape.range(4, 7) as usize, shape.range(3, 5) as usize);
        let retain_logs = *shape.pick(&[1, 1, 10, 50, 200, 20_000]);
        let zones = if shape.chance(200) { 2 } else { 1 };
        let buffer = if shape.chance(200) { shape.range(200, 4_000) as usize } else { BUFFER_BYTES };
        Self {
            seed,
            profile,
            masters,
            // A volume wants three nodes of each kind in one zone.
            data_nodes: if zones == 1 { data_nodes } else { data_nodes.max(6) },
            meta_nodes: if zones == 1 { meta_nodes } else { meta_nodes.max(6) },
            zones,
            buffer,
            clients,
            retain_logs,
            length,
            writes_min: if profile == Profile::Survivable { WRITES_MIN } else { 0 },
            faults,
            steps: workload::draw(seed, clients, masters, length, think_max),
        }
    }

    /// Limits are small (FR1).
    pub fn is_small(&self) -> bool {
        self.retain_logs == 1 || self.buffer < BUFFER_BYTES
    }

    /// Nothing: what a scenario's lines are put into.
    pub fn empty() -> Self {
        Self {
            seed: 0,
            profile: Profile::Survivable,
            masters: 0,
            data_nodes: 0,
            meta_nodes: 0,
            clients: 0,
            zones: 1,
            buffer: BUFFER_BYTES,
            retain_logs: 1,
            length: Duration::ZERO,
            writes_min: 0,
            faults: Vec::new(),
            steps: Vec::new(),
        }
    }
}

/// A short run has four clients at least: three that wait for answers which do not come would leave it too quiet (seed 590).
fn clients(drawn: u64, length: Duration) -> usize {
    let least = if length < SHORT_RUN { 4 } else { 3 };
    drawn.max(least) as usize
}

/// A schedule of one family of faults. Without `overlap` each begins after the one before has ended.
fn schedule(
    seed: u64,
    family: &str,
    length: Duration,
    between: (u64, u64),
    overlap: bool,
    draw: fn(&mut Stream) -> (Fault, Duration),
) -> Vec<Planned> {
    let mut gaps = Stream::new(seed, &["options", "faults", family]);
    let mut planned = Vec::new();
    let mut at = QUIET_START;
    loop {
        at += gaps.millis(Duration::from_secs(between.0), Duration::from_secs(between.1));
        // Each fault has a stream of its own, by its number.
        let number = planned.len().to_string();
        let (fault, lasts) = draw(&mut Stream::new(seed, &["options", "fault", family, &number]));
        if at + lasts >= length {
            return planned;
        }
        planned.push(Planned { at, lasts, fault });
        if !overlap {
            at += lasts;
        }
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {} {:?}: {} masters, {} data nodes, {} meta nodes in {} zones, {} clients with {} operations, retainLogs {}, buffers of {} bytes, {:.0} s of faults",
            self.seed,
            self.profile,
            self.masters,
            self.data_nodes,
            self.meta_nodes,
            self.zones,
            self.clients,
            self.steps.len(),
            self.retain_logs,
            self.buffer,
            self.length.as_secs_f64(),
        )?;
        self.faults.iter().try_for_each(|planned| writeln!(f, "  {planned}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_draws_the_same() {
        assert_eq!(Options::draw(7, Profile::Storm), Options::draw(7, Profile::Storm));
        assert_ne!(Options::draw(7, Profile::Storm), Options::draw(8, Profile::Storm));
    }

    #[test]
    fn survivable_faults_of_masters_follow_each_other() {
        for seed in 0..100 {
            let options = Options::draw(seed, Profile::Survivable);
            let masters: Vec<_> = options.faults.iter().filter(|planned| planned.fault.is_of_masters()).collect();
            assert!(masters.windows(2).all(|pair| pair[0].at + pair[0].lasts <= pair[1].at), "{options}");
            assert!(options.faults.iter().all(|planned| planned.at + planned.lasts < options.length));
        }
    }
}
