//! Heartbeats to storage nodes and what comes back (v3.5.3 admin-tasks.md §6, background-tasks.md §3).
//!
//! A response is read in one pass into a compact report; what it says changes only memory, except for the few things that are state
//! (zone, disk lists, disk path of a replica, ports of peers): those come back from the plan as changes and are committed after the lock
//! is gone.

use super::Master;
use crate::ids::{PartitionId, Term, VolumeId};
use crate::model::{
    DataNode, DataPartition, DecommissionDisk, Key, MetaNode, MetaPartition, PartitionKind, Quota, ReplicaDisk, UidLimit, Volume,
};
use crate::plan::meta_partition::Split;
use crate::plan::reports::{self, Change};
use crate::plan::usage_limits;
use crate::state::State;
use crate::wire::gojson::{duration, List};
use crate::wire::opcode::Opcode;
use crate::wire::reply::Fault;
use crate::wire::report::{Incoming, Response};
use crate::wire::request::{HeartBeatRequest, QuotaHeartBeatInfo, QuotaLimitedInfo, TxInfo, UidSpaceInfo, UpdateMetaPartitionRequest};
use crate::wire::task::{status, Subject};
use std::collections::BTreeSet;

impl Master {
    /// One round: every node gets a heartbeat task, unless the last one is still in its queue.
    pub(super) async fn heartbeat_round(&self, _term: Term) {
        let state = self.state();
        self.senders.retain(|addr| {
            let stores = state.data_node_by_addr(addr).is_some() || state.meta_node_by_addr(addr).is_some();
            stores || state.lc_nodes.contains_key(addr) || state.flash_node_by_addr(addr).is_some()
        });
        let (data, meta) = (self.data_heartbeat(&state), self.meta_heartbeat(&state));
        for node in state.data_nodes.values() {
            self.send_data_heartbeat(&state, node, &data);
        }
        for node in state.meta_nodes.values() {
            self.send_meta_heartbeat(node, &meta);
        }
        self.heartbeat_flash_nodes(&state);
        self.heartbeat_lc_nodes(&state).await;
    }

    /// A node that has just registered need not wait for the next round.
    pub(super) fn greet_data_node(&self, addr: &str) {
        let state = self.state();
        if let Some(node) = state.data_node_by_addr(addr) {
            self.send_data_heartbeat(&state, node, &self.data_heartbeat(&state));
        }
    }

    /// As [`Master::greet_data_node`].
    pub(super) fn greet_meta_node(&self, addr: &str) {
        let state = self.state();
        if let Some(node) = state.meta_node_by_addr(addr) {
            self.send_meta_heartbeat(node, &self.meta_heartbeat(&state));
        }
    }

    fn send_data_heartbeat(&self, state: &State, node: &DataNode, common: &HeartBeatRequest) {
        let mut request = common.clone();
        request.decommission_disks = node.decommissioned_disks.clone();
        if let Some(zone) = state.zones.get(node.effective_zone_name()) {
            request.qos_iops_read_limit = zone.qos_iops_r_limit;
            request.qos_iops_write_limit = zone.qos_iops_w_limit;
            request.qos_flow_read_limit = zone.qos_flow_r_limit;
            request.qos_flow_write_limit = zone.qos_flow_w_limit;
        }
        self.enqueue(&node.addr, Opcode::DATA_NODE_HEARTBEAT, Subject::Node, request);
    }

    fn send_meta_heartbeat(&self, node: &MetaNode, common: &HeartBeatRequest) {
        self.enqueue(&node.addr, Opcode::META_NODE_HEARTBEAT, Subject::Node, common.clone());
    }

    fn common_heartbeat(&self, state: &State) -> HeartBeatRequest {
        HeartBeatRequest {
            curr_time: self.env.wall().secs(),
            master_addr: self.own_addr(),
            raft_partition_can_using_different_port_enabled: self.different_ports(state),
            forbidden_vols: names(state, |v| v.forbidden),
            notify_forbid_write_op_of_proto_ver0: state.settings.forbid_write_op_of_proto_ver0,
            vols_forbid_write_op_of_proto_ver0: names(state, |v| v.forbid_write_op_of_proto_ver0),
            ..Default::default()
        }
    }

    /// What every data node is told (v3.5.3 background-tasks.md §3.1).
    fn data_heartbeat(&self, state: &State) -> HeartBeatRequest {
        let sizes = state.volumes.values().map(|v| (v.name.clone(), v.effective_dp_repair_block_size()));
        HeartBeatRequest {
            enable_disk_qos: state.settings.disk_qos_enable,
            vol_dp_repair_block_size: Some(sizes.filter(|(_, size)| *size != Volume::REPAIR_BLOCK_SIZE).collect()),
            dp_backup_timeout: duration::to_text(state.settings.effective_dp_backup_time_out().as_nanos() as i64),
            direct_read_vols: names(state, |v| v.direct_read),
            ignore_tiny_recover_vols: names(state, |v| v.ignore_tiny_recover),
            data_node_gogc: state.settings.data_node_gogc,
            ..self.common_heartbeat(state)
        }
    }

