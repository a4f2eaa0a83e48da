//! What a volume holds, when it is full, what is created for it by itself, and when it goes (v3.5.3 background-tasks.md §5, §8).

use super::data_partition;
use super::reports::{MetaPartitionReports, Reports};
use super::scene::Scene;
use crate::ids::VolumeId;
use crate::limits::GIB;
use crate::model::{MediaType, PartitionStatus, StorageClass, Volume, VolumeType};
use crate::wire::report::StatOfStorageClass;
use std::collections::BTreeMap;
use std::time::Duration;

/// While a volume is younger its partitions count as read-write, seconds.
const NEW_SECS: i64 = 18;
/// A volume must be older for partitions to be created for it by itself, seconds.
const AUTO_CREATE_AGE_SECS_MIN: i64 = 5;
/// Between two automatic creations for one volume.
const AUTO_CREATE_INTERVAL: Duration = Duration::from_secs(60);
/// A leader creates none before it has led this long: by then it knows what can be written. v3.5.3 counts from the start of the process,
/// and a later leader of it creates too many (background-tasks.md §22.3).
const AUTO_CREATE_AFTER: Duration = Duration::from_secs(120);
/// Read-write data partitions of a medium that a volume is kept at.
const WRITABLE_WANTED: usize = 10;
/// Above this capacity a volume is large, GB.
const LARGE_CAPACITY_GB: u64 = 200_000;
/// Read-write data partitions of its main class that a large volume is kept at.
const LARGE_WRITABLE_WANTED: usize = 200;
/// Data partitions that a large volume gets at a time.
const LARGE_BATCH: std::ops::RangeInclusive<u64> = 10..=100;

/// What the state of a volume's data partitions depends on besides themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub forbidden: bool,
    /// `ReadOnlyForVolFull`: it is full, and then read-only.
    pub full: bool,
    /// Media whose class quota is used up, and that are then read-only.
    pub full_media: Vec<MediaType>,
    /// Unix seconds.
    pub create_time: i64,
}

impl Facts {
    /// The facts about a volume. Sums over its partitions only where they matter.
    pub fn of(scene: &Scene<'_>, reports: &Reports, volume: &Volume) -> Self {
        let mut facts = Self { forbidden: volume.forbidden, create_time: volume.create_time, ..Self::default() };
        if volume.dp_read_only_when_vol_full {
            let used = used_by_media(scene, reports, volume);
            facts.full = is_full(volume, total(&used));
            let quota_used_up = |media: &MediaType| {
                let quota = volume.quota_of_class.iter().find(|q| q.storage_class == media.storage_class()).map_or(0, |q| q.quota_gb);
                quota != 0 && quota.saturating_mul(GIB) <= used.get(media).copied().unwrap_or(0)
            };
            facts.full_media = [MediaType::SSD, MediaType::HDD].into_iter().filter(quota_used_up).collect();
        }
        facts
    }

    /// Nothing may be written on this medium because of what is there already.
    pub fn is_full(&self, media: MediaType) -> bool {
        self.full || self.full_media.contains(&media)
    }

    /// Its partitions had no time to be reported.
    pub fn is_new(&self, scene: &Scene<'_>) -> bool {
        !self.forbidden && (0..NEW_SECS).contains(&scene.wall_secs.saturating_sub(self.create_time))
    }
}

fn is_full(volume: &Volume, used: u64) -> bool {
    volume.dp_read_only_when_vol_full && volume.capacity > 0 && volume.vol_type == VolumeType::HOT && used / GIB >= volume.capacity
}

/// Bytes in data partitions by medium (`StatByDpMediaType`).
pub fn used_by_media(scene: &Scene<'_>, reports: &Reports, volume: &Volume) -> BTreeMap<MediaType, u64> {
    let mut used: BTreeMap<MediaType, u64> = BTreeMap::new();
    for partition in scene.state.data_partitions_of_volume(volume.id) {
        let bytes = reports.data_partition(partition.partition_id).map_or(0, |p| p.used());
        let sum = used.entry(partition.effective_media_type(scene.rules.legacy_media_type)).or_default();
        *sum = sum.saturating_add(bytes);
    }
    used
}

