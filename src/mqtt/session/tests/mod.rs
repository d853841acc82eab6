//! Sessions under a virtual clock, each against a scripted server.

mod authentication;
mod lossy;

use std::num::NonZeroU16;
use std::ops::ControlFlow;
use std::slice::from_ref;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};

use super::machine::*;
use super::*;
use crate::mqtt::packet::{
    Ack, ConnAck, Connect, DecodeError, Decoder, Disconnect, MAXIMUM_BEFORE_ACCEPTED, MAXIMUM_PACKET_SIZE, Packet,
    PacketId, PacketType, Properties, Property, ProtocolVersion, Publish, QoS, ReasonCode, SubAck, Subscription,
    SubscriptionOptions, UnsubAck,
};

const V311: ProtocolVersion = ProtocolVersion::V311;
const V5: ProtocolVersion = ProtocolVersion::V5;

/// A session, the server's end of its connection, and the clock of both.
struct Talk {
    session: Session,
    /// The server's decoder of the connection.
    server: Decoder,
    /// What has happened and not been asked for yet.
    happened: Vec<Event>,
    now: Instant,
}

fn id(number: u16) -> PacketId {
    PacketId::new(number).unwrap()
}

fn connect(version: ProtocolVersion) -> Connect {
    Connect {
        version,
        bridge: false,
        clean_start: true,
        keep_alive: 60,
        client_id: "c".into(),
        will: None,
        username: None,
        password: None,
        properties: Properties::new(),
    }
}

fn connack(properties: impl IntoIterator<Item = Property>) -> ConnAck {
    ConnAck { session_present: false, code: 0, properties: properties.into_iter().collect() }
}

fn message(qos: QoS, payload: &'static str) -> Publish {
    Publish {
        dup: false,
        qos,
        retain: false,
        topic: "t".into(),
        packet_id: None,
        properties: Properties::new(),
        payload: Bytes::from_static(payload.as_bytes()),
    }
}

/// A message as the server sends it.
fn incoming(qos: QoS, packet_id: u16, payload: &'static str) -> Packet {
    Packet::Publish(Publish { packet_id: PacketId::new(packet_id), ..message(qos, payload) })
}

impl Talk {
    /// Before CONNECT.
    fn new(connect: Connect, window: u16) -> Self {
        let session = Session::new(connect, NonZeroU16::new(window));
        Self { session, server: Decoder::server(MAXIMUM_PACKET_SIZE), happened: Vec::new(), now: Instant::now() }
    }

    /// After CONNACK without properties.
    fn connected(version: ProtocolVersion) -> Self {
        let mut talk = Self::new(connect(version), 20);
        talk.open(connack([]));
        talk
    }

    /// Connects, for the first time or again, up to the CONNACK.
    fn open(&mut self, connack: ConnAck) {
        let before = self.happened.len();
        self.call();
        self.hear(&Packet::ConnAck(connack.clone())).unwrap();
        assert_eq!(self.happened.remove(before), Event::Connected(connack));
    }

    /// A connection on which the server has not answered yet.
    fn call(&mut self) {
        self.server = Decoder::server(MAXIMUM_PACKET_SIZE);
        self.session.handle_connected(self.now).unwrap();
        let hello = self.sent();
        assert!(matches!(&hello[..], [Packet::Connect(_)]), "{hello:?}");
    }

    /// The server sends `packet`.
    fn hear(&mut self, packet: &Packet) -> Result<(), SessionError> {
        let mut bytes = BytesMut::new();
        packet.encode(self.session.version(), &mut bytes).unwrap();
        self.hear_bytes(&bytes)
    }

    fn hear_bytes(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        let taken = self.take_bytes(bytes);
        self.session.release_acknowledgements(self.now);
        taken
    }

    /// The server sends `packet`; what it is acknowledged with stays staged.
    fn take(&mut self, packet: &Packet) -> Result<(), SessionError> {
        let mut bytes = BytesMut::new();
        packet.encode(self.session.version(), &mut bytes).unwrap();
        self.take_bytes(&bytes)
    }

    fn take_bytes(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        let mut buffer = BytesMut::from(bytes);
        while self.session.handle_next(&mut buffer, self.now)? {
            self.acknowledge_all();
        }
        Ok(())
    }

    fn acknowledge_all(&mut self) {
        while let Some(event) = self.session.poll_event() {
            if let Event::Message(publish) = &event {
                self.session.acknowledge(publish);
            }
            self.happened.push(event);
        }
    }

    /// What the client has sent since.
    fn sent(&mut self) -> Vec<Packet> {
        let output = self.session.output();
        let mut bytes = BytesMut::from(output.chunk());
        output.advance(bytes.len());
        let mut packets = Vec::new();
        while let Some(packet) = self.server.decode(&mut bytes).unwrap() {
            packets.push(packet);
        }
        assert!(bytes.is_empty(), "half a packet");
        packets
    }

    /// The payloads, ids and flags of what the client has sent, in short words.
    fn sent_words(&mut self) -> Vec<String> {
        self.sent().iter().map(word).collect()
    }

    fn events(&mut self) -> Vec<Event> {
        self.acknowledge_all();
        std::mem::take(&mut self.happened)
    }

    fn publish(&mut self, qos: QoS, payload: &'static str) -> u16 {
        self.session.publish(message(qos, payload), self.now).unwrap().get()
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }
}

fn word(packet: &Packet) -> String {
    match packet {
        Packet::Publish(publish) => {
            let text = String::from_utf8_lossy(&publish.payload);
            let dup = if publish.dup { " dup" } else { "" };
            format!("{text}{} q{}{dup}", publish.packet_id.map_or(0, PacketId::get), publish.qos as u8)
        }
        Packet::PubAck(ack) => format!("puback{} {}", ack.packet_id, ack.reason.0),
        Packet::PubRec(ack) => format!("pubrec{} {}", ack.packet_id, ack.reason.0),
        Packet::PubRel(ack) => format!("pubrel{} {}", ack.packet_id, ack.reason.0),
        Packet::PubComp(ack) => format!("pubcomp{} {}", ack.packet_id, ack.reason.0),
        Packet::Disconnect(disconnect) => format!("disconnect {}", disconnect.reason.0),
        other => format!("{:?}", other.kind()),
    }
}

fn acknowledged(packet_id: u16, by: PacketType, reason: ReasonCode) -> Event {
    Event::Acknowledged(Acknowledged { packet_id: id(packet_id), by, reason, properties: Properties::new() })
}

