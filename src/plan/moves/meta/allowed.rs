//! What a meta partition may lose or gain (v3.5.3 http-partitions-nodes.md §7.4 to §7.6).

use crate::model::{MetaPartition, PartitionKind};
use crate::plan::life::Life;
use crate::plan::meta_partition::{leader, life, live_hosts};
use crate::plan::reports::Reports;
use crate::plan::scene::Scene;
use crate::wire::reply::{fault, Fault};
use std::collections::BTreeSet;

/// A partition that lost a replica loses no other one before this, seconds (§7.5).
const BETWEEN_DELETIONS_SECS: i64 = 300;
/// Replicas whose largest inodes differ by less have the same contents (v3.5.3 background-tasks.md §9.2).
pub(super) const INODE_DIFFERENCE_MAX: u64 = 1_000;

/// The leader is so young that silence of a host means nothing.
pub fn has_unheard_hosts(scene: &Scene<'_>, reports: &Reports, mp: &MetaPartition) -> bool {
    mp.hosts.iter().any(|host| life(scene, reports, mp, host) == Life::Unknown)
}

/// Does the leader of the raft group report `addr` as a member?
pub fn is_member(scene: &Scene<'_>, reports: &Reports, mp: &MetaPartition, addr: &str) -> bool {
    let leader = leader(scene, reports, mp);
    let replica = leader.and_then(|leader| reports.meta_partition(mp.partition_id)?.replica(&leader));
    let members = replica.and_then(|replica| replica.local_peers.list(&mp.peers));
    members.is_some_and(|members| members.iter().any(|peer| peer.addr == addr))
}

/// Has the raft group a majority of live replicas when `addr` goes? Asked again before every request that takes a replica off.
///
/// # Errors
/// It has not.
pub fn somebody_is_left(scene: &Scene<'_>, reports: &Reports, mp: &MetaPartition, addr: &str) -> Result<(), Fault> {
    let rest = mp.hosts.iter().filter(|host| *host != addr).count();
    let live = live_hosts(scene, reports, mp).into_iter().filter(|host| *host != addr).count();
    match live * 2 > rest {
        true => Ok(()),
        false => Err(Fault::internal(format!("meta partition {} has {live} live replicas of {rest} without {addr}", mp.partition_id))),
    }
}

/// Has the raft group a majority of live replicas while `to` is a member that has no replica yet? Without it a node that then fails to create
/// its replica could not be given up again. `from` has left.
///
/// # Errors
/// It has not.
pub fn may_join(scene: &Scene<'_>, reports: &Reports, mp: &MetaPartition, from: &str, to: &str) -> Result<(), Fault> {
    let leader = leader(scene, reports, mp).and_then(|leader| reports.meta_partition(mp.partition_id)?.replica(&leader));
    let reported = leader.and_then(|replica| replica.local_peers.list(&mp.peers)).unwrap_or_default();
    let mut members: BTreeSet<&str> = reported.iter().chain(&mp.peers).map(|peer| peer.addr.as_str()).collect();
    if !mp.has_host(from) {
        members.remove(from);
    }
    members.insert(to);
    let live = live_hosts(scene, reports, mp).len();
    match live * 2 > members.len() {
        true => Ok(()),
        false => {
            let (id, count) = (mp.partition_id, members.len());
            Err(Fault::internal(format!("meta partition {id} has {live} live replicas, too few for {count} members with {to}")))
        }
    }
}

