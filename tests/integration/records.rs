//! Messages as data: records out of sub and into pub, with jq and Python as foreign readers and Debian's mosquitto between.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use serde_json::{Value, json};

use crate::broker::broker;
use crate::mosquitto::{Mosquitto, installed};
use crate::run::{Ended, called_as, moskit, run, within_short_or_long};

/// A session at the broker that keeps what comes for it.
struct Kept<'a> {
    port: &'a str,
    id: &'a str,
    filter: &'a str,
}

impl<'a> Kept<'a> {
    fn new(port: &'a str, id: &'a str, filter: &'a str) -> Self {
        let kept = Self { port, id, filter };
        assert_eq!(run(&mut kept.sub(&["-E"]), b"").code, 0);
        kept
    }

    fn sub(&self, words: &[&str]) -> Command {
        let session = ["sub", "-p", self.port, "-V", "mqttv5", "-q", "2", "-c", "-i", self.id, "-t", self.filter];
        moskit(&[&session[..], words].concat())
    }

    /// What the broker still has for it: the lines of all that comes before a message that is published now.
    fn left(&self) -> Vec<String> {
        assert_eq!(publish(self.port, &["-q", "1", "-t", "end", "-m", "end"], b""), DONE);
        let mut sub = self.sub(&[]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(sub.stdout.take().unwrap()).lines().map(Result::unwrap);
        let left = lines.take_while(|line| line != "end").collect();
        sub.kill().unwrap();
        sub.wait().unwrap();
        left
    }

    /// The records of so many messages, as jq reads them where it is installed.
    fn records(&self, count: usize) -> Vec<Value> {
        let ended = run(&mut self.sub(&["--ndjson", "-W", "60", "-C", &count.to_string()]), b"");
        assert_eq!((ended.stderr.as_str(), ended.code), ("", 0));
        let lines = match installed("jq") {
            Some(program) => {
                let ended = run(Command::new(program).args(["-c", "."]), ended.stdout.as_bytes());
                assert_eq!(ended.stderr, "");
                ended.stdout
            }
            None => ended.stdout,
        };
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn publish(port: &str, words: &[&str], stdin: &[u8]) -> Ended {
    run(&mut moskit(&[&["pub", "-p", port][..], words].concat()), stdin)
}

const DONE: Ended = Ended { stdout: String::new(), stderr: String::new(), code: 0 };

#[test]
fn a_record_has_all_that_came_with_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    if installed("jq").is_none() {
        return;
    }
    let port = port.to_string();
    let kept = Kept::new(&port, "kept", "lab/#");
    let properties = [
        ["payload-format-indicator", "1"],
        ["message-expiry-interval", "600"],
        ["content-type", "text/plain"],
        ["response-topic", "lab/answer"],
        ["correlation-data", "42"],
    ];
    let mut words = vec!["-p", &port, "-V", "5", "-q", "1", "-t", "lab/ü", "-m", "\"offen\"\n"];
    for [name, value] in &properties {
        words.extend(["-D", "publish", name, value]);
    }
    words.extend(["-D", "publish", "user-property", "k", "1", "-D", "publish", "user-property", "k", "2"]);
    assert_eq!(run(Command::new("mosquitto_pub").args(&words), b"").code, 0);
    let mut records = kept.records(1);
    let record = records[0].as_object_mut().unwrap();
    let ts = record.remove("ts").unwrap();
    assert!(ts.as_str().unwrap().parse::<jiff::Timestamp>().is_ok() && ts.as_str().unwrap().len() == 30, "{ts}");
    let left = record["properties"].as_object_mut().unwrap().remove("message-expiry-interval").unwrap();
    assert!((1..=600).contains(&left.as_u64().unwrap()));
    assert_eq!(
        Value::Object(record.clone()),
        json!({
            "v": 1, "topic": "lab/ü", "payload": "\"offen\"\n", "qos": 1, "retain": false, "dup": false, "mid": 1,
            "properties": {
                "payload-format-indicator": 1, "content-type": "text/plain", "response-topic": "lab/answer",
                "correlation-data": "42", "user-property": [["k", "1"], ["k", "2"]],
            },
        })
    );
}

/// Python's json and base64 read a record, and write one that pub publishes.
#[test]
fn another_language_reads_and_writes_records() {
    let (running, address) = broker();
    if installed("python3").is_none() {
        return;
    }
    let port = address.port().to_string();
    let kept = Kept::new(&port, "kept", "#");
    let write = "import json, base64\nfor i in (1, 2):\n print(json.dumps({'topic': f'py/{i}', 'qos': i, \
                 'payload_b64': base64.b64encode(bytes([0, 255, i])).decode(), 'properties': {'user-property': [['ä', 'ö']]}}))";
    let lines = run(Command::new("python3").args(["-c", write]), b"");
    assert_eq!(publish(&port, &["-V", "mqttv5", "--ndjson"], lines.stdout.as_bytes()), DONE);
    let read = "import json, base64, sys\nfor line in sys.stdin:\n r = json.loads(line)\n \
                print(r['topic'], r['qos'], list(base64.b64decode(r['payload_b64'])), r['properties']['user-property'])";
    let records = run(&mut kept.sub(&["--ndjson", "-W", "60", "-C", "2"]), b"");
    let said = run(Command::new("python3").args(["-c", read]), records.stdout.as_bytes());
    let expected = "py/1 1 [0, 255, 1] [['ä', 'ö']]\npy/2 2 [0, 255, 2] [['ä', 'ö']]\n";
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), (expected, ""));
    running.stop();
}

