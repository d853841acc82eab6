//! One connection as the core sees it: what was agreed at CONNECT, topic aliases, and the bytes that wait for the
//! socket.

use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use bytes::BytesMut;
use bytestring::ByteString;

use super::clock::{Monotonic, WallTime};
use super::message::Message;
use super::proof::{Authentication, Proof};
pub(super) use super::slab::ConnectionKey;
use super::slab::SessionKey;
use super::storing::WaitingSteps;
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
    /// Of a CONNECT that was understood; empty before.
    pub(super) client_id: ByteString,
    /// Once CONNECT was accepted.
    pub(super) session: Option<SessionKey>,
    pub(super) version: ProtocolVersion,
    /// Kept to ask again after a reload of the rules.
    pub(super) password: Option<Secret>,
    /// What it was let in by instead, where its CONNECT named a method.
    pub(super) proof: Option<Proof>,
    /// A login that is under way: before CONNACK, or again.
    pub(super) authentication: Option<Box<Authentication>>,
    /// How long the client may be silent. `None`: as long as it likes.
    pub(super) keep_alive_timeout: Option<Duration>,
    pub(super) last_received: Monotonic,
    /// Where [`Timers`](super::timers::Timers) keeps the deadline of this connection.
    pub(super) timer: Option<Monotonic>,
    /// QoS 1 and 2 messages in flight towards the client.
    pub(super) window: NonZeroU16,
    /// The largest packet that the client takes, in bytes; `None` = any. Only [`Connection::takes`] asks for it.
    pub(super) max_packet_size: Option<NonZeroU32>,
    pub(super) sent_aliases: SentAliases,
    /// With the maximum that CONNACK told the client. That and what follows holds until it goes, whatever a reload says.
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

/// Bytes on their way to the socket.
#[derive(Debug, Default)]
pub(super) struct OutputBuffer {
    pub(super) bytes: BytesMut,
    pub(super) packets: usize,
    /// Bytes that were handed over last: about as many are to be expected.
    pub(super) usual: usize,
    /// Of `bytes`, what is not PUBLISH, and so bounded by nothing but the client's reading.
    pub(super) control_bytes: usize,
    /// The generation of the journal that the last of `bytes` rests on. 0: none does.
    pub(super) rests_on: u64,
    /// Where parts of `bytes` end that rest on earlier generations than what follows them; each may go before that.
    parts: Vec<Part>,
    /// The client's next packets wait for the store.
    pub(super) awaits_store: bool,
    /// Handed over and not yet written.
    pub(super) writing: usize,
    pub(super) writing_bytes: usize,
    /// The socket takes no more for now.
    pub(super) blocked: bool,
    /// It stands in the list of connections with something to say.
    pub(super) listed: bool,
    pub(super) close: bool,
}

/// What waits for a socket up to a place in it, and may go before the rest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    bytes: usize,
    packets: usize,
    control_bytes: usize,
    /// The generation of the journal that it rests on.
    rests_on: u64,
}

/// Room for output that is made before there is any, at most.
const MOST_ROOM: usize = 16 * 1024;

/// Bytes that may wait for a client that is being sent retained messages: more is sent when these are on their way.
const ENOUGH: usize = 64 * 1024;

impl OutputBuffer {
    /// Whether what is in no hurry had better wait until the client has read.
    pub(super) fn is_full(&self) -> bool {
        self.blocked || self.bytes.len() >= ENOUGH
    }

    /// All that waits so far.
    pub(super) fn so_far(&self) -> Part {
        let Self { packets, control_bytes, rests_on, .. } = *self;
        Part { bytes: self.bytes.len(), packets, control_bytes, rests_on }
    }

