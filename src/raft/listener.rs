//! What comes in on the replica port: messages and snapshots for the driver, and questions that are answered at once.
//!
//! Malformed input closes its connection; it reaches nobody.

use super::connection::{read_frame, write_frame};
use super::frame::Frame;
use super::hello::Identity;
use super::message::{is_sound, Envelope, Hello};
use super::snapshot::{self, Received};
use crate::env::{Env, Listener, Stream};
use crate::limits;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::BufReader;
use tokio::sync::{mpsc, watch};

/// What another master wants of the driver.
pub enum Incoming {
    Message(Box<Envelope>),
    Snapshot(Received),
    /// It asked who this master is.
    Hello(Hello),
}

/// Serves the replica port until `closing` changes.
pub struct Server {
    pub env: Env,
    pub identity: Arc<Identity>,
    pub inbox: mpsc::Sender<Incoming>,
    pub closing: watch::Receiver<bool>,
}

/// Counts itself out when it is dropped.
struct Slot(Arc<AtomicUsize>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Server {
    pub async fn run(self, mut listener: Box<dyn Listener>) {
        let server = Arc::new(self);
        let open = Arc::new(AtomicUsize::new(0));
        let mut closing = server.closing.clone();
        loop {
            let accepted = tokio::select! {
                biased;
                _ = closing.wait_for(|closing| *closing) => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let slot = Slot(open.clone());
                    if open.fetch_add(1, Ordering::Relaxed) < limits::RAFT_CONNECTIONS_MAX {
                        let server = server.clone();
                        server.env.clone().spawn("raft connection", async move { server.serve(stream, slot).await });
                    }
                }
                Err(e) => {
                    tracing::warn!("accepting on the replica port: {e}");
                    server.env.sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn serve(&self, stream: Stream, _slot: Slot) {
        let mut closing = self.closing.clone();
        tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => {}
            ended = self.exchange(BufReader::new(stream)) => match ended {
                Err(e) if e.kind() == io::ErrorKind::InvalidData => tracing::warn!("a connection to the replica port was closed: {e}"),
                _ => {}
            }
        }
    }

    /// Ends only with an error; an orderly end is one too.
    async fn exchange(&self, mut stream: BufReader<Stream>) -> io::Result<()> {
        loop {
            let frame = read_frame(&self.env, &mut stream, self.env.now() + limits::RAFT_IDLE_TIMEOUT).await?;
            match frame {
                Frame::Message(envelope) if is_sound(&envelope) => self.deliver(Incoming::Message(Box::new(envelope))).await?,
                Frame::Ping(number) => write_frame(&self.env, &mut stream, &Frame::Pong(number)).await?,
                Frame::Hello(hello) => {
                    let reply = self.identity.answer(&hello);
                    write_frame(&self.env, &mut stream, &Frame::HelloReply(reply)).await?;
                    self.deliver(Incoming::Hello(hello)).await?;
                }
                Frame::SnapshotBegin(begin) => {
                    let received = snapshot::receive(&self.env, &mut stream, begin, &self.identity).await?;
                    self.deliver(Incoming::Snapshot(received)).await?;
                    write_frame(&self.env, &mut stream, &Frame::SnapshotReceived).await?;
                }
                _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame that does not belong here")),
            }
        }
    }

    /// Waits for room: a master that is behind is not sent more.
    async fn deliver(&self, incoming: Incoming) -> io::Result<()> {
        self.inbox.send(incoming).await.map_err(|_| io::ErrorKind::ConnectionAborted.into())
    }
}
