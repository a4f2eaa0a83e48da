//! Flash nodes: registration, heartbeats, limits, and what the leader does about the cache by itself (v3.5.3
//! http-partitions-nodes.md §16.1, background-tasks.md §18).

use super::Master;
use crate::ids::{NodeId, Term};
use crate::limits;
use crate::model::{Counter, FlashEviction, FlashNode, Key, Record};
use crate::nodes::http;
use crate::plan::flash_tasks;
use crate::state::{State, Txn};
use crate::wire::opcode::Opcode;
use crate::wire::reply::{fault, Fault};
use crate::wire::report::FlashNodeHeartbeatResponse;
use crate::wire::request::{FlashNodeSetIoLimitsRequest, HeartBeatRequest};
use crate::wire::task::{status, Subject};
use std::sync::Arc;

/// The refusal of an address that is no flash node's.
pub fn no_flash_node(addr: &str) -> Fault {
    Fault::internal(format!(": flashnode[{addr}] not found"))
}

/// A flash node by address, expected to stay as it is.
pub(super) fn flash_node(txn: &mut Txn<'_>, addr: &str) -> Option<Arc<FlashNode>> {
    let key = txn.base().flash_node_by_addr(addr)?.key();
    txn.read(&key)
}

impl Master {
    /// Registers a flash node and returns its id; a known address keeps its own, and its record is not touched.
    ///
    /// # Errors
    /// The change could not be committed.
    pub async fn register_flash_node(&self, actor: &str, addr: &str, zone: &str, version: &str) -> Result<NodeId, Fault> {
        let (id, is_new) = self
            .commit(actor, |_, txn| {
                if let Some(node) = flash_node(txn, addr) {
                    return Ok((node.id, false));
                }
                let id = NodeId(txn.alloc(Counter::Common));
                let (addr, zone_name, version) = (addr.to_owned(), zone.to_owned(), version.to_owned());
                txn.put(FlashNode { id, addr, zone_name, version, is_enable: true, ..FlashNode::default() });
                Ok((id, true))
            })
            .await?;
        if is_new {
            self.live().flash.registered(addr, self.env.now().0, self.env.wall().secs());
        }
        Ok(id)
    }

    /// Switches a flash node on or off, or gives it a role.
    ///
    /// # Errors
    /// No such node.
    pub async fn set_flash_node(&self, actor: &str, addr: &str, enable: Option<bool>, role: Option<&str>) -> Result<(), Fault> {
        self.commit(actor, |_, txn| {
            let node = flash_node(txn, addr).ok_or_else(|| no_flash_node(addr))?;
            let is_enable = enable.unwrap_or(node.is_enable);
            let work_role = role.map_or_else(|| node.work_role.clone(), str::to_owned);
            let changed = FlashNode { is_enable, work_role, ..(*node).clone() };
            if changed != *node {
                txn.put(changed);
            }
            Ok(())
        })
        .await
    }

    /// Takes a flash node that is in no group out of the cluster; its cache is emptied a little later.
    ///
    /// # Errors
    /// [`fault::DATA_NODE_NOT_EXISTS`] for an unknown address, as in v3.5.3; code 1 for a node that is in a group.
    pub async fn remove_flash_node(&self, actor: &str, addr: &str) -> Result<(), Fault> {
        let wall = self.env.wall().secs();
        self.commit(actor, |_, txn| {
            let node = flash_node(txn, addr).ok_or(fault::DATA_NODE_NOT_EXISTS)?;
            if node.flash_group_id != 0 {
                return Err(Fault::internal("to delete a flashnode, it needs to be removed from the flashgroup first"));
            }
            txn.remove(&*node);
            txn.put(FlashEviction { addr: addr.to_owned(), asked: wall, ..FlashEviction::default() });
            Ok(())
        })
        .await?;
        self.senders.forget(addr);
        self.live().flash.forget_node(addr);
        Ok(())
    }

    /// Removes the flash nodes in no group that do not serve, and returns their addresses.
    ///
    /// # Errors
    /// One could not be removed; those before it are.
    pub async fn remove_inactive_flash_nodes(&self, actor: &str) -> Result<Vec<String>, Fault> {
        let state = self.state();
        let idle: Vec<String> = {
            let (live, now) = (self.live(), self.env.now().0);
            let idle = state.flash_nodes_of_group(0).filter(|node| !live.flash.serves(node, now));
            idle.map(|node| node.addr.clone()).collect()
        };
        for addr in &idle {
            self.remove_flash_node(actor, addr).await?;
        }
        Ok(idle)
    }

