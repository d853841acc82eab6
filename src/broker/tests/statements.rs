//! Normative statements that the other dialogues pass by. Which test shows which statement is listed in
//! `tests/data/statements`.

use super::*;
use crate::broker::access::Rules;

/// A client at QoS 2 on `t` whose session goes on, and a publisher.
fn with_subscriber() -> (Stage, u64, u64) {
    let mut stage = Stage::new();
    let subscriber = stage.join(Connect { keep_alive: 0, ..lasting("s", 1_000_000) });
    stage.subscribe(subscriber, "t", QoS::ExactlyOnce);
    let publisher = stage.join(Connect { keep_alive: 0, ..connect("p", V5) });
    (stage, subscriber, publisher)
}

fn retained_at(qos: QoS, text: &'static str) -> Packet {
    let packet_id = u16::from(qos > QoS::AtMostOnce);
    Packet::Publish(Publish { retain: true, ..message("t", text, qos, packet_id) })
}

fn expiring(packet: Packet) -> Packet {
    let Packet::Publish(mut publish) = packet else { panic!("a PUBLISH") };
    publish.properties.push(Property::MessageExpiryInterval(1));
    Packet::Publish(publish)
}

#[test]
fn mqtt_3_1_2_14_and_15_a_will_is_retained_if_it_says_so() {
    for retain in [false, true] {
        let mut stage = Stage::new();
        let line = stage.join(Connect { will: Some(Will { retain, ..will("t", "gone") }), ..connect("c", V5) });
        stage.cut(line);
        let late = stage.join(connect("d", V5));
        stage.subscribe(late, "t", QoS::AtMostOnce);
        if retain {
            assert!(stage.expect_message(late, "gone").retain);
        }
        stage.expect_silence(late);
    }
}

#[test]
fn mqtt_3_1_2_9_a_will_has_the_qos_it_asks_for() {
    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
        let (mut stage, subscriber, _) = with_subscriber();
        let line = stage.join(Connect { will: Some(Will { qos, ..will("t", "gone") }), ..connect("c", V5) });
        stage.cut(line);
        assert_eq!(stage.expect_message(subscriber, "gone").qos, qos);
    }
}

#[test]
fn mqtt_3_1_3_10_the_user_properties_of_a_will_keep_their_order() {
    let (mut stage, subscriber, _) = with_subscriber();
    let own = ["b", "a", "b"].map(|name| Property::UserProperty(name.into(), "x".into()));
    let properties: Properties = own.into_iter().collect();
    let will = Will { properties: properties.clone(), ..will("t", "gone") };
    let line = stage.join(Connect { will: Some(will), ..connect("c", V5) });
    stage.cut(line);
    assert_eq!(stage.expect_message(subscriber, "gone").properties, properties);
}

#[test]
fn mqtt_3_1_3_5_client_ids_of_1_to_23_letters_and_digits_are_taken() {
    let mut stage = Stage::new();
    for client_id in ["0", "9azAZ", "0123456789abcdefghijklm", "nopqrstuvwxyzABCDEFGHIJ", "KLMNOPQRSTUVWXYZ"] {
        for version in [ProtocolVersion::V31, V311, V5] {
            stage.join(connect(client_id, version));
        }
    }
}

#[test]
fn mqtt_3_1_4_6_what_follows_a_refused_connect_is_not_looked_at() {
    let listener = ListenerSettings { allow_zero_length_clientid: false, ..ListenerSettings::default() };
    let mut stage = Stage::with(Settings { listeners: vec![listener], ..Settings::default() });
    let watcher = stage.join(connect("w", V5));
    stage.subscribe(watcher, "#", QoS::AtMostOnce);
    for (version, answer) in [(V311, "20020002"), (V5, "2003008000")] {
        let line = stage.open(version);
        let mut bytes = BytesMut::new();
        Packet::Connect(Box::new(connect("", version))).encode(version, &mut bytes).expect("a CONNECT");
        at_most_once("t", "too late").encode(version, &mut bytes).expect("a PUBLISH");
        stage.send_bytes(line, &bytes);
        stage.expect_bytes(line, answer);
        stage.expect_closed(line);
        stage.expect_silence(watcher);
    }
}

