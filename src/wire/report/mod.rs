//! What nodes tell the master: heartbeat responses, results of tasks, replies to loads (v3.5.3 admin-tasks.md §6 to §10).
//!
//! Must not know: what the master makes of it. Reading is as lenient as Go's; nil and empty lists stay apart, because some
//! reports are shown again by the HTTP interface.

mod data_node;
mod flash_node;
mod incoming;
mod lc_node;
mod meta_node;
mod raft_status;
mod result;

pub use data_node::*;
pub use flash_node::*;
pub use incoming::*;
pub use lc_node::*;
pub use meta_node::*;
pub use raft_status::*;
pub use result::*;
