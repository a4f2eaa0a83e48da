//! What the driver shows of itself.

use super::driver::Driver;
use super::{Member, MemberStatus, Progress, Role, State, Status};
use crate::ids::{Index, MasterId, Term};
use raft::{ProgressState, StateRole, Storage};
use std::sync::Arc;

impl<O: Clone + Send + Sync + 'static> Driver<O> {
    fn state(&self) -> State {
        match self.membership.members.get(&self.options.id) {
            None => State::Out,
            Some(member) if member.learner => State::Learner,
            Some(_) => match self.node.raft.state {
                StateRole::Follower => State::Follower,
                StateRole::PreCandidate | StateRole::Candidate => State::Candidate,
                StateRole::Leader => State::Leader,
            },
        }
    }

    /// Shows role and status. A leader that is handing over no longer calls itself ready.
    pub(super) fn publish(&mut self) {
        let ready = self.leads_ready() && self.leaving.is_none();
        let role = Role { term: Term(self.node.raft.term), leader: self.leader(), state: self.state(), ready };
        self.shared.role.send_if_modified(|shown| std::mem::replace(shown, role) != role);
        let log = &self.node.raft.raft_log;
        let progress = |id: &MasterId| {
            let progress = self.node.raft.prs().get(id.0).filter(|_| role.leads())?;
            Some(Progress {
                matched: Index(progress.matched),
                next: Index(progress.next_idx),
                commit: Index(progress.committed_index),
                active: progress.recent_active || *id == self.options.id,
                snapshot: progress.state == ProgressState::Snapshot,
            })
        };
        let member = |(id, member): (&MasterId, &Member)| (*id, MemberStatus { member: member.clone(), progress: progress(id) });
        let status = Status {
            id: self.options.id,
            incarnation: self.identity.incarnation,
            role,
            commit: Index(log.committed),
            applied: Index(self.applied),
            first: Index(self.node.store().first_index().expect("the log knows its first index")),
            last: Index(log.last_index()),
            proposals_waiting: self.waiters.len(),
            reads_waiting: self.reads.len(),
            members: self.membership.members.iter().map(member).collect(),
        };
        *self.shared.status.lock().expect("no holder panics") = Arc::new(status);
    }
}
