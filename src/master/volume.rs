//! Creating a volume (v3.5.3 topology-selection.md §12, http-cluster-volume.md §2.1.4).
//!
//! The record comes first, because meta nodes ask for the volume while they create its partitions. An intent stands beside it until the
//! volume is complete and belongs to its user: a volume whose creation was cut short is marked deleted by whoever leads then.

use super::creating::Creation;
use super::{users, Master};
use crate::env::Purpose;
use crate::ids::VolumeId;
use crate::limits;
use crate::model::{Counter, Key, VersionList, Volume, VolumeIntent, VolumeStatus};
use crate::mutants::mutant;
use crate::plan::meta_partition::initial_ranges;
use crate::plan::zone_check;
use crate::wire::reply::{fault, Fault};
use futures::stream::{self, StreamExt};

/// Data partitions of one volume that are created at a time.
const CREATIONS_AT_A_TIME: usize = 4;
/// Rounds in which missing data partitions of a new volume are tried.
const INITIAL_ROUNDS: usize = 3;

/// A volume to create: its record without id, keys and time, and how many partitions it starts with.
#[derive(Clone, Debug)]
pub struct NewVolume {
    pub record: Volume,
    pub meta_partitions: u64,
    pub data_partitions: u64,
}

impl Master {
    /// Creates a volume with its partitions and ties it to its user; returns the number of its data partitions.
    ///
    /// # Errors
    /// The texts of v3.5.3: frozen cluster, zone rules, name in use, partitions that could not be created.
    pub async fn create_volume(&self, new: NewVolume) -> Result<usize, Fault> {
        let moment = self.moment();
        if moment.rules.frozen {
            return Err(Fault::internal("the cluster is frozen, can not create volume"));
        }
        let mut record = new.record;
        record.zone_name = zone_check::zone_name(&moment.scene(), &record)?;
        let name = record.name.clone();
        let wrapped = |e: &dyn std::fmt::Display| {
            Fault::internal(format!("action[createVol], clusterID[{}] name:{name}, err:{e}", self.config.cluster_name))
        };
        let (id, _creation) = self.commit_volume(&record).await.map_err(|e| {
            let inner = format!("action[doCreateVol], clusterID[{}] name:{name}, err:{e} ", self.config.cluster_name);
            wrapped(&format!("{inner} "))
        })?;
        record.id = id;

        if let Err(e) = self.create_initial_meta_partitions(id, new.meta_partitions).await {
            self.remove_unborn_volume(id).await;
            return Err(wrapped(&format!("action[createVol] initMetaPartitions failed, vol[{name}] err[{e}] ")));
        }
        if let Err(e) = self.create_initial_data_partitions(&record, new.data_partitions).await {
            self.remove_unborn_volume(id).await;
            return Err(wrapped(&e));
        }
        self.cached.refresh_volume(self, id);
        if !mutant!("volume acknowledged before it is complete") {
            self.give_to_owner(&record).await?;
        }
        Ok(self.state().data_partitions_of_volume(id).count())
    }

    async fn commit_volume(&self, record: &Volume) -> Result<(VolumeId, Creation<VolumeId>), Fault> {
        let term = self.ready_term().ok_or(fault::NO_LEADER)?;
        let mut random = || self.env.entropy.next_u64(Purpose::Secret);
        let (access, secret) = (users::random_text(16, &mut random), users::random_text(32, &mut random));
        let (wall, creations) = (self.env.wall().secs(), self.live().creating_volumes.clone());
        self.commit("create volume", |state, txn| {
            if state.volume_by_name(&record.name).is_some() {
                return Err(fault::DUPLICATE_VOL);
            }
            let id = VolumeId(txn.alloc(Counter::Common));
            let volume = Volume { id, create_time: wall, oss_access_key: access.clone(), oss_secret_key: secret.clone(), ..record.clone() };
            txn.put(VersionList::new(id));
            txn.put(VolumeIntent { volume: id, name: record.name.clone(), term, created: wall, ..Default::default() });
            txn.put(volume);
            Ok((id, creations.begin(id)))
        })
        .await
    }

