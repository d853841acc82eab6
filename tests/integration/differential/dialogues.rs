//! Dialogues by hand: what a client notices of sessions, flows, retained messages, wills and options. What Mosquitto 2.1.2
//! says is in `tests/data/wire/dialogues.tsv`.

use moskit::mqtt::packet::{Connect, Packet, Properties, Property, Publish};

use super::answers;
use super::packets::{ack, bytes, connect, disconnect, encode, lasting, publish, subscribe, unsubscribe, will};
use super::script::Script;

fn open(level: u8, client_id: &str) -> Vec<u8> {
    encode(&connect(level, client_id))
}

fn message(level: u8, topic: &str, qos: u8, packet_id: u16) -> Vec<u8> {
    bytes(level, &Packet::Publish(publish(topic, qos, packet_id)))
}

fn retained(level: u8, topic: &str, qos: u8, payload: &'static str) -> Vec<u8> {
    bytes(level, &Packet::Publish(Publish { retain: true, payload: payload.into(), ..publish(topic, qos, 9) }))
}

/// A message of version 5 with properties.
fn adorned(topic: &str, qos: u8, packet_id: u16, properties: &[Property]) -> Vec<u8> {
    let properties = properties.iter().cloned().collect();
    bytes(5, &Packet::Publish(Publish { properties, ..publish(topic, qos, packet_id) }))
}

fn having(mut connect: Connect, property: Property) -> Vec<u8> {
    connect.properties.push(property);
    encode(&connect)
}

fn leave(level: u8) -> Vec<u8> {
    disconnect(level, 0, Properties::new())
}

/// For both versions that differ most.
fn of_each(name: &str, make: impl Fn(Script, u8) -> Script) -> Vec<Script> {
    [4, 5].map(|level| make(Script::new(&format!("{level}: {name}")), level)).into()
}

fn sessions() -> Vec<Script> {
    let mut scripts = of_each("what was in flight comes again, what waited comes after it", |script, level| {
        script
            .open(0, encode(&lasting(level, "@@@@a")))
            .send(0, subscribe(level, 1, &[("@@@@/t", 2)], 0))
            .open(1, open(level, "@@@@b"))
            .send(1, message(level, "@@@@/t", 1, 1))
            .send(1, message(level, "@@@@/t", 2, 2))
            .send(1, ack(level, 6, 2, 0))
            .send(1, message(level, "@@@@/t", 2, 3))
            .send(1, ack(level, 6, 3, 0))
            .send(0, ack(level, 5, 2, 0))
            .cut(0)
            .send(1, message(level, "@@@@/t", 1, 4))
            .send(1, message(level, "@@@@/t", 0, 0))
            .open(0, encode(&lasting(level, "@@@@a")))
            .send(0, ack(level, 7, 2, 0))
            .send(0, ack(level, 4, 1, 0))
            .send(0, ack(level, 5, 3, 0))
            .send(0, ack(level, 7, 3, 0))
            .send(0, ack(level, 4, 4, 0))
            .open(0, encode(&lasting(level, "@@@@a")))
    });
    scripts.extend(of_each("a half-done publish is completed after coming back", |script, level| {
        script
            .open(1, open(level, "@@@@b"))
            .send(1, subscribe(level, 1, &[("@@@@/t", 0)], 0))
            .open(0, encode(&lasting(level, "@@@@a")))
            .send(0, message(level, "@@@@/t", 2, 7))
            .cut(0)
            .open(0, encode(&lasting(level, "@@@@a")))
            .send(0, ack(level, 6, 7, 0))
            .send(0, ack(level, 6, 7, 0))
    }));
    scripts.extend(of_each("a clean start forgets", |script, level| {
        script
            .open(0, encode(&lasting(level, "@@@@a")))
            .send(0, subscribe(level, 1, &[("@@@@/t", 1)], 0))
            .cut(0)
            .open(1, open(level, "@@@@b"))
            .send(1, message(level, "@@@@/t", 1, 1))
            .open(0, open(level, "@@@@a"))
            .send(1, message(level, "@@@@/t", 1, 2))
            .cut(0)
            .open(0, encode(&lasting(level, "@@@@a")))
    }));
    scripts.extend(of_each("the same client id takes over", |script, level| {
        script
            .open(0, encode(&lasting(level, "@@@@a")))
            .send(0, subscribe(level, 1, &[("@@@@/t", 1)], 0))
            .open(1, encode(&lasting(level, "@@@@a")))
            .open(2, open(level, "@@@@b"))
            .send(2, message(level, "@@@@/t", 1, 1))
            .open(3, open(level, "@@@@a"))
    }));
    let ending = |seconds| disconnect(5, 0, [Property::SessionExpiryInterval(seconds)].into_iter().collect());
    scripts.extend([
        Script::new("a session is given up with DISCONNECT")
            .open(0, encode(&lasting(5, "@@@@a")))
            .send(0, ending(0))
            .open(0, encode(&lasting(5, "@@@@a"))),
        Script::new("a session is shortened with DISCONNECT and still there")
            .open(0, encode(&lasting(5, "@@@@a")))
            .send(0, ending(100))
            .open(0, encode(&lasting(5, "@@@@a"))),
        Script::new("a session of 3.1.1 goes on in version 5")
            .open(0, encode(&lasting(4, "@@@@a")))
            .send(0, subscribe(4, 1, &[("@@@@/t", 1)], 0))
            .cut(0)
            .open(1, open(5, "@@@@b"))
            .send(1, adorned("@@@@/t", 1, 1, &[Property::ContentType("text".into())]))
            .open(0, encode(&lasting(5, "@@@@a")))
            .cut(0)
            .open(0, encode(&lasting(4, "@@@@a"))),
        Script::new("a session without expiry is none")
            .open(0, encode(&Connect { clean_start: false, ..connect(5, "@@@@a") }))
            .cut(0)
            .open(0, encode(&Connect { clean_start: false, ..connect(5, "@@@@a") })),
        Script::new("a client id is made up")
            .open(0, encode(&connect(5, "")))
            .open(1, having(connect(5, ""), Property::ReceiveMaximum(3)))
            .open(2, encode(&connect(4, ""))),
    ]);
    scripts
}

