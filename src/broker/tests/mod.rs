//! The core and clients in memory, under a virtual clock. Each test reads as a dialogue; packets go through their
//! wire form in both directions.

mod authentication;
mod connecting;
mod delivery;
mod expiry;
mod fair;
mod limits;
mod malformed;
mod persistence;
mod statements;
mod storing;
mod subscribing;
mod tokens;

use std::collections::HashMap;
use std::num::NonZeroU16;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::*;
use crate::mqtt::packet::{
    Ack, ConnAck, Connect, Decoder, Disconnect, Packet, PacketId, Properties, Property, ProtocolVersion, Publish, QoS,
    ReasonCode, RetainHandling, SubAck, Subscribe, Subscription, SubscriptionOptions, Unsubscribe, Will,
};

const V5: ProtocolVersion = ProtocolVersion::V5;
const V311: ProtocolVersion = ProtocolVersion::V311;

/// A broker with everybody who talks to it.
struct Stage {
    broker: Broker,
    now: Now,
    lines: HashMap<u64, Line>,
    last: u64,
    changes: Vec<Change>,
    /// What the store is writing.
    taken: Option<Vec<Change>>,
    store: Disk,
}

/// How the store of a stage does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disk {
    Works,
    /// Its answer has not come.
    Waits,
    Fails,
}

/// One connection, seen from the client.
struct Line {
    server: Decoder,
    client: Decoder,
    version: ProtocolVersion,
    received: BytesMut,
    closed: bool,
}

