//! The wire against bytes of v3.5.3: what its codec made and what was seen between its processes (`tests/vectors/packets.json`).
//!
//! Goal: each vector reads into its fields and is written back to its bytes; names and texts of all codes are complete; every
//! structure keeps its bytes. Properties fill in what no vector shows: no input panics, and whatever is written reads back.

mod codec;
mod codes;
mod corpora;
mod properties;
mod tasks;
mod vectors;
