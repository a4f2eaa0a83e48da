//! Users (v3.5.3 http-cluster-volume.md §3).

use super::json_body::{self, Object};
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::master::users::{is_access_key, NewUser, Transfer, UserChange};
use crate::model::{User, UserType};
use crate::wire::reply::{fault, Fault};

/// The text, unless it is empty.
fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// `/user/create`.
pub async fn create(ctx: Ctx) -> Result<Reply, Fault> {
    let json = json_body::parse(&ctx.body)?;
    let mut body = Object::new(&json, "proto.UserCreateParam")?;
    let new = NewUser {
        id: body.text("id"),
        password: given(body.text("pwd")),
        access_key: given(body.text("ak")),
        secret_key: given(body.text("sk")),
        kind: UserType(body.number("type", "proto.UserType")),
        description: body.text("description"),
    };
    let new = body.finish(new)?;
    Ok(Reply::ok(&ctx.master.create_user(new).await?))
}

/// `/user/delete`.
pub async fn delete(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let id = p.required("user")?;
    ctx.master.delete_user(id).await?;
    Ok(Reply::text(format!("delete user[{id}] successfully")))
}

/// `/user/update`.
pub async fn update(ctx: Ctx) -> Result<Reply, Fault> {
    let json = json_body::parse(&ctx.body)?;
    let mut body = Object::new(&json, "proto.UserUpdateParam")?;
    let kind = body.number("type", "proto.UserType");
    let change = UserChange {
        id: body.text("user_id"),
        access_key: given(body.text("access_key")),
        secret_key: given(body.text("secret_key")),
        kind: Some(UserType(kind)).filter(|kind| kind.0 != 0),
        password: given(body.text("password")).filter(|password| !password.trim().is_empty()),
        description: given(body.text("description")),
    };
    let change = body.finish(change)?;
    Ok(Reply::ok(&ctx.master.update_user(change).await?))
}

/// `/user/akInfo`.
pub async fn of_access_key(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let key = p.required("ak")?;
    if !is_access_key(key) {
        return Err(Fault::param("accesskey can only be number and letters"));
    }
    let state = ctx.master.state();
    let record = state.access_keys.get(key).ok_or(fault::ACCESS_KEY_NOT_EXISTS)?;
    let user = state.users.get(&record.user_id).ok_or(fault::USER_NOT_EXISTS)?;
    Ok(Reply::ok(&**user))
}

/// `/user/info`.
pub async fn info(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let id = p.required("user")?;
    let state = ctx.master.state();
    let user = state.users.get(id).ok_or(fault::USER_NOT_EXISTS)?;
    Ok(Reply::ok(&**user))
}

/// `/user/list`: users whose id contains a text.
pub async fn list(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let part = p.get("keywords");
    let state = ctx.master.state();
    let users: Vec<&User> = state.users.values().filter(|user| user.user_id.contains(part)).map(|user| &**user).collect();
    Ok(Reply::ok(&users))
}

/// `/user/updatePolicy`.
pub async fn update_policy(ctx: Ctx) -> Result<Reply, Fault> {
    let json = json_body::parse(&ctx.body)?;
    let mut body = Object::new(&json, "proto.UserPermUpdateParam")?;
    let wanted = (body.text("user_id"), body.text("volume"), body.text("subdir"), body.texts("policy"));
    let (id, volume, _, policy) = body.finish(wanted)?;
    Ok(Reply::ok(&ctx.master.update_user_policy(&id, &volume, &policy).await?))
}

/// `/user/removePolicy`.
pub async fn remove_policy(ctx: Ctx) -> Result<Reply, Fault> {
    let json = json_body::parse(&ctx.body)?;
    let mut body = Object::new(&json, "proto.UserPermRemoveParam")?;
    let wanted = (body.text("user_id"), body.text("volume"));
    let (id, volume) = body.finish(wanted)?;
    Ok(Reply::ok(&ctx.master.remove_user_policy(&id, &volume).await?))
}

/// `/user/deleteVolPolicy`.
pub async fn delete_volume_policy(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let name = p.name()?;
    ctx.master.delete_volume_policy(name).await?;
    Ok(Reply::text(format!("delete vol[{name}] policy successfully")))
}

/// `/user/transferVol`.
pub async fn transfer_volume(ctx: Ctx) -> Result<Reply, Fault> {
    let json = json_body::parse(&ctx.body)?;
    let mut body = Object::new(&json, "proto.UserTransferVolParam")?;
    let transfer =
        Transfer { volume: body.text("volume"), from: body.text("user_src"), to: body.text("user_dst"), force: body.flag("force") };
    let transfer = body.finish(transfer)?;
    Ok(Reply::ok(&ctx.master.transfer_volume(&transfer).await?))
}

/// `/vol/users`.
pub async fn of_volume(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let name = p.name()?;
    let state = ctx.master.state();
    let users = state.volume_users.get(name).ok_or(fault::HAVE_NO_POLICY)?;
    Ok(Reply::ok(&users.user_ids))
}
