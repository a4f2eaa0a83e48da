//! Manual tasks of the flash cache (v3.5.3 http-partitions-nodes.md §16.3, §16.4).

use super::go_time::parse_json_time;
use super::json_body::{self, Json, Object};
use crate::api::go_parse::parse_int;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::master::flash_tasks::Command;
use crate::model::{FlashTask, FlashTaskConfig, FlashTaskStatistics, FlashTaskStatus};
use crate::wire::gojson::{List, Time};
use crate::wire::reply::Fault;

fn time(object: &Object<'_>, key: &str) -> Result<Option<Time>, Fault> {
    match object.get(key) {
        None => Ok(None),
        Some(Json::Text(text)) => parse_json_time(text).map(Some).map_err(Fault::param),
        Some(_) => Err(Fault::param("Time.UnmarshalJSON: input is not a JSON string")),
    }
}

fn config(json: &Json) -> Result<FlashTaskConfig, Fault> {
    let mut object = Object::new(json, "proto.ManualTaskConfig")?;
    let config = FlashTaskConfig {
        prefix: object.text("Prefix"),
        traverse_file_concurrency: object.number("TraverseFileConcurrency", "int"),
        handler_file_concurrency: object.number("HandlerFileConcurrency", "int"),
        total_file_size_limit: object.number("TotalFileSizeLimit", "int64"),
        min_file_size_limit: object.number("MinFileSizeLimit", "int64"),
        max_file_size_limit: object.number("MaxFileSizeLimit", "int64"),
        warm_up_path_expire: object.number("WarmUpPathExpire", "int64"),
        ..FlashTaskConfig::default()
    };
    object.finish(config)
}

fn statistics(json: &Json) -> Result<FlashTaskStatistics, Fault> {
    let mut object = Object::new(json, "proto.ManualTaskStatistics")?;
    let statistics = FlashTaskStatistics {
        total_file_scanned_num: object.number("TotalFileScannedNum", "int64"),
        total_file_cached_num: object.number("TotalFileCachedNum", "int64"),
        total_dir_scanned_num: object.number("TotalDirScannedNum", "int64"),
        total_extent_key_num: object.number("TotalExtentKeyNum", "int64"),
        error_cache_num: object.number("ErrorCacheNum", "int64"),
        error_read_dir_num: object.number("ErrorReadDirNum", "int64"),
        total_cache_size: object.number("TotalCacheSize", "int64"),
        last_cache_size: object.number("LastCacheSize", "int64"),
        flash_node: object.text("FlashNode"),
        ..FlashTaskStatistics::default()
    };
    object.finish(statistics)
}

fn task(body: &[u8]) -> Result<FlashTask, Fault> {
    let json = json_body::parse(body)?;
    let mut object = Object::new(&json, "proto.FlashManualTask")?;
    let task = FlashTask {
        id: object.text("Id"),
        action: object.text("Action"),
        vol_name: object.text("VolName"),
        status: FlashTaskStatus(object.number("Status", "int")),
        config: object.get("ManualTaskConfig").map(config).transpose()?.unwrap_or_default(),
        statistics: object.get("ManualTaskStatistics").map(statistics).transpose()?.map(Box::new),
        end_time: time(&object, "EndTime")?,
        done: object.flag("Done"),
        ..FlashTask::default()
    };
    object.finish(task)
}

/// `/flashNode/createFlashManualTask`: the body is the task.
pub async fn create(ctx: Ctx) -> Result<Reply, Fault> {
    let task = task(&ctx.body)?;
    ctx.master.create_flash_task(ctx.route.path, task).await?;
    Ok(Reply::text("set flashNode manual task success"))
}

/// `/flashNode/manualTask`: tasks, how many run at a time, and what they are told.
pub async fn admin(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let id = p.get("tid");
    let actor = ctx.route.path;
    let command = match p.get("op") {
        "info" => {
            let tasks: List<FlashTask> = ctx.master.flash_tasks(p.optional("vol"), p.optional("tid")).into_iter().collect();
            return Ok(Reply::ok(&tasks));
        }
        "set" => {
            let limit = p.get("total_limit");
            if !limit.is_empty() {
                let limit = parse_int(limit, 32).map_err(|e| Fault::param(e.to_string()))? as i32;
                ctx.master.limit_flash_tasks(actor, limit).await?;
            }
            return Ok(Reply::said(&format!("total limit {limit}")));
        }
        "delete" => {
            ctx.master.delete_flash_task(actor, id).await?;
            return Ok(Reply::said(&format!("tid({id}), delete success")));
        }
        "stop" => Command::Stop,
        "pause" => Command::Pause,
        "resume" => Command::Resume,
        _ => return Err(Fault::param("invalid op")),
    };
    if id.is_empty() {
        return Err(Fault::param("req param miss tid info"));
    }
    ctx.master.command_flash_task(actor, id, command).await?;
    Ok(Reply::said(&format!("tid({id}), op({}), send to flashnode", command.text())))
}
