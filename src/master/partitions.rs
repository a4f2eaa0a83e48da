//! Creating data and meta partitions: choose hosts, commit an intent with the id, create on every host, commit the partition.
//!
//! The intent is what makes a crash harmless: whoever leads next finds it, knows which hosts may hold replicas of a partition that never
//! came to be, and has them removed (`cleanup.rs`). A partition is committed only while its intent still stands, so a leader that was
//! deposed in between cannot bring it to life after the clean-up began.

use super::cleanup::PartitionKey;
use super::creating::Creation;
use super::live::Live;
use super::moment::Moment;
use super::Master;
use crate::env::Purpose;
use crate::ids::{PartitionId, Term, VolumeId};
use crate::model::{Counter, CreateIntent, DataPartition, Key, MediaType, MetaPartition, PartitionKind, ReplicaDisk, Volume, VolumeStatus};
use crate::mutants::mutant;
use crate::nodes::CallError;
use crate::plan::meta_partition::Range;
use crate::plan::placement::{self, Chosen, Demand};
use crate::state::{State, Txn};
use crate::wire::opcode::Opcode;
use crate::wire::peer::Peer;
use crate::wire::reply::{fault, Fault};
use crate::wire::request::{CreateDataPartitionRequest, CreateMetaPartitionRequest};
use crate::wire::task::Subject;
use futures::future::join_all;

/// Meta partition replicas that exist on all their hosts, not yet committed.
pub struct BuiltMetaPartition {
    pub partition: MetaPartition,
    intent: String,
    _creation: Creation<PartitionKey>,
}

impl Master {
    /// Creates one data partition of a volume (v3.5.3 topology-selection.md §13, http-partitions-nodes.md §3.2).
    ///
    /// # Errors
    /// No hosts, a host that did not create its replica, the volume gone meanwhile, nothing committed. What a failure left on hosts is removed.
    pub async fn create_data_partition(&self, volume: VolumeId, media: MediaType) -> Result<PartitionId, Fault> {
        let name = self.state().volumes.get(&volume).map(|v| v.name.clone()).ok_or(fault::VOL_NOT_EXISTS)?;
        self.build_data_partition(volume, media).await.map_err(|e| {
            let (cluster, media) = (&self.config.cluster_name, media.text());
            Fault::internal(format!("action[createDataPartition],clusterID[{cluster}] vol[{name}] mediaType({media}) Err:{e} "))
        })
    }

    async fn build_data_partition(&self, volume: VolumeId, media: MediaType) -> Result<PartitionId, Fault> {
        let term = self.ready_term().ok_or(fault::NO_LEADER)?;
        self.prepare_groups(volume).await?;
        let moment = self.moment();
        let state = &moment.state;
        let record = state.volumes.get(&volume).cloned().ok_or(fault::VOL_NOT_EXISTS)?;
        let mut chosen = self.choose(&moment, |live| Demand::data(&moment.scene(), &live.reports, &record, media))?;
        if mutant!("same host twice") {
            chosen.hosts[1] = chosen.hosts[0].clone();
            chosen.peers[1] = chosen.peers[0].clone();
        }
        let (id, _creation) = self.commit_intent(PartitionKind::Data, &record, &chosen, term, Counter::DataPartition).await?;

        let request = CreateDataPartitionRequest {
            partition_id: id,
            partition_size: record.data_partition_size as i64,
            replica_num: i64::from(record.dp_replica_num),
            volume_id: record.name.clone(),
            members: chosen.peers.clone().into(),
            hosts: chosen.hosts.clone().into(),
            ..Default::default()
        };
        let sends = chosen.hosts.iter().map(|host| {
            let decommissioned_disks = state.data_node_by_addr(host).map(|n| n.decommissioned_disks.clone()).unwrap_or_default();
            let request = CreateDataPartitionRequest { decommissioned_disks, ..request.clone() };
            self.call(host, Opcode::CREATE_DATA_PARTITION, Subject::DataPartition(id), request)
        });
        let mut disks = Vec::new();
        let mut failed = None;
        for (host, answer) in chosen.hosts.iter().zip(join_all(sends).await) {
            match answer {
                Ok(body) => disks.push((host.clone(), String::from_utf8_lossy(&body).into_owned())),
                Err(CallError::Unknown { .. }) if mutant!("time-out read as created") => disks.push((host.clone(), String::new())),
                Err(why) => {
                    tracing::warn!(partition = id.0, host, %why, "data partition not created");
                    failed.get_or_insert(why);
                }
            }
        }
        if let Some(why) = failed {
            self.abandon(PartitionKind::Data, id).await;
            return Err(why.into());
        }
        let replicas = disks.iter().map(|(host, disk)| ReplicaDisk::new(host, disk)).collect();
        let partition = DataPartition::new(id, &record, chosen.hosts.clone(), chosen.peers.clone(), media);
        let partition = DataPartition { replicas, ..partition };
        let intent = Key::CreateIntent(PartitionKind::Data, id).to_string();
        let committed = self
            .commit("create data partition", |state, txn| {
                let alive = state.volumes.get(&volume).is_some_and(|v| v.status == VolumeStatus::NORMAL);
                if txn.read::<CreateIntent>(&intent).is_none() || !alive {
                    return Err(fault::VOL_NOT_EXISTS);
                }
                txn.delete::<CreateIntent>(&intent);
                txn.put(partition.clone());
                Ok(())
            })
            .await;
        if let Err(why) = committed {
            self.abandon(PartitionKind::Data, id).await;
            return Err(why);
        }
        let replicas: Vec<(&str, &str)> = disks.iter().map(|(host, disk)| (host.as_str(), disk.as_str())).collect();
        self.live().reports.assume_data_partition_created(id, &replicas, self.env.now().0);
        Ok(id)
    }