fn flows() -> Vec<Script> {
    let fill = |script: Script, count: u16| {
        (1..=count).fold(script, |script, packet_id| script.send(1, message(5, "@@@@/t", 1, packet_id)))
    };
    let narrow = Script::new("a receive maximum of 2 is kept to")
        .open(0, having(lasting(5, "@@@@a"), Property::ReceiveMaximum(2)))
        .send(0, subscribe(5, 1, &[("@@@@/t", 1)], 0))
        .open(1, open(5, "@@@@b"));
    let narrow = fill(narrow, 5).send(0, ack(5, 4, 2, 0)).send(0, ack(5, 4, 1, 0)).send(0, ack(5, 4, 3, 0));
    let narrow = narrow.send(0, ack(5, 4, 4, 0)).send(0, ack(5, 4, 5, 0));
    let wide = Script::new("twenty are in flight, the others wait")
        .open(0, open(5, "@@@@a"))
        .send(0, subscribe(5, 1, &[("@@@@/t", 1)], 0))
        .open(1, open(5, "@@@@b"));
    let wide = fill(wide, 23).send(0, ack(5, 4, 3, 0)).send(0, ack(5, 4, 1, 0));
    let refused = Script::new("a message that the receiver refuses is done with")
        .open(0, having(connect(5, "@@@@a"), Property::ReceiveMaximum(1)))
        .send(0, subscribe(5, 1, &[("@@@@/t", 2)], 0))
        .open(1, open(5, "@@@@b"))
        .send(1, message(5, "@@@@/t", 2, 1))
        .send(1, ack(5, 6, 1, 0))
        .send(1, message(5, "@@@@/t", 1, 2))
        .send(0, ack(5, 5, 1, 0x87))
        .send(0, ack(5, 4, 2, 0x97));
    let first = Script::new("more than our receive maximum at once").open(0, open(5, "@@@@a"));
    let flooded = (1..=21).fold(first, |script, packet_id| script.send(0, message(5, "@@@@/t", 2, packet_id)));
    let large = Script::new("a message above the client's maximum packet size is not for it")
        .open(0, having(connect(5, "@@@@a"), Property::MaximumPacketSize(40)))
        .send(0, subscribe(5, 1, &[("@@@@/#", 1)], 0))
        .open(1, open(5, "@@@@b"))
        .send(1, message(5, &format!("@@@@/{}", "x".repeat(50)), 1, 1))
        .send(1, message(5, "@@@@/t", 1, 2))
        .send(1, message(5, &format!("@@@@/{}", "x".repeat(50)), 0, 0));
    vec![narrow, wide, refused, flooded, large]
}

