//! Flow limits of volumes, disk limits of zones (v3.5.3 http-cluster-volume.md §5).

use super::addr::check_ip;
use super::volume::flow::{self, Flow};
use super::{look, volume};
use crate::api::go_parse::{atoi, parse_bool, parse_uint};
use crate::api::params::Params;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::model::{MediaType, Volume, Zone};
use crate::view::qos::{self, ClientInfoOutput, QosStatus, QosZoneStatus};
use crate::wire::qos::ClientReportLimitInfo;
use crate::wire::reply::{fault, Fault};
use std::sync::Arc;

const IOPS_MIN: u64 = 100;
const DEFAULT_ZONE: &str = "default";

fn internal(fault: Fault) -> Fault {
    Fault::internal(fault.msg)
}

/// The volume of a request; anything wrong with its name means that there is none.
fn named(ctx: &Ctx, p: &Params) -> Result<Arc<Volume>, Fault> {
    volume::named(ctx, p.name().map_err(|_| fault::VOL_NOT_EXISTS)?)
}

/// `/qos/getStatus`.
pub async fn status(ctx: Ctx) -> Result<Reply, Fault> {
    let record = named(&ctx, &ctx.params())?;
    let limits = ctx.master.with_flow_limits(&record, |limits| limits.clone());
    Ok(Reply::ok(&look(&ctx, |sight| QosStatus::of(sight, &limits))))
}

/// `/qos/getClientsInfo`: one client, those of a host, or all.
pub async fn clients(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.params();
    let record = named(&ctx, &p)?;
    let host = p.get("addr");
    if !host.is_empty() {
        check_ip(host)?;
    }
    let id = match p.optional("id") {
        None => 0,
        Some(text) => parse_uint(text, 64).map_err(|e| Fault::internal(e.to_string()))?,
    };
    let known = ctx.master.with_flow_limits(&record, |limits| limits.clients().clone());
    let not_found = || Fault::internal("not found");
    if id > 0 {
        let client = known.get(&id).ok_or_else(not_found)?;
        if !host.is_empty() && client.host != host {
            return Err(Fault::internal(format!("ip info [{}] not equal with request [{host}]", client.host)));
        }
        return Ok(Reply::ok(&look(&ctx, |sight| ClientInfoOutput::of(sight, id, client))));
    }
    let of_host = known.iter().filter(|(_, client)| host.is_empty() || client.host == host);
    let shown: Vec<_> = look(&ctx, |sight| of_host.map(|(id, client)| ClientInfoOutput::of(sight, *id, client)).collect());
    if shown.is_empty() {
        return Err(not_found());
    }
    Ok(Reply::ok(&shown))
}

/// `/qos/update`: the switch and the flow limits together. v3.5.3 keeps the switch when a limit is refused.
pub async fn update(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.params();
    let name = p.name().map_err(internal)?;
    volume::named(&ctx, name)?;
    let switch = match p.optional("qosEnable") {
        None => None,
        Some(text) => Some(parse_bool(text).map_err(|e| Fault::internal(e.to_string()))?),
    };
    let flow = flow::read(&p).map_err(internal)?;
    let changed = ctx
        .master
        .commit(ctx.route.path, |_, txn| {
            let present = txn.volume_by_name(name).ok_or(fault::VOL_NOT_EXISTS)?;
            let changed = Volume {
                vol_qos_enable: switch.unwrap_or(present.vol_qos_enable),
                flow_r_limit: flow.read.unwrap_or(present.flow_r_limit),
                flow_w_limit: flow.write.unwrap_or(present.flow_w_limit),
                ..(*present).clone()
            };
            if changed != *present {
                txn.put(changed.clone());
            }
            Ok(changed)
        })
        .await?;
    ctx.master.with_flow_limits(&changed, |_| ());
    Ok(Reply::text("success"))
}

/// `/qos/updateClientParam`: in memory only, as in v3.5.3. What is missing becomes 0.
pub async fn update_client_param(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.params();
    let record = volume::named(&ctx, p.name().map_err(internal)?)?;
    let number = |key: &str, what: &str| match p.optional(key) {
        None => Ok(0),
        Some(text) => match parse_uint(text, 32) {
            Ok(n) if n > 0 => Ok(n as u32),
            _ => Err(Fault::internal(format!("wrong param of {what}"))),
        },
    };
    let period = number("reqPeriod", "peroid")?;
    let trigger = number("triggerCnt", "triggerCnt")?;
    ctx.master.with_flow_limits(&record, |limits| (limits.req_period, limits.hit_trigger_cnt) = (period, trigger));
    Ok(Reply::text("success"))
}

