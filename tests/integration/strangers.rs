//! What strangers put in the way of pub, sub and rr: a broker's text that would control the terminal, and pipes in place of files.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::process::{Pid, Signal, kill_process};

use crate::beside::ours;
use crate::run::{moskit, run};
use crate::stub::{CONNECT, PUBLISH, SUBSCRIBE, Turn, on};

/// Clears a screen and rings, changes colours in 8 bits, and turns the direction of what follows.
const HARM: &str = "\x1b[2J\x07\u{9b}m\u{202e}\r\n";

fn string(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}

fn packet(first_byte: u8, body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    let length = body.len();
    assert!(length < 128 * 128, "two bytes of length are enough here");
    let length = if length < 128 { vec![length as u8] } else { vec![length as u8 | 128, (length / 128) as u8] };
    [&[first_byte], &length[..], &body].concat()
}

/// SUBACK, then a message of version 5 that has HARM in everything.
fn harmful_message() -> Turn {
    let properties =
        [vec![0x03], string(HARM), vec![0x08], string(HARM), vec![0x26], string(HARM), string(HARM)].concat();
    assert!(properties.len() < 128, "one byte of length is enough here");
    let properties = [&[properties.len() as u8], &properties[..]].concat();
    let payload = [HARM.as_bytes(), b"\x9b2J"].concat();
    let message = packet(0x30, &[&string(HARM), &properties, &payload]);
    on(SUBSCRIBE, &[&b"\x90\x04\0\x01\0\0"[..], &message].concat())
}

/// The text without what harms nobody: printable characters and the ends of lines.
fn harm(text: &str) -> String {
    text.chars().filter(|c| *c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(c))).collect()
}

#[test]
fn no_text_of_a_broker_reaches_a_terminal_unescaped() {
    let assigned = string(HARM);
    let connack = on(CONNECT, &packet(0x20, &[&[0, 0, 1 + assigned.len() as u8, 0x12], &assigned]));
    let puback = on(PUBLISH, &packet(0x40, &[&[0, 1, 0x87, 3 + HARM.len() as u8, 0x1f], &string(HARM)]));
    let refusal = on(CONNECT, &packet(0x20, &[&[0, 0x87, 3 + HARM.len() as u8, 0x1f], &string(HARM)]));
    for (row, turns) in [
        // The payload goes as it is into a pipe; of the format it is left out.
        ("mosquitto_sub -t a -C 1 -V 5 -W 5 -d -F %l", &[connack.clone(), harmful_message()][..]),
        ("mosquitto_sub -t a -C 1 -V 5 -W 5 -F %J", &[harmful_message()]),
        ("mosquitto_rr -t a -e b -m x -F %J -W 5", &[harmful_message()]),
        ("mosquitto_pub -t a -m x -q 1 -V 5 -d", &[connack, puback]),
        ("mosquitto_sub -t a -V 5", std::slice::from_ref(&refusal)),
        ("mosquitto_pub -t a -m x -V 5", std::slice::from_ref(&refusal)),
    ] {
        let (_, ended) = ours(row, turns, b"");
        assert_eq!((harm(&ended.stdout), harm(&ended.stderr)), (String::new(), String::new()), "{row}: {ended:?}");
    }
}

/// A watched topic has one line of the screen, whatever it and its messages are made of.
#[test]
fn a_watched_message_stays_on_its_line() {
    for shape in ["", " -v", " -F %t%p%x%C%R%P", " -F %j", " -F \\e[31m%p"] {
        let row = format!("mosquitto_sub -t a -C 1 -V 5 -W 5 -w{shape}");
        let (_, ended) = ours(&row, &[harmful_message()], b"");
        let screen = ended.stdout.strip_prefix("\x1b[2J\x1b[1;1HBroker: 127.0.0.1\n\x1b[2;1H").unwrap();
        let line = screen.strip_suffix("\n\x1b[2;1H\n").unwrap();
        let line = line.strip_prefix("\x1b[31m").unwrap_or(line);
        assert!(harm(line).is_empty() && !line.contains('\n'), "{row}: {line:?}");
        assert!(shape == " -F %j" || line.contains("\\x1b[2J"), "{row}: {line:?}");
    }
}

