//! What the core did, for the log: facts, no sentences.

use std::fmt;

use bytestring::ByteString;

use super::{ConnectionId, ListenerId, Peer};
use crate::jwt;
use crate::mqtt::packet::{DecodeError, Packet, PacketId, ProtocolVersion, Publish, QoS, ReasonCode};

/// Which events are wanted; the others are not even made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Clients coming and going, drops, expiry.
    pub notices: bool,
    /// Every packet.
    pub packets: bool,
    /// `Subscribed` and `Unsubscribed`.
    pub subscriptions: bool,
}

/// `client` is the client id, or the peer's host before that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Opened {
        peer: Box<str>,
        listener: ListenerId,
    },
    MaxConnectionsExceeded {
        peer: Box<str>,
    },
    Connected {
        client: ByteString,
        peer: Box<str>,
        version: ProtocolVersion,
        clean_start: bool,
        keep_alive: u16,
        username: Option<ByteString>,
    },
    /// The TLS session of a client, as `TLSv1.3 cipher TLS_AES_256_GCM_SHA384`.
    Negotiated {
        client: ByteString,
        session: ByteString,
    },
    /// The client speaks TLS, and the listener does not.
    UnexpectedTls {
        peer: Box<str>,
    },
    /// TLS or the websocket did not come about.
    HandshakeFailed {
        peer: Peer,
        listener: ListenerId,
        why: String,
    },
    /// From now on nothing can be kept. The connections that waited for it are ended; the rest goes on.
    StoreFailed {
        why: String,
    },
    StoreRecovered,
    Will {
        client: ByteString,
        topic: ByteString,
        bytes: usize,
        qos: QoS,
        retain: bool,
    },
    NoWill {
        client: ByteString,
    },
    /// The client did what Mosquitto's log has a line for, besides the end of its connection.
    Offended {
        client: ByteString,
        peer: Box<str>,
        offence: Offence,
    },
    Disconnected {
        connection: ConnectionId,
        client: ByteString,
        peer: Box<str>,
        why: Closing,
    },
    MessagesDropped {
        client: ByteString,
    },
    Expired {
        client: ByteString,
    },
    Subscribed {
        client: ByteString,
        qos: QoS,
        filter: ByteString,
    },
    Unsubscribed {
        client: ByteString,
        filter: ByteString,
    },
    /// A filter of a SUBSCRIBE that came, with the granted QoS, `None` when refused; or of an UNSUBSCRIBE.
    Filter {
        filter: ByteString,
        granted: Option<QoS>,
    },
    FilterGone(ByteString),
    Received(ByteString, PacketSummary),
    Sent(ByteString, PacketSummary),
    PublishDenied {
        client: ByteString,
        publish: PublishSummary,
    },
    PublishTooLarge {
        client: ByteString,
        publish: PublishSummary,
    },
}

/// What a debug line says of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PacketSummary {
    ConnAck { session_present: bool, code: u8 },
    Publish(PublishSummary),
    PubAck { packet_id: PacketId, reason: ReasonCode },
    PubRec { packet_id: PacketId, reason: ReasonCode },
    PubRel { packet_id: PacketId, reason: ReasonCode },
    PubComp { packet_id: PacketId, reason: ReasonCode },
    Subscribe,
    SubAck,
    Unsubscribe,
    UnsubAck,
    PingReq,
    PingResp,
    Disconnect { reason: ReasonCode },
    Auth,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishSummary {
    pub dup: bool,
    pub qos: QoS,
    pub retain: bool,
    /// `None` at QoS 0.
    pub packet_id: Option<PacketId>,
    pub topic: ByteString,
    pub bytes: usize,
}

impl PacketSummary {
    /// `None` for CONNECT, which has events of its own.
    pub fn of(packet: &Packet) -> Option<Self> {
        Some(match packet {
            Packet::Connect(_) => return None,
            Packet::ConnAck(connack) => Self::ConnAck { session_present: connack.session_present, code: connack.code },
            Packet::Publish(publish) => Self::Publish(PublishSummary::of(publish)),
            Packet::PubAck(ack) => Self::PubAck { packet_id: ack.packet_id, reason: ack.reason },
            Packet::PubRec(ack) => Self::PubRec { packet_id: ack.packet_id, reason: ack.reason },
            Packet::PubRel(ack) => Self::PubRel { packet_id: ack.packet_id, reason: ack.reason },
            Packet::PubComp(ack) => Self::PubComp { packet_id: ack.packet_id, reason: ack.reason },
            Packet::Subscribe(_) => Self::Subscribe,
            Packet::SubAck(_) => Self::SubAck,
            Packet::Unsubscribe(_) => Self::Unsubscribe,
            Packet::UnsubAck(_) => Self::UnsubAck,
            Packet::PingReq => Self::PingReq,
            Packet::PingResp => Self::PingResp,
            Packet::Disconnect(disconnect) => Self::Disconnect { reason: disconnect.reason },
            Packet::Auth(_) => Self::Auth,
        })
    }
}

impl PublishSummary {
    pub fn of(publish: &Publish) -> Self {
        Self {
            dup: publish.dup,
            qos: publish.qos,
            retain: publish.retain,
            packet_id: publish.packet_id,
            topic: publish.topic.clone(),
            bytes: publish.payload.len(),
        }
    }
}

/// What a client did that it must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offence {
    /// Sent what is no packet; instead of CONNECT, or later.
    NoPacket {
        error: DecodeError,
        instead_of_connect: bool,
    },
    /// Began with another packet; the first byte of it.
    NoConnect(u8),
    /// Came without a client id, with which version 3.1 cannot do.
    NoClientId31,
    /// Came without a client id where there must be one.
    NoClientId,
    TopicAlias(u16),
    /// A token that lets nobody in.
    Token(jwt::Refused),
    /// AUTH, where nothing was agreed on.
    Auth(ProtocolVersion),
    NotAFilter,
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closing {
    /// DISCONNECT came.
    Clean,
    ByClient,
    Timeout,
    NotAuthorized,
    ProtocolError,
    Malformed,
    PacketTooLarge,
    PayloadTooLarge,
    TakenOver,
    NotSupported,
    ReceiveMaximumExceeded,
    TopicAliasInvalid,
    QuotaExceeded,
    ClientIdNotValid,
    BadUsernameOrPassword,
    UnsupportedVersion,
    ServerBusy,
    BadAuthenticationMethod,
    ImplementationError,
    ShuttingDown,
    /// The transport failed, with the system's words.
    Transport(String),
}

impl fmt::Display for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clean => "clean",
            Self::ByClient => "connection closed by client",
            Self::Timeout => "exceeded timeout",
            Self::NotAuthorized => "not authorised",
            Self::ProtocolError => "protocol error",
            Self::Malformed => "malformed packet",
            Self::PacketTooLarge => "oversize packet",
            Self::PayloadTooLarge => "oversize payload",
            Self::TakenOver => "session taken over",
            Self::NotSupported | Self::UnsupportedVersion | Self::BadAuthenticationMethod => {
                "used disallowed feature (QoS too high, retain not supported, or bad AUTH method)"
            }
            Self::ReceiveMaximumExceeded => "receive maximum exceeded",
            Self::TopicAliasInvalid => "topic alias invalid",
            Self::QuotaExceeded => "quota exceeded",
            Self::ClientIdNotValid => "client identifier not valid",
            Self::BadUsernameOrPassword => "bad username or password",
            Self::ServerBusy => "server busy",
            Self::ImplementationError => "implementation specific error",
            Self::ShuttingDown => "server shutting down",
            Self::Transport(words) => return write!(f, "bad socket read/write: {words}"),
        })
    }
}
