//! Any packet that a version can express, for proptest.

use bytes::Bytes;
use bytestring::ByteString;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::*;

fn text() -> impl Strategy<Value = ByteString> {
    prop_oneof![
        4 => "[ -~]{0,12}",
        1 => "[a-zäöü€😀/]{0,12}",
        1 => "[a-z]{120,300}",
    ]
    .prop_map(ByteString::from)
}

fn topic() -> impl Strategy<Value = ByteString> {
    "[a-z$é/]{1,20}".prop_map(ByteString::from)
}

fn binary() -> impl Strategy<Value = Bytes> {
    prop_oneof![4 => vec(any::<u8>(), 0..20), 1 => vec(any::<u8>(), 100..400)].prop_map(Bytes::from)
}

fn packet_id() -> impl Strategy<Value = PacketId> {
    (1..=u16::MAX).prop_map(|id| PacketId::new(id).unwrap())
}

fn qos() -> impl Strategy<Value = QoS> {
    prop_oneof![Just(QoS::AtMostOnce), Just(QoS::AtLeastOnce), Just(QoS::ExactlyOnce)]
}

fn property() -> impl Strategy<Value = Property> {
    use Property as P;
    let first = prop_oneof![
        (0..=1u8).prop_map(P::PayloadFormatIndicator),
        any::<u32>().prop_map(P::MessageExpiryInterval),
        text().prop_map(P::ContentType),
        topic().prop_map(P::ResponseTopic),
        binary().prop_map(P::CorrelationData),
        (1..=268_435_455u32).prop_map(P::SubscriptionIdentifier),
        any::<u32>().prop_map(P::SessionExpiryInterval),
        text().prop_map(P::AssignedClientIdentifier),
        any::<u16>().prop_map(P::ServerKeepAlive),
    ];
    let second = prop_oneof![
        text().prop_map(P::AuthenticationMethod),
        binary().prop_map(P::AuthenticationData),
        (0..=1u8).prop_map(P::RequestProblemInformation),
        any::<u32>().prop_map(P::WillDelayInterval),
        (0..=1u8).prop_map(P::RequestResponseInformation),
        text().prop_map(P::ResponseInformation),
        text().prop_map(P::ServerReference),
        text().prop_map(P::ReasonString),
        (1..=u16::MAX).prop_map(P::ReceiveMaximum),
    ];
    let third = prop_oneof![
        any::<u16>().prop_map(P::TopicAliasMaximum),
        (1..=u16::MAX).prop_map(P::TopicAlias),
        (0..=1u8).prop_map(P::MaximumQoS),
        (0..=1u8).prop_map(P::RetainAvailable),
        (text(), text()).prop_map(|(name, value)| P::UserProperty(name, value)),
        (1..=u32::MAX).prop_map(P::MaximumPacketSize),
        (0..=1u8).prop_map(P::WildcardSubscriptionAvailable),
        (0..=1u8).prop_map(P::SubscriptionIdentifierAvailable),
        (0..=1u8).prop_map(P::SharedSubscriptionAvailable),
    ];
    prop_oneof![first, second, third]
}

/// Properties that `owner` may carry in that version: none before 5.
fn properties(version: ProtocolVersion, owner: PropertyOwner) -> BoxedStrategy<Properties> {
    if version < ProtocolVersion::V5 {
        return Just(Properties::new()).boxed();
    }
    vec(property(), 0..24)
        .prop_map(move |candidates| {
            let mut properties = Properties::new();
            for property in candidates {
                properties.push(property.clone());
                if properties.check(owner).is_err() {
                    properties.pop();
                }
            }
            properties
        })
        .boxed()
}

fn reason(version: ProtocolVersion, kind: PacketType) -> BoxedStrategy<ReasonCode> {
    if version < ProtocolVersion::V5 {
        return Just(ReasonCode::SUCCESS).boxed();
    }
    let codes: Vec<_> = (0..=255).map(ReasonCode).filter(|reason| reason.is_defined_in(kind)).collect();
    proptest::sample::select(codes).boxed()
}

fn ack(version: ProtocolVersion, kind: PacketType) -> impl Strategy<Value = Ack> {
    (packet_id(), reason(version, kind), properties(version, kind.property_owner()))
        .prop_map(|(packet_id, reason, properties)| Ack { packet_id, reason, properties })
}

fn connect(version: ProtocolVersion) -> impl Strategy<Value = Packet> {
    let will = (topic(), binary(), qos(), any::<bool>(), properties(version, PropertyOwner::Will))
        .prop_map(|(topic, payload, qos, retain, properties)| Will { topic, payload, qos, retain, properties });
    let login = (proptest::option::of(text()), proptest::option::of(binary()));
    let bits = (any::<bool>(), any::<bool>(), any::<u16>());
    (bits, text(), proptest::option::of(will), login, properties(version, PropertyOwner::Connect)).prop_map(
        move |((bridge, clean_start, keep_alive), client_id, will, (username, password), mut properties)| {
            let v5 = version == ProtocolVersion::V5;
            if properties.authentication_method().is_none() {
                properties.retain(|property| property.id() != PropertyId::AuthenticationData);
            }
            Packet::Connect(Box::new(Connect {
                version,
                bridge: bridge && !v5,
                clean_start,
                keep_alive,
                client_id,
                will,
                password: password.filter(|_| v5 || username.is_some()),
                username,
                properties,
            }))
        },
    )
}

