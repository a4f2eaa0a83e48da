//! A small HTTP client over the Network seam, for stand-in nodes and simulated clients.

use bytes::Bytes;
use cfs_master::env::{Elapsed, Env, Mono, Stream};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes read from a stream at a time.
const READ_BYTES: usize = 16 << 10;

/// What went wrong with a call, and whether the server can have acted on it.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No connection: the request never left.
    #[error("not sent: {0}")]
    NotSent(io::Error),
    /// It left, and no whole answer came back.
    #[error("no answer: {0}")]
    NoAnswer(String),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
}

/// One request on a connection of its own. `target` is path and query.
pub async fn call(
    env: &Env,
    server: &str,
    method: Method,
    target: &str,
    body: Bytes,
    connect_by: Mono,
    answer_by: Mono,
) -> Result<Answer, CallError> {
    let not_sent = |error| CallError::NotSent(error);
    let addr: SocketAddr = server.parse().map_err(|_| not_sent(io::ErrorKind::InvalidInput.into()))?;
    let stream = env.network.connect(addr, connect_by).await.map_err(not_sent)?;
    let no_answer = |error: hyper::Error| CallError::NoAnswer(error.to_string());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(HyperIo(stream)).await.map_err(no_answer)?;
    let driver = env.spawn("http client", async move {
        let _ = connection.await;
    });
    let request = Request::builder()
        .method(method)
        .uri(target)
        .header("Host", server)
        .header("Connection", "close")
        .header("Content-Type", "application/json")
        .body(Full::new(body))
        .map_err(|error| not_sent(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
    let exchange = async {
        let reply = sender.send_request(request).await.map_err(no_answer)?;
        let status = reply.status();
        let body = reply.into_body().collect().await.map_err(no_answer)?.to_bytes();
        Ok(Answer { status, body })
    };
    let answer = env.until(answer_by, exchange).await;
    driver.abort();
    answer.unwrap_or_else(|Elapsed| Err(CallError::NoAnswer("i/o timeout".into())))
}

/// `key=value` pairs as a query string with everything but unreserved characters escaped.
pub fn query(pairs: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (key, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        escape(key, &mut out);
        out.push('=');
        escape(value, &mut out);
    }
    out
}

fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
}

/// A stream of ours as hyper wants it.
pub struct HyperIo(pub Stream);

impl hyper::rt::Read for HyperIo {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, mut buf: hyper::rt::ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [0; READ_BYTES];
        let mut read = ReadBuf::new(&mut bytes[..READ_BYTES.min(buf.remaining())]);
        match Pin::new(&mut self.0).poll_read(cx, &mut read) {
            Poll::Ready(Ok(())) => {
                buf.put_slice(read.filled());
                Poll::Ready(Ok(()))
            }
            other => other,
        }
    }
}

impl hyper::rt::Write for HyperIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_not_unreserved_is_escaped() {
        assert_eq!(super::query(&[("addr", "1.2.3.4:5"), ("n", "a b&c=ü")]), "addr=1.2.3.4%3A5&n=a%20b%26c%3D%C3%BC");
    }
}
