//! The HTTP chapters: requests with what v3.5.3 answered (`tests/vectors/http`), replayed against this build's daemon with stand-in nodes.
//!
//! `exceptions.json` names for each chapter that is replayed the replies that may differ, each with the reason (`difference N`: the list in
//! ARCHITECTURE.md); every other reply must be as v3.5.3's.
//! One chapter: `CHAPTER=06-volume-create cargo test --test chapters -- --nocapture`.

mod compare;
#[path = "../support/http.rs"]
mod http;
mod lab;
#[path = "../support/masters.rs"]
mod masters;

use compare::{canonical, differences, is_reasoned, is_silent};
use futures::{stream, StreamExt};
use lab::Lab;
use serde_json::{json, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Chapters replayed at a time: most of their time they wait for heartbeats.
const CHAPTERS_AT_A_TIME: usize = 5;

/// A step that v3.5.3 waited for in vain is waited for no longer than this, seconds.
const WAIT_IN_VAIN_SECS_MAX: u64 = 20;

/// Step of a chapter, and why its reply may differ.
type Exceptions = BTreeMap<String, String>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reply_is_as_v3_5_3_answered() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/http");
    let chapters: BTreeMap<String, Exceptions> =
        serde_json::from_value(read(&dir.join("exceptions.json"))).expect("chapters with steps with reasons");
    let only = std::env::var("CHAPTER").ok();
    let chosen: Vec<_> = chapters.into_iter().filter(|(name, _)| only.as_ref().is_none_or(|o| name.starts_with(o.as_str()))).collect();
    assert!(!chosen.is_empty(), "no such chapter");
    // The last chapters are the longest: they begin.
    let runs = chosen.into_iter().rev().zip(120..).map(|((name, exceptions), net)| {
        let dir = dir.clone();
        tokio::spawn(async move {
            let (replies, different) = replay(&dir, &name, net).await;
            println!("{name}: {} of {replies} replies as v3.5.3", replies.saturating_sub(different.len()));
            let mut unexpected = Vec::new();
            for (step, what) in different {
                match exceptions.get(&step) {
                    Some(reason) => println!("  {step}: {what} ({reason})"),
                    None => unexpected.push(format!("{name}, {step}: {what}")),
                }
            }
            unexpected
        })
    });
    let unexpected: Vec<_> = stream::iter(runs).buffer_unordered(CHAPTERS_AT_A_TIME).collect().await;
    let unexpected: Vec<String> = unexpected.into_iter().flat_map(|run| run.expect("a chapter does not panic")).collect();
    assert!(unexpected.is_empty(), "not as v3.5.3:\n{}", unexpected.join("\n"));
}

fn read(path: &PathBuf) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Replays a chapter: how many replies it has, and the steps whose reply differs with how.
async fn replay(dir: &Path, name: &str, net: u8) -> (usize, Vec<(String, String)>) {
    let chapter = read(&dir.join(format!("{name}.json")));
    let expected = read(&dir.join(format!("{name}.expect.json")));
    let expected = expected.as_object().expect("replies by step");
    let replies = match play(&chapter, expected, net).await {
        Ok(replies) => replies,
        Err(why) => return (expected.len(), vec![("start".to_owned(), why)]),
    };
    let mut different = Vec::new();
    for (step, template) in expected {
        let Some(reply) = replies.get(step) else {
            different.push((step.clone(), "no reply".to_owned()));
            continue;
        };
        let found = differences(template, reply);
        let as_expected = found.is_empty() || (is_silent(template) && is_reasoned(reply));
        if !as_expected {
            different.push((step.clone(), found[..found.len().min(4)].join("; ")));
        }
    }
    (expected.len(), different)
}

async fn play(chapter: &Value, expected: &serde_json::Map<String, Value>, net: u8) -> Result<BTreeMap<String, Value>, String> {
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
        let in_vain = step["id"].as_str().and_then(|id| expected.get(id)).is_some_and(|reply| reply["late"] == true);
        let secs = step["secs"].as_u64().unwrap_or(60).min(if in_vain { WAIT_IN_VAIN_SECS_MAX } else { u64::MAX });
        let end = Instant::now() + Duration::from_secs(secs);
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
