//! How a disk that holds nothing of a group gets into one.
//!
//! A master that lost its disk has forgotten whom it voted for and what it acknowledged. If it voted again, two leaders could be
//! elected in one term. So an empty disk never just starts. It asks every configured master who it is:
//!
//! * **Known**: a member answers that this very disk is in the group. Whatever this disk promised, it still holds: it joins, and the
//!   leader sends it a snapshot.
//! * **Found**: every other configured master answered that it has never taken part in a group, and names the same masters. Exactly
//!   one of them founds the group: the one whose state was applied furthest (an imported store), of these the one with the lowest
//!   id. It writes down the founding members with their incarnations, and the others then find themselves known. What a fresh disk
//!   answers cannot change, so no two found one.
//! * Otherwise it **waits**: for masters that do not answer, or to be removed and added again when it is known with another disk.

use super::hello::{ask, Identity};
use super::message::{HelloReply, Standing};
use super::{Member, Membership, Options};
use crate::env::{Env, Mono};
use crate::ids::MasterId;
use crate::limits;
use futures::future::join_all;
use std::collections::BTreeMap;

/// What an empty disk does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Join,
    Found(Membership),
    Wait(Reason),
}

/// Why an empty disk waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// These masters have not answered.
    Silent(Vec<MasterId>),
    /// Another one will found the group, or is about to know this disk.
    Soon,
    /// This master is known with another disk.
    OtherDisk,
    /// There is a group, and this master is not in it.
    Stranger,
    /// This master's configuration and that of another do not name the same masters.
    OtherPeers(MasterId),
    /// Another master answers at the address of this one.
    WrongMaster(MasterId),
    /// This disk, or another, was in a group once, and nobody knows the group.
    Lost(MasterId),
}

impl Reason {
    /// What an operator can do about it; `None` where time helps.
    fn complaint(&self) -> Option<String> {
        Some(match self {
            Reason::Soon => return None,
            Reason::Silent(silent) => {
                let silent: Vec<String> = silent.iter().map(ToString::to_string).collect();
                format!("waiting for the masters {} to answer on their replica port", silent.join(", "))
            }
            Reason::OtherDisk => "the group knows this master with another disk: its directories were emptied or replaced. It may have \
                forgotten its votes and stays out. Remove it with /raftNode/remove, then add it again with /raftNode/add"
                .into(),
            Reason::Stranger => "there is a group and this master is not in it. Add it with /raftNode/add".into(),
            Reason::OtherPeers(id) => format!("master {id} has other peers in its configuration file than this one"),
            Reason::WrongMaster(id) => format!("another master answers at the address of master {id}"),
            Reason::Lost(id) => format!(
                "the disk of master {id} was in a group that no configured master knows: bring back their directories, or empty walDir \
                 on all masters to found a new group"
            ),
        })
    }
}

/// The decision of a master by what the others answered. `applied` is `None` when its disk was in a group once.
pub fn decide(identity: &Identity, applied: Option<u64>, options: &Options, replies: &BTreeMap<MasterId, HelloReply>) -> Decision {
    let standing = |wanted: Standing| replies.values().any(|reply| reply.standing() == wanted);
    if standing(Standing::Known) {
        return Decision::Join;
    }
    if standing(Standing::OtherDisk) {
        return Decision::Wait(Reason::OtherDisk);
    }
    if standing(Standing::Unbound) {
        return Decision::Wait(Reason::Soon);
    }
    if standing(Standing::Stranger) {
        return Decision::Wait(Reason::Stranger);
    }
    for (id, reply) in replies {
        if reply.id != id.0 {
            return Decision::Wait(Reason::WrongMaster(*id));
        }
        if !reply.same_peers {
            return Decision::Wait(Reason::OtherPeers(*id));
        }
    }
    let others = || options.peers.keys().filter(|id| **id != options.id);
    let silent: Vec<MasterId> = others().filter(|id| !replies.contains_key(id)).copied().collect();
    if !silent.is_empty() {
        return Decision::Wait(Reason::Silent(silent));
    }
    let Some(applied) = applied else { return Decision::Wait(Reason::Lost(options.id)) };
    if let Some((id, _)) = replies.iter().find(|(_, reply)| reply.standing() != Standing::Fresh) {
        return Decision::Wait(Reason::Lost(*id));
    }
    let before_me = |(id, reply): (&MasterId, &HelloReply)| reply.applied > applied || (reply.applied == applied && *id < options.id);
    if replies.iter().any(before_me) {
        return Decision::Wait(Reason::Soon);
    }
    let incarnation = |id: &MasterId| replies.get(id).map_or(identity.incarnation, |reply| reply.incarnation);
    let member =
        |(id, addr): (&MasterId, &String)| (*id, Member { addr: addr.clone(), incarnation: Some(incarnation(id)), learner: false });
    Decision::Found(Membership { group: identity.incarnation, members: options.peers.iter().map(member).collect() })
}

/// Asks until this master may join a group or found one. Says in the log what it waits for.
pub async fn wait_for_group(env: &Env, identity: &Identity, applied: Option<u64>, options: &Options) -> Option<Membership> {
    let mut complaints = Complaints::default();
    loop {
        let ask_one = |(id, addr): (&MasterId, &String)| {
            let (id, addr) = (*id, addr.clone());
            async move { ask(env, identity, &addr, options.replica_port).await.ok().map(|reply| (id, reply)) }
        };
        let others = options.peers.iter().filter(|(id, _)| **id != options.id);
        let replies = join_all(others.map(ask_one)).await.into_iter().flatten().collect();
        match decide(identity, applied, options, &replies) {
            Decision::Join => return None,
            Decision::Found(membership) => return Some(membership),
            Decision::Wait(reason) => complaints.report(env.now(), &reason),
        }
        env.sleep(limits::HELLO_INTERVAL).await;
    }
}