fn properties() -> Vec<Script> {
    let all = [
        Property::PayloadFormatIndicator(1),
        Property::MessageExpiryInterval(1000),
        Property::ContentType("text".into()),
        Property::ResponseTopic("answer".into()),
        Property::CorrelationData("data".into()),
        Property::UserProperty("a".into(), "1".into()),
        Property::UserProperty("a".into(), "2".into()),
    ];
    let mut backwards = all.to_vec();
    backwards.reverse();
    let aliased = Script::new("the first topics get aliases, as many as the client takes")
        .open(0, having(connect(5, "@@@@a"), Property::TopicAliasMaximum(2)))
        .send(0, subscribe(5, 1, &[("@@@@/#", 1)], 7))
        .open(1, open(5, "@@@@b"));
    let aliased = ["@@@@/1", "@@@@/2", "@@@@/3", "@@@@/1", "@@@@/2", "@@@@/3"]
        .into_iter()
        .fold(aliased, |script, topic| script.send(1, adorned(topic, 0, 0, &all[4..])));
    vec![
        aliased,
        Script::new("more aliases than the broker likes to use")
            .open(0, having(connect(5, "@@@@a"), Property::TopicAliasMaximum(100)))
            .send(0, subscribe(5, 1, &[("@@@@/#", 0)], 0))
            .open(1, open(5, "@@@@b"))
            .send(1, (0..12).flat_map(|number| message(5, &format!("@@@@/{number}"), 0, 0)).collect::<Vec<_>>())
            .send(1, (0..12).flat_map(|number| message(5, &format!("@@@@/{number}"), 0, 0)).collect::<Vec<_>>()),
        Script::new("an alias stands for its topic until another takes its place")
            .open(0, open(5, "@@@@a"))
            .send(0, subscribe(5, 1, &[("@@@@/#", 1)], 0))
            .open(1, open(5, "@@@@b"))
            .send(1, adorned("@@@@/1", 0, 0, &[Property::TopicAlias(3)]))
            .send(1, adorned("", 1, 5, &[Property::TopicAlias(3)]))
            .send(1, adorned("@@@@/2", 2, 6, &[Property::TopicAlias(3)]))
            .send(1, ack(5, 6, 6, 0))
            .send(1, adorned("", 0, 0, &[Property::TopicAlias(3)])),
        Script::new("properties are passed on as they come")
            .open(0, open(5, "@@@@a"))
            .send(0, subscribe(5, 1, &[("@@@@/t", 1)], 200))
            .open(1, open(4, "@@@@b"))
            .send(1, subscribe(4, 1, &[("@@@@/t", 1)], 0))
            .open(2, open(5, "@@@@c"))
            .send(2, adorned("@@@@/t", 1, 1, &all))
            .send(2, adorned("@@@@/t", 1, 2, &backwards)),
        Script::new("a message that has expired is not delivered")
            .open(0, open(5, "@@@@a"))
            .send(0, subscribe(5, 1, &[("@@@@/t", 1)], 0))
            .open(1, open(5, "@@@@b"))
            .send(1, adorned("@@@@/t", 1, 1, &[Property::MessageExpiryInterval(0)]))
            .send(1, adorned("@@@@/t", 0, 0, &[Property::MessageExpiryInterval(0)])),
        Script::new("a will has its properties")
            .open(0, open(5, "@@@@a"))
            .send(0, subscribe(5, 1, &[("@@@@/w", 1)], 9))
            .open(1, {
                let mut gone = will("@@@@/w", 1, false);
                gone.properties = backwards.iter().cloned().collect();
                gone.properties.push(Property::WillDelayInterval(0));
                encode(&Connect { will: Some(gone), ..connect(5, "@@@@b") })
            })
            .cut(1),
    ]
}

