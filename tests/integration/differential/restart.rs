//! What is there again after the broker was ended and started again: sessions, subscriptions, flows, retained messages.
//!
//! Each script is played in acts, between which the broker is restarted; nobody is connected at the start of an act.

use std::path::Path;

use moskit::mqtt::packet::{Connect, Packet, Property, Publish};

use super::answers;
use super::packets::{ack, bytes, connect, encode, lasting, publish, subscribe, unsubscribe, will};
use super::play::{Beside, play};
use super::script::Script;
use super::{Ours, configuration, start_ours};
use crate::mosquitto::{Mosquitto, free_port};

/// Mosquitto looks about once a second.
const PATIENCE: u64 = 3000;

pub struct Play {
    pub name: String,
    pub acts: Vec<Script>,
}

fn act() -> Script {
    Script::new("")
}

fn message(level: u8, topic: &str, qos: u8, packet_id: u16) -> Vec<u8> {
    bytes(level, &Packet::Publish(publish(topic, qos, packet_id)))
}

fn retained(level: u8, topic: &str, qos: u8, payload: &'static str) -> Vec<u8> {
    bytes(level, &Packet::Publish(Publish { retain: true, payload: payload.into(), ..publish(topic, qos, 9) }))
}

fn expiring(packet_id: u16, seconds: u32) -> Vec<u8> {
    let properties = [Property::MessageExpiryInterval(seconds)].into_iter().collect();
    bytes(5, &Packet::Publish(Publish { properties, ..publish("@@@@/t", 1, packet_id) }))
}

fn subscriber(level: u8) -> Vec<u8> {
    encode(&lasting(level, "@@@@s"))
}

/// A subscriber at QoS 2 on line 0, a publisher on line 1.
fn opened(level: u8) -> Script {
    act()
        .open(0, subscriber(level))
        .send(0, subscribe(level, 1, &[("@@@@/t", 2)], 0))
        .open(1, encode(&lasting(level, "@@@@p")))
}

fn of_each(name: &str, acts: impl Fn(u8) -> Vec<Script>) -> Vec<Play> {
    [4, 5].map(|level| Play { name: format!("{level}: {name}"), acts: acts(level) }).into()
}

