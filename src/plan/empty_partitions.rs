//! Empty meta partitions, which may be frozen and then cleaned (v3.5.3 http-partitions-nodes.md §8).

use super::meta_partition::leader;
use super::reports::{MetaPartitionReports, Reports};
use super::scene::Scene;
use crate::ids::{PartitionId, VolumeId};
use crate::limits::INODE_MAX;
use crate::model::{Freeze, MetaPartition};
use crate::wire::reply::Fault;

/// Empty partitions of a volume that stay, whatever the request says.
const KEPT_MIN: usize = 2;

/// No inodes and no dentries as far as reported, and not the partition that takes new inodes.
pub fn is_empty(reports: &Reports, partition: &MetaPartition) -> bool {
    let holds = |reported: &MetaPartitionReports| reported.inode_count() > 0 || reported.dentry_count() > 0;
    !reports.meta_partition(partition.partition_id).is_some_and(holds) && partition.end != INODE_MAX
}

/// The same, and the leader of its raft group says so.
pub fn is_surely_empty(scene: &Scene<'_>, reports: &Reports, partition: &MetaPartition) -> bool {
    let leader = leader(scene, reports, partition);
    let heard = leader.and_then(|addr| reports.meta_partition(partition.partition_id)?.replica(&addr)).is_some_and(|r| !r.assumed);
    heard && is_empty(reports, partition)
}

/// The partitions of a volume to freeze so that `keep` empty ones stay, at least [`KEPT_MIN`]: the first by their inodes.
///
/// # Errors
/// There are not more empty ones than that.
pub fn to_freeze(scene: &Scene<'_>, reports: &Reports, volume: VolumeId, keep: usize) -> Result<Vec<PartitionId>, Fault> {
    let all = scene.state.meta_partitions_of_volume(volume);
    let empty: Vec<&MetaPartition> = all.map(|mp| &**mp).filter(|mp| is_surely_empty(scene, reports, mp)).collect();
    match empty.len().saturating_sub(keep.max(KEPT_MIN)) {
        0 => Err(Fault::param("reserve mp number is larger than or equal empty number")),
        count => Ok(empty[..count].iter().filter(|mp| mp.freeze == Freeze::NONE).map(|mp| mp.partition_id).collect()),
    }
}

/// What becomes of a frozen partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frozen {
    /// It goes.
    Clean,
    /// It is written again, or holds the root of the volume.
    Thaw,
    /// Not known yet.
    Wait,
}

/// Judges a frozen partition. The first one of a volume stays: that is where its root inode belongs.
pub fn judge(scene: &Scene<'_>, reports: &Reports, partition: &MetaPartition) -> Frozen {
    match (is_surely_empty(scene, reports, partition), is_empty(reports, partition)) {
        (_, false) => Frozen::Thaw,
        _ if partition.start == 0 => Frozen::Thaw,
        (true, _) => Frozen::Clean,
        (false, true) => Frozen::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::world::{meta_addr, meta_heartbeat, meta_report, World};
    use crate::wire::report::MetaPartitionReport;

    /// A volume with five partitions of which the first holds an inode and the others none.
    fn world() -> (World, VolumeId, Vec<MetaPartition>) {
        let mut world = World::one_zone(3);
        let volume = world.volume(8);
        let ends = [10, 20, 30, 40, INODE_MAX];
        let starts = [0, 11, 21, 31, 41];
        let parts = (0..5).map(|i| world.meta_partition(&volume, i as u64 + 1, starts[i], ends[i])).collect();
        (world, volume.id, parts)
    }

    fn hear(world: &mut World, parts: &[MetaPartition], full: &[u64]) {
        for i in 1..=3 {
            let reports: Vec<MetaPartitionReport> = parts
                .iter()
                .map(|mp| MetaPartitionReport {
                    inode_cnt: u64::from(full.contains(&mp.partition_id.0)),
                    ..meta_report(mp, i == 1, mp.start)
                })
                .collect();
            world.hear_meta(&meta_addr(1, i), meta_heartbeat(64, 1, &reports));
        }
    }

    #[test]
    fn two_empty_partitions_stay_and_the_last_is_never_one() {
        let (mut world, volume, parts) = world();
        hear(&mut world, &parts, &[1]);
        let frozen =
            |keep| to_freeze(&world.scene(), &world.reports, volume, keep).map(|ids| ids.iter().map(|id| id.0).collect::<Vec<_>>());
        assert_eq!(frozen(0), Ok(vec![2]), "of 2, 3 and 4");
        assert_eq!(frozen(2), Ok(vec![2]));
        assert!(frozen(3).is_err());
    }

    #[test]
    fn what_no_leader_has_reported_is_not_known_to_be_empty() {
        let (mut world, volume, parts) = world();
        assert!(to_freeze(&world.scene(), &world.reports, volume, 0).is_err());
        assert_eq!(judge(&world.scene(), &world.reports, &parts[1]), Frozen::Wait);
        hear(&mut world, &parts, &[3]);
        assert_eq!(judge(&world.scene(), &world.reports, &parts[1]), Frozen::Clean);
        assert_eq!(judge(&world.scene(), &world.reports, &parts[2]), Frozen::Thaw);
        assert_eq!(judge(&world.scene(), &world.reports, &parts[0]), Frozen::Thaw, "where the root belongs");
        assert_eq!(judge(&world.scene(), &world.reports, &parts[4]), Frozen::Thaw, "where new inodes go");
    }
}
