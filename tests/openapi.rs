//! The API against its own description: requests drawn from `/openapi.json` go to the service of a real master, in this process and without
//! sockets, on the cluster that `tests/vectors/store` holds. Whatever they say, the reply is one that the document allows.

use axum::body::Body;
use bytes::Bytes;
use cfs_master::api::inputs;
use cfs_master::api::service::Service;
use cfs_master::api::table::{self, ROUTES};
use cfs_master::config::Config;
use cfs_master::env::rocks::StoppedStore;
use cfs_master::env::tokio::production;
use cfs_master::import;
use cfs_master::start::{start, Running};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use percent_encoding::{utf8_percent_encode, NON_ALPHANUMERIC};
use proptest::prelude::*;
use proptest::strategy::Union;
use serde_json::{json, Map, Value};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Requests of one run; the variable PROPTEST_CASES asks for more.
const CASES: u32 = 3000;
const READY_WITHIN: Duration = Duration::from_secs(60);
/// A reply takes at most so long: nodes that do not answer are given up before.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);
/// They would take the only master out of its group, or wait for one that is not there.
const LEFT_OUT: &[&str] = &["/raftNode/add", "/raftNode/remove"];
/// Their refusals show the balance plan that they are about.
const SHOW_PLAN: &[&str] = &["/metaNode/createBalanceTask", "/metaNode/offline"];

struct Bench {
    service: Arc<Service>,
    running: Running,
    _dir: tempfile::TempDir,
}

struct Answer {
    status: StatusCode,
    content_type: String,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }
}

impl Bench {
    /// A master that leads a cluster with the fixture's contents.
    async fn start(net: u8, extra: Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let source = StoppedStore::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/store")).unwrap();
        let target = production().storage.open(&path("store")).await.unwrap();
        import::copy(&source, &*target, "the fixture").await.unwrap();
        drop(target);
        let mut config = json!({
            "clusterName": "conform", "id": 1, "ip": format!("127.0.{net}.1"), "bindIp": true, "listen": 17010,
            "peers": format!("1:127.0.{net}.1:17010"), "walDir": path("wal"), "storeDir": path("store"), "tickInterval": 301, "electionTick": 4,
        });
        config.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let (config, warnings) = Config::parse("test", &config.to_string()).unwrap();
        assert_eq!(warnings, []);
        let running = start(production(), config).await.unwrap();
        let bench = Self { service: Service::new(running.master.clone()), running, _dir: dir };
        let end = Instant::now() + READY_WITHIN;
        while bench.ask(&Sent::get("/admin/getCluster")).await.status != StatusCode::OK {
            assert!(Instant::now() < end, "the master does not lead");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bench
    }

    async fn ask(&self, sent: &Sent) -> Answer {
        let route = table::find(&sent.path).expect("a path of the table");
        let mut request = Request::builder().method(sent.method.clone()).uri(sent.target());
        let body = match &sent.body {
            Some(body) => body.clone(),
            None if sent.as_form => {
                request = request.header("content-type", "application/x-www-form-urlencoded");
                sent.pairs()
            }
            None => String::new(),
        };
        let request = request.body(Body::from(body)).unwrap();
        let peer = "127.0.0.1:40000".parse().unwrap();
        let answering = tokio::time::timeout(ANSWERED_WITHIN, self.service.answer(route, peer, request));
        let response = answering.await.unwrap_or_else(|_| panic!("{sent:?} is not answered"));
        let content_type = response.headers().get("content-type").map_or("", |value| value.to_str().unwrap()).to_owned();
        let status = response.status();
        Answer { status, content_type, body: response.into_body().collect().await.unwrap().to_bytes() }
    }

    async fn document(&self) -> Value {
        self.ask(&Sent::get("/openapi.json")).await.json()
    }
}

/// A request.
#[derive(Clone, Debug)]
struct Sent {
    method: Method,
    path: String,
    params: Vec<(String, String)>,
    /// The parameters go into the body.
    as_form: bool,
    body: Option<String>,
}

impl Sent {
    fn get(path: &str) -> Self {
        Self { method: Method::GET, path: path.into(), params: Vec::new(), as_form: false, body: None }
    }

    fn pairs(&self) -> String {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        self.params.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
    }

