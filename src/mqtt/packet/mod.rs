//! Bytes ⇄ [`Packet`]: one type for MQTT 3.1, 3.1.1 and 5, for both ends of a connection.
//!
//! Strings and payloads are slices of the buffer they were read into ([`bytes::Bytes`]); nothing is copied.
//! Reason codes stay raw numbers with names beside them, so an unknown one is not a decode error.
//! Properties stay in wire order.

mod connect;
mod decode;
mod disconnect;
mod error;
mod property;
mod publish;
mod reason;
mod receiver;
mod subscribe;
mod utf8;
mod wire;

pub use connect::{ConnAck, Connect, Will};
pub use decode::{Decoder, MAXIMUM_PACKET_SIZE};
pub use disconnect::{Auth, Disconnect};
pub use error::{DecodeError, EncodeError};
pub use property::{MAXIMUM_PROPERTIES, NO_PROPERTIES, Properties, Property, PropertyId, PropertyOwner, PropertyType};
pub use publish::{Ack, Publish, PublishRef};
pub use reason::{ReasonCode, refusal_text};
pub use receiver::Receiver;
pub use subscribe::{RetainHandling, SubAck, Subscribe, Subscription, SubscriptionOptions, UnsubAck, Unsubscribe};
pub use utf8::first_discouraged;
pub use wire::MAXIMUM_VARIABLE_BYTE_INTEGER;

use std::num::NonZeroU16;

use bytes::BytesMut;

/// A packet identifier; 0 is never one [MQTT-2.2.1-3].
pub type PacketId = NonZeroU16;

/// Protocol version, by its level in CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ProtocolVersion {
    /// 3.1, protocol name `MQIsdp`.
    V31 = 3,
    /// 3.1.1.
    V311 = 4,
    V5 = 5,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum QoS {
    #[default]
    AtMostOnce = 0,
    AtLeastOnce = 1,
    ExactlyOnce = 2,
}

impl TryFrom<u8> for QoS {
    type Error = u8;

    fn try_from(level: u8) -> Result<Self, u8> {
        match level {
            0 => Ok(Self::AtMostOnce),
            1 => Ok(Self::AtLeastOnce),
            2 => Ok(Self::ExactlyOnce),
            other => Err(other),
        }
    }
}

/// Any MQTT control packet. Fields that a version lacks are empty or zero in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    Connect(Box<Connect>),
    ConnAck(ConnAck),
    Publish(Publish),
    PubAck(Ack),
    PubRec(Ack),
    PubRel(Ack),
    PubComp(Ack),
    Subscribe(Subscribe),
    SubAck(SubAck),
    Unsubscribe(Unsubscribe),
    UnsubAck(UnsubAck),
    PingReq,
    PingResp,
    Disconnect(Disconnect),
    Auth(Auth),
}

/// The type of a control packet, §2.1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PacketType {
    Connect = 1,
    ConnAck = 2,
    Publish = 3,
    PubAck = 4,
    PubRec = 5,
    PubRel = 6,
    PubComp = 7,
    Subscribe = 8,
    SubAck = 9,
    Unsubscribe = 10,
    UnsubAck = 11,
    PingReq = 12,
    PingResp = 13,
    Disconnect = 14,
    Auth = 15,
}

impl PacketType {
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Connect,
            2 => Self::ConnAck,
            3 => Self::Publish,
            4 => Self::PubAck,
            5 => Self::PubRec,
            6 => Self::PubRel,
            7 => Self::PubComp,
            8 => Self::Subscribe,
            9 => Self::SubAck,
            10 => Self::Unsubscribe,
            11 => Self::UnsubAck,
            12 => Self::PingReq,
            13 => Self::PingResp,
            14 => Self::Disconnect,
            15 => Self::Auth,
            _ => return None,
        })
    }

    /// The first byte on the wire of a packet whose flags are not its own, §2.1.
    const fn first_byte(self) -> u8 {
        (self as u8) << 4 | self.fixed_flags()
    }

    /// The low half of the first byte, where it is not the packet's own, §2.1.3.
    const fn fixed_flags(self) -> u8 {
        match self {
            Self::PubRel | Self::Subscribe | Self::Unsubscribe => 0b0010,
            _ => 0,
        }
    }

    /// After CONNECT, which comes once.
    const fn goes_to_server(self) -> bool {
        !matches!(self, Self::Connect | Self::ConnAck | Self::SubAck | Self::UnsubAck | Self::PingResp)
    }

    const fn goes_to_client(self) -> bool {
        !matches!(self, Self::Connect | Self::Subscribe | Self::Unsubscribe | Self::PingReq)
    }

    /// Whose properties the packet carries; a packet without any carries those of AUTH, which asks for none.
    const fn property_owner(self) -> PropertyOwner {
        match self {
            Self::Connect => PropertyOwner::Connect,
            Self::ConnAck => PropertyOwner::ConnAck,
            Self::Publish => PropertyOwner::Publish,
            Self::PubAck => PropertyOwner::PubAck,
            Self::PubRec => PropertyOwner::PubRec,
            Self::PubRel => PropertyOwner::PubRel,
            Self::PubComp => PropertyOwner::PubComp,
            Self::Subscribe => PropertyOwner::Subscribe,
            Self::SubAck => PropertyOwner::SubAck,
            Self::Unsubscribe => PropertyOwner::Unsubscribe,
            Self::UnsubAck => PropertyOwner::UnsubAck,
            Self::Disconnect => PropertyOwner::Disconnect,
            Self::PingReq | Self::PingResp | Self::Auth => PropertyOwner::Auth,
        }
    }
}

