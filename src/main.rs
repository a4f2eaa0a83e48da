//! The daemon. (start.rs and main.rs are written already and land together with the master.)

fn main() {}
