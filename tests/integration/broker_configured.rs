//! Configurations as people have them: where the broker listens then, what it says, and what it tests beforehand.
//! What Mosquitto 2.1.2 does with each was measured by running it.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use crate::broker_verb::{Broker, text};
use crate::mosquitto::free_port;
use crate::run::{Ended, moskit, run};

/// What the broker says when it does not start with `configuration`.
fn refused(folder: &Path, configuration: &str) -> Ended {
    let conf = folder.join("refused.conf");
    std::fs::write(&conf, configuration).unwrap();
    run(&mut moskit(&["broker", "-c", text(&conf), "-p", &free_port().to_string()]), b"")
}

/// Starts a broker with these words behind `moskit broker -c FILE`.
fn started(folder: &Path, configuration: &[u8], words: &[&str]) -> Broker {
    let conf = folder.join("m.conf");
    std::fs::write(&conf, configuration).unwrap();
    let mut broker = Broker::start_with(&mut moskit(&[&["broker", "-c", text(&conf)], words].concat()));
    broker.wait_for(" running");
    broker
}

fn listens(address: &str, port: u16) -> bool {
    TcpStream::connect(SocketAddr::new(address.parse().unwrap(), port)).is_ok()
}

#[test]
fn options_of_no_listener_leave_the_ports_of_the_command_line_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = [free_port(), free_port()];
    let words = ["-p", &first.to_string(), "-p", &second.to_string()];
    let broker = started(folder.path(), b"max_connections 10\nprotocol websockets\n", &words);
    for port in [first, second] {
        assert!(listens("127.0.0.1", port) && !listens("127.0.0.2", port), "{port}");
    }
    let log = broker.end().stderr;
    for option in ["max_connections", "protocol"] {
        let line = format!("Warning: The '{option}' option has no effect: there is no listener before it (");
        assert!(log.contains(&line), "{log}");
    }
    // With an address of its own the default listener stands, and the ports of the command line have no effect.
    let own = free_port();
    let broker = started(folder.path(), format!("max_connections 10\nport {own}\n").as_bytes(), &words);
    assert!(listens("127.0.0.2", own) && !listens("127.0.0.1", first));
    drop(broker);
}

#[test]
fn a_listener_whose_socket_domain_does_not_fit_ends_the_broker() {
    let folder = tempfile::tempdir().unwrap();
    for (host, domain, family) in [("127.0.0.1", "ipv6", "IPv6"), ("::1", "ipv4", "IPv4")] {
        let ended = refused(folder.path(), &format!("listener {} {host}\nsocket_domain {domain}\n", free_port()));
        assert_eq!(ended.code, 1, "{ended:?}");
        for line in [
            "Error creating listener: Address family for hostname not supported.".to_owned(),
            format!("`{host}` has no {family} address, which `socket_domain` asks for"),
        ] {
            assert!(ended.stderr.contains(&line), "{ended:?}");
        }
    }
}

/// 2.1.2 says so when it opens the listener, with 1: every other value that is none ends it with 3.
#[test]
fn a_tls_version_that_is_none_ends_the_broker_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let lines = |value: &str| format!("listener {}\ncertfile c\nkeyfile k\n{value}\n", free_port());
    let ended = refused(folder.path(), &lines("tls_version tlsv1.9"));
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stderr.contains("Error: Unsupported tls_version \"tlsv1.9\".\n"), "{ended:?}");
    assert!(ended.stderr.contains(":4."), "its line: {ended:?}");
    assert_eq!(refused(folder.path(), &lines("require_certificate perhaps")).code, 3);
}

#[test]
fn a_file_with_comments_behind_its_values_a_mark_and_foreign_bytes_starts() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let lines = format!(
        "listener {port} 127.0.0.1 # the only one\naccept_protocol_versions 4, 5 # x\nallow_anonymous true # x\n\
         persistent_client_expiration 2d # x\nretry_interval 20\nciphers AES128-SHA\n\
         connection b\naddress 127.0.0.1\ntopic a\nremote_username x\n"
    );
    let configuration = [b"\xef\xbb\xbf# caf\xe9\n", lines.as_bytes(), b"\0\x05\x16\x07\n"].concat();
    let broker = started(folder.path(), &configuration, &[]);
    assert!(listens("127.0.0.1", port));
    let log = broker.end().stderr;
    let warnings: Vec<_> = log.lines().filter(|line| line.contains("Warning: ") && !line.contains("root")).collect();
    for part in ["byte-order mark", "'retry_interval'", "'connection'", "zero byte", "'ciphers'"] {
        assert_eq!(warnings.iter().filter(|line| line.contains(part)).count(), 1, "{part}: {warnings:#?}");
    }
    assert_eq!(warnings.len(), 5, "{warnings:#?}");
}

