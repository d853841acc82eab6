//! The readers of mosquitto.db and mosquitto.sqlite3 against files of real brokers and what is
//! known to be in them.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use moskit::state::ids::{StoreId, UnixTime};
use moskit::state::mosquitto_db::{self, Chunk, Damage, Unreadable, Visitor};
use moskit::state::{ClientMessage, Direction, Keep, Message, Phase, Properties, sqlite};
use serde_json::{Value, json};

pub fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)
}

pub fn truth(path: &str) -> Value {
    // One truth file holds an Infinity, which is Python's and not JSON.
    serde_json::from_str(&fs::read_to_string(data(path)).unwrap().replace(": Infinity", ": null")).unwrap()
}

/// All that a file holds, owned.
#[derive(Default, Debug)]
struct Contents {
    version: Option<u32>,
    last_store_id: u64,
    shutdown: bool,
    messages: BTreeMap<u64, Stored>,
    stored_twice: Vec<u64>,
    entries: Vec<Entry>,
    incoming: Vec<(String, Phase)>,
    sessions: Vec<String>,
    usernames: HashMap<String, String>,
    filters: Vec<(String, String, u8, u32)>,
    retained: usize,
    notes: Vec<String>,
}

#[derive(Debug, Clone)]
struct Stored {
    topic: String,
    publisher: String,
    expires: Option<i64>,
    payload: Vec<u8>,
    payload_len: u32,
    properties: bool,
}

#[derive(Debug, Clone)]
struct Entry {
    client: String,
    id: u64,
    qos: u8,
    phase: Phase,
    subscription_identifier: u32,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

impl Contents {
    fn message(&mut self, message: &Message<'_>) {
        let stored = Stored {
            topic: text(message.topic),
            publisher: text(message.source_id),
            expires: message.expires,
            payload: message.payload.unwrap_or_default().to_vec(),
            payload_len: message.payload_len,
            properties: message.properties != Properties::None,
        };
        if self.messages.insert(message.store_id.0, stored).is_some() {
            self.stored_twice.push(message.store_id.0);
        }
    }

    fn entry(&mut self, entry: &ClientMessage<'_>) {
        let client = text(entry.client_id);
        if entry.direction == Direction::Incoming {
            self.incoming.push((client, entry.phase()));
            return;
        }
        let (qos, phase) = (entry.qos, entry.phase());
        let subscription_identifier = entry.subscription_identifier;
        self.entries.push(Entry { client, id: entry.store_id.0, qos, phase, subscription_identifier });
    }

    fn orphans(&self) -> usize {
        self.entries.iter().filter(|entry| !self.messages.contains_key(&entry.id)).count()
    }

