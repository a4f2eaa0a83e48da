//! Faults that wait for a master's next step of a kind, and how often each step was passed.

use super::crash_point::CrashPoint;
use crate::world::probe::Verdict;
use crate::world::HostId;
use std::collections::BTreeMap;

/// A crash, a failure or a stall that waits for its step.
#[derive(Clone, Copy)]
pub struct Armed {
    pub host: HostId,
    pub point: CrashPoint,
    /// Steps that still pass, and steps that it hits after that.
    pub after: u32,
    pub times: u32,
    pub verdict: Verdict,
}

/// Steps that masters passed, and those at which one lost power.
#[derive(Default)]
pub struct Steps {
    pub armed: Vec<Armed>,
    pub passed: BTreeMap<CrashPoint, u64>,
    pub crashed: BTreeMap<CrashPoint, u64>,
}

impl Steps {
    /// What becomes of a step of a master.
    pub fn judge(&mut self, host: HostId, point: CrashPoint) -> Verdict {
        *self.passed.entry(point).or_default() += 1;
        let Some(at) = self.armed.iter().position(|one| one.host == host && one.point == point) else { return Verdict::Go };
        if self.armed[at].after > 0 {
            self.armed[at].after -= 1;
            return Verdict::Go;
        }
        let verdict = self.armed[at].verdict;
        self.armed[at].times -= 1;
        if self.armed[at].times == 0 {
            self.armed.swap_remove(at);
        }
        if verdict == Verdict::Crash {
            *self.crashed.entry(point).or_default() += 1;
        }
        verdict
    }
}