/// A pipe is waited for, as one that a shell makes of `<(…)` is; where only a file will do it is not even opened.
#[test]
fn a_pipe_that_nobody_writes_ends_by_a_signal_or_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let pipe = pipe.to_str().unwrap();
    let refused = run(&mut moskit(&["pub", "-t", "a", "-f", pipe]), b"");
    let expected = format!("Error: {pipe} is not a file.\nError loading input file \"{pipe}\".\n");
    assert_eq!((refused.stderr.as_str(), refused.code), (expected.as_str(), 1));
    for options in [
        &["-o", pipe][..],
        &["-u", "me", "--pw-file", pipe],
        &["--cafile", pipe],
        &["--tls-use-os-certs", "--cert", pipe, "--key", pipe],
    ] {
        let words = [&["sub", "-t", "a", "-p", "1"], options].concat();
        let mut child = moskit(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed()).unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        // A pipe can be opened like this once somebody else has it open for reading, who then waits for what we write.
        let writer = loop {
            match OpenOptions::new().write(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(pipe) {
                Ok(writer) => break writer,
                Err(error) => assert!(Instant::now() < until, "{options:?}: {error}"),
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        assert_eq!(child.try_wait().unwrap(), None, "{options:?}");
        kill_process(pid, Signal::TERM).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(15), "{options:?}");
        drop(writer);
    }
}

/// Everything that certgen, check, qshape and passwd say of files that strangers have filled, as text and in each format.
#[test]
fn no_text_of_a_file_reaches_a_terminal_unescaped() {
    let folder = tempfile::tempdir().unwrap();
    let harm_of_a_name = HARM.trim_end();
    let subject = format!("/O={harm_of_a_name}/CN=x{harm_of_a_name}");
    let openssl = |words: &[&str]| {
        let mut command = Command::new("openssl");
        command.args(words).args(["-utf8", "-subj", &subject]).current_dir(folder.path());
        let ended = run(&mut command, b"");
        assert_eq!(ended.code, 0, "{ended:?}");
    };
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "k.pem"];
    openssl(&[&["req", "-x509", "-days", "3650", "-out", "c.pem"], &key[..]].concat());
    openssl(&["req", "-new", "-key", "k.pem", "-out", "r.csr"]);
    fs::copy(folder.path().join("c.pem"), folder.path().join(format!("n{harm_of_a_name}.pem"))).unwrap();
    let quoted = serde_json::to_string(HARM).unwrap();
    let item = format!("{{\"client\":{quoted},\"topic\":{quoted},\"since\":\"2026-11-22T09:00:00Z\",\"qos\":1}}\n");
    fs::write(folder.path().join("items"), item + "{\"client\":\u{202e}}\n").unwrap();
    fs::write(folder.path().join("passwords"), "\u{9b}m\u{202e}:$7$101$AAAA$BBBB\nann\x1b[2J:x\n").unwrap();
    let rows = [
        "certgen inspect c.pem",
        "certgen inspect c.pem --json",
        "certgen inspect r.csr",
        "certgen inspect r.csr --json",
        "certgen verify --ca c.pem c.pem",
        "certgen verify --ca c.pem c.pem --json",
        "certgen lint .",
        "certgen lint . --json",
        "certgen expiry .",
        "certgen expiry . --json",
        "certgen expiry . --openmetrics",
        "check files --cafile c.pem --cert c.pem --key k.pem",
        "check files --cafile c.pem --cert c.pem --key k.pem --json",
        "qshape items",
        "qshape items --by topic",
        "qshape --json items",
        "qshape --csv items",
        "qshape --openmetrics items",
        "passwd --list passwords",
        "passwd --list passwords --json",
    ];
    for row in rows {
        let words: Vec<_> = row.split(' ').collect();
        let ended = run(moskit(&words).current_dir(folder.path()), b"");
        // So end the lines of CSV.
        let shown = ended.stdout.replace("\r\n", "\n");
        assert_eq!((harm(&shown), harm(&ended.stderr)), (String::new(), String::new()), "{row}: {ended:?}");
        // Nothing was refused before a stranger's text was met.
        assert!(ended.code < 3 && !ended.stderr.contains("unexpected argument"), "{row}: {ended:?}");
    }
}

/// What a server says to `check`, which asks it more than once.
#[test]
fn no_text_of_a_server_reaches_a_terminal_unescaped() {
    let refusal = packet(0x20, &[&[0, 0x87, 3 + HARM.len() as u8, 0x1f], &string(HARM)]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    // It ends with the tests.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // Whoever only looks whether somebody is there says nothing.
            if matches!(stream.read(&mut [0; 1024]), Ok(1..)) {
                let _ = stream.write_all(&refusal);
            }
        }
    });
    for form in [&[][..], &["--json"]] {
        let words = [&["check", "-h", "127.0.0.1", "-p", &port, "-V", "5", "--timeout", "2"], form].concat();
        let ended = run(&mut moskit(&words), b"");
        assert_eq!((harm(&ended.stdout), harm(&ended.stderr)), (String::new(), String::new()), "{ended:?}");
        assert!(ended.stdout.contains("135"), "the server was heard: {ended:?}");
    }
}
