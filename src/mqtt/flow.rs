//! QoS 1 and 2, §4.3: the sender's and the receiver's half of a flow, as a client's session has them. (The broker's
//! half, `broker::session`, adds byte limits, access rules and a journal.)
//!
//! [`Sender`] assigns packet ids, keeps what is not acknowledged and says what to put on the wire next, as far as
//! the window allows; [`Receiver`] knows which QoS 2 messages have been delivered. Both know no packets: `M` is whatever
//! the owner needs to build a PUBLISH again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::num::NonZeroU16;

use super::packet::{PacketId, QoS};

/// What there is of each packet id. There are 65,535 at most, so the hash needs speed, not protection.
type ById<V> = HashMap<PacketId, V, BuildHasherDefault<IdHasher>>;

/// Spreads an id that nobody outside chooses, or of which there are few, over 64 bits by one multiplication.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u16(u16::from(*byte));
        }
    }

    fn write_u16(&mut self, id: u16) {
        self.write_u64(id.into());
    }

    fn write_u64(&mut self, id: u64) {
        // 2^64 divided by the golden ratio: neighbours end up far apart, in the high bits as well.
        self.0 = (self.0 ^ id).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

/// What the sender of a QoS 1 or 2 message waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaiting {
    /// PUBACK, at QoS 1.
    PubAck,
    /// PUBREC, in the first half of QoS 2.
    PubRec,
    /// PUBCOMP, in the second half of QoS 2: the receiver has the message.
    PubComp,
}

/// A packet that [`Sender::poll_send`] wants on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowPacket<'a, M> {
    Publish { packet_id: PacketId, qos: QoS, dup: bool, message: &'a M },
    PubRel { packet_id: PacketId },
}

/// What an acknowledgement meant to the [`Sender`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AckOutcome<M> {
    /// The flow is over; its message and its id are free.
    Finished(M),
    /// PUBREC: send PUBREL. Also for one that comes again [MQTT-4.3.3-4].
    Release,
    /// No such packet id is in flight, or it waits for something else.
    Unknown,
}

/// No packet id is free: 65,535 messages and requests wait for their acknowledgements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoFreePacketId;

/// The sender's half: packet ids, the in-flight window, what to send again.
#[derive(Clone, Debug)]
pub struct Sender<M> {
    flights: ById<Flight<M>>,
    /// Ids whose PUBLISH or PUBREL is to be sent, in order.
    unsent: VecDeque<PacketId>,
    /// Requests whose ids come from the same counter: SUBSCRIBE and UNSUBSCRIBE.
    reserved: HashSet<PacketId, BuildHasherDefault<IdHasher>>,
    last_id: u16,
    /// How many PUBLISH packets may be unacknowledged at once.
    window: u16,
    /// How many PUBLISH packets are unacknowledged on this connection.
    in_window: u16,
    /// Counts what happened, to know the order.
    steps: u64,
}

/// A message between its PUBLISH and the end of its flow.
#[derive(Clone, Debug)]
struct Flight<M> {
    awaiting: Awaiting,
    /// When it was taken: PUBLISH packets are sent again in the order of the first time [MQTT-4.6.0-1].
    taken: u64,
    /// When it came to what it awaits: PUBREL packets go in the order of the PUBRECs [MQTT-4.6.0-4].
    step: u64,
    /// Whether a PUBLISH of it has gone out on any connection that the peer remembers.
    sent: bool,
    /// Whether one has gone out on any connection at all.
    was_sent: bool,
    /// Whether it takes a place in the window of this connection.
    in_window: bool,
    message: M,
}

impl<M> Sender<M> {
    /// `window` is the most PUBLISH packets in flight at once.
    pub fn new(window: NonZeroU16) -> Self {
        Self {
            flights: ById::default(),
            unsent: VecDeque::new(),
            reserved: HashSet::default(),
            last_id: 0,
            window: window.get(),
            in_window: 0,
            steps: 0,
        }
    }

    /// Sets the window, from the next [`Sender::poll_send`] on.
    pub fn set_window(&mut self, window: NonZeroU16) {
        self.window = window.get();
    }

