//! Logs. Usable by all layers; they only emit `tracing` events.

pub mod level;
#[cfg(feature = "production")]
pub mod log;
