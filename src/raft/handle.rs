//! What the rest of the program holds of raft.

use super::applier::Reply;
use super::hello::{ask, Identity};
use super::{Change, Membership, MembershipError, ProposeError, Refusal, Role, Status, Stopped};
use crate::env::{Env, Mono};
use crate::ids::{Index, MasterId};
use crate::limits;
use crate::mutants::mutant;
use bytes::Bytes;
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, oneshot, watch, OwnedSemaphorePermit, Semaphore};

/// A handle on this master's raft; clones are the same raft.
pub struct Raft<O> {
    pub(super) shared: Arc<Shared<O>>,
}

impl<O> Clone for Raft<O> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

/// What handles and driver share.
pub struct Shared<O> {
    pub env: Env,
    pub identity: Arc<Identity>,
    pub replica_port: u16,
    /// Unbounded, because each request holds its permits.
    pub requests: mpsc::UnboundedSender<Request<O>>,
    pub permits: Permits,
    pub role: watch::Sender<Role>,
    pub status: Mutex<Arc<Status>>,
    pub membership: Mutex<Arc<Membership>>,
    /// Set to ask the driver to end.
    pub stop: watch::Sender<bool>,
    /// Set when everything has ended.
    pub ended: watch::Sender<Option<Stopped>>,
}

/// Room for what waits.
pub struct Permits {
    proposals: Arc<Semaphore>,
    /// In KiB.
    proposal_kib: Arc<Semaphore>,
    reads: Arc<Semaphore>,
    changes: Arc<Semaphore>,
}

impl Default for Permits {
    fn default() -> Self {
        let room = |permits: usize| Arc::new(Semaphore::new(permits));
        Self {
            proposals: room(limits::PROPOSALS_PENDING_MAX),
            proposal_kib: room(limits::PROPOSAL_BYTES_PENDING_MAX >> 10),
            reads: room(limits::READS_PENDING_MAX),
            changes: room(limits::MEMBERSHIP_CHANGES_PENDING_MAX),
        }
    }
}

/// What the driver is asked for. Dropping one without an answer means that raft has ended.
pub enum Request<O> {
    Propose { command: Bytes, deadline: Mono, reply: Reply<O>, room: (OwnedSemaphorePermit, OwnedSemaphorePermit) },
    Read { deadline: Mono, reply: oneshot::Sender<Result<Index, Refusal>>, room: OwnedSemaphorePermit },
    Change { change: Change, deadline: Mono, reply: Reply<O>, room: OwnedSemaphorePermit },
    Campaign,
    HandOver,
}

