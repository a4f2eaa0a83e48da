//! Frames between masters: magic, version, kind, length and checksum around a body. Pure; wrong bytes are values, never panics.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 4 | magic `cfsr` |
//! | 4 | 1 | version, 1 |
//! | 5 | 1 | kind |
//! | 6 | 2 | zero |
//! | 8 | 4 | length of the body, big-endian |
//! | 12 | 4 | CRC-32 of the 12 bytes before and the body, big-endian |

use super::message::{Envelope, Hello, HelloReply, SnapshotBegin, SnapshotEnd, SnapshotPairs};
use crate::limits;
use prost::Message as _;

/// Bytes of a frame before its body.
pub const HEADER_LEN: usize = 16;
const MAGIC: [u8; 4] = *b"cfsr";
const VERSION: u8 = 1;

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("not a frame of a master")]
    Magic,
    #[error("frame version {0}")]
    Version(u8),
    #[error("frame kind {0}")]
    Kind(u8),
    #[error("frame of {0} bytes")]
    TooLong(usize),
    #[error("frame checksum")]
    Checksum,
    #[error("frame body")]
    Body,
}

/// One thing that a master says to another.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// A message of raft. Not answered.
    Message(Envelope),
    /// Are you there? Answered by `Pong` with the same number.
    Ping(u64),
    Pong(u64),
    /// Who are you, and do you know me? Answered by `HelloReply`.
    Hello(Hello),
    HelloReply(HelloReply),
    /// A snapshot follows: any number of `SnapshotPairs`, then `SnapshotEnd`, answered by `SnapshotReceived`.
    SnapshotBegin(SnapshotBegin),
    SnapshotPairs(SnapshotPairs),
    SnapshotEnd(SnapshotEnd),
    SnapshotReceived,
}

/// The first bytes of a frame, checked as far as they can be without the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    start: [u8; 12],
    checksum: u32,
}

impl FrameHeader {
    /// Checks everything but the checksum.
    pub fn decode(bytes: &[u8; HEADER_LEN]) -> Result<FrameHeader, FrameError> {
        let [m0, m1, m2, m3, version, kind, z0, z1, ..] = *bytes;
        if [m0, m1, m2, m3] != MAGIC || [z0, z1] != [0, 0] {
            return Err(FrameError::Magic);
        }
        if version != VERSION {
            return Err(FrameError::Version(version));
        }
        if !(1..=9).contains(&kind) {
            return Err(FrameError::Kind(kind));
        }
        let (start, checksum) = bytes.split_first_chunk::<12>().expect("12 of 16 bytes");
        let header = FrameHeader { start: *start, checksum: u32::from_be_bytes(checksum.try_into().expect("4 of 16 bytes")) };
        match header.body_len() {
            len if len > limits::RAFT_FRAME_BYTES_MAX => Err(FrameError::TooLong(len)),
            _ => Ok(header),
        }
    }

    /// Bytes that follow.
    pub fn body_len(&self) -> usize {
        u32::from_be_bytes([self.start[8], self.start[9], self.start[10], self.start[11]]) as usize
    }

    /// The frame, once its body is there.
    pub fn finish(&self, body: &[u8]) -> Result<Frame, FrameError> {
        if body.len() != self.body_len() || checksum(&self.start, body) != self.checksum {
            return Err(FrameError::Checksum);
        }
        let number = || body.try_into().map(u64::from_be_bytes).map_err(|_| FrameError::Body);
        fn typed<T: prost::Message + Default>(body: &[u8]) -> Result<T, FrameError> {
            T::decode(body).map_err(|_| FrameError::Body)
        }
        Ok(match self.start[5] {
            1 => Frame::Message(typed(body)?),
            2 => Frame::Ping(number()?),
            3 => Frame::Pong(number()?),
            4 => Frame::Hello(typed(body)?),
            5 => Frame::HelloReply(typed(body)?),
            6 => Frame::SnapshotBegin(typed(body)?),
            7 => Frame::SnapshotPairs(typed(body)?),
            8 => Frame::SnapshotEnd(typed(body)?),
            9 if body.is_empty() => Frame::SnapshotReceived,
            9 => return Err(FrameError::Body),
            kind => return Err(FrameError::Kind(kind)),
        })
    }
}

fn checksum(start: &[u8; 12], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(start);
    hasher.update(body);
    hasher.finalize()
}

impl Frame {
    fn kind(&self) -> u8 {
        match self {
            Frame::Message(_) => 1,
            Frame::Ping(_) => 2,
            Frame::Pong(_) => 3,
            Frame::Hello(_) => 4,
            Frame::HelloReply(_) => 5,
            Frame::SnapshotBegin(_) => 6,
            Frame::SnapshotPairs(_) => 7,
            Frame::SnapshotEnd(_) => 8,
            Frame::SnapshotReceived => 9,
        }
    }

