//! Decisions: from the state, what the nodes reported and the time to what shall be done.
//!
//! * `reports`: what nodes said. `liveness`, `life`: what that makes of a node, of a replica.
//! * `scene`, `rules`: the moment and the settings that a decision is made in.
//! * `placement`, `usable`, `node_set`: where things go.
//! * `data_partition`, `meta_partition`, `volume`: what they can do, and what is to be done about it.
//! * `empty_partitions`: which meta partitions may be frozen and cleaned.
//! * `moves`: taking replicas from node to node, one step at a time.
//! * `balance`: plans of such moves that relieve meta nodes, or empty one.
//! * `flash`, `flash_groups`, `flash_tasks`: the flash cache: its nodes, who has which slots, manual tasks.
//! * `flow_limits`: sharing a volume's limits among its clients.
//! * `usage_limits`, `quota_paths`: limits on directories and users.
//! * `lifecycle_rules`, `lifecycle`: which rules a volume may have; the scans they lead to.
//! * `versions`: snapshots of volumes.
//! * `leaders`: spreading them over nodes.
//! * `zone_check`, `storage_class`: what a request for a volume may ask for.
//! * `statistics`: sums for people.
//!
//! Invariant: pure. No clock, no randomness, no I/O, no async: `now` is an argument (monotonic time since an origin of the process), wall
//! time is unix seconds, random numbers come from a closure of the caller.

pub mod balance;
pub mod data_partition;
pub mod empty_partitions;
pub mod flash;
pub mod flash_groups;
pub mod flash_tasks;
pub mod flow_limits;
pub mod leaders;
pub mod life;
pub mod lifecycle;
pub mod lifecycle_rules;
pub mod liveness;
pub mod meta_partition;
pub mod moves;
pub mod node_set;
pub mod placement;
pub mod quota_paths;
pub mod read_only;
pub mod reports;
pub mod rules;
pub mod scene;
pub mod statistics;
pub mod storage_class;
pub mod usable;
pub mod usage_limits;
pub mod versions;
pub mod volume;
#[cfg(test)]
pub(crate) mod world;
pub mod zone_check;
