//! A run: a cluster in the simulated world, clients, faults, checks, and the verdict.

#[cfg(madsim)]
mod client;
#[cfg(madsim)]
mod cluster;
#[cfg(madsim)]
mod execute;
pub mod fault;
pub mod history;
#[cfg(madsim)]
mod inject;
#[cfg(madsim)]
mod observe;
pub mod options;
pub mod report;
pub mod seed;
#[cfg(madsim)]
mod start;

#[cfg(madsim)]
pub use cluster::{master_addr, Cluster};
#[cfg(madsim)]
pub use execute::{execute, Finished};
