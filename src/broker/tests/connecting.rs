//! CONNECT to DISCONNECT: admission, CONNACK, takeover, keep-alive, wills.

use std::sync::Arc;

use super::*;
use crate::broker::access::{Acl, Rules};
use crate::passwd::{File, Hash, Recipe};

#[test]
fn connack_says_what_the_broker_takes_in_mosquittos_order() {
    let mut stage = Stage::new();
    let line = stage.open(V5);
    stage.send(line, &Packet::Connect(Box::new(connect("c", V5))));
    stage.expect_bytes(line, "200e00000b22000a27001e8480210014");
}

#[test]
fn connack_has_every_property_in_its_place() {
    let listener = ListenerSettings { max_qos: QoS::AtLeastOnce, ..ListenerSettings::default() };
    let mut stage = Stage::with(Settings {
        max_keepalive: Some(100),
        retain_available: false,
        listeners: vec![listener],
        ..Settings::default()
    });
    let line = stage.open(V5);
    stage.send(line, &Packet::Connect(Box::new(Connect { keep_alive: 0, ..connect("", V5) })));
    let Some(Packet::ConnAck(connack)) = stage.next(line) else { panic!("no CONNACK") };
    let names: Vec<_> = connack.properties.iter().map(|property| property.id() as u8).collect();
    assert_eq!(names, [0x13, 0x22, 0x12, 0x25, 0x27, 0x21, 0x24]);
    let assigned = connack.properties.assigned_client_identifier().unwrap();
    assert_eq!((assigned.len(), &assigned[..5]), (41, "auto-"));
}

#[test]
fn a_3_1_1_connack_has_two_bytes() {
    let mut stage = Stage::new();
    let line = stage.open(V311);
    stage.send(line, &Packet::Connect(Box::new(connect("c", V311))));
    stage.expect_bytes(line, "20020000");
}

#[test]
fn empty_client_ids_follow_the_rules_of_each_version() {
    for (version, clean_start, answer) in
        [(ProtocolVersion::V31, true, "20020002"), (V311, false, "20020002"), (V311, true, "20020000")]
    {
        let mut stage = Stage::new();
        let line = stage.open(version);
        stage.send(line, &Packet::Connect(Box::new(Connect { clean_start, ..connect("", version) })));
        stage.expect_bytes(line, answer);
    }
}

#[test]
fn an_empty_user_name_is_none() {
    let hash = Hash::make(Recipe::Sha512, 12, b"right").unwrap();
    let passwords = Some(Arc::new(File::parse(format!("ann:{hash}\n").as_bytes()).unwrap()));
    let acl = Some(Arc::new(Acl::parse(b"topic read open\nuser ann\ntopic read hers\n").unwrap()));
    for (allow_anonymous, code) in [(true, 0), (false, 5)] {
        let rules =
            Rules { allow_anonymous, passwords: passwords.clone(), scram: None, tokens: None, acl: acl.clone() };
        let mut stage = Stage::new();
        stage.broker.reload(Settings::default(), Access::new(vec![rules]), stage.now);
        for (username, password) in [(None, None), (Some(""), None), (Some(""), Some("")), (Some(""), Some("right"))] {
            let line = stage.open(V311);
            let connect = Connect {
                username: username.map(Into::into),
                password: password.map(|it| Bytes::from_static(it.as_bytes())),
                ..connect("c", V311)
            };
            stage.send(line, &Packet::Connect(Box::new(connect)));
            stage.expect_bytes(line, &format!("200200{code:02x}"));
        }
        if allow_anonymous {
            let session = stage.broker.session_of("c").expect("a session");
            assert_eq!(stage.broker.sessions[session].username, None);
        }
    }
}

#[test]
fn empty_client_ids_can_be_forbidden() {
    let listener = ListenerSettings { allow_zero_length_clientid: false, ..ListenerSettings::default() };
    let mut stage = Stage::with(Settings { listeners: vec![listener], ..Settings::default() });
    for (version, answer) in [(V311, "20020002"), (V5, "2003008000")] {
        let line = stage.open(version);
        stage.send(line, &Packet::Connect(Box::new(connect("", version))));
        stage.expect_bytes(line, answer);
        stage.expect_closed(line);
    }
}

