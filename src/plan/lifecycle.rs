//! Jobs of lc nodes: lifecycle scans and the deletion of snapshot versions (v3.5.3 background-tasks.md §15, §16): which wait, which run
//! where, and what follows from what the nodes say.
//!
//! Waiting scans and what became of scans are records. Unlike v3.5.3, a scan that was given to a node keeps a record too, so that a new
//! leader knows of it. [`Jobs`] adds what only the leader knows: when it last heard of a node and of a job, and a job's progress.

use crate::limits;
use crate::model::{LcConfiguration, LcResult, LcRule, LcTask, VersionList, VersionStatus};
use crate::state::State;
use crate::wire::gojson::{self, Time};
use crate::wire::report::{LcNodeHeartbeatResponse, LcNodeRuleTaskResponse, SnapshotVerDelTaskResponse};
use crate::wire::request::{RuleTask, SnapshotVerDelTask, VolVersionInfo};
use crate::wire::task::status;
use serde::de::DeserializeOwned;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// What the leader knows of lc nodes and their jobs besides the records.
#[derive(Clone, Debug, Default)]
pub struct Jobs {
    /// When the reign began: nobody was heard before.
    began: Duration,
    nodes: BTreeMap<String, Load>,
    /// Scans under way, by id.
    scans: BTreeMap<String, Scan>,
    /// Deletions under way or just done, by id.
    deletions: BTreeMap<String, Deletion>,
    /// When scans were last started, and when all of them had ended.
    pub started: Option<Time>,
    pub ended: Option<Time>,
    /// When the daily scans are due, unix seconds; 0 before the first look.
    daily_due: i64,
}

/// An lc node.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    heard: Duration,
    scans: usize,
    deletions: usize,
}

#[derive(Clone, Debug)]
struct Scan {
    heard: Duration,
    progress: LcResult,
}

#[derive(Clone, Debug)]
struct Deletion {
    heard: Duration,
    progress: SnapshotVerDelTaskResponse,
}

/// Which scans are meant: all, those of a volume, or one rule's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    All,
    Volume(&'a str),
    Rule { volume: &'a str, rule: &'a str },
}

impl Scope<'_> {
    fn has(self, id: &str, of_volume: &str) -> bool {
        match self {
            Self::All => true,
            Self::Volume(volume) => volume == of_volume,
            Self::Rule { volume, rule } => volume == of_volume && id == task_id(volume, rule),
        }
    }

    fn has_task(self, task: &LcTask) -> bool {
        self.has(&task.id, &task.vol_name)
    }

    fn has_result(self, result: &LcResult) -> bool {
        self.has(&result.id, &result.volume)
    }
}

/// What starting scans means.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Start {
    /// Results of earlier scans that go.
    pub results: Vec<String>,
    /// Waiting scans that go.
    pub waiting: Vec<String>,
    /// What is to be scanned.
    pub tasks: Vec<LcTask>,
    /// Scans that wait or run and stand in the way of others.
    pub standing: Vec<String>,
}

/// What stopping scans means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stop {
    /// Waiting scans that go.
    pub waiting: Vec<String>,
    /// Running scans of which nothing was heard for so long that they are dropped.
    pub silent: Vec<String>,
    /// Running scans with the nodes that must stop them.
    pub running: Vec<(String, String)>,
}

/// What a node that said that it is alive may be given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// A scan.
    pub scan: bool,
    /// This many deletions.
    pub deletions: usize,
}

/// Id of a scan.
pub fn task_id(volume: &str, rule: &str) -> String {
    format!("{volume}:{rule}")
}

/// v3.5.3 has one type for what it stores and what it sends; here they are two with one JSON form.
fn recast<From: Serialize, To: DeserializeOwned>(from: &From) -> Option<To> {
    gojson::from_str(&gojson::to_string(from).ok()?).ok()
}

/// A waiting scan as a node is told of it.
pub fn rule_task(task: &LcTask) -> Option<RuleTask> {
    recast(task)
}

/// The record of what a node says about a scan.
pub fn result_of(response: &LcNodeRuleTaskResponse) -> Option<LcResult> {
    recast(response)
}

/// The record of a scan that is being given to a node.
pub fn given(task: &LcTask, node: &str, now: Time) -> LcResult {
    LcResult {
        id: task.id.clone(),
        lc_node: node.to_owned(),
        update_time: Some(now),
        volume: task.vol_name.clone(),
        rule: task.rule.clone(),
        ..LcResult::default()
    }
}

