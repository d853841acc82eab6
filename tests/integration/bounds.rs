//! How long pub, sub and rr wait, what they try again, and what they keep of what was not acknowledged.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::mosquitto::{Mosquitto, free_port, installed};
use crate::run::{Ended, called_as, moskit, run, within_short_or_long};
use crate::stub::{CONNECT, PINGREQ, PUBLISH, PUBREL, SUBSCRIBE, Stub, cut, last, on};

const CONNACK: &[u8] = b"\x20\x02\x00\x00";
const CONNACK_5: &[u8] = b"\x20\x03\x00\x00\x00";
const PUB: &[&str] = &["pub", "-t", "t", "-m", "x", "-q", "1"];
const SUB: &[&str] = &["sub", "-t", "t"];
const RR: &[&str] = &["rr", "-t", "a", "-e", "b", "-m", "x"];

/// Runs the verb against `port`, which must take no longer than a slow machine needs for a bound of half a second.
#[track_caller]
fn bounded(words: &[&str], port: u16, stdin: &[u8]) -> Ended {
    let begun = Instant::now();
    let ended = run(moskit(words).args(["-p", &port.to_string()]), stdin);
    assert!(begun.elapsed() < Duration::from_secs(25), "{words:?} took {:?}", begun.elapsed());
    ended
}

#[test]
fn connect_that_is_not_answered_is_bounded() {
    // Silence, and a CONNACK that stops in the middle.
    for answer in [&b""[..], b"\x20", b"\x20\x02\x00"] {
        for words in [PUB, SUB, RR, &["pub", "-t", "t", "-l"]] {
            within_short_or_long("0.5", |limit| {
                let stub = Stub::start(&[on(CONNECT, answer)]);
                let ended = bounded(&[words, &["--answer-timeout", limit]].concat(), stub.port, b"a\n");
                assert_eq!((ended.code, ended.stdout.as_str()), (27, ""), "{words:?}: {}", ended.stderr);
                assert!(ended.stderr.starts_with("Error: Timeout\ncause: "), "{words:?}: {}", ended.stderr);
                assert!(ended.stderr.contains("[proto.silent]"), "{words:?}: {}", ended.stderr);
                stub.stop();
            });
        }
    }
}

#[test]
fn a_message_or_a_request_that_is_not_answered_is_bounded() {
    let twice = ["pub", "-t", "t", "-m", "x", "-q", "2"];
    for (words, silent_on, connack, cause) in [
        (PUB, PUBLISH, CONNACK, "1 message is sent, and for LIMIT s (--answer-timeout)"),
        (&twice, PUBLISH, CONNACK, "1 message is sent"),
        (&twice, PUBREL, CONNACK, "1 message is sent"),
        (SUB, SUBSCRIBE, CONNACK, "1 request is unanswered"),
        (&["sub", "-t", "t", "-U", "u"], 10, CONNACK, "1 request is unanswered"),
        (RR, SUBSCRIBE, CONNACK_5, "1 request is unanswered"),
        (&[RR, &["-q", "1"]].concat(), PUBLISH, CONNACK_5, "1 message is sent"),
    ] {
        within_short_or_long("0.5", |limit| {
            let stub = Stub::start(&[on(CONNECT, connack), on(silent_on, b"")]);
            let ended = bounded(&[words, &["--answer-timeout", limit]].concat(), stub.port, b"");
            assert_eq!((ended.code, ended.stdout.as_str()), (27, ""), "{words:?}: {}", ended.stderr);
            let is_told = ended.stderr.contains(&cause.replace("LIMIT", limit));
            assert!(is_told && ended.stderr.contains("[ack.missing]"), "{words:?}: {}", ended.stderr);
            stub.stop();
        });
    }
}

#[test]
fn a_message_that_stops_in_the_middle_does_not_hold_up_an_answer() {
    // SUBACK never comes, and what does is the beginning of a message.
    within_short_or_long("0.5", |limit| {
        let stub = Stub::start(&[on(CONNECT, CONNACK), on(SUBSCRIBE, b"\x30\x7f\x00\x01t")]);
        let ended = bounded(&[SUB, &["--answer-timeout", limit]].concat(), stub.port, b"");
        assert_eq!((ended.code, ended.stdout.as_str()), (27, ""), "{}", ended.stderr);
        stub.stop();
    });
}

