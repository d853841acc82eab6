//! Proxies, WebSocket servers and brokers that answer nonsense, stage by stage: each row one clear
//! error, its exit code, and an end.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;

use crate::beside::ours;
use crate::peers::stub;
use crate::run::{Ended, called_as, moskit, run};
use crate::stub::{CONNECT, PUBLISH, PUBREL, SUBSCRIBE, last, on};

/// Answers each read with the next reply and hangs up after the last. `KEY` in a reply is the accept
/// hash of the `WebSocket` key that was asked with. Gives back what it was sent last.
fn serve(replies: Vec<Vec<u8>>) -> (u16, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut buffer = vec![0; 4096];
        let mut count = stream.read(&mut buffer).unwrap();
        let last = replies.len();
        for (number, reply) in (1..).zip(replies) {
            let reply = with_accept(reply, &buffer[..count]);
            stream.write_all(&reply).unwrap();
            if number == last {
                let _ = stream.shutdown(std::net::Shutdown::Write);
            }
            count = stream.read(&mut buffer).unwrap_or(0);
            if count == 0 {
                break;
            }
        }
        buffer.truncate(count);
        buffer
    });
    (port, thread)
}

/// A reply with the accept hash of the `WebSocket` key that was asked with, in the place of `KEY`.
pub fn with_accept(reply: Vec<u8>, request: &[u8]) -> Vec<u8> {
    let Some(at) = memchr::memmem::find(&reply, b"KEY") else { return reply };
    let request = String::from_utf8_lossy(request);
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    let hashed = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes());
    let accept = base64::engine::general_purpose::STANDARD.encode(hashed);
    [&reply[..at], accept.as_bytes(), &reply[at + 3..]].concat()
}

/// One line as Mosquitto's, then one cause; the code; nothing else.
fn assert_told(ended: &Ended, line: &str, code: u8, row: &str) {
    let mut lines = ended.stderr.lines();
    assert_eq!(lines.next(), Some(line), "{row}: {ended:?}");
    assert!(lines.next().is_some_and(|cause| cause.starts_with("cause: ")), "{row}: {ended:?}");
    assert!(lines.all(|hint| hint.starts_with("hint: ")), "{row}: {ended:?}");
    assert_eq!((ended.stdout.as_str(), ended.code), ("", i32::from(code)), "{row}");
}

