//! What the clients print about time: `--message-rate` and `--latency`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Instant;

use crate::beside::ours;
use crate::run::called_as;
use crate::stub::{PUBLISH, SUBSCRIBE, Stub, message, on};

#[test]
fn a_rate_counts_all_messages_and_prints_none_of_them() {
    // Filters and -C do not matter to it.
    let messages = [message(0x30, "a", None, b"x"), message(0x31, "a", None, b"y"), message(0x30, "b", None, b"z")];
    let stub = Stub::start(&[on(SUBSCRIBE, &[b"\x90\x03\0\x01\0", &messages.concat()[..]].concat())]);
    let port = stub.port.to_string();
    let words = ["-h", "127.0.0.1", "-p", &port, "-t", "#", "--message-rate", "-R", "-T", "b", "-C", "1", "-v"];
    let started = Instant::now();
    let mut child = called_as("mosquitto_sub", &words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    // The seconds begin with the program: on a busy machine the messages may come in a later one.
    let mut counted = 0;
    while counted < 3 {
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        counted += line.strip_suffix(" msgs/s\n").and_then(|count| count.parse::<u32>().ok()).expect("a rate");
    }
    assert!(started.elapsed().as_millis() >= 1000);
    let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!((counted, ended.stderr.as_slice(), ended.status.code()), (3, &b""[..], Some(0)));
    assert_eq!(stub.stop()[0].last().unwrap(), &[0xe0, 0]);
}

#[test]
fn the_latency_stands_below_the_response() {
    let started = Instant::now();
    let reply = message(0x30, "b", None, b"z");
    let (packets, ended) = ours("mosquitto_rr -t a -e b -m x -V 311 --latency -v", &[on(PUBLISH, &reply)], b"");
    assert_eq!((ended.stderr.as_str(), ended.code, packets[0].len()), ("", 0, 4));
    let shown = ended.stdout.strip_prefix("b z\nLatency: ").and_then(|rest| rest.strip_suffix('\n')).unwrap();
    // A machine that is busy for a second shows seconds.
    let milliseconds: f64 = match (shown.strip_suffix("ms"), shown.strip_suffix("µs")) {
        (Some(number), _) => number.parse().unwrap(),
        (_, Some(number)) => number.parse::<f64>().unwrap() / 1e3,
        _ => shown.parse::<f64>().unwrap() * 1e3,
    };
    assert!(milliseconds > 0.0 && milliseconds < started.elapsed().as_secs_f64() * 1e3, "{shown}");
}
