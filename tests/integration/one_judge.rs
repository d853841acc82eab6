//! A thing is judged once: the same finding, with the same severity and in the same order, wherever it is asked for.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;

use moskit::pki::make::BROKEN_KINDS;
use serde_json::Value;

use crate::broker_verb::Broker;
use crate::check_files::{findings, is_listed, report, write_broken, write_kind};
use crate::mosquitto::{free_port, installed};
use crate::peers::{recorder, s_server};
use crate::run::{moskit, run};

/// The findings of `certgen lint FILES`, `id severity`, file by file.
fn lint(folder: &Path, files: &[&str]) -> Vec<String> {
    let words = [&["certgen", "lint", "--json", "--within", "14d"], files].concat();
    let ended = run(moskit(&words).current_dir(folder), b"");
    let found = ended.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found: Vec<_> = found.map(|found| id_and_severity(&found)).collect();
    for it in &found {
        is_listed(it, "certgen lint");
    }
    found
}

fn id_and_severity(finding: &Value) -> String {
    format!("{} {}", finding["id"].as_str().unwrap(), finding["severity"].as_str().unwrap())
}

/// What `certgen verify WORDS` says, as JSON.
fn verify(folder: &Path, words: &[&str]) -> Value {
    let ended = run(moskit(&[&["certgen", "verify", "--json"], words].concat()).current_dir(folder), b"");
    let verified: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    for it in verified["findings"].as_array().unwrap() {
        is_listed(&id_and_severity(it), "certgen verify");
    }
    verified
}

/// The findings of one stage, in order.
fn of_stage(report: &Value, name: &str) -> Vec<String> {
    let stages = report["stages"].as_array().unwrap();
    let found = stages.iter().filter(|stage| stage["name"] == name).flat_map(|it| it["findings"].as_array().unwrap());
    found.map(id_and_severity).collect()
}

/// The findings of `check --config` for a listener with the server's files.
fn config(folder: &Path) -> Vec<String> {
    let text = "listener 8883\ncertfile server.crt\nkeyfile server.key\nallow_anonymous true\n";
    fs::write(folder.join("m.conf"), text).unwrap();
    findings(&report(&["check", "--config", "m.conf"], folder).0)
}

fn only(found: Vec<String>, ids: &[&str]) -> Vec<String> {
    found.into_iter().filter(|it| ids.iter().any(|id| it.split(' ').next() == Some(id))).collect()
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_key_that_others_can_read_is_one_finding_in_four_places() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    let rows = [(0o600, false), (0o640, false), (0o644, true), (0o604, true), (0o602, true), (0o660, false)];
    for (mode, is_exposed) in rows {
        chmod(&folder.path().join("server.key"), mode);
        chmod(&folder.path().join("client.key"), mode);
        let expected = if is_exposed { vec!["key.exposed warning"] } else { Vec::new() };
        let files = ["check", "files", "--cert", "server.crt", "--key", "server.key"];
        // Nobody listens there: the own certificate is judged before.
        let own = ["check", "mqtts://127.0.0.1:1", "--cafile", "ca.crt", "--cert", "client.crt", "--key", "client.key"];
        let own = report(&own, folder.path()).0;
        let places = [
            ("lint", lint(folder.path(), &["server.key"])),
            ("files", findings(&report(&files, folder.path()).0)),
            ("config", config(folder.path())),
        ];
        for (place, found) in places {
            assert_eq!(only(found, &["key.exposed"]), expected, "{place}, mode {mode:o}");
        }
        let of_identity = of_stage(&own, "identity");
        if !of_identity.is_empty() || own["stages"].as_array().unwrap().iter().any(|it| it["name"] == "identity") {
            assert_eq!(only(of_identity, &["key.exposed"]), expected, "online, mode {mode:o}: {own:#}");
        }
    }
}

