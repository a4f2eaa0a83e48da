//! Limits on what directories and users hold: what they use by the reports of meta partition leaders, and whether that is too much
//! (v3.5.3 background-tasks.md §17.2, §17.3).

use super::reports::Reports;
use crate::ids::VolumeId;
use crate::model::{Quota, QuotaLimited, QuotaUsed, UidLimit, Volume};
use crate::state::State;
use std::collections::BTreeMap;

/// The quotas of a volume with what their directories hold now. One of which no report speaks keeps what its record says.
pub fn quotas(state: &State, reports: &Reports, volume: VolumeId) -> Vec<Quota> {
    let mut used: BTreeMap<u32, QuotaUsed> = BTreeMap::new();
    if state.quotas_of_volume(volume).next().is_none() {
        return Vec::new();
    }
    for reported in state.meta_partitions_of_volume(volume).filter_map(|mp| reports.meta_partition(mp.partition_id)) {
        for quota in &reported.quotas {
            let sum = used.entry(quota.quota_id).or_default();
            sum.files = sum.files.saturating_add(quota.used_info.used_files);
            sum.bytes = sum.bytes.saturating_add(quota.used_info.used_bytes);
        }
    }
    let now = |quota: &Quota| match used.get(&quota.quota_id) {
        None => quota.clone(),
        Some(used) => Quota { used: used.clone(), limited: limited(quota, used), ..quota.clone() },
    };
    state.quotas_of_volume(volume).map(|quota| now(quota)).collect()
}

fn limited(quota: &Quota, used: &QuotaUsed) -> QuotaLimited {
    let over = |used: i64, most: u64| u64::try_from(used).is_ok_and(|used| used > most);
    QuotaLimited { files: over(used.files, quota.max_files), bytes: over(used.bytes, quota.max_bytes), ..quota.limited.clone() }
}

/// The users of a volume with what they hold now: those with a limit, then the others that were reported, by id.
pub fn users(state: &State, reports: &Reports, volume: &Volume) -> Vec<UidLimit> {
    let mut used: BTreeMap<u32, u64> = BTreeMap::new();
    for reported in state.meta_partitions_of_volume(volume.id).filter_map(|mp| reports.meta_partition(mp.partition_id)) {
        for user in &reported.uids {
            let sum = used.entry(user.uid).or_default();
            *sum = sum.saturating_add(user.size);
        }
    }
    let mut all: Vec<UidLimit> = state.uid_spaces.get(&volume.id).map(|space| space.limits.to_vec()).unwrap_or_default();
    for limit in &mut all {
        if let Some(used) = used.remove(&limit.uid) {
            limit.used_size = used;
            limit.limited = limit.enabled && used > limit.limit_size;
        }
    }
    let unlimited = |(uid, used_size)| UidLimit { vol_name: volume.name.clone(), uid, used_size, ..UidLimit::default() };
    all.extend(used.into_iter().map(unlimited));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_reached_when_more_than_its_maximum_is_used() {
        let quota = Quota { max_files: 5, max_bytes: u64::MAX, ..Quota::default() };
        let at = |files, bytes| limited(&quota, &QuotaUsed { files, bytes, ..QuotaUsed::default() });
        assert!(!at(5, i64::MAX).files && !at(5, i64::MAX).bytes);
        assert!(at(6, 0).files);
        assert!(!at(-1, -1).files && !at(-1, -1).bytes);
    }
}
