//! One cause for one failure: `check`, `pub`, `sub` and `rr` name it by the same id.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use crate::check_files::{WRONG_SERVERS, findings, report, write_kind};
use crate::keys::openssl;
use crate::mosquitto::{Mosquitto, free_port, installed};
use crate::peers::{Habits, s_server, stub, stub_broker};
use crate::run::{moskit, run, within_short_or_long};

/// Checks that all four verbs, given `words` to connect, name `id` as the cause.
fn all_name(id: &str, words: &[&str], folder: &Path) {
    within_short_or_long("2", |limit| {
        let (report, code) = report(&[&["check", "--timeout", limit], words].concat(), folder);
        assert_eq!((report["cause"].as_str(), code), (Some(id), 1), "{words:?}: {report:#}");
    });
    for verb in [
        &["pub", "-t", "t", "-m", "m", "-q", "1"][..],
        &["sub", "-t", "t", "-C", "1", "-W", "20"],
        &["rr", "-t", "t", "-e", "u", "-m", "m", "-W", "20"],
    ] {
        let ended = run(moskit(&[verb, words].concat()).current_dir(folder), b"");
        let named = ended.stderr.replace('\n', " ").contains(&format!("[{id}]"));
        assert!(named && ended.code != 0, "{verb:?} {words:?} does not name {id}: {ended:?}");
    }
}

/// What `check`, given `words` to connect, says to do next.
fn fix_of(words: &[&str], folder: &Path) -> String {
    let (report, _) = report(&[&["check", "--timeout", "2"], words].concat(), folder);
    report["next"].as_str().unwrap_or_else(|| panic!("{report:#}")).to_owned()
}

#[test]
fn what_cannot_be_reached() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port().to_string();
    all_name("net.refused", &["-h", "127.0.0.1", "-p", &port], folder.path());
    all_name("net.dns", &["-h", "no-such-host.invalid"], folder.path());
    all_name("net.unix", &["--unix", "nowhere.sock"], folder.path());
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let elsewhere = ["-h", "127.0.0.2", "-p", &port.to_string()];
    all_name("net.loopback-only", &elsewhere, folder.path());
    let fix = fix_of(&elsewhere, folder.path());
    assert!(fix.starts_with(&format!("write `listener {port}` into mosquitto.conf")), "{fix}");
}

#[test]
fn another_protocol_than_ours() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    let [plain, tls, websockets, both] = [(); 4].map(|()| free_port());
    let configuration = format!(
        "allow_anonymous true\nlistener {plain} 127.0.0.1\nlistener {tls} 127.0.0.1\ncertfile server.crt\n\
         keyfile server.key\nlistener {websockets} 127.0.0.1\nprotocol websockets\n\
         listener {both} 127.0.0.1\nprotocol websockets\ncertfile server.crt\nkeyfile server.key\n"
    );
    let Some(_broker) = Mosquitto::start(folder.path(), &configuration) else { return };
    let not_found = stub(|mut stream| {
        let _ = stream.read(&mut [0; 512]);
        let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    });
    let banners = ["SSH-2.0-OpenSSH_9.2\r\n", "RFB 003.008\n"].map(|text| {
        stub(move |mut stream| {
            // It hangs up when the client has said what it does not understand.
            let _ = stream.write_all(text.as_bytes());
            let _ = stream.read(&mut [0; 512]);
        })
    });
    let port = |address: &String| address.rsplit(':').next().unwrap().to_owned();
    let rows = [
        ("tls.plain-to-tls", tls.to_string(), vec![]),
        ("tls.tls-to-plain", plain.to_string(), vec!["--cafile", "ca.crt"]),
        ("proto.ws-vs-mqtt", websockets.to_string(), vec![]),
        ("proto.ws-vs-mqtt", websockets.to_string(), vec!["--cafile", "ca.crt"]),
        ("proto.ws-vs-mqtt", plain.to_string(), vec!["--ws"]),
        ("proto.ws-vs-mqtt", both.to_string(), vec!["--cafile", "ca.crt"]),
        ("tls.plain-to-tls", both.to_string(), vec![]),
        ("tls.plain-to-tls", both.to_string(), vec!["--ws"]),
        ("tls.plain-to-tls", tls.to_string(), vec!["--ws"]),
        ("proto.ws-vs-mqtt", port(&not_found), vec![]),
        ("proto.ws-vs-mqtt", port(&not_found), vec!["--cafile", "ca.crt"]),
        ("proto.not-mqtt", port(&banners[0]), vec![]),
        ("proto.not-mqtt", port(&banners[1]), vec![]),
        ("proto.not-mqtt", port(&banners[1]), vec!["--cafile", "ca.crt"]),
    ];
    for (id, port, more) in rows {
        all_name(id, &[&["-h", "localhost", "-p", &port], &more[..]].concat(), folder.path());
    }
    let fix = |port: String, more: &[&str]| fix_of(&[&["-h", "localhost", "-p", &port], more].concat(), folder.path());
    assert_eq!(fix(plain.to_string(), &["--ws"]), "leave out --ws, or use a mqtt:// URL");
    assert_eq!(fix(both.to_string(), &["--cafile", "ca.crt"]), "add --ws, or use a wss:// URL");
    assert!(fix(both.to_string(), &["--ws"]).contains("use a wss:// URL"));
    // No path is advised that was tried.
    let fix = fix(port(&not_found), &[]);
    assert!(!fix.contains("/mqtt") && !fix.contains("/ws") && fix.contains("--ws-path PATH"), "{fix}");
}

