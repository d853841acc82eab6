//! What stands in the tables of persist-sqlite when the broker has ended: row by row what Mosquitto's plugin writes.
//!
//! The plugin is named by `MOSKIT_PERSIST_SQLITE` beside the broker in `MOSKIT_MOSQUITTO`.

use std::path::Path;

use moskit::mqtt::packet::{Connect, Packet, Properties, Property, Publish};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::answers;
use super::packets::{ack, bytes, connect, disconnect, encode, lasting, publish, subscribe};
use super::play::{Beside, play};
use super::restart::{Play, plays};
use super::script::Script;
use super::{Ours, configuration, start_ours};
use crate::mosquitto::{Mosquitto, free_port};

const TABLES: [&str; 6] = ["base_msgs", "client_msgs", "clients", "subscriptions", "retains", "wills"];

/// Beside the first acts of what is restarted.
fn scripts() -> Vec<Script> {
    let first = plays().into_iter().map(|mut play| Script { name: play.name, ..play.acts.swap_remove(0) });
    first.chain(own()).map(|script| script.cut(0).cut(1).cut(2)).collect()
}

fn own() -> Vec<Script> {
    let subscriber = || encode(&lasting(5, "@@@@s"));
    let with = |property: Property, connect: Connect| {
        let properties = connect.properties.iter().cloned().chain([property]).collect();
        encode(&Connect { properties, ..connect })
    };
    let message = |topic: &str, qos, packet_id| bytes(5, &Packet::Publish(publish(topic, qos, packet_id)));
    let inflight = (1..=3).fold(
        Script::new("more than the client takes at once")
            .open(0, with(Property::ReceiveMaximum(2), lasting(5, "@@@@s")))
            .send(0, subscribe(5, 1, &[("@@@@/t", 1)], 0))
            .open(1, encode(&connect(5, "@@@@p"))),
        |script, id| script.send(1, message("@@@@/t", 1, id)),
    );
    vec![
        Script::new("overlapping subscriptions with identifiers")
            .open(0, subscriber())
            .send(0, subscribe(5, 1, &[("@@@@/t", 1)], 3))
            .send(0, subscribe(5, 2, &[("@@@@/#", 2)], 200))
            .send(0, disconnect(5, 0, Properties::new()))
            .open(1, encode(&connect(5, "@@@@p")))
            .send(1, message("@@@@/t", 1, 1)),
        Script::new("a user name, and a limit of packets").open(
            0,
            with(Property::MaximumPacketSize(4096), Connect { username: Some("joe".into()), ..lasting(5, "@@@@s") }),
        ),
        inflight,
        Script::new("half of them acknowledged")
            .open(0, subscriber())
            .send(0, subscribe(5, 1, &[("@@@@/t", 2)], 0))
            .open(1, encode(&lasting(5, "@@@@p")))
            .send(1, message("@@@@/t", 2, 1))
            .send(1, message("@@@@/t", 2, 2))
            .send(1, ack(5, 6, 2, 0))
            .send(1, message("@@@@/t", 1, 3))
            .send(1, message("@@@@/t", 1, 4))
            .send(0, ack(5, 5, 1, 0))
            .send(0, ack(5, 4, 2, 0)),
        Script::new("sessions of one connection")
            .open(0, encode(&connect(5, "@@@@a")))
            .send(0, subscribe(5, 1, &[("@@@@/t", 1)], 0))
            .open(1, encode(&connect(4, "@@@@b")))
            .send(1, subscribe(4, 1, &[("@@@@/t", 1)], 0))
            .send(0, message("@@@@/t", 1, 1)),
        Script::new("sessions that never end").open(0, encode(&lasting(4, "@@@@a"))).open(
            1,
            with(Property::SessionExpiryInterval(u32::MAX), Connect { clean_start: false, ..connect(5, "@@@@b") }),
        ),
        Script::new("a retained message with properties, and none of it")
            .open(0, encode(&connect(5, "@@@@p")))
            .send(0, {
                let properties = [
                    Property::ContentType("text".into()),
                    Property::MessageExpiryInterval(1000),
                    Property::CorrelationData(vec![0, 255].into()),
                ];
                let properties = properties.into_iter().collect();
                bytes(5, &Packet::Publish(Publish { retain: true, properties, ..publish("@@@@/r", 1, 1) }))
            })
            .send(0, {
                let payload = bytes::Bytes::new();
                bytes(5, &Packet::Publish(Publish { retain: true, payload, ..publish("@@@@/none", 1, 2) }))
            }),
    ]
}

/// All rows, without what is another each time: ids of messages are numbered, times and ports only there or not.
fn rows(file: &Path) -> String {
    let connection = Connection::open(file).unwrap();
    let mut ids = connection.prepare("SELECT store_id FROM base_msgs ORDER BY store_id").unwrap();
    let ids: Vec<i64> = ids.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut all = Vec::new();
    for table in TABLES {
        let order = if table == "client_msgs" { "client_id, direction, rowid" } else { "1" };
        let mut query = connection.prepare(&format!("SELECT * FROM {table} ORDER BY {order}")).unwrap();
        let names: Vec<String> = query.column_names().map(str::to_owned).collect();
        let mut found = query.query([]).unwrap();
        let mut these = Vec::new();
        while let Some(row) = found.next().unwrap() {
            let values = names.iter().enumerate().map(|(at, name)| value(row, at, name, &ids));
            these.push(format!("{table}({})", values.collect::<Vec<_>>().join(" ")));
        }
        // Mosquitto's own order of rows is that of its hash tables, but for queues and messages.
        if !matches!(table, "base_msgs" | "client_msgs") {
            these.sort_unstable();
        }
        all.extend(these);
    }
    if all.is_empty() { "-".to_owned() } else { all.join(" ").replace("0000", "@@@@") }
}

