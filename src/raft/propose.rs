//! What the driver is asked for: commands, reads, changes of the membership.

use super::applier::Reply;
use super::driver::Driver;
use super::handle::Request;
use super::reads::Read;
use super::{Change, Refusal};
use crate::env::Mono;
use crate::limits;
use prost::Message as _;
use raft::eraftpb::{self, EntryType, MessageType};
use tokio::sync::OwnedSemaphorePermit;

/// Who waits for an entry.
pub(super) struct Waiter<O> {
    pub index: u64,
    pub term: u64,
    pub reply: Reply<O>,
    _room: Room,
}

/// Kept until the request is answered.
pub(super) enum Room {
    Proposal { _slot: OwnedSemaphorePermit, _kib: OwnedSemaphorePermit },
    Change { _slot: OwnedSemaphorePermit },
}

pub(super) struct Proposal<O> {
    entry: eraftpb::Entry,
    pub reply: Reply<O>,
    room: Room,
}

/// A change of the membership that waits until the one before it was applied.
pub(super) struct PendingChange<O> {
    change: Change,
    deadline: Mono,
    /// `None` for the leader's own.
    pub reply: Option<(Reply<O>, Room)>,
}

impl<O: Clone + Send + Sync + 'static> Driver<O> {
    pub(super) fn take_request(&mut self, request: Request<O>) {
        let now = self.env.now();
        match request {
            Request::Propose { reply, .. } if !self.leads() || self.leaving.is_some() => reply.fail(self.not_leader().into()),
            Request::Change { reply, .. } if !self.leads() || self.leaving.is_some() => reply.fail(self.not_leader().into()),
            Request::Read { reply, .. } if !self.leads() => drop(reply.send(Err(self.not_leader()))),
            Request::Propose { deadline, reply, .. } | Request::Change { deadline, reply, .. } if deadline <= now => {
                reply.fail(Refusal::Deadline.into())
            }
            Request::Read { deadline, reply, .. } if deadline <= now => drop(reply.send(Err(Refusal::Deadline))),
            Request::Propose { command, reply, room: (_slot, _kib), .. } => {
                let entry = eraftpb::Entry { data: command.to_vec(), ..Default::default() };
                self.proposals.push(Proposal { entry, reply, room: Room::Proposal { _slot, _kib } });
            }
            Request::Read { reply, room, .. } => self.reads.add(Read { reply, _room: Some(room) }),
            Request::Change { change, deadline, reply, room } => {
                self.changes.push_back(PendingChange { change, deadline, reply: Some((reply, Room::Change { _slot: room })) });
            }
            Request::Campaign if self.leads() => {}
            Request::Campaign if self.leader().is_some() => self.node.transfer_leader(self.options.id.0),
            Request::Campaign => self.campaign(),
            Request::HandOver => {
                self.hand_over();
            }
        }
    }

    /// Appends everything that was proposed in this round as one message: one broadcast, one sync.
    pub(super) fn append_proposals(&mut self) {
        if self.proposals.is_empty() {
            return;
        }
        let proposals = std::mem::take(&mut self.proposals);
        let (entries, waiting): (Vec<_>, Vec<_>) = proposals.into_iter().map(|p| (p.entry, (p.reply, p.room))).unzip();
        match self.append(entries) {
            Ok((first, term)) => {
                for (at, (reply, room)) in waiting.into_iter().enumerate() {
                    self.waiters.push_back(Waiter { index: first + at as u64, term, reply, _room: room });
                }
            }
            Err(e) => {
                tracing::debug!("proposals were dropped: {e}");
                for (reply, _) in waiting {
                    reply.fail(Refusal::Busy.into());
                }
            }
        }
    }

    /// Index of the first entry and the term they got.
    fn append(&mut self, entries: Vec<eraftpb::Entry>) -> raft::Result<(u64, u64)> {
        let first = self.node.raft.raft_log.last_index() + 1;
        let count = entries.len() as u64;
        let message = eraftpb::Message { msg_type: MessageType::MsgPropose as i32, from: self.options.id.0, entries, ..Default::default() };
        self.node.step(message)?;
        assert_eq!(self.node.raft.raft_log.last_index() + 1, first + count, "the leader appends what it takes");
        Ok((first, self.node.raft.term))
    }

    /// Proposes the next change of the membership once the one before it is applied.
    pub(super) fn begin_change(&mut self) {
        if !self.leads_ready() || self.node.raft.has_pending_conf() {
            return;
        }
        while let Some(PendingChange { change, deadline, reply }) = self.changes.pop_front() {
            let refusal = match self.membership.after(&change) {
                _ if deadline <= self.env.now() => Refusal::Deadline,
                Err(e) => e.into(),
                Ok(_) => match self.append(vec![change_entry(&change)]) {
                    Ok((index, term)) => {
                        if let Some((reply, room)) = reply {
                            self.waiters.push_back(Waiter { index, term, reply, _room: room });
                        }
                        return;
                    }
                    Err(_) => Refusal::Busy,
                },
            };
            if let Some((reply, _)) = reply {
                reply.fail(refusal.into());
            }
        }
    }

    /// The leader's own change, unless others wait.
    pub(super) fn propose_own(&mut self, change: Change) {
        if self.changes.is_empty() {
            self.changes.push_back(PendingChange { change, deadline: self.env.now() + limits::PROPOSAL_DEADLINE, reply: None });
        }
    }
}

/// The entry that carries a change. One that leaves voters and learners as they are is an ordinary entry to the library.
fn change_entry(change: &Change) -> eraftpb::Entry {
    let mut entry = eraftpb::Entry { context: change.encode(), ..Default::default() };
    if let Some(conf_change) = change.conf_change() {
        entry.entry_type = EntryType::EntryConfChangeV2 as i32;
        entry.data = conf_change.encode_to_vec();
    }
    entry
}
