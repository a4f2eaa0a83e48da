//! One request and its reply on one connection. Any error means that the connection must not be used again.

use crate::env::{Elapsed, Env, Io, Mono};
use crate::limits;
use crate::mutants::mutant;
use crate::wire::packet::{decode_versions, versions_len, Header, Packet, PacketError, HEADER_LEN};
use bytes::Bytes;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What went wrong with an exchange, and whether the node can have seen the request.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The connection did not take the whole request: the node cannot have executed it.
    #[error("write: {0}")]
    Unsent(io::Error),
    /// The connection took all of the request; the node may have executed it.
    #[error("read: {0}")]
    NoReply(io::Error),
    /// The node wrote something that is no packet.
    #[error("reply: {0}")]
    BadReply(#[from] PacketError),
    /// The reply belongs to another request.
    #[error("reply to request {got_id} {got_op:#04x}, sent {want_id} {want_op:#04x}")]
    Mismatch { want_id: i64, got_id: i64, want_op: u8, got_op: u8 },
}

impl ExchangeError {
    /// The node cannot have executed the request.
    pub fn is_unsent(&self) -> bool {
        matches!(self, Self::Unsent(_))
    }

    /// The connection ended, as that of a node that was restarted does. A time-out says nothing of the kind.
    pub fn is_end_of_connection(&self) -> bool {
        matches!(self, Self::Unsent(e) | Self::NoReply(e) if e.kind() != io::ErrorKind::TimedOut)
    }
}

/// Writes `request` within [`limits::NODE_WRITE_TIMEOUT`] and reads the reply within `reply_timeout`.
pub async fn exchange(env: &Env, stream: &mut dyn Io, request: &Packet, reply_timeout: Duration) -> Result<Packet, ExchangeError> {
    let mut taken = false;
    let written = env.until(env.now() + limits::NODE_WRITE_TIMEOUT, write_packet(stream, request, &mut taken)).await;
    if let Err(why) = written.map_err(timed_out).and_then(|r| r) {
        return Err(if taken { ExchangeError::NoReply(why) } else { ExchangeError::Unsent(why) });
    }
    let deadline: Mono = env.now() + reply_timeout;
    let reply = match env.until(deadline, read_packet(stream)).await {
        Ok(reply) => reply?,
        Err(elapsed) => return Err(ExchangeError::NoReply(timed_out(elapsed))),
    };
    let answers = (reply.header.req_id, reply.header.opcode) == (request.header.req_id, request.header.opcode);
    if !answers && !mutant!("answer of another request") {
        return Err(ExchangeError::Mismatch {
            want_id: request.header.req_id,
            got_id: reply.header.req_id,
            want_op: request.header.opcode.0,
            got_op: reply.header.opcode.0,
        });
    }
    Ok(reply)
}

fn timed_out(elapsed: Elapsed) -> io::Error {
    elapsed.into()
}

/// `taken` becomes true when the last byte is out of our hands: from then on the packet may arrive, whatever becomes of the flush.
async fn write_packet(stream: &mut dyn Io, packet: &Packet, taken: &mut bool) -> io::Result<()> {
    // The body of a heartbeat task is small and that of the others tiny: one write.
    stream.write_all(&packet.encode()).await?;
    *taken = true;
    stream.flush().await
}

/// Reads one packet, however its bytes are cut.
async fn read_packet(stream: &mut dyn Io) -> Result<Packet, ExchangeError> {
    let mut fixed = [0; HEADER_LEN];
    read(stream, &mut fixed).await?;
    let mut header = Header::decode(&fixed)?;
    let mut extra = vec![0; header.extra_len()];
    read(stream, &mut extra).await?;
    header.decode_extra(&extra);
    let mut versions = Vec::new();
    if header.has_versions() {
        let mut count = [0; 2];
        read(stream, &mut count).await?;
        let mut items = vec![0; versions_len(count)?];
        read(stream, &mut items).await?;
        versions = decode_versions(&items);
    }
    let (arg_len, data_len) = header.body_lens()?;
    Ok(Packet { header, versions, arg: read_body(stream, arg_len).await?, data: read_body(stream, data_len).await? })
}

async fn read(stream: &mut dyn Io, into: &mut [u8]) -> Result<(), ExchangeError> {
    stream.read_exact(into).await.map(drop).map_err(ExchangeError::NoReply)
}

/// Reads a body piece by piece: a header that lies about its length costs no more memory than what really arrives.
async fn read_body(stream: &mut dyn Io, len: usize) -> Result<Bytes, ExchangeError> {
    let mut body = Vec::new();
    let got = stream.take(len as u64).read_to_end(&mut body).await.map_err(ExchangeError::NoReply)?;
    if got < len {
        return Err(ExchangeError::NoReply(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(body.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::tokio::production;
    use crate::wire::opcode::Opcode;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    /// Takes so many bytes, and ends with an error at the write after them, or at the flush.
    struct Takes(usize);

    impl AsyncRead for Takes {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Takes {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            Poll::Ready(if taken == 0 { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(taken) })
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl Io for Takes {
        fn abort(&mut self) {}
    }

    #[tokio::test]
    async fn a_request_counts_as_unsent_only_while_the_connection_lacks_a_byte_of_it() {
        let request = Packet { header: Header { opcode: Opcode::CREATE_DATA_PARTITION, ..Header::default() }, ..Packet::default() };
        let len = request.encode().len();
        for (takes, unsent) in [(0, true), (len - 1, true), (len, false)] {
            let failed =
                exchange(&production(), &mut Takes(takes), &request, Duration::from_secs(1)).await.expect_err("the connection ends");
            assert_eq!((failed.is_unsent(), failed.is_end_of_connection()), (unsent, true), "{takes} of {len} bytes: {failed}");
        }
    }
}
