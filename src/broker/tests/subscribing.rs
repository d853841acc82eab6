//! SUBSCRIBE with its options, UNSUBSCRIBE, retained messages, shared subscriptions.

use super::*;

#[test]
fn overlapping_subscriptions_give_a_copy_each_with_its_own_identifier() {
    let mut stage = Stage::new();
    let line = stage.join(connect("c", V5));
    stage.send(line, &identified("a/#", qos(QoS::AtLeastOnce), 1));
    stage.send(line, &identified("a/b", qos(QoS::AtMostOnce), 2));
    stage.expect(line, &suback(&[1]));
    stage.expect(line, &suback(&[0]));
    stage.send(line, &at_least_once("a/b", "x", 1));
    let mut copies = [stage.expect_message(line, "x"), stage.expect_message(line, "x")]
        .map(|copy| (copy.qos as u8, copy.properties.subscription_identifier()));
    copies.sort_unstable();
    assert_eq!(copies, [(0, Some(2)), (1, Some(1))]);
    stage.expect(line, &puback(1));
}

#[test]
fn without_duplicates_one_copy_has_every_identifier_and_the_highest_qos() {
    let mut stage = Stage::with(Settings { allow_duplicate_messages: false, ..Settings::default() });
    let line = stage.join(connect("c", V5));
    stage.send(line, &identified("a/#", qos(QoS::AtLeastOnce), 1));
    stage.send(line, &identified("a/b", qos(QoS::AtMostOnce), 2));
    stage.expect(line, &suback(&[1]));
    stage.expect(line, &suback(&[0]));
    stage.send(line, &at_least_once("a/b", "x", 1));
    let copy = stage.expect_message(line, "x");
    assert_eq!(copy.qos, QoS::AtLeastOnce);
    let mut identifiers: Vec<_> = copy.properties.iter().cloned().collect();
    identifiers.sort_unstable_by_key(|property| format!("{property:?}"));
    assert_eq!(identifiers, [Property::SubscriptionIdentifier(1), Property::SubscriptionIdentifier(2)]);
    stage.expect(line, &puback(1));
    stage.expect_silence(line);
}

#[test]
fn no_local_keeps_ones_own_messages_away() {
    let mut stage = Stage::new();
    let line = stage.join(connect("c", V5));
    stage.send(line, &subscribe("t", SubscriptionOptions { no_local: true, ..SubscriptionOptions::default() }));
    stage.expect(line, &suback(&[0]));
    stage.send(line, &at_least_once("t", "mine", 1));
    stage.expect(line, &puback(1));
    let other = stage.join(connect("d", V5));
    stage.send(other, &at_most_once("t", "yours"));
    stage.expect_message(line, "yours");
}

#[test]
fn no_local_on_a_shared_subscription_is_a_protocol_error() {
    let mut stage = Stage::new();
    let line = stage.join(connect("c", V5));
    let options = SubscriptionOptions { no_local: true, ..SubscriptionOptions::default() };
    stage.send(line, &subscribe("$share/g/t", options));
    stage.expect_refused(line, ReasonCode::PROTOCOL_ERROR);
}

#[test]
fn retained_messages_come_with_the_subscription_and_once() {
    let mut stage = Stage::new();
    let publisher = stage.join(connect("p", V5));
    stage.send(publisher, &retained("r/a", "one"));
    stage.send(publisher, &retained("r/b", "two"));
    stage.send(publisher, &retained("r/a", "three"));
    let line = stage.join(connect("c", V5));
    stage.subscribe(line, "r/#", QoS::AtMostOnce);
    for text in ["two", "three"] {
        assert!(stage.expect_message(line, text).retain);
    }
    stage.expect_silence(line);
    stage.send(publisher, &retained("r/a", "live"));
    assert!(!stage.expect_message(line, "live").retain);
    // An empty payload takes it away, and reaches subscribers like any other message.
    stage.send(publisher, &retained("r/a", ""));
    stage.expect_message(line, "");
    let late = stage.join(connect("d", V5));
    stage.subscribe(late, "r/a", QoS::AtMostOnce);
    stage.expect_silence(late);
}

