//! Faults as values: what goes wrong, with whom, when and for how long. A run's schedule is drawn before its first event;
//! "the leader" is whoever leads when the fault begins.

use crate::nodes::Mishap;
use crate::world::entropy::Stream;
use crate::world::probe::Point;
use std::fmt;
use std::time::Duration;

/// Whom a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Leader,
    /// A master that does not lead; the number chooses.
    Follower(u64),
    /// A master by position.
    Master(usize),
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// A master dies, comes back at the fault's end.
    Kill { who: Target, power: bool },
    /// All masters die within moments of each other.
    KillAll { power: bool },
    /// A master loses power at one of its next disk or network steps, comes back at the fault's end.
    CrashAt { who: Target, point: Point, after: u32 },
    /// A master's disk fails at its next sync: its program must end, and is started again.
    DiskFails { who: Target },
    /// A master hears and is heard by nobody.
    Isolate { who: Target },
    /// A master is cut from the other masters only: clients and storage nodes still reach it.
    CutFromMasters { who: Target },
    /// A master is cut from everybody but the masters.
    CutFromOthers { who: Target },
    /// A master is heard by no other master, or hears none.
    OneWay { who: Target, deaf: bool },
    /// Two masters do not hear each other; the third hears both.
    CutPair { a: usize, b: usize },
    /// The links between masters take much longer.
    Slow { millis: u64 },
    /// Every connection between two masters is reset.
    Reset { a: usize, b: usize },
    /// A link between masters goes down and up again all the time.
    Flap { a: usize, b: usize },
    /// Streams between masters give and take a few bytes at a time.
    Chop { bytes: usize },
    /// A master's program stands still.
    Pause { who: Target },
    /// A master's clock gains or loses.
    Drift { who: Target, ppm: i64 },
    /// A master's wall clock jumps.
    Jump { who: Target, seconds: i64 },
    /// A storage node dies, comes back at the fault's end; the number chooses.
    KillNode { node: u64, power: bool },
    /// A storage node hears and is heard by nobody.
    IsolateNode { node: u64 },
    /// Something goes wrong with a storage node's next operations of a kind.
    Mishap { node: u64, opcode: u8, mishap: Mishap, times: u32 },
}

/// A fault in its place in the schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Planned {
    pub at: Duration,
    pub lasts: Duration,
    pub fault: Fault,
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>8.3}s for {:>7.3}s {:?}", self.at.as_secs_f64(), self.lasts.as_secs_f64(), self.fault)
    }
}

impl Fault {
    /// The class in the report.
    pub fn class(&self) -> &'static str {
        match self {
            Fault::Kill { .. } => "kill",
            Fault::KillAll { .. } => "kill all",
            Fault::CrashAt { .. } => "crash at a step",
            Fault::DiskFails { .. } => "failing sync",
            Fault::Isolate { .. } => "isolate",
            Fault::CutFromMasters { .. } => "cut from masters",
            Fault::CutFromOthers { .. } => "cut from others",
            Fault::OneWay { .. } => "one way",
            Fault::CutPair { .. } => "bridge",
            Fault::Slow { .. } => "slow",
            Fault::Reset { .. } => "reset",
            Fault::Flap { .. } => "flap",
            Fault::Chop { .. } => "chop",
            Fault::Pause { .. } => "pause",
            Fault::Drift { .. } => "drift",
            Fault::Jump { .. } => "jump",
            Fault::KillNode { .. } => "kill node",
            Fault::IsolateNode { .. } => "isolate node",
            Fault::Mishap { .. } => "mishap",
        }
    }

    /// Whether it hits storage nodes only.
    pub fn is_of_nodes(&self) -> bool {
        matches!(self, Fault::KillNode { .. } | Fault::IsolateNode { .. } | Fault::Mishap { .. })
    }
}

