//! Rounds: three master processes of this build with RocksDB, stand-in nodes and clients in this process, and one fault after the other
//! while the clients work. In the end the history of the clients, the stores of the masters and what the nodes hold are judged by the
//! checks of the simulation.
//!
//! A few rounds by default; more, and those of one seed, by `ROUNDS=200 ROUNDS_SEED=7 cargo test --test rounds -- --nocapture`. The seed
//! says what is asked and what is done; how it falls in time is the machine's. A failure leaves everything in a directory that it names.

mod cluster;
mod end;
mod fault;
mod load;
#[path = "../support/masters.rs"]
mod masters;
mod sightings;
#[path = "../support/signal.rs"]
mod signal;

use cfs_sim::checks::{linear, progress, reads, repeat, Violation};
use cfs_sim::run::history::{Event, Op, Outcome};
use cluster::Cluster;
use end::End;
use fault::{Round, MASTERS};
use load::Load;
use sightings::Sightings;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const NET: u8 = 59;
const ROUNDS_DEFAULT: usize = 6;
/// The clients have work for so long a round; they stop with the last one.
const ROUND_MAX: Duration = Duration::from_secs(40);
/// Fewer acknowledged changes than this a round prove nothing.
const WRITES_PER_ROUND_MIN: usize = 2;
/// How often progress is asked for in the end.
const ASK_EVERY: Duration = Duration::from_millis(250);
/// Between two looks at the stores of stopped masters, when there was still something to do.
const WORK_FOR: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_holds_after_rounds_of_kills_and_stops() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap_or_else(|_| panic!("{name} is no number")));
    let rounds = number("ROUNDS").map_or(ROUNDS_DEFAULT, |n| n as usize);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos() as u64);
    let seed = number("ROUNDS_SEED").unwrap_or(now);
    let mut cluster = Cluster::start(NET).await.unwrap_or_else(|why| panic!("ROUNDS_SEED={seed}: {why}"));
    println!("ROUNDS={rounds} ROUNDS_SEED={seed}, in {}", cluster.masters.dir.path().display());
    let mut load = Load::start(&cluster, seed, ROUND_MAX * rounds as u32);
    let schedule = fault::draw(seed, rounds);
    let outcome = run(&mut cluster, &mut load, &schedule).await;
    let history = load.history.all();
    match outcome.and_then(|()| enough(&history, rounds)) {
        Ok(()) => cluster.masters.dir.disable_cleanup(false),
        Err(why) => {
            let dir = cluster.masters.dir.path();
            leave(dir, &schedule, &history, &cluster).unwrap_or_else(|e| println!("{}: {e}", dir.display()));
            panic!("ROUNDS={rounds} ROUNDS_SEED={seed}: {why}\nstores, logs and history are in {}", dir.display());
        }
    }
}

async fn run(cluster: &mut Cluster, load: &mut Load, schedule: &[Round]) -> Result<(), String> {
    let (began, mut seen) = (Instant::now(), Sightings::default());
    for (number, round) in schedule.iter().enumerate() {
        println!("{:7.1} s  round {}: {round}", began.elapsed().as_secs_f64(), number + 1);
        cluster.carry_out(round).await?;
        if round.waits {
            cluster.wait_for_leader().await?;
        }
        cluster.env.sleep(round.rest).await;
        cluster.all_run()?;
        seen.of_nodes(&cluster.fleet).map_err(text)?;
    }
    let took = began.elapsed();
    load.stop().await?;
    if let Some(violation) = load.history.found() {
        return Err(text(violation));
    }
    cluster.wait_for_leader().await?;
    first_write(load).await?;
    cluster.wait_for_nodes().await?;
    cluster.wait_for_group().await?;
    register_again(cluster, &mut seen).await.map_err(text)?;
    let end = settled(cluster).await?;
    let history = load.history.all();
    let judged = judge(&end, cluster, &history, &mut seen).map_err(text)?;
    summary(schedule, took, began.elapsed(), &history, &seen, judged, cluster);
    Ok(())
}

fn text(violation: Violation) -> String {
    violation.to_string()
}

