//! The configuration file: one JSON object with the keys, defaults and ranges of v3.5.3 (state-machine.md §1).
//!
//! [`Config::parse`] is pure: it reads no file and no environment. A value that v3.5.3 refuses is an error that names file, key
//! and what is expected; one that v3.5.3 ignores is a [`Warning`].

mod reader;

use crate::ids::MasterId;
use crate::limits;
use base64::Engine;
use reader::Reader;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that the file can say, typed and in range.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `clusterName`.
    pub cluster_name: String,
    /// `id`: of this master, also its raft id.
    pub id: MasterId,
    /// `ip`.
    pub ip: Option<IpAddr>,
    /// `bindIp`: every port is bound to `ip` alone.
    pub bind_ip: bool,
    /// `listen`: the HTTP port.
    pub listen: u16,
    /// `peers`: HTTP address `ip:port` of every master, this one included.
    pub peers: BTreeMap<MasterId, String>,
    /// `walDir`: the raft log.
    pub wal_dir: PathBuf,
    /// `storeDir`: the state.
    pub store_dir: PathBuf,

    /// `logDir`, as written: relative means relative to the directory of the executable. Missing: logs go to standard output.
    pub log_dir: Option<PathBuf>,
    /// `logLevel`.
    pub log_level: LogLevel,
    /// `logRotateSize`, MiB: a log file larger than this is renamed and begun again.
    pub log_rotate_size_mib: u64,

    /// `retainLogs`: raft log entries kept behind the applied index.
    pub retain_logs: u64,
    /// `tickInterval`.
    pub tick_interval: Duration,
    /// `electionTick`, ticks.
    pub election_tick: usize,
    /// `heartbeatPort`.
    pub heartbeat_port: u16,
    /// `replicaPort`.
    pub replica_port: u16,

    /// `nodeSetCap`: nodes of one kind in a new node set.
    pub node_set_cap: u64,
    /// `metaNodeReservedMem`, bytes.
    pub meta_node_reserved_mem: u64,
    /// `faultDomain`.
    pub fault_domain: bool,
    /// `faultDomainGrpBatchCnt`: zones that one node set group is built from, 1 to 3.
    pub fault_domain_zones: usize,
    /// `faultDomainBuildAsPossible`.
    pub fault_domain_build_as_possible: bool,

    /// `httpReversePoolSize`: idle connections to the leader.
    pub http_reverse_pool_size: usize,
    /// `httpPoolSize`: idle connections to other masters.
    pub http_pool_size: usize,
    /// `enableFollowerCache`.
    pub enable_follower_cache: bool,
    /// `enableSnapshot`.
    pub enable_snapshot: bool,
    /// `disableAutoCreate`.
    pub disable_auto_create: bool,

    /// `missingDataPartitionInterval`: a replica silent this long is missing.
    pub missing_data_partition_interval: Duration,
    /// `dpNoLeaderReportIntervalSec`.
    pub data_partition_no_leader_interval: Duration,
    /// `mpNoLeaderReportIntervalSec`.
    pub meta_partition_no_leader_interval: Duration,
    /// `dataPartitionTimeOutSec`; the persisted cluster value wins.
    pub data_partition_timeout: Duration,
    /// `metaPartitionTimeOutSec`; the persisted cluster value wins.
    pub meta_partition_timeout: Duration,
    /// `secondsToFreeDataPartitionAfterLoad`.
    pub free_data_partition_after_load: Duration,
    /// `startLcScanTime`: hour of the daily lifecycle scan, local time.
    pub lifecycle_scan_hour: u8,
    /// `maxQuotaNumPerVol`.
    pub quotas_per_volume_max: u64,
    /// `monitorPushAddr`.
    pub monitor_push_addr: String,

    /// `volForceDeletion`: false means a volume with more dentries than the threshold is not deleted.
    pub volume_force_deletion: bool,
    /// `volDeletionDentryThreshold`.
    pub volume_deletion_dentry_threshold: u64,
    /// `enableDirectDeleteVol`: false makes the delayed deletion the only kind.
    pub enable_direct_delete_volume: bool,

    /// `raftPartitionCanUseDifferentPort`.
    pub raft_partition_can_use_different_port: bool,
    /// `allowMultipleReplicasOnSameMachine`.
    pub allow_multiple_replicas_on_same_machine: bool,
    /// `metaNodeMemoryHighPer`; the persisted cluster value wins.
    pub meta_node_memory_high: f64,
    /// `metaNodeMemoryLowPer`; the persisted cluster value wins.
    pub meta_node_memory_low: f64,
    /// `autoMetaPartitionMigrate`; the persisted cluster value wins.
    pub auto_meta_partition_migrate: bool,
    /// `legacyDataMediaType`: 0, 1 (SSD) or 2 (HDD).
    pub legacy_data_media_type: u32,
    /// `singleNodeMode`: new volumes get one meta replica.
    pub single_node_mode: bool,
    /// `maxWritableDataPartitionCnt`.
    pub writable_data_partitions_max: u64,

    /// `bStoreAddr`, else `ebsAddr`.
    pub blobstore_addr: String,
    /// `bStoreServicePath`, else `ebsServicePath`.
    pub blobstore_service_path: String,

    /// `authenticate`: requests of http-general.md §6 need a ticket.
    pub authenticate: bool,
    /// `masterServiceKey`: decrypts tickets.
    pub service_key: ServiceKey,
    /// `authNodeHost`: addresses of the auth nodes.
    pub auth_node_hosts: Vec<String>,

    /// `exporterEnable`: `/metrics` is served.
    pub exporter_enable: bool,
    /// `exporterPort`: where it is served once more.
    pub exporter_port: Option<u16>,
    /// `prof`: the port that says how this master is.
    pub prof: Option<u16>,
}

