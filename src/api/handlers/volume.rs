//! Volumes (v3.5.3 http-cluster-volume.md §2): creating, showing, changing and deleting them.

mod create;
pub(super) mod flow;
mod update;

pub(super) use update::is_auth_key;

use super::look;
use crate::api::go_parse::parse_uint;
use crate::api::params::Params;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::model::{Volume, VolumeType};
use crate::plan::storage_class::{available, class_name, scope};
use crate::plan::{data_partition, meta_partition, volume, zone_check};
use crate::view::sight::Sight;
use crate::view::tx_mask;
use crate::view::volume::{FlowUse, SimpleVolView, VolInfo};
use crate::wire::reply::{code, fault, Fault};
use std::sync::Arc;

/// Bytes that data nodes repair at a time: the range, and what 0 means.
const REPAIR_BLOCK_SIZE: std::ops::RangeInclusive<u64> = 131_072..=5_242_880;
const REPAIR_BLOCK_SIZE_DEFAULT: u64 = 524_288;

/// The volume of that name.
pub(super) fn named(ctx: &Ctx, name: &str) -> Result<Arc<Volume>, Fault> {
    ctx.master.state().volume_by_name(name).cloned().ok_or(fault::VOL_NOT_EXISTS)
}

/// `/admin/createVol`.
pub async fn create(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let new = create::new_volume(&p, &ctx.master.moment().scene(), &ctx.master.config)?;
    let name = new.record.name.clone();
    let partitions = ctx.master.create_volume(new).await?;
    Ok(Reply::text(format!("create vol[{name}] successfully, has allocate [{partitions}] data partitions")))
}

/// `/admin/getVol`.
pub async fn get(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let volume = named(&ctx, p.name()?)?;
    let flow = ctx.master.with_flow_limits(&volume, |limits| FlowUse::of(limits));
    Ok(Reply::ok(&look(&ctx, |sight| SimpleVolView::of(sight, &volume, flow))))
}

/// `/vol/list`.
pub async fn list(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let part = p.get("keywords");
    let volumes = look(&ctx, |sight| {
        let found = sight.state.volumes.values().filter(|volume| volume.name.contains(part));
        found.map(|volume| VolInfo::of(sight, volume)).collect::<Vec<_>>()
    });
    Ok(Reply::ok(&volumes))
}

/// Commits the record that `wanted` makes of the present one, under the rules that every change with a key obeys.
async fn change(
    ctx: &Ctx,
    p: &Params,
    name: &str,
    wanted: impl Fn(&Sight<'_>, &Volume) -> Result<Volume, Fault> + Sync,
) -> Result<Volume, Fault> {
    let master = &ctx.master;
    let used = look(ctx, |sight| {
        let volume = sight.state.volume_by_name(name)?;
        Some(volume::used_bytes(&sight.scene(), sight.reports, volume))
    });
    let used = used.ok_or(fault::VOL_NOT_EXISTS)?;
    let auth_key = p.get("authKey").to_owned();
    let changed = master
        .commit(ctx.route.path, |state, txn| {
            let present = txn.volume_by_name(name).ok_or(fault::VOL_NOT_EXISTS)?;
            let moment = master.moment_of(state);
            let wanted = {
                let live = master.live();
                wanted(&Sight::new(moment.scene(), &live.reports, crate::view::gotext::ZONE), &present)?
            };
            let cluster = &master.config.cluster_name;
            let zone = |volume: &Volume| zone_check::zone_name(&moment.scene(), volume);
            let changed = update::check(cluster, &present, wanted, &auth_key, used, zone)?;
            txn.put(changed.clone());
            Ok(changed)
        })
        .await;
    // A record that could not be written is wrapped like the other refusals of this operation.
    changed.map_err(|e| match e {
        e if e == fault::PERSISTENCE_BY_RAFT => update::refused(&master.config.cluster_name, name, &e.msg),
        e => e,
    })
}

/// `/vol/update`.
pub async fn update(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let name = p.name()?.to_owned();
    let changed = change(&ctx, &p, &name, |sight, present| update::wanted(&p, sight.state, present)).await?;
    if p.has("enableTxMask") || p.has("txTimeout") {
        let mask = tx_mask::text(changed.enable_transaction);
        let timeout = changed.tx_timeout;
        return Ok(Reply::text(format!("update vol[{name}] successfully, txTimeout[{timeout}] enableTransaction[{mask}]")));
    }
    Ok(Reply::text(format!("update vol[{name}] successfully")))
}

async fn resize(ctx: Ctx, refuse: fn(u64, u64) -> Option<String>) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let name = p.name()?.to_owned();
    p.required("authKey")?;
    let capacity = u64::from(p.uint0("capacity")?);
    change(&ctx, &p, &name, |_, present| match refuse(capacity, present.capacity) {
        Some(text) => Err(Fault::param(text)),
        None => Ok(Volume { capacity, ..present.clone() }),
    })
    .await?;
    Ok(Reply::text(format!("update vol[{name}] successfully\n")))
}

