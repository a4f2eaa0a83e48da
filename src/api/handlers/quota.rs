//! Directory quotas (v3.5.3 http-cluster-volume.md §7).

use super::json_body::{self, Json, Object};
use super::{look, volume};
use crate::api::params::Params;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::master::quotas::{no_quota, QuotaMaximum};
use crate::model::{Quota, QuotaPath};
use crate::plan::usage_limits;
use crate::view::quota::{ListMasterQuotaResponse, QuotaInfo};
use crate::view::volume::VolInfo;
use crate::wire::reply::Fault;

/// `maxFiles` and `maxBytes`; what is missing is unlimited.
fn maximum(p: &Params) -> Result<QuotaMaximum, Fault> {
    Ok(QuotaMaximum { files: p.u64_or("maxFiles", u64::MAX)?, bytes: p.u64_or("maxBytes", u64::MAX)? })
}

fn paths(body: &[u8]) -> Result<Vec<QuotaPath>, Fault> {
    let json = json_body::parse(body)?;
    let items = match &json {
        Json::Array(items) => items.as_slice(),
        Json::Null => &[],
        other => return Err(json_body::wrong_type(other, "[]proto.QuotaPathInfo")),
    };
    let read = |item: &Json| {
        let mut object = Object::new(item, "proto.QuotaPathInfo")?;
        let path = QuotaPath {
            full_path: object.text("FullPath"),
            root_inode: object.number("RootInode", "uint64"),
            partition_id: object.number("PartitionId", "uint64"),
            ..QuotaPath::default()
        };
        object.finish(path)
    };
    items.iter().map(read).collect()
}

/// `/quota/create`: the directories are the body, also of a GET.
pub async fn create(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let name = p.name()?;
    let maximum = maximum(&p)?;
    let paths = paths(ctx.unread_body())?;
    let id = ctx.master.create_quota(ctx.route.path, name, paths, maximum).await?;
    Ok(Reply::ok(&id))
}

/// `/quota/update`: both limits; what is missing becomes unlimited.
pub async fn update(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let name = p.name()?;
    let id = p.u32_raw("quotaId")?;
    let maximum = maximum(&p)?;
    ctx.master.update_quota(ctx.route.path, name, id, maximum).await?;
    let QuotaMaximum { files, bytes } = maximum;
    Ok(Reply::text(format!("update quota successfully, req &{{{name} {id} {files} {bytes}}}")))
}

/// `/quota/delete`.
pub async fn delete(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let name = p.name()?;
    let id = p.u32_raw("quotaId")?;
    ctx.master.delete_quota(ctx.route.path, name, id).await?;
    Ok(Reply::text(format!("delete quota successfully, vol [{name}] quotaId [{id}]")))
}

fn of_volume(ctx: &Ctx, name: &str) -> Result<Vec<Quota>, Fault> {
    let id = volume::named(ctx, name)?.id;
    Ok(look(ctx, |sight| usage_limits::quotas(sight.state, sight.reports, id)))
}

/// `/quota/list`.
pub async fn list(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let quotas = of_volume(&ctx, p.name()?)?;
    Ok(Reply::ok(&ListMasterQuotaResponse { quotas: quotas.iter().map(QuotaInfo::of).collect() }))
}

/// `/quota/get`.
pub async fn get(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let name = p.name()?;
    let id = p.u32_raw("quotaId")?;
    let quotas = of_volume(&ctx, name)?;
    let quota = quotas.iter().find(|quota| quota.quota_id == id).ok_or_else(no_quota)?;
    Ok(Reply::ok(&QuotaInfo::of(quota)))
}

/// `/quota/listAll`: volumes with quotas, null when there is none.
pub async fn volumes(ctx: Ctx) -> Result<Reply, Fault> {
    let with_quotas: Vec<VolInfo> = look(&ctx, |sight| {
        let found = sight.state.volumes.values().filter(|volume| sight.state.quotas_of_volume(volume.id).next().is_some());
        found.map(|volume| VolInfo::of(sight, volume)).collect()
    });
    Ok(Reply::ok(&Some(with_quotas).filter(|volumes| !volumes.is_empty())))
}
