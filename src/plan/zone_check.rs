//! Whether a volume may name the zones that it names (v3.5.3 topology-selection.md §9.1, http-cluster-volume.md §2.1.5).

use super::placement::{domain, excluded_zones, zone_exists};
use super::scene::Scene;
use crate::model::topology::DEFAULT_ZONE;
use crate::model::Volume;
use crate::wire::reply::Fault;

/// The zone name that the volume is to have: its own, or `default` for one that names none and stays in one zone.
///
/// # Errors
/// Code 1, the texts of v3.5.3, all beginning with `action[checkZoneName] `.
pub fn zone_name(scene: &Scene<'_>, volume: &Volume) -> Result<String, Fault> {
    let name = volume.zone_name.as_str();
    let zones: Vec<&str> = name.split(',').collect();
    if volume.cross_zone {
        if !name.is_empty() {
            if zones.len() == 1 {
                return Err(refused("vol use specified single zoneName conflit with cross zone flag"));
            }
            zones.iter().try_for_each(|zone| known(scene, zone))?;
        }
        if scene.rules.fault_domain {
            if !name.is_empty() && (!volume.default_priority || volume.domain_id > 0) {
                return Err(refused("vol need FaultDomain but set zone name"));
            }
            if name.is_empty() && volume.domain_id > 0 && !domain::exists(scene, volume.domain_id) {
                return Err(refused(&format!("cluster can't find oomainId [{}]", volume.domain_id)));
            }
        } else if scene.state.zone_names().nth(1).is_none() {
            return Err(refused("cluster has one zone,can't cross zone"));
        }
        return Ok(name.to_owned());
    }
    if name.is_empty() {
        if !fault_domain_needed(scene) && !zone_exists(scene, DEFAULT_ZONE) {
            return Err(refused("the vol is not cross zone and didn't set zone name,but there's no default zone"));
        }
        return Ok(DEFAULT_ZONE.to_owned());
    }
    if zones.len() > 1 {
        return Err(refused("vol specified zoneName need cross zone"));
    }
    known(scene, name)?;
    Ok(name.to_owned())
}

/// The zone exists; where fault domains are needed it is one of those outside them.
///
/// # Errors
/// `the zonename[Z] not found`.
pub(crate) fn known(scene: &Scene<'_>, zone: &str) -> Result<(), Fault> {
    let known = if fault_domain_needed(scene) { excluded_zones(scene).contains(&zone) } else { zone_exists(scene, zone) };
    if known {
        Ok(())
    } else {
        Err(refused(&format!("the zonename[{zone}] not found")))
    }
}

fn fault_domain_needed(scene: &Scene<'_>) -> bool {
    scene.rules.fault_domain && scene.state.zone_domain.as_ref().is_some_and(|d| d.need_fault_domain)
}

fn refused(text: &str) -> Fault {
    Fault::internal(format!("action[checkZoneName] {text}"))
}

#[cfg(test)]
mod tests;
