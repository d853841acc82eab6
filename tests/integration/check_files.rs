//! `moskit check` without a connection: files, configurations, ACL files, sessions.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use moskit::diagnose::catalogue::findings as all_findings;
use moskit::pki::make::{BROKEN_KINDS, BrokenKind, broken};
use serde_json::Value;

use crate::run::{Ended, moskit, run};

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Kinds of `certgen broken` whose server is not to be believed.
pub const WRONG_SERVERS: [&str; 10] = [
    "cert.expired",
    "cert.not-yet-valid",
    "cert.hostname",
    "ca.unknown",
    "ca.same-name-other-key",
    "chain.missing-intermediate",
    "ca.not-a-ca",
    "cert.eku",
    "cert.name-constraints",
    "ca.expired",
];

/// Writes the files of a kind of `certgen broken`.
pub fn write_broken(kind: BrokenKind, folder: &Path) {
    for file in broken(kind, now()).unwrap() {
        let path = folder.join(file.name);
        fs::write(&path, file.content.as_slice()).unwrap();
        let mode = if file.is_key { 0o600 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

pub fn write_kind(name: &str, folder: &Path) {
    write_broken(BrokenKind::find(name).unwrap(), folder);
}

/// The report of `moskit check WORDS --json`, and the exit code.
pub fn report(words: &[&str], folder: &Path) -> (Value, i32) {
    let ended = run(moskit(&[words, &["--json"]].concat()).current_dir(folder), b"");
    let json = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    for finding in findings(&json) {
        is_listed(&finding, "check");
    }
    (json, ended.code)
}

/// moskit-findings(7) names `verb` among those that report the finding `id severity`, which it has just reported.
pub fn is_listed(finding: &str, verb: &str) {
    let id = finding.split(' ').next().unwrap();
    let entry = all_findings().find(|entry| entry.id == id).unwrap_or_else(|| panic!("{id} is not in the catalogue"));
    assert!(entry.by.split(", ").any(|by| by == verb), "{verb} reports {id}; the catalogue says: {}", entry.by);
}

/// Every finding, `id severity`.
pub fn findings(report: &Value) -> Vec<String> {
    let stages = report["stages"].as_array().unwrap();
    let all = stages.iter().flat_map(|stage| stage["findings"].as_array().unwrap());
    all.map(|finding| format!("{} {}", finding["id"].as_str().unwrap(), finding["severity"].as_str().unwrap()))
        .collect()
}

/// How many findings are marked as the cause.
pub fn causes(report: &Value) -> usize {
    let stages = report["stages"].as_array().unwrap();
    stages
        .iter()
        .flat_map(|stage| stage["findings"].as_array().unwrap())
        .filter(|finding| finding["cause"] == true)
        .count()
}

fn words_for(finding: &str) -> Vec<&'static str> {
    let client =
        ["check", "files", "--cafile", "ca.crt", "--cert", "client.crt", "--key", "client.key", "--purpose", "client"];
    let server = ["check", "files", "--cafile", "ca.crt", "--cert", "server.crt", "--key", "server.key", "--host"];
    match finding {
        "client.revoked" | "crl.expired" => [&client[..], &["--crl", "crl.pem"]].concat(),
        id if id.starts_with("client.") => client.to_vec(),
        "cert.ip-in-cn-or-dns" => [&server[..], &["127.0.0.1"]].concat(),
        _ => [&server[..], &["localhost"]].concat(),
    }
}

/// What fails nothing here and now.
const TOLD_WITHOUT_FAILING: [&str; 5] =
    ["cert.cn-only", "cert.v1", "cert.self-signed-as-server", "cert.lifetime", "client.no-cn"];

#[test]
fn who_uses_a_ca_as_its_own_certificate_is_named() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("cert.self-signed-as-server", folder.path());
    for purpose in ["server", "client"] {
        let words = ["check", "files", "--cafile", "server.crt", "--cert", "server.crt", "--purpose", purpose];
        let (report, _) = report(&words, folder.path());
        let text = report.to_string();
        assert!(text.contains(&format!("the {purpose} uses a CA certificate (CA:TRUE) as its own")), "{report:#}");
        let other = if purpose == "server" { "client ID" } else { "certgen init" };
        assert!(!text.contains(other), "{report:#}");
    }
}

#[test]
fn every_broken_set_is_explained_by_its_finding() {
    for kind in BROKEN_KINDS.iter().filter(|kind| kind.finding != "none") {
        let folder = tempfile::tempdir().unwrap();
        write_broken(*kind, folder.path());
        let (report, code) = report(&words_for(kind.finding), folder.path());
        if TOLD_WITHOUT_FAILING.contains(&kind.finding) {
            let found = findings(&report);
            assert!(found.iter().any(|found| found.starts_with(kind.finding)), "{}: {found:?}", kind.name);
            assert_eq!((code, causes(&report)), (0, 0), "{}: {report:#}", kind.name);
        } else {
            assert_eq!(report["cause"], kind.finding, "{}: {report:#}", kind.name);
            assert_eq!((code, causes(&report)), (1, 1), "{}: {report:#}", kind.name);
        }
    }
}

#[test]
fn the_set_in_which_nothing_is_wrong_has_no_finding() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    for words in [words_for(""), words_for("client.")] {
        let (report, code) = report(&words, folder.path());
        assert_eq!((findings(&report), code), (Vec::new(), 0), "{report:#}");
    }
}

