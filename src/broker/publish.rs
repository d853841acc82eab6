//! PUBLISH from clients and the acknowledgements of both directions.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;

use super::change::{Direction, EntryState};
use super::connection::ConnectionKey;
use super::deliver::{AtOnce, Routed};
use super::entry::ComesBy;
use super::event::{Closing, Event, Offence, PacketSummary, PublishSummary};
use super::jobs::Answer;
use super::message::{Message, MessageId, detached};
use super::session::{Entry, SessionKey, WrongState};
use super::waiting_steps::Step;
use super::{Broker, Now};
use crate::mqtt::alias::AliasError;
use crate::mqtt::packet::{Ack, Packet, PacketId, Properties, Property, ProtocolVersion, Publish, QoS, ReasonCode};
use crate::mqtt::topic::{TopicName, is_shared};

/// A retained message stays long: a payload up to this size is copied, so that it does not keep alive what came with
/// it. A larger one is most of its packet, which came in memory of its own.
const COPIED_PAYLOAD: usize = 2 * 1024;

/// The topics of requests to Mosquitto's plugins, and its answer in place of a plugin that is not there.
const CONTROL: &str = "$CONTROL/";
const NO_ENDPOINT: &[u8] = br#"{"error": "endpoint not available"}"#;

/// Bytes of half-done QoS 2 publishes of one client. Beyond it the connection is ended; a version 5
/// client meets its Receive Maximum first.
const MAXIMUM_INCOMING_BYTES: u64 = 64 * 1024 * 1024;

impl Broker {
    pub(super) fn publish(&mut self, key: ConnectionKey, session_key: SessionKey, mut publish: Publish, now: Now) {
        self.statistics.publish_received += 1;
        self.statistics.publish_bytes_received += publish.payload.len() as u64;
        let fit = self.check_capabilities(key, &publish).and_then(|()| self.complete_topic(key, &mut publish));
        if let Err((reason, why)) = fit {
            self.refuse(key, reason, why, now);
            return;
        }
        if let Some(mount_point) = &self.listener(self.connections[key].listener).mount_point {
            publish.topic = format!("{mount_point}{}", publish.topic).into();
        }
        if let Some(reason) = self.refusal_of(session_key, &publish) {
            self.note_refused(session_key, &publish, reason);
            self.acknowledge(key, &publish, reason);
            return;
        }
        if self.interest.packets {
            let client = self.sessions[session_key].id.clone();
            self.events.push_back(Event::Received(client, PacketSummary::Publish(PublishSummary::of(&publish))));
        }
        if publish.topic.starts_with(CONTROL) {
            self.acknowledge(key, &publish, ReasonCode::SUCCESS);
            let topic = format!("{}/response", publish.topic);
            self.send_own_message(key, session_key, &topic, NO_ENDPOINT, now);
            return;
        }
        if !self.storing && (publish.qos > QoS::AtMostOnce || publish.retain) {
            self.refuse_unstored(key, session_key, &publish, now);
            return;
        }
        self.clear_reused_id(session_key, &publish);
        if publish.qos == QoS::ExactlyOnce {
            self.keep_incoming(key, session_key, publish, now);
            return;
        }
        let packet_id = publish.packet_id;
        let message = Arc::new(self.message(session_key, publish, now));
        let Routed::Delivered { matched } = self.publish_message(&message, Some(session_key), AtOnce::AFew, now) else {
            let connection = self.connections[key].id;
            let answer = packet_id.map(|packet_id| (connection, Answer::PubAck(packet_id)));
            self.fan_out(session_key, message, answer, now);
            return;
        };
        if let Some(packet_id) = packet_id
            && self.connections.get(key).is_some_and(|connection| !connection.output.close)
        {
            let reason = if matched { ReasonCode::SUCCESS } else { ReasonCode::NO_MATCHING_SUBSCRIBERS };
            // [MQTT-3.3.4-1] [MQTT-4.3.2-4]. Nothing is kept: the next with this packet id is another message [MQTT-4.3.2-5].
            self.send(key, &Packet::PubAck(self.reasoned(key, packet_id, reason)));
        }
    }

