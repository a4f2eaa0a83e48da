//! Coverage-guided fuzzing of everything that reads bytes of a peer. `ci/fuzz` builds and runs it; without `cfg(fuzzing)` the
//! programs are empty and only [`targets`] is compiled.
#![forbid(unsafe_code)]

pub mod targets;
