//! Setting and reading the settings of the cluster (v3.5.3 http-cluster-volume.md §1.1 to §1.4).

use super::go_time;
use crate::api::go_parse::{parse_bool, parse_float, parse_int, parse_uint};
use crate::api::params::Params;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::master::settings::{disk_broken_threshold, NodeInfo, Selectors};
use crate::model::{ClusterValue, MediaType};
use crate::view::gotext;
use crate::wire::gojson::duration;
use crate::wire::reply::Fault;
use std::collections::BTreeMap;

/// A smaller limit of directory children is raised to this.
const DIR_CHILDREN_MIN: u32 = 1_000_000;
const GOGC_MIN: i64 = 30;
const GOGC_MAX: i64 = 100;
/// Sizes at which files are counted when none were ever set, bytes.
const FILE_STATS_DEFAULT: [u64; 7] = [1 << 10, 1 << 20, 16 << 20, 32 << 20, 64 << 20, 128 << 20, 256 << 20];

/// `/admin/setClusterInfo`: the limit of directory children.
pub async fn set_cluster_info(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let key = if !p.has("dirSizeLimit") && p.has("dirQuota") { "dirQuota" } else { "dirSizeLimit" };
    let limit = p.u32_raw(key)?.max(DIR_CHILDREN_MIN);
    ctx.master
        .change_settings(ctx.route.path, |c| {
            let _: () = c.dir_children_num_limit = limit;
            Ok(())
        })
        .await?;
    Ok(Reply::text(format!("set dir limit(min:{DIR_CHILDREN_MIN}, max:{}) to {limit} successfully", u32::MAX)))
}

/// `/cluster/freeze`: nothing is allocated by itself any more, and no volume created.
pub async fn freeze(ctx: Ctx) -> Result<Reply, Fault> {
    let on = ctx.form()?.enable()?;
    ctx.master
        .change_settings(ctx.route.path, |c| {
            let _: () = c.disable_auto_allocate = on;
            Ok(())
        })
        .await?;
    Ok(Reply::text(format!("set DisableAutoAllocate to {on} successfully")))
}

/// `/cluster/forbidMetaPartitionDecommission`.
pub async fn forbid_mp_decommission(ctx: Ctx) -> Result<Reply, Fault> {
    let on = ctx.form()?.enable()?;
    ctx.master
        .change_settings(ctx.route.path, |c| {
            let _: () = c.forbid_mp_decommission = on;
            Ok(())
        })
        .await?;
    Ok(Reply::text(format!("set ForbidMpDecommission to {on} successfully")))
}

/// `/threshold/set`: the share of its memory that a meta node may use.
pub async fn set_threshold(ctx: Ctx) -> Result<Reply, Fault> {
    let given = ctx.form()?.f64_raw("threshold")?;
    let threshold = given as f32;
    let text = gotext::float(given);
    // NaN passes the comparison of v3.5.3 and then cannot be stored.
    if !(0.0..=1.0).contains(&threshold) {
        return Err(Fault::internal(format!("set threshold failed: threshold ({text}) should between 0.0 and 1.0")));
    }
    ctx.master
        .change_settings(ctx.route.path, |c| {
            let _: () = c.threshold = threshold;
            Ok(())
        })
        .await?;
    Ok(Reply::text(format!("set threshold to {text} successfully")))
}

/// `/volDeletionDelayTime/set`, hours.
pub async fn set_volume_deletion_delay(ctx: Ctx) -> Result<Reply, Fault> {
    let hours = ctx.form()?.atoi_raw("volDeletionDelayTime")?;
    // A stored 0 would mean the default.
    let stored = if hours == 0 { -1 } else { hours };
    ctx.master
        .change_settings(ctx.route.path, |c| {
            c.vol_deletion_delay_time_hour = stored;
            Ok(())
        })
        .await?;
    Ok(Reply::text(format!("set volDeletionDelayTime to {hours} h successfully")))
}