#[test]
fn what_a_file_holds_controls_no_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let acl = folder.path().join("acl");
    std::fs::write(&acl, "\x1b[31mx y\n").unwrap();
    for lines in [
        "foo\x1b[31mx 1\n".to_owned(),
        "listener 1\naccept_protocol_versions \x1b[31mx\n".to_owned(),
        format!("listener {} ::1\naccept_protocol_versions 4 \x1b[31mx\nacl_file {}\n", free_port(), text(&acl)),
    ] {
        let ended = refused(folder.path(), &lines);
        assert_eq!(ended.code, 3, "{ended:?}");
        assert!(ended.stderr.contains("31mx") && !ended.stderr.contains('\x1b'), "{ended:?}");
    }
}

#[test]
fn utf_16_is_called_so() {
    let folder = tempfile::tempdir().unwrap();
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let conf = folder.path().join("wide.conf");
    std::fs::write(&conf, wide("listener 1883\n")).unwrap();
    let ended = run(&mut moskit(&["broker", "-c", text(&conf)]), b"");
    assert_eq!(ended.code, 3);
    assert!(ended.stderr.starts_with("Error: The file is UTF-16. Save it as UTF-8.\n"), "{ended:?}");
    for option in ["password_file", "acl_file"] {
        let file = folder.path().join(option);
        std::fs::write(&file, wide("user joe\n")).unwrap();
        let ended = refused(folder.path(), &format!("listener {} ::1\n{option} {}\n", free_port(), text(&file)));
        assert_eq!(ended.code, 3);
        assert!(ended.stderr.contains(&format!("Error: {} is UTF-16 and not UTF-8.", text(&file))), "{ended:?}");
    }
}

#[test]
fn access_files_with_a_mark_are_read_and_lines_of_other_encodings_grant_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let acl = folder.path().join("acl");
    std::fs::write(&acl, b"\xef\xbb\xbftopic a\ntopic \xe9\n").unwrap();
    let configuration = format!("listener {port} 127.0.0.1\nallow_anonymous true\nacl_file {}\n", text(&acl));
    let broker = started(folder.path(), configuration.as_bytes(), &[]);
    let port = port.to_string();
    let words = |topic| {
        ["pub", "-h", "127.0.0.1", "-p", &port, "-V", "5", "-q", "1", "-m", "x", "-t", topic].map(str::to_owned)
    };
    for (topic, code) in [("a", 0), ("b", 135)] {
        let words = words(topic);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let ended = run(&mut moskit(&words), b"");
        let is_allowed = !ended.stderr.contains("Not authorized");
        assert_eq!(is_allowed, code == 0, "{topic}: {ended:?}");
    }
    let log = broker.end().stderr;
    assert!(log.contains("begins with a byte-order mark"), "{log}");
    assert!(log.contains("Warning: Line 2 of "), "{log}");
}

/// Seven of 34 real configurations have their log read by topic.
#[test]
fn a_log_by_topic_has_the_time_before_each_line() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let configuration =
        format!("listener {port} 127.0.0.1\nallow_anonymous true\nlog_dest topic\nlog_dest stderr\nlog_type all\n");
    let broker = started(folder.path(), configuration.as_bytes(), &[]);
    let port = port.to_string();
    let words = [
        "sub",
        "-h",
        "127.0.0.1",
        "-p",
        &port,
        "-i",
        "reader",
        "-t",
        "$SYS/broker/log/M/subscribe",
        "-C",
        "1",
        "-W",
        "20",
    ];
    let ended = run(&mut moskit(&words), b"");
    let (time, line) = ended.stdout.split_once(": ").unwrap_or_else(|| panic!("{ended:?}"));
    assert!(time.parse::<u64>().is_ok(), "{ended:?}");
    assert_eq!(line, "reader 0 $SYS/broker/log/M/subscribe\n");
    drop(broker);
}

/// The certificates of a PEM file.
fn sections(path: &Path) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----\n";
    std::fs::read_to_string(path).unwrap().split_inclusive(END).map(str::to_owned).collect()
}

