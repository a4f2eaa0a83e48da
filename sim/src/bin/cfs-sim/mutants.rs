//! Planted bugs: how many seeds it takes to find each.

use crate::again;
use crate::sweep::spread;
use cfs_master::mutants::{Mutant, ALL};

/// Seeds that a planted bug may survive.
const SEEDS_MAX: u64 = 2_000;

/// The place of the first seed that finds the bug, and what it says.
fn hunt(mutant: &Mutant, seeds_max: u64) -> Option<(u64, String)> {
    let seeds: Vec<u64> = (1..=seeds_max).collect();
    let (mut tried, mut found) = (0, None);
    spread(&seeds, "mixed", &[("MUTANT", mutant.name)], |line| {
        tried += 1;
        if line.code == 0 {
            return true;
        }
        let verdict = line.text.rsplit(": ").take(2).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join(": ");
        found = Some((tried, format!("{verdict} (MUTANT={:?} {})", mutant.name, again(line.seed, line.profile))));
        false
    });
    found
}

pub fn run(limit: Option<&str>) -> u8 {
    if !cfg!(feature = "mutants") {
        eprintln!("built without the feature `mutants`: use ci/sim mutants");
        return 2;
    }
    let seeds_max = limit.map_or(SEEDS_MAX, crate::number);
    let mut places = Vec::new();
    for mutant in ALL {
        match hunt(mutant, seeds_max) {
            Some((place, how)) => {
                println!("{:<40} seed {place:>4}: {how}; expected {}", mutant.name, mutant.caught_by);
                places.push(place);
            }
            None => println!("{:<40} NOT FOUND in {seeds_max} seeds; expected {}", mutant.name, mutant.caught_by),
        }
    }
    places.sort_unstable();
    let median = places.get(places.len() / 2).copied().unwrap_or_default();
    println!("{} of {} planted bugs found, median {median} seeds", places.len(), ALL.len());
    u8::from(places.len() < ALL.len())
}
