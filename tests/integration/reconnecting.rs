//! What is said of a lost connection, how often and after which pauses another is made, and two clients with one id.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::broker_verb::Broker;
use crate::mosquitto::{Mosquitto, free_port, installed};
use crate::run::{Ended, called_as, moskit, run};
use crate::stub::{CONNECT, PUBLISH, SUBSCRIBE, Stub, cut, last, message, on};
use crate::terminal::OnTerminal;

const CONNACK: &[u8] = b"\x20\x02\x00\x00";
const CONNACK_5: &[u8] = b"\x20\x03\x00\x00\x00";

fn configuration(port: u16) -> String {
    format!("listener {port} 127.0.0.1\nallow_anonymous true\n")
}

/// The lines of standard error, one by one.
fn lines_of(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok)
}

fn end(mut child: Child) {
    let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    child.wait().unwrap();
}

#[test]
fn what_becomes_of_a_connection_is_said_on_standard_error() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let Some(mut broker) = Mosquitto::start(folder.path(), &configuration(port)) else { return };
    // So long that Mosquitto, which closes its port last, has ended by then.
    let mut sub = moskit(&["sub", "-t", "t", "-d", "--reconnect-wait", "2", "-p", &port.to_string()]);
    let mut sub = sub.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    broker.wait_for("Sending SUBACK");
    let mut lines = lines_of(&mut sub);
    broker.end();
    let lost = lines.next().unwrap();
    assert!(lost.starts_with("connection lost: the broker closed it; connecting again in "), "{lost}");
    let refused = lines.next().unwrap();
    assert!(refused.starts_with("no connection: cannot connect to localhost port "), "{refused}");
    assert!(refused.contains("; connecting again in ") && refused.ends_with(" s"), "{refused}");
    let mut broker = Mosquitto::start(folder.path(), &configuration(port)).unwrap();
    broker.wait_for("Sending SUBACK");
    let back = lines.find(|line| !line.starts_with("no connection: ")).unwrap();
    assert!(back.starts_with("connected again, after ") && back.ends_with(" s"), "{back}");
    end(sub);
}

#[test]
fn a_reason_code_is_said_in_words_and_between_no_messages() {
    let goodbye = [&message(0x30, "t", None, b"1")[..], &message(0x30, "t", None, b"2")].concat();
    let turns = |version: &str| {
        if version == "5" {
            let one = |text: &[u8]| [&[0x30, 5][..], b"\x00\x01t\x00", text].concat();
            let reply = [b"\x90\x04\x00\x01\x00\x00", &one(b"1")[..], &one(b"2"), b"\xe0\x02\x8b\x00"].concat();
            vec![on(CONNECT, CONNACK_5), cut(SUBSCRIBE, &reply), last(CONNECT, b"\x20\x03\x00\x87\x00")]
        } else {
            let reply = [b"\x90\x03\x00\x01\x00", &goodbye[..]].concat();
            vec![on(CONNECT, CONNACK), cut(SUBSCRIBE, &reply), last(CONNECT, b"\x20\x02\x00\x05")]
        }
    };
    for (version, why, code) in [
        ("5", "the broker ended the connection: Server shutting down (reason code 139)", 135),
        ("311", "the broker closed it", 5),
    ] {
        let run_with = |more: &[&str]| {
            let stub = Stub::start(&turns(version));
            let words = ["sub", "-t", "t", "-V", version, "-p", &stub.port.to_string(), "--reconnect-wait", "0.1"];
            let ended = run(moskit(&words).args(more), b"");
            stub.stop();
            assert_eq!(ended.code, code, "{}", ended.stderr);
            ended
        };
        let debug = run_with(&["-d"]);
        let said = format!("connection lost: {why}; connecting again in 0.1 s\n");
        assert!(debug.stderr.starts_with(&said), "{}", debug.stderr);
        assert!(!debug.stdout.contains("connect"), "{}", debug.stdout);
        let piped = run_with(&[]);
        assert_eq!(piped.stdout, "1\n2\n");
        assert!(!piped.stderr.contains("connection lost"), "{}", piped.stderr);
        let quiet = run_with(&["-d", "--quiet"]);
        assert_eq!(quiet.stderr, "");
    }
}

#[test]
fn it_is_said_on_a_terminal_without_being_asked() {
    let stub = Stub::start(&[on(CONNECT, CONNACK), cut(SUBSCRIBE, b"\x90\x03\x00\x01\x00"), on(99, b"")]);
    let words = ["sub", "-t", "t", "-p", &stub.port.to_string(), "--reconnect-wait", "0.1"];
    let mut terminal = OnTerminal::start(moskit(&words));
    terminal.wait_for("connection lost: the broker closed it; connecting again in 0.1 s");
    terminal.wait_for("connected again, after ");
    drop(terminal);
    stub.stop();
}

#[test]
fn nothing_is_said_under_mosquittos_name() {
    let stub = Stub::start(&[on(CONNECT, CONNACK), cut(SUBSCRIBE, b""), last(CONNECT, b"\x20\x02\x00\x05")]);
    let ended = run(&mut called_as("mosquitto_sub", &["-t", "t", "-d", "-p", &stub.port.to_string()]), b"");
    stub.stop();
    assert!(!ended.stderr.contains("connecting again"), "{}", ended.stderr);
}

