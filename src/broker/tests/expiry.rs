//! Sessions and messages whose time is over.

use super::*;

fn expiring(text: &'static str, seconds: u32, packet_id: u16) -> Packet {
    let properties = [Property::MessageExpiryInterval(seconds)].into_iter().collect();
    Packet::Publish(Publish { properties, ..message("t", text, QoS::AtLeastOnce, packet_id) })
}

#[test]
fn a_session_is_kept_for_its_interval_and_no_longer() {
    let mut stage = Stage::new();
    for (wait, present) in [(9, true), (10, false)] {
        let line = stage.join(Connect { clean_start: true, ..lasting("c", 10) });
        stage.subscribe(line, "t", QoS::AtLeastOnce);
        stage.cut(line);
        stage.pass_seconds(wait);
        let line = stage.rejoin(lasting("c", 10), present);
        let publisher = stage.join(connect("p", V5));
        stage.send(publisher, &at_least_once("t", "x", 1));
        if present {
            stage.expect_message(line, "x");
        } else {
            stage.expect_silence(line);
        }
        stage.send(line, &leave());
    }
}

#[test]
fn a_session_without_clean_session_never_expires_unless_the_broker_says_so() {
    for (limit, present) in [(None, true), (Some(Duration::from_secs(3600)), false)] {
        let mut stage = Stage::with(Settings { persistent_client_expiration: limit, ..Settings::default() });
        let forever = || Connect { clean_start: false, ..connect("c", V311) };
        let line = stage.join(forever());
        stage.cut(line);
        stage.pass_seconds(365 * 24 * 3600);
        stage.rejoin(forever(), present);
    }
}

#[test]
fn disconnect_can_change_how_long_the_session_lives() {
    let mut stage = Stage::new();
    for (interval, wait, present) in [(100, 50, true), (0, 0, false)] {
        let line = stage.join(lasting("c", 10));
        let properties = [Property::SessionExpiryInterval(interval)].into_iter().collect();
        stage.send(line, &Packet::Disconnect(Disconnect { reason: ReasonCode::SUCCESS, properties }));
        stage.expect_closed(line);
        stage.pass_seconds(wait);
        let line = stage.rejoin(lasting("c", 10), present);
        stage.send(line, &leave());
    }
}

#[test]
fn what_is_left_of_a_message_is_announced_and_nothing_comes_too_late() {
    let mut stage = Stage::new();
    let line = stage.join(lasting("s", 1000));
    stage.subscribe(line, "t", QoS::AtLeastOnce);
    stage.cut(line);
    let publisher = stage.join(Connect { keep_alive: 0, ..connect("p", V5) });
    stage.send(publisher, &expiring("short", 5, 1));
    stage.send(publisher, &expiring("long", 50, 2));
    stage.pass_seconds(20);
    let line = stage.rejoin(lasting("s", 1000), true);
    let message = stage.expect_message(line, "long");
    assert_eq!(message.properties.message_expiry_interval(), Some(30));
    // As with Mosquitto, 1 was the packet id of what has expired.
    assert_eq!(message.packet_id, Some(id(2)));
    stage.expect_silence(line);
}

#[test]
fn a_message_on_its_way_at_once_keeps_its_whole_interval() {
    let mut stage = Stage::new();
    let line = stage.join(connect("s", V5));
    stage.subscribe(line, "t", QoS::AtLeastOnce);
    stage.send(line, &expiring("x", 5, 1));
    assert_eq!(stage.expect_message(line, "x").properties.message_expiry_interval(), Some(5));
}

#[test]
fn a_retained_message_expires() {
    let mut stage =
        Stage::with(Settings { retain_expiry_interval: Some(Duration::from_secs(60)), ..Settings::default() });
    let line = stage.join(Connect { keep_alive: 0, ..connect("s", V5) });
    let properties = [Property::MessageExpiryInterval(5)].into_iter().collect();
    let publish = Publish { retain: true, properties, ..message("t", "x", QoS::AtMostOnce, 0) };
    stage.send(line, &Packet::Publish(publish));
    stage.pass_seconds(2);
    stage.subscribe(line, "t", QoS::AtMostOnce);
    assert_eq!(stage.expect_message(line, "x").properties.message_expiry_interval(), Some(3));
    stage.pass_seconds(3);
    stage.subscribe(line, "t", QoS::AtMostOnce);
    stage.expect_silence(line);
    assert_eq!(stage.broker.census().retained, 1);
    stage.pass_seconds(60);
    assert_eq!(stage.broker.census().retained, 0);
}

#[test]
fn a_retained_message_of_one_who_may_no_longer_publish_is_held_back_if_asked_for() {
    use std::sync::Arc;

    use crate::broker::access::{Acl, Rules};
    for (check_retain_source, comes) in [(false, true), (true, false)] {
        let settings = Settings { check_retain_source, ..Settings::default() };
        let mut stage = Stage::with(settings.clone());
        let publisher = stage.join(connect("p", V5));
        stage.send(publisher, &retained("t", "kept"));
        let acl = Some(Arc::new(Acl::parse(b"topic read t\n").unwrap()));
        let access =
            Access::new(vec![Rules { allow_anonymous: true, passwords: None, scram: None, tokens: None, acl }]);
        stage.broker.reload(settings, access, stage.now);
        let line = stage.join(connect("s", V5));
        stage.subscribe(line, "t", QoS::AtMostOnce);
        if comes {
            stage.expect_message(line, "kept");
        }
        stage.expect_silence(line);
    }
}

#[test]
fn a_reload_begins_and_ends_the_sweeping_of_retained_messages() {
    let every = |minutes| Settings { retain_expiry_interval: minutes, ..Settings::default() };
    let mut stage = Stage::new();
    let line = stage.join(Connect { keep_alive: 0, ..connect("c", V5) });
    let properties: Properties = [Property::MessageExpiryInterval(10)].into_iter().collect();
    let retained = Packet::Publish(Publish { retain: true, properties, ..message("t", "x", QoS::AtMostOnce, 0) });
    stage.send(line, &retained);
    stage.pass_seconds(100);
    assert_eq!(stage.broker.census().retained, 1);
    stage.broker.reload(every(Some(Duration::from_secs(60))), Access::open(), stage.now);
    stage.pass_seconds(61);
    assert_eq!(stage.broker.census().retained, 0);
    stage.send(line, &retained);
    stage.broker.reload(every(None), Access::open(), stage.now);
    stage.pass_seconds(1000);
    assert_eq!((stage.broker.census().retained, stage.broker.poll_deadline()), (1, None));
}

#[test]
fn a_clock_that_is_set_back_announces_no_longer_expiry_than_the_publishers() {
    let mut stage = Stage::new();
    let line = stage.join(lasting("c", 1000));
    stage.subscribe(line, "t", QoS::AtLeastOnce);
    stage.cut(line);
    let publisher = stage.join(connect("p", V5));
    stage.send(publisher, &expiring("x", 10, 1));
    stage.now.wall = WallTime::after_epoch(stage.now.wall.since_epoch().saturating_sub(Duration::from_secs(3600)));
    let line = stage.rejoin(lasting("c", 1000), true);
    assert_eq!(stage.expect_message(line, "x").properties.message_expiry_interval(), Some(10));
}
