//! cfs-sim: the simulated world of cfs-master.
//!
//! * [`checks`]: the invariants.
//! * [`contract`]: what the program may rely on at the seams; run here and on tokio.
//! * [`http`]: a small client over the Network seam.
//! * [`nodes`]: stand-in data nodes and meta nodes.
//! * [`run`]: a cluster, clients and faults in the world, and the verdict.
//! * [`world`]: hosts, clocks, disks and a network on virtual time, with faults; the seams' simulated side.
#![forbid(unsafe_code)]
#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod checks;
pub mod contract;
pub mod http;
pub mod nodes;
pub mod run;
pub mod world;
