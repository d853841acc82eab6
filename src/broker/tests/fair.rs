//! One client asks for what takes long: it is done in slices, in order, and others are served in between. Times are CPU
//! time of the test's own thread, so that they are those of the broker and not of what runs beside it.

use std::collections::BTreeSet;

use super::*;
use crate::os::process::thread_time;

/// No slice takes longer, not even in a debug build. What is cut would take many times as much in one piece.
const SLICE: Duration = Duration::from_millis(100);

impl Stage {
    /// Sends a packet and does what it makes to do, others being served before each slice. Returns the number of slices
    /// and the time of the longest.
    #[track_caller]
    fn sliced(&mut self, line: u64, packet: &Packet, other: u64) -> (usize, Duration) {
        let start = thread_time();
        self.broker.handle_packet(ConnectionId(line), packet.clone(), self.now);
        let mut longest = thread_time().saturating_sub(start);
        let mut slices = 1;
        while self.broker.has_work() {
            assert!(!self.broker.is_busy(ConnectionId(other)), "another is kept waiting");
            self.broker.handle_packet(ConnectionId(other), Packet::PingReq, self.now);
            self.take_outputs();
            self.expect(other, &Packet::PingResp);
            let start = thread_time();
            self.broker.handle_work(self.now);
            longest = longest.max(thread_time().saturating_sub(start));
            slices += 1;
        }
        self.take_outputs();
        (slices, longest)
    }

    fn retain(&mut self, line: u64, topics: impl Iterator<Item = String>) {
        for topic in topics {
            self.broker.handle_packet(ConnectionId(line), retained(&topic, "x"), self.now);
        }
        self.take_outputs();
    }

    #[track_caller]
    fn expect_messages(&mut self, line: u64, count: usize) {
        for _ in 0..count {
            self.expect_message(line, "x");
        }
    }
}

fn subscribe_all(filters: impl Iterator<Item = String>) -> Packet {
    let options = SubscriptionOptions::default();
    let subscriptions = filters.map(|filter| Subscription { filter: filter.into(), options }).collect();
    Packet::Subscribe(Subscribe { packet_id: id(1), properties: Properties::new(), subscriptions })
}

fn unsubscribe_all(filters: impl Iterator<Item = String>) -> Packet {
    let filters = filters.map(Into::into).collect();
    Packet::Unsubscribe(Unsubscribe { packet_id: id(1), properties: Properties::new(), filters })
}

fn groups(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("$share/group{number}/t"))
}

#[test]
fn many_shared_groups_at_one_filter_come_and_go_in_slices() {
    const MANY: usize = 10_000;
    let mut stage = Stage::new();
    let (line, other) = (stage.join(connect("c", V5)), stage.join(connect("other", V5)));
    let (slices, longest) = stage.sliced(line, &subscribe_all(groups(MANY)), other);
    assert!(slices > MANY / 1024 && longest < SLICE, "{slices} slices, {longest:?}");
    stage.expect(line, &suback(&[0; MANY]));
    assert_eq!(stage.broker.census().shared_subscriptions, MANY);
    let (slices, longest) = stage.sliced(line, &unsubscribe_all(groups(MANY / 2)), other);
    assert!(slices > MANY / 2 / 1024 && longest < SLICE, "{slices} slices, {longest:?}");
    let (slices, longest) = stage.sliced(line, &leave(), other);
    assert!(slices > MANY / 2 / 1024 && longest < SLICE, "{slices} slices, {longest:?}");
    assert_eq!((stage.broker.census().shared_subscriptions, stage.broker.census().clients), (0, 1));
}

#[test]
fn retained_messages_come_in_slices_and_before_the_next_answer() {
    const TOPICS: usize = 5_000;
    let mut stage = Stage::new();
    let (line, other) = (stage.join(connect("c", V5)), stage.join(connect("other", V5)));
    stage.retain(other, (0..TOPICS).map(|number| format!("a/{number}")));
    let packet = subscribe_all(["#", "#", "a/+"].map(str::to_owned).into_iter());
    stage.broker.handle_packet(ConnectionId(line), packet.clone(), stage.now);
    assert!(stage.broker.is_busy(ConnectionId(line)), "its next packet would be answered first");
    stage.collect();
    assert_eq!(stage.broker.poll_idle(), Some(ConnectionId(line)));
    stage.expect(line, &suback(&[0; 3]));
    stage.expect_messages(line, 3 * TOPICS);
    let (slices, longest) = stage.sliced(line, &packet, other);
    assert!(slices > 3 * TOPICS / 1024 && longest < SLICE, "{slices} slices, {longest:?}");
    stage.expect(line, &suback(&[0; 3]));
    stage.expect_messages(line, 3 * TOPICS);
    stage.expect_silence(line);
}