#[test]
fn who_is_trusted_is_told_by_place() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    let Some((_server, address)) = s_server(folder.path(), &[]) else { return };
    let found = |words: &[&str]| {
        let (report, _) = report(&[&["check", address.as_str()], words].concat(), folder.path());
        let chain = report["stages"].as_array().unwrap().iter().find(|stage| stage["name"] == "chain").unwrap().clone();
        let finding = chain["findings"].as_array().unwrap().iter().find(|it| it["id"] == "ca.unknown").cloned();
        finding.unwrap_or_else(|| panic!("{report:#}"))
    };
    let made = run(moskit(&["certgen", "init", "other", "--hosts", "localhost"]).current_dir(folder.path()), b"");
    assert_eq!(made.code, 0, "{made:?}");
    let both = found(&["--cafile", "other/ca.crt", "--tls-use-os-certs"]);
    let what = both["what"].as_str().unwrap();
    assert!(what.ends_with("is not in `other/ca.crt` or the operating system's certificates"), "{both:#}");
    let known = both["evidence"][0].as_str().unwrap();
    assert!(known.starts_with("in `other/ca.crt` or the") && known.ends_with(" more"), "{known}");
    let one = found(&["--cafile", "other/ca.crt"]);
    let known = one["evidence"][0].as_str().unwrap();
    assert!(known.starts_with("in `other/ca.crt` is `") && !known.contains("more"), "{known}");
    // A folder in which no name is a hash has nobody, whatever lies in it.
    let folder = found(&["--capath", "other"]);
    assert_eq!(folder["fix"], "openssl rehash other", "{folder:#}");
    assert_eq!(folder["evidence"][0], "`other` holds no certificate under a hashed name", "{folder:#}");
}

/// With nobody trusted it is not known that anything between is missing, which a certificate that names its issuer's address suggests.
#[test]
fn a_folder_without_hashed_names_is_told_whatever_the_server_sends() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    if installed("openssl").is_none() {
        return;
    }
    for words in [
        "req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.crt -days 30 -subj /CN=Root",
        "req -new -key server.key -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -addext \
         authorityInfoAccess=caIssuers;URI:http://ca.invalid/ca -out server.csr",
        "x509 -req -in server.csr -copy_extensions copy -CA root.crt -CAkey root.key -days 30 -out server.crt",
    ] {
        openssl(folder.path(), words);
    }
    let Some((_server, address)) = s_server(folder.path(), &[]) else { return };
    let (named, _) = report(&["check", address.as_str(), "--cafile", "ca.crt"], folder.path());
    assert_eq!(named["cause"], "chain.missing-intermediate", "{named:#}");
    let (report, _) = report(&["check", address.as_str(), "--capath", "."], folder.path());
    assert_eq!((&report["cause"], &report["next"]), (&"ca.unknown".into(), &"openssl rehash .".into()), "{report:#}");
}

#[test]
fn a_url_in_place_of_a_host_gives_no_password_away() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(moskit(&["check", "-h", "mqtt://ann:geheim@nowhere.invalid"]).current_dir(folder.path()), b"");
    let shown = ended.stdout + &ended.stderr;
    assert!(shown.contains("mqtt://…@nowhere.invalid") && !shown.contains("geheim"), "{shown}");
}

