//! SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK, §3.8 to §3.11.

use bytes::{BufMut, BytesMut};
use bytestring::ByteString;

use super::wire::{Reader, field_length, put_field, put_header};
use super::{
    DecodeError, EncodeError, PacketId, PacketType, Properties, PropertyOwner, ProtocolVersion, QoS, ReasonCode,
};
use crate::mqtt::topic::is_shared;

/// SUBSCRIBE, §3.8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    pub packet_id: PacketId,
    pub properties: Properties,
    /// At least one [MQTT-3.8.3-2].
    pub subscriptions: Vec<Subscription>,
}

/// One topic filter of a SUBSCRIBE with its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub filter: ByteString,
    pub options: SubscriptionOptions,
}

/// Subscription options, §3.8.3.1. Before version 5 only `qos` goes over the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionOptions {
    pub qos: QoS,
    pub no_local: bool,
    pub retain_as_published: bool,
    pub retain_handling: RetainHandling,
}

/// When retained messages are sent at a SUBSCRIBE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum RetainHandling {
    #[default]
    SendAtSubscribe = 0,
    SendIfNew = 1,
    DoNotSend = 2,
}

/// SUBACK, §3.9: one code per filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubAck {
    pub packet_id: PacketId,
    pub properties: Properties,
    pub codes: Vec<ReasonCode>,
}

/// UNSUBSCRIBE, §3.10.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribe {
    pub packet_id: PacketId,
    pub properties: Properties,
    pub filters: Vec<ByteString>,
}

/// UNSUBACK, §3.11. `codes` is empty before version 5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsubAck {
    pub packet_id: PacketId,
    pub properties: Properties,
    pub codes: Vec<ReasonCode>,
}

const NO_LOCAL: u8 = 0x04;
const RETAIN_AS_PUBLISHED: u8 = 0x08;
const RETAIN_HANDLING_SHIFT: u32 = 4;

impl SubscriptionOptions {
    /// The options byte of version 5.
    pub fn bits(self) -> u8 {
        let mut bits = self.qos as u8 | (self.retain_handling as u8) << RETAIN_HANDLING_SHIFT;
        if self.no_local {
            bits |= NO_LOCAL;
        }
        if self.retain_as_published {
            bits |= RETAIN_AS_PUBLISHED;
        }
        bits
    }

    fn from_bits(bits: u8, version: ProtocolVersion) -> Result<Self, DecodeError> {
        let qos = QoS::try_from(bits & 3).map_err(DecodeError::QoS)?;
        if version < ProtocolVersion::V5 {
            // [MQTT-3.8.3-4] of 3.1.1
            let plain = Self { qos, ..Self::default() };
            return if bits > 2 { Err(DecodeError::SubscriptionOptions(bits)) } else { Ok(plain) };
        }
        let retain_handling = match bits >> RETAIN_HANDLING_SHIFT {
            0 => RetainHandling::SendAtSubscribe,
            1 => RetainHandling::SendIfNew,
            2 => RetainHandling::DoNotSend,
            _ => return Err(DecodeError::SubscriptionOptions(bits)),
        };
        let no_local = bits & NO_LOCAL != 0;
        Ok(Self { qos, no_local, retain_as_published: bits & RETAIN_AS_PUBLISHED != 0, retain_handling })
    }
}

/// The properties of a packet that starts with a packet id.
fn read_properties(
    reader: &mut Reader,
    owner: PropertyOwner,
    version: ProtocolVersion,
) -> Result<Properties, DecodeError> {
    if version < ProtocolVersion::V5 {
        return Ok(Properties::new());
    }
    Properties::read(reader, owner).map_err(|error| match (error, owner) {
        // To Mosquitto a property of another packet makes a request malformed, as an unknown one does.
        (DecodeError::PropertyNotAllowed(id), PropertyOwner::Subscribe | PropertyOwner::Unsubscribe) => {
            DecodeError::UnknownProperty(id as u32)
        }
        (error, _) => error,
    })
}

/// Bytes of the packet id and the properties.
fn front_len(properties: &Properties, version: ProtocolVersion) -> Result<usize, EncodeError> {
    if version == ProtocolVersion::V5 { Ok(2 + properties.encoded_len()?) } else { Ok(2) }
}

/// Writes the fixed header, the packet id and the properties.
fn put_front(
    kind: PacketType,
    length: usize,
    packet_id: PacketId,
    properties: &Properties,
    version: ProtocolVersion,
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    put_header(kind.first_byte(), length, out)?;
    out.put_u16(packet_id.get());
    if version == ProtocolVersion::V5 { properties.write(out) } else { Ok(()) }
}

impl Subscribe {
    pub(super) fn read(mut reader: Reader, version: ProtocolVersion) -> Result<Self, DecodeError> {
        let packet_id = reader.packet_id(PacketType::Subscribe)?;
        let properties = read_properties(&mut reader, PropertyOwner::Subscribe, version)?;
        let mut subscriptions = Vec::new();
        while !reader.is_empty() {
            // [MQTT-3.8.3-1]
            let filter = reader.string()?;
            let options = SubscriptionOptions::from_bits(reader.u8()?, version)?;
            // [MQTT-3.8.3-4]
            if options.no_local && is_shared(&filter) {
                return Err(DecodeError::NoLocalOnShared);
            }
            subscriptions.push(Subscription { filter, options });
        }
        // 3.1 does not forbid it.
        if subscriptions.is_empty() && version > ProtocolVersion::V31 {
            return Err(DecodeError::NoTopicFilter);
        }
        Ok(Self { packet_id, properties, subscriptions })
    }

