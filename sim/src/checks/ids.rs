//! G1: an id means one thing, for ever: no id is issued twice, across failover and restart, also not that of something deleted.

use super::Violation;
use std::collections::BTreeMap;

/// Which counter an id comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    /// Volumes, nodes of all kinds and node sets share one.
    Common,
    DataPartition,
    MetaPartition,
}

/// What every id was seen to mean.
#[derive(Default)]
pub struct Ids {
    meaning: BTreeMap<(Space, u64), String>,
}

impl Ids {
    /// `what` names the thing in a way that no other thing has.
    pub fn observe(&mut self, space: Space, id: u64, what: &str) -> Result<(), Violation> {
        match self.meaning.get(&(space, id)) {
            Some(known) if known == what => Ok(()),
            Some(known) => Err(Violation::new("G1", format!("{space:?} id {id} is {what} and was {known}"))),
            None => {
                self.meaning.insert((space, id), what.to_owned());
                Ok(())
            }
        }
    }

    /// Ids seen.
    pub fn count(&self) -> usize {
        self.meaning.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_comes_twice_is_seen() {
        let mut ids = Ids::default();
        assert_eq!(ids.observe(Space::Common, 7, "volume a"), Ok(()));
        assert_eq!(ids.observe(Space::Common, 7, "volume a"), Ok(()));
        assert_eq!(ids.observe(Space::DataPartition, 7, "of volume a"), Ok(()));
        assert_eq!(ids.observe(Space::Common, 7, "data node 127.0.0.1:1").map_err(|v| v.invariant), Err("G1"));
    }
}
