//! "Reported by" in moskit-findings(7), both ways: who reports a finding is named there, and who is named has been seen.
//!
//! What can be provoked is, by every verb that may meet it; what is not is listed with the reason. pub, sub and rr are one
//! conversation (`cmd::clients::conversation`), so one of them in turn plays each scene, and speaks for all three.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use moskit::diagnose::catalogue::findings;
use moskit::pki::make::BROKEN_KINDS;
use regex_lite::Regex;

use crate::broker_verb::Broker;
use crate::check_files::{write_broken, write_kind};
use crate::mosquitto::free_port;
use crate::peers::{s_server, stub};
use crate::run::{moskit, run};

/// Those of one conversation, each with what it needs beside the place.
const CLIENTS: [(&str, &str); 3] = [
    ("pub", "pub -t a -m x -q 1 --connect-timeout 1 --answer-timeout 0.5"),
    ("sub", "sub -t a -E --no-reconnect --connect-timeout 1 --answer-timeout 0.5"),
    ("rr", "rr -t a -e b -m x -W 2 --connect-timeout 1 --answer-timeout 0.5"),
];

/// The others that connect.
const OTHERS: [(&str, &str); 2] =
    [("qshape", "qshape purge client --yes --force --timeout 1"), ("check", "check -t a --timeout 1")];

/// The ids that no scene here provokes, with what does, or why nothing can.
const NOT_PROVOKED: &[(&str, &str)] = &[
    ("auth.again", "scram.rs: a_broker_that_takes_no_second_login_is_left_with_one_error"),
    ("auth.scram-credentials", "a word of the command line that is no UTF-8; src/diagnose/scram.rs"),
    ("auth.scram-exchange", "scram.rs: a_server_that_lies_is_left_with_one_error_and_told_nothing"),
    ("auth.scram-iterations", "scram.rs: a_server_that_lies_is_left_with_one_error_and_told_nothing"),
    ("auth.scram-nonce", "scram.rs: a_server_that_lies_is_left_with_one_error_and_told_nothing"),
    ("auth.scram-signature", "scram.rs: a_server_that_lies_is_left_with_one_error_and_told_nothing"),
    ("ca.not-root", "a CA file without its root; src/diagnose/chain.rs"),
    ("ca.not-yet-valid", "as ca.expired"),
    ("cert.bad-signature", "verify.rs has the chain; all ask pki::chain"),
    ("cert.critical-extension", "verify.rs has the chain; all ask pki::chain"),
    ("cert.malformed", "no server of others shows one; src/net/tls/failure.rs"),
    ("cert.strict", "lint: one_judge.rs, OF_ONE"),
    ("cert.unsupported-algorithm", "verify.rs has the chain; all ask pki::chain"),
    ("cert.unsupported-key", "one_judge.rs, OF_ONE"),
    ("chain.missing-intermediate", "certgen_judge.rs, check_causes.rs"),
    ("chain.order", "the clients: s_server does not start with such a file"),
    ("chain.path-length", "verify.rs has the chain; all ask pki::chain"),
    ("client.eku", "qshape: an alert within the handshake of TLS 1.2, as client.ca-unknown"),
    ("client.expired", "qshape: an alert within the handshake of TLS 1.2, as client.ca-unknown"),
    ("client.refused", "an alert of TLS that OpenSSL and rustls do not send; src/diagnose/tls.rs"),
    ("client.revoked", "qshape: an alert within the handshake of TLS 1.2, as client.ca-unknown"),
    ("crl.expired", "the clients: Mosquitto's alert; check_online.rs"),
    ("crl.not-yet-valid", "revoked.rs"),
    ("file.unreadable", "root reads everything; check_files.rs asks as another user"),
    ("keepalive", "takes two keep-alive times of five seconds; check_causes.rs"),
    ("key.permission", "root reads everything; check_files.rs asks as another user"),
    ("net.loopback-only", "needs an address of this machine that is not 127.0.0.1; check_causes.rs"),
    ("net.lost", "needs a reset; nonsense.rs"),
    ("net.timeout", "check, qshape: needs a host that is silent; bounds.rs"),
    ("proto.property", "needs a broker that takes no properties; src/cmd/clients/ending.rs"),
    ("proxy.timeout", "qshape: its --timeout ends before the proxy's; proxies.rs"),
    ("psk.unknown-identity", "builds with the feature psk; psk.rs"),
    ("psk.wrong-key", "builds with the feature psk; psk.rs"),
    ("tls.name", "needs a name that the system resolves and TLS has not; src/diagnose/tls.rs"),
    ("tls.timeout", "check: needs a port that is silent once only; bounds.rs has the clients"),
    ("ws.handshake", "src/diagnose/ways.rs"),
    ("ws.path", "web_server.rs"),
];