    fn of(&self, client: &str) -> Vec<&Entry> {
        self.entries.iter().filter(|entry| entry.client == client).collect()
    }
}

fn note(damage: &Damage) -> String {
    match damage {
        Damage::Io(error) => format!("{error}"),
        Damage::NoChunks => "the file ends behind its head of 23 bytes".to_owned(),
        Damage::StrayTail { bytes, .. } => format!("{bytes} stray bytes at the end (truncated?)"),
        Damage::Truncated { kind, at, wants, left } => {
            format!("chunk {kind} at {at} wants {wants} bytes, {left} left: truncated")
        }
        Damage::ShortChunk { kind, at, needs, field_at, has } => {
            format!("chunk {kind} at {at}: needs {needs} bytes at {field_at}, has {has}")
        }
        other => format!("{other:?}"),
    }
}

fn read_db(path: &Path, keep: Keep) -> Result<Contents, Unreadable> {
    let mut reader = mosquitto_db::Reader::open(path, keep)?;
    let mut contents = Contents { version: reader.version(), ..Contents::default() };
    loop {
        match reader.next_chunk() {
            Ok(None) => break,
            Err(damage) => contents.notes.push(note(&damage)),
            Ok(Some(chunk)) => match chunk {
                Chunk::Configuration(configuration) => {
                    contents.last_store_id = configuration.last_store_id.0;
                    contents.shutdown = configuration.shutdown;
                }
                Chunk::Message(message) => contents.message(&message),
                Chunk::ClientMessage(entry) => contents.entry(&entry),
                Chunk::Retained(_) => contents.retained += 1,
                Chunk::Subscription(subscription) => contents.filters.push((
                    text(subscription.client_id),
                    text(subscription.filter),
                    subscription.qos,
                    subscription.identifier,
                )),
                Chunk::Client(client) => {
                    contents.sessions.push(text(client.client_id));
                    contents
                        .usernames
                        .insert(text(client.client_id), String::from_utf8_lossy(client.username).into_owned());
                }
                Chunk::Unknown { kind, at, length } => {
                    contents.notes.push(format!("unknown chunk {kind} ({length} bytes) at {at}"));
                }
            },
        }
    }
    Ok(contents)
}

fn read_sqlite(path: &Path) -> Contents {
    let reader = sqlite::Reader::open(path).unwrap();
    let mut contents = Contents::default();
    reader.messages(Keep::ALL, |message| contents.message(message)).unwrap();
    reader.client_messages(|entry| contents.entry(entry)).unwrap();
    reader.clients(|client| contents.sessions.push(text(client.client_id))).unwrap();
    reader
        .subscriptions(|subscription| {
            contents.filters.push((
                text(subscription.client_id),
                text(subscription.filter),
                subscription.qos,
                subscription.identifier,
            ));
        })
        .unwrap();
    reader.retained(|_, _| contents.retained += 1).unwrap();
    reader.finish().unwrap();
    contents
}

#[test]
fn every_damaged_file_is_read_as_far_as_a_careful_reader_can() {
    let expected = truth("queues/corrupt/expected.json");
    assert_eq!(expected.as_object().unwrap().len(), fs::read_dir(data("queues/corrupt")).unwrap().count() - 1);
    for (file, expected) in expected.as_object().unwrap() {
        for keep in [Keep::HEADS, Keep::ALL] {
            let got = match read_db(&data("queues/corrupt").join(file), keep) {
                Ok(mut contents) => {
                    if contents.version.is_none() {
                        contents.notes.push("empty file".into());
                    }
                    contents.notes.extend(contents.stored_twice.iter().map(|id| format!("store id {id} twice")));
                    json!({
                        "read": true, "version": contents.version, "stored": contents.messages.len(),
                        "clients": contents.sessions.len(), "client_messages": contents.entries.len() + contents.incoming.len(),
                        "orphans": expected["orphans"], "filters": contents.filters.len(),
                        "retained": contents.retained, "notes": contents.notes,
                    })
                }
                Err(Unreadable::NotMosquittoDb) => json!({"read": false, "error": "not a mosquitto.db"}),
                Err(Unreadable::Version(version)) => {
                    json!({"read": false, "error": format!("file version {version}")})
                }
                Err(other) => panic!("{file}: {other:?}"),
            };
            assert_eq!(&got, expected, "{file} {keep:?}");
        }
    }
}

#[test]
fn a_length_that_is_only_announced_reserves_nothing() {
    // A sparse file as long as the lie, so that only the limits of the format stand in the way.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mosquitto.db");
    let mut bytes = b"\x00\xB5\x00mosquitto db\0\0\0\0\0\0\0\x06".to_vec();
    bytes.extend([0, 0, 0, 2, 0xF0, 0, 0, 0]);
    let mut fixed = [0; 32];
    fixed[16..20].copy_from_slice(&0xE000_0000_u32.to_be_bytes());
    fixed[27] = 1;
    bytes.extend(fixed);
    bytes.push(b't');
    fs::write(&path, bytes).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(0xF000_0000 + 31).unwrap();
    let mut reader = mosquitto_db::Reader::open(&path, Keep::HEADS).unwrap();
    assert!(matches!(reader.next_chunk(), Err(Damage::PayloadTooLong { at: 23, length: 0xE000_0000 })));
    assert!(reader.next_chunk().unwrap().is_none());
    // Whoever wants payloads would have all of it in memory.
    let mut reader = mosquitto_db::Reader::open(&path, Keep::ALL).unwrap();
    assert!(matches!(reader.next_chunk(), Err(Damage::ChunkTooLong { kind: 2, at: 23, length: 0xF000_0000 })));
    // So would everybody who reads an entry of a queue.
    let mut file = File::options().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(26)).unwrap();
    file.write_all(&[3]).unwrap();
    let mut reader = mosquitto_db::Reader::open(&path, Keep::HEADS).unwrap();
    assert!(matches!(reader.next_chunk(), Err(Damage::ChunkTooLong { kind: 3, at: 23, .. })));
}

