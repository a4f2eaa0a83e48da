//! Who is in the group, under which disk, and how that changes. Pure: every master that applies the same changes in the same
//! order has the same membership.

use crate::ids::MasterId;
use prost::Message as _;
use raft::eraftpb::{ConfChangeSingle, ConfChangeType, ConfChangeV2, ConfState};
use std::collections::BTreeMap;

/// Members of a group at most: more voters only slow it down.
pub const MEMBERS_MAX: usize = 31;
/// Length of an address, bytes.
const ADDR_BYTES_MAX: usize = 256;

/// One master of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// HTTP address "ip:port".
    pub addr: String,
    /// The disk it has promised with; `None` until it was heard after it was added.
    pub incarnation: Option<u64>,
    /// It receives the log but does not vote: it was added and has not caught up yet.
    pub learner: bool,
}

/// The group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// Which group: the incarnation of the disk that founded it. A master of another group is never let in.
    pub group: u64,
    pub members: BTreeMap<MasterId, Member>,
}

/// A change of the group, one member at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Adds a master as a learner; the leader makes it a voter when it has caught up.
    Add { id: MasterId, addr: String, incarnation: Option<u64> },
    /// Removes a master.
    Remove { id: MasterId },
    /// Ties a member that was added while it could not be reached to its disk. Only the first one counts.
    Bind { id: MasterId, incarnation: u64 },
    /// Makes a learner a voter.
    Promote { id: MasterId },
}

/// Why the membership does not allow a change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MembershipError {
    #[error("master {0} is already a member")]
    AlreadyMember(MasterId),
    #[error("address {0} already belongs to a member")]
    AddressTaken(String),
    #[error("master {0} is not a member")]
    NotMember(MasterId),
    #[error("master {0} is the last voter")]
    LastVoter(MasterId),
    #[error("master {0} already votes")]
    AlreadyVoter(MasterId),
    #[error("master {0} is already tied to a disk, or not yet")]
    Binding(MasterId),
    #[error("address {0} is not of the form ip:port")]
    BadAddress(String),
    #[error("master id 0 cannot be used")]
    ZeroId,
    #[error("a group has at most {MEMBERS_MAX} members")]
    TooMany,
    #[error("address {addr} belongs to master {id}")]
    OtherMaster { addr: String, id: MasterId },
    #[error("master {0} belongs to another group: empty its directories first")]
    OtherGroup(MasterId),
}

impl Membership {
    /// The membership after `change`, or why it cannot be.
    pub fn after(&self, change: &Change) -> Result<Membership, MembershipError> {
        let mut next = self.clone();
        match change {
            Change::Add { id, addr, incarnation } => {
                self.may_add(*id, addr)?;
                let member = Member { addr: addr.clone(), incarnation: *incarnation, learner: true };
                next.members.insert(*id, member);
            }
            Change::Remove { id } => {
                let gone = next.members.remove(id).ok_or(MembershipError::NotMember(*id))?;
                if !gone.learner && next.voters().next().is_none() {
                    return Err(MembershipError::LastVoter(*id));
                }
            }
            Change::Bind { id, incarnation } => {
                let member = next.members.get_mut(id).ok_or(MembershipError::NotMember(*id))?;
                if member.incarnation.is_some() {
                    return Err(MembershipError::Binding(*id));
                }
                member.incarnation = Some(*incarnation);
            }
            Change::Promote { id } => {
                let member = next.members.get_mut(id).ok_or(MembershipError::NotMember(*id))?;
                if member.incarnation.is_none() {
                    return Err(MembershipError::Binding(*id));
                }
                if !std::mem::replace(&mut member.learner, false) {
                    return Err(MembershipError::AlreadyVoter(*id));
                }
            }
        }
        Ok(next)
    }

    fn may_add(&self, id: MasterId, addr: &str) -> Result<(), MembershipError> {
        if id.0 == 0 {
            return Err(MembershipError::ZeroId);
        }
        let port = addr.rsplit_once(':').filter(|(host, _)| !host.is_empty()).and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none() || addr.len() > ADDR_BYTES_MAX {
            return Err(MembershipError::BadAddress(addr.chars().take(ADDR_BYTES_MAX).collect()));
        }
        if self.members.contains_key(&id) {
            return Err(MembershipError::AlreadyMember(id));
        }
        if self.members.values().any(|member| member.addr == addr) {
            return Err(MembershipError::AddressTaken(addr.into()));
        }
        if self.members.len() >= MEMBERS_MAX {
            return Err(MembershipError::TooMany);
        }
        Ok(())
    }

