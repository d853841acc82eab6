//! A session over a line that breaks at any packet: nothing is lost at QoS 1, nothing doubled at QoS 2. And over one
//! that brings anything: no panic.

use std::collections::VecDeque;
use std::num::NonZeroU16;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::mqtt::flow::{Arrival, FlowPacket, Receiver, Sender};

/// The server's end of the session, as far as flows go.
struct Server {
    sender: Sender<(QoS, u32)>,
    receiver: Receiver,
    /// The numbers of the messages that it would pass on.
    delivered: Vec<(QoS, u32)>,
    to_client: VecDeque<Packet>,
}

fn numbered(qos: QoS, number: u32) -> Publish {
    Publish { payload: Bytes::copy_from_slice(&number.to_be_bytes()), ..message(qos, "") }
}

fn number_of(publish: &Publish) -> u32 {
    u32::from_be_bytes(publish.payload[..].try_into().unwrap())
}

impl Server {
    fn handle(&mut self, packet: Packet) {
        match packet {
            Packet::Publish(publish) => self.message(&publish),
            Packet::PubRel(ack) => {
                self.to_client.push_back(Packet::PubComp(Ack::new(ack.packet_id)));
                self.receiver.handle_pubrel(ack.packet_id);
            }
            Packet::PubAck(ack) => _ = self.sender.handle_puback(ack.packet_id),
            Packet::PubRec(ack) => {
                self.sender.handle_pubrec(ack.packet_id, false);
                self.to_client.push_back(Packet::PubRel(Ack::new(ack.packet_id)));
            }
            Packet::PubComp(ack) => _ = self.sender.handle_pubcomp(ack.packet_id),
            other => panic!("{other:?}"),
        }
        self.send();
    }

    fn message(&mut self, publish: &Publish) {
        let number = number_of(publish);
        let Some(packet_id) = publish.packet_id else { panic!("QoS 0 is not part of this test") };
        if publish.qos == QoS::AtLeastOnce {
            self.delivered.push((QoS::AtLeastOnce, number));
            self.to_client.push_back(Packet::PubAck(Ack::new(packet_id)));
        } else {
            if self.receiver.handle_publish(packet_id, publish.dup) == Arrival::New {
                self.receiver.handle_delivered(packet_id);
                self.receiver.handle_answered(packet_id, 0);
                self.delivered.push((QoS::ExactlyOnce, number));
            }
            self.to_client.push_back(Packet::PubRec(Ack::new(packet_id)));
        }
    }

    fn send(&mut self) {
        while let Some(outgoing) = self.sender.poll_send() {
            self.to_client.push_back(match outgoing {
                FlowPacket::PubRel { packet_id } => Packet::PubRel(Ack::new(packet_id)),
                FlowPacket::Publish { packet_id, qos, dup, message: (_, number) } => {
                    Packet::Publish(Publish { packet_id: Some(packet_id), dup, ..numbered(qos, *number) })
                }
            });
        }
    }
}

/// One after the other: a step of the talk.
#[derive(Clone, Copy, Debug)]
enum Step {
    ClientPublishes(QoS),
    ServerPublishes(QoS),
    /// So many packets get through in each direction.
    Exchange {
        to_server: usize,
        to_client: usize,
    },
    /// The client is sure of what it has shown.
    Release,
    /// What is under way is lost.
    Break,
}

fn step() -> impl Strategy<Value = Step> {
    let qos = || prop_oneof![Just(QoS::AtLeastOnce), Just(QoS::ExactlyOnce)];
    prop_oneof![
        3 => qos().prop_map(Step::ClientPublishes),
        3 => qos().prop_map(Step::ServerPublishes),
        6 => (0..4usize, 0..4usize).prop_map(|(to_server, to_client)| Step::Exchange { to_server, to_client }),
        3 => Just(Step::Release),
        1 => Just(Step::Break),
    ]
}

/// Both ends, the line between them, and what has come out at the client's.
struct Line {
    talk: Talk,
    server: Server,
    to_server: VecDeque<Packet>,
    received: Vec<(QoS, u32)>,
}