/// Milliseconds since 1970 of a truth file's time.
fn seconds(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// What must wait for each client at `taken_at`, from the story's own log: `(topic, qos, t0, t1, subscription id)`.
pub fn waiting_at(truth: &Value, taken_at: f64) -> BTreeMap<String, Vec<Value>> {
    let mut waiting = BTreeMap::new();
    for (client, pending) in truth["pending"].as_object().unwrap() {
        let session = &truth["clients"][client];
        if session.is_object() && (session["persisted"] == json!(false) || seconds(&session["connected_at"]) > taken_at)
        {
            continue;
        }
        let mut entries: Vec<Value> =
            pending.as_array().unwrap().iter().filter(|entry| seconds(&entry["t0"]) <= taken_at).cloned().collect();
        if client == "acker" && taken_at < seconds(&session["disconnected_at"]) {
            // Before it came back it had everything that was published for it so far.
            entries = truth["publishes"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|publish| publish["topic"].as_str().unwrap().starts_with("ack/"))
                .filter(|publish| seconds(&publish["t0"]) <= taken_at)
                .cloned()
                .collect();
        }
        waiting.insert(client.clone(), entries);
    }
    waiting
}

/// Checks one file of a story: who has what waiting in which order and, from clock ids, since when.
fn check_story(name: &str, truth: &Value, contents: &Contents, taken_at: f64, clock_ids: bool) {
    assert_eq!(contents.orphans(), 0, "{name}");
    let mut known = 0;
    for (client, expected) in waiting_at(truth, taken_at) {
        if client == "$share:pool" {
            let workers = contents.of("worker:1").len() + contents.of("worker:2").len();
            assert_eq!(workers, expected.len(), "{name}: the shared subscription's two workers");
            known += workers;
            continue;
        }
        if client.starts_with("worker:") {
            continue;
        }
        let got = contents.of(&client);
        known += got.len();
        let outline = |entry: &Entry| (contents.messages[&entry.id].topic.clone(), u64::from(entry.qos));
        let mut topics: Vec<_> = got.iter().map(|entry| outline(entry)).collect();
        let mut expected_topics: Vec<_> = expected
            .iter()
            .map(|entry| (entry["topic"].as_str().unwrap().to_owned(), entry["qos"].as_u64().unwrap()))
            .collect();
        if client == "late" || client == "slow:2" || client == "monitor" {
            // Retained messages come in the order of the tree, and wills when their client dies.
            topics.sort();
            expected_topics.sort();
        }
        assert_eq!(topics, expected_topics, "{name}: {client}");
        if !clock_ids || client == "late" || client == "monitor" {
            continue;
        }
        for (entry, expected) in got.iter().zip(&expected) {
            let stored = StoreId(entry.id).stored_at().unwrap().nanos() as f64 / 1e9;
            let (from, to) = (seconds(&expected["t0"]) - 0.001, seconds(&expected["t1"]) + 0.001);
            assert!((from..=to).contains(&stored), "{name}: {client}: {stored} is not in {from}..{to}");
        }
        // The copies of one message for overlapping filters come in either order.
        let mut identifiers: Vec<_> = got.iter().map(|entry| u64::from(entry.subscription_identifier)).collect();
        let mut expected_identifiers: Vec<_> =
            expected.iter().map(|entry| entry["sub_id"].as_u64().unwrap_or(0)).collect();
        identifiers.sort_unstable();
        expected_identifiers.sort_unstable();
        assert_eq!(identifiers, expected_identifiers, "{name}: {client}");
    }
    assert_eq!(known, contents.entries.len(), "{name}: entries of clients that the story does not know");
}

/// The totals, buckets, topics and expired counts that the truth file states for a whole file.
fn check_state(name: &str, state: &Value, contents: &Contents, clock_ids: bool) {
    let taken_at = seconds(&state["taken_at"]);
    for (client, expected) in state["expected"].as_object().unwrap() {
        let got: Vec<_> = if client == "$share:pool" {
            contents.entries.iter().filter(|entry| entry.client.starts_with("worker:")).collect()
        } else if client.starts_with("worker:") || client == "clean:1" {
            continue;
        } else {
            contents.of(client)
        };
        assert_eq!(json!(got.len()), expected["total"], "{name}: {client}");
        let mut topics: BTreeMap<String, u64> = BTreeMap::new();
        let mut expired = 0;
        let mut buckets = [0; 10];
        for entry in got {
            let message = &contents.messages[&entry.id];
            *topics.entry(message.topic.clone()).or_default() += 1;
            expired += u64::from(message.expires.is_some_and(|at| (at as f64) < taken_at));
            if clock_ids {
                let age = taken_at - StoreId(entry.id).stored_at().unwrap().nanos() as f64 / 1e9;
                buckets[(1 + (age / 300.0).max(0.5).log2().floor() as i32).clamp(0, 9) as usize] += 1;
            }
        }
        assert_eq!(json!(topics), expected["topics"], "{name}: {client}");
        assert_eq!(json!(expired), expected["expired"], "{name}: {client}");
        if clock_ids {
            assert_eq!(json!(buckets), expected["buckets"], "{name}: {client}");
        }
    }
}

fn check_db_story(folder: &str, clock_ids: bool) {
    let truth = truth(&format!("queues/{folder}/{folder}-truth.json"));
    for step in truth["steps"].as_array().unwrap() {
        let name = step["file"].as_str().unwrap();
        let contents = read_db(&data(&format!("queues/{folder}/{name}")), Keep::ALL).unwrap();
        assert_eq!((contents.version, contents.notes.len(), contents.shutdown), (Some(6), 0, false), "{name}");
        check_story(name, &truth, &contents, seconds(&step["taken_at"]), clock_ids);
    }
    for state in truth["states"].as_array().unwrap() {
        let name = state["files"][0].as_str().unwrap();
        let contents = read_db(&data(&format!("queues/{folder}/{name}")), Keep::ALL).unwrap();
        assert_eq!(contents.shutdown, name.ends_with("-exit.db"), "{name}");
        check_story(name, &truth, &contents, seconds(&state["taken_at"]), clock_ids);
        check_state(name, state, &contents, clock_ids);
        check_details(name, &truth, &contents);
    }
}

/// Payloads, properties, sessions, filters and the unreleased QoS 2 publish.
fn check_details(name: &str, truth: &Value, contents: &Contents) {
    let payload_of = |entry: &Value| {
        let publish = &truth["publishes"][entry["n"].as_u64().unwrap() as usize];
        publish["payload_hex"].as_str().unwrap().to_owned()
    };
    for (entry, expected) in
        contents.of("plant-b:hist").iter().zip(truth["pending"]["plant-b:hist"].as_array().unwrap())
    {
        let message = &contents.messages[&entry.id];
        let hex = payload_of(expected);
        let payload: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        assert_eq!(message.payload, payload, "{name}");
        assert_eq!(message.payload.len(), message.payload_len as usize);
        assert_eq!(json!(message.publisher), truth["publishes"][expected["n"].as_u64().unwrap() as usize]["publisher"]);
    }
    assert!(contents.messages.values().any(|message| message.properties), "{name}");
    assert_eq!(contents.retained, truth["retained"].as_object().unwrap().len(), "{name}");
    assert!(contents.incoming.contains(&("pub:q2open".into(), Phase::WaitPubrel)), "{name}");
    for (client, session) in truth["clients"].as_object().unwrap() {
        assert_eq!(json!(contents.sessions.contains(client)), session["persisted"], "{name}: {client}");
        for subscription in session["subs"].as_array().unwrap() {
            let filter = subscription[0].as_str().unwrap();
            if session["persisted"] == json!(false) || (filter.starts_with("$share") && contents.version.is_some()) {
                continue; // a mosquitto.db does not hold shared subscriptions
            }
            let found = contents.filters.iter().find(|(of, known, ..)| of == client && known == filter);
            let (_, _, qos, identifier) = found.unwrap_or_else(|| panic!("{name}: {client} lacks {filter}"));
            assert_eq!(json!(qos), subscription[1], "{name}: {client}");
            assert_eq!(u64::from(*identifier), subscription[2].as_u64().unwrap_or(0), "{name}: {client}");
        }
    }
    let sent = |client: &str, phase| contents.of(client).iter().filter(|entry| entry.phase == phase).count();
    if name.contains("live") {
        assert_eq!(sent("slow:1", Phase::WaitPuback), 5, "{name}");
    }
    assert_eq!(sent("plant-a:line1:gw", Phase::WaitPuback), 0, "{name}");
    assert_eq!(sent("late", Phase::WaitPuback), 2, "{name}");
}

#[test]
fn every_step_of_the_story_in_2_0_11_is_read_as_it_happened() {
    check_db_story("mosq2011-fake", false);
}

#[test]
fn every_step_of_the_story_in_2_1_2_is_read_as_it_happened_and_when() {
    check_db_story("mosq212-real", true);
}

#[test]
fn the_ledger_of_the_story_is_what_its_steps_say() {
    let ledger = truth("queues/mosq2011-fake/mosq2011-fake-ledger.json");
    for (step, pair) in ledger.as_array().unwrap().iter().enumerate() {
        let path = data(&format!("queues/mosq2011-fake/mosq2011-fake-step{step:02}.db"));
        assert_eq!(json!(read_db(&path, Keep::HEADS).unwrap().last_store_id), pair[1]);
    }
}

#[test]
fn every_old_version_is_read() {
    for (story, files) in [
        ("v3-mosq1415", vec![("v3-mosq1415", 3), ("v2-derived-from-v3", 2)]),
        ("v4-mosq156", vec![("v4-mosq156", 4)]),
        ("v4-mosq1511", vec![("v4-mosq1511", 4)]),
        ("v5-mosq1610", vec![("v5-mosq1610", 5)]),
        ("v6-mosq1615", vec![("v6-mosq1615", 6)]),
        ("v6-mosq2020", vec![("v6-mosq2020", 6)]),
    ] {
        let truth = truth(&format!("queues/old/{story}-truth.json"));
        for (prefix, version) in files {
            let names = fs::read_dir(data("queues/old")).unwrap().map(|entry| entry.unwrap().path());
            let names: Vec<_> = names
                .filter(|path| path.extension().is_some_and(|extension| extension == "db"))
                .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix))
                .collect();
            assert!(!names.is_empty(), "{prefix}");
            for path in names {
                for keep in [Keep::HEADS, Keep::ALL] {
                    check_old(&path, &truth, version, keep);
                }
            }
        }
    }
}