#[test]
fn a_chain_is_judged_alike_by_verify_by_check_files_and_over_the_wire() {
    // Files that are no pair, or no PEM, end verify and keep a server from starting.
    let no_server = ["key.mismatch", "key.encrypted", "file.kind", "chain.order", "cert.weak"];
    let kinds = BROKEN_KINDS.iter().filter(|it| !it.name.starts_with("client.") && it.name != "file.kind");
    // Each server is silent behind its handshake, so that each check takes all of its time: they run side by side.
    thread::scope(|scope| {
        for kind in kinds {
            scope.spawn(|| {
                let folder = tempfile::tempdir().unwrap();
                let folder = folder.path();
                write_broken(*kind, folder);
                let host = if kind.finding == "cert.ip-in-cn-or-dns" { "127.0.0.1" } else { "localhost" };
                let verified = verify(folder, &["server.crt", "--host", host]);
                let words = ["check", "files", "--cafile", "ca.crt", "--cert", "server.crt", "--host", host];
                let of_files = report(&words, folder).0;
                let expected: Vec<_> = verified["findings"].as_array().unwrap().iter().map(id_and_severity).collect();
                assert_eq!(of_stage(&of_files, "chain"), expected, "{}: check files", kind.name);
                assert_eq!(of_files["verdicts"], verified["verdicts"], "{}: check files", kind.name);
                if no_server.contains(&kind.finding) {
                    return;
                }
                let Some((_server, address)) = s_server(folder, &["-cert_chain", "server.crt"]) else { return };
                let port = address.rsplit(':').next().unwrap();
                let words = ["check", "-h", host, "-p", port, "--cafile", "ca.crt", "--timeout", "5"];
                let online = report(&words, folder).0;
                assert_eq!(of_stage(&online, "chain"), expected, "{}: check", kind.name);
                assert_eq!(online["verdicts"], verified["verdicts"], "{}: check", kind.name);
            });
        }
    });
}

/// What can be said of a server's certificate without its CA and without a host.
const OF_ONE: [&str; 9] = [
    "cert.expired",
    "cert.not-yet-valid",
    "cert.subject-equals-issuer",
    "cert.self-signed-as-server",
    "cert.weak",
    "cert.v1",
    "cert.strict",
    "cert.lifetime",
    "cert.unsupported-key",
];

#[test]
fn a_certificate_without_its_ca_is_judged_alike_by_lint_by_check_files_and_in_a_configuration() {
    for kind in BROKEN_KINDS.iter().filter(|it| !it.name.starts_with("client.") && it.name != "file.kind") {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write_broken(*kind, folder);
        if kind.name == "chain.order" || kind.name == "cert.eku" {
            // What stands first in the file is no server's.
            continue;
        }
        let words = ["check", "files", "--cert", "server.crt"];
        let expected = only(lint(folder, &["server.crt"]), &OF_ONE);
        assert_eq!(only(findings(&report(&words, folder).0), &OF_ONE), expected, "{}: check files", kind.name);
        assert_eq!(only(config(folder), &OF_ONE), expected, "{}: check --config", kind.name);
    }
}

fn openssl(folder: &Path, words: &str) -> Option<()> {
    let done = Command::new(installed("openssl")?).args(words.split(' ')).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{words}: {}", String::from_utf8_lossy(&done.stderr));
    Some(())
}

#[test]
fn a_server_that_signed_itself_is_no_certificate_with_the_name_of_its_ca() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.crt \
                 -days 90 -subj /CN=localhost -addext subjectAltName=DNS:localhost";
    for more in ["", " -addext basicConstraints=critical,CA:FALSE"] {
        if openssl(folder, &format!("{words}{more}")).is_none() {
            return;
        }
        let equal = ["cert.subject-equals-issuer", "client.subject-equals-issuer"];
        let files = report(&["check", "files", "--cert", "server.crt"], folder).0;
        for (place, found) in
            [("lint", lint(folder, &["server.crt"])), ("files", findings(&files)), ("config", config(folder))]
        {
            assert_eq!(only(found, &equal), Vec::<String>::new(), "{place}{more}");
        }
        // Who trusts another CA hears that this one is unknown, and why.
        let other = tempfile::tempdir().unwrap();
        write_kind("none", other.path());
        fs::copy(other.path().join("ca.crt"), folder.join("ca.crt")).unwrap();
        let found = report(&["check", "files", "--cafile", "ca.crt", "--cert", "server.crt"], folder).0;
        assert_eq!(found["cause"], "ca.unknown", "{more}: {found:#}");
    }
}

