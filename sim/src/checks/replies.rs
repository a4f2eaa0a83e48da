//! T2: a lost reply is never read as done: a partition that the metadata shows was created on each of its first hosts, and each said so.
//! That a lost reply is not read as failed either shows after healing (T4).

use super::Violation;
use std::collections::BTreeSet;

/// Judges a partition that has just come into the metadata. `answered`: nodes that wrote an answer that they created it.
pub fn check(kind: &str, partition: u64, hosts: &[String], answered: &BTreeSet<String>) -> Result<(), Violation> {
    match hosts.iter().find(|host| !answered.contains(*host)) {
        Some(host) => {
            Err(Violation::new("T2", format!("{kind} partition {partition} is taken for created on {host}, which never said so")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_never_answered_is_seen() {
        let hosts = ["a".to_owned(), "b".to_owned()];
        assert!(check("data", 1, &hosts, &hosts.iter().cloned().collect()).is_ok());
        assert!(check("data", 1, &hosts, &["a".to_owned()].into()).is_err());
    }
}
