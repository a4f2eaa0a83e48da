//! Lifecycle of files: the nodes that scan, a volume's rules, tasks and results (v3.5.3 state-machine.md §6.14).

use super::key::Key;
use super::record::{record, JsonRecord};
use crate::ids::NodeId;
use crate::wire::gojson::{List, Time};

record! {
    /// `#ln#<addr>`.
    pub struct LcNode {
        id: NodeId = "ID";
        addr: String = "Addr";
    }
}

impl JsonRecord for LcNode {
    fn place(&self) -> Key {
        Key::LcNode(self.addr.clone())
    }
}

record! {
    /// `#lc#<volume>`.
    pub struct LcConfiguration {
        vol_name: String = "VolName";
        rules: List<LcRule> = "Rules";
    }
}

impl JsonRecord for LcConfiguration {
    fn place(&self) -> Key {
        Key::LcConfiguration(self.vol_name.clone())
    }
}

record! {
    /// What happens to which files.
    pub struct LcRule {
        id: String = "ID";
        /// `Enabled` or `Disabled`.
        status: String = "Status";
        filter: Option<LcFilter> = "Filter", unless Option::is_none;
        expiration: Option<LcExpiration> = "Expiration", unless Option::is_none;
        transitions: Vec<LcTransition> = "Transition", unless Vec::is_empty;
    }
}

impl LcRule {
    /// v3.5.3's status of a rule that is carried out.
    pub const ENABLED: &'static str = "Enabled";
}

record! {
    /// Which files a rule is for.
    pub struct LcFilter {
        prefix: String = "Prefix", unless String::is_empty;
        /// Bytes.
        min_size: u64 = "MinSize";
    }
}

record! {
    /// When files are deleted.
    pub struct LcExpiration {
        date: Option<Time> = "Date", unless Option::is_none;
        days: Option<i64> = "Days", unless Option::is_none;
    }
}

record! {
    /// When files move to another storage class.
    pub struct LcTransition {
        date: Option<Time> = "Date", unless Option::is_none;
        days: Option<i64> = "Days", unless Option::is_none;
        /// `HDD` or `BLOBSTORE`.
        storage_class: String = "StorageClass", unless String::is_empty;
    }
}

record! {
    /// `#lct#<volume>:<rule>`: a scan to be done.
    pub struct LcTask {
        /// `volume:rule`.
        id: String = "Id";
        vol_name: String = "VolName";
        rule: Option<Box<LcRule>> = "Rule";
    }
}

impl JsonRecord for LcTask {
    fn place(&self) -> Key {
        Key::LcTask(self.id.clone())
    }
}

record! {
    /// `#lcr#<volume>:<rule>`: how far a scan is, or how it ended.
    pub struct LcResult {
        /// `volume:rule`.
        id: String = "ID";
        /// Address of the node that scans.
        lc_node: String = "LcNode";
        start_time: Option<Time> = "StartTime";
        end_time: Option<Time> = "EndTime";
        update_time: Option<Time> = "UpdateTime";
        done: bool = "Done";
        status: u8 = "Status";
        start_err: String = "StartErr";
        volume: String = "Volume";
        rcv_stop: bool = "RcvStop";
        rule: Option<Box<LcRule>> = "Rule";
        total_file_scanned_num: i64 = "TotalFileScannedNum";
        total_file_expired_num: i64 = "TotalFileExpiredNum";
        total_dir_scanned_num: i64 = "TotalDirScannedNum";
        expired_delete_num: i64 = "ExpiredDeleteNum";
        expired_m_to_hdd_num: i64 = "ExpiredMToHddNum";
        expired_m_to_hdd_bytes: i64 = "ExpiredMToHddBytes";
        expired_m_to_blobstore_num: i64 = "ExpiredMToBlobstoreNum";
        expired_m_to_blobstore_bytes: i64 = "ExpiredMToBlobstoreBytes";
        expired_skip_num: i64 = "ExpiredSkipNum";
        error_delete_num: i64 = "ErrorDeleteNum";
        error_m_to_hdd_num: i64 = "ErrorMToHddNum";
        error_m_to_blobstore_num: i64 = "ErrorMToBlobstoreNum";
        error_read_dir_num: i64 = "ErrorReadDirNum";
    }
}

impl JsonRecord for LcResult {
    fn place(&self) -> Key {
        Key::LcResult(self.id.clone())
    }
}
