//! What a handler answers, and how it looks on the wire (v3.5.3 http-general.md §3, §7, §8).

use crate::mutants::mutant;
use crate::wire::gojson;
use crate::wire::reply::{code, Fault};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use flate2::write::GzEncoder;
use flate2::Compression;
use http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use std::io::Write;

/// Asks for a compressed reply.
pub const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("x-cfs-accept-encoding");
/// Says how the reply is compressed.
pub const CONTENT_ENCODING: HeaderName = HeaderName::from_static("x-cfs-content-encoding");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// The answer of a handler that did not refuse.
#[derive(Debug)]
pub struct Reply {
    kind: Kind,
    headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Debug)]
enum Kind {
    /// A success envelope: compressed when the request asks for it.
    Envelope(Bytes),
    /// Ready bytes, sent as they are.
    Ready {
        body: Bytes,
        content_type: HeaderValue,
        encoding: Option<&'static str>,
    },
    Plain {
        status: StatusCode,
        text: String,
    },
    Empty,
}

impl From<Kind> for Reply {
    fn from(kind: Kind) -> Self {
        Self { kind, headers: Vec::new() }
    }
}

#[derive(Serialize)]
struct Envelope<'a, T: Serialize + ?Sized> {
    code: i32,
    msg: &'a str,
    data: &'a T,
}

/// Bytes of an envelope; `None` when `data` holds a number that JSON has no text for.
fn envelope<T: Serialize + ?Sized>(code: i32, msg: &str, data: &T) -> Option<Bytes> {
    gojson::to_vec(&Envelope { code, msg, data }).ok().map(Bytes::from)
}

/// The whole success reply with `data`; `None` as for [`Reply::ok`].
pub fn success<T: Serialize + ?Sized>(data: &T) -> Option<Bytes> {
    envelope(code::SUCCESS, "success", data)
}

impl Reply {
    /// `OK T:X`: success with data. Data that has no JSON (NaN, infinite) becomes the plain reply 400 of §3.
    pub fn ok<T: Serialize + ?Sized>(data: &T) -> Self {
        match success(data) {
            Some(bytes) => Kind::Envelope(bytes).into(),
            None => Self::plain(StatusCode::BAD_REQUEST, "fail to marshal http reply"),
        }
    }

    /// `OK "text"`: success with a text as data.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::ok(text.as_ref())
    }

    /// Code 0 with a message other than `success`, data null.
    pub fn said(msg: &str) -> Self {
        match envelope(code::SUCCESS, msg, &()) {
            Some(bytes) => Kind::Envelope(bytes).into(),
            None => Self::empty(),
        }
    }

    /// Success with data that is JSON already.
    pub fn ok_json(data: &[u8]) -> Self {
        Kind::Envelope(success_around(data)).into()
    }

    /// A refusal that carries data: never compressed.
    pub fn refused<T: Serialize + ?Sized>(why: &Fault, data: &T) -> Self {
        match envelope(why.code, &why.msg, data) {
            Some(bytes) => Self::cached(bytes),
            None => Self::plain(StatusCode::BAD_REQUEST, "fail to marshal http reply"),
        }
    }

    /// A whole reply kept ready, which knows no compression.
    pub fn cached(body: Bytes) -> Self {
        Kind::Ready { body, content_type: JSON, encoding: None }.into()
    }

    /// A whole reply kept ready as gzip.
    pub fn cached_gzip(body: Bytes) -> Self {
        Kind::Ready { body, content_type: JSON, encoding: Some("gzip") }.into()
    }

    /// Bytes of another type, as they are.
    pub fn raw(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Kind::Ready { body: body.into(), content_type: HeaderValue::from_static(content_type), encoding: None }.into()
    }

    /// Status 200 with no body and no content type.
    pub fn empty() -> Self {
        Kind::Empty.into()
    }

    /// One line of plain text, without its line break.
    pub fn plain(status: StatusCode, text: impl Into<String>) -> Self {
        Kind::Plain { status, text: text.into() }.into()
    }

    /// The same with one more header.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The response, given what the request says in [`ACCEPT_ENCODING`].
    pub fn into_response(self, accept_encoding: Option<&HeaderValue>) -> Response {
        let mut response = match self.kind {
            Kind::Envelope(body) => enveloped(body, accept_encoding),
            Kind::Ready { body, content_type, encoding } => {
                let mut response = with_type(content_type, body);
                if let Some(encoding) = encoding {
                    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
                }
                response
            }
            Kind::Plain { status, text } => {
                let mut response = with_type(PLAIN, Bytes::from(text + "\n"));
                *response.status_mut() = status;
                response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
                response
            }
            Kind::Empty => Response::new(Body::empty()),
        };
        response.headers_mut().extend(self.headers);
        response
    }
}

