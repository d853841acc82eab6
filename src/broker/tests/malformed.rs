//! Nonsense from a generator, through the decoder and the core: no panic, and memory that stays bounded whatever comes.
//! Clients of all versions talk as they should, answers included, and now and then a packet of theirs is spoilt; so
//! what is wrong meets sessions with subscriptions, queues and half-done flows.
//!
//! 10^8 packets, in less than an hour: `cargo test --release --lib nonsense_does_no_harm_for_very_long -- --ignored --nocapture`;
//! `MOSKIT_PACKETS` names another number.

use std::collections::VecDeque;

use super::*;

/// Packets of the run that everybody makes, and of the one that `--ignored` starts.
const SHORT: u64 = 50_000;
const LONG: u64 = 100_000_000;
const PART: u64 = 1_000_000;

/// Sessions that the broker may have.
const CLIENTS: usize = 500;
/// Connections at a time.
const PEERS: usize = 8;
/// One packet in so many is spoilt.
const SPOILT: u64 = 40;

const VERSIONS: [ProtocolVersion; 3] = [ProtocolVersion::V31, V311, V5];

/// A generator of numbers with the same ones each time (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.roll(choices.len() as u64) as usize]
    }

    /// The packet with a few bytes changed, cut off or put in.
    fn spoilt(&mut self, packet: &BytesMut) -> BytesMut {
        let mut bytes = packet.clone();
        for _ in 0..=self.roll(3) {
            let at = self.roll(bytes.len() as u64) as usize;
            match self.roll(8) {
                0 => bytes.truncate(at.max(1)),
                1 => bytes.extend_from_slice(&[0; 3]),
                2 => bytes[at] ^= 1 << self.roll(8),
                _ => bytes[at] = self.roll(256) as u8,
            }
        }
        bytes
    }
}

fn encoded(packet: &Packet, version: ProtocolVersion) -> BytesMut {
    let mut bytes = BytesMut::new();
    packet.encode(version, &mut bytes).expect("a packet of this version");
    bytes
}

fn valid_packets(version: ProtocolVersion) -> Vec<BytesMut> {
    let mut packets = vec![
        at_most_once("a/b", "x"),
        at_least_once("a/c", "yy", 1),
        at_least_once("a/c/d", "yyy", 4),
        exactly_once("a/d", "zzz", 2),
        exactly_once("a/d", "z", 3),
        exactly_once("b", "", 5),
        retained("a/e", "kept"),
        retained("a/e", ""),
        Packet::Publish(Publish { retain: true, ..message("b/c", "kept", QoS::ExactlyOnce, 6) }),
        subscribe("a/+", qos(QoS::ExactlyOnce)),
        subscribe("b/#", qos(QoS::ExactlyOnce)),
        subscribe("$share/g/#", qos(QoS::AtLeastOnce)),
        Packet::Unsubscribe(Unsubscribe {
            packet_id: id(3),
            properties: Properties::new(),
            filters: vec!["a/+".into(), "#".into()],
        }),
        Packet::PingReq,
    ];
    if version == V5 {
        packets.push(identified("a/#", qos(QoS::AtLeastOnce), 5));
        let properties = [
            Property::MessageExpiryInterval(3),
            Property::TopicAlias(2),
            Property::ResponseTopic("answer".into()),
            Property::UserProperty("k".into(), "v".into()),
        ];
        let publish = message("a/f", "w", QoS::AtLeastOnce, 9);
        packets.push(Packet::Publish(Publish { properties: properties.into_iter().collect(), ..publish }));
    }
    packets.iter().map(|packet| encoded(packet, version)).collect()
}

/// Well-formed, and at most times out of place.
fn strays(version: ProtocolVersion) -> Vec<BytesMut> {
    let strays = [puback(1), pubrec(1), pubrel(2), pubcomp(1), leave()];
    strays.iter().map(|packet| encoded(packet, version)).collect()
}

