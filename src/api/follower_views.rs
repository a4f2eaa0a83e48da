//! What a follower answers to `/client/partitions`: the leader's ready replies, fetched volume by volume, all in about five seconds
//! (v3.5.3 http-general.md §11). The leader of v3.5.3 also pushes its views to every follower; ours does not, since followers fetch
//! them as often, but a follower takes what is pushed.
//!
//! Invariant: a view older than [`limits::FOLLOWER_VIEW_AGE_MAX`] is never served, and each answer says how old it is.

use super::client::Client;
use super::handlers::json_body;
use super::reply::{gzip, success, Reply};
use crate::env::Mono;
use crate::limits;
use crate::master::leadership::Leadership;
use crate::master::Master;
use crate::model::Volume;
use crate::view::data_partition::DataPartitionsView;
use crate::wire::gojson;
use crate::wire::reply::{code, fault, Fault};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use percent_encoding::{utf8_percent_encode, NON_ALPHANUMERIC};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

/// Milliseconds since the leader gave the view that is answered.
pub const VIEW_AGE_MS: HeaderName = HeaderName::from_static("x-cfs-view-age-ms");

/// The views that this master holds while it follows, by volume name.
#[derive(Default)]
pub struct FollowerViews(Mutex<BTreeMap<String, View>>);

struct View {
    /// A whole reply.
    plain: Bytes,
    /// The same as gzip, made when it is first asked for.
    gzip: Arc<OnceLock<Bytes>>,
    refreshed: Mono,
}

/// A reply as the leader sends it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Received {
    code: i32,
    msg: String,
    data: Option<DataPartitionsView>,
}

impl FollowerViews {
    /// The reply for a volume, if there is a ready view.
    pub fn reply(&self, volume: &str, as_gzip: bool, now: Mono) -> Option<Reply> {
        let (plain, zipped, age) = {
            let views = self.lock();
            let view = views.get(volume)?;
            (view.plain.clone(), view.gzip.clone(), now.since(view.refreshed))
        };
        if age > limits::FOLLOWER_VIEW_AGE_MAX {
            return None;
        }
        let reply = if as_gzip { Reply::cached_gzip(zipped.get_or_init(|| gzip(&plain)).clone()) } else { Reply::cached(plain) };
        let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        Some(reply.with_header(VIEW_AGE_MS, HeaderValue::from(age_ms)))
    }

