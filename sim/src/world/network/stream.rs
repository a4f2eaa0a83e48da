//! One end of a connection as the program holds it.

use super::super::probe::{Place, Point, Verdict};
use super::super::trace::{hash_bytes, What};
use super::{EndState, Net};
use cfs_master::env::Io;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub struct SimStream {
    net: Arc<Net>,
    id: u64,
    side: usize,
    alive: Arc<AtomicBool>,
}

fn reset_error() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer")
}

fn broken_pipe() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "broken pipe")
}

impl SimStream {
    pub fn new(net: Arc<Net>, id: u64, side: usize, alive: Arc<AtomicBool>) -> Self {
        Self { net, id, side, alive }
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    /// The incarnation that accepted it.
    pub fn adopt(&mut self, alive: Arc<AtomicBool>) {
        self.alive = alive;
    }

    /// Ends the connection with a reset, as its kernel would.
    pub fn reset(self) {
        let mut state = self.net.lock();
        self.net.abort(&mut state, self.id, self.side);
    }

    fn alive(&self) -> bool {
        self.alive.load(Ordering::Relaxed)
    }
}

impl AsyncRead for SimStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut guard = self.net.lock();
        let state = &mut *guard;
        if !self.alive() {
            return Poll::Pending;
        }
        let Some(conn) = state.conns.get(&self.id) else { return Poll::Ready(Err(reset_error())) };
        if conn.ends[self.side].reset {
            return Poll::Ready(Err(reset_error()));
        }
        let (from, to) = (conn.ends[1 - self.side].host, conn.ends[self.side].host);
        let chop = state.links.get(&(from, to)).and_then(|link| link.chop).unwrap_or(usize::MAX);
        let pipe = &mut state.conns.get_mut(&self.id).expect("seen above").pipes[1 - self.side];
        let n = pipe.inbox.len().min(buf.remaining()).min(chop);
        if n == 0 && !pipe.eof && buf.remaining() > 0 {
            pipe.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if n == 0 && !pipe.inbox.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let (head, tail) = pipe.inbox.as_slices();
        let first = n.min(head.len());
        buf.put_slice(&head[..first]);
        buf.put_slice(&tail[..n - first]);
        pipe.inbox.drain(..n);
        self.net.pump(state, self.id, 1 - self.side);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !self.alive() {
            return Poll::Pending;
        }
        let (host, port) = {
            let mut guard = self.net.lock();
            let state = &mut *guard;
            let Some(conn) = state.conns.get_mut(&self.id) else { return Poll::Ready(Err(reset_error())) };
            if conn.ends[self.side].reset {
                return Poll::Ready(Err(reset_error()));
            }
            let (buffer, pipe) = (state.buffer, &mut conn.pipes[self.side]);
            if pipe.shut {
                return Poll::Ready(Err(broken_pipe()));
            }
            if bytes.is_empty() {
                return Poll::Ready(Ok(0));
            }
            if pipe.room(buffer) == 0 {
                pipe.writer = Some(cx.waker().clone());
                return Poll::Pending;
            }
            (conn.ends[self.side].host, conn.ends[1].addr.port())
        };
        // The probe may kill this host: no lock is held here.
        match self.net.shared.probe.ask(host, Point::SendBegin, Place::Port(port)) {
            Verdict::Go | Verdict::Stall(_) => {}
            Verdict::Fail => {
                let mut state = self.net.lock();
                self.net.reset_both(&mut state, self.id);
                return Poll::Ready(Err(reset_error()));
            }
            Verdict::Crash => {
                self.net.shared.crash(host);
                return Poll::Pending;
            }
        }
        let mut guard = self.net.lock();
        let state = &mut *guard;
        let Some(conn) = state.conns.get(&self.id) else { return Poll::Ready(Err(reset_error())) };
        let to = conn.ends[1 - self.side].host;
        let chop = state.links.get(&(host, to)).and_then(|link| link.chop).unwrap_or(usize::MAX);
        let (buffer, pipe) = (state.buffer, &mut state.conns.get_mut(&self.id).expect("seen above").pipes[self.side]);
        let n = bytes.len().min(pipe.room(buffer)).min(chop);
        pipe.out.extend(&bytes[..n]);
        pipe.unacked += n;
        let hash = hash_bytes(0, &bytes[..n]);
        self.net.shared.event(Some(host), What::Send { connection: self.id, bytes: n, hash });
        self.net.pump(state, self.id, self.side);
        drop(guard);
        if self.net.shared.probe.ask(host, Point::SendEnd, Place::Port(port)) == Verdict::Crash {
            self.net.shared.crash(host);
            return Poll::Pending;
        }
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.alive() {
            return Poll::Pending;
        }
        let mut guard = self.net.lock();
        let state = &mut *guard;
        let Some(conn) = state.conns.get_mut(&self.id) else { return Poll::Ready(Ok(())) };
        if conn.ends[self.side].reset {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::NotConnected, "not connected")));
        }
        if !conn.pipes[self.side].shut {
            conn.pipes[self.side].shut = true;
            self.net.shared.event(Some(conn.ends[self.side].host), What::Shutdown { connection: self.id });
            self.net.pump(state, self.id, self.side);
        }
        Poll::Ready(Ok(()))
    }
}

impl Io for SimStream {
    fn abort(&mut self) {
        let mut state = self.net.lock();
        if self.alive() {
            self.net.abort(&mut state, self.id, self.side);
        }
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        let mut state = self.net.lock();
        let open = state.conns.get(&self.id).is_some_and(|conn| conn.ends[self.side].state == EndState::Open);
        if open {
            self.net.close(&mut state, self.id, self.side);
        }
    }
}