#[test]
fn retain_as_published_keeps_the_flag() {
    let mut stage = Stage::new();
    let line = stage.join(connect("c", V5));
    let options = SubscriptionOptions { retain_as_published: true, ..SubscriptionOptions::default() };
    stage.send(line, &subscribe("t", options));
    stage.expect(line, &suback(&[0]));
    stage.send(line, &retained("t", "x"));
    assert!(stage.expect_message(line, "x").retain);
    stage.send(line, &at_most_once("t", "y"));
    assert!(!stage.expect_message(line, "y").retain);
}

#[test]
fn retain_handling_decides_about_retained_messages() {
    let mut stage = Stage::new();
    let publisher = stage.join(connect("p", V5));
    stage.send(publisher, &retained("t", "kept"));
    let line = stage.join(connect("c", V5));
    for (retain_handling, comes) in [
        (RetainHandling::SendIfNew, true),
        (RetainHandling::SendIfNew, false),
        (RetainHandling::DoNotSend, false),
        (RetainHandling::SendAtSubscribe, true),
    ] {
        stage.send(line, &subscribe("t", SubscriptionOptions { retain_handling, ..SubscriptionOptions::default() }));
        stage.expect(line, &suback(&[0]));
        if comes {
            stage.expect_message(line, "kept");
        }
        stage.expect_silence(line);
    }
}

#[test]
fn shared_subscriptions_take_turns_and_get_nothing_retained() {
    let mut stage = Stage::new();
    let publisher = stage.join(connect("p", V5));
    stage.send(publisher, &retained("t", "kept"));
    let first = stage.join(connect("a", V5));
    stage.subscribe(first, "$share/g/t", QoS::AtMostOnce);
    let second = stage.join(connect("b", V311));
    stage.subscribe(second, "$share/g/t", QoS::AtMostOnce);
    for text in ["1", "2", "3"] {
        stage.send(publisher, &at_most_once("t", text));
    }
    stage.expect_message(first, "1");
    stage.expect_message(second, "2");
    stage.expect_message(first, "3");
    stage.expect_silence(first);
    stage.expect_silence(second);
}

#[test]
fn members_of_a_group_that_are_away_are_passed_over_while_another_is_there() {
    for (level, keep) in [(QoS::AtMostOnce, false), (QoS::AtMostOnce, true), (QoS::AtLeastOnce, true)] {
        let mut stage = Stage::with(Settings { queue_qos0_messages: keep, ..Settings::default() });
        let away = stage.join(lasting("a", 100));
        stage.subscribe(away, "$share/g/t", level);
        stage.cut(away);
        let here = stage.join(connect("b", V5));
        stage.subscribe(here, "$share/g/t", level);
        let publisher = stage.join(connect("p", V5));
        let packet = |text| if level > QoS::AtMostOnce { at_least_once("t", text, 1) } else { at_most_once("t", text) };
        for text in ["1", "2", "3"] {
            stage.send(publisher, &packet(text));
            stage.expect_message(here, text);
        }
        stage.send(here, &leave());
        stage.send(publisher, &packet("4"));
        let back = stage.rejoin(lasting("a", 100), true);
        if level > QoS::AtMostOnce {
            // What the other had not acknowledged when it left, in its order, then what came with nobody there.
            for text in ["1", "2", "3"] {
                stage.expect_message(back, text);
            }
        }
        if keep {
            stage.expect_message(back, "4");
        }
        stage.expect_silence(back);
    }
}

