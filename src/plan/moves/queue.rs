//! Which decommissions may begin, and where their replicas go (v3.5.3 http-partitions-nodes.md §5.6, §5.7).
//!
//! What is in use of each limit is counted from the moves themselves: nothing has to be given back, so nothing is leaked.

use super::{mark, Turn};
use crate::ids::NodeSetId;
use crate::limits::DATA_NODE_RESERVED;
use crate::model::{DataPartition, DecommissionType, Move, PartitionKind, Phase};
use crate::plan::placement::{self, data_target, refuse_same_machine, Random, Selectors};
use crate::plan::reports::Reports;
use crate::plan::scene::Scene;
use crate::plan::usable::data_node_has_room;
use crate::state::State;
use crate::wire::reply::Fault;
use std::collections::BTreeMap;

/// What is in use of the limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loads {
    /// Replicas on their way into a node set.
    pub sets: BTreeMap<NodeSetId, usize>,
    /// Repairs that read from a node, and from a disk of it.
    pub nodes: BTreeMap<String, usize>,
    pub disks: BTreeMap<(String, String), usize>,
}

impl Loads {
    /// Of the decommissions under way.
    pub fn of(state: &State) -> Self {
        let mut loads = Self::default();
        let under_way = state.moves.values().filter(|mv| mv.kind == PartitionKind::Data && mv.task.is_decommission());
        for mv in under_way.filter(|mv| mv.phase != Phase::Waiting) {
            loads.add(state, &mv.to.addr, (&mv.repaired_from, &mv.repaired_from_disk));
        }
        loads
    }

    fn add(&mut self, state: &State, to: &str, repaired_from: (&str, &str)) {
        if let Some(node) = state.data_node_by_addr(to) {
            *self.sets.entry(node.node_set_id).or_default() += 1;
        }
        *self.nodes.entry(repaired_from.0.to_owned()).or_default() += 1;
        *self.disks.entry((repaired_from.0.to_owned(), repaired_from.1.to_owned())).or_default() += 1;
    }
}

/// What becomes of a decommission whose turn it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// Change the records.
    Turn(Turn),
    /// It waits for this.
    Wait(String),
}

/// Decides about one decommission. What it takes of the limits is added to `loads`.
#[allow(clippy::too_many_arguments)] // a decision over everything
pub fn start(
    scene: &Scene<'_>,
    reports: &Reports,
    selectors: &mut Selectors,
    loads: &mut Loads,
    dp: &DataPartition,
    mv: &Move,
    random: &mut Random<'_>,
) -> Start {
    let fail = |condition: &str, why: String| Start::Turn(Turn::Fail { condition: condition.to_owned(), why: Fault::internal(why) });
    let id = dp.partition_id;
    let relay = dp.has_special_replica_num() && !mv.raft_force;
    let first = dp.hosts.iter().find(|host| relay || **host != mv.from).cloned().unwrap_or_default();
    let Some(disk) = dp.disk_on(&first).filter(|_| dp.has_host(&first)).map(str::to_owned) else {
        return fail(&format!("acquireFirsthostToken_firstHost({first})"), format!("dp({id}) can not find first host({first}) replica"));
    };
    if dp.decommission_type == DecommissionType::AUTO && !scene.state.settings.enable_auto_decommission_disk {
        return fail("begin", "disable auto  decommission".into());
    }
    if dp.replica_num == 1 && mv.raft_force {
        return fail("begin", "single replica does not support raftForce deletion".into());
    }
    let others_bad = dp.hosts.iter().filter(|host| **host != mv.from).all(|host| mark::bad_hosts(reports, dp).contains(&host.as_str()));
    if mv.raft_force && dp.has_host(&mv.from) && others_bad {
        let from = &mv.from;
        return fail("begin", format!("dp({id}) all replicas except decommission src addr({from}) are diskErr replicas"));
    }
    if let Some(why) = source_is_busy(scene, loads, &first, &disk) {
        return Start::Wait(why);
    }
    let to = match target(scene, reports, selectors, dp, mv, random) {
        Ok(to) => to,
        Err(why) if dp.decommission_retry + 1 >= super::FAILURES_MAX && dp.has_host(&mv.from) => {
            return fail("acquireNsDecommissionToken", why.to_string());
        }
        Err(why) => return Start::Turn(Turn::Later { why }),
    };
    let Some(node) = scene.state.data_node_by_addr(&to) else {
        return Start::Turn(Turn::Later { why: Fault::internal(format!("{to} not found :: data node[{to}] not found")) });
    };
    let limit = usize::try_from(scene.state.settings.decommission_limit).unwrap_or(usize::MAX);
    let used = loads.sets.get(&node.node_set_id).copied().unwrap_or(0);
    if limit != 0 && used >= limit {
        return Start::Wait(format!("node set {} takes {used} replicas at a time", node.node_set_id));
    }
    loads.add(scene.state, &to, (&first, &disk));
    Start::Turn(Turn::Begin { to: node.peer(), repaired_from: (first, disk) })
}

