//! What masters say to each other, and what of it may reach the library. Data only.
//!
//! The library trusts its input: a message with a term of 0 or with a gap in its entries would make it panic or worse. What
//! [`is_sound`] lets through it can take, whoever sent it.

use raft::eraftpb::{EntryType, Message, MessageType};

/// A message of raft and between which disks it goes.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Envelope {
    #[prost(uint64, tag = "1")]
    pub from: u64,
    /// HTTP address of the sender: where an answer goes even when the receiver's membership is behind.
    #[prost(string, tag = "2")]
    pub from_addr: String,
    #[prost(fixed64, tag = "3")]
    pub from_incarnation: u64,
    #[prost(uint64, tag = "4")]
    pub to: u64,
    #[prost(fixed64, tag = "5")]
    pub to_incarnation: u64,
    #[prost(message, optional, tag = "6")]
    pub message: Option<Message>,
}

/// Who is asking.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Hello {
    #[prost(uint64, tag = "1")]
    pub from: u64,
    #[prost(fixed64, tag = "2")]
    pub incarnation: u64,
    /// HTTP address.
    #[prost(string, tag = "3")]
    pub addr: String,
    /// The masters of the asker's configuration as "id:ip:port", in order of their ids.
    #[prost(string, repeated, tag = "4")]
    pub peers: Vec<String>,
    /// The group of which the asker's disk holds something.
    #[prost(fixed64, optional, tag = "5")]
    pub group: Option<u64>,
}

/// Who was asked, and how it stands to the asker.
#[derive(Clone, PartialEq, prost::Message)]
pub struct HelloReply {
    #[prost(uint64, tag = "1")]
    pub id: u64,
    #[prost(fixed64, tag = "2")]
    pub incarnation: u64,
    /// Its configuration names the same masters as the asker's.
    #[prost(bool, tag = "3")]
    pub same_peers: bool,
    #[prost(enumeration = "Standing", tag = "4")]
    pub standing: i32,
    /// Applied index of its state, when its disk has never taken part in a group.
    #[prost(uint64, tag = "5")]
    pub applied: u64,
    /// The group of which its disk holds something.
    #[prost(fixed64, optional, tag = "6")]
    pub group: Option<u64>,
}

/// How a master stands to the one that asked it. The zero value is that of a reply that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum Standing {
    Unclear = 0,
    /// It has never taken part in a group.
    Fresh = 1,
    /// It was in a group once, or is about to join one, and holds nothing of it.
    Waiting = 2,
    /// It is in a group, and the asker with this disk is too.
    Known = 3,
    /// It is in a group; the asker is too, but with another disk.
    OtherDisk = 4,
    /// It is in a group; the asker is too, and its disk is not known yet.
    Unbound = 5,
    /// It is in a group, and the asker is not.
    Stranger = 6,
}

/// A snapshot is coming: the library's message without contents.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SnapshotBegin {
    #[prost(message, optional, tag = "1")]
    pub envelope: Option<Envelope>,
    /// How many pairs follow.
    #[prost(uint64, tag = "2")]
    pub pairs: u64,
}

/// A part of a snapshot.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SnapshotPairs {
    #[prost(message, repeated, tag = "1")]
    pub pairs: Vec<PairRecord>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct PairRecord {
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// All pairs were sent.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SnapshotEnd {
    /// CRC-32 over all keys and values in order.
    #[prost(fixed32, tag = "1")]
    pub checksum: u32,
}

/// Indexes and terms above this are not real ones; below it nothing overflows.
const NUMBER_MAX: u64 = u64::MAX >> 8;

/// The message says something on its own account, rather than answering one.
pub fn is_request(message: &Message) -> bool {
    matches!(
        message.msg_type(),
        MessageType::MsgAppend
            | MessageType::MsgHeartbeat
            | MessageType::MsgSnapshot
            | MessageType::MsgRequestVote
            | MessageType::MsgRequestPreVote
            | MessageType::MsgTimeoutNow
            | MessageType::MsgTransferLeader
    )
}

fn is_response(message: &Message) -> bool {
    matches!(
        message.msg_type(),
        MessageType::MsgAppendResponse
            | MessageType::MsgHeartbeatResponse
            | MessageType::MsgRequestVoteResponse
            | MessageType::MsgRequestPreVoteResponse
    )
}

