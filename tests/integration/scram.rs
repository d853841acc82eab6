//! Logins by SCRAM: our clients at our broker, and at servers that are not to be believed.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use moskit::scram::{Keys, Mechanism, ServerExchange, UserKeys};
use rustix::process::Signal;

use crate::broker_verb::Broker;
use crate::mosquitto::free_port;
use crate::peers::{read_packet, stub};
use crate::run::{Ended, moskit, run};

const PASSWORD: &str = "correct-horse-battery";

fn passwd(folder: &Path, words: &[&str]) -> Ended {
    run(moskit(&[&["passwd"], words].concat()).current_dir(folder), PASSWORD.as_bytes())
}

fn file_with_ann(folder: &Path) {
    let made = passwd(folder, &["--scram", "--stdin", "-c", "scram", "ann"]);
    assert_eq!((made.code, made.stderr.as_str()), (0, ""), "{made:?}");
}

fn broker(folder: &Path) -> Broker {
    let scram = folder.join("scram");
    let configuration =
        format!("listener {} 127.0.0.1\nallow_anonymous false\nscram_file {}\n", free_port(), scram.display());
    Broker::configured(folder, &configuration)
}

fn client(folder: &Path, verb: &str, port: u16, words: &[&str]) -> Ended {
    let port = port.to_string();
    std::fs::write(folder.join("pw"), PASSWORD).unwrap();
    run(moskit(&[&[verb, "-h", "127.0.0.1", "-p", &port, "-u", "ann"], words].concat()).current_dir(folder), b"")
}

#[test]
fn every_verb_logs_in_by_every_mechanism_that_the_user_has_keys_for() {
    let folder = tempfile::tempdir().unwrap();
    let all = ["--scram", "--stdin", "-c", "scram", "ann"];
    let mechanisms = ["--mechanism", "SCRAM-SHA-1", "--mechanism", "scram-sha-256", "--mechanism", "SCRAM-SHA-512"];
    assert_eq!(passwd(folder.path(), &[&all[..], &mechanisms].concat()).code, 0);
    let broker = broker(folder.path());
    for method in ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let login = ["--auth-method", method, "--pw-file", "pw"];
        let sent = client(
            folder.path(),
            "pub",
            broker.port,
            &[&login[..], &["-t", "t", "-m", method, "-r", "-q", "1"]].concat(),
        );
        assert_eq!((sent.code, sent.stderr.as_str()), (0, ""), "{method}");
        let got = client(folder.path(), "sub", broker.port, &[&login[..], &["-t", "t", "-C", "1"]].concat());
        assert_eq!((got.stdout.as_str(), got.code), (&*format!("{method}\n"), 0), "{got:?}");
        let checked = client(folder.path(), "check", broker.port, &[&login[..], &["-t", "home"]].concat());
        assert_eq!(checked.code, 0, "{checked:?}");
        assert!(checked.stdout.contains("log in again accepted"), "{}", checked.stdout);
    }
    let login = ["--auth-method", "SCRAM-SHA-256", "--pw-file", "pw"];
    let asked =
        client(folder.path(), "rr", broker.port, &[&login[..], &["-t", "echo", "-e", "echo", "-m", "echo"]].concat());
    assert_eq!((asked.stdout.as_str(), asked.code), ("echo\n", 0), "{asked:?}");
    // Without a method there is no way in, and with a wrong password neither.
    let plain = client(folder.path(), "pub", broker.port, &["--pw-file", "pw", "-V", "5", "-t", "t", "-n"]);
    assert_eq!(plain.code, 135, "{plain:?}");
    let wrong =
        client(folder.path(), "pub", broker.port, &["-P", "wrong", "--auth-method", "SCRAM-SHA-512", "-t", "t", "-n"]);
    assert_eq!(wrong.code, 135, "{wrong:?}");
    assert!(wrong.stderr.contains("by SCRAM-SHA-512"), "{}", wrong.stderr);
    assert_eq!(broker.end().code, 0);
}

#[test]
fn a_user_who_is_deleted_is_out_after_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    file_with_ann(folder.path());
    let mut broker = broker(folder.path());
    let words = ["--auth-method", "SCRAM-SHA-256", "--pw-file", "pw", "-t", "t", "-n"];
    assert_eq!(client(folder.path(), "pub", broker.port, &words).code, 0);
    assert_eq!(passwd(folder.path(), &["--scram", "-D", "scram", "ann"]).code, 0);
    broker.signal(Signal::HUP);
    // From this line on whoever connects meets the new rules.
    broker.wait_for("Reloading config.");
    assert_eq!(client(folder.path(), "pub", broker.port, &words).code, 135);
    assert_eq!(broker.end().code, 0);
}

