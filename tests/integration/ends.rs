//! However sub ends, and whatever becomes of its output: what it has shown is acknowledged, what it has not is the broker's
//! still. On our broker and on mosquitto.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};

use crate::broker_verb::Broker;
use crate::mosquitto::{Mosquitto, free_port};
use crate::run::{Ended, moskit, run};

/// Rounds of the share that runs each time.
const SHARE: usize = 8;
const ALL: usize = 100;

/// A broker that keeps as much as comes.
struct Keeper {
    port: String,
    broker: RefCell<Either>,
}

#[expect(dead_code, reason = "ours is held, and ends with the test")]
enum Either {
    Ours(Broker),
    Mosquitto(Mosquitto),
}

impl Keeper {
    fn both() -> Vec<(Self, tempfile::TempDir)> {
        let folder = || tempfile::tempdir().unwrap();
        let (ours, theirs) = (folder(), folder());
        let mosquitto = Self::mosquitto(theirs.path());
        let ours = (Self::ours(ours.path()), ours);
        std::iter::once(ours).chain(mosquitto.map(|keeper| (keeper, theirs))).collect()
    }

    fn configuration(port: u16) -> String {
        format!("listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
    }

    fn ours(folder: &Path) -> Self {
        let broker = Broker::configured(folder, &Self::configuration(free_port()));
        Self { port: broker.port.to_string(), broker: RefCell::new(Either::Ours(broker)) }
    }

    fn mosquitto(folder: &Path) -> Option<Self> {
        let port = free_port();
        let broker = Mosquitto::start(folder, &Self::configuration(port))?;
        Some(Self { port: port.to_string(), broker: RefCell::new(Either::Mosquitto(broker)) })
    }

    /// The words of a sub with a session that the broker keeps.
    fn session<'a>(&'a self, qos: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let words = ["sub", "-p", &self.port, "-i", "desk", "-c", "-t", "lab/#", "-q", qos];
        [&words[..], more].concat()
    }

    fn subscribe(&self, qos: &str) {
        assert_eq!(run(&mut moskit(&self.session(qos, &["-E"])), b""), ended("", 0));
        self.lets_go();
    }

    /// Publishes `1` to `last`, each on a line.
    fn publish(&self, last: usize) {
        let lines = lines_up_to(last);
        let words = ["pub", "-p", &self.port, "-t", "lab/n", "-q", "2", "-l"];
        assert_eq!(run(&mut moskit(&words), lines.as_bytes()), ended("", 0));
    }

    /// Waits until the broker has let the session's client go once more: to be called after each of its connections.
    /// Mosquitto reads the acknowledgements that came
    /// before its DISCONNECT one by one; a client that took the session over meanwhile would get their messages again.
    fn lets_go(&self) {
        if let Either::Mosquitto(broker) = &mut *self.broker.borrow_mut() {
            broker.wait_for("Client desk ");
        }
    }

    /// What the session still has, which must not be more than `count`.
    fn left(&self, qos: &str, count: usize) -> Vec<usize> {
        // Behind the last of them comes this one.
        assert_eq!(
            run(&mut moskit(&["pub", "-p", &self.port, "-t", "lab/n", "-q", "2", "-m", "0"]), b""),
            ended("", 0)
        );
        let mut sub = Sub::start(&self.session(qos, &[]));
        let left: Vec<_> = std::iter::from_fn(|| sub.number()).take_while(|number| *number > 0).collect();
        assert!(left.len() <= count, "{left:?}");
        sub.end(Signal::TERM);
        self.lets_go();
        left
    }
}

fn ended(stdout: &str, code: i32) -> Ended {
    Ended { stdout: stdout.to_owned(), stderr: String::new(), code }
}