#[test]
fn a_pipe_copies_messages_from_one_broker_to_another() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, from)) = Mosquitto::open(folder.path()) else { return };
    if installed("jq").is_none() {
        return;
    }
    let (running, address) = broker();
    let (from, to) = (from.to_string(), address.port().to_string());
    let source = Kept::new(&from, "source", "#");
    let target = Kept::new(&to, "target", "#");
    for (topic, qos, payload) in [("a", "1", "zero"), ("b/c", "1", "\u{1}one\n"), ("ü", "2", "{\"two\":2}")] {
        let words = ["-q", qos, "-t", topic, "-m", payload, "-V", "5", "-D", "publish", "content-type", topic];
        assert_eq!(publish(&from, &words, b""), DONE);
    }
    assert_eq!(publish(&from, &["-q", "1", "-t", "bytes", "-s"], b"\xff\x00\xfe"), DONE);
    assert_eq!(publish(&from, &["-q", "1", "-t", "kept", "-r", "-n"], b""), DONE);
    let mut sub = source.sub(&["--ndjson", "-C", "5", "-W", "60"]);
    let mut sub = sub.stdout(Stdio::piped()).spawn().unwrap();
    let mut copy = moskit(&["pub", "-p", &to, "-V", "mqttv5", "--ndjson"]);
    assert!(copy.stdin(sub.stdout.take().unwrap()).status().unwrap().success());
    assert!(sub.wait().unwrap().success());
    let mut records = target.records(5);
    // QoS 2 is delivered with PUBREL, and so behind messages of other topics that came later.
    records.sort_by_key(|record| record["topic"].to_string());
    let seen: Vec<_> = records
        .iter()
        .map(|record| {
            json!([record["topic"], record["qos"], record.get("payload"), record["properties"].get("content-type")])
        })
        .collect();
    assert_eq!(
        seen,
        [
            json!(["a", 1, "zero", "a"]),
            json!(["b/c", 1, "\u{1}one\n", "b/c"]),
            json!(["bytes", 1, null, null]),
            json!(["kept", 1, "", null]),
            json!(["ü", 2, "{\"two\":2}", "ü"]),
        ]
    );
    assert_eq!(records[2]["payload_b64"], "/wD+");
    running.stop();
}

#[test]
fn fields_that_are_absent_take_the_values_of_the_options() {
    let (running, address) = broker();
    if installed("jq").is_none() {
        return;
    }
    let port = address.port().to_string();
    let kept = Kept::new(&port, "kept", "#");
    let lines = b"{\"payload\":\"1\"}\n\n  \n{\"topic\":\"own\",\"payload\":\"2\",\"qos\":2,\"retain\":false,\
                  \"properties\":{\"content-type\":\"c\"}}";
    let words =
        ["-V", "mqttv5", "--ndjson", "-t", "given", "-q", "1", "-r", "-D", "publish", "user-property", "a", "b"];
    assert_eq!(publish(&port, &words, lines), DONE);
    let seen: Vec<_> =
        kept.records(2).iter().map(|record| json!([record["topic"], record["qos"], record["properties"]])).collect();
    assert_eq!(seen, [json!(["given", 1, {"user-property": [["a", "b"]]}]), json!(["own", 2, {"content-type": "c"}])]);
    let retained = run(&mut moskit(&["sub", "-p", &port, "-t", "given", "-C", "1", "-F", "%r %p"]), b"");
    assert_eq!(retained.stdout, "1 1\n");
    running.stop();
}

#[test]
fn a_bad_line_is_named_and_nothing_after_it_is_published() {
    let (running, address) = broker();
    let port = address.port().to_string();
    let kept = Kept::new(&port, "kept", "#");
    let good = |number: usize| format!("{{\"topic\":\"t\",\"qos\":1,\"payload\":\"{number}\"}}\n");
    for (bad, why) in [
        ("{\"topic\":\"a/+\",\"payload\":\"\"}\n", "`topic` has a wildcard, and nothing can be published to one"),
        ("{\"topic\":\"a\",\"payload_b64\":\"?\"}\n", "`payload_b64` is not valid base64"),
        ("{\"topic\":\"a\",\"payload\":\"x\",\"topics\":1}\n", "unknown field `topics`"),
        ("{\"topic\":\"a\",\"payload\":\"x\"", "the line is cut off"),
        ("nonsense\n", "not valid JSON at column 2"),
        ("{\"topic\":\"a\"}\n", "`payload` is missing, and `payload_b64` too"),
        ("{\"payload\":\"x\"}\n", "`topic` is missing, and there is no -t"),
        ("{\"topic\":\"\x1b[31m\",\"\x1b\":1}\n", "not valid JSON at column 11"),
    ] {
        let input = format!("{}{}{bad}{}", good(1), good(2), if bad.ends_with('\n') { good(3) } else { String::new() });
        let ended = publish(&port, &["--ndjson"], input.as_bytes());
        let line = format!("error: line 3 of standard input: {why}; 2 messages before it were published\n");
        assert!(ended.stderr.starts_with(&line), "{bad}: {}", ended.stderr);
        assert_eq!(ended.code, 1);
        let ended = run(&mut kept.sub(&["-C", "2", "-W", "60"]), b"");
        assert_eq!(ended.stdout, "1\n2\n", "{bad}");
    }
    assert_eq!(kept.left(), [""; 0]);
    running.stop();
}