    /// Appends the whole frame to `out`. A frame that would be too long to be read is our own mistake.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let at = out.len();
        out.extend_from_slice(&[0; HEADER_LEN]);
        match self {
            Frame::Message(body) => body.encode(out),
            Frame::Ping(number) | Frame::Pong(number) => {
                out.extend_from_slice(&number.to_be_bytes());
                Ok(())
            }
            Frame::Hello(body) => body.encode(out),
            Frame::HelloReply(body) => body.encode(out),
            Frame::SnapshotBegin(body) => body.encode(out),
            Frame::SnapshotPairs(body) => body.encode(out),
            Frame::SnapshotEnd(body) => body.encode(out),
            Frame::SnapshotReceived => Ok(()),
        }
        .expect("a vector has room");
        let body_len = out.len() - at - HEADER_LEN;
        assert!(body_len <= limits::RAFT_FRAME_BYTES_MAX, "a frame of {body_len} bytes");
        let mut start = [0; 12];
        start[..4].copy_from_slice(&MAGIC);
        start[4] = VERSION;
        start[5] = self.kind();
        start[8..].copy_from_slice(&(body_len as u32).to_be_bytes());
        let checksum = checksum(&start, &out[at + HEADER_LEN..]);
        out[at..at + 12].copy_from_slice(&start);
        out[at + 12..at + HEADER_LEN].copy_from_slice(&checksum.to_be_bytes());
    }
}

/// The first frame of `bytes` and how long it is; `None` as long as it is cut short.
pub fn decode(bytes: &[u8]) -> Result<Option<(Frame, usize)>, FrameError> {
    let Some((start, rest)) = bytes.split_first_chunk::<HEADER_LEN>() else { return Ok(None) };
    let header = FrameHeader::decode(start)?;
    match rest.get(..header.body_len()) {
        Some(body) => Ok(Some((header.finish(body)?, HEADER_LEN + body.len()))),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::message::PairRecord;
    use proptest::prelude::*;
    use raft::eraftpb;

    fn frames() -> impl Strategy<Value = Frame> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
        let message = (any::<u64>(), any::<u64>(), bytes()).prop_map(|(term, index, context)| eraftpb::Message {
            term,
            index,
            context,
            ..Default::default()
        });
        prop_oneof![
            (any::<[u64; 4]>(), ".{0,9}", proptest::option::of(message)).prop_map(
                |([from, from_incarnation, to, to_incarnation], from_addr, message)| {
                    Frame::Message(Envelope { from, from_incarnation, from_addr, to, to_incarnation, message })
                }
            ),
            any::<u64>().prop_map(Frame::Ping),
            any::<u64>().prop_map(Frame::Pong),
            (any::<u64>(), ".{0,9}").prop_map(|(from, addr)| Frame::Hello(Hello { from, addr, ..Default::default() })),
            any::<u64>().prop_map(|id| Frame::HelloReply(HelloReply { id, ..Default::default() })),
            any::<u64>().prop_map(|pairs| Frame::SnapshotBegin(SnapshotBegin { pairs, envelope: None })),
            proptest::collection::vec((bytes(), bytes()), 0..4).prop_map(|pairs| {
                let pairs = pairs.into_iter().map(|(key, value)| PairRecord { key, value }).collect();
                Frame::SnapshotPairs(SnapshotPairs { pairs })
            }),
            any::<u32>().prop_map(|checksum| Frame::SnapshotEnd(SnapshotEnd { checksum })),
            Just(Frame::SnapshotReceived),
        ]
    }

    proptest! {
        #[test]
        fn a_frame_reads_back_and_is_never_read_from_fewer_bytes(frame in frames(), cut in any::<prop::sample::Index>()) {
            let mut bytes = Vec::new();
            frame.encode(&mut bytes);
            prop_assert_eq!(decode(&bytes), Ok(Some((frame, bytes.len()))));
            prop_assert_eq!(decode(&bytes[..cut.index(bytes.len())]), Ok(None));
        }

        #[test]
        fn a_flipped_bit_is_noticed(frame in frames(), at in any::<prop::sample::Index>(), bit in 0..8) {
            let mut bytes = Vec::new();
            frame.encode(&mut bytes);
            let at = at.index(bytes.len());
            bytes[at] ^= 1u8 << bit;
            // A changed length may also ask for more bytes than there are.
            prop_assert!(matches!(decode(&bytes), Err(_) | Ok(None)));
        }

        #[test]
        fn any_bytes_are_a_value(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = decode(&bytes);
            let mut framed = [MAGIC.as_slice(), &[VERSION, 1, 0, 0], &bytes].concat();
            let _ = decode(&framed);
            framed.truncate(12);
            prop_assert_eq!(decode(&framed), Ok(None));
        }
    }

    #[test]
    fn a_frame_that_claims_too_much_is_refused_before_its_body_is_read() {
        let mut bytes = Vec::new();
        Frame::Ping(1).encode(&mut bytes);
        bytes[8..12].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(decode(&bytes), Err(FrameError::TooLong(u32::MAX as usize)));
    }
}