    /// Whether the PUBLISH asks for no more than CONNACK promised. If it does, its connection ends.
    fn check_capabilities(&self, key: ConnectionKey, publish: &Publish) -> Result<(), (ReasonCode, Closing)> {
        let connection = &self.connections[key];
        // [MQTT-3.2.2-11]
        if publish.qos > connection.max_qos {
            return Err((ReasonCode::QOS_NOT_SUPPORTED, Closing::NotSupported));
        }
        // [MQTT-3.2.2-14]
        if publish.retain && !connection.retain_available {
            return Err((ReasonCode::RETAIN_NOT_SUPPORTED, Closing::NotSupported));
        }
        Ok(())
    }

    /// Puts the topic that its alias stands for into a PUBLISH without one. The connection ends if there is none, or the
    /// topic is not a topic name.
    fn complete_topic(&mut self, key: ConnectionKey, publish: &mut Publish) -> Result<(), (ReasonCode, Closing)> {
        if let Err(error) = self.connections[key].received_aliases.resolve(publish) {
            let (alias, answer) = match error {
                AliasError::AboveMaximum(alias) => {
                    (alias, (ReasonCode::TOPIC_ALIAS_INVALID, Closing::TopicAliasInvalid))
                }
                AliasError::Unbound(alias) => (alias, (ReasonCode::PROTOCOL_ERROR, Closing::ProtocolError)),
            };
            self.offended(key, Offence::TopicAlias(alias));
            return Err(answer);
        }
        // Messages of one topic follow each other, and it is checked once.
        if *publish.topic != *self.checked_topic {
            // [MQTT-3.3.2-2]
            TopicName::check(&publish.topic).map_err(|_| (ReasonCode::MALFORMED_PACKET, Closing::Malformed))?;
            self.checked_topic.clear();
            self.checked_topic.push_str(&publish.topic);
        }
        Ok(())
    }

    /// What keeps a message from being published, while the connection goes on.
    fn refusal_of(&self, session_key: SessionKey, publish: &Publish) -> Option<ReasonCode> {
        if self.settings.message_size_limit.is_some_and(|limit| publish.payload.len() > limit as usize) {
            // PUBACK and PUBREC have no "packet too large" [MQTT-3.4.2-1] [MQTT-3.5.2-1].
            return Some(ReasonCode::QUOTA_EXCEEDED);
        }
        // `$share/…` names subscriptions: a message there could reach nobody.
        let denied = is_shared(&publish.topic)
            || !self.access.may_publish(self.sessions[session_key].identity(), &publish.topic);
        denied.then_some(ReasonCode::NOT_AUTHORIZED)
    }

    fn note_refused(&mut self, session_key: SessionKey, publish: &Publish, reason: ReasonCode) {
        if self.interest.packets {
            let client = self.sessions[session_key].id.clone();
            let publish = PublishSummary::of(publish);
            self.events.push_back(if reason == ReasonCode::QUOTA_EXCEEDED {
                Event::PublishTooLarge { client, publish }
            } else {
                Event::PublishDenied { client, publish }
            });
        }
    }

    /// Completes the flow of a message that goes nowhere. A PUBACK of 3.x has no reason code. Nothing of it is kept: the next with
    /// its packet id is another message [MQTT-4.3.3-9].
    fn acknowledge(&mut self, key: ConnectionKey, publish: &Publish, reason: ReasonCode) {
        let Some(packet_id) = publish.packet_id else { return };
        let ack = self.reasoned(key, packet_id, reason);
        let packet = if publish.qos == QoS::ExactlyOnce { Packet::PubRec(ack) } else { Packet::PubAck(ack) };
        self.send(key, &packet);
    }