#[test]
fn members_of_a_group_that_take_nothing_more_are_passed_over() {
    let settings =
        Settings { max_inflight_messages: NonZeroU16::new(1), max_queued_messages: Some(1), ..Settings::default() };
    let mut stage = Stage::with(settings);
    let members = ["a", "b"].map(|name| {
        let line = stage.join(lasting(name, 100));
        stage.subscribe(line, "$share/g/t", QoS::AtLeastOnce);
        line
    });
    let publisher = stage.join(connect("p", V5));
    // One in flight and two queued at each of them.
    for text in ["1", "2", "3", "4", "5", "6"] {
        stage.send(publisher, &at_least_once("t", text, 1));
    }
    stage.expect_message(members[0], "1");
    stage.send(members[0], &puback(1));
    stage.expect_message(members[0], "3");
    for text in ["7", "8"] {
        stage.send(publisher, &at_least_once("t", text, 1));
    }
    // The turn of the first came before that of the second, which is full.
    assert_eq!(stage.broker.statistics().publish_dropped, 1);
    for (packet_id, text) in [(2, "5"), (3, "7")] {
        stage.send(members[0], &puback(packet_id));
        stage.expect_message(members[0], text);
    }
}

#[test]
fn what_a_member_did_not_acknowledge_goes_to_another_when_its_session_ends() {
    for persistent in [false, true] {
        let mut stage =
            Stage::with(Settings { persistent, max_inflight_messages: NonZeroU16::new(1), ..Settings::default() });
        let publisher = stage.join(connect("p", V5));
        let first = stage.join(Connect { keep_alive: 0, ..lasting("a", u32::from(persistent) * 5) });
        stage.subscribe(first, "$share/g/t", QoS::ExactlyOnce);
        stage.subscribe(first, "plain", QoS::AtLeastOnce);
        for text in ["done", "sent", "queued"] {
            stage.send(publisher, &at_least_once("t", text, 1));
        }
        stage.send(publisher, &at_least_once("plain", "its own", 2));
        for packet_id in [3, 4] {
            stage.send(publisher, &exactly_once("t", if packet_id == 3 { "twice" } else { "once" }, packet_id));
            stage.send(publisher, &pubrel(packet_id));
        }
        stage.expect_message(first, "done");
        stage.send(first, &puback(1));
        stage.expect_message(first, "sent");
        let second = stage.join(Connect { keep_alive: 0, ..connect("b", V5) });
        stage.subscribe(second, "$share/g/t", QoS::ExactlyOnce);
        stage.cut(first);
        if persistent {
            stage.expect_silence(second);
            stage.pass_seconds(5);
        }
        for (packet_id, text) in [(1, "sent"), (2, "queued")] {
            let sent = stage.expect_message(second, text);
            assert_eq!((sent.dup, sent.packet_id), (false, PacketId::new(packet_id)));
            stage.send(second, &puback(packet_id));
        }
        for (packet_id, text) in [(3, "twice"), (4, "once")] {
            assert_eq!(stage.expect_message(second, text).qos, QoS::ExactlyOnce);
            stage.send(second, &pubrec(packet_id));
            stage.expect(second, &pubrel(packet_id));
            stage.send(second, &pubcomp(packet_id));
        }
        stage.expect_silence(second);
    }
}

#[test]
fn what_a_member_keeps_after_unsubscribing_and_what_nobody_else_takes() {
    let mut stage = Stage::new();
    let publisher = stage.join(connect("p", V5));
    let only = stage.join(connect("a", V5));
    stage.subscribe(only, "$share/g/t", QoS::AtLeastOnce);
    stage.send(publisher, &at_least_once("t", "x", 1));
    stage.expect_message(only, "x");
    let unsubscribe =
        Unsubscribe { packet_id: id(1), properties: Properties::new(), filters: vec!["$share/g/t".into()] };
    stage.send(only, &Packet::Unsubscribe(unsubscribe));
    let other = stage.join(connect("b", V5));
    stage.subscribe(other, "$share/g/t", QoS::AtLeastOnce);
    stage.expect_silence(other);
    stage.cut(only);
    stage.expect_message(other, "x");
    stage.cut(other);
    assert_eq!(stage.broker.census().stored, 0);
}

