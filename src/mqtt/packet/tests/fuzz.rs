//! Arbitrary bytes and broken packets: no panic, and what is taken for a packet is one.
//!
//! Ten million cases, the seed printed and, to repeat a run, given:
//! `MOSKIT_FUZZ_SEED=1 cargo test --release --lib mqtt::packet::tests::fuzz -- --ignored --nocapture`

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::*;

/// Pseudo-random numbers by xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 11) as usize % limit
    }

    fn byte(&mut self) -> u8 {
        // The numbers that decide are small or at the edges.
        const EDGES: [u8; 8] = [0x00, 0x01, 0x02, 0x7F, 0x80, 0x81, 0xFE, 0xFF];
        if self.below(2) == 0 { EDGES[self.below(EDGES.len())] } else { self.next() as u8 }
    }
}

/// Valid packets to break, with who reads them.
fn corpus(size: usize) -> Vec<(Vec<u8>, ProtocolVersion, Receiver)> {
    let mut runner = TestRunner::deterministic();
    let packets = any_packet();
    (0..size)
        .map(|_| {
            let (packet, version, receiver) = packets.new_tree(&mut runner).unwrap().current();
            let mut bytes = BytesMut::new();
            packet.encode(version, &mut bytes).unwrap();
            (bytes.to_vec(), version, receiver)
        })
        .collect()
}

fn broken(bytes: &[u8], random: &mut Random) -> BytesMut {
    let mut broken = BytesMut::from(bytes);
    for _ in 0..=random.below(3) {
        let at = random.below(broken.len());
        match random.below(5) {
            0 => broken[at] = random.byte(),
            1 => broken[at] ^= 1 << random.below(8),
            2 => broken.truncate(at.max(1)),
            3 => broken.extend_from_slice(&[random.byte(), random.byte()]),
            _ => {
                let tail = broken.split_off(at);
                broken.extend_from_slice(&[random.byte()]);
                broken.unsplit(tail);
            }
        }
    }
    broken
}

fn arbitrary_bytes(random: &mut Random) -> BytesMut {
    (0..=random.below(24)).map(|_| random.byte()).collect()
}

/// Every packet found in `bytes`, encoded and decoded again, is the same, and so is what a peek shows of it.
fn check(bytes: BytesMut, version: ProtocolVersion, receiver: Receiver, before_connect: bool) -> usize {
    let mut decoder = match receiver {
        Receiver::Client => Decoder::client(version, MAXIMUM_PACKET_SIZE),
        Receiver::Server if before_connect => Decoder::server(MAXIMUM_PACKET_SIZE),
        Receiver::Server => Decoder { version: Some(version), ..Decoder::server(MAXIMUM_PACKET_SIZE) },
    };
    let mut rest = bytes;
    // Now and then the topic of the next message indeed.
    let last_topic = str::from_utf8(rest.get(4..9).unwrap_or_default()).unwrap_or_default().to_owned();
    let mut found = 0;
    loop {
        let before = rest.clone();
        let plain = decoder.peek_plain(&before, &last_topic);
        let decoded = decoder.decode(&mut rest);
        check_plain(plain, &decoded, before.len() - rest.len());
        let Ok(Some(packet)) = decoded else { break };
        let version = decoder.version().expect("it has decoded a packet");
        let mut again = BytesMut::new();
        packet.encode(version, &mut again).unwrap();
        assert_eq!(packet.encoded_len(version), Ok(again.len()));
        let mut decoder = Decoder { version: Some(version), ..decoder.clone() };
        if packet.kind() == PacketType::Connect {
            decoder.version = None;
        }
        let returned = decoder.decode(&mut again);
        // Before version 5 a SUBACK has one code for all refusals; a client keeps what it read.
        if version == ProtocolVersion::V5 || packet.kind() != PacketType::SubAck {
            assert_eq!(returned, Ok(Some(packet)));
        }
        found += 1;
    }
    found
}

/// A peek is a message as decoding makes it, and nothing else is.
fn check_plain(plain: Option<(PublishRef<'_>, usize)>, decoded: &Result<Option<Packet>, DecodeError>, taken: usize) {
    let Some((plain, size)) = plain else { return };
    let Ok(Some(Packet::Publish(publish))) = decoded else { panic!("{plain:?} is no message: {decoded:?}") };
    assert_eq!(format!("{plain:?}"), format!("{:?}", publish.as_ref()));
    assert_eq!(size, taken);
}

fn run(cases: usize, seed: u64) {
    let corpus = corpus(500);
    let mut random = Random(seed);
    let mut found = 0;
    for _ in 0..cases {
        let (bytes, version, receiver) = &corpus[random.below(corpus.len())];
        let bytes = if random.below(4) == 0 { arbitrary_bytes(&mut random) } else { broken(bytes, &mut random) };
        let before_connect = bytes[0] >> 4 == PacketType::Connect as u8;
        found += check(bytes, *version, *receiver, before_connect);
    }
    assert!(found > cases / 20, "only {found} of {cases} cases held a packet: they test too little");
}

#[test]
fn broken_packets_are_refused_or_come_back_as_they_went() {
    run(20_000, 0x6D6F_736B_6974);
}

#[test]
#[ignore = "ten million cases; see the top of the file"]
fn broken_packets_are_refused_or_come_back_as_they_went_ten_million_times() {
    let now = || std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64 | 1;
    let seed = std::env::var("MOSKIT_FUZZ_SEED").map_or_else(|_| now(), |seed| seed.parse().unwrap());
    println!("MOSKIT_FUZZ_SEED={seed}");
    run(10_000_000, seed);
}
