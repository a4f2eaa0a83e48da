//! HTTP: one route table, middleware, proxy and the handlers by resource.
//!
//! Knows the master's operations. Must not know raft or the disk.

pub mod form;
pub mod go_parse;
pub mod handlers;
mod media;
mod multipart;
pub mod params;
pub mod reply;
pub mod request;
pub mod route;
pub mod table;