#[test]
fn unsubscribing_ends_delivery_and_says_what_was_there() {
    let mut stage = Stage::new();
    let line = stage.join(connect("c", V5));
    stage.subscribe(line, "a", QoS::AtMostOnce);
    stage.subscribe(line, "$share/g/b", QoS::AtMostOnce);
    let filters = ["a", "$share/g/b", "c"].map(Into::into).to_vec();
    let unsubscribe = Unsubscribe { packet_id: id(4), properties: Properties::new(), filters };
    stage.send(line, &Packet::Unsubscribe(unsubscribe));
    stage.expect_bytes(line, "b006000400000011");
    stage.send(line, &at_most_once("a", "x"));
    stage.send(line, &at_most_once("b", "x"));
    stage.expect_silence(line);
}

#[test]
fn an_unsuback_of_3_1_1_has_no_codes() {
    let mut stage = Stage::new();
    let line = stage.join(connect("c", V311));
    let unsubscribe = Unsubscribe { packet_id: id(4), properties: Properties::new(), filters: vec!["a".into()] };
    stage.send(line, &Packet::Unsubscribe(unsubscribe));
    stage.expect_bytes(line, "b0020004");
}

#[test]
fn wrong_filters_end_the_connection() {
    let (malformed, protocol) = (ReasonCode::MALFORMED_PACKET, ReasonCode::PROTOCOL_ERROR);
    for (filter, reason) in [
        ("a/#/b", malformed),
        ("a+", malformed),
        ("", malformed),
        ("$share/g+/t", malformed),
        ("$share", protocol),
        ("$share/g", protocol),
        ("$share//t", protocol),
        ("$share/+/t", protocol),
    ] {
        let mut stage = Stage::new();
        let line = stage.join(connect("c", V5));
        stage.send(line, &subscribe(filter, SubscriptionOptions::default()));
        stage.expect_refused(line, reason);
        let line = stage.join(connect("c", V5));
        let filters = vec![filter.into()];
        stage
            .send(line, &Packet::Unsubscribe(Unsubscribe { packet_id: id(1), properties: Properties::new(), filters }));
        stage.expect_refused(line, reason);
    }
}

#[test]
fn wildcards_do_not_reach_dollar_topics() {
    let mut stage = Stage::new();
    let line = stage.join(connect("c", V5));
    stage.subscribe(line, "#", QoS::AtMostOnce);
    stage.subscribe(line, "$own/#", QoS::AtMostOnce);
    stage.send(line, &at_most_once("$own/t", "x"));
    stage.expect_message(line, "x");
    stage.expect_silence(line);
    stage.send(line, &at_least_once("$SYS/t", "x", 1));
    stage.expect(line, &Packet::PubAck(Ack::with_reason(id(1), ReasonCode::NOT_AUTHORIZED)));
}

#[test]
fn filters_are_bounded_by_their_bytes_and_one_that_is_there_can_be_renewed() {
    let mut stage = Stage::with(Settings { max_packet_size: 1_000_000, ..Settings::default() });
    let line = stage.join(Connect { keep_alive: 0, ..connect("c", V311) });
    let filter = |number: usize| format!("{number:05}{}", "x".repeat(65_000 - 5));
    let most = 16 * 1024 * 1024 / 65_000;
    for number in 0..most {
        stage.subscribe(line, &filter(number), QoS::AtMostOnce);
    }
    stage.send(line, &subscribe(&filter(most), qos(QoS::AtMostOnce)));
    stage.expect(line, &suback(&[0x80]));
    stage.subscribe(line, &filter(0), QoS::AtLeastOnce);
    let filters = vec![filter(0).into()];
    stage.send(line, &Packet::Unsubscribe(Unsubscribe { packet_id: id(1), properties: Properties::new(), filters }));
    assert!(matches!(stage.next(line), Some(Packet::UnsubAck(_))));
    stage.subscribe(line, &filter(most), QoS::AtMostOnce);
}