/// `logLevel`: what is written, and all that is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
    Critical,
}

/// The key that tickets are encrypted with. It never shows itself.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ServiceKey(Vec<u8>);

impl ServiceKey {
    /// The bytes of the key, possibly none.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceKey(hidden)")
    }
}

/// Something odd in the file that does not stop the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub key: String,
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {:?}: {}", self.key, self.text)
    }
}

/// The file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub file: String,
    /// The key at fault; empty when it is the file as a whole.
    pub key: String,
    pub reason: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            return write!(f, "{}: {}", self.file, self.reason);
        }
        write!(f, "{}: key {:?}: {}", self.file, self.key, self.reason)
    }
}

impl std::error::Error for ConfigError {}

/// Keys that belong to every role or to registration with other systems; nothing here acts on them.
const ACCEPTED: &[&str] = &[
    "localIP",
    "warnLogDir",
    "logRotateHeadRoom",
    "logLeftSpaceLimitRatio",
    "buffersTotalLimit",
    "enableLogPanicHook",
    "consulAddr",
    "consulMeta",
    "ipFilter",
    "enablePid",
    "pushAddr",
    "subdir",
    "raftRecvBufSize",
    "numberOfDataPartitionsToLoad",
    "raftMonZombieThrSec",
    "raftMonZombieTooLongThrSec",
    "raftMonNoLeaderThrSec",
    "raftMonNoLeaderTooLongThrSec",
    "dataNodeBalanceOn",
    "dataNodeBalanceInterval",
    "dataNodeBalanceByDiskUsageHigh",
    "dataNodeBalanceByDiskUsageLow",
    "dataNodeBalanceByDPCountHigh",
    "dataNodeBalanceByDPCountLow",
    "authNodeCertFile",
];

impl Config {
    /// Reads the text of a configuration file. `file` is its name, for messages.
    pub fn parse(file: &str, text: &str) -> Result<(Config, Vec<Warning>), ConfigError> {
        let r = Reader::new(file, text)?;
        r.accept(ACCEPTED);
        let config = Self::read(&r)?;
        Ok((config, r.into_warnings()))
    }