#[test]
fn a_key_that_is_too_short_is_told_once_by_its_certificate_and_alone_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_kind("cert.weak-rsa1024", folder);
    let ids = ["cert.weak", "key.unusable", "cert.unsupported-key"];
    let words = ["check", "files", "--cert", "server.crt", "--key", "server.key"];
    let files = |words: &[&str]| only(findings(&report(words, folder).0), &ids);
    assert_eq!(only(lint(folder, &["server.crt", "server.key"]), &ids), ["cert.weak error"]);
    assert_eq!(files(&words), ["cert.weak error"]);
    assert_eq!(only(config(folder), &ids), ["cert.weak error"]);
    fs::rename(folder.join("server.key"), folder.join("alone.key")).unwrap();
    assert_eq!(only(lint(folder, &["alone.key"]), &ids), ["key.unusable error"]);
    assert_eq!(files(&["check", "files", "--key", "alone.key"]), ["key.unusable error"]);
}

#[test]
fn a_file_in_the_wrong_order_is_not_taken_for_a_foreign_key() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_kind("chain.order", folder);
    let ids = ["chain.order", "key.mismatch"];
    let mut verified = verify(folder, &["server.crt", "--key", "server.key"]);
    let verified = verified["findings"].take().as_array().unwrap().iter().map(id_and_severity).collect();
    let words = ["check", "files", "--cert", "server.crt", "--key", "server.key"];
    for (place, found) in [
        ("verify", verified),
        ("lint", lint(folder, &["server.crt"])),
        ("files", findings(&report(&words, folder).0)),
        ("config", config(folder)),
    ] {
        let mut found = only(found, &ids);
        found.dedup();
        assert_eq!(found, ["chain.order error"], "{place}");
    }
}

#[test]
fn what_lives_too_long_is_said_when_it_is_made_and_when_it_is_looked_at() {
    let rows = [
        ("--days 825 --backdate 0", false),
        ("--days 826 --backdate 0", true),
        ("--days 825", true),
        ("--days 824", false),
        ("--days 800 --backdate 30d", true),
    ];
    for (lifetime, is_long) in rows {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let made = |words: &str| {
            let words: Vec<_> = words.split(' ').collect();
            let ended = run(moskit(&[&["certgen"], &words[..]].concat()).current_dir(folder), b"");
            assert_eq!(ended.code, 0, "{ended:?}");
            ended.stderr.contains("days from its first second on: Apple's clients refuse more than 825")
        };
        made("ca Lab --days 4000 --backdate 60d");
        assert_eq!(made(&format!("server localhost --stem server {lifetime}")), is_long, "{lifetime}");
        // The rule is one for servers.
        assert!(!made(&format!("client dev1 {lifetime}")), "{lifetime}");
        let expected = if is_long { vec!["cert.lifetime warning"] } else { Vec::new() };
        let mut verified = verify(folder, &["server.crt"]);
        let verified = verified["findings"].take().as_array().unwrap().iter().map(id_and_severity).collect();
        let files = report(&["check", "files", "--cafile", "ca.crt", "--cert", "server.crt"], folder).0;
        for (place, found) in [
            ("lint", lint(folder, &["server.crt"])),
            ("verify", verified),
            ("files", findings(&files)),
            ("config", config(folder)),
        ] {
            assert_eq!(only(found, &["cert.lifetime"]), expected, "{place}, {lifetime}");
        }
        assert_eq!(only(lint(folder, &["dev1.crt"]), &["cert.lifetime"]), Vec::<String>::new(), "{lifetime}");
    }
}

#[test]
fn who_is_believed_by_pub_gets_the_login_of_check_too() {
    let address = "127.0.0.1";
    let rows = [
        ("CN alone", "", address),
        ("IP", "-addext subjectAltName=IP:127.0.0.1", address),
        ("DNS for an address", "-addext subjectAltName=DNS:127.0.0.1", address),
        ("another name", "-addext subjectAltName=DNS:elsewhere", address),
        ("CN alone", "", "localhost"),
        ("another name", "-addext subjectAltName=DNS:elsewhere", "localhost"),
    ];
    for (what, names, host) in rows {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let words = format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.crt -days 90 \
             -subj /CN={host} -addext basicConstraints=critical,CA:FALSE {names}"
        );
        if openssl(folder, words.trim_end()).is_none() {
            return;
        }
        let got_login = |words: &[&str]| {
            let (port, record) = recorder(folder);
            let port = port.to_string();
            let at = ["-h", host, "-p", &port, "--cafile", "server.crt", "-u", "ann", "-P", "secret"];
            run(moskit(&[words, &at].concat()).current_dir(folder), b"");
            let inside = record.lock().unwrap().inside.clone();
            inside.windows(6).any(|part| part == b"secret")
        };
        let by_pub = got_login(&["pub", "-t", "t", "-m", "m"]);
        assert_eq!(got_login(&["check", "--timeout", "2"]), by_pub, "{what} {host}");
    }
}

