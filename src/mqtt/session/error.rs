//! Why a session's connection cannot go on, and why something cannot be sent.

use crate::mqtt::alias::AliasError;
use crate::mqtt::packet::{DecodeError, EncodeError, PacketType, PropertyOwner, QoS, ReasonCode};
use crate::scram::Distrust;

/// The server, or the line to it, broke the rules: the connection is over. In version 5 the DISCONNECT that says so
/// is in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionError {
    /// Bytes that are no packet, or a larger one than this client announced to take.
    Decode(DecodeError),
    /// Anything but CONNACK or AUTH before the server has accepted.
    BeforeConnAck(PacketType),
    DuplicateConnAck,
    /// [MQTT-3.2.2-2]: CONNACK found a session although a clean start was asked for.
    UnexpectedSessionPresent,
    /// The server assigned a client id to a client that has one.
    UnexpectedClientId,
    /// An acknowledgement with a reason code that it cannot have.
    ReasonCode {
        packet: PacketType,
        reason: ReasonCode,
    },
    /// An acknowledgement that does not belong to the QoS of its message, or comes before its time.
    OtherFlow(PacketType),
    /// More QoS 2 messages than this client's receive maximum [MQTT-3.3.4-9].
    ReceiveMaximumExceeded,
    /// An alias above this client's maximum [MQTT-3.1.2-26].
    TopicAlias(u16),
    /// An alias that stands for no topic.
    UnknownTopicAlias(u16),
    /// The server is not to be believed, §4.12.
    Authentication(Distrust),
    /// No answer to PINGREQ, or no CONNACK, within the keep-alive time.
    KeepAlive,
    /// No CONNACK within the limit that was set for it.
    NoConnAck,
}

impl From<Distrust> for SessionError {
    fn from(why: Distrust) -> Self {
        Self::Authentication(why)
    }
}

impl From<AliasError> for SessionError {
    fn from(error: AliasError) -> Self {
        match error {
            AliasError::AboveMaximum(alias) => Self::TopicAlias(alias),
            AliasError::Unbound(alias) => Self::UnknownTopicAlias(alias),
        }
    }
}

impl SessionError {
    /// The code that version 5 has for it.
    pub const fn reason_code(self) -> ReasonCode {
        match self {
            Self::Decode(error) => error.reason_code(),
            Self::ReceiveMaximumExceeded => ReasonCode::RECEIVE_MAXIMUM_EXCEEDED,
            // The standard has no code for an alias without a topic; this is Mosquitto's.
            Self::TopicAlias(_) | Self::UnknownTopicAlias(_) => ReasonCode::TOPIC_ALIAS_INVALID,
            Self::KeepAlive | Self::NoConnAck => ReasonCode::KEEP_ALIVE_TIMEOUT,
            // "Not authorized" is the server's alone to say, §3.14.2.1.
            Self::Authentication(Distrust::Signature | Distrust::NoSignature) => ReasonCode::UNSPECIFIED_ERROR,
            _ => ReasonCode::PROTOCOL_ERROR,
        }
    }
}

/// Why a packet was not sent. The session goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// No server has accepted, or DISCONNECT has been sent.
    NotConnected,
    /// The server's maximum is lower.
    QoSNotSupported {
        maximum: QoS,
    },
    /// The server does not take packets of this size.
    PacketTooLarge {
        size: usize,
        maximum: usize,
    },
    /// The server keeps no messages.
    RetainNotSupported,
    /// A property that does not belong there, comes twice, or has a value out of range.
    Property {
        owner: PropertyOwner,
        error: DecodeError,
    },
    /// Properties, in a version that has none.
    NoProperties,
    /// 65,535 messages and requests wait for their acknowledgements.
    NoFreePacketId,
    /// The system has no random bytes, and a login needs some.
    NoRandomNumbers,
    Encode(EncodeError),
}

impl From<EncodeError> for SendError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<crate::mqtt::flow::NoFreePacketId> for SendError {
    fn from(_: crate::mqtt::flow::NoFreePacketId) -> Self {
        Self::NoFreePacketId
    }
}
