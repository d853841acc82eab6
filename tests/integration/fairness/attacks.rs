//! What one client does to a broker, with sizes, while a [`Bystander`] of the parent module looks at how another is served: the
//! tests beside this file judge it, and `benches/fairness` says in figures what it measured.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use moskit::mqtt::packet::{
    Ack, Connect, Decoder, Disconnect, Packet, PacketId, Properties, ProtocolVersion, Publish, QoS, Subscribe,
    Subscription, SubscriptionOptions, Will,
};

use super::bystander::{Bystander, SHARE};

pub const VERSION: ProtocolVersion = ProtocolVersion::V311;

pub struct Client<S = TcpStream> {
    pub stream: S,
    decoder: Decoder,
    received: BytesMut,
    buffer: Vec<u8>,
}

impl Client {
    pub fn join(address: SocketAddr, id: &str) -> Self {
        Self::connected(address, id, true)
    }

    /// `clean`: with a new session, which ends with the connection.
    pub fn connected(address: SocketAddr, id: &str, clean: bool) -> Self {
        Self::greeted(address, Connect { clean_start: clean, ..connect(id) })
    }

    pub fn greeted(address: SocketAddr, connect: Connect) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        Self::over(stream, connect)
    }
}

impl<S: Read + Write> Client<S> {
    pub fn over(stream: S, connect: Connect) -> Self {
        let decoder = Decoder::client(VERSION, usize::MAX);
        let mut client = Self { stream, decoder, received: BytesMut::new(), buffer: vec![0; 64 * 1024] };
        client.send(&[Packet::Connect(Box::new(connect))]);
        assert!(matches!(client.next(), Packet::ConnAck(ack) if ack.code == 0));
        client
    }

    pub fn send(&mut self, packets: &[Packet]) {
        let mut bytes = BytesMut::new();
        for packet in packets {
            packet.encode(VERSION, &mut bytes).unwrap();
        }
        self.stream.write_all(&bytes).unwrap();
    }

    pub fn next(&mut self) -> Packet {
        loop {
            if let Some(packet) = self.decoder.decode(&mut self.received).unwrap() {
                return packet;
            }
            let count = self.stream.read(&mut self.buffer).unwrap();
            assert!(count > 0, "the broker has closed the connection");
            self.received.extend_from_slice(&self.buffer[..count]);
        }
    }

    /// Waits until all that was sent is handled; returns how many PUBLISH came before.
    pub fn settle(&mut self) -> usize {
        self.send(&[Packet::PingReq]);
        let mut publishes = 0;
        loop {
            match self.next() {
                Packet::PingResp => return publishes,
                Packet::Publish(_) => publishes += 1,
                _ => {}
            }
        }
    }

    pub fn subscribe(&mut self, filters: impl Iterator<Item = String>, qos: QoS) {
        let options = SubscriptionOptions { qos, ..SubscriptionOptions::default() };
        let subscriptions = filters.map(|filter| Subscription { filter: filter.into(), options }).collect();
        let packet_id = PacketId::new(1).unwrap();
        self.send(&[Packet::Subscribe(Subscribe { packet_id, properties: Properties::new(), subscriptions })]);
    }

    /// Publishes a message again and again at QoS 1; each is acknowledged.
    pub fn publish_acknowledged(&mut self, topic: &str, count: usize) {
        let Packet::Publish(one) = publish(topic, false) else { unreachable!("that is what it makes") };
        let of_id = |packet_id| Packet::Publish(Publish { qos: QoS::AtLeastOnce, packet_id, ..one.clone() });
        let thousand: Vec<_> = (1..=1000).map(|id| of_id(PacketId::new(id))).collect();
        for sent in (0..count).step_by(thousand.len()) {
            self.send(&thousand[..thousand.len().min(count - sent)]);
            self.settle();
        }
    }

    pub fn retain(&mut self, topics: usize) {
        let topics: Vec<_> = (0..topics).map(|number| publish(&format!("{}/{number}", number % 100), true)).collect();
        for some in topics.chunks(1000) {
            self.send(some);
        }
        self.settle();
    }
}