    fn read(r: &Reader<'_>) -> Result<Config, ConfigError> {
        if let Some(role) = r.text("role").filter(|role| role != "master") {
            return Err(r.error("role", format_args!("\"master\", found {role:?}")));
        }
        let id = number(r, "id", "this master's number")?;
        let peers = peers(r)?;
        if !peers.contains_key(&MasterId(id)) {
            return Err(r.error("peers", format_args!("an entry for this master's own id {id}")));
        }
        let ip = match r.text("ip") {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| r.error("ip", format_args!("an IP address, found {text:?}")))?),
        };
        let bind_ip = r.flag("bindIp", false);
        if bind_ip && ip.is_none() {
            return Err(r.error("ip", "an IP address, because bindIp is true"));
        }
        let authenticate = r.flag("authenticate", false);
        let auth_node_https = r.flag("authNodeEnableHTTPS", false);
        if authenticate && auth_node_https {
            return Err(r.error("authNodeEnableHTTPS", "false: auth nodes are asked over plain HTTP only"));
        }
        let tick_ms = r.fraction("tickInterval", -1.0)?;
        let tick_floor = limits::TICK_INTERVAL_FLOOR.as_millis() as f64;
        if r.has("tickInterval") && tick_ms <= tick_floor {
            r.warn("tickInterval", format!("expected more than {tick_floor} ms, found {tick_ms}; the default is used"));
        }
        let election_tick = r.fraction("electionTick", -1.0)?;
        if r.has("electionTick") && election_tick < 4.0 {
            r.warn("electionTick", format!("expected 4 or more, found {election_tick}; the default is used"));
        }
        let media = r.lenient("legacyDataMediaType").unwrap_or(0);
        let Some(legacy_data_media_type) = u32::try_from(media).ok().filter(|media| *media <= 2) else {
            return Err(r.error("legacyDataMediaType", format_args!("0, 1 (SSD) or 2 (HDD), found {media}")));
        };
        let threshold = r.lenient("volDeletionDentryThreshold").unwrap_or(0);
        let Ok(volume_deletion_dentry_threshold) = u64::try_from(threshold) else {
            return Err(r.error("volDeletionDentryThreshold", format_args!("0 or more, found {threshold}")));
        };

        Ok(Config {
            cluster_name: r.required("clusterName", "the name of the cluster")?,
            id: MasterId(id),
            ip,
            bind_ip,
            listen: port(r, "listen")?,
            peers,
            wal_dir: r.required("walDir", "the directory of the raft log")?.into(),
            store_dir: r.required("storeDir", "the directory of the state store")?.into(),
            log_dir: r.text("logDir").map(PathBuf::from),
            log_level: log_level(r),
            log_rotate_size_mib: r.ranged("logRotateSize", r.lenient("logRotateSize").filter(|n| *n != 0), 1, 1 << 20, 1024),
            retain_logs: r.ranged("retainLogs", r.integer("retainLogs")?, 1, i64::MAX, limits::RETAIN_LOGS_DEFAULT),
            tick_interval: if tick_ms > tick_floor { Duration::from_millis(tick_ms as u64) } else { limits::TICK_INTERVAL_DEFAULT },
            election_tick: if election_tick < 4.0 { limits::ELECTION_TICK_DEFAULT } else { election_tick as usize },
            heartbeat_port: r.ranged("heartbeatPort", r.lenient("heartbeatPort"), 1025, 65535, 5901),
            replica_port: r.ranged("replicaPort", r.lenient("replicaPort"), 1025, 65535, 5902),
            node_set_cap: r.ranged("nodeSetCap", r.integer("nodeSetCap")?, 3, i64::MAX, 18),
            meta_node_reserved_mem: r.ranged("metaNodeReservedMem", r.integer("metaNodeReservedMem")?, 32 << 20, i64::MAX, 1 << 30),
            fault_domain: r.flag("faultDomain", false),
            fault_domain_zones: r.ranged("faultDomainGrpBatchCnt", r.integer("faultDomainGrpBatchCnt")?, 1, 3, 3),
            fault_domain_build_as_possible: r.flag("faultDomainBuildAsPossible", false),
            http_reverse_pool_size: r.ranged("httpReversePoolSize", r.lenient("httpReversePoolSize"), 1024, 1 << 20, 1024),
            http_pool_size: r.ranged("httpPoolSize", r.lenient("httpPoolSize").map(|n| n.max(128)), 128, 1 << 20, 128),
            enable_follower_cache: r.flag("enableFollowerCache", true),
            enable_snapshot: r.flag("enableSnapshot", false),
            disable_auto_create: r.flag("disableAutoCreate", false),
            missing_data_partition_interval: r.seconds("missingDataPartitionInterval", 86_400)?,
            data_partition_no_leader_interval: r.seconds("dpNoLeaderReportIntervalSec", 10)?,
            meta_partition_no_leader_interval: r.seconds("mpNoLeaderReportIntervalSec", 5)?,
            data_partition_timeout: r.seconds("dataPartitionTimeOutSec", 300)?,
            meta_partition_timeout: r.seconds("metaPartitionTimeOutSec", 60)?,
            free_data_partition_after_load: r.seconds("secondsToFreeDataPartitionAfterLoad", 300)?,
            lifecycle_scan_hour: r.ranged("startLcScanTime", r.lenient("startLcScanTime"), 1, 14, 1),
            quotas_per_volume_max: r.ranged("maxQuotaNumPerVol", r.integer("maxQuotaNumPerVol")?, 0, i64::MAX, 100),
            monitor_push_addr: r.text("monitorPushAddr").unwrap_or_default(),
            volume_force_deletion: r.flag("volForceDeletion", true),
            volume_deletion_dentry_threshold,
            enable_direct_delete_volume: r.flag("enableDirectDeleteVol", true),
            raft_partition_can_use_different_port: r.flag("raftPartitionCanUseDifferentPort", false),
            allow_multiple_replicas_on_same_machine: r.flag("allowMultipleReplicasOnSameMachine", true),
            meta_node_memory_high: r.fraction("metaNodeMemoryHighPer", 0.75)?,
            meta_node_memory_low: r.fraction("metaNodeMemoryLowPer", 0.3)?,
            auto_meta_partition_migrate: r.flag("autoMetaPartitionMigrate", false),
            legacy_data_media_type,
            single_node_mode: r.flag("singleNodeMode", false),
            writable_data_partitions_max: r.ranged(
                "maxWritableDataPartitionCnt",
                r.lenient("maxWritableDataPartitionCnt").filter(|n| *n != 0),
                1,
                i64::from(i32::MAX),
                1000,
            ),
            blobstore_addr: first(r.text("bStoreAddr"), r.text("ebsAddr")),
            blobstore_service_path: first(r.text("bStoreServicePath"), r.text("ebsServicePath")),
            authenticate,
            service_key: service_key(r)?,
            auth_node_hosts: r.text("authNodeHost").map(|t| t.split(',').map(str::to_owned).collect()).unwrap_or_default(),
            exporter_enable: r.flag("exporterEnable", true),
            exporter_port: side_port(r, "exporterPort"),
            prof: side_port(r, "prof"),
        })
    }

    /// The address that every port is bound to; `None` means all addresses of the machine.
    pub fn bind_addr(&self) -> Option<IpAddr> {
        self.ip.filter(|_| self.bind_ip)
    }

    /// This master's own HTTP address as the other masters know it.
    pub fn own_addr(&self) -> &str {
        &self.peers[&self.id]
    }
}

