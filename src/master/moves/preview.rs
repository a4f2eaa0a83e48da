//! What a decommission would do, without doing it (`plan=true`).

use super::{DiskWish, NodeWish};
use crate::env::Purpose;
use crate::ids::PartitionId;
use crate::master::Master;
use crate::model::{DataPartition, DecommissionType, PartitionKind};
use crate::plan::moves::allowed;
use crate::plan::moves::data::Stamp;
use crate::plan::moves::disks;
use crate::plan::moves::mark::{self, Verdict, Wish};
use crate::plan::moves::queue::{self, Loads, Start};
use crate::plan::moves::Turn;
use crate::view::moves::PlannedMove;

impl Master {
    /// What emptying a disk would do.
    pub fn preview_disk(&self, wish: &DiskWish) -> Vec<PlannedMove> {
        let state = self.state();
        let ids = disks::on_disk(&state, &wish.addr, &wish.disk).map(|dp| dp.partition_id);
        self.preview_some(ids.collect(), wish.count, &wish.addr, &wish.to, wish.raft_force, wish.weight)
    }

    /// What emptying a node would do.
    pub fn preview_data_node(&self, wish: &NodeWish) -> Vec<PlannedMove> {
        let state = self.state();
        let ids = state.data_partitions_on(&wish.addr).filter(|dp| wish.to.is_empty() || !dp.has_host(&wish.to)).map(|dp| dp.partition_id);
        self.preview_some(ids.collect(), wish.count, &wish.addr, &wish.to, wish.raft_force, wish.weight)
    }

    fn preview_some(&self, mut ids: Vec<PartitionId>, count: i64, from: &str, to: &str, raft_force: bool, weight: i64) -> Vec<PlannedMove> {
        if let Some(count) = usize::try_from(count).ok().filter(|count| *count > 0) {
            ids.truncate(count);
        }
        let kind = DecommissionType::MANUAL;
        let wish = Wish { from: from.to_owned(), to: to.to_owned(), raft_force, weight, kind, ..Wish::default() };
        self.preview_decommission(&ids, &wish)
    }

    /// What would become of each partition now. Changes nothing, not even what selection remembers.
    pub fn preview_decommission(&self, ids: &[PartitionId], wish: &Wish) -> Vec<PlannedMove> {
        let moment = self.moment();
        let (state, scene) = (&moment.state, moment.scene());
        let live = self.live();
        let mut selectors = live.selectors.clone();
        let mut loads = Loads::of(state);
        let stamp = Stamp { secs: moment.wall_secs, text: String::new(), term: Default::default(), in_doubt: false, wanted: 0 };
        let mut random = || self.env.entropy.next_u64(Purpose::Request);
        let mut one = |dp: &DataPartition| {
            let under_way = state.moves.get(&(PartitionKind::Data, dp.partition_id));
            let planned = |from: &str, to: &str, outcome: String| PlannedMove {
                partition_id: dp.partition_id.0,
                from: from.to_owned(),
                to: to.to_owned(),
                outcome,
            };
            let (from, force, weight) = match mark::judge(&scene, &live.reports, dp, under_way.map(|mv| &**mv), wish) {
                Verdict::Mark { from, raft_force, weight, .. } => (from, raft_force, weight),
                Verdict::Resume => return planned(&wish.from, "", "goes on after its pause".into()),
                Verdict::Performing { why, .. } | Verdict::Refuse(why) => return planned(&wish.from, "", why.to_string()),
            };
            if !force {
                if let Err(why) = allowed::may_lose(&scene, &live.reports, dp, &from, false) {
                    return planned(&from, "", why.to_string());
                }
            }
            let mut marked = dp.clone();
            let mv = mark::mark(&scene, &mut marked, wish, &from, force, weight, &stamp);
            match queue::start(&scene, &live.reports, &mut selectors, &mut loads, &marked, &mv, &mut random) {
                Start::Wait(why) => planned(&from, "", format!("waits: {why}")),
                Start::Turn(Turn::Begin { to, .. }) => planned(&from, &to.addr, "move".into()),
                Start::Turn(Turn::Later { why } | Turn::Fail { why, .. }) => planned(&from, "", why.to_string()),
                Start::Turn(_) => planned(&from, "", "nothing".into()),
            }
        };
        ids.iter().filter_map(|id| state.data_partitions.get(id)).map(|dp| one(dp)).collect()
    }
}
