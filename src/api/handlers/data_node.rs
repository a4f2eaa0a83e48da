//! Data nodes (v3.5.3 http-partitions-nodes.md §1.1, §1.5, §10).

use super::addr::check_ip_port;
use super::look;
use crate::api::go_parse::{parse_bool, parse_uint};
use crate::api::params::Params;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::ids::{NodeId, PartitionId};
use crate::master::moves::NodeWish;
use crate::master::register::Registration;
use crate::model::{DataNode, DecommissionDisk, DecommissionStatus, MetaNode, PartitionKind};
use crate::plan::usable::{data_count_ok, data_node_writable};
use crate::state::State;
use crate::view::disk::{DataDecommissionProgress, DecommissionedDisks, FirstHostRepairInfo};
use crate::view::gotext;
use crate::view::node::DataNodeInfo;
use crate::wire::gojson::List;
use crate::wire::reply::{code, fault, Fault};
use std::sync::Arc;

/// The text for a node that cannot be found, where it is not the predefined one.
pub(super) fn not_found(kind: &str, addr: &str) -> String {
    format!("{addr} not found :: {kind} node[{addr}] not found")
}

/// The data node of that address.
pub(super) fn known(state: &State, addr: &str) -> Result<Arc<DataNode>, Fault> {
    state.data_node_by_addr(addr).cloned().ok_or(fault::DATA_NODE_NOT_EXISTS)
}

/// What a node says when it registers; the media type is read for both kinds.
pub(super) async fn registration(ctx: &Ctx, p: &Params) -> Result<Registration, Fault> {
    let addr = ctx.addr(p).await?;
    let media_type = p.u32_raw_or("mediaType", 0)?;
    check_ip_port(&addr)?;
    Ok(Registration {
        addr,
        heartbeat_port: p.get("heartbeatPort").to_owned(),
        replica_port: p.get("replicaPort").to_owned(),
        zone: p.get("zoneName").to_owned(),
        node_set: p.u64_raw_or("id", 0)?,
        media_type: crate::model::MediaType(media_type),
    })
}

/// `/dataNode/add`.
pub async fn add(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let registration = registration(&ctx, &p).await?;
    let added = ctx.master.register_data_node(registration).await;
    let id = added.map_err(|e| Fault::internal(format!("add datanode failed, err {e}, hint DataNode mediaType not match")))?;
    Ok(Reply::ok(&id))
}

/// `/dataNode/get`.
pub async fn get(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = ctx.addr(&p).await?;
    let ignore_discarded = p.bool_val_or("ignoreDiscard", true)?;
    let node = known(&ctx.master.state(), &addr)?;
    let selected = ctx.master.live().selectors.times_chosen(PartitionKind::Data, &addr);
    Ok(Reply::ok(&look(&ctx, |sight| DataNodeInfo::of(sight, &node, ignore_discarded, selected))))
}

/// Changes a data node's record.
pub(super) async fn change(ctx: &Ctx, addr: &str, set: impl Fn(&mut DataNode) + Sync) -> Result<(), Fault> {
    ctx.master
        .commit(ctx.route.path, |_, txn| {
            let node = txn.data_node_by_addr(addr).ok_or(fault::DATA_NODE_NOT_EXISTS)?;
            let mut changed = (*node).clone();
            set(&mut changed);
            txn.put(changed);
            Ok(())
        })
        .await
}

/// `/dataNode/setDpCntLimit`; 0 means the cluster's limit.
pub async fn set_partition_limit(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = ctx.addr(&p).await?;
    known(&ctx.master.state(), &addr)?;
    let limit = parse_uint(p.get("maxDpCntLimit"), 64).map_err(|e| Fault::param(e.to_string()))?;
    change(&ctx, &addr, |node| node.max_dp_cnt_limit = limit).await?;
    Ok(Reply::text(format!("set dpCntLimit to {limit} successfully")))
}

/// `/dataNode/update`: gives a node another id. Peers in partitions keep the old one.
pub async fn update_id(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = ctx.addr(&p).await?;
    let id = NodeId(p.u64_raw("id")?);
    ctx.master
        .commit(ctx.route.path, |state, txn| {
            let node = txn.data_node_by_addr(&addr).ok_or_else(|| Fault::internal(format!("node {addr} is not exist")))?;
            if node.id == id {
                return Ok(());
            }
            if state.data_nodes.contains_key(&id) {
                return Err(Fault::internal(format!("id {id} is that of another node")));
            }
            txn.remove(&*node);
            txn.put(DataNode { id, ..(*node).clone() });
            Ok(())
        })
        .await?;
    Ok(Reply::ok(&id))
}

