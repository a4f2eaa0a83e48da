//! Adding, deleting and moving a replica of a meta partition on request (v3.5.3 http-partitions-nodes.md §7.4 to §7.6).
//!
//! As with data replicas the request starts a move and waits for it; what it cannot wait for is finished or undone all the same.

use super::replicas::{asked_now, start};
use super::PartitionKey;
use crate::env::Purpose;
use crate::ids::{PartitionId, Term};
use crate::limits;
use crate::master::Master;
use crate::model::{Key, MetaPartition, Move, PartitionKind, Phase, Task};
use crate::plan::moves::meta::{allowed, target};
use crate::plan::placement::{Random, Selectors};
use crate::plan::reports::Reports;
use crate::plan::scene::Scene;
use crate::view::moves::PlannedMove;
use crate::wire::peer::Peer;
use crate::wire::reply::{fault, Fault};
use std::sync::Arc;

/// A replica of a meta partition that is to move.
#[derive(Clone, Debug, Default)]
pub struct MetaMove {
    pub partition: PartitionId,
    pub from: String,
    /// The node that takes it; empty: any.
    pub to: String,
}

impl MetaMove {
    /// v3.5.3's text around most of what can go wrong.
    fn wrapped(&self, mp: &MetaPartition, why: &Fault) -> Fault {
        Fault::internal(format!("action[migrateMetaPartition] vol[{}],partition[{}],err[{why}]", mp.vol_name, self.partition))
    }

    /// May it be done, and where does the replica go? Texts as v3.5.3 has them.
    fn decide(&self, scene: &Scene<'_>, reports: &Reports, selectors: &mut Selectors, random: &mut Random<'_>) -> Result<Peer, Fault> {
        let mp = scene.state.meta_partitions.get(&self.partition).ok_or(fault::META_PARTITION_NOT_EXISTS)?;
        self.check(scene, reports, mp)?;
        let wrapped = |why: Fault| self.wrapped(mp, &why);
        let given = (!self.to.is_empty()).then_some(self.to.as_str());
        let to = target::choose(scene, reports, selectors, mp, (&self.from, given), random).map_err(wrapped)?;
        target::fits(scene, mp, &self.from, &to.addr)?;
        allowed::is_time(mp, scene.wall_secs).map_err(wrapped)?;
        Ok(to)
    }

    fn check(&self, scene: &Scene<'_>, reports: &Reports, mp: &MetaPartition) -> Result<(), Fault> {
        self.check_hosts(mp)?;
        let from = &self.from;
        allowed::may_lose(scene, reports, mp, from, false).map_err(|why| self.wrapped(mp, &why))?;
        match scene.state.meta_node_by_addr(from) {
            Some(_) => Ok(()),
            None => Err(self.wrapped(mp, &allowed::unknown(from))),
        }
    }

    fn check_hosts(&self, mp: &MetaPartition) -> Result<(), Fault> {
        let MetaMove { partition, from, to } = self;
        if !mp.has_host(from) {
            return Err(Fault::internal(format!("migrateMetaPartition src [{from}] is not exist in mp({partition})")));
        }
        if !to.is_empty() && mp.has_host(to) {
            let hosts = mp.hosts.join(" ");
            return Err(Fault::internal(format!(
                "migrateMetaPartition target [{to}] is already exist in mp({partition}) hosts:[[{hosts}]]"
            )));
        }
        Ok(())
    }
}

/// A node that is a host already gets no other replica (§7.4).
fn is_new_host(mp: &MetaPartition, addr: &str) -> Result<(), Fault> {
    match mp.has_host(addr) {
        true => {
            let (vol, id, hosts) = (&mp.vol_name, mp.partition_id, mp.hosts.join(" "));
            Err(Fault::internal(format!("vol[{vol}],mp[{id}] hosts[[{hosts}]] has contains host[{addr}]")))
        }
        false => Ok(()),
    }
}

fn moving() -> Fault {
    Fault::internal("one replica of the meta partition is being moved")
}

