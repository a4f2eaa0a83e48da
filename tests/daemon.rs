//! The daemon as an operator meets it: processes of this build that are configured, stopped, killed with signal 9 and robbed of their
//! directories. What must hold is asked over HTTP, as any client would.

#[path = "support/http.rs"]
mod http;
#[path = "support/masters.rs"]
mod masters;
#[path = "support/signal.rs"]
mod signal;

use http::{call, Request};
use masters::Masters;
use serde_json::{json, Map, Value};
use signal::signal;
use std::collections::BTreeMap;
use std::future::Future;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Until a started group answers, or a changed one has caught up: generous, the machine may be busy.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// From the loss of a leader to the next acknowledged change.
const FAILOVER_WITHIN: Duration = Duration::from_secs(15);
/// From telling a leader to stop to the next acknowledged change: no election comes between.
const HANDED_OVER_WITHIN: Duration = Duration::from_secs(5);
const CALL_WITHIN: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);

#[test]
fn a_configuration_that_cannot_be_used_is_named_with_file_key_and_what_is_expected() {
    let masters = Masters::new(51, 1, Map::new()).unwrap();
    let without = |key: &str| {
        let mut config = masters.config(1);
        config.as_object_mut().unwrap().remove(key);
        config.to_string()
    };
    let with = |key: &str, value: &str| {
        let mut config = masters.config(1);
        config[key] = value.into();
        config.to_string()
    };
    let file = masters.dir.path().join("odd.json");
    for (text, wanted) in [
        ("{\"role\": \"master\",".to_owned(), vec!["expected one JSON object", "line 1"]),
        (without("clusterName"), vec!["\"clusterName\"", "missing or empty"]),
        (with("peers", "1=127.0.51.1"), vec!["\"peers\"", "id:ip:port", "found \"1=127.0.51.1\""]),
        (with("peers", "2:127.0.51.2:17010"), vec!["\"peers\"", "this master's own id 1"]),
        (with("listen", "none"), vec!["\"listen\"", "a port from 0 to 65535", "found \"none\""]),
    ] {
        std::fs::write(&file, &text).unwrap();
        let ended = Command::new(env!("CARGO_BIN_EXE_cfs-master")).args(["-f", "-c"]).arg(&file).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{text}: {said}");
        for part in wanted.into_iter().chain([file.to_str().unwrap()]) {
            assert!(said.contains(part), "{part:?} is not in {said:?}");
        }
    }
    let absent = Command::new(env!("CARGO_BIN_EXE_cfs-master")).args(["-c", "/nowhere/master.json"]).output().unwrap();
    assert_eq!(absent.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&absent.stderr).contains("/nowhere/master.json: No such file"));
}

#[tokio::test]
async fn an_unknown_key_is_warned_of_and_the_master_starts() {
    let extra = Map::from_iter([("clusterNmae".to_owned(), json!("x"))]);
    let lab = started(Masters::new(52, 1, extra).unwrap()).await;
    let said = lab.printed(1);
    assert!(said.contains("m1.json: key \"clusterNmae\": unknown key, ignored"), "{said}");
}

#[tokio::test]
async fn the_first_node_of_a_zone_brings_the_node_sets_of_a_whole_group_where_a_fault_domain_is_one_zone() {
    let config = [("faultDomain".to_owned(), json!(true)), ("faultDomainGrpBatchCnt".to_owned(), json!("1"))];
    let lab = started(Masters::new(57, 1, Map::from_iter(config)).unwrap()).await;
    for (node, sets) in [(1, 3), (2, 3)] {
        done(&lab, &format!("/dataNode/add?addr=127.0.57.10{node}:17310&zoneName=z1&mediaType=1")).await;
        let list = done(&lab, "/nodeSet/list").await;
        assert_eq!(list["data"].as_array().map(Vec::len), Some(sets), "{list}");
    }
}

