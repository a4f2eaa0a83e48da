//! The route table: every route of the master, once (v3.5.3 http-general.md §14, with §6 and §15).
//!
//! To serve a route, append `.to(&module::handler)` to its row and take its path out of [`NOT_SUPPORTED_YET`].

use super::handlers::{
    access, api_limits, client, cluster, data_node, data_partition, data_replica, disk, document, empty_meta, flash_group, flash_node,
    flash_task, graphql, lc_node, lifecycle, masters, meta_balance, meta_node, meta_partition, meta_replica, metrics, moves, qos, quota,
    raft, response, s3_limits, settings, topology, user, versions, volume,
};
use super::route::Effect::{Change, Read, Report};
use super::route::Methods::{DeletePost as DELETE_POST, Get as GET, GetPost as GET_POST, Post as POST, PutPost as PUT_POST};
use super::route::Route;
use super::route::Served::{Any, AnyWithCache, Leader, LeaderOrView};

const fn route(
    path: &'static str,
    methods: super::route::Methods,
    served: super::route::Served,
    effect: super::route::Effect,
    purpose: &'static str,
) -> Route {
    Route::new(path, methods, served, effect, purpose)
}

/// Every route.
#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    route("/admin/getMasterApiList", GET, Leader, Read, "map api name -> path of all rate-limitable APIs").open().limiter("admingetmasterapilist").to(&api_limits::list),
    route("/admin/setApiQpsLimit", GET_POST, Leader, Change, "set and persist a rate limit for one API").open().limiter("adminsetapiqpslimit").to(&api_limits::set),
    route("/admin/getApiQpsLimit", GET, Leader, Read, "list the rate limits in force").open().to(&api_limits::get),
    route("/admin/rmApiQpsLimit", GET_POST, Leader, Change, "remove one rate limit").open().to(&api_limits::remove),
    route("/admin/getIp", GET, Any, Read, "cluster name, caller IP and node parameters (first call of every node and client)").open().limiter("admingetip").to(&cluster::get_ip),
    route("/admin/getCluster", GET, Leader, Read, "full cluster view").open().limiter("admingetcluster").to(&cluster::get_cluster),
    route("/admin/getOpLog", GET, Leader, Read, "operation counters reported by data nodes").open().limiter("admingetoplog").to(&cluster::get_op_log),
    route("/admin/aclOp", GET, Leader, Change, "per-volume IP deny list: list/add/delete/check").open().to(&access::acl),
    route("/admin/uidOp", GET, Leader, Change, "per-volume uid space limits: list/add/delete/get").open().to(&access::uid),
    route("/admin/setClusterInfo", GET_POST, Leader, Change, "limit of directory children").open().limiter("adminsetclusterinfo").to(&settings::set_cluster_info),
    route("/admin/getMonitorPushAddr", GET, Leader, Read, "configured monitor push address").open().to(&cluster::monitor_push_addr),
    route("/cluster/freeze", GET_POST, Leader, Change, "turn automatic partition allocation off/on").ticket(0x80100, "master:clusterfreeze").limiter("adminclusterfreeze").to(&settings::freeze),
    route("/vol/forbidden", GET_POST, Leader, Change, "forbid/allow writes of a volume").open().to(&volume::set_forbidden),
    route("/vol/auditlog", GET_POST, Leader, Change, "client audit log switch of a volume").open().to(&volume::set_audit_log),
    route("/cluster/forbidMetaPartitionDecommission", GET_POST, Leader, Change, "forbid meta partition decommission").open().limiter("adminclusterforbidmpdecommission").to(&settings::forbid_mp_decommission),
    route("/raftNode/add", GET_POST, Leader, Change, "add a master to the raft group").ticket(0x80200, "master:addraftnode").limiter("addraftnode").to(&raft::add),
    route("/raftNode/remove", GET_POST, Leader, Change, "remove a master from the raft group").ticket(0x80300, "master:removeraftnode").limiter("removeraftnode").to(&raft::remove),
    route("/get/raftStatus", GET_POST, Leader, Read, "raft status of the master group").open().limiter("raftstatus").to(&raft::status),
    route("/cluster/stat", GET, Leader, Read, "space statistics by cluster and zone").open().limiter("adminclusterstat").to(&cluster::stat),
    route("/cluster/setCheckDataReplicasEnable", GET_POST, Leader, Change, "switch of the data replica check").open().to(&settings::set_check_data_replicas),
    route("/admin/setConfig", GET_POST, Leader, Change, "set a few run-time configuration values").open().to(&settings::set_config),
    route("/admin/getConfig", GET_POST, Leader, Read, "read one of them").open().to(&settings::get_config),
    route("/admin/updateDecommissionFirstHostDiskParallelLimit", GET_POST, Leader, Change, "limit of parallel repairs per source disk").open().to(&settings::update_first_host_disk_limit),
    route("/admin/queryDecommissionFirstHostDiskParallelLimit", GET_POST, Leader, Read, "read it").open().to(&settings::query_first_host_disk_limit),
    route("/admin/updateDecommissionFirstHostParallelLimit", GET_POST, Leader, Change, "limit of parallel repairs per source node").open().to(&data_node::update_first_host_limit),
    route("/admin/queryDecommissionFirstHostParallelLimit", GET_POST, Leader, Read, "read it").open().to(&data_node::query_first_host_limit),
    route("/admin/queryDecommissionFirstHostParallelInfo", GET_POST, Leader, Read, "running repairs per source node").open().to(&data_node::first_host_repairs),
    route("/admin/updateDecommissionLimit", GET_POST, Leader, Change, "decommission token limit of every node set").open().to(&settings::update_decommission_limit),
    route("/admin/queryDecommissionLimit", GET, Leader, Read, "read it").open().to(&settings::query_decommission_limit),
    route("/admin/queryDiskDecommissionInfoStat", GET, Leader, Read, "running decommission by disk").open().to(&disk::disk_repairs),
    route("/admin/queryDataNodeDecommissionInfoStat", GET, Leader, Read, "running decommission by data node").open().to(&disk::node_repairs),
    route("/admin/queryDecommissionToken", GET_POST, Leader, Read, "token state of all node sets").open().to(&disk::tokens),
    route("/admin/setFileStats", GET_POST, Leader, Change, "file size statistics switch and thresholds").open().to(&settings::set_file_stats),
    route("/admin/getFileStats", GET, Leader, Read, "read them").open().to(&settings::get_file_stats),
    route("/admin/setClusterUuidEnable", GET_POST, Leader, Change, "enable/disable the cluster uuid").open().to(&settings::set_uuid_enable),
    route("/admin/getClusterUuid", GET, Leader, Read, "read uuid and switch").open().to(&settings::get_uuid),
    route("/admin/generateClusterUuid", GET_POST, Leader, Change, "create the uuid once").open().to(&settings::generate_uuid),
    route("/admin/getClusterValue", GET_POST, Leader, Read, "dump of the persisted cluster record").open().to(&cluster::get_cluster_value),
    route("/admin/updateDecommissionDiskLimit", GET_POST, Leader, Change, "limit of disks decommissioned in parallel").open().to(&settings::update_decommission_disk_limit),
    route("/admin/enableAutoDecommissionDisk", GET_POST, Leader, Change, "switch of automatic disk decommission").open().to(&settings::enable_auto_decommission_disk),
    route("/admin/queryAutoDecommissionDisk", GET_POST, Leader, Read, "read it").open().to(&settings::query_auto_decommission_disk),
    route("/admin/setDiskBrokenThreshold", GET_POST, Leader, Change, "ratio of broken partitions that marks a disk broken").open().to(&settings::set_disk_broken_threshold),
    route("/admin/queryDiskBrokenThreshold", GET_POST, Leader, Read, "read it").open().to(&settings::query_disk_broken_threshold),
    route("/admin/cluster/getAllDataNodes", GET, Leader, Read, "list of data nodes").open().to(&cluster::all_data_nodes),
    route("/admin/cluster/getAllMetaNodes", GET, Leader, Read, "list of meta nodes").open().to(&cluster::all_meta_nodes),
    route("/admin/getUpgradeCompatibleSettings", GET_POST, Leader, Read, "settings data and meta nodes read at start").open().to(&cluster::upgrade_compatible_settings),
    route("/admin/createVol", GET_POST, Leader, Change, "create a volume").ticket(0x90100, "master:createvol").limiter("admincreatevol").to(&volume::create),
    route("/admin/getVol", GET, Leader, Read, "full attributes of a volume (simple view)").open().limiter("admingetvol").to(&volume::get),
    route("/vol/delete", GET_POST, Leader, Change, "delete, delayed delete, undelete").ticket(0x90200, "master:deletevol").limiter("admindeletevol").to(&volume::delete),
    route("/vol/update", GET_POST, Leader, Change, "change volume attributes").ticket(0x90300, "master:updatevol").limiter("adminupdatevol").to(&volume::update),
    route("/vol/shrink", GET_POST, Leader, Change, "lower the capacity").ticket(0x90400, "master:volshrink").limiter("adminvolshrink").to(&volume::shrink),
    route("/vol/expand", GET_POST, Leader, Change, "raise the capacity").ticket(0x90500, "master:volexpand").limiter("adminvolexpand").to(&volume::expand),
    route("/client/vol", GET_POST, Leader, Read, "client view of a volume").open().limiter("clientvol").to(&client::vol),
    route("/client/volStat", GET, Leader, Read, "capacity and usage (statfs)").open().limiter("clientvolstat").to(&client::volume_stat),
    route("/getAllClients", GET, Leader, Read, "clients seen by the leader").open().to(&client::all),
    route("/topo/get", GET, Leader, Read, "zones, node sets and nodes").open().limiter("gettopologyview").to(&topology::get),
    route("/vol/list", GET, Leader, Read, "list volumes by substring").open().limiter("adminlistvols").to(&volume::list),
    route("/master/changeleader", GET_POST, Any, Report, "ask the answering master to become leader").open().to(&masters::change_leader),
    route("/master/opFollowerPartitionRead", GET_POST, AnyWithCache, Report, "check switch of the follower partition cache").open().to(&masters::check_follower_reads),
    route("/vol/setDpRepairBlockSize", GET_POST, Leader, Change, "repair block size of a volume").open().to(&volume::set_repair_block_size),
    route("/admin/queryDecommissionFailedDisk", GET, Leader, Read, "disks whose decommission failed").open().to(&disk::failed_disks),
    route("/admin/abortDecommissionDisk", GET_POST, Leader, Change, "abort a disk decommission").open().to(&disk::abort),
    route("/vol/addAllowedStorageClass", GET_POST, Leader, Change, "add a storage class to a volume").ticket(0x90501, "master:voladdallowedStorageClass").limiter("adminvoladdallowedstorageclass").to(&volume::add_storage_class),
    route("/multiVer/del", GET, Leader, Change, "delete a snapshot version").open().to(&versions::delete),
    route("/multiVer/get", GET, Leader, Read, "one snapshot version").open().to(&versions::get),
    route("/multiVer/getAll", GET, Leader, Read, "all snapshot versions and strategy").open().to(&versions::get_all),
    route("/vol/getVer", GET_POST, Leader, Read, "version state of a volume (meta nodes, clients)").open().to(&versions::of_volume),
    route("/vol/SetVerStrategy", GET_POST, Leader, Change, "periodic snapshot strategy").open().to(&versions::set_strategy),
    route("/s3/setLifecycle", GET_POST, Leader, Change, "store lifecycle rules of a volume").open().to(&lifecycle::set),
    route("/s3/getLifecycle", GET_POST, Leader, Read, "read them").open().to(&lifecycle::get),
    route("/s3/deleteLifecycle", GET_POST, Leader, Change, "remove them").open().to(&lifecycle::delete),
    route("/lcNode/add", GET_POST, Leader, Change, "register a lifecycle node").open().to(&lc_node::add),
    route("/admin/lcnode", GET_POST, Leader, Change, "lifecycle info/start/stop").open().to(&lc_node::admin),
    route("/dataNode/response", GET_POST, Leader, Report, "data node task replies").open().limiter("getdatanodetaskresponse").to(&response::take),
    route("/metaNode/response", GET_POST, Leader, Report, "meta node task replies").open().limiter("getmetanodetaskresponse").to(&response::take),
    route("/lcNode/response", GET_POST, Leader, Report, "lifecycle node task replies").open().to(&response::take),
    route("/metaPartition/load", GET_POST, Leader, Change, "load and compare the replicas of a meta partition").ticket(0xa0100, "master:loadmetapartition").limiter("adminloadmetapartition").to(&meta_partition::load),
    route("/metaPartition/decommission", GET_POST, Leader, Change, "move one replica of a meta partition").ticket(0xa0200, "master:decommissionmetapartition").limiter("admindecommissionmetapartition").to(&meta_replica::decommission),
    route("/metaPartition/changeleader", GET_POST, Leader, Change, "raft leader change of a meta partition").ticket(0xa0300, "master:changemetapartitionleader").limiter("adminchangemetapartitionleader").to(&meta_partition::change_leader),
    route("/metaPartition/balanceLeader", GET_POST, Leader, Change, "balance meta partition leaders").open().limiter("adminbalancemetapartitionleader").to(&meta_partition::balance_leader),
    route("/client/metaPartitions", GET, Leader, Read, "client view of a volume's meta partitions").open().limiter("clientmetapartitions").to(&client::meta_partitions),
    route("/metaPartition/get", GET, Leader, Read, "details of one meta partition").open().limiter("clientmetapartition").to(&meta_partition::get),
    route("/admin/qosUpload", GET, Leader, Change, "client QoS report and assignment").open().limiter("qosupload").to(&qos::upload),
    route("/qos/getStatus", GET, Leader, Read, "QoS state of a volume").open().limiter("qosgetstatus").to(&qos::status),
    route("/qos/getClientsInfo", GET, Leader, Read, "QoS state of its clients").open().limiter("qosgetclientslimitinfo").to(&qos::clients),
    route("/qos/update", GET, Leader, Change, "QoS switch and flow limits of a volume").ticket(0xa0700, "master:qosupdate").limiter("qosupdate").to(&qos::update),
    route("/qos/updateZoneLimit", GET, Leader, Change, "data node disk QoS limits of a zone").ticket(0xa0800, "master:qosupdatezonelimit").limiter("qosupdatezonelimit").to(&qos::update_zone_limit),
    route("/qos/getZoneLimit", GET, Leader, Read, "read them").open().limiter("qosgetzonelimitinfo").to(&qos::zone_limit),
    route("/qos/masterLimit", GET, Leader, Change, "rate of QoS uploads the master accepts").ticket(0xa0900, "master:qosupdatemasterlimit").limiter("qosupdatemasterlimit").to(&settings::set_qos_master_limit),
    route("/qos/updateClientParam", GET, Leader, Change, "report period and trigger of QoS clients").ticket(0xa0a00, "master:qosupdateclientparam").limiter("qosupdateclientparam").to(&qos::update_client_param),
    route("/metaPartition/create", GET_POST, Leader, Change, "add meta partitions to a volume").ticket(0xa0400, "master:createmetapartition").limiter("admincreatemetapartition").to(&meta_partition::create),
    route("/metaReplica/add", GET_POST, Leader, Change, "add a meta replica").ticket(0xa0500, "master:addmetareplica").limiter("adminaddmetareplica").to(&meta_replica::add),
    route("/metaReplica/delete", GET_POST, Leader, Change, "delete a meta replica").ticket(0xa0600, "master:deletemetareplica").limiter("admindeletemetareplica").to(&meta_replica::delete),
    route("/metaPartition/diagnose", GET_POST, Leader, Read, "meta partitions in trouble").open().limiter("admindiagnosemetapartition").to(&meta_partition::diagnose),
    route("/metaPartition/emptyStatus", GET, Leader, Read, "empty meta partitions").open().to(&empty_meta::status),
    route("/metaPartition/freezeEmpty", GET_POST, Leader, Change, "freeze empty meta partitions").open().to(&empty_meta::freeze),
    route("/metaPartition/cleanEmpty", GET_POST, Leader, Change, "clean frozen ones").open().to(&empty_meta::clean),
    route("/metaPartition/removeBackup", GET_POST, Leader, Change, "drop backups of cleaned ones").open().to(&empty_meta::remove_backup),
    route("/metaPartition/getCleanTask", GET, Leader, Read, "state of those tasks").open().to(&empty_meta::tasks),
    route("/metaNode/createBalanceTask", GET_POST, Leader, Change, "create a meta balance plan").open().to(&meta_balance::create_balance_task),
    route("/metaNode/getBalanceTask", GET, Leader, Read, "read it").open().to(&meta_balance::get_balance_task),
    route("/metaNode/runBalanceTask", GET_POST, Leader, Change, "run it").open().to(&meta_balance::run_balance_task),
    route("/metaNode/stopBalanceTask", GET_POST, Leader, Change, "stop it").open().to(&meta_balance::stop_balance_task),
    route("/metaNode/deleteBalanceTask", GET_POST, Leader, Change, "delete it").open().to(&meta_balance::delete_balance_task),
    route("/dataPartition/get", GET, Leader, Read, "details of one data partition").open().limiter("admingetdatapartition").to(&data_partition::get),
    route("/dataPartition/create", GET_POST, Leader, Change, "create data partitions").ticket(0xb0100, "master:createdatapartition").limiter("admincreatedatapartition").to(&data_partition::create),
    route("/dataPartition/changeleader", GET_POST, Leader, Change, "raft leader change of a data partition").ticket(0xb0200, "master:changedatapartitionleader").limiter("admindatapartitionchangeleader").to(&data_partition::change_leader),
    route("/dataPartition/load", GET_POST, Leader, Change, "load and compare its replicas").ticket(0xb0300, "master:loaddatapartition").limiter("adminloaddatapartition").to(&data_partition::load),
    route("/dataPartition/decommission", GET_POST, Leader, Change, "decommission one replica").ticket(0xb0400, "master:decommissiondatapartition").limiter("admindecommissiondatapartition").to(&data_partition::decommission),
    route("/dataPartition/diagnose", GET_POST, Leader, Read, "data partitions in trouble").open().limiter("admindiagnosedatapartition").to(&data_partition::diagnose),
    route("/client/partitions", GET, LeaderOrView, Read, "client view of a volume's data partitions").open().limiter("clientdatapartitions").to(&client::partitions),
    route("/client/disk/partitions", GET, Leader, Read, "data partitions of one disk as last reported").open().to(&data_partition::on_disk),
    route("/dataPartition/resetDecommissionStatus", GET_POST, Leader, Change, "reset decommission state").open().to(&data_partition::reset_decommission),
    route("/dataPartition/queryDecommissionStatus", GET, Leader, Read, "read it").open().to(&data_partition::decommission_status),
    route("/dataPartition/queryDecommissionStatusUpdateRecords", GET, Leader, Read, "its history").open().to(&data_partition::decommission_records),
    route("/dataPartition/checkReplicaMeta", GET, Leader, Read, "replica membership differences").open().to(&data_partition::check_replica_meta),
    route("/dataPartition/recoverReplicaMeta", GET, Leader, Change, "repair them").open().to(&data_partition::recover_replica_meta),
    route("/dataPartition/recoverBackupDataReplica", GET, Leader, Change, "restore a backed up replica").open().to(&data_replica::restore),
    route("/metaNode/add", GET_POST, Leader, Change, "register a meta node").ticket(0xc0100, "master:addmetanode").limiter("addmetanode").to(&meta_node::add),
    route("/metaNode/decommission", GET_POST, Leader, Change, "decommission a meta node").ticket(0xc0200, "master:decommissionmetanode").limiter("decommissionmetanode").to(&meta_node::decommission),
    route("/metaNode/migrate", GET_POST, Leader, Change, "migrate a meta node").ticket(0xc0300, "master:migratemetanode").limiter("migratemetanode").to(&meta_node::migrate),
    route("/metaNode/migratePartition", GET_POST, Leader, Change, "migrate listed meta partitions").open().to(&meta_node::migrate_partition),
    route("/metaNode/get", GET, Leader, Read, "details of a meta node").open().limiter("getmetanode").to(&meta_node::get),
    route("/metaNode/setMpCntLimit", GET_POST, Leader, Change, "partition limit of a meta node").open().to(&meta_node::set_partition_limit),
    route("/threshold/set", GET_POST, Leader, Change, "meta node memory threshold").ticket(0xc0400, "master:setmetanodethreshold").limiter("adminsetmetanodethreshold").to(&settings::set_threshold),
    route("/volDeletionDelayTime/set", GET_POST, Leader, Change, "hours before a deleted volume is really deleted").open().limiter("adminsetmastervoldeletiondelaytime").to(&settings::set_volume_deletion_delay),
    route("/metaNodeGOGC/set", GET_POST, Leader, Change, "GOGC sent to meta nodes").open().to(&settings::set_meta_node_gogc),
    route("/dataNodeGOGC/set", GET_POST, Leader, Change, "GOGC sent to data nodes").open().to(&settings::set_data_node_gogc),
    route("/dataReplica/add", GET_POST, Leader, Change, "add a data replica").ticket(0xb0500, "master:adddatareplica").limiter("adminadddatareplica").to(&data_replica::add),
    route("/dataReplica/delete", GET_POST, Leader, Change, "delete a data replica").ticket(0xb0600, "master:removedatareplica").limiter("admindeletedatareplica").to(&data_replica::delete),
    route("/metaNode/update", GET_POST, Leader, Change, "change the id of a meta node").ticket(0xc0500, "master:updatemetanode").limiter("adminupdatemetanode").to(&meta_node::update_id),
    route("/dataNode/update", GET_POST, Leader, Change, "change the id of a data node").open().limiter("adminupdatedatanode").to(&data_node::update_id),
    route("/invalid/nodes", GET_POST, Leader, Read, "nodes whose id differs from their partitions' peers").open().limiter("admingetinvalidnodes").to(&cluster::invalid_nodes),
    route("/dataPartitions/set", GET_POST, AnyWithCache, Report, "leader pushes a volume's partition view to a follower").open().to(&masters::set_data_partitions),
    route("/metaNode/offline", GET_POST, Leader, Change, "plan to empty a meta node").open().to(&meta_balance::offline),
    route("/dataNode/add", GET_POST, Leader, Change, "register a data node").ticket(0xd0100, "master:adddatannode").limiter("adddatanode").to(&data_node::add),
    route("/dataNode/decommission", GET_POST, Leader, Change, "decommission a data node").ticket(0xd0200, "master:decommissiondatannode").limiter("decommissiondatanode").to(&data_node::decommission),
    route("/dataNode/queryDecommissionProgress", GET_POST, Leader, Read, "its progress").open().to(&data_node::progress),
    route("/dataNode/migrate", GET_POST, Leader, Change, "migrate a data node").ticket(0xd0300, "master:migratedatannode").limiter("migratedatanode").to(&data_node::migrate),
    route("/dataNode/pauseDecommission", GET_POST, Leader, Change, "pause").ticket(0xd0400, "master:canceldecommissiondatannode").to(&data_node::pause_decommission),
    route("/dataNode/cancelDecommission", GET_POST, Leader, Change, "cancel").open().limiter("canceldecommissiondatanode").to(&data_node::cancel_decommission),
    route("/dataNode/queryDecommissionFailedDps", GET_POST, Leader, Read, "failed partitions").open().to(&data_node::failed_partitions),
    route("/dataNode/resetDecommissionStatus", GET_POST, Leader, Change, "reset state").open().to(&data_node::reset_decommission),
    route("/dataNode/get", GET, Leader, Read, "details of a data node").open().limiter("getdatanode").to(&data_node::get),
    route("/dataNode/setDpCntLimit", GET_POST, Leader, Change, "partition limit of a data node").open().to(&data_node::set_partition_limit),
    route("/disk/decommission", GET_POST, Leader, Change, "decommission a disk").ticket(0xd0500, "master:decommissiondisk").limiter("decommissiondisk").to(&disk::decommission),
    route("/disk/recommission", GET_POST, Leader, Change, "take a disk back").ticket(0xd0a00, "master:recommissiondisk").to(&disk::recommission),
    route("/disk/restoreStoppedAutoDecommissionDisk", GET_POST, Leader, Change, "resume a stopped automatic decommission").open().to(&disk::restore_stopped),
    route("/disk/queryDecommissionProgress", GET_POST, Leader, Read, "progress").open().to(&disk::progress),
    route("/disk/deleteDecommissionDiskRecord", GET_POST, Leader, Change, "drop the record").open().to(&disk::delete_decommission_record),
    route("/disk/pauseDecommission", GET_POST, Leader, Change, "pause").open().to(&disk::pause),
    route("/disk/queryDecommissionFailedDps", GET_POST, Leader, Read, "failed partitions").open().to(&disk::failed_partitions),
    route("/disk/queryBadDisks", GET_POST, Leader, Read, "bad disks").open().to(&disk::bad),
    route("/disk/queryDisks", GET_POST, Leader, Read, "all disks").open().to(&disk::list),
    route("/disk/detail", GET_POST, Leader, Read, "one disk").open().to(&disk::detail),
    route("/disk/queryAllDecommissionDisk", GET_POST, Leader, Read, "all decommission records").open().to(&disk::all_records),
    route("/dataNode/queryDisableDisk", GET_POST, Leader, Read, "disabled disks of a node").open().to(&data_node::disabled_disks),
    route("/dataNode/queryDecommissionSuccessDisk", GET_POST, Leader, Read, "disks decommissioned with success").open().to(&data_node::success_disks),
    route("/disk/cancelDecommission", GET_POST, Leader, Change, "cancel").open().to(&disk::cancel),
    route("/admin/resetDataPartitionRestoreStatus", GET_POST, Leader, Change, "reset replica restore state").open().to(&data_partition::reset_restore),
    route("/disk/recoverBadDisk", GET_POST, Leader, Change, "recover a bad disk").open().to(&disk::recover_bad),
    route("/disk/queryBadDiskRecoverProgress", GET_POST, Leader, Read, "progress").open().to(&disk::recover_progress),
    route("/disk/deleteLostDisk", GET_POST, Leader, Change, "forget a lost disk").open().to(&disk::delete_lost),
    route("/disk/reloadDisk", GET_POST, Leader, Change, "reload a lost disk").open().to(&disk::reload),
    route("/disk/deleteBackupDirectories", GET_POST, Leader, Change, "delete backup directories").open().to(&disk::delete_backups),
    route("/disk/queryBackupDirectories", GET_POST, Leader, Read, "list them").open().to(&disk::backups),
    route("/admin/setNodeInfo", GET_POST, Leader, Change, "set cluster and node parameters").ticket(0x80400, "master:setnodeinfo").limiter("adminsetnodeinfo").to(&settings::set_node_info),
    route("/admin/getNodeInfo", GET_POST, Leader, Read, "read some of them").open().limiter("admingetnodeinfo").to(&settings::get_node_info),
    route("/admin/getIsDomainOn", GET_POST, Leader, Read, "is the fault domain on").open().limiter("admingetisdomainon").to(&topology::is_domain_on),
    route("/admin/getDomainInfo", GET_POST, Leader, Read, "all domains, groups, node sets and nodes").open().limiter("admingetallnodesetgrpinfo").to(&topology::domains),
    route("/admin/getDomainNodeSetGrpInfo", GET_POST, Leader, Read, "one node set group").open().limiter("admingetnodesetgrpinfo").to(&topology::domain_group),
    route("/admin/updateNodeSetCapcity", GET_POST, Leader, Change, "capacity of a node set").ticket(0xd0600, "master:updatenodesetcapcity").limiter("adminupdatenodesetcapcity").to(&topology::update_capacity),
    route("/admin/updateNodeSetId", GET_POST, Leader, Change, "move a node to another node set").ticket(0xd0700, "master:updatenodesetid").limiter("adminupdatenodesetid").to(&topology::move_node),
    route("/admin/updateNodeSetNodeSelector", GET_POST, Leader, Change, "node selectors of a node set").open().to(&topology::update_node_selector),
    route("/admin/updateDomainDataRatio", GET_POST, Leader, Change, "data usage ratio of domains").ticket(0xd0800, "master:updatedomaindatauseratio").limiter("adminupdatedomaindatauseratio").to(&topology::update_data_ratio),
    route("/admin/updateZoneExcludeRatio", GET_POST, Leader, Change, "usage ratio of zones outside domains").ticket(0xd0900, "master:updatezoneexcluderatio").limiter("adminupdatezoneexcluderatio").to(&topology::update_exclude_ratio),
    route("/admin/setNodeRdOnly", GET_POST, Leader, Change, "mark a node read only").ticket(0x80500, "master:sernoderdonly").limiter("adminsetnoderdonly").to(&data_node::set_read_only),
    route("/admin/setDpRdOnly", GET_POST, Leader, Change, "mark a data partition read only").ticket(0xb0700, "master:setdprdonly").limiter("adminsetdprdonly").to(&data_partition::set_read_only),
    route("/admin/setDpDiscard", GET_POST, Leader, Change, "mark a data partition discarded").open().limiter("adminsetdpdiscard").to(&data_partition::set_discard),
    route("/admin/getDiscardDp", GET_POST, Leader, Read, "list them").open().limiter("admingetdiscarddp").to(&data_partition::discarded),
    route("/user/create", POST, Leader, Change, "create a user").ticket(0xe0100, "master:usercreate").limiter("usercreate").to(&user::create),
    route("/user/delete", GET_POST, Leader, Change, "delete a user").ticket(0xe0200, "master:userdelete").limiter("userdelete").to(&user::delete),
    route("/user/update", GET_POST, Leader, Change, "change keys, type, password, description").ticket(0xe0300, "master:userupdate").limiter("userupdate").to(&user::update),
    route("/user/updatePolicy", GET_POST, Leader, Change, "grant permissions on a volume").ticket(0xe0400, "master:userupdatepolicy").limiter("userupdatepolicy").to(&user::update_policy),
    route("/user/removePolicy", GET_POST, Leader, Change, "revoke them").ticket(0xe0500, "master:userremotepolicy").limiter("userremovepolicy").to(&user::remove_policy),
    route("/user/deleteVolPolicy", GET_POST, Leader, Change, "drop a volume from all users").ticket(0xe0600, "master:userdeletevolpolicy").limiter("userdeletevolpolicy").to(&user::delete_volume_policy),
    route("/user/akInfo", GET, Leader, Read, "user by access key").open().limiter("usergetakinfo").to(&user::of_access_key),
    route("/user/info", GET, Leader, Read, "user by id").open().limiter("usergetinfo").to(&user::info),
    route("/user/list", GET, Leader, Read, "list users by substring").open().limiter("userlist").to(&user::list),
    route("/user/transferVol", GET_POST, Leader, Change, "change the owner of a volume").ticket(0xe0700, "master:usertransfervol").limiter("usertransfervol").to(&user::transfer_volume),
    route("/vol/users", GET, Leader, Read, "users of a volume").open().limiter("usersofvol").to(&user::of_volume),
    route("/zone/update", GET_POST, Leader, Change, "zone status and selectors").ticket(0xf0100, "master:updatezone").limiter("updatezone").to(&topology::update_zone),
    route("/zone/list", GET, Leader, Read, "zones").open().limiter("getallzones").to(&topology::zones),
    route("/nodeSet/list", GET, Leader, Read, "node sets").open().to(&topology::node_sets),
    route("/nodeSet/get", GET, Leader, Read, "one node set with its nodes").open().to(&topology::node_set),
    route("/nodeSet/update", GET_POST, Leader, Change, "node selectors of a node set").open().to(&topology::update_node_set),
    route("/quota/create", GET_POST, Leader, Change, "create a directory quota").open().to(&quota::create),
    route("/quota/update", GET_POST, Leader, Change, "change its limits").open().to(&quota::update),
    route("/quota/delete", GET_POST, Leader, Change, "delete it").open().to(&quota::delete),
    route("/quota/list", GET, Leader, Read, "quotas of a volume").open().to(&quota::list),
    route("/quota/get", GET, Leader, Read, "one quota").open().to(&quota::get),
    route("/quota/listAll", GET, Leader, Read, "volumes that have quotas").open().to(&quota::volumes),
    route("/vol/setTrashInterval", GET_POST, Leader, Change, "trash interval of a volume").open().to(&volume::set_trash_interval),
    route("/s3/qos/set", PUT_POST, Leader, Change, "set an S3 API limit").open().to(&s3_limits::set),
    route("/s3/qos/get", GET_POST, Leader, Read, "read all").open().to(&s3_limits::get),
    route("/s3/qos/delete", DELETE_POST, Leader, Change, "delete one").open().to(&s3_limits::delete),
    route("/flashNode/add", GET_POST, Leader, Change, "register a flash node").open().to(&flash_node::add),
    route("/flashNode/set", GET_POST, Leader, Change, "enable/disable a flash node").open().to(&flash_node::set),
    route("/flashNode/remove", GET_POST, Leader, Change, "remove a flash node").open().to(&flash_node::remove),
    route("/flashNode/removeAllInactive", GET_POST, Leader, Change, "remove inactive ones").open().to(&flash_node::remove_inactive),
    route("/flashNode/get", GET, Leader, Read, "one flash node").open().to(&flash_node::get),
    route("/flashNode/list", GET, Leader, Read, "all flash nodes").open().to(&flash_node::list),
    route("/flashNode/setReadIOLimits", GET_POST, Leader, Change, "read limits").open().to(&flash_node::set_read_limits),
    route("/flashNode/SetWriteIOLimits", GET_POST, Leader, Change, "write limits (capital S)").open().to(&flash_node::set_write_limits),
    route("/flashNode/createFlashManualTask", POST, Leader, Change, "create a warm-up/clear task").open().to(&flash_task::create),
    route("/flashNode/manualTask", GET, Leader, Change, "list/stop tasks").open().to(&flash_task::admin),
    route("/flashNode/response", GET_POST, Leader, Report, "flash node task replies").open().to(&response::take),
    route("/flashGroup/turn", GET_POST, Leader, Change, "flash cache switch").open().to(&flash_group::turn),
    route("/flashGroup/create", GET_POST, Leader, Change, "create a flash group").open().to(&flash_group::create),
    route("/flashGroup/set", GET_POST, Leader, Change, "enable/disable a group").open().to(&flash_group::set),
    route("/flashGroup/remove", GET_POST, Leader, Change, "remove a group").open().to(&flash_group::remove),
    route("/flashGroup/addFlashNode", GET_POST, Leader, Change, "add nodes to a group").open().to(&flash_group::add_node),
    route("/flashGroup/removeFlashNode", GET_POST, Leader, Change, "remove nodes").open().to(&flash_group::remove_node),
    route("/flashGroup/get", GET, Leader, Read, "one group").open().to(&flash_group::get),
    route("/flashGroup/list", GET, Leader, Read, "all groups").open().to(&flash_group::list),
    route("/client/flashGroups", GET, Leader, Read, "client view of the flash groups").open().to(&flash_group::client_view),
    route("/api/cluster", GET_POST, Leader, Change, "GraphQL").open().to(&graphql::cluster),
    route("/api/user", GET_POST, Leader, Change, "GraphQL").open().to(&graphql::user),
    route("/moves", GET, Leader, Read, "moves of replicas: under way, or over").open().to(&moves::list),
    route("/moves/cancel", GET_POST, Leader, Change, "end a move").open().to(&moves::cancel),
    route("/openapi.json", GET, Any, Read, "this document").open().to(&document::openapi),
    route("/metrics", GET, Any, Read, "Prometheus metrics").open().to(&metrics::page),
];

