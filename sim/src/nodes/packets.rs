//! Packets on a stream, the node's side.

use cfs_master::env::Stream;
use cfs_master::wire::packet::{decode_versions, versions_len, Header, Packet, HEADER_LEN};
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn bad(error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

/// The next packet. Errors: the stream ends or breaks, or what comes is no packet.
pub async fn read(stream: &mut Stream) -> io::Result<Packet> {
    let mut fixed = [0; HEADER_LEN];
    stream.read_exact(&mut fixed).await?;
    let mut header = Header::decode(&fixed).map_err(bad)?;
    let mut extra = vec![0; header.extra_len()];
    stream.read_exact(&mut extra).await?;
    header.decode_extra(&extra);
    let mut versions = Vec::new();
    if header.has_versions() {
        let mut count = [0; 2];
        stream.read_exact(&mut count).await?;
        let mut items = vec![0; versions_len(count).map_err(bad)?];
        stream.read_exact(&mut items).await?;
        versions = decode_versions(&items);
    }
    let (arg_len, data_len) = header.body_lens().map_err(bad)?;
    let mut arg = vec![0; arg_len];
    stream.read_exact(&mut arg).await?;
    let mut data = vec![0; data_len];
    stream.read_exact(&mut data).await?;
    Ok(Packet { header, versions, arg: arg.into(), data: data.into() })
}

/// Writes a packet.
pub async fn write(stream: &mut Stream, packet: &Packet) -> io::Result<()> {
    stream.write_all(&packet.encode()).await?;
    stream.flush().await
}
