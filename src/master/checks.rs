//! What the leader looks at every five seconds: data partitions (views, alarms, automatic creation) and meta partitions (views, alarms,
//! splits) (v3.5.3 background-tasks.md §4, §5, §7), and every two minutes the statistics.

use super::Master;
use crate::ids::{PartitionId, Term, VolumeId};
use crate::limits;
use crate::model::{MediaType, MetaPartition};
use crate::plan::meta_partition::{self, Split};
use crate::plan::{data_partition, statistics, volume};
use crate::wire::reply::{fault, Fault};

impl Master {
    /// Checks the data partitions of every volume, renews their views, and creates some where a volume has too few that can be written.
    pub(super) async fn check_data_partitions(&self, term: Term) {
        for id in self.state().volumes.keys() {
            let moment = self.moment();
            let Some(record) = moment.state.volumes.get(id) else { continue };
            let found = data_partition::check_volume(&moment.scene(), &mut self.live().reports, record);
            if !found.without_leader.is_empty() || !found.wrong_live_number.is_empty() {
                tracing::warn!(
                    volume = record.name,
                    without_leader = found.without_leader.len(),
                    wrong_replica_number = found.wrong_live_number.len(),
                    "data partitions need attention"
                );
            }
            self.cached.refresh_data_partitions(self, *id);
            for (media, count) in self.wanted_data_partitions(*id) {
                self.create_wanted(*id, media, count, term).await;
            }
        }
    }

    /// Media types and numbers of data partitions that a volume lacks now.
    fn wanted_data_partitions(&self, id: VolumeId) -> Vec<(MediaType, usize)> {
        let moment = self.moment();
        let Some(record) = moment.state.volumes.get(&id) else { return Vec::new() };
        if moment.state.volume_intents.contains_key(&id) {
            return Vec::new();
        }
        let mut live = self.live();
        let live = &mut *live;
        let last = live.auto_created.get(&id).copied();
        let wanted = volume::wanted_data_partitions(&moment.scene(), &live.reports, record, last);
        if !wanted.is_empty() {
            live.auto_created.insert(id, moment.now);
        }
        wanted
    }

    async fn create_wanted(&self, id: VolumeId, media: MediaType, count: usize, term: Term) {
        for _ in 0..count {
            if self.ready_term() != Some(term) {
                return;
            }
            if let Err(why) = self.create_data_partition(id, media).await {
                tracing::warn!(volume = self.volume_name(id), %why, "data partition not created");
                return;
            }
        }
    }

    /// Checks the meta partitions of every volume, renews the volume's views, splits a volume that runs out of inodes, and opens the range
    /// of a last partition that is not open.
    pub(super) async fn check_meta_partitions(&self, term: Term) {
        for id in self.state().volumes.keys() {
            let moment = self.moment();
            let Some(record) = moment.state.volumes.get(id) else { continue };
            let found = meta_partition::check_volume(&moment.scene(), &mut self.live().reports, record);
            if !found.without_leader.is_empty() {
                tracing::warn!(volume = record.name, without_leader = found.without_leader.len(), "meta partitions need attention");
            }
            self.cached.refresh_volume(self, *id);
            if moment.state.volume_intents.contains_key(id) || self.ready_term() != Some(term) {
                continue;
            }
            if let Some(split) = found.split {
                self.split(*id, split).await.unwrap_or_else(|why| tracing::warn!(volume = record.name, %why, "not split"));
            }
            if let Some(partition) = found.open {
                self.open_end(*id, partition).await.unwrap_or_else(|why| tracing::warn!(volume = record.name, %why, "not opened"));
            }
        }
    }

    /// Ends the last meta partition of a volume at `split.end` and creates the next one: both change in one commit (§7.4).
    ///
    /// # Errors
    /// The split is not allowed now, or the new partition cannot be created.
    pub(super) async fn split(&self, id: VolumeId, split: Split) -> Result<(), Fault> {
        let moment = self.moment();
        let record = moment.state.volumes.get(&id).ok_or(fault::VOL_NOT_EXISTS)?;
        meta_partition::split_allowed(&moment.scene(), &self.live().reports, record, split)?;
        let version = moment.state.version_lists.get(&id).map_or(0, |list| list.ver_seq);
        let range = meta_partition::Range { start: split.end + 1, end: limits::INODE_MAX };
        let built = self.build_meta_partition(id, range, version).await?;
        self.commit_meta_partitions("split meta partition", id, vec![built], |_, txn| {
            let old = txn.meta_partition(split.partition).filter(|p| p.is_open()).ok_or(fault::META_PARTITION_NOT_EXISTS)?;
            txn.put(MetaPartition { end: split.end, ..(*old).clone() });
            Ok(())
        })
        .await?;
        self.tell_new_end(id, split.partition, split.end);
        Ok(())
    }

    /// The last meta partition of a volume must be open to above (§7.3).
    async fn open_end(&self, id: VolumeId, partition: PartitionId) -> Result<(), Fault> {
        self.commit("open range end", |_, txn| {
            if let Some(last) = txn.meta_partition(partition) {
                txn.put(MetaPartition { end: limits::INODE_MAX, ..(*last).clone() });
            }
            Ok(())
        })
        .await?;
        self.tell_new_end(id, partition, limits::INODE_MAX);
        Ok(())
    }

    fn tell_new_end(&self, id: VolumeId, partition: PartitionId, end: u64) {
        let moment = self.moment();
        let Some(record) = moment.state.meta_partitions.get(&partition) else { return };
        let leader = meta_partition::leader(&moment.scene(), &self.live().reports, record);
        if let Some(leader) = leader {
            self.tell_end(&leader, id, partition, end);
        }
    }

    /// Renews the numbers of `/cluster/stat` and their kin (v3.5.3 background-tasks.md §20). A reign begins without any, as v3.5.3 does:
    /// what no node has reported yet would make the cluster look empty, and the next round would show that much as an increase.
    pub(super) async fn refresh_statistics(&self, _term: Term) {
        let moment = self.moment();
        let mut live = self.live();
        let live = &mut *live;
        if live.reports.age(moment.now) < limits::STATISTICS_INTERVAL {
            return;
        }
        live.statistics = statistics::refresh(&moment.scene(), &live.reports, &live.statistics);
    }
}