    /// What was put in behind `before` rests on a later generation than that: `before` goes as soon as the store has what it
    /// rests on itself, whatever comes behind it.
    pub(super) fn rest_on(&mut self, generation: u64, before: Part, has_stored: impl Fn(u64) -> bool) {
        if generation <= self.rests_on {
            return;
        }
        if before.bytes > 0 {
            // Of parts that the store has all of, the last holds the others. So there are never more than three.
            while self.parts.get(1).is_some_and(|next| has_stored(next.rests_on)) {
                self.parts.remove(0);
            }
            self.parts.push(before);
        }
        self.rests_on = generation;
    }

    /// The longest part that the store has.
    pub(super) fn stored_part(&self, has_stored: impl Fn(u64) -> bool) -> Option<Part> {
        self.parts.iter().rfind(|part| has_stored(part.rests_on)).copied()
    }

    /// Takes what is to be written: all, or a part.
    pub(super) fn take(&mut self, part: Option<Part>) -> BytesMut {
        let bytes = if let Some(part) = part {
            self.writing = part.packets;
            self.packets -= part.packets;
            self.control_bytes -= part.control_bytes;
            self.parts.retain(|other| other.bytes > part.bytes);
            for other in &mut self.parts {
                other.bytes -= part.bytes;
                other.packets -= part.packets;
                other.control_bytes -= part.control_bytes;
            }
            self.bytes.split_to(part.bytes)
        } else {
            self.parts.clear();
            self.writing = std::mem::take(&mut self.packets);
            self.control_bytes = 0;
            std::mem::take(&mut self.bytes)
        };
        self.writing_bytes = bytes.len();
        self.usual = bytes.len();
        bytes
    }

    /// Throws away what waits.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.parts.clear();
        self.packets = 0;
        self.control_bytes = 0;
    }

    /// One allocation for what goes out together, in place of one for each doubling.
    fn make_room(&mut self) {
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(self.usual.min(MOST_ROOM));
        }
    }
}

/// A PUBLISH to one client.
#[derive(Clone, Copy, Debug)]
pub(super) struct OutgoingPublish<'a> {
    pub(super) message: &'a Message,
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
            client_id: ByteString::new(),
            session: None,
            version: ProtocolVersion::V311,
            password: None,
            proof: None,
            authentication: None,
            keep_alive_timeout: None,
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
        let silent = self.keep_alive_timeout.map(|keep_alive_timeout| self.last_received + keep_alive_timeout);
        silent.into_iter().chain(self.token_ends()).min()
    }

    pub(super) fn token_ends(&self) -> Option<Monotonic> {
        match &self.proof {
            Some(Proof::Token { ends, .. }) => Some(*ends),
            Some(Proof::Scram { .. }) | None => None,
        }
    }

    /// Takes over how much the client says that it takes.
    pub(super) fn set_max_packet_size(&mut self, connect: &Properties) {
        self.max_packet_size = connect.maximum_packet_size().and_then(NonZeroU32::new);
    }

    /// What the log calls whoever is at the other end.
    pub(super) fn name(&self) -> ByteString {
        if self.client_id.is_empty() { self.peer.host() } else { self.client_id.clone() }
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
            if self.version == ProtocolVersion::V5 { &outgoing.message.properties } else { &NO_PROPERTIES }
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
            payload: &outgoing.message.payload,
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
        self.identifiers.is_empty() && self.message.expires_at.is_none()
    }

    /// The publisher's in its order, then what the broker has to say, in Mosquitto's.
    fn properties(&self, alias: Option<u16>) -> Properties {
        let is_passed_on = |property: &&Property| !matches!(property, Property::MessageExpiryInterval(_));
        let mut properties: Properties = self.message.properties.iter().filter(is_passed_on).cloned().collect();
        if let Some(at) = self.message.expires_at {
            // What is left, rounded up: a message that is still good is never announced as gone [MQTT-3.3.2-6].
            let left = at.saturating_since(self.wall);
            let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
            let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
            // Nor for longer than its publisher wanted, though the clock was set back.
            let published = self.message.properties.message_expiry_interval().unwrap_or(u32::MAX);
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