#[test]
fn a_handshake_that_is_hung_up_on_says_no_more_than_came() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    let server_hello = b"\x16\x03\x03\x00\x7a\x02\x00";
    // What is asked in clear meets the same, but for the last.
    let rows = [
        ("tls.unanswered", &b""[..], &b""[..], true, "whether it has TLS is not known"),
        ("tls.closed", server_hello, b"", true, "in the middle of the TLS handshake"),
        ("tls.timeout", server_hello, b"", false, "began the TLS handshake and did not go on"),
        ("tls.cipher", b"\x15\x03\x03\x00\x02\x02\x28", b"", true, "handshake failure"),
        ("tls.tls-to-plain", b"\xe0\x02\x81\x00", b"", true, "it says "),
        ("tls.tls-to-plain", b"", b"\x20\x02\x00\x00", true, "it answers a CONNECT without TLS"),
    ];
    for (id, to_tls, to_clear, hangs_up, words) in rows {
        let address = stub(move |mut stream| {
            let mut bytes = [0; 2048];
            let Ok(count @ 1..) = stream.read(&mut bytes) else { return };
            let _ = stream.write_all(if bytes[..count].starts_with(&[22, 3]) { to_tls } else { to_clear });
            if !hangs_up || (to_clear.len() > 1 && bytes[0] != 22) {
                while matches!(stream.read(&mut bytes), Ok(1..)) {}
            }
        });
        let port = address.rsplit(':').next().unwrap();
        let place = ["-h", "localhost", "-p", port, "--cafile", "ca.crt"];
        if hangs_up {
            all_name(id, &place, folder.path());
        } else {
            let words = [&["pub", "-t", "t", "-n", "--connect-timeout", "1"], &place[..]].concat();
            let ended = run(moskit(&words).current_dir(folder.path()), b"");
            assert!(ended.stderr.contains(&format!("[{id}]")), "{ended:?}");
        }
        within_short_or_long("1", |limit| {
            let (report, _) = report(&[&["check", "--timeout", limit], &place[..]].concat(), folder.path());
            assert_eq!(report["cause"], id, "{report:#}");
            assert!(report.to_string().contains(words), "{id}: {report:#}");
        });
    }
}

#[test]
fn certificates_of_servers_and_clients() {
    let wrong_clients = [
        "client.cert-required",
        "client.ca-unknown",
        "client.expired",
        "client.eku",
        "client.subject-equals-issuer",
        "client.revoked",
        "client.no-cn",
    ];
    for kind in WRONG_SERVERS.into_iter().chain(wrong_clients) {
        let folder = tempfile::tempdir().unwrap();
        let without_certificate = kind == "client.cert-required";
        write_kind(if without_certificate { "none" } else { kind }, folder.path());
        let port = free_port();
        let list = if folder.path().join("crl.pem").exists() { "crlfile crl.pem\n" } else { "" };
        let names = if kind == "client.no-cn" { "use_identity_as_username true\n" } else { "allow_anonymous true\n" };
        // What the broker trusts is what the clients trust, and of some kinds that is the point.
        let configuration = format!(
            "listener {port} 127.0.0.1\ncafile ca.crt\ncertfile server.crt\nkeyfile server.key\n{list}{names}\
             require_certificate {}\n",
            kind.starts_with("client.")
        );
        let Some(_broker) = Mosquitto::start(folder.path(), &configuration) else { return };
        let port = port.to_string();
        let place = ["-h", "localhost", "-p", &port, "--cafile", "ca.crt"];
        let own = ["--cert", "client.crt", "--key", "client.key"];
        let own = if kind.starts_with("client.") && !without_certificate { &own[..] } else { &[] };
        let id = if kind == "chain.missing-intermediate" { "ca.unknown" } else { kind };
        all_name(id, &[&place[..], own].concat(), folder.path());
    }
}

