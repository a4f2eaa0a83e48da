//! What a data partition may lose or gain (v3.5.3 http-partitions-nodes.md §4.3, §4.5, §5.4).

use crate::model::{DataPartition, PartitionStatus};
use crate::plan::data_partition::{leader, life, live_hosts};
use crate::plan::life::Life;
use crate::plan::liveness::Liveness;
use crate::plan::reports::Reports;
use crate::plan::scene::Scene;
use crate::wire::peer::Peer;
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

/// The members of the raft group as the replica on `host` reported them. `None`: it reported none, or before the record changed.
fn members<'a>(reports: &'a Reports, dp: &'a DataPartition, host: &str) -> Option<&'a [Peer]> {
    reports.data_partition(dp.partition_id)?.replica(host)?.local_peers.list(&dp.peers)
}

/// Is `addr` a member of the raft group? Its leader's report says; where nobody leads, that of any live host: of two members of which one has
/// a replica none leads. `None`: nobody who could know was heard.
pub fn is_member(scene: &Scene<'_>, reports: &Reports, dp: &DataPartition, addr: &str) -> Option<bool> {
    let names = |host: &str| members(reports, dp, host).map(|members| members.iter().any(|peer| peer.addr == addr));
    match leader(scene, reports, dp) {
        Some(leader) => names(&leader),
        None => live_hosts(scene, reports, dp).into_iter().filter_map(names).reduce(|one, other| one || other),
    }
}

/// Who can be asked that the raft group gives up a member which is no host, and whether by force: its leader, who needs none. Where nobody leads
/// because of members without a replica, so that the live hosts are most of the hosts and not most of the members, each of them by force
/// (v3.5.3 admin-tasks.md §7.4). Where too many hosts are down nobody can: when they are back, somebody leads.
pub fn who_expels(scene: &Scene<'_>, reports: &Reports, dp: &DataPartition) -> Option<(Vec<String>, bool)> {
    if let Some(leader) = leader(scene, reports, dp) {
        return Some((vec![leader.to_string()], false));
    }
    if has_unheard_hosts(scene, reports, dp) {
        return None;
    }
    let live = live_hosts(scene, reports, dp);
    let members = live.iter().filter_map(|host| members(reports, dp, host)).map(<[Peer]>::len).max()?;
    let stuck = live.len() * 2 > dp.hosts.len() && live.len() * 2 <= members;
    stuck.then(|| (live.into_iter().map(str::to_owned).collect(), true))
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