fn subscriptions() -> Vec<Script> {
    let mut scripts = of_each("filters match their topics", |script, level| {
        let filters = ["@@@@/+", "@@@@/a/#", "+/@@@@", "/@@@@", "@@@@", "@@@@/", "+/@@@@/+/x"];
        let subscribed =
            filters.iter().enumerate().fold(script.open(0, open(level, "@@@@a")), |script, (number, filter)| {
                script.send(0, subscribe(level, number as u16 + 1, &[(filter, 0)], 0))
            });
        ["@@@@/a", "@@@@/a/b", "a/@@@@", "/@@@@", "@@@@", "@@@@/", "/@@@@/a/x", "$a/@@@@", "$a/@@@@/b/x", "@@@@/a/b/c"]
            .into_iter()
            .fold(subscribed.open(1, open(level, "@@@@b")), |script, topic| script.send(1, message(level, topic, 0, 0)))
    });
    scripts.extend(of_each("retained messages come with a subscription", |script, level| {
        script
            .open(1, open(level, "@@@@b"))
            .send(1, retained(level, "@@@@/r", 1, "one"))
            .open(0, open(level, "@@@@a"))
            .send(0, subscribe(level, 1, &[("@@@@/r", 2)], 0))
            .send(0, subscribe(level, 2, &[("@@@@/+", 0)], 0))
            .send(0, subscribe(level, 3, &[("@@@@/r", 0), ("@@@@/r/#", 0)], 0))
            .send(1, retained(level, "@@@@/r", 2, "two"))
            .send(1, ack(level, 6, 9, 0))
            .send(1, retained(level, "@@@@/r", 0, ""))
            .send(0, subscribe(level, 4, &[("@@@@/#", 0)], 0))
    }));
    scripts.extend([
        Script::new("retain handling and retain as published")
            .open(1, open(5, "@@@@b"))
            .send(1, retained(5, "@@@@/r", 0, "kept"))
            .open(0, open(5, "@@@@a"))
            .send(0, subscribe(5, 1, &[("@@@@/r", 0x20)], 0))
            .send(0, subscribe(5, 2, &[("@@@@/r", 0x10)], 0))
            .send(0, unsubscribe(5, 3, &["@@@@/r"]))
            .send(0, subscribe(5, 4, &[("@@@@/r", 0x18)], 5))
            .send(0, subscribe(5, 5, &[("@@@@/r", 0x08)], 6))
            .send(1, retained(5, "@@@@/r", 0, "live"))
            .send(1, message(5, "@@@@/r", 0, 0)),
        Script::new("overlapping subscriptions give a copy each")
            .open(0, open(5, "@@@@a"))
            .send(0, subscribe(5, 1, &[("@@@@/#", 1)], 1))
            .send(0, subscribe(5, 2, &[("@@@@/t", 0)], 2))
            .send(0, subscribe(5, 3, &[("@@@@/+", 2)], 3))
            .send(0, message(5, "@@@@/t", 1, 1)),
        Script::new("no local is for one's own messages only")
            .open(0, open(5, "@@@@a"))
            .send(0, subscribe(5, 1, &[("@@@@/t", 4)], 0))
            .send(0, message(5, "@@@@/t", 1, 1))
            .send(0, message(5, "@@@@/t", 2, 2))
            .open(1, open(5, "@@@@b"))
            .send(1, message(5, "@@@@/t", 1, 1)),
        Script::new("members of a group take turns, those that are away last")
            .open(0, encode(&lasting(5, "@@@@a")))
            .send(0, subscribe(5, 1, &[("$share/g/@@@@/t", 1)], 3))
            .open(1, open(4, "@@@@b"))
            .send(1, subscribe(4, 1, &[("$share/g/@@@@/t", 0), ("$share/h/@@@@/t", 0)], 0))
            .open(2, open(5, "@@@@c"))
            .send(2, message(5, "@@@@/t", 1, 1))
            .send(2, message(5, "@@@@/t", 1, 2))
            .cut(0)
            .send(2, message(5, "@@@@/t", 1, 3))
            .send(2, message(5, "@@@@/t", 1, 4))
            .send(1, unsubscribe(4, 2, &["$share/g/@@@@/t"]))
            .send(2, message(5, "@@@@/t", 1, 5))
            .open(0, encode(&lasting(5, "@@@@a"))),
        Script::new("unsubscribing tells what was there")
            .open(0, open(5, "@@@@a"))
            .send(0, subscribe(5, 1, &[("@@@@/a", 1), ("$share/g/@@@@/b", 1)], 0))
            .send(0, unsubscribe(5, 2, &["@@@@/a", "$share/g/@@@@/b", "@@@@/b", "@@@@/a"])),
    ]);
    scripts
}

