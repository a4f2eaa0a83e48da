//! The master: what ties state, raft, plans and storage nodes together.
//!
//! * `machine.rs`, `commit.rs`: reading and changing the replicated state.
//! * `leadership.rs`: who leads, and what runs only while this master does.
//! * `live.rs`: what a leader knows besides the state: reports of nodes, selector memory.
//! * `register.rs`, `partitions.rs`, `inode_ranges.rs`, `volume.rs`, `marking.rs`, `deletion.rs`, `settings.rs`, `users.rs`, `masters.rs`,
//!   `quotas.rs`, `flow_limits.rs`, `loading.rs`, `leaders.rs`, `empty_partitions.rs`, `lifecycle.rs`, `flash.rs`, `flash_groups.rs`, `flash_tasks.rs`, `versions.rs`:
//!   operations, each a plan and its execution.
//! * `moves.rs`: taking replicas from node to node.
//! * `heartbeat.rs`, `checks.rs`, `cleanup.rs`, `fault_domains.rs`: what the leader does by itself.
//! * `cached.rs`: client views kept as ready replies.
//!
//! Invariant: nothing here knows HTTP, and no lock is held across an await.

pub mod balance;
pub mod cached;
pub mod checks;
pub mod cleanup;
pub mod clients;
pub mod commit;
mod creating;
pub mod deletion;
pub mod empty_partitions;
pub mod fault_domains;
pub mod flash;
pub mod flash_groups;
pub mod flash_tasks;
pub mod flow_limits;
pub mod heartbeat;
pub mod inode_ranges;
pub mod leaders;
pub mod leadership;
pub mod lifecycle;
pub mod live;
pub mod loading;
pub mod machine;
pub mod marking;
pub mod masters;
pub mod moment;
pub mod moves;
pub mod partitions;
pub mod quotas;
mod raft_status;
pub mod register;
pub mod senders;
pub mod settings;
pub mod users;
pub mod versions;
pub mod volume;

use crate::config::Config;
use crate::env::{Env, Mono};
use crate::ids::Term;
use crate::raft::Raft;
use crate::state::{Outcome, State};
use crate::wire::reply::{fault, Fault};
use leadership::Leadership;
use live::Live;
use machine::Published;
use senders::Senders;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::watch;

/// One master of the cluster. Shared by the HTTP layer and the background loops.
pub struct Master {
    pub env: Env,
    pub config: Arc<Config>,
    raft: Raft<Outcome>,
    published: Published,
    live: Mutex<Live>,
    senders: Senders,
    leadership: watch::Sender<Leadership>,
    pub cached: cached::Cached,
    pub clients: clients::Clients,
    pub moves: moves::Moves,
}

impl Master {
    /// Puts a master together; [`Master::run`] makes it lead when raft says so.
    pub fn new(env: Env, config: Arc<Config>, raft: Raft<Outcome>, published: Published) -> Arc<Self> {
        let started = env.wall().secs();
        Arc::new(Self {
            env,
            config,
            raft,
            published,
            live: Mutex::default(),
            senders: Senders::new(started),
            leadership: watch::Sender::new(Leadership::default()),
            cached: cached::Cached::default(),
            clients: clients::Clients::default(),
            moves: moves::Moves::default(),
        })
    }

    /// The newest applied state.
    pub fn state(&self) -> Arc<State> {
        self.published.get()
    }

    /// What this leader knows besides the state. Held briefly, never across an await.
    pub fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().expect("no holder panics")
    }

    /// Raft, for status and membership.
    pub fn raft(&self) -> &Raft<Outcome> {
        &self.raft
    }

    /// Who leads, as this master sees it.
    pub fn leadership(&self) -> Leadership {
        self.leadership.borrow().clone()
    }

    /// Changes of [`Master::leadership`].
    pub fn watch_leadership(&self) -> watch::Receiver<Leadership> {
        self.leadership.subscribe()
    }

    /// `ip:port` of this master's HTTP service.
    pub fn own_addr(&self) -> String {
        self.addr_of(self.config.id).unwrap_or_else(|| self.config.own_addr().to_owned())
    }

    /// HTTP address of a master by id: from the replicated membership, or from the configuration before there is one.
    pub fn addr_of(&self, id: crate::ids::MasterId) -> Option<String> {
        self.raft.membership().members.get(&id).map(|m| m.addr.clone()).or_else(|| self.config.peers.get(&id).cloned())
    }

    /// Confirms that this master still leads and has applied all that was acknowledged before the call: what it reads from the state
    /// after that is linearizable.
    ///
    /// # Errors
    /// [`fault::NO_LEADER`] when leadership could not be confirmed before `deadline`.
    pub async fn confirm_leadership(&self, deadline: Mono) -> Result<(), Fault> {
        match self.raft.read_index(deadline).await {
            Ok(_) => Ok(()),
            Err(_) => Err(fault::NO_LEADER),
        }
    }

    /// The term in which this master leads and may act on nodes, if it does.
    pub fn ready_term(&self) -> Option<Term> {
        match self.leadership() {
            Leadership::Leader { term, ready: true } => Some(term),
            _ => None,
        }
    }
}