#[test]
fn bad_lines_are_skipped_and_counted_if_that_is_asked_for() {
    let (running, address) = broker();
    let port = address.port().to_string();
    let kept = Kept::new(&port, "kept", "#");
    let input = b"x\n{\"topic\":\"t\",\"qos\":1,\"payload\":\"1\"}\n{}\n{\"topic\":\"t\",\"qos\":1,\"payload\":\"2\",\"new\":1}\n";
    let ended = publish(&port, &["--ndjson", "--skip-bad"], input);
    let said = "Warning: line 1 is skipped: not valid JSON at column 1.\n\
                Warning: line 3 is skipped: `topic` is missing, and there is no -t.\n\
                Warning: line 4 is skipped: unknown field `new`.\n3 bad lines skipped, 1 published.\n";
    assert_eq!(ended, Ended { stderr: said.to_owned(), ..DONE });
    let ended = publish(&port, &["--ndjson", "--skip-bad", "--lenient", "--quiet"], input);
    assert_eq!(ended, DONE);
    assert_eq!(run(&mut kept.sub(&["-C", "3", "-W", "60"]), b"").stdout, "1\n1\n2\n");
    running.stop();
}

#[test]
fn properties_are_left_out_before_version_5_and_that_is_said_once() {
    let (running, address) = broker();
    let port = address.port().to_string();
    let line = "{\"topic\":\"t\",\"payload\":\"1\",\"properties\":{\"content-type\":\"c\"}}\n";
    let ended = publish(&port, &["--ndjson"], line.repeat(3).as_bytes());
    let said = "Warning: records have properties, which only -V mqttv5 sends: they are left out.\n";
    assert_eq!(ended, Ended { stderr: said.to_owned(), ..DONE });
    running.stop();
}

#[test]
fn lines_can_bring_their_topics() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let port = port.to_string();
    let kept = Kept::new(&port, "kept", "#");
    assert_eq!(publish(&port, &["-q", "1", "-l", "--topic-per-line"], b"a/b\tone\tmore\nc\t\n\xc3\xbc\ttwo"), DONE);
    let shown = run(&mut kept.sub(&["-C", "3", "-W", "60", "-F", "%t=%p"]), b"");
    assert_eq!(shown.stdout, "a/b=one\tmore\nc=\nü=two\n");
    for (line, why) in [
        (&b"no tab"[..], "no tab stands between topic and payload"),
        (b"a/#\tx", "`topic` has a wildcard, and nothing can be published to one"),
        (b"\xff\tx", "the topic is not UTF-8"),
        (b"\tx", "`topic` is empty"),
    ] {
        let ended = publish(&port, &["-l", "--topic-per-line"], line);
        let said = format!("error: line 1 of standard input: {why}; 0 messages before it were published\n");
        assert_eq!((ended.stderr, ended.code), (said, 1));
    }
}

#[test]
fn payloads_are_read_in_the_form_that_is_said() {
    let (running, address) = broker();
    let port = address.port().to_string();
    let kept = Kept::new(&port, "kept", "#");
    let words = |form: &'static str| ["-q", "1", "-t", "t", "--payload-format", form];
    assert_eq!(publish(&port, &[&words("hex")[..], &["-m", "00 ff 6A"]].concat(), b""), DONE);
    assert_eq!(publish(&port, &[&words("base64")[..], &["-s"]].concat(), b"AP9q\n"), DONE);
    assert_eq!(publish(&port, &[&words("base64")[..], &["-l"]].concat(), b"AP8=\nag==\n"), DONE);
    assert_eq!(publish(&port, &[&words("json")[..], &["-m", "{ \"a\": 1.50 }"]].concat(), b""), DONE);
    let shown = run(&mut kept.sub(&["-C", "5", "-W", "60", "-F", "%x"]), b"");
    assert_eq!(shown.stdout, "00ff6a\n00ff6a\n00ff\n6a\n7b202261223a20312e3530207d\n");
    for (form, text, why) in [
        ("hex", "0", "the payload is not an even number of hexadecimal digits"),
        ("base64", "A", "the payload is not valid base64"),
        ("json", "{", "the payload is not valid JSON at line 1, column 1"),
    ] {
        let ended = publish(&port, &[&words(form)[..], &["-m", text]].concat(), b"");
        assert_eq!((ended.stderr, ended.code), (format!("error: {why}\n"), 1));
    }
    running.stop();
}

