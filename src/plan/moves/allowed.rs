//! What a data partition may lose or gain (v3.5.3 http-partitions-nodes.md §4.3, §4.5, §5.4).

use crate::model::{DataPartition, PartitionStatus};
use crate::plan::data_partition::{leader, life, live_hosts};
use crate::plan::life::Life;
use crate::plan::liveness::Liveness;
use crate::plan::reports::Reports;
use crate::plan::scene::Scene;
use crate::wire::reply::{fault, Fault};

/// Used sizes of live replicas may differ by less than this while one of a recovering partition goes, bytes.
const USED_SIZE_DIFFERENCE_MAX: u64 = 1 << 30;

/// A replica can be trusted to serve: its node is up, it was heard lately and is read-only or read-write.
pub fn is_healthy(scene: &Scene<'_>, reports: &Reports, dp: &DataPartition, addr: &str) -> bool {
    let reported = reports.data_partition(dp.partition_id).and_then(|p| p.replica(addr));
    let good = reported.is_some_and(|r| r.status == PartitionStatus::READ_ONLY || r.status == PartitionStatus::READ_WRITE);
    good && life(scene, reports, dp, addr) == Life::Live && reports.data_liveness(addr, scene.now) == Liveness::Active
}

/// The leader is so young that silence of a host means nothing.
pub fn has_unheard_hosts(scene: &Scene<'_>, reports: &Reports, dp: &DataPartition) -> bool {
    dp.hosts.iter().any(|host| life(scene, reports, dp, host) == Life::Unknown)
}

/// Does the leader of the raft group report `addr` as a member?
pub fn is_member(scene: &Scene<'_>, reports: &Reports, dp: &DataPartition, addr: &str) -> bool {
    let leader = leader(scene, reports, dp);
    let replica = leader.and_then(|leader| reports.data_partition(dp.partition_id)?.replica(&leader));
    let members = replica.and_then(|replica| replica.local_peers.list(&dp.peers));
    members.is_some_and(|members| members.iter().any(|peer| peer.addr == addr))
}

/// Is somebody left when `addr` goes (§4.5 no. 2)? Asked again before every request that takes a replica off.
///
/// # Errors
/// It is the only replica, the only host, or the only healthy one.
pub fn somebody_is_left(scene: &Scene<'_>, reports: &Reports, dp: &DataPartition, addr: &str) -> Result<(), Fault> {
    let id = dp.partition_id;
    if dp.replicas.len() == 1 && dp.replicas[0].addr == addr {
        return Err(Fault::internal(format!("partition {id} has only one replica {addr}")));
    }
    if dp.hosts.len() == 1 && dp.hosts[0] == addr {
        return Err(Fault::internal(format!("partition {id} has only one host {addr}")));
    }
    let mut healthy = dp.hosts.iter().filter(|host| is_healthy(scene, reports, dp, host)).peekable();
    if healthy.peek().is_some() && healthy.all(|host| host == addr) {
        return Err(Fault::internal(format!("partition {id} only has one normal host, {addr}")));
    }
    Ok(())
}

/// May the partition lose its replica on `addr` (§5.4)? `retrying`: an attempt was made before.
///
/// # Errors
/// The volume is gone; a replica is missing already; too few would be left; it is recovering.
pub fn may_lose(scene: &Scene<'_>, reports: &Reports, dp: &DataPartition, addr: &str, retrying: bool) -> Result<(), Fault> {
    let volume = scene.state.volumes.get(&dp.vol_id).ok_or(fault::VOL_NOT_EXISTS)?;
    let replicas = dp.replicas.len().max(dp.hosts.len());
    if replicas < usize::from(volume.dp_replica_num) && dp.has_host(addr) {
        return Err(fault::HAS_ONE_MISSING_REPLICA);
    }
    let live = live_hosts(scene, reports, dp);
    let others: Vec<&str> = live.iter().copied().filter(|host| *host != addr).collect();
    let refused = |why: String| {
        let (id, hosts) = (dp.partition_id, dp.hosts.join(" "));
        let text = format!(
            "action[canOffLine],partitionID:{id}  RocksDBHost:[{hosts}]  offLine:{addr}  err:{} {why}",
            fault::CANNOT_BE_OFF_LINE.msg
        );
        Err(Fault::internal(text))
    };
    let quorum = usize::from(dp.replica_num) / 2 + 1;
    if dp.replica_num >= 3 && others.len() < quorum {
        return refused(format!(" liveReplicas len:{} [[{}]] not satisify qurom {quorum} ", others.len(), others.join(" ")));
    }
    if live.is_empty() {
        return refused(format!(" replicaNum:{} liveReplicas is 0 ", dp.replica_num));
    }
    if retrying && dp.has_special_replica_num() {
        return Ok(());
    }
    let used = |host: &&str| reports.data_partition(dp.partition_id).and_then(|p| p.replica(host)).map(|r| r.used);
    let used: Vec<u64> = live.iter().filter_map(used).collect();
    let differ = used.iter().max().unwrap_or(&0) - used.iter().min().unwrap_or(&0) >= USED_SIZE_DIFFERENCE_MAX;
    if dp.is_recover && differ {
        let (vol, id) = (&dp.vol_name, dp.partition_id);
        return Err(Fault::internal(format!("vol[{vol}],data partition[{id}] is recovering,[{addr}] can't be decommissioned")));
    }
    Ok(())
}

/// May the partition get a replica on `addr` (§4.3)?
///
/// # Errors
/// The node is unknown, has other disks, or may still hold an earlier replica; the partition is not a normal one or has one too many.
pub fn may_gain(scene: &Scene<'_>, dp: &DataPartition, addr: &str) -> Result<(), Fault> {
    let (state, legacy) = (scene.state, scene.rules.legacy_media_type);
    let Some(node) = state.data_node_by_addr(addr) else {
        return Err(Fault::internal(format!("{addr} not found :: data node[{addr}] not found")));
    };
    let (theirs, ours) = (node.effective_media_type(legacy), dp.effective_media_type(legacy));
    if theirs != ours {
        let (theirs, ours) = (theirs.text(), ours.text());
        return Err(Fault::internal(format!("target datanode mediaType({theirs}) not match datapartition mediaType({ours})")));
    }
    let id = dp.partition_id;
    if dp.partition_type != 0 {
        return Err(Fault::internal(format!("action[addDataReplica] [{id}] is not normal dp, not support add or delete replica")));
    }
    if dp.has_host(addr) {
        return Ok(());
    }
    if dp.hosts.len() > usize::from(dp.replica_num) {
        let hosts = dp.hosts.join(" ");
        return Err(Fault::internal(format!("action[addDataReplica] [{id}] has hosts [{hosts}] already, one more than replicas wanted")));
    }
    if state.leftovers.contains_key(&(crate::model::PartitionKind::Data, id, addr.to_owned())) {
        return Err(Fault::internal(format!("action[addDataReplica] [{id}] an earlier replica on {addr} is still being deleted")));
    }
    Ok(())
}
