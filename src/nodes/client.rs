//! The sender of one node.

use super::exchange::{exchange, ExchangeError};
use super::pool::Pool;
use super::queue::Queue;
use crate::env::{Env, TaskHandle};
use crate::limits;
use crate::wire::packet::{first_req_id, Packet};
use crate::wire::reply::Fault;
use crate::wire::result_code::ResultCode;
use crate::wire::task::EncodedTask;
use bytes::Bytes;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
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
    #[error("{addr}: not sent: {reason}")]
    NotSent { addr: String, reason: String },
    /// The node answered with another result than OK.
    #[error("{}", code.refusal_text(message.as_bytes()))]
    Refused { code: ResultCode, message: String },
    /// It left, and whether the node executed it is not known.
    #[error("{addr}: outcome unknown: {reason}")]
    Unknown { addr: String, reason: String },
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

    /// Sends a command and waits for its result: the reply's body. Never sends it twice.
    ///
    /// # Errors
    /// [`CallError`]: the connection is closed in every case.
    pub async fn call(&self, task: &EncodedTask) -> Result<Bytes, CallError> {
        let not_sent = |reason: String| CallError::NotSent { addr: self.addr.clone(), reason };
        let mut stream = self.pool.take(&self.env).await.map_err(|e| not_sent(format!("connect: {e}")))?;
        let request = self.packet(task);
        match exchange(&self.env, &mut *stream, &request, limits::NODE_REPLY_TIMEOUT).await {
            Ok(reply) if reply.header.result_code == ResultCode::OK => {
                self.pool.put(&self.env, stream);
                Ok(reply.data)
            }
            outcome => {
                stream.abort();
                Err(match outcome {
                    Ok(reply) => {
                        CallError::Refused { code: reply.header.result_code, message: String::from_utf8_lossy(&reply.data).into_owned() }
                    }
                    Err(e @ ExchangeError::Unsent(_)) => not_sent(e.to_string()),
                    Err(e) => CallError::Unknown { addr: self.addr.clone(), reason: e.to_string() },
                })
            }
        }
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
            let reached = match self.pool.take(&self.env).await {
                Err(e) => {
                    tracing::debug!(node = self.addr.as_str(), task = id.as_str(), "connect: {e}");
                    false
                }
                Ok(mut stream) => {
                    let request = self.packet(&task);
                    match exchange(&self.env, &mut *stream, &request, limits::NODE_ACK_TIMEOUT).await {
                        // A data node serves nothing more on a connection on which it answered an error (packet.md §7.3).
                        Ok(reply) if reply.header.result_code == ResultCode::OK => self.pool.put(&self.env, stream),
                        Ok(_) => stream.abort(),
                        Err(e) => {
                            tracing::debug!(node = self.addr.as_str(), task = id.as_str(), "{e}");
                            stream.abort();
                        }
                    }
                    true
                }
            };
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
