//! What the masters were at any moment, for people who follow a run.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A master at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glimpse {
    /// `L`eader, `F`ollower, `C`andidate, `l`earner, `o`ut of the group.
    pub role: char,
    pub term: u64,
    pub applied: u64,
}

/// A column of the story: what a master is, or that it does not run.
pub struct Column(pub Option<Glimpse>);

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(glimpse) => write!(f, "{} {:>3} {:>5}", glimpse.role, glimpse.term, glimpse.applied),
            None => write!(f, "{:<11}", "-"),
        }
    }
}

/// All masters at a moment.
pub type Row = Vec<Option<Glimpse>>;

/// Every change seen, in order.
#[derive(Clone, Default)]
pub struct Glimpses(Arc<Mutex<Vec<(Duration, Row)>>>);

impl Glimpses {
    /// Remembers a row that differs from the last.
    pub fn see(&self, at: Duration, row: Row) {
        let mut rows = self.0.lock().expect("lock");
        if rows.last().is_none_or(|(_, last)| *last != row) {
            rows.push((at, row));
        }
    }

    pub fn all(&self) -> Vec<(Duration, Row)> {
        self.0.lock().expect("lock").clone()
    }
}

/// The row that was valid at `at`; `masters` that do not run when there is none yet.
pub fn at(rows: &[(Duration, Row)], masters: usize, at: Duration) -> Row {
    let after = rows.partition_point(|(seen, _)| *seen <= at);
    after.checked_sub(1).map_or_else(|| vec![None; masters], |n| rows[n].1.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_holds_until_the_next_change() {
        let glimpses = Glimpses::default();
        let row = |term| vec![Some(Glimpse { role: 'L', term, applied: 1 })];
        glimpses.see(Duration::from_secs(1), row(1));
        glimpses.see(Duration::from_secs(2), row(1));
        glimpses.see(Duration::from_secs(3), row(2));
        let rows = glimpses.all();
        assert_eq!(rows.len(), 2);
        assert_eq!(at(&rows, 1, Duration::ZERO), [None]);
        assert_eq!(at(&rows, 1, Duration::from_secs(2)), row(1));
        assert_eq!(at(&rows, 1, Duration::from_secs(9)), row(2));
        assert_eq!(Column(row(2)[0]).to_string().len(), Column(None).to_string().len());
    }
}
