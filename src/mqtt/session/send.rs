//! What the client sends of its own accord.

use std::time::Instant;

use bytestring::ByteString;

use super::error::{SendError, SessionError};
use super::event::{Event, Summary, Trace};
use super::machine::{Session, State};
use crate::mqtt::flow::FlowPacket;
use crate::mqtt::packet::{
    Ack, Disconnect, Packet, PacketId, Properties, Property, PropertyOwner, Publish, PublishRef, QoS, Subscribe,
    Subscription, Unsubscribe,
};

impl Session {
    /// Sends a message, or lets it wait for its place in the window or, at QoS 1 and 2, for a connection. The number
    /// is its packet id; QoS 0 takes one of the counter too. `dup` and `packet_id` of `publish` are the session's.
    pub fn publish(&mut self, publish: Publish, now: Instant) -> Result<PacketId, SendError> {
        if publish.qos == QoS::AtMostOnce {
            return self.publish_at_most_once(publish.as_ref(), now);
        }
        self.fit(publish.as_ref(), &mut Properties::new())?;
        let packet_id = self.sender.enqueue(publish.qos, publish)?;
        if self.state == State::Connected {
            self.send_waiting(now);
        }
        Ok(packet_id)
    }

    /// As [`Session::publish`]; at QoS 0 the message goes straight into the output, above it is copied.
    #[inline]
    pub fn publish_ref(&mut self, publish: PublishRef<'_>, now: Instant) -> Result<PacketId, SendError> {
        if publish.qos == QoS::AtMostOnce {
            return self.publish_at_most_once(publish, now);
        }
        self.publish(publish.to_message(), now)
    }

    #[inline]
    fn publish_at_most_once(&mut self, publish: PublishRef<'_>, now: Instant) -> Result<PacketId, SendError> {
        if self.state != State::Connected {
            return Err(SendError::NotConnected);
        }
        // [MQTT-4.3.1-1]
        let publish = PublishRef { dup: false, packet_id: None, ..publish };
        let mut properties = Properties::new();
        let publish = self.fit(publish, &mut properties)?;
        let packet_id = self.sender.next_id()?;
        self.put_publish(&publish, packet_id, now)?;
        self.at_most_once.note_published();
        Ok(packet_id)
    }

    /// What goes out on this connection for a message, if the server, as far as it is known, takes it: an alias in place of its
    /// topic where the server knows that by it, none that the server does not take, and for the lenient no retain where the
    /// server has none. `properties` is where those without the alias are put.
    #[inline]
    fn fit<'a>(&self, publish: PublishRef<'a>, properties: &'a mut Properties) -> Result<PublishRef<'a>, SendError> {
        if publish.qos > self.server.maximum_qos {
            return Err(SendError::QoSNotSupported { maximum: self.server.maximum_qos });
        }
        // [MQTT-3.2.2-14]
        if publish.retain && !self.server.retain_available && !self.is_lenient {
            return Err(SendError::RetainNotSupported);
        }
        let mut publish = PublishRef { retain: publish.retain && self.server.retain_available, ..publish };
        if !publish.properties.is_empty() {
            self.check_properties(publish.properties, PropertyOwner::Publish)?;
        }
        if let Some(alias) = publish.properties.topic_alias() {
            // [MQTT-3.2.2-17] [MQTT-3.2.2-18] [MQTT-3.3.2-9]
            if alias <= self.server.topic_alias_maximum {
                publish.topic = self.sent_aliases.shortened(alias, publish.topic);
            } else {
                let others = publish.properties.iter().filter(|property| !matches!(property, Property::TopicAlias(_)));
                *properties = others.cloned().collect();
                publish.properties = properties;
            }
        }
        if self.server.maximum_packet_size.is_some() {
            // The id's value does not matter for the size.
            let packet_id = (publish.qos > QoS::AtMostOnce).then_some(PacketId::MAX);
            let size = PublishRef { packet_id, ..publish }.encoded_len(self.connect.version)?;
            self.check_size(size)?;
        }
        Ok(publish)
    }

    /// Puts a PUBLISH that was [fitted](Self::fit) into the output. `number` is that of the log.
    #[inline]
    fn put_publish(&mut self, publish: &PublishRef<'_>, number: PacketId, now: Instant) -> Result<(), SendError> {
        publish.encode(self.connect.version, self.output.bytes())?;
        if let Some(alias) = publish.properties.topic_alias() {
            self.sent_aliases.rebind(alias, publish.topic);
        }
        self.trace(|| Trace::Sending(Summary::publish(publish, number.get())));
        self.note_sent(now);
        Ok(())
    }

    /// [MQTT-3.2.2-15]
    pub(super) fn check_size(&self, size: usize) -> Result<(), SendError> {
        match self.server.maximum_packet_size {
            Some(maximum) if size > maximum => Err(SendError::PacketTooLarge { size, maximum }),
            _ => Ok(()),
        }
    }

    /// Sends what the window lets out.
    pub(super) fn send_waiting(&mut self, now: Instant) {
        if !self.sender.has_unsent() {
            return;
        }
        // `sender` is out of the session while its messages are looked at.
        let mut sender = std::mem::take(&mut self.sender);
        let mut given_up = Vec::new();
        while let Some(outgoing) = sender.poll_send() {
            match outgoing {
                FlowPacket::PubRel { packet_id } => self.send_pubrel(packet_id, now),
                FlowPacket::Publish { packet_id, dup, message, .. } => {
                    if let Err(error) = self.send_flight(packet_id, dup, message, now) {
                        given_up.push((packet_id, error));
                    }
                }
            }
        }
        let some_are_given_up = !given_up.is_empty();
        for (packet_id, error) in given_up {
            if let Some((message, was_sent)) = sender.remove(packet_id) {
                self.events.push_back(Event::Unsendable { packet_id, error, message, was_sent });
            }
        }
        self.sender = sender;
        if some_are_given_up {
            // Their places in the window are free again.
            self.send_waiting(now);
        }
    }