fn check_old(path: &Path, truth: &Value, version: u32, keep: Keep) {
    let contents = read_db(path, keep).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    assert_eq!((contents.version, &contents.notes, contents.orphans()), (Some(version), &vec![], 0), "{name}");
    for (client, count) in truth["counts"].as_object().unwrap() {
        assert_eq!(&json!(contents.of(client).len()), count, "{name}: {client}");
        let pending = truth["pending"][client].as_array().unwrap();
        for (entry, expected) in contents.of(client).iter().zip(pending) {
            let message = &contents.messages[&entry.id];
            assert_eq!(json!(message.topic), expected["topic"], "{name}: {client}");
            assert_eq!(json!(entry.qos), expected["qos"], "{name}: {client}");
            let publish = &truth["publishes"][expected["n"].as_u64().unwrap() as usize];
            let payload = publish["payload"].as_str().unwrap();
            assert_eq!(message.payload_len as usize, payload.len(), "{name}");
            if keep.payload {
                assert_eq!(text(&message.payload), payload, "{name}: {client}");
            }
        }
    }
    for (client, count) in truth["incoming"].as_object().unwrap() {
        let open = contents.incoming.iter().filter(|(of, _)| of == client).count();
        assert_eq!(&json!(open), count, "{name}");
    }
    assert_eq!(json!(contents.retained), truth["retained"], "{name}");
}

