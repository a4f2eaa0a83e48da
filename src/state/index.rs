//! Derived indexes: kept along with the tables, never stored. Each can be recounted from the tables.

use super::contents::Contents;
use super::tables::Any;
use super::State;
use crate::ids::{NodeId, NodeSetId, PartitionId, VolumeId};
use crate::model::{DataNode, DataPartition, DecommissionStatus, FlashNode, MetaNode, MetaPartition, NodeSet, User, Volume};
use imbl::{OrdMap, OrdSet};
use std::sync::Arc;

/// The ids under one text, ascending; one, as a rule.
type ByText<Id> = OrdMap<Arc<str>, Vec<Id>>;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Indexes {
    volumes_by_name: ByText<VolumeId>,
    data_nodes_by_addr: ByText<NodeId>,
    meta_nodes_by_addr: ByText<NodeId>,
    flash_nodes_by_addr: ByText<NodeId>,
    node_sets_by_zone: ByText<NodeSetId>,
    data_nodes_by_set: OrdSet<(NodeSetId, NodeId)>,
    meta_nodes_by_set: OrdSet<(NodeSetId, NodeId)>,
    flash_nodes_by_group: OrdSet<(u64, NodeId)>,
    data_partitions_by_volume: OrdSet<(VolumeId, PartitionId)>,
    /// With the first inode.
    meta_partitions_by_volume: OrdSet<(VolumeId, u64, PartitionId)>,
    data_partitions_by_host: OrdMap<Arc<str>, OrdSet<PartitionId>>,
    meta_partitions_by_host: OrdMap<Arc<str>, OrdSet<PartitionId>>,
    /// Of a decommission that was asked for and not forgotten, by the node that is left; without one: a replica that is added.
    data_partitions_by_source: OrdSet<(Arc<str>, PartitionId)>,
}

/// The node that a decommission takes a replica off, if the record has one.
fn source(partition: &DataPartition) -> Option<&str> {
    let source = partition.decommission_src_addr.as_str();
    (!source.is_empty() || partition.decommission_status != DecommissionStatus::INITIAL).then_some(source)
}

fn in_text<Id: Copy + Ord>(index: &mut ByText<Id>, text: &str, id: Id, present: bool) {
    match index.get_mut(text) {
        Some(ids) => match (ids.binary_search(&id), present) {
            (Err(at), true) => ids.insert(at, id),
            (Ok(at), false) => {
                ids.remove(at);
                if ids.is_empty() {
                    index.remove(text);
                }
            }
            _ => {}
        },
        None if present => {
            index.insert(text.into(), vec![id]);
        }
        None => {}
    }
}

fn in_set<T: Ord + Clone>(index: &mut OrdSet<T>, item: T, present: bool) {
    if present {
        index.insert(item);
    } else {
        index.remove(&item);
    }
}

fn in_hosts(index: &mut OrdMap<Arc<str>, OrdSet<PartitionId>>, hosts: &[String], id: PartitionId, present: bool) {
    for host in hosts {
        match index.get_mut(host.as_str()) {
            Some(ids) => {
                in_set(ids, id, present);
                if ids.is_empty() {
                    index.remove(host.as_str());
                }
            }
            None if present => {
                index.insert(host.as_str().into(), OrdSet::unit(id));
            }
            None => {}
        }
    }
}

impl Indexes {
    /// From scratch.
    pub(super) fn of(contents: &Contents) -> Self {
        let mut indexes = Self::default();
        Any::each(contents, |record| indexes.note(&record, true));
        indexes
    }

    /// A record became another (or came, or went).
    pub(super) fn change(&mut self, old: Option<&Any>, new: Option<&Any>) {
        // Most rewrites of a partition leave it where it is.
        match (old, new) {
            (Some(Any::DataPartition(old)), Some(Any::DataPartition(new)))
                if old.hosts == new.hosts && old.vol_id == new.vol_id && source(old) == source(new) =>
            {
                return
            }
            (Some(Any::MetaPartition(old)), Some(Any::MetaPartition(new)))
                if old.hosts == new.hosts && (old.vol_id, old.start) == (new.vol_id, new.start) =>
            {
                return
            }
            _ => {}
        }
        if let Some(old) = old {
            self.note(old, false);
        }
        if let Some(new) = new {
            self.note(new, true);
        }
    }

