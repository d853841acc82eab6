//! What brokers do when nothing comes: keep-alive, delays and expiries, with times of seconds.

use moskit::mqtt::packet::{Connect, Packet, Property, Publish, Will};

use super::answers;
use super::packets::{bytes, connect, encode, lasting, publish, subscribe, will};
use super::script::Script;

/// Mosquitto looks about once a second, and may be early or late by as much.
const PATIENCE: u64 = 3500;

fn watched(name: &str, global: &'static str) -> Script {
    Script::with(name, global, "").open(0, encode(&connect(5, "@@@@w"))).send(0, subscribe(5, 1, &[("@@@@/w", 0)], 0))
}

fn delayed(delay: u32, expiry: u32) -> Vec<u8> {
    let mut gone: Will = will("@@@@/w", 0, false);
    gone.properties.push(Property::WillDelayInterval(delay));
    let properties = [Property::SessionExpiryInterval(expiry)].into_iter().collect();
    encode(&Connect { will: Some(gone), properties, ..connect(5, "@@@@b") })
}

fn expiring(text: &'static str, seconds: Option<u32>, packet_id: u16, retain: bool) -> Vec<u8> {
    let properties = seconds.map(Property::MessageExpiryInterval).into_iter().collect();
    let message = Publish { payload: text.into(), retain, properties, ..publish("@@@@/t", 1, packet_id) };
    bytes(5, &Packet::Publish(message))
}

fn scripts() -> Vec<Script> {
    let mut scripts: Vec<_> = [3, 4, 5]
        .into_iter()
        .map(|level| {
            let silent = Connect { keep_alive: 1, will: Some(will("@@@@/w", 0, false)), ..connect(level, "@@@@b") };
            watched(&format!("{level}: a silent client is let go"), "").open(1, encode(&silent)).wait(PATIENCE)
        })
        .collect();
    let short = |level| {
        let properties = (level == 5).then_some(Property::SessionExpiryInterval(1)).into_iter().collect();
        encode(&Connect { clean_start: false, properties, ..connect(level, "@@@@b") })
    };
    scripts.extend([
        watched("the keep-alive that the server names counts", "max_keepalive 1\n")
            .open(1, encode(&connect(5, "@@@@b")))
            .wait(PATIENCE),
        watched("a will waits for its delay", "").open(1, delayed(2, 100)).cut(1).wait(PATIENCE),
        watched("a will is sent though its session has ended", "").open(1, delayed(2, 0)).cut(1).wait(PATIENCE),
        watched("a will waits no longer than its session", "").open(1, delayed(100, 1)).cut(1).wait(PATIENCE),
        watched("a will that waits is forgotten with a clean start too", "")
            .open(1, delayed(2, 100))
            .cut(1)
            .open(1, encode(&connect(5, "@@@@b")))
            .wait(PATIENCE),
        watched("a takeover forgets a will that waits", "")
            .open(1, delayed(2, 0))
            .open(2, encode(&connect(5, "@@@@b")))
            .wait(PATIENCE),
        watched("a session expires", "").open(1, short(5)).cut(1).wait(PATIENCE).open(1, short(5)),
        watched("the broker's limit holds for a session of 3.1.1", "persistent_client_expiration 1s\n")
            .open(1, short(4))
            .cut(1)
            .wait(PATIENCE)
            .open(1, short(4)),
        watched("what expired in a queue leaves its packet id out", "")
            .open(1, encode(&lasting(5, "@@@@b")))
            .send(1, subscribe(5, 1, &[("@@@@/t", 1)], 0))
            .cut(1)
            .send(0, expiring("short", Some(1), 1, false))
            .send(0, expiring("kept", None, 2, false))
            .wait(PATIENCE)
            .open(1, encode(&lasting(5, "@@@@b"))),
        watched("a retained message expires", "")
            .send(0, expiring("short", Some(1), 1, true))
            .wait(PATIENCE)
            .send(0, subscribe(5, 2, &[("@@@@/t", 1)], 0)),
    ]);
    scripts
}

#[test]
fn time_passes_as_with_mosquitto_2_1() {
    answers::check("timed.tsv", &scripts());
}

#[test]
#[ignore = "needs a Mosquitto 2.1, named by MOSKIT_MOSQUITTO"]
fn the_answers_in_time_are_those_of_mosquitto_2_1() {
    answers::verify("timed.tsv", &scripts());
}
