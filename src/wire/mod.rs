//! Bytes and JSON on the network: the packet header, operation and result codes, admin tasks, reports, the reply envelope.
//!
//! Invariant: no I/O, no clock, no state; wrong bytes are values, never panics.

pub mod gojson;
pub mod opcode;
pub mod packet;
pub mod peer;
pub mod prometheus;
pub mod qos;
pub mod reply;
pub mod report;
pub mod request;
pub mod result_code;
pub mod task;
