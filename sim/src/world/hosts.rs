//! Hosts: each has an address, a clock and a disk that outlive its programs; each start of a program is an incarnation
//! with an [`Env`] of its own, on a madsim node of its own.

use super::clock::HostClock;
use super::disk::{Disk, DiskOf};
use super::entropy::{HostEntropy, Stream};
use super::network::link::Link;
use super::network::{Net, NetOf};
use super::probe::{Hook, Watch};
use super::timers::{Sleep, Timers};
use super::trace::{Event, What};
use super::{HostId, Shared};
use cfs_master::env::{BoxFuture, Env, TaskHandle, Tasks};
use madsim::runtime::{Handle, NodeHandle};
use std::future::Future;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

/// How a program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// `kill -9`: the kernel closes its sockets and keeps what was written.
    Process,
    /// The machine stops: nothing is said to anybody, and unsynced data is lost.
    Power,
}

struct Running {
    node: NodeHandle,
    alive: Arc<AtomicBool>,
}

struct Host {
    name: String,
    disk: Arc<Disk>,
    incarnation: u64,
    running: Option<Running>,
    paused: bool,
}

struct Inner {
    shared: Arc<Shared>,
    net: Arc<Net>,
    runtime: Handle,
    hosts: Mutex<Vec<Host>>,
}

/// The world of one run. Cheap to clone.
#[derive(Clone)]
pub struct World {
    inner: Arc<Inner>,
}

impl World {
    /// A world without hosts. Called by [`super::run`], inside a madsim runtime.
    pub(super) fn new(seed: u64, timers: Arc<Timers>, runtime: Handle) -> Self {
        let shared = Arc::new(Shared::new(seed, timers));
        let net = Net::new(shared.clone());
        let inner = Arc::new(Inner { shared, net, runtime, hosts: Mutex::default() });
        let weak: Weak<Inner> = Arc::downgrade(&inner);
        inner.shared.on_crash(move |host| {
            if let Some(inner) = weak.upgrade() {
                World { inner }.kill(host, Crash::Power);
            }
        });
        Self { inner }
    }

    pub fn seed(&self) -> u64 {
        self.inner.shared.seed
    }

    /// A stream of random numbers for a purpose of the caller's.
    pub fn stream(&self, labels: &[&str]) -> Stream {
        Stream::new(self.seed(), labels)
    }

    /// Virtual time since the start.
    pub fn now(&self) -> Duration {
        self.inner.shared.timers.now()
    }

    /// Waits in virtual time.
    pub fn sleep(&self, time: Duration) -> Sleep {
        self.inner.shared.timers.sleep(time)
    }

    /// Waits in virtual time.
    pub fn sleep_until(&self, at: Duration) -> Sleep {
        self.inner.shared.timers.sleep_until(at)
    }

    /// Calls `f` at `at`.
    pub fn call(&self, at: Duration, f: impl FnOnce() + Send + 'static) {
        self.inner.shared.timers.call(at, f);
    }

    /// Puts a hook at every disk and network step.
    pub fn set_hook(&self, hook: Option<Hook>) {
        self.inner.shared.probe.set(hook);
    }

    /// Has everything watched that happens to stores.
    pub fn set_watch(&self, watch: Watch) {
        self.inner.shared.probe.watch(watch);
    }

    /// Writes an event into the trace.
    pub fn note(&self, host: Option<HostId>, what: What) {
        self.inner.shared.event(host, what);
    }

    /// The hash over all events so far, and their number.
    pub fn trace_hash(&self) -> (u64, u64) {
        self.inner.shared.trace.hash()
    }

    /// The last events.
    pub fn last_events(&self) -> Vec<Event> {
        self.inner.shared.trace.last()
    }

    /// Writes every event to a file from now on.
    pub fn write_trace(&self, file: std::fs::File) {
        self.inner.shared.trace.write_to(file);
    }

    /// What a person follows a run by.
    pub fn story(&self) -> Vec<Event> {
        self.inner.shared.trace.story()
    }

    /// The names of all hosts, by number.
    pub fn names(&self) -> Vec<String> {
        self.hosts().iter().map(|host| host.name.clone()).collect()
    }

    /// A new host with power, and no program yet.
    pub fn add_host(&self, name: &str, ip: IpAddr) -> HostId {
        let mut hosts = self.hosts();
        let id = HostId(u16::try_from(hosts.len()).expect("few hosts"));
        let disk = Arc::new(Disk::new(id, self.inner.shared.clone()));
        hosts.push(Host { name: name.to_owned(), disk, incarnation: 0, running: None, paused: false });
        drop(hosts);
        self.inner.net.add_host(id, ip);
        id
    }

