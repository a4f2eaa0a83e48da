//! What a node can take (v3.5.3 topology-selection.md §6). Formulas over its record, its last report and its liveness.

use super::liveness::Liveness;
use super::placement::Fit;
use super::reports::{DataNodeReport, MetaNodeReport};
use super::rules::Rules;
use crate::limits::DATA_NODE_RESERVED;
use crate::model::{DataNode, MetaNode};

/// Meta partitions that no node may have more of, whatever its limit.
const META_PARTITIONS_PER_NODE_MAX: u32 = 10_000;

/// The data node is alive and has more than `size` bytes to give.
pub fn data_node_has_room(node: &DataNode, report: &DataNodeReport, liveness: Liveness, size: u64) -> bool {
    liveness.is_active() && !node.rd_only && report.available > size && report.total > report.used && report.total - report.used > size
}

/// The data node is alive and has the room that a data partition needs (`IsWriteAble` of the views).
pub fn data_node_writable(node: &DataNode, report: &DataNodeReport, liveness: Liveness) -> bool {
    data_node_has_room(node, report, liveness, DATA_NODE_RESERVED)
}

/// Data partitions that the node may have: its own limit or the cluster's.
pub fn data_partition_limit(node: &DataNode, rules: &Rules) -> u64 {
    or(node.max_dp_cnt_limit, rules.data_partitions_per_node)
}

/// The node is not over its limit of data partitions. At the limit counts as below, as in v3.5.3.
pub fn data_count_ok(node: &DataNode, report: &DataNodeReport, rules: &Rules) -> bool {
    u64::from(report.partition_count) <= data_partition_limit(node, rules)
}

/// Every disk of the node was taken out of service.
fn all_disks_decommissioned(node: &DataNode) -> bool {
    !node.all_disks.is_empty() && node.all_disks.iter().all(|disk| node.decommissioned_disks.contains(disk))
}

/// The node is being taken out of service, as a whole or disk by disk.
pub fn data_node_offline(node: &DataNode) -> bool {
    node.to_be_offline || all_disks_decommissioned(node)
}

/// `CanAllocPartition` of the views.
pub fn data_node_can_allocate(node: &DataNode, report: &DataNodeReport, liveness: Liveness, rules: &Rules) -> bool {
    data_node_writable(node, report, liveness) && !data_node_offline(node) && data_count_ok(node, report, rules)
}

/// Whether placement may use the data node.
pub fn data_node_fit(node: &DataNode, report: Option<&DataNodeReport>, liveness: Liveness, rules: &Rules) -> Fit {
    match (liveness, report) {
        (Liveness::Unknown, _) if !node.rd_only && !data_node_offline(node) => Fit::Presumed,
        (Liveness::Active, Some(report)) if data_node_writable(node, report, liveness) && data_count_ok(node, report, rules) => Fit::Yes,
        _ => Fit::No,
    }
}

/// The node uses more of its memory than the threshold.
pub fn meta_node_over_threshold(report: &MetaNodeReport, rules: &Rules) -> bool {
    report.ratio() > f64::from(rules.meta_threshold)
}

/// The meta node is alive and has memory to give (`IsWriteAble` of the views).
pub fn meta_node_writable(node: &MetaNode, report: &MetaNodeReport, liveness: Liveness, rules: &Rules) -> bool {
    liveness.is_active()
        && !node.rd_only
        && report.available() > rules.meta_node_reserved
        && !meta_node_over_threshold(report, rules)
        && report.partition_count < META_PARTITIONS_PER_NODE_MAX
}

/// Meta partitions that the node may have: its own limit or the cluster's.
pub fn meta_partition_limit(report: Option<&MetaNodeReport>, rules: &Rules) -> u64 {
    or(report.map_or(0, |r| r.partition_limit), rules.meta_partitions_per_node)
}

/// The node is not over its limit of meta partitions. At the limit counts as below, as in v3.5.3.
pub fn meta_count_ok(report: &MetaNodeReport, rules: &Rules) -> bool {
    u64::from(report.partition_count) <= meta_partition_limit(Some(report), rules)
}

/// `CanAllowPartition` of the views.
pub fn meta_node_can_allocate(node: &MetaNode, report: &MetaNodeReport, liveness: Liveness, rules: &Rules) -> bool {
    meta_node_writable(node, report, liveness, rules) && meta_count_ok(report, rules)
}

