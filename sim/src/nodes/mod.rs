//! Stand-in data nodes and meta nodes: they register with the masters, serve admin packets, keep the partitions they were
//! told to keep, and answer heartbeats, as v3.5.3 nodes do (v3.5.3 admin-tasks.md §6 to §8), but hold no file data.
//!
//! Written against [`Env`](cfs_master::env::Env) only: the simulation runs each on a host of its own, `cfs-dev` and the HTTP
//! chapters run them all in one process on loopback. What they know of each other (which peer leads, membership changes
//! reaching every replica) is shared memory, in place of the partitions' own raft groups.

mod fleet;
mod handle;
mod packets;
mod report;
mod serve;

pub use fleet::{Breach, Fleet, FleetOptions, Kind, LogEntry, Mishap, NodeView, Part, Shape};
