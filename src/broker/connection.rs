//! One connection as the core sees it: what was agreed at CONNECT, topic aliases, and how packets get into its output.

use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use bytestring::ByteString;

use super::clock::{Monotonic, WallTime};
use super::message::Content;
use super::output::OutputBuffer;
use super::postponed::Postponed;
use super::proof::{Authentication, Proof};
pub(super) use super::slab::ConnectionKey;
use super::slab::SessionKey;
use super::waiting_steps::WaitingSteps;
use super::{ConnectionId, ListenerId, Peer};
use crate::mqtt::alias::{Assigned, ReceivedAliases, SentAliases};
use crate::mqtt::packet::{
    EncodeError, NO_PROPERTIES, Packet, PacketId, Properties, Property, ProtocolVersion, PublishRef, QoS,
    SubscriptionIdentifier,
};
use crate::term::Secret;

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: ConnectionId,
    pub(super) listener: ListenerId,
    pub(super) peer: Peer,
    /// The client id of a CONNECT that was understood and has not been accepted.
    pub(super) would_be: Option<Box<ByteString>>,
    /// The session, once CONNECT was accepted.
    pub(super) session: Option<SessionKey>,
    pub(super) version: ProtocolVersion,
    /// The password is kept, to be checked again after a reload of the rules.
    pub(super) password: Option<Secret>,
    /// What it was let in by instead, where its CONNECT named a method.
    pub(super) proof: Option<Box<Proof>>,
    /// Rules have come into force by which its token is not checked yet.
    pub(super) is_unproved: bool,
    /// A CONNECT that waits until the store has nothing left of the session before.
    pub(super) postponed: Option<Box<Postponed>>,
    /// A login that is under way: before CONNACK, or again.
    pub(super) authentication: Option<Box<Authentication>>,
    /// In seconds. `None`: the client may be silent for as long as it likes.
    pub(super) keep_alive: Option<NonZeroU16>,
    pub(super) last_received: Monotonic,
    /// Where [`Timers`](super::timers::Timers) keeps the deadline of this connection.
    pub(super) timer: Option<Monotonic>,
    /// QoS 1 and 2 messages in flight towards the client.
    pub(super) window: NonZeroU16,
    /// The largest packet that the client takes, in bytes; `None` = any. Only [`Connection::takes`] asks for it.
    pub(super) max_packet_size: Option<NonZeroU32>,
    pub(super) sent_aliases: SentAliases,
    /// Aliases of the client, with the maximum that CONNACK announced. That and what follows holds until the connection ends,
    /// whatever a reload says.
    pub(super) received_aliases: ReceivedAliases,
    pub(super) max_qos: QoS,
    pub(super) retain_available: bool,
    pub(super) receive_maximum: Option<NonZeroU16>,
    /// Whether the client has been sent anything.
    pub(super) is_greeted: bool,
    /// What waits for the store to work again.
    pub(super) waiting: Option<Box<WaitingSteps>>,
    pub(super) output: OutputBuffer,
}

/// A PUBLISH to one client.
#[derive(Clone, Copy, Debug)]
pub(super) struct OutgoingPublish<'a> {
    pub(super) content: Content<'a>,
    /// Without the client's mount point.
    pub(super) topic: &'a str,
    pub(super) dup: bool,
    pub(super) qos: QoS,
    pub(super) retain: bool,
    pub(super) packet_id: Option<PacketId>,
    pub(super) identifiers: &'a [SubscriptionIdentifier],
    /// When it is sent.
    pub(super) wall: WallTime,
}

/// The packet is larger than the client takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

impl Connection {
    pub(super) fn new(id: ConnectionId, listener: ListenerId, peer: Peer, now: Monotonic) -> Self {
        Self {
            id,
            listener,
            peer,
            would_be: None,
            session: None,
            version: ProtocolVersion::V311,
            password: None,
            proof: None,
            is_unproved: false,
            postponed: None,
            authentication: None,
            keep_alive: None,
            last_received: now,
            timer: None,
            window: NonZeroU16::MAX,
            max_packet_size: None,
            sent_aliases: SentAliases::default(),
            received_aliases: ReceivedAliases::default(),
            max_qos: QoS::ExactlyOnce,
            retain_available: true,
            receive_maximum: None,
            is_greeted: false,
            waiting: None,
            output: OutputBuffer::default(),
        }
    }

    /// When it is to be ended, unless something comes: the client has been silent for too long, or its token has expired.
    pub(super) fn deadline(&self) -> Option<Monotonic> {
        // One and a half times the keep-alive [MQTT-3.1.2-22].
        let timeout = |keep_alive: NonZeroU16| Duration::from_millis(u64::from(keep_alive.get()) * 1500);
        let silent = self.keep_alive.map(|keep_alive| self.last_received + timeout(keep_alive));
        silent.into_iter().chain(self.token_ends()).min()
    }

