//! Disks of data nodes (v3.5.3 http-partitions-nodes.md §12, §13).

use super::addr::check_ip;
use super::data_node::known;
use super::{json_body, look};
use crate::api::go_parse::parse_int;
use crate::api::params::Params;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::ids::PartitionId;
use crate::master::moves::DiskWish;
use crate::model::{DataNode, DecommissionDisk, DecommissionStatus, DecommissionType, Key};
use crate::state::Txn;
use crate::view::disk::{
    DecommissionDiskInfo, DecommissionDisksResponse, DecommissionFailedDiskInfo, DecommissionInfoStat, DecommissionProgress,
    DecommissionTokenStatus, DiskInfo, DiskInfos,
};
use crate::view::gotext;
use crate::wire::gojson::List;
use crate::wire::opcode::Opcode;
use crate::wire::reply::{fault, Fault};
use crate::wire::report::BadDiskRecoverProgress;
use crate::wire::request::DiskRequest;
use crate::wire::task::Subject;
use bytes::Bytes;
use std::sync::Arc;

/// `decommissionType` that stands for every type.
const EVERY_TYPE: i32 = 3;

/// A disk that a request names.
struct Place {
    addr: String,
    disk: String,
}

impl Place {
    /// `addrDisk`.
    async fn read(ctx: &Ctx, p: &Params) -> Result<Self, Fault> {
        let addr = ctx.addr(p).await?;
        Ok(Self { addr, disk: p.required("disk")?.to_owned() })
    }

    /// `decoDisk`: the place, and what only a decommission needs.
    async fn read_with_options(ctx: &Ctx, p: &Params) -> Result<Self, Fault> {
        Ok(Self::read_with_wish(ctx, p).await?.0)
    }

    /// `decoDisk`, with what it says of a decommission.
    async fn read_with_wish(ctx: &Ctx, p: &Params) -> Result<(Self, DiskWish), Fault> {
        let place = Self::read(ctx, p).await?;
        let disable = p.bool_raw_or("diskDisable", true)?;
        let kind = p.pint("decommissionType")?;
        let count = i64::from(p.pint("count")?);
        let kind = u32::try_from(kind).ok().filter(|kind| *kind != 0).map_or(DecommissionType::MANUAL, DecommissionType);
        let wish = DiskWish { addr: place.addr.clone(), disk: place.disk.clone(), count, disable, kind, ..DiskWish::default() };
        Ok((place, wish))
    }

    /// v3.5.3's name of the disk.
    fn name(&self) -> String {
        format!("{}_{}", self.addr, self.disk)
    }

    fn record(&self, ctx: &Ctx) -> Option<Arc<DecommissionDisk>> {
        ctx.master.state().decommission_disks.get(&(self.addr.clone(), self.disk.clone())).cloned()
    }

    fn key(&self) -> String {
        Key::DecommissionDisk(self.addr.clone(), self.disk.clone()).to_string()
    }

    fn node(&self, ctx: &Ctx) -> Result<Arc<DataNode>, Fault> {
        known(&ctx.master.state(), &self.addr)
    }

    /// Asks the node about the disk.
    async fn ask(&self, ctx: &Ctx, opcode: Opcode) -> Result<Bytes, Fault> {
        let request = DiskRequest { disk_path: self.disk.clone() };
        ctx.master.call(&self.addr, opcode, Subject::Node, request).await.map_err(|e| Fault::internal(e.to_string()))
    }

    /// Takes the disk's record, its success mark and the mark that keeps partitions off it.
    fn forget(&self, txn: &mut Txn) {
        if txn.read::<DecommissionDisk>(&self.key()).is_some() {
            txn.delete::<DecommissionDisk>(&self.key());
        }
        let Some(node) = txn.data_node_by_addr(&self.addr) else { return };
        let without = |list: &List<String>| list.iter().filter(|disk| **disk != self.disk).cloned().collect();
        let changed = DataNode {
            decommissioned_disks: without(&node.decommissioned_disks),
            decommission_success_disks: without(&node.decommission_success_disks),
            ..(*node).clone()
        };
        if changed != *node {
            txn.put(changed);
        }
    }
}

/// `/disk/queryDisks`.
pub async fn list(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let addr = p.optional("addr");
    if let Some(addr) = addr {
        check_ip(addr)?;
    }
    Ok(Reply::ok(&look(&ctx, |sight| DiskInfos::of(sight, addr))))
}