const DAY_SECS: i64 = 86_400;

/// The next time that it is this hour.
fn next_at(wall_secs: i64, hour: u8, east_secs: i32) -> i64 {
    let local = wall_secs + i64::from(east_secs);
    let today = local.div_euclid(DAY_SECS) * DAY_SECS + i64::from(hour) * 3600;
    let next = if today > local { today } else { today + DAY_SECS };
    next - i64::from(east_secs)
}

/// Scans that the enabled rules of the volumes in `scope` ask for.
fn wanted(state: &State, scope: Scope<'_>) -> Vec<LcTask> {
    let exists = |name: &str| state.volume_by_name(name).is_some_and(|volume| !volume.is_deleted());
    let configurations = state.lc_configurations.values().filter(|configuration| exists(&configuration.vol_name));
    let tasks =
        configurations.flat_map(|configuration| configuration.rules.iter().filter(is_scanned).map(|rule| task(configuration, rule)));
    tasks.filter(|task| scope.has_task(task)).collect()
}

fn is_scanned(rule: &&LcRule) -> bool {
    rule.status == LcRule::ENABLED && rule.expiration.is_none()
}

fn task(configuration: &LcConfiguration, rule: &LcRule) -> LcTask {
    let volume = &configuration.vol_name;
    LcTask { id: task_id(volume, &rule.id), vol_name: volume.clone(), rule: Some(Box::new(rule.clone())), ..LcTask::default() }
}

/// The scan that the rule of an ended one asks for now, if the rule is still there.
pub fn again(state: &State, result: &LcResult) -> Option<LcTask> {
    wanted(state, Scope::Volume(&result.volume)).into_iter().find(|task| task.id == result.id)
}

fn prefix(rule: Option<&LcRule>) -> &str {
    rule.and_then(|rule| rule.filter.as_ref()).map_or("", |filter| filter.prefix.as_str())
}

/// Do two rules of one volume look at the same files?
fn overlap(one: Option<&LcRule>, other: Option<&LcRule>) -> bool {
    let (one, other) = (prefix(one), prefix(other));
    one.starts_with(other) || other.starts_with(one)
}

impl Jobs {
    /// Nothing known yet.
    pub fn new(now: Duration) -> Self {
        Self { began: now, ..Self::default() }
    }

    /// Jobs may be given to nodes: those that run from an earlier reign would have been heard of.
    pub fn may_give(&self, now: Duration) -> bool {
        now.saturating_sub(self.began) >= limits::LC_JOBS_AFTER
    }

    /// How long until scans may be started by hand; `None` when they may.
    pub fn start_delay(&self, now: Duration) -> Option<Duration> {
        (self.began + limits::LC_START_AFTER).checked_sub(now).filter(|left| !left.is_zero())
    }

    /// Are the daily scans due? They stay so until [`Jobs::daily_started`]. `hour` is that of a zone `east_secs` east of Greenwich. The
    /// first ones of a reign are those of the next time that the hour comes.
    pub fn daily_due(&mut self, wall_secs: i64, hour: u8, east_secs: i32) -> bool {
        if self.daily_due == 0 || self.daily_due - wall_secs > DAY_SECS {
            self.daily_due = next_at(wall_secs, hour, east_secs);
        }
        wall_secs >= self.daily_due
    }

    /// The daily scans were started.
    pub fn daily_started(&mut self, wall_secs: i64, hour: u8, east_secs: i32) {
        self.daily_due = next_at(wall_secs, hour, east_secs);
    }

    /// A node registered.
    pub fn registered(&mut self, addr: &str, now: Duration) {
        self.nodes.insert(addr.to_owned(), Load { heard: now, ..Load::default() });
    }

    /// A node is no longer one of the cluster.
    pub fn forget_node(&mut self, addr: &str) {
        self.nodes.remove(addr);
    }

    /// Nodes that were silent for too long.
    pub fn silent_nodes(&self, state: &State, now: Duration) -> Vec<String> {
        let heard = |addr: &str| self.nodes.get(addr).map_or(self.began, |load| load.heard);
        let silent = |addr: &&String| now.saturating_sub(heard(addr)) > limits::NODE_TIMEOUT;
        state.lc_nodes.keys().filter(silent).cloned().collect()
    }

