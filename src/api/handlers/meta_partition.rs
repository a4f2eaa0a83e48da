//! Meta partitions (v3.5.3 http-partitions-nodes.md §7, §8).

use super::addr::check_ip;
use super::{look, volume};
use crate::api::go_parse::{atoi, parse_uint};
use crate::api::params::Params;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::ids::PartitionId;
use crate::model::MetaPartition;
use crate::view::meta_partition::{MetaPartitionDiagnosis, MetaPartitionDiagnosisV1, MetaPartitionInfo};
use crate::wire::opcode::Opcode;
use crate::wire::reply::{fault, Fault};
use crate::wire::task::Subject;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Meta partitions made by one request.
const COUNT_MAX: i64 = 10;

pub(super) fn known(ctx: &Ctx, id: u64) -> Result<Arc<MetaPartition>, Fault> {
    ctx.master.state().meta_partitions.get(&PartitionId(id)).cloned().ok_or(fault::META_PARTITION_NOT_EXISTS)
}

fn named(ctx: &Ctx, p: &Params) -> Result<Arc<MetaPartition>, Fault> {
    known(ctx, p.u64_raw("id")?)
}

/// `/metaPartition/get`.
pub async fn get(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let partition = named(&ctx, &p)?;
    let loaded = ctx.master.live().loaded.get(&partition.partition_id).cloned().unwrap_or_else(|| Vec::new().into());
    Ok(Reply::ok(&look(&ctx, |sight| MetaPartitionInfo::of(sight, &partition, loaded))))
}

/// `/metaPartition/create` (§7.1).
pub async fn create(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let count = match atoi(p.required("count")?) {
        Ok(count) if count != 0 => count,
        _ => return Err(Fault::bad_key("count")),
    };
    if count > COUNT_MAX {
        return Err(Fault::param(format!("count[{count}] exceeds maximum limit[{COUNT_MAX}]")));
    }
    let record = volume::named(&ctx, p.name()?)?;
    if record.is_deleted() || record.forbidden {
        // v3.5.3 answers success without doing anything.
        return Ok(Reply::text(""));
    }
    ctx.master.add_meta_partitions(ctx.route.path, record.id, count.max(0).unsigned_abs()).await?;
    Ok(Reply::text("create meta partition successfully"))
}

/// `/metaPartition/load`: asks the replicas for their state, in the background.
pub async fn load(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let id = named(&ctx, &p)?.partition_id;
    let master = ctx.master.clone();
    ctx.master.env.spawn("load meta partition", async move { master.load_meta_partition(id).await });
    Ok(Reply::text(format!("{} partitionID :{id} Load successfully", ctx.route.path)))
}

/// `/metaPartition/changeleader`.
pub async fn change_leader(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let partition = named(&ctx, &p)?;
    let addr = ctx.addr(&p).await?;
    check_ip(&addr)?;
    if !partition.has_host(&addr) {
        return Err(Fault::param(format!("host not found[{addr}]")));
    }
    let subject = Subject::MetaPartition(partition.partition_id);
    let sent = ctx.master.call(&addr, Opcode::META_PARTITION_TRY_TO_LEADER, subject, ()).await;
    sent.map_err(|e| Fault::param(e.to_string()))?;
    Ok(Reply::text(" changeMetaPartitionLeader command success send to dest host but need check. "))
}

/// `/metaPartition/balanceLeader`.
pub async fn balance_leader(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.params();
    let list = |key: &str| p.get(key).split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let zones = list("zoneName");
    let mut sets = Vec::new();
    for part in list("nodesetId") {
        sets.push(parse_uint(&part, 64).map_err(|e| Fault::param(e.to_string()))?);
    }
    let state = ctx.master.state();
    let wanted = |node: &crate::model::MetaNode| match (sets.is_empty(), zones.is_empty()) {
        (false, _) => sets.contains(&node.node_set_id.0),
        (true, false) => zones.iter().any(|zone| zone == node.effective_zone_name()),
        (true, true) => true,
    };
    let nodes: BTreeSet<String> = state.meta_nodes.values().filter(|node| wanted(node)).map(|node| node.addr.clone()).collect();
    if nodes.is_empty() {
        return Err(Fault::param("no metaNode be selected"));
    }
    ctx.master.balance_meta_leaders(&nodes).await;
    Ok(Reply::text("balanceMetaPartitionLeader command sucess"))
}

/// `/metaPartition/diagnose`.
pub async fn diagnose(ctx: Ctx) -> Result<Reply, Fault> {
    if ctx.params().has("v1") {
        return Ok(Reply::ok(&look(&ctx, MetaPartitionDiagnosisV1::of)));
    }
    Ok(Reply::ok(&look(&ctx, MetaPartitionDiagnosis::of)))
}
