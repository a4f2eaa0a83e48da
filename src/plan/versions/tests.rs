//! Goal: one piece of work on a volume's versions at a time, and what the strategy asks for. Method: lists, answers, a clock.

use super::*;
use crate::model::{StorageClass, VersionStrategy};
use crate::wire::gojson::Time;
use crate::wire::request::version_op;

const HOUR: i64 = 3_600_000_000_000;

fn list(versions: &[u64], keep: i64) -> VersionList {
    let version = |ver: &u64| VolumeVersion { ver: *ver, status: VersionStatus::NORMAL, ..VolumeVersion::default() };
    let strategy = VersionStrategy {
        keep_ver_cnt: keep,
        periodic: 2,
        enable: true,
        update_time: Time::from_unix_nanos(10 * HOUR),
        ..VersionStrategy::default()
    };
    let ver_seq = versions.last().copied().unwrap_or(0);
    VersionList { versions: versions.iter().map(version).collect(), strategy, ver_seq, ..VersionList::default() }
}

fn volume() -> Volume {
    Volume::new(VolumeId(1), "v", "owner", 0, StorageClass::REPLICA_SSD)
}

#[test]
fn a_phase_is_done_when_every_node_answered_it_well() {
    let id = VolumeId(1);
    let mut work = VersionWork::default();
    assert!(work.begin(id));
    assert!(!work.begin(id));
    let said = |addr: &str, op, ver_seq, status| MultiVersionOpResponse { addr: addr.into(), op, ver_seq, status, ..Default::default() };
    work.ask(id, version_op::DELETE, 7, ["a", "b"].map(str::to_owned).into_iter());
    work.answered(id, &said("a", version_op::DELETE, 7, 1));
    work.answered(id, &said("b", version_op::CREATE_PREPARE, 7, 1));
    work.answered(id, &said("b", version_op::DELETE, 6, 1));
    work.answered(VolumeId(2), &said("b", version_op::DELETE, 7, 1));
    assert_eq!(work.standing(id), Standing::Waiting);
    work.answered(id, &said("b", version_op::DELETE, 7, 1));
    assert_eq!(work.standing(id), Standing::Done);
    work.ask(id, version_op::DELETE, 7, ["a"].map(str::to_owned).into_iter());
    work.answered(id, &said("a", version_op::DELETE, 7, 2));
    assert!(matches!(work.standing(id), Standing::Failed(_)));
    work.end(id);
    assert!(work.begin(id));
}

#[test]
fn the_newest_version_and_one_that_goes_already_are_not_deleted() {
    let list = list(&[0, 5, 9], 3);
    assert_eq!(may_delete(&list, 7), Err("not found"));
    assert_eq!(may_delete(&list, 9), Err("uncommited version"));
    assert_eq!(may_delete(&list, 5), Ok(()));
    let list = deleting(&list, 5, 77);
    assert_eq!(may_delete(&list, 5), Err("version on deleting"));
    assert_eq!((list.versions[1].delete_time, list.versions[0].status), (77, VersionStatus::NORMAL));
}

#[test]
fn the_strategy_makes_a_version_each_period_and_deletes_the_oldest_above_its_number() {
    let due = |list: &VersionList, hours: i64| version_due(&volume(), list, hours * HOUR);
    assert_eq!(due(&list(&[0], 1), 11), Ok(None));
    assert_eq!(due(&list(&[0], 1), 12), Ok(Some((12 * HOUR / 1000) as u64)));
    assert_eq!(due(&list(&[0, u64::MAX / 2], 1), 12), Ok(Some(u64::MAX / 2 + 1)), "never one that was had before");
    assert_eq!(due(&list(&[0, 1, 2], 1), 12), Ok(None));
    assert!(due(&list(&(0..31).collect::<Vec<_>>(), 40), 12).is_err());
    assert_eq!(deletion_due(&volume(), &list(&[0, 1], 1)), None);
    assert_eq!(deletion_due(&volume(), &list(&[0, 1, 2], 1)), Some(0));
    assert_eq!(deletion_due(&volume(), &deleting(&list(&[0, 1, 2], 1), 0, 1)), None);
}
