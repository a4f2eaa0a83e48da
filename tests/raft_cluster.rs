//! Raft on real sockets and RocksDB: masters that start, lead, die, come back, lose their disks, come and go.
//!
//! Method: a small group on loopback addresses of its own, with short ticks, over a state machine that is a map of texts. A master is
//! killed by aborting all its tasks at once. What was acknowledged must be there on every master afterwards.

use cfs_master::env::storage::Pair;
use cfs_master::env::tokio::production;
use cfs_master::env::{Batch, BoxFuture, Durability, Env, Mono, Store, StoreError, TaskHandle, Tasks, View};
use cfs_master::ids::{Index, MasterId};
use cfs_master::raft::{
    start, Change, Entry, Membership, Options, Payload, ProposeError, Raft, Refusal, Role, StartError, State, StateMachine, Stopped,
};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

const TICK: Duration = Duration::from_millis(40);
/// Far above what anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A map of texts: a command `key=value` sets one and answers how many there are.
struct Map {
    store: Arc<dyn Store>,
    applied: Index,
    membership: Option<Membership>,
    texts: BTreeMap<String, String>,
    shown: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Map {
    fn load(store: Arc<dyn Store>, shown: Arc<Mutex<BTreeMap<String, String>>>) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let applied = store.get(b"applied").unwrap().map_or(0, |bytes| text(bytes).parse().unwrap());
        let membership = store.get(b"~membership").unwrap().map(|bytes| Membership::decode(&bytes).unwrap());
        let pairs = store.scan(Bound::Included(b"k/"), b"k0", usize::MAX).unwrap();
        let texts: BTreeMap<_, _> = pairs.into_iter().map(|(key, value)| (text(key)[2..].to_string(), text(value))).collect();
        *shown.lock().unwrap() = texts.clone();
        Self { store, applied: Index(applied), membership, texts, shown }
    }
}

impl StateMachine for Map {
    type Outcome = usize;

    fn applied(&self) -> Index {
        self.applied
    }

    fn membership(&self) -> Option<Membership> {
        self.membership.clone()
    }

    fn apply<'a>(&'a mut self, entries: Vec<Entry>, membership: &'a Membership) -> BoxFuture<'a, Result<Vec<usize>, StoreError>> {
        Box::pin(async move {
            let mut batch = Batch::default();
            let mut outcomes = Vec::new();
            for entry in entries {
                assert_eq!(entry.index.0, self.applied.0 + 1);
                self.applied = entry.index;
                if let Payload::Command(command) = entry.payload {
                    let command = String::from_utf8(command.to_vec()).unwrap();
                    let (key, value) = command.split_once('=').unwrap();
                    batch.put(format!("k/{key}"), value);
                    self.texts.insert(key.into(), value.into());
                    outcomes.push(self.texts.len());
                }
            }
            batch.put("applied", self.applied.to_string());
            batch.put("~membership", membership.encode());
            self.membership = Some(membership.clone());
            self.store.write(batch, Durability::Buffered).await?;
            *self.shown.lock().unwrap() = self.texts.clone();
            Ok(outcomes)
        })
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Vec<Pair>, StoreError>> {
        let view = self.store.view();
        Box::pin(async move { view.scan(Bound::Unbounded, b"", usize::MAX) })
    }

    fn install(&mut self, pairs: Vec<Pair>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.store.install(pairs).await?;
            *self = Map::load(self.store.clone(), self.shown.clone());
            Ok(())
        })
    }

    fn sync(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.store.write(Batch::default(), Durability::Synced)
    }
}

/// Tasks of one process, which can be killed.
#[derive(Default)]
struct Process(Mutex<Vec<tokio::task::AbortHandle>>);

impl Tasks for Process {
    fn spawn(&self, _name: &'static str, future: BoxFuture<'static, ()>) -> TaskHandle {
        let task = tokio::spawn(future);
        let abort = task.abort_handle();
        self.0.lock().unwrap().push(task.abort_handle());
        TaskHandle::new(
            move || abort.abort(),
            Box::pin(async move {
                let _ = task.await;
            }),
        )
    }
}