pub fn plays() -> Vec<Play> {
    let mut plays = of_each("what waited comes in its order", |level| {
        let waiting = opened(level)
            .cut(0)
            .send(1, message(level, "@@@@/t", 0, 0))
            .send(1, message(level, "@@@@/t", 1, 1))
            .send(1, message(level, "@@@@/t", 2, 2))
            .send(1, ack(level, 6, 2, 0))
            .send(1, message(level, "@@@@/t", 1, 3));
        let taken = act()
            .open(0, subscriber(level))
            .send(0, ack(level, 4, 1, 0))
            .send(0, ack(level, 5, 2, 0))
            .send(0, ack(level, 7, 2, 0))
            .send(0, ack(level, 4, 3, 0));
        vec![waiting, taken, act().open(0, subscriber(level))]
    });
    plays.extend(of_each("what was in flight comes again", |level| {
        let sent = opened(level)
            .send(1, message(level, "@@@@/t", 1, 1))
            .send(1, message(level, "@@@@/t", 2, 2))
            .send(1, ack(level, 6, 2, 0))
            .send(1, message(level, "@@@@/t", 2, 3))
            .send(1, ack(level, 6, 3, 0))
            .send(0, ack(level, 5, 2, 0));
        let again = act()
            .open(0, subscriber(level))
            .send(0, ack(level, 7, 2, 0))
            .send(0, ack(level, 4, 1, 0))
            .send(0, ack(level, 5, 3, 0))
            .send(0, ack(level, 7, 3, 0))
            .open(1, encode(&connect(level, "@@@@q")))
            .send(1, message(level, "@@@@/t", 1, 4));
        vec![sent, again, act().open(0, subscriber(level))]
    }));
    plays.extend(of_each("a publisher completes what it has begun", |level| {
        let again = Publish { dup: true, ..publish("@@@@/t", 2, 7) };
        let completed = act()
            .open(0, subscriber(level))
            .open(1, encode(&lasting(level, "@@@@p")))
            .send(1, bytes(level, &Packet::Publish(again)))
            .send(1, ack(level, 6, 7, 0))
            .send(1, ack(level, 6, 7, 0));
        vec![opened(level).send(1, message(level, "@@@@/t", 2, 7)), completed]
    }));
    plays.extend(of_each("retained messages are there", |level| {
        let kept = act()
            .open(1, encode(&connect(level, "@@@@p")))
            .send(1, retained(level, "@@@@/r/a", 0, "old"))
            .send(1, retained(level, "@@@@/r/a", 1, "new"))
            .send(1, retained(level, "@@@@/r/b", 0, "kept"))
            .send(1, retained(level, "@@@@/r/c", 0, "gone"))
            .send(1, retained(level, "@@@@/r/c", 0, ""));
        let asked = act()
            .open(0, encode(&connect(level, "@@@@s")))
            .send(0, subscribe(level, 1, &[("@@@@/r/#", 0)], 0))
            .send(0, subscribe(level, 2, &[("@@@@/r/a", 2)], 0));
        vec![kept, asked]
    }));
    plays.extend(of_each("only sessions that are to last are there", |level| {
        let first = act()
            .open(0, encode(&connect(level, "@@@@c")))
            .send(0, subscribe(level, 1, &[("@@@@/t", 1)], 0))
            .open(1, subscriber(level))
            .send(1, subscribe(level, 1, &[("@@@@/t", 1), ("@@@@/u", 1)], 0))
            .send(1, unsubscribe(level, 2, &["@@@@/u"]));
        let second = act()
            .open(0, encode(&lasting(level, "@@@@c")))
            .open(1, subscriber(level))
            .send(0, message(level, "@@@@/u", 1, 1))
            .send(0, message(level, "@@@@/t", 1, 2));
        vec![first, second]
    }));
    plays.extend(of_each("wills are sent when the broker ends", |level| {
        let first = act()
            .open(0, subscriber(level))
            .send(0, subscribe(level, 1, &[("@@@@/w", 1)], 0))
            .cut(0)
            .open(1, encode(&Connect { will: Some(will("@@@@/w", 1, false)), ..connect(level, "@@@@a") }))
            .open(2, encode(&Connect { will: Some(will("@@@@/w", 1, true)), ..lasting(level, "@@@@b") }));
        let second = act()
            .open(0, subscriber(level))
            .send(0, ack(level, 4, 1, 0))
            .send(0, ack(level, 4, 2, 0))
            .send(0, subscribe(level, 2, &[("@@@@/w", 0)], 0));
        vec![first, second]
    }));
    let two = |name: &str, first, second| Play { name: name.to_owned(), acts: vec![first, second] };
    plays.extend([
        two(
            "the options of subscriptions are there",
            act()
                .open(0, subscriber(5))
                .send(0, subscribe(5, 1, &[("@@@@/own", 1 | 4)], 0))
                .send(0, subscribe(5, 2, &[("@@@@/kept", 1 | 8)], 200))
                .send(0, subscribe(5, 3, &[("$share/g/@@@@/shared", 1)], 7)),
            act()
                .open(0, subscriber(5))
                .send(0, message(5, "@@@@/own", 1, 1))
                .send(0, retained(5, "@@@@/kept", 1, "x"))
                .send(0, message(5, "@@@@/shared", 1, 3)),
        ),
        two(
            "properties come through",
            opened(5).cut(0).send(1, {
                let properties = [
                    Property::UserProperty("b".into(), "2".into()),
                    Property::ContentType("text".into()),
                    Property::UserProperty("a".into(), "1".into()),
                    Property::ResponseTopic("answer".into()),
                    Property::CorrelationData("data".into()),
                    Property::PayloadFormatIndicator(1),
                ];
                let properties = properties.into_iter().collect();
                bytes(5, &Packet::Publish(Publish { properties, ..publish("@@@@/t", 1, 1) }))
            }),
            act().open(0, subscriber(5)),
        ),
        two(
            "what expired in between does not come",
            opened(5).cut(0).send(1, expiring(1, 1)).send(1, message(5, "@@@@/t", 1, 2)),
            act().wait(PATIENCE).open(0, subscriber(5)),
        ),
        two(
            "a session that expired in between is gone",
            act().open(0, encode(&short())).send(0, subscribe(5, 1, &[("@@@@/t", 1)], 0)).cut(0),
            act().wait(PATIENCE).open(0, encode(&short())),
        ),
        two(
            "a session of 3.1.1 goes on in version 5",
            opened(4).cut(0).send(1, message(4, "@@@@/t", 1, 1)),
            act().open(0, subscriber(5)),
        ),
    ]);
    plays
}

fn short() -> Connect {
    let properties = [Property::SessionExpiryInterval(1)].into_iter().collect();
    Connect { clean_start: false, properties, ..connect(5, "@@@@b") }
}

/// What a broker says, all at once, each play to brokers of its own.
fn said<B>(start: impl Fn(&Path, &str, u16) -> B + Sync, end: impl Fn(B) + Sync) -> Vec<(String, String)> {
    let (start, end) = (&start, &end);
    std::thread::scope(|scope| {
        let said = |play| scope.spawn(move || said_to(play, start, end));
        let players: Vec<_> = plays().into_iter().map(said).collect();
        players.into_iter().map(|player| player.join().unwrap()).collect()
    })
}

fn said_to<B>(of: Play, start: &impl Fn(&Path, &str, u16) -> B, end: &impl Fn(B)) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let persistent = format!("persistence true\npersistence_location {}/\n", folder.path().display());
    let said: Vec<_> = of
        .acts
        .iter()
        .map(|act| {
            // Each time another: while no broker has it, a port may be given to somebody else.
            let port = free_port();
            let broker = start(folder.path(), &configuration(&persistent, port, ""), port);
            let heard = play(act, port, 0, Beside::New);
            end(broker);
            answers::text(&heard)
        })
        .collect();
    (of.name, said.join(" / restart / "))
}

#[test]
fn a_restart_keeps_what_mosquitto_2_1_keeps() {
    answers::check_said("restart.tsv", said(start_ours, Ours::end));
}

#[test]
#[ignore = "needs a Mosquitto 2.1, named by MOSKIT_MOSQUITTO"]
fn the_answers_after_a_restart_are_those_of_mosquitto_2_1() {
    let start = |folder: &Path, configuration: &str, _| Mosquitto::start(folder, configuration).unwrap();
    answers::verify_said("restart.tsv", said(start, Mosquitto::end));
}
