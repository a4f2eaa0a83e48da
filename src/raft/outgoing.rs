//! The snapshot that is given to peers: made when the library first wants one, kept while somebody is being sent it and a little
//! longer.

use crate::env::storage::Pair;
use crate::env::Mono;
use crate::ids::MasterId;
use crate::limits;
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Default)]
pub struct Outgoing {
    /// The state machine was asked for one.
    pub asked: bool,
    current: Option<Current>,
    /// Peers that are being sent this one or an earlier one.
    sending: BTreeSet<MasterId>,
    /// Peers whose snapshot could not even be begun; the library is told when it may be.
    pub failed: Vec<MasterId>,
}

struct Current {
    index: u64,
    pairs: Arc<Vec<Pair>>,
    idle_since: Option<Mono>,
}

impl Outgoing {
    /// A snapshot as of `index` is there.
    pub fn set(&mut self, index: u64, pairs: Vec<Pair>, now: Mono) {
        self.current = Some(Current { index, pairs: Arc::new(pairs), idle_since: Some(now) });
    }

    /// The contents to send to a peer, if they are those of `index`.
    pub fn begin(&mut self, to: MasterId, index: u64) -> Option<Arc<Vec<Pair>>> {
        let current = self.current.as_mut().filter(|current| current.index == index)?;
        current.idle_since = None;
        self.sending.insert(to);
        Some(current.pairs.clone())
    }

    /// It arrived, or did not.
    pub fn end(&mut self, to: MasterId, now: Mono) {
        self.sending.remove(&to);
        if let Some(current) = self.current.as_mut().filter(|_| self.sending.is_empty()) {
            current.idle_since = Some(now);
        }
    }

    /// Forgets a snapshot that nobody has wanted for a while; true when it did.
    pub fn expire(&mut self, now: Mono) -> bool {
        let idle = |current: &mut Current| current.idle_since.is_some_and(|since| now.since(since) >= limits::SNAPSHOT_KEPT_FOR);
        self.current.take_if(idle).is_some()
    }

    /// Index of a snapshot that somebody will go on from: the log must be kept behind it.
    pub fn in_use(&self) -> Option<u64> {
        self.current.as_ref().map(|current| current.index)
    }
}
