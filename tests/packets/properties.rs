//! What must hold for any input: whatever is written reads back, and no bytes make a reader panic.

use crate::codec::decode_in_stages;
use bytes::Bytes;
use cfs_master::ids::{NodeId, PartitionId};
use cfs_master::wire::gojson::{self, duration, GoTime, List};
use cfs_master::wire::opcode::Opcode;
use cfs_master::wire::packet::{Header, Packet, Version, PROTO_VERSION};
use cfs_master::wire::peer::Peer;
use cfs_master::wire::report::{DataNodeHeartbeatResponse, DataPartitionReport, Incoming, Response};
use cfs_master::wire::request::{CreateDataPartitionRequest, HeartBeatRequest};
use cfs_master::wire::result_code::ResultCode;
use cfs_master::wire::task::{AdminTask, Subject};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

prop_compose! {
    fn packet()(
        (extent_type, opcode, result_code, remaining_followers) in any::<(u8, u8, u8, u8)>(),
        (crc, size, partition_id, extent_id) in any::<(u32, u32, u64, u64)>(),
        (extent_offset, req_id, kernel_offset, ver_seq) in any::<(i64, i64, u64, u64)>(),
        versions in vec(any::<(u64, i64, u8)>(), 0..20),
        arg in vec(any::<u8>(), 0..80),
        data in vec(any::<u8>(), 0..400),
    ) -> Packet {
        let mut header = Header {
            extent_type, opcode: Opcode(opcode), result_code: ResultCode(result_code), remaining_followers, crc, size,
            arg_len: arg.len() as u32, partition_id: PartitionId(partition_id), extent_id, extent_offset, req_id, kernel_offset,
            ..Header::default()
        };
        let data = if header.data_on_wire() { data } else { Vec::new() };
        if header.data_on_wire() {
            header.size = data.len() as u32;
        }
        header.ver_seq = if header.extra_len() > 0 { ver_seq } else { 0 };
        header.proto_version = if header.extra_len() > 8 { PROTO_VERSION } else { 0 };
        let versions = if header.has_versions() { versions } else { Vec::new() };
        let versions = versions.into_iter().map(|(ver, del_time, status)| Version { ver, del_time, status }).collect();
        Packet { header, versions, arg: arg.into(), data: data.into() }
    }
}

/// Text with the characters that have escapes among others.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,12}", "[<>&\"\\\\\u{0}-\u{1f}\u{7f}\u{2027}-\u{202a}\u{20ac}€a]{0,12}"]
}

fn list<T: std::fmt::Debug + Clone>(item: impl Strategy<Value = T>) -> impl Strategy<Value = List<T>> {
    option::of(vec(item, 0..4)).prop_map(|items| items.map_or(List::NIL, List::from))
}

fn peer() -> impl Strategy<Value = Peer> {
    (any::<u64>(), text(), text(), text()).prop_map(|(id, addr, raft_heartbeat, raft_replica)| Peer {
        id: NodeId(id),
        addr,
        raft_heartbeat,
        raft_replica,
    })
}

fn finite() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("JSON has no form for it", |value| value.is_finite())
}

prop_compose! {
    fn report()(
        (vol_name, disk_path, local_peers) in (text(), text(), list(peer())),
        (partition_id, partition_status, total, used) in any::<(u64, i64, u64, u64)>(),
        (is_leader, extent_count, read_only_reasons) in any::<(bool, i64, u32)>(),
        decommission_repair_progress in finite(),
    ) -> DataPartitionReport {
        DataPartitionReport {
            vol_name, disk_path, local_peers, partition_id: PartitionId(partition_id), partition_status, total, used, is_leader,
            extent_count, read_only_reasons, decommission_repair_progress, ..DataPartitionReport::default()
        }
    }
}

fn heartbeat() -> impl Strategy<Value = DataNodeHeartbeatResponse> {
    (list(report()), list(text()), btree_map(text(), finite(), 0..4), finite(), any::<u64>()).prop_map(
        |(partition_reports, all_disks, io_util, cpu_util, total)| DataNodeHeartbeatResponse {
            partition_reports,
            all_disks,
            io_util,
            cpu_util,
            total,
            ..DataNodeHeartbeatResponse::default()
        },
    )
}

fn posted(response: DataNodeHeartbeatResponse) -> Vec<u8> {
    let task = AdminTask::<(), DataNodeHeartbeatResponse> {
        id: "addr[a:1]_op[99]".to_owned(),
        opcode: Opcode::DATA_NODE_HEARTBEAT,
        response,
        ..AdminTask::default()
    };
    gojson::to_vec(&task).unwrap()
}

