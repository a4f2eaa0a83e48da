//! Loading partitions: asking every replica for its contents, to compare them (v3.5.3 admin-tasks.md §7.3, §8.4,
//! background-tasks.md §6, §7.5).

use super::Master;
use crate::ids::{PartitionId, Term};
use crate::plan::data_partition;
use crate::wire::opcode::Opcode;
use crate::wire::report::{LoadDataPartitionResponse, MetaPartitionLoadResponse};
use crate::wire::request::{LoadDataPartitionRequest, MetaPartitionRequest};
use crate::wire::task::{status, Subject};
use futures::future::join_all;

impl Master {
    /// Asks the replicas of a data partition on hosts that are live; their answers come later.
    pub fn load_data_partition(&self, id: PartitionId) {
        let moment = self.moment();
        let Some(record) = moment.state.data_partitions.get(&id) else { return };
        let hosts: Vec<String> = {
            let mut live = self.live();
            let hosts = data_partition::live_hosts(&moment.scene(), &live.reports, record);
            let hosts: Vec<String> = hosts.into_iter().map(str::to_owned).collect();
            let reported = live.reports.data_partition_mut(id);
            reported.last_loaded_wall_secs = moment.wall_secs;
            for host in &hosts {
                if let Some(replica) = reported.replica_mut(host) {
                    replica.has_load_response = false;
                }
            }
            hosts
        };
        for host in hosts {
            self.enqueue(&host, Opcode::LOAD_DATA_PARTITION, Subject::DataPartition(id), LoadDataPartitionRequest { partition_id: id });
        }
    }

    /// A data node has loaded its replica. An answer without a snapshot is none.
    pub(super) fn data_partition_loaded(&self, addr: &str, answer: &LoadDataPartitionResponse) {
        if answer.status == status::FAILED || answer.partition_snapshot.is_nil() {
            tracing::warn!(node = addr, partition = answer.partition_id.0, result = answer.result, "data partition not loaded");
            return;
        }
        if !self.state().data_partitions.contains_key(&answer.partition_id) {
            return;
        }
        let mut live = self.live();
        if let Some(replica) = live.reports.data_partition_mut(answer.partition_id).replica_mut(addr) {
            replica.has_load_response = true;
            replica.used = answer.used;
            replica.file_count = u32::try_from(answer.partition_snapshot.len()).unwrap_or(u32::MAX);
        }
    }

    /// Asks all replicas of a meta partition at the same time and keeps what they answer.
    pub async fn load_meta_partition(&self, id: PartitionId) {
        let state = self.state();
        let Some(record) = state.meta_partitions.get(&id) else { return };
        let asks = record.hosts.iter().map(|host| async move {
            let request = MetaPartitionRequest { partition_id: id };
            match self.call(host, Opcode::LOAD_META_PARTITION, Subject::MetaPartition(id), request).await {
                Ok(body) => read(host, &body),
                Err(why) => {
                    tracing::debug!(partition = id.0, host, %why, "meta replica not loaded");
                    None
                }
            }
        });
        let answers: Vec<_> = join_all(asks).await.into_iter().flatten().collect();
        self.live().loaded.insert(id, answers.into());
    }

    /// One round over all meta partitions, one at a time.
    pub(super) async fn load_meta_partitions(&self, term: Term) {
        let state = self.state();
        self.live().loaded.retain(|id, _| state.meta_partitions.contains_key(id));
        for id in state.meta_partitions.keys() {
            if self.ready_term() != Some(term) {
                return;
            }
            self.load_meta_partition(*id).await;
        }
    }
}

fn read(host: &str, body: &[u8]) -> Option<MetaPartitionLoadResponse> {
    match serde_json::from_slice::<MetaPartitionLoadResponse>(body) {
        Ok(answer) => Some(MetaPartitionLoadResponse { addr: host.to_owned(), ..answer }),
        Err(why) => {
            tracing::warn!(host, %why, "the answer to a load cannot be read");
            None
        }
    }
}