#[test]
fn a_login_is_begun_again_as_often_as_is_asked_for_and_messages_go_on() {
    let folder = tempfile::tempdir().unwrap();
    file_with_ann(folder.path());
    let broker = broker(folder.path());
    let login = ["--auth-method", "SCRAM-SHA-256", "--pw-file", "pw", "--reauth", "0.2", "-t", "t", "-q", "1"];
    let port = broker.port.to_string();
    std::fs::write(folder.path().join("pw"), PASSWORD).unwrap();
    let words = [&["sub", "-h", "127.0.0.1", "-p", &port, "-u", "ann", "-d"], &login[..]].concat();
    let mut sub = moskit(&words).current_dir(folder.path()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(sub.stdout.take().unwrap()));
    let mut wait_for = |text: &str| {
        let line = lines.by_ref().map(Result::unwrap).find(|line| line.contains(text));
        assert!(line.is_some(), "the output ends without {text:?}");
    };
    wait_for("Subscribed");
    // Each login is a challenge and the end.
    for _ in 0..6 {
        wait_for("received AUTH");
    }
    let sent = client(folder.path(), "pub", broker.port, &[&login[..], &["-m", "still here"]].concat());
    assert_eq!(sent.code, 0, "{sent:?}");
    wait_for("still here");
    wait_for("received AUTH");
    sub.kill().unwrap();
    sub.wait().unwrap();
    assert_eq!(broker.end().code, 0);
}

/// Lets ann in, and does this when she logs in again.
fn server_that(mut stream: TcpStream, does: fn(&mut TcpStream) -> std::io::Result<()>) -> std::io::Result<()> {
    let (_, connect) = read_packet(&mut stream)?;
    let at = connect.windows(3).position(|part| part == b"n,,").unwrap_or(connect.len());
    let first = &connect[at..at + usize::from(connect[at - 1])];
    let keys = Keys::make(Mechanism::Sha256, std::num::NonZeroU32::new(4096).unwrap(), PASSWORD.as_bytes()).unwrap();
    let user = |_: &str| UserKeys { keys: keys.clone(), is_known: true };
    let (exchange, challenge) = ServerExchange::begin(Mechanism::Sha256, first, user).unwrap();
    stream.write_all(&auth(&challenge))?;
    let (_, answer) = read_packet(&mut stream)?;
    let at = answer.windows(2).position(|part| part == b"c=").unwrap();
    let shown = exchange.finish(Some(&keys), &answer[at..]).unwrap();
    stream.write_all(&connack(&shown))?;
    loop {
        match read_packet(&mut stream)? {
            (0x82, body) => stream.write_all(&packet(0x90, &[body[0], body[1], 0, 0]))?,
            (0xf0, body) if body[0] == 0x19 => does(&mut stream)?,
            (0xe0, _) => return Ok(()),
            _ => {}
        }
    }
}

