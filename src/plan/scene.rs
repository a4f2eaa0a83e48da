//! What a decision looks at besides the reports: the records, the settings and the time.

use super::rules::Rules;
use crate::state::State;
use std::time::Duration;

/// One moment of the cluster.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    pub state: &'a State,
    pub rules: &'a Rules,
    /// Monotonic time since an origin of this process.
    pub now: Duration,
    /// Unix seconds.
    pub wall_secs: i64,
}
