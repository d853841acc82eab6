//! Messages from publisher to subscriber: every QoS, resending, properties, aliases.

use super::*;

#[test]
fn every_qos_arrives_at_the_lower_of_both() {
    for (published, granted, arrives) in [(0, 2, 0), (1, 0, 0), (1, 2, 1), (2, 1, 1), (2, 2, 2)] {
        let [published, granted, arrives] = [published, granted, arrives].map(|level| QoS::try_from(level).unwrap());
        let mut stage = Stage::new();
        let subscriber = stage.join(connect("s", V311));
        stage.subscribe(subscriber, "t", granted);
        let publisher = stage.join(connect("p", V5));
        let packet_id = u16::from(published > QoS::AtMostOnce) * 7;
        stage.send(publisher, &Packet::Publish(message("t", "x", published, packet_id)));
        if published == QoS::ExactlyOnce {
            stage.expect(publisher, &pubrec(7));
            stage.expect_silence(subscriber);
            stage.send(publisher, &pubrel(7));
            stage.expect(publisher, &pubcomp(7));
        } else if published == QoS::AtLeastOnce {
            stage.expect(publisher, &puback(7));
        }
        let got = stage.expect_message(subscriber, "x");
        assert_eq!((got.qos, got.dup, got.retain), (arrives, false, false));
        assert_eq!(got.packet_id, PacketId::new(u16::from(arrives > QoS::AtMostOnce)));
    }
}

#[test]
fn acknowledgements_without_reason_have_two_bytes() {
    let mut stage = Stage::new();
    let line = stage.join(connect("c", V5));
    stage.subscribe(line, "t", QoS::AtMostOnce);
    stage.send(line, &at_least_once("t", "x", 5));
    // The message itself, then its acknowledgement.
    stage.expect_bytes(line, "3005000174007840020005");
    stage.send(line, &exactly_once("u", "x", 6));
    stage.expect_bytes(line, "50020006");
    stage.send(line, &pubrel(6));
    stage.expect_bytes(line, "70020006");
}

#[test]
fn nobody_listening_is_told_to_version_5_publishers() {
    let mut stage = Stage::new();
    let five = stage.join(connect("five", V5));
    stage.send(five, &at_least_once("t", "x", 1));
    stage.expect_bytes(five, "4003000110");
    let three = stage.join(connect("three", V311));
    stage.send(three, &at_least_once("t", "x", 1));
    stage.expect_bytes(three, "40020001");
}

#[test]
fn a_qos_2_message_that_is_sent_again_is_delivered_once() {
    let mut stage = Stage::new();
    let subscriber = stage.join(connect("s", V5));
    stage.subscribe(subscriber, "t", QoS::AtMostOnce);
    let publisher = stage.join(lasting("p", 100));
    stage.send(publisher, &exactly_once("t", "x", 9));
    stage.expect(publisher, &pubrec(9));
    stage.cut(publisher);
    let publisher = stage.rejoin(lasting("p", 100), true);
    let again = Publish { dup: true, ..message("t", "x", QoS::ExactlyOnce, 9) };
    stage.send(publisher, &Packet::Publish(again));
    stage.expect(publisher, &pubrec(9));
    stage.send(publisher, &pubrel(9));
    stage.send(publisher, &pubrel(9));
    stage.expect(publisher, &pubcomp(9));
    stage.expect(publisher, &pubcomp(9));
    stage.expect_message(subscriber, "x");
    stage.expect_silence(subscriber);
}

#[test]
fn packet_ids_count_from_1_and_come_again_when_free() {
    let mut stage = Stage::with(Settings { max_inflight_messages: NonZeroU16::new(2), ..Settings::default() });
    let subscriber = stage.join(connect("s", V311));
    stage.subscribe(subscriber, "t", QoS::AtLeastOnce);
    let publisher = stage.join(connect("p", V311));
    // The first is never acknowledged; its id is skipped when the count comes round.
    stage.send(publisher, &at_least_once("t", "first", 1));
    assert_eq!(stage.expect_message(subscriber, "first").packet_id, PacketId::new(1));
    let mut seen = Vec::new();
    for _ in 0..=u16::MAX {
        stage.send(publisher, &at_least_once("t", "x", 1));
        let packet_id = stage.expect_message(subscriber, "x").packet_id.unwrap();
        seen.push(packet_id.get());
        stage.send(subscriber, &puback(packet_id.get()));
    }
    let expected: Vec<_> = (2..=u16::MAX).chain([2, 3]).collect();
    assert_eq!(seen, expected);
}

