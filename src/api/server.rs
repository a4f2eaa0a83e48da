//! Serving HTTP/1.1: connections, their bounds, the router, stopping.
//!
//! The router is axum's, built from the route table. A path matches when it is equal, byte by byte, after percent-decoding; nothing is
//! cleaned or redirected (v3.5.3 http-general.md §2, §3).

use super::io::{Expected, HyperIo};
use super::reply::Reply;
use super::service::Service;
use super::side_ports;
use super::table::{find, ROUTES};
use crate::env::{Env, Listener, Stream, TaskHandle};
use crate::limits;
use crate::master::Master;
use axum::body::Body;
use axum::response::Response;
use axum::routing::any;
use axum::{Extension, Router};
use http::uri::PathAndQuery;
use http::{Request, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch, Semaphore};
use tower::ServiceExt;

/// A running HTTP service. Dropping it leaves it running.
pub struct Server {
    addr: SocketAddr,
    env: Env,
    stop: watch::Sender<bool>,
    accepting: Vec<TaskHandle>,
    background: TaskHandle,
    /// Ends when the last connection has.
    alive: mpsc::Receiver<Infallible>,
}

/// Where a master serves HTTP.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// The API.
    pub api: SocketAddr,
    /// How this master is.
    pub prof: Option<SocketAddr>,
    /// The metrics alone.
    pub exporter: Option<SocketAddr>,
}

/// Serves the master's API, and what belongs to the other ports as far as they can be bound: a cluster does not go without a master for them.
///
/// # Errors
/// The address of the API cannot be bound.
pub async fn serve(env: &Env, master: Arc<Master>, ports: Ports) -> io::Result<Server> {
    let listener = env.network.listen(ports.api).await?;
    let service = Service::new(master);
    let background = env.spawn("follower views", service.background());
    let (stop, stopping) = watch::channel(false);
    let (alive_here, alive) = mpsc::channel(1);
    let addr = listener.local_addr();
    let accept = |router: Router, listener| {
        let acceptor = Acceptor { env: env.clone(), router, stopping: stopping.clone(), alive: alive_here.clone() };
        env.spawn("http accept", acceptor.run(listener))
    };
    let mut accepting = vec![accept(router(service.clone()), listener)];
    let others = [("prof", ports.prof, side_ports::prof(service.clone())), ("exporterPort", ports.exporter, side_ports::exporter(service))];
    for (key, addr, router) in others {
        let Some(addr) = addr else { continue };
        match env.network.listen(addr).await {
            Ok(listener) => accepting.push(accept(router, listener)),
            Err(why) => tracing::error!(key, %addr, %why, "a port is not served"),
        }
    }
    Ok(Server { addr, env: env.clone(), stop, accepting, background, alive })
}

impl Server {
    /// The bound address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Takes no more connections and requests, waits a while for those that are being answered, then closes all.
    pub async fn stop(self) {
        let Self { env, stop, accepting, background, mut alive, .. } = self;
        background.abort();
        stop.send_replace(true);
        for accepting in accepting {
            accepting.join().await;
        }
        let deadline = env.now() + limits::HTTP_STOP_TIMEOUT;
        if env.until(deadline, alive.recv()).await.is_err() {
            tracing::warn!("requests were still being answered when the master stopped");
        }
    }
}

/// Who opened the connection of a request.
#[derive(Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// The route table as a router.
fn router(service: Arc<Service>) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let service = service.clone();
        let answer = any(move |Extension(Peer(peer)): Extension<Peer>, request: Request<Body>| {
            let service = service.clone();
            async move { service.answer(route, peer, request).await }
        });
        router = router.route(route.path, answer);
    }
    router.fallback(|| async { Reply::plain(StatusCode::NOT_FOUND, "404 page not found").into_response(None) })
}

struct Acceptor {
    env: Env,
    router: Router,
    stopping: watch::Receiver<bool>,
    alive: mpsc::Sender<Infallible>,
}

impl Acceptor {
    async fn run(mut self, mut listener: Box<dyn Listener>) {
        let free = Arc::new(Semaphore::new(limits::HTTP_CONNECTIONS_MAX));
        loop {
            let accepted = tokio::select! {
                biased;
                _ = self.stopping.wait_for(|stopping| *stopping) => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => match free.clone().try_acquire_owned() {
                    Ok(permit) => {
                        let connection = self.connection(stream, peer);
                        self.env.spawn("http connection", async move {
                            connection.await;
                            drop(permit);
                        });
                    }
                    Err(_) => tracing::warn!(%peer, "closed a connection: {} are open", limits::HTTP_CONNECTIONS_MAX),
                },
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    self.env.sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Serves one connection until it closes, by either side or at the end.
    fn connection(&self, stream: Stream, peer: SocketAddr) -> impl std::future::Future<Output = ()> + Send + 'static {
        let (env, router, mut stopping, alive) = (self.env.clone(), self.router.clone(), self.stopping.clone(), self.alive.clone());
        async move {
            let expected = Expected::default();
            expected.set(Some(env.now() + limits::HTTP_TIMEOUT));
            let io = HyperIo::server(stream, env.clone(), expected.clone(), limits::HTTP_TIMEOUT);
            let service = service_fn(|request: Request<Incoming>| {
                expected.set(None);
                let (env, router, expected) = (env.clone(), router.clone(), expected.clone());
                async move {
                    let response = route(router, peer, request.map(Body::new)).await;
                    expected.set(Some(env.now() + limits::HTTP_TIMEOUT));
                    Ok::<_, Infallible>(response)
                }
            });
            let mut connection = std::pin::pin!(http1::Builder::new()
                .max_headers(limits::HTTP_HEADERS_MAX)
                // A client that has sent all it wants to still gets its reply.
                .half_close(true)
                .title_case_headers(true)
                .serve_connection(io, service));
            let stop = async move {
                let _ = stopping.wait_for(|stopping| *stopping).await;
            };
            let ended = tokio::select! {
                biased;
                ended = connection.as_mut() => ended,
                () = stop => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%peer, %error, "a connection ended");
            }
            drop(alive);
        }
    }
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Puts the route's own path in place of an encoded one, and lets the router find it.
async fn route(router: Router, peer: SocketAddr, mut request: Request<Body>) -> Response {
    if let Some(uri) = decoded(request.uri()) {
        *request.uri_mut() = uri;
    }
    request.extensions_mut().insert(Peer(peer));
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// The target with its path decoded, if its path is an encoded form of a route's.
fn decoded(uri: &Uri) -> Option<Uri> {
    if !uri.path().contains('%') {
        return None;
    }
    let path = percent_encoding::percent_decode_str(uri.path()).decode_utf8().ok()?;
    let route = find(&path)?;
    let target = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{}?{query}", route.path)).ok()?,
        None => PathAndQuery::from_static(route.path),
    };
    Some(Uri::from(target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_path_is_that_of_its_route() {
        let path = |target: &str| decoded(&target.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(path("/admin/getI%70"), Some("/admin/getIp".into()));
        assert_eq!(path("/admin%2FgetIp?a=%zz"), Some("/admin/getIp?a=%zz".into()));
        assert_eq!(path("/admin/getIp?a=%20"), None);
        assert_eq!(path("/admin/get%20Ip"), None);
        assert_eq!(path("/%ff"), None);
    }
}
