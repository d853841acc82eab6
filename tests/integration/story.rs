//! The story that must work: the classic openssl recipe (which makes an X.509 v1 server certificate
//! with a common name only), a mosquitto with TLS and passwords, and store-and-forward.

use std::path::Path;
use std::process::Command;

use crate::mosquitto::{Mosquitto, free_port, installed};
use crate::run::{Ended, called_as, moskit, run};

const PASSWORD: &str = "s3cret pass";
const KEY_PHRASE: &str = "key phrase";

/// Certificates by the recipe of the article, word for word but for the names and passphrases that
/// it asks for interactively.
pub fn openssl_recipe(folder: &Path, host: &str) {
    let steps = [
        "req -new -x509 -days 360 -extensions v3_ca -keyout ca.key -out ca.crt -subj|/O=Lab/CN=Lab CA|-passout|pass:ca phrase",
        "genrsa -out server.key 2048",
        &format!("req -out server.csr -key server.key -new -subj|/O=Lab/CN={host}"),
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 360 -passin|pass:ca phrase",
        &format!("genrsa -des3 -out client.key -passout|pass:{KEY_PHRASE}|2048"),
        &format!("req -out client.csr -key client.key -new -subj|/O=Lab/CN=device|-passin|pass:{KEY_PHRASE}"),
        "x509 -req -in client.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out client.crt -days 360 -passin|pass:ca phrase",
    ];
    for step in steps {
        // Words are separated by blanks; behind the first bar, by bars, since names hold blanks.
        let (plain, barred) = step.split_once('|').unwrap_or((step, ""));
        let words = plain.split(' ').chain(barred.split('|').filter(|word| !word.is_empty()));
        let done = Command::new("openssl").args(words).current_dir(folder).output().expect("openssl runs");
        assert!(done.status.success(), "openssl {step}: {}", String::from_utf8_lossy(&done.stderr));
    }
    std::fs::write(folder.join("phrase"), format!("{KEY_PHRASE}\n")).unwrap();
}

/// The broker of the story, and its port.
fn broker(folder: &Path) -> Option<(Mosquitto, String)> {
    installed("openssl")?;
    installed("mosquitto_passwd")?;
    openssl_recipe(folder, "localhost");
    let users = folder.join("passwd");
    let made =
        Command::new("mosquitto_passwd").args(["-b", "-c"]).arg(&users).args(["mqtt", PASSWORD]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let port = free_port();
    let file = |name: &str| folder.join(name).display().to_string();
    let configuration = format!(
        "listener {port}\ncafile {}\nkeyfile {}\ncertfile {}\nallow_anonymous false\npassword_file {}\n",
        file("ca.crt"),
        file("server.key"),
        file("server.crt"),
        users.display()
    );
    Mosquitto::start(folder, &configuration).map(|broker| (broker, port.to_string()))
}

/// The options of the story that both verbs share, and those of the call.
fn with_story_options(program: &str, folder: &Path, port: &str, words: &[&str]) -> Command {
    let mut command = called_as(program, &["--cafile", "ca.crt", "--cert", "client.crt", "--key", "client.key"]);
    command.args(["--key-pass-file", "phrase", "-h", "localhost", "-p", port, "--tls-version", "tlsv1.3"]);
    command.args(["-u", "mqtt", "-P", PASSWORD]).args(words).current_dir(folder);
    command
}

#[test]
fn a_message_goes_out_over_tls_with_certificate_and_password_and_each_packet_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = broker(folder.path()) else { return };
    let words = ["-q", "1", "-t", "test", "-i", "anyclientID", "-m", "Hello", "-d"];
    let ended = run(&mut with_story_options("mosquitto_pub", folder.path(), &port, &words), b"");
    assert_eq!(ended.stderr, "");
    assert_eq!(
        ended.stdout,
        "Client anyclientID sending CONNECT\n\
         Client anyclientID received CONNACK (0)\n\
         Client anyclientID sending PUBLISH (d0, q1, r0, m1, 'test', ... (5 bytes))\n\
         Client anyclientID received PUBACK (Mid: 1, RC:0)\n\
         Client anyclientID sending DISCONNECT\n"
    );
    assert_eq!(ended.code, 0);
}

#[test]
fn what_is_published_while_a_subscriber_is_away_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = broker(folder.path()) else { return };
    let subscribe = ["-q", "1", "-c", "-i", "broker", "-t", "test"];
    let sub = |more: &[&str]| {
        run(&mut with_story_options("mosquitto_sub", folder.path(), &port, &[&subscribe, more].concat()), b"")
    };
    let silence = Ended { stdout: String::new(), stderr: String::new(), code: 0 };
    assert_eq!(sub(&["-E"]), silence);
    let publish = ["-q", "1", "-t", "test", "-m", "while you were away"];
    assert_eq!(run(&mut with_story_options("mosquitto_pub", folder.path(), &port, &publish), b""), silence);
    assert_eq!(sub(&["-C", "1", "-v"]), Ended { stdout: "test while you were away\n".to_owned(), ..silence });
}

#[test]
fn a_wrong_password_is_refused_with_mosquittos_words_and_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = broker(folder.path()) else { return };
    let mut command =
        moskit(&["pub", "--cafile", "ca.crt", "-p", &port, "-u", "mqtt", "-P", "guess-4711", "-t", "a", "-n"]);
    let ended = run(command.current_dir(folder.path()), b"");
    let mut lines = ended.stderr.lines();
    assert_eq!(lines.next(), Some("Connection error: Connection Refused: not authorised"), "{}", ended.stderr);
    assert_eq!(lines.next(), Some("Error: The connection was refused"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: "), "{}", ended.stderr);
    assert!(!ended.stderr.contains("guess-4711"), "a password must not be shown: {}", ended.stderr);
    assert_eq!(ended.code, 5);
}
