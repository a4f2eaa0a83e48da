//! Goal: which scans wait, run and end (v3.5.3 background-tasks.md §15). Method: a volume with rules, and what nodes say.

use super::*;
use crate::ids::VolumeId;
use crate::model::{LcFilter, LcTransition, StorageClass, Volume, VolumeStatus, VolumeVersion};
use crate::plan::world::World;

fn rule(id: &str, prefix: &str, status: &str) -> LcRule {
    let filter = Some(LcFilter { prefix: prefix.into(), ..LcFilter::default() });
    let transitions = vec![LcTransition { days: Some(1), storage_class: "HDD".into(), ..LcTransition::default() }];
    LcRule { id: id.into(), status: status.into(), filter, transitions, ..LcRule::default() }
}

fn world(volumes: &[(&str, Vec<LcRule>)]) -> World {
    let mut world = World::new();
    for (i, (name, rules)) in volumes.iter().enumerate() {
        world.put(Volume::new(VolumeId(i as u64 + 1), *name, "owner", 0, StorageClass::REPLICA_SSD));
        world.put(LcConfiguration { vol_name: (*name).into(), rules: rules.clone().into(), ..LcConfiguration::default() });
    }
    world
}

fn ids(tasks: &[LcTask]) -> Vec<&str> {
    tasks.iter().map(|task| task.id.as_str()).collect()
}

#[test]
fn only_enabled_rules_of_volumes_that_exist_are_scanned() {
    let mut world = world(&[("a", vec![rule("r1", "x", "Enabled"), rule("r2", "y", "Disabled")]), ("b", vec![rule("r1", "", "Enabled")])]);
    let jobs = Jobs::new(world.now);
    assert_eq!(ids(&jobs.start(&world.state, Scope::All).tasks), ["a:r1", "b:r1"]);
    let gone = Volume::new(VolumeId(2), "b", "owner", 0, StorageClass::REPLICA_SSD);
    world.put(Volume { status: VolumeStatus::MARK_DELETE, ..gone });
    assert_eq!(ids(&jobs.start(&world.state, Scope::All).tasks), ["a:r1"]);
    assert_eq!(ids(&jobs.start(&world.state, Scope::Rule { volume: "a", rule: "r2" }).tasks), [""; 0]);
}

#[test]
fn a_scan_that_runs_stands_in_the_way_of_those_on_the_same_files() {
    let mut world = world(&[("a", vec![rule("r1", "x", "Enabled"), rule("r2", "y", "Enabled")])]);
    let jobs = Jobs::new(world.now);
    let running =
        LcResult { id: "a:old".into(), volume: "a".into(), rule: Some(Box::new(rule("old", "x/y", "Enabled"))), ..LcResult::default() };
    world.put(running);
    let start = jobs.start(&world.state, Scope::All);
    assert_eq!((ids(&start.tasks), start.standing), (vec!["a:r2"], vec!["a:old".to_owned()]));
    // With a volume, what waits stands in the way too, and stays.
    world.put(jobs.start(&world.state, Scope::All).tasks[0].clone());
    let start = jobs.start(&world.state, Scope::Volume("a"));
    assert_eq!((start.tasks.len(), start.waiting.len()), (0, 0));
    assert_eq!(jobs.start(&world.state, Scope::All).waiting, ["a:r2"]);
}

#[test]
fn a_scan_given_to_a_node_is_lost_when_nothing_is_heard_for_twenty_minutes_of_this_reign() {
    let mut world = world(&[("a", vec![rule("r1", "x", "Enabled")])]);
    let mut jobs = Jobs::new(world.now);
    let task = jobs.start(&world.state, Scope::All).tasks.remove(0);
    world.put(given(&task, "10.0.0.1:17410", Time::ZERO));
    world.pass(1200);
    assert!(jobs.lost_scans(&world.state, world.now).is_empty());
    world.pass(1);
    let lost = jobs.lost_scans(&world.state, world.now);
    assert_eq!(ids(&lost.iter().filter_map(|result| again(&world.state, result)).collect::<Vec<_>>()), [task.id.as_str()]);
    let said = LcNodeRuleTaskResponse { id: task.id.clone(), volume: "a".into(), lc_node: "10.0.0.1:17410".into(), ..Default::default() };
    let said =
        LcNodeHeartbeatResponse { lc_task_count_limit: 1, lc_scanning_tasks: [(task.id.clone(), said)].into(), ..Default::default() };
    assert_eq!(jobs.heartbeat(&world.state, "10.0.0.1:17410", said, world.now, Time::ZERO), Room { scan: false, deletions: 1 });
    assert!(jobs.lost_scans(&world.state, world.now).is_empty());
    let stop = jobs.stop(&world.state, Scope::Volume("a"), world.now);
    assert_eq!(stop.running, [(task.id.clone(), "10.0.0.1:17410".to_owned())]);
    world.pass(19);
    assert_eq!(jobs.stop(&world.state, Scope::Volume("a"), world.now).silent, [task.id]);
}

#[test]
fn a_version_that_is_being_deleted_waits_until_a_node_is_given_it() {
    let mut world = world(&[("a", Vec::new())]);
    let mut jobs = Jobs::new(world.now);
    let version = |ver, status| VolumeVersion { ver, status, ..VolumeVersion::default() };
    let versions = vec![version(0, VersionStatus::DELETING), version(7, VersionStatus::NORMAL)];
    world.put(VersionList { volume: VolumeId(1), versions: versions.into(), ..VersionList::default() });
    let waiting = jobs.waiting_deletions(&world.state);
    assert_eq!(waiting.keys().collect::<Vec<_>>(), ["a:0"]);
    jobs.deletion_given(&waiting["a:0"], "n", world.now, Time::ZERO);
    assert!(jobs.waiting_deletions(&world.state).is_empty());
    jobs.deletion_ended(SnapshotVerDelTaskResponse { id: "a:0".into(), status: status::FAILED, ..Default::default() }, world.now);
    assert_eq!(jobs.waiting_deletions(&world.state).len(), 1);
}

#[test]
fn daily_scans_are_due_once_each_day_at_the_hour() {
    let mut jobs = Jobs::new(Duration::ZERO);
    let (day, hour) = (20_000 * DAY_SECS, 3600);
    assert!(!jobs.daily_due(day + 2 * hour, 1, 0));
    assert!(!jobs.daily_due(day + 24 * hour, 1, 0));
    assert!(jobs.daily_due(day + 25 * hour, 1, 0));
    assert!(jobs.daily_due(day + 25 * hour + 60, 1, 0), "until they were started");
    jobs.daily_started(day + 25 * hour + 60, 1, 0);
    assert!(!jobs.daily_due(day + 26 * hour, 1, 0));
    assert_eq!(next_at(day, 1, -7200), day + 3 * hour);
    assert_eq!(next_at(day, 1, 7200), day + 23 * hour);
}
