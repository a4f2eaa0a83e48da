//! The raft peers that a replica says it has. Nearly always they are those of the record, so only a fingerprint is kept then.

use crate::wire::peer::Peer;

/// What a replica reported as its peers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LocalPeers {
    /// Of ids and addresses, 0 when nothing was reported.
    fingerprint: u64,
    /// The list itself, where it is not word for word the record's.
    other: Option<Box<[Peer]>>,
}

impl LocalPeers {
    /// Keeps `reported`, given the peers of the record.
    pub fn new(reported: Vec<Peer>, recorded: &[Peer]) -> Self {
        if reported.is_empty() {
            return Self::default();
        }
        let fingerprint = fingerprint(&reported);
        let other = (reported != recorded).then(|| reported.into_boxed_slice());
        Self { fingerprint, other }
    }

    /// Whether keeping `reported` would change nothing.
    pub fn is(&self, reported: &[Peer], recorded: &[Peer]) -> bool {
        match &self.other {
            Some(other) => **other == *reported && reported != recorded,
            None if reported.is_empty() => self.fingerprint == 0,
            None => reported == recorded && self.fingerprint == fingerprint(reported),
        }
    }

    /// Whether the replica reported other members than the record has: another number, a missing address or another id. A replica
    /// that reported none differs (v3.5.3 http-partitions-nodes.md §2.1 checkReplicaMeta).
    pub fn differ_from(&self, recorded: &[Peer]) -> bool {
        self.fingerprint != fingerprint(recorded)
    }

    /// The record is about to get other peers than `recorded`: what the replica reported stays as it was.
    pub fn pin(&mut self, recorded: &[Peer]) {
        if self.other.is_none() && self.fingerprint != 0 && !self.differ_from(recorded) {
            self.other = Some(recorded.into());
        }
    }

    /// The list for display. `None` when none was reported, or when the record moved on since the report.
    pub fn list<'a>(&'a self, recorded: &'a [Peer]) -> Option<&'a [Peer]> {
        match &self.other {
            Some(other) => Some(other),
            None => (self.fingerprint != 0 && !self.differ_from(recorded)).then_some(recorded),
        }
    }
}

/// Of the set of (id, address): the sum does not know the order. Never 0 for a non-empty list.
fn fingerprint(peers: &[Peer]) -> u64 {
    peers.iter().map(one).fold(0, u64::wrapping_add)
}

fn one(peer: &Peer) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(PRIME);
    let hash = peer.id.0.to_le_bytes().into_iter().fold(OFFSET, step);
    // The low bit is set so that up to 2^64 - 1 peers cannot sum up to "nothing reported" by being few.
    (peer.addr.bytes().fold(hash, step) << 8) | 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;

    fn peer(id: u64, port: &str) -> Peer {
        Peer { id: NodeId(id), addr: format!("10.0.0.{id}:17310"), raft_heartbeat: port.into(), raft_replica: String::new() }
    }

    #[test]
    fn peers_equal_to_the_record_are_shown_from_the_record() {
        let recorded = [peer(1, ""), peer(2, "")];
        let kept = LocalPeers::new(recorded.to_vec(), &recorded);
        assert!(!kept.differ_from(&recorded));
        assert_eq!(kept.list(&recorded), Some(&recorded[..]));
        assert!(kept.is(&recorded, &recorded));
    }

    #[test]
    fn order_and_ports_do_not_make_a_difference_but_are_shown() {
        let recorded = [peer(1, ""), peer(2, "")];
        let reported = vec![peer(2, "17330"), peer(1, "17330")];
        let kept = LocalPeers::new(reported.clone(), &recorded);
        assert!(!kept.differ_from(&recorded));
        assert_eq!(kept.list(&recorded), Some(&reported[..]));
    }

    #[test]
    fn nothing_reported_differs_and_is_shown_as_nothing() {
        let recorded = [peer(1, "")];
        let kept = LocalPeers::new(Vec::new(), &recorded);
        assert!(kept.differ_from(&recorded));
        assert_eq!(kept.list(&recorded), None);
        assert!(kept.is(&[], &recorded));
    }

    #[test]
    fn a_record_that_moved_on_makes_the_report_differ() {
        let old = [peer(1, ""), peer(2, "")];
        let new = [peer(1, ""), peer(3, "")];
        let kept = LocalPeers::new(old.to_vec(), &old);
        assert!(kept.differ_from(&new));
        assert_eq!(kept.list(&new), None);
        assert!(!kept.is(&old, &new));
    }

    #[test]
    fn a_pinned_report_outlives_the_record_until_the_next_one() {
        let old = [peer(1, ""), peer(2, "")];
        let new = [peer(1, "")];
        let mut kept = LocalPeers::new(old.to_vec(), &old);
        kept.pin(&old);
        assert_eq!(kept.list(&new), Some(&old[..]));
        assert!(kept.differ_from(&new));
        assert!(kept.is(&old, &new), "the same report again changes nothing");
        assert!(!kept.is(&new, &new));
    }

    #[test]
    fn another_id_at_the_same_address_differs() {
        let recorded = [peer(1, "")];
        let mut wrong = recorded.to_vec();
        wrong[0].id = NodeId(9);
        assert!(LocalPeers::new(wrong, &recorded).differ_from(&recorded));
    }
}
