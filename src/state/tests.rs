//! Goal: every master that applies the same commands holds the same, however it came there (D2, G6, R12). Method: random
//! commands, applied and stored; the same from a snapshot taken anywhere; compared pair by pair and by digest.

use super::*;
use crate::ids::{Index, NodeId, NodeSetId, PartitionId, VolumeId};
use crate::model::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What a store is: a map.
type Stored = BTreeMap<Vec<u8>, Vec<u8>>;

fn write(store: &mut Stored, writes: Writes) {
    for (key, value) in writes.0 {
        match value {
            Some(value) => store.insert(key, value),
            None => store.remove(&key),
        };
    }
}

fn pairs(store: &Stored) -> Vec<(Vec<u8>, Vec<u8>)> {
    store.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// A master: its state and what it stored.
#[derive(Clone, Default)]
struct Master {
    state: State,
    store: Stored,
}

impl Master {
    fn apply(&mut self, command: &Command) -> Outcome {
        let index = Index(self.state.applied.0 + 1);
        let (outcome, batch) = self.state.apply(index, command);
        write(&mut self.store, batch);
        outcome
    }

    fn commit(&mut self, build: impl FnOnce(&mut Txn)) -> Outcome {
        let state = self.state.clone();
        let mut txn = Txn::new(&state);
        build(&mut txn);
        self.apply(&txn.finish("test", 0))
    }

    fn restarted(&self) -> Self {
        Self { state: State::from_pairs(pairs(&self.store)).unwrap(), store: self.store.clone() }
    }
}

fn assert_same(a: &Master, b: &Master) {
    assert_eq!(a.store, b.store);
    assert_eq!((a.state.applied, a.state.digest), (b.state.applied, b.state.digest));
    assert!(*a.state == *b.state, "the tables differ");
    assert!(a.state.indexes == b.state.indexes, "the indexes differ");
    a.state.recount().unwrap();
}

fn volume(id: u64, name: &str) -> Volume {
    Volume::new(VolumeId(id), name, "owner", 1, StorageClass::REPLICA_SSD)
}

fn imported() -> Master {
    let lines = include_str!("../../tests/vectors/records.jsonl").lines();
    let record = |line: &str| -> (Vec<u8>, Vec<u8>) {
        let pair: serde_json::Value = serde_json::from_str(line).unwrap();
        (pair["key"].as_str().unwrap().into(), pair["value"].as_str().unwrap().into())
    };
    let store: Stored = lines.map(record).collect();
    Master { state: State::from_pairs(pairs(&store)).unwrap(), store }
}

#[test]
fn a_store_of_v3_5_3_is_loaded_whole() {
    let Master { state, .. } = imported();
    assert_eq!((state.applied, state.counter(Counter::MetaPartition), state.counter(Counter::Client)), (Index(491), 61, 0));
    assert_eq!((state.volumes.len(), state.data_partitions.len(), state.meta_partitions.len()), (20, 62, 61));
    assert!(state.raw.is_empty() && state.unreadable.is_empty());
    assert_eq!(state.cluster.as_ref().unwrap().name, "conform");
    assert_eq!(state.revision("#vol#13"), Some(0.into()));
    assert_eq!(state.revision("#vol#1"), None);

    let vol1 = state.volume_by_name("vol1").unwrap();
    assert_eq!(vol1.id, VolumeId(13));
    assert!(state.meta_partitions_of_volume(vol1.id).next_back().unwrap().is_open());
    assert!(state.data_partitions_of_volume(vol1.id).all(|partition| partition.vol_name == "vol1"));
    let node = state.data_node_by_addr("127.0.180.101:17310").unwrap();
    assert_eq!(state.data_partitions_on(&node.addr).count(), state.data_partition_count_on(&node.addr));
    assert_eq!(state.zone_names().collect::<Vec<_>>(), ["default"]);
    assert_eq!((state.data_nodes_of_set(NodeSetId(1)).count(), state.meta_nodes_of_set(NodeSetId(1)).count()), (6, 5));
    assert_eq!(state.quotas_of_volume(vol1.id).count(), state.quotas.range((vol1.id, 0)..(VolumeId(14), 0)).count());
    state.recount().unwrap();
}

#[test]
fn a_conflict_changes_nothing_but_the_applied_index() {
    let mut master = imported();
    let base = master.state.clone();
    let rename = |name: &str| {
        let mut txn = Txn::new(&base);
        let mut volume = Volume::clone(&txn.volume(VolumeId(13)).unwrap());
        volume.description = name.into();
        txn.put(volume);
        txn.alloc(Counter::Common);
        txn.finish("test", 0)
    };
    assert_eq!(master.apply(&rename("first")), Outcome::Done);
    let before = master.clone();
    assert_eq!(master.apply(&rename("second")), Outcome::Conflict { key: "#max_common_id".into() });
    assert_eq!(master.state.digest, before.state.digest);
    let mut expected = before.store;
    expected.insert(b"applied".to_vec(), b"493".to_vec());
    assert_eq!(master.store, expected);
    assert_eq!(master.state.volumes[&VolumeId(13)].description, "first");
    assert_eq!(master.state.revision("#vol#13"), Some(492.into()));
    assert_same(&master, &master.restarted());
}

#[test]
fn an_id_is_never_given_twice() {
    let mut master = Master::default();
    let base = master.state.clone();
    let mut taken = Vec::new();
    for _ in 0..2 {
        let mut txn = Txn::new(&base);
        let ids = [txn.alloc(Counter::Common), txn.alloc(Counter::Common)];
        if master.apply(&txn.finish("test", 0)) == Outcome::Done {
            taken.extend(ids);
        }
    }
    assert_eq!(taken, [1, 2]);
    assert_eq!(master.state.counter(Counter::Common), 2);
    master.commit(|txn| txn.raise(Counter::Common, 1));
    assert_eq!(master.state.counter(Counter::Common), 2);
}

#[test]
fn a_record_that_was_absent_must_stay_absent() {
    let mut master = Master::default();
    let base = master.state.clone();
    let create = || {
        let mut txn = Txn::new(&base);
        assert!(txn.volume(VolumeId(7)).is_none());
        txn.put(volume(7, "v"));
        assert_eq!(txn.volume(VolumeId(7)).unwrap().name, "v");
        txn.finish("test", 0)
    };
    assert_eq!(master.apply(&create()), Outcome::Done);
    assert_eq!(master.apply(&create()), Outcome::Conflict { key: "#vol#7".into() });
}

#[test]
fn a_command_that_makes_no_sense_is_refused_whole() {
    let mut master = imported();
    let before = master.clone();
    let op = |key: &str, value: Option<&str>| Op { key: key.into(), value: value.map(|value| value.to_owned().into()) };
    for (bad, reason) in [
        (op("#vol#13", Some("{")), "EOF while parsing an object at line 1 column 1"),
        (op("#vol#13", Some(r#"{"ID":14}"#)), "the record says its key is #vol#14"),
        (op("#dp#14#1", Some(r#"{"PartitionID":1,"VolID":14}"#)), "the id belongs to #dp#13#1"),
        (op("#max_dp_id", Some("1")), "a counter is raised, not written"),
        (op("~rev##vol#13", None), "not a record's key"),
        (op("applied", Some("1")), "not a record's key"),
        (op("#vol#14", Some("{}")), "written twice"),
    ] {
        let command = Command { ops: vec![op("#vol#14", None), bad.clone()], ..Command::default() };
        assert_eq!(master.apply(&command), Outcome::Invalid { key: bad.key, reason: reason.into() });
    }
    let raise = Command { raises: vec![Raise { key: "#vol#13".into(), to: 9 }], ..Command::default() };
    assert!(matches!(master.apply(&raise), Outcome::Invalid { .. }));
    assert!(matches!(master.state.apply_bytes(Index(1000), b"\xff"), (Outcome::Invalid { .. }, _)));
    assert_eq!(master.state.digest, before.state.digest);
    assert!(master.state.volumes.ptr_eq(&before.state.volumes));
}

#[test]
fn a_node_may_change_its_id_or_address_in_one_command() {
    let mut master = imported();
    let node = master.state.data_node_by_addr("127.0.180.101:17310").unwrap().clone();
    for (id, addr) in [(900, node.addr.as_str()), (900, "127.0.180.200:17310")] {
        let outcome = master.commit(|txn| {
            let mut moved = DataNode::clone(
                txn.base()
                    .data_nodes
                    .values()
                    .find(|other| other.heartbeat_port == node.heartbeat_port && (other.id == node.id || other.id.0 == 900))
                    .unwrap(),
            );
            txn.remove(&moved);
            (moved.id, moved.addr) = (NodeId(id), addr.into());
            txn.put(moved);
        });
        assert_eq!(outcome, Outcome::Done);
        assert_eq!(master.state.data_node_by_addr(addr).unwrap().id, NodeId(id));
    }
    assert!(master.state.data_node_by_addr(&node.addr).is_none());
    assert_same(&master, &master.restarted());
}

#[test]
fn unknown_and_unreadable_pairs_are_kept() {
    let mut store: Stored = BTreeMap::new();
    for (key, value) in [
        ("#dp#8#1", r#"{"PartitionID":1,"VolID":8}"#),
        ("#dp#9#1", r#"{"PartitionID":1,"VolID":9}"#),
        ("#new#1", "x"),
        ("#vol#8", "broken"),
        ("~new#2", "y"),
    ] {
        store.insert(key.into(), value.into());
    }
    store.insert(b"\xff\xfe".to_vec(), b"z".to_vec());
    let mut master = Master { state: State::from_pairs(pairs(&store)).unwrap(), store };
    assert_eq!((master.state.raw.len(), master.state.unreadable.len()), (3, 2));
    assert_eq!(master.state.unreadable[&b"#dp#9#1"[..]].reason, "the id belongs to #dp#8#1");
    let digest = master.state.digest;

    // Once the id is free, the other record is read, as it would be after a restart.
    assert_eq!(master.commit(|txn| txn.delete::<DataPartition>("#dp#8#1")), Outcome::Done);
    assert_eq!(master.state.data_partitions[&PartitionId(1)].vol_id, VolumeId(9));
    assert_eq!(master.commit(|txn| txn.put(volume(8, "v"))), Outcome::Done);
    assert!(master.state.unreadable.is_empty() && master.state.digest != digest);
    assert_same(&master, &master.restarted());
    master.state.recount().unwrap();
}

#[test]
fn a_state_loaded_piece_by_piece_is_the_one_loaded_at_once() {
    let master = imported();
    let all = pairs(&master.store);
    let mut state = State::new();
    for piece in all.chunks(7) {
        state.load_more(piece.to_vec()).unwrap();
    }
    assert_same(&Master { state, store: master.store.clone() }, &master.restarted());
}

#[test]
fn what_cannot_be_carried_on_from_is_not_loaded() {
    for (key, value) in [("applied", ""), ("#max_dp_id", "x"), ("~rev##vol#8", "-1"), ("#client_id", "1 ")] {
        assert!(matches!(State::from_pairs([(key.into(), value.into())]), Err(LoadError::Damaged { .. })), "{key}");
    }
}

#[test]
fn of_two_records_with_one_name_the_one_of_v3_5_3_counts() {
    let mut master = Master::default();
    master.commit(|txn| {
        for id in [5, 9] {
            txn.put(volume(id, "v"));
            txn.put(DataNode::new(NodeId(id), "a:1", "z", NodeSetId(1), MediaType::SSD));
        }
    });
    assert_eq!(master.state.volume_by_name("v").unwrap().id, VolumeId(9));
    assert_eq!(master.state.data_node_by_addr("a:1").unwrap().id, NodeId(5));
    master.commit(|txn| txn.delete::<Volume>("#vol#9"));
    assert_eq!(master.state.volume_by_name("v").unwrap().id, VolumeId(5));
}

#[test]
fn settings_follow_the_cluster_record() {
    let mut master = Master::default();
    assert_eq!(master.state.settings.max_dp_cnt_limit, 3000);
    master.commit(|txn| txn.put(ClusterValue { max_dp_cnt_limit: 7, max_mp_cnt_limit: 0, ..ClusterValue::new("c", 1) }));
    assert_eq!((master.state.settings.max_dp_cnt_limit, master.state.settings.max_mp_cnt_limit), (7, 300));
    assert_same(&master, &master.restarted());
}

#[test]
fn members_are_stored_and_loaded() {
    let mut master = Master::default();
    let mut batch = master.state.skip(Index(1));
    master.state.set_membership(b"1,2,3".as_slice().into(), &mut batch);
    write(&mut master.store, batch);
    assert_eq!(master.restarted().state.membership.as_deref(), Some(&b"1,2,3"[..]));
    assert_same(&master, &master.restarted());
}

/// A step of a random history. Numbers are small so that steps meet.
#[derive(Clone, Debug)]
enum Step {
    Volume { id: u64, name: u8, blind: bool },
    DataPartition { id: u64, volume: u64, hosts: Vec<u8>, leaves: u8 },
    MetaPartition { id: u64, volume: u64, start: u64 },
    Node { id: u64, addr: u8, set: u64 },
    NodeSet { id: u64, zone: u8 },
    Delete { kind: u8, id: u64, volume: u64 },
    Alloc { counter: usize },
    Raw { id: u8, bytes: Vec<u8> },
    Skip,
}

fn steps() -> impl Strategy<Value = Step> {
    let (id, small) = (1..6u64, 0..4u8);
    prop_oneof![
        (id.clone(), small.clone(), any::<bool>()).prop_map(|(id, name, blind)| Step::Volume { id, name, blind }),
        (id.clone(), 1..3u64, prop::collection::vec(small.clone(), 0..4), small.clone())
            .prop_map(|(id, volume, hosts, leaves)| { Step::DataPartition { id, volume, hosts, leaves } }),
        (id.clone(), 1..3u64, 0..3u64).prop_map(|(id, volume, start)| Step::MetaPartition { id, volume, start }),
        (id.clone(), small.clone(), 1..3u64).prop_map(|(id, addr, set)| Step::Node { id, addr, set }),
        (id.clone(), small.clone()).prop_map(|(id, zone)| Step::NodeSet { id, zone }),
        (0..6u8, id, 1..3u64).prop_map(|(kind, id, volume)| Step::Delete { kind, id, volume }),
        (0..5usize).prop_map(|counter| Step::Alloc { counter }),
        (small, prop::collection::vec(any::<u8>(), 0..4)).prop_map(|(id, bytes)| Step::Raw { id, bytes }),
        Just(Step::Skip),
    ]
}

fn command(base: &State, step: &Step) -> Command {
    let mut txn = Txn::new(base);
    match step.clone() {
        Step::Volume { id, name, blind } => {
            if !blind {
                txn.volume(VolumeId(id));
            }
            let mut volume = volume(id, &format!("v{name}"));
            volume.extra.keep("Newer".into(), name.into());
            txn.put(volume);
        }
        Step::DataPartition { id, volume: of, hosts, leaves } => {
            txn.data_partition(PartitionId(id));
            let hosts = hosts.iter().map(|host| format!("h{host}")).collect();
            let mut partition = DataPartition::new(PartitionId(id), &volume(of, "v"), hosts, Vec::new(), MediaType::SSD);
            if leaves > 1 {
                partition.decommission_src_addr = format!("h{leaves}");
            } else if leaves == 1 {
                partition.decommission_status = DecommissionStatus::RUNNING;
            }
            txn.put(partition);
        }
        Step::MetaPartition { id, volume: of, start } => {
            txn.put(MetaPartition::new(PartitionId(id), start, 9, &volume(of, "v"), vec!["h".into()], Vec::new()))
        }
        Step::Node { id, addr, set } => {
            txn.data_node(NodeId(id));
            txn.put(DataNode::new(NodeId(id), format!("h{addr}"), "z", NodeSetId(set), MediaType::SSD));
            txn.put(FlashNode { id: NodeId(id), addr: format!("f{addr}"), flash_group_id: set, ..FlashNode::default() });
        }
        Step::NodeSet { id, zone } => txn.put(NodeSet::new(NodeSetId(id), 18, if zone == 0 { String::new() } else { format!("z{zone}") })),
        Step::Delete { kind: 0, id, .. } => txn.delete::<Volume>(&format!("#vol#{id}")),
        Step::Delete { kind: 1, id, volume } => txn.delete::<DataPartition>(&format!("#dp#{volume}#{id}")),
        Step::Delete { kind: 2, id, volume } => txn.delete::<MetaPartition>(&format!("#mp#{volume}#{id}")),
        Step::Delete { kind: 3, id, .. } => {
            if let Some(node) = txn.data_node(NodeId(id)) {
                txn.remove(&*node);
            }
        }
        Step::Delete { id, .. } => txn.delete::<NodeSet>(&format!("#s#{id}")),
        Step::Alloc { counter } => {
            txn.alloc(Counter::ALL[counter]);
        }
        Step::Raw { .. } | Step::Skip => {}
    }
    let mut command = txn.finish("test", 0);
    if let Step::Raw { id, bytes } = step {
        command.ops.push(Op { key: format!("#new#{id}"), value: Some(bytes.clone().into()) });
    }
    command
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn snapshot_and_tail_equal_full_replay(history in prop::collection::vec((steps(), 0..3usize), 1..60), cut in 0..60usize) {
        let mut full = Master::default();
        let mut states = vec![full.state.clone()];
        let mut late = None;
        for (at, (step, age)) in history.iter().enumerate() {
            if at == cut {
                late = Some(full.restarted());
            }
            // Commands are decided on a state that may be a few steps old, so that some conflict.
            let base = &states[states.len().saturating_sub(1 + age)];
            let command = command(base, step);
            let before = full.clone();
            let outcome = full.apply(&command);
            if outcome != Outcome::Done {
                prop_assert_eq!(full.state.digest, before.state.digest);
                let mut expected = before.store;
                expected.insert(b"applied".to_vec(), full.state.applied.to_string().into());
                prop_assert_eq!(&full.store, &expected);
            }
            if let Some(late) = &mut late {
                prop_assert_eq!(late.apply(&command), outcome);
                prop_assert_eq!(late.state.digest, full.state.digest);
            }
            full.state.recount().unwrap();
            states.push(full.state.clone());
        }
        assert_same(&full, &full.restarted());
        if let Some(late) = &late {
            assert_same(&full, late);
        }
    }

    #[test]
    fn bytes_that_are_no_command_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut master = Master::default();
        master.state.apply_bytes(Index(1), &bytes);
        prop_assert_eq!(master.state.applied, Index(1));
    }
}
