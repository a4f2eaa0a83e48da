//! Every scenario of `sim/scenarios` passes: each was a failure once, or shows something that must go on working.
#![cfg(madsim)]

use std::path::Path;
use std::process::Command;

#[test]
fn every_scenario_passes() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut files: Vec<String> = std::fs::read_dir(root.join("sim/scenarios"))
        .expect("there are scenarios")
        .map(|entry| format!("sim/scenarios/{}", entry.expect("an entry").file_name().to_string_lossy()))
        .filter(|name| name.ends_with(".txt"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let failed: Vec<String> = files
        .iter()
        .filter_map(|file| {
            let run =
                Command::new(env!("CARGO_BIN_EXE_cfs-sim")).args(["one-scenario", file]).current_dir(root).output().expect("it starts");
            let line = String::from_utf8_lossy(&run.stdout).into_owned();
            println!("{file}: {line}");
            (line.split(' ').nth(3) != Some("0")).then(|| format!("{line}  again: ci/sim scenario {file}"))
        })
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
