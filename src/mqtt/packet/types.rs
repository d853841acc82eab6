//! What all packets are made of: packet ids, protocol versions, levels of QoS and packet types.

use std::num::{NonZeroU16, NonZeroU32};

use super::property::PropertyOwner;

/// A packet identifier; 0 is never one [MQTT-2.2.1-3].
pub type PacketId = NonZeroU16;

/// A subscription identifier, 1 to 268,435,455, §3.8.2.1.2; 0 is never one.
pub type SubscriptionIdentifier = NonZeroU32;

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

impl ProtocolVersion {
    /// The name that people use for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V31 => "MQTT 3.1",
            Self::V311 => "MQTT 3.1.1",
            Self::V5 => "MQTT 5",
        }
    }
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

    /// As the standard writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::ConnAck => "CONNACK",
            Self::Publish => "PUBLISH",
            Self::PubAck => "PUBACK",
            Self::PubRec => "PUBREC",
            Self::PubRel => "PUBREL",
            Self::PubComp => "PUBCOMP",
            Self::Subscribe => "SUBSCRIBE",
            Self::SubAck => "SUBACK",
            Self::Unsubscribe => "UNSUBSCRIBE",
            Self::UnsubAck => "UNSUBACK",
            Self::PingReq => "PINGREQ",
            Self::PingResp => "PINGRESP",
            Self::Disconnect => "DISCONNECT",
            Self::Auth => "AUTH",
        }
    }

    /// The first byte on the wire of a packet whose flags are not its own, §2.1.
    pub(super) const fn first_byte(self) -> u8 {
        (self as u8) << 4 | self.fixed_flags()
    }

    /// The low half of the first byte, where it is not the packet's own, §2.1.3.
    pub(super) const fn fixed_flags(self) -> u8 {
        match self {
            // [MQTT-3.6.1-1] [MQTT-3.8.1-1] [MQTT-3.10.1-1]
            Self::PubRel | Self::Subscribe | Self::Unsubscribe => 0b0010,
            // [MQTT-3.14.1-1] and [MQTT-3.15.1-1] among them.
            _ => 0,
        }
    }

    /// Whether a client may send the packet after CONNECT, which comes once [MQTT-3.1.0-2].
    pub(super) const fn goes_to_server(self) -> bool {
        !matches!(self, Self::Connect | Self::ConnAck | Self::SubAck | Self::UnsubAck | Self::PingResp)
    }

    pub(super) const fn goes_to_client(self) -> bool {
        !matches!(self, Self::Connect | Self::Subscribe | Self::Unsubscribe | Self::PingReq)
    }

    /// Whose properties the packet carries; a packet without any carries those of AUTH, which asks for none.
    pub(super) const fn property_owner(self) -> PropertyOwner {
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
