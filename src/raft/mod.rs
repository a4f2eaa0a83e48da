//! Consensus: one raft group over the seams.
//!
//! Invariant: this layer never looks into a command.
