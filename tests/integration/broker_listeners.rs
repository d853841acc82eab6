//! Listeners as a mosquitto.conf makes them: TLS with its options, websockets, unix sockets; reached by our client
//! and by Debian's.

use std::path::Path;
use std::process::Command;

use crate::broker_verb::{Broker, text};
use crate::keys::openssl;
use crate::mosquitto::{free_port, installed};
use crate::run::{Ended, moskit, run};

/// A CA, a server for this machine and two clients, in `folder`.
fn certificates(folder: &Path) {
    let words = ["certgen", "init", text(folder), "--hosts", "localhost,127.0.0.1", "--clients", "dev1,dev2"];
    let made = run(&mut moskit(&words), b"");
    assert_eq!(made.code, 0, "{made:?}");
}

/// A TLS listener with the certificates of `folder`, and more lines.
fn listener(folder: &Path, port: u16, lines: &str) -> String {
    let folder = folder.display();
    format!(
        "log_timestamp false\nallow_anonymous true\nlistener {port} 127.0.0.1\ncertfile {folder}/server.crt\n\
         keyfile {folder}/server.key\n{lines}"
    )
}

/// Publishes with our client and, where it is installed, with Debian's; their exit codes must agree.
fn publish(folder: &Path, port: u16, words: &[&str]) -> Ended {
    let port = port.to_string();
    let authority = folder.join("ca.crt");
    let common = ["-h", "localhost", "-p", &port, "--cafile", text(&authority), "-t", "t", "-m", "m", "-q", "1"];
    let ours = run(moskit(&["pub"]).args(common).args(words), b"");
    if let Some(program) = installed("mosquitto_pub") {
        let theirs = run(Command::new(program).args(common).args(words), b"");
        assert_eq!(theirs.code == 0, ours.code == 0, "{theirs:?}, {ours:?}");
    }
    ours
}

fn identity(folder: &Path, name: &str) -> [String; 4] {
    let file = |ending: &str| folder.join(format!("{name}.{ending}")).to_str().unwrap().to_owned();
    ["--cert".to_owned(), file("crt"), "--key".to_owned(), file("key")]
}

fn words(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

#[test]
fn a_listener_that_requires_certificates_takes_their_name_for_the_users() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certificates(folder);
    for (option, username) in [("use_identity_as_username", "dev1"), ("use_subject_as_username", "CN=dev1")] {
        let port = free_port();
        let lines = format!("cafile {}/ca.crt\nrequire_certificate true\n{option} true\n", folder.display());
        let broker = Broker::configured(folder, &listener(folder, port, &lines));
        assert_ne!(publish(folder, port, &[]).code, 0, "no certificate is shown");
        let known =
            publish(folder, port, &words(&[&identity(folder, "dev1")[..], &["-i".into(), "c1".into()]].concat()));
        assert_eq!(known.code, 0, "{known:?}");
        let log = broker.end().stderr;
        assert!(log.contains(&format!(" as c1 (p4, c1, k60, u'{username}').")), "{log}");
        assert!(log.contains("Client c1 negotiated TLSv1.3 cipher TLS_"), "{log}");
    }
}

#[test]
fn a_revoked_certificate_is_refused_from_the_reload_on() {
    if installed("openssl").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certificates(folder);
    std::fs::write(folder.join("index.txt"), "").unwrap();
    let settings = "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=9\n";
    std::fs::write(folder.join("ca.cnf"), settings).unwrap();
    let list = || openssl(folder, "ca -config ca.cnf -cert ca.crt -keyfile ca.key -gencrl -out ca.crl");
    list();
    let port = free_port();
    let place = folder.display();
    let lines = format!("cafile {place}/ca.crt\ncrlfile {place}/ca.crl\nrequire_certificate true\n");
    let mut broker = Broker::configured(folder, &listener(folder, port, &lines));
    for name in ["dev1", "dev2"] {
        assert_eq!(publish(folder, port, &words(&identity(folder, name))).code, 0);
    }
    openssl(folder, "ca -config ca.cnf -cert ca.crt -keyfile ca.key -revoke dev1.crt");
    list();
    broker.signal(rustix::process::Signal::HUP);
    broker.wait_for("Reloading config.");
    assert_ne!(publish(folder, port, &words(&identity(folder, "dev1"))).code, 0, "nobody is judged by the old list");
    assert_eq!(publish(folder, port, &words(&identity(folder, "dev2"))).code, 0);
    let log = broker.end().stderr;
    assert!(log.contains("the client's certificate is not accepted"), "{log}");
}

