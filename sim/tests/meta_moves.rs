//! Moves of meta replicas while the leader dies at any step, nodes lose answers or are late. The goal: raft groups keep their majority, no
//! node is told twice to create what it has, and when a move is over the replicas are where the records say.
//!
//! Each seed draws the request, when the leader dies after it, and what goes wrong on nodes. `META_MOVE_SEEDS=1-200 cargo sim --test
//! meta_moves` runs others than CI does.
#![cfg(madsim)]

use ::http::Method;
use bytes::Bytes;
use cfs_master::model::PartitionKind;
use cfs_master::state::State;
use cfs_master::wire::opcode::Opcode;
use cfs_sim::http;
use cfs_sim::nodes::{Fleet, Kind, Mishap, NodeView};
use cfs_sim::run::options::{Options, Profile};
use cfs_sim::run::{master_addr, Cluster};
use cfs_sim::world::entropy::Stream;
use cfs_sim::world::{self, Crash, World};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

const SEC: Duration = Duration::from_secs(1);
const OPCODES: [Opcode; 5] = [
    Opcode::ADD_META_PARTITION_RAFT_MEMBER,
    Opcode::REMOVE_META_PARTITION_RAFT_MEMBER,
    Opcode::CREATE_META_PARTITION,
    Opcode::DELETE_META_PARTITION,
    Opcode::META_PARTITION_TRY_TO_LEADER,
];

/// What is asked for, of which partition 1 or node is the subject.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wish {
    Add,
    Delete,
    Migrate,
    EmptyNode,
}

#[test]
fn whatever_dies_or_is_lost_replicas_end_where_the_records_say() {
    let range = std::env::var("META_MOVE_SEEDS").unwrap_or_else(|_| "1-8".to_owned());
    let (first, last) = range.split_once('-').expect("FIRST-LAST");
    for seed in first.parse::<u64>().expect("a number")..=last.parse().expect("a number") {
        world::run(seed, move |world| run(world, seed));
    }
}

