//! A small HTTP/1.1 client over the seams, with a pool of idle connections per address. Used by the proxy and the follower views.
//!
//! Must not know: what is asked for. It follows no redirect, keeps no cookie and reads no environment variable.

use super::io::HyperIo;
use crate::env::{Env, Mono};
use crate::limits;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing was sent: the address cannot be reached.
    #[error("connect {addr}: {reason}")]
    Connect { addr: String, reason: io::Error },
    /// Something was sent; whether it had an effect is not known.
    #[error("{addr}: {reason}")]
    Exchange { addr: String, reason: String },
}

/// Connections to other masters.
pub struct Client {
    env: Env,
    idle_max: usize,
    idle: Mutex<BTreeMap<String, Vec<Idle>>>,
}

struct Idle {
    sender: SendRequest<Body>,
    since: Mono,
}

impl Client {
    /// Keeps at most `idle_max` idle connections per address.
    pub fn new(env: Env, idle_max: usize) -> Self {
        Self { env, idle_max, idle: Mutex::default() }
    }

    /// Sends `request`, whose target is a path, to `addr` (`host:port`). The response's head is there before `deadline`; its body is
    /// read by the caller, and a body that stands still for long fails.
    pub async fn send(&self, addr: &str, request: Request<Body>, deadline: Mono) -> Result<Response<Incoming>, ClientError> {
        let mut request = request;
        while let Some(mut sender) = self.take_idle(addr) {
            match self.exchange(addr, &mut sender, request, deadline).await {
                Ok(response) => return Ok(self.keep(addr, sender, response)),
                // The peer had closed the idle connection: nothing was sent on it.
                Err((_, Some(unsent))) => request = unsent,
                Err((error, None)) => return Err(error),
            }
        }
        let mut sender = self.connect(addr, deadline).await?;
        match self.exchange(addr, &mut sender, request, deadline).await {
            Ok(response) => Ok(self.keep(addr, sender, response)),
            Err((error, _)) => Err(error),
        }
    }

    /// Gets `target` from `addr`: status and at most `bytes_max` of the body, all before `deadline`.
    pub async fn get(&self, addr: &str, target: &str, bytes_max: usize, deadline: Mono) -> Result<(http::StatusCode, Bytes), ClientError> {
        let failed = |reason: String| ClientError::Exchange { addr: addr.to_owned(), reason };
        let request = Request::get(target).header(http::header::HOST, addr).body(Body::empty()).map_err(|e| failed(e.to_string()))?;
        let response = self.send(addr, request, deadline).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), bytes_max).collect();
        match self.env.until(deadline, body).await {
            Ok(Ok(body)) => Ok((status, body.to_bytes())),
            Ok(Err(error)) => Err(failed(error.to_string())),
            Err(elapsed) => Err(failed(elapsed.to_string())),
        }
    }

    async fn exchange(
        &self,
        addr: &str,
        sender: &mut SendRequest<Body>,
        request: Request<Body>,
        deadline: Mono,
    ) -> Result<Response<Incoming>, (ClientError, Option<Request<Body>>)> {
        let failed = |reason: String| ClientError::Exchange { addr: addr.to_owned(), reason };
        match self.env.until(deadline, sender.try_send_request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(mut error)) => {
                let unsent = error.take_message();
                Err((failed(error.into_error().to_string()), unsent))
            }
            Err(elapsed) => Err((failed(elapsed.to_string()), None)),
        }
    }

    async fn connect(&self, addr: &str, deadline: Mono) -> Result<SendRequest<Body>, ClientError> {
        let failed = |reason: io::Error| ClientError::Connect { addr: addr.to_owned(), reason };
        let deadline = deadline.min(self.env.now() + limits::PROXY_CONNECT_TIMEOUT);
        let socket = self.socket_addr(addr, deadline).await.map_err(failed)?;
        let stream = self.env.network.connect(socket, deadline).await.map_err(failed)?;
        let io = HyperIo::client(stream, self.env.clone(), limits::HTTP_TIMEOUT);
        let (sender, connection) = http1::handshake(io).await.map_err(|e| failed(io::Error::other(e)))?;
        self.env.spawn("http client", async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection to another master ended");
            }
        });
        Ok(sender)
    }

    async fn socket_addr(&self, addr: &str, deadline: Mono) -> io::Result<SocketAddr> {
        if let Ok(addr) = addr.parse() {
            return Ok(addr);
        }
        let wrong = || io::Error::new(io::ErrorKind::InvalidInput, "not host:port");
        let (host, port) = addr.rsplit_once(':').ok_or_else(wrong)?;
        let port: u16 = port.parse().map_err(|_| wrong())?;
        let found = self.env.network.resolve(host, deadline).await?;
        found.first().map(|ip| SocketAddr::new(*ip, port)).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such host"))
    }

    /// A connection that is free and still good as far as can be seen. Closed and old ones of its address go.
    fn take_idle(&self, addr: &str) -> Option<SendRequest<Body>> {
        let now = self.env.now();
        let mut idle = self.idle.lock().expect("no holder panics");
        let pool = idle.get_mut(addr)?;
        pool.retain(|idle| !idle.sender.is_closed() && now.since(idle.since) < limits::POOL_IDLE_TIMEOUT);
        let free = pool.iter().rposition(|idle| idle.sender.is_ready())?;
        Some(pool.remove(free).sender)
    }

    /// Puts the connection back. It becomes free when the body of its response has been read, and closes when that is dropped before.
    fn keep(&self, addr: &str, sender: SendRequest<Body>, response: Response<Incoming>) -> Response<Incoming> {
        let mut idle = self.idle.lock().expect("no holder panics");
        let pool = idle.entry(addr.to_owned()).or_default();
        if pool.len() < self.idle_max {
            pool.push(Idle { sender, since: self.env.now() });
        }
        response
    }
}