#[test]
fn what_a_listener_was_set_up_with_stays_over_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certificates(folder);
    let port = free_port();
    let lines = format!("cafile {}/ca.crt\nrequire_certificate true\n", folder.display());
    let mut broker = Broker::configured(folder, &listener(folder, port, &lines));
    let dev1 = identity(folder, "dev1");
    assert_eq!(publish(folder, port, &words(&dev1)).code, 0);
    // Names would have to be taken out of certificates from now on; the limit is one that changes.
    let lines = format!("{lines}use_identity_as_username true\nmax_qos 0\n");
    std::fs::write(folder.join("m.conf"), listener(folder, port, &lines)).unwrap();
    broker.signal(rustix::process::Signal::HUP);
    broker.wait_for("Reloading config.");
    assert_ne!(publish(folder, port, &words(&dev1)).code, 0);
    let ended = publish(folder, port, &words(&[&dev1[..], &["-q".into(), "0".into()]].concat()));
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn version_and_ciphers_are_those_of_the_listener() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certificates(folder);
    let port = free_port();
    let broker = Broker::configured(folder, &listener(folder, port, "tls_version tlsv1.3\n"));
    assert_ne!(openssl_client(folder, port, "-tls1_2"), Some(true));
    assert_ne!(openssl_client(folder, port, "-tls1_3"), Some(false));
    drop(broker);
    let port = free_port();
    let lines = "ciphers ECDHE-ECDSA-AES128-GCM-SHA256\nciphers_tls1.3 TLS_AES_128_GCM_SHA256\n";
    let broker = Broker::configured(folder, &listener(folder, port, lines));
    assert_ne!(openssl_client(folder, port, "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384"), Some(true));
    assert_ne!(openssl_client(folder, port, "-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256"), Some(false));
    assert_ne!(openssl_client(folder, port, "-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384"), Some(true));
    assert_eq!(publish(folder, port, &["-i", "c1"]).code, 0);
    let log = broker.end().stderr;
    assert!(log.contains("Client c1 negotiated TLSv1.3 cipher TLS_AES_128_GCM_SHA256\n"), "{log}");
    assert!(log.contains("no TLS in common"), "{log}");
}

/// Whether `openssl s_client` comes to terms with the listener; `None` without openssl.
fn openssl_client(folder: &Path, port: u16, words: &str) -> Option<bool> {
    let mut command = Command::new(installed("openssl")?);
    command.args(["s_client", "-connect", &format!("127.0.0.1:{port}"), "-CAfile"]).arg(folder.join("ca.crt"));
    Some(run(command.args(words.split(' ')), b"").code == 0)
}

#[test]
fn files_that_make_no_tls_end_the_start_in_mosquittos_words() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certificates(folder);
    let place = text(folder);
    std::fs::write(folder.join("broken"), "nothing\n").unwrap();
    for (lines, error) in [
        ("certfile {}/broken\n", "Error: Unable to load server certificate \"{}/broken\". Check certfile.\n"),
        ("keyfile {}/broken\n", "Error: Unable to load server key file \"{}/broken\". Check keyfile.\n"),
        ("keyfile {}/dev1.key\n", "Error: Server certificate/key are inconsistent.\n"),
        (
            "cafile {}/none\nrequire_certificate true\n",
            "Error: Unable to load CA certificates. Check cafile \"{}/none\".\n",
        ),
        ("cafile {}/none\n", "Error: Unable to load CA certificates. Check cafile \"{}/none\".\n"),
        ("ciphers NONE-OF-THEM\n", "Error: Unable to set TLS ciphers. Check cipher list \"NONE-OF-THEM\".\n"),
    ] {
        let conf = folder.join("m.conf");
        std::fs::write(&conf, listener(folder, free_port(), &lines.replace("{}", place))).unwrap();
        let ended = run(&mut moskit(&["broker", "-c", text(&conf)]), b"");
        assert!(ended.stderr.contains(&error.replace("{}", place)), "{lines}: {ended:?}");
        assert_eq!(ended.code, 1);
    }
}

