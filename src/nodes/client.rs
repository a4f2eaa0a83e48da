//! The sender of one node.

use super::exchange::{exchange, ExchangeError};
use super::pool::{Pool, Taken};
use super::queue::Queue;
use crate::env::{Env, Stream, TaskHandle};
use crate::limits;
use crate::mutants::mutant;
use crate::wire::packet::{first_req_id, Packet};
use crate::wire::reply::Fault;
use crate::wire::result_code::ResultCode;
use crate::wire::task::EncodedTask;
use bytes::Bytes;
use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// Request ids: one counter per process (v3.5.3 packet.md §6).
pub struct RequestIds(AtomicI64);

impl RequestIds {
    /// Begins after all ids of an earlier run, as long as the wall clock did not go back.
    pub fn new(started_unix_secs: i64) -> Self {
        Self(AtomicI64::new(first_req_id(started_unix_secs)))
    }

    fn next(&self) -> i64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// Why a synchronous command has no good result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The node cannot have seen it.
    #[error("{reason}")]
    NotSent { reason: String },
    /// The node answered with another result than OK.
    #[error("{}", code.refusal_text(message.as_bytes()))]
    Refused { code: ResultCode, message: String },
    /// It left, and whether the node executed it is not known.
    #[error("{reason}")]
    Unknown { reason: String },
}

/// What went wrong with an exchange.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("connect: {0}")]
    Connect(io::Error),
    #[error("{0}")]
    Exchange(ExchangeError),
}

/// The text that v3.5.3 has for it.
fn go_text(why: &io::Error) -> String {
    match why.kind() {
        io::ErrorKind::ConnectionRefused => "connect: connection refused".to_owned(),
        io::ErrorKind::TimedOut => "i/o timeout".to_owned(),
        io::ErrorKind::UnexpectedEof => "EOF".to_owned(),
        _ => why.to_string(),
    }
}

/// What a client is told of it: v3.5.3 answers code 1 with the text.
impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        Fault::internal(error.to_string())
    }
}

/// The sender of one node: its pool, its queue and the worker that empties the queue.
pub struct NodeClient {
    env: Env,
    addr: String,
    ids: Arc<RequestIds>,
    pool: Pool,
    queue: Mutex<Queue>,
    /// A new task need not wait for the next round.
    fresh: Notify,
    worker: Mutex<Option<TaskHandle>>,
}

impl NodeClient {
    /// Makes the sender and starts its worker, which runs until [`NodeClient::stop`].
    pub fn start(env: Env, addr: String, ids: Arc<RequestIds>) -> Arc<Self> {
        let client = Arc::new(Self {
            pool: Pool::new(addr.clone()),
            env,
            addr,
            ids,
            queue: Mutex::default(),
            fresh: Notify::new(),
            worker: Mutex::default(),
        });
        let worker = client.env.spawn("task queue", work(client.clone()));
        *client.worker.lock().expect("no holder panics") = Some(worker);
        client
    }

    /// Ends the worker; tasks in the queue are lost with the sender.
    pub fn stop(&self) {
        if let Some(worker) = self.worker.lock().expect("no holder panics").take() {
            worker.abort();
        }
    }

    /// Sends a command and waits for its result: the reply's body. The node executes it once at most, unless it may be repeated
    /// ([`Opcode::may_be_repeated`](crate::wire::opcode::Opcode::may_be_repeated)).
    ///
    /// # Errors
    /// [`CallError`], with the texts of v3.5.3 (http-partitions-nodes.md §14.2): the connection is closed in every case.
    pub async fn call(&self, task: &EncodedTask) -> Result<Bytes, CallError> {
        let request = self.packet(task);
        let (id, number) = (&task.id, request.header.req_id);
        match self.exchange(&request, limits::NODE_REPLY_TIMEOUT, task.opcode.may_be_repeated()).await {
            Ok(reply) if reply.header.result_code == ResultCode::OK => Ok(reply.data),
            Ok(reply) => {
                Err(CallError::Refused { code: reply.header.result_code, message: String::from_utf8_lossy(&reply.data).into_owned() })
            }
            Err(Failure::Connect(why)) => {
                let reason = format!("action[syncSendAdminTask get conn failed,task:{id}] :: dial tcp {}: {}", self.addr, go_text(&why));
                Err(CallError::NotSent { reason })
            }
            Err(Failure::Exchange(ExchangeError::Unsent(why))) => {
                let reason = format!("action[syncSendAdminTask],WriteToConn failed,task:{id},reqID[{number}] :: {}", go_text(&why));
                Err(CallError::NotSent { reason })
            }
            Err(Failure::Exchange(why)) => {
                let text = if let ExchangeError::NoReply(why) = &why { go_text(why) } else { why.to_string() };
                Err(CallError::Unknown {
                    reason: format!("action[syncSendAdminTask],ReadFromConn failed task:{id},reqID[{number}] :: {text}"),
                })
            }
        }
    }

