//! Faults as values: what goes wrong, with whom, when and for how long. A run's schedule is drawn before its first event (`draw.rs`);
//! "the leader" is whoever leads when the fault begins.
//!
//! The classes of simulation.md and the faults that belong to them:
//!
//! | class | faults |
//! |---|---|
//! | FN1 partitions | isolate, cut from masters, cut from others, one way, bridge |
//! | FN2 clogging, flapping, delays | clog, flap, slow, slow pair, two modes |
//! | FN3 silent death, stalls | silent death, stall |
//! | FN4 bytes in pieces, resets at a byte | chop, reset, reset at a byte |
//! | FN5 flipped, duplicated and replayed bytes | flip, replay between masters, replay reports |
//! | FP1 crashes | kill, crash at a step |
//! | FP2 whole cluster, crash loop, disks | kill all, crash loop, lost disk |
//! | FP3 pauses | pause, pause node |
//! | FP4 rolling restart | rolling restart (there is no earlier version to mix with yet) |
//! | FC1 clocks | drift, jump |
//! | FD1 disks that fail | failing sync, full disk, slow disk; a crash loses what is not synced |
//! | FD2 bad values, interrupted snapshots | bad value, crash at a snapshot step |
//! | FM1 membership | replace |
//! | FS1 nodes do it late, twice, unheard | mishap |
//! | FS2 wrong reports | wrong report |
//! | FS3 nodes come and go | kill node, isolate node, flap node, all nodes |
//! | FA1 hostile clients | hostile |
//! | FR1 small limits | an option of the run, not a fault: a log of one entry, buffers of few bytes |

use super::crash_point::CrashPoint;
use crate::nodes::Mishap;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Whom a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    Leader,
    /// A master that does not lead; the number chooses.
    Follower(u64),
    /// A master by position.
    Master(usize),
}

/// Whose links with masters a fault of the network changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    Masters,
    Nodes,
    Clients,
}

/// With what disk a master comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disk {
    Empty,
    /// A copy of another master's; the number chooses.
    Other(u64),
    /// The one that it had before it was last replaced, or an empty one. (An older copy of the same disk is not among them: nobody can
    /// tell it from the disk whose promises count, and raft needs that promises are kept.)
    Former,
}

/// What a storage node says that is not so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WrongReport {
    NoSpace,
    /// Capacities at the end of their range.
    HugeSpace,
    /// It reports none of its partitions.
    NoPartitions,
    /// It reports a partition that does not exist.
    StrangePartition,
    LostDisk,
    BadDisk,
    OtherZone,
}

