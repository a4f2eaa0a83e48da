//! Which directories may be under different quotas: none that is the same as, above or below another one (v3.5.3
//! http-cluster-volume.md §7).

use crate::model::QuotaPath;

/// Why a directory cannot be under a new quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clash {
    /// It is under the present one.
    Same(String),
    /// It and a directory of the present quota lie above each other.
    Nested(String, String),
}

/// The first directory of `wanted` that clashes with one of a present quota.
pub fn clash(present: &[QuotaPath], wanted: &[QuotaPath]) -> Option<Clash> {
    for old in present {
        for new in wanted {
            if old.root_inode == new.root_inode || old.full_path == new.full_path {
                return Some(Clash::Same(new.full_path.clone()));
            }
            if is_above(&old.full_path, &new.full_path) || is_above(&new.full_path, &old.full_path) {
                return Some(Clash::Nested(new.full_path.clone(), old.full_path.clone()));
            }
        }
    }
    None
}

/// Whether `a` lies above `b` or is the same, both cleaned first. A name below `a` that begins with `..` hides its directory, as in v3.5.3.
fn is_above(a: &str, b: &str) -> bool {
    if a.starts_with('/') != b.starts_with('/') {
        return false;
    }
    let (a, b) = (parts(a), parts(b));
    b.strip_prefix(a.as_slice()).is_some_and(|rest| rest.first().is_none_or(|name| !name.starts_with("..")))
}

/// The names of a path, without `.`, empty ones, and what `..` takes back.
fn parts(path: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." if names.last().is_some_and(|last| *last != "..") => _ = names.pop(),
            ".." if path.starts_with('/') => {}
            name => names.push(name),
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_above_each_other() {
        for (a, b) in [("/a", "/a"), ("/a", "/a/b"), ("/", "/x"), ("/a/", "/a//b/./c"), ("/a/../b", "/b/c"), ("a", "a/b"), (".", "x")] {
            assert!(is_above(a, b), "{a} {b}");
        }
        for (a, b) in [("/a", "/ab"), ("/a/b", "/a"), ("/a", "a/b"), ("/a", "/a/..x"), ("a", "../a")] {
            assert!(!is_above(a, b), "{a} {b}");
        }
    }

    #[test]
    fn what_clashes() {
        let path = |full_path: &str, root_inode| QuotaPath { full_path: full_path.into(), root_inode, ..QuotaPath::default() };
        let old = [path("/a", 10), path("/b/c", 11)];
        assert_eq!(clash(&old, &[path("/e", 10)]), Some(Clash::Same("/e".into())));
        assert_eq!(clash(&old, &[path("/a", 20)]), Some(Clash::Same("/a".into())));
        assert_eq!(clash(&old, &[path("/b", 20)]), Some(Clash::Nested("/b".into(), "/b/c".into())));
        assert_eq!(clash(&old, &[path("/ab", 20), path("/d", 21)]), None);
    }
}
