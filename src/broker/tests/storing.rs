//! A store that keeps others waiting, or takes nothing.

use bytestring::ByteString;

use super::*;

fn persistent() -> Settings {
    Settings { persistent: true, ..Settings::default() }
}

/// A 3.1.1 client whose session is kept.
fn kept(client_id: &str) -> Connect {
    Connect { clean_start: false, ..connect(client_id, V311) }
}

#[track_caller]
fn expect_connack(stage: &mut Stage, connect: Connect, code: u8) {
    let line = stage.open(connect.version);
    stage.send(line, &Packet::Connect(Box::new(connect)));
    match stage.next(line) {
        Some(Packet::ConnAck(connack)) => assert_eq!((connack.code, connack.session_present), (code, false)),
        other => panic!("expected a CONNACK with {code}, got {other:?}"),
    }
}

#[test]
fn nothing_that_rests_on_the_store_is_said_before_it_answers_and_nobody_else_waits() {
    let mut stage = Stage::with(persistent());
    let away = stage.join(lasting("away", 1000));
    stage.subscribe(away, "t/#", QoS::ExactlyOnce);
    stage.cut(away);
    let publisher = stage.join(connect("publisher", V5));
    let listener = stage.join(connect("listener", V5));
    stage.set_store(Disk::Waits);
    stage.send(publisher, &at_least_once("t/1", "x", 1));
    let late = stage.open(V5);
    stage.send(late, &Packet::Connect(Box::new(lasting("late", 1000))));
    // These need no store.
    stage.subscribe(listener, "t/2", QoS::AtMostOnce);
    stage.send(listener, &Packet::PingReq);
    stage.expect(listener, &Packet::PingResp);
    stage.send(listener, &at_least_once("nobody", "x", 1));
    stage.expect(listener, &unheard(1));
    stage.send(publisher, &at_most_once("t/2", "now"));
    stage.expect_message(listener, "now");
    let quick = stage.join(connect("quick", V311));
    stage.expect_silence(quick);
    stage.expect_silence(publisher);
    stage.expect_silence(late);
    stage.set_store(Disk::Works);
    stage.expect(publisher, &puback(1));
    assert!(matches!(stage.next(late), Some(Packet::ConnAck(ConnAck { code: 0, .. }))));
}

#[test]
fn an_answer_that_is_stored_goes_though_the_socket_was_busy_when_the_next_came() {
    let mut stage = Stage::with(persistent());
    let away = stage.join(lasting("away", 1000));
    stage.subscribe(away, "t", QoS::ExactlyOnce);
    stage.cut(away);
    let publisher = stage.join(connect("publisher", V5));
    let line = ConnectionId(publisher);
    // The socket takes the PINGRESP, and has not written it while two messages come and the store is handed the first.
    stage.broker.handle_packet(line, Packet::PingReq, stage.now);
    assert!(stage.broker.poll_output().is_some());
    for packet_id in 1..=3 {
        stage.broker.handle_packet(line, at_least_once("t", "x", packet_id), stage.now);
        assert_eq!(stage.broker.poll_output(), None);
        if packet_id < 3 {
            assert!(!stage.broker.take_changes().is_empty());
            if packet_id == 1 {
                stage.broker.handle_stored(stage.now);
            }
        }
    }
    let written = |stage: &mut Stage| {
        stage.broker.handle_written(line);
        stage.broker.poll_output().map(|output| output.bytes.to_vec())
    };
    assert_eq!(written(&mut stage).as_deref(), Some(&b"\x40\x02\x00\x01"[..]), "the first is stored");
    assert_eq!(written(&mut stage), None, "the second is not");
    stage.broker.handle_stored(stage.now);
    assert_eq!(
        stage.broker.poll_output().map(|output| output.bytes.to_vec()).as_deref(),
        Some(&b"\x40\x02\x00\x02"[..])
    );
    stage.broker.take_changes();
    stage.broker.handle_stored(stage.now);
    assert_eq!(written(&mut stage).as_deref(), Some(&b"\x40\x02\x00\x03"[..]));
}

#[test]
fn when_the_store_fails_only_who_waited_for_it_is_let_go() {
    let mut stage = Stage::with(persistent());
    let away = stage.join(lasting("away", 1000));
    stage.subscribe(away, "t", QoS::ExactlyOnce);
    stage.cut(away);
    let (five, three) = (stage.join(connect("five", V5)), stage.join(connect("three", V311)));
    let bystander = stage.join(connect("bystander", V5));
    stage.subscribe(bystander, "t", QoS::AtMostOnce);
    stage.set_store(Disk::Waits);
    stage.send(five, &at_least_once("t", "1", 1));
    stage.send(three, &at_least_once("t", "2", 1));
    let (late_five, late_three) = (stage.open(V5), stage.open(V311));
    stage.send(late_five, &Packet::Connect(Box::new(lasting("late five", 1000))));
    stage.send(late_three, &Packet::Connect(Box::new(kept("late three"))));
    stage.set_store(Disk::Fails);
    stage.expect_refused(five, ReasonCode::QUOTA_EXCEEDED);
    stage.expect_closed(three);
    for (line, code) in [(late_five, 0x97), (late_three, 3)] {
        let Some(Packet::ConnAck(connack)) = stage.next(line) else { panic!("the first packet is a CONNACK") };
        assert_eq!(connack.code, code);
        stage.expect_closed(line);
    }
    stage.expect_message(bystander, "1");
    stage.expect_message(bystander, "2");
    stage.expect_silence(bystander);
}

