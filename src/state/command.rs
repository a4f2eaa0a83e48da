//! The replicated command, as it stands in the raft log.

use bytes::Bytes;
use prost::Message;

/// A transaction that is ready to be replicated.
#[derive(Clone, PartialEq, Message)]
pub struct Command {
    /// What it was decided on.
    #[prost(message, repeated, tag = "1")]
    pub expects: Vec<Expect>,
    /// Records written and deleted, each key once.
    #[prost(message, repeated, tag = "2")]
    pub ops: Vec<Op>,
    /// Counters raised.
    #[prost(message, repeated, tag = "3")]
    pub raises: Vec<Raise>,
    /// Who asked for it: an operation's name, for logs.
    #[prost(string, tag = "4")]
    pub actor: String,
    /// When it was decided, nanoseconds since 1970 by the proposer's clock; for logs.
    #[prost(int64, tag = "5")]
    pub wall: i64,
}

/// A key must still be as it was read.
#[derive(Clone, PartialEq, Message)]
pub struct Expect {
    #[prost(string, tag = "1")]
    pub key: String,
    /// The revision it was read at; none: it did not exist.
    #[prost(uint64, optional, tag = "2")]
    pub revision: Option<u64>,
}

/// A write of a whole record.
#[derive(Clone, PartialEq, Message)]
pub struct Op {
    #[prost(string, tag = "1")]
    pub key: String,
    /// The bytes to store; none: delete.
    #[prost(bytes = "bytes", optional, tag = "2")]
    pub value: Option<Bytes>,
}

/// A counter becomes `to`, unless it is beyond already.
#[derive(Clone, PartialEq, Message)]
pub struct Raise {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(uint64, tag = "2")]
    pub to: u64,
}

impl Command {
    /// The form in the log.
    pub fn to_bytes(&self) -> Bytes {
        self.encode_to_vec().into()
    }

    /// Reads the form in the log. Errors: not a command.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, prost::DecodeError> {
        Self::decode(bytes)
    }

    /// Writes nothing.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty() && self.raises.is_empty()
    }
}