/// `/admin/qosUpload`: a client's report and its new limits. Where a factor is missing v3.5.3 answers nothing at all.
pub async fn upload(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let record = volume::named(&ctx, p.name()?)?;
    let enable = p.optional("qosEnable").ok_or(fault::PARAM_ERROR)?;
    if parse_bool(enable) != Ok(true) {
        return Ok(Reply::ok(&()));
    }
    let Ok(body) = serde_json::from_slice::<ClientReportLimitInfo>(&ctx.body) else { return Ok(Reply::ok(&())) };
    let (host, version) = (body.host.clone(), body.version.clone());
    let report = qos::read_report(body).ok_or_else(|| Fault::param("a report names the limits 1, 2, 3 and 4"))?;
    let (given, is_first) = ctx.master.flow_report(&record, host, report).await?;
    Ok(Reply::ok(&qos::reply(&given, version.filter(|_| is_first))))
}

/// The zone and its record, which it has once a setting was stored.
fn zone(ctx: &Ctx, name: &str) -> Result<Option<Arc<Zone>>, Fault> {
    let state = ctx.master.state();
    match state.zones.get(name) {
        Some(zone) => Ok(Some(zone.clone())),
        None if state.node_sets_of_zone(name).next().is_some() => Ok(None),
        None => Err(Fault::internal(format!("zonename [{name}] not found"))),
    }
}

fn zone_name(p: &Params) -> &str {
    p.optional("zoneName").unwrap_or(DEFAULT_ZONE)
}

/// `/qos/getZoneLimit`.
pub async fn zone_limit(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.params();
    let name = zone_name(&p);
    let record = zone(&ctx, name)?;
    Ok(Reply::ok(&look(&ctx, |sight| QosZoneStatus::of(sight, name, record.as_deref()))))
}

/// Limits of a zone's disks; 0 where the request says nothing.
#[derive(Clone, Copy, Default)]
struct DiskLimits {
    read: u64,
    write: u64,
    flow: Flow,
}

impl DiskLimits {
    /// A limit that is no number is forgotten when a later one is. A negative number is a huge one.
    fn read(p: &Params) -> Result<Self, Fault> {
        let mut limits = Self::default();
        let mut not_a_number = None;
        for (key, slot, text) in [
            ("iopsRKey", &mut limits.read, ("iops read ", " need larger than 100")),
            ("iopsWKey", &mut limits.write, ("iops ", " write write io larger than 100")),
        ] {
            let Some(value) = p.optional(key) else { continue };
            match atoi(value) {
                Ok(n) => {
                    not_a_number = None;
                    if (n as u64) < IOPS_MIN {
                        return Err(Fault::internal(format!("{}{n}{}", text.0, text.1)));
                    }
                    *slot = n as u64;
                }
                Err(e) => not_a_number = Some(Fault::internal(e.to_string())),
            }
        }
        limits.flow = flow::read(p).map_err(internal)?;
        match not_a_number {
            Some(fault) if limits.flow == Flow::default() => Err(fault),
            _ => Ok(limits),
        }
    }

    fn apply(&self, zone: &mut Zone) {
        let set = |slot: &mut u64, wanted: u64| {
            if wanted > 0 {
                *slot = wanted;
            }
        };
        set(&mut zone.qos_iops_r_limit, self.read);
        set(&mut zone.qos_iops_w_limit, self.write);
        set(&mut zone.qos_flow_r_limit, self.flow.read.unwrap_or(0));
        set(&mut zone.qos_flow_w_limit, self.flow.write.unwrap_or(0));
    }
}

/// `/qos/updateZoneLimit`: a zone's limits and the switch of the whole cluster, together.
pub async fn update_zone_limit(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.params();
    let name = zone_name(&p);
    let limits = DiskLimits::read(&p)?;
    let switch = p.optional("diskenable").and_then(|text| parse_bool(text).ok());
    zone(&ctx, name)?;
    ctx.master
        .commit(ctx.route.path, |_, txn| {
            let present = txn.zone(name).map_or_else(|| Zone::new(name, MediaType::UNSPECIFIED), |zone| (*zone).clone());
            let mut changed = present.clone();
            limits.apply(&mut changed);
            if changed != present {
                txn.put(changed);
            }
            if let (Some(on), Some(cluster)) = (switch, txn.cluster()) {
                txn.put(crate::model::ClusterValue { disk_qos_enable: on, ..(*cluster).clone() });
            }
            Ok(())
        })
        .await?;
    Ok(Reply::text("success"))
}
