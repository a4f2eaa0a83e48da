//! Flash nodes, as far as the leader knows them besides their records (v3.5.3 background-tasks.md §18): when they were heard, what they
//! said, and which of their caches are to be emptied.

use super::flash_tasks::TaskWatch;
use crate::limits;
use crate::model::{FlashGroup, FlashGroupStatus, FlashNode};
use crate::state::State;
use crate::wire::gojson::List;
use crate::wire::report::{FlashNodeDiskCacheStat, FlashNodeHeartbeatResponse, FlashNodeLimiterStatusInfo};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What the leader knows of the flash cache.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    /// When the reign began.
    pub(super) began: Duration,
    nodes: BTreeMap<String, FlashNodeReport>,
    /// Flash groups that changed by themselves or will.
    pub(super) groups: BTreeMap<u64, GroupWatch>,
    /// Manual tasks.
    pub tasks: TaskWatch,
    /// When the caches of nodes that left their groups are to be emptied.
    evictions: BTreeMap<String, Duration>,
}

/// A flash group, as far as its slots change by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct GroupWatch {
    /// Since when no node of it serves.
    pub lost_since: Option<Duration>,
    /// When slots last went or came.
    pub moved: Option<Duration>,
    /// When the last step of a gradual change was taken.
    pub stepped: Option<Duration>,
}

/// What a flash node last said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlashNodeReport {
    /// Monotonic.
    pub heard: Duration,
    /// Unix seconds.
    pub heard_wall_secs: i64,
    pub stat: List<FlashNodeDiskCacheStat>,
    pub limiter_status: Option<FlashNodeLimiterStatusInfo>,
    /// Manual tasks that it is at, and how many it takes at a time.
    pub tasks: usize,
    pub task_limit: i64,
}

impl Fleet {
    /// Nothing heard yet.
    pub fn new(now: Duration) -> Self {
        Self { began: now, ..Self::default() }
    }

    /// What a node last said.
    pub fn report(&self, addr: &str) -> Option<&FlashNodeReport> {
        self.nodes.get(addr)
    }

    /// A node registered: it counts as heard.
    pub fn registered(&mut self, addr: &str, now: Duration, wall_secs: i64) {
        let report = self.nodes.entry(addr.to_owned()).or_default();
        (report.heard, report.heard_wall_secs) = (now, wall_secs);
    }

    /// A node is no longer one of the cluster.
    pub fn forget_node(&mut self, addr: &str) {
        self.nodes.remove(addr);
    }

    /// A node says that it is alive.
    pub fn heartbeat(&mut self, addr: &str, said: &FlashNodeHeartbeatResponse, now: Duration, wall_secs: i64) {
        let report = FlashNodeReport {
            heard: now,
            heard_wall_secs: wall_secs,
            stat: said.stat.clone(),
            limiter_status: said.limiter_status,
            tasks: said.manual_scanning_tasks.len(),
            task_limit: said.flash_node_task_count_limit,
        };
        self.nodes.insert(addr.to_owned(), report);
    }

    /// A node was given one more manual task.
    pub fn task_given(&mut self, addr: &str) {
        if let Some(report) = self.nodes.get_mut(addr) {
            report.tasks += 1;
        }
    }

    /// Was the node heard not too long ago?
    pub fn is_active(&self, addr: &str, now: Duration) -> bool {
        self.nodes.get(addr).is_some_and(|report| now.saturating_sub(report.heard) <= limits::NODE_TIMEOUT)
    }

    /// Active, and nobody switched it off.
    pub fn serves(&self, node: &FlashNode, now: Duration) -> bool {
        node.is_enable && self.is_active(&node.addr, now)
    }

    /// Nodes of a group that serve.
    pub fn serving<'a>(&'a self, state: &'a State, group: u64, now: Duration) -> impl Iterator<Item = &'a Arc<FlashNode>> {
        state.flash_nodes_of_group(group).filter(move |node| self.serves(node, now))
    }

    /// Does any group serve clients?
    pub fn any_serves(&self, state: &State, now: Duration) -> bool {
        active_groups(state).any(|group| self.serving(state, group.id, now).next().is_some())
    }

    /// Nodes that left their groups so long ago that their clients know it. The caches of those that are in no group (again) are to be emptied
    /// now. A new leader waits anew.
    pub fn evictions_due(&mut self, state: &State, now: Duration) -> Vec<String> {
        self.evictions.retain(|addr, _| state.flash_evictions.contains_key(addr));
        let wanted = state.flash_evictions.keys();
        let due = wanted.filter(|addr| now >= *self.evictions.entry((*addr).clone()).or_insert(now + limits::FLASH_EVICT_AFTER));
        due.cloned().collect()
    }
}

/// Groups that clients are to use.
pub fn active_groups(state: &State) -> impl Iterator<Item = &Arc<FlashGroup>> {
    state.flash_groups.values().filter(|group| group.status == FlashGroupStatus::ACTIVE)
}
