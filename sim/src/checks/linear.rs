//! A1, by full search: for each volume and user there is an order of all operations on it that respects their times and explains every
//! answer (Wing and Gong, with a memory of what was tried). A call of unknown outcome may take effect at any time after it began, or
//! never; a refused one has none.

use super::Violation;
use crate::run::history::{Event, Op, Outcome, Seen};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Absent,
    Present,
    /// Marked deleted, or gone already: when it goes is the masters' own doing.
    Marked,
}

/// What an operation does or says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Create,
    Delete,
    /// It showed this.
    Read(Thing),
}

#[derive(Clone, Copy, Debug)]
struct Call {
    begun: Duration,
    /// `None`: of unknown outcome.
    ended: Option<Duration>,
    step: Step,
}

/// All calls about one thing.
#[derive(Default)]
struct Life {
    is_volume: bool,
    calls: Vec<Call>,
}

/// Searched at most, per thing: steps of the search. What takes longer is left undecided.
const TRIES_MAX: usize = 20_000;

/// Judges the whole history. Returns how many things were judged to the end.
pub fn check(history: &[Event]) -> Result<usize, Violation> {
    let mut judged = 0;
    for (name, life) in lives(history) {
        match search(&life.calls) {
            Some(true) => judged += 1,
            None => {}
            Some(false) => {
                let show = |call: &Call| format!("{:?}-{:?} {:?}", call.begun, call.ended, call.step);
                let all: Vec<String> = life.calls.iter().map(show).collect();
                return Err(Violation::new("A1", format!("no order explains what was seen of {name}: {}", all.join("; "))));
            }
        }
    }
    Ok(judged)
}

/// The calls about each thing that was asked for, in the order in which they began.
fn lives(history: &[Event]) -> BTreeMap<&str, Life> {
    let mut lives: BTreeMap<&str, Life> = BTreeMap::new();
    for event in history {
        match &event.op {
            Op::Create { volume: name } => lives.entry(name).or_default().is_volume = true,
            // No user of a workload has the name of a volume.
            Op::CreateUser { user: name } => drop(lives.entry(name).or_default()),
            _ => {}
        }
    }
    for event in history {
        let unknown = matches!(event.outcome, Outcome::Unknown(_) | Outcome::Pending);
        match (&event.op, &event.outcome) {
            (Op::Create { volume: name } | Op::CreateUser { user: name }, _) if unknown => {
                add(&mut lives, name, event, Step::Create);
                // What fails half way is taken back.
                add(&mut lives, name, event, Step::Delete);
            }
            (Op::Delete { volume: name } | Op::DeleteUser { user: name }, _) if unknown => add(&mut lives, name, event, Step::Delete),
            (Op::Create { volume: name } | Op::CreateUser { user: name }, Outcome::Done(_)) => add(&mut lives, name, event, Step::Create),
            (Op::Delete { volume: name } | Op::DeleteUser { user: name }, Outcome::Done(_)) => add(&mut lives, name, event, Step::Delete),
            (Op::Get { volume: name } | Op::GetUser { user: name }, Outcome::Done(seen)) => {
                add(&mut lives, name, event, Step::Read(shown(seen.iter().find(|seen| seen.volume == *name))));
            }
            (Op::List, Outcome::Done(seen)) => {
                let seen: BTreeMap<&str, &Seen> = seen.iter().map(|seen| (seen.volume.as_str(), seen)).collect();
                for (name, life) in lives.iter_mut().filter(|(_, life)| life.is_volume) {
                    life.add(event, Step::Read(shown(seen.get(name).copied())));
                }
            }
            _ => {}
        }
    }
    lives.values_mut().for_each(Life::put_in_order);
    lives
}

fn add(lives: &mut BTreeMap<&str, Life>, name: &str, event: &Event, step: Step) {
    if let Some(life) = lives.get_mut(name) {
        life.add(event, step);
    }
}

impl Life {
    fn add(&mut self, event: &Event, step: Step) {
        self.calls.push(Call { begun: event.begun, ended: event.ended.filter(|_| event.is_done()), step });
    }

    fn put_in_order(&mut self) {
        self.calls.sort_by_key(|call| call.begun);
        // Reads that showed nothing before anybody asked for it need no explanation, and in a long history they are half of all.
        let changes = self.calls.iter().filter(|call| !matches!(call.step, Step::Read(_)));
        let asked = changes.map(|call| call.begun).min().unwrap_or(Duration::MAX);
        self.calls.retain(|call| call.step != Step::Read(Thing::Absent) || call.ended.is_none_or(|ended| ended >= asked));
    }
}

fn shown(seen: Option<&Seen>) -> Thing {
    match seen {
        None => Thing::Absent,
        Some(seen) if seen.status == 0 => Thing::Present,
        Some(_) => Thing::Marked,
    }
}

/// What a thing is after a step that is taken now; `None`: the step cannot be taken.
fn after(thing: Thing, step: Step) -> Option<Thing> {
    use Thing::*;
    match (step, thing) {
        // Repeated, it does nothing more.
        (Step::Create, _) => Some(Present),
        (Step::Delete, Present | Marked) => Some(Marked),
        (Step::Delete, Absent) => Some(Absent),
        (Step::Read(shown), _) if shown == thing => Some(thing),
        // Gone, or not in every answer.
        (Step::Read(Absent), Marked) => Some(Marked),
        (Step::Read(_), _) => None,
    }
}

