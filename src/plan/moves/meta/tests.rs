//! Moves of replicas of meta partitions on a small model, as those of data partitions have them (`moves/tests.rs`): what nodes hold and who
//! is in the raft group is kept beside the records, and answers are lost, late, refused or not recorded at every step. The goal: whatever
//! happens, the raft group keeps a majority of replicas, no node is asked twice to create one, and the records end up saying what is so.

use super::{allowed, next, settle, take, View};
use crate::ids::{NodeId, PartitionId, Term};
use crate::model::{Ending, Leftover, MetaPartition, Move, PartitionKind, Phase, Task};
use crate::plan::moves::data::{Effect, Stamp};
use crate::plan::moves::leftover::{self, Known};
use crate::plan::moves::{Answer, Ask, Memory, Next, Settled, Turn};
use crate::plan::world::{meta_addr, meta_heartbeat, meta_report, World};
use crate::wire::peer::Peer;
use crate::wire::reply::Fault;
use crate::wire::report::MetaPartitionReport;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const ID: PartitionId = PartitionId(7);

/// One partition on nodes of a small cluster, a move of it, and the truth.
struct Stage {
    world: World,
    mp: MetaPartition,
    mv: Option<Move>,
    memory: Memory,
    term: Term,
    /// Members of the raft group.
    members: BTreeSet<String>,
    /// Nodes that hold a replica.
    held: BTreeSet<String>,
    /// Those of them that have not caught up.
    fresh: BTreeSet<String>,
    /// A node was asked to create what it had.
    twice: bool,
    ending: Option<Ending>,
    /// Nodes that have to delete a replica, and what the leader knows of that.
    left: BTreeMap<String, (Leftover, Known)>,
    /// Requests that may be executed yet, with when they were sent.
    late: Vec<(Duration, Ask)>,
}

fn node(i: u64) -> String {
    meta_addr(1, i)
}

fn nodes(list: &[u64]) -> BTreeSet<String> {
    list.iter().map(|i| node(*i)).collect()
}

fn no() -> Answer {
    Answer::No(Fault::internal("refused"))
}

fn unknown() -> Answer {
    Answer::Unknown(Fault::internal("lost"))
}

fn done() -> Answer {
    Answer::Done(String::new())
}

impl Stage {
    /// A partition with three replicas on the first of six nodes.
    fn new() -> Self {
        let mut world = World::one_zone(6);
        let volume = world.volume(8);
        let mp = world.meta_partition(&volume, ID.0, 0, 100_000);
        let hosts: BTreeSet<String> = mp.hosts.iter().cloned().collect();
        let mut stage = Self {
            world,
            mp,
            mv: None,
            memory: Memory::default(),
            term: Term(1),
            members: hosts.clone(),
            held: hosts,
            fresh: BTreeSet::new(),
            twice: false,
            ending: None,
            left: BTreeMap::new(),
            late: Vec::new(),
        };
        stage.hear();
        stage
    }

    fn peer(&self, addr: &str) -> Peer {
        self.world.state.meta_node_by_addr(addr).expect("a node of the world").peer()
    }

    /// Asks for a move.
    fn ask_for(mut self, task: Task, phase: Phase, from: &str, to: &str) -> Self {
        let asked = self.world.wall();
        let from_id = self.world.state.meta_node_by_addr(from).map_or(NodeId(0), |node| node.id);
        let to = if to.is_empty() { Peer::default() } else { self.peer(to) };
        let base = Move { kind: PartitionKind::Meta, partition: ID, volume: self.mp.vol_id, number: 1, ..Move::default() };
        self.mv = Some(Move { task, phase, from: from.into(), from_id, to, asked, since: asked, term: self.term, ..base });
        self.mp.offline_peer_id = from_id.0;
        self.save();
        self
    }

    fn replace(from: u64, to: u64) -> Self {
        Self::new().ask_for(Task::Replace, Phase::Leaving, &node(from), &node(to))
    }

    fn save(&mut self) {
        self.world.put(self.mp.clone());
    }

