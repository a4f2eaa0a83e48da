//! Building a command: reads note what they saw, writes are of whole records, ids come from the counters.

use super::command::{Command, Expect, Op, Raise};
use super::{State, Stored};
use crate::ids::{NodeId, NodeSetId, PartitionId, VolumeId};
use crate::model::{ClusterValue, Counter, DataNode, DataPartition, Key, MetaNode, MetaPartition, NodeSet, User, Volume, Zone};
use crate::mutants::mutant;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A transaction under way, on one state.
pub struct Txn<'a> {
    base: &'a State,
    expects: BTreeMap<String, Option<u64>>,
    ops: BTreeMap<String, Option<Bytes>>,
    raises: BTreeMap<Counter, u64>,
}

impl<'a> Txn<'a> {
    /// A transaction that has done nothing yet.
    pub fn new(base: &'a State) -> Self {
        Self { base, expects: BTreeMap::new(), ops: BTreeMap::new(), raises: BTreeMap::new() }
    }

    /// The state that it is built on, without its own writes.
    pub fn base(&self) -> &'a State {
        self.base
    }

    /// The record at `key`, with this transaction's own writes. The command will hold only while nobody else writes
    /// `key`, also where there is no record.
    pub fn read<R: Stored>(&mut self, key: &str) -> Option<Arc<R>> {
        let place = Key::parse(key)?;
        if let Some(written) = self.ops.get(key) {
            return written.as_ref().and_then(|value| R::decode(&place, value).ok()).map(Arc::new);
        }
        self.expect(key);
        R::find(self.base, &place).cloned()
    }

    /// The command will hold only while nobody else writes `key`.
    pub fn expect(&mut self, key: &str) {
        let revision = self.base.revision(key).map(|revision| revision.0);
        self.expects.insert(key.to_owned(), revision);
    }

    /// The command will hold only while there is no record at `key`.
    pub fn expect_absent(&mut self, key: &str) {
        self.expects.insert(key.to_owned(), None);
    }

    /// Writes a record, in place of whatever is at its key.
    pub fn put<R: Stored>(&mut self, record: R) {
        self.ops.insert(record.key(), Some(record.encode().into()));
    }

    /// Deletes the record at `key`, if there is one.
    pub fn delete<R: Stored>(&mut self, key: &str) {
        self.ops.insert(key.to_owned(), None);
    }

    /// Deletes a record.
    pub fn remove<R: Stored>(&mut self, record: &R) {
        self.ops.insert(record.key(), None);
    }

    /// The next id of a counter. The command will hold only while nobody else takes ids of it, so that none is given twice.
    pub fn alloc(&mut self, counter: Counter) -> u64 {
        if !mutant!("id given without an expectation") {
            self.expect(counter.key());
        }
        let last = self.raises.entry(counter).or_insert_with(|| self.base.counter(counter));
        *last = last.checked_add(1).expect("2^64 ids are never used up");
        *last
    }

    /// A counter will be at least `to`. Expects nothing.
    pub fn raise(&mut self, counter: Counter, to: u64) {
        let last = self.raises.entry(counter).or_default();
        *last = to.max(*last);
    }

    /// Nothing to write.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty() && self.raises.is_empty()
    }

    /// The command: who asked for it, and when by the wall clock (nanoseconds since 1970).
    pub fn finish(self, actor: &str, wall_nanos: i64) -> Command {
        Command {
            expects: self.expects.into_iter().map(|(key, revision)| Expect { key, revision }).collect(),
            ops: self.ops.into_iter().map(|(key, value)| Op { key, value }).collect(),
            raises: self.raises.into_iter().map(|(counter, to)| Raise { key: counter.key().to_owned(), to }).collect(),
            actor: actor.to_owned(),
            wall: wall_nanos,
        }
    }
}

/// [`Txn::read`] by id. An id that the base state does not have gives `None` without an expectation: ids are never given again.
impl Txn<'_> {
    fn reread<R: Stored>(&mut self, record: Option<&Arc<R>>) -> Option<Arc<R>> {
        let key = record?.key();
        self.read(&key)
    }

    /// The cluster record.
    pub fn cluster(&mut self) -> Option<Arc<ClusterValue>> {
        self.reread(self.base.cluster.as_ref())
    }

    /// A volume.
    pub fn volume(&mut self, id: VolumeId) -> Option<Arc<Volume>> {
        self.read(&Key::Volume(id).to_string())
    }

    /// A volume by name, as it was in the base state.
    pub fn volume_by_name(&mut self, name: &str) -> Option<Arc<Volume>> {
        self.reread(self.base.volume_by_name(name))
    }

    /// A data partition.
    pub fn data_partition(&mut self, id: PartitionId) -> Option<Arc<DataPartition>> {
        self.reread(self.base.data_partitions.get(&id))
    }

    /// A meta partition.
    pub fn meta_partition(&mut self, id: PartitionId) -> Option<Arc<MetaPartition>> {
        self.reread(self.base.meta_partitions.get(&id))
    }

    /// A data node.
    pub fn data_node(&mut self, id: NodeId) -> Option<Arc<DataNode>> {
        self.reread(self.base.data_nodes.get(&id))
    }

    /// A data node by address, as it was in the base state.
    pub fn data_node_by_addr(&mut self, addr: &str) -> Option<Arc<DataNode>> {
        self.reread(self.base.data_node_by_addr(addr))
    }

    /// A meta node.
    pub fn meta_node(&mut self, id: NodeId) -> Option<Arc<MetaNode>> {
        self.reread(self.base.meta_nodes.get(&id))
    }

    /// A meta node by address, as it was in the base state.
    pub fn meta_node_by_addr(&mut self, addr: &str) -> Option<Arc<MetaNode>> {
        self.reread(self.base.meta_node_by_addr(addr))
    }

    /// A node set.
    pub fn node_set(&mut self, id: NodeSetId) -> Option<Arc<NodeSet>> {
        self.read(&Key::NodeSet(id).to_string())
    }

    /// A zone's record.
    pub fn zone(&mut self, name: &str) -> Option<Arc<Zone>> {
        self.read(&Key::Zone(name.to_owned()).to_string())
    }

    /// A user.
    pub fn user(&mut self, id: &str) -> Option<Arc<User>> {
        self.read(&Key::User(id.to_owned()).to_string())
    }
}
