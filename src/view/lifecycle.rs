//! Lc nodes and their jobs as replies show them (v3.5.3 http-types.md: LcNodeInfoResponse).

use crate::model::{LcConfiguration, LcResult, LcTask};
use crate::plan::lifecycle::Jobs;
use crate::state::State;
use crate::wire::gojson::{GoTime, List};
use crate::wire::report::SnapshotVerDelTaskResponse;
use crate::wire::request::SnapshotVerDelTask;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Reply of `/admin/lcnode` with `op=info`. A list that was not asked for is null.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LcNodeInfoResponse {
    pub register_infos: List<LcNodeRegisterInfo>,
    pub lc_configurations: Option<BTreeMap<String, Arc<LcConfiguration>>>,
    pub lc_rule_task_status: LcRuleTaskStatus,
    pub lc_node_status: WorkingCount,
    pub snapshot_ver_status: SnapshotVerStatus,
    pub snapshot_node_status: WorkingCount,
}

/// A registered node.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LcNodeRegisterInfo {
    pub addr: String,
}

/// Scans.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LcRuleTaskStatus {
    pub to_be_scanned: BTreeMap<String, Arc<LcTask>>,
    pub results: BTreeMap<String, LcResult>,
    pub start_time: Option<GoTime>,
    pub end_time: Option<GoTime>,
}

/// Jobs that each node is at.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct WorkingCount {
    pub working_count: Option<BTreeMap<String, usize>>,
}

/// Deletions of snapshot versions.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SnapshotVerStatus {
    pub ver_infos: Option<BTreeMap<String, SnapshotVerDelTask>>,
    pub task_results: Option<BTreeMap<String, SnapshotVerDelTaskResponse>>,
}

/// Which scans are asked for; no `volume` and no `done` means all, with everything else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter<'a> {
    pub volume: Option<&'a str>,
    pub rule: Option<&'a str>,
    pub done: Option<bool>,
}

impl Filter<'_> {
    fn is_none(self) -> bool {
        self.volume.is_none() && self.done.is_none()
    }

    fn is_of(self, id: &str, volume: &str) -> bool {
        let rule = |rule: &str| id.strip_prefix(volume).and_then(|rest| rest.strip_prefix(':')) == Some(rule);
        self.volume.is_none_or(|wanted| wanted == volume) && self.rule.is_none_or(rule)
    }
}

impl LcNodeInfoResponse {
    /// What is known of nodes and jobs.
    pub fn of(state: &State, jobs: &Jobs, filter: Filter<'_>) -> Self {
        let lc_rule_task_status = LcRuleTaskStatus::of(state, jobs, filter);
        if !filter.is_none() {
            return Self { lc_rule_task_status, ..Self::default() };
        }
        let nodes = || state.lc_nodes.keys();
        let count = |of: fn((usize, usize)) -> usize| nodes().map(|addr| (addr.clone(), of(jobs.load(addr)))).collect();
        Self {
            register_infos: nodes().map(|addr| LcNodeRegisterInfo { addr: addr.clone() }).collect(),
            lc_configurations: Some(state.lc_configurations.iter().map(|(name, rules)| (name.clone(), rules.clone())).collect()),
            lc_rule_task_status,
            lc_node_status: WorkingCount { working_count: Some(count(|(scans, _)| scans)) },
            snapshot_ver_status: SnapshotVerStatus { ver_infos: Some(jobs.waiting_deletions(state)), task_results: Some(jobs.deletions()) },
            snapshot_node_status: WorkingCount { working_count: Some(count(|(_, deletions)| deletions)) },
        }
    }
}

impl LcRuleTaskStatus {
    fn of(state: &State, jobs: &Jobs, filter: Filter<'_>) -> Self {
        let waiting = state.lc_tasks.iter().filter(|(id, task)| filter.done != Some(true) && filter.is_of(id, &task.vol_name));
        let mut results = jobs.results(state);
        results.retain(|id, result| filter.done.is_none_or(|done| done == result.done) && filter.is_of(id, &result.volume));
        Self {
            to_be_scanned: waiting.map(|(id, task)| (id.clone(), task.clone())).collect(),
            results,
            start_time: jobs.started,
            end_time: jobs.ended,
        }
    }
}
