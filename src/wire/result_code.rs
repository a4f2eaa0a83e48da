//! Result codes of replies: every number of v3.5.3 with its name and text (v3.5.3 packet.md §8).
//!
//! Must not know: which operation was answered.

use std::borrow::Cow;
use std::fmt;

/// How a node answered. Any number is allowed: a number without a name is a value, not an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResultCode(pub u8);

impl fmt::Display for ResultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(b""))
    }
}

/// Each line: constant = number, v3.5.3 name, text (`name`: the same; `none`: v3.5.3 prints `Unknown ResultCode(N)`).
macro_rules! result_codes {
    ($($konst:ident = $value:literal, $name:literal, $text:tt;)*) => {
        impl ResultCode {
            $(#[doc = $name] pub const $konst: ResultCode = ResultCode($value);)*

            /// The name of v3.5.3; the first one where a number has several.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($name),)*
                    _ => None,
                }
            }

            fn listed_text(self) -> Option<&'static str> {
                match self.0 {
                    $($value => result_codes!(@text $name, $text),)*
                    _ => None,
                }
            }

            /// Every named number in order.
            pub const ALL: &'static [ResultCode] = &[$(ResultCode($value)),*];
        }
    };
    (@text $name:literal, name) => { Some($name) };
    (@text $name:literal, none) => { None };
    (@text $name:literal, $text:literal) => { Some($text) };
}

result_codes! {
    INIT_RESULT_CODE = 0x00, "OpInitResultCode", none;
    UPLOAD_PART_CONFLICT_ERR = 0x3D, "OpUploadPartConflictErr", name;
    MISMATCH_STORAGE_CLASS = 0x82, "OpMismatchStorageClass", "OpMismatchStorageClass:";
    LEASE_OCCUPIED_BY_OTHERS = 0x86, "OpLeaseOccupiedByOthers", "LeaseOccupiedByOthers";
    LEASE_GENERATION_NOT_MATCH = 0x87, "OpLeaseGenerationNotMatch", name;
    WRITE_OP_OF_PROTO_VER_FORBIDDEN = 0x88, "OpWriteOpOfProtoVerForbidden", name;
    LIMITED_IO_ERR = 0xB1, "OpLimitedIoErr", name;
    STORE_CLOSED = 0xB2, "OpStoreClosed", name;
    REACH_MAX_EXTENTS_ERR = 0xB3, "OpReachMaxExtentsErr", name;
    TINY_RECOVER_ERR = 0xB4, "OpTinyRecoverErr", name;
    DP_DECOMMISSION_REPAIR_ERR = 0xB5, "OpDpDecommissionRepairErr", name;
    DP_REPAIR_ERR = 0xB6, "OpDpRepairErr", none;
    TRY_OTHER_EXTENT = 0xD7, "OpTryOtherExtent", none;
    TX_INODE_INFO_NOT_EXIST_ERR = 0xE0, "OpTxInodeInfoNotExistErr", name;
    TX_CONFLICT_ERR = 0xE1, "OpTxConflictErr", "TransactionConflict";
    TX_DENTRY_INFO_NOT_EXIST_ERR = 0xE2, "OpTxDentryInfoNotExistErr", name;
    TX_RB_INODE_NOT_EXIST_ERR = 0xE3, "OpTxRbInodeNotExistErr", "OpTxRbInodeNotExistEr";
    TX_RB_DENTRY_NOT_EXIST_ERR = 0xE4, "OpTxRbDentryNotExistErr", "OpTxRbDentryNotExistEr";
    TX_INFO_NOT_EXIST_ERR = 0xE5, "OpTxInfoNotExistErr", name;
    TX_INTERNAL_ERR = 0xE6, "OpTxInternalErr", name;
    TX_COMMIT_ITEM_ERR = 0xE7, "OpTxCommitItemErr", name;
    TX_ROLLBACK_ITEM_ERR = 0xE8, "OpTxRollbackItemErr", name;
    TX_ROLLBACK_UNKNOWN_RB_TYPE = 0xE9, "OpTxRollbackUnknownRbType", name;
    TX_TIMEOUT_ERR = 0xEA, "OpTxTimeoutErr", name;
    TX_SET_STATE_ERR = 0xEB, "OpTxSetStateErr", name;
    TX_COMMIT_ERR = 0xEC, "OpTxCommitErr", name;
    TX_ROLLBACK_ERR = 0xED, "OpTxRollbackErr", name;
    NO_SPACE_ERR = 0xEE, "OpNoSpaceErr", "NoSpaceErr";
    FORBID_ERR = 0xEF, "OpForbidErr", name;
    OK = 0xF0, "OpOk", "Ok";
    DIR_QUOTA = 0xF1, "OpDirQuota", name;
    CONFLICT_EXTENTS_ERR = 0xF2, "OpConflictExtentsErr", "ConflictExtentsErr";
    INTRA_GROUP_NET_ERR = 0xF3, "OpIntraGroupNetErr", "IntraGroupNetErr";
    ARG_MISMATCH_ERR = 0xF4, "OpArgMismatchErr", "ArgUnmatchErr";
    NOT_EXIST_ERR = 0xF5, "OpNotExistErr", "NotExistErr";
    DISK_NO_SPACE_ERR = 0xF6, "OpDiskNoSpaceErr", "DiskNoSpaceErr";
    DISK_ERR = 0xF7, "OpDiskErr", "DiskErr";
    ERR = 0xF8, "OpErr", "Err: ";
    AGAIN = 0xF9, "OpAgain", "Again: ";
    EXIST_ERR = 0xFA, "OpExistErr", "ExistErr";
    INODE_FULL_ERR = 0xFB, "OpInodeFullErr", "InodeFullErr";
    TRY_OTHER_ADDR = 0xFC, "OpTryOtherAddr", "TryOtherAddr";
    NOT_PERM = 0xFD, "OpNotPerm", "NotPerm";
    NOT_EMPTY = 0xFE, "OpNotEmpty", "DirNotEmpty";
}