#[test]
fn a_message_at_qos_0_goes_out_at_once_and_takes_an_id_of_the_counter() {
    let mut talk = Talk::connected(V311);
    assert_eq!(talk.publish(QoS::AtMostOnce, "a"), 1);
    assert_eq!(talk.publish(QoS::AtLeastOnce, "b"), 2);
    assert_eq!(talk.sent_words(), ["a0 q0", "b2 q1"]);
    assert_eq!(talk.events(), []);
}

#[test]
fn a_message_at_qos_0_needs_a_connection_and_one_above_waits_for_it() {
    let mut talk = Talk::new(connect(V311), 20);
    let refused = talk.session.publish(message(QoS::AtMostOnce, "a"), talk.now);
    assert_eq!(refused, Err(SendError::NotConnected));
    assert_eq!(talk.publish(QoS::AtLeastOnce, "b"), 1);
    assert_eq!(talk.sent_words(), Vec::<String>::new());
    talk.open(connack([]));
    assert_eq!(talk.sent_words(), ["b1 q1"]);
}

/// What is shown without an event, and the bytes that are left.
fn shown(talk: &mut Talk, packets: &[Packet], stop_at: &str) -> (Vec<String>, usize) {
    let mut buffer = BytesMut::new();
    for packet in packets {
        packet.encode(talk.session.version(), &mut buffer).unwrap();
    }
    let mut shown = Vec::new();
    let flow = talk.session.show_plain(&mut buffer, talk.now, |publish| {
        shown.push(String::from_utf8(publish.payload.to_vec()).unwrap());
        if publish.payload == stop_at.as_bytes() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(flow.is_break(), shown.iter().any(|payload| payload == stop_at));
    (shown, buffer.len())
}

#[test]
fn plain_messages_are_shown_up_to_the_first_that_asks_for_more() {
    for version in [ProtocolVersion::V31, V311, V5] {
        let mut talk = Talk::connected(version);
        let [a, b, c] = ["a", "b", "c"].map(|payload| incoming(QoS::AtMostOnce, 0, payload));
        let asking = incoming(QoS::AtLeastOnce, 1, "answer me");
        assert_eq!(shown(&mut talk, &[a.clone(), b.clone()], ""), (vec!["a".into(), "b".into()], 0));
        let rest = asking.encoded_len(version).unwrap() + c.encoded_len(version).unwrap();
        assert_eq!(shown(&mut talk, &[a.clone(), asking, c], ""), (vec!["a".into()], rest));
        let rest = b.encoded_len(version).unwrap();
        assert_eq!(shown(&mut talk, &[a, b], "a"), (vec!["a".into()], rest), "what was broken off stays");
    }
}

#[test]
fn a_message_with_properties_or_an_unprintable_topic_is_not_plain() {
    let mut talk = Talk::connected(V5);
    let message = message(QoS::AtMostOnce, "a");
    let with_alias = Publish { properties: [Property::TopicAlias(1)].into_iter().collect(), ..message.clone() };
    for publish in [with_alias, Publish { topic: "ä".into(), ..message }] {
        assert_eq!(shown(&mut talk, &[Packet::Publish(publish)], "").0, Vec::<String>::new());
    }
}

#[test]
fn nothing_is_plain_before_connack_nor_with_a_log_nor_before_an_older_event() {
    let message = incoming(QoS::AtMostOnce, 0, "a");
    let mut talk = Talk::new(connect(V311), 20);
    talk.call();
    assert_eq!(shown(&mut talk, from_ref(&message), "").0, Vec::<String>::new());
    let mut talk = Talk::connected(V311);
    talk.session.handle_packet(incoming(QoS::AtLeastOnce, 1, "older"), talk.now).unwrap();
    assert_eq!(shown(&mut talk, from_ref(&message), "").0, Vec::<String>::new());
    let mut talk = Talk::connected(V311);
    talk.session.set_tracing(true);
    assert_eq!(shown(&mut talk, from_ref(&message), "").0, Vec::<String>::new());
}

#[test]
fn plain_messages_keep_the_connection_alive() {
    let mut talk = Talk::connected(V311);
    let before = talk.session.poll_deadline().unwrap();
    talk.pass(30);
    shown(&mut talk, &[incoming(QoS::AtMostOnce, 0, "a")], "");
    let mut decoded = Talk::connected(V311);
    let unmoved = decoded.session.poll_deadline().unwrap();
    decoded.pass(30);
    decoded.hear(&incoming(QoS::AtMostOnce, 0, "a")).unwrap();
    assert_eq!(talk.session.poll_deadline().unwrap() - before, decoded.session.poll_deadline().unwrap() - unmoved);
}

#[test]
fn qos_1_ends_with_puback() {
    let mut talk = Talk::connected(V5);
    talk.publish(QoS::AtLeastOnce, "a");
    assert_eq!(talk.session.unacknowledged(), 1);
    talk.hear(&Packet::PubAck(Ack::with_reason(id(1), ReasonCode::NO_MATCHING_SUBSCRIBERS))).unwrap();
    assert_eq!(talk.events(), [acknowledged(1, PacketType::PubAck, ReasonCode::NO_MATCHING_SUBSCRIBERS)]);
    assert_eq!(talk.session.unacknowledged(), 0);
    talk.hear(&Packet::PubAck(Ack::new(id(1)))).unwrap();
    assert_eq!(talk.events(), [], "a second PUBACK means nothing");
}

#[test]
fn an_acknowledgement_of_another_kind_breaks_the_protocol() {
    for (qos, wrong) in [
        (QoS::AtLeastOnce, Packet::PubRec(Ack::new(id(1)))),
        (QoS::AtLeastOnce, Packet::PubComp(Ack::new(id(1)))),
        (QoS::ExactlyOnce, Packet::PubAck(Ack::new(id(1)))),
        (QoS::ExactlyOnce, Packet::PubComp(Ack::new(id(1)))),
    ] {
        let mut talk = Talk::connected(V5);
        talk.publish(qos, "a");
        assert!(matches!(talk.hear(&wrong), Err(SessionError::OtherFlow(_))), "{wrong:?}");
    }
}

#[test]
fn qos_2_ends_with_pubcomp_or_a_pubrec_with_an_error() {
    let mut talk = Talk::connected(V5);
    talk.publish(QoS::ExactlyOnce, "a");
    talk.publish(QoS::ExactlyOnce, "b");
    assert_eq!(talk.sent_words(), ["a1 q2", "b2 q2"]);
    talk.hear(&Packet::PubRec(Ack::new(id(1)))).unwrap();
    assert_eq!(talk.sent_words(), ["pubrel1 0"]);
    assert_eq!(talk.events(), []);
    talk.hear(&Packet::PubComp(Ack::new(id(1)))).unwrap();
    talk.hear(&Packet::PubRec(Ack::with_reason(id(2), ReasonCode::QUOTA_EXCEEDED))).unwrap();
    assert_eq!(
        talk.events(),
        [
            acknowledged(1, PacketType::PubComp, ReasonCode::SUCCESS),
            acknowledged(2, PacketType::PubRec, ReasonCode::QUOTA_EXCEEDED),
        ]
    );
    assert_eq!(talk.sent_words(), Vec::<String>::new());
}

#[test]
fn the_smaller_of_window_and_receive_maximum_counts_and_is_refilled_at_once() {
    for (window, announced, expected) in [(2, None, 2), (2, Some(3), 2), (3, Some(1), 1), (0, Some(2), 2)] {
        let mut talk = Talk::new(connect(V5), window);
        talk.open(connack(announced.map(Property::ReceiveMaximum)));
        for payload in ["a", "b", "c", "d"] {
            talk.publish(QoS::AtLeastOnce, payload);
        }
        assert_eq!(talk.sent().len(), expected);
        assert!(!talk.session.has_room());
        talk.hear(&Packet::PubAck(Ack::new(id(1)))).unwrap();
        assert_eq!(talk.sent().len(), 1);
    }
}

#[test]
fn mqtt_3_3_4_8_a_full_window_holds_back_messages_only() {
    let mut talk = Talk::new(connect(V5), 20);
    talk.open(connack([Property::ReceiveMaximum(1)]));
    talk.publish(QoS::AtLeastOnce, "a");
    talk.publish(QoS::AtLeastOnce, "waits");
    let filter = Subscription { filter: "f".into(), options: SubscriptionOptions::default() };
    let now = talk.now;
    talk.session.subscribe(vec![filter], Properties::new(), now).unwrap();
    talk.hear(&incoming(QoS::AtLeastOnce, 1, "b")).unwrap();
    talk.hear(&incoming(QoS::ExactlyOnce, 2, "c")).unwrap();
    let sent = talk.sent();
    let [Packet::Publish(_), Packet::Subscribe(_), Packet::PubAck(_), Packet::PubRec(_)] = &sent[..] else {
        panic!("{sent:?}");
    };
    talk.publish(QoS::AtMostOnce, "needs no room");
    assert_eq!(talk.sent().len(), 1);
}

#[test]
fn what_is_unacknowledged_is_sent_again_with_dup_if_the_server_kept_the_session() {
    let mut talk = Talk::new(Connect { clean_start: false, ..connect(V311) }, 20);
    talk.open(connack([]));
    talk.publish(QoS::AtLeastOnce, "a");
    talk.publish(QoS::ExactlyOnce, "b");
    talk.publish(QoS::ExactlyOnce, "c");
    talk.publish(QoS::AtMostOnce, "lost");
    talk.hear(&Packet::PubRec(Ack::new(id(2)))).unwrap();
    talk.session.handle_closed();
    assert_eq!(talk.sent_words(), Vec::<String>::new(), "output of the old connection is not for the new one");
    assert_eq!(talk.publish(QoS::AtLeastOnce, "d"), 5);
    talk.open(ConnAck { session_present: true, ..connack([]) });
    assert_eq!(talk.sent_words(), ["pubrel2 0", "a1 q1 dup", "c3 q2 dup", "d5 q1"]);
}

#[test]
fn what_is_unacknowledged_is_sent_anew_if_the_server_lost_the_session() {
    let mut talk = Talk::connected(V311);
    talk.publish(QoS::AtLeastOnce, "a");
    talk.publish(QoS::ExactlyOnce, "b");
    talk.hear(&Packet::PubRec(Ack::new(id(2)))).unwrap();
    talk.session.handle_closed();
    talk.open(connack([]));
    assert_eq!(talk.sent_words(), ["a1 q1", "b2 q2"]);
}

#[test]
fn an_incoming_message_is_acknowledged_and_at_qos_2_delivered_once_before_pubrec() {
    let mut talk = Talk::connected(V311);
    talk.hear(&incoming(QoS::AtMostOnce, 0, "a")).unwrap();
    talk.hear(&incoming(QoS::AtLeastOnce, 7, "b")).unwrap();
    assert_eq!(talk.sent_words(), ["puback7 0"]);
    assert_eq!(talk.events().len(), 2);
    talk.hear(&incoming(QoS::ExactlyOnce, 7, "c")).unwrap();
    talk.hear(&incoming(QoS::ExactlyOnce, 7, "c")).unwrap();
    assert_eq!(talk.sent_words(), ["pubrec7 0", "pubrec7 0"]);
    let Packet::Publish(expected) = incoming(QoS::ExactlyOnce, 7, "c") else { unreachable!() };
    assert_eq!(talk.events(), [Event::Message(expected)]);
    assert!(talk.session.awaits_pubrel());
    talk.hear(&Packet::PubRel(Ack::new(id(7)))).unwrap();
    assert!(!talk.session.awaits_pubrel());
    talk.hear(&Packet::PubRel(Ack::new(id(7)))).unwrap();
    assert_eq!(talk.sent_words(), ["pubcomp7 0", "pubcomp7 0"]);
    assert_eq!(talk.events(), []);
}

#[test]
fn acknowledgements_go_out_when_they_are_released_in_the_order_of_the_messages() {
    let mut talk = Talk::connected(V5);
    let before = talk.session.poll_deadline();
    for (qos, packet_id) in [(QoS::AtLeastOnce, 1), (QoS::ExactlyOnce, 2), (QoS::AtLeastOnce, 3)] {
        talk.take(&incoming(qos, packet_id, "a")).unwrap();
    }
    assert_eq!(talk.sent_words(), Vec::<String>::new());
    assert_eq!(talk.session.poll_deadline(), before);
    talk.session.release_acknowledgements(talk.now);
    assert_eq!(talk.sent_words(), ["puback1 0", "pubrec2 0", "puback3 0"]);
    talk.session.release_acknowledgements(talk.now);
    assert_eq!(talk.sent_words(), Vec::<String>::new(), "each once");
}

#[test]
fn a_message_that_is_not_acknowledged_stays_the_server_s() {
    let mut talk = Talk::connected(V5);
    for qos in [QoS::AtLeastOnce, QoS::ExactlyOnce] {
        talk.session.handle_packet(incoming(qos, 1, "a"), talk.now).unwrap();
        assert!(matches!(talk.session.poll_event(), Some(Event::Message(_))));
        talk.session.release_acknowledgements(talk.now);
    }
    assert!(!talk.session.awaits_pubrel());
    assert_eq!(talk.sent_words(), Vec::<String>::new());
}

#[test]
fn withheld_acknowledgements_never_go_out_and_disconnect_does() {
    let mut talk = Talk::connected(V5);
    talk.hear(&incoming(QoS::ExactlyOnce, 1, "a")).unwrap();
    assert_eq!(talk.sent_words(), ["pubrec1 0"]);
    talk.take(&incoming(QoS::AtLeastOnce, 2, "b")).unwrap();
    talk.take(&incoming(QoS::ExactlyOnce, 3, "c")).unwrap();
    talk.session.withhold_acknowledgements();
    talk.session.release_acknowledgements(talk.now);
    talk.session.disconnect(&Disconnect::default(), talk.now).unwrap();
    assert_eq!(talk.sent_words(), ["disconnect 0"]);
}

#[test]
fn nothing_follows_disconnect_not_even_what_was_staged() {
    let mut talk = Talk::connected(V5);
    talk.take(&incoming(QoS::AtLeastOnce, 1, "a")).unwrap();
    talk.session.disconnect(&Disconnect::default(), talk.now).unwrap();
    talk.session.release_acknowledgements(talk.now);
    assert_eq!(talk.sent_words(), ["disconnect 0"]);
}

#[test]
fn a_server_that_breaks_the_rules_is_told_so_after_what_came_before_is_acknowledged() {
    let broken = |talk: &mut Talk| {
        talk.take(&incoming(QoS::AtLeastOnce, 1, "a")).unwrap();
        talk.take_bytes(&[0x36, 0]).unwrap_err();
        assert_eq!(talk.sent_words(), Vec::<String>::new());
    };
    let mut talk = Talk::connected(V5);
    broken(&mut talk);
    talk.session.release_acknowledgements(talk.now);
    assert_eq!(talk.sent_words(), ["puback1 0", "disconnect 129"]);
    let mut talk = Talk::connected(V5);
    broken(&mut talk);
    talk.session.withhold_acknowledgements();
    assert_eq!(talk.sent_words(), ["disconnect 129"]);
}

#[test]
fn a_qos_2_message_is_remembered_across_connections_of_one_session_only() {
    for session_present in [true, false] {
        let mut talk = Talk::new(Connect { clean_start: false, ..connect(V311) }, 20);
        talk.open(connack([]));
        talk.hear(&incoming(QoS::ExactlyOnce, 1, "a")).unwrap();
        talk.sent();
        talk.session.handle_closed();
        talk.open(ConnAck { session_present, ..connack([]) });
        assert_eq!(talk.session.awaits_pubrel(), session_present);
        talk.events();
        talk.hear(&incoming(QoS::ExactlyOnce, 1, "b")).unwrap();
        assert_eq!(talk.sent_words(), ["pubrec1 0"]);
        assert_eq!(talk.events().len(), usize::from(!session_present));
    }
}

/// Its PUBREC is staged, released, and half written when the connection ends.
#[test]
fn an_id_whose_pubrec_never_left_is_a_new_message_s_unless_it_comes_with_dup() {
    for released in [false, true] {
        for dup in [false, true] {
            let mut talk = Talk::new(Connect { clean_start: false, ..connect(V311) }, 20);
            talk.open(connack([]));
            talk.take(&incoming(QoS::ExactlyOnce, 1, "a")).unwrap();
            if released {
                talk.session.release_acknowledgements(talk.now);
                talk.session.output().advance(3);
            }
            talk.session.handle_closed();
            talk.open(ConnAck { session_present: true, ..connack([]) });
            talk.events();
            let Packet::Publish(publish) = incoming(QoS::ExactlyOnce, 1, "b") else { unreachable!() };
            talk.hear(&Packet::Publish(Publish { dup, ..publish })).unwrap();
            assert_eq!(talk.events().len(), usize::from(!dup));
            assert_eq!(talk.sent_words(), ["pubrec1 0"]);
        }
    }
}

#[test]
fn one_packet_is_taken_at_a_time_and_none_after_disconnect() {
    let mut talk = Talk::connected(V311);
    let mut buffer = BytesMut::new();
    incoming(QoS::AtLeastOnce, 1, "a").encode(V311, &mut buffer).unwrap();
    incoming(QoS::AtLeastOnce, 2, "b").encode(V311, &mut buffer).unwrap();
    assert_eq!(talk.session.handle_next(&mut buffer, talk.now), Ok(true));
    talk.acknowledge_all();
    talk.session.release_acknowledgements(talk.now);
    talk.session.disconnect(&Disconnect::default(), talk.now).unwrap();
    assert_eq!(talk.session.handle_next(&mut buffer, talk.now), Ok(false));
    assert_eq!(talk.sent_words(), ["puback1 0", "disconnect 0"]);
    assert_eq!(talk.session.poll_deadline(), None);
    assert_eq!(talk.session.disconnect(&Disconnect::default(), talk.now), Err(SendError::NotConnected));
}

#[test]
fn subscriptions_and_messages_share_one_counter_that_survives_connections() {
    let mut talk = Talk::connected(V5);
    let now = talk.now;
    let filter = || Subscription { filter: "f".into(), options: SubscriptionOptions::default() };
    assert_eq!(talk.session.subscribe(vec![filter()], Properties::new(), now), Ok(id(1)));
    assert_eq!(talk.session.unsubscribe(vec!["g".into()], Properties::new(), now), Ok(id(2)));
    assert_eq!(talk.publish(QoS::AtLeastOnce, "a"), 3);
    let codes = vec![ReasonCode::GRANTED_QOS_1];
    let suback = SubAck { packet_id: id(1), properties: Properties::new(), codes: codes.clone() };
    let unsuback = UnsubAck { packet_id: id(2), properties: Properties::new(), codes };
    talk.hear(&Packet::SubAck(suback.clone())).unwrap();
    talk.hear(&Packet::UnsubAck(unsuback.clone())).unwrap();
    assert_eq!(talk.events(), [Event::SubAck(suback), Event::UnsubAck(unsuback)]);
    talk.sent();
    talk.session.handle_closed();
    talk.open(connack([]));
    assert_eq!(talk.session.subscribe(vec![filter()], Properties::new(), now), Ok(id(4)));
}

#[test]
fn pingreq_is_sent_after_silence_in_either_direction_and_its_answer_is_waited_for() {
    let mut talk = Talk::connected(V311);
    let start = talk.now;
    assert_eq!(talk.session.poll_deadline(), Some(start + Duration::from_secs(60)));
    talk.pass(50);
    talk.publish(QoS::AtMostOnce, "sent, but nothing received");
    talk.sent();
    assert_eq!(talk.session.poll_deadline(), Some(start + Duration::from_secs(60)));
    talk.pass(9);
    assert_eq!(talk.session.handle_deadline(talk.now), Ok(()));
    assert_eq!(talk.sent(), []);
    talk.pass(1);
    assert_eq!(talk.session.handle_deadline(talk.now), Ok(()));
    assert_eq!(talk.sent(), [Packet::PingReq]);
    talk.pass(30);
    talk.hear(&Packet::PingResp).unwrap();
    talk.pass(30);
    assert_eq!(talk.session.handle_deadline(talk.now), Ok(()));
    assert_eq!(talk.sent(), [Packet::PingReq]);
    talk.pass(60);
    assert_eq!(talk.session.handle_deadline(talk.now), Err(SessionError::KeepAlive));
    assert_eq!(talk.sent(), []);
    assert_eq!(talk.session.poll_deadline(), None);
}

#[test]
fn a_ping_does_not_wait_for_a_stream_to_pause_and_giving_up_does() {
    let mut talk = Talk::connected(V311);
    let take = |talk: &mut Talk, seconds| {
        talk.pass(seconds);
        talk.hear(&incoming(QoS::AtMostOnce, 0, "one of many")).unwrap();
        talk.events();
        talk.session.ping_if_due(talk.now);
        talk.sent()
    };
    assert_eq!(take(&mut talk, 59), []);
    assert_eq!(take(&mut talk, 1), [Packet::PingReq], "messages came, but nothing was sent");
    assert_eq!(take(&mut talk, 100), [], "its answer may be behind what is still to be read");
    talk.hear(&Packet::PingResp).unwrap();
    assert_eq!(take(&mut talk, 1), [Packet::PingReq]);
    talk.session.handle_closed();
    talk.session.ping_if_due(talk.now + Duration::from_secs(100));
    assert_eq!(talk.sent(), []);
}

#[test]
fn while_nothing_is_read_pings_go_out_and_nobody_is_given_up() {
    let mut talk = Talk::connected(V311);
    for _ in 0..3 {
        talk.pass(59);
        let due = talk.session.handle_unread(talk.now);
        assert_eq!((talk.sent(), due), (vec![], Some(talk.now + Duration::from_secs(1))));
        talk.pass(1);
        talk.session.handle_unread(talk.now);
        assert_eq!(talk.sent(), [Packet::PingReq], "be the one before it answered or not");
    }
    assert_eq!(talk.session.handle_deadline(talk.now), Ok(()));
    talk.pass(60);
    assert_eq!(talk.session.handle_deadline(talk.now), Err(SessionError::KeepAlive), "it is read again");
    assert_eq!(talk.session.handle_unread(talk.now), None);
}

#[test]
fn a_server_that_does_not_answer_connect_is_given_up_after_the_keep_alive() {
    let mut talk = Talk::new(connect(V5), 20);
    talk.call();
    talk.pass(59);
    assert_eq!(talk.session.handle_deadline(talk.now), Ok(()));
    talk.pass(1);
    assert_eq!(talk.session.handle_deadline(talk.now), Err(SessionError::KeepAlive));
}

#[test]
fn keep_alive_0_is_none_and_the_server_s_replaces_the_client_s() {
    let mut talk = Talk::new(Connect { keep_alive: 0, ..connect(V5) }, 20);
    talk.open(connack([]));
    assert_eq!(talk.session.poll_deadline(), None);
    talk.open(connack([Property::ServerKeepAlive(5)]));
    assert_eq!(talk.session.poll_deadline(), Some(talk.now + Duration::from_secs(5)));
}

#[test]
fn what_the_server_does_not_take_is_not_sent() {
    let mut talk = Talk::new(connect(V5), 20);
    talk.open(connack([Property::MaximumQoS(0), Property::RetainAvailable(0), Property::MaximumPacketSize(7)]));
    let now = talk.now;
    assert_eq!(
        talk.session.publish(message(QoS::AtLeastOnce, "a"), now),
        Err(SendError::QoSNotSupported { maximum: QoS::AtMostOnce })
    );
    assert_eq!(
        talk.session.publish(message(QoS::AtMostOnce, "ab"), now),
        Err(SendError::PacketTooLarge { size: 8, maximum: 7 })
    );
    let filter = Subscription { filter: "f".into(), options: SubscriptionOptions::default() };
    assert_eq!(
        talk.session.subscribe(vec![filter], Properties::new(), now),
        Err(SendError::PacketTooLarge { size: 9, maximum: 7 })
    );
    let retained = Publish { retain: true, ..message(QoS::AtMostOnce, "a") };
    assert_eq!(talk.session.publish(retained.clone(), now), Err(SendError::RetainNotSupported));
    assert_eq!(talk.sent(), []);
    talk.session.set_lenient(true);
    talk.session.publish(retained, now).unwrap();
    assert_eq!(talk.sent(), [Packet::Publish(message(QoS::AtMostOnce, "a"))]);
}

#[test]
fn what_was_read_is_asked_once_at_a_time_and_told_by_an_event() {
    let mut talk = Talk::connected(V5);
    talk.publish(QoS::AtMostOnce, "a");
    assert_eq!((talk.session.unconfirmed(), talk.session.unanswered()), (1, 0));
    for _ in 0..2 {
        talk.session.ping(talk.now);
    }
    assert_eq!((talk.session.unconfirmed(), talk.session.unanswered()), (1, 1));
    assert_eq!(talk.sent(), [Packet::Publish(message(QoS::AtMostOnce, "a")), Packet::PingReq]);
    talk.hear(&Packet::PingResp).unwrap();
    assert_eq!(talk.events(), [Event::PingResp]);
    assert_eq!((talk.session.unconfirmed(), talk.session.unanswered()), (0, 0));
    // Nobody asked for the keep-alive's, and it confirms all the same.
    talk.publish(QoS::AtMostOnce, "b");
    talk.now += Duration::from_secs(3600);
    let now = talk.now;
    talk.session.handle_deadline(now).unwrap();
    talk.hear(&Packet::PingResp).unwrap();
    assert_eq!((talk.events(), talk.session.unconfirmed()), (vec![], 0));
    // Another connection knows nothing of what was sent on this one.
    talk.publish(QoS::AtMostOnce, "c");
    talk.session.ping(now);
    talk.session.handle_closed();
    talk.call();
    assert_eq!((talk.session.unconfirmed(), talk.session.unanswered()), (0, 0));
}

#[test]
fn a_queued_message_that_the_next_server_does_not_take_is_given_up() {
    let mut talk = Talk::connected(V5);
    talk.publish(QoS::ExactlyOnce, "a");
    talk.publish(QoS::AtLeastOnce, "b");
    talk.session.handle_closed();
    talk.call();
    talk.hear(&Packet::ConnAck(connack([Property::MaximumQoS(1)]))).unwrap();
    let error = SendError::QoSNotSupported { maximum: QoS::AtLeastOnce };
    let message = message(QoS::ExactlyOnce, "a");
    assert_eq!(talk.events()[1..], [Event::Unsendable { packet_id: id(1), error, message, was_sent: true }]);
    assert_eq!(talk.session.unacknowledged(), 1);
}

#[test]
fn an_alias_stands_for_its_topic_from_the_second_message_of_a_connection_on() {
    let mut talk = Talk::new(connect(V5), 20);
    talk.open(connack([Property::TopicAliasMaximum(3)]));
    let aliased =
        Publish { properties: [Property::TopicAlias(3)].into_iter().collect(), ..message(QoS::AtLeastOnce, "a") };
    let topics = |talk: &mut Talk| {
        let sent = talk.sent();
        sent.iter()
            .map(|packet| if let Packet::Publish(publish) = packet { publish.topic.to_string() } else { String::new() })
            .collect::<Vec<_>>()
    };
    for _ in 0..2 {
        talk.session.publish(aliased.clone(), talk.now).unwrap();
    }
    talk.session.publish(Publish { topic: "u".into(), ..aliased.clone() }, talk.now).unwrap();
    talk.session.publish(aliased, talk.now).unwrap();
    assert_eq!(topics(&mut talk), ["t", "", "u", "t"]);
    talk.session.handle_closed();
    talk.open(connack([Property::TopicAliasMaximum(3)]));
    assert_eq!(topics(&mut talk), ["t", "", "u", "t"], "the aliases are the connection's, the topics stay");
}

#[test]
fn mqtt_3_2_2_17_and_18_a_message_goes_without_an_alias_that_the_server_does_not_take() {
    let of_content = || Property::ContentType("c".into());
    for announced in [connack([]), connack([Property::TopicAliasMaximum(2)])] {
        let mut talk = Talk::new(connect(V5), 20);
        talk.open(announced);
        for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::AtMostOnce, QoS::AtLeastOnce] {
            let properties = [of_content(), Property::TopicAlias(3)].into_iter().collect();
            talk.session.publish(Publish { properties, ..message(qos, "a") }, talk.now).unwrap();
        }
        let sent = talk.sent();
        assert_eq!(sent.len(), 4);
        for packet in sent {
            let Packet::Publish(publish) = packet else { panic!("a PUBLISH") };
            assert_eq!((&*publish.topic, publish.properties), ("t", [of_content()].into_iter().collect()));
        }
    }
}

#[test]
fn a_message_is_as_large_as_what_goes_out_for_it() {
    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce] {
        let number = if qos == QoS::AtMostOnce { 0 } else { 2 };
        let aliased = |alias, payload: &'static str| Publish {
            properties: [Property::TopicAlias(alias)].into_iter().collect(),
            ..message(qos, payload)
        };
        let mut talk = Talk::new(connect(V5), 20);
        let maximum = 9 + number;
        talk.open(connack([Property::MaximumPacketSize(maximum), Property::TopicAliasMaximum(1)]));
        // Nine bytes without the alias, which the server does not take; twelve with one that it takes.
        talk.session.publish(aliased(2, "abc"), talk.now).unwrap();
        let size = 12 + number as usize;
        let too_large = SendError::PacketTooLarge { size, maximum: maximum as usize };
        assert_eq!(talk.session.publish(aliased(1, "abc"), talk.now), Err(too_large));
        // What was not sent has bound nothing.
        talk.session.publish(aliased(1, ""), talk.now).unwrap();
        // Two bytes are the topic's length, and one was the topic.
        talk.session.publish(aliased(1, "a"), talk.now).unwrap();
        let sent = talk.sent().into_iter().map(|packet| match packet {
            Packet::Publish(publish) => (publish.topic.to_string(), publish.payload),
            other => panic!("{other:?}"),
        });
        let expected = [("t", "abc"), ("t", ""), ("", "a")];
        assert_eq!(sent.collect::<Vec<_>>(), expected.map(|(topic, payload)| (topic.to_owned(), payload.into())));
    }
}