#[test]
fn mqtt_3_1_2_24_a_refusal_is_no_larger_than_the_client_takes() {
    let listener = ListenerSettings { max_qos: QoS::AtLeastOnce, ..ListenerSettings::default() };
    let mut stage = Stage::with(Settings { listeners: vec![listener], ..Settings::default() });
    for (most, answer) in [(7, Some("2005009b022401")), (6, None)] {
        let properties = [Property::MaximumPacketSize(most)].into_iter().collect();
        let will = Some(Will { qos: QoS::ExactlyOnce, ..will("t", "gone") });
        let line = stage.open(V5);
        stage.send(line, &Packet::Connect(Box::new(Connect { will, properties, ..connect("c", V5) })));
        if let Some(answer) = answer {
            stage.expect_bytes(line, answer);
        }
        stage.expect_closed(line);
    }
}

#[test]
fn mqtt_3_2_2_6_a_refusal_tells_of_no_session() {
    for (version, answer) in [(V311, "20020005"), (V5, "2003008700")] {
        let mut stage = Stage::new();
        let properties = (version == V5).then_some(Property::SessionExpiryInterval(100));
        let properties: Properties = properties.into_iter().collect();
        let connect = || Connect { clean_start: false, properties: properties.clone(), ..connect("c", version) };
        let line = stage.join(connect());
        stage.cut(line);
        let rules = Rules { allow_anonymous: false, passwords: None, scram: None, tokens: None, acl: None };
        stage.broker.reload(Settings::default(), Access::new(vec![rules]), stage.now);
        let line = stage.open(version);
        stage.send(line, &Packet::Connect(Box::new(connect())));
        stage.expect_bytes(line, answer);
        stage.expect_closed(line);
    }
}

#[test]
fn mqtt_3_2_2_16_no_two_sessions_are_given_the_same_client_id() {
    let mut stage = Stage::new();
    let mut given = std::collections::HashSet::new();
    for _ in 0..100 {
        let line = stage.open(V5);
        stage.send(line, &Packet::Connect(Box::new(connect("", V5))));
        let Some(Packet::ConnAck(connack)) = stage.next(line) else { panic!("no CONNACK") };
        let assigned = connack.properties.assigned_client_identifier().expect("a client id");
        assert!(given.insert(assigned.to_string()), "{assigned} twice");
    }
    assert_eq!(stage.broker.census().connected, 100);
}

#[test]
fn mqtt_3_3_1_3_dup_is_not_passed_on() {
    for (published, arrives) in [(QoS::AtLeastOnce, 1), (QoS::ExactlyOnce, 2)] {
        let (mut stage, subscriber, publisher) = with_subscriber();
        stage.send(publisher, &Packet::Publish(Publish { dup: true, ..message("t", "x", published, 1) }));
        stage.send(publisher, &pubrel(1));
        let got = stage.expect_message(subscriber, "x");
        assert_eq!((got.dup, got.qos as u8), (false, arrives));
    }
}

#[test]
fn mqtt_3_3_1_5_the_last_retained_message_stays_with_its_qos() {
    let mut stage = Stage::new();
    let publisher = stage.join(connect("p", V5));
    stage.send(publisher, &retained_at(QoS::AtMostOnce, "first"));
    stage.send(publisher, &retained_at(QoS::AtLeastOnce, "second"));
    let line = stage.join(connect("c", V5));
    stage.subscribe(line, "t", QoS::ExactlyOnce);
    let got = stage.expect_message(line, "second");
    assert_eq!((got.qos, got.retain, got.dup), (QoS::AtLeastOnce, true, false));
    // In 3.1.1, QoS 0 takes the place of QoS 1 too [MQTT-3.3.1-7] of 3.1.1.
    stage.send(publisher, &retained_at(QoS::AtMostOnce, "third"));
    stage.expect_message(line, "third");
    let late = stage.join(connect("d", V311));
    stage.subscribe(late, "t", QoS::ExactlyOnce);
    assert_eq!(stage.expect_message(late, "third").qos, QoS::AtMostOnce);
    stage.expect_silence(late);
}

#[test]
fn mqtt_3_3_1_8_a_message_without_retain_leaves_the_retained_one() {
    let mut stage = Stage::new();
    let publisher = stage.join(connect("p", V5));
    stage.send(publisher, &at_most_once("other", "not kept"));
    stage.send(publisher, &retained_at(QoS::AtMostOnce, "kept"));
    stage.send(publisher, &at_most_once("t", "passing"));
    stage.send(publisher, &at_most_once("t", ""));
    let line = stage.join(connect("c", V5));
    stage.subscribe(line, "#", QoS::AtMostOnce);
    stage.expect_message(line, "kept");
    stage.expect_silence(line);
}

