//! Moves of replicas on a small model: what nodes hold and who is in the raft group is kept beside the records, and answers are lost, late
//! or refused at every step. The goal: whatever happens, no step takes off the last healthy replica, and the records end up saying what is so.

use super::data::{next, settle, take, Effect, Stamp, View};
use super::leftover::{self, Known};
use super::{allowed, Answer, Ask, Memory, Next, Settled, Turn};
use crate::ids::{NodeId, PartitionId, Term};
use crate::model::{DataPartition, Ending, Leftover, Move, PartitionKind, PartitionStatus, Phase, RestoreReplica, Task, Volume};
use crate::plan::world::{data_addr, data_heartbeat, data_report, World};
use crate::wire::peer::Peer;
use crate::wire::reply::Fault;
use crate::wire::report::DataPartitionReport;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// One partition on nodes of a small cluster, a move of it, and the truth.
struct Stage {
    world: World,
    volume: Volume,
    dp: DataPartition,
    mv: Option<Move>,
    memory: Memory,
    term: Term,
    /// Members of the raft group.
    members: BTreeSet<String>,
    /// Nodes that hold a replica.
    held: BTreeSet<String>,
    ending: Option<Ending>,
    /// Nodes that have to delete a replica, and what the leader knows of that.
    left: BTreeMap<String, (Leftover, Known)>,
    /// Requests that may be executed yet, with when they were sent.
    late: Vec<(Duration, Ask)>,
}

fn node(i: u64) -> String {
    data_addr(1, i)
}

impl Stage {
    /// A partition with this many replicas on the first of five nodes.
    fn new(replicas: u8) -> Self {
        let mut world = World::one_zone(5);
        let mut volume = world.volume(8);
        volume.dp_replica_num = replicas;
        world.put(volume.clone());
        let mut dp = world.data_partition(&volume, 7);
        dp.replicas = dp.hosts.iter().map(|host| crate::model::ReplicaDisk::new(host, "/disk1")).collect();
        let hosts: BTreeSet<String> = dp.hosts.iter().cloned().collect();
        let mut stage = Self {
            world,
            volume,
            dp,
            mv: None,
            memory: Memory::default(),
            term: Term(1),
            members: hosts.clone(),
            held: hosts,
            ending: None,
            left: BTreeMap::new(),
            late: Vec::new(),
        };
        stage.hear();
        stage
    }

    fn peer(&self, addr: &str) -> Peer {
        self.world.state.data_node_by_addr(addr).expect("a node of the world").peer()
    }

    /// Asks for a move.
    fn ask_for(mut self, task: Task, phase: Phase, from: &str, to: &str) -> Self {
        let asked = self.world.wall();
        let from_id = self.world.state.data_node_by_addr(from).map_or(NodeId(0), |node| node.id);
        let to = if to.is_empty() { Peer::default() } else { self.peer(to) };
        let base = Move { kind: PartitionKind::Data, partition: PartitionId(7), volume: self.volume.id, number: 1, ..Move::default() };
        self.mv = Some(Move { task, phase, from: from.into(), from_id, to, asked, since: asked, term: self.term, ..base });
        if task == Task::Add {
            self.dp.restore_replica = RestoreReplica::FORBIDDEN;
        }
        self.save();
        self
    }

    fn save(&mut self) {
        self.world.put(self.dp.clone());
    }

    /// The first member of the raft group that has a replica leads if there is a majority of such.
    fn leads(&self) -> Option<String> {
        let mut holders = self.members.iter().filter(|m| self.held.contains(*m));
        let majority = holders.clone().count() * 2 > self.members.len();
        holders.next().filter(|_| majority).cloned()
    }

    /// Every node reports what it holds.
    fn hear(&mut self) {
        let leads = self.leads();
        for i in 1..=5 {
            let addr = node(i);
            let parts: Vec<_> = match self.held.contains(&addr) {
                true => vec![self.report(2, leads.as_deref() == Some(&addr))],
                false => Vec::new(),
            };
            self.world.hear_data(&addr, data_heartbeat(1000, 0, &parts));
        }
    }