#[test]
fn what_is_published_while_retained_messages_are_sent_is_not_followed_by_older_ones() {
    const TOPICS: usize = 5_000;
    let mut stage = Stage::new();
    let (line, other) = (stage.join(connect("c", V5)), stage.join(connect("other", V5)));
    stage.retain(other, (0..TOPICS).map(|number| format!("a/{number}")));
    stage.broker.handle_packet(ConnectionId(line), subscribe("#", qos(QoS::AtMostOnce)), stage.now);
    let last = format!("a/{}", TOPICS - 1);
    stage.broker.handle_packet(ConnectionId(other), retained(&last, "new"), stage.now);
    stage.collect();
    stage.expect(line, &suback(&[0]));
    let mut texts = Vec::new();
    while let Some(Packet::Publish(publish)) = stage.next(line) {
        if *publish.topic == *last {
            texts.push((publish.payload, publish.retain));
        }
    }
    assert_eq!(texts, [(Bytes::from_static(b"new"), false)]);
}

#[test]
fn retained_messages_wait_for_a_client_that_does_not_read_and_none_is_lost() {
    const TOPICS: usize = 20_000;
    let mut stage = Stage::new();
    let (line, other) = (stage.join(connect("c", V5)), stage.join(connect("other", V5)));
    stage.retain(other, (0..TOPICS).map(|number| format!("a/{number}")));
    stage.broker.handle_packet(ConnectionId(line), subscribe("#", qos(QoS::AtMostOnce)), stage.now);
    // The first bytes are handed over, and the socket takes no more.
    let first = stage.broker.poll_output().expect("a SUBACK at least");
    stage.broker.handle_blocked(ConnectionId(line));
    while stage.broker.has_work() {
        stage.broker.handle_work(stage.now);
    }
    let waiting = stage.broker.census().packets_out_bytes - first.bytes.len();
    assert!(waiting < 128 * 1024, "{waiting} bytes wait");
    assert!(stage.broker.is_busy(ConnectionId(line)));
    stage.lines.get_mut(&line).expect("its line").received.extend_from_slice(&first.bytes);
    stage.broker.handle_written(ConnectionId(line));
    stage.collect();
    stage.expect(line, &suback(&[0]));
    stage.expect_messages(line, TOPICS);
    assert_eq!(stage.broker.statistics().publish_dropped, 0);
}

#[test]
fn one_that_never_reads_its_retained_messages_is_heard_again_after_a_while() {
    let mut stage = Stage::new();
    let line = stage.join(Connect { keep_alive: 0, ..connect("c", V5) });
    let other = stage.join(Connect { keep_alive: 0, ..connect("other", V5) });
    stage.retain(other, (0..20_000).map(|number| format!("a/{number}")));
    stage.broker.handle_packet(ConnectionId(line), subscribe("#", qos(QoS::AtMostOnce)), stage.now);
    assert!(stage.broker.poll_output().is_some());
    stage.broker.handle_blocked(ConnectionId(line));
    for (seconds, is_busy) in [(0, true), (29, true), (2, false)] {
        stage.tick(stage.now.elapsed + Duration::from_secs(seconds));
        stage.broker.handle_deadline(stage.now);
        while stage.broker.has_work() {
            stage.broker.handle_work(stage.now);
        }
        assert_eq!(stage.broker.is_busy(ConnectionId(line)), is_busy, "after {:?}", stage.now.elapsed);
    }
    assert!(stage.broker.statistics().publish_dropped > 0);
}

#[test]
fn work_for_a_session_goes_on_for_the_connection_that_takes_it_over() {
    const TOPICS: usize = 5_000;
    let mut stage = Stage::new();
    let (line, other) = (stage.join(lasting("c", 100)), stage.join(connect("other", V5)));
    stage.retain(other, (0..TOPICS).map(|number| format!("a/{number}")));
    let again = stage.open(V5);
    stage.broker.handle_packet(ConnectionId(line), subscribe("#", qos(QoS::AtMostOnce)), stage.now);
    stage.broker.handle_work(stage.now);
    stage.take_outputs();
    let before = std::iter::from_fn(|| stage.next(line)).filter(|one| matches!(one, Packet::Publish(_))).count();
    stage.broker.handle_packet(ConnectionId(again), Packet::Connect(Box::new(lasting("c", 100))), stage.now);
    assert!(before > 0 && stage.broker.is_busy(ConnectionId(again)), "{before}");
    stage.collect();
    assert_eq!(stage.broker.poll_idle(), Some(ConnectionId(again)));
    assert!(matches!(stage.next(again), Some(Packet::ConnAck(_))));
    stage.expect_messages(again, TOPICS - before);
    stage.expect_silence(again);
}

