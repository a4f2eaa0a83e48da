//! The raft group as v3.5.3 shows it (http-types.md: RaftStatus).

use super::Master;
use crate::ids::{MasterId, NodeId};
use crate::raft::{MemberStatus, Progress, State};
use crate::wire::gojson::GoTime;
use crate::wire::report::{RaftStatus, ReplicaStatus};

impl Master {
    /// Addresses of the other masters that this one, as the leader, has not heard within an election time-out.
    pub fn silent_masters(&self) -> Vec<String> {
        let status = self.raft().status();
        let silent = |id: &MasterId, m: &MemberStatus| *id != status.id && m.progress.is_some_and(|progress| !progress.active);
        status.members.iter().filter(|(id, m)| silent(id, m)).map(|(_, m)| m.member.addr.clone()).collect()
    }

    /// Reply of `/get/raftStatus`. Only the leader knows of the replicas.
    pub fn raft_status(&self) -> RaftStatus {
        let status = self.raft().status();
        let replica = |progress: &Progress| ReplicaStatus {
            r#match: progress.matched.0,
            commit: progress.commit.0,
            next: progress.next.0,
            state: if progress.snapshot { "ReplicaStateSnapshot" } else { "ReplicaStateReplicate" }.to_owned(),
            snapshoting: progress.snapshot,
            active: progress.active,
            last_active: GoTime::from_unix_nanos(self.env.wall().0),
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
        RaftStatus {
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
        }
    }
}