fn publish(version: ProtocolVersion, receiver: Receiver) -> impl Strategy<Value = Packet> {
    let flags = (any::<bool>(), qos(), any::<bool>());
    (flags, topic(), packet_id(), properties(version, PropertyOwner::Publish), binary()).prop_map(
        move |((dup, qos, retain), topic, packet_id, mut properties, payload)| {
            if receiver == Receiver::Server {
                properties.retain(|property| property.id() != PropertyId::SubscriptionIdentifier);
            }
            let acknowledged = qos != QoS::AtMostOnce;
            Packet::Publish(Publish {
                dup: dup && acknowledged,
                qos,
                retain,
                topic,
                packet_id: Some(packet_id).filter(|_| acknowledged),
                properties,
                payload,
            })
        },
    )
}

fn subscription(version: ProtocolVersion) -> impl Strategy<Value = Subscription> {
    let handling = prop_oneof![
        Just(RetainHandling::SendAtSubscribe),
        Just(RetainHandling::SendIfNew),
        Just(RetainHandling::DoNotSend)
    ];
    ("[a-z+#/]{1,20}", qos(), any::<bool>(), any::<bool>(), handling).prop_map(
        move |(filter, qos, no_local, retain_as_published, retain_handling)| {
            let mut options = SubscriptionOptions { qos, ..SubscriptionOptions::default() };
            if version == ProtocolVersion::V5 {
                options = SubscriptionOptions { qos, no_local, retain_as_published, retain_handling };
            }
            Subscription { filter: filter.into(), options }
        },
    )
}

/// Packets that a client sends.
pub fn to_server(version: ProtocolVersion) -> BoxedStrategy<Packet> {
    let subscribe = (packet_id(), properties(version, PropertyOwner::Subscribe), vec(subscription(version), 1..5))
        .prop_map(|(packet_id, properties, subscriptions)| {
            Packet::Subscribe(Subscribe { packet_id, properties, subscriptions })
        });
    let unsubscribe = (packet_id(), properties(version, PropertyOwner::Unsubscribe), vec(text(), 1..5)).prop_map(
        |(packet_id, properties, filters)| Packet::Unsubscribe(Unsubscribe { packet_id, properties, filters }),
    );
    prop_oneof![
        connect(version),
        publish(version, Receiver::Server),
        subscribe,
        unsubscribe,
        Just(Packet::PingReq),
        both_ways(version, true),
    ]
    .boxed()
}

/// Packets that a server sends.
pub fn to_client(version: ProtocolVersion) -> BoxedStrategy<Packet> {
    let code = if version == ProtocolVersion::V5 { u8::MAX } else { 5 };
    let connack = (any::<bool>(), 0..=code, properties(version, PropertyOwner::ConnAck)).prop_map(
        move |(session_present, code, properties)| {
            let session_present = session_present && version > ProtocolVersion::V31;
            Packet::ConnAck(ConnAck { session_present, code, properties })
        },
    );
    let code = if version == ProtocolVersion::V5 { any::<u8>().boxed() } else { (0..=2u8).boxed() };
    let suback = (packet_id(), properties(version, PropertyOwner::SubAck), vec(code.prop_map(ReasonCode), 1..5))
        .prop_map(|(packet_id, properties, codes)| Packet::SubAck(SubAck { packet_id, properties, codes }));
    let count = if version == ProtocolVersion::V5 { 1..5 } else { 0..1 };
    let unsuback =
        (packet_id(), properties(version, PropertyOwner::UnsubAck), vec(any::<u8>().prop_map(ReasonCode), count))
            .prop_map(|(packet_id, properties, codes)| Packet::UnsubAck(UnsubAck { packet_id, properties, codes }));
    let disconnects = version == ProtocolVersion::V5;
    prop_oneof![
        connack,
        publish(version, Receiver::Client),
        suback,
        unsuback,
        Just(Packet::PingResp),
        both_ways(version, disconnects),
    ]
    .boxed()
}

fn both_ways(version: ProtocolVersion, disconnects: bool) -> BoxedStrategy<Packet> {
    let disconnect = (reason(version, PacketType::Disconnect), properties(version, PropertyOwner::Disconnect))
        .prop_map(|(reason, properties)| Packet::Disconnect(Disconnect { reason, properties }));
    let auth = (reason(version, PacketType::Auth), properties(version, PropertyOwner::Auth))
        .prop_map(|(reason, properties)| Packet::Auth(Auth { reason, properties }));
    let acks = prop_oneof![
        ack(version, PacketType::PubAck).prop_map(Packet::PubAck),
        ack(version, PacketType::PubRec).prop_map(Packet::PubRec),
        ack(version, PacketType::PubRel).prop_map(Packet::PubRel),
        ack(version, PacketType::PubComp).prop_map(Packet::PubComp),
    ];
    match (disconnects, version) {
        (true, ProtocolVersion::V5) => prop_oneof![2 => acks, 1 => disconnect, 1 => auth].boxed(),
        (true, _) => prop_oneof![2 => acks, 1 => disconnect].boxed(),
        (false, _) => acks.boxed(),
    }
}
