//! What happens to a request between the router and its handler (v3.5.3 http-general.md §2): rate limiter, who answers,
//! authentication, handler.

use super::auth::AuthNodes;
use super::client::Client;
use super::decide::{decide, is_limited, Decision};
use super::follower_views::{self, FollowerViews};
use super::form::{implicit, Source};
use super::limiter::{Limiter, Verdict};
use super::proxy;
use super::reply::{refusal, Reply, ACCEPT_ENCODING};
use super::request::Ctx;
use super::route::{Effect, Route, Served};
use super::timings::Timings;
use crate::env::Wall;
use crate::limits;
use crate::master::leadership::Leadership;
use crate::master::Master;
use crate::wire::reply::{fault, Fault};
use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use futures::FutureExt;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::any::Any;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::oneshot;

/// What the HTTP layer of one master holds besides the master.
pub struct Service {
    pub master: Arc<Master>,
    pub limiter: Limiter,
    pub views: Arc<FollowerViews>,
    pub timings: Timings,
    /// When this service began.
    pub started: Wall,
    client: Arc<Client>,
}

impl Service {
    pub fn new(master: Arc<Master>) -> Arc<Self> {
        let client = Arc::new(Client::new(master.env.clone(), master.config.http_reverse_pool_size / 2));
        let started = master.env.wall();
        Arc::new(Self { master, limiter: Limiter::default(), views: Arc::default(), timings: Timings::default(), started, client })
    }

