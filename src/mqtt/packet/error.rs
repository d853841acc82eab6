//! What can be wrong with a packet, as facts; each knows the v5 reason code that answers it.

use super::property::PropertyId;
use super::reason::ReasonCode;
use super::types::PacketType;

/// Why bytes are not a packet. The connection ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Type 0, or AUTH before version 5.
    UnknownPacketType(u8),
    /// A packet that this side never receives, one before CONNECT, or a second CONNECT.
    UnexpectedPacket(PacketType),
    /// The flags of the fixed header, §2.1.3; the whole first byte.
    Flags(u8),
    /// DUP on QoS 0 [MQTT-3.3.1-2].
    DupAtQoS0,
    /// QoS 3 [MQTT-3.3.1-4], or a QoS above 2 in a will or a subscription.
    QoS(u8),
    /// The remaining length has a fifth byte, or more bytes than needed [MQTT-1.5.5-1].
    RemainingLength,
    /// The fixed header announces more than this side takes; known before the rest has come.
    PacketTooLarge {
        size: usize,
        maximum: usize,
    },
    /// Longer than any such packet needs to be; known from the fixed header, refused by servers only.
    BodyTooLong {
        packet: PacketType,
        length: usize,
    },
    /// A field reaches over the end of its packet.
    Truncated,
    /// Bytes follow the last field.
    TrailingBytes,
    /// A variable byte integer with a fifth byte, or more bytes than needed [MQTT-1.5.5-1].
    VariableByteInteger,
    /// Not UTF-8, surrogates and overlong forms included [MQTT-1.5.4-1].
    Utf8,
    /// U+0000 in a string [MQTT-1.5.4-2].
    NulCharacter,
    /// A control character or a non-character, which a string SHOULD NOT hold, §1.5.4; refused by servers only.
    DiscouragedCharacter(char),
    /// [MQTT-2.2.1-3].
    PacketIdZero(PacketType),
    /// Neither `MQTT` nor `MQIsdp` [MQTT-3.1.2-1].
    ProtocolName,
    /// A level that `MQTT` does not have [MQTT-3.1.2-2].
    ProtocolVersion(u8),
    /// A level of the other protocol name: 3 belongs to `MQIsdp`, all others to `MQTT`.
    ProtocolMismatch(u8),
    /// Reserved bit, will QoS or will retain without will, password without user name.
    ConnectFlags(u8),
    /// A client id that is no string a server takes [MQTT-3.1.3-4].
    ClientIdentifier,
    /// A field of CONNECT's payload that is missing, cut off, not UTF-8 or, for the will, not allowed.
    ConnectPayload,
    /// An empty will topic.
    NoWillTopic,
    /// Reserved bits of CONNACK's first byte [MQTT-3.2.2-1].
    ConnAckFlags(u8),
    /// A CONNACK of two bytes on a version 5 connection: what a broker that knows only 3.x answers.
    ConnAckWithoutProperties {
        code: u8,
    },
    /// A wildcard in a topic name [MQTT-3.3.2-2].
    TopicName,
    /// An empty topic name [MQTT-4.7.3-1] without an alias that stands for it.
    NoTopicName,
    /// An identifier that §2.2.2.2 does not list.
    UnknownProperty(u32),
    PropertyNotAllowed(PropertyId),
    DuplicateProperty(PropertyId),
    /// A value outside the property's range.
    PropertyValue(PropertyId),
    /// A string in a property that is not one [MQTT-1.5.4-1].
    PropertyText(PropertyId),
    /// More than [`MAXIMUM_PROPERTIES`](super::MAXIMUM_PROPERTIES).
    TooManyProperties,
    /// Authentication data without a method, §3.1.2.11.10.
    AuthenticationDataWithoutMethod,
    /// SUBSCRIBE or UNSUBSCRIBE without a filter [MQTT-3.8.3-2] [MQTT-3.10.3-2].
    NoTopicFilter,
    /// SUBACK without a code, although SUBSCRIBE had a filter [MQTT-3.8.4-6].
    NoSubAckCode,
    /// Reserved bits or retain handling 3 [MQTT-3.8.3-5].
    SubscriptionOptions(u8),
    /// [MQTT-3.8.3-4].
    NoLocalOnShared,
    /// A reason code that the packet does not have; refused by servers only.
    ReasonCode {
        packet: PacketType,
        code: u8,
    },
}

impl DecodeError {
    /// The code for the DISCONNECT, or before it the CONNACK, that answers the packet in version 5. Where the standard
    /// leaves the choice between a malformed packet and a protocol error, it is Mosquitto's.
    pub const fn reason_code(self) -> ReasonCode {
        match self {
            // A request with packet id 0 is malformed to Mosquitto, a message with it a protocol error.
            Self::PacketIdZero(PacketType::Subscribe | PacketType::Unsubscribe)
            | Self::PropertyValue(PropertyId::SubscriptionIdentifier) => ReasonCode::MALFORMED_PACKET,
            Self::PacketIdZero(_)
            | Self::UnknownPacketType(_)
            | Self::UnexpectedPacket(_)
            | Self::ConnAckFlags(_)
            | Self::NoWillTopic
            | Self::NoSubAckCode
            | Self::NoLocalOnShared
            | Self::AuthenticationDataWithoutMethod
            | Self::DuplicateProperty(_)
            | Self::PropertyNotAllowed(_)
            | Self::PropertyValue(_)
            | Self::ReasonCode { .. } => ReasonCode::PROTOCOL_ERROR,
            Self::PacketTooLarge { .. } | Self::BodyTooLong { .. } | Self::TooManyProperties => {
                ReasonCode::PACKET_TOO_LARGE
            }
            Self::ProtocolName | Self::ProtocolVersion(_) | Self::ProtocolMismatch(_) => {
                ReasonCode::UNSUPPORTED_PROTOCOL_VERSION
            }
            Self::ClientIdentifier => ReasonCode::CLIENT_IDENTIFIER_NOT_VALID,
            _ => ReasonCode::MALFORMED_PACKET,
        }
    }

    /// What a server answers in version 5 before it closes. `None`: it only closes, where Mosquitto does; the standard
    /// leaves it free.
    pub const fn answer(self) -> Option<ReasonCode> {
        match self {
            Self::RemainingLength
            | Self::BodyTooLong { .. }
            | Self::UnexpectedPacket(PacketType::Connect)
            | Self::ConnectFlags(_)
            | Self::ConnectPayload
            | Self::PropertyText(_)
            | Self::ReasonCode { packet: PacketType::Disconnect, .. } => None,
            other => Some(other.reason_code()),
        }
    }
}

/// Why a [`Packet`](super::Packet) cannot be put on the wire: a mistake of this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// A string or binary field above 65,535 bytes.
    FieldTooLong { length: usize },
    /// More than 268,435,455 bytes after the fixed header.
    PacketTooLarge { length: usize },
    /// Above 268,435,455.
    SubscriptionIdentifier(u32),
    /// A packet id at QoS 0, or none above it [MQTT-2.2.1-2].
    PacketId,
    /// AUTH before version 5, or a CONNECT of another version than the connection's.
    Version,
}
