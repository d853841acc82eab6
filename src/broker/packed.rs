//! A message as it is kept for long: small ones in one piece of memory, in which their texts are nearly all.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;

use super::message::{Content, Message, MessageId, Source};
use crate::mqtt::packet::{NO_PROPERTIES, PacketId, Properties, QoS};

/// A larger message, in bytes, is shared with the queues that it waits in: another copy would take more than it saves.
const MOST: usize = 1024;

/// What stands before the texts: flags, the number of the source, the packet id, the length of the topic.
const HEAD: usize = 1 + 4 + 2 + 2;

const RETAIN: u8 = 1 << 2;

/// A message without its id.
#[derive(Debug)]
pub(super) enum Kept {
    Packed(Packed),
    Whole(Arc<Message>),
}

/// A message without properties: its head, topic and payload.
#[derive(Debug, Default)]
pub(super) struct Packed(Box<[u8]>);

impl Kept {
    /// `source`: what is to be remembered in place of the message's source.
    pub(super) fn new(message: &Arc<Message>, source: impl FnOnce() -> u32) -> Self {
        let is_small = message.topic.len() + message.payload.len() <= MOST;
        if is_small && message.properties.is_empty() && message.expires_at.is_none() {
            Self::Packed(Packed::new(message, source()))
        } else {
            Self::Whole(Arc::clone(message))
        }
    }

    /// What stands where nothing is kept. It has no texts.
    pub(super) fn nothing() -> Self {
        Self::Packed(Packed::default())
    }

    pub(super) fn topic(&self) -> &[u8] {
        match self {
            Self::Packed(packed) => packed.texts().0,
            Self::Whole(message) => message.topic.as_bytes(),
        }
    }

    pub(super) fn payload(&self) -> &[u8] {
        match self {
            Self::Packed(packed) => packed.texts().1,
            Self::Whole(message) => &message.payload,
        }
    }
}

impl Packed {
    fn new(message: &Message, source: u32) -> Self {
        let mut bytes = Vec::with_capacity(HEAD + message.topic.len() + message.payload.len());
        bytes.push(message.qos as u8 | if message.retain { RETAIN } else { 0 });
        bytes.extend(source.to_le_bytes());
        bytes.extend(message.packet_id.map_or(0, PacketId::get).to_le_bytes());
        bytes.extend((message.topic.len() as u16).to_le_bytes());
        bytes.extend(message.topic.as_bytes());
        bytes.extend(&message.payload);
        Self(bytes.into_boxed_slice())
    }

    fn head(&self) -> &[u8; HEAD] {
        self.0.first_chunk().expect("it was made with a head")
    }

    fn texts(&self) -> (&[u8], &[u8]) {
        let [.., low, high] = *self.head();
        self.0[HEAD..].split_at(usize::from(u16::from_le_bytes([low, high])))
    }

    pub(super) fn source(&self) -> u32 {
        let [_, one, two, three, four, ..] = *self.head();
        u32::from_le_bytes([one, two, three, four])
    }

    fn qos(&self) -> QoS {
        let [flags, ..] = *self.head();
        QoS::try_from(flags & !RETAIN).expect("it was made of one")
    }

    /// What a client gets of it.
    pub(super) fn content(&self) -> Content<'_> {
        let (topic, payload) = self.texts();
        Content { topic: text(topic), payload, qos: self.qos(), properties: &NO_PROPERTIES, expires_at: None }
    }

    pub(super) fn unpack(&self, id: MessageId, source: Arc<Source>) -> Message {
        let [flags, _, _, _, _, low, high, ..] = *self.head();
        let (topic, payload) = self.texts();
        Message {
            id,
            topic: ByteString::from(text(topic)),
            payload: Bytes::copy_from_slice(payload),
            qos: self.qos(),
            retain: flags & RETAIN != 0,
            properties: Properties::new(),
            expires_at: None,
            packet_id: PacketId::new(u16::from_le_bytes([low, high])),
            source,
        }
    }
}

/// The text of [`Kept::topic`].
pub(super) fn text(topic: &[u8]) -> &str {
    str::from_utf8(topic).expect("it is that of a text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::WallTime;
    use crate::mqtt::packet::Property;

    fn message(topic: &str, payload: &[u8]) -> Message {
        let payload = Bytes::copy_from_slice(payload);
        Message { id: MessageId(7), topic: topic.into(), payload, retain: true, ..Message::example() }
    }

    #[test]
    fn what_is_packed_comes_out_as_it_went_in() {
        for (qos, packet_id) in [(QoS::AtMostOnce, 0), (QoS::AtLeastOnce, 1), (QoS::ExactlyOnce, 65_535)] {
            for (topic, payload) in [("t", &b""[..]), ("a/ü/\u{10000}", b"\0\xff"), (&"x".repeat(1_000), &[1; 24])] {
                let packet_id = PacketId::new(packet_id);
                let message =
                    Arc::new(Message { qos, packet_id, retain: qos > QoS::AtMostOnce, ..message(topic, payload) });
                let kept = Kept::new(&message, || 0x0102_0304);
                assert_eq!((kept.topic(), kept.payload()), (topic.as_bytes(), payload));
                let Kept::Packed(packed) = kept else { panic!("{topic}") };
                assert_eq!(packed.source(), 0x0102_0304);
                assert_eq!(packed.content(), Content::of(&message));
                assert_eq!(packed.unpack(MessageId(7), Arc::default()), *message);
            }
        }
    }

    #[test]
    fn what_is_large_or_has_more_to_it_is_shared() {
        let whole = [
            message("t", &[0; MOST]),
            Message { expires_at: Some(WallTime::default()), ..message("t", b"") },
            Message { properties: [Property::ContentType("x".into())].into_iter().collect(), ..message("t", b"") },
        ];
        for message in whole {
            let message = Arc::new(message);
            let kept = Kept::new(&message, || unreachable!("it has its source with it"));
            assert_eq!((kept.topic(), kept.payload()), (&b"t"[..], &*message.payload));
            assert!(matches!(kept, Kept::Whole(same) if Arc::ptr_eq(&same, &message)));
        }
        assert_eq!(size_of::<Kept>(), 16);
    }
}