#[test]
fn mqtt311_3_1_2_7_retained_messages_outlive_the_session_of_their_publisher() {
    let mut stage = Stage::new();
    let publisher = stage.join(connect("p", V311));
    stage.send(publisher, &retained_at(QoS::AtLeastOnce, "kept"));
    stage.send(publisher, &leave());
    let line = stage.join(connect("c", V311));
    stage.subscribe(line, "t", QoS::AtMostOnce);
    stage.expect_message(line, "kept");
}

#[test]
fn mqtt_3_3_2_7_an_alias_is_unknown_on_the_next_connection() {
    let (mut stage, subscriber, _) = with_subscriber();
    let aliased = |topic: &str| {
        let properties = [Property::TopicAlias(1)].into_iter().collect();
        Packet::Publish(Publish { properties, ..message(topic, "x", QoS::AtMostOnce, 0) })
    };
    let line = stage.join(lasting("c", 100));
    stage.send(line, &aliased("t"));
    stage.expect_message(subscriber, "x");
    stage.cut(line);
    let line = stage.rejoin(lasting("c", 100), true);
    stage.send(line, &aliased(""));
    stage.expect_refused(line, ReasonCode::PROTOCOL_ERROR);
    stage.expect_silence(subscriber);
}

#[test]
fn mqtt_3_3_2_7_our_own_aliases_begin_anew_too() {
    let mut stage = Stage::new();
    let mut taking = lasting("s", 100);
    taking.properties.push(Property::TopicAliasMaximum(5));
    let publisher = stage.join(connect("p", V5));
    let first = stage.join(taking.clone());
    stage.subscribe(first, "t", QoS::AtMostOnce);
    stage.send(publisher, &at_most_once("t", "x"));
    assert_eq!(stage.expect_message(first, "x").topic, "t");
    let second = stage.rejoin(taking, true);
    stage.send(publisher, &at_most_once("t", "x"));
    assert_eq!(stage.expect_message(second, "x").topic, "t");
}

#[test]
fn mqtt_3_3_2_12_every_alias_up_to_the_maximum_is_taken() {
    let (mut stage, subscriber, publisher) = with_subscriber();
    for alias in 1..=10 {
        for topic in ["t", ""] {
            let properties = [Property::TopicAlias(alias)].into_iter().collect();
            let publish = Publish { properties, ..message(topic, "x", QoS::AtMostOnce, 0) };
            stage.send(publisher, &Packet::Publish(publish));
            assert_eq!(stage.expect_message(subscriber, "x").topic, "t");
        }
    }
}

#[test]
fn mqtt_3_3_4_10_a_full_window_holds_back_messages_only() {
    let mut stage = Stage::new();
    let properties = [Property::ReceiveMaximum(1)].into_iter().collect();
    let line = stage.join(Connect { properties, ..connect("s", V5) });
    stage.subscribe(line, "t", QoS::AtLeastOnce);
    let publisher = stage.join(connect("p", V5));
    for (packet_id, text) in [(1, "one"), (2, "two")] {
        stage.send(publisher, &at_least_once("t", text, packet_id));
    }
    stage.expect_message(line, "one");
    stage.send(line, &Packet::PingReq);
    stage.expect(line, &Packet::PingResp);
    stage.subscribe(line, "u", QoS::AtMostOnce);
    stage.send(line, &at_least_once("nobody", "x", 9));
    stage.expect(line, &unheard(9));
    stage.send(line, &exactly_once("nobody", "x", 9));
    stage.expect(line, &pubrec(9));
    // What is at QoS 0 needs no room.
    stage.send(publisher, &at_most_once("u", "now"));
    stage.expect_message(line, "now");
    stage.expect_silence(line);
}

#[test]
fn mqtt_3_8_4_5_one_suback_answers_all_filters_in_their_order() {
    let listener = ListenerSettings { max_qos: QoS::AtLeastOnce, ..ListenerSettings::default() };
    for (version, expected) in [(V311, "90050009000100"), (V5, "9006000900000100")] {
        let mut stage = Stage::with(Settings { listeners: vec![listener.clone()], ..Settings::default() });
        let line = stage.join(connect("c", version));
        let filters = [("a", QoS::AtMostOnce), ("b", QoS::ExactlyOnce), ("c", QoS::AtMostOnce)];
        let subscriptions = filters.map(|(filter, level)| Subscription { filter: filter.into(), options: qos(level) });
        let subscribe =
            Subscribe { packet_id: id(9), properties: Properties::new(), subscriptions: subscriptions.to_vec() };
        stage.send(line, &Packet::Subscribe(subscribe));
        stage.expect_bytes(line, expected);
        for topic in ["a", "b", "c"] {
            stage.send(line, &at_most_once(topic, "x"));
            assert_eq!(stage.expect_message(line, "x").topic, topic);
        }
    }
}

