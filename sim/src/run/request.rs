//! An operation as a request, and what a client knows after the answer. Pure; who sends it is no matter here.

use super::history::{Op, Outcome, Seen, NO_CODE};
use crate::http::{self, Answer, CallError};
use ::http::{Method, StatusCode};
use bytes::Bytes;
use serde_json::{json, Value};

/// Owner of all volumes, and the MD5 of it that deleting one needs.
const OWNER: &str = "owner1";
const AUTH_KEY: &str = "4ef5ba0c918c537fadba2ada54e3dd68";
/// Codes that say that nothing was done: bad parameter, no such volume, no leader.
const REFUSALS: [i64; 3] = [2, 7, 33];
/// The code of a user that does not exist.
const USER_NOT_EXISTS: i64 = 46;

/// Path and query. With several zones a volume lies in one of them or in all.
pub fn target(op: &Op, zones: usize) -> String {
    let (path, pairs) = match op {
        Op::Create { volume } => {
            let mut pairs = vec![("name", volume.as_str()), ("owner", OWNER), ("capacity", "10")];
            match (zones, volume.len() % 3) {
                (0..=1, _) => {}
                (_, 0) => pairs.push(("crossZone", "true")),
                (_, 1) => pairs.push(("zoneName", "z1")),
                _ => pairs.push(("zoneName", "z2")),
            }
            ("/admin/createVol", pairs)
        }
        Op::Delete { volume } => ("/vol/delete", vec![("name", volume.as_str()), ("authKey", AUTH_KEY)]),
        Op::Get { volume } => ("/admin/getVol", vec![("name", volume.as_str())]),
        Op::List => ("/vol/list", vec![("keywords", "")]),
        Op::Grow { volume } => ("/dataPartition/create", vec![("name", volume.as_str()), ("count", "1")]),
        Op::View { volume } => ("/client/partitions", vec![("name", volume.as_str())]),
        Op::Expand { volume, capacity } => {
            let pairs = [("name", volume.as_str()), ("authKey", AUTH_KEY), ("capacity", &capacity.to_string())];
            return format!("/vol/expand?{}", http::query(&pairs));
        }
        Op::CreateUser { .. } => ("/user/create", vec![]),
        Op::DeleteUser { user } => ("/user/delete", vec![("user", user.as_str())]),
        Op::GetUser { user } => ("/user/info", vec![("user", user.as_str())]),
        Op::Other { target } => return target.clone(),
    };
    format!("{path}?{}", http::query(&pairs))
}

/// Method and body of the request.
pub fn body(op: &Op) -> (Method, Bytes) {
    match op {
        Op::CreateUser { user } => (Method::POST, json!({"id": user, "pwd": "password", "type": 3}).to_string().into()),
        _ => (Method::GET, Bytes::new()),
    }
}

/// What the client knows after an answer, or the lack of one.
pub fn outcome(op: &Op, answer: Result<Answer, CallError>) -> Outcome {
    let answer = match answer {
        Ok(answer) => answer,
        Err(CallError::NotSent(error)) => return Outcome::Refused { code: NO_CODE, text: error.to_string() },
        Err(CallError::NoAnswer(reason)) => return Outcome::Unknown(reason),
    };
    let text = || String::from_utf8_lossy(&answer.body).trim().to_owned();
    match answer.status {
        StatusCode::OK => {}
        StatusCode::BAD_REQUEST | StatusCode::TOO_MANY_REQUESTS => return Outcome::Refused { code: NO_CODE, text: text() },
        status => return Outcome::Unknown(format!("status {status}: {}", text())),
    }
    let Ok(reply) = serde_json::from_slice::<Value>(&answer.body) else { return Outcome::Unknown(format!("no envelope: {}", text())) };
    let msg = reply["msg"].as_str().unwrap_or_default().to_owned();
    match (reply["code"].as_i64(), op) {
        (Some(0), Op::Get { volume }) => Outcome::Done(vec![seen(volume.clone(), &reply["data"])]),
        (Some(0), Op::List) => {
            let volumes = reply["data"].as_array().map(Vec::as_slice).unwrap_or_default();
            Outcome::Done(volumes.iter().map(|volume| seen(volume["Name"].as_str().unwrap_or_default().to_owned(), volume)).collect())
        }
        (Some(0), Op::GetUser { user }) => Outcome::Done(vec![Seen { volume: user.clone(), id: None, status: 0 }]),
        (Some(USER_NOT_EXISTS), Op::GetUser { .. }) => Outcome::Done(Vec::new()),
        (Some(0), _) => Outcome::Done(Vec::new()),
        (Some(7), Op::Get { .. }) => Outcome::Done(Vec::new()),
        (Some(code), _) if REFUSALS.contains(&code) => Outcome::Refused { code, text: msg },
        (code, _) => Outcome::Unknown(format!("code {code:?}: {msg}")),
    }
}

fn seen(volume: String, view: &Value) -> Seen {
    Seen { volume, id: view["ID"].as_u64(), status: view["Status"].as_u64().unwrap_or_default() }
}
