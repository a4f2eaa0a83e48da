//! Virtual time as the world sees it: one queue of what is due when. A wait that is dropped leaves the queue, and a
//! callback needs no task of its own; madsim's timers can do neither, so only one of them is ever armed (`run.rs`).

use super::HostId;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// What happens when its time has come.
enum Action {
    Wake { owner: Option<HostId>, waker: Waker },
    Call(Box<dyn FnOnce() + Send>),
}

#[derive(Default)]
struct Queue {
    due: BTreeMap<(Duration, u64), Action>,
    last: u64,
    driver: Option<Waker>,
}

/// The queue and the clock it goes by.
pub struct Timers {
    elapsed: Box<dyn Fn() -> Duration + Send + Sync>,
    queue: Mutex<Queue>,
}

impl Timers {
    /// `elapsed` says how much virtual time has passed.
    pub fn new(elapsed: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { elapsed: Box::new(elapsed), queue: Mutex::default() }
    }

    /// Virtual time since the start of the run.
    pub fn now(&self) -> Duration {
        (self.elapsed)()
    }

    /// Calls `f` at `at`, on no host: a kill does not stop it.
    pub fn call(&self, at: Duration, f: impl FnOnce() + Send + 'static) {
        self.insert(at, Action::Call(Box::new(f)));
    }

    /// Completes at or after `at`.
    pub fn sleep_until(self: &Arc<Self>, at: Duration) -> Sleep {
        Sleep { timers: self.clone(), owner: None, at, entry: None }
    }

    /// Completes once `time` has passed.
    pub fn sleep(self: &Arc<Self>, time: Duration) -> Sleep {
        self.sleep_until(self.now() + time)
    }

    fn insert(&self, at: Duration, action: Action) -> (Duration, u64) {
        let mut queue = self.queue.lock().expect("lock");
        queue.last += 1;
        let key = (at, queue.last);
        queue.due.insert(key, action);
        let first = queue.due.first_key_value().map(|(k, _)| *k) == Some(key);
        let driver = if first { queue.driver.take() } else { None };
        drop(queue);
        if let Some(driver) = driver {
            driver.wake();
        }
        key
    }

    fn remove(&self, key: (Duration, u64)) {
        self.queue.lock().expect("lock").due.remove(&key);
    }

    /// Wakes every wait of a host: its clock has changed and each must look again.
    pub fn wake_all_of(&self, host: HostId) {
        let wakers: Vec<Waker> = self
            .queue
            .lock()
            .expect("lock")
            .due
            .values()
            .filter_map(|action| match action {
                Action::Wake { owner, waker } if *owner == Some(host) => Some(waker.clone()),
                _ => None,
            })
            .collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Does all that is due, registers the driver's waker and returns when the next thing is due.
    pub fn turn(&self, driver: &Waker) -> Option<Duration> {
        loop {
            let now = self.now();
            let mut queue = self.queue.lock().expect("lock");
            match queue.due.first_key_value().map(|(k, _)| *k) {
                Some(key) if key.0 <= now => {
                    let action = queue.due.remove(&key);
                    drop(queue);
                    match action {
                        Some(Action::Wake { waker, .. }) => waker.wake(),
                        Some(Action::Call(f)) => f(),
                        None => {}
                    }
                }
                next => {
                    queue.driver = Some(driver.clone());
                    return next.map(|(at, _)| at);
                }
            }
        }
    }
}

/// A wait for virtual time. Dropping it leaves nothing behind.
pub struct Sleep {
    timers: Arc<Timers>,
    owner: Option<HostId>,
    at: Duration,
    entry: Option<(Duration, u64)>,
}

impl Sleep {
    /// A wait that `wake_all_of(owner)` wakes.
    pub fn owned_by(mut self, owner: HostId) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Moves the end of the wait; takes effect at the next poll.
    pub fn reset(&mut self, at: Duration) {
        self.at = at;
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(key) = self.entry.take() {
            self.timers.remove(key);
        }
        if self.timers.now() >= self.at {
            return Poll::Ready(());
        }
        let action = Action::Wake { owner: self.owner, waker: cx.waker().clone() };
        self.entry = Some(self.timers.insert(self.at, action));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.entry.take() {
            self.timers.remove(key);
        }
    }
}