#[test]
fn no_reconnect_ends_with_the_connection() {
    for (words, turns, code) in [
        (&["sub", "-t", "t"][..], [on(CONNECT, CONNACK), cut(SUBSCRIBE, b"")], 7),
        (&["sub", "-t", "t", "-V", "5"], [on(CONNECT, CONNACK_5), cut(SUBSCRIBE, b"\xe0\x02\x8b\x00")], 4),
        (&["pub", "-t", "t", "-l", "-q", "1"], [on(CONNECT, CONNACK), cut(PUBLISH, b"")], 7),
    ] {
        let stub = Stub::start(&turns);
        let ended = run(moskit(words).args(["--no-reconnect", "-p", &stub.port.to_string()]), b"a\n");
        assert_eq!((ended.code, ended.stdout.as_str()), (code, ""), "{words:?}: {}", ended.stderr);
        assert_eq!(stub.stop().len(), 1, "{words:?}");
    }
}

#[test]
fn as_many_attempts_are_made_as_were_asked_for() {
    // No broker is there any more.
    let stub = Stub::start(&[on(CONNECT, CONNACK), last(SUBSCRIBE, b"\x90\x03\x00\x01\x00")]);
    let words = ["sub", "-t", "t", "-d", "--reconnect-max", "3", "--reconnect-wait", "0.1"];
    let ended = run(moskit(&words).args(["-p", &stub.port.to_string()]), b"");
    stub.stop();
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("connecting again").count(), 3, "{}", ended.stderr);
    assert!(ended.stderr.contains("could not be made again in 3 attempts; the last time: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("[connection.in-vain]"), "{}", ended.stderr);
}

#[test]
fn a_broker_that_is_busy_when_it_is_back_is_tried_again() {
    let turns = [
        on(CONNECT, CONNACK),
        cut(SUBSCRIBE, b"\x90\x03\x00\x01\x00"),
        cut(CONNECT, b"\x20\x02\x00\x03"),
        on(SUBSCRIBE, &[b"\x90\x03\x00\x01\x00", &message(0x30, "t", None, b"1")[..]].concat()),
    ];
    let stub = Stub::start(&turns);
    let words = ["sub", "-t", "t", "-C", "1", "--reconnect-wait", "0.1", "-p", &stub.port.to_string()];
    let ended = run(&mut moskit(&words), b"");
    assert_eq!(ended, Ended { stdout: "1\n".to_owned(), stderr: String::new(), code: 0 });
    assert_eq!(stub.stop().len(), 3);
}

/// Runs sub with the client id of `other`, a mosquitto_sub that connects again each second whoever throws it out.
#[track_caller]
fn ends_a_loop_of_takeovers(mut other: Command, port: u16, version: &str, said: &str) {
    let port = port.to_string();
    // A retained message comes over each connection: that something gets through is no sign of a good end.
    assert_eq!(run(&mut moskit(&["pub", "-t", "a/b", "-m", "x", "-r", "-p", &port]), b"").code, 0);
    let words = ["-i", "desk", "-t", "a/#", "-V", version, "-p", &port];
    let mut other = other.args(words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(other.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let ended = run(moskit(&["sub"]).args(words).args(["--reconnect-wait", "0.1", "-W", "60"]), b"");
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(ended.code, 142, "{version}: {}", ended.stderr);
    assert!(ended.stderr.contains("Error: Session taken over\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("[session.takeover]") && ended.stderr.contains("`desk`"), "{}", ended.stderr);
    assert!(ended.stderr.contains(said), "{version}: {}", ended.stderr);
}

#[test]
fn a_loop_of_takeovers_without_a_word_is_named_and_ended() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let Some(program) = installed("mosquitto_sub") else { return };
    ends_a_loop_of_takeovers(Command::new(program), port, "311", "5 times in a row the broker accepted the client id");
}

#[test]
fn a_loop_of_takeovers_that_the_broker_names_is_ended_sooner() {
    let broker = Broker::start(&["-p", "0", "-q"]);
    let said = "the broker gave it the session 3 times in a row (reason code 142)";
    // Debian's ends when the broker says that it was taken over.
    ends_a_loop_of_takeovers(called_as("mosquitto_sub", &[]), broker.port, "5", said);
}

#[test]
fn one_takeover_is_no_loop() {
    let broker = Broker::start(&["-p", "0", "-q"]);
    let port = broker.port.to_string();
    let words = ["sub", "-i", "desk", "-t", "t", "-V", "5", "-d", "-p", &port, "--reconnect-wait", "0.1"];
    let mut sub = moskit(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(sub.stdout.take().unwrap()).lines().map_while(Result::ok);
    stdout.find(|line| line.contains("received SUBACK")).unwrap();
    let once = ["sub", "-i", "desk", "-t", "t", "-V", "5", "-E", "-p", &port];
    assert_eq!(run(&mut moskit(&once), b"").code, 0);
    let mut lines = lines_of(&mut sub);
    let lost = lines.next().unwrap();
    assert!(lost.contains("Session taken over (reason code 142); connecting again"), "{lost}");
    assert!(lines.next().unwrap().starts_with("connected again"));
    end(sub);
}
