//! The settings of the cluster: the cluster record, and the selectors of zones and node sets
//! (v3.5.3 http-cluster-volume.md §1.2 to §1.4, §4.1).
//!
//! v3.5.3 writes each setting of a request by itself and keeps what was written before one failed; here a request is one transaction.

use super::Master;
use crate::env::Purpose;
use crate::model::{ClusterValue, MediaType, NodeSet, Zone};
use crate::plan::placement::{NodeSelector, NodeSetSelector};
use crate::state::{State, Txn};
use crate::wire::reply::{fault, Fault};
use crate::wire::task::uuid_text;

/// A shorter backup time-out is raised to this. Meant as seconds by v3.5.3, used as nanoseconds.
const DP_BACKUP_TIMEOUT_MIN: u64 = 604_800;

/// Names of selectors; what is absent stays, what is unknown becomes the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selectors {
    pub data_node_set: Option<String>,
    pub meta_node_set: Option<String>,
    pub data_node: Option<String>,
    pub meta_node: Option<String>,
}

impl Selectors {
    /// Brings them into a zone and all its node sets.
    pub fn apply_to_zone(&self, state: &State, txn: &mut Txn, name: &str) {
        self.apply_to_zone_record(txn, name);
        for set in state.node_sets_of_zone(name) {
            self.apply_to_node_set(txn, set);
        }
    }

    fn apply_to_zone_record(&self, txn: &mut Txn, name: &str) {
        if self.data_node_set.is_none() && self.meta_node_set.is_none() {
            return;
        }
        let mut zone = txn.zone(name).map_or_else(|| Zone::new(name, MediaType::UNSPECIFIED), |zone| (*zone).clone());
        let before = zone.clone();
        if let Some(wanted) = &self.data_node_set {
            zone.data_nodeset_selector = NodeSetSelector::named(wanted).name().to_owned();
        }
        if let Some(wanted) = &self.meta_node_set {
            zone.meta_nodeset_selector = NodeSetSelector::named(wanted).name().to_owned();
        }
        if zone != before {
            txn.put(zone);
        }
    }

    /// Brings the node selectors into one node set.
    pub fn apply_to_node_set(&self, txn: &mut Txn, set: &NodeSet) {
        if self.data_node.is_none() && self.meta_node.is_none() {
            return;
        }
        let Some(present) = txn.node_set(set.id) else { return };
        let mut changed = (*present).clone();
        if let Some(wanted) = &self.data_node {
            changed.data_node_selector = NodeSelector::named(wanted).name().to_owned();
        }
        if let Some(wanted) = &self.meta_node {
            changed.meta_node_selector = NodeSelector::named(wanted).name().to_owned();
        }
        if changed != *present {
            txn.put(changed);
        }
    }
}

/// What `/admin/setNodeInfo` can set; what is absent stays (v3.5.3 http-cluster-volume.md §1.3).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeInfo {
    pub batch_count: Option<u64>,
    pub mark_delete_rate: Option<u64>,
    pub auto_repair_rate: Option<u64>,
    pub delete_worker_sleep_ms: Option<u64>,
    pub load_factor: Option<f32>,
    pub max_dp_cnt_limit: Option<u64>,
    pub max_mp_cnt_limit: Option<u64>,
    /// Nanoseconds.
    pub dp_repair_timeout: Option<u64>,
    /// Nanoseconds.
    pub dp_backup_timeout: Option<u64>,
    pub dp_max_repair_err_cnt: Option<u64>,
    /// Unix seconds.
    pub cluster_create_time: Option<i64>,
    pub mark_disk_broken_threshold: Option<f64>,
    pub flash_node_handle_read_timeout: Option<i64>,
    pub flash_node_read_data_node_timeout: Option<i64>,
    pub flash_hot_key_miss_count: Option<i64>,
    pub auto_decommission_disk: Option<bool>,
    /// Nanoseconds.
    pub auto_decommission_disk_interval: Option<i64>,
    pub auto_dp_meta_repair: Option<bool>,
    pub auto_dp_meta_repair_parallel_cnt: Option<i32>,
    /// Seconds.
    pub dp_timeout: Option<i64>,
    /// Seconds.
    pub mp_timeout: Option<i64>,
    pub decommission_limit: Option<u64>,
    pub decommission_disk_limit: Option<u32>,
    pub data_media_type: Option<MediaType>,
    pub forbid_write_op_of_proto_ver0: Option<bool>,
    pub flash_read_flow_limit: Option<i64>,
    pub flash_write_flow_limit: Option<i64>,
    pub flash_key_flow_limit: Option<i64>,
    pub remote_client_flow_limit: Option<i64>,
    pub selectors: Selectors,
}

