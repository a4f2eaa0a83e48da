//! The invariants, one file each, each with a case that must fail it (V1 and V2 are in `run`). They are pure: they judge what they
//! are shown and look at nothing themselves.

pub mod acknowledged;
pub mod agreement;
pub mod bounds;
pub mod cluster_state;
pub mod contents;
pub mod digests;
pub mod durable;
pub mod envelope;
pub mod ids;
pub mod leaders;
pub mod linear;
pub mod log;
pub mod progress;
pub mod promises;
pub mod reads;
pub mod repeat;
pub mod replies;
pub mod tasks;
pub mod transitions;

use std::fmt;
use std::time::Duration;

/// An invariant is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its number in the list (sim/README.md).
    pub invariant: &'static str,
    pub text: String,
}

impl Violation {
    pub fn new(invariant: &'static str, text: impl Into<String>) -> Self {
        Self { invariant, text: text.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.text)
    }
}

/// What a master shows of itself at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    pub at: Duration,
    /// By position.
    pub master: usize,
    /// How often its program was started.
    pub incarnation: u64,
    /// Which disk: another one has promised nothing yet.
    pub disk: u64,
    pub term: u64,
    pub leads: bool,
    /// For people: `L`eader, `F`ollower, `C`andidate, `l`earner, `o`ut of the group.
    pub role: char,
    pub applied: u64,
    pub digest: u64,
}
