//! Every step of a master at which it may lose power, by name: before and after each sync, send, apply and snapshot step.

use crate::world::probe::{Place, Point};
use serde::{Deserialize, Serialize};

/// Directories and ports of a master as the simulation configures it.
pub const LOG_DIR: &str = "/cfs/wal";
pub const STATE_DIR: &str = "/cfs/store";
pub const RAFT_PORT: u16 = 5902;
pub const HTTP_PORT: u16 = 17010;

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CrashPoint {
    BeforeLogOpens,
    AfterLogOpens,
    BeforeLogWrite,
    BeforeLogSync,
    AfterLogSync,
    BeforeStateOpens,
    AfterStateOpens,
    BeforeApply,
    AfterApply,
    BeforeStateSync,
    AfterStateSync,
    /// The state is about to be read for a snapshot.
    BeforeSnapshot,
    BeforeInstall,
    AfterInstall,
    BeforeRaftSend,
    AfterRaftSend,
    BeforeReply,
    AfterReply,
    /// A task to a storage node.
    BeforeTask,
    AfterTask,
}

use CrashPoint::*;

/// All of them.
pub const ALL: [CrashPoint; 20] = [
    BeforeLogOpens,
    AfterLogOpens,
    BeforeLogWrite,
    BeforeLogSync,
    AfterLogSync,
    BeforeStateOpens,
    AfterStateOpens,
    BeforeApply,
    AfterApply,
    BeforeStateSync,
    AfterStateSync,
    BeforeSnapshot,
    BeforeInstall,
    AfterInstall,
    BeforeRaftSend,
    AfterRaftSend,
    BeforeReply,
    AfterReply,
    BeforeTask,
    AfterTask,
];

impl CrashPoint {
    /// What a step of the world is to a master.
    pub fn of(point: Point, place: Place<'_>) -> Option<Self> {
        match place {
            Place::Store(dir) if dir.as_os_str() == LOG_DIR => of_log(point),
            Place::Store(dir) if dir.as_os_str() == STATE_DIR => of_state(point),
            Place::Store(_) => None,
            Place::Port(port) => match (port, point) {
                (RAFT_PORT, Point::SendBegin) => Some(BeforeRaftSend),
                (RAFT_PORT, Point::SendEnd) => Some(AfterRaftSend),
                (HTTP_PORT, Point::SendBegin) => Some(BeforeReply),
                (HTTP_PORT, Point::SendEnd) => Some(AfterReply),
                (_, Point::SendBegin) => Some(BeforeTask),
                (_, Point::SendEnd) => Some(AfterTask),
                _ => None,
            },
        }
    }

    /// The name in reports and scenarios.
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|value| value.as_str().map(str::to_owned)).expect("a unit variant is a text")
    }

    /// It comes only while a master starts.
    pub fn is_of_start(self) -> bool {
        matches!(self, BeforeLogOpens | AfterLogOpens | BeforeStateOpens | AfterStateOpens)
    }

    /// It comes only while a snapshot is made or taken.
    pub fn is_of_snapshot(self) -> bool {
        matches!(self, BeforeSnapshot | BeforeInstall | AfterInstall | BeforeStateSync | AfterStateSync)
    }
}

fn of_log(point: Point) -> Option<CrashPoint> {
    match point {
        Point::OpenBegin => Some(BeforeLogOpens),
        Point::OpenEnd => Some(AfterLogOpens),
        Point::WriteBegin => Some(BeforeLogWrite),
        Point::SyncBegin => Some(BeforeLogSync),
        Point::SyncEnd => Some(AfterLogSync),
        _ => None,
    }
}

fn of_state(point: Point) -> Option<CrashPoint> {
    match point {
        Point::OpenBegin => Some(BeforeStateOpens),
        Point::OpenEnd => Some(AfterStateOpens),
        Point::WriteBegin => Some(BeforeApply),
        Point::WriteEnd => Some(AfterApply),
        Point::SyncBegin => Some(BeforeStateSync),
        Point::SyncEnd => Some(AfterStateSync),
        Point::View => Some(BeforeSnapshot),
        Point::InstallBegin => Some(BeforeInstall),
        Point::InstallEnd => Some(AfterInstall),
        Point::SendBegin | Point::SendEnd => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_point_has_a_name_of_its_own() {
        let names: BTreeSet<String> = ALL.iter().map(|point| point.name()).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(names.contains("before-log-sync"));
    }
}
