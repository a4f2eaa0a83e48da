//! Snapshots between masters: all pairs of the state, in frames on a connection of their own. A snapshot counts when it is there to
//! the last pair and its checksum is right; until then nothing of it is used.

use super::connection::{dial, read_frame, write_frame};
use super::frame::Frame;
use super::hello::Identity;
use super::message::{is_sound, Envelope, PairRecord, SnapshotBegin, SnapshotEnd, SnapshotPairs};
use crate::env::storage::Pair;
use crate::env::Env;
use crate::limits;
use crate::mutants::mutant;
use raft::eraftpb::MessageType;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};

/// A whole snapshot.
pub struct Received {
    /// The library's message; its snapshot holds the metadata.
    pub envelope: Box<Envelope>,
    pub pairs: Vec<Pair>,
}

/// Sends a snapshot to the master at this HTTP address; returns when it says that it is whole.
///
/// # Errors
/// The connection failed, the answer took longer than [`limits::RAFT_FRAME_TIMEOUT`], or the whole longer than
/// [`limits::SNAPSHOT_TIMEOUT`].
pub async fn send(env: &Env, addr: &str, replica_port: u16, envelope: Envelope, pairs: &[Pair]) -> io::Result<()> {
    let deadline = env.now() + limits::SNAPSHOT_TIMEOUT;
    let sending = async {
        let mut stream = dial(env, addr, replica_port).await?;
        write_all(env, &mut stream, envelope, pairs).await?;
        // Where the power went, no answer and no end of the connection ever comes.
        let answer_by = if mutant!("answer to a snapshot awaited for minutes") { deadline } else { env.now() + limits::RAFT_FRAME_TIMEOUT };
        match read_frame(env, &mut stream, answer_by).await? {
            Frame::SnapshotReceived => Ok(()),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    };
    env.until(deadline, sending).await?
}

async fn write_all(env: &Env, stream: &mut (impl AsyncWrite + Unpin), envelope: Envelope, pairs: &[Pair]) -> io::Result<()> {
    let begin = SnapshotBegin { envelope: Some(envelope), pairs: pairs.len() as u64 };
    write_frame(env, stream, &Frame::SnapshotBegin(begin)).await?;
    let mut checksum = crc32fast::Hasher::new();
    let (mut part, mut part_bytes) = (Vec::new(), 0);
    for (key, value) in pairs {
        checksum.update(key);
        checksum.update(value);
        part_bytes += key.len() + value.len();
        part.push(PairRecord { key: key.clone(), value: value.clone() });
        if part_bytes >= limits::SNAPSHOT_FRAME_BYTES {
            write_frame(env, stream, &Frame::SnapshotPairs(SnapshotPairs { pairs: std::mem::take(&mut part) })).await?;
            part_bytes = 0;
        }
    }
    if !part.is_empty() {
        write_frame(env, stream, &Frame::SnapshotPairs(SnapshotPairs { pairs: part })).await?;
    }
    write_frame(env, stream, &Frame::SnapshotEnd(SnapshotEnd { checksum: checksum.finalize() })).await
}

/// Receives what follows a `SnapshotBegin`.
///
/// # Errors
/// It is not for this disk, is cut short, or does not fit its checksum: nothing of it is left.
pub async fn receive(env: &Env, stream: &mut (impl AsyncRead + Unpin), begin: SnapshotBegin, identity: &Identity) -> io::Result<Received> {
    let bad = |what: &'static str| io::Error::new(io::ErrorKind::InvalidData, what);
    let envelope = begin.envelope.filter(is_sound).ok_or_else(|| bad("a snapshot without a message"))?;
    let is_snapshot = envelope.message.as_ref().is_some_and(|message| message.msg_type() == MessageType::MsgSnapshot);
    if !is_snapshot || (envelope.to, envelope.to_incarnation) != (identity.id.0, identity.incarnation) {
        return Err(bad("a snapshot that is not for this disk"));
    }
    let mut checksum = crc32fast::Hasher::new();
    let (mut pairs, mut bytes) = (Vec::new(), 0);
    loop {
        match read_frame(env, stream, env.now() + limits::RAFT_FRAME_TIMEOUT).await? {
            Frame::SnapshotPairs(part) => {
                for PairRecord { key, value } in part.pairs {
                    checksum.update(&key);
                    checksum.update(&value);
                    bytes += key.len() + value.len();
                    pairs.push((key, value));
                }
                if pairs.len() as u64 > begin.pairs || bytes > limits::SNAPSHOT_BYTES_MAX {
                    return Err(bad("a snapshot that is too large"));
                }
            }
            Frame::SnapshotEnd(end) if pairs.len() as u64 == begin.pairs && checksum.clone().finalize() == end.checksum => {
                return Ok(Received { envelope: Box::new(envelope), pairs });
            }
            _ => return Err(bad("a snapshot that is not whole")),
        }
    }
}
