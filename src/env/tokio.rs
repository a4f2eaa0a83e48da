//! Production: tokio behind the seams, and the operating system's randomness.
//!
//! Everything here must be called inside a tokio runtime with its I/O and timer drivers on.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the seams' real side")]

use super::{rocks, BoxFuture, Clock, Entropy, Env, Io, Listener, Mono, Network, Purpose, Stream, TaskHandle, Tasks, Wall};
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Connections that the kernel holds for a listener before it accepts them.
const LISTEN_BACKLOG: u32 = 1_024;
/// A sleep is cut to this: no timer of ours waits longer, and `Instant` overflows beyond.
const SLEEP_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

/// The real world: tokio, TCP, RocksDB, the operating system's randomness.
pub fn production() -> Env {
    let clock = Arc::new(TokioClock { origin: Instant::now() });
    Env {
        network: Arc::new(TokioNetwork { clock: clock.clone() }),
        clock,
        tasks: Arc::new(TokioTasks),
        storage: Arc::new(rocks::RocksStorage),
        entropy: Arc::new(OsEntropy),
    }
}

struct TokioClock {
    origin: Instant,
}

impl TokioClock {
    fn instant(&self, at: Mono) -> tokio::time::Instant {
        (self.origin + at.0.min(SLEEP_MAX + self.origin.elapsed())).into()
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Mono {
        Mono(self.origin.elapsed())
    }

    fn wall(&self) -> Wall {
        let nanos = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => Wall(nanos(since)),
            Err(before) => Wall(-nanos(before.duration())),
        }
    }

    fn sleep_until(&self, at: Mono) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        Box::pin(tokio::time::sleep_until(self.instant(at)))
    }
}

struct TokioTasks;

impl Tasks for TokioTasks {
    fn spawn(&self, name: &'static str, future: BoxFuture<'static, ()>) -> TaskHandle {
        let task = tokio::spawn(future);
        let abort = task.abort_handle();
        TaskHandle::new(
            move || abort.abort(),
            Box::pin(async move {
                if let Err(ended) = task.await {
                    if ended.is_panic() {
                        tracing::error!(task = name, "a background task panicked");
                    }
                }
            }),
        )
    }
}

struct TokioNetwork {
    clock: Arc<TokioClock>,
}

/// A socket of the address's family with keep-alive and no-delay; on Linux a listener hands both on to what it accepts.
fn socket(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_keepalive(true)?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

impl Network for TokioNetwork {
    fn listen(&self, addr: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            let socket = socket(addr)?;
            socket.set_reuseaddr(true)?;
            socket.bind(addr)?;
            let listener = socket.listen(LISTEN_BACKLOG)?;
            let local = listener.local_addr()?;
            Ok(Box::new(TokioListener { listener, local }) as Box<dyn Listener>)
        })
    }

    fn connect(&self, addr: SocketAddr, deadline: Mono) -> BoxFuture<'_, io::Result<Stream>> {
        Box::pin(async move {
            if self.clock.now() >= deadline {
                return Err(super::Elapsed.into());
            }
            let connecting = socket(addr)?.connect(addr);
            match tokio::time::timeout_at(self.clock.instant(deadline), connecting).await {
                Ok(connected) => Ok(Box::new(TokioIo { stream: Some(connected?) }) as Stream),
                Err(_) => Err(super::Elapsed.into()),
            }
        })
    }

    fn resolve<'a>(&'a self, host: &'a str, deadline: Mono) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            if let Ok(ip) = host.parse::<IpAddr>() {
                return Ok(vec![ip]);
            }
            // The system's resolver takes "1.2.3" for 1.2.0.3, as nobody means it.
            if host.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
                return Err(io::Error::new(io::ErrorKind::NotFound, format!("{host} is neither a name nor an address")));
            }
            match tokio::time::timeout_at(self.clock.instant(deadline), tokio::net::lookup_host((host, 0))).await {
                Ok(found) => Ok(found?.map(|addr| addr.ip()).collect()),
                Err(_) => Err(super::Elapsed.into()),
            }
        })
    }
}

struct TokioListener {
    listener: TcpListener,
    local: SocketAddr,
}

impl Listener for TokioListener {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(Stream, SocketAddr)>> {
        Box::pin(async move {
            let (stream, peer) = self.listener.accept().await?;
            stream.set_nodelay(true)?;
            Ok((Box::new(TokioIo { stream: Some(stream) }) as Stream, peer))
        })
    }

    fn local_addr(&self) -> SocketAddr {
        self.local
    }
}

/// A TCP connection; `None` after an abort.
struct TokioIo {
    stream: Option<TcpStream>,
}

impl TokioIo {
    fn live(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::ConnectionAborted.into())
    }
}

impl Io for TokioIo {
    fn abort(&mut self) {
        if let Some(stream) = self.stream.take() {
            // With a linger time of zero, closing sends a reset. If it cannot be set the connection just closes.
            let _ = stream.set_zero_linger();
        }
    }
}

impl AsyncRead for TokioIo {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.live()?.poll_read(cx, buf)
    }
}

impl AsyncWrite for TokioIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.live()?.poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.live()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.live()?.poll_shutdown(cx)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.live()?.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

/// Every number comes from the operating system: access keys are drawn here too, and no draw can be guessed from others.
struct OsEntropy;

impl Entropy for OsEntropy {
    fn next_u64(&self, _purpose: Purpose) -> u64 {
        // It fails only on systems without a random device, where no key could be safe.
        getrandom::u64().expect("the operating system gives random numbers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn pair(env: &Env) -> (Stream, Stream) {
        let mut listener = env.network.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let opened = env.network.connect(listener.local_addr(), env.now() + Duration::from_secs(5)).await.unwrap();
        (opened, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn bytes_arrive_and_an_orderly_end_reads_as_end_of_file() {
        let env = production();
        let (mut near, mut far) = pair(&env).await;
        near.write_all(b"hello").await.unwrap();
        near.shutdown().await.unwrap();
        let mut got = Vec::new();
        far.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"hello");
    }

    #[tokio::test]
    async fn an_abort_reads_as_a_reset_on_the_other_side() {
        let env = production();
        let (mut near, mut far) = pair(&env).await;
        near.abort();
        assert_eq!(far.read_u8().await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(near.write_u8(1).await.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    }

    #[tokio::test]
    async fn a_wait_ends_at_its_deadline() {
        let env = production();
        let before = env.now();
        assert!(env.until(before + Duration::from_millis(20), std::future::pending::<()>()).await.is_err());
        assert!(env.now().since(before) >= Duration::from_millis(20));
    }

    #[tokio::test]
    async fn an_address_in_text_form_answers_itself() {
        let env = production();
        assert_eq!(env.network.resolve("10.1.2.3", env.now()).await.unwrap(), vec![IpAddr::from([10, 1, 2, 3])]);
    }

    #[tokio::test]
    async fn a_far_deadline_does_not_overflow() {
        let env = production();
        let sleep = env.clock.sleep_until(Mono(Duration::MAX));
        assert!(env.until(env.now() + Duration::from_millis(5), sleep).await.is_err());
    }
}
