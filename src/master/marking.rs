//! Marking volumes for deletion, at once or after a delay, and taking a mark back (v3.5.3 http-cluster-volume.md §2.6,
//! background-tasks.md §8.2, §8.3). What is marked is removed by `deletion.rs`.
//!
//! The mark and what it means for the volume's users are one transaction.

use super::{users, Master};
use crate::model::{Volume, VolumeStatus};
use crate::plan::volume::{counts_as_deleted, deletions_due};
use crate::wire::gojson::Time;
use crate::wire::reply::{code, fault, Fault};

const NANOS_PER_HOUR: i64 = 3_600_000_000_000;

impl Master {
    /// Marks a volume for deletion and takes it from all its users. `is_key` says of an owner whether the caller proved to be him.
    ///
    /// # Errors
    /// [`fault::VOL_NOT_EXISTS`], [`fault::VOL_AUTH_KEY_NOT_MATCH`]; [`fault::HAVE_NO_POLICY`] when no user has the volume, as for one
    /// that is marked already.
    pub async fn mark_volume_deleted(&self, actor: &str, name: &str, is_key: impl Fn(&str) -> bool + Sync) -> Result<(), Fault> {
        self.commit(actor, |_, txn| {
            let volume = txn.volume_by_name(name).ok_or(fault::VOL_NOT_EXISTS)?;
            if !is_key(&volume.owner) {
                return Err(fault::VOL_AUTH_KEY_NOT_MATCH);
            }
            users::drop_volume(txn, name)?;
            txn.put(Volume { status: VolumeStatus::MARK_DELETE, ..(*volume).clone() });
            Ok(())
        })
        .await
    }

    /// Marks a volume for deletion after the cluster's delay; until then it cannot be written. `auth_key` is kept with the volume.
    ///
    /// # Errors
    /// As [`Master::mark_volume_deleted`]; code 8 for a volume that is marked already.
    pub async fn delete_volume_later(
        &self,
        actor: &str,
        name: &str,
        auth_key: &str,
        is_key: impl Fn(&str) -> bool + Sync,
    ) -> Result<(), Fault> {
        let now = self.env.wall().0;
        self.commit(actor, |state, txn| {
            let volume = txn.volume_by_name(name).ok_or(fault::VOL_NOT_EXISTS)?;
            if volume.is_deleted() {
                return Err(Fault::new(code::VOL_HAS_DELETED, "vol has been mark delete, repeated deletions are not allowed"));
            }
            if !is_key(&volume.owner) {
                return Err(fault::VOL_AUTH_KEY_NOT_MATCH);
            }
            let delay = state.settings.deletion_delay_hours().saturating_mul(NANOS_PER_HOUR);
            txn.put(Volume {
                status: VolumeStatus::MARK_DELETE,
                forbidden: true,
                auth_key: auth_key.to_owned(),
                delete_exec_time: Time::from_unix_nanos(now.saturating_add(delay)),
                ..(*volume).clone()
            });
            Ok(())
        })
        .await
    }

    /// Takes the mark of a delayed deletion back.
    ///
    /// # Errors
    /// [`fault::VOL_NOT_EXISTS`], [`fault::VOL_AUTH_KEY_NOT_MATCH`]; code 9 when no deletion waits.
    pub async fn undelete_volume(&self, actor: &str, name: &str, is_key: impl Fn(&str) -> bool + Sync) -> Result<(), Fault> {
        let now = self.env.wall().secs();
        self.commit(actor, |_, txn| {
            let volume = txn.volume_by_name(name).ok_or(fault::VOL_NOT_EXISTS)?;
            if !volume.waits_for_deletion() || counts_as_deleted(&volume, now) {
                let text = format!("vol[{name}] was not previously deleted or already deleted");
                return Err(Fault::new(code::VOL_NOT_DELETE, text));
            }
            if !is_key(&volume.owner) {
                return Err(fault::VOL_AUTH_KEY_NOT_MATCH);
            }
            txn.put(Volume {
                status: VolumeStatus::NORMAL,
                forbidden: false,
                auth_key: String::new(),
                delete_exec_time: Time::ZERO,
                ..(*volume).clone()
            });
            Ok(())
        })
        .await
    }

    /// Takes volumes whose delayed deletion has come due from their users, like those that are deleted at once. From then on nothing
    /// waits any more.
    pub(super) async fn release_due_deletions(&self) {
        for id in deletions_due(&self.moment().scene()) {
            let released = self
                .commit("delayed deletion", |_, txn| {
                    let Some(volume) = txn.volume(id).filter(|volume| volume.waits_for_deletion()) else { return Ok(()) };
                    match users::drop_volume(txn, &volume.name) {
                        Err(fault) if fault != fault::HAVE_NO_POLICY => return Err(fault),
                        _ => {}
                    }
                    txn.put(Volume { forbidden: false, ..(*volume).clone() });
                    Ok(())
                })
                .await;
            if let Err(why) = released {
                tracing::warn!(volume = id.0, %why, "users keep a volume that is to be deleted until the next round");
            }
        }
    }
}
