//! `moskit check` against brokers and things that are none.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use moskit::pki::make::BROKEN_KINDS;
use serde_json::{Value, json};

use crate::check_files::{causes, findings, report, write_broken, write_kind};
use crate::mosquitto::{Mosquitto, free_port, installed};
use crate::peers::{Running, s_server, stub};
use crate::run::{moskit, run, within_short_or_long};

const TLS: &str = "cafile ca.crt\ncertfile server.crt\nkeyfile server.key\n";

/// The cause that `check WORDS` finds, and that it is the only one marked.
fn cause(words: &[&str], folder: &Path) -> String {
    cause_within("2", words, folder)
}

fn cause_within(seconds: &str, words: &[&str], folder: &Path) -> String {
    let (report, code) = report(&[&["check", "--timeout", seconds], words].concat(), folder);
    let cause = report["cause"].as_str().unwrap_or("none").to_owned();
    let expected = if cause == "none" { (0, 0) } else { (1, 1) };
    assert_eq!((code, causes(&report)), expected, "{words:?}: {report:#}");
    cause
}

/// Nothing above a note.
fn is_healthy(words: &[&str], folder: &Path) {
    let (report, code) = report(&[&["check"], words].concat(), folder);
    let found = findings(&report);
    assert!(found.iter().all(|found| found.ends_with(" note")), "{words:?}: {report:#}");
    assert_eq!(code, 0);
}

#[test]
fn a_broker_in_clear_is_healthy_by_every_way() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let configuration = format!("allow_anonymous true\nlistener {port} 127.0.0.1\nlistener 0 mqtt.sock\n");
    let Some(_broker) = Mosquitto::start(folder.path(), &configuration) else { return };
    let port = port.to_string();
    let by_name = format!("localhost:{port}");
    let url = format!("mqtt://localhost:{port}");
    for way in [
        vec![by_name.as_str()],
        vec![by_name.as_str(), "-t", "home/#", "-q", "1"],
        vec!["-h", "127.0.0.1", "-p", &port, "-t", "home"],
        vec![url.as_str()],
        vec!["--unix", "mqtt.sock", "-t", "home"],
        vec![by_name.as_str(), "-V", "mqttv311", "-t", "home"],
        vec![by_name.as_str(), "-V", "mqttv31"],
        vec![by_name.as_str(), "-V", "mqttv5", "-t", "home", "-i", "phone", "-c", "-q", "1", "-x", "3600"],
        vec![by_name.as_str(), "-t", "home", "--second-opinion"],
    ] {
        is_healthy(&way, folder.path());
    }
}

#[test]
fn a_broker_with_tls_certificate_and_password_is_healthy() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    let made = run(moskit(&["passwd", "-c", "--stdin", "passwords", "ann"]).current_dir(folder.path()), b"secret\n");
    assert_eq!(made.code, 0, "{made:?}");
    let port = free_port();
    let configuration = format!("password_file passwords\nlistener {port} 127.0.0.1\n{TLS}require_certificate true\n");
    let Some(_broker) = Mosquitto::start(folder.path(), &configuration) else { return };
    fs::write(folder.path().join("pw"), "secret\n").unwrap();
    let url = format!("mqtts://localhost:{port}");
    let identity = ["--cafile", "ca.crt", "--cert", "client.crt", "--key", "client.key"];
    let login = ["-u", "ann", "--pw-file", "pw", "-t", "home"];
    is_healthy(&[&[url.as_str()], &identity[..], &login[..]].concat(), folder.path());
    let with_version =
        [&[url.as_str()], &identity[..], &login[..], &["--tls-version", "tlsv1.3", "--second-opinion"]].concat();
    is_healthy(&with_version, folder.path());
    let cause = |words: &[&str]| cause(&[&[url.as_str(), "--cafile", "ca.crt"], words].concat(), folder.path());
    assert_eq!(cause(&login), "client.cert-required");
    assert_eq!(cause(&identity[2..]), "auth.refused");
    assert_eq!(cause(&[&identity[2..], &["-u", "ann", "-P", "wrong"]].concat()), "auth.refused");
    assert_eq!(cause(&["--cert", "client.crt", "--key", "server.key"]), "key.mismatch");
    assert_eq!(cause(&["--cert", "server.crt", "--key", "server.key", "-u", "ann", "-P", "secret"]), "client.eku");
}

