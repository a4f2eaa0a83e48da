//! The raft group of the masters (v3.5.3 http-cluster-volume.md §1.1, §1.2; http-general.md §11).

use crate::api::params::Params;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::ids::{MasterId, NodeId};
use crate::raft::{Progress, State};
use crate::wire::gojson::GoTime;
use crate::wire::reply::Fault;
use crate::wire::report::{RaftStatus, ReplicaStatus};

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
    let status = ctx.master.raft().status();
    let replica = |progress: &Progress| ReplicaStatus {
        r#match: progress.matched.0,
        commit: progress.commit.0,
        next: progress.next.0,
        state: if progress.snapshot { "ReplicaStateSnapshot" } else { "ReplicaStateReplicate" }.to_owned(),
        snapshoting: progress.snapshot,
        active: progress.active,
        last_active: GoTime::from_unix_nanos(ctx.master.env.wall().0),
        ..Default::default()
    };
    let leads = status.role.leads();
    let members = status.members.iter().filter_map(|(id, m)| {
        let mut shown = m.progress.as_ref().map(replica)?;
        if *id == status.id {
            // v3.5.3 shows the leader's own place as one that it probes.
            "ReplicaStateProbe".clone_into(&mut shown.state);
        }
        Some((id.0, shown))
    });
    Ok(Reply::ok(&RaftStatus {
        id: 1,
        node_id: NodeId(status.id.0),
        leader: status.role.leader.map_or(0, |id| id.0),
        term: status.role.term.0,
        index: status.last.0,
        commit: status.commit.0,
        applied: status.applied.0,
        vote: if leads { status.id.0 } else { 0 },
        state: match status.role.state {
            State::Leader => "StateLeader",
            State::Candidate => "StateCandidate",
            State::Follower | State::Learner | State::Out => "StateFollower",
        }
        .to_owned(),
        replicas: leads.then(|| members.collect()),
        ..Default::default()
    }))
}
