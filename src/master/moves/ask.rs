//! Requests to nodes on behalf of moves. None is sent twice by itself; what came of it is three-valued.

use super::LeftoverKey;
use crate::ids::PartitionId;
use crate::limits;
use crate::master::Master;
use crate::model::{DataPartition, Leftover, Move, PartitionKind};
use crate::nodes::CallError;
use crate::plan::data_partition::leader;
use crate::plan::moves::{allowed, Answer, Ask};
use crate::wire::opcode::Opcode;
use crate::wire::peer::Peer;
use crate::wire::reply::Fault;
use crate::wire::request::{
    AddDataPartitionRaftMemberRequest, CreateDataPartitionRequest, DeleteDataPartitionRequest, RecoverBackupDataReplicaRequest,
    RemoveDataPartitionRaftMemberRequest, SetDataPartitionRepairingStatusRequest,
};
use crate::wire::task::Subject;
use bytes::Bytes;

impl From<Result<Bytes, CallError>> for Answer {
    fn from(result: Result<Bytes, CallError>) -> Self {
        match result {
            Ok(body) => Answer::Done(String::from_utf8_lossy(&body).into_owned()),
            Err(CallError::Unknown { .. }) => Answer::Unknown(result.expect_err("just seen").into()),
            Err(why) => Answer::No(why.into()),
        }
    }
}

impl Master {
    /// Sends the request of a step and waits for its outcome.
    pub(super) async fn ask(&self, mv: &Move, ask: &Ask) -> Answer {
        let id = mv.partition;
        if mv.kind == PartitionKind::Meta {
            return self.ask_meta(id, ask).await;
        }
        match ask {
            // A backup is as it was: there is nothing to keep writes away from.
            Ask::AddMember { via, peer } => self.ask_each(via, |host| self.add_member(host, id, peer, !mv.restores())).await,
            Ask::RemoveMember { via, peer, force } => self.ask_each(via, |host| self.remove_member(host, id, peer, *force)).await,
            Ask::Create { on } => match self.state().data_partitions.get(&id) {
                Some(dp) => self.create_replica(on, dp).await,
                None => Answer::No(Fault::internal("the partition is gone")),
            },
            Ask::Restore { on, disk } => self.restore_replica(on, id, disk).await,
            Ask::Lead { on } => self.lead(on, id).await,
            Ask::Delete { on, force, lead } => {
                let answer = self.delete_one(on, id, *force).await;
                if let Some(first) = lead {
                    if let Answer::No(why) | Answer::Unknown(why) = self.lead(first, id).await {
                        tracing::info!(partition = id.0, host = first.as_str(), %why, "does not lead");
                    }
                }
                answer
            }
        }
    }

