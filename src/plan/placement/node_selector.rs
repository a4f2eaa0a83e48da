//! Choosing nodes inside one node set (v3.5.3 topology-selection.md §7).
//!
//! The four ways are pure: the nodes, the memory of the set and random numbers are arguments. Each takes exactly the asked number of
//! distinct nodes or refuses. Where v3.5.3 loops until enough nodes have weight, the number of its rounds is computed: nothing here
//! depends on how empty or how large a node is.

use super::machine;
use crate::ids::NodeId;
use crate::wire::reply::Fault;
use std::collections::{BTreeMap, BTreeSet};

/// Draws random numbers.
pub type Random<'a> = dyn FnMut() -> u64 + 'a;

const GIB: f64 = (1u64 << 30) as f64;
/// Weight that a node can save up.
const CARRY_MAX: f64 = 10.0;

/// How nodes of a set are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NodeSelector {
    /// Every node is chosen in proportion to its free space.
    #[default]
    CarryWeight,
    AvailableSpaceFirst,
    RoundRobin,
    /// Random, in proportion to free space.
    Straw,
}

impl NodeSelector {
    /// The selector of that name; an unknown name is the default.
    pub fn named(name: &str) -> Self {
        match name {
            "AvailableSpaceFirst" => Self::AvailableSpaceFirst,
            "RoundRobin" => Self::RoundRobin,
            "Straw" => Self::Straw,
            _ => Self::CarryWeight,
        }
    }

    /// Its name in records and views.
    pub fn name(self) -> &'static str {
        match self {
            Self::CarryWeight => "CarryWeight",
            Self::AvailableSpaceFirst => "AvailableSpaceFirst",
            Self::RoundRobin => "RoundRobin",
            Self::Straw => "Straw",
        }
    }
}

/// A node as its selector sees it.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    pub id: NodeId,
    pub addr: &'a str,
    /// Bytes.
    pub total: u64,
    pub used: u64,
    pub available: u64,
    /// Whether it can take a partition.
    pub fit: Fit,
    /// It is being taken out of service; only [`NodeSelector::CarryWeight`] looks at this.
    pub offline: bool,
    /// It is among the hosts to avoid.
    pub excluded: bool,
}

/// Whether a node can take a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// Down, full, read-only or at its limit of partitions.
    No,
    /// Not heard yet by a new leader and not known to be unfit: taken only when the known ones do not suffice.
    Presumed,
    /// Heard, and it has room.
    Yes,
}

/// What the selector of one node set remembers. Lost at a change of leader and when the set gets another selector.
#[derive(Clone, Debug, Default)]
pub struct NodeMemory {
    selector: NodeSelector,
    carry: BTreeMap<NodeId, f64>,
    index: usize,
}

