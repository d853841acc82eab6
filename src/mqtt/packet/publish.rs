//! PUBLISH, §3.3, and the packets that acknowledge it, §3.4 to §3.7.

use bytes::{BufMut, Bytes, BytesMut};
use bytestring::ByteString;

use super::utf8::{has_wildcard, is_printable_ascii};
use super::wire::{Reader, field_length, put_field, put_header, with_header};
use super::{
    DecodeError, EncodeError, NO_PROPERTIES, PacketId, PacketType, Properties, PropertyId, PropertyOwner,
    ProtocolVersion, QoS, ReasonCode, Receiver,
};

/// PUBLISH, §3.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    pub dup: bool,
    pub qos: QoS,
    pub retain: bool,
    /// Empty in version 5 when a topic alias stands for it.
    pub topic: ByteString,
    /// Present exactly when `qos` is 1 or 2.
    pub packet_id: Option<PacketId>,
    pub properties: Properties,
    pub payload: Bytes,
}

/// A PUBLISH of borrowed parts: one message goes to many receivers without a copy of it for each.
#[derive(Clone, Copy, Debug)]
pub struct PublishRef<'a> {
    pub dup: bool,
    pub qos: QoS,
    pub retain: bool,
    pub topic: &'a str,
    /// Present exactly when `qos` is 1 or 2.
    pub packet_id: Option<PacketId>,
    pub properties: &'a Properties,
    pub payload: &'a [u8],
}

/// PUBACK, PUBREC, PUBREL and PUBCOMP, §3.4 to §3.7: same shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    pub packet_id: PacketId,
    pub reason: ReasonCode,
    pub properties: Properties,
}

const RETAIN: u8 = 0x01;
const QOS_SHIFT: u32 = 1;
const DUP: u8 = 0x08;

impl Publish {
    #[inline(always)]
    pub(super) fn read(
        mut reader: Reader,
        first: u8,
        version: ProtocolVersion,
        receiver: Receiver,
    ) -> Result<Self, DecodeError> {
        let qos = QoS::try_from(first >> QOS_SHIFT & 3).map_err(DecodeError::QoS)?;
        let dup = first & DUP != 0;
        // [MQTT-3.3.1-2]; 3.1 does not forbid it.
        if dup && qos == QoS::AtMostOnce && receiver == Receiver::Server && version > ProtocolVersion::V31 {
            return Err(DecodeError::DupAtQoS0);
        }
        // [MQTT-3.3.2-1]
        let topic = reader.string()?;
        let packet_id = if qos == QoS::AtMostOnce { None } else { Some(reader.packet_id(PacketType::Publish)?) };
        let properties = if version == ProtocolVersion::V5 {
            Properties::read(&mut reader, PropertyOwner::Publish).map_err(|error| match (error, receiver) {
                // [MQTT-3.3.4-6]: whatever its value, a client sends none.
                (DecodeError::PropertyValue(id @ PropertyId::SubscriptionIdentifier), Receiver::Server) => {
                    DecodeError::PropertyNotAllowed(id)
                }
                (error, _) => error,
            })?
        } else {
            Properties::new()
        };
        if receiver == Receiver::Server {
            // [MQTT-3.3.2-2]
            if has_wildcard(topic.as_bytes()) {
                return Err(DecodeError::TopicName);
            }
            // [MQTT-3.3.4-6]
            if properties.subscription_identifier().is_some() {
                return Err(DecodeError::PropertyNotAllowed(PropertyId::SubscriptionIdentifier));
            }
        }
        if topic.is_empty() && properties.topic_alias().is_none() {
            return Err(DecodeError::NoTopicName);
        }
        Ok(Self { dup, qos, retain: first & RETAIN != 0, topic, packet_id, properties, payload: reader.rest() })
    }

    #[inline]
    pub fn as_ref(&self) -> PublishRef<'_> {
        PublishRef {
            dup: self.dup,
            qos: self.qos,
            retain: self.retain,
            topic: &self.topic,
            packet_id: self.packet_id,
            properties: &self.properties,
            payload: &self.payload,
        }
    }
}

impl Publish {
    /// Copies what the packet shares with its read buffer: for a message that is kept longer than its neighbours,
    /// which would otherwise stay in memory with it.
    pub fn detach(&mut self) {
        self.topic = ByteString::from(&*self.topic);
        self.payload = Bytes::copy_from_slice(&self.payload);
        self.properties.detach();
    }
}

impl<'a> PublishRef<'a> {
    /// The message of a PUBLISH with QoS 0 and no properties, if its topic is printable ASCII. `last_topic` is the
    /// topic before it, or empty: the same need not be checked again.
    #[inline]
    pub(super) fn plain(first: u8, body: &'a [u8], version: ProtocolVersion, last_topic: &'a str) -> Option<Self> {
        if first & !RETAIN != (PacketType::Publish as u8) << 4 {
            return None;
        }
        let (length, rest) = body.split_first_chunk()?;
        let (topic, mut payload) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        if topic.is_empty() {
            return None;
        }
        let topic = if topic == last_topic.as_bytes() {
            last_topic
        } else {
            str::from_utf8(topic).ok().filter(|_| is_printable_ascii(topic))?
        };
        if version == ProtocolVersion::V5 {
            payload = payload.strip_prefix(&[0])?;
        }
        Some(Self {
            dup: false,
            qos: QoS::AtMostOnce,
            retain: first & RETAIN != 0,
            topic,
            packet_id: None,
            properties: &NO_PROPERTIES,
            payload,
        })
    }
}

