//! The network of the simulated world: byte streams with windows, latency and cuts, on virtual time.
//!
//! It is as unkind as a real one. Connecting over a cut link hangs while SYNs are sent again; what a cut stops (bytes, the
//! end of the stream, a reset) arrives only after the link heals and the sender tries again; a killed program's sockets
//! are closed as a kernel closes them; a host without power says nothing at all.

pub mod link;
mod pipe;
mod stream;

use super::trace::What;
use super::{HostId, Shared};
use cfs_master::env::{BoxFuture, Listener, Mono, Network, Stream as EnvStream};
use link::{Link, RESEND_FIRST, RESEND_MAX, SYN_GIVES_UP, SYN_RETRIES_SECS};
use pipe::{Pipe, Segment, BUFFER_BYTES};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use stream::SimStream;

/// Connections that wait to be accepted on one address; a further SYN is dropped.
const BACKLOG_MAX: usize = 128;
const EPHEMERAL_PORT_FIRST: u16 = 32_768;

/// The state of one end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EndState {
    /// The program holds it.
    Open,
    /// The program let go; the kernel sends what is left, and answers bytes with a reset.
    Closed,
}

#[derive(Debug)]
struct End {
    host: HostId,
    addr: SocketAddr,
    state: EndState,
    /// Reset by the peer or by a fault: reads and writes fail.
    reset: bool,
    /// The machine lost power: nobody answers.
    gone: bool,
}

/// A connection: end 0 connected, end 1 accepted; `pipes[i]` carries what end `i` writes.
struct Conn {
    ends: [End; 2],
    pipes: [Pipe; 2],
}

struct Bound {
    host: HostId,
    token: u64,
    backlog: VecDeque<SimStream>,
    acceptor: Option<Waker>,
}

struct State {
    /// Size of send buffers and windows, bytes.
    buffer: usize,
    capture: Option<Capture>,
    hosts: BTreeMap<HostId, HostState>,
    names: BTreeMap<String, Vec<IpAddr>>,
    links: BTreeMap<(HostId, HostId), Link>,
    bound: BTreeMap<SocketAddr, Bound>,
    conns: BTreeMap<u64, Conn>,
    last_conn: u64,
    last_token: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            buffer: BUFFER_BYTES,
            capture: None,
            hosts: BTreeMap::new(),
            names: BTreeMap::new(),
            links: BTreeMap::new(),
            bound: BTreeMap::new(),
            conns: BTreeMap::new(),
            last_conn: 0,
            last_token: 0,
        }
    }
}

/// What one host sends to a port of another, by connection, to be sent again later.
struct Capture {
    from: HostId,
    to: HostId,
    port: u16,
    streams: BTreeMap<u64, Vec<u8>>,
}

/// Bytes of one connection that a capture keeps.
const CAPTURE_BYTES_MAX: usize = 64 << 10;

struct HostState {
    ip: IpAddr,
    powered: bool,
    next_port: u16,
}

/// The whole network.
pub struct Net {
    shared: Arc<Shared>,
    state: Mutex<State>,
}

impl State {
    fn link(&self, from: HostId, to: HostId) -> Link {
        self.links.get(&(from, to)).cloned().unwrap_or_default()
    }

    /// Whether something sent now reaches the other host.
    fn open(&self, from: HostId, to: HostId) -> bool {
        let powered = |host| self.hosts.get(&host).is_some_and(|h: &HostState| h.powered);
        powered(from) && powered(to) && (from == to || !self.links.get(&(from, to)).is_some_and(|link| link.cut))
    }

    fn host_of(&self, ip: IpAddr) -> Option<HostId> {
        self.hosts.iter().find(|(_, host)| host.ip == ip).map(|(id, _)| *id)
    }

    fn free_port(&mut self, host: HostId) -> Option<u16> {
        let ip = self.hosts.get(&host)?.ip;
        for _ in EPHEMERAL_PORT_FIRST..=u16::MAX {
            let state = self.hosts.get_mut(&host)?;
            let port = state.next_port;
            state.next_port = if port == u16::MAX { EPHEMERAL_PORT_FIRST } else { port + 1 };
            let addr = SocketAddr::new(ip, port);
            let used = self.bound.contains_key(&addr) || self.conns.values().any(|c| c.ends.iter().any(|end| end.addr == addr));
            if !used {
                return Some(port);
            }
        }
        None
    }
}

