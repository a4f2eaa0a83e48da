//! Lc nodes: registration, heartbeats, and the jobs they are given (v3.5.3 background-tasks.md §15, §16, http-partitions-nodes.md §15).

use super::Master;
use crate::ids::{NodeId, Term};
use crate::limits;
use crate::model::{Counter, Key, LcNode, LcResult, LcTask, VersionList, VersionStatus};
use crate::nodes::http;
use crate::plan::lifecycle::{again, given, result_of, rule_task, Scope};
use crate::state::State;
use crate::view::gotext;
use crate::wire::gojson::Time;
use crate::wire::opcode::Opcode;
use crate::wire::reply::Fault;
use crate::wire::report::{LcNodeHeartbeatResponse, LcNodeRuleTaskResponse, SnapshotVerDelTaskResponse};
use crate::wire::request::{HeartBeatRequest, LcNodeRuleTaskRequest, SnapshotVerDelTask, SnapshotVerDelTaskRequest};
use crate::wire::task::{status, Subject};

/// What starting scans came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    pub added: usize,
    /// Scans that wait or run and kept others from being added.
    pub standing: Vec<String>,
}

/// What stopping scans came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// Waiting scans that are gone.
    pub waiting: Vec<String>,
    /// Running scans whose nodes were told, or which nobody is at.
    pub running: Vec<String>,
    /// Why others go on.
    pub errors: Vec<String>,
}

impl Master {
    fn lc_time(&self) -> Time {
        Time::from_unix_nanos(self.env.wall().0).in_zone(gotext::ZONE.whole_seconds())
    }

    /// Registers an lc node and returns its id; a known address keeps its own, and its sender begins anew.
    ///
    /// # Errors
    /// The change could not be committed.
    pub async fn register_lc_node(&self, actor: &str, addr: &str) -> Result<NodeId, Fault> {
        let id = self
            .commit(actor, |_, txn| {
                let known = txn.read::<LcNode>(&Key::LcNode(addr.to_owned()).to_string());
                let node = match known {
                    Some(node) => (*node).clone(),
                    None => LcNode { id: NodeId(txn.alloc(Counter::Common)), addr: addr.to_owned(), ..LcNode::default() },
                };
                let id = node.id;
                txn.put(node);
                Ok(id)
            })
            .await?;
        self.senders.forget(addr);
        self.live().lc_jobs.registered(addr, self.env.now().0);
        Ok(id)
    }

    /// A round of heartbeats: nodes that were silent for too long leave the cluster, the others are asked.
    pub(super) async fn heartbeat_lc_nodes(&self, state: &State) {
        let silent = self.live().lc_jobs.silent_nodes(state, self.env.now().0);
        for addr in state.lc_nodes.keys() {
            if silent.contains(addr) {
                self.remove_lc_node(addr).await.unwrap_or_else(|why| tracing::warn!(node = addr.as_str(), %why, "silent, and not removed"));
                continue;
            }
            let request =
                HeartBeatRequest { curr_time: self.env.wall().secs(), master_addr: self.own_addr(), ..HeartBeatRequest::default() };
            self.enqueue(addr, Opcode::LC_NODE_HEARTBEAT, Subject::Node, request);
        }
    }

    async fn remove_lc_node(&self, addr: &str) -> Result<(), Fault> {
        tracing::warn!(node = addr, "lc node was silent for too long and leaves the cluster");
        let key = Key::LcNode(addr.to_owned()).to_string();
        self.commit("lc node silent", |_, txn| {
            if txn.read::<LcNode>(&key).is_some() {
                txn.delete::<LcNode>(&key);
            }
            Ok(())
        })
        .await?;
        self.senders.forget(addr);
        self.live().lc_jobs.forget_node(addr);
        Ok(())
    }

    /// A node says that it is alive: it may be given a job.
    pub(super) async fn lc_node_heard(&self, addr: &str, said: LcNodeHeartbeatResponse) {
        let state = self.state();
        if !state.lc_nodes.contains_key(addr) {
            return;
        }
        if said.status != status::SUCCEEDED {
            return tracing::warn!(node = addr, result = said.result, "the heartbeat of an lc node failed");
        }
        let (now, wall) = (self.env.now().0, self.lc_time());
        let room = {
            let mut live = self.live();
            let room = live.lc_jobs.heartbeat(&state, addr, said, now, wall);
            if !live.lc_jobs.may_give(now) {
                return;
            }
            room
        };
        if room.scan {
            if let Some(task) = state.lc_tasks.values().next() {
                self.give_scan(addr, task).await.unwrap_or_else(|why| tracing::warn!(node = addr, task = task.id, %why, "scan not given"));
            }
        }
        for _ in 0..room.deletions {
            if !self.give_deletion(&state) {
                break;
            }
        }
    }

