//! Newtypes for the numbers that must not be mixed up. All are JSON numbers on the wire and in records.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<u64> for $name {
            fn from(value: u64) -> Self {
                Self(value)
            }
        }
    };
}

id!(
    /// A data or meta partition; the two kinds have counters of their own (v3.5.3 state-machine.md §7).
    PartitionId
);
id!(
    /// A data, meta, lc or flash node; also its raft peer id inside partitions. From the common counter.
    NodeId
);
id!(
    /// A volume. From the common counter, never reused.
    VolumeId
);
id!(
    /// A node set. From the common counter.
    NodeSetId
);
id!(
    /// A master: the key `id` of its configuration file and its raft id.
    MasterId
);
id!(
    /// A raft term.
    Term
);
id!(
    /// A raft log index.
    Index
);
id!(
    /// The raft index of the command that last wrote a record; 0 for records found in an imported store.
    Revision
);