#[test]
fn what_cannot_be_reached_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let unused = format!("127.0.0.1:{}", free_port());
    assert_eq!(cause(&[&unused], folder.path()), "net.refused");
    assert_eq!(cause(&["no-such-host.invalid"], folder.path()), "net.dns");
    assert_eq!(cause(&["--unix", "nowhere.sock"], folder.path()), "net.unix");
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    assert_eq!(cause(&[&format!("127.0.0.2:{port}")], folder.path()), "net.loopback-only");
}

#[test]
fn the_wrong_protocol_is_named() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    let (plain, tls, websockets) = (free_port(), free_port(), free_port());
    let configuration = format!(
        "allow_anonymous true\nlistener {plain} 127.0.0.1\nlistener {tls} 127.0.0.1\n{TLS}listener {websockets} 127.0.0.1\nprotocol websockets\n"
    );
    let Some(_broker) = Mosquitto::start(folder.path(), &configuration) else { return };
    let [plain, tls, websockets] = [plain, tls, websockets].map(|port| format!("localhost:{port}"));
    let rows = [
        (vec![tls.as_str()], "tls.plain-to-tls"),
        (vec![plain.as_str(), "--cafile", "ca.crt"], "tls.tls-to-plain"),
        (vec![websockets.as_str()], "proto.ws-vs-mqtt"),
        (vec![plain.as_str(), "--ws"], "proto.ws-vs-mqtt"),
        (vec![websockets.as_str(), "--ws", "-t", "home"], "none"),
        (vec!["localhost", "--cert", "client.crt", "--key", "client.key"], "client.tls-off"),
    ];
    for (words, expected) in rows {
        assert_eq!(cause(&words, folder.path()), expected, "{words:?}");
    }
}