impl Stage {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        Self::restored(settings, Restored::default(), wall(1_800_000_000))
    }

    fn restored(settings: Settings, restored: Restored, wall: WallTime) -> Self {
        let now = Now { elapsed: Monotonic::default(), wall };
        let broker = Broker::new(settings, Access::open(), restored, now);
        Self { broker, now, lines: HashMap::new(), last: 0, changes: Vec::new(), taken: None, store: Disk::Works }
    }

    fn open(&mut self, version: ProtocolVersion) -> u64 {
        self.last += 1;
        let line = Line {
            server: Decoder::server(self.broker.settings.max_packet_size as usize),
            client: Decoder::client(version, usize::MAX),
            version,
            received: BytesMut::new(),
            closed: false,
        };
        self.lines.insert(self.last, line);
        self.broker.handle_open(ConnectionId(self.last), ListenerId(0), Peer::default(), self.now);
        self.collect();
        self.last
    }

    /// Takes what the broker has to say, and what it wants to keep.
    fn collect(&mut self) {
        self.take_outputs();
        while self.broker.has_work() {
            self.broker.handle_work(self.now);
            self.take_outputs();
        }
    }

    fn take_outputs(&mut self) {
        self.keep();
        self.poll_outputs();
    }

    fn poll_outputs(&mut self) {
        while let Some(output) = self.broker.poll_output() {
            let line = self.lines.get_mut(&output.connection.0).expect("a connection of this stage");
            line.received.extend_from_slice(&output.bytes);
            line.closed |= output.close;
            self.broker.handle_written(output.connection);
        }
    }

    /// Until there is nothing new: what waited for the store may change it.
    fn keep(&mut self) {
        loop {
            match self.store {
                Disk::Waits => return self.begin_to_store(),
                Disk::Fails => {
                    let taken = self.taken.take().unwrap_or_default();
                    return self.broker.handle_store_failed(taken, self.now);
                }
                Disk::Works => {}
            }
            self.begin_to_store();
            self.changes.append(&mut self.taken.take().unwrap_or_default());
            self.broker.handle_stored(self.now);
            if !self.broker.has_changes() {
                return;
            }
        }
    }

    /// The store writes one batch at a time.
    fn begin_to_store(&mut self) {
        if self.taken.is_none() && self.broker.has_changes() {
            self.taken = Some(self.broker.take_changes());
        }
    }

    /// What the store was handed is stored, and it waits with what comes next.
    fn finish_storing(&mut self) {
        self.changes.append(&mut self.taken.take().expect("the store writes something"));
        self.broker.handle_stored(self.now);
        self.poll_outputs();
        self.collect();
    }

    fn set_store(&mut self, store: Disk) {
        self.store = store;
        self.collect();
    }

    #[track_caller]
    fn send(&mut self, line: u64, packet: &Packet) {
        let version = self.lines[&line].version;
        let mut bytes = BytesMut::new();
        packet.encode(version, &mut bytes).expect("a packet of this version");
        self.send_bytes(line, &bytes);
    }

    fn send_bytes(&mut self, line: u64, bytes: &[u8]) {
        let mut bytes = BytesMut::from(bytes);
        let decoder = &mut self.lines.get_mut(&line).expect("a connection of this stage").server;
        loop {
            match decoder.decode(&mut bytes) {
                Ok(Some(packet)) => _ = self.broker.handle_packet(ConnectionId(line), packet, self.now),
                Ok(None) => break,
                Err(error) => {
                    self.broker.handle_malformed(ConnectionId(line), error, decoder.version(), self.now);
                    break;
                }
            }
        }
        self.collect();
    }

    /// The next packet that the client gets.
    fn next(&mut self, line: u64) -> Option<Packet> {
        let line = self.lines.get_mut(&line).expect("a connection of this stage");
        // Who asks for nothing, which only 3.1 allows, is granted nothing; our clients never do, and refuse it.
        while line.version == ProtocolVersion::V31 && line.received.starts_with(&[0x90, 2]) {
            let _ = line.received.split_to(4);
        }
        line.client.decode(&mut line.received).expect("the broker sends packets")
    }

    #[track_caller]
    fn expect(&mut self, line: u64, expected: &Packet) {
        assert_eq!(self.next(line).as_ref(), Some(expected));
    }

    #[track_caller]
    fn expect_bytes(&mut self, line: u64, hex: &str) {
        let line = self.lines.get_mut(&line).expect("a connection of this stage");
        let bytes = line.received.split();
        let expected: Vec<_> = hex
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex"))
            .collect();
        assert_eq!(*bytes, *expected);
    }

    #[track_caller]
    fn expect_message(&mut self, line: u64, text: &str) -> Publish {
        match self.next(line) {
            Some(Packet::Publish(publish)) => {
                assert_eq!(publish.payload, text.as_bytes());
                publish
            }
            other => panic!("expected a PUBLISH with {text:?}, got {other:?}"),
        }
    }

    #[track_caller]
    fn expect_silence(&mut self, line: u64) {
        assert_eq!(self.next(line), None);
        assert!(!self.lines[&line].closed, "the connection was closed");
    }

    #[track_caller]
    fn expect_closed(&mut self, line: u64) {
        assert_eq!(self.next(line), None);
        assert!(self.lines[&line].closed, "the connection is open");
    }

    /// DISCONNECT with the reason, then the end.
    #[track_caller]
    fn expect_refused(&mut self, line: u64, reason: ReasonCode) {
        self.expect(line, &Packet::Disconnect(Disconnect { reason, properties: Properties::new() }));
        self.expect_closed(line);
    }

    fn cut(&mut self, line: u64) {
        self.broker.handle_close(ConnectionId(line), Closing::ByClient, self.now);
        self.collect();
    }

    /// Lets time pass, deadline by deadline.
    fn pass(&mut self, time: Duration) {
        let end = self.now.elapsed + time;
        while let Some(due) = self.broker.poll_deadline().filter(|due| *due <= end) {
            self.tick(due.max(self.now.elapsed));
            self.broker.handle_deadline(self.now);
            self.collect();
        }
        self.tick(end);
    }

    fn pass_seconds(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    fn tick(&mut self, elapsed: Monotonic) {
        self.now.wall += elapsed.saturating_since(self.now.elapsed);
        self.now.elapsed = elapsed;
    }

    /// A connected client, its CONNACK seen.
    #[track_caller]
    fn join(&mut self, connect: Connect) -> u64 {
        let line = self.open(connect.version);
        self.send(line, &Packet::Connect(Box::new(connect)));
        match self.next(line) {
            Some(Packet::ConnAck(ConnAck { code: 0, .. })) => line,
            other => panic!("not connected: {other:?}"),
        }
    }

    #[track_caller]
    fn rejoin(&mut self, connect: Connect, session_present: bool) -> u64 {
        let line = self.open(connect.version);
        self.send(line, &Packet::Connect(Box::new(connect)));
        match self.next(line) {
            Some(Packet::ConnAck(connack)) => assert_eq!((connack.code, connack.session_present), (0, session_present)),
            other => panic!("not connected: {other:?}"),
        }
        line
    }

    #[track_caller]
    fn subscribe(&mut self, line: u64, filter: &str, qos: QoS) {
        self.send(line, &subscribe(filter, SubscriptionOptions { qos, ..SubscriptionOptions::default() }));
        self.expect(line, &suback(&[qos as u8]));
    }
}