    /// Tells every flash node that serves its limits, in the background: nodes of v3.5.3 obey without ever answering.
    pub fn limit_flash_nodes(self: &Arc<Self>, opcode: Opcode, limits: &FlashNodeSetIoLimitsRequest) {
        let state = self.state();
        let addrs: Vec<String> = {
            let (live, now) = (self.live(), self.env.now().0);
            state.flash_nodes.values().filter(|node| live.flash.serves(node, now)).map(|node| node.addr.clone()).collect()
        };
        for addr in addrs {
            let (master, limits) = (self.clone(), limits.clone());
            self.env.spawn("flash limits", async move {
                if let Err(why) = master.call(&addr, opcode, Subject::Node, limits).await {
                    tracing::info!(node = addr, %why, "no answer about limits");
                }
            });
        }
    }

    /// Every flash node gets a heartbeat task.
    pub(super) fn heartbeat_flash_nodes(&self, state: &State) {
        let settings = &state.settings;
        for node in state.flash_nodes.values() {
            let request = HeartBeatRequest {
                curr_time: self.env.wall().secs(),
                master_addr: self.own_addr(),
                flash_node_handle_read_timeout: settings.flash_node_handle_read_timeout,
                flash_node_read_data_node_timeout: settings.flash_node_read_data_node_timeout,
                flash_hot_key_miss_count: settings.flash_hot_key_miss_count,
                flash_read_flow_limit: settings.flash_read_flow_limit,
                flash_write_flow_limit: settings.flash_write_flow_limit,
                flash_key_flow_limit: settings.flash_key_flow_limit,
                ..HeartBeatRequest::default()
            };
            self.enqueue(&node.addr, Opcode::FLASH_NODE_HEARTBEAT, Subject::Node, request);
        }
    }

    /// A flash node says that it is alive, and how far it is with manual tasks.
    pub(super) fn flash_node_heard(&self, addr: &str, said: &FlashNodeHeartbeatResponse) {
        let state = self.state();
        if state.flash_node_by_addr(addr).is_none() {
            return;
        }
        if said.status != status::SUCCEEDED {
            return tracing::warn!(node = addr, result = said.result, "the heartbeat of a flash node failed");
        }
        let now = self.env.now().0;
        let mut live = self.live();
        live.flash.heartbeat(addr, said, now, self.env.wall().secs());
        for (id, progress) in &said.manual_scanning_tasks {
            if state.flash_tasks.get(id).is_some_and(|task| !flash_tasks::has_ended(task)) {
                live.flash.tasks.heard(progress, now);
            }
        }
    }

    /// What the leader does about the cache by itself: slots that move, tasks that begin or are lost, caches to be emptied.
    pub(super) async fn check_flash(&self, term: Term) {
        self.move_flash_slots().await.unwrap_or_else(|why| tracing::warn!(%why, "slots of flash groups not moved"));
        self.check_flash_tasks().await.unwrap_or_else(|why| tracing::warn!(%why, "manual flash tasks not looked after"));
        self.empty_flash_caches(term).await;
    }

    /// Empties the caches of nodes that left their groups a while ago. Each is asked once; a leader that is lost meanwhile leaves it to the next.
    async fn empty_flash_caches(&self, term: Term) {
        let due = self.live().flash.evictions_due(&self.state(), self.env.now().0);
        if due.is_empty() || !self.still_leads(term).await {
            return;
        }
        for addr in &due {
            if self.state().flash_node_by_addr(addr).is_some_and(|node| node.flash_group_id != 0) {
                continue;
            }
            match http::ask(&self.env, addr, "POST", "/evictAll").await {
                Ok(answer) if answer.status == 200 => tracing::info!(node = addr, "its cache is emptied"),
                outcome => tracing::warn!(node = addr, ?outcome, "its cache is not emptied"),
            }
        }
        for batch in due.chunks(limits::RECORDS_PER_COMMIT_MAX) {
            let forgotten = self
                .commit("flash evictions", |_, txn| {
                    batch.iter().for_each(|addr| txn.delete::<FlashEviction>(&Key::FlashEviction(addr.clone()).to_string()));
                    Ok(())
                })
                .await;
            forgotten.unwrap_or_else(|why| tracing::info!(%why, "caches of flash nodes are emptied once more"));
        }
    }
}