impl Master {
    /// Adds a replica of a meta partition on a node. Returns when the replica is created; it catches up after that (§7.4).
    ///
    /// # Errors
    /// The node cannot take it; another move of the partition is under way; the raft group or the node refused, and nothing is left of it;
    /// or the outcome is not known, and it is undone or finished later.
    pub async fn add_meta_replica(&self, actor: &str, id: PartitionId, addr: &str) -> Result<(), Fault> {
        let term = self.ready_term().ok_or(fault::NO_LEADER)?;
        let mp = self.meta_partition_record(id)?;
        is_new_host(&mp, addr)?;
        self.wait_for_meta_turn(id).await?;
        let wall = self.env.wall().secs();
        let number = self
            .commit(actor, |state, txn| {
                let mp = txn.meta_partition(id).ok_or(fault::META_PARTITION_NOT_EXISTS)?;
                is_new_host(&mp, addr)?;
                let rules = self.rules_of(state);
                allowed::may_gain(&self.scene(state, &rules), &mp, addr)?;
                txn.expect_absent(&Key::Leftover(PartitionKind::Meta, id, addr.to_owned()).to_string());
                let node = txn.meta_node_by_addr(addr).ok_or_else(|| allowed::unknown(addr))?;
                let mv = Move { task: Task::Add, phase: Phase::Joining, to: node.peer(), to_given: true, ..asked(&mp, actor, wall, term) };
                start(txn, mv).map_err(|()| moving())
            })
            .await?;
        self.wait_for_move((PartitionKind::Meta, id), number, term).await
    }

    /// Deletes the replica of a meta partition on a node (§7.5). A node that is down is told when it is back.
    ///
    /// # Errors
    /// The last one was deleted a moment ago; too few live replicas would be left; another move of the partition is under way; the raft
    /// group refused, and nothing was changed; or the outcome is not known, and the replica goes later.
    pub async fn delete_meta_replica(&self, actor: &str, id: PartitionId, addr: &str, force: bool) -> Result<(), Fault> {
        let term = self.ready_term().ok_or(fault::NO_LEADER)?;
        let mp = self.meta_partition_record(id)?;
        allowed::is_time(&mp, self.env.wall().secs())?;
        self.wait_for_meta_turn(id).await?;
        let wall = self.env.wall().secs();
        let number = self
            .commit(actor, |state, txn| {
                let mp = txn.meta_partition(id).ok_or(fault::META_PARTITION_NOT_EXISTS)?;
                allowed::is_time(&mp, wall)?;
                let rules = self.rules_of(state);
                allowed::may_lose(&self.scene(state, &rules), &self.live().reports, &mp, addr, force)?;
                let node = txn.meta_node_by_addr(addr).ok_or_else(|| allowed::unknown(addr))?;
                let from_id = mp.peers.iter().find(|peer| peer.addr == addr).map_or(node.id, |peer| peer.id);
                let base = asked(&mp, actor, wall, term);
                let mv = Move { task: Task::Remove, phase: Phase::Leaving, from: addr.to_owned(), from_id, ..base };
                txn.put(MetaPartition { offline_peer_id: from_id.0, ..MetaPartition::clone(&mp) });
                start(txn, mv).map_err(|()| moving())
            })
            .await?;
        self.wait_for_move((PartitionKind::Meta, id), number, term).await
    }

    /// Moves a replica of a meta partition to another node (§7.6). Returns when the new replica is created. Once the old one is off, the
    /// move goes on until another node has taken it, even if this request fails.
    ///
    /// # Errors
    /// It may not leave; no node can take it; another move of the partition is under way; the raft group or the node refused.
    pub async fn migrate_meta_replica(&self, actor: &str, wish: &MetaMove) -> Result<(), Fault> {
        let term = self.ready_term().ok_or(fault::NO_LEADER)?;
        let id = wish.partition;
        let mp = self.meta_partition_record(id)?;
        wish.check_hosts(&mp)?;
        self.wait_for_meta_turn(id).await?;
        let to = {
            let moment = self.moment();
            let mut live = self.live();
            let live = &mut *live;
            let mut random = || self.env.entropy.next_u64(Purpose::Placement);
            wish.decide(&moment.scene(), &live.reports, &mut live.selectors, &mut random)?
        };
        let wall = self.env.wall().secs();
        let number = self
            .commit(actor, |state, txn| {
                let mp = txn.meta_partition(id).ok_or(fault::META_PARTITION_NOT_EXISTS)?;
                let rules = self.rules_of(state);
                let scene = self.scene(state, &rules);
                wish.check(&scene, &self.live().reports, &mp)?;
                allowed::may_gain(&scene, &mp, &to.addr)
                    .and_then(|()| allowed::is_time(&mp, wall))
                    .map_err(|why| wish.wrapped(&mp, &why))?;
                txn.expect_absent(&Key::Leftover(PartitionKind::Meta, id, to.addr.clone()).to_string());
                let node = txn.meta_node_by_addr(&wish.from).ok_or_else(|| allowed::unknown(&wish.from))?;
                let from_id = mp.peers.iter().find(|peer| peer.addr == wish.from).map_or(node.id, |peer| peer.id);
                let mv = Move {
                    task: Task::Replace,
                    phase: Phase::Leaving,
                    from: wish.from.clone(),
                    from_id,
                    to: to.clone(),
                    to_given: !wish.to.is_empty(),
                    ..asked(&mp, actor, wall, term)
                };
                txn.put(MetaPartition { offline_peer_id: from_id.0, ..MetaPartition::clone(&mp) });
                start(txn, mv).map_err(|()| moving())
            })
            .await?;
        let done = self.wait_for_move((PartitionKind::Meta, id), number, term).await;
        let state = self.state();
        done.map_err(|why| state.meta_partitions.get(&id).map_or(why.clone(), |mp| wish.wrapped(mp, &why)))
    }

