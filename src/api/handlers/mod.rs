//! The handlers of the HTTP API, one file per resource: each reads its parameters, asks the master, and makes a reply.
//!
//! Invariant: the order of parsing and of checks is that of v3.5.3, because the first one that fails is the reply; a handler changes the
//! replicated state only through the master's operations, each of which is one transaction.

pub mod api_limits;
pub mod json_body;
pub mod masters;