#[test]
fn mqtt_3_8_4_3_the_same_filter_again_is_one_subscription_with_the_new_options() {
    let (mut stage, subscriber, publisher) = with_subscriber();
    stage.send(publisher, &retained_at(QoS::AtLeastOnce, "x"));
    stage.expect_message(subscriber, "x");
    // The retained message comes again [MQTT-3.8.4-4].
    stage.subscribe(subscriber, "t", QoS::AtMostOnce);
    stage.expect_message(subscriber, "x");
    stage.send(publisher, &at_least_once("t", "y", 1));
    assert_eq!(stage.expect_message(subscriber, "y").qos, QoS::AtMostOnce);
    stage.expect_silence(subscriber);
}

#[test]
fn mqtt_3_10_4_1_filters_are_taken_away_character_by_character() {
    let mut stage = Stage::new();
    let line = stage.join(connect("c", V5));
    stage.subscribe(line, "a/+", QoS::AtMostOnce);
    for (filter, code) in [("a/b", 0x11), ("a/#", 0x11), ("A/+", 0x11), ("a/+", 0)] {
        let unsubscribe = Unsubscribe { packet_id: id(1), properties: Properties::new(), filters: vec![filter.into()] };
        stage.send(line, &at_most_once("a/b", "x"));
        stage.expect_message(line, "x");
        stage.send(line, &Packet::Unsubscribe(unsubscribe));
        stage.expect_bytes(line, &format!("b004000100{code:02x}"));
    }
    stage.send(line, &at_most_once("a/b", "x"));
    stage.expect_silence(line);
}

#[test]
fn mqtt_3_10_4_3_what_was_begun_is_completed_after_unsubscribing() {
    let (mut stage, subscriber, publisher) = with_subscriber();
    stage.send(publisher, &at_least_once("t", "one", 1));
    stage.send(publisher, &exactly_once("t", "two", 2));
    stage.send(publisher, &pubrel(2));
    stage.expect_message(subscriber, "one");
    stage.expect_message(subscriber, "two");
    let unsubscribe = Unsubscribe { packet_id: id(1), properties: Properties::new(), filters: vec!["t".into()] };
    stage.send(subscriber, &Packet::Unsubscribe(unsubscribe));
    stage.expect_bytes(subscriber, "b00400010000");
    stage.cut(subscriber);
    let subscriber = stage.rejoin(lasting("s", 100), true);
    assert!(stage.expect_message(subscriber, "one").dup);
    assert!(stage.expect_message(subscriber, "two").dup);
    stage.send(subscriber, &pubrec(2));
    stage.expect(subscriber, &pubrel(2));
    stage.send(publisher, &at_least_once("t", "new", 3));
    stage.expect_silence(subscriber);
}

#[test]
fn mqtt_4_1_0_1_a_session_lasts_as_long_as_its_connection() {
    let mut stage = Stage::new();
    let line = stage.join(Connect { keep_alive: 0, ..lasting("c", 1) });
    stage.subscribe(line, "t", QoS::AtLeastOnce);
    stage.pass_seconds(1000);
    let publisher = stage.join(connect("p", V5));
    stage.send(publisher, &at_least_once("t", "x", 1));
    stage.expect_message(line, "x");
    stage.rejoin(lasting("c", 1), true);
}

#[test]
fn mqtt_4_3_2_5_a_packet_id_after_its_puback_is_a_new_message() {
    let (mut stage, subscriber, publisher) = with_subscriber();
    for dup in [false, true] {
        stage.send(publisher, &Packet::Publish(Publish { dup, ..message("t", "x", QoS::AtLeastOnce, 7) }));
        stage.expect(publisher, &puback(7));
        stage.expect_message(subscriber, "x");
    }
}