    /// Whether one more message would go out at once.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.unsent.is_empty() && self.in_window < self.window
    }

    /// Whether anything waits for its turn to be sent.
    #[inline]
    pub fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Messages whose flow is not over, those not sent yet included.
    pub fn len(&self) -> usize {
        self.flights.len()
    }

    pub fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    /// Counts one id on from 1, past those in use [MQTT-2.2.1-3] [MQTT-4.3.2-1] [MQTT-4.3.3-1].
    #[inline]
    pub fn next_id(&mut self) -> Result<PacketId, NoFreePacketId> {
        for _ in 0..=u16::MAX {
            self.last_id = self.last_id.wrapping_add(1);
            let Some(id) = PacketId::new(self.last_id) else { continue };
            let free = (self.flights.is_empty() || !self.flights.contains_key(&id))
                && (self.reserved.is_empty() || !self.reserved.contains(&id));
            if free {
                return Ok(id);
            }
        }
        Err(NoFreePacketId)
    }

    /// An id for a request that is answered by its id, to be freed by [`Sender::release`].
    pub fn reserve(&mut self) -> Result<PacketId, NoFreePacketId> {
        let id = self.next_id()?;
        self.reserved.insert(id);
        Ok(id)
    }

    /// Whether the id was reserved.
    pub fn release(&mut self, packet_id: PacketId) -> bool {
        self.reserved.remove(&packet_id)
    }

    /// Requests that wait for their answers.
    pub fn reserved(&self) -> usize {
        self.reserved.len()
    }

    /// Takes a message for QoS 1 or 2 behind all others; [`Sender::poll_send`] hands it out when its turn comes.
    /// QoS 0 has no flow and takes only [`Sender::next_id`].
    pub fn enqueue(&mut self, qos: QoS, message: M) -> Result<PacketId, NoFreePacketId> {
        debug_assert_ne!(qos, QoS::AtMostOnce, "QoS 0 has no flow");
        let awaiting = if qos == QoS::ExactlyOnce { Awaiting::PubRec } else { Awaiting::PubAck };
        let packet_id = self.next_id()?;
        let step = self.next_step();
        self.flights.insert(
            packet_id,
            Flight { awaiting, taken: step, step, sent: false, was_sent: false, in_window: false, message },
        );
        self.unsent.push_back(packet_id);
        Ok(packet_id)
    }

    /// The next packet that the window lets out, in order; a PUBREL needs no place in it.
    #[inline]
    pub fn poll_send(&mut self) -> Option<FlowPacket<'_, M>> {
        let packet_id = loop {
            let id = *self.unsent.front()?;
            match self.flights.get(&id) {
                Some(flight) if flight.awaiting == Awaiting::PubComp => break id,
                // [MQTT-4.9.0-2]
                Some(flight) if !flight.in_window && self.in_window >= self.window => return None,
                Some(flight) if !flight.in_window => break id,
                // Its flow ended before its turn came, and perhaps the id went to another that is already out.
                _ => _ = self.unsent.pop_front(),
            }
        };
        self.unsent.pop_front();
        let flight = self.flights.get_mut(&packet_id)?;
        let qos = match flight.awaiting {
            // The PUBLISH itself is not sent again [MQTT-4.3.3-6].
            Awaiting::PubComp => return Some(FlowPacket::PubRel { packet_id }),
            Awaiting::PubAck => QoS::AtLeastOnce,
            Awaiting::PubRec => QoS::ExactlyOnce,
        };
        self.in_window += 1;
        flight.in_window = true;
        flight.was_sent = true;
        // Without DUP at first [MQTT-4.3.2-2] [MQTT-4.3.3-2], with it from then on [MQTT-3.3.1-1].
        let dup = std::mem::replace(&mut flight.sent, true);
        Some(FlowPacket::Publish { packet_id, qos, dup, message: &flight.message })
    }

    /// The message was unacknowledged until now [MQTT-4.3.2-3].
    #[inline]
    pub fn handle_puback(&mut self, packet_id: PacketId) -> AckOutcome<M> {
        self.finish(packet_id, Awaiting::PubAck)
    }

    /// The message was unacknowledged until now [MQTT-4.3.3-3]. `refused`: the PUBREC carries an error, which ends the flow
    /// [MQTT-4.3.3-4], and the message is not sent again [MQTT-4.4.0-2].
    pub fn handle_pubrec(&mut self, packet_id: PacketId, refused: bool) -> AckOutcome<M> {
        let step = self.next_step();
        match self.flights.get_mut(&packet_id) {
            Some(flight) if flight.sent && flight.awaiting == Awaiting::PubRec => {
                if refused {
                    return self.finish(packet_id, Awaiting::PubRec);
                }
                flight.awaiting = Awaiting::PubComp;
                flight.step = step;
                AckOutcome::Release
            }
            Some(flight) if flight.awaiting == Awaiting::PubComp && !refused => AckOutcome::Release,
            _ => AckOutcome::Unknown,
        }
    }

    /// The PUBREL was unacknowledged until now [MQTT-4.3.3-5].
    #[inline]
    pub fn handle_pubcomp(&mut self, packet_id: PacketId) -> AckOutcome<M> {
        self.finish(packet_id, Awaiting::PubComp)
    }

    #[inline]
    fn finish(&mut self, packet_id: PacketId, awaiting: Awaiting) -> AckOutcome<M> {
        match self.flights.get(&packet_id) {
            Some(flight) if flight.sent && flight.awaiting == awaiting => {}
            _ => return AckOutcome::Unknown,
        }
        self.remove(packet_id).map_or(AckOutcome::Unknown, |(message, _)| AckOutcome::Finished(message))
    }

    /// What a message waits for, if it is not done with.
    pub fn awaiting(&self, packet_id: PacketId) -> Option<Awaiting> {
        self.flights.get(&packet_id).map(|flight| flight.awaiting)
    }

    /// Gives up a message, whatever it waits for. With it comes whether it has gone out on any connection.
    pub fn remove(&mut self, packet_id: PacketId) -> Option<(M, bool)> {
        let flight = self.flights.remove(&packet_id)?;
        if flight.in_window {
            self.in_window -= 1;
        }
        Some((flight.message, flight.was_sent))
    }

    /// A new connection of the same session: everything unfinished is to be sent again [MQTT-4.4.0-1], and the window, which is
    /// the connection's, is empty (§4.9). Requests that waited for an answer will not get one.
    pub fn resume(&mut self) {
        self.reserved.clear();
        self.in_window = 0;
        for flight in self.flights.values_mut() {
            flight.in_window = false;
        }
        self.unsent = self.in_order().into_iter().map(|(packet_id, ..)| packet_id).collect();
    }

    /// A new connection whose peer has forgotten the session: as [`Sender::resume`], but every message starts its
    /// flow anew, also one that was half through, since it is not known whether the peer had passed it on.
    pub fn restart(&mut self) {
        for flight in self.flights.values_mut() {
            flight.sent = false;
            flight.step = flight.taken;
            if flight.awaiting == Awaiting::PubComp {
                flight.awaiting = Awaiting::PubRec;
            }
        }
        self.resume();
    }

    /// The unfinished flows in the order in which they would be sent again: first what needs a PUBREL, which no window
    /// holds back and whose messages are the older ones.
    fn in_order(&self) -> Vec<(PacketId, Awaiting, &M)> {
        let mut flights: Vec<_> = self.flights.iter().collect();
        flights.sort_unstable_by_key(|(_, flight)| (flight.awaiting != Awaiting::PubComp, flight.step));
        flights.into_iter().map(|(packet_id, flight)| (*packet_id, flight.awaiting, &flight.message)).collect()
    }

    /// The messages whose flow is not over, in the order in which they were taken, and whether a PUBLISH of each has gone out on
    /// any connection.
    pub fn in_order_taken(&self) -> Vec<(PacketId, &M, bool)> {
        let mut flights: Vec<_> = self.flights.iter().collect();
        flights.sort_unstable_by_key(|(_, flight)| flight.taken);
        flights.into_iter().map(|(packet_id, flight)| (*packet_id, &flight.message, flight.was_sent)).collect()
    }

    fn next_step(&mut self) -> u64 {
        self.steps += 1;
        self.steps
    }
}

