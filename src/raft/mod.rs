//! Consensus: one raft group over the seams.
//!
//! What it promises:
//! * a proposal is acknowledged after a quorum has it on stable storage and it was applied here; everything else is either a
//!   [`Refusal`] (it will never be applied) or [`ProposeError::Unknown`];
//! * a master whose disk was emptied takes no part until it was removed and added again: every disk has an incarnation of its
//!   own, the membership names the incarnations, and what is said by or to another one is not heard (see `bootstrap`);
//! * a half-received snapshot is never used, and the log is never shortened below what the state machine has on disk.
//!
//! Invariant: this layer never looks into a command.

mod applier;
mod bootstrap;
mod connection;
mod driver;
mod duties;
mod election;
pub mod frame;
mod handle;
mod hello;
mod listener;
mod log;
mod logger;
mod membership;
pub mod message;
mod outgoing;
mod propose;
mod publish;
mod reads;
mod ready;
mod snapshot;
mod start;
mod status;
mod transport;

pub use handle::Raft;
pub use membership::{Change, Member, Membership, MembershipError};
pub use start::{start, StartError};
pub use status::{MemberStatus, Progress, Role, State, Status};

use crate::env::storage::Pair;
use crate::env::{BoxFuture, StoreError};
use crate::ids::{Index, MasterId, Term};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// What the configuration says about this master and its peers.
#[derive(Clone, Debug)]
pub struct Options {
    /// This master; never 0.
    pub id: MasterId,
    /// Every master of the configuration, this one too: HTTP address as "ip:port" (v3.5.3 state-machine.md §1.2 `peers`).
    pub peers: BTreeMap<MasterId, String>,
    /// Where raft listens; `None`: on every address.
    pub bind: Option<IpAddr>,
    /// The port of raft, the same on all masters (`replicaPort`).
    pub replica_port: u16,
    /// Length of a tick; the leader sends heartbeats once a tick.
    pub tick: Duration,
    /// Ticks without a leader until an election, at least; at most just under twice as many.
    pub election_ticks: usize,
    /// Log entries kept behind the applied index for peers that lag.
    pub retain_logs: u64,
}

/// What a committed entry holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Nothing: a new leader's first entry.
    Empty,
    /// What was proposed.
    Command(Bytes),
    /// A change of the membership; it is in the membership handed to [`StateMachine::apply`].
    Membership,
}

/// A committed entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub index: Index,
    pub term: Term,
    pub payload: Payload,
}

/// What the log drives. It is owned by one task; no two of its futures run at a time.
pub trait StateMachine: Send + 'static {
    /// What applying a command answers.
    type Outcome: Clone + Send + Sync + 'static;

    /// Index of the last applied entry; at start, from its store.
    fn applied(&self) -> Index;

    /// The membership stored beside the applied index.
    fn membership(&self) -> Option<Membership>;

    /// Applies entries in order. Their data, the applied index and `membership` (as it is after the last of them) move in one
    /// batch, buffered. Answers one outcome for each `Payload::Command`, in order.
    fn apply<'a>(&'a mut self, entries: Vec<Entry>, membership: &'a Membership) -> BoxFuture<'a, Result<Vec<Self::Outcome>, StoreError>>;

    /// The whole contents, with applied index and membership.
    fn snapshot(&self) -> BoxFuture<'_, Result<Vec<Pair>, StoreError>>;

    /// Replaces the whole contents by a snapshot of another master, synced.
    fn install<'a>(&'a mut self, pairs: Vec<Pair>) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Returns when everything applied so far is on stable storage; called before the log is compacted.
    fn sync(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// Why something was not done. It will not be done later either.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// This master does not lead.
    #[error("not leader")]
    NotLeader { leader: Option<MasterId> },
    /// Too many or too large proposals are waiting.
    #[error("too many proposals are waiting")]
    Busy,
    /// A command above [`crate::limits::COMMAND_BYTES_MAX`].
    #[error("a command of {bytes} bytes is too large")]
    TooLarge { bytes: usize },
    /// Another leader's entry took its place in the log.
    #[error("leadership was lost before the proposal was replicated")]
    Superseded,
    /// The deadline passed; nothing depends on the request.
    #[error("deadline passed")]
    Deadline,
    /// The membership does not allow the change.
    #[error("{0}")]
    Membership(#[from] MembershipError),
    /// Raft was stopped, or its disk failed.
    #[error("raft is stopped")]
    Stopped,
}

/// The outcome of a proposal that was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// It was not applied and never will be.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It may have been applied, or may still be: leadership was lost or the deadline passed.
    #[error("the outcome of the proposal is not known")]
    Unknown,
}

/// Why raft has ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// [`Raft::stop`] was called.
    #[error("stopped on request")]
    Requested,
    /// A disk failed, or raft found its own promises broken: this process must not go on.
    #[error("{0}")]
    Failed(String),
}