#[test]
fn mqtt_3_14_2_4_a_disconnect_with_too_many_user_properties_is_not_sent() {
    let mut talk = Talk::new(connect(V5), 20);
    talk.open(connack([Property::MaximumPacketSize(12)]));
    let wordy = [Property::UserProperty("name".into(), "value".into())].into_iter().collect();
    let disconnect = Disconnect { properties: wordy, ..Disconnect::default() };
    assert_eq!(
        talk.session.disconnect(&disconnect, talk.now),
        Err(SendError::PacketTooLarge { size: 18, maximum: 12 })
    );
    let brief = [Property::SessionExpiryInterval(1)].into_iter().collect();
    talk.session.disconnect(&Disconnect { properties: brief, ..Disconnect::default() }, talk.now).unwrap();
    assert_eq!(talk.sent().len(), 1);
}

#[test]
fn an_incoming_alias_is_resolved_within_the_announced_maximum() {
    let properties = [Property::TopicAliasMaximum(1)].into_iter().collect();
    let mut talk = Talk::new(Connect { properties, ..connect(V5) }, 20);
    talk.open(connack([]));
    let aliased = |alias, topic: &'static str| {
        let properties = [Property::TopicAlias(alias)].into_iter().collect();
        Packet::Publish(Publish { topic: topic.into(), properties, ..message(QoS::AtMostOnce, "a") })
    };
    talk.hear(&aliased(1, "t")).unwrap();
    talk.hear(&aliased(1, "")).unwrap();
    let topics: Vec<_> = talk
        .events()
        .into_iter()
        .map(|event| if let Event::Message(publish) = event { publish.topic.to_string() } else { String::new() })
        .collect();
    assert_eq!(topics, ["t", "t"]);
    assert_eq!(talk.hear(&aliased(2, "t")), Err(SessionError::TopicAlias(2)));
    assert_eq!(talk.sent_words(), ["disconnect 148"]);
    talk.open(connack([]));
    assert_eq!(talk.hear(&aliased(1, "")), Err(SessionError::UnknownTopicAlias(1)));
    assert_eq!(talk.sent_words(), ["disconnect 148"]);
}

