//! Results that cannot be written: no verb succeeds whose result nobody got, and nothing is stored that only its output
//! could have told. A reader that has closed the pipe has seen enough.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use moskit::cmd::APPLETS;

use crate::mosquitto::free_port;
use crate::run::{called_as, moskit, run};

const LOST: &str = "error: cannot write to standard output: No space left on device\n";

/// Certificates, a password file, a configuration, an ACL, a request and something for qshape.
fn furnish(folder: &Path) {
    let words: [&[&str]; 4] = [
        &["certgen", "init", "certs", "--hosts", "localhost", "--clients", "dev1"],
        &["passwd", "-b", "-c", "passwords", "ann", "secret"],
        &["certgen", "csr", "dev2"],
        &["certgen", "broken", "cert.expired", "expired"],
    ];
    fs::write(folder.join("m.conf"), "allow_anonymous true\nlistener 1883 127.0.0.1\n").unwrap();
    fs::write(folder.join("acl"), "topic home/#\n").unwrap();
    fs::write(folder.join("queue.ndjson"), "{\"client\":\"gw-1\",\"topic\":\"a/b\",\"bytes\":3,\"qos\":1}\n").unwrap();
    for words in words {
        let ended = run(moskit(words).current_dir(folder), b"");
        assert_eq!(ended.code, 0, "{words:?}: {ended:?}");
    }
}

/// Every way to make standard output say something that is not a message, with the code it ends with when all is read.
const ROWS: &[(&str, u8)] = &[
    ("--help", 0),
    ("--version", 0),
    ("help qshape", 0),
    ("man", 0),
    ("man sub", 0),
    ("completions bash", 0),
    ("links links", 0),
    ("links links --remove", 0),
    ("passwd --list passwords", 0),
    ("passwd --list --json passwords", 0),
    ("passwd -b -c - ann secret", 0),
    ("passwd -b passwords bob secret", 0),
    ("passwd -b --verify ann passwords secret", 0),
    ("passwd --import users.csv passwords", 0),
    ("passwd nonsense", 1),
    ("certgen init more --hosts localhost --force", 0),
    ("certgen ca Lab --out lab --force", 0),
    ("certgen server -d certs mqtt.lan --force", 0),
    ("certgen client -d certs dev3 --force", 0),
    ("certgen csr dev4 --force", 0),
    ("certgen sign dev2.csr -d certs --profile client --force", 0),
    ("certgen inspect certs/server.crt", 0),
    ("certgen inspect --json certs/server.crt", 0),
    ("certgen verify certs/server.crt --host localhost", 0),
    ("certgen verify --json certs/server.crt --host localhost", 0),
    ("certgen lint certs", 0),
    ("certgen lint --json expired", 2),
    ("certgen expiry certs", 0),
    ("certgen expiry --json certs", 0),
    ("certgen renew certs/server.crt -d certs --within 9999d", 0),
    ("certgen renew certs/server.crt -d certs --within 1d", 0),
    ("certgen renew certs/server.crt -d certs --within 1d --exit-code", 1),
    ("certgen expiry --openmetrics certs", 0),
    ("certgen key decrypt certs/server.key -o -", 0),
    ("certgen key encrypt certs/server.key --pass-file passphrase -o -", 0),
    ("certgen key convert certs/server.key --to der -o -", 0),
    ("certgen key match certs/server.crt certs/server.key", 0),
    ("certgen key pin certs/server.crt", 0),
    ("certgen broken --list", 0),
    ("certgen broken cert.expired broken --force", 0),
    ("check 127.0.0.1:1", 1),
    ("check --json 127.0.0.1:1", 1),
    ("check --monitor 127.0.0.1:1", 2),
    ("check files --cafile certs/ca.crt --cert certs/server.crt --key certs/server.key --host localhost", 0),
    ("check --config m.conf", 0),
    ("check acl acl --client c --topic home/door", 0),
    ("qshape queue.ndjson", 0),
    ("qshape --json queue.ndjson", 0),
    ("qshape --csv queue.ndjson", 0),
    ("qshape --openmetrics queue.ndjson", 0),
    ("qshape list gw-1 queue.ndjson", 0),
    ("qshape list --json gw-1 queue.ndjson", 0),
    ("qshape explain gw-1 queue.ndjson", 0),
    ("broker --fault help", 0),
    ("broker --test-config -c m.conf", 0),
    ("broker --print-url -q -p 0 --run true", 0),
    ("demo --fast", 0),
];

fn command(row: &str, folder: &Path) -> Command {
    let words: Vec<_> = row.split(' ').collect();
    // A file is written for the row that reads it: another thread's row would find it empty for a moment.
    for (file, text) in [("users.csv", "eve,secret\n"), ("passphrase", "secret\n")] {
        if words.contains(&file) {
            fs::write(folder.join(file), text).unwrap();
        }
    }
    // The rows must find the same whoever ran before them.
    let _ = fs::create_dir(folder.join("links"));
    let mut command = moskit(&words);
    command.current_dir(folder);
    command
}

