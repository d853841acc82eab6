//! The codec as a whole: every packet there and back, every truncation, arbitrary bytes.

mod arbitrary;
mod fuzz;
mod vectors;

use bytes::BytesMut;
use proptest::prelude::*;

use super::*;

const VERSIONS: [ProtocolVersion; 3] = [ProtocolVersion::V31, ProtocolVersion::V311, ProtocolVersion::V5];

/// A decoder that takes `packet`: before its CONNECT for a server, after it for every other packet.
fn decoder(packet: &Packet, version: ProtocolVersion, receiver: Receiver) -> Decoder {
    match receiver {
        Receiver::Client => Decoder::client(version, MAXIMUM_PACKET_SIZE),
        Receiver::Server if packet.kind() == PacketType::Connect => Decoder::server(MAXIMUM_PACKET_SIZE),
        Receiver::Server => connected(version),
    }
}

/// A server's decoder after the CONNECT.
fn connected(version: ProtocolVersion) -> Decoder {
    let mut decoder = Decoder::server(MAXIMUM_PACKET_SIZE);
    let mut buffer = BytesMut::new();
    let connect = Connect {
        version,
        bridge: false,
        clean_start: true,
        keep_alive: 0,
        client_id: "a".into(),
        will: None,
        username: None,
        password: None,
        properties: Properties::new(),
    };
    connect.encode(&mut buffer).unwrap();
    assert!(decoder.decode(&mut buffer).unwrap().is_some());
    decoder
}

fn there_and_back(packet: &Packet, version: ProtocolVersion, receiver: Receiver) {
    let mut buffer = BytesMut::new();
    packet.encode(version, &mut buffer).unwrap();
    assert_eq!(packet.encoded_len(version).unwrap(), buffer.len());
    buffer.extend_from_slice(b"next");
    assert_eq!(decoder(packet, version, receiver).decode(&mut buffer), Ok(Some(packet.clone())));
    assert_eq!(&buffer[..], b"next");
}

/// A packet that has not come whole is waited for; one whose length is cut short is an error or a shorter packet,
/// never a read beyond its end.
fn every_truncation(packet: &Packet, version: ProtocolVersion, receiver: Receiver) {
    let mut whole = BytesMut::new();
    packet.encode(version, &mut whole).unwrap();
    for length in 0..whole.len() {
        let mut buffer = BytesMut::from(&whole[..length]);
        assert_eq!(decoder(packet, version, receiver).decode(&mut buffer), Ok(None));
        assert_eq!(buffer.len(), length);
    }
    let header = whole.len() - with_body(&whole).len();
    for length in 0..with_body(&whole).len() {
        let mut buffer = BytesMut::from(&whole[..1]);
        wire::put_variable(length, &mut buffer);
        buffer.extend_from_slice(&whole[header..header + length]);
        if let Ok(shorter) = decoder(packet, version, receiver).decode(&mut buffer) {
            assert_eq!(shorter.unwrap().kind(), packet.kind());
        }
    }
}

fn with_body(packet: &[u8]) -> &[u8] {
    match wire::Variable::parse(&packet[1..]) {
        wire::Variable::Complete { length, .. } => &packet[1 + length..],
        _ => panic!("an encoded packet has a whole header"),
    }
}

fn any_packet() -> impl Strategy<Value = (Packet, ProtocolVersion, Receiver)> {
    proptest::sample::select(VERSIONS.to_vec()).prop_flat_map(|version| {
        prop_oneof![
            arbitrary::to_server(version).prop_map(move |packet| (packet, version, Receiver::Server)),
            arbitrary::to_client(version).prop_map(move |packet| (packet, version, Receiver::Client)),
        ]
    })
}

proptest! {
    #[test]
    fn every_packet_comes_back_as_it_went((packet, version, receiver) in any_packet()) {
        there_and_back(&packet, version, receiver);
    }

    #[test]
    fn every_truncation_is_waited_for_or_refused((packet, version, receiver) in any_packet()) {
        every_truncation(&packet, version, receiver);
    }
}

/// A CONNECT that begins a login in several steps, and AUTH that goes on with it.
fn login() -> [Packet; 2] {
    let properties: Properties = [Property::AuthenticationMethod("SCRAM-SHA-256".into())].into_iter().collect();
    let connect = Connect {
        version: ProtocolVersion::V5,
        bridge: false,
        clean_start: true,
        keep_alive: 60,
        client_id: "c".into(),
        will: None,
        username: None,
        password: None,
        properties: properties.clone(),
    };
    let auth = Auth { reason: ReasonCode::CONTINUE_AUTHENTICATION, properties };
    [Packet::Connect(Box::new(connect)), Packet::Auth(auth)]
}

#[test]
fn a_client_that_has_not_proved_itself_is_not_gathered_from() {
    // A PUBLISH of 200,000 bytes begins.
    let large = [0x30, 0xc0, 0x9a, 0x0c, 0, 1, b'a'];
    let [connect, auth] = login();
    let sent = |packets: &[&Packet]| {
        let mut bytes = BytesMut::new();
        for packet in packets {
            packet.encode(ProtocolVersion::V5, &mut bytes).unwrap();
        }
        bytes.extend_from_slice(&large);
        let mut decoder = Decoder::server(MAXIMUM_PACKET_SIZE);
        for packet in packets {
            assert_eq!(decoder.decode(&mut bytes).unwrap().as_ref(), Some(*packet));
        }
        decoder.decode(&mut bytes)
    };
    assert_eq!(sent(&[&connect]), Err(DecodeError::BodyTooLong { packet: PacketType::Publish, length: 200_000 }));
    // Right behind its answer it may stand: the answer is judged before it.
    assert_eq!(sent(&[&connect, &auth]), Ok(None));
    let Packet::Connect(plain) = connect else { unreachable!() };
    let plain = Packet::Connect(Box::new(Connect { properties: Properties::new(), ..*plain }));
    assert_eq!(sent(&[&plain]), Ok(None));
}