#[test]
fn mqtt_4_3_3_6_after_its_pubrel_a_message_is_not_sent_again() {
    let (mut stage, subscriber, publisher) = with_subscriber();
    stage.send(publisher, &exactly_once("t", "x", 1));
    stage.send(publisher, &pubrel(1));
    stage.expect_message(subscriber, "x");
    stage.send(subscriber, &pubrec(1));
    stage.expect(subscriber, &pubrel(1));
    for _ in 0..2 {
        let line = stage.rejoin(lasting("s", 100), true);
        stage.expect(line, &pubrel(1));
        stage.expect_silence(line);
    }
}

#[test]
fn mqtt_4_3_3_7_what_was_sent_does_not_expire() {
    for qos in [QoS::AtLeastOnce, QoS::ExactlyOnce] {
        let (mut stage, subscriber, publisher) = with_subscriber();
        stage.send(publisher, &expiring(Packet::Publish(message("t", "begun", qos, 1))));
        stage.send(publisher, &pubrel(1));
        stage.expect_message(subscriber, "begun");
        stage.cut(subscriber);
        stage.send(publisher, &expiring(at_least_once("t", "never begun", 2)));
        stage.pass_seconds(5);
        let subscriber = stage.rejoin(lasting("s", 100), true);
        let again = stage.expect_message(subscriber, "begun");
        assert_eq!((again.dup, again.packet_id), (true, PacketId::new(1)));
        stage.expect_silence(subscriber);
    }
}

#[test]
fn mqtt_4_3_3_9_a_packet_id_that_was_refused_is_a_new_message() {
    let mut stage = Stage::with(Settings { message_size_limit: Some(3), ..Settings::default() });
    let watcher = stage.join(connect("w", V5));
    stage.subscribe(watcher, "t", QoS::AtMostOnce);
    let publisher = stage.join(connect("p", V5));
    stage.send(publisher, &exactly_once("t", "large", 1));
    stage.expect_bytes(publisher, "5003000197");
    stage.send(publisher, &exactly_once("t", "fit", 1));
    stage.expect(publisher, &pubrec(1));
    stage.send(publisher, &pubrel(1));
    stage.expect(publisher, &pubcomp(1));
    stage.expect_message(watcher, "fit");
    stage.expect_silence(watcher);
}

#[test]
fn mqtt_4_3_3_12_a_packet_id_after_its_pubcomp_is_a_new_message() {
    let (mut stage, subscriber, publisher) = with_subscriber();
    for dup in [false, true] {
        stage.send(publisher, &Packet::Publish(Publish { dup, ..message("t", "x", QoS::ExactlyOnce, 7) }));
        stage.expect(publisher, &pubrec(7));
        stage.send(publisher, &pubrel(7));
        stage.expect(publisher, &pubcomp(7));
        stage.expect_message(subscriber, "x");
    }
}

#[test]
fn mqtt_4_3_3_13_the_flow_of_an_expired_message_is_completed() {
    let (mut stage, subscriber, publisher) = with_subscriber();
    stage.send(publisher, &expiring(exactly_once("t", "x", 1)));
    stage.expect(publisher, &pubrec(1));
    stage.pass_seconds(5);
    stage.send(publisher, &pubrel(1));
    stage.expect(publisher, &pubcomp(1));
    stage.expect_silence(subscriber);
}

#[test]
fn mqtt_4_4_0_1_nothing_is_sent_again_on_the_same_connection() {
    let (mut stage, subscriber, publisher) = with_subscriber();
    stage.send(publisher, &at_least_once("t", "one", 1));
    stage.send(publisher, &exactly_once("t", "two", 2));
    stage.send(publisher, &pubrel(2));
    stage.expect_message(subscriber, "one");
    stage.expect_message(subscriber, "two");
    stage.send(subscriber, &pubrec(2));
    stage.expect(subscriber, &pubrel(2));
    stage.pass_seconds(100_000);
    stage.expect_silence(subscriber);
}

#[test]
fn mqtt_4_4_0_2_what_was_refused_is_not_sent_again() {
    for (qos, refusal) in [
        (QoS::AtLeastOnce, Packet::PubAck(Ack::with_reason(id(1), ReasonCode::QUOTA_EXCEEDED))),
        (QoS::ExactlyOnce, Packet::PubRec(Ack::with_reason(id(1), ReasonCode::QUOTA_EXCEEDED))),
    ] {
        let (mut stage, subscriber, publisher) = with_subscriber();
        stage.send(publisher, &Packet::Publish(message("t", "x", qos, 1)));
        stage.send(publisher, &pubrel(1));
        stage.expect_message(subscriber, "x");
        stage.send(subscriber, &refusal);
        let subscriber = stage.rejoin(lasting("s", 100), true);
        stage.expect_silence(subscriber);
    }
}