/// `/vol/expand`.
pub async fn expand(ctx: Ctx) -> Result<Reply, Fault> {
    resize(ctx, |new, old| (new <= old).then(|| format!("expand capacity[{new}] should be larger than the old capacity[{old}]"))).await
}

/// `/vol/shrink`.
pub async fn shrink(ctx: Ctx) -> Result<Reply, Fault> {
    resize(ctx, |new, old| (new >= old).then(|| format!("shrink capacity[{new}] should be less than the old capacity[{old}]"))).await
}

/// `/vol/setTrashInterval`.
pub async fn set_trash_interval(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let name = p.name()?.to_owned();
    p.required("authKey")?;
    let minutes = create::trash_interval(&p, 0)?;
    change(&ctx, &p, &name, |_, present| Ok(Volume { trash_interval: minutes, ..present.clone() })).await?;
    Ok(Reply::text(format!("update vol[{name}] TrashInterval to {minutes} min successfully\n")))
}

/// Changes one volume's record without asking for its key.
async fn set(ctx: &Ctx, name: &str, set: impl Fn(&mut Volume) -> Result<(), Fault> + Sync) -> Result<(), Fault> {
    ctx.master
        .commit(ctx.route.path, |_, txn| {
            let present = txn.volume_by_name(name).ok_or(fault::VOL_NOT_EXISTS)?;
            let mut changed = (*present).clone();
            set(&mut changed)?;
            txn.put(changed);
            Ok(())
        })
        .await
}

/// `/vol/setDpRepairBlockSize`. Out of range v3.5.3 answers nothing at all.
pub async fn set_repair_block_size(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let name = p.name()?;
    let size = match p.u64_raw("dpRepairBlockSize")? {
        0 => REPAIR_BLOCK_SIZE_DEFAULT,
        size => size,
    };
    if !REPAIR_BLOCK_SIZE.contains(&size) {
        let (least, most) = (REPAIR_BLOCK_SIZE.start(), REPAIR_BLOCK_SIZE.end());
        return Err(Fault::param(format!("dpRepairBlockSize({size}) should be between {least} and {most}")));
    }
    set(&ctx, name, |volume| {
        volume.dp_repair_block_size = size;
        Ok(())
    })
    .await?;
    Ok(Reply::text(format!("set volume dp repair block size to ({size}) success")))
}

/// `/vol/forbidden`: nothing may be written.
pub async fn set_forbidden(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let name = p.name()?;
    let on = p.bool_raw("forbidden")?;
    set(&ctx, name, |volume| {
        if volume.is_deleted() {
            let text = "vol has been mark delete, freeze operation is not allowed";
            return Err(Fault::new(code::VOL_HAS_DELETED, text));
        }
        volume.forbidden = on;
        Ok(())
    })
    .await?;
    Ok(Reply::text(format!("set volume forbidden to ({on}) success")))
}

/// `/vol/auditlog`. The word is kept as it comes, which turns the log of meta nodes off when it says true, as in v3.5.3.
pub async fn set_audit_log(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let name = p.name()?;
    let on = p.enable()?;
    set(&ctx, name, |volume| {
        volume.disable_audit_log = on;
        Ok(())
    })
    .await?;
    Ok(Reply::text(format!("set volume audit log to ({on}) success")))
}

/// `/vol/addAllowedStorageClass` (v3.5.3 http-cluster-volume.md §2.5).
pub async fn add_storage_class(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let name = p.name()?.to_owned();
    p.required("authKey")?;
    let force = p.bool_or("force", false)?;
    if !crate::view::cluster::media_types_known(&ctx.master.state()) {
        return Err(Fault::param("cluster media type still not set, can't add storage class"));
    }
    let class = p.u32_or("allowedStorageClass", 0)?;
    let block_size = p.uint0("ebsBlkSize")?;
    let class = update::addable(class)?;
    let fault_domain = ctx.master.config.fault_domain;
    change(&ctx, &p, &name, |sight, present| {
        if !forbids_old_clients(sight, present, force) {
            return Err(Fault::new(code::VOL_NOT_EXISTS, "there is still some dp or mp not forbidden write"));
        }
        let wanted = update::with_class(present, class, block_size)?;
        if !available(&sight.scene(), &present.zone_name).contains(&class) {
            let (scope, class, cross) = (scope(&present.zone_name), class_name(class), present.cross_zone);
            return Err(Fault::param(format!(
                "{scope} has no resoure to support storageClass({class}), and be sure crossZone({cross}) enabled"
            )));
        }
        if fault_domain {
            return Err(Fault::internal("cluster fault domain is on, not support multiple allowedStorageClass at the same time"));
        }
        let versions = sight.state.version_lists.get(&present.id).map_or(1, |list| list.versions.len());
        if versions != 1 {
            return Err(Fault::internal(format!(
                "vol({name}) now has or used to have snapshot version, not support multiple allowedStorageClass, verListLen({versions})"
            )));
        }
        Ok(wanted)
    })
    .await?;
    Ok(Reply::text("success"))
}

