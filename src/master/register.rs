//! Registering data nodes and meta nodes (v3.5.3 topology-selection.md §3, http-partitions-nodes.md §1).
//!
//! The seven steps (refuse a known address with other properties, allocate the id, persist the node, persist the node set, topology, node
//! set group, index) are one transaction: what was not committed has not happened, so nothing is left behind by a failure.

use super::Master;
use crate::ids::{NodeId, NodeSetId};
use crate::model::topology::zone_or_default;
use crate::model::{Counter, DataNode, MediaType, MetaNode, NodeSet, Zone};
use crate::mutants::mutant;
use crate::plan::node_set::{choose_for_data_node, choose_for_meta_node, sets_to_make};
use crate::plan::scene::Scene;
use crate::state::{State, Txn};
use crate::wire::reply::Fault;

/// What a node says of itself when it registers.
#[derive(Clone, Debug, Default)]
pub struct Registration {
    /// `ip:port` of the node's administration port.
    pub addr: String,
    pub heartbeat_port: String,
    pub replica_port: String,
    /// Empty: `default`.
    pub zone: String,
    /// 0: any node set of the zone with room.
    pub node_set: u64,
    /// Unspecified: the cluster's legacy type. Meta nodes have none.
    pub media_type: MediaType,
}

impl Registration {
    fn has_ports(&self) -> bool {
        !self.heartbeat_port.is_empty() && !self.replica_port.is_empty()
    }
}

impl Master {
    /// Registers a data node and returns its id; a known address gets its id back (v3.5.3 topology-selection.md §3.1).
    ///
    /// # Errors
    /// The texts of v3.5.3 for a changed zone, media type or node set, a missing media type or port, an unknown node set.
    pub async fn register_data_node(&self, mut r: Registration) -> Result<NodeId, Fault> {
        r.zone = zone_or_default(&r.zone).to_owned();
        let id = self
            .commit("register data node", |state, txn| {
                let media = r.media_type.or_legacy(state.settings.legacy_data_media_type);
                if !media.is_valid() {
                    return Err(Fault::internal(format!(
                        "invalid mediaType({}) in req when adding datanode({}), and cluster LegacyDataMediaType not set",
                        r.media_type.0, r.addr
                    )));
                }
                if let Some(node) = txn.data_node_by_addr(&r.addr) {
                    let mut node = (*node).clone();
                    if r.node_set > 0 && r.node_set != node.node_set_id.0 {
                        return Err(Fault::internal(format!("addr already in nodeset [{}]", r.addr)));
                    }
                    if r.zone != node.zone_name {
                        return Err(Fault::internal(format!("zoneName not equalt old, new {}, old {}", r.zone, node.zone_name)));
                    }
                    if media != node.media_type {
                        return Err(Fault::internal(format!("mediaType not equalt old, new {}, old {}", media.0, node.media_type.0)));
                    }
                    if r.has_ports() && (node.heartbeat_port.is_empty() || node.replica_port.is_empty()) {
                        node.heartbeat_port = r.heartbeat_port.clone();
                        node.replica_port = r.replica_port.clone();
                        txn.put(node.clone());
                    }
                    return Ok(node.id);
                }
                self.ports_needed(&r, "datanode", "datanode")?;
                let zone = txn.zone(&r.zone).map_or_else(|| Zone::new(&r.zone, MediaType::UNSPECIFIED), |z| (*z).clone());
                if !zone.data_media_type.is_valid() {
                    txn.put(Zone { data_media_type: media, ..zone });
                } else if zone.data_media_type != media {
                    return Err(Fault::internal(format!("zone mediaType not equalt old, new {}, old {}", media.0, zone.data_media_type.0)));
                }
                let rules = self.rules_of(state);
                let set = match r.node_set {
                    0 => choose_for_data_node(&self.scene(state, &rules), &r.zone),
                    wanted => Some(self.given_set(state, &r.zone, wanted)?),
                };
                let set = self.take_or_make_set(&self.scene(state, &rules), txn, &r.zone, set);
                let id = NodeId(txn.alloc(Counter::Common));
                let (heartbeat_port, replica_port) = (r.heartbeat_port.clone(), r.replica_port.clone());
                txn.put(DataNode { heartbeat_port, replica_port, ..DataNode::new(id, &r.addr, &r.zone, set, media) });
                Ok(id)
            })
            .await?;
        self.live().reports.data_node_registered(&r.addr, self.env.wall().secs());
        self.greet_data_node(&r.addr);
        Ok(id)
    }