#[test]
fn a_session_with_a_long_queue_is_resumed_and_ended_in_slices() {
    const QUEUED: usize = 20_000;
    let settings = Settings {
        max_queued_messages: None,
        max_inflight_messages: None,
        queue_qos0_messages: true,
        ..Settings::default()
    };
    let mut stage = Stage::with(settings);
    let line = stage.join(lasting("c", 1000));
    stage.subscribe(line, "t", QoS::AtLeastOnce);
    stage.cut(line);
    let other = stage.join(connect("other", V5));
    for number in 0..QUEUED {
        let packet = if number % 2 == 0 { at_most_once("t", "x") } else { at_least_once("t", "x", 1) };
        stage.broker.handle_packet(ConnectionId(other), packet, stage.now);
    }
    stage.take_outputs();
    while stage.next(other).is_some() {}
    let line = stage.open(V5);
    let (slices, longest) = stage.sliced(line, &Packet::Connect(Box::new(lasting("c", 1000))), other);
    assert!(slices > QUEUED / 1024 && longest < SLICE, "{slices} slices, {longest:?}");
    assert!(matches!(stage.next(line), Some(Packet::ConnAck(_))));
    stage.expect_messages(line, QUEUED);
    stage.cut(line);
    let line = stage.open(V5);
    let fresh = Connect { clean_start: true, ..lasting("c", 1000) };
    let (slices, longest) = stage.sliced(line, &Packet::Connect(Box::new(fresh)), other);
    assert!(slices > QUEUED / 2 / 1024 && longest < SLICE, "{slices} slices, {longest:?}");
}

#[test]
fn what_is_left_of_a_session_gets_nothing_and_has_no_turn_in_its_groups() {
    const MANY: usize = 5_000;
    let mut stage = Stage::new();
    let (line, other) = (stage.join(connect("c", V5)), stage.join(connect("other", V5)));
    let mine = (0..MANY).map(|number| format!("x/{number}"));
    stage.send(line, &subscribe_all(["$share/g/t".to_owned()].into_iter().chain(mine.clone())));
    stage.subscribe(other, "$share/g/t", QoS::AtMostOnce);
    stage.broker.handle_packet(ConnectionId(line), leave(), stage.now);
    assert!(stage.broker.has_work());
    // Whoever comes now does not get the place of the one that is not cleared away yet.
    let third = stage.open(V5);
    stage.broker.handle_packet(ConnectionId(third), Packet::Connect(Box::new(connect("third", V5))), stage.now);
    for number in 0..MANY {
        let packet = at_most_once(&format!("x/{number}"), "x");
        stage.broker.handle_packet(ConnectionId(other), packet, stage.now);
    }
    for _ in 0..4 {
        stage.broker.handle_packet(ConnectionId(other), at_most_once("t", "x"), stage.now);
    }
    stage.take_outputs();
    assert!(matches!(stage.next(third), Some(Packet::ConnAck(_))));
    stage.expect_silence(third);
    stage.expect_messages(other, 4);
    stage.expect_silence(other);
    stage.collect();
    assert_eq!(stage.broker.census().subscriptions, 0);
}

#[test]
fn a_delayed_will_is_sent_though_the_filters_of_its_session_go_in_slices() {
    const MANY: usize = 5_000;
    let mut stage = Stage::new();
    let other = stage.join(connect("other", V5));
    stage.subscribe(other, "w", QoS::AtMostOnce);
    let properties = [Property::WillDelayInterval(5)].into_iter().collect();
    let line = stage.join(Connect { will: Some(Will { properties, ..will("w", "x") }), ..connect("c", V5) });
    stage.send(line, &subscribe_all((0..MANY).map(|number| format!("x/{number}"))));
    stage.broker.handle_close(ConnectionId(line), Closing::ByClient, stage.now);
    assert!(stage.broker.has_work());
    stage.collect();
    stage.expect_message(other, "x");
    assert_eq!((stage.broker.census().clients, stage.broker.census().subscriptions), (1, 1));
}

#[test]
fn a_sweep_looks_at_many_retained_messages_in_slices() {
    const TOPICS: usize = 5_000;
    let interval = Some(Duration::from_secs(60));
    let mut stage = Stage::with(Settings { retain_expiry_interval: interval, ..Settings::default() });
    let other = stage.join(Connect { keep_alive: 0, ..connect("other", V5) });
    for number in 0..TOPICS {
        let Packet::Publish(mut publish) = retained(&format!("a/{number}"), "x") else { unreachable!() };
        publish.properties.push(Property::MessageExpiryInterval(30 + 60 * (number as u32 % 2)));
        stage.broker.handle_packet(ConnectionId(other), Packet::Publish(publish), stage.now);
    }
    stage.take_outputs();
    stage.tick(Monotonic::after_start(Duration::from_secs(60)));
    stage.broker.handle_deadline(stage.now);
    assert!(stage.broker.has_work());
    stage.collect();
    assert_eq!(stage.broker.census().retained, TOPICS / 2);
    stage.pass_seconds(60);
    assert_eq!(stage.broker.census().retained, 0);
}

