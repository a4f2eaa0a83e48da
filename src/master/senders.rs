//! One sender per storage node: its connection pool and its task queue, alive as long as this master leads and knows the node.

use super::Master;
use crate::env::Env;
use crate::env::Purpose;
use crate::nodes::{CallError, NodeClient, RequestIds};
use crate::wire::opcode::Opcode;
use crate::wire::task::{uuid_text, AdminTask, EncodedTask, Subject};
use bytes::Bytes;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Senders by node address.
pub struct Senders {
    by_addr: Mutex<BTreeMap<String, Arc<NodeClient>>>,
    ids: Arc<RequestIds>,
}

impl Senders {
    /// No senders yet, in a process that started at this time.
    pub fn new(started_unix_secs: i64) -> Self {
        Self { by_addr: Mutex::default(), ids: Arc::new(RequestIds::new(started_unix_secs)) }
    }

    /// The sender of a node, made at first use.
    pub fn get(&self, env: &Env, addr: &str) -> Arc<NodeClient> {
        let mut by_addr = self.by_addr.lock().expect("no holder panics");
        if let Some(client) = by_addr.get(addr) {
            return client.clone();
        }
        let client = NodeClient::start(env.clone(), addr.to_owned(), self.ids.clone());
        by_addr.insert(addr.to_owned(), client.clone());
        client
    }

    /// The sender, if there is one: an answer to a task that nobody here sent needs none.
    pub fn known(&self, addr: &str) -> Option<Arc<NodeClient>> {
        self.by_addr.lock().expect("no holder panics").get(addr).cloned()
    }

    /// Ends the sender of a node: the next task makes another.
    pub fn forget(&self, addr: &str) {
        if let Some(client) = self.by_addr.lock().expect("no holder panics").remove(addr) {
            client.stop();
        }
    }

    /// Keeps only the senders of nodes for which `keep` says so.
    pub fn retain(&self, mut keep: impl FnMut(&str) -> bool) {
        self.by_addr.lock().expect("no holder panics").retain(|addr, client| {
            let kept = keep(addr);
            if !kept {
                client.stop();
            }
            kept
        });
    }
}

impl Master {
    /// Sends a command to a node and waits for the body of its good reply.
    ///
    /// # Errors
    /// See [`CallError`]: refused by the node, not sent, or of unknown outcome.
    pub async fn call<Q: Serialize>(&self, addr: &str, opcode: Opcode, subject: Subject<'_>, request: Q) -> Result<Bytes, CallError> {
        let task = self.task(addr, opcode, subject, request);
        self.senders.get(&self.env, addr).call(&task).await
    }

    /// Queues a task for a node. False: one with its id waits already, or the queue is full.
    pub fn enqueue<Q: Serialize>(&self, addr: &str, opcode: Opcode, subject: Subject<'_>, request: Q) -> bool {
        let task = self.task(addr, opcode, subject, request);
        self.senders.get(&self.env, addr).enqueue(task)
    }

    fn task<Q: Serialize>(&self, addr: &str, opcode: Opcode, subject: Subject<'_>, request: Q) -> EncodedTask {
        let random = || self.env.entropy.next_u64(Purpose::Request);
        let task = AdminTask::new(opcode, addr, subject, request, self.env.wall().secs(), uuid_text([random(), random()]));
        task.into_encoded().expect("requests have string keys and finite numbers")
    }
}