#[test]
fn an_assigned_client_id_is_adopted_and_kept() {
    let mut talk = Talk::new(Connect { client_id: "".into(), ..connect(V5) }, 20);
    talk.open(connack([Property::AssignedClientIdentifier("auto-1".into())]));
    assert_eq!(talk.session.client_id(), "auto-1");
    talk.call();
    let again = connack([Property::AssignedClientIdentifier("auto-2".into())]);
    assert_eq!(talk.hear(&Packet::ConnAck(again)), Err(SessionError::UnexpectedClientId));
}

#[test]
fn a_refusal_is_no_error_of_the_session() {
    let mut talk = Talk::new(connect(V311), 20);
    talk.call();
    let refusal = ConnAck { session_present: false, code: 5, properties: Properties::new() };
    talk.hear(&Packet::ConnAck(refusal.clone())).unwrap();
    assert_eq!(talk.events(), [Event::Refused(refusal)]);
    assert!(!talk.session.is_connected());
}

#[test]
fn a_server_that_breaks_the_rules_is_told_so_in_version_5() {
    use SessionError as E;
    let cases = [
        (vec![0x40, 1, 0], E::Decode(DecodeError::Truncated), 129),
        (vec![0x20, 3, 0, 0, 0], E::DuplicateConnAck, 130),
        (vec![0x82, 0], E::Decode(DecodeError::UnexpectedPacket(PacketType::Subscribe)), 130),
        (vec![0x36, 0], E::Decode(DecodeError::QoS(3)), 129),
        (
            vec![0x40, 3, 0, 1, 149],
            E::ReasonCode { packet: PacketType::PubAck, reason: ReasonCode::PACKET_TOO_LARGE },
            130,
        ),
    ];
    for (bytes, error, code) in cases {
        let mut talk = Talk::connected(V5);
        assert_eq!(talk.hear_bytes(&bytes), Err(error));
        assert_eq!(talk.sent_words(), [format!("disconnect {code}")]);
        assert_eq!(talk.hear_bytes(&bytes), Ok(()), "nothing is taken any more");
        let mut talk = Talk::connected(V311);
        if talk.hear_bytes(&bytes).is_err() {
            assert_eq!(talk.sent_words(), Vec::<String>::new());
        }
    }
}

