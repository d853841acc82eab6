//! Debian's mosquitto and mosquitto_passwd as judges.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{done, ended, file, own, theirs};
use crate::mosquitto::{Mosquitto, free_port, installed};
use crate::run::{Ended, run};

fn broker(folder: &Path) -> Option<(Mosquitto, u16)> {
    let port = free_port();
    let configuration =
        format!("listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {}/passwords\n", folder.display());
    Mosquitto::start(folder, &configuration).map(|broker| (broker, port))
}

/// The exit code of a login: 0, or 5 for a refused one.
fn log_in(port: u16, user: &str, password: &str) -> i32 {
    let mut login = Command::new(installed("mosquitto_pub").expect("the clients come with the broker"));
    login.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-u", user, "-P", password, "-t", "t", "-m", "m"]);
    run(&mut login, b"").code
}

#[test]
fn debians_mosquitto_lets_in_whom_we_wrote_into_the_file() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "# users\n\nplain:text\n");
    done(folder.path(), &["-b", "passwords", "ann", "secret"]);
    done(folder.path(), &["-H", "sha512", "-b", "passwords", "bob", "s:e c"]);
    done(folder.path(), &["-I", "5000", "-b", "passwords", "cat", "grün"]);
    done(folder.path(), &["-U", "passwords"]);
    let Some((_broker, port)) = broker(folder.path()) else { return };
    for (user, password) in [("ann", "secret"), ("bob", "s:e c"), ("cat", "grün"), ("plain", "text")] {
        assert_eq!(log_in(port, user, password), 0, "{user}");
        assert_eq!(log_in(port, user, "wrong"), 5, "{user}");
    }
}

#[test]
fn a_reloaded_broker_knows_the_new_user() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "");
    done(folder.path(), &["-b", "passwords", "ann", "a"]);
    let Some((mut broker, port)) = broker(folder.path()) else { return };
    assert_eq!(log_in(port, "bob", "b"), 5);
    let pid = broker.pid().to_string();
    let told = format!("note: told mosquitto (process {pid}) to reload\n");
    let added = run(&mut own(folder.path(), &["-b", "passwords", "bob", "b", "--reload", &pid]), b"");
    assert_eq!(added, ended("Adding password for user bob\n", &told, 0));
    broker.wait_for("Reloading config");
    assert_eq!(log_in(port, "bob", "b"), 0);
    fs::write(folder.path().join("mosquitto.pid"), format!("{pid}\n")).unwrap();
    let deleted = run(&mut own(folder.path(), &["-D", "passwords", "bob", "--reload", "mosquitto.pid"]), b"");
    assert_eq!(deleted, ended("", &told, 0));
    broker.wait_for("Reloading config");
    assert_eq!(log_in(port, "bob", "b"), 5);
}

#[test]
fn only_a_broker_is_told_and_only_of_a_good_file() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "");
    let add = |reload: &str| run(&mut own(folder.path(), &["-b", "passwords", "ann", "a", "--reload", reload]), b"");
    let not_told = |why: &str| format!("error: the broker was not told: {why}\n");
    let mut other = Command::new("sleep").arg("600").spawn().unwrap();
    let pid = other.id().to_string();
    assert_eq!(add(&pid).stderr, not_told(&format!("process {pid} is `sleep`, neither mosquitto nor moskit")));
    assert_eq!(other.try_wait().unwrap(), None, "it was not signalled");
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(add(&pid).stderr, not_told(&format!("process {pid} is not there: No such process")));
    assert_eq!(add("none").stderr, not_told("`none` is no process id and cannot be read: No such file or directory"));
    assert_eq!(add("passwords").stderr, not_told("`passwords` holds no process id"));
    file(folder.path(), "twice:x\n");
    let Ended { stderr, code, .. } = add("1");
    let why = "it would refuse line 1 of `passwords`: not a hash";
    assert_eq!((stderr, code), (format!("{}hint: moskit passwd --list passwords\n", not_told(why)), 1));
}

#[test]
fn debians_mosquitto_passwd_says_the_same() {
    let Some(debian) = installed("mosquitto_passwd") else { return };
    for (text, words) in [
        ("", &["-D", "passwords", "u"][..]),
        ("", &["-U", "passwords"]),
        ("a:x\nbad\nz:y\n", &["-D", "passwords", "a"]),
        ("a:x\nbad\nz:y\n", &["-b", "passwords", "a", "p"]),
        ("a:x\n", &["-D", "passwords", "a"]),
        (" a :x\nb:y\na:z\n", &["-D", "passwords", "a"]),
        ("a:x\n", &["-D", "none", "a"]),
        ("a:x\n", &["-b", "none", "a", "p"]),
        ("a:x\n", &["-c", "-D", "passwords", "a"]),
        ("a:x\n", &["-H", "md5", "passwords", "a"]),
        ("a:x\n", &["-H"]),
        ("a:x\n", &["-U", "passwords", "b"]),
        ("a:x\n", &["-b", "passwords", "a:b", "p"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), text);
        let theirs_said = run(Command::new(&debian).args(words).current_dir(folder.path()), b"");
        let theirs_left = fs::read(&path).unwrap();
        file(folder.path(), text);
        let ours_said = run(&mut theirs(folder.path(), words), b"");
        assert_eq!(ours_said, theirs_said, "{words:?}");
        assert_eq!(fs::read(&path).unwrap(), theirs_left, "{words:?}");
    }
}

#[test]
fn what_debians_mosquitto_passwd_wrote_is_read() {
    let Some(debian) = installed("mosquitto_passwd") else { return };
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "plain:text\n");
    let debian = |words: &[&str], typed: &str| {
        let ended = run(Command::new(&debian).args(words).current_dir(folder.path()), typed.as_bytes());
        assert_eq!(ended.code, 0, "{ended:?}");
    };
    debian(&["-U", "passwords"], "");
    debian(&["-b", "passwords", "ann", "a b"], "");
    debian(&["-H", "sha512", "-b", "passwords", "bob", "grün"], "");
    debian(&["passwords", "cat"], "c\nc\n");
    for (user, password) in [("plain", "text"), ("ann", "a b"), ("bob", "grün"), ("cat", "c")] {
        done(folder.path(), &["-b", "--verify", user, "passwords", password]);
    }
}
