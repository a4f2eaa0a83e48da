//! The library's own log lines, handed on to `tracing`.

use slog::{Drain, Key, Level, Logger, Never, OwnedKVList, Record, Serializer, KV};
use std::fmt::{self, Write};

/// A logger for the library.
pub fn logger() -> Logger {
    Logger::root(ToTracing, slog::o!())
}

struct ToTracing;

impl Drain for ToTracing {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<(), Never> {
        // Elections are of interest to whoever looks for trouble; single messages only to who debugs this layer.
        match record.level() {
            Level::Critical | Level::Error => tracing::error!(target: "raft", "{}", line(record, values)),
            Level::Warning => tracing::warn!(target: "raft", "{}", line(record, values)),
            Level::Info => tracing::debug!(target: "raft", "{}", line(record, values)),
            // Formatting them costs more than sending them.
            Level::Debug | Level::Trace => {}
        }
        Ok(())
    }
}

fn line(record: &Record<'_>, values: &OwnedKVList) -> String {
    let mut text = Text(record.msg().to_string());
    // It fails only where a value cannot be formatted; the rest of the line is worth having.
    let _ = record.kv().serialize(record, &mut text);
    let _ = values.serialize(record, &mut text);
    text.0
}

struct Text(String);

impl Serializer for Text {
    fn emit_arguments(&mut self, key: Key, value: &fmt::Arguments<'_>) -> slog::Result {
        write!(self.0, ", {key}: {value}")?;
        Ok(())
    }
}
