//! Fields of `/api/user`.

use super::super::look;
use super::value;
use crate::api::graphql::schema::{Call, Kind, Root, Schema, Shape, Type};
use crate::api::request::Ctx;
use crate::master::users::{is_user_id, NewUser, Transfer, UserChange};
use crate::model::{User, UserType, Volume};
use crate::plan::volume::used_bytes;
use crate::view::sight::Sight;
use crate::wire::reply::{fault, Fault};
use serde_json::{json, Value};
use std::sync::Arc;

pub const SCHEMA: Schema = Schema { queries: QUERIES, mutations: MUTATIONS };

/// Users of `topNUser`.
const TOP: usize = 10;

const RESPONSE: Type = Type { name: "GeneralResp", scalars: &["message", "code"], objects: &[] };
const PERMISSION: Type = Type { name: "AuthorizedVols", scalars: &["vol", "authorized"], objects: &[] };
const POLICY: Type = Type { name: "UserPolicy", scalars: &["own_vols"], objects: &[("authorizedVols", Shape::List(&PERMISSION))] };
const STATISTICS: Type =
    Type { name: "UserStatistical", scalars: &["data", "volumeCount", "dataPartitionCount", "metaPartitionCount"], objects: &[] };
const USER: Type = Type {
    name: "UserInfo",
    scalars: &["user_id", "access_key", "secret_key", "user_type", "create_time", "description", "eMPTY"],
    objects: &[("policy", Shape::Object(&POLICY)), ("userStatistical", Shape::Object(&STATISTICS))],
};
const SHARE: Type = Type { name: "UserUseSpace", scalars: &["name", "size", "ratio"], objects: &[] };

const QUERIES: &[Root] = &[
    Root { name: "getUserInfo", arguments: &[("userID", Kind::Text)], shape: Shape::Object(&USER), admin: false, resolve: &info },
    Root { name: "getUserAKInfo", arguments: &[("accessKey", Kind::Text)], shape: Shape::Object(&USER), admin: false, resolve: &of_key },
    Root {
        name: "validatePassword",
        arguments: &[("userID", Kind::Text), ("password", Kind::Text)],
        shape: Shape::Object(&USER),
        admin: false,
        resolve: &validate,
    },
    Root { name: "listUserInfo", arguments: &[], shape: Shape::List(&USER), admin: true, resolve: &list },
    Root { name: "topNUser", arguments: &[("n", Kind::Number)], shape: Shape::List(&SHARE), admin: true, resolve: &top },
];

const MUTATIONS: &[Root] = &[
    Root {
        name: "createUser",
        arguments: &[
            ("iD", Kind::Text),
            ("password", Kind::Text),
            ("accessKey", Kind::Text),
            ("secretKey", Kind::Text),
            ("type", Kind::Number),
            ("description", Kind::Text),
        ],
        shape: Shape::Object(&USER),
        admin: true,
        resolve: &create,
    },
    Root {
        name: "updateUser",
        arguments: &[
            ("userID", Kind::Text),
            ("accessKey", Kind::Text),
            ("secretKey", Kind::Text),
            ("type", Kind::Number),
            ("password", Kind::Text),
            ("description", Kind::Text),
        ],
        shape: Shape::Object(&USER),
        admin: true,
        resolve: &update,
    },
    Root { name: "deleteUser", arguments: &[("userID", Kind::Text)], shape: Shape::Object(&RESPONSE), admin: true, resolve: &delete },
    Root {
        name: "updateUserPolicy",
        arguments: &[("userID", Kind::Text), ("volume", Kind::Text), ("subdir", Kind::Text), ("policy", Kind::Texts)],
        shape: Shape::Object(&USER),
        admin: false,
        resolve: &update_policy,
    },
    Root {
        name: "removeUserPolicy",
        arguments: &[("userID", Kind::Text), ("volume", Kind::Text)],
        shape: Shape::Object(&USER),
        admin: false,
        resolve: &remove_policy,
    },
    Root {
        name: "transferUserVol",
        arguments: &[("volume", Kind::Text), ("userSrc", Kind::Text), ("userDst", Kind::Text), ("force", Kind::Bool)],
        shape: Shape::Object(&USER),
        admin: true,
        resolve: &transfer,
    },
];

fn text(fault: Fault) -> String {
    fault.msg.into_owned()
}

/// The text, unless it is empty.
fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Volumes of a user that there are.
fn own_volumes<'a>(sight: &'a Sight<'_>, user: &'a User) -> impl Iterator<Item = &'a Arc<Volume>> {
    user.policy.own_vols.iter().filter_map(|name| sight.state.volume_by_name(name))
}

fn size(sight: &Sight<'_>, user: &User) -> u64 {
    own_volumes(sight, user).map(|volume| used_bytes(&sight.scene(), sight.reports, volume)).sum()
}

fn statistics(sight: &Sight<'_>, user: &User) -> Value {
    let count = |of: &dyn Fn(&Volume) -> usize| own_volumes(sight, user).map(|volume| of(volume)).sum::<usize>();
    json!({
        "data": size(sight, user),
        "volumeCount": own_volumes(sight, user).count(),
        "dataPartitionCount": count(&|volume| sight.state.data_partitions_of_volume(volume.id).count()),
        "metaPartitionCount": count(&|volume| sight.state.meta_partitions_of_volume(volume.id).count()),
    })
}

