//! One direction of a connection: bytes queued at the sender, in flight, and waiting at the receiver, each with a bound.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Duration;

/// Bytes a sender may have unacknowledged, and bytes that wait at the receiver or are on the way there, unless a run has them smaller.
pub const BUFFER_BYTES: usize = 64 << 10;
/// Bytes of one segment.
pub const SEGMENT_BYTES_MAX: usize = 16 << 10;

/// A piece on its way.
#[derive(Debug)]
pub struct Segment {
    pub due: Duration,
    pub bytes: Vec<u8>,
    /// The end of the direction.
    pub fin: bool,
}

/// One direction.
#[derive(Debug, Default)]
pub struct Pipe {
    /// Written, not yet on the way.
    pub out: VecDeque<u8>,
    /// The writer has shut down; the end follows the last byte of `out`.
    pub shut: bool,
    pub fin_sent: bool,
    pub flight: VecDeque<Segment>,
    /// An arrival is scheduled.
    pub scheduled: bool,
    /// When the front segment was first lost, and how often since.
    pub lost: Option<(Duration, u32)>,
    /// Bytes of `out` and `flight`, and those that arrived without the sender hearing of it.
    pub unacked: usize,
    /// Bytes that arrived while the way back was cut.
    pub ack_held: usize,
    pub inbox: VecDeque<u8>,
    pub eof: bool,
    /// Bytes sent in all.
    pub sent: u64,
    /// Stopped for good by a fault.
    pub stalled: bool,
    pub reader: Option<Waker>,
    pub writer: Option<Waker>,
}

impl Pipe {
    /// Bytes that may be written now into a buffer of so many.
    pub fn room(&self, buffer: usize) -> usize {
        buffer.saturating_sub(self.unacked)
    }

    /// Bytes on the way.
    fn in_flight(&self) -> usize {
        self.flight.iter().map(|segment| segment.bytes.len()).sum()
    }

    /// The next segment that the window lets go, if any.
    pub fn next_segment(&mut self, buffer: usize) -> Option<(Vec<u8>, bool)> {
        let window = buffer.saturating_sub(self.in_flight() + self.inbox.len());
        let n = self.out.len().min(window).min(SEGMENT_BYTES_MAX);
        if n > 0 {
            self.sent += n as u64;
            // Pieces, not bytes: this is done for all that is ever sent.
            let (front, back) = self.out.as_slices();
            let of_front = n.min(front.len());
            let bytes = [&front[..of_front], &back[..n - of_front]].concat();
            drop(self.out.drain(..n));
            return Some((bytes, false));
        }
        if self.shut && !self.fin_sent && self.out.is_empty() {
            self.fin_sent = true;
            return Some((Vec::new(), true));
        }
        None
    }

    /// Forgets what is not yet received.
    pub fn clear(&mut self) {
        self.out.clear();
        self.flight.clear();
        self.inbox.clear();
        self.unacked = 0;
        self.ack_held = 0;
    }

    /// Wakes whoever waits on this direction.
    pub fn wake(&mut self) {
        self.reader.take().into_iter().chain(self.writer.take()).for_each(Waker::wake);
    }
}
