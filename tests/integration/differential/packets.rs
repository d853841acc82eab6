//! Packets for scripts. They go out as our codec writes them; what is to be wrong is written by hand.

use bytes::{Bytes, BytesMut};
use moskit::mqtt::packet::{
    Ack, Connect, Disconnect, Packet, PacketId, Properties, Property, ProtocolVersion, Publish, QoS, ReasonCode,
    Subscribe, Subscription, SubscriptionOptions, Unsubscribe, Will,
};

pub fn version(level: u8) -> ProtocolVersion {
    match level {
        3 => ProtocolVersion::V31,
        4 => ProtocolVersion::V311,
        _ => ProtocolVersion::V5,
    }
}

pub fn encode(connect: &Connect) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    connect.encode(&mut bytes).unwrap();
    bytes.to_vec()
}

pub fn bytes(level: u8, packet: &Packet) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    packet.encode(version(level), &mut bytes).unwrap();
    bytes.to_vec()
}

pub fn connect(level: u8, client_id: &str) -> Connect {
    Connect {
        version: version(level),
        bridge: false,
        clean_start: true,
        // 0 is answered by 2.0.11 with a server keep-alive of 65535.
        keep_alive: 60_000,
        client_id: client_id.into(),
        will: None,
        username: None,
        password: None,
        properties: Properties::new(),
    }
}

/// A CONNECT whose session outlives the connection.
pub fn lasting(level: u8, client_id: &str) -> Connect {
    let expiry = (level == 5).then_some(Property::SessionExpiryInterval(1000));
    Connect { clean_start: false, properties: expiry.into_iter().collect(), ..connect(level, client_id) }
}

pub fn will(topic: &str, qos: u8, retain: bool) -> Will {
    Will {
        topic: topic.into(),
        payload: Bytes::from_static(b"gone"),
        qos: QoS::try_from(qos).unwrap(),
        retain,
        properties: Properties::new(),
    }
}

pub fn id(packet_id: u16) -> PacketId {
    PacketId::new(packet_id).unwrap()
}

pub fn publish(topic: &str, qos: u8, packet_id: u16) -> Publish {
    Publish {
        dup: false,
        qos: QoS::try_from(qos).unwrap(),
        retain: false,
        topic: topic.into(),
        packet_id: PacketId::new(if qos == 0 { 0 } else { packet_id }),
        properties: Properties::new(),
        payload: format!("m{packet_id}").into(),
    }
}

pub fn options(bits: u8) -> SubscriptionOptions {
    use moskit::mqtt::packet::RetainHandling;
    SubscriptionOptions {
        qos: QoS::try_from(bits & 3).unwrap(),
        no_local: bits & 4 != 0,
        retain_as_published: bits & 8 != 0,
        retain_handling: match bits >> 4 {
            0 => RetainHandling::SendAtSubscribe,
            1 => RetainHandling::SendIfNew,
            _ => RetainHandling::DoNotSend,
        },
    }
}

pub fn subscribe(level: u8, packet_id: u16, filters: &[(&str, u8)], identifier: u32) -> Vec<u8> {
    let identifier = (identifier > 0).then_some(Property::SubscriptionIdentifier(identifier));
    let subscriptions =
        filters.iter().map(|&(filter, bits)| Subscription { filter: filter.into(), options: options(bits) }).collect();
    let subscribe = Subscribe { packet_id: id(packet_id), properties: identifier.into_iter().collect(), subscriptions };
    bytes(level, &Packet::Subscribe(subscribe))
}

pub fn unsubscribe(level: u8, packet_id: u16, filters: &[&str]) -> Vec<u8> {
    let filters = filters.iter().map(|&filter| filter.into()).collect();
    let packet = Unsubscribe { packet_id: id(packet_id), properties: Properties::new(), filters };
    bytes(level, &Packet::Unsubscribe(packet))
}

/// PUBACK 4, PUBREC 5, PUBREL 6, PUBCOMP 7.
pub fn ack(level: u8, kind: u8, packet_id: u16, reason: u8) -> Vec<u8> {
    let ack = Ack::with_reason(id(packet_id), ReasonCode(reason));
    bytes(
        level,
        &match kind {
            4 => Packet::PubAck(ack),
            5 => Packet::PubRec(ack),
            6 => Packet::PubRel(ack),
            _ => Packet::PubComp(ack),
        },
    )
}

pub fn disconnect(level: u8, reason: u8, properties: Properties) -> Vec<u8> {
    bytes(level, &Packet::Disconnect(Disconnect { reason: ReasonCode(reason), properties }))
}
