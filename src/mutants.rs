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
    Mutant { name: "vote not synced", caught_by: "R1 or R8" },
    Mutant { name: "entry not synced", caught_by: "A1 or R12" },
    Mutant { name: "acknowledge before commit", caught_by: "A1" },
    Mutant { name: "id counter not persisted", caught_by: "G1 or R12" },
    Mutant { name: "stale read after losing leadership", caught_by: "A1" },
    Mutant { name: "applied index in another batch", caught_by: "R12" },
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
