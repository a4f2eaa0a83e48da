//! Flow limits as replies show them (v3.5.3 http-types.md: QosStatus, ClientInfoOutput, LimitRsp2Client, qosZoneStatus).

use super::sight::Sight;
use super::volume::FlowUse;
use crate::model::Zone;
use crate::plan::flow_limits::{Assignment, Client, Factor, FlowLimits, Report, Share, Shares};
use crate::wire::gojson::GoTime;
use crate::wire::qos::{ClientLimitInfo, ClientReportLimitInfo, LimitRsp2Client, VersionInfo};
use serde::Serialize;
use std::collections::BTreeMap;

/// The factors that replies show.
const SHOWN: [Factor; 2] = [Factor::FlowRead, Factor::FlowWrite];

/// Reply of `/qos/getStatus`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct QosStatus {
    pub server_factor_limit_map: BTreeMap<u32, ServerFactorLimit>,
    pub qos_enable: bool,
    pub client_req_period: u32,
    pub client_hit_trigger_cnt: u32,
    pub cluster_max_upload_cnt: u32,
    #[serde(rename = "ClientALiveCnt")]
    pub client_alive_cnt: usize,
}

/// One limit of a volume and how it is used.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ServerFactorLimit {
    pub name: &'static str,
    pub r#type: u32,
    pub total: u64,
    pub buffer: u64,
    pub cli_used: u64,
    pub cli_need: u64,
    pub allocated: u64,
    pub need_after_alloc: u64,
    pub limit_rate: f32,
    pub last_magnify: u64,
}

/// Reply of `/qos/getClientsInfo`, or element of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ClientInfoOutput {
    pub cli: ReportOutput,
    pub assign: AssignmentOutput,
    pub time: GoTime,
    #[serde(rename = "ID")]
    pub id: u64,
    pub host: String,
    pub version: Option<VersionInfo>,
}

/// What a client sent last.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReportOutput {
    #[serde(rename = "ID")]
    pub id: u64,
    pub factor_map: BTreeMap<u32, ClientLimitInfo>,
    /// Always "".
    pub host: &'static str,
    pub status: u8,
}

/// What a client was told last.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AssignmentOutput {
    #[serde(rename = "ID")]
    pub id: u64,
    pub enable: bool,
    pub req_period: u32,
    pub hit_trigger_cnt: u8,
    pub factor_map: BTreeMap<u32, ClientLimitInfo>,
}

/// Reply of `/qos/getZoneLimit`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct QosZoneStatus {
    pub zone: String,
    pub disk_limit_enable: bool,
    #[serde(rename = "IopsRVal")]
    pub iops_r_val: u64,
    #[serde(rename = "IopsWVal")]
    pub iops_w_val: u64,
    #[serde(rename = "FlowRVal")]
    pub flow_r_val: u64,
    #[serde(rename = "FlowWVal")]
    pub flow_w_val: u64,
}

fn info(share: Share) -> ClientLimitInfo {
    ClientLimitInfo { used_limit: share.limit, used_buffer: share.buffer, used: share.used, need: share.need }
}

fn map(shares: &Shares, factors: &[Factor]) -> BTreeMap<u32, ClientLimitInfo> {
    factors.iter().map(|factor| (*factor as u32, info(shares[*factor as usize - 1]))).collect()
}

/// What a client reports, or `None` unless it names each of the four factors and no other one.
pub fn read_report(body: ClientReportLimitInfo) -> Option<Report> {
    let factors = body.factor_map?;
    let mut shares = Shares::default();
    if factors.len() != shares.len() {
        return None;
    }
    for (number, said) in factors {
        let factor = Factor::with_number(number)?;
        shares[factor as usize - 1] = Share { limit: said.used_limit, buffer: said.used_buffer, used: said.used, need: said.need };
    }
    Some(Report { id: body.id, shares, status: body.status, version: body.version })
}

/// The reply to a client's report.
pub fn reply(given: &Assignment, version: Option<VersionInfo>) -> LimitRsp2Client {
    LimitRsp2Client {
        id: given.id,
        enable: given.enable,
        req_period: given.req_period,
        hit_trigger_cnt: given.hit_trigger_cnt,
        factor_map: map(&given.shares, &Factor::ALL),
        magnify: Factor::ALL.into_iter().map(|factor| (factor as u32, 0)).collect(),
        version,
    }
}

impl QosStatus {
    /// The limits of a volume.
    pub fn of(sight: &Sight<'_>, limits: &FlowLimits) -> Self {
        let shown = SHOWN.into_iter().map(|factor| {
            let pool = limits.pool(factor);
            let limit = ServerFactorLimit {
                name: factor.name(),
                r#type: factor as u32,
                total: pool.total,
                buffer: pool.buffer,
                cli_used: pool.used,
                cli_need: pool.need,
                allocated: pool.allocated,
                need_after_alloc: pool.need_after,
                limit_rate: pool.limit_rate,
                last_magnify: pool.last_magnify,
            };
            (factor as u32, limit)
        });
        Self {
            server_factor_limit_map: shown.collect(),
            qos_enable: limits.enabled,
            client_req_period: limits.req_period,
            client_hit_trigger_cnt: limits.hit_trigger_cnt,
            cluster_max_upload_cnt: u32::try_from(sight.state.settings.qos_limit_upload).unwrap_or(u32::MAX),
            client_alive_cnt: limits.clients().len(),
        }
    }
}

impl ClientInfoOutput {
    /// A client of a volume.
    pub fn of(sight: &Sight<'_>, id: u64, client: &Client) -> Self {
        let Client { host, heard_at, reported, assigned } = client;
        Self {
            cli: ReportOutput { id: reported.id, factor_map: map(&reported.shares, &SHOWN), host: "", status: reported.status },
            assign: AssignmentOutput {
                id: assigned.id,
                enable: assigned.enable,
                req_period: assigned.req_period,
                hit_trigger_cnt: assigned.hit_trigger_cnt,
                factor_map: map(&assigned.shares, &SHOWN),
            },
            time: sight.time(*heard_at),
            id,
            host: host.clone(),
            version: reported.version.clone(),
        }
    }
}

impl FlowUse {
    /// What clients of a volume use together.
    pub fn of(limits: &FlowLimits) -> Self {
        Self { read: limits.pool(Factor::FlowRead).used, write: limits.pool(Factor::FlowWrite).used }
    }
}

impl QosZoneStatus {
    /// The disk limits of a zone. One without a record has none.
    pub fn of(sight: &Sight<'_>, name: &str, zone: Option<&Zone>) -> Self {
        Self {
            zone: name.to_owned(),
            disk_limit_enable: sight.state.settings.disk_qos_enable,
            iops_r_val: zone.map_or(0, |zone| zone.qos_iops_r_limit),
            iops_w_val: zone.map_or(0, |zone| zone.qos_iops_w_limit),
            flow_r_val: zone.map_or(0, |zone| zone.qos_flow_r_limit),
            flow_w_val: zone.map_or(0, |zone| zone.qos_flow_w_limit),
        }
    }
}
