//! Moves of replicas: records of our own (prefix `~`) beside the fields that v3.5.3 has in a partition's record.
//!
//! v3.5.3 persists where a decommission of a data partition stands, and of everything else nothing: who asked, what was done when, what
//! a failure left on nodes. A partition has one [`Move`] at most, because the key says so.

use super::key::{Key, PartitionKind};
use super::record::{record, JsonRecord};
use crate::ids::{NodeId, NodeSetId, PartitionId, Term, VolumeId};
use crate::wire::peer::Peer;
use serde::{Deserialize, Serialize};

/// What a move is to bring about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// A replica on `to`.
    #[default]
    Add,
    /// No replica on `from`.
    Remove,
    /// The replica on `from` gives way to one on `to`: it is taken off first, as v3.5.3 does with three replicas.
    Replace,
    /// The same, the new replica first: with one or two replicas there is nothing to spare.
    Relay,
}

/// What a move is doing, or waits to do. The legal successors are in `plan::moves`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Nothing was done yet: it waits for its turn and for a target.
    #[default]
    Waiting,
    /// The raft group is asked to give up `from`, which still is a host.
    Leaving,
    /// The raft group is asked to take `to`, which is no host yet.
    Joining,
    /// `to` is a host and is asked to create its replica.
    Creating,
    /// The replica on `to` catches up.
    Repairing,
    /// It has caught up; the raft group needs a leader before `from` may go.
    Electing,
    /// The raft group is asked to give up `to` again.
    Retracting,
    /// `from` is no host any more and is asked to delete its replica.
    Deleting,
}

/// How a move ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    #[default]
    Done,
    /// It could not be done; what it had begun was undone.
    Failed,
    /// Somebody asked for that.
    Cancelled,
    /// The partition was deleted.
    PartitionGone,
}

/// One step that was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct StepTaken {
    pub step: String,
    /// Unix seconds.
    pub at: i64,
    /// Empty: as wanted.
    pub error: String,
}

record! {
    /// `~move#<kind>#<partition>`: a replica of the partition is being moved.
    pub struct Move keyed(kind: PartitionKind, partition: PartitionId) {
        /// Of all moves that ever were.
        number: u64 = "number";
        volume: VolumeId = "volume";
        task: Task = "task";
        phase: Phase = "phase";
        /// The node that loses its replica; empty when none does.
        from: String = "from";
        /// Its raft identity.
        from_id: NodeId = "from-id";
        /// The node that gets one; empty until it is chosen.
        to: Peer = "to";
        /// `to` was given by who asked.
        to_given: bool = "to-given";
        /// The new replica is restored from its backup on this disk of `to`; empty: it is created.
        backup_disk: String = "backup-disk", unless String::is_empty;
        /// `to` has to be in this node set; 0: any.
        to_set: NodeSetId = "to-set";
        /// The raft group may be changed without its leader.
        raft_force: bool = "raft-force";
        /// Larger goes first.
        weight: i64 = "weight";
        /// Who asked: a route, or the master itself.
        actor: String = "actor";
        /// Why, for people.
        why: String = "why";
        /// Unix seconds.
        asked: i64 = "asked";
        /// Unix seconds at which `phase` began.
        since: i64 = "since";
        /// The leader's term in which `phase` began: any other leader does not know which requests of it are still under way.
        term: Term = "term";
        /// Node and disk that the new replica is repaired from, while it takes a part of their limits.
        repaired_from: String = "repaired-from";
        repaired_from_disk: String = "repaired-from-disk";
        /// A request to bring a replica to `to` may still be under way.
        doubtful: bool = "doubtful";
        /// Somebody asked to end it.
        cancelled: bool = "cancelled";
        /// Attempts that failed.
        failures: u32 = "failures";
        /// Why the last one did.
        error: String = "error";
        steps: Vec<StepTaken> = "steps";
    }
}

impl Move {
    /// The new replica comes from a backup.
    pub fn restores(&self) -> bool {
        !self.backup_disk.is_empty()
    }

    /// A request for a replica that fails leaves the partition forbidden to the next one, until a reset, as in v3.5.3
    /// (http-partitions-nodes.md §4.1); what the master does by itself and a backup that is restored do not.
    pub fn leaves_flag(&self) -> bool {
        self.to_given && !self.restores()
    }
}

impl JsonRecord for Move {
    fn place(&self) -> Key {
        Key::Move(self.kind, self.partition)
    }

    fn adopt(&mut self, key: &Key) {
        if let Key::Move(kind, partition) = key {
            (self.kind, self.partition) = (*kind, *partition);
        }
    }
}

record! {
    /// `~moved#<number>`: a move that has ended. The oldest are forgotten.
    pub struct PastMove keyed(number: u64) {
        kind: String = "kind";
        partition: PartitionId = "partition";
        ending: Ending = "ending";
        /// Unix seconds.
        ended: i64 = "ended";
        /// As it was at its end.
        last: Move = "last";
    }
}

impl JsonRecord for PastMove {
    fn place(&self) -> Key {
        Key::PastMove(self.number)
    }

    fn adopt(&mut self, key: &Key) {
        if let Key::PastMove(number) = key {
            self.number = *number;
        }
    }
}

record! {
    /// `~left#<kind>#<partition>#<addr>`: the node is no host of the partition any more and may still hold a replica. It cannot become a
    /// host again before that is settled, so that no late deletion hits a new replica.
    pub struct Leftover keyed(kind: PartitionKind, partition: PartitionId, addr: String) {
        volume: VolumeId = "volume";
        /// Delete even what the node thinks is in use.
        force: bool = "force";
        /// The leader's term in which it was left: that leader knows all requests that were ever sent about it.
        term: Term = "term";
        /// A request that brings the replica back may still be under way.
        doubtful: bool = "doubtful";
        /// Unix seconds.
        since: i64 = "since";
    }
}

impl JsonRecord for Leftover {
    fn place(&self) -> Key {
        Key::Leftover(self.kind, self.partition, self.addr.clone())
    }

    fn adopt(&mut self, key: &Key) {
        if let Key::Leftover(kind, partition, addr) = key {
            (self.kind, self.partition, self.addr) = (*kind, *partition, addr.clone());
        }
    }
}

record! {
    /// `~empty#<addr>`: the meta node is being emptied and is removed when it is empty. It takes no replica meanwhile.
    pub struct EmptyNode keyed(addr: String) {
        /// Who asked.
        actor: String = "actor";
        /// Unix seconds.
        asked: i64 = "asked";
        /// The leader's term in which it was asked for.
        term: Term = "term";
    }
}

impl JsonRecord for EmptyNode {
    fn place(&self) -> Key {
        Key::EmptyNode(self.addr.clone())
    }

    fn adopt(&mut self, key: &Key) {
        if let Key::EmptyNode(addr) = key {
            self.addr = addr.clone();
        }
    }
}

impl Task {
    /// A replica comes to be.
    pub fn adds(self) -> bool {
        self != Task::Remove
    }

    /// A replica goes.
    pub fn takes_away(self) -> bool {
        self != Task::Add
    }

    /// Both: a decommission.
    pub fn is_decommission(self) -> bool {
        matches!(self, Task::Replace | Task::Relay)
    }
}
