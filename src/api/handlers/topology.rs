//! Zones, node sets and fault domains (v3.5.3 http-cluster-volume.md §4).

use super::look;
use crate::api::go_parse::parse_uint;
use crate::api::params::Params;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::ids::NodeSetId;
use crate::master::settings::Selectors;
use crate::model::topology::DEFAULT_ZONE;
use crate::model::{DataNode, Key, MetaNode, NodeSet, ZoneDomain};
use crate::plan::placement::Selectors as Chosen;
use crate::state::State;
use crate::view::domain::{DomainNodeSetGrpInfoList, SimpleNodeSetGrpInfo};
use crate::view::gotext;
use crate::view::sight::Sight;
use crate::view::topology::{IsDomainOn, NodeSetStat, NodeSetStatInfo, TopologyView, ZoneView};
use crate::wire::reply::{code, Fault};
use std::sync::Arc;

/// Nodes of each kind that a node set may be set to hold.
const NODE_SET_CAPACITY: std::ops::RangeInclusive<u64> = 3..=100;

fn unknown_zone(name: &str) -> Fault {
    Fault::new(code::ZONE_NOT_EXISTS, format!("zone[{name}] is not found"))
}

fn has_zone(state: &State, name: &str) -> bool {
    state.zone_names().any(|zone| zone == name)
}

/// Selector names of a request; an empty one changes nothing.
fn selectors(p: &Params) -> Selectors {
    let given = |key| p.optional(key).map(str::to_owned);
    Selectors {
        data_node_set: given("dataNodesetSelector"),
        meta_node_set: given("metaNodesetSelector"),
        data_node: given("dataNodeSelector"),
        meta_node: given("metaNodeSelector"),
    }
}

/// `/topo/get`.
pub async fn get(ctx: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::ok(&look(&ctx, TopologyView::of)))
}

/// `/zone/list`.
pub async fn zones(ctx: Ctx) -> Result<Reply, Fault> {
    let zones = look(&ctx, |sight| sight.state.zone_names().map(|name| ZoneView::brief(sight, name)).collect::<Vec<_>>());
    Ok(Reply::ok(&zones))
}

/// `/zone/update`: its status, which lives in memory only as in v3.5.3, and its selectors.
pub async fn update_zone(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.params();
    let name = p.required("name")?;
    let on = p.enable()?;
    if !has_zone(&ctx.master.state(), name) {
        return Err(unknown_zone(name));
    }
    let selectors = selectors(&p);
    ctx.master
        .commit(ctx.route.path, |state, txn| {
            selectors.apply_to_zone(state, txn, name);
            Ok(())
        })
        .await?;
    ctx.master.live().reports.set_zone_unavailable(name, !on);
    Ok(Reply::text(format!("update zone status to [{on}] successfully")))
}

/// `/nodeSet/list`.
pub async fn node_sets(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.params();
    let zone = p.optional("zoneName");
    if let Some(name) = zone.filter(|name| !has_zone(&ctx.master.state(), name)) {
        return Err(unknown_zone(name));
    }
    let sets = look(&ctx, |sight| {
        let wanted = sight.state.node_sets.values().filter(|set| zone.is_none_or(|zone| set.effective_zone_name() == zone));
        wanted.map(|set| NodeSetStat::of(sight, set)).collect::<Vec<_>>()
    });
    Ok(Reply::ok(&sets))
}

/// The node set that `nodesetId` names.
fn named_set(ctx: &Ctx, p: &Params) -> Result<Arc<NodeSet>, Fault> {
    let text = p.required("nodesetId")?;
    let id = parse_uint(text, 64).map_err(|_| Fault::param(format!("invalid nodeSetId: {text}")))?;
    let state = ctx.master.state();
    let set = state.node_sets.get(&NodeSetId(id));
    set.cloned().ok_or_else(|| Fault::new(code::NODE_SET_NOT_EXISTS, format!("node set[{id}] not found")))
}