    /// The limits of users and directories in all volumes, with what is reached by now.
    fn usage_limits(&self, state: &State) -> (Vec<UidLimit>, Vec<Quota>) {
        let live = self.live();
        let limited = state.uid_spaces.keys().filter_map(|id| state.volumes.get(id));
        let users = limited.flat_map(|volume| usage_limits::users(state, &live.reports, volume)).collect();
        let with_quotas: BTreeSet<VolumeId> = state.quotas.keys().map(|(volume, _)| *volume).collect();
        let quotas = with_quotas.into_iter().flat_map(|id| usage_limits::quotas(state, &live.reports, id)).collect();
        (users, quotas)
    }

    /// What every meta node is told.
    fn meta_heartbeat(&self, state: &State) -> HeartBeatRequest {
        let (users, quotas) = self.usage_limits(state);
        let enabled = |id| state.volumes.get(&id).is_some_and(|v| v.enable_quota);
        HeartBeatRequest {
            follower_read_vols: names(state, |v| v.follower_read),
            file_stats_enable: state.settings.file_stats_enable,
            file_stats_thresholds: state.settings.file_stats_thresholds.clone(),
            uid_limit_info: users.iter().map(uid_limit).collect(),
            quota_hb_infos: quotas.iter().map(|quota| quota_limit(quota, enabled(quota.volume))).collect(),
            tx_info: state
                .volumes
                .values()
                .map(|v| TxInfo { volume: v.name.clone(), mask: v.enable_transaction, op_limit_val: v.tx_op_limit })
                .collect(),
            disable_audit_vols: names(state, |v| v.disable_audit_log),
            meta_node_gogc: state.settings.meta_node_gogc,
            ..self.common_heartbeat(state)
        }
    }

    /// May peers use ports of their own? Only when configured and every node has said its ports (v3.5.3 topology-selection.md §3.3).
    pub fn different_ports(&self, state: &State) -> bool {
        let all = state.data_nodes.values().all(|n| !n.heartbeat_port.is_empty() && !n.replica_port.is_empty())
            && state.meta_nodes.values().all(|n| !n.heartbeat_port.is_empty() && !n.replica_port.is_empty());
        state.settings.raft_partition_already_use_different_port || (self.config.raft_partition_can_use_different_port && all)
    }

    /// The answer to an asynchronous task has arrived (v3.5.3 admin-tasks.md §5). Returns once it is taken in.
    pub async fn task_answered(&self, task: Incoming) {
        let addr = task.operator_addr.as_str();
        if let Some(sender) = self.senders.known(addr) {
            sender.answered(&task.id);
        }
        let response = match task.response {
            Ok(response) => response,
            Err(why) => return tracing::warn!(node = addr, task = task.id, %why, "the answer cannot be read"),
        };
        let moment = self.moment();
        let changes = match response {
            Response::DataNodeHeartbeat(heartbeat) => {
                let mut live = self.live();
                for report in heartbeat.partition_reports.iter() {
                    if !moment.state.data_partitions.contains_key(&report.partition_id) {
                        self.reported_unknown(&mut live, &moment.state, PartitionKind::Data, report.partition_id, addr);
                    }
                }
                reports::apply_data_heartbeat(&moment.scene(), &mut live.reports, addr, *heartbeat)
            }
            Response::MetaNodeHeartbeat(heartbeat) => {
                let mut live = self.live();
                for report in heartbeat.meta_partition_reports.iter() {
                    if !moment.state.meta_partitions.contains_key(&report.partition_id) {
                        self.reported_unknown(&mut live, &moment.state, PartitionKind::Meta, report.partition_id, addr);
                    }
                }
                reports::apply_meta_heartbeat(&moment.scene(), &mut live.reports, addr, *heartbeat)
            }
            Response::UpdateMetaPartition(answer) if answer.status == status::FAILED => {
                return tracing::warn!(
                    node = addr,
                    partition = answer.partition_id.0,
                    result = answer.result,
                    "meta partition not updated"
                );
            }
            Response::VersionOperation(said) => return self.version_answered(&said),
            Response::FlashNodeHeartbeat(said) => return self.flash_node_heard(addr, &said),
            Response::FlashNodeScan(said) => return self.flash_task_answered(addr, &said).await,
            Response::LcNodeHeartbeat(said) => return self.lc_node_heard(addr, said).await,
            Response::LcNodeScan(said) => return self.scan_answered(addr, *said).await,
            Response::SnapshotVerDel(said) => return self.version_deletion_answered(addr, *said).await,
            Response::LoadDataPartition(answer) => return self.data_partition_loaded(addr, &answer),
            other => return tracing::debug!(node = addr, ?other, "an answer that nothing waits for"),
        };
        self.moves.wake();
        for change in changes {
            if let Err(why) = self.carry_out(change.clone()).await {
                tracing::warn!(node = addr, ?change, %why, "what a heartbeat told is not recorded yet");
            }
        }
    }