    /// Every node reports what it holds; the first member of the raft group that has a replica leads if there is a majority.
    fn hear(&mut self) {
        self.hear_but(&BTreeSet::new());
    }

    fn hear_but(&mut self, down: &BTreeSet<String>) {
        let up: Vec<String> = self.members.iter().filter(|m| self.held.contains(*m) && !down.contains(*m)).cloned().collect();
        let leader = (up.len() * 2 > self.members.len()).then(|| up.iter().find(|m| !self.fresh.contains(*m)).cloned()).flatten();
        let members: Vec<Peer> = self.members.iter().map(|addr| self.peer(addr)).collect();
        for addr in (1..=6).map(node).filter(|addr| !down.contains(addr)) {
            let inode = if self.fresh.contains(&addr) { 0 } else { 50_000 };
            let report = MetaPartitionReport {
                local_peers: members.clone().into(),
                ..meta_report(&self.mp, leader.as_deref() == Some(&addr), inode)
            };
            let reports = if self.held.contains(&addr) { vec![report] } else { Vec::new() };
            self.world.hear_meta(&addr, meta_heartbeat(64, 1, &reports));
        }
        self.fresh.clear();
    }

    fn with_view<T>(&self, look: impl FnOnce(&View<'_>) -> T) -> T {
        let mv = self.mv.as_ref().expect("a move is under way");
        let view =
            View { scene: self.world.scene(), reports: &self.world.reports, mv, mp: Some(&self.mp), memory: &self.memory, term: self.term };
        look(&view)
    }

    fn next(&mut self) -> Next {
        self.memory.since.get_or_insert(self.world.now);
        self.with_view(next)
    }

    /// What the nodes make of a request.
    fn execute(&mut self, ask: &Ask) {
        match ask {
            Ask::AddMember { peer, .. } => drop(self.members.insert(peer.addr.clone())),
            Ask::RemoveMember { peer, .. } => drop(self.members.remove(&peer.addr)),
            Ask::Create { on } => {
                self.twice |= !self.held.insert(on.clone());
                self.fresh.insert(on.clone());
            }
            Ask::Delete { on, .. } => drop(self.held.remove(on)),
            Ask::Lead { .. } | Ask::Restore { .. } => {}
        }
    }

    fn turn(&mut self, turn: &Turn) -> Effect {
        let in_doubt = self.with_view(|view| view.in_doubt());
        let stamp = Stamp { secs: self.world.wall(), text: String::new(), term: self.term, in_doubt, wanted: 3 };
        let mut mv = self.mv.take().expect("a move is under way");
        let before = self.mp.peers.clone();
        let effect = take(turn, &mut mv, Some(&mut self.mp), &stamp);
        let (to, now) = (mv.to.addr.clone(), self.world.now);
        let reported = self.world.reports.meta_partition_mut(ID);
        reported.replicas.iter_mut().for_each(|replica| replica.local_peers.pin(&before));
        if let Some(left) = &effect.left {
            reported.remove_replica(&left.addr);
            self.left.insert(left.addr.clone(), (left.clone(), Known::new(self.world.now)));
        }
        if let Some(addr) = &effect.settled {
            self.left.remove(addr);
        }
        if matches!(turn, Turn::Created { .. }) && self.world.reports.meta_partition_mut(ID).replica(&to).is_none() {
            self.world.reports.assume_meta_replica_created(ID, &to, 0, 100_000, now);
        }
        self.memory = Memory::default();
        match effect.ending {
            Some(ending) => self.ending = Some(ending),
            None => self.mv = Some(mv),
        }
        self.save();
        effect
    }

    /// Does the next step, with this answer if it is a request, which is executed when `executed` says so. `recorded`: what follows from
    /// the answer is committed.
    fn step(&mut self, answer: Answer, executed: bool, recorded: bool) -> Next {
        let next = self.next();
        match &next {
            Next::Wait(_) => {}
            Next::Begin => {
                let mv = self.mv.as_ref().expect("a move is under way");
                let free = (1..=6).map(node).find(|n| !self.mp.has_host(n) && *n != mv.from && !self.left.contains_key(n));
                match free {
                    Some(free) => drop(self.turn(&Turn::Begin { to: self.peer(&free), repaired_from: Default::default() })),
                    None => drop(self.turn(&Turn::Later { why: Fault::internal("no node") })),
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
                    Settled::Turn(turn) if recorded => drop(self.turn(&turn)),
                    Settled::Turn(_) => self.memory.in_doubt = true,
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

    fn well(&mut self) -> Next {
        self.step(done(), true, true)
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
            let now = leftover::Now {
                term: self.term,
                now: self.world.now,
                registered: true,
                down: false,
                is_host: self.mp.has_host(&addr),
                is_member: Some(allowed::is_member(&self.world.scene(), &self.world.reports, &self.mp, &addr)),
                can_expel: true,
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
                    self.members.remove(&addr);
                    known.failed_at = Some(self.world.now);
                }
            }
            self.left.insert(addr, (left, known));
        }
    }

    fn hosts(&self) -> BTreeSet<String> {
        self.mp.hosts.iter().cloned().collect()
    }

    fn assert_safe(&self) {
        assert!(!self.twice, "a node was asked to create what it has: {:?}", self.mv);
        let to = self.mv.as_ref().map(|mv| mv.to.addr.clone()).unwrap_or_default();
        let holding = |member: &&String| self.held.contains(*member);
        let old = self.members.iter().filter(|member| **member != to).filter(holding).count();
        assert!(old >= 2, "{old} old replicas: {:?} {:?} {:?}", self.members, self.held, self.mv);
        let majority = self.members.iter().filter(holding).count() * 2 > self.members.len();
        assert!(majority, "no majority: {:?} hold {:?} {:?}", self.members, self.held, self.mv);
        let known = |addr: &String| self.mp.has_host(addr) || self.left.contains_key(addr);
        assert!(self.held.iter().all(known), "nobody knows of a replica: {:?} on {:?} {:?}", self.held, self.mp.hosts, self.left);
        assert_eq!(self.hosts().len(), self.mp.hosts.len());
        let peers: BTreeSet<String> = self.mp.peers.iter().map(|peer| peer.addr.clone()).collect();
        assert_eq!(peers, self.hosts());
        assert!(self.left.keys().all(|addr| !self.mp.has_host(addr)), "a host is about to be told to delete its replica");
    }

    /// Nothing goes wrong any more, until all is at rest.
    fn rest(&mut self) {
        for _ in 0..3_000 {
            self.pass(6);
            self.hear();
            self.clean();
            if self.mv.is_some() {
                self.well();
            }
            self.assert_safe();
            if self.mv.is_none() && self.left.is_empty() {
                break;
            }
        }
        assert_eq!(self.mv, None);
        assert_eq!((&self.members, &self.held), (&self.hosts(), &self.hosts()), "what nodes hold and what the records say");
    }
}

#[test]
fn the_old_replica_leaves_before_the_new_one_joins_as_in_v3_5_3() {
    let mut stage = Stage::replace(2, 4);
    assert!(matches!(stage.well(), Next::Ask(Ask::RemoveMember { via, peer, .. }) if via == [node(1)] && peer.addr == node(2)));
    assert_eq!((stage.hosts(), stage.mp.offline_peer_id), (nodes(&[1, 3]), 0));
    assert_eq!(stage.mp.last_del_replica_time, stage.world.wall());
    assert!(matches!(stage.well(), Next::Ask(Ask::AddMember { via, .. }) if via == [node(1), node(3)]), "the leader first");
    assert_eq!((stage.hosts(), stage.held.len()), (nodes(&[1, 3, 4]), 3), "a host before it holds a replica");
    assert!(matches!(stage.well(), Next::Ask(Ask::Create { on }) if on == node(4)));
    assert!(stage.mp.is_recover);
    assert!(matches!(stage.well(), Next::Wait(_)), "it has not reported");
    stage.rest();
    assert_eq!((stage.ending, stage.hosts(), stage.mp.is_recover), (Some(Ending::Done), nodes(&[1, 3, 4]), false));
}

#[test]
fn a_replica_that_leads_is_followed_by_another_leader_before_anybody_joins() {
    let mut stage = Stage::replace(1, 4);
    stage.well();
    assert!(matches!(stage.well(), Next::Ask(Ask::Lead { on }) if on == node(2)));
    stage.rest();
    assert_eq!((stage.ending, stage.hosts()), (Some(Ending::Done), nodes(&[2, 3, 4])));
}

#[test]
fn a_refusal_before_anything_was_taken_off_is_the_end() {
    for stage in [Stage::replace(2, 4), Stage::new().ask_for(Task::Remove, Phase::Leaving, &node(2), "")] {
        let mut stage = stage;
        stage.step(no(), false, true);
        assert_eq!((stage.ending, stage.hosts(), stage.mp.offline_peer_id), (Some(Ending::Failed), nodes(&[1, 2, 3]), 0));
    }
    let mut stage = Stage::new().ask_for(Task::Add, Phase::Joining, "", &node(4));
    stage.step(no(), false, true);
    assert_eq!((stage.ending, stage.hosts(), stage.left.len()), (Some(Ending::Failed), nodes(&[1, 2, 3]), 0));
}

#[test]
fn once_the_old_replica_is_off_another_node_takes_it_in_the_end() {
    let mut stage = Stage::replace(2, 4);
    stage.well();
    stage.well();
    stage.step(no(), false, true);
    assert_eq!(stage.mv.as_ref().map(|mv| mv.phase), Some(Phase::Retracting), "the node does not create its replica");
    stage.rest();
    assert_eq!((stage.ending, stage.mp.hosts.len()), (Some(Ending::Done), 3));
}

#[test]
fn a_lost_creation_is_never_repeated_on_the_node() {
    for executed in [true, false] {
        let mut stage = Stage::replace(2, 4);
        stage.well();
        stage.well();
        stage.step(unknown(), executed, true);
        stage.be_late();
        stage.rest();
        assert_eq!((stage.ending, stage.hosts()), (Some(Ending::Done), nodes(&[1, 3, 5])));
    }
}

#[test]
fn the_next_leader_learns_from_a_report_that_a_replica_was_created() {
    for executed in [true, false] {
        let mut stage = Stage::replace(2, 4);
        stage.well();
        stage.well();
        if executed {
            stage.execute(&Ask::Create { on: node(4) });
        }
        stage.new_leader();
        assert!(matches!(stage.next(), Next::Wait(_)), "whether it was asked is not known");
        stage.rest();
        let last = if executed { 4 } else { 5 };
        assert_eq!((stage.ending, stage.hosts()), (Some(Ending::Done), nodes(&[1, 3, last])));
    }
}

#[test]
fn the_majority_stays() {
    for task in [Task::Replace, Task::Remove] {
        let mut stage = Stage::new().ask_for(task, Phase::Leaving, &node(1), &node(4));
        for _ in 0..5 {
            stage.pass(20);
            stage.hear_but(&nodes(&[2]));
        }
        let next = stage.well();
        assert!(matches!(next, Next::Turn(Turn::Finish { ending: Ending::Failed, .. })), "{next:?}");
        assert_eq!(stage.hosts(), nodes(&[1, 2, 3]));
    }
    let mut stage = Stage::new().ask_for(Task::Replace, Phase::Leaving, &node(2), &node(4));
    for _ in 0..5 {
        stage.pass(20);
        stage.hear_but(&nodes(&[2]));
    }
    stage.well();
    assert_eq!(stage.hosts(), nodes(&[1, 3]), "the one that is down may go");
}

#[test]
fn a_fourth_replica_needs_a_majority_without_it() {
    let mut stage = Stage::new().ask_for(Task::Add, Phase::Joining, "", &node(4));
    for _ in 0..5 {
        stage.pass(20);
        stage.hear_but(&nodes(&[2]));
    }
    let next = stage.well();
    assert!(matches!(next, Next::Turn(Turn::Finish { ending: Ending::Failed, .. })), "two of four would be no majority: {next:?}");
}

#[test]
fn checks_of_a_request_are_those_of_v3_5_3() {
    let stage = Stage::new();
    let (scene, reports, mp) = (stage.world.scene(), &stage.world.reports, &stage.mp);
    assert_eq!(allowed::may_lose(&scene, reports, mp, &node(1), false), Ok(()));
    assert_eq!(allowed::is_time(mp, stage.world.wall()), Ok(()));
    let recent = MetaPartition { last_del_replica_time: stage.world.wall() - 300, ..mp.clone() };
    assert!(allowed::is_time(&recent, stage.world.wall()).is_err());
    assert!(allowed::is_time(&recent, stage.world.wall() + 1).is_ok());
    let two = MetaPartition { hosts: mp.hosts[..2].to_vec(), peers: mp.peers[..2].to_vec(), ..mp.clone() };
    let why = allowed::may_lose(&scene, reports, &two, &node(1), true).expect_err("two are the majority");
    assert_eq!(why.msg, format!("live replicas num will be less than majority after offline nodeAddr: {}", node(1)));
    assert!(allowed::may_gain(&scene, mp, "10.9.9.9:1").is_err());
}

/// What happens between steps.
#[derive(Clone, Debug)]
enum Event {
    Step { answer: u8, executed: bool },
    Late,
    NewLeader,
    Hear,
    Pass(u64),
    Clean,
    Cancel,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        8 => (0u8..4, any::<bool>()).prop_map(|(answer, executed)| Event::Step { answer, executed }),
        1 => Just(Event::Late),
        1 => Just(Event::NewLeader),
        5 => Just(Event::Hear),
        3 => (1u64..40).prop_map(Event::Pass),
        1 => Just(Event::Pass(400)),
        1 => Just(Event::Clean),
        1 => Just(Event::Cancel),
    ];
    prop::collection::vec(event, 0..120)
}

fn happen(stage: &mut Stage, event: &Event) {
    match event {
        Event::Step { answer, executed } if stage.mv.is_some() => {
            let (answer, executed, recorded) = match answer {
                0 => (done(), true, true),
                1 => (no(), false, true),
                2 => (unknown(), *executed, true),
                _ => (done(), true, false),
            };
            drop(stage.step(answer, executed, recorded));
        }
        Event::Step { .. } => {}
        Event::Late => stage.be_late(),
        Event::NewLeader => stage.new_leader(),
        Event::Hear => stage.hear(),
        Event::Pass(secs) => stage.pass(*secs),
        Event::Clean => stage.clean(),
        Event::Cancel => {
            if let Some(mv) = &mut stage.mv {
                mv.cancelled = true;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever is answered, lost, late, not recorded, cancelled, and whoever leads: two old replicas and a majority of the raft group stay,
    /// nobody creates a replica twice, every replica on a node is known, and in the end hosts, members and replicas are the same nodes.
    /// Where nothing was cancelled there are three.
    #[test]
    fn whatever_happens_a_migration_loses_nothing(events in events()) {
        let mut stage = Stage::replace(1, 4);
        let mut cancelled = false;
        for event in &events {
            happen(&mut stage, event);
            cancelled |= matches!(event, Event::Cancel);
            stage.assert_safe();
        }
        stage.rest();
        if !cancelled {
            prop_assert_eq!(stage.mp.hosts.len(), 3, "{:?}", stage.ending);
        }
    }

    /// The same for adding and deleting a replica on request.
    #[test]
    fn whatever_happens_a_request_for_a_replica_loses_nothing(add in any::<bool>(), events in events()) {
        let mut stage = match add {
            true => Stage::new().ask_for(Task::Add, Phase::Joining, "", &node(4)),
            false => Stage::new().ask_for(Task::Remove, Phase::Leaving, &node(1), ""),
        };
        for event in &events {
            happen(&mut stage, event);
            stage.assert_safe();
        }
        stage.rest();
        let wanted = match (add, stage.ending) {
            (true, Some(Ending::Done)) => 4,
            (false, Some(Ending::Done)) => 2,
            _ => 3,
        };
        prop_assert_eq!(stage.mp.hosts.len(), wanted, "{:?}", stage.ending);
    }
}
