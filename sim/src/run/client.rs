//! A client: asks for volumes through any master, one operation at a time, and remembers what it was told.

use super::cluster::master_addr;
use super::history::{Event, Op, Outcome, Seen};
use crate::http::{self, Answer, CallError};
use crate::world::entropy::Stream;
use crate::world::trace::What;
use crate::world::{HostId, World};
use ::http::{Method, StatusCode};
use bytes::Bytes;
use cfs_master::env::Env;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a client waits for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// Owner of all volumes, and the MD5 of it that deleting one needs.
const OWNER: &str = "owner1";
const AUTH_KEY: &str = "4ef5ba0c918c537fadba2ada54e3dd68";
/// Volumes that one client keeps; then it deletes before it creates.
const VOLUMES_MAX: usize = 12;
/// Codes that say that nothing was done: bad parameter, no such volume, no leader.
const REFUSALS: [i64; 3] = [2, 7, 33];

/// All operations of all clients, in the order in which they began.
#[derive(Clone, Default)]
pub struct History(Arc<Mutex<Vec<Event>>>);

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
    pub masters: usize,
    pub history: History,
}

impl Client {
    /// Works until `until`.
    pub async fn work(self, until: Duration, think_max: Duration) {
        let mut stream = self.world.stream(&["client", &self.number.to_string()]);
        let mut mine: Vec<String> = Vec::new();
        let mut made = 0;
        while self.world.now() < until {
            self.env.sleep(stream.time(Duration::from_millis(20), think_max)).await;
            let op = self.choose(&mut stream, &mut mine, &mut made);
            let master = stream.below(self.masters as u64) as usize;
            self.perform(master, op).await;
        }
    }

    fn choose(&self, stream: &mut Stream, mine: &mut Vec<String>, made: &mut usize) -> Op {
        let create = mine.is_empty() || (mine.len() < VOLUMES_MAX && stream.chance(350));
        if create {
            *made += 1;
            let volume = format!("vol-{}-{made}", self.number);
            mine.push(volume.clone());
            return Op::Create { volume };
        }
        let one = stream.below(mine.len() as u64) as usize;
        match stream.below(100) {
            0..=19 => Op::Delete { volume: mine.swap_remove(one) },
            20..=49 => Op::Get { volume: mine[one].clone() },
            50..=69 => Op::List,
            70..=84 => Op::Grow { volume: mine[one].clone() },
            _ => Op::View { volume: mine[one].clone() },
        }
    }

    /// Performs one operation and writes it into the history.
    pub async fn perform(&self, master: usize, op: Op) -> Event {
        let begun = self.world.now();
        let event = Event { client: self.number, master, op: op.clone(), begun, ended: None, outcome: Outcome::Pending };
        let number = self.history.begin(event);
        let now = self.env.now();
        let answer =
            http::call(&self.env, &master_addr(master), Method::GET, &target(&op), Bytes::new(), now + CONNECT_WITHIN, now + ANSWER_WITHIN)
                .await;
        let event = self.history.end(number, self.world.now(), outcome(&op, answer));
        self.world.note(Some(self.host), What::Client(event.to_string()));
        event
    }
}

fn target(op: &Op) -> String {
    let (path, pairs) = match op {
        Op::Create { volume } => ("/admin/createVol", vec![("name", volume.as_str()), ("owner", OWNER), ("capacity", "10")]),
        Op::Delete { volume } => ("/vol/delete", vec![("name", volume.as_str()), ("authKey", AUTH_KEY)]),
        Op::Get { volume } => ("/admin/getVol", vec![("name", volume.as_str())]),
        Op::List => ("/vol/list", vec![("keywords", "")]),
        Op::Grow { volume } => ("/dataPartition/create", vec![("name", volume.as_str()), ("count", "1")]),
        Op::View { volume } => ("/client/partitions", vec![("name", volume.as_str())]),
    };
    format!("{path}?{}", http::query(&pairs))
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
        (Some(0), _) => Outcome::Done(Vec::new()),
        (Some(7), Op::Get { .. }) => Outcome::Done(Vec::new()),
        (Some(code), _) if REFUSALS.contains(&code) => Outcome::Refused { code, text: msg },
        (code, _) => Outcome::Unknown(format!("code {code:?}: {msg}")),
    }
}

fn seen(volume: String, view: &Value) -> Seen {
    Seen { volume, id: view["ID"].as_u64(), status: view["Status"].as_u64().unwrap_or_default() }
}
