//! The rate limiter of the API (v3.5.3 http-general.md §5): one token bucket per path, following the replicated table of limits.
//! It reads no clock; "now" is an argument.

use crate::env::Mono;
use crate::model::limiters::{ApiLimit, ApiLimits};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    /// It passes after this time, which it must wait.
    Wait(Duration),
    /// It would have to wait longer than its limit allows.
    Refuse,
}

/// The buckets of this master.
#[derive(Default)]
pub struct Limiter {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// The table that the buckets were made from.
    table: Option<Arc<ApiLimits>>,
    buckets: BTreeMap<String, Bucket>,
}

impl Limiter {
    /// Counts one request to `path` under the limits of `table`.
    pub fn ask(&self, table: Option<&Arc<ApiLimits>>, path: &str, now: Mono) -> Verdict {
        let mut inner = self.inner.lock().expect("no holder panics");
        inner.follow(table, now);
        inner.buckets.get_mut(path).map_or(Verdict::Pass, |bucket| bucket.ask(now))
    }

    /// Fills the bucket of `path` again: setting a limit does, also to the value it had.
    pub fn refill(&self, path: &str) {
        let mut inner = self.inner.lock().expect("no holder panics");
        inner.buckets.remove(path);
        inner.table = None;
    }
}

impl Inner {
    /// Makes buckets for new and changed limits and drops those of removed ones. The others stay as full as they are.
    fn follow(&mut self, table: Option<&Arc<ApiLimits>>, now: Mono) {
        let same = match (&self.table, table) {
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            (None, None) => true,
            _ => false,
        };
        if same {
            return;
        }
        self.table = table.cloned();
        let mut old = std::mem::take(&mut self.buckets);
        for (path, limit) in table.iter().flat_map(|table| &table.limits) {
            let kept = old.remove(path).filter(|bucket| bucket.is_of(limit));
            self.buckets.insert(path.clone(), kept.unwrap_or_else(|| Bucket::new(limit, now)));
        }
    }
}

/// A token bucket of one token.
struct Bucket {
    per_sec: u32,
    wait_secs_max: u32,
    tokens: f64,
    counted: Mono,
}

impl Bucket {
    fn new(limit: &ApiLimit, now: Mono) -> Self {
        Self { per_sec: limit.limit, wait_secs_max: limit.limiter_timeout, tokens: 1.0, counted: now }
    }

    fn is_of(&self, limit: &ApiLimit) -> bool {
        (self.per_sec, self.wait_secs_max) == (limit.limit, limit.limiter_timeout)
    }

    /// Takes a token, one that will be there in time if need be. A limit of 0 never makes a second one.
    fn ask(&mut self, now: Mono) -> Verdict {
        let rate = f64::from(self.per_sec);
        let tokens = (self.tokens + now.since(self.counted).as_secs_f64() * rate).min(1.0) - 1.0;
        let wait = if tokens >= 0.0 { 0.0 } else { -tokens / rate };
        if wait > f64::from(self.wait_secs_max) {
            return Verdict::Refuse;
        }
        (self.tokens, self.counted) = (tokens, now.max(self.counted));
        if wait == 0.0 {
            Verdict::Pass
        } else {
            Verdict::Wait(Duration::from_secs_f64(wait))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(limits: &[(&str, u32, u32)]) -> Arc<ApiLimits> {
        let limit = |&(path, limit, limiter_timeout): &(&str, u32, u32)| {
            (path.to_owned(), ApiLimit { limit, limiter_timeout, ..ApiLimit::default() })
        };
        Arc::new(ApiLimits { limits: limits.iter().map(limit).collect(), cluster: "c".into() })
    }

    fn at(ms: u64) -> Mono {
        Mono(Duration::from_millis(ms))
    }

    #[test]
    fn a_path_without_limit_passes() {
        let limiter = Limiter::default();
        assert_eq!(limiter.ask(None, "/a", at(0)), Verdict::Pass);
        assert_eq!(limiter.ask(Some(&table(&[("/b", 0, 1)])), "/a", at(0)), Verdict::Pass);
    }

    #[test]
    fn limit_0_lets_exactly_one_request_pass() {
        let (limiter, table) = (Limiter::default(), table(&[("/a", 0, 60)]));
        assert_eq!(limiter.ask(Some(&table), "/a", at(0)), Verdict::Pass);
        assert_eq!(limiter.ask(Some(&table), "/a", at(0)), Verdict::Refuse);
        assert_eq!(limiter.ask(Some(&table), "/a", at(1_000_000)), Verdict::Refuse);
    }

    #[test]
    fn requests_queue_up_to_their_waiting_time() {
        let (limiter, table) = (Limiter::default(), table(&[("/a", 2, 1)]));
        let ask = |ms| limiter.ask(Some(&table), "/a", at(ms));
        assert_eq!(ask(0), Verdict::Pass);
        assert_eq!(ask(0), Verdict::Wait(Duration::from_millis(500)));
        assert_eq!(ask(0), Verdict::Wait(Duration::from_millis(1000)));
        assert_eq!(ask(0), Verdict::Refuse, "1.5 s is too long, and takes no token");
        assert_eq!(ask(500), Verdict::Wait(Duration::from_millis(1000)));
        assert_eq!(ask(60_000), Verdict::Pass);
    }

    #[test]
    fn only_changed_limits_get_a_new_bucket() {
        let limiter = Limiter::default();
        let first = table(&[("/a", 0, 1), ("/b", 0, 1)]);
        for path in ["/a", "/b"] {
            assert_eq!(limiter.ask(Some(&first), path, at(0)), Verdict::Pass);
        }
        let second = table(&[("/a", 0, 1), ("/b", 0, 2)]);
        assert_eq!(limiter.ask(Some(&second), "/a", at(0)), Verdict::Refuse);
        assert_eq!(limiter.ask(Some(&second), "/b", at(0)), Verdict::Pass);
        limiter.refill("/a");
        assert_eq!(limiter.ask(Some(&second), "/a", at(0)), Verdict::Pass);
        assert_eq!(limiter.ask(Some(&second), "/b", at(0)), Verdict::Refuse);
        assert_eq!(limiter.ask(None, "/b", at(0)), Verdict::Pass);
    }
}
