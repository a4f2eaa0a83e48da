//! Who leads, and what runs only while this master does.
//!
//! A reign is one term in which this master leads. It begins when an entry of its own term is applied here (so everything acknowledged
//! before is in the state) and ends when raft says so; its loops are aborted then. The state is hot on every master: a reign begins by
//! forgetting what nodes told an earlier one, and loads nothing.

use super::Master;
use crate::env::TaskHandle;
use crate::ids::Term;
use crate::limits;
use crate::model::ClusterValue;
use crate::raft::Role;
use crate::wire::reply::Fault;
use std::sync::Arc;
use std::time::Duration;

/// Who leads, as this master sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leadership {
    /// This master. Not `ready` until it has applied an entry of its term and written what a new cluster lacks.
    Leader { term: Term, ready: bool },
    /// Another one, or nobody that is known.
    Follower { leader: Option<String> },
}

impl Default for Leadership {
    fn default() -> Self {
        Self::Follower { leader: None }
    }
}

impl Master {
    /// Follows raft's role until raft stops: begins and ends reigns.
    pub async fn run(self: Arc<Self>) {
        let mut roles = self.raft.watch();
        let mut reign: Option<Reign> = None;
        loop {
            let role = *roles.borrow_and_update();
            if reign.as_ref().is_some_and(|r| !role.leads() || r.term != role.term) {
                reign.take().expect("just looked").end(&self).await;
            }
            if role.leads() && role.ready && reign.is_none() {
                reign = Reign::begin(&self, &role).await;
            }
            self.leadership.send_if_modified(|seen| {
                let now = self.seen_leadership(&role, reign.is_some());
                let changed = *seen != now;
                *seen = now;
                changed
            });
            // A reign that could not begin (its first commit failed) is tried again soon, unless the role changes first.
            let retry = self.env.now() + Duration::from_millis(if role.leads() && role.ready && reign.is_none() { 200 } else { 3_600_000 });
            tokio::select! {
                biased;
                _ = self.raft.stopped() => break,
                _ = self.env.until(retry, roles.changed()) => {}
            }
        }
        if let Some(reign) = reign {
            reign.end(&self).await;
        }
        self.leadership.send_replace(Leadership::default());
    }

    fn seen_leadership(&self, role: &Role, reigns: bool) -> Leadership {
        if role.leads() {
            Leadership::Leader { term: role.term, ready: reigns }
        } else {
            Leadership::Follower { leader: role.leader.and_then(|id| self.addr_of(id)) }
        }
    }
}

/// One term of leading: its loops.
struct Reign {
    term: Term,
    tasks: Vec<TaskHandle>,
}

impl Reign {
    async fn begin(master: &Arc<Master>, role: &Role) -> Option<Self> {
        tracing::info!(term = role.term.0, "leads");
        master.live().begin_reign(master.env.now(), master.env.wall());
        master.cached.clear();
        if let Err(why) = master.found_cluster().await {
            tracing::warn!(term = role.term.0, %why, "cannot write the first records of the cluster");
            return None;
        }
        let term = role.term;
        let mut tasks = Vec::new();
        macro_rules! every {
            ($name:literal, $period:expr, $body:ident) => {{
                let m = master.clone();
                tasks.push(master.env.spawn($name, async move {
                    loop {
                        let began = m.env.now();
                        m.$body(term).await;
                        m.env.clock.sleep_until(began + $period).await;
                        // A round that took longer than the period is followed by a pause all the same.
                        m.env.sleep(Duration::from_millis(10)).await;
                    }
                }));
            }};
        }
        tasks.push(master.env.spawn("moves", master.clone().carry_out_moves(term)));
        every!("heartbeats", limits::HEARTBEAT_INTERVAL, heartbeat_round);
        every!("disks and nodes", limits::DISKS_LOOK_INTERVAL, look_at_disks);
        every!("repairing flags", limits::REPAIRING_CHECK_INTERVAL, clear_repairing_flags);
        every!("replica meta", limits::CHECK_INTERVAL, repair_replica_meta);
        every!("cleanup", limits::CHECK_INTERVAL, cleanup_round);
        every!("data partition checks", limits::CHECK_INTERVAL, check_data_partitions);
        every!("meta partition checks", limits::CHECK_INTERVAL, check_meta_partitions);
        every!("empty meta partitions", limits::CHECK_INTERVAL, clean_round);
        every!("meta node balance", limits::BALANCE_LOOK_INTERVAL, carry_out_balance_plan);
        every!("meta node balance plans", limits::BALANCE_PLANS_INTERVAL, keep_balance_plan);
        every!("fault domains", limits::CHECK_INTERVAL, check_fault_domains);
        every!("volume deletion", limits::CHECK_INTERVAL, delete_volumes);
        every!("meta partition loads", limits::META_LOAD_INTERVAL, load_meta_partitions);
        every!("flow limits", limits::FLOW_LIMITS_INTERVAL, tick_flow_limits);
        every!("flash cache", limits::FLASH_CHECK_INTERVAL, check_flash);
        every!("lifecycle scans", limits::LC_CHECK_INTERVAL, check_lifecycle);
        every!("version strategies", limits::VERSION_STRATEGY_INTERVAL, follow_version_strategies);
        every!("statistics", limits::STATISTICS_INTERVAL, refresh_statistics);
        Some(Self { term, tasks })
    }

    async fn end(self, master: &Master) {
        tracing::info!(term = self.term.0, "leads no more");
        for task in &self.tasks {
            task.abort();
        }
        for task in self.tasks {
            task.join().await;
        }
        master.senders.retain(|_| false);
        master.cached.clear();
    }
}

impl Master {
    /// Writes the cluster record and the root user of a new cluster (v3.5.3 state-machine.md §8, http-cluster-volume.md §3.3).
    async fn found_cluster(&self) -> Result<(), Fault> {
        let name = self.config.cluster_name.clone();
        let created = self.env.wall().secs();
        let root = crate::master::users::new_root(self);
        self.commit("found cluster", |state, txn| {
            if state.cluster.is_none() {
                txn.put(ClusterValue {
                    fault_domain: self.config.fault_domain,
                    auto_mp_migrate: self.config.auto_meta_partition_migrate,
                    // The least limit, 1, is stored with the first change only.
                    decommission_disk_limit: 0,
                    ..ClusterValue::new(&name, created)
                });
            }
            if !state.users.contains_key("root") {
                let (user, key) = root.clone();
                txn.put(user);
                txn.put(key);
            }
            self.found_fault_domains(state, txn);
            Ok(())
        })
        .await
    }
}
