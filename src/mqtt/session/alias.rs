//! Topic aliases of one connection, in both directions, §3.3.2.3.4.

use std::collections::HashMap;

use bytestring::ByteString;

use super::SessionError;
use crate::mqtt::packet::Publish;

/// What each alias stands for; the two directions have nothing to do with each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Aliases {
    sent: HashMap<u16, ByteString>,
    received: HashMap<u16, ByteString>,
    /// The largest that the server may use.
    maximum: u16,
}

impl Aliases {
    pub(super) fn new(maximum: u16) -> Self {
        Self { maximum, ..Self::default() }
    }

    /// What to send as the topic of a PUBLISH with this alias: nothing, if the server knows the topic by it.
    pub(super) fn outgoing<'a>(&mut self, alias: u16, topic: &'a str) -> &'a str {
        if self.sent.get(&alias).is_some_and(|known| *known == *topic) {
            return "";
        }
        if !topic.is_empty() {
            self.sent.insert(alias, topic.into());
        }
        topic
    }

    /// Learns the alias of a received PUBLISH, or gives it the topic that its alias stands for.
    pub(super) fn resolve(&mut self, publish: &mut Publish) -> Result<(), SessionError> {
        let Some(alias) = publish.properties.topic_alias() else { return Ok(()) };
        if alias > self.maximum {
            return Err(SessionError::TopicAlias(alias));
        }
        if publish.topic.is_empty() {
            publish.topic = self.received.get(&alias).ok_or(SessionError::UnknownTopicAlias(alias))?.clone();
        } else {
            // A copy, for a slice would keep the whole read buffer for as long as the connection lasts.
            self.received.insert(alias, ByteString::from(&*publish.topic));
        }
        Ok(())
    }
}