    /// Registers a meta node and returns its id; a known address gets its id back (v3.5.3 topology-selection.md §3.2).
    ///
    /// # Errors
    /// As [`Master::register_data_node`], without media types; the zone of a known node is not compared.
    pub async fn register_meta_node(&self, mut r: Registration) -> Result<NodeId, Fault> {
        r.zone = zone_or_default(&r.zone).to_owned();
        let id = self
            .commit("register meta node", |state, txn| {
                if let Some(node) = txn.meta_node_by_addr(&r.addr).filter(|_| !mutant!("known node gets a new id")) {
                    let mut node = (*node).clone();
                    // v3.5.3 compares the node set asked for with the node's own id here; clients rely on the refusal.
                    if r.node_set > 0 && r.node_set != node.id.0 {
                        return Err(Fault::internal(format!("addr already in nodeset [{}]", r.addr)));
                    }
                    if r.has_ports() && (node.heartbeat_port.is_empty() || node.replica_port.is_empty()) {
                        node.heartbeat_port = r.heartbeat_port.clone();
                        node.replica_port = r.replica_port.clone();
                        txn.put(node.clone());
                    }
                    return Ok(node.id);
                }
                self.ports_needed(&r, "metanode", "metanode")?;
                let rules = self.rules_of(state);
                let set = match r.node_set {
                    0 => choose_for_meta_node(&self.scene(state, &rules), &r.zone),
                    wanted => Some(self.given_set(state, &r.zone, wanted)?),
                };
                let set = self.take_or_make_set(&self.scene(state, &rules), txn, &r.zone, set);
                let id = NodeId(txn.alloc(Counter::Common));
                let (heartbeat_port, replica_port) = (r.heartbeat_port.clone(), r.replica_port.clone());
                txn.put(MetaNode { heartbeat_port, replica_port, ..MetaNode::new(id, &r.addr, &r.zone, set) });
                Ok(id)
            })
            .await?;
        self.live().reports.meta_node_registered(&r.addr);
        self.greet_meta_node(&r.addr);
        Ok(id)
    }

    /// A data node reports another zone than it registered in: it moves into a node set there (v3.5.3 topology-selection.md §4).
    pub(super) async fn move_data_node(&self, addr: &str, zone: &str) -> Result<(), Fault> {
        self.commit("data node changed its zone", |state, txn| {
            let Some(node) = txn.data_node_by_addr(addr).filter(|n| n.effective_zone_name() != zone) else { return Ok(()) };
            let record = txn.zone(zone).map_or_else(|| Zone::new(zone, MediaType::UNSPECIFIED), |z| (*z).clone());
            if !record.data_media_type.is_valid() {
                txn.put(Zone { data_media_type: node.media_type, ..record });
            } else if record.data_media_type != node.media_type {
                return Err(Fault::internal(format!("zone {zone} has another media type than {addr}")));
            }
            let rules = self.rules_of(state);
            let set = choose_for_data_node(&self.scene(state, &rules), zone);
            let node_set_id = self.take_or_make_set(&self.scene(state, &rules), txn, zone, set);
            txn.put(DataNode { zone_name: zone.to_owned(), node_set_id, ..(*node).clone() });
            Ok(())
        })
        .await
    }

    /// As [`Master::move_data_node`], without media types.
    pub(super) async fn move_meta_node(&self, addr: &str, zone: &str) -> Result<(), Fault> {
        self.commit("meta node changed its zone", |state, txn| {
            let Some(node) = txn.meta_node_by_addr(addr).filter(|n| n.effective_zone_name() != zone) else { return Ok(()) };
            let rules = self.rules_of(state);
            let set = choose_for_meta_node(&self.scene(state, &rules), zone);
            let node_set_id = self.take_or_make_set(&self.scene(state, &rules), txn, zone, set);
            txn.put(MetaNode { zone_name: zone.to_owned(), node_set_id, ..(*node).clone() });
            Ok(())
        })
        .await
    }

    fn ports_needed(&self, r: &Registration, kind: &str, new: &str) -> Result<(), Fault> {
        if !self.config.raft_partition_can_use_different_port || r.has_ports() {
            return Ok(());
        }
        Err(Fault::internal(format!(
            "when master enable raftPartitionCanUseDifferentPort, only allow new {new} with valid heartbeatPort and replicaPort to register. \
             {kind}({}, heartbeatPort:{}, replicaPort:{}) may need to upgrade",
            r.addr, r.heartbeat_port, r.replica_port
        )))
    }

    fn given_set(&self, state: &State, zone: &str, wanted: u64) -> Result<NodeSetId, Fault> {
        let id = NodeSetId(wanted);
        match state.node_sets.get(&id) {
            Some(set) if set.effective_zone_name() == zone => Ok(id),
            _ => Err(Fault::internal(format!("nodeset {wanted} not found"))),
        }
    }

    /// The set, expected to stay as it is, or a new one of the zone: with fault domains over few zones there are more new ones, so that a
    /// group can be built of them.
    fn take_or_make_set(&self, scene: &Scene<'_>, txn: &mut Txn, zone: &str, set: Option<NodeSetId>) -> NodeSetId {
        if let Some(id) = set {
            // Registrations are serialised by the common counter that each of them moves: the count of the set cannot be outrun.
            txn.node_set(id);
            return id;
        }
        let mut last = NodeSetId(0);
        for _ in 0..sets_to_make(scene, zone) {
            last = NodeSetId(txn.alloc(Counter::Common));
            txn.put(NodeSet::new(last, self.config.node_set_cap, zone));
        }
        last
    }
}