/// `/nodeSet/get`.
pub async fn node_set(ctx: Ctx) -> Result<Reply, Fault> {
    let set = named_set(&ctx, &ctx.params())?;
    Ok(Reply::ok(&look(&ctx, |sight| NodeSetStatInfo::of(sight, &set))))
}

/// `/nodeSet/update`.
pub async fn update_node_set(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.params();
    let set = named_set(&ctx, &p)?;
    set_node_selectors(&ctx, &p, &set).await?;
    Ok(Reply::text("success"))
}

async fn set_node_selectors(ctx: &Ctx, p: &Params, set: &NodeSet) -> Result<(), Fault> {
    let selectors = selectors(p);
    ctx.master
        .commit(ctx.route.path, |_, txn| {
            selectors.apply_to_node_set(txn, set);
            Ok(())
        })
        .await
}

fn zone_of(p: &Params) -> String {
    p.optional("zoneName").unwrap_or(DEFAULT_ZONE).to_owned()
}

fn known_zone(state: &State, zone: &str) -> Result<(), Fault> {
    if has_zone(state, zone) {
        Ok(())
    } else {
        Err(Fault::param(format!("zonename [{zone}] not found")))
    }
}

/// A node set of a zone.
fn set_in_zone<'a>(state: &'a State, zone: &str, id: u64) -> Option<&'a Arc<NodeSet>> {
    state.node_sets.get(&NodeSetId(id)).filter(|set| set.effective_zone_name() == zone)
}

/// `/admin/updateNodeSetCapcity`.
pub async fn update_capacity(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let number = |key: &str| {
        let text = p.optional(key).ok_or_else(|| Fault::param(format!("not found {key}")))?;
        parse_uint(text, 64).map_err(|_| Fault::bad_key(key))
    };
    let capacity = number("count")?;
    let zone = zone_of(&p);
    let id = number("id")?;
    if !NODE_SET_CAPACITY.contains(&capacity) {
        return Err(Fault::param(format!("capcity [{capacity}] value out of scope")));
    }
    ctx.master
        .commit(ctx.route.path, |state, txn| {
            known_zone(state, &zone)?;
            let set = set_in_zone(state, &zone, id).and_then(|set| txn.node_set(set.id));
            let set = set.ok_or_else(|| Fault::param(format!("nodesetId [{id}] not found")))?;
            txn.put(NodeSet { capacity, ..(*set).clone() });
            Ok(())
        })
        .await?;
    Ok(Reply::text("set nodesetinfo successfully"))
}

/// `/admin/updateNodeSetId`: moves a node to another set of its zone.
pub async fn move_node(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let zone = zone_of(&p);
    let addr = ctx.addr(&p).await?;
    let id = p.u64_raw("id")?;
    if !p.has("nodeType") {
        return Err(Fault::param("need param nodeType"));
    }
    let kind = p.u64_raw("nodeType")?;
    let unknown = || Fault::param(format!("addr {addr} not found"));
    let same = || Fault::param("addr belong to same nodeset");
    ctx.master
        .commit(ctx.route.path, |state, txn| {
            known_zone(state, &zone)?;
            let set = set_in_zone(state, &zone, id).and_then(|set| txn.node_set(set.id));
            let set = set.ok_or_else(|| Fault::param(format!("{id} destNodesetId not found")))?;
            match kind {
                2 => {
                    let node = txn.data_node_by_addr(&addr).filter(|node| node.effective_zone_name() == zone).ok_or_else(unknown)?;
                    if node.node_set_id == set.id {
                        return Err(same());
                    }
                    txn.put(DataNode { node_set_id: set.id, ..(*node).clone() });
                }
                1 => {
                    let node = txn.meta_node_by_addr(&addr).filter(|node| node.effective_zone_name() == zone).ok_or_else(unknown)?;
                    if node.node_set_id == set.id {
                        return Err(same());
                    }
                    txn.put(MetaNode { node_set_id: set.id, ..(*node).clone() });
                }
                other => return Err(Fault::param(format!("{other} wrong type"))),
            }
            Ok(())
        })
        .await?;
    Ok(Reply::text("update node setid successfully"))
}

