//! Certificates that strict verifiers refuse, and keys that not every TLS takes, beside OpenSSL in person.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use moskit::diagnose::stacks::{Answer, Stack, opinions};
use moskit::pki::chain::{Anchors, Purpose, Question, Verdict, judge};
use moskit::pki::name::PeerName;
use moskit::pki::read;
use moskit::pki::strict::{self, Departure};

use crate::keys::openssl;
use crate::mosquitto::installed;
use crate::peers::s_server;
use crate::run::{moskit, run};

/// 2026-12-01, when the certificates of `tests/data/certificates` are valid.
const NOW: i64 = 1_796_083_200;

fn verdict(leaf: &Path, ca: &Path, host: &str, now: i64) -> Verdict {
    let name = PeerName::new(host);
    let question = Question { purpose: Purpose::Server, name: Some(&name), now, check_dates: true, revocation: None };
    judge(&read::certificates(leaf).unwrap(), &Anchors::new(read::certificates(ca).unwrap()), &question)
}

fn answer(verdict: &Verdict, stack: Stack) -> Answer {
    opinions(verdict, None).into_iter().find(|opinion| opinion.stack == stack).unwrap().answer
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/certificates").join(name)
}

#[test]
fn what_tools_make_is_judged_as_strict_openssl_judges_it() {
    use Departure::{CaWithoutKeyUsage, CaWithoutSubjectKeyId, ConstraintsNotCritical, NoAuthorityKeyId};
    let rows: [(&str, &[(usize, Departure)]); 4] = [
        ("easyrsa", &[(1, ConstraintsNotCritical)]),
        ("forge", &[(0, NoAuthorityKeyId), (1, ConstraintsNotCritical), (1, CaWithoutSubjectKeyId)]),
        ("cryptography", &[(0, NoAuthorityKeyId), (1, CaWithoutKeyUsage), (1, CaWithoutSubjectKeyId)]),
        ("mkcert", &[]),
    ];
    for (tool, expected) in rows {
        let (leaf, ca) = (data(tool).join("leaf.crt"), data(tool).join("ca.crt"));
        let verdict = verdict(&leaf, &ca, "mqtt.example.com", NOW);
        assert_eq!(strict::departures(&verdict.path, verdict.is_anchored), expected, "{tool}");
        assert_eq!(answer(&verdict, Stack::OpenSsl), Answer::Accepts, "{tool}: {:?}", verdict.problems);
        let strictly = answer(&verdict, Stack::Strict);
        let refuses = Answer::Refuses("cert.strict".to_owned());
        assert_eq!(strictly, if expected.is_empty() { Answer::Accepts } else { refuses }, "{tool}");
        if installed("openssl").is_some() {
            let now = NOW.to_string();
            let mut command = Command::new("openssl");
            command.args(["verify", "-x509_strict", "-purpose", "sslserver", "-attime", &now, "-CAfile"]);
            let status = command.arg(&ca).arg(&leaf).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
            assert_eq!(status.success(), expected.is_empty(), "openssl, {tool}");
        }
    }
    let leaf = data("forge").join("leaf.crt");
    let ca = data("forge").join("ca.crt");
    let words = ["certgen", "verify", leaf.to_str().unwrap(), "--ca", ca.to_str().unwrap(), "--at", "2026-12-01"];
    let ended = run(&mut moskit(&words), b"");
    assert!(
        ended.stdout.contains("\n  ✘ Python ≥ 3.13 and other strict X.509 users: refuse it (cert.strict)\n"),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("has basic constraints that are not critical"), "{ended:?}");
    assert_eq!(ended.code, 0);
    assert_eq!(run(&mut moskit(&[&words[..], &["--stack", "strict"]].concat()), b"").code, 1);
}