#[test]
fn websockets_carry_mqtt_plain_and_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certificates(folder);
    let (plain, secure) = (free_port(), free_port());
    let configuration =
        listener(folder, secure, &format!("protocol websockets\nlistener {plain} 127.0.0.1\nprotocol websockets\n"));
    let broker = Broker::configured(folder, &configuration);
    let publish = |words: &[&str]| run(moskit(&["pub", "--ws", "-t", "t", "-m", "m", "-q", "2"]).args(words), b"");
    let authority = folder.join("ca.crt");
    let ended = publish(&["-h", "localhost", "-p", &secure.to_string(), "--cafile", text(&authority), "-i", "wss"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let ended = publish(&["-h", "127.0.0.1", "-p", &plain.to_string(), "-i", "ws"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let log = broker.end().stderr;
    for id in ["ws", "wss"] {
        assert!(log.contains(&format!(" as {id} (p4, c1, k60).")), "{log}");
    }
}

#[test]
fn what_opens_no_websocket_gets_an_answer_and_no_connection() {
    use std::io::{Read, Write};
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let port = free_port();
    let configuration = format!(
        "log_timestamp false\nallow_anonymous true\nlistener {port} 127.0.0.1\nprotocol websockets\n\
         websockets_origin https://good.example\nwebsockets_headers_size 1024\n"
    );
    let broker = Broker::configured(folder, &configuration);
    let good = "GET /any?x=1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Protocol: mqtt\r\nOrigin: https://good.example\r\n\r\n";
    // What is answered; a refused client's connection is closed behind it.
    let answer = |head: &str| {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.starts_with(b"HTTP/1.1 101") || !answer.ends_with(b"\r\n\r\n") {
            let mut chunk = [0; 512];
            match stream.read(&mut chunk).unwrap() {
                0 => break,
                length => answer.extend_from_slice(&chunk[..length]),
            }
        }
        String::from_utf8(answer).unwrap()
    };
    assert!(answer(good).starts_with("HTTP/1.1 101 "));
    let anonymous = good.replace("Origin: https://good.example\r\n", "");
    assert!(answer(&anonymous).starts_with("HTTP/1.1 101 "), "what names no origin is no page");
    let rows = [
        ("403 Forbidden", "origin", good.replace("good", "bad")),
        ("426 Upgrade Required", "version 13", good.replace("Version: 13", "Version: 8")),
        ("426 Upgrade Required", "version 13", good.replace("Sec-WebSocket-Version: 13\r\n", "")),
        ("400 Bad Request", "MQTT broker", "GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned()),
        ("400 Bad Request", "MQTT broker", good.replace("GET", "POST")),
        ("400 Bad Request", "MQTT broker", good.replace("GET", "OPTIONS")),
        ("400 Bad Request", "Sec-WebSocket-Key", good.replace("dGhlIHNhbXBsZSBub25jZQ==", "short")),
        ("400 Bad Request", "subprotocol mqtt", good.replace("Protocol: mqtt", "Protocol: chat")),
        ("400 Bad Request", "too long", good.replace("Host: x", &format!("Host: {}", "x".repeat(2000)))),
        ("400 Bad Request", "too long", format!("GET /{}", "x".repeat(300_000))),
        ("400 Bad Request", "no HTTP request", "HELLO\r\n\r\n".to_owned()),
    ];
    for (status, part, head) in rows {
        let heard = answer(&head);
        let (fields, text) = heard.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{part}: {heard:?}"));
        assert!(fields.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{heard}");
        assert!(fields.contains(&format!("Content-Length: {}", text.len())), "{heard}");
        assert!(text.contains(part) && text.lines().count() == 1, "{heard}");
        assert_eq!(fields.contains("Sec-WebSocket-Version: 13"), status.starts_with("426"), "{heard}");
    }
    let head = answer("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 400 ") && head.ends_with("\r\n\r\n"), "{head}");
    assert_eq!(answer("\x10\x0e\0\x04MQTT\x04\x02\0\0\0\x02ab"), "", "who speaks MQTT reads no HTTP");
    let log = broker.end().stderr;
    assert!(log.contains("disconnected: non-matching http origin."), "{log}");
}

#[test]
fn a_unix_socket_is_there_while_the_broker_runs_whatever_was_there_before() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let path = folder.join("broker.sock");
    let configuration = format!("allow_anonymous true\nlistener 0 {}\n", path.display());
    // A killed broker leaves its socket.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let broker = Broker::configured(folder, &configuration);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o770);
    let ended = run(&mut moskit(&["pub", "--unix", text(&path), "-t", "t", "-m", "m", "-q", "1"]), b"");
    assert_eq!(ended.code, 0, "{ended:?}");
    let log = broker.end().stderr;
    assert!(log.contains(&format!("Opening unix listen socket on path {}.", path.display())), "{log}");
    assert!(!path.exists());
    // A file that is no socket stays.
    std::fs::write(&path, "mine").unwrap();
    let ended = run(&mut moskit(&["broker", "-c", text(&folder.join("m.conf"))]), b"");
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("Error: Address already in use"), "{ended:?}");
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
}

#[test]
fn the_key_log_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (keys, link) = (folder.join("keys"), folder.join("link"));
    let script = "moskit() { \"$MOSKIT\" \"$@\"; }; moskit pub --cafile \"$MQTT_CAFILE\" -t t -m m -q 1";
    let program = moskit(&[]).get_program().to_owned();
    let start = |file: &Path| {
        run(moskit(&["broker", "--tls", "--tls-keylog", text(file), "--run", script]).env("MOSKIT", &program), b"")
    };
    let ended = start(&keys);
    assert_eq!((ended.stderr.as_str(), ended.code), ("", 0));
    let log = std::fs::read_to_string(&keys).unwrap();
    assert!(log.contains("SERVER_TRAFFIC_SECRET_0 "), "{log}");
    assert_eq!(keys.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    std::os::unix::fs::symlink(&keys, &link).unwrap();
    assert_eq!(start(&link).code, 1);
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ended = start(&keys);
    assert!(ended.stderr.contains("Error: Unable to open TLS key log file"), "{ended:?}");
    assert_eq!(ended.code, 1);
}
