//! The simulated world: hosts with clocks, disks and a network between them, everything drawn from one seed.
//!
//! The scheduler and the virtual clock are madsim's (`hosts.rs`, `run.rs`); what can go wrong is ours, because madsim's
//! TCP and file system are kinder than real ones.

pub mod clock;
pub mod disk;
pub mod entropy;
#[cfg(madsim)]
mod hosts;
pub mod network;
pub mod probe;
#[cfg(madsim)]
mod run;
pub mod timers;
pub mod trace;

#[cfg(madsim)]
pub use hosts::{Crash, World};
#[cfg(madsim)]
pub use run::run;

use clock::{ClockOf, HostClock};
use entropy::Stream;
use probe::Probe;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use timers::Timers;
use trace::{Event, Trace, What};

/// A host of the world, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub u16);

/// What all parts of one world share.
pub struct Shared {
    pub seed: u64,
    pub timers: Arc<Timers>,
    pub trace: Trace,
    pub probe: Probe,
    streams: Mutex<BTreeMap<(&'static str, HostId, HostId), Stream>>,
    clocks: Mutex<BTreeMap<HostId, Arc<HostClock>>>,
    crash: OnceLock<Box<dyn Fn(HostId) + Send + Sync>>,
}

impl Shared {
    pub fn new(seed: u64, timers: Arc<Timers>) -> Self {
        Self {
            seed,
            timers,
            trace: Trace::default(),
            probe: Probe::default(),
            streams: Mutex::default(),
            clocks: Mutex::default(),
            crash: OnceLock::new(),
        }
    }

    /// Draws from the stream of a purpose and a host.
    pub fn draw<T>(&self, purpose: &'static str, host: HostId, f: impl FnOnce(&mut Stream) -> T) -> T {
        self.draw2(purpose, host, host, f)
    }

    /// Draws from the stream of a purpose and a pair of hosts.
    pub fn draw2<T>(&self, purpose: &'static str, from: HostId, to: HostId, f: impl FnOnce(&mut Stream) -> T) -> T {
        let mut streams = self.streams.lock().expect("lock");
        let seed = self.seed;
        f(streams
            .entry((purpose, from, to))
            .or_insert_with(|| Stream::new(seed, &["world", purpose, &from.0.to_string(), &to.0.to_string()])))
    }

    /// Writes an event down, now.
    pub fn event(&self, host: Option<HostId>, what: What) {
        self.trace.add(Event { at: self.timers.now(), host, what });
    }

    /// The clock of a host; it is made at the first call.
    pub fn host_clock(&self, host: HostId) -> Arc<HostClock> {
        let mut clocks = self.clocks.lock().expect("lock");
        clocks.entry(host).or_insert_with(|| Arc::new(HostClock::new(host, self.timers.clone()))).clone()
    }

    /// The Clock seam of a host.
    pub fn clock(&self, host: HostId) -> ClockOf {
        ClockOf(self.host_clock(host))
    }

    /// Who ends a host's program when a probe says so.
    pub fn on_crash(&self, f: impl Fn(HostId) + Send + Sync + 'static) {
        assert!(self.crash.set(Box::new(f)).is_ok(), "set twice");
    }

    /// A probe crashes this host: it loses power at once.
    fn crash(&self, host: HostId) {
        if let Some(crash) = self.crash.get() {
            crash(host);
        }
    }
}