#[test]
fn stacks_disagree_where_they_were_measured_to() {
    let rows = [
        ("none", [true, true, true]),
        ("cert.subject-equals-issuer", [false, true, true]),
        ("cert.cn-only", [true, false, true]),
        ("cert.v1", [true, false, true]),
        ("cert.self-signed-as-server", [true, false, true]),
        ("ca.not-a-ca", [false, true, false]),
        ("ca.expired", [false, true, false]),
        ("cert.expired", [false, false, false]),
        ("cert.hostname", [false, false, false]),
    ];
    for (kind, expected) in rows {
        let folder = tempfile::tempdir().unwrap();
        write_kind(kind, folder.path());
        let (report, _) = report(&words_for(""), folder.path());
        let accepts = ["openssl", "rustls", "mbedtls"].map(|stack| report["verdicts"][stack]["accepts"] == true);
        assert_eq!(accepts, expected, "{kind}: {report:#}");
    }
}

#[test]
fn files_that_are_missing_or_something_else_are_named() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    fs::write(folder.path().join("empty"), "").unwrap();
    let rows = [
        (vec!["--cafile", "nowhere.crt"], "file.missing"),
        (vec!["--cafile", "ca.crt", "--cert", "."], "file.kind"),
        (vec!["--cafile", "client.key"], "file.kind"),
        (vec!["--cert", "server.crt", "--key", "server.crt"], "file.kind"),
        (vec!["--cert", "empty"], "file.kind"),
        (vec!["--capath", "."], "ca.unknown"),
        (vec!["--capath", "ca.crt"], "file.kind"),
        (vec!["--cafile", "ca.crt", "--crl", "ca.crt"], "file.kind"),
    ];
    for (words, id) in rows {
        let (report, code) = report(&[&["check", "files"], &words[..]].concat(), folder.path());
        assert_eq!((report["cause"].as_str(), code), (Some(id), 1), "{words:?}: {report:#}");
    }
}

