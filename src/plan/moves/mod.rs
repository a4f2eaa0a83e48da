//! Moves of replicas: the next step of each, from the records, the reports and the time.
//!
//! A move is a record ([`Move`]) and takes one step at a time. [`Look::next`] says which: wait, ask a node, or change the records.
//! [`Look::settle`] says what follows from a node's answer. [`data::take`] and [`meta::take`] make a change of the records, in one
//! transaction with the partition's own. Every request may be made again, so whoever leads next goes on from the phase that is stored.
//!
//! What holds, whatever nodes answer and whoever leads (tests in `tests.rs`):
//! * the last healthy replica is never taken off, nor one without which the raft group has no majority, unless an operator forced it;
//! * a node that may still hold a replica which is none any more, or be told to delete one, does not become a host again before that is
//!   settled;
//! * hosts and peers are the members of the raft group, as far as answers tell: a node is a host before it may hold a replica, and is one
//!   until the group has given it up.
//!
//! Invariant: pure, as all of plan. A lost answer is neither a yes nor a no.

pub mod allowed;
pub mod data;
pub mod disks;
pub mod leftover;
pub mod mark;
pub mod meta;
pub mod queue;
pub mod replica_meta;
#[cfg(test)]
mod tests;

use super::reports::Reports;
use super::scene::Scene;
use crate::ids::Term;
use crate::model::{Ending, Move, PartitionKind, Phase};
use crate::wire::peer::Peer;
use crate::wire::reply::Fault;
use std::time::Duration;

/// What a move does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Nothing before this.
    Wait(Wait),
    /// It may begin: a target and a place under the limits are wanted.
    Begin,
    /// Ask nodes; [`data::settle`] says what follows.
    Ask(Ask),
    /// Change the records.
    Turn(Turn),
}

/// What a move waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wait {
    /// For people.
    pub why: String,
    /// Monotonic time at which it is worth another look even if nothing happens.
    pub until: Option<Duration>,
}

/// A request to nodes. All of them do no more when repeated, except that a meta partition must not be created twice on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The raft group is to take a member. Each of `via` is asked until one agrees.
    AddMember { via: Vec<String>, peer: Peer },
    /// The raft group is to give up a member.
    RemoveMember { via: Vec<String>, peer: Peer, force: bool },
    /// The node is to create its replica of the raft group that it is a member of.
    Create { on: String },
    /// The node is to make its replica of what it kept of an earlier one.
    Restore { on: String, disk: String },
    /// The node is to try and lead.
    Lead { on: String },
    /// The node is to delete its replica; then `lead` is to lead, if somebody has to.
    Delete { on: String, force: bool, lead: Option<String> },
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done; the text that came with it.
    Done(String),
    /// Surely not done: refused, or never sent.
    No(Fault),
    /// Done, or not, or it will be yet.
    Unknown(Fault),
}

/// A change of the records.
#[derive(Clone, Debug, PartialEq)]
pub enum Turn {
    /// A target is chosen, and the first step may be taken.
    Begin { to: Peer, repaired_from: (String, String) },
    /// The raft group has given up `from`.
    Left,
    /// The raft group has taken `to`.
    Joined,
    /// `to` has its replica, on this disk.
    Created { disk: String },
    /// The new replica is as good as the others.
    CaughtUp,
    /// The raft group has a leader.
    Elected,
    /// `to` is not wanted after all.
    Retract { why: Fault, doubtful: bool },
    /// The raft group has given up `to` again.
    Retracted,
    /// The attempt came to nothing and left nothing: again later.
    Later { why: Fault },
    /// It cannot be done at all. The condition is v3.5.3's text for where it failed.
    Fail { condition: String, why: Fault },
    /// The end. `settled`: the node that lost its replica confirmed it, and nothing more is under way there.
    Finish { ending: Ending, why: Option<Fault>, settled: bool },
}

/// What follows from an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Settled {
    /// The records change.
    Turn(Turn),
    /// Ask again later.
    Again(Fault),
    /// Ask again later, knowing that it may have been done.
    InDoubt(Fault),
}

/// What the executor remembers of a move between steps; lost with its process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// A request of this phase has left and its outcome is not known.
    pub in_doubt: bool,
    /// When the last request of this phase failed, monotonic.
    pub failed_at: Option<Duration>,
    /// When the last request of this phase was answered or given up, monotonic.
    pub asked_at: Option<Duration>,
    /// Requests of this phase.
    pub asked: u32,
    /// When this leader first saw the move in this phase, monotonic.
    pub since: Option<Duration>,
}

impl Memory {
    /// The last request failed a moment ago.
    fn resting(&self, now: Duration, mv: &Move) -> Option<Wait> {
        let at = self.failed_at? + ASK_AGAIN_AFTER;
        (now < at).then(|| Wait { why: format!("asks again: {}", mv.error), until: Some(at) })
    }
}