    fn hosts(&self) -> std::sync::MutexGuard<'_, Vec<Host>> {
        self.inner.hosts.lock().expect("lock")
    }

    pub fn clock(&self, host: HostId) -> Arc<HostClock> {
        self.inner.shared.host_clock(host)
    }

    pub fn disk(&self, host: HostId) -> Arc<Disk> {
        self.hosts()[usize::from(host.0)].disk.clone()
    }

    /// Names for the network's `resolve`.
    pub fn set_name(&self, name: &str, ips: Vec<IpAddr>) {
        self.inner.net.set_name(name, ips);
    }

    /// Whether a program runs there.
    pub fn is_up(&self, host: HostId) -> bool {
        self.hosts()[usize::from(host.0)].running.is_some()
    }

    /// Starts a program on a host that runs none: `program` gets the Env of the new incarnation.
    pub fn boot<F>(&self, host: HostId, program: impl FnOnce(Env) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let node = self.inner.runtime.create_node().build();
        let alive = Arc::new(AtomicBool::new(true));
        let env = {
            let mut hosts = self.hosts();
            let entry = &mut hosts[usize::from(host.0)];
            assert!(entry.running.is_none(), "{} runs already", entry.name);
            entry.incarnation += 1;
            entry.running = Some(Running { node: node.clone(), alive: alive.clone() });
            entry.paused = false;
            let shared = &self.inner.shared;
            shared.event(Some(host), What::Boot { incarnation: entry.incarnation });
            Env {
                clock: Arc::new(shared.clock(host)),
                tasks: Arc::new(TasksOf { node: node.clone() }),
                network: Arc::new(NetOf { net: self.inner.net.clone(), host, alive: alive.clone() }),
                storage: Arc::new(DiskOf { disk: entry.disk.clone(), alive }),
                entropy: Arc::new(HostEntropy::new(shared.seed, &entry.name, entry.incarnation)),
            }
        };
        self.inner.net.power_on(host);
        drop(node.spawn(program(env)));
    }

    /// Ends the host's program; nothing happens where none runs.
    pub fn kill(&self, host: HostId, crash: Crash) {
        let (running, disk) = {
            let mut hosts = self.hosts();
            let entry = &mut hosts[usize::from(host.0)];
            entry.paused = false;
            (entry.running.take(), entry.disk.clone())
        };
        let Some(running) = running else { return };
        running.alive.store(false, Ordering::Relaxed);
        self.note(Some(host), What::Kill { power: crash == Crash::Power });
        match crash {
            Crash::Process => disk.release(),
            Crash::Power => disk.crash(),
        }
        self.inner.net.kill(host, crash == Crash::Power);
        self.inner.runtime.kill(running.node.id());
    }

    /// Stops the host's program in its tracks (not its kernel) until `resume`.
    pub fn pause(&self, host: HostId) {
        let mut hosts = self.hosts();
        let entry = &mut hosts[usize::from(host.0)];
        if let (Some(running), false) = (&entry.running, entry.paused) {
            self.inner.runtime.pause(running.node.id());
            entry.paused = true;
        }
    }

    /// Lets a paused program go on.
    pub fn resume(&self, host: HostId) {
        let mut hosts = self.hosts();
        let entry = &mut hosts[usize::from(host.0)];
        if let (Some(running), true) = (&entry.running, entry.paused) {
            self.inner.runtime.resume(running.node.id());
            entry.paused = false;
        }
    }

    /// Cuts the way from one host to another, not the way back.
    pub fn cut_one_way(&self, from: HostId, to: HostId) {
        self.change_link(from, to, |link| link.cut = true);
    }

    /// Cuts both ways between two hosts.
    pub fn cut(&self, a: HostId, b: HostId) {
        self.cut_one_way(a, b);
        self.cut_one_way(b, a);
    }

    /// Joins both ways between two hosts again.
    pub fn join(&self, a: HostId, b: HostId) {
        self.change_link(a, b, |link| link.cut = false);
        self.change_link(b, a, |link| link.cut = false);
    }

    /// Changes the way from one host to another.
    pub fn change_link(&self, from: HostId, to: HostId, f: impl FnOnce(&mut Link)) {
        self.inner.net.change(from, to, f);
    }

    /// Resets every connection between two hosts.
    pub fn reset_between(&self, a: HostId, b: HostId) {
        self.inner.net.reset_between(a, b);
    }

    /// The size of send buffers and windows from now on, bytes.
    pub fn set_buffer(&self, bytes: usize) {
        self.inner.net.set_buffer(bytes);
    }

    /// Keeps what `from` sends to a port of `to` on connections that it made.
    pub fn capture(&self, from: HostId, to: HostId, port: u16) {
        self.inner.net.capture(from, to, port);
    }

    /// What was captured, by connection; capturing ends.
    pub fn captured(&self) -> Vec<Vec<u8>> {
        self.inner.net.captured()
    }

    /// Open connections of a host.
    pub fn connections(&self, host: HostId) -> usize {
        self.inner.net.connections(host)
    }

    /// All links healthy, no hook, all clocks right, no disk full, all programs going on. What is dead stays dead.
    pub fn heal(&self) {
        self.set_hook(None);
        self.inner.net.heal();
        let count = self.hosts().len();
        for host in (0..count).map(|n| HostId(n as u16)) {
            self.clock(host).repair();
            self.disk(host).set_full(false);
            self.resume(host);
        }
    }

    /// Forgets ended tasks, which madsim keeps a record of until asked.
    pub fn tidy(&self) {
        self.inner.runtime.metrics().num_tasks();
    }
}

struct TasksOf {
    node: NodeHandle,
}

impl Tasks for TasksOf {
    fn spawn(&self, _name: &'static str, future: BoxFuture<'static, ()>) -> TaskHandle {
        let handle = self.node.spawn(future);
        let abort = handle.abort_handle();
        TaskHandle::new(
            move || abort.abort(),
            Box::pin(async move {
                let _ = handle.await;
            }),
        )
    }
}