    /// Creates the replicas of one meta partition on its hosts; the caller commits it with [`Master::commit_meta_partitions`].
    ///
    /// # Errors
    /// As [`Master::create_data_partition`].
    pub async fn build_meta_partition(&self, volume: VolumeId, range: Range, version: u64) -> Result<BuiltMetaPartition, Fault> {
        let term = self.ready_term().ok_or(fault::NO_LEADER)?;
        self.prepare_groups(volume).await?;
        let moment = self.moment();
        let record = moment.state.volumes.get(&volume).cloned().ok_or(fault::VOL_NOT_EXISTS)?;
        let chosen = self.choose(&moment, |live| Demand::meta(&moment.scene(), &live.reports, &record))?;
        let (id, creation) = self.commit_intent(PartitionKind::Meta, &record, &chosen, term, Counter::MetaPartition).await?;
        let request = CreateMetaPartitionRequest {
            vol_name: record.name.clone(),
            start: range.start,
            end: range.end,
            partition_id: id,
            members: chosen.peers.clone().into(),
            ver_seq: version,
            ..Default::default()
        };
        let sends =
            chosen.hosts.iter().map(|host| self.call(host, Opcode::CREATE_META_PARTITION, Subject::MetaPartition(id), request.clone()));
        let mut failed = None;
        for (host, answer) in chosen.hosts.iter().zip(join_all(sends).await) {
            if let Err(why) = answer {
                tracing::warn!(partition = id.0, host, %why, "meta partition not created");
                failed.get_or_insert(why);
            }
        }
        if let Some(why) = failed {
            self.abandon(PartitionKind::Meta, id).await;
            return Err(why.into());
        }
        let partition = MetaPartition::new(id, range.start, range.end, &record, chosen.hosts, chosen.peers);
        Ok(BuiltMetaPartition { partition, intent: Key::CreateIntent(PartitionKind::Meta, id).to_string(), _creation: creation })
    }

    /// Commits built meta partitions together, and `also` with them. On failure their replicas are removed from the hosts.
    ///
    /// # Errors
    /// The volume or an intent is gone, `also` refuses, or nothing could be committed.
    pub async fn commit_meta_partitions(
        &self,
        actor: &str,
        volume: VolumeId,
        built: Vec<BuiltMetaPartition>,
        also: impl Fn(&State, &mut Txn) -> Result<(), Fault> + Send + Sync,
    ) -> Result<Vec<PartitionId>, Fault> {
        let committed = self
            .commit(actor, |state, txn| {
                if state.volumes.get(&volume).is_none_or(|v| v.status != VolumeStatus::NORMAL) {
                    return Err(fault::VOL_NOT_EXISTS);
                }
                for part in &built {
                    if txn.read::<CreateIntent>(&part.intent).is_none() {
                        return Err(fault::VOL_NOT_EXISTS);
                    }
                    txn.delete::<CreateIntent>(&part.intent);
                    txn.put(part.partition.clone());
                }
                also(state, txn)
            })
            .await;
        let ids: Vec<_> = built.iter().map(|b| b.partition.partition_id).collect();
        match committed {
            Ok(()) => {
                let now = self.env.now();
                let mut live = self.live();
                for MetaPartition { partition_id, hosts, start, end, .. } in built.iter().map(|b| &b.partition) {
                    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
                    live.reports.assume_meta_partition_created(*partition_id, &hosts, *start, *end, now.0);
                }
                Ok(ids)
            }
            Err(why) => {
                for id in ids {
                    self.abandon(PartitionKind::Meta, id).await;
                }
                Err(why)
            }
        }
    }

    /// Gives up built meta partitions that are not going to be committed.
    pub async fn discard_meta_partitions(&self, built: Vec<BuiltMetaPartition>) {
        for part in built {
            self.abandon(PartitionKind::Meta, part.partition.partition_id).await;
        }
    }

    fn choose(&self, moment: &Moment, demand: impl FnOnce(&Live) -> Demand) -> Result<Chosen, Fault> {
        let mut live = self.live();
        let live = &mut *live;
        let demand = demand(live);
        let mut random = || self.env.entropy.next_u64(Purpose::Placement);
        placement::choose(&moment.scene(), &live.reports, &mut live.selectors, &demand, &mut random)
    }

    /// Commits the intent to create a partition. Each try may take another id, and is a creation of its own.
    async fn commit_intent(
        &self,
        kind: PartitionKind,
        volume: &Volume,
        chosen: &Chosen,
        term: Term,
        counter: Counter,
    ) -> Result<(PartitionId, Creation<PartitionKey>), Fault> {
        let (wall, creations) = (self.env.wall().secs(), self.live().creating.clone());
        self.commit("intend partition", |state, txn| {
            // A node that left meanwhile must not be given a replica.
            let known = |p: &Peer| match kind {
                PartitionKind::Data => state.data_node_by_addr(&p.addr).is_some_and(|n| n.id == p.id),
                PartitionKind::Meta => state.meta_node_by_addr(&p.addr).is_some_and(|n| n.id == p.id),
            };
            if !chosen.peers.iter().all(known) {
                return Err(Fault::internal("a chosen node left the cluster"));
            }
            let id = PartitionId(txn.alloc(counter));
            txn.put(CreateIntent { kind, id, volume: volume.id, hosts: chosen.hosts.clone(), term, created: wall, ..Default::default() });
            Ok((id, creations.begin((kind, id))))
        })
        .await
    }
}
