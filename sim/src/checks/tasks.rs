//! T1: a task is sent only by a master that leads, and at most [`SENDS_MAX`] times.

use super::Violation;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often a task is sent at most (v3.5.3 admin-tasks.md §4.3).
pub const SENDS_MAX: u32 = 5;
/// What a leader began may still go out so long after it stopped leading: connecting takes up to 10 s, writing up to 5 s.
pub const AFTERGLOW: Duration = Duration::from_secs(16);

/// What was seen of tasks on their way.
#[derive(Default)]
pub struct Tasks {
    /// When each master last led, by its own view.
    led: BTreeMap<usize, Duration>,
    /// Packets by node and the task's request id.
    received: BTreeMap<(String, String), u32>,
}

impl Tasks {
    /// A master sends something to a storage node; `leads` is what it believes itself.
    pub fn sent(&mut self, at: Duration, master: usize, leads: bool) -> Result<(), Violation> {
        if leads {
            self.led.insert(master, at);
            return Ok(());
        }
        match self.led.get(&master) {
            Some(led) if *led + AFTERGLOW >= at => Ok(()),
            led => Err(Violation::new("T1", format!("master {} sends a task and led last at {led:?}, now it is {at:?}", master + 1))),
        }
    }

    /// A master was seen leading.
    pub fn leads(&mut self, at: Duration, master: usize) {
        self.led.insert(master, at);
    }

    /// A node got a packet of a task.
    pub fn received(&mut self, node: &str, task: &str, request: &str) -> Result<(), Violation> {
        if request.is_empty() {
            return Ok(());
        }
        let count = self.received.entry((node.to_owned(), request.to_owned())).or_default();
        *count += 1;
        match *count <= SENDS_MAX {
            true => Ok(()),
            false => Err(Violation::new("T1", format!("{node} got task {task} {count} times"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_who_does_not_lead_and_one_who_never_stops_are_seen() {
        let mut tasks = Tasks::default();
        let secs = Duration::from_secs;
        assert!(tasks.sent(secs(1), 0, false).is_err());
        assert!(tasks.sent(secs(2), 0, true).is_ok());
        assert!(tasks.sent(secs(10), 0, false).is_ok());
        assert!(tasks.sent(secs(30), 0, false).is_err());
        let mut got = || tasks.received("127.0.0.1:1", "addr[127.0.0.1:1]_op[96]", "uuid").is_ok();
        assert_eq!((0..6).map(|_| got()).collect::<Vec<_>>(), [true, true, true, true, true, false]);
    }
}