    /// What a replica reports.
    fn report(&self, status: i64, leads: bool) -> DataPartitionReport {
        let members: Vec<Peer> = self.members.iter().map(|addr| self.peer(addr)).collect();
        DataPartitionReport { partition_status: status, local_peers: members.into(), ..data_report(&self.dp, leads) }
    }

    fn with_view<T>(&self, look: impl FnOnce(&View<'_>) -> T) -> T {
        let mv = self.mv.as_ref().expect("a move is under way");
        let view =
            View { scene: self.world.scene(), reports: &self.world.reports, mv, dp: Some(&self.dp), memory: &self.memory, term: self.term };
        look(&view)
    }

    fn next(&self) -> Next {
        self.with_view(next)
    }

    /// What the nodes make of a request.
    fn execute(&mut self, ask: &Ask) {
        match ask {
            Ask::AddMember { peer, .. } => drop(self.members.insert(peer.addr.clone())),
            Ask::RemoveMember { peer, .. } => drop(self.members.remove(&peer.addr)),
            Ask::Create { on } | Ask::Restore { on, .. } => drop(self.held.insert(on.clone())),
            Ask::Delete { on, .. } => drop(self.held.remove(on)),
            Ask::Lead { .. } => {}
        }
    }

    fn turn(&mut self, turn: &Turn) -> Effect {
        let in_doubt = self.with_view(|view| view.in_doubt());
        let stamp = Stamp { secs: self.world.wall(), text: String::new(), term: self.term, in_doubt, wanted: self.volume.dp_replica_num };
        let mut mv = self.mv.take().expect("a move is under way");
        let effect = take(turn, &mut mv, Some(&mut self.dp), &stamp);
        if let Some(left) = &effect.left {
            self.left.insert(left.addr.clone(), (left.clone(), Known::new(self.world.now)));
            self.world.reports.data_partition_mut(PartitionId(7)).remove_replica(&left.addr);
        }
        if let Some(addr) = &effect.settled {
            self.left.remove(addr);
        }
        if let Turn::Created { disk } = turn {
            let (to, now) = (mv.to.addr.clone(), self.world.now);
            self.world.reports.assume_data_replica_created(PartitionId(7), &to, disk, now);
            let reported = self.world.reports.data_partition_mut(PartitionId(7));
            reported.replica_mut(&to).expect("just made").status = PartitionStatus::RECOVERING;
        }
        self.memory = Memory::default();
        match effect.ending {
            Some(ending) => self.ending = Some(ending),
            None => self.mv = Some(mv),
        }
        self.save();
        effect
    }

    /// Does the next step, with this answer if it is a request, which is executed when `executed` says so.
    fn step(&mut self, answer: Answer, executed: bool) -> Next {
        let next = self.next();
        match &next {
            Next::Wait(_) => {}
            Next::Begin => {
                let mv = self.mv.as_ref().expect("a move is under way");
                let free = (1..=5).map(node).find(|n| !self.dp.has_host(n) && *n != mv.from && !self.left.contains_key(n));
                // Where all others may still hold a replica, it waits.
                if let Some(free) = free {
                    let to = self.peer(&free);
                    self.turn(&Turn::Begin { to, repaired_from: Default::default() });
                }
            }
            Next::Turn(turn) => drop(self.turn(&turn.clone())),
            Next::Ask(ask) => {
                if executed {
                    self.execute(ask);
                } else if matches!(answer, Answer::Unknown(_)) {
                    self.late.push((self.world.now, ask.clone()));
                }
                self.memory.asked_at = Some(self.world.now);
                self.memory.asked += 1;
                match self.with_view(|view| settle(view, ask, answer)) {
                    Settled::Turn(turn) => drop(self.turn(&turn)),
                    Settled::Again(_) => self.memory.failed_at = Some(self.world.now),
                    Settled::InDoubt(_) => {
                        self.memory.failed_at = Some(self.world.now);
                        self.memory.in_doubt = true;
                    }
                }
            }
        }
        next
    }

    /// Lets everything go well until the move ends.
    fn finish(&mut self) {
        for _ in 0..400 {
            if self.mv.is_none() {
                return;
            }
            self.step(Answer::Done("/disk1".into()), true);
            self.world.pass(6);
            self.hear();
        }
        panic!("does not end: {:?} {:?}", self.mv, self.next());
    }

    fn new_leader(&mut self) {
        self.term = Term(self.term.0 + 1);
        self.memory = Memory::default();
        let now = self.world.now;
        self.left.values_mut().for_each(|(_, known)| *known = Known::new(now));
        self.world.new_leader();
    }

    /// A request whose answer was lost is executed now, unless that is too long ago.
    fn be_late(&mut self) {
        if let Some((_, ask)) = self.late.pop() {
            self.execute(&ask);
        }
    }

    fn pass(&mut self, secs: u64) {
        self.world.pass(secs);
        let now = self.world.now;
        self.late.retain(|(sent, _)| now.saturating_sub(*sent) < Duration::from_secs(30));
    }

    /// Does what leftovers need.
    fn clean(&mut self) {
        for (addr, (left, mut known)) in self.left.clone() {
            let expels = allowed::who_expels(&self.world.scene(), &self.world.reports, &self.dp);
            let now = leftover::Now {
                term: self.term,
                now: self.world.now,
                registered: true,
                down: false,
                is_host: self.dp.has_host(&addr),
                is_member: allowed::is_member(&self.world.scene(), &self.world.reports, &self.dp, &addr),
                can_expel: expels.is_some(),
            };
            match leftover::next(&left, &known, &now) {
                leftover::Step::Wait(_) => continue,
                leftover::Step::Settle => {
                    self.left.remove(&addr);
                    continue;
                }
                leftover::Step::Ask => {
                    self.held.remove(&addr);
                    known.confirmed = Some(self.world.now);
                }
                leftover::Step::Expel => {
                    let (_, force) = expels.expect("just asked");
                    if force || self.leads().is_some() {
                        self.members.remove(&addr);
                    }
                    known.failed_at = Some(self.world.now);
                }
            }
            self.left.insert(addr, (left, known));
        }
    }

    /// Members of the raft group with a replica that is as good as any.
    fn healthy(&self) -> usize {
        let repairs = |mv: &&Move| matches!(mv.phase, Phase::Joining | Phase::Creating | Phase::Repairing);
        let repairing = self.mv.as_ref().filter(repairs).map(|mv| mv.to.addr.clone());
        self.members.iter().filter(|member| self.held.contains(*member) && Some(*member) != repairing.as_ref()).count()
    }

    fn assert_safe(&self, replicas: u8) {
        let least = usize::from(replicas).saturating_sub(1).max(1);
        assert!(self.healthy() >= least, "{} healthy of {replicas}: {:?} {:?} {:?}", self.healthy(), self.members, self.held, self.mv);
        let known = |addr: &String| self.dp.has_host(addr) || self.left.contains_key(addr);
        assert!(self.held.iter().all(known), "nobody knows of a replica: {:?} on {:?} {:?}", self.held, self.dp.hosts, self.left);
        assert_eq!(self.hosts().len(), self.dp.hosts.len());
        let peers: BTreeSet<String> = self.dp.peers.iter().map(|peer| peer.addr.clone()).collect();
        assert_eq!(peers, self.hosts());
        assert!(self.left.keys().all(|addr| !self.dp.has_host(addr)), "a host is about to be told to delete its replica");
        for (_, late) in &self.late {
            let Ask::Delete { on, .. } = late else { continue };
            assert!(self.left.contains_key(on), "{on} may become a host again while a request to delete its replica is under way");
        }
    }

    /// Nothing goes wrong any more, until all is at rest.
    fn rest(&mut self, replicas: u8) {
        for _ in 0..3_000 {
            self.pass(6);
            self.hear();
            self.clean();
            if self.mv.is_some() {
                self.step(done(), true);
            }
            self.assert_safe(replicas);
            if self.mv.is_none() && self.left.is_empty() {
                break;
            }
        }
        assert_eq!(self.mv, None);
        assert_eq!((&self.members, &self.held), (&self.hosts(), &self.hosts()), "what nodes hold and what the records say");
    }

    fn hosts(&self) -> BTreeSet<String> {
        self.dp.hosts.iter().cloned().collect()
    }
}

fn no() -> Answer {
    Answer::No(Fault::internal("refused"))
}

fn unknown() -> Answer {
    Answer::Unknown(Fault::internal("lost"))
}

fn done() -> Answer {
    Answer::Done("/disk1".into())
}

fn nodes(list: &[u64]) -> BTreeSet<String> {
    list.iter().map(|i| node(*i)).collect()
}

#[test]
fn a_replica_is_added_in_the_order_of_v3_5_3() {
    let mut stage = Stage::new(3).ask_for(Task::Add, Phase::Joining, "", &node(4));
    assert!(matches!(stage.step(done(), true), Next::Ask(Ask::AddMember { via, .. }) if via == [node(1)]));
    assert_eq!((stage.hosts(), stage.held.len()), (nodes(&[1, 2, 3, 4]), 3), "a host before it holds a replica");
    assert!(matches!(stage.step(done(), true), Next::Ask(Ask::Create { on }) if on == node(4)));
    assert!(stage.dp.is_recover && stage.dp.decommission_dst_addr == node(4));
    stage.finish();
    assert_eq!((stage.ending, stage.dp.restore_replica), (Some(Ending::Done), RestoreReplica::STOP));
    assert_eq!((stage.members.clone(), stage.held.clone(), stage.left.len()), (stage.hosts(), stage.hosts(), 0));
}

#[test]
fn a_replica_is_restored_from_its_backup_or_nothing_is_left_of_the_attempt() {
    for (answer, done) in [(done(), true), (no(), false), (unknown(), false)] {
        let mut stage = Stage::new(3).ask_for(Task::Add, Phase::Joining, "", &node(4));
        stage.mv.as_mut().expect("just asked for").backup_disk = "/disk2".into();
        stage.step(Answer::Done(String::new()), true);
        assert_eq!(stage.next(), Next::Ask(Ask::Restore { on: node(4), disk: "/disk2".into() }));
        stage.step(answer, done);
        stage.rest(3);
        assert_eq!(stage.dp.restore_replica, RestoreReplica::STOP);
        let ending = if done { Ending::Done } else { Ending::Failed };
        assert_eq!(
            (stage.ending, stage.dp.hosts.len(), stage.dp.disk_on(&node(4))),
            (Some(ending), 3 + usize::from(done), done.then_some("/disk2"))
        );
    }
}

#[test]
fn a_refused_member_leaves_everything_as_it_was() {
    let mut stage = Stage::new(3).ask_for(Task::Add, Phase::Joining, "", &node(4));
    stage.step(no(), false);
    assert_eq!((stage.ending, stage.hosts(), stage.left.len()), (Some(Ending::Failed), nodes(&[1, 2, 3]), 0));
}

#[test]
fn a_lost_answer_to_a_new_member_is_taken_back_and_the_node_stays_out_for_a_while() {
    for executed in [true, false] {
        let mut stage = Stage::new(3).ask_for(Task::Add, Phase::Joining, "", &node(4));
        stage.step(unknown(), executed);
        stage.finish();
        assert_eq!((stage.ending, stage.hosts(), stage.members.clone()), (Some(Ending::Failed), nodes(&[1, 2, 3]), nodes(&[1, 2, 3])));
        assert_eq!(stage.left.keys().cloned().collect::<BTreeSet<_>>(), nodes(&[4]));
    }
}

#[test]
fn a_replica_that_could_not_be_created_takes_its_member_along() {
    let mut stage = Stage::new(3).ask_for(Task::Add, Phase::Joining, "", &node(4));
    stage.step(done(), true);
    stage.step(no(), false);
    assert!(matches!(stage.step(no(), false), Next::Ask(Ask::RemoveMember { peer, .. }) if peer.addr == node(4)));
    assert_eq!(stage.hosts(), nodes(&[1, 2, 3, 4]), "a host until the raft group has given it up");
    stage.world.pass(3);
    stage.finish();
    assert_eq!((stage.hosts(), stage.members.clone()), (nodes(&[1, 2, 3]), nodes(&[1, 2, 3])));
    assert_eq!(stage.dp.peers.len(), 3);
}

#[test]
fn a_wall_clock_that_jumps_does_not_let_a_late_packet_make_an_orphan() {
    let mut stage = Stage::new(3).ask_for(Task::Add, Phase::Joining, "", &node(4));
    stage.step(done(), true);
    stage.step(unknown(), false);
    stage.step(done(), true);
    assert_eq!((stage.ending, stage.left.len()), (Some(Ending::Failed), 1));
    stage.clean();
    stage.world.wall_ahead = 700;
    stage.clean();
    stage.clean();
    stage.be_late();
    assert!(stage.held.contains(&node(4)), "its replica was created after all");
    stage.assert_safe(3);
    stage.rest(3);
}

#[test]
fn a_refused_deletion_leaves_everything_as_it_was() {
    let mut stage = Stage::new(3).ask_for(Task::Remove, Phase::Leaving, &node(2), "");
    stage.step(no(), false);
    assert_eq!((stage.ending, stage.hosts(), stage.dp.offline_peer_id), (Some(Ending::Failed), nodes(&[1, 2, 3]), 0));
}

#[test]
fn a_deletion_in_doubt_goes_on_after_a_change_of_leader() {
    for executed in [true, false] {
        let mut stage = Stage::new(3).ask_for(Task::Remove, Phase::Leaving, &node(2), "");
        stage.step(unknown(), executed);
        assert!(stage.mv.is_some());
        stage.new_leader();
        assert!(matches!(stage.next(), Next::Wait(_)), "it has heard nobody");
        stage.hear();
        stage.step(no(), false);
        assert!(stage.mv.is_some(), "a refusal does not tell whether the first request was executed");
        stage.world.pass(3);
        stage.hear();
        stage.finish();
        assert_eq!((stage.ending, stage.hosts()), (Some(Ending::Done), nodes(&[1, 3])));
        assert!(!stage.held.contains(&node(2)));
        assert_eq!(stage.members, stage.hosts());
    }
}

#[test]
fn the_last_healthy_replica_stays() {
    for bad in [-1, 0] {
        let mut stage = Stage::new(3).ask_for(Task::Remove, Phase::Leaving, &node(1), "");
        for i in [2, 3] {
            let report = stage.report(bad, false);
            stage.world.hear_data(&node(i), data_heartbeat(1000, 0, &[report]));
        }
        let next = stage.step(done(), true);
        assert!(matches!(next, Next::Turn(Turn::Finish { ending: Ending::Failed, .. })), "{next:?}");
        assert_eq!(stage.hosts(), nodes(&[1, 2, 3]));
    }
}

#[test]
fn a_decommission_of_three_replicas_takes_off_first_and_of_one_adds_first() {
    let mut three = Stage::new(3).ask_for(Task::Replace, Phase::Waiting, &node(2), "");
    three.world.pass(6);
    three.hear();
    three.step(done(), true);
    assert!(matches!(three.step(done(), true), Next::Ask(Ask::RemoveMember { peer, .. }) if peer.addr == node(2)));
    three.finish();
    assert_eq!((three.ending, three.hosts()), (Some(Ending::Done), nodes(&[1, 3, 4])));

    let mut one = Stage::new(1).ask_for(Task::Relay, Phase::Waiting, &node(1), "");
    one.world.pass(6);
    one.hear();
    one.step(done(), true);
    assert!(matches!(one.step(done(), true), Next::Ask(Ask::AddMember { .. })));
    one.finish();
    assert_eq!((one.ending, one.hosts()), (Some(Ending::Done), nodes(&[2])));
    assert_eq!(one.members, nodes(&[2]));
}

#[test]
fn a_cancelled_relay_of_the_only_replica_leaves_no_member_without_one() {
    let mut stage = Stage::new(1).ask_for(Task::Relay, Phase::Waiting, &node(1), "");
    stage.pass(5);
    stage.hear();
    stage.step(done(), true);
    stage.step(unknown(), false);
    stage.step(done(), true);
    stage.be_late();
    assert_eq!((stage.members.len(), stage.held.len(), stage.leads()), (2, 1, None));
    happen(&mut stage, &Event::Cancel);
    stage.rest(1);
}

#[test]
fn a_lost_deletion_keeps_its_node_out_until_it_is_over() {
    let mut stage = Stage::new(3).ask_for(Task::Remove, Phase::Leaving, &node(2), "");
    stage.step(done(), true);
    stage.step(unknown(), false);
    assert_eq!(stage.ending, Some(Ending::Done));
    for _ in 0..3 {
        stage.clean();
        stage.assert_safe(2);
    }
    stage.rest(2);
}

/// What happens between steps.
#[derive(Clone, Debug)]
enum Event {
    Step {
        answer: u8,
        executed: bool,
    },
    Late,
    NewLeader,
    Hear,
    Pass(u64),
    /// The wall clock jumps.
    Jump(i64),
    Clean,
    Cancel,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        8 => (0u8..3, any::<bool>()).prop_map(|(answer, executed)| Event::Step { answer, executed }),
        1 => Just(Event::Late),
        1 => Just(Event::NewLeader),
        5 => Just(Event::Hear),
        3 => (1u64..40).prop_map(Event::Pass),
        1 => Just(Event::Pass(400)),
        1 => (-2_000i64..2_000).prop_map(Event::Jump),
        1 => Just(Event::Clean),
        1 => Just(Event::Cancel),
    ];
    prop::collection::vec(event, 0..120)
}

