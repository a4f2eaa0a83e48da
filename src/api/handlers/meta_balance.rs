//! Plans that relieve meta nodes, or empty one (v3.5.3 http-partitions-nodes.md §9).

use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::master::balance::NoPlan;
use crate::wire::reply::{fault, Fault};

/// A refusal shows the plan that it is about.
fn refused(none: NoPlan) -> Result<Reply, Fault> {
    match none.plan {
        Some(plan) => Ok(Reply::refused(&none.why, &plan)),
        None => Err(none.why),
    }
}

/// `/metaNode/createBalanceTask`.
pub async fn create_balance_task(ctx: Ctx) -> Result<Reply, Fault> {
    match ctx.master.create_balance_plan(ctx.route.path).await {
        Ok(plan) => Ok(Reply::ok(&plan)),
        Err(none) => refused(*none),
    }
}

/// `/metaNode/getBalanceTask`.
pub async fn get_balance_task(ctx: Ctx) -> Result<Reply, Fault> {
    let state = ctx.master.state();
    let plan = state.balance_plan.as_ref().ok_or_else(|| Fault::internal("no meta partition migrate plan"))?;
    if plan.total <= 0 {
        return Err(Fault::internal("Meta partition migrate plan doesn't existed."));
    }
    Ok(Reply::ok(&**plan))
}

/// `/metaNode/runBalanceTask`.
pub async fn run_balance_task(ctx: Ctx) -> Result<Reply, Fault> {
    ctx.master.run_balance_plan(ctx.route.path).await?;
    Ok(Reply::text("Start running balance task successfully."))
}

/// `/metaNode/stopBalanceTask`.
pub async fn stop_balance_task(ctx: Ctx) -> Result<Reply, Fault> {
    ctx.master.stop_balance_plan(ctx.route.path).await?;
    Ok(Reply::text("Stop balance task successfully."))
}

/// `/metaNode/deleteBalanceTask`.
pub async fn delete_balance_task(ctx: Ctx) -> Result<Reply, Fault> {
    ctx.master.delete_balance_plan(ctx.route.path).await?;
    Ok(Reply::text("Delete balance plan task successfully."))
}

/// `/metaNode/offline`: an empty node goes at once, another one when a plan has emptied it.
pub async fn offline(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = p.optional("addr").ok_or(fault::PARAM_ERROR)?;
    let addr = ctx.resolved(addr).await;
    let state = ctx.master.state();
    state.meta_node_by_addr(&addr).ok_or(fault::META_NODE_NOT_EXISTS)?;
    if state.meta_partition_count_on(&addr) > 0 {
        return match ctx.master.empty_meta_node(ctx.route.path, &addr).await {
            Ok(()) => Ok(Reply::text(format!("Offline metanode {addr} at background successfully"))),
            Err(none) => refused(*none),
        };
    }
    if !ctx.master.remove_meta_node_if_empty(&addr).await? {
        return Err(Fault::internal(format!("meta node {addr} is needed by moves of meta partitions")));
    }
    Ok(Reply::text(format!("Offline metanode {addr} successfully")))
}