impl Packet {
    /// The first byte on the wire, §2.1.
    pub fn first_byte(&self) -> u8 {
        match self {
            Self::Publish(publish) => publish.as_ref().first_byte(),
            other => other.kind().first_byte(),
        }
    }

    pub const fn kind(&self) -> PacketType {
        match self {
            Self::Connect(_) => PacketType::Connect,
            Self::ConnAck(_) => PacketType::ConnAck,
            Self::Publish(_) => PacketType::Publish,
            Self::PubAck(_) => PacketType::PubAck,
            Self::PubRec(_) => PacketType::PubRec,
            Self::PubRel(_) => PacketType::PubRel,
            Self::PubComp(_) => PacketType::PubComp,
            Self::Subscribe(_) => PacketType::Subscribe,
            Self::SubAck(_) => PacketType::SubAck,
            Self::Unsubscribe(_) => PacketType::Unsubscribe,
            Self::UnsubAck(_) => PacketType::UnsubAck,
            Self::PingReq => PacketType::PingReq,
            Self::PingResp => PacketType::PingResp,
            Self::Disconnect(_) => PacketType::Disconnect,
            Self::Auth(_) => PacketType::Auth,
        }
    }

    /// Appends the packet to `out` in the form of `version`; what that version lacks is left out. On an error
    /// nothing is appended.
    pub fn encode(&self, version: ProtocolVersion, out: &mut BytesMut) -> Result<(), EncodeError> {
        match self {
            Self::Connect(connect) if connect.version == version => connect.encode(out),
            Self::Connect(_) => Err(EncodeError::Version),
            Self::ConnAck(connack) => connack.encode(version, out),
            Self::Publish(publish) => publish.as_ref().encode(version, out),
            Self::PubAck(ack) | Self::PubRec(ack) | Self::PubRel(ack) | Self::PubComp(ack) => {
                ack.encode(self.kind(), version, out)
            }
            Self::Subscribe(subscribe) => subscribe.encode(version, out),
            Self::SubAck(suback) => suback.encode(version, out),
            Self::Unsubscribe(unsubscribe) => unsubscribe.encode(version, out),
            Self::UnsubAck(unsuback) => unsuback.encode(version, out),
            Self::PingReq | Self::PingResp => wire::put_header((self.kind() as u8) << 4, 0, out),
            Self::Disconnect(disconnect) => disconnect.encode(version, out),
            Self::Auth(auth) => auth.encode(version, out),
        }
    }

    /// Bytes on the wire, the fixed header included: what a maximum packet size counts.
    pub fn encoded_len(&self, version: ProtocolVersion) -> Result<usize, EncodeError> {
        Ok(with_header(match self {
            Self::Connect(connect) => connect.body_len()?,
            Self::ConnAck(connack) => connack.body_len(version)?,
            Self::Publish(publish) => publish.as_ref().body_len(version)?,
            Self::PubAck(ack) | Self::PubRec(ack) | Self::PubRel(ack) | Self::PubComp(ack) => ack.body_len(version)?,
            Self::Subscribe(subscribe) => subscribe.body_len(version)?,
            Self::SubAck(suback) => suback.body_len(version)?,
            Self::Unsubscribe(unsubscribe) => unsubscribe.body_len(version)?,
            Self::UnsubAck(unsuback) => unsuback.body_len(version)?,
            Self::PingReq | Self::PingResp => 0,
            Self::Disconnect(disconnect) => disconnect.body_len(version)?,
            Self::Auth(auth) => auth.body_len()?,
        }))
    }
}

/// Bytes of a packet whose body has `length` bytes.
#[inline]
const fn with_header(length: usize) -> usize {
    1 + wire::variable_length(length) + length
}

#[cfg(test)]
mod tests;
