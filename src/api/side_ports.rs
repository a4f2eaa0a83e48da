//! The ports beside the API, open where the configuration names them: `prof` says how this master is and sets how much it logs,
//! `exporterPort` has the metrics once more (v3.5.3 state-machine.md §1).
//!
//! `/livez` and `/readyz` are our own: v3.5.3 answers at `prof` as soon as its process runs, whatever becomes of it.

use super::reply::Reply;
use super::server::Peer;
use super::service::Service;
use super::table::find;
use crate::config::LogLevel;
use crate::master::leadership::Leadership;
use crate::observe::level;
use crate::wire::gojson;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{any, get};
use axum::{Extension, Router};
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;

/// The path of the metrics, on the API's port too.
const METRICS: &str = "/metrics";

/// What `prof` serves.
pub fn prof(service: Arc<Service>) -> Router {
    Router::new()
        .route("/livez", get(|| async { plain(StatusCode::OK, "ok") }))
        .route("/readyz", get(move || async move { ready(&service.master.leadership()) }))
        .route("/loglevel/set", any(|request: Request<Body>| async move { set_level(request.uri().query().unwrap_or_default()) }))
        .fallback(not_found)
}

/// What `exporterPort` serves.
pub fn exporter(service: Arc<Service>) -> Router {
    let page = move |Extension(Peer(peer)): Extension<Peer>, request: Request<Body>| async move {
        match find(METRICS) {
            Some(route) => service.answer(route, peer, request).await,
            None => not_found().await,
        }
    };
    Router::new().route(METRICS, any(page)).fallback(not_found)
}

async fn not_found() -> Response {
    plain(StatusCode::NOT_FOUND, "404 page not found")
}

fn plain(status: StatusCode, text: impl Into<String>) -> Response {
    Reply::plain(status, text).into_response(None)
}

/// Ready is who can answer a request of the API: a leader that has all that was acknowledged, or who knows the leader.
fn ready(leadership: &Leadership) -> Response {
    match leadership {
        Leadership::Leader { ready: true, .. } => plain(StatusCode::OK, "ok: leads"),
        Leadership::Leader { .. } => plain(StatusCode::SERVICE_UNAVAILABLE, "leads, and has not begun to serve yet"),
        Leadership::Follower { leader: Some(addr) } => plain(StatusCode::OK, format!("ok: follows {addr}")),
        Leadership::Follower { leader: None } => plain(StatusCode::SERVICE_UNAVAILABLE, "no leader is known"),
    }
}

/// The reply of v3.5.3 to `/loglevel/set`. Its code is the status.
#[derive(Serialize)]
struct LevelReply {
    code: u16,
    data: Option<&'static str>,
    msg: &'static str,
}

fn set_level(query: &str) -> Response {
    let word = form_urlencoded(query).find_map(|(key, value)| (key == "level").then_some(value)).unwrap_or_default();
    let chosen = match word.to_ascii_lowercase().as_str() {
        "debug" => Some(LogLevel::Debug),
        "info" | "read" | "write" => Some(LogLevel::Info),
        "warn" => Some(LogLevel::Warn),
        "error" => Some(LogLevel::Error),
        "critical" | "fatal" => Some(LogLevel::Critical),
        _ => None,
    };
    let (status, reply) = match chosen {
        Some(chosen) => {
            level::set(chosen);
            (StatusCode::OK, LevelReply { code: 200, data: Some("set log level success"), msg: "" })
        }
        None => {
            let msg = "level only can be set :debug,info,warn,error,critical,read,write,fatal";
            (StatusCode::BAD_REQUEST, LevelReply { code: 400, data: None, msg })
        }
    };
    let body = gojson::to_vec(&reply).unwrap_or_default();
    plain(status, String::from_utf8_lossy(&body))
}

/// The pairs of a query, as far as they can be read.
fn form_urlencoded(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let decode = |text: &str| percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    query.split('&').filter(|pair| !pair.is_empty()).map(move |pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key), decode(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Term;

    #[test]
    fn ready_is_who_leads_and_serves_or_knows_who_does() {
        let follows = |leader: Option<&str>| Leadership::Follower { leader: leader.map(str::to_owned) };
        let leads = |ready| Leadership::Leader { term: Term(1), ready };
        for (leadership, status) in [(leads(true), 200), (leads(false), 503), (follows(Some("a:1")), 200), (follows(None), 503)] {
            assert_eq!(ready(&leadership).status(), status, "{leadership:?}");
        }
    }

    #[test]
    fn the_level_is_set_by_its_name_and_by_nothing_else() {
        for (query, status) in [("level=WARN", 200), ("x=1&level=read", 200), ("level=loud", 400), ("", 400)] {
            assert_eq!(set_level(query).status(), status, "{query}");
        }
        set_level("level=warn");
        assert!(level::writes(LogLevel::Error) && !level::writes(LogLevel::Info));
        set_level("level=error");
    }
}
