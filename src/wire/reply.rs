//! What a master answers: the error codes of v3.5.3 and the reply envelope's parts (v3.5.3 http-general.md §7, §9).
//!
//! A code belongs to a predefined error itself, not to its text: wrapping an error in more words makes it code 1.

use std::borrow::Cow;
use std::fmt;

/// A refusal: the code and the text that the client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Code of the reply envelope, never 0.
    pub code: i32,
    /// Text of the reply envelope.
    pub msg: Cow<'static, str>,
}

impl Fault {
    /// A refusal with a code of the caller's choice.
    pub fn new(code: i32, msg: impl Into<Cow<'static, str>>) -> Self {
        Self { code, msg: msg.into() }
    }

    /// Code 1: an error with a text of its own, written `INT(text)` in the specification.
    pub fn internal(msg: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::INTERNAL_ERROR, msg)
    }

    /// Code 2: a bad parameter, written `PARAM(text)` in the specification.
    pub fn param(msg: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::PARAM_ERROR, msg)
    }

    /// `NOKEY(key)` of the specification.
    pub fn no_key(key: &str) -> Self {
        Self::param(format!("parameter {key} not found"))
    }

    /// `BADKEY(key)` of the specification.
    pub fn bad_key(key: &str) -> Self {
        Self::param(format!("parameter {key} not match"))
    }

    /// A predefined error with its own code.
    pub const fn predefined(code: i32, msg: &'static str) -> Self {
        Self { code, msg: Cow::Borrowed(msg) }
    }

    /// The same text under another code.
    pub fn with_code(self, code: i32) -> Self {
        Self { code, ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.msg)
    }
}

impl std::error::Error for Fault {}

/// Reply codes by name.
pub mod code {
    pub const SUCCESS: i32 = 0;
    pub const INTERNAL_ERROR: i32 = 1;
    pub const PARAM_ERROR: i32 = 2;
    pub const INVALID_CFG: i32 = 3;
    pub const PERSISTENCE_BY_RAFT: i32 = 4;
    pub const MARSHAL_DATA: i32 = 5;
    pub const UNMARSHAL_DATA: i32 = 6;
    pub const VOL_NOT_EXISTS: i32 = 7;
    pub const VOL_HAS_DELETED: i32 = 8;
    pub const VOL_NOT_DELETE: i32 = 9;
    pub const META_PARTITION_NOT_EXISTS: i32 = 10;
    pub const DATA_PARTITION_NOT_EXISTS: i32 = 11;
    pub const DATA_NODE_NOT_EXISTS: i32 = 12;
    pub const META_NODE_NOT_EXISTS: i32 = 13;
    pub const DUPLICATE_VOL: i32 = 14;
    pub const ACTIVE_DATA_NODES_TOO_LESS: i32 = 15;
    pub const ACTIVE_META_NODES_TOO_LESS: i32 = 16;
    pub const INVALID_MP_START: i32 = 17;
    pub const NO_AVAIL_DATA_PARTITION: i32 = 18;
    pub const RESHUFFLE_ARRAY: i32 = 19;
    pub const ILLEGAL_DATA_REPLICA: i32 = 20;
    pub const MISSING_REPLICA: i32 = 21;
    pub const HAS_ONE_MISSING_REPLICA: i32 = 22;
    pub const NO_DATA_NODE_TO_WRITE: i32 = 23;
    pub const NO_META_NODE_TO_WRITE: i32 = 24;
    pub const CANNOT_BE_OFF_LINE: i32 = 25;
    pub const NO_DATA_NODE_TO_CREATE_DATA_PARTITION: i32 = 26;
    pub const NO_ZONE_TO_CREATE_DATA_PARTITION: i32 = 27;
    pub const NO_NODE_SET_TO_CREATE_DATA_PARTITION: i32 = 28;
    pub const NO_NODE_SET_TO_CREATE_META_PARTITION: i32 = 29;
    pub const NO_META_NODE_TO_CREATE_META_PARTITION: i32 = 30;
    pub const ILLEGAL_META_REPLICA: i32 = 31;
    pub const NO_ENOUGH_REPLICA: i32 = 32;
    pub const NO_LEADER: i32 = 33;
    pub const VOL_AUTH_KEY_NOT_MATCH: i32 = 34;
    pub const AUTH_KEY_STORE_ERROR: i32 = 35;
    pub const AUTH_API_ACCESS_GEN_RESP_ERROR: i32 = 36;
    pub const AUTH_RAFT_NODE_GEN_RESP_ERROR: i32 = 37;
    pub const AUTH_OS_CAPS_OP_GEN_RESP_ERROR: i32 = 38;
    pub const AUTH_REQ_REDIRECT_ERROR: i32 = 39;
    pub const ACCESS_KEY_NOT_EXISTS: i32 = 40;
    pub const INVALID_TICKET: i32 = 41;
    pub const INVALID_CLIENT_ID_KEY: i32 = 42;
    pub const EXPIRED_TICKET: i32 = 43;
    pub const MASTER_API_GEN_RESP_ERROR: i32 = 44;
    pub const DUPLICATE_USER_ID: i32 = 45;
    pub const USER_NOT_EXISTS: i32 = 46;
    pub const READ_BODY_ERROR: i32 = 47;
    pub const VOL_POLICY_NOT_EXISTS: i32 = 48;
    pub const DUPLICATE_ACCESS_KEY: i32 = 49;
    pub const HAVE_NO_POLICY: i32 = 50;
    pub const NO_ZONE_TO_CREATE_META_PARTITION: i32 = 51;
    pub const ZONE_NOT_EXISTS: i32 = 52;
    pub const OWN_VOL_EXISTS: i32 = 53;
    pub const SUPER_ADMIN_EXISTS: i32 = 54;
    pub const INVALID_USER_ID: i32 = 55;
    pub const INVALID_USER_TYPE: i32 = 56;
    pub const NO_PERMISSION: i32 = 57;
    pub const TOKEN_NOT_EXIST: i32 = 58;
    pub const INVALID_ACCESS_KEY: i32 = 59;
    pub const INVALID_SECRET_KEY: i32 = 60;
    pub const IS_OWNER: i32 = 61;
    pub const ZONE_NUM_ERROR: i32 = 62;
    pub const VERSION_OP_ERROR: i32 = 63;
    pub const NODE_SET_NOT_EXISTS: i32 = 64;
    pub const NO_SUCH_LIFECYCLE_CONFIGURATION: i32 = 65;
    pub const NO_SUPPORT_STORAGE_CLASS: i32 = 66;
    pub const TMPFS_NO_SPACE: i32 = 67;
}