#[test]
fn what_is_unacknowledged_comes_again_with_dup_then_the_queue_in_order() {
    let mut stage = Stage::new();
    let subscriber = stage.join(lasting("s", 100));
    stage.subscribe(subscriber, "t", QoS::ExactlyOnce);
    let publisher = stage.join(connect("p", V5));
    stage.send(publisher, &at_least_once("t", "one", 1));
    for (packet_id, text) in [(2, "two"), (3, "three")] {
        stage.send(publisher, &exactly_once("t", text, packet_id));
        stage.send(publisher, &pubrel(packet_id));
    }
    for text in ["one", "two", "three"] {
        stage.expect_message(subscriber, text);
    }
    stage.send(subscriber, &pubrec(3));
    stage.expect(subscriber, &pubrel(3));
    stage.send(subscriber, &pubrec(2));
    stage.expect(subscriber, &pubrel(2));
    stage.cut(subscriber);
    stage.send(publisher, &at_least_once("t", "four", 4));

    let subscriber = stage.rejoin(lasting("s", 100), true);
    let again = stage.expect_message(subscriber, "one");
    assert!(again.dup);
    // In the order of the PUBRECs [MQTT-4.6.0-4].
    stage.expect(subscriber, &pubrel(3));
    stage.expect(subscriber, &pubrel(2));
    let fresh = stage.expect_message(subscriber, "four");
    assert_eq!((fresh.dup, fresh.packet_id), (false, PacketId::new(4)));
    for packet in [puback(1), pubcomp(3), pubcomp(2), puback(4)] {
        stage.send(subscriber, &packet);
    }
    stage.cut(subscriber);
    let subscriber = stage.rejoin(lasting("s", 100), true);
    stage.expect_silence(subscriber);
}

#[test]
fn acknowledgements_of_nothing_change_nothing() {
    let mut stage = Stage::new();
    let line = stage.join(connect("c", V5));
    stage.send(line, &puback(5));
    stage.send(line, &pubcomp(5));
    stage.expect_silence(line);
    stage.send(line, &pubrec(5));
    stage.expect(line, &pubrel(5));
    stage.send(line, &pubrel(6));
    stage.expect(line, &pubcomp(6));
    stage.expect_silence(line);
}

#[test]
fn a_refusing_pubrec_ends_the_flow() {
    let mut stage = Stage::with(Settings { max_inflight_messages: NonZeroU16::new(1), ..Settings::default() });
    let line = stage.join(connect("c", V5));
    stage.subscribe(line, "t", QoS::ExactlyOnce);
    for (packet_id, text) in [(1, "one"), (2, "two")] {
        let publisher = stage.join(connect("p", V5));
        stage.send(publisher, &exactly_once("t", text, packet_id));
        stage.send(publisher, &pubrel(packet_id));
    }
    stage.expect_message(line, "one");
    stage.expect_silence(line);
    stage.send(line, &Packet::PubRec(Ack::with_reason(id(1), ReasonCode::QUOTA_EXCEEDED)));
    stage.expect_message(line, "two");
}

#[test]
fn properties_go_on_in_the_publishers_order_with_ours_behind() {
    let mut stage = Stage::new();
    let properties = [Property::TopicAliasMaximum(1)].into_iter().collect();
    let subscriber = stage.join(Connect { properties, ..connect("s", V5) });
    stage.send(subscriber, &identified("t", qos(QoS::AtMostOnce), 7));
    stage.expect(subscriber, &suback(&[0]));
    let publisher = stage.join(connect("p", V5));
    let expiry = Property::MessageExpiryInterval(100);
    let own = [
        Property::UserProperty("b".into(), "2".into()),
        Property::UserProperty("a".into(), "1".into()),
        Property::ContentType("text".into()),
    ];
    let mut publish = message("t", "x", QoS::AtMostOnce, 0);
    publish.properties = [&expiry, &Property::TopicAlias(3)].into_iter().chain(&own).cloned().collect();
    stage.send(publisher, &Packet::Publish(publish));
    let got = stage.expect_message(subscriber, "x");
    let added = [expiry, Property::TopicAlias(1), Property::SubscriptionIdentifier(7)];
    let expected: Properties = own.into_iter().chain(added).collect();
    assert_eq!(got.properties, expected);
}