/// A reason is said when it is new, and again every [`limits::COMPLAINT_INTERVAL`].
#[derive(Default)]
struct Complaints {
    last: Option<(Reason, Mono)>,
}

impl Complaints {
    fn report(&mut self, now: Mono, reason: &Reason) {
        if matches!(&self.last, Some((said, at)) if said == reason && now.since(*at) < limits::COMPLAINT_INTERVAL) {
            return;
        }
        self.last = Some((reason.clone(), now));
        match reason.complaint() {
            // Others may just be starting too: it becomes an error when it stays so.
            Some(complaint) if matches!(reason, Reason::Silent(_)) => tracing::warn!("{complaint}"),
            Some(complaint) => tracing::error!("{complaint}"),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::hello::Own;
    use super::*;
    use std::time::Duration;

    fn options(id: u64) -> Options {
        Options {
            id: MasterId(id),
            peers: (1..=3).map(|id| (MasterId(id), format!("10.0.0.{id}:17010"))).collect(),
            bind: None,
            replica_port: 5902,
            tick: Duration::from_millis(500),
            election_ticks: 5,
            retain_logs: 20_000,
        }
    }

    fn fresh(id: u64, applied: u64) -> HelloReply {
        HelloReply { id, incarnation: 100 + id, same_peers: true, standing: Standing::Fresh as i32, applied, group: None }
    }

    fn with(id: u64, standing: Standing) -> HelloReply {
        HelloReply { standing: standing as i32, ..fresh(id, 0) }
    }

    fn decided(id: u64, applied: Option<u64>, replies: &[HelloReply]) -> Decision {
        let options = options(id);
        let identity = Identity::new(&options, 100 + id, Own::Waiting);
        decide(&identity, applied, &options, &replies.iter().map(|reply| (MasterId(reply.id), reply.clone())).collect())
    }

    #[test]
    fn of_fresh_masters_the_lowest_id_founds_and_the_others_wait() {
        let Decision::Found(membership) = decided(1, Some(0), &[fresh(2, 0), fresh(3, 0)]) else { panic!("it founds") };
        assert_eq!(membership.group, 101);
        assert!((1..=3).all(|id| membership.knows(MasterId(id), 100 + id)));
        assert_eq!(decided(2, Some(0), &[fresh(1, 0), fresh(3, 0)]), Decision::Wait(Reason::Soon));
        assert_eq!(decided(3, Some(0), &[fresh(1, 0), fresh(2, 0)]), Decision::Wait(Reason::Soon));
    }

    #[test]
    fn the_master_with_the_imported_store_founds() {
        assert!(matches!(decided(3, Some(178), &[fresh(1, 0), fresh(2, 100)]), Decision::Found(_)));
        assert_eq!(decided(1, Some(0), &[fresh(2, 100), fresh(3, 178)]), Decision::Wait(Reason::Soon));
    }

    #[test]
    fn one_silent_master_keeps_the_group_from_being_founded() {
        assert_eq!(decided(1, Some(0), &[fresh(2, 0)]), Decision::Wait(Reason::Silent(vec![MasterId(3)])));
    }

    #[test]
    fn an_emptied_master_stays_out_until_somebody_knows_its_new_disk() {
        assert_eq!(decided(1, Some(0), &[with(2, Standing::OtherDisk), fresh(3, 0)]), Decision::Wait(Reason::OtherDisk));
        assert_eq!(decided(1, Some(0), &[with(2, Standing::OtherDisk), with(3, Standing::Known)]), Decision::Join);
        assert_eq!(decided(1, Some(0), &[with(2, Standing::Stranger)]), Decision::Wait(Reason::Stranger));
        assert_eq!(decided(1, Some(0), &[with(2, Standing::Unbound)]), Decision::Wait(Reason::Soon));
    }

    #[test]
    fn a_disk_that_was_in_a_group_never_founds_one() {
        assert_eq!(decided(1, None, &[fresh(2, 0), fresh(3, 0)]), Decision::Wait(Reason::Lost(MasterId(1))));
        assert_eq!(decided(1, Some(0), &[fresh(2, 0), with(3, Standing::Waiting)]), Decision::Wait(Reason::Lost(MasterId(3))));
    }

    #[test]
    fn masters_that_do_not_agree_on_who_they_are_do_not_start() {
        let other_peers = HelloReply { same_peers: false, ..fresh(2, 0) };
        assert_eq!(decided(1, Some(0), &[other_peers, fresh(3, 0)]), Decision::Wait(Reason::OtherPeers(MasterId(2))));
        let options = options(1);
        let identity = Identity::new(&options, 101, Own::Waiting);
        let swapped = BTreeMap::from([(MasterId(2), fresh(3, 0)), (MasterId(3), fresh(2, 0))]);
        assert_eq!(decide(&identity, Some(0), &options, &swapped), Decision::Wait(Reason::WrongMaster(MasterId(2))));
    }

    #[test]
    fn the_same_complaint_is_not_repeated_within_a_minute() {
        let mut complaints = Complaints::default();
        complaints.report(Mono(Duration::ZERO), &Reason::OtherDisk);
        complaints.report(Mono(Duration::from_secs(59)), &Reason::OtherDisk);
        assert_eq!(complaints.last, Some((Reason::OtherDisk, Mono(Duration::ZERO))));
        complaints.report(Mono(Duration::from_secs(60)), &Reason::OtherDisk);
        assert_eq!(complaints.last, Some((Reason::OtherDisk, Mono(Duration::from_secs(60)))));
    }
}