/// Who logs in, what the proxy answers, and how it is told.
type ProxyRow = (&'static str, Vec<Vec<u8>>, Told);
/// The line and the exit code.
type Told = (&'static str, u8);

const PROXY: Told = ("Error: Proxy error", 16);
const NOT_ALLOWED: Told = ("Error: Authorisation failed", 11);
const NOT_CONNECTED: Told = ("Error: The client is not currently connected", 4);

#[test]
fn a_proxy_that_answers_nonsense_is_told_at_every_stage() {
    let reply = |code: u8| vec![b"\x05\x00".to_vec(), vec![5, code, 0, 1, 0, 0, 0, 0, 0, 0]];
    let rows: Vec<ProxyRow> = vec![
        ("", vec![], PROXY),
        ("", vec![b"\x05".to_vec()], PROXY),
        ("", vec![b"\x05\xff".to_vec()], NOT_ALLOWED),
        ("", vec![b"\x04\x00".to_vec()], PROXY),
        ("", vec![b"\x05\x02".to_vec()], PROXY),
        ("", vec![b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()], PROXY),
        ("", vec![b"\x05\x00".to_vec()], PROXY),
        ("", vec![b"\x05\x00".to_vec(), b"\x05\x00\x00".to_vec()], PROXY),
        ("", vec![b"\x05\x00".to_vec(), b"\x04\x00\x00\x01\0\0\0\0\0\0".to_vec()], PROXY),
        ("", vec![b"\x05\x00".to_vec(), b"\x05\x00\x00\x09\0\0\0\0\0\0".to_vec()], PROXY),
        ("", vec![b"\x05\x00".to_vec(), b"\x05\x00\x00\x03\xffshort".to_vec()], PROXY),
        ("", reply(1), PROXY),
        ("", reply(2), NOT_ALLOWED),
        ("", reply(3), NOT_CONNECTED),
        ("", reply(4), NOT_CONNECTED),
        ("", reply(5), NOT_CONNECTED),
        ("", reply(6), PROXY),
        ("", reply(7), PROXY),
        ("", reply(8), PROXY),
        ("", reply(9), ("Error: Invalid input", 3)),
        ("", reply(255), ("Error: Invalid input", 3)),
        ("u:p@", vec![b"\x05\x02".to_vec()], PROXY),
        ("u:p@", vec![b"\x05\x02".to_vec(), b"\x01\x01".to_vec()], PROXY),
        ("u:p@", vec![b"\x05\x02".to_vec(), b"\x05\x00".to_vec()], PROXY),
        ("u@", vec![b"\x05\x02".to_vec(), b"\x01\xff".to_vec()], PROXY),
    ];
    for (login, replies, (line, code)) in rows {
        let row = format!("{login}{replies:x?}");
        let (port, server) = serve(replies);
        let proxy = format!("socks5h://{login}127.0.0.1:{port}");
        let words = ["-h", "broker.example", "-p", "1883", "-t", "a", "-m", "x", "--proxy", &proxy];
        assert_told(&run(&mut called_as("mosquitto_pub", &words), b""), line, code, &row);
        server.join().unwrap();
    }
}

/// 2.1.2 leaves the properties of CONNECT out when it goes through a proxy.
#[test]
fn through_a_proxy_connect_keeps_its_properties() {
    let replies = vec![b"\x05\x00".to_vec(), b"\x05\x00\x00\x03\x04name\0\0".to_vec()];
    let (port, server) = serve(replies);
    let proxy = format!("socks5h://127.0.0.1:{port}");
    let words = ["-h", "b", "-p", "1883", "-t", "a", "-m", "x", "-i", "me", "-x", "16", "--proxy", &proxy];
    let ended = run(&mut called_as("mosquitto_pub", &words), b"");
    assert_eq!(ended.code, 7, "{ended:?}");
    assert_eq!(server.join().unwrap(), b"\x10\x17\0\x04MQTT\x05\x02\0\x3c\x08\x11\0\0\0\x10\x21\0\x14\0\x02me");
}

const UNKNOWN: Told = ("Error: Unknown error", 13);
const LOST: Told = ("Error: The connection was lost", 7);
const UPGRADE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Accept: KEY\r\n\r\n";

fn over_websocket(replies: Vec<Vec<u8>>, line: &str, code: u8) {
    let row = replies.iter().map(|reply| reply.escape_ascii().to_string()).collect::<Vec<_>>().join(" | ");
    let (port, server) = serve(replies);
    let words = ["-h", "127.0.0.1", "-p", &port.to_string(), "-t", "a", "-m", "x", "-q", "1", "--ws"];
    assert_told(&run(&mut called_as("mosquitto_pub", &words), b""), line, code, &row);
    server.join().unwrap();
}

#[test]
fn a_websocket_server_that_answers_nonsense_is_told_at_every_stage() {
    let without = |field: &str| {
        UPGRADE.split_inclusive("\r\n").filter(|line| !line.starts_with(field)).collect::<String>().into_bytes()
    };
    over_websocket(vec![], LOST.0, LOST.1);
    over_websocket(vec![b"HTTP/1.1 101 Swi".to_vec()], LOST.0, LOST.1);
    for answer in [
        b"nonsense\r\n\r\n".to_vec(),
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n".to_vec(),
        without("Upgrade"),
        without("Connection"),
        without("Sec-WebSocket-Protocol"),
        without("Sec-WebSocket-Accept"),
        UPGRADE.replace("KEY", "c29tZXRoaW5nIGVsc2U=").into_bytes(),
        UPGRADE.replace("mqtt", "chat").into_bytes(),
        [b"HTTP/1.1 101 Switching Protocols\r\nX: ".to_vec(), vec![b'x'; 5000]].concat(),
    ] {
        over_websocket(vec![answer], UNKNOWN.0, UNKNOWN.1);
    }
}

/// 2.1.2 leaves the properties of CONNECT out over WebSockets.
#[test]
fn over_websockets_connect_keeps_its_properties() {
    let (port, server) = serve(vec![UPGRADE.as_bytes().to_vec()]);
    let words = ["-h", "127.0.0.1", "-p", &port.to_string(), "-t", "a", "-m", "x", "-i", "me", "-x", "16", "--ws"];
    let ended = run(&mut called_as("mosquitto_pub", &words), b"");
    assert_eq!(ended.code, 7, "{ended:?}");
    let mut frame = server.join().unwrap();
    assert_eq!(frame[0], 0x82);
    // What the client sent when the connection was lost may follow in the same read.
    frame.truncate(6 + usize::from(frame[1] & 0x7F));
    let connect: Vec<u8> = frame[6..].iter().zip(frame[2..6].iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    assert_eq!(connect, b"\x10\x17\0\x04MQTT\x05\x02\0\x3c\x08\x11\0\0\0\x10\x21\0\x14\0\x02me");
}

#[test]
fn nonsense_inside_a_websocket_is_told() {
    let frames = |bytes: &[u8]| vec![UPGRADE.as_bytes().to_vec(), bytes.to_vec()];
    // Hanging up, with and without a close frame, and in the middle of one.
    for bytes in [&b"\x88\x02\x03\xe8"[..], b"\x88\0", b"\x82\x7e", b"\x82\x04\x20"] {
        over_websocket(frames(bytes), LOST.0, LOST.1);
    }
    // Masked by a server, reserved bits, an unknown opcode, a fragmented ping, more than 63 bits of length.
    for bytes in [
        &b"\x82\x84\0\0\0\0\x20\x02\0\0"[..],
        b"\xf2\x04\x20\x02\0\0",
        b"\x83\0",
        b"\x09\0",
        b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        over_websocket(frames(bytes), "Error: Protocol error", 14);
    }
}

/// A server that opens a WebSocket for each connection, says `words` in it when it has been asked something, and no more.
fn websockets_that_say(words: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut buffer = vec![0; 4096];
                let Ok(count) = stream.read(&mut buffer) else { return };
                if buffer[..count].starts_with(b"GET ") {
                    let _ = stream.write_all(&with_accept(UPGRADE.as_bytes().to_vec(), &buffer[..count]));
                    let _ = stream.read(&mut buffer).and_then(|_| stream.write_all(words));
                }
                while matches!(stream.read(&mut buffer), Ok(1..)) {}
            });
        }
    });
    port
}

