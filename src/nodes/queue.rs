//! The queue of asynchronous tasks of one node (v3.5.3 admin-tasks.md §4.3). Pure: "now" is an argument.
//!
//! A task leaves the queue when its answer arrives by HTTP, when it was sent [`limits::TASK_SENDS_MAX`] times, or when
//! [`limits::TASK_EXPIRES_AFTER_SECS`] passed since it was last sent. The acknowledgement on the connection does not end it.

use crate::limits;
use crate::mutants::mutant;
use crate::wire::opcode::Opcode;
use crate::wire::task::{status, EncodedTask};
use std::collections::BTreeMap;
use std::time::Duration;

/// Monotonic time since an origin of the node's own.
type Now = Duration;

struct Queued {
    task: EncodedTask,
    sent_at: Option<Now>,
}

impl Queued {
    fn is_over(&self, now: Now) -> bool {
        let expiry = Duration::from_secs(limits::TASK_EXPIRES_AFTER_SECS as u64);
        if mutant!("task sent without end") {
            return false;
        }
        self.task.send_count >= limits::TASK_SENDS_MAX || self.sent_at.is_some_and(|at| now.saturating_sub(at) > expiry)
    }

    fn is_due(&self, now: Now) -> bool {
        let resend = Duration::from_secs(limits::TASK_RESEND_AFTER_SECS as u64);
        self.sent_at.is_none_or(|at| now.saturating_sub(at) > resend)
    }
}

/// The tasks of one node by id.
#[derive(Default)]
pub struct Queue {
    tasks: BTreeMap<String, Queued>,
}

impl Queue {
    /// Takes a task in. False, and the task is dropped, when one with its id waits already or the queue is full.
    pub fn add(&mut self, task: EncodedTask) -> bool {
        if self.tasks.len() >= limits::TASKS_PER_NODE_MAX || self.tasks.contains_key(&task.id) {
            return false;
        }
        self.tasks.insert(task.id.clone(), Queued { task, sent_at: None });
        assert!(self.tasks.len() <= limits::TASKS_PER_NODE_MAX);
        true
    }

    /// The answer to a task has come, whatever it says.
    pub fn answered(&mut self, id: &str) {
        self.tasks.remove(id);
    }

    /// Drops what is over; returns the ids of tasks that were sent and never answered.
    pub fn expire(&mut self, now: Now) -> Vec<String> {
        let mut lost = Vec::new();
        self.tasks.retain(|id, queued| {
            let over = queued.is_over(now);
            if over && queued.sent_at.is_some() {
                lost.push(id.clone());
            }
            !over
        });
        lost
    }

    /// Ids of the tasks of this round: all heartbeats that are due, then urgent ones, then version operations, then others until there are
    /// more than [`limits::TASKS_PER_ROUND_MAX`], one at least.
    pub fn due(&self, now: Now) -> Vec<String> {
        let class = |op: Opcode| match op {
            op if op.is_heartbeat() => 0,
            op if op.is_urgent() => 1,
            Opcode::VERSION_OPERATION => 2,
            _ => 3,
        };
        let mut due: Vec<(u8, &String)> =
            self.tasks.iter().filter(|(_, q)| q.is_due(now)).map(|(id, q)| (class(q.task.opcode), id)).collect();
        due.sort();
        let must = due.iter().filter(|(class, _)| *class < 3).count();
        due.truncate((must + 1).max(limits::TASKS_PER_ROUND_MAX + 1));
        due.into_iter().map(|(_, id)| id.clone()).collect()
    }

    /// What is sent for a task now, unless it was answered meanwhile: the envelope as of this sending, with `SendTime` now.
    pub fn begin_sending(&mut self, id: &str, now: Now, wall_secs: i64) -> Option<EncodedTask> {
        let queued = self.tasks.get_mut(id)?;
        queued.sent_at = Some(now);
        queued.task.send_time = wall_secs;
        Some(queued.task.clone())
    }

    /// A sending was tried, with or without success.
    pub fn tried(&mut self, id: &str, now: Now, wall_secs: i64) {
        if let Some(queued) = self.tasks.get_mut(id) {
            queued.task.send_count = queued.task.send_count.saturating_add(1);
            queued.task.status = status::RUNNING;
            queued.task.send_time = wall_secs;
            queued.sent_at = Some(now);
        }
    }

