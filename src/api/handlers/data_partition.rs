//! Data partitions (v3.5.3 http-partitions-nodes.md §2, §3, §6.3).

use super::addr::check_ip;
use super::{data_node, look, volume};
use crate::api::go_parse::{atoi, parse_bool};
use crate::api::params::Params;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::ids::{NodeSetId, PartitionId};
use crate::limits::DATA_PARTITIONS_PER_REQUEST_MAX;
use crate::model::{DataPartition, DecommissionType, MediaType, PartitionStatus, RestoreReplica, Volume};
use crate::plan::moves::mark::Wish;
use crate::plan::volume::{used_bytes, writable_by_media};
use crate::view::data_partition::{
    assessment, BadReplicaMetaResponse, DataPartitionDiagnosis, DataPartitionInfo, DecommissionDataPartitionInfo,
    DiscardDataPartitionInfos, DiskDataPartitionsView,
};
use crate::wire::opcode::Opcode;
use crate::wire::reply::{fault, Fault};
use crate::wire::request::RecoverDataReplicaMetaRequest;
use crate::wire::task::Subject;
use std::sync::Arc;

/// The data partition of that id.
fn known(ctx: &Ctx, id: u64) -> Result<Arc<DataPartition>, Fault> {
    ctx.master.state().data_partitions.get(&PartitionId(id)).cloned().ok_or(fault::DATA_PARTITION_NOT_EXISTS)
}

/// The partition that `id` names.
fn named(ctx: &Ctx, p: &Params) -> Result<Arc<DataPartition>, Fault> {
    known(ctx, p.u64_raw("id")?)
}

fn unknown_text(id: u64) -> String {
    format!("data partition[{id}] not found")
}

/// Changes a data partition's record.
async fn change(ctx: &Ctx, id: PartitionId, set: impl Fn(&mut DataPartition) + Sync) -> Result<(), Fault> {
    ctx.master
        .commit(ctx.route.path, |_, txn| {
            let partition = txn.data_partition(id).ok_or(fault::DATA_PARTITION_NOT_EXISTS)?;
            let mut changed = (*partition).clone();
            set(&mut changed);
            txn.put(changed);
            Ok(())
        })
        .await
}

/// `/dataPartition/get`.
pub async fn get(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let id = p.u64_raw("id")?;
    let partition = known(&ctx, id)?;
    if p.optional("name").is_some_and(|name| name != partition.vol_name) {
        return Err(fault::DATA_PARTITION_NOT_EXISTS);
    }
    Ok(Reply::ok(&look(&ctx, |sight| DataPartitionInfo::of(sight, &partition))))
}

/// `/dataPartition/create` (§3.1).
pub async fn create(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let count = match atoi(p.required("count")?) {
        Ok(count) if count != 0 => count,
        _ => return Err(Fault::bad_key("count")),
    };
    let name = p.name()?;
    let media = MediaType(p.u32_raw_or("mediaType", 0)?);
    let force = p.bool_val_or("force", false)?;
    if count > DATA_PARTITIONS_PER_REQUEST_MAX as i64 {
        return Err(Fault::param(format!("count[{count}] exceeds maximum limit[{DATA_PARTITIONS_PER_REQUEST_MAX}]")));
    }
    let record = volume::named(&ctx, name)?;
    let media = creatable_media(&record, media, &ctx)?;
    if !force {
        let most = ctx.master.config.writable_data_partitions_max;
        let now = look(&ctx, |sight| writable_by_media(&sight.scene(), sight.reports, &record).get(&media).copied().unwrap_or(0));
        if now as u64 >= most {
            let media = media.0;
            return Err(Fault::internal(format!("CheckReadWritableCntUnderLimit: mediatype({media}) RWDpCnt({now}) reach limit({most})")));
        }
    }
    if record.is_deleted() {
        return Err(fault::VOL_NOT_EXISTS);
    }
    if record.capacity == 0 || is_full(&ctx, &record) {
        return Err(fault::VOL_NO_AVAILABLE_SPACE);
    }
    let counts = |ctx: &Ctx| {
        let state = ctx.master.state();
        (state.data_partitions.len(), state.data_partitions_of_volume(record.id).count())
    };
    let (all, before) = counts(&ctx);
    for _ in 0..count {
        let state = ctx.master.state();
        if state.settings.disable_auto_allocate {
            return Err(Fault::internal("cluster is disable auto allocate dataPartition"));
        }
        if state.volumes.get(&record.id).is_some_and(|volume| volume.forbidden) {
            return Err(Fault::internal("volume is forbidden"));
        }
        ctx.master.create_data_partition(record.id, media).await.map_err(|e| Fault::internal(e.msg))?;
    }
    let (_, after) = counts(&ctx);
    Ok(Reply::text(format!(
        " createDataPartition succeeeds. clusterLastTotalDataPartitions[{all}],vol[{name}] has {before} data partitions previously and \
         {after} data partitions now"
    )))
}