impl ResultCode {
    /// Second name of 0xEE, `OpTxUnknownOp`.
    pub const TX_UNKNOWN_OP: ResultCode = ResultCode::NO_SPACE_ERR;
    /// Second name of 0xEF, `OpAgainVerionList` (spelling as in v3.5.3).
    pub const AGAIN_VERSION_LIST: ResultCode = ResultCode::FORBID_ERR;
    /// Third name of 0xEF, `OpReadRepairExtentAgain`.
    pub const READ_REPAIR_EXTENT_AGAIN: ResultCode = ResultCode::FORBID_ERR;
    /// Names that share a number with another.
    pub const ALIASES: &'static [(ResultCode, &'static str)] = &[
        (ResultCode::TX_UNKNOWN_OP, "OpTxUnknownOp"),
        (ResultCode::AGAIN_VERSION_LIST, "OpAgainVerionList"),
        (ResultCode::READ_REPAIR_EXTENT_AGAIN, "OpReadRepairExtentAgain"),
    ];

    /// What v3.5.3 prints for the code. Three texts end with the body of the reply.
    pub fn text(self, body: &[u8]) -> Cow<'static, str> {
        match self {
            ResultCode::MISMATCH_STORAGE_CLASS | ResultCode::ERR | ResultCode::AGAIN => {
                let start = self.listed_text().unwrap_or_default();
                Cow::Owned(format!("{start}{}", String::from_utf8_lossy(body)))
            }
            _ => match self.listed_text() {
                Some(text) => Cow::Borrowed(text),
                None => Cow::Owned(format!("Unknown ResultCode({})", self.0)),
            },
        }
    }

    /// The text of a refused synchronous task, as in HTTP answers and logs of v3.5.3 (packet.md §7.7).
    pub fn refusal_text(self, body: &[u8]) -> String {
        format!("result code[{}],msg[{}]", self.0, String::from_utf8_lossy(body))
    }
}
