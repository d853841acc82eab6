//! Topic aliases of one connection, §3.3.2.3.4, for both ends of it. The two directions have nothing to do with each other:
//! [`ReceivedAliases`] is what the peer has bound, [`SentAliases`] what this side has.

use std::collections::HashMap;

use bytestring::ByteString;

use super::packet::Publish;

/// An alias that a received PUBLISH may not have. An alias of 0 is refused when the packet is decoded [MQTT-3.3.2-8].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AliasError {
    /// Above the Topic Alias Maximum that this side announced [MQTT-3.3.2-9] [MQTT-3.3.2-11].
    AboveMaximum(u16),
    /// The PUBLISH has no topic, and none was bound to its alias.
    Unbound(u16),
}

/// The topics that the peer has bound to aliases.
#[derive(Clone, Debug, Default)]
pub struct ReceivedAliases {
    /// Most connections use none.
    #[expect(clippy::box_collection, reason = "eight bytes where there is none, which is nearly everywhere")]
    topics: Option<Box<HashMap<u16, ByteString>>>,
    maximum: u16,
}

impl ReceivedAliases {
    /// `maximum` is the Topic Alias Maximum that this side announced; 0 = the peer may use none.
    pub fn new(maximum: u16) -> Self {
        Self { topics: None, maximum }
    }

    /// Binds the alias of a received PUBLISH to its topic, or completes a PUBLISH without a topic with the one that is bound.
    pub fn resolve(&mut self, publish: &mut Publish) -> Result<(), AliasError> {
        let Some(alias) = publish.properties.topic_alias() else { return Ok(()) };
        // [MQTT-3.3.2-10] [MQTT-3.3.2-12]
        if alias > self.maximum {
            return Err(AliasError::AboveMaximum(alias));
        }
        if publish.topic.is_empty() {
            publish.topic =
                self.topics.as_ref().and_then(|topics| topics.get(&alias)).ok_or(AliasError::Unbound(alias))?.clone();
        } else {
            // A copy, for a slice would keep the whole read buffer for as long as the connection lasts.
            self.topics.get_or_insert_default().insert(alias, ByteString::from(&*publish.topic));
        }
        Ok(())
    }
}

/// The aliases that this side has bound, by topic: the peer knows each topic here by its alias.
#[derive(Clone, Debug, Default)]
pub struct SentAliases {
    /// Most connections use none.
    #[expect(clippy::box_collection, reason = "eight bytes where there is none, which is nearly everywhere")]
    aliases: Option<Box<HashMap<ByteString, u16>>>,
    maximum: u16,
}

/// The alias that [`SentAliases::assign`] has for a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assigned {
    /// The peer knows the topic by it, so that the topic can be left out.
    Bound(u16),
    /// It is free. Once a PUBLISH with it and the topic is sent, [`SentAliases::bind`] remembers it.
    Free(u16),
}

impl SentAliases {
    /// `maximum` is what bounds the aliases that [`SentAliases::assign`] assigns [MQTT-3.3.2-11] [MQTT-3.1.2-26]; 0 = none.
    pub fn new(maximum: u16) -> Self {
        Self { aliases: None, maximum }
    }

    /// An alias for the topic: its own, or the next that is free. Aliases are never bound anew.
    #[inline]
    pub fn assign(&self, topic: &str) -> Option<Assigned> {
        if self.maximum == 0 {
            return None;
        }
        if let Some(alias) = self.bound(topic) {
            return Some(Assigned::Bound(alias));
        }
        let next = self.aliases.as_ref().map_or(0, |aliases| aliases.len()) + 1;
        (next <= usize::from(self.maximum)).then_some(Assigned::Free(next as u16))
    }

    /// The peer knows `topic` by `alias` from now on, which was free.
    pub fn bind(&mut self, alias: u16, topic: &str) {
        self.aliases.get_or_insert_default().insert(topic.into(), alias);
    }

    fn bound(&self, topic: &str) -> Option<u16> {
        self.aliases.as_ref()?.get(topic).copied()
    }

    /// What to send as the topic of a PUBLISH whose sender has chosen this alias: nothing, if the peer knows it.
    pub fn shortened<'a>(&self, alias: u16, topic: &'a str) -> &'a str {
        if self.bound(topic) == Some(alias) { "" } else { topic }
    }

    /// A PUBLISH with an alias that its sender has chosen was sent: the peer knows `topic` by it from now on, if there is one.
    pub fn rebind(&mut self, alias: u16, topic: &str) {
        if topic.is_empty() {
            return;
        }
        // What it stood for before, it stands for no longer.
        if let Some(aliases) = &mut self.aliases {
            aliases.retain(|_, bound| *bound != alias);
        }
        self.bind(alias, topic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_that_is_chosen_for_another_topic_stands_for_the_first_no_longer() {
        let mut sent = SentAliases::default();
        let mut choose = |alias, topic: &'static str| {
            let shortened = sent.shortened(alias, topic);
            sent.rebind(alias, shortened);
            shortened
        };
        assert_eq!(choose(1, "a"), "a");
        assert_eq!(choose(1, "a"), "");
        assert_eq!(choose(1, "b"), "b");
        assert_eq!(choose(1, "a"), "a");
        // Two aliases for one topic: the peer knows it by the later one.
        assert_eq!(choose(2, "a"), "a");
        assert_eq!(choose(2, "a"), "");
    }

    #[test]
    fn aliases_are_assigned_up_to_the_maximum_and_kept() {
        let mut sent = SentAliases::new(2);
        assert_eq!(sent.assign("a"), Some(Assigned::Free(1)));
        // The PUBLISH was not sent, so nothing is bound.
        assert_eq!(sent.assign("b"), Some(Assigned::Free(1)));
        sent.bind(1, "b");
        assert_eq!(sent.assign("b"), Some(Assigned::Bound(1)));
        sent.bind(2, "c");
        assert_eq!((sent.assign("d"), sent.assign("c")), (None, Some(Assigned::Bound(2))));
        assert_eq!(SentAliases::new(0).assign("a"), None);
    }
}
