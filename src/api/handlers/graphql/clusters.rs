//! Fields of `/api/cluster`.

use super::super::cluster;
use super::super::look;
use super::super::meta_replica::allowed;
use super::value;
use crate::api::graphql::schema::{Call, Kind, Root, Schema, Shape, Type};
use crate::api::params::Params;
use crate::api::request::Ctx;
use crate::ids::{MasterId, PartitionId};
use crate::master::leadership::Leadership;
use crate::master::moves::{DiskWish, MetaMove, MetaNodeWish, NodeWish};
use crate::model::{DecommissionType, PartitionKind};
use crate::view::node::{DataNodeInfo, MetaNodeInfo};
use crate::view::sight::Sight;
use crate::view::topology::TopologyView;
use crate::wire::gojson;
use crate::wire::reply::fault;
use serde_json::{json, Value};
use std::collections::BTreeSet;

pub const SCHEMA: Schema = Schema { queries: QUERIES, mutations: MUTATIONS };

const RESPONSE: Type = Type { name: "GeneralResp", scalars: &["message", "code"], objects: &[] };
const MASTER: Type = Type { name: "MasterInfo", scalars: &["index", "addr", "isLeader"], objects: &[] };
const ALARM: Type = Type { name: "WarnMessage", scalars: &["time", "key", "hostname", "type", "value", "detail"], objects: &[] };
const DATA_NODE: Type = Type {
    name: "DataNode",
    scalars: &[
        "total",
        "used",
        "availableSpace",
        "iD",
        "zoneName",
        "addr",
        "domainAddr",
        "reportTime",
        "isActive",
        "toBeOffline",
        "usageRatio",
        "selectedTimes",
        "dataPartitionCount",
        "nodeSetID",
        "badDisks",
        "lostDisks",
        "allDisks",
        "rdOnly",
        "mediaType",
        "decommissionedDisk",
        "persistenceDataPartitions",
        "backupDataPartitions",
        "cpuUtil",
    ],
    objects: &[],
};
const META_NODE: Type = Type {
    name: "metaNode",
    scalars: &[
        "iD",
        "addr",
        "domainAddr",
        "isActive",
        "zoneName",
        "maxMemAvailWeight",
        "total",
        "used",
        "ratio",
        "selectCount",
        "threshold",
        "reportTime",
        "metaPartitionCount",
        "nodeSetID",
        "persistenceMetaPartitions",
        "rdOnly",
        "cpuUtil",
    ],
    objects: &[],
};
const NODE: Type = Type {
    name: "NodeView",
    scalars: &["addr", "status", "domainAddr", "iD", "isWritable", "mediaType", "forbidWriteOpOfProtoVer0", "reportDisks"],
    objects: &[("toDataNode", Shape::Object(&DATA_NODE)), ("toMetaNode", Shape::Object(&META_NODE))],
};
const SPACE: Type = Type { name: "NodeStatInfo", scalars: &["totalGB", "usedGB", "increasedGB", "usedRatio", "availGB"], objects: &[] };
const VOLUME_SPACE: Type = Type {
    name: "VolStatInfo",
    scalars: &[
        "name",
        "totalSize",
        "usedSize",
        "usedRatio",
        "cacheTotalSize",
        "cacheUsedSize",
        "cacheUsedRatio",
        "enableToken",
        "inodeCount",
        "txCnt",
        "txRbInoCnt",
        "txRbDenCnt",
        "dpReadOnlyWhenVolFull",
        "trashIntervalV2",
        "defaultStorageClass",
    ],
    objects: &[],
};
const BAD_PARTITION: Type = Type { name: "BadPartitionView", scalars: &["path", "partitionID"], objects: &[] };
const CLUSTER: Type = Type {
    name: "ClusterView",
    scalars: &[
        "name",
        "createTime",
        "leaderAddr",
        "disableAutoAlloc",
        "forbidMpDecommission",
        "metaNodeThreshold",
        "applied",
        "maxDataPartitionID",
        "maxMetaNodeID",
        "maxMetaPartitionID",
        "volDeletionDelayTimeHour",
        "metaNodeGOGC",
        "dataNodeGOGC",
        "markDiskBrokenThreshold",
        "enableAutoDpMetaRepair",
        "autoDpMetaRepairParallelCnt",
        "enableAutoDecommission",
        "autoDecommissionDiskInterval",
        "decommissionFirstHostDiskParallelLimit",
        "decommissionLimit",
        "decommissionDiskLimit",
        "dpRepairTimeout",
        "dpBackupTimeout",
        "dpTimeout",
        "mpTimeout",
        "forbidWriteOpOfProtoVer0",
        "legacyDataMediaType",
        "raftPartitionCanUsingDifferentPortEnabled",
        "flashNodeHandleReadTimeout",
        "flashNodeReadDataNodeTimeout",
        "flashHotKeyMissCount",
        "flashReadFlowLimit",
        "flashWriteFlowLimit",
        "flashKeyFlowLimit",
        "remoteClientFlowLimit",
        "serverCount",
        "dataPartitionCount",
        "metaPartitionCount",
        "volumeCount",
        "masterCount",
        "metaNodeCount",
        "dataNodeCount",
    ],
    objects: &[
        ("dataNodeStatInfo", Shape::Object(&SPACE)),
        ("metaNodeStatInfo", Shape::Object(&SPACE)),
        ("volStatInfo", Shape::List(&VOLUME_SPACE)),
        ("badPartitionIDs", Shape::List(&BAD_PARTITION)),
        ("badMetaPartitionIDs", Shape::List(&BAD_PARTITION)),
        ("masterNodes", Shape::List(&NODE)),
        ("metaNodes", Shape::List(&NODE)),
        ("dataNodes", Shape::List(&NODE)),
        ("flashNodes", Shape::List(&NODE)),
    ],
};