fn refused() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused")
}

fn timed_out() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "i/o timeout")
}

impl Net {
    pub fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self { shared, state: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("lock")
    }

    /// Plugs a host in.
    pub fn add_host(&self, host: HostId, ip: IpAddr) {
        let mut state = self.lock();
        assert!(state.host_of(ip).is_none(), "{ip} is taken");
        state.hosts.insert(host, HostState { ip, powered: true, next_port: EPHEMERAL_PORT_FIRST });
    }

    /// What a host name means, to every host.
    pub fn set_name(&self, name: &str, ips: Vec<IpAddr>) {
        self.lock().names.insert(name.to_owned(), ips);
    }

    /// Changes the way from one host to another; takes effect on what is sent or arrives from now on.
    pub fn change(self: &Arc<Self>, from: HostId, to: HostId, f: impl FnOnce(&mut Link)) {
        let mut state = self.lock();
        f(state.links.entry((from, to)).or_default());
        self.release_acks(&mut state);
    }

    /// Makes every link healthy.
    pub fn heal(self: &Arc<Self>) {
        let mut state = self.lock();
        state.links.clear();
        state.capture = None;
        for conn in state.conns.values_mut() {
            conn.pipes.iter_mut().for_each(|pipe| pipe.stalled = false);
        }
        self.release_acks(&mut state);
        let ids: Vec<u64> = state.conns.keys().copied().collect();
        for id in ids {
            self.pump(&mut state, id, 0);
            self.pump(&mut state, id, 1);
        }
    }

    /// Acknowledgements that a cut held back arrive where the way is open again.
    fn release_acks(&self, state: &mut State) {
        let held: Vec<(u64, usize)> = state
            .conns
            .iter()
            .flat_map(|(id, conn)| [(*id, 0), (*id, 1)].into_iter().filter(|(_, side)| conn.pipes[*side].ack_held > 0))
            .collect();
        for (id, side) in held {
            let Some(conn) = state.conns.get(&id) else { continue };
            if state.open(conn.ends[1 - side].host, conn.ends[side].host) {
                let pipe = &mut state.conns.get_mut(&id).expect("just seen").pipes[side];
                pipe.unacked -= std::mem::take(&mut pipe.ack_held);
                pipe.writer.take().into_iter().for_each(Waker::wake);
            }
        }
    }

    /// The host's program ended. With power, its kernel closes its sockets; without, they are just gone.
    pub fn kill(self: &Arc<Self>, host: HostId, power: bool) {
        let mut state = self.lock();
        let mine: Vec<SocketAddr> = state.bound.iter().filter(|(_, b)| b.host == host).map(|(addr, _)| *addr).collect();
        let bound: Vec<Bound> = mine.iter().filter_map(|addr| state.bound.remove(addr)).collect();
        let ends: Vec<(u64, usize)> = state
            .conns
            .iter()
            .flat_map(|(id, conn)| [(*id, 0), (*id, 1)].into_iter().filter(|(_, side)| conn.ends[*side].host == host))
            .collect();
        if power {
            state.hosts.get_mut(&host).expect("a host").powered = false;
        }
        for (id, side) in ends {
            if power {
                let conn = state.conns.get_mut(&id).expect("just seen");
                conn.ends[side].gone = true;
                conn.ends[side].state = EndState::Closed;
                conn.pipes[side].out.clear();
                conn.pipes[side].shut = false;
                conn.pipes[1 - side].inbox.clear();
                conn.pipes.iter_mut().for_each(Pipe::wake);
            } else {
                self.close(&mut state, id, side);
            }
        }
        drop(state);
        drop(bound);
    }

    /// The host has power again.
    pub fn power_on(&self, host: HostId) {
        self.lock().hosts.get_mut(&host).expect("a host").powered = true;
    }

    fn latency(&self, state: &State, from: HostId, to: HostId) -> Duration {
        if from == to {
            return Duration::from_micros(30);
        }
        let latency = state.link(from, to).latency;
        self.shared.draw2("latency", from, to, |stream| latency.draw(stream))
    }