proptest! {
    #[test]
    fn a_written_packet_reads_back(packet in packet(), rest in vec(any::<u8>(), 0..9)) {
        let encoded = packet.encode();
        let extra_of_b3 = packet.header.opcode == Opcode::RANDOM_WRITE_VER && packet.header.extra_len() == 0;
        prop_assume!(!extra_of_b3);
        let (decoded, taken) = Packet::decode(&[encoded.clone(), rest].concat().into()).unwrap();
        prop_assert_eq!(taken, encoded.len());
        prop_assert_eq!(decoded, packet);
    }

    #[test]
    fn a_cut_packet_is_an_error_and_both_readers_agree(packet in packet(), at in any::<prop::sample::Index>()) {
        let encoded = packet.encode();
        let cut = &encoded[..at.index(encoded.len())];
        let result = Packet::decode(&Bytes::copy_from_slice(cut));
        prop_assert_eq!(&decode_in_stages(cut), &result);
        let extra_of_b3 = packet.header.opcode == Opcode::RANDOM_WRITE_VER && packet.header.extra_len() == 0;
        prop_assert!(result.is_err() || extra_of_b3);
    }

    #[test]
    fn any_bytes_are_a_packet_or_an_error(mut bytes in vec(any::<u8>(), 0..300), magic in any::<bool>()) {
        if let (Some(first), true) = (bytes.first_mut(), magic) {
            *first = 0xFF;
        }
        let result = Packet::decode(&bytes.clone().into());
        prop_assert_eq!(decode_in_stages(&bytes), result);
    }

    #[test]
    fn text_reads_back_with_any_reader(text in text()) {
        let json = gojson::to_string(&text).unwrap();
        let escaped = ['<', '>', '&', '\u{2028}', '\u{2029}'];
        prop_assert!(!json.contains(escaped));
        prop_assert_eq!(&gojson::from_str::<String>(&json).unwrap(), &text);
        prop_assert_eq!(&serde_json::from_str::<String>(&json).unwrap(), &text);
    }

    #[test]
    fn floats_read_back_exactly(value in finite(), small in any::<f32>().prop_filter("finite", |value| value.is_finite())) {
        prop_assert_eq!(gojson::from_str::<f64>(&gojson::to_string(&value).unwrap()).unwrap().to_bits(), value.to_bits());
        prop_assert_eq!(gojson::to_string(&small).unwrap().parse::<f32>().unwrap().to_bits(), small.to_bits());
    }

    #[test]
    fn times_and_durations_read_back(nanos in any::<i64>(), zone in -14 * 60..14 * 60) {
        prop_assert_eq!(duration::parse(&duration::to_text(nanos)), Some(nanos));
        let time = GoTime::from_unix_nanos(nanos).in_zone(zone * 60);
        prop_assert_eq!(GoTime::parse(&time.to_string()).unwrap().unix_nanos(), nanos);
    }

    #[test]
    fn any_text_is_a_duration_or_none(text in "[-+0-9.a-zµμ]{0,24}") {
        let _ = duration::parse(&text);
    }

    #[test]
    fn a_posted_heartbeat_reads_back(response in heartbeat()) {
        let task = Incoming::decode(&posted(response.clone())).unwrap();
        prop_assert_eq!(task.response.unwrap(), Response::DataNodeHeartbeat(Box::new(response)));
    }

    #[test]
    fn a_damaged_heartbeat_is_an_error_or_a_value(response in heartbeat(), damage in vec(any::<(prop::sample::Index, u8)>(), 1..4)) {
        let mut body = posted(response);
        for (at, byte) in damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        if let Ok(task) = Incoming::decode(&body) {
            let _ = task.response.map(|response| format!("{response:?}"));
        }
    }

    #[test]
    fn a_request_reads_back(
        members in list(peer()),
        hosts in list(text()),
        decommissioned_disks in list(text()),
        ver_seq in any::<u64>(),
        sizes in option::of(btree_map(text(), any::<u64>(), 0..4)),
    ) {
        let create = CreateDataPartitionRequest { members, hosts: hosts.clone(), decommissioned_disks, ver_seq, ..Default::default() };
        let task = AdminTask::new(Opcode::CREATE_DATA_PARTITION, "a:1", Subject::DataPartition(PartitionId(1)), create, 5, "r".to_owned());
        let packet = task.to_packet(9).unwrap();
        prop_assert_eq!(gojson::from_slice::<AdminTask<CreateDataPartitionRequest>>(&packet.data).unwrap(), task);
        let beat = HeartBeatRequest { forbidden_vols: hosts, vol_dp_repair_block_size: sizes, ..Default::default() };
        prop_assert_eq!(gojson::from_slice::<HeartBeatRequest>(&gojson::to_vec(&beat).unwrap()).unwrap(), beat);
    }
}