const fn root(
    name: &'static str,
    arguments: &'static [(&'static str, Kind)],
    shape: Shape,
    resolve: &'static dyn crate::api::graphql::schema::Resolve,
) -> Root {
    Root { name, arguments, shape, admin: true, resolve }
}

const QUERIES: &[Root] = &[
    root("clusterView", &[], Shape::Object(&CLUSTER), &cluster_view),
    root("dataNodeList", &[], Shape::List(&DATA_NODE), &data_nodes),
    root("dataNodeListTest", &[("num", Kind::Number)], Shape::List(&DATA_NODE), &data_nodes_of_nowhere),
    root("dataNodeGet", &[("addr", Kind::Text)], Shape::Object(&DATA_NODE), &data_node),
    root("metaNodeList", &[], Shape::List(&META_NODE), &meta_nodes),
    root("metaNodeGet", &[("addr", Kind::Text)], Shape::Object(&META_NODE), &meta_node),
    root("masterList", &[], Shape::List(&MASTER), &masters),
    root("getTopology", &[], Shape::Object(&RESPONSE), &topology),
    root("alarmList", &[("size", Kind::Number)], Shape::List(&ALARM), &alarms),
];

const MEMBER: &[(&str, Kind)] = &[("id", Kind::Number), ("addr", Kind::Text)];

const MUTATIONS: &[Root] = &[
    root("clusterFreeze", &[("status", Kind::Bool)], Shape::Object(&RESPONSE), &freeze),
    root("addRaftNode", MEMBER, Shape::Object(&RESPONSE), &add_master),
    root("removeRaftNode", MEMBER, Shape::Object(&RESPONSE), &remove_master),
    // The name is that of v3.5.3, and so is what it does.
    root("addMetaNode", MEMBER, Shape::Object(&RESPONSE), &remove_master),
    root("loadMetaPartition", &[("partitionID", Kind::Number)], Shape::Object(&RESPONSE), &load_meta_partition),
    root(
        "decommissionMetaPartition",
        &[("partitionID", Kind::Number), ("nodeAddr", Kind::Text)],
        Shape::Object(&RESPONSE),
        &decommission_meta_partition,
    ),
    root("decommissionMetaNode", &[("offLineAddr", Kind::Text)], Shape::Object(&RESPONSE), &decommission_meta_node),
    Root {
        admin: false,
        ..root("decommissionDisk", &[("offLineAddr", Kind::Text), ("diskPath", Kind::Text)], Shape::Object(&RESPONSE), &decommission_disk)
    },
    Root {
        admin: false,
        ..root("decommissionDataNode", &[("offLineAddr", Kind::Text)], Shape::Object(&RESPONSE), &decommission_data_node)
    },
];

fn done(message: &str) -> Result<Value, String> {
    Ok(json!({"message": message, "code": 0}))
}