/// `/metaNodeGOGC/set`. v3.5.3 stores a value that it refuses; here a refusal changes nothing.
pub async fn set_meta_node_gogc(ctx: Ctx) -> Result<Reply, Fault> {
    set_gogc(ctx, "metaNodeGOGC", |c, n| c.meta_node_gogc = n).await
}

/// `/dataNodeGOGC/set`.
pub async fn set_data_node_gogc(ctx: Ctx) -> Result<Reply, Fault> {
    set_gogc(ctx, "dataNodeGOGC", |c, n| c.data_node_gogc = n).await
}

async fn set_gogc(ctx: Ctx, key: &str, set: fn(&mut ClusterValue, i64)) -> Result<Reply, Fault> {
    let value = ctx.form()?.atoi_raw(key)?;
    if !(GOGC_MIN..=GOGC_MAX).contains(&value) {
        return Err(Fault::param(format!("{key} must be greater than or equal to {GOGC_MIN} and less than or equal to {GOGC_MAX}")));
    }
    ctx.master
        .change_settings(ctx.route.path, |c| {
            set(c, value);
            Ok(())
        })
        .await?;
    Ok(Reply::text(format!("set {key} to {value} successfully")))
}

/// `/cluster/setCheckDataReplicasEnable`.
pub async fn set_check_data_replicas(ctx: Ctx) -> Result<Reply, Fault> {
    let on = ctx.form()?.enable()?;
    ctx.master
        .change_settings(ctx.route.path, |c| {
            let _: () = c.check_data_replicas_enable = on;
            Ok(())
        })
        .await?;
    Ok(Reply::text(format!("set checkDataReplicasEnable to [{on}] successfully")))
}

/// `/admin/setFileStats`: what cannot be read is left as it is.
pub async fn set_file_stats(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.params();
    let on = p.optional("enable").and_then(|text| parse_bool(text).ok());
    let sizes = p.optional("threshold").and_then(|text| text.split(',').map(|part| parse_uint(part, 64).ok()).collect::<Option<Vec<_>>>());
    if sizes.iter().flatten().any(|size| *size == 0) {
        return Err(Fault::internal("threshold can't be zero"));
    }
    let (on, sizes) = ctx
        .master
        .change_settings(ctx.route.path, |c| {
            c.file_stats_enable = on.unwrap_or(c.file_stats_enable);
            if let Some(sizes) = &sizes {
                c.file_stats_thresholds = sizes.clone().into();
            }
            Ok((c.file_stats_enable, c.file_stats_thresholds.clone()))
        })
        .await?;
    Ok(Reply::text(format!("set setFileStats enable to [{on}] thresholds to [{}] successfully", gotext::list(&sizes))))
}

/// `/admin/getFileStats`.
pub async fn get_file_stats(ctx: Ctx) -> Result<Reply, Fault> {
    let state = ctx.master.state();
    let sizes = &state.settings.file_stats_thresholds;
    let sizes = if sizes.is_empty() { FILE_STATS_DEFAULT.to_vec() } else { sizes.to_vec() };
    Ok(Reply::text(format!("getFileStats enable value [{}] thresholds value [{}]", state.settings.file_stats_enable, gotext::list(&sizes))))
}

/// `/admin/generateClusterUuid`.
pub async fn generate_uuid(ctx: Ctx) -> Result<Reply, Fault> {
    let uuid = ctx.master.generate_cluster_uuid().await?;
    Ok(Reply::text(format!("generate ClusterUUID [{uuid}] successfully")))
}

/// `/admin/getClusterUuid`.
pub async fn get_uuid(ctx: Ctx) -> Result<Reply, Fault> {
    let state = ctx.master.state();
    let settings = &state.settings;
    Ok(Reply::text(format!("ClusterUUID [{}], enable value [{}]", settings.cluster_uuid, settings.cluster_uuid_enable)))
}