#[test]
fn a_key_that_the_brokers_user_cannot_read_is_the_cause() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    write_kind("none", folder.path());
    let words = ["check", "files", "--cert", "server.crt", "--key", "server.key", "--user", "nobody"];
    let (report, code) = report(&words, folder.path());
    assert_eq!((report["cause"].as_str(), code), (Some("key.permission"), 1), "{report:#}");
    let fix = report["next"].as_str().unwrap();
    assert!(fix.starts_with("chgrp nogroup ") || fix.starts_with("chgrp nobody "), "{fix}");
    let words = ["check", "files", "--cert", "server.crt", "--key", "server.key", "--user", "4000000:4000001"];
    let (by_number, _) = crate::check_files::report(&words, folder.path());
    assert!(by_number["next"].as_str().unwrap().starts_with("chgrp 4000001 "), "{by_number:#}");
    let strangers = run(&mut moskit(&["check", "files", "--cert", "x", "--user", "no such user"]), b"");
    assert_eq!(
        strangers.stderr,
        "error: there is no user `no such user` on this machine\nhint: getent passwd lists the users\n"
    );
    assert_eq!(strangers.code, 3);
}

/// A configuration in a folder with good certificates, checked for the user root.
fn configuration(text: &str) -> (Value, i32) {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    fs::write(folder.path().join("plain"), "ann:secret\n").unwrap();
    fs::write(folder.path().join("acl"), "topic sometimes a\n").unwrap();
    for name in ["plain", "acl"] {
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let made = run(moskit(&["passwd", "-c", "--stdin", "passwords", "ann"]).current_dir(folder.path()), b"secret\n");
    assert_eq!(made.code, 0, "{made:?}");
    fs::write(folder.path().join("m.conf"), text).unwrap();
    report(&["check", "--config", "m.conf", "--user", "root"], folder.path())
}

const TLS: &str = "certfile server.crt\nkeyfile server.key\n";

#[test]
fn what_will_bite_in_a_configuration_is_found() {
    let rows = [
        ("listener 1883\nbogus 1\n".to_owned(), "conf.refused error"),
        ("listener 8883\ncafile ca.crt\n".to_owned(), "conf.refused error"),
        (String::new(), "net.loopback-only note"),
        ("listener 1884\n".to_owned(), "conf.nobody-can-connect error"),
        ("listener 1884\nallow_anonymous true\n".to_owned(), "conf.anonymous warning"),
        ("listener 1884\npassword_file nowhere\n".to_owned(), "auth.password-file error"),
        ("listener 1884\npassword_file plain\n".to_owned(), "auth.password-file error"),
        ("listener 1884\npassword_file passwords\nacl_file acl\n".to_owned(), "acl.file error"),
        ("listener 1884\npassword_file passwords\nacl_file missing\n".to_owned(), "file.missing error"),
        (format!("listener 1883\n{TLS}password_file passwords\n"), "conf.port warning"),
        ("listener 8883\npassword_file passwords\n".to_owned(), "conf.port warning"),
        ("listener 1884\nlistener 1884\npassword_file passwords\n".to_owned(), "conf.listener-twice error"),
        (format!("listener 8883\n{TLS}require_certificate true\npassword_file passwords\n"), "client.ca-unknown error"),
        (
            format!("listener 8883\n{TLS}cafile ca.crt\nuse_identity_as_username true\n"),
            "conf.identity-without-certificate error",
        ),
        (
            "listener 8883\ncertfile server.crt\nkeyfile client.key\npassword_file passwords\n".to_owned(),
            "key.mismatch error",
        ),
        (
            "listener 8883\ncertfile missing\nkeyfile server.key\npassword_file passwords\n".to_owned(),
            "file.missing error",
        ),
        (
            "listener 1884\npassword_file passwords\npersistence true\npersistence_location nowhere/\n".to_owned(),
            "conf.persistence-location error",
        ),
    ];
    for (text, expected) in rows {
        let (report, code) = configuration(&text);
        let found = findings(&report);
        assert!(found.iter().any(|found| found == expected), "{text:?}: {found:?}");
        let fails = expected.ends_with("error");
        assert_eq!((code, causes(&report)), if fails { (1, 1) } else { (0, 0) }, "{text:?}: {report:#}");
    }
}

#[test]
fn an_expired_revocation_list_in_a_configuration_is_the_cause() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("crl.expired", folder.path());
    let text = format!(
        "listener 8883\n{TLS}cafile ca.crt\ncrlfile crl.pem\nrequire_certificate true\nuse_identity_as_username true\n"
    );
    fs::write(folder.path().join("m.conf"), text).unwrap();
    let (report, code) = report(&["check", "files", "--config", "m.conf", "--user", "root"], folder.path());
    assert_eq!((report["cause"].as_str(), code), (Some("crl.expired"), 1), "{report:#}");
}

