//! `cfs-master import` on the store that a v3.5.3 master left (`tests/vectors/store`, its records as text in `records.jsonl`): as an operator
//! runs it, then masters of this build on what it made.

#[path = "support/http.rs"]
mod http;
#[path = "support/masters.rs"]
mod masters;

use cfs_master::env::tokio::production;
use cfs_master::env::{Batch, Durability, Store};
use http::{call, Request};
use masters::Masters;
use serde_json::{json, Map, Value};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

const READY_WITHIN: Duration = Duration::from_secs(60);
const CALL_WITHIN: Duration = Duration::from_secs(5);
/// What the fixture says of itself.
const APPLIED: &str = "491";

/// The fixture's store, copied to where it may be damaged.
fn go_store(lab: &Masters) -> PathBuf {
    let (from, to) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/store"), lab.dir.path().join("go-store"));
    std::fs::create_dir(&to).unwrap();
    for (name, bytes) in files(&from) {
        std::fs::write(to.join(name), bytes).unwrap();
    }
    to
}

/// Everything in a directory without folders.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| (name(&path), std::fs::read(&path).unwrap())).collect()
}

fn records() -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let pair = |line: &str| serde_json::from_str(line).map(|pair: Value| (text(&pair["key"]), text(&pair["value"]))).unwrap();
    include_str!("vectors/records.jsonl").lines().map(pair).collect()
}

/// The records whose key begins so, read as JSON.
fn records_of(kind: &str) -> Vec<Value> {
    let all = records().into_iter().filter(|(key, _)| key.starts_with(kind));
    all.map(|(_, value)| serde_json::from_str(&value).unwrap()).collect()
}

fn import(lab: &Masters, i: usize, from: &Path, flags: &[&str]) -> Output {
    let config = lab.configure(i).unwrap();
    Command::new(env!("CARGO_BIN_EXE_cfs-master")).arg("import").arg("--from").arg(from).arg("-c").arg(config).args(flags).output().unwrap()
}

/// What it printed, after it ended as it should.
fn ended(output: Output, code: i32) -> String {
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{said}");
    said
}

fn dir_of(lab: &Masters, i: usize, key: &str) -> PathBuf {
    lab.config(i)[key].as_str().unwrap().into()
}

async fn open(dir: &Path) -> Arc<dyn Store> {
    production().storage.open(dir).await.unwrap()
}

async fn pairs_in(dir: &Path) -> BTreeMap<String, String> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let pairs = open(dir).await.scan(Bound::Unbounded, &[], usize::MAX).unwrap();
    pairs.into_iter().map(|(key, value)| (text(key), text(value))).collect()
}

async fn write(dir: &Path, key: &str, value: &str) {
    let mut batch = Batch::default();
    batch.put(key, value);
    open(dir).await.write(batch, Durability::Synced).await.unwrap();
}

async fn get(addr: &str, target: &str) -> Value {
    let request = Request { method: "GET", target, headers: Vec::new(), body: None };
    call(addr, &request, CALL_WITHIN).await["body"].take()
}