#[test]
fn options_that_contradict_each_other_are_one_clear_error() {
    for (words, why) in [
        (&["pub", "--ndjson", "-m", "x"][..], "Error: Only one type of message can be sent at once."),
        (&["pub", "-t", "a", "-l", "--lenient"], "Error: --lenient needs --ndjson or --replay."),
        (&["pub", "-t", "a", "-m", "x", "--skip-bad"], "Error: --skip-bad needs --ndjson or --replay."),
        (&["pub", "-m", "x", "--topic-per-line"], "Error: --topic-per-line needs -l."),
        (&["pub", "-t", "a", "-l", "--topic-per-line"], "Error: --topic-per-line and -t cannot be used together."),
        (
            &["pub", "-t", "a", "-m", "x", "--payload-format", "xml"],
            "Error: Unknown payload format 'xml': it is text, hex, base64 or json.",
        ),
        (&["pub", "--speed", "2x", "-t", "a", "-l"], "Error: --speed needs --replay."),
        (
            &["pub", "--replay", "x", "--speed", "fast"],
            "Error: Invalid value 'fast' for --speed: it is 2x, 0.5x or max.",
        ),
        (&["pub", "--replay", "x", "-l"], "Error: Only one type of message can be sent at once."),
        (&["pub", "--replay", "-", "--loop", "2"], "Error: --loop cannot play standard input again."),
        (
            &["pub", "--ndjson", "--map", "a"],
            "Error: Invalid value 'a' for --map: it is A=B, two beginnings of topics.",
        ),
        (&["sub", "-t", "a", "--rotate", "1MB"], "Error: --rotate needs --record."),
        (
            &["sub", "-t", "a", "--record", "x", "--rotate", "1x"],
            "Error: Invalid value '1x' for --rotate: it is a size as 10MB or a time as 1h.",
        ),
        (&["sub", "-t", "a", "--ndjson", "-v"], "Error: --ndjson and -v cannot be used together."),
        (&["sub", "-t", "a", "--ndjson", "-F", "%p"], "Error: --ndjson and -F cannot be used together."),
    ] {
        let ended = run(&mut moskit(words), b"");
        assert_eq!((ended.stderr.lines().next().unwrap_or_default(), ended.code), (why, 1), "{words:?}");
    }
}

/// Messages that one broker has and the other gets, while both are killed and started again.
fn nothing_is_lost_on_the_way(rounds: usize, count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let start = |name: &str, port: u16| {
        let folder = folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        broker_that_keeps(&folder, port)
    };
    let (from, to) = (crate::mosquitto::free_port(), crate::mosquitto::free_port());
    let (Some(mut source), Some(mut target)) = (start("source", from), start("target", to)) else { return };
    let (from_port, to_port) = (from.to_string(), to.to_string());
    let bridge = ["-q", "1", "-c", "-i", "bridge", "-t", "#"];
    assert_eq!(run(&mut moskit(&[&["sub", "-p", &from_port, "-E"][..], &bridge].concat()), b"").code, 0);
    let kept = Kept::new(&to_port, "kept", "#");
    let numbers = (0..count).map(|number| number.to_string()).collect::<Vec<_>>().join("\n");
    assert_eq!(publish(&from_port, &["-q", "1", "-t", "t", "-l"], numbers.as_bytes()), DONE);
    let mut sub = moskit(&[&["sub", "-p", &from_port, "--ndjson", "-M", "100"][..], &bridge].concat());
    let mut sub = sub.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut copy = moskit(&["pub", "-p", &to_port, "--ndjson"]);
    let mut copy = copy.stdin(sub.stdout.take().unwrap()).stderr(Stdio::null()).spawn().unwrap();
    let mut missing: std::collections::HashSet<_> = (0..count).map(|number| number.to_string()).collect();
    let arrived = |count: &str| run(&mut kept.sub(&["-C", count, "-W", "10"]), b"").stdout;
    let mut times_in_vain = 0;
    // From now on both connections have been there, and are made again.
    missing.remove(arrived("1").trim_end());
    for round in 0..rounds {
        if round % 2 == 0 {
            target.kill();
            target = start("target", to).unwrap();
        } else {
            source.kill();
            source = start("source", from).unwrap();
        }
    }
    while !missing.is_empty() {
        let numbers = arrived("500");
        times_in_vain = if numbers.is_empty() { times_in_vain + 1 } else { 0 };
        assert!(times_in_vain < 6, "{} of {count} messages never came", missing.len());
        for number in numbers.lines() {
            missing.remove(number);
        }
    }
    for child in [&mut sub, &mut copy] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// A broker of ours that writes what it has before it acknowledges it.
fn broker_that_keeps(folder: &Path, port: u16) -> Option<Killable> {
    let file = folder.join("broker.conf");
    std::fs::write(
        &file,
        format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {}/\n\
                                   max_queued_messages 0\n",
            folder.display()
        ),
    )
    .unwrap();
    let child = moskit(&["broker", "-c", file.to_str()?]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::yield_now();
    }
    Some(Killable(child))
}

struct Killable(std::process::Child);

