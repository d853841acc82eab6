//! Login and client certificate: never to a server whose certificate failed, never in an output.

use std::path::Path;

use crate::check_files::{WRONG_SERVERS, write_kind};
use crate::peers::recorder;
use crate::run::{Ended, moskit, run};

const USER: &str = "ann-the-user";
const PASSWORD: &str = "correct-horse-battery";

/// What nobody may see or get.
const SECRETS: [&str; 2] = [USER, PASSWORD];

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

fn command(verb: &[&str], port: u16, folder: &Path, more: &[&str]) -> Ended {
    let port = port.to_string();
    let own = ["--cafile", "ca.crt", "--cert", "client.crt", "--key", "client.key", "-u", USER, "-P", PASSWORD];
    let place = ["-h", "localhost", "-p", &port];
    run(moskit(&[verb, &place, &own, more].concat()).current_dir(folder), b"")
}

#[test]
fn no_login_and_no_certificate_reach_a_server_whose_own_certificate_failed() {
    let check = ["check", "--timeout", "1"];
    let json = ["check", "--timeout", "1", "--json"];
    let publish = ["pub", "-t", "t", "-m", "m", "-q", "1"];
    let subscribe = ["sub", "-t", "t", "-C", "1", "-W", "2"];
    let request = ["rr", "-t", "t", "-e", "u", "-m", "m", "-W", "2"];
    for kind in WRONG_SERVERS {
        let folder = tempfile::tempdir().unwrap();
        write_kind(kind, folder.path());
        let (port, record) = recorder(folder.path());
        let all = [
            (&check[..], &[][..]),
            (&json, &["-t", "home"]),
            (&publish, &[]),
            (&subscribe, &[]),
            (&request, &[]),
            (&check, &["--second-opinion", "-t", "home"]),
            (&check, &["-i", "phone", "-c", "--as-client", "-V", "mqttv311"]),
            (&check, &["--ws"]),
        ];
        let ways = if kind == "cert.expired" { all.len() } else { 3 };
        for (verb, more) in all.into_iter().take(ways) {
            let ended = command(verb, port, folder.path(), more);
            assert_ne!(ended.code, 0, "{kind} {verb:?} {more:?}: {ended:?}");
            let record = record.lock().unwrap();
            for secret in SECRETS {
                assert!(
                    !holds(&record.inside, secret) && !holds(&record.outside, secret),
                    "{kind} {verb:?} {more:?} gave {secret} away"
                );
                assert!(!ended.stdout.contains(secret) && !ended.stderr.contains(secret), "{ended:?}");
            }
            assert_eq!(record.certificates, 0, "{kind} {verb:?} {more:?} showed our certificate");
        }
        // Without a handshake that was finished, nothing could have been given away.
        assert!(record.lock().unwrap().handshakes > 0, "{kind}");
    }
}

#[test]
fn what_was_told_to_be_trusted_anyway_gets_both() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("cert.expired", folder.path());
    let (port, record) = recorder(folder.path());
    let ended = command(&["check", "--timeout", "2"], port, folder.path(), &["--trust-anyway"]);
    assert!(ended.stdout.contains("[cert.expired]"), "{ended:?}");
    assert_eq!(ended.code, 1, "{ended:?}");
    let record = record.lock().unwrap();
    assert!(record.certificates > 0 && SECRETS.iter().all(|secret| holds(&record.inside, secret)), "{record:?}");
}

#[test]
fn a_good_server_gets_both_and_no_output_shows_the_password() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    let (port, record) = recorder(folder.path());
    let url = format!("mqtts://{USER}:{PASSWORD}@localhost:{port}");
    let own = ["--cafile", "ca.crt", "--cert", "client.crt", "--key", "client.key", "--timeout", "1"];
    for (words, form) in [
        (vec!["-h", "localhost", "-p", &port.to_string(), "-u", USER, "-P", PASSWORD], ""),
        (vec!["-h", "localhost", "-p", &port.to_string(), "-u", USER, "-P", PASSWORD], "--json"),
        (vec!["-h", "localhost", "-p", &port.to_string(), "-u", USER, "-P", PASSWORD], "--monitor"),
        (vec!["-h", "localhost", "-p", &port.to_string(), "-u", USER, "-P", PASSWORD], "--second-opinion"),
        (vec![url.as_str()], "--json"),
    ] {
        let form = if form.is_empty() { vec![] } else { vec![form] };
        let ended = run(moskit(&[&["check"], &words[..], &own, &form].concat()).current_dir(folder.path()), b"");
        assert!(!ended.stdout.contains(PASSWORD) && !ended.stderr.contains(PASSWORD), "{ended:?}");
    }
    let record = record.lock().unwrap();
    assert!(record.certificates > 0 && holds(&record.inside, PASSWORD));
    assert!(!holds(&record.outside, PASSWORD) && !holds(&record.outside, USER));
}

#[test]
fn the_password_of_a_proxy_is_not_shown() {
    let proxy = format!("socks5h://{USER}:{PASSWORD}@127.0.0.1:1");
    for form in ["--json", "--monitor", "--second-opinion"] {
        let ended = run(&mut moskit(&["check", "broker.lan", "--proxy", &proxy, form]), b"");
        assert!(!ended.stdout.contains(PASSWORD) && !ended.stderr.contains(PASSWORD), "{ended:?}");
        assert_ne!(ended.code, 0);
    }
}
