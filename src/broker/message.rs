//! A message as the broker keeps it, and the ids that carry the time of its storing.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;

use super::clock::WallTime;
use crate::mqtt::packet::{PacketId, Properties, Property, QoS};
use crate::state::ids::{StoreId, UnixTime};

/// An application message, shared by all the queues it waits in.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    pub id: MessageId,
    /// The topic with the mount point of the publisher's listener.
    pub topic: ByteString,
    pub payload: Bytes,
    /// The QoS as published.
    pub qos: QoS,
    /// The RETAIN flag as published.
    pub retain: bool,
    /// In the publisher's order; without topic alias and subscription identifiers. The message expiry interval
    /// stands in it as published: what is sent is computed from `expires_at`.
    pub properties: Properties,
    pub expires_at: Option<WallTime>,
    /// The packet id of the publisher; `None` at QoS 0 and for wills.
    pub packet_id: Option<PacketId>,
    /// Where the message came from, shared by all that one connection publishes.
    pub source: Arc<Source>,
}

impl Message {
    /// Bytes of topic, properties and payload, which the publisher decides.
    pub(super) fn size(&self) -> u64 {
        // Properties that came in a packet fit into one.
        let properties = self.properties.encoded_len().unwrap_or_default();
        (self.topic.len() + self.payload.len() + properties) as u64
    }

    pub fn is_expired(&self, wall: WallTime) -> bool {
        Content::of(self).is_expired(wall)
    }
}

/// What a client gets of a message, wherever that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content<'a> {
    pub(super) topic: &'a str,
    pub(super) payload: &'a [u8],
    /// The QoS as published.
    pub(super) qos: QoS,
    pub(super) properties: &'a Properties,
    pub(super) expires_at: Option<WallTime>,
}

impl<'a> Content<'a> {
    pub(super) fn of(message: &'a Message) -> Self {
        let Message { topic, payload, qos, properties, expires_at, .. } = message;
        Self { topic, payload, qos: *qos, properties, expires_at: *expires_at }
    }

    pub(super) fn is_expired(&self, wall: WallTime) -> bool {
        self.expires_at.is_some_and(|at| at <= wall)
    }
}

#[cfg(test)]
impl Message {
    /// One for tests, which say of it what they are about.
    pub(super) fn example() -> Self {
        Self {
            id: MessageId::default(),
            topic: ByteString::from_static("t"),
            payload: Bytes::new(),
            qos: QoS::AtMostOnce,
            retain: false,
            properties: Properties::new(),
            expires_at: None,
            packet_id: None,
            source: Arc::default(),
        }
    }
}

/// The properties in memory of their own, apart from the buffer that they were read into.
pub(super) fn detached(properties: &Properties) -> Properties {
    let text = |text: &ByteString| ByteString::from(&**text);
    properties
        .iter()
        .map(|property| match property {
            Property::ContentType(value) => Property::ContentType(text(value)),
            Property::ResponseTopic(value) => Property::ResponseTopic(text(value)),
            Property::CorrelationData(value) => Property::CorrelationData(Bytes::copy_from_slice(value)),
            Property::UserProperty(name, value) => Property::UserProperty(text(name), text(value)),
            other => other.clone(),
        })
        .collect()
}

/// The client and listener that a message came from. Both are empty for the broker's own messages.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub struct Source {
    pub client_id: ByteString,
    pub username: Option<ByteString>,
    pub listener_port: u16,
}

/// Names a stored message and says when it was stored, in the layout of [`StoreId`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u64);

impl MessageId {
    /// The id of a message that is stored at that time.
    pub fn at(wall: WallTime) -> Self {
        let nanos = i64::try_from(wall.nanos_since_epoch()).unwrap_or(i64::MAX);
        Self(StoreId::at(UnixTime::from_nanos(nanos)).0)
    }

    /// The next id: of the clock, or one more than the last when the clock stands still or was set back.
    #[must_use]
    pub fn next(self, wall: WallTime) -> Self {
        Self::at(wall).max(Self(self.0 + 1))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// 2021-11-17 16:57:53 UTC, when the ids begin.
    const EPOCH: u64 = 1_637_168_273;

    #[test]
    fn an_id_carries_the_second_and_units_of_128_nanoseconds() {
        let id = MessageId::at(WallTime::after_epoch(Duration::new(EPOCH + 3, 256)));
        assert_eq!(id, MessageId(3 << 23 | 2));
    }

    #[test]
    fn a_clock_set_back_does_not_take_ids_back() {
        let id = MessageId::at(WallTime::after_epoch(Duration::new(EPOCH + 100, 0)));
        assert_eq!(id.next(WallTime::after_epoch(Duration::new(EPOCH + 50, 0))), MessageId(id.0 + 1));
    }
}
