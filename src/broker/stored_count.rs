//! How many different messages wait for clients, and a count of them that is under way.

use std::collections::BTreeMap;

use super::message::MessageId;

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
    pub(super) seen: Seen,
    pub(super) bytes: u64,
    /// The session that is looked at, by the index of its key.
    pub(super) session: u32,
    /// Messages of its queue that were looked at.
    pub(super) queued: usize,
}

/// Ids of messages, as bits of words. It grows by little at a time: a table of a million would be moved as a whole, while everybody
/// waits. Messages that came together have ids that follow each other.
#[derive(Debug, Default)]
pub(super) struct Seen {
    words: BTreeMap<u64, u64>,
    count: usize,
}

impl Seen {
    /// Says whether it is new.
    pub(super) fn insert(&mut self, id: MessageId) -> bool {
        let word = self.words.entry(id.0 / u64::from(u64::BITS)).or_default();
        let bit = 1 << (id.0 % u64::from(u64::BITS));
        let is_new = *word & bit == 0;
        *word |= bit;
        self.count += usize::from(is_new);
        is_new
    }
}

impl Counting {
    pub(super) fn result(&self) -> StoredCount {
        StoredCount { messages: self.seen.count, bytes: self.bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_id_is_counted_once_wherever_it_stands() {
        let mut seen = Seen::default();
        for id in [0, 63, 64, 1 << 40, u64::MAX] {
            assert!(seen.insert(MessageId(id)));
            assert!(!seen.insert(MessageId(id)));
        }
        assert_eq!((seen.count, seen.words.len()), (5, 4));
    }
}
