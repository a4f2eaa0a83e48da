//! Log files with the names and the line form of v3.5.3: `<logDir>/master/master_<level>.log`, one file per level, each line
//! `2006/01/02 15:04:05.000000 [ERROR] file.rs:12: text`. A file over its size is renamed `….20060102150405.old` and begun again;
//! renamed files are deleted after seven days.
//!
//! Must not know: what is logged. Secrets are kept out by those who emit events.

use super::level;
use crate::config::LogLevel;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::Layer;

/// Renamed files are kept this long.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
const MIB: u64 = 1 << 20;
const STAMP: &[BorrowedFormatItem<'_>] = format_description!("[year]/[month]/[day] [hour]:[minute]:[second].[subsecond digits:6]");
const FILE_STAMP: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day][hour][minute][second]");

/// Where the log goes.
pub struct Options {
    /// `logDir`; `None`: lines go to standard error.
    pub dir: Option<PathBuf>,
    pub level: LogLevel,
    /// A file is renamed when it is larger.
    pub rotate_size_mib: u64,
    /// Of the local time zone.
    pub offset: UtcOffset,
}

/// Sends all events of this process to the log from now on.
///
/// # Errors
/// The directory or a file cannot be made, or a log was set up before.
pub fn init(options: Options) -> io::Result<()> {
    level::set(options.level);
    let files = match options.dir {
        None => None,
        Some(dir) => {
            let dir = dir.join("master");
            fs::create_dir_all(&dir)?;
            let open = |name: &str| LogFile::open(dir.join(format!("master_{name}.log")), options.rotate_size_mib.max(1) * MIB);
            Some([open("error")?, open("warn")?, open("info")?, open("debug")?])
        }
    };
    let lines = Lines { files, offset: options.offset };
    tracing_subscriber::registry().with(lines).try_init().map_err(io::Error::other)
}

struct Lines {
    /// By level: error, warn, info, debug.
    files: Option<[LogFile; 4]>,
    offset: UtcOffset,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let meta = event.metadata();
        let (at, name, level) = match *meta.level() {
            // Nothing is worse, so there is always somebody who wants to know.
            Level::ERROR => (0, "[ERROR]", LogLevel::Critical),
            Level::WARN => (1, "[WARN ]", LogLevel::Warn),
            Level::INFO => (2, "[INFO ]", LogLevel::Info),
            Level::DEBUG => (3, "[DEBUG]", LogLevel::Debug),
            Level::TRACE => return,
        };
        if !level::writes(level) {
            return;
        }
        let now = OffsetDateTime::now_utc().to_offset(self.offset);
        let file = meta.file().and_then(|f| f.rsplit('/').next()).unwrap_or("?");
        let mut line = format!("{} {name} {file}:{}: ", now.format(STAMP).unwrap_or_default(), meta.line().unwrap_or(0));
        let mut text = Text::default();
        event.record(&mut text);
        line.push_str(&text.message);
        line.push_str(&text.fields);
        // One event is one line, whatever a client put into a name.
        let line = line.replace(['\n', '\r'], " ");
        match &self.files {
            Some(files) => files[at].write(&line, now),
            None => eprintln!("{line}"),
        }
    }
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.push_str(value),
            name => _ = write!(self.fields, ", {name}[{value}]"),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        match field.name() {
            "message" => _ = write!(self.message, "{value:?}"),
            name => _ = write!(self.fields, ", {name}[{value:?}]"),
        }
    }
}

struct LogFile {
    path: PathBuf,
    limit: u64,
    open: Mutex<(File, u64)>,
}

impl LogFile {
    fn open(path: PathBuf, limit: u64) -> io::Result<Self> {
        let file = append_to(&path)?;
        let size = file.metadata()?.len();
        Ok(Self { path, limit, open: Mutex::new((file, size)) })
    }

    /// Appends a line. A log that cannot be written must not stop the master.
    fn write(&self, line: &str, now: OffsetDateTime) {
        let mut open = self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if open.1 > self.limit {
            if let Ok(file) = self.rotate(now) {
                *open = (file, 0);
            }
        }
        if writeln!(open.0, "{line}").is_ok() {
            open.1 += line.len() as u64 + 1;
        }
    }

    fn rotate(&self, now: OffsetDateTime) -> io::Result<File> {
        let stamp = now.format(FILE_STAMP).map_err(io::Error::other)?;
        let mut old = self.path.clone().into_os_string();
        old.push(format!(".{stamp}.old"));
        fs::rename(&self.path, old)?;
        if let Some(dir) = self.path.parent() {
            forget_old(dir);
        }
        append_to(&self.path)
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).open(path)
}

/// Deletes renamed files that are too old, as far as it can.
#[allow(clippy::disallowed_methods, reason = "the age of a file of the operating system")]
fn forget_old(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let old = entry.path().extension().is_some_and(|e| e == "old");
        let age = entry.metadata().and_then(|m| m.modified()).map(|t| t.elapsed().unwrap_or_default());
        if old && age.is_ok_and(|age| age > KEPT) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_over_its_size_is_renamed_and_begun_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let log = LogFile::open(dir.path().join("master_info.log"), 10).expect("a file");
        let now = OffsetDateTime::UNIX_EPOCH;
        log.write("a line longer than ten bytes", now);
        log.write("the next", now);
        assert_eq!(fs::read_to_string(dir.path().join("master_info.log")).expect("the new file"), "the next\n");
        assert!(dir.path().join("master_info.log.19700101000000.old").exists());
    }
}
