//! Why a replica is read-only: the reasons that the master adds to those a node reports.

/// Of a data replica; bits 0 to 3 come from the node (v3.5.3 admin-tasks.md §6.5).
pub mod data_reason {
    pub const REPLICA_MISSING: u32 = 1 << 4;
    pub const NODE_READ_ONLY: u32 = 1 << 5;
    pub const PARTITION_READ_ONLY: u32 = 1 << 6;
}

/// Of a meta replica; bits 0 and 1 come from the node (v3.5.3 admin-tasks.md §6.6).
pub mod meta_reason {
    pub const NODE_READ_ONLY: u32 = 1 << 2;
}
