//! Packets in hex, written from the standards; the rule that decides is in the test's name (of version 5, or, with
//! `mqtt311`, of 3.1.1).

use super::*;

use DecodeError as E;
use ProtocolVersion::{V5, V31, V311};

/// `"30 03 0001 61"` → bytes.
fn bytes(hex: &str) -> BytesMut {
    let digits: Vec<_> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let (pairs, rest) = digits.as_chunks::<2>();
    assert!(rest.is_empty(), "half a byte in {hex}");
    pairs.iter().map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// A decoder for whatever follows the CONNECT or, if `hex` is one, for it.
fn decoder_for(hex: &str, version: ProtocolVersion, receiver: Receiver) -> Decoder {
    match receiver {
        Receiver::Client => Decoder::client(version, MAXIMUM_PACKET_SIZE),
        Receiver::Server if hex.starts_with('1') => Decoder::server(MAXIMUM_PACKET_SIZE),
        Receiver::Server => connected(version),
    }
}

fn decode(version: ProtocolVersion, receiver: Receiver, hex: &str) -> Result<Packet, DecodeError> {
    let mut buffer = bytes(hex);
    let packet = decoder_for(hex, version, receiver).decode(&mut buffer)?.expect("the vector is a whole packet");
    assert!(buffer.is_empty(), "bytes are left of {hex}");
    Ok(packet)
}

#[track_caller]
fn server_refuses(version: ProtocolVersion, hex: &str, error: DecodeError, reason: ReasonCode) {
    assert_eq!(decode(version, Receiver::Server, hex), Err(error), "{hex}");
    assert_eq!(error.reason_code(), reason);
}

#[track_caller]
fn client_refuses(version: ProtocolVersion, hex: &str, error: DecodeError) {
    assert_eq!(decode(version, Receiver::Client, hex), Err(error), "{hex}");
}

#[track_caller]
fn server_takes(version: ProtocolVersion, hex: &str) -> Packet {
    decode(version, Receiver::Server, hex).unwrap_or_else(|error| panic!("{hex}: {error:?}"))
}

#[track_caller]
fn client_takes(version: ProtocolVersion, hex: &str) -> Packet {
    decode(version, Receiver::Client, hex).unwrap_or_else(|error| panic!("{hex}: {error:?}"))
}

/// The packet is taken and, encoded again, is the same bytes.
#[track_caller]
fn both_ways(version: ProtocolVersion, receiver: Receiver, hex: &str) -> Packet {
    let packet = decode(version, receiver, hex).unwrap_or_else(|error| panic!("{hex}: {error:?}"));
    let mut out = BytesMut::new();
    packet.encode(version, &mut out).unwrap();
    assert_eq!(out, bytes(hex), "{packet:?}");
    packet
}

const MALFORMED: ReasonCode = ReasonCode::MALFORMED_PACKET;
const PROTOCOL: ReasonCode = ReasonCode::PROTOCOL_ERROR;

mod data_types {
    use super::*;

    #[test]
    fn mqtt_1_5_4_1_a_string_that_is_not_utf_8_is_refused() {
        for text in ["ff", "c0af", "eda080", "edbfbf", "f4908080", "e282", "80"] {
            let hex = format!("30 {:02x} {:04x} {text}", 2 + text.len() / 2, text.len() / 2);
            server_refuses(V311, &hex, E::Utf8, MALFORMED);
            client_refuses(V311, &hex, E::Utf8);
        }
    }

    #[test]
    fn mqtt_1_5_4_2_a_nul_character_is_refused() {
        server_refuses(V5, "30 06 0003 610062 00", E::NulCharacter, MALFORMED);
        client_refuses(V311, "30 05 0003 610062", E::NulCharacter);
        // A control character before it changes nothing.
        client_refuses(V311, "30 05 0003 610100", E::NulCharacter);
    }

    #[test]
    fn mqtt_1_5_4_3_a_byte_order_mark_stays_a_character() {
        let Packet::Publish(publish) = server_takes(V311, "30 06 0004 efbbbf61") else { panic!("a PUBLISH") };
        assert_eq!(&*publish.topic, "\u{FEFF}a");
    }

    #[test]
    fn mqtt_1_5_4_what_should_not_be_in_a_string_is_refused_by_servers_only() {
        for (text, character) in [("01", '\u{1}'), ("7f", '\u{7F}'), ("c280", '\u{80}'), ("efbfbe", '\u{FFFE}')] {
            let hex = format!("30 {:02x} {:04x} {text}", 2 + text.len() / 2, text.len() / 2);
            server_refuses(V311, &hex, E::DiscouragedCharacter(character), MALFORMED);
            client_takes(V311, &hex);
        }
    }

    #[test]
    fn mqtt_1_5_5_1_an_integer_takes_no_more_bytes_than_it_needs() {
        server_refuses(V5, "c0 8000", E::RemainingLength, MALFORMED);
        server_refuses(V5, "30 05 0001 61 8000", E::VariableByteInteger, MALFORMED);
        client_refuses(V5, "30 05 0001 61 8000", E::VariableByteInteger);
        server_refuses(V5, "10 8d00 0004 4d515454 05 02 003c 00 0000", E::RemainingLength, MALFORMED);
        // 3.1.1 has no such rule, and a client forgives.
        server_takes(V311, "c0 8000");
        client_takes(V5, "d0 8000");
    }

    #[test]
    fn mqtt_1_5_5_a_fifth_byte_is_refused_before_it_comes() {
        for version in VERSIONS {
            assert_eq!(connected(version).decode(&mut bytes("30 80808080")), Err(E::RemainingLength));
            assert_eq!(connected(version).decode(&mut bytes("30 808080")), Ok(None));
        }
    }

    #[test]
    fn a_field_that_reaches_over_the_end_is_refused() {
        for hex in ["30 03 0005 61", "30 01 00", "32 04 0001 61 00", "82 02 0001", "82 05 0001 0003 61", "40 01 00"] {
            let error = if hex == "82 02 0001" { E::NoTopicFilter } else { E::Truncated };
            server_refuses(V311, hex, error, MALFORMED);
        }
        server_refuses(V5, "30 03 0001 61", E::Truncated, MALFORMED);
        server_refuses(V5, "30 04 0001 61 05", E::Truncated, MALFORMED);
        server_refuses(V5, "30 07 0001 61 03 02 0000", E::Truncated, MALFORMED);
    }

    #[test]
    fn bytes_after_the_last_field_are_refused() {
        server_refuses(V5, "40 05 0001 00 00 00", E::TrailingBytes, MALFORMED);
        server_refuses(V5, "e0 03 00 00 00", E::TrailingBytes, MALFORMED);
        server_refuses(V311, "10 0e 0004 4d515454 04 02 003c 0000 7a7a", E::TrailingBytes, MALFORMED);
    }

    #[test]
    fn a_client_does_not_look_behind_the_last_field() {
        for hex in ["40 03 0001 00", "b0 03 0001 00", "d0 01 00"] {
            client_takes(V311, hex);
        }
        client_takes(V5, "40 05 0001 00 00 00");
    }
}

mod fixed_header {
    use super::*;

    #[test]
    fn mqtt_2_1_3_1_reserved_flags_are_refused() {
        for first in [0x11, 0x41, 0x51, 0x60, 0x63, 0x6A, 0x71, 0x80, 0x8A, 0xA0, 0xC1, 0xE1, 0xF1] {
            let hex = format!("{first:02x} 02 0001");
            let connect = "11 0d 0004 4d515454 05 02 003c 00 0000";
            server_refuses(V5, if first == 0x11 { connect } else { &hex }, E::Flags(first), MALFORMED);
        }
        client_refuses(V5, "e1 02 0000", E::Flags(0xE1));
        client_refuses(V5, "f2 00", E::Flags(0xF2));
        // The version of a CONNECT comes after its flags.
        assert!(decode(V31, Receiver::Server, "11 0f 0006 4d5149736470 03 02 003c 0001 63").is_ok());
    }

    #[test]
    fn what_holds_no_payload_is_refused_by_its_length() {
        let refused = |version, header: &str, packet| {
            let mut buffer = bytes(header);
            let mut decoder = decoder_for(header, version, Receiver::Server);
            match decoder.decode(&mut buffer) {
                Err(error @ E::BodyTooLong { packet: of, .. }) => assert_eq!((of, error.answer()), (packet, None)),
                other => panic!("{header}: {other:?}"),
            }
        };
        for (header, packet) in
            [("40 03", PacketType::PubAck), ("62 03", PacketType::PubRel), ("e0 01", PacketType::Disconnect)]
        {
            refused(V311, header, packet);
        }
        refused(V311, "c0 01", PacketType::PingReq);
        refused(V311, "10 a18d06", PacketType::Connect);
        for (header, packet) in [
            ("50 914e", PacketType::PubRec),
            ("e0 914e", PacketType::Disconnect),
            ("82 a18d06", PacketType::Subscribe),
            ("a2 a18d06", PacketType::Unsubscribe),
            ("f0 a18d06", PacketType::Auth),
        ] {
            refused(V5, header, packet);
        }
        for (version, header) in [(V5, "50 904e"), (V5, "82 a08d06"), (V311, "82 a18d06"), (V5, "30 a18d06")] {
            let mut buffer = bytes(header);
            assert_eq!(decoder_for(header, version, Receiver::Server).decode(&mut buffer), Ok(None), "{header}");
        }
    }

    #[test]
    fn a_client_looks_at_the_flags_of_pubrel_disconnect_and_auth_only() {
        client_refuses(V5, "60 02 0001", E::Flags(0x60));
        for hex in ["41 02 0001", "91 04 0001 00 00", "b1 04 0001 00 00", "d1 00", "21 03 00 00 00"] {
            client_takes(V5, hex);
        }
    }

    #[test]
    fn flags_are_refused_before_the_rest_of_the_packet_has_come() {
        assert_eq!(connected(V5).decode(&mut bytes("83")), Err(E::Flags(0x83)));
        assert_eq!(connected(V5).decode(&mut bytes("00")), Err(E::UnknownPacketType(0)));
    }

    #[test]
    fn version_3_1_uses_the_flags_of_requests_for_dup_and_qos() {
        server_takes(V31, "8a 06 0001 0001 61 00");
        server_takes(V31, "6a 02 0001");
        server_takes(V31, "a8 05 0001 0001 61");
        server_refuses(V31, "c1 00", E::Flags(0xC1), MALFORMED);
    }

    #[test]
    fn mqtt_2_1_2_type_0_is_refused_and_before_version_5_type_15_too() {
        server_refuses(V5, "00 00", E::UnknownPacketType(0), PROTOCOL);
        server_refuses(V311, "f0 00", E::UnknownPacketType(15), PROTOCOL);
        server_takes(V5, "f0 02 18 00");
    }

    #[test]
    fn mqtt_2_2_1_3_packet_id_zero_is_refused() {
        server_refuses(V311, "32 06 0001 61 0000 62", E::PacketIdZero(PacketType::Publish), PROTOCOL);
        server_refuses(V5, "82 07 0000 00 0001 61 00", E::PacketIdZero(PacketType::Subscribe), MALFORMED);
        server_refuses(V5, "a2 06 0000 00 0001 61", E::PacketIdZero(PacketType::Unsubscribe), MALFORMED);
        for (first, kind) in [
            ("40", PacketType::PubAck),
            ("50", PacketType::PubRec),
            ("62", PacketType::PubRel),
            ("70", PacketType::PubComp),
        ] {
            server_refuses(V5, &format!("{first} 02 0000"), E::PacketIdZero(kind), PROTOCOL);
            client_refuses(V5, &format!("{first} 04 0000 00 00"), E::PacketIdZero(kind));
        }
    }

    #[test]
    fn a_packet_above_the_limit_is_refused_by_its_header() {
        let mut decoder = Decoder::client(V5, 1000);
        assert_eq!(decoder.decode(&mut bytes("30 e507")), Ok(None), "3 + 997 bytes may come");
        let error = E::PacketTooLarge { size: 1001, maximum: 1000 };
        assert_eq!(decoder.decode(&mut bytes("30 e607")), Err(error));
        assert_eq!(error.reason_code(), ReasonCode::PACKET_TOO_LARGE);
        assert_eq!(connected(V5).decode(&mut bytes("30 ffffff7f")), Ok(None));
    }

    #[test]
    fn a_packet_that_only_the_other_side_sends_is_refused() {
        for (first, kind) in [
            (0x20, PacketType::ConnAck),
            (0x90, PacketType::SubAck),
            (0xB0, PacketType::UnsubAck),
            (0xD0, PacketType::PingResp),
        ] {
            server_refuses(V5, &format!("{first:02x} 00"), E::UnexpectedPacket(kind), PROTOCOL);
        }
        for (first, kind) in [
            (0x10, PacketType::Connect),
            (0x82, PacketType::Subscribe),
            (0xA2, PacketType::Unsubscribe),
            (0xC0, PacketType::PingReq),
        ] {
            client_refuses(V5, &format!("{first:02x} 00"), E::UnexpectedPacket(kind));
        }
        client_refuses(V311, "e0 00", E::UnexpectedPacket(PacketType::Disconnect));
    }
}

mod connect {
    use super::*;

    fn taken(hex: &str) -> Connect {
        match server_takes(V5, hex) {
            Packet::Connect(connect) => *connect,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn mqtt_3_1_0_1_the_first_packet_is_connect() {
        let mut decoder = Decoder::server(MAXIMUM_PACKET_SIZE);
        assert_eq!(decoder.decode(&mut bytes("c0 00")), Err(E::UnexpectedPacket(PacketType::PingReq)));
        assert_eq!(decoder.decode(&mut bytes("20 02 0000")), Err(E::UnexpectedPacket(PacketType::ConnAck)));
    }

    #[test]
    fn mqtt_3_1_0_2_a_second_connect_is_refused() {
        let second = "10 0c 0004 4d515454 04 02 003c 0000";
        let refused = connected(V311).decode(&mut bytes(second));
        assert_eq!(refused, Err(E::UnexpectedPacket(PacketType::Connect)));
    }

    #[test]
    fn mqtt_3_1_2_1_the_protocol_name_is_known() {
        let unknown = ReasonCode::UNSUPPORTED_PROTOCOL_VERSION;
        server_refuses(V311, "10 0c 0004 4d515458 04 02 003c 0000", E::ProtocolName, unknown);
        server_refuses(V311, "10 0c 0004 6d717474 04 02 003c 0000", E::ProtocolName, unknown);
    }

    #[test]
    fn mqtt_3_1_2_2_the_protocol_version_is_known() {
        let unknown = ReasonCode::UNSUPPORTED_PROTOCOL_VERSION;
        for level in [0, 6, 0x85] {
            let hex = format!("10 0c 0004 4d515454 {level:02x} 02 003c 0000");
            server_refuses(V311, &hex, E::ProtocolVersion(level), unknown);
        }
        server_refuses(V311, "10 0c 0004 4d515454 03 02 003c 0000", E::ProtocolMismatch(3), unknown);
        server_refuses(V311, "10 0e 0006 4d5149736470 04 02 003c 0000", E::ProtocolMismatch(4), unknown);
    }

    #[test]
    fn the_version_is_known_even_if_the_rest_of_connect_is_wrong() {
        let mut decoder = Decoder::server(MAXIMUM_PACKET_SIZE);
        assert!(decoder.decode(&mut bytes("10 0d 0004 4d515454 05 03 003c 00 0000")).is_err());
        assert_eq!(decoder.version(), Some(V5));
    }

    #[test]
    fn each_version_has_its_name_and_level() {
        let cases = [
            (V31, "10 0f 0006 4d5149736470 03 02 003c 0001 63", false),
            (V311, "10 0d 0004 4d515454 04 02 003c 0001 63", false),
            (V5, "10 0e 0004 4d515454 05 02 003c 00 0001 63", false),
            (V31, "10 0f 0006 4d5149736470 83 02 003c 0001 63", true),
            (V311, "10 0d 0004 4d515454 84 02 003c 0001 63", true),
        ];
        for (version, hex, bridge) in cases {
            let Packet::Connect(connect) = both_ways(version, Receiver::Server, hex) else { panic!("a CONNECT") };
            assert_eq!((connect.version, connect.bridge, connect.keep_alive), (version, bridge, 60));
            assert_eq!((&*connect.client_id, connect.clean_start), ("c", true));
        }
    }

    #[test]
    fn mqtt_3_1_2_3_the_reserved_flag_is_0() {
        for (version, level, properties) in [(V311, "04", ""), (V5, "05", "00")] {
            let hex = format!(
                "10 {} 0004 4d515454 {level} 03 003c {properties} 0000",
                if version == V5 { "0d" } else { "0c" }
            );
            server_refuses(version, &hex, E::ConnectFlags(3), MALFORMED);
        }
        server_takes(V31, "10 0e 0006 4d5149736470 03 03 003c 0000");
    }

    #[test]
    fn mqtt_3_1_2_11_without_a_will_its_qos_is_0() {
        server_refuses(V311, "10 0c 0004 4d515454 04 0a 003c 0000", E::ConnectFlags(0x0A), MALFORMED);
    }

    #[test]
    fn mqtt_3_1_2_13_without_a_will_its_retain_is_0() {
        server_refuses(V311, "10 0c 0004 4d515454 04 22 003c 0000", E::ConnectFlags(0x22), MALFORMED);
    }

    #[test]
    fn mqtt_3_1_2_12_the_will_qos_is_not_3() {
        server_refuses(V311, "10 12 0004 4d515454 04 1e 003c 0000 0001 77 0001 70", E::ConnectFlags(0x1E), MALFORMED);
    }

    #[test]
    fn mqtt311_3_1_2_22_a_password_needs_a_user_name_before_version_5() {
        server_refuses(V311, "10 0f 0004 4d515454 04 42 003c 0000 0001 70", E::ConnectFlags(0x42), MALFORMED);
        let connect = taken("10 10 0004 4d515454 05 42 003c 00 0000 0001 70");
        assert_eq!((connect.username, connect.password.as_deref()), (None, Some(&b"p"[..])));
    }

    #[test]
    fn mqtt_3_1_3_1_the_fields_come_in_their_order() {
        let hex = "10 24 0004 4d515454 05 ee 0005 03 210014 0001 63 05 1800000001 0001 77 0002 0001 0001 75 0001 70";
        let Packet::Connect(connect) = both_ways(V5, Receiver::Server, hex) else { panic!("a CONNECT") };
        assert_eq!(connect.properties.receive_maximum(), Some(20));
        let will = connect.will.unwrap();
        assert_eq!((&*will.topic, &*will.payload, will.qos, will.retain), ("w", &[0, 1][..], QoS::AtLeastOnce, true));
        assert_eq!(will.properties.will_delay_interval(), Some(1));
        assert_eq!((connect.username.as_deref(), connect.password.as_deref()), (Some("u"), Some(&b"p"[..])));
    }

    #[test]
    fn version_3_1_lets_the_remaining_length_overrule_the_login_flags() {
        let Packet::Connect(connect) = server_takes(V31, "10 0f 0006 4d5149736470 03 c2 003c 0001 63") else {
            panic!("a CONNECT")
        };
        assert_eq!((connect.username, connect.password), (None, None));
        server_refuses(V311, "10 0d 0004 4d515454 04 c2 003c 0001 63", E::ConnectPayload, MALFORMED);
    }

    #[test]
    fn a_will_topic_is_a_topic_name() {
        server_refuses(V311, "10 11 0004 4d515454 04 06 003c 0000 0000 0001 70", E::NoWillTopic, PROTOCOL);
        let wildcard = "10 12 0004 4d515454 04 06 003c 0000 0001 23 0001 70";
        server_refuses(V311, wildcard, E::ConnectPayload, MALFORMED);
    }

    #[test]
    fn mqtt_3_1_3_4_a_client_id_is_a_string() {
        let invalid = ReasonCode::CLIENT_IDENTIFIER_NOT_VALID;
        server_refuses(V5, "10 0e 0004 4d515454 05 02 003c 00 0001 ff", E::ClientIdentifier, invalid);
        server_refuses(V5, "10 0e 0004 4d515454 05 02 003c 00 0001 00", E::ClientIdentifier, invalid);
    }

    #[test]
    fn some_mistakes_in_a_connect_are_not_worth_an_answer() {
        for (hex, answer) in [
            ("10 0d 0004 4d515454 05 03 003c 00 0000", None),
            ("10 0b 0004 4d515454 05 02 003c 00", None),
            ("10 14 0004 4d515454 05 02 003c 07 26 0001 ff 0001 61 0000", None),
            ("10 0f 0004 4d515454 05 02 003c 02 7f01 0000", Some(MALFORMED)),
            ("10 0f 0004 4d515454 05 02 003c 02 0101 0000", Some(PROTOCOL)),
        ] {
            let error = decode(V5, Receiver::Server, hex).expect_err("it is wrong");
            assert_eq!(error.answer(), answer, "{hex}");
        }
    }

    #[test]
    fn mqtt_3_1_2_11_10_authentication_data_needs_a_method() {
        let data = "10 11 0004 4d515454 05 02 003c 04 16 0001 61 0000";
        server_refuses(V5, data, E::AuthenticationDataWithoutMethod, PROTOCOL);
        taken("10 15 0004 4d515454 05 02 003c 08 16 0001 61 15 0001 6d 0000");
    }

    #[test]
    fn connack_in_each_version() {
        both_ways(V311, Receiver::Client, "20 02 01 00");
        both_ways(V31, Receiver::Client, "20 02 00 05");
        both_ways(V5, Receiver::Client, "20 09 01 00 06 22000a 210014");
        both_ways(V5, Receiver::Client, "20 03 00 87 00");
    }

    #[test]
    fn mqtt_3_2_2_1_reserved_connack_flags_are_0() {
        client_refuses(V311, "20 02 02 00", E::ConnAckFlags(2));
        client_refuses(V5, "20 03 81 00 00", E::ConnAckFlags(0x81));
        client_takes(V31, "20 02 ff 00");
    }

    #[test]
    fn a_connack_without_properties_is_recognised_in_version_5() {
        client_refuses(V5, "20 02 00 01", E::ConnAckWithoutProperties { code: 1 });
    }

    #[test]
    fn a_client_before_version_5_reads_the_refusal_of_a_broker_that_knows_only_version_5() {
        let Packet::ConnAck(connack) = client_takes(V311, "20 03 00 84 00") else { panic!("a CONNACK") };
        assert_eq!(connack.code, 0x84);
    }
}

mod publish {
    use super::*;

    #[test]
    fn publish_at_each_qos() {
        for hex in ["30 05 0003 612f62", "31 06 0003 612f62 78", "33 08 0003 612f62 000a 78", "3c 07 0003 612f62 ffff"]
        {
            both_ways(V311, Receiver::Server, hex);
            both_ways(V311, Receiver::Client, hex);
        }
        both_ways(V5, Receiver::Server, "32 0c 0001 61 0001 05 020000003c 78");
    }

    #[test]
    fn mqtt_3_3_1_2_dup_at_qos_0_is_refused() {
        server_refuses(V311, "38 03 0001 61", E::DupAtQoS0, MALFORMED);
        server_takes(V31, "38 03 0001 61");
        client_takes(V311, "38 03 0001 61");
    }

    #[test]
    fn mqtt_3_3_1_4_qos_3_is_refused() {
        server_refuses(V5, "36 06 0001 61 0001 00", E::QoS(3), MALFORMED);
        client_refuses(V311, "36 05 0001 61 0001", E::QoS(3));
    }

    #[test]
    fn mqtt_3_3_2_2_a_wildcard_in_a_topic_name_is_refused() {
        for topic in ["23", "2b", "612f23"] {
            let hex = format!("30 {:02x} {:04x} {topic}", 2 + topic.len() / 2, topic.len() / 2);
            server_refuses(V311, &hex, E::TopicName, MALFORMED);
        }
    }

    #[test]
    fn mqtt_4_7_3_1_an_empty_topic_needs_an_alias() {
        server_refuses(V311, "30 02 0000", E::NoTopicName, MALFORMED);
        server_refuses(V5, "30 03 0000 00", E::NoTopicName, MALFORMED);
        server_takes(V5, "30 06 0000 03 230001");
    }

    #[test]
    fn mqtt_3_3_2_8_topic_alias_0_is_refused() {
        let alias = PropertyId::TopicAlias;
        server_refuses(V5, "30 07 0001 61 03 230000", E::PropertyValue(alias), PROTOCOL);
    }

    #[test]
    fn mqtt_3_3_2_14_a_wildcard_in_a_response_topic_is_refused() {
        let response = PropertyId::ResponseTopic;
        server_refuses(V5, "30 08 0001 61 04 08 0001 23", E::PropertyValue(response), PROTOCOL);
    }

    #[test]
    fn mqtt_3_3_4_6_a_client_sends_no_subscription_identifier() {
        let identifier = PropertyId::SubscriptionIdentifier;
        server_refuses(V5, "30 06 0001 61 02 0b01", E::PropertyNotAllowed(identifier), PROTOCOL);
        let Packet::Publish(publish) = client_takes(V5, "30 08 0001 61 04 0b01 0b02") else { panic!("a PUBLISH") };
        assert_eq!(publish.properties.len(), 2);
    }

    #[test]
    fn topic_and_payload_are_slices_of_the_read_buffer() {
        let mut buffer = bytes("30 06 0001 61 787978");
        let range = buffer.as_ptr_range();
        let Ok(Some(Packet::Publish(publish))) = connected(V311).decode(&mut buffer) else { panic!("a PUBLISH") };
        assert!(range.contains(&publish.topic.as_ptr()));
        assert!(range.contains(&publish.payload.as_ptr()));
        let mut detached = publish.clone();
        detached.detach();
        assert_eq!(detached, publish);
        assert!(!range.contains(&detached.topic.as_ptr()) && !range.contains(&detached.payload.as_ptr()));
    }

    #[test]
    fn mqtt_2_2_1_2_a_packet_id_goes_with_a_qos_above_0_and_only_with_it() {
        let publish = |qos, packet_id| {
            let (properties, payload) = (Properties::new(), bytes::Bytes::new());
            Packet::Publish(Publish {
                dup: false,
                qos,
                retain: false,
                topic: "a".into(),
                packet_id,
                properties,
                payload,
            })
        };
        let mut out = BytesMut::new();
        for (qos, packet_id) in
            [(QoS::AtMostOnce, PacketId::new(1)), (QoS::AtLeastOnce, None), (QoS::ExactlyOnce, None)]
        {
            assert_eq!(publish(qos, packet_id).encode(V5, &mut out), Err(EncodeError::PacketId));
        }
        assert!(out.is_empty());
    }

    #[test]
    fn mqtt_3_4_2_1_an_acknowledgement_leaves_out_what_says_nothing() {
        for first in ["40", "50", "62", "70"] {
            both_ways(V5, Receiver::Server, &format!("{first} 02 0001"));
            let spelled_out = server_takes(V5, &format!("{first} 04 0001 00 00"));
            assert_eq!(spelled_out, server_takes(V5, &format!("{first} 02 0001")));
            assert_eq!(spelled_out, server_takes(V5, &format!("{first} 03 0001 00")));
        }
        both_ways(V5, Receiver::Server, "40 03 0001 10");
        both_ways(V5, Receiver::Server, "50 08 0001 97 04 1f 0001 78");
        both_ways(V5, Receiver::Server, "62 03 0001 92");
    }

    #[test]
    fn a_reason_that_an_acknowledgement_cannot_have_is_refused_by_servers_and_kept_by_clients() {
        server_refuses(V5, "40 03 0001 95", E::ReasonCode { packet: PacketType::PubAck, code: 0x95 }, PROTOCOL);
        server_refuses(V5, "62 03 0001 01", E::ReasonCode { packet: PacketType::PubRel, code: 0x01 }, PROTOCOL);
        let Packet::PubAck(ack) = client_takes(V5, "40 03 0001 95") else { panic!("a PUBACK") };
        assert_eq!(ack.reason, ReasonCode::PACKET_TOO_LARGE);
    }

    #[test]
    fn before_version_5_an_acknowledgement_has_no_reason_on_the_wire() {
        let mut out = BytesMut::new();
        let refusal = Ack::with_reason(PacketId::MIN, ReasonCode::NOT_AUTHORIZED);
        Packet::PubAck(refusal).encode(V311, &mut out).unwrap();
        assert_eq!(out, bytes("40 02 0001"));
    }
}

mod subscribe {
    use super::*;

    #[test]
    fn subscribe_and_its_answers_in_each_version() {
        both_ways(V311, Receiver::Server, "82 0c 0001 0001 61 01 0003 622f23 02");
        both_ways(V5, Receiver::Server, "82 0a 0001 03 0bc802 0001 61 2e");
        both_ways(V311, Receiver::Client, "90 04 0001 00 80");
        both_ways(V5, Receiver::Client, "90 05 0001 00 02 a2");
        both_ways(V311, Receiver::Server, "a2 08 0001 0001 61 0001 62");
        both_ways(V5, Receiver::Server, "a2 06 0001 00 0001 61");
        both_ways(V311, Receiver::Client, "b0 02 0001");
        both_ways(V5, Receiver::Client, "b0 05 0001 00 00 11");
    }

    #[test]
    fn mqtt_3_8_3_2_a_subscribe_has_a_filter() {
        server_refuses(V311, "82 02 0001", E::NoTopicFilter, MALFORMED);
        server_refuses(V5, "82 03 0001 00", E::NoTopicFilter, MALFORMED);
    }

    #[test]
    fn mqtt_3_10_3_2_an_unsubscribe_has_a_filter() {
        server_refuses(V311, "a2 02 0001", E::NoTopicFilter, MALFORMED);
        server_refuses(V5, "a2 03 0001 00", E::NoTopicFilter, MALFORMED);
    }

    #[test]
    fn mqtt_3_8_3_5_reserved_option_bits_are_0() {
        for bits in [0x40, 0x80, 0x30] {
            let hex = format!("82 07 0001 00 0001 61 {bits:02x}");
            server_refuses(V5, &hex, E::SubscriptionOptions(bits), MALFORMED);
        }
        server_refuses(V5, "82 07 0001 00 0001 61 03", E::QoS(3), MALFORMED);
    }

    #[test]
    fn mqtt311_3_8_3_4_only_the_qos_is_in_the_options() {
        for bits in [0x04, 0x08, 0x10, 0x80] {
            let hex = format!("82 06 0001 0001 61 {bits:02x}");
            server_refuses(V311, &hex, E::SubscriptionOptions(bits), MALFORMED);
        }
        server_refuses(V311, "82 06 0001 0001 61 03", E::QoS(3), MALFORMED);
    }

    #[test]
    fn mqtt_3_8_3_4_no_local_on_a_shared_subscription_is_refused() {
        server_refuses(V5, "82 0f 0001 00 0009 2473686172652f672f 04", E::NoLocalOnShared, PROTOCOL);
        server_takes(V5, "82 0f 0001 00 0009 2473686172652f672f 00");
    }

    #[test]
    fn mqtt_3_9_3_2_before_version_5_every_refusal_is_0x80() {
        let codes = vec![ReasonCode::GRANTED_QOS_2, ReasonCode::NOT_AUTHORIZED, ReasonCode::TOPIC_FILTER_INVALID];
        let suback = Packet::SubAck(SubAck { packet_id: PacketId::MIN, properties: Properties::new(), codes });
        let mut out = BytesMut::new();
        suback.encode(V311, &mut out).unwrap();
        suback.encode(V5, &mut out).unwrap();
        assert_eq!(out, bytes("90 05 0001 02 80 80 90 06 0001 00 02 87 8f"));
    }
}

mod disconnect {
    use super::*;

    #[test]
    fn mqtt_3_14_2_1_a_disconnect_leaves_out_what_says_nothing() {
        both_ways(V311, Receiver::Server, "e0 00");
        both_ways(V5, Receiver::Server, "e0 00");
        both_ways(V5, Receiver::Server, "e0 01 04");
        both_ways(V5, Receiver::Client, "e0 01 8e");
        both_ways(V5, Receiver::Server, "e0 07 00 05 1100000000");
        assert_eq!(server_takes(V5, "e0 02 00 00"), server_takes(V5, "e0 00"));
    }

    #[test]
    fn a_reason_that_disconnect_cannot_have_is_refused_by_servers_and_kept_by_clients() {
        server_refuses(V5, "e0 01 01", E::ReasonCode { packet: PacketType::Disconnect, code: 1 }, PROTOCOL);
        client_takes(V5, "e0 01 ff");
    }

    #[test]
    fn mqtt_3_15_2_1_an_auth_has_both_fields_or_none() {
        both_ways(V5, Receiver::Client, "f0 00");
        both_ways(V5, Receiver::Client, "f0 06 18 04 15 0001 6d");
        server_refuses(V5, "f0 01 18", E::Truncated, MALFORMED);
        let mut out = BytesMut::new();
        assert_eq!(Packet::Auth(Auth::default()).encode(V311, &mut out), Err(EncodeError::Version));
    }
}

mod properties {
    use super::*;

    #[test]
    fn mqtt_2_2_2_2_an_identifier_that_is_not_in_the_list_is_refused() {
        for number in [0x00, 0x04, 0x2B, 0x7F] {
            let hex = format!("30 06 0001 61 02 {number:02x}00");
            server_refuses(V5, &hex, E::UnknownProperty(number), MALFORMED);
        }
        server_refuses(V5, "30 07 0001 61 03 800100", E::UnknownProperty(128), MALFORMED);
    }

    #[test]
    fn mqtt_2_2_2_2_a_property_of_another_packet_is_refused() {
        let session_expiry = PropertyId::SessionExpiryInterval;
        server_refuses(V5, "30 09 0001 61 05 1100000001", E::PropertyNotAllowed(session_expiry), PROTOCOL);
        server_refuses(V5, "82 09 0001 02 0101 0001 61 00", E::UnknownProperty(1), MALFORMED);
        client_refuses(V5, "20 08 00 00 05 1800000001", E::PropertyNotAllowed(PropertyId::WillDelayInterval));
    }

    #[test]
    fn mqtt_2_2_2_2_a_property_that_comes_twice_is_refused_unless_it_may() {
        let expiry = PropertyId::MessageExpiryInterval;
        server_refuses(V5, "30 0e 0001 61 0a 0200000001 0200000001", E::DuplicateProperty(expiry), PROTOCOL);
        server_takes(V5, "30 12 0001 61 0e 26 0001 61 0001 62 26 0001 61 0001 62");
        let identifier = PropertyId::SubscriptionIdentifier;
        server_refuses(V5, "82 0b 0001 04 0b01 0b01 0001 61 00", E::DuplicateProperty(identifier), PROTOCOL);
    }

    #[test]
    fn a_value_out_of_range_is_refused() {
        let value = |id, properties: &str| {
            let length = properties.len() / 2;
            let hex = format!("10 {:02x} 0004 4d515454 05 02 003c {length:02x} {properties} 0000", 13 + length);
            server_refuses(V5, &hex, E::PropertyValue(id), PROTOCOL);
        };
        value(PropertyId::ReceiveMaximum, "210000");
        value(PropertyId::MaximumPacketSize, "2700000000");
        value(PropertyId::RequestProblemInformation, "1702");
        value(PropertyId::RequestResponseInformation, "1902");
        let subscription = PropertyId::SubscriptionIdentifier;
        server_refuses(V5, "82 09 0001 02 0b00 0001 61 00", E::PropertyValue(subscription), MALFORMED);
        client_refuses(V5, "20 05 00 00 02 2402", E::PropertyValue(PropertyId::MaximumQoS));
    }

    #[test]
    fn a_client_forgives_what_another_client_has_done_wrong() {
        for properties in ["02 0102", "04 08 0001 23", "03 08 0000"] {
            let length = 4 + bytes(properties).len() - 1;
            let hex = format!("30 {length:02x} 0001 61 {properties}");
            client_takes(V5, &hex);
            assert!(decode(V5, Receiver::Server, &hex).is_err(), "{hex}");
        }
    }

    #[test]
    fn properties_keep_the_order_of_the_wire() {
        both_ways(V5, Receiver::Server, "30 14 0001 61 0e 03 0001 78 26 0001 61 0001 62 23 0001 0101");
    }

    #[test]
    fn no_packet_brings_more_properties_than_the_limit() {
        let one = bytes("26 0000 0000");
        for (count, taken) in [(MAXIMUM_PROPERTIES, true), (MAXIMUM_PROPERTIES + 1, false)] {
            let mut properties = BytesMut::new();
            wire::put_variable(count * one.len(), &mut properties);
            properties.extend_from_slice(&one.repeat(count));
            let mut packet = BytesMut::from(&[0x30][..]);
            wire::put_variable(3 + properties.len(), &mut packet);
            packet.extend_from_slice(b"\0\x01a");
            packet.extend_from_slice(&properties);
            match connected(V5).decode(&mut packet) {
                Ok(Some(_)) => assert!(taken),
                refused => assert_eq!(refused, Err(E::TooManyProperties)),
            }
        }
    }

    #[test]
    fn the_table_knows_names_types_and_places() {
        let id = PropertyId::from_name("Message-Expiry-Interval").unwrap();
        assert_eq!(
            (id, id.name(), id.kind()),
            (PropertyId::MessageExpiryInterval, "message-expiry-interval", PropertyType::FourByteInteger)
        );
        assert!(id.is_allowed_in(PropertyOwner::from_name("WILL").unwrap()));
        assert!(!id.is_allowed_in(PropertyOwner::Connect));
        assert_eq!(PropertyId::from_name("maximum-qos"), Some(PropertyId::MaximumQoS));
        assert_eq!(PropertyId::from_name("user_property"), None);
        assert_eq!(PropertyOwner::from_name("pingreq"), None);
        for number in 0..=u32::from(u8::MAX) {
            if let Some(id) = PropertyId::from_number(number) {
                assert_eq!(id as u32, number);
                assert_eq!(PropertyId::from_name(id.name()), Some(id));
            }
        }
    }

    #[test]
    fn before_version_5_no_properties_are_written() {
        let publish = Publish {
            dup: false,
            qos: QoS::AtMostOnce,
            retain: false,
            topic: "a".into(),
            packet_id: None,
            properties: [Property::MessageExpiryInterval(1)].into_iter().collect(),
            payload: bytes::Bytes::new(),
        };
        let mut out = BytesMut::new();
        Packet::Publish(publish).encode(V311, &mut out).unwrap();
        assert_eq!(out, bytes("30 03 0001 61"));
    }
}

#[test]
fn a_field_above_65535_bytes_is_not_written() {
    let publish = Publish {
        dup: false,
        qos: QoS::AtMostOnce,
        retain: false,
        topic: "a".repeat(65_536).into(),
        packet_id: None,
        properties: Properties::new(),
        payload: bytes::Bytes::new(),
    };
    let mut out = BytesMut::new();
    let refused = Packet::Publish(publish).encode(V5, &mut out);
    assert_eq!(refused, Err(EncodeError::FieldTooLong { length: 65_536 }));
    assert!(out.is_empty());
}
