//! The raft group of the masters: who is in it, and changing that (v3.5.3 http-cluster-volume.md §1.2).

use super::Master;
use crate::ids::MasterId;
use crate::limits;
use crate::raft::{Change, ProposeError};
use crate::wire::reply::Fault;
use std::collections::BTreeMap;

impl Master {
    /// HTTP addresses of all masters: the replicated membership, or the configuration before there is one.
    pub fn masters(&self) -> BTreeMap<MasterId, String> {
        let membership = self.raft().membership();
        if membership.members.is_empty() {
            return self.config.peers.clone();
        }
        membership.members.iter().map(|(id, member)| (*id, member.addr.clone())).collect()
    }

    /// Adds a master, which votes as soon as it has caught up.
    ///
    /// # Errors
    /// Code 1: the group does not allow it, this master does not lead, or the outcome is not known.
    pub async fn add_master(&self, id: MasterId, addr: &str) -> Result<(), Fault> {
        self.change_masters(Change::Add { id, addr: addr.to_owned(), incarnation: None }).await
    }

    /// Removes a master.
    ///
    /// # Errors
    /// As [`Master::add_master`].
    pub async fn remove_master(&self, id: MasterId) -> Result<(), Fault> {
        self.change_masters(Change::Remove { id }).await
    }

    async fn change_masters(&self, change: Change) -> Result<(), Fault> {
        let deadline = self.env.now() + limits::PROPOSAL_DEADLINE;
        let changed = self.raft().change(change, deadline).await;
        changed.map(drop).map_err(|e: ProposeError| Fault::internal(e.to_string()))
    }
}