fn source_is_busy(scene: &Scene<'_>, loads: &Loads, first: &str, disk: &str) -> Option<String> {
    let node_limit = scene.state.data_node_by_addr(first).map_or(0, |node| node.decommission_first_host_parallel_limit);
    let node_used = loads.nodes.get(first).copied().unwrap_or(0) as u64;
    if node_limit != 0 && node_used >= node_limit {
        return Some(format!("{first} repairs {node_used} others at a time"));
    }
    let disk_limit = scene.state.settings.effective().decommission_first_host_disk_parallel_limit;
    let disk_used = loads.disks.get(&(first.to_owned(), disk.to_owned())).copied().unwrap_or(0) as u64;
    (disk_used >= disk_limit).then(|| format!("disk {disk} of {first} repairs {disk_used} others at a time"))
}

/// The node that takes the replica: that which was asked for, or the best one.
fn target(
    scene: &Scene<'_>,
    reports: &Reports,
    selectors: &mut Selectors,
    dp: &DataPartition,
    mv: &Move,
    random: &mut Random<'_>,
) -> Result<String, Fault> {
    let to = match mv.to_given {
        true => given(scene, reports, dp, mv)?,
        false => {
            let id = dp.partition_id;
            let left = scene.state.leftovers.range((PartitionKind::Data, id, String::new())..);
            let left = left.take_while(|((kind, of, _), _)| *kind == PartitionKind::Data && *of == id);
            let avoid: Vec<String> = left.map(|((_, _, addr), _)| addr.clone()).collect();
            let to_set = (mv.to_set != NodeSetId(0)).then_some(mv.to_set);
            let step = placement::Move { from: &mv.from, to_set, avoid: &avoid };
            let volume = scene.state.volumes.get(&dp.vol_id).map(|volume| &**volume);
            data_target(scene, reports, selectors, dp, volume, step, random)?
        }
    };
    if !scene.rules.several_replicas_per_machine {
        let stay = dp.hosts.iter().filter(|host| **host != mv.from).cloned();
        refuse_same_machine(&stay.chain([to.clone()]).collect::<Vec<_>>())?;
    }
    Ok(to)
}

fn given(scene: &Scene<'_>, reports: &Reports, dp: &DataPartition, mv: &Move) -> Result<String, Fault> {
    let to = &mv.to.addr;
    if dp.has_host(to) {
        return Err(Fault::internal(format!("target {to} has a replica of data partition {} already", dp.partition_id)));
    }
    super::allowed::may_gain(scene, dp, to)?;
    let node = scene.state.data_node_by_addr(to);
    let room = node
        .zip(reports.data_node(to))
        .is_some_and(|(node, report)| data_node_has_room(node, report, reports.data_liveness(to, scene.now), DATA_NODE_RESERVED));
    if !room {
        let report = reports.data_node(to).cloned().unwrap_or_default();
        let (active, read_only) = (reports.data_liveness(to, scene.now).is_active(), node.is_some_and(|node| node.rd_only));
        return Err(Fault::internal(format!(
            "new datanode {to} is not writable AvailableSpace({}) isActive({active}) RdOnly({read_only}) Total({}) Used({})",
            report.available, report.total, report.used
        )));
    }
    Ok(to.clone())
}