#[test]
fn subscriptions_are_bounded_per_packet_and_per_session() {
    let limits = Settings { max_subscriptions: Some(3), max_subscriptions_per_packet: Some(2), ..Settings::default() };
    let mut stage = Stage::with(limits);
    let line = stage.join(connect("c", V5));
    let filters =
        |names: &[&str]| subscribe_all(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>().into_iter());
    stage.send(line, &filters(&["a", "b", "c"]));
    stage.expect(line, &suback(&[0, 0, 0x97]));
    stage.send(line, &filters(&["c", "d"]));
    stage.expect(line, &suback(&[0, 0x97]));
    stage.send(line, &filters(&["a"]));
    stage.expect(line, &suback(&[0]));
    stage.send(line, &unsubscribe_all(["b".to_owned()].into_iter()));
    assert!(matches!(stage.next(line), Some(Packet::UnsubAck(_))));
    stage.send(line, &filters(&["d"]));
    stage.expect(line, &suback(&[0]));
}

#[test]
fn a_subscribe_that_the_store_fails_under_is_not_acknowledged() {
    const MANY: usize = 5_000;
    let mut stage = Stage::with(Settings { persistent: true, ..Settings::default() });
    let line = stage.join(lasting("c", 1000));
    let packet = subscribe_all((0..MANY).map(|number| format!("x/{number}")));
    stage.broker.handle_packet(ConnectionId(line), packet.clone(), stage.now);
    assert!(stage.broker.is_busy(ConnectionId(line)));
    stage.set_store(Disk::Fails);
    stage.expect_refused(line, ReasonCode::QUOTA_EXCEEDED);
    stage.set_store(Disk::Works);
    // What was noted before the failure was written at last, and the client asks again.
    let line = stage.rejoin(lasting("c", 1000), true);
    stage.send(line, &packet);
    stage.expect(line, &suback(&[0; MANY]));
    let stored = stage.changes.iter().filter(|change| matches!(change, Change::Subscribed(..))).count();
    assert!(stored >= MANY, "{stored}");
}

/// So many clients that are subscribed to `t`.
fn audience(stage: &mut Stage, count: usize) -> Vec<u64> {
    let join = |number: usize| {
        let line = stage.join(connect(&format!("listener{number}"), V5));
        stage.subscribe(line, "t", QoS::AtLeastOnce);
        line
    };
    (0..count).map(join).collect()
}

#[test]
fn a_message_for_very_many_is_delivered_in_slices_and_its_publisher_answered_behind_it() {
    const MANY: usize = 5_000;
    let mut stage = Stage::new();
    let (line, other) = (stage.join(connect("c", V5)), stage.join(connect("other", V5)));
    stage.sliced(line, &subscribe_all(groups(MANY)), other);
    stage.expect(line, &suback(&[0; MANY]));
    for packet in [at_least_once("t", "x", 1), at_most_once("t", "x")] {
        let (slices, longest) = stage.sliced(line, &packet, other);
        assert!(slices > MANY / 1024 && longest < SLICE, "{slices} slices, {longest:?}");
        stage.expect_messages(line, MANY);
        if packet == at_most_once("t", "x") {
            stage.expect_silence(line);
        } else {
            stage.expect(line, &puback(1));
        }
    }
    stage.send(other, &exactly_once("t", "x", 1));
    stage.expect(other, &pubrec(1));
    stage.broker.handle_packet(ConnectionId(other), pubrel(1), stage.now);
    stage.take_outputs();
    assert!(stage.broker.is_busy(ConnectionId(other)), "its next packet would be answered first");
    stage.expect_silence(other);
    stage.collect();
    stage.expect(other, &pubcomp(1));
    stage.expect_messages(line, MANY);
}

#[test]
fn messages_of_one_client_for_very_many_keep_their_order_and_outlast_it() {
    let mut stage = Stage::new();
    let listeners = audience(&mut stage, 2_000);
    let publisher = stage.join(connect("publisher", V5));
    let again = stage.open(V5);
    stage.broker.handle_packet(ConnectionId(publisher), at_most_once("t", "1"), stage.now);
    assert!(stage.broker.is_busy(ConnectionId(publisher)), "what it sends next would overtake");
    // It is back on another connection, and publishes there, before all have the message.
    for packet in [Packet::Connect(Box::new(connect("publisher", V5))), at_most_once("t", "2")] {
        assert!(!stage.broker.is_busy(ConnectionId(again)), "what it sends waits for nothing yet");
        stage.broker.handle_packet(ConnectionId(again), packet, stage.now);
    }
    stage.collect();
    for line in listeners {
        stage.expect_message(line, "1");
        stage.expect_message(line, "2");
        stage.expect_silence(line);
    }
}

