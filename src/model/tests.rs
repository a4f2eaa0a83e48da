//! Goal: what a v3.5.3 master wrote is read and written back the same, whatever it is. Method: every record of a real
//! store (`tests/vectors/records.jsonl`), and of the kinds that it lacks a sample each.

use super::*;
use serde_json::Value;

/// Decodes as the kind its key says, encodes, and gives the bytes.
fn rewritten(key: &Key, value: &[u8]) -> Result<Vec<u8>, Unreadable> {
    fn through<R: Record>(key: &Key, value: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let record = R::decode(key, value)?;
        assert_eq!(record.place(), *key);
        assert_eq!(R::decode(key, &record.encode()).as_ref(), Ok(&record));
        Ok(record.encode())
    }
    match key {
        Key::Counter(_) => through::<CounterValue>(key, value),
        Key::Cluster(_) => through::<ClusterValue>(key, value),
        Key::NodeSet(_) => through::<NodeSet>(key, value),
        Key::NodeSetGroup(_) => through::<NodeSetGroup>(key, value),
        Key::ZoneDomain => through::<ZoneDomain>(key, value),
        Key::Zone(_) => through::<Zone>(key, value),
        Key::DataNode(..) => through::<DataNode>(key, value),
        Key::MetaNode(..) => through::<MetaNode>(key, value),
        Key::Volume(_) => through::<Volume>(key, value),
        Key::DataPartition(..) => through::<DataPartition>(key, value),
        Key::MetaPartition(..) => through::<MetaPartition>(key, value),
        Key::DecommissionDisk(..) => through::<DecommissionDisk>(key, value),
        Key::User(_) => through::<User>(key, value),
        Key::AccessKey(_) => through::<AccessKey>(key, value),
        Key::VolumeUsers(_) => through::<VolumeUsers>(key, value),
        Key::ApiLimits(_) => through::<ApiLimits>(key, value),
        Key::Acl(_) => through::<Acl>(key, value),
        Key::UidSpace(_) => through::<UidSpace>(key, value),
        Key::VersionList(_) => through::<VersionList>(key, value),
        Key::Quota(..) => through::<Quota>(key, value),
        Key::LcNode(_) => through::<LcNode>(key, value),
        Key::LcConfiguration(_) => through::<LcConfiguration>(key, value),
        Key::LcTask(_) => through::<LcTask>(key, value),
        Key::LcResult(_) => through::<LcResult>(key, value),
        Key::S3Limit(..) => through::<S3Limit>(key, value),
        Key::S3Nodes => through::<S3Nodes>(key, value),
        Key::FlashNode(..) => through::<FlashNode>(key, value),
        Key::FlashGroup(_) => through::<FlashGroup>(key, value),
        Key::FlashTask(_) => through::<FlashTask>(key, value),
        Key::BalancePlan => through::<BalancePlan>(key, value),
        Key::CreateIntent(..) => through::<CreateIntent>(key, value),
        Key::Tombstone(..) => through::<Tombstone>(key, value),
        Key::VolumeIntent(_) => through::<VolumeIntent>(key, value),
        Key::Move(..) => through::<Move>(key, value),
        Key::PastMove(_) => through::<PastMove>(key, value),
        Key::Leftover(..) => through::<Leftover>(key, value),
        Key::EmptyNode(_) => through::<EmptyNode>(key, value),
        Key::FlashEviction(_) => through::<FlashEviction>(key, value),
    }
}

fn assert_same_after_rewriting(key: &str, value: &str) {
    let place = Key::parse(key).unwrap_or_else(|| panic!("{key} is no key"));
    assert_eq!(place.to_string(), key);
    let written = rewritten(&place, value.as_bytes()).unwrap_or_else(|error| panic!("{key}: {error}"));
    let (was, is): (Value, Value) = (serde_json::from_str(value).unwrap(), serde_json::from_slice(&written).unwrap());
    assert_eq!(is, was, "{key}");
}

