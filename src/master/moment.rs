//! One moment of the cluster, for plans: state, rules and time that belong together.

use super::Master;
use crate::config::Config;
use crate::plan::rules::Rules;
use crate::plan::scene::Scene;
use crate::state::State;
use std::sync::Arc;
use std::time::Duration;

/// What a plan looks at besides the reports.
pub struct Moment {
    pub state: Arc<State>,
    pub rules: Rules,
    /// Monotonic.
    pub now: Duration,
    /// Unix seconds.
    pub wall_secs: i64,
}

impl Moment {
    /// The form in which plans take it.
    pub fn scene(&self) -> Scene<'_> {
        Scene { state: &self.state, rules: &self.rules, now: self.now, wall_secs: self.wall_secs }
    }
}

impl Master {
    /// This moment.
    pub fn moment(&self) -> Moment {
        let state = self.state();
        let rules = self.rules_of(&state);
        Moment { state, rules, now: self.env.now().0, wall_secs: self.env.wall().secs() }
    }

    /// This moment, with a state that is not the newest.
    pub fn moment_of(&self, state: &State) -> Moment {
        let rules = self.rules_of(state);
        Moment { state: Arc::new(state.clone()), rules, now: self.env.now().0, wall_secs: self.env.wall().secs() }
    }

    /// A scene on a state that is not the newest, such as a transaction's.
    pub fn scene<'a>(&self, state: &'a State, rules: &'a Rules) -> Scene<'a> {
        Scene { state, rules, now: self.env.now().0, wall_secs: self.env.wall().secs() }
    }

    /// The settings in force with a state: the configuration's, under those of the cluster record.
    pub fn rules_of(&self, state: &State) -> Rules {
        let rules = Rules { different_ports: self.different_ports(state), ..of_config(&self.config) };
        match &state.cluster {
            Some(cluster) => rules.with_cluster(cluster),
            None => rules,
        }
    }
}

fn of_config(c: &Config) -> Rules {
    Rules {
        node_set_capacity: c.node_set_cap,
        meta_node_reserved: c.meta_node_reserved_mem,
        fault_domain: c.fault_domain,
        fault_domain_zones: c.fault_domain_zones,
        build_groups_as_possible: c.fault_domain_build_as_possible,
        auto_create: !c.disable_auto_create,
        several_replicas_per_machine: c.allow_multiple_replicas_on_same_machine,
        missing_data_replica_after: c.missing_data_partition_interval,
        data_leader_lost_after: c.data_partition_no_leader_interval,
        meta_leader_lost_after: c.meta_partition_no_leader_interval,
        has_blobstore: !c.blobstore_addr.is_empty() && !c.blobstore_service_path.is_empty(),
        ..Rules::default()
    }
}