#[tokio::test]
async fn three_masters_elect_a_leader_and_a_follower_passes_requests_on() {
    let lab = started(Masters::new(53, 3, Map::new()).unwrap()).await;
    let leader = lab.addr(leader(&lab).await);
    for i in lab.ids() {
        // The last one may hear of the leader only with its first heartbeat.
        let passes = || async { Some(get(&lab.addr(i), "/admin/getCluster").await).filter(|reply| reply["code"] == 0) };
        let reply = until(READY_WITHIN, || format!("a reply through master {i}"), passes).await;
        assert_eq!((&reply["data"]["Name"], &reply["data"]["LeaderAddr"]), (&json!("conform"), &json!(leader)), "master {i}");
    }
}

#[tokio::test]
async fn the_prof_port_tells_who_is_ready_and_the_exporter_port_has_the_metrics() {
    let ports = [("prof".to_owned(), json!("17020")), ("exporterPort".to_owned(), json!(17021))];
    let mut lab = started(Masters::new(58, 3, Map::from_iter(ports)).unwrap()).await;
    let ask = |i: usize, port: u16, target: &'static str| async move {
        let request = Request { method: "GET", target, headers: Vec::new(), body: None };
        call(&format!("127.0.58.{i}:{port}"), &request, CALL_WITHIN).await
    };
    for i in lab.ids() {
        let ready = || async { (ask(i, 17020, "/readyz").await["status"] == 200).then_some(()) };
        until(READY_WITHIN, || format!("master {i} is ready"), ready).await;
        assert_eq!(ask(i, 17020, "/livez").await["body"], json!("ok\n"));
        let metrics = ask(i, 17021, "/metrics").await["body"].to_string();
        assert!(metrics.contains("cfs_master_start_time "), "{metrics}");
        assert_eq!(ask(i, 17021, "/readyz").await["status"], 404);
    }
    let set = ask(1, 17020, "/loglevel/set?level=warn").await;
    assert_eq!((&set["status"], &set["body"]["data"]), (&json!(200), &json!("set log level success")));
    lab.kill(2).await;
    lab.kill(3).await;
    let alone = || async { (ask(1, 17020, "/readyz").await["status"] == 503).then_some(()) };
    until(READY_WITHIN, || "a master without a quorum is not ready".into(), alone).await;
    assert_eq!(ask(1, 17020, "/livez").await["status"], 200);
}

#[tokio::test]
async fn sigterm_stops_a_master_with_exit_code_0() {
    let mut lab = started(Masters::new(54, 3, Map::new()).unwrap()).await;
    let leader = leader(&lab).await;
    for i in lab.ids().filter(|i| *i != leader).chain([leader]) {
        let ended = terminate(&mut lab, i).await;
        assert_eq!(ended.code(), Some(0), "master {i} printed {}", lab.printed(i));
    }
}