#[test]
fn versions_can_be_left_out() {
    let versions = Versions { v31: false, v311: false, v5: true };
    let listener = ListenerSettings { versions, ..ListenerSettings::default() };
    let mut stage = Stage::with(Settings { listeners: vec![listener], ..Settings::default() });
    let line = stage.open(V311);
    stage.send(line, &Packet::Connect(Box::new(connect("c", V311))));
    stage.expect_bytes(line, "20020001");
    stage.expect_closed(line);
}

#[test]
fn an_unknown_level_is_answered_in_the_newest_form() {
    for (bytes, answer) in [
        (&b"\x10\x0d\x00\x04MQTT\x07\x02\x00\x3c\x00\x01c"[..], "2003008400"),
        (b"\x10\x0d\x00\x04MQTT\x03\x02\x00\x3c\x00\x01c", "20020001"),
    ] {
        let mut stage = Stage::new();
        let line = stage.open(V311);
        stage.send_bytes(line, bytes);
        stage.expect_bytes(line, answer);
        stage.expect_closed(line);
    }
}

#[test]
fn a_client_that_takes_no_connack_is_let_go() {
    let mut stage = Stage::new();
    for (most, is_taken) in [(1, false), (15, false), (16, true)] {
        let line = stage.open(V5);
        let properties = [Property::MaximumPacketSize(most)].into_iter().collect();
        stage.send(line, &Packet::Connect(Box::new(Connect { properties, ..connect("c", V5) })));
        if is_taken {
            stage.expect_bytes(line, "200e00000b22000a27001e8480210014");
            stage.expect_silence(line);
        } else {
            stage.expect_closed(line);
        }
    }
    assert_eq!(stage.broker.census().connected, 1);
}

#[test]
fn what_is_no_connect_gets_no_answer() {
    for bytes in [&b"\xc0\x00"[..], b"\x30\x04\x00\x01ax", b"\x00\x00", b"\x16\x03\x01\x02\x00"] {
        let mut stage = Stage::new();
        let line = stage.open(V5);
        stage.send_bytes(line, bytes);
        stage.expect_closed(line);
    }
}

#[test]
fn a_second_connect_is_a_protocol_error() {
    let mut stage = Stage::new();
    let line = stage.join(connect("c", V5));
    stage.send(line, &Packet::Connect(Box::new(connect("c", V5))));
    stage.expect_closed(line);
}

#[test]
fn authentication_methods_are_not_known() {
    let mut stage = Stage::new();
    let line = stage.open(V5);
    let properties = [Property::AuthenticationMethod("SCRAM".into())].into_iter().collect();
    stage.send(line, &Packet::Connect(Box::new(Connect { properties, ..connect("c", V5) })));
    stage.expect_bytes(line, "2003008c00");
    stage.expect_closed(line);
}

#[test]
fn no_connect_in_time_ends_the_connection() {
    let mut stage = Stage::new();
    let line = stage.open(V5);
    stage.pass_seconds(29);
    stage.expect_silence(line);
    stage.pass_seconds(1);
    stage.expect_closed(line);
}

#[test]
fn the_same_client_id_takes_over() {
    let mut stage = Stage::new();
    let old = stage.join(connect("c", V5));
    let new = stage.join(connect("c", V5));
    stage.expect_refused(old, ReasonCode::SESSION_TAKEN_OVER);
    stage.send(new, &Packet::PingReq);
    stage.expect(new, &Packet::PingResp);
    // What the system reports of the old connection later concerns nobody.
    stage.cut(old);
    stage.send(new, &Packet::PingReq);
    stage.expect(new, &Packet::PingResp);
}

