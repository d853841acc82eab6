//! What a session reports to its owner, and the facts behind the lines of `-d`.

use bytestring::ByteString;

use crate::mqtt::packet::{
    Auth, ConnAck, Disconnect, PacketId, PacketType, Properties, Publish, PublishRef, QoS, ReasonCode, SubAck,
    SubscriptionOptions, UnsubAck,
};

use super::error::SendError;

/// What happened, in the order in which it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The server accepted; what waited to be sent has been put into the output.
    Connected(ConnAck),
    /// The server refused; the session has no connection any more.
    Refused(ConnAck),
    /// A message, its topic resolved if an alias stood for it; QoS 2 once. [`super::Session::acknowledge`] takes it.
    Message(Publish),
    /// The flow of a message with QoS 1 or 2 is over.
    Acknowledged(Acknowledged),
    /// A queued message that this server does not take was given up.
    Unsendable {
        packet_id: PacketId,
        error: SendError,
        message: Publish,
        /// It has gone out on an earlier connection, and may have been delivered.
        was_sent: bool,
    },
    /// The answer to [`super::Session::ping`].
    PingResp,
    SubAck(SubAck),
    UnsubAck(UnsubAck),
    /// AUTH, to a session without [credentials](super::Session::set_credentials).
    Auth(Auth),
    /// The login that was [begun again](super::Session::authenticate_again) is done.
    Authenticated,
    /// The server's DISCONNECT of version 5; the session has no connection any more.
    Disconnected(Disconnect),
    /// Only while tracing.
    Trace(Trace),
}

/// How the flow of a message ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    pub packet_id: PacketId,
    /// PUBACK, PUBCOMP, or a PUBREC with an error.
    pub by: PacketType,
    /// Always a success before version 5.
    pub reason: ReasonCode,
    pub properties: Properties,
}

/// A line of the protocol log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trace {
    Sending(Summary),
    Received(Summary),
    DuplicateConnAck,
    /// Reserved bits are set in the first byte of CONNACK.
    ConnAckFlags(u8),
    /// CONNACK found a session although a clean start was asked for.
    UnexpectedSessionPresent,
    /// A PUBREC for a message that is not in flight.
    UnknownPubRec(PacketId),
}

/// The fields of a packet that the log shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Summary {
    Connect,
    ConnAck {
        code: u8,
    },
    Publish {
        dup: bool,
        qos: QoS,
        retain: bool,
        /// For QoS 0 the number that it took from the counter when sent, 0 when received.
        packet_id: u16,
        /// `None` when sent with an alias in its place.
        topic: Option<ByteString>,
        length: usize,
    },
    PubAck {
        packet_id: PacketId,
        reason: ReasonCode,
    },
    PubRec {
        packet_id: PacketId,
        reason: ReasonCode,
    },
    PubRel {
        packet_id: PacketId,
    },
    PubComp {
        packet_id: PacketId,
        reason: ReasonCode,
    },
    /// One for each filter.
    Subscribe {
        packet_id: PacketId,
        filter: ByteString,
        options: SubscriptionOptions,
    },
    SubAck,
    /// One for each filter.
    Unsubscribe {
        packet_id: PacketId,
        filter: ByteString,
    },
    UnsubAck,
    PingReq,
    PingResp,
    Disconnect {
        reason: ReasonCode,
    },
    Auth,
}

impl Summary {
    /// `packet_id` is what the log shows, which is not on the wire at QoS 0.
    pub(super) fn publish(publish: &PublishRef<'_>, packet_id: u16) -> Self {
        Self::Publish {
            dup: publish.dup,
            qos: publish.qos,
            retain: publish.retain,
            packet_id,
            topic: (!publish.topic.is_empty()).then(|| publish.topic.into()),
            length: publish.payload.len(),
        }
    }
}