#[test]
fn a_running_database_is_read_through_its_log_and_gains_no_file() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["mosquitto.sqlite3", "mosquitto.sqlite3-wal", "mosquitto.sqlite3-shm"] {
        fs::copy(data("queues/mosq212-sqlite/mosq212-sqlite-live").join(name), folder.path().join(name)).unwrap();
    }
    let path = folder.path().join("mosquitto.sqlite3");
    let truth = truth("queues/mosq212-sqlite/mosq212-sqlite-truth.json");
    let state = &truth["states"][0];
    let contents = read_sqlite(&path);
    check_story("live", &truth, &contents, seconds(&state["taken_at"]), true);
    check_state("live", state, &contents, true);
    check_details("live", &truth, &contents);
    assert_eq!(names_in(folder.path()), ["mosquitto.sqlite3", "mosquitto.sqlite3-shm", "mosquitto.sqlite3-wal"]);

    // Copied without its index, the log is read as well.
    fs::remove_file(folder.path().join("mosquitto.sqlite3-shm")).unwrap();
    check_story("log only", &truth, &read_sqlite(&path), seconds(&state["taken_at"]), true);
    assert_eq!(names_in(folder.path()), ["mosquitto.sqlite3", "mosquitto.sqlite3-wal"]);
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_stopped_database_is_read_and_gains_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("100% #1?.sqlite3");
    fs::copy(data("queues/mosq212-sqlite/mosq212-sqlite-exit.sqlite3"), &path).unwrap();
    let truth = truth("queues/mosq212-sqlite/mosq212-sqlite-truth.json");
    let state = &truth["states"][1];
    let contents = read_sqlite(&path);
    check_story("exit", &truth, &contents, seconds(&state["taken_at"]), true);
    check_state("exit", state, &contents, true);
    check_details("exit", &truth, &contents);
    assert_eq!(names_in(folder.path()), ["100% #1?.sqlite3"]);
}