/// A running sub, ended by its own id.
struct Sub {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Sub {
    fn start(words: &[&str]) -> Self {
        let mut child = moskit(words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    /// The next number; `None` when it has ended.
    fn number(&mut self) -> Option<usize> {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        // A line is whole or has not been written.
        line.strip_suffix('\n').map(|number| number.parse().unwrap())
    }

    /// Sends the signal; what it has printed by its end.
    fn end(mut self, signal: Signal) -> Vec<usize> {
        kill_process(Pid::from_raw(self.child.id().cast_signed()).unwrap(), signal).unwrap();
        let rest = std::iter::from_fn(|| self.number()).collect();
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), (signal == Signal::TERM).then_some(0));
        rest
    }
}

impl Drop for Sub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Publishes 1, 2, 3 … as fast as the broker takes them, until it is told to end.
struct Flood {
    child: Child,
    writer: JoinHandle<usize>,
    stop: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Flood {
    fn start(port: &str, qos: &str) -> Self {
        let words = ["pub", "-p", port, "-t", "lab/n", "-q", qos, "-l"];
        let mut child = moskit(&words).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let told = std::sync::Arc::clone(&stop);
        let writer = std::thread::spawn(move || {
            let mut last = 0;
            while !told.load(std::sync::atomic::Ordering::Relaxed) {
                last += 1;
                stdin.write_all(format!("{last}\n").as_bytes()).unwrap();
            }
            last
        });
        Self { child, writer, stop }
    }

    /// The last number, once the broker has it.
    fn end(mut self) -> usize {
        self.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let last = self.writer.join().unwrap();
        assert!(self.child.wait().unwrap().success());
        last
    }
}

fn up_to(last: usize) -> Vec<usize> {
    (1..=last).collect()
}

fn lines_up_to(last: usize) -> String {
    (1..=last).fold(String::new(), |lines, number| lines + &number.to_string() + "\n")
}

fn count_again_and_again(rounds: usize) {
    for (keeper, _folder) in Keeper::both() {
        for qos in ["1", "2"] {
            keeper.subscribe(qos);
            keeper.publish(rounds * 7);
            let mut shown = String::new();
            for _ in 0..rounds {
                let sub = run(&mut moskit(&keeper.session(qos, &["-C", "7", "-W", "60"])), b"");
                assert_eq!((sub.stderr.as_str(), sub.code), ("", 0));
                keeper.lets_go();
                shown += &sub.stdout;
            }
            assert_eq!(shown, lines_up_to(rounds * 7), "QoS {qos}");
            assert_eq!(keeper.left(qos, 0), up_to(0));
        }
    }
}

/// Ends sub by `signal` again and again while messages come without end; what it has shown in all, and the last that came.
fn signal_again_and_again(keeper: &Keeper, qos: &str, signal: Signal, rounds: usize) -> (Vec<usize>, usize) {
    keeper.subscribe(qos);
    let flood = Flood::start(&keeper.port, "2");
    let mut shown = Vec::new();
    for round in 0..rounds {
        let mut sub = Sub::start(&keeper.session(qos, &[]));
        // At another place in the stream each time.
        for _ in 0..=round * 37 % 101 {
            shown.push(sub.number().unwrap());
        }
        shown.extend(sub.end(signal));
        keeper.lets_go();
    }
    let last = flood.end();
    shown.extend(keeper.left(qos, last));
    (shown, last)
}

fn terminate_again_and_again(rounds: usize) {
    for (keeper, _folder) in Keeper::both() {
        for qos in ["1", "2"] {
            let (shown, last) = signal_again_and_again(&keeper, qos, Signal::TERM, rounds);
            assert!(shown == up_to(last), "QoS {qos}: {} shown of {last}, {:?}", shown.len(), missing(&shown, last));
        }
    }
}

fn kill_again_and_again(rounds: usize) {
    for (keeper, _folder) in Keeper::both() {
        for qos in ["1", "2"] {
            let (shown, last) = signal_again_and_again(&keeper, qos, Signal::KILL, rounds);
            assert_eq!(missing(&shown, last), up_to(0), "QoS {qos}");
        }
    }
}

fn missing(shown: &[usize], last: usize) -> Vec<usize> {
    let shown: std::collections::HashSet<_> = shown.iter().collect();
    (1..=last).filter(|number| !shown.contains(number)).collect()
}

#[test]
fn eight_counted_ends_lose_nothing_and_repeat_nothing() {
    count_again_and_again(SHARE);
}

#[test]
fn eight_terminated_ends_under_load_lose_nothing_and_repeat_nothing() {
    terminate_again_and_again(SHARE);
}

#[test]
fn eight_killed_ends_under_load_lose_nothing() {
    kill_again_and_again(SHARE);
}

#[test]
#[ignore = "takes a minute"]
fn a_hundred_ends_of_each_kind_lose_nothing() {
    count_again_and_again(ALL);
    terminate_again_and_again(ALL);
    kill_again_and_again(ALL);
}

/// A socket that is closed with bytes unread is reset, and the reset overtakes DISCONNECT.
#[test]
fn an_orderly_end_publishes_no_will_however_much_is_unread() {
    for (keeper, _folder) in Keeper::both() {
        let heir = ["sub", "-p", &keeper.port, "-i", "heir", "-c", "-t", "will", "-q", "1"];
        assert_eq!(run(&mut moskit(&[&heir[..], &["-E"]].concat()), b""), ended("", 0));
        let flood = Flood::start(&keeper.port, "0");
        for _ in 0..30 {
            let will = ["--will-topic", "will", "--will-payload", "lost", "--will-qos", "1"];
            let words = ["sub", "-p", &keeper.port, "-t", "lab/#", "-C", "1", "-W", "60"];
            assert_eq!(run(&mut moskit(&[&words[..], &will].concat()), b"").code, 0);
        }
        flood.end();
        let last = ["pub", "-p", &keeper.port, "-t", "will", "-q", "1", "-m", "no will"];
        assert_eq!(run(&mut moskit(&last), b""), ended("", 0));
        assert_eq!(run(&mut moskit(&[&heir[..], &["-C", "1", "-W", "60"]].concat()), b""), ended("no will\n", 0));
    }
}

/// A full device, and a reader that has gone.
#[test]
fn what_cannot_be_written_is_not_acknowledged() {
    for (keeper, _folder) in Keeper::both() {
        for qos in ["1", "2"] {
            keeper.subscribe(qos);
            keeper.publish(10);
            let mut full = moskit(&keeper.session(qos, &["-C", "10"]));
            let full = full.stdout(std::fs::File::options().write(true).open("/dev/full").unwrap());
            let output = full.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(said, "error: cannot write to standard output: No space left on device\n");
            assert_eq!(output.status.code(), Some(1));
            keeper.lets_go();

            // Its reader has gone before it starts: what it had written before that would be shown.
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let mut unread = moskit(&keeper.session(qos, &[]));
            let output = unread.stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
            assert_eq!((output.stderr.as_slice(), output.status.code()), (&b""[..], Some(0)));
            keeper.lets_go();
            assert_eq!(keeper.left(qos, 10), up_to(10), "QoS {qos}");
        }
    }
}

/// Messages that end the program, or come after the last that it shows.
#[test]
fn what_is_not_shown_is_not_acknowledged() {
    for (keeper, _folder) in Keeper::both() {
        for qos in ["1", "2"] {
            keeper.subscribe(qos);
            keeper.publish(5);
            assert_eq!(run(&mut moskit(&keeper.session(qos, &["--retained-only"])), b""), ended("", 0));
            keeper.lets_go();
            let removing = keeper.session(qos, &["--remove-retained", "-C", "1"]);
            assert_eq!(run(&mut moskit(&removing), b""), ended("1\n", 0));
            keeper.lets_go();
            // pub and rr with the id of the session.
            let id = ["-p", &keeper.port, "-i", "desk", "-c"];
            let publish = [&["pub"], &id[..], &["-t", "elsewhere", "-m", "x", "-q", "2"]].concat();
            assert_eq!(run(&mut moskit(&publish), b""), ended("", 0));
            keeper.lets_go();
            // rr asks for one message at a time, and mosquitto 2.0 sends what was in flight before all at once.
            let many = ["-D", "connect", "receive-maximum", "20"];
            let request = ["-e", "answer", "-t", "answer", "-m", "x", "-W", "60"];
            let request = [&["rr"], &id[..], &many, &request].concat();
            let answered = run(&mut moskit(&request), b"");
            assert_eq!(answered.code, 0);
            keeper.lets_go();
            let shown: Vec<usize> = answered.stdout.lines().filter_map(|line| line.parse().ok()).collect();
            assert_eq!([shown, keeper.left(qos, 4)].concat(), [2, 3, 4, 5], "QoS {qos}");
        }
    }
}