#[test]
fn more_qos_2_messages_than_the_receive_maximum_end_the_connection() {
    let properties = [Property::ReceiveMaximum(1)].into_iter().collect();
    let mut talk = Talk::new(Connect { properties, ..connect(V5) }, 20);
    talk.open(connack([]));
    talk.hear(&incoming(QoS::ExactlyOnce, 1, "a")).unwrap();
    assert_eq!(talk.hear(&incoming(QoS::ExactlyOnce, 2, "b")), Err(SessionError::ReceiveMaximumExceeded));
    assert_eq!(talk.sent_words(), ["pubrec1 0", "disconnect 147"]);
}

#[test]
fn a_packet_above_the_announced_maximum_is_refused_by_its_header_alone() {
    let properties = [Property::MaximumPacketSize(100)].into_iter().collect();
    let mut talk = Talk::new(Connect { properties, ..connect(V5) }, 20);
    talk.open(connack([]));
    let error = SessionError::Decode(DecodeError::PacketTooLarge { size: 101, maximum: 100 });
    assert_eq!(talk.hear_bytes(&[0x30, 99]), Err(error));
    assert_eq!(talk.sent_words(), ["disconnect 149"]);
}

/// A message of a size that is taken from nobody who has not accepted.
fn large() -> Packet {
    let payload = Bytes::from(vec![b'x'; 2 * MAXIMUM_BEFORE_ACCEPTED]);
    Packet::Publish(Publish { payload, ..message(QoS::AtMostOnce, "") })
}