    /// Sends what the window lets go.
    fn pump(self: &Arc<Self>, state: &mut State, id: u64, side: usize) {
        let Some(conn) = state.conns.get(&id) else { return };
        let (from, to) = (conn.ends[side].host, conn.ends[1 - side].host);
        if conn.ends[side].gone || conn.ends[side].reset || conn.pipes[side].stalled {
            return;
        }
        let (link, buffer, port) = (state.link(from, to), state.buffer, conn.ends[1].addr.port());
        loop {
            let conn = state.conns.get_mut(&id).expect("seen above");
            let Some((mut bytes, fin)) = conn.pipes[side].next_segment(buffer) else { break };
            let sent = conn.pipes[side].sent;
            if let Some(capture) = state.capture.as_mut().filter(|c| side == 0 && (c.from, c.to, c.port) == (from, to, port)) {
                let stream = capture.streams.entry(id).or_default();
                if stream.len() + bytes.len() <= CAPTURE_BYTES_MAX {
                    stream.extend_from_slice(&bytes);
                }
            }
            if let Some(one_in) = link.flip_one_in.filter(|_| link.flip_port.is_none_or(|only| only == port)) {
                self.shared.draw2("flip", from, to, |stream| {
                    if !bytes.is_empty() && stream.below(one_in) == 0 {
                        let at = stream.below(bytes.len() as u64) as usize;
                        bytes[at] ^= 1 << stream.below(8);
                    }
                });
            }
            let due = self.shared.timers.now() + self.latency(state, from, to);
            let conn = state.conns.get_mut(&id).expect("seen above");
            let pipe = &mut conn.pipes[side];
            // Segments of one direction never overtake each other.
            let due = pipe.flight.back().map_or(due, |last| due.max(last.due));
            pipe.flight.push_back(Segment { due, bytes, fin });
            if link.reset_at.is_some_and(|at| sent >= at) {
                self.reset_both(state, id);
                return;
            }
            if link.stall_at.is_some_and(|at| sent >= at) {
                state.conns.get_mut(&id).expect("seen above").pipes[side].stalled = true;
                break;
            }
        }
        self.schedule(state, id, side);
    }

    /// Sees to it that the front segment arrives.
    fn schedule(self: &Arc<Self>, state: &mut State, id: u64, side: usize) {
        let Some(conn) = state.conns.get_mut(&id) else { return };
        let pipe = &mut conn.pipes[side];
        let Some(front) = pipe.flight.front() else { return };
        if pipe.scheduled {
            return;
        }
        pipe.scheduled = true;
        let at = match pipe.lost {
            None => front.due,
            Some((since, tries)) => since + resend_after(tries),
        };
        let net = self.clone();
        self.shared.timers.call(at, move || net.arrive(id, side));
    }

    /// The front segment is due at the other end.
    fn arrive(self: &Arc<Self>, id: u64, side: usize) {
        let now = self.shared.timers.now();
        let mut state = self.lock();
        let state = &mut *state;
        let Some(conn) = state.conns.get(&id) else { return };
        let (from, to) = (conn.ends[side].host, conn.ends[1 - side].host);
        let (open, back) = (state.open(from, to), state.open(to, from));
        let conn = state.conns.get_mut(&id).expect("seen above");
        let gone = conn.ends[side].gone;
        let pipe = &mut conn.pipes[side];
        pipe.scheduled = false;
        if !open {
            if gone {
                // Nobody is left to send it again.
                pipe.flight.clear();
            } else {
                let (since, tries) = pipe.lost.unwrap_or((now, 0));
                pipe.lost = Some((since, tries + 1));
            }
            self.schedule(state, id, side);
            self.collect(state, id);
            return;
        }
        pipe.lost = None;
        let mut unwanted = false;
        while pipe.flight.front().is_some_and(|segment| segment.due <= now) {
            let segment = pipe.flight.pop_front().expect("just seen");
            if conn.ends[1 - side].state == EndState::Closed {
                unwanted |= !segment.bytes.is_empty() || conn.ends[1 - side].gone;
                pipe.unacked = pipe.unacked.saturating_sub(segment.bytes.len());
                continue;
            }
            match back {
                true => pipe.unacked = pipe.unacked.saturating_sub(segment.bytes.len()),
                false => pipe.ack_held += segment.bytes.len(),
            }
            pipe.inbox.extend(&segment.bytes);
            pipe.eof |= segment.fin;
        }
        pipe.wake();
        if unwanted {
            self.send_reset(state, id, side);
        }
        self.pump(state, id, side);
        self.collect(state, id);
    }

