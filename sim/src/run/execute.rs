//! One run from start to verdict.

use super::active;
use super::caller::{Caller, History, ANSWER_WITHIN};
use super::client::Client;
use super::cluster::{master_addr, Cluster};
use super::crash_point::{CrashPoint, STATE_DIR};
use super::glimpse::{Glimpses, Row};
use super::history::{Event, Op};
use super::holdings;
use super::hostile::Villain;
use super::inject::Injector;
use super::observe::Observer;
use super::operator::Operator;
use super::options::Options;
use super::report::{Report, Verdict};
use super::watch::Watch;
use crate::checks::agreement;
use crate::checks::repeat::{self, Registered};
use crate::checks::{acknowledged, contents, linear, progress, reads, Violation};
use crate::http;
use crate::world::disk::{Contents, Disk};
use crate::world::trace::{self, What};
use crate::world::{self, HostId, World};
use ::http::Method;
use bytes::Bytes;
use cfs_master::env::Env;
use cfs_master::model::{key, Counter};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How often masters are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often the stores are looked at until all masters have applied the same.
const STORE_LOOKS: usize = 500;
/// How often progress is asked for after healing.
const ASK_EVERY: Duration = Duration::from_millis(250);

/// A finished run: the report, and for people who look into it the last events and the whole history.
pub struct Finished {
    pub report: Report,
    pub last_events: Vec<trace::Event>,
    /// Starts, ends, faults, clients and marks, from the beginning.
    pub story: Vec<trace::Event>,
    /// The hosts' names by number.
    pub hosts: Vec<String>,
    pub history: Vec<Event>,
    /// What the masters were, at each change.
    pub rows: Vec<(Duration, Row)>,
}

/// Runs a seed to its verdict. A panic of the program is a verdict too.
pub fn execute(options: &Options) -> Finished {
    let window: Arc<Mutex<Option<(World, History)>>> = Arc::default();
    let glimpses = Glimpses::default();
    let (inside, drawn, seen) = (window.clone(), options.clone(), glimpses.clone());
    let run = AssertUnwindSafe(move || {
        world::run(drawn.seed, move |world| async move {
            let history = History::default();
            *inside.lock().expect("lock") = Some((world.clone(), history.clone()));
            let run = Run::new(world, history, drawn, seen);
            run.to_the_end().await
        })
    });
    let ended = std::panic::catch_unwind(run);
    let (world, history) = window.lock().expect("lock").take().expect("a world was made");
    let (trace_hash, events) = world.trace_hash();
    let history = history.all();
    let Ended { verdict, faults, marks, steps, crashes } = match ended {
        Ok(ended) => ended,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Ended { verdict: Verdict::Panic(text.unwrap_or_default()), ..Ended::default() }
        }
    };
    let report = Report {
        options: options.clone(),
        verdict,
        begun: history.len(),
        done: history.iter().filter(|event| event.is_done()).count(),
        writes: history.iter().filter(|event| event.is_done() && event.op.is_write()).count(),
        unknown: history.iter().filter(|event| matches!(event.outcome, super::history::Outcome::Unknown(_))).count(),
        faults,
        marks,
        steps,
        crashes,
        virtual_time: world.now(),
        trace_hash,
        events,
    };
    Finished { report, last_events: world.last_events(), story: world.story(), hosts: world.names(), history, rows: glimpses.all() }
}

/// The end of a run and what it met.
#[derive(Default)]
struct Ended {
    verdict: Verdict,
    faults: BTreeMap<(&'static str, &'static str), u32>,
    marks: BTreeMap<&'static str, u64>,
    steps: BTreeMap<CrashPoint, u64>,
    crashes: BTreeMap<CrashPoint, u64>,
}

struct Run {
    options: Options,
    cluster: Cluster,
    history: History,
    injector: Arc<Injector>,
    operator: Arc<Operator>,
    villain: Arc<Villain>,
    observer: Observer,
    /// A host that looks at the cluster after healing as a client does.
    visitor: HostId,
    /// Volumes and users whose history was judged to the end.
    judged: u64,
}

