//! Which storage classes a volume may use (v3.5.3 topology-selection.md §11, §12.1; http-cluster-volume.md §2.1.3 A to K).

use super::placement::{names, zone_exists, zone_media};
use super::scene::Scene;
use crate::model::{MediaType, StorageClass, VolumeType};
use crate::wire::reply::Fault;
use std::collections::BTreeSet;

/// `EbsBlkSize` of a volume that may use the blobstore and did not say, bytes.
const BLOB_BLOCK_SIZE: i64 = 8 << 20;

/// What a request to create a volume says of storage classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Zones, separated by commas; empty: the cluster.
    pub zone_name: String,
    /// Unspecified: chosen.
    pub class: StorageClass,
    pub allowed: Vec<StorageClass>,
    pub cross_zone: bool,
    /// Bytes; 0: not said.
    pub blob_block_size: i64,
}

/// What the volume gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes {
    pub class: StorageClass,
    /// Ascending.
    pub allowed: Vec<StorageClass>,
    pub volume_type: VolumeType,
    pub blob_block_size: i64,
}

/// The classes that the zones of a list have resources for; an empty list is the whole cluster.
pub fn available(scene: &Scene<'_>, zone_name: &str) -> BTreeSet<StorageClass> {
    let has_data_nodes = |zone: &str| scene.state.node_sets_of_zone(zone).any(|set| scene.state.data_nodes_of_set(set.id).next().is_some());
    let class = |zone: &str| -> Option<StorageClass> {
        let media: MediaType = zone_media(scene, zone);
        (media.is_valid() && has_data_nodes(zone)).then(|| media.storage_class())
    };
    let mut classes: BTreeSet<StorageClass> = if zone_name.is_empty() {
        scene.state.zone_names().filter_map(class).collect()
    } else {
        names(zone_name).filter_map(class).collect()
    };
    if scene.rules.has_blobstore {
        classes.insert(StorageClass::BLOBSTORE);
    }
    classes
}

/// `cluster`, or the zones that resources are looked for in; part of the texts.
pub fn scope(zone_name: &str) -> String {
    if zone_name.is_empty() {
        "cluster".to_owned()
    } else {
        format!("assigned zones({zone_name})")
    }
}

/// Name of a class in texts.
pub fn class_name(class: StorageClass) -> String {
    match class {
        StorageClass::UNSPECIFIED => "Unspecified".to_owned(),
        StorageClass::REPLICA_SSD => "ReplicaSSD".to_owned(),
        StorageClass::REPLICA_HDD => "ReplicaHDD".to_owned(),
        StorageClass::BLOBSTORE => "BlobStore".to_owned(),
        StorageClass(other) => format!("{other}"),
    }
}

fn is_valid(class: StorageClass) -> bool {
    class.is_replica() || class == StorageClass::BLOBSTORE
}

/// Every zone of a list exists.
///
/// # Errors
/// Code 2, `assigned zone name not exist: [a b]`.
pub fn zones_exist(scene: &Scene<'_>, zone_name: &str) -> Result<(), Fault> {
    let unknown: Vec<&str> = names(zone_name).filter(|zone| !zone_exists(scene, zone)).collect();
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(Fault::param(format!("assigned zone name not exist: [{}]", unknown.join(" "))))
    }
}

/// The classes of a new volume.
///
/// # Errors
/// Code 2, the texts of v3.5.3, in its order of checks.
pub fn of_new_volume(scene: &Scene<'_>, request: &Request) -> Result<Classes, Fault> {
    zones_exist(scene, &request.zone_name)?;
    let available = available(scene, &request.zone_name);
    let scope = scope(&request.zone_name);
    let has = |class: &StorageClass| available.contains(class);
    let class = match request.class {
        StorageClass::UNSPECIFIED => [StorageClass::REPLICA_SSD, StorageClass::REPLICA_HDD].into_iter().find(has).ok_or_else(|| {
            Fault::param(format!("volStorageClass not specified and {scope} has no resource to auto choose replca storageClass"))
        })?,
        class => class,
    };
    if !is_valid(class) {
        return Err(Fault::param(format!("invalid volStorageClass: {}", class.0)));
    }
    if !has(&class) {
        return Err(Fault::param(format!("{scope} has no resoure to support volStorageClass({})", class_name(class))));
    }
    let mut allowed = request.allowed.clone();
    let mut blob_block_size = request.blob_block_size;
    if !allowed.is_empty() {
        let all = || allowed.iter().copied().chain([class]);
        if all().any(StorageClass::is_replica) && all().any(|class| class == StorageClass::BLOBSTORE) {
            return Err(Fault::param("vol not support both replica and blobstore"));
        }
        for (at, class) in allowed.iter().enumerate() {
            if !is_valid(*class) {
                return Err(Fault::param(format!("allowedStorageClass index({at}) invalid value({})", class.0)));
            }
            if !has(class) {
                return Err(Fault::param(format!("{scope} has no resoure to support allowedStorageClass({})", class_name(*class))));
            }
        }
    }
    if !allowed.contains(&class) {
        allowed.push(class);
    }
    allowed.sort();
    if allowed.contains(&StorageClass::BLOBSTORE) && blob_block_size == 0 {
        blob_block_size = BLOB_BLOCK_SIZE;
    }
    if allowed.iter().filter(|class| class.is_replica()).collect::<BTreeSet<_>>().len() > 1 {
        if !request.cross_zone {
            return Err(Fault::param("more than one replica storageClass in request allowedStorageClass, but crossZone is false"));
        }
        if scene.rules.fault_domain {
            return Err(Fault::param(
                "cluster.FaultDomain is true, can not create vol with req.allowedStorageClass has multi replica storageClass",
            ));
        }
    }
    let volume_type = if class == StorageClass::BLOBSTORE { VolumeType::COLD } else { VolumeType::HOT };
    Ok(Classes { class, allowed, volume_type, blob_block_size })
}

#[cfg(test)]
mod tests;