    /// What would become of each now. Changes nothing, not even what selection remembers.
    pub fn preview_meta_moves(&self, wishes: &[MetaMove]) -> Vec<PlannedMove> {
        let moment = self.moment();
        let scene = moment.scene();
        let live = self.live();
        let mut selectors = live.selectors.clone();
        let mut random = || self.env.entropy.next_u64(Purpose::Request);
        let mut one = |wish: &MetaMove| {
            let decided = match moment.state.moves.contains_key(&(PartitionKind::Meta, wish.partition)) {
                true => Err(moving()),
                false => wish.decide(&scene, &live.reports, &mut selectors, &mut random),
            };
            let (to, outcome) = decided.map_or_else(|why| (String::new(), why.to_string()), |to| (to.addr, "move".to_owned()));
            PlannedMove { partition_id: wish.partition.0, from: wish.from.clone(), to, outcome }
        };
        wishes.iter().map(&mut one).collect()
    }

    fn meta_partition_record(&self, id: PartitionId) -> Result<Arc<MetaPartition>, Fault> {
        self.state().meta_partitions.get(&id).cloned().ok_or(fault::META_PARTITION_NOT_EXISTS)
    }

    async fn wait_for_meta_turn(&self, id: PartitionId) -> Result<(), Fault> {
        let key: PartitionKey = (PartitionKind::Meta, id);
        self.wait_for_turn(limits::META_MOVE_TURN_TIMEOUT, |state| !state.moves.contains_key(&key)).await.map_err(|()| moving())
    }

    /// Partitions that recover and of which nothing is moved any more, as a v3.5.3 master leaves them behind: they are done when their
    /// replicas are there and alike (background-tasks.md §9.2).
    pub(super) async fn settle_recovered_meta_partitions(&self) {
        let moment = self.moment();
        let (state, scene) = (&moment.state, moment.scene());
        let over: Vec<PartitionId> = {
            let live = self.live();
            let still = state
                .meta_partitions
                .values()
                .filter(|mp| mp.is_recover && !state.moves.contains_key(&(PartitionKind::Meta, mp.partition_id)));
            still.filter(|mp| allowed::has_recovered(&scene, &live.reports, mp)).map(|mp| mp.partition_id).collect()
        };
        for ids in over.chunks(limits::RECORDS_PER_COMMIT_MAX) {
            let done = self.commit("meta partitions have recovered", |state, txn| {
                for id in ids {
                    let moves = state.moves.contains_key(&(PartitionKind::Meta, *id));
                    if let Some(mp) = txn.meta_partition(*id).filter(|mp| mp.is_recover && !moves) {
                        txn.put(MetaPartition { is_recover: false, ..MetaPartition::clone(&mp) });
                    }
                }
                Ok(())
            });
            if let Err(why) = done.await {
                return tracing::info!(%why, "meta partitions that have recovered wait for the next round");
            }
        }
    }
}

/// A move of a replica of a meta partition that was asked for now.
fn asked(mp: &MetaPartition, actor: &str, wall: i64, term: Term) -> Move {
    Move { kind: PartitionKind::Meta, partition: mp.partition_id, volume: mp.vol_id, ..asked_now(actor, wall, term) }
}