    async fn give_scan(&self, addr: &str, task: &LcTask) -> Result<(), Fault> {
        let key = Key::LcTask(task.id.clone()).to_string();
        let given = given(task, addr, self.lc_time());
        let taken = self
            .commit("scan given to a node", |_, txn| {
                if txn.read::<LcTask>(&key).is_none_or(|present| *present != *task) {
                    return Ok(false);
                }
                txn.delete::<LcTask>(&key);
                txn.put(given.clone());
                Ok(true)
            })
            .await?;
        if taken {
            self.live().lc_jobs.scan_heard(task.id.clone(), given, self.env.now().0);
            let request = LcNodeRuleTaskRequest { master_addr: self.own_addr(), lc_node_addr: addr.to_owned(), task: rule_task(task) };
            self.enqueue(addr, Opcode::LC_NODE_SCAN, Subject::Job(&task.id), request);
        }
        Ok(())
    }

    /// Gives the node that is at the fewest deletions one more. False: there is none.
    fn give_deletion(&self, state: &State) -> bool {
        let (task, node) = {
            let mut live = self.live();
            let jobs = &mut live.lc_jobs;
            let (Some((_, task)), Some(node)) = (jobs.waiting_deletions(state).pop_first(), jobs.idlest(state)) else { return false };
            jobs.deletion_given(&task, &node, self.env.now().0, self.lc_time());
            (task, node)
        };
        let id = task.id.clone();
        let request = SnapshotVerDelTaskRequest { master_addr: self.own_addr(), lc_node_addr: node.clone(), task: Some(task) };
        self.enqueue(&node, Opcode::LC_NODE_SNAPSHOT_VER_DEL, Subject::Job(&id), request);
        true
    }

    /// A node says how a scan began or ended.
    pub(super) async fn scan_answered(&self, addr: &str, said: LcNodeRuleTaskResponse) {
        if !self.state().lc_nodes.contains_key(addr) || !matches!(said.status, status::SUCCEEDED | status::FAILED) || said.id.is_empty() {
            return;
        }
        let Some(result) = result_of(&said) else { return };
        let committed = self.commit("scan ended", |_, txn| {
            txn.put(result.clone());
            Ok(())
        });
        match committed.await {
            Ok(()) => self.live().lc_jobs.scan_closed(&said.id),
            // The scan counts as lost in twenty minutes, and is done again.
            Err(why) => tracing::warn!(node = addr, task = said.id, %why, "the result of a scan is not recorded"),
        }
    }

    /// A node says how the deletion of a version began or ended.
    pub(super) async fn version_deletion_answered(&self, addr: &str, said: SnapshotVerDelTaskResponse) {
        if !self.state().lc_nodes.contains_key(addr) || !matches!(said.status, status::SUCCEEDED | status::FAILED) {
            return;
        }
        if said.status == status::SUCCEEDED {
            if let Some(task) = &said.snapshot_ver_del_task {
                if let Err(why) = self.drop_version(task).await {
                    return tracing::warn!(node = addr, task = said.id, %why, "the deletion of a version is not recorded");
                }
            }
        }
        self.live().lc_jobs.deletion_ended(said, self.env.now().0);
    }

    /// The files of a version are deleted: it leaves the list of its volume.
    async fn drop_version(&self, task: &SnapshotVerDelTask) -> Result<(), Fault> {
        let wanted = task.vol_version_info.unwrap_or_default().ver;
        self.commit("version deleted", |_, txn| {
            let Some(volume) = txn.volume_by_name(&task.vol_name) else { return Ok(()) };
            let Some(list) = txn.read::<VersionList>(&Key::VersionList(volume.id).to_string()) else { return Ok(()) };
            let gone = |status| status == VersionStatus::DELETING || status == VersionStatus::ABNORMAL;
            let left: Vec<_> = list.versions.iter().filter(|v| v.ver != wanted || !gone(v.status)).cloned().collect();
            if left.len() < list.versions.len() {
                txn.put(VersionList { versions: left.into(), ..(*list).clone() });
            }
            Ok(())
        })
        .await
    }

    /// Starts the scans in `scope`: results of earlier ones go, and where all are meant, what still waits goes too.
    ///
    /// # Errors
    /// The change could not be committed.
    pub async fn start_lc_scans(&self, actor: &str, scope: Scope<'_>) -> Result<Started, Fault> {
        let start = self
            .commit(actor, |state, txn| {
                let start = self.live().lc_jobs.start(state, scope);
                for id in &start.results {
                    txn.delete::<LcResult>(&Key::LcResult(id.clone()).to_string());
                }
                for id in &start.waiting {
                    txn.delete::<LcTask>(&Key::LcTask(id.clone()).to_string());
                }
                for task in &start.tasks {
                    txn.put(task.clone());
                }
                Ok(start)
            })
            .await?;
        let mut live = self.live();
        (live.lc_jobs.started, live.lc_jobs.ended) = (Some(self.lc_time()), None);
        Ok(Started { added: start.tasks.len(), standing: start.standing })
    }