/// Whether a client by OpenSSL ends its handshake with a server that believes itself to be `localhost`.
fn openssl_connects(folder: &Path, address: &str, certificate: &str) -> bool {
    let words = [
        "s_client",
        "-connect",
        address,
        "-CAfile",
        certificate,
        "-verify_return_error",
        "-verify_hostname",
        "localhost",
    ];
    let mut command = Command::new("openssl");
    let command = command.current_dir(folder).args(words);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

#[test]
fn a_leafs_own_key_decides_in_the_handshake_as_we_say() {
    if installed("openssl").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Name, how the key is made, and whether rustls and mbedTLS take it; `None` is not known.
    let rows = [
        ("p256", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", Some(true), Some(true)),
        ("p384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384", Some(true), Some(true)),
        ("p521", "-algorithm EC -pkeyopt ec_paramgen_curve:P-521", Some(true), Some(true)),
        ("rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", Some(true), Some(true)),
        ("pss", "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048", Some(false), Some(false)),
        ("ed25519", "-algorithm ED25519", Some(true), Some(false)),
        ("ed448", "-algorithm ED448", Some(false), Some(false)),
        ("secp256k1", "-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1", Some(false), None),
        ("brainpool", "-algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1", Some(false), None),
    ];
    for (name, kind, rustls, mbedtls) in rows {
        openssl(folder, &format!("genpkey {kind} -out {name}.key"));
        let subject =
            "-subj /CN=localhost -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE";
        openssl(folder, &format!("req -x509 -key {name}.key -days 9 -out {name}.crt {subject}"));
        let (certificate, key) = (format!("{name}.crt"), format!("{name}.key"));
        let path = folder.join(&certificate);
        let now = jiff::Timestamp::now().as_second();
        let verdict = verdict(&path, &path, "localhost", now);
        let Some((_server, address)) = s_server(folder, &["-cert", &certificate, "-key", &key]) else { return };
        let theirs = openssl_connects(folder, &address, &certificate);
        assert_eq!(answer(&verdict, Stack::OpenSsl) == Answer::Accepts, theirs, "OpenSSL, {name}: {verdict:?}");
        let is = |stack| match answer(&verdict, stack) {
            Answer::Accepts => Some(true),
            Answer::Refuses(_) => Some(false),
            Answer::Unknown(_) => None,
        };
        assert_eq!((is(Stack::Rustls), is(Stack::MbedTls)), (rustls, mbedtls), "{name}");
        // moskit's own TLS is rustls.
        assert_eq!(Some(verdict.is_accepted()), rustls, "{name}: {:?}", verdict.problems);
    }
}

#[test]
fn who_names_no_ca_is_told_that_it_is_not_known() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(moskit(&["certgen", "broken", "none"]).current_dir(folder.path()), b"");
    assert_eq!(ended.code, 0, "{ended:?}");
    let set = folder.path().join("none");
    let ended = run(moskit(&["check", "files", "--cert", "server.crt"]).current_dir(&set), b"");
    assert!(!ended.stdout.contains("accept it"), "{ended:?}");
    assert!(
        ended.stdout.contains("OpenSSL clients (Mosquitto, Python, Node): not known, no CA was read (--cafile)"),
        "{ended:?}"
    );
    assert!(!ended.stdout.contains("all is well"), "{ended:?}");
    assert_eq!(ended.code, 0);
}

#[test]
fn only_files_that_are_swapped_are_called_so() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(moskit(&["certgen", "broken", "none"]).current_dir(folder.path()), b"");
    assert_eq!(ended.code, 0, "{ended:?}");
    let set = folder.path().join("none");
    fs::write(set.join("notes"), "x").unwrap();
    let fix = |words: &[&str]| run(moskit(&[&["check", "files"], words].concat()).current_dir(&set), b"").stdout;
    let swapped = "certificate and key files are swapped: exchange them";
    assert!(fix(&["--cert", "server.key", "--key", "server.crt"]).contains(swapped));
    for words in [
        &["--cafile", "server.key"][..],
        &["--cert", "server.key", "--key", "client.key"],
        &["--cert", "server.crt", "--key", "server.crt"],
        &["--cert", "server.key", "--key", "notes"],
    ] {
        assert!(!fix(words).contains("swapped"), "{words:?}");
    }
    assert!(!run(moskit(&["check", "--config", "."]).current_dir(&set), b"").stdout.contains("--capath"));
}
