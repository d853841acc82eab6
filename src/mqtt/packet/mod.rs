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
mod types;
mod utf8;
mod wire;

pub use connect::{ConnAck, Connect, Will};
pub use decode::{Decoder, MAXIMUM_BEFORE_ACCEPTED, MAXIMUM_PACKET_SIZE};
pub use disconnect::{Auth, Disconnect};
pub use error::{DecodeError, EncodeError};
pub use property::{MAXIMUM_PROPERTIES, NO_PROPERTIES, Properties, Property, PropertyId, PropertyOwner, PropertyType};
pub use publish::{Ack, Publish, PublishRef};
pub use reason::{ReasonCode, refusal_text};
pub use receiver::Receiver;
pub use subscribe::{RetainHandling, SubAck, Subscribe, Subscription, SubscriptionOptions, UnsubAck, Unsubscribe};
pub use types::{PacketId, PacketType, ProtocolVersion, QoS, SubscriptionIdentifier};
pub use utf8::first_discouraged;
pub use wire::MAXIMUM_VARIABLE_BYTE_INTEGER;

use bytes::BytesMut;

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
        Ok(wire::with_header(match self {
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

    /// Whether the packet says only what the standard lists for it, §2.4. Before version 5 it says nothing, or has numbers of
    /// its own.
    pub fn has_listed_reasons(&self, version: ProtocolVersion) -> bool {
        let is_listed = |reason: &ReasonCode| reason.is_defined_in(self.kind());
        version < ProtocolVersion::V5
            || match self {
                Self::ConnAck(connack) => is_listed(&ReasonCode(connack.code)),
                Self::PubAck(ack) | Self::PubRec(ack) | Self::PubRel(ack) | Self::PubComp(ack) => {
                    is_listed(&ack.reason)
                }
                Self::SubAck(SubAck { codes, .. }) | Self::UnsubAck(UnsubAck { codes, .. }) => {
                    codes.iter().all(is_listed)
                }
                Self::Disconnect(Disconnect { reason, .. }) | Self::Auth(Auth { reason, .. }) => is_listed(reason),
                _ => true,
            }
    }
}

#[cfg(test)]
mod tests;