/// Takes `n` nodes of a set, in order of choice.
///
/// # Errors
/// `no enough writable hosts`, code 1.
pub fn select(
    selector: NodeSelector,
    nodes: &[Node<'_>],
    n: usize,
    memory: &mut NodeMemory,
    random: &mut Random<'_>,
) -> Result<Vec<NodeId>, Fault> {
    if memory.selector != selector {
        *memory = NodeMemory { selector, ..NodeMemory::default() };
    }
    if n == 0 {
        return Ok(Vec::new());
    }
    let wanted = |node: &&Node<'_>| !node.excluded && (selector != NodeSelector::CarryWeight || !node.offline);
    let of = |fit: Fit| -> Vec<Node<'_>> { nodes.iter().filter(wanted).filter(|node| node.fit == fit).copied().collect() };
    let (known, presumed) = (of(Fit::Yes), of(Fit::Presumed));
    if known.len() + presumed.len() < n {
        return Err(refusal(selector, n, known.len()));
    }
    // Nodes known to be good go first; the others fill up.
    let from_known = n.min(known.len());
    let mut chosen = pick(selector, nodes, &known, from_known, memory, random);
    chosen.extend(pick(selector, nodes, &presumed, n - from_known, memory, random));
    assert_eq!(chosen.len(), n, "a selector takes as many nodes as it was asked for");
    assert_eq!(chosen.iter().collect::<BTreeSet<_>>().len(), n, "a selector takes a node once");
    Ok(chosen)
}

fn refusal(selector: NodeSelector, n: usize, found: usize) -> Fault {
    Fault::internal(match selector {
        NodeSelector::CarryWeight => {
            format!("action[CarryWeight NodeSelector-Select] no enough writable hosts,replicaNum: {n} MatchNodeCount:{found}")
        }
        NodeSelector::AvailableSpaceFirst => {
            format!("action[AvailableSpaceFirstNodeSelector-Select] no enough hosts,replicaNum:{n}  MatchNodeCount:{found}  ")
        }
        other => format!("action[{}NodeSelector-Select] no enough writable hosts,replicaNum:{n}  MatchNodeCount:{found}  ", other.name()),
    })
}

/// `n` of the candidates; there are at least so many.
fn pick(
    selector: NodeSelector,
    all: &[Node<'_>],
    candidates: &[Node<'_>],
    n: usize,
    memory: &mut NodeMemory,
    random: &mut Random<'_>,
) -> Vec<NodeId> {
    if n == 0 {
        return Vec::new();
    }
    match selector {
        NodeSelector::CarryWeight => by_carry(all, candidates, n, &mut memory.carry),
        NodeSelector::AvailableSpaceFirst => by_space(candidates, n),
        NodeSelector::RoundRobin => in_turn(all, candidates, n, &mut memory.index),
        NodeSelector::Straw => by_straw(candidates, n, random),
    }
}

/// `part / whole`; everything counts as full weight where nothing is known of sizes.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        1.0
    } else {
        part as f64 / whole as f64
    }
}

fn by_carry(all: &[Node<'_>], candidates: &[Node<'_>], n: usize, carry: &mut BTreeMap<NodeId, f64>) -> Vec<NodeId> {
    let largest = all.iter().map(|node| node.total).max().unwrap_or(0);
    carry.retain(|id, _| all.iter().any(|node| node.id == *id));
    for node in candidates {
        carry.entry(node.id).or_insert_with(|| share(node.available, largest));
    }
    let enough = candidates.iter().filter(|node| carry[&node.id] >= 1.0).count();
    if enough < n {
        let growth = |node: &Node<'_>| share(node.total.saturating_sub(node.used), largest);
        // v3.5.3 counts full weights first, but stops only when enough are above one.
        let rounds = |carry: f64, growth: f64| ((1.0 - carry) / growth).floor() + 1.0;
        let rounds = nth_least(candidates.iter().map(|node| (carry[&node.id], growth(node))), rounds, n);
        for node in candidates {
            let grown = carry[&node.id] + rounds * growth(node);
            carry.insert(node.id, grown.min(CARRY_MAX));
        }
    }
    let mut order: Vec<NodeId> = candidates.iter().map(|node| node.id).collect();
    order.sort_by(|a, b| carry[b].total_cmp(&carry[a]));
    order.truncate(n);
    for id in &order {
        carry.entry(*id).and_modify(|c| *c -= 1.0);
    }
    order
}

/// In how many rounds of adding its growth to each carry `n` of them are full. At least one; none when that can never be.
pub(super) fn nth_least(weights: impl Iterator<Item = (f64, f64)>, rounds: impl Fn(f64, f64) -> f64, n: usize) -> f64 {
    let one = |(carry, growth): (f64, f64)| if growth > 0.0 { rounds(carry, growth).max(1.0) } else { f64::INFINITY };
    let mut all: Vec<f64> = weights.map(one).collect();
    all.sort_by(f64::total_cmp);
    all.get(n.saturating_sub(1)).copied().filter(|r| r.is_finite()).unwrap_or(0.0)
}

fn by_space(candidates: &[Node<'_>], n: usize) -> Vec<NodeId> {
    let mut left: Vec<Node<'_>> = candidates.to_vec();
    left.sort_by_key(|node| std::cmp::Reverse(node.available));
    let mut chosen = Vec::new();
    // A round takes at most one node of each machine; what it skipped is left to the next round.
    while chosen.len() < n {
        let mut machines = BTreeSet::new();
        left.retain(|node| {
            let take = chosen.len() < n && machines.insert(machine(node.addr));
            if take {
                chosen.push(node.id);
            }
            !take
        });
    }
    chosen
}

fn in_turn(all: &[Node<'_>], candidates: &[Node<'_>], n: usize, index: &mut usize) -> Vec<NodeId> {
    let mut ids: Vec<NodeId> = all.iter().map(|node| node.id).collect();
    ids.sort();
    let start = *index % ids.len();
    let mut chosen = Vec::new();
    for (scanned, id) in ids.iter().cycle().skip(start).take(ids.len()).enumerate() {
        if candidates.iter().any(|node| node.id == *id) {
            chosen.push(*id);
        }
        if chosen.len() == n {
            *index = (start + scanned + 1) % ids.len();
            break;
        }
    }
    chosen
}

/// Length of the straw of something with `available` GiB. The longest wins.
pub(super) fn straw(available_gib: f64, random: &mut Random<'_>) -> f64 {
    let drawn = (random() % 65_536) as f64 / 65_536.0;
    if available_gib > 0.0 {
        drawn.ln() / available_gib
    } else {
        f64::NEG_INFINITY
    }
}

fn by_straw(candidates: &[Node<'_>], n: usize, random: &mut Random<'_>) -> Vec<NodeId> {
    let mut left: Vec<Node<'_>> = candidates.to_vec();
    let mut machines = BTreeSet::new();
    let mut chosen = Vec::new();
    while chosen.len() < n {
        let mut best: Option<(f64, usize)> = None;
        for (at, node) in left.iter().enumerate().filter(|(_, node)| !machines.contains(machine(node.addr))) {
            let length = straw(node.available as f64 / GIB, random);
            if best.is_none_or(|(longest, _)| length > longest) {
                best = Some((length, at));
            }
        }
        match best {
            Some((_, at)) => {
                let node = left.remove(at);
                machines.insert(machine(node.addr));
                chosen.push(node.id);
            }
            // Every machine gave a node: the next round begins.
            None => machines.clear(),
        }
    }
    chosen
}
