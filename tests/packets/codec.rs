//! Every vector through the packet codec, whole and stage by stage.

use crate::vectors::{load, Vector};
use bytes::Bytes;
use cfs_master::ids::PartitionId;
use cfs_master::limits;
use cfs_master::wire::opcode::Opcode;
use cfs_master::wire::packet::*;
use cfs_master::wire::result_code::ResultCode;
use sha2::{Digest, Sha256};

/// Reads a packet as from a stream: never more bytes than the stage before said.
pub fn decode_in_stages(bytes: &[u8]) -> Result<(Packet, usize), PacketError> {
    let mut at = 0;
    let mut take = |part, want: usize| {
        let taken = bytes.get(at..at + want).ok_or(PacketError::Truncated { part, got: bytes.len() - at, want })?;
        at += want;
        Ok::<_, PacketError>(taken)
    };
    let mut header = Header::decode(take(Part::Header, HEADER_LEN)?.try_into().unwrap())?;
    let extra = take(Part::Extra, header.extra_len())?;
    header.decode_extra(extra);
    let mut versions = Vec::new();
    if header.has_versions() {
        let len = versions_len(take(Part::Versions, 2)?.try_into().unwrap())?;
        versions = decode_versions(take(Part::Versions, len)?);
    }
    let (arg_len, data_len) = header.body_lens()?;
    let arg = Bytes::copy_from_slice(take(Part::Argument, arg_len)?);
    let data = Bytes::copy_from_slice(take(Part::Data, data_len)?);
    Ok((Packet { header, versions, arg, data }, at))
}

fn expected(vector: &Vector) -> Packet {
    let fields = vector.fields.as_ref().unwrap();
    let header = Header {
        extent_type: fields.extent_type,
        opcode: Opcode(fields.opcode),
        result_code: ResultCode(fields.result_code),
        remaining_followers: fields.remaining_followers,
        crc: fields.crc,
        size: fields.size,
        arg_len: fields.arg_len,
        partition_id: PartitionId(fields.partition_id),
        extent_id: fields.extent_id,
        extent_offset: fields.extent_offset,
        req_id: fields.req_id,
        kernel_offset: fields.kernel_offset,
        ver_seq: fields.ver_seq,
        proto_version: fields.proto_version,
    };
    let versions = fields.ver_list.iter().map(|item| Version { ver: item.ver, del_time: item.del_time, status: item.status }).collect();
    let arg = vector.arg_utf8.clone().unwrap_or_default().into();
    let data = match (&vector.data_rule, vector.data()) {
        (Some(_), _) => vector.bytes().split_off(vector.header_len).into(),
        (None, data) => data.unwrap_or_default().into(),
    };
    Packet { header, versions, arg, data }
}

#[test]
fn every_vector_reads_into_its_fields() {
    let vectors = load().vectors;
    assert_eq!(vectors.len(), 249);
    for vector in vectors.iter().filter(|vector| vector.reader.starts_with("ok")) {
        let bytes = Bytes::from(vector.bytes());
        let left: usize = vector.reader.strip_prefix("ok, ").map_or(0, |rest| rest.split(' ').next().unwrap().parse().unwrap());
        let (packet, taken) = Packet::decode(&bytes).unwrap();
        assert_eq!(packet, expected(vector), "{}", vector.name);
        assert_eq!(taken, bytes.len() - left, "{}", vector.name);
        assert_eq!(HEADER_LEN + packet.header.extra_len(), vector.header_len, "{}", vector.name);
        assert_eq!(!packet.data.is_empty(), vector.data_on_wire, "{}", vector.name);
        assert_eq!(decode_in_stages(&bytes).unwrap(), (packet, taken), "{}", vector.name);
    }
}

#[test]
fn every_vector_is_written_back_to_its_bytes() {
    let mut large = 0;
    for vector in load().vectors.iter().filter(|vector| vector.reader.starts_with("ok")) {
        let mut packet = expected(vector);
        let mut want = vector.bytes();
        if vector.name == "hdr_opcode_b3_no_flag" {
            packet.header.ver_seq = 77; // written all the same, which is what the vector is about
        } else if vector.name == "two_packets_back_to_back" {
            want.truncate(want.len() - HEADER_LEN);
        }
        let bytes = packet.encode();
        assert_eq!(bytes, want, "{}", vector.name);
        assert_eq!([packet.encode_before_data(), packet.data.to_vec()].concat(), want, "{}", vector.name);
        if let Some(sha256) = &vector.sha256 {
            let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(&digest, sha256, "{}", vector.name);
            large += 1;
        }
    }
    assert_eq!(large, 3);
}

