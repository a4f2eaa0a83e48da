//! Draws faults: which, of whom, how long.

use super::crash_point::{self, CrashPoint};
use super::fault::{Disk, Fault, Hostile, Reach, Target, WrongReport};
use crate::nodes::Mishap;
use crate::world::entropy::Stream;
use std::time::Duration;

/// Opcodes that change what a node holds: create, delete, add and remove a member, both kinds of partition, and their heartbeats.
const OPCODES: [u8; 10] = [0x60, 0x61, 0x67, 0x68, 0x40, 0x42, 0x46, 0x47, 0x63, 0x41];

fn secs(stream: &mut Stream, from: u64, to: u64) -> Duration {
    stream.millis(Duration::from_secs(from), Duration::from_secs(to))
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

fn reach(stream: &mut Stream) -> Reach {
    *stream.pick(&[Reach::Masters, Reach::Nodes, Reach::Clients])
}

/// A fault of the masters, and how long it lasts.
pub fn of_masters(stream: &mut Stream) -> (Fault, Duration) {
    let who = target(stream);
    let power = stream.chance(700);
    match stream.below(100) {
        0..=11 => (Fault::Kill { who, power }, secs(stream, 1, 15)),
        12..=34 => crash(stream, who),
        35..=44 => of_disks(stream, who, power),
        45..=58 => partition(stream, who),
        59..=66 => delay(stream),
        67..=78 => of_streams(stream),
        79..=84 => (Fault::Pause { who }, secs(stream, 1, 25)),
        85..=88 => (Fault::RollingRestart { millis: stream.range(500, 8_000) }, secs(stream, 3, 20)),
        89..=92 => (Fault::Replace { who, emptied: stream.chance(500) }, secs(stream, 1, 8)),
        93..=95 => (Fault::Drift { who, ppm: stream.range(0, 200_000) as i64 - 100_000 }, secs(stream, 5, 30)),
        96..=97 => (Fault::Jump { who, seconds: stream.range(0, 7_200) as i64 - 3_600 }, secs(stream, 5, 30)),
        _ => (Fault::CrashLoop { who, times: stream.range(2, 6) }, secs(stream, 3, 12)),
    }
}

/// Most crashes among the syncs, where a forgotten one shows.
fn crash(stream: &mut Stream, who: Target) -> (Fault, Duration) {
    let point = if stream.chance(450) {
        *stream.pick(&[CrashPoint::BeforeLogSync, CrashPoint::AfterLogSync])
    } else {
        *stream.pick(&crash_point::ALL)
    };
    let often = !point.is_of_start() && !point.is_of_snapshot();
    let after = if often { stream.below(12) as u32 } else { stream.below(2) as u32 };
    (Fault::CrashAt { who, point, after }, secs(stream, if often { 1 } else { 4 }, 10))
}

fn of_disks(stream: &mut Stream, who: Target, power: bool) -> (Fault, Duration) {
    match stream.below(10) {
        0 => (Fault::DiskFails { who }, secs(stream, 1, 6)),
        1 => (Fault::DiskFull { who }, secs(stream, 1, 8)),
        2 => (Fault::DiskStalls { who, millis: stream.range(50, 4_000), times: stream.range(1, 20) as u32 }, secs(stream, 2, 12)),
        3..=4 => (Fault::BadValue { who, number: stream.below(1_000) }, secs(stream, 2, 8)),
        5..=7 => {
            let disk = match stream.below(4) {
                0..=1 => Disk::Empty,
                2 => Disk::Other(stream.below(2)),
                _ => Disk::Former,
            };
            (Fault::LostDisk { who, disk }, secs(stream, 2, 10))
        }
        _ => (Fault::KillAll { power }, secs(stream, 1, 5)),
    }
}

fn partition(stream: &mut Stream, who: Target) -> (Fault, Duration) {
    let (a, b) = two(stream);
    match stream.below(15) {
        0..=3 => (Fault::Isolate { who }, secs(stream, 2, 25)),
        4..=7 => (Fault::CutFromMasters { who }, secs(stream, 2, 25)),
        8..=9 => (Fault::CutFromOthers { who }, secs(stream, 2, 20)),
        10..=12 => (Fault::OneWay { who, deaf: stream.chance(500) }, secs(stream, 2, 20)),
        _ => (Fault::CutPair { a, b }, secs(stream, 2, 20)),
    }
}

fn delay(stream: &mut Stream) -> (Fault, Duration) {
    let (a, b) = two(stream);
    match stream.below(6) {
        0 => (Fault::Slow { millis: stream.range(50, 1_500) }, secs(stream, 2, 15)),
        1 => (Fault::SlowPair { a, b, millis: stream.range(100, 3_000) }, secs(stream, 2, 15)),
        2 => (Fault::TwoModes { millis: stream.range(100, 2_000), per_mille: stream.range(10, 300) }, secs(stream, 2, 15)),
        3..=4 => (Fault::Flap { a, b }, secs(stream, 3, 15)),
        _ => (Fault::Clog { order: stream.next_u64() >> 40 }, secs(stream, 4, 20)),
    }
}

fn of_streams(stream: &mut Stream) -> (Fault, Duration) {
    let (a, b) = two(stream);
    match stream.below(12) {
        0..=1 => (Fault::Stall { reach: reach(stream), bytes: stream.below(400) }, secs(stream, 2, 12)),
        2..=3 => (Fault::ResetAt { reach: reach(stream), bytes: stream.below(200) }, secs(stream, 2, 10)),
        4 => (Fault::Reset { a, b }, Duration::from_millis(1)),
        5..=6 => (Fault::Chop { reach: reach(stream), bytes: stream.range(1, 40) as usize }, secs(stream, 2, 8)),
        7..=8 => (Fault::Flip { one_in: stream.range(1, 50) }, secs(stream, 2, 10)),
        _ => (Fault::ReplayRaft { a, b }, secs(stream, 1, 10)),
    }
}

/// A fault of a storage node, and how long it lasts.
pub fn of_nodes(stream: &mut Stream) -> (Fault, Duration) {
    let node = stream.below(1_000);
    let power = stream.chance(500);
    match stream.below(20) {
        0..=1 => (Fault::KillNode { node, power }, secs(stream, 2, 40)),
        2 => (Fault::IsolateNode { node }, secs(stream, 2, 30)),
        3 => (Fault::FlapNode { node }, secs(stream, 5, 30)),
        4 => (Fault::PauseNode { node }, secs(stream, 2, 30)),
        5 => (Fault::KillZone { zone: stream.below(4), power }, secs(stream, 2, 20)),
        6..=9 => (Fault::WrongReport { node, what: wrong_report(stream) }, secs(stream, 5, 30)),
        10..=11 => (Fault::ReplayReports { node, master: stream.below(3) as usize }, secs(stream, 7, 25)),
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

fn wrong_report(stream: &mut Stream) -> WrongReport {
    *stream.pick(&[
        WrongReport::NoSpace,
        WrongReport::HugeSpace,
        WrongReport::NoPartitions,
        WrongReport::StrangePartition,
        WrongReport::LostDisk,
        WrongReport::BadDisk,
        WrongReport::OtherZone,
    ])
}

/// A hostile client, and how long it stays.
pub fn of_clients(stream: &mut Stream) -> (Fault, Duration) {
    let what = *stream.pick(&[
        Hostile::Garbage,
        Hostile::RaftGarbage,
        Hostile::HalfHead,
        Hostile::HugeHead,
        Hostile::HugeBody,
        Hostile::NeverReads,
        Hostile::Abandons,
        Hostile::OddParameters,
        Hostile::Crowd,
    ]);
    (Fault::Hostile { master: stream.below(3) as usize, what }, secs(stream, 1, 15))
}