impl Killable {
    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Killable {
    fn drop(&mut self) {
        self.kill();
    }
}

#[test]
fn a_pipe_between_two_brokers_loses_nothing_when_either_is_killed() {
    nothing_is_lost_on_the_way(2, 5_000);
}

#[test]
#[ignore = "long: twenty kills"]
fn a_pipe_between_two_brokers_loses_nothing_in_twenty_kills() {
    nothing_is_lost_on_the_way(20, 50_000);
}

#[test]
fn mosquittos_names_print_what_they_printed() {
    // An option of ours is no option of theirs, but help under their names lists all that is read.
    let ended = run(&mut called_as("mosquitto_sub", &["-t", "a", "--nonsense"]), b"");
    assert!(ended.stderr.starts_with("Error: Unknown option '--nonsense'."), "{}", ended.stderr);
}

fn records_of(path: &Path) -> String {
    let ended = if path.extension().is_some_and(|extension| extension == "zst") {
        run(Command::new("zstd").arg("-dcq").arg(path), b"")
    } else {
        run(Command::new("cat").arg(path), b"")
    };
    assert_eq!((ended.stderr.as_str(), ended.code), ("", 0), "{}", path.display());
    ended.stdout
}

#[test]
fn a_recording_is_played_again_under_other_topics() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    if installed("zstd").is_none() {
        return;
    }
    let port = port.to_string();
    for name in ["plain.ndjson", "small.ndjson.zst"] {
        let file = folder.path().join(name);
        let file = file.to_str().unwrap();
        let kept = Kept::new(&port, name, "lab/#");
        for (topic, qos) in [("lab/a", "1"), ("lab/b", "2"), ("lab/c", "1")] {
            assert_eq!(publish(&port, &["-q", qos, "-t", topic, "-m", topic], b""), DONE);
        }
        let recorded = run(&mut kept.sub(&["--record", file, "-C", "3", "-W", "60"]), b"");
        assert_eq!(recorded, DONE);
        assert_eq!(records_of(Path::new(file)).lines().count(), 3);
        let again = run(&mut kept.sub(&["--record", file, "-C", "1"]), b"");
        assert!(again.stderr.contains("it is there already") && again.code == 1, "{again:?}");
        let copy = Kept::new(&port, "copy", "copy/#");
        let words = [
            "--replay",
            file,
            "--speed",
            "max",
            "--map",
            "lab/=copy/",
            "--filter",
            "lab/a",
            "--filter",
            "lab/c",
            "--loop",
            "2",
        ];
        assert_eq!(publish(&port, &words, b""), DONE);
        let seen: Vec<_> =
            copy.records(4).iter().map(|record| json!([record["topic"], record["payload"], record["qos"]])).collect();
        let (a, c) = (json!(["copy/a", "lab/a", 1]), json!(["copy/c", "lab/c", 1]));
        assert_eq!(seen, [a.clone(), c.clone(), a, c]);
        let end = run(&mut moskit(&["sub", "-p", &port, "-i", "copy", "-t", "x", "-E"]), b"");
        assert_eq!(end.code, 0);
    }
}

#[test]
fn pauses_are_played_and_cut_out() {
    let (running, address) = broker();
    let folder = tempfile::tempdir().unwrap();
    let port = address.port().to_string();
    let kept = Kept::new(&port, "kept", "#");
    let record = |second: u32| {
        format!("{{\"ts\":\"2026-11-29T12:00:{second:02}.500Z\",\"topic\":\"t\",\"qos\":1,\"payload\":\"{second}\"}}\n")
    };
    let file = folder.path().join("a.ndjson");
    std::fs::write(&file, [0, 1, 2, 9].map(record).concat()).unwrap();
    let file = file.to_str().unwrap();
    let start = std::time::Instant::now();
    let words = ["--replay", file, "--speed", "4x", "--from", "2026-11-29T12:00:01Z", "--to", "2s"];
    assert_eq!(publish(&port, &words, b""), DONE);
    assert!(start.elapsed() >= std::time::Duration::from_millis(250));
    let records = kept.records(2);
    let time = |record: &Value| record["ts"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond();
    assert_eq!([&records[0]["payload"], &records[1]["payload"]], ["1", "2"]);
    // They were received at once, from the broker's queue; how long pub took is the pause.
    assert!(time(&records[1]) >= time(&records[0]));
    running.stop();
}

#[test]
fn files_that_cannot_be_played_are_named() {
    let (running, address) = broker();
    let folder = tempfile::tempdir().unwrap();
    let port = address.port().to_string();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let line = "{\"topic\":\"t\",\"qos\":1,\"payload\":\"x\"}\n";
    std::fs::write(path("cut"), format!("{line}{}", &line[..20])).unwrap();
    std::fs::write(path("good"), line).unwrap();
    let frame = zstd::encode_all(line.repeat(1000).as_bytes(), 3).unwrap();
    std::fs::write(path("cut.zst"), &frame[..frame.len() - 3]).unwrap();
    for (names, why) in [
        (&["missing"][..], "cannot read `missing`: No such file or directory"),
        (&["."], "cannot read `.`: is a directory"),
        (&["good", "cut"], "line 2 of `cut`: the line is cut off; 2 messages before it were published"),
        (&["cut.zst"], "cannot read `cut.zst`: it is an incomplete zstd file: its last frame is cut off"),
    ] {
        let mut command = moskit(&["pub", "-p", &port, "--speed", "max"]);
        command.args(names.iter().flat_map(|name| ["--replay", name]));
        let ended = run(command.current_dir(folder.path()), b"");
        assert!(ended.stderr.contains(why) && ended.code == 1, "{names:?}: {}", ended.stderr);
    }
    running.stop();
}

#[test]
fn a_killed_recorder_leaves_whole_lines_and_what_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    if installed("zstd").is_none() {
        return;
    }
    let port = crate::mosquitto::free_port();
    let Some(_broker) = broker_that_keeps(folder.path(), port) else { return };
    let port = port.to_string();
    for name in ["a.ndjson", "a.ndjson.zst"] {
        let kept = Kept::new(&port, name, "#");
        let file = folder.path().join(name);
        let mut recorder = kept.sub(&["--record", file.to_str().unwrap()]).spawn().unwrap();
        let mut feed = moskit(&["pub", "-p", &port, "-q", "1", "-t", "t", "-l"]).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = feed.stdin.take().unwrap();
        let count = 20_000;
        let writer = std::thread::spawn(move || {
            use std::io::Write as _;
            (0..count).for_each(|number| writeln!(stdin, "{number}").unwrap());
        });
        while std::fs::metadata(&file).map_or(0, |metadata| metadata.len()) < 50_000 {
            std::thread::yield_now();
        }
        recorder.kill().unwrap();
        recorder.wait().unwrap();
        writer.join().unwrap();
        assert!(feed.wait().unwrap().success());
        let text = records_of(&file);
        assert!(text.ends_with('\n'), "{name}");
        let mut numbers: std::collections::HashSet<String> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["payload"].as_str().unwrap().to_owned())
            .collect();
        // The broker has all the others.
        numbers.extend(kept.left());
        assert_eq!(numbers.len(), count, "{name}");
    }
}

