//! Directory quotas (v3.5.3 http-cluster-volume.md §7).

use super::Master;
use crate::ids::VolumeId;
use crate::model::{Counter, Key, Quota, QuotaPath};
use crate::plan::quota_paths::{clash, Clash};
use crate::plan::usage_limits;
use crate::wire::reply::{fault, Fault};
use std::sync::Arc;

/// The limits of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaMaximum {
    pub files: u64,
    pub bytes: u64,
}

impl Master {
    /// Puts directories of a volume under a new quota and returns its id.
    ///
    /// # Errors
    /// [`fault::VOL_NOT_EXISTS`]; code 1 when the volume has quotas switched off or too many, or a directory is under one already.
    pub async fn create_quota(&self, actor: &str, volume: &str, paths: Vec<QuotaPath>, maximum: QuotaMaximum) -> Result<u32, Fault> {
        let now = self.env.wall().secs();
        self.commit(actor, |state, txn| {
            let record = txn.volume_by_name(volume).ok_or(fault::VOL_NOT_EXISTS)?;
            if !record.enable_quota {
                return Err(Fault::internal(format!("vol {volume} disableQuota.")));
            }
            let most = self.config.quotas_per_volume_max;
            if state.quotas_of_volume(record.id).count() as u64 >= most {
                return Err(Fault::internal(format!("the number of quota has reached the upper limit {most}")));
            }
            for quota in state.quotas_of_volume(record.id) {
                if let Some(found) = clash(&quota.paths, &paths) {
                    return Err(Fault::internal(match found {
                        Clash::Same(path) => format!("path [{path}] is the same as quotaId [{}]", quota.quota_id),
                        Clash::Nested(path, other) => format!("Nested directories found: {path} and {other}"),
                    }));
                }
            }
            // The counter that every new quota moves keeps two of them from clashing with each other.
            let id = u32::try_from(txn.alloc(Counter::Quota)).map_err(|_| Fault::internal("no quota id is left"))?;
            txn.put(Quota {
                volume: record.id,
                vol_name: volume.to_owned(),
                quota_id: id,
                create_time: now,
                paths: paths.clone().into(),
                max_files: maximum.files,
                max_bytes: maximum.bytes,
                ..Quota::default()
            });
            Ok(id)
        })
        .await
    }

    /// Changes the limits of a quota.
    ///
    /// # Errors
    /// [`fault::VOL_NOT_EXISTS`]; code 1 when the volume has quotas switched off or no such quota.
    pub async fn update_quota(&self, actor: &str, volume: &str, id: u32, maximum: QuotaMaximum) -> Result<(), Fault> {
        self.commit(actor, |_, txn| {
            let record = txn.volume_by_name(volume).ok_or(fault::VOL_NOT_EXISTS)?;
            if !record.enable_quota {
                return Err(Fault::internal(format!("vol {volume} disableQuota.")));
            }
            let quota: Arc<Quota> = txn.read(&Key::Quota(record.id, id).to_string()).ok_or_else(no_quota)?;
            txn.put(Quota { max_files: maximum.files, max_bytes: maximum.bytes, ..(*quota).clone() });
            Ok(())
        })
        .await?;
        self.record_quota_limits(volume).await
    }

    /// Removes a quota.
    ///
    /// # Errors
    /// [`fault::VOL_NOT_EXISTS`]; code 1 when there is no such quota.
    pub async fn delete_quota(&self, actor: &str, volume: &str, id: u32) -> Result<(), Fault> {
        self.commit(actor, |_, txn| {
            let record = txn.volume_by_name(volume).ok_or(fault::VOL_NOT_EXISTS)?;
            let key = Key::Quota(record.id, id).to_string();
            txn.read::<Quota>(&key).ok_or_else(no_quota)?;
            txn.delete::<Quota>(&key);
            Ok(())
        })
        .await
    }

    async fn record_quota_limits(&self, volume: &str) -> Result<(), Fault> {
        match self.state().volume_by_name(volume).map(|v| v.id) {
            Some(id) => self.quotas_reported(id).await,
            None => Ok(()),
        }
    }

    /// Records which limits are reached now, so that whoever leads next knows before meta nodes report.
    pub(super) async fn quotas_reported(&self, volume: VolumeId) -> Result<(), Fault> {
        let state = self.state();
        let now = usage_limits::quotas(&state, &self.live().reports, volume);
        let changed: Vec<Quota> =
            now.into_iter().filter(|q| state.quotas.get(&(volume, q.quota_id)).is_none_or(|old| old.limited != q.limited)).collect();
        if changed.is_empty() {
            return Ok(());
        }
        self.commit("quotas reported", |_, txn| {
            for quota in &changed {
                if let Some(present) = txn.read::<Quota>(&Key::Quota(volume, quota.quota_id).to_string()) {
                    txn.put(Quota { limited: quota.limited.clone(), used: quota.used.clone(), ..(*present).clone() });
                }
            }
            Ok(())
        })
        .await
    }
}

/// A volume has no quota of that id.
pub fn no_quota() -> Fault {
    Fault::internal("quota is not exist.")
}