#[test]
fn a_server_that_opens_a_websocket_and_speaks_no_mqtt_in_it_is_told_as_that() {
    for (words, id, said) in [
        (&b"\x82\x05hello"[..], "[proto.not-mqtt]", "opens a WebSocket and does not speak MQTT in it"),
        (b"", "[proto.silent]", "accepts the connection and then says nothing for 1 s"),
        (b"\x81\x05hello", "[net.lost]", "the connection to 127.0.0.1:"),
    ] {
        let port = websockets_that_say(words).to_string();
        let ended = run(&mut moskit(&["check", "-h", "127.0.0.1", "-p", &port, "--ws", "--timeout", "1"]), b"");
        assert_eq!(ended.code, 1, "{words:?}: {ended:?}");
        let shown = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(id) && shown.contains(said), "{words:?}: {ended:?}");
        assert!(!ended.stdout.contains("add --ws,"), "{words:?}: {ended:?}");
    }
    // A text is none of MQTT's frames (MQTT 5, 6), and not the broker hanging up.
    let port = websockets_that_say(b"\x81\x05hello").to_string();
    let ended = run(&mut moskit(&["pub", "-t", "a", "-n", "-h", "127.0.0.1", "-p", &port, "--ws"]), b"");
    assert!(ended.stderr.contains("[net.lost]") && !ended.stderr.contains("login"), "{ended:?}");
}

#[test]
fn a_web_server_in_place_of_a_proxy_is_named() {
    let (port, server) = serve(vec![b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), b"<html>".to_vec()]);
    let proxy = format!("http://127.0.0.1:{port}");
    let ended = run(&mut moskit(&["pub", "-t", "a", "-n", "-h", "broker.example", "--proxy", &proxy]), b"");
    server.join().unwrap();
    let said = format!("speaks HTTP, and not plain MQTT, by way of the proxy {proxy}");
    assert!(ended.code == 2 && ended.stderr.contains(&said), "{ended:?}");
}