#[test]
fn what_a_client_publishes_that_is_back_comes_behind_its_will_for_very_many() {
    let published = [
        (connect("publisher", V5), vec![at_least_once("t", "back", 1)], puback(1)),
        // For what is kept there is one transaction, which has no slices.
        (lasting("publisher", 1000), vec![exactly_once("t", "back", 1), pubrel(1)], pubcomp(1)),
    ];
    for (back, packets, answer) in published {
        let mut stage = Stage::with(Settings { persistent: true, ..Settings::default() });
        let listeners = audience(&mut stage, 2_000);
        let publisher = stage.join(Connect { will: Some(will("t", "gone")), ..connect("publisher", V5) });
        let again = stage.open(V5);
        stage.broker.handle_close(ConnectionId(publisher), Closing::ByClient, stage.now);
        assert!(stage.broker.is_fanning_out(), "all have the will already");
        for packet in [Packet::Connect(Box::new(back))].into_iter().chain(packets) {
            stage.broker.handle_packet(ConnectionId(again), packet, stage.now);
        }
        stage.collect();
        for line in listeners {
            stage.expect_message(line, "gone");
            stage.expect_message(line, "back");
            stage.expect_silence(line);
        }
        let last = std::iter::from_fn(|| stage.next(again)).last();
        assert_eq!(last, Some(answer));
    }
}

#[test]
fn a_will_for_very_many_comes_behind_what_its_client_has_published() {
    let mut stage = Stage::new();
    let listeners = audience(&mut stage, 2_000);
    let publisher = stage.join(Connect { will: Some(will("t", "gone")), ..connect("publisher", V5) });
    stage.broker.handle_packet(ConnectionId(publisher), at_least_once("t", "1", 1), stage.now);
    assert!(stage.broker.is_busy(ConnectionId(publisher)), "all have it already");
    stage.cut(publisher);
    stage.collect();
    for line in listeners {
        stage.expect_message(line, "1");
        stage.expect_message(line, "gone");
        stage.expect_silence(line);
    }
}

#[test]
fn a_will_of_a_client_that_is_back_comes_behind_all_that_it_has_published() {
    let mut stage = Stage::new();
    let listeners = audience(&mut stage, 2_000);
    let publisher = stage.join(connect("publisher", V5));
    let again = stage.open(V5);
    stage.broker.handle_packet(ConnectionId(publisher), at_most_once("t", "1"), stage.now);
    let back = Connect { will: Some(will("t", "gone")), ..connect("publisher", V5) };
    for packet in [Packet::Connect(Box::new(back)), at_most_once("t", "2")] {
        stage.broker.handle_packet(ConnectionId(again), packet, stage.now);
    }
    assert!(stage.broker.is_busy(ConnectionId(again)), "all have the second message already");
    // Before the will goes the second message, and before that one what is left of the first.
    stage.broker.handle_close(ConnectionId(again), Closing::ByClient, stage.now);
    stage.collect();
    for line in listeners {
        stage.expect_message(line, "1");
        stage.expect_message(line, "2");
        stage.expect_message(line, "gone");
        stage.expect_silence(line);
    }
}

#[test]
fn nothing_is_delivered_behind_an_unsuback_or_to_who_came_later() {
    let mut stage = Stage::new();
    let listeners = audience(&mut stage, 2_000);
    let publisher = stage.join(connect("publisher", V5));
    let (leaves, last) = (listeners[1_998], listeners[1_999]);
    stage.broker.handle_packet(ConnectionId(publisher), at_most_once("t", "x"), stage.now);
    stage.broker.handle_packet(ConnectionId(leaves), leave(), stage.now);
    stage.broker.handle_packet(ConnectionId(last), unsubscribe_all(std::iter::once("t".to_owned())), stage.now);
    stage.take_outputs();
    stage.expect_silence(last);
    // It has the key of the one that has left.
    let late = stage.open(V5);
    stage.broker.handle_packet(ConnectionId(late), Packet::Connect(Box::new(connect("late", V5))), stage.now);
    stage.collect();
    stage.expect_message(last, "x");
    assert!(matches!(stage.next(last), Some(Packet::UnsubAck(_))));
    assert!(matches!(stage.next(late), Some(Packet::ConnAck(_))));
    stage.expect_silence(late);
}

#[test]
fn messages_of_the_broker_and_wills_for_very_many_are_delivered_in_slices_and_in_order() {
    let mut stage = Stage::new();
    let listeners = audience(&mut stage, 2_000);
    let own = |payload: &'static str| OwnMessage {
        topic: "t".into(),
        payload: payload.into(),
        qos: QoS::AtMostOnce,
        retain: false,
        expiry: None,
    };
    stage.broker.publish_own(own("1"), stage.now);
    stage.broker.publish_own(own("2"), stage.now);
    let lost = stage.join(Connect { will: Some(will("t", "3")), ..connect("lost", V5) });
    stage.broker.handle_close(ConnectionId(lost), Closing::ByClient, stage.now);
    stage.broker.handle_work(stage.now);
    assert!(stage.broker.is_fanning_out());
    stage.collect();
    for line in listeners {
        for payload in ["1", "2", "3"] {
            stage.expect_message(line, payload);
        }
    }
}

