//! Acknowledging messages in two steps: staged when the owner of the session has a message in hand, released when what he
//! did with it is sure. What is staged and not released is the server's to send again.

use std::time::Instant;

use super::event::{Summary, Trace};
use super::machine::{Session, State};
use crate::mqtt::packet::{Ack, Disconnect, EncodeError, Packet, PacketId, Publish, QoS, ReasonCode};

impl Session {
    /// Stages the acknowledgement of a message that came as [`super::Event::Message`] on this connection: PUBACK or PUBREC, or
    /// nothing at QoS 0. It may be called later, but in the order in which the messages came [MQTT-4.6.0-2] [MQTT-4.6.0-3], and
    /// a QoS 2 message that is not acknowledged yet comes as another one if the server repeats it. A message that this is not
    /// called for stays the server's.
    ///
    /// Each QoS has its answer [MQTT-3.3.4-1] [MQTT-4.3.2-4] [MQTT-4.3.3-8], whatever the message is [MQTT-4.5.0-2].
    #[inline]
    pub fn acknowledge(&mut self, publish: &Publish) {
        let Some(packet_id) = publish.packet_id.filter(|_| self.wants_input()) else { return };
        if publish.qos == QoS::ExactlyOnce {
            self.receiver.handle_delivered(packet_id);
            self.stage_pubrec(packet_id);
        } else {
            self.trace(|| Trace::Sending(Summary::PubAck { packet_id, reason: ReasonCode::SUCCESS }));
            self.stage(&Packet::PubAck(Ack::new(packet_id)));
        }
    }

    pub(super) fn stage_pubrec(&mut self, packet_id: PacketId) {
        self.trace(|| Trace::Sending(Summary::PubRec { packet_id, reason: ReasonCode::SUCCESS }));
        self.stage(&Packet::PubRec(Ack::new(packet_id)));
        self.staged.pubrecs.push((packet_id, self.staged.bytes.len()));
    }

    fn stage(&mut self, packet: &Packet) {
        let encoded = packet.encode(self.connect.version, &mut self.staged.bytes);
        // An acknowledgement without properties has nothing that could be too long.
        debug_assert_eq!(encoded, Ok(()));
    }

    /// Sends what is staged: what was done with the messages is sure.
    #[inline]
    pub fn release_acknowledgements(&mut self, now: Instant) {
        if !self.staged.bytes.is_empty() {
            let start = self.output.end();
            for (packet_id, end) in self.staged.pubrecs.drain(..) {
                self.receiver.handle_answered(packet_id, start + end as u64);
            }
            self.output.bytes().extend_from_slice(&self.staged.bytes);
            self.output.note_answer(self.staged.bytes.len());
            self.staged.bytes.clear();
            self.note_sent(now);
        }
        self.send_staged_disconnect();
    }

    /// Drops what is staged: what was done with the messages has failed, and they are the server's to send again.
    pub fn withhold_acknowledgements(&mut self) {
        self.staged.bytes.clear();
        for (packet_id, _) in self.staged.pubrecs.drain(..) {
            self.receiver.handle_withheld(packet_id);
        }
        self.send_staged_disconnect();
    }

    /// Stages DISCONNECT over an error, behind the acknowledgements of what came before it.
    pub(super) fn stage_disconnect(&mut self, reason: ReasonCode) {
        self.trace(|| Trace::Sending(Summary::Disconnect { reason }));
        self.staged.disconnect = Some(Disconnect { reason, ..Disconnect::default() });
        if self.staged.bytes.is_empty() {
            self.send_staged_disconnect();
        }
    }

    fn send_staged_disconnect(&mut self) {
        if let Some(disconnect) = self.staged.disconnect.take() {
            // Without properties it has nothing that could be too long.
            let _: Result<(), EncodeError> = disconnect.encode(self.connect.version, self.output.bytes());
        }
    }

    /// Whether a QoS 2 message whose PUBREC has gone out waits for its PUBREL.
    pub fn awaits_pubrel(&self) -> bool {
        self.state == State::Connected && !self.receiver.is_empty()
    }
}