/// `/admin/setClusterUuidEnable`.
pub async fn set_uuid_enable(ctx: Ctx) -> Result<Reply, Fault> {
    if ctx.master.state().settings.cluster_uuid.is_empty() {
        return Err(Fault::internal("no ClusterUuid, generate it first"));
    }
    let on = ctx.form()?.enable()?;
    ctx.master
        .change_settings(ctx.route.path, |c| {
            let _: () = c.cluster_uuid_enable = on;
            Ok(())
        })
        .await?;
    Ok(Reply::text(format!("set clusterUuIdEnable to [{on}] successfully")))
}

/// `/admin/setDiskBrokenThreshold`.
pub async fn set_disk_broken_threshold(ctx: Ctx) -> Result<Reply, Fault> {
    let given = ctx.form()?.f64_raw("markDiskBrokenThreshold")?;
    let set = ctx.master.change_settings(ctx.route.path, |c| {
        let _: () = c.mark_disk_broken_threshold = disk_broken_threshold(given);
        Ok(())
    });
    set.await.map_err(|e| Fault::internal(format!("set disk broken ratio failed:{e}")))?;
    Ok(Reply::text(format!("disk broken rationis set to {} ", gotext::float(given))))
}

/// `/admin/queryDiskBrokenThreshold`.
pub async fn query_disk_broken_threshold(ctx: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::text(format!("disk broken ratio is {} ", gotext::float(ctx.master.state().settings.mark_disk_broken_threshold))))
}

/// `/admin/getNodeInfo`: texts by name.
pub async fn get_node_info(ctx: Ctx) -> Result<Reply, Fault> {
    let state = ctx.master.state();
    let s = &state.settings;
    let info: BTreeMap<&str, String> = [
        ("autoRepairRate", s.data_node_auto_repair_limit_rate.to_string()),
        ("batchCount", s.meta_node_delete_batch_count.to_string()),
        ("deleteWorkerSleepMs", s.meta_node_delete_worker_sleep_ms.to_string()),
        ("dpMaxRepairErrCnt", s.dp_max_repair_err_cnt.to_string()),
        ("loadFactor", gotext::float32(s.load_factor)),
        ("markDeleteRate", s.data_node_delete_limit_rate.to_string()),
        ("maxDpCntLimit", s.max_dp_cnt_limit.to_string()),
        ("maxMpCntLimit", s.max_mp_cnt_limit.to_string()),
    ]
    .into();
    Ok(Reply::ok(&info))
}

/// Reads the members of `/admin/setNodeInfo` and keeps them as the reply shows them.
struct Members<'a> {
    p: &'a Params,
    shown: BTreeMap<&'static str, String>,
}

impl Members<'_> {
    /// A member, with how it is read and shown. `blame` is the key that a refusal names.
    fn read<T>(
        &mut self,
        key: &'static str,
        blame: &'static str,
        read: impl Fn(&str) -> Option<T>,
        show: impl Fn(&T) -> String,
    ) -> Result<Option<T>, Fault> {
        let Some(text) = self.p.optional(key) else { return Ok(None) };
        let value = read(text).ok_or_else(|| Fault::bad_key(blame))?;
        self.shown.insert(key, show(&value));
        Ok(Some(value))
    }

    fn u64(&mut self, key: &'static str) -> Result<Option<u64>, Fault> {
        self.read(key, key, |text| parse_uint(text, 64).ok(), u64::to_string)
    }

    fn i64(&mut self, key: &'static str) -> Result<Option<i64>, Fault> {
        self.read(key, key, |text| parse_int(text, 64).ok(), i64::to_string)
    }

    fn i32(&mut self, key: &'static str) -> Result<Option<i64>, Fault> {
        self.read(key, key, |text| parse_int(text, 32).ok(), i64::to_string)
    }

    fn flag(&mut self, key: &'static str) -> Result<Option<bool>, Fault> {
        self.read(key, key, |text| parse_bool(text).ok(), bool::to_string)
    }

    fn text(&mut self, key: &'static str) -> Option<String> {
        let text = self.p.optional(key)?.to_owned();
        self.shown.insert(key, text.clone());
        Some(text)
    }
}