#[test]
fn a_broker_that_answers_nonsense_is_told_at_every_stage() {
    const PROTOCOL: Told = ("Error: A network protocol error occurred when communicating with the broker", 2);
    const MALFORMED: Told = ("Error: Malformed packet", 21);
    let rows: &[(&str, u8, &[u8], Told)] = &[
        // In place of CONNACK: another packet, no packet, text of other protocols, too short, too long.
        ("mosquitto_pub -t a -m x", CONNECT, b"\x90\x03\0\x01\0", PROTOCOL),
        ("mosquitto_pub -t a -m x", CONNECT, b"\x30\x03\0\x01a", PROTOCOL),
        ("mosquitto_pub -t a -m x", CONNECT, b"\0\0", PROTOCOL),
        ("mosquitto_pub -t a -m x", CONNECT, b"\x20\0", MALFORMED),
        ("mosquitto_pub -t a -m x", CONNECT, b"\x20\xff\xff\xff\xff\x01", MALFORMED),
        ("mosquitto_rr -t a -e b -m x", CONNECT, b"\x20\x02\0\0", MALFORMED),
        ("mosquitto_pub -t a -l", CONNECT, b"\x20\0", MALFORMED),
        // In place of PUBACK and PUBREC.
        ("mosquitto_pub -t a -m x -q 1", PUBLISH, b"\x40\x01\0", MALFORMED),
        ("mosquitto_pub -t a -m x -q 1", PUBLISH, b"\x40\x02\0\0", PROTOCOL),
        ("mosquitto_pub -t a -m x -q 1", PUBLISH, b"\xe0\0", PROTOCOL),
        ("mosquitto_pub -t a -m x -q 1", PUBLISH, b"\x10\0", PROTOCOL),
        ("mosquitto_pub -t a -m x -q 1 -V 5", PUBLISH, b"\x40\x05\0\x01\0\x7f\0", MALFORMED),
        ("mosquitto_pub -t a -m x -q 2", PUBREL, b"\x70\0", MALFORMED),
        ("mosquitto_pub -t a -m x -q 2 -V 5", PUBREL, b"\x70\x03\0\x01\x83", PROTOCOL),
        // In place of SUBACK, and messages that are none.
        ("mosquitto_sub -t a", SUBSCRIBE, b"\x82\0", PROTOCOL),
        ("mosquitto_rr -t a -e b -m x", SUBSCRIBE, b"\x90\0", MALFORMED),
        ("mosquitto_rr -t a -e b -m x", SUBSCRIBE, b"\x90\x04\0\x01\x7f\0", MALFORMED),
        ("mosquitto_rr -t a -e b -m x", PUBLISH, b"\x30\x01\0", MALFORMED),
        ("mosquitto_rr -t a -e b -m x", PUBLISH, b"\x36\x05\0\x01b\0\x01", PROTOCOL),
        ("mosquitto_rr -t a -e b -m x", PUBLISH, b"\x30\x04\0\x01\xff\0", MALFORMED),
    ];
    for (row, stage, bytes, (line, code)) in rows {
        let (_, ended) = ours(row, &[on(*stage, bytes)], b"");
        assert_told(&ended, line, *code, &format!("{row} {bytes:x?}"));
    }
}

#[test]
fn another_protocol_is_told_by_what_it_says() {
    for (bytes, id) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "proto.ws-vs-mqtt"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "proto.not-mqtt"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "tls.plain-to-tls"),
    ] {
        let (_, ended) = ours("mosquitto_pub -t a -m x", &[last(CONNECT, bytes)], b"");
        assert!(ended.stderr.contains(&format!("[{id}")), "{}", ended.stderr);
        assert!(ended.stdout.is_empty() && ended.code != 0, "{ended:?}");
    }
}

/// Mosquitto 2.1.2 does so over WebSockets. By then all is said.
#[test]
fn what_comes_behind_the_end_of_a_tls_session_is_nothing_to_us() {
    let folder = tempfile::tempdir().unwrap();
    crate::check_files::write_kind("none", folder.path());
    let port = crate::peers::one_who_ends_in_clear(folder.path()).to_string();
    let place = ["pub", "-h", "localhost", "-p", &port, "--cafile", "ca.crt", "-t", "t", "-m", "m", "-q", "1"];
    let ended = run(moskit(&place).current_dir(folder.path()), b"");
    assert!(ended.code == 0 && ended.stderr.is_empty(), "{ended:?}");
}

/// A server that greets each connection, if it has a `greeting`, and answers whatever it is asked: HTTP requests with `to_http`,
/// if that is something, and else with `answer`.
fn service(greeting: &'static [u8], to_http: &'static [u8], answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut buffer = vec![0; 4096];
                let _ = stream.write_all(greeting);
                let Ok(count) = stream.read(&mut buffer) else { return };
                let is_http = buffer[..count].starts_with(b"GET ") && !to_http.is_empty();
                let _ = stream.write_all(if is_http { to_http } else { answer });
                // As servers do that have said all.
                let _ = stream.shutdown(std::net::Shutdown::Write);
                while matches!(stream.read(&mut buffer), Ok(1..)) {}
            });
        }
    });
    port
}

