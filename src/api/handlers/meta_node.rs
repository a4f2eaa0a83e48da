//! Meta nodes (v3.5.3 http-partitions-nodes.md §1.2, §11).

use super::data_node::{migration, not_found, registration};
use super::look;
use super::meta_replica::allowed;
use crate::api::go_parse::parse_uint;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::ids::{NodeId, PartitionId};
use crate::master::moves::{MetaMove, MetaNodeWish};
use crate::model::{MetaNode, PartitionKind};
use crate::plan::usable::meta_node_can_allocate;
use crate::state::State;
use crate::view::node::MetaNodeInfo;
use crate::view::sight::Sight;
use crate::wire::reply::{code, fault, Fault};
use std::sync::Arc;

/// Meta partitions that one migration of a node may move.
const MIGRATION_MAX: i32 = 3;

fn known(state: &State, addr: &str) -> Result<Arc<MetaNode>, Fault> {
    state.meta_node_by_addr(addr).cloned().ok_or(fault::META_NODE_NOT_EXISTS)
}

/// `/metaNode/add`.
pub async fn add(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let registration = registration(&ctx, &p).await?;
    Ok(Reply::ok(&ctx.master.register_meta_node(registration).await?))
}

/// `/metaNode/get`.
pub async fn get(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = ctx.addr(&p).await?;
    let node = known(&ctx.master.state(), &addr)?;
    let selected = ctx.master.live().selectors.times_chosen(PartitionKind::Meta, &addr);
    Ok(Reply::ok(&look(&ctx, |sight| MetaNodeInfo::of(sight, &node, selected))))
}

/// `/metaNode/setMpCntLimit`: in memory only, because the record has no place for it; 0 means the cluster's limit.
pub async fn set_partition_limit(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = ctx.addr(&p).await?;
    known(&ctx.master.state(), &addr)?;
    let limit = parse_uint(p.get("maxMpCntLimit"), 64).map_err(|e| Fault::param(e.to_string()))?;
    ctx.master.live().reports.meta_node_mut(&addr).partition_limit = limit;
    Ok(Reply::text(format!("set MpCntLimit to {limit} successfully")))
}

/// `/metaNode/update`: gives a node another id. Peers in partitions keep the old one.
pub async fn update_id(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = ctx.addr(&p).await?;
    let id = NodeId(p.u64_raw("id")?);
    ctx.master
        .commit(ctx.route.path, |state, txn| {
            let node = txn.meta_node_by_addr(&addr).ok_or_else(|| Fault::internal(format!("node {addr} is not exist")))?;
            if node.id == id {
                return Ok(());
            }
            if state.meta_nodes.contains_key(&id) {
                return Err(Fault::internal(format!("id {id} is that of another node")));
            }
            txn.remove(&*node);
            txn.put(MetaNode { id, ..(*node).clone() });
            Ok(())
        })
        .await?;
    Ok(Reply::ok(&id))
}

/// `/metaNode/decommission`. With `plan=true`, ours, it says what it would do; so do the migrations.
pub async fn decommission(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = ctx.addr(&p).await?;
    let count = p.pint("count")?;
    known(&ctx.master.state(), &addr)?;
    allowed(&ctx)?;
    let wish = MetaNodeWish { addr, to: String::new(), count };
    if p.bool_val_or("plan", false)? {
        return Ok(Reply::ok(&ctx.master.preview_meta_node(&wish)?));
    }
    ctx.master.migrate_meta_node(ctx.route.path, &wish).await?;
    Ok(Reply::text(format!("decommissionMetaNode metaNode [{}] limit {count} has offline successfully", wish.addr)))
}

fn usable(sight: &Sight<'_>, node: &MetaNode) -> bool {
    let (report, liveness) = (sight.meta_node(&node.addr), sight.reports.meta_liveness(&node.addr, sight.now));
    meta_node_can_allocate(node, report, liveness, sight.rules)
}

fn unusable_target(addr: &str) -> Fault {
    Fault::internal(format!("[{addr}] is not writable, can't used as target addr for migrate"))
}

/// `/metaNode/migrate`.
pub async fn migrate(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let (source, target, count) = migration(&ctx, &p).await?;
    if count > MIGRATION_MAX {
        return Err(Fault::internal(format!("limit {count} can't be bigger than {MIGRATION_MAX}")));
    }
    let state = ctx.master.state();
    let find = |addr: &str| {
        let unknown = || Fault::new(code::META_NODE_NOT_EXISTS, not_found("meta", addr));
        state.meta_node_by_addr(addr).cloned().ok_or_else(unknown)
    };
    let (from, to) = (find(&source)?, find(&target)?);
    if from.node_set_id != to.node_set_id {
        return Err(Fault::internal(format!("src {source} and target {target} must exist in the same nodeSet when migrate")));
    }
    if !look(&ctx, |sight| usable(sight, &to)) {
        return Err(unusable_target(&target));
    }
    allowed(&ctx)?;
    let wish = MetaNodeWish { addr: source, to: target, count };
    if p.bool_val_or("plan", false)? {
        return Ok(Reply::ok(&ctx.master.preview_meta_node(&wish)?));
    }
    ctx.master.migrate_meta_node(ctx.route.path, &wish).await?;
    let MetaNodeWish { addr, to, .. } = wish;
    Ok(Reply::text(format!("migrateMetaNodeHandler from src [{addr}] to targaet[{to}] has migrate successfully")))
}

/// `/metaNode/migratePartition`.
pub async fn migrate_partition(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let wrong = |text: &str| Fault::internal(format!("parseMigratePartitionParam {text}"));
    let source = p.optional("srcAddr").ok_or_else(|| wrong("source address is empty"))?;
    let target = p.optional("targetAddr").ok_or_else(|| wrong("target address is empty"))?;
    let (source, target) = (ctx.resolved(source).await, ctx.resolved(target).await);
    if source == target {
        return Err(wrong(&format!("srcAddr {source} can't be equal to targetAddr {target}")));
    }
    let id = p.optional("id").ok_or_else(|| wrong("meta partition id is needed"))?;
    let id = parse_uint(id, 64).map_err(|e| Fault::internal(e.to_string()))?;
    let state = ctx.master.state();
    let to = state.meta_node_by_addr(&target).cloned();
    let to = to.ok_or_else(|| Fault::new(code::META_NODE_NOT_EXISTS, not_found("meta", &target)))?;
    if !look(&ctx, |sight| usable(sight, &to)) {
        return Err(unusable_target(&target));
    }
    if !state.meta_partitions.contains_key(&PartitionId(id)) {
        return Err(Fault::internal(format!("Failed to get meta partition ({id})")));
    }
    let wish = MetaMove { partition: PartitionId(id), from: source, to: target };
    if p.bool_val_or("plan", false)? {
        return Ok(Reply::ok(&ctx.master.preview_meta_moves(&[wish])));
    }
    ctx.master.migrate_meta_replica(ctx.route.path, &wish).await?;
    let MetaMove { from, to, .. } = wish;
    Ok(Reply::text(format!("migrateMetaPartitionHandler id({id}) from src [{from}] to target[{to}] has migrate successfully")))
}