    /// Asks hosts in turn until one agrees. A host that may have done it leaves the whole in doubt.
    pub(super) async fn ask_each<'a, F>(&self, via: &'a [String], mut one: impl FnMut(&'a str) -> F) -> Answer
    where
        F: std::future::Future<Output = Answer>,
    {
        let mut last = Answer::No(Fault::internal("no host can be asked"));
        for (i, host) in via.iter().enumerate() {
            if i > 0 {
                self.env.sleep(limits::MEMBER_ASK_PAUSE).await;
            }
            last = match (last, one(host).await) {
                (_, Answer::Done(text)) => return Answer::Done(text),
                (Answer::Unknown(why), _) => Answer::Unknown(why),
                (_, answer) => answer,
            };
        }
        last
    }

    async fn add_member(&self, host: &str, id: PartitionId, peer: &Peer, repairing: bool) -> Answer {
        let request = AddDataPartitionRaftMemberRequest { partition_id: id, add_peer: peer.clone(), repairing_status: repairing };
        self.call(host, Opcode::ADD_DATA_PARTITION_RAFT_MEMBER, Subject::DataPartition(id), request).await.into()
    }

    async fn remove_member(&self, host: &str, id: PartitionId, peer: &Peer, force: bool) -> Answer {
        let request = RemoveDataPartitionRaftMemberRequest {
            partition_id: id,
            remove_peer: peer.clone(),
            repairing_status: false,
            force,
            auto_remove: false,
        };
        self.call(host, Opcode::REMOVE_DATA_PARTITION_RAFT_MEMBER, Subject::DataPartition(id), request).await.into()
    }

    /// Has a node create its replica of a partition that it is a host of (v3.5.3 admin-tasks.md §7.1).
    async fn create_replica(&self, on: &str, dp: &DataPartition) -> Answer {
        let state = self.state();
        let id = dp.partition_id;
        let size = state.volumes.get(&dp.vol_id).map_or(0, |volume| volume.data_partition_size);
        let used = {
            let live = self.live();
            let first = dp.hosts.iter().find(|host| *host != on);
            first.and_then(|host| live.reports.data_partition(id)?.replica(host)).map_or(0, |replica| replica.used)
        };
        let request = CreateDataPartitionRequest {
            partition_id: id,
            partition_size: size as i64,
            replica_num: i64::from(dp.replica_num),
            volume_id: dp.vol_name.clone(),
            members: dp.peers.clone().into(),
            hosts: dp.hosts.clone().into(),
            create_type: 1,
            leader_size: i64::try_from(used).unwrap_or(i64::MAX),
            decommissioned_disks: state.data_node_by_addr(on).map(|node| node.decommissioned_disks.clone()).unwrap_or_default(),
            ..Default::default()
        };
        self.call(on, Opcode::CREATE_DATA_PARTITION, Subject::DataPartition(id), request).await.into()
    }

    /// Has a node take back what it kept of its replica (v3.5.3 admin-tasks.md §7.6).
    pub(super) async fn restore_replica(&self, on: &str, id: PartitionId, disk: &str) -> Answer {
        let request = RecoverBackupDataReplicaRequest { partition_id: id, disk: disk.to_owned() };
        self.call(on, Opcode::RECOVER_BACKUP_DATA_REPLICA, Subject::DataPartition(id), request).await.into()
    }

    async fn lead(&self, on: &str, id: PartitionId) -> Answer {
        self.call(on, Opcode::DATA_PARTITION_TRY_TO_LEADER, Subject::DataPartition(id), ()).await.into()
    }

    /// Tells the raft group that nothing is repaired any more: its leader, or each host in turn (v3.5.3 admin-tasks.md §7.4). Its failure
    /// changes nothing.
    pub(super) async fn end_repairing(&self, id: PartitionId) {
        let via = {
            let moment = self.moment();
            let Some(dp) = moment.state.data_partitions.get(&id) else { return };
            let leader = leader(&moment.scene(), &self.live().reports, dp);
            leader.map_or_else(|| dp.hosts.clone(), |leader| vec![leader.to_string()])
        };
        let answer = self.ask_each(&via, |host| self.set_repairing(host, id, false)).await;
        if let Answer::No(why) | Answer::Unknown(why) = answer {
            tracing::debug!(partition = id.0, %why, "the repairing status stays");
        }
    }

    async fn set_repairing(&self, host: &str, id: PartitionId, repairing: bool) -> Answer {
        let request = SetDataPartitionRepairingStatusRequest { partition_id: id, repairing_status: repairing };
        self.call(host, Opcode::SET_REPAIRING_STATUS, Subject::DataPartition(id), request).await.into()
    }

    async fn delete_one(&self, on: &str, id: PartitionId, force: bool) -> Answer {
        let kind = self.state().data_partitions.get(&id).map_or(0, |dp| dp.decommission_type.0);
        let request = DeleteDataPartitionRequest { partition_id: id, force, decommission_type: kind, ..Default::default() };
        self.call(on, Opcode::DELETE_DATA_PARTITION, Subject::DataPartition(id), request).await.into()
    }

    /// Who is asked that the raft group gives up a node that is no host, whether by force, and the node's raft identity.
    fn who_expels(&self, left: &Leftover) -> Option<(Vec<String>, bool, Peer)> {
        let moment = self.moment();
        let (state, scene) = (&moment.state, moment.scene());
        let live = self.live();
        let (via, force, id) = match left.kind {
            PartitionKind::Data => {
                let (via, force) = allowed::who_expels(&scene, &live.reports, state.data_partitions.get(&left.partition)?)?;
                (via, force, state.data_node_by_addr(&left.addr).map(|node| node.id))
            }
            PartitionKind::Meta => {
                let mp = state.meta_partitions.get(&left.partition)?;
                let leader = crate::plan::meta_partition::leader(&scene, &live.reports, mp)?;
                (vec![leader.to_string()], false, state.meta_node_by_addr(&left.addr).map(|node| node.id))
            }
        };
        Some((via, force, Peer { id: id.unwrap_or_default(), addr: left.addr.clone(), ..Peer::default() }))
    }

    /// Has the raft group give up a member that is no host.
    pub(super) async fn expel_leftover(&self, key: &LeftoverKey, left: &Leftover) -> bool {
        let Some((via, force, peer)) = self.who_expels(left) else { return false };
        let (id, peer) = (left.partition, &peer);
        let answer = match left.kind {
            PartitionKind::Data => self.ask_each(&via, |host| self.remove_member(host, id, peer, force)).await,
            PartitionKind::Meta => self.ask_each(&via, |host| self.remove_meta_member(host, id, peer)).await,
        };
        // The next reports say whether it helped.
        let now = self.env.now().0;
        self.live().moves.known(key, now).failed_at = Some(now);
        if let Answer::No(why) | Answer::Unknown(why) = answer {
            tracing::info!(partition = left.partition.0, host = left.addr.as_str(), %why, "is still a member of the raft group");
        }
        true
    }

    /// Has a node delete a replica that is none any more, and remembers what it said.
    pub(super) async fn ask_leftover(&self, key: &LeftoverKey, left: &Leftover) -> bool {
        let answer = match left.kind {
            PartitionKind::Data => self.delete_one(&left.addr, left.partition, left.force).await,
            PartitionKind::Meta => self.delete_meta_replica_on(&left.addr, left.partition).await,
        };
        let now = self.env.now().0;
        let mut live = self.live();
        let known = live.moves.known(key, now);
        match answer {
            Answer::Done(_) => known.confirmed = Some(now),
            Answer::No(why) => {
                tracing::debug!(partition = left.partition.0, host = left.addr.as_str(), %why, "a replica may still be there");
                known.failed_at = Some(now);
            }
            Answer::Unknown(why) => {
                tracing::debug!(partition = left.partition.0, host = left.addr.as_str(), %why, "a replica may still be there");
                known.lost = true;
                known.failed_at = Some(now);
            }
        }
        true
    }
}
