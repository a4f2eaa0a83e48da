//! A2: every reply is one envelope `{code, msg, data}`, or one of the plain replies that v3.5.3 has.

use super::Violation;
use crate::http::Answer;
use http::StatusCode;
use serde_json::Value;

/// Statuses of replies without an envelope: bad request, no route, wrong method, body too large, too slow, too many, behind a proxy.
const PLAIN: [StatusCode; 8] = [
    StatusCode::BAD_REQUEST,
    StatusCode::FORBIDDEN,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::BAD_GATEWAY,
];

/// Judges an answer of the HTTP service.
pub fn check(target: &str, answer: &Answer) -> Result<(), Violation> {
    let text = || String::from_utf8_lossy(&answer.body[..answer.body.len().min(300)]).into_owned();
    if answer.status != StatusCode::OK {
        return match PLAIN.contains(&answer.status) {
            true => Ok(()),
            false => Err(Violation::new("A2", format!("{target} is answered with status {}: {}", answer.status, text()))),
        };
    }
    let value: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let keys = value.as_ref().and_then(Value::as_object).map(|object| object.keys().map(String::as_str).collect::<Vec<_>>());
    let good = keys.is_some_and(|keys| keys == ["code", "data", "msg"])
        && value.is_some_and(|value| value["code"].is_i64() && value["msg"].is_string());
    match good {
        true => Ok(()),
        false => Err(Violation::new("A2", format!("{target} is answered with no envelope: {}", text()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_envelope_is_seen() {
        let judge = |status: u16, body: &str| {
            let answer = Answer { status: StatusCode::from_u16(status).expect("a status"), body: body.to_owned().into() };
            check("/x", &answer).map_err(|violation| violation.invariant)
        };
        assert_eq!(judge(200, r#"{"code":0,"msg":"success","data":null}"#), Ok(()));
        assert_eq!(judge(404, "404 page not found"), Ok(()));
        assert_eq!(judge(200, ""), Err("A2"));
        assert_eq!(judge(200, r#"{"code":0,"msg":"success","data":null}{"code":0,"msg":"success","data":null}"#), Err("A2"));
        assert_eq!(judge(200, r#"{"code":"0","msg":"","data":null}"#), Err("A2"));
        assert_eq!(judge(500, "oops"), Err("A2"));
    }
}
