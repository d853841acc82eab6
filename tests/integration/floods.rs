//! A peer that always has something to say: no wait and no signal is lost to it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::nonsense::with_accept;
use crate::peers::stub;
use crate::run::{moskit, run};

/// What no end takes on the slowest machine.
const GENEROUS: Duration = Duration::from_secs(30);

/// How long a peer that hangs keeps its end open: longer than anybody waits for that.
const PATIENCE: Duration = Duration::from_secs(12);

const PINGRESP: &[u8] = b"\xd0\x00";
const MESSAGE: &[u8] = b"\x30\x05\x00\x01ahi";
const PUBACK: &[u8] = b"\x40\x02\x77\x77";
/// As many as may be in flight, again and again; nobody sends PUBREL.
const MESSAGES_OF_QOS_2: &[u8] = b"\x34\x06\x00\x01a\x00\x01x\x34\x06\x00\x01a\x00\x02x";
const CONNACK: &[u8] = b"\x20\x02\x00\x00";
const SUBACK: &[u8] = b"\x90\x03\x00\x01\x00";

/// Answers the first packets of each connection with `answers`, and then sends `flood` until nobody takes it any more, or
/// for so long that whoever waits for the end has failed.
struct Flooding {
    port: String,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Flooding {
    fn start(answers: &'static [&'static [u8]], flood: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let is_over = Arc::new(AtomicBool::new(false));
        let was_stopped = is_over.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                if was_stopped.load(Ordering::SeqCst) {
                    return;
                }
                std::thread::spawn(move || pour(stream, answers, flood));
            }
        });
        Self { port, is_over, thread }
    }

    fn stop(self) {
        self.is_over.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(("127.0.0.1", self.port.parse().unwrap())).unwrap());
        self.thread.join().unwrap();
    }
}

fn pour(mut stream: TcpStream, answers: &[&[u8]], flood: &[u8]) {
    let mut packet = [0; 4096];
    for answer in answers {
        if stream.read(&mut packet).is_err() || stream.write_all(answer).is_err() {
            return;
        }
    }
    let end = Instant::now() + 2 * GENEROUS;
    if flood.is_empty() {
        // It hangs: what comes is left unread, and its end stays open.
        std::thread::park_timeout(PATIENCE);
        return;
    }
    let flood = flood.repeat(4096);
    while Instant::now() < end && stream.write_all(&flood).is_ok() {}
}

/// The exit code and the errors of `words` under `flood`, with what comes before it.
fn under(answers: &'static [&'static [u8]], flood: &'static [u8], words: &[&str]) -> (i32, String) {
    let flooding = Flooding::start(answers, flood);
    let begun = Instant::now();
    let mut command = moskit(words);
    command.args(["-h", "127.0.0.1", "-p", &flooding.port]);
    let ended = run(&mut command, b"");
    assert!(begun.elapsed() < GENEROUS, "{words:?} took {:?}", begun.elapsed());
    flooding.stop();
    (ended.code, ended.stderr)
}

#[test]
fn the_end_of_a_time_comes_under_a_flood() {
    for flood in [PINGRESP, MESSAGE, PUBACK, MESSAGES_OF_QOS_2] {
        // What is printed is of no interest, and would be much.
        let sub = ["sub", "-t", "a", "-V", "311", "-W", "1", "-F", ""];
        let (code, said) = under(&[CONNACK, SUBACK], flood, &sub);
        assert_eq!((code, said.as_str()), (27, "Timed out\n"));
        let rr = ["rr", "-t", "b", "-e", "c", "-m", "x", "-V", "311", "-W", "1"];
        assert_eq!(under(&[CONNACK], flood, &rr).0, 27);
    }
}

