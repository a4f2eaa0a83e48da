//! Operation counters that data nodes put into their heartbeats, seen from several sides (v3.5.3 http-cluster-volume.md §1.6).

use super::sight::Sight;
use crate::ids::PartitionId;
use crate::plan::reports::DataNodeReport;
use crate::wire::gojson::List;
use crate::wire::report::OpLog;
use serde::Serialize;
use std::collections::BTreeMap;

/// Reply of `/admin/getOpLog`: only the member of the asked dimension is filled.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct OpLogView {
    pub dp_op_logs: List<OpLog>,
    pub disk_op_logs: List<OpLog>,
    pub cluster_op_logs: List<OpLog>,
    pub vol_op_logs: List<OpLog>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question<'a> {
    pub dimension: &'a str,
    pub addr: &'a str,
    pub partition: &'a str,
    pub disk: &'a str,
    pub volume: &'a str,
}

/// The counters of one dimension; `None` for a dimension that there is not. What cannot be found gives what there was before it.
pub fn of(sight: &Sight<'_>, question: &Question<'_>) -> Option<OpLogView> {
    let sorted = |mut logs: Vec<OpLog>| {
        logs.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| (&a.name, &a.op).cmp(&(&b.name, &b.op))));
        logs.into_iter().collect::<List<OpLog>>()
    };
    let mut view = OpLogView::default();
    match question.dimension {
        "dpop" => view.dp_op_logs = sorted(of_partitions(sight, question)),
        "diskop" => view.disk_op_logs = sorted(of_disks(sight, question)),
        "datanodeop" => view.cluster_op_logs = sorted(of_nodes(sight)),
        "volop" => view.vol_op_logs = sorted(of_volume(sight, question.volume)),
        _ => return None,
    }
    Some(view)
}

/// The name of a partition's counter: `<a>_<partition>_<operation>`.
struct Name<'a> {
    first: &'a str,
    partition: &'a str,
    operation: &'a str,
}

impl<'a> Name<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        let mut parts = name.split('_');
        Some(Self { first: parts.next()?, partition: parts.next()?, operation: parts.next()? })
    }

    fn log(&self, count: i32) -> OpLog {
        OpLog { name: format!("{}_{}", self.first, self.partition), op: self.operation.to_owned(), count }
    }
}

fn nodes<'a>(sight: &Sight<'a>) -> impl Iterator<Item = (&'a str, &'a DataNodeReport)> {
    let sight = *sight;
    sight.state.data_nodes.values().map(move |node| (node.addr.as_str(), sight.data_node(&node.addr)))
}

fn of_partitions(sight: &Sight<'_>, question: &Question<'_>) -> Vec<OpLog> {
    if !question.addr.is_empty() {
        let logs = sight.reports.data_node(question.addr).map_or(&List::NIL, |node| &node.partition_op_logs);
        return logs.iter().filter_map(|log| Some(Name::parse(&log.name)?.log(log.count))).collect();
    }
    if !question.partition.is_empty() {
        let id = question.partition.parse().map(PartitionId);
        let Some(partition) = id.ok().and_then(|id| sight.state.data_partitions.get(&id)) else { return Vec::new() };
        let mut found = Vec::new();
        for host in &partition.hosts {
            for log in sight.data_node(host).partition_op_logs.iter() {
                if let Some(name) = Name::parse(&log.name).filter(|name| name.partition == question.partition) {
                    let log = name.log(log.count);
                    found.push(OpLog { name: format!("{} [{host}]", log.name), ..log });
                }
            }
        }
        return found;
    }
    let mut most: BTreeMap<&str, i32> = BTreeMap::new();
    for (_, node) in nodes(sight) {
        for log in node.partition_op_logs.iter() {
            let count = most.entry(&log.name).or_insert(log.count);
            *count = log.count.max(*count);
        }
    }
    most.iter().filter_map(|(name, count)| Some(Name::parse(name)?.log(*count))).collect()
}

fn of_disks(sight: &Sight<'_>, question: &Question<'_>) -> Vec<OpLog> {
    if question.addr.is_empty() {
        let all = nodes(sight).flat_map(|(addr, node)| {
            node.disk_op_logs.iter().map(move |log| OpLog { name: format!("{} [{addr}]", log.name), ..log.clone() })
        });
        return all.collect();
    }
    let Some(node) = sight.reports.data_node(question.addr) else { return Vec::new() };
    if question.disk.is_empty() {
        return node.disk_op_logs.to_vec();
    }
    let mut found = Vec::new();
    for log in node.partition_op_logs.iter() {
        let Some(name) = Name::parse(&log.name) else { continue };
        let id = name.partition.parse().map(PartitionId);
        let Some(reported) = id.ok().and_then(|id| sight.reports.data_partition(id)) else { break };
        if reported.replica(question.addr).is_some_and(|replica| *replica.disk == *question.disk) {
            found.push(log.clone());
        }
    }
    found
}

fn of_nodes(sight: &Sight<'_>) -> Vec<OpLog> {
    let mut found = Vec::new();
    for (addr, node) in nodes(sight) {
        let mut sums: BTreeMap<&str, i32> = BTreeMap::new();
        for log in node.disk_op_logs.iter() {
            let sum = sums.entry(&log.op).or_default();
            *sum = sum.saturating_add(log.count);
        }
        found.extend(sums.into_iter().map(|(op, count)| OpLog { name: addr.to_owned(), op: op.to_owned(), count }));
    }
    found
}

fn of_volume(sight: &Sight<'_>, volume: &str) -> Vec<OpLog> {
    let Some(volume) = sight.state.volume_by_name(volume) else { return Vec::new() };
    let mut most: BTreeMap<(&str, &str), i32> = BTreeMap::new();
    for (_, node) in nodes(sight) {
        for log in node.partition_op_logs.iter() {
            let Some(name) = Name::parse(&log.name) else { continue };
            let id = name.partition.parse().map(PartitionId);
            let partition = id.ok().and_then(|id| sight.state.data_partitions.get(&id));
            if partition.is_some_and(|partition| partition.vol_id == volume.id) {
                let count = most.entry((name.partition, name.operation)).or_insert(log.count);
                *count = log.count.max(*count);
            }
        }
    }
    let log = |((partition, op), count): ((&str, &str), i32)| OpLog { name: partition.to_owned(), op: op.to_owned(), count };
    most.into_iter().map(log).collect()
}
