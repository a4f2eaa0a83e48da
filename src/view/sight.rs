//! What a view looks at: one state, what nodes reported, the settings, the time.

use crate::plan::reports::{DataNodeReport, MetaNodeReport, Reports};
use crate::plan::rules::Rules;
use crate::plan::scene::Scene;
use crate::state::State;
use crate::wire::gojson::GoTime;
use std::sync::LazyLock;
use std::time::Duration;
use time::UtcOffset;

/// One moment of the cluster, for views.
#[derive(Clone, Copy)]
pub struct Sight<'a> {
    pub state: &'a State,
    pub reports: &'a Reports,
    pub rules: &'a Rules,
    /// Monotonic time since an origin of this process.
    pub now: Duration,
    /// Unix seconds.
    pub wall_secs: i64,
    /// Zone of the times shown.
    pub zone: UtcOffset,
}

static UNHEARD_DATA_NODE: LazyLock<DataNodeReport> = LazyLock::new(DataNodeReport::default);
static UNHEARD_META_NODE: LazyLock<MetaNodeReport> = LazyLock::new(MetaNodeReport::default);

impl<'a> Sight<'a> {
    /// From what plans look at.
    pub fn new(scene: Scene<'a>, reports: &'a Reports, zone: UtcOffset) -> Self {
        let Scene { state, rules, now, wall_secs } = scene;
        Self { state, reports, rules, now, wall_secs, zone }
    }

    /// The form in which plans take it.
    pub fn scene(&self) -> Scene<'a> {
        Scene { state: self.state, rules: self.rules, now: self.now, wall_secs: self.wall_secs }
    }

    /// Unix seconds of a moment of the monotonic clock.
    pub fn wall_of(&self, at: Duration) -> i64 {
        self.wall_secs - i64::try_from(self.now.saturating_sub(at).as_secs()).unwrap_or(0)
    }

    /// A time as replies show it; 0 is never.
    pub fn time(&self, unix_secs: i64) -> GoTime {
        if unix_secs == 0 {
            return GoTime::ZERO;
        }
        GoTime::from_unix_nanos(unix_secs.saturating_mul(1_000_000_000)).in_zone(self.zone.whole_seconds())
    }

    /// What is known of a data node; what v3.5.3 shows before the first heartbeat if it was never heard.
    pub fn data_node(&self, addr: &str) -> &'a DataNodeReport {
        self.reports.data_node(addr).unwrap_or(&UNHEARD_DATA_NODE)
    }

    /// What is known of a meta node.
    pub fn meta_node(&self, addr: &str) -> &'a MetaNodeReport {
        self.reports.meta_node(addr).unwrap_or(&UNHEARD_META_NODE)
    }

    /// Zone and node set of each host of a data partition; "" and 0 for an unknown node.
    pub fn data_places(&self, hosts: &[String]) -> (Vec<String>, Vec<u64>) {
        let place = |host: &String| match self.state.data_node_by_addr(host) {
            Some(node) => (node.effective_zone_name().to_owned(), node.node_set_id.0),
            None => (String::new(), 0),
        };
        hosts.iter().map(place).unzip()
    }

    /// Zone and node set of each host of a meta partition; "" and 0 for an unknown node.
    pub fn meta_places(&self, hosts: &[String]) -> (Vec<String>, Vec<u64>) {
        let place = |host: &String| match self.state.meta_node_by_addr(host) {
            Some(node) => (node.effective_zone_name().to_owned(), node.node_set_id.0),
            None => (String::new(), 0),
        };
        hosts.iter().map(place).unzip()
    }
}
