//! Manual tasks of the flash cache: warming up, checking, clearing (v3.5.3 http-partitions-nodes.md §16.3, §16.4).

use super::flash::Fleet;
use crate::limits;
use crate::model::{FlashNode, FlashTask, FlashTaskStatistics, FlashTaskStatus};
use crate::state::State;
use crate::wire::gojson::{self, Time};
use crate::wire::reply::{code, fault, Fault};
use crate::wire::report::FlashNodeManualTaskResponse;
use crate::wire::request::FlashManualTask;
use crate::wire::task::status;
use std::collections::BTreeMap;
use std::time::Duration;

/// What the leader knows of manual tasks besides their records.
#[derive(Clone, Debug, Default)]
pub struct TaskWatch {
    /// When a running task was last heard of, and how far it is.
    progress: BTreeMap<String, (Duration, FlashTaskStatistics)>,
    /// When the next look for one that can begin is due.
    dispatch_at: Duration,
}

/// Whether a task has ended, in whatever way.
pub fn has_ended(task: &FlashTask) -> bool {
    task.done || matches!(task.status, FlashTaskStatus::SUCCESS | FlashTaskStatus::FAILED | FlashTaskStatus::STOP)
}

/// Whether the task may be created.
///
/// # Errors
/// The texts and codes of v3.5.3, by the first check that fails.
pub fn check(state: &State, fleet: &Fleet, task: &FlashTask, now: Duration) -> Result<(), Fault> {
    let config = &task.config;
    if config.min_file_size_limit > config.max_file_size_limit {
        let (min, max) = (config.min_file_size_limit, config.max_file_size_limit);
        return Err(Fault::param(format!("MinFileSizeLimit({min}) cannot be greater than MaxFileSizeLimit({max})")));
    }
    let volume = state.volume_by_name(&task.vol_name).ok_or(fault::VOL_NOT_EXISTS)?;
    let refused = |text: String| Fault::new(code::INVALID_CFG, text);
    if !fleet.any_serves(state, now) {
        return Err(refused("no available distributed cache nodes".into()));
    }
    match task.action.as_str() {
        "warmup" => {
            let (ttl, min) = (volume.remote_cache_ttl, limits::FLASH_WARMUP_TTL_MIN_SECS);
            if ttl != 0 && ttl < min {
                let name = &task.vol_name;
                return Err(refused(format!("cache ttl [{ttl}]s of vol[{name}] less than [{min}]s and warm up can not work")));
            }
            if state.flash_tasks.contains_key(&task.id) {
                return Err(refused(format!("flash manual task[{}] already exists", task.id)));
            }
            let same = |other: &&FlashTask| {
                !has_ended(other) && other.vol_name == task.vol_name && other.config.prefix == config.prefix && other.action == task.action
            };
            match state.flash_tasks.values().map(|other| &**other).find(same) {
                Some(other) => Err(refused(format!("manual task[{}] is running with the same directory", other.id))),
                None => Ok(()),
            }
        }
        "check" | "clear" => Ok(()),
        other => Err(refused(format!("invalid flash manual action: {other}"))),
    }
}

/// The task as a node is told of it: v3.5.3 has one type for what it stores and what it sends.
pub fn request(task: &FlashTask) -> Option<FlashManualTask> {
    gojson::from_str(&gojson::to_string(task).ok()?).ok()
}

/// The record of a task that a node ended; `None` when it had ended before, or goes on.
pub fn ended(task: &FlashTask, said: &FlashNodeManualTaskResponse) -> Option<FlashTask> {
    let status = match said.status {
        status::SUCCEEDED => FlashTaskStatus::SUCCESS,
        status::FAILED => FlashTaskStatus::FAILED,
        status::STOPPED => FlashTaskStatus::STOP,
        _ => return None,
    };
    let statistics = Some(Box::new(statistics(said)));
    (!has_ended(task)).then(|| FlashTask { status, statistics, end_time: said.end_time, done: said.done, ..task.clone() })
}