#[test]
fn answers_that_come_late_and_one_by_one_are_answers() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    // A retained message comes before SUBACK with some brokers, and afterwards sub waits for hours: only answers are bounded.
    let begun = Instant::now();
    let ended = run(moskit(SUB).args(["-p", &port.to_string(), "--answer-timeout", "1", "-W", "4"]), b"");
    assert_eq!((ended.code, ended.stderr.as_str()), (27, "Timed out\n"));
    assert!(begun.elapsed() >= Duration::from_secs(4));
}

#[test]
fn dash_w_bounds_everything_for_all_three() {
    for (words, code, said) in [
        (PUB, 27, "Timed out\n"),
        (&["pub", "-t", "t", "-l"][..], 27, "Timed out\n"),
        (SUB, 255, "Timed out: the broker has not accepted the connection\n"),
        (
            RR,
            27,
            "Timed out\ncause: the broker has not accepted the connection [response.missing]\n\
             hint: moskit check, with the same connection options, finds out why\n",
        ),
    ] {
        within_short_or_long("1", |limit| {
            let stub = Stub::start(&[on(CONNECT, b"")]);
            let ended = bounded(&[words, &["-W", limit]].concat(), stub.port, b"a\n");
            assert_eq!((ended.code, ended.stderr.as_str()), (code, said), "{words:?}");
            stub.stop();
        });
    }
    let stub = Stub::start(&[on(CONNECT, CONNACK), on(PUBLISH, b"")]);
    let ended = bounded(&[PUB, &["-W", "1"]].concat(), stub.port, b"");
    assert_eq!((ended.code, ended.stderr.as_str()), (27, "Timed out\n"));
    stub.stop();
}

/// A port whose queue of connections is full: a connection to it is not answered.
fn unanswering() -> (TcpListener, u16, Vec<std::net::TcpStream>) {
    let socket = rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 0)).unwrap();
    rustix::net::listen(&socket, 0).unwrap();
    let listener = TcpListener::from(socket);
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        waiting.push(stream);
        assert!(waiting.len() < 64, "the queue of connections has no end");
    }
    (listener, address.port(), waiting)
}

#[test]
fn a_connection_that_does_not_come_about_is_bounded() {
    let (_listener, port, _waiting) = unanswering();
    for words in [PUB, SUB, RR] {
        // `localhost` may be ::1 too, where nobody listens.
        let ended = bounded(&[words, &["--connect-timeout", "0.5"]].concat(), port, b"");
        assert_eq!(ended.code, 1, "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.starts_with("Error: Connection timed out\n"), "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("[net.timeout]"), "{words:?}: {}", ended.stderr);
    }
}

#[test]
fn all_steps_of_connecting_together_are_bounded() {
    // TCP is there at once, and TLS and WebSocket are not.
    let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/certificates");
    assert!(Path::new(ca).is_dir());
    for more in [&["--ws"][..], &["--tls-use-os-certs", "--no-verify"]] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let ended = bounded(&[PUB, &["--connect-timeout", "0.5"], more].concat(), port, b"");
        assert!([1, 13].contains(&ended.code), "{more:?}: {} {}", ended.code, ended.stderr);
        let said = ["[ws.timeout]", "[tls.timeout]", "[net.timeout]"];
        assert!(said.iter().any(|id| ended.stderr.contains(id)), "{more:?}: {}", ended.stderr);
    }
}

#[test]
fn what_another_attempt_can_mend_is_tried_again() {
    let busy: &[u8] = b"\x20\x02\x00\x03";
    for (what, turn) in [("busy", cut(CONNECT, busy)), ("closed", cut(CONNECT, b"")), ("lost", cut(PUBLISH, b""))] {
        for qos in ["0", "1", "2"] {
            if what == "lost" && qos == "0" {
                continue;
            }
            let stub = Stub::start(&[turn.clone(), turn.clone(), on(99, b"")]);
            let words = ["pub", "-t", "t", "-m", "x", "-q", qos, "--retry", "3,0.1"];
            let ended = bounded(&words, stub.port, b"");
            assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{what} {qos}: {}", ended.stderr);
            let connections = stub.stop();
            assert_eq!(connections.len(), 3, "{what} {qos}");
            let published = connections[2].iter().filter(|packet| packet[0] >> 4 == PUBLISH).count();
            assert_eq!(published, 1, "{what} {qos}: {connections:?}");
        }
    }
}

