//! Files and names that somebody made to harm whoever looks at them, and sources that can be read only once.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::peers::stub;
use crate::qshape::qshape;
use crate::run::{moskit, run};

/// A mosquitto.db of version 6, chunk by chunk.
struct Db(Vec<u8>);

impl Db {
    fn new() -> Self {
        Self(b"\x00\xB5\x00mosquitto db\0\0\0\0\0\0\0\x06".to_vec())
    }

    fn chunk(&mut self, kind: u32, parts: &[&[u8]]) {
        let body = parts.concat();
        self.0.extend(kind.to_be_bytes());
        self.0.extend((body.len() as u32).to_be_bytes());
        self.0.extend(body);
    }

    fn message(&mut self, id: u64) {
        let rest = [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0];
        self.chunk(2, &[&id.to_le_bytes(), &[0; 8], &rest, b"p", b"t", b"x"]);
    }

    fn entry(&mut self, id: u64, client: &[u8]) {
        let length = (client.len() as u16).to_be_bytes();
        self.chunk(3, &[&id.to_le_bytes(), &[0, 1], &length, &[1, 11, 0, 1], client]);
    }

    fn table(&self, words: &[&str]) -> (Value, String, i32) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mosquitto.db");
        fs::write(&path, &self.0).unwrap();
        let ended = qshape(&[&["--json"], words, &[path.to_str().unwrap()]].concat(), "");
        let table = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        (table, ended.stderr, ended.code)
    }
}

#[test]
fn messages_and_entries_may_come_in_any_order_and_are_sorted_once() {
    const MANY: u64 = 100_000;
    let mut mixed = Db::new();
    mixed.entry(MANY, b"early");
    for id in 1..=MANY {
        mixed.message(id);
        mixed.entry(id, b"client");
    }
    mixed.entry(MANY + 1, b"orphan");
    let (table, stderr, code) = mixed.table(&[]);
    let rows: Vec<_> = table["rows"].as_array().unwrap().iter().map(|row| (&row["name"], &row["total"])).collect();
    assert_eq!(rows, [(&Value::from("client"), &Value::from(MANY)), (&Value::from("early"), &Value::from(1))]);
    assert_eq!((&table["sources"][0]["orphans"], code), (&Value::from(1), 0), "{stderr}");
    // Each has somebody who waits for it.
    assert!(!stderr.contains("nobody waits"), "{stderr}");
}

#[test]
fn chunks_of_unknown_kinds_are_named_up_to_a_number_and_then_counted() {
    let mut unknown = Db::new();
    for _ in 0..100_000 {
        unknown.chunk(9, &[]);
    }
    let (_, stderr, code) = unknown.table(&[]);
    let warnings: Vec<_> = stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!((warnings.len(), warnings[5], code), (6, "warning: 99995 more unknown chunks, skipped", 2));
}

#[test]
fn the_longest_names_make_a_table_at_once_and_no_more_parents_than_topics_have() {
    let mut long = Db::new();
    long.message(1);
    for client in 0..20 {
        let mut id = vec![b'-'; 65_530];
        id.extend(format!("{client:05}").bytes());
        long.entry(1, &id);
    }
    let (table, _, code) = long.table(&["-p", "-m", "1"]);
    assert_eq!((table["rows"].as_array().unwrap().len(), code), (220, 0));
}

#[test]
fn numbers_beyond_all_counting_stop_at_the_largest() {
    let line = "{\"client\":\"a\",\"bytes\":18446744073709551615}\n";
    let ended = qshape(&["--bytes", "-q", "-"], &line.repeat(2));
    assert!(ended.stdout.contains("TOTAL 18446744073709551615"), "{ended:?}");
    assert_eq!((ended.stderr.as_str(), ended.code), ("", 0));
    for form in ["--json", "--csv", "--openmetrics"] {
        assert_eq!(qshape(&["--bytes", form, "-"], &line.repeat(2)).code, 0, "{form}");
    }
}

#[test]
fn the_first_line_of_a_pipe_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut writer = Command::new("sh")
        .args(["-c", "printf '{\"client\":\"a\"}\\n{\"client\":\"b\"}\\n' > \"$0\""])
        .arg(&pipe)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let ended = run(&mut moskit(&["qshape", "-b", "1", "-w", "30", "-q", pipe.to_str().unwrap()]), b"");
    let status = writer.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (Some(0), None));
    let rows: Vec<_> = ended.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(rows, ["T 0+ ?", "TOTAL 2 0 2", "a 1 0 1", "b 1 0 1"], "{ended:?}");
    assert_eq!((ended.stderr.as_str(), ended.code), ("", 0));
}

#[test]
fn a_client_id_is_quoted_in_the_command_that_is_to_be_copied() {
    for (id, operand) in [("it's; rm -rf ~", "'it'\\''s; rm -rf ~'"), ("-x", "-- -x"), ("gw-1", "gw-1")] {
        let line = serde_json::json!({"client": id, "since": 1_700_000_000}).to_string();
        let ended = qshape(&["explain", "--at", "1800000000", "--quiet", "--", id, "-"], &line);
        let command = format!("If the client is gone for good: moskit qshape purge {operand}. ");
        assert!(ended.stdout.contains(&command), "{ended:?}");
    }
}