#[tokio::test]
async fn a_leader_that_stops_hands_over_before_it_waits_for_requests() {
    let mut lab = started(Masters::new(60, 3, Map::new()).unwrap()).await;
    let leader = leader(&lab).await;
    // As long as its body may come, this request is being answered.
    let mut slow = TcpStream::connect(lab.addr(leader)).await.unwrap();
    slow.write_all(b"POST /user/create HTTP/1.1\r\nHost: m\r\nContent-Length: 9\r\n\r\n").await.unwrap();
    tokio::time::sleep(PAUSE).await;
    let mut child = lab.running.remove(&leader).unwrap();
    signal(&child, "TERM");
    let began = Instant::now();
    done(&lab, "/cluster/freeze?enable=true").await;
    let took = began.elapsed();
    assert!(child.try_wait().unwrap().is_none(), "the leader waits for no request: this proves nothing");
    assert!(took < HANDED_OVER_WITHIN, "the next change was acknowledged after {} ms", took.as_millis());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9_of_every_master() {
    let mut lab = started(Masters::new(55, 3, Map::new()).unwrap()).await;
    done(&lab, "/cluster/freeze?enable=true").await;
    let writers = Writers::start(&lab);

    writers.acknowledge(20, READY_WITHIN).await;
    let first = leader(&lab).await;
    lab.kill(first).await;
    let failover = writers.acknowledge(1, FAILOVER_WITHIN).await;
    println!("leader killed with signal 9: the next acknowledged change after {} ms", failover.as_millis());
    writers.acknowledge(20, READY_WITHIN).await;

    for i in lab.ids() {
        lab.kill(i).await;
    }
    let began = Instant::now();
    for i in lab.ids() {
        lab.start(i).unwrap();
    }
    writers.acknowledge(1, READY_WITHIN).await;
    println!("all masters killed with signal 9: the next acknowledged change {} ms after their start", began.elapsed().as_millis());
    writers.acknowledge(20, READY_WITHIN).await;

    let users = writers.stop().await;
    println!("{} users were acknowledged", users.len());
    for i in lab.ids() {
        let cluster = get(&lab.addr(i), "/admin/getCluster").await;
        assert_eq!(cluster["data"]["DisableAutoAlloc"], true, "{cluster}");
        for (number, key) in &users {
            let reply = get(&lab.addr(i), &format!("/user/info?user=user{number}")).await;
            assert_eq!((&reply["code"], &reply["data"]["access_key"]), (&json!(0), key), "user{number} through master {i}: {reply}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_with_an_emptied_directory_stays_out_until_it_is_removed_and_added_again() {
    let mut lab = started(Masters::new(56, 3, Map::new()).unwrap()).await;
    done(&lab, "/cluster/freeze?enable=true").await;
    let leader = leader(&lab).await;
    let (emptied, other) = match leader {
        1 => (2, 3),
        2 => (1, 3),
        _ => (1, 2),
    };
    assert_eq!(terminate(&mut lab, emptied).await.code(), Some(0));
    let at = |name: &str| lab.dir.path().join(format!("m{emptied}")).join(name);
    for dir in ["wal", "store"] {
        std::fs::remove_dir_all(at(dir)).unwrap();
    }
    let log = at("log/master/master_error.log");
    lab.start(emptied).unwrap();
    let says = || std::fs::read_to_string(&log).unwrap_or_default().contains("Remove it with /raftNode/remove");
    until(READY_WITHIN, || "the emptied master says what is to be done".into(), || async { says().then_some(()) }).await;
    assert_eq!(get(&lab.addr(emptied), "/admin/getCluster").await, json!("no leader\n"));

    // With the other follower gone, the leader would need the vote of the emptied one.
    lab.kill(other).await;
    let end = Instant::now() + Duration::from_secs(6);
    let mut refused = 0;
    while Instant::now() < end {
        for i in [leader, emptied] {
            let reply = get(&lab.addr(i), "/cluster/freeze?enable=false").await;
            assert_ne!(reply["code"], 0, "master {i} acknowledged a change without a quorum");
            refused += 1;
        }
        tokio::time::sleep(PAUSE).await;
    }
    assert!(refused > 0);
    lab.start(other).unwrap();
    until(
        READY_WITHIN,
        || "a leader again".into(),
        || async { (get(&lab.addr(leader), "/admin/getCluster").await["code"] == 0).then_some(()) },
    )
    .await;

    let member = format!("id={emptied}&addr={}", lab.addr(emptied));
    for change in ["remove", "add"] {
        done(&lab, &format!("/raftNode/{change}?{member}")).await;
    }
    let added = Instant::now();
    let through = || async { (get(&lab.addr(emptied), "/admin/getCluster").await["code"] == 0).then_some(()) };
    until(READY_WITHIN, || "the added master passes requests on".into(), through).await;

    // Now its vote counts: it holds what was acknowledged, and the group goes on without the other one.
    until(
        READY_WITHIN,
        || "the added master has caught up".into(),
        || async {
            let status = done(&lab, "/get/raftStatus").await;
            let progress = &status["data"]["Replicas"][emptied.to_string()];
            let matched = progress["Match"].as_u64().unwrap_or(0);
            (matched > 0 && matched >= status["data"]["Commit"].as_u64().unwrap_or(u64::MAX)).then_some(())
        },
    )
    .await;
    println!("a master with an emptied directory has caught up {} ms after it was added", added.elapsed().as_millis());
    // What the leader does next is to make it a voter; no reply shows that.
    tokio::time::sleep(Duration::from_secs(1)).await;
    lab.kill(other).await;
    done(&lab, "/cluster/freeze?enable=true").await;
    assert_eq!(get(&lab.addr(emptied), "/admin/getCluster").await["data"]["DisableAutoAlloc"], true);
}

/// Starts all masters and waits until one of them leads.
async fn started(mut lab: Masters) -> Masters {
    for i in lab.ids() {
        lab.start(i).unwrap();
    }
    leader(&lab).await;
    lab
}

/// The leader that a running master names, once it serves.
async fn leader(lab: &Masters) -> usize {
    until(
        READY_WITHIN,
        || "a leader".into(),
        || async {
            for i in lab.running.keys() {
                let cluster = get(&lab.addr(*i), "/admin/getCluster").await;
                if cluster["code"] == 0 {
                    return lab.ids().find(|k| cluster["data"]["LeaderAddr"] == lab.addr(*k));
                }
            }
            None
        },
    )
    .await
}

/// Asks the running masters in turn until one has done what is asked; its reply.
async fn done(lab: &Masters, target: &str) -> Value {
    let last = Mutex::new(Value::Null);
    until(
        READY_WITHIN,
        || format!("{target}, but {}", last.lock().unwrap()),
        || async {
            for i in lab.running.keys() {
                let reply = get(&lab.addr(*i), target).await;
                if reply["code"] == 0 {
                    return Some(reply);
                }
                *last.lock().unwrap() = reply;
            }
            None
        },
    )
    .await
}

/// The body of a reply; text where it is no JSON (no leader, no connection).
async fn get(addr: &str, target: &str) -> Value {
    let request = Request { method: "GET", target, headers: Vec::new(), body: None };
    call(addr, &request, CALL_WITHIN).await["body"].take()
}

/// Asks until there is something.
async fn until<T, F: Future<Output = Option<T>>>(within: Duration, what: impl Fn() -> String, ask: impl Fn() -> F) -> T {
    let end = Instant::now() + within;
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(Instant::now() < end, "not within {} s: {}", within.as_secs(), what());
        tokio::time::sleep(PAUSE).await;
    }
}

/// SIGTERM; how the process ended.
async fn terminate(lab: &mut Masters, i: usize) -> ExitStatus {
    let mut child = lab.running.remove(&i).expect("it runs");
    signal(&child, "TERM");
    tokio::time::timeout(READY_WITHIN, child.wait()).await.unwrap_or_else(|_| panic!("master {i} goes on after SIGTERM")).unwrap()
}

/// Creates users through all masters, whatever happens to these, and remembers the acknowledged ones with their access keys.
struct Writers {
    /// By the number in the user's name.
    acknowledged: Arc<Mutex<BTreeMap<usize, Value>>>,
    next: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Writers {
    fn start(lab: &Masters) -> Self {
        let (acknowledged, next, stop) = (Arc::default(), Arc::default(), Arc::default());
        let all = Self { acknowledged, next, stop, tasks: Vec::new() };
        let tasks = lab.ids().map(|i| {
            let (addr, acknowledged, stop, next) = (lab.addr(i), all.acknowledged.clone(), all.stop.clone(), all.next.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    // A name is used once: what became of a change without a reply is not known.
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let body = Some(json!({"id": format!("user{number}"), "type": 3}).to_string());
                    let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
                    let request = Request { method: "POST", target: "/user/create", headers, body };
                    let reply = call(&addr, &request, CALL_WITHIN).await;
                    if reply["body"]["code"] == 0 {
                        acknowledged.lock().unwrap().insert(number, reply["body"]["data"]["access_key"].clone());
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            })
        });
        Self { tasks: tasks.collect(), ..all }
    }

    /// How long it takes until `more` of the changes that are asked for from now on are acknowledged.
    async fn acknowledge(&self, more: usize, within: Duration) -> Duration {
        let (began, from) = (Instant::now(), self.next.load(Ordering::Relaxed));
        let there = || async { (self.acknowledged.lock().unwrap().range(from..).count() >= more).then_some(()) };
        until(within, || "the next acknowledged change".into(), there).await;
        began.elapsed()
    }

    async fn stop(self) -> BTreeMap<usize, Value> {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("a writer does not panic");
        }
        std::mem::take(&mut self.acknowledged.lock().unwrap())
    }
}