impl Run {
    fn new(world: World, history: History, options: Options, glimpses: Glimpses) -> Self {
        let cluster = Cluster::new(world.clone(), &options);
        let visitor = world.add_host("visitor", IpAddr::from([10, 0, 9, 200]));
        let operator = Operator::new(cluster.clone());
        let villain = Villain::new(world.clone(), history.clone());
        let watch = Watch::default();
        watch.begin(&cluster);
        let injector = Injector::new(cluster.clone(), operator.clone(), villain.clone(), watch.clone());
        world.set_buffer(options.buffer);
        Self { options, cluster, history, injector, operator, villain, observer: Observer::new(glimpses, watch), visitor, judged: 0 }
    }

    async fn to_the_end(mut self) -> Ended {
        let verdict = match self.judge().await {
            Err(verdict) => verdict,
            Ok(()) => {
                let writes = self.history.all().iter().filter(|event| event.is_done() && event.op.is_write()).count();
                if writes < self.options.writes_min {
                    Verdict::Quiet
                } else {
                    Verdict::Passed
                }
            }
        };
        self.world().note(None, What::Mark(verdict.to_string()));
        let marks = [
            ("leaders", self.observer.leaders.terms() as u64),
            ("states compared", self.observer.digests.compared()),
            ("ids", self.observer.ids.count() as u64),
            ("repairs", self.operator.repaired()),
            ("entries compared", self.observer.logs.count() as u64),
            ("histories judged", self.judged),
        ];
        let mut faults = self.injector.begun();
        if self.options.is_small() {
            faults.insert(("FR1", "small limits"), 1);
        }
        let (steps, crashes) = self.injector.steps();
        Ended { verdict, faults, marks: marks.into_iter().collect(), steps, crashes }
    }

    fn world(&self) -> &World {
        self.cluster.world()
    }

    async fn judge(&mut self) -> Result<(), Verdict> {
        self.cluster.start_all();
        let operator = self.operator.clone();
        drop(madsim::task::spawn(async move { operator.make_room().await }));
        self.start_clients();
        let (injector, schedule) = (self.injector.clone(), self.options.faults.clone());
        drop(madsim::task::spawn(async move { injector.carry_out(&schedule).await }));
        self.look_until(self.options.length).await?;
        self.injector.heal();
        self.after_healing().await
    }

    /// Lets time pass and looks at the masters all the while.
    async fn look_until(&mut self, until: Duration) -> Result<(), Verdict> {
        while self.world().now() < until {
            self.world().sleep(LOOK_EVERY).await;
            self.observer.look(&self.cluster, self.operator.distrusted()).map_err(Verdict::Safety)?;
            if self.world().now().as_millis() % 1_000 < LOOK_EVERY.as_millis() {
                self.observer.look_at_bounds(&self.cluster).map_err(Verdict::Safety)?;
                self.world().tidy();
            }
        }
        Ok(())
    }

    fn start_clients(&self) {
        for (number, host) in self.cluster.clients().iter().enumerate() {
            let (world, until, host) = (self.world().clone(), self.options.length, *host);
            let steps = self.options.steps.iter().filter(|step| step.client == number).cloned().collect();
            let caller = self.caller(number);
            self.world().boot(host, move |env| Client { world, host, caller: caller(env) }.work(steps, until));
        }
    }

    /// A caller with this number, for a host whose programs see this Env.
    fn caller(&self, number: usize) -> impl FnOnce(Env) -> Caller {
        let (masters, zones, history) = ((0..self.options.masters).map(master_addr).collect(), self.options.zones, self.history.clone());
        move |env| Caller { env, number, masters, zones, answer_within: ANSWER_WITHIN, history }
    }

    async fn visit(&self) -> Env {
        let (send, receive) = tokio::sync::oneshot::channel();
        self.world().boot(self.visitor, |env| async move {
            let _ = send.send(env);
            std::future::pending::<()>().await;
        });
        receive.await.expect("the visitor boots")
    }

