//! Flash groups: who belongs to them, and their slots (v3.5.3 http-partitions-nodes.md §16.2).

use super::flash::{flash_node, no_flash_node};
use super::Master;
use crate::env::Purpose;
use crate::limits;
use crate::model::{ClusterValue, Counter, FlashEviction, FlashGroup, FlashGroupStatus, FlashNode, Key, Record, SlotStatus};
use crate::plan::flash_groups::{create, remove_gradually, step, NewGroup, Step};
use crate::state::{State, Txn};
use crate::view::gotext;
use crate::wire::gojson::Time;
use crate::wire::reply::Fault;
use std::sync::Arc;

/// Which nodes enter or leave a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nodes<'a> {
    One(&'a str),
    OfZone { zone: &'a str, count: usize },
}

/// The refusal of an unknown group.
pub fn no_group(id: u64) -> Fault {
    Fault::internal(format!("flashGroup[{id}] is not found"))
}

fn group(txn: &mut Txn<'_>, id: u64) -> Result<Arc<FlashGroup>, Fault> {
    txn.read(&Key::FlashGroup(id).to_string()).ok_or_else(|| no_group(id))
}

/// Takes a group with its nodes out.
fn dissolve(state: &State, txn: &mut Txn<'_>, group: &FlashGroup, wall_secs: i64) {
    txn.remove(group);
    for node in state.flash_nodes_of_group(group.id) {
        leave(txn, &node.addr, wall_secs);
    }
}

/// A node in no group any more; its cache is emptied a little later.
fn leave(txn: &mut Txn<'_>, addr: &str, wall_secs: i64) {
    if let Some(node) = flash_node(txn, addr) {
        txn.put(FlashNode { flash_group_id: 0, ..(*node).clone() });
        txn.put(FlashEviction { addr: addr.to_owned(), asked: wall_secs, ..FlashEviction::default() });
    }
}

impl Master {
    /// Creates a group without nodes, which clients do not use yet.
    ///
    /// # Errors
    /// The change could not be committed.
    pub async fn create_flash_group(&self, actor: &str, new: &NewGroup) -> Result<FlashGroup, Fault> {
        self.commit(actor, |state, txn| {
            let id = txn.alloc(Counter::Common);
            let group = create(state, id, new, || self.env.entropy.next_u64(Purpose::Placement) as u32);
            txn.put(group.clone());
            Ok(group)
        })
        .await
    }

    /// Removes a group, at once or by `step` slots each minute. Returns the slots and the number of nodes that it had.
    ///
    /// # Errors
    /// No such group, or it is losing its slots already.
    pub async fn remove_flash_group(&self, actor: &str, id: u64, step: Option<u32>) -> Result<(Vec<u32>, usize), Fault> {
        let wall = self.env.wall().secs();
        self.commit(actor, |state, txn| {
            let group = group(txn, id)?;
            if group.slot_status == SlotStatus::DELETING {
                let text = format!("the flashGroup({id}) is in slotDeleting status, it cannot be deleted repeatedly");
                return Err(Fault::internal(text));
            }
            let count = state.flash_nodes_of_group(id).count();
            match step.and_then(|step| remove_gradually(&group, step)) {
                Some(going) => txn.put(going),
                None => dissolve(state, txn, &group, wall),
            }
            Ok((group.slots.to_vec(), count))
        })
        .await
    }

    /// Lets clients use a group, or not.
    ///
    /// # Errors
    /// No such group.
    pub async fn enable_flash_group(&self, actor: &str, id: u64, enable: bool) -> Result<(), Fault> {
        let status = if enable { FlashGroupStatus::ACTIVE } else { FlashGroupStatus::INACTIVE };
        self.commit(actor, |_, txn| {
            let group = group(txn, id)?;
            if group.status != status {
                txn.put(FlashGroup { status, ..(*group).clone() });
            }
            Ok(())
        })
        .await
    }

    /// Shows clients the flash groups, or none at all.
    ///
    /// # Errors
    /// The change could not be committed.
    pub async fn turn_flash_groups(&self, actor: &str, on: bool) -> Result<(), Fault> {
        self.commit(actor, |_, txn| {
            let cluster = txn.cluster().ok_or_else(|| Fault::internal("the cluster has no record"))?;
            if cluster.flash_groups_off == on {
                txn.put(ClusterValue { flash_groups_off: !on, ..(*cluster).clone() });
            }
            Ok(())
        })
        .await
    }

    /// Nodes enter a group.
    ///
    /// # Errors
    /// The texts of v3.5.3: no such group or node, a node is in a group or silent, a zone has not enough of them.
    pub async fn join_flash_group(&self, actor: &str, id: u64, nodes: Nodes<'_>) -> Result<(), Fault> {
        let now = self.env.now().0;
        self.commit(actor, |state, txn| {
            group(txn, id)?;
            let addrs = match nodes {
                Nodes::One(addr) => {
                    let node = flash_node(txn, addr).ok_or_else(|| no_flash_node(addr))?;
                    if node.flash_group_id != 0 {
                        let text = format!("flashNode[{addr}] FlashGroupID[{}] can not add to flash group:{id}", node.flash_group_id);
                        return Err(Fault::internal(text));
                    }
                    self.heard_lately(addr)?;
                    vec![addr.to_owned()]
                }
                Nodes::OfZone { zone, count } => {
                    zone_exists(state, zone)?;
                    let live = self.live();
                    let free = state.flash_nodes_of_group(0).filter(|node| node.zone_name == zone && live.flash.is_active(&node.addr, now));
                    let found: Vec<String> = free.take(count).map(|node| node.addr.clone()).collect();
                    if found.len() != count {
                        let (found, detail) = (found.len(), gotext::list(found));
                        let text = format!("expect count:{count} newHostsCount:{found},detail:{detail},excludeHosts:[]");
                        return Err(Fault::internal(text));
                    }
                    found
                }
            };
            for addr in &addrs {
                let node = flash_node(txn, addr).ok_or_else(|| no_flash_node(addr))?;
                txn.put(FlashNode { flash_group_id: id, ..(*node).clone() });
            }
            Ok(())
        })
        .await
    }

    fn heard_lately(&self, addr: &str) -> Result<(), Fault> {
        let live = self.live();
        if live.flash.is_active(addr, self.env.now().0) {
            return Ok(());
        }
        let heard = live.flash.report(addr).map_or(Time::ZERO.unix_secs(), |report| report.heard_wall_secs);
        let heard = gotext::time_text(heard, gotext::ZONE);
        Err(Fault::internal(format!("flashNode[{addr}] is inactive lastReportTime:{heard}")))
    }

    /// Nodes leave a group; their caches are emptied a little later.
    ///
    /// # Errors
    /// The texts of v3.5.3: no such group or node, the node is in another group, a zone has not enough of them.
    pub async fn leave_flash_group(&self, actor: &str, id: u64, nodes: Nodes<'_>) -> Result<(), Fault> {
        let wall = self.env.wall().secs();
        self.commit(actor, |state, txn| {
            group(txn, id)?;
            let addrs = match nodes {
                Nodes::One(addr) => {
                    let node = flash_node(txn, addr).ok_or_else(|| no_flash_node(addr))?;
                    if node.flash_group_id != id {
                        let text = format!("flashNode[{addr}] FlashGroupID[{}] not equal to target flash group:{id}", node.flash_group_id);
                        return Err(Fault::internal(text));
                    }
                    vec![addr.to_owned()]
                }
                Nodes::OfZone { zone, count } => {
                    zone_exists(state, zone)?;
                    let members = state.flash_nodes_of_group(id).filter(|node| node.zone_name == zone);
                    let mut found: Vec<String> = members.map(|node| node.addr.clone()).collect();
                    if found.len() < count {
                        let (number, hosts) = (found.len(), gotext::list(found));
                        let text = format!("flashNodeHostsCount:{number} less than expectCount:{count},flashNodeHosts:{hosts}");
                        return Err(Fault::internal(text));
                    }
                    found.truncate(count);
                    found
                }
            };
            addrs.iter().for_each(|addr| leave(txn, addr, wall));
            Ok(())
        })
        .await
    }

    /// Slots that move by themselves: gradual changes, groups that nobody serves, and groups that are served again.
    pub(super) async fn move_flash_slots(&self) -> Result<(), Fault> {
        const ACTOR: &str = "flash slots";
        let state = self.state();
        let (now, wall) = (self.env.now().0, self.env.wall().secs());
        let (due, moved) = {
            let mut live = self.live();
            (live.flash.steps_due(&state, now), live.flash.slots_to_move(&state, now, wall))
        };
        for id in due {
            self.commit(ACTOR, |state, txn| {
                let Ok(group) = group(txn, id) else { return Ok(()) };
                match step(state, &group) {
                    Some(Step::Changed(next)) => txn.put(next),
                    Some(Step::Gone) => dissolve(state, txn, &group, wall),
                    None => {}
                }
                Ok(())
            })
            .await?;
        }
        for batch in moved.chunks(limits::RECORDS_PER_COMMIT_MAX) {
            self.commit(ACTOR, |_, txn| {
                for next in batch {
                    // Whatever somebody changed meanwhile is looked at again in the next round.
                    let same = |present: &FlashGroup| state.flash_groups.get(&next.id).is_some_and(|seen| **seen == *present);
                    if txn.read::<FlashGroup>(&next.key()).is_some_and(|present| same(&present)) {
                        txn.put(next.clone());
                    }
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }
}

fn zone_exists(state: &State, zone: &str) -> Result<(), Fault> {
    if zone.is_empty() {
        return Err(Fault::internal("zone name is empty"));
    }
    let exists = state.flash_nodes.values().any(|node| node.zone_name == zone);
    exists.then_some(()).ok_or_else(|| Fault::internal(format!("zone[{zone}] not found")))
}