    /// The voters, in order of their ids.
    pub fn voters(&self) -> impl Iterator<Item = MasterId> + '_ {
        self.members.iter().filter(|(_, member)| !member.learner).map(|(id, _)| *id)
    }

    /// `id` is a member and has promised with this disk.
    pub fn knows(&self, id: MasterId, incarnation: u64) -> bool {
        self.members.get(&id).is_some_and(|member| member.incarnation == Some(incarnation))
    }

    /// The same in the library's form.
    pub(super) fn conf_state(&self) -> ConfState {
        let mut state = ConfState::default();
        for (id, member) in &self.members {
            if member.learner { &mut state.learners } else { &mut state.voters }.push(id.0);
        }
        state
    }

    /// Bytes to store beside the applied index.
    pub fn encode(&self) -> Vec<u8> {
        let members = self.members.iter().map(|(id, member)| MemberRecord {
            id: id.0,
            addr: member.addr.clone(),
            incarnation: member.incarnation,
            learner: member.learner,
        });
        MembershipRecord { group: self.group, members: members.collect() }.encode_to_vec()
    }

    /// The inverse of [`Membership::encode`].
    pub fn decode(bytes: &[u8]) -> Result<Membership, prost::DecodeError> {
        let record = MembershipRecord::decode(bytes)?;
        let members = record
            .members
            .into_iter()
            .map(|member| (MasterId(member.id), Member { addr: member.addr, incarnation: member.incarnation, learner: member.learner }));
        Ok(Membership { group: record.group, members: members.collect() })
    }
}

impl Change {
    /// The library's part of the change; `None` where voters and learners stay as they are.
    pub(super) fn conf_change(&self) -> Option<ConfChangeV2> {
        let (kind, id) = match self {
            Change::Add { id, .. } => (ConfChangeType::AddLearnerNode, id),
            Change::Remove { id } => (ConfChangeType::RemoveNode, id),
            Change::Promote { id } => (ConfChangeType::AddNode, id),
            Change::Bind { .. } => return None,
        };
        let single = ConfChangeSingle { change_type: kind as i32, node_id: id.0 };
        Some(ConfChangeV2 { changes: vec![single], ..Default::default() })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let record = match self {
            Change::Add { id, addr, incarnation } => {
                change_record::Kind::Add(MemberRecord { id: id.0, addr: addr.clone(), incarnation: *incarnation, learner: true })
            }
            Change::Remove { id } => change_record::Kind::Remove(id.0),
            Change::Bind { id, incarnation } => change_record::Kind::Bind(BindRecord { id: id.0, incarnation: *incarnation }),
            Change::Promote { id } => change_record::Kind::Promote(id.0),
        };
        ChangeRecord { kind: Some(record) }.encode_to_vec()
    }

