//! Frames over a stream, each wait with its deadline. Any error means that the connection must be given up.

use super::frame::{Frame, FrameError, FrameHeader, HEADER_LEN};
use crate::env::{Env, Mono, Stream};
use crate::limits;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Where a master listens for others: the host of its HTTP address, the replica port of all.
///
/// # Errors
/// The address cannot be understood, or its host cannot be resolved by `deadline`.
pub async fn raft_addr(env: &Env, http_addr: &str, replica_port: u16, deadline: Mono) -> io::Result<SocketAddr> {
    let bad = || io::Error::new(io::ErrorKind::InvalidInput, format!("{http_addr} is not of the form ip:port"));
    let (host, _) = http_addr.rsplit_once(':').ok_or_else(bad)?;
    let ips = env.network.resolve(host.trim_start_matches('[').trim_end_matches(']'), deadline).await?;
    ips.first().map(|ip| SocketAddr::new(*ip, replica_port)).ok_or_else(bad)
}

/// Opens a connection to the master with this HTTP address.
pub async fn dial(env: &Env, http_addr: &str, replica_port: u16) -> io::Result<Stream> {
    let deadline = env.now() + limits::RAFT_CONNECT_TIMEOUT;
    let addr = raft_addr(env, http_addr, replica_port, deadline).await?;
    env.network.connect(addr, deadline).await
}

/// Writes what was encoded.
pub async fn write_bytes(env: &Env, stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    let write = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    env.until(env.now() + limits::RAFT_FRAME_TIMEOUT, write).await?
}

/// Writes one frame.
pub async fn write_frame(env: &Env, stream: &mut (impl AsyncWrite + Unpin), frame: &Frame) -> io::Result<()> {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    write_bytes(env, stream, &bytes).await
}

/// Reads one frame: it must begin before `deadline` and then be there within [`limits::RAFT_FRAME_TIMEOUT`].
pub async fn read_frame(env: &Env, stream: &mut (impl AsyncRead + Unpin), deadline: Mono) -> io::Result<Frame> {
    let mut start = [0; HEADER_LEN];
    env.until(deadline, stream.read_exact(&mut start)).await??;
    let header = FrameHeader::decode(&start).map_err(malformed)?;
    // Piece by piece: a header that lies about its length costs no more memory than what really arrives.
    let mut body = Vec::new();
    let len = header.body_len();
    env.until(env.now() + limits::RAFT_FRAME_TIMEOUT, stream.take(len as u64).read_to_end(&mut body)).await??;
    if body.len() < len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    header.finish(&body).map_err(malformed)
}

fn malformed(error: FrameError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
