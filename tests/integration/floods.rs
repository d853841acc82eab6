//! A peer that always has something to say: no wait and no signal is lost to it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::run::{moskit, run};

/// What no end takes on the slowest machine.
const GENEROUS: Duration = Duration::from_secs(30);

const PINGRESP: &[u8] = b"\xd0\x00";
const MESSAGE: &[u8] = b"\x30\x05\x00\x01ahi";
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
    let flood = flood.repeat(4096);
    let end = Instant::now() + 2 * GENEROUS;
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
    for flood in [PINGRESP, MESSAGE] {
        // What is printed is of no interest, and would be much.
        let sub = ["sub", "-t", "a", "-V", "311", "-W", "1", "-F", ""];
        let (code, said) = under(&[CONNACK, SUBACK], flood, &sub);
        assert_eq!((code, said.as_str()), (27, "Timed out\n"));
        let rr = ["rr", "-t", "b", "-e", "c", "-m", "x", "-V", "311", "-W", "1"];
        assert_eq!(under(&[CONNACK], flood, &rr).0, 27);
    }
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