/// A place in the search.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// All calls that were answered before this number are taken; so are those of `ahead`.
    first: usize,
    ahead: BTreeSet<usize>,
    /// Calls of unknown outcome that are taken.
    floated: BTreeSet<usize>,
    thing: Thing,
}

impl Place {
    fn take(&self, n: usize, thing: Thing) -> Self {
        let mut place = Self { thing, ..self.clone() };
        place.ahead.insert(n);
        while place.ahead.remove(&place.first) {
            place.first += 1;
        }
        place
    }

    fn float(&self, n: usize, thing: Thing) -> Self {
        let mut place = Self { thing, ..self.clone() };
        place.floated.insert(n);
        place
    }
}

/// Whether an order exists; `None` when the search was given up.
fn search(calls: &[Call]) -> Option<bool> {
    let (answered, floating): (Vec<Call>, Vec<Call>) = calls.iter().partition(|call| call.ended.is_some());
    let mut tried: BTreeSet<Place> = BTreeSet::new();
    let mut open = vec![Place { first: 0, ahead: BTreeSet::new(), floated: BTreeSet::new(), thing: Thing::Absent }];
    while let Some(place) = open.pop() {
        if place.first == answered.len() {
            return Some(true);
        }
        if tried.len() > TRIES_MAX {
            return None;
        }
        if !tried.insert(place.clone()) {
            continue;
        }
        // Whoever began before the first of the others ended may come next.
        let (mut next, mut soonest) = (Vec::new(), Duration::MAX);
        for n in (place.first..answered.len()).filter(|n| !place.ahead.contains(n)) {
            if answered[n].begun > soonest {
                break;
            }
            soonest = answered[n].ended.map_or(soonest, |ended| ended.min(soonest));
            next.push(n);
        }
        next.retain(|n| answered[*n].begun <= soonest);
        let then = |call: &Call| after(place.thing, call.step);
        // A read that fits now changes nothing: taking it first is as good as any other order.
        if let Some(read) = next.iter().find(|n| matches!(answered[**n].step, Step::Read(_)) && then(&answered[**n]).is_some()) {
            open.push(place.take(*read, place.thing));
            continue;
        }
        let floats = (0..floating.len()).filter(|n| floating[*n].begun <= soonest && !place.floated.contains(n));
        open.extend(floats.filter_map(|n| then(&floating[n]).map(|thing| place.float(n, thing))));
        open.extend(next.iter().filter_map(|n| then(&answered[*n]).map(|thing| place.take(*n, thing))));
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::history::Seen;

    fn event(op: Op, from: u64, to: u64, outcome: Outcome) -> Event {
        Event { client: 0, master: 0, op, begun: Duration::from_secs(from), ended: Some(Duration::from_secs(to)), outcome }
    }

    fn create(from: u64, to: u64, outcome: Outcome) -> Event {
        event(Op::Create { volume: "v".into() }, from, to, outcome)
    }

    fn delete(from: u64, to: u64) -> Event {
        event(Op::Delete { volume: "v".into() }, from, to, done(&[]))
    }

    fn done(status: &[u64]) -> Outcome {
        Outcome::Done(status.iter().map(|status| Seen { volume: "v".into(), id: Some(1), status: *status }).collect())
    }

    fn get(from: u64, to: u64, status: &[u64]) -> Event {
        event(Op::Get { volume: "v".into() }, from, to, done(status))
    }

    fn unknown() -> Outcome {
        Outcome::Unknown("time-out".into())
    }

    #[test]
    fn an_order_is_found_where_there_is_one() {
        let good = |history: &[Event]| assert!(check(history).is_ok(), "{:?}", check(history));
        good(&[create(1, 2, done(&[])), get(3, 4, &[0]), delete(5, 6), get(7, 8, &[1]), get(9, 10, &[])]);
        good(&[create(1, 9, done(&[])), get(2, 3, &[]), get(4, 5, &[0])]);
        good(&[create(1, 2, unknown()), get(3, 4, &[]), get(5, 6, &[0])]);
        good(&[create(1, 2, unknown()), get(3, 4, &[])]);
        good(&[create(1, 2, unknown()), get(3, 4, &[0]), get(5, 6, &[])]);
        good(&[create(1, 2, Outcome::Refused { code: 2, text: String::new() }), get(3, 4, &[])]);
    }

    #[test]
    fn a_call_of_unknown_outcome_does_not_slow_down_what_comes_after_it() {
        let delete = event(Op::Delete { volume: "v".into() }, 1, 2, unknown());
        let mut history = vec![create(1, 2, done(&[])), delete];
        history.extend((3..10_000).map(|at| get(at, at, &[0])));
        assert_eq!(check(&history), Ok(1));
    }

    #[test]
    fn what_no_order_explains_is_seen() {
        let bad = |history: &[Event]| assert!(check(history).is_err(), "{history:?}");
        bad(&[create(1, 2, done(&[])), get(3, 4, &[])]);
        bad(&[create(1, 9, done(&[])), get(2, 3, &[0]), get(4, 5, &[])]);
        bad(&[create(1, 2, unknown()), get(3, 4, &[0]), get(5, 6, &[]), get(7, 8, &[0])]);
        bad(&[create(1, 2, done(&[])), delete(3, 4), get(5, 6, &[0])]);
        bad(&[create(1, 2, done(&[])), delete(3, 4), get(5, 6, &[]), get(7, 8, &[0])]);
        bad(&[create(1, 2, Outcome::Refused { code: 2, text: String::new() }), get(3, 4, &[0])]);
    }
}