impl<O: Clone + Send + Sync + 'static> Raft<O> {
    /// Proposes a command, which must not be empty, and waits until it was applied here: its index and what applying it answered.
    ///
    /// # Errors
    /// Refused: it was not applied and never will be. Unknown: leadership was lost or `deadline` passed after it may have been
    /// appended to the log.
    pub async fn propose(&self, command: Bytes, deadline: Mono) -> Result<(Index, O), ProposeError> {
        assert!(!command.is_empty(), "an empty entry is no command");
        let bytes = command.len();
        if bytes > limits::COMMAND_BYTES_MAX {
            return Err(Refusal::TooLarge { bytes }.into());
        }
        self.check_leads()?;
        let permits = &self.shared.permits;
        let slot = permits.proposals.clone().try_acquire_owned().map_err(|_| Refusal::Busy)?;
        let room = permits.proposal_kib.clone().try_acquire_many_owned((bytes >> 10) as u32 + 1).map_err(|_| Refusal::Busy)?;
        let (reply, outcome) = oneshot::channel();
        self.request(Request::Propose { command, deadline, reply: Reply::Command(reply), room: (slot, room) })?;
        match self.shared.env.until(deadline, outcome).await {
            Ok(Ok(outcome)) => outcome,
            // The driver ended, or did not get to it in time.
            Ok(Err(_)) | Err(_) => Err(ProposeError::Unknown),
        }
    }

    /// Confirms that this master still leads, and waits until everything that was committed before the call is applied here. Many
    /// callers share one round of heartbeats.
    pub async fn read_index(&self, deadline: Mono) -> Result<Index, Refusal> {
        self.check_leads()?;
        if mutant!("stale read after losing leadership") {
            return Ok(self.status().applied);
        }
        let room = self.shared.permits.reads.clone().try_acquire_owned().map_err(|_| Refusal::Busy)?;
        let (reply, index) = oneshot::channel();
        self.request(Request::Read { deadline, reply, room })?;
        match self.shared.env.until(deadline, index).await {
            Ok(Ok(index)) => index,
            Ok(Err(_)) => Err(Refusal::Stopped),
            Err(_) => Err(Refusal::Deadline),
        }
    }

    /// Changes the group by one member and waits until the change was applied here. A master that is added is asked for its disk
    /// first; one that does not answer is tied to its disk later. It becomes a voter by itself when it has caught up.
    pub async fn change(&self, change: Change, deadline: Mono) -> Result<Index, ProposeError> {
        self.check_leads()?;
        let room = self.shared.permits.changes.clone().try_acquire_owned().map_err(|_| Refusal::Busy)?;
        let change = match change {
            Change::Add { id, addr, incarnation: None } => self.with_incarnation(id, addr).await?,
            other => other,
        };
        let (reply, index) = oneshot::channel();
        self.request(Request::Change { change, deadline, reply: Reply::Change(reply), room })?;
        match self.shared.env.until(deadline, index).await {
            Ok(Ok(index)) => index,
            Ok(Err(_)) | Err(_) => Err(ProposeError::Unknown),
        }
    }

    async fn with_incarnation(&self, id: MasterId, addr: String) -> Result<Change, Refusal> {
        let group = self.membership().group;
        let incarnation = match ask(&self.shared.env, &self.shared.identity, &addr, self.shared.replica_port).await {
            Ok(reply) if reply.id != id.0 => return Err(MembershipError::OtherMaster { addr, id: MasterId(reply.id) }.into()),
            Ok(reply) if reply.group.is_some_and(|theirs| theirs != group) => return Err(MembershipError::OtherGroup(id).into()),
            Ok(reply) => Some(reply.incarnation),
            Err(_) => None,
        };
        Ok(Change::Add { id, addr, incarnation })
    }

    /// Tries to become the leader: asks the leader to hand over, or asks for votes where there is none. Returns at once.
    pub fn campaign(&self) {
        // Nothing to do when raft has ended.
        let _ = self.request(Request::Campaign);
    }

    /// Asks another master to take over where this one leads, and waits until one has, [`limits::HANDOVER_TIMEOUT`] at most.
    pub async fn hand_over(&self) {
        if !self.role().leads() || self.request(Request::HandOver).is_err() {
            return;
        }
        let mut role = self.watch();
        let taken = role.wait_for(|role| role.leader.is_some() && !role.leads());
        // Without one who takes over the next leader is elected when this one is gone.
        let _ = self.shared.env.until(self.shared.env.now() + limits::HANDOVER_TIMEOUT, taken).await;
    }

    /// Who leads now.
    pub fn role(&self) -> Role {
        *self.shared.role.borrow()
    }

    /// Tells of every change of the role; the last one is kept, those between may be missed.
    pub fn watch(&self) -> watch::Receiver<Role> {
        self.shared.role.subscribe()
    }

    /// Everything about this master's raft as of the last thing it did.
    pub fn status(&self) -> Arc<Status> {
        self.shared.status.lock().expect("no holder panics").clone()
    }

    /// The group as of the last change that was committed here; empty as long as this master is not in one.
    pub fn membership(&self) -> Arc<Membership> {
        self.shared.membership.lock().expect("no holder panics").clone()
    }

    /// Hands leadership over if it can, ends everything and waits for it: the stores are free then.
    pub async fn stop(&self) -> Stopped {
        self.shared.stop.send_replace(true);
        self.stopped().await
    }

    /// Waits until raft has ended. Ending by itself means that this process must not go on.
    pub async fn stopped(&self) -> Stopped {
        let mut ended = self.shared.ended.subscribe();
        let reason = ended.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        reason.expect("the sender lives as long as this handle")
    }

    fn check_leads(&self) -> Result<(), Refusal> {
        match self.role() {
            _ if self.shared.ended.borrow().is_some() => Err(Refusal::Stopped),
            role if role.leads() => Ok(()),
            role => Err(Refusal::NotLeader { leader: role.leader }),
        }
    }

    fn request(&self, request: Request<O>) -> Result<(), Refusal> {
        self.shared.requests.send(request).map_err(|_| Refusal::Stopped)
    }
}
