//! Messages to other masters: one connection per peer, a bounded queue before it, and pings on it, so that a connection over which
//! nothing gets through any more is noticed. Raft sends again what matters: a message that cannot be delivered is dropped.

use super::connection::{dial, read_frame, write_bytes};
use super::driver::Event;
use super::frame::Frame;
use super::message::Envelope;
use crate::env::{Env, Mono, TaskHandle};
use crate::ids::MasterId;
use crate::limits;
use prost::Message as _;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, BufReader};
use tokio::sync::{mpsc, Notify};

/// Frames written at a time, bytes, unless a single one is larger.
const WRITE_BYTES: usize = 1 << 20;

/// Outgoing messages of one master.
pub struct Transport {
    env: Env,
    replica_port: u16,
    peers: BTreeMap<MasterId, Peer>,
    /// Told of a peer that could not be reached.
    events: mpsc::UnboundedSender<Event>,
}

struct Peer {
    addr: String,
    queue: Arc<Queue>,
    sender: TaskHandle,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.sender.abort();
    }
}

impl Transport {
    pub fn new(env: Env, replica_port: u16, events: mpsc::UnboundedSender<Event>) -> Self {
        Self { env, replica_port, peers: BTreeMap::new(), events }
    }

    /// Queues a message for the master at this HTTP address. The oldest ones give way when the queue is full.
    pub fn send(&mut self, addr: &str, envelope: Envelope) {
        let id = MasterId(envelope.to);
        if self.peers.get(&id).is_none_or(|peer| peer.addr != addr) {
            self.peers.insert(id, self.peer(id, addr));
        }
        self.peers[&id].queue.push(envelope);
    }

    /// Forgets the peers that are not wanted.
    pub fn retain(&mut self, wanted: impl Fn(MasterId) -> bool) {
        self.peers.retain(|id, _| wanted(*id));
    }

    fn peer(&self, id: MasterId, addr: &str) -> Peer {
        let queue = Arc::new(Queue::default());
        let sender = Sender {
            env: self.env.clone(),
            id,
            addr: addr.into(),
            replica_port: self.replica_port,
            queue: queue.clone(),
            events: self.events.clone(),
        };
        Peer { addr: addr.into(), queue, sender: self.env.spawn("raft sender", sender.run()) }
    }
}

/// Messages that wait for one peer.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Default)]
struct Waiting {
    envelopes: VecDeque<(Envelope, usize)>,
    bytes: usize,
}

impl Queue {
    fn push(&self, envelope: Envelope) {
        let bytes = envelope.encoded_len();
        let mut waiting = self.waiting.lock().expect("no holder panics");
        let full = |waiting: &Waiting| {
            waiting.envelopes.len() >= limits::PEER_QUEUE_MAX
                || (waiting.bytes + bytes > limits::PEER_QUEUE_BYTES_MAX && !waiting.envelopes.is_empty())
        };
        while full(&waiting) {
            let (_, oldest) = waiting.envelopes.pop_front().expect("it is full");
            waiting.bytes -= oldest;
        }
        waiting.bytes += bytes;
        waiting.envelopes.push_back((envelope, bytes));
        drop(waiting);
        self.filled.notify_one();
    }

    /// The next frames, encoded; empty when nothing waits.
    fn pop(&self) -> Vec<u8> {
        let mut out = Vec::new();
        while out.len() < WRITE_BYTES {
            let next = {
                let mut waiting = self.waiting.lock().expect("no holder panics");
                let next = waiting.envelopes.pop_front();
                waiting.bytes -= next.as_ref().map_or(0, |(_, bytes)| *bytes);
                next
            };
            let Some((envelope, _)) = next else { break };
            Frame::Message(envelope).encode(&mut out);
        }
        out
    }

    fn is_empty(&self) -> bool {
        self.waiting.lock().expect("no holder panics").envelopes.is_empty()
    }

    fn clear(&self) {
        *self.waiting.lock().expect("no holder panics") = Waiting::default();
    }

    async fn wait(&self) {
        while self.is_empty() {
            self.filled.notified().await;
        }
    }
}

/// The task that empties one queue.
struct Sender {
    env: Env,
    id: MasterId,
    addr: String,
    replica_port: u16,
    queue: Arc<Queue>,
    events: mpsc::UnboundedSender<Event>,
}

