//! passwd as a whole program: words, prompts, files, and Debian's mosquitto as judge of the results.

mod brokers;
mod files;
mod kills;
mod modes;
mod prompts;
mod words;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Ended, called_as, moskit, run};

/// A password file that nobody else may read, so that no warning about it is due.
fn file(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("passwords");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// `moskit passwd WORDS` in `folder`.
fn own(folder: &Path, words: &[&str]) -> Command {
    let mut command = moskit(&[&["passwd"], words].concat());
    command.current_dir(folder);
    command
}

/// `mosquitto_passwd WORDS` in `folder`.
fn theirs(folder: &Path, words: &[&str]) -> Command {
    let mut command = called_as("mosquitto_passwd", words);
    command.current_dir(folder);
    command
}

fn ended(stdout: &str, stderr: &str, code: i32) -> Ended {
    Ended { stdout: stdout.into(), stderr: stderr.into(), code }
}

/// Runs `moskit passwd WORDS`, which must succeed without a word on standard error.
fn done(folder: &Path, words: &[&str]) -> String {
    let ended = run(&mut own(folder, words), b"");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{words:?}");
    ended.stdout
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
