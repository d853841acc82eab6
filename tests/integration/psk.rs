//! `--psk`: against Debian's mosquitto with a `psk_file`, in a build with the feature; told, in one without.

use crate::run::{called_as, run};

#[cfg(not(feature = "psk"))]
#[test]
fn without_the_feature_a_pre_shared_key_is_refused_with_the_alternative() {
    for (name, words) in [
        ("mosquitto_pub", &["-t", "a", "-n"][..]),
        ("mosquitto_sub", &["-t", "a"]),
        ("mosquitto_rr", &["-t", "a", "-e", "b", "-n"]),
    ] {
        let ended = run(&mut called_as(name, &[words, &["--psk", "00ff", "--psk-identity", "me"]].concat()), b"");
        let mut lines = ended.stderr.lines();
        assert_eq!(lines.next(), Some("Error: Problem setting TLS-PSK options."), "{name}");
        assert!(lines.next().unwrap().contains("rustls does not offer"), "{}", ended.stderr);
        assert!(lines.next().unwrap().starts_with("hint: use certificates"), "{}", ended.stderr);
        assert_eq!((ended.stdout.as_str(), ended.code), ("", 1));
    }
}

#[cfg(feature = "psk")]
#[test]
fn a_pre_shared_key_opens_mosquitto_to_pub_sub_and_rr() {
    use crate::clients::Subscribed;
    use crate::mosquitto::{Mosquitto, free_port, installed};
    use crate::run::Ended;

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("keys"), "me:00a1b2c3d4\nother:ff\n").unwrap();
    let port = free_port();
    let configuration = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\npsk_hint lab\npsk_file {}/keys\n",
        folder.path().display()
    );
    let Some(_broker) = Mosquitto::start(folder.path(), &configuration) else { return };
    let port = port.to_string();
    let way = ["-h", "localhost", "-p", &port, "--psk", "00A1b2c3d4", "--psk-identity", "me"];
    let with = |name: &str, words: &[&str]| called_as(name, &[&way[..], words].concat());
    let said = |text: &str| Ended { stdout: text.to_owned(), stderr: String::new(), code: 0 };

    let listener = Subscribed::start(&mut with("mosquitto_sub", &["-t", "lab/#", "-v", "-C", "2", "-q", "1"]));
    assert_eq!(run(&mut with("mosquitto_pub", &["-t", "lab/a", "-m", "ours", "-q", "1"]), b""), said(""));
    let mut theirs = std::process::Command::new(installed("mosquitto_pub").unwrap());
    assert_eq!(run(theirs.args(way).args(["-t", "lab/b", "-m", "theirs"]), b"").code, 0);
    assert_eq!(listener.finish(), said("lab/a ours\nlab/b theirs\n"));
    let big = "x".repeat(1 << 20);
    let listener = Subscribed::start(&mut with("mosquitto_sub", &["-t", "big", "-C", "1", "-q", "2"]));
    assert_eq!(run(&mut with("mosquitto_pub", &["-t", "big", "-s", "-q", "2"]), big.as_bytes()), said(""));
    assert_eq!(listener.finish(), said(&(big + "\n")));
    assert_eq!(run(&mut with("mosquitto_rr", &["-t", "e", "-e", "e", "-m", "echo", "-W", "60"]), b""), said("echo\n"));
    let suite = ["-t", "a", "-n", "--ciphers", "PSK-AES256-GCM-SHA384"];
    assert_eq!(run(&mut with("mosquitto_pub", &suite), b""), said(""));

    let failing = |words: &[&str], line: &str| {
        let words = [&["-h", "localhost", "-p", &port, "-t", "a", "-n"], words].concat();
        let ended = run(&mut called_as("mosquitto_pub", &words), b"");
        assert!(ended.stderr.starts_with(line), "{words:?}: {ended:?}");
        assert_eq!((ended.stdout.as_str(), ended.code), ("", 1), "{words:?}");
    };
    let no_session = "Unable to connect (A TLS error occurred).\ncause: ";
    failing(&["--psk", "a1b2c3d5", "--psk-identity", "me"], no_session);
    failing(&["--psk", "a1b2c3d4", "--psk-identity", "nobody"], no_session);
    failing(&["--psk", "00", "--psk-identity", "me"], no_session);
    failing(&["--psk", "a1b2c3d4", "--psk-identity", "me", "--ciphers", "nonsense"], no_session);
    failing(&["--psk", "a1b2x", "--psk-identity", "me"], "Error: Problem setting TLS-PSK options.\nhint: ");
}

/// A suite without the key would trust any server, since no certificate is looked at.
#[cfg(feature = "psk")]
#[test]
fn a_server_that_does_not_know_the_key_is_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    crate::tls::tutorial(folder.path());
    let port = crate::mosquitto::free_port();
    let configuration =
        format!("listener {port} 127.0.0.1\nallow_anonymous true\ncertfile server.crt\nkeyfile server.key\n");
    let Some(_broker) = crate::mosquitto::Mosquitto::start(folder.path(), &configuration) else { return };
    for ciphers in [&[][..], &["--ciphers", "ALL"]] {
        let words =
            ["-h", "localhost", "-p", &port.to_string(), "-t", "a", "-n", "--psk", "ff", "--psk-identity", "me"];
        let ended = run(&mut called_as("mosquitto_pub", &[&words[..], ciphers].concat()), b"");
        assert!(ended.stderr.starts_with("Unable to connect (A TLS error occurred).\ncause: "), "{ended:?}");
        assert_eq!((ended.stdout.as_str(), ended.code), ("", 1), "{ciphers:?}");
    }
}
