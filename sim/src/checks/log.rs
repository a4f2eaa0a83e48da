//! What raft promises of its log, judged on the disks of the masters:
//!
//! * R2 log matching: an entry is known by its index and term; whoever has one with both has the same one.
//! * R3 leader completeness: a leader has every entry that was committed in an earlier term.
//! * R4 committed means on a synced quorum.
//! * R5 a committed entry never changes.

use super::Violation;
use std::collections::BTreeMap;

/// An entry of a log: its term, and a hash over all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub term: u64,
    pub hash: u64,
}

/// What a master's disk holds for sure, and what the master says of it.
#[derive(Clone, Debug, Default)]
pub struct LogView {
    /// By position.
    pub master: usize,
    /// How often its program was started.
    pub start: u64,
    /// Its program runs: what it says counts. A disk counts all the same.
    pub running: bool,
    pub term: u64,
    pub leads: bool,
    pub commit: u64,
    /// The last index before the log.
    pub base: u64,
    /// Entries that may be new since the last view, by index (see [`Logs::wanted`]), and those of them that are synced.
    pub entries: BTreeMap<u64, Entry>,
    pub synced: BTreeMap<u64, Entry>,
}

impl LogView {
    fn holds(&self, index: u64, entry: Entry) -> bool {
        self.base >= index || self.entries.get(&index) == Some(&entry)
    }

    fn holds_synced(&self, index: u64, entry: Entry) -> bool {
        self.base >= index || self.synced.get(&index) == Some(&entry)
    }
}

/// Everything seen of all logs.
#[derive(Default)]
pub struct Logs {
    by_index_and_term: BTreeMap<(u64, u64), u64>,
    committed: BTreeMap<u64, Entry>,
    /// Up to where a master's committed entries were compared, by start of its program.
    compared: BTreeMap<usize, (u64, u64)>,
    /// The highest index seen as committed by somebody in a term.
    committed_in: BTreeMap<u64, u64>,
    leaders: BTreeMap<u64, usize>,
}

impl Logs {
    /// From where on a view must hold the master's entries.
    pub fn wanted(&self, master: usize, start: u64) -> u64 {
        match self.compared.get(&master) {
            Some((known, index)) if *known == start => *index,
            _ => 0,
        }
    }

    /// The highest index that was seen as committed.
    pub fn commit(&self) -> u64 {
        self.committed.last_key_value().map_or(0, |(index, _)| *index)
    }

    /// Entries seen as committed.
    pub fn count(&self) -> usize {
        self.committed.len()
    }

    /// Judges all masters at one moment. `quorum`: disks that must hold what is newly committed.
    pub fn observe(&mut self, views: &[LogView], quorum: usize) -> Result<(), Violation> {
        views.iter().try_for_each(|view| self.match_logs(view))?;
        let before = self.commit();
        views.iter().filter(|view| view.running).try_for_each(|view| self.match_committed(view))?;
        let (commit, entry) = match self.committed.last_key_value() {
            Some((commit, entry)) if *commit > before => (*commit, *entry),
            _ => return self.judge_leaders(views),
        };
        let holders = views.iter().filter(|view| view.holds_synced(commit, entry)).count();
        if holders < quorum {
            let text = format!("entry {commit} of term {} is committed and on {holders} disks, {quorum} are a quorum", entry.term);
            return Err(Violation::new("R4", text));
        }
        self.judge_leaders(views)
    }

    fn match_logs(&mut self, view: &LogView) -> Result<(), Violation> {
        for (index, entry) in &view.entries {
            let known = *self.by_index_and_term.entry((*index, entry.term)).or_insert(entry.hash);
            if known != entry.hash {
                let text = format!("master {} has another entry {index} of term {} than others", view.master + 1, entry.term);
                return Err(Violation::new("R2", text));
            }
        }
        Ok(())
    }

    fn match_committed(&mut self, view: &LogView) -> Result<(), Violation> {
        let from = self.wanted(view.master, view.start);
        for (index, entry) in view.entries.range(from..=view.commit.max(from)) {
            if *index > view.commit {
                break;
            }
            let known = *self.committed.entry(*index).or_insert(*entry);
            if known != *entry {
                let text = format!(
                    "entry {index} was committed in term {}, master {} has one of term {} as committed",
                    known.term,
                    view.master + 1,
                    entry.term
                );
                return Err(Violation::new("R5", text));
            }
        }
        // The last one is compared again, so that a log that is rewritten is seen.
        let compared = view.entries.range(..=view.commit).next_back().map_or(from, |(index, _)| *index);
        self.compared.insert(view.master, (view.start, compared.max(from)));
        let highest = self.committed_in.entry(view.term).or_default();
        *highest = (*highest).max(view.commit);
        Ok(())
    }

    fn judge_leaders(&mut self, views: &[LogView]) -> Result<(), Violation> {
        for view in views.iter().filter(|view| view.leads) {
            if self.leaders.insert(view.term, view.master).is_some() {
                continue;
            }
            let Some(index) = self.committed_in.range(..view.term).map(|(_, index)| *index).max() else { continue };
            let Some(entry) = self.committed.get(&index).copied() else { continue };
            // A view holds what may be new; what is older was compared when it was.
            let old = index < self.wanted(view.master, view.start);
            if !old && !view.holds(index, entry) {
                let text = format!(
                    "master {} leads in term {} without entry {index} of term {}, committed before",
                    view.master + 1,
                    view.term,
                    entry.term
                );
                return Err(Violation::new("R3", text));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(master: usize, term: u64, leads: bool, commit: u64, entries: &[(u64, u64, u64)]) -> LogView {
        let entries: BTreeMap<u64, Entry> =
            entries.iter().map(|(index, term, hash)| (*index, Entry { term: *term, hash: *hash })).collect();
        LogView { master, start: 1, running: true, term, leads, commit, base: 0, synced: entries.clone(), entries }
    }

    fn broken(views: &[&[LogView]]) -> Option<&'static str> {
        let mut logs = Logs::default();
        views.iter().find_map(|views| logs.observe(views, 2).err()).map(|violation| violation.invariant)
    }

    #[test]
    fn a_healthy_group_breaks_nothing() {
        let one = [(1, 1, 10), (2, 1, 11)];
        let two = [(1, 1, 10), (2, 1, 11), (3, 2, 12)];
        let first = [view(0, 1, true, 2, &one), view(1, 1, false, 1, &one), view(2, 1, false, 0, &[])];
        let later = [view(0, 1, true, 2, &[(2, 1, 11), (3, 1, 99)]), view(1, 2, true, 3, &two), view(2, 2, false, 2, &two)];
        assert_eq!(broken(&[&first, &later]), None);
    }

    #[test]
    fn each_broken_promise_is_seen() {
        let one = [(1, 1, 10)];
        let held = [view(0, 1, true, 1, &one), view(1, 1, false, 0, &one)];
        assert_eq!(broken(&[&[view(0, 1, true, 0, &one), view(1, 1, false, 0, &[(1, 1, 77)])]]), Some("R2"));
        assert_eq!(broken(&[&held, &[view(1, 2, true, 0, &[(1, 2, 20)])]]), Some("R3"));
        assert_eq!(broken(&[&[view(0, 1, true, 1, &one), view(1, 1, false, 0, &[])]]), Some("R4"));
        assert_eq!(broken(&[&held, &[view(1, 1, false, 1, &[(1, 2, 20)]), view(2, 1, false, 1, &[(1, 2, 20)])]]), Some("R5"));
    }
}