/// May the partition lose its replica on `addr` (§7.5 no. 2)? `force`: even if one is missing already or it is recovering.
///
/// # Errors
/// The volume is gone; too few live replicas would be left; a replica is missing already; it is recovering.
pub fn may_lose(scene: &Scene<'_>, reports: &Reports, mp: &MetaPartition, addr: &str, force: bool) -> Result<(), Fault> {
    let volume = scene.state.volumes.get(&mp.vol_id).ok_or(fault::VOL_NOT_EXISTS)?;
    let live = live_hosts(scene, reports, mp);
    if live.len() < usize::from(mp.replica_num) / 2 + 1 {
        return Err(fault::NO_ENOUGH_REPLICA);
    }
    let wanted = usize::from(volume.replica_num);
    if live.len() == wanted / 2 + 1 && live.contains(&addr) {
        return Err(Fault::internal(format!("live replicas num will be less than majority after offline nodeAddr: {addr}")));
    }
    if force {
        return Ok(());
    }
    if mp.hosts.len() < wanted && mp.has_host(addr) {
        return Err(fault::HAS_ONE_MISSING_REPLICA);
    }
    let largest = |host: &&str| reports.meta_partition(mp.partition_id)?.replica(host).map(|replica| replica.max_inode_id);
    let largest: Vec<u64> = live.iter().filter_map(largest).collect();
    let differ = largest.iter().max().unwrap_or(&0) - largest.iter().min().unwrap_or(&0) >= INODE_DIFFERENCE_MAX;
    if mp.is_recover && differ {
        let (vol, id) = (&mp.vol_name, mp.partition_id);
        return Err(Fault::internal(format!("vol[{vol}],meta partition[{id}] is recovering,[{addr}] can't be decommissioned")));
    }
    Ok(())
}

/// Are the replicas of a recovering partition all there and alike (v3.5.3 background-tasks.md §9.2)?
pub fn has_recovered(scene: &Scene<'_>, reports: &Reports, mp: &MetaPartition) -> bool {
    let replica = |host: &String| reports.meta_partition(mp.partition_id)?.replica(host).filter(|replica| !replica.assumed);
    let live = live_hosts(scene, reports, mp).len();
    let largest: Vec<u64> = mp.hosts.iter().filter_map(replica).map(|replica| replica.max_inode_id).collect();
    let alike = largest.iter().max().unwrap_or(&0) - largest.iter().min().unwrap_or(&0) < INODE_DIFFERENCE_MAX;
    live >= usize::from(mp.replica_num) && largest.len() == mp.hosts.len() && alike
}

/// Is it long enough since the partition lost a replica (§7.5 no. 1)? By the wall clock, since the record says when.
///
/// # Errors
/// It is not.
pub fn is_time(mp: &MetaPartition, wall_secs: i64) -> Result<(), Fault> {
    let last = mp.last_del_replica_time;
    match last.saturating_add(BETWEEN_DELETIONS_SECS) >= wall_secs {
        true => Err(Fault::internal(format!(
            "deleteMetaReplica: the interval between deleting or decommission mp replica should over 5 minute. last {last}"
        ))),
        false => Ok(()),
    }
}

/// May the partition get a replica on `addr` (§7.4)?
///
/// # Errors
/// The node is unknown or may still hold an earlier replica; the partition has one too many.
pub fn may_gain(scene: &Scene<'_>, mp: &MetaPartition, addr: &str) -> Result<(), Fault> {
    if scene.state.meta_node_by_addr(addr).is_none() {
        return Err(unknown(addr));
    }
    let (vol, id) = (&mp.vol_name, mp.partition_id);
    if mp.hosts.len() > usize::from(mp.replica_num) {
        let hosts = mp.hosts.join(" ");
        return Err(Fault::internal(format!("vol[{vol}],mp[{id}] hosts[[{hosts}]] already, one more than replicas wanted")));
    }
    if scene.state.leftovers.contains_key(&(PartitionKind::Meta, id, addr.to_owned())) {
        return Err(Fault::internal(format!("vol[{vol}],mp[{id}] an earlier replica on {addr} is still being deleted")));
    }
    Ok(())
}

/// v3.5.3's text about a meta node that it does not know.
pub fn unknown(addr: &str) -> Fault {
    Fault::internal(format!("{addr} not found :: meta node[{addr}] not found"))
}
