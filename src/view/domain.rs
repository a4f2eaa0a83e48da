//! Fault domains as replies show them (v3.5.3 http-types.md: DomainNodeSetGrpInfoList, SimpleNodeSetGrpInfo).

use super::node::{DataNodeInfo, MetaNodeInfo};
use super::sight::Sight;
use crate::ids::NodeSetId;
use crate::model::{NodeSet, NodeSetGroup, PartitionKind, ZoneDomain};
use crate::plan::placement::{domain, Selectors};
use crate::wire::gojson::List;
use serde::Serialize;
use std::collections::BTreeMap;

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
    pub capacity: u64,
    pub data_use_ratio: f64,
    pub meta_use_ratio: f64,
    pub meta_used: u64,
    pub meta_total: u64,
    pub meta_nodes: List<MetaNodeInfo>,
    pub data_used: u64,
    pub data_total: u64,
    pub data_nodes: List<DataNodeInfo>,
}

/// The domain that always is there.
const FIRST_DOMAIN: u64 = 0;

impl DomainNodeSetGrpInfoList {
    /// All domains with their groups. `capacity` is that of a node set which says none.
    pub fn of(sight: &Sight<'_>, selectors: &Selectors, capacity: u64) -> Self {
        let rules = sight.rules;
        let domain = sight.state.zone_domain.as_deref().cloned().unwrap_or_else(ZoneDomain::new);
        let mut by_domain: BTreeMap<u64, Vec<SimpleNodeSetGrpInfo>> = BTreeMap::new();
        if rules.fault_domain {
            by_domain.entry(FIRST_DOMAIN).or_default();
        }
        for group in sight.state.node_set_groups.values() {
            by_domain.entry(group.domain_id).or_default().push(SimpleNodeSetGrpInfo::of(sight, group, selectors, capacity));
        }
        let listed = |(domain_id, groups): (u64, Vec<_>)| SimpleNodeSetGrpInfoList {
            domain_id,
            status: domain::domain_status(&sight.scene(), sight.reports, domain_id).0,
            simple_node_set_grp_info: groups.into_iter().collect(),
        };
        Self {
            domain_on: rules.fault_domain,
            data_ratio_limit: domain.effective_data_ratio(),
            zone_exclude_ratio_limit: domain.effective_exclude_zone_use_ratio(),
            need_domain: rules.fault_domain && domain.need_fault_domain,
            exclude_zones: domain.exclude_zone_map.keys().cloned().collect(),
            domain_node_set_grp_info: by_domain.into_iter().map(listed).collect(),
        }
    }
}

impl SimpleNodeSetGrpInfo {
    /// A group with its node sets.
    pub fn of(sight: &Sight<'_>, group: &NodeSetGroup, selectors: &Selectors, capacity: u64) -> Self {
        let sets = group.node_sets_ids.iter().filter_map(|id| sight.state.node_sets.get(id));
        Self {
            id: group.id,
            status: domain::group_status(&sight.scene(), sight.reports, group).0,
            node_set_info: sets.map(|set| NodeSetInfo::of(sight, set, selectors, capacity)).collect(),
        }
    }
}

/// Two decimals, as v3.5.3 rounds them; NaN for nothing of nothing.
fn ratio(used: u64, total: u64) -> f64 {
    (used as f64 / total as f64 * 100.0).round() / 100.0
}

impl NodeSetInfo {
    fn of(sight: &Sight<'_>, set: &NodeSet, selectors: &Selectors, capacity: u64) -> Self {
        let data = Self::data_nodes(sight, set.id, selectors);
        let meta = Self::meta_nodes(sight, set.id, selectors);
        // A node that cannot be written counts as full.
        let used = |node: &DataNodeInfo| if node.is_write_able { node.used_weight } else { node.total_weight };
        let (data_used, data_total) = (data.iter().map(used).sum(), data.iter().map(|node| node.total_weight).sum());
        let (meta_used, meta_total) = (meta.iter().map(|node| node.used_weight).sum(), meta.iter().map(|node| node.total_weight).sum());
        Self {
            id: set.id.0,
            zone_name: set.effective_zone_name().to_owned(),
            capacity: set.effective_capacity(capacity),
            data_use_ratio: ratio(data_used, data_total),
            meta_use_ratio: ratio(meta_used, meta_total),
            meta_used,
            meta_total,
            meta_nodes: meta.into_iter().collect(),
            data_used,
            data_total,
            data_nodes: data.into_iter().collect(),
        }
    }

    fn data_nodes(sight: &Sight<'_>, set: NodeSetId, selectors: &Selectors) -> Vec<DataNodeInfo> {
        let brief = |full: DataNodeInfo| DataNodeInfo {
            total_weight: full.total_weight,
            used_weight: full.used_weight,
            available_space: full.available_space,
            id: full.id,
            zone: full.zone,
            addr: full.addr,
            report_time: full.report_time,
            is_active: full.is_active,
            is_write_able: full.is_write_able,
            usage_ratio: full.usage_ratio,
            selected_times: full.selected_times,
            data_partition_count: full.data_partition_count,
            node_set_id: full.node_set_id,
            max_dp_cnt_limit: full.max_dp_cnt_limit,
            ..DataNodeInfo::default()
        };
        let nodes = sight.state.data_nodes_of_set(set);
        nodes.map(|node| brief(DataNodeInfo::of(sight, node, false, selectors.times_chosen(PartitionKind::Data, &node.addr)))).collect()
    }

    fn meta_nodes(sight: &Sight<'_>, set: NodeSetId, selectors: &Selectors) -> Vec<MetaNodeInfo> {
        let brief = |full: MetaNodeInfo| MetaNodeInfo {
            raft_heartbeat_port: String::new(),
            raft_replica_port: String::new(),
            persistence_meta_partitions: List::NIL,
            can_allow_partition: false,
            rd_only: false,
            cpu_util: 0.0,
            ..full
        };
        let nodes = sight.state.meta_nodes_of_set(set);
        nodes.map(|node| brief(MetaNodeInfo::of(sight, node, selectors.times_chosen(PartitionKind::Meta, &node.addr)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{GroupStatus, MediaType};
    use crate::plan::world::World;
    use time::UtcOffset;

    #[test]
    fn a_group_and_its_domain_are_shown_with_what_they_lack_now() {
        let mut world = World::new();
        world.rules.fault_domain = true;
        for set in 1..=3 {
            world.zone(&format!("z{set}"), MediaType::SSD, set, 1, 1);
        }
        let sets = [1, 2, 3].map(NodeSetId).to_vec();
        world.put(NodeSetGroup { id: 11, node_sets_ids: sets.into(), status: GroupStatus::NORMAL, ..Default::default() });
        world.hear_all();
        let statuses = |world: &World| {
            let sight = Sight::new(world.scene(), &world.reports, UtcOffset::UTC);
            let list = DomainNodeSetGrpInfoList::of(&sight, &Selectors::default(), 18);
            let domain = list.domain_node_set_grp_info.iter().next().cloned().unwrap_or_default();
            (domain.status, domain.simple_node_set_grp_info.iter().map(|group| group.status).collect::<Vec<_>>())
        };
        assert_eq!(statuses(&world), (0, vec![0]));
        world.pass(60);
        assert_eq!(statuses(&world), (1, vec![1]));
    }
}
