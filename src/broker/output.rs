//! The bytes that wait for one connection's socket, and which of them may go before what they rest on is all stored.

use bytes::BytesMut;

use super::connection_id::ConnectionId;

/// What one connection is to be sent. `close`: it is to be closed after the bytes are written.
#[derive(Debug, PartialEq, Eq)]
pub struct Output {
    pub connection: ConnectionId,
    pub bytes: BytesMut,
    pub close: bool,
}

/// Bytes on their way to the socket.
#[derive(Debug, Default)]
pub(super) struct OutputBuffer {
    pub(super) bytes: BytesMut,
    pub(super) packets: u32,
    /// Bytes that were handed over last, or [`MOST_ROOM`]: about as many are to be expected.
    usual: u16,
    /// Of `bytes`, what is not PUBLISH, and so bounded by nothing but the client's reading.
    pub(super) control_bytes: usize,
    /// The generation of the journal that the last of `bytes` rests on; 0 where they rest on none.
    pub(super) rests_on: u64,
    /// Where parts of `bytes` end that rest on earlier generations than what follows them; each may go before that.
    #[expect(clippy::box_collection, reason = "eight bytes where there is no store, or nothing that it is to keep")]
    parts: Option<Box<Vec<Part>>>,
    /// The client's next packets wait for the store.
    pub(super) awaits_store: bool,
    /// Handed over and not yet written.
    pub(super) writing: u32,
    pub(super) writing_bytes: usize,
    /// The socket takes no more for now.
    pub(super) blocked: bool,
    /// The connection stands in the list of those with output.
    pub(super) listed: bool,
    pub(super) close: bool,
}

/// What waits for a socket up to a place in it, and may go before the rest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    bytes: usize,
    packets: u32,
    control_bytes: usize,
    /// The generation of the journal that it rests on.
    rests_on: u64,
}

/// Bytes of answers to one client that wait for the store before its next packets do too.
pub(super) const HELD_ANSWERS: usize = 64 * 1024;

/// Control packets that wait for a client that does not read. Beyond it the connection is ended: a peer that makes
/// us answer and never reads would fill our memory.
pub(super) const MAXIMUM_CONTROL_BACKLOG: usize = 1024 * 1024;

/// Room for output that is made before there is any, at most.
const MOST_ROOM: usize = 16 * 1024;

/// Bytes that may wait for a client that is being sent retained messages: more is sent when these are on their way.
const ENOUGH: usize = 64 * 1024;

impl OutputBuffer {
    /// Whether what is in no hurry had better wait until the client has read.
    pub(super) fn is_full(&self) -> bool {
        self.blocked || self.bytes.len() >= ENOUGH
    }

    /// All that waits so far.
    pub(super) fn so_far(&self) -> Part {
        let Self { packets, control_bytes, rests_on, .. } = *self;
        Part { bytes: self.bytes.len(), packets, control_bytes, rests_on }
    }

    /// What was put in behind `before` rests on a later generation than that: `before` goes as soon as the store has what it
    /// rests on itself, whatever comes behind it.
    pub(super) fn rest_on(&mut self, generation: u64, before: Part, has_stored: impl Fn(u64) -> bool) {
        if generation <= self.rests_on {
            return;
        }
        if before.bytes > 0 {
            // Of parts that the store has all of, the last holds the others. So there are never more than three.
            let parts = self.parts.get_or_insert_default();
            while parts.get(1).is_some_and(|next| has_stored(next.rests_on)) {
                parts.remove(0);
            }
            parts.push(before);
        }
        self.rests_on = generation;
    }

    /// The longest part that the store has.
    pub(super) fn stored_part(&self, has_stored: impl Fn(u64) -> bool) -> Option<Part> {
        self.parts.as_ref()?.iter().rfind(|part| has_stored(part.rests_on)).copied()
    }

    /// Takes what is to be written: all, or a part.
    pub(super) fn take(&mut self, part: Option<Part>) -> BytesMut {
        let bytes = if let Some(part) = part {
            self.writing = part.packets;
            self.packets -= part.packets;
            self.control_bytes -= part.control_bytes;
            let parts = self.parts.get_or_insert_default();
            parts.retain(|other| other.bytes > part.bytes);
            for other in parts.iter_mut() {
                other.bytes -= part.bytes;
                other.packets -= part.packets;
                other.control_bytes -= part.control_bytes;
            }
            self.bytes.split_to(part.bytes)
        } else {
            self.clear_parts();
            self.writing = std::mem::take(&mut self.packets);
            self.control_bytes = 0;
            std::mem::take(&mut self.bytes)
        };
        self.writing_bytes = bytes.len();
        self.usual = bytes.len().min(MOST_ROOM) as u16;
        bytes
    }

    fn clear_parts(&mut self) {
        if let Some(parts) = &mut self.parts {
            parts.clear();
        }
    }

    /// Throws away what waits.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.clear_parts();
        self.packets = 0;
        self.control_bytes = 0;
    }

    /// One allocation for what goes out together, in place of one for each doubling.
    pub(super) fn make_room(&mut self) {
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(self.usual.into());
        }
    }
}