#[test]
fn healthy_configurations_give_nothing_above_a_note() {
    let listeners = [
        "listener 1883 127.0.0.1\nallow_anonymous true\n".to_owned(),
        "listener 1883\npassword_file passwords\n".to_owned(),
        format!("listener 8883\n{TLS}password_file passwords\n"),
        format!("listener 8883\n{TLS}cafile ca.crt\nrequire_certificate true\nuse_identity_as_username true\n"),
        format!("listener 8883\n{TLS}cafile ca.crt\nrequire_certificate true\nuse_subject_as_username true\n"),
        format!("listener 8883\n{TLS}tls_version tlsv1.3\npassword_file passwords\n"),
        format!("listener 1883 localhost\nlistener 8883\n{TLS}password_file passwords\n"),
        "listener 9001\nprotocol websockets\npassword_file passwords\n".to_owned(),
        "listener 0 mqtt.sock\nallow_anonymous true\n".to_owned(),
        "per_listener_settings true\nlistener 1883\npassword_file passwords\n".to_owned(),
    ];
    for listener in &listeners {
        for rest in ["", "persistence true\npersistence_location .\nmax_queued_messages 0\n"] {
            // per_listener_settings must come first.
            let (report, code) = configuration(&format!("{listener}{rest}"));
            let found = findings(&report);
            assert!(found.iter().all(|found| found.ends_with(" note")), "{listener}{rest}: {found:?}");
            assert_eq!(code, 0);
        }
    }
}

fn acl(text: &str, words: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("acl"), text).unwrap();
    run(moskit(&[&["check", "acl", "acl"], words].concat()).current_dir(folder.path()), b"")
}

#[test]
fn the_deciding_line_of_an_acl_file_is_shown() {
    let text = "topic read news/#\nuser ann\ntopic deny home/safe\ntopic home/#\npattern write dev/%c/up\n";
    let ended = acl(text, &["--user", "ann", "--client", "c1", "--topic", "home/safe"]);
    assert_eq!(
        ended.stdout,
        "acl: user `ann`, client `c1`, topic `home/safe`
✘ publish   line 3
            ✘ denied: line 3: `topic deny home/safe` [acl.publish-denied]
✘ receive   line 3
            ✘ denied: line 3: `topic deny home/safe` [acl.receive-denied]
            · a broker grants the subscription all the same and then delivers nothing
              [acl.subscribe-silent]

cause: denied: line 3: `topic deny home/safe` [acl.publish-denied]
"
    );
    assert_eq!((ended.stderr.as_str(), ended.code), ("", 1));
    let rows = [
        (vec!["-u", "ann", "-t", "home/door"], "line 4: `topic home/#`", 0),
        (
            vec!["-u", "ann", "-i", "c1", "-t", "dev/c1/up", "--access", "publish"],
            "line 5: `pattern write dev/%c/up`",
            0,
        ),
        (vec!["-u", "ann", "-i", "c2", "-t", "dev/c1/up", "--access", "publish"], "no entry speaks of the topic", 1),
        (vec!["-t", "news/today", "--access", "receive"], "line 1: `topic read news/#`", 0),
        (vec!["-u", "ann", "-t", "news/today", "--access", "receive"], "no entry speaks of the topic", 1),
        (vec!["-t", "$SYS/broker/uptime", "--access", "publish"], "$SYS is the broker's own", 1),
    ];
    for (words, expected, code) in rows {
        let ended = acl(text, &words);
        assert!(ended.stdout.contains(expected), "{words:?}: {}", ended.stdout);
        assert_eq!(ended.code, code, "{words:?}");
    }
}