/// The predefined errors: each has a code of its own.
pub mod fault {
    use super::Fault;

    pub const INTERNAL_ERROR: Fault = Fault::predefined(1, "internal error");
    pub const PARAM_ERROR: Fault = Fault::predefined(2, "parameter error");
    pub const INVALID_CFG: Fault = Fault::predefined(3, "bad configuration file");
    pub const PERSISTENCE_BY_RAFT: Fault = Fault::predefined(4, "persistence by raft occurred error");
    pub const MARSHAL_DATA: Fault = Fault::predefined(5, "marshal data error");
    pub const UNMARSHAL_DATA: Fault = Fault::predefined(6, "unmarshal data error");
    pub const VOL_NOT_EXISTS: Fault = Fault::predefined(7, "vol not exists");
    pub const VOL_HAS_DELETED: Fault = Fault::predefined(8, "vol has been deleted");
    pub const VOL_NOT_DELETE: Fault = Fault::predefined(9, "vol was not previously deleted or already deleted");
    pub const META_PARTITION_NOT_EXISTS: Fault = Fault::predefined(10, "meta partition not exists");
    pub const DATA_PARTITION_NOT_EXISTS: Fault = Fault::predefined(11, "data partition not exists");
    pub const DATA_NODE_NOT_EXISTS: Fault = Fault::predefined(12, "data node not exists");
    pub const META_NODE_NOT_EXISTS: Fault = Fault::predefined(13, "meta node not exists");
    pub const DUPLICATE_VOL: Fault = Fault::predefined(14, "duplicate vol");
    pub const ACTIVE_DATA_NODES_TOO_LESS: Fault = Fault::predefined(15, "no enough active data node");
    pub const ACTIVE_META_NODES_TOO_LESS: Fault = Fault::predefined(16, "no enough active meta node");
    pub const INVALID_MP_START: Fault = Fault::predefined(17, "invalid meta partition start value");
    pub const NO_AVAIL_DATA_PARTITION: Fault = Fault::predefined(18, "no available data partition");
    pub const RESHUFFLE_ARRAY: Fault = Fault::predefined(19, "the array to be reshuffled is nil");
    pub const ILLEGAL_DATA_REPLICA: Fault = Fault::predefined(20, "data replica is illegal");
    pub const MISSING_REPLICA: Fault = Fault::predefined(21, "a missing data replica is found");
    pub const HAS_ONE_MISSING_REPLICA: Fault = Fault::predefined(22, "there is a missing replica");
    pub const NO_DATA_NODE_TO_WRITE: Fault = Fault::predefined(23, "No data node available for creating a data partition");
    pub const NO_META_NODE_TO_WRITE: Fault = Fault::predefined(24, "No meta node available for creating a meta partition");
    pub const CANNOT_BE_OFF_LINE: Fault = Fault::predefined(25, "cannot take the data replica offline");
    pub const NO_DATA_NODE_TO_CREATE_DATA_PARTITION: Fault = Fault::predefined(26, "no enough data nodes for creating a data partition");
    pub const NO_ZONE_TO_CREATE_DATA_PARTITION: Fault = Fault::predefined(27, "no zone available for creating a data partition");
    pub const NO_NODE_SET_TO_CREATE_DATA_PARTITION: Fault = Fault::predefined(
        28,
        "no node set available for creating a data partition, no node set has enough data node to allocate partitions",
    );
    pub const NO_NODE_SET_TO_CREATE_META_PARTITION: Fault = Fault::predefined(
        29,
        "no node set available for creating a meta partition, no node set has enough meta node to allocate partitions",
    );
    pub const NO_META_NODE_TO_CREATE_META_PARTITION: Fault = Fault::predefined(30, "no enough meta nodes for creating a meta partition");
    pub const ILLEGAL_META_REPLICA: Fault = Fault::predefined(31, "illegal meta replica");
    pub const NO_ENOUGH_REPLICA: Fault = Fault::predefined(32, "no enough replicas");
    pub const NO_LEADER: Fault = Fault::predefined(33, "no leader");
    pub const VOL_AUTH_KEY_NOT_MATCH: Fault = Fault::predefined(34, "client and server auth key do not match");
    pub const AUTH_KEY_STORE_ERROR: Fault = Fault::predefined(35, "auth keystore error");
    pub const AUTH_API_ACCESS_GEN_RESP_ERROR: Fault = Fault::predefined(36, "auth API access response error");
    pub const AUTH_OS_CAPS_OP_GEN_RESP_ERROR: Fault = Fault::predefined(38, "auth Object Storage node API response error");
    pub const ACCESS_KEY_NOT_EXISTS: Fault = Fault::predefined(40, "access key not exists");
    pub const INVALID_TICKET: Fault = Fault::predefined(41, "invalid ticket");
    pub const INVALID_CLIENT_ID_KEY: Fault = Fault::predefined(42, "invalid clientIDKey");
    pub const EXPIRED_TICKET: Fault = Fault::predefined(43, "expired ticket");
    pub const MASTER_API_GEN_RESP_ERROR: Fault = Fault::predefined(44, "master API generate response error");
    pub const DUPLICATE_USER_ID: Fault = Fault::predefined(45, "duplicate user id");
    pub const USER_NOT_EXISTS: Fault = Fault::predefined(46, "user not exists");
    pub const READ_BODY_ERROR: Fault = Fault::predefined(47, "read request body failed");
    pub const VOL_POLICY_NOT_EXISTS: Fault = Fault::predefined(48, "vol policy not exists");
    pub const DUPLICATE_ACCESS_KEY: Fault = Fault::predefined(49, "duplicate access key");
    pub const HAVE_NO_POLICY: Fault = Fault::predefined(50, "no vol policy");
    pub const NO_ZONE_TO_CREATE_META_PARTITION: Fault = Fault::predefined(51, "no zone available for creating a meta partition");
    pub const ZONE_NOT_EXISTS: Fault = Fault::predefined(52, "zone not exists");
    pub const OWN_VOL_EXISTS: Fault = Fault::predefined(53, "own vols not empty");
    pub const SUPER_ADMIN_EXISTS: Fault = Fault::predefined(54, "super administrator exists ");
    pub const INVALID_USER_ID: Fault = Fault::predefined(55, "invalid user ID");
    pub const INVALID_USER_TYPE: Fault = Fault::predefined(56, "invalid user type");
    pub const NO_PERMISSION: Fault = Fault::predefined(57, "no permission");
    pub const TOKEN_NOT_EXIST: Fault = Fault::predefined(58, "token not found");
    pub const INVALID_ACCESS_KEY: Fault = Fault::predefined(59, "invalid access key");
    pub const INVALID_SECRET_KEY: Fault = Fault::predefined(60, "invalid secret key");
    pub const IS_OWNER: Fault = Fault::predefined(61, "user owns the volume");
    pub const ZONE_NUM_ERROR: Fault = Fault::predefined(62, "zone num not qualified");
    pub const VERSION_OP_ERROR: Fault = Fault::predefined(63, "version op failed");
    pub const NODE_SET_NOT_EXISTS: Fault = Fault::predefined(64, "node set not exists");
    pub const NO_SUCH_LIFECYCLE_CONFIGURATION: Fault = Fault::predefined(65, "The lifecycle configuration does not exist");
    pub const NO_SUPPORT_STORAGE_CLASS: Fault = Fault::predefined(66, "Lifecycle storage class not allowed");
    pub const TMPFS_NO_SPACE: Fault = Fault::predefined(67, "no space left on device");

