//! Idle connections to one node (v3.5.3 admin-tasks.md §4.2): first in, first out, closed after a time.

use crate::env::{Env, Mono, Stream};
use crate::limits;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, ReadBuf};

/// Connections to one node that wait for their next use.
pub struct Pool {
    addr: String,
    idle: Mutex<VecDeque<(Stream, Mono)>>,
}

/// A connection for one exchange.
pub struct Taken {
    pub stream: Stream,
    /// It was idle before: the node may have ended it without our knowledge.
    pub reused: bool,
}

impl Pool {
    pub fn new(addr: String) -> Self {
        Self { addr, idle: Mutex::default() }
    }

    /// An idle connection that is still quiet, else a new one. Errors: the node cannot be reached.
    pub async fn take(&self, env: &Env) -> io::Result<Taken> {
        while let Some((mut stream, since)) = self.pop() {
            if env.now().since(since) < limits::POOL_IDLE_TIMEOUT && is_quiet(&mut stream) {
                return Ok(Taken { stream, reused: true });
            }
        }
        Ok(Taken { stream: self.connect(env).await?, reused: false })
    }

    /// A new connection. Errors: the node cannot be reached.
    pub async fn connect(&self, env: &Env) -> io::Result<Stream> {
        let addr: SocketAddr = match self.addr.parse() {
            Ok(addr) => addr,
            Err(_) => self.resolve(env).await?,
        };
        env.network.connect(addr, env.now() + limits::NODE_CONNECT_TIMEOUT).await
    }

    async fn resolve(&self, env: &Env) -> io::Result<SocketAddr> {
        let bad = || io::Error::new(io::ErrorKind::InvalidInput, format!("{} is no address", self.addr));
        let (host, port) = self.addr.rsplit_once(':').ok_or_else(bad)?;
        let port = port.parse().map_err(|_| bad())?;
        let ips = env.network.resolve(host, env.now() + limits::NODE_CONNECT_TIMEOUT).await?;
        ips.first().map(|ip| SocketAddr::new(*ip, port)).ok_or_else(bad)
    }

    /// Gives back a connection on which the last exchange was good.
    pub fn put(&self, env: &Env, stream: Stream) {
        let mut idle = self.idle.lock().expect("no holder panics");
        if idle.len() < limits::POOL_IDLE_MAX {
            idle.push_back((stream, env.now()));
        }
    }

    /// Closes what has been idle for too long.
    pub fn expire(&self, now: Mono) {
        self.idle.lock().expect("no holder panics").retain(|(_, since)| now.since(*since) < limits::POOL_IDLE_TIMEOUT);
    }

    fn pop(&self) -> Option<(Stream, Mono)> {
        self.idle.lock().expect("no holder panics").pop_front()
    }
}

/// Nothing to read and not ended: an idle connection with bytes or an end-of-file on it cannot carry the next exchange.
fn is_quiet(stream: &mut Stream) -> bool {
    let mut byte = [0; 1];
    let mut buf = ReadBuf::new(&mut byte);
    let mut context = Context::from_waker(Waker::noop());
    matches!(Pin::new(stream).poll_read(&mut context, &mut buf), Poll::Pending)
}