/// `/admin/updateNodeSetNodeSelector`.
pub async fn update_node_selector(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let zone = zone_of(&p);
    let id = p.u64_raw("id")?;
    let state = ctx.master.state();
    known_zone(&state, &zone)?;
    let set = set_in_zone(&state, &zone, id).ok_or_else(|| Fault::param(format!("nodesetId [{id}] not found")))?;
    set_node_selectors(&ctx, &p, set).await?;
    Ok(Reply::text("update nodeset selector successfully"))
}

async fn set_ratio(ctx: &Ctx, set: impl Fn(&mut ZoneDomain) + Sync) -> Result<(), Fault> {
    let changed = ctx.master.commit(ctx.route.path, |_, txn| {
        let present = txn.read::<ZoneDomain>(&Key::ZoneDomain.to_string());
        let mut domain = present.map_or_else(ZoneDomain::new, |domain| (*domain).clone());
        set(&mut domain);
        txn.put(domain);
        Ok(())
    });
    changed.await.map_err(|e| Fault::param(e.msg))
}

/// `/admin/updateDomainDataRatio`.
pub async fn update_data_ratio(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.params();
    let ratio = p.f64_raw("ratio")?;
    if ratio == 0.0 || ratio > 1.0 || ratio.is_nan() {
        return Err(Fault::param("ratioVal is not legal"));
    }
    set_ratio(&ctx, |domain| domain.data_ratio = ratio).await?;
    Ok(Reply::text(format!("update data user ratio {} successfully", crate::view::gotext::float(ratio))))
}

/// `/admin/updateZoneExcludeRatio`.
pub async fn update_exclude_ratio(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.params();
    let ratio = p.f64_raw("ratio")?;
    if !ratio.is_finite() {
        return Err(Fault::param("ratioVal is not legal"));
    }
    set_ratio(&ctx, |domain| domain.exclude_zone_use_ratio = ratio).await?;
    Ok(Reply::text(format!("update zone exclude ratio {} successfully", crate::view::gotext::float(ratio))))
}

/// `/admin/getIsDomainOn`.
pub async fn is_domain_on(ctx: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::ok(&IsDomainOn { domain_on: ctx.master.config.fault_domain }))
}

/// `/admin/getDomainInfo`: domains with their groups, node sets and nodes.
pub async fn domains(ctx: Ctx) -> Result<Reply, Fault> {
    let capacity = ctx.master.config.node_set_cap;
    Ok(Reply::ok(&look_with_selectors(&ctx, |sight, selectors| DomainNodeSetGrpInfoList::of(sight, selectors, capacity))))
}

/// `/admin/getDomainNodeSetGrpInfo`: one group. An unknown domain is taken for the first one, as in v3.5.3.
pub async fn domain_group(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form().map_err(|e| Fault::internal(e.msg))?;
    let (id, domain) = (p.u64_raw_or("id", 0)?, p.u64_raw_or("domainId", 0)?);
    let state = ctx.master.state();
    let groups = || state.node_set_groups.values();
    let domain = if groups().any(|group| group.domain_id == domain) { domain } else { 0 };
    let group = groups().find(|group| group.domain_id == domain && group.id == id);
    let group = group.cloned().ok_or_else(|| Fault::internal("id not found"))?;
    let capacity = ctx.master.config.node_set_cap;
    Ok(Reply::ok(&look_with_selectors(&ctx, |sight, selectors| SimpleNodeSetGrpInfo::of(sight, &group, selectors, capacity))))
}

fn look_with_selectors<T>(ctx: &Ctx, view: impl FnOnce(&Sight<'_>, &Chosen) -> T) -> T {
    let moment = ctx.master.moment();
    let live = ctx.master.live();
    view(&Sight::new(moment.scene(), &live.reports, gotext::ZONE), &live.selectors)
}