fn connects(version: ProtocolVersion) -> Vec<BytesMut> {
    let mut connects = Vec::new();
    // Before 5 none without a client id may be kept, and before 3.1.1 there is none.
    let names =
        (0..40).map(|number| if number == 0 && version == V5 { String::new() } else { format!("peer{number}") });
    for name in names {
        for clean_start in [true, false] {
            let mut connect = Connect { clean_start, will: Some(will("a/will", "gone")), ..connect(&name, version) };
            if version == V5 {
                connect.properties.push(Property::SessionExpiryInterval(20));
                connect.properties.push(Property::TopicAliasMaximum(3));
                connect.properties.push(Property::ReceiveMaximum(2));
            }
            connects.push(encoded(&Packet::Connect(Box::new(connect)), version));
        }
    }
    connects
}

/// Bytes of memory that the process has. Of no use beside other tests.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4096
}

/// A client that mostly does what it should.
struct Peer {
    line: u64,
    version: usize,
    /// What the broker has not got as a whole packet.
    pending: BytesMut,
    /// Its CONNECT was as it should be: so is, then, what the broker says.
    listens: bool,
    /// What it still has to answer.
    answers: VecDeque<Packet>,
}

impl Peer {
    fn join(stage: &mut Stage, dice: &mut Dice, version: usize, connects: &[BytesMut]) -> Self {
        let line = stage.open(VERSIONS[version]);
        let connect = dice.one_of(connects);
        let listens = dice.roll(10) > 0;
        let bytes = if listens { connect.clone() } else { dice.spoilt(connect) };
        let mut peer = Self { line, version, pending: BytesMut::new(), listens, answers: VecDeque::new() };
        peer.send(stage, &bytes);
        peer
    }

    /// The next packet of a conversation: an answer that is due, or something new.
    fn next(&mut self, dice: &mut Dice, valid: &[BytesMut], strays: &[BytesMut]) -> BytesMut {
        // Some answers come late, and some never.
        if dice.roll(8) > 0
            && let Some(answer) = self.answers.pop_front()
        {
            return encoded(&answer, VERSIONS[self.version]);
        }
        let packets = if dice.roll(100) == 0 { strays } else { valid };
        dice.one_of(packets).clone()
    }

    /// As a stream would bring it: what is no whole packet waits for what comes next.
    fn send(&mut self, stage: &mut Stage, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        let id = ConnectionId(self.line);
        let decoder = &mut stage.lines.get_mut(&self.line).expect("a connection of this stage").server;
        loop {
            match decoder.decode(&mut self.pending) {
                Ok(Some(packet)) => _ = stage.broker.handle_packet(id, packet, stage.now),
                Ok(None) => break,
                Err(error) => {
                    stage.broker.handle_malformed(id, error, decoder.version(), stage.now);
                    break;
                }
            }
        }
        stage.collect();
    }

    /// Reads what the broker has said; how many QoS 2 flows that ends.
    fn listen(&mut self, stage: &mut Stage) -> u64 {
        let mut completed = 0;
        if !self.listens {
            stage.lines.get_mut(&self.line).expect("a connection of this stage").received.clear();
        }
        while let Some(packet) = stage.next(self.line) {
            let answer = match packet {
                Packet::Publish(Publish { qos: QoS::AtLeastOnce, packet_id: Some(id), .. }) => puback(id.get()),
                Packet::Publish(Publish { qos: QoS::ExactlyOnce, packet_id: Some(id), .. }) => pubrec(id.get()),
                Packet::PubRec(ack) if ack.reason.0 < 0x80 => pubrel(ack.packet_id.get()),
                Packet::PubRel(ack) => {
                    completed += 1;
                    pubcomp(ack.packet_id.get())
                }
                Packet::PubComp(_) => {
                    completed += 1;
                    continue;
                }
                _ => continue,
            };
            self.answers.push_back(answer);
        }
        completed
    }
}

