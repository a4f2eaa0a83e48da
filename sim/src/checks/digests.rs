//! R12: the same applied index means the same state. R10: what a master has applied never goes back while it runs.

use super::{Sample, Violation};
use std::collections::BTreeMap;

/// Digests seen so far.
#[derive(Default)]
pub struct Digests {
    /// By applied index: the digest and who showed it first.
    by_index: BTreeMap<u64, (u64, usize)>,
    last: BTreeMap<usize, (u64, u64)>,
    compared: u64,
}

impl Digests {
    pub fn observe(&mut self, sample: &Sample) -> Result<(), Violation> {
        let Sample { master, incarnation, applied, digest, .. } = *sample;
        let last = self.last.entry(master).or_default();
        if last.0 == incarnation && applied < last.1 {
            return Err(Violation::new("R10", format!("master {} goes back from index {} to {applied}", master + 1, last.1)));
        }
        *last = (incarnation, applied);
        let (first, who) = *self.by_index.entry(applied).or_insert((digest, master));
        if first != digest {
            let text = format!("at index {applied} master {} has digest {digest:016x}, master {} had {first:016x}", master + 1, who + 1);
            return Err(Violation::new("R12", text));
        }
        self.compared += u64::from(who != master);
        Ok(())
    }

    /// How often two masters were found equal.
    pub fn compared(&self) -> u64 {
        self.compared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(master: usize, incarnation: u64, applied: u64, digest: u64) -> Sample {
        Sample { at: Default::default(), master, incarnation, disk: 1, term: 1, leads: false, role: 'F', applied, digest }
    }

    #[test]
    fn two_states_of_one_index_are_seen() {
        let mut digests = Digests::default();
        assert_eq!(digests.observe(&sample(0, 1, 5, 77)), Ok(()));
        assert_eq!(digests.observe(&sample(1, 1, 5, 77)), Ok(()));
        assert_eq!(digests.observe(&sample(2, 1, 5, 78)).map_err(|v| v.invariant), Err("R12"));
    }

    #[test]
    fn an_index_goes_back_only_over_a_restart() {
        let mut digests = Digests::default();
        assert_eq!(digests.observe(&sample(0, 1, 5, 77)), Ok(()));
        assert_eq!(digests.observe(&sample(0, 2, 4, 76)), Ok(()));
        assert_eq!(digests.observe(&sample(0, 2, 3, 75)).map_err(|v| v.invariant), Err("R10"));
    }
}