#[test]
fn a_service_that_is_no_broker_is_named_by_what_it_says_first_with_tls_and_without() {
    const NOT_FOUND: &[u8] = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    for (greeting, to_http, answer, said) in [
        (&b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"[..], &b""[..], &b""[..], "speaks SSH, and not MQTT"),
        // "2" is a PUBLISH of so many bytes that the greeting and the answer are less, or more.
        (
            b"220 mail.lan ESMTP Postfix\r\n",
            b"",
            b"502 5.5.2 Error: command not recognized\r\n",
            "speaks SMTP, and not MQTT",
        ),
        // "2" is a PUBLISH of 50, and this is one whole.
        (b"220 mmmmmmmmmmmmmmmmmmmmm.example.com ESMTP Postfix\r\n", b"", b"", "speaks SMTP, and not MQTT"),
        (b"220 (vsFTPd 3.0.3)\r\n", b"", b"500 OOPS\r\n", "speaks FTP, and not MQTT"),
        (b"", b"", b"-ERR unknown command\r\n", "speaks the protocol of Redis, and not MQTT"),
        (b"", NOT_FOUND, b"HTTP/1.1 400 Bad Request\r\n\r\n", "speaks HTTP and offers no MQTT at /mqtt (status 404)"),
        // A page without a head, as some answer what is no request.
        (
            b"",
            NOT_FOUND,
            b"<!DOCTYPE HTML>\n<html lang=\"en\">\n",
            "speaks HTTP and offers no MQTT at /mqtt (status 404)",
        ),
        (b"", b"", b"hello, who is there?\r\n", "does not speak MQTT"),
    ] {
        let port = service(greeting, to_http, answer);
        for scheme in ["mqtt", "mqtts"] {
            let url = format!("{scheme}://127.0.0.1:{port}/t");
            let place = &url[..url.len() - 2];
            let bounds = ["--answer-timeout", "3", "--connect-timeout", "3"];
            for words in [
                [&["pub", "-L", &url, "-n"][..], &bounds].concat(),
                [&["sub", "-L", &url, "-C", "1", "--no-reconnect"][..], &bounds].concat(),
                vec!["check", "-L", place, "--timeout", "2"],
            ] {
                let ended = run(&mut moskit(&words), b"");
                let text = format!("{} {}", ended.stdout, ended.stderr);
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(ended.code != 0 && text.contains(said), "{words:?}: {ended:?}");
                // Nothing that would help with a broker alone, or that a broker did.
                assert!(!text.contains("8883") && !text.contains("let us in"), "{words:?}: {ended:?}");
            }
        }
    }
}

#[test]
fn a_web_server_that_waits_for_the_end_of_a_line_is_named_by_pub() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut buffer = vec![0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    if buffer[..count].contains(&b'\n') {
                        let _ = stream.write_all(b"HTTP/1.0 404 Not Found\r\n\r\n");
                        return;
                    }
                }
            });
        }
    });
    let port = port.to_string();
    let ended =
        run(&mut moskit(&["pub", "-h", "127.0.0.1", "-p", &port, "-t", "t", "-n", "--answer-timeout", "0.5"]), b"");
    let said = "answers HTTP (status 404), and did not answer CONNECT in time [proto.silent]";
    assert!(ended.code == 27 && ended.stderr.contains(said), "{ended:?}");
}

#[test]
fn an_answer_that_has_begun_is_not_taken_for_another_protocol() {
    // The length of a CONNACK and less than that many bytes: the broker ended, or the connection was cut.
    for answer in [&b"\x20"[..], b"\x20\x02", b"\x20\x02\0", b"\x20\x13\0\0\x10"] {
        let port = service(b"", b"", answer).to_string();
        for words in [vec!["pub", "-p", &port, "-t", "t", "-n"], vec!["check", "-p", &port, "--timeout", "2"]] {
            let ended = run(&mut moskit(&[&words[..], &["-h", "127.0.0.1"]].concat()), b"");
            let text = format!("{} {}", ended.stdout, ended.stderr);
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(ended.code != 0 && text.contains("in the middle of its answer to CONNECT"), "{words:?}: {ended:?}");
            assert!(!text.contains("not speak MQTT"), "{words:?}: {ended:?}");
        }
    }
    // Whole, with flags that there are not.
    let port = service(b"", b"", b"\x20\x02\x02\0").to_string();
    let ended = run(&mut moskit(&["check", "-h", "127.0.0.1", "-p", &port, "--timeout", "2"]), b"");
    assert!(ended.code != 0 && ended.stdout.contains("[proto.garbage]"), "{ended:?}");
    assert!(!ended.stdout.contains("without an answer"), "{ended:?}");
}

