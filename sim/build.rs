//! An exported RUSTFLAGS overrides `build.rustflags` and the simulation would silently run no test: fail instead.
fn main() {
    println!("cargo:rerun-if-env-changed=SIM_REQUIRED");
    if std::env::var_os("SIM_REQUIRED").is_some() && std::env::var_os("CARGO_CFG_MADSIM").is_none() {
        panic!("SIM_REQUIRED is set but --cfg madsim did not arrive: unset RUSTFLAGS and run `cargo sim` again");
    }
}