    async fn after_healing(&mut self) -> Result<(), Verdict> {
        let healed = self.world().now();
        let env = self.visit().await;
        let leader = self.wait(healed, progress::LEADER_WITHIN, |run| run.cluster.ready_leader().is_some()).await?;
        progress::check("ready leader", progress::LEADER_WITHIN, leader, || self.roles()).map_err(Verdict::Progress)?;

        let written = self.first_write(healed, &env).await?;
        progress::check("acknowledged write", progress::WRITE_WITHIN, written, || self.last_answer()).map_err(Verdict::Progress)?;

        let (active, view) = self.nodes_active(healed, &env).await?;
        progress::check("heartbeat of every node", progress::NODES_WITHIN, active, || view).map_err(Verdict::Progress)?;

        // What was delayed before healing may still come.
        self.look_until(healed + progress::STRAGGLERS_WITHIN).await?;
        let agreed = self.wait(healed, progress::AGREEMENT_WITHIN, |run| run.differences().is_some_and(|found| found.is_empty())).await?;
        progress::check("agreement of nodes and metadata", progress::AGREEMENT_WITHIN, agreed, || {
            self.differences().unwrap_or_default().join("; ")
        })
        .map_err(Verdict::Safety)?;

        self.all_back(healed).await?;
        self.stores_are_equal().await?;
        self.register_again(&env).await?;
        if let Some(violation) = self.villain.found().or(self.history.found()) {
            return Err(Verdict::Safety(violation));
        }
        let (_, state) = self.cluster.ready_leader().ok_or_else(|| Verdict::Progress(Violation::new("L1", "the leader is gone again")))?;
        let present = state.volumes.values().map(|volume| (volume.name.clone(), u64::from(volume.status.0))).collect();
        let history = self.history.all();
        acknowledged::check(&history, &present).map_err(Verdict::Safety)?;
        reads::check(&history).map_err(Verdict::Safety)?;
        self.judged = linear::check(&history).map_err(Verdict::Safety)? as u64;
        match self.cluster.fleet().breaches().first() {
            Some(breach) => Err(Verdict::Safety(Violation::new("T3", format!("{}: {}", breach.node, breach.what)))),
            None => Ok(()),
        }
    }

    /// Every master is in the group and has applied what the leader has.
    async fn all_back(&mut self, healed: Duration) -> Result<(), Verdict> {
        let together = |run: &Run| {
            let masters = 0..run.options.masters;
            let samples: Vec<_> = masters.filter_map(|n| run.cluster.sample(n)).map(|(sample, _)| (sample.applied, sample.role)).collect();
            samples.len() == run.options.masters
                && !run.operator.is_busy()
                && samples.iter().all(|(applied, role)| *applied == samples[0].0 && matches!(role, 'L' | 'F'))
        };
        let back = self.wait(healed, progress::AGREEMENT_WITHIN, together).await?;
        progress::check("group of all masters", progress::AGREEMENT_WITHIN, back, || self.roles()).map_err(Verdict::Progress)
    }

    /// D2: two masters that have applied the same hold the same, byte for byte.
    async fn stores_are_equal(&mut self) -> Result<(), Verdict> {
        for _ in 0..STORE_LOOKS {
            let disks: Vec<Arc<Disk>> = self.cluster.masters().iter().map(|host| self.world().disk(*host)).collect();
            let applied = |disk: &Disk| disk.value(Path::new(STATE_DIR), Contents::Current, key::APPLIED.as_bytes());
            if disks.iter().all(|disk| applied(disk).is_some() && applied(disk) == applied(&disks[0])) {
                let store = |disk: &Disk| disk.read(Path::new(STATE_DIR)).unwrap_or_default();
                let first = store(&disks[0]);
                for (n, disk) in disks.iter().enumerate().skip(1) {
                    contents::check(("master 1", &format!("master {}", n + 1)), &first, &store(disk)).map_err(Verdict::Safety)?;
                }
                return Ok(());
            }
            self.look_until(self.world().now() + LOOK_EVERY).await?;
        }
        Err(Verdict::Progress(Violation::new("L1", "the masters never hold the same")))
    }

