//! What is waited for and tried again has an end, and is told.

use std::net::TcpListener;

use crate::run::{Ended, called_as, moskit, run};
use crate::stub::{CONNECT, PUBLISH, SUBSCRIBE, Stub, Turn, cut, last, on};

const CONNACK: &[u8] = b"\x20\x02\x00\x00";
const CONNACK_5: &[u8] = b"\x20\x03\x00\x00\x00";

/// A broker that does the same on each of so many connections; the last is the end.
fn again_and_again(turn: &Turn, times: usize) -> Vec<Turn> {
    let mut turns = vec![turn.clone(); times - 1];
    turns.push(last(turn.on, &turn.reply));
    turns
}

#[track_caller]
fn ends_in_vain(stub: Stub, words: &[&str], stdin: &[u8], causes: &[&str], acknowledged_by: u8) {
    let port = stub.port.to_string();
    let ended = run(moskit(words).args(["-p", &port]), stdin);
    assert_eq!((ended.code, ended.stdout.as_str()), (4, ""), "{}", ended.stderr);
    let line = "Error: The client is not currently connected\n";
    assert!(ended.stderr.contains(line) && ended.stderr.contains("[connection.in-vain]"), "{}", ended.stderr);
    assert!(ended.stderr.contains("5 times in a row"), "{}", ended.stderr);
    for cause in causes {
        assert!(ended.stderr.contains(cause), "{cause}: {}", ended.stderr);
    }
    // Told with the second connection, and at the end.
    assert_eq!(ended.stderr.matches("Error: ").count(), 2, "{}", ended.stderr);
    let connections = stub.stop();
    assert_eq!(connections.len(), 5);
    for packets in connections {
        assert!(packets.iter().any(|packet| packet[0] >> 4 == acknowledged_by), "{packets:?}");
    }
}

#[test]
fn a_line_that_the_broker_will_not_take_is_tried_five_times_and_told() {
    for qos in ["1", "2"] {
        let stub = Stub::start(&again_and_again(&cut(PUBLISH, b""), 5));
        let words = ["pub", "-t", "t", "-l", "-q", qos];
        ends_in_vain(stub, &words, b"too large\nbehind it\n", &["2 messages are not acknowledged"], PUBLISH);
    }
}

#[test]
fn a_subscription_that_ends_each_connection_is_tried_five_times_and_told() {
    let stub = Stub::start(&again_and_again(&cut(SUBSCRIBE, b""), 5));
    ends_in_vain(stub, &["sub", "-t", "t"], b"", &[], SUBSCRIBE);
    let stub = Stub::start(&again_and_again(&cut(SUBSCRIBE, b"\xe0\x02\x87\x00"), 5));
    let causes = ["Not authorized", "reason code 135", "[proto.disconnect]"];
    ends_in_vain(stub, &["sub", "-t", "t", "-V", "5"], b"", &causes, SUBSCRIBE);
}

/// A port on which a broker accepts one connection and then never listens again.
fn accepting_once() -> (u16, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        // A child that another test forks at this moment has the listener too: only a shutdown ends it for all of them.
        rustix::net::shutdown(&listener, rustix::net::Shutdown::Both).unwrap();
        drop(listener);
        let mut packet = [0; 256];
        assert!(stream.read(&mut packet).unwrap() > 0);
        stream.write_all(CONNACK).unwrap();
        assert!(stream.read(&mut packet).unwrap() > 0);
    });
    (port, thread)
}

#[test]
fn mosquitto_pub_ends_when_its_input_has_and_the_broker_is_gone() {
    let (port, broker) = accepting_once();
    let ended = run(&mut called_as("mosquitto_pub", &["-p", &port.to_string(), "-t", "t", "-l", "-q", "1"]), b"a\n");
    broker.join().unwrap();
    assert_eq!((ended.code, ended.stdout.as_str()), (4, ""));
    assert!(ended.stderr.starts_with("Error: The client is not currently connected\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("1 message is not acknowledged"), "{}", ended.stderr);
}

#[test]
fn an_acknowledgement_that_does_not_come_is_waited_for_one_and_a_half_keep_alive_times() {
    for input in [&["-m", "x"][..], &["-l"]] {
        let stub = Stub::start(&[on(CONNECT, CONNACK), on(PUBLISH, b"")]);
        let port = stub.port.to_string();
        let ended = run(moskit(&["pub", "-p", &port, "-t", "t", "-q", "1", "-k", "5"]).args(input), b"x\n");
        stub.stop();
        assert_eq!(ended.code, 27, "{}", ended.stderr);
        assert!(ended.stderr.contains("Error: Timeout\ncause: 1 message is sent, and for 7.5 s "), "{}", ended.stderr);
        assert!(ended.stderr.contains("[ack.missing]"), "{}", ended.stderr);
    }
}

#[test]
fn a_request_whose_broker_leaves_has_no_response() {
    let words = |port: &str| ["-p", port, "-t", "a", "-e", "b", "-m", "x"].map(str::to_owned);
    for as_mosquitto in [false, true] {
        let stub = Stub::start(&[on(CONNECT, CONNACK_5), last(PUBLISH, b"\xe0\x02\x8b\x00")]);
        let port = stub.port.to_string();
        let mut command = if as_mosquitto { called_as("mosquitto_rr", &[]) } else { moskit(&["rr"]) };
        let ended = run(command.args(words(&port)), b"");
        stub.stop();
        if as_mosquitto {
            assert_eq!(ended, Ended { stdout: String::new(), stderr: String::new(), code: 0 });
        } else {
            assert_eq!(ended.code, 4, "{}", ended.stderr);
            assert!(ended.stderr.contains("Server shutting down (reason code 139)"), "{}", ended.stderr);
        }
    }
}
