//! The election time-out. The library draws it from a generator that no simulation can seed; here it is drawn again from the
//! environment each time the library may have drawn.

use super::log::Log;
use crate::env::{Env, Purpose};
use raft::{RawNode, StateRole};

/// Draws election time-outs, between the shortest and a fifth more. Each voter has a stretch of that span of its own, by the order of ids:
/// two masters that lose their leader at the same moment do not ask for votes at the same moment, so a split vote, which costs another
/// whole time-out, takes a delay as long as a stretch.
pub struct ElectionTimeout {
    env: Env,
    /// Ticks, at least.
    ticks_min: usize,
    /// Term, role, place among the voters and number of voters at the last draw: the library draws whenever term or role changes, and only
    /// then.
    drawn_for: Option<(u64, StateRole, usize, usize)>,
    ticks: usize,
}

impl ElectionTimeout {
    pub fn new(env: Env, ticks_min: usize) -> Self {
        Self { env, ticks_min, drawn_for: None, ticks: 0 }
    }

    /// To be called after everything that was done with the library.
    pub fn settle(&mut self, node: &mut RawNode<Log>) {
        let voters = node.raft.prs().conf().voters().ids();
        let place = voters.iter().filter(|id| *id < node.raft.id).count();
        let now = Some((node.raft.term, node.raft.state, place, voters.len().max(1)));
        if now != self.drawn_for {
            self.drawn_for = now;
            let random = self.env.entropy.next_u64(Purpose::Election);
            self.ticks = draw(self.ticks_min, place, voters.len().max(1), random);
        }
        if node.raft.randomized_election_timeout() != self.ticks {
            node.raft.set_randomized_election_timeout(self.ticks);
        }
    }
}

/// A time-out for the voter at `place` of `voters`.
fn draw(ticks_min: usize, place: usize, voters: usize, random: u64) -> usize {
    let span = (ticks_min / 5).max(1);
    let stretch = (span / voters).max(1);
    let within = (random % stretch as u64) as usize;
    // The library takes no more than twice the shortest, without that itself.
    (ticks_min + place * stretch + within).min(2 * ticks_min - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voters_draw_from_stretches_that_do_not_meet() {
        for random in 0..1_000 {
            let drawn: Vec<_> = (0..3).map(|place| draw(40, place, 3, random)).collect();
            assert!(drawn[0] < drawn[1] && drawn[1] < drawn[2], "{drawn:?}");
            assert!(drawn[0] >= 40 && drawn[2] < 50);
        }
    }

    #[test]
    fn the_library_takes_every_draw() {
        for ticks_min in 2..60 {
            for place in 0..31 {
                let ticks = draw(ticks_min, place, 31, u64::MAX);
                assert!((ticks_min..2 * ticks_min).contains(&ticks));
            }
        }
    }
}