/// Who reported what.
#[derive(Default)]
struct Seen {
    by: Mutex<BTreeMap<String, BTreeSet<&'static str>>>,
    scenes: AtomicUsize,
}

impl Seen {
    fn note(&self, verb: &'static str, words: &[&str], folder: &Path, variables: &[(&str, &str)]) {
        let mut command = moskit(words);
        command.current_dir(folder).envs(variables.iter().copied());
        let ended = run(&mut command, b"");
        let id = Regex::new(r"\[([a-z]+(?:\.[a-z0-9-]+)?)\]").unwrap();
        for found in id.captures_iter(&format!("{}{}", ended.stdout, ended.stderr)) {
            if findings().any(|entry| entry.id == &found[1]) {
                self.by.lock().unwrap().entry(found[1].to_owned()).or_default().insert(verb);
            }
        }
    }

    /// Every verb that connects, at the same place.
    fn live(&self, place: &str, folder: &Path) {
        let turn = self.scenes.fetch_add(1, Ordering::Relaxed);
        thread::scope(|scope| {
            for (verb, words) in [CLIENTS[turn % CLIENTS.len()]].into_iter().chain(OTHERS) {
                scope.spawn(move || {
                    let line = format!("{words} {place}");
                    self.note(verb, &line.split(' ').collect::<Vec<_>>(), folder, &[]);
                });
            }
        });
    }

    fn one(&self, verb: &'static str, line: &str, folder: &Path) {
        self.note(verb, &line.split(' ').collect::<Vec<_>>(), folder, &[]);
    }
}

/// Answers the first bytes of each connection, and hangs up once it is asked again.
fn answering(answer: &'static [u8]) -> String {
    at(&stub(move |mut stream| {
        let mut bytes = [0; 2048];
        let _ = stream.read(&mut bytes);
        let _ = stream.write_all(answer);
        while matches!(stream.read(&mut bytes), Ok(1..)) {}
    }))
}

/// `-h HOST -p PORT`
fn at(address: &str) -> String {
    let (host, port) = address.rsplit_once(':').unwrap();
    format!("-h {host} -p {port}")
}

fn unreachable_and_silent(seen: &Seen, folder: &Path) {
    seen.live(&format!("-h 127.0.0.1 -p {}", free_port()), folder);
    seen.live("-h nosuch.invalid", folder);
    seen.live("-h fe80::1%nosuch0", folder);
    seen.live("--unix nosuch.sock", folder);
    seen.live("-A 192.0.2.1 -h 127.0.0.1", folder);
    seen.live("-h 255.255.255.255", folder);
    // Nobody accepts: the queue of a listener that is full, or a peer that says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    for more in ["", " --cafile ca.crt", " --ws", " --ws --cafile ca.crt"] {
        seen.live(&format!("-h 127.0.0.1 -p {port}{more}"), folder);
    }
    seen.live("-h 10.255.255.1", folder);
    for more in ["--psk 00 --psk-identity x", "--tls-engine x", "--tls-version tlsv1.1", "--ciphers nonsense"] {
        seen.live(&format!("-h 127.0.0.1 -p {port} {more}"), folder);
    }
    seen.live(&format!("-h 127.0.0.1 -p {port} --cert client.crt --key client.key"), folder);
}