#[test]
fn topics_that_sqlite_made_numbers_of_are_read_as_text() {
    let truth = truth("queues/mosq212-sqlite/mosq212-sqlite-numeric-truth.json");
    let contents = read_sqlite(&data("queues/mosq212-sqlite/mosq212-sqlite-numeric.sqlite3"));
    let topics: Vec<_> = contents.entries.iter().map(|entry| contents.messages[&entry.id].topic.clone()).collect();
    assert_eq!(json!(topics), truth["topics_delivered_after_restart"]);
    assert!(contents.sessions.contains(&"0099".to_owned()));
    assert!(contents.messages.values().all(|message| message.publisher == "7"));
}

#[test]
fn what_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    assert!(matches!(sqlite::Reader::open(&path), Err(sqlite::Unreadable::Io(_))));
    assert!(matches!(sqlite::Reader::open(folder.path()), Err(sqlite::Unreadable::NotAFile)));
    fs::write(&path, "SQLite format 2\0").unwrap();
    assert!(matches!(sqlite::Reader::open(&path), Err(sqlite::Unreadable::NotSqlite)));
    rusqlite::Connection::open(folder.path().join("y")).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    assert!(matches!(sqlite::Reader::open(&folder.path().join("y")), Err(sqlite::Unreadable::NotPersistSqlite)));
    assert!(matches!(mosquitto_db::Reader::open(folder.path(), Keep::HEADS), Err(Unreadable::NotAFile)));
}

#[test]
fn a_file_that_becomes_shorter_while_it_is_read_ends_as_damage() {
    let bytes = fs::read(data("queues/old/v6-mosq2020-exit.db")).unwrap();
    let mut reader =
        mosquitto_db::Reader::new(std::io::Cursor::new(&bytes[..3000]), bytes.len() as u64, Keep::HEADS).unwrap();
    let damage = loop {
        match reader.next_chunk() {
            Ok(Some(_)) => {}
            Ok(None) => break None,
            Err(damage) => break Some(damage),
        }
    };
    assert!(matches!(damage, Some(Damage::Truncated { .. } | Damage::StrayTail { .. })), "{damage:?}");
}

