//! One wrong packet each, as the first of a connection or after a good CONNECT. What Mosquitto 2.1.2 answers is in
//! `tests/data/wire/wrong_packets.tsv`, and where we differ, what and why.

use super::answers;
use super::packets::{self, connect};
use super::script::Script;

/// A packet without its length.
fn packet(first: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut bytes = vec![first];
    let mut length = body.len();
    loop {
        let more = if length > 127 { 0x80 } else { 0 };
        bytes.push((length & 0x7F) as u8 | more);
        length >>= 7;
        if length == 0 {
            break;
        }
    }
    bytes.extend(body);
    bytes
}

fn field(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

/// `packet` with a good CONNECT of `level` before it; where version 5 has properties, there are none.
fn later(level: u8) -> Vec<(&'static str, Vec<u8>)> {
    let none: &[u8] = if level == 5 { b"\0" } else { b"" };
    let topic = &field(b"@@@@/t")[..];
    let deep = field("/".repeat(201).as_bytes());
    let mut rows = vec![
        ("publish", packet(0x30, &[topic, none, b"x"])),
        ("publish at qos 3", packet(0x36, &[topic, b"\0\x01", none, b"x"])),
        ("publish with dup at qos 0", packet(0x38, &[topic, none, b"x"])),
        ("publish without topic", packet(0x30, &[b"\0\0", none, b"x"])),
        ("publish to +", packet(0x30, &[&field(b"@@@@/+"), none, b"x"])),
        ("publish to #", packet(0x32, &[&field(b"@@@@/#"), b"\0\x01", none, b"x"])),
        ("publish with packet id 0", packet(0x32, &[topic, b"\0\0", none, b"x"])),
        ("publish with a topic beyond its end", packet(0x30, &[b"\0\x09abc"])),
        ("publish of nothing", packet(0x30, &[])),
        ("publish of one byte", packet(0x30, &[b"\0"])),
        ("publish without packet id", packet(0x32, &[topic])),
        ("publish with half a packet id", packet(0x32, &[topic, b"\0"])),
        ("publish to a topic with nul", packet(0x30, &[&field(b"a\0b"), none, b"x"])),
        ("publish to a topic that is no utf-8", packet(0x30, &[&field(b"a\xff"), none, b"x"])),
        ("publish to a topic with a surrogate", packet(0x30, &[&field(b"a\xed\xa0\x80"), none, b"x"])),
        ("publish to a topic with an overlong form", packet(0x30, &[&field(b"a\xc0\xaf"), none, b"x"])),
        ("publish to a topic with a control character", packet(0x30, &[&field(b"a\x01"), none, b"x"])),
        ("publish to a topic with delete", packet(0x30, &[&field(b"a\x7f"), none, b"x"])),
        ("publish to a topic with a non-character", packet(0x30, &[&field(b"a\xef\xbf\xbf"), none, b"x"])),
        ("publish to a topic with a byte order mark", packet(0x32, &[&field(b"a\xef\xbb\xbf"), b"\0\x01", none, b"x"])),
        ("publish to a deep topic", packet(0x32, &[&deep, b"\0\x01", none, b"x"])),
        ("publish to $SYS", packet(0x32, &[&field(b"$SYS/broker/x"), b"\0\x01", none, b"x"])),
        ("publish to $SYS at qos 2", packet(0x34, &[&field(b"$SYS/broker/x"), b"\0\x01", none, b"x"])),
        ("publish to $other", packet(0x32, &[&field(b"$other/x"), b"\0\x01", none, b"x"])),
        ("publish to $share", packet(0x32, &[&field(b"$share/g/x"), b"\0\x01", none, b"x"])),
        ("publish to $CONTROL", packet(0x32, &[&field(b"$CONTROL/x"), b"\0\x01", none, b"x"])),
        ("publish to nobody at qos 2", packet(0x34, &[topic, b"\0\x01", none, b"x"])),
        ("publish with a remaining length of five bytes", b"\x30\x80\x80\x80\x80\x01\0\x01ax".to_vec()),
        ("publish with a long form of its length", [b"\x30\x86\0\0\x02tt", none, b"xx"].concat()),
        ("puback of nothing", packet(0x40, &[])),
        ("puback of one byte", packet(0x40, &[b"\0"])),
        ("puback of two bytes", packet(0x40, &[b"\0\x01"])),
        ("puback with reason", packet(0x40, &[b"\0\x01\0"])),
        ("puback with reason 0x10", packet(0x40, &[b"\0\x01\x10"])),
        ("puback with a reason of others", packet(0x40, &[b"\0\x01\x92"])),
        ("puback with empty properties", packet(0x40, &[b"\0\x01\0\0"])),
        ("puback with properties beyond its end", packet(0x40, &[b"\0\x01\0\x05\x1f"])),
        ("puback with a reason string", packet(0x40, &[b"\0\x01\0\x04\x1f\0\x01x"])),
        ("puback with a wrong property", packet(0x40, &[b"\0\x01\0\x02\x01\x01"])),
        ("puback with more than it needs", packet(0x40, &[b"\0\x01\0\0x"])),
        ("puback with packet id 0", packet(0x40, &[b"\0\0"])),
        ("puback with flags", packet(0x42, &[b"\0\x01"])),
        ("pubrec for nothing", packet(0x50, &[b"\0\x01"])),
        ("pubrec with error for nothing", packet(0x50, &[b"\0\x01\x80"])),
        ("pubrec with packet id 0", packet(0x50, &[b"\0\0"])),
        ("pubrec with flags", packet(0x51, &[b"\0\x01"])),
        ("pubrel for nothing", packet(0x62, &[b"\0\x01"])),
        ("pubrel with reason 0x92", packet(0x62, &[b"\0\x01\x92"])),
        ("pubrel with a reason of others", packet(0x62, &[b"\0\x01\x80"])),
        ("pubrel without flags", packet(0x60, &[b"\0\x01"])),
        ("pubrel with packet id 0", packet(0x62, &[b"\0\0"])),
        ("pubcomp for nothing", packet(0x70, &[b"\0\x01"])),
        ("pubcomp with flags", packet(0x72, &[b"\0\x01"])),
        ("subscribe", packet(0x82, &[b"\0\x01", none, topic, b"\x01"])),
        ("subscribe without flags", packet(0x80, &[b"\0\x01", none, topic, b"\x01"])),
        ("subscribe with packet id 0", packet(0x82, &[b"\0\0", none, topic, b"\x01"])),
        ("subscribe to nothing", packet(0x82, &[b"\0\x01", none])),
        ("subscribe of nothing", packet(0x82, &[])),
        ("subscribe without options", packet(0x82, &[b"\0\x01", none, topic])),
        ("subscribe at qos 3", packet(0x82, &[b"\0\x01", none, topic, b"\x03"])),
        ("subscribe with reserved bits", packet(0x82, &[b"\0\x01", none, topic, b"\xc1"])),
        ("subscribe with retain handling 3", packet(0x82, &[b"\0\x01", none, topic, b"\x31"])),
        ("subscribe with options of version 5", packet(0x82, &[b"\0\x01", none, topic, b"\x2d"])),
        ("subscribe to an empty filter", packet(0x82, &[b"\0\x01", none, b"\0\0\x01"])),
        ("subscribe to a#", packet(0x82, &[b"\0\x01", none, &field(b"a#"), b"\x01"])),
        ("subscribe to #/a", packet(0x82, &[b"\0\x01", none, &field(b"#/a"), b"\x01"])),
        ("subscribe to a+", packet(0x82, &[b"\0\x01", none, &field(b"a+"), b"\x01"])),
        ("subscribe to a deep filter", packet(0x82, &[b"\0\x01", none, &deep, b"\x01"])),
        ("subscribe to a filter with nul", packet(0x82, &[b"\0\x01", none, &field(b"a\0"), b"\x01"])),
        ("subscribe to a filter that is no utf-8", packet(0x82, &[b"\0\x01", none, &field(b"a\xff"), b"\x01"])),
        ("subscribe to a good and a bad one", packet(0x82, &[b"\0\x01", none, topic, b"\0", &field(b"a+"), b"\0"])),
        ("subscribe to $share", packet(0x82, &[b"\0\x01", none, &field(b"$share"), b"\0"])),
        ("subscribe to $share/g", packet(0x82, &[b"\0\x01", none, &field(b"$share/g"), b"\0"])),
        ("subscribe to $share/g/", packet(0x82, &[b"\0\x01", none, &field(b"$share/g/"), b"\0"])),
        ("subscribe to $share//t", packet(0x82, &[b"\0\x01", none, &field(b"$share//t"), b"\0"])),
        ("subscribe to $share/+/t", packet(0x82, &[b"\0\x01", none, &field(b"$share/+/t"), b"\0"])),
        ("subscribe to $share/g+/t", packet(0x82, &[b"\0\x01", none, &field(b"$share/g+/t"), b"\0"])),
        ("subscribe to a share with no local", packet(0x82, &[b"\0\x01", none, &field(b"$share/@@@@/t"), b"\x04"])),
        ("subscribe twice to the same", packet(0x82, &[b"\0\x01", none, topic, b"\x01", topic, b"\x02"])),
        ("unsubscribe", packet(0xA2, &[b"\0\x01", none, topic])),
        ("unsubscribe from nothing", packet(0xA2, &[b"\0\x01", none])),
        ("unsubscribe without flags", packet(0xA0, &[b"\0\x01", none, topic])),
        ("unsubscribe with packet id 0", packet(0xA2, &[b"\0\0", none, topic])),
        ("unsubscribe from an empty filter", packet(0xA2, &[b"\0\x01", none, b"\0\0"])),
        ("unsubscribe from a#", packet(0xA2, &[b"\0\x01", none, &field(b"a#")])),
        ("unsubscribe from $share/g", packet(0xA2, &[b"\0\x01", none, &field(b"$share/g")])),
        ("unsubscribe from $share//t", packet(0xA2, &[b"\0\x01", none, &field(b"$share//t")])),
        ("pingreq with a body", packet(0xC0, &[b"x"])),
        ("pingreq with flags", packet(0xC1, &[])),
        ("pingresp", packet(0xD0, &[])),
        ("connack", packet(0x20, &[b"\0\0"])),
        ("suback", packet(0x90, &[b"\0\x01\0"])),
        ("unsuback", packet(0xB0, &[b"\0\x01"])),
        ("pingresp with flags", packet(0xD1, &[])),
        ("pingresp with a body", packet(0xD0, &[b"x"])),
        ("pingresp with flags and a body", packet(0xD8, &[b"x"])),
        ("connack with flags", packet(0x22, &[b"\0\0"])),
        ("suback with flags", packet(0x92, &[b"\0\x01\0"])),
        ("suback of nothing", packet(0x90, &[])),
        ("suback of nothing with flags", packet(0x9F, &[])),
        ("unsuback with flags", packet(0xB1, &[b"\0\x01"])),
        ("unsuback of nothing", packet(0xB0, &[])),
        ("disconnect", packet(0xE0, &[])),
        ("disconnect with a body", packet(0xE0, &[b"\0"])),
        ("disconnect with a body of two", packet(0xE0, &[b"\0\0"])),
        ("disconnect with reason 4", packet(0xE0, &[b"\x04"])),
        ("disconnect with reason 1", packet(0xE0, &[b"\x01"])),
        ("disconnect with the reason 0x8e of servers", packet(0xE0, &[b"\x8e"])),
        ("disconnect with flags", packet(0xE1, &[])),
        ("auth", packet(0xF0, &[])),
        ("auth with a method", packet(0xF0, &[b"\x18\x05\x15\0\x02ab"])),
        ("re-auth", packet(0xF0, &[b"\x19\0"])),
        ("type 0", packet(0x00, &[])),
        ("a second connect", packets::encode(&connect(level, "@@@@a"))),
        ("a second connect that is broken", packet(0x10, &[])),
    ];
    if level == 5 {
        let publish =
            |properties: &[u8]| packet(0x32, &[topic, b"\0\x01", &[properties.len() as u8], properties, b"x"]);
        let subscribe =
            |properties: &[u8]| packet(0x82, &[b"\0\x01", &[properties.len() as u8], properties, topic, b"\x01"]);
        let disconnect = |properties: &[u8]| packet(0xE0, &[b"\0", &[properties.len() as u8], properties]);
        rows.extend([
            ("alias 0", publish(b"\x23\0\0")),
            ("alias 10", publish(b"\x23\0\x0a")),
            ("alias 11", publish(b"\x23\0\x0b")),
            ("alias twice", publish(b"\x23\0\x01\x23\0\x01")),
            ("alias unknown", packet(0x32, &[b"\0\0\0\x01\x03\x23\0\x05x"])),
            ("alias unknown at qos 0", packet(0x30, &[b"\0\0\x03\x23\0\x05x"])),
            ("publish with a subscription identifier", publish(b"\x0b\x01")),
            ("publish with subscription identifier 0", publish(b"\x0b\0")),
            ("publish with a subscription identifier of five bytes", publish(b"\x0b\xff\xff\xff\xff\x01")),
            ("publish with two subscription identifiers", publish(b"\x0b\x01\x0b\x02")),
            ("publish with an unknown property", publish(b"\x7f\x01")),
            ("publish with a property of connect", publish(b"\x11\0\0\0\x01")),
            ("publish with half a property", publish(b"\x02\0\0")),
            ("publish with properties beyond its end", packet(0x30, &[topic, b"\x20x"])),
            ("publish without property length", packet(0x30, &[topic])),
            ("publish with payload format 2", publish(b"\x01\x02")),
            ("publish with payload format twice", publish(b"\x01\x01\x01\x01")),
            ("publish with content type twice", publish(b"\x03\0\x01a\x03\0\x01b")),
            ("publish with an empty response topic", publish(b"\x08\0\0")),
            ("publish with a wildcard response topic", publish(b"\x08\0\x01#")),
            ("publish with a content type that is no utf-8", publish(b"\x03\0\x01\xff")),
            ("publish with expiry 0", publish(b"\x02\0\0\0\0")),
            ("publish with two user properties", publish(b"\x26\0\x01a\0\x01b\x26\0\x01a\0\x01b")),
            ("publish with a long form of its property length", packet(0x32, &[topic, b"\0\x01\x80\0x"])),
            ("subscribe with identifier", subscribe(b"\x0b\x01")),
            ("subscribe with identifier 0", subscribe(b"\x0b\0")),
            ("subscribe with the largest identifier", subscribe(b"\x0b\xff\xff\xff\x7f")),
            ("subscribe with an identifier of five bytes", subscribe(b"\x0b\xff\xff\xff\xff\x01")),
            ("subscribe with two identifiers", subscribe(b"\x0b\x01\x0b\x02")),
            ("subscribe with a user property", subscribe(b"\x26\0\x01a\0\x01b")),
            ("subscribe with a property of publish", subscribe(b"\x01\x01")),
            ("unsubscribe with a user property", packet(0xA2, &[b"\0\x01\x07\x26\0\x01a\0\x01b", topic])),
            ("unsubscribe with an identifier", packet(0xA2, &[b"\0\x01\x02\x0b\x01", topic])),
            ("disconnect that prolongs the session", disconnect(b"\x11\0\0\0\x01")),
            ("disconnect with session expiry 0", disconnect(b"\x11\0\0\0\0")),
            ("disconnect with two expiries", disconnect(b"\x11\0\0\0\0\x11\0\0\0\0")),
            ("disconnect with a reason string", disconnect(b"\x1f\0\x01x")),
            ("disconnect with a server reference", disconnect(b"\x1c\0\x01x")),
            ("disconnect with properties beyond its end", packet(0xE0, &[b"\0\x05\x11"])),
        ]);
    }
    rows
}

/// A CONNECT of `level`: properties (version 5), then what follows.
fn opening(level: u8, flags: u8, properties: &[u8], rest: &[&[u8]]) -> Vec<u8> {
    let name: &[u8] = if level == 3 { b"\0\x06MQIsdp" } else { b"\0\x04MQTT" };
    let length = [properties.len() as u8];
    let properties = if level == 5 { [&length[..], properties].concat() } else { Vec::new() };
    packet(0x10, &[name, &[level, flags], b"\xea\x60", &properties, &rest.concat()])
}

fn first(level: u8) -> Vec<(&'static str, Vec<u8>)> {
    let none: &[u8] = if level == 5 { b"\0" } else { b"" };
    let id = &field(b"@@@@a")[..];
    let text = &field(b"@@@@t")[..];
    let with = |flags, rest: &[&[u8]]| opening(level, flags, b"", rest);
    let mut rows = vec![
        ("connect", with(0x02, &[id])),
        ("with reserved flag", with(0x03, &[id])),
        ("with trailing bytes", with(0x02, &[id, b"x"])),
        ("without client id", with(0x02, &[])),
        ("with empty client id", with(0x02, &[b"\0\0"])),
        ("with empty client id, to go on", with(0x00, &[b"\0\0"])),
        ("with a client id beyond its end", with(0x02, &[b"\0\x09abc"])),
        ("with a client id that is no utf-8", with(0x02, &[&field(b"a\xff")])),
        ("with a client id with nul", with(0x02, &[&field(b"a\0")])),
        ("with a client id with a control character", with(0x02, &[&field(b"@@@@\x01")])),
        ("with a long client id", with(0x02, &[&field(b"@@@@012345678901234567890123456789")])),
        ("with a client id with wildcards", with(0x02, &[&field(b"@@@@#+/")])),
        ("with will", with(0x06, &[id, none, text, b"\0\x01x"])),
        ("with empty will payload", with(0x06, &[id, none, text, b"\0\0"])),
        ("with will qos 3", with(0x1E, &[id, none, text, b"\0\x01x"])),
        ("with will qos but no will", with(0x0A, &[id])),
        ("with will retain but no will", with(0x22, &[id])),
        ("with empty will topic", with(0x06, &[id, none, b"\0\0", b"\0\x01x"])),
        ("with a wildcard will topic", with(0x06, &[id, none, &field(b"a/#"), b"\0\x01x"])),
        ("with a will topic that is no utf-8", with(0x06, &[id, none, &field(b"a\xff"), b"\0\x01x"])),
        ("with a will for $SYS", with(0x06, &[id, none, &field(b"$SYS/x"), b"\0\x01x"])),
        ("with a will for $CONTROL", with(0x06, &[id, none, &field(b"$CONTROL/x"), b"\0\x01x"])),
        ("with a will for $share", with(0x06, &[id, none, &field(b"$share/a/b"), b"\0\x01x"])),
        ("with will and nothing of it", with(0x06, &[id])),
        ("with user name", with(0x82, &[id, text])),
        ("with user name and password", with(0xC2, &[id, text, text])),
        ("with password only", with(0x42, &[id, text])),
        ("with a missing user name", with(0x82, &[id])),
        ("with a missing password", with(0xC2, &[id, text])),
        ("with a user name that is no utf-8", with(0x82, &[id, &field(b"a\xff")])),
        ("with an empty user name", with(0x82, &[id, b"\0\0"])),
        ("with flags in its first byte", {
            let mut bytes = with(0x02, &[id]);
            bytes[0] = 0x11;
            bytes
        }),
    ];
    if level == 5 {
        let with = |properties: &[u8]| opening(5, 0x02, properties, &[id]);
        let will =
            |properties: &[u8]| opening(5, 0x06, b"", &[id, &[properties.len() as u8], properties, text, b"\0\x01x"]);
        rows.extend([
            ("receive maximum 0", with(b"\x21\0\0")),
            ("receive maximum", with(b"\x21\0\x01")),
            ("maximum packet size 0", with(b"\x27\0\0\0\0")),
            ("maximum packet size 1", with(b"\x27\0\0\0\x01")),
            ("session expiry twice", with(b"\x11\0\0\0\x01\x11\0\0\0\x01")),
            ("session expiry", with(b"\x11\0\0\0\x01")),
            ("topic alias maximum", with(b"\x22\0\x05")),
            ("topic alias maximum 0", with(b"\x22\0\0")),
            ("request problem information 2", with(b"\x17\x02")),
            ("request problem information 0", with(b"\x17\0")),
            ("request response information 2", with(b"\x19\x02")),
            ("request response information 1", with(b"\x19\x01")),
            ("an authentication method", with(b"\x15\0\x01x")),
            ("authentication data only", with(b"\x16\0\x01x")),
            ("an unknown property", with(b"\x7f\x01")),
            ("a property of publish", with(b"\x01\x01")),
            ("user properties", with(b"\x26\0\x01a\0\x01b\x26\0\x01a\0\x01b")),
            ("a user property that is no utf-8", with(b"\x26\0\x01\xff\0\x01b")),
            ("half a property", with(b"\x11\0\0")),
            ("will delay", will(b"\x18\0\0\0\x05")),
            ("will delay twice", will(b"\x18\0\0\0\x05\x18\0\0\0\x05")),
            ("will with payload format 2", will(b"\x01\x02")),
            ("will with a topic alias", will(b"\x23\0\x01")),
            ("will with a session expiry", will(b"\x11\0\0\0\x01")),
            (
                "will with all properties",
                will(b"\x01\x01\x02\0\0\0\x05\x03\0\x01a\x08\0\x01b\x09\0\x01c\x26\0\x01d\0\x01e"),
            ),
            ("properties beyond the end", packet(0x10, &[b"\0\x04MQTT\x05\x02\xea\x60\x7f\0\x01a"])),
            ("a long form of the property length", packet(0x10, &[b"\0\x04MQTT\x05\x02\xea\x60\x80\0", id])),
        ]);
    }
    rows
}

/// What does not even get as far as a version.
fn strangers() -> Vec<(&'static str, Vec<u8>)> {
    let rest: &[u8] = b"\x02\xea\x60\0\x05@@@@a";
    vec![
        ("level 0", packet(0x10, &[b"\0\x04MQTT\0", rest])),
        ("level 2", packet(0x10, &[b"\0\x04MQTT\x02", rest])),
        ("level 3 of MQTT", packet(0x10, &[b"\0\x04MQTT\x03", rest])),
        ("level 6", packet(0x10, &[b"\0\x04MQTT\x06", rest])),
        ("level 4 of MQIsdp", packet(0x10, &[b"\0\x06MQIsdp\x04", rest])),
        ("level 5 of MQIsdp", packet(0x10, &[b"\0\x06MQIsdp\x05", rest])),
        ("a bridge of 3.1.1", packet(0x10, &[b"\0\x04MQTT\x84", rest])),
        ("a bridge of 3.1", packet(0x10, &[b"\0\x06MQIsdp\x83", rest])),
        ("a bridge of 5", packet(0x10, &[b"\0\x04MQTT\x85\x02\xea\x60\0\0\x05@@@@a"])),
        ("another protocol", packet(0x10, &[b"\0\x04HTTP\x04", rest])),
        ("a lower-case name", packet(0x10, &[b"\0\x04mqtt\x04", rest])),
        ("an empty name", packet(0x10, &[b"\0\0\x04", rest])),
        ("a long name", packet(0x10, &[b"\0\x09MQTTMQTTM\x04", rest])),
        ("a name beyond its end", packet(0x10, &[b"\0\x20MQTT"])),
        ("connect of nothing", packet(0x10, &[])),
        ("pingreq first", packet(0xC0, &[])),
        ("publish first", packet(0x30, &[b"\0\x01ax"])),
        ("connack first", packet(0x20, &[b"\0\0"])),
        ("disconnect first", packet(0xE0, &[])),
        ("auth first", packet(0xF0, &[])),
        ("type 0 first", packet(0x00, &[])),
        ("an http request", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("a tls handshake", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03".to_vec()),
    ]
}

fn scripts() -> Vec<Script> {
    let mut scripts: Vec<_> = strangers().into_iter().map(|(name, bytes)| Script::new(name).open(0, bytes)).collect();
    for level in [3, 4, 5] {
        let name = |name| format!("{level}: {name}");
        scripts.extend(first(level).into_iter().map(|(row, bytes)| Script::new(&name(row)).open(0, bytes)));
        let opening = packets::encode(&connect(level, "@@@@a"));
        scripts.extend(
            later(level).into_iter().map(|(row, bytes)| Script::new(&name(row)).open(0, &opening).send(0, bytes)),
        );
    }
    scripts
}

#[test]
fn wrong_packets_are_answered_as_by_mosquitto_2_1() {
    answers::check("wrong_packets.tsv", &scripts());
}

#[test]
#[ignore = "needs a Mosquitto 2.1, named by MOSKIT_MOSQUITTO"]
fn the_answers_to_wrong_packets_are_those_of_mosquitto_2_1() {
    answers::verify("wrong_packets.tsv", &scripts());
}