#[test]
fn handshakes_with_nothing_in_common() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    // The suites without ECDHE want an RSA key.
    let rsa = "req -x509 -newkey rsa:2048 -nodes -keyout rsa.key -out rsa.crt -subj /CN=localhost";
    openssl(folder.path(), rsa);
    let rsa = ["-tls1_2", "-cipher", "AES128-SHA:AES256-SHA", "-cert", "rsa.crt", "-key", "rsa.key"];
    for (id, server, more, evidence) in [
        ("tls.version", &["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"][..], &[][..], "it offers TLS 1.1"),
        ("tls.version", &["-tls1_2"], &["--tls-version", "tlsv1.3"], "it offers TLS 1.2"),
        ("tls.cipher", &rsa, &[], "of TLS 1.2 it takes AES"),
        ("tls.cipher", &["-tls1_2", "-cipher", "AES128-SHA"], &[], "it refuses every version"),
        ("tls.cipher", &["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"], &[], "it takes TLS_AES_128_CCM_SHA256"),
        ("tls.alpn", &["-alpn", "x-amzn-mqtt-ca"], &["--tls-alpn", "mqtt"], ""),
        (
            "tls.sni",
            &["-servername", "other.lan", "-servername_fatal", "-cert2", "server.crt", "-key2", "server.key"],
            &[],
            "",
        ),
    ] {
        let Some((_server, address)) = s_server(folder.path(), server) else { return };
        let port = address.rsplit(':').next().unwrap();
        let words = [&["-h", "localhost", "-p", port, "--cafile", "ca.crt"], more].concat();
        all_name(id, &words, folder.path());
        let (report, _) = report(&[&["check", "--timeout", "2"], &words[..]].concat(), folder.path());
        assert!(report.to_string().contains(evidence), "{id}: {report:#}");
    }
}

#[test]
fn a_key_on_a_curve_that_nobody_has_is_named() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    let curve = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:secp256k1 -nodes -keyout odd.key -out odd.crt -subj /CN=localhost";
    openssl(folder.path(), curve);
    let Some((_server, address)) = s_server(folder.path(), &["-cert", "odd.crt", "-key", "odd.key"]) else { return };
    let port = address.rsplit(':').next().unwrap();
    let words = ["-h", "localhost", "-p", port, "--cafile", "odd.crt"];
    all_name("tls.cipher", &words, folder.path());
    let (report, _) = report(&[&["check"], &words[..]].concat(), folder.path());
    assert!(report.to_string().contains("its key is "), "{report:#}");
    let next = report["next"].as_str().unwrap();
    assert!(next.ends_with("moskit certgen server localhost --key p256"), "{next}");
}

#[test]
fn a_server_with_our_suites_and_other_curves_is_not_told_to_offer_the_suites() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    let Some((_server, address)) = s_server(folder.path(), &["-groups", "P-521"]) else { return };
    let port = address.rsplit(':').next().unwrap();
    let (report, _) = report(&["check", "-h", "localhost", "-p", port, "--cafile", "ca.crt"], folder.path());
    assert_eq!(report["cause"], "tls.cipher", "{report:#}");
    let next = report["next"].as_str().unwrap();
    assert!(next.contains("X25519") && !next.contains("must offer one of them"), "{next}");
}

#[test]
fn what_is_not_known_of_a_stage_has_no_mark_of_success() {
    let folder = tempfile::tempdir().unwrap();
    let address = stub_broker(Habits::default());
    let (json, code) = report(&["check", &address, "--timeout", "2"], folder.path());
    let session = json["stages"].as_array().unwrap().iter().find(|stage| stage["name"] == "session").unwrap();
    assert_eq!((session["status"].as_str(), code), (Some("unknown"), 0), "{json:#}");
    let shown = run(&mut moskit(&["check", &address, "--timeout", "2"]), b"");
    assert!(shown.stdout.contains("– session   kept unknown"), "{shown:?}");
    assert!(
        shown.stdout.ends_with("nothing wrong was found; what stage session was to tell is not known\n"),
        "{shown:?}"
    );
    let monitor = run(&mut moskit(&["check", &address, "--timeout", "2", "--monitor"]), b"");
    assert!(monitor.stdout.contains("OK") && !monitor.stdout.contains("all stages passed"), "{monitor:?}");
}

#[test]
fn next_steps_name_what_was_given_and_do_not_name_what_has_no_effect() {
    let folder = tempfile::tempdir().unwrap();
    let address = stub_broker(Habits { connack: 133, ..Habits::default() });
    let (refused, _) = report(&["check", &address, "-V", "mqttv5", "-i", "door 1"], folder.path());
    assert!(refused.to_string().contains("a broker that takes `door 1` alone"), "{refused:#}");
    assert!(!refused["next"].as_str().unwrap().contains("give an id"), "{refused:#}");
    let long = format!("{}.lan", "a".repeat(300));
    let ended = run(moskit(&["check", &long]).current_dir(folder.path()), b"");
    assert!(ended.stderr.contains("longer than a name can be") && ended.code == 1, "{ended:?}");
    // The command that renews works where the CA's key lies beside; elsewhere it asks for the CA's folder.
    write_kind("cert.expired", folder.path());
    let words = ["check", "files", "--cafile", "ca.crt", "--cert", "server.crt", "--key", "server.key"];
    let next = |folder: &Path| report(&words, folder).0["next"].as_str().unwrap().to_owned();
    assert_eq!(
        next(folder.path()),
        "where the key of its CA is, in the folder DIR: moskit certgen renew server.crt -d DIR"
    );
    fs::write(folder.path().join("ca.key"), "").unwrap();
    assert_eq!(next(folder.path()), "moskit certgen renew server.crt");
}