    /// A reset is on its way to end `side`.
    fn send_reset(self: &Arc<Self>, state: &State, id: u64, side: usize) {
        let Some(conn) = state.conns.get(&id) else { return };
        let (from, to) = (conn.ends[1 - side].host, conn.ends[side].host);
        let due = self.shared.timers.now() + self.latency(state, from, to);
        let net = self.clone();
        self.shared.timers.call(due, move || net.reset_arrives(id, side, None));
    }

    fn reset_arrives(self: &Arc<Self>, id: u64, side: usize, lost: Option<(Duration, u32)>) {
        let now = self.shared.timers.now();
        let mut state = self.lock();
        let Some(conn) = state.conns.get(&id) else { return };
        let (from, to) = (conn.ends[1 - side].host, conn.ends[side].host);
        if conn.ends[side].gone {
            return self.collect(&mut state, id);
        }
        if !state.open(from, to) {
            // Withheld by the cut; stands for the keep-alive probe that would meet the reset later.
            let (since, tries) = lost.map_or((now, 1), |(since, tries)| (since, tries + 1));
            let net = self.clone();
            return self.shared.timers.call(since + resend_after(tries), move || net.reset_arrives(id, side, Some((since, tries))));
        }
        self.reset_end(&mut state, id, side);
        self.collect(&mut state, id);
    }

    /// End `side` learns that the connection is reset.
    fn reset_end(&self, state: &mut State, id: u64, side: usize) {
        let Some(conn) = state.conns.get_mut(&id) else { return };
        conn.ends[side].reset = true;
        conn.pipes[side].clear();
        conn.pipes[1 - side].inbox.clear();
        conn.pipes.iter_mut().for_each(Pipe::wake);
        self.shared.event(Some(conn.ends[side].host), What::Reset { connection: id });
    }

    /// A fault resets both ends at once.
    fn reset_both(&self, state: &mut State, id: u64) {
        self.reset_end(state, id, 0);
        self.reset_end(state, id, 1);
    }

