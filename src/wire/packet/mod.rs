//! The packet: header, extra bytes, version list, argument, data (v3.5.3 packet.md §2 to §4).
//!
//! A reader over a stream goes stage by stage, asking after each how many bytes follow:
//! [`Header::decode`] on 57 bytes, [`Header::extra_len`] and [`Header::decode_extra`], [`Header::has_versions`] with
//! [`versions_len`] and [`decode_versions`], then [`Header::body_lens`]. A reader that holds all bytes calls [`Packet::decode`].
//!
//! Invariant: no I/O; nothing is allocated but the version list and the body. Wrong bytes are a [`PacketError`].

mod header;
mod versions;

use crate::ids::PartitionId;
use crate::wire::opcode::Opcode;
use crate::wire::result_code::ResultCode;
use bytes::Bytes;

pub use header::{EncodedHeader, Header, EXTRA_LEN_MAX, HEADER_LEN, MAGIC, PROTO_VERSION};
pub use versions::{decode_versions, versions_len, Version, VERSIONS_MAX};

/// Why bytes are no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    #[error("bad magic 0x{0:02x}, want 0xff")]
    BadMagic(u8),
    #[error("packet ends in its {part}: {got} of {want} bytes")]
    Truncated { part: Part, got: usize, want: usize },
    #[error("argument of {got} bytes is over the limit of {limit}")]
    ArgTooLong { got: usize, limit: usize },
    #[error("data of {got} bytes is over the limit of {limit}")]
    DataTooLong { got: usize, limit: usize },
    #[error("version list of {got} items is over the limit of {limit}")]
    VersionsTooLong { got: usize, limit: usize },
}

/// A stretch of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Header,
    Extra,
    Versions,
    Argument,
    Data,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Part::Header => "header",
            Part::Extra => "extra header",
            Part::Versions => "version list",
            Part::Argument => "argument",
            Part::Data => "data",
        })
    }
}

/// A whole packet. `header.arg_len` and `header.size` belong to `arg` and `data`; a read request has a size and no data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    pub header: Header,
    /// Written and read only with the version-list flag.
    pub versions: Vec<Version>,
    pub arg: Bytes,
    pub data: Bytes,
}

impl Packet {
    /// What a master sends: 57 bytes of header, no argument, no followers, all else zero (v3.5.3 packet.md §1).
    pub fn request(opcode: Opcode, req_id: i64, partition_id: PartitionId, data: Bytes) -> Self {
        let size = wire_len(data.len());
        Self { header: Header { opcode, req_id, partition_id, size, ..Header::default() }, data, ..Self::default() }
    }

    /// What a node answers: the request's header with a result and a body of its own (v3.5.3 packet.md §7.4).
    pub fn reply(&self, result_code: ResultCode, data: Bytes) -> Self {
        let size = wire_len(data.len());
        Self { header: Header { result_code, size, arg_len: 0, ..self.header }, versions: self.versions.clone(), arg: Bytes::new(), data }
    }

    /// Bytes of the whole packet.
    pub fn encode(&self) -> Vec<u8> {
        let header = self.header.encode();
        let list = if self.header.has_versions() { 2 + self.versions.len() * versions::ITEM_LEN } else { 0 };
        let want = header.len() + list + self.arg.len() + self.data.len();
        let mut out = Vec::with_capacity(want);
        self.encode_front(&header, &mut out);
        out.extend_from_slice(&self.data);
        assert_eq!(out.len(), want, "a packet is as long as its parts");
        out
    }

    /// Everything before the data, for a writer that sends the data without copying it.
    pub fn encode_before_data(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_LEN + EXTRA_LEN_MAX + self.arg.len());
        self.encode_front(&self.header.encode(), &mut out);
        out
    }

    fn encode_front(&self, header: &EncodedHeader, out: &mut Vec<u8>) {
        assert_eq!(self.header.arg_len as usize, self.arg.len(), "the header tells the argument's length");
        let size = if self.header.data_on_wire() { self.header.size as usize } else { 0 };
        assert_eq!(size, self.data.len(), "the header tells the data's length");
        out.extend_from_slice(header);
        if self.header.has_versions() {
            versions::encode(&self.versions, out);
        }
        out.extend_from_slice(&self.arg);
    }

    /// Takes one packet from the front of `bytes`; also says how many bytes it took. The rest is the next packet's.
    pub fn decode(bytes: &Bytes) -> Result<(Packet, usize), PacketError> {
        let mut rest = Cut { bytes, at: 0 };
        let fixed = rest.take(Part::Header, HEADER_LEN)?;
        let mut header = Header::decode(fixed.first_chunk().expect("57 bytes were taken"))?;
        header.decode_extra(&rest.take(Part::Extra, header.extra_len())?);
        let mut list = Vec::new();
        if header.has_versions() {
            let count = rest.take(Part::Versions, 2)?;
            let len = versions_len([count[0], count[1]])?;
            list = decode_versions(&rest.take(Part::Versions, len)?);
        }
        let (arg_len, data_len) = header.body_lens()?;
        let arg = rest.take(Part::Argument, arg_len)?;
        let data = rest.take(Part::Data, data_len)?;
        Ok((Packet { header, versions: list, arg, data }, rest.at))
    }
}

/// The first request id of a process that started at this time; each further one is greater by 1 (v3.5.3 packet.md §6).
pub fn first_req_id(started_unix_secs: i64) -> i64 {
    (started_unix_secs << 32).wrapping_add(2)
}

fn wire_len(len: usize) -> u32 {
    u32::try_from(len).expect("a body of our own is far below 4 GiB")
}

/// A place in bytes that are all there.
struct Cut<'a> {
    bytes: &'a Bytes,
    at: usize,
}

impl Cut<'_> {
    fn take(&mut self, part: Part, want: usize) -> Result<Bytes, PacketError> {
        let got = self.bytes.len() - self.at;
        if got < want {
            return Err(PacketError::Truncated { part, got, want });
        }
        let taken = self.bytes.slice(self.at..self.at + want);
        self.at += want;
        Ok(taken)
    }
}