    /// What runs beside the requests; ends only with its task.
    pub fn background(&self) -> impl Future<Output = ()> + Send + 'static {
        let (master, views, client) = (self.master.clone(), self.views.clone(), self.client.clone());
        async move {
            if master.config.enable_follower_cache {
                follower_views::keep_fresh(master, views, client).await;
            }
        }
    }

    /// Answers a request whose path is that of `route`.
    pub async fn answer(self: &Arc<Self>, route: &'static Route, peer: SocketAddr, request: Request<Body>) -> Response {
        if !route.methods.list().contains(request.method()) {
            return status_only(StatusCode::METHOD_NOT_ALLOWED);
        }
        let leadership = self.master.leadership();
        if is_limited(route, &leadership) {
            if let Err(refused) = self.pass_limiter(route).await {
                return refused.into_response(None);
            }
        }
        // The limiter may have held the request up for a while.
        let leadership = self.master.leadership();
        let own = self.master.own_addr();
        let follower_cache = self.master.config.enable_follower_cache;
        let view = self.view_for(route, &leadership, &request);
        match decide(route, &leadership, &own, follower_cache, view.is_some()) {
            Decision::Elsewhere(text) => Reply::plain(StatusCode::BAD_REQUEST, text).into_response(None),
            Decision::Proxy(_) if proxy::was_passed_on(request.headers()) => no_leader(),
            Decision::Proxy(leader) => proxy::pass_on(&self.master.env, &self.client, &own, &leader, peer.ip(), request).await,
            Decision::Handle => match view {
                Some(view) => view.into_response(None),
                None => self.handle(route, &leadership, peer, request).await,
            },
        }
    }

    /// A follower's ready view of the volume that is asked for.
    fn view_for(&self, route: &Route, leadership: &Leadership, request: &Request<Body>) -> Option<Reply> {
        if route.served != Served::LeaderOrView || matches!(leadership, Leadership::Leader { .. }) {
            return None;
        }
        let query = request.uri().query().unwrap_or_default();
        let params = implicit(Source { method: request.method(), query, content_type: None, body: b"" });
        let as_gzip = request.headers().get(ACCEPT_ENCODING).is_some_and(|value| value == "gzip");
        self.views.reply(params.name().ok()?, as_gzip, self.master.env.now())
    }

    async fn pass_limiter(&self, route: &Route) -> Result<(), Reply> {
        let state = self.master.state();
        let table = state.api_limits.get(&self.master.config.cluster_name);
        match self.limiter.ask(table, route.path, self.master.env.now()) {
            Verdict::Pass => Ok(()),
            Verdict::Wait(time) => {
                self.master.env.sleep(time).await;
                Ok(())
            }
            Verdict::Refuse => {
                let text = format!("too many requests for api: {}", route.path);
                Err(Reply::plain(StatusCode::TOO_MANY_REQUESTS, text))
            }
        }
    }

    async fn handle(
        self: &Arc<Self>,
        route: &'static Route,
        leadership: &Leadership,
        peer: SocketAddr,
        request: Request<Body>,
    ) -> Response {
        let (head, body) = request.into_parts();
        let body = match self.read_body(body).await {
            Ok(body) => body,
            Err(response) => return response,
        };
        let as_leader = matches!(leadership, Leadership::Leader { .. }) && route.served != Served::Any;
        // The body may come long after the head, for which it led: what is done without a proposal would be done by one who does not lead.
        if as_leader && !self.master.raft().role().leads() {
            return no_leader();
        }
        // A deposed leader must not answer from a state that others have changed meanwhile. A reply to a change says so by itself.
        if as_leader && route.effect == Effect::Read {
            let deadline = self.master.env.now() + limits::CONFIRM_LEADERSHIP_TIMEOUT;
            if self.master.confirm_leadership(deadline).await.is_err() {
                return no_leader();
            }
        }
        let accept_encoding = head.headers.get(ACCEPT_ENCODING).cloned();
        let ctx = Ctx { master: self.master.clone(), service: self.clone(), route, peer, head: Arc::new(head), body };
        if let Err(refused) = self.authenticate(&ctx).await {
            return refusal(&refused);
        }
        let began = self.master.env.now();
        let answer = self.run(ctx).await;
        self.timings.count(route.path, self.master.env.now().since(began));
        match answer {
            Ok(reply) => reply.into_response(accept_encoding.as_ref()),
            Err(fault) => refusal(&fault),
        }
    }

    /// Asks for a ticket where the configuration and the route say so.
    async fn authenticate(&self, ctx: &Ctx) -> Result<(), Fault> {
        let config = &self.master.config;
        if !config.authenticate || ctx.route.open {
            return Ok(());
        }
        let needed = ctx.route.ticket.ok_or(fault::INVALID_TICKET)?;
        let service_key = config.service_key.bytes();
        let nodes = AuthNodes { env: &self.master.env, client: &self.client, hosts: &config.auth_node_hosts, service_key };
        nodes.check(ctx.form(), needed).await
    }

    async fn read_body(&self, body: Body) -> Result<Bytes, Response> {
        if body.size_hint().lower() > limits::HTTP_BODY_BYTES_MAX as u64 {
            return Err(status_only(StatusCode::PAYLOAD_TOO_LARGE));
        }
        let deadline = self.master.env.now() + limits::HTTP_TIMEOUT;
        match self.master.env.until(deadline, Limited::new(body, limits::HTTP_BODY_BYTES_MAX).collect()).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(status_only(StatusCode::PAYLOAD_TOO_LARGE)),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a request's body broke off");
                Err(status_only(StatusCode::BAD_REQUEST))
            }
            Err(_) => Err(status_only(StatusCode::REQUEST_TIMEOUT)),
        }
    }

    /// Runs the handler as a task of its own: a client that goes away does not stop a change half-way, and a panic becomes a refusal.
    async fn run(&self, ctx: Ctx) -> Result<Reply, Fault> {
        let Some(handler) = ctx.route.handler else { return Err(Fault::internal("not supported yet")) };
        let path = ctx.route.path;
        let (done, result) = oneshot::channel();
        self.master.env.spawn("handler", async move {
            let outcome = AssertUnwindSafe(async move { handler.call(ctx).await }).catch_unwind().await;
            let _ = done.send(outcome.unwrap_or_else(|panic| {
                let reason = panic_text(panic.as_ref());
                tracing::error!(path, reason, "a handler panicked");
                Err(Fault::internal(format!("{}: the handler of {path} failed: {reason}", fault::INTERNAL_ERROR)))
            }));
        });
        result.await.unwrap_or_else(|_| Err(Fault::internal("the master stops")))
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("unknown reason")
}

fn no_leader() -> Response {
    Reply::plain(StatusCode::BAD_REQUEST, "no leader").into_response(None)
}

fn status_only(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
