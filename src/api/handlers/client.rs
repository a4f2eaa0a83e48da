//! What mounted clients ask (v3.5.3 http-cluster-volume.md §2.8 to §2.10, http-partitions-nodes.md §6).

use super::{look, volume};
use crate::api::auth;
use crate::api::go_parse::parse_bool;
use crate::api::params::Params;
use crate::api::reply::{Reply, ACCEPT_ENCODING};
use crate::api::request::Ctx;
use crate::model::VolumeType;
use crate::view::volume::VolStatInfo;
use crate::wire::reply::{fault, Fault};

/// `/client/vol`: the ready view of a volume.
pub async fn vol(ctx: Ctx) -> Result<Reply, Fault> {
    let skip = match ctx.header("Skip-Owner-Validation") {
        "" => false,
        text => parse_bool(text).map_err(|e| Fault::param(e.to_string()))?,
    };
    let p = ctx.params();
    let name = p.name()?;
    let auth_key = if skip { "" } else { p.required("authKey")? };
    let record = volume::named(&ctx, name)?;
    if !skip && !volume::is_auth_key(auth_key, &record.owner) {
        return Err(fault::VOL_AUTH_KEY_NOT_MATCH);
    }
    let reply = ctx.master.volume_reply(name)?;
    if record.authenticate && !skip {
        let key = ctx.master.config.service_key.bytes();
        return auth::volume_reply(&ctx.master.env, key, ctx.form(), name, &reply).map(Reply::text);
    }
    Ok(Reply::cached(reply))
}

/// `/client/partitions`: the ready view of a volume's data partitions, as gzip when asked for in exactly that word.
pub async fn partitions(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.params();
    let ready = ctx.master.data_partitions_reply(p.name()?)?;
    let gzip = ctx.header(ACCEPT_ENCODING.as_str()) == "gzip";
    Ok(if gzip { Reply::cached_gzip(ready.gzip) } else { Reply::cached(ready.plain) })
}

/// `/client/metaPartitions`.
pub async fn meta_partitions(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.params();
    Ok(Reply::cached(ctx.master.meta_partitions_reply(p.name()?)?))
}

/// `/client/volStat`: capacity and use; remembers who asked.
pub async fn volume_stat(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let name = p.name()?;
    let version = p.uint0("version")?;
    let by_meta = p.bool_or("countByMeta", false)?;
    let record = volume::named(&ctx, name)?;
    ctx.master.clients.saw(client_text(&ctx, &p, name), ctx.master.env.wall().secs());
    if record.vol_type == VolumeType::COLD && version != 1 {
        return Err(Fault::param("ec-vol is supported by LF client only"));
    }
    Ok(Reply::ok(&look(&ctx, |sight| VolStatInfo::of(sight, &record, by_meta))))
}

/// How a client is remembered.
fn client_text(ctx: &Ctx, p: &Params, volume: &str) -> String {
    let or = |key: &str, default: &'static str| p.optional(key).unwrap_or(default).to_owned();
    // A follower that passed the request on has put the client's address first.
    let ip = match ctx.header("X-Forwarded-For").split(',').next().map(str::trim) {
        Some(ip) if !ip.is_empty() => ip.to_owned(),
        _ => ctx.peer.ip().to_string(),
    };
    format!(
        "_{volume}_{}_{}_{ip}_{}_enableBcache-{}_enableRCache-{}",
        or("clientVer", "0.0.0"),
        or("role", "defRole"),
        or("host", "defHost"),
        or("enableBcacheNotSSD", "false"),
        or("enableRemoteCache", "false"),
    )
}

/// `/getAllClients`: who asked for statistics within the hour, with when.
pub async fn all(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.params();
    let part = p.name().map_or_else(|_| String::new(), |name| format!("_{name}_"));
    Ok(Reply::ok(&ctx.master.clients.seen(&part, ctx.master.env.wall().secs())))
}