#[test]
fn names_and_texts_of_vectors_are_ours() {
    for vector in load().vectors {
        let Some(fields) = &vector.fields else { continue };
        let (opcode, result) = (Opcode(fields.opcode), ResultCode(fields.result_code));
        // The capture of an unknown number has no text.
        let text = vector.opcode_text.filter(|text| !text.is_empty()).unwrap_or_else(|| format!("op:{} not found", fields.opcode));
        assert_eq!(opcode.text(), text, "{}", vector.name);
        if let Some(name) = vector.opcode_name.filter(|_| opcode.name().is_some()) {
            assert!(Opcode::ALIASES.contains(&(opcode, name.as_str())) || opcode.name() == Some(&name), "{}", vector.name);
        }
        if let Some(name) = vector.result_name {
            assert!(name.split(',').any(|name| Some(name.trim()) == result.name()), "{}: {name}", vector.name);
        }
        if let Some(text) = vector.result_text {
            let body = vector.data_utf8.unwrap_or_default();
            assert_eq!(result.text(body.as_bytes()), text, "{}", vector.name);
        }
    }
}

#[test]
fn malformed_vectors_say_what_is_wrong() {
    let mut seen = 0;
    for vector in load().vectors.iter().filter(|vector| vector.reader.starts_with("error")) {
        let want = match vector.name.as_str() {
            "malformed_magic" => PacketError::BadMagic(0xFE),
            "malformed_short_header" => PacketError::Truncated { part: Part::Header, got: 56, want: 57 },
            "malformed_empty" => PacketError::Truncated { part: Part::Header, got: 0, want: 57 },
            "malformed_short_extra" => PacketError::Truncated { part: Part::Extra, got: 8, want: 12 },
            "malformed_short_data" => PacketError::Truncated { part: Part::Data, got: 9, want: 10 },
            other => panic!("no expectation for {other}: {}", vector.note),
        };
        assert_eq!(Packet::decode(&vector.bytes().into()), Err(want));
        assert_eq!(decode_in_stages(&vector.bytes()), Err(want));
        seen += 1;
    }
    assert_eq!(seen, 5);
}

#[test]
fn lengths_over_the_limits_are_refused_before_anything_is_read() {
    let header = |size: usize, arg_len: usize, extent_type| {
        Header { opcode: Opcode::LOAD_META_PARTITION, size: size as u32, arg_len: arg_len as u32, extent_type, ..Header::default() }
            .encode()
    };
    let decode = |bytes: &[u8]| Packet::decode(&Bytes::copy_from_slice(bytes)).unwrap_err();
    let (arg, data) = (limits::PACKET_ARG_BYTES_MAX, limits::PACKET_BODY_BYTES_MAX);
    assert_eq!(decode(&header(0, arg + 1, 0)), PacketError::ArgTooLong { got: arg + 1, limit: arg });
    assert_eq!(decode(&header(data + 1, 0, 0)), PacketError::DataTooLong { got: data + 1, limit: data });
    assert_eq!(decode(&header(data, 0, 0)), PacketError::Truncated { part: Part::Data, got: 0, want: data });
    let with_list = [&header(0, 0, 0x40)[..], &[0xFF, 0xFF]].concat();
    assert_eq!(decode(&with_list), PacketError::VersionsTooLong { got: 65_535, limit: 3_855 });
}

#[test]
fn a_reply_keeps_the_request_and_carries_a_body_of_its_own() {
    let request = Packet::request(Opcode::LOAD_META_PARTITION, 7, PartitionId(3), Bytes::from_static(b"{}"));
    let reply = request.reply(ResultCode::ERR, Bytes::from_static(b"unknown meta partition: 3"));
    assert_eq!((reply.header.req_id, reply.header.partition_id, reply.header.size), (7, PartitionId(3), 25));
    assert_eq!(Packet::decode(&reply.encode().into()).unwrap().0, reply);
}

#[test]
fn request_ids_start_from_the_time_of_the_process() {
    assert_eq!(first_req_id(1_700_000_000), (1_700_000_000 << 32) + 2);
}
