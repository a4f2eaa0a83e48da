//! Addresses that may not mount a volume, and space limits per user id (v3.5.3 http-cluster-volume.md §1.7).

use super::look;
use super::volume::{named, operation};
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::model::{Acl, AclAddress, Key, UidLimit, UidSpace};
use crate::plan::usage_limits;
use crate::wire::gojson::List;
use crate::wire::reply::Fault;
use crate::wire::request::UidSpaceInfo;
use serde::Serialize;

/// Reply of `/admin/aclOp`.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AclReply {
    info: String,
    #[serde(rename = "OK")]
    ok: bool,
    list: List<AclEntry>,
    reserve: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AclEntry {
    ip: String,
    c_time: i64,
}

impl From<&AclAddress> for AclEntry {
    fn from(address: &AclAddress) -> Self {
        Self { ip: address.ip.clone(), c_time: address.create_time }
    }
}

/// `/admin/aclOp`: 0 lists, 1 adds, 2 deletes, 3 checks. A mounted client checks itself every few minutes.
pub async fn acl(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.params();
    let name = p.name().map_err(internal)?;
    let op = operation(&p)?;
    let ip = if op == 0 { "" } else { p.required("ip").map_err(internal)? };
    let volume = named(&ctx, name)?.id;
    let now = ctx.master.env.wall().secs();
    if op == 1 || op == 2 {
        ctx.master
            .commit(ctx.route.path, |_, txn| {
                let key = Key::Acl(volume).to_string();
                let present = txn.read::<Acl>(&key).map(|acl| (*acl).clone());
                let mut acl = present.unwrap_or_else(|| Acl { volume, ..Acl::default() });
                let mut addresses: Vec<AclAddress> = acl.addresses.into_vec();
                let known = addresses.iter().any(|a| a.ip == ip);
                match op {
                    1 if !known => addresses.push(AclAddress { ip: ip.to_owned(), create_time: now, ..AclAddress::default() }),
                    2 => addresses.retain(|a| a.ip != ip),
                    _ => return Ok(()),
                }
                // v3.5.3 writes null for an emptied list.
                acl.addresses = addresses.into_iter().collect();
                txn.put(acl);
                Ok(())
            })
            .await?;
    }
    let state = ctx.master.state();
    let listed = || state.acls.get(&volume).map(|acl| acl.addresses.iter()).into_iter().flatten();
    let reply = match op {
        0 => AclReply { ok: true, list: listed().map(AclEntry::from).collect(), ..AclReply::default() },
        3 => {
            let list: List<AclEntry> = listed().filter(|a| a.ip == ip).map(AclEntry::from).collect();
            AclReply { ok: list.is_empty(), list, ..AclReply::default() }
        }
        _ => AclReply { ok: true, ..AclReply::default() },
    };
    Ok(Reply::ok(&reply))
}

/// Reply of `/admin/uidOp`.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct UidReply {
    info: String,
    #[serde(rename = "OK")]
    ok: bool,
    uid_space_arr: List<Option<UidSpaceInfo>>,
    reserve: String,
}

/// `/admin/uidOp`: 0 lists, 1 sets a limit, 2 switches one off, 3 gets one.
pub async fn uid(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.params();
    let name = p.name().map_err(internal)?;
    let op = operation(&p)?;
    let uid = if op == 0 { 0 } else { p.u32_or("uid", 0).map_err(|_| missing("uid"))? };
    let limit_size = if op == 1 { p.u64_raw("capacity").ok().filter(|c| *c > 0).ok_or_else(|| missing("capacity"))? } else { 0 };
    let volume = named(&ctx, name)?.id;
    if op == 1 || op == 2 {
        ctx.master
            .commit(ctx.route.path, |_, txn| {
                let key = Key::UidSpace(volume).to_string();
                let present = txn.read::<UidSpace>(&key).map(|space| (*space).clone());
                let mut space = present.unwrap_or_else(|| UidSpace { volume, ..UidSpace::default() });
                let mut limits = space.limits.into_vec();
                let known = limits.iter().position(|l| l.uid == uid);
                match (op, known) {
                    (1, Some(at)) if limits[at].enabled => return Ok(()),
                    (1, Some(at)) => limits[at] = UidLimit { limit_size, enabled: true, ..limits[at].clone() },
                    (1, None) => limits.push(UidLimit { vol_name: name.to_owned(), uid, enabled: true, limit_size, ..UidLimit::default() }),
                    (_, Some(at)) => limits[at] = UidLimit { enabled: false, limited: false, ..limits[at].clone() },
                    (_, None) => return Ok(()),
                }
                space.limits = limits.into();
                txn.put(space);
                Ok(())
            })
            .await?;
    }
    let state = ctx.master.state();
    let all = match state.volumes.get(&volume) {
        Some(volume) => look(&ctx, |sight| usage_limits::users(sight.state, sight.reports, volume)),
        None => Vec::new(),
    };
    let limits = || all.iter();
    let reply = match op {
        0 => UidReply { ok: true, uid_space_arr: limits().map(|l| Some(info(l))).collect(), ..UidReply::default() },
        3 => {
            let found = limits().find(|l| l.uid == uid).map(info);
            UidReply { ok: found.is_some(), uid_space_arr: vec![found].into(), ..UidReply::default() }
        }
        _ => UidReply { ok: true, ..UidReply::default() },
    };
    Ok(Reply::ok(&reply))
}

fn info(l: &UidLimit) -> UidSpaceInfo {
    UidSpaceInfo {
        vol_name: l.vol_name.clone(),
        uid: l.uid,
        c_time: l.create_time,
        enabled: l.enabled,
        limited: l.limited,
        used_size: l.used_size,
        limit_size: l.limit_size,
        rsv: l.reserved.clone(),
    }
}

/// Both routes answer parameter errors under code 1.
fn internal(fault: Fault) -> Fault {
    Fault::internal(fault.msg)
}

fn missing(key: &str) -> Fault {
    internal(Fault::no_key(key))
}
