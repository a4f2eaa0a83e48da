//! Randomness of the simulated world: a stream for each purpose and each owner, all from the one seed of the run, so that
//! one more draw for one of them leaves the others as they were.

use cfs_master::env::{Entropy, Purpose};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// SplitMix64's finalizer: each bit of the input moves half the bits of the output.
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A sequence of numbers that is the same for the same seed and labels on every machine.
#[derive(Clone, Debug)]
pub struct Stream {
    state: u64,
}

impl Stream {
    /// The stream called `labels` of the run `seed`.
    pub fn new(seed: u64, labels: &[&str]) -> Self {
        let mut state = mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15));
        for label in labels {
            for byte in label.bytes() {
                state = mix(state ^ u64::from(byte).wrapping_add(0x1_0000));
            }
            state = mix(state ^ 0x2_0000);
        }
        Self { state }
    }

    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `from..=to`.
    pub fn range(&mut self, from: u64, to: u64) -> u64 {
        from + self.below((to - from).saturating_add(1))
    }

    /// True in `per_mille` of 1,000 draws.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    /// A time in `from..=to`.
    pub fn time(&mut self, from: Duration, to: Duration) -> Duration {
        Duration::from_nanos(self.range(from.as_nanos() as u64, to.as_nanos() as u64))
    }

    /// A time of whole milliseconds in `from..=to`, as texts show it.
    pub fn millis(&mut self, from: Duration, to: Duration) -> Duration {
        Duration::from_millis(self.range(from.as_millis() as u64, to.as_millis() as u64))
    }

    /// One of `items`.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        assert!(!items.is_empty(), "nothing to pick from");
        &items[self.below(items.len() as u64) as usize]
    }
}

/// The Entropy seam of one incarnation of one host.
pub struct HostEntropy {
    seed: u64,
    host: String,
    incarnation: String,
    streams: Mutex<BTreeMap<Purpose, Stream>>,
}

impl HostEntropy {
    pub fn new(seed: u64, host: &str, incarnation: u64) -> Self {
        Self { seed, host: host.to_owned(), incarnation: incarnation.to_string(), streams: Mutex::default() }
    }
}

impl Entropy for HostEntropy {
    fn next_u64(&self, purpose: Purpose) -> u64 {
        let mut streams = self.streams.lock().expect("lock");
        streams
            .entry(purpose)
            .or_insert_with(|| Stream::new(self.seed, &["host", &self.host, &self.incarnation, &format!("{purpose:?}")]))
            .next_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_of_one_stream_leaves_the_others_as_they_were() {
        let entropy = HostEntropy::new(7, "m1", 1);
        let first = entropy.next_u64(Purpose::Election);
        let other = HostEntropy::new(7, "m1", 1);
        other.next_u64(Purpose::Secret);
        assert_eq!(other.next_u64(Purpose::Election), first);
        assert_ne!(HostEntropy::new(7, "m1", 2).next_u64(Purpose::Election), first);
        assert_ne!(HostEntropy::new(7, "m2", 1).next_u64(Purpose::Election), first);
    }

    #[test]
    fn ranges_are_inclusive_and_labels_do_not_run_together() {
        let mut stream = Stream::new(1, &["x"]);
        let drawn: std::collections::BTreeSet<u64> = (0..200).map(|_| stream.range(3, 5)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [3, 4, 5]);
        assert_ne!(Stream::new(1, &["ab", "c"]).next_u64(), Stream::new(1, &["a", "bc"]).next_u64());
    }
}
