//! Faults in their time: begins and ends what the schedule says.

use super::cluster::Cluster;
use super::crash_point::{CrashPoint, HTTP_PORT, LOG_DIR, RAFT_PORT};
use super::fault::{self, Fault, Planned, Reach, Target};
use super::hostile::Villain;
use super::operator::{Distrusted, Operator};
use super::steps::{Armed, Steps};
use super::watch::Watch;
use crate::nodes::Kind;
use crate::world::disk::{Contents, Image};
use crate::world::entropy::Stream;
use crate::world::network::link::{Latency, Link};
use crate::world::probe::Verdict;
use crate::world::trace::What;
use crate::world::{Crash, HostId};
use serde_json::{json, Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Carries out a schedule.
pub struct Injector {
    cluster: Cluster,
    operator: Arc<Operator>,
    villain: Arc<Villain>,
    watch: Watch,
    steps: Arc<Mutex<Steps>>,
    /// How many faults hold a link cut.
    cuts: Mutex<BTreeMap<(HostId, HostId), u32>>,
    flapping: Arc<Mutex<BTreeSet<u64>>>,
    begun: Mutex<BTreeMap<(&'static str, &'static str), u32>>,
}

enum Edge {
    Begin,
    End,
}

impl Injector {
    pub fn new(cluster: Cluster, operator: Arc<Operator>, villain: Arc<Villain>, watch: Watch) -> Arc<Self> {
        let injector = Self {
            cluster,
            operator,
            villain,
            watch,
            steps: Arc::default(),
            cuts: Mutex::default(),
            flapping: Arc::default(),
            begun: Mutex::default(),
        };
        injector.hook();
        Arc::new(injector)
    }

    fn hook(&self) {
        let (steps, watch, cluster) = (self.steps.clone(), self.watch.clone(), self.cluster.clone());
        self.cluster.world().set_hook(Some(Box::new(move |host, point, place| {
            let Some(master) = cluster.masters().iter().position(|master| *master == host) else { return Verdict::Go };
            let Some(point) = CrashPoint::of(point, place) else { return Verdict::Go };
            if point == CrashPoint::BeforeTask {
                watch.task_goes_out(&cluster, master);
            }
            steps.lock().expect("lock").judge(host, point)
        })));
    }

    /// Begins and ends every fault of the schedule in its time.
    pub async fn carry_out(self: &Arc<Self>, schedule: &[Planned]) {
        let mut edges: Vec<(Duration, usize, Edge)> = Vec::new();
        for (n, planned) in schedule.iter().enumerate() {
            edges.push((planned.at, n, Edge::Begin));
            edges.push((planned.at + planned.lasts, n, Edge::End));
        }
        edges.sort_by_key(|(at, n, edge)| (*at, matches!(edge, Edge::Begin), *n));
        // Whom "the leader" meant when the fault began; nobody when it did not begin.
        let mut victims: BTreeMap<usize, usize> = BTreeMap::new();
        for (at, n, edge) in edges {
            self.cluster.world().sleep_until(at).await;
            let Planned { fault, lasts, .. } = schedule[n];
            match edge {
                Edge::Begin => {
                    let victim = self.resolve(fault);
                    if self.needs_operator(fault) && !self.operator.take_on(victim) {
                        self.cluster.world().note(None, What::Fault(format!("not begun {n} {fault:?}: the operator is busy")));
                        continue;
                    }
                    victims.insert(n, victim);
                    let text = format!("begin {n} {fault:?} master {}", victim + 1);
                    self.cluster.world().note(None, What::Fault(text));
                    *self.begun.lock().expect("lock").entry(fault.class()).or_default() += 1;
                    self.begin(n, fault, lasts, victim);
                }
                Edge::End => {
                    let Some(victim) = victims.get(&n).copied() else { continue };
                    self.cluster.world().note(None, What::Fault(format!("end {n}")));
                    self.end(n, fault, victim);
                }
            }
        }
    }

    /// Faults begun, by class and name.
    pub fn begun(&self) -> BTreeMap<(&'static str, &'static str), u32> {
        self.begun.lock().expect("lock").clone()
    }

    /// How often masters passed each step, and how often one lost power there.
    pub fn steps(&self) -> (BTreeMap<CrashPoint, u64>, BTreeMap<CrashPoint, u64>) {
        let steps = self.steps.lock().expect("lock");
        (steps.passed.clone(), steps.crashed.clone())
    }

    fn needs_operator(&self, fault: Fault) -> bool {
        matches!(fault, Fault::LostDisk { .. } | Fault::BadValue { .. } | Fault::Replace { .. })
    }

    fn resolve(&self, fault: Fault) -> usize {
        let count = self.cluster.masters().len();
        let leader = self.cluster.leader();
        match fault.target() {
            None => 0,
            Some(Target::Leader) => leader.unwrap_or_default(),
            Some(Target::Follower(n)) => {
                let followers: Vec<usize> = (0..count).filter(|m| Some(*m) != leader).collect();
                followers[n as usize % followers.len()]
            }
            Some(Target::Master(n)) => n % count,
        }
    }

    fn others(&self, victim: usize) -> Vec<HostId> {
        self.cluster.masters().iter().enumerate().filter(|(n, _)| *n != victim).map(|(_, host)| *host).collect()
    }

    fn outsiders(&self) -> Vec<HostId> {
        self.cluster.nodes().iter().map(|(host, _)| *host).chain(self.cluster.clients().iter().copied()).collect()
    }

    /// The links that a fault cuts, one way each.
    fn cut_links(&self, fault: Fault, victim: usize) -> Vec<(HostId, HostId)> {
        let both = |a: HostId, others: Vec<HostId>| others.into_iter().flat_map(|b| [(a, b), (b, a)]).collect::<Vec<_>>();
        let masters = self.cluster.masters();
        match fault {
            Fault::Isolate { .. } => both(masters[victim], self.others(victim).into_iter().chain(self.outsiders()).collect()),
            Fault::CutFromMasters { .. } => both(masters[victim], self.others(victim)),
            Fault::CutFromOthers { .. } => both(masters[victim], self.outsiders()),
            Fault::OneWay { deaf, .. } => {
                let others = self.others(victim).into_iter();
                others.map(|other| if deaf { (other, masters[victim]) } else { (masters[victim], other) }).collect()
            }
            Fault::CutPair { a, b } => both(masters[a], vec![masters[b]]),
            Fault::IsolateNode { node } => {
                let node = self.cluster.nodes()[self.node(node)].0;
                let rest = masters.iter().copied().chain(self.outsiders()).filter(|host| *host != node);
                both(node, rest.collect())
            }
            _ => Vec::new(),
        }
    }

    fn node(&self, number: u64) -> usize {
        number as usize % self.cluster.nodes().len()
    }

    /// The nodes of a zone, by position.
    fn zone(&self, number: u64) -> Vec<usize> {
        let dump = self.cluster.fleet().dump();
        let zones: BTreeSet<&str> = dump.iter().map(|node| node.zone.as_str()).collect();
        let zone = zones.iter().nth(number as usize % zones.len()).copied().unwrap_or_default();
        dump.iter().enumerate().filter(|(_, node)| node.zone == zone).map(|(n, _)| n).collect()
    }

    fn set_cuts(&self, links: &[(HostId, HostId)], cut: bool) {
        for link in links {
            let held = {
                let mut cuts = self.cuts.lock().expect("lock");
                let count = cuts.entry(*link).or_default();
                *count = if cut { *count + 1 } else { count.saturating_sub(1) };
                *count > 0
            };
            self.cluster.world().change_link(link.0, link.1, |state| state.cut = held);
        }
    }

    fn between_masters(&self, f: impl Fn(&mut Link)) {
        self.links(Reach::Masters, f);
    }

    /// Changes every way between a master and the others of that kind.
    fn links(&self, reach: Reach, f: impl Fn(&mut Link)) {
        let others: Vec<HostId> = match reach {
            Reach::Masters => self.cluster.masters().to_vec(),
            Reach::Nodes => self.cluster.nodes().iter().map(|(host, _)| *host).collect(),
            Reach::Clients => self.cluster.clients().to_vec(),
        };
        for a in self.cluster.masters() {
            for b in others.iter().filter(|b| *b != a) {
                self.cluster.world().change_link(*a, *b, &f);
                self.cluster.world().change_link(*b, *a, &f);
            }
        }
    }

    fn between(&self, a: usize, b: usize, f: impl Fn(&mut Link)) {
        let masters = self.cluster.masters();
        self.cluster.world().change_link(masters[a], masters[b], &f);
        self.cluster.world().change_link(masters[b], masters[a], &f);
    }

    fn begin(self: &Arc<Self>, n: usize, fault: Fault, lasts: Duration, victim: usize) {
        let (cluster, world) = (&self.cluster, self.cluster.world());
        let host = cluster.masters()[victim];
        let all = 0..cluster.masters().len();
        self.set_cuts(&self.cut_links(fault, victim), true);
        match fault {
            Fault::Kill { power, .. } => cluster.kill_master(victim, crash(power)),
            Fault::KillAll { power } => all.for_each(|m| cluster.kill_master(m, crash(power))),
            Fault::CrashAt { point, after, .. } => self.crash_at(host, victim, point, after, lasts),
            Fault::CrashLoop { times, .. } => self.crash_loop(victim, times, lasts),
            Fault::LostDisk { disk, .. } => self.lose_disk(victim, disk),
            Fault::BadValue { number, .. } => self.damage(victim, number),
            Fault::RollingRestart { millis } => self.rolling_restart(Duration::from_millis(millis).min(lasts / 4)),
            Fault::DiskFails { .. } => self.arm(host, CrashPoint::BeforeLogSync, 0, 1, Verdict::Fail),
            Fault::DiskFull { .. } => world.disk(host).set_full(true),
            Fault::DiskStalls { millis, times, .. } => {
                self.arm(host, CrashPoint::BeforeLogSync, 0, times, Verdict::Stall(Duration::from_millis(millis)));
            }
            Fault::Clog { order } => self.clog(order, lasts),
            Fault::Slow { millis } => self.between_masters(|link| link.latency = slow(millis)),
            Fault::SlowPair { a, b, millis } => self.between(a, b, |link| link.latency = slow(millis)),
            Fault::TwoModes { millis, per_mille } => self.between_masters(|link| {
                link.latency = Latency { slow_per_mille: per_mille, slow: Duration::from_millis(millis), ..Latency::default() };
            }),
            Fault::Stall { reach, bytes } => self.links(reach, |link| link.stall_at = Some(bytes)),
            Fault::ResetAt { reach, bytes } => self.links(reach, |link| link.reset_at = Some(bytes)),
            Fault::Reset { a, b } => world.reset_between(cluster.masters()[a], cluster.masters()[b]),
            Fault::Flap { a, b } => self.flap(n as u64, cluster.masters()[a], vec![cluster.masters()[b]]),
            Fault::Chop { reach, bytes } => self.links(reach, |link| link.chop = Some(bytes)),
            Fault::Flip { one_in } => self.between_masters(|link| {
                link.flip_one_in = Some(one_in);
                link.flip_port = Some(RAFT_PORT);
            }),
            Fault::ReplayRaft { a, b } => world.capture(cluster.masters()[a], cluster.masters()[b], RAFT_PORT),
            Fault::ReplayReports { node, master } => {
                world.capture(cluster.nodes()[self.node(node)].0, cluster.masters()[master], HTTP_PORT);
            }
            Fault::Pause { .. } => world.pause(host),
            Fault::Drift { ppm, .. } => world.clock(host).set_drift(ppm),
            Fault::Jump { seconds, .. } => world.clock(host).jump(seconds * 1_000_000_000),
            Fault::KillNode { node, power } => cluster.kill_node(self.node(node), crash(power)),
            Fault::KillZone { zone, power } => self.zone(zone).into_iter().for_each(|node| cluster.kill_node(node, crash(power))),
            Fault::PauseNode { node } => world.pause(cluster.nodes()[self.node(node)].0),
            Fault::FlapNode { node } => self.flap(n as u64, cluster.nodes()[self.node(node)].0, cluster.masters().to_vec()),
            Fault::Mishap { node, opcode, mishap, times } => {
                cluster.fleet().mishap(&cluster.nodes()[self.node(node)].1, opcode, mishap, times);
            }
            Fault::WrongReport { node, what } => {
                let addr = &cluster.nodes()[self.node(node)].1;
                cluster.fleet().report(addr, wrong(what, self.kind(addr)), Map::new(), 0);
            }
            Fault::Hostile { master, what } => self.villain.begin(n, master, what, world.now() + lasts),
            Fault::Replace { .. }
            | Fault::Isolate { .. }
            | Fault::CutFromMasters { .. }
            | Fault::CutFromOthers { .. }
            | Fault::OneWay { .. }
            | Fault::CutPair { .. }
            | Fault::IsolateNode { .. } => {}
        }
        if let Fault::Replace { emptied, .. } = fault {
            self.repair(victim, emptied);
        }
    }

    fn end(self: &Arc<Self>, n: usize, fault: Fault, victim: usize) {
        let (cluster, world) = (&self.cluster, self.cluster.world());
        let host = cluster.masters()[victim];
        let all = 0..cluster.masters().len();
        self.set_cuts(&self.cut_links(fault, victim), false);
        match fault {
            Fault::Kill { .. } | Fault::CrashLoop { .. } => cluster.start_master(victim),
            Fault::KillAll { .. } | Fault::RollingRestart { .. } => all.for_each(|m| cluster.start_master(m)),
            Fault::CrashAt { .. } | Fault::DiskFails { .. } | Fault::DiskStalls { .. } => {
                self.steps.lock().expect("lock").armed.retain(|armed| armed.host != host);
                cluster.start_master(victim);
            }
            Fault::DiskFull { .. } => {
                world.disk(host).set_full(false);
                cluster.start_master(victim);
            }
            Fault::LostDisk { .. } | Fault::BadValue { .. } => self.repair(victim, true),
            Fault::Slow { .. } | Fault::TwoModes { .. } => self.between_masters(|link| link.latency = Latency::default()),
            Fault::SlowPair { a, b, .. } => self.between(a, b, |link| link.latency = Latency::default()),
            Fault::Stall { reach, .. } => self.links(reach, |link| link.stall_at = None),
            Fault::ResetAt { reach, .. } => self.links(reach, |link| link.reset_at = None),
            Fault::Flap { .. } | Fault::FlapNode { .. } => {
                self.flapping.lock().expect("lock").remove(&(n as u64));
            }
            Fault::Chop { reach, .. } => self.links(reach, |link| link.chop = None),
            Fault::Flip { .. } => self.between_masters(|link| link.flip_one_in = None),
            Fault::ReplayRaft { b, .. } => self.villain.replay(b, RAFT_PORT, world.captured()),
            Fault::ReplayReports { master, .. } => self.villain.replay(master, HTTP_PORT, world.captured()),
            Fault::Pause { .. } => world.resume(host),
            Fault::Drift { .. } => world.clock(host).set_drift(0),
            Fault::KillNode { node, .. } => cluster.start_node(self.node(node)),
            Fault::KillZone { zone, .. } => self.zone(zone).into_iter().for_each(|node| cluster.start_node(node)),
            Fault::PauseNode { node } => world.resume(cluster.nodes()[self.node(node)].0),
            Fault::WrongReport { node, .. } => cluster.fleet().truth(&cluster.nodes()[self.node(node)].1),
            Fault::Jump { .. }
            | Fault::Clog { .. }
            | Fault::Replace { .. }
            | Fault::Hostile { .. }
            | Fault::Reset { .. }
            | Fault::Mishap { .. }
            | Fault::Isolate { .. }
            | Fault::CutFromMasters { .. }
            | Fault::CutFromOthers { .. }
            | Fault::OneWay { .. }
            | Fault::CutPair { .. }
            | Fault::IsolateNode { .. } => {}
        }
    }

    fn kind(&self, addr: &str) -> Kind {
        self.cluster.fleet().dump().iter().find(|node| node.addr == addr).map_or(Kind::Data, |node| node.kind)
    }

    fn arm(&self, host: HostId, point: CrashPoint, after: u32, times: u32, verdict: Verdict) {
        self.steps.lock().expect("lock").armed.push(Armed { host, point, after, times, verdict });
    }

    /// Steps of starting need a start, and those of snapshots one who was away.
    fn crash_at(&self, host: HostId, victim: usize, point: CrashPoint, after: u32, lasts: Duration) {
        self.arm(host, point, after, 1, Verdict::Crash);
        if point.is_of_start() || matches!(point, CrashPoint::BeforeInstall | CrashPoint::AfterInstall) {
            self.cluster.kill_master(victim, Crash::Process);
            let cluster = self.cluster.clone();
            self.cluster.world().call(self.cluster.world().now() + lasts / 2, move || cluster.start_master(victim));
        }
    }

    fn crash_loop(&self, victim: usize, times: u64, lasts: Duration) {
        let now = self.cluster.world().now();
        let step = lasts / (2 * times as u32 + 1);
        for k in 0..times as u32 {
            let (dies, lives) = (self.cluster.clone(), self.cluster.clone());
            self.cluster.world().call(now + step * (2 * k), move || dies.kill_master(victim, crash(k % 2 == 0)));
            self.cluster.world().call(now + step * (2 * k + 1), move || lives.start_master(victim));
        }
    }

    fn rolling_restart(&self, apart: Duration) {
        let now = self.cluster.world().now();
        for m in 0..self.cluster.masters().len() {
            let (dies, lives) = (self.cluster.clone(), self.cluster.clone());
            let at = now + apart * m as u32;
            self.cluster.world().call(at, move || dies.kill_master(m, Crash::Process));
            self.cluster.world().call(at + apart / 2, move || lives.start_master(m));
        }
    }

    /// The ways between masters are cut one by one in the first half and joined in another order in the second.
    fn clog(self: &Arc<Self>, order: u64, lasts: Duration) {
        let masters = self.cluster.masters().to_vec();
        let mut ways: Vec<(HostId, HostId)> =
            masters.iter().flat_map(|a| masters.iter().map(|b| (*a, *b))).filter(|(a, b)| a != b).collect();
        let mut stream = Stream::new(order, &["clog"]);
        let now = self.cluster.world().now();
        let step = lasts / (2 * ways.len() as u32 + 2);
        let mut at = now;
        for cut in [true, false] {
            // Fisher and Yates.
            (1..ways.len()).rev().for_each(|n| ways.swap(n, stream.below(n as u64 + 1) as usize));
            for way in &ways {
                at += step;
                let (injector, way) = (self.clone(), *way);
                self.cluster.world().call(at, move || injector.set_cuts(&[way], cut));
            }
        }
    }

    fn lose_disk(&self, victim: usize, disk: fault::Disk) {
        let masters = self.cluster.masters();
        self.cluster.kill_master(victim, Crash::Power);
        let image = match disk {
            fault::Disk::Empty => Image::default(),
            fault::Disk::Former => self.operator.former(victim).unwrap_or_default(),
            fault::Disk::Other(n) => {
                let other = (victim + 1 + n as usize % (masters.len() - 1)) % masters.len();
                self.cluster.world().disk(masters[other]).image()
            }
        };
        self.operator.exchange_disk(victim, image);
        self.cluster.start_master(victim);
    }

    /// A value of the log that it cannot do without becomes nonsense.
    fn damage(&self, victim: usize, number: u64) {
        let disk = self.cluster.world().disk(self.cluster.masters()[victim]);
        self.cluster.kill_master(victim, Crash::Power);
        let needed = |key: &[u8]| key.starts_with(b"entry/") || key == b"hard_state" || key == b"base";
        let pairs = disk.read(Path::new(LOG_DIR)).unwrap_or_default();
        let keys: Vec<Vec<u8>> = pairs.into_iter().map(|(key, _)| key).filter(|key| needed(key)).collect();
        if !keys.is_empty() {
            disk.corrupt(Path::new(LOG_DIR), &keys[number as usize % keys.len()], b"\xff\xff\xff nonsense");
            let incarnation = disk.value(Path::new(LOG_DIR), Contents::Durable, b"incarnation");
            let incarnation = incarnation.and_then(|bytes| Some(u64::from_be_bytes(*bytes.first_chunk()?)));
            self.operator.distrust(Distrusted { master: victim, incarnation });
        }
        self.cluster.start_master(victim);
    }

    fn repair(&self, victim: usize, emptied: bool) {
        let operator = self.operator.clone();
        drop(madsim::task::spawn(async move { operator.replace(victim, emptied).await }));
    }

    /// Cuts and joins pairs again and again until the fault ends.
    fn flap(&self, n: u64, a: HostId, others: Vec<HostId>) {
        self.flapping.lock().expect("lock").insert(n);
        let stream = self.cluster.world().stream(&["flap", &n.to_string()]);
        flap_on(self.cluster.clone(), self.flapping.clone(), n, (a, others), true, stream);
    }

    /// Everything is well again: links, clocks, disks and programs, and whoever is dead comes back.
    pub fn heal(&self) {
        let world = self.cluster.world();
        world.note(None, What::Fault("heal".into()));
        self.flapping.lock().expect("lock").clear();
        self.steps.lock().expect("lock").armed.clear();
        self.cuts.lock().expect("lock").clear();
        world.heal();
        self.hook();
        self.cluster.fleet().heal();
        self.cluster.start_all();
    }
}

fn crash(power: bool) -> Crash {
    if power {
        Crash::Power
    } else {
        Crash::Process
    }
}

fn slow(millis: u64) -> Latency {
    Latency { min: Duration::from_millis(millis / 2), max: Duration::from_millis(millis), slow_per_mille: 0, slow: Duration::ZERO }
}

fn flap_on(cluster: Cluster, flapping: Arc<Mutex<BTreeSet<u64>>>, n: u64, pairs: (HostId, Vec<HostId>), cut: bool, mut stream: Stream) {
    let goes_on = flapping.lock().expect("lock").contains(&n);
    let world = cluster.world().clone();
    for other in &pairs.1 {
        if !goes_on || !cut {
            world.join(pairs.0, *other);
        } else {
            world.cut(pairs.0, *other);
        }
    }
    if goes_on {
        let next = world.now() + stream.millis(Duration::from_millis(100), Duration::from_secs(3));
        world.call(next, move || flap_on(cluster, flapping, n, pairs, !cut, stream));
    }
}

/// What a wrong heartbeat response says instead.
fn wrong(what: fault::WrongReport, kind: Kind) -> Map<String, Value> {
    use fault::WrongReport::*;
    let list = if kind == Kind::Data { "PartitionReports" } else { "MetaPartitionReports" };
    let value = match what {
        NoSpace => json!({"Total": 0, "Used": 0, "Available": 0, "MaxCapacity": 0, "RemainingCapacity": 0}),
        HugeSpace => {
            json!({"Total": u64::MAX, "Used": u64::MAX, "Available": u64::MAX, "MaxCapacity": u64::MAX, "RemainingCapacity": u64::MAX})
        }
        NoPartitions => json!({list: []}),
        StrangePartition => {
            json!({list: [{"PartitionID": 900_000, "VolName": "nobody's", "Status": 2, "PartitionStatus": 2, "IsLeader": true}]})
        }
        LostDisk => json!({"LostDisks": ["/disk1"]}),
        BadDisk => {
            json!({"BadDisks": ["/disk1"], "BadDiskStats": [{"DiskPath": "/disk1", "TotalPartitionCnt": 1, "DiskErrPartitionList": [1, 2, 3]}]})
        }
        OtherZone => json!({"ZoneName": "elsewhere"}),
    };
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