async fn run(world: World, seed: u64) {
    let mut stream = Stream::new(seed, &["meta moves"]);
    let options =
        Options { data_nodes: 3, meta_nodes: 6, clients: 1, zones: 1, faults: Vec::new(), ..Options::draw(seed, Profile::Survivable) };
    let cluster = Cluster::new(world.clone(), &options);
    cluster.start_all();
    world.sleep(SEC * 30).await;
    ask(&world, &cluster, "first", "/admin/createVol?name=vol1&owner=alice&capacity=10".into()).await;
    world.sleep(SEC * 20).await;

    let (leader, state) = cluster.ready_leader().expect("somebody leads");
    let fleet = cluster.fleet().clone();
    let hosts = state.meta_partitions.values().next().expect("the volume has some").hosts.clone();
    let id = state.meta_partitions.values().next().expect("the volume has some").partition_id;
    let free = state.meta_nodes.values().map(|node| node.addr.clone()).find(|addr| !hosts.contains(addr)).expect("six nodes");
    let one = stream.pick(&hosts).clone();
    let wish = *stream.pick(&[Wish::Add, Wish::Delete, Wish::Migrate, Wish::Migrate, Wish::EmptyNode]);
    let target = match wish {
        Wish::Add => format!("/metaReplica/add?id={id}&addr={free}"),
        Wish::Delete => format!("/metaReplica/delete?id={id}&addr={one}"),
        Wish::Migrate => format!("/metaPartition/decommission?id={id}&addr={one}"),
        Wish::EmptyNode => format!("/metaNode/decommission?addr={one}&count=100"),
    };
    let mishaps = [Mishap::LoseReply, Mishap::LoseRequest, Mishap::DoLate(SEC * 20), Mishap::AnswerLate(SEC * 40), Mishap::Refuse];
    let mishap = (*stream.pick(&OPCODES), *stream.pick(&mishaps));
    let goes_wrong = stream.chance(600);
    if goes_wrong {
        for addr in fleet.addrs() {
            fleet.mishap(&addr, mishap.0 .0, mishap.1, 1);
        }
    }
    let dies = stream.chance(700);
    let latest = Duration::from_millis(*stream.pick(&[30, 200, 3_000, 10_000]));
    let after = stream.time(Duration::ZERO, latest);
    println!(
        "seed {seed}: {wish:?}, {} {}",
        if goes_wrong { format!("{mishap:?}") } else { String::new() },
        if dies { format!("the leader dies after {after:?}") } else { String::new() }
    );

    let visitor = world.add_host("visitor", IpAddr::from([10, 0, 9, 201]));
    world.boot(visitor, move |env| async move {
        let by = env.now() + SEC * 130;
        let _ = http::call(&env, &master_addr(leader), Method::GET, &target, Bytes::new(), by, by).await;
    });
    if dies {
        watch(&world, &fleet, &cluster, after).await;
        cluster.kill_master(leader, Crash::Power);
        watch(&world, &fleet, &cluster, SEC * 5).await;
        cluster.start_master(leader);
    }
    watch(&world, &fleet, &cluster, SEC * 45).await;
    fleet.heal();
    let mut state = cluster.ready_leader().expect("somebody leads").1;
    for _ in 0..60 {
        watch(&world, &fleet, &cluster, SEC * 5).await;
        state = cluster.ready_leader().expect("somebody leads").1;
        if state.moves.is_empty() && state.empty_nodes.is_empty() {
            break;
        }
    }
    assert!(state.moves.is_empty(), "still under way: {:?}", state.moves);
    for mp in state.meta_partitions.values() {
        let hosts: BTreeSet<&str> = mp.hosts.iter().map(String::as_str).collect();
        let left = |addr: &str| state.leftovers.contains_key(&(PartitionKind::Meta, mp.partition_id, addr.to_owned()));
        let nodes = fleet.dump();
        let holding: BTreeSet<&str> =
            holders(&nodes, mp.partition_id.0).map(|node| node.addr.as_str()).filter(|addr| !left(addr)).collect();
        assert_eq!(holding, hosts, "who holds partition {}, and its hosts: {:?}", mp.partition_id, state.past_moves);
        let wanted = match wish {
            Wish::Add => 3..=4,
            Wish::Delete => 2..=3,
            Wish::Migrate | Wish::EmptyNode => 3..=3,
        };
        assert!(wanted.contains(&hosts.len()), "{} hosts after {wish:?}", hosts.len());
    }
    assert_eq!(fleet.breaches(), Vec::new());
}

fn holders(nodes: &[NodeView], id: u64) -> impl Iterator<Item = &NodeView> {
    nodes.iter().filter(move |node| node.kind == Kind::Meta && node.parts.contains_key(&id))
}

/// Lets time pass and looks whether every raft group has its majority.
async fn watch(world: &World, fleet: &Arc<Fleet>, cluster: &Cluster, time: Duration) {
    let until = world.now() + time;
    while world.now() < until {
        world.sleep(Duration::from_millis(50).min(until.saturating_sub(world.now()))).await;
        let Some((_, state)) = cluster.ready_leader() else { continue };
        check_majorities(&state, fleet);
    }
}

fn check_majorities(state: &State, fleet: &Arc<Fleet>) {
    let nodes = fleet.dump();
    for mp in state.meta_partitions.values() {
        let host = |node: &&NodeView| mp.has_host(&node.addr);
        let Some(members) = holders(&nodes, mp.partition_id.0).find(host).map(|node| node.parts[&mp.partition_id.0].peers.clone()) else {
            panic!("nobody holds partition {}", mp.partition_id);
        };
        let live = members.iter().filter(|peer| holders(&nodes, mp.partition_id.0).any(|node| node.addr == peer.addr)).count();
        assert!(live >= 2 && live * 2 > members.len(), "{live} replicas of {} members: {members:?}", members.len());
    }
}

async fn ask(world: &World, cluster: &Cluster, name: &str, target: String) {
    let leader = cluster.leader().expect("somebody leads");
    let host = world.add_host(name, IpAddr::from([10, 0, 9, 200]));
    world.boot(host, move |env| async move {
        let by = env.now() + SEC * 30;
        let _ = http::call(&env, &master_addr(leader), Method::GET, &target, Bytes::new(), by, by).await;
    });
    world.sleep(SEC * 10).await;
}