#[test]
fn a_broker_that_comes_late_gets_the_message() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    if installed("mosquitto").is_none() {
        return;
    }
    let mut pub_command = moskit(PUB);
    let child =
        pub_command.args(["-p", &port.to_string(), "--retry", "200,0.1"]).stderr(Stdio::piped()).spawn().unwrap();
    let configuration = format!("listener {port} 127.0.0.1\nallow_anonymous true\n");
    let mut broker = Mosquitto::start(folder.path(), &configuration).unwrap();
    broker.wait_for("Received PUBLISH");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_no_attempt_can_mend_is_not_tried_again() {
    for (code, exit) in [(1, 1), (2, 2), (4, 4), (5, 5)] {
        let stub = Stub::start(&[cut(CONNECT, &[0x20, 2, 0, code])]);
        let ended = bounded(&[PUB, &["--retry", "3,0.1"]].concat(), stub.port, b"");
        assert_eq!(ended.code, exit, "{}", ended.stderr);
        assert_eq!(stub.stop().len(), 1, "code {code}");
    }
    // A broker that does not take the message will not take it the next time.
    let stub = Stub::start(&[on(CONNECT, CONNACK_5), cut(PUBLISH, b"\xe0\x02\x87\x00")]);
    let ended = bounded(&[PUB, &["-V", "5", "--retry", "3,0.1"]].concat(), stub.port, b"");
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    assert_eq!(stub.stop().len(), 1);
}

#[test]
fn the_last_attempt_ends_as_one_without_retry_does() {
    let port = free_port();
    let ended = bounded(&[PUB, &["--retry", "2,0.1"]].concat(), port, b"");
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.starts_with("Error: Connection refused\ncause: after 2 more attempts: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("[net.refused]"), "{}", ended.stderr);
}

#[test]
fn a_message_that_was_not_acknowledged_is_sent_again_on_another_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let broker = std::thread::spawn(move || {
        let mut received = Vec::new();
        for acknowledges in [false, true] {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = [0; 256];
            assert!(stream.read(&mut bytes).unwrap() > 0);
            stream.write_all(CONNACK).unwrap();
            let count = stream.read(&mut bytes).unwrap();
            received.push(bytes[..count].to_vec());
            if acknowledges {
                stream.write_all(b"\x40\x02\x00\x01").unwrap();
            }
            // Until the client leaves.
            while stream.read(&mut bytes).is_ok_and(|count| count > 0) {}
        }
        received
    });
    let ended = bounded(&[PUB, &["--retry", "1,0.1", "--answer-timeout", "2"]].concat(), port, b"");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    // The session is not kept, so it is a new message, without DUP: a subscriber may get it twice.
    let publish = b"\x32\x06\x00\x01t\x00\x01x".to_vec();
    assert_eq!(broker.join().unwrap(), [publish.clone(), publish]);
}