fn first(one: Option<String>, other: Option<String>) -> String {
    one.or(other).unwrap_or_default()
}

fn number(r: &Reader<'_>, key: &'static str, expected: &str) -> Result<u64, ConfigError> {
    let text = r.required(key, expected)?;
    text.parse().map_err(|_| r.error(key, format_args!("{expected}, found {text:?}")))
}

fn port(r: &Reader<'_>, key: &'static str) -> Result<u16, ConfigError> {
    let text = r.required(key, "a port")?;
    text.parse().map_err(|_| r.error(key, format_args!("a port from 0 to 65535, found {text:?}")))
}

/// A port that need not be: missing, 0, or what is none.
fn side_port(r: &Reader<'_>, key: &'static str) -> Option<u16> {
    let port: u16 = r.ranged(key, r.lenient(key), 0, 65535, 0);
    (port != 0).then_some(port)
}

/// `id:ip:port,id:ip:port,…`, each id once.
fn peers(r: &Reader<'_>) -> Result<BTreeMap<MasterId, String>, ConfigError> {
    const FORM: &str = "\"id:ip:port,id:ip:port,…\" with the HTTP address of every master";
    let text = r.required("peers", FORM)?;
    let mut peers = BTreeMap::new();
    for entry in text.split(',') {
        let wrong = || r.error("peers", format_args!("{FORM}, found {entry:?}"));
        let mut parts = entry.split(':');
        let (Some(id), Some(host), Some(port), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(wrong());
        };
        let id: u64 = id.parse().map_err(|_| wrong())?;
        let port: u16 = port.parse().map_err(|_| wrong())?;
        if host.is_empty() {
            return Err(wrong());
        }
        if peers.insert(MasterId(id), format!("{host}:{port}")).is_some() {
            return Err(r.error("peers", format_args!("each id once, found {id} again")));
        }
    }
    Ok(peers)
}