#[test]
fn a_filter_is_no_topic_and_a_bad_acl_file_is_refused() {
    let ended = acl("topic a\n", &["-t", "a/#"]);
    assert_eq!(
        (ended.stderr.as_str(), ended.code),
        ("error: `a/#` is no topic\nhint: give one topic without `+` and `#`\n", 3)
    );
    let ended = acl("tropic a\n", &["-t", "a"]);
    assert!(ended.stdout.contains("no line begins with `tropic`"), "{}", ended.stdout);
    assert_eq!(ended.code, 1);
}

#[test]
fn a_session_without_file_or_in_nonsense_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.db"), "nonsense").unwrap();
    let rows = [("x.db", "session.unreadable"), ("nowhere.db", "session.unreadable"), (".", "session.unreadable")];
    for (file, id) in rows {
        let (report, code) = report(&["check", "session", "-i", "phone", file], folder.path());
        assert_eq!((report["cause"].as_str(), code), (Some(id), 3), "{file}: {report:#}");
        let is_folder = report.to_string().contains("there is no mosquitto.db and no mosquitto.sqlite3 in the folder");
        assert_eq!(is_folder, file == ".", "{report:#}");
    }
}

#[test]
fn a_session_that_cannot_be_looked_for_is_unknown_to_a_monitor() {
    let folder = tempfile::tempdir().unwrap();
    let ended =
        run(moskit(&["check", "session", "-i", "phone", "nowhere.db", "--monitor"]).current_dir(folder.path()), b"");
    assert!(ended.stdout.starts_with("MQTT UNKNOWN - session of client `phone`: "), "{ended:?}");
    assert_eq!(ended.code, 3);
}

#[test]
fn a_broker_beside_a_configuration_is_refused() {
    let ended = run(&mut moskit(&["check", "--config", "mosquitto.conf", "localhost"]), b"");
    assert!(ended.stderr.contains("cannot be used with"), "{ended:?}");
    assert_eq!(ended.code, 3);
}

#[test]
fn a_report_in_json_has_the_same_members_whatever_it_found() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("cert.expired", folder.path());
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let files = ["check", "files", "--cafile", "ca.crt", "--cert", "server.crt", "--host", "localhost"];
    let session = ["check", "session", "-i", "phone", "nowhere.db"];
    let refused = ["check", "127.0.0.1:1"];
    // What cannot be read is not known to be wrong.
    for (words, ends) in [(&files[..], (1, Some(false))), (&session, (3, None)), (&refused, (1, Some(false)))] {
        let (report, code) = report(words, folder.path());
        assert_eq!((causes(&report), (code, report["ok"].as_bool())), (1, ends), "{report:#}");
        assert_eq!(keys(&report), ["target", "ok", "cause", "next", "stages", "unjudged", "reservation", "verdicts"]);
        for stage in report["stages"].as_array().unwrap() {
            assert_eq!(keys(stage), ["name", "status", "facts", "findings", "not_tried"]);
            for finding in stage["findings"].as_array().unwrap() {
                assert_eq!(keys(finding), ["id", "severity", "what", "evidence", "fix", "cause"]);
                assert!(finding["fix"].is_string(), "an error without a remedy: {finding:#}");
                let texts = [&finding["what"], &finding["fix"]].map(|text| text.as_str().unwrap().contains('\n'));
                assert_eq!(texts, [false, false]);
            }
        }
    }
}

