//! What a master has written down or said never goes back:
//!
//! * R6 ordering: applied entries are committed ones, and committed ones are in the log.
//! * R7 its term, on disk.
//! * R8 its vote: in a term it is given once.
//! * R9 its commit index while it runs.

use super::Violation;
use std::collections::BTreeMap;

/// What a master has promised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Promise {
    /// By position.
    pub master: usize,
    /// How often its program was started.
    pub start: u64,
    /// Which disk: another one has promised nothing yet.
    pub disk: u64,
    /// Term and vote, synced; 0: no vote.
    pub term: u64,
    pub vote: u64,
    /// What the program says.
    pub applied: u64,
    pub commit: u64,
    pub last: u64,
}

/// The last promises.
#[derive(Default)]
pub struct Promises {
    last: BTreeMap<usize, Promise>,
}

impl Promises {
    pub fn observe(&mut self, now: Promise) -> Result<(), Violation> {
        let who = now.master + 1;
        if now.applied > now.commit || now.commit > now.last {
            let text =
                format!("master {who} has applied up to {}, committed to {}, and its log ends at {}", now.applied, now.commit, now.last);
            return Err(Violation::new("R6", text));
        }
        let Some(before) = self.last.insert(now.master, now) else { return Ok(()) };
        if before.disk == now.disk {
            if now.term < before.term {
                return Err(Violation::new("R7", format!("the disk of master {who} goes back from term {} to {}", before.term, now.term)));
            }
            if now.term == before.term && before.vote != 0 && now.vote != before.vote {
                let text = format!("in term {} master {who} votes for {} and later for {}", now.term, before.vote, now.vote);
                return Err(Violation::new("R8", text));
            }
        }
        if before.start == now.start && now.commit < before.commit {
            return Err(Violation::new("R9", format!("master {who} goes back from commit {} to {}", before.commit, now.commit)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_back_is_seen() {
        let good = Promise { master: 0, start: 1, disk: 7, term: 3, vote: 2, applied: 4, commit: 5, last: 6 };
        let judge = |next: Promise| {
            let mut promises = Promises::default();
            assert_eq!(promises.observe(good), Ok(()));
            promises.observe(next).map_err(|violation| violation.invariant)
        };
        assert_eq!(judge(Promise { term: 4, vote: 0, ..good }), Ok(()));
        assert_eq!(judge(Promise { disk: 8, term: 1, vote: 1, ..good }), Ok(()), "another disk");
        assert_eq!(judge(Promise { start: 2, commit: 4, ..good }), Ok(()), "after a restart");
        assert_eq!(judge(Promise { applied: 6, ..good }), Err("R6"));
        assert_eq!(judge(Promise { last: 4, ..good }), Err("R6"));
        assert_eq!(judge(Promise { term: 2, ..good }), Err("R7"));
        assert_eq!(judge(Promise { vote: 1, ..good }), Err("R8"));
        assert_eq!(judge(Promise { commit: 4, ..good }), Err("R9"));
    }
}