#[test]
fn a_full_disk_ends_a_recording_with_the_reason() {
    let (running, address) = broker();
    let port = address.port().to_string();
    let kept = Kept::new(&port, "kept", "#");
    let lines = format!("{}\n", "x".repeat(1000)).repeat(300);
    assert_eq!(publish(&port, &["-q", "1", "-t", "t", "-l"], lines.as_bytes()), DONE);
    let sub = kept.sub(&["--record", "/mnt/a.ndjson", "-W", "60"]);
    let script = "mount -t tmpfs -o size=100k tmpfs /mnt || { echo SKIPPED; exit; }; \"$0\" \"$@\"; code=$?; \
                  tail -c 1 /mnt/a.ndjson | od -An -c; exit $code";
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script]).arg(sub.get_program()).args(sub.get_args());
    let ended = run(&mut command, b"");
    if ended.stdout.contains("SKIPPED") || ended.stderr.contains("unshare failed") {
        eprintln!("SKIPPED: no file system can be mounted here");
        return;
    }
    assert!(ended.stderr.contains("error: cannot write `/mnt/a.ndjson`: No space left on device"), "{}", ended.stderr);
    assert_eq!(ended.code, 1);
    // The last line is whole.
    assert!(ended.stdout.trim_end().ends_with("  \\n"), "{}", ended.stdout);
    running.stop();
}

#[test]
fn all_retained_messages_and_then_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, theirs)) = Mosquitto::open(folder.path()) else { return };
    let (running, address) = broker();
    for port in [theirs, address.port()].map(|port| port.to_string()) {
        let lines: String = (0..300).map(|number| format!("r/{number}\t{number}\n")).collect::<Vec<_>>().concat();
        assert_eq!(publish(&port, &["-q", "1", "-r", "-l", "--topic-per-line"], lines.as_bytes()), DONE);
        for version in ["mqttv31", "mqttv311", "mqttv5"] {
            for (filter, count) in [("r/#", 300), ("none/#", 0)] {
                let words = ["sub", "-p", &port, "-V", version, "-q", "2", "-t", filter, "--retained-only", "-W", "60"];
                let ended = run(&mut moskit(&words), b"");
                assert_eq!(
                    (ended.stdout.lines().count(), ended.stderr.as_str(), ended.code),
                    (count, "", 0),
                    "{version}"
                );
            }
        }
        // Under Mosquitto's name it waits for a live message, as theirs does.
        within_short_or_long("1", |limit| {
            let words = ["-p", &port, "-t", "r/#", "--retained-only", "-W", limit];
            let ended = run(&mut called_as("mosquitto_sub", &words), b"");
            assert_eq!((ended.stdout.lines().count(), ended.code), (300, 27));
        });
    }
    running.stop();
}