/// The envelope holds a message that the library can take from a peer.
pub fn is_sound(envelope: &Envelope) -> bool {
    let Some(message) = &envelope.message else { return false };
    let numbers = [message.term, message.log_term, message.index, message.commit, message.commit_term, message.reject_hint];
    let known = MessageType::from_i32(message.msg_type).is_some() && (is_request(message) || is_response(message));
    known
        && message.from == envelope.from
        && message.to == envelope.to
        && message.from != 0
        && message.to != 0
        && message.from != message.to
        && message.term != 0
        && message.request_snapshot == 0
        && numbers.iter().all(|number| *number <= NUMBER_MAX)
        && entries_are_sound(message)
        && snapshot_is_sound(message)
}

/// Entries follow the message's index without a gap, with terms that never fall.
fn entries_are_sound(message: &Message) -> bool {
    if message.msg_type() != MessageType::MsgAppend {
        return message.entries.is_empty();
    }
    let mut term = message.log_term;
    message.entries.iter().enumerate().all(|(at, entry)| {
        let in_order = entry.index == message.index + 1 + at as u64 && term <= entry.term && entry.term <= message.term;
        term = entry.term;
        in_order && matches!(EntryType::from_i32(entry.entry_type), Some(EntryType::EntryNormal | EntryType::EntryConfChangeV2))
    })
}

fn snapshot_is_sound(message: &Message) -> bool {
    let meta = message.snapshot.as_ref().and_then(|snapshot| snapshot.metadata.as_ref());
    match meta {
        _ if message.msg_type() != MessageType::MsgSnapshot => message.snapshot.is_none(),
        None => false,
        Some(meta) => {
            let simple = |conf: &raft::eraftpb::ConfState| {
                let distinct: std::collections::BTreeSet<_> = conf.voters.iter().chain(&conf.learners).collect();
                !conf.voters.is_empty()
                    && distinct.len() == conf.voters.len() + conf.learners.len()
                    && conf.voters_outgoing.is_empty()
                    && conf.learners_next.is_empty()
                    && !conf.auto_leave
            };
            (1..=NUMBER_MAX).contains(&meta.index)
                && (1..=message.term).contains(&meta.term)
                && meta.conf_state.as_ref().is_some_and(simple)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use raft::eraftpb::{ConfState, Entry, Snapshot, SnapshotMetadata};

    fn envelope(kind: MessageType, change: impl FnOnce(&mut Message)) -> Envelope {
        let mut message = Message { msg_type: kind as i32, from: 1, to: 2, term: 5, ..Default::default() };
        change(&mut message);
        Envelope { from: 1, to: 2, message: Some(message), ..Default::default() }
    }

    fn entry(index: u64, term: u64) -> Entry {
        Entry { index, term, ..Default::default() }
    }

    #[test]
    fn what_the_library_says_is_let_through() {
        assert!(is_sound(&envelope(MessageType::MsgHeartbeat, |_| {})));
        assert!(is_sound(&envelope(MessageType::MsgAppend, |m| {
            m.index = 7;
            m.log_term = 3;
            m.entries = vec![entry(8, 3), entry(9, 5)];
        })));
        let conf = ConfState { voters: vec![1], learners: vec![2], ..Default::default() };
        let meta = SnapshotMetadata { index: 4, term: 5, conf_state: Some(conf) };
        let snapshot = Snapshot { metadata: Some(meta), ..Default::default() };
        assert!(is_sound(&envelope(MessageType::MsgSnapshot, |m| m.snapshot = Some(snapshot.clone()))));
        assert!(!is_sound(&envelope(MessageType::MsgHeartbeat, |m| m.snapshot = Some(snapshot))));
    }

    #[test]
    fn local_and_forwarded_messages_are_not_taken_from_a_peer() {
        for kind in [MessageType::MsgHup, MessageType::MsgPropose, MessageType::MsgReadIndex, MessageType::MsgSnapStatus] {
            assert!(!is_sound(&envelope(kind, |_| {})));
        }
        assert!(!is_sound(&envelope(MessageType::MsgHeartbeat, |m| m.msg_type = 99)));
        assert!(!is_sound(&envelope(MessageType::MsgHeartbeat, |m| m.term = 0)));
        assert!(!is_sound(&envelope(MessageType::MsgHeartbeat, |m| m.from = 3)));
        assert!(!is_sound(&envelope(MessageType::MsgHeartbeat, |m| m.commit = u64::MAX)));
    }

    #[test]
    fn entries_with_a_gap_a_falling_term_or_a_later_term_are_not_taken() {
        for entries in [vec![entry(2, 5)], vec![entry(1, 5), entry(3, 5)], vec![entry(1, 5), entry(2, 4)], vec![entry(1, 6)]] {
            assert!(!is_sound(&envelope(MessageType::MsgAppend, |m| m.entries = entries)));
        }
    }
}
