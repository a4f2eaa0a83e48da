//! Fault domains: what must be committed before hosts are chosen from groups of node sets, and what is looked at every five seconds
//! (v3.5.3 topology-selection.md §10).
//!
//! Which node sets are free for a group is not kept anywhere: it follows from the records of node sets and groups.

use super::Master;
use crate::ids::{Term, VolumeId};
use crate::model::{Counter, GroupStatus, Key, NodeSetGroup, Volume, ZoneDomain};
use crate::plan::placement::domain;
use crate::state::{State, Txn};
use crate::wire::reply::{fault, Fault};

impl Master {
    /// The first leader with fault domains writes their record: zones that are there by then stay outside (§10.2).
    pub(super) fn found_fault_domains(&self, state: &State, txn: &mut Txn) {
        if self.config.fault_domain && state.zone_domain.is_none() {
            let rules = self.rules_of(state);
            txn.read::<ZoneDomain>(&Key::ZoneDomain.to_string());
            txn.put(domain::initial(&self.scene(state, &rules)));
        }
    }

    /// To be called before hosts are chosen for a partition of the volume. Where the volume is placed in groups of node sets, that is
    /// recorded with it, for good; and where node sets wait for a group, one is built (§10.1, §10.3).
    ///
    /// # Errors
    /// [`fault::VOL_NOT_EXISTS`]; nothing could be committed.
    pub(super) async fn prepare_groups(&self, id: VolumeId) -> Result<(), Fault> {
        if !self.config.fault_domain {
            return Ok(());
        }
        let (domain, recorded) = {
            let moment = self.moment();
            let volume = moment.state.volumes.get(&id).ok_or(fault::VOL_NOT_EXISTS)?;
            if !domain::is_used_by(&moment.scene(), &self.live().reports, volume) {
                return Ok(());
            }
            (volume.domain_id, volume.domain_on)
        };
        if !recorded {
            self.commit("place volume in fault domains", |_, txn| {
                let volume = txn.volume(id).ok_or(fault::VOL_NOT_EXISTS)?;
                txn.put(Volume { domain_on: true, ..(*volume).clone() });
                Ok(())
            })
            .await?;
        }
        self.build_group(domain).await
    }

    async fn build_group(&self, domain_id: u64) -> Result<(), Fault> {
        self.commit("build node set group", |state, txn| {
            let rules = self.rules_of(state);
            let sets = domain::group_to_build(&self.scene(state, &rules), &mut self.live().selectors, domain_id);
            if let Some(sets) = sets {
                // Groups are built one after the other: each moves the common counter.
                let id = txn.alloc(Counter::Common);
                txn.put(NodeSetGroup { domain_id, id, node_sets_ids: sets.into(), status: GroupStatus::NORMAL, ..Default::default() });
            }
            Ok(())
        })
        .await
    }

    /// Looks which of the zones outside fault domains are full; when all are, volumes are placed in groups (§10.2). Not while nodes may
    /// still be unheard: an empty report must not take a full zone for an empty one.
    pub(super) async fn check_fault_domains(&self, _term: Term) {
        let moment = self.moment();
        let found = {
            let mut live = self.live();
            if live.reports.age(moment.now) < moment.rules.presumption() {
                return;
            }
            let found = domain::upkeep(&moment.scene(), &live.reports);
            for (zone, full) in &found.zones {
                live.reports.set_zone_unavailable(zone, *full);
            }
            found
        };
        let Some(need_fault_domain) = found.need_fault_domain else { return };
        let recorded = self
            .commit("need of fault domains", |_, txn| {
                if let Some(record) = txn.read::<ZoneDomain>(&Key::ZoneDomain.to_string()) {
                    txn.put(ZoneDomain { need_fault_domain, ..(*record).clone() });
                }
                Ok(())
            })
            .await;
        if let Err(why) = recorded {
            tracing::warn!(need_fault_domain, %why, "the need of fault domains is recorded in the next round");
        }
    }
}