fn records(path: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The lines from `first` to 50.
fn numbers(first: u32) -> String {
    (first..=50).fold(String::new(), |lines, number| lines + &format!("{number}\n"))
}

fn payloads(path: &Path) -> Vec<String> {
    records(path).iter().map(|record| record["payload"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn lines_that_were_not_acknowledged_are_counted_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let rest = folder.path().join("rest.ndjson");
    let lines = numbers(1);
    // The first message is acknowledged, the second is not, and the broker never comes back.
    let stub = Stub::start(&[on(CONNECT, CONNACK), on(PUBLISH, b"\x40\x02\x00\x01"), last(PUBLISH, b"")]);
    let words = ["pub", "-t", "t", "-l", "-q", "1", "-M", "5", "--reconnect-max", "2", "--reconnect-wait", "0.1"];
    let ended = bounded(&[&words[..], &["--unsent", rest.to_str().unwrap()]].concat(), stub.port, lines.as_bytes());
    assert_eq!((ended.code, ended.stdout.as_str()), (4, ""), "{}", ended.stderr);
    for said in [
        "[connection.in-vain]",
        "in 2 attempts",
        "6 messages sent: 1 acknowledged, 5 not; the first that is not is line 2 of standard input\n",
        "49 messages are kept in `",
        "; the first 5 were sent and may come twice\n",
    ] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    drop(stub.try_stop());
    assert_eq!(payloads(&rest), (2..=50).map(|line| line.to_string()).collect::<Vec<_>>());

    // A broker gets them from it, and each once.
    let Some((mut broker, port)) = Mosquitto::open(folder.path()) else { return };
    let port = port.to_string();
    let mut sub = moskit(&["sub", "-t", "t", "-q", "1", "-C", "49", "-W", "60", "-p", &port]);
    let sub = sub.stdout(Stdio::piped()).spawn().unwrap();
    broker.wait_for("Sending SUBACK");
    let ended = run(&mut moskit(&["pub", "--ndjson", "-p", &port]), &std::fs::read(&rest).unwrap());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let received = String::from_utf8(sub.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(received, numbers(2));
}

#[test]
fn nothing_is_kept_where_all_is_acknowledged_and_no_file_of_others_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let port = port.to_string();
    let rest = folder.path().join("rest");
    let path = rest.to_str().unwrap();
    for words in [&["-m", "x"][..], &["-l"]] {
        // A file that is left empty by a killed run is no obstacle.
        std::fs::write(&rest, "").unwrap();
        let ended = run(moskit(&["pub", "-t", "t", "-q", "1", "-p", &port, "--unsent", path]).args(words), b"a\nb\n");
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{words:?}");
        assert!(!rest.exists(), "{words:?}");
    }
    let rest = folder.path().join("my rest");
    let path = rest.to_str().unwrap();
    std::fs::write(&rest, "kept\n").unwrap();
    let ended = run(&mut moskit(&["pub", "-t", "t", "-m", "x", "-p", &port, "--unsent", path]), b"");
    assert_eq!(ended.code, 1);
    assert!(
        ended.stderr.contains("it is there already")
            && ended.stderr.contains(&format!("moskit pub --ndjson < '{path}'")),
        "{}",
        ended.stderr
    );
    assert_eq!(std::fs::read_to_string(&rest).unwrap(), "kept\n");
    let ended = run(&mut moskit(&["pub", "-t", "t", "-m", "x", "-p", &port, "--unsent", "/nowhere/rest"]), b"");
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("cannot make `/nowhere/rest`"), "{}", ended.stderr);
}

#[test]
fn the_one_message_is_kept_too() {
    let folder = tempfile::tempdir().unwrap();
    let rest = folder.path().join("rest.ndjson");
    let path = rest.to_str().unwrap();
    let words = ["pub", "-t", "t", "-m", "x", "-q", "2", "-r", "--unsent", path];
    let ended = bounded(&words, free_port(), b"");
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("1 message is kept in `{path}`\n")), "{}", ended.stderr);
    let record = &records(&rest)[0];
    assert_eq!((&record["topic"], &record["payload"]), (&"t".into(), &"x".into()));
    assert_eq!((&record["qos"], &record["retain"], &record["dup"]), (&2.into(), &true.into(), &false.into()));

    std::fs::remove_file(&rest).unwrap();
    let stub = Stub::start(&[on(CONNECT, CONNACK), on(PUBLISH, b"")]);
    let ended = bounded(&[&words[..], &["--answer-timeout", "2"]].concat(), stub.port, b"");
    stub.stop();
    assert_eq!(ended.code, 27, "{}", ended.stderr);
    assert!(ended.stderr.contains("; the first was sent and may come twice\n"), "{}", ended.stderr);
}

#[test]
fn what_is_acknowledged_is_done_whatever_comes_right_behind() {
    let folder = tempfile::tempdir().unwrap();
    let rest = folder.path().join("rest.ndjson");
    let keep = ["--unsent", rest.to_str().unwrap()];
    for (qos, kind, answer) in
        [("0", PINGREQ, &b"\xd0\x00"[..]), ("1", PUBLISH, b"\x40\x02\x00\x01"), ("2", PUBREL, b"\x70\x02\x00\x01")]
    {
        // A DISCONNECT of the broker's, and garbage.
        for behind in [&b"\xe0\x01\x8b"[..], b"\x00\x07garbage"] {
            let turns = [on(CONNECT, CONNACK_5), last(kind, &[answer, behind].concat())];
            for payload in [&["-m", "x"][..], &["-l", "--no-reconnect"]] {
                let words = [&["pub", "-V", "5", "-t", "t", "-q", qos], payload, &keep].concat();
                let stub = Stub::start(&turns);
                let ended = bounded(&words, stub.port, b"x\n");
                stub.stop();
                // Whether the end of the lines comes before that of the connection, nobody knows.
                let is_known = payload[0] == "-m";
                assert!(
                    !is_known || ended.code == 0 && ended.stderr.is_empty(),
                    "{words:?}, {behind:x?}: {}",
                    ended.stderr
                );
                assert!(!rest.exists(), "{words:?}, {behind:x?}");
            }
            // Mosquitto's asks nothing at QoS 0.
            if qos != "0" {
                let stub = Stub::start(&turns);
                let port = stub.port.to_string();
                let words = ["-V", "5", "-t", "t", "-m", "x", "-q", qos, "-p", &port];
                let ended = run(&mut called_as("mosquitto_pub", &words), b"");
                stub.stop();
                assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{words:?}, {behind:x?}");
            }
        }
    }
}

