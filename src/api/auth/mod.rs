//! Authentication (v3.5.3 http-general.md §6): the tickets of requests to protected routes, and of clients of protected volumes.
//!
//! A request to a protected route names a client and its key; with these the master itself fetches a ticket from the auth nodes, and
//! what the ticket allows decides. Unlike in v3.5.3 the error texts do not repeat the client's key.

mod message;
mod ticket;

use super::client::Client;
use super::go_base64;
use super::handlers::json_body::{self, Object};
use super::params::Params;
use super::route::Ticket as Needed;
use crate::env::{Env, Purpose};
use crate::limits;
use crate::wire::gojson;
use crate::wire::reply::{code, fault, Fault};
use axum::body::Body;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use http::header::{CONTENT_TYPE, HOST};
use http::Request;
use http_body_util::{BodyExt, Limited};
use percent_encoding::{utf8_percent_encode, NON_ALPHANUMERIC};
use serde::{Deserialize, Serialize};
use ticket::{Ticket, TicketError};

const SERVICE: &str = "MasterService";
const SERVICES: [&str; 4] = ["AuthService", SERVICE, "MetanodeService", "DatanodeService"];
/// Type of the request for a ticket; a reply has the type of its request plus 1.
const GET_TICKET: u32 = 0x11_0000;
/// Type of the request for a volume's view.
const GET_VOLUME: u32 = 0x7_0000;
const ROUNDS: usize = 5;
const REPLY_BYTES_MAX: usize = 1 << 20;
/// A verifier is as good as old after this many seconds.
const VERIFIER_AGE_MAX_SECS: i64 = 10;

/// Where tickets come from.
pub struct AuthNodes<'a> {
    pub env: &'a Env,
    pub client: &'a Client,
    /// `host:port` of each auth node.
    pub hosts: &'a [String],
    /// The key that tickets for the master are encrypted with.
    pub service_key: &'a [u8],
}

#[derive(Serialize)]
struct TicketRequest<'a> {
    r#type: u32,
    client_id: &'a str,
    service_id: &'static str,
    verifier: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TicketReply {
    r#type: u32,
    client_id: String,
    service_id: String,
    verifier: i64,
    ticket: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope {
    code: i32,
    msg: String,
    data: String,
}

/// A client's request for a volume's view.
#[derive(Default, Deserialize)]
#[serde(default)]
struct AccessRequest {
    r#type: u32,
    client_id: String,
    service_id: String,
    verifier: String,
    ticket: String,
}

#[derive(Serialize)]
struct AccessReply<'a> {
    api_resp: AccessReplyHead<'a>,
    data: String,
}

#[derive(Serialize)]
struct AccessReplyHead<'a> {
    r#type: u32,
    client_id: &'a str,
    service_id: &'a str,
    verifier: i64,
}