    async fn create_initial_meta_partitions(&self, id: VolumeId, count: u64) -> Result<(), Fault> {
        let step = self.state().settings.meta_partition_inode_id_step;
        let ranges = initial_ranges(count, step);
        let expected = ranges.len();
        // One after the other: the order of ids is the order of ranges.
        let mut built = Vec::new();
        for range in ranges {
            match self.build_meta_partition(id, range, 0).await {
                Ok(part) => built.push(part),
                Err(e) => {
                    let made = built.len();
                    self.discard_meta_partitions(built).await;
                    let name = self.volume_name(id);
                    return Err(Fault::internal(format!(
                        "action[initMetaPartitions] vol[{name}] init meta partition failed,mpCount[{made}],expectCount[{expected}],err[{e}]"
                    )));
                }
            }
        }
        self.commit_meta_partitions("create volume", id, built, |_, _| Ok(())).await.map(drop)
    }

    /// Up to three rounds; three data partitions of each media type must exist at the end (v3.5.3 topology-selection.md §12.4).
    async fn create_initial_data_partitions(&self, volume: &Volume, wanted: u64) -> Result<(), Fault> {
        if volume.capacity == 0 {
            return Ok(());
        }
        let wanted = wanted.clamp(limits::DATA_PARTITIONS_INITIAL_MIN, limits::DATA_PARTITIONS_PER_REQUEST_MAX) as usize;
        let legacy = self.state().settings.legacy_data_media_type;
        for class in volume.effective_allowed_storage_class(legacy).into_iter().filter(|c| c.is_replica()) {
            let media = class.media_type();
            let mut created = 0;
            for _ in 0..INITIAL_ROUNDS {
                let results = stream::iter(created..wanted).map(|_| self.create_data_partition(volume.id, media));
                let mut results = results.buffer_unordered(CREATIONS_AT_A_TIME);
                let mut failed = false;
                while let Some(result) = results.next().await {
                    match result {
                        Ok(_) => created += 1,
                        Err(_) => failed = true,
                    }
                }
                if !failed {
                    break;
                }
            }
            if created < limits::DATA_PARTITIONS_INITIAL_MIN as usize {
                return Err(Fault::internal(format!(
                    "action[initDataPartitionsForCreateVol] vol[{}] mediaType[{}] initDataPartitions failed, createdCount({created}), \
                     less than minLimit({})",
                    volume.name,
                    media.text(),
                    limits::DATA_PARTITIONS_INITIAL_MIN
                )));
            }
        }
        Ok(())
    }

    /// The last step: the volume belongs to its user and is complete.
    async fn give_to_owner(&self, volume: &Volume) -> Result<(), Fault> {
        let fresh = users::NewKeys::draw(self);
        self.commit("create volume", |_, txn| {
            users::add_own_volume(txn, &volume.owner, &volume.name, &fresh)?;
            txn.delete::<VolumeIntent>(&Key::VolumeIntent(volume.id).to_string());
            Ok(())
        })
        .await
    }

    /// A volume that could not be completed: without partitions it goes at once, else it is marked deleted, so that the deletion round
    /// removes it and what it has on nodes.
    pub(super) async fn remove_unborn_volume(&self, id: VolumeId) {
        let removed = self
            .commit("remove unfinished volume", |state, txn| {
                let intent = Key::VolumeIntent(id).to_string();
                if txn.read::<VolumeIntent>(&intent).is_none() {
                    // It was completed after all.
                    return Ok(());
                }
                let bare = state.meta_partitions_of_volume(id).next().is_none() && state.data_partitions_of_volume(id).next().is_none();
                if bare {
                    txn.delete::<Volume>(&Key::Volume(id).to_string());
                } else if let Some(volume) = txn.volume(id) {
                    txn.put(Volume { status: VolumeStatus::MARK_DELETE, forbidden: false, ..(*volume).clone() });
                }
                txn.delete::<VolumeIntent>(&intent);
                Ok(())
            })
            .await;
        if let Err(why) = removed {
            tracing::warn!(volume = id.0, %why, "an unfinished volume stays until the next round or leader");
        }
    }

    pub(super) fn volume_name(&self, id: VolumeId) -> String {
        self.state().volumes.get(&id).map_or_else(String::new, |v| v.name.clone())
    }
}