impl<M> Default for Sender<M> {
    /// A sender with as many messages in flight as there are packet ids.
    fn default() -> Self {
        Self::new(NonZeroU16::MAX)
    }
}

/// What a QoS 2 PUBLISH means to the [`Receiver`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The message is to be delivered; [`Receiver::handle_delivered`] remembers it.
    New,
    /// The message was delivered already: it is answered by PUBREC, and not delivered again [MQTT-4.3.3-10].
    Duplicate,
    /// The message is one more than the sender was allowed.
    TooMany,
}

/// The receiver's half of QoS 2, the first of the two methods of figure 4.3 in version 5: a message is delivered when its PUBLISH comes,
/// before its PUBREC, and its packet id is remembered until PUBREL. Whoever dies in between has shown nobody that he
/// has the message, so it is sent to him again.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Where in the stream of sent bytes the PUBREC of a delivered message ends; `None` while it is held back.
    delivered: ById<Option<u64>>,
    maximum: u16,
}

impl Receiver {
    /// `maximum` is the Receive Maximum that was announced.
    pub fn new(maximum: NonZeroU16) -> Self {
        Self { delivered: ById::default(), maximum: maximum.get() }
    }

    pub fn set_maximum(&mut self, maximum: NonZeroU16) {
        self.maximum = maximum.get();
    }