fn wills() -> Vec<Script> {
    let mut scripts = Vec::new();
    for level in [4, 5] {
        let start = |name: &str, gone| {
            Script::new(&format!("{level}: {name}"))
                .open(0, open(level, "@@@@a"))
                .send(0, subscribe(level, 1, &[("@@@@/w", 2)], 0))
                .open(1, encode(&Connect { will: Some(gone), ..connect(level, "@@@@b") }))
        };
        scripts.extend([
            start("a will is sent for a client that is lost", will("@@@@/w", 2, false)).cut(1),
            start("a will is not sent for a client that leaves", will("@@@@/w", 1, false)).send(1, leave(level)),
            start("a will is sent for a client that is put out", will("@@@@/w", 0, false)).send(1, b"\x00\x00"),
            start("a will is sent when another takes over", will("@@@@/w", 0, false)).open(2, open(level, "@@@@b")),
            start("a will is sent when another takes over a session that goes on", will("@@@@/w", 0, false))
                .open(2, encode(&Connect { will: Some(will("@@@@/w", 0, false)), ..lasting(level, "@@@@b") }))
                .open(3, encode(&lasting(level, "@@@@b"))),
            start("a will is retained", will("@@@@/w", 1, true))
                .cut(1)
                .open(2, open(level, "@@@@c"))
                .send(2, subscribe(level, 1, &[("@@@@/w", 1)], 0)),
        ]);
    }
    scripts.push(
        Script::new("a will is asked for with DISCONNECT")
            .open(0, open(5, "@@@@a"))
            .send(0, subscribe(5, 1, &[("@@@@/w", 0)], 0))
            .open(1, encode(&Connect { will: Some(will("@@@@/w", 0, false)), ..connect(5, "@@@@b") }))
            .send(1, disconnect(5, 4, Properties::new())),
    );
    scripts.push(
        Script::new("a will that waits is forgotten when its client is back")
            .open(0, open(5, "@@@@a"))
            .send(0, subscribe(5, 1, &[("@@@@/w", 0)], 0))
            .open(1, {
                let mut gone = will("@@@@/w", 0, false);
                gone.properties.push(Property::WillDelayInterval(1));
                encode(&Connect { will: Some(gone), ..lasting(5, "@@@@b") })
            })
            .cut(1)
            .open(1, encode(&lasting(5, "@@@@b")))
            .open(1, open(5, "@@@@b")),
    );
    scripts
}

