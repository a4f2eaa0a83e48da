//! The corpora of the fuzz targets, replayed without a fuzzer: what was once found stays fixed.

#[path = "../../fuzz/src/targets.rs"]
mod targets;

use std::path::Path;

fn replay(target: &str, run: impl Fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut inputs: Vec<_> = std::fs::read_dir(&corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(inputs.len() > 10, "{} inputs in {}", inputs.len(), corpus.display());
    for input in inputs {
        run(&std::fs::read(&input).unwrap());
    }
}

#[test]
fn the_packet_corpus_holds() {
    replay("packet", targets::packet);
}

#[test]
fn the_admin_task_corpus_holds() {
    replay("admin_task", targets::admin_task);
}