#[test]
fn silence_beyond_one_and_a_half_keep_alives_ends_the_connection() {
    let mut stage = Stage::new();
    let watcher = stage.join(Connect { keep_alive: 0, ..connect("w", V5) });
    stage.subscribe(watcher, "will", QoS::AtMostOnce);
    let five = stage.join(Connect { keep_alive: 10, will: Some(will("will", "five")), ..connect("five", V5) });
    let three = stage.join(Connect { keep_alive: 10, will: Some(will("will", "three")), ..connect("three", V311) });
    stage.pass_seconds(14);
    stage.send(three, &Packet::PingReq);
    stage.expect(three, &Packet::PingResp);
    stage.pass_seconds(1);
    stage.expect_refused(five, ReasonCode::KEEP_ALIVE_TIMEOUT);
    stage.expect_message(watcher, "five");
    stage.pass_seconds(13);
    stage.expect_silence(three);
    stage.pass_seconds(1);
    stage.expect_closed(three);
    stage.expect_message(watcher, "three");
    stage.pass_seconds(100_000);
    stage.expect_silence(watcher);
}

#[test]
fn a_keep_alive_above_the_limit_is_lowered_or_refused() {
    let mut stage = Stage::with(Settings { max_keepalive: Some(10), ..Settings::default() });
    let line = stage.open(V5);
    stage.send(line, &Packet::Connect(Box::new(connect("c", V5))));
    let Some(Packet::ConnAck(connack)) = stage.next(line) else { panic!("no CONNACK") };
    assert_eq!(connack.properties.server_keep_alive(), Some(10));
    stage.pass_seconds(15);
    stage.expect_refused(line, ReasonCode::KEEP_ALIVE_TIMEOUT);
    let line = stage.open(V311);
    stage.send(line, &Packet::Connect(Box::new(connect("c", V311))));
    stage.expect_bytes(line, "20020002");
    stage.expect_closed(line);
}

#[test]
fn a_will_is_sent_unless_the_client_takes_its_leave() {
    let mut stage = Stage::new();
    let watcher = stage.join(connect("w", V5));
    stage.subscribe(watcher, "will", QoS::AtMostOnce);
    let with_will = || Connect { will: Some(will("will", "gone")), ..connect("c", V5) };

    let line = stage.join(with_will());
    stage.send(line, &leave());
    stage.expect_silence(watcher);

    let line = stage.join(with_will());
    stage.cut(line);
    stage.expect_message(watcher, "gone");

    let line = stage.join(with_will());
    let reason = ReasonCode::DISCONNECT_WITH_WILL;
    stage.send(line, &Packet::Disconnect(Disconnect { reason, properties: Properties::new() }));
    stage.expect_closed(line);
    stage.expect_message(watcher, "gone");

    let line = stage.join(with_will());
    stage.send_bytes(line, b"\x00\x00");
    stage.expect_message(watcher, "gone");
    stage.expect_silence(watcher);
}

fn delayed(client_id: &str, delay: u32, expiry: u32) -> Connect {
    let mut pending = will("will", "late");
    pending.properties.push(Property::WillDelayInterval(delay));
    Connect { will: Some(pending), ..lasting(client_id, expiry) }
}

#[test]
fn a_will_waits_for_its_delay() {
    let mut stage = Stage::new();
    let watcher = stage.join(Connect { keep_alive: 0, ..connect("w", V5) });
    stage.subscribe(watcher, "will", QoS::AtMostOnce);
    let line = stage.join(delayed("c", 10, 100));
    stage.cut(line);
    stage.pass(Duration::from_millis(9_999));
    stage.expect_silence(watcher);
    stage.pass(Duration::from_millis(1));
    let sent = stage.expect_message(watcher, "late");
    assert!(sent.properties.is_empty(), "the delay is nobody's business");
}

#[test]
fn a_will_is_sent_at_the_latest_when_the_session_ends() {
    let mut stage = Stage::new();
    let watcher = stage.join(Connect { keep_alive: 0, ..connect("w", V5) });
    stage.subscribe(watcher, "will", QoS::AtMostOnce);
    let line = stage.join(delayed("c", 100, 5));
    stage.cut(line);
    stage.pass_seconds(5);
    stage.expect_message(watcher, "late");
    stage.pass_seconds(200);
    stage.expect_silence(watcher);
}