    /// Scans and deletions that a node said it is at.
    pub fn load(&self, addr: &str) -> (usize, usize) {
        self.nodes.get(addr).map_or((0, 0), |load| (load.scans, load.deletions))
    }

    /// A node says that it is alive, and what it is at.
    pub fn heartbeat(&mut self, state: &State, addr: &str, said: LcNodeHeartbeatResponse, now: Duration, wall: Time) -> Room {
        let (scans, deletions) = (said.lc_scanning_tasks.len(), said.snapshot_scanning_tasks.len());
        let most = usize::try_from(said.lc_task_count_limit).unwrap_or(0);
        self.nodes.insert(addr.to_owned(), Load { heard: now, scans, deletions });
        for (id, response) in said.lc_scanning_tasks {
            if state.lc_results.get(&id).is_some_and(|stored| stored.done) {
                continue;
            }
            if let Some(progress) = result_of(&response) {
                self.scan_heard(id, LcResult { update_time: Some(wall), ..progress }, now);
            }
        }
        for (id, response) in said.snapshot_scanning_tasks {
            if !self.deletions.get(&id).is_some_and(|known| known.progress.done) {
                let progress = SnapshotVerDelTaskResponse { update_time: Some(wall), ..response };
                self.deletions.insert(id, Deletion { heard: now, progress });
            }
        }
        Room { scan: scans < most, deletions: most.saturating_sub(deletions) }
    }

    /// A scan is under way.
    pub fn scan_heard(&mut self, id: String, progress: LcResult, now: Duration) {
        self.scans.insert(id, Scan { heard: now, progress });
    }

    /// A scan is no longer under way, or its result is in its record.
    pub fn scan_closed(&mut self, id: &str) {
        self.scans.remove(id);
    }

    /// What is known of scans that were given to nodes: the records, with the progress of those that are not done.
    pub fn results(&self, state: &State) -> BTreeMap<String, LcResult> {
        let mut results: BTreeMap<String, LcResult> =
            state.lc_results.iter().map(|(id, result)| (id.clone(), (**result).clone())).collect();
        for (id, scan) in &self.scans {
            if !results.get(id).is_some_and(|stored| stored.done) {
                results.insert(id.clone(), scan.progress.clone());
            }
        }
        results
    }

    fn running(&self, state: &State) -> impl Iterator<Item = LcResult> {
        self.results(state).into_values().filter(|result| !result.done)
    }

    fn scan_silence(&self, id: &str, now: Duration) -> Duration {
        now.saturating_sub(self.scans.get(id).map_or(self.began, |scan| scan.heard))
    }

    /// Starting the scans in `scope` now.
    pub fn start(&self, state: &State, scope: Scope<'_>) -> Start {
        let done = state.lc_results.values().filter(|result| result.done && scope.has_result(result));
        let mut start = Start { results: done.map(|result| result.id.clone()).collect(), ..Start::default() };
        // Rules that are at work already, by volume.
        let mut at_work: Vec<(String, String, Option<Box<LcRule>>)> =
            self.running(state).map(|result| (result.volume, result.id, result.rule)).collect();
        let waiting = state.lc_tasks.values();
        match scope {
            Scope::All => start.waiting = waiting.map(|task| task.id.clone()).collect(),
            _ => at_work.extend(waiting.map(|task| (task.vol_name.clone(), task.id.clone(), task.rule.clone()))),
        }
        for task in wanted(state, scope) {
            let in_the_way = at_work
                .iter()
                .find(|(volume, id, rule)| *volume == task.vol_name && (*id == task.id || overlap(rule.as_deref(), task.rule.as_deref())));
            match in_the_way {
                Some((_, id, _)) if start.standing.contains(id) => {}
                Some((_, id, _)) => start.standing.push(id.clone()),
                None => start.tasks.push(task),
            }
        }
        start
    }

    /// Stopping the scans in `scope` now.
    pub fn stop(&self, state: &State, scope: Scope<'_>, now: Duration) -> Stop {
        let waiting = state.lc_tasks.values().filter(|task| scope.has_task(task));
        let mut stop = Stop { waiting: waiting.map(|task| task.id.clone()).collect(), ..Stop::default() };
        for result in self.running(state).filter(|result| scope.has_result(result)) {
            if self.scan_silence(&result.id, now) > limits::NODE_TIMEOUT {
                stop.silent.push(result.id);
            } else {
                stop.running.push((result.id, result.lc_node));
            }
        }
        stop
    }

