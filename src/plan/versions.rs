//! Snapshot versions of volumes: making and deleting them needs every node that serves the volume (v3.5.3 http-cluster-volume.md §8.1,
//! background-tasks.md §16).

use crate::ids::VolumeId;
use crate::model::{PartitionKind, VersionList, VersionStatus, Volume, VolumeType, VolumeVersion};
use crate::plan::reports::Reports;
use crate::plan::scene::Scene;
use crate::wire::report::MultiVersionOpResponse;
use crate::wire::task::status;
use std::collections::{BTreeMap, BTreeSet};

/// Most versions in the list of a volume.
const VERSIONS_MAX: usize = 30;
const SECS_PER_HOUR: i64 = 3600;

/// What is going on with versions, by volume: one thing at a time.
#[derive(Clone, Debug, Default)]
pub struct VersionWork(BTreeMap<VolumeId, Work>);

/// One phase of the work on a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Work {
    op: u8,
    ver: u64,
    waiting: BTreeSet<String>,
    failure: Option<String>,
}

/// How a phase stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Waiting,
    Done,
    Failed(String),
}

impl VersionWork {
    /// Begins to work on a volume. False: it is being worked on.
    pub fn begin(&mut self, volume: VolumeId) -> bool {
        if self.0.contains_key(&volume) {
            return false;
        }
        self.0.insert(volume, Work::default());
        true
    }

    /// Nodes are asked to do something with a version.
    pub fn ask(&mut self, volume: VolumeId, op: u8, ver: u64, nodes: impl Iterator<Item = String>) {
        self.0.insert(volume, Work { op, ver, waiting: nodes.collect(), failure: None });
    }

    /// A node answered. What was not asked for now does not count.
    pub fn answered(&mut self, volume: VolumeId, said: &MultiVersionOpResponse) {
        let Some(work) = self.0.get_mut(&volume).filter(|work| work.op == said.op && work.ver == said.ver_seq) else { return };
        if !work.waiting.remove(&said.addr) {
            return;
        }
        if said.status != status::SUCCEEDED || !said.result.is_empty() {
            work.failure.get_or_insert_with(|| format!("node {} error {}", said.addr, said.result));
        }
    }

    /// How the phase stands.
    pub fn standing(&self, volume: VolumeId) -> Standing {
        match self.0.get(&volume) {
            Some(Work { failure: Some(why), .. }) => Standing::Failed(why.clone()),
            Some(work) if !work.waiting.is_empty() => Standing::Waiting,
            _ => Standing::Done,
        }
    }

    /// The work on a volume is over, however it went.
    pub fn end(&mut self, volume: VolumeId) {
        self.0.remove(&volume);
    }
}

/// Nodes that hold a partition of the volume, and of them those that are known to be silent.
pub fn nodes(scene: &Scene<'_>, reports: &Reports, volume: VolumeId) -> Vec<(String, bool)> {
    let data = scene.state.data_partitions_of_volume(volume).flat_map(|partition| partition.hosts.iter().cloned());
    let meta = scene.state.meta_partitions_of_volume(volume).flat_map(|partition| partition.hosts.iter().cloned());
    let alive = |kind, addr: &str| match kind {
        PartitionKind::Data => reports.data_liveness(addr, scene.now).is_active(),
        PartitionKind::Meta => reports.meta_liveness(addr, scene.now).is_active(),
    };
    let of = |kind, hosts: BTreeSet<String>| hosts.into_iter().map(move |addr| (addr.clone(), alive(kind, &addr)));
    of(PartitionKind::Data, data.collect()).chain(of(PartitionKind::Meta, meta.collect())).collect()
}

/// Whether a version may be deleted now.
///
/// # Errors
/// The text of v3.5.3.
pub fn may_delete(list: &VersionList, ver: u64) -> Result<(), &'static str> {
    let at = list.versions.iter().position(|version| version.ver == ver).ok_or("not found")?;
    if at + 1 == list.versions.len() {
        return Err("uncommited version");
    }
    match list.versions[at].status {
        VersionStatus::DELETING => Err("version on deleting"),
        VersionStatus::DELETED => Err("version alreay be deleted"),
        _ => Ok(()),
    }
}

/// The list with a version that is being deleted.
pub fn deleting(list: &VersionList, ver: u64, wall_secs: i64) -> VersionList {
    let going = |version: &VolumeVersion| match version.ver == ver {
        true => VolumeVersion { status: VersionStatus::DELETING, delete_time: wall_secs, ..version.clone() },
        false => version.clone(),
    };
    VersionList { versions: list.versions.iter().map(going).collect(), ..list.clone() }
}

/// The version that the strategy of a volume asks for now, if it does.
///
/// # Errors
/// There are too many.
pub fn version_due(volume: &Volume, list: &VersionList, wall_nanos: i64) -> Result<Option<u64>, String> {
    let strategy = &list.strategy;
    if !strategy.enable || strategy.periodic <= 0 || volume.vol_type != VolumeType::HOT || volume.is_deleted() {
        return Ok(None);
    }
    let due = strategy.update_time.unix_secs().saturating_add(strategy.periodic.saturating_mul(SECS_PER_HOUR));
    let kept = usize::try_from(strategy.keep_ver_cnt).unwrap_or(0);
    if list.versions.len() > kept + 1 || wall_nanos.div_euclid(1_000_000_000) < due {
        return Ok(None);
    }
    if list.versions.len() > VERSIONS_MAX {
        return Err(format!("too much version exceed {VERSIONS_MAX} in list"));
    }
    let now = u64::try_from(wall_nanos / 1000).unwrap_or(0);
    let last = list.versions.iter().map(|version| version.ver).max().unwrap_or(0).max(list.ver_seq);
    Ok(Some(now.max(last + 1)))
}

/// The version that the strategy wants deleted now: the oldest, where there are more than it keeps.
pub fn deletion_due(volume: &Volume, list: &VersionList) -> Option<u64> {
    let strategy = &list.strategy;
    let kept = usize::try_from(strategy.keep_ver_cnt).unwrap_or(0);
    let wanted = strategy.enable && strategy.periodic > 0 && volume.vol_type == VolumeType::HOT && list.versions.len() > kept + 1;
    let oldest = list.versions.first().filter(|version| wanted && version.status == VersionStatus::NORMAL)?;
    Some(oldest.ver)
}

#[cfg(test)]
mod tests;
