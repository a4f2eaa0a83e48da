//! Asking replicas to lead (v3.5.3 http-partitions-nodes.md §7.3).

use super::Master;
use crate::ids::PartitionId;
use crate::plan::leaders::{spread, Transfer};
use crate::wire::opcode::Opcode;
use crate::wire::task::Subject;
use std::collections::BTreeSet;

impl Master {
    /// Spreads the leaders of meta partitions over the nodes, as far as nodes follow. Failures are ignored.
    pub async fn balance_meta_leaders(&self, nodes: &BTreeSet<String>) {
        let transfers = {
            let moment = self.moment();
            let live = self.live();
            spread(&moment.scene(), &live.reports, nodes)
        };
        for Transfer { partition, to } in transfers {
            self.ask_to_lead(partition, &to).await;
        }
    }

    /// Asks a replica to lead its raft group.
    pub(super) async fn ask_to_lead(&self, id: PartitionId, addr: &str) {
        if let Err(why) = self.call(addr, Opcode::META_PARTITION_TRY_TO_LEADER, Subject::MetaPartition(id), ()).await {
            tracing::info!(partition = id.0, addr, %why, "does not lead");
        }
    }
}
