//! Carrying out a command: all of it or nothing, the same on every master.

use super::command::Command;
use super::stamps::Stamp;
use super::tables::Any;
use super::writes::Writes;
use super::{digest, settings, State};
use crate::ids::Index;
use crate::model::{key, Counter, CounterValue, Key, Record};
use crate::mutants::mutant;
use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every write happened.
    Done,
    /// Nothing happened: this key is no longer as it was read.
    Conflict { key: String },
    /// Nothing happened: the command makes no sense at this key. The proposer's mistake.
    Invalid { key: String, reason: String },
}

impl State {
    /// Applies the entry at `index`. The writes are what to store, the index among them: they must be stored in one batch.
    pub fn apply(&mut self, index: Index, command: &Command) -> (Outcome, Writes) {
        let outcome = match self.attempt(index, command) {
            Ok((next, mut writes)) => {
                *self = next;
                self.pass(index, &mut writes);
                return (Outcome::Done, writes);
            }
            Err(outcome) => outcome,
        };
        (outcome, self.skip(index))
    }

    /// Applies the entry at `index` in the form of the log. Bytes that are no command are an invalid one.
    pub fn apply_bytes(&mut self, index: Index, bytes: &[u8]) -> (Outcome, Writes) {
        match Command::from_bytes(bytes) {
            Ok(command) => self.apply(index, &command),
            Err(error) => (Outcome::Invalid { key: String::new(), reason: error.to_string() }, self.skip(index)),
        }
    }

    /// Passes the entry at `index`, which is no command.
    pub fn skip(&mut self, index: Index) -> Writes {
        let mut writes = Writes::default();
        self.pass(index, &mut writes);
        writes
    }

    /// Notes raft's members, and adds them to the writes of the entry that brought them.
    pub fn set_membership(&mut self, membership: Bytes, writes: &mut Writes) {
        writes.put(key::MEMBERSHIP, membership.to_vec());
        self.contents.membership = Some(membership);
    }

    fn pass(&mut self, index: Index, writes: &mut Writes) {
        assert!(index > self.contents.applied, "entry {index} applied after {}", self.contents.applied);
        self.contents.applied = index;
        writes.put(key::APPLIED, index.to_string());
    }

    fn attempt(&self, index: Index, command: &Command) -> Result<(State, Writes), Outcome> {
        for expect in &command.expects {
            if self.revision(&expect.key).map(|revision| revision.0) != expect.revision && !mutant!("expectations ignored") {
                return Err(Outcome::Conflict { key: expect.key.clone() });
            }
        }
        let mut next = self.clone();
        let mut writes = Writes::default();
        let mut seen = BTreeSet::new();
        // Deletes first: a node may change its id or address in one command.
        let (deletes, puts): (Vec<_>, Vec<_>) = command.ops.iter().partition(|op| op.value.is_none());
        for op in deletes.into_iter().chain(puts) {
            let invalid = |reason: String| Outcome::Invalid { key: op.key.clone(), reason };
            if !seen.insert(&op.key) {
                return Err(invalid("written twice".into()));
            }
            writable(&op.key).map_err(invalid)?;
            match &op.value {
                Some(value) => next.put(&op.key, value, index).map_err(invalid)?,
                None => next.delete(op.key.as_bytes()),
            }
            store(&mut writes, &op.key, op.value.as_deref(), index);
        }
        for raise in &command.raises {
            let Some(counter) = Counter::with_key(&raise.key) else {
                return Err(Outcome::Invalid { key: raise.key.clone(), reason: "not a counter".into() });
            };
            if raise.to > next.counter(counter) {
                let value = CounterValue { counter, last: raise.to }.encode();
                let invalid = |reason: String| Outcome::Invalid { key: raise.key.clone(), reason };
                next.put(&raise.key, &value.clone().into(), index).map_err(invalid)?;
                if !mutant!("id counter not persisted") {
                    store(&mut writes, &raise.key, Some(&value), index);
                }
            }
        }
        next.retry_unreadable();
        Ok((next, writes))
    }

    fn put(&mut self, key: &str, value: &Bytes, index: Index) -> Result<(), String> {
        self.put_record(key.as_bytes(), value)?;
        self.stamp(key.as_bytes(), Some(Stamp { revision: index.0, pair: digest::of_pair(key.as_bytes(), value) }));
        Ok(())
    }

    /// Puts a pair into its table, or among the raw ones where its key is of no kind that we know. Errors change nothing.
    pub(super) fn put_record(&mut self, key: &[u8], value: &Bytes) -> Result<(), String> {
        let Some(place) = std::str::from_utf8(key).ok().and_then(Key::parse) else {
            self.contents.raw.insert(key.to_vec(), value.clone());
            return Ok(());
        };
        let record = Any::decode(&place, value).map_err(|error| error.to_string())?;
        if let Some(other) = Any::in_place_of(&self.contents, &place).map(|other| other.place()).filter(|other| *other != place) {
            return Err(format!("the id belongs to {other}"));
        }
        let old = record.clone().insert(&mut self.contents, &place);
        self.indexes.change(old.as_ref(), Some(&record));
        self.contents.unreadable.remove(key);
        self.derive_cluster(&place);
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) {
        self.contents.raw.remove(key);
        self.contents.unreadable.remove(key);
        if let Some(place) = std::str::from_utf8(key).ok().and_then(Key::parse) {
            let there = Any::in_place_of(&self.contents, &place).is_some_and(|record| record.place() == place);
            if there {
                let old = Any::remove(&mut self.contents, &place);
                if !mutant!("deleted record stays in the indexes") {
                    self.indexes.change(old.as_ref(), None);
                }
                self.derive_cluster(&place);
            }
        }
        self.stamp(key, None);
    }

    pub(super) fn stamp(&mut self, key: &[u8], stamp: Option<Stamp>) {
        self.contents.digest = self.contents.digest.wrapping_add(self.stamps.set(key, stamp));
    }

    /// A pair that could not be read because its id was taken can be once the id is free: a restart would read it.
    fn retry_unreadable(&mut self) {
        let pairs: Vec<_> = self.contents.unreadable.iter().map(|(key, unreadable)| (key.clone(), unreadable.value.clone())).collect();
        for (key, value) in pairs {
            // Still unreadable is what it was before.
            let _ = self.put_record(&key, &value);
        }
    }

    fn derive_cluster(&mut self, changed: &Key) {
        if let Key::Cluster(_) = changed {
            self.contents.cluster = self.contents.clusters.values().next().cloned();
            self.contents.settings = Arc::new(settings(self.contents.cluster.as_deref()));
        }
    }
}

/// Keys that a command may not write: those that apply itself keeps, and counters, which only rise.
fn writable(key: &str) -> Result<(), String> {
    let kept = key == key::APPLIED || key.starts_with(key::REVISION_PREFIX) || key == key::MEMBERSHIP;
    if key.is_empty() || kept {
        Err("not a record's key".into())
    } else if Counter::with_key(key).is_some() {
        Err("a counter is raised, not written".into())
    } else {
        Ok(())
    }
}

fn store(writes: &mut Writes, key: &str, value: Option<&[u8]>, index: Index) {
    match value {
        Some(value) => {
            writes.put(key, value);
            if !mutant!("revision not stored") {
                writes.put(key::revision_key(key), index.to_string());
            }
        }
        None => {
            if !mutant!("deleted record stays in the store") {
                writes.delete(key);
            }
            writes.delete(key::revision_key(key));
        }
    }
}