/// A time that is over is over: the peer goes on, and neither answers what it is told last nor closes its end.
#[test]
fn the_end_is_not_put_off_by_a_peer_that_does_not_take_it() {
    // Less than the time that a peer otherwise has to close its end, and to end the flows of QoS 2.
    const PUT_OFF: Duration = Duration::from_millis(1900);
    let times = |flood: &'static [u8]| {
        let peer = Flooding::start(&[CONNACK, SUBACK], flood);
        let mut command = moskit(&["sub", "-t", "a", "-q", "2", "-V", "311", "-W", "1", "-F", ""]);
        let begun = Instant::now();
        let ended = run(command.args(["-h", "127.0.0.1", "-p", &peer.port]), b"");
        let took = begun.elapsed();
        peer.stop();
        assert!(ended.code == 27 && ended.stderr.ends_with("Timed out\n"), "{}: {}", ended.code, ended.stderr);
        took.saturating_sub(Duration::from_secs(1))
    };
    for flood in [PINGRESP, MESSAGE, MESSAGES_OF_QOS_2, b""] {
        // A busy machine may take a while; the best of some attempts says what is waited for.
        let best = (0..3).map(|_| times(flood)).find(|took| *took < PUT_OFF);
        assert!(best.is_some(), "{flood:?}");
    }
}

#[test]
fn a_time_ends_under_a_flood_of_pings_of_a_websocket() {
    let address = stub(|mut stream| {
        let mut packet = [0; 4096];
        let count = stream.read(&mut packet).unwrap();
        let upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Accept: KEY\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";
        stream.write_all(&with_accept(upgrade.to_vec(), &packet[..count])).unwrap();
        for answer in [CONNACK, SUBACK] {
            let _ = stream.read(&mut packet);
            let _ = stream.write_all(&[&[0x82, answer.len() as u8], answer].concat());
        }
        let pings = b"\x89\0".repeat(4096);
        let end = Instant::now() + 2 * GENEROUS;
        while Instant::now() < end && stream.write_all(&pings).is_ok() {}
    });
    let (host, port) = address.split_once(':').unwrap();
    let begun = Instant::now();
    let words = ["sub", "-t", "a", "-V", "311", "-W", "1", "--ws", "-h", host, "-p", port];
    let ended = run(&mut moskit(&words), b"");
    assert_eq!((ended.code, ended.stderr.as_str()), (27, "Timed out\n"));
    assert!(begun.elapsed() < GENEROUS, "it took {:?}", begun.elapsed());
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for_under_a_flood() {
    for flood in [PINGRESP, MESSAGE] {
        let publish = ["pub", "-t", "b", "-m", "x", "-q", "1", "-V", "311", "--answer-timeout", "1"];
        let (code, said) = under(&[CONNACK], flood, &publish);
        assert!(code == 27 && said.contains("1 message is sent, and for 1 s (--answer-timeout)"), "{code}: {said}");
    }
}

#[test]
fn a_signal_is_heard_under_a_flood() {
    for flood in [PINGRESP, MESSAGE] {
        let flooding = Flooding::start(&[CONNACK, SUBACK], flood);
        let words = ["sub", "-t", "a", "-V", "311", "-d", "-h", "127.0.0.1", "-p", &flooding.port];
        let mut child = moskit(&words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        let mut heard = Vec::new();
        while !heard.windows(6).any(|said| said == b"SUBACK") {
            let mut part = [0; 4096];
            let count = out.read(&mut part).unwrap();
            assert_ne!(count, 0, "{}", String::from_utf8_lossy(&heard));
            heard.extend_from_slice(&part[..count]);
        }
        let begun = Instant::now();
        let killed = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        std::io::copy(&mut out, &mut std::io::sink()).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert!(begun.elapsed() < GENEROUS, "it took {:?}", begun.elapsed());
        flooding.stop();
    }
}

#[test]
fn input_is_read_under_a_flood() {
    let flooding = Flooding::start(&[CONNACK], PINGRESP);
    let words = ["pub", "-t", "a", "-l", "-V", "311", "-h", "127.0.0.1", "-p", &flooding.port];
    let begun = Instant::now();
    let ended = run(&mut moskit(&words), b"one\ntwo\n");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(begun.elapsed() < GENEROUS, "it took {:?}", begun.elapsed());
    flooding.stop();
}

#[test]
fn check_ends_in_time_under_a_flood() {
    // Without CONNACK, and without SUBACK.
    for answers in [&[][..], &[CONNACK]] {
        for flood in [PINGRESP, MESSAGE] {
            let (code, _) = under(answers, flood, &["check", "-t", "zz", "-V", "311", "--timeout", "0.5"]);
            assert_ne!(code, 0, "{answers:?}");
        }
    }
}
