//! How much is logged: one setting for the process, which may be changed while it runs.

use crate::config::LogLevel;
use std::sync::atomic::{AtomicU8, Ordering};

static LEVEL: AtomicU8 = AtomicU8::new(LogLevel::Error as u8);

/// What is written from now on, and all that is worse.
pub fn set(level: LogLevel) {
    LEVEL.store(level as u8, Ordering::Relaxed);
}

/// Is an event of this level written?
pub fn writes(level: LogLevel) -> bool {
    level as u8 >= LEVEL.load(Ordering::Relaxed)
}