    /// A3: every node registers once more.
    async fn register_again(&mut self, env: &Env) -> Result<(), Verdict> {
        let before = self.registered();
        for (_, addr) in self.cluster.nodes().to_vec() {
            self.cluster.fleet().register(env, &addr).await;
        }
        self.look_until(self.world().now() + ASK_EVERY).await?;
        match (before, self.registered()) {
            (Some(before), Some(after)) => repeat::check(&before, &after).map_err(Verdict::Safety),
            _ => Err(Verdict::Progress(Violation::new("L1", "the leader is gone again"))),
        }
    }

    fn registered(&self) -> Option<Registered> {
        let (_, state) = self.cluster.ready_leader()?;
        let data = state.data_nodes.values().map(|node| (node.addr.clone(), node.id.0));
        let meta = state.meta_nodes.values().map(|node| (node.addr.clone(), node.id.0));
        Some(Registered { nodes: data.chain(meta).collect(), last_id: state.counter(Counter::Common) })
    }

    /// Waits for a condition; how long after healing it held, if it did in time.
    async fn wait(&mut self, healed: Duration, within: Duration, holds: impl Fn(&Run) -> bool) -> Result<Option<Duration>, Verdict> {
        while self.world().now() <= healed + within {
            if holds(self) {
                return Ok(Some(self.world().now() - healed));
            }
            self.look_until(self.world().now() + ASK_EVERY).await?;
        }
        Ok(None)
    }

    async fn first_write(&mut self, healed: Duration, env: &Env) -> Result<Option<Duration>, Verdict> {
        let (world, masters) = (self.world().clone(), self.options.masters);
        let visitor = Client { world, host: self.visitor, caller: self.caller(self.options.clients)(env.clone()) };
        let mut tries = 0;
        while self.world().now() <= healed + progress::WRITE_WITHIN {
            tries += 1;
            let event = visitor.perform(tries % masters, Op::Create { volume: format!("after-{tries}") }).await;
            if event.is_done() {
                return Ok(event.ended.map(|at| at - healed));
            }
            self.look_until(self.world().now() + ASK_EVERY).await?;
        }
        Ok(None)
    }

    /// How long after healing every node was active; who was not, when last asked.
    async fn nodes_active(&mut self, healed: Duration, env: &Env) -> Result<(Option<Duration>, String), Verdict> {
        let mut pending = String::new();
        let mut master = 0;
        while self.world().now() <= healed + progress::NODES_WITHIN {
            let (by, server) = (env.now() + Duration::from_secs(10), master_addr(master));
            master = (master + 1) % self.options.masters;
            match http::call(env, &server, Method::GET, "/admin/getCluster", Bytes::new(), by, by).await {
                Ok(answer) => pending = active::missing(&answer.body, self.cluster.nodes().len()),
                Err(error) => pending = format!("{server}: {error}"),
            }
            if pending.is_empty() {
                return Ok((Some(self.world().now() - healed), pending));
            }
            self.look_until(self.world().now() + ASK_EVERY).await?;
        }
        Ok((None, pending))
    }

    /// What each master is, for the report of a run without a leader.
    fn roles(&self) -> String {
        let role = |n: usize| match self.cluster.master(n) {
            Some(master) => format!("master {}: {:?}", n + 1, master.raft().role()),
            None => format!("master {} does not run", n + 1),
        };
        (0..self.options.masters).map(role).collect::<Vec<_>>().join(", ")
    }

    fn last_answer(&self) -> String {
        self.history.all().last().map(Event::to_string).unwrap_or_default()
    }

    /// Where metadata and nodes disagree, and what is still to be done; `None` without a leader.
    fn differences(&self) -> Option<Vec<String>> {
        let (_, state) = self.cluster.ready_leader()?;
        let mut found = holdings::pending(&state);
        found.extend(agreement::differences(&holdings::of_metadata(&state), &holdings::of_nodes(self.cluster.fleet())));
        Some(found)
    }
}
