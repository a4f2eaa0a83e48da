//! Which nodes a reply of `/admin/getCluster` shows as active.

use serde_json::Value;

/// Who is not active where so many nodes should be; empty when all are.
pub fn missing(body: &[u8], nodes: usize) -> String {
    let view: Value = serde_json::from_slice(body).unwrap_or_default();
    let shown = ["DataNodes", "MetaNodes"].map(|kind| view["data"][kind].as_array().cloned().unwrap_or_default()).concat();
    if shown.len() != nodes {
        return format!("{} of {nodes} nodes are shown: {}", shown.len(), String::from_utf8_lossy(&body[..body.len().min(200)]));
    }
    let inactive = shown.iter().filter(|node| node["Status"] != true).filter_map(|node| node["Addr"].as_str());
    inactive.collect::<Vec<_>>().join(" ")
}
