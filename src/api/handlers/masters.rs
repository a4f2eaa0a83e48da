//! What one master does by itself, leader or not (v3.5.3 http-general.md §11).

use crate::api::follower_views;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::master::leadership::Leadership;
use crate::wire::reply::Fault;

/// `/master/changeleader`: the answering master tries to become leader.
pub async fn change_leader(ctx: Ctx) -> Result<Reply, Fault> {
    if matches!(ctx.master.leadership(), Leadership::Follower { .. }) {
        ctx.master.raft().campaign();
    }
    Ok(Reply::text(" changeMasterLeader. command success send to dest host but need check. "))
}

/// `/master/opFollowerPartitionRead`: a switch without effect, as in v3.5.3.
pub async fn check_follower_reads(ctx: Ctx) -> Result<Reply, Fault> {
    let check = ctx.form()?.enable()?;
    Ok(Reply::text(format!(" OpFollowerPartitionsRead. set needCheck {check} command success. ")))
}

/// `/dataPartitions/set`: a leader of v3.5.3 gives a follower its view of a volume. That of an unknown volume is not kept, so that no
/// caller fills the memory with names of its own.
pub async fn set_data_partitions(ctx: Ctx) -> Result<Reply, Fault> {
    let params = ctx.params();
    let name = params.name()?;
    ctx.form()?;
    if matches!(ctx.master.leadership(), Leadership::Leader { .. }) {
        return Err(Fault::param("current node isn't raft leader,it cann't be grant dps info"));
    }
    match ctx.master.state().volume_by_name(name) {
        Some(_) => ctx.service.views.keep(name, &ctx.body, ctx.master.env.now())?,
        None => _ = follower_views::received(&ctx.body)?,
    }
    Ok(Reply::text("success"))
}
