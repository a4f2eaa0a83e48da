//! Lc nodes and lifecycle scans (v3.5.3 http-partitions-nodes.md §15).

use super::addr::check_ip;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::master::lifecycle::Stopped;
use crate::plan::lifecycle::Scope;
use crate::view::gotext;
use crate::view::lifecycle::{Filter, LcNodeInfoResponse};
use crate::wire::gojson::duration;
use crate::wire::reply::Fault;

/// `/lcNode/add`.
pub async fn add(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = ctx.addr(&p).await?;
    check_ip(&addr)?;
    let id = ctx.master.register_lc_node(ctx.route.path, &addr).await.map_err(|e| {
        let cluster = &ctx.master.config.cluster_name;
        Fault::internal(format!("action[addLcNode], clusterID[{cluster}], lcNodeAddr: {addr}, err: {e} "))
    })?;
    Ok(Reply::ok(&id))
}

/// `/admin/lcnode`: nodes and scans; starting and stopping scans by hand.
pub async fn admin(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let (volume, rule) = (p.optional("vol"), p.optional("ruleid"));
    match p.get("op") {
        "info" => {
            if rule.is_some() && volume.is_none() {
                return Err(Fault::param("err: ruleid must be used with vol"));
            }
            let done = match p.get("done") {
                "" => None,
                "true" => Some(true),
                "false" => Some(false),
                _ => return Err(Fault::param("err: invalid done")),
            };
            let state = ctx.master.state();
            let info = LcNodeInfoResponse::of(&state, &ctx.master.live().lc_jobs, Filter { volume, rule, done });
            Ok(Reply::ok(&info))
        }
        "start" => start(&ctx, volume, rule).await,
        "stop" => stop(&ctx, volume, rule).await,
        _ => Err(Fault::param("invalid op")),
    }
}

/// The refusal while a new leader does not know yet what nodes are at.
fn too_early(ctx: &Ctx, action: &str) -> Result<(), Fault> {
    let delay = ctx.master.live().lc_jobs.start_delay(ctx.master.env.now().0);
    match delay {
        None => Ok(()),
        Some(left) => {
            let left = duration::to_text(i64::try_from(left.as_nanos()).unwrap_or(i64::MAX));
            Err(Fault::param(format!("{action} failed: master restart or leader change just now, wait {left}")))
        }
    }
}

async fn start(ctx: &Ctx, volume: Option<&str>, rule: Option<&str>) -> Result<Reply, Fault> {
    const ACTION: &str = "startLcScan";
    too_early(ctx, ACTION)?;
    let scope = match (volume, rule) {
        (Some(volume), Some(rule)) => Scope::Rule { volume, rule },
        (Some(volume), None) => Scope::Volume(volume),
        (None, Some(_)) => return Err(Fault::param(format!("{ACTION} failed: ruleid must be used with vol"))),
        (None, None) => Scope::All,
    };
    let started = ctx.master.start_lc_scans(ctx.route.path, scope).await;
    let started = started.map_err(|e| Fault::param(format!("{ACTION} failed: err: {e}, need retry")))?;
    Ok(Reply::said(&match started.added {
        0 => format!("{ACTION} success: no lifecycle task to start, task({}) now todo or doing", gotext::list(started.standing)),
        added => format!("{ACTION} success: add {added} tasks"),
    }))
}

async fn stop(ctx: &Ctx, volume: Option<&str>, rule: Option<&str>) -> Result<Reply, Fault> {
    const ACTION: &str = "stopLcScan";
    too_early(ctx, ACTION)?;
    let volume = volume.ok_or_else(|| Fault::param(format!("{ACTION} failed: invalid vol name")))?;
    let scope = rule.map_or(Scope::Volume(volume), |rule| Scope::Rule { volume, rule });
    let stopped = ctx.master.stop_lc_scans(ctx.route.path, scope).await;
    let stopped = stopped.map_err(|e| Fault::param(format!("{ACTION} failed: err: {e}, need retry")))?;
    if stopped == Stopped::default() {
        return Ok(Reply::said(&format!("{ACTION} success: no tasks to stop in vol({volume}), ruleid({})", rule.unwrap_or_default())));
    }
    let (waiting, running) = (gotext::list(&stopped.waiting), gotext::list(&stopped.running));
    if stopped.errors.is_empty() {
        return Ok(Reply::said(&format!(
            "{ACTION} success: task {waiting} (todo) already delete, task {running} (doing) already notify lcnode to stop, please check \
             results later"
        )));
    }
    let errors = gotext::list(&stopped.errors);
    Err(Fault::param(format!(
        "{ACTION} failed: {errors}, already success stopTodo: {waiting}, already success stopDoing: {running}, please retry"
    )))
}