    /// Resets every connection between two hosts, now, at both ends.
    pub fn reset_between(&self, a: HostId, b: HostId) {
        let mut state = self.lock();
        let ids: Vec<u64> = state
            .conns
            .iter()
            .filter(|(_, conn)| {
                let (x, y) = (conn.ends[0].host, conn.ends[1].host);
                (x, y) == (a, b) || (x, y) == (b, a)
            })
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            self.reset_both(&mut state, id);
        }
    }

    /// The size of send buffers and windows from now on, bytes.
    pub fn set_buffer(&self, bytes: usize) {
        self.lock().buffer = bytes;
    }

    /// Keeps what `from` sends to a port of `to` on connections that it made.
    pub fn capture(&self, from: HostId, to: HostId, port: u16) {
        self.lock().capture = Some(Capture { from, to, port, streams: BTreeMap::new() });
    }

    /// What was captured, by connection; capturing ends.
    pub fn captured(&self) -> Vec<Vec<u8>> {
        self.lock().capture.take().map(|capture| capture.streams.into_values().collect()).unwrap_or_default()
    }

    /// Open connections of a host.
    pub fn connections(&self, host: HostId) -> usize {
        let open = |end: &End| end.host == host && end.state == EndState::Open;
        self.lock().conns.values().filter(|conn| conn.ends.iter().any(open)).count()
    }

    /// The program (or its kernel, when it died) closes end `side`.
    fn close(self: &Arc<Self>, state: &mut State, id: u64, side: usize) {
        let Some(conn) = state.conns.get_mut(&id) else { return };
        if conn.ends[side].state == EndState::Closed {
            return;
        }
        conn.ends[side].state = EndState::Closed;
        // Bytes that were never read make it a reset, as in a real kernel.
        if !conn.pipes[1 - side].inbox.is_empty() && !conn.ends[side].reset {
            return self.abort(state, id, side);
        }
        if !conn.ends[side].reset && !conn.pipes[side].shut {
            conn.pipes[side].shut = true;
            self.shared.event(Some(conn.ends[side].host), What::Shutdown { connection: id });
        }
        self.pump(state, id, side);
        self.collect(state, id);
    }

    /// Ends the connection with a reset.
    fn abort(self: &Arc<Self>, state: &mut State, id: u64, side: usize) {
        let Some(conn) = state.conns.get_mut(&id) else { return };
        conn.ends[side].state = EndState::Closed;
        if conn.ends[side].reset {
            return self.collect(state, id);
        }
        conn.ends[side].reset = true;
        conn.pipes[side].clear();
        conn.pipes[1 - side].inbox.clear();
        conn.pipes.iter_mut().for_each(Pipe::wake);
        self.shared.event(Some(conn.ends[side].host), What::Reset { connection: id });
        self.send_reset(state, id, 1 - side);
    }

    /// Forgets a connection that nobody holds and nothing travels on.
    fn collect(&self, state: &mut State, id: u64) {
        let Some(conn) = state.conns.get(&id) else { return };
        let quiet = |side: usize| {
            let (end, pipe) = (&conn.ends[side], &conn.pipes[side]);
            end.gone || end.reset || (pipe.flight.is_empty() && pipe.out.is_empty() && (!pipe.shut || pipe.fin_sent))
        };
        if conn.ends.iter().all(|end| end.state == EndState::Closed) && quiet(0) && quiet(1) {
            state.conns.remove(&id);
        }
    }

    /// One SYN at `now`: the connection, a refusal, or nothing heard.
    async fn syn(self: &Arc<Self>, alive: &Arc<AtomicBool>, from: HostId, to: SocketAddr) -> Option<io::Result<SimStream>> {
        let timers = &self.shared.timers;
        let there = {
            let state = self.lock();
            let host = state.host_of(to.ip())?;
            if !state.open(from, host) {
                return None;
            }
            self.latency(&state, from, host)
        };
        timers.sleep(there).await;
        let (answer, back) = {
            let mut state = self.lock();
            let host = state.host_of(to.ip())?;
            if !state.open(from, host) || !state.open(host, from) {
                return None;
            }
            let back = self.latency(&state, host, from);
            match state.bound.get(&to).map(|bound| bound.backlog.len()) {
                None => (Err(refused()), back),
                Some(waiting) if waiting >= BACKLOG_MAX => return None,
                Some(_) => (self.establish(&mut state, alive, from, host, to), back),
            }
        };
        timers.sleep(back).await;
        Some(answer)
    }

    fn establish(
        self: &Arc<Self>,
        state: &mut State,
        alive: &Arc<AtomicBool>,
        from: HostId,
        to_host: HostId,
        to: SocketAddr,
    ) -> io::Result<SimStream> {
        let port = state.free_port(from).ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))?;
        let ip = state.hosts.get(&from).map(|host| host.ip).ok_or_else(refused)?;
        state.last_conn += 1;
        let id = state.last_conn;
        let end = |host, addr| End { host, addr, state: EndState::Open, reset: false, gone: false };
        let ends = [end(from, SocketAddr::new(ip, port)), end(to_host, to)];
        state.conns.insert(id, Conn { ends, pipes: Default::default() });
        let queue = state.bound.get_mut(&to).ok_or_else(refused)?;
        // Streams that wait in a backlog belong to the kernel: always alive.
        queue.backlog.push_back(SimStream::new(self.clone(), id, 1, Arc::new(AtomicBool::new(true))));
        queue.acceptor.take().into_iter().for_each(Waker::wake);
        self.shared.event(Some(from), What::Connected { connection: id });
        Ok(SimStream::new(self.clone(), id, 0, alive.clone()))
    }

    async fn connect(self: &Arc<Self>, alive: &Arc<AtomicBool>, from: HostId, to: SocketAddr) -> io::Result<SimStream> {
        let timers = &self.shared.timers;
        let start = timers.now();
        let mut resend = SYN_RETRIES_SECS.iter().map(|secs| Duration::from_secs(*secs)).chain([SYN_GIVES_UP]);
        loop {
            if let Some(answer) = self.syn(alive, from, to).await {
                return answer;
            }
            match resend.next() {
                Some(after) => timers.sleep_until(start + after).await,
                None => return Err(timed_out()),
            }
        }
    }
}

/// When a segment first lost at 0 is sent for the `tries`-th time again.
fn resend_after(tries: u32) -> Duration {
    let mut at = Duration::ZERO;
    for n in 0..tries {
        at += RESEND_FIRST.saturating_mul(1 << n.min(20)).min(RESEND_MAX);
    }
    at
}