    // Predefined texts that v3.5.3 maps to no code of their own.
    pub const KEY_NOT_EXISTS: Fault = Fault::predefined(1, "key not exists");
    pub const DUPLICATE_KEY: Fault = Fault::predefined(1, "duplicate key");
    pub const VOL_NO_AVAILABLE_SPACE: Fault = Fault::predefined(1, "vol has no available space");
    pub const ACL_NO_PERMISSION: Fault = Fault::predefined(1, "acl no permission");
    pub const QUOTA_NOT_EXISTS: Fault = Fault::predefined(1, "quota not exists");
    pub const COMPRESS_FAILED: Fault = Fault::predefined(1, "compress data failed");
    pub const DISK_NOT_EXISTS: Fault = Fault::predefined(1, "disk not exists");
    pub const SNAPSHOT_NOT_ENABLED: Fault = Fault::predefined(1, "cluster not enable snapshot");

    /// The predefined error of a code, as clients take a code for a text.
    pub fn of_code(code: i32) -> Option<Fault> {
        CODED.iter().find(|fault| fault.code == code).cloned()
    }

    /// All that have a code of their own.
    pub const CODED: &[Fault] = &[
        INTERNAL_ERROR,
        PARAM_ERROR,
        INVALID_CFG,
        PERSISTENCE_BY_RAFT,
        MARSHAL_DATA,
        UNMARSHAL_DATA,
        VOL_NOT_EXISTS,
        VOL_HAS_DELETED,
        VOL_NOT_DELETE,
        META_PARTITION_NOT_EXISTS,
        DATA_PARTITION_NOT_EXISTS,
        DATA_NODE_NOT_EXISTS,
        META_NODE_NOT_EXISTS,
        DUPLICATE_VOL,
        ACTIVE_DATA_NODES_TOO_LESS,
        ACTIVE_META_NODES_TOO_LESS,
        INVALID_MP_START,
        NO_AVAIL_DATA_PARTITION,
        RESHUFFLE_ARRAY,
        ILLEGAL_DATA_REPLICA,
        MISSING_REPLICA,
        HAS_ONE_MISSING_REPLICA,
        NO_DATA_NODE_TO_WRITE,
        NO_META_NODE_TO_WRITE,
        CANNOT_BE_OFF_LINE,
        NO_DATA_NODE_TO_CREATE_DATA_PARTITION,
        NO_ZONE_TO_CREATE_DATA_PARTITION,
        NO_NODE_SET_TO_CREATE_DATA_PARTITION,
        NO_NODE_SET_TO_CREATE_META_PARTITION,
        NO_META_NODE_TO_CREATE_META_PARTITION,
        ILLEGAL_META_REPLICA,
        NO_ENOUGH_REPLICA,
        NO_LEADER,
        VOL_AUTH_KEY_NOT_MATCH,
        AUTH_KEY_STORE_ERROR,
        AUTH_API_ACCESS_GEN_RESP_ERROR,
        AUTH_OS_CAPS_OP_GEN_RESP_ERROR,
        ACCESS_KEY_NOT_EXISTS,
        INVALID_TICKET,
        INVALID_CLIENT_ID_KEY,
        EXPIRED_TICKET,
        MASTER_API_GEN_RESP_ERROR,
        DUPLICATE_USER_ID,
        USER_NOT_EXISTS,
        READ_BODY_ERROR,
        VOL_POLICY_NOT_EXISTS,
        DUPLICATE_ACCESS_KEY,
        HAVE_NO_POLICY,
        NO_ZONE_TO_CREATE_META_PARTITION,
        ZONE_NOT_EXISTS,
        OWN_VOL_EXISTS,
        SUPER_ADMIN_EXISTS,
        INVALID_USER_ID,
        INVALID_USER_TYPE,
        NO_PERMISSION,
        TOKEN_NOT_EXIST,
        INVALID_ACCESS_KEY,
        INVALID_SECRET_KEY,
        IS_OWNER,
        ZONE_NUM_ERROR,
        VERSION_OP_ERROR,
        NODE_SET_NOT_EXISTS,
        NO_SUCH_LIFECYCLE_CONFIGURATION,
        NO_SUPPORT_STORAGE_CLASS,
        TMPFS_NO_SPACE,
    ];
}
