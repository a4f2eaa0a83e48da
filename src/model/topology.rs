//! Where nodes stand: zones, node sets, and the groups of node sets that fault domains are made of (v3.5.3
//! state-machine.md §6.2 to §6.5).

use super::codes::{GroupStatus, MediaType};
use super::key::Key;
use super::record::{record, JsonRecord};
use crate::ids::NodeSetId;
use crate::wire::gojson::List;
use std::collections::BTreeMap;

/// The zone of what names none.
pub const DEFAULT_ZONE: &str = "default";
/// How a new node set chooses among its nodes.
pub const DEFAULT_NODE_SELECTOR: &str = "CarryWeight";
/// How a new zone chooses among its node sets.
pub const DEFAULT_NODE_SET_SELECTOR: &str = "RoundRobin";
/// A node set with a smaller stored capacity has that of the configuration.
pub const NODE_SET_CAPACITY_MIN: u64 = 3;

/// `name`, or the default zone when it is empty.
pub fn zone_or_default(name: &str) -> &str {
    or(name, DEFAULT_ZONE)
}

fn or<'a>(text: &'a str, default: &'a str) -> &'a str {
    if text.is_empty() {
        default
    } else {
        text
    }
}

record! {
    /// `#s#<id>`: nodes among which the replicas of a partition are placed.
    pub struct NodeSet {
        id: NodeSetId = "ID";
        /// Nodes of each kind.
        capacity: u64 = "Capacity";
        zone_name: String = "ZoneName";
        data_node_selector: String = "DataNodeSelector";
        meta_node_selector: String = "MetaNodeSelector";
    }
}

impl JsonRecord for NodeSet {
    fn place(&self) -> Key {
        Key::NodeSet(self.id)
    }
}

impl NodeSet {
    /// A new node set.
    pub fn new(id: NodeSetId, capacity: u64, zone_name: impl Into<String>) -> Self {
        Self {
            id,
            capacity,
            zone_name: zone_name.into(),
            data_node_selector: DEFAULT_NODE_SELECTOR.into(),
            meta_node_selector: DEFAULT_NODE_SELECTOR.into(),
            ..Self::default()
        }
    }

    /// The zone; empty means `default`.
    pub fn effective_zone_name(&self) -> &str {
        zone_or_default(&self.zone_name)
    }

    /// The capacity; less than 3 means that of the configuration (`nodeSetCap`).
    pub fn effective_capacity(&self, configured: u64) -> u64 {
        if self.capacity < NODE_SET_CAPACITY_MIN {
            configured
        } else {
            self.capacity
        }
    }

    /// How data nodes are chosen; empty means the default.
    pub fn effective_data_node_selector(&self) -> &str {
        or(&self.data_node_selector, DEFAULT_NODE_SELECTOR)
    }

    /// How meta nodes are chosen; empty means the default.
    pub fn effective_meta_node_selector(&self) -> &str {
        or(&self.meta_node_selector, DEFAULT_NODE_SELECTOR)
    }
}

record! {
    /// `#g#<id>`: node sets of different zones that together hold the replicas of a partition.
    pub struct NodeSetGroup {
        domain_id: u64 = "DomainId";
        id: u64 = "ID";
        node_sets_ids: List<NodeSetId> = "NodeSetsIds";
        status: GroupStatus = "Status";
    }
}

impl JsonRecord for NodeSetGroup {
    fn place(&self) -> Key {
        Key::NodeSetGroup(self.id)
    }
}

record! {
    /// `#zoneDomain#`: which zones stay outside fault domains, and when the domains are used.
    pub struct ZoneDomain {
        /// A set: the values are always 0.
        exclude_zone_map: BTreeMap<String, i64> = "ExcludeZoneMap";
        need_fault_domain: bool = "NeedFaultDomain";
        data_ratio: f64 = "DataRatio";
        domain_zone_name_2_id_map: BTreeMap<String, u64> = "DomainZoneName2IdMap";
        exclude_zone_use_ratio: f64 = "ExcludeZoneUseRatio";
    }
}

impl JsonRecord for ZoneDomain {
    fn place(&self) -> Key {
        Key::ZoneDomain
    }
}

impl ZoneDomain {
    /// Both ratios when they are not set.
    pub const RATIO_DEFAULT: f64 = 0.9;

    /// No zone excluded, default ratios.
    pub fn new() -> Self {
        Self { data_ratio: Self::RATIO_DEFAULT, exclude_zone_use_ratio: Self::RATIO_DEFAULT, ..Self::default() }
    }

    /// Share of a group's data space in use above which it takes no more.
    pub fn effective_data_ratio(&self) -> f64 {
        if self.data_ratio <= 0.0 {
            Self::RATIO_DEFAULT
        } else {
            self.data_ratio
        }
    }

    /// Share of an excluded zone's space in use above which it takes no more.
    pub fn effective_exclude_zone_use_ratio(&self) -> f64 {
        if self.exclude_zone_use_ratio > 0.0 && self.exclude_zone_use_ratio <= 1.0 {
            self.exclude_zone_use_ratio
        } else {
            Self::RATIO_DEFAULT
        }
    }
}

record! {
    /// `#zone#<name>`: settings of a zone. A zone may exist without: by its node sets.
    pub struct Zone {
        name: String = "Name";
        qos_iops_r_limit: u64 = "QosIopsRLimit";
        qos_iops_w_limit: u64 = "QosIopsWLimit";
        qos_flow_r_limit: u64 = "QosFlowRLimit";
        qos_flow_w_limit: u64 = "QosFlowWLimit";
        data_nodeset_selector: String = "DataNodesetSelector";
        meta_nodeset_selector: String = "MetaNodesetSelector";
        data_media_type: MediaType = "DataMediaType";
    }
}

impl JsonRecord for Zone {
    fn place(&self) -> Key {
        Key::Zone(zone_or_default(&self.name).to_owned())
    }
}

impl Zone {
    /// A zone without limits.
    pub fn new(name: impl Into<String>, data_media_type: MediaType) -> Self {
        Self {
            name: name.into(),
            data_nodeset_selector: DEFAULT_NODE_SET_SELECTOR.into(),
            meta_nodeset_selector: DEFAULT_NODE_SET_SELECTOR.into(),
            data_media_type,
            ..Self::default()
        }
    }

    /// How node sets are chosen for data; empty means the default.
    pub fn effective_data_nodeset_selector(&self) -> &str {
        or(&self.data_nodeset_selector, DEFAULT_NODE_SET_SELECTOR)
    }

    /// How node sets are chosen for metadata; empty means the default.
    pub fn effective_meta_nodeset_selector(&self) -> &str {
        or(&self.meta_nodeset_selector, DEFAULT_NODE_SET_SELECTOR)
    }

    /// The disks of the zone's data nodes; not valid means the cluster's legacy media type.
    pub fn effective_media_type(&self, legacy: MediaType) -> MediaType {
        if self.data_media_type.is_valid() {
            self.data_media_type
        } else {
            legacy
        }
    }
}