#[test]
fn every_broken_server_certificate_is_explained_over_the_wire() {
    // s_server does not start with these, as no broker does: check files finds them.
    let not_served = ["key.mismatch", "key.encrypted", "file.kind", "chain.order", "cert.weak"];
    for kind in BROKEN_KINDS {
        if not_served.contains(&kind.finding) || kind.name.starts_with("client.") || kind.name.starts_with("crl.") {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        write_broken(*kind, folder.path());
        let Some((_server, address)) = s_server(folder.path(), &["-cert_chain", "server.crt"]) else { return };
        let port = address.rsplit(':').next().unwrap();
        let host = if kind.finding == "cert.ip-in-cn-or-dns" { "127.0.0.1" } else { "localhost" };
        within_short_or_long("0.4", |limit| {
            let words = ["-h", host, "-p", port, "--cafile", "ca.crt", "--timeout", limit];
            let (report, code) = report(&[&["check"], &words[..]].concat(), folder.path());
            let found = findings(&report);
            assert!(
                kind.finding == "none" || found.iter().any(|found| found.starts_with(kind.finding)),
                "{}: {report:#}",
                kind.name
            );
            // s_server never answers CONNECT, so something is wrong in any case.
            assert_eq!((code, causes(&report)), (1, 1), "{}: {report:#}", kind.name);
            let is_error = found.iter().any(|found| *found == format!("{} error", kind.finding));
            let expected = if is_error { kind.finding } else { "proto.silent" };
            assert_eq!(report["cause"], expected, "{}: {report:#}", kind.name);
        });
    }
}

#[test]
fn servers_that_share_no_protocol_version_or_name_with_us_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    let Some((_server, address)) = s_server(folder.path(), &["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]) else {
        return;
    };
    assert_eq!(cause(&[&address, "--cafile", "ca.crt"], folder.path()), "tls.version");
    let Some((_server, address)) = s_server(folder.path(), &["-alpn", "x-amzn-mqtt-ca"]) else { return };
    assert_eq!(cause(&[&address, "--cafile", "ca.crt", "--tls-alpn", "mqtt"], folder.path()), "tls.alpn");
    let Some((_server, address)) = s_server(folder.path(), &["-tls1_2", "-cipher", "AES128-SHA"]) else { return };
    assert_eq!(cause(&[&address, "--cafile", "ca.crt"], folder.path()), "tls.cipher");
}

#[test]
fn client_certificates_that_the_broker_will_refuse_are_explained() {
    for name in [
        "client.ca-unknown",
        "client.expired",
        "client.eku",
        "client.subject-equals-issuer",
        "client.revoked",
        "crl.expired",
    ] {
        let folder = tempfile::tempdir().unwrap();
        write_kind(name, folder.path());
        let port = free_port();
        let list = if folder.path().join("crl.pem").exists() { "crlfile crl.pem\n" } else { "" };
        let configuration =
            format!("allow_anonymous true\nlistener {port} 127.0.0.1\n{TLS}{list}require_certificate true\n");
        let Some(_broker) = Mosquitto::start(folder.path(), &configuration) else { return };
        let address = format!("localhost:{port}");
        let found =
            cause(&[&address, "--cafile", "ca.crt", "--cert", "client.crt", "--key", "client.key"], folder.path());
        // OpenSSL tells clients of an outdated list that their certificate has expired; its dates say that it has not.
        assert_eq!(found, name);
    }
}

#[test]
fn access_limits_and_logins_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let (closed, guarded, limited) = (free_port(), free_port(), free_port());
    fs::write(folder.path().join("acl"), "topic read readable/#\ntopic write writable/#\ntopic both/#\n").unwrap();
    let configuration = format!(
        "per_listener_settings true\nlistener {closed} 127.0.0.1\nallow_anonymous false\n\
         listener {guarded} 127.0.0.1\nallow_anonymous true\nacl_file acl\n\
         listener {limited} 127.0.0.1\nallow_anonymous true\nmax_qos 1\n"
    );
    let Some(_broker) = Mosquitto::start(folder.path(), &configuration) else { return };
    let [closed, guarded, limited] = [closed, guarded, limited].map(|port| format!("localhost:{port}"));
    let rows = [
        (vec![closed.as_str()], "auth.refused"),
        (vec![closed.as_str(), "-u", "ann", "-P", "x"], "auth.refused"),
        (vec![guarded.as_str(), "-t", "both"], "none"),
        (vec![guarded.as_str(), "-t", "readable"], "acl.publish-denied"),
        (vec![guarded.as_str(), "-t", "writable"], "acl.subscribe-silent"),
        (vec![guarded.as_str(), "-t", "writable", "-V", "mqttv311"], "acl.subscribe-silent"),
        (vec![limited.as_str(), "-q", "2"], "limits"),
        (vec![limited.as_str(), "-q", "1"], "none"),
    ];
    for (words, expected) in rows {
        assert_eq!(cause(&words, folder.path()), expected, "{words:?}");
    }
}

#[test]
fn store_and_forward_is_judged_by_the_given_options() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let address = format!("localhost:{port}");
    let lacks = |words: &[&str]| {
        let (report, code) = report(&[&["check", &address, "-t", "a"], words].concat(), folder.path());
        assert_eq!(code, 0, "{report:#}");
        findings(&report).iter().filter(|found| *found == "session.storefwd warning").count()
    };
    assert_eq!(lacks(&[]), 0);
    assert_eq!(lacks(&["-i", "phone", "-c", "-q", "1"]), 0);
    assert_eq!(lacks(&["-i", "phone", "-c"]), 1);
    assert_eq!(lacks(&["-i", "phone"]), 2);
}

