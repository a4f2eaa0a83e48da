//! Hosts, replicas and members of the raft group of a data partition that do not agree, and what puts that right (v3.5.3
//! background-tasks.md §12).
//!
//! v3.5.3 acts on what any one replica reports. Here only the raft group's leader counts, and only what it has said for a while: the report
//! of a replica that lags would have a good one thrown away.

use super::allowed;
use crate::ids::PartitionId;
use crate::model::{DataPartition, DecommissionStatus, PartitionKind, RestoreReplica};
use crate::plan::data_partition::leader;
use crate::plan::reports::Reports;
use crate::plan::scene::Scene;
use std::collections::BTreeMap;
use std::time::Duration;

/// The leader has to say the same for this long.
const SAID_FOR: Duration = Duration::from_secs(60);

/// What puts a partition right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair {
    /// There are too many replicas: that of this node goes.
    TakeOff(String),
    /// The raft group has this member, which is no host.
    Expel(String),
    /// The raft group is without this host: it is none any more.
    Forget(String),
    /// There are too few replicas.
    AddOne,
}

/// What is wanted of each partition, and since when.
#[derive(Clone, Debug, Default)]
pub struct Watch(BTreeMap<PartitionId, (Repair, Duration)>);

impl Watch {
    /// What is wanted now of one of the partitions that are looked after. Returns what has been wanted long enough, and forgets it then.
    pub fn look(&mut self, scene: &Scene<'_>, reports: &Reports, dp: &DataPartition) -> Option<Repair> {
        let id = dp.partition_id;
        let Some((repair, heard_at)) = wanted(scene, reports, dp) else {
            self.0.remove(&id);
            return None;
        };
        let (known, since) = self.0.entry(id).or_insert_with(|| (repair.clone(), scene.now));
        if *known != repair {
            (*known, *since) = (repair.clone(), scene.now);
        }
        if heard_at < *since + SAID_FOR {
            return None;
        }
        self.0.remove(&id);
        Some(repair)
    }

