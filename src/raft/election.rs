//! The election time-out. The library draws it from a generator that no simulation can seed; here it is drawn again from the
//! environment each time the library may have drawn.

use super::log::Log;
use crate::env::{Env, Purpose};
use raft::{RawNode, StateRole};

/// Draws election time-outs.
pub struct ElectionTimeout {
    env: Env,
    /// Ticks, at least; at most one less than twice as many.
    ticks_min: u64,
    /// Term and role of the last draw: the library draws whenever one of them changes, and only then.
    drawn_for: Option<(u64, StateRole)>,
    ticks: usize,
}

impl ElectionTimeout {
    pub fn new(env: Env, ticks_min: usize) -> Self {
        Self { env, ticks_min: ticks_min as u64, drawn_for: None, ticks: 0 }
    }

    /// To be called after everything that was done with the library.
    pub fn settle(&mut self, node: &mut RawNode<Log>) {
        let now = Some((node.raft.term, node.raft.state));
        if now != self.drawn_for {
            self.drawn_for = now;
            self.ticks = (self.ticks_min + self.env.entropy.next_u64(Purpose::Election) % self.ticks_min) as usize;
        }
        if node.raft.randomized_election_timeout() != self.ticks {
            node.raft.set_randomized_election_timeout(self.ticks);
        }
    }
}
