//! Adding meta partitions to a volume by hand (v3.5.3 http-partitions-nodes.md §7.1).

use super::Master;
use crate::ids::VolumeId;
use crate::limits;
use crate::model::MetaPartition;
use crate::plan::meta_partition::{last_of_volume, leader, new_end_allowed, ranges_after};
use crate::wire::reply::{fault, Fault};

impl Master {
    /// Ends the last meta partition of a volume above its inodes and adds `count` partitions behind it. The new end and the new partitions
    /// are one commit: v3.5.3 keeps the end when a partition cannot be created, which leaves a hole that no partition serves.
    ///
    /// # Errors
    /// The last partition cannot end there, it has no leader, or a partition cannot be created; nothing has changed then.
    pub async fn add_meta_partitions(&self, actor: &str, volume: VolumeId, count: u64) -> Result<(), Fault> {
        let moment = self.moment();
        let last = last_of_volume(&moment.state, volume).cloned().ok_or(fault::META_PARTITION_NOT_EXISTS)?;
        let id = last.partition_id;
        let step = moment.rules.inode_step;
        let (end, told) = {
            let live = self.live();
            let highest = live.reports.meta_partition(id).map_or(0, |reported| reported.max_inode_id());
            let end = highest.saturating_add(step);
            new_end_allowed(&moment.scene(), &live.reports, &last, end, true)?;
            (end, leader(&moment.scene(), &live.reports, &last))
        };
        if count == 0 {
            return Ok(());
        }
        let version = moment.state.version_lists.get(&volume).map_or(0, |list| list.ver_seq);
        let mut built = Vec::new();
        for range in ranges_after(end, count, step) {
            match self.build_meta_partition(volume, range, version).await {
                Ok(part) => built.push(part),
                Err(why) => {
                    self.discard_meta_partitions(built).await;
                    return Err(why);
                }
            }
        }
        self.commit_meta_partitions(actor, volume, built, |_, txn| {
            let old = txn.meta_partition(id).filter(|p| p.end == limits::INODE_MAX).ok_or(fault::META_PARTITION_NOT_EXISTS)?;
            txn.put(MetaPartition { end, ..(*old).clone() });
            Ok(())
        })
        .await?;
        if let Some(leader) = told {
            self.tell_end(&leader, volume, id, end);
        }
        self.cached.refresh_volume(self, volume);
        Ok(())
    }
}