    pub(super) fn token_ends(&self) -> Option<Monotonic> {
        match self.proof.as_deref() {
            Some(Proof::Token { ends, .. }) => Some(*ends),
            Some(Proof::Scram { .. }) | None => None,
        }
    }

    /// Takes over how much the client says that it takes.
    pub(super) fn set_max_packet_size(&mut self, connect: &Properties) {
        self.max_packet_size = connect.maximum_packet_size().and_then(NonZeroU32::new);
    }

    /// What the log calls whoever is at the other end, while he has no session.
    pub(super) fn name(&self) -> ByteString {
        self.would_be.as_deref().filter(|id| !id.is_empty()).cloned().unwrap_or_else(|| self.peer.host())
    }

    pub(super) fn send(&mut self, packet: &Packet) {
        self.output.make_room();
        let before = self.output.bytes.len();
        // What we answer with is short and well-formed: it cannot fail to encode, and a failure appends nothing.
        if packet.encode(self.version, &mut self.output.bytes).is_ok() {
            self.output.packets += 1;
            self.output.control_bytes += self.output.bytes.len() - before;
        }
    }

    /// Whether the client takes a packet of this encoded length: nothing larger than its Maximum Packet Size is sent
    /// [MQTT-3.1.2-24]. PUBLISH, CONNACK, SUBACK, UNSUBACK and AUTH can be too large; every other packet that we send is shorter
    /// than the CONNACK that the client has taken.
    pub(super) fn takes(&self, length: impl FnOnce() -> Result<usize, EncodeError>) -> bool {
        self.max_packet_size.is_none_or(|most| length().is_ok_and(|length| length <= most.get() as usize))
    }

    /// Sends a PUBLISH, with a topic alias if the client takes them.
    pub(super) fn publish(&mut self, outgoing: OutgoingPublish<'_>) -> Result<(), TooLarge> {
        let assigned = self.sent_aliases.assign(outgoing.topic);
        let (topic, alias) = match assigned {
            None => (outgoing.topic, None),
            Some(Assigned::Bound(alias)) => ("", Some(alias)),
            Some(Assigned::Free(alias)) => (outgoing.topic, Some(alias)),
        };
        let made;
        let properties = if self.version != ProtocolVersion::V5 || outgoing.is_plain() && alias.is_none() {
            if self.version == ProtocolVersion::V5 { outgoing.content.properties } else { &NO_PROPERTIES }
        } else {
            made = outgoing.properties(alias);
            &made
        };
        let publish = PublishRef {
            dup: outgoing.dup,
            qos: outgoing.qos,
            retain: outgoing.retain,
            topic,
            packet_id: outgoing.packet_id,
            properties,
            payload: outgoing.content.payload,
        };
        if !self.takes(|| publish.encoded_len(self.version)) {
            return Err(TooLarge);
        }
        self.output.make_room();
        publish.encode(self.version, &mut self.output.bytes).map_err(|_| TooLarge)?;
        self.output.packets += 1;
        if let Some(Assigned::Free(alias)) = assigned {
            self.sent_aliases.bind(alias, outgoing.topic);
        }
        Ok(())
    }
}

impl OutgoingPublish<'_> {
    /// Whether the message's own properties are the ones to send.
    fn is_plain(&self) -> bool {
        self.identifiers.is_empty() && self.content.expires_at.is_none()
    }

    /// The publisher's, as they are and in their order [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17]
    /// [MQTT-3.3.2-18] [MQTT-3.3.2-20], then what the broker has to say, in Mosquitto's order.
    fn properties(&self, alias: Option<u16>) -> Properties {
        let is_passed_on = |property: &&Property| !matches!(property, Property::MessageExpiryInterval(_));
        let mut properties: Properties = self.content.properties.iter().filter(is_passed_on).cloned().collect();
        if let Some(at) = self.content.expires_at {
            // What is left, rounded up: a message that is still good is never announced as gone [MQTT-3.3.2-6].
            let left = at.saturating_since(self.wall);
            let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
            let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
            // Nor for longer than its publisher wanted, though the clock was set back.
            let published = self.content.properties.message_expiry_interval().unwrap_or(u32::MAX);
            properties.push(Property::MessageExpiryInterval(seconds.min(published)));
        }
        if let Some(alias) = alias {
            properties.push(Property::TopicAlias(alias));
        }
        for &identifier in self.identifiers {
            properties.push(Property::SubscriptionIdentifier(identifier.get()));
        }
        properties
    }
}
