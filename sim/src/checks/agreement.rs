//! T4: after healing, what nodes hold equals the metadata: no orphan, no leak, no missing replica, the same members.

use super::Violation;
use std::collections::{BTreeMap, BTreeSet};

/// A replica by kind, node and partition.
pub type Place = (&'static str, String, u64);

/// What is known of a replica: its volume's name and the node ids of its peers; for meta partitions its range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replica {
    pub volume: String,
    pub peers: BTreeSet<u64>,
    pub range: Option<(u64, u64)>,
}

/// What nodes hold or the metadata says.
pub type Replicas = BTreeMap<Place, Replica>;

/// Where both disagree, as texts; empty when they agree.
pub fn differences(metadata: &Replicas, held: &Replicas) -> Vec<String> {
    let mut found = Vec::new();
    for (place, replica) in metadata {
        match held.get(place) {
            None => found.push(format!("{} partition {} of {} is missing on {}", place.0, place.2, replica.volume, place.1)),
            Some(other) if other != replica => {
                found.push(format!("{} partition {} on {}: metadata {replica:?}, node {other:?}", place.0, place.2, place.1))
            }
            Some(_) => {}
        }
    }
    for (place, replica) in held {
        if !metadata.contains_key(place) {
            found.push(format!("{} partition {} of {} lies on {} and belongs nowhere", place.0, place.2, replica.volume, place.1));
        }
    }
    found
}

/// The verdict when the time for agreeing is over.
pub fn check(metadata: &Replicas, held: &Replicas) -> Result<(), Violation> {
    let found = differences(metadata, held);
    match found.first() {
        None => Ok(()),
        Some(first) => Err(Violation::new("T4", format!("{first} ({} differences)", found.len()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orphans_missing_replicas_and_other_members_are_seen() {
        let place = |pid| ("data", "127.0.0.1:1".to_owned(), pid);
        let replica = |peer| Replica { volume: "v".into(), peers: [peer].into(), range: None };
        let one: Replicas = [(place(1), replica(1))].into();
        assert_eq!(check(&one, &one.clone()), Ok(()));
        assert!(check(&one, &Replicas::new()).is_err());
        assert!(check(&Replicas::new(), &one).is_err());
        assert!(check(&one, &[(place(1), replica(2))].into()).is_err());
    }
}