#[test]
fn coming_back_in_time_takes_the_will_back() {
    let mut stage = Stage::new();
    let watcher = stage.join(Connect { keep_alive: 0, ..connect("w", V5) });
    stage.subscribe(watcher, "will", QoS::AtMostOnce);
    let line = stage.join(delayed("c", 10, 100));
    stage.cut(line);
    stage.pass_seconds(5);
    let line = stage.rejoin(Connect { keep_alive: 0, ..lasting("c", 100) }, true);
    stage.pass_seconds(50);
    stage.expect_silence(watcher);
    stage.expect_silence(line);
}

#[test]
fn coming_back_with_a_clean_start_takes_the_will_back_too() {
    let mut stage = Stage::new();
    let watcher = stage.join(Connect { keep_alive: 0, ..connect("w", V5) });
    stage.subscribe(watcher, "will", QoS::AtMostOnce);
    let line = stage.join(delayed("c", 10, 100));
    stage.cut(line);
    stage.rejoin(connect("c", V5), false);
    stage.join(delayed("d", 10, 100));
    stage.rejoin(connect("d", V5), false);
    stage.pass_seconds(20);
    stage.expect_silence(watcher);
}

#[test]
fn a_will_with_a_delay_is_sent_at_once_when_its_session_ends_with_the_connection() {
    let mut stage = Stage::new();
    let watcher = stage.join(Connect { keep_alive: 0, ..connect("w", V5) });
    stage.subscribe(watcher, "will", QoS::AtMostOnce);
    let line = stage.join(delayed("c", 10, 0));
    stage.cut(line);
    stage.expect_message(watcher, "late");
    let line = stage.join(delayed("d", 10, 100));
    let properties = [Property::SessionExpiryInterval(0)].into_iter().collect();
    let reason = ReasonCode::DISCONNECT_WITH_WILL;
    stage.send(line, &Packet::Disconnect(Disconnect { reason, properties }));
    stage.expect_closed(line);
    stage.expect_message(watcher, "late");
    assert_eq!(stage.broker.census().clients, 1);
    stage.pass_seconds(20);
    stage.expect_silence(watcher);
}

#[test]
fn a_takeover_sends_a_will_without_a_delay_and_no_other() {
    let mut stage = Stage::new();
    let watcher = stage.join(Connect { keep_alive: 0, ..connect("w", V5) });
    stage.subscribe(watcher, "will", QoS::AtMostOnce);
    let kept = |version| Connect { clean_start: false, ..connect("three", version) };
    for old in [
        Connect { will: Some(will("will", "at once")), ..connect("ends", V5) },
        Connect { will: Some(will("will", "at once")), ..lasting("goes on", 10) },
        Connect { will: Some(will("will", "at once")), ..kept(V311) },
    ] {
        let new = Connect { will: None, ..old.clone() };
        stage.join(old.clone());
        stage.rejoin(new, !old.clean_start);
        stage.expect_message(watcher, "at once");
    }
    for (name, expiry, clean_start) in [("a", 100, false), ("b", 100, true), ("c", 0, true)] {
        let old = delayed(name, 10, expiry);
        stage.join(old.clone());
        let goes_on = expiry > 0 && !clean_start;
        stage.rejoin(Connect { will: None, clean_start, keep_alive: 0, ..old }, goes_on);
        stage.pass_seconds(9);
        stage.pass_seconds(20);
        stage.expect_silence(watcher);
    }
}

#[test]
fn who_comes_back_when_the_delay_is_over_does_not_take_the_will_back() {
    let mut stage = Stage::new();
    let watcher = stage.join(Connect { keep_alive: 0, ..connect("w", V5) });
    stage.subscribe(watcher, "will", QoS::AtMostOnce);
    let line = stage.join(delayed("c", 10, 100));
    stage.cut(line);
    // The deadline has passed and the timer has not run yet.
    stage.now.elapsed += Duration::from_secs(10);
    stage.rejoin(Connect { keep_alive: 0, ..lasting("c", 100) }, true);
    stage.expect_message(watcher, "late");
}