    pub(super) fn body_len(&self, version: ProtocolVersion) -> Result<usize, EncodeError> {
        self.subscriptions.iter().try_fold(front_len(&self.properties, version)?, |sum, subscription| {
            Ok(sum + field_length(subscription.filter.as_bytes())? + 1)
        })
    }

    pub fn encode(&self, version: ProtocolVersion, out: &mut BytesMut) -> Result<(), EncodeError> {
        let length = self.body_len(version)?;
        put_front(PacketType::Subscribe, length, self.packet_id, &self.properties, version, out)?;
        for subscription in &self.subscriptions {
            put_field(subscription.filter.as_bytes(), out);
            let options = subscription.options;
            out.put_u8(if version == ProtocolVersion::V5 { options.bits() } else { options.qos as u8 });
        }
        Ok(())
    }
}

impl SubAck {
    pub(super) fn read(mut reader: Reader, version: ProtocolVersion) -> Result<Self, DecodeError> {
        let packet_id = reader.packet_id(PacketType::SubAck)?;
        let properties = read_properties(&mut reader, PropertyOwner::SubAck, version)?;
        if reader.is_empty() {
            return Err(DecodeError::NoSubAckCode);
        }
        let codes = reader.rest().iter().copied().map(ReasonCode).collect();
        Ok(Self { packet_id, properties, codes })
    }

    pub(super) fn body_len(&self, version: ProtocolVersion) -> Result<usize, EncodeError> {
        Ok(front_len(&self.properties, version)? + self.codes.len())
    }

    pub fn encode(&self, version: ProtocolVersion, out: &mut BytesMut) -> Result<(), EncodeError> {
        let length = self.body_len(version)?;
        put_front(PacketType::SubAck, length, self.packet_id, &self.properties, version, out)?;
        for code in &self.codes {
            // Before version 5 there is one way to say no [MQTT-3.9.3-2] of 3.1.1.
            let plain = version < ProtocolVersion::V5 && code.is_error();
            out.put_u8(if plain { ReasonCode::UNSPECIFIED_ERROR.0 } else { code.0 });
        }
        Ok(())
    }
}

impl Unsubscribe {
    pub(super) fn read(mut reader: Reader, version: ProtocolVersion) -> Result<Self, DecodeError> {
        let packet_id = reader.packet_id(PacketType::Unsubscribe)?;
        let properties = read_properties(&mut reader, PropertyOwner::Unsubscribe, version)?;
        let mut filters = Vec::new();
        while !reader.is_empty() {
            // [MQTT-3.10.3-1]
            filters.push(reader.string()?);
        }
        if filters.is_empty() && version > ProtocolVersion::V31 {
            return Err(DecodeError::NoTopicFilter);
        }
        Ok(Self { packet_id, properties, filters })
    }

    pub(super) fn body_len(&self, version: ProtocolVersion) -> Result<usize, EncodeError> {
        self.filters
            .iter()
            .try_fold(front_len(&self.properties, version)?, |sum, filter| Ok(sum + field_length(filter.as_bytes())?))
    }

    pub fn encode(&self, version: ProtocolVersion, out: &mut BytesMut) -> Result<(), EncodeError> {
        let length = self.body_len(version)?;
        put_front(PacketType::Unsubscribe, length, self.packet_id, &self.properties, version, out)?;
        for filter in &self.filters {
            put_field(filter.as_bytes(), out);
        }
        Ok(())
    }
}

impl UnsubAck {
    pub(super) fn read(mut reader: Reader, version: ProtocolVersion) -> Result<Self, DecodeError> {
        let packet_id = reader.packet_id(PacketType::UnsubAck)?;
        let properties = read_properties(&mut reader, PropertyOwner::UnsubAck, version)?;
        if version < ProtocolVersion::V5 {
            reader.finish()?;
            return Ok(Self { packet_id, properties, codes: Vec::new() });
        }
        let codes = reader.rest().iter().copied().map(ReasonCode).collect();
        Ok(Self { packet_id, properties, codes })
    }

    pub(super) fn body_len(&self, version: ProtocolVersion) -> Result<usize, EncodeError> {
        let codes = if version == ProtocolVersion::V5 { self.codes.len() } else { 0 };
        Ok(front_len(&self.properties, version)? + codes)
    }

    pub fn encode(&self, version: ProtocolVersion, out: &mut BytesMut) -> Result<(), EncodeError> {
        let length = self.body_len(version)?;
        put_front(PacketType::UnsubAck, length, self.packet_id, &self.properties, version, out)?;
        if version == ProtocolVersion::V5 {
            out.extend(self.codes.iter().map(|code| code.0));
        }
        Ok(())
    }
}