/// The medium on which a volume gets data partitions.
fn creatable_media(record: &Volume, media: MediaType, ctx: &Ctx) -> Result<MediaType, Fault> {
    let legacy = ctx.master.state().settings.legacy_data_media_type;
    let class = record.effective_storage_class(legacy);
    if !class.is_replica() {
        return Err(Fault::internal("low frequency vol can't create dp"));
    }
    match media {
        MediaType::UNSPECIFIED => Ok(class.media_type()),
        media if media.is_valid() => Ok(media),
        MediaType(other) => Err(Fault::param(format!("invalid param mediaType({other})"))),
    }
}

fn is_full(ctx: &Ctx, record: &Volume) -> bool {
    record.dp_read_only_when_vol_full
        && look(ctx, |sight| used_bytes(&sight.scene(), sight.reports, record)) / crate::limits::GIB >= record.capacity
}

/// `/dataPartition/load`: asks the replicas for their files, in the background.
pub async fn load(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let partition = named(&ctx, &p)?;
    ctx.master.load_data_partition(partition.partition_id);
    Ok(Reply::text(format!("{}partitionID :{}  load data partition successfully", ctx.route.path, partition.partition_id)))
}

/// `/dataPartition/changeleader`. Without an address v3.5.3 answers nothing at all.
pub async fn change_leader(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let partition = named(&ctx, &p)?;
    let addr = ctx.addr(&p).await?;
    check_ip(&addr)?;
    if !partition.has_host(&addr) {
        return Err(Fault::param(format!("host not found[{addr}]")));
    }
    let subject = Subject::DataPartition(partition.partition_id);
    let sent = ctx.master.call(&addr, Opcode::DATA_PARTITION_TRY_TO_LEADER, subject, ()).await;
    sent.map_err(|e| Fault::param(e.to_string()))?;
    Ok(Reply::text(" changeDataPartitionLeader command success send to dest host but need check. "))
}

/// `/dataPartition/decommission`.
pub async fn decommission(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let id = p.u64_raw("id")?;
    let addr = ctx.addr(&p).await?;
    known(&ctx, id)?;
    let to_set = NodeSetId(p.dst_node_set()?);
    let raft_force = p.raft_force()?;
    let weight = p.weight()?;
    let kind = p.pint("decommissionType")?;
    if ctx.master.state().data_node_by_addr(&addr).is_none() {
        return Err(Fault::param(format!(" dataPartitionID :{id} not find datanode for addr {addr}")));
    }
    let kind = u32::try_from(kind).ok().filter(|kind| *kind != 0).map_or(DecommissionType::MANUAL, DecommissionType);
    let wish = Wish {
        from: addr,
        to_set,
        raft_force,
        weight,
        kind,
        term: ctx.master.env.wall().secs().max(0).unsigned_abs(),
        condition: format!("manualDecommission_dp({id})"),
        actor: ctx.route.path.to_owned(),
        ..Wish::default()
    };
    if p.bool_val_or("plan", false)? {
        return Ok(Reply::ok(&ctx.master.preview_decommission(&[PartitionId(id)], &wish)));
    }
    ctx.master.decommission_data_replica(PartitionId(id), &wish).await?;
    Ok(Reply::text(format!("/dataPartition/decommission dataPartitionID :{id}  on node:{} successfully", wish.from)))
}

/// `/dataPartition/diagnose`.
pub async fn diagnose(ctx: Ctx) -> Result<Reply, Fault> {
    let ignore_discarded = ctx.form()?.bool_val_or("ignoreDiscard", false)?;
    Ok(Reply::ok(&look(&ctx, |sight| DataPartitionDiagnosis::of(sight, ignore_discarded))))
}

/// `/dataPartition/resetDecommissionStatus`: forgets where a decommission stands, in the record, which v3.5.3 leaves as it was, and ends it.
pub async fn reset_decommission(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let id = named(&ctx, &p)?.partition_id;
    ctx.master.reset_decommission(ctx.route.path, id).await?;
    Ok(Reply::text(format!("partitionID :{id}  reset decommission status successfully")))
}

/// `/dataPartition/queryDecommissionStatus`.
pub async fn decommission_status(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let partition = named(&ctx, &p)?;
    Ok(Reply::ok(&look(&ctx, |sight| DecommissionDataPartitionInfo::of(sight, &partition))))
}

/// `/dataPartition/queryDecommissionStatusUpdateRecords`.
pub async fn decommission_records(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    Ok(Reply::ok(&named(&ctx, &p)?.decommission_status_update_records))
}

/// `/dataPartition/checkReplicaMeta`.
pub async fn check_replica_meta(ctx: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::ok(&look(&ctx, BadReplicaMetaResponse::of)))
}

