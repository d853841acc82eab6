//! Passwords from a pipe, a terminal, a file, a variable.

use std::fs;

use super::{done, ended, file, names, own, theirs};
use crate::run::{Ended, run};
use crate::terminal::OnTerminal;

#[test]
fn a_password_is_asked_for_twice() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "");
    let added = run(&mut theirs(folder.path(), &["passwords", "ann"]), b"pw\r\npw\n");
    assert_eq!(added, ended("Password: \nReenter password: \nAdding password for user ann\n", "", 0));
    done(folder.path(), &["-b", "--verify", "ann", "passwords", "pw"]);
}

#[test]
fn a_line_can_go_to_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let printed = run(&mut theirs(folder.path(), &["-c", "-", "NAME"]), b"pw\npw\n");
    assert!(printed.stdout.starts_with("Password: \nReenter password: \nNAME:$7$1000$"), "{}", printed.stdout);
    assert_eq!((printed.stderr.as_str(), printed.code), ("", 0));
    let batch = run(&mut theirs(folder.path(), &["-b", "-c", "-", "NAME", "pw"]), b"");
    assert!(batch.stdout.starts_with("NAME:$7$1000$") && batch.stdout.ends_with("==\n"), "{}", batch.stdout);
    assert_eq!((batch.stderr.as_str(), batch.code), ("", 0));
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn different_entries_end_with_2_and_empty_ones_with_1() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "old:x\n");
    let both = "Password: \nReenter password: \n";
    for (typed, stdout, stderr, code) in [
        ("not\nmatching\n", both, "Error: Passwords do not match.\n", 2),
        ("\n", "Password: \n", "Error: Empty password.\n", 1),
        ("", "Password: \n", "Error: Empty password.\n", 1),
        ("pw\n", both, "Error: Empty password.\n", 1),
    ] {
        for words in [&["passwords", "ann"][..], &["-c", "new", "ann"]] {
            let refused = run(&mut theirs(folder.path(), words), typed.as_bytes());
            assert_eq!(refused, ended(stdout, stderr, code), "{typed:?} {words:?}");
        }
    }
    assert_eq!(names(folder.path()), ["passwords"]);
    assert_eq!(fs::read_to_string(folder.path().join("passwords")).unwrap(), "old:x\n");
}

#[test]
fn a_file_that_is_not_there_is_told_before_the_prompt() {
    let folder = tempfile::tempdir().unwrap();
    let refused = run(&mut theirs(folder.path(), &["none", "ann"]), b"pw\npw\n");
    assert_eq!(refused, ended("", "Error: Unable to open password file none. No such file or directory.\n", 1));
}

#[test]
fn too_long_a_line_is_no_password() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "");
    let refused = run(&mut theirs(folder.path(), &["passwords", "ann"]), "x".repeat(70_000).as_bytes());
    assert_eq!(refused, ended("Password: \n", "Error: Password must be less than 65536 characters long.\n", 1));
}

#[test]
fn a_password_comes_from_standard_input_a_file_or_a_variable() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "");
    let adding = |user: &str| ended(&format!("Adding password for user {user}\n"), "", 0);
    assert_eq!(run(&mut own(folder.path(), &["passwords", "a", "--stdin"]), b"p w\r\n"), adding("a"));
    fs::write(folder.path().join("secret"), "from file").unwrap();
    assert_eq!(run(&mut own(folder.path(), &["passwords", "b", "--pw-file", "secret"]), b""), adding("b"));
    assert_eq!(run(own(folder.path(), &["passwords", "c", "--pw-env=PW"]).env("PW", "from env"), b""), adding("c"));
    for (user, password) in [("a", "p w"), ("b", "from file"), ("c", "from env")] {
        done(folder.path(), &["-b", "--verify", user, "passwords", password]);
    }
}

#[test]
fn a_source_without_one_password_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "");
    let refused = |words: &[&str], typed: &str| {
        run(&mut own(folder.path(), &[&["passwords", "a"], words].concat()), typed.as_bytes())
    };
    // As in every file of a secret, what follows the first line is passed over.
    assert_eq!(refused(&["--stdin"], "a\nb\n"), ended("Adding password for user a\n", "", 0));
    assert_eq!(refused(&["--stdin"], "\n"), ended("", "Error: Empty password.\n", 1));
    let long = "error: cannot read the password from standard input: it has more than 65535 bytes\n";
    assert_eq!(refused(&["--stdin"], &"x".repeat(65_536)), ended("", long, 1));
    let none = "error: cannot read the password from `none`: No such file or directory\n";
    assert_eq!(refused(&["--pw-file", "none"], ""), ended("", none, 1));
    assert_eq!(refused(&["--pw-env", "NO_SUCH"], ""), ended("", "error: there is no variable `NO_SUCH`\n", 1));
}

#[test]
fn a_generated_password_is_all_that_standard_output_gets() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "");
    let Ended { stdout, stderr, code } = run(&mut own(folder.path(), &["passwords", "a", "--generate", "30"]), b"");
    assert_eq!((stderr.as_str(), code), ("Adding password for user a\n", 0));
    assert_eq!(stdout.len(), 31, "{stdout}");
    done(folder.path(), &["-b", "--verify", "a", "passwords", stdout.trim_end()]);
    assert_eq!(
        run(&mut own(folder.path(), &["passwords", "a", "--generate=7"]), b"").stderr,
        "Error: --generate takes how many characters to make, 8 to 1024, and no password.\n"
    );
}

#[test]
fn nothing_that_is_typed_is_shown_and_backspace_works() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "");
    let mut run = OnTerminal::start(theirs(folder.path(), &["passwords", "ann"]));
    run.wait_for("Password: ");
    assert!(!run.has_echo());
    run.type_in("secreX\u{7f}t\n");
    assert_eq!(run.wait_for("Reenter password: "), "\r\nReenter password: ");
    run.type_in("secret\n");
    assert_eq!(run.wait_for("ann\r\n"), "\r\nAdding password for user ann\r\n");
    assert!(run.child.wait().unwrap().success());
    assert!(run.has_echo());
    done(folder.path(), &["-b", "--verify", "ann", "passwords", "secret"]);
}

#[test]
fn a_signal_at_the_prompt_gives_the_echo_back_and_leaves_no_file() {
    use rustix::process::{Pid, Signal, kill_process};
    for (signal, own_code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        for as_mosquitto in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            file(folder.path(), "old:x\n");
            let words = ["passwords", "ann"];
            let command = if as_mosquitto { theirs(folder.path(), &words) } else { own(folder.path(), &words) };
            let mut run = OnTerminal::start(command);
            run.wait_for("Password: ");
            run.type_in("half");
            kill_process(Pid::from_raw(run.child.id().cast_signed()).unwrap(), signal).unwrap();
            assert_eq!(run.child.wait().unwrap().code(), Some(if as_mosquitto { 0 } else { own_code }));
            assert!(run.has_echo());
            assert_eq!(names(folder.path()), ["passwords"]);
            assert_eq!(fs::read_to_string(folder.path().join("passwords")).unwrap(), "old:x\n");
        }
    }
}
