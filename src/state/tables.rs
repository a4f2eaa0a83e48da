//! Which kind of record lives in which table, in one list.

use super::contents::Contents;
use crate::model::*;
use std::sync::Arc;

/// A kind of record that the state has a table for.
pub trait Stored: Record {
    /// The record at `key`, if it is of this kind and there.
    fn find<'a>(contents: &'a Contents, key: &Key) -> Option<&'a Arc<Self>>;
}

/// `Kind = pattern of its key => table[id in the table];`. A table without an id holds one record at most.
macro_rules! tables {
    ($( $Kind:ident = $key:pat => $table:ident $([$id:expr])?; )*) => {
        /// A record of any kind.
        #[derive(Clone, Debug)]
        pub(super) enum Any {
            $( $Kind(Arc<$Kind>), )*
        }

        $( impl Stored for $Kind {
            fn find<'a>(contents: &'a Contents, key: &Key) -> Option<&'a Arc<Self>> {
                match key {
                    $key => tables!(@get contents.$table $([$id])?).filter(|record| Record::place(&***record) == *key),
                    #[allow(unreachable_patterns)] // never for a list of one
                    _ => None,
                }
            }
        } )*

        impl Any {
            /// Reads the value at `key` as the kind that the key promises.
            #[allow(unused_variables)] // the id of the pattern
            pub(super) fn decode(key: &Key, value: &[u8]) -> Result<Self, Unreadable> {
                match key {
                    $( $key => $Kind::decode(key, value).map(|record| Any::$Kind(Arc::new(record))), )*
                }
            }

            /// The record in the place where one at `key` would go; it may have another key.
            pub(super) fn in_place_of(contents: &Contents, key: &Key) -> Option<Any> {
                match key {
                    $( $key => tables!(@get contents.$table $([$id])?).cloned().map(Any::$Kind), )*
                }
            }

            /// Where the record lives.
            pub(super) fn place(&self) -> Key {
                match self {
                    $( Any::$Kind(record) => Record::place(&**record), )*
                }
            }

            /// Puts the record, whose key is `key`, into its place. Returns what was there.
            pub(super) fn insert(self, contents: &mut Contents, key: &Key) -> Option<Any> {
                match (key, self) {
                    $( ($key, Any::$Kind(record)) => tables!(@insert contents.$table $([$id])?, record).map(Any::$Kind), )*
                    (key, record) => unreachable!("{key} holds {record:?}"),
                }
            }

            /// Empties the place where a record at `key` goes. Returns what was there.
            pub(super) fn remove(contents: &mut Contents, key: &Key) -> Option<Any> {
                match key {
                    $( $key => tables!(@remove contents.$table $([$id])?).map(Any::$Kind), )*
                }
            }

            /// All records, by kind and then by id.
            pub(super) fn each(contents: &Contents, mut visit: impl FnMut(Any)) {
                $( tables!(@values contents.$table $([$id])?).cloned().map(Any::$Kind).for_each(&mut visit); )*
            }
        }
    };
    (@get $contents:ident . $table:ident [$id:expr]) => { $contents.$table.get(&$id) };
    (@get $contents:ident . $table:ident) => { $contents.$table.as_ref() };
    (@insert $contents:ident . $table:ident [$id:expr], $record:ident) => { $contents.$table.insert($id, $record) };
    (@insert $contents:ident . $table:ident, $record:ident) => { $contents.$table.replace($record) };
    (@remove $contents:ident . $table:ident [$id:expr]) => { $contents.$table.remove(&$id) };
    (@remove $contents:ident . $table:ident) => { $contents.$table.take() };
    (@values $contents:ident . $table:ident [$id:expr]) => { $contents.$table.values() };
    (@values $contents:ident . $table:ident) => { $contents.$table.iter() };
}

tables! {
    CounterValue = Key::Counter(counter) => counters[*counter];
    ClusterValue = Key::Cluster(name) => clusters[name.clone()];
    NodeSet = Key::NodeSet(id) => node_sets[*id];
    NodeSetGroup = Key::NodeSetGroup(id) => node_set_groups[*id];
    ZoneDomain = Key::ZoneDomain => zone_domain;
    Zone = Key::Zone(name) => zones[name.clone()];
    DataNode = Key::DataNode(id, _) => data_nodes[*id];
    MetaNode = Key::MetaNode(id, _) => meta_nodes[*id];
    Volume = Key::Volume(id) => volumes[*id];
    DataPartition = Key::DataPartition(_, id) => data_partitions[*id];
    MetaPartition = Key::MetaPartition(_, id) => meta_partitions[*id];
    DecommissionDisk = Key::DecommissionDisk(addr, disk) => decommission_disks[(addr.clone(), disk.clone())];
    User = Key::User(id) => users[id.clone()];
    AccessKey = Key::AccessKey(key) => access_keys[key.clone()];
    VolumeUsers = Key::VolumeUsers(volume) => volume_users[volume.clone()];
    ApiLimits = Key::ApiLimits(cluster) => api_limits[cluster.clone()];
    Acl = Key::Acl(volume) => acls[*volume];
    UidSpace = Key::UidSpace(volume) => uid_spaces[*volume];
    VersionList = Key::VersionList(volume) => version_lists[*volume];
    Quota = Key::Quota(volume, id) => quotas[(*volume, *id)];
    LcNode = Key::LcNode(addr) => lc_nodes[addr.clone()];
    LcConfiguration = Key::LcConfiguration(volume) => lc_configurations[volume.clone()];
    LcTask = Key::LcTask(id) => lc_tasks[id.clone()];
    LcResult = Key::LcResult(id) => lc_results[id.clone()];
    S3Limit = Key::S3Limit(api, user, kind) => s3_limits[(api.clone(), user.clone(), *kind)];
    S3Nodes = Key::S3Nodes => s3_nodes;
    FlashNode = Key::FlashNode(id, _) => flash_nodes[*id];
    FlashGroup = Key::FlashGroup(id) => flash_groups[*id];
    FlashTask = Key::FlashTask(id) => flash_tasks[id.clone()];
    BalancePlan = Key::BalancePlan => balance_plan;
    CreateIntent = Key::CreateIntent(kind, id) => create_intents[(*kind, *id)];
    VolumeIntent = Key::VolumeIntent(volume) => volume_intents[*volume];
    Tombstone = Key::Tombstone(kind, id) => tombstones[(*kind, *id)];
    Move = Key::Move(kind, id) => moves[(*kind, *id)];
    PastMove = Key::PastMove(number) => past_moves[*number];
    Leftover = Key::Leftover(kind, id, addr) => leftovers[(*kind, *id, addr.clone())];
    EmptyNode = Key::EmptyNode(addr) => empty_nodes[addr.clone()];
    FlashEviction = Key::FlashEviction(addr) => flash_evictions[addr.clone()];
}