/// A broker that looks retained messages up beside its connections: one comes with each of its first answers, `before` or behind it.
fn retained_with_answers(before: bool) -> String {
    crate::peers::stub(move |mut stream| {
        let mut answers = 0;
        let mut head = [0; 2];
        // No packet of this conversation is longer than 127 bytes.
        while stream.read_exact(&mut head).is_ok() {
            let mut body = vec![0; head[1].into()];
            stream.read_exact(&mut body).unwrap();
            let answer = match head[0] >> 4 {
                1 => vec![0x20, 2, 0, 0],
                8 => vec![0x90, 3, body[0], body[1], 0],
                10 => vec![0xb0, 2, body[0], body[1]],
                _ => return,
            };
            let retained = b"\x31\x04\0\x01rx".to_vec();
            let is_unsubscribed = head[0] >> 4 == 10;
            answers += usize::from(is_unsubscribed);
            let answer = match (is_unsubscribed && answers == 1, before) {
                (false, _) => answer,
                (true, true) => [retained, answer].concat(),
                (true, false) => [answer, retained].concat(),
            };
            if stream.write_all(&answer).is_err() {
                return;
            }
        }
    })
}

#[test]
fn whether_all_retained_messages_came_is_not_known_of_a_broker_that_sends_them_behind_its_answers() {
    let warning =
        "Warning: it is not known whether the broker has more retained messages: it sends them behind its answers.\n";
    for (before, said, code) in [(true, "", 0), (false, warning, 27)] {
        let address = retained_with_answers(before);
        let port = address.rsplit(':').next().unwrap();
        let words = ["sub", "-h", "127.0.0.1", "-p", port, "-V", "mqttv311", "-t", "#", "--retained-only", "-v"];
        let ended = run(&mut moskit(&words), b"");
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str(), ended.code), ("r x\n", said, code));
    }
}

