//! Plans on clusters of every shape, and plans that are carried out while leaders change, moves take long and answers are lost. The goal: no
//! partition ever has two replicas on a node or leaves the sets and zones that it may be in, nobody becomes too full by a plan, and a plan
//! that runs ends with its moves done or says why not.

use super::course::{self, Memory, Step, View};
use super::{emptied, empty, kind, relieve, status, Draft};
use crate::ids::{NodeSetId, PartitionId, Term, VolumeId};
use crate::limits::GIB;
use crate::model::{
    BalancePlan, MediaType, MetaNode, MetaPartition, Move, PartitionBalance, PartitionKind, ReplicaBalance, StorageClass, Task, Volume,
};
use crate::plan::world::{meta_addr, meta_heartbeat, meta_report, World, WALL};
use crate::wire::reply::Fault;
use crate::wire::report::{MetaNodeHeartbeatResponse, MetaPartitionReport};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const MEMORY: u64 = 64;

/// A cluster with what its nodes use and its partitions hold.
struct Stage {
    world: World,
    /// GiB that each node uses of its 64, and its machine of as much.
    used: BTreeMap<String, u64>,
    inodes: BTreeMap<PartitionId, u64>,
    leaders: BTreeMap<PartitionId, String>,
    down: BTreeSet<String>,
}

impl Stage {
    /// Zones with node sets with so many meta nodes each. Nothing is used.
    fn new(zones: &[&[u64]]) -> Self {
        let mut world = World::new();
        let mut set = 0;
        for (i, sets) in zones.iter().enumerate() {
            let zone = format!("zone{}", i + 1);
            world.put(crate::model::Zone::new(zone.as_str(), MediaType::SSD));
            for nodes in *sets {
                set += 1;
                world.set(&zone, MediaType::SSD, set, 0, *nodes);
            }
        }
        let used = world.state.meta_nodes.values().map(|node| (node.addr.clone(), 1)).collect();
        Self { world, used, inodes: BTreeMap::new(), leaders: BTreeMap::new(), down: BTreeSet::new() }
    }

    fn volume(&mut self, id: u64, cross_zone: bool) -> Volume {
        let volume = Volume::new(VolumeId(id), format!("vol{id}"), "owner", WALL - 3600, StorageClass::REPLICA_SSD);
        let volume = Volume { cross_zone, ..volume };
        self.world.put(volume.clone());
        volume
    }

    fn partition(&mut self, volume: &Volume, id: u64, inodes: u64, hosts: &[String]) {
        let peers = hosts.iter().filter_map(|host| self.world.state.meta_node_by_addr(host)).map(|node| node.peer()).collect();
        let mp = MetaPartition::new(PartitionId(id), id * 1000, id * 1000 + 999, volume, hosts.to_vec(), peers);
        self.inodes.insert(mp.partition_id, inodes);
        self.leaders.insert(mp.partition_id, hosts[0].clone());
        self.world.put(mp);
    }

    fn mp(&self, id: PartitionId) -> MetaPartition {
        MetaPartition::clone(&self.world.state.meta_partitions[&id])
    }

    fn hear(&mut self) {
        for (addr, used) in self.used.clone() {
            if self.down.contains(&addr) {
                continue;
            }
            let report = |mp: &MetaPartition| MetaPartitionReport {
                inode_cnt: self.inodes[&mp.partition_id],
                ..meta_report(mp, self.leaders.get(&mp.partition_id) == Some(&addr), mp.start)
            };
            let here: Vec<_> = self.world.state.meta_partitions_on(&addr).map(|mp| report(mp)).collect();
            let heartbeat = MetaNodeHeartbeatResponse {
                node_mem_total: MEMORY * GIB,
                node_mem_used: used * GIB,
                ..meta_heartbeat(MEMORY, used, &here)
            };
            self.world.hear_meta(&addr, heartbeat);
        }
    }

    fn relieve(&mut self) -> Draft {
        self.hear();
        relieve(&self.world.scene(), &self.world.reports)
    }

    fn empty(&mut self, addr: &str) -> Draft {
        self.hear();
        empty(&self.world.scene(), &self.world.reports, addr)
    }

    fn node(&self, addr: &str) -> &MetaNode {
        self.world.state.meta_node_by_addr(addr).expect("a node of the stage")
    }
}