async fn cluster_view(call: Call) -> Result<Value, String> {
    let view = cluster::view(&call.ctx, false);
    let mut shown = value(&view)?;
    let state = call.ctx.master.state();
    let (data, meta) = (state.data_nodes.len(), state.meta_nodes.len());
    let counts = [
        ("ServerCount", data + meta),
        ("DataPartitionCount", state.data_partitions.len()),
        ("MetaPartitionCount", state.meta_partitions.len()),
        ("VolumeCount", state.volumes.len()),
        ("MasterCount", call.ctx.master.masters().len()),
        ("MetaNodeCount", meta),
        ("DataNodeCount", data),
    ];
    for (name, count) in counts {
        shown[name] = count.into();
    }
    if call.wants(&["dataNodes", "toDataNode"]) || call.wants(&["dataNodes", "reportDisks"]) {
        join(&mut shown["DataNodes"], |addr| {
            let node = one_data_node(&call.ctx, addr)?;
            let disks = report_disks(&call.ctx, addr);
            Ok([("ToDataNode", node), ("ReportDisks", disks)])
        })?;
    }
    if call.wants(&["metaNodes", "toMetaNode"]) {
        join(&mut shown["MetaNodes"], |addr| Ok([("ToMetaNode", one_meta_node(&call.ctx, addr)?)]))?;
    }
    Ok(shown)
}

