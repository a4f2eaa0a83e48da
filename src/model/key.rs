//! The keys of the store: one variant per kind, parsed and written exactly (v3.5.3 state-machine.md §5).
//!
//! v3.5.3 finds some records by a prefix without an end, so that volume 1 gets the records of volumes 10 to 19 (§14 trap 1).
//! Here a key either is one of these or is not.
//!
//! Invariant: `Key::parse(key.to_string()) == Some(key)`, and a text that parses is written back as it was.

use super::counter::Counter;
use crate::ids::{NodeId, NodeSetId, PartitionId, VolumeId};
use std::fmt;

/// Data or meta partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartitionKind {
    #[default]
    Data,
    Meta,
}

impl PartitionKind {
    /// As keys have it.
    pub fn text(self) -> &'static str {
        match self {
            PartitionKind::Data => "dp",
            PartitionKind::Meta => "mp",
        }
    }
}

/// Where a record lives.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    Counter(Counter),
    Cluster(String),
    NodeSet(NodeSetId),
    NodeSetGroup(u64),
    ZoneDomain,
    Zone(String),
    DataNode(NodeId, String),
    MetaNode(NodeId, String),
    Volume(VolumeId),
    DataPartition(VolumeId, PartitionId),
    MetaPartition(VolumeId, PartitionId),
    /// Node address and disk path.
    DecommissionDisk(String, String),
    User(String),
    AccessKey(String),
    /// By volume name.
    VolumeUsers(String),
    /// By cluster name.
    ApiLimits(String),
    Acl(VolumeId),
    UidSpace(VolumeId),
    VersionList(VolumeId),
    Quota(VolumeId, u32),
    /// By address.
    LcNode(String),
    /// By volume name.
    LcConfiguration(String),
    /// By `volume:rule`.
    LcTask(String),
    /// By `volume:rule`.
    LcResult(String),
    /// API in lower case, user, and `f`, `q` or `c`.
    S3Limit(String, String, char),
    S3Nodes,
    FlashNode(NodeId, String),
    FlashGroup(u64),
    /// By task id.
    FlashTask(String),
    BalancePlan,
    /// Our own: a partition is being created on nodes.
    CreateIntent(PartitionKind, PartitionId),
    /// Our own: a volume is being created.
    VolumeIntent(VolumeId),
    /// Our own: a partition is being deleted from nodes.
    Tombstone(PartitionKind, PartitionId),
    /// Our own: a replica of a partition is being moved.
    Move(PartitionKind, PartitionId),
    /// Our own: a move that has ended, by number.
    PastMove(u64),
    /// Our own: a node that may still hold a replica which is none any more.
    Leftover(PartitionKind, PartitionId, String),
    /// Our own: a meta node that is being emptied, by address.
    EmptyNode(String),
    /// Our own: a flash node, by address, whose cache is to be emptied.
    FlashEviction(String),
}

/// The applied raft index, decimal.
pub const APPLIED: &str = "applied";
/// Our own: raft's members after the applied entry.
pub const MEMBERSHIP: &str = "~raft#membership";
/// Our own: prefix of the revision of a key, decimal.
pub const REVISION_PREFIX: &str = "~rev#";

/// Our own: an import into this store was begun and has not finished; where from.
pub const IMPORTING: &str = "~import#unfinished";

/// The key that holds the revision of `key`.
pub fn revision_key(key: &str) -> String {
    format!("{REVISION_PREFIX}{key}")
}