/// `/dataPartition/recoverReplicaMeta`: tells replicas that have other members which ones they should have.
pub async fn recover_replica_meta(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let partition = named(&ctx, &p)?;
    let id = partition.partition_id;
    let differing: Vec<String> = look(&ctx, |sight| {
        let replicas = sight.reports.data_partition(id).map_or(&[][..], |dp| &dp.replicas);
        replicas.iter().filter(|r| r.local_peers.differ_from(&partition.peers)).map(|r| r.addr.to_string()).collect()
    });
    let mut failed = None;
    for addr in differing {
        let request = RecoverDataReplicaMetaRequest {
            partition_id: id,
            peers: partition.peers.clone().into(),
            hosts: partition.hosts.clone().into(),
        };
        let told = ctx.master.call(&addr, Opcode::RECOVER_DATA_REPLICA_META, Subject::DataPartition(id), request).await;
        if let Err(e) = told {
            failed.get_or_insert_with(|| Fault::internal(e.to_string()));
        }
    }
    match failed {
        Some(fault) => Err(fault),
        None => Ok(Reply::text(format!("recover meta for dp ({id}) replica success"))),
    }
}

/// `/admin/resetDataPartitionRestoreStatus`: whether a restore was called running and is now stopped.
pub async fn reset_restore(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form().map_err(|e| Fault::internal(e.msg))?;
    let id = p.u64_raw("id").map_err(|e| Fault::internal(e.msg))?;
    let stopped = ctx
        .master
        .commit(ctx.route.path, |_, txn| {
            let partition = txn.data_partition(PartitionId(id)).ok_or_else(|| Fault::internal(unknown_text(id)))?;
            let running = partition.restore_replica == RestoreReplica::RUNNING;
            if running {
                txn.put(DataPartition { restore_replica: RestoreReplica::STOP, ..(*partition).clone() });
            }
            Ok(running)
        })
        .await?;
    Ok(Reply::ok(&stopped))
}

/// A word that must be there and be a bool.
fn word(p: &Params, parser: &str, key: &str) -> Result<bool, Fault> {
    let text = p.optional(key).ok_or_else(|| Fault::param(format!("{parser} {key} is empty")))?;
    parse_bool(text).map_err(|_| Fault::param(format!("{parser} {key} is not bool value {text}")))
}

/// `/admin/setDpRdOnly`.
pub async fn set_read_only(ctx: Ctx) -> Result<Reply, Fault> {
    const PARSER: &str = "parseSetDpRdOnlyParam";
    let p = ctx.form()?;
    let id = p.u64_raw("id").map_err(|e| Fault::param(format!("{PARSER} get dpid error {e}")))?;
    let on = word(&p, PARSER, "rdOnly")?;
    let unknown = || Fault::param(format!("[setPartitionRdOnly] getDataPartitionByID err({})", unknown_text(id)));
    known(&ctx, id).map_err(|_| unknown())?;
    change(&ctx, PartitionId(id), |dp| dp.rd_only = on).await?;
    Ok(Reply::text(format!("[setNodeRdOnlyHandler] set dpid {id} to rdOnly({on}) success")))
}

/// `/admin/setDpDiscard`: gives a partition up, or takes that back.
pub async fn set_discard(ctx: Ctx) -> Result<Reply, Fault> {
    const PARSER: &str = "parseSetDpDiscardParam";
    let p = ctx.form()?;
    let id = p.u64_raw("id").map_err(|e| Fault::param(format!("{PARSER} get dpid error {e}")))?;
    let on = word(&p, PARSER, "dpDiscard")?;
    let force = if p.has("force") { word(&p, PARSER, "force")? } else { false };
    let unknown = || Fault::param(format!("[setDpDiacard] getDataPartitionByID err({})", unknown_text(id)));
    let partition = known(&ctx, id).map_err(|_| unknown())?;
    let lost = look(&ctx, |sight| assessment(sight, &partition).status == PartitionStatus::UNAVAILABLE);
    if on && !force && !lost {
        return Err(Fault::param(format!("data partition {id} is not unavailable")));
    }
    change(&ctx, PartitionId(id), |dp| dp.is_discard = on).await?;
    Ok(Reply::text(format!("[setDpDiscardHandler] set dpid {id} to discard({on}) success")))
}

/// `/admin/getDiscardDp`.
pub async fn discarded(ctx: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::ok(&look(&ctx, DiscardDataPartitionInfos::of)))
}

/// `/client/disk/partitions`.
pub async fn on_disk(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = ctx.addr(&p).await?;
    let disk = p.required("disk")?;
    let node = data_node::known(&ctx.master.state(), &addr)?;
    Ok(Reply::ok(&look(&ctx, |sight| DiskDataPartitionsView::of(sight, &node, disk))))
}
