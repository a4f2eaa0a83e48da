//! Zones, node sets and fault domains as replies show them (v3.5.3 http-types.md: TopologyView … DomainNodeSetGrpInfoList).

use super::node::{MetaNodeView, NodeStatView, NodeView};
use super::sight::Sight;
use crate::ids::NodeSetId;
use crate::model::{topology, MediaType, NodeSet, Zone};
use crate::plan::usable;
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
    pub capacity: u64,
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
    pub capacity: u64,
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

impl ZoneView {
    /// A zone without its node sets and media type, as `/zone/list` shows it.
    pub fn brief(sight: &Sight<'_>, name: &str) -> Self {
        let zone = sight.state.zones.get(name);
        let selector = |of: fn(&Zone) -> &str| zone.map_or(topology::DEFAULT_NODE_SET_SELECTOR, |zone| of(zone)).to_owned();
        Self {
            name: name.to_owned(),
            status: if sight.reports.zone_unavailable(name) { "unavailable" } else { "available" },
            data_nodeset_selector: selector(Zone::effective_data_nodeset_selector),
            meta_nodeset_selector: selector(Zone::effective_meta_nodeset_selector),
            ..Self::default()
        }
    }

    /// A zone with its node sets and their nodes.
    pub fn full(sight: &Sight<'_>, name: &str) -> Self {
        let zone = sight.state.zones.get(name);
        let legacy = sight.rules.legacy_media_type;
        let sets = sight.state.node_sets_of_zone(name).map(|set| (set.id.to_string(), NodeSetView::of(sight, set.id)));
        Self {
            node_set: sets.collect(),
            data_media_type: media_text(zone.map_or(legacy, |zone| zone.effective_media_type(legacy))),
            ..Self::brief(sight, name)
        }
    }
}

/// Name of a media type in replies and messages.
pub fn media_text(media: MediaType) -> &'static str {
    match media {
        MediaType::SSD => "SSD",
        MediaType::HDD => "HDD",
        _ => "Unspecified",
    }
}

impl TopologyView {
    /// All zones.
    pub fn of(sight: &Sight<'_>) -> Self {
        Self { zones: sight.state.zone_names().map(|name| ZoneView::full(sight, name)).collect() }
    }
}

impl NodeSetView {
    fn of(sight: &Sight<'_>, id: NodeSetId) -> Self {
        let data_nodes: Vec<_> = sight
            .state
            .data_nodes_of_set(id)
            .map(|node| NodeView { forbid_write_op_of_proto_ver0: false, ..NodeView::of_data_node(sight, node) })
            .collect();
        let meta_nodes: Vec<_> = sight
            .state
            .meta_nodes_of_set(id)
            .map(|node| {
                let report = sight.meta_node(&node.addr);
                MetaNodeView { node: NodeView::of_meta_node(sight, node), ratio: report.ratio(), system_ratio: report.system_ratio() }
            })
            .collect();
        Self { data_node_len: data_nodes.len(), meta_node_len: meta_nodes.len(), meta_nodes, data_nodes }
    }
}

impl NodeSetStat {
    /// Counts of a node set.
    pub fn of(sight: &Sight<'_>, set: &NodeSet) -> Self {
        let state = sight.state;
        let data = |addr: &str| (sight.data_node(addr), sight.reports.data_liveness(addr, sight.now));
        let meta = |addr: &str| (sight.meta_node(addr), sight.reports.meta_liveness(addr, sight.now));
        Self {
            id: set.id.0,
            capacity: set.effective_capacity(sight.rules.node_set_capacity),
            zone: set.effective_zone_name().to_owned(),
            can_alloc_meta_node_cnt: state
                .meta_nodes_of_set(set.id)
                .filter(|node| {
                    let (report, liveness) = meta(&node.addr);
                    usable::meta_node_can_allocate(node, report, liveness, sight.rules)
                })
                .count(),
            can_alloc_data_node_cnt: state
                .data_nodes_of_set(set.id)
                .filter(|node| {
                    let (report, liveness) = data(&node.addr);
                    usable::data_node_can_allocate(node, report, liveness, sight.rules)
                })
                .count(),
            meta_node_num: state.meta_nodes_of_set(set.id).count(),
            data_node_num: state.data_nodes_of_set(set.id).count(),
        }
    }
}

impl NodeSetStatInfo {
    /// A node set with its nodes.
    pub fn of(sight: &Sight<'_>, set: &NodeSet) -> Self {
        let stat = NodeSetStat::of(sight, set);
        Self {
            id: stat.id,
            capacity: stat.capacity,
            zone: stat.zone,
            can_alloc_meta_node_cnt: stat.can_alloc_meta_node_cnt,
            can_alloc_data_node_cnt: stat.can_alloc_data_node_cnt,
            meta_nodes: sight.state.meta_nodes_of_set(set.id).map(|node| NodeStatView::of_meta_node(sight, node)).collect(),
            data_nodes: sight.state.data_nodes_of_set(set.id).map(|node| NodeStatView::of_data_node(sight, node)).collect(),
            data_node_selector: set.effective_data_node_selector().to_owned(),
            meta_node_selector: set.effective_meta_node_selector().to_owned(),
        }
    }
}
