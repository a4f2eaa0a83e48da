//! The raft group of the masters (v3.5.3 http-cluster-volume.md §1.1, §1.2; http-general.md §11).

use crate::api::params::Params;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::ids::MasterId;
use crate::wire::reply::Fault;

/// `id` and `addr` of a master.
fn member(p: &Params) -> Result<(MasterId, &str), Fault> {
    let id = p.u64_raw("id")?;
    let addr = p.required("addr")?;
    if !addr.contains(':') {
        return Err(Fault::bad_key("addr"));
    }
    Ok((MasterId(id), addr))
}

/// `/raftNode/add`.
pub async fn add(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let (id, addr) = member(&p)?;
    let added = ctx.master.add_master(id, addr).await;
    added.map_err(|e| Fault::internal(format!("action[addRaftNode] error: {e}")))?;
    Ok(Reply::text(format!("add  raft node id :{id}, addr:{addr} successfully \n")))
}

/// `/raftNode/remove`.
pub async fn remove(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let (id, addr) = member(&p)?;
    let removed = ctx.master.remove_master(id).await;
    removed.map_err(|e| Fault::internal(format!("action[removeRaftNode] error: {e}")))?;
    Ok(Reply::text(format!("remove  raft node id :{id},adr:{addr} successfully\n")))
}

/// `/get/raftStatus`.
pub async fn status(ctx: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::ok(&ctx.master.raft_status()))
}