#[test]
fn aliases_work_in_both_directions() {
    let mut stage = Stage::new();
    let properties = [Property::TopicAliasMaximum(1)].into_iter().collect();
    let subscriber = stage.join(Connect { properties, ..connect("s", V5) });
    stage.subscribe(subscriber, "#", QoS::AtMostOnce);
    let publisher = stage.join(connect("p", V5));
    let aliased = |topic: &str, alias| {
        let properties = [Property::TopicAlias(alias)].into_iter().collect();
        Packet::Publish(Publish { properties, ..message(topic, "x", QoS::AtMostOnce, 0) })
    };
    let mut got = Vec::new();
    for packet in [aliased("a", 1), aliased("", 1), aliased("b", 1), aliased("", 1)] {
        stage.send(publisher, &packet);
        let publish = stage.expect_message(subscriber, "x");
        got.push((publish.topic.to_string(), publish.properties.topic_alias()));
    }
    let expected = [("a", Some(1)), ("", Some(1)), ("b", None), ("b", None)];
    assert_eq!(got, expected.map(|(topic, alias)| (topic.to_owned(), alias)));
    stage.send(publisher, &aliased("", 2));
    stage.expect_refused(publisher, ReasonCode::PROTOCOL_ERROR);
}

#[test]
fn aliases_end_with_their_connection_and_have_a_limit() {
    for (alias, reason) in [(0, ReasonCode::PROTOCOL_ERROR), (11, ReasonCode::TOPIC_ALIAS_INVALID)] {
        let mut stage = Stage::new();
        let line = stage.join(connect("p", V5));
        let properties = [Property::TopicAlias(alias)].into_iter().collect();
        stage.send(line, &Packet::Publish(Publish { properties, ..message("a", "x", QoS::AtMostOnce, 0) }));
        stage.expect_refused(line, reason);
    }
}

#[test]
fn messages_for_3_x_clients_carry_no_properties() {
    let mut stage = Stage::new();
    let subscriber = stage.join(connect("s", V311));
    stage.subscribe(subscriber, "t", QoS::AtMostOnce);
    let publisher = stage.join(connect("p", V5));
    let mut publish = message("t", "x", QoS::AtMostOnce, 0);
    publish.properties.push(Property::ContentType("text".into()));
    stage.send(publisher, &Packet::Publish(publish));
    stage.expect_bytes(subscriber, "300400017478");
}

#[test]
fn a_mount_point_is_invisible_to_those_behind_it() {
    let inside = ListenerSettings { mount_point: Some("in/".into()), ..ListenerSettings::default() };
    let mut stage = Stage::with(Settings { listeners: vec![inside], ..Settings::default() });
    let line = stage.join(connect("c", V5));
    stage.subscribe(line, "t", QoS::AtMostOnce);
    stage.send(line, &at_most_once("t", "x"));
    assert_eq!(stage.expect_message(line, "x").topic, "t");
    let own = OwnMessage {
        topic: "in/t".into(),
        payload: Bytes::from_static(b"own"),
        qos: QoS::AtMostOnce,
        retain: false,
        expiry: None,
    };
    stage.broker.publish_own(OwnMessage { topic: "t".into(), ..own.clone() }, stage.now);
    stage.broker.publish_own(own, stage.now);
    stage.collect();
    assert_eq!(stage.expect_message(line, "own").topic, "t");
    stage.expect_silence(line);
}

#[test]
fn wrong_topics_end_the_connection() {
    for topic in ["a/+", "#", ""] {
        let mut stage = Stage::new();
        let line = stage.join(connect("c", V311));
        stage.send(line, &at_most_once(topic, "x"));
        stage.expect_closed(line);
    }
    let mut stage = Stage::new();
    let line = stage.join(connect("c", V5));
    stage.send(line, &at_most_once(&"/".repeat(201), "x"));
    stage.expect_refused(line, ReasonCode::MALFORMED_PACKET);
}