    /// Without a Reason String or a User Property, whether the client wants them or not [MQTT-3.1.2-29].
    pub(super) fn reasoned(&self, key: ConnectionKey, packet_id: PacketId, reason: ReasonCode) -> Ack {
        match self.connections[key].version {
            ProtocolVersion::V5 => Ack::with_reason(packet_id, reason),
            _ => Ack::new(packet_id),
        }
    }

    /// The store does not work: nothing may be acknowledged but what is stored already.
    fn refuse_unstored(&mut self, key: ConnectionKey, session_key: SessionKey, publish: &Publish, now: Now) {
        let reason = ReasonCode::QUOTA_EXCEEDED;
        let Some(packet_id) = publish.packet_id else {
            // It is a retained message at QoS 0, which no packet answers.
            self.refuse(key, reason, Closing::QuotaExceeded, now);
            return;
        };
        let session = &self.sessions[session_key];
        let is_known = publish.qos == QoS::ExactlyOnce && session.incoming.contains(packet_id);
        if is_known && self.journal.covers(session) && self.is_stored(session) {
            self.send(key, &Packet::PubRec(Ack::new(packet_id)));
        } else if self.connections[key].version == ProtocolVersion::V5 {
            // The client counts it as refused, so that no PUBREL will come for it.
            if is_known {
                self.forget_incoming(session_key, packet_id);
            }
            self.acknowledge(key, publish, reason);
        } else {
            self.end(key, Closing::ImplementationError, now);
        }
    }

    pub(super) fn forget_incoming(&mut self, session_key: SessionKey, packet_id: PacketId) {
        let session = &mut self.sessions[session_key];
        if let Some(entry) = session.incoming.remove(packet_id) {
            self.discard(session_key, std::slice::from_ref(&entry));
        }
    }

    /// A packet id that comes with something else before its PUBREL: the client has lost what it had begun, and what
    /// comes now is new, as with Mosquitto.
    fn clear_reused_id(&mut self, session_key: SessionKey, publish: &Publish) {
        let Some(packet_id) = publish.packet_id else { return };
        let Some(known) = self.sessions[session_key].incoming.get(packet_id) else { return };
        let is_same = known.message.qos == publish.qos
            && known.message.topic == publish.topic
            && known.message.payload == publish.payload;
        if !is_same {
            self.forget_incoming(session_key, packet_id);
        }
    }

    /// QoS 2: the message waits for its PUBREL.
    fn keep_incoming(&mut self, key: ConnectionKey, session_key: SessionKey, publish: Publish, now: Now) {
        let Some(packet_id) = publish.packet_id else { return };
        let session = &self.sessions[session_key];
        // A packet id that is known was sent again, because our PUBREC was lost or late: it is the same message [MQTT-4.3.3-10].
        if !session.incoming.contains(packet_id) {
            let connection = &self.connections[key];
            let is_full = |maximum: NonZeroU16| session.incoming.len() >= usize::from(maximum.get());
            if connection.version == ProtocolVersion::V5 && connection.receive_maximum.is_some_and(is_full) {
                self.refuse(key, ReasonCode::RECEIVE_MAXIMUM_EXCEEDED, Closing::ReceiveMaximumExceeded, now);
                return;
            }
            let message = Arc::new(self.message(session_key, publish, now));
            let session = &mut self.sessions[session_key];
            if session.incoming.bytes() + message.size() > MAXIMUM_INCOMING_BYTES {
                self.refuse(key, ReasonCode::QUOTA_EXCEEDED, Closing::QuotaExceeded, now);
                return;
            }
            let entry = Entry {
                sequence: session.next_sequence(),
                packet_id: Some(packet_id),
                qos: QoS::ExactlyOnce,
                retain: message.retain,
                dup: false,
                state: EntryState::WaitForPubRel,
                by: ComesBy::default(),
                queued_at: now.wall,
                pubrel_order: None,
                message,
            };
            self.journal.queued(session, &entry, Direction::In);
            session.incoming.insert(packet_id, entry);
            self.promise(session_key);
        }
        // [MQTT-3.3.4-1] [MQTT-4.3.3-8]
        self.send(key, &Packet::PubRec(Ack::new(packet_id)));
    }