    fn send_flight(
        &mut self,
        packet_id: PacketId,
        dup: bool,
        message: &Publish,
        now: Instant,
    ) -> Result<(), SendError> {
        // Again, for a message may have waited for another connection than it was taken on.
        let mut properties = Properties::new();
        let publish = PublishRef { dup, packet_id: Some(packet_id), ..message.as_ref() };
        let publish = self.fit(publish, &mut properties)?;
        self.put_publish(&publish, packet_id, now)
    }

    pub(super) fn send_pubrel(&mut self, packet_id: PacketId, now: Instant) {
        self.trace(|| Trace::Sending(Summary::PubRel { packet_id }));
        self.put(&Packet::PubRel(Ack::new(packet_id)), now);
    }

    /// Sends SUBSCRIBE; its answer is [`Event::SubAck`] with the same packet id.
    pub fn subscribe(
        &mut self,
        subscriptions: Vec<Subscription>,
        properties: Properties,
        now: Instant,
    ) -> Result<PacketId, SendError> {
        self.check_properties(&properties, PropertyOwner::Subscribe)?;
        let packet_id = self.request(
            |packet_id| Packet::Subscribe(Subscribe { packet_id, properties, subscriptions: subscriptions.clone() }),
            now,
        )?;
        self.has_subscribed = true;
        for Subscription { filter, options } in subscriptions {
            self.trace(|| Trace::Sending(Summary::Subscribe { packet_id, filter, options }));
        }
        Ok(packet_id)
    }

    /// Sends UNSUBSCRIBE; its answer is [`Event::UnsubAck`] with the same packet id.
    pub fn unsubscribe(
        &mut self,
        filters: Vec<ByteString>,
        properties: Properties,
        now: Instant,
    ) -> Result<PacketId, SendError> {
        self.check_properties(&properties, PropertyOwner::Unsubscribe)?;
        let packet_id = self.request(
            |packet_id| Packet::Unsubscribe(Unsubscribe { packet_id, properties, filters: filters.clone() }),
            now,
        )?;
        for filter in filters {
            self.trace(|| Trace::Sending(Summary::Unsubscribe { packet_id, filter }));
        }
        Ok(packet_id)
    }

    /// Sends a request that is answered by its packet id.
    fn request(&mut self, packet: impl FnOnce(PacketId) -> Packet, now: Instant) -> Result<PacketId, SendError> {
        if self.state != State::Connected {
            return Err(SendError::NotConnected);
        }
        let packet_id = self.sender.reserve()?;
        let packet = packet(packet_id);
        let sent = packet
            .encoded_len(self.connect.version)
            .map_err(SendError::Encode)
            .and_then(|size| self.check_size(size))
            .and_then(|()| Ok(packet.encode(self.connect.version, self.output.bytes())?));
        match sent {
            Ok(()) => {
                self.note_sent(now);
                Ok(packet_id)
            }
            Err(error) => {
                self.sender.release(packet_id);
                Err(error)
            }
        }
    }

    /// Sends DISCONNECT and takes no more input; what is staged is dropped. The connection is to be closed once the output
    /// is written.
    pub fn disconnect(&mut self, disconnect: &Disconnect, now: Instant) -> Result<(), SendError> {
        if !self.wants_input() {
            return Err(SendError::NotConnected);
        }
        self.check_properties(&disconnect.properties, PropertyOwner::Disconnect)?;
        // A Reason String [MQTT-3.14.2-3] or User Properties [MQTT-3.14.2-4] may make it too large.
        self.check_size(disconnect.encoded_len(self.connect.version)?)?;
        disconnect.encode(self.connect.version, self.output.bytes())?;
        self.trace(|| Trace::Sending(Summary::Disconnect { reason: disconnect.reason }));
        self.note_sent(now);
        self.staged.clear();
        self.state = State::Disconnecting;
        Ok(())
    }

    /// Ends the connection over an error; in version 5 the server gets the reason in a DISCONNECT.
    pub(super) fn fail(&mut self, error: SessionError) -> SessionError {
        if let SessionError::Decode(crate::mqtt::packet::DecodeError::ConnAckFlags(flags)) = error {
            self.trace(|| Trace::ConnAckFlags(flags));
        }
        if self.is_v5() && self.wants_input() {
            self.stage_disconnect(error.reason_code());
        }
        self.state = State::Closed;
        error
    }

    /// Sends a packet of this session's own making, which is never too long to encode. It waits for no place in the window
    /// [MQTT-3.3.4-8] [MQTT-4.9.0-3].
    #[inline]
    pub(super) fn put(&mut self, packet: &Packet, now: Instant) {
        let before = self.output.len();
        let encoded = packet.encode(self.connect.version, self.output.bytes());
        debug_assert_eq!(encoded, Ok(()));
        self.output.note_answer(self.output.len() - before);
        self.note_sent(now);
    }

    #[inline]
    pub(super) fn note_sent(&mut self, now: Instant) {
        if let Some(keep_alive) = &mut self.keep_alive {
            keep_alive.note_sent(now);
        }
    }

    fn check_properties(&self, properties: &Properties, owner: PropertyOwner) -> Result<(), SendError> {
        if !self.is_v5() && !properties.is_empty() {
            return Err(SendError::NoProperties);
        }
        properties.check(owner).map_err(|error| SendError::Property { owner, error })
    }
}
