//! Flash groups (v3.5.3 http-partitions-nodes.md §16.2). Most refusals of parameters have code 1 here.

use super::flash_node::look;
use crate::api::go_parse::parse_uint;
use crate::api::params::Params;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::limits;
use crate::master::flash_groups::{no_group, Nodes};
use crate::model::FlashGroupStatus;
use crate::plan::flash_groups::NewGroup;
use crate::view::flash::{FlashGroupAdminView, FlashGroupView, FlashGroupsAdminView};
use crate::view::gotext;
use crate::wire::reply::{code, Fault};

fn internal(fault: Fault) -> Fault {
    fault.with_code(code::INTERNAL_ERROR)
}

fn id(p: &Params) -> Result<u64, Fault> {
    p.arg_required("id").map_err(internal)
}

/// The group as it is now.
fn shown(ctx: &Ctx, id: u64) -> Result<Reply, Fault> {
    let view = look(ctx, |sight, fleet| sight.state.flash_groups.get(&id).map(|group| FlashGroupAdminView::of(sight, fleet, group)));
    Ok(Reply::ok(&view.ok_or_else(|| no_group(id))?))
}

/// `gradualFlag` and `step`: slots per minute, where the slots are to change gradually.
fn gradual(p: &Params, action: &str) -> Result<Option<u32>, Fault> {
    let (gradual, step) = (p.bool_raw_or("gradualFlag", false)?, p.u32_raw_or("step", 0)?);
    if gradual && step == 0 {
        return Err(Fault::param(format!("the step size(0) must be greater than 0 when flashGroup gradually {action} the slots")));
    }
    Ok(gradual.then_some(step))
}

/// `/flashGroup/turn`: whether clients are shown any groups.
pub async fn turn(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form().map_err(internal)?;
    let on: bool = p.arg_required("enable").map_err(internal)?;
    ctx.master.turn_flash_groups(ctx.route.path, on).await?;
    Ok(Reply::text(format!("turn {on}")))
}

/// `/flashGroup/create`.
pub async fn create(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let named = p.optional("slots").map(|text| text.split(',')).into_iter().flatten().take(limits::FLASH_SLOTS_NAMED_MAX);
    let slots: Vec<u32> = named
        .map(|text| parse_uint(text, 32).map(|slot| slot as u32).map_err(|e| Fault::param(e.to_string())))
        .collect::<Result<_, _>>()?;
    let weight = p.u32_raw_or("weight", 0)?;
    if weight > limits::FLASH_WEIGHT_MAX {
        return Err(Fault::param(format!("weight({weight}) is larger than {}", limits::FLASH_WEIGHT_MAX)));
    }
    let step = gradual(&p, "creates")?;
    let group = ctx.master.create_flash_group(ctx.route.path, &NewGroup { slots, weight, step }).await?;
    Ok(Reply::ok(&look(&ctx, |sight, fleet| FlashGroupAdminView::of(sight, fleet, &group))))
}

/// `/flashGroup/remove`.
pub async fn remove(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form().map_err(internal)?;
    let id = id(&p)?;
    let step = gradual(&p, "deletes")?;
    let (slots, nodes) = ctx.master.remove_flash_group(ctx.route.path, id, step).await?;
    Ok(Reply::text(format!("remove flashGroup:{id} successfully,Slots:{} nodeCount:{nodes}", gotext::list(slots))))
}

/// `/flashGroup/set`: whether clients use the group.
pub async fn set(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form().map_err(internal)?;
    let id = id(&p)?;
    let enable: bool = p.arg_required("enable").map_err(internal)?;
    ctx.master.enable_flash_group(ctx.route.path, id, enable).await?;
    shown(&ctx, id)
}

/// `/flashGroup/get`.
pub async fn get(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form().map_err(internal)?;
    shown(&ctx, id(&p)?)
}

/// `/flashGroup/list`: all groups, or those that clients use, or those that they do not.
pub async fn list(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form().map_err(internal)?;
    let wanted: Option<bool> = p.has("enable").then(|| p.arg_required("enable").map_err(internal)).transpose()?;
    let view = look(&ctx, |sight, fleet| {
        let groups = sight.state.flash_groups.values();
        let wanted = groups.filter(|group| wanted.is_none_or(|enable| enable == (group.status == FlashGroupStatus::ACTIVE)));
        FlashGroupsAdminView { flash_groups: wanted.map(|group| FlashGroupAdminView::of(sight, fleet, group)).collect() }
    });
    Ok(Reply::ok(&view))
}

/// A group, and the node or nodes of a zone.
fn members(p: &Params) -> Result<(u64, Nodes<'_>), Fault> {
    let id = id(p)?;
    if let Some(addr) = p.optional("addr") {
        return Ok((id, Nodes::One(addr)));
    }
    p.arg_required::<String>("zoneName").map_err(internal)?;
    let count: i64 = p.arg_required("count").map_err(internal)?;
    Ok((id, Nodes::OfZone { zone: p.get("zoneName"), count: usize::try_from(count).unwrap_or(0) }))
}

/// `/flashGroup/addFlashNode`.
pub async fn add_node(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form().map_err(internal)?;
    let (id, nodes) = members(&p)?;
    ctx.master.join_flash_group(ctx.route.path, id, nodes).await?;
    shown(&ctx, id)
}

/// `/flashGroup/removeFlashNode`.
pub async fn remove_node(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form().map_err(internal)?;
    let (id, nodes) = members(&p)?;
    ctx.master.leave_flash_group(ctx.route.path, id, nodes).await?;
    shown(&ctx, id)
}

/// `/client/flashGroups`: which group has which slots. Never compressed.
pub async fn client_view(ctx: Ctx) -> Result<Reply, Fault> {
    let view = look(&ctx, FlashGroupView::of);
    let body = crate::api::reply::success(&view).ok_or_else(|| Fault::internal("fail to marshal http reply"))?;
    Ok(Reply::cached(body))
}