#[test]
fn the_end_of_the_broker_sends_wills_and_closes() {
    let mut stage = Stage::new();
    let line = stage.join(Connect { will: Some(will("will", "over")), ..lasting("c", 10) });
    let watcher = lasting("w", 10);
    let away = stage.join(watcher);
    stage.subscribe(away, "will", QoS::AtLeastOnce);
    stage.cut(away);
    let here = stage.join(connect("h", V5));
    stage.subscribe(here, "will", QoS::AtLeastOnce);
    stage.broker.handle_shutdown(stage.now);
    stage.collect();
    stage.expect_refused_at_shutdown(line);
    stage.expect_message(here, "over");
    stage.expect_refused_at_shutdown(here);
}

impl Stage {
    #[track_caller]
    fn expect_refused_at_shutdown(&mut self, line: u64) {
        // As Mosquitto: no DISCONNECT goes out.
        self.expect_closed(line);
    }
}

#[test]
fn a_session_expiry_that_was_0_stays_0() {
    let mut stage = Stage::new();
    let line = stage.join(connect("c", V5));
    let properties = [Property::SessionExpiryInterval(1)].into_iter().collect();
    stage.send(line, &Packet::Disconnect(Disconnect { reason: ReasonCode::SUCCESS, properties }));
    stage.expect_refused(line, ReasonCode::PROTOCOL_ERROR);
}

#[test]
fn wills_beyond_what_the_listener_offers_are_refused() {
    let listener = ListenerSettings { max_qos: QoS::AtMostOnce, ..ListenerSettings::default() };
    let settings = Settings { retain_available: false, listeners: vec![listener], ..Settings::default() };
    let mut stage = Stage::with(settings);
    let with = |change: fn(&mut Will)| {
        let mut pending = will("t", "x");
        change(&mut pending);
        Some(pending)
    };
    for (will, answer) in
        [(with(|will| will.qos = QoS::AtLeastOnce), "2005009b022400"), (with(|will| will.retain = true), "2003009a00")]
    {
        let line = stage.open(V5);
        stage.send(line, &Packet::Connect(Box::new(Connect { will, ..connect("c", V5) })));
        stage.expect_bytes(line, answer);
        stage.expect_closed(line);
    }
}

#[test]
fn more_connections_than_allowed_are_closed_at_once() {
    let listener = ListenerSettings { max_connections: Some(1), ..ListenerSettings::default() };
    let mut stage = Stage::with(Settings { listeners: vec![listener], ..Settings::default() });
    let first = stage.join(connect("a", V5));
    let second = stage.open(V5);
    stage.expect_closed(second);
    stage.send(first, &leave());
    stage.join(connect("b", V5));
}

#[test]
fn more_clients_than_allowed_are_told_so() {
    let mut stage = Stage::with(Settings { global_max_clients: Some(1), ..Settings::default() });
    stage.join(connect("a", V5));
    let line = stage.open(V5);
    stage.send(line, &Packet::Connect(Box::new(connect("b", V5))));
    stage.expect_bytes(line, "2003008900");
    stage.expect_closed(line);
}

#[test]
fn a_session_is_not_resumed_behind_another_mount_point() {
    let mounted = ListenerSettings { mount_point: Some("m/".into()), ..ListenerSettings::default() };
    let listeners = vec![ListenerSettings::default(), mounted];
    let mut stage = Stage::with(Settings { listeners, ..Settings::default() });
    let line = stage.join(lasting("c", 1000));
    stage.subscribe(line, "#", QoS::AtLeastOnce);
    stage.cut(line);
    let publisher = stage.join(connect("p", V5));
    stage.send(publisher, &at_least_once("secret", "x", 1));
    let line = stage.open(V5);
    let key = stage.broker.key_of(ConnectionId(line)).unwrap();
    stage.broker.connections[key].listener = ListenerId(1);
    stage.broker.open = vec![1, 1];
    stage.send(line, &Packet::Connect(Box::new(lasting("c", 1000))));
    let Some(Packet::ConnAck(connack)) = stage.next(line) else { panic!("no CONNACK") };
    assert_eq!((connack.code, connack.session_present), (0, false));
    stage.send(publisher, &at_least_once("secret", "y", 2));
    stage.expect_silence(line);
}

