//! Faults in their time: begins and ends what the schedule says.

use super::cluster::Cluster;
use super::fault::{Fault, Planned, Target};
use crate::world::entropy::Stream;
use crate::world::network::link::Latency;
use crate::world::probe::{Point, Verdict};
use crate::world::trace::What;
use crate::world::{Crash, HostId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A crash or a failure that waits for its step.
#[derive(Clone, Copy)]
struct Armed {
    host: HostId,
    point: Point,
    /// Steps that still pass.
    after: u32,
    verdict: Verdict,
}

/// Carries out a schedule.
pub struct Injector {
    cluster: Cluster,
    armed: Arc<Mutex<Vec<Armed>>>,
    /// How many faults hold a link cut.
    cuts: Mutex<BTreeMap<(HostId, HostId), u32>>,
    flapping: Arc<Mutex<BTreeSet<u64>>>,
    begun: Mutex<BTreeMap<&'static str, u32>>,
}

enum Edge {
    Begin,
    End,
}

impl Injector {
    pub fn new(cluster: Cluster) -> Arc<Self> {
        let armed = Arc::new(Mutex::new(Vec::new()));
        let injector = Self { cluster, armed, cuts: Mutex::default(), flapping: Arc::default(), begun: Mutex::default() };
        injector.hook();
        Arc::new(injector)
    }

    fn hook(&self) {
        let armed = self.armed.clone();
        self.cluster.world().set_hook(Some(Box::new(move |host, point| {
            let mut armed: std::sync::MutexGuard<'_, Vec<Armed>> = armed.lock().expect("lock");
            let Some(at) = armed.iter().position(|one| one.host == host && one.point == point) else { return Verdict::Go };
            match armed[at].after {
                0 => armed.swap_remove(at).verdict,
                _ => {
                    armed[at].after -= 1;
                    Verdict::Go
                }
            }
        })));
    }

    /// Begins and ends every fault of the schedule in its time.
    pub async fn carry_out(&self, schedule: &[Planned]) {
        let mut edges: Vec<(Duration, usize, Edge)> = Vec::new();
        for (n, planned) in schedule.iter().enumerate() {
            edges.push((planned.at, n, Edge::Begin));
            edges.push((planned.at + planned.lasts, n, Edge::End));
        }
        edges.sort_by_key(|(at, n, edge)| (*at, matches!(edge, Edge::Begin), *n));
        // Whom "the leader" meant when the fault began.
        let mut victims: BTreeMap<usize, usize> = BTreeMap::new();
        for (at, n, edge) in edges {
            self.cluster.world().sleep_until(at).await;
            let fault = schedule[n].fault;
            match edge {
                Edge::Begin => {
                    let victim = self.resolve(fault);
                    victims.insert(n, victim);
                    let text = format!("begin {n} {fault:?} master {}", victim + 1);
                    self.cluster.world().note(None, What::Fault(text));
                    *self.begun.lock().expect("lock").entry(fault.class()).or_default() += 1;
                    self.begin(n, fault, victim);
                }
                Edge::End => {
                    self.cluster.world().note(None, What::Fault(format!("end {n}")));
                    self.end(n, fault, victims.get(&n).copied().unwrap_or_default());
                }
            }
        }
    }

    /// Faults begun, by class.
    pub fn begun(&self) -> BTreeMap<&'static str, u32> {
        self.begun.lock().expect("lock").clone()
    }

    fn resolve(&self, fault: Fault) -> usize {
        let who = match fault {
            Fault::Kill { who, .. }
            | Fault::CrashAt { who, .. }
            | Fault::DiskFails { who }
            | Fault::Isolate { who }
            | Fault::CutFromMasters { who }
            | Fault::CutFromOthers { who }
            | Fault::OneWay { who, .. }
            | Fault::Pause { who }
            | Fault::Drift { who, .. }
            | Fault::Jump { who, .. } => who,
            _ => return 0,
        };
        let count = self.cluster.masters().len();
        let leader = self.cluster.leader();
        match who {
            Target::Leader => leader.unwrap_or_default(),
            Target::Follower(n) => {
                let followers: Vec<usize> = (0..count).filter(|m| Some(*m) != leader).collect();
                followers[n as usize % followers.len()]
            }
            Target::Master(n) => n % count,
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

    fn between_masters(&self, f: impl Fn(&mut crate::world::network::link::Link)) {
        for a in self.cluster.masters() {
            for b in self.cluster.masters().iter().filter(|b| *b != a) {
                self.cluster.world().change_link(*a, *b, &f);
            }
        }
    }

    fn begin(&self, n: usize, fault: Fault, victim: usize) {
        let (cluster, world) = (&self.cluster, self.cluster.world());
        let host = cluster.masters()[victim];
        let crash = |power| if power { Crash::Power } else { Crash::Process };
        self.set_cuts(&self.cut_links(fault, victim), true);
        match fault {
            Fault::Kill { power, .. } => cluster.kill_master(victim, crash(power)),
            Fault::KillAll { power } => (0..cluster.masters().len()).for_each(|m| cluster.kill_master(m, crash(power))),
            Fault::CrashAt { point, after, .. } => self.arm(Armed { host, point, after, verdict: Verdict::Crash }),
            Fault::DiskFails { .. } => self.arm(Armed { host, point: Point::SyncBegin, after: 0, verdict: Verdict::Fail }),
            Fault::Slow { millis } => {
                let (min, max) = (Duration::from_millis(millis / 2), Duration::from_millis(millis));
                self.between_masters(|link| link.latency = Latency { min, max, slow_per_mille: 0, slow: Duration::ZERO });
            }
            Fault::Reset { a, b } => world.reset_between(cluster.masters()[a], cluster.masters()[b]),
            Fault::Flap { a, b } => self.flap(n as u64, cluster.masters()[a], cluster.masters()[b]),
            Fault::Chop { bytes } => self.between_masters(|link| link.chop = Some(bytes)),
            Fault::Pause { .. } => world.pause(host),
            Fault::Drift { ppm, .. } => world.clock(host).set_drift(ppm),
            Fault::Jump { seconds, .. } => world.clock(host).jump(seconds * 1_000_000_000),
            Fault::KillNode { node, power } => cluster.kill_node(self.node(node), crash(power)),
            Fault::Mishap { node, opcode, mishap, times } => {
                cluster.fleet().mishap(&cluster.nodes()[self.node(node)].1, opcode, mishap, times);
            }
            Fault::Isolate { .. }
            | Fault::CutFromMasters { .. }
            | Fault::CutFromOthers { .. }
            | Fault::OneWay { .. }
            | Fault::CutPair { .. }
            | Fault::IsolateNode { .. } => {}
        }
    }

    fn end(&self, n: usize, fault: Fault, victim: usize) {
        let (cluster, world) = (&self.cluster, self.cluster.world());
        let host = cluster.masters()[victim];
        self.set_cuts(&self.cut_links(fault, victim), false);
        match fault {
            Fault::Kill { .. } => cluster.start_master(victim),
            Fault::KillAll { .. } => (0..cluster.masters().len()).for_each(|m| cluster.start_master(m)),
            Fault::CrashAt { .. } | Fault::DiskFails { .. } => {
                self.armed.lock().expect("lock").retain(|armed| armed.host != host);
                cluster.start_master(victim);
            }
            Fault::Slow { .. } => self.between_masters(|link| link.latency = Latency::default()),
            Fault::Flap { .. } => {
                self.flapping.lock().expect("lock").remove(&(n as u64));
            }
            Fault::Chop { .. } => self.between_masters(|link| link.chop = None),
            Fault::Pause { .. } => world.resume(host),
            Fault::Drift { .. } => world.clock(host).set_drift(0),
            Fault::KillNode { node, .. } => cluster.start_node(self.node(node)),
            Fault::Jump { .. }
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

    fn arm(&self, armed: Armed) {
        self.armed.lock().expect("lock").push(armed);
    }

    /// Cuts and joins a pair again and again until the fault ends.
    fn flap(&self, n: u64, a: HostId, b: HostId) {
        self.flapping.lock().expect("lock").insert(n);
        let stream = self.cluster.world().stream(&["flap", &n.to_string()]);
        flap_on(self.cluster.clone(), self.flapping.clone(), n, (a, b), true, stream);
    }

    /// Everything is well again: links, clocks, disks and programs, and whoever is dead comes back.
    pub fn heal(&self) {
        let world = self.cluster.world();
        world.note(None, What::Fault("heal".into()));
        self.flapping.lock().expect("lock").clear();
        self.armed.lock().expect("lock").clear();
        self.cuts.lock().expect("lock").clear();
        world.heal();
        self.cluster.fleet().heal();
        self.cluster.start_all();
    }
}

fn flap_on(cluster: Cluster, flapping: Arc<Mutex<BTreeSet<u64>>>, n: u64, pair: (HostId, HostId), cut: bool, mut stream: Stream) {
    let goes_on = flapping.lock().expect("lock").contains(&n);
    let world = cluster.world().clone();
    if !goes_on || !cut {
        world.join(pair.0, pair.1);
    } else {
        world.cut(pair.0, pair.1);
    }
    if goes_on {
        let next = world.now() + stream.time(Duration::from_millis(100), Duration::from_secs(3));
        world.call(next, move || flap_on(cluster, flapping, n, pair, !cut, stream));
    }
}