/// Adds members to each node of a list.
fn join<const N: usize>(nodes: &mut Value, more: impl Fn(&str) -> Result<[(&'static str, Value); N], String>) -> Result<(), String> {
    for node in nodes.as_array_mut().into_iter().flatten() {
        let addr = node["Addr"].as_str().unwrap_or_default().to_owned();
        for (name, value) in more(&addr)? {
            node[name] = value;
        }
    }
    Ok(())
}

/// Disks of the replicas that a node reports, last first.
fn report_disks(ctx: &Ctx, addr: &str) -> Value {
    let state = ctx.master.state();
    let disks: BTreeSet<&str> = state.data_partitions_on(addr).filter_map(|partition| partition.disk_on(addr)).collect();
    disks.into_iter().rev().collect::<Vec<_>>().into()
}

/// Names that v3.5.3 shows here, besides those of the reply of `/dataNode/get`.
fn renamed(mut shown: Value) -> Value {
    for (name, of) in [("ZoneName", "Zone"), ("Total", "TotalWeight"), ("Used", "UsedWeight")] {
        shown[name] = shown[of].clone();
    }
    shown
}

fn nodes<T: serde::Serialize>(ctx: &Ctx, all: impl FnOnce(&Sight<'_>) -> Vec<T>) -> Result<Value, String> {
    let shown: Vec<Value> = look(ctx, all).iter().map(|node| value(node).map(renamed)).collect::<Result<_, _>>()?;
    Ok(shown.into())
}

async fn data_nodes(call: Call) -> Result<Value, String> {
    nodes(&call.ctx, |sight| sight.state.data_nodes.values().map(|node| DataNodeInfo::of(sight, node, false, 0)).collect())
}

/// What somebody once tried the endpoint with: nodes of number 1.
async fn data_nodes_of_nowhere(call: Call) -> Result<Value, String> {
    const NODES_MAX: u64 = 1000;
    nodes(&call.ctx, |_| (0..call.number("num").min(NODES_MAX)).map(|_| DataNodeInfo { id: 1, ..DataNodeInfo::default() }).collect())
}

fn no_data_node(addr: &str) -> String {
    format!("{addr} not found :: data node[{addr}] not found")
}

fn one_data_node(ctx: &Ctx, addr: &str) -> Result<Value, String> {
    let node = look(ctx, |sight| sight.state.data_node_by_addr(addr).map(|node| DataNodeInfo::of(sight, node, false, 0)));
    Ok(renamed(value(&node.ok_or_else(|| no_data_node(addr))?)?))
}

async fn data_node(call: Call) -> Result<Value, String> {
    one_data_node(&call.ctx, call.text("addr"))
}

async fn meta_nodes(call: Call) -> Result<Value, String> {
    nodes(&call.ctx, |sight| sight.state.meta_nodes.values().map(|node| MetaNodeInfo::of(sight, node, 0)).collect())
}

fn one_meta_node(ctx: &Ctx, addr: &str) -> Result<Value, String> {
    let node = look(ctx, |sight| sight.state.meta_node_by_addr(addr).map(|node| MetaNodeInfo::of(sight, node, 0)));
    Ok(renamed(value(&node.ok_or_else(|| format!("not found meta_node by add:[{addr}]"))?)?))
}

async fn meta_node(call: Call) -> Result<Value, String> {
    one_meta_node(&call.ctx, call.text("addr"))
}

async fn masters(call: Call) -> Result<Value, String> {
    let leader = match call.ctx.master.leadership() {
        Leadership::Leader { .. } => Some(call.ctx.master.own_addr()),
        Leadership::Follower { leader } => leader,
    };
    let shown = call.ctx.master.masters().into_iter().map(|(id, addr)| {
        let ip = addr.split(':').next().unwrap_or_default();
        json!({"index": id.0.to_string(), "addr": ip, "isLeader": leader.as_deref() == Some(addr.as_str())})
    });
    Ok(shown.collect::<Vec<_>>().into())
}

async fn topology(call: Call) -> Result<Value, String> {
    let view = look(&call.ctx, TopologyView::of);
    done(&gojson::to_string(&view).map_err(|e| e.to_string())?)
}

/// v3.5.3 reads them from a log file of the leader; here alarms go to the log of whoever has them.
async fn alarms(_: Call) -> Result<Value, String> {
    Ok(Value::Array(Vec::new()))
}

async fn freeze(call: Call) -> Result<Value, String> {
    let on = call.flag("status");
    let frozen = call.ctx.master.change_settings(call.ctx.route.path, |settings| {
        settings.disable_auto_allocate = on;
        Ok(())
    });
    frozen.await.map_err(|e| e.to_string())?;
    done("success")
}

async fn add_master(call: Call) -> Result<Value, String> {
    let added = call.ctx.master.add_master(MasterId(call.number("id")), call.text("addr"));
    added.await.map_err(|e| e.to_string())?;
    done("success")
}

async fn remove_master(call: Call) -> Result<Value, String> {
    call.ctx.master.remove_master(MasterId(call.number("id"))).await.map_err(|e| e.to_string())?;
    done("success")
}

/// The meta partition of the request.
fn meta_partition(call: &Call) -> Result<PartitionId, String> {
    let id = PartitionId(call.number("partitionID"));
    let known = call.ctx.master.state().meta_partitions.contains_key(&id);
    known.then_some(id).ok_or_else(|| format!("meta partition[{id}] not found"))
}

async fn load_meta_partition(call: Call) -> Result<Value, String> {
    let id = meta_partition(&call)?;
    let master = call.ctx.master.clone();
    call.ctx.master.env.spawn("load meta partition", async move { master.load_meta_partition(id).await });
    done("success")
}

async fn decommission_meta_partition(call: Call) -> Result<Value, String> {
    let partition = meta_partition(&call)?;
    allowed(&call.ctx).map_err(|e| e.to_string())?;
    let wish = MetaMove { partition, from: call.text("nodeAddr").to_owned(), to: String::new() };
    call.ctx.master.migrate_meta_replica(call.ctx.route.path, &wish).await.map_err(|e| e.to_string())?;
    done("success")
}

fn known_node(call: &Call, kind: PartitionKind) -> Result<(), String> {
    let (addr, state) = (call.text("offLineAddr"), call.ctx.master.state());
    match kind {
        PartitionKind::Data => state.data_node_by_addr(addr).map(drop).ok_or_else(|| no_data_node(addr)),
        PartitionKind::Meta => {
            state.meta_node_by_addr(addr).map(drop).ok_or_else(|| format!("{addr} not found :: meta node[{addr}] not found"))
        }
    }
}

async fn decommission_meta_node(call: Call) -> Result<Value, String> {
    known_node(&call, PartitionKind::Meta)?;
    allowed(&call.ctx).map_err(|e| e.to_string())?;
    let wish = MetaNodeWish { addr: call.text("offLineAddr").to_owned(), ..MetaNodeWish::default() };
    call.ctx.master.migrate_meta_node(call.ctx.route.path, &wish).await.map_err(|e| e.to_string())?;
    done("success")
}

async fn decommission_disk(call: Call) -> Result<Value, String> {
    known_node(&call, PartitionKind::Data)?;
    let wish = DiskWish {
        addr: call.text("offLineAddr").to_owned(),
        disk: call.text("diskPath").to_owned(),
        disable: true,
        kind: DecommissionType::MANUAL,
        weight: Params::WEIGHT_DEFAULT,
        ..DiskWish::default()
    };
    let state = call.ctx.master.state();
    if state.data_node_by_addr(&wish.addr).is_some_and(|node| !node.all_disks.contains(&wish.disk)) {
        return Err(fault::DISK_NOT_EXISTS.to_string());
    }
    call.ctx.master.decommission_disk(call.ctx.route.path, &wish).await.map_err(|e| e.to_string())?;
    done("success")
}

async fn decommission_data_node(call: Call) -> Result<Value, String> {
    known_node(&call, PartitionKind::Data)?;
    let addr = call.text("offLineAddr").to_owned();
    let wish = NodeWish { addr, weight: Params::WEIGHT_DEFAULT, ..NodeWish::default() };
    call.ctx.master.decommission_data_node(call.ctx.route.path, &wish).await.map_err(|e| e.to_string())?;
    done(&format!("decommission data node [{}] submited,please check laster!", wish.addr))
}