#[test]
fn a_message_of_qos_0_is_kept_only_while_no_connection_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let rest = folder.path().join("rest.ndjson");
    let keep = ["--unsent", rest.to_str().unwrap()];
    for payload in [&["-m", "x"][..], &["-l", "--no-reconnect"]] {
        let words = [&["pub", "-t", "t"], payload, &keep].concat();
        // The broker hangs up when it has the message, and does not answer whether it has read it.
        for kind in [PUBLISH, PINGREQ] {
            let stub = Stub::start(&[on(CONNECT, CONNACK), last(kind, b"")]);
            let ended = bounded(&words, stub.port, b"x\n");
            stub.stop();
            assert_eq!((ended.code, rest.exists()), (7, false), "{words:?}: {}", ended.stderr);
            assert!(ended.stderr.contains("may not have arrived"), "{words:?}: {}", ended.stderr);
        }
        let ended = bounded(&words, free_port(), b"x\n");
        assert_eq!((ended.code, payloads(&rest)), (1, vec!["x".to_owned()]), "{words:?}: {}", ended.stderr);
        std::fs::remove_file(&rest).unwrap();
    }
}

#[test]
fn records_that_were_not_played_keep_their_times() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("day.ndjson");
    let line = |second: u32| {
        format!(
            "{{\"v\":1,\"ts\":\"2026-11-29T10:00:{second:02}.000000000Z\",\"topic\":\"a/{second}\",\"payload\":\"{second}\",\"qos\":1}}\n"
        )
    };
    std::fs::write(&file, (0..20).map(line).collect::<Vec<_>>().concat()).unwrap();
    let rest = folder.path().join("rest.ndjson");
    let stub = Stub::start(&[on(CONNECT, CONNACK), last(PUBLISH, b"")]);
    let words = ["pub", "--replay", file.to_str().unwrap(), "--map", "a=b", "--no-reconnect"];
    let ended = bounded(&[&words[..], &["--unsent", rest.to_str().unwrap()]].concat(), stub.port, b"");
    stub.stop();
    assert_eq!(ended.code, 7, "{}", ended.stderr);
    let first = format!("the first that is not is line 1 of `{}`", file.display());
    assert!(ended.stderr.contains(&first), "{}", ended.stderr);
    let kept = records(&rest);
    assert_eq!(kept.len(), 20);
    for (second, record) in kept.iter().enumerate().skip(1) {
        assert_eq!(record["ts"], format!("2026-11-29T10:00:{second:02}.000000000Z"));
        assert_eq!(record["topic"], format!("b/{second}"));
    }
}

#[test]
fn a_signal_leaves_whole_lines_of_everything() {
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::INT, rustix::process::Signal::HUP] {
        let folder = tempfile::tempdir().unwrap();
        let rest = folder.path().join("rest.ndjson");
        let stub = Stub::start(&[on(CONNECT, CONNACK), on(PUBLISH, b"")]);
        let words = ["pub", "-t", "t", "-l", "-q", "1", "-M", "1", "--unsent", rest.to_str().unwrap()];
        let mut child = moskit(&words)
            .args(["-p", &stub.port.to_string(), "-d"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"1\n2\n3\n").unwrap();
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        lines.find(|line| line.as_ref().unwrap().contains("sending PUBLISH")).unwrap().unwrap();
        let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
        // The input is still open: that nothing more comes from it ends it.
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        stub.stop();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(128 + signal.as_raw()), "{stderr}");
        assert_eq!(payloads(&rest), ["1", "2", "3"], "{stderr}");
    }
}