    pub(super) fn pubrel(&mut self, key: ConnectionKey, session_key: SessionKey, ack: &Ack, now: Now) {
        // PUBCOMP says that the message is in all the queues it belongs in.
        if self.waits_for_store(key, Step::PubRel(ack.packet_id)) {
            return;
        }
        if let Some(entry) = self.sessions[session_key].incoming.get(ack.packet_id) {
            let message = Arc::clone(&entry.message);
            // The session forgets the message only after this: it stays referred to, and so stays in the store, all the while.
            if self.publish_message(&message, Some(session_key), AtOnce::AFew, now) == Routed::TooMany {
                let connection = self.connections[key].id;
                self.fan_out(session_key, message, Some((connection, Answer::PubComp(ack.packet_id))), now);
                return;
            }
            // [MQTT-4.3.3-12]
            self.forget_incoming(session_key, ack.packet_id);
        }
        // [MQTT-4.3.3-11], also where the message has expired [MQTT-4.3.3-13].
        self.send(key, &Packet::PubComp(Ack::new(ack.packet_id)));
    }

    pub(super) fn puback(&mut self, key: ConnectionKey, session_key: SessionKey, ack: &Ack, now: Now) {
        self.finish(key, session_key, ack, EntryState::WaitForPubAck, now);
    }

    pub(super) fn pubcomp(&mut self, key: ConnectionKey, session_key: SessionKey, ack: &Ack, now: Now) {
        self.finish(key, session_key, ack, EntryState::WaitForPubComp, now);
    }

    pub(super) fn pubrec(&mut self, key: ConnectionKey, session_key: SessionKey, ack: &Ack, now: Now) {
        // [MQTT-4.4.0-2]
        if ack.reason.is_error() {
            self.finish(key, session_key, ack, EntryState::WaitForPubRec, now);
            return;
        }
        match self.sessions[session_key].outgoing.received(ack.packet_id) {
            Err(WrongState) => {
                self.refuse(key, ReasonCode::PROTOCOL_ERROR, Closing::ProtocolError, now);
                return;
            }
            Ok(None) => {}
            Ok(Some(_)) => {
                let session = &self.sessions[session_key];
                if let Some(entry) = session.outgoing.sent(ack.packet_id) {
                    self.journal.changed(session, entry, Direction::Out);
                }
            }
        }
        // After PUBREL the client no longer knows the message by its packet id: that it was received has to be stored.
        if self.journal.covers(&self.sessions[session_key]) && self.waits_for_store(key, Step::PubRec(ack.packet_id)) {
            return;
        }
        // An unknown packet id is answered too, so that the client can end its flow.
        self.send(key, &Packet::PubRel(Ack::new(ack.packet_id)));
    }

    fn finish(&mut self, key: ConnectionKey, session_key: SessionKey, ack: &Ack, state: EntryState, now: Now) {
        match self.sessions[session_key].outgoing.finish(ack.packet_id, state) {
            Ok(Some(entry)) => {
                // Also where the client refuses it: nobody else gets it for that [MQTT-4.8.2-6].
                self.discard(session_key, std::slice::from_ref(&entry));
                self.fill_window(session_key, now);
            }
            // The packet id is not known: its message may have expired since.
            Ok(None) => {}
            Err(WrongState) => self.refuse(key, ReasonCode::PROTOCOL_ERROR, Closing::ProtocolError, now),
        }
    }

    pub(super) fn next_id(&mut self, now: Now) -> MessageId {
        self.last_id = self.last_id.next(now.wall);
        self.last_id
    }

