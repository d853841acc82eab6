//! `moskit certgen verify`, `lint` and `renew`, on sets that are broken on purpose.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use serde_json::Value;

use crate::certgen::{certgen, made, openssl};
use crate::mosquitto::installed;
use crate::run::{Ended, moskit, run};

/// The ids of the findings, and whether OpenSSL, rustls and mbedTLS accept.
fn verified(folder: &Path, words: &str) -> (i32, Vec<String>, Vec<bool>) {
    let ended = certgen(folder, &format!("verify --json {words}"));
    let json: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{words}: {ended:?}"));
    let ids = json["findings"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
    let stacks = ["openssl", "rustls", "mbedtls"].map(|stack| json["verdicts"][stack]["accepts"] == true).to_vec();
    (ended.code, ids, stacks)
}

#[test]
fn verify_tells_what_each_family_of_clients_says() {
    let folder = tempfile::tempdir().unwrap();
    // Kind, exit code, first finding, and OpenSSL, rustls, mbedTLS.
    let rows = [
        ("none", 0, "", [true, true, true]),
        ("cert.expired", 1, "cert.expired", [false, false, false]),
        ("cert.not-yet-valid", 1, "cert.not-yet-valid", [false, false, false]),
        ("cert.hostname", 1, "cert.hostname", [false, false, false]),
        ("cert.cn-only", 0, "cert.cn-only", [true, false, true]),
        ("cert.subject-equals-issuer", 1, "cert.subject-equals-issuer", [false, true, true]),
        ("ca.unknown", 1, "ca.unknown", [false, false, false]),
        ("ca.same-name-other-key", 1, "ca.same-name-other-key", [false, false, false]),
        ("chain.missing-intermediate", 1, "ca.unknown", [false, false, false]),
        ("ca.not-a-ca", 1, "ca.not-a-ca", [false, true, false]),
        ("cert.v1", 0, "cert.cn-only", [true, false, true]),
        ("cert.self-signed-as-server", 0, "cert.self-signed-as-server", [true, false, true]),
        ("cert.weak-sha1", 1, "cert.weak", [false, false, false]),
        ("cert.weak-rsa1024", 1, "cert.weak", [false, false, false]),
        ("cert.eku", 1, "cert.eku", [false, false, false]),
        ("cert.name-constraints", 1, "cert.name-constraints", [false, false, false]),
        ("ca.expired", 1, "ca.expired", [false, true, false]),
    ];
    for (kind, code, id, stacks) in rows {
        made(folder.path(), &format!("broken {kind}"));
        let (ended, ids, told) = verified(&folder.path().join(kind), "server.crt --host localhost --purpose server");
        assert_eq!((ended, told.as_slice()), (code, stacks.as_slice()), "{kind}: {ids:?}");
        assert_eq!(ids.first().map_or("", String::as_str), id, "{kind}: {ids:?}");
    }
    let set = folder.path().join("ca.expired");
    assert_eq!(certgen(&set, "verify server.crt --stack rustls").code, 0);
    assert_eq!(certgen(&set, "verify server.crt --stack all").code, 1);
    let (code, ids, _) = verified(&folder.path().join("none"), "server.crt --at 2020-01-01");
    assert_eq!((code, ids[0].as_str()), (1, "cert.not-yet-valid"));
}

#[test]
fn verify_minds_keys_purposes_and_revocation_lists() {
    let folder = tempfile::tempdir().unwrap();
    let set = |kind: &str| {
        made(folder.path(), &format!("broken {kind}"));
        folder.path().join(kind)
    };
    let (code, ids, _) = verified(&set("key.mismatch"), "server.crt --key server.key");
    assert_eq!((code, ids), (1, vec!["key.mismatch".to_owned()]));
    let good = set("none");
    assert_eq!(verified(&good, "server.crt --key server.key --host 127.0.0.1").0, 0);
    assert_eq!(verified(&good, "client.crt --key client.key").0, 0);
    // A file with the certificate again and another key, and one without a key.
    let combined = ["client.crt", "server.key"].map(|name| fs::read_to_string(good.join(name)).unwrap()).concat();
    fs::write(good.join("combined.pem"), combined).unwrap();
    let (code, ids, _) = verified(&good, "client.crt --key combined.pem");
    assert_eq!((code, ids), (1, vec!["key.mismatch".to_owned()]));
    let ended = certgen(&good, "verify client.crt --key client.crt");
    assert_eq!((ended.code, ended.stderr.as_str()), (1, "error: `client.crt` holds no private key\n"));
    // A list that OpenSSL takes for text.
    let list = fs::read_to_string(set("client.revoked").join("crl.pem")).unwrap();
    fs::write(good.join("two.crl"), format!("{list}\n {list}")).unwrap();
    let ended = certgen(&good, "verify client.crt --crl two.crl");
    assert!(ended.code == 1 && ended.stderr.contains("OpenSSL reads only a part of the revocation list"), "{ended:?}");
    let (code, ids, _) = verified(&good, "client.crt --purpose server");
    assert_eq!((code, ids[0].as_str()), (1, "cert.eku"));
    let (code, ids, _) = verified(&folder.path().join("client.revoked"), "client.crt --crl crl.pem");
    assert_eq!((code, ids[0].as_str()), (1, "client.revoked"));
    let (code, ids, _) = verified(&set("crl.expired"), "client.crt --crl crl.pem");
    assert_eq!((code, ids[0].as_str()), (1, "crl.expired"));
    let ended = certgen(&good, "verify server.key");
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.starts_with("error: certificate `server.key` is not a certificate: it is a private key\n"));
}