fn total(used: &BTreeMap<MediaType, u64>) -> u64 {
    used.values().copied().fold(0, u64::saturating_add)
}

/// Bytes that a volume holds: in its data partitions, or by its meta partitions where the data lie in the blobstore.
pub fn used_bytes(scene: &Scene<'_>, reports: &Reports, volume: &Volume) -> u64 {
    if volume.vol_type == VolumeType::HOT {
        return total(&used_by_media(scene, reports, volume));
    }
    sum_meta(scene, reports, volume, MetaPartitionReports::size)
}

/// Inodes of a volume.
pub fn inode_count(scene: &Scene<'_>, reports: &Reports, volume: &Volume) -> u64 {
    sum_meta(scene, reports, volume, MetaPartitionReports::inode_count)
}

/// Dentries of a volume.
pub fn dentry_count(scene: &Scene<'_>, reports: &Reports, volume: &Volume) -> u64 {
    sum_meta(scene, reports, volume, MetaPartitionReports::dentry_count)
}

/// A count summed over the meta partitions of a volume.
pub fn sum_meta(scene: &Scene<'_>, reports: &Reports, volume: &Volume, of: impl Fn(&MetaPartitionReports) -> u64) -> u64 {
    let partitions = scene.state.meta_partitions_of_volume(volume.id);
    partitions.filter_map(|p| reports.meta_partition(p.partition_id)).map(of).fold(0, u64::wrapping_add)
}

/// Use by storage class, summed over the meta partitions of a volume (`StatByStorageClass`); classes in ascending order.
pub fn class_stats(scene: &Scene<'_>, reports: &Reports, volume: &Volume) -> Vec<StatOfStorageClass> {
    sum_stats(scene, reports, volume, MetaPartitionReports::stats)
}

/// The same of what is being migrated (`StatMigrateStorageClass`).
pub fn migrate_stats(scene: &Scene<'_>, reports: &Reports, volume: &Volume) -> Vec<StatOfStorageClass> {
    sum_stats(scene, reports, volume, MetaPartitionReports::migrate_stats)
}

fn sum_stats(
    scene: &Scene<'_>,
    reports: &Reports,
    volume: &Volume,
    of: impl Fn(&MetaPartitionReports) -> Vec<StatOfStorageClass>,
) -> Vec<StatOfStorageClass> {
    let mut sums: BTreeMap<u32, StatOfStorageClass> = BTreeMap::new();
    let partitions = scene.state.meta_partitions_of_volume(volume.id);
    for stat in partitions.filter_map(|p| reports.meta_partition(p.partition_id)).flat_map(of) {
        let sum = sums.entry(stat.storage_class).or_insert(StatOfStorageClass { storage_class: stat.storage_class, ..Default::default() });
        sum.inode_count = sum.inode_count.saturating_add(stat.inode_count);
        sum.used_size_bytes = sum.used_size_bytes.saturating_add(stat.used_size_bytes);
        sum.quota_gb = stat.quota_gb;
    }
    sums.into_values().collect()
}

/// Read-write data partitions of a volume by medium.
pub fn writable_by_media(scene: &Scene<'_>, reports: &Reports, volume: &Volume) -> BTreeMap<MediaType, usize> {
    let facts = Facts::of(scene, reports, volume);
    let mut counts = BTreeMap::new();
    for partition in scene.state.data_partitions_of_volume(volume.id).filter(|p| !p.is_discard) {
        if data_partition::assess(scene, reports, partition, &facts).status == PartitionStatus::READ_WRITE {
            *counts.entry(partition.effective_media_type(scene.rules.legacy_media_type)).or_default() += 1;
        }
    }
    counts
}

// ---- automatic creation -----------------------------------------------------------------------------------------

