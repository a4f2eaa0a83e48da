//! Lifecycle rules of volumes (v3.5.3 http-cluster-volume.md §9).

use super::go_time::parse_json_time;
use super::json_body::{self, Json, Object};
use super::volume;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::model::{Key, LcConfiguration, LcExpiration, LcFilter, LcRule, LcTransition};
use crate::plan::lifecycle_rules;
use crate::wire::gojson::Time;
use crate::wire::reply::{fault, Fault};

/// The items of a list member; nothing where there is none.
fn items<'a>(object: &Object<'a>, key: &str, go_type: &str) -> Result<&'a [Json], Fault> {
    match object.get(key) {
        None => Ok(&[]),
        Some(Json::Array(items)) => Ok(items),
        Some(other) => Err(json_body::wrong_type(other, go_type)),
    }
}

fn date(object: &Object<'_>) -> Result<Option<Time>, Fault> {
    match object.get("Date") {
        None => Ok(None),
        Some(Json::Text(text)) => parse_json_time(text).map(Some).map_err(Fault::param),
        Some(_) => Err(Fault::param("Time.UnmarshalJSON: input is not a JSON string")),
    }
}

fn days(object: &mut Object<'_>) -> Option<i64> {
    object.get("Days").map(|_| object.number("Days", "int"))
}

fn rule(json: &Json) -> Result<LcRule, Fault> {
    if *json == Json::Null {
        return Err(Fault::param("a rule is null"));
    }
    let mut object = Object::new(json, "proto.Rule")?;
    let filter = match object.get("Filter") {
        None => None,
        Some(filter) => {
            let mut filter = Object::new(filter, "proto.Filter")?;
            let read = LcFilter { prefix: filter.text("Prefix"), min_size: filter.number("MinSize", "uint64"), ..LcFilter::default() };
            Some(filter.finish(read)?)
        }
    };
    let expiration = match object.get("Expiration") {
        None => None,
        Some(expiration) => {
            let mut expiration = Object::new(expiration, "proto.Expiration")?;
            let read = LcExpiration { date: date(&expiration)?, days: days(&mut expiration), ..LcExpiration::default() };
            Some(expiration.finish(read)?)
        }
    };
    let mut transitions = Vec::new();
    for item in items(&object, "Transition", "[]*proto.Transition")? {
        let mut transition = Object::new(item, "proto.Transition")?;
        let (date, days) = (date(&transition)?, days(&mut transition));
        let read = LcTransition { date, days, storage_class: transition.text("StorageClass"), ..LcTransition::default() };
        transitions.push(transition.finish(read)?);
    }
    let (id, status) = (object.text("ID"), object.text("Status"));
    object.finish(LcRule { id, status, filter, expiration, transitions, ..LcRule::default() })
}

fn configuration(body: &[u8]) -> Result<LcConfiguration, Fault> {
    let json = json_body::parse(body)?;
    let mut object = Object::new(&json, "proto.LcConfiguration")?;
    let rules: Vec<LcRule> = items(&object, "Rules", "[]*proto.Rule")?.iter().map(rule).collect::<Result<_, _>>()?;
    let vol_name = object.text("VolName");
    object.finish(LcConfiguration { vol_name, rules: rules.into(), ..LcConfiguration::default() })
}

/// `/s3/setLifecycle`: the body is the configuration. v3.5.3 answers nothing at all when a rule is null.
pub async fn set(ctx: Ctx) -> Result<Reply, Fault> {
    let wanted = configuration(&ctx.body)?;
    let name = wanted.vol_name.clone();
    volume::named(&ctx, &name)?;
    lifecycle_rules::check(&wanted)?;
    ctx.master
        .commit(ctx.route.path, |_, txn| {
            let volume = txn.volume_by_name(&name).ok_or(fault::VOL_NOT_EXISTS)?;
            lifecycle_rules::check_classes(&wanted, &volume)?;
            txn.put(wanted.clone());
            Ok(())
        })
        .await
        .map_err(|e| not_written(&ctx, e, "SetS3BucketLifecycle", &name))?;
    Ok(Reply::text(format!("set vol[{name}] lifecycle successfully")))
}

fn not_written(ctx: &Ctx, fault: Fault, action: &str, volume: &str) -> Fault {
    if fault != fault::PERSISTENCE_BY_RAFT {
        return fault;
    }
    let cluster = &ctx.master.config.cluster_name;
    Fault::internal(format!("action[{action}],clusterID[{cluster}] vol:{volume} err:{fault} "))
}

/// `/s3/getLifecycle`.
pub async fn get(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let name = p.name()?;
    volume::named(&ctx, name)?;
    let state = ctx.master.state();
    let configuration = state.lc_configurations.get(name).ok_or(fault::NO_SUCH_LIFECYCLE_CONFIGURATION)?;
    Ok(Reply::ok(&**configuration))
}

/// `/s3/deleteLifecycle`: also where there are no rules.
pub async fn delete(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let name = p.name()?;
    volume::named(&ctx, name)?;
    ctx.master
        .commit(ctx.route.path, |state, txn| {
            if state.lc_configurations.contains_key(name) {
                txn.delete::<LcConfiguration>(&Key::LcConfiguration(name.to_owned()).to_string());
            }
            Ok(())
        })
        .await
        .map_err(|e| not_written(&ctx, e, "DelS3BucketLifecycle", name))?;
    Ok(Reply::text(format!("delete vol[{name}] lifecycle successfully")))
}
