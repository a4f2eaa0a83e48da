//! D1: data and applied index of a master move in one batch. R11: applied index and revisions in its store never go back while it is open.

use super::Violation;
use cfs_master::env::{Batch, Op};
use cfs_master::model::key;
use std::collections::BTreeMap;

/// What one master has written since it opened its store.
#[derive(Default)]
pub struct Writes {
    applied: Option<u64>,
    revisions: BTreeMap<Vec<u8>, u64>,
}

impl Writes {
    /// The store was opened, or its contents were replaced: what was written before counts no more.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Judges a batch that is written to the state store.
    pub fn observe(&mut self, batch: &Batch) -> Result<(), Violation> {
        if batch.is_empty() {
            return Ok(());
        }
        let applied = batch.ops.iter().rev().find_map(|op| match op {
            Op::Put { key, value } if key == key::APPLIED.as_bytes() => number(value),
            _ => None,
        });
        let Some(applied) = applied else {
            return Err(Violation::new("D1", format!("a batch of {} changes moves no applied index", batch.ops.len())));
        };
        if self.applied.is_some_and(|before| applied < before) {
            return Err(Violation::new("R11", format!("the stored applied index goes back from {:?} to {applied}", self.applied)));
        }
        self.applied = Some(applied);
        for op in &batch.ops {
            let Op::Put { key, value } = op else { continue };
            let (true, Some(revision)) = (key.starts_with(key::REVISION_PREFIX.as_bytes()), number(value)) else { continue };
            let before = self.revisions.insert(key.clone(), revision).unwrap_or_default();
            if revision < before || revision > applied {
                let name = String::from_utf8_lossy(key).into_owned();
                return Err(Violation::new("R11", format!("{name} goes from {before} to {revision}, applied is {applied}")));
            }
        }
        Ok(())
    }
}

fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(applied: Option<u64>, revision: u64) -> Batch {
        let mut batch = Batch::default();
        batch.put("#vol#1", "{}");
        batch.put(key::revision_key("#vol#1"), revision.to_string());
        if let Some(applied) = applied {
            batch.put(key::APPLIED, applied.to_string());
        }
        batch
    }

    #[test]
    fn data_without_index_and_steps_back_are_seen() {
        let judge = |batches: &[Batch]| {
            let mut writes = Writes::default();
            batches.iter().try_for_each(|batch| writes.observe(batch)).map_err(|violation| violation.invariant)
        };
        assert_eq!(judge(&[batch(Some(5), 5), batch(Some(6), 6), Batch::default()]), Ok(()));
        assert_eq!(judge(&[batch(None, 5)]), Err("D1"));
        assert_eq!(judge(&[batch(Some(5), 5), batch(Some(4), 4)]), Err("R11"));
        assert_eq!(judge(&[batch(Some(5), 5), batch(Some(6), 4)]), Err("R11"));
        assert_eq!(judge(&[batch(Some(5), 6)]), Err("R11"));
    }
}
