//! cfs-master: the master of a CubeFS storage cluster.
//!
//! The layers, lowest first, and what each must not know (ARCHITECTURE.md has the whole picture; `tests/arrows.rs` keeps it so):
//!
//! * [`ids`], [`limits`]: names for numbers; know nothing.
//! * [`wire`]: bytes and JSON on the network. Knows no I/O, clock or state.
//! * [`model`]: the records of the cluster, data only. Knows no I/O and no rules.
//! * [`state`]: the replicated state machine. Pure: knows no clock, no randomness, no reports of nodes.
//! * [`plan`]: decisions. Pure: (state, reports, now) -> actions; knows no network and no raft.
//! * [`view`]: what clients are shown. Pure: (state, reports, now) -> reply types.
//! * [`env`]: the seams to clock, tasks, network, disk and randomness. Knows nothing of masters.
//! * [`raft`]: consensus over the seams. Knows nothing of what its commands mean.
//! * [`nodes`]: talking to storage nodes. Knows packets and tasks, not volumes.
//! * [`config`]: the configuration file.
//! * [`master`]: ties them together. Knows no HTTP.
//! * [`api`]: HTTP. Knows the master's operations, never raft or the disk.
//! * [`import`]: the store of a stopped master, brought into a new cluster. Knows no raft.
//! * [`mutants`]: planted bugs that prove the simulation; nothing without the feature of that name.
//! * [`observe`]: logs, metrics, audit; usable by all.
#![forbid(unsafe_code)]
#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod api;
pub mod config;
pub mod env;
pub mod ids;
pub mod import;
pub mod limits;
pub mod master;
pub mod model;
pub mod mutants;
pub mod nodes;
pub mod observe;
pub mod plan;
pub mod raft;

pub mod start;
pub mod state;
pub mod view;
pub mod wire;