    /// Keeps a view: `reply` is a whole reply of the leader.
    ///
    /// # Errors
    /// As [`received`].
    pub fn keep(&self, volume: &str, reply: &[u8], now: Mono) -> Result<(), Fault> {
        if let Some(view) = self.lock().get_mut(volume).filter(|view| view.plain == reply) {
            view.refreshed = now;
            return Ok(());
        }
        let view = received(reply)?;
        let plain = success(&view).ok_or(fault::MARSHAL_DATA)?;
        self.lock().insert(volume.to_owned(), View { plain, gzip: Arc::default(), refreshed: now });
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, View>> {
        self.0.lock().expect("no holder panics")
    }
}

/// The view in a leader's reply.
///
/// # Errors
/// Code 2 with the text of v3.5.3 when it is not a success with a view in it.
pub fn received(reply: &[u8]) -> Result<DataPartitionsView, Fault> {
    json_body::parse(reply).map_err(|e| Fault::param(format!("httpreply unmarshal [{e}]")))?;
    let received: Received = gojson::from_slice(reply).map_err(|e| Fault::param(format!("httpreply unmarshal [{e}]")))?;
    if received.code != code::SUCCESS {
        let named = fault::of_code(received.code).unwrap_or(fault::INTERNAL_ERROR);
        return Err(Fault::param(format!("httpreply code[{}] err[{named}] msg[{}]", received.code, received.msg)));
    }
    Ok(received.data.unwrap_or_default())
}

/// Keeps the views fresh while this master follows. Ends only with its task.
pub async fn keep_fresh(master: Arc<Master>, views: Arc<FollowerViews>, client: Arc<Client>) {
    master.env.sleep(FIRST_ROUND_AFTER).await;
    loop {
        let began = master.env.now();
        match master.leadership() {
            Leadership::Leader { .. } => views.lock().clear(),
            Leadership::Follower { leader } => {
                views.lock().retain(|_, view| began.since(view.refreshed) <= limits::FOLLOWER_VIEW_AGE_MAX);
                if let Some(leader) = leader {
                    fetch_all(&master, &views, &client, &leader).await;
                }
            }
        }
        master.env.clock.sleep_until(began + limits::CHECK_INTERVAL).await;
    }
}

const FIRST_ROUND_AFTER: Duration = Duration::from_secs(1);

async fn fetch_all(master: &Master, views: &FollowerViews, client: &Client, leader: &str) {
    let volumes: Vec<Arc<Volume>> = master.state().volumes.values().cloned().collect();
    let pause = limits::CHECK_INTERVAL / u32::try_from(volumes.len().max(1)).unwrap_or(u32::MAX);
    for volume in volumes {
        if !is_shown(&volume, master.env.wall().0) {
            views.lock().remove(&volume.name);
            continue;
        }
        let next = master.env.now() + pause;
        if let Err(why) = fetch(master, views, client, leader, &volume.name).await {
            tracing::debug!(leader, volume = volume.name, why, "no view of a volume");
            // One leader that does not answer must not cost a time-out per volume.
            if !matches!(master.leadership(), Leadership::Follower { leader: Some(now) } if now == leader) {
                return;
            }
        }
        master.env.clock.sleep_until(next).await;
    }
}

async fn fetch(master: &Master, views: &FollowerViews, client: &Client, leader: &str, volume: &str) -> Result<(), String> {
    let target = format!("/client/partitions?name={}", utf8_percent_encode(volume, NON_ALPHANUMERIC));
    let deadline = master.env.now() + limits::FOLLOWER_FETCH_TIMEOUT;
    let (status, body) = client.get(leader, &target, limits::HTTP_BODY_BYTES_MAX, deadline).await.map_err(|e| e.to_string())?;
    if status != StatusCode::OK {
        return Err(format!("status {status}"));
    }
    views.keep(volume, &body, master.env.now()).map_err(|fault| fault.to_string())
}

/// Of a volume that is being deleted, or waits for it, followers show nothing.
fn is_shown(volume: &Volume, wall_nanos: i64) -> bool {
    !volume.is_deleted() || (volume.forbidden && volume.delete_exec_time.unix_nanos() < wall_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Mono {
        Mono(Duration::from_secs(secs))
    }

    #[test]
    fn a_view_is_served_until_it_is_too_old() {
        let views = FollowerViews::default();
        let reply = br#"{"code":0,"msg":"success","data":{"DataPartitions":[],"VolReadOnly":true}}"#;
        assert!(views.reply("vol", false, at(0)).is_none());
        views.keep("vol", reply, at(1)).unwrap();
        assert!(views.reply("vol", false, at(301)).is_some());
        assert!(views.reply("vol", true, at(302)).is_none());
        let kept = views.lock()["vol"].plain.clone();
        views.keep("vol", &kept, at(302)).unwrap();
        let response = views.reply("vol", true, at(304)).unwrap().into_response(None);
        assert_eq!(response.headers()[VIEW_AGE_MS], "2000");
        assert_eq!(response.headers()["x-cfs-content-encoding"], "gzip");
    }

    #[test]
    fn what_is_no_view_is_refused_with_the_text_of_v3_5_3() {
        let views = FollowerViews::default();
        let error = |reply: &[u8]| views.keep("vol", reply, at(0)).unwrap_err();
        assert_eq!(error(b"x"), Fault::param("httpreply unmarshal [invalid character 'x' looking for beginning of value]"));
        assert_eq!(
            error(br#"{"code":7,"msg":"vol not exists","data":null}"#),
            Fault::param("httpreply code[7] err[vol not exists] msg[vol not exists]")
        );
        assert!(views.reply("vol", false, at(0)).is_none());
    }
}
