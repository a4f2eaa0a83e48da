//! Taking meta nodes out of service, and moving their partitions to another one (v3.5.3 http-partitions-nodes.md §11.1).
//!
//! The request waits for the moves, as in v3.5.3. That the node is to go when it is empty is a record: whoever leads then removes it, even
//! if the request is gone. A node is empty when it is no host, no move needs it, and it has confirmed that it holds nothing.

use super::MetaMove;
use crate::ids::{PartitionId, Term};
use crate::limits;
use crate::master::Master;
use crate::model::{EmptyNode, Key, MetaNode, PartitionKind};
use crate::plan::moves::meta::allowed::unknown;
use crate::plan::moves::ASK_AGAIN_AFTER;
use crate::state::{State, Txn};
use crate::view::moves::PlannedMove;
use crate::wire::reply::{fault, Fault};
use futures::future::join_all;
use std::collections::BTreeSet;

/// Partitions that move when the request does not say how many.
const COUNT_DEFAULT: usize = 3;

/// A meta node of which partitions are to move away.
#[derive(Clone, Debug, Default)]
pub struct MetaNodeWish {
    pub addr: String,
    /// The node that takes the replicas; empty: any.
    pub to: String,
    /// Partitions to move; 0 or less is [`COUNT_DEFAULT`]. The node is removed when it has no more than that.
    pub count: i32,
}

/// What a wish comes to.
struct Leavers {
    moves: Vec<MetaMove>,
    /// The node is empty after that.
    all: bool,
}

impl MetaNodeWish {
    fn leavers(&self, state: &State) -> Result<Leavers, Fault> {
        let (addr, to) = (&self.addr, &self.to);
        let here: Vec<PartitionId> = state.meta_partitions_on(addr).map(|mp| mp.partition_id).collect();
        let stays = |id: &PartitionId| !to.is_empty() && state.meta_partitions.get(id).is_some_and(|mp| mp.has_host(to));
        let movable: Vec<PartitionId> = here.iter().copied().filter(|id| !stays(id)).collect();
        if movable.is_empty() && !here.is_empty() {
            let limit = self.count;
            return Err(Fault::internal(format!("migrateMataNode no partition can migrate from [{addr}] to [{to}] limit [{limit}]")));
        }
        let count = usize::try_from(self.count).ok().filter(|count| *count > 0).unwrap_or(COUNT_DEFAULT);
        let all = count >= here.len() && movable.len() == here.len();
        let one = |partition| MetaMove { partition, from: addr.clone(), to: to.clone() };
        Ok(Leavers { moves: movable.into_iter().take(count).map(one).collect(), all })
    }
}

/// Keeps the loop from settling what a request works on, as long as that lives.
struct Working<'a> {
    master: &'a Master,
    addr: &'a str,
}

impl<'a> Working<'a> {
    fn on(master: &'a Master, addr: &'a str) -> Result<Self, Fault> {
        match master.live().moves.emptied_by_request.insert(addr.to_owned()) {
            true => Ok(Self { master, addr }),
            false => Err(Fault::internal(format!("meta node {addr} is being emptied"))),
        }
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.master.live().moves.emptied_by_request.remove(self.addr);
    }
}

impl Master {
    /// Moves partitions away from a meta node, and removes it if these were all. Returns when that is done.
    ///
    /// # Errors
    /// It is unknown or being emptied already, or a partition could not be moved; others may have been.
    pub async fn migrate_meta_node(&self, actor: &str, wish: &MetaNodeWish) -> Result<(), Fault> {
        let term = self.ready_term().ok_or(fault::NO_LEADER)?;
        let addr = wish.addr.as_str();
        let _working = Working::on(self, addr)?;
        let deadline = self.env.now() + limits::MOVE_REPLY_TIMEOUT;
        let asked = self.env.wall().secs();
        let leavers = self
            .commit(actor, |state, txn| {
                txn.meta_node_by_addr(addr).ok_or_else(|| unknown(addr))?;
                let leavers = wish.leavers(state)?;
                if leavers.all {
                    txn.put(EmptyNode { addr: addr.to_owned(), actor: actor.to_owned(), asked, term, ..EmptyNode::default() });
                }
                Ok(leavers)
            })
            .await?;
        let moved = join_all(leavers.moves.iter().map(|wish| self.migrate_meta_replica(actor, wish))).await;
        if let Some(why) = moved.into_iter().find_map(Result::err) {
            self.keep_meta_node(addr).await?;
            return Err(why);
        }
        if !leavers.all {
            return Ok(());
        }
        let mut changed = self.moves.changed.subscribe();
        while !self.remove_meta_node_if_empty(addr).await? {
            if self.ready_term() != Some(term) || self.env.now() >= deadline {
                return Err(Fault::internal(format!("meta node {addr} is removed when what it held is in place elsewhere")));
            }
            let _ = self.env.until((self.env.now() + ASK_AGAIN_AFTER).min(deadline), changed.changed()).await;
        }
        Ok(())
    }

