//! Goal: slots are had once, and move in parts (v3.5.3 http-partitions-nodes.md §16.2). Method: groups and nodes, and a clock.

use super::*;
use crate::ids::NodeId;
use crate::model::FlashNode;
use crate::plan::world::World;

fn group(id: u64, slots: &[u32]) -> FlashGroup {
    FlashGroup { id, slots: slots.to_vec().into(), status: FlashGroupStatus::ACTIVE, ..FlashGroup::default() }
}

fn node(world: &mut World, fleet: &mut Fleet, id: u64, group: u64) {
    let addr = format!("10.0.0.{id}:18510");
    world.put(FlashNode { id: NodeId(id), addr: addr.clone(), flash_group_id: group, is_enable: true, ..FlashNode::default() });
    fleet.registered(&addr, world.now, world.wall());
}

#[test]
fn a_new_group_gets_the_slots_asked_for_that_nobody_has_or_random_ones() {
    let mut world = World::new();
    world.put(group(1, &[5, 7]));
    let new = |slots: &[u32], weight, step| NewGroup { slots: slots.to_vec(), weight, step };
    let create = |new: &NewGroup| {
        let mut next = 3;
        create(&world.state, 2, new, || {
            next += 1;
            next
        })
    };
    assert_eq!(create(&new(&[11, 5, 9], 1, None)).slots[..], [9, 11]);
    let random = create(&new(&[5], 1, None));
    assert_eq!((random.slots.len(), random.slots[0], random.slots[1]), (32, 4, 6), "5 is not free");
    let gradual = create(&new(&[22, 20, 21], 0, Some(1)));
    assert_eq!((&gradual.slots[..], &gradual.pending_slots[..], gradual.slot_status), (&[20][..], &[21, 22][..], SlotStatus::CREATING));
    let at_once = create(&new(&[20, 21], 0, Some(9)));
    assert_eq!((at_once.slot_status, at_once.pending_slots.is_nil(), at_once.step), (SlotStatus::COMPLETED, true, 0));
    assert!(create(&new(&[], 0, None)).slots.is_empty());
}

#[test]
fn a_gradual_change_takes_a_step_each_minute() {
    let mut world = World::new();
    let mut fleet = Fleet::new(world.now);
    let new = NewGroup { slots: vec![1, 2, 3], weight: 0, step: Some(2) };
    world.put(FlashGroup { status: FlashGroupStatus::ACTIVE, ..create(&world.state, 1, &new, || 0) });
    assert_eq!(step(&world.state, &world.state.flash_groups[&1]), None, "no node");
    node(&mut world, &mut fleet, 1, 1);
    assert!(fleet.steps_due(&world.state, world.now).is_empty());
    world.pass(60);
    assert_eq!(fleet.steps_due(&world.state, world.now), [1]);
    let Some(Step::Changed(done)) = step(&world.state, &world.state.flash_groups[&1]) else { panic!("a step") };
    assert_eq!((&done.slots[..], done.slot_status), (&[1, 2, 3][..], SlotStatus::COMPLETED));

    let going = remove_gradually(&done, 2).unwrap();
    let Some(Step::Changed(left)) = step(&world.state, &going) else { panic!("a step") };
    assert_eq!((&left.slots[..], &left.pending_slots[..]), (&[3][..], &[3][..]));
    assert_eq!(step(&world.state, &left), Some(Step::Gone));
    assert_eq!(remove_gradually(&done, 3), None, "all at once");
}

#[test]
fn a_group_that_nobody_serves_puts_its_slots_aside_and_takes_them_back() {
    let mut world = World::new();
    let mut fleet = Fleet::new(world.now);
    let slots: Vec<u32> = (0..8).collect();
    for id in 1..=3 {
        world.put(group(id, &slots));
        node(&mut world, &mut fleet, id, id);
    }
    assert!(fleet.slots_to_move(&world.state, world.now, world.wall()).is_empty());
    let hear =
        |fleet: &mut Fleet, world: &World| (2..=3).for_each(|id| fleet.registered(&format!("10.0.0.{id}:18510"), world.now, world.wall()));
    world.pass(19);
    hear(&mut fleet, &world);
    assert!(fleet.slots_to_move(&world.state, world.now, world.wall()).is_empty());
    world.pass(600);
    for left in [6, 4, 2, 0] {
        hear(&mut fleet, &world);
        let [next] = &fleet.slots_to_move(&world.state, world.now, world.wall())[..] else { panic!("one group") };
        assert_eq!((next.id, next.slots.len(), next.reserved_slots.len()), (1, left, 8 - left));
        world.put(next.clone());
        assert!(fleet.slots_to_move(&world.state, world.now, world.wall()).is_empty(), "one part at a time");
        world.pass(30);
    }
    fleet.registered("10.0.0.1:18510", world.now, world.wall());
    hear(&mut fleet, &world);
    let back = fleet.slots_to_move(&world.state, world.now, world.wall());
    assert_eq!((back[0].slots.len(), back[0].reserved_slots.len(), back[0].increasing_slots), (8, 0, 0), "all at once");
    // After two days without slots its cache is worth nothing: an eighth at a time.
    let long = FlashGroup { reduce_all_time: world.wall() - limits::FLASH_EMPTY_FOR_LONG_SECS, ..(*world.state.flash_groups[&1]).clone() };
    world.put(long);
    let back = fleet.slots_to_move(&world.state, world.now, world.wall());
    assert!(back.is_empty(), "not so soon after the last part");
    world.pass(18);
    fleet.registered("10.0.0.1:18510", world.now, world.wall());
    world.pass(2);
    hear(&mut fleet, &world);
    let back = fleet.slots_to_move(&world.state, world.now, world.wall());
    assert_eq!((back[0].slots.len(), back[0].reserved_slots.len(), back[0].increasing_slots), (1, 7, 1));
}

#[test]
fn the_last_slots_stay_where_two_thirds_of_the_groups_would_have_none() {
    let mut world = World::new();
    let mut fleet = Fleet::new(world.now);
    world.put(group(1, &[1]));
    fleet.slots_to_move(&world.state, world.now, world.wall());
    world.pass(700);
    assert!(fleet.slots_to_move(&world.state, world.now, world.wall()).is_empty());
}