/// Routes that answer code 1 `not supported yet`.
pub const NOT_SUPPORTED_YET: &[&str] = &[];

/// The route of a path, percent-decoded.
pub fn find(path: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.path == path)
}

/// Path of an API by its rate limiter name, which is lower case.
pub fn path_of_limiter(name: &str) -> Option<&'static str> {
    ROUTES.iter().find(|route| route.limiter == Some(name)).map(|route| route.path)
}

/// What a ticket must allow for a message type of the auth protocol.
pub fn resource_of(message: u32) -> Option<&'static str> {
    ROUTES.iter().filter_map(|route| route.ticket).find(|ticket| ticket.message == message).map(|ticket| ticket.resource)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_path_stands_once() {
        let paths: BTreeSet<_> = ROUTES.iter().map(|route| route.path).collect();
        assert_eq!(paths.len(), ROUTES.len());
        assert_eq!(ROUTES.len(), 226 + 6, "226 routes, two of GraphQL, the metrics, two of moves, the OpenAPI document");
    }

    #[test]
    fn limiter_names_and_tickets_are_all_there() {
        let names: BTreeSet<_> = ROUTES.iter().filter_map(|route| route.limiter).collect();
        assert_eq!(names.len(), 93);
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase())));
        assert_eq!(ROUTES.iter().filter(|route| route.ticket.is_some()).count(), 51);
        assert_eq!(path_of_limiter("adminlistvols"), Some("/vol/list"));
    }

    #[test]
    fn every_route_and_method_has_a_declared_authorisation() {
        for route in ROUTES {
            let declared = route.open != route.ticket.is_some();
            assert!(declared, "{:?} {}: give it .ticket(…), or .open() where v3.5.3 asks for none", route.methods.list(), route.path);
        }
    }

    #[test]
    fn a_route_without_handler_is_listed_as_such() {
        let missing: Vec<_> = ROUTES.iter().filter(|route| route.handler.is_none()).map(|route| route.path).collect();
        assert_eq!(missing, NOT_SUPPORTED_YET);
    }
}
