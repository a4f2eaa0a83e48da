//! Snapshot versions of a volume (v3.5.3 http-cluster-volume.md §8). Versions are made by the strategy only; `/multiVer/create` has no route.

use super::volume::named;
use crate::api::go_parse::{parse_bool, parse_uint};
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::model::{Key, VersionList, VersionStrategy, Volume, VolumeType, VolumeVersion};
use crate::wire::gojson::{GoTime, List};
use crate::wire::reply::{code, fault, Fault};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A version as clients and nodes see it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct VersionView {
    ver: u64,
    del_time: i64,
    status: u8,
}

impl From<&VolumeVersion> for VersionView {
    fn from(v: &VolumeVersion) -> Self {
        Self { ver: v.ver, del_time: v.delete_time, status: v.status.0 }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StrategyView {
    keep_ver_cnt: i64,
    periodic: i64,
    enable: bool,
    force_update: bool,
    u_time: GoTime,
}

#[derive(Serialize)]
struct ListView {
    #[serde(rename = "VerList")]
    versions: List<VersionView>,
    #[serde(rename = "Strategy")]
    strategy: StrategyView,
    #[serde(rename = "TemporaryVerMap")]
    temporary: Option<()>,
    #[serde(rename = "RWLock")]
    lock: BTreeMap<String, ()>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct VolumeVerInfo {
    name: String,
    ver_seq: u64,
    ver_seq_prepare: u64,
    ver_prepare_status: u8,
    enabled: bool,
}

fn versions(ctx: &Ctx, volume: &Volume) -> Arc<VersionList> {
    ctx.master.state().version_lists.get(&volume.id).cloned().unwrap_or_else(|| Arc::new(VersionList::new(volume.id)))
}

fn hot(volume: &Volume, code: i32) -> Result<(), Fault> {
    (volume.vol_type == VolumeType::HOT).then_some(()).ok_or_else(|| Fault::new(code, "vol need be hot one"))
}

/// `/multiVer/get`. v3.5.3 answers nothing at all to bad parameters.
pub async fn get(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let (name, wanted) = (p.name()?, p.u64_0("verSeq")?);
    let volume = named(&ctx, name)?;
    hot(&volume, code::VERSION_OP_ERROR)?;
    let list = versions(&ctx, &volume);
    match list.versions.iter().find(|v| v.ver == wanted) {
        Some(version) => Ok(Reply::ok(&VersionView::from(version))),
        None => Err(Fault::new(code::VERSION_OP_ERROR, format!("ver [{wanted}] not found"))),
    }
}

/// `/multiVer/getAll`.
pub async fn get_all(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let volume = named(&ctx, p.name()?)?;
    let list = versions(&ctx, &volume);
    let s = &list.strategy;
    Ok(Reply::ok(&ListView {
        versions: list.versions.iter().map(VersionView::from).collect(),
        strategy: StrategyView {
            keep_ver_cnt: s.keep_ver_cnt,
            periodic: s.periodic,
            enable: s.enable,
            force_update: s.force_update,
            u_time: s.update_time,
        },
        temporary: None,
        lock: BTreeMap::new(),
    }))
}

/// `/vol/getVer`.
pub async fn of_volume(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let volume = named(&ctx, p.name()?)?;
    hot(&volume, code::VOL_NOT_EXISTS)?;
    let list = versions(&ctx, &volume);
    let (enabled, ver_seq) = (list.strategy.enable, list.ver_seq);
    Ok(Reply::ok(&VolumeVerInfo { name: volume.name.clone(), ver_seq, ver_seq_prepare: 0, ver_prepare_status: 0, enabled }))
}

/// `/vol/SetVerStrategy`.
pub async fn set_strategy(ctx: Ctx) -> Result<Reply, Fault> {
    snapshots_enabled(&ctx)?;
    let p = ctx.form()?;
    let name = p.name()?;
    let enable = p.bool_raw_or("enable", true)?;
    let (count, periodic) = if enable { (p.pint("count")?, p.pint("periodic")?) } else { (0, 0) };
    let force = p.optional("force").map(|_| p.bool_raw_or("force", false).unwrap_or(false));
    let volume = named(&ctx, name)?;
    hot(&volume, code::VOL_NOT_EXISTS)?;
    if enable && !((0..=30).contains(&count) && (0..=168).contains(&periodic)) {
        let text = format!("SetVerStrategy.vol {name} keepCnt {count} need in [1-30], peroidic {periodic} need in [1-168] not qualified");
        return Err(Fault::new(code::VOL_NOT_EXISTS, text));
    }
    let now = GoTime::from_unix_nanos(ctx.master.env.wall().0);
    let id = volume.id;
    ctx.master
        .commit(ctx.route.path, |_, txn| {
            let key = Key::VersionList(id).to_string();
            let mut list = txn.read::<VersionList>(&key).map_or_else(|| VersionList::new(id), |l| (*l).clone());
            let kept = |wanted: i32, present: i64| if enable && wanted != 0 { i64::from(wanted) } else { present };
            list.strategy = VersionStrategy {
                keep_ver_cnt: kept(count, list.strategy.keep_ver_cnt),
                periodic: kept(periodic, list.strategy.periodic),
                enable,
                force_update: force.filter(|_| enable).unwrap_or(list.strategy.force_update),
                update_time: now,
                ..list.strategy
            };
            txn.put(list);
            Ok(())
        })
        .await
        .map_err(|e| e.with_code(code::VOL_NOT_EXISTS))?;
    Ok(Reply::text("success"))
}

/// `/multiVer/del`.
pub async fn delete(ctx: Ctx) -> Result<Reply, Fault> {
    snapshots_enabled(&ctx)?;
    let p = ctx.form()?;
    // The name is gone by the time v3.5.3 speaks of it.
    let name = p.name().map_err(|_| Fault::internal("volName  not exist"))?;
    let wanted = p.optional("verSeq").ok_or_else(|| Fault::internal("verSeq not exist"))?;
    let wanted = parse_uint(wanted, 64).unwrap_or(0);
    let volume = named(&ctx, name)?;
    hot(&volume, code::VERSION_OP_ERROR)?;
    let force = p.optional("force").is_some_and(|text| parse_bool(text).unwrap_or(false));
    ctx.master.delete_version(ctx.route.path, volume.id, wanted, force).await?;
    Ok(Reply::text("success!"))
}

fn snapshots_enabled(ctx: &Ctx) -> Result<(), Fault> {
    ctx.master.config.enable_snapshot.then_some(()).ok_or(fault::SNAPSHOT_NOT_ENABLED)
}
