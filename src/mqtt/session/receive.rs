//! What the server sends and what the session makes of it.

use std::time::Instant;

use super::error::SessionError;
use super::event::{Acknowledged, Event, Summary, Trace};
use super::machine::{ServerLimits, Session, State, receive_maximum};
use crate::mqtt::flow::{self, Arrival, Awaiting};
use crate::mqtt::packet::{
    Ack, ConnAck, Disconnect, Packet, PacketId, PacketType, ProtocolVersion, Publish, QoS, ReasonCode,
};

impl Session {
    #[inline]
    pub(super) fn receive(&mut self, packet: Packet, now: Instant) -> Result<(), SessionError> {
        match packet {
            Packet::ConnAck(connack) => return self.connack(connack, now),
            Packet::Auth(auth) => return self.handle_auth(auth, now),
            other if self.state == State::Connecting => return Err(SessionError::BeforeConnAck(other.kind())),
            Packet::Publish(publish) => return self.message(publish),
            Packet::PubAck(ack) => return self.finished(ack, PacketType::PubAck, now),
            Packet::PubComp(ack) => return self.finished(ack, PacketType::PubComp, now),
            Packet::PubRec(ack) => return self.pubrec(ack, now),
            Packet::PubRel(ack) => return self.pubrel(&ack, now),
            Packet::SubAck(suback) => {
                self.sender.release(suback.packet_id);
                self.trace(|| Trace::Received(Summary::SubAck));
                self.events.push_back(Event::SubAck(suback));
            }
            Packet::UnsubAck(unsuback) => {
                self.sender.release(unsuback.packet_id);
                self.trace(|| Trace::Received(Summary::UnsubAck));
                self.events.push_back(Event::UnsubAck(unsuback));
            }
            Packet::PingResp => {
                self.trace(|| Trace::Received(Summary::PingResp));
                if let Some(keep_alive) = &mut self.keep_alive {
                    keep_alive.note_ping_answered();
                }
                if self.at_most_once.handle_answer() {
                    self.events.push_back(Event::PingResp);
                }
            }
            Packet::Disconnect(disconnect) => self.disconnected(disconnect),
            other @ (Packet::Connect(_) | Packet::Subscribe(_) | Packet::Unsubscribe(_) | Packet::PingReq) => {
                let unexpected = crate::mqtt::packet::DecodeError::UnexpectedPacket(other.kind());
                return Err(SessionError::Decode(unexpected));
            }
        }
        Ok(())
    }

    fn connack(&mut self, connack: ConnAck, now: Instant) -> Result<(), SessionError> {
        if self.state != State::Connecting {
            self.trace(|| Trace::DuplicateConnAck);
            return Err(SessionError::DuplicateConnAck);
        }
        // [MQTT-3.2.2-4]. Whoever asks for no clean start has a session at the server in mind, though this program may hold
        // nothing of it.
        if connack.session_present && self.connect.clean_start {
            self.trace(|| Trace::UnexpectedSessionPresent);
            return Err(SessionError::UnexpectedSessionPresent);
        }
        if let Some(assigned) = connack.properties.assigned_client_identifier() {
            if !self.connect.client_id.is_empty() {
                return Err(SessionError::UnexpectedClientId);
            }
            // A copy, for a slice would keep the whole read buffer.
            self.connect.client_id = (&*assigned).into();
        }
        self.trace(|| Trace::Received(Summary::ConnAck { code: connack.code }));
        if connack.code != 0 {
            self.state = State::Closed;
            self.events.push_back(Event::Refused(connack));
            return Ok(());
        }
        self.check_authenticated(&connack.properties)?;
        self.state = State::Connected;
        self.decoder.maximum_packet_size = self.maximum_packet_size();
        self.adopt_limits(&connack);
        self.continue_session(connack.session_present);
        self.events.push_back(Event::Connected(connack));
        self.send_waiting(now);
        Ok(())
    }

    /// §3.2.2.3: what the server announces takes effect, what it does not has its default.
    fn adopt_limits(&mut self, connack: &ConnAck) {
        let announced = &connack.properties;
        let maximum_qos = match announced.maximum_qos() {
            Some(0) => QoS::AtMostOnce,
            Some(_) => QoS::AtLeastOnce,
            None => QoS::ExactlyOnce,
        };
        self.server = ServerLimits {
            maximum_packet_size: announced.maximum_packet_size().map(|size| size as usize),
            maximum_qos,
            retain_available: announced.retain_available() != Some(0),
            topic_alias_maximum: announced.topic_alias_maximum().unwrap_or(0),
        };
        // [MQTT-3.3.4-7] [MQTT-4.9.0-1]
        let maximum = receive_maximum(announced);
        self.sender.set_window(self.window.map_or(maximum, |window| window.min(maximum)));
        // [MQTT-3.1.2-21] [MQTT-3.2.2-21]
        if let (Some(seconds), Some(keep_alive)) = (announced.server_keep_alive(), &mut self.keep_alive) {
            keep_alive.set_interval(seconds);
        }
    }

    fn continue_session(&mut self, session_present: bool) {
        // 3.1 has no word for it: what was asked for is what there is.
        let continues = match self.connect.version {
            ProtocolVersion::V31 => !self.connect.clean_start,
            ProtocolVersion::V311 | ProtocolVersion::V5 => session_present,
        };
        if continues {
            self.sender.resume();
        } else {
            // [MQTT-3.2.2-5]. What was to be sent is the user's and not the session's: it begins anew.
            self.sender.restart();
            self.receiver.clear();
        }
    }

