//! The HTTP chapters: requests with what v3.5.3 answered (`tests/vectors/http`), replayed against this build's daemon with stand-in nodes.
//!
//! `required.json` names for each chapter how many replies must be as v3.5.3's; a change may raise a number, never lower it.
//! One chapter: `CHAPTER=06-volume-create cargo test --test chapters -- --nocapture`.

mod compare;
#[path = "../support/http.rs"]
mod http;
mod lab;
#[path = "../support/masters.rs"]
mod masters;

use compare::{canonical, differences, is_reasoned, is_silent};
use lab::Lab;
use serde_json::{json, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Chapters replayed at a time: most of their time they wait for heartbeats.
const CHAPTERS_AT_A_TIME: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_required_reply_is_as_v3_5_3_answered() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/http");
    let required: BTreeMap<String, usize> = serde_json::from_value(read(&dir.join("required.json"))).expect("chapter names with numbers");
    let only = std::env::var("CHAPTER").ok();
    let chosen: Vec<_> = required.into_iter().filter(|(name, _)| only.as_ref().is_none_or(|o| name.starts_with(o.as_str()))).collect();
    assert!(!chosen.is_empty(), "no such chapter");
    let mut failed = Vec::new();
    for (group, chapters) in chosen.chunks(CHAPTERS_AT_A_TIME).enumerate() {
        let runs = chapters.iter().enumerate().map(|(i, (name, least))| {
            let (dir, name, least) = (dir.clone(), name.clone(), *least);
            let net = (120 + (group * CHAPTERS_AT_A_TIME + i) % 100) as u8;
            tokio::spawn(async move {
                let (good, total, report) = replay(&dir, &name, net).await;
                println!("{name}: {good} of {total} replies as v3.5.3");
                for line in &report {
                    println!("  {line}");
                }
                (good < least).then(|| format!("{name}: {good} of {total} replies, {least} required"))
            })
        });
        for run in futures::future::join_all(runs).await {
            failed.extend(run.expect("a chapter does not panic"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn read(path: &PathBuf) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Replays a chapter: good replies, all replies, and the differences of the others.
async fn replay(dir: &Path, name: &str, net: u8) -> (usize, usize, Vec<String>) {
    let chapter = read(&dir.join(format!("{name}.json")));
    let expected = read(&dir.join(format!("{name}.expect.json")));
    let expected = expected.as_object().expect("replies by step");
    let replies = match play(&chapter, net).await {
        Ok(replies) => replies,
        Err(why) => return (0, expected.len(), vec![why]),
    };
    let mut report = Vec::new();
    for (step, template) in expected {
        let Some(reply) = replies.get(step) else {
            report.push(format!("{step}: no reply"));
            continue;
        };
        let found = differences(template, reply);
        let as_expected = found.is_empty() || (is_silent(template) && is_reasoned(reply));
        if !as_expected {
            report.push(format!("{step}: {}", found[..found.len().min(4)].join("; ")));
        }
    }
    (expected.len() - report.len(), expected.len(), report)
}

async fn play(chapter: &Value, net: u8) -> Result<BTreeMap<String, Value>, String> {
    let mut lab = Lab::start(chapter, net).await?;
    let mut saved = BTreeMap::from([("net".to_owned(), format!("127.0.{net}"))]);
    let mut replies = BTreeMap::new();
    for step in chapter["steps"].as_array().into_iter().flatten() {
        let step = fill(step, &saved);
        if let Some(line) = step.get("stub") {
            lab.tell(line).await;
        }
        if let Some(i) = step["kill"].as_u64() {
            lab.masters.kill(i as usize).await;
        }
        if let Some(i) = step["start"].as_u64() {
            lab.masters.start(i as usize).map_err(|e| e.to_string())?;
        }
        if let Some(secs) = step["sleep"].as_f64() {
            tokio::time::sleep(Duration::from_secs_f64(secs)).await;
        }
        if step.get("p").is_none() {
            continue;
        }
        let end = Instant::now() + Duration::from_secs(step["secs"].as_u64().unwrap_or(60));
        let empty = serde_json::Map::new();
        let until = step["until"].as_object().unwrap_or(&empty);
        let reply = loop {
            let mut reply = lab.request(&step).await;
            if until.iter().all(|(path, want)| dig(&reply["body"], path) == Some(want)) {
                break reply;
            }
            if Instant::now() > end {
                reply["late"] = json!(true);
                break reply;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        for (var, path) in step["save"].as_object().into_iter().flatten() {
            let value = path.as_str().and_then(|p| dig(&reply["body"], p));
            saved.insert(var.clone(), value.map_or("unset".to_owned(), |v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)));
        }
        if step["skip"] != true {
            replies.insert(step["id"].as_str().unwrap_or_default().to_owned(), canonical(&reply, &lab.node_ids()));
        }
    }
    Ok(replies)
}

fn dig<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |v, key| match v {
        Value::Array(list) => list.get(key.parse::<usize>().ok()?),
        other => other.get(key),
    })
}

/// `${name}` in any text becomes the saved value.
fn fill(value: &Value, saved: &BTreeMap<String, String>) -> Value {
    let text = |s: &str| saved.iter().fold(s.to_owned(), |s, (k, v)| s.replace(&format!("${{{k}}}"), v));
    match value {
        Value::String(s) => Value::String(text(s)),
        Value::Array(list) => list.iter().map(|v| fill(v, saved)).collect(),
        Value::Object(map) => map.iter().map(|(k, v)| (text(k), fill(v, saved))).collect(),
        other => other.clone(),
    }
}