#[test]
fn while_the_store_fails_what_needs_it_is_refused_and_the_rest_goes_on() {
    let mut stage = Stage::with(persistent());
    let member = stage.join(lasting("member", 1000));
    stage.subscribe(member, "t", QoS::ExactlyOnce);
    let passing = stage.join(connect("passing", V5));
    let three = stage.join(kept("three"));
    stage.cut(three);
    stage.set_store(Disk::Fails);
    expect_connack(&mut stage, lasting("new", 1000), 0x97);
    expect_connack(&mut stage, Connect { client_id: ByteString::new(), ..lasting("", 1000) }, 0x97);
    expect_connack(&mut stage, kept("new"), 3);
    expect_connack(&mut stage, Connect { clean_start: true, ..lasting("member", 1000) }, 0x97);
    // A session that is kept goes on, so that its client can take what waits; its will could not be kept.
    expect_connack(&mut stage, Connect { will: Some(will("w", "x")), ..lasting("member", 1000) }, 0x97);
    let member = stage.rejoin(lasting("member", 1000), true);
    stage.subscribe(member, "t", QoS::AtLeastOnce);
    stage.send(member, &subscribe("other", qos(QoS::AtLeastOnce)));
    stage.expect(member, &suback(&[0x97]));
    let three = stage.rejoin(kept("three"), true);
    stage.send(three, &subscribe("other", qos(QoS::AtLeastOnce)));
    stage.expect(three, &suback(&[0x80]));
    // A session that ends with its connection needs no store.
    stage.subscribe(passing, "other", QoS::AtLeastOnce);
    stage.send(passing, &at_most_once("t", "goes on"));
    stage.expect_message(member, "goes on");
    stage.send(passing, &exactly_once("t", "x", 1));
    stage.expect(passing, &Packet::PubRec(Ack::with_reason(id(1), ReasonCode::QUOTA_EXCEEDED)));
    stage.send(passing, &retained("t", "x"));
    stage.expect_refused(passing, ReasonCode::QUOTA_EXCEEDED);
    stage.send(three, &retained("t", "x"));
    stage.expect_closed(three);
    stage.set_store(Disk::Works);
    let late = stage.join(lasting("new", 1000));
    stage.subscribe(late, "t", QoS::AtLeastOnce);
    stage.send(late, &retained("t", "kept"));
    stage.expect_message(late, "kept");
}

#[test]
fn clients_drain_while_the_store_fails_and_no_pubrel_goes_out_before_its_pubrec_is_stored() {
    let mut stage = Stage::with(persistent());
    let member = stage.join(lasting("member", 1000));
    stage.subscribe(member, "t", QoS::ExactlyOnce);
    stage.cut(member);
    let publisher = stage.join(lasting("publisher", 1000));
    stage.send(publisher, &at_least_once("t", "1", 1));
    stage.expect(publisher, &puback(1));
    stage.send(publisher, &exactly_once("t", "2", 2));
    stage.expect(publisher, &pubrec(2));
    stage.send(publisher, &pubrel(2));
    stage.expect(publisher, &pubcomp(2));
    stage.send(publisher, &exactly_once("t", "3", 3));
    stage.expect(publisher, &pubrec(3));
    let stored = stage.changes.len();
    stage.set_store(Disk::Fails);
    let member = stage.rejoin(lasting("member", 1000), true);
    stage.expect_message(member, "1");
    stage.expect_message(member, "2");
    stage.send(member, &puback(1));
    stage.send(member, &pubrec(2));
    stage.send(member, &pubrec(2));
    stage.expect_silence(member);
    // On another connection it waits as well.
    stage.cut(member);
    let member = stage.rejoin(lasting("member", 1000), true);
    stage.expect_silence(member);
    // What was received in full is known; that it is in all queues cannot be said yet.
    stage.send(publisher, &Packet::Publish(Publish { dup: true, ..message("t", "3", QoS::ExactlyOnce, 3) }));
    stage.expect(publisher, &pubrec(3));
    stage.send(publisher, &pubrel(3));
    stage.expect_silence(publisher);
    stage.expect_silence(member);
    assert_eq!(stage.changes.len(), stored);
    stage.set_store(Disk::Works);
    stage.expect(publisher, &pubcomp(3));
    stage.expect_message(member, "3");
    stage.expect(member, &pubrel(2));
    stage.expect_silence(member);
}