impl AuthNodes<'_> {
    /// Lets a request pass whose form names a client with a ticket that allows the route.
    ///
    /// # Errors
    /// Code 42 with the text of v3.5.3.
    pub async fn check(&self, form: Result<Params, Fault>, needed: Needed) -> Result<(), Fault> {
        self.check_form(form, needed).await.map_err(|fault| fault.with_code(code::INVALID_CLIENT_ID_KEY))
    }

    async fn check_form(&self, form: Result<Params, Fault>, needed: Needed) -> Result<(), Fault> {
        let form = form?;
        let (client, key) = client_and_key(form.required("clientIDKey")?)?;
        let ticket = self.fetch(&client, &key).await;
        let ticket = ticket.map_err(|e| Fault::param(format!("get ticket from auth node failed, client[{client}], err[{e}]")))?;
        let refused = |e: TicketError| Fault::param(format!("check ticket failed, client[{client}], err[{e}]"));
        let ticket = Ticket::open(&ticket, self.service_key, self.env.wall().secs()).map_err(refused)?;
        ticket.allows_api(needed.resource).map_err(refused)
    }

    /// A ticket for the master's service. Each round asks every auth node until one replies.
    async fn fetch(&self, client: &str, key: &str) -> Result<String, String> {
        let key = go_base64::decode(key)?;
        let now = self.env.wall().secs();
        let verifier = encoded(self.env, &now.to_le_bytes(), &key)?;
        let request = TicketRequest { r#type: GET_TICKET, client_id: client, service_id: SERVICE, verifier };
        let token = STANDARD.encode(gojson::to_vec(&request).map_err(|e| e.to_string())?);
        let form = format!("Token={}", utf8_percent_encode(&token, NON_ALPHANUMERIC));
        let mut last = "no auth node is configured".to_owned();
        for _ in 0..ROUNDS {
            for host in self.hosts {
                match self.post(host, &form).await {
                    Ok(reply) => return ticket_of(&reply, &key, client, now),
                    Err(error) => last = format!("Request authnode: getReply error, url(http://{host}/client/getticket) err({error})"),
                }
            }
            self.env.sleep(limits::AUTH_RETRY_PAUSE).await;
        }
        Err(last)
    }

    async fn post(&self, host: &str, form: &str) -> Result<Vec<u8>, String> {
        let deadline = self.env.now() + limits::AUTH_TIMEOUT;
        let request = Request::post("/client/getticket")
            .header(HOST, host)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()))
            .map_err(|e| e.to_string())?;
        let response = self.client.send(host, request, deadline).await.map_err(|e| e.to_string())?;
        match self.env.until(deadline, Limited::new(response.into_body(), REPLY_BYTES_MAX).collect()).await {
            Ok(Ok(body)) => Ok(body.to_bytes().to_vec()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(elapsed) => Err(elapsed.to_string()),
        }
    }
}

/// What `clientIDKey` holds: base64 of `{"id","auth_key"}`.
fn client_and_key(text: &str) -> Result<(String, String), Fault> {
    let json = go_base64::decode(text).map_err(|e| Fault::param(format!("decode authIDKey failed {e}")))?;
    let read = |json: &[u8]| {
        let json = json_body::parse(json)?;
        let mut object = Object::new(&json, "proto.AuthIDKey")?;
        let pair = (object.text("id"), object.text("auth_key"));
        object.finish(pair)
    };
    let (client, key) = read(&json).map_err(|e: Fault| Fault::param(format!("json unmarshal authIDKey failed {e}")))?;
    check_client(&client).map_err(Fault::param)?;
    Ok((client, key))
}

/// `^[A-Za-z]{1,1}[A-Za-z0-9_]{0,20}$`
fn check_client(client: &str) -> Result<(), String> {
    let good = client.len() <= 21
        && client.starts_with(|c: char| c.is_ascii_alphabetic())
        && client.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if good {
        Ok(())
    } else {
        Err(format!("clientID invalid format [{client}]"))
    }
}

