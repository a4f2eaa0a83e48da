//! Where faults are aimed: every disk and network step passes a probe, and a run may have a hook there that fails it,
//! stalls it or crashes its host just before or just after.

use super::HostId;
use cfs_master::env::Batch;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

/// A step of a host that a fault can be aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// A store is about to be opened.
    OpenBegin,
    /// A store is open; the program does not know yet.
    OpenEnd,
    /// A batch is about to be written.
    WriteBegin,
    /// A buffered batch is written.
    WriteEnd,
    /// A sync was asked for; nothing of it is durable yet.
    SyncBegin,
    /// The sync is done; the program does not know yet.
    SyncEnd,
    /// A store's contents are about to be replaced.
    InstallBegin,
    /// The new contents are durable; the program does not know yet.
    InstallEnd,
    /// A view of a store is about to be taken.
    View,
    /// Bytes are about to go out.
    SendBegin,
    /// Bytes are with the kernel.
    SendEnd,
}

/// What a step is a step of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// The directory of a store.
    Store(&'a Path),
    /// The port that the connection was made to.
    Port(u16),
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
pub type Hook = Box<dyn FnMut(HostId, Point, Place<'_>) -> Verdict + Send>;

/// What happens to a store.
pub enum Seen<'a> {
    Opened,
    /// Its whole contents were replaced.
    Installed,
    Wrote(&'a Batch),
}

/// Sees everything that happens to stores, and changes nothing.
pub type Watch = Box<dyn FnMut(HostId, &Path, Seen<'_>) + Send>;

/// The probe of a world.
#[derive(Default)]
pub struct Probe {
    hook: Mutex<Option<Hook>>,
    watch: Mutex<Option<Watch>>,
}

impl Probe {
    /// Puts a hook in place, or takes it away.
    pub fn set(&self, hook: Option<Hook>) {
        *self.hook.lock().expect("lock") = hook;
    }

    /// Has every store watched from now on.
    pub fn watch(&self, watch: Watch) {
        *self.watch.lock().expect("lock") = Some(watch);
    }

    /// Something happened to a store.
    pub fn see(&self, host: HostId, dir: &Path, seen: Seen<'_>) {
        if let Some(watch) = &mut *self.watch.lock().expect("lock") {
            watch(host, dir, seen);
        }
    }

    /// What becomes of this step.
    pub fn ask(&self, host: HostId, point: Point, place: Place<'_>) -> Verdict {
        match &mut *self.hook.lock().expect("lock") {
            Some(hook) => hook(host, point, place),
            None => Verdict::Go,
        }
    }
}