pub fn connect(id: &str) -> Connect {
    Connect {
        version: VERSION,
        bridge: false,
        clean_start: true,
        keep_alive: 0,
        client_id: id.into(),
        will: None,
        username: None,
        password: None,
        properties: Properties::new(),
    }
}

pub fn publish(topic: &str, retain: bool) -> Packet {
    Packet::Publish(Publish {
        dup: false,
        qos: QoS::AtMostOnce,
        retain,
        topic: topic.into(),
        packet_id: None,
        properties: Properties::new(),
        payload: "x".into(),
    })
}

pub fn groups_come_and_go(address: SocketAddr, count: usize) {
    let bystander = Bystander::watch(address);
    let mut client = Client::join(address, "groups");
    client.subscribe((0..count).map(|number| format!("$share/group{number}/t")), QoS::AtMostOnce);
    client.settle();
    // Each is a message for every group.
    client.send(&vec![publish("t", false); 20]);
    client.settle();
    client.send(&[Packet::Disconnect(Disconnect::default())]);
    drop(client);
    let mut last = Client::join(address, "last");
    last.settle();
    bystander.was_served("shared groups");
}

/// `topics`: how many are retained.
pub fn retained_many_times(address: SocketAddr, topics: usize, filters: usize, reads: bool) {
    let bystander = Bystander::watch(address);
    let mut client = Client::join(address, "retained");
    client.subscribe((0..filters).map(|_| "#".to_owned()), QoS::AtMostOnce);
    client.send(&[Packet::PingReq]);
    let end = Instant::now() + SHARE;
    let mut received = 0;
    while Instant::now() < end {
        if !reads {
            std::thread::sleep(Duration::from_millis(10));
            continue;
        }
        match client.next() {
            Packet::Publish(_) => received += 1,
            Packet::PingResp => {
                assert_eq!(received, topics * filters, "the answer comes behind what was asked for before");
                break;
            }
            _ => {}
        }
    }
    drop(client);
    bystander.was_served(if reads { "retained messages, many times" } else { "retained messages, not read" });
}

pub fn acknowledged_backwards(address: SocketAddr, count: u16) {
    let mut client = Client::join(address, "backwards");
    client.subscribe(std::iter::once("t".to_owned()), QoS::AtLeastOnce);
    client.settle();
    let mut publisher = Client::join(address, "publisher");
    // Behind those in flight as many wait, each of which takes a packet id that was just freed.
    let sender = std::thread::spawn(move || publisher.publish_acknowledged("t", 2 * usize::from(count)));
    let mut ids = Vec::new();
    while ids.len() < usize::from(count) {
        if let Packet::Publish(Publish { packet_id: Some(packet_id), .. }) = client.next() {
            ids.push(packet_id);
        }
    }
    sender.join().unwrap();
    let bystander = Bystander::watch(address);
    let acks: Vec<_> = ids.into_iter().rev().map(|packet_id| Packet::PubAck(Ack::new(packet_id))).collect();
    client.send(&acks);
    client.settle();
    bystander.was_served("acknowledged in reverse");
}

/// Makes a session that waits for messages of the topic, and leaves.
pub fn leave_session(address: SocketAddr, id: &str, topic: &str) {
    let mut client = Client::connected(address, id, false);
    client.subscribe(std::iter::once(topic.to_owned()), QoS::AtLeastOnce);
    client.settle();
    client.send(&[Packet::Disconnect(Disconnect::default())]);
}

pub fn one_message_for_many(address: SocketAddr, sessions: usize) {
    for number in 0..sessions {
        leave_session(address, &format!("session{number}"), "many");
    }
    let bystander = Bystander::watch(address);
    Client::join(address, "publisher").publish_acknowledged("many", 3);
    bystander.was_served("a message for many sessions");
}

