//! The handlers of the HTTP API, one file per resource: each reads its parameters, asks the master, and makes a reply.
//!
//! Invariant: the order of parsing and of checks is that of v3.5.3, because the first one that fails is the reply; a handler changes the
//! replicated state only through the master's operations, each of which is one transaction.

pub mod access;
mod addr;
pub mod api_limits;
pub mod client;
pub mod cluster;
pub mod data_node;
pub mod data_partition;
pub mod data_replica;
pub mod disk;
pub mod document;
pub mod empty_meta;
pub mod flash_group;
pub mod flash_node;
pub mod flash_task;
mod go_time;
pub mod graphql;
pub mod json_body;
pub mod lc_node;
pub mod lifecycle;
pub mod masters;
pub mod meta_balance;
pub mod meta_node;
pub mod meta_partition;
pub mod meta_replica;
pub mod metrics;
pub mod moves;
pub mod qos;
pub mod quota;
pub mod raft;
pub mod response;
pub mod s3_limits;
pub mod settings;
pub mod topology;
pub mod user;
pub mod versions;
pub mod volume;

use super::request::Ctx;
use crate::view::gotext;
use crate::view::sight::Sight;

/// What a view shows of this moment. The leader's memory is held while `view` runs, so it must not take long.
fn look<T>(ctx: &Ctx, view: impl FnOnce(&Sight<'_>) -> T) -> T {
    let moment = ctx.master.moment();
    let live = ctx.master.live();
    view(&Sight::new(moment.scene(), &live.reports, gotext::ZONE))
}