    /// What to do with a PUBLISH. A sender that has got no PUBREC for a message repeats it with DUP [MQTT-3.3.1-1]: the id
    /// of a PUBREC that never left, without DUP, is another message's.
    pub fn handle_publish(&self, packet_id: PacketId, dup: bool) -> Arrival {
        match self.delivered.get(&packet_id) {
            Some(Some(_)) => Arrival::Duplicate,
            Some(None) if dup => Arrival::Duplicate,
            None if self.delivered.len() >= usize::from(self.maximum) => Arrival::TooMany,
            Some(None) | None => Arrival::New,
        }
    }

    /// A message was delivered, and its PUBREC is held back until [`Receiver::handle_answered`].
    pub fn handle_delivered(&mut self, packet_id: PacketId) {
        self.delivered.insert(packet_id, None);
    }

    /// The PUBREC of a message goes out and ends at this place in the stream of sent bytes.
    pub fn handle_answered(&mut self, packet_id: PacketId, end: u64) {
        if let Some(answered) = self.delivered.get_mut(&packet_id) {
            *answered = Some(end);
        }
    }

    /// What was done with a message has failed, and its PUBREC, which was held back, will not be sent: it is to come again.
    pub fn handle_withheld(&mut self, packet_id: PacketId) {
        if self.delivered.get(&packet_id) == Some(&None) {
            self.delivered.remove(&packet_id);
        }
    }

    /// The flow of a message is over: its packet id is that of another one from now on [MQTT-4.3.3-12]. Of an unknown one too,
    /// which is answered all the same.
    pub fn handle_pubrel(&mut self, packet_id: PacketId) {
        self.delivered.remove(&packet_id);
    }

    /// The connection is gone, on which so many bytes have left.
    pub fn handle_closed(&mut self, left: u64) {
        for answered in self.delivered.values_mut() {
            // What has left once counts as such on every later connection.
            *answered = answered.filter(|end| *end <= left).map(|_| 0);
        }
    }

    /// Whether no delivered message waits for its PUBREL.
    pub fn is_empty(&self) -> bool {
        self.delivered.is_empty()
    }

    pub fn clear(&mut self) {
        self.delivered.clear();
    }
}