pub fn will_for_many(address: SocketAddr, sessions: usize) {
    for number in 0..sessions {
        leave_session(address, &format!("heir{number}"), "will");
    }
    let mut witness = Client::join(address, "witness");
    witness.subscribe(std::iter::once("will".to_owned()), QoS::AtMostOnce);
    witness.settle();
    let bystander = Bystander::watch(address);
    let will = Will {
        topic: "will".into(),
        payload: "x".into(),
        qos: QoS::AtLeastOnce,
        retain: false,
        properties: Properties::new(),
    };
    let lost = Client::greeted(address, Connect { will: Some(will), ..connect("lost") });
    drop(lost);
    while !matches!(witness.next(), Packet::Publish(_)) {}
    // What was published before, the witness has.
    let mut last = Client::join(address, "last");
    last.settle();
    bystander.was_served("a will for many sessions");
}

/// A message at QoS 2, and then a will, of a session that is kept.
pub fn exactly_once_for_many(address: SocketAddr, sessions: usize) {
    for number in 0..sessions {
        leave_session(address, &format!("once{number}"), "once");
    }
    let bystander = Bystander::watch(address);
    let mut publisher = Client::connected(address, "exact", false);
    let Packet::Publish(one) = publish("once", false) else { unreachable!("that is what it makes") };
    for number in 1..=3 {
        let packet_id = PacketId::new(number).unwrap();
        publisher.send(&[Packet::Publish(Publish {
            qos: QoS::ExactlyOnce,
            packet_id: Some(packet_id),
            ..one.clone()
        })]);
        assert!(matches!(publisher.next(), Packet::PubRec(_)));
        publisher.send(&[Packet::PubRel(Ack::new(packet_id))]);
        assert!(matches!(publisher.next(), Packet::PubComp(_)));
    }
    bystander.was_served("a QoS 2 message of a kept session for many");
    let bystander = Bystander::watch(address);
    let will = Will {
        topic: "once".into(),
        payload: "x".into(),
        qos: QoS::ExactlyOnce,
        retain: false,
        properties: Properties::new(),
    };
    let kept = || Connect { will: Some(will.clone()), clean_start: false, ..connect("exact") };
    drop(publisher);
    drop(Client::greeted(address, kept()));
    // Who is back is heard when its will has gone to all.
    Client::greeted(address, kept()).settle();
    bystander.was_served("a will of a kept session for many");
}

/// A shared subscription of `members` who are all away, and messages that are kept for nobody.
pub fn group_that_is_away(address: SocketAddr, members: usize) {
    for number in 0..members {
        leave_session(address, &format!("member{number}"), "$share/away/work");
    }
    let bystander = Bystander::watch(address);
    let mut publisher = Client::join(address, "publisher");
    let end = Instant::now() + SHARE;
    while Instant::now() < end {
        publisher.send(&vec![publish("work", false); 500]);
        publisher.settle();
    }
    bystander.was_served("messages for a group that is away");
}

/// A session that is kept has so many subscriptions, and ends.
pub fn subscriptions_end(address: SocketAddr, count: usize) {
    let mut client = Client::connected(address, "filters", false);
    for first in (0..count).step_by(10_000) {
        let filters = (first..count.min(first + 10_000)).map(|number| format!("some/{number}/+"));
        client.subscribe(filters, QoS::AtMostOnce);
        client.settle();
    }
    drop(client);
    let bystander = Bystander::watch(address);
    Client::join(address, "filters").settle();
    std::thread::sleep(Duration::from_secs(1));
    bystander.was_served("the end of a session with many filters");
}

/// $SYS goes to each of them.
pub fn sys_for_many(address: SocketAddr, sessions: usize) {
    for number in 0..sessions {
        leave_session(address, &format!("watcher{number}"), "$SYS/#");
    }
    let bystander = Bystander::watch(address);
    std::thread::sleep(Duration::from_secs(3));
    bystander.was_served("$SYS for many sessions");
}

