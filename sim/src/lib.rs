//! cfs-sim: the simulated world of cfs-master.
#![forbid(unsafe_code)]
