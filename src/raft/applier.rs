//! The task that owns the state machine: it applies in order what the driver hands it, and answers who waits for it. While it
//! reads out a snapshot, raft goes on.

use super::{Entry, Membership, Payload, ProposeError, StateMachine, Stopped};
use crate::env::storage::Pair;
use crate::env::StoreError;
use crate::ids::Index;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Where the outcome of an entry goes.
pub enum Reply<O> {
    Command(oneshot::Sender<Result<(Index, O), ProposeError>>),
    Change(oneshot::Sender<Result<Index, ProposeError>>),
}

impl<O> Reply<O> {
    /// It was not done, or nobody knows.
    pub fn fail(self, error: ProposeError) {
        // Who asked may have gone away.
        match self {
            Reply::Command(reply) => drop(reply.send(Err(error))),
            Reply::Change(reply) => drop(reply.send(Err(error))),
        }
    }
}

/// What the applier is asked to do, in this order.
pub enum Work<O> {
    Apply {
        entries: Vec<Entry>,
        membership: Arc<Membership>,
        /// Who waits for which entry, in order of the indexes.
        replies: Vec<(Index, Reply<O>)>,
        bytes: usize,
    },
    /// Reads the whole state out.
    Snapshot,
    /// Brings everything applied so far to stable storage.
    Sync,
    /// Replaces the whole state; it must then stand at `index`.
    Install { index: Index, pairs: Vec<Pair>, done: oneshot::Sender<Result<Membership, String>> },
}

/// What it has done.
pub enum Done {
    Applied { index: Index, bytes: usize },
    Snapshot { index: Index, membership: Membership, pairs: Vec<Pair> },
    Synced { index: Index },
    Failed(Stopped),
}

/// Works until there is no driver any more, or the disk fails.
pub async fn run<M: StateMachine>(mut machine: M, mut work: mpsc::UnboundedReceiver<Work<M::Outcome>>, done: mpsc::UnboundedSender<Done>) {
    while let Some(next) = work.recv().await {
        let finished = match next {
            Work::Apply { entries, membership, replies, bytes } => apply(&mut machine, entries, &membership, replies, bytes).await,
            Work::Snapshot => match machine.membership() {
                Some(membership) => {
                    let index = machine.applied();
                    machine.snapshot().await.map(|pairs| Done::Snapshot { index, membership, pairs })
                }
                None => Ok(Done::Failed(Stopped::Failed("the state holds no membership".into()))),
            },
            Work::Sync => {
                let index = machine.applied();
                machine.sync().await.map(|()| Done::Synced { index })
            }
            Work::Install { index, pairs, done } => {
                let installed = install(&mut machine, index, pairs).await;
                // The driver waits for it, and ends when it fails.
                let _ = done.send(installed);
                continue;
            }
        };
        let finished = finished.unwrap_or_else(|e| Done::Failed(Stopped::Failed(e.to_string())));
        let failed = matches!(finished, Done::Failed(_));
        if done.send(finished).is_err() || failed {
            break;
        }
    }
    if let Err(e) = machine.sync().await {
        tracing::error!("syncing the state at the end: {e}");
    }
}

async fn apply<M: StateMachine>(
    machine: &mut M,
    entries: Vec<Entry>,
    membership: &Membership,
    replies: Vec<(Index, Reply<M::Outcome>)>,
    bytes: usize,
) -> Result<Done, StoreError> {
    let index = entries.last().expect("something is applied").index;
    assert_eq!(entries[0].index.0, machine.applied().0 + 1, "entries are applied in order");
    let commands: Vec<Index> = entries.iter().filter(|e| matches!(e.payload, Payload::Command(_))).map(|e| e.index).collect();
    let outcomes = machine.apply(entries, membership).await?;
    assert_eq!(outcomes.len(), commands.len(), "each command has one outcome");
    assert_eq!(machine.applied(), index, "the applied index moves with the data");
    let mut outcomes = commands.into_iter().zip(outcomes).peekable();
    for (at, reply) in replies {
        while outcomes.next_if(|(index, _)| *index < at).is_some() {}
        match reply {
            Reply::Change(reply) => drop(reply.send(Ok(at))),
            Reply::Command(reply) => {
                let outcome = outcomes.next_if(|(index, _)| *index == at).expect("who waits for an outcome proposed a command");
                drop(reply.send(Ok(outcome)));
            }
        }
    }
    Ok(Done::Applied { index, bytes })
}

async fn install<M: StateMachine>(machine: &mut M, index: Index, pairs: Vec<Pair>) -> Result<Membership, String> {
    machine.install(pairs).await.map_err(|e| e.to_string())?;
    match machine.membership() {
        Some(membership) if machine.applied() == index => Ok(membership),
        _ => Err(format!("a snapshot of index {index} stands at {} after it was installed", machine.applied())),
    }
}