#[test]
fn mqtt_4_7_3_4_topics_are_compared_as_they_are() {
    // A letter with its accent in one character and in two, and what looks alike.
    let topics = ["\u{e9}", "e\u{301}", "e", "E", "/e", "e/", "e//f", "e/f", " e", "\u{feff}e"];
    for (place, filter) in topics.into_iter().enumerate() {
        let mut stage = Stage::new();
        let line = stage.join(connect("c", V5));
        stage.subscribe(line, filter, QoS::AtMostOnce);
        for topic in topics {
            stage.send(line, &at_most_once(topic, "x"));
        }
        assert_eq!(stage.expect_message(line, "x").topic, topics[place]);
        stage.expect_silence(line);
    }
}

/// Two members of a group, both away after the first has been sent its message at QoS 2.
fn with_group() -> (Stage, u64, u64) {
    let mut stage = Stage::new();
    let members = ["a", "b"].map(|name| {
        let line = stage.join(lasting(name, 100));
        stage.subscribe(line, "$share/g/t", QoS::ExactlyOnce);
        line
    });
    let publisher = stage.join(connect("p", V5));
    stage.send(publisher, &exactly_once("t", "x", 1));
    stage.send(publisher, &pubrel(1));
    stage.expect_message(members[0], "x");
    (stage, members[0], members[1])
}

#[test]
fn mqtt_4_8_2_3_a_member_of_a_group_gets_the_qos_it_was_granted() {
    let mut stage = Stage::new();
    let publisher = stage.join(connect("p", V5));
    let members = [("a", QoS::AtMostOnce), ("b", QoS::AtLeastOnce)].map(|(name, granted)| {
        let line = stage.join(connect(name, V5));
        stage.subscribe(line, "$share/g/t", granted);
        (line, granted)
    });
    for (line, granted) in members {
        stage.send(publisher, &exactly_once("t", "x", 1));
        stage.send(publisher, &pubrel(1));
        assert_eq!(stage.expect_message(line, "x").qos, granted);
    }
}

#[test]
fn mqtt_4_8_2_4_a_member_that_comes_back_gets_the_rest_of_its_message() {
    let (mut stage, first, second) = with_group();
    stage.cut(first);
    stage.expect_silence(second);
    let first = stage.rejoin(lasting("a", 100), true);
    assert!(stage.expect_message(first, "x").dup);
    stage.send(first, &pubrec(1));
    stage.expect(first, &pubrel(1));
    stage.expect_silence(second);
}

#[test]
fn mqtt_4_8_2_5_a_message_at_qos_2_goes_to_no_other_member_when_a_session_ends() {
    let (mut stage, first, second) = with_group();
    stage.cut(first);
    stage.rejoin(connect("a", V5), false);
    stage.expect_silence(second);
}

#[test]
fn mqtt_4_8_2_6_a_message_that_a_member_refuses_goes_to_no_other() {
    let (mut stage, first, second) = with_group();
    stage.send(first, &Packet::PubRec(Ack::with_reason(id(1), ReasonCode::QUOTA_EXCEEDED)));
    stage.expect_silence(first);
    stage.expect_silence(second);
}

#[test]
fn mqtt_3_1_2_24_no_answer_is_larger_than_the_client_takes() {
    for (count, is_taken) in [(15, true), (16, false)] {
        let mut stage = Stage::new();
        let properties = [Property::MaximumPacketSize(20)].into_iter().collect();
        let line = stage.join(Connect { properties, ..connect("c", V5) });
        let options = qos(QoS::AtMostOnce);
        let one = |number: usize| Subscription { filter: format!("t{number}").into(), options };
        let subscriptions: Vec<_> = (0..count).map(one).collect();
        let filters = subscriptions.iter().map(|one| one.filter.clone()).collect();
        let subscribe = Subscribe { packet_id: id(1), properties: Properties::new(), subscriptions };
        stage.send(line, &Packet::Subscribe(subscribe));
        if !is_taken {
            stage.expect_refused(line, ReasonCode::PACKET_TOO_LARGE);
            continue;
        }
        stage.expect(line, &suback(&[0; 15]));
        let unsubscribe = Unsubscribe { packet_id: id(1), properties: Properties::new(), filters };
        stage.send(line, &Packet::Unsubscribe(unsubscribe));
        assert_eq!(stage.lines[&line].received.len(), 20);
    }
}