/// Opcodes that change what a node holds: create, delete, add and remove a member, both kinds of partition, and their heartbeats.
const OPCODES: [u8; 10] = [0x60, 0x61, 0x67, 0x68, 0x40, 0x42, 0x46, 0x47, 0x63, 0x41];
const POINTS: [Point; 6] = [Point::Write, Point::SyncBegin, Point::SyncEnd, Point::InstallBegin, Point::InstallEnd, Point::Send];

fn secs(stream: &mut Stream, from: u64, to: u64) -> Duration {
    stream.time(Duration::from_secs(from), Duration::from_secs(to))
}

fn target(stream: &mut Stream) -> Target {
    match stream.below(10) {
        0..=5 => Target::Leader,
        6..=8 => Target::Follower(stream.below(2)),
        _ => Target::Master(stream.below(3) as usize),
    }
}

fn two(stream: &mut Stream) -> (usize, usize) {
    let a = stream.below(3) as usize;
    (a, (a + 1 + stream.below(2) as usize) % 3)
}

/// A fault of the masters, and how long it lasts.
pub fn draw_of_masters(stream: &mut Stream) -> (Fault, Duration) {
    let who = target(stream);
    let (a, b) = two(stream);
    let power = stream.chance(700);
    match stream.below(100) {
        0..=13 => (Fault::Kill { who, power }, secs(stream, 1, 15)),
        14..=18 => (Fault::KillAll { power }, secs(stream, 1, 5)),
        19..=40 => {
            // Most crash points among the syncs, where a forgotten one shows.
            let point = if stream.chance(650) { POINTS[1 + stream.below(2) as usize] } else { *stream.pick(&POINTS) };
            (Fault::CrashAt { who, point, after: stream.below(12) as u32 }, secs(stream, 1, 10))
        }
        41..=43 => (Fault::DiskFails { who }, secs(stream, 1, 6)),
        44..=52 => (Fault::Isolate { who }, secs(stream, 2, 25)),
        53..=61 => (Fault::CutFromMasters { who }, secs(stream, 2, 25)),
        62..=64 => (Fault::CutFromOthers { who }, secs(stream, 2, 20)),
        65..=71 => (Fault::OneWay { who, deaf: stream.chance(500) }, secs(stream, 2, 20)),
        72..=75 => (Fault::CutPair { a, b }, secs(stream, 2, 20)),
        76..=79 => (Fault::Slow { millis: stream.range(50, 1_500) }, secs(stream, 2, 15)),
        80..=82 => (Fault::Reset { a, b }, Duration::from_millis(1)),
        83..=85 => (Fault::Flap { a, b }, secs(stream, 3, 15)),
        86..=87 => (Fault::Chop { bytes: stream.range(1, 40) as usize }, secs(stream, 2, 10)),
        88..=93 => (Fault::Pause { who }, secs(stream, 1, 25)),
        94..=96 => (Fault::Drift { who, ppm: stream.range(0, 200_000) as i64 - 100_000 }, secs(stream, 5, 30)),
        _ => (Fault::Jump { who, seconds: stream.range(0, 7_200) as i64 - 3_600 }, secs(stream, 5, 30)),
    }
}

/// A fault of a storage node, and how long it lasts.
pub fn draw_of_nodes(stream: &mut Stream) -> (Fault, Duration) {
    let node = stream.below(1_000);
    match stream.below(10) {
        0..=1 => (Fault::KillNode { node, power: stream.chance(500) }, secs(stream, 2, 40)),
        2 => (Fault::IsolateNode { node }, secs(stream, 2, 30)),
        _ => {
            let late = secs(stream, 1, 45);
            let mishap = match stream.below(6) {
                0 => Mishap::Refuse,
                1 => Mishap::AnswerLate(late),
                2 => Mishap::DoLate(late),
                3 => Mishap::LoseReply,
                4 => Mishap::LoseRequest,
                _ => Mishap::Twice,
            };
            let fault = Fault::Mishap { node, opcode: *stream.pick(&OPCODES), mishap, times: stream.range(1, 4) as u32 };
            (fault, Duration::from_millis(1))
        }
    }
}