#[test]
fn two_clients_with_one_id_are_found_and_announced() {
    let folder = tempfile::tempdir().unwrap();
    let Some((mut broker, port)) = Mosquitto::open(folder.path()) else { return };
    let Some(mosquitto_sub) = installed("mosquitto_sub") else { return };
    let rival = Command::new(mosquitto_sub)
        .args(["-p", &port.to_string(), "-h", "127.0.0.1", "-i", "twin", "-t", "x"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _rival = Running(rival);
    broker.wait_for("as twin");
    let words = ["check", &format!("127.0.0.1:{port}"), "-i", "twin", "--as-client"];
    let ended = run(&mut moskit(&words), b"");
    assert!(ended.stderr.starts_with("note: --as-client connects as `twin`"), "{ended:?}");
    assert!(ended.stdout.contains("[session.takeover]"), "{ended:?}");
    assert_eq!(ended.code, 1);
    let alone = run(&mut moskit(&["check", &format!("127.0.0.1:{port}"), "-i", "other", "--as-client"]), b"");
    assert_eq!(alone.code, 0, "{alone:?}");
}

#[test]
fn a_server_whose_certificate_failed_gets_no_login() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("ca.unknown", folder.path());
    let port = free_port();
    let configuration =
        format!("allow_anonymous true\nlistener {port} 127.0.0.1\ncertfile server.crt\nkeyfile server.key\n");
    let Some(mut broker) = Mosquitto::start(folder.path(), &configuration) else { return };
    let url = format!("localhost:{port}");
    let words = ["check", &url, "--cafile", "ca.crt", "-u", "ann", "-P", "secret"];
    let (report, code) = report(&words, folder.path());
    assert_eq!((report["cause"].as_str(), code), (Some("ca.unknown"), 1));
    // Of what the broker says to a stranger nothing is told: it would be taken for what it says to ann.
    assert_eq!(withheld(&report), "so it gets no login (--trust-anyway sends it all the same)");
    assert!(!report.to_string().contains("was given"), "{report:#}");
    let told = run(moskit(&[&words[..], &["--trust-anyway", "-i", "x"]].concat()).current_dir(folder.path()), b"");
    assert_eq!(told.code, 1, "{told:?}");
    // Everybody that connected before --trust-anyway was told did so without a name; Mosquitto logs names.
    broker.wait_for("moskitcheck");
}

/// What is said of a login that was withheld, after every stage that needs it has said that it was not tried, and why.
fn withheld(report: &Value) -> String {
    let stages = report["stages"].as_array().unwrap();
    let after: Vec<_> = stages.iter().skip_while(|stage| stage["name"] != "connect").collect();
    assert!(after.len() >= 5, "{report:#}");
    for stage in &after {
        let why = stage["not_tried"].as_str().unwrap_or_default();
        assert!(why.starts_with("the server's certificate failed"), "{stage:#}");
        assert_eq!((&stage["findings"], &stage["facts"]), (&json!([]), &json!({})), "{stage:#}");
    }
    let why = after[0]["not_tried"].as_str().unwrap();
    why.split_once(", ").unwrap().1.to_owned()
}

#[test]
fn a_login_of_any_kind_that_is_withheld_is_never_told_as_one_that_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("ca.unknown", folder.path());
    // A broker that would refuse whoever has neither a certificate nor a login.
    let port = free_port();
    let configuration = format!(
        "allow_anonymous false\nlistener {port} 127.0.0.1\ncertfile server.crt\nkeyfile server.key\ncafile ca.crt\n\
         require_certificate true\n"
    );
    let Some(_broker) = Mosquitto::start(folder.path(), &configuration) else { return };
    let url = format!("localhost:{port}");
    let identity = ["--cert", "client.crt", "--key", "client.key"];
    let login = ["-u", "ann", "-P", "secret"];
    let sent = "(--trust-anyway sends it all the same)";
    for (given, what) in [
        (&login[..], "login"),
        (&login[..2], "login"),
        (&login[2..], "login"),
        (&identity, "client certificate"),
        (&[&login[..], &identity].concat(), "login and no client certificate"),
    ] {
        for more in [&[][..], &["--second-opinion"], &["-t", "home", "-V", "mqttv311"], &["--ws"]] {
            let words = [&["check", &url, "--cafile", "ca.crt"], given, more].concat();
            let (told, code) = report(&words, folder.path());
            assert_eq!((told["cause"].as_str(), code), (Some("ca.unknown"), 1), "{words:?}");
            assert_eq!(withheld(&told), format!("so it gets no {what} {sent}"), "{words:?}");
            let has_second = told["stages"].as_array().unwrap().iter().any(|stage| stage["name"] == "second");
            assert_eq!(has_second, more == ["--second-opinion"], "{words:?}");
            for form in [&[][..], &["--monitor"]] {
                let shown = run(moskit(&[&words[..], form].concat()).current_dir(folder.path()), b"");
                let text = shown.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(!text.contains("was given") && !text.contains("-u NAME"), "{words:?}: {text}");
                assert!(text.contains("[ca.unknown]"), "{words:?}: {text}");
            }
        }
    }
    // Who has nothing to withhold is told what the broker asks of everybody.
    let (told, _) = report(&["check", &url, "--cafile", "ca.crt"], folder.path());
    assert!(told.to_string().contains("client.cert-required"), "{told:#}");
}

