//! HTTP.

pub mod handlers;
