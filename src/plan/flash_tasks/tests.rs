//! Goal: which manual tasks may be created, where they run and how they end. Method: one volume, one group, two nodes.

use super::*;
use crate::ids::{NodeId, VolumeId};
use crate::model::{FlashGroup, FlashGroupStatus, FlashTaskConfig, StorageClass, Volume};
use crate::plan::world::World;

fn world() -> (World, Fleet) {
    let mut world = World::new();
    let mut fleet = Fleet::new(world.now);
    world.put(Volume::new(VolumeId(1), "vol", "owner", 0, StorageClass::REPLICA_SSD));
    world.put(FlashGroup { id: 1, status: FlashGroupStatus::ACTIVE, ..FlashGroup::default() });
    for id in 1..=2 {
        let addr = format!("n{id}");
        world.put(FlashNode { id: NodeId(id), addr: addr.clone(), flash_group_id: 1, is_enable: true, ..FlashNode::default() });
        fleet.registered(&addr, world.now, world.wall());
    }
    (world, fleet)
}

fn task(id: &str, action: &str, prefix: &str) -> FlashTask {
    let config = FlashTaskConfig { prefix: prefix.into(), ..FlashTaskConfig::default() };
    FlashTask { id: id.into(), action: action.into(), vol_name: "vol".into(), config, ..FlashTask::default() }
}

#[test]
fn a_directory_is_warmed_up_by_one_task_at_a_time() {
    let (mut world, fleet) = world();
    let checked = |world: &World, task: &FlashTask| check(&world.state, &fleet, task, world.now).map_err(|fault| fault.to_string());
    assert_eq!(checked(&world, &task("a", "warmup", "/x")), Ok(()));
    world.put(task("a", "warmup", "/x"));
    assert_eq!(checked(&world, &task("a", "warmup", "/y")), Err("flash manual task[a] already exists".into()));
    assert_eq!(checked(&world, &task("b", "warmup", "/x")), Err("manual task[a] is running with the same directory".into()));
    assert_eq!(checked(&world, &task("b", "clear", "/x")), Ok(()));
    assert_eq!(checked(&world, &task("b", "fill", "/x")), Err("invalid flash manual action: fill".into()));
    world.put(FlashTask { status: FlashTaskStatus::FAILED, ..task("a", "warmup", "/x") });
    assert_eq!(checked(&world, &task("b", "warmup", "/x")), Ok(()));
    world.pass(19);
    assert_eq!(checked(&world, &task("b", "warmup", "/x")), Err("no available distributed cache nodes".into()));
}

#[test]
fn the_oldest_task_goes_to_the_node_with_the_least_to_do_and_ends_once() {
    let (mut world, mut fleet) = world();
    world.put(FlashTask { start_time: Some(Time::from_unix_nanos(2)), ..task("a", "check", "") });
    world.put(FlashTask { start_time: Some(Time::from_unix_nanos(1)), ..task("b", "check", "") });
    fleet.task_given("n1");
    let (next, node) = fleet.next_task(&world.state, world.now).unwrap();
    assert_eq!((next.id.as_str(), node.as_str()), ("b", "n2"));
    world.put(given(&next, &node, Time::ZERO));
    fleet.tasks.given("b", FlashTaskStatistics::default(), world.now);
    world.pass(300);
    assert!(fleet.lost_tasks(&world.state, world.now).is_empty());
    world.pass(1);
    assert_eq!(fleet.lost_tasks(&world.state, world.now), ["b"]);
    let said = FlashNodeManualTaskResponse { id: "b".into(), status: status::SUCCEEDED, total_file_cached_num: 3, ..Default::default() };
    let done = ended(&world.state.flash_tasks["b"], &said).unwrap();
    assert_eq!((done.status, done.statistics.as_ref().unwrap().total_file_cached_num), (FlashTaskStatus::SUCCESS, 3));
    assert_eq!(ended(&done, &said), None);
}
