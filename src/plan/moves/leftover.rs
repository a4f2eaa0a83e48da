//! What becomes of a replica that is none any more: its node is told to delete it until that is certain, and where a late request made it a
//! member of the raft group again, the group is told to give it up.
//!
//! Invariant: nothing is asked of a node that is a host.

use super::Wait;
use crate::ids::Term;
use crate::limits::TOMBSTONE_KEPT;
use crate::model::Leftover;
use std::time::Duration;

/// Between two requests that fail.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// What this leader knows of a leftover besides its record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// When the node last confirmed that it has no replica, unix seconds.
    pub confirmed: Option<i64>,
    /// A request of ours was lost: it may yet be executed.
    pub lost: bool,
    /// When the last request failed, monotonic.
    pub failed_at: Option<Duration>,
}

/// The moment of the decision.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub term: Term,
    /// Monotonic.
    pub now: Duration,
    /// Unix seconds.
    pub wall_secs: i64,
    /// The node is registered.
    pub registered: bool,
    /// The node is known to be down.
    pub down: bool,
    /// It is a host of the partition.
    pub is_host: bool,
    /// The raft group's leader reports it as a member.
    pub is_member: bool,
}

/// What to do about a leftover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Wait(Wait),
    Ask,
    /// The raft group has to give it up.
    Expel,
    /// Nothing is there, and nothing will be.
    Settle,
}

/// The next step. A leftover of this leader's own term about which no request was lost is settled by the first confirmation; any other
/// only by one that comes when every packet that could bring the replica back is over.
pub fn next(leftover: &Leftover, known: &Known, at: &Now) -> Step {
    let wait = |why: &str, until| Step::Wait(Wait { why: why.to_owned(), until });
    if !at.registered {
        return Step::Settle;
    }
    if at.is_host {
        return wait("it is a host again", None);
    }
    let rests = known.failed_at.map(|failed| failed + ASK_AGAIN_AFTER).filter(|again| *again > at.now);
    if at.is_member {
        return match rests {
            Some(again) => wait("the raft group has not given it up", Some(again)),
            None => Step::Expel,
        };
    }
    let certain = leftover.term == at.term && !leftover.doubtful && !known.lost;
    let over = leftover.since.saturating_add(TOMBSTONE_KEPT.as_secs() as i64);
    match known.confirmed {
        Some(when) if certain || when >= over => return Step::Settle,
        Some(_) if at.wall_secs < over => {
            let left = Duration::from_secs((over - at.wall_secs).unsigned_abs());
            return wait("a packet of an earlier request may still be under way", Some(at.now + left));
        }
        _ => {}
    }
    if at.down {
        return wait("the node is down", None);
    }
    match rests {
        Some(again) => wait("the last request failed", Some(again)),
        None => Step::Ask,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall_secs: i64) -> Now {
        Now { term: Term(3), now: Duration::from_secs(100), wall_secs, registered: true, down: false, is_host: false, is_member: false }
    }

    fn leftover() -> Leftover {
        Leftover { term: Term(3), since: 1_000, ..Leftover::default() }
    }

    #[test]
    fn the_first_confirmation_settles_what_nobody_else_asked_for() {
        assert_eq!(next(&leftover(), &Known::default(), &at(1_000)), Step::Ask);
        let confirmed = Known { confirmed: Some(1_000), ..Known::default() };
        assert_eq!(next(&leftover(), &confirmed, &at(1_000)), Step::Settle);
    }

    #[test]
    fn a_lost_request_an_earlier_leader_and_a_doubtful_end_take_ten_minutes() {
        let confirmed = Known { confirmed: Some(1_000), ..Known::default() };
        let cases = [
            (leftover(), Known { lost: true, ..confirmed }),
            (Leftover { term: Term(2), ..leftover() }, confirmed),
            (Leftover { doubtful: true, ..leftover() }, confirmed),
        ];
        for (leftover, known) in cases {
            assert!(matches!(next(&leftover, &known, &at(1_500)), Step::Wait(_)));
            assert_eq!(next(&leftover, &known, &at(1_600)), Step::Ask, "the replica may have come back since it was confirmed");
            let again = Known { confirmed: Some(1_600), ..known };
            assert_eq!(next(&leftover, &again, &at(1_601)), Step::Settle);
        }
    }

    #[test]
    fn a_member_of_the_raft_group_is_expelled_before_anything_is_settled() {
        let confirmed = Known { confirmed: Some(1_000), ..Known::default() };
        let member = Now { is_member: true, ..at(1_000) };
        assert_eq!(next(&leftover(), &confirmed, &member), Step::Expel);
        let failed = Known { failed_at: Some(Duration::from_secs(99)), ..confirmed };
        assert!(matches!(next(&leftover(), &failed, &member), Step::Wait(_)));
    }

    #[test]
    fn a_host_and_a_node_that_is_down_are_asked_nothing() {
        let known = Known::default();
        assert!(matches!(next(&leftover(), &known, &Now { is_host: true, ..at(9_000) }), Step::Wait(_)));
        assert!(matches!(next(&leftover(), &known, &Now { down: true, ..at(9_000) }), Step::Wait(_)));
        assert_eq!(next(&leftover(), &known, &Now { registered: false, ..at(1_000) }), Step::Settle);
    }
}