/// A root, a CA below it, and a server and a client of that: every file with one certificate, `bundle.crt` with both CAs.
fn deep(folder: &Path) {
    let certgen = |words: &[&str]| {
        let ended = run(moskit(&[&["certgen"], words].concat()).current_dir(folder), b"");
        assert_eq!(ended.code, 0, "{ended:?}");
    };
    certgen(&["ca", "Root", "--stem", "root", "--path-len", "1"]);
    certgen(&["ca", "Below", "--stem", "below", "--parent", "root.crt"]);
    certgen(&["server", "localhost", "127.0.0.1", "--stem", "server", "--ca", "below.crt"]);
    certgen(&["client", "dev", "--ca", "below.crt"]);
    let mut bundle = String::new();
    for name in ["server.crt", "dev.crt", "below.crt", "root.crt"] {
        let path = folder.join(name);
        let first = sections(&path).swap_remove(0);
        std::fs::write(&path, &first).unwrap();
        if !matches!(name, "server.crt" | "dev.crt") {
            bundle.push_str(&first);
        }
    }
    std::fs::write(folder.join("bundle.crt"), bundle).unwrap();
}

#[test]
fn a_leaf_alone_is_sent_with_the_issuers_of_the_cafile_which_become_trusted_by_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    deep(folder);
    let port = free_port();
    let file = |name: &str| text(&folder.join(name)).to_owned();
    let configuration = |lines: &str| {
        format!(
            "log_timestamp false\nallow_anonymous true\nlistener {port} 127.0.0.1\ncertfile {}\nkeyfile {}\n{lines}",
            file("server.crt"),
            file("server.key")
        )
    };
    let publish = |more: &[&str]| {
        let port = port.to_string();
        let root = file("root.crt");
        let words = ["pub", "-h", "127.0.0.1", "-p", &port, "-t", "t", "-m", "m", "--cafile", &root];
        run(&mut moskit(&[&words, more].concat()), b"")
    };
    let broker = started(folder, configuration("").as_bytes(), &[]);
    assert_ne!(publish(&[]).code, 0, "without the CA between nobody who trusts the root believes");
    drop(broker);
    let cas = file("cas.crt");
    std::fs::copy(file("root.crt"), &cas).unwrap();
    let lines = format!("cafile {cas}\n");
    let mut broker = started(folder, configuration(&lines).as_bytes(), &[]);
    assert_ne!(publish(&[]).code, 0);
    // A reload reads what is beside the certificate anew too.
    std::fs::copy(file("bundle.crt"), &cas).unwrap();
    broker.signal(rustix::process::Signal::HUP);
    broker.wait_for("Reloading config.");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while publish(&[]).code != 0 {
        assert!(std::time::Instant::now() < until, "{}", broker.end().stderr);
    }
    drop(broker);
    // On the client's end, from a file and from a folder: the broker trusts the root alone.
    let lines = format!("cafile {}\nrequire_certificate true\n", file("root.crt"));
    let chain = [sections(&folder.join("server.crt")), sections(&folder.join("below.crt"))].concat().concat();
    std::fs::write(folder.join("server.crt"), chain).unwrap();
    let broker = started(folder, configuration(&lines).as_bytes(), &[]);
    let (certificate, key, bundle) = (file("dev.crt"), file("dev.key"), file("bundle.crt"));
    let own = ["--cert", &certificate, "--key", &key];
    assert_ne!(publish(&own).code, 0, "the leaf alone");
    assert_eq!(publish(&[&own[..], &["--cafile", &bundle]].concat()).code, 0);
    let hashed = folder.join("hashed");
    std::fs::create_dir(&hashed).unwrap();
    std::fs::copy(file("below.crt"), hashed.join("0a1b2c3d.0")).unwrap();
    let ended = publish(&[&own[..], &["--capath", text(&hashed)]].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    drop(broker);
}

#[test]
fn what_is_sent_is_what_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    deep(folder);
    let conf = folder.join("m.conf");
    let lines = "listener 8883\nallow_anonymous true\ncertfile server.crt\nkeyfile server.key\ncafile bundle.crt\n";
    std::fs::write(&conf, lines).unwrap();
    let sent = |words: &[&str]| {
        let ended = run(moskit(words).current_dir(folder), b"");
        let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
        let stages = report["stages"].as_array().unwrap();
        stages.iter().find(|stage| stage["name"] == "files").unwrap()["facts"]["sent"].as_u64()
    };
    assert_eq!(sent(&["check", "files", "--config", "m.conf", "--json"]), Some(3));
    let files = ["check", "files", "--json", "--cert", "server.crt", "--key", "server.key", "--cafile", "bundle.crt"];
    assert_eq!(sent(&files), Some(3));
    // The key of a CA that is sent is no key of a file in the wrong order.
    let swapped = ["check", "files", "--cert", "server.crt", "--key", "below.key", "--cafile", "bundle.crt"];
    let ended = run(moskit(&swapped).current_dir(folder), b"");
    assert!(ended.stdout.contains("[key.mismatch]"), "{ended:?}");
}

