//! Everything that a seed decides, drawn before the first event. Each part has a stream of its own: taking one fault out of the
//! schedule leaves cluster and workload as they were.

use super::fault::{draw_of_masters, draw_of_nodes, Fault, Planned};
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

/// The options of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub seed: u64,
    pub profile: Profile,
    pub masters: usize,
    pub data_nodes: usize,
    pub meta_nodes: usize,
    pub clients: usize,
    /// Raft log entries kept: small, so that who was away needs a snapshot.
    pub retain_logs: u64,
    /// How long faults and clients go on, virtual time.
    pub length: Duration,
    /// Between two operations of a client.
    pub think_max: Duration,
    pub faults: Vec<Planned>,
}

/// Before the first fault: the cluster is founded and its nodes register.
pub const QUIET_START: Duration = Duration::from_secs(12);

/// A run is short below this.
const SHORT_RUN: Duration = Duration::from_secs(90);

impl Options {
    /// What the seed says.
    pub fn draw(seed: u64, profile: Profile) -> Self {
        let mut shape = Stream::new(seed, &["options", "shape"]);
        let mut work = Stream::new(seed, &["options", "work"]);
        let length = QUIET_START + shape.time(Duration::from_secs(60), Duration::from_secs(150));
        let (between_masters, between_nodes) = match profile {
            Profile::Survivable => ((1, 14), (2, 16)),
            Profile::Storm => ((0, 4), (0, 5)),
        };
        let overlap = profile == Profile::Storm;
        let mut faults = schedule(seed, "masters", length, between_masters, overlap, draw_of_masters);
        faults.extend(schedule(seed, "nodes", length, between_nodes, overlap, draw_of_nodes));
        faults.sort_by_key(|planned| planned.at);
        Self {
            seed,
            profile,
            masters: 3,
            data_nodes: shape.range(4, 7) as usize,
            meta_nodes: shape.range(3, 5) as usize,
            clients: clients(work.range(3, 6), length),
            retain_logs: *shape.pick(&[1, 10, 50, 200, 20_000]),
            length,
            think_max: work.time(Duration::from_millis(200), Duration::from_secs(2)),
            faults,
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
        at += gaps.time(Duration::from_secs(between.0), Duration::from_secs(between.1));
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
            "seed {} {:?}: {} masters, {} data nodes, {} meta nodes, {} clients, retainLogs {}, {:.0} s of faults, think time up to {:.1} s",
            self.seed,
            self.profile,
            self.masters,
            self.data_nodes,
            self.meta_nodes,
            self.clients,
            self.retain_logs,
            self.length.as_secs_f64(),
            self.think_max.as_secs_f64(),
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
            let masters: Vec<_> = options.faults.iter().filter(|planned| !planned.fault.is_of_nodes()).collect();
            assert!(masters.windows(2).all(|pair| pair[0].at + pair[0].lasts <= pair[1].at), "{options}");
            assert!(options.faults.iter().all(|planned| planned.at + planned.lasts < options.length));
        }
    }
}