/// `packets` in one read.
fn together(packets: &[Packet]) -> BytesMut {
    let mut bytes = BytesMut::new();
    for packet in packets {
        packet.encode(V5, &mut bytes).unwrap();
    }
    bytes
}

#[test]
fn a_server_that_has_not_accepted_is_not_gathered_from() {
    let too_large = |size| SessionError::Decode(DecodeError::PacketTooLarge { size, maximum: MAXIMUM_BEFORE_ACCEPTED });
    for first in [0x20, 0xf0, 0xe0] {
        let mut talk = Talk::new(connect(V5), 20);
        talk.call();
        assert_eq!(talk.hear_bytes(&[first, 0xff, 0xff, 0xff, 0x7f]), Err(too_large(MAXIMUM_PACKET_SIZE)));
    }
    let mut talk = Talk::new(connect(V5), 20);
    talk.call();
    assert_eq!(talk.hear_bytes(&[0x20, 0xfc, 0xff, 0x3f]), Ok(()));
    // What was announced is less.
    let properties = [Property::MaximumPacketSize(100)].into_iter().collect();
    let mut talk = Talk::new(Connect { properties, ..connect(V5) }, 20);
    talk.call();
    let error = SessionError::Decode(DecodeError::PacketTooLarge { size: 101, maximum: 100 });
    assert_eq!(talk.hear_bytes(&[0x20, 99]), Err(error));
}