    /// Tasks in the queue.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PartitionId;
    use crate::wire::task::{AdminTask, Subject};

    fn task(opcode: Opcode, n: u64) -> EncodedTask {
        let task = AdminTask::new(opcode, "127.0.0.1:1", Subject::DataPartition(PartitionId(n)), (), 0, String::new());
        task.into_encoded().expect("null is JSON")
    }

    fn secs(s: u64) -> Now {
        Duration::from_secs(s)
    }

    /// Sends everything that is due at `now`; returns the send counts that the node sees.
    fn round(queue: &mut Queue, now: u64) -> Vec<(u8, u8)> {
        queue.expire(secs(now));
        let mut seen = Vec::new();
        for id in queue.due(secs(now)) {
            let sent = queue.begin_sending(&id, secs(now), now as i64).expect("it is in the queue");
            seen.push((sent.send_count, sent.status));
            queue.tried(&id, secs(now), now as i64);
        }
        seen
    }

    #[test]
    fn a_task_that_is_never_answered_is_sent_five_times_six_seconds_apart() {
        let mut queue = Queue::default();
        assert!(queue.add(task(Opcode::DATA_NODE_HEARTBEAT, 1)));
        let sent: Vec<_> = (0..200).step_by(2).flat_map(|now| round(&mut queue, now).into_iter().map(move |s| (now, s))).collect();
        assert_eq!(sent, [(0, (0, 0)), (6, (1, 3)), (12, (2, 3)), (18, (3, 3)), (24, (4, 3))]);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn an_answer_ends_a_task_whatever_its_state() {
        let mut queue = Queue::default();
        queue.add(task(Opcode::LOAD_DATA_PARTITION, 1));
        let id = queue.due(secs(0)).remove(0);
        queue.begin_sending(&id, secs(0), 0);
        queue.answered(&id);
        assert!(queue.due(secs(6)).is_empty());
        queue.answered("no such task");
    }

    #[test]
    fn a_second_task_with_the_same_id_is_dropped() {
        let mut queue = Queue::default();
        assert!(queue.add(task(Opcode::LOAD_DATA_PARTITION, 1)));
        assert!(!queue.add(task(Opcode::LOAD_DATA_PARTITION, 1)));
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn a_full_queue_refuses() {
        let mut queue = Queue::default();
        assert!((0..limits::TASKS_PER_NODE_MAX as u64).all(|n| queue.add(task(Opcode::LOAD_DATA_PARTITION, n))));
        assert!(!queue.add(task(Opcode::LOAD_DATA_PARTITION, u64::MAX)));
    }

    #[test]
    fn heartbeats_and_urgent_tasks_go_first_and_others_wait_for_the_next_round() {
        let mut queue = Queue::default();
        for n in 0..40 {
            queue.add(task(Opcode::LC_NODE_SCAN, n));
        }
        queue.add(task(Opcode::LOAD_DATA_PARTITION, 99));
        queue.add(task(Opcode::DATA_NODE_HEARTBEAT, 98));
        let due = queue.due(secs(0));
        assert!(due[0].contains(&format!("_op[{}]", Opcode::DATA_NODE_HEARTBEAT.0)));
        assert!(due[1].contains(&format!("_op[{}]", Opcode::LOAD_DATA_PARTITION.0)));
        assert_eq!(due.len(), limits::TASKS_PER_ROUND_MAX + 1);
    }

    #[test]
    fn urgent_tasks_are_not_cut_by_the_round_limit() {
        let mut queue = Queue::default();
        for n in 0..50 {
            queue.add(task(Opcode::LOAD_DATA_PARTITION, n));
        }
        assert_eq!(queue.due(secs(0)).len(), 50);
        queue.add(task(Opcode::LC_NODE_SCAN, 1));
        queue.add(task(Opcode::LC_NODE_SCAN, 2));
        assert_eq!(queue.due(secs(0)).len(), 51, "others are not starved");
        queue.add(task(Opcode::VERSION_OPERATION, 3));
        queue.add(task(Opcode::VERSION_OPERATION, 4));
        assert_eq!(queue.due(secs(0)).len(), 53, "v3.5.3 does not hold version operations to the limit either");
    }
}
