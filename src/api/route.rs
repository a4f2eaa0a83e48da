//! What the route table says about a route.

use super::reply::Reply;
use super::request::Ctx;
use crate::env::BoxFuture;
use crate::wire::reply::Fault;
use http::Method;
use std::future::Future;

/// One route: everything that router, limiter, authentication and audit need to know.
#[derive(Clone, Copy)]
pub struct Route {
    /// Compared with the percent-decoded path, byte by byte.
    pub path: &'static str,
    /// Any other method is answered 405.
    pub methods: Methods,
    pub served: Served,
    pub effect: Effect,
    /// One line for people.
    pub purpose: &'static str,
    /// What a ticket must allow when the configuration says `authenticate`.
    pub ticket: Option<Ticket>,
    /// Declared to need none, as in v3.5.3. A route that declares neither is refused then.
    pub open: bool,
    /// Its name in the rate limiter; `None`: cannot be limited.
    pub limiter: Option<&'static str>,
    /// `None`: answered "not supported yet" (see [`super::table::NOT_SUPPORTED_YET`]).
    pub handler: Option<&'static dyn Handle>,
}

/// The methods of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Methods {
    Get,
    Post,
    GetPost,
    PutPost,
    DeletePost,
}

impl Methods {
    /// The methods themselves.
    pub fn list(self) -> &'static [Method] {
        match self {
            Self::Get => &[Method::GET],
            Self::Post => &[Method::POST],
            Self::GetPost => &[Method::GET, Method::POST],
            Self::PutPost => &[Method::PUT, Method::POST],
            Self::DeletePost => &[Method::DELETE, Method::POST],
        }
    }
}

/// Who answers a route (v3.5.3 http-general.md §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// The leader; a follower passes the request on.
    Leader,
    /// Every master, ready or not.
    Any,
    /// Every master while `enableFollowerCache` is on, else as `Leader`.
    AnyWithCache,
    /// The leader, or a follower that holds a ready view of the volume.
    LeaderOrView,
}

/// What a request does to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Looks only. The leader confirms that it leads first, so that the answer is not an old one.
    Read,
    /// Changes the replicated state or the nodes; audited.
    Change,
    /// Tells this master something that no other one needs to agree on.
    Report,
}

/// What authentication asks of a route (v3.5.3 http-general.md §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Type of the message in the auth protocol.
    pub message: u32,
    /// What the ticket's capabilities must name, without `:access`.
    pub resource: &'static str,
}

/// A handler. Every `async fn(Ctx) -> Result<Reply, Fault>` is one.
pub trait Handle: Send + Sync {
    fn call(&self, ctx: Ctx) -> BoxFuture<'static, Result<Reply, Fault>>;
}

impl<F, Fut> Handle for F
where
    F: Fn(Ctx) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Reply, Fault>> + Send + 'static,
{
    fn call(&self, ctx: Ctx) -> BoxFuture<'static, Result<Reply, Fault>> {
        Box::pin(self(ctx))
    }
}

impl Route {
    /// A route without ticket, limiter and handler.
    pub const fn new(path: &'static str, methods: Methods, served: Served, effect: Effect, purpose: &'static str) -> Self {
        Self { path, methods, served, effect, purpose, ticket: None, open: false, limiter: None, handler: None }
    }

    pub const fn ticket(self, message: u32, resource: &'static str) -> Self {
        Self { ticket: Some(Ticket { message, resource }), ..self }
    }

    pub const fn open(self) -> Self {
        Self { open: true, ..self }
    }

    pub const fn limiter(self, name: &'static str) -> Self {
        Self { limiter: Some(name), ..self }
    }

    pub const fn to(self, handler: &'static dyn Handle) -> Self {
        Self { handler: Some(handler), ..self }
    }
}
