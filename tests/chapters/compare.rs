//! Comparing a reply with what v3.5.3 answered: what no two runs share is taken out of both (addresses' network part, time stamps, map
//! order), then the recorded template is matched. In a template `{"$any": type}` is a value that differs between reference runs,
//! `{"$list": template}` a list whose length differs, `{"$opt": template}` a key that is not always there.

use regex::{Captures, Regex};
use serde_json::{json, Map, Value};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Keys whose value only tells the implementation or the moment: their kind is compared.
const FREE: &[&str] = &["Applied", "Index", "Commit", "Match", "Next", "Term", "LastLoadedTime", "HasLoadResponse"];
/// Keys by which lists of objects are put in order.
const SORT_KEYS: &[&str] = &[
    "PartitionID",
    "PartitionId",
    "partitionId",
    "ID",
    "Id",
    "id",
    "Addr",
    "addr",
    "Name",
    "name",
    "VolName",
    "user_id",
    "UserId",
    "api",
    "Zone",
    "ZoneName",
    "DiskPath",
    "FullPath",
    "QuotaId",
    "StorageClass",
    "Ver",
    "RuleId",
    "SrcAddr",
    "Address",
    "Path",
    "Key",
    "Uid",
    "Ip",
    "Op",
    "i",
    "source",
];

/// Node ids by address: a node's own id shows as `<node id>`, since ids depend on the order of registration.
pub type NodeIds = BTreeMap<String, u64>;

/// Takes out of a reply what no two runs share.
pub fn canonical(value: &Value, ids: &NodeIds) -> Value {
    match value {
        Value::Object(map) => {
            let addr = map.get("addr").or_else(|| map.get("Addr")).and_then(Value::as_str);
            let own = |k: &str, v: &Value| {
                (k == "id" || k == "NodeID") && addr.is_some_and(|a| ids.get(a).is_some_and(|id| v.as_u64() == Some(*id)))
            };
            let entries = map.iter().map(|(k, v)| {
                let shown = if FREE.contains(&k.as_str()) {
                    json!({ "$any": kind(v) })
                } else if own(k, v) {
                    json!("<node id>")
                } else {
                    canonical(v, ids)
                };
                (text(k), shown)
            });
            Value::Object(entries.collect())
        }
        Value::Array(list) => {
            let mut list = list.clone();
            if !list.is_empty() && list.iter().all(Value::is_object) {
                let comparable = |k: &&&str| {
                    list.iter().all(|x| x.get(**k).is_some_and(|v| v.is_string() || v.is_i64() || v.is_u64() || v.is_boolean()))
                };
                let keys: Vec<&str> = SORT_KEYS.iter().filter(comparable).copied().collect();
                list.sort_by_cached_key(|x| keys.iter().map(|k| order(&x[*k])).collect::<Vec<_>>());
            }
            let mut list: Vec<Value> = list.iter().map(|v| canonical(v, ids)).collect();
            if list.iter().all(Value::is_string) || list.iter().all(|v| v.is_i64() || v.is_u64() || v.is_boolean()) {
                list.sort_by_cached_key(order);
            }
            Value::Array(list)
        }
        Value::String(s) => Value::String(text(s)),
        other => other.clone(),
    }
}

fn order(v: &Value) -> (u8, i128, String) {
    match v {
        Value::Bool(b) => (0, i128::from(*b), String::new()),
        Value::Number(n) => (1, n.as_u64().map(i128::from).or(n.as_i64().map(i128::from)).unwrap_or(0), String::new()),
        Value::String(s) => (2, 0, s.clone()),
        _ => (3, 0, String::new()),
    }
}

/// A text without what no two runs share.
pub fn text(s: &str) -> String {
    let p = &*PATTERNS;
    let sorted = |list: &str, by: &str| {
        let mut parts: Vec<&str> = list.split(by).collect();
        parts.sort_by_key(|x| (x.len(), *x));
        parts.join(by)
    };
    let s = p.numbers.replace_all(s, |c: &Captures| format!("[{}]", sorted(&c[1], " ")));
    let s = p.source_position.replace_all(&s, "");
    let s = p.uuid.replace_all(&s, "<uuid>");
    let s = p.unix_seconds.replace_all(&s, "<unix>");
    let s = p.mask.replace_all(&s, |c: &Captures| {
        let mut parts: Vec<&str> = c[0].split('|').collect();
        parts.sort_unstable();
        parts.join("|")
    });
    let s = p.loopback.replace_all(&s, "127.0.N.$1");
    // A time that was never set stays visible.
    let s = p.stamp.replace_all(&s, |c: &Captures| match &c[0][..10] {
        "0001-01-01" | "1970-01-01" => c[0].to_owned(),
        _ => "<time>".to_owned(),
    });
    let s = p.node.replace_all(&s, "<node>:$1");
    let s = p.caller.replace_all(&s, "$1:<port>");
    s.trim().to_owned()
}

