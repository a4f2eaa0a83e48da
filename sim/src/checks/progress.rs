//! L1: the deadlines after healing.

use super::Violation;
use std::time::Duration;

/// Healing to a leader that is ready.
pub const LEADER_WITHIN: Duration = Duration::from_secs(10);
/// Healing to the first acknowledged write.
pub const WRITE_WITHIN: Duration = Duration::from_secs(15);
/// Healing to every storage node active: two heartbeats of 6 s, their round of the queue and what is resent.
pub const NODES_WITHIN: Duration = Duration::from_secs(30);
/// What a node was told to do late is done after this time.
pub const STRAGGLERS_WITHIN: Duration = Duration::from_secs(60);
/// Healing to the nodes holding what the metadata says: tasks run out after 100 s.
pub const AGREEMENT_WITHIN: Duration = Duration::from_secs(180);

/// When something happened after healing, if it did.
pub fn check(what: &str, within: Duration, took: Option<Duration>, pending: impl FnOnce() -> String) -> Result<(), Violation> {
    match took {
        Some(took) if took <= within => Ok(()),
        Some(took) => Err(Violation::new("L1", format!("{what} took {:.1} s, at most {} s", took.as_secs_f64(), within.as_secs()))),
        None => Err(Violation::new("L1", format!("no {what} within {} s: {}", within.as_secs(), pending()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_late_or_never_comes_is_seen() {
        let took = |secs: Option<u64>| check("leader", LEADER_WITHIN, secs.map(Duration::from_secs), String::new).is_ok();
        assert!(took(Some(10)));
        assert!(!took(Some(11)));
        assert!(!took(None));
    }
}
