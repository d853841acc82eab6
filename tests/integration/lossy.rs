//! A network that passes bytes in crumbs and cuts connections in the middle of packets: what pub and
//! sub promise at each QoS holds all the same.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::mosquitto::Mosquitto;
use crate::run::{Ended, called_as, run};

/// How many bytes of a connection pass before it is cut: from the client, and to it.
#[derive(Clone, Copy)]
struct Cut {
    up: usize,
    down: usize,
}

const WHOLE: usize = usize::MAX;

/// A way to `broker` that cuts one connection after the other as `cuts` say, and passes later ones whole.
fn cutting_way(broker: u16, cuts: Vec<Cut>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut cuts = cuts.into_iter();
        for client in listener.incoming().map_while(Result::ok) {
            let cut = cuts.next().unwrap_or(Cut { up: WHOLE, down: WHOLE });
            let Ok(broker) = TcpStream::connect(("127.0.0.1", broker)) else { return };
            let (to_broker, to_client) = (broker.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || pass(client, to_broker, cut.up));
            std::thread::spawn(move || pass(broker, to_client, cut.down));
        }
    });
    port
}

/// Passes at most `left` bytes, at first in crumbs and late, then cuts both directions.
fn pass(mut from: TcpStream, mut to: TcpStream, mut left: usize) {
    let mut buffer = [0; 1024];
    let mut crumbs = 40;
    while left > 0 {
        let size = if crumbs > 0 { 3 } else { buffer.len() }.min(left);
        if crumbs > 0 {
            crumbs -= 1;
            std::thread::sleep(Duration::from_millis(1));
        }
        match from.read(&mut buffer[..size]) {
            Ok(0) | Err(_) => break,
            Ok(count) if to.write_all(&buffer[..count]).is_err() => break,
            Ok(count) => left -= count,
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// A subscriber whose lines are read one by one, ended by its own id.
struct Listener {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
}

impl Listener {
    fn start(words: &[&str]) -> Self {
        let mut child = called_as("mosquitto_sub", words).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.stdout.read_line(&mut line).unwrap() > 0, "it ended: {:?}", self.child.wait());
        line.trim_end().to_owned()
    }

    fn lines_until(&mut self, end: &str) -> Vec<String> {
        std::iter::from_fn(|| Some(self.line()).filter(|line| line != end)).collect()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const LINES: usize = 300;

fn numbers() -> Vec<String> {
    (0..LINES).map(|number| format!("line {number}")).collect()
}

fn input() -> String {
    numbers().join("\n") + "\nend\n"
}

/// The order in which each line came first.
fn firsts(lines: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    lines.into_iter().filter(|line| seen.insert(line.clone())).collect()
}

fn cuts() -> Vec<Cut> {
    vec![
        // In the middle of CONNACK, of a PUBLISH going up, of something coming down, of a later PUBLISH.
        Cut { up: WHOLE, down: 3 },
        Cut { up: 131, down: WHOLE },
        Cut { up: WHOLE, down: 61 },
        Cut { up: 1277, down: WHOLE },
    ]
}

#[test]
fn no_line_of_pub_is_lost_at_qos_1_and_none_doubled_at_qos_2() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let direct = port.to_string();
    std::thread::scope(|scope| {
        for (qos, topic) in [("1", "up/1"), ("2", "up/2")] {
            let direct = &direct;
            scope.spawn(move || {
                let id = format!("listens-{qos}");
                let session = ["-p", direct, "-q", "2", "-t", topic, "-c", "-i", &id];
                assert_eq!(run(&mut called_as("mosquitto_sub", &[&session[..], &["-E"]].concat()), b"").code, 0);
                let mut listener = Listener::start(&session);
                let way = cutting_way(port, cuts()).to_string();
                let publisher = format!("publishes-{qos}");
                let words = ["-p", &way, "-q", qos, "-t", topic, "-c", "-i", &publisher, "-l"];
                let ended = run(&mut called_as("mosquitto_pub", &words), input().as_bytes());
                assert_eq!(ended, Ended { stdout: String::new(), stderr: String::new(), code: 0 });
                let lines = listener.lines_until("end");
                assert_eq!(if qos == "1" { firsts(lines) } else { lines }, numbers(), "QoS {qos}");
            });
        }
    });
}

#[test]
fn sub_misses_nothing_at_qos_1_and_prints_nothing_twice_at_qos_2() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let direct = port.to_string();
    std::thread::scope(|scope| {
        for (qos, topic) in [("1", "down/1"), ("2", "down/2")] {
            let direct = &direct;
            scope.spawn(move || {
                let id = format!("subscribes-{qos}");
                let rest = ["-q", qos, "-t", topic, "-c", "-i", &id];
                let known = [&["-p", direct], &rest[..], &["-E"]].concat();
                assert_eq!(run(&mut called_as("mosquitto_sub", &known), b"").code, 0);
                let publish = ["-p", direct, "-q", "2", "-t", topic, "-l"];
                assert_eq!(run(&mut called_as("mosquitto_pub", &publish), input().as_bytes()).code, 0);
                let cuts = vec![
                    Cut { up: WHOLE, down: 3 },
                    Cut { up: WHOLE, down: 203 },
                    Cut { up: 41, down: WHOLE },
                    Cut { up: WHOLE, down: 2111 },
                ];
                let way = cutting_way(port, cuts).to_string();
                let mut listener = Listener::start(&[&["-p", &way], &rest[..]].concat());
                let lines = listener.lines_until("end");
                assert_eq!(if qos == "1" { firsts(lines) } else { lines }, numbers(), "QoS {qos}");
            });
        }
    });
}

#[test]
fn at_qos_0_pub_and_sub_go_on_after_a_cut() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let direct = port.to_string();
    let way = cutting_way(port, vec![Cut { up: WHOLE, down: 20 }]).to_string();
    let mut listener = Listener::start(&["-p", &way, "-t", "zero"]);
    // Retained, so that each subscription gets it; the first connection is cut while it comes.
    let publish = ["-p", &direct, "-t", "zero", "-r", "-q", "1", "-m", "long enough to be cut"];
    assert_eq!(run(&mut called_as("mosquitto_pub", &publish), b"").code, 0);
    assert_eq!(listener.line(), "long enough to be cut");

    let mut listener = Listener::start(&["-p", &direct, "-t", "up/0", "-d"]);
    while !listener.line().starts_with("Subscribed") {}
    let way = cutting_way(port, vec![Cut { up: 131, down: WHOLE }]).to_string();
    let ended = run(&mut called_as("mosquitto_pub", &["-p", &way, "-t", "up/0", "-l"]), input().as_bytes());
    assert_eq!(ended, Ended { stdout: String::new(), stderr: String::new(), code: 0 });
    let is_message = |line: &String| !line.starts_with("Client ");
    assert_eq!(std::iter::from_fn(|| Some(listener.line())).find(is_message).unwrap(), "line 0");
}

/// Whoever waits for one acknowledgement and does not connect again says so, in any stage.
#[test]
fn a_cut_ends_a_single_publish_with_a_lost_connection() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    for (qos, cut) in [
        ("0", Cut { up: 5, down: WHOLE }),
        ("1", Cut { up: WHOLE, down: 0 }),
        ("1", Cut { up: WHOLE, down: 2 }),
        ("1", Cut { up: 20, down: WHOLE }),
        ("1", Cut { up: WHOLE, down: 6 }),
        ("2", Cut { up: WHOLE, down: 7 }),
        ("2", Cut { up: WHOLE, down: 10 }),
    ] {
        let way = cutting_way(port, vec![cut]).to_string();
        let words = ["-h", "127.0.0.1", "-p", &way, "-q", qos, "-t", "a", "-m", "hello, hello"];
        let ended = run(&mut called_as("mosquitto_pub", &words), b"");
        assert!(ended.stderr.starts_with("Error: The connection was lost\n"), "{ended:?}");
        assert_eq!((ended.stdout.as_str(), ended.code), ("", 7), "QoS {qos}, {} {}", cut.up, cut.down);
    }
}
