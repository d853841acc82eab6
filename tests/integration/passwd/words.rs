//! The grammar of mosquitto_passwd and its sentences.

use std::fs;

use super::{ended, file, names, own, theirs};
use crate::run::{Ended, run};

/// Condition → exact sentence, in the order in which the conditions are checked.
fn refusals() -> Vec<(Vec<String>, &'static str)> {
    let words = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let long = "x".repeat(65_536);
    vec![
        (words("-H"), "-H argument given but not enough other arguments."),
        (words("-H md5 f u"), "Unknown hash type 'md5'"),
        (words("-H SHA512 f u"), "Unknown hash type 'SHA512'"),
        (words("-I"), "-I argument given but not enough other arguments."),
        (words("-I 0 f u"), "Number of iterations must be > 0."),
        (words("-I abc f u"), "Number of iterations must be > 0."),
        (words("-I -5 -H md5 f u"), "Number of iterations must be > 0."),
        (words("-c -D f u"), "-c and -D cannot be used together."),
        (words("-c -D -U f u"), "-c and -D cannot be used together."),
        (words("-c -U f"), "-c and -U cannot be used together."),
        (words("-D -U f"), "-D and -U cannot be used together."),
        (words("-b -D f u"), "-b and -D cannot be used together."),
        (words("-c -b f u"), "-c argument given but password file, username, or password missing."),
        (words("-c f"), "-c argument given but password file or username missing."),
        (words("-D f"), "-D argument given but password file or username missing."),
        (words("-U"), "-U argument given but password file missing."),
        (words("-U f g"), "-U argument given but password file missing."),
        (vec!["-b".into(), "f".into(), long.clone(), "p".into()], "Username must be less than 65536 characters long."),
        (words("-b f a\tb p"), "Username must not contain control characters."),
        (words("-D f a\x7fb"), "Username must not contain control characters."),
        (words("-D f a:b"), "Username must not contain the ':' character."),
        (words("-c f a:b"), "Username must not contain the ':' character."),
        (vec!["-b".into(), "f".into(), "u".into(), long], "Password must be less than 65536 characters long."),
    ]
}

#[test]
fn wrong_words_end_with_1_and_mosquittos_sentence() {
    let folder = tempfile::tempdir().unwrap();
    for (words, sentence) in refusals() {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let line = format!("Error: {sentence}\n");
        assert_eq!(run(&mut theirs(folder.path(), &words), b""), ended("", &line, 1), "{words:?}");
        // Under our own name what the option takes may stand below it.
        let ours = run(&mut own(folder.path(), &words), b"");
        let hint = ours.stderr.strip_prefix(&line).unwrap_or_else(|| panic!("{words:?}: {ours:?}"));
        assert!(hint.is_empty() || hint.starts_with("hint: -"), "{words:?}: {ours:?}");
        assert_eq!((ours.stdout.as_str(), ours.code), ("", 1), "{words:?}");
    }
    assert_eq!(names(folder.path()), [""; 0], "nothing was created");
}

#[test]
fn no_words_and_too_many_words_get_the_usage_on_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "");
    for words in [
        &[][..],
        &["f"],
        &["f", "u", "x"],
        &["-b", "f", "u"],
        &["-b", "f", "u", "p", "x"],
        &["--help"],
        &["--list", "f", "x"],
    ] {
        let Ended { stdout, stderr, code } = run(&mut theirs(folder.path(), words), b"");
        assert!(stdout.starts_with("Usage: mosquitto_passwd [-c] "), "{words:?}: {stdout}");
        assert_eq!((stderr.as_str(), code), ("", 1));
    }
}

#[test]
fn the_usage_under_our_own_name_has_every_form_and_fits_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let Ended { stdout, stderr, code } = run(&mut own(folder.path(), &["--scram"]), b"");
    assert_eq!((stderr.as_str(), code), ("", 1));
    for form in ["-b [-c]", "-D FILE", "-U FILE", "--import CSV", "--verify USER", "--list", "--weak", "--scram [-c]"] {
        assert!(stdout.contains(form), "{form}: {stdout}");
    }
    let theirs = run(&mut theirs(folder.path(), &[]), b"").stdout;
    assert!(!theirs.contains("--scram"), "{theirs}");
    assert!(stdout.lines().chain(theirs.lines()).all(|line| line.len() <= 80), "{stdout}{theirs}");
}

#[test]
fn create_and_delete_do_not_mind_more_words() {
    let folder = tempfile::tempdir().unwrap();
    let adding = ended("Adding password for user u\n", "", 0);
    assert_eq!(run(&mut theirs(folder.path(), &["-c", "-b", "f", "u", "p", "more", "-D"]), b""), adding);
    assert_eq!(run(&mut theirs(folder.path(), &["-D", "f", "u", "more"]), b""), ended("", "", 0));
    assert_eq!(fs::read_to_string(folder.path().join("f")).unwrap(), "");
}

#[test]
fn an_option_behind_the_file_is_a_user() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "");
    let adding = ended("Adding password for user -D\n", "", 0);
    assert_eq!(run(&mut theirs(folder.path(), &["-b", "passwords", "-D", "-c"]), b""), adding);
    assert!(fs::read_to_string(path).unwrap().starts_with("-D:$7$1000$"));
}

#[test]
fn odd_users_and_passwords_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "");
    for (user, password) in [("with space", " "), ("grün", "a:b"), ("ok", "\u{1}\n")] {
        let added = run(&mut theirs(folder.path(), &["-b", "passwords", user, password]), b"");
        assert_eq!(added, ended(&format!("Adding password for user {user}\n"), "", 0));
        let right = run(&mut own(folder.path(), &["-b", "--verify", user, "passwords", password]), b"");
        assert_eq!(right, ended(&format!("Right password for user {user}\n"), "", 0));
    }
    // The entry is made, as by the original, but no login by it is ever right.
    let added = run(&mut theirs(folder.path(), &["-b", "passwords", "ann", ""]), b"");
    let warning = "Warning: the password is empty, and moskit's broker lets nobody in by this entry.\n";
    assert_eq!(added, ended("Adding password for user ann\n", warning, 0));
    let verified = run(&mut own(folder.path(), &["-b", "--verify", "ann", "passwords", ""]), b"");
    assert_eq!((verified.stderr.as_str(), verified.code), ("Error: Wrong password for user ann.\n", 4));
}

#[test]
fn batch_and_update_go_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "u:p\n");
    assert_eq!(run(&mut theirs(folder.path(), &["-b", "-U", "passwords"]), b""), ended("", "", 0));
    assert!(fs::read_to_string(path).unwrap().starts_with("u:$7$1000$"));
}

#[test]
fn help_is_one_of_our_own_options() {
    let folder = tempfile::tempdir().unwrap();
    let help = run(&mut own(folder.path(), &["--help"]), b"");
    assert_eq!((help.stderr.as_str(), help.code), ("", 0));
    for option in ["--verify <USER>", "-U, --update", "--generate[=<LENGTH>]", "--reload <PID|FILE>"] {
        assert!(help.stdout.contains(option), "{option} is missing:\n{}", help.stdout);
    }
}
