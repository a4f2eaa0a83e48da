//! A run: a cluster in the simulated world, clients, faults, checks, and the verdict.

pub mod active;
pub mod caller;
#[cfg(madsim)]
mod client;
#[cfg(madsim)]
mod cluster;
pub mod crash_point;
mod draw;
#[cfg(madsim)]
mod execute;
pub mod fault;
pub mod glimpse;
pub mod history;
pub mod holdings;
#[cfg(madsim)]
mod hostile;
#[cfg(madsim)]
mod inject;
#[cfg(madsim)]
mod log_view;
#[cfg(madsim)]
mod observe;
#[cfg(madsim)]
mod operator;
pub mod options;
pub mod report;
mod request;
pub mod scenario;
pub mod seed;
pub mod shrink;
#[cfg(madsim)]
mod start;
#[cfg(madsim)]
mod steps;
#[cfg(madsim)]
mod watch;
pub mod workload;

#[cfg(madsim)]
pub use cluster::{master_addr, Cluster};
#[cfg(madsim)]
pub use execute::{execute, Finished};
