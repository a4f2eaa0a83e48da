//! Goal: the checks A to K of v3.5.3 http-cluster-volume.md §2.1.3. Method: each row, with its text.

use super::*;
use crate::plan::world::*;

const SSD: StorageClass = StorageClass::REPLICA_SSD;
const HDD: StorageClass = StorageClass::REPLICA_HDD;
const BLOB: StorageClass = StorageClass::BLOBSTORE;

/// Zone `default` with SSDs, zone `hdd` with HDDs, zone `empty` without data nodes.
fn world() -> World {
    let mut world = World::new();
    world.zone("default", MediaType::SSD, 1, 1, 1);
    world.zone("hdd", MediaType::HDD, 2, 1, 0);
    world.zone("empty", MediaType::HDD, 3, 0, 1);
    world
}

fn request(zone_name: &str, class: StorageClass, allowed: &[StorageClass]) -> Request {
    Request { zone_name: zone_name.into(), class, allowed: allowed.to_vec(), ..Request::default() }
}

fn refused(world: &World, request: &Request) -> String {
    let fault = of_new_volume(&world.scene(), request).unwrap_err();
    assert_eq!(fault.code, crate::wire::reply::code::PARAM_ERROR);
    fault.msg.into_owned()
}

#[test]
fn zones_must_exist() {
    let world = world();
    assert_eq!(refused(&world, &request("za,default,zb", SSD, &[])), "assigned zone name not exist: [za zb]");
}

#[test]
fn a_class_is_chosen_where_none_is_named() {
    let world = world();
    let class = |zone: &str| of_new_volume(&world.scene(), &request(zone, StorageClass::UNSPECIFIED, &[])).map(|c| c.class);
    assert_eq!(class(""), Ok(SSD));
    assert_eq!(class("hdd"), Ok(HDD));
    assert_eq!(
        refused(&world, &request("empty", StorageClass::UNSPECIFIED, &[])),
        "volStorageClass not specified and assigned zones(empty) has no resource to auto choose replca storageClass"
    );
    assert_eq!(
        refused(&World::new(), &request("", StorageClass::UNSPECIFIED, &[])),
        "volStorageClass not specified and cluster has no resource to auto choose replca storageClass"
    );
}

#[test]
fn a_class_must_be_one_and_have_resources() {
    let mut world = world();
    assert_eq!(refused(&world, &request("", StorageClass(4), &[])), "invalid volStorageClass: 4");
    assert_eq!(
        refused(&world, &request("default", HDD, &[])),
        "assigned zones(default) has no resoure to support volStorageClass(ReplicaHDD)"
    );
    assert_eq!(refused(&world, &request("", BLOB, &[])), "cluster has no resoure to support volStorageClass(BlobStore)");
    world.rules.has_blobstore = true;
    let classes = of_new_volume(&world.scene(), &request("", BLOB, &[])).unwrap();
    assert_eq!((classes.volume_type, classes.blob_block_size), (VolumeType::COLD, 8 << 20));
}

#[test]
fn allowed_classes_are_checked_completed_and_sorted() {
    let mut world = world();
    world.rules.has_blobstore = true;
    assert_eq!(refused(&world, &request("", SSD, &[BLOB])), "vol not support both replica and blobstore");
    assert_eq!(refused(&world, &request("", SSD, &[SSD, StorageClass(9)])), "allowedStorageClass index(1) invalid value(9)");
    assert_eq!(
        refused(&world, &request("default", SSD, &[HDD])),
        "assigned zones(default) has no resoure to support allowedStorageClass(ReplicaHDD)"
    );
    let mut both = request("", HDD, &[SSD]);
    assert_eq!(refused(&world, &both), "more than one replica storageClass in request allowedStorageClass, but crossZone is false");
    both.cross_zone = true;
    let classes = of_new_volume(&world.scene(), &both).unwrap();
    assert_eq!((classes.allowed, classes.volume_type), (vec![SSD, HDD], VolumeType::HOT));
    world.rules.fault_domain = true;
    assert_eq!(
        refused(&world, &both),
        "cluster.FaultDomain is true, can not create vol with req.allowedStorageClass has multi replica storageClass"
    );
}

#[test]
fn a_zone_without_media_type_has_the_legacy_one() {
    let mut world = World::new();
    world.zone("default", MediaType::UNSPECIFIED, 1, 1, 1);
    assert!(available(&world.scene(), "").is_empty());
    world.rules.legacy_media_type = MediaType::HDD;
    assert_eq!(available(&world.scene(), ""), BTreeSet::from([HDD]));
}