    /// Nothing is looked after.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// Nobody reports a member that the record knows.
pub fn has_no_same_peer(reports: &Reports, dp: &DataPartition) -> bool {
    let replicas = reports.data_partition(dp.partition_id).map(|p| p.replicas.as_slice()).unwrap_or_default();
    let mut lists = replicas.iter().filter_map(|replica| replica.local_peers.list(&dp.peers)).peekable();
    lists.peek().is_some() && !lists.flatten().any(|member| dp.peers.iter().any(|peer| peer.addr == member.addr))
}

/// What is wanted by the last report of the raft group's leader, and when that was heard.
fn wanted(scene: &Scene<'_>, reports: &Reports, dp: &DataPartition) -> Option<(Repair, Duration)> {
    let (state, id) = (scene.state, dp.partition_id);
    let at_rest = [DecommissionStatus::INITIAL, DecommissionStatus::FAIL].contains(&dp.decommission_status)
        && dp.restore_replica == RestoreReplica::STOP
        && !state.moves.contains_key(&(PartitionKind::Data, id));
    if !at_rest || dp.is_discard || dp.partition_type != 0 || allowed::has_unheard_hosts(scene, reports, dp) {
        return None;
    }
    let leader = leader(scene, reports, dp)?;
    let replica = reports.data_partition(id)?.replica(&leader)?;
    let members = replica.local_peers.list(&dp.peers)?;
    let is_member = |addr: &str| members.iter().any(|member| member.addr == addr);
    let is_peer = |addr: &str| dp.has_host(addr) || dp.peers.iter().any(|peer| peer.addr == addr);
    // Members that have nothing to do with the record: that is for people (v3.5.3: "no same peer").
    if !dp.peers.iter().any(|peer| is_member(&peer.addr)) {
        return None;
    }
    let is_known = |addr: &str| state.data_node_by_addr(addr).is_some();
    let is_left = |addr: &str| state.leftovers.contains_key(&(PartitionKind::Data, id, addr.to_owned()));
    let (hosts, wanted) = (dp.hosts.len(), usize::from(dp.replica_num));
    let agree = hosts == dp.peers.len() && hosts == dp.replicas.len();
    let repair = if agree && hosts > wanted {
        let failed = dp.decommission_status == DecommissionStatus::FAIL && dp.has_host(&dp.decommission_src_addr);
        Repair::TakeOff(if failed { dp.decommission_src_addr.clone() } else { dp.hosts.last()?.clone() })
    } else if let Some(extra) = members.iter().find(|m| !is_peer(&m.addr) && is_known(&m.addr) && !is_left(&m.addr)) {
        Repair::Expel(extra.addr.clone())
    } else if let Some(lost) = dp.peers.iter().find(|peer| !is_member(&peer.addr)) {
        Repair::Forget(lost.addr.clone())
    } else if hosts < wanted && wanted > 1 {
        Repair::AddOne
    } else {
        return None;
    };
    Some((repair, replica.heard_at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Move, ReplicaDisk};
    use crate::plan::world::{data_addr, data_heartbeat, data_report, World};
    use crate::wire::peer::Peer;
    use crate::wire::report::DataPartitionReport;

    /// A partition of three replicas in a cluster of five nodes; what the record and the leader say is up to the test.
    struct Stage {
        world: World,
        dp: DataPartition,
        members: Vec<u64>,
        watch: Watch,
    }

    impl Stage {
        fn new() -> Self {
            let mut world = World::one_zone(5);
            let volume = world.volume(8);
            let mut dp = world.data_partition(&volume, 7);
            dp.replicas = dp.hosts.iter().map(|host| ReplicaDisk::new(host, "/disk1")).collect();
            Self { world, dp, members: vec![1, 2, 3], watch: Watch::default() }
        }

        fn peer(&self, i: u64) -> Peer {
            self.world.state.data_node_by_addr(&data_addr(1, i)).expect("a node of the world").peer()
        }

        fn hosts(mut self, nodes: &[u64]) -> Self {
            self.dp.hosts = nodes.iter().map(|i| data_addr(1, *i)).collect();
            self.dp.peers = nodes.iter().map(|i| self.peer(*i)).collect();
            self.dp.replicas = self.dp.hosts.iter().map(|host| ReplicaDisk::new(host, "/disk1")).collect();
            self
        }

        fn members(mut self, nodes: &[u64]) -> Self {
            self.members = nodes.to_vec();
            self
        }

        /// What comes of this much time of looking, with a report every few seconds.
        fn after(&mut self, secs: u64) -> Option<Repair> {
            self.world.put(self.dp.clone());
            for _ in 0..secs / 5 {
                let members: Vec<Peer> = self.members.iter().map(|i| self.peer(*i)).collect();
                for i in 1..=5 {
                    let addr = data_addr(1, i);
                    let report = DataPartitionReport { local_peers: members.clone().into(), ..data_report(&self.dp, i == 1) };
                    let parts = if self.dp.has_host(&addr) { vec![report] } else { Vec::new() };
                    self.world.hear_data(&addr, data_heartbeat(1000, 0, &parts));
                }
                let found = self.watch.look(&self.world.scene(), &self.world.reports, &self.dp);
                if found.is_some() {
                    return found;
                }
                self.world.pass(5);
            }
            None
        }
    }

    #[test]
    fn what_agrees_is_left_alone() {
        assert_eq!(Stage::new().after(300), None);
    }

    #[test]
    fn each_kind_of_disagreement_is_put_right_when_it_has_lasted() {
        let node = |i| data_addr(1, i);
        let cases = [
            (Stage::new().hosts(&[1, 2, 3, 4]).members(&[1, 2, 3, 4]), Repair::TakeOff(node(4))),
            (Stage::new().members(&[1, 2, 3, 4]), Repair::Expel(node(4))),
            (Stage::new().members(&[1, 2]), Repair::Forget(node(3))),
            (Stage::new().hosts(&[1, 2]).members(&[1, 2]), Repair::AddOne),
        ];
        for (mut stage, repair) in cases {
            assert_eq!(stage.after(50), None, "{repair:?}");
            assert_eq!(stage.after(30), Some(repair));
        }
    }

    #[test]
    fn members_that_have_nothing_to_do_with_the_record_and_a_partition_on_the_move_are_left_alone() {
        assert_eq!(Stage::new().members(&[4, 5]).after(300), None);
        let mut moving = Stage::new().members(&[1, 2]);
        moving.world.put(Move { kind: PartitionKind::Data, partition: PartitionId(7), ..Move::default() });
        assert_eq!(moving.after(300), None);
    }
}
