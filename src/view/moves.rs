//! Moves of replicas as `/moves` shows them, and what a decommission would do. Our own: v3.5.3 has nothing of the kind.

use super::sight::Sight;
use crate::model::{Ending, Move, PastMove, Phase, Task};
use crate::plan::moves::Wait;
use crate::wire::gojson::GoTime;
use serde::Serialize;

/// A move, under way or over.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MoveView {
    pub number: u64,
    /// `dp` or `mp`.
    pub kind: String,
    #[serde(rename = "PartitionID")]
    pub partition_id: u64,
    pub vol_name: String,
    pub task: Task,
    pub phase: Phase,
    pub from: String,
    pub to: String,
    pub raft_force: bool,
    pub weight: i64,
    /// Who asked for it, and why.
    pub actor: String,
    pub why: String,
    pub asked_at: GoTime,
    /// When the phase began.
    pub since: GoTime,
    pub cancelled: bool,
    /// What it waits for now; empty: nothing, or not known here.
    pub waits_for: String,
    pub failures: u32,
    pub error: String,
    pub steps: Vec<StepView>,
    /// How and when it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<GoTime>,
}

/// A step that was taken, with its outcome.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StepView {
    pub step: String,
    pub time: GoTime,
    pub error: String,
}

/// What would become of a partition that is to leave a node.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PlannedMove {
    #[serde(rename = "PartitionID")]
    pub partition_id: u64,
    pub from: String,
    /// The node that would take it now; empty: see `Outcome`.
    pub to: String,
    /// `move`, or why not, or not yet.
    pub outcome: String,
}

impl MoveView {
    /// Of a move under way.
    pub fn of(sight: &Sight<'_>, mv: &Move, wait: Option<&Wait>) -> Self {
        let steps = mv.steps.iter().map(|step| StepView { step: step.step.clone(), time: sight.time(step.at), error: step.error.clone() });
        Self {
            number: mv.number,
            kind: mv.kind.text().to_owned(),
            partition_id: mv.partition.0,
            vol_name: sight.state.volumes.get(&mv.volume).map(|volume| volume.name.clone()).unwrap_or_default(),
            task: mv.task,
            phase: mv.phase,
            from: mv.from.clone(),
            to: mv.to.addr.clone(),
            raft_force: mv.raft_force,
            weight: mv.weight,
            actor: mv.actor.clone(),
            why: mv.why.clone(),
            asked_at: sight.time(mv.asked),
            since: sight.time(mv.since),
            cancelled: mv.cancelled,
            waits_for: wait.map(|wait| wait.why.clone()).unwrap_or_default(),
            failures: mv.failures,
            error: mv.error.clone(),
            steps: steps.collect(),
            ending: None,
            ended_at: None,
        }
    }

    /// Of a move that is over.
    pub fn of_past(sight: &Sight<'_>, past: &PastMove) -> Self {
        Self {
            number: past.number,
            kind: past.kind.clone(),
            partition_id: past.partition.0,
            ending: Some(past.ending),
            ended_at: Some(sight.time(past.ended)),
            ..Self::of(sight, &past.last, None)
        }
    }
}
