//! Whether a node is alive, as far as this leader can know.
//!
//! Invariant: silence of a node that this leader never heard is not death while the leadership is young. v3.5.3 calls such a node
//! inactive and can place nothing for some seconds after a change of leader; here it is [`Liveness::Unknown`] and placement may
//! use it, after the nodes known to be good.

use crate::limits::NODE_TIMEOUT;
use std::time::Duration;

/// Three-valued knowledge of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Liveness {
    /// Silent for [`NODE_TIMEOUT`], or registered under this leader and never heard.
    Inactive,
    /// Not heard yet by a leader younger than [`NODE_TIMEOUT`].
    Unknown,
    /// Heard within [`NODE_TIMEOUT`] (v3.5.3 background-tasks.md §3).
    Active,
}

impl Liveness {
    /// The verdict over a node. `heard` is when its last good heartbeat came, `fresh` that it registered under this leader,
    /// `since` when the leadership began.
    pub fn of(heard: Option<Duration>, fresh: bool, since: Duration, now: Duration) -> Self {
        match heard {
            Some(at) if now.saturating_sub(at) <= NODE_TIMEOUT => Self::Active,
            Some(_) => Self::Inactive,
            None if !fresh && now.saturating_sub(since) < NODE_TIMEOUT => Self::Unknown,
            None => Self::Inactive,
        }
    }

    /// Known to be alive. What clients and nodes are shown as "active" (v3.5.3 knows no third value).
    pub fn is_active(self) -> bool {
        self == Self::Active
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_node_is_inactive_after_eighteen_silent_seconds() {
        assert_eq!(Liveness::of(Some(s(100)), false, s(0), s(118)), Liveness::Active);
        assert_eq!(Liveness::of(Some(s(100)), false, s(0), s(119)), Liveness::Inactive);
    }

    #[test]
    fn a_new_leader_does_not_call_unheard_nodes_dead() {
        assert_eq!(Liveness::of(None, false, s(100), s(100)), Liveness::Unknown);
        assert_eq!(Liveness::of(None, false, s(100), s(117)), Liveness::Unknown);
        assert_eq!(Liveness::of(None, false, s(100), s(118)), Liveness::Inactive);
    }

    #[test]
    fn a_freshly_registered_node_waits_for_its_first_heartbeat() {
        assert_eq!(Liveness::of(None, true, s(100), s(101)), Liveness::Inactive);
        assert_eq!(Liveness::of(Some(s(102)), true, s(100), s(103)), Liveness::Active);
    }

    #[test]
    fn a_report_from_the_future_is_recent() {
        assert_eq!(Liveness::of(Some(s(10)), false, s(0), s(5)), Liveness::Active);
    }
}
