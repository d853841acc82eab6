//! Set-ups in which nothing is wrong, with Debian's mosquitto: a check finds nothing above a note.

use std::fs;
use std::path::Path;

use crate::check_files::{findings, report, write_kind};
use crate::keys::openssl;
use crate::mosquitto::{Mosquitto, free_port};
use crate::run::{moskit, run};

/// Something that must be healthy: a name, the listener's lines, the words of the check.
struct SetUp {
    name: &'static str,
    listener: String,
    words: Vec<&'static str>,
    host: &'static str,
    /// A local address to listen on, `127.0.0.1` if it does not matter.
    bind: &'static str,
}

fn set_up(name: &'static str, listener: impl Into<String>, words: &[&'static str]) -> SetUp {
    SetUp { name, listener: listener.into(), words: words.to_vec(), host: "localhost", bind: "127.0.0.1" }
}

impl SetUp {
    fn at(self, host: &'static str, bind: &'static str) -> Self {
        Self { host, bind, ..self }
    }
}

/// Keys and certificates of many kinds, by certgen and by openssl.
fn write_certificates(folder: &Path) {
    write_kind("none", folder);
    let certgen = |words: &[&str]| {
        let ended = run(moskit(&[&["certgen"], words].concat()).current_dir(folder), b"");
        assert_eq!(ended.code, 0, "{words:?}: {ended:?}");
    };
    for key in ["p384", "rsa2048", "ed25519"] {
        certgen(&["init", key, "--hosts", "localhost,127.0.0.1,::1", "--clients", "dev1", "--key", key]);
    }
    certgen(&["ca", "Root", "-o", "deep", "--stem", "root", "--path-len", "1"]);
    certgen(&["ca", "Below", "-o", "deep", "--stem", "ca", "--parent", "deep/root.crt"]);
    certgen(&["server", "localhost", "-d", "deep"]);
    certgen(&["ca", "Wild", "-o", "wild"]);
    certgen(&["server", "*.localhost.localdomain", "-d", "wild", "--stem", "server", "--san", "localhost"]);
    openssl(
        folder,
        "req -x509 -newkey rsa:2048 -nodes -days 90 -keyout own.key -out own.crt -subj /CN=localhost -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE",
    );
}

fn tls(certificate: &str, key: &str) -> String {
    format!("certfile {certificate}\nkeyfile {key}\n")
}

