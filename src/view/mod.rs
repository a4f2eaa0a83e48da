//! Reply types of the HTTP API, with the exact keys and key order of v3.5.3 (http-types.md), and how they are made of the replicated
//! state, of what nodes reported and of the configuration.
//!
//! Invariant: pure. A view takes what it shows as arguments: it reads no clock, no lock and no file.

pub mod client;
pub mod cluster;
pub mod data_partition;
pub mod decommission_text;
pub mod disk;
pub mod domain;
pub mod flash;
pub mod gotext;
pub mod lifecycle;
pub mod meta_partition;
pub mod metrics;
pub mod moves;
pub mod node;
pub mod op_log;
pub mod qos;
pub mod quota;
pub mod sight;
pub mod topology;
pub mod tx_mask;
pub mod volume;
