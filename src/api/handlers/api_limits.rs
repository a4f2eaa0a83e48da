//! Limits on the rate of requests (v3.5.3 http-cluster-volume.md §1.5). Every refusal is code 1.

use crate::api::params::Params;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::api::table::{path_of_limiter, ROUTES};
use crate::model::{ApiLimit, ApiLimits, Record};
use crate::wire::reply::{code, Fault};
use std::collections::BTreeMap;

/// `/admin/getMasterApiList`: path by name.
pub async fn list(_: Ctx) -> Result<Reply, Fault> {
    let paths: BTreeMap<&str, &str> = ROUTES.iter().filter_map(|route| Some((route.limiter?, route.path))).collect();
    Ok(Reply::ok(&paths))
}

/// `/admin/getApiQpsLimit`.
pub async fn get(ctx: Ctx) -> Result<Reply, Fault> {
    let state = ctx.master.state();
    Ok(match state.api_limits.get(&ctx.master.config.cluster_name) {
        Some(table) => Reply::ok(&table.limits),
        None => Reply::ok(&BTreeMap::<String, ApiLimit>::new()),
    })
}

/// `/admin/setApiQpsLimit`.
pub async fn set(ctx: Ctx) -> Result<Reply, Fault> {
    let read = || {
        let params = ctx.form()?;
        Ok((params.name()?.to_owned(), params.u32_or("limit", 0)?, params.u32_or("timeout", 0)?))
    };
    let (name, limit, timeout) = read().map_err(|fault: Fault| fault.with_code(code::INTERNAL_ERROR))?;
    if timeout == 0 {
        return Err(Fault::internal("timeout(seconds) args must be larger than 0"));
    }
    let (api_name, path) = api(&name)?;
    let record = ApiLimit { api_name, query_path: path.to_owned(), limit, limiter_timeout: timeout, ..ApiLimit::default() };
    change(&ctx, |limits| _ = limits.insert(path.to_owned(), record.clone())).await?;
    ctx.service.limiter.refill(path);
    Ok(Reply::text(format!("set api qps limit success: name: {name}, limit: {limit}, timeout: {timeout}")))
}

/// `/admin/rmApiQpsLimit`.
pub async fn remove(ctx: Ctx) -> Result<Reply, Fault> {
    let params: Params = ctx.params();
    let name = params.name().map_err(|fault| fault.with_code(code::INTERNAL_ERROR))?;
    let (_, path) = api(name)?;
    change(&ctx, |limits| _ = limits.remove(path)).await?;
    Ok(Reply::text(format!("rm api qps limit success: name: {name}")))
}

/// Lower-case name and path of an API.
fn api(name: &str) -> Result<(String, &'static str), Fault> {
    let lower = name.to_lowercase();
    let path = path_of_limiter(&lower).ok_or_else(|| Fault::internal(format!("api name [{name}] is not valid")))?;
    Ok((lower, path))
}

async fn change(ctx: &Ctx, change: impl Fn(&mut BTreeMap<String, ApiLimit>) + Send + Sync) -> Result<(), Fault> {
    let cluster = &ctx.master.config.cluster_name;
    let changed = ctx.master.commit("api limits", |_, txn| {
        let key = ApiLimits { cluster: cluster.clone(), ..ApiLimits::default() }.key();
        let mut table = match txn.read::<ApiLimits>(&key) {
            Some(table) => (*table).clone(),
            None => ApiLimits { cluster: cluster.clone(), ..ApiLimits::default() },
        };
        let before = table.limits.clone();
        change(&mut table.limits);
        if table.limits != before {
            txn.put(table);
        }
        Ok(())
    });
    changed.await.map_err(|fault| Fault::internal(format!("set api qps limit failed: {fault}")))
}