/// The Network seam of one incarnation of one host.
pub struct NetOf {
    pub net: Arc<Net>,
    pub host: HostId,
    /// False once the incarnation was killed.
    pub alive: Arc<AtomicBool>,
}

impl Network for NetOf {
    fn listen(&self, addr: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            if !self.alive.load(Ordering::Relaxed) {
                return std::future::pending().await;
            }
            let mut state = self.net.lock();
            let mine = state.hosts.get(&self.host).map(|host| host.ip).ok_or_else(refused)?;
            // Every host has one address: all addresses means that one.
            let ip = if addr.ip().is_unspecified() { mine } else { addr.ip() };
            if ip != mine {
                return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, "cannot assign requested address"));
            }
            let port = match addr.port() {
                0 => state.free_port(self.host).ok_or_else(|| io::Error::from(io::ErrorKind::AddrInUse))?,
                port => port,
            };
            let key = SocketAddr::new(ip, port);
            if state.bound.contains_key(&key) {
                return Err(io::Error::new(io::ErrorKind::AddrInUse, "address already in use"));
            }
            state.last_token += 1;
            let token = state.last_token;
            state.bound.insert(key, Bound { host: self.host, token, backlog: VecDeque::new(), acceptor: None });
            self.net.shared.event(Some(self.host), What::Listen { addr: key });
            let local = SocketAddr::new(addr.ip(), port);
            let listener = SimListener { net: self.net.clone(), alive: self.alive.clone(), key, local, token };
            Ok(Box::new(listener) as Box<dyn Listener>)
        })
    }

    fn connect(&self, addr: SocketAddr, deadline: Mono) -> BoxFuture<'_, io::Result<EnvStream>> {
        Box::pin(async move {
            if !self.alive.load(Ordering::Relaxed) {
                return std::future::pending().await;
            }
            let shared = &self.net.shared;
            shared.event(Some(self.host), What::Connect { to: addr });
            let clock = shared.clock(self.host);
            let result = tokio::select! {
                biased;
                result = self.net.connect(&self.alive, self.host, addr) => result,
                () = cfs_master::env::Clock::sleep_until(&clock, deadline) => Err(timed_out()),
            };
            match result {
                Ok(stream) => Ok(Box::new(stream) as EnvStream),
                Err(error) => {
                    shared.event(Some(self.host), What::ConnectFailed { to: addr, why: error.kind() });
                    Err(error)
                }
            }
        })
    }

    fn resolve<'a>(&'a self, host: &'a str, _deadline: Mono) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            if let Ok(ip) = host.parse::<IpAddr>() {
                return Ok(vec![ip]);
            }
            let known = self.net.lock().names.get(host).cloned();
            known.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no such host: {host}")))
        })
    }
}

struct SimListener {
    net: Arc<Net>,
    alive: Arc<AtomicBool>,
    key: SocketAddr,
    local: SocketAddr,
    token: u64,
}

impl SimListener {
    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(EnvStream, SocketAddr)>> {
        let mut state = self.net.lock();
        let Some(bound) = state.bound.get_mut(&self.key).filter(|bound| bound.token == self.token) else { return Poll::Pending };
        let Some(mut stream) = bound.backlog.pop_front() else {
            bound.acceptor = Some(cx.waker().clone());
            return Poll::Pending;
        };
        stream.adopt(self.alive.clone());
        let peer = state.conns.get(&stream.id()).map(|conn| conn.ends[0].addr);
        drop(state);
        match peer {
            Some(peer) => Poll::Ready(Ok((Box::new(stream), peer))),
            None => {
                // It ended while it waited here; the next one, if any.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl Listener for SimListener {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(EnvStream, SocketAddr)>> {
        Box::pin(poll_fn(|cx| self.poll_accept(cx)))
    }

    fn local_addr(&self) -> SocketAddr {
        self.local
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        let mut state = self.net.lock();
        let mine = state.bound.get(&self.key).is_some_and(|bound| bound.token == self.token);
        let bound = if mine { state.bound.remove(&self.key) } else { None };
        drop(state);
        // Who waited to be accepted is reset.
        for stream in bound.into_iter().flat_map(|bound| bound.backlog) {
            stream.reset();
        }
    }
}
