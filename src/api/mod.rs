//! HTTP: one route table, middleware, proxy and the handlers by resource.
//!
//! Knows the master's operations. Must not know raft or the disk.

pub mod auth;
pub mod client;
pub mod decide;
pub mod follower_views;
pub mod form;
mod go_base64;
pub mod go_parse;
pub mod graphql;
pub mod handlers;
pub mod inputs;
mod io;
pub mod limiter;
mod media;
mod multipart;
pub mod openapi;
pub mod params;
pub mod proxy;
pub mod reply;
pub mod request;
mod request_line;
pub mod route;
pub mod server;
pub mod service;
mod side_ports;
pub mod table;
mod timings;

pub use server::{serve, Ports, Server};