fn value(row: &Row<'_>, at: usize, name: &str, ids: &[i64]) -> String {
    match (name, row.get_ref(at).unwrap()) {
        ("store_id", ValueRef::Integer(id)) => {
            ids.iter().position(|known| *known == id).map_or("?".to_owned(), |place| format!("#{place}"))
        }
        ("connection_time" | "session_expiry_time" | "will_delay_time" | "expiry_time", ValueRef::Integer(1..)) => {
            "TIME".to_owned()
        }
        ("listener_port" | "source_port", ValueRef::Integer(1..)) => "PORT".to_owned(),
        (_, ValueRef::Null) => "NULL".to_owned(),
        (_, ValueRef::Integer(number)) => number.to_string(),
        (_, ValueRef::Real(number)) => format!("{number:?}"),
        (_, ValueRef::Text(text) | ValueRef::Blob(text)) => format!("'{}'", text.escape_ascii()),
    }
}

/// What a broker has written, all at once, each script to a broker of its own.
fn said<B>(
    plugin: &str,
    start: impl Fn(&Path, &str, u16) -> B + Sync,
    end: impl Fn(B) + Sync,
) -> Vec<(String, String)> {
    let (start, end) = (&start, &end);
    let written = |script: Script| {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let file = folder.path().join("state.sqlite3");
        let global = format!("plugin {plugin}\nplugin_opt_db_file {}\n", file.display());
        let broker = start(folder.path(), &configuration(&global, port, ""), port);
        play(&script, port, 0, Beside::New);
        end(broker);
        (script.name, rows(&file))
    };
    let written = &written;
    std::thread::scope(|scope| {
        let writers: Vec<_> = scripts().into_iter().map(|script| scope.spawn(move || written(script))).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    })
}

/// Either broker.
enum Writer {
    Ours(Ours),
    Theirs(Mosquitto),
}

/// What is said when the brokers take turns with one file, the one of `first` with the first act.
fn said_in_turns(plugin: &str, ours_first: bool) -> Vec<(String, String)> {
    let said = |of: Play| {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let file = folder.join("state.sqlite3");
        let global = format!("plugin {plugin}\nplugin_opt_db_file {}\n", file.display());
        let acts = of.acts.iter().enumerate().map(|(at, act)| {
            let port = free_port();
            let configuration = configuration(&global, port, "");
            let writer = if (at % 2 == 0) == ours_first {
                Writer::Ours(start_ours(folder, &configuration, port))
            } else {
                Writer::Theirs(Mosquitto::start(folder, &configuration).unwrap())
            };
            let heard = play(act, port, 0, Beside::New);
            match writer {
                Writer::Ours(broker) => broker.end(),
                Writer::Theirs(broker) => broker.end(),
            }
            answers::text(&heard)
        });
        (of.name, acts.collect::<Vec<_>>().join(" / restart / "))
    };
    let said = &said;
    std::thread::scope(|scope| {
        let speakers: Vec<_> = plays().into_iter().map(|play| scope.spawn(move || said(play))).collect();
        speakers.into_iter().map(|speaker| speaker.join().unwrap()).collect()
    })
}

#[test]
#[ignore = "needs a Mosquitto 2.1 and its plugin, named by MOSKIT_MOSQUITTO and MOSKIT_PERSIST_SQLITE"]
fn each_broker_goes_on_with_the_state_of_the_other() {
    let plugin = std::env::var("MOSKIT_PERSIST_SQLITE").expect("MOSKIT_PERSIST_SQLITE names the plugin");
    // What its plugin gives back to Mosquitto as in flight goes out as if new, and wills that were sent once more.
    let its_own = |told: &String| told.contains("was in flight") || told.contains("wills are sent");
    for ours_first in [false, true] {
        let unlike = answers::unlike("restart.tsv", said_in_turns(&plugin, ours_first));
        let unlike: Vec<_> = unlike.into_iter().filter(|told| !its_own(told)).collect();
        assert!(unlike.is_empty(), "{}", unlike.join("\n"));
    }
}

#[test]
fn the_store_has_the_rows_of_mosquittos_plugin() {
    answers::check_said("rows.tsv", said("mosquitto_persist_sqlite.so", start_ours, Ours::end));
}

#[test]
#[ignore = "needs a Mosquitto 2.1 and its plugin, named by MOSKIT_MOSQUITTO and MOSKIT_PERSIST_SQLITE"]
fn the_rows_are_those_of_mosquitto_2_1() {
    let plugin = std::env::var("MOSKIT_PERSIST_SQLITE").expect("MOSKIT_PERSIST_SQLITE names the plugin");
    let start = |folder: &Path, configuration: &str, _| Mosquitto::start(folder, configuration).unwrap();
    answers::verify_said("rows.tsv", said(&plugin, start, Mosquitto::end));
}