fn happen(stage: &mut Stage, event: &Event) {
    match event {
        Event::Step { answer, executed } if stage.mv.is_some() => {
            let (answer, executed) = match answer {
                0 => (done(), true),
                1 => (no(), false),
                _ => (unknown(), *executed),
            };
            drop(stage.step(answer, executed));
        }
        Event::Step { .. } => {}
        Event::Late => stage.be_late(),
        Event::NewLeader => stage.new_leader(),
        Event::Hear => stage.hear(),
        Event::Pass(secs) => stage.pass(*secs),
        Event::Jump(secs) => stage.world.wall_ahead += secs,
        Event::Clean => stage.clean(),
        Event::Cancel => {
            if let Some(mv) = &mut stage.mv {
                mv.cancelled = true;
            }
        }
    }
}

proptest! {
    /// Whatever is answered, lost, late, cancelled, and whoever leads: no step leaves fewer healthy replicas than one less than before, every
    /// replica on a node is known, and in the end hosts, members and replicas are the same nodes. Where nothing was cancelled and nothing
    /// failed for good there are as many as wanted.
    #[test]
    fn whatever_happens_a_decommission_loses_nothing(replicas in prop_oneof![Just(1u8), Just(2), Just(3)], events in events()) {
        let task = if replicas == 3 { Task::Replace } else { Task::Relay };
        let mut stage = Stage::new(replicas).ask_for(task, Phase::Waiting, &node(1), "");
        let mut cancelled = false;
        for event in &events {
            happen(&mut stage, event);
            cancelled |= matches!(event, Event::Cancel);
            stage.assert_safe(replicas);
        }
        stage.rest(replicas);
        if !cancelled {
            prop_assert_eq!(stage.dp.hosts.len(), usize::from(replicas), "{:?}", stage.ending);
        }
    }

    /// The same for adding and deleting a replica on request.
    #[test]
    fn whatever_happens_a_request_for_a_replica_loses_nothing(add in any::<bool>(), restore in any::<bool>(), events in events()) {
        let mut stage = match add {
            true => Stage::new(3).ask_for(Task::Add, Phase::Joining, "", &node(4)),
            false => Stage::new(3).ask_for(Task::Remove, Phase::Leaving, &node(1), ""),
        };
        if let Some(mv) = stage.mv.as_mut().filter(|_| add && restore) {
            mv.backup_disk = "/disk2".into();
        }
        for event in &events {
            happen(&mut stage, event);
            stage.assert_safe(3);
        }
        stage.rest(3);
        let wanted = match (add, stage.ending) {
            (true, Some(Ending::Done)) => 4,
            (false, Some(Ending::Done)) => 2,
            _ => 3,
        };
        // An addition that failed in its repair stays, as in v3.5.3, unless it was given up.
        prop_assert_eq!(stage.dp.hosts.len(), wanted, "{:?}", stage.ending);
    }
}
