//! What a mounted client reads: the volume, its meta partitions, its data partitions (v3.5.3 http-types.md T:VolView, T:MetaPartitionView,
//! T:DataPartitionsView).
//!
//! Invariant: pure, like all views.

use super::data_partition::{DataPartitionResponse, DataPartitionsView};
use super::meta_partition::MetaPartitionView;
use super::volume::VolView;
use crate::model::{ClassQuota, DataPartition, MetaPartition, Volume, VolumeType};
use crate::plan::reports::Reports;
use crate::plan::scene::Scene;
use crate::plan::volume::{used_by_media, Facts};
use crate::plan::{data_partition, meta_partition};
use crate::wire::report::StatOfStorageClass;

/// The view of a volume. Its data partitions are a view of their own.
pub fn volume(scene: &Scene<'_>, reports: &Reports, volume: &Volume) -> VolView {
    VolView {
        name: volume.name.clone(),
        owner: volume.owner.clone(),
        status: volume.status.0,
        follower_read: volume.follower_read,
        meta_partitions: meta_partitions(scene, reports, volume),
        domain_on: volume.domain_on,
        oss_secure: super::volume::OssSecure { access_key: volume.oss_access_key.clone(), secret_key: volume.oss_secret_key.clone() },
        create_time: volume.create_time,
        delete_lock_time: volume.delete_lock_time,
        vol_type: volume.vol_type.0,
        ..Default::default()
    }
}

/// The meta partitions of a volume.
pub fn meta_partitions(scene: &Scene<'_>, reports: &Reports, volume: &Volume) -> Vec<MetaPartitionView> {
    let last = meta_partition::last_of_volume(scene.state, volume.id).map(|p| p.partition_id);
    let of_volume = scene.state.meta_partitions_of_volume(volume.id);
    of_volume.map(|p| meta_partition_view(scene, reports, p, volume.forbidden, Some(p.partition_id) == last)).collect()
}

fn meta_partition_view(scene: &Scene<'_>, reports: &Reports, p: &MetaPartition, forbidden: bool, last: bool) -> MetaPartitionView {
    let seen = meta_partition::assess(scene, reports, p, forbidden, last);
    let mut view = MetaPartitionView {
        partition_id: p.partition_id.0,
        start: p.start,
        end: p.end,
        members: p.hosts.clone(),
        status: seen.status.0,
        ..Default::default()
    };
    // Without a leader v3.5.3 shows nothing more (http-partitions-nodes.md §6.3).
    if let (Some(leader), Some(reported)) = (seen.leader, reports.meta_partition(p.partition_id)) {
        view.leader_addr = leader.to_string();
        view.max_inode_id = reported.max_inode_id();
        view.inode_count = reported.inode_count();
        view.dentry_count = reported.dentry_count();
        view.free_list_len = reported.free_list_len();
        view.tx_cnt = reported.tx_count();
        view.tx_rb_ino_cnt = reported.tx_rollback_inode_count();
        view.tx_rb_den_cnt = reported.tx_rollback_dentry_count();
        view.is_recover = p.is_recover;
        view.freeze = p.freeze.0;
        view.last_del_replica_time = p.last_del_replica_time;
    }
    view
}

/// The data partitions of a volume; `None` for a hot volume that has none, which v3.5.3 answers with an error.
pub fn data_partitions(scene: &Scene<'_>, reports: &Reports, volume: &Volume) -> Option<DataPartitionsView> {
    let facts = Facts::of(scene, reports, volume);
    let of_volume = scene.state.data_partitions_of_volume(volume.id).filter(|p| !p.hosts.is_empty());
    let views: Vec<_> = of_volume.map(|p| data_partition_view(scene, reports, p, &facts)).collect();
    if views.is_empty() && volume.vol_type == VolumeType::HOT {
        return None;
    }
    Some(DataPartitionsView {
        data_partitions: views,
        vol_read_only: facts.full || volume.forbidden,
        stat_by_class: if volume.dp_read_only_when_vol_full { used_by_class(scene, reports, volume).into() } else { Default::default() },
    })
}

/// Used bytes and quota of each storage class that the volume may use.
fn used_by_class(scene: &Scene<'_>, reports: &Reports, volume: &Volume) -> Vec<StatOfStorageClass> {
    let used = used_by_media(scene, reports, volume);
    let stat = |q: &ClassQuota| StatOfStorageClass {
        storage_class: q.storage_class.0,
        inode_count: 0,
        used_size_bytes: used.get(&q.storage_class.media_type()).copied().unwrap_or(0),
        quota_gb: q.quota_gb,
    };
    volume.effective(scene.rules.legacy_media_type).quota_of_class.iter().map(stat).collect()
}

fn data_partition_view(scene: &Scene<'_>, reports: &Reports, p: &DataPartition, facts: &Facts) -> DataPartitionResponse {
    let seen = data_partition::assess(scene, reports, p, facts);
    DataPartitionResponse {
        partition_type: p.partition_type,
        partition_id: p.partition_id.0,
        status: seen.status.0,
        replica_num: p.replica_num,
        hosts: p.hosts.clone(),
        leader_addr: seen.leader.map(|l| l.to_string()).unwrap_or_default(),
        epoch: 0,
        is_recover: p.is_recover,
        is_discard: p.is_discard,
        media_type: p.effective_media_type(scene.rules.legacy_media_type).0,
    }
}