/// The chapter 85 of the recorded replies: one full node of four, three partitions.
fn one_full_node() -> Stage {
    let mut stage = Stage::new(&[&[4]]);
    let volume = stage.volume(9, false);
    let hosts: Vec<String> = (1..=3).map(|i| meta_addr(1, i)).collect();
    for (id, inodes) in [(1, 300), (2, 200), (3, 100)] {
        stage.partition(&volume, id, inodes, &hosts);
    }
    stage.used.insert(meta_addr(1, 3), 55);
    stage
}

#[test]
fn the_largest_partition_leaves_a_full_node() {
    let draft = one_full_node().relieve();
    assert_eq!(draft.refused, None);
    let [entry] = &*draft.plan.plan else { panic!("one partition: {:?}", draft.plan) };
    assert_eq!((entry.id, entry.plan_num, entry.inode_count), (PartitionId(1), 1, 300));
    let [mv] = &*entry.moves else { panic!("one move") };
    assert_eq!((mv.source.as_str(), mv.destination.as_str()), (meta_addr(1, 3).as_str(), meta_addr(1, 4).as_str()));
    assert_eq!(mv.src_mem_size, 29_527_900_160);
    assert_eq!((entry.over_load[0].src_mem_size, entry.original[2].src_mem_size), (29_527_900_160, 29_527_900_160));
    assert_eq!((entry.over_load[0].destination.as_str(), draft.plan.total, draft.plan.msg.as_str()), ("", 1, ""));
}

#[test]
fn without_full_nodes_the_plan_is_empty() {
    let mut stage = one_full_node();
    stage.used.insert(meta_addr(1, 3), 40);
    assert_eq!(stage.relieve(), Draft { plan: super::blank(), refused: None });
}

#[test]
fn a_plan_says_how_much_of_it_there_is_room_for() {
    let mut stage = one_full_node();
    let draft = stage.empty(&meta_addr(1, 3));
    assert_eq!(draft.plan.msg, "require to migrate (3) mp, only create (1) plan");
    assert_eq!((draft.plan.plan.len(), draft.plan.total, draft.refused), (1, 1, None));
    assert_eq!(emptied(&draft.plan), Some(meta_addr(1, 3).as_str()));
    stage.used.insert(meta_addr(1, 4), 40);
    let draft = stage.empty(&meta_addr(1, 3));
    assert_eq!(draft.refused, Some(Fault::internal("not enough resource")));
    assert_eq!((draft.plan.msg.as_str(), draft.plan.total), ("require to migrate (3) mp, but not create plan", 0));
}

#[test]
fn without_room_in_its_set_the_whole_partition_moves_to_another() {
    let mut stage = Stage::new(&[&[3, 3]]);
    let volume = stage.volume(9, false);
    let hosts: Vec<String> = (1..=3).map(|i| meta_addr(1, i)).collect();
    stage.partition(&volume, 1, 240, &hosts);
    stage.partition(&volume, 2, 260, &hosts);
    stage.used.insert(meta_addr(1, 2), 50);
    let draft = stage.relieve();
    let entry = &draft.plan.plan[0];
    assert_eq!((entry.id, entry.over_load.len(), entry.moves.len()), (PartitionId(2), 1, 3));
    assert!(entry.moves.iter().all(|mv| mv.dst_node_set_id == NodeSetId(2)), "{entry:?}");
}

#[test]
fn a_volume_across_zones_stays_in_its_zones() {
    let mut stage = Stage::new(&[&[1, 1], &[1], &[1]]);
    let volume = stage.volume(9, true);
    let hosts = [meta_addr(1, 1), meta_addr(3, 1), meta_addr(4, 1)];
    stage.partition(&volume, 1, 100, &hosts);
    stage.partition(&volume, 2, 100, &hosts);
    stage.used.insert(meta_addr(1, 1), 50);
    let draft = stage.relieve();
    let [mv] = &*draft.plan.plan[0].moves else { panic!("one move: {draft:?}") };
    assert_eq!(mv.destination, meta_addr(2, 1));
    stage.used.insert(meta_addr(3, 1), 50);
    let draft = stage.relieve();
    assert_eq!(draft.refused, Some(Fault::internal("not enough resource")), "{draft:?}");
}

