//! What a leader knows besides the replicated state. Memory only: a new reign begins with nothing and loses nothing by it.

use super::cleanup::PartitionKey;
use super::creating::Creations;
use super::empty_partitions::Cleanings;
use super::moves::InHand;
use crate::env::{Mono, Wall};
use crate::ids::{PartitionId, VolumeId};
use crate::model::PartitionKind;
use crate::plan::balance::course;
use crate::plan::flash::Fleet;
use crate::plan::flow_limits;
use crate::plan::lifecycle::Jobs;
use crate::plan::liveness::Liveness;
use crate::plan::moves::replica_meta::Watch;
use crate::plan::placement::Selectors;
use crate::plan::reports::Reports;
use crate::plan::statistics::Statistics;
use crate::plan::versions::VersionWork;
use crate::wire::gojson::List;
use crate::wire::report::MetaPartitionLoadResponse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

/// Memory of one reign.
#[derive(Default)]
pub struct Live {
    /// What nodes reported.
    pub reports: Reports,
    /// Carry weights and rotating indexes of host selection.
    pub selectors: Selectors,
    /// Partitions that this master is creating right now.
    pub creating: Creations<PartitionKey>,
    /// Volumes that it is creating right now.
    pub creating_volumes: Creations<VolumeId>,
    /// Replicas of tombstones whose hosts confirmed that they are gone.
    pub buried: BTreeSet<(PartitionKind, PartitionId, String)>,
    /// Since when this reign has known of each tombstone.
    pub tombstones_since: BTreeMap<(PartitionKind, PartitionId), Mono>,
    /// Moves of replicas as this leader carries them out.
    pub moves: InHand,
    /// The plan for balancing meta nodes as this leader carries it out.
    pub balance: course::Memory,
    /// What is being done with empty meta partitions.
    pub cleanings: Cleanings,
    /// Partitions whose hosts and raft groups do not agree.
    pub replica_meta: Watch,
    /// When data partitions were last created automatically for a volume.
    pub auto_created: BTreeMap<VolumeId, Duration>,
    /// The numbers of the last statistics round.
    pub statistics: Statistics,
    /// What the replicas of meta partitions answered when they were last loaded.
    pub loaded: BTreeMap<PartitionId, List<MetaPartitionLoadResponse>>,
    /// Flow limits of volumes that clients asked for, or somebody changed.
    pub flow_limits: flow_limits::ByVolume,
    /// Ids for clients under flow limits that are committed and not given yet.
    pub client_ids: Range<u64>,
    /// Flash nodes, their groups and manual tasks.
    pub flash: Fleet,
    /// Lc nodes and their jobs.
    pub lc_jobs: Jobs,
    /// Snapshot versions that are being made or deleted.
    pub versions: VersionWork,
    /// Wall-clock time at which the reign began.
    pub since_wall: Wall,
}

impl Live {
    /// Forgets what an earlier reign knew.
    pub fn begin_reign(&mut self, now: Mono, wall: Wall) {
        *self =
            Self { reports: Reports::new(now.0), flash: Fleet::new(now.0), lc_jobs: Jobs::new(now.0), since_wall: wall, ..Self::default() };
    }

    /// Is the host known to be down? Unknown is not down.
    pub fn is_inactive(&self, kind: PartitionKind, host: &str, now: Mono) -> bool {
        let liveness = match kind {
            PartitionKind::Data => self.reports.data_liveness(host, now.0),
            PartitionKind::Meta => self.reports.meta_liveness(host, now.0),
        };
        liveness == Liveness::Inactive
    }
}
