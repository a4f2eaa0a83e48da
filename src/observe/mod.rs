//! Logs. Usable by all layers; they only emit `tracing` events.

#[cfg(feature = "production")]
pub mod log;
