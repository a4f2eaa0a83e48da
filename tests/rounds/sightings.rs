//! What ids and packets were seen on the way: by the nodes, by the clients, and in replies about nodes.

use cfs_master::wire::opcode::Opcode;
use cfs_sim::checks::ids::{Ids, Space};
use cfs_sim::checks::repeat::Registered;
use cfs_sim::checks::tasks::Tasks;
use cfs_sim::checks::Violation;
use cfs_sim::nodes::{Fleet, LogEntry};
use cfs_sim::run::history::{Event, Op, Outcome};
use serde_json::Value;

/// The checks that go on over all rounds.
#[derive(Default)]
pub struct Sightings {
    pub ids: Ids,
    pub packets: usize,
    tasks: Tasks,
}

impl Sightings {
    /// What came to the nodes since the last call.
    pub fn of_nodes(&mut self, fleet: &Fleet) -> Result<(), Violation> {
        for entry in fleet.take_log() {
            self.packets += 1;
            self.tasks.received(&entry.node, entry.id.as_str().unwrap_or_default(), &entry.uuid)?;
            self.of_creation(&entry)?;
        }
        match fleet.breaches().first() {
            Some(breach) => Err(Violation::new("T3", format!("{}: {}", breach.node, breach.what))),
            None => Ok(()),
        }
    }

    fn of_creation(&mut self, entry: &LogEntry) -> Result<(), Violation> {
        let (space, kind, volume) = match Opcode(entry.op) {
            Opcode::CREATE_DATA_PARTITION => (Space::DataPartition, "data", &entry.request["VolumeId"]),
            Opcode::CREATE_META_PARTITION => (Space::MetaPartition, "meta", &entry.request["VolName"]),
            _ => return Ok(()),
        };
        let id = ["PartitionId", "PartitionID"].iter().find_map(|key| entry.request[key].as_u64()).unwrap_or(entry.pid);
        self.ids.observe(space, id, &format!("{kind} partition of {volume}"))
    }

    /// What clients were shown.
    pub fn of_clients(&mut self, history: &[Event]) -> Result<(), Violation> {
        for event in history {
            let (Outcome::Done(seen), Op::Get { .. } | Op::List) = (&event.outcome, &event.op) else { continue };
            for (id, seen) in seen.iter().filter_map(|seen| seen.id.map(|id| (id, seen))) {
                self.ids.observe(Space::Common, id, &format!("volume {}", seen.volume))?;
            }
        }
        Ok(())
    }

    /// Nodes as a reply of `/admin/getCluster` shows them.
    pub fn of_cluster(&mut self, view: &Value) -> Result<Registered, Violation> {
        let Some(last_id) = view["data"]["MaxMetaNodeID"].as_u64() else {
            return Err(Violation::new("L1", "no master shows the cluster any more"));
        };
        let mut registered = Registered { last_id, ..Registered::default() };
        for kind in ["DataNodes", "MetaNodes"] {
            for node in view["data"][kind].as_array().into_iter().flatten() {
                let (Some(addr), Some(id)) = (node["Addr"].as_str(), node["ID"].as_u64()) else { continue };
                self.ids.observe(Space::Common, id, &format!("node {addr}"))?;
                registered.nodes.insert(addr.to_owned(), id);
            }
        }
        Ok(registered)
    }
}
