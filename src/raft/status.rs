//! What raft shows of itself. Data only.

use super::Member;
use crate::ids::{Index, MasterId, Term};
use std::collections::BTreeMap;

/// What this master is in its term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It takes no part (yet): waiting to be founded or added, or stopped.
    #[default]
    Out,
    /// It receives the log but does not vote.
    Learner,
    Follower,
    /// It asks for votes, or asks whether asking makes sense.
    Candidate,
    Leader,
}

/// Who leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Role {
    pub term: Term,
    pub leader: Option<MasterId>,
    pub state: State,
    /// This master leads, and an entry of its own term was committed and applied: what it reads here is all there is.
    pub ready: bool,
}

impl Role {
    /// This master leads (perhaps it is not ready yet).
    pub fn leads(&self) -> bool {
        self.state == State::Leader
    }
}

/// Everything about this master's raft, for people and metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub id: MasterId,
    /// Identity of this master's disk.
    pub incarnation: u64,
    pub role: Role,
    pub commit: Index,
    pub applied: Index,
    /// First entry that the log still holds.
    pub first: Index,
    /// Last entry of the log.
    pub last: Index,
    /// Proposals that were appended and not yet answered.
    pub proposals_waiting: usize,
    /// Reads that wait for a confirmation of leadership or for an entry to be applied.
    pub reads_waiting: usize,
    pub members: BTreeMap<MasterId, MemberStatus>,
}

/// One member as this master sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberStatus {
    pub member: Member,
    /// How far its log agrees with the leader's; only the leader knows.
    pub progress: Option<Progress>,
}

/// Replication to a member as the leader sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub matched: Index,
    pub next: Index,
    pub commit: Index,
    /// It was heard within the last election time-out.
    pub active: bool,
    /// It is being sent a snapshot.
    pub snapshot: bool,
}