#[test]
fn a_broker_that_takes_no_second_login_is_left_with_one_error() {
    let folder = tempfile::tempdir().unwrap();
    type Does = fn(&mut TcpStream) -> std::io::Result<()>;
    let rows: [(Does, i32, &str); 4] = [
        (|stream| stream.write_all(&packet(0xe0, &[0x87, 0])), 11, "logging in again was refused (--reauth)"),
        (|stream| stream.write_all(&packet(0xe0, &[0x82, 0])), 11, "logging in again was refused (--reauth)"),
        (|_| Ok(()), 27, "was not answered within 0.5 s"),
        (
            |stream| {
                let properties = properties(b"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
                stream.write_all(&packet(0xf0, &[&[0, properties.len() as u8], &properties[..]].concat()))
            },
            11,
            "auth.scram-",
        ),
    ];
    for (does, code, part) in rows {
        let address = stub(move |stream| {
            let _ = server_that(stream, does);
        });
        let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
        // Only who is silent needs a limit.
        let limit = if part.contains("0.5 s") { "0.5" } else { "20" };
        let login = ["--auth-method", "SCRAM-SHA-256", "--pw-file", "pw", "--reauth", "0.2", "--answer-timeout", limit];
        let begun = Instant::now();
        let ended = client(folder.path(), "sub", port, &[&login[..], &["-t", "t"]].concat());
        assert_eq!(ended.code, code, "{ended:?}");
        assert!(ended.stderr.contains(part) && ended.stderr.contains("[auth."), "{ended:?}");
        assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
    }
    let alone = client(folder.path(), "sub", 1, &["--pw-file", "pw", "--reauth", "1", "-t", "t"]);
    assert!(alone.code == 1 && alone.stderr.contains("--reauth needs --auth-method"), "{alone:?}");
}

/// What a server does after CONNECT.
#[derive(Clone, Copy, Debug)]
enum Lie {
    /// Shows a signature of nobody.
    Signature,
    /// Lets everybody in without a word.
    NoSignature,
    Iterations(u32),
    Nonce,
    Garbage,
    /// Challenge after challenge.
    Endless,
    Silent,
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    assert!(body.len() < 128);
    [&[first, body.len() as u8], body].concat()
}

/// AUTH 0x18 with this message.
fn auth(message: &[u8]) -> Vec<u8> {
    let properties = properties(message);
    packet(0xf0, &[&[0x18, properties.len() as u8], &properties[..]].concat())
}

fn properties(message: &[u8]) -> Vec<u8> {
    let method = Mechanism::Sha256.name().as_bytes();
    let sized = |id: u8, bytes: &[u8]| [&[id, 0, bytes.len() as u8], bytes].concat();
    [sized(0x15, method), sized(0x16, message)].concat()
}

fn connack(message: &[u8]) -> Vec<u8> {
    let properties = properties(message);
    packet(0x20, &[&[0, 0, properties.len() as u8], &properties[..]].concat())
}

fn lie(mut stream: TcpStream, how: Lie) -> std::io::Result<()> {
    let (_, connect) = read_packet(&mut stream)?;
    let at = connect.windows(3).position(|part| part == b"n,,").unwrap_or(connect.len());
    let first = &connect[at..];
    // The rest of CONNECT begins behind the message: its length stands before it.
    let size = usize::from(connect[at - 1]);
    let first = &first[..size.min(first.len())];
    let nonce = String::from_utf8_lossy(first).rsplit("r=").next().unwrap_or_default().to_owned();
    match how {
        Lie::NoSignature => stream.write_all(&packet(0x20, &[0, 0, 0]))?,
        Lie::Iterations(count) => {
            stream.write_all(&auth(format!("r={nonce}x,s=QSXCR+Q6sek8bf92,i={count}").as_bytes()))?;
        }
        Lie::Nonce => stream.write_all(&auth(b"r=abc,s=QSXCR+Q6sek8bf92,i=4096"))?,
        Lie::Garbage => stream.write_all(&auth(b"hello"))?,
        Lie::Endless => {
            let challenge = auth(format!("r={nonce}x,s=QSXCR+Q6sek8bf92,i=4096").as_bytes());
            loop {
                stream.write_all(&challenge)?;
            }
        }
        Lie::Signature => {
            let iterations = std::num::NonZeroU32::new(4096).unwrap();
            let keys = Keys::make(Mechanism::Sha256, iterations, b"another").unwrap();
            let user = |_: &str| UserKeys { keys: keys.clone(), is_known: true };
            let (_, challenge) = ServerExchange::begin(Mechanism::Sha256, first, user).unwrap();
            stream.write_all(&auth(&challenge))?;
            read_packet(&mut stream)?;
            stream.write_all(&connack(b"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="))?;
        }
        Lie::Silent => {}
    }
    // Whatever it sends then is noted by nobody: only goodbye may come.
    while let Ok((first, _)) = read_packet(&mut stream) {
        assert!(matches!(first, 0xe0 | 0xf0), "the client went on with {first:#x}");
    }
    Ok(())
}

#[test]
fn a_server_that_lies_is_left_with_one_error_and_told_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [
        (Lie::Signature, "auth.scram-signature"),
        (Lie::NoSignature, "auth.scram-signature"),
        (Lie::Iterations(1), "auth.scram-iterations"),
        (Lie::Iterations(4095), "auth.scram-iterations"),
        (Lie::Iterations(u32::MAX), "auth.scram-iterations"),
        (Lie::Nonce, "auth.scram-nonce"),
        (Lie::Garbage, "auth.scram-exchange"),
        (Lie::Endless, "auth.scram-exchange"),
    ];
    for (how, id) in rows {
        let address = stub(move |stream| {
            let _ = lie(stream, how);
        });
        let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
        let login = ["--auth-method", "SCRAM-SHA-256", "--pw-file", "pw"];
        let begun = Instant::now();
        for verb in ["pub", "sub"] {
            let words = if verb == "pub" { &["-t", "t", "-m", "private", "-q", "1"][..] } else { &["-t", "t"] };
            let ended = client(folder.path(), verb, port, &[&login[..], words].concat());
            assert_eq!(ended.code, 11, "{how:?} {verb}: {ended:?}");
            assert!(ended.stderr.contains("Authorisation failed"), "{how:?}: {}", ended.stderr);
            assert!(!ended.stderr.contains(PASSWORD), "{}", ended.stderr);
        }
        let ended = client(folder.path(), "check", port, &[&login[..], &["--json", "--timeout", "10"]].concat());
        assert_eq!(ended.code, 1, "{how:?}: {ended:?}");
        assert!(ended.stdout.contains(id), "{how:?}: {}", ended.stdout);
        assert!(!ended.stdout.contains(PASSWORD), "{}", ended.stdout);
        assert!(begun.elapsed() < Duration::from_secs(60), "{how:?}: {:?}", begun.elapsed());
    }
    let address = stub(|stream| {
        let _ = lie(stream, Lie::Silent);
    });
    let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
    let login = ["--auth-method", "SCRAM-SHA-256", "--pw-file", "pw"];
    let ended = client(folder.path(), "check", port, &[&login[..], &["--timeout", "1"]].concat());
    assert_eq!(ended.code, 1, "{ended:?}");
}

