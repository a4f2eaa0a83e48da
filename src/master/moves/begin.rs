//! Decommissions whose turn it is: all that may begin are decided together, the heaviest first, because they share limits, and committed
//! together.

use super::{Look, Next};
use crate::env::Purpose;
use crate::ids::Term;
use crate::limits;
use crate::master::Master;
use crate::model::{Move, PartitionKind};
use crate::plan::moves::meta::target;
use crate::plan::moves::queue::{self, Loads, Start};
use crate::plan::moves::{Turn, Wait};
use std::sync::Arc;

impl Master {
    /// Begins what may begin.
    pub(super) async fn begin_moves(&self, term: Term) {
        let turns = self.decide_beginnings(term);
        if turns.is_empty() {
            let until = self.env.now().0 + limits::MOVES_LOOK_INTERVAL;
            self.live().moves.full_until = Some(until);
            return;
        }
        for batch in turns.chunks(limits::RECORDS_PER_COMMIT_MAX) {
            if let Err(why) = self.turn_together(batch, term).await {
                tracing::info!(%why, "decommissions do not begin");
                return self.env.sleep(limits::MOVES_REST).await;
            }
        }
        self.moves.tell();
    }

    fn decide_beginnings(&self, term: Term) -> Vec<(Arc<Move>, Turn)> {
        let moment = self.moment();
        let (state, scene) = (&moment.state, moment.scene());
        let mut live = self.live();
        let live = &mut *live;
        let mut waiting: Vec<&Arc<Move>> = Vec::new();
        for mv in state.moves.values() {
            let memory = live.moves.course(mv).memory.clone();
            if (Look { scene, reports: &live.reports, mv, memory: &memory, term }).next() == Next::Begin {
                waiting.push(mv);
            }
        }
        waiting.sort_by_key(|mv| (std::cmp::Reverse(mv.weight), mv.number));
        let mut loads = Loads::of(state);
        let mut turns = Vec::new();
        let mut random = || self.env.entropy.next_u64(Purpose::Placement);
        for mv in waiting {
            if mv.kind == PartitionKind::Meta {
                let Some(mp) = state.meta_partitions.get(&mv.partition) else { continue };
                let given = mv.to_given.then_some(mv.to.addr.as_str());
                let to = target::choose(&scene, &live.reports, &mut live.selectors, mp, (&mv.from, given), &mut random);
                let to = to.and_then(|to| target::fits(&scene, mp, &mv.from, &to.addr).map(|()| to));
                let turn = match to {
                    Ok(to) => Turn::Begin { to, repaired_from: Default::default() },
                    Err(why) => Turn::Later { why },
                };
                turns.push((mv.clone(), turn));
                continue;
            }
            let Some(dp) = state.data_partitions.get(&mv.partition) else { continue };
            match queue::start(&scene, &live.reports, &mut live.selectors, &mut loads, dp, mv, &mut random) {
                Start::Wait(why) => live.moves.course(mv).wait = Some(Wait { why, until: None }),
                Start::Turn(turn) => {
                    if let Turn::Begin { to, .. } = &turn {
                        let used = live.reports.data_partition(mv.partition).map_or(0, |p| p.used());
                        live.reports.reserve(&to.addr, used, moment.now);
                    }
                    turns.push((mv.clone(), turn));
                }
            }
        }
        turns
    }
}