impl NodeInfo {
    fn apply(&self, cluster: &mut ClusterValue) {
        macro_rules! set {
            ($($field:ident = $wanted:expr;)*) => { $( if let Some(value) = $wanted { cluster.$field = value; } )* };
        }
        set! {
            meta_node_delete_batch_count = self.batch_count;
            data_node_delete_limit_rate = self.mark_delete_rate;
            data_node_auto_repair_limit_rate = self.auto_repair_rate;
            meta_node_delete_worker_sleep_ms = self.delete_worker_sleep_ms;
            load_factor = self.load_factor;
            max_dp_cnt_limit = self.max_dp_cnt_limit;
            max_mp_cnt_limit = self.max_mp_cnt_limit;
            dp_repair_time_out = self.dp_repair_timeout;
            dp_backup_time_out = self.dp_backup_timeout.map(|n| n.max(DP_BACKUP_TIMEOUT_MIN));
            dp_max_repair_err_cnt = self.dp_max_repair_err_cnt;
            create_time = self.cluster_create_time;
            mark_disk_broken_threshold = self.mark_disk_broken_threshold.map(disk_broken_threshold);
            flash_node_handle_read_timeout = self.flash_node_handle_read_timeout;
            flash_node_read_data_node_timeout = self.flash_node_read_data_node_timeout;
            flash_hot_key_miss_count = self.flash_hot_key_miss_count;
            enable_auto_decommission_disk = self.auto_decommission_disk;
            auto_decommission_disk_interval = self.auto_decommission_disk_interval;
            enable_auto_dp_meta_repair = self.auto_dp_meta_repair;
            auto_dp_meta_repair_parallel_cnt = self.auto_dp_meta_repair_parallel_cnt.map(|n| n as u32);
            data_partition_timeout_sec = self.dp_timeout;
            meta_partition_timeout_sec = self.mp_timeout;
            decommission_limit = self.decommission_limit;
            legacy_data_media_type = self.data_media_type;
            forbid_write_op_of_proto_ver0 = self.forbid_write_op_of_proto_ver0;
            flash_read_flow_limit = self.flash_read_flow_limit;
            flash_write_flow_limit = self.flash_write_flow_limit;
            flash_key_flow_limit = self.flash_key_flow_limit;
            remote_client_flow_limit = self.remote_client_flow_limit;
        }
        if let Some(limit) = self.decommission_disk_limit {
            cluster.set_disk_limit(limit);
        }
    }
}

/// The ratio of broken partitions that makes a disk broken; what is no ratio is 0.
pub fn disk_broken_threshold(wanted: f64) -> f64 {
    if wanted > 0.0 && wanted <= 1.0 {
        wanted
    } else {
        0.0
    }
}

/// The cluster record with the defaults of v3.5.3 in place of what is missing, for changing it.
///
/// # Errors
/// There is no record yet.
pub fn present(txn: &mut Txn) -> Result<ClusterValue, Fault> {
    txn.cluster().map(|cluster| cluster.effective()).ok_or(fault::INTERNAL_ERROR)
}

impl Master {
    /// Changes the cluster record.
    ///
    /// # Errors
    /// What `change` refuses; nothing could be committed.
    pub async fn change_settings<T: Send>(
        &self,
        actor: &str,
        change: impl Fn(&mut ClusterValue) -> Result<T, Fault> + Sync,
    ) -> Result<T, Fault> {
        self.commit(actor, |_, txn| {
            let mut cluster = present(txn)?;
            let value = change(&mut cluster)?;
            txn.put(cluster);
            Ok(value)
        })
        .await
    }

    /// Sets everything that a request names, together.
    ///
    /// # Errors
    /// A media type that is none, is not the configured one, or would replace another one.
    pub async fn set_node_info(&self, info: &NodeInfo) -> Result<(), Fault> {
        let configured = self.config.legacy_data_media_type;
        self.commit("set node info", |state, txn| {
            let mut cluster = present(txn)?;
            if let Some(wanted) = info.data_media_type {
                check_media_type(wanted, MediaType(configured), cluster.legacy_data_media_type)?;
            }
            info.apply(&mut cluster);
            txn.put(cluster);
            for zone in state.zone_names() {
                info.selectors.apply_to_zone(state, txn, zone);
            }
            Ok(())
        })
        .await
    }