#[test]
fn a_leader_that_has_not_heard_a_node_draws_up_nothing() {
    let mut stage = one_full_node();
    stage.world.new_leader();
    stage.down.insert(meta_addr(1, 2));
    let draft = stage.relieve();
    assert!(draft.refused.is_some_and(|why| why.msg.contains("has not heard")));
}

#[test]
fn a_full_node_of_which_the_machine_says_nothing_is_refused_as_in_v3_5_3() {
    let mut stage = one_full_node();
    stage.hear();
    stage.world.hear_meta(&meta_addr(1, 3), meta_heartbeat(MEMORY, 55, &[]));
    let draft = relieve(&stage.world.scene(), &stage.world.reports);
    assert_eq!(draft.refused, Some(Fault::internal("The meta node ratio (0.859375) is <= 0")));
}

// ---- any cluster --------------------------------------------------------------------------------------------------

#[derive(Clone, Debug)]
struct Shape {
    zones: Vec<Vec<u64>>,
    used: Vec<u64>,
    /// Across zones, where they begin, inodes.
    partitions: Vec<(bool, usize, u64)>,
    several_per_machine: bool,
    emptied: Option<usize>,
}

fn shapes() -> impl Strategy<Value = Shape> {
    let zones = prop::collection::vec(prop::collection::vec(3..6_u64, 1..3), 1..4);
    let used = prop::collection::vec(prop_oneof![Just(1_u64), 2..25_u64, 40..63_u64], 1..30);
    let partitions = prop::collection::vec((any::<bool>(), 0..100_usize, 0..1_000_u64), 1..12);
    let emptied = prop::option::of(0..30_usize);
    (zones, used, partitions, any::<bool>(), emptied).prop_map(|(zones, used, partitions, several_per_machine, emptied)| Shape {
        zones,
        used,
        partitions,
        several_per_machine,
        emptied,
    })
}

fn build(shape: &Shape) -> Stage {
    let zones: Vec<&[u64]> = shape.zones.iter().map(Vec::as_slice).collect();
    let mut stage = Stage::new(&zones);
    stage.world.rules.several_replicas_per_machine = shape.several_per_machine;
    for (used, value) in stage.used.values_mut().zip(shape.used.iter().cycle()) {
        *used = *value;
    }
    let volumes = [stage.volume(1, false), stage.volume(2, true)];
    let sets: Vec<Vec<String>> = {
        let nodes = stage.world.state.meta_nodes.values();
        let mut sets: BTreeMap<NodeSetId, Vec<String>> = BTreeMap::new();
        nodes.for_each(|node| sets.entry(node.node_set_id).or_default().push(node.addr.clone()));
        sets.into_values().collect()
    };
    for (i, (cross, at, inodes)) in shape.partitions.iter().enumerate() {
        let hosts: Vec<String> = if *cross {
            (0..3).map(|k| sets[(at + k) % sets.len()][(at / 7 + k) % 3].clone()).collect()
        } else {
            let set = &sets[at % sets.len()];
            (0..3).map(|k| set[(at / 3 + k) % set.len()].clone()).collect()
        };
        let hosts: BTreeSet<String> = hosts.into_iter().collect();
        if hosts.len() == 3 {
            stage.partition(&volumes[usize::from(*cross)], i as u64 + 1, *inodes, &hosts.into_iter().collect::<Vec<_>>());
        }
    }
    stage
}

