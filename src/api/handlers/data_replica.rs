//! Replicas of data partitions: adding, restoring and deleting one (v3.5.3 http-partitions-nodes.md §4).

use super::{data_node, look};
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::ids::PartitionId;
use crate::master::moves::Deletion;
use crate::plan::placement::refuse_same_machine;
use crate::view::decommission_text::decommission_text;
use crate::wire::reply::{fault, Fault};

/// `/dataReplica/add`.
pub async fn add(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let id = p.u64_raw("id")?;
    let addr = ctx.addr(&p).await?;
    let state = ctx.master.state();
    data_node::known(&state, &addr)?;
    let dp = state.data_partitions.get(&PartitionId(id)).ok_or(fault::DATA_PARTITION_NOT_EXISTS)?;
    if !ctx.master.config.allow_multiple_replicas_on_same_machine && !dp.has_host(&addr) {
        let hosts: Vec<String> = dp.hosts.iter().cloned().chain([addr.clone()]).collect();
        refuse_same_machine(&hosts)?;
    }
    ctx.master.add_data_replica(ctx.route.path, PartitionId(id), &addr).await?;
    Ok(Reply::text(format!("data partitionID :{id}  add replica [{addr}] successfully")))
}

/// `/dataPartition/recoverBackupDataReplica` (§4.4). v3.5.3 says that there are enough replicas and goes on all the same; a request that is
/// answered with an error changes nothing here.
pub async fn restore(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let id = p.u64_raw("id")?;
    let addr = ctx.addr(&p).await?;
    let state = ctx.master.state();
    let dp = state.data_partitions.get(&PartitionId(id)).ok_or(fault::DATA_PARTITION_NOT_EXISTS)?;
    if state.data_node_by_addr(&addr).is_none() {
        return Err(Fault::internal(format!("{addr} not found :: data node[{addr}] not found")));
    }
    let refused = |why: &str| Err(Fault::internal(format!("action[recoverBackupDataReplica] [{id}] {why}")));
    if dp.partition_type != 0 {
        return refused("is not normal dp, not support add or delete replica");
    }
    if dp.replicas.len() == usize::from(dp.replica_num) {
        return refused(&format!("already have {} replicas", dp.replicas.len()));
    }
    let disk = ctx.master.restore_data_replica(ctx.route.path, PartitionId(id), &addr).await?;
    let info = look(&ctx, |sight| sight.state.data_partitions.get(&PartitionId(id)).map(|dp| decommission_text(sight, dp)));
    let info = info.unwrap_or_default();
    Ok(Reply::text(format!("action[recoverBackupDataReplica] dp({info})  recover replica [{addr}_{disk}] successfully")))
}

/// `/dataReplica/delete`.
pub async fn delete(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let id = p.u64_raw("id")?;
    let addr = ctx.addr(&p).await?;
    if !ctx.master.state().data_partitions.contains_key(&PartitionId(id)) {
        return Err(fault::DATA_PARTITION_NOT_EXISTS);
    }
    let raft_force = p.raft_force()?;
    let force = p.bool_val_or("force", false)?;
    ctx.master.delete_data_replica(ctx.route.path, PartitionId(id), &addr, Deletion { raft_force, force }).await?;
    Ok(Reply::text(format!("data partitionID :{id}  delete replica [{addr}] successfully")))
}
