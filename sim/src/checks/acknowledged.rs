//! A1, the end of it: what was acknowledged is there when all is healed, and what was never asked for is not.

use super::Violation;
use crate::run::history::{Event, Op, Outcome};
use std::collections::BTreeMap;

/// A volume in the end: present with this status (1: marked deleted).
pub type Present = BTreeMap<String, u64>;

/// Judges the volumes that exist in the end against what the clients were told.
pub fn check(history: &[Event], present: &Present) -> Result<(), Violation> {
    let mut asked: BTreeMap<&str, (Vec<&Event>, Vec<&Event>)> = BTreeMap::new();
    for event in history {
        match &event.op {
            Op::Create { volume } => asked.entry(volume).or_default().0.push(event),
            Op::Delete { volume } => asked.entry(volume).or_default().1.push(event),
            _ => {}
        }
    }
    for (volume, (creates, deletes)) in &asked {
        let status = present.get(*volume).copied();
        let created = creates.iter().find(|event| event.is_done());
        if let (Some(created), true, None | Some(1)) = (created, deletes.is_empty(), status) {
            let text =
                format!("volume {volume} was acknowledged and is {}: {created}", if status.is_none() { "gone" } else { "marked deleted" });
            return Err(Violation::new("A1", text));
        }
        if let (Some(deleted), Some(0)) = (deletes.iter().find(|event| event.is_done()), status) {
            return Err(Violation::new("A1", format!("the deletion of volume {volume} was acknowledged and it is there: {deleted}")));
        }
        let refused = creates.iter().all(|event| matches!(event.outcome, Outcome::Refused { .. }));
        if refused && status == Some(0) {
            return Err(Violation::new("A1", format!("volume {volume} was refused and is there: {}", creates[0])));
        }
    }
    match present.keys().find(|volume| !asked.contains_key(volume.as_str())) {
        Some(volume) => Err(Violation::new("A1", format!("nobody asked for volume {volume}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn event(op: Op, outcome: Outcome) -> Event {
        Event { client: 0, master: 0, op, begun: Duration::ZERO, ended: Some(Duration::ZERO), outcome }
    }

    fn create(outcome: Outcome) -> Event {
        event(Op::Create { volume: "v".into() }, outcome)
    }

    fn delete(outcome: Outcome) -> Event {
        event(Op::Delete { volume: "v".into() }, outcome)
    }

    fn present(status: Option<u64>) -> Present {
        status.map(|status| ("v".to_owned(), status)).into_iter().collect()
    }

    #[test]
    fn what_was_acknowledged_must_be_there() {
        let done = || Outcome::Done(Vec::new());
        let unknown = || Outcome::Unknown("time-out".into());
        let good = |history: &[Event], status| assert_eq!(check(history, &present(status)), Ok(()), "{history:?}");
        let bad = |history: &[Event], status| assert!(check(history, &present(status)).is_err(), "{history:?}");
        good(&[create(done())], Some(0));
        bad(&[create(done())], None);
        bad(&[create(done())], Some(1));
        good(&[create(unknown())], Some(0));
        good(&[create(unknown())], None);
        good(&[create(done()), delete(unknown())], None);
        good(&[create(done()), delete(unknown())], Some(0));
        good(&[create(done()), delete(done())], Some(1));
        bad(&[create(done()), delete(done())], Some(0));
        bad(&[create(Outcome::Refused { code: 2, text: String::new() })], Some(0));
        bad(&[], Some(0));
    }
}