#[test]
fn peers_that_are_silent_talk_nonsense_drip_or_flood_are_bounded_in_time() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    let hold = |mut stream: TcpStream| {
        let mut rest = Vec::new();
        // Ends when the other side does.
        let _ = stream.read_to_end(&mut rest);
    };
    let silent = stub(hold);
    let nonsense = stub(|mut stream| {
        let _ = stream.read(&mut [0; 64]);
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
    });
    let drip = stub(|mut stream| {
        // Of a packet that is not whole within any of the limits below.
        for byte in b"\x20\xff\x7f".iter().chain(&[0; 600]) {
            if stream.write_all(&[*byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let flood = stub(|mut stream| {
        let endless = [b"\x30\xff\xff\xff\x7f".as_slice(), &vec![b'x'; 65_536]].concat();
        while stream.write_all(&endless).is_ok() {}
    });
    let early = stub(|mut stream| while stream.write_all(b"\xd0\0").is_ok() {});
    // Its first bytes look like a PUBLISH that goes on.
    let mail = stub(|mut stream| {
        let _ = stream.write_all(b"220 mail.example.com ESMTP\r\n");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let http = stub(|mut stream| {
        let _ = stream.read(&mut [0; 512]);
        let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    });
    let rows = [
        (&silent, "proto.silent", "proto.silent"),
        (&nonsense, "proto.not-mqtt", "proto.not-mqtt"),
        (&drip, "proto.silent", "tls.tls-to-plain"),
        (&flood, "proto.not-mqtt", "proto.not-mqtt"),
        (&early, "proto.violation", "tls.tls-to-plain"),
        (&mail, "proto.not-mqtt", "proto.not-mqtt"),
        (&http, "proto.ws-vs-mqtt", "proto.ws-vs-mqtt"),
    ];
    for (address, plain, tls) in rows {
        within_short_or_long("0.5", |limit| {
            let started = Instant::now();
            assert_eq!(cause_within(limit, &[address], folder.path()), plain);
            assert_eq!(cause_within(limit, &[address, "--cafile", "ca.crt"], folder.path()), tls);
            assert!(started.elapsed() < Duration::from_secs(120), "{address} {:?}", started.elapsed());
        });
    }
}

#[test]
fn a_chain_of_200_kilobytes_is_refused_in_bounded_time() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    let leaf = fs::read(folder.path().join("server.crt")).unwrap();
    let ca = fs::read(folder.path().join("ca.crt")).unwrap();
    fs::write(folder.path().join("server.crt"), [leaf, ca.repeat(400)].concat()).unwrap();
    let Some((_server, address)) = s_server(folder.path(), &["-cert_chain", "server.crt"]) else { return };
    let started = Instant::now();
    let (report, code) = report(&["check", &address, "--cafile", "ca.crt", "--timeout", "1"], folder.path());
    assert_eq!((code, causes(&report)), (1, 1), "{report:#}");
    assert!(
        ["tls.protocol", "cert.malformed", "tls.failed"].contains(&report["cause"].as_str().unwrap()),
        "{report:#}"
    );
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn usage_errors_end_with_3() {
    for words in [
        vec!["a", "-h", "b"],
        vec!["--timeout", "0", "a"],
        vec!["--as-client", "a"],
        vec!["-d", "a"],
        vec!["-I", "x", "a"],
        vec!["a", "-V", "mqttv9"],
        vec!["--warn", "1d", "a"],
        vec!["--config", "x", "--json", "--monitor"],
    ] {
        let ended = run(&mut moskit(&[&["check"], &words[..]].concat()), b"");
        assert_eq!((ended.stdout.as_str(), ended.code), ("", 3), "{words:?}: {ended:?}");
    }
}