#[test]
fn the_file_for_scram_has_the_care_of_a_password_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    file_with_ann(path);
    let text = std::fs::read_to_string(path.join("scram")).unwrap();
    assert!(text.starts_with("#decoy ") && text.contains("\nann:SCRAM-SHA-256$15000$"), "{text}");
    assert!(text.contains(",SCRAM-SHA-512$15000$") && !text.contains(PASSWORD), "{text}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path.join("scram")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let said = |words: &[&str]| {
        let ended = passwd(path, words);
        (ended.code, ended.stdout + &ended.stderr)
    };
    assert_eq!(said(&["--verify", "ann", "scram", "--stdin"]), (0, "Right password for user ann\n".to_owned()));
    assert_eq!(run(moskit(&["passwd", "--verify", "ann", "scram", "--stdin"]).current_dir(path), b"no").code, 4);
    assert_eq!(passwd(path, &["--verify", "bob", "scram", "--stdin"]).code, 5);
    let (code, list) = said(&["--list", "scram"]);
    assert!(code == 0 && list.contains("SCRAM-SHA-256,SCRAM-SHA-512  15000 iterations"), "{list}");
    // An update keeps what nobody exists by, and the other users.
    assert_eq!(passwd(path, &["--scram", "--stdin", "scram", "bob"]).code, 0);
    assert_eq!(passwd(path, &["--scram", "--stdin", "-I", "4096", "scram", "ann"]).code, 0);
    let later = std::fs::read_to_string(path.join("scram")).unwrap();
    assert_eq!(later.lines().next(), text.lines().next());
    assert!(later.contains("\nbob:") && later.contains("\nann:SCRAM-SHA-256$4096$"), "{later}");
    assert_eq!(passwd(path, &["--weak", "scram"]).code, 1);
    std::fs::write(path.join("users.csv"), "user,password\ncat,one\ndan,two\n").unwrap();
    assert_eq!(said(&["--scram", "--import", "users.csv", "scram"]), (0, "2 added, 0 updated\n".to_owned()));
    assert_eq!(passwd(path, &["-D", "scram", "cat"]).code, 0);

    // Neither kind gets into a file of the other.
    for (words, part) in [
        (&["--stdin", "scram", "eve"][..], "is a file for SCRAM"),
        (&["-U", "scram"], "is a file for SCRAM"),
        (&["--scram", "--stdin", "passwords", "eve"], "is no file for SCRAM"),
        (&["--scram", "-U", "scram"], "-U is for password files"),
        (&["--scram", "-H", "sha512", "--stdin", "scram", "eve"], "are for password files"),
        (&["--scram", "-I", "4095", "--stdin", "scram", "eve"], "Iterations of SCRAM are 4096 to 2000000"),
        (&["--scram", "-I", "2000001", "--stdin", "scram", "eve"], "Iterations of SCRAM are 4096 to 2000000"),
        (&["--mechanism", "SCRAM-SHA-1", "--stdin", "passwords", "eve"], "--mechanism needs --scram"),
        (&["--scram", "--mechanism", "SCRAM-MD5", "--stdin", "scram", "eve"], "Unknown mechanism"),
        (&["--scram", "--stdin", "scram", "e\u{200e}\u{e000}\u{7f}"], "SCRAM cannot carry this user name"),
    ] {
        assert_eq!(passwd(path, &["--stdin", "-c", "--overwrite", "passwords", "ann"]).code, 0);
        let before = std::fs::read(path.join("scram")).unwrap();
        let (code, text) = said(words);
        assert!(code == 1 && text.contains(part), "{words:?}: {code} {text}");
        assert_eq!(std::fs::read(path.join("scram")).unwrap(), before, "{words:?}");
    }
}