#[test]
fn strangers_do_not_control_the_terminal() {
    use crate::terminal::OnTerminal;
    let (running, address) = broker();
    let port = address.port().to_string();
    let payload = b"\x1b]0;owned\x07ab\xff\xc2\x9b31m\ttab";
    assert_eq!(publish(&port, &["-r", "-t", "t\u{202e}x", "-s"], payload), DONE);
    let shown = |words: &[&str]| {
        let words = [&["sub", "-p", &port, "-t", "#", "-C", "1"][..], words].concat();
        let mut terminal = OnTerminal::start(moskit(&words));
        terminal.child.wait().unwrap();
        terminal.type_in("END\n");
        terminal.wait_for("END").replace("END", "")
    };
    let escaped = "\\x1b]0;owned\\x07ab\\xff\\u{9b}31m\ttab\r\n";
    assert_eq!(shown(&[]), escaped);
    assert_eq!(shown(&["-v"]), format!("t\\u{{202e}}x {escaped}"));
    // What the user's own format has stays; lengths are those of the message.
    assert_eq!(
        shown(&["-F", "\\e[1m%t\\e[0m %l %p"]),
        format!("\u{1b}[1mt\\u{{202e}}x\u{1b}[0m {} {escaped}", payload.len())
    );
    let record = shown(&["--ndjson"]);
    assert!(record.contains(r#""topic":"t\u202ex""#) && !record.contains('\u{202e}'), "{record}");
    let json = shown(&["-F", "%j"]);
    assert!(!json.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{json}");
    assert!(shown(&["--raw", "-F", "%t"]).contains('\u{202e}'));
    let piped = run(&mut moskit(&["sub", "-p", &port, "-t", "#", "-C", "1", "-F", "%x"]), b"");
    assert_eq!(piped.stdout.trim_end(), payload.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat());
    let piped = moskit(&["sub", "-p", &port, "-t", "#", "-C", "1", "-N"]).output().unwrap();
    assert_eq!(piped.stdout, payload);
    running.stop();
}

#[test]
fn parts_of_payloads_are_selected_and_matched() {
    let (running, address) = broker();
    let port = address.port().to_string();
    let kept = Kept::new(&port, "kept", "#");
    let lines = "a\t{\"state\":\"off\",\"t\":20.50}\nb\tno json\nc\t{\"state\":\"on\",\"list\":[1,\"x\"]}\n";
    assert_eq!(publish(&port, &["-q", "1", "-l", "--topic-per-line"], lines.as_bytes()), DONE);
    let matched = run(&mut kept.sub(&["--match", "$.state == \"on\"", "-C", "1", "-W", "60", "-v"]), b"");
    assert_eq!((matched.stdout.as_str(), matched.code), ("c {\"state\":\"on\",\"list\":[1,\"x\"]}\n", 0));
    let late = run(&mut kept.sub(&["--match", "$.state", "-C", "1", "-W", "3"]), b"");
    assert_eq!((late.stdout.as_str(), late.code), ("", 27));
    assert_eq!(publish(&port, &["-q", "1", "-l", "--topic-per-line"], lines.repeat(2).as_bytes()), DONE);
    let selected = run(&mut kept.sub(&["--select", "$['state','t']", "-C", "6", "-W", "60", "-v"]), b"");
    assert_eq!(selected.stdout, "a off\n20.5\nb no json\nc on\n".repeat(2));
    assert_eq!(
        (selected.stderr.as_str(), selected.code),
        ("Warning: nothing can be selected on 'b': not valid JSON at line 1, column 2.\n", 0)
    );
    for words in [["--select", "state"], ["--match", "$.a =="]] {
        let ended = run(&mut kept.sub(&words), b"");
        assert!(
            ended.stderr.starts_with(&format!("Error: Invalid value '{}' for {}: ", words[1], words[0])),
            "{}",
            ended.stderr
        );
        assert_eq!(ended.code, 1);
    }
    running.stop();
}

#[test]
fn a_watched_topic_has_a_row_that_is_cut_to_the_width_and_a_line_in_a_pipe() {
    use crate::terminal::OnTerminal;
    let (running, address) = broker();
    let port = address.port().to_string();
    for (topic, payload) in [("a", "1"), ("b", "a long one\nof two lines\x1b[2J")] {
        assert_eq!(publish(&port, &["-r", "-t", topic, "-m", payload], b""), DONE);
    }
    let words = ["sub", "-p", &port, "-t", "#", "-w", "-C", "2"];
    let mut terminal = OnTerminal::of_width(moskit(&words), 12);
    assert!(terminal.child.wait().unwrap().success());
    terminal.type_in("END\n");
    let screen = terminal.wait_for("END");
    let expected = "\x1b[2J\x1b[1;1HBroker: localhost\r\n\x1b[2;1H\x1b[Ka 1\x1b[3;1H\x1b[K\x1b[3;1H\x1b[Kb a long on…\x1b[4;1H\x1b[K\x1b[0m\
                    \x1b[4;1H\x1b[KEND";
    assert_eq!(screen, expected);
    // A terminal that knows no escape sequences gets none, and nothing of a stranger controls it.
    let mut command = moskit(&words);
    command.env("TERM", "dumb");
    let mut terminal = OnTerminal::of_width(command, 12);
    assert!(terminal.child.wait().unwrap().success());
    terminal.type_in("END\n");
    assert_eq!(terminal.wait_for("END"), "a 1\r\nb a long one\r\nof two lines\\x1b[2J\r\nEND");
    let piped = run(&mut moskit(&words), b"");
    assert_eq!((piped.stdout.as_str(), piped.code), ("a 1\nb a long one\nof two lines\x1b[2J\n", 0));
    running.stop();
}

/// Lines above 1 MiB own their messages on the way out: what stands in them, and between them, arrives as it is.
#[test]
fn long_lines_are_published_as_short_ones() {
    let (running, address) = broker();
    let folder = tempfile::tempdir().unwrap();
    let port = address.port().to_string();
    let kept = Kept::new(&port, "kept", "#");
    let text = "x".repeat(1_500_000);
    let long =
        |topic: &str, qos: u8, payload: &str| format!("{{\"topic\":\"{topic}\",\"qos\":{qos},\"payload{payload}\"}}\n");
    let short = "{\"topic\":\"s\",\"qos\":1,\"payload\":\"short\"}\n";
    let base64 = base64::engine::general_purpose::STANDARD.encode(text.as_bytes());
    let input = [
        short,
        &long("plain", 1, &format!("\":\"{text}")),
        short,
        &long("escaped", 2, &format!("\":\"{text}\\n")),
        &long("bytes", 1, &format!("_b64\":\"{base64}")),
        // Bad, and as long.
        &long("bad/+", 1, &format!("\":\"{text}")),
        short,
    ]
    .concat();
    let ended = publish(&port, &["--ndjson", "--skip-bad"], input.as_bytes());
    assert!(ended.stderr.starts_with("Warning: line 6 is skipped: `topic` has a wildcard"), "{}", ended.stderr);
    assert_eq!(ended.code, 0);
    let ended = run(&mut kept.sub(&["-C", "6", "-W", "30", "-F", "%t %l %p"]), b"");
    let mut seen: Vec<_> = ended.stdout.split_inclusive('\n').filter(|line| *line != "\n").collect();
    seen.sort_unstable();
    let plain = format!("plain 1500000 {text}\n");
    let (escaped, bytes) = (format!("escaped 1500001 {text}\n"), format!("bytes 1500000 {text}\n"));
    assert!(seen == [&*bytes, &escaped, &plain, "s 5 short\n", "s 5 short\n", "s 5 short\n"], "{}", seen.len());
    // One that the broker does not take stays where it is, and is kept.
    let folder_of_small = tempfile::tempdir().unwrap();
    let small = crate::mosquitto::free_port();
    let configuration = format!("listener {small} 127.0.0.1\nallow_anonymous true\nmax_packet_size 100000\n");
    let Some(_small) = Mosquitto::start(folder_of_small.path(), &configuration) else { return };
    let rest = folder.path().join("rest");
    let lines = [short, &long("plain", 1, &format!("\":\"{text}")), short].concat();
    let small = small.to_string();
    let words = ["-V", "mqttv5", "--ndjson", "--unsent", rest.to_str().unwrap()];
    let ended = publish(&small, &words, lines.as_bytes());
    assert_eq!(ended.code, 25, "{}", ended.stderr);
    let kept_lines = std::fs::read_to_string(&rest).unwrap();
    let lengths: Vec<_> = kept_lines.lines().map(|line| line.len() > 1_500_000).collect();
    assert!(lengths.ends_with(&[true, false]), "{lengths:?}");
    running.stop();
}