    fn target(&self) -> String {
        if self.as_form && self.body.is_none() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, self.pairs())
        }
    }
}

/// One operation of the document.
#[derive(Clone)]
struct Operation {
    method: Method,
    path: String,
    described: Value,
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl Operation {
    fn parameters(&self) -> &[Value] {
        self.described["parameters"].as_array().unwrap()
    }

    fn example_body(&self) -> Option<String> {
        self.described["requestBody"]["content"]["application/json"].get("example").map(Value::to_string)
    }
}

fn operations(document: &Value) -> Vec<Operation> {
    let of_path = |(path, item): (&String, &Value)| {
        let operation = |(method, described): (&String, &Value)| Operation {
            method: method.to_uppercase().parse().unwrap(),
            path: path.clone(),
            described: described.clone(),
        };
        item.as_object().unwrap().iter().map(operation).collect::<Vec<_>>()
    };
    document["paths"].as_object().unwrap().iter().flat_map(of_path).collect()
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Values of a parameter: its example, values of its type, names of the fixture, and what no type takes.
fn values(parameter: &Value) -> BoxedStrategy<String> {
    let typed: BoxedStrategy<String> = match parameter["schema"]["type"].as_str().unwrap() {
        "boolean" => any::<bool>().prop_map(|on| on.to_string()).boxed(),
        "integer" => prop_oneof![0..100u64, any::<u64>()].prop_map(|n| n.to_string()).boxed(),
        "number" => prop_oneof![(0.0..1.0).boxed(), any::<f64>().boxed()].prop_map(|n: f64| n.to_string()).boxed(),
        _ => "[a-z0-9_:./,|]{0,20}".boxed(),
    };
    let known = ["vol1", "uc", "owner1", "default", "127.0.180.101:17310", "127.0.180.201:17210", "/data1", "1", "13", "99999999"];
    let odd =
        ["", " ", "-1", "99999999999999999999", "1e400", "NaN", "#", "a#b", "\0", "é\u{202e}", "../..", "perm:builtin:ReadOnly", "{}"];
    prop_oneof![
        3 => Just(as_text(&parameter["example"])),
        3 => typed,
        2 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => prop::sample::select(odd.to_vec()).prop_map(str::to_owned),
        1 => "\\PC{0,30}",
        1 => Just("x".repeat(5000)),
    ]
    .boxed()
}

/// Bodies: the example, a part of it, one with a value changed, and any text.
fn bodies(operation: &Operation) -> BoxedStrategy<Option<String>> {
    let Some(text) = operation.example_body() else { return Just(None).boxed() };
    let example: Value = serde_json::from_str(&text).unwrap();
    let fields: Vec<String> = example.as_object().map(|object| object.keys().cloned().collect()).unwrap_or_default();
    let other = prop::sample::select(vec![json!(null), json!(-1), json!(""), json!([null]), json!({"Days": "x"}), json!(1e300)]);
    let whole = Just(text.clone()).boxed();
    let changed = match fields.is_empty() {
        true => whole.clone(),
        false => (prop::sample::select(fields), other)
            .prop_map(move |(field, value)| {
                let mut changed = example.clone();
                changed[field] = value;
                changed.to_string()
            })
            .boxed(),
    };
    let cut = (0..text.len()).prop_map(move |at| text.get(..at).unwrap_or_default().to_owned());
    prop_oneof![whole, changed, cut, Just("[[[[".repeat(200)), "\\PC{0,30}"].prop_map(Some).boxed()
}

/// Requests to an operation.
fn requests(operation: Operation) -> BoxedStrategy<Sent> {
    let param = |parameter: &Value| {
        let name = as_text(&parameter["name"]);
        let present = if parameter["required"] == true { 0.95 } else { 0.3 };
        prop::option::weighted(present, values(parameter)).prop_map(move |value| Some((name.clone(), value?))).boxed()
    };
    let params: Vec<_> = operation.parameters().iter().map(param).collect();
    let form = operation.method != Method::GET;
    (params, any::<bool>(), bodies(&operation))
        .prop_map(move |(params, as_form, body)| Sent {
            method: operation.method.clone(),
            path: operation.path.clone(),
            params: params.into_iter().flatten().collect(),
            as_form: form && as_form,
            body,
        })
        .boxed()
}

/// The reply is one that the document allows, and no handler has panicked.
fn judge(operation: &Operation, sent: &Sent, answer: &Answer) -> Result<(), TestCaseError> {
    let body = String::from_utf8_lossy(&answer.body);
    let shown = format!("{sent:?}: {} {} {body}", answer.status, answer.content_type);
    let response = &operation.described["responses"][answer.status.as_str()];
    prop_assert!(!answer.status.is_server_error(), "{}", shown);
    prop_assert!(!response.is_null(), "a status that is not in the document: {}", shown);
    prop_assert!(!body.contains("the handler of"), "a handler has panicked: {}", shown);
    let schema = &response["content"]["application/json"]["schema"];
    if schema["$ref"] == "#/components/schemas/Envelope" {
        prop_assert_eq!(&answer.content_type, "application/json", "{}", shown);
        let envelope: Map<String, Value> =
            serde_json::from_slice(&answer.body).map_err(|e| TestCaseError::fail(format!("{e}: {shown}")))?;
        prop_assert_eq!(
            envelope.keys().collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>(),
            ["code", "data", "msg"]
        );
        prop_assert!(envelope["code"].is_i64() && envelope["msg"].is_string(), "{}", shown);
        let shows_plan = SHOW_PLAN.contains(&sent.path.as_str()) && envelope["data"]["plan"].is_array();
        prop_assert!(envelope["code"] == 0 || envelope["data"].is_null() || shows_plan, "{}", shown);
    }
    Ok(())
}

#[test]
fn any_request_drawn_from_the_document_is_answered_as_it_says() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let bench = runtime.block_on(Bench::start(67, json!({})));
    let operations: Vec<Operation> = operations(&runtime.block_on(bench.document()));
    let asked = operations.into_iter().filter(|operation| !LEFT_OUT.contains(&operation.path.as_str()));
    let drawn = Union::new(asked.map(|operation| (Just(operation.clone()), requests(operation)).boxed()));
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(CASES);
    let config = ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() };
    proptest!(config, |((operation, sent) in drawn)| {
        let answer = runtime.block_on(bench.ask(&sent));
        judge(&operation, &sent, &answer)?;
    });
    let cluster = runtime.block_on(bench.ask(&Sent::get("/admin/getCluster"))).json();
    assert_eq!(cluster["code"], 0, "the master has outlived that: {cluster}");
    runtime.block_on(bench.running.stop());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_without_a_required_parameter_is_refused() {
    let bench = Bench::start(68, json!({})).await;
    let mut refused = 0;
    for operation in operations(&bench.document().await) {
        let required = || operation.parameters().iter().filter(|parameter| parameter["required"] == true);
        for missing in required() {
            let others = required().filter(|parameter| *parameter != missing);
            let sent = Sent {
                method: operation.method.clone(),
                path: operation.path.clone(),
                params: others.map(|parameter| (as_text(&parameter["name"]), as_text(&parameter["example"]))).collect(),
                as_form: false,
                body: operation.example_body(),
            };
            let answer = bench.ask(&sent).await;
            judge(&operation, &sent, &answer).unwrap();
            assert!(answer.json()["code"].as_i64() > Some(0), "{sent:?} without {}: {}", missing["name"], answer.json());
            refused += 1;
        }
    }
    assert!(refused > 150, "{refused} requests");
    bench.running.stop().await;
}

/// Read only of a volume in the blobstore, and only when the other node is up.
const OUT_OF_REACH: &[(&str, &str)] =
    &[("/vol/update", "ebsBlkSize"), ("/metaNode/migrate", "plan"), ("/metaNode/migratePartition", "plan"), ("/dataNode/migrate", "plan")];

/// What stands in the fixture, by parameter.
fn in_fixture(path: &str, parameter: &Value) -> String {
    let meta = path.starts_with("/meta") || path.contains("MetaNode");
    match parameter["name"].as_str().unwrap() {
        // A replica that is there would really be deleted, which takes its time.
        "addr" if path == "/dataReplica/delete" => as_text(&parameter["example"]),
        "addr" | "srcAddr" if meta => "127.0.180.201:17210".into(),
        "targetAddr" if meta => "127.0.180.202:17210".into(),
        "addr" | "srcAddr" => "127.0.180.101:17310".into(),
        "targetAddr" => "127.0.180.102:17310".into(),
        "disk" => "/disk1".into(),
        _ => as_text(&parameter["example"]),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_parameter_of_the_document_is_read() {
    let bench = Bench::start(70, json!({"enableSnapshot": true})).await;
    let document = bench.document().await;
    for operation in operations(&document) {
        let sent = |params: Vec<(String, String)>| Sent {
            method: operation.method.clone(),
            path: operation.path.clone(),
            params,
            as_form: false,
            body: operation.example_body(),
        };
        let pair = |parameter: &Value| (as_text(&parameter["name"]), in_fixture(&operation.path, parameter));
        let (required, optional): (Vec<_>, Vec<_>) = operation.parameters().iter().partition(|parameter| parameter["required"] == true);
        let required: Vec<_> = required.into_iter().map(pair).collect();
        let mut all = vec![required.clone(), operation.parameters().iter().map(pair).collect()];
        all.extend(optional.into_iter().map(|parameter| required.iter().cloned().chain([pair(parameter)]).collect()));
        for params in all {
            let sent = sent(params);
            judge(&operation, &sent, &bench.ask(&sent).await).unwrap();
        }
    }
    // Parameters that other values of other parameters call for.
    for (path, params) in [
        ("/admin/aclOp", &[("name", "vol1"), ("op", "1"), ("ip", "10.0.0.51")][..]),
        ("/admin/uidOp", &[("name", "vol1"), ("op", "1"), ("uid", "1"), ("capacity", "1")]),
        ("/zone/update", &[("name", "default"), ("enable", "true")]),
        ("/cluster/forbidMetaPartitionDecommission", &[("enable", "false")]),
        ("/metaPartition/decommission", &[("id", "1"), ("addr", "127.0.180.201:17210"), ("plan", "true")]),
        ("/metaNode/decommission", &[("addr", "127.0.180.201:17210"), ("plan", "true")]),
        ("/flashNode/add", &[("addr", "127.9.9.1:18510")]),
        ("/flashNode/set", &[("addr", "127.9.9.1:18510"), ("enable", "true"), ("workRole", "normal")]),
        ("/flashNode/manualTask", &[("op", "set"), ("total_limit", "5")]),
        // The MD5 of its owner.
        ("/client/vol", &[("name", "vol-flags"), ("authKey", "4ef5ba0c918c537fadba2ada54e3dd68"), ("Token", "x")]),
    ] {
        let params = params.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        bench.ask(&Sent { params, ..Sent::get(path) }).await;
    }
    let mut never = inputs::never_read();
    never.retain(|(path, _)| !table::NOT_SUPPORTED_YET.contains(path));
    assert_eq!(never, OUT_OF_REACH);
    bench.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_tickets_are_asked_for_no_route_with_one_does_anything_without_it() {
    let bench = Bench::start(69, json!({"authenticate": true, "masterServiceKey": "AAECAwQFBgcICQoLDA0ODw=="})).await;
    let document = bench.document().await;
    let before = bench.running.master.state();
    let mut asked = 0;
    for operation in operations(&document).into_iter().filter(|operation| operation.described["security"] != json!([])) {
        let example = |parameter: &Value| (as_text(&parameter["name"]), as_text(&parameter["example"]));
        let params = operation.parameters().iter().map(example).collect();
        let (method, path) = (operation.method.clone(), operation.path.clone());
        let answer = bench.ask(&Sent { method, path, params, as_form: false, body: None }).await.json();
        assert_eq!((&answer["code"], &answer["msg"]), (&json!(42), &json!("parameter clientIDKey not found")), "{operation:?}");
        asked += 1;
    }
    let with_ticket = ROUTES.iter().filter(|route| route.ticket.is_some());
    assert_eq!(asked, with_ticket.map(|route| route.methods.list().len()).sum::<usize>());
    let after = bench.running.master.state();
    assert!(before.volumes == after.volumes && before.users == after.users && before.data_partitions == after.data_partitions);
    bench.running.stop().await;
}