impl Sender {
    async fn run(self) {
        let mut backoff = limits::RAFT_BACKOFF_MIN;
        loop {
            self.queue.wait().await;
            let began = self.env.now();
            if let Err(e) = self.connect_and_send().await {
                tracing::debug!(peer = self.id.0, addr = self.addr.as_str(), "connection to a master ended: {e}");
                if self.events.send(Event::Unreachable(self.id)).is_err() {
                    return;
                }
                // What waits is old by the time of the next try, and raft will say it again.
                self.queue.clear();
                if self.env.now().since(began) > limits::RAFT_PONG_TIMEOUT {
                    backoff = limits::RAFT_BACKOFF_MIN;
                }
                self.env.sleep(backoff).await;
                backoff = (backoff * 2).min(limits::RAFT_BACKOFF_MAX);
                self.queue.clear();
            }
        }
    }

    async fn connect_and_send(&self) -> io::Result<()> {
        let stream = dial(&self.env, &self.addr, self.replica_port).await?;
        let (reader, mut writer) = tokio::io::split(stream);
        // When the last ping that was answered was sent.
        let answered = Mutex::new(self.env.now());
        let mut pongs = pin!(self.read_pongs(BufReader::new(reader), &answered));
        let mut next_ping = self.env.now();
        loop {
            let now = self.env.now();
            if now.since(*answered.lock().expect("no holder panics")) > limits::RAFT_PONG_TIMEOUT {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "pings are not answered"));
            }
            if now >= next_ping {
                let mut ping = Vec::new();
                Frame::Ping(now.0.as_nanos() as u64).encode(&mut ping);
                write_bytes(&self.env, &mut writer, &ping).await?;
                next_ping = now + limits::RAFT_PING_INTERVAL;
            }
            let frames = self.queue.pop();
            if !frames.is_empty() {
                write_bytes(&self.env, &mut writer, &frames).await?;
            }
            tokio::select! {
                biased;
                ended = &mut pongs => return ended,
                () = self.queue.wait() => {}
                () = self.env.clock.sleep_until(next_ping) => {}
            }
        }
    }

    /// Ends only with an error.
    async fn read_pongs(&self, mut reader: impl AsyncRead + Unpin, answered: &Mutex<Mono>) -> io::Result<()> {
        loop {
            match read_frame(&self.env, &mut reader, self.env.now() + 2 * limits::RAFT_PONG_TIMEOUT).await? {
                Frame::Pong(nanos) => {
                    let sent_at = Mono(std::time::Duration::from_nanos(nanos));
                    let mut answered = answered.lock().expect("no holder panics");
                    *answered = (*answered).max(sent_at.min(self.env.now()));
                }
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::frame::decode;

    fn envelope(term: u64, bytes: usize) -> Envelope {
        Envelope { to: term, from_addr: "x".repeat(bytes), ..Default::default() }
    }

    fn queued(queue: &Queue) -> Vec<u64> {
        let mut terms = Vec::new();
        loop {
            let bytes = queue.pop();
            let mut rest = &bytes[..];
            if rest.is_empty() {
                return terms;
            }
            while let Some((Frame::Message(envelope), len)) = decode(rest).unwrap() {
                terms.push(envelope.to);
                rest = &rest[len..];
            }
        }
    }

    #[test]
    fn the_oldest_messages_give_way() {
        let queue = Queue::default();
        for term in 0..limits::PEER_QUEUE_MAX as u64 + 2 {
            queue.push(envelope(term, 0));
        }
        let kept = queued(&queue);
        assert_eq!((kept.first(), kept.len()), (Some(&2), limits::PEER_QUEUE_MAX));
    }

    #[test]
    fn the_bytes_that_wait_are_bounded_but_a_single_message_always_fits() {
        let queue = Queue::default();
        for term in 0..3 {
            queue.push(envelope(term, limits::PEER_QUEUE_BYTES_MAX / 3));
        }
        assert_eq!(queue.waiting.lock().unwrap().envelopes.len(), 2);
        queue.push(envelope(9, limits::RAFT_FRAME_BYTES_MAX - 100));
        queue.clear();
        queue.push(envelope(9, limits::RAFT_FRAME_BYTES_MAX - 100));
        assert_eq!(queued(&queue), [9]);
    }
}
