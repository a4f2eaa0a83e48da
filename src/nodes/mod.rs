//! Talking to storage nodes: packets over pooled connections, commands that wait for their result, and a queue of tasks whose results
//! come later by HTTP (v3.5.3 admin-tasks.md §4).
//!
//! * `exchange.rs`: one request and its reply on one connection.
//! * `pool.rs`: idle connections to one node.
//! * `queue.rs`: which tasks are due, expired or answered; pure.
//! * `http.rs`: the few requests that lc nodes and flash nodes take by HTTP.
//! * `client.rs`: the sender of one node: synchronous calls, and the worker with its 2-second rounds.
//!
//! Invariant: this layer never looks into the body of a task, and a command is executed once at most: only what the node cannot have
//! executed or may be repeated is sent again, besides tasks of the queue.

mod client;
mod exchange;
pub mod http;
mod pool;
mod queue;

pub use client::{CallError, NodeClient, RequestIds};
