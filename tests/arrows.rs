//! Keeps the arrows between the layers (ARCHITECTURE.md): which folder of `src` may name which, and which words it must not know.
//!
//! Reads the sources as text. Comments do not count; tests do.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each layer, and the others that it may name.
const ARROWS: &[(&str, &[&str])] = &[
    ("ids", &[]),
    ("limits", &[]),
    ("wire", &["ids", "limits"]),
    ("model", &["ids", "limits", "wire"]),
    ("state", &["ids", "limits", "wire", "model", "mutants"]),
    ("plan", &["ids", "limits", "wire", "model", "state", "mutants"]),
    ("view", &["ids", "limits", "wire", "model", "state", "plan", "config"]),
    ("config", &["ids", "limits"]),
    ("mutants", &[]),
    ("env", &[]),
    ("raft", &["ids", "limits", "env", "mutants"]),
    ("nodes", &["ids", "limits", "wire", "env", "mutants"]),
    ("observe", &["ids", "limits", "config"]),
    ("master", &["ids", "limits", "wire", "model", "state", "plan", "view", "config", "env", "raft", "nodes", "observe", "mutants"]),
    ("api", &["ids", "limits", "wire", "model", "state", "plan", "view", "config", "env", "master", "observe", "mutants"]),
    ("import", &["ids", "env", "model", "state", "master"]),
    ("start", &["ids", "limits", "state", "config", "env", "raft", "master", "api"]),
];

/// Layers that are functions of their arguments: no clock, no randomness, nothing to wait for.
const PURE: &[&str] = &["ids", "limits", "wire", "model", "state", "plan", "view", "config"];
const IMPURE_WORDS: &[&str] = &["async", "await", "Instant", "SystemTime", "rand", "getrandom", "tokio", "spawn"];

/// The code of one file, without its comments.
struct Source {
    /// Below `src`.
    path: String,
    lines: Vec<String>,
}

impl Source {
    fn layer(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Lines that match, as `path:line`.
    fn places(&self, matches: impl Fn(&str) -> bool) -> Vec<String> {
        let lines = self.lines.iter().enumerate().filter(|(_, line)| matches(line));
        lines.map(|(at, line)| format!("src/{}:{}: {}", self.path, at + 1, line.trim())).collect()
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of src").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                files.push(entry);
            }
        }
    }
    files.sort();
    let read = |path: PathBuf| Source {
        path: path.strip_prefix(&root).expect("below src").display().to_string(),
        lines: fs::read_to_string(&path).expect("text").lines().map(without_comment).collect(),
    };
    files.into_iter().map(read).collect()
}

fn without_comment(line: &str) -> String {
    let mut code = line;
    while let Some(at) = code.rfind("//") {
        // `://` stands in addresses, not before comments.
        if code[..at].ends_with(':') {
            break;
        }
        code = &code[..at];
    }
    code.to_owned()
}

/// True when `word` stands in the line, not as a part of a longer name.
fn names(line: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(part_of_name) && !line[at + word.len()..].starts_with(part_of_name))
}

/// The layers that a line names by `crate::…`, alone or in braces.
fn layers_in(line: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        let list = match rest.strip_prefix('{') {
            Some(list) => list,
            None => rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default(),
        };
        let mut depth = 0;
        for item in list.split(',') {
            if depth == 0 {
                let name = item.trim().split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
                found.insert(name.to_owned());
            }
            depth += item.matches('{').count() as i32 - item.matches('}').count() as i32;
            if depth < 0 {
                break;
            }
        }
    }
    found
}

#[test]
fn each_layer_names_only_those_below_it() {
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for source in sources() {
        let layer = source.layer();
        if matches!(layer, "lib" | "main") {
            continue;
        }
        let Some(allowed) = arrows.get(layer) else {
            wrong.push(format!("src/{}: give the layer {layer} its arrows in tests/arrows.rs", source.path));
            continue;
        };
        wrong.extend(source.places(|line| {
            // A list over several lines would hide what it names: one `use` per layer instead.
            line.ends_with("crate::{")
                || layers_in(line)
                    .iter()
                    .any(|named| arrows.contains_key(named.as_str()) && named != layer && !allowed.contains(&named.as_str()))
        }));
    }
    assert!(wrong.is_empty(), "arrows that point the wrong way:\n{}", wrong.join("\n"));
}

#[test]
fn the_arrows_have_no_circle() {
    let mut below: BTreeSet<&str> = BTreeSet::new();
    while below.len() < ARROWS.len() {
        let next = ARROWS.iter().find(|(layer, named)| !below.contains(layer) && named.iter().all(|name| below.contains(name)));
        let (layer, _) = next.expect("some layer names only layers that stand below it");
        below.insert(layer);
    }
}

#[test]
fn pure_layers_know_no_clock_no_randomness_and_no_waiting() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| PURE.contains(&source.layer())) {
        wrong.extend(source.places(|line| IMPURE_WORDS.iter().any(|word| names(line, word))));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_source_knows_of_the_simulation() {
    let mut wrong = Vec::new();
    for source in sources() {
        wrong.extend(source.places(|line| line.contains("madsim")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_select_looks_at_its_branches_in_order() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (at, line) in source.lines.iter().enumerate() {
            let next = source.lines.get(at + 1).map_or("", |line| line.trim());
            if line.contains("select!") && !line.contains("biased;") && next != "biased;" {
                wrong.push(format!("src/{}:{}: a select without biased", source.path, at + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn layers_are_found_in_uses() {
    let found = |line: &str| layers_in(line).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(found("use crate::env::{self, Env};"), "env");
    assert_eq!(found("use crate::{env::{a, b}, limits};"), "env limits");
    assert_eq!(found("let x = crate::ids::Term(1) + crate::limits::X;"), "ids limits");
    assert!(names("tokio::time::sleep", "tokio::time") && !names("tokio::timer", "tokio::time") && !names("my_tokio", "tokio"));
    assert_eq!(without_comment("let a = \"http://x\"; // async"), "let a = \"http://x\"; ");
}