/// `/disk/queryBadDisks`.
pub async fn bad(ctx: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::ok(&look(&ctx, DiskInfos::bad)))
}

/// `/disk/detail`.
pub async fn detail(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let place = Place::read(&ctx, &p).await?;
    let node = place.node(&ctx)?;
    let disk = look(&ctx, |sight| DiskInfo::of(sight, &node, &place.disk));
    Ok(Reply::ok(&disk.ok_or_else(no_disk)?))
}

fn no_disk() -> Fault {
    Fault::internal("disk not exists")
}

/// `/disk/decommission`.
pub async fn decommission(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let (place, mut wish) = Place::read_with_wish(&ctx, &p).await?;
    wish.raft_force = p.raft_force()?;
    wish.weight = p.weight()?;
    let node = place.node(&ctx)?;
    if !node.all_disks.contains(&place.disk) {
        return Err(no_disk());
    }
    if p.bool_val_or("plan", false)? {
        return Ok(Reply::ok(&ctx.master.preview_disk(&wish)));
    }
    ctx.master.decommission_disk(ctx.route.path, &wish).await?;
    Ok(Reply::text(format!("decommission disk [{}:{}] submited!need check status later!", place.addr, place.disk)))
}

fn no_task(action: &str, blank: &str, place: &Place) -> Fault {
    let Place { addr, disk } = place;
    Fault::param(format!("action[{action}]cannot found decommission task for {blank}node[{addr}] disk[{disk}], may be already offline"))
}

/// `/disk/queryDecommissionProgress`.
pub async fn progress(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let place = Place::read_with_options(&ctx, &p).await?;
    if let Some(record) = place.record(&ctx) {
        return Ok(Reply::ok(&look(&ctx, |sight| DecommissionProgress::of(sight, &record))));
    }
    let in_use = |node: Arc<DataNode>| node.all_disks.contains(&place.disk) && !node.decommissioned_disks.contains(&place.disk);
    if place.node(&ctx).is_ok_and(in_use) {
        return Ok(Reply::ok(&DecommissionProgress::initial()));
    }
    Err(no_task("queryDiskDecoProgress", "", &place))
}

/// `/disk/queryDecommissionFailedDps`: partitions that could not leave the disk.
pub async fn failed_partitions(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let place = Place::read_with_options(&ctx, &p).await?;
    let state = ctx.master.state();
    let failed = state
        .data_partitions_leaving(&place.addr)
        .filter(|dp| dp.decommission_src_disk_path == place.disk && dp.decommission_status == DecommissionStatus::FAIL);
    let ids: List<PartitionId> = failed.map(|dp| dp.partition_id).collect();
    Ok(Reply::ok(&ids))
}

/// `/disk/queryAllDecommissionDisk`: the records of one type, or of all; those that ended well only with `showAll`.
pub async fn all_records(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let kind = p.pint("decommissionType")?;
    let show_all = p.bool_val_or("showAll", false)?;
    let open = [DecommissionStatus::FAIL, DecommissionStatus::RUNNING, DecommissionStatus::MARKED];
    let infos = look(&ctx, |sight| {
        let records = sight.state.decommission_disks.values();
        let wanted = records.filter(|record| is_of_type(record, kind) && (show_all || open.contains(&record.decommission_status)));
        let infos = wanted.map(|record| DecommissionDiskInfo {
            src_addr: record.src_addr.clone(),
            disk_path: record.disk_path.clone(),
            progress_info: DecommissionProgress::of(sight, record),
        });
        infos.collect()
    });
    Ok(Reply::ok(&DecommissionDisksResponse { infos }))
}

fn is_of_type(record: &DecommissionDisk, kind: i32) -> bool {
    kind == EVERY_TYPE || u32::try_from(kind).is_ok_and(|kind| record.decommission_type == DecommissionType(kind))
}

/// `/admin/queryDecommissionFailedDisk`.
pub async fn failed_disks(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let kind = parse_int(p.required("decommissionType")?, 32).map_err(|e| Fault::param(e.to_string()))? as i32;
    let state = ctx.master.state();
    let failed = state.decommission_disks.values().filter(|record| record.decommission_status == DecommissionStatus::FAIL);
    let infos: Vec<_> = failed.filter(|record| is_of_type(record, kind)).map(|record| DecommissionFailedDiskInfo::of(record)).collect();
    Ok(Reply::ok(&infos))
}