/// `/admin/setNodeInfo`: everything that is named, or nothing (v3.5.3 http-cluster-volume.md §1.3).
pub async fn set_node_info(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let mut m = Members { p: &p, shown: BTreeMap::new() };
    let batch_count = m.u64("batchCount")?;
    let mark_delete_rate = m.u64("markDeleteRate")?;
    let auto_repair_rate = m.u64("autoRepairRate")?;
    // v3.5.3 blames the wrong key here.
    let delete_worker_sleep_ms = m.read("deleteWorkerSleepMs", "markDeleteRate", |text| parse_uint(text, 64).ok(), u64::to_string)?;
    let load_factor =
        m.read("loadFactor", "loadFactor", |text| parse_float(text).ok().filter(|n| *n >= 0.0).map(|n| n as f32), |n| gotext::float32(*n))?;
    let max_dp_cnt_limit = m.u64("maxDpCntLimit")?;
    let max_mp_cnt_limit = m.u64("maxMpCntLimit")?;
    let dp_repair_timeout = m.u64("dpRepairTimeOut")?;
    let dp_backup_timeout = m.u64("dpBackupTimeout")?;
    let dp_max_repair_err_cnt = m.u64("dpMaxRepairErrCnt")?;
    let created = m.text("clusterCreateTime");
    let selectors = Selectors {
        data_node_set: m.text("dataNodesetSelector"),
        meta_node_set: m.text("metaNodesetSelector"),
        data_node: m.text("dataNodeSelector"),
        meta_node: m.text("metaNodeSelector"),
    };
    let mark_disk_broken_threshold =
        m.read("markDiskBrokenThreshold", "markDiskBrokenThreshold", |text| parse_float(text).ok(), |n| gotext::float(*n))?;
    let info = NodeInfo {
        batch_count,
        mark_delete_rate,
        auto_repair_rate,
        delete_worker_sleep_ms,
        load_factor,
        max_dp_cnt_limit,
        max_mp_cnt_limit,
        dp_repair_timeout,
        dp_backup_timeout,
        dp_max_repair_err_cnt,
        cluster_create_time: None,
        mark_disk_broken_threshold,
        flash_node_handle_read_timeout: m.i32("flashNodeHandleReadTimeout")?,
        flash_hot_key_miss_count: m.i32("flashHotKeyMissCount")?,
        flash_node_read_data_node_timeout: m.i32("flashNodeReadDataNodeTimeout")?,
        auto_decommission_disk: m.flag("autoDecommissionDisk")?,
        auto_decommission_disk_interval: m.read(
            "autoDecommissionDiskInterval",
            "autoDecommissionDiskInterval",
            |text| parse_int(text, 64).ok(),
            |n| duration::to_text(*n),
        )?,
        auto_dp_meta_repair: m.flag("autoDpMetaRepair")?,
        auto_dp_meta_repair_parallel_cnt: m.i32("autoDpMetaRepairParallelCnt")?.map(|n| n as i32),
        dp_timeout: m.i64("dpTimeout")?,
        mp_timeout: m.i64("mpTimeout")?,
        decommission_limit: m.u64("decommissionLimit")?,
        decommission_disk_limit: m.u64("decommissionDiskLimit")?.map(|n| n as u32),
        data_media_type: m.u64("dataMediaType")?.map(|n| MediaType(n as u32)),
        forbid_write_op_of_proto_ver0: m.flag("forbidWriteOpOfProtoVersion0")?,
        flash_read_flow_limit: m.i64("flashReadFlowLimit")?,
        flash_write_flow_limit: m.i64("flashWriteFlowLimit")?,
        flash_key_flow_limit: m.i64("flashKeyFlowLimit")?,
        remote_client_flow_limit: m.i64("remoteClientFlowLimit")?,
        selectors,
    };
    if m.shown.is_empty() {
        return Err(Fault::param("no key assigned"));
    }
    let created = created.map(|text| go_time::parse_date_time(&text, gotext::ZONE)).transpose().map_err(Fault::internal)?;
    let shown = gotext::map(&m.shown);
    ctx.master.set_node_info(&NodeInfo { cluster_create_time: created, ..info }).await?;
    Ok(Reply::text(format!("set nodeinfo params {shown} successfully")))
}