struct Patterns {
    numbers: Regex,
    source_position: Regex,
    uuid: Regex,
    unix_seconds: Regex,
    mask: Regex,
    loopback: Regex,
    stamp: Regex,
    node: Regex,
    caller: Regex,
    zero_time: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let re = |s: &str| Regex::new(s).expect("a pattern of ours");
    Patterns {
        numbers: re(r"\[(\d+(?: \d+)+)\]"),
        source_position: re(r"\[\w+\.go \d+\]\s*:?\s*"),
        uuid: re(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),
        unix_seconds: re(r"\b1[6-9]\d{8}\b"),
        mask: re(r"\b(?:create|mkdir|remove|rename|mknod|symlink|link)(?:\|(?:create|mkdir|remove|rename|mknod|symlink|link))+\b"),
        loopback: re(r"127\.0\.\d+\.(\d+)"),
        stamp: re(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?( [+-]\d{4} \w+)?( m=[+-][\d.]+)?"),
        node: re(r"127\.0\.N\.[12]\d\d:(17310|17210)"),
        caller: re(r"(127\.0\.N\.\d+):(?:3[2-9]|[45]\d|6[0-5])\d{3}\b"),
        zero_time: re(r"(?:0001|1970)-01-01[T ]00:00:00Z?( [+-]\d{4} \w+)?"),
    }
});

fn kind(v: &Value) -> &'static str {
    match v {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// A refusal with a code and a reason: expected where the reference drops the connection or says nothing (deliberate difference 2).
pub fn is_reasoned(reply: &Value) -> bool {
    let body = &reply["body"];
    body["code"].as_i64().is_some_and(|c| c != 0) && body["msg"].as_str().is_some_and(|m| !m.is_empty())
}

/// Did the reference drop the connection or answer nothing?
pub fn is_silent(template: &Value) -> bool {
    template["status"] == 0 || (template["status"] == 200 && template["body"] == "")
}

/// Differences between a template and a canonical reply, as texts.
pub fn differences(template: &Value, value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    differ(template, value, "", &mut out);
    out
}

fn special<'a>(v: &'a Value, key: &str) -> Option<&'a Value> {
    v.as_object().and_then(|m: &Map<String, Value>| m.get(key))
}

fn differ(t: &Value, v: &Value, path: &str, out: &mut Vec<String>) {
    if let Some(k) = special(v, "$any") {
        if v != t && special(t, "$any").and_then(Value::as_str) != Some("*") {
            out.push(format!("{path}: {k}, expected {}", short(t)));
        }
    } else if let Some(k) = special(t, "$any").and_then(Value::as_str) {
        if k != "*" && k != kind(v) {
            out.push(format!("{path}: {}, expected a {k}", kind(v)));
        }
    } else if let Some(each) = special(t, "$list") {
        match v {
            Value::Array(_) if each.is_null() => {}
            Value::Array(list) => list.iter().enumerate().for_each(|(i, x)| differ(each, x, &format!("{path}[{i}]"), out)),
            other => out.push(format!("{path}: {}, expected a list", kind(other))),
        }
    } else if let Some(inner) = special(t, "$opt") {
        differ(inner, v, path, out);
    } else {
        match (t, v) {
            (Value::Object(t), Value::Object(v)) => {
                for (k, x) in t {
                    match v.get(k) {
                        Some(y) => differ(x, y, &format!("{path}.{k}"), out),
                        None if special(x, "$opt").is_some() => {}
                        None => out.push(format!("{path}.{k}: missing")),
                    }
                }
                out.extend(v.keys().filter(|k| !t.contains_key(*k)).map(|k| format!("{path}.{k}: not in the reference")));
            }
            (Value::Array(t), Value::Array(v)) if t.len() != v.len() => {
                out.push(format!("{path}: {} elements, expected {}", v.len(), t.len()))
            }
            (Value::Array(t), Value::Array(v)) => {
                t.iter().zip(v).enumerate().for_each(|(i, (x, y))| differ(x, y, &format!("{path}[{i}]"), out))
            }
            (Value::String(t), Value::String(v)) if PATTERNS.zero_time.replace_all(v, "<time>") == *t => {}
            (Value::Number(t), Value::Number(v)) if t.as_f64() == v.as_f64() => {}
            (t, v) if t == v => {}
            (t, v) => out.push(format!("{path}: {}, expected {}", short(v), short(t))),
        }
    }
}

fn short(v: &Value) -> String {
    v.to_string().chars().take(160).collect()
}
