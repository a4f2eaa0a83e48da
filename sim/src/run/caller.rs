//! A caller of the masters: performs one operation after the other and writes each into the history that all callers share.

use super::history::{Event, Op, Outcome};
use super::request;
use crate::checks::{envelope, Violation};
use crate::http;
use cfs_master::env::Env;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a caller that has patience waits for an answer.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(20);
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// All operations of all clients, in the order in which they began.
#[derive(Clone, Default)]
pub struct History(Arc<Mutex<Vec<Event>>>, Arc<Mutex<Option<Violation>>>);

impl History {
    pub fn begin(&self, event: Event) -> usize {
        let mut events = self.0.lock().expect("lock");
        events.push(event);
        events.len() - 1
    }

    pub fn end(&self, number: usize, at: Duration, outcome: Outcome) -> Event {
        let mut events = self.0.lock().expect("lock");
        events[number].ended = Some(at);
        events[number].outcome = outcome;
        events[number].clone()
    }

    /// A reply that was none, if there was one (A2).
    pub fn found(&self) -> Option<Violation> {
        self.1.lock().expect("lock").clone()
    }

    pub fn all(&self) -> Vec<Event> {
        self.0.lock().expect("lock").clone()
    }
}

/// One caller.
pub struct Caller {
    pub env: Env,
    pub number: usize,
    /// Addresses of the masters, by position.
    pub masters: Vec<String>,
    pub zones: usize,
    /// It waits so long for an answer.
    pub answer_within: Duration,
    pub history: History,
}

impl Caller {
    /// Performs one operation and writes it into the history. `now` is the time by which all callers of the history go.
    pub async fn perform(&self, master: usize, op: Op, now: impl Fn() -> Duration) -> Event {
        let event = Event { client: self.number, master, op: op.clone(), begun: now(), ended: None, outcome: Outcome::Pending };
        let number = self.history.begin(event);
        let own = self.env.now();
        let ((method, body), target) = (request::body(&op), request::target(&op, self.zones));
        let answer =
            http::call(&self.env, &self.masters[master], method, &target, body, own + CONNECT_WITHIN, own + self.answer_within).await;
        if let Some(Err(violation)) = answer.as_ref().ok().map(|answer| envelope::check(&target, answer)) {
            self.history.1.lock().expect("lock").get_or_insert(violation);
        }
        self.history.end(number, now(), request::outcome(&op, answer))
    }
}
