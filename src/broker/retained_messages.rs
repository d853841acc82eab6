//! The retained messages, by topic and by age.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::message::{Message, MessageId};
use super::slice::Slice;
use super::tree::{Node, Tree};
use crate::mqtt::topic;

#[derive(Debug)]
pub(super) struct RetainedMessages {
    /// The id of the message at each topic.
    tree: Tree<Option<MessageId>>,
    /// Ids grow, so these are the messages from the oldest on.
    by_id: BTreeMap<MessageId, Arc<Message>>,
    /// The bytes of their payloads.
    bytes: u64,
}

/// The messages that matched a filter at one moment, oldest first, as far as they are still there: one that was replaced
/// meanwhile went to its subscribers when it came.
#[derive(Debug)]
pub(super) enum Matching {
    /// The ids, newest first, to be taken from the end.
    Found(Vec<MessageId>),
    /// There are too many to look for: all messages are gone through, up to the newest of that moment.
    Scan { after: Bound<MessageId>, newest: MessageId },
}

/// Topics that are visited in the tree at once; a filter that concerns more goes through all messages slice by slice.
const VISITS: usize = 4096;

/// Going through all costs at most about this many times what visiting those that match would.
const SCAN_FACTOR: usize = 16;

impl RetainedMessages {
    pub(super) fn new() -> Self {
        Self { tree: Tree::new(), by_id: BTreeMap::new(), bytes: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Bytes of their payloads.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn contains(&self, id: MessageId) -> bool {
        self.by_id.contains_key(&id)
    }

    /// Returns the message it takes the place of.
    pub(super) fn insert(&mut self, message: Arc<Message>) -> Option<Arc<Message>> {
        let old = self.tree.insert(&message.topic).replace(message.id);
        let old = old.and_then(|old| self.take(old));
        self.bytes += message.payload.len() as u64;
        self.by_id.insert(message.id, message);
        old
    }

    pub(super) fn remove(&mut self, topic: &str) -> Option<Arc<Message>> {
        let old = self.tree.find_mut(topic)?.take()?;
        self.tree.prune(topic, Option::is_none);
        self.take(old)
    }

    fn take(&mut self, id: MessageId) -> Option<Arc<Message>> {
        let old = self.by_id.remove(&id)?;
        self.bytes -= old.payload.len() as u64;
        Some(old)
    }

    /// Begins to look for those that match the filter.
    pub(super) fn matching(&self, filter: &str, slice: &mut Slice) -> Matching {
        let mut visit = Visit { found: Vec::new(), left: VISITS.max(self.len() / SCAN_FACTOR) };
        let before = visit.left;
        // Wildcards at the first level do not match topics that begin with `$` [MQTT-4.7.2-1].
        let is_whole = self.descend(self.tree.root(), filter, true, &mut visit).is_ok();
        slice.spend(before - visit.left);
        if is_whole {
            visit.found.sort_unstable_by(|a, b| b.cmp(a));
            return Matching::Found(visit.found);
        }
        let newest = self.by_id.last_key_value().map_or(MessageId::default(), |(&id, _)| id);
        Matching::Scan { after: Bound::Unbounded, newest }
    }

    /// The next of those that match. `None`: there is none, or the slice is over.
    pub(super) fn next(&self, filter: &str, matching: &mut Matching, slice: &mut Slice) -> Option<&Arc<Message>> {
        match matching {
            Matching::Found(ids) => loop {
                if slice.is_over() {
                    return None;
                }
                slice.spend(1);
                let id = ids.pop()?;
                if let Some(message) = self.by_id.get(&id) {
                    return Some(message);
                }
            },
            Matching::Scan { after, newest } => {
                let rest = self.by_id.range((*after, Bound::Included(*newest)));
                for (&id, message) in rest {
                    if slice.is_over() {
                        return None;
                    }
                    slice.spend(1);
                    *after = Bound::Excluded(id);
                    if topic::matches(filter, &message.topic) {
                        return Some(message);
                    }
                }
                *matching = Matching::Found(Vec::new());
                None
            }
        }
    }

    /// Up to `count` messages from the one after `after` on, oldest first.
    pub(super) fn page(&self, after: Bound<MessageId>, count: usize) -> Vec<Arc<Message>> {
        self.by_id.range((after, Bound::Unbounded)).take(count).map(|(_, message)| Arc::clone(message)).collect()
    }

    fn descend(
        &self,
        node: &Node<Option<MessageId>>,
        filter: &str,
        first: bool,
        visit: &mut Visit,
    ) -> Result<(), TooMany> {
        let (level, below) = match filter.split_once('/') {
            Some((level, below)) => (level, Some(below)),
            None => (filter, None),
        };
        match level {
            "#" => {
                // `#` stands for its parent too, §4.7.1.2.
                visit.see(node)?;
                for (name, next) in self.tree.children(node) {
                    if !(first && name.starts_with('$')) {
                        self.collect(next, visit)?;
                    }
                }
            }
            "+" => {
                for (name, next) in self.tree.children(node) {
                    if !(first && name.starts_with('$')) {
                        self.follow(next, below, visit)?;
                    }
                }
            }
            name => {
                if let Some(next) = self.tree.child(node, name) {
                    self.follow(next, below, visit)?;
                }
            }
        }
        Ok(())
    }

    fn follow(&self, node: &Node<Option<MessageId>>, below: Option<&str>, visit: &mut Visit) -> Result<(), TooMany> {
        match below {
            Some(filter) => {
                visit.pass()?;
                self.descend(node, filter, false, visit)
            }
            None => visit.see(node),
        }
    }

    fn collect(&self, node: &Node<Option<MessageId>>, visit: &mut Visit) -> Result<(), TooMany> {
        visit.see(node)?;
        for (_, next) in self.tree.children(node) {
            self.collect(next, visit)?;
        }
        Ok(())
    }
}

impl Matching {
    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Found(ids) if ids.is_empty())
    }
}

