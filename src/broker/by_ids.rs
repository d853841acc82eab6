//! Where messages stand in a list that is in the order of their ids.

use super::message::MessageId;

/// The ids of a list of messages. Those of a queue are asked for one after the other, and stand so as a rule: a table of a
/// million would cost more than all else that a start does with them.
#[derive(Debug, Default)]
pub struct ByIds {
    ids: Vec<MessageId>,
    /// Where the next one is looked for first.
    next: usize,
}

impl ByIds {
    /// `ids` in their order.
    pub fn new(ids: impl IntoIterator<Item = MessageId>) -> Self {
        Self { ids: ids.into_iter().collect(), next: 0 }
    }

    /// The place of the message in the list.
    pub fn find(&mut self, id: MessageId) -> Option<usize> {
        let place = if self.ids.get(self.next) == Some(&id) { self.next } else { self.ids.binary_search(&id).ok()? };
        self.next = place + 1;
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_found_in_any_order() {
        let mut messages = ByIds::new([2, 3, 5, 7].map(MessageId));
        for (id, place) in [(2, 0), (3, 1), (7, 3), (3, 1), (5, 2), (7, 3)] {
            assert_eq!(messages.find(MessageId(id)), Some(place));
        }
        assert_eq!([0, 4, 8].map(|id| messages.find(MessageId(id))), [None; 3]);
    }
}
