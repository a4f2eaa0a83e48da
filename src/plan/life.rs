//! Whether a replica is alive, as far as this leader can know.
//!
//! Invariant: absence of a report is not absence of the replica while the leadership is young.

use super::liveness::Liveness;
use std::time::Duration;

/// Three-valued knowledge of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Life {
    /// Its node is down, or it is unavailable, silent for too long or not where it should be.
    Dead,
    /// A new leader has not heard its node yet.
    Unknown,
    /// Reported lately by a node that is up, and available.
    Live,
}

impl Life {
    /// Of a replica whose last report is `silence` old and said that it is `available`; `None`: no report.
    pub(super) fn of(report: Option<(Duration, bool)>, node: Liveness, timeout: Duration) -> Self {
        match (report, node) {
            (Some((_, false)), _) | (_, Liveness::Inactive) | (None, Liveness::Active) => Self::Dead,
            (Some((silence, true)), _) if silence <= timeout => Self::Live,
            (Some(_), _) => Self::Dead,
            (None, Liveness::Unknown) => Self::Unknown,
        }
    }
}