/// Asks until the reply is a success.
async fn done(addr: &str, target: &str) -> Value {
    let end = Instant::now() + READY_WITHIN;
    loop {
        let reply = get(addr, target).await;
        if reply["code"] == 0 {
            return reply["data"].clone();
        }
        assert!(Instant::now() < end, "{target} on {addr}: {reply}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_store_of_the_go_master_is_imported_record_for_record_and_stays_as_it_is() {
    let lab = Masters::new(61, 1, Map::new()).unwrap();
    let from = go_store(&lab);
    let before = files(&from);

    let said = ended(import(&lab, 1, &from, &["--check"]), 0);
    assert!(said.contains("applied index 491") && said.contains("       62 #dp#"), "{said}");
    assert!(said.contains("236 records, 0 of unknown kinds, 0 unreadable"), "{said}");
    assert!(!said.contains("odd:") && !dir_of(&lab, 1, "storeDir").exists(), "{said}");

    let said = ended(import(&lab, 1, &from, &[]), 0);
    assert!(said.contains("237 pairs written and compared, at applied index 491"), "{said}");
    assert_eq!(pairs_in(&dir_of(&lab, 1, "storeDir")).await, records());
    assert_eq!(files(&from), before);
}

#[tokio::test]
async fn three_masters_go_on_where_the_go_masters_stopped() {
    let mut lab = Masters::new(62, 3, Map::new()).unwrap();
    let from = go_store(&lab);
    // The store of the second one is a little older, that of the third is lost.
    let older = lab.dir.path().join("older");
    std::fs::create_dir(&older).unwrap();
    for (name, bytes) in files(&from) {
        std::fs::write(older.join(name), bytes).unwrap();
    }
    write(&older, "applied", "490").await;
    write(&older, "#vol#13", &records()["#vol#13"].replace("\"Capacity\":20,", "\"Capacity\":19,")).await;
    ended(import(&lab, 1, &from, &[]), 0);
    ended(import(&lab, 2, &older, &[]), 0);
    for i in lab.ids() {
        lab.start(i).unwrap();
    }
    let (volumes, partitions) = (records_of("#vol#"), records_of("#dp#"));
    assert_eq!((volumes.len(), partitions.len()), (20, 62));
    let name_of = |id: &Value| volumes.iter().find(|volume| volume["ID"] == *id).unwrap()["Name"].as_str().unwrap();
    for i in lab.ids() {
        let addr = lab.addr(i);
        let cluster = done(&addr, "/admin/getCluster").await;
        let nodes = |kind: &str| cluster[kind].as_array().map(Vec::len);
        assert_eq!((&cluster["Name"], nodes("DataNodes"), nodes("MetaNodes")), (&json!("conform"), Some(6), Some(5)), "{cluster}");
        for volume in &volumes {
            let shown = done(&addr, &format!("/admin/getVol?name={}", volume["Name"].as_str().unwrap())).await;
            for field in ["ID", "Name", "Owner", "Capacity", "DpReplicaNum"] {
                assert_eq!(shown[field], volume[field], "{field} of {shown}");
            }
        }
        for partition in &partitions {
            let shown =
                done(&addr, &format!("/dataPartition/get?id={}&name={}", partition["PartitionID"], name_of(&partition["VolID"]))).await;
            let hosts: Vec<&str> = shown["Hosts"].as_array().unwrap().iter().map(|host| host.as_str().unwrap()).collect();
            assert_eq!((hosts.join("_"), &shown["Peers"]), (partition["Hosts"].as_str().unwrap().into(), &partition["Peers"]), "{shown}");
        }
        for user in records_of("#user#") {
            let shown = done(&addr, &format!("/user/info?user={}", user["user_id"].as_str().unwrap())).await;
            assert_eq!((&shown["access_key"], &shown["policy"]), (&user["access_key"], &user["policy"]));
        }
    }
    // One group, whose log begins behind the import; every master holds all of it.
    let end = Instant::now() + READY_WITHIN;
    loop {
        let status = done(&lab.addr(1), "/get/raftStatus").await;
        let commit = status["Commit"].as_u64().unwrap();
        assert!(commit > APPLIED.parse().unwrap(), "{status}");
        let replicas = status["Replicas"].as_object().unwrap();
        assert_eq!(replicas.keys().collect::<Vec<_>>(), ["1", "2", "3"]);
        if replicas.values().all(|replica| replica["Match"].as_u64() == Some(commit)) {
            break;
        }
        assert!(Instant::now() < end, "{status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // No id is given twice.
    let last: u64 = records()["#max_common_id"].parse().unwrap();
    let id = done(&lab.addr(2), "/dataNode/add?addr=127.0.62.101:17310&zoneName=default&mediaType=1").await;
    assert!(id.as_u64().unwrap() > last, "{id}");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_named_and_stops_the_import_unless_it_is_wanted_as_it_is() {
    let mut lab = Masters::new(63, 1, Map::new()).unwrap();
    let from = go_store(&lab);
    let whole = records()["#dp#13#2"].clone();
    write(&from, "#dp#13#2", &whole[..whole.len() / 2]).await;
    write(&from, "#later#7", "{}").await;

    let said = ended(import(&lab, 1, &from, &[]), 1);
    assert!(said.contains("unreadable: #dp#13#2: EOF while parsing"), "{said}");
    assert!(said.contains("unknown:    #later#7: 2 bytes") && said.contains("nothing was imported"), "{said}");
    assert!(!dir_of(&lab, 1, "storeDir").exists());

    ended(import(&lab, 1, &from, &["--keep-unreadable"]), 0);
    let kept = pairs_in(&dir_of(&lab, 1, "storeDir")).await;
    assert_eq!((kept["#dp#13#2"].as_str(), kept["#later#7"].as_str()), (&whole[..whole.len() / 2], "{}"));
    lab.start(1).unwrap();
    done(&lab.addr(1), "/admin/getVol?name=vol1").await;
    assert!(get(&lab.addr(1), "/dataPartition/get?id=2&name=vol1").await["code"] != 0);
    lab.kill(1).await;
    let after = pairs_in(&dir_of(&lab, 1, "storeDir")).await;
    assert_eq!((&after["#dp#13#2"], &after["#later#7"]), (&kept["#dp#13#2"], &kept["#later#7"]));
}

#[tokio::test]
async fn damage_to_the_files_is_named_and_not_taken_for_an_older_state() {
    let lab = Masters::new(64, 1, Map::new()).unwrap();
    let from = go_store(&lab);
    let log = from.join("000004.log");
    let mut bytes = std::fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&log, bytes).unwrap();
    let said = ended(import(&lab, 1, &from, &[]), 1);
    assert!(said.contains("Corruption") && said.contains(from.to_str().unwrap()), "{said}");
    assert!(!dir_of(&lab, 1, "storeDir").exists());

    std::fs::remove_file(from.join("CURRENT")).unwrap();
    let said = ended(import(&lab, 1, &from, &[]), 1);
    assert!(said.contains("is no store of a master"), "{said}");
}

#[tokio::test]
async fn a_store_in_use_and_a_target_in_use_are_refused() {
    let lab = Masters::new(65, 1, Map::from_iter([("clusterName".to_owned(), json!("other"))])).unwrap();
    let from = go_store(&lab);
    // Reading its LOCK here would let go of it: the lock is of this process, not of the file handle.
    let running = open(&from).await;
    let said = ended(import(&lab, 1, &from, &[]), 1);
    assert!(said.contains("is in use") && said.contains("Stop that master first"), "{said}");
    drop(running);

    let said = ended(import(&lab, 1, &from, &[]), 1);
    assert!(said.contains("is of the cluster \"conform\", and clusterName is \"other\""), "{said}");

    let wal = dir_of(&lab, 1, "walDir");
    std::fs::create_dir_all(wal.join("1")).unwrap();
    let said = ended(import(&lab, 1, &from, &[]), 1);
    assert!(said.contains("walDir") && said.contains("is not empty"), "{said}");
    std::fs::remove_dir_all(&wal).unwrap();
    write(&dir_of(&lab, 1, "storeDir"), "a", "b").await;
    let said = ended(import(&lab, 1, &from, &[]), 1);
    assert!(said.contains("storeDir") && said.contains("is not empty"), "{said}");
}

#[tokio::test]
async fn a_master_does_not_start_on_half_an_import() {
    let mut lab = Masters::new(66, 1, Map::new()).unwrap();
    // What the first write of an import leaves (src/import.rs tests the later ones).
    write(&dir_of(&lab, 1, "storeDir"), "~import#unfinished", "/old/store").await;
    lab.start(1).unwrap();
    let ended = tokio::time::timeout(READY_WITHIN, lab.running.remove(&1).unwrap().wait()).await.expect("it ends").unwrap();
    let said = lab.printed(1);
    assert_eq!(ended.code(), Some(1), "{said}");
    assert!(said.contains("it holds part of /old/store") && said.contains("run the import again"), "{said}");
    assert!(!dir_of(&lab, 1, "walDir").exists(), "it made nothing");
}