#[test]
fn a_large_message_may_stand_right_behind_connack_on_each_connection() {
    let mut talk = Talk::new(connect(V5), 20);
    for _ in 0..2 {
        talk.call();
        talk.hear_bytes(&together(&[Packet::ConnAck(connack([])), large()])).unwrap();
        assert!(matches!(&talk.events()[..], [Event::Connected(_), Event::Message(_)]));
        talk.session.handle_closed();
        // The next one has not accepted yet.
        talk.call();
        assert!(talk.hear_bytes(&[0x20, 0xff, 0xff, 0xff, 0x7f]).is_err());
        talk.sent();
    }
}

#[test]
fn a_peer_that_begins_with_another_packet_than_connack_is_not_waited_for() {
    let mut talk = Talk::new(connect(ProtocolVersion::V5), 20);
    talk.call();
    // The banner of an SSH server announces 83 bytes of a PUBREC.
    assert_eq!(talk.hear_bytes(b"SS"), Err(SessionError::BeforeConnAck(PacketType::PubRec)));
}

#[test]
fn nothing_but_connack_may_come_first() {
    let mut talk = Talk::new(connect(V311), 20);
    talk.call();
    assert_eq!(talk.hear(&incoming(QoS::AtMostOnce, 0, "a")), Err(SessionError::BeforeConnAck(PacketType::Publish)));
}

#[test]
fn a_clean_start_that_finds_a_session_is_an_error() {
    let mut talk = Talk::new(connect(V311), 20);
    talk.session.set_tracing(true);
    talk.call();
    let found = ConnAck { session_present: true, ..connack([]) };
    assert_eq!(talk.hear(&Packet::ConnAck(found)), Err(SessionError::UnexpectedSessionPresent));
    assert_eq!(talk.events()[1..], [Event::Trace(Trace::UnexpectedSessionPresent)]);
}