#[test]
fn features_that_are_off_end_the_connection() {
    let listener = ListenerSettings { max_qos: QoS::AtLeastOnce, ..ListenerSettings::default() };
    let mut stage = Stage::with(Settings { retain_available: false, listeners: vec![listener], ..Settings::default() });
    let line = stage.join(connect("c", V5));
    stage.send(line, &exactly_once("t", "x", 1));
    stage.expect_refused(line, ReasonCode::QOS_NOT_SUPPORTED);
    let line = stage.join(connect("c", V5));
    stage.send(line, &retained("t", "x"));
    stage.expect_refused(line, ReasonCode::RETAIN_NOT_SUPPORTED);
    let line = stage.join(connect("c", V5));
    stage.send(line, &subscribe("t", qos(QoS::ExactlyOnce)));
    stage.expect(line, &suback(&[1]));
}

#[test]
fn an_acknowledgement_of_the_wrong_kind_is_a_protocol_error() {
    let (puback, pubrec, pubcomp) = (puback(1), pubrec(1), pubcomp(1));
    let failing = Packet::PubRec(Ack::with_reason(id(1), ReasonCode::UNSPECIFIED_ERROR));
    for (qos, acks) in [
        (QoS::AtLeastOnce, vec![&pubrec]),
        (QoS::AtLeastOnce, vec![&pubcomp]),
        (QoS::AtLeastOnce, vec![&failing]),
        (QoS::ExactlyOnce, vec![&puback]),
        (QoS::ExactlyOnce, vec![&pubcomp]),
        (QoS::ExactlyOnce, vec![&pubrec, &puback]),
        (QoS::ExactlyOnce, vec![&pubrec, &failing]),
    ] {
        let mut stage = Stage::new();
        let line = stage.join(connect("s", V5));
        stage.subscribe(line, "t", qos);
        let publisher = stage.join(connect("p", V5));
        stage.send(publisher, &exactly_once("t", "x", 1));
        stage.send(publisher, &pubrel(1));
        if qos == QoS::AtLeastOnce {
            stage.send(publisher, &at_least_once("t", "x", 1));
        }
        stage.expect_message(line, "x");
        for (place, ack) in acks.iter().enumerate() {
            if place > 0 {
                stage.expect(line, &pubrel(1));
            }
            stage.send(line, ack);
        }
        if qos == QoS::AtLeastOnce {
            stage.expect_message(line, "x");
        }
        stage.expect_refused(line, ReasonCode::PROTOCOL_ERROR);
    }
}

#[test]
fn a_pubrec_that_comes_twice_gets_its_pubrel_twice() {
    let mut stage = Stage::new();
    let line = stage.join(connect("s", V5));
    stage.subscribe(line, "t", QoS::ExactlyOnce);
    let publisher = stage.join(connect("p", V5));
    stage.send(publisher, &exactly_once("t", "x", 1));
    stage.send(publisher, &pubrel(1));
    stage.expect_message(line, "x");
    for _ in 0..2 {
        stage.send(line, &pubrec(1));
        stage.expect(line, &pubrel(1));
    }
    stage.send(line, &pubcomp(1));
    stage.expect_silence(line);
}

#[test]
fn a_packet_id_that_comes_with_something_else_begins_anew() {
    let mut stage = Stage::new();
    let line = stage.join(connect("s", V5));
    stage.subscribe(line, "#", QoS::AtMostOnce);
    let publisher = stage.join(connect("p", V5));
    stage.send(publisher, &exactly_once("t", "forgotten", 1));
    stage.send(publisher, &exactly_once("t", "new", 1));
    stage.send(publisher, &pubrel(1));
    stage.expect_message(line, "new");
    stage.send(publisher, &exactly_once("t", "forgotten", 2));
    stage.send(publisher, &at_least_once("t", "at once", 2));
    stage.expect_message(line, "at once");
    stage.send(publisher, &pubrel(2));
    stage.expect_silence(line);
    assert_eq!(stage.broker.census().stored, 0);
}
