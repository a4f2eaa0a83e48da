//! The event log of a run and its trace hash: every event enters an order-sensitive hash, so two runs with the same
//! hash did the same things at the same times; the last events are kept for the report.

use super::entropy::mix;
use super::HostId;
use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

/// Events kept for a failing run's report.
pub const EVENTS_KEPT: usize = 2_000;

/// Something that happened. Bytes are told by length and hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Boot { incarnation: u64 },
    Kill { power: bool },
    Listen { addr: SocketAddr },
    Connect { to: SocketAddr },
    Connected { connection: u64 },
    ConnectFailed { to: SocketAddr, why: std::io::ErrorKind },
    Send { connection: u64, bytes: usize, hash: u64 },
    Shutdown { connection: u64 },
    Reset { connection: u64 },
    Write { store: u64, ops: usize, hash: u64, synced: bool },
    Synced { store: u64, batches: usize },
    Lost { store: u64, batches: usize },
    Fault(String),
    Client(String),
    Node(String),
    Mark(String),
}

impl What {
    fn is_told(&self) -> bool {
        matches!(
            self,
            What::Boot { .. } | What::Kill { .. } | What::Lost { .. } | What::Fault(_) | What::Client(_) | What::Node(_) | What::Mark(_)
        )
    }
}

/// For people.
impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Boot { incarnation } => write!(f, "starts for the {incarnation}. time"),
            What::Kill { power: true } => write!(f, "loses power"),
            What::Kill { power: false } => write!(f, "is killed"),
            What::Lost { store, batches } => write!(f, "store {store:04x} loses {batches} batches"),
            What::Fault(text) => write!(f, "fault: {text}"),
            What::Client(text) | What::Node(text) | What::Mark(text) => f.write_str(text),
            other => write!(f, "{other:?}"),
        }
    }
}

/// An event, when and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub at: Duration,
    /// `None`: the world itself.
    pub host: Option<HostId>,
    pub what: What,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.map(|h| h.0.to_string()).unwrap_or_else(|| "-".into());
        write!(f, "{:>13.6}s {host:>3} {:?}", self.at.as_secs_f64(), self.what)
    }
}

struct Inner {
    hash: u64,
    count: u64,
    last: VecDeque<Event>,
    /// Events that a person follows a run by.
    story: Vec<Event>,
    /// Where every event is written as it happens.
    file: Option<BufWriter<File>>,
}

/// The log.
pub struct Trace {
    inner: Mutex<Inner>,
}

impl Default for Trace {
    fn default() -> Self {
        Self { inner: Mutex::new(Inner { hash: 0, count: 0, last: VecDeque::new(), story: Vec::new(), file: None }) }
    }
}

impl Trace {
    /// Adds an event.
    pub fn add(&self, event: Event) {
        let mut inner = self.inner.lock().expect("lock");
        let hash = hash_event(inner.hash, &event);
        inner.hash = hash;
        inner.count += 1;
        if let Some(file) = &mut inner.file {
            writeln!(file, "{:016x} {event}", hash).expect("the trace file takes it");
        }
        if inner.last.len() == EVENTS_KEPT {
            inner.last.pop_front();
        }
        if event.what.is_told() {
            inner.story.push(event.clone());
        }
        inner.last.push_back(event);
    }

    /// Writes every event to a file from now on, to find where two runs part.
    pub fn write_to(&self, file: File) {
        self.inner.lock().expect("lock").file = Some(BufWriter::new(file));
    }

    /// What a person follows a run by, from the beginning: starts and ends of programs, faults, clients, marks.
    pub fn story(&self) -> Vec<Event> {
        self.inner.lock().expect("lock").story.clone()
    }

    /// The hash over all events so far, and how many there were.
    pub fn hash(&self) -> (u64, u64) {
        let inner = self.inner.lock().expect("lock");
        (inner.hash, inner.count)
    }

    /// The last events, oldest first.
    pub fn last(&self) -> Vec<Event> {
        self.inner.lock().expect("lock").last.iter().cloned().collect()
    }
}

/// One step of an order-sensitive hash.
pub fn hash_word(hash: u64, word: u64) -> u64 {
    mix(hash.rotate_left(23) ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15)
}

/// Hashes bytes after what was hashed before.
pub fn hash_bytes(mut hash: u64, bytes: &[u8]) -> u64 {
    hash = hash_word(hash, bytes.len() as u64);
    for chunk in bytes.chunks(8) {
        let mut word = [0u8; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = hash_word(hash, u64::from_le_bytes(word));
    }
    hash
}

fn hash_addr(hash: u64, addr: &SocketAddr) -> u64 {
    hash_bytes(hash, addr.to_string().as_bytes())
}

fn hash_event(hash: u64, event: &Event) -> u64 {
    let mut h = hash_word(hash, event.at.as_nanos() as u64);
    h = hash_word(h, event.host.map_or(u64::MAX, |host| u64::from(host.0)));
    match &event.what {
        What::Boot { incarnation } => hash_word(hash_word(h, 1), *incarnation),
        What::Kill { power } => hash_word(hash_word(h, 2), u64::from(*power)),
        What::Listen { addr } => hash_addr(hash_word(h, 3), addr),
        What::Connect { to } => hash_addr(hash_word(h, 4), to),
        What::Connected { connection } => hash_word(hash_word(h, 5), *connection),
        What::ConnectFailed { to, why } => hash_bytes(hash_addr(hash_word(h, 6), to), format!("{why:?}").as_bytes()),
        What::Send { connection, bytes, hash } => hash_word(hash_word(hash_word(hash_word(h, 7), *connection), *bytes as u64), *hash),
        What::Shutdown { connection } => hash_word(hash_word(h, 8), *connection),
        What::Reset { connection } => hash_word(hash_word(h, 9), *connection),
        What::Write { store, ops, hash, synced } => {
            let h = hash_word(hash_word(hash_word(h, 10), *store), *ops as u64);
            hash_word(hash_word(h, *hash), u64::from(*synced))
        }
        What::Synced { store, batches } => hash_word(hash_word(hash_word(h, 11), *store), *batches as u64),
        What::Lost { store, batches } => hash_word(hash_word(hash_word(h, 12), *store), *batches as u64),
        What::Fault(text) => hash_bytes(hash_word(h, 13), text.as_bytes()),
        What::Client(text) => hash_bytes(hash_word(h, 14), text.as_bytes()),
        What::Node(text) => hash_bytes(hash_word(h, 15), text.as_bytes()),
        What::Mark(text) => hash_bytes(hash_word(h, 16), text.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: u64, what: What) -> Event {
        Event { at: Duration::from_nanos(at), host: Some(HostId(1)), what }
    }

    #[test]
    fn the_hash_sees_order_time_and_content() {
        let hash = |events: &[Event]| {
            let trace = Trace::default();
            events.iter().for_each(|e| trace.add(e.clone()));
            trace.hash().0
        };
        let (a, b) = (event(1, What::Client("a".into())), event(1, What::Client("b".into())));
        assert_eq!(hash(&[a.clone(), b.clone()]), hash(&[a.clone(), b.clone()]));
        assert_ne!(hash(&[a.clone(), b.clone()]), hash(&[b, a.clone()]));
        assert_ne!(hash(&[a]), hash(&[event(2, What::Client("a".into()))]));
        assert_ne!(hash_bytes(0, b"\0"), hash_bytes(0, b"\0\0"));
    }
}
