//! Slots of flash groups (v3.5.3 http-partitions-nodes.md §16.2, background-tasks.md §18): a block of a file belongs to the group that
//! has the next slot after its hash, so slots are moved in small parts wherever a cache would otherwise miss all at once.

use super::flash::{active_groups, Fleet};
use crate::limits;
use crate::model::{FlashGroup, FlashGroupStatus, SlotStatus};
use crate::state::State;
use crate::wire::gojson::List;
use std::collections::BTreeSet;
use std::time::Duration;

/// A group that somebody asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewGroup {
    pub slots: Vec<u32>,
    pub weight: u32,
    /// Slots per minute; `None` is all at once.
    pub step: Option<u32>,
}

fn taken(state: &State) -> BTreeSet<u32> {
    let groups = state.flash_groups.values();
    groups.flat_map(|group| group.slots.iter().chain(group.reserved_slots.iter()).chain(group.pending_slots.iter()).copied()).collect()
}

/// The record of a new group: the slots asked for that nobody has, or random ones by its weight.
pub fn create(state: &State, id: u64, new: &NewGroup, mut random: impl FnMut() -> u32) -> FlashGroup {
    let mut taken = taken(state);
    let mut slots: Vec<u32> = new.slots.iter().copied().filter(|slot| !taken.contains(slot)).collect();
    if slots.is_empty() {
        while slots.len() < new.weight as usize * limits::FLASH_SLOTS_PER_WEIGHT {
            let slot = random();
            if taken.insert(slot) {
                slots.push(slot);
            }
        }
    }
    slots.sort_unstable();
    let step = new.step.unwrap_or(0);
    let begin = if step == 0 { slots.len() } else { (step as usize).min(slots.len()) };
    let pending = slots.split_off(begin);
    let gradual = !pending.is_empty();
    FlashGroup {
        id,
        slots: slots.into(),
        reserved_slots: List::EMPTY,
        slot_status: if gradual { SlotStatus::CREATING } else { SlotStatus::COMPLETED },
        pending_slots: if step != 0 && !gradual { List::NIL } else { pending.into() },
        step: if gradual { step } else { 0 },
        weight: new.weight,
        status: FlashGroupStatus::INACTIVE,
        ..FlashGroup::default()
    }
}

/// A group that begins to lose its slots step by step; `None` when the first step takes all.
pub fn remove_gradually(group: &FlashGroup, step: u32) -> Option<FlashGroup> {
    let slots = group.slots.clone();
    (slots.len() != step as usize).then(|| FlashGroup { slot_status: SlotStatus::DELETING, pending_slots: slots, step, ..group.clone() })
}

/// What a step of a gradual change makes of a group.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Changed(FlashGroup),
    /// Its last slots went: the group is to be removed.
    Gone,
}

/// One step of a gradual change; `None` when the group is at none, or may not gain slots now.
pub fn step(state: &State, group: &FlashGroup) -> Option<Step> {
    let count = (group.step.max(1) as usize).min(group.pending_slots.len());
    let (now, later) = group.pending_slots.split_at(count);
    match group.slot_status {
        SlotStatus::CREATING => {
            let may_grow = group.status == FlashGroupStatus::ACTIVE && state.flash_nodes_of_group(group.id).next().is_some();
            may_grow.then(|| {
                let slots = joined(&group.slots, now);
                Step::Changed(match later {
                    [] => FlashGroup { slots, slot_status: SlotStatus::COMPLETED, pending_slots: List::NIL, step: 0, ..group.clone() },
                    later => FlashGroup { slots, pending_slots: later.to_vec().into(), ..group.clone() },
                })
            })
        }
        SlotStatus::DELETING if later.is_empty() => Some(Step::Gone),
        SlotStatus::DELETING => {
            let slots: Vec<u32> = group.slots.iter().copied().filter(|slot| !now.contains(slot)).collect();
            Some(Step::Changed(FlashGroup { slots: slots.into(), pending_slots: later.to_vec().into(), ..group.clone() }))
        }
        _ => None,
    }
}

fn joined(one: &[u32], other: &[u32]) -> List<u32> {
    let mut slots = [one, other].concat();
    slots.sort_unstable();
    slots.into()
}

