//! Windows, queues, sizes: what bounds the broker's memory and its clients'.

use super::*;
use crate::broker::output::MAXIMUM_CONTROL_BACKLOG;

/// A broker where `s` has subscribed to `t` at QoS 1 and gone, and a publisher.
fn with_absent(settings: Settings) -> (Stage, u64) {
    let mut stage = Stage::with(settings);
    let line = stage.join(lasting("s", 1000));
    stage.subscribe(line, "t", QoS::AtLeastOnce);
    stage.cut(line);
    let publisher = stage.join(connect("p", V5));
    (stage, publisher)
}

#[test]
fn a_full_queue_keeps_the_old_and_drops_the_new() {
    let (mut stage, publisher) = with_absent(Settings { max_queued_messages: Some(2), ..Settings::default() });
    stage.broker.listen(Interest { notices: true, ..Interest::default() });
    for (packet_id, text) in [(1, "one"), (2, "two"), (3, "three"), (4, "four")] {
        stage.send(publisher, &at_least_once("t", text, packet_id));
        stage.expect(publisher, &puback(packet_id));
    }
    assert_eq!(stage.broker.statistics().publish_dropped, 2);
    assert_eq!(stage.broker.poll_event(), Some(Event::MessagesDropped { client: "s".into() }));
    assert_eq!(stage.broker.poll_event(), None);
    let line = stage.rejoin(lasting("s", 1000), true);
    stage.expect_message(line, "one");
    stage.expect_message(line, "two");
    stage.expect_silence(line);
}

#[test]
fn a_queue_is_bounded_by_bytes_too_overshot_by_one_message_at_most() {
    let (mut stage, publisher) = with_absent(Settings { max_queued_bytes: Some(5), ..Settings::default() });
    for (packet_id, text) in [(1, "1234"), (2, "5678"), (3, "9")] {
        stage.send(publisher, &at_least_once("t", text, packet_id));
    }
    let line = stage.rejoin(lasting("s", 1000), true);
    stage.expect_message(line, "1234");
    stage.expect_message(line, "5678");
    stage.expect_silence(line);
}

