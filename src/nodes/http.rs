//! The few requests that lc nodes and flash nodes take by HTTP, on the port after that of their packets (v3.5.3 admin-tasks.md §9.4,
//! §10.5): no body to send, and a short text to read.
//!
//! HTTP/1.0, so that a reply is neither chunked nor kept waiting for the end of the connection.

use crate::env::{Elapsed, Env};
use crate::limits;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What a node answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// Sends `method target` to the HTTP port of the node whose packets go to `addr`, within [`limits::NODE_HTTP_TIMEOUT`].
///
/// # Errors
/// The node cannot be reached, is too slow, or does not speak HTTP.
pub async fn ask(env: &Env, addr: &str, method: &str, target: &str) -> io::Result<Answer> {
    let deadline = env.now() + limits::NODE_HTTP_TIMEOUT;
    let to = http_addr(addr).ok_or_else(|| invalid(format!("{addr} has no HTTP port")))?;
    let exchange = async {
        let mut stream = env.network.connect(to, deadline).await?;
        let request = format!("{method} {target} HTTP/1.0\r\nHost: {to}\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        let mut reply = Vec::new();
        stream.take(limits::NODE_HTTP_BYTES_MAX as u64).read_to_end(&mut reply).await?;
        parse(&reply).ok_or_else(|| invalid("the answer is no HTTP".into()))
    };
    env.until(deadline, exchange).await.unwrap_or_else(|elapsed: Elapsed| Err(elapsed.into()))
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// The port after the one in `addr`.
fn http_addr(addr: &str) -> Option<SocketAddr> {
    let addr: SocketAddr = addr.parse().ok()?;
    Some(SocketAddr::new(addr.ip(), addr.port().checked_add(1)?))
}

fn parse(reply: &[u8]) -> Option<Answer> {
    let end = reply.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&reply[..end]).ok()?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.get(..3)?.parse().ok()?;
    Some(Answer { status, body: String::from_utf8_lossy(&reply[end + 4..]).into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_body_are_found_and_anything_else_is_refused() {
        let answer = parse(b"HTTP/1.0 404 Not Found\r\nContent-Type: text/plain\r\n\r\nnot exist").unwrap();
        assert_eq!(answer, Answer { status: 404, body: "not exist".into() });
        assert_eq!(parse(b"HTTP/1.1 200\r\n\r\n").unwrap().status, 200);
        for bad in ["", "HTTP/1.0 200 OK\r\n", "SSH-2.0\r\n\r\n", "HTTP/1.0 x\r\n\r\n", "HTTP/1.0 2\u{e9}0\r\n\r\n"] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn the_http_port_is_the_one_after_that_of_packets() {
        assert_eq!(http_addr("10.0.0.1:17410"), Some("10.0.0.1:17411".parse().unwrap()));
        assert_eq!(http_addr("10.0.0.1:65535"), None);
        assert_eq!(http_addr("10.0.0.1"), None);
    }
}
