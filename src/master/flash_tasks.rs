//! Manual tasks of the flash cache (v3.5.3 http-partitions-nodes.md §16.3, §16.4).

use super::Master;
use crate::env::Purpose;
use crate::model::{ClusterValue, FlashTask, FlashTaskStatus, Key};
use crate::plan::flash_tasks::{check, ended, given, has_ended, request};
use crate::view::gotext;
use crate::wire::gojson::Time;
use crate::wire::opcode::Opcode;
use crate::wire::reply::Fault;
use crate::wire::report::FlashNodeManualTaskResponse;
use crate::wire::request::{FlashNodeManualTaskCommand, FlashNodeManualTaskRequest};
use crate::wire::task::{uuid_text, Subject};
use std::sync::Arc;

/// What a running task is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Stop,
    Pause,
    Resume,
}

impl Command {
    /// The word on the wire and in requests.
    pub fn text(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }
}

impl Master {
    fn flash_time(&self) -> Time {
        Time::from_unix_nanos(self.env.wall().0).in_zone(gotext::ZONE.whole_seconds())
    }

    /// Creates a task; without an id it gets a random one.
    ///
    /// # Errors
    /// See [`check`]; code 1 when the change could not be committed.
    pub async fn create_flash_task(&self, actor: &str, mut task: FlashTask) -> Result<(), Fault> {
        let now = self.flash_time();
        (task.start_time, task.update_time) = (Some(now), Some(now));
        task.statistics.get_or_insert_with(Box::default);
        if task.id.is_empty() {
            let random = || self.env.entropy.next_u64(Purpose::Request);
            task.id = uuid_text([random(), random()]);
        }
        self.commit(actor, |state, txn| {
            // v3.5.3 writes over a task of the same id unless it warms up.
            txn.read::<FlashTask>(&Key::FlashTask(task.id.clone()).to_string());
            check(state, &self.live().flash, &task, self.env.now().0)?;
            txn.put(task.clone());
            Ok(())
        })
        .await
    }

    /// Tasks with the progress that is known of them: of a volume, with an id, or all.
    pub fn flash_tasks(&self, volume: Option<&str>, id: Option<&str>) -> Vec<FlashTask> {
        let (state, live) = (self.state(), self.live());
        let tasks = state.flash_tasks.values();
        let wanted = tasks.filter(|task| volume.is_none_or(|v| v == task.vol_name) && id.is_none_or(|id| id == task.id));
        wanted.map(|task| live.flash.tasks.shown(task)).collect()
    }

    /// How many tasks may run at a time.
    ///
    /// # Errors
    /// The change could not be committed.
    pub async fn limit_flash_tasks(&self, actor: &str, limit: i32) -> Result<(), Fault> {
        self.commit(actor, |_, txn| {
            let cluster = txn.cluster().ok_or_else(|| Fault::internal("the cluster has no record"))?;
            txn.put(ClusterValue { flash_task_limit: Some(limit), ..(*cluster).clone() });
            Ok(())
        })
        .await
    }

    /// Tells the node that is at a task to stop, pause or resume it.
    ///
    /// # Errors
    /// Code 2 with the texts of v3.5.3.
    pub async fn command_flash_task(&self, actor: &str, id: &str, command: Command) -> Result<(), Fault> {
        let state = self.state();
        let task = state.flash_tasks.get(id).ok_or_else(|| Fault::param(format!("no record found for tid[{id}]")))?;
        let node = task.statistics.as_ref().map(|statistics| statistics.flash_node.clone()).unwrap_or_default();
        if node.is_empty() {
            return Err(Fault::param(format!("tid[{id}] is not currently running in flashnode worker")));
        }
        if has_ended(task) {
            return Err(Fault::param(format!("task[{id}] has already ended. No further actions can be performed")));
        }
        if state.flash_node_by_addr(&node).is_none() {
            return Err(Fault::param(format!("nodeAddr[{node}] is not available")));
        }
        let told = FlashNodeManualTaskCommand { id: id.to_owned(), command: command.text().to_owned() };
        self.call(&node, Opcode::FLASH_NODE_TASK_COMMAND, Subject::Job(id), told).await.map_err(|e| Fault::param(e.to_string()))?;
        let status = match command {
            Command::Stop => return Ok(()),
            Command::Pause => FlashTaskStatus::PAUSE,
            Command::Resume => FlashTaskStatus::RUNNING,
        };
        self.change_flash_task(actor, id, |task| (!has_ended(task)).then(|| FlashTask { status, ..task.clone() })).await
    }