#[test]
fn what_was_not_stored_when_the_store_failed_is_no_promise() {
    let mut stage = Stage::with(persistent());
    let member = stage.join(lasting("member", 1000));
    let publisher = stage.join(lasting("publisher", 1000));
    stage.set_store(Disk::Waits);
    stage.send(member, &subscribe("t", qos(QoS::AtLeastOnce)));
    stage.send(publisher, &exactly_once("t", "x", 1));
    let new = stage.open(V5);
    stage.send(new, &Packet::Connect(Box::new(lasting("new", 1000))));
    stage.set_store(Disk::Fails);
    for line in [member, publisher] {
        stage.expect_refused(line, ReasonCode::QUOTA_EXCEEDED);
    }
    // The sessions are there in memory, and what was added last is not in the store.
    for client in ["member", "publisher", "new"] {
        expect_connack(&mut stage, lasting(client, 1000), 0x97);
    }
    stage.set_store(Disk::Works);
    let publisher = stage.rejoin(lasting("publisher", 1000), true);
    stage.send(publisher, &exactly_once("t", "x", 1));
    stage.expect(publisher, &pubrec(1));
    stage.send(publisher, &pubrel(1));
    stage.expect(publisher, &pubcomp(1));
    let member = stage.rejoin(lasting("member", 1000), true);
    stage.expect_message(member, "x");
}

#[test]
fn a_store_that_fails_for_long_makes_nothing_grow() {
    let mut stage = Stage::with(persistent());
    let member = stage.join(lasting("member", 1000));
    stage.cut(member);
    stage.set_store(Disk::Fails);
    for _ in 0..40_000 {
        let member = stage.rejoin(lasting("member", 1000), true);
        stage.cut(member);
    }
    let waiting = stage.broker.take_changes();
    assert!(waiting.len() < 66_000, "{}", waiting.len());
    stage.taken = Some(waiting);
    stage.set_store(Disk::Works);
    let last = stage.changes.iter().rev().find_map(|change| match change {
        Change::Client(record) => Some(record.disconnected_at.is_some()),
        _ => None,
    });
    assert_eq!(last, Some(true));
}

#[test]
fn what_rests_on_one_commit_does_not_wait_for_the_next() {
    let mut stage = Stage::with(persistent());
    let member = stage.join(lasting("member", 1000));
    stage.subscribe(member, "t", QoS::AtLeastOnce);
    let publisher = stage.join(lasting("publisher", 1000));
    stage.set_store(Disk::Waits);
    let payloads = ["1", "2", "3", "4", "5"];
    for (number, payload) in (1..).zip(payloads) {
        stage.send(publisher, &at_least_once("t", payload, number));
    }
    stage.expect_silence(publisher);
    stage.expect_silence(member);
    // The store was handed the first alone; what came while it wrote is in the second batch.
    stage.finish_storing();
    stage.send(publisher, &at_least_once("t", "6", 6));
    stage.expect(publisher, &puback(1));
    stage.expect_silence(publisher);
    stage.expect_message(member, "1");
    stage.expect_silence(member);
    stage.finish_storing();
    for (number, payload) in (1..).zip(payloads).skip(1) {
        stage.expect(publisher, &puback(number));
        stage.expect_message(member, payload);
    }
    stage.expect_silence(publisher);
    stage.finish_storing();
    stage.expect(publisher, &puback(6));
    stage.expect_message(member, "6");
}

#[test]
fn who_is_answered_much_that_waits_for_the_store_is_heard_again_when_it_answers() {
    let mut stage = Stage::with(persistent());
    let member = stage.join(lasting("member", 1000));
    stage.subscribe(member, "t", QoS::AtLeastOnce);
    stage.cut(member);
    let publisher = stage.join(connect("publisher", V311));
    stage.set_store(Disk::Waits);
    let mut sent = 0;
    while !stage.broker.is_busy(ConnectionId(publisher)) {
        sent += 1;
        stage.send(publisher, &at_least_once("t", "x", 1));
        assert!(sent < 100_000, "it never has to wait");
    }
    stage.finish_storing();
    let woken: Vec<_> = std::iter::from_fn(|| stage.broker.poll_idle()).collect();
    assert_eq!(woken, [ConnectionId(publisher)]);
    assert!(!stage.broker.is_busy(ConnectionId(publisher)));
    stage.set_store(Disk::Works);
    for _ in 0..sent {
        assert!(matches!(stage.next(publisher), Some(Packet::PubAck(_))));
    }
}

#[test]
fn what_the_store_failed_to_write_is_written_with_what_came_since() {
    let mut stage = Stage::with(persistent());
    let member = stage.join(lasting("member", 1000));
    stage.subscribe(member, "t", QoS::AtLeastOnce);
    stage.cut(member);
    let publisher = stage.join(connect("publisher", V5));
    let stored = stage.changes.len();
    stage.set_store(Disk::Waits);
    stage.send(publisher, &at_least_once("t", "1", 1));
    stage.send(publisher, &at_least_once("t", "2", 2));
    stage.set_store(Disk::Fails);
    stage.expect_refused(publisher, ReasonCode::QUOTA_EXCEEDED);
    stage.set_store(Disk::Works);
    let queued = stage.changes[stored..].iter().filter(|change| matches!(change, Change::Queued(_))).count();
    assert_eq!(queued, 2);
}