#[test]
fn a_publisher_whose_message_for_very_many_is_not_stored_is_let_go() {
    let mut stage = Stage::with(Settings { persistent: true, ..Settings::default() });
    for number in 0..2_000 {
        let line = stage.join(lasting(&format!("away{number}"), 1000));
        stage.subscribe(line, "t", QoS::AtLeastOnce);
        stage.cut(line);
    }
    let publisher = stage.join(connect("publisher", V5));
    stage.set_store(Disk::Waits);
    stage.broker.handle_packet(ConnectionId(publisher), at_least_once("t", "x", 1), stage.now);
    stage.take_outputs();
    stage.set_store(Disk::Fails);
    assert!(!stage.lines[&publisher].received.starts_with(&[0x40]), "it was acknowledged");
    assert!(stage.lines[&publisher].closed);
}

#[test]
fn a_session_with_more_in_hand_than_a_slice_is_counted_too() {
    const MANY: u16 = 1_100;
    let mut stage = Stage::new();
    let away = stage.join(Connect { clean_start: false, ..connect("away", V311) });
    stage.subscribe(away, "t", QoS::AtLeastOnce);
    for packet_id in 1..=MANY {
        stage.send(away, &exactly_once("not/released", "x", packet_id));
    }
    stage.cut(away);
    let publisher = stage.join(connect("publisher", V311));
    for packet_id in 1..=2 {
        stage.send(publisher, &at_least_once("t", "x", packet_id));
    }
    assert_eq!(stage.broker.recent_census().stored, usize::from(MANY) + 2);
}

#[test]
fn messages_that_wait_are_counted_in_slices_where_they_are_many() {
    const MANY: usize = 70_000;
    let mut stage = Stage::with(Settings { max_queued_messages: None, ..Settings::default() });
    let away = stage.join(lasting("away", 1000));
    let few = stage.join(lasting("few", 1000));
    for line in [away, few] {
        stage.subscribe(line, "t", QoS::AtLeastOnce);
        stage.cut(line);
    }
    let publisher = stage.join(connect("publisher", V311));
    stage.send(publisher, &at_least_once("t", "x", 1));
    assert_eq!(stage.broker.recent_census().stored, 1);
    for _ in 0..MANY {
        stage.broker.handle_packet(ConnectionId(publisher), at_least_once("t", "x", 1), stage.now);
    }
    stage.take_outputs();
    assert_eq!(stage.broker.recent_census().stored, 1, "they are to be counted");
    let mut slices = 0;
    while stage.broker.has_work() {
        stage.broker.handle_work(stage.now);
        slices += 1;
    }
    assert!(slices > MANY / 1024, "{slices}");
    let counted = stage.broker.recent_census();
    assert_eq!((counted.stored, counted.stored_bytes), (MANY + 1, MANY as u64 + 1));
    assert_eq!(stage.broker.census(), counted);
}

#[test]
fn an_answer_goes_out_before_most_of_what_goes_to_very_many() {
    const MANY: usize = 600;
    let mut stage = Stage::new();
    let listeners = audience(&mut stage, MANY);
    let [publisher, other] = ["publisher", "other"].map(|id| stage.join(connect(id, V5)));
    stage.broker.handle_packet(ConnectionId(publisher), at_most_once("t", "x"), stage.now);
    while stage.broker.has_work() {
        stage.broker.handle_work(stage.now);
    }
    stage.broker.handle_packet(ConnectionId(other), Packet::PingReq, stage.now);
    assert!(stage.broker.has_output());
    let outputs: Vec<_> = std::iter::from_fn(|| stage.broker.poll_output()).map(|output| output.connection.0).collect();
    // Who has waited longest is not passed over for it, and all have theirs in the end.
    assert_eq!(outputs[..2], [other, listeners[0]]);
    assert_eq!(outputs.len(), MANY + 1);
    assert!(!stage.broker.has_output());
}

#[test]
fn sessions_that_end_at_one_moment_end_in_slices() {
    const MANY: usize = 2_000;
    let mut stage = Stage::new();
    for number in 0..MANY {
        let line = stage.join(lasting(&format!("c{number}"), 10));
        stage.cut(line);
    }
    let other = stage.join(Connect { keep_alive: 0, ..connect("other", V5) });
    stage.tick(Monotonic::after_start(Duration::from_secs(10)));
    let mut slices = 0;
    while stage.broker.poll_deadline().is_some_and(|due| due <= stage.now.elapsed) {
        let before = stage.broker.census().clients;
        stage.broker.handle_deadline(stage.now);
        let ended = before - stage.broker.census().clients;
        assert!((1..=MANY / 10).contains(&ended), "{ended} at once");
        slices += 1;
    }
    assert!(slices >= 10, "{slices}");
    assert_eq!(stage.broker.census().clients, 1);
    stage.send(other, &Packet::PingReq);
    stage.expect(other, &Packet::PingResp);
}