impl Key {
    /// Reads a key. `None`: no kind of ours, or one that is not a record (`applied`, revisions, membership).
    pub fn parse(text: &str) -> Option<Key> {
        if let Some(counter) = Counter::with_key(text) {
            return Some(Key::Counter(counter));
        }
        match text {
            "#zoneDomain#" => return Some(Key::ZoneDomain),
            "#balanceTask" => return Some(Key::BalancePlan),
            "#s3qos#s3nodes" => return Some(Key::S3Nodes),
            _ => {}
        }
        let own = text.strip_prefix('~');
        let (kind, rest) = own.or_else(|| text.strip_prefix('#'))?.split_once('#')?;
        if own.is_some() {
            return match kind {
                "create" => match rest.strip_prefix("vol#") {
                    Some(id) => number(id).map(|id| Key::VolumeIntent(VolumeId(id))),
                    None => partition(rest).map(|(kind, id)| Key::CreateIntent(kind, id)),
                },
                "gone" => partition(rest).map(|(kind, id)| Key::Tombstone(kind, id)),
                "move" => partition(rest).map(|(kind, id)| Key::Move(kind, id)),
                "moved" => number(rest).map(Key::PastMove),
                "left" => replica(rest),
                "empty" => (!rest.is_empty()).then(|| Key::EmptyNode(rest.to_owned())),
                "evict" => (!rest.is_empty()).then(|| Key::FlashEviction(rest.to_owned())),
                _ => None,
            };
        }
        let name = || Some(rest).filter(|rest| !rest.is_empty()).map(str::to_owned);
        Some(match kind {
            "c" => Key::Cluster(name()?),
            "s" => Key::NodeSet(NodeSetId(number(rest)?)),
            "g" => Key::NodeSetGroup(number(rest)?),
            "zone" => Key::Zone(name()?),
            "dn" => numbered(rest, Key::DataNode)?,
            "mn" => numbered(rest, Key::MetaNode)?,
            "vol" => Key::Volume(VolumeId(number(rest)?)),
            "dp" => in_volume(rest).map(|(volume, id)| Key::DataPartition(volume, PartitionId(id)))?,
            "mp" => in_volume(rest).map(|(volume, id)| Key::MetaPartition(volume, PartitionId(id)))?,
            "dd" => rest.split_once('#').map(|(addr, disk)| Key::DecommissionDisk(addr.to_owned(), disk.to_owned()))?,
            "user" => Key::User(name()?),
            "ak" => Key::AccessKey(name()?),
            "voluser" => Key::VolumeUsers(name()?),
            "al" => Key::ApiLimits(name()?),
            "acl" => Key::Acl(VolumeId(number(rest)?)),
            "uid" => Key::UidSpace(VolumeId(number(rest)?)),
            "multiVer" => Key::VersionList(VolumeId(number(rest)?)),
            "quota" => in_volume(rest).and_then(|(volume, id)| Some(Key::Quota(volume, u32::try_from(id).ok()?)))?,
            "ln" => Key::LcNode(name()?),
            "lc" => Key::LcConfiguration(name()?),
            "lct" => Key::LcTask(name()?),
            "lcr" => Key::LcResult(name()?),
            "s3qos" => s3_limit(rest)?,
            "fn" => numbered(rest, Key::FlashNode)?,
            "fg" => Key::FlashGroup(number(rest)?),
            "flt" => Key::FlashTask(name()?),
            _ => return None,
        })
    }
}

/// A decimal number in the one form in which it is written.
fn number(text: &str) -> Option<u64> {
    let plain = text == "0" || text.starts_with(|first: char| ('1'..='9').contains(&first));
    text.parse().ok().filter(|_| plain)
}

fn numbered(rest: &str, kind: fn(NodeId, String) -> Key) -> Option<Key> {
    let (id, addr) = rest.split_once('#')?;
    Some(kind(NodeId(number(id)?), addr.to_owned()))
}

fn in_volume(rest: &str) -> Option<(VolumeId, u64)> {
    let (volume, id) = rest.split_once('#')?;
    Some((VolumeId(number(volume)?), number(id)?))
}

fn partition(rest: &str) -> Option<(PartitionKind, PartitionId)> {
    let (kind, id) = rest.split_once('#')?;
    let kind = [PartitionKind::Data, PartitionKind::Meta].into_iter().find(|known| known.text() == kind)?;
    Some((kind, PartitionId(number(id)?)))
}

