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

/// What this leader knows of a leftover besides its record. Times are monotonic: the wall clock may jump while a packet is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Since when this leader has known of it.
    pub since: Duration,
    /// When the node last confirmed that it has no replica.
    pub confirmed: Option<Duration>,
    /// A request of ours was lost: it may yet be executed.
    pub lost: bool,
    /// When the last request failed.
    pub failed_at: Option<Duration>,
}

impl Known {
    /// Of a leftover that this leader sees for the first time.
    pub fn new(now: Duration) -> Self {
        Self { since: now, confirmed: None, lost: false, failed_at: None }
    }
}

/// The moment of the decision.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub term: Term,
    /// Monotonic.
    pub now: Duration,
    /// The node is registered.
    pub registered: bool,
    /// The node is known to be down.
    pub down: bool,
    /// It is a host of the partition.
    pub is_host: bool,
    /// It is a member of the raft group; `None`: nobody who could know was heard.
    pub is_member: Option<bool>,
    /// Somebody can be asked that the raft group gives it up.
    pub can_expel: bool,
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
/// only by one that comes when every packet that could bring the replica back is over, and when somebody says that the raft group is without it.
pub fn next(leftover: &Leftover, known: &Known, at: &Now) -> Step {
    let wait = |why: &str, until| Step::Wait(Wait { why: why.to_owned(), until });
    if !at.registered {
        return Step::Settle;
    }
    if at.is_host {
        return wait("it is a host again", None);
    }
    let rests = known.failed_at.map(|failed| failed + ASK_AGAIN_AFTER).filter(|again| *again > at.now);
    if at.is_member == Some(true) {
        return match rests {
            Some(again) => wait("the raft group has not given it up", Some(again)),
            None if at.can_expel => Step::Expel,
            None => wait("the raft group has no leader that could give it up", None),
        };
    }
    let certain = leftover.term == at.term && !leftover.doubtful && !known.lost;
    let over = known.since + TOMBSTONE_KEPT;
    match known.confirmed {
        Some(_) if certain => return Step::Settle,
        Some(when) if when >= over && at.is_member.is_some() => return Step::Settle,
        Some(when) if when >= over => return wait("no host was heard that knows the raft group", None),
        Some(_) if at.now < over => return wait("a packet of an earlier request may still be under way", Some(over)),
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

    /// This many seconds after this leader came to know of it.
    fn at(secs: u64) -> Now {
        let now = SINCE + Duration::from_secs(secs);
        Now { term: Term(3), now, registered: true, down: false, is_host: false, is_member: Some(false), can_expel: true }
    }

    const SINCE: Duration = Duration::from_secs(5_000);

    fn leftover() -> Leftover {
        Leftover { term: Term(3), since: 1_000, ..Leftover::default() }
    }

    fn confirmed(secs: u64) -> Known {
        Known { confirmed: Some(SINCE + Duration::from_secs(secs)), ..Known::new(SINCE) }
    }

    #[test]
    fn the_first_confirmation_settles_what_nobody_else_asked_for() {
        assert_eq!(next(&leftover(), &Known::new(SINCE), &at(0)), Step::Ask);
        assert_eq!(next(&leftover(), &confirmed(0), &at(0)), Step::Settle);
    }

    #[test]
    fn a_lost_request_an_earlier_leader_and_a_doubtful_end_take_ten_minutes() {
        let cases = [
            (leftover(), Known { lost: true, ..confirmed(0) }),
            (Leftover { term: Term(2), ..leftover() }, confirmed(0)),
            (Leftover { doubtful: true, ..leftover() }, confirmed(0)),
        ];
        for (leftover, known) in cases {
            assert!(matches!(next(&leftover, &known, &at(500)), Step::Wait(_)));
            assert_eq!(next(&leftover, &known, &at(600)), Step::Ask, "the replica may have come back since it was confirmed");
            let again = Known { lost: known.lost, ..confirmed(600) };
            assert_eq!(next(&leftover, &again, &at(601)), Step::Settle);
            let nobody_heard = Now { is_member: None, ..at(601) };
            assert!(matches!(next(&leftover, &again, &nobody_heard), Step::Wait(_)), "it may be a member of the raft group");
        }
    }

    #[test]
    fn a_member_of_the_raft_group_is_expelled_before_anything_is_settled() {
        let member = Now { is_member: Some(true), ..at(0) };
        assert_eq!(next(&leftover(), &confirmed(0), &member), Step::Expel);
        let failed = Known { failed_at: Some(SINCE), ..confirmed(0) };
        assert!(matches!(next(&leftover(), &failed, &member), Step::Wait(_)));
        let nobody_leads = Now { can_expel: false, ..member };
        assert!(matches!(next(&leftover(), &confirmed(0), &nobody_leads), Step::Wait(_)));
    }

    #[test]
    fn a_host_and_a_node_that_is_down_are_asked_nothing() {
        let known = Known::new(SINCE);
        assert!(matches!(next(&leftover(), &known, &Now { is_host: true, ..at(9_000) }), Step::Wait(_)));
        assert!(matches!(next(&leftover(), &known, &Now { down: true, ..at(9_000) }), Step::Wait(_)));
        assert_eq!(next(&leftover(), &known, &Now { registered: false, ..at(0) }), Step::Settle);
    }
}