    /// Deletes a task that does not run. Nothing is deleted where there is none.
    ///
    /// # Errors
    /// Code 2: it runs, or is paused.
    pub async fn delete_flash_task(&self, actor: &str, id: &str) -> Result<(), Fault> {
        self.commit(actor, |_, txn| {
            let Some(task) = txn.read::<FlashTask>(&Key::FlashTask(id.to_owned()).to_string()) else { return Ok(()) };
            if matches!(task.status, FlashTaskStatus::RUNNING | FlashTaskStatus::PAUSE) {
                return Err(Fault::param(format!("tid({id}), invaild status[{}] can not delete", task.status.0)));
            }
            txn.remove(&*task);
            Ok(())
        })
        .await
    }

    async fn change_flash_task(&self, actor: &str, id: &str, change: impl Fn(&FlashTask) -> Option<FlashTask> + Sync) -> Result<(), Fault> {
        self.commit(actor, |_, txn| {
            let task: Option<Arc<FlashTask>> = txn.read(&Key::FlashTask(id.to_owned()).to_string());
            if let Some(changed) = task.and_then(|task| change(&task)) {
                txn.put(changed);
            }
            Ok(())
        })
        .await
    }

    /// A node says how a task began or ended; it says so three times.
    pub(super) async fn flash_task_answered(&self, addr: &str, said: &FlashNodeManualTaskResponse) {
        if self.state().flash_node_by_addr(addr).is_none() {
            return;
        }
        if let Err(why) = self.change_flash_task("flash task ended", &said.id, |task| ended(task, said)).await {
            tracing::warn!(node = addr, task = said.id, %why, "the end of a flash task is not recorded");
        }
    }

    /// Tasks of which nothing is heard fail; the oldest that waits begins when it may.
    pub(super) async fn check_flash_tasks(&self) -> Result<(), Fault> {
        const ACTOR: &str = "flash tasks";
        let (now, time) = (self.env.now().0, self.flash_time());
        let lost = self.live().flash.lost_tasks(&self.state(), now);
        for id in lost {
            tracing::warn!(task = id, "nothing was heard of a flash task for long: it failed");
            let failed = |task: &FlashTask| {
                let lost = task.status == FlashTaskStatus::RUNNING;
                lost.then(|| FlashTask { status: FlashTaskStatus::FAILED, end_time: Some(time), done: true, ..task.clone() })
            };
            self.change_flash_task(ACTOR, &id, failed).await?;
        }
        let next = {
            let state = self.state();
            let mut live = self.live();
            if live.flash.tasks.dispatch_due(now) {
                live.flash.next_task(&state, now)
            } else {
                None
            }
        };
        let Some((task, node)) = next else { return Ok(()) };
        let running = given(&task, &node, time);
        self.change_flash_task(ACTOR, &task.id, |present| (*present == task).then(|| running.clone())).await?;
        {
            let mut live = self.live();
            live.flash.task_given(&node);
            live.flash.tasks.given(&task.id, *running.statistics.clone().unwrap_or_default(), now);
        }
        let told = FlashNodeManualTaskRequest { master_addr: self.own_addr(), fn_node_addr: node.clone(), task: request(&running) };
        self.enqueue(&node, Opcode::FLASH_NODE_SCAN, Subject::Job(&task.id), told);
        Ok(())
    }
}
