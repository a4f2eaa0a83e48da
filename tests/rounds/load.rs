//! Clients that work all the time, on all masters.

use crate::cluster::Cluster;
use crate::fault::MASTERS;
use cfs_master::env::{Env, Mono};
use cfs_sim::run::caller::{Caller, History, ANSWER_WITHIN};
use cfs_sim::run::history::{Event, Op, Outcome, NO_CODE};
use cfs_sim::run::workload::{self, Step};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Every other one waits for a stopped master, and the others ask another one.
const CLIENTS: usize = 6;
const IMPATIENT_ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// The longest pause between two operations of a client.
const THINK_MAX: Duration = Duration::from_millis(500);
/// A step that is later than this is left out: who waited does not make up for it.
const LATE_MAX: Duration = Duration::from_secs(2);
/// Before a client asks the next master, when one is away or knows no leader.
const NEXT_AFTER: Duration = Duration::from_millis(200);
/// How often it asks for the same at most, but for deletions.
const TRIES_MAX: usize = 20;
/// Between two looks whether the work is over.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The clients at work.
pub struct Load {
    pub history: History,
    env: Env,
    /// All times of the history count from here.
    began: Mono,
    masters: Vec<String>,
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts the clients; they have work for `length`.
    pub fn start(cluster: &Cluster, seed: u64, length: Duration) -> Self {
        let (env, history) = (cluster.env.clone(), History::default());
        let mut load = Self { history, began: env.now(), env, masters: cluster.addrs(), stop: Arc::default(), tasks: Vec::new() };
        let mut steps: Vec<Vec<Step>> = vec![Vec::new(); CLIENTS];
        for step in workload::draw(seed, CLIENTS, MASTERS, length, THINK_MAX) {
            steps[step.client].push(step);
        }
        for (number, steps) in steps.into_iter().enumerate() {
            let (caller, began, stop) = (load.caller(number), load.began, load.stop.clone());
            load.tasks.push(tokio::spawn(work(caller, began, stop, steps)));
        }
        load
    }

    fn caller(&self, number: usize) -> Caller {
        let answer_within = if number % 2 == 0 { ANSWER_WITHIN } else { IMPATIENT_ANSWER_WITHIN };
        Caller { env: self.env.clone(), number, masters: self.masters.clone(), zones: 1, answer_within, history: self.history.clone() }
    }

    /// Waits until each client has its last answer.
    pub async fn stop(&mut self) -> Result<(), String> {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks.drain(..) {
            task.await.map_err(|e| format!("a client: {e}"))?;
        }
        Ok(())
    }

    /// One operation of a client beside the others.
    pub async fn perform(&self, master: usize, op: Op) -> Event {
        let (env, began) = (self.env.clone(), self.began);
        self.caller(CLIENTS).perform(master, op, || env.now().since(began)).await
    }
}

async fn work(caller: Caller, began: Mono, stop: Arc<AtomicBool>, steps: Vec<Step>) {
    let now = || caller.env.now().since(began);
    for step in steps {
        while now() < step.at && !stop.load(Ordering::Relaxed) {
            caller.env.sleep(step.at.saturating_sub(now()).min(LOOK_EVERY)).await;
        }
        if stop.load(Ordering::Relaxed) {
            return;
        }
        // Volumes that stay for ever would fill the nodes.
        let insists = matches!(step.op, Op::Delete { .. });
        if !insists && now() > step.at + LATE_MAX {
            continue;
        }
        let tries = if insists { usize::MAX } else { TRIES_MAX };
        for master in (0..MASTERS).cycle().skip(step.master).take(tries) {
            let event = caller.perform(master, step.op.clone(), now).await;
            let again = is_away(&event) || (insists && matches!(event.outcome, Outcome::Unknown(_)));
            if !again || stop.load(Ordering::Relaxed) {
                break;
            }
            caller.env.sleep(NEXT_AFTER).await;
        }
    }
}

/// The master was not there, or had nobody to pass the request on to.
fn is_away(event: &Event) -> bool {
    matches!(event.outcome, Outcome::Refused { code: NO_CODE, .. })
}