/// What a hostile client does to a master.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hostile {
    /// Random bytes on the HTTP port, and on the raft port.
    Garbage,
    RaftGarbage,
    /// Half a request head, then silence.
    HalfHead,
    HugeHead,
    HugeBody,
    /// Many requests and no answer read.
    NeverReads,
    /// A volume is asked for and the connection is reset at once.
    Abandons,
    OddParameters,
    /// Many connections, held.
    Crowd,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// A master dies, comes back at the fault's end. `power`: it says nothing to anybody, and loses what it had not synced.
    Kill {
        who: Target,
        power: bool,
    },
    /// All masters die within moments of each other.
    KillAll {
        power: bool,
    },
    /// A master loses power at one of its next steps of a kind, comes back at the fault's end.
    CrashAt {
        who: Target,
        point: CrashPoint,
        after: u32,
    },
    /// A master dies again and again, as soon as it runs.
    CrashLoop {
        who: Target,
        times: u64,
    },
    /// A master comes back with another disk. At the fault's end an operator empties, removes and adds it.
    LostDisk {
        who: Target,
        disk: Disk,
    },
    /// A value in a master's log is damaged. At the fault's end an operator empties, removes and adds it.
    BadValue {
        who: Target,
        number: u64,
    },
    /// A master is removed from the group and added again, `emptied` or as it is.
    Replace {
        who: Target,
        emptied: bool,
    },
    /// All masters are restarted one after the other, so far apart.
    RollingRestart {
        millis: u64,
    },
    /// A master's disk fails at its next sync: its program must end, and is started again.
    DiskFails {
        who: Target,
    },
    /// A master's disk takes no more.
    DiskFull {
        who: Target,
    },
    /// The next syncs of a master take so much longer.
    DiskStalls {
        who: Target,
        millis: u64,
        times: u32,
    },
    /// A master hears and is heard by nobody.
    Isolate {
        who: Target,
    },
    /// A master is cut from the other masters only: clients and storage nodes still reach it.
    CutFromMasters {
        who: Target,
    },
    /// A master is cut from everybody but the masters.
    CutFromOthers {
        who: Target,
    },
    /// A master is heard by no other master, or hears none.
    OneWay {
        who: Target,
        deaf: bool,
    },
    /// Two masters do not hear each other; the third hears both.
    CutPair {
        a: usize,
        b: usize,
    },
    /// The ways between masters are cut one by one and joined again in another order.
    Clog {
        order: u64,
    },
    /// The links between masters take much longer.
    Slow {
        millis: u64,
    },
    /// The links between two masters do.
    SlowPair {
        a: usize,
        b: usize,
        millis: u64,
    },
    /// Some of what masters send each other takes much longer.
    TwoModes {
        millis: u64,
        per_mille: u64,
    },
    /// Connections stop for good after so many bytes one way.
    Stall {
        reach: Reach,
        bytes: u64,
    },
    /// Every connection between two masters is reset.
    Reset {
        a: usize,
        b: usize,
    },
    /// Connections are reset after so many bytes one way.
    ResetAt {
        reach: Reach,
        bytes: u64,
    },
    /// A link between masters goes down and up again all the time.
    Flap {
        a: usize,
        b: usize,
    },
    /// Streams give and take a few bytes at a time.
    Chop {
        reach: Reach,
        bytes: usize,
    },
    /// Bits flip in what masters send each other by raft.
    Flip {
        one_in: u64,
    },
    /// What a master sent another is sent again at the fault's end.
    ReplayRaft {
        a: usize,
        b: usize,
    },
    /// What a storage node reported to a master is sent again at the fault's end.
    ReplayReports {
        node: u64,
        master: usize,
    },
    /// A master's program stands still.
    Pause {
        who: Target,
    },
    /// A master's clock gains or loses.
    Drift {
        who: Target,
        ppm: i64,
    },
    /// A master's wall clock jumps.
    Jump {
        who: Target,
        seconds: i64,
    },
    /// A storage node dies, comes back at the fault's end; the number chooses.
    KillNode {
        node: u64,
        power: bool,
    },
    /// A storage node hears and is heard by nobody.
    IsolateNode {
        node: u64,
    },
    /// A storage node is cut off and joined again all the time.
    FlapNode {
        node: u64,
    },
    /// A storage node's program stands still.
    PauseNode {
        node: u64,
    },
    /// All storage nodes of a zone die, and register at once when they are back.
    KillZone {
        zone: u64,
        power: bool,
    },
    /// Something goes wrong with a storage node's next operations of a kind.
    Mishap {
        node: u64,
        opcode: u8,
        mishap: Mishap,
        times: u32,
    },
    WrongReport {
        node: u64,
        what: WrongReport,
    },
    Hostile {
        master: usize,
        what: Hostile,
    },
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

/// The classes of simulation.md.
pub const CLASSES: [&str; 18] =
    ["FN1", "FN2", "FN3", "FN4", "FN5", "FP1", "FP2", "FP3", "FP4", "FC1", "FD1", "FD2", "FM1", "FS1", "FS2", "FS3", "FA1", "FR1"];

