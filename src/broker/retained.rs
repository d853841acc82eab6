//! The retained messages, by topic.

use std::sync::Arc;

use super::message::Message;
use super::tree::{Node, Tree};

#[derive(Debug)]
pub(super) struct Retained {
    tree: Tree<Option<Arc<Message>>>,
    count: usize,
}

impl Retained {
    pub(super) fn new() -> Self {
        Self { tree: Tree::new(), count: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Returns the message it takes the place of.
    pub(super) fn insert(&mut self, message: Arc<Message>) -> Option<Arc<Message>> {
        let topic = message.topic.clone();
        let old = self.tree.insert(&topic).replace(message);
        self.count += usize::from(old.is_none());
        old
    }

    pub(super) fn remove(&mut self, topic: &str) -> Option<Arc<Message>> {
        let old = self.tree.find_mut(topic)?.take()?;
        self.tree.prune(topic, Option::is_none);
        self.count -= 1;
        Some(old)
    }

    /// Those that match the filter, oldest first.
    pub(super) fn matching(&self, filter: &str) -> Vec<Arc<Message>> {
        let mut found = Vec::new();
        // Wildcards at the first level do not match topics that begin with `$` [MQTT-4.7.2-1].
        self.descend(self.tree.root(), filter, true, &mut found);
        found.sort_unstable_by_key(|message| message.id);
        found
    }

    pub(super) fn all(&self) -> Vec<Arc<Message>> {
        let mut found = Vec::new();
        self.collect(self.tree.root(), &mut found);
        found
    }

    fn descend(&self, node: &Node<Option<Arc<Message>>>, filter: &str, first: bool, found: &mut Vec<Arc<Message>>) {
        let (level, below) = match filter.split_once('/') {
            Some((level, below)) => (level, Some(below)),
            None => (filter, None),
        };
        match level {
            "#" => {
                // `#` stands for its parent too [MQTT-4.7.1-2].
                found.extend(node.value.clone());
                for (name, next) in self.tree.children(node) {
                    if !(first && name.starts_with('$')) {
                        self.collect(next, found);
                    }
                }
            }
            "+" => {
                for (name, next) in self.tree.children(node) {
                    if !(first && name.starts_with('$')) {
                        self.follow(next, below, found);
                    }
                }
            }
            name => {
                if let Some(next) = self.tree.child(node, name) {
                    self.follow(next, below, found);
                }
            }
        }
    }

    fn follow(&self, node: &Node<Option<Arc<Message>>>, below: Option<&str>, found: &mut Vec<Arc<Message>>) {
        match below {
            Some(filter) => self.descend(node, filter, false, found),
            None => found.extend(node.value.clone()),
        }
    }

    fn collect(&self, node: &Node<Option<Arc<Message>>>, found: &mut Vec<Arc<Message>>) {
        found.extend(node.value.clone());
        for (_, next) in self.tree.children(node) {
            self.collect(next, found);
        }
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
            packet_id: 0,
            source: Arc::default(),
        })
    }

    fn matching(retained: &Retained, filter: &str) -> Vec<String> {
        retained.matching(filter).iter().map(|message| message.topic.to_string()).collect()
    }

    #[test]
    fn filters_find_their_messages_oldest_first() {
        let mut retained = Retained::new();
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
    fn a_topic_keeps_one_message() {
        let mut retained = Retained::new();
        retained.insert(message(1, "a/b"));
        assert_eq!(retained.insert(message(2, "a/b")).unwrap().id, MessageId(1));
        assert_eq!(retained.len(), 1);
        assert_eq!(retained.remove("a/b").unwrap().id, MessageId(2));
        assert_eq!(retained.remove("a/b"), None);
        assert_eq!((retained.len(), retained.tree.size()), (0, 0));
    }
}
