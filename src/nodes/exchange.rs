//! One request and its reply on one connection. Any error means that the connection must not be used again.

use crate::env::{Elapsed, Env, Io, Mono};
use crate::limits;
use crate::wire::packet::{decode_versions, versions_len, Header, Packet, PacketError, HEADER_LEN};
use bytes::Bytes;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What went wrong with an exchange, and whether the node can have seen the request.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The request was not written whole: the node cannot have executed it.
    #[error("write: {0}")]
    Unsent(io::Error),
    /// The request left; the node may have executed it.
    #[error("read: {0}")]
    NoReply(io::Error),
    /// The node wrote something that is no packet.
    #[error("reply: {0}")]
    BadReply(#[from] PacketError),
    /// The reply belongs to another request.
    #[error("reply to request {got_id} {got_op:#04x}, sent {want_id} {want_op:#04x}")]
    Mismatch { want_id: i64, got_id: i64, want_op: u8, got_op: u8 },
}

/// Writes `request` within [`limits::NODE_WRITE_TIMEOUT`] and reads the reply within `reply_timeout`.
pub async fn exchange(env: &Env, stream: &mut dyn Io, request: &Packet, reply_timeout: Duration) -> Result<Packet, ExchangeError> {
    let written = env.until(env.now() + limits::NODE_WRITE_TIMEOUT, write_packet(stream, request)).await;
    written.map_err(timed_out).and_then(|r| r).map_err(ExchangeError::Unsent)?;
    let deadline: Mono = env.now() + reply_timeout;
    let reply = match env.until(deadline, read_packet(stream)).await {
        Ok(reply) => reply?,
        Err(elapsed) => return Err(ExchangeError::NoReply(timed_out(elapsed))),
    };
    if (reply.header.req_id, reply.header.opcode) != (request.header.req_id, request.header.opcode) {
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

async fn write_packet(stream: &mut dyn Io, packet: &Packet) -> io::Result<()> {
    // The body of a heartbeat task is small and that of the others tiny: one write.
    stream.write_all(&packet.encode()).await?;
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