    /// Stops the scans in `scope`: what waits goes, and nodes are told to stop what they are at.
    ///
    /// # Errors
    /// What waits could not be removed.
    pub async fn stop_lc_scans(&self, actor: &str, scope: Scope<'_>) -> Result<Stopped, Fault> {
        let now = self.env.now().0;
        let stop = self
            .commit(actor, |state, txn| {
                let stop = self.live().lc_jobs.stop(state, scope, now);
                for id in &stop.waiting {
                    txn.delete::<LcTask>(&Key::LcTask(id.clone()).to_string());
                }
                for id in stop.silent.iter().filter(|id| state.lc_results.contains_key(*id)) {
                    txn.delete::<LcResult>(&Key::LcResult(id.clone()).to_string());
                }
                Ok(stop)
            })
            .await?;
        {
            let mut live = self.live();
            stop.silent.iter().for_each(|id| live.lc_jobs.scan_closed(id));
        }
        let mut stopped = Stopped { waiting: stop.waiting, running: stop.silent, errors: Vec::new() };
        for (id, node) in stop.running {
            match self.stop_scanner(&id, &node).await {
                Ok(()) => stopped.running.push(id),
                Err(why) => stopped.errors.push(why),
            }
        }
        Ok(stopped)
    }

    /// Tells a node to stop a scan (v3.5.3 admin-tasks.md §9.4). A node that says that it has no such scan may be about to begin it.
    async fn stop_scanner(&self, id: &str, node: &str) -> Result<(), String> {
        const KEPT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-');
        let target = format!("/stopScanner?id={}", percent_encoding::utf8_percent_encode(id, KEPT));
        for turn in 0..limits::LC_STOP_TRIES {
            if turn > 0 {
                self.env.sleep(limits::LC_STOP_PAUSE).await;
            }
            match http::ask(&self.env, node, "GET", &target).await {
                Err(e) => return Err(format!("stopLcScan failed: task({id}) doing in lcnode({node}) stop err: {e}")),
                Ok(answer) if answer.status == 200 => return Ok(()),
                Ok(answer) if answer.status == 404 => {}
                Ok(answer) => return Err(format!("stopLcScan: task({id}) doing in lcnode({node}) stop err: {}", answer.body)),
            }
        }
        Err(format!("stopLcScan: task({id}) doing in lcnode({node}) not exist, please retry"))
    }

    /// Starts the daily scans when they are due, stops those of volumes that are gone, and takes back what nodes are not at any more.
    pub(super) async fn check_lifecycle(&self, _term: Term) {
        const ACTOR: &str = "lifecycle";
        let (wall, hour, east) = (self.env.wall().secs(), self.config.lifecycle_scan_hour, gotext::ZONE.whole_seconds());
        let due = self.live().lc_jobs.daily_due(wall, hour, east);
        if due {
            match self.start_lc_scans(ACTOR, Scope::All).await {
                Ok(started) => {
                    tracing::info!(added = started.added, "daily lifecycle scans");
                    self.live().lc_jobs.daily_started(wall, hour, east);
                }
                Err(why) => tracing::warn!(%why, "daily lifecycle scans not started"),
            }
        }
        let gone = self.live().lc_jobs.volumes_gone(&self.state());
        for volume in gone {
            match self.stop_lc_scans(ACTOR, Scope::Volume(&volume)).await {
                Ok(stopped) if stopped.errors.is_empty() => {}
                Ok(stopped) => tracing::warn!(volume, errors = ?stopped.errors, "scans of a volume that is gone go on"),
                Err(why) => tracing::warn!(volume, %why, "scans of a volume that is gone go on"),
            }
        }
        self.requeue_lost_scans(ACTOR).await.unwrap_or_else(|why| tracing::warn!(%why, "lost scans do not wait again yet"));
        let (state, time) = (self.state(), self.lc_time());
        let mut live = self.live();
        live.lc_jobs.expire_deletions(self.env.now().0);
        if live.lc_jobs.started.is_some() && live.lc_jobs.ended.is_none() && live.lc_jobs.all_done(&state) {
            live.lc_jobs.ended = Some(time);
        }
    }

    async fn requeue_lost_scans(&self, actor: &str) -> Result<(), Fault> {
        let now = self.env.now().0;
        let lost = self
            .commit(actor, |state, txn| {
                let lost = self.live().lc_jobs.lost_scans(state, now);
                for result in &lost {
                    let key = Key::LcResult(result.id.clone()).to_string();
                    if txn.read::<LcResult>(&key).is_some() {
                        txn.delete::<LcResult>(&key);
                    }
                    if let Some(task) = again(state, result) {
                        txn.put(task);
                    }
                }
                Ok(lost)
            })
            .await?;
        let mut live = self.live();
        for result in lost {
            tracing::warn!(node = result.lc_node, task = result.id, "nothing was heard of a scan for long: it waits again");
            live.lc_jobs.scan_closed(&result.id);
        }
        Ok(())
    }
}