/// The reply to a refusal: never compressed.
pub fn refusal(fault: &Fault) -> Response {
    let body = if mutant!("refusal without a body") { Bytes::new() } else { envelope(fault.code, &fault.msg, &()).unwrap_or_default() };
    with_type(JSON, body)
}

/// `{"code":0,"msg":"success","data":…}` around data that is JSON already.
pub fn success_around(data: &[u8]) -> Bytes {
    let parts = [br#"{"code":0,"msg":"success","data":"#, data, b"}"];
    Bytes::from(parts.concat())
}

/// The bytes as gzip.
pub fn gzip(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4 + 64), Compression::default());
    encoder.write_all(plain).expect("a Vec takes every byte");
    Bytes::from(encoder.finish().expect("a Vec takes every byte"))
}

/// The header is echoed whatever it says, but only `gzip` changes the body.
fn enveloped(body: Bytes, accept_encoding: Option<&HeaderValue>) -> Response {
    let Some(encoding) = accept_encoding.filter(|value| !value.is_empty()) else { return with_type(JSON, body) };
    let body = if encoding == "gzip" { gzip(&body) } else { body };
    let mut response = with_type(JSON, body);
    response.headers_mut().insert(CONTENT_ENCODING, encoding.clone());
    response
}

fn with_type(content_type: HeaderValue, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use http_body_util::BodyExt;
    use std::io::Read;

    async fn bytes(response: Response) -> Vec<u8> {
        response.into_body().collect().await.unwrap().to_bytes().to_vec()
    }

    async fn text(reply: Reply) -> String {
        String::from_utf8(bytes(reply.into_response(None)).await).unwrap()
    }

    #[tokio::test]
    async fn envelopes_have_their_keys_in_order() {
        assert_eq!(text(Reply::ok(&[1, 2])).await, r#"{"code":0,"msg":"success","data":[1,2]}"#);
        assert_eq!(text(Reply::text("<a>")).await, r#"{"code":0,"msg":"success","data":"\u003ca\u003e"}"#);
        assert_eq!(text(Reply::said("started")).await, r#"{"code":0,"msg":"started","data":null}"#);
        assert_eq!(text(Reply::ok_json(b"{}")).await, r#"{"code":0,"msg":"success","data":{}}"#);
        let refused = bytes(refusal(&Fault::param("bad & wrong"))).await;
        assert_eq!(refused, br#"{"code":2,"msg":"bad \u0026 wrong","data":null}"#);
    }

    #[tokio::test]
    async fn the_type_has_no_charset_and_plain_text_has() {
        let response = Reply::text("x").into_response(None);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        let response = Reply::plain(StatusCode::NOT_FOUND, "404 page not found").into_response(None);
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
        assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(bytes(response).await, b"404 page not found\n");
        let response = Reply::empty().into_response(None);
        assert!(response.headers().is_empty());
    }

    #[tokio::test]
    async fn only_gzip_compresses_but_every_value_is_echoed() {
        let gzip = HeaderValue::from_static("gzip");
        let response = Reply::text("x").into_response(Some(&gzip));
        assert_eq!(response.headers()[CONTENT_ENCODING], "gzip");
        let mut plain = String::new();
        GzDecoder::new(bytes(response).await.as_slice()).read_to_string(&mut plain).unwrap();
        assert_eq!(plain, text(Reply::text("x")).await);

        let response = Reply::text("x").into_response(Some(&HeaderValue::from_static("snappy")));
        assert_eq!(response.headers()[CONTENT_ENCODING], "snappy");
        assert_eq!(bytes(response).await, text(Reply::text("x")).await.as_bytes());

        let response = Reply::text("x").into_response(Some(&HeaderValue::from_static("")));
        assert!(!response.headers().contains_key(CONTENT_ENCODING));
        let response = Reply::cached(Bytes::from_static(b"{}")).into_response(Some(&gzip));
        assert!(!response.headers().contains_key(CONTENT_ENCODING));
    }

    #[tokio::test]
    async fn a_number_without_json_is_a_plain_reply() {
        let response = Reply::ok(&f64::NAN).into_response(None);
        assert_eq!(response.status(), 400);
        assert_eq!(bytes(response).await, b"fail to marshal http reply\n");
    }
}
