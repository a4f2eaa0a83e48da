//! What the driver does by the clock, and what it does at the end.

use super::applier::Work;
use super::driver::{Driver, Event};
use super::hello::ask;
use super::{Change, Stopped};
use crate::env::Mono;
use crate::ids::MasterId;
use crate::limits;
use crate::mutants::mutant;

impl<O: Clone + Send + Sync + 'static> Driver<O> {
    pub(super) fn begin_to_leave(&mut self) -> Result<(), Stopped> {
        if !self.hand_over() {
            return Err(Stopped::Requested);
        }
        self.leaving = Some(self.env.now() + limits::HANDOVER_TIMEOUT);
        Ok(())
    }

    /// Asks the voter that has most of the log to take over. False where this master does not lead, or there is no other voter.
    pub(super) fn hand_over(&mut self) -> bool {
        let progress = self.node.raft.prs();
        let heir = self
            .membership
            .voters()
            .filter(|id| *id != self.options.id)
            .max_by_key(|id| progress.get(id.0).filter(|progress| progress.recent_active).map_or(0, |progress| progress.matched));
        match heir {
            Some(heir) if self.leads_ready() => {
                self.node.transfer_leader(heir.0);
                true
            }
            _ => false,
        }
    }

    pub(super) fn tick(&mut self) -> Result<(), Stopped> {
        let now = self.env.now();
        if self.leaving.is_some_and(|until| now >= until || !self.leads()) {
            return Err(Stopped::Requested);
        }
        // After a pause there is one tick, not as many as were missed: peers deserve the time to be heard.
        self.next_tick = now + self.options.tick;
        // Ticks of who does not lead count towards an election, which only a disk that the group means may begin.
        if self.leads() || self.is_meant() {
            self.node.tick();
        }
        if std::mem::take(&mut self.campaign_soon) && self.leader().is_none() {
            self.campaign();
        }
        if self.leads_ready() {
            self.promote_learners();
            self.look_for_unbound(now);
        }
        let base = self.node.store().base().unwrap_or_default().index;
        if !self.compacting && self.applied.saturating_sub(base) > self.options.retain_logs.saturating_mul(2) {
            if mutant!("log compacted before the state is synced") {
                self.compact(self.applied);
            } else {
                self.compacting = true;
                self.give(Work::Sync);
            }
        }
        if self.outgoing.expire(now) {
            self.node.mut_store().set_snapshot(None);
        }
        Ok(())
    }

    /// The membership does not name another disk for this master.
    fn is_meant(&self) -> bool {
        let named = self.membership.members.get(&self.options.id).and_then(|member| member.incarnation);
        named.is_none_or(|incarnation| incarnation == self.identity.incarnation) || mutant!("disk of another master")
    }

    pub(super) fn campaign(&mut self) {
        if self.node.raft.promotable() && self.is_meant() {
            // It fails only while a change of the membership waits to be applied; the next time-out tries again.
            let _ = self.node.campaign();
        }
    }

    fn promote_learners(&mut self) {
        let last = self.node.raft.raft_log.last_index();
        let progress = self.node.raft.prs();
        let caught_up = |id: &MasterId| {
            let progress = progress.get(id.0).filter(|progress| progress.recent_active && progress.matched > 0);
            progress.is_some_and(|progress| progress.matched + limits::PROMOTION_LAG_MAX >= last)
        };
        let learners = self.membership.members.iter().filter(|(_, member)| member.learner && member.incarnation.is_some());
        let next = learners.map(|(id, _)| *id).find(caught_up);
        if let Some(id) = next {
            self.propose_own(Change::Promote { id });
        }
    }

    /// Asks members whose disk is not known who they are.
    fn look_for_unbound(&mut self, now: Mono) {
        if now < self.next_look {
            return;
        }
        self.next_look = now + limits::HELLO_INTERVAL;
        for (id, member) in self.membership.members.iter().filter(|(_, member)| member.incarnation.is_none()) {
            let (env, identity, events) = (self.env.clone(), self.identity.clone(), self.events.clone());
            let (id, addr, port, group) = (*id, member.addr.clone(), self.options.replica_port, self.membership.group);
            self.env.spawn("raft hello", async move {
                if let Ok(reply) = ask(&env, &identity, &addr, port).await {
                    if reply.id == id.0 && reply.group.is_none_or(|theirs| theirs == group) {
                        // Raft may have ended meanwhile.
                        let _ = events.send(Event::Met { id, incarnation: reply.incarnation });
                    }
                }
            });
        }
    }

    /// Everything up to `synced` is on the state machine's disk: the log need not hold all of it.
    pub(super) fn compact(&mut self, synced: u64) {
        self.compacting = false;
        let keep_from = synced.saturating_sub(self.options.retain_logs);
        let to = self.outgoing.in_use().map_or(keep_from, |index| index.min(keep_from));
        self.node.mut_store().stage_compaction(&mut self.deferred, to);
    }
}
