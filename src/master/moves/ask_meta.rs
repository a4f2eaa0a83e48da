//! Requests to meta nodes on behalf of moves (v3.5.3 admin-tasks.md §8).

use crate::ids::PartitionId;
use crate::master::Master;
use crate::plan::moves::{Answer, Ask};
use crate::wire::opcode::Opcode;
use crate::wire::peer::Peer;
use crate::wire::reply::Fault;
use crate::wire::request::{
    AddMetaPartitionRaftMemberRequest, CreateMetaPartitionRequest, MetaPartitionRequest, RemoveMetaPartitionRaftMemberRequest,
};
use crate::wire::task::Subject;

impl Master {
    /// Sends the request of a step and waits for its outcome.
    pub(super) async fn ask_meta(&self, id: PartitionId, ask: &Ask) -> Answer {
        match ask {
            Ask::AddMember { via, peer } => self.ask_each(via, |host| self.add_meta_member(host, id, peer)).await,
            Ask::RemoveMember { via, peer, .. } => self.ask_each(via, |host| self.remove_meta_member(host, id, peer)).await,
            Ask::Create { on } => self.create_meta_replica(on, id).await,
            // No move of a meta replica has such a step.
            Ask::Restore { .. } => Answer::No(Fault::internal("meta nodes keep no replica to restore")),
            Ask::Lead { on } => self.lead_meta(on, id).await,
            Ask::Delete { on, lead, .. } => {
                if let Some(first) = lead {
                    if let Answer::No(why) | Answer::Unknown(why) = self.lead_meta(first, id).await {
                        tracing::info!(partition = id.0, host = first.as_str(), %why, "does not lead");
                    }
                }
                self.delete_meta_replica_on(on, id).await
            }
        }
    }

    async fn add_meta_member(&self, host: &str, id: PartitionId, peer: &Peer) -> Answer {
        let request = AddMetaPartitionRaftMemberRequest { partition_id: id, add_peer: peer.clone() };
        self.call(host, Opcode::ADD_META_PARTITION_RAFT_MEMBER, Subject::MetaPartition(id), request).await.into()
    }

    pub(super) async fn remove_meta_member(&self, host: &str, id: PartitionId, peer: &Peer) -> Answer {
        let request = RemoveMetaPartitionRaftMemberRequest { partition_id: id, remove_peer: peer.clone() };
        self.call(host, Opcode::REMOVE_META_PARTITION_RAFT_MEMBER, Subject::MetaPartition(id), request).await.into()
    }

    /// Has a node create its replica of a partition that it is a host of (§8.1). Once: see `plan::moves::meta`.
    async fn create_meta_replica(&self, on: &str, id: PartitionId) -> Answer {
        let state = self.state();
        let Some(mp) = state.meta_partitions.get(&id) else { return Answer::No(Fault::internal("the partition is gone")) };
        let request = CreateMetaPartitionRequest {
            vol_name: mp.vol_name.clone(),
            start: mp.start,
            end: mp.end,
            partition_id: id,
            members: mp.peers.clone().into(),
            ver_seq: state.version_lists.get(&mp.vol_id).map_or(0, |list| list.ver_seq),
            ..Default::default()
        };
        self.call(on, Opcode::CREATE_META_PARTITION, Subject::MetaPartition(id), request).await.into()
    }

    async fn lead_meta(&self, on: &str, id: PartitionId) -> Answer {
        self.call(on, Opcode::META_PARTITION_TRY_TO_LEADER, Subject::MetaPartition(id), ()).await.into()
    }

    pub(super) async fn delete_meta_replica_on(&self, on: &str, id: PartitionId) -> Answer {
        let request = MetaPartitionRequest { partition_id: id };
        self.call(on, Opcode::DELETE_META_PARTITION, Subject::MetaPartition(id), request).await.into()
    }
}
