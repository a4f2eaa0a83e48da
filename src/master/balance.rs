//! Plans that relieve meta nodes or empty one: keeping and carrying out the one that there is (v3.5.3 http-partitions-nodes.md §9).
//!
//! The plan is a record, and whether it runs stands in it: whoever leads goes on with it. Its moves are those of `moves/meta.rs`.

use super::moves::MetaMove;
use super::Master;
use crate::ids::{PartitionId, Term};
use crate::model::{BalancePlan, Key, MetaNode, PartitionKind};
use crate::plan::balance::course::{self, Step, View};
use crate::plan::balance::{empty, kind, relieve, status, Draft};
use crate::state::Txn;
use crate::wire::opcode::Opcode;
use crate::wire::reply::{fault, Fault};
use crate::wire::request::IsRaftStatusOkRequest;
use crate::wire::task::Subject;
use std::sync::Arc;

/// Who makes the moves and the changes of a plan that runs.
const ACTOR: &str = "balance meta nodes";

/// Why there is no new plan, with the plan that stands in the way or came to nothing.
#[derive(Debug)]
pub struct NoPlan {
    pub why: Fault,
    pub plan: Option<BalancePlan>,
}

impl From<Fault> for Box<NoPlan> {
    fn from(why: Fault) -> Self {
        Box::new(NoPlan { why, plan: None })
    }
}

impl NoPlan {
    fn because(why: Fault, plan: BalancePlan) -> Box<Self> {
        Box::new(Self { why, plan: Some(plan) })
    }
}

fn stored_plan(txn: &mut Txn) -> Option<Arc<BalancePlan>> {
    txn.read::<BalancePlan>(&Key::BalancePlan.to_string())
}

impl Master {
    /// Draws up a plan that relieves meta nodes, and keeps it.
    ///
    /// # Errors
    /// There is one; no node has room; nothing is to be done.
    pub async fn create_balance_plan(&self, actor: &str) -> Result<BalancePlan, Box<NoPlan>> {
        self.store_plan(actor, (kind::MANUAL, status::INIT)).await
    }

    async fn store_plan(&self, actor: &str, (kind, status): (&str, &str)) -> Result<BalancePlan, Box<NoPlan>> {
        self.commit(actor, |state, txn| {
            if let Some(plan) = stored_plan(txn) {
                let why = Fault::internal("There is a meta partition task plan already. Please remove it before create a new one.");
                return Ok(Err(NoPlan::because(why, BalancePlan::clone(&plan))));
            }
            let rules = self.rules_of(state);
            let Draft { plan, refused } = relieve(&self.scene(state, &rules), &self.live().reports);
            if let Some(why) = refused {
                return Ok(Err(NoPlan::because(why, plan)));
            }
            if plan.total == 0 {
                return Err(Fault::internal("Not find meta node that needs partition rebalance."));
            }
            let plan = BalancePlan { kind: kind.to_owned(), status: status.to_owned(), ..plan };
            txn.put(plan.clone());
            Ok(Ok(plan))
        })
        .await?
    }

    /// Sets a meta node read-only and draws up a plan that empties it, which begins at once. The node is removed after it.
    ///
    /// # Errors
    /// The node is unknown; there is a plan that is not done; no node has room. Nothing is changed then.
    pub async fn empty_meta_node(&self, actor: &str, addr: &str) -> Result<(), Box<NoPlan>> {
        self.commit(actor, |state, txn| {
            let node = txn.meta_node_by_addr(addr).ok_or(fault::META_NODE_NOT_EXISTS)?;
            if let Some(plan) = stored_plan(txn).filter(|plan| plan.status != status::DONE) {
                let why = Fault::internal("There is a meta partition task plan. Clear it before kick out new metanode");
                return Ok(Err(NoPlan::because(why, BalancePlan::clone(&plan))));
            }
            let rules = self.rules_of(state);
            let Draft { plan, refused } = empty(&self.scene(state, &rules), &self.live().reports, addr);
            if let Some(why) = refused {
                return Err(why);
            }
            if plan.total == 0 {
                return Err(Fault::internal(format!("kick out plan is empty for metanode({addr})")));
            }
            if !node.rd_only {
                txn.put(MetaNode { rd_only: true, ..MetaNode::clone(&node) });
            }
            txn.put(BalancePlan { kind: kind::OFFLINE.into(), status: status::RUNNING.into(), ..plan });
            Ok(Ok(()))
        })
        .await?
    }

    /// Begins with the plan, or goes on with it. One that runs already is left alone.
    ///
    /// # Errors
    /// There is none.
    pub async fn run_balance_plan(&self, actor: &str) -> Result<(), Fault> {
        self.commit(actor, |_, txn| {
            let missing = "can't find meta partition balance task in raft storage: no meta partition migrate plan";
            let plan = stored_plan(txn).ok_or_else(|| Fault::internal(missing))?;
            if plan.status != status::RUNNING {
                txn.put(course::run(&plan));
            }
            Ok(())
        })
        .await
    }

