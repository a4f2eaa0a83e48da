//! The replicated state on this master: what raft applies, and what readers see.
//!
//! One owner: the raft task calls [`Machine`], which changes its own `State`, writes the change with its index in one batch and then
//! publishes a consistent copy (O(1), the tables are persistent maps). Readers take a copy from [`Published`] and never wait for it.

use crate::env::storage::{each_piece, Pair};
use crate::env::{Batch, BoxFuture, Durability, Op, Store, StoreError};
use crate::ids::Index;
use crate::model::key;
use crate::mutants::mutant;
use crate::raft::{Entry, Membership, Payload, StateMachine};
use crate::state::{LoadError, Outcome, State, Writes};
use std::sync::{Arc, RwLock};

/// The newest applied state, for any reader.
#[derive(Clone, Default)]
pub struct Published(Arc<RwLock<Arc<State>>>);

impl Published {
    /// The state as of the last applied entry. Later changes do not show in it.
    pub fn get(&self) -> Arc<State> {
        self.0.read().expect("no reader or writer panics").clone()
    }

    fn set(&self, state: State) {
        *self.0.write().expect("no reader or writer panics") = Arc::new(state);
    }
}

/// Why the state cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    State(#[from] LoadError),
    /// `cfs-master import` was stopped half-way.
    #[error("it holds part of {from}: an import was begun and has not finished. Empty storeDir and walDir, then run the import again")]
    HalfImported { from: String },
}

/// The state machine that raft drives.
pub struct Machine {
    store: Arc<dyn Store>,
    state: State,
    published: Published,
}

impl Machine {
    /// Loads everything from the state store (v3.5.3 state-machine.md §5).
    ///
    /// # Errors
    /// The store cannot be read, an import into it has not finished, or its applied index or a counter is damaged.
    pub fn load(store: Arc<dyn Store>) -> Result<(Self, Published), MachineError> {
        if let Some(from) = store.get(key::IMPORTING.as_bytes())? {
            return Err(MachineError::HalfImported { from: String::from_utf8_lossy(&from).into_owned() });
        }
        let mut state = State::new();
        each_piece(&*store, |pairs| state.load_more(pairs).map_err(MachineError::from))?;
        for (key, bad) in &state.unreadable {
            tracing::error!(key = %String::from_utf8_lossy(key), reason = bad.reason, "a stored record cannot be read and is left as it is");
        }
        let published = Published::default();
        published.set(state.clone());
        Ok((Self { store, state, published: published.clone() }, published))
    }
}

impl StateMachine for Machine {
    type Outcome = Outcome;

    fn applied(&self) -> Index {
        self.state.applied
    }

    fn membership(&self) -> Option<Membership> {
        self.state.membership.as_deref().and_then(|bytes| Membership::decode(bytes).ok())
    }

    fn apply<'a>(&'a mut self, entries: Vec<Entry>, membership: &'a Membership) -> BoxFuture<'a, Result<Vec<Outcome>, StoreError>> {
        Box::pin(async move {
            let mut batch = Batch::default();
            let mut outcomes = Vec::with_capacity(entries.len());
            for entry in entries {
                let writes = match entry.payload {
                    Payload::Command(bytes) => {
                        let (outcome, writes) = self.state.apply_bytes(entry.index, &bytes);
                        outcomes.push(outcome);
                        writes
                    }
                    Payload::Empty | Payload::Membership => self.state.skip(entry.index),
                };
                batch.ops.extend(writes.0.into_iter().map(to_op));
            }
            let mut writes = Writes::default();
            self.state.set_membership(membership.encode().into(), &mut writes);
            batch.ops.extend(writes.0.into_iter().map(to_op));
            if mutant!("applied index in another batch") {
                let is_index = |op: &Op| matches!(op, Op::Put { key, .. } if key == key::APPLIED.as_bytes());
                let (index, data) = batch.ops.drain(..).partition(is_index);
                self.store.write(Batch { ops: index }, Durability::Buffered).await?;
                batch.ops = data;
            }
            self.store.write(batch, Durability::Buffered).await?;
            self.published.set(self.state.clone());
            Ok(outcomes)
        })
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Vec<Pair>, StoreError>> {
        let view = self.store.view();
        Box::pin(async move {
            let mut all = Vec::new();
            each_piece(&*view, |mut pairs| {
                all.append(&mut pairs);
                Ok::<(), StoreError>(())
            })?;
            if mutant!("snapshot without its last pair") {
                all.pop();
            }
            Ok(all)
        })
    }

    fn install(&mut self, pairs: Vec<Pair>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            // Read first: pairs that are no state must not replace what is there.
            let damaged = |e: LoadError| StoreError { path: "snapshot".into(), reason: e.to_string() };
            let state = State::from_pairs(pairs.iter().cloned()).map_err(damaged)?;
            if mutant!("store cleared before a snapshot is complete") {
                self.store.install(Vec::new()).await?;
            }
            self.store.install(pairs).await?;
            self.state = state.clone();
            self.published.set(state);
            Ok(())
        })
    }

    fn sync(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.store.write(Batch::default(), Durability::Synced)
    }
}

fn to_op((key, value): (Vec<u8>, Option<Vec<u8>>)) -> Op {
    match value {
        Some(value) => Op::Put { key, value },
        None => Op::Delete { key },
    }
}
