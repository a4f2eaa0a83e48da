//! The seams: what the program needs of the world, as traits. One [`Env`] is handed to every layer that does I/O, and
//! nothing else in `src` reaches for a clock, a socket, a disk or a random number. Production lies beside this file
//! (`tokio.rs`, `rocks.rs`); the simulated world is the package `sim`.
//!
//! A deadline is an argument of every wait on a peer: there is no default time-out, and no wait without one.

#[cfg(feature = "production")]
pub mod rocks;
pub mod storage;
#[cfg(feature = "production")]
pub mod tokio;

use ::tokio::io::{AsyncRead, AsyncWrite};
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use storage::{Batch, Durability, Op, Storage, Store, StoreError, View};

/// A boxed future; the seams are used as trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Monotonic time since an origin of the node's own. Comparable on one node only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(pub Duration);

impl Mono {
    /// Time from `earlier` to `self`; zero when `earlier` is later.
    pub fn since(self, earlier: Mono) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl std::ops::Add<Duration> for Mono {
    type Output = Mono;
    fn add(self, by: Duration) -> Mono {
        Mono(self.0.saturating_add(by))
    }
}

/// Wall-clock time: nanoseconds since 1970, UTC. It may jump either way: never used to measure a wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall(pub i64);

impl Wall {
    /// Whole seconds since 1970.
    pub fn secs(self) -> i64 {
        self.0.div_euclid(1_000_000_000)
    }
}

/// Time.
pub trait Clock: Send + Sync {
    /// Monotonic now.
    fn now(&self) -> Mono;
    /// Wall-clock now.
    fn wall(&self) -> Wall;
    /// Completes at or after `at`. The future is `Sync` because hyper's timer wants it so.
    fn sleep_until(&self, at: Mono) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>>;
}

/// Concurrency.
pub trait Tasks: Send + Sync {
    /// Runs a future in the background. `name` is for traces.
    fn spawn(&self, name: &'static str, future: BoxFuture<'static, ()>) -> TaskHandle;
}

/// A running background task. Dropping the handle leaves the task running.
pub struct TaskHandle {
    abort: Box<dyn Fn() + Send + Sync>,
    done: BoxFuture<'static, ()>,
}

impl TaskHandle {
    /// `abort` ends the task soon; `done` completes when it has ended, however it ended.
    pub fn new(abort: impl Fn() + Send + Sync + 'static, done: BoxFuture<'static, ()>) -> Self {
        Self { abort: Box::new(abort), done }
    }

    /// Asks the task to end at its next await.
    pub fn abort(&self) {
        (self.abort)()
    }

    /// Waits until the task has ended, by itself, by abort or by panic.
    pub async fn join(self) {
        self.done.await
    }
}

/// A byte stream to a peer.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {
    /// Ends the connection at once, without flushing (a reset as the peer sees it).
    fn abort(&mut self);
}

/// A byte stream to a peer.
pub type Stream = Box<dyn Io>;

/// The network.
pub trait Network: Send + Sync {
    /// Binds `addr`; port 0 picks a free one. Errors: the address is in use or not ours.
    fn listen(&self, addr: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>>;
    /// Connects to `addr`. Errors: refused, unreachable, or `TimedOut` once `deadline` has passed.
    fn connect(&self, addr: SocketAddr, deadline: Mono) -> BoxFuture<'_, io::Result<Stream>>;
    /// Addresses of a host name, at most until `deadline`. An address in text form answers itself.
    fn resolve<'a>(&'a self, host: &'a str, deadline: Mono) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// A bound address. Dropping it stops listening.
pub trait Listener: Send {
    /// The next connection and who opened it.
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(Stream, SocketAddr)>>;
    /// The bound address, with the real port.
    fn local_addr(&self) -> SocketAddr;
}

/// What a random number is for. Each purpose has a stream of its own, so that one more draw for one of them leaves the others as they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Raft election time-outs.
    Election,
    /// Identity of a master's disk (see `raft`).
    Incarnation,
    /// Choosing and shuffling hosts.
    Placement,
    /// Access and secret keys, uuids.
    Secret,
    /// Request ids and task ids.
    Request,
}

/// Randomness.
pub trait Entropy: Send + Sync {
    /// The next number of the purpose's stream.
    fn next_u64(&self, purpose: Purpose) -> u64;
}

/// The world, as one value.
#[derive(Clone)]
pub struct Env {
    pub clock: Arc<dyn Clock>,
    pub tasks: Arc<dyn Tasks>,
    pub network: Arc<dyn Network>,
    pub storage: Arc<dyn Storage>,
    pub entropy: Arc<dyn Entropy>,
}

/// A wait that ran into its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deadline passed")
    }
}

impl std::error::Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(_: Elapsed) -> Self {
        io::Error::new(io::ErrorKind::TimedOut, "i/o timeout")
    }
}

impl Env {
    /// Monotonic now.
    pub fn now(&self) -> Mono {
        self.clock.now()
    }

    /// Wall-clock now.
    pub fn wall(&self) -> Wall {
        self.clock.wall()
    }

    /// Sleeps for `time`.
    pub async fn sleep(&self, time: Duration) {
        self.clock.sleep_until(self.clock.now() + time).await
    }

    /// `future`, or [`Elapsed`] at `deadline`. The future is dropped then.
    pub async fn until<T>(&self, deadline: Mono, future: impl Future<Output = T>) -> Result<T, Elapsed> {
        let sleep = self.clock.sleep_until(deadline);
        ::tokio::select! {
            biased;
            out = future => Ok(out),
            () = sleep => Err(Elapsed),
        }
    }

    /// Runs a future in the background.
    pub fn spawn(&self, name: &'static str, future: impl Future<Output = ()> + Send + 'static) -> TaskHandle {
        self.tasks.spawn(name, Box::pin(future))
    }
}