    fn note(&mut self, record: &Any, present: bool) {
        match record {
            Any::Volume(volume) => in_text(&mut self.volumes_by_name, &volume.name, volume.id, present),
            Any::DataNode(node) => {
                in_text(&mut self.data_nodes_by_addr, &node.addr, node.id, present);
                in_set(&mut self.data_nodes_by_set, (node.node_set_id, node.id), present);
            }
            Any::MetaNode(node) => {
                in_text(&mut self.meta_nodes_by_addr, &node.addr, node.id, present);
                in_set(&mut self.meta_nodes_by_set, (node.node_set_id, node.id), present);
            }
            Any::FlashNode(node) => {
                in_text(&mut self.flash_nodes_by_addr, &node.addr, node.id, present);
                in_set(&mut self.flash_nodes_by_group, (node.flash_group_id, node.id), present);
            }
            Any::NodeSet(set) => in_text(&mut self.node_sets_by_zone, set.effective_zone_name(), set.id, present),
            Any::DataPartition(partition) => {
                in_set(&mut self.data_partitions_by_volume, (partition.vol_id, partition.partition_id), present);
                in_hosts(&mut self.data_partitions_by_host, &partition.hosts, partition.partition_id, present);
                if let Some(source) = source(partition) {
                    in_set(&mut self.data_partitions_by_source, (source.into(), partition.partition_id), present);
                }
            }
            Any::MetaPartition(partition) => {
                in_set(&mut self.meta_partitions_by_volume, (partition.vol_id, partition.start, partition.partition_id), present);
                in_hosts(&mut self.meta_partitions_by_host, &partition.hosts, partition.partition_id, present);
            }
            _ => {}
        }
    }
}

const FIRST: u64 = u64::MIN;
const LAST: u64 = u64::MAX;

/// Look-ups by index. Records come in the order of their ids where nothing else is said.
impl State {
    /// Of several with one name, that with the highest id, as in v3.5.3 (state-machine.md §6.8).
    pub fn volume_by_name(&self, name: &str) -> Option<&Arc<Volume>> {
        self.volumes.get(self.indexes.volumes_by_name.get(name)?.last()?)
    }

    /// Of several with one address, that with the lowest id, as in v3.5.3 (§6.6).
    pub fn data_node_by_addr(&self, addr: &str) -> Option<&Arc<DataNode>> {
        self.data_nodes.get(self.indexes.data_nodes_by_addr.get(addr)?.first()?)
    }

    /// Of several with one address, that with the lowest id.
    pub fn meta_node_by_addr(&self, addr: &str) -> Option<&Arc<MetaNode>> {
        self.meta_nodes.get(self.indexes.meta_nodes_by_addr.get(addr)?.first()?)
    }

    /// Of several with one address, that with the lowest id.
    pub fn flash_node_by_addr(&self, addr: &str) -> Option<&Arc<FlashNode>> {
        self.flash_nodes.get(self.indexes.flash_nodes_by_addr.get(addr)?.first()?)
    }

    /// The user whose access key it is.
    pub fn user_by_access_key(&self, access_key: &str) -> Option<&Arc<User>> {
        self.users.get(&self.access_keys.get(access_key)?.user_id)
    }

    /// Data partitions of a volume.
    pub fn data_partitions_of_volume(&self, volume: VolumeId) -> impl DoubleEndedIterator<Item = &Arc<DataPartition>> {
        let ids = self.indexes.data_partitions_by_volume.range((volume, PartitionId(FIRST))..=(volume, PartitionId(LAST)));
        ids.filter_map(|(_, id)| self.data_partitions.get(id))
    }