    /// The message of a PUBLISH whose topic is complete.
    fn message(&mut self, session_key: SessionKey, publish: Publish, now: Now) -> Message {
        // At QoS 0 nothing keeps it, unless the settings say so.
        let is_kept = publish.qos > QoS::AtMostOnce
            || publish.retain
            || self.settings.queue_qos0_messages
            || self.settings.upgrade_outgoing_qos;
        let session = &mut self.sessions[session_key];
        let source = session.source(self.settings.listeners[usize::from(session.listener.0)].port);
        let mut properties = publish.properties;
        if !properties.is_empty() {
            // An expiry of 0 is none, as with Mosquitto: such a message could reach nobody.
            properties
                .retain(|property| !matches!(property, Property::TopicAlias(_) | Property::MessageExpiryInterval(0)));
        }
        let expires_at =
            properties.message_expiry_interval().map(|seconds| now.wall + Duration::from_secs(u64::from(seconds)));
        let (mut topic, mut payload) = (publish.topic, publish.payload);
        if is_kept {
            if !properties.is_empty() {
                properties = detached(&properties);
            }
            topic = self.kept_topic(&topic);
            if publish.retain && payload.len() <= COPIED_PAYLOAD {
                payload = Bytes::copy_from_slice(&payload);
            }
        }
        let id = if is_kept { self.next_id(now) } else { MessageId::default() };
        let packet_id = publish.packet_id;
        Message {
            id,
            topic,
            payload,
            qos: publish.qos,
            retain: publish.retain,
            properties,
            expires_at,
            packet_id,
            source,
        }
    }

    /// A topic in memory of its own, which messages in a row share.
    fn kept_topic(&mut self, topic: &str) -> ByteString {
        if *self.last_topic != *topic {
            self.last_topic = ByteString::from(topic);
        }
        self.last_topic.clone()
    }

    /// Publishes for the broker itself, as `$SYS` and the log topics do.
    pub fn publish_own(&mut self, own: OwnMessage, now: Now) {
        let message = Arc::new(Message {
            id: self.next_id(now),
            topic: own.topic,
            payload: own.payload,
            qos: own.qos,
            retain: own.retain,
            properties: own
                .expiry
                .map(|after| Property::MessageExpiryInterval(after.as_secs() as u32))
                .into_iter()
                .collect::<Properties>(),
            expires_at: own.expiry.map(|after| now.wall + after),
            packet_id: None,
            source: Arc::default(),
        });
        // The broker's own messages keep their order.
        let at_once = if self.is_fanning_out() { AtOnce::Nothing } else { AtOnce::AFew };
        if self.publish_message(&message, None, at_once, now) == Routed::TooMany {
            self.fan_out_later(message, now);
        }
    }

    /// Keeps the message if it has RETAIN, and delivers it to everybody who subscribed, unless they are more than may have it
    /// at once.
    pub(super) fn publish_message(
        &mut self,
        message: &Arc<Message>,
        publisher: Option<SessionKey>,
        at_once: AtOnce,
        now: Now,
    ) -> Routed {
        // [MQTT-3.3.1-8]
        if message.retain {
            self.retain(message);
        }
        if publisher.is_some() && self.has_earlier_fan_out(message) {
            // What waits for it is a job, which cannot be one transaction and sees each subscription alone.
            if at_once != AtOnce::All && self.settings.allow_duplicate_messages {
                return Routed::TooMany;
            }
            self.finish_earlier_fan_outs(message, now);
        }
        let routed = self.deliver_to_subscribers(message, publisher, at_once, now);
        // Very many filters may match, or begin as the topic does.
        self.steps += self.router.take_steps();
        routed
    }
}

/// A message that the broker itself publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnMessage {
    pub topic: ByteString,
    pub payload: Bytes,
    pub qos: QoS,
    pub retain: bool,
    pub expiry: Option<Duration>,
}