impl Process {
    async fn kill(&self) {
        let tasks = std::mem::take(&mut *self.0.lock().unwrap());
        tasks.iter().for_each(tokio::task::AbortHandle::abort);
        eventually("all tasks to be dead", || tasks.iter().all(tokio::task::AbortHandle::is_finished).then_some(())).await;
    }
}

/// Counts the synced writes of a store.
struct Counting {
    store: Arc<dyn Store>,
    synced: Arc<AtomicUsize>,
}

impl View for Counting {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key)
    }

    fn scan(&self, from: Bound<&[u8]>, to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError> {
        self.store.scan(from, to, limit)
    }
}

impl Store for Counting {
    fn write(&self, batch: Batch, durability: Durability) -> BoxFuture<'_, Result<(), StoreError>> {
        self.synced.fetch_add(usize::from(durability == Durability::Synced), Ordering::Relaxed);
        self.store.write(batch, durability)
    }

    fn view(&self) -> Arc<dyn View> {
        self.store.view()
    }

    fn install(&self, pairs: Vec<Pair>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.store.install(pairs)
    }
}

/// One master: its disks outlive its process.
struct Node {
    wal: TempDir,
    state: TempDir,
    shown: Arc<Mutex<BTreeMap<String, String>>>,
    synced: Arc<AtomicUsize>,
    running: Option<(Raft<usize>, Arc<Process>)>,
}

struct Group {
    world: Env,
    subnet: u8,
    retain_logs: u64,
    configured: BTreeSet<u64>,
    nodes: BTreeMap<u64, Node>,
}

impl Group {
    /// `subnet` is this test's own: 127.0.41.(10 * subnet + id).
    fn new(subnet: u8, ids: &[u64]) -> Self {
        let configured = ids.iter().copied().collect();
        let mut group = Self { world: production(), subnet, retain_logs: 10_000, configured, nodes: BTreeMap::new() };
        for id in ids {
            group.nodes.insert(*id, Node::new());
        }
        group
    }

    fn within(&self, secs: u64) -> Mono {
        self.world.now() + Duration::from_secs(secs)
    }

    fn addr(&self, id: u64) -> String {
        format!("127.0.41.{}:17010", u64::from(self.subnet) * 10 + id)
    }

    async fn start(&mut self, id: u64) {
        self.try_start(id).await.unwrap();
    }

    async fn try_start(&mut self, id: u64) -> Result<(), StartError> {
        let peers: BTreeMap<_, _> = self.configured.iter().map(|id| (MasterId(*id), self.addr(*id))).collect();
        let options = Options {
            id: MasterId(id),
            bind: Some(self.addr(id).split_once(':').unwrap().0.parse().unwrap()),
            peers,
            replica_port: 15902,
            tick: TICK,
            election_ticks: 5,
            retain_logs: self.retain_logs,
        };
        let node = self.nodes.get_mut(&id).unwrap();
        let process = Arc::new(Process::default());
        let env = Env { tasks: process.clone(), ..self.world.clone() };
        let wal = Arc::new(Counting { store: open(&env, node.wal.path()).await, synced: node.synced.clone() });
        let machine = Map::load(open(&env, node.state.path()).await, node.shown.clone());
        let raft = start(env, options, wal, machine).await?;
        node.running = Some((raft, process));
        Ok(())
    }

    async fn start_all(&mut self) {
        for id in self.nodes.keys().copied().collect::<Vec<_>>() {
            self.start(id).await;
        }
    }

    async fn kill(&mut self, id: u64) {
        let (raft, process) = self.nodes.get_mut(&id).unwrap().running.take().unwrap();
        process.kill().await;
        assert!(matches!(raft.stopped().await, Stopped::Failed(_)));
    }