#[test]
fn a_verdict_is_given_only_where_it_is_known() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    let (report, code) = report(&["check", "files", "--cafile", "gone.crt", "--cert", "server.crt"], folder.path());
    assert_eq!((report["cause"].as_str(), code), (Some("file.missing"), 1), "{report:#}");
    assert_eq!(report["verdicts"]["openssl"]["accepts"], serde_json::Value::Null, "{report:#}");
    let certgen = |words: &str| {
        let words: Vec<_> = words.split(' ').collect();
        run(moskit(&words).current_dir(folder.path()), b"")
    };
    for make in ["certgen ca Lab -o lab", "certgen server 127.0.0.1,127.0.0.2 -d lab", "certgen server *.lan -d lab"] {
        assert_eq!(certgen(make).code, 0, "{make}");
    }
    // No name of this certificate can be `localhost`, by nobody's rules. The file is called by the first host.
    let of_address = certgen("certgen verify lab/127.0.0.1.crt --host localhost");
    assert!(of_address.stdout.contains("✘ OpenSSL clients (Mosquitto, Python, Node): refuse it"), "{of_address:?}");
    let of_wildcard = certgen("certgen verify lab/_wildcard.lan.crt --host mqtt.lan");
    assert!(of_wildcard.stdout.contains("– mbedTLS clients (ESP32): not known"), "{of_wildcard:?}");
    assert!(of_wildcard.stdout.contains("✘ rustls clients: refuse it"), "{of_wildcard:?}");
}

#[test]
fn a_broker_for_pre_shared_keys_is_named() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    let port = free_port();
    fs::write(folder.path().join("psk"), "ann:1234\n").unwrap();
    let configuration = format!("listener {port} 127.0.0.1\npsk_hint h\npsk_file psk\nallow_anonymous true\n");
    let Some(_broker) = Mosquitto::start(folder.path(), &configuration) else { return };
    let (report, code) = report(&["check", &format!("localhost:{port}"), "--cafile", "ca.crt"], folder.path());
    assert_eq!((report["cause"].as_str(), code), (Some("psk.required"), 1), "{report:#}");
    assert!(report.to_string().contains("PSK-"), "{report:#}");
}

#[test]
fn files_and_options_that_give_no_tls() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    fs::write(folder.path().join("empty"), "").unwrap();
    let rows: [(&str, &[&str]); 6] = [
        ("file.missing", &["--cafile", "nowhere.crt"]),
        ("file.kind", &["--cafile", "client.key"]),
        ("file.kind", &["--cafile", "empty"]),
        ("key.mismatch", &["--cafile", "ca.crt", "--cert", "client.crt", "--key", "server.key"]),
        ("client.tls-off", &["--cert", "client.crt", "--key", "client.key"]),
        ("tls.cipher", &["--cafile", "ca.crt", "--ciphers", "NONE-OF-THESE"]),
    ];
    for (id, words) in rows {
        let (report, code) = report(&[&["check", "-h", "localhost"], words].concat(), folder.path());
        assert_eq!((report["cause"].as_str(), code), (Some(id), 1), "{words:?}: {report:#}");
        let ended = run(moskit(&[&["pub", "-t", "t", "-m", "m"], words].concat()).current_dir(folder.path()), b"");
        // What is refused before anything is tried is an error of moskit's own, without an id.
        let named = ended.stderr.contains(&format!("[{id}]")) || id == "client.tls-off";
        assert!(named && ended.code == 1, "{words:?}: {ended:?}");
    }
}

#[test]
fn refusals_of_the_broker() {
    let folder = tempfile::tempdir().unwrap();
    for (version, code, id) in [
        ("mqttv311", 1, "connack.version"),
        ("mqttv311", 2, "connack.identifier"),
        ("mqttv311", 3, "connack.unavailable"),
        ("mqttv311", 4, "auth.refused"),
        ("mqttv311", 5, "auth.refused"),
        ("mqttv5", 132, "connack.version"),
        ("mqttv5", 133, "connack.identifier"),
        ("mqttv5", 134, "auth.refused"),
        ("mqttv5", 135, "auth.refused"),
        ("mqttv5", 136, "connack.unavailable"),
    ] {
        let address = stub_broker(Habits { connack: code, ..Habits::default() });
        let port = address.rsplit(':').next().unwrap();
        all_name(id, &["-h", "127.0.0.1", "-p", port, "-V", version], folder.path());
    }
}