/// Data partitions that are to be created for a volume now, by medium (§5). `last`: when that was last so, if under this leadership.
pub fn wanted_data_partitions(scene: &Scene<'_>, reports: &Reports, volume: &Volume, last: Option<Duration>) -> Vec<(MediaType, usize)> {
    if volume.is_deleted() || volume.vol_type != VolumeType::HOT {
        return Vec::new();
    }
    let legacy = scene.rules.legacy_media_type;
    let classes = volume.effective_allowed_storage_class(legacy);
    let media = classes.into_iter().filter(|class| class.is_replica()).map(StorageClass::media_type);
    let count =
        |media: MediaType| scene.state.data_partitions_of_volume(volume.id).filter(|p| p.effective_media_type(legacy) == media).count();
    let settled = reports.age(scene.now) >= AUTO_CREATE_AFTER;
    let waited = settled && last.is_none_or(|last| scene.now.saturating_sub(last) >= AUTO_CREATE_INTERVAL);
    let facts = Facts::of(scene, reports, volume);
    let regular = waited && volume.capacity > 0 && !scene.rules.frozen && !volume.forbidden && !facts.full;
    // A class without any partition gets one, even in a frozen cluster and at once.
    let old_enough = scene.wall_secs.saturating_sub(volume.create_time) >= AUTO_CREATE_AGE_SECS_MIN;
    let first = |media: MediaType| usize::from(old_enough && count(media) == 0);
    let writable = writable_by_media(scene, reports, volume);
    let further = |media: MediaType| match regular {
        false => 0,
        true if scene.rules.auto_create && facts.is_full(media) => 0,
        true if scene.rules.auto_create => missing_writable(volume, legacy, media, writable.get(&media).copied().unwrap_or(0)),
        true if holds_its_capacity(scene, volume) => 0,
        true => WRITABLE_WANTED.saturating_sub(count(media)),
    };
    media.map(|media| (media, first(media).max(further(media)))).filter(|(_, wanted)| *wanted > 0).collect()
}

/// The data partitions of the volume are larger together than its capacity.
fn holds_its_capacity(scene: &Scene<'_>, volume: &Volume) -> bool {
    let count = scene.state.data_partitions_of_volume(volume.id).count() as u64;
    volume.data_partition_size.saturating_mul(count) / GIB > volume.capacity
}

fn missing_writable(volume: &Volume, legacy: MediaType, media: MediaType, writable: usize) -> usize {
    let main = volume.effective_storage_class(legacy).media_type();
    let large = media == main && volume.capacity > LARGE_CAPACITY_GB;
    if large && writable < LARGE_WRITABLE_WANTED {
        // A tenth of the capacity in partitions of the default size.
        let tenth = volume.capacity / 10 / (crate::limits::DATA_PARTITION_SIZE_DEFAULT / GIB);
        return tenth.clamp(*LARGE_BATCH.start(), *LARGE_BATCH.end()) as usize;
    }
    WRITABLE_WANTED.saturating_sub(writable)
}

// ---- deletion ---------------------------------------------------------------------------------------------------

/// The volume is gone for every check: marked for deletion, and a delayed deletion has come due (§8.3).
pub fn counts_as_deleted(volume: &Volume, wall_secs: i64) -> bool {
    volume.is_deleted() && (!volume.forbidden || volume.delete_exec_time.unix_secs() <= wall_secs)
}

/// The deletion of the volume is final, and what it has may go: it is marked, and no delayed deletion waits in its record. One that has come
/// due is final when that is recorded, because from then on no clock and no undelete can bring the volume back.
pub fn may_be_removed(volume: &Volume) -> bool {
    volume.is_deleted() && !volume.waits_for_deletion()
}

/// Delayed deletions that have come due and still have users to take the volume from.
pub fn deletions_due(scene: &Scene<'_>) -> Vec<VolumeId> {
    let due = |volume: &&std::sync::Arc<Volume>| volume.waits_for_deletion() && counts_as_deleted(volume, scene.wall_secs);
    scene.state.volumes.values().filter(due).map(|volume| volume.id).collect()
}

#[cfg(test)]
mod tests;