    /// Scans that were given to a node and of which nothing was heard for so long that the node is not at them any more.
    pub fn lost_scans(&self, state: &State, now: Duration) -> Vec<LcResult> {
        self.running(state).filter(|result| self.scan_silence(&result.id, now) > limits::LC_SCAN_LOST_AFTER).collect()
    }

    /// Volumes with scans that do not exist any more.
    pub fn volumes_gone(&self, state: &State) -> Vec<String> {
        let waiting = state.lc_tasks.values().map(|task| task.vol_name.clone());
        let mut volumes: Vec<String> = waiting.chain(self.running(state).map(|result| result.volume)).collect();
        volumes.sort_unstable();
        volumes.dedup();
        volumes.retain(|name| state.volume_by_name(name).is_none_or(|volume| volume.is_deleted()));
        volumes
    }

    /// No scan waits or runs.
    pub fn all_done(&self, state: &State) -> bool {
        state.lc_tasks.is_empty() && self.running(state).next().is_none()
    }

    /// Versions of volumes that wait for a node to delete them, by job id; at most [`limits::LC_DELETIONS_WAITING_MAX`].
    pub fn waiting_deletions(&self, state: &State) -> BTreeMap<String, SnapshotVerDelTask> {
        let lists = state.version_lists.values().filter_map(|list| Some((&state.volumes.get(&list.volume)?.name, list)));
        let tasks = lists.flat_map(|(name, list)| deletions_of(name, list));
        tasks
            .filter(|task| !self.deletions.contains_key(&task.id))
            .take(limits::LC_DELETIONS_WAITING_MAX)
            .map(|task| (task.id.clone(), task))
            .collect()
    }

    /// The node that is at the fewest deletions.
    pub fn idlest(&self, state: &State) -> Option<String> {
        state.lc_nodes.keys().min_by_key(|addr| self.load(addr).1).cloned()
    }

    /// A deletion was given to a node.
    pub fn deletion_given(&mut self, task: &SnapshotVerDelTask, node: &str, now: Duration, wall: Time) {
        self.nodes.entry(node.to_owned()).or_insert(Load { heard: now, ..Load::default() }).deletions += 1;
        let progress = SnapshotVerDelTaskResponse {
            id: task.id.clone(),
            lc_node: node.to_owned(),
            update_time: Some(wall),
            vol_name: task.vol_name.clone(),
            ver_seq: task.vol_version_info.unwrap_or_default().ver,
            snapshot_ver_del_task: Some(task.clone()),
            ..SnapshotVerDelTaskResponse::default()
        };
        self.deletions.insert(task.id.clone(), Deletion { heard: now, progress });
    }

    /// A node ended a deletion. A failed one waits again.
    pub fn deletion_ended(&mut self, progress: SnapshotVerDelTaskResponse, now: Duration) {
        if progress.status == status::SUCCEEDED {
            self.deletions.insert(progress.id.clone(), Deletion { heard: now, progress });
        } else {
            self.deletions.remove(&progress.id);
        }
    }

    /// Forgets deletions that ended or were last heard of long ago.
    pub fn expire_deletions(&mut self, now: Duration) {
        self.deletions.retain(|_, deletion| now.saturating_sub(deletion.heard) <= limits::LC_DELETION_KEPT);
    }

    /// Deletions under way or just done.
    pub fn deletions(&self) -> BTreeMap<String, SnapshotVerDelTaskResponse> {
        self.deletions.iter().map(|(id, deletion)| (id.clone(), deletion.progress.clone())).collect()
    }
}

fn deletions_of<'a>(volume: &'a str, list: &'a VersionList) -> impl Iterator<Item = SnapshotVerDelTask> + 'a {
    let going = list.versions.iter().filter(|version| version.status == VersionStatus::DELETING);
    going.map(move |version| SnapshotVerDelTask {
        id: format!("{volume}:{}", version.ver),
        vol_name: volume.to_owned(),
        vol_version_info: Some(VolVersionInfo { ver: version.ver, del_time: version.delete_time, status: version.status.0 }),
    })
}

#[cfg(test)]
mod tests;
