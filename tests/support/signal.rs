//! Signals to processes that a test has started.

use std::process::Command;
use tokio::process::Child;

/// Sends a signal (`TERM`, `STOP`, `CONT` …).
///
/// # Panics
/// The process has ended and was waited for.
pub fn signal(child: &Child, name: &str) {
    let pid = child.id().expect("it has not ended");
    let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {pid}")).status();
    assert!(sent.is_ok_and(|status| status.success()), "SIG{name} cannot be sent to {pid}");
}