/// `/admin/setNodeRdOnly`, for data nodes and meta nodes.
pub async fn set_read_only(ctx: Ctx) -> Result<Reply, Fault> {
    const DATA: u64 = 2;
    const META: u64 = 1;
    let p = ctx.form()?;
    let wrong = |text: &str| Fault::param(format!("parseSetNodeRdOnlyParam {text}"));
    let addr = p.optional("addr").ok_or_else(|| wrong("addr is empty"))?;
    let kind = p.optional("nodeType").ok_or_else(|| wrong("nodeType is empty"))?;
    let kind = parse_uint(kind, 64).map_err(|e| wrong(&format!("nodeType is not number, err {e}")))?;
    if kind != DATA && kind != META {
        return Err(wrong("nodeType is not legal, must be 2 or 1"));
    }
    let word = p.optional("rdOnly").ok_or_else(|| wrong("rdOnly is empty"))?;
    let on = parse_bool(word).map_err(|_| wrong(&format!("rdOnly is not bool value {word}")))?;
    let unknown = |kind: &str| Fault::param(format!("[setNodeRdOnly] {kind} node {addr} is not exist"));
    ctx.master
        .commit(ctx.route.path, |_, txn| {
            if kind == DATA {
                let node = txn.data_node_by_addr(addr).ok_or_else(|| unknown("data"))?;
                txn.put(DataNode { rd_only: on, ..(*node).clone() });
            } else {
                let node = txn.meta_node_by_addr(addr).ok_or_else(|| unknown("meta"))?;
                txn.put(MetaNode { rd_only: on, ..(*node).clone() });
            }
            Ok(())
        })
        .await?;
    Ok(Reply::text(format!("[setNodeRdOnlyHandler] set node {addr} to rdOnly({on}) success")))
}

/// `/dataNode/queryDisableDisk`: disks on which nothing is created.
pub async fn disabled_disks(ctx: Ctx) -> Result<Reply, Fault> {
    disks(ctx, |node| &node.decommissioned_disks).await
}

/// `/dataNode/queryDecommissionSuccessDisk`.
pub async fn success_disks(ctx: Ctx) -> Result<Reply, Fault> {
    disks(ctx, |node| &node.decommission_success_disks).await
}

async fn disks(ctx: Ctx, of: fn(&DataNode) -> &List<String>) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = ctx.addr(&p).await?;
    let node = known(&ctx.master.state(), &addr)?;
    Ok(Reply::ok(&DecommissionedDisks { node: addr, disks: of(&node).iter().cloned().collect() }))
}

/// `/dataNode/queryDecommissionFailedDps`: partitions that could not leave the node.
pub async fn failed_partitions(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = ctx.addr(&p).await?;
    let state = ctx.master.state();
    known(&state, &addr)?;
    let failed = state.data_partitions_leaving(&addr).filter(|dp| dp.decommission_status == DecommissionStatus::FAIL);
    let ids: List<PartitionId> = failed.map(|dp| dp.partition_id).collect();
    Ok(Reply::ok(&ids))
}

/// `/dataNode/queryDecommissionProgress` (v3.5.3 http-partitions-nodes.md §10.4).
pub async fn progress(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = ctx.addr(&p).await?;
    let node = known(&ctx.master.state(), &addr)?;
    Ok(Reply::ok(&look(&ctx, |sight| DataDecommissionProgress::of(sight, &node))))
}

/// `/dataNode/decommission`.
pub async fn decommission(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = ctx.addr(&p).await?;
    let count = i64::from(p.pint("count")?);
    let raft_force = p.raft_force()?;
    let weight = p.weight()?;
    known(&ctx.master.state(), &addr)?;
    let wish = NodeWish { addr, raft_force, count, weight, ..NodeWish::default() };
    if p.bool_val_or("plan", false)? {
        return Ok(Reply::ok(&ctx.master.preview_data_node(&wish)));
    }
    ctx.master.decommission_data_node(ctx.route.path, &wish).await?;
    Ok(Reply::text(format!("decommission data node [{}] submited!need check status later!", wish.addr)))
}

/// Source, target and number of partitions of a migration of a node; every failure is code 1 (v3.5.3 http-partitions-nodes.md §10.3).
pub(super) async fn migration(ctx: &Ctx, p: &Params) -> Result<(String, String, i32), Fault> {
    let wrong = |text: &str| Fault::internal(format!("parseMigrateNodeParam {text}"));
    let source = p.optional("srcAddr").ok_or_else(|| wrong("srcAddr can't be empty"))?;
    let target = p.optional("targetAddr").ok_or_else(|| wrong("targetAddr can't be empty when migrate"))?;
    let (source, target) = (ctx.resolved(source).await, ctx.resolved(target).await);
    if source == target {
        return Err(wrong(&format!("srcAddr {source} can't be equal to targetAddr {target}")));
    }
    let count = p.pint("count").map_err(|e| Fault::internal(e.msg))?;
    Ok((source, target, count))
}