#[test]
fn reserved_connack_flags_are_a_protocol_error() {
    let mut talk = Talk::new(connect(V5), 20);
    talk.session.set_tracing(true);
    talk.call();
    assert_eq!(talk.hear_bytes(&[0x20, 3, 2, 0, 0]), Err(SessionError::Decode(DecodeError::ConnAckFlags(2))));
    assert_eq!(talk.events()[1], Event::Trace(Trace::ConnAckFlags(2)));
}

#[test]
fn an_old_broker_s_connack_on_version_5_is_a_malformed_packet() {
    let mut talk = Talk::new(connect(V5), 20);
    talk.call();
    let error = DecodeError::ConnAckWithoutProperties { code: 1 };
    assert_eq!(talk.hear_bytes(&[0x20, 2, 0, 1]), Err(SessionError::Decode(error)));
    assert_eq!(error.reason_code(), ReasonCode::MALFORMED_PACKET);
}

#[test]
fn a_disconnect_of_the_server_in_two_bytes_is_understood() {
    let mut talk = Talk::connected(V5);
    talk.hear_bytes(&[0xE0, 1, 142]).unwrap();
    let disconnect = Disconnect { reason: ReasonCode::SESSION_TAKEN_OVER, properties: Properties::new() };
    assert_eq!(talk.events(), [Event::Disconnected(disconnect)]);
    assert!(!talk.session.is_connected());
}

#[test]
fn a_property_in_the_wrong_place_is_not_sent() {
    let mut talk = Talk::connected(V5);
    let properties = [Property::ReceiveMaximum(1)].into_iter().collect();
    let misplaced = Publish { properties, ..message(QoS::AtMostOnce, "a") };
    assert!(matches!(talk.session.publish(misplaced, talk.now), Err(SendError::Property { .. })));
    assert_eq!(talk.sent(), []);
}

#[test]
fn the_trace_has_the_order_of_the_log() {
    let mut talk = Talk::new(connect(V311), 20);
    talk.session.set_tracing(true);
    talk.call();
    talk.hear(&Packet::ConnAck(connack([]))).unwrap();
    talk.publish(QoS::ExactlyOnce, "a");
    talk.hear(&Packet::PubRec(Ack::new(id(1)))).unwrap();
    talk.hear(&Packet::PubComp(Ack::new(id(1)))).unwrap();
    talk.hear(&incoming(QoS::AtLeastOnce, 9, "bc")).unwrap();
    talk.hear(&Packet::PubRec(Ack::new(id(8)))).unwrap();
    talk.session.disconnect(&Disconnect::default(), talk.now).unwrap();

    let publish = |qos, packet_id, length| Summary::Publish {
        dup: false,
        qos,
        retain: false,
        packet_id,
        topic: Some("t".into()),
        length,
    };
    let (packet_id, reason) = (id(1), ReasonCode::SUCCESS);
    let Packet::Publish(message) = incoming(QoS::AtLeastOnce, 9, "bc") else { unreachable!() };
    let sending = |summary| Event::Trace(Trace::Sending(summary));
    let received = |summary| Event::Trace(Trace::Received(summary));
    assert_eq!(
        talk.events(),
        [
            sending(Summary::Connect),
            received(Summary::ConnAck { code: 0 }),
            Event::Connected(connack([])),
            sending(publish(QoS::ExactlyOnce, 1, 1)),
            received(Summary::PubRec { packet_id, reason }),
            sending(Summary::PubRel { packet_id }),
            received(Summary::PubComp { packet_id, reason }),
            acknowledged(1, PacketType::PubComp, reason),
            received(publish(QoS::AtLeastOnce, 9, 2)),
            Event::Message(message),
            sending(Summary::PubAck { packet_id: id(9), reason }),
            received(Summary::PubRec { packet_id: id(8), reason }),
            Event::Trace(Trace::UnknownPubRec(id(8))),
            sending(Summary::PubRel { packet_id: id(8) }),
            sending(Summary::Disconnect { reason }),
        ]
    );
}

#[test]
fn nothing_is_lost_by_leaving_unheard_when_all_is_answered_and_nothing_goes_on() {
    use crate::mqtt::packet::Will;
    let leave = |talk: &mut Talk| {
        let disconnect = Disconnect { reason: ReasonCode::SUCCESS, properties: Properties::new() };
        talk.session.disconnect(&disconnect, talk.now).unwrap();
        talk.session.has_nothing_to_lose()
    };
    let talk_of = |change: &dyn Fn(&mut Connect)| {
        let mut connect = connect(V5);
        change(&mut connect);
        let mut talk = Talk::new(connect, 20);
        talk.open(connack([]));
        talk
    };
    assert!(!talk_of(&|_| {}).session.has_nothing_to_lose(), "without DISCONNECT");
    assert!(leave(&mut talk_of(&|_| {})));
    assert!(leave(&mut talk_of(
        &|connect| connect.properties = [Property::SessionExpiryInterval(0)].into_iter().collect()
    )));
    assert!(!leave(&mut talk_of(&|connect| {
        connect.properties = [Property::SessionExpiryInterval(1)].into_iter().collect();
    })));
    assert!(!leave(&mut talk_of(&|connect| connect.clean_start = false)));
    let will = || Will {
        topic: "w".into(),
        payload: Bytes::new(),
        qos: QoS::AtMostOnce,
        retain: false,
        properties: Properties::new(),
    };
    assert!(!leave(&mut talk_of(&|connect| connect.will = Some(will()))));

    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
        let mut talk = talk_of(&|_| {});
        talk.session.publish(message(qos, "m"), talk.now).unwrap();
        assert!(!leave(&mut talk), "{qos:?} without an answer");
    }
    let mut talk = talk_of(&|_| {});
    talk.session.publish(message(QoS::AtMostOnce, "m"), talk.now).unwrap();
    talk.session.ping(talk.now);
    talk.hear(&Packet::PingResp).unwrap();
    assert!(leave(&mut talk));
    let mut talk = talk_of(&|_| {});
    let packet_id = talk.session.publish(message(QoS::AtLeastOnce, "m"), talk.now).unwrap();
    let properties = Properties::new();
    talk.hear(&Packet::PubAck(Ack { packet_id, reason: ReasonCode::SUCCESS, properties })).unwrap();
    assert!(leave(&mut talk));

    let mut talk = talk_of(&|_| {});
    let subscription = Subscription { filter: "t".into(), options: SubscriptionOptions::default() };
    let packet_id = talk.session.subscribe(vec![subscription], Properties::new(), talk.now).unwrap();
    let properties = Properties::new();
    talk.hear(&Packet::SubAck(SubAck { packet_id, properties, codes: vec![ReasonCode::SUCCESS] })).unwrap();
    assert!(!leave(&mut talk), "messages may be on their way to a subscriber");
}
