//! Nonsense from a generator, through the decoder and the core: no panic, and memory that stays bounded whatever comes.
//!
//! 10^8 packets, in about ten minutes: `cargo test --release --lib nonsense_does_no_harm_for_very_long -- --ignored --nocapture`

use super::*;

/// Packets of the run that everybody makes, and of the one that `--ignored` starts.
const SHORT: u64 = 20_000;
const LONG: u64 = 100_000_000;
const PART: u64 = 1_000_000;

/// Sessions that the broker may have: nonsense makes up many client ids.
const CLIENTS: usize = 500;

/// A generator of numbers that gives the same ones each time (xorshift).
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

    /// A valid packet, most of the time with a few bytes changed, cut off or put in.
    fn packet(&mut self, valid: &[BytesMut]) -> BytesMut {
        let mut bytes = self.one_of(valid).clone();
        for _ in 0..self.roll(4) {
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
        exactly_once("a/d", "zzz", 2),
        retained("a/e", "kept"),
        retained("a/e", ""),
        puback(1),
        pubrec(1),
        pubrel(2),
        pubcomp(1),
        subscribe("a/+", qos(QoS::ExactlyOnce)),
        subscribe("$share/g/#", qos(QoS::AtLeastOnce)),
        Packet::Unsubscribe(Unsubscribe {
            packet_id: id(3),
            properties: Properties::new(),
            filters: vec!["a/+".into(), "#".into()],
        }),
        Packet::PingReq,
        leave(),
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

fn connects(version: ProtocolVersion) -> Vec<BytesMut> {
    let mut connects = Vec::new();
    for name in ["one", "two", ""] {
        for clean_start in [true, false] {
            let mut connect = Connect { clean_start, will: Some(will("a/will", "gone")), ..connect(name, version) };
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

/// How often a connection was ended for what came over it.
fn run(packets: u64, seed: u64) -> u64 {
    let mut ended = 0;
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ seed);
    let mut stage = Stage::with(Settings {
        max_queued_messages: Some(20),
        global_max_clients: Some(CLIENTS as u32),
        persistent_client_expiration: Some(Duration::from_secs(60)),
        persistent: true,
        ..Settings::default()
    });
    let versions = [ProtocolVersion::V31, V311, V5];
    let valid = versions.map(valid_packets);
    let connects = versions.map(connects);
    let mut lines: Vec<(u64, usize)> = Vec::new();
    for count in 0..packets {
        if lines.len() < 8 {
            let version = dice.roll(3) as usize;
            let line = stage.open(versions[version]);
            let bytes = dice.packet(&connects[version]);
            stage.send_bytes(line, &bytes);
            lines.push((line, version));
        }
        let (line, version) = *dice.one_of(&lines);
        let bytes = dice.packet(&valid[version]);
        stage.send_bytes(line, &bytes);
        // What the client gets is of no interest, and what it would keep neither.
        for line in stage.lines.values_mut() {
            line.received.clear();
        }
        stage.changes.clear();
        if dice.roll(50) == 0 {
            stage.cut(line);
            stage.lines.get_mut(&line).expect("open until now").closed = true;
        }
        let before = lines.len();
        lines.retain(|(line, _)| !stage.lines[line].closed);
        ended += (before - lines.len()) as u64;
        stage.lines.retain(|_, line| !line.closed);
        stage.pass(Duration::from_millis(dice.roll(200)));
        lines.retain(|(line, _)| stage.lines.get(line).is_some_and(|line| !line.closed));
        if count % 1000 == 0 {
            let census = stage.broker.census();
            assert!(census.clients <= CLIENTS && census.open_connections <= 16, "{census:?}");
            // 20 in flight, 20 more queued, 20 on their way in.
            assert!(census.stored <= census.retained + 60 * CLIENTS, "{census:?}");
            assert!(census.packets_out_bytes < 1 << 20, "{census:?}");
        }
    }
    assert!(stage.broker.statistics().publish_received > packets / 20, "the generator reaches what it is to test");
    ended
}

#[test]
fn nonsense_does_no_harm() {
    assert!(run(SHORT, 0) > SHORT / 20, "nonsense ends connections");
}

#[test]
#[ignore = "ten minutes in a release build: 10^8 packets"]
fn nonsense_does_no_harm_for_very_long() {
    let start = std::time::Instant::now();
    run(PART, 0);
    let early = resident();
    // Wrong topics are without number, and so is what is retained: each part has a broker of its own.
    let ended: u64 = (1..=LONG / PART).map(|part| run(PART, part)).sum();
    let late = resident();
    println!(
        "{LONG} packets in {:?}, {ended} connections ended; {early} bytes of memory, then {late}",
        start.elapsed()
    );
    assert!(late < early + (64 << 20), "{early} bytes of memory have become {late}");
}