fn strange_answers(seen: &Seen, folder: &Path) {
    let http: &[u8] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    for (answer, more) in [
        (http, ""),
        (b"", ""),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", ""),
        (b"\x15\x03\x01\x00\x02\x02\x0a", ""),
        (b"\xf0\x00\xff\xff", ""),
        (b"\x20\x02\x00\x05", " -V mqttv311"),
        (b"\x20\x02\x00\x04", " -V mqttv311 -u ann -P x"),
        (b"\x20\x02\x00\x03", " -V mqttv311"),
        (b"\x20\x02\x00\x02", " -V mqttv311"),
        (b"\x20\x02\x00\x01", " -V mqttv311"),
        (b"\x20\x03\x00\x87\x00", " -V mqttv5"),
        (b"\x20\x03\x00\x8c\x00", " -V mqttv5"),
        (b"\x20\x03\x00\x9c\x00", " -V mqttv5"),
        (b"\x20\x02\xff\xff", ""),
        (b"\x20\x02\x00\x01", " -V mqttv5"),
        (b"\x30\x05\x00\x01aXX", ""),
        (b"\x20\xff\xff\xff\x7f", ""),
        // HTTP/2, whose first byte no packet has: qshape need not wait for the rest of one.
        (b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80", ""),
        (http, " --cafile ca.crt"),
        (b"\x15\x03\x03\x00\x02\x02\x28", " --cafile ca.crt"),
        (b"\x15\x03\x03\x00\x02\x02\x46", " --cafile ca.crt"),
        (b"\x15\x03\x03\x00\x02\x02\x78", " --cafile ca.crt --tls-alpn mqtt"),
        (b"\x15\x03\x03\x00\x02\x02\x70", " --cafile ca.crt"),
        (b"\x15\x03\x03\x00\x02\x02\x50", " --cafile ca.crt"),
        (b"\x20\x02\x00\x00", " --cafile ca.crt"),
        (b"\x16\x03\x03\x00\x05nonsense", " --cafile ca.crt"),
        (http, " --ws"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", " --ws"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: no\r\n\r\n", " --ws"),
        (b"\x20\x02\x00\x00", " --ws"),
        (b"", " --ws"),
        (b"", " --cafile ca.crt"),
    ] {
        seen.live(&format!("{}{more}", answering(answer)), folder);
    }
    for (answer, more) in [("", ""), ("", " --cafile ca.crt"), ("\u{16}\u{3}\u{3}", " --cafile ca.crt")] {
        let hangs_up = at(&stub(move |mut stream| {
            let _ = stream.read(&mut [0; 2048]);
            let _ = stream.write_all(answer.as_bytes());
        }));
        seen.live(&format!("{hangs_up}{more}"), folder);
    }
    // No address of TLS is a name.
    seen.live("-h under_score.invalid --cafile ca.crt", folder);
}

/// Token endpoints that grant nothing, and tokens of no use to a broker that lets nobody in.
fn tokens(seen: &Seen, folder: &Path) {
    let refusing = format!("{} -V mqttv5", answering(b"\x20\x03\x00\x87\x00"));
    std::fs::write(folder.join("secret"), "hush\n").unwrap();
    let ask = |url: &str| {
        let grant = format!("--oauth-token-url {url} --oauth-client-id me --oauth-client-secret-file secret");
        seen.live(&format!("{refusing} {grant}"), folder);
    };
    let long = format!("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n{}", "x".repeat(300_000));
    for (scheme, answer) in [
        ("http", &b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"[..]),
        ("http", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 26\r\n\r\n{\"error\":\"invalid_client\"}"),
        ("http", b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"),
        ("http", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
        ("http", b"HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n{\"access_token\":\"abc\",\"token_type\":\"mac\"}"),
        ("http", long.leak().as_bytes()),
        ("https", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    ] {
        let address = answering(answer);
        let (host, port) = address.strip_prefix("-h ").unwrap().split_once(" -p ").unwrap();
        ask(&format!("{scheme}://{host}:{port}/token"));
    }
    ask(&format!("http://127.0.0.1:{}/token", free_port()));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    ask(&format!("http://{}/token", silent.local_addr().unwrap()));
    for (name, header, claims) in [
        ("expired", r#"{"alg":"HS256"}"#, r#"{"exp":1000}"#),
        ("early", r#"{"alg":"HS256"}"#, r#"{"nbf":9999999990,"exp":9999999999}"#),
        ("unsigned", r#"{"alg":"none"}"#, r#"{"exp":9999999999}"#),
        ("malformed", r#"{"alg":"HS256"}"#, "no JSON"),
    ] {
        let token = [header, claims, "x"].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        std::fs::write(folder.join(name), token).unwrap();
        seen.live(&format!("{refusing} -u ann --pw-file {name}"), folder);
    }
}

fn proxies(seen: &Seen, folder: &Path) {
    let place = "-h 192.0.2.7 -p 1883";
    for (scheme, answer) in [
        ("http", &b"HTTP/1.1 403 Forbidden\r\n\r\n"[..]),
        ("http", b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
        ("http", b"HTTP/1.1 502 Bad Gateway\r\n\r\n"),
        ("http", b"HTTP/1.1 500 Internal Server Error\r\n\r\n"),
        ("http", b"\x05\xff"),
        ("https", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        ("socks5h", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        ("socks5h", b"\x05\xff"),
        ("socks5h", b"\x05\x00\x05\x01\x00\x01\x00\x00\x00\x00\x00\x00"),
        ("socks5h", b"\x05\x00\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"),
        ("socks5h", b"\x05\x00\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00"),
        ("socks5h", b"\x05\x00\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"),
    ] {
        let address = answering(answer);
        let (host, port) = address.strip_prefix("-h ").unwrap().split_once(" -p ").unwrap();
        seen.live(&format!("--proxy {scheme}://{host}:{port} {place}"), folder);
    }
    seen.live(&format!("--proxy http://127.0.0.1:{} {place}", free_port()), folder);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    seen.live(&format!("--proxy http://{} {place}", silent.local_addr().unwrap()), folder);
}

/// Brokers that do not take the client, or not what it does, and clients that are wrong by themselves.
fn refusals(seen: &Seen, folder: &Path) {
    let (closed, guarded, small) = (free_port(), free_port(), free_port());
    let tls = "cafile ca.crt\ncertfile server.crt\nkeyfile server.key\n";
    let _broker = Broker::start_with(moskit(&["broker", "-c", "m.conf"]).current_dir(configured(
        folder,
        &format!(
            "per_listener_settings true\nlistener {closed} 127.0.0.1\nallow_anonymous false\n\
             listener {guarded} 127.0.0.1\nallow_anonymous true\n{tls}require_certificate true\n\
             listener {small} 127.0.0.1\nallow_anonymous true\nmax_qos 0\n"
        ),
    )));
    seen.one("certgen lint", "certgen key encrypt client.key -o locked.key --pass-file pass", folder);
    seen.live(&format!("-h 127.0.0.1 -p {closed} -u ann -P x"), folder);
    seen.live(&format!("-h 127.0.0.1 -p {closed} --cafile ca.crt"), folder);
    seen.live(&format!("-h 127.0.0.1 -p {guarded}"), folder);
    let ours = format!("-h localhost -p {guarded} --cafile ca.crt");
    seen.live(&ours, folder);
    for own in [
        "--cert server.crt --key server.key",
        "--cert client.crt --key server.key",
        "--cert client.crt --key locked.key",
        "--cert client.crt --key locked.key --key-pass-file wrong",
        "--cert nowhere.crt --key client.key",
        "--cert client.key --key client.key",
        "--cert damaged --key client.key",
    ] {
        seen.live(&format!("{ours} {own}"), folder);
    }
    seen.live("-h localhost -p 1 --tls-alpn mqtt --tls-use-os-certs --capath nowhere", folder);
    for (verb, words) in CLIENTS.into_iter().chain(OTHERS) {
        let line = format!("{words} -h localhost -p {guarded} --tls-use-os-certs");
        let nowhere = [("SSL_CERT_FILE", "/nonexistent"), ("SSL_CERT_DIR", "/nonexistent")];
        seen.note(verb, &line.split(' ').collect::<Vec<_>>(), folder, &nowhere);
    }
    let demanding = ["-tls1_2", "-Verify", "1", "-verify_return_error", "-CAfile", "ca.crt"];
    if let Some((_server, address)) = s_server(folder, &demanding) {
        let place = format!("-h localhost -p {} --cafile ca.crt", address.rsplit(':').next().unwrap());
        seen.live(&place, folder);
        for (verb, words) in OTHERS.into_iter().chain([CLIENTS[0]]) {
            for kind in ["client.ca-unknown", "client.expired", "client.eku"] {
                let own = tempfile::tempdir().unwrap();
                write_kind(kind, own.path());
                let own = own.path().join("client").display().to_string();
                seen.one(verb, &format!("{words} {place} --cert {own}.crt --key {own}.key"), folder);
            }
        }
    }
    closed_files(seen, folder);
    for line in [
        "certgen lint nowhere.crt",
        "certgen lint wrong",
        "certgen lint damaged",
        "certgen lint weak.key",
        "certgen lint locked.key",
        "certgen lint exposed.key",
        "certgen lint one two",
        "certgen lint soon",
    ] {
        seen.one("certgen lint", line, folder);
    }
    for line in ["check files --cert server.crt --key exposed.key", "check files --cert server.crt --key weak.key"] {
        seen.one("check", line, folder);
    }
    for words in ["--cert client.crt --key weak.key", "--cert client.crt --key wrong"] {
        seen.live(&format!("-h localhost -p 1 --cafile ca.crt {words}"), folder);
    }
    seen.one("check", "check files --cert soon/dev1.crt --key soon/dev1.key --cafile soon/ca.crt", folder);
    seen.one("certgen verify", "certgen verify soon/dev1.crt", folder);
    for (list, purpose) in [("soon/ca.crl", "server"), ("one/ca.crl", "client"), ("soon/ca.crl", "client")] {
        let more = format!("--purpose {purpose} --crl {list}");
        seen.one("check", &format!("check files --cert soon/dev2.crt --cafile soon/ca.crt {more}"), folder);
        seen.one("certgen verify", &format!("certgen verify soon/dev2.crt {more}"), folder);
    }
    let small = format!("-h 127.0.0.1 -p {small}");
    for (verb, words) in [
        ("pub", "pub -t a -m x -q 1 -V mqttv5"),
        ("sub", "sub -t a -E -q 1 -V mqttv5"),
        ("rr", "rr -t a -e b -m x -q 1 -W 2"),
        ("check", "check -t a -q 1"),
    ] {
        seen.one(verb, &format!("{words} {small}"), folder);
        seen.one(verb, &format!("{words} {small} --auth-method SCRAM-SHA-256 -u ann -P x"), folder);
        seen.one(verb, &format!("{words} {small} --auth-method SCRAM-SHA-256 -u \u{7} -P x"), folder);
        seen.one(verb, &format!("{words} -h a.invalid,b.invalid"), folder);
    }
    // CONNACK, and then what a broker may do with a session.
    for answer in [
        &b"\x20\x03\x00\x00\x00"[..],
        b"\x20\x03\x00\x00\x00\xe0\x02\x8e\x00",
        b"\x20\x03\x00\x00\x00\xe0\x02\x80\x00",
        b"\x20\x03\x00\x00\x00\xf0\x02\x18\x00",
        b"\x20\x03\x00\x00\x00\x40\x04\x00\x01\x95\x00",
        b"\x20\x03\x00\x00\x00\x90\x03\x00\x63\x00",
    ] {
        let place = answering(answer);
        let closing = at(&stub(move |mut stream| {
            let mut bytes = [0; 2048];
            let _ = stream.read(&mut bytes);
            let _ = stream.write_all(answer);
            let _ = stream.read(&mut bytes);
        }));
        for place in [place, closing] {
            for (verb, words) in [
                ("pub", "pub -t a -m x -q 1 --answer-timeout 1 -i me"),
                ("sub", "sub -t a --answer-timeout 1 -i me --no-reconnect"),
                ("sub", "sub -t a --answer-timeout 1 -i me --reconnect-wait 0.1 -W 5"),
                ("rr", "rr -t a -e b -m x --answer-timeout 1 -W 5 -i me"),
                ("check", "check -t a --timeout 1 -i me --as-client"),
            ] {
                seen.one(verb, &format!("{words} -V mqttv5 {place}"), folder);
            }
        }
    }
}

/// A store that nobody opens, a path that leads nowhere, and keys beside their certificates in one file.
fn closed_files(seen: &Seen, folder: &Path) {
    let words = "certgen export client.crt --to p12 --stem closed -o . --key-pass-file pass";
    assert_eq!(run(moskit(&words.split(' ').collect::<Vec<_>>()).current_dir(folder), b"").code, 0);
    seen.one("certgen lint", "certgen lint closed.p12", folder);
    std::os::unix::fs::symlink("loop", folder.join("loop")).unwrap();
    std::fs::write(folder.join("loop.conf"), "listener 1883\nlog_dest file loop/log\n").unwrap();
    seen.one("check", "check --config loop.conf", folder);
    for key in ["locked.key", "weak.key"] {
        let both = ["client.crt", key].map(|name| std::fs::read_to_string(folder.join(name)).unwrap()).concat();
        std::fs::write(folder.join("both.pem"), both).unwrap();
        seen.one("certgen verify", "certgen verify both.pem --ca ca.crt", folder);
    }
}

fn configured<'a>(folder: &'a Path, text: &str) -> &'a Path {
    for (name, text) in [("m.conf", text), ("pass", "open sesame\n"), ("wrong", "open\n")] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    for line in [
        "ca Lab --exact-name -o one",
        "ca Lab --exact-name -o two",
        "ca Lab -o soon --backdate 30d",
        "client dev1 -d soon --days 10 --backdate 20d",
        "client dev2 -d soon",
        "revoke dev2 -d soon --crl",
        "crl -d one",
    ] {
        let words: Vec<_> = ["certgen"].into_iter().chain(line.split(' ')).collect();
        assert_eq!(run(moskit(&words).current_dir(folder), b"").code, 0, "{line}");
    }
    std::fs::copy(folder.join("client.key"), folder.join("exposed.key")).unwrap();
    std::fs::set_permissions(folder.join("exposed.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(folder.join("weak.key"), include_str!("../../src/pki/make/weak/rsa1024-server.key")).unwrap();
    std::fs::write(folder.join("damaged"), "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n").unwrap();
    folder
}

/// Certificates of servers, over the wire and in files.
fn broken_sets(seen: &Seen) {
    thread::scope(|scope| {
        for kind in BROKEN_KINDS {
            scope.spawn(|| {
                let folder = tempfile::tempdir().unwrap();
                let folder = folder.path();
                write_broken(*kind, folder);
                let list = if folder.join("crl.pem").exists() { " --crl crl.pem" } else { "" };
                for (cert, purpose) in [("server", "--purpose server --host localhost"), ("client", "--purpose client")]
                {
                    let files = format!("--key {cert}.key {purpose}{list}");
                    seen.one("check", &format!("check files --cafile ca.crt --cert {cert}.crt {files}"), folder);
                    seen.one("certgen verify", &format!("certgen verify {cert}.crt --ca ca.crt {files}"), folder);
                }
                seen.one("certgen verify", "certgen verify server.crt --host 127.0.0.1 --ca ca.crt", folder);
                seen.one("certgen lint", "certgen lint .", folder);
                own_certificate(seen, folder);
                let Some((_server, address)) = s_server_of(folder) else { return };
                let port = address.rsplit(':').next().unwrap();
                for host in ["localhost", "127.0.0.1"] {
                    seen.live(&format!("-h {host} -p {port} --cafile ca.crt"), folder);
                }
            });
        }
    });
}

/// A broker that asks for the client's certificate.
fn own_certificate(seen: &Seen, folder: &Path) {
    let tls =
        "cafile ca.crt\ncertfile server.crt\nkeyfile server.key\nrequire_certificate true\nallow_anonymous true\n";
    let list = if folder.join("crl.pem").exists() { "crlfile crl.pem\n" } else { "" };
    let port = free_port();
    std::fs::write(folder.join("m.conf"), format!("listener {port} 127.0.0.1\n{tls}{list}")).unwrap();
    let started =
        std::panic::catch_unwind(|| Broker::start_with(moskit(&["broker", "-c", "m.conf"]).current_dir(folder)));
    if started.is_ok() {
        seen.live(&format!("-h localhost -p {port} --cafile ca.crt --cert client.crt --key client.key"), folder);
    }
}

/// s_server does not start with a certificate that it cannot read.
fn s_server_of(folder: &Path) -> Option<(crate::peers::Running, String)> {
    std::panic::catch_unwind(|| s_server(folder, &["-cert_chain", "server.crt"])).ok().flatten()
}

#[test]
#[ignore = "a thousand runs of the program: a minute, and more on a machine that has other work"]
fn who_is_named_has_been_seen() {
    let seen = Seen::default();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_kind("none", folder);
    thread::scope(|scope| {
        scope.spawn(|| unreachable_and_silent(&seen, folder));
        scope.spawn(|| strange_answers(&seen, folder));
        scope.spawn(|| proxies(&seen, folder));
        scope.spawn(|| tokens(&seen, folder));
        scope.spawn(|| refusals(&seen, folder));
        scope.spawn(|| broken_sets(&seen));
    });
    let seen = seen.by.into_inner().unwrap();
    let mut wrong = Vec::new();
    for entry in findings() {
        let mut seen = seen.get(entry.id).cloned().unwrap_or_default();
        let named: BTreeSet<_> = entry.by.split(", ").collect();
        let not_named: Vec<_> = seen.difference(&named).collect();
        if !not_named.is_empty() {
            wrong.push(format!("{}: reported by {not_named:?}, who is not named", entry.id));
        }
        let clients = CLIENTS.map(|(verb, _)| verb);
        if clients.iter().all(|verb| named.contains(verb)) && clients.iter().any(|verb| seen.contains(verb)) {
            seen.extend(clients);
        }
        let unseen: Vec<_> = named.difference(&seen).collect();
        let is_listed = NOT_PROVOKED.iter().any(|(id, _)| *id == entry.id);
        // Who alone is named is the one whose code has the id; `manuals` sees to it that somebody has.
        if named.len() > 1 && !unseen.is_empty() && !is_listed {
            wrong.push(format!("{}: not seen {unseen:?}", entry.id));
        }
    }
    let unknown = NOT_PROVOKED.iter().filter(|(id, _)| findings().all(|entry| entry.id != *id));
    wrong.extend(unknown.map(|(id, _)| format!("{id}: listed, and no finding")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