async fn delete_record(ctx: &Ctx, place: &Place, missing: impl Fn() -> Fault + Sync) -> Result<(), Fault> {
    ctx.master
        .commit(ctx.route.path, |_, txn| {
            txn.read::<DecommissionDisk>(&place.key()).ok_or_else(&missing)?;
            txn.delete::<DecommissionDisk>(&place.key());
            Ok(())
        })
        .await
}

/// `/disk/deleteDecommissionDiskRecord`.
pub async fn delete_decommission_record(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let place = Place::read_with_options(&ctx, &p).await?;
    delete_record(&ctx, &place, || no_task("deleteDecommissionDiskRecord", " ", &place)).await?;
    Ok(Reply::text("success"))
}

/// `/admin/abortDecommissionDisk`: only the record goes.
pub async fn abort(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let place = Place::read(&ctx, &p).await?;
    let Place { addr, disk } = &place;
    delete_record(&ctx, &place, || Fault::param(format!("decommission datanode {addr} disk {disk} not found"))).await?;
    Ok(Reply::text(format!("cancel decommission datanode({addr}) disk({disk}) success")))
}

/// `/disk/restoreStoppedAutoDecommissionDisk`: never succeeds, because its test is the wrong way round in v3.5.3; there it answers
/// nothing at all where there is no record.
pub async fn restore_stopped(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let place = Place::read_with_options(&ctx, &p).await?;
    Err(Fault::internal(format!("cannot find auto decommission disk {}", place.name())))
}

/// `/disk/pauseDecommission`.
pub async fn pause(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let place = Place::read_with_options(&ctx, &p).await?;
    place.record(&ctx).ok_or_else(|| no_task("queryDiskDecoProgress", "", &place))?;
    let Place { addr, disk } = &place;
    let failed = gotext::list(ctx.master.pause_disk(ctx.route.path, addr, disk).await?);
    Ok(Reply::text(format!("cancel decommission data node [{addr}] disk[{disk}] successfully with failed dp {failed}")))
}

/// `/disk/cancelDecommission`.
pub async fn cancel(ctx: Ctx) -> Result<Reply, Fault> {
    const ACTION: &str = "cancelDecommissionDisk";
    let p = ctx.form()?;
    let place = Place::read_with_options(&ctx, &p).await?;
    let record = place.record(&ctx).ok_or_else(|| no_task(ACTION, "", &place))?;
    if place.node(&ctx).is_err() {
        return Err(Fault::param(format!("action[{ACTION}]cannot find dataNode[{}]", place.addr)));
    }
    if matches!(record.decommission_status, DecommissionStatus::SUCCESS | DecommissionStatus::FAIL) {
        let (name, status) = (place.name(), record.decommission_status.0);
        return Err(Fault::param(format!("action[{ACTION}] disk {name} status {status} do not support cancel")));
    }
    ctx.master.cancel_disk(ctx.route.path, &place.addr, &place.disk).await?;
    Ok(Reply::text(format!("cancel decommission disk[{}] successfully ", place.name())))
}

/// `/disk/recommission`: the disk may be used again.
pub async fn recommission(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let place = Place::read(&ctx, &p).await?;
    let Place { addr, disk } = &place;
    ctx.master
        .commit(ctx.route.path, |_, txn| {
            let node = txn.data_node_by_addr(addr).ok_or(fault::DATA_NODE_NOT_EXISTS)?;
            if let Some(record) = txn.read::<DecommissionDisk>(&place.key()) {
                let status = record.decommission_status;
                if matches!(status, DecommissionStatus::MARKED | DecommissionStatus::RUNNING) {
                    let text = status.text();
                    return Err(Fault::internal(format!("disk.decommissionStatus is {text}, can't do recommission")));
                }
            }
            if node.bad_disks.contains(disk) {
                return Err(Fault::internal(format!("disk {disk} on dataNode {addr} is bad disk, can't delete decommissionedDisk record")));
            }
            place.forget(txn);
            Ok(())
        })
        .await?;
    Ok(Reply::text(format!("receive recommissionDisk node[{addr}] disk[{disk}] task, and recommission successfully")))
}

