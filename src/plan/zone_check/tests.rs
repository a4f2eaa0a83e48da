//! Goal: the table of v3.5.3 http-cluster-volume.md §2.1.5. Method: each row, with its text.

use super::*;
use crate::model::{MediaType, ZoneDomain};
use crate::plan::world::*;

fn world(zones: &[&str]) -> World {
    let mut world = World::new();
    for (i, zone) in zones.iter().enumerate() {
        world.zone(zone, MediaType::SSD, i as u64 + 1, 1, 1);
    }
    world
}

fn checked(world: &World, cross_zone: bool, zone_name: &str) -> Result<String, String> {
    let volume = Volume { cross_zone, zone_name: zone_name.into(), ..Volume::default() };
    with(world, &volume)
}

fn with(world: &World, volume: &Volume) -> Result<String, String> {
    zone_name(&world.scene(), volume).map_err(|fault| {
        assert_eq!(fault.code, crate::wire::reply::code::INTERNAL_ERROR);
        fault.msg.strip_prefix("action[checkZoneName] ").expect("every text begins so").to_owned()
    })
}

#[test]
fn a_volume_of_one_zone_names_one_that_exists_or_gets_the_default() {
    let world = world(&["default", "z1"]);
    assert_eq!(checked(&world, false, ""), Ok("default".into()));
    assert_eq!(checked(&world, false, "z1"), Ok("z1".into()));
    assert_eq!(checked(&world, false, "z2"), Err("the zonename[z2] not found".into()));
    assert_eq!(checked(&world, false, "default,z1"), Err("vol specified zoneName need cross zone".into()));
    assert_eq!(
        checked(&self::world(&["z1"]), false, ""),
        Err("the vol is not cross zone and didn't set zone name,but there's no default zone".into())
    );
}

#[test]
fn a_volume_across_zones_needs_two_and_names_none_or_several() {
    let world = world(&["z1", "z2"]);
    assert_eq!(checked(&world, true, ""), Ok(String::new()));
    assert_eq!(checked(&world, true, "z1,z2"), Ok("z1,z2".into()));
    assert_eq!(checked(&world, true, "z1"), Err("vol use specified single zoneName conflit with cross zone flag".into()));
    assert_eq!(checked(&world, true, "z1,z3"), Err("the zonename[z3] not found".into()));
    assert_eq!(checked(&self::world(&["z1"]), true, ""), Err("cluster has one zone,can't cross zone".into()));
}

#[test]
fn with_fault_domains_only_zones_outside_them_can_be_named() {
    let mut world = world(&["z1", "z2", "z3"]);
    world.rules.fault_domain = true;
    world.put(ZoneDomain { need_fault_domain: true, ..ZoneDomain::new() });
    assert_eq!(checked(&world, false, ""), Ok("default".into()));
    assert_eq!(checked(&world, false, "z1"), Err("the zonename[z1] not found".into()));
    assert_eq!(checked(&world, true, "z1,z2"), Err("the zonename[z1] not found".into()));
    let lost = Volume { cross_zone: true, domain_id: 99, ..Volume::default() };
    assert_eq!(with(&world, &lost), Err("cluster can't find oomainId [99]".into()));
    assert_eq!(checked(&world, true, ""), Ok(String::new()));
    let mut record = ZoneDomain::new();
    record.exclude_zone_map = [("z1".to_owned(), 0), ("z2".to_owned(), 0)].into();
    record.need_fault_domain = true;
    world.put(record);
    assert_eq!(checked(&world, false, "z1"), Ok("z1".into()));
    assert_eq!(checked(&world, true, "z1,z2"), Err("vol need FaultDomain but set zone name".into()));
    let first = Volume { cross_zone: true, zone_name: "z1,z2".into(), default_priority: true, ..Volume::default() };
    assert_eq!(with(&world, &first), Ok("z1,z2".into()));
}