    /// Meta partitions of a volume, by first inode.
    pub fn meta_partitions_of_volume(&self, volume: VolumeId) -> impl DoubleEndedIterator<Item = &Arc<MetaPartition>> {
        let ids = self.indexes.meta_partitions_by_volume.range((volume, FIRST, PartitionId(FIRST))..=(volume, LAST, PartitionId(LAST)));
        ids.filter_map(|(_, _, id)| self.meta_partitions.get(id))
    }

    /// Data partitions with a replica on this node.
    pub fn data_partitions_on(&self, addr: &str) -> impl DoubleEndedIterator<Item = &Arc<DataPartition>> {
        let ids = self.indexes.data_partitions_by_host.get(addr).into_iter().flatten();
        ids.filter_map(|id| self.data_partitions.get(id))
    }

    /// Meta partitions with a replica on this node.
    pub fn meta_partitions_on(&self, addr: &str) -> impl DoubleEndedIterator<Item = &Arc<MetaPartition>> {
        let ids = self.indexes.meta_partitions_by_host.get(addr).into_iter().flatten();
        ids.filter_map(|id| self.meta_partitions.get(id))
    }

    /// Data partitions whose record tells of a decommission from this node.
    pub fn data_partitions_leaving(&self, addr: &str) -> impl DoubleEndedIterator<Item = &Arc<DataPartition>> {
        let addr: Arc<str> = addr.into();
        let ids = self.indexes.data_partitions_by_source.range((addr.clone(), PartitionId(FIRST))..=(addr, PartitionId(LAST)));
        ids.filter_map(|(_, id)| self.data_partitions.get(id))
    }

    /// Data partitions whose record tells of a decommission, or of a replica that is added, by the node that is left.
    pub fn data_partitions_marked(&self) -> impl DoubleEndedIterator<Item = &Arc<DataPartition>> {
        self.indexes.data_partitions_by_source.iter().filter_map(|(_, id)| self.data_partitions.get(id))
    }

    /// Number of data partitions with a replica on this node.
    pub fn data_partition_count_on(&self, addr: &str) -> usize {
        self.indexes.data_partitions_by_host.get(addr).map_or(0, OrdSet::len)
    }

    /// Number of meta partitions with a replica on this node.
    pub fn meta_partition_count_on(&self, addr: &str) -> usize {
        self.indexes.meta_partitions_by_host.get(addr).map_or(0, OrdSet::len)
    }

    /// Node sets of a zone.
    pub fn node_sets_of_zone(&self, zone: &str) -> impl DoubleEndedIterator<Item = &Arc<NodeSet>> {
        let ids = self.indexes.node_sets_by_zone.get(zone).into_iter().flatten();
        ids.filter_map(|id| self.node_sets.get(id))
    }

    /// Zones that have node sets, by name.
    pub fn zone_names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.indexes.node_sets_by_zone.keys().map(|name| &**name)
    }

    /// Data nodes of a node set.
    pub fn data_nodes_of_set(&self, set: NodeSetId) -> impl DoubleEndedIterator<Item = &Arc<DataNode>> {
        let ids = self.indexes.data_nodes_by_set.range((set, NodeId(FIRST))..=(set, NodeId(LAST)));
        ids.filter_map(|(_, id)| self.data_nodes.get(id))
    }

    /// Meta nodes of a node set.
    pub fn meta_nodes_of_set(&self, set: NodeSetId) -> impl DoubleEndedIterator<Item = &Arc<MetaNode>> {
        let ids = self.indexes.meta_nodes_by_set.range((set, NodeId(FIRST))..=(set, NodeId(LAST)));
        ids.filter_map(|(_, id)| self.meta_nodes.get(id))
    }

    /// Flash nodes of a flash group; group 0 are the nodes in none.
    pub fn flash_nodes_of_group(&self, group: u64) -> impl DoubleEndedIterator<Item = &Arc<FlashNode>> {
        let ids = self.indexes.flash_nodes_by_group.range((group, NodeId(FIRST))..=(group, NodeId(LAST)));
        ids.filter_map(|(_, id)| self.flash_nodes.get(id))
    }
}