/// A change that is acknowledged after all that, by any master.
async fn first_write(load: &Load) -> Result<(), String> {
    let end = Instant::now() + progress::WRITE_WITHIN;
    let mut tries = 0;
    loop {
        tries += 1;
        let event = load.perform(tries % MASTERS, Op::Create { volume: format!("after-{tries}") }).await;
        if event.is_done() {
            return Ok(());
        }
        if Instant::now() > end {
            return Err(format!("no acknowledged write within {} s: {event}", progress::WRITE_WITHIN.as_secs()));
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// A3: every node registers once more.
async fn register_again(cluster: &Cluster, seen: &mut Sightings) -> Result<(), Violation> {
    let before = seen.of_cluster(&cluster.ask("/admin/getCluster").await)?;
    for addr in cluster.fleet.addrs() {
        cluster.fleet.register(&cluster.env, &addr).await;
    }
    let after = seen.of_cluster(&cluster.ask("/admin/getCluster").await)?;
    repeat::check(&before, &after)
}

/// Lets the masters finish what they have begun, and stops them.
async fn settled(cluster: &mut Cluster) -> Result<End, String> {
    let end = Instant::now() + progress::AGREEMENT_WITHIN;
    loop {
        while Instant::now() < end && is_deleting(cluster).await {
            cluster.env.sleep(ASK_EVERY).await;
        }
        cluster.all_run()?;
        cluster.stop().await?;
        let left = End::read(cluster)?;
        let pending = left.pending(&cluster.fleet);
        if pending.is_empty() || Instant::now() > end {
            return Ok(left);
        }
        println!("not settled yet, {} things: {}", pending.len(), pending[0]);
        cluster.start_all().await?;
        cluster.env.sleep(WORK_FOR).await;
    }
}

/// A volume is marked deleted, or nodes hold partitions of one that is gone.
async fn is_deleting(cluster: &Cluster) -> bool {
    let list = cluster.ask("/vol/list?keywords=").await;
    let Some(volumes) = list["data"].as_array() else { return true };
    let kept: Vec<&str> = volumes.iter().filter(|volume| volume["Status"] == 0).filter_map(|volume| volume["Name"].as_str()).collect();
    let held = cluster.fleet.dump().into_iter().flat_map(|node| node.parts.into_values());
    volumes.len() > kept.len() || held.into_iter().any(|part| !kept.contains(&part.vol.as_str()))
}

/// Everything that is judged in the end. Returns how many volumes and users were judged to the last answer.
fn judge(end: &End, cluster: &Cluster, history: &[Event], seen: &mut Sightings) -> Result<usize, Violation> {
    if let Some(what) = end.pending(&cluster.fleet).first() {
        return Err(Violation::new("T4", format!("not settled within {} s: {what}", progress::AGREEMENT_WITHIN.as_secs())));
    }
    end.judge(&cluster.fleet, history)?;
    seen.of_nodes(&cluster.fleet)?;
    seen.of_clients(history)?;
    reads::check(history)?;
    linear::check(history)
}

/// V1: too few changes prove nothing.
fn enough(history: &[Event], rounds: usize) -> Result<(), String> {
    let (writes, wanted) = (history.iter().filter(|event| event.is_done() && event.op.is_write()).count(), rounds * WRITES_PER_ROUND_MIN);
    match writes >= wanted {
        true => Ok(()),
        false => Err(format!("too quiet: {writes} changes were acknowledged, at least {wanted} should be")),
    }
}

fn summary(schedule: &[Round], took: Duration, all: Duration, history: &[Event], seen: &Sightings, judged: usize, cluster: &Cluster) {
    let mut faults = BTreeMap::<&str, usize>::new();
    schedule.iter().for_each(|round| *faults.entry(round.fault.kind()).or_default() += 1);
    let count = |wanted: fn(&Event) -> bool| history.iter().filter(|event| wanted(event)).count();
    println!("{} rounds in {:.0} s, judged after {:.0} s: {faults:?}", schedule.len(), took.as_secs_f64(), all.as_secs_f64());
    println!(
        "{} operations: {} done, {} of them changes; {} refused, {} of unknown outcome",
        history.len(),
        count(Event::is_done),
        count(|event| event.is_done() && event.op.is_write()),
        count(|event| matches!(event.outcome, Outcome::Refused { .. })),
        count(|event| matches!(event.outcome, Outcome::Unknown(_))),
    );
    println!(
        "{judged} of {} volumes and users judged to the last answer, {} ids, {} packets to nodes, {} snapshots installed",
        asked_for(history),
        seen.ids.count(),
        seen.packets,
        cluster.logged("installed a snapshot"),
    );
}

/// Volumes and users that a client wanted to have.
fn asked_for(history: &[Event]) -> usize {
    let names = history.iter().filter_map(|event| match &event.op {
        Op::Create { volume: name } | Op::CreateUser { user: name } => Some(name),
        _ => None,
    });
    names.collect::<BTreeSet<_>>().len()
}

/// Leaves for whoever looks into the failure what is not there yet.
fn leave(dir: &Path, schedule: &[Round], history: &[Event], cluster: &Cluster) -> std::io::Result<()> {
    let lines = |all: Vec<String>| all.join("\n") + "\n";
    std::fs::write(dir.join("rounds.txt"), lines(schedule.iter().map(Round::to_string).collect()))?;
    std::fs::write(dir.join("history.txt"), lines(history.iter().map(Event::to_string).collect()))?;
    std::fs::write(dir.join("nodes.json"), serde_json::to_string_pretty(&cluster.fleet.dump())?)
}