#[test]
fn options_that_cannot_go_together_are_refused() {
    for (words, part) in [
        (&["-u", "ann", "--auth-method", "SCRAM-SHA-256"][..], "needs a user name (-u) and a password"),
        (&["-P", "x", "--auth-method", "SCRAM-SHA-256"], "needs a user name (-u) and a password"),
        (&["-u", "ann", "-P", "x", "--auth-method", "PLAIN"], "Unknown authentication method 'PLAIN'"),
        (&["-u", "ann", "-P", "x", "-V", "311", "--auth-method", "SCRAM-SHA-256"], "needs MQTT 5"),
        (
            &["-u", "a", "-P", "x", "--auth-method", "SCRAM-SHA-1", "-D", "connect", "authentication-method", "x"],
            "cannot be used together",
        ),
    ] {
        let ended = run(&mut moskit(&[&["pub", "-t", "t", "-n"], words].concat()), b"");
        assert!(ended.code == 1 && ended.stderr.contains(part), "{words:?}: {ended:?}");
    }
    let bad = ["pub", "-t", "t", "-n", "-u", "ann", "-P", "a\u{7}b", "--auth-method", "SCRAM-SHA-256"];
    let ended = run(&mut moskit(&bad), b"");
    assert!(ended.code == 11 && ended.stderr.contains("SCRAM cannot carry this password"), "{ended:?}");
    assert!(!ended.stderr.contains("a\u{7}b"), "{ended:?}");
}

#[test]
fn check_config_judges_the_file_and_says_whose_the_option_is() {
    let folder = tempfile::tempdir().unwrap();
    file_with_ann(folder.path());
    let check = |conf: &str| {
        std::fs::write(folder.path().join("m.conf"), conf).unwrap();
        run(moskit(&["check", "--config", "m.conf", "--json"]).current_dir(folder.path()), b"").stdout
    };
    let conf = "listener 1883 127.0.0.1\nallow_anonymous false\nscram_file scram\n";
    let told = check(conf);
    assert!(told.contains("conf.own-option") && !told.contains("conf.nobody-can-connect"), "{told}");
    assert!(told.contains("\"scram_users\":1"), "{told}");
    let user = rustix::process::getuid().as_raw().to_string();
    let of_user = ["check", "--config", "m.conf", "--user", &user];
    let told = run(moskit(&of_user).current_dir(folder.path()), b"");
    let last = told.stdout.lines().last().unwrap_or_default();
    assert!(last.contains("Mosquitto does not start with this file") && !last.contains("it works"), "{told:?}");
    let told = run(moskit(&[&of_user[..], &["--monitor"]].concat()).current_dir(folder.path()), b"");
    assert!(told.stdout.contains("; Mosquitto does not start with this file"), "{told:?}");
    std::fs::write(folder.path().join("scram"), "ann:SCRAM-SHA-256$1$x$y$z\n").unwrap();
    let told = check(conf);
    assert!(told.contains("auth.scram-file") && told.contains("iterations"), "{told}");
    let conf = folder.path().join("m.conf");
    let ended = run(moskit(&["broker", "-c", conf.to_str().unwrap()]).current_dir(folder.path()), b"");
    assert!(ended.code == 3 && ended.stderr.contains("line 1 is no user of a SCRAM file"), "{ended:?}");
}

#[test]
fn a_name_is_sent_in_the_form_in_which_it_is_compared() {
    let folder = tempfile::tempdir().unwrap();
    // One character; the client types two, a letter and its accent.
    let made = passwd(folder.path(), &["--scram", "--stdin", "-c", "scram", "Ren\u{e9}"]);
    assert_eq!(made.code, 0, "{made:?}");
    let broker = broker(folder.path());
    std::fs::write(folder.path().join("pw"), PASSWORD).unwrap();
    let port = broker.port.to_string();
    let login = ["-p", &port, "-u", "Rene\u{301}", "--auth-method", "SCRAM-SHA-256", "--pw-file", "pw"];
    for verb in [&["pub", "-t", "t", "-n"][..], &["check", "-h", "127.0.0.1"]] {
        let ended = run(moskit(&[verb, &login].concat()).current_dir(folder.path()), b"");
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    assert_eq!(broker.end().code, 0);
}
