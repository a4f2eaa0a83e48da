//! Reading the cluster as a whole (v3.5.3 http-cluster-volume.md §1.1, §1.6).

use super::{flash_node, look};
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::master::leadership::Leadership;
use crate::view::cluster::{About, ClusterInfo, ClusterStatInfo, ClusterView, UpgradeCompatibleSettings};
use crate::view::node::{InvalidNodeView, NodeView};
use crate::view::op_log::{self, Question};
use crate::wire::reply::{fault, Fault};

/// `/admin/getIp`: answered by every master.
pub async fn get_ip(ctx: Ctx) -> Result<Reply, Fault> {
    let ip = ctx.real_ip();
    Ok(Reply::ok(&look(&ctx, |sight| ClusterInfo::of(sight, &ctx.master.config, ip))))
}

/// `/admin/getCluster`.
pub async fn get_cluster(ctx: Ctx) -> Result<Reply, Fault> {
    let classes = ctx.form().and_then(|p| p.bool_raw_or("volStorageClass", false)).map_err(|e| Fault::internal(e.msg))?;
    Ok(Reply::ok(&view(&ctx, classes)))
}

/// The cluster as it is now; use by storage class only when asked for.
pub(super) fn view(ctx: &Ctx, classes: bool) -> ClusterView {
    let leader_addr = match ctx.master.leadership() {
        Leadership::Leader { .. } => ctx.master.own_addr(),
        Leadership::Follower { leader } => leader.unwrap_or_default(),
    };
    let masters = ctx.master.masters();
    let statistics = ctx.master.live().statistics.clone();
    let about = About { leader_addr, masters: masters.into_iter().collect(), statistics: &statistics };
    flash_node::look(ctx, |sight, fleet| ClusterView::of(sight, fleet, &about, classes))
}

/// `/cluster/stat`.
pub async fn stat(ctx: Ctx) -> Result<Reply, Fault> {
    let statistics = ctx.master.live().statistics.clone();
    Ok(Reply::ok(&ClusterStatInfo::of(&statistics)))
}

/// `/admin/getMonitorPushAddr`.
pub async fn monitor_push_addr(ctx: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::text(&ctx.master.config.monitor_push_addr))
}

/// `/admin/getUpgradeCompatibleSettings`.
pub async fn upgrade_compatible_settings(ctx: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::ok(&look(&ctx, UpgradeCompatibleSettings::of)))
}

/// `/admin/cluster/getAllDataNodes`.
pub async fn all_data_nodes(ctx: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::ok(&look(&ctx, NodeView::data_nodes)))
}

/// `/admin/cluster/getAllMetaNodes`.
pub async fn all_meta_nodes(ctx: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::ok(&look(&ctx, NodeView::meta_nodes)))
}

/// `/invalid/nodes`.
pub async fn invalid_nodes(ctx: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::ok(&look(&ctx, InvalidNodeView::all)))
}

/// `/admin/getClusterValue`: the record as stored. Without one v3.5.3 answers nothing at all.
pub async fn get_cluster_value(ctx: Ctx) -> Result<Reply, Fault> {
    let state = ctx.master.state();
    let record = state.cluster.as_ref().ok_or(fault::KEY_NOT_EXISTS)?;
    Ok(Reply::ok(&**record))
}

/// `/admin/getOpLog`.
pub async fn get_op_log(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form().map_err(|e| Fault::internal(e.msg))?;
    let question = Question {
        dimension: p.get("opLogDimension"),
        addr: p.get("addr"),
        partition: p.get("dpId"),
        disk: p.get("diskName"),
        volume: p.get("volName"),
    };
    let view = look(&ctx, |sight| op_log::of(sight, &question));
    let view = view.ok_or_else(|| Fault::internal(format!("Invalid dimension: {}", question.dimension)))?;
    Ok(Reply::ok(&view))
}