/// The address is what comes last.
fn replica(rest: &str) -> Option<Key> {
    let (kind, tail) = rest.split_once('#')?;
    let (id, addr) = tail.split_once('#')?;
    let (kind, id) = partition(&format!("{kind}#{id}"))?;
    (!addr.is_empty()).then(|| Key::Leftover(kind, id, addr.to_owned()))
}

/// A user's name may itself hold `#`: the API is what comes first, the type what comes last.
fn s3_limit(rest: &str) -> Option<Key> {
    let (api, rest) = rest.split_once('#')?;
    let (user, kind) = rest.rsplit_once('#')?;
    let mut kinds = kind.chars();
    match (kinds.next(), kinds.next()) {
        (Some(kind), None) => Some(Key::S3Limit(api.to_owned(), user.to_owned(), kind)),
        _ => None,
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Counter(counter) => f.write_str(counter.key()),
            Key::Cluster(name) => write!(f, "#c#{name}"),
            Key::NodeSet(id) => write!(f, "#s#{id}"),
            Key::NodeSetGroup(id) => write!(f, "#g#{id}"),
            Key::ZoneDomain => f.write_str("#zoneDomain#"),
            Key::Zone(name) => write!(f, "#zone#{name}"),
            Key::DataNode(id, addr) => write!(f, "#dn#{id}#{addr}"),
            Key::MetaNode(id, addr) => write!(f, "#mn#{id}#{addr}"),
            Key::Volume(id) => write!(f, "#vol#{id}"),
            Key::DataPartition(volume, id) => write!(f, "#dp#{volume}#{id}"),
            Key::MetaPartition(volume, id) => write!(f, "#mp#{volume}#{id}"),
            Key::DecommissionDisk(addr, disk) => write!(f, "#dd#{addr}#{disk}"),
            Key::User(id) => write!(f, "#user#{id}"),
            Key::AccessKey(key) => write!(f, "#ak#{key}"),
            Key::VolumeUsers(volume) => write!(f, "#voluser#{volume}"),
            Key::ApiLimits(cluster) => write!(f, "#al#{cluster}"),
            Key::Acl(volume) => write!(f, "#acl#{volume}"),
            Key::UidSpace(volume) => write!(f, "#uid#{volume}"),
            Key::VersionList(volume) => write!(f, "#multiVer#{volume}"),
            Key::Quota(volume, id) => write!(f, "#quota#{volume}#{id}"),
            Key::LcNode(addr) => write!(f, "#ln#{addr}"),
            Key::LcConfiguration(volume) => write!(f, "#lc#{volume}"),
            Key::LcTask(id) => write!(f, "#lct#{id}"),
            Key::LcResult(id) => write!(f, "#lcr#{id}"),
            Key::S3Limit(api, user, kind) => write!(f, "#s3qos#{api}#{user}#{kind}"),
            Key::S3Nodes => f.write_str("#s3qos#s3nodes"),
            Key::FlashNode(id, addr) => write!(f, "#fn#{id}#{addr}"),
            Key::FlashGroup(id) => write!(f, "#fg#{id}"),
            Key::FlashTask(id) => write!(f, "#flt#{id}"),
            Key::BalancePlan => f.write_str("#balanceTask"),
            Key::CreateIntent(kind, id) => write!(f, "~create#{}#{id}", kind.text()),
            Key::VolumeIntent(id) => write!(f, "~create#vol#{id}"),
            Key::Tombstone(kind, id) => write!(f, "~gone#{}#{id}", kind.text()),
            Key::Move(kind, id) => write!(f, "~move#{}#{id}", kind.text()),
            Key::PastMove(number) => write!(f, "~moved#{number}"),
            Key::Leftover(kind, id, addr) => write!(f, "~left#{}#{id}#{addr}", kind.text()),
            Key::EmptyNode(addr) => write!(f, "~empty#{addr}"),
            Key::FlashEviction(addr) => write!(f, "~evict#{addr}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_written_and_read_back() {
        let addr = || "10.0.0.1:17310".to_owned();
        let keys = [
            (Key::Counter(Counter::Common), "#max_common_id"),
            (Key::Cluster("spec".into()), "#c#spec"),
            (Key::NodeSet(NodeSetId(1)), "#s#1"),
            (Key::NodeSetGroup(21), "#g#21"),
            (Key::ZoneDomain, "#zoneDomain#"),
            (Key::Zone("a#b".into()), "#zone#a#b"),
            (Key::DataNode(NodeId(4), addr()), "#dn#4#10.0.0.1:17310"),
            (Key::MetaNode(NodeId(7), addr()), "#mn#7#10.0.0.1:17310"),
            (Key::Volume(VolumeId(8)), "#vol#8"),
            (Key::DataPartition(VolumeId(8), PartitionId(1)), "#dp#8#1"),
            (Key::MetaPartition(VolumeId(8), PartitionId(3)), "#mp#8#3"),
            (Key::DecommissionDisk(addr(), "/a#b".into()), "#dd#10.0.0.1:17310#/a#b"),
            (Key::User("root".into()), "#user#root"),
            (Key::AccessKey("9Vhb".into()), "#ak#9Vhb"),
            (Key::VolumeUsers("vol1".into()), "#voluser#vol1"),
            (Key::ApiLimits("spec".into()), "#al#spec"),
            (Key::Acl(VolumeId(1)), "#acl#1"),
            (Key::UidSpace(VolumeId(10)), "#uid#10"),
            (Key::VersionList(VolumeId(u64::MAX)), "#multiVer#18446744073709551615"),
            (Key::Quota(VolumeId(12), 1), "#quota#12#1"),
            (Key::LcNode(addr()), "#ln#10.0.0.1:17310"),
            (Key::LcConfiguration("vol1".into()), "#lc#vol1"),
            (Key::LcTask("vol1:r1".into()), "#lct#vol1:r1"),
            (Key::LcResult("vol1:r1".into()), "#lcr#vol1:r1"),
            (Key::S3Limit("getobject".into(), "a#b".into(), 'q'), "#s3qos#getobject#a#b#q"),
            (Key::S3Nodes, "#s3qos#s3nodes"),
            (Key::FlashNode(NodeId(9), addr()), "#fn#9#10.0.0.1:17310"),
            (Key::FlashGroup(10), "#fg#10"),
            (Key::FlashTask("t".into()), "#flt#t"),
            (Key::BalancePlan, "#balanceTask"),
            (Key::CreateIntent(PartitionKind::Data, PartitionId(5)), "~create#dp#5"),
            (Key::VolumeIntent(VolumeId(8)), "~create#vol#8"),
            (Key::Tombstone(PartitionKind::Meta, PartitionId(6)), "~gone#mp#6"),
            (Key::Counter(Counter::Move), "~max_move_id"),
            (Key::Move(PartitionKind::Data, PartitionId(7)), "~move#dp#7"),
            (Key::PastMove(12), "~moved#12"),
            (Key::Leftover(PartitionKind::Data, PartitionId(7), addr()), "~left#dp#7#10.0.0.1:17310"),
            (Key::EmptyNode(addr()), "~empty#10.0.0.1:17310"),
            (Key::FlashEviction(addr()), "~evict#10.0.0.1:17310"),
        ];
        for (key, text) in keys {
            assert_eq!(key.to_string(), text);
            assert_eq!(Key::parse(text), Some(key));
        }
    }

    #[test]
    fn what_is_no_key_is_none() {
        for text in [
            "",
            "applied",
            "#",
            "#vol#",
            "#vol#08",
            "#vol#+8",
            "#vol#8#",
            "#vol#x",
            "#dp#8",
            "#quota#1#4294967296",
            "#s3qos#a#b",
            "#c#",
            "~rev##vol#8",
            MEMBERSHIP,
            IMPORTING,
            "~create#xp#1",
            "~left#dp#1",
            "~left#dp#1#",
            "~moved#",
            "vol#8",
            "#new#1",
        ] {
            assert_eq!(Key::parse(text), None, "{text}");
        }
    }
}
