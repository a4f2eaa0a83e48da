//! What a sweep has met: each class of faults in which share of the seeds, each crash point how often.

use crate::worker::Line;
use cfs_sim::run::fault::CLASSES;
use cfs_sim::run::options::Profile;
use std::collections::BTreeMap;

/// Fewer writes than this, or no fault of the masters, make a passed run look quiet.
const WRITES_FEW: u64 = 80;

/// Prints the coverage of a sweep.
pub fn print(lines: &[Line]) {
    if lines.is_empty() {
        return;
    }
    let sums = sums(lines);
    let share = |seeds: u64| 100.0 * seeds as f64 / lines.len() as f64;
    println!("fault classes (share of the {} seeds; times begun):", lines.len());
    for class in CLASSES {
        let prefix = format!("fault/{class}/");
        let with = |line: &&Line| line.counts.iter().any(|(name, count)| name.starts_with(&prefix) && *count > 0);
        let seeds = lines.iter().filter(with).count() as u64;
        let of_class = sums.range(prefix.clone()..).take_while(|(name, _)| name.starts_with(&prefix));
        let parts: Vec<String> = of_class.map(|(name, sum)| format!("{} {}", name[prefix.len()..].replace('-', " "), sum)).collect();
        println!("  {class} {:>3.0} % {} {}", share(seeds), if share(seeds) < 20.0 { "RARE" } else { "    " }, parts.join(", "));
    }
    println!("crash points (power lost there / steps passed):");
    let crashes: Vec<(&str, u64)> = sums.iter().filter_map(|(name, sum)| Some((name.strip_prefix("crash/")?, *sum))).collect();
    for row in crashes.chunks(4) {
        let cell = |(name, times): &(&str, u64)| {
            let passed = sums.get(&format!("pass/{name}")).copied().unwrap_or_default();
            format!("{:<20} {times:>5} / {passed:<9}", name)
        };
        println!("  {}", row.iter().map(cell).collect::<Vec<_>>().join(" "));
    }
    let never: Vec<&str> = crashes.iter().filter(|(_, times)| *times == 0).map(|(name, _)| *name).collect();
    println!("  never hit: {}", if never.is_empty() { "none".to_owned() } else { never.join(", ") });
    let faults = |line: &Line| line.counts.iter().filter(|(name, _)| name.starts_with("fault/")).map(|(_, count)| count).sum::<u64>();
    let mean = |profile: Profile| {
        let of: Vec<u64> = lines.iter().filter(|line| line.profile == profile).map(faults).collect();
        of.iter().sum::<u64>() as f64 / of.len().max(1) as f64
    };
    let writes = |line: &Line| line.counts.iter().find(|(name, _)| name == "writes").map_or(0, |(_, count)| *count);
    let quiet: Vec<String> = lines
        .iter()
        .filter(|line| line.profile == Profile::Survivable && writes(line) < WRITES_FEW)
        .map(|line| line.seed.to_string())
        .collect();
    println!(
        "faults a run: {:.0} survivable, {:.0} storm; survivable runs with fewer than {WRITES_FEW} writes: {} {}",
        mean(Profile::Survivable),
        mean(Profile::Storm),
        quiet.len(),
        quiet.iter().take(10).cloned().collect::<Vec<_>>().join(" "),
    );
}

/// Each count over all seeds.
fn sums(lines: &[Line]) -> BTreeMap<String, u64> {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for (name, count) in lines.iter().flat_map(|line| &line.counts) {
        *sums.entry(name.clone()).or_default() += count;
    }
    sums
}