/// Whether placement may use the meta node.
pub fn meta_node_fit(node: &MetaNode, report: Option<&MetaNodeReport>, liveness: Liveness, rules: &Rules) -> Fit {
    let leaving = report.is_some_and(|r| r.to_be_offline);
    match (liveness, report) {
        (Liveness::Unknown, _) if !node.rd_only && !leaving => Fit::Presumed,
        (Liveness::Active, Some(report)) if meta_node_can_allocate(node, report, liveness, rules) => Fit::Yes,
        _ => Fit::No,
    }
}

fn or(own: u64, cluster: u64) -> u64 {
    if own == 0 {
        cluster
    } else {
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::GIB;

    fn data(total: u64, used: u64, available: u64) -> DataNodeReport {
        DataNodeReport { total: total * GIB, used: used * GIB, available: available * GIB, ..Default::default() }
    }

    #[test]
    fn a_data_node_needs_more_than_ten_gib_by_both_measures() {
        let node = DataNode::default();
        let writable = |r: &DataNodeReport| data_node_writable(&node, r, Liveness::Active);
        assert!(writable(&data(100, 0, 100)));
        assert!(!writable(&data(100, 0, 10)));
        assert!(!writable(&data(100, 90, 100)));
        assert!(!writable(&data(100, 101, 100)));
        assert!(!data_node_writable(&node, &data(100, 0, 100), Liveness::Inactive));
        assert!(!data_node_writable(&node, &data(100, 0, 100), Liveness::Unknown));
        assert!(!data_node_writable(&DataNode { rd_only: true, ..DataNode::default() }, &data(100, 0, 100), Liveness::Active));
    }

    #[test]
    fn a_count_at_the_limit_is_still_below() {
        let rules = Rules::default();
        let node = DataNode { max_dp_cnt_limit: 2, ..DataNode::default() };
        let with = |count| DataNodeReport { partition_count: count, ..data(100, 0, 100) };
        assert!(data_count_ok(&node, &with(2), &rules));
        assert!(!data_count_ok(&node, &with(3), &rules));
        assert!(data_count_ok(&DataNode::default(), &with(3000), &rules));
        assert!(!data_count_ok(&DataNode::default(), &with(3001), &rules));
    }

    #[test]
    fn a_node_whose_disks_all_left_is_offline() {
        let disks = |names: &[&str]| names.iter().map(|d| (*d).to_owned()).collect();
        let node =
            |all: &[&str], gone: &[&str]| DataNode { all_disks: disks(all), decommissioned_disks: disks(gone), ..Default::default() };
        assert!(!data_node_offline(&node(&[], &[])));
        assert!(!data_node_offline(&node(&["/a", "/b"], &["/a"])));
        assert!(data_node_offline(&node(&["/a", "/b"], &["/b", "/a", "/c"])));
        assert!(data_node_offline(&DataNode { to_be_offline: true, ..Default::default() }));
    }

    #[test]
    fn a_meta_node_is_writable_up_to_its_threshold() {
        let rules = Rules::default();
        let node = MetaNode::default();
        let with = |used| MetaNodeReport { total: 100 * GIB, used: used * GIB, ..Default::default() };
        assert!(meta_node_writable(&node, &with(75), Liveness::Active, &rules));
        assert!(!meta_node_writable(&node, &with(76), Liveness::Active, &rules));
        let loose = Rules { meta_threshold: 1.0, ..Rules::default() };
        assert!(!meta_node_writable(&node, &with(99), Liveness::Active, &loose), "the reserve of one GiB stays");
        assert!(!meta_node_writable(&node, &MetaNodeReport::default(), Liveness::Active, &rules), "nothing known is no room");
    }

    #[test]
    fn an_unheard_node_is_presumed_fit_unless_its_record_forbids_it() {
        let rules = Rules::default();
        assert_eq!(data_node_fit(&DataNode::default(), None, Liveness::Unknown, &rules), Fit::Presumed);
        assert_eq!(data_node_fit(&DataNode { rd_only: true, ..Default::default() }, None, Liveness::Unknown, &rules), Fit::No);
        assert_eq!(data_node_fit(&DataNode { to_be_offline: true, ..Default::default() }, None, Liveness::Unknown, &rules), Fit::No);
        assert_eq!(data_node_fit(&DataNode::default(), None, Liveness::Inactive, &rules), Fit::No);
        assert_eq!(meta_node_fit(&MetaNode::default(), None, Liveness::Unknown, &rules), Fit::Presumed);
        assert_eq!(meta_node_fit(&MetaNode { rd_only: true, ..Default::default() }, None, Liveness::Unknown, &rules), Fit::No);
    }
}
