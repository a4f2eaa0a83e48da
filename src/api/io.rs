//! hyper over the seams: a stream of ours as one of hyper's, with bounds on how long it may stand still.
//!
//! Must not know: routes, masters.

use super::request_line::RequestLine;
use crate::env::{Env, Mono, Stream};
use hyper::rt::ReadBufCursor;
use std::future::Future;
use std::io;
use std::pin::{pin, Pin};
use std::sync::{Arc, Mutex};
use std::task::{ready, Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes read at a time.
const READ_BYTES: usize = 16 << 10;

type Sleep = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// Until when the next request must have arrived, told by the service to its stream. None: a request is being handled.
#[derive(Clone, Default)]
pub struct Expected(Arc<Mutex<Option<Mono>>>);

impl Expected {
    pub fn set(&self, deadline: Option<Mono>) {
        *self.0.lock().expect("no holder panics") = deadline;
    }

    fn get(&self) -> Option<Mono> {
        *self.0.lock().expect("no holder panics")
    }
}

/// A stream for hyper.
pub struct HyperIo {
    stream: Stream,
    env: Env,
    scratch: Box<[u8]>,
    /// Read and not yet taken: what `scratch` held, from `taken` on.
    held: Vec<u8>,
    taken: usize,
    read: ReadBound,
    read_alarm: Option<(Mono, Sleep)>,
    /// A write that gets no byte through for this long fails.
    write_stall: Duration,
    write_alarm: Option<Sleep>,
}

enum ReadBound {
    /// Of a server: a request is there in time, and its first line is made fit for hyper.
    Request(Expected, RequestLine),
    /// Of a client: a read that gets no byte for this long fails.
    Stall(Duration),
}

impl HyperIo {
    /// A stream that requests come from.
    pub fn server(stream: Stream, env: Env, expected: Expected, write_stall: Duration) -> Self {
        Self::new(stream, env, ReadBound::Request(expected, RequestLine::default()), write_stall)
    }

    /// A stream that responses come from.
    pub fn client(stream: Stream, env: Env, stall: Duration) -> Self {
        Self::new(stream, env, ReadBound::Stall(stall), stall)
    }

    fn new(stream: Stream, env: Env, read: ReadBound, write_stall: Duration) -> Self {
        let scratch = vec![0; READ_BYTES].into_boxed_slice();
        Self { stream, env, scratch, held: Vec::new(), taken: 0, read, read_alarm: None, write_stall, write_alarm: None }
    }

    /// Ends a read that has waited too long.
    fn poll_read_bound(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let deadline = match &self.read {
            ReadBound::Request(expected, _) => expected.get(),
            ReadBound::Stall(stall) => Some(self.read_alarm.as_ref().map_or_else(|| self.env.now() + *stall, |(at, _)| *at)),
        };
        let Some(deadline) = deadline else {
            self.read_alarm = None;
            return Poll::Pending;
        };
        if self.read_alarm.as_ref().is_none_or(|(at, _)| *at != deadline) {
            self.read_alarm = Some((deadline, self.env.clock.sleep_until(deadline)));
        }
        let Some((_, sleep)) = &mut self.read_alarm else { return Poll::Pending };
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_write_bound<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.write_alarm = None;
            return poll;
        }
        let (env, stall) = (&self.env, self.write_stall);
        let alarm = self.write_alarm.get_or_insert_with(|| env.clock.sleep_until(env.now() + stall));
        ready!(alarm.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn hand_out(&mut self, buf: &mut ReadBufCursor<'_>) {
        let take = (self.held.len() - self.taken).min(buf.remaining());
        buf.put_slice(&self.held[self.taken..self.taken + take]);
        self.taken += take;
        if self.taken == self.held.len() {
            self.held.clear();
            self.taken = 0;
        }
    }
}

impl hyper::rt::Read for HyperIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, mut buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.held.is_empty() {
            let mut read = ReadBuf::new(&mut this.scratch);
            match Pin::new(&mut this.stream).poll_read(cx, &mut read) {
                Poll::Pending => return this.poll_read_bound(cx),
                Poll::Ready(done) => done?,
            }
            this.read_alarm = None;
            let bytes = read.filled();
            match &mut this.read {
                ReadBound::Request(expected, line) => line.pass(bytes, expected.get().is_some(), &mut this.held),
                ReadBound::Stall(_) => this.held.extend_from_slice(bytes),
            }
        }
        this.hand_out(&mut buf);
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for HyperIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.poll_write_bound(cx, poll)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_flush(cx);
        this.poll_write_bound(cx, poll)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        pin!(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