#[test]
fn ciphers_that_do_not_fit_are_named_by_their_option() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    deep(folder);
    let tls = |line: &str| {
        let (certificate, key) = (folder.join("server.crt"), folder.join("server.key"));
        let tls = format!("certfile {}\nkeyfile {}\n", text(&certificate), text(&key));
        refused(folder, &format!("listener {} 127.0.0.1\n{tls}{line}\n", free_port()))
    };
    for (line, sentence, option) in [
        ("ciphers AES128-SHA", "Unable to set TLS ciphers. Check cipher list \"AES128-SHA\".", "`ciphers`"),
        ("ciphers_tls1.3 X", "Unable to set TLS 1.3 ciphersuites. Check cipher_tls13 list \"X\".", "`ciphers_tls1.3`"),
    ] {
        let ended = tls(line);
        assert_eq!(ended.code, 1);
        assert!(
            ended.stderr.contains(sentence) && ended.stderr.contains(&format!("leave out {option} for all")),
            "{ended:?}"
        );
        assert!(!ended.stderr.contains("--ciphers"), "{ended:?}");
    }
}

#[test]
fn an_empty_file_is_not_imported() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, store) = (folder.path().join("mosquitto.db"), folder.path().join("new.sqlite3"));
    std::fs::write(&empty, "").unwrap();
    let ended = run(&mut moskit(&["broker", "--store", text(&store), "--import", text(&empty)]), b"");
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{ended:?}");
    let first = format!("error: cannot import `{}`: it is empty\n", text(&empty));
    assert!(ended.stderr.starts_with(&first) && !store.exists(), "{ended:?}");
}

/// Root without a `user` line: Mosquitto becomes `mosquitto`, and what it can read is to stay so.
#[test]
fn advice_on_a_files_owner_keeps_it_readable_for_mosquitto() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap();
    let account = accounts.lines().find_map(|line| line.strip_prefix("mosquitto:x:"));
    if !rustix::process::getuid().is_root() || account.is_none() {
        return;
    }
    let mut fields = account.unwrap().split(':').map(|field| field.parse::<u32>().unwrap_or_default());
    let (user, group) = (fields.next().unwrap(), fields.next().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let acl = folder.path().join("acl");
    std::fs::write(&acl, "topic #\n").unwrap();
    let warnings = |owner: (u32, u32), mode: u32, user_line: &str| {
        chown(&acl, Some(owner.0), Some(owner.1)).unwrap();
        std::fs::set_permissions(&acl, std::fs::Permissions::from_mode(mode)).unwrap();
        let configuration =
            format!("log_timestamp false\n{user_line}listener {} 127.0.0.1\nacl_file {}\n", free_port(), text(&acl));
        let log = started(folder.path(), configuration.as_bytes(), &[]).end().stderr;
        log.lines().filter(|line| line.contains("Warning:")).map(str::to_owned).collect::<Vec<_>>()
    };
    let as_root = "Warning: The broker runs as root: the configuration names no other user.";
    assert_eq!(warnings((user, group), 0o640, ""), [as_root]);
    assert_eq!(warnings((0, 0), 0o600, ""), [as_root]);
    assert_eq!(warnings((0, 0), 0o600, "user root\n"), [""; 0]);
    let file = text(&acl);
    assert_eq!(
        warnings((0, 0), 0o644, ""),
        [
            as_root.to_owned(),
            format!(
                "Warning: File {file} has world readable permissions. `chown mosquitto {file} && chmod 0600 {file}` \
                 keeps it private."
            )
        ]
    );
    let strangers = warnings((1, 1), 0o640, "");
    assert!(strangers[1].contains("`chown mosquitto ") && strangers[2].contains("`chgrp mosquitto "), "{strangers:#?}");
    assert!(warnings((user, group), 0o640, "user root\n")[0].contains("`chown root "));
}