    async fn stop(&mut self, id: u64) {
        let (raft, _) = self.nodes.get_mut(&id).unwrap().running.take().unwrap();
        assert_eq!(raft.stop().await, Stopped::Requested);
    }

    fn empty(&mut self, id: u64) {
        let node = self.nodes.get_mut(&id).unwrap();
        (node.wal, node.state) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    }

    fn raft(&self, id: u64) -> &Raft<usize> {
        &self.nodes[&id].running.as_ref().unwrap().0
    }

    fn running(&self) -> impl Iterator<Item = (u64, &Raft<usize>)> {
        self.nodes.iter().filter_map(|(id, node)| Some((*id, &node.running.as_ref()?.0)))
    }

    /// Waits for a leader that is ready.
    async fn leader(&self) -> u64 {
        eventually("a leader", || self.running().find(|(_, raft)| raft.role().ready).map(|(id, _)| id)).await
    }

    /// Sets a text, however often leadership changes meanwhile.
    async fn set(&self, key: &str, value: &str) {
        eventually_async("a command to be committed", || async {
            let raft = self.raft(self.leader().await);
            raft.propose(format!("{key}={value}").into(), self.within(5)).await.ok()
        })
        .await;
    }

    async fn all_hold(&self, ids: &[u64], key: &str, value: &str) {
        for id in ids {
            let shown = self.nodes[id].shown.clone();
            eventually(&format!("master {id} to hold {key}={value}"), || {
                shown.lock().unwrap().get(key).is_some_and(|held| held == value).then_some(())
            })
            .await;
        }
    }
}

impl Node {
    fn new() -> Self {
        let dir = || TempDir::new().unwrap();
        let (shown, synced) = (Arc::default(), Arc::default());
        Self { wal: dir(), state: dir(), shown, synced, running: None }
    }
}

async fn open(env: &Env, dir: &Path) -> Arc<dyn Store> {
    env.storage.open(dir).await.unwrap()
}

async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    eventually_async(what, || std::future::ready(look())).await
}

