//! The clock of a host: monotonic time that may run fast or slow, and a wall clock that may jump.

use super::timers::{Sleep, Timers};
use super::HostId;
use cfs_master::env::{Clock, Mono, Wall};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

/// The wall clock at virtual time zero: 2026-01-01T00:00:00Z.
pub const WALL_AT_START: i64 = 1_767_225_600 * 1_000_000_000;
/// A monotonic clock gains or loses at most this much: no quartz is worse, and a program that trusts no other's clock
/// must still trust its own to this degree.
pub const DRIFT_PPM_MAX: i64 = 200_000;

#[derive(Clone, Copy)]
struct Setting {
    /// Parts per million that the host's clock gains on virtual time.
    drift_ppm: i64,
    /// Virtual and monotonic time when the drift was last set.
    virtual_base: Duration,
    mono_base: Duration,
    /// What the wall clock is off by, nanoseconds.
    wall_offset: i64,
}

/// The Clock seam of one host; it goes on while the host's program is down.
pub struct HostClock {
    host: HostId,
    timers: Arc<Timers>,
    setting: Mutex<Setting>,
}

impl HostClock {
    pub fn new(host: HostId, timers: Arc<Timers>) -> Self {
        let setting = Setting { drift_ppm: 0, virtual_base: Duration::ZERO, mono_base: Duration::ZERO, wall_offset: 0 };
        Self { host, timers, setting: Mutex::new(setting) }
    }

    fn setting(&self) -> Setting {
        *self.setting.lock().expect("lock")
    }

    fn mono_at(setting: Setting, now: Duration) -> Duration {
        let since = now.saturating_sub(setting.virtual_base).as_nanos();
        setting.mono_base + nanos(since * (1_000_000 + setting.drift_ppm) as u128 / 1_000_000)
    }

    /// From now on the clock gains `ppm` parts per million (negative: loses).
    pub fn set_drift(&self, ppm: i64) {
        assert!(ppm.abs() <= DRIFT_PPM_MAX, "drift of {ppm} ppm");
        let now = self.timers.now();
        let mut setting = self.setting.lock().expect("lock");
        *setting = Setting { drift_ppm: ppm, virtual_base: now, mono_base: Self::mono_at(*setting, now), ..*setting };
        drop(setting);
        self.timers.wake_all_of(self.host);
    }

    /// Moves the wall clock by `nanos`, forwards or backwards; the monotonic clock does not notice.
    pub fn jump(&self, nanos: i64) {
        self.setting.lock().expect("lock").wall_offset += nanos;
    }

    /// Sets the wall clock right and takes the drift away.
    pub fn repair(&self) {
        self.set_drift(0);
        self.setting.lock().expect("lock").wall_offset = 0;
    }
}

fn nanos(count: u128) -> Duration {
    Duration::from_nanos(u64::try_from(count).unwrap_or(u64::MAX))
}

/// The Clock seam handed to a host.
pub struct ClockOf(pub Arc<HostClock>);

impl Clock for ClockOf {
    fn now(&self) -> Mono {
        Mono(HostClock::mono_at(self.0.setting(), self.0.timers.now()))
    }

    fn wall(&self) -> Wall {
        let elapsed = i64::try_from(self.0.timers.now().as_nanos()).unwrap_or(i64::MAX);
        Wall(WALL_AT_START + elapsed + self.0.setting().wall_offset)
    }

    fn sleep_until(&self, at: Mono) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        let sleep = self.0.timers.sleep_until(Duration::ZERO).owned_by(self.0.host);
        Box::pin(HostSleep { clock: self.0.clone(), at, sleep })
    }
}

/// A wait by a host's own clock; asks it anew at each waking, because the drift may have changed meanwhile.
struct HostSleep {
    clock: Arc<HostClock>,
    at: Mono,
    sleep: Sleep,
}

impl Future for HostSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        loop {
            let (now, setting) = (this.clock.timers.now(), this.clock.setting());
            let mono = HostClock::mono_at(setting, now);
            if mono >= this.at.0 {
                return Poll::Ready(());
            }
            let left = (this.at.0 - mono).as_nanos() * 1_000_000 / (1_000_000 + setting.drift_ppm) as u128;
            this.sleep.reset(now.saturating_add(nanos(left + 1)));
            if Pin::new(&mut this.sleep).poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn a_fast_clock_gains_and_a_jump_leaves_monotonic_time_alone() {
        let time = Arc::new(AtomicU64::new(0));
        let source = time.clone();
        let timers = Arc::new(Timers::new(move || Duration::from_secs(source.load(Ordering::Relaxed))));
        let host = Arc::new(HostClock::new(HostId(1), timers));
        let clock = ClockOf(host.clone());
        time.store(100, Ordering::Relaxed);
        assert_eq!(clock.now(), Mono(Duration::from_secs(100)));
        host.set_drift(100_000);
        time.store(200, Ordering::Relaxed);
        assert_eq!(clock.now(), Mono(Duration::from_secs(210)));
        host.jump(-50_000_000_000);
        assert_eq!(clock.now(), Mono(Duration::from_secs(210)));
        assert_eq!(clock.wall().0, WALL_AT_START + 150_000_000_000);
        host.repair();
        time.store(201, Ordering::Relaxed);
        assert_eq!(clock.now(), Mono(Duration::from_secs(211)));
        assert_eq!(clock.wall().0, WALL_AT_START + 201_000_000_000);
    }
}