    /// The inverse of `encode`; `None` for bytes that are no change of this version.
    pub(super) fn decode(bytes: &[u8]) -> Option<Change> {
        Some(match ChangeRecord::decode(bytes).ok()?.kind? {
            change_record::Kind::Add(member) => Change::Add { id: MasterId(member.id), addr: member.addr, incarnation: member.incarnation },
            change_record::Kind::Remove(id) => Change::Remove { id: MasterId(id) },
            change_record::Kind::Bind(bind) => Change::Bind { id: MasterId(bind.id), incarnation: bind.incarnation },
            change_record::Kind::Promote(id) => Change::Promote { id: MasterId(id) },
        })
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct MembershipRecord {
    #[prost(message, repeated, tag = "1")]
    members: Vec<MemberRecord>,
    #[prost(fixed64, tag = "2")]
    group: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct MemberRecord {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(string, tag = "2")]
    addr: String,
    #[prost(fixed64, optional, tag = "3")]
    incarnation: Option<u64>,
    #[prost(bool, tag = "4")]
    learner: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct BindRecord {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(fixed64, tag = "2")]
    incarnation: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ChangeRecord {
    #[prost(oneof = "change_record::Kind", tags = "1, 2, 3, 4")]
    kind: Option<change_record::Kind>,
}

mod change_record {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Kind {
        #[prost(message, tag = "1")]
        Add(super::MemberRecord),
        #[prost(uint64, tag = "2")]
        Remove(u64),
        #[prost(message, tag = "3")]
        Bind(super::BindRecord),
        #[prost(uint64, tag = "4")]
        Promote(u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: MasterId = MasterId(1);
    const FOUR: MasterId = MasterId(4);

    fn group(ids: &[u64]) -> Membership {
        let member = |id: &u64| (MasterId(*id), Member { addr: format!("10.0.0.{id}:17010"), incarnation: Some(*id), learner: false });
        Membership { group: 77, members: ids.iter().map(member).collect() }
    }

    fn add(id: MasterId, incarnation: Option<u64>) -> Change {
        Change::Add { id, addr: format!("10.0.0.{id}:17010"), incarnation }
    }

    #[test]
    fn an_added_master_learns_before_it_votes() {
        let joined = group(&[1, 2, 3]).after(&add(FOUR, Some(9))).unwrap();
        assert_eq!(joined.voters().collect::<Vec<_>>(), [1, 2, 3].map(MasterId));
        assert_eq!(joined.conf_state().learners, [4]);
        let promoted = joined.after(&Change::Promote { id: FOUR }).unwrap();
        assert_eq!(promoted.conf_state().voters, [1, 2, 3, 4]);
        assert_eq!(promoted.after(&Change::Promote { id: FOUR }), Err(MembershipError::AlreadyVoter(FOUR)));
    }

    #[test]
    fn a_master_is_tied_to_one_disk_only() {
        let joined = group(&[1]).after(&add(FOUR, None)).unwrap();
        assert_eq!(joined.after(&Change::Promote { id: FOUR }), Err(MembershipError::Binding(FOUR)));
        let bound = joined.after(&Change::Bind { id: FOUR, incarnation: 7 }).unwrap();
        assert!(bound.knows(FOUR, 7) && !bound.knows(FOUR, 8));
        assert_eq!(bound.after(&Change::Bind { id: FOUR, incarnation: 8 }), Err(MembershipError::Binding(FOUR)));
    }

    #[test]
    fn the_last_voter_stays_even_beside_a_learner() {
        let with_learner = group(&[1]).after(&add(FOUR, None)).unwrap();
        assert_eq!(with_learner.after(&Change::Remove { id: ONE }), Err(MembershipError::LastVoter(ONE)));
        assert_eq!(with_learner.after(&Change::Remove { id: FOUR }).unwrap(), group(&[1]));
    }

    #[test]
    fn what_cannot_be_added_is_refused() {
        let bad = |addr: &str| group(&[1]).after(&Change::Add { id: FOUR, addr: addr.into(), incarnation: None });
        assert_eq!(bad("10.0.0.1:17010"), Err(MembershipError::AddressTaken("10.0.0.1:17010".into())));
        for addr in ["", "host", ":80", "host:", "host:x", "host:70000"] {
            assert_eq!(bad(addr), Err(MembershipError::BadAddress(addr.into())));
        }
        assert_eq!(group(&[1]).after(&add(ONE, None)), Err(MembershipError::AlreadyMember(ONE)));
        assert_eq!(group(&[1]).after(&add(MasterId(0), None)), Err(MembershipError::ZeroId));
    }

    #[test]
    fn records_read_back() {
        let group = group(&[1, 2]).after(&add(FOUR, None)).unwrap();
        assert_eq!(Membership::decode(&group.encode()).unwrap(), group);
        let changes =
            [add(FOUR, Some(0)), Change::Remove { id: ONE }, Change::Bind { id: ONE, incarnation: 0 }, Change::Promote { id: FOUR }];
        for change in changes {
            assert_eq!(Change::decode(&change.encode()), Some(change));
        }
        assert_eq!(Change::decode(b""), None);
        assert_eq!(Change::decode(b"\xff"), None);
    }
}