#[test]
fn what_a_certificate_is_for_is_guessed_alike() {
    let rows = [
        ("", false),
        ("-addext extendedKeyUsage=serverAuth", false),
        ("-addext extendedKeyUsage=clientAuth", true),
        ("-addext extendedKeyUsage=serverAuth,clientAuth", false),
    ];
    for (usage, is_client) in rows {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let words = format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout it.key -out it.crt -days 90 -subj /O=Lab \
             -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:dev1 {usage}"
        );
        if openssl(folder, words.trim_end()).is_none() {
            return;
        }
        // Only a client needs a common name.
        let expected = if is_client { vec!["client.no-cn warning"] } else { Vec::new() };
        let verified = verify(folder, &["it.crt", "--ca", "it.crt"]);
        for (place, found) in [
            ("verify", verified["findings"].as_array().unwrap().iter().map(id_and_severity).collect()),
            ("files", findings(&report(&["check", "files", "--cert", "it.crt"], folder).0)),
            ("lint", lint(folder, &["it.crt"])),
        ] {
            assert_eq!(only(found, &["client.no-cn"]), expected, "{place} {usage}");
        }
    }
}

#[test]
fn a_line_of_a_password_file_is_wrong_in_the_same_words() {
    let hash = "$7$1000$c2FsdHNhbHRzYWx0$";
    let sha = "cGFzc3dvcmRwYXNzd29yZHBhc3N3b3JkcGFzc3dvcmRwYXNzd29yZHBhc3N3b3JkcGFzc3dvcmRwYXNzd28=";
    let rows = [
        ("ann:".to_owned(), None),
        ("ann:plain".to_owned(), Some("not a hash")),
        (format!("ann:$7$x$c2FsdHNhbHRzYWx0${sha}"), Some("damaged hash: iterations")),
        (format!("ann:$7$1000$!!!${sha}"), Some("damaged hash: salt")),
        (format!("ann:{hash}!!!"), Some("damaged hash")),
    ];
    for (line, words) in rows {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        chmod(folder, 0o755);
        fs::write(folder.join("p"), format!("{line}\n")).unwrap();
        chmod(&folder.join("p"), 0o644);
        let conf = format!("listener 1883 127.0.0.1\npassword_file {}\n", folder.join("p").display());
        fs::write(folder.join("m.conf"), &conf).unwrap();
        let broker = run(&mut moskit(&["broker", "-c", folder.join("m.conf").to_str().unwrap(), "--test-config"]), b"");
        let checked = report(&["check", "--config", "m.conf"], folder).0.to_string();
        let listed = run(moskit(&["passwd", "--list", "p"]).current_dir(folder), b"");
        let words = words.unwrap_or("the hash is empty");
        assert!(broker.stderr.contains(words), "{line}: {broker:?}");
        assert!(checked.contains(words), "{line}: {checked}");
        // A line without a hash is no user, so the list has no row for it.
        if line != "ann:" {
            assert!(listed.stdout.contains(words), "{line}: {listed:?}");
        }
    }
}

