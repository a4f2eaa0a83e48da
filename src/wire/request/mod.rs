//! The requests inside admin tasks, with the exact keys of v3.5.3 (admin-tasks.md §6 to §10). A task whose request is null
//! (0x48, 0x4B, 0x69) carries `()`.
//!
//! Must not know: when a request is made. Lists without entries are null unless a field says otherwise.

mod data_partition;
mod flash;
mod heartbeat;
mod lifecycle;
mod meta_partition;
mod version;

pub use data_partition::*;
pub use flash::*;
pub use heartbeat::*;
pub use lifecycle::*;
pub use meta_partition::*;
pub use version::*;
