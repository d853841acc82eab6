//! How many different messages wait for clients, and a count of them that is under way.

use super::message_ids::MessageIds;

/// Messages that wait and are not retained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StoredCount {
    pub(super) messages: usize,
    /// The bytes of their payloads.
    pub(super) bytes: u64,
}

/// A count that is under way.
#[derive(Debug, Default)]
pub(super) struct Counting {
    pub(super) seen: MessageIds,
    pub(super) bytes: u64,
    /// The session that is looked at, by the index of its key.
    pub(super) session: u32,
    /// Messages of its queue that were looked at.
    pub(super) queued: usize,
}

impl Counting {
    pub(super) fn result(&self) -> StoredCount {
        StoredCount { messages: self.seen.len(), bytes: self.bytes }
    }
}
