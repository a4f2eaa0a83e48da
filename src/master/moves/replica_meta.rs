//! Putting right what records and raft groups of data partitions do not agree on, where that is switched on (v3.5.3 background-tasks.md §12).

use super::replicas::{asked, is_moving, start};
use crate::env::Purpose;
use crate::ids::{PartitionId, Term};
use crate::limits;
use crate::master::Master;
use crate::model::{DataPartition, DecommissionStatus, Key, Leftover, Move, PartitionKind, Phase, RestoreReplica, Task};
use crate::plan::moves::allowed;
use crate::plan::moves::replica_meta::Repair;
use crate::plan::placement::{self, data_target};
use crate::wire::reply::{fault, Fault};

/// Who asks for these moves.
const ACTOR: &str = "replica meta repair";

impl Master {
    /// One round over the partitions of volumes for which it is switched on.
    pub(in crate::master) async fn repair_replica_meta(&self, term: Term) {
        let due = self.replica_meta_repairs();
        if due.is_empty() || !self.still_leads(term).await {
            return;
        }
        for (id, repair) in due {
            match self.repair_one(id, &repair, term).await {
                Ok(()) => tracing::info!(partition = id.0, ?repair, "hosts and raft group did not agree"),
                Err(why) => tracing::info!(partition = id.0, ?repair, %why, "hosts and raft group do not agree"),
            }
        }
        self.moves.tell();
    }

    fn replica_meta_repairs(&self) -> Vec<(PartitionId, Repair)> {
        let moment = self.moment();
        let (state, scene) = (&moment.state, moment.scene());
        let all = state.settings.enable_auto_dp_meta_repair;
        let mut live = self.live();
        let live = &mut *live;
        let volumes = state.volumes.values().filter(|volume| all || volume.enable_auto_meta_repair);
        let partitions = volumes.flat_map(|volume| state.data_partitions_of_volume(volume.id));
        let mut looked_at = false;
        let due = partitions.inspect(|_| looked_at = true).filter_map(|dp| {
            let repair = live.replica_meta.look(&scene, &live.reports, dp)?;
            Some((dp.partition_id, repair))
        });
        let most = usize::try_from(state.settings.effective_auto_dp_meta_repair_parallel_cnt()).unwrap_or(usize::MAX);
        let due: Vec<_> = due.take(most.min(limits::MOVES_AT_A_TIME)).collect();
        if !looked_at {
            live.replica_meta.clear();
        }
        due
    }

    async fn repair_one(&self, id: PartitionId, repair: &Repair, term: Term) -> Result<(), Fault> {
        let wall = self.env.wall().secs();
        let peers_before = self.state().data_partitions.get(&id).map(|dp| dp.peers.clone()).unwrap_or_default();
        let target = match repair {
            Repair::AddOne => Some(self.choose_target(id)?),
            _ => None,
        };
        self.commit(ACTOR, |state, txn| {
            let dp = txn.data_partition(id).ok_or(fault::DATA_PARTITION_NOT_EXISTS)?;
            if is_moving(state, id) || dp.restore_replica != RestoreReplica::STOP {
                return Err(Fault::internal("a replica is being moved"));
            }
            let mut changed = DataPartition::clone(&dp);
            let left = |addr: &str| Leftover {
                kind: PartitionKind::Data,
                partition: id,
                addr: addr.to_owned(),
                volume: dp.vol_id,
                force: true,
                term,
                doubtful: true,
                since: wall,
                ..Leftover::default()
            };
            match repair {
                Repair::TakeOff(addr) => {
                    let peer = dp.peers.iter().find(|peer| peer.addr == *addr).cloned().unwrap_or_default();
                    if dp.decommission_status == DecommissionStatus::FAIL {
                        changed.reset_decommission();
                    }
                    changed.offline_peer_id = peer.id.0;
                    let from = addr.clone();
                    let mv = Move { task: Task::Remove, phase: Phase::Leaving, from, from_id: peer.id, ..asked(&dp, ACTOR, wall, term) };
                    start(txn, mv).map_err(|()| Fault::internal("a replica is being moved"))?;
                }
                Repair::Expel(addr) => {
                    txn.expect_absent(&Key::Leftover(PartitionKind::Data, id, addr.clone()).to_string());
                    txn.put(left(addr));
                }
                Repair::Forget(addr) => {
                    let rules = self.rules_of(state);
                    allowed::somebody_is_left(&self.scene(state, &rules), &self.live().reports, &dp, addr)?;
                    changed.hosts.retain(|host| host != addr);
                    changed.peers.retain(|peer| peer.addr != *addr);
                    changed.replicas.retain(|replica| replica.addr != *addr);
                    txn.put(left(addr));
                }
                Repair::AddOne => {
                    let to = target.as_deref().unwrap_or_default();
                    let rules = self.rules_of(state);
                    allowed::may_gain(&self.scene(state, &rules), &dp, to)?;
                    let to = txn.data_node_by_addr(to).ok_or(fault::DATA_NODE_NOT_EXISTS)?.peer();
                    changed.restore_replica = RestoreReplica::FORBIDDEN;
                    let mv = Move { task: Task::Add, phase: Phase::Joining, to, ..asked(&dp, ACTOR, wall, term) };
                    start(txn, mv).map_err(|()| Fault::internal("a replica is being moved"))?;
                }
            }
            txn.put(changed);
            Ok(())
        })
        .await?;
        if let Repair::Forget(addr) = repair {
            let mut live = self.live();
            let reported = live.reports.data_partition_mut(id);
            reported.replicas.iter_mut().for_each(|replica| replica.local_peers.pin(&peers_before));
            reported.remove_replica(addr);
        }
        Ok(())
    }

    /// The node that takes one more replica, found as if the first host left.
    fn choose_target(&self, id: PartitionId) -> Result<String, Fault> {
        let moment = self.moment();
        let dp = moment.state.data_partitions.get(&id).ok_or(fault::DATA_PARTITION_NOT_EXISTS)?;
        let first = dp.hosts.first().map(String::as_str).unwrap_or_default();
        let left = moment.state.leftovers.keys().filter(|(kind, of, _)| *kind == PartitionKind::Data && *of == id);
        let avoid: Vec<String> = left.map(|(_, _, addr)| addr.clone()).collect();
        let step = placement::Move { from: first, to_set: None, avoid: &avoid };
        let volume = moment.state.volumes.get(&dp.vol_id).map(|volume| &**volume);
        let mut random = || self.env.entropy.next_u64(Purpose::Placement);
        let mut live = self.live();
        let live = &mut *live;
        data_target(&moment.scene(), &live.reports, &mut live.selectors, dp, volume, step, &mut random)
    }
}
