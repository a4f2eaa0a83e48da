//! What the clients did and what they were told.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// An operation of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    Create {
        volume: String,
    },
    Delete {
        volume: String,
    },
    Get {
        volume: String,
    },
    List,
    /// More data partitions for a volume.
    Grow {
        volume: String,
    },
    View {
        volume: String,
    },
    /// More capacity for a volume, GB.
    Expand {
        volume: String,
        capacity: u64,
    },
    CreateUser {
        user: String,
    },
    DeleteUser {
        user: String,
    },
    GetUser {
        user: String,
    },
    /// Any other request, of which only the form of the answer is judged.
    Other {
        target: String,
    },
}

impl Op {
    /// It changes something when it is done.
    pub fn is_write(&self) -> bool {
        use Op::*;
        matches!(self, Create { .. } | Delete { .. } | Grow { .. } | Expand { .. } | CreateUser { .. } | DeleteUser { .. })
    }
}

/// Code of a refusal that has none: no connection, or a plain reply such as `no leader`.
pub const NO_CODE: i64 = -1;

/// What a client knows in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing heard yet.
    Pending,
    /// Done. For `Get`: the volume's id and status; for `List`: name, id and status of each; else nothing.
    Done(Vec<Seen>),
    /// Not done, and not to be done later.
    Refused { code: i64, text: String },
    /// Perhaps done, perhaps not, perhaps later.
    Unknown(String),
}

/// A volume as a reply shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub volume: String,
    /// Not every reply shows it.
    pub id: Option<u64>,
    /// 1: marked deleted.
    pub status: u64,
}

/// An operation from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub client: usize,
    /// The master that was asked, by position.
    pub master: usize,
    pub op: Op,
    pub begun: Duration,
    pub ended: Option<Duration>,
    pub outcome: Outcome,
}

impl Event {
    pub fn is_done(&self) -> bool {
        matches!(self.outcome, Outcome::Done(_))
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = self.ended.map_or("never".into(), |at| format!("{:.3}s", at.as_secs_f64()));
        let outcome = match &self.outcome {
            Outcome::Done(seen) if seen.len() > 1 => format!("Done({} volumes)", seen.len()),
            other => format!("{other:?}"),
        };
        write!(
            f,
            "{:>9.3}s-{ended} client {} at master {}: {:?} {outcome}",
            self.begun.as_secs_f64(),
            self.client,
            self.master + 1,
            self.op
        )
    }
}