#[test]
fn a_peer_that_speaks_mqtt_before_its_turn_is_told_as_that() {
    let violation = |packet: &str| format!("broke the protocol: it sent {packet} before it accepted the connection");
    let announced = "announces a packet of 268435460 bytes, and 1048576 are taken at most";
    for (answer, said, id) in [
        (&b"\xd0\0"[..], violation("PINGRESP"), "[proto.violation]"),
        (b"\x40\x02\0\x01", violation("PUBACK"), "[proto.violation]"),
        (b"\x30\x05\0\x01ahi", violation("PUBLISH"), "[proto.violation]"),
        // A message that goes on.
        (b"\x30\xff\x7f\0\x01ahi", violation("PUBLISH"), "[proto.violation]"),
        (b"\x20\xff\xff\xff\x7f", announced.to_owned(), "[proto.oversize]"),
    ] {
        let address = stub(move |mut stream| {
            let _ = stream.read(&mut [0; 512]);
            // Again and again, until the other side has enough.
            while stream.write_all(answer).is_ok() && matches!(stream.read(&mut [0; 512]), Ok(1..)) {}
        });
        let (host, port) = address.split_once(':').unwrap();
        for words in [
            &["pub", "-t", "t", "-n", "-V", "311"][..],
            &["sub", "-t", "t", "-E", "--no-reconnect"],
            &["rr", "-t", "t", "-e", "u", "-n"],
            &["check", "--timeout", "5"],
            &["qshape", "purge", "client", "--yes", "--force", "--timeout", "5"],
        ] {
            // Its time for all of it is over before the message is whole.
            if words[0] == "qshape" && answer.contains(&0x7f) && id == "[proto.violation]" {
                continue;
            }
            let ended = run(&mut moskit(&[words, &["-h", host, "-p", port]].concat()), b"");
            let text = format!("{} {}", ended.stdout, ended.stderr);
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(ended.code != 0 && text.contains(&said) && text.contains(id), "{words:?}: {ended:?}");
        }
    }
}

/// A server that answers each connection by the first bytes that it reads, and keeps it open.
fn by_what_is_asked(answer: fn(&[u8]) -> &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut buffer = vec![0; 4096];
                let Ok(count) = stream.read(&mut buffer) else { return };
                let _ = stream.write_all(answer(&buffer[..count]));
                while matches!(stream.read(&mut buffer), Ok(1..)) {}
            });
        }
    });
    port
}

#[test]
fn a_broker_without_time_to_answer_is_called_nothing_else() {
    let begun = |_: &[u8]| -> &'static [u8] { b"\x20\x02" };
    let beside_http = |asked: &[u8]| -> &'static [u8] {
        if asked.starts_with(b"GET ") { b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" } else { b"" }
    };
    for (port, said) in [
        (by_what_is_asked(begun), "began to answer CONNECT, and the rest did not come within 1 s"),
        (by_what_is_asked(beside_http), "answers HTTP (status 404), and did not answer CONNECT in time"),
    ] {
        let port = port.to_string();
        let ended = run(&mut moskit(&["check", "-h", "127.0.0.1", "-p", &port, "--timeout", "1"]), b"");
        let shown = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(ended.code != 0 && shown.contains(said) && shown.contains("[proto.silent]"), "{ended:?}");
        assert!(!shown.contains("speak MQTT") && !shown.contains("offers no MQTT"), "{ended:?}");
    }
}

/// As nginx does at a port of HTTPS.
#[test]
fn a_web_server_that_is_asked_in_clear_for_https_is_known_for_tls() {
    let port = by_what_is_asked(|asked| {
        // A ClientHello, and the alert that says that the handshake failed.
        if asked.starts_with(b"\x16\x03") { b"\x15\x03\x03\0\x02\x02\x28" } else { b"HTTP/1.1 400 Bad Request\r\n\r\n" }
    });
    let port = port.to_string();
    for words in [vec!["pub", "-p", &port, "-t", "t", "-n"], vec!["check", "-p", &port, "--timeout", "2"]] {
        for ws in [&[][..], &["--ws"]] {
            let ended = run(&mut moskit(&[&words[..], ws, &["-h", "127.0.0.1"]].concat()), b"");
            let text = format!("{} {}", ended.stdout, ended.stderr);
            let shown = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(ended.code != 0 && shown.contains("speaks TLS, and we did not"), "{words:?} {ws:?}: {ended:?}");
            assert!(!shown.contains("no MQTT"), "{words:?}: {ended:?}");
        }
    }
}