/// A visit to the tree.
struct Visit {
    found: Vec<MessageId>,
    /// Topics that may still be visited.
    left: usize,
}

/// More would have to be visited than may be at once.
struct TooMany;

impl Visit {
    fn pass(&mut self) -> Result<(), TooMany> {
        self.left = self.left.checked_sub(1).ok_or(TooMany)?;
        Ok(())
    }

    fn see(&mut self, node: &Node<Option<MessageId>>) -> Result<(), TooMany> {
        self.pass()?;
        self.found.extend(node.value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::broker::message::MessageId;
    use crate::mqtt::packet::{Properties, QoS};

    fn message(id: u64, topic: &str) -> Arc<Message> {
        Arc::new(Message {
            id: MessageId(id),
            topic: topic.into(),
            payload: Bytes::from_static(b"x"),
            qos: QoS::AtMostOnce,
            retain: true,
            properties: Properties::new(),
            expires_at: None,
            packet_id: None,
            source: Arc::default(),
        })
    }

    /// Slice by slice.
    fn rest(retained: &RetainedMessages, filter: &str, mut matching: Matching) -> Vec<String> {
        let mut found = Vec::new();
        while !matching.is_done() {
            let mut slice = Slice::new();
            while let Some(message) = retained.next(filter, &mut matching, &mut slice) {
                found.push(message.topic.to_string());
            }
        }
        found
    }

    fn matching(retained: &RetainedMessages, filter: &str) -> Vec<String> {
        rest(retained, filter, retained.matching(filter, &mut Slice::new()))
    }

    #[test]
    fn filters_find_their_messages_oldest_first() {
        let mut retained = RetainedMessages::new();
        for (id, topic) in ["b", "a", "a/x", "a/y/z", "$SYS/x", "/"].iter().enumerate() {
            assert_eq!(retained.insert(message(id as u64, topic)), None);
        }
        assert_eq!(matching(&retained, "#"), ["b", "a", "a/x", "a/y/z", "/"]);
        assert_eq!(matching(&retained, "a/#"), ["a", "a/x", "a/y/z"]);
        assert_eq!(matching(&retained, "+"), ["b", "a"]);
        assert_eq!(matching(&retained, "+/+"), ["a/x", "/"]);
        assert_eq!(matching(&retained, "$SYS/#"), ["$SYS/x"]);
        assert_eq!(matching(&retained, "a/y"), Vec::<String>::new());
    }

    #[test]
    fn a_filter_that_matches_many_is_cut_into_slices_and_finds_the_same() {
        let mut retained = RetainedMessages::new();
        let count = VISITS as u64 * 2;
        for id in 0..count {
            retained.insert(message(id, &format!("{}/{id}", ["a", "b", "$c"][id as usize % 3])));
        }
        for filter in ["#", "+/+", "a/#", "a/7", "+/1", "$c/+"] {
            let expected: Vec<_> = (0..count)
                .map(|id| format!("{}/{id}", ["a", "b", "$c"][id as usize % 3]))
                .filter(|topic| topic::matches(filter, topic))
                .collect();
            let mut slice = Slice::new();
            let begun = retained.matching(filter, &mut slice);
            assert_eq!(matches!(begun, Matching::Scan { .. }), filter == "#" || filter == "+/+", "{filter}");
            assert_eq!(rest(&retained, filter, begun), expected, "{filter}");
        }
    }

    #[test]
    fn what_is_replaced_or_comes_while_others_are_found_is_not_found_again() {
        for others in [10, VISITS as u64 * 2] {
            let mut retained = RetainedMessages::new();
            for id in 0..others {
                retained.insert(message(id, &format!("a/{id}")));
            }
            let begun = retained.matching("a/#", &mut Slice::new());
            assert_eq!(matches!(begun, Matching::Scan { .. }), others > 10);
            retained.insert(message(others, "a/3"));
            retained.insert(message(others + 1, "a/new"));
            retained.remove("a/5");
            let expected: Vec<_> = (0..others).filter(|id| ![3, 5].contains(id)).map(|id| format!("a/{id}")).collect();
            assert_eq!(rest(&retained, "a/#", begun), expected);
        }
    }

    #[test]
    fn a_topic_keeps_one_message() {
        let mut retained = RetainedMessages::new();
        retained.insert(message(1, "a/b"));
        assert_eq!(retained.insert(message(2, "a/b")).unwrap().id, MessageId(1));
        assert_eq!(retained.len(), 1);
        assert_eq!(retained.remove("a/b").unwrap().id, MessageId(2));
        assert_eq!(retained.remove("a/b"), None);
        assert_eq!((retained.len(), retained.tree.size()), (0, 0));
    }
}
