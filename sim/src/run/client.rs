//! A client: carries out its steps of the workload, one at a time, and remembers what it was told.

use super::cluster::master_addr;
use super::history::{Event, Op, Outcome, Seen};
use super::workload::Step;
use crate::checks::{envelope, Violation};
use crate::http::{self, Answer, CallError};
use crate::world::trace::What;
use crate::world::{HostId, World};
use ::http::{Method, StatusCode};
use bytes::Bytes;
use cfs_master::env::Env;
use serde_json::{json, Value};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a client waits for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// A step that is later than this is left out: who waited does not make up for it.
const LATE_MAX: Duration = Duration::from_secs(2);
/// Owner of all volumes, and the MD5 of it that deleting one needs.
const OWNER: &str = "owner1";
const AUTH_KEY: &str = "4ef5ba0c918c537fadba2ada54e3dd68";
/// Codes that say that nothing was done: bad parameter, no such volume, no leader.
const REFUSALS: [i64; 3] = [2, 7, 33];
/// The code of a user that does not exist.
const USER_NOT_EXISTS: i64 = 46;

/// All operations of all clients, in the order in which they began.
#[derive(Clone, Default)]
pub struct History(Arc<Mutex<Vec<Event>>>, Arc<Mutex<Option<Violation>>>);

impl History {
    pub fn begin(&self, event: Event) -> usize {
        let mut events = self.0.lock().expect("lock");
        events.push(event);
        events.len() - 1
    }

    pub fn end(&self, number: usize, at: Duration, outcome: Outcome) -> Event {
        let mut events = self.0.lock().expect("lock");
        events[number].ended = Some(at);
        events[number].outcome = outcome;
        events[number].clone()
    }

    /// A reply that was none, if there was one (A2).
    pub fn found(&self) -> Option<Violation> {
        self.1.lock().expect("lock").clone()
    }

    pub fn all(&self) -> Vec<Event> {
        self.0.lock().expect("lock").clone()
    }
}

/// One client.
pub struct Client {
    pub world: World,
    pub host: HostId,
    pub env: Env,
    pub number: usize,
    pub zones: usize,
    pub history: History,
}

impl Client {
    /// Carries out its steps until `until`, but for those that came while it waited for an answer.
    pub async fn work(self, steps: Vec<Step>, until: Duration) {
        for step in steps {
            if self.world.now() > step.at + LATE_MAX {
                continue;
            }
            self.world.sleep_until(step.at).await;
            if self.world.now() >= until {
                return;
            }
            self.perform(step.master, step.op).await;
        }
    }

    /// Performs one operation and writes it into the history.
    pub async fn perform(&self, master: usize, op: Op) -> Event {
        let begun = self.world.now();
        let event = Event { client: self.number, master, op: op.clone(), begun, ended: None, outcome: Outcome::Pending };
        let number = self.history.begin(event);
        let now = self.env.now();
        let ((method, body), target) = (body(&op), target(&op, self.zones));
        let answer = http::call(&self.env, &master_addr(master), method, &target, body, now + CONNECT_WITHIN, now + ANSWER_WITHIN).await;
        if let Some(Err(violation)) = answer.as_ref().ok().map(|answer| envelope::check(&target, answer)) {
            self.history.1.lock().expect("lock").get_or_insert(violation);
        }
        let event = self.history.end(number, self.world.now(), outcome(&op, answer));
        self.world.note(Some(self.host), What::Client(event.to_string()));
        event
    }
}

/// The request. With several zones a volume lies in one of them or in all.
fn target(op: &Op, zones: usize) -> String {
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
fn body(op: &Op) -> (Method, Bytes) {
    match op {
        Op::CreateUser { user } => (Method::POST, json!({"id": user, "pwd": "password", "type": 3}).to_string().into()),
        _ => (Method::GET, Bytes::new()),
    }
}

/// What the client knows after an answer, or the lack of one.
fn outcome(op: &Op, answer: Result<Answer, CallError>) -> Outcome {
    let answer = match answer {
        Ok(answer) => answer,
        Err(CallError::NotSent(error)) => return Outcome::Refused { code: -1, text: error.to_string() },
        Err(CallError::NoAnswer(reason)) => return Outcome::Unknown(reason),
    };
    let text = || String::from_utf8_lossy(&answer.body).trim().to_owned();
    match answer.status {
        StatusCode::OK => {}
        StatusCode::BAD_REQUEST | StatusCode::TOO_MANY_REQUESTS => return Outcome::Refused { code: -1, text: text() },
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