async fn eventually_async<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_leader_is_elected_and_nothing_acknowledged_is_lost() {
    let mut group = Group::new(1, &[1, 2, 3]);
    group.start_all().await;
    group.set("a", "1").await;
    let first = group.leader().await;
    group.kill(first).await;
    group.set("b", "2").await;
    let others: Vec<u64> = group.running().map(|(id, _)| id).collect();
    group.all_hold(&others, "b", "2").await;
    group.start(first).await;
    group.all_hold(&[1, 2, 3], "b", "2").await;
    group.all_hold(&[1, 2, 3], "a", "1").await;

    for id in [1, 2, 3] {
        group.kill(id).await;
    }
    group.start_all().await;
    group.set("c", "3").await;
    for (key, value) in [("a", "1"), ("b", "2"), ("c", "3")] {
        group.all_hold(&[1, 2, 3], key, value).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_master_leads_at_once_also_with_a_lost_log() {
    let mut group = Group::new(2, &[1]);
    group.start_all().await;
    group.set("a", "1").await;
    group.stop(1).await;
    group.nodes.get_mut(&1).unwrap().wal = TempDir::new().unwrap();
    group.start(1).await;
    group.set("b", "2").await;
    group.all_hold(&[1], "a", "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_not_founded_before_every_master_has_answered() {
    let mut group = Group::new(3, &[1, 2, 3]);
    group.start(1).await;
    group.start(2).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(group.running().all(|(_, raft)| raft.role() == Role::default()));
    group.start(3).await;
    group.set("a", "1").await;
    group.all_hold(&[1, 2, 3], "a", "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_master_stays_out_until_it_is_removed_and_added_again() {
    let mut group = Group::new(4, &[1, 2, 3]);
    group.start_all().await;
    group.set("a", "1").await;
    let leader = group.leader().await;
    let emptied = [1, 2, 3].into_iter().find(|id| *id != leader).unwrap();
    group.kill(emptied).await;
    group.empty(emptied);
    group.start(emptied).await;
    group.set("b", "2").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(group.raft(emptied).role(), Role::default(), "it may have forgotten a vote");
    assert!(group.nodes[&emptied].shown.lock().unwrap().is_empty());

    let id = MasterId(emptied);
    let raft = group.raft(group.leader().await).clone();
    raft.change(Change::Remove { id }, group.within(10)).await.unwrap();
    let added = Change::Add { id, addr: group.addr(emptied), incarnation: None };
    raft.change(added, group.within(10)).await.unwrap();
    group.all_hold(&[emptied], "b", "2").await;
    eventually("it to vote again", || (!raft.membership().members[&id].learner).then_some(())).await;

    // Its vote counts: with the third one dead, it takes two of two.
    let third = [1, 2, 3].into_iter().find(|id| *id != leader && *id != emptied).unwrap();
    group.kill(third).await;
    group.set("c", "3").await;
    group.all_hold(&[leader, emptied], "c", "3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_with_the_disk_of_another_does_not_start() {
    let mut group = Group::new(13, &[1, 2, 3]);
    group.start_all().await;
    group.set("a", "1").await;
    group.kill(1).await;
    group.kill(2).await;
    let (mut one, mut two) = (group.nodes.remove(&1).unwrap(), group.nodes.remove(&2).unwrap());
    std::mem::swap(&mut one.wal, &mut two.wal);
    std::mem::swap(&mut one.state, &mut two.state);
    group.nodes.extend([(1, one), (2, two)]);
    for (id, owner) in [(1, 2), (2, 1)] {
        let refused = group.try_start(id).await.unwrap_err().to_string();
        assert!(refused.starts_with(&format!("walDir is that of master {owner}: ")), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fourth_master_is_added_while_it_is_down_and_joins_when_it_comes() {
    let mut group = Group::new(5, &[1, 2, 3]);
    group.start_all().await;
    group.set("a", "1").await;
    let raft = group.raft(group.leader().await).clone();
    let added = Change::Add { id: MasterId(4), addr: group.addr(4), incarnation: None };
    raft.change(added.clone(), group.within(10)).await.unwrap();
    assert!(matches!(raft.change(added, group.within(10)).await, Err(ProposeError::Refused(Refusal::Membership(_)))));
    group.configured.insert(4);
    group.nodes.insert(4, Node::new());
    group.start(4).await;
    group.all_hold(&[4], "a", "1").await;
    eventually("it to vote", || (!raft.membership().members[&MasterId(4)].learner).then_some(())).await;
    group.set("b", "2").await;
    group.all_hold(&[1, 2, 3, 4], "b", "2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_leader_makes_room_for_another() {
    let mut group = Group::new(6, &[1, 2, 3]);
    group.start_all().await;
    group.set("a", "1").await;
    let first = group.leader().await;
    let raft = group.raft(first).clone();
    raft.change(Change::Remove { id: MasterId(first) }, group.within(10)).await.unwrap();
    eventually("it to be out", || (raft.role().state == State::Out).then_some(())).await;
    group.set("b", "2").await;
    let second = group.leader().await;
    assert_ne!(first, second);
    assert_eq!(group.raft(second).membership().members.len(), 2);
    assert!(matches!(raft.read_index(group.within(1)).await, Err(Refusal::NotLeader { .. })));

    // Its disk has forgotten nothing: it can be added again as it is.
    group.stop(first).await;
    group.start(first).await;
    tokio::time::sleep(20 * TICK).await;
    assert_eq!(group.raft(first).role().state, State::Out);
    let added = Change::Add { id: MasterId(first), addr: group.addr(first), incarnation: None };
    group.raft(second).change(added, group.within(10)).await.unwrap();
    group.set("c", "3").await;
    group.all_hold(&[1, 2, 3], "c", "3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_was_away_for_longer_than_the_log_is_kept_gets_a_snapshot() {
    let mut group = Group::new(7, &[1, 2, 3]);
    group.retain_logs = 5;
    group.start_all().await;
    group.set("a", "1").await;
    let leader = group.leader().await;
    let away = [1, 2, 3].into_iter().find(|id| *id != leader).unwrap();
    group.kill(away).await;
    for n in 0..60 {
        group.set(&format!("k{n}"), &"x".repeat(100_000)).await;
    }
    let raft = group.raft(group.leader().await);
    let applied_there = 10;
    eventually("the log to be compacted", || (raft.status().first.0 > applied_there + 10).then_some(())).await;
    group.start(away).await;
    group.all_hold(&[away], "k59", &"x".repeat(100_000)).await;
    group.set("b", "2").await;
    group.all_hold(&[1, 2, 3], "b", "2").await;
    group.kill(away).await;
    group.start(away).await;
    group.set("c", "3").await;
    group.all_hold(&[away], "c", "3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_proposals_share_a_sync_and_each_has_its_own_outcome() {
    let mut group = Group::new(8, &[1, 2, 3]);
    group.start_all().await;
    group.set("first", "1").await;
    let leader = group.leader().await;
    let raft = group.raft(leader);
    let before = group.nodes[&leader].synced.load(Ordering::Relaxed);
    let proposals = (0..2_000).map(|n| raft.propose(format!("n{n:04}=x").into(), group.within(20)));
    let outcomes = futures::future::join_all(proposals).await;
    let counts: BTreeSet<usize> = outcomes.into_iter().map(|outcome| outcome.unwrap().1).collect();
    assert_eq!(counts, (2..=2_001).collect());
    let syncs = group.nodes[&leader].synced.load(Ordering::Relaxed) - before;
    assert!(syncs < 200, "{syncs} syncs for 2,000 proposals");
    let reads = futures::future::join_all((0..500).map(|_| raft.read_index(group.within(20)))).await;
    assert!(reads.into_iter().all(|index| index.unwrap().0 >= 2_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_stops_hands_over_first() {
    let mut group = Group::new(9, &[1, 2, 3]);
    group.start_all().await;
    group.set("a", "1").await;
    // The third joins a group that the first two have founded.
    group.all_hold(&[1, 2, 3], "a", "1").await;
    let first = group.leader().await;
    let term = group.raft(first).role().term;
    group.stop(first).await;
    let followers: Vec<_> = group.running().map(|(_, raft)| raft.role()).collect();
    assert!(followers.iter().all(|role| role.term > term), "{followers:?}");
    group.set("b", "2").await;
    // The one that asks for leadership gets it.
    let wants = group.running().map(|(id, _)| id).max().unwrap();
    group.raft(wants).campaign();
    eventually("it to lead", || group.raft(wants).role().ready.then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_an_imported_store_is_the_state_of_the_group() {
    let mut group = Group::new(10, &[1, 2, 3]);
    let store = open(&group.world, group.nodes[&3].state.path()).await;
    let mut batch = Batch::default();
    batch.put("applied", "178");
    batch.put("k/imported", "yes");
    store.write(batch, Durability::Synced).await.unwrap();
    drop(store);
    group.start_all().await;
    group.set("a", "1").await;
    group.all_hold(&[1, 2, 3], "imported", "yes").await;
    assert!(group.raft(1).status().applied.0 > 178);
}

#[tokio::test(flavor = "multi_thread")]
async fn noise_on_the_replica_port_harms_nobody() {
    let mut group = Group::new(11, &[1]);
    group.start_all().await;
    let leader = group.leader().await;
    let addr = (group.addr(leader).split_once(':').unwrap().0.to_string(), 15902);
    for noise in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 64], b"cfsr\x01\x01\0\0\xff\xff\xff\xff0000", b"cfsr\x01\x03\0\0\0\0\0\x080000"] {
        let mut stream = tokio::net::TcpStream::connect(addr.clone()).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, noise).await.unwrap();
    }
    group.set("a", "1").await;
    assert_eq!(group.leader().await, leader);
}