/// So many seconds after 1970 began.
fn wall(seconds: u64) -> WallTime {
    WallTime::after_epoch(Duration::from_secs(seconds))
}

/// Numerical Recipes' generator; its high bits are the good ones.
pub(super) struct Random(pub(super) u32);

impl Random {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % bound
    }
}

fn connect(client_id: &str, version: ProtocolVersion) -> Connect {
    Connect {
        version,
        bridge: false,
        clean_start: true,
        keep_alive: 60,
        client_id: client_id.into(),
        will: None,
        username: None,
        password: None,
        properties: Properties::new(),
    }
}

/// A client whose session lives for `seconds`.
fn lasting(client_id: &str, seconds: u32) -> Connect {
    let properties = [Property::SessionExpiryInterval(seconds)].into_iter().collect();
    Connect { clean_start: false, properties, ..connect(client_id, V5) }
}

fn will(topic: &str, payload: &'static str) -> Will {
    Will {
        topic: topic.into(),
        payload: Bytes::from_static(payload.as_bytes()),
        qos: QoS::AtMostOnce,
        retain: false,
        properties: Properties::new(),
    }
}

fn id(packet_id: u16) -> PacketId {
    PacketId::new(packet_id).expect("not 0")
}

fn subscribe(filter: &str, options: SubscriptionOptions) -> Packet {
    identified(filter, options, 0)
}

fn identified(filter: &str, options: SubscriptionOptions, identifier: u32) -> Packet {
    let identifier = (identifier > 0).then_some(Property::SubscriptionIdentifier(identifier));
    Packet::Subscribe(Subscribe {
        packet_id: id(1),
        properties: identifier.into_iter().collect(),
        subscriptions: vec![Subscription { filter: filter.into(), options }],
    })
}

fn suback(codes: &[u8]) -> Packet {
    let codes = codes.iter().copied().map(ReasonCode).collect();
    Packet::SubAck(SubAck { packet_id: id(1), properties: Properties::new(), codes })
}

fn qos(qos: QoS) -> SubscriptionOptions {
    SubscriptionOptions { qos, ..SubscriptionOptions::default() }
}

fn message(topic: &str, text: &'static str, qos: QoS, packet_id: u16) -> Publish {
    Publish {
        dup: false,
        qos,
        retain: false,
        topic: topic.into(),
        packet_id: PacketId::new(packet_id),
        properties: Properties::new(),
        payload: Bytes::from_static(text.as_bytes()),
    }
}

fn at_most_once(topic: &str, text: &'static str) -> Packet {
    Packet::Publish(message(topic, text, QoS::AtMostOnce, 0))
}

fn at_least_once(topic: &str, text: &'static str, packet_id: u16) -> Packet {
    Packet::Publish(message(topic, text, QoS::AtLeastOnce, packet_id))
}

fn exactly_once(topic: &str, text: &'static str, packet_id: u16) -> Packet {
    Packet::Publish(message(topic, text, QoS::ExactlyOnce, packet_id))
}

fn retained(topic: &str, text: &'static str) -> Packet {
    Packet::Publish(Publish { retain: true, ..message(topic, text, QoS::AtMostOnce, 0) })
}

fn puback(packet_id: u16) -> Packet {
    Packet::PubAck(Ack::new(id(packet_id)))
}

fn unheard(packet_id: u16) -> Packet {
    Packet::PubAck(Ack::with_reason(id(packet_id), ReasonCode::NO_MATCHING_SUBSCRIBERS))
}

fn pubrec(packet_id: u16) -> Packet {
    Packet::PubRec(Ack::new(id(packet_id)))
}

fn pubrel(packet_id: u16) -> Packet {
    Packet::PubRel(Ack::new(id(packet_id)))
}

fn pubcomp(packet_id: u16) -> Packet {
    Packet::PubComp(Ack::new(id(packet_id)))
}

fn leave() -> Packet {
    Packet::Disconnect(Disconnect::default())
}