#[test]
fn no_verb_succeeds_whose_standard_output_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    furnish(folder.path());
    let helps = APPLETS.iter().map(|applet| (format!("{} --help", applet.name), 0));
    let rows: Vec<_> = ROWS.iter().map(|(row, code)| ((*row).to_owned(), *code)).chain(helps).collect();
    let failures: Vec<_> = std::thread::scope(|scope| {
        let halves: Vec<_> = rows.chunks(rows.len().div_ceil(4)).collect();
        let threads: Vec<_> = halves
            .into_iter()
            .map(|rows| {
                scope.spawn(|| {
                    rows.iter().filter_map(|(row, code)| fault(row, *code, folder.path())).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What is wrong with how a command takes an output that is read, one that is full and one that is closed.
fn fault(row: &str, code: u8, folder: &Path) -> Option<String> {
    // What one run makes must not be there for the next.
    let prepare = || {
        if row == "links links" {
            let _ = run(&mut command("links links --remove", folder), b"");
        } else if row == "links links --remove" {
            let _ = run(&mut command("links links", folder), b"");
        }
        command(row, folder)
    };
    let read = run(&mut prepare(), b"");
    if read.stdout.is_empty() || read.code != i32::from(code) {
        return Some(format!("{row}: when all is read it should end with {code} and print something: {read:?}"));
    }
    let ended = |command: &mut Command| {
        let ended = command.stdin(Stdio::null()).output().unwrap();
        (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
    };
    let (full, said) = ended(prepare().stdout(File::options().write(true).open("/dev/full").unwrap()));
    let expected = if code == 0 { 1 } else { code };
    if full != Some(expected.into()) || said.matches(LOST).count() != 1 {
        return Some(format!(
            "{row}: to a full device it should end with {expected}, not {full:?}, and say so: {said}"
        ));
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let (closed, said) = ended(prepare().stdout(writer));
    if closed != Some(code.into()) || said.contains("error:") {
        return Some(format!("{row}: to a closed pipe it should end with {code}, not {closed:?}: {said}"));
    }
    None
}

#[test]
fn a_generated_password_that_nobody_has_seen_is_not_stored() {
    let folder = tempfile::tempdir().unwrap();
    let passwords = folder.path().join("passwords");
    let new = folder.path().join("new");
    let file = passwords.to_str().unwrap();
    assert_eq!(run(&mut moskit(&["passwd", "-b", "-c", file, "ann", "secret"]), b"").code, 0);
    let before = fs::read(&passwords).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    for words in [
        &["passwd", file, "bob", "--generate"][..],
        &["passwd", file, "ann", "--generate"],
        &["passwd", "-c", new.to_str().unwrap(), "bob", "--generate"],
        &["passwd", "-c", "--overwrite", file, "bob", "--generate"],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let closed = writer.try_clone().unwrap();
        for (output, why) in [(Stdio::from(full), "No space left on device"), (Stdio::from(closed), "Broken pipe")] {
            let ended = moskit(words).stdin(Stdio::null()).stdout(output).output().unwrap();
            let said = String::from_utf8(ended.stderr).unwrap();
            let expected =
                format!("error: cannot write the new password to standard output: {why}; it was not stored\n");
            assert_eq!((ended.status.code(), said), (Some(1), expected), "{words:?}");
            assert_eq!(fs::read(&passwords).unwrap(), before, "{words:?}");
            assert!(!new.exists(), "{words:?}");
        }
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["passwords"], "no draft stays");
}

#[test]
fn a_generated_password_is_not_shown_when_it_cannot_be_stored() {
    let folder = tempfile::tempdir().unwrap();
    let passwords = folder.path().join("passwords");
    fs::write(&passwords, "ann:secret\n").unwrap();
    let file = passwords.to_str().unwrap();
    // The file is there already, and the line of the user is not the only one that is wrong.
    let ended = run(&mut moskit(&["passwd", "-c", file, "bob", "--generate"]), b"");
    assert_eq!((ended.stdout.as_str(), ended.code), ("", 1), "{ended:?}");
    fs::write(&passwords, "corrupt\nann:secret\n").unwrap();
    let ended = run(&mut moskit(&["passwd", file, "ann", "--generate"]), b"");
    assert_eq!((ended.stdout.as_str(), ended.code), ("", 1), "{ended:?}");
}

#[test]
fn a_broker_whose_address_nobody_can_read_does_not_go_on() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let port = free_port().to_string();
    let ended = moskit(&["broker", "-q", "-p", &port, "--print-url"]).stdout(full).output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8(ended.stderr).unwrap()), (Some(1), LOST.to_owned()));
}

#[test]
fn the_mosquitto_names_say_so_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("passwords");
    for (name, words) in [
        ("mosquitto_pub", vec!["--help"]),
        ("mosquitto_passwd", vec!["-b", "-c", "-", "ann", "secret"]),
        ("mosquitto_passwd", vec!["-b", "-c", file.to_str().unwrap(), "ann", "secret"]),
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let ended = called_as(name, &words).stdout(full).output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(said.matches(LOST).count(), 1, "{name} {words:?}: {said}");
        assert_ne!(ended.status.code(), Some(0), "{name} {words:?}");
    }
}

#[test]
fn a_ready_file_that_holds_a_password_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready");
    // Also when somebody has made the file for all to read.
    fs::write(&ready, "old").unwrap();
    fs::set_permissions(&ready, fs::Permissions::from_mode(0o644)).unwrap();
    let words = ["broker", "-q", "-p", "0", "--login", "--ready-file", ready.to_str().unwrap(), "--run", ":"];
    let ended = run(&mut moskit(&words), b"");
    assert_eq!((ended.stderr.as_str(), ended.code), ("", 0));
    assert!(fs::read_to_string(&ready).unwrap().contains('@'), "the URL has no login");
    assert_eq!(fs::metadata(&ready).unwrap().permissions().mode() & 0o777, 0o600);
}