    /// What [`Master::migrate_meta_node`] would do.
    ///
    /// # Errors
    /// No partition can move.
    pub fn preview_meta_node(&self, wish: &MetaNodeWish) -> Result<Vec<PlannedMove>, Fault> {
        Ok(self.preview_meta_moves(&wish.leavers(&self.state())?.moves))
    }

    /// Removes a meta node that holds nothing. False: it holds something, or is needed yet.
    ///
    /// # Errors
    /// It is unknown, or nothing could be committed.
    pub async fn remove_meta_node_if_empty(&self, addr: &str) -> Result<bool, Fault> {
        // What it has confirmed to be gone, where no request that was lost can bring it back.
        let (down, confirmed) = {
            let live = self.live();
            let confirmed = live.moves.leftovers.iter().filter(|((_, _, on), known)| on == addr && known.confirmed.is_some());
            let confirmed: BTreeSet<PartitionId> =
                confirmed.filter(|((kind, ..), _)| *kind == PartitionKind::Meta).map(|(key, _)| key.1).collect();
            (live.is_inactive(PartitionKind::Meta, addr, self.env.now()), confirmed)
        };
        let removed = self
            .commit("remove meta node", |state, txn| {
                let node = txn.meta_node_by_addr(addr).ok_or(fault::META_NODE_NOT_EXISTS)?;
                if is_needed(state, &node, down, &confirmed) {
                    return Ok(false);
                }
                txn.remove(&*node);
                forget(txn, addr);
                Ok(true)
            })
            .await?;
        if removed {
            tracing::info!(addr, "empty, and removed");
            let mut live = self.live();
            live.reports.forget_meta_node(addr);
            live.selectors.forget(PartitionKind::Meta, addr);
        }
        Ok(removed)
    }

    /// The node is not to go after all.
    async fn keep_meta_node(&self, addr: &str) -> Result<(), Fault> {
        self.commit("keep meta node", |_, txn| {
            forget(txn, addr);
            Ok(())
        })
        .await
    }

    /// One round over the meta nodes that are being emptied, and the partitions that were moved.
    pub(super) async fn look_at_meta_nodes(&self, term: Term) {
        self.settle_recovered_meta_partitions().await;
        let state = self.state();
        for addr in state.empty_nodes.keys() {
            if self.ready_term() != Some(term) {
                return;
            }
            if self.live().moves.emptied_by_request.contains(addr) {
                continue;
            }
            let leaves = state.moves.values().any(|mv| mv.kind == PartitionKind::Meta && mv.from == *addr);
            let given_up = state.meta_partition_count_on(addr) > 0 && !leaves;
            let done = match state.meta_node_by_addr(addr) {
                Some(_) if !given_up => self.remove_meta_node_if_empty(addr).await.map(drop),
                _ => self.keep_meta_node(addr).await,
            };
            if let Err(why) = done {
                tracing::info!(addr, %why, "the decommission of a meta node waits");
            }
        }
    }
}

/// Is the node a host, or may it become one or hold something, other than what it `confirmed` to be gone? What a node that is down holds
/// does not keep it.
fn is_needed(state: &State, node: &MetaNode, down: bool, confirmed: &BTreeSet<PartitionId>) -> bool {
    let addr = node.addr.as_str();
    let moves = state.moves.values().any(|mv| mv.kind == PartitionKind::Meta && (mv.from == addr || mv.to.addr == addr));
    let mut here = state.leftovers.values().filter(|left| left.kind == PartitionKind::Meta && left.addr == addr);
    let holds = here.any(|left| left.doubtful || !confirmed.contains(&left.partition));
    let begins =
        state.create_intents.values().any(|intent| intent.kind == PartitionKind::Meta && intent.hosts.iter().any(|host| host == addr));
    state.meta_partition_count_on(addr) > 0 || moves || begins || (holds && !down)
}

fn forget(txn: &mut Txn, addr: &str) {
    let key = Key::EmptyNode(addr.to_owned()).to_string();
    if txn.read::<EmptyNode>(&key).is_some() {
        txn.delete::<EmptyNode>(&key);
    }
}
