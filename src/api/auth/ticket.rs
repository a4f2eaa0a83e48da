//! Tickets: what they hold, and what they allow (v3.5.3 http-general.md §6). Pure.

use super::message;
use crate::api::go_base64;
use crate::wire::gojson;
use serde::Deserialize;

/// A ticket, opened with the master's service key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The key that the client and the service share.
    pub session_key: Vec<u8>,
    /// Unix seconds; invalid from then on.
    expires: i64,
    capabilities: Capabilities,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Record {
    session_key: SessionKey,
    exp: i64,
    caps: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SessionKey {
    key: String,
}

/// What a ticket allows: entries `a:b:c`, each part possibly `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Capabilities {
    #[serde(rename = "API")]
    api: gojson::List<String>,
    #[serde(rename = "OwnerVOL")]
    owned_volumes: gojson::List<String>,
    #[serde(rename = "NoneOwnerVOL")]
    other_volumes: gojson::List<String>,
}

/// Why a ticket does not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TicketError {
    /// The predefined error 43.
    Expired,
    /// The text says why.
    Invalid(String),
}

impl std::fmt::Display for TicketError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Expired => f.write_str("expired ticket"),
            Self::Invalid(text) => f.write_str(text),
        }
    }
}

impl Ticket {
    /// Opens a ticket.
    ///
    /// # Errors
    /// It cannot be read, or has expired at `now` (unix seconds).
    pub fn open(text: &str, service_key: &[u8], now: i64) -> Result<Self, TicketError> {
        let ticket = Self::read(text, service_key).map_err(|e| TicketError::Invalid(format!("extractTicket failed: {e}")))?;
        if now >= ticket.expires {
            return Err(TicketError::Expired);
        }
        Ok(ticket)
    }

    fn read(text: &str, service_key: &[u8]) -> Result<Self, String> {
        let record: Record = gojson::from_slice(&message::decode(text, service_key)?).map_err(|e| e.to_string())?;
        let capabilities = go_base64::decode(&record.caps)?;
        let capabilities = match capabilities.as_slice() {
            [] => Capabilities::default(),
            json => gojson::from_slice(json).map_err(|e| e.to_string())?,
        };
        Ok(Self { session_key: go_base64::decode(&record.session_key.key)?, expires: record.exp, capabilities })
    }

    /// Whether it allows the API of `resource` (`master:createvol`).
    ///
    /// # Errors
    /// The text of v3.5.3.
    pub fn allows_api(&self, resource: &str) -> Result<(), TicketError> {
        let caps = &self.capabilities;
        let allowed = self.check().map(|()| any_matches(&caps.api, &format!("{resource}:access")));
        refusal_unless(allowed, "API", "CheckAPIAccessCaps")
    }

    /// Whether it allows the use of a volume.
    ///
    /// # Errors
    /// The text of v3.5.3.
    pub fn allows_volume(&self, volume: &str) -> Result<(), TicketError> {
        let (caps, rule) = (&self.capabilities, format!("master:{volume}:*"));
        let allowed = self.check().map(|()| any_matches(&caps.owned_volumes, &rule) || any_matches(&caps.other_volumes, &rule));
        refusal_unless(allowed, "NoneOwnerVOL", "CheckVOLAccessCaps")
    }

    fn check(&self) -> Result<(), String> {
        let caps = &self.capabilities;
        let volumes = caps.owned_volumes.iter().chain(caps.other_volumes.iter());
        let api = caps.api.iter().filter(|entry| !is_entry(entry, is_word));
        match api.chain(volumes.filter(|entry| !is_entry(entry, is_volume))).next() {
            Some(entry) => Err(format!("invalid cap [{entry}]")),
            None => Ok(()),
        }
    }
}

fn refusal_unless(allowed: Result<bool, String>, kind: &str, check: &str) -> Result<(), TicketError> {
    let why = match allowed {
        Ok(true) => return Ok(()),
        Ok(false) => format!("no permission to access {kind}"),
        Err(text) => text,
    };
    Err(TicketError::Invalid(format!("{check} failed: checkTicketCaps failed: {why}")))
}

fn any_matches(entries: &[String], rule: &str) -> bool {
    entries.iter().any(|entry| entry.split(':').zip(rule.split(':')).all(|(allowed, needed)| allowed == "*" || allowed == needed))
}

/// Three parts, the middle one as `middle` says.
fn is_entry(entry: &str, middle: fn(&str) -> bool) -> bool {
    let parts: Vec<&str> = entry.split(':').collect();
    matches!(parts[..], [first, second, third] if is_word(first) && middle(second) && is_word(third))
}

fn is_word(part: &str) -> bool {
    (1..=20).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'*')
}

fn is_volume(part: &str) -> bool {
    (3..=256).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use base64::Engine;

    pub const SERVICE_KEY: &[u8] = b"0123456789abcdef";
    pub const SESSION_KEY: &[u8] = b"abcdefghijklmnopqrstuvwxyz012345";

    /// A ticket as an auth node makes it.
    pub fn sealed(caps: &str, expires: i64) -> String {
        let json = serde_json::json!({
            "version": 0, "service_id": "MasterService", "session_key": {"c_time": 1, "key": STANDARD.encode(SESSION_KEY)},
            "exp": expires, "ip": "", "caps": STANDARD.encode(caps),
        });
        message::encode(json.to_string().as_bytes(), SERVICE_KEY, 1, [2; 16]).unwrap()
    }

    fn opened(caps: &str) -> Ticket {
        Ticket::open(&sealed(caps, 100), SERVICE_KEY, 99).unwrap()
    }

    #[test]
    fn a_ticket_holds_a_key_and_expires() {
        assert_eq!(opened("{}").session_key, SESSION_KEY);
        assert_eq!(Ticket::open(&sealed("{}", 100), SERVICE_KEY, 100), Err(TicketError::Expired));
        let error = Ticket::open(&sealed("{}", 100), b"another key 1234", 0).unwrap_err().to_string();
        assert!(error.starts_with("extractTicket failed: "), "{error}");
    }

    #[test]
    fn capabilities_match_part_by_part() {
        for caps in
            [r#"{"API":["*:*:*"]}"#, r#"{"API":["a:b:c","master:createvol:access"]}"#, r#"{"API":["master:*:access"],"OwnerVOL":null}"#]
        {
            assert_eq!(opened(caps).allows_api("master:createvol"), Ok(()));
        }
        for caps in ["{}", r#"{"API":["master:deletevol:access"]}"#, r#"{"OwnerVOL":["master:createvol:access"]}"#] {
            let error = opened(caps).allows_api("master:createvol").unwrap_err().to_string();
            assert_eq!(error, "CheckAPIAccessCaps failed: checkTicketCaps failed: no permission to access API");
        }
        assert_eq!(opened(r#"{"NoneOwnerVOL":["*:vol1:*"]}"#).allows_volume("vol1"), Ok(()));
        let error = opened(r#"{"OwnerVOL":["*:vol2:*"]}"#).allows_volume("vol1").unwrap_err().to_string();
        assert_eq!(error, "CheckVOLAccessCaps failed: checkTicketCaps failed: no permission to access NoneOwnerVOL");
        let error = opened(r#"{"API":["*:*:*"],"OwnerVOL":["*:v:*"]}"#).allows_api("master:createvol").unwrap_err().to_string();
        assert_eq!(error, "CheckAPIAccessCaps failed: checkTicketCaps failed: invalid cap [*:v:*]");
    }
}
