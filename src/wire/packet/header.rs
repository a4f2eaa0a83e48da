//! The header in its three lengths: 57, 65 and 69 bytes (v3.5.3 packet.md §2, §3).
//!
//! Must not know: what argument and data mean.

use super::PacketError;
use crate::ids::PartitionId;
use crate::limits;
use crate::wire::opcode::Opcode;
use crate::wire::result_code::ResultCode;

/// The fixed header, bytes.
pub const HEADER_LEN: usize = 57;
/// The longest extra header, bytes.
pub const EXTRA_LEN_MAX: usize = 12;
/// First byte of every packet.
pub const MAGIC: u8 = 0xFF;
/// What a writer stores with flag 0x10: v3.5.0 and later.
pub const PROTO_VERSION: u32 = 1;

const FLAG_MULTI_VERSION: u8 = 0x80;
const FLAG_VERSION_LIST: u8 = 0x40;
const FLAG_PROTO_VERSION: u8 = 0x10;

/// The header without its magic byte. All numbers are big-endian on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Bit 0: normal extent; bits 0x80, 0x40 and 0x10 say what follows the fixed header.
    pub extent_type: u8,
    pub opcode: Opcode,
    /// 0 in requests.
    pub result_code: ResultCode,
    /// Replicas the data must still be forwarded to; a master sends 0.
    pub remaining_followers: u8,
    /// CRC-32 (IEEE) of extent data, 0 elsewhere.
    pub crc: u32,
    /// Data bytes, or the wanted length of a read request.
    pub size: u32,
    /// Argument bytes.
    pub arg_len: u32,
    pub partition_id: PartitionId,
    pub extent_id: u64,
    pub extent_offset: i64,
    pub req_id: i64,
    pub kernel_offset: u64,
    /// Snapshot version; on the wire only with flag 0x10 or 0x80.
    pub ver_seq: u64,
    /// Version of the sender's protocol; on the wire only with flag 0x10, and then always written as [`PROTO_VERSION`].
    pub proto_version: u32,
}

/// Bytes of a header, on the stack.
#[derive(Clone, Copy, Debug)]
pub struct EncodedHeader {
    bytes: [u8; HEADER_LEN + EXTRA_LEN_MAX],
    len: usize,
}

impl std::ops::Deref for EncodedHeader {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Header {
    /// Reads the fixed part. What it says follows is then taken with the other methods.
    pub fn decode(fixed: &[u8; HEADER_LEN]) -> Result<Self, PacketError> {
        if fixed[0] != MAGIC {
            return Err(PacketError::BadMagic(fixed[0]));
        }
        Ok(Self {
            extent_type: fixed[1],
            opcode: Opcode(fixed[2]),
            result_code: ResultCode(fixed[3]),
            remaining_followers: fixed[4],
            crc: u32_at(fixed, 5),
            size: u32_at(fixed, 9),
            arg_len: u32_at(fixed, 13),
            partition_id: PartitionId(u64_at(fixed, 17)),
            extent_id: u64_at(fixed, 25),
            extent_offset: u64_at(fixed, 33) as i64,
            req_id: u64_at(fixed, 41) as i64,
            kernel_offset: u64_at(fixed, 49),
            ver_seq: 0,
            proto_version: 0,
        })
    }

    /// Bytes that follow the fixed header before anything else: 12 with flag 0x10 whatever 0x80 says, 8 with only 0x80.
    pub const fn extra_len(&self) -> usize {
        if self.extent_type & FLAG_PROTO_VERSION != 0 {
            12
        } else if self.extent_type & FLAG_MULTI_VERSION != 0 {
            8
        } else {
            0
        }
    }

    /// Takes the extra bytes; `extra` must be [`Header::extra_len`] long.
    pub fn decode_extra(&mut self, extra: &[u8]) {
        assert_eq!(extra.len(), self.extra_len(), "the reader takes what the flags say");
        if let Some(ver_seq) = extra.first_chunk() {
            self.ver_seq = u64::from_be_bytes(*ver_seq);
        }
        if let Some(version) = extra.get(8..).and_then(|rest| rest.first_chunk()) {
            self.proto_version = u32::from_be_bytes(*version);
        }
    }

    /// Whether a version list follows the extra bytes.
    pub const fn has_versions(&self) -> bool {
        self.extent_type & FLAG_VERSION_LIST != 0
    }

    /// Whether Size counts bytes on the wire: not in the request of a read (v3.5.3 packet.md §4).
    pub const fn data_on_wire(&self) -> bool {
        !(self.result_code.0 == 0 && self.opcode.is_read())
    }

    /// Argument and data bytes on the wire, checked against the limits before anything is allocated for them.
    pub fn body_lens(&self) -> Result<(usize, usize), PacketError> {
        let arg = self.arg_len as usize;
        if arg > limits::PACKET_ARG_BYTES_MAX {
            return Err(PacketError::ArgTooLong { got: arg, limit: limits::PACKET_ARG_BYTES_MAX });
        }
        let data = if self.data_on_wire() { self.size as usize } else { 0 };
        if data > limits::PACKET_BODY_BYTES_MAX {
            return Err(PacketError::DataTooLong { got: data, limit: limits::PACKET_BODY_BYTES_MAX });
        }
        Ok((arg, data))
    }

    /// Bytes of the header with its extra part.
    ///
    /// Like v3.5.3 it appends VerSeq to opcode 0xB3 even without a flag, where a reader does not expect it (packet.md §3 rule 2).
    pub fn encode(&self) -> EncodedHeader {
        let mut bytes = [0; HEADER_LEN + EXTRA_LEN_MAX];
        bytes[0] = MAGIC;
        bytes[1] = self.extent_type;
        bytes[2] = self.opcode.0;
        bytes[3] = self.result_code.0;
        bytes[4] = self.remaining_followers;
        bytes[5..9].copy_from_slice(&self.crc.to_be_bytes());
        bytes[9..13].copy_from_slice(&self.size.to_be_bytes());
        bytes[13..17].copy_from_slice(&self.arg_len.to_be_bytes());
        bytes[17..25].copy_from_slice(&self.partition_id.0.to_be_bytes());
        bytes[25..33].copy_from_slice(&self.extent_id.to_be_bytes());
        bytes[33..41].copy_from_slice(&self.extent_offset.to_be_bytes());
        bytes[41..49].copy_from_slice(&self.req_id.to_be_bytes());
        bytes[49..57].copy_from_slice(&self.kernel_offset.to_be_bytes());
        bytes[57..65].copy_from_slice(&self.ver_seq.to_be_bytes());
        bytes[65..69].copy_from_slice(&PROTO_VERSION.to_be_bytes());
        let extra = match self.extra_len() {
            0 if self.opcode == Opcode::RANDOM_WRITE_VER => 8,
            len => len,
        };
        EncodedHeader { bytes, len: HEADER_LEN + extra }
    }
}

fn u32_at(fixed: &[u8; HEADER_LEN], at: usize) -> u32 {
    u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]])
}

fn u64_at(fixed: &[u8; HEADER_LEN], at: usize) -> u64 {
    u64::from(u32_at(fixed, at)) << 32 | u64::from(u32_at(fixed, at + 4))
}