#[test]
fn every_record_of_a_real_store_is_rewritten_as_it_was() {
    let mut records = 0;
    for line in include_str!("../../tests/vectors/records.jsonl").lines() {
        let pair: Value = serde_json::from_str(line).unwrap();
        let (key, value) = (pair["key"].as_str().unwrap(), pair["value"].as_str().unwrap());
        records += 1;
        if key != key::APPLIED {
            assert_same_after_rewriting(key, value);
            let bytes = rewritten(&Key::parse(key).unwrap(), value.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(bytes).unwrap(), value, "{key}: fields in the order of v3.5.3");
        }
    }
    assert_eq!(records, 237);
}

#[test]
fn kinds_that_the_store_lacks_are_rewritten_as_they_were() {
    let rule = r#"{"ID":"r1","Status":"Enabled","Filter":{"Prefix":"a/","MinSize":0},"Transition":[{"Days":3,"StorageClass":"HDD"},{"Date":"2026-11-23T00:00:00Z","StorageClass":"BLOBSTORE"}]}"#;
    let mv = r#""number":12,"volume":8,"task":"add","phase":"joining","from":"","from-id":0,"to":{"id":4,"addr":"a","raftHeartbeat":"1","raftReplica":"2"},"to-given":true,"to-set":0,"raft-force":false,"weight":2,"actor":"/dataReplica/add","why":"","asked":1795450017,"since":1795450018,"term":3,"repaired-from":"","repaired-from-disk":"","doubtful":false,"cancelled":false,"failures":0,"error":"","steps":[{"step":"asked for","at":1795450017,"error":""}]"#;
    let samples = [
        ("#g#21", r#"{"DomainId":0,"ID":21,"NodeSetsIds":[1,2,3],"Status":0}"#.to_owned()),
        ("#zoneDomain#", r#"{"ExcludeZoneMap":{"default":0},"NeedFaultDomain":false,"DataRatio":0.9,"DomainZoneName2IdMap":{"z1":1},"ExcludeZoneUseRatio":0.9}"#.to_owned()),
        (
            "#dd#10.0.0.21:17310#/data1",
            r#"{"SrcAddr":"10.0.0.21:17310","DstAddr":"","DiskPath":"/data1","DecommissionStatus":6,"DecommissionRaftForce":false,"DecommissionTimes":0,"DecommissionDpTotal":-1,"DecommissionTerm":1795450017,"DecommissionWeight":2,"Type":1,"DecommissionCompleteTime":1795451267,"DecommissionLimit":0,"IgnoreDecommissionDps":[{"PartitionID":3,"ErrMsg":"<no>"}],"ResidualDecommissionDps":null,"DiskDisable":true}"#.to_owned(),
        ),
        ("#lc#vol1", format!(r#"{{"VolName":"vol1","Rules":[{rule},{{"ID":"r2","Status":"Disabled","Expiration":{{"Days":0}}}}]}}"#)),
        ("#lct#vol1:r1", format!(r#"{{"Id":"vol1:r1","VolName":"vol1","Rule":{rule}}}"#)),
        (
            "#lcr#vol1:r1",
            format!(
                r#"{{"ID":"vol1:r1","LcNode":"10.0.0.9:17510","StartTime":"2026-11-23T16:13:31.602741748+02:00","EndTime":null,"UpdateTime":null,"Done":false,"Status":0,"StartErr":"","Volume":"vol1","RcvStop":false,"Rule":{rule},"TotalFileScannedNum":1,"TotalFileExpiredNum":2,"TotalDirScannedNum":3,"ExpiredDeleteNum":4,"ExpiredMToHddNum":5,"ExpiredMToHddBytes":6,"ExpiredMToBlobstoreNum":7,"ExpiredMToBlobstoreBytes":8,"ExpiredSkipNum":9,"ErrorDeleteNum":10,"ErrorMToHddNum":11,"ErrorMToBlobstoreNum":12,"ErrorReadDirNum":13}}"#
            ),
        ),
        (
            "#flt#7",
            r#"{"Id":"7","Action":"warmup","VolName":"vol1","Status":1,"ManualTaskConfig":{"Prefix":"/","TraverseFileConcurrency":1,"HandlerFileConcurrency":2,"TotalFileSizeLimit":3,"MinFileSizeLimit":4,"MaxFileSizeLimit":5,"WarmUpPathExpire":6},"ManualTaskStatistics":{"TotalFileScannedNum":1,"TotalFileCachedNum":2,"TotalDirScannedNum":3,"TotalExtentKeyNum":4,"ErrorCacheNum":5,"ErrorReadDirNum":6,"TotalCacheSize":7,"LastCacheSize":8,"FlashNode":"a"},"StartTime":"2026-11-23T16:13:31Z","UpdateTime":null,"EndTime":null,"Done":false}"#.to_owned(),
        ),
        (
            "#balanceTask",
            r#"{"plan":[{"id":3,"crossZone":true,"original":[{"source":"a","srcMemSize":1,"srcNodeSetId":2,"srcZoneName":"z","destination":"b","dstID":4,"dstNodeSetId":5,"dstZoneName":"y","status":"init","msg":""}],"overLoad":[],"plan":null,"planNum":1,"inodeCount":9,"msg":"m"}],"doneCount":0,"total":1,"status":"running","expire":"0001-01-01T00:00:00Z","type":"auto","msg":""}"#.to_owned(),
        ),
        ("~create#dp#5", r#"{"volume":8,"hosts":["a","b"],"term":3,"created":1795450017}"#.to_owned()),
        ("~move#dp#7", format!("{{{mv}}}")),
        ("~moved#12", format!(r#"{{"kind":"dp","partition":7,"ending":"done","ended":1795450019,"last":{{{mv}}}}}"#)),
        ("~left#dp#7#a", r#"{"volume":8,"force":false,"term":3,"doubtful":true,"since":1795450017}"#.to_owned()),
        ("~gone#mp#6", r#"{"volume":8,"hosts":["a"],"force":true,"until":1795450017}"#.to_owned()),
    ];
    for (key, value) in samples {
        assert_same_after_rewriting(key, &value);
    }
}

#[test]
fn fields_of_a_newer_release_survive_a_rewrite() {
    let value = r#"{"ID":1,"Capacity":18,"ZoneName":"default","DataNodeSelector":"CarryWeight","MetaNodeSelector":"CarryWeight","New":{"a":[1,2.5,null]},"Newer":"x"}"#;
    assert_same_after_rewriting("#s#1", value);
    let mut set = NodeSet::decode(&Key::parse("#s#1").unwrap(), value.as_bytes()).unwrap();
    set.capacity = 20;
    let written: Value = serde_json::from_slice(&set.encode()).unwrap();
    assert_eq!(
        (written["Capacity"].as_u64(), written["New"]["a"][1].as_f64(), written["Newer"].as_str()),
        (Some(20), Some(2.5), Some("x"))
    );
}

#[test]
fn missing_null_and_differently_spelt_fields_are_read_as_go_reads_them() {
    let key = Key::parse("#vol#8").unwrap();
    let volume =
        Volume::decode(&key, br#"{"id":8,"NAME":"vol1","Owner":null,"User":{"AKStore":{},"AKStoreMutex":{}},"AllowedStorageClass":null}"#)
            .unwrap();
    assert_eq!((volume.name.as_str(), volume.owner.as_str(), volume.tx_timeout), ("vol1", "", 0));
    assert!(volume.delete_exec_time.is_zero() && volume.extra.iter().next().is_none());
    let effective = volume.effective(MediaType::HDD);
    assert_eq!(
        (effective.tx_timeout, effective.remote_cache_read_timeout, effective.vol_storage_class),
        (1, 2000, StorageClass::REPLICA_HDD)
    );
    assert_eq!(
        (effective.allowed_storage_class, effective.quota_of_class),
        (vec![StorageClass::REPLICA_HDD], vec![ClassQuota::of(StorageClass::REPLICA_HDD)])
    );
}

#[test]
fn a_value_under_the_wrong_key_or_of_the_wrong_form_is_unreadable() {
    let key = Key::parse("#s#2").unwrap();
    for value in [&br#"{"ID":1}"#[..], b"{\"ID\":2", b"[]", b"", b"{\"ID\":\"2\"}", b"\xff"] {
        assert!(NodeSet::decode(&key, value).is_err(), "{}", String::from_utf8_lossy(value));
    }
    assert!(CounterValue::decode(&Key::Counter(Counter::Common), b"-1").is_err());
}

#[test]
fn new_records_are_those_of_v3_5_3() {
    let cluster = r##"{"Name":"spec","CreateTime":1795449899,"Threshold":0.75,"LoadFactor":0,"DisableAutoAllocate":false,"ForbidMpDecommission":false,"DataNodeDeleteLimitRate":0,"MetaNodeDeleteBatchCount":0,"MetaNodeDeleteWorkerSleepMs":0,"DataNodeAutoRepairLimitRate":0,"MaxDpCntLimit":3000,"MaxMpCntLimit":300,"FaultDomain":false,"DiskQosEnable":false,"QosLimitUpload":20000,"DirChildrenNumLimit":20000000,"DecommissionLimit":10,"DecommissionFirstHostDiskParallelLimit":10,"CheckDataReplicasEnable":false,"FileStatsEnable":false,"FileStatsThresholds":null,"ClusterUuid":"","ClusterUuidEnable":false,"MetaPartitionInodeIdStep":4194304,"MaxConcurrentLcNodes":3,"DpMaxRepairErrCnt":0,"DpRepairTimeOut":0,"DpBackupTimeOut":0,"EnableAutoDecommissionDisk":false,"AutoDecommissionDiskInterval":10000000000,"DecommissionDiskLimit":1,"VolDeletionDelayTimeHour":48,"MetaNodeGOGC":100,"DataNodeGOGC":100,"MarkDiskBrokenThreshold":0,"EnableAutoDpMetaRepair":false,"AutoDpMetaRepairParallelCnt":0,"DataPartitionTimeoutSec":300,"MetaPartitionTimeoutSec":60,"ForbidWriteOpOfProtoVer0":false,"LegacyDataMediaType":0,"RaftPartitionAlreadyUseDifferentPort":false,"MetaNodeMemoryHighPer":0.75,"MetaNodeMemoryLowPer":0.3,"AutoMpMigrate":false,"FlashNodeHandleReadTimeout":1000,"FlashNodeReadDataNodeTimeout":3000,"FlashHotKeyMissCount":5,"FlashReadFlowLimit":2147483648,"FlashWriteFlowLimit":2147483648,"FlashKeyFlowLimit":0,"RemoteClientFlowLimit":0}"##;
    let new = ClusterValue::new("spec", 1_795_449_899);
    assert_eq!(String::from_utf8(new.encode()).unwrap(), cluster);
    assert_eq!(new.effective(), new);

    let volume = Volume::new(8.into(), "vol1", "alice", 1, StorageClass::REPLICA_SSD);
    assert_eq!(volume.effective(MediaType::HDD), volume);
    let partition = DataPartition::new(1.into(), &volume, vec!["a".into(), "b".into()], Vec::new(), MediaType::SSD);
    assert_eq!(partition.key(), "#dp#8#1");
    let written: Value = serde_json::from_slice(&partition.encode()).unwrap();
    assert_eq!((written["Hosts"].as_str(), written["RecoverStartTime"].as_i64()), (Some("a_b"), Some(NEVER)));
    assert_eq!(VersionList::new(8.into()).encode(), br#"{"MultiVersionList":[{"Ver":0,"DelTime":0,"Status":1}],"Strategy":{"KeepVerCnt":0,"Periodic":0,"Enable":false,"ForceUpdate":false,"UTime":"0001-01-01T00:00:00Z"},"VerSeq":0}"#);
}
