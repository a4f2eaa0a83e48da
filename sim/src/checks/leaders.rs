//! R1 election safety: a term has one leader at most. R7: the term of a master never goes back, not even over a restart.

use super::{Sample, Violation};
use std::collections::BTreeMap;

/// Leaders seen so far.
#[derive(Default)]
pub struct Leaders {
    by_term: BTreeMap<u64, usize>,
    /// By master: its disk and its term.
    last_term: BTreeMap<usize, (u64, u64)>,
}

impl Leaders {
    pub fn observe(&mut self, sample: &Sample) -> Result<(), Violation> {
        let Sample { master, term, disk, .. } = *sample;
        if term == 0 {
            // Its raft has only just begun and shows nothing yet; what is on its disk is judged by `promises`.
            return Ok(());
        }
        let last = self.last_term.entry(master).or_default();
        if last.0 == disk && term < last.1 {
            return Err(Violation::new("R7", format!("master {} goes back from term {} to {term}", master + 1, last.1)));
        }
        *last = (disk, term);
        if !sample.leads {
            return Ok(());
        }
        match *self.by_term.entry(term).or_insert(master) {
            other if other != master => {
                Err(Violation::new("R1", format!("masters {} and {} both lead in term {term}", other + 1, master + 1)))
            }
            _ => Ok(()),
        }
    }

    /// Terms that had a leader.
    pub fn terms(&self) -> usize {
        self.by_term.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(master: usize, term: u64, leads: bool) -> Sample {
        Sample { at: Default::default(), master, incarnation: 1, disk: 1, term, leads, role: 'F', applied: 0, digest: 0 }
    }

    #[test]
    fn two_leaders_of_a_term_are_seen_and_two_of_two_terms_are_fine() {
        let mut leaders = Leaders::default();
        assert_eq!(leaders.observe(&sample(0, 3, true)), Ok(()));
        assert_eq!(leaders.observe(&sample(1, 4, true)), Ok(()));
        assert_eq!(leaders.observe(&sample(0, 3, true)), Ok(()));
        assert_eq!(leaders.observe(&sample(2, 3, true)).map_err(|v| v.invariant), Err("R1"));
    }

    #[test]
    fn a_term_that_goes_back_is_seen() {
        let mut leaders = Leaders::default();
        assert_eq!(leaders.observe(&sample(0, 3, false)), Ok(()));
        assert_eq!(leaders.observe(&sample(0, 2, false)).map_err(|v| v.invariant), Err("R7"));
    }
}
