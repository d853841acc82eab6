//! Messages that a broker does not take: what it announces in CONNACK, and what it ends the connection over.

use crate::mosquitto::{Mosquitto, free_port};
use crate::run::{Ended, called_as, moskit, run};

/// A broker that takes packets of 1000 bytes, QoS 1 and, if not `retains`, no retained messages.
fn small(folder: &std::path::Path, retains: bool) -> Option<(Mosquitto, String)> {
    let port = free_port();
    let configuration = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\nmax_packet_size 1000\nmax_qos 1\nretain_available {retains}\n"
    );
    Mosquitto::start(folder, &configuration).map(|broker| (broker, port.to_string()))
}

/// `bad` between two messages that the broker takes.
fn three(bad: &str) -> String {
    format!("{{\"topic\":\"a\",\"payload\":\"1\"}}\n{bad}\n{{\"topic\":\"a\",\"payload\":\"3\"}}\n")
}

fn publish(port: &str, words: &[&str], stdin: &str) -> Ended {
    run(&mut moskit(&[&["pub", "-p", port][..], words].concat()), stdin.as_bytes())
}

#[test]
fn a_line_that_the_broker_announced_not_to_take_is_named_and_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = small(folder.path(), false) else { return };
    let large = format!("{{\"topic\":\"a\",\"payload\":\"{}\"}}", "x".repeat(2000));
    for (bad, code, why) in [
        (large.as_str(), 25, "the packet has 2007 bytes, and the broker takes 1000 at most"),
        ("{\"topic\":\"a\",\"payload\":\"2\",\"qos\":2}", 24, "the broker takes messages up to QoS 1 only"),
        (
            "{\"topic\":\"a\",\"payload\":\"2\",\"retain\":true}",
            154,
            "the broker keeps no retained messages, and the message is one",
        ),
    ] {
        let ended = publish(&port, &["-V", "mqttv5", "--ndjson"], &three(bad));
        let cause = format!("cause: line 2 of standard input: {why}; 1 message before it was published [limits]\n");
        assert!(ended.stderr.contains(&cause), "{}", ended.stderr);
        assert!(ended.stderr.contains("; --skip-bad passes over such lines\n"), "{}", ended.stderr);
        assert_eq!(ended.code, code, "{why}");
        // What is passed over is counted, and the rest goes out.
        let ended = publish(&port, &["-V", "mqttv5", "--ndjson", "--skip-bad", "-q", "1"], &three(bad));
        assert!(ended.stderr.starts_with("Warning: line 2 is skipped: the broker "), "{}", ended.stderr);
        assert!(ended.stderr.ends_with("\n1 bad line skipped, 2 published.\n"), "{}", ended.stderr);
        assert_eq!(ended.code, 0);
    }
    // All before it is acknowledged before it ends.
    let lines = format!("{}{}\n", "{\"topic\":\"a\",\"qos\":1,\"payload\":\"1\"}\n".repeat(50), large);
    let ended = publish(&port, &["-V", "mqttv5", "--ndjson"], &lines);
    assert!(ended.stderr.contains("line 51 of standard input: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("; 50 messages before it were published"), "{}", ended.stderr);
}

#[test]
fn one_message_that_the_broker_announced_not_to_take_is_not_sent_in_another_form() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = small(folder.path(), false) else { return };
    let cause = "cause: the broker keeps no retained messages, and the message is one [limits]\n";
    for qos in ["0", "1"] {
        let ended = publish(&port, &["-V", "mqttv5", "-t", "a", "-m", "x", "-r", "-q", qos], "");
        assert!(ended.stderr.contains(cause) && ended.stderr.contains("hint: "), "{}", ended.stderr);
        assert_eq!(ended.code, 154);
    }
    // As libmosquitto: without retain.
    let words = ["-p", &port, "-V", "mqttv5", "-t", "a", "-m", "x", "-r"];
    let ended = run(&mut called_as("mosquitto_pub", &words), b"");
    assert_eq!((ended.stderr.as_str(), ended.code), ("", 0));
}

#[test]
fn messages_that_nobody_acknowledges_and_the_broker_ends_the_connection_over_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = small(folder.path(), true) else { return };
    let large = "x".repeat(2000);
    // A broker that closes a connection before it has read all may reset it.
    let cause = "; 1 message with QoS 0 may not have arrived [";
    for words in [&["-m", &large][..], &["-s"]] {
        let ended = publish(&port, &[&["-V", "mqttv311", "-t", "a"][..], words].concat(), &large);
        assert!(ended.stderr.starts_with("Error: The connection was lost\ncause: the "), "{}", ended.stderr);
        assert!(ended.stderr.contains(cause) && ended.stderr.contains("hint: with -q 1 "), "{}", ended.stderr);
        assert_eq!(ended.code, 7);
    }
    let records = three(&format!("{{\"topic\":\"a\",\"payload\":\"{large}\"}}"));
    let lines = format!("1\n{large}\n3\n");
    for (words, stdin) in [(&["--ndjson"][..], &records), (&["-l", "-t", "a"], &lines)] {
        let ended = publish(&port, &[&["-V", "mqttv311"][..], words].concat(), stdin);
        let said = "; 3 messages with QoS 0 may not have arrived: lines 1 to 3 of standard input (the largest is line 2, \
                    with 2000 bytes of payload).\n\
                    Error: The connection was lost\n\
                    cause: 3 messages with QoS 0 may not have arrived, the first of them line 1 of standard input [connection.closed]\n";
        assert!(ended.stderr.starts_with("Warning: the connection was lost: "), "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        assert_eq!(ended.code, 7);
    }
    // Nothing is said where nothing is lost, and nothing of this under Mosquitto's name.
    assert_eq!(publish(&port, &["-V", "mqttv311", "-t", "a", "-l"], "1\n2\n").code, 0);
    let ended = run(&mut called_as("mosquitto_pub", &["-p", &port, "-t", "a", "-l"]), lines.as_bytes());
    assert_eq!((ended.stderr.as_str(), ended.code), ("", 0));
}