impl Default for Receiver {
    /// A receiver that announced no Receive Maximum, which is one of 65,535.
    fn default() -> Self {
        Self::new(NonZeroU16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_most(count: u16) -> NonZeroU16 {
        NonZeroU16::new(count).unwrap()
    }

    fn id(number: u16) -> PacketId {
        PacketId::new(number).unwrap()
    }

    /// Everything that may go out now, as short words.
    fn sent(sender: &mut Sender<&'static str>) -> Vec<String> {
        let mut words = Vec::new();
        while let Some(outgoing) = sender.poll_send() {
            words.push(match outgoing {
                FlowPacket::Publish { packet_id, qos, dup, message } => {
                    format!("{message}{packet_id} q{}{}", qos as u8, if dup { " dup" } else { "" })
                }
                FlowPacket::PubRel { packet_id } => format!("rel{packet_id}"),
            });
        }
        words
    }

    #[test]
    fn ids_count_from_1_past_0_and_past_those_in_use() {
        let mut sender = Sender::default();
        assert_eq!(sender.next_id(), Ok(id(1)));
        assert_eq!(sender.enqueue(QoS::AtLeastOnce, "a"), Ok(id(2)));
        assert_eq!(sender.reserve(), Ok(id(3)));
        for expected in 4..=u16::MAX {
            assert_eq!(sender.next_id(), Ok(id(expected)));
        }
        assert_eq!(sender.next_id(), Ok(id(1)));
        assert_eq!(sender.next_id(), Ok(id(4)));
        assert!(sender.release(id(3)));
        assert!(!sender.release(id(3)));
    }

    #[test]
    fn no_id_is_left_when_all_are_in_use() {
        let mut sender = Sender::default();
        for _ in 0..u16::MAX {
            sender.enqueue(QoS::AtLeastOnce, "a").unwrap();
        }
        assert_eq!(sender.enqueue(QoS::AtLeastOnce, "b"), Err(NoFreePacketId));
        assert_eq!(sent(&mut sender).len(), usize::from(u16::MAX));
        assert_eq!(sender.handle_puback(id(77)), AckOutcome::Finished("a"));
        assert_eq!(sender.enqueue(QoS::AtLeastOnce, "b"), Ok(id(77)));
    }

    #[test]
    fn the_window_is_refilled_at_each_acknowledgement() {
        let mut sender = Sender::new(at_most(2));
        for message in ["a", "b", "c", "d"] {
            sender.enqueue(QoS::AtLeastOnce, message).unwrap();
        }
        assert_eq!(sent(&mut sender), ["a1 q1", "b2 q1"]);
        assert!(!sender.has_room());
        assert_eq!(sender.handle_puback(id(2)), AckOutcome::Finished("b"));
        assert_eq!(sent(&mut sender), ["c3 q1"]);
        assert_eq!(sender.handle_puback(id(1)), AckOutcome::Finished("a"));
        assert_eq!(sender.handle_puback(id(3)), AckOutcome::Finished("c"));
        assert!(!sender.has_room(), "d is before whatever comes now");
        assert_eq!(sent(&mut sender), ["d4 q1"]);
        assert!(sender.has_room());
    }

    #[test]
    fn a_qos_2_message_leaves_the_window_with_pubcomp() {
        let mut sender = Sender::new(at_most(1));
        sender.enqueue(QoS::ExactlyOnce, "a").unwrap();
        sender.enqueue(QoS::ExactlyOnce, "b").unwrap();
        assert_eq!(sent(&mut sender), ["a1 q2"]);
        assert_eq!(sender.handle_pubcomp(id(1)), AckOutcome::Unknown);
        assert_eq!(sender.handle_pubrec(id(1), false), AckOutcome::Release);
        assert_eq!(sent(&mut sender), Vec::<String>::new());
        assert_eq!(sender.handle_pubrec(id(1), false), AckOutcome::Release, "again, as before");
        assert_eq!(sender.handle_pubcomp(id(1)), AckOutcome::Finished("a"));
        assert_eq!(sender.handle_pubcomp(id(1)), AckOutcome::Unknown);
        assert_eq!(sent(&mut sender), ["b2 q2"]);
    }

    #[test]
    fn mqtt_4_3_3_4_a_pubrec_with_an_error_ends_the_flow() {
        let mut sender = Sender::new(at_most(1));
        sender.enqueue(QoS::ExactlyOnce, "a").unwrap();
        assert_eq!(sent(&mut sender), ["a1 q2"]);
        assert_eq!(sender.handle_pubrec(id(1), true), AckOutcome::Finished("a"));
        assert!(sender.is_empty() && sender.has_room());
    }

    #[test]
    fn an_acknowledgement_of_the_wrong_kind_or_id_changes_nothing() {
        let mut sender = Sender::default();
        sender.enqueue(QoS::AtLeastOnce, "a").unwrap();
        assert_eq!(sender.handle_puback(id(1)), AckOutcome::Unknown, "not sent yet");
        assert_eq!(sent(&mut sender), ["a1 q1"]);
        assert_eq!(sender.handle_pubrec(id(1), false), AckOutcome::Unknown);
        assert_eq!(sender.handle_pubcomp(id(1)), AckOutcome::Unknown);
        assert_eq!(sender.handle_puback(id(2)), AckOutcome::Unknown);
        assert_eq!(sender.len(), 1);
    }

    #[test]
    fn mqtt_4_6_0_1_what_is_unfinished_is_sent_again_in_order() {
        let mut sender = Sender::new(at_most(3));
        for (qos, message) in [(QoS::ExactlyOnce, "a"), (QoS::AtLeastOnce, "b"), (QoS::ExactlyOnce, "c")] {
            sender.enqueue(qos, message).unwrap();
        }
        sender.enqueue(QoS::AtLeastOnce, "d").unwrap();
        assert_eq!(sent(&mut sender), ["a1 q2", "b2 q1", "c3 q2"]);
        // [MQTT-4.6.0-4]: PUBREL in the order of PUBREC.
        assert_eq!(sender.handle_pubrec(id(3), false), AckOutcome::Release);
        assert_eq!(sender.handle_pubrec(id(1), false), AckOutcome::Release);
        sender.resume();
        assert_eq!(sent(&mut sender), ["rel3", "rel1", "b2 q1 dup", "d4 q1"]);
    }

    #[test]
    fn what_is_sent_again_keeps_to_the_new_window() {
        let mut sender = Sender::new(at_most(3));
        for message in ["a", "b", "c"] {
            sender.enqueue(QoS::AtLeastOnce, message).unwrap();
        }
        assert_eq!(sent(&mut sender).len(), 3);
        sender.resume();
        sender.set_window(at_most(1));
        assert_eq!(sent(&mut sender), ["a1 q1 dup"]);
        assert_eq!(sender.handle_puback(id(1)), AckOutcome::Finished("a"));
        assert_eq!(sent(&mut sender), ["b2 q1 dup"]);
    }

    #[test]
    fn a_lost_session_starts_every_flow_anew() {
        let mut sender = Sender::default();
        sender.enqueue(QoS::ExactlyOnce, "a").unwrap();
        sender.enqueue(QoS::AtLeastOnce, "b").unwrap();
        assert_eq!(sent(&mut sender), ["a1 q2", "b2 q1"]);
        assert_eq!(sender.handle_pubrec(id(1), false), AckOutcome::Release);
        sender.restart();
        assert_eq!(sent(&mut sender), ["a1 q2", "b2 q1"]);
    }

    #[test]
    fn mqtt_4_3_3_10_a_qos_2_message_arrives_once() {
        let mut receiver = Receiver::default();
        assert_eq!(receiver.handle_publish(id(5), false), Arrival::New);
        receiver.handle_delivered(id(5));
        receiver.handle_answered(id(5), 4);
        for dup in [false, true] {
            assert_eq!(receiver.handle_publish(id(5), dup), Arrival::Duplicate);
        }
        receiver.handle_pubrel(id(5));
        assert_eq!(receiver.handle_publish(id(5), false), Arrival::New);
    }

    #[test]
    fn an_id_whose_pubrec_never_left_is_known_only_with_dup() {
        let mut receiver = Receiver::default();
        for (packet_id, end) in [(id(1), Some(4)), (id(2), Some(8)), (id(3), None)] {
            receiver.handle_delivered(packet_id);
            if let Some(end) = end {
                receiver.handle_answered(packet_id, end);
            }
        }
        receiver.handle_closed(7);
        let of = |receiver: &Receiver, dup| [id(1), id(2), id(3)].map(|id| receiver.handle_publish(id, dup));
        assert_eq!(of(&receiver, true), [Arrival::Duplicate; 3]);
        assert_eq!(of(&receiver, false), [Arrival::Duplicate, Arrival::New, Arrival::New]);
        receiver.handle_closed(0);
        assert_eq!(of(&receiver, false)[0], Arrival::Duplicate, "it left on the connection before");
    }

    #[test]
    fn a_message_whose_pubrec_is_withheld_is_forgotten_unless_it_was_answered_before() {
        let mut receiver = Receiver::default();
        for packet_id in [id(1), id(2)] {
            receiver.handle_delivered(packet_id);
        }
        receiver.handle_answered(id(1), 4);
        receiver.handle_withheld(id(1));
        receiver.handle_withheld(id(2));
        assert_eq!(receiver.handle_publish(id(1), true), Arrival::Duplicate);
        assert_eq!(receiver.handle_publish(id(2), true), Arrival::New);
    }

    #[test]
    fn mqtt_3_3_4_9_more_than_the_receive_maximum_is_too_many() {
        let mut receiver = Receiver::new(at_most(1));
        receiver.handle_delivered(id(1));
        receiver.handle_answered(id(1), 4);
        assert_eq!(receiver.handle_publish(id(1), true), Arrival::Duplicate);
        assert_eq!(receiver.handle_publish(id(2), false), Arrival::TooMany);
        receiver.handle_pubrel(id(1));
        assert_eq!(receiver.handle_publish(id(2), false), Arrival::New);
    }
}
