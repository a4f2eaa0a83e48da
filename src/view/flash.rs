//! The flash cache as replies show it (v3.5.3 http-types.md: FlashNodeViewInfo … FlashGroupInfo).

use super::sight::Sight;
use crate::model::{FlashGroup, FlashNode};
use crate::plan::flash::{active_groups, Fleet};
use crate::wire::gojson::{GoTime, List};
use crate::wire::report::{FlashNodeDiskCacheStat, FlashNodeLimiterStatusInfo};
use serde::Serialize;
use std::collections::BTreeMap;

/// Reply of `/flashNode/get`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FlashNodeViewInfo {
    #[serde(rename = "ID")]
    pub id: u64,
    pub addr: String,
    pub report_time: GoTime,
    pub is_active: bool,
    pub version: String,
    pub zone_name: String,
    #[serde(rename = "FlashGroupID")]
    pub flash_group_id: u64,
    pub is_enable: bool,
    pub disk_stat: List<FlashNodeDiskCacheStat>,
    pub limiter_status: Option<FlashNodeLimiterStatusInfo>,
}

/// Reply of `/flashNode/list`: by zone.
pub type FlashNodesByZone = BTreeMap<String, Vec<FlashNodeViewInfo>>;

/// Reply of `/flashGroup/get`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FlashGroupAdminView {
    #[serde(rename = "ID")]
    pub id: u64,
    pub slots: List<u32>,
    pub reserved_slots: List<u32>,
    pub is_reducing_slots: bool,
    pub weight: u32,
    pub status: i64,
    pub slot_status: i64,
    pub pending_slots: List<u32>,
    pub step: u32,
    pub flash_node_count: usize,
    pub zone_flash_nodes: FlashNodesByZone,
}

/// Reply of `/flashGroup/list`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FlashGroupsAdminView {
    pub flash_groups: List<FlashGroupAdminView>,
}

/// Reply of `/client/flashGroups`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FlashGroupView {
    pub enable: bool,
    pub flash_groups: List<FlashGroupInfo>,
}

/// A group as clients use it.
#[derive(Clone, Debug, Serialize)]
pub struct FlashGroupInfo {
    #[serde(rename = "i")]
    pub id: u64,
    #[serde(rename = "s")]
    pub slots: List<u32>,
    #[serde(rename = "h")]
    pub hosts: Vec<String>,
}

impl FlashNodeViewInfo {
    pub fn of(sight: &Sight<'_>, fleet: &Fleet, node: &FlashNode) -> Self {
        let report = fleet.report(&node.addr).cloned().unwrap_or_default();
        Self {
            id: node.id.0,
            addr: node.addr.clone(),
            report_time: sight.time(report.heard_wall_secs),
            is_active: fleet.is_active(&node.addr, sight.now),
            version: node.version.clone(),
            zone_name: node.zone_name.clone(),
            flash_group_id: node.flash_group_id,
            is_enable: node.is_enable,
            disk_stat: report.stat,
            limiter_status: report.limiter_status,
        }
    }
}

/// Nodes by zone, as many as `wanted` says.
pub fn nodes_by_zone<'a>(
    sight: &Sight<'_>,
    fleet: &Fleet,
    nodes: impl Iterator<Item = &'a FlashNode>,
    wanted: impl Fn(&FlashNodeViewInfo) -> bool,
) -> FlashNodesByZone {
    let mut zones = FlashNodesByZone::new();
    for info in nodes.map(|node| FlashNodeViewInfo::of(sight, fleet, node)).filter(wanted) {
        zones.entry(info.zone_name.clone()).or_default().push(info);
    }
    zones
}

impl FlashGroupAdminView {
    pub fn of(sight: &Sight<'_>, fleet: &Fleet, group: &FlashGroup) -> Self {
        let nodes = || sight.state.flash_nodes_of_group(group.id).map(|node| &**node);
        Self {
            id: group.id,
            slots: group.slots.clone(),
            reserved_slots: group.reserved_slots.clone(),
            is_reducing_slots: group.reducing_slots != 0,
            weight: group.weight,
            status: group.status.0.into(),
            slot_status: group.slot_status.0.into(),
            pending_slots: group.pending_slots.clone(),
            step: group.step,
            flash_node_count: nodes().count(),
            zone_flash_nodes: nodes_by_zone(sight, fleet, nodes(), |_| true),
        }
    }
}

impl FlashGroupView {
    /// Groups with slots, and their nodes that serve; nothing where somebody switched the cache off.
    pub fn of(sight: &Sight<'_>, fleet: &Fleet) -> Self {
        if sight.state.cluster.as_ref().is_some_and(|cluster| cluster.flash_groups_off) {
            return Self { enable: false, flash_groups: List::NIL };
        }
        let groups = active_groups(sight.state).filter(|group| !group.slots.is_empty());
        let info = |group: &FlashGroup| FlashGroupInfo {
            id: group.id,
            slots: group.slots.clone(),
            hosts: fleet.serving(sight.state, group.id, sight.now).map(|node| node.addr.clone()).collect(),
        };
        Self { enable: true, flash_groups: groups.map(|group| info(group)).collect() }
    }
}