    /// Gives the cluster its id, once.
    ///
    /// # Errors
    /// It has one.
    pub async fn generate_cluster_uuid(&self) -> Result<String, Fault> {
        let random = || self.env.entropy.next_u64(Purpose::Secret);
        let uuid = format!("CID-{}", uuid_text([random(), random()]));
        self.change_settings("generate cluster uuid", |cluster| {
            if !cluster.cluster_uuid.is_empty() {
                return Err(Fault::internal("The cluster already has a ClusterUuid"));
            }
            cluster.cluster_uuid.clone_from(&uuid);
            Ok(uuid.clone())
        })
        .await
    }
}

fn check_media_type(wanted: MediaType, configured: MediaType, present: MediaType) -> Result<(), Fault> {
    if !wanted.is_valid() {
        return Err(Fault::internal(format!("setClusterMediaType: mediaType is not vailid, type {}", wanted.0)));
    }
    if wanted != configured {
        let (wanted, configured) = (wanted.0, configured.0);
        return Err(Fault::internal(format!(
            "setClusterMediaType: mediaType should equal to cfg media type, req {wanted}, cfg {configured}"
        )));
    }
    if present.is_valid() && present != wanted {
        return Err(Fault::internal(format!("setClusterMediaType: cant't update mediaType old {}, new {}", present.0, wanted.0)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Index, NodeSetId};

    #[test]
    fn unknown_selectors_become_the_default() {
        let mut state = State::new();
        let mut txn = Txn::new(&state);
        txn.put(NodeSet::new(NodeSetId(1), 18, "z1"));
        let command = txn.finish("test", 0);
        state.apply(Index(1), &command);
        let selectors = Selectors {
            data_node_set: Some("CarryWeight".into()),
            meta_node_set: Some("Nonsense".into()),
            data_node: Some("Straw".into()),
            meta_node: Some("Nonsense".into()),
        };
        let base = state.clone();
        let mut txn = Txn::new(&base);
        selectors.apply_to_zone(&base, &mut txn, "z1");
        let command = txn.finish("test", 0);
        state.apply(Index(2), &command);
        let (zone, set) = (&state.zones["z1"], &state.node_sets[&NodeSetId(1)]);
        assert_eq!((zone.data_nodeset_selector.as_str(), zone.meta_nodeset_selector.as_str()), ("CarryWeight", "RoundRobin"));
        assert_eq!((set.data_node_selector.as_str(), set.meta_node_selector.as_str()), ("Straw", "CarryWeight"));
    }

    #[test]
    fn no_limit_of_disks_stays_none_and_a_record_without_the_setting_means_one() {
        let mut cluster = ClusterValue::new("c", 1);
        NodeInfo { decommission_disk_limit: Some(0), ..NodeInfo::default() }.apply(&mut cluster);
        let read = cluster.effective();
        assert_eq!(read.disk_limit(), 0);
        let mut changed_again = read;
        NodeInfo { max_dp_cnt_limit: Some(7), ..NodeInfo::default() }.apply(&mut changed_again);
        assert_eq!(changed_again.disk_limit(), 0);
        assert_eq!(ClusterValue { decommission_disk_limit: 0, ..cluster }.effective().disk_limit(), 1);
    }

    #[test]
    fn the_media_type_must_be_the_configured_one_and_stays() {
        let (none, ssd, hdd) = (MediaType::UNSPECIFIED, MediaType::SSD, MediaType::HDD);
        assert!(check_media_type(ssd, ssd, none).is_ok());
        assert!(check_media_type(ssd, ssd, ssd).is_ok());
        assert!(check_media_type(MediaType(7), none, none).is_err());
        assert!(check_media_type(ssd, none, none).is_err());
        assert!(check_media_type(hdd, hdd, ssd).is_err());
    }

    #[test]
    fn a_ratio_outside_its_range_is_none() {
        assert_eq!([0.25, 1.0, 0.0, -1.0, 7.0, f64::NAN].map(disk_broken_threshold), [0.25, 1.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
