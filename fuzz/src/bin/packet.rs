//! libFuzzer's entry to [`cfs_fuzz::targets::packet`].
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cfs_fuzz::targets::packet(bytes));

#[cfg(not(fuzzing))]
fn main() {}