#[test]
fn a_message_that_the_broker_does_not_take_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let rest = folder.path().join("rest.ndjson");
    // Maximum QoS 0.
    let stub = Stub::start(&[on(CONNECT, b"\x20\x05\x00\x00\x02\x24\x00")]);
    let words = ["pub", "-t", "t", "-l", "-q", "1", "-V", "5", "--unsent", rest.to_str().unwrap()];
    let ended = bounded(&words, stub.port, b"1\n2\n");
    stub.stop();
    assert_eq!(ended.code, 24, "{}", ended.stderr);
    assert_eq!(payloads(&rest), ["1", "2"]);
}

#[test]
fn messages_of_qos_0_that_an_earlier_connection_took_along_are_counted_at_the_end() {
    let words = ["pub", "-t", "t", "-m", "x", "--retry", "3,0.1", "--repeat"];
    // The connection ends between two messages, or when all are written.
    for (repeat, kind, count) in
        [(&["2", "--repeat-delay", "2"][..], PUBLISH, "1 message"), (&["3"], PINGREQ, "3 messages")]
    {
        let stub = Stub::start(&[on(CONNECT, CONNACK), cut(kind, b""), on(CONNECT, CONNACK)]);
        let ended = bounded(&[&words[..], repeat].concat(), stub.port, b"");
        stub.stop();
        let said = format!("cause: {count} with QoS 0 may not have arrived [connection.closed]\n");
        assert!(ended.code == 7 && ended.stderr.contains(&said), "{repeat:?}: {} {}", ended.code, ended.stderr);
    }
}

#[test]
fn a_message_that_a_later_connection_does_not_take_is_kept_in_its_place() {
    let long = "long ".repeat(20);
    let words = ["pub", "-t", "t", "-l", "-q", "1", "-V", "5", "-M", "9", "--reconnect-wait", "0.1"];
    // Maximum QoS 0, which none of them has; Maximum Packet Size 40, which only the second is above.
    for (connack, code) in [(&b"\x20\x05\x00\x00\x02\x24\x00"[..], 24), (b"\x20\x08\x00\x00\x05\x27\0\0\0\x28", 25)] {
        let folder = tempfile::tempdir().unwrap();
        let rest = folder.path().join("rest.ndjson");
        let stub = Stub::start(&[on(CONNECT, CONNACK_5), cut(PUBLISH, b""), on(CONNECT, connack), on(PUBLISH, b"")]);
        let lines = format!("1\n{long}\n3\n");
        let ended = bounded(&[&words[..], &["--unsent", rest.to_str().unwrap()]].concat(), stub.port, lines.as_bytes());
        stub.stop();
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(ended.stderr.contains("[limits]") && ended.stderr.contains("3 messages are kept"), "{}", ended.stderr);
        assert_eq!(payloads(&rest), ["1", &long, "3"], "{}", ended.stderr);
    }
}

#[test]
fn a_message_that_is_too_large_stands_behind_those_that_were_sent_before() {
    let folder = tempfile::tempdir().unwrap();
    let rest = folder.path().join("rest.ndjson");
    let long = "long ".repeat(20);
    let stub = Stub::start(&[on(CONNECT, b"\x20\x08\x00\x00\x05\x27\0\0\0\x28"), on(PUBLISH, b"")]);
    let words = ["pub", "-t", "t", "-l", "-q", "1", "-V", "5", "--unsent", rest.to_str().unwrap()];
    let ended = bounded(&words, stub.port, format!("1\n{long}\n3\n").as_bytes());
    stub.stop();
    assert_eq!(ended.code, 25, "{}", ended.stderr);
    assert!(ended.stderr.contains("; the first was sent and may come twice"), "{}", ended.stderr);
    assert_eq!(payloads(&rest), ["1", &long, "3"]);
}

