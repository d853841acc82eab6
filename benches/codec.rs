//! Nanoseconds of CPU time per PUBLISH in the codec and in a client's session: `cargo bench --bench codec`.
//!
//! Each figure is the median of several runs over packets with 64 bytes of payload, in buffers like those of a
//! connection.
#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

use std::hint::black_box;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use moskit::mqtt::packet::{
    Ack, ConnAck, Connect, Decoder, MAXIMUM_PACKET_SIZE, Packet, PacketId, Properties, Property, ProtocolVersion,
    Publish, QoS,
};
use moskit::mqtt::session::{Event, Session};
use rustix::time::{ClockId, clock_gettime};

/// Bytes of one read.
const READ: usize = 64 * 1024;
/// Packets of one run.
const PACKETS: usize = 1_000_000;
const RUNS: usize = 7;

fn cpu_ns() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Prints the median of `RUNS` runs of `work`, which handles `PACKETS` packets.
fn measure(name: &str, mut work: impl FnMut()) {
    let mut figures: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = cpu_ns();
            work();
            (cpu_ns() - start) / PACKETS as f64
        })
        .collect();
    figures.sort_by(f64::total_cmp);
    println!("{name:44} {:7.1} ns", figures[RUNS / 2]);
}

fn publish(qos: QoS, properties: Properties) -> Publish {
    Publish {
        dup: false,
        qos,
        retain: false,
        topic: ByteString::from_static("sensors/room/temperature"),
        packet_id: (qos != QoS::AtMostOnce).then_some(PacketId::MIN),
        properties,
        payload: Bytes::from_static(&[b'x'; 64]),
    }
}

/// What one read brings: as many whole packets as fit.
fn one_read(packet: &Packet, version: ProtocolVersion) -> (Vec<u8>, usize) {
    let mut one = BytesMut::new();
    packet.encode(version, &mut one).expect("the packet is a valid one");
    let count = READ / one.len();
    (one.repeat(count), count)
}

fn decode(name: &str, packet: &Packet, version: ProtocolVersion) {
    let (bytes, count) = one_read(packet, version);
    let mut decoder = Decoder::client(version, MAXIMUM_PACKET_SIZE);
    let mut buffer = BytesMut::with_capacity(READ);
    measure(name, || {
        let mut done = 0;
        while done < PACKETS {
            buffer.extend_from_slice(&bytes);
            while let Ok(Some(packet)) = decoder.decode(&mut buffer) {
                black_box(&packet);
            }
            done += count;
        }
    });
}

fn encode(name: &str, publish: &Publish, version: ProtocolVersion) {
    let mut out = BytesMut::with_capacity(READ);
    measure(name, || {
        for _ in 0..PACKETS {
            black_box(publish).as_ref().encode(version, &mut out).expect("the packet is a valid one");
            if out.len() > READ - 256 {
                black_box(&out);
                out.clear();
            }
        }
    });
}

fn connected(version: ProtocolVersion) -> Session {
    let connect = Connect {
        version,
        bridge: false,
        clean_start: true,
        keep_alive: 60,
        client_id: "bench".into(),
        will: None,
        username: None,
        password: None,
        properties: Properties::new(),
    };
    let connack = ConnAck { session_present: false, code: 0, properties: Properties::new() };
    let mut session = Session::new(connect, std::num::NonZeroU16::new(20));
    session.handle_connected(Instant::now()).expect("the CONNECT is a valid one");
    session.handle_packet(Packet::ConnAck(connack), Instant::now()).expect("the CONNACK is a valid one");
    while session.poll_event().is_some() {}
    session.output().clear();
    session
}

fn session_receive(name: &str, packet: &Packet) {
    let (bytes, count) = one_read(packet, ProtocolVersion::V311);
    let mut session = connected(ProtocolVersion::V311);
    let mut buffer = BytesMut::with_capacity(READ);
    measure(name, || {
        let mut done = 0;
        while done < PACKETS {
            buffer.extend_from_slice(&bytes);
            let now = Instant::now();
            while session.handle_next(&mut buffer, now).expect("every packet is a valid one") {
                while let Some(event) = session.poll_event() {
                    let Event::Message(publish) = event else { continue };
                    black_box(&publish);
                }
            }
            session.output().clear();
            done += count;
        }
    });
}

fn session_publish_qos_0(name: &str, publish: &Publish) {
    let mut session = connected(ProtocolVersion::V311);
    let now = Instant::now();
    measure(name, || {
        for _ in 0..PACKETS {
            session.publish_ref(black_box(publish).as_ref(), now).expect("the session is connected");
            if session.output().len() > READ - 256 {
                session.output().clear();
            }
        }
    });
}

fn session_publish_qos_1(name: &str, publish: &Publish) {
    let mut session = connected(ProtocolVersion::V311);
    let now = Instant::now();
    measure(name, || {
        for _ in 0..PACKETS {
            let packet_id = session.publish(publish.clone(), now).expect("the session is connected");
            session.handle_packet(Packet::PubAck(Ack::new(packet_id)), now).expect("the PUBACK is a valid one");
            while let Some(event) = session.poll_event() {
                black_box(&event);
            }
            session.output().clear();
        }
    });
}

fn main() {
    let plain = || publish(QoS::AtMostOnce, Properties::new());
    let with_id = || publish(QoS::AtLeastOnce, Properties::new());
    let properties = [
        Property::MessageExpiryInterval(60),
        Property::ContentType(ByteString::from_static("text/plain")),
        Property::UserProperty(ByteString::from_static("name"), ByteString::from_static("value")),
    ];
    let rich = || publish(QoS::AtMostOnce, properties.clone().into_iter().collect());
    let v311 = ProtocolVersion::V311;
    let v5 = ProtocolVersion::V5;
    decode("decode PUBLISH, 3.1.1, QoS 0", &Packet::Publish(plain()), v311);
    decode("decode PUBLISH, 5, QoS 0", &Packet::Publish(plain()), v5);
    decode("decode PUBLISH, 5, QoS 1", &Packet::Publish(with_id()), v5);
    decode("decode PUBLISH, 5, QoS 0, three properties", &Packet::Publish(rich()), v5);
    decode("decode PUBACK", &Packet::PubAck(Ack::new(PacketId::MIN)), v311);
    encode("encode PUBLISH, 3.1.1, QoS 0", &plain(), v311);
    encode("encode PUBLISH, 5, QoS 1", &with_id(), v5);
    encode("encode PUBLISH, 5, QoS 0, three properties", &rich(), v5);
    session_receive("session: receive at QoS 0", &Packet::Publish(plain()));
    session_receive("session: receive and acknowledge at QoS 1", &Packet::Publish(with_id()));
    session_publish_qos_0("session: publish at QoS 0", &plain());
    session_publish_qos_1("session: publish at QoS 1, PUBACK", &with_id());
}
