//! One HTTP/1.1 request to a daemon, raw: odd targets and bodies must reach the master as they are.

use serde_json::{json, Value};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request, as it goes out.
pub struct Request<'a> {
    pub method: &'a str,
    pub target: &'a str,
    pub headers: Vec<(String, String)>,
    pub body: Option<String>,
}

/// Sends a request on a connection of its own and returns `{status, ctype, enc, body}` as the recorded templates have it. A dropped
/// connection is status 0.
pub async fn call(addr: &str, request: &Request<'_>, timeout: Duration) -> Value {
    match tokio::time::timeout(timeout, exchange(addr, request)).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(e)) if e.kind() == std::io::ErrorKind::ConnectionRefused => {
            json!({"status": 0, "ctype": "", "enc": "", "body": "connection: ConnectionRefusedError"})
        }
        Ok(Err(e)) => json!({"status": 0, "ctype": "", "enc": "", "body": format!("connection: {e}")}),
        Err(_) => json!({"status": 0, "ctype": "", "enc": "", "body": "connection: timed out"}),
    }
}

async fn exchange(addr: &str, request: &Request<'_>) -> std::io::Result<Value> {
    let mut stream = TcpStream::connect(addr).await?;
    let mut head = format!("{} {} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n", request.method, request.target);
    for (name, value) in &request.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(body) = &request.body {
        head.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    } else {
        head.push_str("\r\n");
    }
    stream.write_all(head.as_bytes()).await?;
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw).await?;
    let split = raw.windows(4).position(|w| w == b"\r\n\r\n").ok_or_else(|| std::io::Error::other("RemoteDisconnected"))?;
    let head = String::from_utf8_lossy(&raw[..split]).into_owned();
    let header = |name: &str| {
        head.lines().skip(1).filter_map(|l| l.split_once(':')).find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim().to_owned())
    };
    let status: u16 = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    let mut body = raw[split + 4..].to_vec();
    if header("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked")) {
        body = dechunk(&body)?;
    }
    let enc = header("x-cfs-content-encoding").unwrap_or_default();
    if enc == "gzip" {
        let mut plain = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&body[..]), &mut plain)?;
        body = plain;
    }
    let ctype = header("content-type").unwrap_or_default().replace(' ', "").to_lowercase();
    let body = serde_json::from_slice(&body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
    Ok(json!({"status": status, "ctype": ctype, "enc": enc, "body": body}))
}

fn dechunk(mut rest: &[u8]) -> std::io::Result<Vec<u8>> {
    let bad = || std::io::Error::other("bad chunk");
    let mut out = Vec::new();
    loop {
        let line = rest.windows(2).position(|w| w == b"\r\n").ok_or_else(bad)?;
        let len = std::str::from_utf8(&rest[..line]).ok().and_then(|s| usize::from_str_radix(s.trim(), 16).ok()).ok_or_else(bad)?;
        rest = &rest[line + 2..];
        if len == 0 {
            return Ok(out);
        }
        out.extend_from_slice(rest.get(..len).ok_or_else(bad)?);
        rest = rest.get(len + 2..).ok_or_else(bad)?;
    }
}