/// A move of either kind, with what its next step is decided on.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    pub scene: Scene<'a>,
    pub reports: &'a Reports,
    pub mv: &'a Move,
    pub memory: &'a Memory,
    /// The term in which this master leads.
    pub term: Term,
}

impl<'a> Look<'a> {
    fn data(&self) -> data::View<'a> {
        let Look { scene, reports, mv, memory, term } = *self;
        data::View { scene, reports, mv, dp: scene.state.data_partitions.get(&mv.partition).map(|dp| &**dp), memory, term }
    }

    fn meta(&self) -> meta::View<'a> {
        let Look { scene, reports, mv, memory, term } = *self;
        meta::View { scene, reports, mv, mp: scene.state.meta_partitions.get(&mv.partition).map(|mp| &**mp), memory, term }
    }

    /// The next step.
    pub fn next(&self) -> Next {
        match self.mv.kind {
            PartitionKind::Data => data::next(&self.data()),
            PartitionKind::Meta => meta::next(&self.meta()),
        }
    }

    /// What follows from the answer to a request.
    pub fn settle(&self, ask: &Ask, answer: Answer) -> Settled {
        match self.mv.kind {
            PartitionKind::Data => data::settle(&self.data(), ask, answer),
            PartitionKind::Meta => meta::settle(&self.meta(), ask, answer),
        }
    }

    /// A request of this phase may have been executed, or may still be.
    pub fn in_doubt(&self) -> bool {
        match self.mv.kind {
            PartitionKind::Data => self.data().in_doubt(),
            PartitionKind::Meta => self.meta().in_doubt(),
        }
    }
}

/// Which phase may follow which. A move ends from any.
pub const LEGAL: &[(Phase, Phase)] = &[
    (Phase::Waiting, Phase::Leaving),
    (Phase::Waiting, Phase::Joining),
    (Phase::Waiting, Phase::Waiting),
    (Phase::Leaving, Phase::Deleting),
    (Phase::Leaving, Phase::Joining),
    (Phase::Leaving, Phase::Waiting),
    (Phase::Leaving, Phase::Retracting),
    (Phase::Joining, Phase::Creating),
    (Phase::Joining, Phase::Retracting),
    (Phase::Joining, Phase::Waiting),
    (Phase::Creating, Phase::Repairing),
    (Phase::Creating, Phase::Retracting),
    (Phase::Repairing, Phase::Electing),
    (Phase::Repairing, Phase::Retracting),
    (Phase::Electing, Phase::Leaving),
    (Phase::Electing, Phase::Retracting),
    (Phase::Retracting, Phase::Waiting),
];

/// Between two requests of one phase that fail.
pub const ASK_AGAIN_AFTER: Duration = Duration::from_secs(3);
/// A decommission that was marked begins no sooner: v3.5.3 looks at what is marked every five seconds, heaviest first
/// (background-tasks.md §10.5), and so do we, for one that is asked for later may be more urgent.
pub const BEGIN_AFTER_SECS: i64 = 5;
/// Between two attempts of a decommission (v3.5.3 background-tasks.md §10.1).
pub const RETRY_AFTER_SECS: i64 = 300;
/// Attempts of a decommission that may fail before anything was taken off (§10.1).
pub const FAILURES_MAX: i64 = 5;
/// Targets of a decommission that may be given up again (§10.1).
pub const ROLLBACKS_MAX: u32 = 3;
/// A repair without progress for this long has failed, unless the cluster record says another time (§10.1).
pub const REPAIR_TIMEOUT_SECS: i64 = 2 * 3600;
/// The source of a repair is down when its reports are older than those of its target by more (§9.1).
pub const SOURCE_SILENT_MAX: Duration = Duration::from_secs(600);
/// Requests to become leader before a decommission gives up (§10.6).
pub const ELECTIONS_MAX: u32 = 60;
/// Between two of them.
pub const ELECTION_INTERVAL: Duration = Duration::from_secs(5);
/// A request whose answer was lost is surely over after this long.
pub const IN_DOUBT_FOR: Duration = Duration::from_secs(60);

fn wait(why: impl Into<String>) -> Next {
    Next::Wait(Wait { why: why.into(), until: None })
}

fn wait_until(why: impl Into<String>, until: Duration) -> Next {
    Next::Wait(Wait { why: why.into(), until: Some(until) })
}

fn finish(ending: Ending, why: Option<Fault>) -> Next {
    Next::Turn(Turn::Finish { ending, why, settled: false })
}

/// The raft identity of the source: that of the record's peers, else that of its node.
fn source(peers: &[Peer], mv: &Move) -> Peer {
    let peer = peers.iter().find(|peer| peer.addr == mv.from).cloned();
    peer.unwrap_or_else(|| Peer { id: mv.from_id, addr: mv.from.clone(), ..Peer::default() })
}

/// Puts a move into another phase.
pub(crate) fn advance(mv: &mut Move, phase: Phase) {
    assert!(LEGAL.contains(&(mv.phase, phase)), "a move goes from {:?} to {phase:?}", mv.phase);
    mv.phase = phase;
}