/// A share of the group's slots, rounded up.
fn part(group: &FlashGroup, share: usize) -> usize {
    (group.slots.len() + group.reserved_slots.len()).div_ceil(share)
}

/// A quarter of the slots of a group that nobody serves is put aside.
fn reduced(group: &FlashGroup, wall_secs: i64) -> FlashGroup {
    let (away, left) = group.slots.split_at(part(group, 4).min(group.slots.len()));
    FlashGroup {
        slots: left.to_vec().into(),
        reserved_slots: joined(&group.reserved_slots, away),
        lost_all_flash_node: 1,
        reducing_slots: 1,
        increasing_slots: 0,
        reduce_all_time: if left.is_empty() { wall_secs } else { 0 },
        ..group.clone()
    }
}

/// Slots that were put aside come back: all of them, or an eighth.
fn restored(group: &FlashGroup, all: bool) -> FlashGroup {
    let count = if all { group.reserved_slots.len() } else { part(group, 8).min(group.reserved_slots.len()) };
    let (back, left) = group.reserved_slots.split_at(count);
    FlashGroup {
        slots: joined(&group.slots, back),
        reserved_slots: left.to_vec().into(),
        lost_all_flash_node: 0,
        reducing_slots: 0,
        increasing_slots: i32::from(!left.is_empty()),
        reduce_all_time: 0,
        ..group.clone()
    }
}

impl Fleet {
    /// Groups whose gradual change is due for a step now; each is asked for once.
    pub fn steps_due(&mut self, state: &State, now: Duration) -> Vec<u64> {
        let changing = state.flash_groups.values().filter(|group| group.slot_status != SlotStatus::COMPLETED);
        let mut due = Vec::new();
        for group in changing {
            let watch = self.groups.entry(group.id).or_default();
            match watch.stepped {
                Some(at) if now.saturating_sub(at) < limits::FLASH_STEP_INTERVAL => {}
                Some(_) => {
                    watch.stepped = Some(now);
                    due.push(group.id);
                }
                None => watch.stepped = Some(now),
            }
        }
        self.groups.retain(|id, _| state.flash_groups.contains_key(id));
        due
    }

    /// What becomes of the slots of groups that no node serves, and of those that are served again: the records that change.
    pub fn slots_to_move(&mut self, state: &State, now: Duration, wall_secs: i64) -> Vec<FlashGroup> {
        let total = active_groups(state).count();
        let mut empty = active_groups(state).filter(|group| group.slots.is_empty()).count();
        let mut changed = Vec::new();
        for group in active_groups(state).filter(|group| group.slot_status == SlotStatus::COMPLETED) {
            let served = self.serving(state, group.id, now).next().is_some();
            let began = self.began;
            let watch = self.groups.entry(group.id).or_default();
            let rested = |interval: Duration| watch.moved.is_none_or(|at| now.saturating_sub(at) >= interval);
            if served {
                watch.lost_since = None;
                let gradual = group.increasing_slots != 0
                    || (group.slots.is_empty()
                        && group.reduce_all_time != 0
                        && wall_secs - group.reduce_all_time >= limits::FLASH_EMPTY_FOR_LONG_SECS);
                if !group.reserved_slots.is_empty() && (!gradual || rested(limits::FLASH_RESTORE_INTERVAL)) {
                    watch.moved = Some(now);
                    changed.push(restored(group, !gradual));
                }
                continue;
            }
            let since = *watch.lost_since.get_or_insert(now.max(began));
            if group.slots.is_empty()
                || now.saturating_sub(since) < limits::FLASH_GROUP_LOST_AFTER
                || !rested(limits::FLASH_REDUCE_INTERVAL)
            {
                continue;
            }
            let next = reduced(group, wall_secs);
            // Two thirds of the groups without slots would leave the others too much: the last slots stay where they are.
            if next.slots.is_empty() && (empty + 1) * 3 >= total * 2 {
                continue;
            }
            empty += usize::from(next.slots.is_empty());
            watch.moved = Some(now);
            changed.push(next);
        }
        changed
    }
}

#[cfg(test)]
mod tests;