    /// Inlined into the reading of packets: at QoS 0 a message is moved, not worked on.
    #[inline(always)]
    pub(super) fn message(&mut self, mut publish: Publish) -> Result<(), SessionError> {
        if !publish.properties.is_empty() {
            self.received_aliases.resolve(&mut publish)?;
        }
        if self.tracing {
            let packet_id = publish.packet_id.map_or(0, PacketId::get);
            self.trace(|| Trace::Received(Summary::publish(&publish.as_ref(), packet_id)));
        }
        if publish.qos == QoS::ExactlyOnce {
            self.exactly_once(publish)
        } else {
            self.events.push_back(Event::Message(publish));
            Ok(())
        }
    }

    fn exactly_once(&mut self, publish: Publish) -> Result<(), SessionError> {
        // The decoder refuses a message above QoS 0 without one.
        let Some(packet_id) = publish.packet_id else { return Ok(()) };
        match self.receiver.handle_publish(packet_id, publish.dup) {
            Arrival::New => self.events.push_back(Event::Message(publish)),
            Arrival::Duplicate => self.stage_pubrec(packet_id),
            Arrival::TooMany => return Err(SessionError::ReceiveMaximumExceeded),
        }
        Ok(())
    }

    /// PUBREL came. It is answered by PUBCOMP [MQTT-4.3.3-11], also for an unknown id, since the PUBCOMP of before may have been lost.
    fn pubrel(&mut self, ack: &Ack, now: Instant) -> Result<(), SessionError> {
        let packet_id = ack.packet_id;
        check_reason(ack, PacketType::PubRel)?;
        self.receiver.handle_pubrel(packet_id);
        self.trace(|| Trace::Received(Summary::PubRel { packet_id }));
        self.trace(|| Trace::Sending(Summary::PubComp { packet_id, reason: ReasonCode::SUCCESS }));
        self.put(&Packet::PubComp(Ack::new(packet_id)), now);
        Ok(())
    }

    fn pubrec(&mut self, ack: Ack, now: Instant) -> Result<(), SessionError> {
        let packet_id = ack.packet_id;
        check_reason(&ack, PacketType::PubRec)?;
        self.trace(|| Trace::Received(Summary::PubRec { packet_id, reason: ack.reason }));
        let refused = ack.reason.is_error();
        match self.sender.handle_pubrec(packet_id, refused) {
            flow::AckOutcome::Release => self.send_pubrel(packet_id, now),
            flow::AckOutcome::Finished(_) => self.end_flow(ack, PacketType::PubRec, now),
            flow::AckOutcome::Unknown => {
                self.check_flow(packet_id, PacketType::PubRec)?;
                self.trace(|| Trace::UnknownPubRec(packet_id));
                // The server waits for a PUBREL to forget the id.
                if !refused {
                    self.send_pubrel(packet_id, now);
                }
            }
        }
        Ok(())
    }

    /// PUBACK or PUBCOMP came. One for an unknown id means nothing any more.
    fn finished(&mut self, ack: Ack, by: PacketType, now: Instant) -> Result<(), SessionError> {
        let Ack { packet_id, reason, .. } = ack;
        check_reason(&ack, by)?;
        let known = if by == PacketType::PubAck {
            self.trace(|| Trace::Received(Summary::PubAck { packet_id, reason }));
            self.sender.handle_puback(packet_id)
        } else {
            self.trace(|| Trace::Received(Summary::PubComp { packet_id, reason }));
            self.sender.handle_pubcomp(packet_id)
        };
        if let flow::AckOutcome::Finished(_) = known {
            self.end_flow(ack, by, now);
            return Ok(());
        }
        self.check_flow(packet_id, by)
    }

    /// A message that waits for another acknowledgement than this one would wait for ever.
    fn check_flow(&self, packet_id: PacketId, by: PacketType) -> Result<(), SessionError> {
        match (by, self.sender.awaiting(packet_id)) {
            (PacketType::PubAck, Some(Awaiting::PubRec | Awaiting::PubComp))
            | (PacketType::PubRec, Some(Awaiting::PubAck))
            | (PacketType::PubComp, Some(Awaiting::PubAck | Awaiting::PubRec)) => Err(SessionError::OtherFlow(by)),
            _ => Ok(()),
        }
    }

    fn end_flow(&mut self, ack: Ack, by: PacketType, now: Instant) {
        let Ack { packet_id, reason, properties } = ack;
        self.events.push_back(Event::Acknowledged(Acknowledged { packet_id, by, reason, properties }));
        self.send_waiting(now);
    }

    fn disconnected(&mut self, disconnect: Disconnect) {
        self.trace(|| Trace::Received(Summary::Disconnect { reason: disconnect.reason }));
        self.state = State::Closed;
        self.events.push_back(Event::Disconnected(disconnect));
    }
}

/// As libmosquitto: an acknowledgement with a reason that it cannot have is a protocol error.
fn check_reason(ack: &Ack, packet: PacketType) -> Result<(), SessionError> {
    // The codec reads a success for everything before version 5.
    if ack.reason.is_defined_in(packet) { Ok(()) } else { Err(SessionError::ReasonCode { packet, reason: ack.reason }) }
}
