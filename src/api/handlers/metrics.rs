//! `/metrics` (v3.5.3 http-general.md §12, background-tasks.md §21). The numbers are worked out when they are asked for.

use super::look;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::master::leadership::Leadership;
use crate::view::metrics;
use crate::wire::prometheus::{Page, CONTENT_TYPE};
use crate::wire::reply::Fault;
use http::StatusCode;

/// The page of this master: what the leader knows of the cluster, or how a follower stands.
pub async fn page(ctx: Ctx) -> Result<Reply, Fault> {
    if !ctx.master.config.exporter_enable {
        return Ok(Reply::plain(StatusCode::NOT_FOUND, "404 page not found"));
    }
    let mut page = Page::new("cfs_master_");
    ctx.service.timings.show(&mut page);
    page.gauge("start_time", &[], (ctx.service.started.0 / 1_000_000) as f64);
    page.gauge("version", &[("version", env!("CARGO_PKG_VERSION")), ("branch", ""), ("build", "cfs-master")], 1.0);
    match ctx.master.leadership() {
        Leadership::Leader { .. } => {
            let statistics = ctx.master.live().statistics.clone();
            look(&ctx, |sight| metrics::leader(&mut page, sight, &statistics));
            metrics::masters(&mut page, &ctx.master.config.cluster_name, &ctx.master.silent_masters());
        }
        Leadership::Follower { leader } => {
            page.gauge("master_no_leader", &[], f64::from(u8::from(leader.is_none())));
            let now = ctx.master.env.now();
            for volume in ctx.master.state().volumes.values() {
                let without = ctx.service.views.reply(&volume.name, false, now).is_none();
                page.gauge("master_no_cache", &[("volName", &volume.name)], f64::from(u8::from(without)));
            }
        }
    }
    Ok(Reply::raw(CONTENT_TYPE, page.text()))
}
