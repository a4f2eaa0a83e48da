//! HTTP.

pub mod handlers;
pub mod views;