/// `/disk/recoverBadDisk`.
pub async fn recover_bad(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let place = Place::read_with_options(&ctx, &p).await?;
    let node = place.node(&ctx)?;
    let bad = look(&ctx, |sight| sight.data_node(&node.addr).bad_disk_stats.iter().any(|bad| bad.disk_path == place.disk));
    if !bad {
        let Place { addr, disk } = &place;
        return Err(Fault::param(format!("disk {disk} is not bad disk on dataNode {addr}, do not support recover")));
    }
    place.ask(&ctx, Opcode::RECOVER_BAD_DISK).await?;
    Ok(Reply::text(format!("recover bad disk[{}] task is submit ", place.name())))
}

/// `/disk/queryBadDiskRecoverProgress`: what the node says.
pub async fn recover_progress(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let place = Place::read_with_options(&ctx, &p).await?;
    place.node(&ctx)?;
    let answer = place.ask(&ctx, Opcode::QUERY_BAD_DISK_RECOVER_PROGRESS).await?;
    json_body::parse(&answer).map_err(|e| Fault::internal(e.msg))?;
    let progress: BadDiskRecoverProgress = serde_json::from_slice(&answer).map_err(|e| Fault::internal(e.to_string()))?;
    Ok(Reply::ok(&progress))
}

/// `/disk/deleteBackupDirectories`.
pub async fn delete_backups(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let place = Place::read_with_options(&ctx, &p).await?;
    place.node(&ctx)?;
    place.ask(&ctx, Opcode::DELETE_BACKUP_DIRECTORIES).await?;
    Ok(Reply::text(format!("All backup directories in disk({}) is sumbited,please check later", place.name())))
}

/// `/disk/queryBackupDirectories`. Disk and address stand in each other's place, as in v3.5.3.
pub async fn backups(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let place = Place::read_with_options(&ctx, &p).await?;
    let node = place.node(&ctx)?;
    let ids = look(&ctx, |sight| {
        let backups = sight.data_node(&node.addr).backup_partitions.iter().filter(|backup| backup.disk == place.disk);
        backups.map(|backup| backup.partition_id.to_string()).collect::<Vec<_>>().join(" ")
    });
    Ok(Reply::text(format!("There are backup directoires for([{ids}]) left on disk({}) datanode({})", place.addr, place.disk)))
}

/// Checks that the node lost the disk and that no partition is left there, asks the node, and forgets the decommission of the disk.
async fn lost(ctx: &Ctx, place: &Place, left: &str, opcode: Opcode) -> Result<(), Fault> {
    let node = place.node(ctx)?;
    let disk = &place.disk;
    if !look(ctx, |sight| sight.data_node(&node.addr).lost_disks.contains(disk)) {
        return Err(Fault::internal(format!("disk {disk} is not lost")));
    }
    let state = ctx.master.state();
    let mut there = state.data_partitions_on(&node.addr).filter(|dp| !dp.is_discard && dp.disk_on(&node.addr) == Some(disk));
    if there.next().is_some() {
        return Err(Fault::internal(format!("disk {disk} still has partitions{left}")));
    }
    place.ask(ctx, opcode).await?;
    let forgotten = ctx.master.commit(ctx.route.path, |_, txn| {
        place.forget(txn);
        Ok(())
    });
    forgotten.await
}

/// `/disk/deleteLostDisk`.
pub async fn delete_lost(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let place = Place::read(&ctx, &p).await?;
    lost(&ctx, &place, ", can't delete", Opcode::DELETE_LOST_DISK).await?;
    Ok(Reply::text(format!("delete lost disk[{}] success", place.name())))
}

/// `/disk/reloadDisk`.
pub async fn reload(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let place = Place::read(&ctx, &p).await?;
    lost(&ctx, &place, " not decommission", Opcode::RELOAD_DISK).await?;
    Ok(Reply::text(format!("reload disk[{}] success", place.name())))
}

/// `/admin/queryDecommissionToken`.
pub async fn tokens(ctx: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::ok(&look(&ctx, DecommissionTokenStatus::all)))
}

/// `/admin/queryDiskDecommissionInfoStat`.
pub async fn disk_repairs(ctx: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::ok(&look(&ctx, |sight| DecommissionInfoStat::all(sight, true))))
}

/// `/admin/queryDataNodeDecommissionInfoStat`.
pub async fn node_repairs(ctx: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::ok(&look(&ctx, |sight| DecommissionInfoStat::all(sight, false))))
}
