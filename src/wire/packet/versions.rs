//! The version list behind a header with flag 0x40 (v3.5.3 packet.md §3 rule 4).
//!
//! Must not know: what a volume does with versions.

use super::PacketError;

/// Bytes of one item.
pub(super) const ITEM_LEN: usize = 17;
/// The longest list that v3.5.3 can read: it counts the bytes in 16 bits.
pub const VERSIONS_MAX: usize = u16::MAX as usize / ITEM_LEN;

/// A snapshot version of a volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version {
    pub ver: u64,
    pub del_time: i64,
    /// 1 normal, 2 deleted, 3 deleting, 4 delete abnormal, 5 prepare.
    pub status: u8,
}

/// Bytes of the items, from the two bytes of their count.
pub fn versions_len(count: [u8; 2]) -> Result<usize, PacketError> {
    let got = usize::from(u16::from_be_bytes(count));
    if got > VERSIONS_MAX {
        return Err(PacketError::VersionsTooLong { got, limit: VERSIONS_MAX });
    }
    Ok(got * ITEM_LEN)
}

/// The items; `items` has the length that [`versions_len`] gave.
pub fn decode_versions(items: &[u8]) -> Vec<Version> {
    assert_eq!(items.len() % ITEM_LEN, 0, "the reader takes whole items");
    items.chunks_exact(ITEM_LEN).map(decode_item).collect()
}

fn decode_item(item: &[u8]) -> Version {
    let word = |at: usize| item[at..at + 8].iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    Version { ver: word(0), del_time: word(8) as i64, status: item[16] }
}

pub(super) fn encode(versions: &[Version], out: &mut Vec<u8>) {
    assert!(versions.len() <= VERSIONS_MAX, "a list of our own is far below the limit");
    out.extend_from_slice(&(versions.len() as u16).to_be_bytes());
    for version in versions {
        out.extend_from_slice(&version.ver.to_be_bytes());
        out.extend_from_slice(&version.del_time.to_be_bytes());
        out.push(version.status);
    }
}