#[test]
fn what_follows_a_line_that_is_no_message_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let port = port.to_string();
    let rest = folder.path().join("rest.ndjson");
    let keep = ["-p", &port, "--unsent", rest.to_str().unwrap()];
    let record = |payload: &str| {
        format!(
            "{{\"v\":1,\"ts\":\"2026-11-29T10:00:0{payload}.000000000Z\",\"topic\":\"t\",\"payload\":\"{payload}\",\"qos\":1}}\n"
        )
    };
    for (words, input) in [
        (&["pub", "-l", "--topic-per-line", "-q", "1"][..], "t\t1\nnone\nt\t2\nnone\nt\t3".to_owned()),
        (&["pub", "--ndjson"], format!("{}none\n{}{{}}\n{}", record("1"), record("2"), record("3"))),
    ] {
        let ended = run(moskit(words).args(keep), input.as_bytes());
        assert_eq!(ended.code, 1, "{words:?}: {}", ended.stderr);
        for said in [
            "line 2 of standard input: ",
            "; 1 message before it was published",
            "Warning: line 4 is not kept: ",
            "1 line of the rest is no message and is not kept\n",
            "2 messages are kept in `",
        ] {
            assert!(ended.stderr.contains(said), "{words:?}: {said}: {}", ended.stderr);
        }
        assert_eq!(payloads(&rest), ["2", "3"], "{words:?}");
        std::fs::remove_file(&rest).unwrap();
    }
    // A bad line that is the last leaves nothing.
    let ended = run(moskit(&["pub", "--ndjson"]).args(keep), format!("{}none\n", record("1")).as_bytes());
    assert!(ended.code == 1 && !rest.exists(), "{}", ended.stderr);
}

#[test]
fn a_bad_line_is_named_in_its_own_file() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let (first, second, rest) = (folder.path().join("a"), folder.path().join("b"), folder.path().join("rest.ndjson"));
    let record = "{\"v\":1,\"topic\":\"t\",\"payload\":\"x\",\"qos\":1}\n";
    std::fs::write(&first, format!("{record}bad\n{record}bad\n")).unwrap();
    std::fs::write(&second, format!("{record}bad\n")).unwrap();
    let mut words = moskit(&["pub", "--unsent", rest.to_str().unwrap(), "-p", &port.to_string()]);
    let ended = run(words.arg("--replay").arg(&first).arg("--replay").arg(&second), b"");
    assert_eq!((ended.code, payloads(&rest).len()), (1, 2), "{}", ended.stderr);
    for (line, file, said) in [(2, &first, ": "), (4, &first, " is not kept: "), (2, &second, " is not kept: ")] {
        let said = format!("line {line} of `{}`{said}", file.display());
        assert!(ended.stderr.contains(&said), "{said}: {}", ended.stderr);
    }
}

#[test]
fn the_files_behind_one_that_cannot_be_read_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let (damaged, whole, rest) = (folder.path().join("1"), folder.path().join("2"), folder.path().join("rest.ndjson"));
    std::fs::write(&damaged, b"\x28\xb5\x2f\xfd damaged").unwrap();
    std::fs::write(&whole, "{\"v\":1,\"topic\":\"t\",\"payload\":\"x\",\"qos\":1}\n").unwrap();
    let mut words = moskit(&["pub", "--unsent", rest.to_str().unwrap(), "-p", &port.to_string()]);
    for file in [&damaged, &damaged, &whole] {
        words.arg("--replay").arg(file);
    }
    let ended = run(&mut words, b"");
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("its compressed data is damaged").count(), 2, "{}", ended.stderr);
    assert_eq!(payloads(&rest), ["x"], "{}", ended.stderr);
}

#[test]
fn a_line_that_has_not_ended_is_no_message() {
    let folder = tempfile::tempdir().unwrap();
    let rest = folder.path().join("rest.ndjson");
    let stub = Stub::start(&[on(CONNECT, CONNACK), on(PUBLISH, b"")]);
    let words = ["pub", "-t", "t", "-l", "-q", "1", "-M", "1", "--answer-timeout", "2"];
    let mut child = moskit(&words)
        .args(["-p", &stub.port.to_string(), "--unsent", rest.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"1\n2\nhal").unwrap();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    stub.stop();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(27), "{stderr}");
    assert!(stderr.contains("the last line has begun and not ended: it is not kept\n"), "{stderr}");
    assert_eq!(payloads(&rest), ["1", "2"], "{stderr}");
}

#[test]
fn mosquittos_names_have_no_new_bounds() {
    // Half a second after the bound of moskit's own names, which is one and a half keep-alive times.
    let stub = Stub::start(&[on(CONNECT, CONNACK), on(SUBSCRIBE, b"")]);
    let words = ["-t", "t", "-k", "5", "-W", "8", "-p", &stub.port.to_string()];
    let ended = run(&mut called_as("mosquitto_sub", &words), b"");
    assert_eq!((ended.code, ended.stderr.as_str()), (27, "Timed out\n"));
    stub.stop();
}