/// `/dataNode/migrate`.
pub async fn migrate(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let (source, target, count) = migration(&ctx, &p).await?;
    let raft_force = p.raft_force()?;
    let weight = p.weight()?;
    let state = ctx.master.state();
    let find = |addr: &str| {
        let unknown = || Fault::new(code::DATA_NODE_NOT_EXISTS, not_found("data", addr));
        state.data_node_by_addr(addr).cloned().ok_or_else(unknown)
    };
    let (from, to) = (find(&source)?, find(&target)?);
    if from.node_set_id != to.node_set_id {
        return Err(Fault::internal(format!("src {source} and target {target} must exist in the same nodeSet when migrate")));
    }
    let usable = look(&ctx, |sight| {
        let (report, liveness) = (sight.data_node(&target), sight.reports.data_liveness(&target, sight.now));
        data_node_writable(&to, report, liveness) && data_count_ok(&to, report, sight.rules)
    });
    if !usable {
        return Err(Fault::internal(format!("[{target}] is not writable, can't used as target addr for migrate")));
    }
    let wish = NodeWish { addr: source, to: target, raft_force, count: i64::from(count), weight };
    if p.bool_val_or("plan", false)? {
        return Ok(Reply::ok(&ctx.master.preview_data_node(&wish)));
    }
    ctx.master.decommission_data_node(ctx.route.path, &wish).await?;
    let NodeWish { addr, to, .. } = wish;
    Ok(Reply::text(format!(
        "migrateDataNodeHandler from src [{addr}] to target[{to}] has submited and run in asyn ways,need check laster!"
    )))
}

/// `/dataNode/pauseDecommission`.
pub async fn pause_decommission(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = ctx.addr(&p).await?;
    let status = known(&ctx.master.state(), &addr)?.decommission_status;
    let running = [DecommissionStatus::MARKED, DecommissionStatus::RUNNING, DecommissionStatus::PAUSE];
    if !running.contains(&status) {
        return Err(Fault::internal(format!(
            "action[decommissionDataNodePause] dataNode[{addr}] status[{}] donot support cancel",
            status.0
        )));
    }
    let failed = gotext::list(ctx.master.pause_data_node(ctx.route.path, &addr).await?);
    Ok(Reply::text(format!("pause decommission data node [{addr}] with paused failed[{failed}]")))
}

/// `/dataNode/cancelDecommission`.
pub async fn cancel_decommission(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = ctx.addr(&p).await?;
    let state = ctx.master.state();
    if state.data_node_by_addr(&addr).is_none() {
        return Err(Fault::internal(not_found("data", &addr)));
    }
    ctx.master.cancel_data_node(ctx.route.path, &addr).await?;
    Ok(Reply::text(format!("cancel decommission data node [{addr}] success")))
}

/// `/dataNode/resetDecommissionStatus`: forgets everything about the decommission of a node and its disks.
pub async fn reset_decommission(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = ctx.addr(&p).await?;
    ctx.master
        .commit(ctx.route.path, |state, txn| {
            let node = txn.data_node_by_addr(&addr).ok_or(fault::DATA_NODE_NOT_EXISTS)?;
            for disk in state.decommission_disks_of(&addr).filter(|disk| node.all_disks.contains(&disk.disk_path)) {
                txn.remove::<DecommissionDisk>(disk);
            }
            let without = |list: &List<String>| list.iter().filter(|disk| !node.all_disks.contains(disk)).cloned().collect();
            txn.put(DataNode {
                decommissioned_disks: without(&node.decommissioned_disks),
                decommission_success_disks: without(&node.decommission_success_disks),
                decommission_status: DecommissionStatus::INITIAL,
                decommission_raft_force: false,
                decommission_dst_addr: String::new(),
                decommission_limit: 0,
                decommission_weight: 0,
                decommission_complete_time: 0,
                decommission_disk_list: List::NIL,
                to_be_offline: false,
                ..(*node).clone()
            });
            Ok(())
        })
        .await?;
    Ok(Reply::text(format!("reset decommission status for datanode {addr} success")))
}

/// `/admin/updateDecommissionFirstHostParallelLimit`; 0 is no limit.
pub async fn update_first_host_limit(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = p.required("addr")?;
    let limit = p.u64_raw("decommissionFirstHostParallelLimit")?;
    let failed = |why: &str| Fault::internal(format!("set master not worked {why}"));
    if ctx.master.state().data_node_by_addr(addr).is_none() {
        return Err(failed(&not_found("data", addr)));
    }
    change(&ctx, addr, |node| node.decommission_first_host_parallel_limit = limit).await.map_err(|e| failed(&e.msg))?;
    Ok(Reply::text(format!("set decommission first host parallel limit to {limit} successfully")))
}

/// `/admin/queryDecommissionFirstHostParallelLimit`.
pub async fn query_first_host_limit(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = p.required("addr")?;
    let state = ctx.master.state();
    let node = state.data_node_by_addr(addr).ok_or_else(|| Fault::param(not_found("data", addr)))?;
    let limit = node.decommission_first_host_parallel_limit;
    Ok(Reply::text(format!("dataNode({addr}) decommission first host parallel limit is {limit}")))
}

/// `/admin/queryDecommissionFirstHostParallelInfo`: nodes from which repairs run.
pub async fn first_host_repairs(ctx: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::ok(&look(&ctx, FirstHostRepairInfo::all)))
}