#[test]
fn wills_that_are_due_at_one_moment_for_many_are_sent_in_slices() {
    const MANY: usize = 200;
    let mut stage = Stage::new();
    let listeners = audience(&mut stage, 100);
    let properties: Properties = [Property::WillDelayInterval(5)].into_iter().collect();
    for number in 0..MANY {
        let will = Will { properties: properties.clone(), ..will("t", "gone") };
        let line = stage.join(Connect { will: Some(will), ..lasting(&format!("c{number}"), 1000) });
        stage.cut(line);
    }
    stage.tick(Monotonic::after_start(Duration::from_secs(5)));
    let mut slices = 0;
    while stage.broker.poll_deadline().is_some_and(|due| due <= stage.now.elapsed) {
        stage.broker.handle_deadline(stage.now);
        stage.take_outputs();
        slices += 1;
    }
    assert!(slices >= MANY * listeners.len() / 1024, "{slices}");
    for line in listeners {
        for _ in 0..MANY {
            stage.expect_message(line, "gone");
        }
    }
}

#[test]
fn subscriptions_are_listed_in_slices_and_none_that_stays_is_left_out() {
    const MANY: usize = 5_000;
    let mut stage = Stage::new();
    let (line, other) = (stage.join(connect("c", V5)), stage.join(connect("other", V5)));
    stage.send(line, &subscribe_all((0..MANY).map(|number| format!("x/{number}"))));
    stage.subscribe(other, "y", QoS::AtMostOnce);
    while stage.next(line).is_some() {}
    stage.broker.list_subscriptions();
    let (mut slices, mut list) = (0, None);
    while list.is_none() {
        stage.broker.handle_work(stage.now);
        list = stage.broker.poll_subscriptions();
        slices += 1;
        if slices == 6 {
            // So many that the table in which they are has to grow, and another order.
            let more = subscribe_all((0..MANY).map(|number| format!("z/{number}")));
            stage.broker.handle_packet(ConnectionId(line), more, stage.now);
        }
    }
    assert!(slices > MANY / 1024, "{slices}");
    let list = list.expect("it is made");
    assert!(stage.broker.poll_subscriptions().is_none());
    let mut stayed: Vec<_> = list
        .iter()
        .filter(|(filter, _)| !filter.starts_with('z'))
        .map(|(filter, client)| (&**filter, &**client))
        .collect();
    stayed.sort_unstable();
    let mut expected: Vec<_> = (0..MANY).map(|number| format!("x/{number}")).collect();
    expected.sort_unstable();
    let expected: Vec<_> = expected.iter().map(|filter| (&**filter, "c")).chain([("y", "other")]).collect();
    assert_eq!(stayed, expected);
}

/// How many changes each commit has until there is nothing more to do, and how many there are at least.
fn batches(stage: &mut Stage) -> Vec<usize> {
    let mut sizes = Vec::new();
    loop {
        while stage.broker.has_work() {
            stage.broker.handle_work(stage.now);
        }
        if !stage.broker.has_changes() {
            return sizes;
        }
        let changes = stage.broker.take_changes();
        sizes.push(changes.len());
        stage.changes.extend(changes);
        // What is deferred goes on when the store has answered.
        stage.broker.handle_stored(stage.now);
        stage.broker.handle_deadline(stage.now);
    }
}

/// No commit has more, however much one client makes to be stored.
const BATCH: usize = 4096;

fn away(stage: &mut Stage, count: usize) {
    for number in 0..count {
        let line = stage.join(lasting(&format!("away{number}"), 1000));
        stage.subscribe(line, "t", QoS::AtLeastOnce);
        stage.cut(line);
    }
}

#[test]
fn a_message_for_many_that_are_away_is_stored_in_many_commits_and_another_has_its_own_in_the_next() {
    const MANY: usize = 10_000;
    let mut stage = Stage::with(Settings { persistent: true, ..Settings::default() });
    away(&mut stage, MANY);
    let [publisher, other, one] = ["publisher", "other", "one"].map(|id| stage.join(lasting(id, 1000)));
    stage.subscribe(one, "u", QoS::AtLeastOnce);
    stage.cut(one);
    stage.broker.handle_packet(ConnectionId(publisher), at_least_once("t", "x", 1), stage.now);
    while stage.broker.has_work() {
        stage.broker.handle_work(stage.now);
    }
    let first = stage.broker.take_changes();
    assert!(first.len() < BATCH, "{}", first.len());
    while stage.broker.has_work() {
        stage.broker.handle_work(stage.now);
    }
    // The other publishes while the store writes, and what it publishes is in the next commit.
    stage.broker.handle_packet(ConnectionId(other), at_least_once("u", "x", 1), stage.now);
    assert!(!stage.broker.is_busy(ConnectionId(other)));
    stage.broker.handle_stored(stage.now);
    let second = stage.broker.take_changes();
    assert!(second.len() < BATCH, "{}", second.len());
    assert!(second.iter().any(|change| matches!(change, Change::Stored(message) if *message.topic == *"u")));
    stage.broker.handle_stored(stage.now);
    let sizes = batches(&mut stage);
    assert!(sizes.len() > MANY / BATCH && sizes.iter().all(|&size| size < BATCH), "{sizes:?}");
    stage.poll_outputs();
    stage.expect(other, &puback(1));
    stage.expect(publisher, &puback(1));
    assert!(!stage.broker.is_busy(ConnectionId(publisher)));
    assert_eq!(stage.broker.count_stored().messages, 2);
}