/// The ticket in an auth node's reply to the request that was made at `asked` (unix seconds).
fn ticket_of(reply: &[u8], key: &[u8], client: &str, asked: i64) -> Result<String, String> {
    let envelope: Envelope = gojson::from_slice(reply).map_err(|e| format!("unmarshal response body err:{e}"))?;
    if envelope.code != code::SUCCESS {
        return Err(format!("request error, code[{}], msg[{}]", envelope.code, envelope.msg));
    }
    let plain = message::decode(&envelope.data, key).map_err(|e| format!("decode message error: {e}"))?;
    let reply: TicketReply = gojson::from_slice(&plain).map_err(|e| e.to_string())?;
    let checks = [
        (reply.verifier == asked + 1, "verifier verification failed"),
        (reply.r#type == GET_TICKET + 1, "msg verification failed"),
        (reply.client_id == client, "id verification failed"),
        (reply.service_id == SERVICE, "service id verification failed"),
    ];
    match checks.into_iter().find(|(good, _)| !good) {
        Some((_, text)) => Err(text.to_owned()),
        None => Ok(reply.ticket),
    }
}

fn encoded(env: &Env, payload: &[u8], key: &[u8]) -> Result<String, String> {
    let random = || env.entropy.next_u64(Purpose::Secret);
    let iv = [random().to_le_bytes(), random().to_le_bytes()].concat();
    message::encode(payload, key, random(), std::array::from_fn(|at| iv[at]))
}

/// The reply to `/client/vol` of a volume that asks for tickets: the view `reply`, readable for the holder of the ticket only.
///
/// # Errors
/// Code 2 without a token, 43 for an expired ticket, 41 for any other fault of the request, 44 when there is no encoding.
pub fn volume_reply(env: &Env, service_key: &[u8], form: Result<Params, Fault>, volume: &str, reply: &[u8]) -> Result<String, Fault> {
    let invalid = |text: String| Fault::new(code::INVALID_TICKET, text);
    let form = form.map_err(|fault| fault.with_code(code::INVALID_TICKET))?;
    let token = form.required("Token").map_err(|fault| fault.with_code(code::INVALID_TICKET))?;
    let now = env.wall().secs();
    let json = go_base64::decode(token).map_err(invalid)?;
    let request: AccessRequest = gojson::from_slice(&json).map_err(|e| invalid(e.to_string()))?;
    let (session_key, asked) = admitted(&request, service_key, volume, now).map_err(|error| match error {
        TicketError::Expired => fault::EXPIRED_TICKET,
        TicketError::Invalid(text) => invalid(text),
    })?;
    let head = AccessReplyHead {
        r#type: request.r#type.wrapping_add(1),
        client_id: &request.client_id,
        service_id: &request.service_id,
        verifier: asked.wrapping_add(1),
    };
    let failed = |text: String| Fault::new(code::MASTER_API_GEN_RESP_ERROR, text);
    let plain = gojson::to_vec(&AccessReply { api_resp: head, data: STANDARD.encode(reply) });
    let plain = plain.map_err(|e| failed(format!("json marshal for response failed {e}")))?;
    encoded(env, &plain, &session_key).map_err(|e| failed(format!("encdoe message for response failed {e}")))
}

/// The session key of an admitted request, and when it was made (unix seconds).
fn admitted(request: &AccessRequest, service_key: &[u8], volume: &str, now: i64) -> Result<(Vec<u8>, i64), TicketError> {
    let invalid = TicketError::Invalid;
    check_client(&request.client_id).map_err(|e| invalid(format!("IsValidClientID failed: {e}")))?;
    if !SERVICES.contains(&request.service_id.as_str()) {
        return Err(invalid(format!("IsValidServiceID failed: invalid service ID [{}]", request.service_id)));
    }
    if !SERVICES[..2].contains(&request.service_id.as_str()) {
        let why = format!("invalid request type [{:x}] and serviceID[{}]", request.r#type, request.service_id);
        return Err(invalid(format!("IsValidMsgReqType failed: {why}")));
    }
    let ticket = Ticket::open(&request.ticket, service_key, now)?;
    let asked = asked_at(&request.verifier, &ticket.session_key, now).map_err(|e| invalid(format!("parseVerifier failed: {e}")))?;
    let resource = match request.r#type {
        GET_VOLUME => "master:getvol",
        other => super::table::resource_of(other)
            .ok_or_else(|| invalid(format!("CheckAPIAccessCaps failed: MsgType2ResourceMap key not found [{other}]")))?,
    };
    ticket.allows_api(resource)?;
    ticket.allows_volume(volume)?;
    Ok((ticket.session_key, asked))
}

fn asked_at(verifier: &str, session_key: &[u8], now: i64) -> Result<i64, String> {
    let plain = message::decode(verifier, session_key)?;
    let first = plain.first_chunk::<8>().ok_or("verifier too short")?;
    let asked = i64::from_le_bytes(*first);
    let age = now.saturating_sub(asked);
    if age >= VERIFIER_AGE_MAX_SECS {
        return Err(format!("req verifier is timeout [{age}] >= [{VERIFIER_AGE_MAX_SECS}]"));
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use super::ticket::tests::{sealed, SERVICE_KEY, SESSION_KEY};
    use super::*;

    #[test]
    fn what_a_client_id_key_may_be() {
        let error = |text: &str| client_and_key(text).unwrap_err().to_string();
        let of_json = |json: &str| error(&STANDARD.encode(json));
        assert_eq!(error("***"), "decode authIDKey failed illegal base64 data at input byte 0");
        assert_eq!(of_json("x"), "json unmarshal authIDKey failed invalid character 'x' looking for beginning of value");
        assert_eq!(of_json("5"), "json unmarshal authIDKey failed json: cannot unmarshal number into Go value of type proto.AuthIDKey");
        let field = "json unmarshal authIDKey failed json: cannot unmarshal number into Go struct field AuthIDKey.id of type string";
        assert_eq!(of_json(r#"{"id":5}"#), field);
        assert_eq!(of_json("{}"), "clientID invalid format []");
        assert_eq!(of_json(r#"{"id":"1a"}"#), "clientID invalid format [1a]");
        assert_eq!(client_and_key(&STANDARD.encode(r#"{"id":"a_1","auth_key":"k"}"#)), Ok(("a_1".into(), "k".into())));
    }

    #[test]
    fn a_ticket_reply_must_fit_its_request() {
        let reply = |client: &str, verifier: i64| {
            let json = serde_json::json!({"type": GET_TICKET + 1, "client_id": client, "service_id": SERVICE, "verifier": verifier, "ticket": "t"});
            let data = message::encode(json.to_string().as_bytes(), SERVICE_KEY, 1, [3; 16]).unwrap();
            serde_json::json!({"code": 0, "msg": "success", "data": data}).to_string()
        };
        let read = |reply: String| ticket_of(reply.as_bytes(), SERVICE_KEY, "me", 7);
        assert_eq!(read(reply("me", 8)), Ok("t".into()));
        assert_eq!(read(reply("me", 7)), Err("verifier verification failed".into()));
        assert_eq!(read(reply("you", 8)), Err("id verification failed".into()));
        assert_eq!(read(r#"{"code":1,"msg":"no","data":null}"#.into()), Err("request error, code[1], msg[no]".into()));
    }

    #[test]
    fn a_volume_is_shown_to_the_holder_of_a_ticket() {
        let caps = r#"{"API":["master:getvol:access"],"OwnerVOL":["*:vol1:*"]}"#;
        let mut request = AccessRequest {
            r#type: GET_VOLUME,
            client_id: "me".into(),
            service_id: SERVICE.into(),
            verifier: message::encode(&50i64.to_le_bytes(), SESSION_KEY, 1, [4; 16]).unwrap(),
            ticket: sealed(caps, 100),
        };
        assert_eq!(admitted(&request, SERVICE_KEY, "vol1", 59), Ok((SESSION_KEY.to_vec(), 50)));
        let error = |request: &AccessRequest, volume, now| admitted(request, SERVICE_KEY, volume, now).unwrap_err().to_string();
        assert_eq!(error(&request, "vol1", 60), "parseVerifier failed: req verifier is timeout [10] >= [10]");
        assert!(error(&request, "vol2", 59).starts_with("CheckVOLAccessCaps failed: "));
        assert_eq!(error(&request, "vol1", 100), "expired ticket");
        request.r#type = 5;
        assert_eq!(error(&request, "vol1", 59), "CheckAPIAccessCaps failed: MsgType2ResourceMap key not found [5]");
        request.client_id = "?".into();
        assert_eq!(error(&request, "vol1", 59), "IsValidClientID failed: clientID invalid format [?]");
    }
}
