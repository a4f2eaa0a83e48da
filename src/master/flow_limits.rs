//! Clients that share a volume's flow limits (v3.5.3 http-cluster-volume.md §5.2).

use super::Master;
use crate::ids::Term;
use crate::model::{Counter, Volume};
use crate::plan::flow_limits::{Assignment, FlowLimits, Report, CLIENTS_MAX};
use crate::wire::reply::Fault;

impl Master {
    /// What is known of a volume's flow limits, under its present record.
    pub fn with_flow_limits<T>(&self, volume: &Volume, look: impl FnOnce(&mut FlowLimits) -> T) -> T {
        let mut live = self.live();
        let limits = live.flow_limits.entry(volume.id).or_insert_with(|| FlowLimits::new(volume));
        limits.follow(volume);
        look(limits)
    }

    /// Takes in a client's report and returns its limits, and whether the client is known only from now on. Id 0: a new client, which
    /// gets an id.
    ///
    /// # Errors
    /// The volume has too many clients; no id could be committed.
    pub async fn flow_report(&self, volume: &Volume, host: String, mut report: Report) -> Result<(Assignment, bool), Fault> {
        let wall = self.env.wall().secs();
        let fresh = report.id == 0;
        if fresh {
            report.id = self.next_client_id().await?;
        }
        self.with_flow_limits(volume, |limits| {
            let known = limits.clients().contains_key(&report.id);
            if !known && !limits.has_room() {
                return Err(Fault::internal(format!("volume {} has {CLIENTS_MAX} clients already", volume.name)));
            }
            let id = report.id;
            let first = (!known).then(|| limits.welcome(id, host, wall));
            match first {
                Some(first) if !fresh => Ok((first, true)),
                _ => Ok((limits.report(report, wall).unwrap_or_default(), false)),
            }
        })
    }

    /// Ids are committed a thousand at a time; what is left of them when the reign ends is never used.
    async fn next_client_id(&self) -> Result<u64, Fault> {
        if let Some(id) = self.live().client_ids.next() {
            return Ok(id);
        }
        let first = self
            .commit("client ids", |state, txn| {
                let last = state.counter(Counter::Client).saturating_add(Counter::CLIENT_STEP);
                txn.expect(Counter::Client.key());
                txn.raise(Counter::Client, last);
                Ok(last + 1)
            })
            .await?;
        let mut live = self.live();
        live.client_ids = first..first + Counter::CLIENT_STEP;
        live.client_ids.next().ok_or_else(|| Fault::internal("no client id"))
    }

    /// Every half second: computes the limits of all clients again.
    pub(super) async fn tick_flow_limits(&self, _term: Term) {
        let (state, wall) = (self.state(), self.env.wall().secs());
        let mut live = self.live();
        live.flow_limits.retain(|id, _| state.volumes.contains_key(id));
        for (id, limits) in &mut live.flow_limits {
            if let Some(volume) = state.volumes.get(id) {
                limits.follow(volume);
                limits.tick(wall);
            }
        }
    }
}
