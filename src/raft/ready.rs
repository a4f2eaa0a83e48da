//! What follows from the driver's input, in the order that makes raft safe: a leader's messages go out at once; then entries, vote
//! and commit index are written in one synced batch; then go the messages that depend on it; then what is committed goes to the
//! state machine.

use super::applier::Work;
use super::driver::{Driver, Event};
use super::log::Point;
use super::message::{is_request, Envelope};
use super::{Change, Entry, Membership, Payload, ProposeError, Refusal, Stopped};
use crate::env::storage::Pair;
use crate::env::{Batch, Durability, StoreError};
use crate::ids::{Index, MasterId, Term};
use crate::limits;
use crate::mutants::mutant;
use raft::eraftpb::{self, EntryType, Message, MessageType, SnapshotMetadata};
use raft::{SnapshotStatus, StateRole, Storage};
use tokio::sync::oneshot;

fn failed(error: StoreError) -> Stopped {
    Stopped::Failed(error.to_string())
}

impl<O: Clone + Send + Sync + 'static> Driver<O> {
    pub(super) async fn handle_ready(&mut self) -> Result<(), Stopped> {
        while self.node.has_ready() {
            self.handle_one_ready().await?;
            for to in std::mem::take(&mut self.outgoing.failed) {
                self.node.report_snapshot(to.0, SnapshotStatus::Failure);
            }
            self.settle();
        }
        // A snapshot that the library did not take is of no use.
        self.received = None;
        if self.node.mut_store().take_snapshot_wish() && !self.outgoing.asked {
            self.outgoing.asked = true;
            self.give(Work::Snapshot);
        }
        let deferred = std::mem::take(&mut self.deferred);
        if !deferred.is_empty() {
            self.store.write(deferred, Durability::Buffered).await.map_err(failed)?;
        }
        self.wait_for_backlog().await
    }

    async fn handle_one_ready(&mut self) -> Result<(), Stopped> {
        let mut ready = self.node.ready();
        self.send(ready.take_messages());
        if let Some(hard) = ready.hs() {
            self.hard = hard.clone();
        }
        let mut batch = std::mem::take(&mut self.deferred);
        let snapshot = ready.snapshot().metadata.clone().filter(|meta| meta.index != 0);
        if let Some(meta) = &snapshot {
            self.install(meta, &mut batch).await?;
        }
        let committed = ready.take_committed_entries();
        // They are on disk here already: the state machine can work while the disk syncs what is new.
        let at_once = committed.iter().all(|entry| entry.context.is_empty());
        let later = if at_once {
            self.dispatch(committed)?;
            Vec::new()
        } else {
            committed
        };
        let no_entries = ready.entries().is_empty();
        let log = self.node.mut_store();
        log.stage_entries(&mut batch, ready.take_entries());
        log.stage_hard_state(&mut batch, self.hard.clone());
        if mutant!("messages before the sync") {
            self.send(ready.take_persisted_messages());
        }
        if !batch.is_empty() {
            let forgets = match no_entries {
                true => mutant!("vote not synced"),
                false => mutant!("entry not synced"),
            };
            let durability = if ready.must_sync() && !forgets { Durability::Synced } else { Durability::Buffered };
            self.store.write(batch, durability).await.map_err(failed)?;
        }
        self.send(ready.take_persisted_messages());
        for read in ready.take_read_states() {
            if let Ok(round) = read.request_ctx.try_into() {
                self.reads.confirm(u64::from_be_bytes(round), read.index);
            }
        }
        let mut light = self.node.advance_append(ready);
        if let Some(commit) = light.commit_index() {
            // It reaches the disk with the next batch at the latest: a change of the membership is never in the log of a disk that
            // does not know the one before it to be committed.
            self.hard.commit = commit;
        }
        if let Some(meta) = snapshot {
            self.node.advance_apply_to(meta.index);
        }
        self.send(light.take_messages());
        self.dispatch(later)?;
        self.dispatch(light.take_committed_entries())?;
        self.reads.applied(self.applied);
        Ok(())
    }

    /// Hands committed entries to the state machine, and changes the membership by them.
    fn dispatch(&mut self, committed: Vec<eraftpb::Entry>) -> Result<(), Stopped> {
        if committed.is_empty() {
            return Ok(());
        }
        if self.node.store().base().is_none() {
            return Err(Stopped::Failed("entries were committed before a snapshot was installed".into()));
        }
        let (mut entries, mut replies, mut bytes) = (Vec::with_capacity(committed.len()), Vec::new(), 0);
        for entry in committed {
            assert_eq!(entry.index, self.dispatched + 1, "entries are committed in order");
            self.dispatched = entry.index;
            bytes += entry.data.len();
            let (index, term) = (Index(entry.index), Term(entry.term));
            let (payload, refusal) = self.commit(entry)?;
            while self.waiters.front().is_some_and(|waiter| waiter.index <= index.0) {
                let waiter = self.waiters.pop_front().expect("it has a first one");
                match &refusal {
                    _ if (waiter.index, waiter.term) != (index.0, term.0) => waiter.reply.fail(Refusal::Superseded.into()),
                    Some(refusal) => waiter.reply.fail(refusal.clone().into()),
                    None => replies.push((index, waiter.reply)),
                }
            }
            entries.push(Entry { index, term, payload });
        }
        self.backlog_bytes += bytes;
        self.give(Work::Apply { entries, membership: self.membership.clone(), replies, bytes });
        Ok(())
    }

    /// What a committed entry holds, and why it has no effect.
    fn commit(&mut self, entry: eraftpb::Entry) -> Result<(Payload, Option<Refusal>), Stopped> {
        if entry.context.is_empty() {
            return Ok(match entry.data.is_empty() {
                false => (Payload::Command(entry.data.into()), None),
                // A change that the library took out leaves an empty entry: nobody else waits for one.
                true => (Payload::Empty, Some(Refusal::Busy)),
            });
        }
        let unknown = || Stopped::Failed(format!("entry {} is of a later version of this program", entry.index));
        let change = Change::decode(&entry.context).ok_or_else(unknown)?;
        Ok(match self.membership.after(&change) {
            Err(e) => (Payload::Membership, Some(e.into())),
            Ok(membership) => {
                self.change_membership(&change, membership, entry.entry_type())?;
                (Payload::Membership, None)
            }
        })
    }

    fn change_membership(&mut self, change: &Change, membership: Membership, kind: EntryType) -> Result<(), Stopped> {
        if let Some(conf_change) = change.conf_change() {
            let applied = self.node.apply_conf_change(&conf_change).map_err(|e| e.to_string());
            let agrees = applied.as_ref().is_ok_and(|conf| {
                let sorted = |ids: &[u64]| std::collections::BTreeSet::from_iter(ids.iter().copied());
                let wanted = membership.conf_state();
                sorted(&conf.voters) == sorted(&wanted.voters) && sorted(&conf.learners) == sorted(&wanted.learners)
            });
            if !agrees || kind != EntryType::EntryConfChangeV2 {
                return Err(Stopped::Failed(format!("{change:?} gave {applied:?} instead of {membership:?}")));
            }
        }
        tracing::info!("membership: {change:?}");
        let gone = !membership.members.contains_key(&self.options.id);
        self.set_membership(membership);
        if gone && self.node.raft.state == StateRole::Leader {
            // The others know by now that it is committed, and elect a leader among themselves.
            let term = self.node.raft.term;
            self.node.raft.become_follower(term, 0);
        }
        Ok(())
    }

    /// The state machine is behind by too much: wait, rather than hold more in memory.
    async fn wait_for_backlog(&mut self) -> Result<(), Stopped> {
        while self.backlog_bytes > limits::APPLY_BACKLOG_BYTES_MAX {
            self.wait_for_state_machine().await?;
        }
        Ok(())
    }

    /// Replaces state and log by the snapshot that has just been received. The state machine's store comes first, in one synced
    /// batch; a crash in between is told by the mark that is written before.
    async fn install(&mut self, meta: &SnapshotMetadata, batch: &mut Batch) -> Result<(), Stopped> {
        let received = self.received.take().filter(|(index, _)| *index == meta.index);
        let (_, pairs) = received.ok_or_else(|| Stopped::Failed("a snapshot without its contents".into()))?;
        let point = Point { index: meta.index, term: meta.term };
        let mut mark = std::mem::take(batch);
        if !mutant!("install without a mark") {
            self.node.mut_store().stage_installing(&mut mark, point);
        }
        self.store.write(mark, Durability::Synced).await.map_err(failed)?;

        let (done, installed) = oneshot::channel();
        self.give(Work::Install { index: Index(point.index), pairs, done });
        let membership = installed.await.unwrap_or_else(|_| Err("the state machine's task has ended".into())).map_err(Stopped::Failed)?;
        self.node.mut_store().stage_base(batch, point);
        self.applied = point.index;
        self.dispatched = point.index;
        for waiter in self.waiters.drain(..) {
            waiter.reply.fail(ProposeError::Unknown);
        }
        tracing::info!(index = point.index, term = point.term, "installed a snapshot");
        self.set_membership(membership);
        Ok(())
    }

    fn send(&mut self, messages: Vec<Message>) {
        for message in messages {
            let to = MasterId(message.to);
            let snapshot = message.msg_type() == MessageType::MsgSnapshot;
            match self.addressed(message) {
                Some((addr, envelope)) if snapshot => self.send_snapshot(to, addr, envelope),
                Some((addr, envelope)) => self.transport.send(&addr, envelope),
                None if snapshot => self.outgoing.failed.push(to),
                None => {}
            }
        }
    }

    /// Which disk, and where: the membership's, or for an answer, the one that asked. `None`: it is not known yet.
    fn addressed(&self, message: Message) -> Option<(String, Envelope)> {
        let to = MasterId(message.to);
        let contact = self.contacts.get(&to).filter(|_| !is_request(&message)).map(|contact| (&contact.addr, contact.incarnation));
        let member = || self.membership.members.get(&to).and_then(|member| Some((&member.addr, member.incarnation?)));
        let (addr, to_incarnation) = contact.or_else(member)?;
        let envelope = Envelope {
            from: message.from,
            from_addr: self.identity.addr.clone(),
            from_incarnation: self.identity.incarnation,
            to: message.to,
            to_incarnation,
            message: Some(message),
        };
        Some((addr.clone(), envelope))
    }

    fn send_snapshot(&mut self, to: MasterId, addr: String, envelope: Envelope) {
        let index = envelope.message.as_ref().map_or(0, |message| message.get_snapshot().get_metadata().index);
        let Some(pairs) = self.outgoing.begin(to, index) else {
            self.outgoing.failed.push(to);
            return;
        };
        tracing::info!(to = to.0, index, pairs = pairs.len(), "sending a snapshot");
        let (env, events, port) = (self.env.clone(), self.events.clone(), self.options.replica_port);
        self.env.spawn("raft snapshot", async move {
            let sent = super::snapshot::send(&env, &addr, port, envelope, &pairs).await;
            if let Err(e) = &sent {
                tracing::warn!(to = to.0, index, "the snapshot did not arrive: {e}");
            }
            // Raft may have ended meanwhile.
            let _ = events.send(Event::SnapshotSent { to, arrived: sent.is_ok() });
        });
    }

    pub(super) fn snapshot_sent(&mut self, to: MasterId, arrived: bool) {
        self.outgoing.end(to, self.env.now());
        self.node.report_snapshot(to.0, if arrived { SnapshotStatus::Finish } else { SnapshotStatus::Failure });
    }

    pub(super) fn snapshot_made(&mut self, index: u64, membership: &Membership, pairs: Vec<Pair>) {
        self.outgoing.asked = false;
        let index = index - u64::from(mutant!("snapshot index one too low"));
        // The log may have begun anew since it was asked for.
        let Ok(term) = self.node.store().term(index) else { return };
        let meta = SnapshotMetadata { index, term, conf_state: Some(membership.conf_state()) };
        self.outgoing.set(index, pairs, self.env.now());
        self.node.mut_store().set_snapshot(Some(meta));
    }
}