impl PublishRef<'_> {
    /// The message on its own, of no connection yet.
    pub fn to_message(&self) -> Publish {
        self.with_payload(Bytes::copy_from_slice(self.payload))
    }

    /// As [`PublishRef::to_message`]; `payload` has the same bytes.
    pub fn with_payload(&self, payload: Bytes) -> Publish {
        Publish {
            dup: false,
            qos: self.qos,
            retain: self.retain,
            topic: ByteString::from(self.topic),
            packet_id: None,
            properties: self.properties.clone(),
            payload,
        }
    }

    /// Type and flags, §3.3.1.
    #[inline]
    pub(super) fn first_byte(&self) -> u8 {
        let mut first = (PacketType::Publish as u8) << 4 | (self.qos as u8) << QOS_SHIFT;
        if self.dup {
            first |= DUP;
        }
        if self.retain {
            first |= RETAIN;
        }
        first
    }

    /// Bytes after the fixed header.
    #[inline]
    pub(super) fn body_len(&self, version: ProtocolVersion) -> Result<usize, EncodeError> {
        if self.packet_id.is_some() == (self.qos == QoS::AtMostOnce) {
            return Err(EncodeError::PacketId);
        }
        let mut length = field_length(self.topic.as_bytes())? + self.payload.len();
        if self.packet_id.is_some() {
            length += 2;
        }
        if version == ProtocolVersion::V5 {
            length += self.properties.encoded_len()?;
        }
        Ok(length)
    }

    #[inline]
    pub fn encode(&self, version: ProtocolVersion, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_header(self.first_byte(), self.body_len(version)?, out)?;
        put_field(self.topic.as_bytes(), out);
        if let Some(packet_id) = self.packet_id {
            out.put_u16(packet_id.get());
        }
        if version == ProtocolVersion::V5 {
            self.properties.write(out)?;
        }
        out.put_slice(self.payload);
        Ok(())
    }

    /// Bytes on the wire, the fixed header included.
    #[inline]
    pub fn encoded_len(&self, version: ProtocolVersion) -> Result<usize, EncodeError> {
        Ok(with_header(self.body_len(version)?))
    }
}

/// What acknowledges a message has its packet id [MQTT-2.2.1-5]. What we make has no Reason String and no User Property, so
/// none makes it too large for the peer: not PUBACK [MQTT-3.4.2-2] [MQTT-3.4.2-3], not PUBREC [MQTT-3.5.2-2] [MQTT-3.5.2-3],
/// not PUBREL [MQTT-3.6.2-2] [MQTT-3.6.2-3], not PUBCOMP [MQTT-3.7.2-2] [MQTT-3.7.2-3].
impl Ack {
    /// The acknowledgement that all went well.
    pub const fn new(packet_id: PacketId) -> Self {
        Self { packet_id, reason: ReasonCode::SUCCESS, properties: Properties::new() }
    }

    pub const fn with_reason(packet_id: PacketId, reason: ReasonCode) -> Self {
        Self { packet_id, reason, properties: Properties::new() }
    }

    pub(super) fn read(
        mut reader: Reader,
        kind: PacketType,
        version: ProtocolVersion,
        receiver: Receiver,
    ) -> Result<Self, DecodeError> {
        let mut ack = Self::new(reader.packet_id(kind)?);
        if version == ProtocolVersion::V5 {
            // §3.4.2.1: both may be left out, the properties alone as well.
            if !reader.is_empty() {
                ack.reason = reader.reason(kind, receiver)?;
            }
            if !reader.is_empty() {
                ack.properties = Properties::read(&mut reader, kind.property_owner())?;
            }
        }
        reader.finish()?;
        Ok(ack)
    }

    pub(super) fn body_len(&self, version: ProtocolVersion) -> Result<usize, EncodeError> {
        Ok(match version {
            ProtocolVersion::V5 if !self.properties.is_empty() => 3 + self.properties.encoded_len()?,
            ProtocolVersion::V5 if self.reason != ReasonCode::SUCCESS => 3,
            _ => 2,
        })
    }

    pub(super) fn encode(
        &self,
        kind: PacketType,
        version: ProtocolVersion,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let length = self.body_len(version)?;
        put_header(kind.first_byte(), length, out)?;
        out.put_u16(self.packet_id.get());
        if length > 2 {
            out.put_u8(self.reason.0);
        }
        if length > 3 {
            self.properties.write(out)?;
        }
        Ok(())
    }
}
