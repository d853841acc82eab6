//! The lines that `-d` prints, one for each packet (`spec/clients.md` §9.2).

use std::fmt::Write;

use crate::mqtt::packet::{Packet, ProtocolVersion, Publish, QoS, Subscription};

/// What stands for the client in a line: its id, or what C's printf makes of none.
pub fn name(client_id: &str) -> &str {
    if client_id.is_empty() { "null" } else { client_id }
}

/// The lines for a packet that we send.
pub fn sending(client_id: &str, packet: &Packet, version: ProtocolVersion, out: &mut String) {
    let name = name(client_id);
    let _ = match packet {
        Packet::Connect(_) => writeln!(out, "Client {name} sending CONNECT"),
        Packet::Publish(publish) => {
            let _ = write!(out, "Client {name} sending PUBLISH ");
            describe(publish, out)
        }
        Packet::PubAck(ack) => writeln!(out, "Client {name} sending PUBACK (m{}, rc{})", ack.packet_id, ack.reason.0),
        Packet::PubRec(ack) => writeln!(out, "Client {name} sending PUBREC (m{}, rc{})", ack.packet_id, ack.reason.0),
        Packet::PubRel(ack) => writeln!(out, "Client {name} sending PUBREL (m{})", ack.packet_id),
        Packet::PubComp(ack) => writeln!(out, "Client {name} sending PUBCOMP (m{})", ack.packet_id),
        Packet::Subscribe(subscribe) => subscribe.subscriptions.iter().try_for_each(|subscription| {
            let (qos, options) = (subscription.options.qos as u8, options_byte(subscription, version));
            let (mid, filter) = (subscribe.packet_id, &subscription.filter);
            writeln!(
                out,
                "Client {name} sending SUBSCRIBE (Mid: {mid}, Topic: {filter}, QoS: {qos}, Options: 0x{options:02x})"
            )
        }),
        Packet::Unsubscribe(unsubscribe) => unsubscribe.filters.iter().try_for_each(|filter| {
            writeln!(out, "Client {name} sending UNSUBSCRIBE (Mid: {}, Topic: {filter})", unsubscribe.packet_id)
        }),
        Packet::PingReq => writeln!(out, "Client {name} sending PINGREQ"),
        Packet::PingResp => writeln!(out, "Client {name} sending PINGRESP"),
        Packet::Disconnect(_) => writeln!(out, "Client {name} sending DISCONNECT"),
        Packet::ConnAck(_) | Packet::SubAck(_) | Packet::UnsubAck(_) | Packet::Auth(_) => Ok(()),
    };
}

/// The lines for a packet that we receive.
pub fn received(client_id: &str, packet: &Packet, out: &mut String) {
    let name = name(client_id);
    let _ = match packet {
        Packet::ConnAck(ack) => {
            // Mosquitto prints the id with another function here, which says (null) for none.
            let name = if client_id.is_empty() { "(null)" } else { client_id };
            writeln!(out, "Client {name} received CONNACK ({})", ack.code)
        }
        Packet::Publish(publish) => {
            let _ = write!(out, "Client {name} received PUBLISH ");
            describe(publish, out)
        }
        Packet::PubAck(ack) => acknowledged(name, "PUBACK", ack.packet_id.get(), ack.reason.0, out),
        Packet::PubComp(ack) => acknowledged(name, "PUBCOMP", ack.packet_id.get(), ack.reason.0, out),
        Packet::PubRec(ack) => writeln!(out, "Client {name} received PUBREC (Mid: {})", ack.packet_id),
        Packet::PubRel(ack) => writeln!(out, "Client {name} received PUBREL (Mid: {})", ack.packet_id),
        Packet::SubAck(_) => writeln!(out, "Client {name} received SUBACK"),
        Packet::UnsubAck(_) => writeln!(out, "Client {name} received UNSUBACK"),
        Packet::PingReq => writeln!(out, "Client {name} received PINGREQ"),
        Packet::PingResp => writeln!(out, "Client {name} received PINGRESP"),
        Packet::Disconnect(disconnect) => writeln!(out, "Received DISCONNECT ({})", disconnect.reason.0),
        Packet::Auth(_) => writeln!(out, "Client {name} received AUTH"),
        Packet::Connect(_) | Packet::Subscribe(_) | Packet::Unsubscribe(_) => Ok(()),
    };
}

fn acknowledged(name: &str, kind: &str, packet_id: u16, reason: u8, out: &mut String) -> std::fmt::Result {
    writeln!(out, "Client {name} received {kind} (Mid: {packet_id}, RC:{reason})")
}

/// The part in parentheses. A topic that an alias stands for prints as C's null.
fn describe(publish: &Publish, out: &mut String) -> std::fmt::Result {
    let (dup, qos, retain) = (u8::from(publish.dup), publish.qos as u8, u8::from(publish.retain));
    let topic = if publish.topic.is_empty() { "(null)" } else { &publish.topic };
    let mid = publish.packet_id.map_or(0, std::num::NonZero::get);
    writeln!(out, "(d{dup}, q{qos}, r{retain}, m{mid}, '{topic}', ... ({} bytes))", publish.payload.len())
}

/// The options as they go over the wire in version 5, without the QoS; 0 before.
fn options_byte(subscription: &Subscription, version: ProtocolVersion) -> u8 {
    if version != ProtocolVersion::V5 {
        return 0;
    }
    subscription.options.bits() & !3
}

/// The line for a QoS 0 message that we send, which shows the packet id it uses up.
pub fn sending_at_most_once(client_id: &str, mid: u16, publish: &Publish, out: &mut String) {
    debug_assert_eq!(publish.qos, QoS::AtMostOnce);
    let name = name(client_id);
    let topic = if publish.topic.is_empty() { "(null)" } else { &publish.topic };
    let (retain, bytes) = (u8::from(publish.retain), publish.payload.len());
    let _ = writeln!(out, "Client {name} sending PUBLISH (d0, q0, r{retain}, m{mid}, '{topic}', ... ({bytes} bytes))");
}
