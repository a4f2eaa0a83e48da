//! How many requests each route answered here and how long it took, as v3.5.3 exposes it (background-tasks.md §21).

use super::table::ROUTES;
use crate::wire::prometheus::Page;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bound of the histogram's one bucket, microseconds.
const BUCKET_MICROS: u64 = 1_000;

/// Counters by path.
pub struct Timings(BTreeMap<&'static str, Timing>);

#[derive(Default)]
struct Timing {
    count: AtomicU64,
    within_bucket: AtomicU64,
    sum_micros: AtomicU64,
}

impl Default for Timings {
    fn default() -> Self {
        Self(ROUTES.iter().map(|route| (route.path, Timing::default())).collect())
    }
}

impl Timings {
    /// Counts an answer.
    pub fn count(&self, path: &str, took: Duration) {
        let Some(timing) = self.0.get(path) else { return };
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        timing.count.fetch_add(1, Ordering::Relaxed);
        timing.within_bucket.fetch_add(u64::from(micros <= BUCKET_MICROS), Ordering::Relaxed);
        timing.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Puts the counters of routes that were asked for onto the page.
    pub fn show(&self, page: &mut Page) {
        for (path, timing) in &self.0 {
            let count = timing.count.load(Ordering::Relaxed);
            if count == 0 {
                continue;
            }
            let name = format!("req{}", path.replace('/', "_"));
            let (within, sum) = (timing.within_bucket.load(Ordering::Relaxed), timing.sum_micros.load(Ordering::Relaxed));
            page.counter(&format!("{name}_count"), &[], count as f64);
            page.histogram(&format!("{name}_hist"), &BUCKET_MICROS.to_string(), within, count, sum as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_routes_that_were_asked_for_are_shown() {
        let timings = Timings::default();
        timings.count("/admin/getIp", Duration::from_micros(1_000));
        timings.count("/admin/getIp", Duration::from_micros(1_001));
        timings.count("/none", Duration::ZERO);
        let mut page = Page::new("cfs_master_");
        timings.show(&mut page);
        let text = page.text();
        for line in ["cfs_master_req_admin_getIp_count 2", "cfs_master_req_admin_getIp_hist_bucket{le=\"1000\"} 1"] {
            assert!(text.contains(line), "{text}");
        }
        assert!(!text.contains("createVol"));
    }
}