/// Findings of `check` at a stub with `habits`.
fn found(habits: Habits, words: &[&str]) -> (Vec<String>, i32) {
    let folder = tempfile::tempdir().unwrap();
    let address = stub_broker(habits);
    let (report, code) = report(&[&["check", &address, "--timeout", "2"], words].concat(), folder.path());
    (findings(&report), code)
}

#[test]
fn what_a_broker_does_after_it_let_us_in() {
    let rows: [(Habits, &[&str], &str); 10] = [
        (Habits { closes_at_ping: true, ..Habits::default() }, &[], "connection.closed error"),
        (Habits { finds_session: true, ..Habits::default() }, &[], "proto.violation error"),
        (Habits { finds_session: true, ..Habits::default() }, &[], "session.present-wrong warning"),
        (Habits { leaves_pings: true, ..Habits::default() }, &[], "keepalive error"),
        (Habits::default(), &["-t", "a"], "session.not-kept warning"),
        (Habits { closes_from: Some(3), ..Habits::default() }, &[], "session.unproven warning"),
        (Habits { closes_from: Some(3), ..Habits::default() }, &["-t", "a"], "connect.unsteady error"),
        (Habits { puback: 0x97, ..Habits::default() }, &["-t", "a"], "publish.refused error"),
        (Habits { puback: 0x87, ..Habits::default() }, &["-t", "a"], "acl.publish-denied error"),
        (Habits { closes_at_subscribe: true, ..Habits::default() }, &["-t", "a"], "connection.closed error"),
    ];
    for (habits, words, expected) in rows {
        let (found, code) = found(habits, words);
        assert!(found.iter().any(|found| found == expected), "{habits:?}: {found:?}");
        assert_eq!(code == 1, found.iter().any(|found| found.ends_with("error")), "{habits:?}: {found:?}");
    }
}

#[test]
fn two_clients_that_disagree_are_a_finding() {
    let opinion = ["--second-opinion", "-t", "a"];
    let (agreed, _) = found(Habits::default(), &opinion);
    assert!(!agreed.iter().any(|found| found.starts_with("second.")), "{agreed:?}");
    // rumqttc ends at an acknowledgement of nothing; a reserved flag of CONNACK is nothing to it.
    let (ours_only, code) = found(Habits { acknowledges_nothing: true, ..Habits::default() }, &opinion);
    assert!(ours_only.contains(&"second.disagrees warning".to_owned()), "{ours_only:?}");
    assert_eq!(code, 0);
    let (theirs_only, code) = found(Habits { reserved_flag: true, ..Habits::default() }, &opinion);
    assert!(theirs_only.contains(&"second.disagrees error".to_owned()), "{theirs_only:?}");
    assert_eq!(code, 1);
}

#[test]
fn a_shorter_keep_alive_of_the_broker_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let configuration = format!("listener {port} 127.0.0.1\nallow_anonymous true\nmax_keepalive 20\n");
    let Some(_broker) = Mosquitto::start(folder.path(), &configuration) else { return };
    let (report, code) = report(&["check", &format!("localhost:{port}")], folder.path());
    assert!(findings(&report).contains(&"keepalive note".to_owned()), "{report:#}");
    assert_eq!(code, 0);
}

#[test]
fn another_certificate_without_a_name_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("cert.hostname", folder.path());
    for file in ["server.crt", "server.key"] {
        fs::rename(folder.path().join(file), folder.path().join(format!("named-{file}"))).unwrap();
    }
    let other = tempfile::tempdir().unwrap();
    write_kind("none", other.path());
    for file in ["server.crt", "server.key"] {
        fs::copy(other.path().join(file), folder.path().join(file)).unwrap();
    }
    let by_name = ["-servername", "localhost", "-cert2", "named-server.crt", "-key2", "named-server.key"];
    let Some((_server, address)) = s_server(folder.path(), &by_name) else { return };
    let port = address.rsplit(':').next().unwrap();
    let (report, code) =
        report(&["check", "-h", "localhost", "-p", port, "--cafile", "ca.crt", "--timeout", "2"], folder.path());
    assert_eq!((report["cause"].as_str(), code), (Some("cert.hostname"), 1), "{report:#}");
    assert!(findings(&report).contains(&"tls.sni note".to_owned()), "{report:#}");
}
