//! Reads that wait for a confirmation of leadership. One round of heartbeats serves all that wait when it begins; those that come
//! meanwhile wait for the next. Pure.

use super::Refusal;
use crate::ids::Index;
use std::collections::BTreeMap;
use tokio::sync::{oneshot, OwnedSemaphorePermit};

/// One read.
pub struct Read {
    pub reply: oneshot::Sender<Result<Index, Refusal>>,
    pub _room: Option<OwnedSemaphorePermit>,
}

/// All reads that are not answered.
#[derive(Default)]
pub struct Reads {
    waiting: Vec<Read>,
    /// The round under way and its number.
    round: Option<(u64, Vec<Read>)>,
    last_round: u64,
    /// Confirmed reads by the index that must be applied first.
    confirmed: BTreeMap<u64, Vec<Read>>,
}

impl Reads {
    pub fn add(&mut self, read: Read) {
        self.waiting.push(read);
    }

    /// The number of a round that should begin now.
    pub fn begin_round(&mut self) -> Option<u64> {
        self.waiting.retain(|read| !read.reply.is_closed());
        if self.round.is_some() || self.waiting.is_empty() {
            return None;
        }
        self.last_round += 1;
        self.round = Some((self.last_round, std::mem::take(&mut self.waiting)));
        Some(self.last_round)
    }

    /// A round has confirmed leadership as of `index`.
    pub fn confirm(&mut self, round: u64, index: u64) {
        if let Some((_, reads)) = self.round.take_if(|(number, _)| *number == round) {
            self.confirmed.entry(index).or_default().extend(reads);
        }
    }

    /// Answers what was waiting for the state to be there.
    pub fn applied(&mut self, applied: u64) {
        let later = self.confirmed.split_off(&(applied + 1));
        for read in std::mem::replace(&mut self.confirmed, later).into_values().flatten() {
            // Who asked may have gone away.
            let _ = read.reply.send(Ok(Index(applied)));
        }
    }

    /// Leadership is lost: nothing that waits can be confirmed any more.
    pub fn fail(&mut self, refusal: &Refusal) {
        let round = self.round.take().map(|(_, reads)| reads).unwrap_or_default();
        let confirmed = std::mem::take(&mut self.confirmed).into_values().flatten();
        for read in std::mem::take(&mut self.waiting).into_iter().chain(round).chain(confirmed) {
            let _ = read.reply.send(Err(refusal.clone()));
        }
    }

    pub fn len(&self) -> usize {
        let round = self.round.as_ref().map_or(0, |(_, reads)| reads.len());
        self.waiting.len() + round + self.confirmed.values().map(Vec::len).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reads: &mut Reads) -> oneshot::Receiver<Result<Index, Refusal>> {
        let (reply, answer) = oneshot::channel();
        reads.add(Read { reply, _room: None });
        answer
    }

    #[test]
    fn one_round_serves_all_that_wait_and_later_ones_wait_for_the_next() {
        let mut reads = Reads::default();
        let (mut first, mut second) = (read(&mut reads), read(&mut reads));
        assert_eq!(reads.begin_round(), Some(1));
        let mut third = read(&mut reads);
        assert_eq!(reads.begin_round(), None);
        reads.confirm(1, 7);
        reads.applied(6);
        assert!(first.try_recv().is_err());
        reads.applied(8);
        assert_eq!([first.try_recv(), second.try_recv()], [Ok(Ok(Index(8))), Ok(Ok(Index(8)))]);
        assert!(third.try_recv().is_err());
        assert_eq!(reads.begin_round(), Some(2));
    }

    #[test]
    fn a_round_of_an_earlier_leadership_confirms_nothing() {
        let mut reads = Reads::default();
        let mut old = read(&mut reads);
        reads.begin_round();
        reads.fail(&Refusal::NotLeader { leader: None });
        assert!(matches!(old.try_recv(), Ok(Err(Refusal::NotLeader { .. }))));
        let mut new = read(&mut reads);
        assert_eq!(reads.begin_round(), Some(2));
        reads.confirm(1, 3);
        reads.applied(9);
        assert!(new.try_recv().is_err());
        assert_eq!(reads.len(), 1);
    }

    #[test]
    fn reads_that_nobody_waits_for_begin_no_round() {
        let mut reads = Reads::default();
        drop(read(&mut reads));
        assert_eq!(reads.begin_round(), None);
    }
}
