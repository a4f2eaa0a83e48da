//! Passing a request on to the leader (v3.5.3 http-general.md §4): method, target, headers and body unchanged, the reply streamed back
//! unchanged. Unlike v3.5.3 it does not heed `HTTP_PROXY`: masters reach each other directly.
//!
//! Invariant: a request is passed on at most once. It is marked with a header of our own, and a marked one is refused by
//! [`was_passed_on`]'s caller instead of going round between masters that disagree on who leads.

use super::client::Client;
use crate::env::Env;
use crate::limits;
use axum::body::Body;
use axum::response::Response;
use http::header::{CONNECTION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Version};
use std::net::IpAddr;

/// Marks a request that a master has passed on; its value is the master's address.
pub const PASSED_ON_BY: HeaderName = HeaderName::from_static("x-cfs-passed-on-by");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Headers that concern one connection only.
const HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("keep-alive"),
    http::header::PROXY_AUTHENTICATE,
    http::header::PROXY_AUTHORIZATION,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// True when a master has passed the request on already.
pub fn was_passed_on(headers: &HeaderMap) -> bool {
    headers.contains_key(PASSED_ON_BY)
}

/// Sends the request to `leader` and gives its reply; 502 without a body when there is none.
pub async fn pass_on(env: &Env, client: &Client, own: &str, leader: &str, caller: IpAddr, request: Request<Body>) -> Response {
    let (mut head, body) = request.into_parts();
    remove_hop_by_hop(&mut head.headers);
    append_forwarded_for(&mut head.headers, caller);
    if let Ok(own) = HeaderValue::from_str(own) {
        head.headers.insert(PASSED_ON_BY, own);
    }
    head.version = Version::HTTP_11;
    head.extensions.clear();
    let deadline = env.now() + limits::HTTP_TIMEOUT;
    match client.send(leader, Request::from_parts(head, body), deadline).await {
        Ok(response) => {
            let mut response = response.map(Body::new);
            remove_hop_by_hop(response.headers_mut());
            *response.version_mut() = Version::HTTP_11;
            response
        }
        Err(error) => {
            tracing::warn!(leader, %error, "cannot pass a request on to the leader");
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    }
}

/// Removes the headers named in `Connection`, and those that are always of one hop.
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
    if headers.get(TE).is_some_and(|te| te != "trailers") {
        headers.remove(TE);
    }
}

/// Appends the caller to the list of those that the request came from.
fn append_forwarded_for(headers: &mut HeaderMap, caller: IpAddr) {
    let before: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    let list = if before.is_empty() { caller.to_string() } else { format!("{}, {caller}", before.join(", ")) };
    if let Ok(list) = HeaderValue::from_str(&list) {
        headers.insert(FORWARDED_FOR, list);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn headers_of_one_hop_are_removed() {
        let mut map = headers(&[
            ("connection", "close, X-Mine"),
            ("x-mine", "1"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("te", "gzip"),
            ("x-cfs-accept-encoding", "gzip"),
            ("host", "a:80"),
        ]);
        remove_hop_by_hop(&mut map);
        assert_eq!(map, headers(&[("x-cfs-accept-encoding", "gzip"), ("host", "a:80")]));
    }

    #[test]
    fn the_caller_is_appended_to_those_before_it() {
        let mut map = HeaderMap::new();
        append_forwarded_for(&mut map, "10.0.0.1".parse().unwrap());
        assert_eq!(map[FORWARDED_FOR], "10.0.0.1");
        append_forwarded_for(&mut map, "::1".parse().unwrap());
        assert_eq!(map[FORWARDED_FOR], "10.0.0.1, ::1");
    }
}