fn set_ups() -> Vec<SetUp> {
    let anonymous = "allow_anonymous true\n";
    let password = "allow_anonymous false\npassword_file passwords\n";
    let good = tls("server.crt", "server.key");
    let login = ["-u", "ann", "--pw-file", "pw", "-t", "home"];
    let with = |more: &[&'static str]| [&["--cafile", "ca.crt", "-t", "home"], more].concat();
    let identity = ["--cert", "client.crt", "--key", "client.key"];
    vec![
        set_up("in clear", anonymous, &["-t", "home"]),
        set_up("in clear, by address", anonymous, &["-t", "home"]).at("127.0.0.1", "127.0.0.1"),
        set_up("in clear, IPv6", anonymous, &["-t", "home"]).at("::1", "::1"),
        set_up("version 3.1.1", anonymous, &["-t", "home", "-V", "mqttv311"]),
        set_up("version 5", anonymous, &["-t", "home", "-V", "mqttv5"]),
        set_up("version 3.1", anonymous, &["-t", "home", "-V", "mqttv31"]),
        set_up("store and forward", anonymous, &["-t", "home", "-i", "phone", "-c", "-q", "1", "-x", "600"]),
        set_up("a password", password, &login),
        set_up("websockets", format!("protocol websockets\n{anonymous}"), &["--ws", "-t", "home"]),
        set_up("TLS", format!("{anonymous}{good}"), &with(&[])),
        set_up("TLS 1.2 only", format!("{anonymous}{good}tls_version tlsv1.2\n"), &with(&[])),
        set_up("TLS 1.3 only", format!("{anonymous}{good}"), &with(&["--tls-version", "tlsv1.3"])),
        set_up("TLS, by address", format!("{anonymous}{good}"), &with(&[])).at("127.0.0.1", "127.0.0.1"),
        set_up("TLS, IPv6", format!("{anonymous}{good}"), &with(&[])).at("::1", "::1"),
        set_up("TLS and websockets", format!("protocol websockets\n{anonymous}{good}"), &with(&["--ws"])),
        set_up("TLS and a password", format!("{password}{good}"), &[&["--cafile", "ca.crt"], &login[..]].concat()),
        set_up(
            "a client certificate",
            format!("{anonymous}{good}cafile ca.crt\nrequire_certificate true\n"),
            &with(&identity),
        ),
        set_up(
            "the user from the certificate",
            format!("{good}cafile ca.crt\nrequire_certificate true\nuse_identity_as_username true\n"),
            &with(&identity),
        ),
        set_up(
            "a certificate asked for and not needed",
            format!("{anonymous}{good}cafile ca.crt\nrequire_certificate false\n"),
            &with(&[]),
        ),
        set_up(
            "P-384",
            format!("{anonymous}{}", tls("p384/server.crt", "p384/server.key")),
            &["--cafile", "p384/ca.crt", "-t", "home"],
        ),
        set_up(
            "RSA",
            format!("{anonymous}{}", tls("rsa2048/server.crt", "rsa2048/server.key")),
            &["--cafile", "rsa2048/ca.crt", "-t", "home"],
        ),
        set_up(
            "Ed25519",
            format!("{anonymous}{}", tls("ed25519/server.crt", "ed25519/server.key")),
            &["--cafile", "ed25519/ca.crt", "-t", "home"],
        ),
        set_up(
            "through an intermediate",
            format!("{anonymous}{}", tls("deep/localhost-chain.crt", "deep/localhost.key")),
            &["--cafile", "deep/root.crt", "-t", "home"],
        ),
        set_up(
            "a wildcard among the names",
            format!("{anonymous}{}", tls("wild/server.crt", "wild/server.key")),
            &["--cafile", "wild/ca.crt", "-t", "home"],
        ),
        set_up(
            "self-signed and trusted",
            format!("{anonymous}{}", tls("own.crt", "own.key")),
            &["--cafile", "own.crt", "-t", "home"],
        ),
        set_up("another client agrees", anonymous, &["-t", "home", "--second-opinion"]),
        set_up("no name asked", format!("{anonymous}{good}"), &with(&["--insecure"])),
    ]
}

#[test]
fn twenty_and_more_healthy_set_ups_yield_nothing_above_a_note() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_certificates(folder);
    let made = run(moskit(&["passwd", "-c", "--stdin", "passwords", "ann"]).current_dir(folder), b"secret\n");
    assert_eq!(made.code, 0, "{made:?}");
    fs::write(folder.join("pw"), "secret\n").unwrap();
    let set_ups = set_ups();
    assert!(set_ups.len() >= 20);
    // One broker serves all: a listener for each.
    let ports: Vec<_> = set_ups.iter().map(|_| free_port().to_string()).collect();
    let listeners = set_ups.iter().zip(&ports);
    let listeners = listeners.map(|(set_up, port)| format!("listener {port} {}\n{}", set_up.bind, set_up.listener));
    let first = "per_listener_settings true\nlistener 0 mqtt.sock\nallow_anonymous true\n".to_owned();
    let configuration: String = std::iter::once(first).chain(listeners).collect();
    let Some(_broker) = Mosquitto::start(folder, &configuration) else { return };
    let mut unhealthy = Vec::new();
    let mut look = |name: &str, words: &[&str]| {
        let (report, code) = report(&[&["check"], words].concat(), folder);
        let above = findings(&report).into_iter().filter(|found| !found.ends_with(" note")).collect::<Vec<_>>();
        if code != 0 || !above.is_empty() {
            unhealthy.push(format!("{name}: exit {code}, {above:?}: {report:#}"));
        }
    };
    look("a unix socket", &["--unix", "mqtt.sock", "-t", "home"]);
    for (set_up, port) in set_ups.iter().zip(&ports) {
        look(set_up.name, &[&["-h", set_up.host, "-p", port], &set_up.words[..]].concat());
    }
    assert!(unhealthy.is_empty(), "{}", unhealthy.join("\n"));
}