impl Fault {
    /// The class of simulation.md, and the name in the report.
    pub fn class(&self) -> (&'static str, &'static str) {
        match self {
            Fault::Kill { power: true, .. } => ("FN3", "silent death"),
            Fault::Kill { power: false, .. } => ("FP1", "kill"),
            Fault::KillAll { .. } => ("FP2", "kill all"),
            Fault::CrashAt { point, .. } if point.is_of_snapshot() => ("FD2", "crash at a snapshot step"),
            Fault::CrashAt { .. } => ("FP1", "crash at a step"),
            Fault::CrashLoop { .. } => ("FP2", "crash loop"),
            Fault::LostDisk { .. } => ("FP2", "lost disk"),
            Fault::BadValue { .. } => ("FD2", "bad value"),
            Fault::Replace { .. } => ("FM1", "replace"),
            Fault::RollingRestart { .. } => ("FP4", "rolling restart"),
            Fault::DiskFails { .. } => ("FD1", "failing sync"),
            Fault::DiskFull { .. } => ("FD1", "full disk"),
            Fault::DiskStalls { .. } => ("FD1", "slow disk"),
            Fault::Isolate { .. } => ("FN1", "isolate"),
            Fault::CutFromMasters { .. } => ("FN1", "cut from masters"),
            Fault::CutFromOthers { .. } => ("FN1", "cut from others"),
            Fault::OneWay { .. } => ("FN1", "one way"),
            Fault::CutPair { .. } => ("FN1", "bridge"),
            Fault::Clog { .. } => ("FN2", "clog"),
            Fault::Slow { .. } => ("FN2", "slow"),
            Fault::SlowPair { .. } => ("FN2", "slow pair"),
            Fault::TwoModes { .. } => ("FN2", "two modes"),
            Fault::Stall { .. } => ("FN3", "stall"),
            Fault::Reset { .. } => ("FN4", "reset"),
            Fault::ResetAt { .. } => ("FN4", "reset at a byte"),
            Fault::Flap { .. } => ("FN2", "flap"),
            Fault::Chop { .. } => ("FN4", "chop"),
            Fault::Flip { .. } => ("FN5", "flip"),
            Fault::ReplayRaft { .. } => ("FN5", "replay between masters"),
            Fault::ReplayReports { .. } => ("FN5", "replay reports"),
            Fault::Pause { .. } => ("FP3", "pause"),
            Fault::Drift { .. } => ("FC1", "drift"),
            Fault::Jump { .. } => ("FC1", "jump"),
            Fault::KillNode { .. } => ("FS3", "kill node"),
            Fault::IsolateNode { .. } => ("FS3", "isolate node"),
            Fault::FlapNode { .. } => ("FS3", "flap node"),
            Fault::PauseNode { .. } => ("FP3", "pause node"),
            Fault::KillZone { .. } => ("FS3", "kill zone"),
            Fault::Mishap { .. } => ("FS1", "mishap"),
            Fault::WrongReport { .. } => ("FS2", "wrong report"),
            Fault::Hostile { .. } => ("FA1", "hostile"),
        }
    }

    /// Whom of the masters it hits, if one.
    pub fn target(&self) -> Option<Target> {
        match *self {
            Fault::Kill { who, .. }
            | Fault::CrashAt { who, .. }
            | Fault::CrashLoop { who, .. }
            | Fault::LostDisk { who, .. }
            | Fault::BadValue { who, .. }
            | Fault::Replace { who, .. }
            | Fault::DiskFails { who }
            | Fault::DiskFull { who }
            | Fault::DiskStalls { who, .. }
            | Fault::Isolate { who }
            | Fault::CutFromMasters { who }
            | Fault::CutFromOthers { who }
            | Fault::OneWay { who, .. }
            | Fault::Pause { who }
            | Fault::Drift { who, .. }
            | Fault::Jump { who, .. } => Some(who),
            _ => None,
        }
    }

    /// Whether it may take a master, or the masters' quorum, out of action: a survivable run has one of these at a time.
    pub fn is_of_masters(&self) -> bool {
        !matches!(
            self,
            Fault::KillNode { .. }
                | Fault::IsolateNode { .. }
                | Fault::FlapNode { .. }
                | Fault::PauseNode { .. }
                | Fault::KillZone { .. }
                | Fault::Mishap { .. }
                | Fault::WrongReport { .. }
                | Fault::Hostile { .. }
                | Fault::ReplayReports { .. }
        )
    }
}
