//! The id counters: decimal text, the last id handed out (v3.5.3 state-machine.md §7).

use super::key::Key;
use super::record::{belongs, decimal, Record, Unreadable};

/// An allocator of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counter {
    /// Data partitions of all volumes.
    DataPartition,
    /// Meta partitions of all volumes.
    MetaPartition,
    /// Nodes of every kind, node sets and their groups, volumes, flash groups.
    Common,
    /// Clients under volume QoS; see [`Counter::CLIENT_STEP`].
    Client,
    /// Directory quotas; at most 2^32-1.
    Quota,
    /// Our own: moves of replicas.
    Move,
}

impl Counter {
    /// All counters.
    pub const ALL: [Counter; 6] =
        [Counter::DataPartition, Counter::MetaPartition, Counter::Common, Counter::Client, Counter::Quota, Counter::Move];

    /// v3.5.3 stores client ids in steps: the stored value plus one step is the last id that may be in use.
    pub const CLIENT_STEP: u64 = 1000;

    /// The key's text.
    pub fn key(self) -> &'static str {
        match self {
            Counter::DataPartition => "#max_dp_id",
            Counter::MetaPartition => "#max_mp_id",
            Counter::Common => "#max_common_id",
            Counter::Client => "#client_id",
            Counter::Quota => "#quota_id",
            Counter::Move => "~max_move_id",
        }
    }

    /// The counter with this key.
    pub fn with_key(key: &str) -> Option<Counter> {
        Counter::ALL.into_iter().find(|counter| counter.key() == key)
    }
}

/// A counter and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CounterValue {
    pub counter: Counter,
    /// The last id handed out.
    pub last: u64,
}

impl Record for CounterValue {
    fn place(&self) -> Key {
        Key::Counter(self.counter)
    }

    fn decode(key: &Key, value: &[u8]) -> Result<Self, Unreadable> {
        match key {
            Key::Counter(counter) => Ok(Self { counter: *counter, last: decimal(value)? }),
            _ => Err(Unreadable("not a counter's key".into())),
        }
        .and_then(|record| belongs(record, key))
    }

    fn encode(&self) -> Vec<u8> {
        self.last.to_string().into_bytes()
    }
}