    /// One exchange; the connection goes back to the pool after a good result only. Where an idle connection turns out to have ended, the
    /// request goes once more over a new one if the node cannot have executed it, or if it is `repeatable`.
    async fn exchange(&self, request: &Packet, reply_timeout: Duration, repeatable: bool) -> Result<Packet, Failure> {
        let Taken { stream, reused } = self.pool.take(&self.env).await.map_err(Failure::Connect)?;
        let first = match self.exchange_on(stream, request, reply_timeout).await {
            Err(why) if reused && why.is_end_of_connection() && (repeatable || why.is_unsent()) => why,
            outcome => return outcome.map_err(Failure::Exchange),
        };
        let second = match self.pool.connect(&self.env).await {
            Ok(stream) => self.exchange_on(stream, request, reply_timeout).await.map_err(Failure::Exchange),
            Err(why) => Err(Failure::Connect(why)),
        };
        // What the first connection took is not unsent because the second one did not take it.
        second.map_err(|why| if first.is_unsent() { why } else { Failure::Exchange(first) })
    }

    async fn exchange_on(&self, mut stream: Stream, request: &Packet, reply_timeout: Duration) -> Result<Packet, ExchangeError> {
        let outcome = exchange(&self.env, &mut *stream, request, reply_timeout).await;
        match &outcome {
            // A data node serves nothing more on a connection on which it answered an error (packet.md §7.3).
            Ok(reply) if reply.header.result_code == ResultCode::OK => self.pool.put(&self.env, stream),
            _ if mutant!("answer of another request") => self.pool.put(&self.env, stream),
            _ => stream.abort(),
        }
        outcome
    }

    fn packet(&self, task: &EncodedTask) -> Packet {
        task.to_packet(self.ids.next()).expect("an encoded task is JSON already")
    }

    /// Puts a task into the queue. False: one with its id waits already, or the queue is full.
    pub fn enqueue(&self, task: EncodedTask) -> bool {
        let added = self.queue.lock().expect("no holder panics").add(task);
        if added {
            self.fresh.notify_one();
        }
        added
    }

    /// The answer to a task has come by HTTP.
    pub fn answered(&self, id: &str) {
        self.queue.lock().expect("no holder panics").answered(id)
    }

    /// Tasks that wait or are not answered yet.
    pub fn queued(&self) -> usize {
        self.queue.lock().expect("no holder panics").len()
    }

    /// One round: expire, pick, send one after the other. A node that cannot be reached ends the round.
    async fn round(&self) {
        let now = self.env.now();
        self.pool.expire(now);
        let due = {
            let mut queue = self.queue.lock().expect("no holder panics");
            for id in queue.expire(now.0) {
                tracing::warn!(node = self.addr.as_str(), task = id.as_str(), "was never answered");
            }
            queue.due(now.0)
        };
        for id in due {
            let next = self.queue.lock().expect("no holder panics").begin_sending(&id, self.env.now().0, self.env.wall().secs());
            let Some(task) = next else { continue };
            // A task of the queue is sent again anyway until it is answered.
            let sent = self.exchange(&self.packet(&task), limits::NODE_ACK_TIMEOUT, true).await;
            if let Err(why) = &sent {
                tracing::debug!(node = self.addr.as_str(), task = id.as_str(), "{why}");
            }
            let reached = !matches!(sent, Err(Failure::Connect(_)));
            self.queue.lock().expect("no holder panics").tried(&id, self.env.now().0, self.env.wall().secs());
            if !reached {
                break;
            }
        }
    }
}

async fn work(client: Arc<NodeClient>) {
    loop {
        client.round().await;
        let _ = client.env.until(client.env.now() + limits::TASK_ROUND_INTERVAL, client.fresh.notified()).await;
    }
}