#[test]
fn a_peer_that_ends_without_connack_is_told_with_its_cause() {
    for (answer, line, cause, hint) in [
        (&b""[..], "the broker closed the connection", "[proto.closed]", "it may want a login"),
        (b"\x15\x03\x03\x00\x02\x02\x46", "the broker does not answer as MQTT says", "[tls.plain-to-tls]", "--cafile"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "the broker closed the connection", "[proto.ws-vs-mqtt]", "--ws"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "the broker closed the connection", "[proto.not-mqtt]", "port of the broker"),
    ] {
        let place = stub(move |mut stream| {
            let _ = stream.read(&mut [0; 2048]);
            let _ = stream.write_all(answer);
        });
        let port = place.rsplit(':').next().unwrap();
        let source = format!("mqtt://{place}");
        let purge = ["purge", "c1", "-h", "127.0.0.1", "-p", port, "--yes", "--force"];
        for words in [&[&*source][..], &purge] {
            let said = qshape(words, "").stderr;
            let first = said.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
            assert!(first.ends_with(line), "{words:?}: {said}");
            assert!(said.contains(cause) && said.contains("\nhint: ") && said.contains(hint), "{words:?}: {said}");
        }
    }
}

#[test]
fn a_packet_that_is_broken_is_told_with_its_cause() {
    let garbage = "what the other side sends is not MQTT, or is broken [proto.garbage]";
    let old = "the broker answers version 5 as one that knows only 3.1.1 and 3.1 [proto.version]";
    for (answer, version, cause, hint) in [
        // A CONNACK that is broken, of a broker that is older, and what comes behind a good one.
        (&b"\x20\x02\xff\xff"[..], "311", garbage, "moskit check -h 127.0.0.1 -p "),
        (b"\x20\x02\x00\x01", "5", old, "-V mqttv311"),
        (b"\x20\x02\x00\x00\x30\xff\xff\xff\xff\xff", "311", garbage, "moskit check -h 127.0.0.1 -p "),
    ] {
        let place = stub(move |mut stream| {
            let _ = stream.read(&mut [0; 2048]);
            let _ = stream.write_all(answer);
            while matches!(stream.read(&mut [0; 2048]), Ok(1..)) {}
        });
        let said = qshape(&["--protocol-version", version, &format!("mqtt://{place}")], "").stderr;
        let line = format!("error: cannot read from {place}: the broker does not answer as MQTT says\n");
        let rest = said.strip_prefix(&line).unwrap_or_else(|| panic!("{said}"));
        assert!(rest.starts_with(&format!("cause: {cause}\nhint: ")) && rest.contains(hint), "{said}");
    }
}

#[test]
fn the_next_step_after_a_refusal_has_options_that_qshape_knows() {
    for (version, answer, hint, options) in [
        ("311", &b"\x20\x02\x00\x01"[..], "try another: -V mqttv5 or -V mqttv31", &["-V", "mqttv31"][..]),
        ("311", b"\x20\x02\x00\x04", "give the login: -u NAME and --pw-file FILE or --pw-prompt", &["-u", "name"]),
        ("311", b"\x20\x02\x00\x02", "the broker's log says why", &[]),
        ("5", b"\x20\x03\x00\x85\x00", "the broker's log says why", &[]),
        ("5", b"\x20\x07\x00\x9c\x04\x1c\x00\x01b", "ask that one, if it is the right one", &[]),
    ] {
        let place = stub(move |mut stream| {
            let _ = stream.read(&mut [0; 2048]);
            let _ = stream.write_all(answer);
        });
        let (port, source) = (place.rsplit(':').next().unwrap(), format!("mqtt://{place}"));
        for words in [&[&*source][..], &["purge", "c1", "-h", "127.0.0.1", "-p", port, "--yes", "--force"]] {
            let said = qshape(&[words, &["--protocol-version", version]].concat(), "").stderr;
            assert!(said.ends_with(&format!("\nhint: {hint}\n")), "{words:?}: {said}");
            // Done as it says, it is asked again.
            let said = qshape(&[words, options].concat(), "").stderr;
            assert!(said.contains(": the broker refuses with code "), "{words:?} {options:?}: {said}");
        }
    }
}

#[test]
fn a_broker_that_says_goodbye_is_told_with_its_code() {
    let place = stub(|mut stream| {
        let _ = stream.read(&mut [0; 2048]);
        let _ = stream.write_all(b"\x20\x03\x00\x00\x00\xe0\x02\x98\x00");
        while matches!(stream.read(&mut [0; 2048]), Ok(1..)) {}
    });
    let said = qshape(&["--protocol-version", "5", &format!("mqtt://{place}")], "").stderr;
    assert_eq!(said, format!("error: cannot read from {place}: the broker ended the connection with code 152\n"));
}

#[test]
fn a_broker_that_does_not_answer_may_be_given_more_time() {
    let place = stub(|mut stream| while matches!(stream.read(&mut [0; 2048]), Ok(1..)) {});
    let said = qshape(&["--timeout", "0.3", &format!("mqtt://{place}")], "").stderr;
    assert!(said.starts_with(&format!("error: cannot read from {place}: no answer ")), "{said}");
    assert!(said.ends_with("\nhint: --timeout SECONDS waits longer\n"), "{said}");
}