/// Clients of protocol version 0 cannot write to the volume: it says so, and unless forced so does every partition that can be asked.
fn forbids_old_clients(sight: &Sight<'_>, volume: &Volume, force: bool) -> bool {
    let scene = sight.scene();
    let data = |dp: &Arc<crate::model::DataPartition>| {
        data_partition::live_hosts(&scene, sight.reports, dp).is_empty() || data_partition::forbids_proto_0(&scene, sight.reports, dp)
    };
    let meta = |mp: &Arc<crate::model::MetaPartition>| meta_partition::forbids_proto_0(&scene, sight.reports, mp);
    volume.forbid_write_op_of_proto_ver0
        && (force
            || (sight.state.data_partitions_of_volume(volume.id).all(data) && sight.state.meta_partitions_of_volume(volume.id).all(meta)))
}

/// `/vol/delete`: at once, or after a delay when the configuration says so (v3.5.3 http-cluster-volume.md §2.6).
pub async fn delete(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let name = p.name()?;
    let auth_key = p.required("authKey")?;
    let delete = p.bool_or("delete", true)?;
    p.bool_or("forceDelVol", false)?;
    let from = ctx.peer;
    if ctx.master.config.enable_direct_delete_volume {
        let volume = named(&ctx, name)?;
        may_be_deleted(&ctx, &volume)?;
        ctx.master.mark_volume_deleted(ctx.route.path, name, |owner| update::is_auth_key(auth_key, owner)).await?;
        return Ok(Reply::text(format!("delete vol[{name}] successfully,from[{from}]")));
    }
    let volume = named(&ctx, name)?;
    if !delete {
        ctx.master.undelete_volume(ctx.route.path, name, |owner| update::is_auth_key(auth_key, owner)).await?;
        return Ok(Reply::text(format!("undelete vol: unforbid vol[{name}] successfully,from[{from}]")));
    }
    if volume.is_deleted() {
        return Err(Fault::new(code::VOL_HAS_DELETED, "vol has been mark delete, repeated deletions are not allowed"));
    }
    may_be_deleted(&ctx, &volume)?;
    ctx.master.delete_volume_later(ctx.route.path, name, auth_key, |owner| update::is_auth_key(auth_key, owner)).await?;
    Ok(Reply::text(format!("delete vol: forbid vol[{name}] successfully,from[{from}]")))
}

/// What a volume holds may forbid its deletion.
fn may_be_deleted(ctx: &Ctx, volume: &Volume) -> Result<(), Fault> {
    let config = &ctx.master.config;
    let (dentries, used) = look(ctx, |sight| {
        let scene = sight.scene();
        (volume::dentry_count(&scene, sight.reports, volume), volume::used_bytes(&scene, sight.reports, volume))
    });
    let most = config.volume_deletion_dentry_threshold;
    if !config.volume_force_deletion && dentries > most {
        let name = &volume.name;
        return Err(Fault::internal(format!(
            "vol {name} is not empty ! it's dentry count {dentries} > dentry count deletion threshold {most}, deletion not permitted ! "
        )));
    }
    if volume.vol_type == VolumeType::COLD && used > 0 {
        return Err(Fault::internal(format!("ec-vol can't be deleted if ec used size not equal 0, now({used})")));
    }
    Ok(())
}

// ---- denied addresses and limits per user id (v3.5.3 http-cluster-volume.md §1.7) -----------------------------------

/// What `/admin/aclOp` and `/admin/uidOp` do.
pub(super) fn operation(p: &Params) -> Result<u64, Fault> {
    let text = p.required("op").map_err(|e| Fault::internal(e.msg))?;
    // v3.5.3 answers nothing at all when it is no number.
    parse_uint(text, 64).map_err(|e| Fault::internal(e.to_string()))
}