#[test]
fn a_qos_2_message_is_not_released_for_who_may_not_publish_it() {
    for (second, released) in [("ann", true), ("bob", false)] {
        let mut stage = Stage::with(Settings { persistent: true, ..Settings::default() });
        let acl = Some(Arc::new(
            Acl::parse(b"topic read #\nuser ann\ntopic write hers\nuser bob\ntopic write his\n").unwrap(),
        ));
        let rules = Rules { allow_anonymous: true, passwords: None, scram: None, tokens: None, acl };
        stage.broker.reload(stage.broker.settings.clone(), Access::new(vec![rules]), stage.now);
        let subscriber = stage.join(connect("s", V5));
        stage.subscribe(subscriber, "#", QoS::AtMostOnce);
        let line = stage.join(Connect { username: Some("ann".into()), ..lasting("c", 1000) });
        stage.send(line, &exactly_once("hers", "x", 7));
        assert!(matches!(stage.next(line), Some(Packet::PubRec(_))));
        stage.cut(line);
        let line = stage.join(Connect { username: Some(second.into()), ..lasting("c", 1000) });
        stage.send(line, &Packet::PubRel(Ack::new(id(7))));
        stage.expect(line, &Packet::PubComp(Ack::new(id(7))));
        if released {
            assert!(matches!(stage.next(subscriber), Some(Packet::Publish(_))));
        }
        stage.expect_silence(subscriber);
        let is_removed = |change: &Change| matches!(change, Change::EntryRemoved { .. });
        assert!(stage.changes.iter().any(is_removed), "{:?}", stage.changes);
    }
}

#[test]
fn a_new_mount_point_hides_what_is_not_below_it_from_sessions_that_were_there_before() {
    let mut stage = Stage::new();
    let line = stage.join(lasting("c", 1000));
    stage.subscribe(line, "#", QoS::AtLeastOnce);
    let away = stage.join(lasting("away", 1000));
    stage.subscribe(away, "#", QoS::AtLeastOnce);
    stage.cut(away);
    let publisher = stage.join(lasting("p", 1000));
    stage.send(publisher, &exactly_once("of/all", "x", 1));
    assert!(matches!(stage.next(publisher), Some(Packet::PubRec(_))));
    stage.send(publisher, &at_least_once("of/others", "x", 2));
    assert!(matches!(stage.next(line), Some(Packet::Publish(_))));
    stage.cut(publisher);
    let mounted = ListenerSettings { mount_point: Some("m/".into()), ..ListenerSettings::default() };
    let settings = Settings { listeners: vec![mounted], ..Settings::default() };
    stage.broker.reload(settings, Access::open(), stage.now);
    let publisher = stage.join(lasting("p", 1000));
    stage.send(publisher, &Packet::PubRel(Ack::new(id(1))));
    stage.broker.publish_own(own("of/others/too"), stage.now);
    stage.collect();
    stage.expect_silence(line);
    let away = stage.join(lasting("away", 1000));
    stage.expect_silence(away);
    // Its filter still stands for what is below the mount point.
    stage.broker.publish_own(own("m/a"), stage.now);
    stage.collect();
    assert!(matches!(stage.next(away), Some(Packet::Publish(publish)) if publish.topic == "a"));
}

fn own(topic: &str) -> OwnMessage {
    let (topic, payload) = (topic.into(), Bytes::from_static(b"x"));
    OwnMessage { topic, payload, qos: QoS::AtMostOnce, retain: false, expiry: None }
}