fn log_level(r: &Reader<'_>) -> LogLevel {
    let Some(text) = r.text("logLevel") else { return LogLevel::Error };
    match text.to_ascii_lowercase().as_str() {
        "debug" => LogLevel::Debug,
        "info" => LogLevel::Info,
        "warn" => LogLevel::Warn,
        "error" => LogLevel::Error,
        "critical" => LogLevel::Critical,
        _ => {
            r.warn("logLevel", format!("expected debug, info, warn, error or critical, found {text:?}; error is used"));
            LogLevel::Error
        }
    }
}

fn service_key(r: &Reader<'_>) -> Result<ServiceKey, ConfigError> {
    let text = r.text("masterServiceKey").unwrap_or_default();
    match base64::engine::general_purpose::STANDARD.decode(text) {
        Ok(bytes) if matches!(bytes.len(), 0 | 16 | 24 | 32) => Ok(ServiceKey(bytes)),
        Ok(bytes) => Err(r.error("masterServiceKey", format_args!("base64 of 16, 24 or 32 bytes, found {} bytes", bytes.len()))),
        Err(_) => Err(r.error("masterServiceKey", "base64 text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{json, Value};

    fn minimal() -> Value {
        json!({
            "role": "master", "clusterName": "c", "id": "1", "ip": "127.0.0.1", "listen": "17010",
            "peers": "1:127.0.0.1:17010,2:127.0.0.2:17010", "walDir": "/w", "storeDir": "/s",
        })
    }

    fn parse(changes: Value) -> Result<(Config, Vec<Warning>), ConfigError> {
        let mut all = minimal();
        for (key, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => all.as_object_mut().unwrap().remove(key),
                _ => all.as_object_mut().unwrap().insert(key.clone(), value.clone()),
            };
        }
        Config::parse("m.json", &all.to_string())
    }

    #[test]
    fn the_required_keys_are_enough() {
        let (config, warnings) = parse(json!({})).unwrap();
        assert_eq!(warnings, []);
        assert_eq!((config.id, config.listen, config.heartbeat_port, config.replica_port), (MasterId(1), 17010, 5901, 5902));
        assert_eq!(config.peers[&MasterId(2)], "127.0.0.2:17010");
        assert_eq!(config.own_addr(), "127.0.0.1:17010");
        assert_eq!(config.bind_addr(), None);
        assert_eq!((config.tick_interval, config.election_tick, config.retain_logs), (Duration::from_millis(500), 5, 20_000));
        assert_eq!((config.node_set_cap, config.meta_node_reserved_mem), (18, 1 << 30));
        assert!(config.enable_direct_delete_volume && config.enable_follower_cache && config.exporter_enable);
        assert_eq!(config.log_level, LogLevel::Error);
    }

    #[test]
    fn numbers_and_texts_are_both_taken() {
        let texts = json!({"id": "2", "listen": "80", "tickInterval": "400", "electionTick": "7", "nodeSetCap": "5",
            "heartbeatPort": "6000", "maxWritableDataPartitionCnt": "9"});
        let numbers = json!({"id": 2, "listen": 80, "tickInterval": 400, "electionTick": 7, "nodeSetCap": 5, "heartbeatPort": 6000,
            "maxWritableDataPartitionCnt": 9});
        let (a, b) = (parse(texts).unwrap(), parse(numbers).unwrap());
        assert_eq!(a, b);
        assert_eq!(a.1, []);
        assert_eq!((a.0.id, a.0.listen, a.0.election_tick, a.0.node_set_cap), (MasterId(2), 80, 7, 5));
        assert_eq!(a.0.tick_interval, Duration::from_millis(400));
    }

    #[test]
    fn values_out_of_range_are_replaced_and_named() {
        let (config, warnings) = parse(json!({"tickInterval": 300, "electionTick": 3.5, "nodeSetCap": 2, "heartbeatPort": 1024,
            "replicaPort": 70000, "startLcScanTime": 15, "retainLogs": 0, "metaNodeReservedMem": 33554431,
            "httpReversePoolSize": 3, "logLevel": "loud"}))
        .unwrap();
        let (plain, _) = parse(json!({})).unwrap();
        assert_eq!(config, plain);
        let keys: Vec<_> = warnings.iter().map(|w| w.key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "tickInterval",
                "electionTick",
                "logLevel",
                "retainLogs",
                "heartbeatPort",
                "replicaPort",
                "nodeSetCap",
                "metaNodeReservedMem",
                "httpReversePoolSize",
                "startLcScanTime"
            ]
        );
    }

    #[test]
    fn unknown_and_mistyped_keys_are_warned_of() {
        let (config, warnings) = parse(json!({"defaultStorageClass": 1, "monitorPushAddr": ["x"], "enableFollowerCache": 1})).unwrap();
        assert!(!config.enable_follower_cache);
        let texts: Vec<_> = warnings.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "key \"enableFollowerCache\": expected true or false, found 1; taken as false",
                "key \"monitorPushAddr\": expected text or a number, found a list; ignored",
                "key \"defaultStorageClass\": unknown key, ignored",
            ]
        );
    }

    #[test]
    fn errors_name_file_key_and_what_is_expected() {
        for (changes, text) in [
            (json!({"walDir": null}), "m.json: key \"walDir\": expected the directory of the raft log; it is missing or empty"),
            (json!({"id": "x"}), "m.json: key \"id\": expected this master's number, found \"x\""),
            (json!({"id": "3"}), "m.json: key \"peers\": expected an entry for this master's own id 3"),
            (json!({"listen": ":17010"}), "m.json: key \"listen\": expected a port from 0 to 65535, found \":17010\""),
            (json!({"nodeSetCap": "many"}), "m.json: key \"nodeSetCap\": expected an integer, found \"many\""),
            (json!({"volDeletionDentryThreshold": -1}), "m.json: key \"volDeletionDentryThreshold\": expected 0 or more, found -1"),
            (json!({"legacyDataMediaType": 3}), "m.json: key \"legacyDataMediaType\": expected 0, 1 (SSD) or 2 (HDD), found 3"),
            (json!({"masterServiceKey": "*"}), "m.json: key \"masterServiceKey\": expected base64 text"),
            (json!({"peers": "1:a:1,1:b:2"}), "m.json: key \"peers\": expected each id once, found 1 again"),
            (json!({"role": "datanode"}), "m.json: key \"role\": expected \"master\", found \"datanode\""),
        ] {
            assert_eq!(parse(changes).unwrap_err().to_string(), text);
        }
        assert_eq!(Config::parse("m.json", "[]").unwrap_err().to_string(), "m.json: expected one JSON object");
    }

    #[test]
    fn the_service_key_never_shows_itself() {
        let (config, _) = parse(json!({"masterServiceKey": "AAECAwQFBgcICQoLDA0ODw=="})).unwrap();
        assert_eq!(config.service_key.bytes().len(), 16);
        assert!(!format!("{config:?}").contains("ServiceKey(["));
    }

    proptest! {
        #[test]
        fn any_file_is_read_or_refused_without_panic(text in "\\PC*", key in "[a-zA-Z]{1,12}", value in any::<f64>()) {
            let _ = Config::parse("x", &text);
            let _ = parse(json!({ key: value, "tickInterval": value, "electionTick": value, "nodeSetCap": value }));
        }
    }
}