fn statistics(said: &FlashNodeManualTaskResponse) -> FlashTaskStatistics {
    FlashTaskStatistics {
        total_file_scanned_num: said.total_file_scanned_num,
        total_file_cached_num: said.total_file_cached_num,
        total_dir_scanned_num: said.total_dir_scanned_num,
        total_extent_key_num: said.total_extent_key_num,
        error_cache_num: said.error_cache_num,
        error_read_dir_num: said.error_read_dir_num,
        total_cache_size: said.total_cache_size,
        last_cache_size: said.last_cache_size,
        flash_node: said.flash_node.clone(),
        ..FlashTaskStatistics::default()
    }
}

impl TaskWatch {
    /// A node says how far it is with a task.
    pub fn heard(&mut self, said: &FlashNodeManualTaskResponse, now: Duration) {
        self.progress.insert(said.id.clone(), (now, statistics(said)));
    }

    /// A task was given to a node.
    pub fn given(&mut self, id: &str, statistics: FlashTaskStatistics, now: Duration) {
        self.progress.insert(id.to_owned(), (now, statistics));
        self.dispatch_at = now + limits::FLASH_DISPATCH_AGAIN;
    }

    /// A task with the progress that is known of it.
    pub fn shown(&self, task: &FlashTask) -> FlashTask {
        match self.progress.get(&task.id) {
            Some((_, statistics)) if !has_ended(task) => FlashTask { statistics: Some(Box::new(statistics.clone())), ..task.clone() },
            _ => task.clone(),
        }
    }

    /// Is a look for a task that can begin due? Each is told once.
    pub fn dispatch_due(&mut self, now: Duration) -> bool {
        let due = now >= self.dispatch_at;
        if due {
            self.dispatch_at = now + limits::FLASH_DISPATCH_INTERVAL;
        }
        due
    }
}

impl Fleet {
    /// Running tasks of which nothing was heard for so long that they failed.
    pub fn lost_tasks(&mut self, state: &State, now: Duration) -> Vec<String> {
        self.tasks.progress.retain(|id, _| state.flash_tasks.get(id).is_some_and(|task| !has_ended(task)));
        let running = state.flash_tasks.values().filter(|task| task.status == FlashTaskStatus::RUNNING);
        let heard = |id: &str| self.tasks.progress.get(id).map_or(self.began, |(heard, _)| *heard);
        let lost = running.filter(|task| now.saturating_sub(heard(&task.id)) > limits::FLASH_TASK_LOST_AFTER);
        lost.map(|task| task.id.clone()).collect()
    }

    /// The oldest task that waits, and the node that is to do it: a task worker if there is one, and of those the one with the least to do.
    pub fn next_task(&self, state: &State, now: Duration) -> Option<(FlashTask, String)> {
        let serving: Vec<&FlashNode> = state.flash_nodes.values().map(|node| &**node).filter(|node| self.serves(node, now)).collect();
        let tasks = |node: &FlashNode| self.report(&node.addr).map_or(0, |report| report.tasks);
        let most = state.cluster.as_ref().and_then(|cluster| cluster.flash_task_limit).unwrap_or(limits::FLASH_TASKS_MAX);
        if serving.iter().map(|node| tasks(node)).sum::<usize>() >= usize::try_from(most).unwrap_or(0) {
            return None;
        }
        let has_room = |node: &&&FlashNode| {
            let limit = self.report(&node.addr).map_or(0, |report| report.task_limit);
            limit <= 0 || (tasks(node) as u64) < limit.unsigned_abs()
        };
        let workers = || serving.iter().filter(|node| node.work_role == FlashNode::TASK_WORKER);
        let node = match workers().next() {
            Some(_) => workers().filter(has_room).min_by_key(|node| tasks(node))?,
            None => serving.iter().filter(has_room).min_by_key(|node| tasks(node))?,
        };
        let waiting = state.flash_tasks.values().filter(|task| task.status == FlashTaskStatus::INIT && !task.done);
        let oldest = waiting.min_by_key(|task| (task.start_time, &task.id))?;
        Some(((**oldest).clone(), node.addr.clone()))
    }
}

/// The record of a task that a node is being given.
pub fn given(task: &FlashTask, node: &str, now: Time) -> FlashTask {
    let statistics = FlashTaskStatistics { flash_node: node.to_owned(), ..FlashTaskStatistics::default() };
    FlashTask { status: FlashTaskStatus::RUNNING, statistics: Some(Box::new(statistics)), update_time: Some(now), ..task.clone() }
}

#[cfg(test)]
mod tests;
