//! Counts what of the persistent state refers to each message.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::message::MessageId;
use super::message_ids::MessageIds;
use crate::mqtt::flow::IdHasher;

/// Most messages wait in one queue or are retained: nothing is kept of those but that they are there.
#[derive(Debug, Default)]
pub(super) struct References {
    /// Messages that something refers to.
    some: MessageIds,
    /// How many more there are, of messages with more than one.
    more: HashMap<MessageId, u32, BuildHasherDefault<IdHasher>>,
}

impl References {
    /// Another reference. Says whether it is the first.
    pub(super) fn add(&mut self, id: MessageId) -> bool {
        let is_first = self.some.insert(id);
        if !is_first {
            *self.more.entry(id).or_default() += 1;
        }
        is_first
    }

    /// One reference less; nothing happens where there is none. Says whether it was the last.
    pub(super) fn remove(&mut self, id: MessageId) -> bool {
        // Nothing is looked up in a table that is empty, which it is unless messages go to several.
        match self.more.get_mut(&id) {
            None => self.some.remove(id),
            Some(1) => {
                self.more.remove(&id);
                false
            }
            Some(more) => {
                *more -= 1;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_and_last_are_told_from_those_between() {
        let mut references = References::default();
        let (a, b) = (MessageId(1), MessageId(2));
        assert!(references.add(a) && !references.add(a) && !references.add(a) && references.add(b));
        assert!(!references.remove(a) && !references.remove(a) && references.remove(a));
        assert!(!references.remove(a), "nothing is left");
        assert!(references.add(a) && references.remove(a) && references.remove(b));
        assert!(references.more.is_empty() && references.some.len() == 0);
    }
}