#[test]
fn a_session_is_judged_by_what_an_api_tells() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("key"), "id:secret\n").unwrap();
    let server = crate::qshape_http::emqx();
    let url = format!("emqx+http://127.0.0.1:{}", server.port);
    let of = |id: &str, url: &str| {
        report(&["check", "session", "-i", id, url, "--api-key-file", "key", "--timeout", "2"], folder.path())
    };
    let (gateway, code) = of("gw/1", &url);
    assert_eq!((code, &gateway["stages"][3]["facts"]["waiting"]), (0, &Value::from(3)), "{gateway:#}");
    assert_eq!(findings(&gateway), ["session.queue-full warning"], "{gateway:#}");
    let (nobody, code) = of("nobody", &url);
    assert_eq!((nobody["cause"].as_str(), code), (Some("session.storefwd"), 1), "{nobody:#}");
    let (unread, code) = of("gw/1", &format!("emqx+http://127.0.0.1:{}", crate::mosquitto::free_port()));
    assert_eq!((unread["cause"].as_str(), code), (Some("session.unreadable"), 3), "{unread:#}");
    assert!(!format!("{gateway}{nobody}{unread}").contains("secret"));
}

#[test]
fn a_session_is_judged_by_mosquittos_own_file() {
    let folder = tempfile::tempdir().unwrap();
    let port = crate::mosquitto::free_port();
    let configuration = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {}/\n",
        folder.path().display()
    );
    let Some(broker) = crate::mosquitto::Mosquitto::start(folder.path(), &configuration) else { return };
    let port = port.to_string();
    let client = |words: &[&str]| {
        let ended = run(&mut moskit(&[words, &["-h", "127.0.0.1", "-p", &port]].concat()), b"");
        assert_eq!(ended.code, 0, "{ended:?}");
    };
    client(&["sub", "-i", "good", "-c", "-q", "1", "-t", "a", "-E"]);
    client(&["sub", "-i", "weak", "-c", "-q", "0", "-t", "a", "-E"]);
    client(&["pub", "-t", "a", "-m", "1", "-q", "1"]);
    broker.end();
    let rows = [("good", None, 0), ("weak", Some("session.storefwd"), 1), ("nobody", Some("session.storefwd"), 1)];
    for (id, cause, code) in rows {
        let (report, ended) = report(&["check", "session", "-i", id, "mosquitto.db"], folder.path());
        assert_eq!((report["cause"].as_str(), ended), (cause, code), "{id}: {report:#}");
    }
    let (good, _) = report(&["check", "session", "-i", "good", "mosquitto.db"], folder.path());
    assert_eq!(good["stages"][3]["facts"]["waiting"], 1, "{good:#}");
}

#[test]
fn monitoring_gets_one_line_and_its_codes() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    let files = ["check", "files", "--cafile", "ca.crt", "--cert", "server.crt", "--host", "localhost", "--monitor"];
    let rows = [
        (vec![], "MQTT OK - files: all stages passed | days=90;30:;7:\n", 0),
        (vec!["--warn", "100d"], "MQTT WARNING - files: certificate valid for 90 more days | days=90;100:;7:\n", 1),
        (
            vec!["--warn", "15w", "--crit", "100d"],
            "MQTT CRITICAL - files: certificate valid for 90 more days | days=90;105:;100:\n",
            2,
        ),
    ];
    for (more, line, code) in rows {
        let ended = run(moskit(&[&files, &more[..]].concat()).current_dir(folder.path()), b"");
        // A second after it was made, a certificate for 90 days has 89 whole ones left.
        let stdout = ended.stdout.replace("89", "90");
        assert_eq!((stdout.as_str(), ended.stderr.as_str(), ended.code), (line, "", code));
    }
    for more in [vec!["--crit", "100d"], vec!["--warn", "5d"], vec!["--warn", "30"]] {
        let ended = run(moskit(&[&files, &more[..]].concat()).current_dir(folder.path()), b"");
        assert_eq!((ended.code, ended.stdout.as_str()), (3, ""), "{ended:?}");
    }
    let unknown = ["check", "files", "--cert", "server.crt", "--user", "no such user", "--monitor"];
    let ended = run(moskit(&unknown).current_dir(folder.path()), b"");
    let line = "MQTT UNKNOWN - there is no user `no such user` on this machine\n";
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str(), ended.code), (line, "", 3));
    let ended = run(moskit(&[&files[..], &["--warn", "often"]].concat()).current_dir(folder.path()), b"");
    assert_eq!(ended.code, 3);
}