/// What a run has come to.
#[derive(Debug, Default)]
struct Tally {
    spoilt: u64,
    connections: u64,
    delivered: u64,
    /// QoS 2 flows that were carried to their end, in either direction.
    completed: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.spoilt += other.spoilt;
        self.connections += other.connections;
        self.completed += other.completed;
        self.delivered += other.delivered;
    }
}

fn run(packets: u64, seed: u64) -> Tally {
    let mut tally = Tally::default();
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ seed);
    let mut stage = Stage::with(Settings {
        max_queued_messages: Some(20),
        global_max_clients: Some(CLIENTS as u32),
        persistent_client_expiration: Some(Duration::from_secs(60)),
        persistent: true,
        ..Settings::default()
    });
    let valid = VERSIONS.map(valid_packets);
    let strays = VERSIONS.map(strays);
    let connects = VERSIONS.map(connects);
    let mut peers: Vec<Peer> = Vec::new();
    for count in 0..packets {
        while peers.len() < PEERS {
            let version = dice.roll(3) as usize;
            peers.push(Peer::join(&mut stage, &mut dice, version, &connects[version]));
            tally.connections += 1;
        }
        let at = dice.roll(PEERS as u64) as usize;
        let peer = &mut peers[at];
        let mut bytes = peer.next(&mut dice, &valid[peer.version], &strays[peer.version]);
        if dice.roll(SPOILT) == 0 {
            bytes = dice.spoilt(&bytes);
            tally.spoilt += 1;
        }
        peer.send(&mut stage, &bytes);
        if dice.roll(500) == 0 {
            stage.cut(peers[at].line);
            stage.lines.get_mut(&peers[at].line).expect("open until now").closed = true;
        }
        stage.pass(Duration::from_millis(dice.roll(200)));
        for peer in &mut peers {
            tally.completed += peer.listen(&mut stage);
        }
        peers.retain(|peer| !stage.lines[&peer.line].closed);
        stage.lines.retain(|_, line| !line.closed);
        stage.changes.clear();
        if count % 1000 == 0 {
            let census = stage.broker.census();
            assert!(census.clients <= CLIENTS && census.open_connections <= 2 * PEERS, "{census:?}");
            // 20 in flight, 20 more queued, 20 on their way in.
            assert!(census.stored <= census.retained + 60 * CLIENTS, "{census:?}");
            assert!(census.packets_out_bytes < 1 << 20, "{census:?}");
        }
    }
    tally.delivered = stage.broker.statistics().publish_sent;
    tally
}

/// The generator reaches what it is to test.
fn check(tally: &Tally, packets: u64) {
    assert!(tally.spoilt > packets / 50 && tally.connections > packets / 200, "{tally:?} of {packets}");
    assert!(tally.connections < packets / 20, "connections end too soon: {tally:?} of {packets}");
    assert!(tally.delivered > packets / 5 && tally.completed > packets / 50, "{tally:?} of {packets}");
}

#[test]
fn nonsense_does_no_harm() {
    check(&run(SHORT, 0), SHORT);
}

#[test]
#[ignore = "most of an hour in a release build: 10^8 packets"]
fn nonsense_does_no_harm_for_very_long() {
    let packets = std::env::var("MOSKIT_PACKETS").map_or(LONG, |number| number.parse().expect("a number of packets"));
    let start = std::time::Instant::now();
    run(PART, 0);
    let early = resident();
    let mut tally = Tally::default();
    // Wrong topics are without number, and so is what is retained: each part has a broker of its own.
    for part in 1..=packets / PART {
        tally += run(PART, part);
        if part % 10 == 0 {
            println!("{} packets in {:?}: {tally:?}", part * PART, start.elapsed());
        }
    }
    check(&tally, packets);
    let late = resident();
    println!("{packets} packets in {:?}: {tally:?}; {early} bytes of memory, then {late}", start.elapsed());
    assert!(late < early + (64 << 20), "{early} bytes of memory have become {late}");
}