impl Line {
    fn new() -> Self {
        let mut talk = Talk::new(Connect { clean_start: false, ..connect(V311) }, 3);
        talk.open(connack([]));
        let server = Server {
            sender: Sender::new(NonZeroU16::new(2).unwrap()),
            receiver: Receiver::default(),
            delivered: Vec::new(),
            to_client: VecDeque::new(),
        };
        Self { talk, server, to_server: VecDeque::new(), received: Vec::new() }
    }

    fn exchange(&mut self, to_server: usize, to_client: usize) {
        self.to_server.extend(self.talk.sent());
        for _ in 0..to_server {
            if let Some(packet) = self.to_server.pop_front() {
                self.server.handle(packet);
            }
        }
        for _ in 0..to_client {
            if let Some(packet) = self.server.to_client.pop_front() {
                self.talk.take(&packet).unwrap();
            }
        }
        for event in self.talk.events() {
            if let Event::Message(publish) = event {
                self.received.push((publish.qos, number_of(&publish)));
            }
        }
    }

    fn break_and_connect(&mut self) {
        self.to_server.clear();
        self.server.to_client.clear();
        self.talk.open(ConnAck { session_present: true, ..connack([]) });
        self.server.sender.resume();
        self.server.send();
    }

    /// Until neither side has anything to say.
    fn settle(&mut self) {
        self.break_and_connect();
        loop {
            self.exchange(1000, 1000);
            self.talk.session.release_acknowledgements(self.talk.now);
            self.to_server.extend(self.talk.sent());
            if self.to_server.is_empty() && self.server.to_client.is_empty() {
                return;
            }
        }
    }
}

/// What came of `sent`: at QoS 2 all once and in order, at QoS 1 all, the first times in order.
fn check(sent: &[(QoS, u32)], came: &[(QoS, u32)]) {
    for level in [QoS::AtLeastOnce, QoS::ExactlyOnce] {
        let of = |messages: &[(QoS, u32)]| {
            messages.iter().filter(|(qos, _)| *qos == level).map(|(_, number)| *number).collect::<Vec<_>>()
        };
        let mut came = of(came);
        if level == QoS::AtLeastOnce {
            let mut seen = std::collections::HashSet::new();
            came.retain(|number| seen.insert(*number));
        }
        assert_eq!(came, of(sent), "{level:?}");
    }
}

proptest! {
    #[test]
    fn no_message_is_lost_or_at_qos_2_doubled_however_often_the_line_breaks(steps in vec(step(), 1..80)) {
        let mut line = Line::new();
        let mut from_client = Vec::new();
        let mut from_server = Vec::new();
        for (number, step) in (0..).zip(steps) {
            match step {
                Step::ClientPublishes(qos) => {
                    line.talk.session.publish(numbered(qos, number), line.talk.now).unwrap();
                    from_client.push((qos, number));
                }
                Step::ServerPublishes(qos) => {
                    line.server.sender.enqueue(qos, (qos, number)).unwrap();
                    line.server.send();
                    from_server.push((qos, number));
                }
                Step::Exchange { to_server, to_client } => line.exchange(to_server, to_client),
                Step::Release => line.talk.session.release_acknowledgements(line.talk.now),
                Step::Break => line.break_and_connect(),
            }
        }
        line.settle();
        prop_assert_eq!(line.talk.session.unacknowledged(), 0);
        prop_assert!(line.server.sender.is_empty() && line.server.receiver.is_empty());
        check(&from_client, &line.server.delivered);
        check(&from_server, &line.received);
    }

    #[test]
    fn no_bytes_of_a_server_make_a_session_panic(
        version in prop_oneof![Just(ProtocolVersion::V31), Just(V311), Just(V5)],
        reads in vec((any::<u8>(), vec(prop_oneof![0..4u8, any::<u8>()], 0..12)), 1..40),
    ) {
        let mut talk = Talk::connected(version);
        talk.session.set_tracing(true);
        for (first, mut body) in reads {
            talk.publish(QoS::ExactlyOnce, "a");
            let mut bytes = vec![first, body.len() as u8];
            bytes.append(&mut body);
            if talk.hear_bytes(&bytes).is_err() {
                talk.call();
                talk.hear(&Packet::ConnAck(connack([]))).unwrap();
            }
            talk.events();
            talk.session.output().clear();
        }
    }
}
