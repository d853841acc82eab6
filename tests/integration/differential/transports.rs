//! The same below MQTT: what is said over WebSockets, to HTTP that opens none, and over TLS with certificates.
//!
//! Bytes as they are; the answer to each step is what comes until there is silence or the end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use moskit::mqtt::packet::{Connect, Packet};

use super::answers;
use super::packets::{bytes, connect, encode, publish, subscribe};
use super::{configuration, start_ours};
use crate::mosquitto::{Mosquitto, free_port};
use crate::run::{moskit, run};

/// How long silence lasts before it counts as the answer.
const SILENCE: Duration = Duration::from_millis(600);
/// And on a machine that is busy with other things, where an answer may come later than that.
const LONG_SILENCE: Duration = Duration::from_secs(4);

struct Exchange {
    name: String,
    /// Of the client certificate over TLS; `None`: plain TCP.
    tls: Option<&'static [&'static str]>,
    steps: Vec<Vec<u8>>,
}

/// Where certificates of the test are: `ca`, `server`, `dev1`, `stranger` (of another authority).
struct Scene {
    options: &'static str,
    exchanges: Vec<Exchange>,
}

fn exchange(name: &str, steps: Vec<Vec<u8>>) -> Exchange {
    Exchange { name: name.to_owned(), tls: None, steps }
}

/// A request, `fields` in the place of what is usual.
fn request(line: &str, fields: &[&str]) -> Vec<u8> {
    format!("{line}\r\n{}\r\n\r\n", fields.join("\r\n")).into_bytes()
}

const GET: &str = "GET /mqtt HTTP/1.1";
const HOST: &str = "Host: localhost";
const UPGRADE: &str = "Upgrade: websocket";
const CONNECTION: &str = "Connection: Upgrade";
const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const VERSION: &str = "Sec-WebSocket-Version: 13";
const PROTOCOL: &str = "Sec-WebSocket-Protocol: mqtt";

fn opening() -> Vec<u8> {
    request(GET, &[HOST, UPGRADE, CONNECTION, KEY, VERSION, PROTOCOL])
}

