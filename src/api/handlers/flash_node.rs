//! Flash nodes (v3.5.3 http-partitions-nodes.md §16.1).

use crate::api::go_parse::parse_int;
use crate::api::params::Params;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::master::flash::no_flash_node;
use crate::plan::flash::Fleet;
use crate::view::flash::{nodes_by_zone, FlashNodeViewInfo};
use crate::view::gotext;
use crate::view::sight::Sight;
use crate::wire::opcode::Opcode;
use crate::wire::reply::Fault;
use crate::wire::request::FlashNodeSetIoLimitsRequest;
use std::net::SocketAddrV4;

/// What a view of the flash cache shows of this moment.
pub(super) fn look<T>(ctx: &Ctx, view: impl FnOnce(&Sight<'_>, &Fleet) -> T) -> T {
    let moment = ctx.master.moment();
    let live = ctx.master.live();
    view(&Sight::new(moment.scene(), &live.reports, gotext::ZONE), &live.flash)
}

/// `flashAddr`: an IPv4 address with a port, or a host name that stands for one.
async fn addr(ctx: &Ctx, p: &Params) -> Result<String, Fault> {
    let given: String = p.arg_required("addr")?;
    let addr = ctx.resolved(&given).await;
    addr.parse::<SocketAddrV4>().map(|_| addr).map_err(|_| Fault::bad_key("addr"))
}

/// `/flashNode/add`. With an empty zone v3.5.3 answers an error to the first call, which registers the node all the same, and the id to
/// the second; here the first one is answered like the second.
pub async fn add(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = addr(&ctx, &p).await?;
    let id = ctx.master.register_flash_node(ctx.route.path, &addr, p.get("zoneName"), p.get("version")).await;
    Ok(Reply::ok(&id?))
}

/// `/flashNode/set`: on and off, and the role. A word that is no bool changes nothing; in v3.5.3 it switches the node off.
pub async fn set(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = addr(&ctx, &p).await?;
    if ctx.master.state().flash_node_by_addr(&addr).is_none() {
        return Err(no_flash_node(&addr));
    }
    let enable = p.has("enable").then(|| p.bool_raw("enable")).transpose()?;
    ctx.master.set_flash_node(ctx.route.path, &addr, enable, p.optional("workRole")).await?;
    Ok(Reply::text("set flashNode success"))
}

/// `/flashNode/remove`.
pub async fn remove(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = addr(&ctx, &p).await?;
    ctx.master.remove_flash_node(ctx.route.path, &addr).await?;
    Ok(Reply::text(format!("delete flash node [{{{addr}}}] successfully")))
}

/// `/flashNode/removeAllInactive`.
pub async fn remove_inactive(ctx: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::ok(&ctx.master.remove_inactive_flash_nodes(ctx.route.path).await?))
}

/// `/flashNode/get`.
pub async fn get(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = addr(&ctx, &p).await?;
    let info = look(&ctx, |sight, fleet| sight.state.flash_node_by_addr(&addr).map(|node| FlashNodeViewInfo::of(sight, fleet, node)));
    Ok(Reply::ok(&info.ok_or_else(|| no_flash_node(&addr))?))
}

/// `/flashNode/list`: all nodes, those that serve (`active=1`), or the others.
pub async fn list(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.params();
    let wanted = p.optional("active").map_or(-1, |text| parse_int(text, 64).unwrap_or(0));
    let zones = look(&ctx, |sight, fleet| {
        let nodes = sight.state.flash_nodes.values().map(|node| &**node);
        nodes_by_zone(sight, fleet, nodes, |info| match wanted {
            -1 => true,
            1 => info.is_active && info.is_enable,
            _ => !(info.is_active && info.is_enable),
        })
    });
    Ok(Reply::ok(&zones))
}

fn limit(ctx: &Ctx, opcode: Opcode, kind: &str) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let (flow, iocc, factor) = (p.arg_or("flow", -1i64)?, p.arg_or("iocc", -1i64)?, p.arg_or("factor", -1i64)?);
    ctx.master.limit_flash_nodes(opcode, &FlashNodeSetIoLimitsRequest { iocc, flow, factor });
    Ok(Reply::text(format!("set {kind}IOLimits for FlashNode is submit,check it later.")))
}

/// `/flashNode/setReadIOLimits`.
pub async fn set_read_limits(ctx: Ctx) -> Result<Reply, Fault> {
    limit(&ctx, Opcode::FLASH_NODE_SET_READ_IO_LIMITS, "Read")
}

/// `/flashNode/SetWriteIOLimits`.
pub async fn set_write_limits(ctx: Ctx) -> Result<Reply, Fault> {
    limit(&ctx, Opcode::FLASH_NODE_SET_WRITE_IO_LIMITS, "Write")
}
