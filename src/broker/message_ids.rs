//! A set of ids of messages.

use std::collections::BTreeMap;

use super::message::MessageId;

/// Ids of messages, as bits of words. Messages that came together have ids that follow each other: many share a word, which is
/// at hand for the next. It grows by little at a time: a table of a million would be moved as a whole, while everybody waits.
#[derive(Debug, Default)]
pub(super) struct MessageIds {
    /// None of them is 0.
    words: BTreeMap<u64, u64>,
    count: usize,
}

impl MessageIds {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Says whether it is new.
    pub(super) fn insert(&mut self, id: MessageId) -> bool {
        let (word, bit) = place(id);
        let word = self.words.entry(word).or_default();
        let is_new = *word & bit == 0;
        *word |= bit;
        self.count += usize::from(is_new);
        is_new
    }

    /// Says whether it was there.
    pub(super) fn remove(&mut self, id: MessageId) -> bool {
        let (index, bit) = place(id);
        let Some(word) = self.words.get_mut(&index) else { return false };
        let was_there = *word & bit != 0;
        *word &= !bit;
        if *word == 0 {
            self.words.remove(&index);
        }
        self.count -= usize::from(was_there);
        was_there
    }
}

/// The word of an id, and its bit there.
fn place(id: MessageId) -> (u64, u64) {
    (id.0 / u64::from(u64::BITS), 1 << (id.0 % u64::from(u64::BITS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_id_is_there_once_wherever_it_stands() {
        let mut ids = MessageIds::default();
        for id in [0, 63, 64, 1 << 40, u64::MAX] {
            assert!(ids.insert(MessageId(id)));
            assert!(!ids.insert(MessageId(id)));
        }
        assert_eq!((ids.len(), ids.words.len()), (5, 4));
    }

    #[test]
    fn what_was_removed_is_not_there_and_takes_no_room() {
        let mut ids = MessageIds::default();
        for id in [0, 63, 64] {
            ids.insert(MessageId(id));
        }
        assert!(ids.remove(MessageId(0)) && !ids.remove(MessageId(0)) && !ids.remove(MessageId(1)));
        assert!(!ids.insert(MessageId(63)) && ids.insert(MessageId(0)));
        assert!(ids.remove(MessageId(64)) && ids.remove(MessageId(63)) && ids.remove(MessageId(0)));
        assert_eq!((ids.len(), ids.words.len()), (0, 0));
    }
}
