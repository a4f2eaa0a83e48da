//! Zones, node sets and fault domains as replies show them (v3.5.3 http-types.md: TopologyView … DomainNodeSetGrpInfoList).

use super::node::{DataNodeInfo, MetaNodeInfo, MetaNodeView, NodeStatView, NodeView};
use crate::wire::gojson::List;
use serde::Serialize;
use std::collections::BTreeMap;

/// Reply of `/topo/get`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TopologyView {
    pub zones: Vec<ZoneView>,
}

/// A zone. `/zone/list` leaves `NodeSet` empty and `DataMediaType` "".
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ZoneView {
    pub name: String,
    pub status: &'static str,
    pub data_nodeset_selector: String,
    pub meta_nodeset_selector: String,
    /// By id as text: the keys are sorted as texts, `10` before `2`.
    pub node_set: BTreeMap<String, NodeSetView>,
    pub data_media_type: &'static str,
}

/// A node set inside a zone.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NodeSetView {
    pub data_node_len: usize,
    pub meta_node_len: usize,
    pub meta_nodes: Vec<MetaNodeView>,
    pub data_nodes: Vec<NodeView>,
}

/// Element of `/nodeSet/list`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NodeSetStat {
    #[serde(rename = "ID")]
    pub id: u64,
    pub capacity: i64,
    pub zone: String,
    pub can_alloc_meta_node_cnt: usize,
    pub can_alloc_data_node_cnt: usize,
    pub meta_node_num: usize,
    pub data_node_num: usize,
}

/// Reply of `/nodeSet/get`. The node lists are null when empty.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NodeSetStatInfo {
    #[serde(rename = "ID")]
    pub id: u64,
    pub capacity: i64,
    pub zone: String,
    pub can_alloc_meta_node_cnt: usize,
    pub can_alloc_data_node_cnt: usize,
    pub meta_nodes: List<NodeStatView>,
    pub data_nodes: List<NodeStatView>,
    pub data_node_selector: String,
    pub meta_node_selector: String,
}

/// Reply of `/admin/getIsDomainOn`.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct IsDomainOn {
    pub domain_on: bool,
}

/// Reply of `/admin/getDomainInfo`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DomainNodeSetGrpInfoList {
    pub domain_on: bool,
    pub data_ratio_limit: f64,
    pub zone_exclude_ratio_limit: f64,
    pub need_domain: bool,
    pub exclude_zones: List<String>,
    pub domain_node_set_grp_info: List<SimpleNodeSetGrpInfoList>,
}

/// One domain.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SimpleNodeSetGrpInfoList {
    pub domain_id: u64,
    pub status: u8,
    pub simple_node_set_grp_info: List<SimpleNodeSetGrpInfo>,
}

/// One group of node sets.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SimpleNodeSetGrpInfo {
    #[serde(rename = "ID")]
    pub id: u64,
    pub status: u8,
    pub node_set_info: List<NodeSetInfo>,
}

/// A node set of a group with its use; a ratio is NaN for an empty set, which makes the whole reply fail.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NodeSetInfo {
    #[serde(rename = "ID")]
    pub id: u64,
    pub zone_name: String,
    pub capacity: i64,
    pub data_use_ratio: f64,
    pub meta_use_ratio: f64,
    pub meta_used: u64,
    pub meta_total: u64,
    pub meta_nodes: List<MetaNodeInfo>,
    pub data_used: u64,
    pub data_total: u64,
    pub data_nodes: List<DataNodeInfo>,
}