#[test]
fn verify_tells_people_in_lines() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), "init . --hosts mqtt.lan --ca-name Lab");
    let ended = certgen(folder.path(), "verify server.crt --host mqtt.lan");
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(lines[0], "server.crt: good");
    assert!(lines[1].starts_with("  CN=mqtt.lan, issued by CN=Lab MQTT CA "));
    assert_eq!(
        lines[2..],
        [
            "  ✔ OpenSSL clients (Mosquitto, Python, Node): accept it",
            "  ✔ Python ≥ 3.13 and other strict X.509 users: accept it",
            "  ✔ rustls clients: accept it",
            "  ✔ mbedTLS clients (ESP32): accept it"
        ]
    );
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
}

#[test]
fn lint_finds_what_is_wrong_weak_or_soon_over() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let ids = |folder: &Path, words: &str| -> (i32, Vec<String>) {
        let ended = certgen(folder, &format!("lint --json {words}"));
        let line = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned();
        (ended.code, ended.stdout.lines().map(line).collect())
    };
    let rows = [
        ("none", 0, ""),
        ("cert.expired", 2, "cert.expired"),
        ("cert.not-yet-valid", 2, "cert.not-yet-valid"),
        ("cert.cn-only", 1, "cert.cn-only"),
        ("cert.ip-in-cn-or-dns", 2, "cert.ip-in-cn-or-dns"),
        ("cert.subject-equals-issuer", 2, "cert.subject-equals-issuer"),
        ("cert.v1", 1, "cert.v1"),
        ("cert.self-signed-as-server", 1, "cert.self-signed-as-server"),
        ("cert.weak-sha1", 2, "cert.weak"),
        ("cert.weak-rsa1024", 2, "cert.weak"),
        ("cert.lifetime", 1, "cert.lifetime"),
        ("ca.expired", 2, "ca.expired"),
        ("key.mismatch", 2, "key.mismatch"),
        ("key.encrypted", 0, "key.encrypted"),
        ("crl.expired", 2, "crl.expired"),
    ];
    for (kind, code, id) in rows {
        made(folder, &format!("broken {kind}"));
        let (ended, found) = ids(folder, kind);
        assert_eq!(ended, code, "{kind}: {found:?}");
        assert!(if id.is_empty() { found.is_empty() } else { found.iter().any(|it| it == id) }, "{kind}: {found:?}");
    }
    assert_eq!(certgen(folder, "lint none").stdout, "5 files are fine\n");
    fs::set_permissions(folder.join("none/server.key"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(ids(folder, "none"), (1, vec!["key.exposed".to_owned()]));
    made(folder, "ca Lab -o one --exact-name");
    made(folder, "ca Lab -o two --exact-name");
    assert_eq!(ids(folder, "one two"), (1, vec!["ca.same-name-other-key".to_owned()]));
    made(folder, "client soon -d one --days 20");
    assert_eq!(ids(folder, "one/soon.crt"), (1, vec!["cert.expires-soon".to_owned()]));
    assert_eq!(ids(folder, "one/soon.crt --within 10d"), (0, vec![]));
}

#[test]
fn renew_waits_until_it_is_due_and_keeps_what_the_certificate_says() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    made(folder, "init lab --hosts mqtt.lan,10.0.0.1 --clients dev1");
    made(folder, "server broker.lan 10.0.0.2 -d lab --days 20 --org Lab");
    let path = folder.join("lab/broker.lan.crt");
    for (words, code) in [("renew lab/server.crt", 0), ("renew lab/server.crt --exit-code", 1)] {
        let ended = certgen(folder, words);
        assert_eq!((ended.code, ended.stderr.as_str()), (code, ""), "{words}");
        assert!(ended.stdout.starts_with("lab/server.crt: not due, expires in "), "{}", ended.stdout);
    }
    let before = json(folder, "lab/broker.lan.crt");
    // The broker may be the owner of its files, and must stay it.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let is_root = fs::metadata(&path).unwrap().uid() == 0;
    if is_root {
        std::os::unix::fs::chown(&path, Some(1234), Some(1234)).unwrap();
    }
    made(folder, "renew lab/broker.lan.crt --days 300");
    let after = json(folder, "lab/broker.lan.crt");
    for same in ["subject", "issuer", "names", "pin", "key_usage", "extended_key_usage", "subject_key_id"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    for other in ["serial", "not_after", "sha256"] {
        assert_ne!(before[other], after[other], "{other}");
    }
    let facts = fs::metadata(&path).unwrap();
    assert_eq!(facts.permissions().mode() & 0o777, 0o640);
    assert_eq!(facts.uid(), if is_root { 1234 } else { facts.uid() });
    if installed("openssl").is_some() {
        let words = "verify -x509_strict -CAfile lab/ca.crt -purpose sslserver -verify_ip 10.0.0.2 lab/broker.lan.crt";
        let (code, text) = openssl(folder, words);
        assert_eq!(code, 0, "{text}");
    }
    made(folder, "renew lab/broker.lan.crt --within 400d --new-key --days 200");
    let newest = json(folder, "lab/broker.lan.crt");
    assert_ne!(newest["pin"], after["pin"]);
    assert_eq!(made(folder, "key match lab/broker.lan.crt lab/broker.lan.key"), "they belong together\n");
    assert_eq!(fs::metadata(folder.join("lab/broker.lan.key")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn expiry_tells_prometheus_when_certificates_and_lists_end_and_what_is_not_known() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    made(folder, "init lab --hosts mqtt.lan --clients dev1 --not-after 2027-12-24T10:00:00Z");
    made(folder, "broken crl.expired over");
    let ended = certgen(folder, "expiry --openmetrics lab/dev1.crt lab/dev1.crt over/crl.pem none.crt");
    assert_eq!(ended.code, 2, "{ended:?}");
    assert_eq!(ended.stderr, "error: none.crt: file `none.crt` does not exist\n");
    let samples: Vec<_> = ended.stdout.lines().filter(|line| !line.starts_with('#')).collect();
    let [certificate, list, unreadable] = samples[..] else { panic!("{samples:?}") };
    let name = "moskit_certificate_not_after_timestamp_seconds{target=\"lab/dev1.crt\",subject=\"CN=dev1\",serial=\"";
    assert!(certificate.starts_with(name) && certificate.ends_with("\"} 1829642400"), "{certificate}");
    let name = "moskit_crl_next_update_timestamp_seconds{target=\"over/crl.pem\",issuer=\"CN=Broken Lab CA\"} ";
    assert!(list.starts_with(name), "{list}");
    assert_eq!(unreadable, "moskit_expiry_unreadable{target=\"none.crt\"} 1");
    assert!(ended.stdout.ends_with("# EOF\n"), "{}", ended.stdout);
    assert_eq!(certgen(folder, "expiry --openmetrics --json lab").code, 3);
}

#[test]
fn renewing_keeps_the_chain_of_a_file_and_leaves_one_that_holds_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    made(folder, "ca Root --path-len 1");
    made(folder, "ca Floor --parent ca.crt");
    made(folder, "server mqtt.lan --ca floor.crt --days 20");
    fs::copy(folder.join("mqtt.lan-chain.crt"), folder.join("full.crt")).unwrap();
    made(folder, "renew full.crt --ca floor.crt");
    let (old, new) = (fs::read(folder.join("mqtt.lan-chain.crt")).unwrap(), fs::read(folder.join("full.crt")).unwrap());
    assert_ne!(old, new);
    assert_eq!(openssl(folder, "verify -CAfile ca.crt -untrusted full.crt full.crt").0, 0);

    let both =
        [fs::read(folder.join("mqtt.lan.key")).unwrap(), fs::read(folder.join("mqtt.lan.crt")).unwrap()].concat();
    fs::write(folder.join("both.pem"), &both).unwrap();
    let ended = certgen(folder, "renew both.pem --ca floor.crt");
    let stderr = "error: `both.pem` holds more than certificates (private key), which renewing would lose\n\
                  hint: move the certificates into a file of their own\n";
    assert_eq!(ended, Ended { stdout: String::new(), stderr: stderr.to_owned(), code: 2 });
    assert_eq!(fs::read(folder.join("both.pem")).unwrap(), both);
}

#[test]
fn renew_runs_its_command_and_says_when_that_fails() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    made(folder, "ca Lab");
    made(folder, "client dev1 --days 5");
    let renew = |command: &str| {
        run(moskit(&["certgen", "renew", "dev1.crt", "--days", "6", "--exec", command]).current_dir(folder), b"")
    };
    assert_eq!(renew("echo done > reloaded").code, 0);
    assert_eq!(fs::read_to_string(folder.join("reloaded")).unwrap(), "done\n");
    let ended = renew("exit 7");
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (2, "error: the certificate is renewed, but `exit 7` failed: exit status: 7\n")
    );
    let ended = certgen(folder, "renew ca.crt --within 9999d");
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.starts_with("error: `ca.crt` is a CA; "), "{}", ended.stderr);
    made(folder, "ca Other -o other");
    let ended = certgen(folder, "renew dev1.crt -d other");
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("`dev1.crt` was issued by `CN=Lab MQTT CA "), "{}", ended.stderr);
}

fn json(folder: &Path, file: &str) -> Value {
    let out: Value = serde_json::from_str(&made(folder, &format!("inspect --json {file}"))).unwrap();
    out["items"][0].clone()
}