/// Every option that a client can notice.
fn options() -> Vec<Script> {
    let mut scripts = Vec::new();
    for level in [4, 5] {
        let with = |name: &str, global, local| Script::with(&format!("{level}: {name}"), global, local);
        let listens = |script: Script, bits| {
            script
                .open(0, open(level, "@@@@a"))
                .send(0, subscribe(level, 1, &[("@@@@/t", bits)], 0))
                .open(1, open(level, "@@@@b"))
        };
        let fill = |script: Script| (1..=6).fold(script, |script, id| script.send(1, message(level, "@@@@/t", 1, id)));
        let away = |script: Script| {
            script
                .open(0, encode(&lasting(level, "@@@@a")))
                .send(0, subscribe(level, 1, &[("@@@@/t", 1)], 0))
                .cut(0)
                .open(1, open(level, "@@@@b"))
        };
        let back = |script: Script| script.open(0, encode(&lasting(level, "@@@@a")));
        scripts.extend([
            listens(with("max_qos 1", "", "max_qos 1\n"), 2)
                .send(1, message(level, "@@@@/t", 1, 1))
                .send(1, message(level, "@@@@/t", 2, 1)),
            with("max_qos 1 and a will above it", "", "max_qos 1\n")
                .open(0, encode(&Connect { will: Some(will("@@@@/w", 2, false)), ..connect(level, "@@@@a") })),
            listens(with("max_qos 0", "", "max_qos 0\n"), 1)
                .send(1, message(level, "@@@@/t", 0, 0))
                .send(1, message(level, "@@@@/t", 1, 1)),
            listens(with("retain_available false", "retain_available false\n", ""), 1)
                .send(1, retained(level, "@@@@/t", 1, "x")),
            with("retain_available false and a retained will", "retain_available false\n", "")
                .open(0, encode(&Connect { will: Some(will("@@@@/w", 0, true)), ..connect(level, "@@@@a") })),
            fill(listens(
                with("a window of 2 and a queue of 2", "max_inflight_messages 2\nmax_queued_messages 2\n", ""),
                1,
            ))
            .send(0, ack(level, 4, 1, 0))
            .send(0, ack(level, 4, 2, 0))
            .send(0, ack(level, 4, 3, 0))
            .send(0, ack(level, 4, 4, 0)),
            back(fill(away(with("away with a queue of 2", "max_inflight_messages 2\nmax_queued_messages 2\n", ""))))
                .send(0, ack(level, 4, 1, 0)),
            fill(listens(with("max_inflight_messages 0", "max_inflight_messages 0\n", ""), 1)),
            fill(listens(with("max_inflight_bytes 5", "max_inflight_bytes 5\n", ""), 1)).send(0, ack(level, 4, 1, 0)),
            back(fill(away(with("max_queued_bytes 5", "max_queued_bytes 5\n", "")))),
            listens(with("message_size_limit 1", "message_size_limit 1\n", ""), 1)
                .send(1, message(level, "@@@@/t", 0, 0))
                .send(1, message(level, "@@@@/t", 1, 1))
                .send(1, message(level, "@@@@/t", 2, 2)),
            with("message_size_limit 1 and a will", "message_size_limit 1\n", "")
                .open(0, encode(&Connect { will: Some(will("@@@@/w", 0, false)), ..connect(level, "@@@@a") })),
            listens(with("max_packet_size 30", "max_packet_size 30\n", ""), 1)
                .send(1, message(level, "@@@@/t", 0, 0))
                .send(1, message(level, &format!("@@@@/{}", "t".repeat(30)), 0, 0)),
            with("max_keepalive 60", "max_keepalive 60\n", "").open(0, open(level, "@@@@a")),
            with("max_keepalive 60 and a shorter one", "max_keepalive 60\n", "")
                .open(0, encode(&Connect { keep_alive: 30, ..connect(level, "@@@@a") })),
            with("max_keepalive 60 and none", "max_keepalive 60\n", "")
                .open(0, encode(&Connect { keep_alive: 0, ..connect(level, "@@@@a") })),
            with("no keep-alive", "", "").open(0, encode(&Connect { keep_alive: 0, ..connect(level, "@@@@a") })),
            back(
                away(with("queue_qos0_messages true", "queue_qos0_messages true\n", ""))
                    .send(1, message(level, "@@@@/t", 0, 0))
                    .send(1, message(level, "@@@@/t", 1, 1))
                    .send(1, message(level, "@@@@/t", 0, 0)),
            ),
            listens(with("upgrade_outgoing_qos true", "upgrade_outgoing_qos true\n", ""), 2)
                .send(1, message(level, "@@@@/t", 0, 0))
                .send(1, message(level, "@@@@/t", 1, 1)),
            with("allow_zero_length_clientid false", "allow_zero_length_clientid false\n", "").open(0, open(level, "")),
            with("auto_id_prefix none-", "auto_id_prefix none-\n", "").open(0, open(level, "@@@@a")),
            with("max_topic_alias 0", "", "max_topic_alias 0\nmax_topic_alias_broker 0\n")
                .open(0, open(level, "@@@@a")),
            with("accept_protocol_versions 3", "", "accept_protocol_versions 3\n").open(0, open(level, "@@@@a")),
            with("use_username_as_clientid without a name", "", "use_username_as_clientid true\n")
                .open(0, open(level, "@@@@a")),
            with("clientid_prefixes c", "clientid_prefixes c\n", "")
                .open(0, open(level, "@@@@a"))
                .open(1, open(level, "c@@@@")),
            with("allow_anonymous false", "", "listener_allow_anonymous false\n").open(0, open(level, "@@@@a")),
            listens(with("mount_point m/", "", "mount_point m/\n"), 1).send(1, message(level, "@@@@/t", 1, 1)),
            with("global_max_clients 1", "global_max_clients 1\n", "").open(0, open(level, "@@@@a")),
        ]);
    }
    scripts.push(
        Script::with("without duplicates, 3.1.1", "allow_duplicate_messages false\n", "")
            .open(0, open(4, "@@@@a"))
            .send(0, subscribe(4, 1, &[("@@@@/#", 0), ("@@@@/t", 1)], 0))
            .send(0, message(4, "@@@@/t", 1, 1)),
    );
    scripts.push(
        Script::with("aliases are known up to the listener's maximum", "", "max_topic_alias 2\n")
            .open(0, open(5, "@@@@a"))
            .send(0, adorned("@@@@/t", 1, 1, &[Property::TopicAlias(2)]))
            .send(0, adorned("@@@@/t", 1, 2, &[Property::TopicAlias(3)])),
    );
    scripts
}

fn scripts() -> Vec<Script> {
    [sessions(), flows(), properties(), subscriptions(), wills(), options()].concat()
}

#[test]
fn dialogues_go_as_with_mosquitto_2_1() {
    answers::check("dialogues.tsv", &scripts());
}

#[test]
#[ignore = "needs a Mosquitto 2.1, named by MOSKIT_MOSQUITTO"]
fn the_answers_in_dialogues_are_those_of_mosquitto_2_1() {
    answers::verify("dialogues.tsv", &scripts());
}