/// A frame of a client. `first`: FIN, reserved bits and opcode.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let mut frame = vec![first];
    match payload.len() {
        length @ ..0x7E => frame.push(0x80 | length as u8),
        length => {
            frame.push(0x80 | 0x7E);
            frame.extend((length as u16).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

const PING: &[u8] = b"\xc0\x00";

fn websockets() -> Vec<Exchange> {
    let usual = [HOST, UPGRADE, CONNECTION, KEY, VERSION, PROTOCOL];
    let without = |field: &str| usual.into_iter().filter(|usual| *usual != field).collect::<Vec<_>>();
    let with = |field: &'static str, other: &'static str| {
        usual.into_iter().map(|usual| if usual == field { other } else { usual }).collect::<Vec<_>>()
    };
    let heads = [
        ("an opening", opening()),
        ("without host", request(GET, &without(HOST))),
        ("without upgrade", request(GET, &without(UPGRADE))),
        ("without connection", request(GET, &without(CONNECTION))),
        ("without key", request(GET, &without(KEY))),
        ("without version", request(GET, &without(VERSION))),
        ("without sub-protocol", request(GET, &without(PROTOCOL))),
        ("version 12", request(GET, &with(VERSION, "Sec-WebSocket-Version: 12"))),
        ("an upgrade to h2c", request(GET, &with(UPGRADE, "Upgrade: h2c"))),
        ("an upgrade in capitals", request(GET, &with(UPGRADE, "Upgrade: WebSocket"))),
        ("keep-alive and upgrade", request(GET, &with(CONNECTION, "Connection: keep-alive, Upgrade"))),
        ("connection: close", request(GET, &with(CONNECTION, "Connection: close"))),
        ("sub-protocol mqttv3.1", request(GET, &with(PROTOCOL, "Sec-WebSocket-Protocol: mqttv3.1"))),
        ("sub-protocol chat", request(GET, &with(PROTOCOL, "Sec-WebSocket-Protocol: chat"))),
        ("sub-protocols chat and mqtt", request(GET, &with(PROTOCOL, "Sec-WebSocket-Protocol: chat, mqtt"))),
        ("another path", request("GET /other HTTP/1.1", &usual)),
        ("HTTP/1.0", request("GET /mqtt HTTP/1.0", &usual)),
        ("a POST", request("POST /mqtt HTTP/1.1", &usual)),
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
        ("plain MQTT", encode(&connect(4, "plain"))),
    ];
    let mut exchanges: Vec<_> =
        heads.into_iter().map(|(name, head)| exchange(&format!("ws: {name}"), vec![head])).collect();
    let long = format!("X-Long: {}", "x".repeat(5000));
    let head = request(GET, &[HOST, UPGRADE, CONNECTION, KEY, VERSION, PROTOCOL, &long]);
    exchanges.push(exchange("ws: a long head", vec![head]));
    let hello = |id: &str| encode(&connect(4, id));
    let connected = |name: &str, steps: Vec<Vec<u8>>| {
        let hello = frame(0x82, &hello(&name.replace(' ', "-")));
        exchange(&format!("ws: {name}"), [vec![opening(), hello], steps].concat())
    };
    let (first, second) = PING.split_at(1);
    let both = [&hello("both")[..], PING].concat();
    let split = hello("split");
    exchanges.extend([
        connected("a pingreq", vec![frame(0x82, PING)]),
        connected("a text frame", vec![frame(0x81, PING)]),
        connected("a packet in two frames", vec![frame(0x82, first), frame(0x82, second)]),
        connected("a packet in two fragments", vec![frame(0x02, first), frame(0x80, second)]),
        connected("a ping between fragments", vec![frame(0x02, first), frame(0x89, b"hi"), frame(0x80, second)]),
        connected("two packets in a frame", vec![frame(0x82, &[PING, PING].concat())]),
        connected("an empty frame", vec![frame(0x82, b""), frame(0x82, PING)]),
        connected("a websocket ping", vec![frame(0x89, b"are you there"), frame(0x82, PING)]),
        connected("a websocket pong", vec![frame(0x8A, b"here"), frame(0x82, PING)]),
        connected("a close", vec![frame(0x88, b"\x03\xe8")]),
        connected("a close without reason", vec![frame(0x88, b"")]),
        connected("a continuation of nothing", vec![frame(0x80, PING)]),
        connected("an unknown opcode", vec![frame(0x83, PING)]),
        connected("a reserved bit", vec![frame(0xC2, PING)]),
        connected("no mask", vec![b"\x82\x02\xc0\x00".to_vec()]),
        connected("a disconnect", vec![frame(0x82, b"\xe0\x00")]),
        connected("a wrong packet", vec![frame(0x82, b"\x00\x00")]),
        exchange("ws: connect and pingreq in a frame", vec![opening(), frame(0x82, &both)]),
        exchange("ws: connect in two frames", vec![opening(), frame(0x82, &split[..5]), frame(0x82, &split[5..])]),
        exchange("ws: all at once", vec![[opening(), frame(0x82, &hello("at-once"))].concat()]),
        exchange("ws: a head in two pieces", vec![opening()[..40].to_vec(), opening()[40..].to_vec()]),
    ]);
    exchanges
}

/// `ACL` lets everybody read and write below its user name only.
fn certified(prefix: &str, shown: &'static [&'static str]) -> Vec<Exchange> {
    let user = |level, name: &str| Connect { username: Some(name.into()), ..connect(level, "tls") };
    let named = |name: String, steps| Exchange { name: format!("{prefix}: {name}"), tls: Some(shown), steps };
    let dialogue = |level, connect: &Connect| {
        let message = |topic, packet_id| bytes(level, &Packet::Publish(publish(topic, 1, packet_id)));
        vec![
            encode(connect),
            subscribe(level, 1, &[("#", 1)], 0),
            [message("u/dev1", 1), message("u/CN=dev1", 2), message("u/joe", 3)].concat(),
            PING.to_vec(),
        ]
    };
    [4, 5]
        .into_iter()
        .flat_map(|level| {
            [
                named(format!("{level}: no user name"), dialogue(level, &connect(level, "tls"))),
                named(format!("{level}: another user name"), dialogue(level, &user(level, "joe"))),
            ]
        })
        .collect()
}

const DEV1: &[&str] = &["-cert", "FOLDER/dev1.crt", "-key", "FOLDER/dev1.key"];
const STRANGER: &[&str] = &["-cert", "FOLDER/other/dev1.crt", "-key", "FOLDER/other/dev1.key"];

fn scenes() -> Vec<Scene> {
    macro_rules! tls {
        ($more:literal) => {
            concat!("certfile FOLDER/server.crt\nkeyfile FOLDER/server.key\ncafile FOLDER/ca.crt\n", $more)
        };
    }
    vec![
        Scene { options: "protocol websockets\n", exchanges: websockets() },
        Scene { options: tls!(""), exchanges: certified("tls", &[]) },
        Scene {
            options: tls!("require_certificate true\n"),
            exchanges: [
                certified("certificate", DEV1),
                certified("no certificate", &[]),
                certified("a stranger's certificate", STRANGER),
            ]
            .into_iter()
            .flatten()
            .collect(),
        },
        Scene {
            options: tls!("require_certificate true\nuse_identity_as_username true\n"),
            exchanges: certified("identity", DEV1),
        },
        Scene {
            options: tls!("require_certificate true\nuse_subject_as_username true\n"),
            exchanges: certified("subject", DEV1),
        },
        Scene {
            options: tls!("use_identity_as_username true\n"),
            exchanges: [certified("identity if shown", DEV1), certified("identity not shown", &[])]
                .into_iter()
                .flatten()
                .collect(),
        },
    ]
}

fn said<B>(silence: Duration, start: impl Fn(&Path, &str, u16) -> B + Sync) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for place in [folder.to_owned(), folder.join("other")] {
        let words = ["certgen", "init", place.to_str().unwrap(), "--hosts", "localhost,127.0.0.1", "--clients", "dev1"];
        let made = run(&mut moskit(&words), b"");
        assert_eq!(made.code, 0, "{made:?}");
    }
    std::fs::write(folder.join("acl"), "pattern readwrite u/%u\n").unwrap();
    let start = &start;
    std::thread::scope(|scope| {
        let mut speakers = Vec::new();
        for Scene { options, exchanges } in scenes() {
            // Over TLS each has a broker of its own, for all have one client id.
            let size = if exchanges[0].tls.is_some() { 1 } else { exchanges.len() };
            let mut exchanges = exchanges.into_iter().peekable();
            while exchanges.peek().is_some() {
                let exchanges: Vec<_> = exchanges.by_ref().take(size).collect();
                speakers.push(scope.spawn(move || said_to(exchanges, options, folder, silence, start)));
            }
        }
        speakers.into_iter().flat_map(|speaker| speaker.join().unwrap()).collect()
    })
}

/// What one broker says, all at once.
fn said_to<B>(
    exchanges: Vec<Exchange>,
    options: &str,
    certificates: &Path,
    silence: Duration,
    start: &impl Fn(&Path, &str, u16) -> B,
) -> Vec<(String, String)> {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let options = options.replace("FOLDER", certificates.to_str().unwrap());
    let acl = format!("acl_file {}/acl\n", certificates.display());
    let _broker = start(folder.path(), &configuration(&acl, port, &options), port);
    std::thread::scope(|scope| {
        let said = |exchange: Exchange| {
            scope.spawn(move || (exchange.name.clone(), speak(&exchange, port, certificates, silence)))
        };
        let speakers: Vec<_> = exchanges.into_iter().map(said).collect();
        speakers.into_iter().map(|speaker| speaker.join().unwrap()).collect()
    })
}

fn speak(exchange: &Exchange, port: u16, folder: &Path, silence: Duration) -> String {
    let Some(shown) = exchange.tls else {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let said = converse(stream.try_clone().unwrap(), &stream, &exchange.steps, silence);
        stream.shutdown(std::net::Shutdown::Both).ok();
        return said;
    };
    let mut client = Command::new("openssl");
    client.args(["s_client", "-quiet", "-connect", &format!("localhost:{port}")]);
    client.arg("-CAfile").arg(folder.join("ca.crt"));
    client.args(shown.iter().map(|word| word.replace("FOLDER", folder.to_str().unwrap())));
    let mut client =
        client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("openssl is there");
    let said = converse(client.stdout.take().unwrap(), client.stdin.take().unwrap(), &exchange.steps, silence);
    let _ = client.kill();
    let _ = client.wait();
    said
}

/// What the other side says to each step: text, `-` for nothing, `closed` at the end.
fn converse(mut from: impl Read + Send + 'static, mut to: impl Write, steps: &[Vec<u8>], silence: Duration) -> String {
    let (sender, pieces) = channel();
    std::thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            if sender.send(piece[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    let mut said = Vec::new();
    for step in steps {
        let _ = to.write_all(step).and_then(|()| to.flush());
        let mut heard = Vec::new();
        let closed = loop {
            match pieces.recv_timeout(silence) {
                Ok(piece) => heard.extend(piece),
                Err(RecvTimeoutError::Timeout) => break false,
                Err(RecvTimeoutError::Disconnected) => break true,
            }
        };
        let text = heard.escape_ascii().to_string();
        said.push(match (text.is_empty(), closed) {
            (true, true) => "closed".to_owned(),
            (true, false) => "-".to_owned(),
            (false, true) => format!("{text} closed"),
            (false, false) => text,
        });
        if closed {
            break;
        }
    }
    said.join(" / ")
}

#[test]
fn transports_are_opened_and_closed_as_by_mosquitto_2_1() {
    let mut heard = said(SILENCE, start_ours);
    if !answers::unlike("transports.tsv", heard.clone()).is_empty() {
        heard = said(LONG_SILENCE, start_ours);
    }
    answers::check_said("transports.tsv", heard);
}

#[test]
#[ignore = "needs a Mosquitto 2.1, named by MOSKIT_MOSQUITTO"]
fn the_answers_of_transports_are_those_of_mosquitto_2_1() {
    let start = |folder: &Path, configuration: &str, _| Mosquitto::start(folder, configuration).unwrap();
    answers::verify_said("transports.tsv", said(SILENCE, start));
}