#[test]
fn a_will_for_many_that_are_away_and_their_end_are_stored_in_many_commits() {
    const MANY: usize = 10_000;
    let mut stage = Stage::with(Settings { persistent: true, ..Settings::default() });
    away(&mut stage, MANY);
    let will = Will { qos: QoS::AtLeastOnce, ..will("t", "gone") };
    let lost = stage.join(Connect { will: Some(will), ..connect("lost", V5) });
    stage.broker.handle_close(ConnectionId(lost), Closing::ByClient, stage.now);
    let sizes = batches(&mut stage);
    assert!(sizes.len() > MANY / BATCH && sizes.iter().all(|&size| size < BATCH), "{sizes:?}");
    // They all end at one moment.
    stage.tick(Monotonic::after_start(Duration::from_secs(1000)));
    stage.broker.handle_deadline(stage.now);
    let mut turns = 0;
    while stage.broker.poll_deadline().is_some_and(|due| due <= stage.now.elapsed) {
        stage.broker.handle_deadline(stage.now);
        turns += 1;
    }
    assert!(turns < MANY, "it goes on for ever");
    let sizes = batches(&mut stage);
    assert!(sizes.len() > MANY / BATCH && sizes.iter().all(|&size| size < BATCH), "{sizes:?}");
    assert_eq!(stage.broker.census().clients, 0);
}

#[test]
fn who_publishes_much_waits_while_a_commit_has_enough_and_who_publishes_little_does_not() {
    let mut stage = Stage::with(Settings { persistent: true, max_queued_messages: None, ..Settings::default() });
    away(&mut stage, 1);
    let [much, little] = ["much", "little"].map(|id| stage.join(connect(id, V311)));
    let mut published = 0;
    while !stage.broker.handle_packet(ConnectionId(much), at_least_once("t", "x", 1), stage.now) {
        published += 1;
        assert!(published < BATCH, "it never waits");
    }
    assert!(published > 256, "{published}");
    for _ in 0..10 {
        assert!(!stage.broker.handle_packet(ConnectionId(little), at_least_once("t", "x", 1), stage.now));
    }
    // The same at QoS 0, where nothing is answered.
    let mut kept = 0;
    while !stage.broker.handle_packet(ConnectionId(little), retained("r", "x"), stage.now) {
        kept += 1;
        assert!(kept < BATCH, "it never waits");
    }
    stage.take_outputs();
    let idle: BTreeSet<_> = std::iter::from_fn(|| stage.broker.poll_idle()).map(|id| id.0).collect();
    assert_eq!(idle, BTreeSet::from([much, little]));
    assert!(!stage.broker.is_busy(ConnectionId(much)) && !stage.broker.is_busy(ConnectionId(little)));
}

#[test]
fn large_messages_fill_a_commit_sooner() {
    let mut stage = Stage::with(Settings { persistent: true, max_queued_messages: None, ..Settings::default() });
    away(&mut stage, 1);
    let much = stage.join(connect("much", V311));
    let Packet::Publish(mut publish) = at_least_once("t", "x", 1) else { unreachable!() };
    publish.payload = Bytes::from(vec![0; 100_000]);
    let mut published = 0;
    while !stage.broker.handle_packet(ConnectionId(much), Packet::Publish(publish.clone()), stage.now) {
        published += 1;
        assert!(published < 100, "it never waits");
    }
}

#[test]
fn nobody_waits_for_a_store_that_fails() {
    let mut stage = Stage::with(Settings { persistent: true, ..Settings::default() });
    away(&mut stage, 5_000);
    let publisher = stage.join(connect("publisher", V5));
    stage.set_store(Disk::Waits);
    stage.broker.handle_packet(ConnectionId(publisher), at_least_once("t", "x", 1), stage.now);
    stage.collect();
    assert!(stage.broker.is_busy(ConnectionId(publisher)) && !stage.broker.has_work());
    stage.set_store(Disk::Fails);
    assert!(!stage.broker.has_work() && !stage.broker.is_fanning_out());
    // In memory all have it.
    assert_eq!(stage.broker.sessions.iter().filter(|(_, session)| session.outgoing.queued() == 1).count(), 5_000);
    stage.set_store(Disk::Works);
    let line = stage.rejoin(lasting("away4999", 1000), true);
    stage.expect_message(line, "x");
}
