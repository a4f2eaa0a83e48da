//! Empty meta partitions: freezing and cleaning them (v3.5.3 http-partitions-nodes.md §8).

use super::look;
use crate::api::params::Params;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::model::Volume;
use crate::view::meta_partition::VolEmptyMpStats;
use crate::wire::reply::Fault;
use std::sync::Arc;

/// `/metaPartition/emptyStatus`.
pub async fn status(ctx: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::ok(&look(&ctx, VolEmptyMpStats::all)))
}

fn volume(ctx: &Ctx, p: &Params) -> Result<Arc<Volume>, Fault> {
    ctx.master.state().volume_by_name(p.name()?).cloned().ok_or_else(|| Fault::param("vol not exists"))
}

fn deleted(volume: &Volume) -> Option<Reply> {
    volume.is_deleted().then(|| Reply::text(format!("volume ({}) is deleted already.", volume.name)))
}

/// `/metaPartition/freezeEmpty`. While a task is under way nothing changes, where v3.5.3 marks partitions and then refuses.
pub async fn freeze(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    p.name()?;
    let keep = p.uint0("count")?;
    let volume = volume(&ctx, &p)?;
    if let Some(reply) = deleted(&volume) {
        return Ok(reply);
    }
    let name = volume.name.as_str();
    ctx.master.freeze_empty(ctx.route.path, (volume.id, name), usize::try_from(keep).unwrap_or(usize::MAX)).await?;
    Ok(Reply::text(format!("Master will freeze empty meta partition of volume ({name}) after 10 minutes. Task id: {name}")))
}

/// `/metaPartition/cleanEmpty`.
pub async fn clean(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let volume = volume(&ctx, &p)?;
    if let Some(reply) = deleted(&volume) {
        return Ok(reply);
    }
    let name = volume.name.as_str();
    ctx.master.clean_empty((volume.id, name))?;
    Ok(Reply::text(format!(
        "Clean frozen meta partition for volume ({name}) in the background. It may takes several hours. task id: {name}"
    )))
}

/// `/metaPartition/removeBackup`.
pub async fn remove_backup(ctx: Ctx) -> Result<Reply, Fault> {
    ctx.master.remove_backups().await;
    Ok(Reply::text("Remove all backup meta partitions successfully."))
}

/// `/metaPartition/getCleanTask`.
pub async fn tasks(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    match p.optional("name") {
        Some(name) => Ok(Reply::ok(&[ctx.master.clean_task(name)?])),
        None => Ok(Reply::ok(&ctx.master.clean_tasks())),
    }
}
