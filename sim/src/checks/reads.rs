//! A1, on the way: a read through any master shows everything that was acknowledged before it began, shows nothing that nobody had
//! asked for before it ended, and an id never changes.

use super::Violation;
use crate::run::history::{Event, Op, Outcome, Seen};
use std::collections::BTreeMap;
use std::time::Duration;

struct Life {
    asked: Duration,
    /// How often somebody asked for it: what fails half way is taken back, and another try has another id.
    tries: u32,
    created: Option<Duration>,
    /// The first deletion was begun, and acknowledged.
    delete_begun: Option<Duration>,
    deleted: Option<Duration>,
}

/// Judges all reads of a history.
pub fn check(history: &[Event]) -> Result<(), Violation> {
    let lives = lives(history);
    let mut ids: BTreeMap<&str, u64> = BTreeMap::new();
    for event in history {
        let (Outcome::Done(seen), Some(ended)) = (&event.outcome, event.ended) else { continue };
        if matches!(event.op, Op::GetUser { .. }) {
            // Users are judged by the full search only.
            continue;
        }
        for seen in seen {
            let once = lives.get(seen.volume.as_str()).is_some_and(|life| life.tries == 1);
            if let Some(id) = seen.id.filter(|_| once) {
                let known = *ids.entry(&seen.volume).or_insert(id);
                if known != id {
                    return Err(Violation::new("A1", format!("volume {} had id {known}: {event}", seen.volume)));
                }
            }
            judge_shown(event, ended, seen, &lives)?;
        }
        match &event.op {
            Op::List => lives.iter().try_for_each(|(volume, life)| judge_hidden(event, ended, volume, life, seen))?,
            Op::Get { volume } => {
                if let Some(life) = lives.get(volume.as_str()) {
                    judge_hidden(event, ended, volume, life, seen)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn lives(history: &[Event]) -> BTreeMap<&str, Life> {
    let mut lives: BTreeMap<&str, Life> = BTreeMap::new();
    for event in history {
        match &event.op {
            Op::Create { volume } => {
                let life =
                    lives.entry(volume).or_insert(Life { asked: event.begun, tries: 0, created: None, delete_begun: None, deleted: None });
                life.tries += 1;
                life.asked = life.asked.min(event.begun);
                if event.is_done() {
                    life.created = first(life.created, event.ended);
                }
            }
            Op::Delete { volume } => {
                if let Some(life) = lives.get_mut(volume.as_str()) {
                    life.delete_begun = first(life.delete_begun, Some(event.begun));
                    if event.is_done() {
                        life.deleted = first(life.deleted, event.ended);
                    }
                }
            }
            _ => {}
        }
    }
    lives
}

fn first(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    a.into_iter().chain(b).min()
}

/// A volume that a read shows.
fn judge_shown(event: &Event, ended: Duration, seen: &Seen, lives: &BTreeMap<&str, Life>) -> Result<(), Violation> {
    let Some(life) = lives.get(seen.volume.as_str()).filter(|life| life.asked <= ended) else {
        return Err(Violation::new("A1", format!("nobody had asked for volume {}: {event}", seen.volume)));
    };
    if seen.status == 0 && life.deleted.is_some_and(|at| at < event.begun) {
        return Err(Violation::new("A1", format!("volume {} was deleted before this read: {event}", seen.volume)));
    }
    Ok(())
}

/// A volume that a read should show.
fn judge_hidden(event: &Event, ended: Duration, volume: &str, life: &Life, seen: &[Seen]) -> Result<(), Violation> {
    let must = life.created.is_some_and(|at| at < event.begun) && life.delete_begun.is_none_or(|at| at > ended);
    if must && !seen.iter().any(|seen| seen.volume == volume && seen.status == 0) {
        return Err(Violation::new("A1", format!("volume {volume} was acknowledged before this read and is not in it: {event}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(op: Op, from: u64, to: u64, outcome: Outcome) -> Event {
        Event { client: 0, master: 0, op, begun: Duration::from_secs(from), ended: Some(Duration::from_secs(to)), outcome }
    }

    fn create(from: u64, to: u64) -> Event {
        event(Op::Create { volume: "v".into() }, from, to, Outcome::Done(Vec::new()))
    }

    fn delete(from: u64, to: u64) -> Event {
        event(Op::Delete { volume: "v".into() }, from, to, Outcome::Done(Vec::new()))
    }

    fn list(from: u64, to: u64, shows: &[(u64, u64)]) -> Event {
        let seen = shows.iter().map(|(id, status)| Seen { volume: "v".into(), id: Some(*id), status: *status });
        event(Op::List, from, to, Outcome::Done(seen.collect()))
    }

    #[test]
    fn a_read_that_misses_an_acknowledged_volume_is_seen() {
        assert!(check(&[create(1, 2), list(3, 4, &[])]).is_err());
        assert_eq!(check(&[create(1, 3), list(2, 4, &[])]), Ok(()), "they overlap");
        assert_eq!(check(&[create(1, 2), delete(3, 9), list(4, 5, &[])]), Ok(()), "it is being deleted");
        assert_eq!(check(&[create(1, 2), list(3, 4, &[(7, 0)])]), Ok(()));
    }

    #[test]
    fn a_read_that_shows_too_much_is_seen() {
        assert!(check(&[list(3, 4, &[(7, 0)])]).is_err(), "nobody asked");
        assert!(check(&[create(5, 6), list(3, 4, &[(7, 0)])]).is_err(), "nobody had asked yet");
        assert!(check(&[create(1, 2), delete(3, 4), list(5, 6, &[(7, 0)])]).is_err(), "deleted");
        assert_eq!(check(&[create(1, 2), delete(3, 4), list(5, 6, &[(7, 1)])]), Ok(()), "marked");
        assert!(check(&[create(1, 2), list(3, 4, &[(7, 0)]), list(5, 6, &[(8, 0)])]).is_err(), "another id");
    }
}