#[test]
fn an_online_queue_has_the_window_on_top() {
    let limits =
        Settings { max_inflight_messages: NonZeroU16::new(2), max_queued_messages: Some(1), ..Settings::default() };
    let mut stage = Stage::with(limits);
    let line = stage.join(connect("s", V5));
    stage.subscribe(line, "t", QoS::AtLeastOnce);
    let publisher = stage.join(connect("p", V5));
    for (packet_id, text) in [(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5"), (6, "6")] {
        stage.send(publisher, &at_least_once("t", text, packet_id));
    }
    stage.expect_message(line, "1");
    stage.expect_message(line, "2");
    stage.expect_silence(line);
    for (packet_id, text) in [(1, "3"), (2, "4"), (3, "5")] {
        stage.send(line, &puback(packet_id));
        stage.expect_message(line, text);
    }
    stage.send(line, &puback(4));
    stage.expect_silence(line);
}

#[test]
fn the_clients_receive_maximum_bounds_what_is_in_flight() {
    let mut stage = Stage::new();
    let properties = [Property::ReceiveMaximum(1)].into_iter().collect();
    let line = stage.join(Connect { properties, ..connect("s", V5) });
    stage.subscribe(line, "t", QoS::ExactlyOnce);
    let publisher = stage.join(connect("p", V5));
    for (packet_id, text) in [(1, "one"), (2, "two")] {
        stage.send(publisher, &at_least_once("t", text, packet_id));
    }
    stage.expect_message(line, "one");
    stage.expect_silence(line);
    stage.send(line, &puback(1));
    stage.expect_message(line, "two");
}

#[test]
fn a_smaller_window_after_coming_back_is_kept_to() {
    let mut stage = Stage::new();
    let line = stage.join(lasting("s", 100));
    stage.subscribe(line, "t", QoS::AtLeastOnce);
    let publisher = stage.join(connect("p", V5));
    for (packet_id, text) in [(1, "one"), (2, "two")] {
        stage.send(publisher, &at_least_once("t", text, packet_id));
        stage.expect_message(line, text);
    }
    stage.cut(line);
    let mut narrow = lasting("s", 100);
    narrow.properties.push(Property::ReceiveMaximum(1));
    let line = stage.rejoin(narrow, true);
    assert!(stage.expect_message(line, "one").dup);
    stage.expect_silence(line);
    stage.send(line, &puback(1));
    assert!(stage.expect_message(line, "two").dup);
}

#[test]
fn bytes_in_flight_are_bounded_but_one_message_always_flies() {
    let mut stage = Stage::with(Settings { max_inflight_bytes: Some(3), ..Settings::default() });
    let line = stage.join(connect("s", V5));
    stage.subscribe(line, "t", QoS::AtLeastOnce);
    let publisher = stage.join(connect("p", V5));
    stage.send(publisher, &at_least_once("t", "large", 1));
    stage.send(publisher, &at_least_once("t", "x", 2));
    stage.expect_message(line, "large");
    stage.expect_silence(line);
    stage.send(line, &puback(1));
    stage.expect_message(line, "x");
}

#[test]
fn more_than_receive_maximum_in_flight_ends_the_connection() {
    let mut stage = Stage::new();
    let line = stage.join(connect("c", V5));
    for packet_id in 1..=20 {
        stage.send(line, &exactly_once("t", "x", packet_id));
        stage.expect(line, &pubrec(packet_id));
    }
    stage.send(line, &exactly_once("t", "x", 21));
    stage.expect_refused(line, ReasonCode::RECEIVE_MAXIMUM_EXCEEDED);
}

#[test]
fn a_smaller_receive_maximum_after_a_reload_is_not_for_those_who_were_told_another() {
    let mut stage = Stage::new();
    let line = stage.join(connect("c", V5));
    let settings = Settings { max_inflight_messages: NonZeroU16::new(1), ..Settings::default() };
    stage.broker.reload(settings, Access::open(), stage.now);
    for packet_id in 1..=20 {
        stage.send(line, &exactly_once("t", "x", packet_id));
        stage.expect(line, &pubrec(packet_id));
    }
    stage.send(line, &exactly_once("t", "x", 21));
    stage.expect_refused(line, ReasonCode::RECEIVE_MAXIMUM_EXCEEDED);
}

#[test]
fn half_done_publishes_are_bounded_by_all_that_they_hold() {
    let mut stage = Stage::with(Settings { max_inflight_messages: None, ..Settings::default() });
    let line = stage.join(connect("c", V311));
    let topic = "t".repeat(65_000);
    let taken = (1..=u16::MAX).take_while(|packet_id| {
        stage.send(line, &exactly_once(&topic, "", *packet_id));
        stage.next(line).is_some()
    });
    assert_eq!(taken.count(), 64 * 1024 * 1024 / 65_000);
    stage.expect_closed(line);
}

#[test]
fn packets_above_the_limit_end_the_connection() {
    let settings = || Settings { max_packet_size: 100, ..Settings::default() };
    let mut stage = Stage::with(settings());
    let line = stage.join(connect("c", V5));
    stage.send_bytes(line, b"\x30\x64");
    stage.expect_refused(line, ReasonCode::PACKET_TOO_LARGE);
    let mut stage = Stage::with(settings());
    let line = stage.join(connect("c", V311));
    stage.send_bytes(line, b"\x30\x64");
    stage.expect_closed(line);
}

#[test]
fn payloads_above_the_limit_are_dropped_and_the_flow_completed() {
    let mut stage = Stage::with(Settings { message_size_limit: Some(3), ..Settings::default() });
    let watcher = stage.join(connect("w", V5));
    stage.subscribe(watcher, "t", QoS::AtMostOnce);
    let five = stage.join(connect("five", V5));
    stage.send(five, &at_least_once("t", "large", 1));
    stage.expect_bytes(five, "4003000197");
    stage.send(five, &exactly_once("t", "large", 2));
    stage.expect_bytes(five, "5003000297");
    let three = stage.join(connect("three", V311));
    stage.send(three, &at_least_once("t", "large", 1));
    stage.expect_bytes(three, "40020001");
    stage.expect_silence(watcher);
    stage.send(three, &at_least_once("t", "fit", 2));
    stage.expect_message(watcher, "fit");
}

#[test]
fn what_a_client_does_not_take_is_not_sent_to_it() {
    let mut stage = Stage::new();
    let properties = [Property::MaximumPacketSize(20)].into_iter().collect();
    let line = stage.join(Connect { properties, ..connect("s", V5) });
    stage.subscribe(line, "t", QoS::AtLeastOnce);
    let publisher = stage.join(connect("p", V5));
    stage.send(publisher, &at_least_once("t", "far too much for such a client", 1));
    stage.expect(publisher, &puback(1));
    stage.send(publisher, &at_least_once("t", "little", 2));
    assert_eq!(stage.expect_message(line, "little").packet_id, PacketId::new(2));
}

#[test]
fn qos_0_waits_for_absent_clients_only_if_asked_for_and_within_limits() {
    for (queue_qos0_messages, expected) in [(false, 0), (true, 2)] {
        let settings = Settings { queue_qos0_messages, max_queued_messages: Some(2), ..Settings::default() };
        let (mut stage, publisher) = with_absent(settings);
        for text in ["one", "two", "three"] {
            stage.send(publisher, &at_most_once("t", text));
        }
        let line = stage.rejoin(lasting("s", 1000), true);
        for text in ["one", "two"].into_iter().take(expected) {
            assert_eq!(stage.expect_message(line, text).qos, QoS::AtMostOnce);
        }
        stage.expect_silence(line);
    }
}

#[test]
fn upgraded_messages_take_the_qos_of_the_subscription() {
    let (mut stage, publisher) = with_absent(Settings { upgrade_outgoing_qos: true, ..Settings::default() });
    stage.send(publisher, &at_most_once("t", "x"));
    let line = stage.rejoin(lasting("s", 1000), true);
    assert_eq!(stage.expect_message(line, "x").qos, QoS::AtLeastOnce);
}

#[test]
fn a_reader_that_stops_loses_qos_0_and_keeps_qos_1() {
    let mut stage = Stage::with(Settings { max_queued_messages: Some(3), ..Settings::default() });
    let slow = stage.join(connect("s", V5));
    stage.subscribe(slow, "t", QoS::AtLeastOnce);
    let publisher = stage.join(connect("p", V5));
    // The socket takes the first message only in part.
    let send = |stage: &mut Stage, packet: Packet| {
        stage.broker.handle_packet(ConnectionId(publisher), packet, stage.now);
    };
    send(&mut stage, at_most_once("t", "0"));
    assert!(stage.broker.poll_output().is_some());
    stage.broker.handle_blocked(ConnectionId(slow));
    for text in ["1", "2", "lost", "lost"] {
        send(&mut stage, at_most_once("t", text));
    }
    assert_eq!(stage.broker.poll_output(), None, "the connection gets no more before the last is written");
    send(&mut stage, at_least_once("t", "sure", 1));
    stage.broker.handle_written(ConnectionId(slow));
    stage.collect();
    for text in ["1", "2", "sure"] {
        stage.expect_message(slow, text);
    }
    stage.expect_silence(slow);
    assert_eq!(stage.broker.statistics().publish_dropped, 2);
}

#[test]
fn a_peer_that_makes_us_answer_and_never_reads_is_let_go() {
    let mut stage = Stage::new();
    let line = stage.join(connect("c", V5));
    stage.broker.handle_packet(ConnectionId(line), Packet::PingReq, stage.now);
    assert!(stage.broker.poll_output().is_some());
    stage.broker.handle_blocked(ConnectionId(line));
    let mut pings = 0;
    while stage.broker.census().connected == 1 {
        stage.broker.handle_packet(ConnectionId(line), Packet::PingReq, stage.now);
        pings += 1;
        assert!(pings <= MAXIMUM_CONTROL_BACKLOG, "a backlog without end");
    }
    assert_eq!(stage.broker.poll_output().map(|output| output.close), Some(true));
}

#[test]
fn a_connection_that_ends_while_its_socket_fills_up_is_closed_at_once() {
    let mut stage = Stage::new();
    let line = stage.join(connect("c", V5));
    stage.broker.handle_packet(ConnectionId(line), Packet::PingReq, stage.now);
    assert!(stage.broker.poll_output().is_some());
    // Another one takes its place before its task has said that the socket takes no more.
    let other = stage.open(V5);
    let taking_over = Packet::Connect(Box::new(connect("c", V5)));
    stage.broker.handle_packet(ConnectionId(other), taking_over, stage.now);
    stage.broker.handle_blocked(ConnectionId(line));
    stage.collect();
    assert!(stage.lines[&line].closed);
    assert_eq!(stage.broker.census().open_connections, 1);
}

#[test]
fn what_a_client_was_told_at_connect_holds_through_a_reload() {
    let mut stage = Stage::new();
    let line = stage.join(connect("c", V5));
    stage.subscribe(line, "t", QoS::AtMostOnce);
    let listener = ListenerSettings { max_qos: QoS::AtMostOnce, max_topic_alias: 0, ..ListenerSettings::default() };
    let settings = Settings { retain_available: false, listeners: vec![listener], ..Settings::default() };
    let access = Access::default();
    stage.broker.reload(settings, access, stage.now);
    let properties = [Property::TopicAlias(10)].into_iter().collect();
    let publish = Publish { retain: true, properties, ..message("t", "x", QoS::AtLeastOnce, 1) };
    stage.send(line, &Packet::Publish(publish));
    stage.expect_message(line, "x");
    stage.expect(line, &puback(1));
    let line = stage.join(connect("d", V5));
    stage.send(line, &at_least_once("t", "x", 1));
    stage.expect_refused(line, ReasonCode::QOS_NOT_SUPPORTED);
}