#[test]
fn the_first_line_of_a_secret_is_the_same_for_every_verb() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let secret = "s3 cret";
    let done = |words: &[&str]| {
        let ended = run(moskit(words).current_dir(folder), b"");
        assert_eq!(ended.code, 0, "{words:?}: {ended:?}");
    };
    fs::write(folder.join("good"), secret).unwrap();
    done(&["passwd", "-c", "passwords", "ann", "--pw-file", "good"]);
    done(&["certgen", "ca", "Lab", "--encrypt", "--pass-file", "good"]);
    chmod(&folder.join("passwords"), 0o644);
    let passwords = folder.join("passwords");
    let port = free_port().to_string();
    let conf = format!("listener {port} 127.0.0.1\npassword_file {}\n", passwords.display());
    let _broker = Broker::configured(folder, &conf);
    let rows = [
        (secret.to_owned(), true),
        (format!("{secret}\n"), true),
        (format!("{secret}\r\n"), true),
        (format!("{secret}\nmore\n"), true),
        (format!("{secret}\n\n"), true),
        (format!("{secret} \n"), false),
        (format!("\n{secret}\n"), false),
        (format!("{secret}\r"), true),
        (String::new(), false),
    ];
    for (text, is_right) in rows {
        fs::write(folder.join("file"), &text).unwrap();
        let opens = |words: &[&str]| run(moskit(words).current_dir(folder), b"").code == 0;
        let places = [
            ("passwd", opens(&["passwd", "--verify", "ann", "passwords", "--pw-file", "file"])),
            ("certgen", opens(&["certgen", "key", "decrypt", "ca.key", "--pass-file", "file", "-o", "-"])),
            ("pub", opens(&["pub", "-h", "127.0.0.1", "-p", &port, "-u", "ann", "--pw-file", "file", "-t", "t", "-n"])),
        ];
        for (place, opened) in places {
            assert_eq!(opened, is_right, "{place}: {text:?}");
        }
    }
}

#[test]
fn host_and_port_are_read_alike() {
    let rows = [
        ("127.0.0.1:1", Some("127.0.0.1:1")),
        ("[::1]:1", Some("[::1]:1")),
        ("127.0.0.1:00001", Some("127.0.0.1:1")),
        ("127.0.0.1:", None),
        ("127.0.0.1:0", None),
        ("127.0.0.1:65536", None),
        ("127.0.0.1:+1", None),
        ("127.0.0.1: 1", None),
        ("127.0.0.1:x", None),
        (":1", None),
        ("[::1", None),
        ("[::1]1", None),
        ("[]:1", None),
    ];
    for (text, place) in rows {
        let url = format!("mqtt://{text}/t");
        let api = format!("emqx+http://{text}");
        let checked = run(&mut moskit(&["check", text, "--timeout", "1"]), b"");
        let subscribed = run(&mut moskit(&["sub", "-L", &url, "-W", "1"]), b"");
        let shaped = run(&mut moskit(&["qshape", &api, "--timeout", "1"]), b"");
        let inspected = run(&mut moskit(&["certgen", "inspect", text]), b"");
        if let Some(place) = place {
            assert!(checked.stdout.starts_with(&format!("{place}\n")), "{text}: {checked:?}");
            assert!(subscribed.stderr.contains("refused"), "{text}: {subscribed:?}");
            assert!(shaped.stderr.contains(&format!("cannot read from {place}: Connection refused")), "{shaped:?}");
            assert!(inspected.stderr.contains("port 1"), "{text}: {inspected:?}");
        } else {
            assert_eq!((checked.code, shaped.code), (3, 3), "{text}: {checked:?} {shaped:?}");
            assert!(subscribed.stderr.starts_with("Error: Invalid URL"), "{text}: {subscribed:?}");
            // A place that is none is taken for a file; nothing behind the colon is the port of MQTT over TLS.
            let is_file = inspected.stderr.contains("does not exist");
            assert_eq!(is_file, text != "127.0.0.1:", "{text}: {inspected:?}");
        }
    }
}

#[test]
fn a_number_without_a_unit_is_no_span_of_time() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    let rows: &[&[&str]] = &[
        &["certgen", "lint", ".", "--within"],
        &["certgen", "expiry", ".", "--warn"],
        &["certgen", "expiry", ".", "--crit"],
        &["certgen", "renew", "server.crt", "--within"],
        &["certgen", "crl", "--warn"],
        &["certgen", "crl", "--within"],
        &["certgen", "ca", "Lab", "--backdate"],
        &["check", "files", "--cert", "server.crt", "--monitor", "--warn"],
        &["check", "files", "--cert", "server.crt", "--monitor", "--crit"],
        &["qshape", "list", "c", "q.ndjson", "--older"],
        &["qshape", "q.ndjson", "--fail-over"],
    ];
    fs::write(folder.path().join("q.ndjson"), "").unwrap();
    for words in rows {
        let ended = run(moskit(&[words, &["30"][..]].concat()).current_dir(folder.path()), b"");
        assert_eq!((ended.code, ended.stdout.as_str()), (3, ""), "{words:?}: {ended:?}");
        assert!(ended.stderr.contains("30"), "{words:?}: {ended:?}");
    }
}