/// Keys of `/admin/setConfig` in the order in which they are taken.
const CONFIG_KEYS: [&str; 9] = [
    "metaPartitionInodeIdStep",
    "metaNodeMemoryHighPer",
    "metaNodeMemoryLowPer",
    "autoMetaPartitionMigrate",
    "flashNodeHandleReadTimeout",
    "flashNodeReadDataNodeTimeout",
    "flashHotKeyMissCount",
    "flashReadFlowLimit",
    "flashWriteFlowLimit",
];

/// `/admin/setConfig`: everything that is named, or nothing.
pub async fn set_config(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let given: BTreeMap<&str, String> = CONFIG_KEYS.iter().filter_map(|key| Some((*key, p.optional(key)?.to_owned()))).collect();
    if given.is_empty() {
        return Err(Fault::no_key("config"));
    }
    ctx.master
        .change_settings(ctx.route.path, |c| {
            let low = p.f64_raw_or("metaNodeMemoryLowPer", c.meta_node_memory_low_per)?;
            let high = p.f64_raw_or("metaNodeMemoryHighPer", c.meta_node_memory_high_per)?;
            if low >= high {
                return Err(Fault::param(format!("metaNodeMemoryLowPer({low:.6}) >= metaNodeMemoryHighPer({high:.6})")));
            }
            (c.meta_node_memory_low_per, c.meta_node_memory_high_per) = (low, high);
            c.meta_partition_inode_id_step = p.u64_raw_or("metaPartitionInodeIdStep", c.meta_partition_inode_id_step)?;
            c.auto_mp_migrate = p.bool_raw_or("autoMetaPartitionMigrate", c.auto_mp_migrate)?;
            for (key, slot) in [
                ("flashNodeHandleReadTimeout", &mut c.flash_node_handle_read_timeout),
                ("flashNodeReadDataNodeTimeout", &mut c.flash_node_read_data_node_timeout),
                ("flashHotKeyMissCount", &mut c.flash_hot_key_miss_count),
            ] {
                if p.has(key) {
                    *slot = p.atoi_raw(key)?;
                }
            }
            for (key, slot) in
                [("flashReadFlowLimit", &mut c.flash_read_flow_limit), ("flashWriteFlowLimit", &mut c.flash_write_flow_limit)]
            {
                if p.has(key) {
                    *slot = p.i64_raw(key)?;
                }
            }
            Ok(())
        })
        .await?;
    Ok(Reply::text(format!("set config[{}] success", gotext::map(&given))))
}

/// `/admin/getConfig`: one value as text.
pub async fn get_config(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let key = p.required("config")?;
    let state = ctx.master.state();
    let s = &state.settings;
    let value = match key {
        "metaPartitionInodeIdStep" => s.meta_partition_inode_id_step.to_string(),
        "metaNodeMemoryHighPer" => s.meta_node_memory_high_per.to_string(),
        "metaNodeMemoryLowPer" => s.meta_node_memory_low_per.to_string(),
        "autoMetaPartitionMigrate" => s.auto_mp_migrate.to_string(),
        "flashNodeHandleReadTimeout" => s.flash_node_handle_read_timeout.to_string(),
        "flashNodeReadDataNodeTimeout" => s.flash_node_read_data_node_timeout.to_string(),
        "flashHotKeyMissCount" => s.flash_hot_key_miss_count.to_string(),
        "flashReadFlowLimit" => s.flash_read_flow_limit.to_string(),
        "flashWriteFlowLimit" => s.flash_write_flow_limit.to_string(),
        "remoteClientFlowLimit" => s.remote_client_flow_limit.to_string(),
        _ => return Err(Fault::no_key("config")),
    };
    Ok(Reply::text(value))
}

