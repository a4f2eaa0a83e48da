//! Repairing flags of raft groups that outlived their repair, because nobody heard of its end (v3.5.3 background-tasks.md §9.3).

use super::replicas::is_moving;
use crate::ids::{PartitionId, Term};
use crate::limits;
use crate::master::Master;
use futures::stream::{self, StreamExt};

impl Master {
    /// Takes the flag back wherever a replica reports it and no move is under way.
    pub(in crate::master) async fn clear_repairing_flags(&self, term: Term) {
        let flagged = self.flagged_as_repairing();
        if flagged.is_empty() || !self.still_leads(term).await {
            return;
        }
        let clear = |id| async move {
            if self.ready_term() == Some(term) && !is_moving(&self.state(), id) {
                self.end_repairing(id).await;
            }
        };
        stream::iter(flagged).for_each_concurrent(limits::MOVES_AT_A_TIME, clear).await;
    }

    fn flagged_as_repairing(&self) -> Vec<PartitionId> {
        let state = self.state();
        let live = self.live();
        let flagged = |id: &PartitionId| live.reports.data_partition(*id).is_some_and(|p| p.replicas.iter().any(|r| r.is_repairing));
        state.data_partitions.keys().filter(|id| flagged(id) && !is_moving(&state, **id)).copied().collect()
    }
}