fn check_entry(stage: &Stage, entry: &PartitionBalance) {
    let mp = stage.mp(entry.id);
    let sources: BTreeSet<&str> = entry.moves.iter().map(|mv| mv.source.as_str()).collect();
    assert_eq!(sources.len(), entry.moves.len(), "a replica moves twice");
    assert!(sources.iter().all(|source| mp.has_host(source)));
    let stay = mp.hosts.iter().map(String::as_str).filter(|host| !sources.contains(host));
    let hosts: BTreeSet<&str> = stay.chain(entry.moves.iter().map(|mv| mv.destination.as_str())).collect();
    assert_eq!(hosts.len(), mp.hosts.len(), "two replicas on a node");
    assert!(entry.moves.iter().all(|mv| !mp.has_host(&mv.destination)));
    assert!(entry.over_load.iter().all(|replica| sources.contains(replica.source.as_str())), "a replica stays on a full node");
    for mv in entry.moves.iter() {
        let node = stage.node(&mv.destination);
        assert_eq!((mv.dst_id, mv.dst_node_set_id, &mv.dst_zone_name), (node.id, node.node_set_id, &node.zone_name));
        assert!(!entry.cross_zone || mv.dst_zone_name == mv.src_zone_name, "a zone is left");
    }
    let sets: BTreeSet<NodeSetId> = entry.moves.iter().map(|mv| mv.dst_node_set_id).collect();
    if !entry.cross_zone {
        assert_eq!(sets.len(), 1);
        let all = entry.moves.len() == entry.original.len();
        assert!(all || sets.contains(&entry.over_load[0].src_node_set_id), "part of a partition leaves its set");
    }
}

