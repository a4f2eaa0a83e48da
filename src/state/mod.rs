//! The replicated state machine: every record of the cluster, in memory, with the indexes that finding them takes.
//!
//! A change is a [`Command`]: what it was decided on (keys and their revisions) and what it writes. [`Txn`] builds it,
//! [`State::apply`] carries it out on every master: all of it where every expectation holds, else nothing. The same commands give the same
//! state and the same [`digest`](Contents::digest) everywhere, and so do a snapshot and the commands after it.
//!
//! A clone costs the same however much there is: the tables are shared until one side changes.
//!
//! Invariant: pure. No clock, no randomness, no I/O, nothing that nodes report.

mod apply;
mod command;
mod contents;
mod digest;
mod index;
pub mod invariants;
mod load;
mod stamps;
mod tables;
#[cfg(test)]
mod tests;
mod txn;
mod writes;

pub use apply::Outcome;
pub use command::{Command, Expect, Op, Raise};
pub use contents::{Contents, UnreadableValue};
pub use load::LoadError;
pub use tables::Stored;
pub use txn::Txn;
pub use writes::Writes;

use crate::ids::Revision;
use crate::model::ClusterValue;
use index::Indexes;
use stamps::Stamps;
use std::ops::Deref;
use std::sync::Arc;

/// The state of the cluster after some applied index. Reads like [`Contents`]; changes only by applying.
#[derive(Clone)]
pub struct State {
    contents: Contents,
    indexes: Indexes,
    stamps: Stamps,
}

impl Deref for State {
    type Target = Contents;
    fn deref(&self) -> &Contents {
        &self.contents
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    /// Before the first command.
    pub fn new() -> Self {
        let settings = Arc::new(settings(None));
        Self { contents: Contents { settings, ..Contents::default() }, indexes: Indexes::default(), stamps: Stamps::default() }
    }

    /// The raft index that last wrote `key`, 0 for a record of an imported store; `None`: there is no such key.
    pub fn revision(&self, key: &str) -> Option<Revision> {
        self.stamps.get(key.as_bytes()).map(|stamp| Revision(stamp.revision))
    }

    /// Whether the indexes and the digest are those that a recount from scratch gives (invariant G6).
    pub fn recount(&self) -> Result<(), String> {
        if self.indexes != Indexes::of(&self.contents) {
            return Err("an index differs from a recount".into());
        }
        if self.contents.digest != self.stamps.digest() {
            return Err("the digest differs from a recount".into());
        }
        Ok(())
    }
}

/// What a cluster record means, or the lack of one.
fn settings(cluster: Option<&ClusterValue>) -> ClusterValue {
    cluster.map_or_else(|| ClusterValue::new("", 0), ClusterValue::effective)
}