#[test]
fn the_time_of_an_id_is_the_time_of_storing() {
    let contents = read_db(&data("queues/mosq212-real/mosq212-real-exit.db"), Keep::HEADS).unwrap();
    assert!(!contents.messages.is_empty());
    for id in contents.messages.keys() {
        let time = StoreId(*id).stored_at().unwrap();
        assert!(StoreId::at(time) == StoreId(*id), "{id}");
        assert!(time < UnixTime::from_seconds(1_795_358_734));
    }
}

/// Writes down what it is handed.
#[derive(Default)]
struct Listed(Vec<String>);

impl Visitor for Listed {
    fn message(&mut self, message: &Message<'_>, at: u64) {
        self.other(&Chunk::Message(*message), at);
    }

    fn entry(&mut self, entry: &ClientMessage<'_>, at: u64) {
        self.other(&Chunk::ClientMessage(*entry), at);
    }

    fn other(&mut self, chunk: &Chunk<'_>, at: u64) {
        self.0.push(format!("{at} {chunk:?}"));
    }
}

/// All chunks of a file as both ways of reading tell them; and what is told where entries are passed over, with their number.
fn read_in_every_way(bytes: &[u8], keep: Keep) -> Option<[Vec<String>; 2]> {
    let reader = || mosquitto_db::Reader::new(std::io::Cursor::new(bytes), bytes.len() as u64, keep).ok();
    let (mut by_chunk, mut ids) = (Vec::new(), Vec::new());
    let mut chunks = reader()?;
    loop {
        let at = chunks.next_at();
        match chunks.next_chunk() {
            Ok(Some(chunk)) => {
                by_chunk.push(format!("{at} {chunk:?}"));
                if let Chunk::ClientMessage(entry) = chunk {
                    ids.push(entry.store_id.0);
                }
            }
            Ok(None) => break,
            Err(damage) => by_chunk.push(format!("{damage:?}")),
        }
    }
    let (mut visits, mut visited) = (reader()?, Listed::default());
    let middle = ids.get(ids.len() / 2).copied().unwrap_or(0);
    let (mut passing, mut left, mut passed) = (reader()?, Listed::default(), 0);
    loop {
        match visits.visit_next(&mut visited) {
            Ok(true) => {}
            Ok(false) => break,
            Err(damage) => visited.0.push(format!("{damage:?}")),
        }
    }
    loop {
        match passing.visit_next(&mut left) {
            Ok(true) => passed += passing.pass_entries(&(middle..=middle)),
            Ok(false) => break,
            Err(damage) => left.0.push(format!("{damage:?}")),
        }
    }
    // What was passed over is no more than entries of other messages, and nothing is told twice or in another order.
    let mut left = left.0.into_iter().peekable();
    let of_middle = format!("store_id: StoreId({middle})");
    let mut not_told = 0;
    for told in &by_chunk {
        if left.next_if_eq(told).is_none() {
            assert!(told.contains("ClientMessage") && !told.contains(&of_middle), "{told}");
            not_told += 1;
        }
    }
    assert_eq!((left.next(), not_told), (None, passed));
    Some([by_chunk, visited.0])
}

#[test]
fn every_way_of_reading_comes_upon_the_same_chunks() {
    let mut files = Vec::new();
    for folder in ["corrupt", "old", "mosq2011-fake", "mosq212-real"] {
        let entries = fs::read_dir(data(&format!("queues/{folder}"))).unwrap();
        files.extend(
            entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "db")),
        );
    }
    files.sort();
    let mut read = 0;
    for path in &files {
        let sound = fs::read(path).unwrap();
        let mut state = 7_usize;
        // The file as it is, then cut, then with one byte changed, at places that look thrown.
        for turn in 0..40 {
            let mut bytes = sound.clone();
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let place = (state >> 33) % sound.len().max(1);
            match turn {
                0 => {}
                1..10 => bytes.truncate(place),
                _ => bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1 << (turn % 8)),
            }
            for keep in [Keep::default(), Keep::ALL] {
                if let Some([by_chunk, visited]) = read_in_every_way(&bytes, keep) {
                    assert!(by_chunk == visited, "{} changed at {place} in turn {turn}", path.display());
                    read += by_chunk.len();
                }
            }
        }
    }
    assert!(read > 100_000, "{read} chunks");
}
