//! The path from one host to another, one way: open or cut, how long it takes, and what it does to the bytes.

use super::super::entropy::Stream;
use std::time::Duration;

/// How long a segment takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    pub min: Duration,
    pub max: Duration,
    /// Every so many per mille of the segments take `slow` more: a second mode.
    pub slow_per_mille: u64,
    pub slow: Duration,
}

impl Default for Latency {
    fn default() -> Self {
        Self { min: Duration::from_micros(100), max: Duration::from_millis(2), slow_per_mille: 5, slow: Duration::from_millis(30) }
    }
}

impl Latency {
    pub fn draw(&self, stream: &mut Stream) -> Duration {
        let slow = if stream.chance(self.slow_per_mille) { self.slow } else { Duration::ZERO };
        stream.time(self.min, self.max) + slow
    }
}

/// One direction between two hosts. The default is a healthy one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Nothing passes. What is sent is sent again, further and further apart, until it does.
    pub cut: bool,
    pub latency: Latency,
    /// A read gives at most so many bytes, a write takes at most so many.
    pub chop: Option<usize>,
    /// A connection made over this link is reset once so many bytes went this way.
    pub reset_at: Option<u64>,
    /// A connection made over this link stops for good once so many bytes went this way.
    pub stall_at: Option<u64>,
    /// One in so many segments has a bit flipped.
    pub flip_one_in: Option<u64>,
    /// Only on connections that were made to this port.
    pub flip_port: Option<u16>,
}

/// First waiting time before something unacknowledged is sent again; doubles each time.
pub const RESEND_FIRST: Duration = Duration::from_millis(200);
/// The longest such waiting time.
pub const RESEND_MAX: Duration = Duration::from_secs(120);
/// Times after the first SYN at which it is sent again.
pub const SYN_RETRIES_SECS: [u64; 6] = [1, 3, 7, 15, 31, 63];
/// Connecting gives up this long after the first SYN.
pub const SYN_GIVES_UP: Duration = Duration::from_secs(127);
