//! Replicas of meta partitions: adding, deleting and moving one (v3.5.3 http-partitions-nodes.md §7.3).

use super::meta_partition::known;
use crate::api::go_parse::parse_bool;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::ids::PartitionId;
use crate::master::moves::MetaMove;
use crate::plan::placement::refuse_same_machine;
use crate::wire::reply::Fault;

/// `/metaReplica/add`.
pub async fn add(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let id = p.u64_raw("id")?;
    let addr = ctx.addr(&p).await?;
    let partition = known(&ctx, id)?;
    if !ctx.master.config.allow_multiple_replicas_on_same_machine && !partition.has_host(&addr) {
        let hosts: Vec<String> = partition.hosts.iter().cloned().chain([addr.clone()]).collect();
        refuse_same_machine(&hosts).map_err(|why| Fault::param(why.msg))?;
    }
    ctx.master.add_meta_replica(ctx.route.path, PartitionId(id), &addr).await?;
    Ok(Reply::text(format!("meta partitionID :{id}  add replica [{addr}] successfully")))
}

/// `/metaReplica/delete`.
pub async fn delete(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let id = p.u64_raw("id")?;
    let addr = ctx.addr(&p).await?;
    known(&ctx, id)?;
    // A value that is none counts as false.
    let force = parse_bool(p.get("force")).unwrap_or(false);
    ctx.master.delete_meta_replica(ctx.route.path, PartitionId(id), &addr, force).await?;
    Ok(Reply::text(format!("meta partitionID :{id}  delete replica [{addr}] successfully")))
}

/// The refusal of moves, where they are switched off.
pub(super) fn allowed(ctx: &Ctx) -> Result<(), Fault> {
    match ctx.master.state().settings.forbid_mp_decommission {
        true => Err(Fault::internal("cluster mataPartition decommission switch is disabled")),
        false => Ok(()),
    }
}

/// `/metaPartition/decommission`. With `plan=true`, ours, it says what it would do.
pub async fn decommission(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let id = p.u64_raw("id")?;
    let addr = ctx.addr(&p).await?;
    known(&ctx, id)?;
    allowed(&ctx)?;
    let wish = MetaMove { partition: PartitionId(id), from: addr, to: String::new() };
    if p.bool_val_or("plan", false)? {
        return Ok(Reply::ok(&ctx.master.preview_meta_moves(&[wish])));
    }
    ctx.master.migrate_meta_replica(ctx.route.path, &wish).await?;
    Ok(Reply::text(format!("{} partitionID :{id}  decommissionMetaPartition successfully", ctx.route.path)))
}
