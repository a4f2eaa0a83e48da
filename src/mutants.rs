//! Planted bugs: switches that prove that the simulation finds what it must find (`ci/sim mutants`). Without the feature `mutants`,
//! which no release has, [`mutant!`] is `false` and nothing of this is compiled.

#[cfg(feature = "mutants")]
use std::sync::OnceLock;

/// A planted bug and the invariant that is expected to catch it.
pub struct Mutant {
    pub name: &'static str,
    pub caught_by: &'static str,
}

/// All of them.
pub const ALL: &[Mutant] = &[
    Mutant { name: "vote not synced", caught_by: "R1, R7 or R8" },
    Mutant { name: "entry not synced", caught_by: "R4" },
    Mutant { name: "messages before the sync", caught_by: "R4 or R8" },
    Mutant { name: "what an earlier process wrote is taken for synced", caught_by: "R7 or R8" },
    Mutant { name: "disk of another master", caught_by: "R8" },
    Mutant { name: "log compacted before the state is synced", caught_by: "L1" },
    Mutant { name: "install without a mark", caught_by: "L1" },
    Mutant { name: "snapshot index one too low", caught_by: "L1" },
    Mutant { name: "snapshot without its last pair", caught_by: "D2 or R12" },
    Mutant { name: "store cleared before a snapshot is complete", caught_by: "L1" },
    Mutant { name: "answer to a snapshot awaited for minutes", caught_by: "L1" },
    Mutant { name: "applied index in another batch", caught_by: "D1" },
    Mutant { name: "revision not stored", caught_by: "D2 or R12" },
    Mutant { name: "deleted record stays in the store", caught_by: "D2 or R12" },
    Mutant { name: "deleted record stays in the indexes", caught_by: "G6" },
    Mutant { name: "id counter not persisted", caught_by: "G1 or R12" },
    Mutant { name: "id given without an expectation", caught_by: "G1" },
    Mutant { name: "expectations ignored", caught_by: "A1 or G1" },
    Mutant { name: "ranges overlap", caught_by: "G4" },
    Mutant { name: "same host twice", caught_by: "G3" },
    Mutant { name: "acknowledge before commit", caught_by: "A1" },
    Mutant { name: "unknown outcome answered as done", caught_by: "A1" },
    Mutant { name: "conflict answered as done", caught_by: "A1" },
    Mutant { name: "volume acknowledged before it is complete", caught_by: "A1 or T4" },
    Mutant { name: "stale read after losing leadership", caught_by: "A1" },
    Mutant { name: "follower answers for the leader", caught_by: "A1" },
    Mutant { name: "refusal without a body", caught_by: "A2" },
    Mutant { name: "known node gets a new id", caught_by: "A3, G2 or L1" },
    Mutant { name: "time-out read as created", caught_by: "T2" },
    Mutant { name: "answer of another request", caught_by: "T2" },
    Mutant { name: "task sent without end", caught_by: "T1" },
    Mutant { name: "time-out read as deleted", caught_by: "T4" },
    Mutant { name: "the neighbour is deleted", caught_by: "T3 or T4" },
    Mutant { name: "creation given up without a tombstone", caught_by: "T4" },
    Mutant { name: "tombstone goes at once", caught_by: "T4" },
    Mutant { name: "unfinished volume stays", caught_by: "T4" },
    Mutant { name: "volume's record removed first", caught_by: "G2" },
];

/// Whether this process runs with the planted bug: the variable `MUTANT` names it.
#[cfg(feature = "mutants")]
pub fn on(name: &str) -> bool {
    static CHOSEN: OnceLock<Option<String>> = OnceLock::new();
    assert!(ALL.iter().any(|mutant| mutant.name == name), "{name:?} is not in the list");
    CHOSEN.get_or_init(|| std::env::var("MUTANT").ok()).as_deref() == Some(name)
}

/// True in a process that runs with this planted bug.
macro_rules! mutant {
    ($name:literal) => {{
        #[cfg(feature = "mutants")]
        {
            $crate::mutants::on($name)
        }
        #[cfg(not(feature = "mutants"))]
        {
            false
        }
    }};
}
pub(crate) use mutant;
