//! Where faults are aimed: every disk and network step passes a probe, and a run may have a hook there that fails it,
//! stalls it or crashes its host just before or just after.

use super::HostId;
use std::sync::Mutex;
use std::time::Duration;

/// A step of a host that a fault can be aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// A batch is about to be written.
    Write,
    /// A sync was asked for; nothing of it is durable yet.
    SyncBegin,
    /// The sync is done; the program does not know yet.
    SyncEnd,
    /// A store's contents are about to be replaced.
    InstallBegin,
    /// The new contents are durable; the program does not know yet.
    InstallEnd,
    /// Bytes are about to go out.
    Send,
}

/// What becomes of the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Go,
    /// The disk reports an error (network: the connection is reset).
    Fail,
    /// The step takes so much longer.
    Stall(Duration),
    /// The host loses power here.
    Crash,
}

/// Decides for each step. Called with the world's locks free.
pub type Hook = Box<dyn FnMut(HostId, Point) -> Verdict + Send>;

/// The probe of a world.
#[derive(Default)]
pub struct Probe {
    hook: Mutex<Option<Hook>>,
}

impl Probe {
    /// Puts a hook in place, or takes it away.
    pub fn set(&self, hook: Option<Hook>) {
        *self.hook.lock().expect("lock") = hook;
    }

    /// What becomes of this step.
    pub fn ask(&self, host: HostId, point: Point) -> Verdict {
        match &mut *self.hook.lock().expect("lock") {
            Some(hook) => hook(host, point),
            None => Verdict::Go,
        }
    }
}