    async fn carry_out(&self, change: Change) -> Result<(), Fault> {
        match change {
            Change::Disks { addr, all, bad } => {
                self.commit("disks reported", |_, txn| {
                    if let Some(node) = txn.data_node_by_addr(&addr) {
                        txn.put(DataNode { all_disks: all.clone().into(), bad_disks: bad.clone().into(), ..(*node).clone() });
                    }
                    Ok(())
                })
                .await
            }
            Change::DiskRecovered { addr, disk } => self.disk_recovered(&addr, &disk).await,
            Change::ReplicaDisk { partition, addr, disk } => {
                self.commit("replica's disk reported", |_, txn| {
                    let Some(record) = txn.data_partition(partition) else { return Ok(()) };
                    let mut record = (*record).clone();
                    match record.replicas.iter_mut().find(|r| r.addr == addr) {
                        Some(replica) => replica.disk_path = disk.clone(),
                        None => record.replicas.push(ReplicaDisk::new(&addr, &disk)),
                    }
                    txn.put(record);
                    Ok(())
                })
                .await
            }
            Change::DataPeers { partition, peers } => {
                self.commit("ports reported", |_, txn| {
                    if let Some(record) = txn.data_partition(partition) {
                        txn.put(DataPartition { peers: peers.clone(), ..(*record).clone() });
                    }
                    Ok(())
                })
                .await
            }
            Change::MetaPeers { partition, peers } => {
                self.commit("ports reported", |_, txn| {
                    if let Some(record) = txn.meta_partition(partition) {
                        txn.put(MetaPartition { peers: peers.clone(), ..(*record).clone() });
                    }
                    Ok(())
                })
                .await
            }
            Change::MetaEnd { volume, partition, end, leader } => {
                if let Some(leader) = leader {
                    self.tell_end(&leader, volume, partition, end);
                }
                Ok(())
            }
            Change::Split { volume, partition, end } => self.split(volume, Split { partition, end, needs_leader: false }).await,
            Change::Quotas { volume, .. } => self.quotas_reported(volume).await,
            Change::DataNodeZone { addr, zone } => self.move_data_node(&addr, &zone).await,
            Change::MetaNodeZone { addr, zone } => self.move_meta_node(&addr, &zone).await,
            Change::ZoneRefused { addr, zone } => {
                tracing::warn!(node = addr, zone, "reports a zone of another media type");
                Ok(())
            }
            // Views are built from the reports when they are due.
            Change::Uids { .. } | Change::DataPartition(_) | Change::MetaPartition(_) => Ok(()),
        }
    }

    async fn disk_recovered(&self, addr: &str, disk: &str) -> Result<(), Fault> {
        self.commit("disk recovered", |_, txn| {
            let key = Key::DecommissionDisk(addr.to_owned(), disk.to_owned()).to_string();
            txn.delete::<DecommissionDisk>(&key);
            if let Some(node) = txn.data_node_by_addr(addr) {
                let left = node.decommissioned_disks.iter().filter(|d| *d != disk).cloned().collect();
                txn.put(DataNode { decommissioned_disks: left, ..(*node).clone() });
            }
            Ok(())
        })
        .await
    }

    /// Tells the leader of a meta partition where its range ends (0x43).
    pub(super) fn tell_end(&self, leader: &str, volume: VolumeId, partition: PartitionId, end: u64) {
        let vol_name = self.volume_name(volume);
        let request = UpdateMetaPartitionRequest { partition_id: partition, vol_name, start: 0, end };
        self.enqueue(leader, Opcode::UPDATE_META_PARTITION, Subject::MetaPartition(partition), request);
    }
}

fn names(state: &State, test: impl Fn(&Volume) -> bool) -> List<String> {
    state.volumes.values().filter(|v| test(v)).map(|v| v.name.clone()).collect()
}

fn uid_limit(limit: &UidLimit) -> UidSpaceInfo {
    UidSpaceInfo {
        vol_name: limit.vol_name.clone(),
        uid: limit.uid,
        c_time: limit.create_time,
        enabled: limit.enabled,
        limited: limit.limited,
        used_size: limit.used_size,
        limit_size: limit.limit_size,
        rsv: limit.reserved.clone(),
    }
}

fn quota_limit(quota: &Quota, enable: bool) -> QuotaHeartBeatInfo {
    let limited = QuotaLimitedInfo { limited_files: quota.limited.files, limited_bytes: quota.limited.bytes };
    QuotaHeartBeatInfo { vol_name: quota.vol_name.clone(), quota_id: quota.quota_id, limited_info: limited, enable }
}