    /// Stops the plan. A replica that is on its way still arrives.
    ///
    /// # Errors
    /// None runs.
    pub async fn stop_balance_plan(&self, actor: &str) -> Result<(), Fault> {
        self.commit(actor, |_, txn| {
            let plan = stored_plan(txn).filter(|plan| plan.status == status::RUNNING);
            let plan = plan.ok_or_else(|| Fault::internal("Balance task is not running"))?;
            txn.put(course::stop(&plan));
            Ok(())
        })
        .await
    }

    /// Forgets the plan. Through raft, where v3.5.3 deletes it on the leader alone.
    ///
    /// # Errors
    /// It runs.
    pub async fn delete_balance_plan(&self, actor: &str) -> Result<(), Fault> {
        self.commit(actor, |_, txn| {
            let Some(plan) = stored_plan(txn) else { return Ok(()) };
            if plan.status == status::RUNNING {
                return Err(Fault::internal("Please stop the running task before deleting it."));
            }
            txn.remove(&*plan);
            Ok(())
        })
        .await
    }

    /// Takes steps of the plan until it has to wait.
    pub(super) async fn carry_out_balance_plan(&self, term: Term) {
        while self.ready_term() == Some(term) {
            let state = self.state();
            let Some(plan) = state.balance_plan.as_ref().filter(|plan| plan.status == status::RUNNING) else {
                self.live().balance = course::Memory::default();
                return;
            };
            let step = {
                let moment = self.moment_of(&state);
                let mut live = self.live();
                let live = &mut *live;
                View { scene: moment.scene(), reports: &live.reports, plan, memory: &mut live.balance }.next_step()
            };
            let went_on = match step {
                Step::Wait => false,
                Step::Record(next) => self.record_plan(plan, *next, term).await,
                Step::Lead { partition, on } => {
                    self.live().balance.asked_to_lead(on.clone(), self.env.now().0);
                    self.ask_to_lead(partition, &on).await;
                    false
                }
                Step::Migrate { partition, from, to } => self.migrate_by_plan(plan, MetaMove { partition, from, to }, term).await,
                Step::IsInOrder { partition, on, replicas } => {
                    let in_order = self.is_in_order(partition, &on, replicas).await;
                    self.live().balance.answered_in_order(in_order);
                    in_order
                }
            };
            if !went_on {
                return;
            }
        }
    }

    /// Changes the plan, unless somebody else has.
    async fn record_plan(&self, seen: &BalancePlan, next: BalancePlan, term: Term) -> bool {
        let asked = self.env.wall().secs();
        let recorded = self
            .commit(ACTOR, |_, txn| {
                if stored_plan(txn).as_deref() != Some(seen) {
                    return Ok(false);
                }
                if let Some(leaver) = course::leaver(&next, ACTOR, asked, term) {
                    txn.put(leaver);
                }
                txn.put(next.clone());
                Ok(true)
            })
            .await;
        match recorded {
            Ok(recorded) => recorded,
            Err(why) => {
                tracing::info!(%why, "the plan for balancing meta nodes waits");
                false
            }
        }
    }

    async fn migrate_by_plan(&self, plan: &BalancePlan, wish: MetaMove, term: Term) -> bool {
        let Err(why) = self.migrate_meta_replica(ACTOR, &wish).await else { return true };
        let state = self.state();
        let goes_on = state.moves.contains_key(&(PartitionKind::Meta, wish.partition));
        let left = !state.meta_partitions.get(&wish.partition).is_some_and(|mp| mp.has_host(&wish.from));
        if goes_on || left || self.ready_term() != Some(term) {
            return false;
        }
        tracing::warn!(partition = wish.partition.0, from = wish.from, to = wish.to, %why, "not moved");
        match course::could_not_begin(plan, wish.partition, &wish.from, &why) {
            Some(next) => self.record_plan(plan, next, term).await,
            None => false,
        }
    }

    /// Does the replica say that all members of its raft group follow (v3.5.3 admin-tasks.md §8, 0x4C)?
    async fn is_in_order(&self, id: PartitionId, on: &str, replicas: usize) -> bool {
        let request = IsRaftStatusOkRequest { partition_id: id, ready: false, replica_num: replicas as i64 };
        let answer = self.call(on, Opcode::IS_RAFT_STATUS_OK, Subject::MetaPartition(id), request).await;
        let answer = answer.ok().and_then(|body| serde_json::from_slice::<IsRaftStatusOkRequest>(&body).ok());
        answer.is_some_and(|answer| answer.ready)
    }

    /// Deletes a plan that has been done for long, and draws one up where that is switched on.
    pub(super) async fn keep_balance_plan(&self, _term: Term) {
        let state = self.state();
        let done = match &state.balance_plan {
            Some(plan) if plan.status == status::DONE && plan.expire.unix_secs() < self.env.wall().secs() => {
                self.delete_balance_plan("old balance plan").await
            }
            None if state.settings.auto_mp_migrate => match self.store_plan(ACTOR, (kind::AUTO, status::RUNNING)).await {
                Ok(plan) => {
                    tracing::info!(partitions = plan.total, "meta nodes are too full: replicas move");
                    Ok(())
                }
                Err(none) => Err(none.why),
            },
            _ => return,
        };
        if let Err(why) = done {
            tracing::debug!(%why, "plans for balancing meta nodes stay as they are");
        }
    }
}