/// One topic, and one client that has every filter of literal levels and `+` that matches it.
pub fn filters_that_all_match(address: SocketAddr, levels: u32) {
    let bystander = Bystander::watch(address);
    let mut client = Client::join(address, "filters");
    let level = |number: u32, at: u32| if number >> at & 1 == 0 { "a" } else { "+" };
    let filter = |number: u32| (0..levels).map(|at| level(number, at)).collect::<Vec<_>>().join("/");
    client.subscribe((0..1 << levels).map(filter), QoS::AtMostOnce);
    client.settle();
    bystander.was_served("filters of one topic");
    let bystander = Bystander::watch(address);
    client.send(&vec![publish(&filter(0), false); 20]);
    // One for each filter, as with Mosquitto.
    assert_eq!(client.settle(), 20 << levels);
    client.send(&[Packet::Disconnect(Disconnect::default())]);
    Client::join(address, "last").settle();
    bystander.was_served("messages for filters of one topic");
}

/// `connected` clients at one filter, all of which get what is published.
pub fn message_for_many_connections(address: SocketAddr, connected: usize) {
    let mut clients: Vec<_> = (0..connected).map(|number| Client::join(address, &format!("c{number}"))).collect();
    for client in &mut clients {
        client.subscribe(std::iter::once("all".to_owned()), QoS::AtMostOnce);
        client.settle();
    }
    let bystander = Bystander::watch(address);
    Client::join(address, "publisher").publish_acknowledged("all", 5);
    for client in &mut clients {
        assert_eq!(client.settle(), 5);
    }
    bystander.was_served("a message for many connections");
}

pub fn long_queue_comes_and_goes(address: SocketAddr, messages: usize) {
    leave_session(address, "long", "queued");
    let bystander = Bystander::watch(address);
    Client::join(address, "publisher").publish_acknowledged("queued", messages);
    bystander.was_served("messages for one who is away");
    let bystander = Bystander::watch(address);
    // Some rounds of $SYS, which tells how many messages there are.
    std::thread::sleep(Duration::from_secs(3));
    bystander.was_served("a long queue");
    let bystander = Bystander::watch(address);
    let mut client = Client::connected(address, "long", false);
    bystander.was_served("a long queue whose client comes back");
    let bystander = Bystander::watch(address);
    // It takes the session over, which goes on.
    let mut second = Client::connected(address, "long", false);
    second.settle();
    drop((client, second));
    bystander.was_served("a long queue that is taken over");
    let bystander = Bystander::watch(address);
    client = Client::join(address, "long");
    client.settle();
    // What is left of the session goes in the background.
    std::thread::sleep(Duration::from_secs(2));
    bystander.was_served("the end of a long queue");
}

/// One who was away comes back and takes what has waited, as fast as it comes.
pub fn long_queue_is_drained(address: SocketAddr, messages: usize) {
    /// Fewer than the smallest window, so that some are always on their way.
    const TOGETHER: usize = 10;
    leave_session(address, "drained", "drained");
    let bystander = Bystander::watch(address);
    Client::join(address, "publisher").publish_acknowledged("drained", messages);
    bystander.was_served("messages for one who will drain them");
    let bystander = Bystander::watch(address);
    let mut client = Client::connected(address, "drained", false);
    let (mut received, mut acks) = (0, Vec::new());
    while received < messages {
        let Packet::Publish(Publish { packet_id: Some(packet_id), .. }) = client.next() else { continue };
        received += 1;
        acks.push(Packet::PubAck(Ack::new(packet_id)));
        if acks.len() == TOGETHER || received == messages {
            client.send(&acks);
            acks.clear();
        }
    }
    client.settle();
    bystander.was_served("a long queue that is drained");
    // Its session ends with nothing in it.
    Client::join(address, "drained").settle();
}

pub fn flood(address: SocketAddr) {
    let bystander = Bystander::watch(address);
    let mut client = Client::join(address, "flood");
    let mut other_end = client.stream.try_clone().unwrap();
    let reader = std::thread::spawn(move || {
        let mut buffer = vec![0; 1024 * 1024];
        // It ends with the connection, however that ends.
        while matches!(other_end.read(&mut buffer), Ok(1..)) {}
    });
    let pings = vec![Packet::PingReq; 100_000];
    let end = Instant::now() + SHARE;
    while Instant::now() < end {
        client.send(&pings);
    }
    client.stream.shutdown(std::net::Shutdown::Both).unwrap();
    reader.join().unwrap();
    bystander.was_served("a flood of PINGREQ");
}