fn check(stage: &Stage, draft: &Draft, emptied: Option<&str>) {
    let plan = &draft.plan;
    if draft.refused.is_some() {
        assert_eq!(plan.total, 0);
        return;
    }
    assert_eq!(plan.total, plan.plan.len() as i64);
    let mut takes: BTreeMap<&str, u64> = BTreeMap::new();
    let mut loses: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
    for entry in plan.plan.iter() {
        check_entry(stage, entry);
        let size = entry.over_load.iter().map(|replica| replica.src_mem_size).max().unwrap_or(0);
        for mv in entry.moves.iter() {
            *takes.entry(&mv.destination).or_default() += size;
            let (count, inodes) = loses.entry(&mv.source).or_default();
            (*count, *inodes) = (*count + 1, *inodes + entry.inode_count);
        }
    }
    for (addr, bytes) in &takes {
        let after = (stage.used[*addr] * GIB + bytes) as f64 / (MEMORY * GIB) as f64;
        assert!(after < 0.75, "{addr} takes {bytes} bytes and becomes too full: {after}");
        assert!(!loses.contains_key(addr) || stage.used[*addr] <= 20, "{addr} takes and loses");
    }
    if !plan.msg.is_empty() {
        return;
    }
    let full: Vec<&String> = match emptied {
        Some(_) => Vec::new(),
        None => stage.used.iter().filter(|(_, used)| **used >= 48).map(|(addr, _)| addr).collect(),
    };
    for addr in &full {
        let here: Vec<_> = stage.world.state.meta_partitions_on(addr).collect();
        let ratio = stage.used[*addr] as f64 / MEMORY as f64;
        let estimate = ((ratio - 0.75) / ratio * here.len() as f64) as usize + 1;
        let (count, inodes) = loses.get(addr.as_str()).copied().unwrap_or_default();
        assert!(count >= estimate.min(here.len()), "{addr} loses {count} of {}", here.len());
        let all: u64 = here.iter().map(|mp| stage.inodes[&mp.partition_id]).sum();
        // Another full node may have chosen partitions that are small here.
        if full.len() == 1 && all > 0 {
            let left = ratio * (1.0 - inodes as f64 / all as f64);
            assert!(left <= 0.75 + 1e-9, "{addr} stays too full: {left}");
        }
    }
    if let Some(addr) = emptied {
        let here = stage.world.state.meta_partition_count_on(addr);
        assert_eq!(loses.get(addr).copied().unwrap_or_default().0, here, "{addr} is not emptied");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_never_breaks_a_rule_and_relieves_or_says_why(shape in shapes()) {
        let mut stage = build(&shape);
        let addrs: Vec<String> = stage.used.keys().cloned().collect();
        let emptied = shape.emptied.map(|i| addrs[i % addrs.len()].clone());
        let draft = match &emptied {
            Some(addr) => stage.empty(addr),
            None => stage.relieve(),
        };
        check(&stage, &draft, emptied.as_deref());
        let again = match &emptied {
            Some(addr) => stage.empty(addr),
            None => stage.relieve(),
        };
        prop_assert_eq!(draft, again, "the same cluster gives another plan");
    }
}

// ---- carrying out -------------------------------------------------------------------------------------------------

/// A plan that runs, with what its leader remembers.
struct Run {
    stage: Stage,
    memory: Memory,
    /// Moves that were asked for.
    migrated: Vec<(PartitionId, String, String)>,
}

impl Run {
    fn of(mut stage: Stage, plan: BalancePlan) -> Self {
        stage.world.put(course::run(&plan));
        Self { stage, memory: Memory::default(), migrated: Vec::new() }
    }

    fn relief(mut stage: Stage) -> Self {
        let plan = stage.relieve().plan;
        Self::of(stage, plan)
    }

    fn plan(&self) -> BalancePlan {
        BalancePlan::clone(self.stage.world.state.balance_plan.as_ref().expect("a plan"))
    }

    fn next(&mut self) -> Step {
        let plan = self.plan();
        let world = &self.stage.world;
        View { scene: world.scene(), reports: &world.reports, plan: &plan, memory: &mut self.memory }.next_step()
    }

    /// Does what the plan says until it waits or is over. A move is under way until `arrive`.
    fn go(&mut self) {
        for _ in 0..100 {
            if self.plan().status != status::RUNNING {
                return;
            }
            match self.next() {
                Step::Wait => return,
                Step::Record(plan) => self.stage.world.put(*plan),
                Step::Lead { partition, on } => {
                    self.memory.asked_to_lead(on.clone(), self.stage.world.now);
                    self.stage.leaders.insert(partition, on);
                    return;
                }
                Step::Migrate { partition, from, to } => {
                    let to_peer = self.stage.node(&to).peer();
                    let base = Move { kind: PartitionKind::Meta, partition, volume: self.stage.mp(partition).vol_id, ..Move::default() };
                    self.stage.world.put(Move { task: Task::Replace, from: from.clone(), to: to_peer, ..base });
                    self.migrated.push((partition, from, to));
                }
                Step::IsInOrder { .. } => self.memory.answered_in_order(true),
            }
        }
        panic!("the plan goes on for ever: {:?}", self.plan());
    }

    /// The move under way is done.
    fn arrive(&mut self) {
        let state = &self.stage.world.state;
        let Some(mv) = state.moves.values().next().map(|mv| Move::clone(mv)) else { return };
        let mut mp = self.stage.mp(mv.partition);
        mp.hosts.retain(|host| *host != mv.from);
        mp.peers.retain(|peer| peer.addr != mv.from);
        mp.hosts.push(mv.to.addr.clone());
        mp.peers.push(mv.to.clone());
        mp.last_del_replica_time = self.stage.world.wall();
        self.stage.world.put(mp);
        self.stage.world.delete(&mv);
    }

    fn pass(&mut self, secs: u64) {
        self.stage.world.pass(secs);
        self.stage.hear();
    }

    /// Until it is over.
    fn finish(&mut self) -> BalancePlan {
        for _ in 0..2_000 {
            self.go();
            if self.plan().status != status::RUNNING {
                return self.plan();
            }
            self.arrive();
            self.pass(10);
        }
        panic!("not over: {:?}", self.plan());
    }
}

fn first_move(plan: &BalancePlan) -> &ReplicaBalance {
    &plan.plan[0].moves[0]
}

#[test]
fn a_plan_that_runs_moves_its_replicas_and_is_done() {
    let mut run = Run::relief(one_full_node());
    let plan = run.finish();
    assert_eq!((plan.status.as_str(), plan.done_count, first_move(&plan).status.as_str()), ("done", 1, "done"));
    assert_eq!(plan.expire.unix_secs(), run.stage.world.wall() + course::DONE_KEPT_SECS);
    assert_eq!(run.migrated, vec![(PartitionId(1), meta_addr(1, 3), meta_addr(1, 4))]);
    assert!(run.stage.mp(PartitionId(1)).has_host(&meta_addr(1, 4)));
}

#[test]
fn another_replica_leads_before_the_leader_moves() {
    let mut stage = one_full_node();
    stage.leaders.insert(PartitionId(1), meta_addr(1, 3));
    let mut run = Run::relief(stage);
    run.go();
    assert_eq!(run.stage.leaders[&PartitionId(1)], meta_addr(1, 1));
    assert!(run.migrated.is_empty());
    run.pass(10);
    run.go();
    assert_eq!(run.migrated.len(), 1);
}

#[test]
fn a_leader_that_does_not_give_way_fails_the_plan() {
    let mut run = Run::relief(one_full_node());
    let leads = meta_addr(1, 3);
    for _ in 0..40 {
        run.stage.leaders.insert(PartitionId(1), leads.clone());
        run.pass(10);
        run.go();
    }
    let plan = run.plan();
    assert_eq!((plan.status.as_str(), first_move(&plan).status.as_str()), ("error", "error"));
    assert!(plan.msg.starts_with("Try to change leader to 10.1.2."), "{}", plan.msg);
    assert!(run.migrated.is_empty());
}

#[test]
fn the_next_leader_goes_on_with_a_move_under_way() {
    let mut run = Run::relief(one_full_node());
    run.go();
    assert_eq!(run.migrated.len(), 1);
    run.stage.world.new_leader();
    run.memory = Memory::default();
    run.go();
    run.arrive();
    let plan = run.finish();
    assert_eq!((plan.status.as_str(), run.migrated.len()), ("done", 1), "moved once");
}

#[test]
fn a_young_leader_waits_for_what_it_has_not_heard() {
    let mut run = Run::relief(one_full_node());
    run.stage.world.new_leader();
    assert_eq!(run.next(), Step::Wait);
    run.stage.hear();
    assert!(matches!(run.next(), Step::Record(_)));
}

#[test]
fn a_plan_that_was_stopped_goes_on_where_it_was() {
    let mut stage = one_full_node();
    stage.used.insert(meta_addr(1, 4), 1);
    stage.inodes = BTreeMap::from([(PartitionId(1), 30), (PartitionId(2), 20), (PartitionId(3), 10)]);
    stage.used.insert(meta_addr(1, 3), 49);
    let mut plan = stage.empty(&meta_addr(1, 3)).plan;
    plan.kind = kind::OFFLINE.into();
    let wanted = plan.plan.len();
    let mut run = Run::of(stage, plan);
    run.go();
    let stopped = course::stop(&run.plan());
    assert_eq!((stopped.status.as_str(), stopped.msg.as_str()), ("stop", "migrate plan is stopped"));
    run.stage.world.put(stopped);
    run.arrive();
    run.pass(10);
    run.go();
    assert_eq!(run.migrated.len(), 1, "nothing more begins");
    let again = course::run(&run.plan());
    run.stage.world.put(again);
    assert_eq!(run.finish().done_count, wanted as i64);
}

#[test]
fn a_partition_whose_replicas_are_elsewhere_by_now_is_passed_by() {
    let mut run = Run::relief(one_full_node());
    let mut mp = run.stage.mp(PartitionId(1));
    mp.hosts.retain(|host| *host != meta_addr(1, 2));
    run.stage.world.put(mp);
    let plan = run.finish();
    assert_eq!((plan.status.as_str(), plan.done_count), ("done", 0));
    assert_eq!(plan.plan[0].msg, "skip rebalance meta partition(1) because source changed");
}

#[test]
fn a_partition_without_leader_is_passed_by_after_five_minutes() {
    let mut run = Run::relief(one_full_node());
    run.stage.leaders.clear();
    run.pass(10);
    run.go();
    assert_eq!(run.plan().status, "running");
    for _ in 0..31 {
        run.pass(10);
        run.go();
    }
    assert_eq!(run.plan().plan[0].msg, "skip rebalance meta partition(1), because no leader exist.");
}

#[test]
fn a_destination_that_has_filled_up_is_replaced_or_fails_the_plan() {
    let mut stage = Stage::new(&[&[5]]);
    let volume = stage.volume(9, false);
    stage.partition(&volume, 1, 100, &(1..=3).map(|i| meta_addr(1, i)).collect::<Vec<_>>());
    stage.partition(&volume, 2, 100, &(1..=3).map(|i| meta_addr(1, i)).collect::<Vec<_>>());
    stage.used.insert(meta_addr(1, 3), 50);
    stage.used.insert(meta_addr(1, 5), 2);
    let mut run = Run::relief(stage);
    assert_eq!(first_move(&run.plan()).destination, meta_addr(1, 4));
    run.stage.used.insert(meta_addr(1, 4), 40);
    run.pass(10);
    assert_eq!(run.finish().status, "done");
    assert_eq!(run.migrated, vec![(PartitionId(1), meta_addr(1, 3), meta_addr(1, 5))]);

    let mut run = Run::relief(one_full_node());
    run.stage.used.insert(meta_addr(1, 4), 40);
    run.pass(10);
    let plan = run.finish();
    assert_eq!((plan.status.as_str(), plan.msg.as_str()), ("error", "not enough resource"));
}

#[test]
fn a_move_that_cannot_begin_fails_the_plan() {
    let mut run = Run::relief(one_full_node());
    run.go();
    let why = Fault::internal("refused");
    let plan = course::could_not_begin(&run.plan(), PartitionId(1), &meta_addr(1, 3), &why).expect("it is on its way");
    assert_eq!((plan.status.as_str(), plan.msg.as_str(), first_move(&plan).status.as_str()), ("error", "refused", "error"));
    assert_eq!(course::could_not_begin(&plan, PartitionId(1), &meta_addr(1, 3), &why), None);
}

#[test]
fn a_replica_that_another_node_took_has_arrived_too() {
    let mut run = Run::relief(one_full_node());
    run.go();
    run.arrive();
    let mut mp = run.stage.mp(PartitionId(1));
    mp.hosts.retain(|host| *host != meta_addr(1, 4));
    run.stage.world.put(mp);
    let plan = run.finish();
    assert_eq!((plan.status.as_str(), plan.done_count), ("done", 1));
    assert!(first_move(&plan).msg.starts_with("another node than"));
}

#[test]
fn an_emptied_node_goes_when_all_of_its_plan_is_done() {
    let mut stage = one_full_node();
    stage.inodes = BTreeMap::from([(PartitionId(1), 30), (PartitionId(2), 20), (PartitionId(3), 10)]);
    stage.used.insert(meta_addr(1, 3), 10);
    let plan = BalancePlan { kind: kind::OFFLINE.into(), ..stage.empty(&meta_addr(1, 3)).plan };
    assert_eq!(plan.total, 3);
    let mut run = Run::of(stage, plan);
    let plan = run.finish();
    assert_eq!(plan.done_count, 3);
    let leaver = course::leaver(&plan, "test", 7, Term(2)).expect("it goes");
    assert_eq!((leaver.addr, leaver.asked), (meta_addr(1, 3), 7));
    assert_eq!(course::leaver(&BalancePlan { kind: kind::MANUAL.into(), ..plan.clone() }, "test", 7, Term(2)), None);
    assert_eq!(course::leaver(&BalancePlan { done_count: 2, ..plan }, "test", 7, Term(2)), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever the cluster, and whenever the leader changes.
    #[test]
    fn a_plan_that_runs_comes_to_an_end(shape in shapes(), changes in prop::collection::vec(1..40_usize, 0..6)) {
        let mut stage = build(&shape);
        let draft = stage.relieve();
        prop_assume!(draft.refused.is_none() && draft.plan.total > 0);
        let mut run = Run::of(stage, draft.plan);
        let mut turns = 0;
        let mut changes = changes.into_iter();
        let mut change = changes.next();
        while run.plan().status == status::RUNNING {
            turns += 1;
            prop_assert!(turns < 5_000, "it takes for ever");
            if change.is_some_and(|at| turns % at == 0) {
                run.stage.world.new_leader();
                run.memory = Memory::default();
                change = changes.next();
            }
            run.go();
            for mp in run.stage.world.state.meta_partitions.values() {
                let hosts: BTreeSet<&String> = mp.hosts.iter().collect();
                prop_assert_eq!(hosts.len(), 3);
            }
            if turns % 3 == 0 {
                run.arrive();
            }
            run.pass(10);
        }
        let plan = run.plan();
        prop_assert!(plan.status == status::DONE || !plan.msg.is_empty());
        let moved: BTreeSet<_> = run.migrated.iter().map(|(id, from, _)| (*id, from.clone())).collect();
        prop_assert_eq!(moved.len(), run.migrated.len(), "a replica was moved twice");
        for entry in plan.plan.iter().filter(|entry| entry.moves.iter().all(|mv| mv.status == status::DONE)) {
            let mp = run.stage.mp(entry.id);
            prop_assert!(entry.moves.iter().all(|mv| mp.has_host(&mv.destination) && !mp.has_host(&mv.source)));
        }
    }
}
