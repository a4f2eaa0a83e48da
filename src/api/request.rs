//! What a handler is given.

use super::form::{explicit, implicit, unread, Source};
use super::params::Params;
use super::route::Route;
use super::service::Service;
use crate::limits;
use crate::master::Master;
use crate::wire::reply::Fault;
use bytes::Bytes;
use http::request::Parts;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// One request on its way to its handler.
#[derive(Clone)]
pub struct Ctx {
    pub master: Arc<Master>,
    pub service: Arc<Service>,
    pub route: &'static Route,
    /// Who sent it: the follower, when one passed it on.
    pub peer: SocketAddr,
    pub head: Arc<Parts>,
    pub body: Bytes,
}

impl Ctx {
    /// The parameters of a handler that parses them explicitly ("form" in the specification): code 2 with the first error.
    pub fn form(&self) -> Result<Params, Fault> {
        explicit(self.source()).map(|params| params.of(self.route.path))
    }

    /// The parameters of a handler that does not: errors are ignored, multipart fields count.
    pub fn params(&self) -> Params {
        implicit(self.source()).of(self.route.path)
    }

    fn source(&self) -> Source<'_> {
        Source {
            method: &self.head.method,
            query: self.head.uri.query().unwrap_or_default(),
            content_type: self.head.headers.get(http::header::CONTENT_TYPE).map(|value| value.as_bytes()),
            body: &self.body,
        }
    }

    /// The body that [`Ctx::form`] leaves: none of a form.
    pub fn unread_body(&self) -> &[u8] {
        unread(self.source())
    }

    /// A header as text; "" when missing or not ASCII.
    pub fn header(&self, name: &str) -> &str {
        self.head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// `addr!`: required, and a host name in it replaced by its address.
    pub async fn addr(&self, params: &Params) -> Result<String, Fault> {
        Ok(self.resolved(params.required("addr")?).await)
    }

    /// `host:port` with the host's address when it has exactly one; anything else as it is.
    pub async fn resolved(&self, addr: &str) -> String {
        let Some((host, port)) = addr.split_once(':').filter(|(_, port)| !port.contains(':')) else { return addr.to_owned() };
        let (host, port) = (host.trim_matches(' '), port.trim_matches(' '));
        if host.is_empty() || host.parse::<Ipv4Addr>().is_ok() {
            return addr.to_owned();
        }
        let deadline = self.master.env.now() + limits::RESOLVE_TIMEOUT;
        match self.master.env.network.resolve(host, deadline).await.as_deref() {
            Ok([first, others @ ..]) if others.iter().all(|other| other == first) => format!("{first}:{port}"),
            _ => addr.to_owned(),
        }
    }

    /// The caller's address as v3.5.3 sees it (http-cluster-volume.md §1.1, `/admin/getIp`): without proxy headers that of the
    /// connection, else the first public one of `X-Forwarded-For`, else `X-Real-Ip`, possibly "".
    pub fn real_ip(&self) -> String {
        let (real, forwarded) = (self.header("x-real-ip"), self.header("x-forwarded-for"));
        if real.is_empty() && forwarded.is_empty() {
            return self.peer.ip().to_string();
        }
        let public = forwarded.split(',').map(str::trim).find(|text| text.parse().is_ok_and(is_public));
        public.unwrap_or(real).to_owned()
    }
}

/// Outside the private ranges of v3.5.3.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !(ip.is_loopback() || ip.is_private() || ip.is_link_local()),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(mapped) => is_public(mapped.into()),
            None => !(ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()),
        },
    }
}