fn shown(call: &Call, user: &User) -> Result<Value, String> {
    let mut shown = value(user)?;
    let permissions = user.policy.authorized_vols.iter().map(|(vol, authorized)| json!({"vol": vol, "authorized": authorized}));
    shown["policy"]["authorizedVols"] = permissions.collect::<Vec<_>>().into();
    if call.wants(&["userStatistical"]) {
        shown["userStatistical"] = look(&call.ctx, |sight| statistics(sight, user));
    }
    Ok(shown)
}

fn user(ctx: &Ctx, id: &str) -> Result<Arc<User>, String> {
    ctx.master.state().users.get(id).cloned().ok_or_else(|| text(fault::USER_NOT_EXISTS))
}

/// Of another user only for administrators.
async fn info(call: Call) -> Result<Value, String> {
    let (id, caller) = (call.text("userID"), &call.caller);
    if !caller.is_admin && caller.id != id {
        return Err(format!("you:[{}] not have permission visit this userID:[{id}]", caller.id));
    }
    shown(&call, &*user(&call.ctx, id)?)
}

async fn of_key(call: Call) -> Result<Value, String> {
    let state = call.ctx.master.state();
    let found = state.user_by_access_key(call.text("accessKey"));
    if !call.caller.is_admin && found.is_none_or(|user| user.user_id != call.caller.id) {
        return Err("user info not found by you accesskey".into());
    }
    shown(&call, found.ok_or_else(|| text(fault::ACCESS_KEY_NOT_EXISTS))?)
}

/// The password is given as it is stored: the hexadecimal SHA-1 of what its user types.
async fn validate(call: Call) -> Result<Value, String> {
    let user = user(&call.ctx, call.text("userID"))?;
    let state = call.ctx.master.state();
    let stored = state.access_keys.get(&user.access_key);
    if stored.is_none_or(|key| key.password != call.text("password")) {
        return Err("user or password has err".into());
    }
    shown(&call, &user)
}

async fn list(call: Call) -> Result<Value, String> {
    let state = call.ctx.master.state();
    state.users.values().map(|user| shown(&call, user)).collect::<Result<Vec<_>, _>>().map(Value::Array)
}

/// The users with the most data, and their shares of all.
async fn top(call: Call) -> Result<Value, String> {
    let mut sizes: Vec<(String, u64)> =
        look(&call.ctx, |sight| sight.state.users.values().map(|user| (user.user_id.clone(), size(sight, user))).collect());
    let (sum, count) = (sizes.iter().map(|(_, size)| size).sum::<u64>(), sizes.len());
    sizes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let ratio = |size: u64| if sum == 0 { 1.0 / count as f64 } else { size as f64 / sum as f64 };
    let shares = sizes.into_iter().take(TOP).map(|(name, size)| json!({"name": name, "size": size, "ratio": ratio(size)}));
    Ok(shares.collect::<Vec<_>>().into())
}

fn kind(call: &Call) -> Result<UserType, String> {
    let kind = UserType(u8::try_from(call.number("type")).unwrap_or(0));
    if kind == UserType::ROOT {
        return Err("user type:[root] can not to root".into());
    }
    Ok(kind)
}

async fn create(call: Call) -> Result<Value, String> {
    let id = call.text("iD");
    if !is_user_id(id) {
        return Err(format!("user id:[{id}] is invalid"));
    }
    let new = NewUser {
        id: id.to_owned(),
        password: given(call.text("password")),
        access_key: given(call.text("accessKey")),
        secret_key: given(call.text("secretKey")),
        kind: kind(&call)?,
        description: call.text("description").to_owned(),
    };
    shown(&call, &call.ctx.master.create_user(new).await.map_err(text)?)
}

async fn update(call: Call) -> Result<Value, String> {
    let kind = kind(&call)?;
    let change = UserChange {
        id: call.text("userID").to_owned(),
        access_key: given(call.text("accessKey")),
        secret_key: given(call.text("secretKey")),
        kind: Some(kind).filter(|kind| kind.0 != 0),
        password: given(call.text("password")).filter(|password| !password.trim().is_empty()),
        description: given(call.text("description")),
    };
    shown(&call, &call.ctx.master.update_user(change).await.map_err(text)?)
}

async fn delete(call: Call) -> Result<Value, String> {
    call.ctx.master.delete_user(call.text("userID")).await.map_err(text)?;
    Ok(json!({"message": "del user ok", "code": 0}))
}

/// Of a volume that is not one's own only for administrators.
async fn update_policy(call: Call) -> Result<Value, String> {
    let (id, volume, caller) = (call.text("userID"), call.text("volume"), &call.caller);
    if !caller.is_admin {
        if volume.is_empty() {
            return Err(format!("user:[{}] need set userID", caller.id));
        }
        if !user(&call.ctx, &caller.id)?.policy.own_vols.iter().any(|own| own == volume) {
            return Err(format!("user:[{}] is not volume:[{id}] onwer", caller.id));
        }
    }
    let changed = call.ctx.master.update_user_policy(id, volume, &call.texts("policy")).await;
    shown(&call, &changed.map_err(text)?)
}

async fn remove_policy(call: Call) -> Result<Value, String> {
    let changed = call.ctx.master.remove_user_policy(call.text("userID"), call.text("volume")).await;
    shown(&call, &changed.map_err(text)?)
}

async fn transfer(call: Call) -> Result<Value, String> {
    let (volume, from, to) = (call.text("volume").to_owned(), call.text("userSrc").to_owned(), call.text("userDst").to_owned());
    let transfer = Transfer { volume, from, to, force: call.flag("force") };
    shown(&call, &call.ctx.master.transfer_volume(&transfer).await.map_err(text)?)
}
