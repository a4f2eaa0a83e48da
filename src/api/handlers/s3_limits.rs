//! Limits of the object gateways (v3.5.3 http-cluster-volume.md §6).

use super::json_body::{self, Object};
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::model::{Key, S3Limit, S3Nodes};
use crate::wire::reply::Fault;
use serde::Serialize;
use std::collections::BTreeMap;

/// APIs of the gateways that are not limited.
const UNLIMITED: [&str; 5] = ["putobject", "copyobject", "uploadpart", "uploadpartcopy", "postobject"];
const EVERYONE: &str = "default";

/// Body of the changing routes.
struct Request {
    limit: S3Limit,
    nodes: u64,
}

fn request(body: &[u8]) -> Result<Request, Fault> {
    let json = json_body::parse(body)?;
    let mut object = Object::new(&json, "proto.S3QosRequest")?;
    let (uid, api, kind) = (object.text("uid"), object.text("api").to_lowercase(), object.text("type"));
    let (quota, nodes) = (object.number("quota", "uint64"), object.number("nodes", "uint64"));
    object.finish(())?;
    let wrong = || Fault::param("s3 qos param err");
    let kind = match kind.as_str() {
        "f" => 'f',
        "q" => 'q',
        "c" => 'c',
        _ => return Err(wrong()),
    };
    // The key of the record could not be read back with such an API.
    if UNLIMITED.contains(&api.as_str()) || api.contains('#') {
        return Err(wrong());
    }
    let user = if uid.eq_ignore_ascii_case(EVERYONE) { EVERYONE.to_owned() } else { uid };
    Ok(Request { limit: S3Limit { api, user, kind, limit: quota }, nodes })
}

/// `/s3/qos/set`: a limit, the number of gateways, or both; 0 changes nothing.
pub async fn set(ctx: Ctx) -> Result<Reply, Fault> {
    let request = request(&ctx.body)?;
    ctx.master
        .commit(ctx.route.path, |_, txn| {
            if request.limit.limit != 0 {
                txn.put(request.limit.clone());
            }
            if request.nodes != 0 {
                txn.put(S3Nodes { count: request.nodes });
            }
            Ok(())
        })
        .await?;
    Ok(Reply::text("success"))
}

/// `/s3/qos/delete`: also where there is no such limit.
pub async fn delete(ctx: Ctx) -> Result<Reply, Fault> {
    let S3Limit { api, user, kind, .. } = request(&ctx.body)?.limit;
    ctx.master
        .commit(ctx.route.path, |state, txn| {
            if state.s3_limits.contains_key(&(api.clone(), user.clone(), kind)) {
                txn.delete::<S3Limit>(&Key::S3Limit(api.clone(), user.clone(), kind).to_string());
            }
            Ok(())
        })
        .await?;
    Ok(Reply::text("success"))
}

/// Reply of `/s3/qos/get`.
#[derive(Serialize)]
struct Limits<'a> {
    user_limit_conf: BTreeMap<&'a str, OfApi<'a>>,
    nodes: u64,
}

/// Limits of one API by user.
#[derive(Default, Serialize)]
struct OfApi<'a> {
    band_width_quota: BTreeMap<&'a str, u64>,
    qps_quota: BTreeMap<&'a str, u64>,
    concurrent_quota: BTreeMap<&'a str, u64>,
}

/// `/s3/qos/get`: all limits, except those of users with a `#` in their names, as in v3.5.3.
pub async fn get(ctx: Ctx) -> Result<Reply, Fault> {
    let state = ctx.master.state();
    let nodes = state.s3_nodes.as_ref().map_or(0, |nodes| nodes.count);
    let mut limits = Limits { user_limit_conf: BTreeMap::new(), nodes };
    for limit in state.s3_limits.values().filter(|limit| !limit.user.contains('#')) {
        let of_api = limits.user_limit_conf.entry(&limit.api).or_default();
        let by_user = match limit.kind {
            'f' => &mut of_api.band_width_quota,
            'q' => &mut of_api.qps_quota,
            _ => &mut of_api.concurrent_quota,
        };
        by_user.insert(&limit.user, limit.limit);
    }
    Ok(Reply::ok(&limits))
}