// ---- limits of decommissioning (v3.5.3 http-partitions-nodes.md §12, §13) -------------------------------------------

/// `/admin/updateDecommissionLimit`.
pub async fn update_decommission_limit(ctx: Ctx) -> Result<Reply, Fault> {
    let limit = ctx.form()?.u32_raw("decommissionLimit")?;
    let set = ctx.master.change_settings(ctx.route.path, |c| {
        let _: () = c.decommission_limit = u64::from(limit);
        Ok(())
    });
    set.await.map_err(|e| Fault::internal(format!("set master not worked {e}")))?;
    Ok(Reply::text(format!("set decommission limit to {limit} successfully")))
}

/// `/admin/queryDecommissionLimit`.
pub async fn query_decommission_limit(ctx: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::text(format!("decommission limit is {}", ctx.master.state().settings.decommission_limit)))
}

/// `/admin/updateDecommissionDiskLimit`.
pub async fn update_decommission_disk_limit(ctx: Ctx) -> Result<Reply, Fault> {
    let limit = ctx.form()?.u32_raw("decommissionDiskLimit")?;
    ctx.master
        .change_settings(ctx.route.path, |c| {
            c.set_disk_limit(limit);
            Ok(())
        })
        .await?;
    Ok(Reply::text(format!("set decommission factor to {limit} successfully")))
}

/// `/admin/enableAutoDecommissionDisk`.
pub async fn enable_auto_decommission_disk(ctx: Ctx) -> Result<Reply, Fault> {
    let on = ctx.form()?.enable()?;
    let set = ctx.master.change_settings(ctx.route.path, |c| {
        let _: () = c.enable_auto_decommission_disk = on;
        Ok(())
    });
    set.await.map_err(|e| Fault::internal(format!("set master not worked {e}")))?;
    Ok(Reply::text(format!("set auto decommission disk to {on} successfully")))
}

/// `/admin/queryAutoDecommissionDisk`.
pub async fn query_auto_decommission_disk(ctx: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::ok(&ctx.master.state().settings.enable_auto_decommission_disk))
}

/// `/admin/updateDecommissionFirstHostDiskParallelLimit`; 0 is stored as the default.
pub async fn update_first_host_disk_limit(ctx: Ctx) -> Result<Reply, Fault> {
    let limit = ctx.form()?.u64_raw("decommissionFirstHostDiskParallelLimit")?;
    let set = ctx.master.change_settings(ctx.route.path, |c| {
        c.decommission_first_host_disk_parallel_limit = if limit == 0 { 10 } else { limit };
        Ok(())
    });
    set.await.map_err(|e| Fault::internal(format!("set master not worked {e}")))?;
    Ok(Reply::text(format!("set decommission first host disk parallel limit to {limit} successfully")))
}

/// `/admin/queryDecommissionFirstHostDiskParallelLimit`.
pub async fn query_first_host_disk_limit(ctx: Ctx) -> Result<Reply, Fault> {
    let limit = ctx.master.state().settings.decommission_first_host_disk_parallel_limit;
    Ok(Reply::text(format!("decommission first host disk parallel limit is {limit}")))
}

/// `/qos/masterLimit`: how many uploads of client statistics are taken a second.
pub async fn set_qos_master_limit(ctx: Ctx) -> Result<Reply, Fault> {
    const LIMIT_MIN: u64 = 3000;
    let p = ctx.params();
    let text = p.optional("qosLimit").ok_or_else(|| Fault::internal("no param of limit"))?;
    let limit = parse_uint(text, 64).map_err(|_| Fault::internal("wrong param of limit"))?;
    if limit < LIMIT_MIN {
        return Err(Fault::internal("limit too less than 3000"));
    }
    let set = ctx.master.change_settings(ctx.route.path, |c| {
        let _: () = c.qos_limit_upload = limit;
        Ok(())
    });
    set.await.map_err(|e| Fault::internal(format!("set master not worked {e}")))?;
    Ok(Reply::text("success"))
}
