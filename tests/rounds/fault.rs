//! What is done to the masters in a round, as values: drawn from the seed, without regard to how the rounds before went.

use cfs_sim::world::entropy::Stream;
use std::fmt;
use std::time::Duration;

/// Entries of the log that masters keep.
const RETAIN_LOGS: [u64; 4] = [5, 5, 50, 20_000];
/// How many masters there are.
pub const MASTERS: usize = 3;

/// Who is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// The leader at that time; the master of this position where none is known.
    Leader(usize),
    /// The master of this position.
    Master(usize),
}

/// What is done, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Signal 9 to one.
    Kill { victim: Victim, down: Duration },
    /// Signal 9 to all but one.
    KillTwo { spared: usize, down: Duration },
    /// Signal 9 to all.
    KillAll { down: Duration },
    /// Signal 9 to one that has missed what happened for a while, several times while it starts and catches up.
    KillStarting { victim: Victim, down: Duration, ups: Vec<Duration> },
    /// SIGSTOP, later SIGCONT.
    Pause { victim: Victim, stopped: Duration },
    /// The same with all but one.
    PauseTwo { spared: usize, stopped: Duration },
    /// SIGSTOP for a leader that is killed before it goes on; the others elect meanwhile.
    PauseAndKill { victim: Victim, stopped: Duration, down: Duration },
    /// SIGTERM to one.
    Terminate { victim: Victim, down: Duration },
    /// SIGTERM to each in turn.
    Rolling { down: Duration },
}

/// A round: what is done, with which `retainLogs` masters are started in it, and what comes after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    pub fault: Fault,
    /// With few, a master that was away for a moment is behind the others' logs and needs a snapshot.
    pub retain_logs: u64,
    /// The rest begins when a leader serves.
    pub waits: bool,
    /// Before the next round.
    pub rest: Duration,
}

/// All rounds: each kind of fault comes as often as any other, in any order.
pub fn draw(seed: u64, rounds: usize) -> Vec<Round> {
    let mut stream = Stream::new(seed, &["rounds"]);
    let (mut drawn, mut deck) = (Vec::new(), Vec::new());
    while drawn.len() < rounds {
        if deck.is_empty() {
            deck.extend(0..KINDS);
        }
        let kind = deck.swap_remove(stream.below(deck.len() as u64) as usize);
        drawn.push(Round {
            fault: of_kind(&mut stream, kind),
            retain_logs: *stream.pick(&RETAIN_LOGS),
            waits: stream.chance(750),
            rest: millis(&mut stream, 0, 3_000),
        });
    }
    drawn
}

/// Kinds of faults, of which pauses count twice: those that no election sees and those that one does.
const KINDS: u64 = 10;

fn of_kind(stream: &mut Stream, kind: u64) -> Fault {
    let position = |stream: &mut Stream| stream.below(MASTERS as u64) as usize;
    let victim = |stream: &mut Stream| match stream.chance(600) {
        true => Victim::Leader(position(stream)),
        false => Victim::Master(position(stream)),
    };
    match kind {
        0 => Fault::Kill { victim: victim(stream), down: millis(stream, 0, 4_000) },
        1 => Fault::KillTwo { spared: position(stream), down: millis(stream, 0, 3_000) },
        2 => Fault::KillAll { down: millis(stream, 0, 2_000) },
        3 => {
            let ups = (0..stream.range(2, 5)).map(|_| millis(stream, 30, 1_200)).collect();
            Fault::KillStarting { victim: victim(stream), down: millis(stream, 1_000, 4_000), ups }
        }
        4 => Fault::Pause { victim: victim(stream), stopped: millis(stream, 50, 1_500) },
        5 => Fault::Pause { victim: victim(stream), stopped: millis(stream, 3_500, 7_000) },
        6 => Fault::PauseTwo { spared: position(stream), stopped: millis(stream, 500, 5_000) },
        7 => {
            let (stopped, down) = (millis(stream, 2_500, 5_000), millis(stream, 0, 1_500));
            Fault::PauseAndKill { victim: victim(stream), stopped, down }
        }
        8 => Fault::Terminate { victim: victim(stream), down: millis(stream, 0, 3_000) },
        _ => Fault::Rolling { down: millis(stream, 0, 500) },
    }
}

fn millis(stream: &mut Stream, from: u64, to: u64) -> Duration {
    stream.millis(Duration::from_millis(from), Duration::from_millis(to))
}

impl Fault {
    /// Its kind in a few words.
    pub fn kind(&self) -> &'static str {
        match self {
            Fault::Kill { .. } => "kill -9",
            Fault::KillTwo { .. } => "kill -9 of two",
            Fault::KillAll { .. } => "kill -9 of all",
            Fault::KillStarting { .. } => "kill -9 while starting",
            Fault::Pause { .. } => "SIGSTOP",
            Fault::PauseTwo { .. } => "SIGSTOP of two",
            Fault::PauseAndKill { .. } => "SIGSTOP, then kill -9",
            Fault::Terminate { .. } => "SIGTERM",
            Fault::Rolling { .. } => "SIGTERM of each in turn",
        }
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, retainLogs {}", self.fault, self.retain_logs)
    }
}
